"""The lean Adam is torch's to the last bit, plateaus of the step size included, and imports none of its compiler."""

import subprocess
import sys

import pytest
import torch

from verifier.paths.curves.adam import Adam


@pytest.mark.parametrize("seed", range(4))
def test_every_bit_is_torchs(seed):
    generator = torch.Generator().manual_seed(seed)
    shapes = [(3, 2), (4,), (1, 4)]
    start = [torch.randn(s, dtype=torch.float64, generator=generator) for s in shapes]
    goal = [torch.randn(s, dtype=torch.float64, generator=generator) for s in shapes]

    def value(parameters):
        # A kink keeps it from converging, so that the step size falls more than once.
        return sum(((p - g) ** 2).sum() + (p - g).abs().sum() for p, g in zip(parameters, goal))

    ours, theirs = ([p.clone().requires_grad_(True) for p in start] for _ in range(2))
    lean = Adam(torch, ours, 0.3, 0.5)
    optimiser = torch.optim.Adam(theirs, lr=0.3)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, factor=0.5)
    sizes = set()
    for _ in range(150):
        F = value(ours)
        F.backward()
        lean.step(float(F.detach()))
        optimiser.zero_grad()
        G = value(theirs)
        G.backward()
        optimiser.step()
        schedule.step(float(G.detach()))
        assert lean.lr == optimiser.param_groups[0]["lr"]
        sizes.add(lean.lr)
        assert all(torch.equal(p, q) for p, q in zip(ours, theirs))
    assert len(sizes) > 2, "the step size fell"


def test_dss_imports_no_compiler():
    code = (
        "import sys, numpy as np\n"
        "from verifier.networks.network import one_hidden_layer\n"
        "from verifier.objective import Risk, make_objective\n"
        "from verifier.paths.curves.dss import dss\n"
        "rng = np.random.default_rng(0)\n"
        "A, B = (one_hidden_layer(rng.normal(size=(4, 2)), rng.normal(size=(1, 4)), b=rng.normal(size=4)) for _ in range(2))\n"
        "X = rng.normal(size=(9, 2)); y = X[:, :1]\n"
        "r = dss(A, B, Risk(make_objective('squared'), X, y))\n"
        "print(len(r.path.moves) > 1, 'torch._dynamo' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["True", "False"]

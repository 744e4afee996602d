"""The lean Adam is torch's to the last bit, plateaus of the step size included, and imports none of its compiler."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from verifier.paths.curves.adam import Adam, ArrayAdam


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


@pytest.mark.parametrize(("dtype", "near"), [(torch.float64, 1e-12), (torch.float32, 1e-4)])
def test_of_arrays(dtype, near):
    """Without fused multiply-adds the last bits are others."""
    generator = torch.Generator().manual_seed(0)
    goal = torch.randn(7, dtype=dtype, generator=generator)
    theirs = torch.zeros(7, dtype=dtype, requires_grad=True)
    ours = np.zeros_like(theirs.detach().numpy())
    lean, optimiser = ArrayAdam(ours, 0.3, 0.5), torch.optim.Adam([theirs], lr=0.3)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, factor=0.5)
    for _ in range(150):
        optimiser.zero_grad()
        F = ((theirs - goal) ** 2).sum() + (theirs - goal).abs().sum()
        F.backward()
        lean.step(theirs.grad.numpy(), float(F.detach()))
        optimiser.step()
        schedule.step(float(F.detach()))
        assert lean.lr == optimiser.param_groups[0]["lr"]
        assert ours == pytest.approx(theirs.detach().numpy(), rel=near, abs=near)
        # Of equal gradients only steps are compared.
        ours[:] = theirs.detach().numpy()
    assert ours.dtype == goal.numpy().dtype
    assert lean.lr < 0.3, "the step size fell"


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

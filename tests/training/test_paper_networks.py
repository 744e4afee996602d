"""The paper's protocol gives the paper's own networks: their losses are those of its author's records."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from verifier.data.load import load_data
from verifier.errors import UsageError
from verifier.networks.network import one_hidden_layer
from verifier.objective import Risk, make_objective
from verifier.options.objective import ObjectiveOptions
from verifier.paths.curves.dss import custom, dss
from verifier.sweep.author_records import author_records
from verifier.sweep.plan import paper_pairs, plan
from verifier.sweep.spec import read_preset
from verifier.training.torch_losses import forward, to_unit_rows
from verifier.training.train import train_network

# Of the author's records (energy_gap_*.csv of February 2026): data set, loss, width, seed in the pool, total loss.
RECORDS = [
    ("paper-breast-cancer", "logistic", 20, 10, 0.027037769556045532),
    ("paper-breast-cancer", "logistic", 20, 556, 0.029904929921030998),
    ("paper-breast-cancer", "logistic", 200, 13, 0.03160417824983597),
    ("paper-moons", "squared", 20, 757, 0.04367433488368988),
    ("paper-moons", "squared", 200, 13, 0.03742440417408943),
]


@pytest.mark.parametrize(("data", "loss", "width", "seed", "total"), RECORDS)
def test_networks_are_the_authors(data, loss, width, seed, total):
    dataset = load_data(data, loss=loss)
    trained = train_network(dataset, width, loss, seed=seed, protocol="paper")
    # Float32 sums differ between processors and grow with 150 steps: width 200 less alike than width 20.
    assert trained.history[-1] == pytest.approx(total, rel=1e-6 if width == 20 else 1e-3)
    assert np.linalg.norm(trained.network.W, axis=1) == pytest.approx(1.0, abs=1e-6)
    assert trained.settings["protocol"] == "paper"


def test_rows_become_unit_rows_and_the_function_stays():
    generator = torch.Generator().manual_seed(0)
    draw = lambda *shape: torch.randn(*shape, dtype=torch.float64, generator=generator)
    weights, biases, X = [draw(5, 3), draw(2, 5)], [draw(5), draw(2)], draw(40, 3)
    weights[0][2] = 0.0
    before = forward(weights, biases, X)
    to_unit_rows(weights, biases)
    assert torch.allclose(forward(weights, biases, X), before, rtol=1e-12, atol=1e-12)
    norms = torch.linalg.vector_norm(weights[0], dim=1)
    assert torch.allclose(norms, torch.tensor([1.0, 1.0, 0.0, 1.0, 1.0], dtype=torch.float64))


def test_pairs_are_the_papers():
    assert paper_pairs(20, 3) == [(10, 757), (791, 556), (550, 295)]
    assert paper_pairs(200, 3) == [(13, 738), (800, 899), (719, 250)]
    planned = plan(read_preset("paper"), limit=2)
    seeds = {w: [(p.a.seed, p.b.seed) for p in planned if p.width == w] for w in (20, 200)}
    assert seeds == {20: 2 * [(10, 757), (791, 556)], 200: 2 * [(13, 738), (800, 899)]}
    assert all(p.a.training.protocol == "paper" for p in planned)
    assert [p.record for p in planned if p.width == 20 and p.data_name == "paper-moons"] == list(
        author_records()["paper-moons", 20][:2]
    )
    # Records are of these networks and this objective alone.
    (moons, _), kappa = read_preset("paper"), ObjectiveOptions(kappa=0.1, penalty="path")
    for other in (
        replace(moons, objective=kappa),
        replace(moons, options=replace(moons.options, polish=True)),
        replace(moons, loss="logistic"),
    ):
        assert all(p.record is None for p in plan((other,), limit=2))


def test_beads_of_the_published_search_keep_unit_rows():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(30, 2))
    y = np.where(X[:, :1] * X[:, 1:] > 0, 1.0, -1.0)
    nets = []
    for _ in range(2):
        W = rng.normal(size=(6, 2))
        nets.append(
            one_hidden_layer(
                W / np.linalg.norm(W, axis=1, keepdims=True), rng.normal(size=(1, 6)), b=rng.normal(size=6)
            )
        )
    objective = make_objective("logistic", kappa=0.001, penalty="l1")
    found = dss(*nets, Risk(objective, X, y), preset=custom("paper", depth=2), level=1e-3)
    beads = [m.to for m in found.path.moves[:-1]]
    assert beads
    for bead in beads:
        assert np.linalg.norm(bead.W, axis=1) == pytest.approx(1.0, abs=1e-6)


def test_the_published_search_is_for_one_hidden_layer():
    from tests.pipeline.conftest import tiny_network

    A, B = (tiny_network(s, (2, 3, 3, 1)) for s in (1, 2))
    X = np.zeros((4, 2))
    with pytest.raises(UsageError, match="DSS preset 'paper' is for one hidden layer"):
        dss(A, B, Risk(make_objective("squared"), X, np.zeros((4, 1))), preset="paper")

"""DSS's preset `paper` computes what the code behind Baturin 2026's tables did: against a second writing of it, and the author's records."""

import numpy as np
import pytest
import torch

from verifier.data.load import load_data
from verifier.errors import UsageError
from verifier.networks.network import Network
from verifier.objective import Risk, make_objective
from verifier.paths.curves.dss import custom, dss
from verifier.sweep.author_records import author_records
from verifier.sweep.plan import paper_pairs
from verifier.training.train import train_network


class Written:
    """The search as a recursion in float32, from the words of docs/constructions.md, section 3."""

    def __init__(self, X, y, kappa, level, depth, epochs):
        self.X, self.y = torch.tensor(X).float(), torch.tensor(y).float()
        self.kappa, self.level, self.depth, self.epochs = kappa, level, depth, epochs
        self.exceedances, self.hits, self.leaves = [], 0, 0

    def loss(self, p):
        W, b, theta, c = p
        f = torch.relu(self.X @ W.T + b) @ theta.T + c
        return ((f - self.y) ** 2).mean()

    def l1(self, p):
        return p[2].abs().sum() + p[3].abs().sum()

    def bead(self, p):
        p = [torch.nn.Parameter(a.clone()) for a in p]
        adam = torch.optim.Adam(p, lr=0.01)
        plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(adam, "min", factor=0.9)
        for _ in range(self.epochs):
            adam.zero_grad()
            value = self.loss(p) + self.kappa * self.l1(p)
            value.backward()
            adam.step()
            with torch.no_grad():
                norms = p[0].norm(dim=1)
                p[0] /= norms[:, None]
                p[1] /= norms
                p[2] *= norms
            if value.item() < self.level:
                break
            plateau.step(value.item())
        return [a.detach() for a in p]

    def visit(self, a, b, depth=0):
        with torch.no_grad():
            times = [t.item() for t in torch.linspace(0, 1, 200)]
            mixed = [[(1 - t) * u + t * v for u, v in zip(a, b)] for t in times]
            values = [self.loss(p).item() + self.kappa * self.l1(p).item() for p in mixed]
        k = int(np.argmax(values))
        if values[k] > self.level:
            self.exceedances.append(values[k] - self.level)
        if depth > self.depth:
            self.hits += 1
            self.leaves += 1
        elif values[k] <= self.level:
            self.leaves += 1
        else:
            middle = self.bead(mixed[k])
            self.visit(a, middle, depth + 1)
            self.visit(middle, b, depth + 1)


@pytest.mark.parametrize("seed", range(4))
def test_against_a_second_writing(seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(40, 2)).astype(np.float32).astype(float)
    y = (X[:, :1] * X[:, 1:] > 0).astype(float)

    def network():
        W = rng.normal(size=(5, 2))
        arrays = (
            W / np.linalg.norm(W, axis=1, keepdims=True),
            rng.normal(size=5),
            rng.normal(size=(1, 5)) / 2,
            rng.normal(size=1),
        )
        W, b, theta, c = (a.astype(np.float32).astype(float) for a in arrays)
        return Network((W, theta), (b, c))

    A, B = network(), network()
    o = make_objective("squared", kappa=0.001, penalty="l1", penalise_output_bias=True)
    level = float(np.float32(0.9 * max(o.value(n, X, y) for n in (A, B)))) if seed % 2 else float(np.float32(0.3))
    r = dss(A, B, Risk(o, X, y), preset=custom("paper", depth=2, epochs=40), level=level)
    again = Written(X, y, 0.001, level, 2, 40)
    again.visit(*[[torch.tensor(a).float() for a in (n.W, n.b, n.theta, n.c)] for n in (A, B)])
    assert r.hit == (again.hits > 0)
    assert len(r.path.moves) == again.leaves
    assert r.least_exceedance == pytest.approx(min(again.exceedances) if again.hits else 0.0, rel=1e-3, abs=1e-6)


def test_a_record_of_the_author_is_found_again():
    """The sixth pair of Breast Cancer, width 20: hit, smallest exceedance 6.46e-5. The largest on the same string is ten times that."""
    data = load_data("paper-breast-cancer", loss="logistic")
    k, record = 5, author_records()["paper-breast-cancer", 20][5]
    A, B = (train_network(data, 20, "logistic", seed=s, protocol="paper") for s in paper_pairs(20, 200)[k])
    targets = A.objective.loss.encode(data)
    r = dss(A.network, B.network, Risk(A.objective, data.X, targets), preset="paper")
    assert r.level == pytest.approx(record.level, rel=1e-6)
    assert r.hit is record.hit is True
    # Float32 sums of other processors decide which segment is the least; here it agrees in three digits.
    assert r.least_exceedance == pytest.approx(record.gap, rel=0.1)
    assert r.maximum - r.level > 5 * r.least_exceedance


def test_maxima_are_in_float64_whatever_the_search_saw():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 2)), rng.normal(size=(30, 1))
    A, B = (
        Network((rng.normal(size=(4, 2)), rng.normal(size=(1, 4))), (rng.normal(size=4), rng.normal(size=1)))
        for _ in range(2)
    )
    o = make_objective("squared")
    r = dss(A, B, Risk(o, X, y), preset=custom("paper", depth=1, epochs=5))
    assert r.path.start is A
    assert r.path.end.same_parameters(B)
    assert r.maximum >= max(o.value(n, X, y) for n in (A, B)) * (1 - 1e-12)


def test_what_the_published_code_cannot_do_is_refused():
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(5, 2)), rng.normal(size=(5, 1))
    deep = Network((rng.normal(size=(3, 2)), rng.normal(size=(3, 3)), rng.normal(size=(1, 3))), (None,) * 3)
    with pytest.raises(
        UsageError, match="DSS preset 'paper' is for one hidden layer, these networks have 2; use plain"
    ):
        dss(deep, deep, Risk(make_objective("squared"), X, y), preset="paper")
    with pytest.raises(UsageError, match="is for one hidden layer"):
        dss(deep, deep, Risk(make_objective("squared"), X, y), preset=custom("paper", depth=2))


def test_networks_without_an_output_bias_are_searched_too():
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(10, 2)), rng.normal(size=(10, 1))
    A, B = (Network((rng.normal(size=(3, 2)), rng.normal(size=(1, 3))), (None, None)) for _ in range(2))
    o = make_objective("squared", kappa=0.01, penalty="l1", penalise_output_bias=True)
    r = dss(A, B, Risk(o, X, y), preset=custom("paper", depth=1, epochs=3))
    assert r.path.end.same_parameters(B)


def test_the_authors_records_give_the_printed_tables():
    """Means, maxima, hit rates, and the p-values, which are one-sided."""
    from verifier.pages.sweep_published import TABLES
    from verifier.sweep.statistics import cliffs_delta, mann_whitney

    for table in TABLES:
        gaps = {}
        for row in table.rows:
            records = author_records()[table.data, row.width]
            gaps[row.width] = np.array([r.gap for r in records])
            assert len(records) == row.pairs
            assert np.mean([r.hit for r in records]) == float(row.hit_rate)
            assert gaps[row.width].mean() == pytest.approx(row.mean, rel=0.1)
            assert gaps[row.width].max() == pytest.approx(row.maximum, rel=1e-3)
        _, p = mann_whitney(gaps[200], gaps[20], alternative="less")
        assert p == pytest.approx(float(table.p_less), rel=0.01)
        assert cliffs_delta(gaps[200], gaps[20]) == pytest.approx(float(table.cliffs_delta), abs=6e-4)

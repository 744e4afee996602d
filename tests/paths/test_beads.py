"""Beads of one hidden layer, trained by hand: F, gradients, steps and whole searches are those of torch's autograd."""

from itertools import pairwise
from math import inf

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from verifier.networks.network import Network
from verifier.objective import LOSSES, Risk, make_objective
from verifier.paths.curves.beads import ShallowBead, TorchBead
from verifier.paths.curves.dss import PRESETS, custom, dss
from verifier.paths.curves.dss_runner import PublishedRunner, Runner
from verifier.paths.curves.torch_objective import TorchObjective

PENALTIES = ("none", "l1", "path", "weight_decay")
losses, penalties = st.sampled_from(sorted(LOSSES)), st.sampled_from(PENALTIES)
scales = st.integers(-20, 20)


def objective(loss, penalty, biased=False, kappa=0.125):
    return make_objective(
        loss,
        delta=0.5 if loss == "huber" else None,
        kappa=0.0 if penalty == "none" else kappa,
        penalty=penalty,
        penalise_output_bias=biased and penalty in ("l1", "path"),
    )


def risk(o, X, rng, K, weights=None):
    N = len(X)
    if o.loss.name in ("logistic", "hinge"):
        return Risk(o.weighted(weights), X, rng.choice([-1.0, 1.0], (N, 1)))
    if o.loss.name == "cross_entropy":
        return Risk(o.weighted(weights), X, rng.integers(0, K, N))
    return Risk(o.weighted(weights), X, rng.integers(-2, 3, (N, K)).astype(float))


def outputs(loss):
    return 1 if loss in ("logistic", "hinge") else 3


def network(draw, d, m, K, biases):
    return Network(
        (draw(size=(m, d)), draw(size=(K, m))), tuple(draw(size=n) if has else None for n, has in zip((m, K), biases))
    )


def autograd(risk, net, single=False):
    """F and its gradient, by torch, in the order rows with biases, head, output bias."""
    bead = TorchBead(TorchObjective(risk, like=net, single=single), net, 0.01, 0.9)
    value = bead.value()
    bead.F.backward()
    grad = lambda p: p.grad.numpy()
    rows = grad(bead.weights[0])
    if net.b is not None:
        rows = np.column_stack([rows, grad(bead.biases[0])])
    return value, [rows, grad(bead.weights[1]), *([] if net.c is None else [grad(bead.biases[1])])]


def by_hand(risk, net, single=False):
    bead = ShallowBead(risk, net, 0.01, 0.9, single=single)
    value = bead.value()
    bead.step(value)
    return value, bead.slopes


@given(loss=losses, penalty=penalties, biases=st.tuples(st.booleans(), st.booleans()), biased=st.booleans(), weighed=st.booleans(),
       at=st.tuples(scales, scales, scales), seed=st.integers(0, 10**6))  # fmt: skip
def test_value_and_gradient_are_autograds(loss, penalty, biases, biased, weighed, at, seed):
    """at: powers of two by which inputs, rows and head are scaled."""
    rng = np.random.default_rng(seed)
    N, d, m, K = 11, 3, 5, outputs(loss)
    inputs, rows, head = (np.ldexp(1.0, k) for k in at)
    net = network(rng.normal, d, m, K, biases)
    net = net.with_parameters((rows * net.W, head * net.theta), net.biases)
    r = risk(objective(loss, penalty, biased), inputs * rng.normal(size=(N, d)), rng, K, rng.uniform(0.1, 5.0, N) if weighed else None)  # fmt: skip
    (value, slopes), (theirs, expected) = by_hand(r, net), autograd(r, net)
    # Torch takes softplus(x) for x and its slope for 1 where x > 20: e^-20 = 2e-9.
    near = 3e-9 if loss == "logistic" else 1e-13
    assert value == pytest.approx(theirs, rel=near)
    for ours, other in zip(slopes, expected, strict=True):
        np.testing.assert_allclose(ours, other, rtol=near, atol=10 * near * np.abs(other).max())


@given(loss=st.sampled_from(("squared", "huber", "hinge", "absolute")), penalty=st.sampled_from(("none", "l1", "weight_decay")),
       biases=st.tuples(st.booleans(), st.booleans()), single=st.booleans(), seed=st.integers(0, 10**6))  # fmt: skip
@example(loss="hinge", penalty="l1", biases=(True, True), single=True, seed=0)
def test_kinks_are_torchs(loss, penalty, biases, single, seed):
    """Small integers and a power of two of samples: nothing is rounded, many pre-activations are exactly 0, margins exactly 1, residuals 0 or delta, and
    some weights are 0; every number is torch's."""
    rng = np.random.default_rng(seed)
    small = lambda size: rng.integers(-1, 2, size).astype(float)
    K = outputs(loss)
    net = network(small, 2, 4, K, biases)
    X = small((16, 2))
    r = risk(objective(loss, penalty, biased=True), X, rng, K)
    assert (net.features(X) == 0).any()
    (value, slopes), (theirs, expected) = by_hand(r, net, single), autograd(r, net, single)
    assert value == theirs
    for ours, other in zip(slopes, expected, strict=True):
        assert ours.dtype == other.dtype == (np.float32 if single else np.float64)
        np.testing.assert_array_equal(ours, other)


def test_dead_rows_have_no_slope_under_the_path_penalty():
    """|0| has the subgradient 0, as torch takes it."""
    rng = np.random.default_rng(0)
    net = network(rng.normal, 2, 3, 1, (True, True))
    net = net.with_parameters((net.W * [[1.0], [0.0], [1.0]], net.theta), (net.b * [1.0, 0.0, 1.0], net.c))
    r = risk(objective("squared", "path"), rng.normal(size=(9, 2)), rng, 1)
    rows, head, _ = by_hand(r, net)[1]
    expected = autograd(r, net)[1]
    assert (rows[1] == 0).all()
    np.testing.assert_allclose(rows, expected[0], rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(head, expected[1], rtol=1e-13, atol=1e-15)


@pytest.fixture
def by_torch(monkeypatch):
    """What searches, as they were before beads were trained by hand."""

    def found(search):
        with monkeypatch.context() as patch:
            patch.setattr(
                Runner, "bead", lambda self, n: TorchBead(self, n, self.preset.lr, self.preset.plateau_factor)
            )
            return search()

    return found


def problem(seed, loss="squared", penalty="none", K=1, biases=(True, True), m=6):
    rng = np.random.default_rng(seed)
    nets = [network(rng.normal, 2, m, K, biases) for _ in range(2)]
    return (*nets, risk(objective(loss, penalty, biased=True, kappa=0.01), rng.normal(size=(40, 2)), rng, K))


@pytest.mark.parametrize("published", [False, True])
@pytest.mark.parametrize("share", [2.0, 0.7, 0.0])
def test_training_stops_where_torch_stops(published, share, by_torch, monkeypatch):
    """A goal met at once, after some steps, and never: the same number of steps, and the same bead."""
    A, _, r = problem(1, "logistic", "l1")
    runner = (PublishedRunner if published else Runner)(r, custom("paper" if published else "plain"), 0, "cpu", A, inf)
    steps = []
    for kind in (ShallowBead, TorchBead):
        monkeypatch.setattr(kind, "step", lambda self, value, step=kind.step: (steps.append(type(self)), step(self, value))[1])  # fmt: skip
    goal = share * r.value(A)
    bead, theirs = runner.train(A, goal), by_torch(lambda: runner.train(A, goal))
    assert steps.count(ShallowBead) == steps.count(TorchBead)
    expected = {2.0: (0, 1), 0.0: (150, 150)}
    if share in expected:
        assert steps.count(ShallowBead) == expected[share][published]
    else:
        assert 1 < steps.count(ShallowBead) < 150
        assert r.value(bead) < goal
    near = {"rtol": 1e-3, "atol": 1e-4} if published else {"rtol": 1e-9, "atol": 1e-11}
    for ours, other in zip((a for _, a in bead.arrays()), (a for _, a in theirs.arrays()), strict=True):
        np.testing.assert_allclose(ours, other, **near)
    if published:
        assert np.linalg.norm(bead.W, axis=1) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("biases", [(True, True), (False, True), (True, False), (False, False)])
def test_unit_rows_keep_the_function(biases):
    A, _, r = problem(2, biases=biases)
    A = A.with_parameters((A.W * [[1.0], [0.0], [3.0], [1.0], [1.0], [1e-3]], A.theta), A.biases)
    bead = ShallowBead(r, A, 0.01, 0.9, single=False)
    bead.to_unit_rows()
    B = bead.network()
    assert B.architecture == A.architecture
    np.testing.assert_allclose(B.predict(r.X), A.predict(r.X), rtol=1e-12, atol=1e-13)
    assert np.linalg.norm(B.W, axis=1) == pytest.approx([1.0, 0.0, 1.0, 1.0, 1.0, 1.0], abs=1e-15)


@pytest.mark.parametrize("preset", ["plain", "freeman-bruna"])
@pytest.mark.parametrize(
    ("loss", "penalty", "K", "biases"),
    [
        ("squared", "none", 1, (True, True)),
        ("logistic", "l1", 1, (True, True)),
        ("huber", "path", 2, (False, True)),
        ("cross_entropy", "weight_decay", 3, (True, False)),
    ],
)
def test_strings_are_those_of_autograd(preset, loss, penalty, K, biases, by_torch):
    """In float64: the same segments, hits and exceedances."""
    A, B, r = problem(3, loss, penalty, K, biases)
    level = 0.5 * max(r.value(A), r.value(B))
    search = lambda: dss(A, B, r, preset=custom(preset, depth=3, epochs=40), level=level)
    found, before = search(), by_torch(search)
    assert len(found.path.moves) == len(before.path.moves) > 2
    assert (found.hit, found.points) == (before.hit, before.points)
    assert found.maxima == pytest.approx(before.maxima, rel=1e-9)
    assert found.least_exceedance == pytest.approx(before.least_exceedance, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_the_published_search_differs_in_float32_rounding_only(seed, by_torch):
    A, B, r = problem(seed, "squared", "l1", m=8)
    level = 0.8 * max(r.value(A), r.value(B))
    search = lambda: dss(A, B, r, preset=custom("paper", depth=2), level=level)
    found, before = search(), by_torch(search)
    assert (found.hit, len(found.path.moves)) == (before.hit, len(before.path.moves))
    assert found.maxima == pytest.approx(before.maxima, rel=1e-2)


def test_what_is_trained_by_autograd(monkeypatch):
    """Deep networks and Leaky ReLU."""
    monkeypatch.delattr(ShallowBead, "step")
    rng = np.random.default_rng(5)
    sizes = (2, 4, 3, 1)
    deep = [
        Network(tuple(rng.normal(size=(b, a)) for a, b in pairwise(sizes)), tuple(rng.normal(size=b) for b in sizes[1:]))
        for _ in range(2)
    ]  # fmt: skip
    A, B, r = problem(5)
    leaky = [Network(n.weights, n.biases, 0.1) for n in (A, B)]
    for pair in (deep, leaky):
        assert len(dss(*pair, r, preset=custom("plain", depth=1, epochs=2), level=1e-9).path.moves) == 2
    assert PRESETS["plain"].epochs == 150

"""Curves and polishing: deterministic, their figure is the maximum over the polyline, and they do what their names say."""

from itertools import pairwise

import numpy as np
import pytest

from verifier.errors import UsageError
from verifier.networks.network import Network, linear_combination
from verifier.objective import Risk, augmented_rows, make_objective
from verifier.paths import polish as polish_module
from verifier.paths.curves.trained import bezier, elastic_band, polychain
from verifier.paths.exchange.descent import value_and_gradient
from verifier.paths.polish import polish


def network(seed: int, widths: tuple[int, ...] = (2, 6, 1)) -> Network:
    rng = np.random.default_rng(seed)
    shapes = [(q, p) for p, q in pairwise(widths)]
    return Network(tuple(rng.normal(size=s) for s in shapes), tuple(rng.normal(size=s[0]) for s in shapes))


def data(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(40, 2))
    return X, np.sin(2 * X[:, :1])


@pytest.mark.parametrize("curve", [bezier, polychain, elastic_band], ids=lambda f: f.__name__)
@pytest.mark.parametrize("widths", [(2, 6, 1), (2, 4, 4, 1)])
def test_curves_lower_the_line_and_repeat_themselves(curve, widths):
    A, B = network(1, widths), network(2, widths)
    X, y = data(3)
    o = make_objective("squared")
    line = max(o.value(linear_combination(A, B, t), X, y) for t in np.linspace(0, 1, 101))
    first, again = curve(A, B, Risk(o, X, y)), curve(A, B, Risk(o, X, y))
    assert first.maximum == again.maximum
    assert all(v.same_parameters(w) for v, w in zip(first.path.vertices(), again.path.vertices(), strict=True))
    assert first.path.start.same_parameters(A)
    assert first.path.end.same_parameters(B)
    E = max(o.value(A, X, y), o.value(B, X, y))
    assert E * (1 - 1e-12) <= first.maximum <= max(line, E) * (1 + 1e-9)
    vertices = list(first.path.vertices())
    assert first.maximum >= max(o.value(v, X, y) for v in vertices) * (1 - 1e-12)


def test_polychain_has_one_bend_and_bezier_the_asked_pieces():
    A, B = network(1), network(2)
    X, y = data(3)
    assert len(polychain(A, B, Risk(make_objective("squared"), X, y), steps=5).path.moves) == 2
    assert len(bezier(A, B, Risk(make_objective("squared"), X, y), steps=5, pieces=8).path.moves) == 8


@pytest.mark.parametrize(
    ("loss", "kappa", "penalty"), [("squared", 0.0, None), ("squared", 0.01, "path"), ("huber", 0.01, "l1")]
)
def test_polishing_lowers_f_and_keeps_the_architecture(loss, kappa, penalty):
    X, y = data(3)
    o = make_objective(loss, delta=0.3 if loss == "huber" else None, kappa=kappa, penalty=penalty)
    start = network(4)
    p = polish(start, Risk(o, X, y))
    assert p.after < 0.8 * p.before
    assert p.after == pytest.approx(o.value(p.network, X, y))
    assert p.network.architecture == start.architecture
    if penalty == "l1":
        # Growing rows would void the penalty.
        lengths = [np.linalg.norm(augmented_rows(n), axis=1) for n in (start, p.network)]
        assert np.allclose(*lengths, rtol=1e-9)


def test_polishing_again_changes_nothing_much():
    X, y = data(3)
    o = make_objective("squared", kappa=0.01)
    once = polish(network(4), Risk(o, X, y))
    assert polish(once.network, Risk(o, X, y)).after >= once.after * (1 - 1e-3)


@pytest.mark.parametrize("penalty", ["path", "l1"])
def test_polishing_begins_with_programs_where_they_fall_faster(penalty, monkeypatch):
    """Under the path penalty with one output; L-BFGS goes on from there and never ends above it. Elsewhere, and with dead neurons, they are left out."""
    posed = []
    real = polish_module.region_descent
    monkeypatch.setattr(polish_module, "region_descent", lambda *a, **k: posed.append(real(*a, **k)) or posed[-1])
    X, y = data(3)
    o = make_objective("squared", kappa=0.01, penalty=penalty)
    risk = Risk(o, X, y)
    p = polish(network(4), risk)
    assert (1 <= len(posed) <= polish_module.STAGES) if penalty == "path" else not posed
    for descent in posed:
        assert len(descent.notes["values"]) <= 1 + polish_module.PROGRAMS
        assert p.after <= risk.value(descent.end) * (1 + 1e-12)
    posed.clear()
    start = network(4)
    W, b, theta = start.W.copy(), start.b.copy(), start.theta.copy()
    W[0], b[0], theta[:, 0] = 0.0, 0.0, 0.0
    dead = polish(start.replace(1, W, b).replace(-1, theta, start.c), risk)
    assert not posed, "a network with a dead neuron is left to L-BFGS"
    assert not dead.network.W[0].any()


def test_deep_networks_are_refused():
    with pytest.raises(UsageError, match="polish: needs one hidden layer, the network has 2"):
        polish(network(1, (2, 3, 3, 1)), Risk(make_objective("squared"), *data(3)))


def test_the_gradient_under_kept_lengths_is_the_derivative():
    """Central differences of the value, with rows priced relative to their lengths."""
    rng = np.random.default_rng(0)
    shape, (X, y) = network(5), data(6)
    o = make_objective("squared", kappa=0.1, penalty="l1")
    inputs = np.hstack([X, np.ones((len(X), 1))])
    lengths = rng.uniform(0.5, 2.0, size=6)
    x = np.concatenate([augmented_rows(shape).ravel(), shape.theta.ravel(), shape.c])
    _, g = value_and_gradient(x, shape, o, inputs, y, lengths)
    for i in range(len(x)):
        e = np.zeros_like(x)
        e[i] = 1e-6
        up, down = (value_and_gradient(x + s * e, shape, o, inputs, y, lengths)[0] for s in (1, -1))
        assert g[i] == pytest.approx((up - down) / 2e-6, rel=1e-5, abs=1e-7)

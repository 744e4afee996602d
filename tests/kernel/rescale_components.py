"""Component checks of rescale moves: the ball about the stored end holds the true end, and its bound holds on everything between."""

from __future__ import annotations

from fractions import Fraction as Q

import numpy as np
from flint import arb

from .components import CASES, Kernel, all_of, exact, exact_value, problem, segments


def _rescaled(K: Kernel, rng: np.random.Generator, v, share: float = 0.6):
    """(w, factors): v with some neurons rescaled by wild factors, rounded."""
    m = v.weights[0].shape[0]
    c = np.where(rng.random(m) < share, 10.0 ** rng.uniform(-6, 6, size=m), 1.0)
    c[0] = 3.3
    rows = v.weights[0] if v.biases[0] is None else np.column_stack([v.weights[0], v.biases[0]])
    to, theta = rows * c[:, None], v.weights[1] / c
    W, b = (to, None) if v.biases[0] is None else (to[:, :-1].copy(), to[:, -1].copy())
    return K.statements.Parameters((W, theta), (b, v.biases[1])), c


def rescaling(K: Kernel, w, factors: np.ndarray):
    return K.statements.Move("rescale", all_of(K, w), factors=factors)


def scaled_by(v, factors) -> tuple:
    """(W, b, theta) of v with neuron i scaled by factors[i], as Fractions."""
    rows, theta, f = exact(v.weights[0]), exact(v.weights[1]), np.array(factors, dtype=object)
    return rows * f[:, None], None if v.biases[0] is None else exact(v.biases[0]) * f, theta / f


def check_rescale_bound(K: Kernel, rng: np.random.Generator) -> None:
    """The bound covers the straight part from the true end to the stored one, which may lie anywhere, in both forms of weight decay."""
    for loss, penalty, penalise in CASES:
        shape = (2, 4, 3 if loss == "cross_entropy" else 1)
        p = problem(K, rng, loss, penalty, shape, bias=rng.random() < 0.7, penalise=penalise)
        w, c = _rescaled(K, rng, p.A)
        if rng.random() < 0.3:
            c = c * rng.uniform(0.5, 2.0, size=4)  # an end that is not near the curve's
        for form in ("literal", "balanced"):
            above = arb(K.rescale.rescale_upper(p, p.A, w, c, form))
            true = scaled_by(p.A, exact(c))
            stored = (exact(w.weights[0]), None if w.biases[0] is None else exact(w.biases[0]), exact(w.weights[1]))
            out = None if w.biases[1] is None else exact(w.biases[1])
            for t in (Q(0), Q(1, 2), Q(1)):
                mix = [None if x is None else x + t * (y - x) for x, y in zip(true, stored)]
                assert above >= exact_value(p, w, form=form, W=mix[0], b=mix[1], theta=mix[2], c=out)


def check_rescale_curve(K: Kernel, rng: np.random.Generator) -> None:
    """F along the curve (c^t w, theta / c^t) is at most the larger of its start and the bound, for every penalty and form."""
    for loss, penalty, penalise in CASES[::3]:
        p = problem(K, rng, loss, penalty, (2, 3, 3 if loss == "cross_entropy" else 1), penalise=penalise)
        w, c = _rescaled(K, rng, p.A)
        for form in ("literal", "balanced"):
            top = exact_value(p, p.A, form=form).max(arb(K.rescale.rescale_upper(p, p.A, w, c, form)))
            for t in (0.25, 0.5, 0.75):
                here = scaled_by(p.A, exact(c**t))  # some scaling of the curve, up to rounding
                value = exact_value(p, w, form=form, W=here[0], b=here[1], theta=here[2], c=exact(w.biases[1]))
                assert value <= top * (1 + arb(1e-12)) + arb(1e-12)


def check_around(K: Kernel, rng: np.random.Generator) -> None:
    """The ball holds the stored end and every number that rounds to `computed`."""
    x = rng.normal(size=50) * 10.0 ** rng.integers(-12, 13, size=50)
    c = 10.0 ** rng.uniform(-3, 3, size=50)
    end = x * c * (1 + rng.choice([0.0, 1e-13, -1e-15], size=50))
    ball = K.rescale.around(end, x * c)
    mid, rad = exact(ball.mid), exact(ball.rad)
    assert (abs(exact(end) - mid) <= rad).all()
    assert (abs(exact(x) * exact(c) - mid) <= rad).all()


def check_only_what_says_so_is_a_rescaling(K: Kernel, rng: np.random.Generator) -> None:
    """A straight segment between a network and its rescaling is bounded as one: F half-way counts. A rescaling keeps the output bias."""
    p = problem(K, rng, "squared", "none", (2, 4, 1))
    w, c = _rescaled(K, rng, p.A)
    q = K.statements.Problem(p.objective, p.X, p.targets, p.A, w)
    [straight] = segments(K, p.A, w)
    assert straight.kind == "chord"
    half = [exact(a) / 2 + exact(b) / 2 for a, b in zip((*p.A.weights, *p.A.biases), (*w.weights, *w.biases))]
    middle = exact_value(q, w, W=half[0], theta=half[1], b=half[2], c=half[3])
    assert arb(K.paths.bound_path(q, (straight,)).interior) >= middle
    curve = rescaling(K, w, c)
    assert K.paths.bound_path(q, (curve,)).interior <= 2 * max(1.0, float(exact_value(q, p.A)))
    moved = K.statements.Parameters(w.weights, (w.biases[0], w.biases[1] + 1.0))
    far = K.statements.Problem(p.objective, p.X, p.targets, p.A, moved)
    try:
        K.paths.bound_path(far, (rescaling(K, moved, c),))
    except K.statements.Rejected:
        return
    raise AssertionError("a rescaling moved the output bias")


def check_rescale_in_a_path(K: Kernel, rng: np.random.Generator) -> None:
    """Where a rescaling stands in a path, what it ends in counts, and so does what it starts from."""
    p = problem(K, rng, "squared", "none", (2, 4, 1))
    high = K.statements.Parameters((p.A.weights[0], p.A.weights[1] * 50), p.A.biases)
    scaled, c = _rescaled(K, rng, high)
    B = K.statements.Parameters((scaled.weights[0], scaled.weights[1] * 0.01), scaled.biases)
    q = K.statements.Problem(p.objective, p.X, p.targets, p.A, B)
    found = K.paths.bound_path(q, (*segments(K, p.A, high), rescaling(K, scaled, c), *segments(K, scaled, B)))
    assert arb(found.interior) >= exact_value(q, high)
    assert arb(found.uppers[1]) >= exact_value(q, scaled)
    low = K.statements.Parameters((high.weights[0], high.weights[1] * 0.01), high.biases)
    end, c = _rescaled(K, rng, low)
    q = K.statements.Problem(p.objective, p.X, p.targets, p.A, end)
    found = K.paths.bound_path(q, (*segments(K, p.A, high, low), rescaling(K, end, c)))
    assert arb(found.interior) >= exact_value(q, high), "a high vertex before a rescaling is forgotten"
    end, c = _rescaled(K, rng, p.A)
    q = K.statements.Problem(p.objective, p.X, p.targets, p.A, end)
    found = K.paths.bound_path(q, (rescaling(K, end, c),))
    assert arb(found.interior) >= exact_value(q, end)
    # Under l1 the start counts as well as the end: heads shrink along one way and grow along the other.
    p = problem(K, rng, "squared", "l1", (2, 4, 1))
    small = K.statements.Parameters((p.A.weights[0] * 1e3, p.A.weights[1] * 1e-3), (p.A.biases[0] * 1e3, p.A.biases[1]))
    q = K.statements.Problem(p.objective, p.X, p.targets, small, p.A)
    found = K.paths.bound_path(q, (rescaling(K, p.A, np.full(4, 1e-3)),))
    assert arb(found.interior) >= exact_value(q, p.A)


RESCALE_CHECKS = [
    check_rescale_bound,
    check_rescale_curve,
    check_around,
    check_only_what_says_so_is_a_rescaling,
    check_rescale_in_a_path,
]

"""Component checks of rescale moves: the ball about the stored end holds the true end, and its bound holds on everything between."""

from __future__ import annotations

from fractions import Fraction as Q

import numpy as np
from flint import arb

from .components import CASES, Kernel, all_of, exact, exact_value, problem


def _rescaled(K: Kernel, rng: np.random.Generator, v, share: float = 0.6):
    """v with some neurons rescaled by wild factors, rounded; and the true end as Fractions (rows, theta)."""
    m = v.weights[0].shape[0]
    c = np.where(rng.random(m) < share, 10.0 ** rng.uniform(-6, 6, size=m), 1.0)
    c[0] = 3.3
    rows = v.weights[0] if v.biases[0] is None else np.column_stack([v.weights[0], v.biases[0]])
    to, theta = rows * c[:, None], v.weights[1] / c
    W, b = (to, None) if v.biases[0] is None else (to[:, :-1].copy(), to[:, -1].copy())
    return K.statements.Parameters((W, theta), (b, v.biases[1]))


def check_rescale_bound(K: Kernel, rng: np.random.Generator) -> None:
    for loss, penalty, penalise in CASES:
        p = problem(
            K,
            rng,
            loss,
            penalty,
            (2, 4, 3 if loss == "cross_entropy" else 1),
            bias=rng.random() < 0.7,
            penalise=penalise,
        )
        w = _rescaled(K, rng, p.A)
        assert K.moves.classify(p.A, w, K.statements.Move(())) == "rescale"
        c = K.rescale.factors(p.A, w)
        above = arb(K.rescale.rescale_upper(p, p.A, w, c))
        rows, theta = (exact(a) for a in (p.A.weights[0], p.A.weights[1]))
        b = None if p.A.biases[0] is None else exact(p.A.biases[0])
        f = exact(c)
        true = (rows * f[:, None], None if b is None else b * f, theta / f)
        stored = (exact(w.weights[0]), None if b is None else exact(w.biases[0]), exact(w.weights[1]))
        out = None if w.biases[1] is None else exact(w.biases[1])
        for t in (Q(0), Q(1, 2), Q(1)):
            mix = [None if x is None else x + t * (y - x) for x, y in zip(true, stored)]
            assert above >= exact_value(p, w, endpoint=False, W=mix[0], b=mix[1], theta=mix[2], c=out)
        if penalty == "none":
            before = exact_value(p, p.A, endpoint=False)
            assert above <= before * (1 + arb(1e-6)) + arb(1e-6), "the bound is far too wide"


def check_around(K: Kernel, rng: np.random.Generator) -> None:
    """The ball holds the stored end and every number that rounds to `computed`."""
    x = rng.normal(size=50) * 10.0 ** rng.integers(-12, 13, size=50)
    c = 10.0 ** rng.uniform(-3, 3, size=50)
    end = x * c * (1 + rng.choice([0.0, 1e-13, -1e-15], size=50))
    ball = K.rescale.around(end, x * c)
    mid, rad = exact(ball.mid), exact(ball.rad)
    assert (abs(exact(end) - mid) <= rad).all()
    assert (abs(exact(x) * exact(c) - mid) <= rad).all()


def check_rescale_classification(K: Kernel, rng: np.random.Generator) -> None:
    """Signs must stay, both factors belong together, and the rest of the network stays."""
    p = problem(K, rng, "squared", "path", (2, 4, 1))
    v, move = p.A, K.statements.Move(())
    w = _rescaled(K, rng, v, share=0.0)

    def kind(changed):
        return K.moves.classify(v, changed, move)

    assert kind(w) == "rescale"
    for layer, part, index, value in (
        (1, "weight", (0, 0), -w.weights[0][0, 0]), (1, "weight", (0, 0), 2 * w.weights[0][0, 0]), (1, "bias", (0,), 2 * w.biases[0][0]),
        (2, "weight", (0, 0), 2 * w.weights[1][0, 0]), (2, "bias", (0,), w.biases[1][0] + 1e-3), (2, "weight", (0, 1), 7.0),
        (1, "weight", (1, 0), w.weights[0][1, 0] + 1e-3),
    ):  # fmt: skip
        weights, biases = [a.copy() for a in w.weights], [a.copy() for a in w.biases]
        (weights if part == "weight" else biases)[layer - 1][index] = value
        assert kind(K.statements.Parameters(tuple(weights), tuple(biases))) == "chord"
    mirrored = K.statements.Parameters((-2.0 * v.weights[0], -0.5 * v.weights[1]), (-2.0 * v.biases[0], v.biases[1]))
    assert kind(mirrored) == "chord"


def check_rescale_in_a_path(K: Kernel, rng: np.random.Generator) -> None:
    """Where a rescaling stands in a path, what it ends in counts, and so does what it starts from."""
    p = problem(K, rng, "squared", "none", (2, 4, 1))
    high = K.statements.Parameters((p.A.weights[0], p.A.weights[1] * 50), p.A.biases)
    scaled = _rescaled(K, rng, high)
    B = K.statements.Parameters((scaled.weights[0], scaled.weights[1] * 0.01), scaled.biases)
    q = K.statements.Problem(p.objective, p.X, p.targets, p.A, B)
    moves = tuple(K.statements.Move(all_of(K, v)) for v in (high, scaled, B))
    found = K.paths.bound_path(q, moves)
    assert found.kinds == ("head", "rescale", "head")
    assert arb(found.interior) >= exact_value(q, high, endpoint=False)
    assert arb(found.uppers[1]) >= exact_value(q, scaled, endpoint=False)
    low = K.statements.Parameters((high.weights[0], high.weights[1] * 0.01), high.biases)
    q = K.statements.Problem(p.objective, p.X, p.targets, p.A, _rescaled(K, rng, low))
    found = K.paths.bound_path(q, tuple(K.statements.Move(all_of(K, v)) for v in (high, low, q.B)))
    assert arb(found.interior) >= exact_value(q, high, endpoint=False), "a high vertex before a rescaling is forgotten"
    q = K.statements.Problem(p.objective, p.X, p.targets, p.A, _rescaled(K, rng, p.A))
    found = K.paths.bound_path(q, (K.statements.Move(all_of(K, q.B)),))
    assert found.kinds == ("rescale",)
    assert arb(found.interior) >= exact_value(q, q.B, endpoint=False)
    # Under l1 the start counts as well as the end: heads shrink along one way and grow along the other.
    p = problem(K, rng, "squared", "l1", (2, 4, 1))
    small = K.statements.Parameters((p.A.weights[0] * 1e3, p.A.weights[1] * 1e-3), (p.A.biases[0] * 1e3, p.A.biases[1]))
    q = K.statements.Problem(p.objective, p.X, p.targets, small, p.A)
    found = K.paths.bound_path(q, (K.statements.Move(all_of(K, p.A)),))
    assert found.kinds == ("rescale",)
    assert arb(found.interior) >= exact_value(q, p.A, endpoint=False)


RESCALE_CHECKS = [check_rescale_bound, check_around, check_rescale_classification, check_rescale_in_a_path]

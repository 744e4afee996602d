"""Component checks of the reference evaluation's whole matrices: products, activations, losses over boxes, chords.

Chords are held against exact values at points of the segment, from below, and against the fast evaluation's bound by the same lemma, from both sides.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction as Q
from functools import reduce
from typing import Any

import numpy as np
from flint import arb, arb_mat, ctx

from .components import (
    CASES,
    LOSSES,
    SHORT_SLOPES,
    Kernel,
    as_arb,
    between,
    exact,
    exact_deep_value,
    exact_loss,
    exact_value,
    form_of,
    objective,
    outputs,
    problem,
    scales,
    targets,
)

CUTS = (None, np.array([0.3, 0.5]), np.array([2.0**-7, 0.25, 0.8125]))


def check_products_of_floats(K: Kernel, rng: np.random.Generator) -> None:
    """Balls around the exact products; no wider than 0 where integers carry them, at any scale, with denormals and zeros."""
    narrow = lambda *shape: np.round(rng.normal(size=shape) * 2.0**20) * 2.0 ** rng.integers(-900, 400)
    ordinary = lambda *shape: rng.normal(size=shape)
    spread = lambda *shape: rng.normal(size=shape) * 2.0 ** rng.integers(0, 14, size=shape)
    tiny = lambda *shape: rng.integers(-9, 10, size=shape) * 5e-324
    for make, other in itertools.product((narrow, ordinary, spread, tiny, lambda *shape: scales(rng, shape)), repeat=2):
        A, B = make(3, 9), other(9, K.reference_numbers.LEAST)
        A[1] = 0.0
        found = K.reference_numbers.Floats(A).times(K.reference_numbers.Floats(B)).tolist()
        for row, wanted in zip(found, exact(A).dot(exact(B)).tolist(), strict=True):
            for ball, value in zip(row, wanted, strict=True):
                with ctx.workprec(8192):
                    assert ball.contains(as_arb(value))
        if make is narrow and other is narrow:
            assert all(ball.is_exact() for row in found for ball in row)
    assert K.reference_numbers.Floats(np.zeros((2, 9))).times(K.reference_numbers.Floats(np.zeros((9, 1)))) == arb_mat(
        2, 1
    )


def check_activations_of_balls(K: Kernel, rng: np.random.Generator) -> None:
    """They hold the activation of every point of a ball, also of one around 0, and are exact where the sign is known."""
    balls = [
        arb(m, r) for m, r in ((1.0, 0.5), (-1.0, 0.5), (0.25, 0.5), (-0.25, 0.5), (0.0, 0.0), (1.0, 1.0), (-1.0, 1.0))
    ]
    for slope in SHORT_SLOPES:
        found = K.reference_forward.activation(arb_mat(1, len(balls), balls), slope).entries()
        for u, h in zip(balls, found, strict=True):
            for point in (u.lower(), u.mid(), u.upper(), u.mid() + u.rad() / 3):
                assert h.contains(point.max(arb(slope) * point))
        assert found[0].lower() > 0.4
        assert found[1].upper() <= -0.4 * slope
        assert found[4].is_zero()


def check_worst_losses(K: Kernel, rng: np.random.Generator) -> None:
    """The largest loss over a box of predictions is that of its worst corner, weighted or not."""
    for loss in LOSSES:
        o, k, N = objective(K, loss), outputs(loss), 4
        y = targets(rng, loss, N, k)
        scale = 10.0 ** rng.integers(-2, 3)
        low = np.round(rng.normal(size=(N, k)) * 64) / 64 * scale
        high = low + np.round(rng.random((N, k)) * 64) / 64 * scale
        none = (None,) * 2
        stub = K.statements.Parameters((np.zeros((1, 1)), np.zeros((k, 1))), none)
        worst = []
        for j in range(N):
            corners = itertools.product(*zip(low[j].tolist(), high[j].tolist(), strict=True))
            each = [exact_loss(loss, [Q(v) for v in corner], y[j]) for corner in corners]
            worst.append(reduce(arb.max, each))
        for weights in (None, np.array([0.0, 1.0, 0.5, 3.0])):
            p = K.statements.Problem(o, np.zeros((N, 1)), y, stub, stub, 0.0, weights)
            w = [1.0] * N if weights is None else weights.tolist()
            wanted = sum((arb(a) * v for a, v in zip(w, worst)), arb(0)) / sum(w)
            found = K.reference_objective.mean_worst_loss(p, arb_mat(low.tolist()), arb_mat(high.tolist()))
            assert abs(found - wanted) <= abs(wanted) * arb(2) ** -100 + arb(2) ** -100


def _held(K: Kernel, p: Any, v: Any, w: Any, cuts: np.ndarray | None, form: str, values: list[arb]) -> None:
    """The reference's bounds of F on the segment are at or above the values, and those of the lemma; so is that of a path of it alone."""
    parts = [K.statements.Write(l, "weight", 0, None, W) for l, W in enumerate(w.weights, 1)]
    parts += [K.statements.Write(l, "bias", 0, None, b) for l, b in enumerate(w.biases, 1)]
    move, times = K.statements.Move("chord", tuple(parts), cuts), [0.0, *([] if cuts is None else cuts.tolist()), 1.0]
    with ctx.workprec(128):
        ends = K.reference_chord.Chord(p, K.reference_objective.inputs(p), v, w, form).ends(move)
        claim = K.statements.PathUpperBound("p", (move,), 2.0**60, 2.0**60, 2.0**60, form=form)
        sup = K.reference_paths.check_path(replace(p, B=w), claim)["sup"]
    assert len(ends) == 2 * len(times) - 2
    bound = reduce(arb.max, ends)
    for value in values:
        assert not bound < value, "a chord is bounded too low"
    assert form == "balanced" or abs(sup - float(bound)) <= 1e-12 * (1.0 + sup), "the path is not bounded by its chord"
    fast = K.chord.chord_between(p, v, w, form).upper(times)
    assert abs(float(bound) - fast) <= 1e-9 * (1.0 + abs(fast)), "the lemma gives another bound"


def check_reference_chords(K: Kernel, rng: np.random.Generator) -> None:
    """One hidden layer: some rows, heads and biases move, some neurons stay, some are dead at both ends."""
    for loss, penalty, penalise in CASES:
        p = problem(
            K, rng, loss, penalty, (2, 5, outputs(loss)), penalise=penalise, slope=float(rng.choice(SHORT_SLOPES))
        )
        A, B = p.A, p.B
        dead, stays = rng.integers(5), rng.random(5) < 0.3
        A.weights[1][:, dead] = B.weights[1][:, dead] = 0.0
        B.weights[0][stays], B.biases[0][stays] = A.weights[0][stays], A.biases[0][stays]
        if rng.random() < 0.3:
            B.weights[1][:] = A.weights[1]
        values = []
        for s in [Q(i, 8) for i in range(9)]:
            mix = [(1 - s) * exact(a) + s * exact(b) for a, b in zip((*A.weights, *A.biases), (*B.weights, *B.biases))]
            values.append(exact_value(p, A, form="balanced", W=mix[0], theta=mix[1], b=mix[2], c=mix[3]))
        for form in {form_of(p), "literal"}:
            _held(K, p, A, B, CUTS[rng.integers(3)], form, values)


def check_reference_chords_in_depth(K: Kernel, rng: np.random.Generator) -> None:
    """Segments on which one, some or all layers change, with a neuron that is dead at both ends and one that comes alive."""
    for loss, which in itertools.product(
        rng.choice(LOSSES, size=2, replace=False).tolist(), ((1,), (2,), (3,), (4, 3), (1, 2, 3, 4))
    ):
        penalty, slope = ("l1" if rng.random() < 0.5 else "none"), float(rng.choice(SHORT_SLOPES))
        p = problem(K, rng, loss, penalty, (2, 3, 4, 3, outputs(loss)), slope=slope)
        A = p.A
        A.weights[2][:, 1] = 0.0
        if 4 in which:
            A.weights[3][:, 2] = 0.0
        B = K.statements.Parameters(tuple(w.copy() for w in A.weights), tuple(b.copy() for b in A.biases))
        for l in which:
            some = rng.random(len(A.biases[l - 1])) < 0.7
            B.weights[l - 1][some] += rng.normal(size=A.weights[l - 1].shape)[some]
            B.biases[l - 1][some] += rng.normal(size=A.biases[l - 1].shape)[some]
        B.weights[2][:, 1] = 0.0
        values = [exact_deep_value(p, *between(K, A, B, Q(i, 4))) for i in range(5)]
        # Pieces so short that neurons are off all along them, and deviations end there.
        _held(K, replace(p, B=B), A, B, (*CUTS, np.arange(1, 16) / 16)[rng.integers(4)], "literal", values)


CHORD_CHECKS = [value for name, value in sorted(globals().items()) if name.startswith("check_")]

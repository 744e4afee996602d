"""Component checks of networks of channels: both evaluations against loops in exact rationals and against torch's own layers, on random geometries."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import arb, ctx

from . import maps_oracle

Kernel = Any


def random_window(
    K: Kernel, rng: np.random.Generator, size: tuple[int, int], *, pooling: bool = False, whole: bool = False
) -> Any:
    """A window that fits a map of this size; `whole`: one position is left."""
    if whole:
        return K.statements.Window(size, (1, 1), (0, 0), (1, 1))
    kernel, stride, padding, dilation = [], [], [], []
    for n in size:
        d = int(rng.integers(1, 3))
        k = int(rng.integers(1, 4))
        if (k - 1) * d + 1 > n:
            k, d = min(k, n), 1
        reach = (k - 1) * d
        most = reach // 2 if pooling and d == 1 else 0 if pooling else reach
        kernel.append(k)
        stride.append(int(rng.integers(1, 3)))
        padding.append(int(rng.integers(0, most + 1)))
        dilation.append(d)
    return K.statements.Window(tuple(kernel), tuple(stride), tuple(padding), tuple(dilation))


def random_pooling(K: Kernel, rng: np.random.Generator, size: tuple[int, int]) -> Any:
    kind = ("max", "average", "adaptive_average")[rng.integers(3)]
    if kind == "adaptive_average":
        return K.statements.Pooling(kind, None, (int(rng.integers(1, 5)), int(rng.integers(1, 5))))
    w = random_window(K, rng, size, pooling=True)
    if kind == "average":
        w = K.statements.Window(w.kernel, w.stride, w.padding, (1, 1))
        padding = tuple(min(p, k // 2) for p, k in zip(w.padding, w.kernel))
        w = K.statements.Window(w.kernel, w.stride, padding, (1, 1))
    return K.statements.Pooling(kind, w)


def random_geometry(K: Kernel, rng: np.random.Generator, layers: int = 3, maxima: bool = False) -> Any:
    """maxima: before every layer but the first there is a maximum over windows of several positions."""
    S = K.statements
    shape = (int(rng.integers(1, 3)), int(rng.integers(2, 7)), int(rng.integers(2, 7)))
    size, readings = shape[1:], []
    for l in range(layers):
        poolings = []
        if maxima and l > 0:
            poolings = [S.Pooling("max", S.Window(tuple(min(2, n) for n in size), (1, 1), (0, 0), (1, 1)))]
            size = S.geometry.pooled_size(size, poolings[0])
        for _ in range(0 if maxima else rng.integers(0, 2) if l == 0 else rng.integers(0, 3)):
            poolings.append(random_pooling(K, rng, size))
            size = S.geometry.pooled_size(size, poolings[-1])
        w = random_window(K, rng, size, whole=l == layers - 1)
        size = tuple(S.geometry.output_size(n, w, axis) for axis, n in enumerate(size))
        readings.append(S.Reading(tuple(poolings), w))
    return S.Geometry(shape, tuple(readings))


def random_problem(
    K: Kernel,
    rng: np.random.Generator,
    loss: str = "squared",
    penalty: str = "none",
    slope: float = 0.0,
    layers: int = 3,
    maxima: bool = False,
) -> Any:
    """Numbers with few bits, so that rationals stay short."""
    g, out, N = random_geometry(K, rng, layers, maxima), 2, 2
    few = lambda *shape: rng.integers(-12, 13, size=shape) / 8.0

    def network() -> Any:
        weights, below = [], g.shape[0]
        for l, r in enumerate(g.readings, start=1):
            n = out if l == layers else int(rng.integers(1, 4))
            weights.append(few(n, below * math.prod(r.window.kernel)))
            below = n
        return weights

    A = network()
    for l in range(1, layers):
        if rng.random() < 0.3:  # a channel that nobody reads
            below = len(A[l - 1])
            A[l].reshape(len(A[l]), below, -1)[:, rng.integers(below)] = 0.0
    B = [few(*W.shape) for W in A]
    nets = [K.statements.Parameters(tuple(W), tuple(few(len(w)) for w in W)) for W in (A, B)]
    y = rng.integers(0, out, N) if loss == "cross_entropy" else few(N, out)
    o = K.statements.Objective(loss, None, 0.0 if penalty == "none" else 0.25, penalty, False)
    return K.statements.Problem(o, few(N, math.prod(g.shape)), y, *nets, slope, None, g)


def rational_outputs(p: Any, v: Any) -> list[list[Fraction]]:
    exact = lambda a: [[Fraction(x) for x in row] for row in a.tolist()]
    slope = Fraction(p.negative_slope)
    weights, biases = [exact(W) for W in v.weights], [[Fraction(x) for x in b.tolist()] for b in v.biases]
    activation = lambda z: max(z, slope * z)
    return [maps_oracle.outputs(x, weights, biases, p.geometry, activation, Fraction(0), max) for x in exact(p.X)]


def rational_F(p: Any, v: Any, outputs: list[list[Fraction]]) -> Fraction:
    """The squared loss and l1 of the head, exactly."""
    total = sum((a - Fraction(t)) ** 2 for f, y in zip(outputs, p.targets.tolist()) for a, t in zip(f, y))
    P = sum(abs(Fraction(x)) for x in v.weights[-1].ravel().tolist()) if p.objective.penalty == "l1" else 0
    return total / len(p.X) + Fraction(p.objective.kappa) * P


def check_values(K: Kernel, rng: np.random.Generator) -> None:
    """Norm-wise and split enclosures of the outputs hold the rational ones and are narrow; F of both evaluations holds the rational F."""
    for slope in (0.0, 0.25, 0.1):
        p = random_problem(K, rng, penalty=("none", "l1")[rng.integers(2)], slope=slope)
        K.statements_problem.validate(p)
        f, maps = rational_outputs(p, p.A), K.maps.maps_of(p.geometry, len(p.A.weights))
        F = rational_F(p, p.A, f)
        for finer, width in ((False, 2.0**-36), (True, 2.0**-49)):
            found = K.normwise.last_image(p.X, K.normwise.exact_layers(p.A), slope, finer, maps)
            assert found.mid.shape == (len(p.X), 2)
            for true, mid, rad in zip(np.ravel(f), found.mid.ravel(), found.rad.ravel()):
                assert abs(true - Fraction(mid)) <= Fraction(rad) <= width * max(1, abs(true))
            value = K.forward.objective_at(p, p.A, finer=finer)
            assert Fraction(value.lower) <= F <= Fraction(value.upper)
            assert value.upper - value.lower <= 2.0**-34 * max(1.0, value.upper)
        with ctx.workprec(128):
            ball = K.reference_objective.endpoint_value(p, p.A)
            assert abs(ball - arb(F.numerator) / arb(F.denominator)) <= arb(2) ** -90 * (1 + abs(ball))


def check_torch(K: Kernel, rng: np.random.Generator) -> None:
    """Cross-entropy of torch's own convolutions and poolings, up to their rounding."""
    p = random_problem(K, rng, "cross_entropy", slope=0.25 * float(rng.integers(0, 2)))
    f = maps_oracle.torch_outputs(p.X, p.A, p.geometry, p.negative_slope)
    top = f.max(axis=1)
    F = float((np.log(np.exp(f - top[:, None]).sum(axis=1)) + top - f[np.arange(len(f)), p.targets]).mean())
    found = K.forward.objective_at(p, p.A)
    assert found.lower - 1e-11 * (1 + F) <= F <= found.upper + 1e-11 * (1 + F)


def check_chords(K: Kernel, rng: np.random.Generator) -> None:
    """On a segment on which some layers move, both evaluations bound F at every rational point, also at rising cuts."""
    moving = rng.random(3) < 0.6
    moving[rng.integers(3)] = True
    _bounded(K, rng, random_problem(K, rng, slope=0.25 * float(rng.integers(0, 2))), moving)


def check_chords_through_maxima(K: Kernel, rng: np.random.Generator) -> None:
    """The same where everything moves, and maxima are taken of what deviates to both sides."""
    _bounded(K, rng, random_problem(K, rng, maxima=True), np.ones(3, dtype=bool))


def _bounded(K: Kernel, rng: np.random.Generator, p: Any, moving: np.ndarray) -> None:
    few = lambda a, b: np.where(rng.random(len(a)).reshape(-1, *[1] * (a.ndim - 1)) < 0.7, b, a)
    weights = tuple(few(a, b) if m else a for a, b, m in zip(p.A.weights, p.B.weights, moving))
    w = K.statements.Parameters(weights, tuple(b if m else a for a, b, m in zip(p.A.biases, p.B.biases, moving)))
    values = []
    for k in range(9):
        t = Fraction(k, 8)
        # Dyadic numbers of few bits: the float64 point of the segment is the exact one.
        mix = lambda a, b, t=t: a + float(t) * (b - a)
        point = K.statements.Parameters(tuple(map(mix, p.A.weights, w.weights)), tuple(map(mix, p.A.biases, w.biases)))
        values.append(rational_F(p, point, rational_outputs(p, point)))
    q = K.statements.Problem(p.objective, p.X, p.targets, p.A, w, p.negative_slope, None, p.geometry)
    writes = [K.statements.Write(l, "weight", 0, None, W) for l, W in enumerate(w.weights, 1)]
    writes += [K.statements.Write(l, "bias", 0, None, b) for l, b in enumerate(w.biases, 1)]
    last = math.inf
    for pieces in (1, 2, 4):
        cuts = np.arange(1, pieces) / pieces if pieces > 1 else None
        bound = max(K.chord.chord_between(q, q.A, w).ends([0.0, *(() if cuts is None else cuts.tolist()), 1.0]))
        assert max(values) <= Fraction(bound)
        last = min(last, bound)
        move = K.statements.Move("chord", tuple(writes), cuts)
        with ctx.workprec(128):
            claim = K.statements.PathUpperBound("p", (move,), bound, bound, bound)
            found = K.reference_paths.check_path(q, claim)  # rejects where its own bound is larger
        assert max(values) <= Fraction(found["sup"])
        assert found["sup"] == pytest.approx(bound, rel=1e-9)  # the same lemma, in another arithmetic


MAPS_CHECKS = [check_values, check_torch, check_chords, check_chords_through_maxima]

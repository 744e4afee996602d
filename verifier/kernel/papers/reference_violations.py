"""The second evaluation of `claim_violation`, in Arb balls and exact rationals."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
from flint import arb

from verifier.kernel.papers import reference_violations_karhadkar2023, reference_violations_nguyen2021
from verifier.kernel.papers.statement import ClaimViolation
from verifier.kernel.reference.barrier import _inputs, dot
from verifier.kernel.reference.heads import conjugate
from verifier.kernel.reference.numbers import ONE, ZERO, ball_rows, largest, mean, norm, rational, require_certain
from verifier.kernel.reference.objective import endpoint_value, sample_loss
from verifier.kernel.statements import Objective, Parameters, Problem, require

Vector = list[Fraction]


def check_violations(problem: Problem, claim: ClaimViolation) -> dict[str, float]:
    found = _FOUND[claim.statement](problem, claim)
    require_certain(found >= arb(claim.margin), "the margin is not certain")
    return {"margin": float(found.lower())}


def _constant(problem: Problem) -> arb:
    o = problem.objective
    return arb(o.delta) if o.loss == "huber" else ONE


def _exact_rows(p: Parameters) -> list[Vector]:
    W = p.weights[0] if p.biases[0] is None else np.column_stack([p.weights[0], p.biases[0]])
    return [list(map(Fraction, row)) for row in W.tolist()]


def _features(X: list[Vector], rows: list[Vector]) -> list[Vector]:
    """relu, one list per sample."""
    return [[max(Fraction(0), dot(x, w)) for w in rows] for x in X]


def _head(p: Parameters) -> Vector:
    return list(map(Fraction, p.weights[1][0].tolist()))


def _slope(problem: Problem, f: Fraction, target: float) -> arb:
    o, y = problem.objective, Fraction(target)
    if o.loss == "logistic":
        return -rational(y) / (ONE + rational(y * f).exp())
    if o.loss == "huber":
        require(o.delta is not None, "Huber without delta")
        bound = Fraction(o.delta or 0.0)
        return rational(max(-bound, min(bound, f - y)))
    if o.loss == "absolute":
        require(f != y, "a prediction is on its target")
        return ONE if f > y else -ONE
    require(y * f != 1, "a prediction is on the hinge")
    return -rational(y) if y * f < 1 else ZERO


def _gradient(problem: Problem, claim: ClaimViolation) -> arb:
    Z, theta = _features(_inputs(problem), _exact_rows(problem.A)), _head(problem.A)
    d = [_slope(problem, dot(z, theta), t) for z, t in zip(Z, problem.targets[:, 0].tolist())]
    each = [abs(mean([rational(z[i]) * s for z, s in zip(Z, d)])) for i in range(len(theta))]
    return largest(each) - _constant(problem)


def _zero(problem: Problem, claim: ClaimViolation) -> arb:
    require_certain(arb(problem.objective.kappa) >= _constant(problem), "kappa is below L")
    nothing = Parameters((problem.A.weights[0], np.zeros_like(problem.A.weights[1])), problem.A.biases)
    return endpoint_value(problem, nothing) - endpoint_value(problem, problem.A)


def _within(problem: Problem, claim: ClaimViolation) -> arb:
    o, N = problem.objective, len(problem.X)
    Z, nu = _features(_inputs(problem), _exact_rows(problem.A)), list(map(Fraction, claim.dual.tolist()))
    pulls = [abs(sum((z[i] * v for z, v in zip(Z, nu)), Fraction(0))) / N for i in range(len(Z[0]))]
    over = max(Fraction(0), max(pulls) - Fraction(o.kappa))
    below = -mean([conjugate(o, [v], [t]) for v, t in zip(claim.dual.tolist(), problem.targets[:, 0].tolist())])
    return below - _constant(problem) / arb(o.kappa) * rational(over) - endpoint_value(problem, problem.A)


def _second_moment(problem: Problem, claim: ClaimViolation) -> arb:
    X = [list(map(Fraction, row)) for row in problem.X.tolist()]
    return mean([norm(row) for row in ball_rows(problem.X, None)]) - _root_of_moment(X)


def _root_of_moment(X: list[Vector]) -> arb:
    """At or above sqrt |Sigma|_2."""
    d, N = len(X[0]), len(X)
    S = [[sum((x[a] * x[b] for x in X), Fraction(0)) / N for b in range(d)] for a in range(d)]
    frobenius = rational(sum((v * v for row in S for v in row), Fraction(0))).sqrt()
    rows = rational(max(sum((abs(v) for v in row), Fraction(0)) for row in S))
    return frobenius.min(rows).sqrt()


def _gap_of_losses(problem: Problem, time: float) -> tuple[arb, Vector]:
    """(E loss on the path - E loss on the extended path, eta_2) at the time."""
    X, t = _inputs(problem), Fraction(time)
    W, V = _exact_rows(problem.A), _exact_rows(problem.B)
    middle = [[(1 - t) * a + t * b for a, b in zip(w, v)] for w, v in zip(W, V)]
    heads = list(zip(_head(problem.A), _head(problem.B)))
    both = [(1 - t) * b + t * g for b, g in heads]
    path = [dot(z, both) for z in _features(X, middle)]
    beta, gamma = zip(*heads)
    extended = [
        (1 - t) * dot(z, list(beta)) + t * dot(w, list(gamma)) for z, w in zip(_features(X, W), _features(X, V))
    ]
    means = [
        mean([sample_loss(problem.objective, [rational(f)], y) for f, y in zip(each, problem.targets.tolist())])
        for each in (path, extended)
    ]
    return means[0] - means[1], both


def _angle(problem: Problem) -> arb:
    """At or above the angles of the rows: 2 atan2(|w/|w| - v/|v||, |w/|w| + v/|v||)."""
    angles = []
    for w, v in zip(
        ball_rows(problem.A.weights[0], problem.A.biases[0]), ball_rows(problem.B.weights[0], problem.B.biases[0])
    ):
        a, b = norm(w), norm(v)
        require(bool(a > 0) and bool(b > 0), "a row is zero")
        apart, along = (norm([x / a + s * y / b for x, y in zip(w, v)]) for s in (-1, 1))
        angles.append(2 * (apart / along).atan() if bool(along > 0) else arb.pi())
    return largest(angles)


def _segment(problem: Problem, claim: ClaimViolation) -> arb:
    left, both = _gap_of_losses(problem, claim.time)
    size = rational(sum(map(abs, both), Fraction(0)))
    return abs(left) - _constant(problem) * _angle(problem) * _root_of_moment(_inputs(problem)) * size


def _exact_loss(o: Objective, f: Fraction, y: Fraction) -> Fraction:
    """The loss as a rational number: absolute, hinge and Huber."""
    if o.loss == "absolute":
        return abs(f - y)
    if o.loss == "hinge":
        return max(Fraction(0), 1 - y * f)
    require(o.loss == "huber" and o.delta is not None, "this loss has no rational values")
    r, bound = abs(f - y), Fraction(o.delta or 0.0)
    return r * r / 2 if r <= bound else bound * r - bound * bound / 2


def _best_heads(problem: Problem, claim: ClaimViolation) -> arb:
    """Weak duality makes the dual's value at most F; in rationals it is F, or the head is not shown to be a best one."""
    o, N, X = problem.objective, len(problem.X), _inputs(problem)
    for p, nu in ((problem.A, claim.dual[:N].tolist()), (problem.B, claim.dual[N:].tolist())):
        Z = _features(X, _exact_rows(p))
        pulls = [abs(sum((z[i] * Fraction(v) for z, v in zip(Z, nu)), Fraction(0))) for i in range(len(Z[0]))]
        require(all(s <= Fraction(o.kappa) * N for s in pulls), "a dual violates a constraint")
        head, targets = _head(p), [Fraction(y) for (y,) in problem.targets.tolist()]
        for v, y in zip(nu, problem.targets.tolist()):
            conjugate(o, [v], y)  # rejects duals outside its domain
        loss = sum((_exact_loss(o, dot(z, head), y) for z, y in zip(Z, targets)), Fraction(0)) / N
        curved = Fraction(1, 2) if o.loss == "huber" else Fraction(0)
        value = -sum((curved * Fraction(v) ** 2 + Fraction(v) * y for v, y in zip(nu, targets)), Fraction(0)) / N
        require(value == loss + Fraction(o.kappa) * sum(map(abs, head), Fraction(0)), "a head is not a best one")
    left, _ = _gap_of_losses(problem, claim.time)
    L = _constant(problem)
    return left - L * L * _root_of_moment(X) * _angle(problem) / arb(o.kappa)


def _identity(problem: Problem, claim: ClaimViolation) -> arb:
    X, t = _inputs(problem), Fraction(claim.time)
    W, V = _exact_rows(problem.A), _exact_rows(problem.B)
    middle = [[(1 - t) * a + t * b for a, b in zip(w, v)] for w, v in zip(W, V)]
    kept = [(1 - t) * b for b in _head(problem.A)]
    gained = [t * g for g in _head(problem.B)]
    both = [a + b for a, b in zip(kept, gained)]
    Z, moved, last = _features(X, W), _features(X, middle), _features(X, V)
    left = sum((abs(dot(m, both) - dot(z, kept) - dot(v, gained)) for m, z, v in zip(moved, Z, last)), Fraction(0))
    right = sum((abs(dot(m, both) - dot(z, both)) for m, z in zip(moved, Z)), Fraction(0))
    return rational(abs(left - right) / len(X))


def _noise(problem: Problem, claim: ClaimViolation) -> arb:
    sums: dict[tuple[float, ...], Fraction] = {}
    for row, v in zip(problem.X.tolist(), claim.dual.tolist()):
        key = tuple(x + 0.0 for x in row)
        sums[key] = sums.get(key, Fraction(0)) + Fraction(v)
    require(not any(sums.values()), "the dual does not sum to 0 over samples with equal inputs")
    o = problem.objective
    return -mean([conjugate(o, [v], [t]) for v, t in zip(claim.dual.tolist(), problem.targets[:, 0].tolist())])


def _squares(problem: Problem, claim: ClaimViolation) -> arb:
    X, L = _inputs(problem), Fraction(claim.dual.tolist()[0])
    f, g = ([dot(z, _head(p)) for z in _features(X, _exact_rows(p))] for p in (problem.A, problem.B))
    y = [Fraction(t) for (t,) in problem.targets.tolist()]
    return rational(max(abs((a - t) ** 2 - (b - t) ** 2) - L * abs(a - b) for a, b, t in zip(f, g, y)))


_FOUND: dict[str, Callable[[Problem, ClaimViolation], arb]] = {
    "lemma1.grad": _gradient, "lemma1.zero": _zero, "lemma1.norm": _within, "t2.norm": _second_moment, "t2.identity": _identity,
    "t2.segment": _segment, "t2.C": _best_heads, "t3.e": _noise, "baturin2026.exp.mse": _squares,
    **reference_violations_nguyen2021.FOUND, **reference_violations_karhadkar2023.FOUND,
}  # fmt: skip

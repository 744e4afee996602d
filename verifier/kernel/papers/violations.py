"""Counterexamples to statements of papers: fast evaluation of `claim_violation`. Baturin 2026 is here, the other papers in modules of their own."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from flint import arb

from verifier.kernel.fast import losses
from verifier.kernel.fast.balls import (
    INFLATE,
    Ball,
    add,
    between,
    down,
    exact,
    lower,
    magnitude,
    matmul,
    multiply,
    relu,
    row_norms,
    subtract,
    sum_lower,
    sum_upper,
    transpose,
    up,
    upper,
)
from verifier.kernel.fast.forward import affine, hidden, loss_at, objective_at
from verifier.kernel.fast.losses import arb_lower, arb_upper
from verifier.kernel.papers import violations_karhadkar2023, violations_nguyen2021
from verifier.kernel.papers.statement import ClaimViolation
from verifier.kernel.papers.validation import lipschitz
from verifier.kernel.statements import Objective, Parameters, Problem, augmented_rows, require

Array = np.ndarray


def check_violation(problem: Problem, claim: ClaimViolation) -> dict[str, float]:
    """The margin found; rejects unless it is at least the claimed one."""
    found = _FOUND[claim.statement](problem, claim)
    require(claim.margin <= found, f"margin: found at least {found!r}, claimed {claim.margin!r}")
    return {"margin": found}


def slopes(o: Objective, f: Ball, y: Array) -> Ball:
    """Enclosures of loss'(f_j), (N, 1): a convex loss has a slope that grows with f."""
    low, high = lower(f), upper(f)
    pairs = []
    for a, b, t in zip(low[:, 0].tolist(), high[:, 0].tolist(), y[:, 0].tolist()):
        if o.loss == "logistic":
            pairs.append((arb_lower(-t / (1 + (arb(t) * a).exp())), arb_upper(-t / (1 + (arb(t) * b).exp()))))
        elif o.loss == "huber":
            assert o.delta is not None  # guaranteed by `validate`; only for the type checker
            pairs.append((max(-o.delta, min(o.delta, down(a - t))), max(-o.delta, min(o.delta, up(b - t)))))
        elif o.loss == "absolute":
            require(a > t or b < t, "a prediction is not certainly off its target")
            pairs.append((1.0, 1.0) if a > t else (-1.0, -1.0))
        else:
            inner = (up(t * a) < 1.0 and up(t * b) < 1.0, down(t * a) > 1.0 and down(t * b) > 1.0)
            require(any(inner), "a prediction is not certainly off the hinge")
            pairs.append((-t, -t) if inner[0] else (0.0, 0.0))
    ends = np.array(pairs)
    mid = 0.5 * (ends[:, :1] + ends[:, 1:])
    return Ball(mid, np.maximum(ends[:, 1:] - mid, mid - ends[:, :1]) * INFLATE)


def _features(problem: Problem, p: Parameters) -> Ball:
    return relu(hidden(p, problem.X, 0.0), 0.0)


def _gradient(problem: Problem, claim: ClaimViolation) -> float:
    N, Z = len(problem.X), _features(problem, problem.A)
    G = matmul(transpose(Z), slopes(problem.objective, affine(Z, exact(problem.A.weights[1]), None), problem.targets))
    smallest = np.maximum(lower(G), -upper(G)).max()  # of |N gradient|, from below
    return down(down(float(smallest) / N) - lipschitz(problem.objective))


def _zero(problem: Problem, claim: ClaimViolation) -> float:
    require(problem.objective.kappa >= lipschitz(problem.objective), "kappa is below L")
    nothing = Parameters((problem.A.weights[0], 0.0 * problem.A.weights[1]), problem.A.biases)
    return down(objective_at(problem, nothing).lower - objective_at(problem, problem.A).upper)


def _norm(problem: Problem, claim: ClaimViolation) -> float:
    o, N = problem.objective, len(problem.X)
    G = magnitude(matmul(transpose(_features(problem, problem.A)), exact(claim.dual[:, None]))).max()
    room = down(o.kappa * N)
    over = 0.0 if room >= G else up(up(float(G) - room) / N)
    radius = up(lipschitz(o) / o.kappa)
    D = -losses.conjugate_mean_upper(o, claim.dual[:, None], problem.targets)
    return down(down(D - up(radius * over)) - objective_at(problem, problem.A).upper)


def _inputs(problem: Problem) -> Array:
    """Data with 1 appended where rows have a bias: what rows are angles and moments of."""
    return problem.X if problem.A.biases[0] is None else np.column_stack([problem.X, np.ones(len(problem.X))])


def _spread(inputs: Array) -> float:
    """Upper bound of sqrt |Sigma|_2, which is at most the Frobenius norm and the largest row sum of magnitudes."""
    N, X = len(inputs), exact(inputs)
    S = magnitude(matmul(transpose(X), X))
    frobenius = up(math.sqrt(sum_upper((S * S * INFLATE).ravel().tolist())))
    rows = max(sum_upper(row) for row in S.tolist())
    return up(math.sqrt(up(min(frobenius, rows) / N)))


def _second_moment(problem: Problem, claim: ClaimViolation) -> float:
    mean = down(sum_lower(lower(row_norms(exact(problem.X))).tolist()) / len(problem.X))
    return down(mean - _spread(problem.X))


@dataclass(frozen=True)
class _Middle:
    """Segment 2 of Theorem 2 at time t: features Z on A's rows, W on B's, moved on the rows between (N, m); the heads' parts (1-t) beta = kept and
    t gamma = gained, both = eta_2 their sum (1, m)."""

    Z: Ball
    W: Ball
    moved: Ball
    kept: Ball
    gained: Ball
    both: Ball


def _middle(problem: Problem, t: float) -> _Middle:
    A, B = problem.A, problem.B
    u, v = hidden(A, problem.X, 0.0), hidden(B, problem.X, 0.0)
    beta, gamma = exact(A.weights[1]), exact(B.weights[1])
    s = np.full_like(beta.mid, t)
    kept = multiply(exact(1.0 - s) if t in (0.0, 1.0) else Ball(1.0 - s, 2.0**-53 * (1.0 - s)), beta)
    gained = multiply(exact(s), gamma)
    return _Middle(relu(u, 0.0), relu(v, 0.0), relu(between(u, v, t), 0.0), kept, gained, add(kept, gained))


def _segment_excess(problem: Problem, m: _Middle) -> tuple[float, float]:
    """Lower bounds of `E loss(eta_2 Z(eta_1)) - E loss((1-t) beta Z(W) + t gamma Z(W~))` and of its negative."""
    path = loss_at(problem, matmul(m.moved, transpose(m.both)))
    extended = loss_at(problem, add(matmul(m.Z, transpose(m.kept)), matmul(m.W, transpose(m.gained))))
    return down(path.lower - extended.upper), down(extended.lower - path.upper)


def _largest_angle(problem: Problem) -> arb:
    """At or above every angle between a row of A and the row of B in its place."""
    largest = arb(0)
    for w, v in zip(*(augmented_rows(p.weights[0], p.biases[0]).tolist() for p in (problem.A, problem.B))):
        dot, sizes = arb(0), [arb(0), arb(0)]
        for a, b in zip(w, v):
            dot += arb(a) * b
            sizes = [sizes[0] + arb(a) * a, sizes[1] + arb(b) * b]
        require(all(bool(s > 0) for s in sizes), "a row is zero and has no angle")
        angle = (dot / (sizes[0] * sizes[1]).sqrt()).acos()
        largest = largest.max(angle if angle.is_finite() else arb.pi())
    return largest


def _segment(problem: Problem, claim: ClaimViolation) -> float:
    m = _middle(problem, claim.time)
    size = sum_upper(magnitude(m.both).ravel().tolist())
    allowed = arb_upper(_largest_angle(problem) * lipschitz(problem.objective) * _spread(_inputs(problem)) * size)
    return down(max(_segment_excess(problem, m)) - allowed)


def _constant(problem: Problem, claim: ClaimViolation) -> float:
    o, N = problem.objective, len(problem.X)
    for p, nu in ((problem.A, claim.dual[:N]), (problem.B, claim.dual[N:])):
        _require_best_head(problem, p, nu)
    allowed = _largest_angle(problem) * arb(lipschitz(o)) ** 2 * _spread(_inputs(problem)) / arb(o.kappa)
    return down(_segment_excess(problem, _middle(problem, claim.time))[0] - arb_upper(allowed))


def _require_best_head(problem: Problem, p: Parameters, dual: Array) -> None:
    """Reject unless the head minimises F on its rows: a feasible dual has exactly its value, in rationals."""
    o, N = problem.objective, len(problem.X)
    rows = [[Fraction(x) for x in row] for row in augmented_rows(p.weights[0], p.biases[0]).tolist()]
    head, nu = [Fraction(h) for h in p.weights[1][0].tolist()], [Fraction(v) for v in dual.tolist()]
    kappa, primal, gain, pulls = Fraction(o.kappa), Fraction(0), Fraction(0), [Fraction(0)] * len(rows)
    for x, (y,), v in zip(_inputs(problem).tolist(), problem.targets.tolist(), nu):
        z = [max(Fraction(0), sum((Fraction(a) * w for a, w in zip(x, row)), Fraction(0))) for row in rows]
        f, t = sum((a * h for a, h in zip(z, head)), Fraction(0)), Fraction(y)
        pulls = [s + a * v for s, a in zip(pulls, z)]
        if o.loss == "absolute":
            require(abs(v) <= 1, "a dual of the absolute loss exceeds 1")
            primal, gain = primal + abs(f - t), gain - v * t
        elif o.loss == "hinge":
            require(0 <= -v * t <= 1, "a dual of the hinge leaves [0, 1]")
            primal, gain = primal + max(Fraction(0), 1 - t * f), gain - v * t
        else:
            require(
                o.loss == "huber" and o.delta is not None, "best heads are decided for absolute, hinge and Huber loss"
            )
            d, r = Fraction(o.delta or 0.0), abs(f - t)
            require(abs(v) <= d, "a dual of Huber's loss exceeds delta")
            primal, gain = primal + (r * r / 2 if r <= d else d * (r - d / 2)), gain - v * v / 2 - v * t
    require(all(abs(s) <= kappa * N for s in pulls), "the dual of a head violates a constraint")
    require(gain / N == primal / N + kappa * sum(map(abs, head)), "a head is not shown to be a best one")


def _identity(problem: Problem, claim: ClaimViolation) -> float:
    m = _middle(problem, claim.time)
    ends = add(matmul(m.Z, transpose(m.kept)), matmul(m.W, transpose(m.gained)))
    left = subtract(matmul(m.moved, transpose(m.both)), ends)
    right = matmul(subtract(m.moved, m.Z), transpose(m.both))
    low, high = _mean_magnitudes(left)
    low_right, high_right = _mean_magnitudes(right)
    return max(down(low - high_right), down(low_right - high))


def _mean_magnitudes(x: Ball) -> tuple[float, float]:
    """Bounds of the mean of |x_j|, x (N, 1)."""
    below = np.maximum(np.maximum(lower(x), -upper(x)), 0.0)
    return max(0.0, down(sum_lower(below.ravel().tolist()) / len(below))), up(
        sum_upper(magnitude(x).ravel().tolist()) / len(below)
    )


def _noise(problem: Problem, claim: ClaimViolation) -> float:
    """Jensen: a dual that sums to 0 over samples with equal inputs pays nothing for any function of the input."""
    groups = np.unique(problem.X + 0.0, axis=0, return_inverse=True)[1].reshape(-1)
    for g in range(int(groups.max()) + 1):
        require(
            math.fsum(claim.dual[groups == g].tolist()) == 0.0,
            "the dual does not sum to 0 over samples with equal inputs",
        )
    return -losses.conjugate_mean_upper(problem.objective, claim.dual[:, None], problem.targets)


def _squares(problem: Problem, claim: ClaimViolation) -> float:
    """|(f - y)^2 - (g - y)^2| - L |f - g| = |f - g| (|f + g - 2 y| - L) at the sample where it is largest."""
    f, g = (affine(_features(problem, p), exact(p.weights[1]), None) for p in (problem.A, problem.B))
    y = exact(problem.targets)
    apart, around = subtract(f, g), add(subtract(f, y), subtract(g, y))
    best = 0.0
    for a, s in zip(_smallest(apart), _smallest(around)):
        over = down(s - float(claim.dual[0]))
        best = max(best, down(a * over) if over > 0.0 else 0.0)
    return best


def _smallest(x: Ball) -> list[float]:
    """Lower bounds of |x_j|, x (N, 1)."""
    return np.maximum(np.maximum(lower(x), -upper(x)), 0.0).ravel().tolist()


_FOUND: dict[str, Callable[[Problem, ClaimViolation], float]] = {
    "lemma1.grad": _gradient, "lemma1.zero": _zero, "lemma1.norm": _norm, "t2.norm": _second_moment, "t2.identity": _identity,
    "t2.segment": _segment, "t2.C": _constant, "t3.e": _noise, "baturin2026.exp.mse": _squares,
    **violations_nguyen2021.FOUND, **violations_karhadkar2023.FOUND,
}  # fmt: skip

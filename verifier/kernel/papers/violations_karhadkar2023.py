"""Counterexamples to statements of Karhadkar, Murray, Tseran, Montufar 2023: fast evaluation, in rationals and, for shares of patterns, balls.

`papers.statement.ClaimViolation` says what each statement is; docs/mathematics.md, section 10, has the arguments.
"""

from __future__ import annotations

from flint import arb, fmpq, fmpq_mat

from verifier.kernel.fast.losses import arb_lower
from verifier.kernel.fast.rational import ZERO, fraction
from verifier.kernel.papers.statement import ClaimViolation
from verifier.kernel.papers.validation import MOST_UNITS
from verifier.kernel.statements import Problem, require

Row = list[fmpq]


def _units(problem: Problem) -> tuple[Row, list[tuple[fmpq, fmpq]]]:
    """Inputs x and (weight, bias) of each hidden unit; d = 1."""
    b = problem.A.biases[0]
    require(b is not None, "no bias")
    assert b is not None  # for the type checker; `require` above decides
    weights = [fraction(w) for (w,) in problem.A.weights[0].tolist()]
    return [fraction(v) for (v,) in problem.X.tolist()], list(zip(weights, map(fraction, b.tolist())))


def empty_region(problem: Problem, claim: ClaimViolation) -> float:
    """An input 0 empties every region; the sums that A's rows choose are vertices, ahead of all other points by this much."""
    rows = problem.A.weights[0].tolist()
    ahead, zeros = [], 0
    for x in problem.X.tolist():
        if any(x):
            for w in rows:
                ahead.append(abs(sum((fraction(a) * fraction(v) for a, v in zip(w, x)), ZERO)))
        else:
            zeros += 1
    require(zeros > 0, "no input is 0")
    require(len(ahead) > 0, "all inputs are 0")
    return arb_lower(arb(min(ahead)))


def key_neurons(problem: Problem, claim: ClaimViolation) -> float:
    """How many pre-activations of the construction are not strictly on their side; A is the construction."""
    x, units = _units(problem)
    z, head = [fraction(v) for (v,) in problem.targets.tolist()], problem.A.weights[1][0].tolist()
    reached, wrong = [ZERO] * len(x), 0
    for k in range(len(x)):
        rest = z[k] - reached[k]
        up, size = bool(rest > 0), abs(rest)
        slope = fmpq(1) if k == 0 else 2 * size / (x[k] - x[k - 1])
        shift = size - x[0] if k == 0 else -slope * (x[k] + x[k - 1]) / 2
        for beta in (0, 1):
            i = 2 * k + beta
            require((head[i] > 0.0) is (beta == 1), "heads of the key neurons: negative, positive, and so on")
            factor = fmpq(2 if up is (beta == 1) else 1) / abs(fraction(head[i]))
            require(units[i] == (factor * slope, factor * shift), "a neuron is not the construction's")
            sides = [bool(slope * v + shift > 0) if j >= k else bool(slope * v + shift < 0) for j, v in enumerate(x)]
            wrong += sides.count(False)
        reached = [r + max(ZERO, slope * v + shift) * (1 if up else -1) for r, v in zip(reached, x)]
    return float(wrong)


def _polyline(x: Row) -> list[Row]:
    """The 2n vertices in order: xbar^(i) X_{<=i}, then -xbar^(i) X_{>=i}."""
    left = [[x[i] - v if j <= i else ZERO for j, v in enumerate(x)] for i in range(len(x))]
    return left + [[v - x[i] if j >= i else ZERO for j, v in enumerate(x)] for i in range(len(x))]


def ray(problem: Problem, claim: ClaimViolation) -> float:
    """One unit with a value that is not 0, where the polyline is the point 0."""
    x, [(w, b)] = _units(problem)
    require(not any(v != 0 for vertex in _polyline(x) for v in vertex), "the polyline is more than the point 0")
    return arb_lower(arb(max(w * v + b for v in x)))


def combination(problem: Problem, claim: ClaimViolation) -> float:
    """The largest entry of f = A's outputs, which in no way are c p + e q with p, q on the polyline and c + e not 0."""
    x, units = _units(problem)
    heads = [fraction(h) for h in problem.A.weights[1][0].tolist()]
    f = [sum((h * max(ZERO, w * v + b) for h, (w, b) in zip(heads, units)), ZERO) for v in x]
    vertices = _polyline(x)
    for first in range(len(vertices) - 1):
        for second in range(first, len(vertices) - 1):
            ends = sorted({first, first + 1, second, second + 1})
            _require_cancelling(f, [vertices[k] for k in ends])
    return arb_lower(arb(max(abs(v) for v in f)))


def _require_cancelling(f: Row, ends: list[Row]) -> None:
    """Reject unless f is no linear combination of the ends of two pieces, or just one, and its coefficients sum to 0."""
    used = [v for v in ends if any(a != 0 for a in v)]
    k = len(used)
    reduced, rank = fmpq_mat([list(row) for row in zip(*used, f)]).rref()
    if any(all(reduced[r, c] == 0 for c in range(k)) and reduced[r, k] != 0 for r in range(len(f))):
        return
    require(k == len(ends), "a piece that meets 0 takes part: the coefficient there is free")
    require(rank == k, "the ends of two pieces are dependent")
    require(sum((reduced[r, k] for r in range(k)), ZERO) == 0, "f is a multiple of an affine combination")


def dead_samples(problem: Problem, claim: ClaimViolation) -> float:
    """The share 1 - (1 - 2^-d1)^n of patterns with a dead sample, beyond eps."""
    n, d0, d1, eps, C = (fraction(v) for v in claim.dual.tolist())
    require(n.q == d0.q == d1.q == 1 and 1 <= n <= d0, "n and d0 are numbers of samples and inputs, n at most d0")
    require(1 <= d1 <= MOST_UNITS, f"d1 is a number of units, at most {MOST_UNITS}")
    require(0 < eps < 1 and C > 0 and n > eps * d0, "eps lies in (0, 1), C above 0, and n / (eps d0) above 1")
    require(d1 * d0 >= n, "d1 is below n / d0")
    require(bool(arb(d1) >= arb(C) * arb(n / (eps * d0)).log()), "d1 is not certainly at least C log(n / (eps d0))")
    margin = fraction(claim.margin)
    # With the margin the number of such patterns exceeds eps 2^(n d1) by one or more, and so also the whole number above it.
    require(n * d1 >= 1074 or margin * fmpq(2) ** int((n * d1).p) >= 1, "the margin is less than one pattern")
    alive = (arb(n) * (-arb(fmpq(1, 2) ** int(d1.p))).log1p()).exp()
    return arb_lower(1 - alive - arb(eps))


FOUND = {
    "karhadkar2023.t5": dead_samples,
    "karhadkar2023.cor8": dead_samples,
    "karhadkar2023.prop7": empty_region,
    "karhadkar2023.lemma15": key_neurons,
    "karhadkar2023.prop13.cone": ray,
    "karhadkar2023.prop13.affine": combination,
}

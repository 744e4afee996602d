"""The second evaluation of counterexamples to Karhadkar, Murray, Tseran, Montufar 2023: the paper's formulas in Python's fractions."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations_with_replacement

from flint import arb, ctx

from verifier.kernel.papers.statement import ClaimViolation
from verifier.kernel.reference.numbers import ONE, rational, require_certain
from verifier.kernel.statements import Problem, require

Vector = list[Fraction]


def _column(rows: list[list[float]]) -> Vector:
    return [Fraction(v) for (v,) in rows]


def _biases(problem: Problem) -> Vector:
    b = problem.A.biases[0]
    return [] if b is None else list(map(Fraction, b.tolist()))


def _active(value: Fraction) -> Fraction:
    return value if value > 0 else Fraction(0)


def _vertex(problem: Problem, claim: ClaimViolation) -> arb:
    X = [list(map(Fraction, x)) for x in problem.X.tolist()]
    moving = [x for x in X if x != [0] * len(x)]
    require(0 < len(moving) < len(X), "not both inputs that are 0 and others")
    # A subset with another sum differs in a moving input, and loses |w . x| for each of them.
    least = None
    for w in problem.A.weights[0].tolist():
        for x in moving:
            size = abs(sum((Fraction(a) * v for a, v in zip(w, x)), Fraction(0)))
            least = size if least is None or size < least else least
    return rational(least or Fraction(0))


def _construction(problem: Problem, claim: ClaimViolation) -> arb:
    x, z, n = _column(problem.X.tolist()), _column(problem.targets.tolist()), len(problem.X)
    v = list(map(Fraction, problem.A.weights[1].tolist()[0]))
    rows, shifts = _column(problem.A.weights[0].tolist()), _biases(problem)
    made: list[tuple[int, Fraction, Fraction]] = []  # (2 beta^(k) - 1, w^(k), b^(k)) of step 1
    outside = 0
    for k in range(n):
        g = sum((s * _active(w * x[k] + b) for s, w, b in made), Fraction(0))
        residual = z[k] - g
        if k == 0:
            w, b = Fraction(1), abs(residual) - x[0]
        else:
            w = 2 * abs(residual) / (x[k] - x[k - 1])
            b = -abs(residual) * (x[k] + x[k - 1]) / (x[k] - x[k - 1])
        made.append((1 if residual > 0 else -1, w, b))
        for i, beta in ((2 * k, 0), (2 * k + 1, 1)):
            require(int(v[i] > 0) == beta, "a key neuron's head has another sign")
            scale = Fraction(3 + made[k][0] * (2 * beta - 1), 2) / abs(v[i])
            require(rows[i] == scale * w and shifts[i] == scale * b, "a key neuron has other parameters")
            for j in range(n):
                value = rows[i] * x[j] + shifts[i]
                # The region's inequality (2 A_ij - 1) (w x + b) > 0, row i of A being active from sample k on.
                outside += (value if j >= k else -value) <= 0
    return arb(outside)


def _vertices(x: Vector) -> list[Vector]:
    """[x_i, -1] times the columns (1, x_j), those beyond i replaced by 0; then [-x_i, 1] times those from i on."""
    n = len(x)
    first = [[x[i] * 1 + (-1) * x[j] if j <= i else Fraction(0) for j in range(n)] for i in range(n)]
    second = [[-x[i] * 1 + 1 * x[j] if j >= i else Fraction(0) for j in range(n)] for i in range(n)]
    return [*first, *second]


def _cone(problem: Problem, claim: ClaimViolation) -> arb:
    x = _column(problem.X.tolist())
    for vertex in _vertices(x):
        require(set(vertex) == {Fraction(0)}, "a vertex of the polyline is not 0")
    w, b = Fraction(problem.A.weights[0].tolist()[0][0]), _biases(problem)[0]
    return rational(max(_active(w * v + b) for v in x))


def _rank(vectors: list[Vector]) -> int:
    """Of a list of vectors, by elimination."""
    rows, rank = [list(v) for v in vectors], 0
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((r for r in range(rank, len(rows)) if rows[r][column] != 0), None)
        if pivot is None:
            continue
        rows[rank], rows[pivot] = rows[pivot], rows[rank]
        for r in range(rank + 1, len(rows)):
            factor = rows[r][column] / rows[rank][column]
            rows[r] = [a - factor * b for a, b in zip(rows[r], rows[rank])]
        rank += 1
    return rank


def _affine(problem: Problem, claim: ClaimViolation) -> arb:
    x, W, b = _column(problem.X.tolist()), _column(problem.A.weights[0].tolist()), _biases(problem)
    head = list(map(Fraction, problem.A.weights[1].tolist()[0]))
    f = [sum((h * _active(w * v + s) for h, w, s in zip(head, W, b)), Fraction(0)) for v in x]
    V = _vertices(x)
    for p, q in combinations_with_replacement(range(len(V) - 1), 2):
        ends = [V[k] for k in {p, p + 1, q, q + 1}]
        moving = [v for v in ends if any(v)]
        size = _rank(moving)
        if _rank([*moving, f]) > size:
            continue  # out of reach of these pieces
        require(len(moving) == len(ends) == size, "f lies in the span of dependent ends, or of a piece that meets 0")
        # Independent ends: the coefficients are unique, and with a further entry 1 for each end they sum to f's, 0.
        lifted = [[*v, Fraction(1)] for v in moving]
        require(_rank([*lifted, [*f, Fraction(0)]]) == size, "the coefficients of f do not sum to 0")
    return rational(max(map(abs, f)))


def _share(problem: Problem, claim: ClaimViolation) -> arb:
    n, d0, d1, eps, C = map(Fraction, claim.dual.tolist())
    require(all(v.denominator == 1 and v >= 1 for v in (n, d0, d1)), "n, d0 and d1 are positive whole numbers")
    require(d0 >= n and d1 <= 4096 and d1 >= n / d0, "n <= d0, and n / d0 <= d1 <= 4096")
    require(C > 0 and eps > 0 and eps < 1 and n / (eps * d0) > 1, "eps, C or n / (eps d0) is out of range")
    require_certain(rational(d1) >= rational(C) * rational(n / (eps * d0)).log(), "d1 is not certainly large enough")
    units, samples = d1.numerator, n.numerator
    # ceil(eps 2^(n d1)) is below eps 2^(n d1) + 1; no positive float is below 2^-1074.
    require(units * samples >= 1074 or Fraction(claim.margin) * 2 ** (units * samples) >= 1, "less than one pattern")
    with ctx.workprec(192 + units + samples.bit_length()):
        alive = (ONE - rational(Fraction(1, 2**units))) ** samples
        return ONE - alive - rational(eps)


FOUND = {
    "karhadkar2023.t5": _share,
    "karhadkar2023.cor8": _share,
    "karhadkar2023.prop7": _vertex,
    "karhadkar2023.lemma15": _construction,
    "karhadkar2023.prop13.cone": _cone,
    "karhadkar2023.prop13.affine": _affine,
}

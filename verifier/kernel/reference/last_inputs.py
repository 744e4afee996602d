"""What the neurons of the last hidden layer read, sample by sample and layer by layer, in rationals (docs/mathematics.md, section 8)."""

from __future__ import annotations

from fractions import Fraction

from verifier.kernel.statements import Parameters, Problem

Vector = list[Fraction]


def read_by_last(problem: Problem) -> list[Vector]:
    """What the last hidden layer reads, sample by sample and layer by layer, with a 1 for its biases."""
    p, out = problem.A, []
    for x in problem.X.tolist():
        h = list(map(Fraction, x))
        for W, b in zip(p.weights[:-2], p.biases[:-2], strict=True):
            shift = [0.0] * len(W) if b is None else b.tolist()
            h = [
                max(dot(list(map(Fraction, w)), h) + Fraction(c), Fraction(0))
                for w, c in zip(W.tolist(), shift, strict=True)
            ]
        out.append(h if p.biases[-2] is None else [*h, Fraction(1)])
    return out


def rows_of_last(p: Parameters) -> list[Vector]:
    """Of its neurons, with their biases."""
    W, b = p.weights[-2].tolist(), p.biases[-2]
    shifts = [[]] * len(W) if b is None else [[v] for v in b.tolist()]
    return [[Fraction(v) for v in [*row, *shift]] for row, shift in zip(W, shifts, strict=True)]


def dot(u: Vector, v: Vector) -> Fraction:
    return sum((a * b for a, b in zip(u, v)), Fraction(0))

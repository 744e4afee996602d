"""The second evaluation of counterexamples to Nguyen, Brechet, Mondelli 2021: sample by sample, in Python's fractions."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import combinations

from flint import arb

from verifier.kernel.papers.statement import ClaimViolation
from verifier.kernel.reference.heads import conjugate
from verifier.kernel.reference.numbers import ZERO, mean, rational
from verifier.kernel.statements import Problem, require

Vector = list[Fraction]


def _layers(problem: Problem, x: list[float]) -> list[Vector]:
    """What each layer of A reads at one sample, the input first."""
    read = [list(map(Fraction, x))]
    for W, b in zip(problem.A.weights[:-1], problem.A.biases[:-1]):
        shifts = [0.0] * len(W) if b is None else b.tolist()
        out = []
        for row, shift in zip(W.tolist(), shifts):
            u = Fraction(shift)
            for w, h in zip(row, read[-1]):
                u += Fraction(w) * h
            out.append(u if u > 0 else Fraction(0))
        read.append(out)
    return read


def _separates(plane: list[float], samples: list[Vector], inside: Callable[[int], bool]) -> bool:
    """Whether a . z + b > 0 at the samples inside, and < 0 at all others."""
    for j, z in enumerate(samples):
        level = Fraction(plane[-1]) + sum((Fraction(a) * v for a, v in zip(plane, z, strict=False)), Fraction(0))
        if level == 0 or (level > 0) is not inside(j):
            return False
    return True


def _head(problem: Problem, claim: ClaimViolation) -> arb:
    labels, K = problem.targets.tolist(), len(problem.A.weights[-1])
    kept = problem.A.weights[-1].shape[1] - K
    samples = [_layers(problem, x)[-1][:kept] for x in problem.X.tolist()]
    numbers = claim.dual.tolist()
    for k in range(K):
        plane = numbers[k * (kept + 1) : (k + 1) * (kept + 1)]
        require(k in labels, "a class without samples")
        require(_separates(plane, samples, lambda j, k=k: labels[j] == k), "a class is not separated")  # type: ignore[misc]
    rest = numbers[K * (kept + 1) :]
    duals = [rest[j * K : (j + 1) * K] for j in range(len(labels))]
    for i in range(kept):
        for k in range(K):
            pull = sum((z[i] * Fraction(v[k]) for z, v in zip(samples, duals)), Fraction(0))
            require(pull == 0, "a feature gains from the dual")
    return -mean([conjugate(problem.objective, v, y) for v, y in zip(duals, labels)])


def _one_output(problem: Problem, claim: ClaimViolation) -> arb:
    samples = [_layers(problem, x)[0] for x in problem.X.tolist()]
    y = [t for (t,) in problem.targets.tolist()]
    require(_separates(claim.dual.tolist(), samples, lambda j: y[j] == 1.0), "the classes are not separated")
    # An output of the sign of its head, or 0, at all samples: the other class pays log(1 + e^0) at least.
    shares = [Fraction(y.count(s), len(y)) for s in (1.0, -1.0)]
    return rational(min(shares)) * arb(2).log()


def _generic_position(problem: Problem, claim: ClaimViolation) -> arb:
    inputs = {tuple(map(Fraction, x)) for x in problem.X.tolist()}
    require(len(inputs) == len(problem.X), "two inputs are equal")
    samples = [_layers(problem, x)[-2] for x in problem.X.tolist()]
    n = len(samples[0])
    least = None
    for half in combinations(range(n), -(-n // 2)):
        silent = [{tuple(z[i] for i in half) for z in samples if z[k] == 0} for k in half]
        beyond = max(map(len, silent)) - len(half)
        least = beyond if least is None else min(least, beyond)
    return ZERO if least is None else arb(least)


FOUND = {
    "nguyen2021.cor44.head": _head,
    "nguyen2021.cor44.one-output": _one_output,
    "nguyen2021.cor43.A2": _generic_position,
}

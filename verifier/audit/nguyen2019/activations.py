"""Assumptions 2.1 and 2.2, Lemma 2.3, Lemma 4.4: what activations do, in rationals."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

import numpy as np
from flint import fmpq, fmpq_mat

from verifier.audit.claim import About, Instance, Rng, Statement, Trial, Word
from verifier.audit.trained import small_networks

PAPER = "nguyen2019"
Kinks = list[tuple[Fraction, Fraction]]


def leaky(slope: Fraction, z: Fraction) -> Fraction:
    """Leaky ReLU; ReLU for slope 0."""
    return z if z > 0 else slope * z


def _assumption21(instance: Instance) -> Trial:
    """Strictly increasing between two points, and a point that is mapped to a given value."""
    slope, x, y = (instance.values[k] for k in ("slope", "x", "y"))
    rises = leaky(slope, max(x, y)) > leaky(slope, min(x, y))
    before = y if y > 0 else (y / slope if slope else None)
    reached = before is not None and leaky(slope, before) == y
    return Trial(2 - rises - reached, 0.0, 1.0, x != y, text=f"rises: {rises}, value {y} reached: {reached}")


def _points(relu: bool):  # type: ignore[no-untyped-def]
    def make(rng: Rng, count: int) -> Iterator[Instance]:
        for _ in range(count):
            slope = Fraction(0) if relu else Fraction(float(10.0 ** rng.uniform(-12, -0.01)))
            x, y = (Fraction(float(v)) for v in rng.normal(size=2) * 10.0 ** rng.uniform(-9, 9))
            yield Instance("random", f"slope {float(slope):.3g}", {"slope": slope, "x": x, "y": y})

    return make


def combined_kinks(kinks: Kinks, shifts: list[Fraction], factors: list[Fraction]) -> Kinks:
    """Where the slope of sigma - sum_i lambda_i sigma(. - a_i) jumps, for sigma with jumps `kinks` (place, jump)."""
    jumps: dict[Fraction, Fraction] = {}
    for place, jump in kinks:
        jumps[place] = jumps.get(place, Fraction(0)) + jump
        for a, factor in zip(shifts, factors):
            jumps[place + a] = jumps.get(place + a, Fraction(0)) - factor * jump
    return [(p, j) for p, j in sorted(jumps.items()) if j]


def _assumption22(instance: Instance) -> Trial:
    kinks, shifts, factors = (instance.values[k] for k in ("kinks", "shifts", "factors"))
    met = bool(shifts) and len(set(shifts)) == len(shifts) and all(shifts) and all(factors) and any(j for _, j in kinks)
    left = combined_kinks(kinks, shifts, factors)
    return Trial(1.0, float(len(left)), 1.0, met, text=f"{len(left)} kinks remain of {len(kinks)} (1 + {len(shifts)})")


def _elu(instance: Instance) -> Trial:
    """As `_assumption22`, for places where the second derivative of the difference jumps: ELU's own jumps by -alpha at 0 and nowhere else."""
    alpha, shifts, factors = (instance.values[k] for k in ("alpha", "shifts", "factors"))
    met = alpha > 0 and bool(shifts) and len(set(shifts)) == len(shifts) and all(shifts) and all(factors)
    left = combined_kinks([(Fraction(0), -alpha)], shifts, factors)
    return Trial(
        1.0, float(len(left)), 1.0, met, text=f"{len(left)} jumps of the second derivative, {len(shifts)} shifts"
    )


def _softplus(instance: Instance) -> Trial:
    """The residue at i pi of the derivative of log(1 + e^z) - sum_i lambda_i log(1 + e^(z - a_i)), 1 / (1 + e^-z) - ..., as a mean on a circle."""
    shifts, factors = ([float(v) for v in instance.values[k]] for k in ("shifts", "factors"))
    met = bool(shifts) and len(set(shifts)) == len(shifts) and all(shifts) and all(factors)
    radius = 0.5 * min([1.0, *(abs(a) for a in shifts if a)])
    turn = radius * np.exp(2j * np.pi * np.arange(64) / 64)
    # At z = i pi + turn, where e^-z = -e^-turn.
    slope = lambda a: 1.0 / (1.0 - np.exp(a - turn))
    residue = np.mean((slope(0.0) - sum(c * slope(a) for c, a in zip(factors, shifts))) * turn)
    size = 1.0 + sum(abs(c) for c in factors)
    return Trial(1.0, float(abs(residue)), size, met, 1e-6, f"residue {abs(residue):.6g}, {len(shifts)} shifts")


def _smooth(rng: Rng, count: int) -> Iterator[Instance]:
    """Shifts of either sign, near 0 too, with the least-squares factors of a grid, which come as near to sigma as any; every third time at random."""
    for k in range(count):
        p = int(rng.integers(1, 5))
        shifts = [Fraction(float(v)) for v in rng.normal(size=p) * 10.0 ** rng.uniform(-1, 1)]
        grid = np.linspace(-10, 10, 201)
        table = np.column_stack([np.logaddexp(0.0, grid - float(a)) for a in shifts])
        fitted = np.linalg.lstsq(table, np.logaddexp(0.0, grid), rcond=None)[0] if k % 3 else rng.normal(size=p)
        alpha = Fraction(float(rng.choice((1.0, 10.0 ** rng.uniform(-3, 1)))))
        values = {"shifts": shifts, "factors": [Fraction(float(c)) for c in fitted], "alpha": alpha}
        yield Instance("random", f"{p} shifts, alpha = {float(alpha):.3g}", values)


def _shifts(rng: Rng, kinks: Kinks) -> tuple[list[Fraction], list[Fraction]]:
    """Shifts among differences of kinks, so that as many as possible may cancel, and factors that cancel them one after the other."""
    places = [p for p, _ in kinks]
    differences = sorted({p - q for p in places for q in places if p != q}) or [Fraction(1)]
    differences += [Fraction(int(v)) for v in rng.integers(-4, 5, size=2) if v]
    size = int(rng.integers(1, 5))
    shifts = list(dict.fromkeys(differences[int(k)] for k in rng.integers(len(differences), size=size)))
    factors: list[Fraction] = []
    for k in range(len(shifts)):
        # The factor that removes one jump of what is left so far.
        left = combined_kinks(kinks, shifts[:k], factors)
        hits = [(j, q) for p, j in left for place, q in kinks if place + shifts[k] == p]
        factors.append(hits[int(rng.integers(len(hits)))][0] / hits[0][1] if hits else Fraction(1))
    return shifts, [f or Fraction(1) for f in factors]


def _piecewise(leaky_only: bool):  # type: ignore[no-untyped-def]
    def make(rng: Rng, count: int) -> Iterator[Instance]:
        for _ in range(count):
            if leaky_only:
                kinks = [(Fraction(0), 1 - Fraction(float(rng.choice((0.0, 0.01, 0.5, 2.0)))))]
            else:
                places = rng.choice(range(-6, 7), int(rng.integers(1, 6)), replace=False)
                kinks = [(Fraction(int(p)), Fraction(int(rng.choice((-2, -1, 1, 3))))) for p in places]
            shifts, factors = _shifts(rng, kinks)
            values = {"kinks": kinks, "shifts": shifts, "factors": factors}
            yield Instance("random", f"{len(kinks)} kinks, {len(shifts)} shifts", values)

    return make


def _lemma44(instance: Instance) -> Trial:
    """Rank of sigma(v + b 1) over shifts b left of, between and right of the entries, in integers."""
    v, slope = sorted(instance.values["v"]), instance.values["slope"]
    shifts = [-(p + q) / 2 for p, q in pairwise(v)] + [-v[0] + 1, -v[-1] - 1, -v[0] + 2]
    rows = [[leaky(slope, x + b) for x in v] for b in shifts]
    table = fmpq_mat([[fmpq(x.numerator, x.denominator) for x in row] for row in rows])
    return Trial(len(v), float(table.rank()), 1.0, len(set(v)) == len(v) and slope != 1, text=f"n = {len(v)}")


def _entries(rng: Rng, count: int) -> Iterator[Instance]:
    for k in range(count):
        n = int(rng.integers(1, 8))
        v = rng.normal(size=n) * 10.0 ** rng.uniform(-6, 6)
        if k % 3 == 0:
            v = 1.0 + 2.0**-50 * rng.permutation(n)
        slope = Fraction(float(rng.choice((0.0, 0.01, 0.999, 3.0))))
        yield Instance("random", f"n = {n}, slope {float(slope)}", {"v": [Fraction(float(x)) for x in v], "slope": slope})  # fmt: skip
    for net in small_networks(count):
        # What a trained neuron reads at different samples.
        v = net.X[:7] @ net.W[0]
        yield Instance(
            "trained", f"{net.label}, neuron 0", {"v": [Fraction(float(x)) for x in v], "slope": Fraction(0)}
        )


STATEMENTS = [
    Statement(
        "assumption21.leaky", PAPER, "Assumption 2.1", "sigma is strictly monotonic and sigma(R) = R ... which is satisfied for Leaky-ReLU",
        "In rationals: Leaky ReLU rises strictly between two points, and a given value is reached.", Word.HOLDS, _points(False), _assumption21,
        hypotheses=("slope in (0, 1)",),
    ),
    Statement(
        "assumption21.relu", PAPER, "Assumption 2.1 and section 6", "extend our results to other activation functions such as ReLU ... remove Assumption 2.1",
        "The same for ReLU, as a control: the paper does not claim it.", Word.FAILS, _points(True), _assumption21,
        no_certificate="a control, which the paper does not claim; relu(-1) = relu(-2) is all there is to check", about=About.CONTROL,
    ),
    Statement(
        "assumption22", PAPER, "Assumption 2.2", "There do not exist non-zero coefficients (lambda_i, a_i) with a_i distinct such that sigma(x) = sum "
        "lambda_i sigma(x - a_i)",
        "Leaky ReLU and ReLU: the difference of both sides keeps at least one kink, exactly.", Word.HOLDS, _piecewise(True), _assumption22,
        hypotheses=("lambda_i, a_i not 0, a_i distinct",),
    ),
    Statement(
        "lemma23", PAPER, "Lemma 2.3", "Assumption 2.2 is satisfied for any continuous piecewise linear activation function with at least two pieces",
        "Up to 5 kinks, shifts and factors chosen so that jumps cancel one after the other: at least one remains.",
        Word.HOLDS, _piecewise(False), _assumption22, hypotheses=("finitely many pieces, at least two",),
    ),
    Statement(
        "lemma23.elu", PAPER, "Lemma 2.3, ELU", "and for the exponential linear unit sigma(x) = x for x >= 0, alpha (e^x - 1) for x < 0, where alpha > 0",
        "In rationals: of the jumps of the second derivative of sigma - sum lambda_i sigma(. - a_i) at least one remains, that at 0; factors are those of a "
        "least-squares fit, or random.",
        Word.HOLDS, _smooth, _elu, hypotheses=("lambda_i, a_i not 0, a_i distinct", "alpha > 0"),
    ),
    Statement(
        "lemma23.softplus", PAPER, "Assumption 2.2, for an activation that the paper does not name", "",
        "Softplus too: the residue of the difference's derivative at i pi, by a contour integral, is at least 1.",
        Word.HOLDS, _smooth, _softplus, hypotheses=("lambda_i, a_i not 0, a_i distinct",), about=About.REMARK,
    ),
    Statement(
        "lemma44", PAPER, "Lemma 4.4", "Span({sigma(v + b 1) | b in R}) = R^n",
        "n + 2 shifts give rank n in rationals, entries as near as neighbours in float64.", Word.HOLDS, _entries, _lemma44,
        hypotheses=("entries of v distinct", "Leaky ReLU or ReLU"),
    ),
]  # fmt: skip

"""Theorem 12 and its Lemma 15: zero loss inside most regions of one-dimensional inputs."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from itertools import combinations
from math import ceil, comb, log

import numpy as np

from verifier.audit.claim import Instance, Rng, Statement, Trial, Word, compared
from verifier.audit.karhadkar2023 import counterexamples
from verifier.audit.karhadkar2023.counts import step_rows
from verifier.audit.karhadkar2023.key_neurons import key_neurons
from verifier.audit.karhadkar2023.shares import full_rank, surjections

PAPER = "karhadkar2023"
Array = np.ndarray
Kind = tuple[tuple[int, ...], int]  # a neuron's step vector and the sign of its head


def zero_inside(kinds: list[Kind], x: Array, y: Array) -> bool:
    """Whether neurons of these kinds reach F = y with every pre-activation strictly on its side: a linear program in (w_i, b_i) and a margin.

    Heads are 1 or -1: scaling a neuron by 1/|v_i| keeps its region.
    """
    from scipy.optimize import linprog

    n, m = len(x), len(kinds)
    if not m:
        return not y.any()
    xt = np.column_stack([x, np.ones(n)])
    equations = np.hstack([sign * np.array(step)[:, None] * xt for step, sign in kinds])
    rows = np.zeros((m * n, 2 * m + 1))
    for i, (step, _) in enumerate(kinds):
        rows[i * n : (i + 1) * n, 2 * i : 2 * i + 2] = -(2 * np.array(step) - 1)[:, None] * xt
    rows[:, -1] = 1.0
    cost = np.zeros(2 * m + 1)
    cost[-1] = -1.0
    solved = linprog(
        cost, A_ub=rows, b_ub=np.zeros(m * n), A_eq=np.hstack([equations, np.zeros((n, 1))]), b_eq=y,
        bounds=[(None, None)] * (2 * m) + [(None, 1.0)], method="highs",
    )  # fmt: skip
    return solved.status == 0 and float(solved.x[-1]) > 1e-7


def full(kinds: list[Kind], x: Array) -> bool:
    """Whether the Jacobian has rank n, so that the zero-loss points of the region have codimension n."""
    X = np.column_stack([x, np.ones(len(x), dtype=np.int64)])
    return bool(kinds) and full_rank(np.array([step for step, _ in kinds]), X)


@cache
def _good(x: tuple[int, ...], y: tuple[int, ...]) -> dict[tuple[int, int], int]:
    """Numbers of good sets of kinds, by how many have positive and negative heads; good: zero loss inside and codimension n."""
    rows = sorted(step_rows(len(x)))
    out: dict[tuple[int, int], int] = {}
    subsets = [s for k in range(1, len(rows) + 1) for s in combinations(rows, k)]
    for up in subsets:
        for down in subsets:
            kinds = [(s, 1) for s in up] + [(s, -1) for s in down]
            if full(kinds, np.array(x)) and zero_inside(kinds, np.array(x), np.array(y, dtype=np.float64)):
                out[len(up), len(down)] = out.get((len(up), len(down)), 0) + 1
    return out


def bad_share(x: tuple[int, ...], y: tuple[int, ...], ups: int, downs: int) -> Fraction:
    """Exact share of the (2n)^(ups + downs) regions without such a set of minimisers."""
    good = sum(number * surjections(ups, a) * surjections(downs, b) for (a, b), number in _good(x, y).items())
    return 1 - Fraction(good, (2 * len(x)) ** (ups + downs))


def complete_share(n: int, ups: int, downs: int) -> Fraction:
    """Exact share of the regions with every key neuron, n step vectors with heads of either sign: by Lemma 15 (repaired) each of these has minimisers of zero
    loss and codimension n, whatever the targets, so that at most the others lack them. Inclusion and exclusion over the vectors that are missing."""

    def every(d: int) -> Fraction:
        return sum(((-1) ** k * comb(n, k) * Fraction(2 * n - k, 2 * n) ** d for k in range(n + 1)), Fraction(0))

    return every(ups) * every(downs)


def _theorem12(instance: Instance) -> Trial:
    x, y, epsilon = (instance.values[k] for k in ("x", "y", "epsilon"))
    width = ceil(2 * len(x) * log(2 * len(x) / epsilon)) if epsilon < 1 else 1
    heads = width, width + instance.values["more"]
    share = float(bad_share(x, y, *heads) if len(x) <= 2 else 1 - complete_share(len(x), *heads))
    return compared(share, epsilon, met=len(set(x)) == len(x), text=f"n = {len(x)}, d+ = {width}")


def _targets(rng: Rng, count: int) -> Iterator[Instance]:
    for k in range(count):
        n = 1 if k % 12 else 2
        if k % 4 == 1:
            n = int(rng.integers(3, 11))
        x = tuple(sorted(int(v) for v in rng.choice(np.arange(-9, 10), n, replace=False)))
        # Zero targets are the tight case: every kind has to appear with both signs.
        y = tuple(int(v) for v in rng.integers(-2, 3, size=n))
        values = {"x": x, "y": y, "epsilon": float(rng.choice((0.999, 0.5, 0.1, 0.001))), "more": int(rng.integers(3))}
        yield Instance("random", f"x = {x}, y = {y}, epsilon = {values['epsilon']}", values)


def _construction(repaired: bool):  # type: ignore[no-untyped-def]
    def evaluate(instance: Instance) -> Trial:
        x, z = ([Fraction(v) for v in instance.values[k]] for k in ("x", "z"))
        wrong, reached = 0, [Fraction(0)] * len(x)
        for k, s, w, b in key_neurons(x, z, repaired):
            pre = [w * v + b for v in x]
            # Strictly on the side of xi^(k+1,1): active from sample k + 1 on.
            wrong += sum(not (p > 0 if j >= k else p < 0) for j, p in enumerate(pre))
            reached = [r + s * max(p, Fraction(0)) for r, p in zip(reached, pre)]
        wrong += sum(r != v for r, v in zip(reached, z))
        return Trial(wrong, 0.0, 1.0, bool(np.all(np.diff(instance.values["x"]) > 0)), text=f"x = {x}, residuals z = {z}")  # fmt: skip

    return evaluate


def _residuals(rng: Rng, count: int) -> Iterator[Instance]:
    for k in range(count):
        n = int(rng.integers(1, 6))
        x = sorted(int(v) for v in rng.choice(np.arange(-20, 21), n, replace=False))
        z = rng.integers(-2, 3, size=n).tolist() if k % 2 else rng.integers(-1000, 1001, size=n).tolist()
        yield Instance("random", f"n = {n}", {"x": x, "z": z})


STATEMENTS = [
    Statement(
        "t12", PAPER, "Theorem 12", "in all but at most an eps fraction of non-empty activation regions, the subset of global minimizers is a "
        "non-empty affine set of codimension n",
        "With ceil(2 n log(2n/eps)) heads of either sign the exact share of regions without a zero-loss point in the open region or without rank n is "
        "at most eps; n <= 2, "
        "counted over sets of step vectors, targets with ties and zeros, and for n <= 10 the exact share of regions without all of Lemma 15's key neurons, "
        "which is no smaller. (The set is an affine space cut with the open region.)",
        Word.HOLDS, _targets, _theorem12, hypotheses=("distinct inputs", "d+ and d- at least 2 n log(2n/eps)"), count=200,
    ),
    Statement(
        "lemma15", PAPER, "Lemma 15, the construction in its proof", "we have therefore successfully identified weights and biases (w, b) in S such "
        "that F(w, b, X) = y",
        "The proof's key neurons, in rationals: outputs sum to the residuals z, and pre-activations lie strictly in the region. Fails when a residual is 0: "
        "the claimed w > 0 is then 0, or the first pair vanishes at x_1.",
        Word.FAILS, _residuals, _construction(False), (Instance("known", "n = 1, z = 0", {"x": [0], "z": [0]}),),
        counterexample=counterexamples.key_neurons,
        repaired=Statement(
            "lemma15.repaired", PAPER, "Lemma 15", "", "Each pair gets a common positive part besides, which cancels; the lemma and Theorem 12 stand.",
            Word.HOLDS, _residuals, _construction(True), hypotheses=("distinct inputs",),
        ),
        hypotheses=("distinct inputs", "A complete"),
    ),
]  # fmt: skip

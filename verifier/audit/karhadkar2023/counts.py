"""Proposition 6, Proposition 7, Lemma 9: which activation regions are not empty, and how many."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from math import comb

import numpy as np
from flint import fmpz_mat

from verifier.audit.claim import Instance, Rng, Statement, Trial, Word
from verifier.audit.karhadkar2023 import counterexamples
from verifier.audit.karhadkar2023.shares import every_pattern
from verifier.regions.arrangement import make_arrangement
from verifier.regions.cones import enumerate_cones
from verifier.regions.membership import membership

PAPER = "karhadkar2023"
Array = np.ndarray


def _count(X: Array) -> int:
    """Cones of one neuron without bias, by exact enumeration."""
    return len(enumerate_cones(make_arrangement(np.asarray(X, dtype=np.float64), False)).patterns)


def independent(X: Array, d: int) -> bool:
    """Whether the rows of integer X (n, d0) span a space of dimension d (or n, if less) with any d of them independent."""
    size = min(len(X), d)
    rank = lambda rows: int(fmpz_mat([[int(v) for v in r] for r in rows]).rank())
    return rank(X) == size and all(rank(part) == size for part in combinations(X.tolist(), size))


def _prop6(instance: Instance) -> Trial:
    X, d, width = (instance.values[k] for k in ("X", "d", "width"))
    formula = (2 * sum(comb(len(X) - 1, k) for k in range(d))) ** width
    found = _count(X) ** width
    return Trial(abs(found - formula), 0.0, float(formula), independent(X, d), text=f"{found} against {formula}")


def _prop6_most(instance: Instance) -> Trial:
    X, d = instance.values["X"], instance.values["d"]
    formula = 2 * sum(comb(len(X) - 1, k) for k in range(d))
    found = _count(X)
    return Trial(found, formula, float(formula), text=f"{found} against {formula}")


def _planes(general: bool):  # type: ignore[no-untyped-def]
    def make(rng: Rng, count: int) -> Iterator[Instance]:
        for k in range(count):
            d, n = int(rng.integers(1, 4)), int(rng.integers(1, 7))
            size = int(rng.choice((2, 20, 10**6))) if general else 2
            X = rng.integers(-size, size + 1, size=(n, d))
            if k % 3 == 0:
                # A d-dimensional space inside a larger one.
                X = X @ rng.integers(-3, 4, size=(d, d + 1))
            yield Instance("random", f"n = {n}, d = {d}, entries to {size}", {"X": X, "d": d, "width": int(rng.integers(1, 4))})  # fmt: skip

    return make


def is_vertex(X: Array, pattern: Array) -> bool:
    """Whether sum_{a_j = 1} x_j is a vertex of sum_j conv{0, x_j}: some w has w . (p - q) >= 1 for all other sums q of subsets. X small integers."""
    from scipy.optimize import linprog

    sums = np.unique(np.array(every_pattern(len(X))) @ X, axis=0)
    away = np.asarray(pattern) @ X - sums
    away = away[away.any(axis=1)]
    if not len(away):
        return True
    zero = np.zeros(X.shape[1])
    solved = linprog(zero, A_ub=-away, b_ub=-np.ones(len(away)), bounds=(None, None), method="highs")
    return bool(solved.status == 0)


def _prop7(instance: Instance) -> Trial:
    X, pattern = instance.values["X"], instance.values["pattern"]
    arrangement = make_arrangement(np.asarray(X, dtype=np.float64), False)
    # With x_j = 0 the region's inequality 0 > 0 fails whatever the pattern says there.
    found = membership(arrangement, pattern).realisable
    exists = bool(found) and not len(arrangement.zero)
    vertex = is_vertex(X, pattern)
    text = f"region {'not ' if exists else ''}empty, {'a' if vertex else 'no'} vertex"
    return Trial(float(vertex != exists), 0.0, 1.0, found is not None, text=text)


def _prop7_nonzero(instance: Instance) -> Trial:
    trial = _prop7(instance)
    met = trial.met and bool(instance.values["X"].any(axis=1).all())
    return Trial(trial.left, trial.right, trial.scale, met, text=trial.text)


def _labelled(rng: Rng, count: int) -> Iterator[Instance]:
    for k in range(count):
        n, d = int(rng.integers(1, 6)), int(rng.integers(1, 4))
        X = rng.integers(-2, 3, size=(n, d))
        pattern = rng.integers(0, 2, size=n) if k % 2 else (X @ rng.normal(size=d) > 0).astype(np.int64)
        yield Instance("random", f"n = {n}, d0 = {d}", {"X": X, "pattern": pattern})


def step_rows(n: int) -> set[tuple[int, ...]]:
    """xi^(k,0) and xi^(k,1) for k = 1..n+1, as section 5 defines them."""
    rows = set()
    for k in range(1, n + 2):
        rows.add(tuple(int(i < k) for i in range(1, n + 1)))
        rows.add(tuple(int(i >= k) for i in range(1, n + 1)))
    return rows


def _lemma9(instance: Instance) -> Trial:
    x, width = instance.values["x"], instance.values["width"]
    cones = enumerate_cones(make_arrangement(x[:, None], True))
    found = {tuple(int(v) for v in row) for row in cones.patterns}
    left = len(found ^ step_rows(len(x))) + abs(len(found) ** width - (2 * len(x)) ** width)
    return Trial(left, 0.0, 1.0, bool((np.diff(x) > 0).all()), text=f"{len(found)} patterns of {len(x)} samples")


def _lines(rng: Rng, count: int) -> Iterator[Instance]:
    for k in range(count):
        n = int(rng.integers(1, 10))
        x = rng.normal(size=n) * 10.0 ** rng.uniform(-6, 6)
        if k % 4 == 1:
            # Neighbours in float64.
            x = np.cumsum(np.full(n, 2.0**-52)) + 1.0
        elif k % 4 == 2:
            x = rng.permutation(np.arange(-n, n))[:n].astype(np.float64)
        yield Instance("random", f"n = {n}", {"x": np.sort(x), "width": int(rng.integers(1, 5))})


STATEMENTS = [
    Statement(
        "prop6", PAPER, "Proposition 6", "the number of non-empty activation regions in the parameter space is (2 sum_{k<d} C(n-1, k))^d1",
        "Exact enumeration gives the formula's number; data in general position in a space of dimension d, also inside a larger one.",
        Word.HOLDS, _planes(True), _prop6, hypotheses=("any d of the inputs are independent, and they span dimension d",),
    ),
    Statement(
        "prop6.most", PAPER, "section 4", "the maximal number of non-empty regions is attained when the dataset is in general position",
        "On data of any kind, with ties, parallel inputs and zeros, enumeration gives at most the formula's number.",
        Word.HOLDS, _planes(False), _prop6_most,
    ),
    Statement(
        "prop7", PAPER, "Proposition 7", "The corresponding activation region is non-empty if and only if sum_{A_ij = 1} x^(j) is a vertex of sum_j "
        "conv{0, x^(j)}",
        "Membership in exact arithmetic agrees with a linear program over all sums of subsets. Fails with an input 0: the region is empty by its "
        "definition (0 > 0), the vertex is there.",
        Word.FAILS, _labelled, _prop7, (Instance("known", "inputs 0 and 1", {"X": np.array([[0], [1]]), "pattern": np.array([0, 1])}),),
        counterexample=counterexamples.vertex,
        repaired=Statement("prop7.repaired", PAPER, "Proposition 7", "", "No input is 0.", Word.HOLDS, _labelled, _prop7_nonzero, hypotheses=("no "
        "input is 0",)),
    ),
    Statement(
        "lemma9", PAPER, "Lemma 9", "S is non-empty if and only if the rows of A are step vectors. ... exactly (2n)^d1 non-empty activation regions",
        "The enumerated patterns on sorted distinct numbers, among them neighbours in float64, are the 2n step vectors.",
        Word.HOLDS, _lines, _lemma9, hypotheses=("x^(1) < ... < x^(n)",),
    ),
]  # fmt: skip

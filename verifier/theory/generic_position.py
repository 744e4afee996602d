"""Generic position and distinctness of features (N21, before Corollary 4.3; conditions A2 and A3).

Points of R^d are in generic position if any hyperplane contains at most d of them. Any d points lie on a hyperplane, so N <= d points
always are; N >= d + 1 points are exactly when every d + 1 of them are affinely independent. Hence k + 2 points in a k-dimensional flat refute
it (add d - 1 - k more): two equal points (k = 0), or the samples at which all neurons outside a set of k are silent.
"""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
from flint import fmpz_mat, nmod_mat

from verifier.theory.features import Decision, Features

Array = np.ndarray
PRIME = 2147483647
# Subsets of d + 1 samples that are all tried: about a second.
MOST_SUBSETS = 20_000
# Samples for which all pairs of activity patterns are compared.
MOST_COMPARED = 4000


def generic_position(f: Features, *, draws: int = 300, seed: int = 0) -> Decision:
    """Decide whether the features are in generic position; refutations and proofs are exact."""
    N, d = f.shape
    if d >= N:
        return Decision(True, f"any {d} points lie on one hyperplane of R^{d} and N = {N} are no more")
    flat = silent_flat(f.zeros)
    if flat is not None:
        count, k = flat
        where = "all-silent point" if k == 0 else f"{k}-dimensional flat where {d - k} neurons are silent"
        return Decision(False, f"exact: {count} samples in the {where} of R^{d}")
    exact = f.exact
    if exact is None:
        return _sampled(f, draws, seed)
    rows = np.hstack([exact[0], np.full((N, 1), exact[1], dtype=object)])
    seen: dict[tuple[int, ...], int] = {}
    for j, row in enumerate(rows.tolist()):
        if seen.setdefault(tuple(row), j) != j:
            return Decision(False, f"exact: samples {seen[tuple(row)]} and {j} have equal features")
    residues = np.array([[int(v) % PRIME for v in row] for row in rows.tolist()], dtype=np.int64)
    total = comb(N, d + 1)
    if total <= MOST_SUBSETS:
        for subset in combinations(range(N), d + 1):
            if dependent(rows, residues, subset):
                return Decision(False, f"exact: samples {subset} lie on one hyperplane of R^{d}")
        return Decision(True, f"exact: all {total} sets of {d + 1} samples are affinely independent")
    rng = np.random.default_rng(seed)
    draws = int(min(draws, max(10, 2e6 / (d + 1) ** 2)))
    margin = np.inf
    for _ in range(draws):
        subset = tuple(int(j) for j in np.sort(rng.choice(N, d + 1, replace=False)))
        if dependent(rows, residues, subset):
            return Decision(False, f"exact: samples {subset} lie on one hyperplane of R^{d}")
        margin = min(margin, relative_margin(f.values[list(subset)]))
    return Decision(
        None, f"not decided: C({N}, {d + 1}) = {_large(total)} sets, {draws} drawn, none dependent (exact), smallest margin {margin:.2g}"
    )  # fmt: skip


def silent_flat(zeros: Array) -> tuple[int, int] | None:
    """(count, k) with count >= k + 2 samples whose active neurons lie in one set of k < d; zeros (N, d) bool, N > d. None: no such set among those tried.

    Tried: the active set of each sample, and all neurons but one.
    """
    N, d = zeros.shape
    alone = int(zeros.sum(axis=0).max())
    if N <= MOST_COMPARED:
        active = (~zeros).astype(np.float32)
        inside = (active @ (1.0 - active).T == 0).sum(axis=0)  # samples active at most where sample j is
        k = active.sum(axis=1).astype(np.int64)
        surplus = np.where(k < d, inside - k - 2, -1)
        best = int(np.argmax(surplus))
        if surplus[best] >= 0:
            return int(inside[best]), int(k[best])
    return (alone, d - 1) if alone >= d + 1 else None


def dependent(rows: Array, residues: Array, subset: tuple[int, ...]) -> bool:
    """Whether the determinant of some rows (integers, n of length n) is 0: modulo a prime first, exactly where that vanishes."""
    n, chosen = len(subset), list(subset)
    if int(nmod_mat(n, n, residues[chosen].ravel().tolist(), PRIME).det()) != 0:
        return False
    return int(fmpz_mat([[int(v) for v in row] for row in rows[chosen].tolist()]).det()) == 0


def relative_margin(points: Array) -> float:
    """Smallest over largest singular value of (d + 1) points with a 1 appended, columns scaled to largest entry 1."""
    table = np.hstack([points, np.ones((len(points), 1))])
    size = np.abs(table).max(axis=0)
    values = np.linalg.svd(table / np.where(size > 0, size, 1.0), compute_uv=False)
    return float(values[-1] / values[0])


def _sampled(f: Features, draws: int, seed: int) -> Decision:
    N, d = f.shape
    rng = np.random.default_rng(seed)
    draws = int(min(draws, max(3, 1e8 / (d + 1) ** 3)))
    margin = min(relative_margin(f.values[rng.choice(N, d + 1, replace=False)]) for _ in range(draws))
    return Decision(
        None, f"not decided: C({N}, {d + 1}) = {_large(comb(N, d + 1))} sets, {draws} drawn in floating point, smallest margin {margin:.2g}"
    )  # fmt: skip


def _large(n: int) -> str:
    """An integer, rounded where it is long."""
    return str(n) if n < 10**7 else f"10^{len(str(n)) - 1}"


def distinct(f: Features) -> Decision:
    """Decide whether all N feature vectors differ: exactly where that is small, else by gaps above the rounding error."""
    N = len(f.values)
    order, gap, apart = _projected(f)
    doubtful = np.flatnonzero(~apart)
    if not len(doubtful):
        return Decision(
            True, f"a projection tells all apart, least gap {gap:.2g} beyond rounding" if N > 1 else "one sample"
        )
    # Runs of samples whose projections are not told apart.
    pairs = set()
    for start in doubtful.tolist():
        end = start + 1
        while end < N - 1 and not apart[end]:
            end += 1
        for i, j in combinations(order[start : end + 1].tolist(), 2):
            pairs.add((min(i, j), max(i, j)))
            if len(pairs) > 20_000:
                return Decision(None, "not decided: too many pairs closer than the rounding error")
    open_pairs = [(i, j) for i, j in pairs if not (np.abs(f.values[i] - f.values[j]) > 1.01 * (f.errors[i] + f.errors[j])).any()]  # fmt: skip
    if not open_pairs:
        return Decision(True, "all pairs differ by more than the rounding error")
    for i, j in open_pairs:
        if not (f.errors[i].any() or f.errors[j].any()):
            return Decision(False, f"exact: samples {i} and {j} have equal features")
    samples = np.unique(np.array(open_pairs))
    exact = f.exact_rows(samples)
    if exact is None:
        return Decision(None, f"not decided: {len(open_pairs)} pairs closer than the rounding error")
    place = {int(j): exact[0][k].tolist() for k, j in enumerate(samples)}
    for i, j in sorted(open_pairs):
        if place[i] == place[j]:
            return Decision(False, f"exact: samples {i} and {j} have equal features")
    return Decision(True, f"exact on {len(open_pairs)} pairs closer than the rounding error")


def _projected(f: Features) -> tuple[Array, float, Array]:
    """(order, gap, apart): samples sorted by a random projection; apart (N - 1,): rounding cannot mix those up to k with those after k."""
    d = f.shape[1]
    u = np.random.default_rng(0).uniform(0.5, 1.0, size=d)
    p = f.values @ u
    e = 1.01 * (f.errors @ u + (d + 3) * 2.0**-53 * (np.abs(f.values) @ u)) + 1e-290
    order = np.argsort(p, kind="stable")
    # An interval may reach beyond its neighbour's: what counts is the furthest end on either side.
    top = np.maximum.accumulate((p + e)[order])
    bottom = np.minimum.accumulate((p - e)[order][::-1])[::-1]
    gaps = bottom[1:] - top[:-1]
    return order, float(gaps.min(initial=np.inf)), gaps > 0

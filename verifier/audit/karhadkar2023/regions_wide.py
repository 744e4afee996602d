"""Theorem 5 and Corollary 8: how many activation regions lack full rank. As written the widths lack a factor: dead samples are overlooked."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, log

import numpy as np

from verifier.audit.claim import Instance, Rng, Statement, Trial, Word, compared
from verifier.audit.karhadkar2023 import counterexamples
from verifier.audit.karhadkar2023.shares import deficient_share, singular_share

PAPER = "karhadkar2023"
# Constants tried for the unnamed one of Omega: that of the proof, 1 / log(1 / 0.72), and larger ones.
CONSTANTS = (3.05, 10.0, 30.0)


def least_width(n: float, d0: float, epsilon: float, constant: float) -> int:
    """The smallest d1 the theorem asks for: max(n / d0, constant log(n / (epsilon d0)))."""
    return max(1, ceil(n / d0), ceil(constant * log(n / (epsilon * d0))))


def _theorem5(instance: Instance) -> Trial:
    n, d0, d1, epsilon, constant = (instance.values[k] for k in ("n", "d0", "d1", "epsilon", "constant"))
    met = d1 >= max(n / d0, constant * log(n / (epsilon * d0)))
    lower, _, how = deficient_share(int(n), int(d0), int(d1), np.random.default_rng(instance.values["seed"]))
    return compared(lower, epsilon, met=met, text=f"n = {n:.4g}, d0 = {d0:.4g}, d1 = {d1}: {how}")


def _instance(origin: str, n: int, d0: int, epsilon: float, constant: float, seed: int = 0) -> Instance:
    d1 = least_width(n, d0, epsilon, constant)
    values = {"n": n, "d0": d0, "d1": d1, "epsilon": epsilon, "constant": constant, "seed": seed}
    return Instance(
        origin, f"n = {n:.6g}, d0 = {d0:.6g}, d1 = {d1}, epsilon = {epsilon}, Omega's constant {constant}", values
    )


def _data_sizes(high: bool):  # type: ignore[no-untyped-def]
    def make(rng: Rng, count: int) -> Iterator[Instance]:
        for k in range(count):
            epsilon, constant = float(rng.choice((0.5, 0.1, 0.01))), float(rng.choice(CONSTANTS))
            if high or k % 2:
                n = int(2.0 ** rng.uniform(0, 40))
                yield _instance("random", n, n * int(rng.integers(1, 4)), epsilon, constant)
            else:
                n = int(rng.integers(2, 11))
                yield _instance(
                    "random", n, int(rng.integers(1, n)), epsilon, min(constant, 10.0), int(rng.integers(2**31))
                )

    return make


def _search(rng: Rng, seconds: float) -> Instance | None:
    """Double n = d0 until the share passes epsilon; the width asked for stays the same."""
    constant, epsilon = float(rng.choice(CONSTANTS)), 0.1
    for doubling in range(400):
        found = _instance("search", 2**doubling, 2**doubling, epsilon, constant)
        if _theorem5(found).violated:
            return found
    return None


def _union(instance: Instance) -> Trial:
    n, d0, d1 = (int(instance.values[k]) for k in ("n", "d0", "d1"))
    lower, _, how = deficient_share(n, d0, d1, np.random.default_rng(instance.values["seed"]))
    right = ceil(n / d1) * singular_share(d1)[1]
    return compared(lower, right, met=n <= d0 * d1, text=f"n = {n}, d0 = {d0}, d1 = {d1}: {how}")


def _union_sizes(high: bool):  # type: ignore[no-untyped-def]
    def make(rng: Rng, count: int) -> Iterator[Instance]:
        for k in range(count):
            d1 = int(rng.integers(1, 15))
            if high:
                n = int(2.0 ** rng.uniform(0, 14))
                d0 = n + int(rng.integers(0, 3))
            else:
                n = int(rng.integers(1, 3 * d1 + 1))
                d0 = int(rng.integers(max(1, ceil(n / d1)), 5))
            values = {"n": n, "d0": d0, "d1": d1, "seed": int(rng.integers(2**31)) + k}
            yield Instance("random", f"n = {n}, d0 = {d0}, d1 = {d1}", values)

    return make


def _known(constant: float, epsilon: float, n: int) -> Instance:
    return _instance("known", n, n, epsilon, constant)


STATEMENTS = [
    Statement(
        "t5", PAPER, "Theorem 5", "In all but at most [eps 2^(n d1)] activation regions every differentiable critical point of L is a global minimum",
        "For d1 >= max(n/d0, C log(n/(eps d0))) at most a share eps of the patterns lacks full rank, C = 3.05 (the proof's), 10, 30. With n = d0 the "
        "width does not "
        "depend on n, but a sample is dead in a share 2^-d1 of the patterns: 1 - (1 - 2^-d1)^n -> 1. With v > 0 and y > 0 each such region has a "
        "critical point of positive "
        "loss. The proof takes n/d1 blocks and then bounds their number by (n+1)/d0.",
        Word.FAILS, _data_sizes(False), _theorem5, (_known(100.0, 0.1, 2**240), _known(3.05, 0.5, 64)), _search,
        counterexamples.shares("t5"),
        repaired=Statement(
            "t5.repaired", PAPER, "Theorem 5", "", "For n <= d0 d1 at most a share ceil(n/d1) P(d1) lacks full rank, P(d) the share of singular d x d "
            "0/1 matrices: Omega(log(n/(eps d1))).",
            Word.HOLDS, _union_sizes(False), _union, count=150, hypotheses=("n <= d0 d1", "X generic"),
        ),
        hypotheses=("X and y generic", "d1 >= max(n/d0, C log(n/(eps d0)))"), count=250,
    ),
    Statement(
        "cor8", PAPER, "Corollary 8", "if d >= n, in all but at most an eps fraction of all non-empty activation regions every differentiable "
        "critical point is a zero loss global minimum",
        "For d0 >= n all 2^(n d1) regions are non-empty (Proposition 6) and a share 1 - (1 - 2^-d1)^n has a dead sample; it is to be at most eps when "
        "d1 >= max(n/d0, C log(n/(eps d0))).",
        Word.FAILS, _data_sizes(True), _theorem5, (_known(3.05, 0.1, 2**20),), _search, counterexamples.shares("cor8"),
        repaired=Statement(
            "cor8.repaired", PAPER, "Corollary 8", "", "At most a share ceil(n/d1) P(d1), P as in t5.repaired.",
            Word.HOLDS, _union_sizes(True), _union, hypotheses=("d0 >= n", "X generic"),
        ),
        hypotheses=("d0 >= n", "X in general position", "d1 >= max(n/d0, C log(n/(eps d0)))"),
    ),
]  # fmt: skip

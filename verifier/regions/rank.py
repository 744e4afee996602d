"""Rank of the Jacobian of W -> v^T relu(W X) on an activation region, settled exactly (docs/mathematics.md, section 9; K23, Lemma 2, Lemma 4).

Columns are (v * a_j) kron xt_j; by Lemma 4 the rank does not depend on v with entries that are not 0, so v = 1 here. Scaling samples or
dropping repeated neurons does not change it either. Full column rank modulo one prime proves full rank; a deficit is proved by an exact
null vector, searched among the columns of one dependency found modulo the prime.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from flint import nmod_mat

from verifier.errors import UsageError
from verifier.regions.arrangement import Arrangement
from verifier.regions.exact import null_space

Array = np.ndarray

PRIMES = (2147483647, 2147483629, 2147483587, 2147483579)


@dataclass(frozen=True, eq=False)
class RankResult:
    """full: the N columns are linearly independent (True) or not (False), proved; None: neither was proved.

    rank: modulo the prime, hence a lower bound; the exact rank when full. samples, null: for full False, integers, none of them 0, with
    sum_k null_k a_ij xt_j = 0 for all i, over j = samples_k and the coprime integers of `Arrangement.integers`. All but the last sample of
    `samples` have linearly independent columns.
    """

    full: bool | None
    rank: int
    samples: Array
    null: tuple[int, ...] = ()


def jacobian(arrangement: Arrangement, pattern: Array) -> Array:
    """Integer Jacobian (m n, N) as an object array, v = 1, samples scaled to coprime integers; row i n + k is input coordinate k of neuron i."""
    pattern = _checked(arrangement, pattern)
    m, N = pattern.shape
    out = np.zeros((m * arrangement.n, N), dtype=object)
    for i in range(m):
        out[i * arrangement.n : (i + 1) * arrangement.n] = (pattern[i][:, None] * arrangement.integers).T
    return out


def region_rank(arrangement: Arrangement, pattern: Array) -> RankResult:
    """Settle whether the Jacobian on the region of a pattern (m, N) has full column rank N."""
    pattern = np.unique(_checked(arrangement, pattern), axis=0)
    N = pattern.shape[1]
    dead = np.flatnonzero(~pattern.any(axis=0) | np.isin(np.arange(N), arrangement.zero))
    if len(dead):
        return RankResult(False, _modular_rank(arrangement, pattern), dead[:1], (1,))
    rank = 0
    for prime in PRIMES:
        compressed = _compressed(arrangement, pattern, prime)
        table = nmod_mat(N, N, compressed.ravel().tolist(), prime)
        rank = int(table.rank())
        if rank == N:
            return RankResult(True, N, np.zeros(0, dtype=np.int64))
        circuit = _circuit(table)
        found = _null_vector(arrangement, pattern, circuit)
        if found is not None:
            return RankResult(False, rank, np.array(circuit, dtype=np.int64), found)
    return RankResult(None, rank, np.zeros(0, dtype=np.int64))


def is_full(arrangement: Arrangement, pattern: Array) -> bool:
    """As `region_rank`, without a null vector: True is proved, False is right unless several random numbers below 2^31 conspire."""
    pattern = np.unique(_checked(arrangement, pattern), axis=0)
    N = pattern.shape[1]
    if pattern.shape[0] * arrangement.n < N or not pattern.any(axis=0).all() or len(arrangement.zero):
        return False
    return int(nmod_mat(N, N, _compressed(arrangement, pattern, PRIMES[0]).ravel().tolist(), PRIMES[0]).rank()) == N


def _compressed(arrangement: Arrangement, pattern: Array, prime: int) -> Array:
    """N random combinations of the Jacobian's rows modulo the prime: (N, N) int64. Its rank is at most the Jacobian's, and equal to it with
    probability about 1 - N / prime; a smaller one is caught by the failing null vector."""
    m, N = pattern.shape
    rng = np.random.default_rng(prime)
    out = np.zeros((N, N), dtype=np.int64)
    residues = np.array([[int(v) % prime for v in row] for row in arrangement.integers.tolist()], dtype=np.int64)
    for k in range(arrangement.n):
        # Sums of at most 2^22 numbers below 2^31 are exact in float64.
        mixed = (rng.integers(0, prime, size=(N, m)).astype(np.float64) @ pattern.astype(np.float64)).astype(
            np.int64
        ) % prime
        out = (out + mixed * residues[:, k] % prime) % prime
    return out


def _modular_rank(arrangement: Arrangement, pattern: Array) -> int:
    N = pattern.shape[1]
    return int(nmod_mat(N, N, _compressed(arrangement, pattern, PRIMES[0]).ravel().tolist(), PRIMES[0]).rank())


def _circuit(table) -> list[int]:  # type: ignore[no-untyped-def]
    """The smallest fundamental circuit of the columns modulo the prime: pivots first, the dependent column last."""
    echelon, rank = table.rref()
    N = echelon.ncols()
    rows = np.array([int(v) for v in echelon.entries()], dtype=np.int64).reshape(N, N)[:rank]
    pivots = (rows != 0).argmax(axis=1)
    free = np.setdiff1d(np.arange(N), pivots)
    sizes = (rows[:, free] != 0).sum(axis=0)
    best = int(free[int(np.argmin(sizes))])
    return [*pivots[rows[:, best] != 0].tolist(), best]


def _null_vector(arrangement: Arrangement, pattern: Array, circuit: list[int]) -> tuple[int, ...] | None:
    """Exact integers, none 0, that combine the circuit's columns to 0; None when its columns are no circuit over the rationals."""
    part = jacobian_part(arrangement, pattern, circuit)
    basis = null_space(part)
    if len(basis) != 1 or not all(basis[0]):
        return None
    return tuple(basis[0])


def jacobian_part(arrangement: Arrangement, pattern: Array, samples: list[int]) -> list[list[int]]:
    """The Jacobian's columns at some samples, repeated neurons left out, as lists of integers."""
    distinct = np.unique(pattern[:, samples], axis=0)
    whole = arrangement.integers
    return [[int(a) * v for a in distinct[:, k] for v in whole[j].tolist()] for k, j in enumerate(samples)]


def _checked(arrangement: Arrangement, pattern: Array) -> Array:
    pattern = np.asarray(pattern)
    if pattern.ndim != 2 or pattern.shape[1] != len(arrangement.inputs) or not np.isin(pattern, (0, 1)).all():
        raise UsageError(
            f"rank of a region: expected a pattern (m, {len(arrangement.inputs)}) of 0 and 1, got shape {pattern.shape}"
        )
    return pattern.astype(np.int64)

"""Activation patterns: of a network on data, step vectors of one-dimensional data (K23, Lemma 9), and how many regions there are."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np

from verifier.errors import DataError, UsageError
from verifier.networks.network import Network
from verifier.regions.arrangement import Arrangement, generic_count
from verifier.regions.cones import enumerate_cones
from verifier.regions.exact import exact_rank, exact_signs

Array = np.ndarray


def augmented(network: Network) -> Array:
    """wt_i = (w_i, b_i), or w_i without biases: (m, n). Raises UsageError unless the network has one hidden layer."""
    if not network.shallow:
        raise UsageError(f"activation regions: expected one hidden layer, got {network.depth - 1}; use another network")
    return network.W if network.b is None else np.hstack([network.W, network.b[:, None]])


def pattern_of(weights: Array, arrangement: Arrangement) -> tuple[Array, Array]:
    """(pattern (m, N) int64, margin signs (m, N) int8): 1 where wt_i . xt_j > 0, exactly; sign 0 where the product is exactly 0.

    weights (m, n) float64. A row without a sign 0 at a sample with xt_j not 0 lies in the open cone of its pattern.
    """
    weights = np.asarray(weights, dtype=np.float64)
    if weights.ndim != 2 or weights.shape[1] != arrangement.n:
        raise UsageError(f"pattern of a network: expected rows of {arrangement.n} entries, got shape {weights.shape}")
    signs = exact_signs(weights, arrangement.inputs, arrangement.integers)
    return (signs > 0).astype(np.int64), signs


def network_pattern(network: Network, arrangement: Arrangement) -> tuple[Array, bool]:
    """The network's pattern (m, N) and whether its first layer lies in the open region."""
    pattern, signs = pattern_of(augmented(network), arrangement)
    nonzero = np.setdiff1d(np.arange(len(arrangement.inputs)), arrangement.zero)
    return pattern, bool((signs[:, nonzero] != 0).all())


def step_vectors(n: int) -> Array:
    """The 2n step vectors of n samples sorted by their only coordinate (K23, section 5): (2n, n) int64, in lexicographic order."""
    if n < 1:
        raise UsageError(f"step vectors: expected at least one sample, got {n}")
    place = np.arange(n)
    up = [(place >= k).astype(np.int64) for k in range(n)]
    down = [(place < k).astype(np.int64) for k in range(1, n)]
    rows = np.array([*up, *down, np.zeros(n, dtype=np.int64)])
    return rows[np.lexsort(rows.T[::-1])]


def step_patterns(x: Array) -> Array:
    """The realisable patterns of one neuron with bias on one-dimensional inputs x (N,), any order, distinct: (2N, N) int64 (Lemma 9)."""
    x = np.asarray(x, dtype=np.float64)
    if x.ndim != 1 or len(np.unique(x)) != len(x):
        raise DataError("step vectors: expected distinct one-dimensional inputs; use enumerate_cones for duplicates")
    steps = step_vectors(len(x))
    out = np.empty_like(steps)
    out[:, np.argsort(x)] = steps
    return out[np.lexsort(out.T[::-1])]


def count_regions(arrangement: Arrangement, width: int, limit: int = 1_000_000) -> int:
    """Exact number of full-dimensional activation regions of a layer: by enumeration of one neuron's cones, to the power m.

    Raises UsageError above the limit of cones of one neuron.
    """
    return len(enumerate_cones(arrangement, limit).patterns) ** width


def proposition_6(samples: int, dimension: int, width: int) -> int:
    """(2 sum_{k < d} C(n - 1, k))^m regions for data in general position (K23, Proposition 6)."""
    return generic_count(samples, dimension) ** width


def in_general_position(arrangement: Arrangement, limit: int = 200_000) -> bool | None:
    """Whether any at most n inputs are linearly independent, exact; None when there are more than `limit` subsets to look at."""
    N, n = arrangement.inputs.shape
    size = min(N, n)
    if comb(N, size) > limit:
        return None
    return all(exact_rank(arrangement.integers[list(subset)]) == size for subset in combinations(range(N), size))

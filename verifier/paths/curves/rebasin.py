"""Re-basin: B's hidden neurons are matched to A's, and the straight line goes to the permuted copy of B, which is the same function.

Weight matching of Ainsworth, Hayase, Srinivasa 2023 (Git Re-Basin, section 3.2).
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from verifier.networks.network import Network
from verifier.paths.endpoints import require_same_architecture
from verifier.paths.path import Move, Path

Array = np.ndarray

# Sweeps over all layers; few are needed, as each one raises the similarity or is the last.
MOST_SWEEPS = 100


def permuted_network(B: Network, permutation: tuple[Array, ...]) -> Network:
    """B with neuron k of hidden layer l being B's neuron permutation[l - 1][k], the kernel's convention; the numbers are moved, never computed with.

    permutation: per hidden layer an (n_l,) array of ints that names every neuron once.
    """
    weights, biases = [], []
    for l, (W, b) in enumerate(zip(B.weights, B.biases)):
        W = W if l == 0 else W[:, B.columns(permutation[l - 1], l + 1)]
        last = l == len(permutation)
        weights.append(W if last else W[permutation[l]])
        biases.append(b if last or b is None else b[permutation[l]])
    return B.with_parameters(weights, biases)


def _incoming(A: Network, B: Network, permutation: list[Array], l: int) -> Array:
    """How much what feeds neuron k of A's hidden layer l (from 0) looks like what feeds neuron j of B's, the layer below as matched; (n_l, n_l)."""
    W = B.weights[l] if l == 0 else B.weights[l][:, B.columns(permutation[l - 1], l + 1)]
    a, b = A.biases[l], B.biases[l]
    found = A.weights[l] @ W.T
    return found if a is None or b is None else found + np.outer(a, b)


def _similarity(A: Network, B: Network, permutation: list[Array], l: int) -> Array:
    """The same with what the neurons feed, all other layers as matched so far; (n_l, n_l)."""
    out = B.weights[l + 1] if l + 2 == B.depth else B.weights[l + 1][permutation[l + 1]]
    a, b = (W.reshape(len(W), B.widths[l + 1], -1).transpose(1, 0, 2) for W in (A.weights[l + 1], out))
    return _incoming(A, B, permutation, l) + a.reshape(len(a), -1) @ b.reshape(len(b), -1).T


def _assignment(similarity: Array) -> Array:
    return np.asarray(linear_sum_assignment(similarity, maximize=True)[1], dtype=np.int64)


def _upwards(A: Network, B: Network) -> list[Array]:
    """A start: layer after layer by what feeds it, as the inputs of A and B are the same ones."""
    permutation: list[Array] = []
    for l in range(A.depth - 1):
        permutation.append(_assignment(_incoming(A, B, permutation, l)))
    return permutation


def _ascent(A: Network, B: Network, permutation: list[Array]) -> tuple[float, list[Array]]:
    """Coordinate ascent, one assignment problem per layer, first layer first, until no layer gains; with the total similarity that is reached."""
    permutation = list(permutation)
    for _ in range(MOST_SWEEPS):
        gained = False
        for l, old in enumerate(permutation):
            similarity = _similarity(A, B, permutation, l)
            new = _assignment(similarity)
            rows = np.arange(len(old))
            # Only what is more than rounding counts, or two equal matchings could take turns.
            least = 1e-12 * float(np.abs(similarity).max()) * len(old)
            if similarity[rows, new].sum() > similarity[rows, old].sum() + least:
                permutation[l], gained = new, True
        if not gained:
            break
    copy = permuted_network(B, tuple(permutation))
    return sum(float((a * b).sum()) for (_, a), (_, b) in zip(A.arrays(), copy.arrays())), permutation


def weight_matching(A: Network, B: Network) -> tuple[Array, ...]:
    """One permutation per hidden layer, (n_l,) int64, that brings B's parameters close to A's: neuron k of the copy is B's neuron p_l[k].

    Maximises sum_l <W_l^A, W_l^copy> + <b_l^A, b_l^copy>, hence minimises the distance of the parameters. One hidden layer: an assignment
    problem, solved exactly. More: coordinate ascent to a local optimum, the better one from two starts, the identity and a matching from the
    inputs upwards. Deterministic.

    Raises UsageError for networks of different architecture or without a hidden layer.
    """
    require_same_architecture("rebasin", A, B)
    starts = ([np.arange(n, dtype=np.int64) for n in A.widths[1:-1]], _upwards(A, B))
    return tuple(max((_ascent(A, B, start) for start in starts), key=lambda found: found[0])[1])


def rebasin(A: Network, B: Network) -> Path:
    """The single chord from A to the copy of B that weight matching finds, any depth; breakpoints are left to elaboration.

    Where the matching moves nothing the end is B itself, and the path says so: it has no permutation.
    """
    permutation = weight_matching(A, B)
    copy = permuted_network(B, permutation)
    moved = [int((p != np.arange(len(p))).sum()) for p in permutation]
    notes: dict[str, object] = {"neurons matched to another place": moved}
    if copy.same_parameters(B):
        return Path("rebasin", A, (Move(B, "straight line; weight matching leaves B as it is"),), notes, literal=True)
    move = Move(copy, "straight line to B with its hidden neurons permuted")
    return Path("rebasin", A, (move,), notes, literal=True, permutation=permutation)

"""Networks in Arb balls, for the second evaluation: one list of samples per neuron, and which neurons are heard."""

from __future__ import annotations

import numpy as np
from flint import arb, arb_mat

from verifier.kernel.reference.maps import Reader, readers_of
from verifier.kernel.reference.numbers import ONE, ZERO, Column, ball_columns, ball_matrix
from verifier.kernel.statements import Parameters, columns_per_neuron


def affine_map(H: arb_mat, W: np.ndarray, b: np.ndarray | None) -> arb_mat:
    """H W^T + b, one row per sample."""
    Z = H * ball_matrix(W).transpose()
    if b is None:
        return Z
    return Z + arb_mat(Z.nrows(), 1, [ONE] * Z.nrows()) * arb_mat([b.tolist()])


def activation(Z: arb_mat, slope: float) -> arb_mat:
    """max(z, slope z) entrywise."""
    entries = Z.entries()
    below = (Z * arb(slope)).entries() if slope else [ZERO] * len(entries)
    return arb_mat(Z.nrows(), Z.ncols(), list(map(arb.max, entries, below)))


def preactivations(H: arb_mat, W: np.ndarray, b: np.ndarray | None) -> list[Column]:
    """Columns of H W^T + b, one per neuron."""
    return ball_columns(affine_map(H, W, b))


def relu_columns(columns: list[Column], slope: float) -> list[Column]:
    """max(u, slope u) entrywise."""
    if slope == 0.0:
        return [[u.max(ZERO) for u in column] for column in columns]
    a = arb(slope)
    return [[u.max(a * u) for u in column] for column in columns]


def layer_input(X: arb_mat, p: Parameters, l: int, slope: float, readers: tuple[Reader, ...]) -> arb_mat:
    """What layer l (0-based) reads, as it reads it."""
    H = X
    for W, b, reader in zip(p.weights[:l], p.biases[:l], readers):
        H = activation(affine_map(reader.matrix(H), W, b), slope)
    return readers[l].matrix(H)


def outputs(X: arb_mat, p: Parameters, slope: float, readers: tuple[Reader, ...]) -> list[list[arb]]:
    """f_j, one list of K per sample."""
    last = len(p.weights) - 1
    return affine_map(layer_input(X, p, last, slope, readers), p.weights[last], p.biases[last]).tolist()


def last_hidden(X: arb_mat, p: Parameters, slope: float) -> list[Column]:
    """Pre-activations of the last hidden layer of a dense network."""
    H = layer_input(X, p, len(p.weights) - 2, slope, readers_of(None, len(p.weights)))
    return preactivations(H, p.weights[-2], p.biases[-2])


def changed_neurons(v: Parameters, w: Parameters, l: int) -> set[int]:
    """Neurons of layer l (0-based) with a changed incoming entry."""
    out = {i for i, (p, q) in enumerate(zip(v.weights[l], w.weights[l])) if p.tolist() != q.tolist()}
    b, c = v.biases[l], w.biases[l]
    if b is not None and c is not None:
        out |= {i for i, (p, q) in enumerate(zip(b.tolist(), c.tolist())) if p != q}
    return out


def alive_neurons(v: Parameters, w: Parameters) -> list[set[int]]:
    """Per layer, the neurons from which an output is reached over entries that are non-zero at v or at w."""
    L = len(v.weights)
    alive: list[set[int]] = [set() for _ in range(L)]
    alive[L - 1] = set(range(v.weights[L - 1].shape[0]))
    for l in range(L - 1, 0, -1):
        r = columns_per_neuron(v, l + 1)
        for k in alive[l]:
            alive[l - 1] |= {
                i // r
                for i, (p, q) in enumerate(zip(v.weights[l][k].tolist(), w.weights[l][k].tolist()))
                if p != 0.0 or q != 0.0
            }
    return alive


def without_dead(v: Parameters, w: Parameters) -> tuple[Parameters, Parameters]:
    """Both without the hidden neurons from which neither reaches an output, but for one in a layer where there would be none."""
    keep = [sorted(s) or [0] for s in alive_neurons(v, w)]
    parts = []
    for p in (v, w):
        weights, biases = [], []
        for l, (W, b) in enumerate(zip(p.weights, p.biases)):
            rows = W[keep[l]]
            r = 1 if l == 0 else columns_per_neuron(p, l + 1)
            weights.append(rows if l == 0 else rows[:, [i * r + k for i in keep[l - 1] for k in range(r)]])
            biases.append(None if b is None else b[keep[l]])
        parts.append(Parameters(tuple(weights), tuple(biases)))
    return parts[0], parts[1]


def predictions(S: list[Column], theta: list[list[arb]], c: list[arb] | None, N: int) -> list[list[arb]]:
    """f_j, one list of K per sample; theta is K lists of m."""
    used = [i for i in range(len(S)) if any(not row[i].is_zero() for row in theta)]
    if used:
        F = arb_mat([S[i] for i in used]).transpose() * arb_mat([[row[i] for row in theta] for i in used])
        out = F.tolist()
    else:
        out = [[ZERO] * len(theta) for _ in range(N)]
    return out if c is None else [[f + s for f, s in zip(row, c)] for row in out]

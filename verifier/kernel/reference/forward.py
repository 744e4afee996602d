"""Networks in Arb balls, for the second evaluation: matrices of one row per sample and one column per neuron, and which neurons are heard.

What costs is a Python object per entry, so that sums and products are those of whole matrices, and entries are looked at where their signs matter.
"""

from __future__ import annotations

import numpy as np
from flint import arb, arb_mat

from verifier.kernel.reference.maps import Reader
from verifier.kernel.reference.numbers import ONE, ZERO, Floats, ball_list, ball_matrix, signs
from verifier.kernel.statements import Parameters, columns_per_neuron


def shifted(Z: arb_mat, b: list[arb] | None) -> arb_mat:
    """Z + b, row by row."""
    return Z if b is None else Z + arb_mat(Z.nrows(), 1, [ONE] * Z.nrows()) * arb_mat(1, len(b), b)


def affine_map(H: arb_mat, W: arb_mat, b: list[arb] | None) -> arb_mat:
    """H W + b; H (samples, n), W (n, p), the transpose of what is stored, b of p."""
    return shifted(H * W, b)


def activated(entries: list[arb], known: list[int], slope: float) -> list[arb]:
    """max(z, slope z) of entries with their `signs`: where these are known the maximum is one of both, elsewhere it is the ball around either."""
    if slope == 0.0:
        return [u if s > 0 else ZERO if s else u.max(ZERO) for u, s in zip(entries, known)]
    a = arb(slope)
    return [u if s > 0 else a * u if s else u.max(a * u) for u, s in zip(entries, known)]


def activation(Z: arb_mat, slope: float) -> arb_mat:
    """max(z, slope z) entrywise, in place: entries that are surely not negative stay where they are."""
    for j, row in enumerate(Z.tolist()):
        for i, u in enumerate(row):
            if not u >= ZERO:
                Z[j, i] = activated([u], signs([u]), slope)[0] if slope or not u <= ZERO else ZERO
    return Z


def preactivations(H: arb_mat | Floats, W: np.ndarray, b: np.ndarray | None) -> arb_mat:
    """Of a layer as it is stored, that reads H."""
    Z = H.times(Floats(W.T)) if isinstance(H, Floats) else H * ball_matrix(W.T)
    return shifted(Z, ball_list(b))


def layer_input(X: Floats, p: Parameters, l: int, slope: float, readers: tuple[Reader, ...]) -> arb_mat | Floats:
    """What layer l (0-based) reads, as it reads it."""
    H = readers[0].matrix(X.balls) if readers[0].steps else X
    for W, b, reader in zip(p.weights[:l], p.biases[:l], readers[1:]):
        H = reader.matrix(activation(preactivations(H, W, b), slope))
    return H


def outputs(X: Floats, p: Parameters, slope: float, readers: tuple[Reader, ...]) -> arb_mat:
    """f, (samples, K)."""
    last = len(p.weights) - 1
    return preactivations(layer_input(X, p, last, slope, readers), p.weights[last], p.biases[last])


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

"""Curves of the proofs: Lemma 4.3, 5.2, 5.3 and Lemma 3.3, as lists of parameters at sampled times. Matrices as in the paper: samples are rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from verifier.matrices import augmented_inputs, independent_columns

Array = np.ndarray
Activation = Callable[[Array], Array]
TIMES = np.linspace(0.0, 1.0, 9)


def leaky(slope: float) -> Activation:
    """Leaky ReLU; slope 0 is ReLU, slope 1 the identity."""
    return lambda z: np.where(z > 0, z, slope * z)


def leaky_inverse(slope: float) -> Activation:
    """Its inverse for slope > 0."""
    return lambda z: np.where(z > 0, z, z / slope)


def free(F: Array, W: Array, chosen: Array) -> list[Array]:
    """Lemma 4.3: W(lambda) with F W constant and rows outside `chosen` zero at the end."""
    others = np.setdiff1d(np.arange(F.shape[1]), chosen)
    E = np.linalg.lstsq(F[:, chosen], F[:, others], rcond=None)[0]
    out = []
    for t in TIMES:
        new = W.copy()
        new[chosen] += t * (E @ W[others])
        new[others] *= 1 - t
        out.append(new)
    return out


def to_full_rank(
    X: Array, W: Array, b: Array, V: Array, sigma: Activation, rng: np.random.Generator
) -> list[tuple[Array, Array, Array]]:
    """Lemma 5.2: (W, b, V) along a curve with sigma(X W + b) V constant and rank N at the end. n >= N, rows of X distinct."""
    N, n = len(X), W.shape[1]
    F = sigma(X @ W + b)
    chosen = independent_columns(F)
    if len(chosen) == N:
        return [(W, b, V)]
    curve = [(W, b, v) for v in free(F, V, chosen)]
    V = curve[-1][2]
    W1, b1 = W.copy(), b.copy()
    basis = list(chosen)
    for j in np.setdiff1d(np.arange(n), chosen):
        if len(basis) == N:
            break
        # A direction with distinct projections and a shift between two of them: the column that adds most to the span.
        gained, shift = 0.0, 0.0
        direction = W1[:, j].copy()
        span = np.linalg.qr(F[:, basis])[0] if basis else np.zeros((N, 0))
        for _ in range(8):
            w = np.asarray(rng.normal(size=X.shape[1]))
            z = X @ w
            cuts = np.sort(z)
            for cut in [cuts[0] - 1.0, *((cuts[:-1] + cuts[1:]) / 2)]:
                column = sigma(z - cut)
                size = float(np.linalg.norm(column))
                gain = float(np.linalg.norm(column - span @ (span.T @ column))) / size if size else 0.0
                if gain > gained:
                    gained, shift, direction = gain, -float(cut), w
        W1[:, j], b1[j] = direction, shift
        F = F.copy()
        F[:, j] = sigma(X @ W1[:, j] + b1[j])
        basis.append(int(j))
    curve += [((1 - t) * W + t * W1, (1 - t) * b + t * b1, V) for t in TIMES]
    return curve


def exchanged(X: Array, W: Array, V: Array, goal: Array, sigma: Activation) -> list[tuple[Array, Array]]:
    """Lemma 5.3: (W, V) along a curve with sigma(X W) V constant and W = goal at the end. n >= 2N, both feature matrices of rank N."""
    n = W.shape[1]
    wanted = independent_columns(sigma(X @ goal))
    curve: list[tuple[Array, Array]] = [(W, V)]

    def move(chosen: Array, new: Array) -> None:
        nonlocal W, V
        steps = [(W, v) for v in free(sigma(X @ W), V, chosen)]
        V = steps[-1][1]
        steps += [((1 - t) * W + t * new, V) for t in TIMES]
        W = new
        curve.extend(steps)

    kept = independent_columns(sigma(X @ W))
    rest = [k for k in range(n) if k not in kept]
    # Copies go to their own places where these are free, the others to any free place.
    new = W.copy()
    inside = [k for k in wanted if k in rest]
    outside = [k for k in wanted if k in kept]
    spare = [k for k in rest if k not in inside]
    places = {k: k for k in inside} | dict(zip(outside, spare))
    for source, place in places.items():
        new[:, place] = goal[:, source]
    move(kept, new)
    new = W.copy()
    new[:, outside] = goal[:, outside]
    move(np.array(sorted(places.values()), dtype=int), new)
    move(wanted, goal.copy())
    return curve


def forward(X: Array, layers: list[tuple[Array, Array]], sigma: Activation) -> list[Array]:
    """F_1, ..., F_L of layers (W_l, b_l); the last one is linear."""
    out, F = [], X
    for l, (W, b) in enumerate(layers):
        F = F @ W + b
        F = F if l == len(layers) - 1 else sigma(F)
        out.append(F)
    return out


def backward(layers: list[tuple[Array, Array]], A: Array, inverse: Activation) -> Array:
    """B_1 of Lemma 3.3's recursion: features of layer 1 from which layers 2..L (the arguments) make A."""
    B = A
    for l, (W, b) in reversed(list(enumerate(layers))):
        B = ((B if l == len(layers) - 1 else inverse(B)) - b) @ np.linalg.pinv(W)
    return B


def map_h(X: Array, layers: list[tuple[Array, Array]], A: Array, inverse: Activation) -> tuple[Array, Array]:
    """h of Lemma 3.3 for k = L: the first layer (W_1, b_1) that makes the output A, for layers 2..L."""
    whole = augmented_inputs(X)
    U = np.linalg.pinv(whole) @ inverse(backward(layers, A, inverse))
    return U[:-1], U[-1]


def to_h(X: Array, layers: list[tuple[Array, Array]], sigma: Activation, inverse: Activation) -> list[Array]:
    """Lemma 3.3, second item: U = [W_1; b_1] from its value to h((W_l, b_l)_{l >= 2}, F_L), the output constant.

    Going back from the output, each layer's features are those of the recursion plus (1 - t) times a matrix that the layer's weights annul.
    """
    whole = augmented_inputs(X)
    outputs = forward(X, layers, sigma)
    start = np.vstack([layers[0][0], layers[0][1]])
    kernels = []
    for l in range(len(layers) - 1, 0, -1):
        W, b = layers[l]
        ahead = outputs[l] if l == len(layers) - 1 else inverse(outputs[l])
        kernels.append(outputs[l - 1] - (ahead - b) @ np.linalg.pinv(W))
    last = start - np.linalg.pinv(whole) @ inverse(outputs[0])
    curve = []
    for t in TIMES:
        B = outputs[-1]
        for l, kernel in zip(range(len(layers) - 1, 0, -1), kernels):
            W, b = layers[l]
            B = ((B if l == len(layers) - 1 else inverse(B)) - b) @ np.linalg.pinv(W) + (1 - t) * kernel
        curve.append(np.linalg.pinv(whole) @ inverse(B) + (1 - t) * last)
    return curve

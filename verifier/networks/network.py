"""The network type every room shares: exact parameters of a fully connected ReLU or Leaky ReLU network."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

Array = np.ndarray


def _frozen(array: Array) -> Array:
    """Return a read-only C-contiguous float64 array; the same object when it already is one."""
    out = np.ascontiguousarray(array, dtype=np.float64)
    if out.flags.writeable:
        out = out.copy() if out is array else out
        out.flags.writeable = False
    return out


def leaky_relu(z: Array, negative_slope: float) -> Array:
    """max(z, negative_slope z), entrywise, as a new array; ReLU for slope 0."""
    return np.asarray(np.maximum(z, negative_slope * z) if negative_slope else np.maximum(z, 0.0))


def activation_words(negative_slope: float) -> str:
    """Said wherever networks are described: a state_dict holds no activation, and with another one its parameters are another network."""
    return f"Leaky ReLU (negative slope {negative_slope!r})" if negative_slope else "ReLU"


@dataclass(frozen=True, eq=False)
class Network:
    """`f_l = sigma(W_l f_{l-1} + b_l)` for l < L, and a linear last layer (docs/certificate-v2.md, Problem); `sigma(z) = max(z, negative_slope z)`.

    Arrays are float64 and read-only; float16 and float32 parameters are converted exactly. Unchanged arrays are shared between the
    vertices of a path, so a long path costs only what its moves change.

    weights: W_l of shape (n_l, n_{l-1}), l = 1..L, PyTorch's orientation; for one hidden layer W_1 is (m, d) and
        W_2, the papers' theta, is (K, m).
    biases: b_l of shape (n_l,), or None where the layer has no bias. None is not zero: a path never leaves it.
    negative_slope: 0.0 for ReLU, in (0, 1) for Leaky ReLU; the same for all hidden layers and for all networks of a path.
    """

    weights: tuple[Array, ...]
    biases: tuple[Array | None, ...]
    negative_slope: float = 0.0

    def __post_init__(self) -> None:
        if len(self.weights) != len(self.biases) or not self.weights:
            raise ValueError(
                f"Network: expected as many biases as weights, got {len(self.weights)} and {len(self.biases)}"
            )
        if not 0.0 <= self.negative_slope < 1.0:
            raise ValueError(f"Network: negative_slope must be in [0, 1), got {self.negative_slope!r}")
        object.__setattr__(self, "negative_slope", float(self.negative_slope))
        object.__setattr__(self, "weights", tuple(_frozen(W) for W in self.weights))
        object.__setattr__(self, "biases", tuple(None if b is None else _frozen(b) for b in self.biases))
        for l, (W, b) in enumerate(zip(self.weights, self.biases), start=1):
            if W.ndim != 2 or 0 in W.shape:
                raise ValueError(f"Network: W{l} must be a non-empty matrix, got shape {W.shape}")
            if l > 1 and W.shape[1] != self.weights[l - 2].shape[0]:
                raise ValueError(
                    f"Network: W{l} has {W.shape[1]} columns, but layer {l - 1} has {self.weights[l - 2].shape[0]} neurons"
                )
            if b is not None and b.shape != (W.shape[0],):
                raise ValueError(f"Network: b{l} must have shape ({W.shape[0]},), got {b.shape}")
            if not np.isfinite(W).all() or (b is not None and not np.isfinite(b).all()):
                raise ValueError(f"Network: layer {l} holds NaN or infinity")

    @property
    def depth(self) -> int:
        """L, the number of weight matrices; 2 for one hidden layer."""
        return len(self.weights)

    @property
    def widths(self) -> tuple[int, ...]:
        """(n_0, ..., n_L): inputs, hidden widths, outputs."""
        return (self.weights[0].shape[1], *(W.shape[0] for W in self.weights))

    @property
    def architecture(self) -> tuple[tuple[int, ...], tuple[bool, ...], float]:
        """(widths, has_bias per layer, negative_slope); two networks can be joined by a path only when these agree."""
        return self.widths, tuple(b is not None for b in self.biases), self.negative_slope

    # One hidden layer, in the papers' names.
    @property
    def W(self) -> Array:
        """First-layer rows w_i, shape (m, d)."""
        return self.weights[0]

    @property
    def b(self) -> Array | None:
        """First-layer biases, shape (m,), or None."""
        return self.biases[0]

    @property
    def theta(self) -> Array:
        """Last-layer weights, shape (K, m)."""
        return self.weights[-1]

    @property
    def c(self) -> Array | None:
        """Output bias, shape (K,), or None."""
        return self.biases[-1]

    def activation(self, z: Array) -> Array:
        """sigma(z), entrywise, as a new array."""
        return leaky_relu(z, self.negative_slope)

    def features(self, X: Array, layer: int = -1) -> Array:
        """Outputs of hidden layer `layer` (1-based, 0 for X itself; -1 for the last), float64 estimate, shape (N, n_l); X is (N, n_0)."""
        h = np.asarray(X, dtype=np.float64)
        last = self.depth - 1 if layer == -1 else layer
        for W, b in zip(self.weights[:last], self.biases[:last]):
            h = h @ W.T
            if b is not None:
                h += b
            h = self.activation(h)
        return h

    def predict(self, X: Array) -> Array:
        """f(X), float64 estimate (not an enclosure), shape (N, K)."""
        out: Array = self.features(X) @ self.theta.T
        return out if self.c is None else out + self.c

    def replace(self, l: int, weight: Array | None = None, bias: Array | None = None) -> Network:
        """Copy with layer l (1-based; -1 for the last) given a new weight or bias; other arrays are shared."""
        i = l - 1 if l > 0 else self.depth + l
        weights, biases = list(self.weights), list(self.biases)
        if weight is not None:
            weights[i] = weight
        if bias is not None:
            if biases[i] is None:
                raise ValueError(f"Network: layer {l} has no bias to replace")
            biases[i] = bias
        return Network(tuple(weights), tuple(biases), self.negative_slope)

    def arrays(self) -> Iterator[tuple[str, Array]]:
        """(name, array) in canonical order: W1, b1, W2, b2, ...; absent biases are left out."""
        for l, (W, b) in enumerate(zip(self.weights, self.biases), start=1):
            yield f"W{l}", W
            if b is not None:
                yield f"b{l}", b

    def sha256(self) -> str:
        """Hash of the canonical arrays: for each of `arrays()`, the line `name shape` and the little-endian float64 bytes, -0.0 as stored;
        for Leaky ReLU after the line `negative_slope` with its hexadecimal value."""
        digest = hashlib.sha256()
        if self.negative_slope:
            digest.update(f"negative_slope {self.negative_slope.hex()}\n".encode())
        for name, array in self.arrays():
            digest.update(f"{name} {'x'.join(map(str, array.shape))}\n".encode())
            digest.update(array.astype("<f8").tobytes())
        return digest.hexdigest()

    def same_parameters(self, other: Network) -> bool:
        """True when the architectures agree and every parameter is the same real number."""
        return self.architecture == other.architecture and all(
            np.array_equal(a, b) for (_, a), (_, b) in zip(self.arrays(), other.arrays())
        )


def one_hidden_layer(W: Array, theta: Array, b: Array | None = None, c: Array | None = None) -> Network:
    """Network `f(x) = theta relu(W x + b) + c`; theta may be (m,) for one output."""
    theta = np.asarray(theta)
    return Network((W, np.atleast_2d(theta)), (b, None if c is None else np.atleast_1d(c)))


def linear_combination(A: Network, B: Network, t: float) -> Network:
    """Float64 point `(1-t) A + t B` of the segment: an estimate of the exact point, for sampling only."""
    mix: Sequence[Array | None] = [
        None if a is None or b is None else a + t * (b - a) for a, b in zip(A.biases, B.biases)
    ]
    return Network(tuple(a + t * (b - a) for a, b in zip(A.weights, B.weights)), tuple(mix), A.negative_slope)

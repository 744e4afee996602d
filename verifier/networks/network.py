"""The network type every room shares: exact parameters of a fully connected ReLU or Leaky ReLU network."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from verifier.certificate.geometry import geometry_line
from verifier.kernel.fast.maps import Maps, maps_of
from verifier.kernel.statements import Geometry, Parameters, Problem, Rejected, columns_of
from verifier.kernel.statements.geometry import require_entries, require_geometry
from verifier.networks.above import Above, affine, dense_above, leaky_relu
from verifier.networks.architecture import Architecture
from verifier.numbers import plural

Array = np.ndarray


def _frozen(array: Array) -> Array:
    """Return a read-only C-contiguous float64 array; the same object when it already is one."""
    out = np.ascontiguousarray(array, dtype=np.float64)
    if out.flags.writeable:
        out = out.copy() if out is array else out
        out.flags.writeable = False
    return out


def activation_words(negative_slope: float) -> str:
    """Said wherever networks are described: a state_dict holds no activation, and with another one its parameters are another network."""
    return f"Leaky ReLU (negative slope {negative_slope!r})" if negative_slope else "ReLU"


@dataclass(frozen=True, eq=False, repr=False)
class Network:
    """`f_l = sigma(W_l f_{l-1} + b_l)` for l < L, and a linear last layer (docs/certificate-v2.md, Problem); `sigma(z) = max(z, negative_slope z)`.

    Arrays are float64 and read-only; float16 and float32 parameters are converted exactly. Unchanged arrays are shared between the
    vertices of a path, so a long path costs only what its moves change.

    weights: W_l of shape (n_l, n_{l-1}), l = 1..L, PyTorch's orientation; for one hidden layer W_1 is (m, d) and
        W_2, the papers' theta, is (K, m).
    biases: b_l of shape (n_l,), or None where the layer has no bias. None is not zero: a path never leaves it.
    negative_slope: 0.0 for ReLU, in (0, 1) for Leaky ReLU; the same for all hidden layers and for all networks of a path.
    geometry: of a convolutional network how layers read one another, None of a dense one. Its neurons are channels, W_l is (n_l, n_{l-1} r_l) with r_l
        columns next to one another for each channel below (`columns`), and what a layer gives on N samples is a matrix with one row per sample and
        position, of which the next layer reads patches (`above`).
    """

    weights: tuple[Array, ...]
    biases: tuple[Array | None, ...]
    negative_slope: float = 0.0
    geometry: Geometry | None = None

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
            if l > 1 and self.geometry is None and W.shape[1] != self.weights[l - 2].shape[0]:
                raise ValueError(
                    f"Network: W{l} has {plural(W.shape[1], 'column')}, but layer {l - 1} has {plural(self.weights[l - 2].shape[0], 'neuron')}"
                )
            if b is not None and b.shape != (W.shape[0],):
                raise ValueError(f"Network: b{l} must have shape ({W.shape[0]},), got {b.shape}")
            if not np.isfinite(W).all() or (b is not None and not np.isfinite(b).all()):
                raise ValueError(f"Network: layer {l} holds NaN or infinity")
        if self.geometry is not None:
            try:
                require_geometry(self.geometry, self.depth)
                require_entries(self.geometry, self.weights)
            except Rejected as error:
                raise ValueError(f"Network: {error}") from None

    def __repr__(self) -> str:
        """Its architecture; parameters are in `weights` and `biases`."""
        return f"Network({self.described}, {activation_words(self.negative_slope)})"

    @property
    def depth(self) -> int:
        """L, the number of weight matrices; 2 for one hidden layer."""
        return len(self.weights)

    @property
    def widths(self) -> tuple[int, ...]:
        """(n_0, ..., n_L): inputs, hidden widths, outputs; of a convolutional network the numbers of a sample, then channels."""
        inputs = self.weights[0].shape[1] if self.geometry is None else math.prod(self.geometry.shape)
        return (inputs, *(W.shape[0] for W in self.weights))

    @property
    def architecture(self) -> tuple[tuple[int, ...], tuple[bool, ...], float, Geometry | None]:
        """(widths, has_bias per layer, negative_slope, geometry); two networks can be joined by a path only when these agree."""
        return self.widths, tuple(b is not None for b in self.biases), self.negative_slope, self.geometry

    @property
    def described(self) -> Architecture:
        """Widths and geometry under their name."""
        return Architecture(self.widths, self.geometry)

    @property
    def shallow(self) -> bool:
        """One hidden layer whose neurons read all inputs, and which all outputs read: what the theory of one hidden layer is about."""
        return self.depth == 2 and self.geometry is None

    @property
    def maps(self) -> Maps:
        """How its layers read one another."""
        return maps_of(self.geometry, self.depth)

    def columns(self, neurons: Array, l: int) -> Array:
        """The columns of W_l (1-based; -1 for the last) that belong to these neurons of layer l - 1."""
        return columns_of(neurons, self.maps.readers[l - 1 if l > 0 else l].columns)

    def rows(self, X: Array) -> Array:
        """Samples (N, n_0) as the features of layer 0."""
        return self.maps.rows(np.asarray(X, dtype=np.float64))

    @property
    def hidden_rows(self) -> tuple[tuple[Array, Array | None], ...]:
        """(W_l, b_l) for l = 1..L-1."""
        return tuple(zip(self.weights[:-1], self.biases[:-1]))

    def above(self, l: int) -> Above:
        """The layers above layer l (0 for the inputs), without their numbers."""
        if self.geometry is None:
            return dense_above(self.negative_slope, self.depth - l)
        _, height, width = self.geometry.shape
        above = Above(self.negative_slope, self.maps, (height, width), self.geometry.readings)
        for _ in range(l):
            above = above.next
        return above

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
        """Outputs of hidden layer `layer` (1-based, 0 for X itself; -1 for the last), float64 estimate, shape (N, n_l); X is (N, n_0).

        Of convolutional networks one row per sample and position.
        """
        last = self.depth - 1 if layer == -1 else layer
        return self.above(0).through(self.rows(X), self.hidden_rows[:last])

    def top_features(self, X: Array) -> Array:
        """What the last layer reads, float64 estimate, (N, n_{L-1}), of channels (N, n_{L-1} r_L)."""
        return self.above(0).through(self.rows(X), self.hidden_rows, read=True)

    def predict(self, X: Array) -> Array:
        """f(X), float64 estimate (not an enclosure), shape (N, K)."""
        return affine(self.top_features(X), self.theta, self.c)

    def with_parameters(self, weights: Sequence[Array], biases: Sequence[Array | None]) -> Network:
        """A network of the same activation and geometry."""
        return Network(tuple(weights), tuple(biases), self.negative_slope, self.geometry)

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
        return self.with_parameters(weights, biases)

    def arrays(self) -> Iterator[tuple[str, Array]]:
        """(name, array) in canonical order: W1, b1, W2, b2, ...; absent biases are left out."""
        for l, (W, b) in enumerate(zip(self.weights, self.biases), start=1):
            yield f"W{l}", W
            if b is not None:
                yield f"b{l}", b

    def sha256(self) -> str:
        """Hash of the canonical arrays: for each of `arrays()`, the line `name shape` and the little-endian float64 bytes, -0.0 as stored;
        for Leaky ReLU after the line `negative_slope` with its hexadecimal value, before it for a convolutional network its geometry's line."""
        digest = hashlib.sha256(geometry_line(self.geometry).encode())
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
    return A.with_parameters([a + t * (b - a) for a, b in zip(A.weights, B.weights)], mix)


def network_of(problem: Problem, p: Parameters) -> Network:
    """A vertex of a certificate as a network: its parameters with the activation and the geometry of the problem."""
    return Network(p.weights, p.biases, problem.negative_slope, problem.geometry)

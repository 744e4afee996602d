"""Enclosures that survive depth: one Euclidean radius per sample and layer instead of one per entry (docs/mathematics.md, section 6).

A layer multiplies entrywise radii by its largest row sum of magnitudes, and these by its spectral norm, which is some ten times smaller; they also cost no
second product. Where that is still too wide `splitting.py` computes the products themselves to about 80 bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from verifier.kernel.fast.balls import (
    INFLATE,
    NORM_TINY,
    TINY,
    Array,
    Ball,
    Cloud,
    U,
    exact,
    finite,
    norm_above,
    norms_above,
    upper_product,
)
from verifier.kernel.fast.balls import relu as relu_ball
from verifier.kernel.fast.maps import Maps, Reader, dense
from verifier.kernel.fast.splitting import Split, Terms, split_affine, two_product
from verifier.kernel.statements import Parameters, require

# Samples that go through all layers together: what they need stays in the cache.
TOGETHER = 512
# The same of convolutional networks, in rows and columns of patches.
PATCHES = 2**14
# No partial sum of a product overflows whose norms multiply to less than this.
LARGEST = 2.0**1000
# Each squaring costs one product of the smaller side; six leave at most a factor n^(1/128).
SQUARINGS = 6


def spectral_norm_above(M: Array, squarings: int = SQUARINGS) -> float:
    """|M|_2 from above: |M|_2^2 = |M M^T|_2 <= |G|_2 + gamma_n |M|_F^2 for the computed product G, for which the same holds again; at last |G|_F."""
    if not M.any():
        return 0.0
    exponent = int(np.frexp(np.abs(M).max())[1])
    M = np.ldexp(M if M.shape[0] <= M.shape[1] else M.T, -exponent)
    size = norm_above(M)
    if squarings > 0:
        gamma = (M.shape[1] + 2) * U * INFLATE
        square = spectral_norm_above(finite(M @ M.T), squarings - 1) + gamma * size * size
        size = float(np.sqrt(square * INFLATE)) * INFLATE + NORM_TINY
    return float(finite(np.ldexp(size + NORM_TINY, exponent))) + NORM_TINY


class Layer:
    """Weights (p, n) and biases (p,) of a layer, with upper bounds of the norms that its enclosures need. Rows include their bias."""

    def __init__(self, W: Ball, b: Ball | None, stretch: float | None = None) -> None:
        """stretch: at or above the spectral norm of every enclosed W that is meant; computed where it is left out, for exact W."""
        self.W, self.b = W, b
        rows = W if b is None else Ball(np.column_stack([W.mid, b.mid]), np.column_stack([W.rad, b.rad]))
        gamma = (rows.mid.shape[1] + 2) * U * INFLATE
        self.sizes = norms_above(rows.mid)
        self.radii = norms_above(rows.rad) if rows.rad.any() else np.zeros(len(rows.rad))
        self.local = (gamma * self.sizes + self.radii) * INFLATE
        self.size, self.local_size = norm_above(self.sizes), norm_above(self.local)
        self._stretch = stretch

    @cached_property
    def stretch(self) -> float:
        require(self._stretch is not None or not self.W.rad.any(), "no spectral norm of an inexact matrix")
        return spectral_norm_above(self.W.mid) if self._stretch is None else self._stretch

    @cached_property
    def split(self) -> Split:
        return Split(self.W.mid, None if self.b is None else self.b.mid)


@dataclass(frozen=True)
class Image:
    """An affine image mid + low of a cloud. Entry i of sample j is off by at most the sum of per_sample[j] per_neuron[i] over the terms; `rad` (N,) bounds
    the norm of what sample j is off by."""

    mid: Array
    low: Array | None
    rad: Array
    terms: Terms

    @property
    def ball(self) -> Ball:
        """Entrywise."""
        r = sum((np.outer(per_sample, per_neuron) for per_sample, per_neuron in self.terms), np.zeros_like(self.mid))
        if self.low is not None:
            r = r + np.abs(self.low)
        return Ball(finite(self.mid), finite(r * INFLATE + TINY))


def affine(h: Cloud, layer: Layer) -> Image:
    """h W^T + b."""
    reach = norms_above(h.mid)
    if layer.b is not None:
        reach = norms_above(np.column_stack([reach, np.ones_like(reach)]))  # the bias reads a 1
    require(bool(reach.max() * layer.size <= LARGEST), "overflow in the fast evaluation")
    if h.low is None:
        mid, low, terms = h.mid @ layer.W.mid.T, None, [(reach, layer.local)]
        if layer.b is not None:
            mid += layer.b.mid
    else:
        require(not layer.radii.any(), "split products are of exact weights")
        mid, low, terms = split_affine(h.mid, h.low, layer.split)
    far = sum((per_sample * norm_above(per_neuron) for per_sample, per_neuron in terms), np.zeros(len(reach)))
    if h.rad.any():
        far += layer.stretch * h.rad
        terms.append((h.rad, (layer.sizes + layer.radii) * INFLATE))
    return Image(mid, low, finite(far * INFLATE + len(layer.sizes) * TINY), terms)


def relu(z: Image, slope: float) -> Cloud:
    """max(z, slope z), 0 <= slope < 1, in place of z: 1-Lipschitz in the Euclidean norm. The sign of mid is that of mid + low."""
    mid, low = z.mid, z.low
    if slope == 0.0:
        if low is not None:
            low[mid <= 0.0] = 0.0
        return Cloud(np.maximum(mid, 0.0, out=mid), z.rad, low)
    if low is None:
        np.maximum(mid, slope * mid, out=mid)
        rounding = U * norms_above(mid)
    else:
        negative, (high, rest) = mid < 0.0, two_product(slope, mid)
        mid, low = np.where(negative, high, mid), np.where(negative, rest + slope * low, low)
        rounding = 8.0 * U * U * norms_above(mid)
    return Cloud(mid, finite((z.rad + rounding) * INFLATE + mid.shape[1] * TINY), low)


def exact_layers(p: Parameters) -> list[Layer]:
    return [Layer(exact(W), None if b is None else exact(b)) for W, b in zip(p.weights, p.biases, strict=True)]


def last_image(X: Array, layers: list[Layer], slope: float, finer: bool = False, maps: Maps | None = None) -> Ball:
    """Entrywise enclosure of the last layer's affine map on the inputs X, (N, p); a few samples at a time go through all layers.

    maps: how layers read one another, rows as they are where it is left out. p then stands at each position of the last of these layers, one row each.
    """
    parts, maps = [], dense(len(layers)) if maps is None else maps
    together = max(1, min(TOGETHER, PATCHES // maps.spread))
    for k in range(0, len(X), together):
        x = maps.rows(X[k : k + together])
        h = Cloud(x, np.zeros(len(x)), np.zeros_like(x) if finer else None)
        for layer, reader in zip(layers[:-1], maps.readers):
            h = relu(affine(reader.cloud(h), layer), slope)
        parts.append(affine(maps.readers[len(layers) - 1].cloud(h), layers[-1]).ball)
    return Ball(np.concatenate([b.mid for b in parts]), np.concatenate([b.rad for b in parts]))


def entrywise_radii(h: Ball, layer: Layer, mid: Array) -> Array:
    """Of the floats mid = h.mid W^T + b, from the entrywise radii of h: smaller for a layer or two, and where most of h is exact; (N, p)."""
    gamma = (h.mid.shape[1] + 3) * U * INFLATE
    size = np.abs(h.mid)
    # TINY covers what gamma * size may lose to underflow.
    r = upper_product(gamma * size + h.rad + TINY, ((np.abs(layer.W.mid) + layer.W.rad) * INFLATE).T)
    if layer.W.rad.any():
        r = r + upper_product(size, layer.W.rad.T)
    if layer.b is not None:
        r = r + (U * np.abs(mid) + layer.b.rad)
    return finite(r * INFLATE + size.shape[1] * TINY)


def images_above(u: Ball, layers: list[Layer], slope: float, readers: Sequence[Reader] | None = None) -> list[Ball]:
    """Entrywise enclosures of the affine maps of all layers above pre-activations u (N, n); the smaller ones of both kinds as long as these matter.

    readers: of these layers, which read rows as they are where they are left out.
    """
    found, e, both = [u], norms_above(u.rad), True
    for layer, reader in zip(layers, dense(len(layers)).readers if readers is None else readers, strict=True):
        u = found[-1]
        z = affine(reader.cloud(relu(Image(u.mid.copy(), None, e, []), slope)), layer)
        x, e = z.ball, z.rad
        if both:
            radii = entrywise_radii(reader.ball(relu_ball(u, slope)), layer, z.mid)
            both = bool(np.mean(radii < x.rad) > 0.5)
            x = Ball(z.mid, np.minimum(radii, x.rad))
            e = np.minimum(e, norms_above(x.rad))
        found.append(x)
    return found[1:]

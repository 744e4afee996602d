"""Rows for silent neurons: directions in which a new neuron lowers F to first order under the path penalty.

A neuron with row 0 may grow along w, |w| = 1, with a head of size 1 in output k when `|(1/N) sum_j q_j nu_jk relu(w . xt_j)| > kappa`
(Pilanci and Ergen's dual constraint). Subgradient ascent on the sphere from many starts; it may miss directions, and what it finds is recomputed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Array = np.ndarray

STARTS, STEPS, DECAY = 250, 200, 0.965
# Found directions must exceed the price by this factor, and differ by this much in cosine.
EXCEEDS, APART = 1.0001, 0.995


@dataclass(frozen=True, eq=False)
class Seed:
    """A unit row (n,), and the output whose head takes the sign."""

    row: Array
    output: int
    sign: float


def seeds(nu: Array, inputs: Array, kappa: float, count: int, near: Array, rng: np.random.Generator) -> list[Seed]:
    """At most `count` seeds, the most promising first; nu (N, K) times the shares, inputs (N, n), near (p, n): rows in use, to start from as well."""
    N, n = inputs.shape
    starts = [rng.standard_normal((STARTS, n))]
    some = rng.choice(N, size=(STARTS // 2, min(3, N)))
    starts.append((inputs[some] * rng.choice([-1.0, 1.0], size=(*some.shape, 1))).sum(axis=1))
    if len(near):
        starts.append(
            near / np.linalg.norm(near, axis=1, keepdims=True) + 0.05 * rng.standard_normal(near.shape) / np.sqrt(n)
        )
    W = _unit(np.vstack(starts))
    best, value, output = _ascend(W, nu, inputs)
    out: list[Seed] = []
    for b in np.argsort(-np.abs(value)).tolist():
        if len(out) >= count or abs(value[b]) <= EXCEEDS * kappa:
            break
        if all(best[b] @ s.row < APART for s in out):
            out.append(Seed(best[b], int(output[b]), -float(np.sign(value[b]))))
    return out


def _unit(W: Array) -> Array:
    return np.asarray(W / np.maximum(np.linalg.norm(W, axis=1, keepdims=True), 1e-300))


def _ascend(W: Array, nu: Array, inputs: Array) -> tuple[Array, Array, Array]:
    """(rows, values `(1/N) sum_j nu_jk relu(w . xt_j)`, outputs k) of the best point of each ascent."""
    N, each = len(inputs), np.arange(len(W))
    first = np.maximum(W @ inputs.T, 0.0) @ nu / N
    k = np.abs(first).argmax(axis=1)
    weights = nu.T[k] / N
    sign = np.sign(first[each, k])
    best, value = W.copy(), np.abs(first[each, k])
    for t in range(STEPS):
        Z = W @ inputs.T
        found = sign * (np.maximum(Z, 0.0) * weights).sum(axis=1)
        better = found > value
        value = np.where(better, found, value)
        best[better] = W[better]
        V = ((Z > 0.0) * weights) @ inputs * sign[:, None]
        V -= (V * W).sum(axis=1, keepdims=True) * W
        W = _unit(W + 0.5 * DECAY**t * _unit(V))
    return best, sign * value, k

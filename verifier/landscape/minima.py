"""Local minima of a merge tree as networks, and the pairs of them that are worth a certificate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verifier.landscape.faces import FaceValues
from verifier.landscape.normal import within_float64
from verifier.landscape.setting import LandscapeSetting
from verifier.landscape.tree import MergeTree
from verifier.networks.network import Network, one_hidden_layer

# Passes and gaps this near (relative) are those of permuted copies.
COPY = 1e-7


@dataclass(frozen=True)
class MinimaPair:
    """Two local minima that first meet at `level`: numbers in the tree, the higher one first; gap: level less its value."""

    younger: int
    older: int
    level: float
    gap: float


def minimum_network(values: FaceValues, codes: np.ndarray) -> Network:
    """The minimiser over a closed cell, codes (m,), every neuron balanced: |wt_i| = |theta_i|."""
    setting: LandscapeSetting = values.setting
    point = values.point(values.face(codes.tolist()))
    left = dict(point.u)
    u = np.zeros((len(codes), setting.neurons.inputs.shape[1]))
    for k, code in enumerate(codes.tolist()):
        # A code that several neurons have was solved for once.
        if code in left:
            u[k] = left.pop(code)
    with np.errstate(over="ignore"):
        size = np.sqrt(within_float64(np.linalg.norm(u, axis=1)))
    signs = np.array([setting.neurons.sign(int(c)) for c in codes])
    rows = u / np.where(size > 0, size, 1.0)[:, None]
    W, b = (rows[:, :-1], rows[:, -1]) if setting.hidden_bias else (rows, None)
    return one_hidden_layer(W, signs * size, b, np.array([point.bias]) if setting.output_bias else None)


def leading_pairs(tree: MergeTree, most: int) -> list[MinimaPair]:
    """The joins with the largest gaps, at most so many, permuted copies once."""
    out: list[MinimaPair] = []
    for k in np.argsort(-tree.persistence, kind="stable").tolist():
        gap, level = float(tree.persistence[k]), float(tree.passes[k])
        known = any(abs(p.gap - gap) <= COPY * abs(gap) and abs(p.level - level) <= COPY * abs(level) for p in out)
        if not known and len(out) < most:
            out.append(MinimaPair(int(tree.younger[k]), int(tree.older[k]), level, gap))
    return out


def distinct(tree: MergeTree) -> int:
    """How many different values the minima have, rounding aside."""
    return 1 + int((np.diff(tree.values) > np.maximum(COPY * tree.values[1:], tree.resolution)).sum())

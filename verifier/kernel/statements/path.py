"""Claims about one path: the moves it is made of, and the bound of F along it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from verifier.kernel.statements.problem import Parameters
from verifier.kernel.statements.refusal import require, require_finite


@dataclass(frozen=True)
class Write:
    """Overwrite part of one array: rows (axis 0) or columns (axis 1) `index` of W_l or entries of b_l; all of it when index is None."""

    layer: int
    part: str
    axis: int
    index: np.ndarray | None
    value: np.ndarray


@dataclass(frozen=True)
class Move:
    """Straight segment from the current vertex to the vertex after all `writes`.

    breakpoints: strictly increasing floats in (0, 1), or None: where the chord lemma is applied piece by piece.
    transfer: (p, 2) int64 pairs (from, to) in hidden layer `transfer_layer`, or None. Both are hints; the kernel checks them.
    """

    writes: tuple[Write, ...]
    breakpoints: np.ndarray | None = None
    transfer: np.ndarray | None = None
    transfer_layer: int | None = None


@dataclass(frozen=True)
class PathUpperBound:
    """The polyline from A through `moves` ends in B, and on all of it `F <= sup`, `F - E <= gap` with E = max(F(A), F(B)),
    `F - min(F(A), F(B)) <= gap_over_lower`, and, when a level is given, `F - level <= gap_over_level`."""

    path: str
    moves: tuple[Move, ...]
    sup: float
    gap: float
    gap_over_lower: float
    level: float | None = None
    gap_over_level: float | None = None


def apply_writes(p: Parameters, move: Move) -> Parameters:
    """The vertex after a move; unwritten arrays are shared. Rejects writes outside the arrays, repeated indices and non-finite values."""
    weights, biases = list(p.weights), list(p.biases)
    for w in move.writes:
        require(type(w.layer) is int and 1 <= w.layer <= len(weights), "a write names a layer that is not there")
        require(w.part in ("weight", "bias"), "a write names neither weight nor bias")
        old = weights[w.layer - 1] if w.part == "weight" else biases[w.layer - 1]
        require(old is not None, "a write names a bias that is not there")
        assert old is not None  # for the type checker; `require` above decides
        require(w.axis in (0, 1) and w.axis < old.ndim, "a write names an axis that is not there")
        require_finite(w.value, "written values", old.ndim)
        if w.index is None:
            require(w.value.shape == old.shape, "written values do not fit")
            new = w.value
        else:
            i = w.index
            require(
                type(i) is np.ndarray and i.dtype == np.int64 and i.ndim == 1 and i.size > 0,
                "write indices must be int64",
            )
            require(bool((i >= 0).all() and (i < old.shape[w.axis]).all()), "a write index is outside the array")
            require(np.unique(i).size == i.size, "a write index is repeated")
            shape = list(old.shape)
            shape[w.axis] = i.size
            require(w.value.shape == tuple(shape), "written values do not fit their indices")
            new = old.copy()
            if w.axis == 0:
                new[i] = w.value
            else:
                new[:, i] = w.value
        if w.part == "weight":
            weights[w.layer - 1] = new
        else:
            biases[w.layer - 1] = new
    return Parameters(tuple(weights), tuple(biases))


def breakpoints_of(move: Move) -> list[float]:
    """0, the move's breakpoints, 1; rejects anything not strictly increasing."""
    if move.breakpoints is None:
        return [0.0, 1.0]
    require_finite(move.breakpoints, "breakpoints", 1)
    t = [0.0, *move.breakpoints.tolist(), 1.0]
    require(all(a < b for a, b in itertools.pairwise(t)), "breakpoints must increase strictly inside (0, 1)")
    return t

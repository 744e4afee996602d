"""Claims about every path between two networks. One hidden layer, one output (docs/mathematics.md, section 8)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verifier.kernel.statements.problem import Problem, augmented_inputs, require_barrier_scope
from verifier.kernel.statements.refusal import quoted, require, require_array, require_name, require_number


@dataclass(frozen=True)
class BarrierLowerBound:
    """Every continuous path of parameters from A to B has `max F >= level`, hence `gap(A, B) >= gap`.

    around: the network, "A" or "B", that the cells hold; the other one lies outside. output_layer "trained": paths move everything; "frozen": theta
    and the output bias stay as they are in A and B. Arrays, codes and the basis: docs/certificate-v2.md, `barrier_lower_bound`.
    """

    name: str
    around: str
    output_layer: str
    level: float
    gap: float
    patterns: np.ndarray
    interiors: np.ndarray
    redundant: np.ndarray
    supports: np.ndarray
    cells: np.ndarray
    inside: int
    outside: np.ndarray
    faces: np.ndarray
    facets: np.ndarray
    nu: np.ndarray
    multipliers: np.ndarray
    basis: np.ndarray

    def sentence(self, problem: Problem) -> str:
        which = "of all parameters" if self.output_layer == "trained" else "that keeps the output layer of A and B"
        return (
            f"barrier {quoted(self.name)}: every path {which} from A to B reaches F >= {self.level!r}, "
            f"at least {self.gap!r} over E = max(F(A), F(B))"
        )


@dataclass(frozen=True)
class ConeTable:
    """Cones of one neuron, as in `BarrierLowerBound`."""

    patterns: np.ndarray
    interiors: np.ndarray
    redundant: np.ndarray
    supports: np.ndarray


@dataclass(frozen=True)
class FaceDuals:
    """Faces with their duals, as in `BarrierLowerBound`; also whole cells, with facet -1. level: points above it are not spoken of."""

    output_layer: str
    level: float
    faces: np.ndarray
    facets: np.ndarray
    nu: np.ndarray
    multipliers: np.ndarray
    basis: np.ndarray


def validate_barrier(problem: Problem, claim: BarrierLowerBound) -> None:
    """Reject claims outside the theorem, and arrays that do not fit."""
    m = require_barrier_scope(problem, "barrier_lower_bound")
    require_name(claim.name)
    o, (N, _) = problem.objective, problem.X.shape
    require(claim.output_layer in ("trained", "frozen"), "output_layer is neither trained nor frozen")
    if claim.output_layer == "frozen":
        require(not o.penalise_output_bias, "a frozen output bias is not penalised")
        require(
            np.array_equal(problem.A.weights[1], problem.B.weights[1]),
            "the output layer is frozen, and A and B differ in it",
        )
        a, b = problem.A.biases[1], problem.B.biases[1]
        require(a is None or b is None or np.array_equal(a, b), "the output bias is frozen, and A and B differ in it")
    require(claim.around in ("A", "B"), "around names neither A nor B")
    n = augmented_inputs(problem).shape[1]
    p, r, q, f = len(claim.patterns), len(claim.redundant), len(claim.cells), len(claim.faces)
    ints = {"patterns": (p, N), "redundant": (r, 2), "cells": (q, m), "outside": (m,), "faces": (f, m), "facets": (f,)}
    for name, shape in ints.items():
        require_array(getattr(claim, name), name, np.int64, shape)
    for name, rows in (("supports", r), ("basis", f)):
        array = getattr(claim, name)
        require(
            type(array) is np.ndarray and array.dtype == np.int64 and array.ndim == 2 and len(array) == rows,
            f"{name} has the wrong type or shape",
        )
    for name, wide in (("interiors", (p, n)), ("nu", (f, N)), ("multipliers", (f, m * N))):
        require_array(getattr(claim, name), name, np.float64, wide)
    require(min(p, q, f) > 0, "no patterns, no cells or no faces")
    require_number(claim.level, "the level")
    require_number(claim.gap, "the gap")
    require(type(claim.inside) is int and 0 <= claim.inside < q, "inside names no cell")
    for name in ("cells", "outside"):
        codes = getattr(claim, name)
        require(bool(((codes >= 0) & (codes < 2 * p)).all()), f"{name} has a code of no pattern")
    require(bool(((claim.faces[:, 1:] >= 0) & (claim.faces[:, 1:] < 2 * p)).all()), "a face has a code of no pattern")
    require(bool(((claim.faces[:, 0] >= -1) & (claim.faces[:, 0] < 2 * p)).all()), "a face has a code of no pattern")
    require(bool(((claim.facets >= -1) & (claim.facets < N)).all()), "a facet names a sample that is not there")
    require(
        bool(((claim.faces[:, 0] == -1) == (claim.facets == -1)).all()),
        "an absent neuron has a facet, or a crossing one has none",
    )

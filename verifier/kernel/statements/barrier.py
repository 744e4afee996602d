"""Claims about every path, or every one that keeps the output layer, or the hidden layers below the last one: docs/mathematics.md, section 8."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verifier.kernel.statements.kept import OUTPUT_LAYERS, keeps_output, of_paths, require_shared_below, same_biases
from verifier.kernel.statements.problem import Problem, require_relu, require_unweighted
from verifier.kernel.statements.refusal import quoted, require, require_array, require_name, require_number


@dataclass(frozen=True)
class BarrierLowerBound:
    """Every continuous path of parameters from A to B has `max F >= level`, hence `gap(A, B) >= gap`.

    around: the network, "A" or "B", that the cells hold; the other one lies outside. output_layer "trained": paths move everything; "frozen": theta
    and the output bias stay as they are in A and B. With several hidden layers "trained above frozen layers" or "frozen above frozen layers": moreover
    all of these but the last stay as they are. Arrays, codes and the basis: docs/certificate-v2.md, `barrier_lower_bound`.
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

    @property
    def frozen(self) -> bool:
        """Whether the output layer is."""
        return keeps_output(self.output_layer)

    def sentence(self, problem: Problem) -> str:
        return (
            f"barrier {quoted(self.name)}: every path {of_paths(self.output_layer)} from A to B reaches F >= {self.level!r}, "
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

    @property
    def frozen(self) -> bool:
        return self.output_layer == "frozen"


def kinds_of(problem: Problem) -> int:
    """How many kinds of neurons the codes tell apart: two signs of theta with one output, the m neurons themselves with several."""
    K, m = problem.A.weights[-1].shape
    return 2 if K == 1 else int(m)


def validate_barrier(problem: Problem, claim: BarrierLowerBound) -> None:
    """Reject claims outside the theorem, and arrays that do not fit."""
    require_name(claim.name)
    require(claim.output_layer in OUTPUT_LAYERS, "output_layer is neither trained nor frozen")
    require_shared_below(problem, claim.output_layer)
    _require_scope(problem, claim.frozen)
    require(claim.around in ("A", "B"), "around names neither A nor B")
    last = problem.A.weights[-2]
    (K, m), N, n = problem.A.weights[-1].shape, len(problem.X), last.shape[1] + (problem.A.biases[-2] is not None)
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
    for name, wide in (("interiors", (p, n)), ("nu", (f, N * K)), ("multipliers", (f, m * N))):
        require_array(getattr(claim, name), name, np.float64, wide)
    require(min(p, q, f) > 0, "no patterns, no cells or no faces")
    require_number(claim.level, "the level")
    require_number(claim.gap, "the gap")
    require(type(claim.inside) is int and 0 <= claim.inside < q, "inside names no cell")
    kinds = kinds_of(problem)
    for name in ("cells", "outside"):
        codes = getattr(claim, name)
        require(bool(((codes >= 0) & (codes < kinds * p)).all()), f"{name} has a code of no pattern")
        require(K == 1 or bool((codes % kinds == np.arange(m)).all()), f"{name} has a code of another neuron")
    rest, moving = claim.faces[:, 1:], claim.faces[:, 0]
    require(bool(((rest >= 0) & (rest < kinds * p)).all()), "a face has a code of no pattern")
    require(bool(((moving >= -1) & (moving < kinds * p)).all()), "a face has a code of no pattern")
    require(bool(((claim.facets >= -1) & (claim.facets < N)).all()), "a facet names a sample that is not there")
    require(
        bool(((moving == -1) == (claim.facets == -1)).all()),
        "an absent neuron has a facet, or a crossing one has none",
    )


def _require_scope(problem: Problem, frozen: bool) -> None:
    """Reject problems that section 8 of docs/mathematics.md does not speak of."""
    require_relu(problem)
    require_unweighted(problem)
    o, A, B = problem.objective, problem.A, problem.B
    K = A.weights[-1].shape[0]
    require(frozen or K == 1, "with several outputs, a barrier is defined for a frozen output layer only")
    # A scaling of a row against its head is no move where the head is frozen.
    allowed = ("none", "path", "weight_decay") if K == 1 else ("none", "path")
    require(
        o.penalty in (*allowed, "l1") if frozen else o.penalty in allowed,
        f"no lower bound under penalty {o.penalty}: "
        + ("rescaling a row changes it" if o.penalty == "l1" else "it is no price of one row's norm"),
    )
    if frozen:
        require(not o.penalise_output_bias, "a frozen output bias is not penalised")
        require(np.array_equal(A.weights[-1], B.weights[-1]), "the output layer is frozen, and A and B differ in it")
        require(same_biases(A.biases[-1], B.biases[-1]), "the output bias is frozen, and A and B differ in it")

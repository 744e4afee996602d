"""Claims about all networks of one shape at once: how many parts {F <= X} has. One hidden layer, one output (docs/mathematics.md, section 15)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from verifier.kernel.statements.kept import require_barrier_scope
from verifier.kernel.statements.problem import Problem, augmented_inputs
from verifier.kernel.statements.refusal import quoted, require, require_array, require_interval, require_name

# Cells of all neurons together, neurons in their order; and faces, each with its bracket.
MOST_CELLS, MOST_FACES = 2**18, 2**18


@dataclass(frozen=True)
class Landscape:
    """The networks meant have the shape of A: as many neurons, in their order, with the biases that A has; A's and B's numbers do not matter.

    For every X outside `intervals` (q, 2), `{F <= X}` has exactly `counts[i]` connected components, i being the last interval below X (none below the
    first). minima (k, 1 + m): the interval in which a component is born, and the codes of a cell of it. joins (j, 3): interval, minimum that ends, minimum
    that lives on. The supremum over all pairs of these networks of their energy gap lies in [gap_lower, gap_upper].

    patterns (p, N), interiors (p, n): all cones. faces (f, m), facets (f,): all cells and faces. dual, point (f,): which dual and which point bounds each.
    of_dual (d,), nu, multipliers, basis: duals, and the rows of `faces` they are about. of_point (w,), points (w, m n), biases (w,): likewise points.
    """

    name: str
    patterns: np.ndarray
    interiors: np.ndarray
    faces: np.ndarray
    facets: np.ndarray
    dual: np.ndarray
    of_dual: np.ndarray
    nu: np.ndarray
    multipliers: np.ndarray
    basis: np.ndarray
    point: np.ndarray
    of_point: np.ndarray
    points: np.ndarray
    biases: np.ndarray
    intervals: np.ndarray
    counts: np.ndarray
    minima: np.ndarray
    joins: np.ndarray
    gap_lower: float
    gap_upper: float

    def sentence(self, problem: Problem) -> str:
        m, q, k = len(problem.A.weights[0]), len(self.intervals), len(self.minima)
        bias = [b is not None for b in problem.A.biases]
        biases = {
            (True, True): "hidden and output biases",
            (True, False): "hidden biases",
            (False, True): "an output bias",
        }
        shape = f"{m} ordered neuron{'s' * (m > 1)} and {biases.get((bias[0], bias[1]), 'no biases')}"
        told = f"{k} {'minimum' if k == 1 else 'minima'} and {len(self.joins)} {'pass' if len(self.joins) == 1 else 'passes'}"
        longest = max((math.nextafter(b - a, math.inf) for a, b in self.intervals.tolist()), default=0.0)
        return (
            f"landscape {quoted(self.name)}: over all networks of {shape}, for every X outside {q} intervals of length at most {longest!r}, the number of "
            f"components of {{F <= X}} is {self._numbers()}; they tell {told} apart; the largest gap between two of "
            f"these networks lies in [{self.gap_lower!r}, {self.gap_upper!r}]"
        )

    def _numbers(self) -> str:
        """Where the counts change, the first few and the last."""
        ends, counts = self.intervals[:, 1].tolist(), self.counts.tolist()
        parts = [f"{c} above {x!r}" for i, (x, c) in enumerate(zip(ends, counts)) if i == 0 or c != counts[i - 1]]
        return ", ".join(
            ["0 first", *(parts if len(parts) <= 8 else [*parts[:6], f"... ({len(parts) - 7} more)", parts[-1]])]
        )


def validate_landscape(problem: Problem, claim: Landscape) -> None:
    """Reject claims outside the theorem, and arrays that do not fit."""
    m = require_barrier_scope(problem, "landscape")
    require_name(claim.name)
    N, n = augmented_inputs(problem).shape
    p, f, d, w = len(claim.patterns), len(claim.faces), len(claim.of_dual), len(claim.of_point)
    q, k, j = len(claim.intervals), len(claim.minima), len(claim.joins)
    require(min(p, f, d, w, q, k) > 0, "no patterns, no faces, no duals, no points, no intervals or no minima")
    require(f <= MOST_FACES, "too many faces")
    require(m <= MOST_CELLS.bit_length() and (2 * p) ** m <= MOST_CELLS, "too many cells")
    require(type(claim.basis) is np.ndarray and claim.basis.ndim == 2, "basis has the wrong type or shape")
    ints = {
        "patterns": (p, N), "faces": (f, m), "facets": (f,), "dual": (f,), "of_dual": (d,), "basis": (d, claim.basis.shape[1]), "point": (f,),
        "of_point": (w,), "counts": (q,), "minima": (k, 1 + m), "joins": (j, 3),
    }  # fmt: skip
    floats = {
        "interiors": (p, n), "nu": (d, N), "multipliers": (d, m * N), "points": (w, m * n), "biases": (w,), "intervals": (q, 2),
    }  # fmt: skip
    for kind, shapes in ((np.int64, ints), (np.float64, floats)):
        for name, shape in shapes.items():
            require_array(getattr(claim, name), name, kind, shape)
    require(bool(((claim.faces >= -1) & (claim.faces < 2 * p)).all()), "a face has a code of no pattern")
    require(bool(((claim.facets >= -1) & (claim.facets < N)).all()), "a facet names a sample that is not there")
    require(
        not bool(((claim.facets >= 0) & (claim.faces[:, 0] == -1)).any()),
        "a facet is that of a neuron that is not there",
    )
    for name, most in (("dual", d), ("point", w), ("of_dual", f), ("of_point", f)):
        index = getattr(claim, name)
        require(bool(((index >= 0) & (index < most)).all()), f"{name} names a row that is not there")
    require(
        problem.A.biases[1] is not None or not bool(claim.biases.any()),
        "points have an output bias, and the networks none",
    )
    starts, ends = claim.intervals.T
    require(bool((starts >= 0.0).all()), "an interval begins below 0")
    require(
        bool((starts <= ends).all()) and bool((ends[:-1] < starts[1:]).all()),
        "the intervals do not lie one above the other",
    )
    require_interval(claim.gap_lower, claim.gap_upper)

"""Claims about every path between two networks of different sign counts. One output (docs/mathematics.md, section 12)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verifier.kernel.statements.kept import of_paths, require_barrier_scope
from verifier.kernel.statements.problem import Problem, last_rows
from verifier.kernel.statements.refusal import (
    quoted,
    require,
    require_array,
    require_list,
    require_name,
    require_number,
)

# Coordinates of all neurons that stay, together: a partition starts with 2^COORDINATES cones at most.
COORDINATES = 16
# Of one neuron's directions, of a tree's entries, and of cuts one within the other: what a file may ask both evaluations to work through.
MOST_INPUTS, MOST_CUTS, DEEPEST = 64, 2**19, 256


@dataclass(frozen=True)
class SignCountBarrier:
    """Every continuous path of parameters from A to B has `max F >= level`, hence `gap(A, B) >= gap`.

    output_layer: "trained", paths move everything; with several hidden layers "trained above frozen layers", paths keep all of these but the last, and
    neurons are those of the last. Not "frozen": a path that keeps the output layer never changes a sign.

    positive: every path passes a network of which one neuron is 0, while of the others, m - 1, this many count as positive and the rest as
    negative; `level` bounds F from below on all of those. directions, tree: the partition of these networks into products of cones; nu, slopes,
    pulls: the dual of each (docs/certificate-v2.md, `sign_count_barrier`).
    """

    name: str
    output_layer: str
    positive: int
    level: float
    gap: float
    directions: np.ndarray
    tree: np.ndarray
    nu: np.ndarray
    slopes: np.ndarray
    pulls: np.ndarray

    def sentence(self, problem: Problem) -> str:
        return (
            f"barrier {quoted(self.name)}: every path {of_paths(self.output_layer)} from A to B reaches F >= {self.level!r}, "
            f"at least {self.gap!r} over E = max(F(A), F(B)), as A and B differ in the number of neurons with a positive head"
        )


def require_duals(duals: tuple[np.ndarray, np.ndarray, np.ndarray], count: int, neurons: int, N: int, n: int) -> None:
    """Reject nu, slopes and pulls that are not `count` duals of this many neurons in R^n; slopes lie in [0, 1]."""
    nu, slopes, pulls = duals
    require_array(nu, "nu", np.float64, (count, N))
    require_array(slopes, "slopes", np.float64, (count, neurons * N))
    require_array(pulls, "pulls", np.float64, (count, neurons * n))
    require(bool(((slopes >= 0.0) & (slopes <= 1.0)).all()), "a slope leaves [0, 1]")


def validate_sign_count(problem: Problem, claim: SignCountBarrier) -> None:
    """Reject claims outside the theorem, and arrays that do not fit."""
    m = require_barrier_scope(problem, "sign_count_barrier", claim.output_layer)
    require_name(claim.name)
    N = len(problem.X)
    n, leaves = last_rows(problem.A).shape[1], len(claim.nu)
    require((m - 1) * n <= COORDINATES, f"the neurons that stay have more than {COORDINATES} coordinates")
    require(n <= MOST_INPUTS, f"more than {MOST_INPUTS} directions")
    require(type(claim.positive) is int and 0 <= claim.positive < m, "positive counts more neurons than stay")
    require_array(claim.directions, "directions", np.float64, (n, n))
    require_list(claim.tree, "tree")
    # Before anything is made of the tree: its parts are as many as there are duals, and none is deeper than the tree of a search.
    require(0 < leaves == int((claim.tree == -1).sum()), "every part of the tree has one dual")
    require(len(claim.tree) <= MOST_CUTS, "the tree is too large")
    require_duals((claim.nu, claim.slopes, claim.pulls), leaves, m - 1, N, n)
    require_number(claim.level, "the level")
    require_number(claim.gap, "the gap")

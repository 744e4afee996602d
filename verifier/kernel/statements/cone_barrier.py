"""Claims about every path that has to leave a union of cones. One output (docs/mathematics.md, section 14)."""

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
from verifier.kernel.statements.sign_count import MOST_CUTS, require_duals

# Coordinates of all neurons together: a partition starts with 2^COORDINATES parts.
COORDINATES = 12
# Pairs of a part inside and one outside, and of a cone inside and one outside, that both evaluations may be asked to look at.
MOST_PAIRS, MOST_CONES = 2**28, 2**24


@dataclass(frozen=True)
class ConeBarrier:
    """Every continuous path of parameters from A to B has `max F >= level`, hence `gap(A, B) >= gap`.

    output_layer: as in `SignCountBarrier`.

    around: the network, "A" or "B", that lies inside, in part `start` of a partition into products of cones; the other one lies in part `goal`, or
    differs in a sign (-1). signs, directions, tree, inside: the partition, and which parts are inside. faces: ways out, each with the dual that bars
    it. less_positive, less_negative: partitions of all networks without one positive, or one negative neuron, and of_less: the dual of each of their
    parts; None where `faces` say what bars such a neuron's ways to 0. nu, slopes, pulls: the duals (docs/certificate-v2.md, `cone_barrier`).
    """

    name: str
    output_layer: str
    around: str
    level: float
    gap: float
    start: int
    goal: int
    signs: np.ndarray
    directions: np.ndarray
    tree: np.ndarray
    inside: np.ndarray
    faces: np.ndarray
    less_positive: np.ndarray | None
    less_negative: np.ndarray | None
    of_less: np.ndarray
    nu: np.ndarray
    slopes: np.ndarray
    pulls: np.ndarray

    @property
    def less(self) -> list[tuple[int, np.ndarray]]:
        """(sign, tree) for each sign whose neurons' ways to 0 are barred all at once."""
        both = (1, self.less_positive), (-1, self.less_negative)
        return [(sign, tree) for sign, tree in both if tree is not None]

    def sentence(self, problem: Problem) -> str:
        return (
            f"barrier {quoted(self.name)}: every path {of_paths(self.output_layer)} from A to B reaches F >= {self.level!r}, "
            f"at least {self.gap!r} over E = max(F(A), F(B))"
        )


def validate_cone_barrier(problem: Problem, claim: ConeBarrier) -> None:
    """Reject claims outside the theorem, and arrays that do not fit."""
    m = require_barrier_scope(problem, "cone_barrier", claim.output_layer)
    require_name(claim.name)
    N = len(problem.X)
    require(claim.around in ("A", "B"), "around names neither A nor B")
    n, parts, duals = last_rows(problem.A).shape[1], len(claim.inside), len(claim.nu)
    require(m * n <= COORDINATES, f"the neurons have more than {COORDINATES} coordinates")
    require_array(claim.signs, "signs", np.int64, (m,))
    require(bool((np.abs(claim.signs) == 1).all()), "a sign is neither 1 nor -1")
    require_array(claim.directions, "directions", np.float64, (n, n))
    require_list(claim.tree, "tree")
    # Before anything is made of the tree: its parts are as many as are said to be inside or not, and none is deeper than the tree of a search.
    require(0 < parts == int((claim.tree == -1).sum()), "every part of the tree is inside or not")
    require(len(claim.tree) <= MOST_CUTS, "the tree is too large")
    require_array(claim.inside, "inside", np.int64, (parts,))
    require(bool(((claim.inside == 0) | (claim.inside == 1)).all()), "a part is neither inside nor outside")
    within = int(claim.inside.sum())
    require(within * (parts - within) <= MOST_PAIRS, "too many pairs of parts")
    require(type(claim.start) is int and 0 <= claim.start < parts, "start names no part")
    require(bool(claim.inside[claim.start] == 1), "the part that holds the first network is not inside")
    require(type(claim.goal) is int and -1 <= claim.goal < parts, "goal names no part")
    require(claim.goal == -1 or bool(claim.inside[claim.goal] == 0), "the part that holds the other network is inside")
    require_array(claim.faces, "faces", np.int64, (len(claim.faces), 3))
    inner, outer, dual = claim.faces.T
    require(bool(((inner >= 0) & (inner < parts)).all()), "a face names no part")
    require(bool(((outer >= -m) & (outer < parts)).all()), "a face names no part and no neuron")
    require(bool(((dual >= 0) & (dual < duals)).all()), "a face names no dual")
    for sign, tree in claim.less:
        require_list(tree, "a tree of networks without a neuron")
        require(len(tree) <= MOST_CUTS, "a tree of networks without a neuron is too large")
        require(sign in claim.signs, "no neuron has the sign of the one left out")
    require_array(claim.of_less, "of_less", np.int64, (sum(int((tree == -1).sum()) for _, tree in claim.less),))
    require(bool(((claim.of_less >= 0) & (claim.of_less < duals)).all()), "a part without a neuron names no dual")
    require_duals((claim.nu, claim.slopes, claim.pulls), duals, m, N, n)
    require_number(claim.level, "the level")
    require_number(claim.gap, "the gap")

"""Claims about one path: the moves it is made of, what kind of path each of them is, and the bound of F along it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from verifier.kernel.statements.kept import OUTPUT_LAYERS, keeps_below, keeps_output, kept_layers
from verifier.kernel.statements.problem import Parameters, Problem, columns_of, columns_per_neuron
from verifier.kernel.statements.refusal import (
    quoted,
    require,
    require_array,
    require_finite,
    require_name,
    require_number,
)

KINDS = ("idle", "transfer", "head", "chord", "rescale")
FORMS = ("literal", "balanced")
# Factors of a rescaling: far enough from the ends of float64 that no product of one with a parameter needs care of its own.
LARGEST_FACTOR = 2.0**500


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
    """From the current vertex v to the vertex w after all `writes`; `kind` says along which path, and the kernel checks that it is one.

    "idle", "transfer", "head", "chord": the straight segment from v to w.
      idle      every changed entry feeds a neuron that is unheard at v and at w together: the outputs are constant
      transfer  pairs of neurons with identical incoming weights hand over their outgoing weights: the outputs are constant
      head      beyond idle changes only the last layer changes: the outputs are affine
      chord     no more is said: bounded by the chord lemma
    "rescale": one hidden layer; neuron i goes along (c_i^t wt_i, theta_i / c_i^t), t from 0 to 1, and then along the straight segment from
      the end of that curve to w.

    breakpoints: of a chord, strictly increasing floats in (0, 1), or None: where the chord lemma is applied piece by piece.
    transfer: of a transfer, (p, 2) int64 pairs (from, to) in hidden layer `transfer_layer`. factors: of a rescaling, (m,) numbers c_i > 0.
    """

    kind: str
    writes: tuple[Write, ...]
    breakpoints: np.ndarray | None = None
    transfer: np.ndarray | None = None
    transfer_layer: int | None = None
    factors: np.ndarray | None = None


@dataclass(frozen=True)
class PathUpperBound:
    """The path from A through `moves` ends in B, or in B with its hidden neurons permuted, and all along it `F <= sup`, `F - E <= gap` with
    E = max(F(A), F(B)), `F - min(F(A), F(B)) <= gap_over_lower`, and, when a level is given, `F - level <= gap_over_level`.

    form: "literal": the path is the stored one. "balanced", for weight decay only: the path is the image of the stored one under the balancing
        map (every neuron rescaled to |wt_i| = |theta_i|_2), joined to A and to its last vertex by rescalings.
    output_layer: "frozen": every point has A's output layer, weights and bias, so that the path is one among those that keep it, and ends in B
        itself. "trained": no more than the moves say. With several hidden layers either one " above frozen layers": all of these but the last are
        moreover A's at every point.
    permutation: per hidden layer an (n_l,) int64 permutation p_l, or None for B itself: neuron k of the last vertex is neuron p_l[k] of B.
    """

    path: str
    moves: tuple[Move, ...]
    sup: float
    gap: float
    gap_over_lower: float
    level: float | None = None
    gap_over_level: float | None = None
    form: str = "literal"
    permutation: tuple[np.ndarray, ...] | None = None
    output_layer: str = "trained"

    def along(self, problem: Problem) -> str:
        """Which path is bounded, in words."""
        curves = any(m.kind == "rescale" for m in self.moves)
        words = "straight segments and curves of scalings" if curves else "straight segments"
        if self.form == "balanced":
            words = f"the image of {words} under the balancing map, joined to both ends by rescalings"
        elif problem.objective.penalty == "weight_decay":
            words += ", weight decay as it is"
        kept = kept_layers(self.output_layer)
        return words + (f", {kept} of A and B kept" if kept else "")

    @property
    def end(self) -> str:
        return "B" if self.permutation is None else "B with its hidden neurons permuted"

    def sentence(self, problem: Problem) -> str:
        over = "" if self.level is None else f", and at most {self.gap_over_level!r} over the level {self.level!r}"
        return (
            f"path {quoted(self.path)} from A to {self.end} ({self.along(problem)}): F <= {self.sup!r} all along it, "
            f"and at most {self.gap!r} over E = max(F(A), F(B)){over}"
        )


def validate_path(problem: Problem, claim: PathUpperBound) -> None:
    """Reject unknown kinds and forms, fields that do not belong to them, and numbers that are none. Writes are checked where they are applied."""
    o, hidden = problem.objective, [len(W) for W in problem.A.weights[:-1]]
    require_name(claim.path)
    for name in ("sup", "gap", "gap_over_lower"):
        require_number(getattr(claim, name), name)
    require((claim.level is None) == (claim.gap_over_level is None), "a level and a gap over it go together")
    if claim.level is not None and claim.gap_over_level is not None:
        require(type(claim.level) is float and bool(np.isfinite(claim.level)), "the level must be finite")
        require_number(claim.gap_over_level, "gap_over_level")
    require(claim.form in FORMS, f"unknown form {claim.form!r}")
    require(claim.output_layer in OUTPUT_LAYERS, "output_layer is neither trained nor frozen")
    free, below = claim.output_layer == "trained", keeps_below(claim.output_layer)
    require(free or claim.form == "literal", "the balancing map moves the output layer, which is said to be kept")
    require(
        free or claim.permutation is None, "B with its neurons permuted has other layers, which are said to be kept"
    )
    require(not below or len(hidden) > 1, "with one hidden layer there is none below the last one to be kept")
    require(claim.form == "literal" or o.penalty == "weight_decay", "only weight decay has a balanced form")
    if claim.permutation is not None:
        require(len(claim.permutation) == len(hidden), "a permutation is missing, or one too many")
        for p, n in zip(claim.permutation, hidden):
            require_array(p, "a permutation", np.int64, (n,))
            require(bool((np.sort(p) == np.arange(n)).all()), "a permutation does not name every neuron once")
    require(type(claim.moves) is tuple, "moves must be a tuple")
    for move in claim.moves:
        _validate_move(move, hidden, problem.shallow)
        written = {w.layer for w in move.writes} | ({1, len(hidden) + 1} if move.kind == "rescale" else set())
        require(
            not keeps_output(claim.output_layer) or len(hidden) + 1 not in written,
            "a move changes the output layer, which is said to be kept",
        )
        require(
            not below or min(written, default=len(hidden)) >= len(hidden),
            "a move changes a hidden layer below the last one, which are said to be kept",
        )


def _validate_move(move: Move, hidden: list[int], shallow: bool) -> None:
    require(move.kind in KINDS, f"unknown kind of move {move.kind!r}")
    require(move.breakpoints is None or move.kind == "chord", "only a chord has breakpoints")
    transfer = move.kind == "transfer"
    require((move.transfer is not None) == transfer, "pairs belong to a transfer, and to no other move")
    require((move.transfer_layer is not None) == transfer, "a layer belongs to a transfer, and to no other move")
    require(
        (move.factors is not None) == (move.kind == "rescale"), "factors belong to a rescaling, and to no other move"
    )
    if move.transfer is not None:
        l, pairs = move.transfer_layer, move.transfer
        require(type(l) is int and 1 <= l <= len(hidden), "a transfer names a layer that is not hidden")
        require(type(pairs) is np.ndarray and pairs.ndim == 2 and len(pairs) > 0, "a transfer needs pairs")
        require_array(pairs, "transfer pairs", np.int64, (len(pairs), 2))
        require(
            bool((pairs >= 0).all() and (pairs < hidden[(l or 1) - 1]).all()),
            "a transfer names a neuron that is not there",
        )
        require(np.unique(pairs).size == pairs.size, "a neuron is in two transfer pairs")
    if move.factors is not None:
        require(shallow, "a rescaling is defined for one hidden layer")
        require_array(move.factors, "factors", np.float64, (hidden[0],))
        inside = (move.factors > 1.0 / LARGEST_FACTOR) & (move.factors < LARGEST_FACTOR)
        require(bool(inside.all()), "a factor of a rescaling is not positive, or beyond 2^500")


def permuted(p: Parameters, permutation: tuple[np.ndarray, ...] | None) -> Parameters:
    """The same function with hidden neuron k of layer l being p's neuron permutation[l - 1][k]."""
    if permutation is None:
        return p
    weights, biases = [], []
    for l, (W, b) in enumerate(zip(p.weights, p.biases)):
        columns = W if l == 0 else W[:, columns_of(permutation[l - 1], columns_per_neuron(p, l + 1))]
        rows = slice(None) if l == len(permutation) else permutation[l]
        weights.append(columns[rows])
        biases.append(None if b is None else b[rows])
    return Parameters(tuple(weights), tuple(biases))


def apply_writes(p: Parameters, move: Move) -> Parameters:
    """The vertex after a move; unwritten arrays are shared. Rejects writes outside the arrays, repeated indices and non-finite values."""
    weights, biases = list(p.weights), list(p.biases)
    for w in move.writes:
        require(type(w.layer) is int and 1 <= w.layer <= len(weights), "a write names a layer that is not there")
        require(w.part in ("weight", "bias"), "a write names neither weight nor bias")
        old = weights[w.layer - 1] if w.part == "weight" else biases[w.layer - 1]
        require(old is not None, "a write names a bias that is not there")
        assert old is not None  # for the type checker; `require` above decides
        require(
            type(w.axis) is int and w.axis in (0, 1) and w.axis < old.ndim, "a write names an axis that is not there"
        )
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

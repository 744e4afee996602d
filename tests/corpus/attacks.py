"""What readers of the first format made the kernel confirm, and its siblings; beside each attack the true statement nearest to it.

Kinds: a shortcut of one mode used in another (frozen output layers), an empty list that satisfies everything, a path other than the stored one,
a normal form taken for the objective, a number that nobody checks, and true statements that one evaluation refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from verifier.kernel import EndpointValue, HeadOptimum, Move, Objective, Parameters, PathUpperBound, Problem, Write
from verifier.kernel.statements import BarrierLowerBound, JacobianRank, permuted

from .landscape import barrier, floats, ints, region
from .small import (
    Case,
    chord,
    endpoints,
    everything,
    full,
    halves,
    head_claim,
    loose_path,
    named,
    net,
    path_claim,
    random_problem,
)

HUGE = 2.0**40
SQUARED = Objective("squared", None, 0.0, "none", False)


# --- frozen output layers ------------------------------------------------------------------------------------------------


def frozen_zero_row(penalty: str = "none", **change: Any) -> Case:
    """theta = (1, 1) frozen, rows A (0, 1), B (0, -1): a neuron whose row is 0 at both ends may leave 0, and then helps. Its code is said to be
    negative. With it as it is, F passes 1 where the other row is 0; true paths stay below 1/2 + 1/10^6, as neuron 0 takes over first."""
    kappa = 0.0 if penalty == "none" else 0.125
    o = Objective("squared", None, kappa, penalty, False)
    A, B = net([[0.0], [1.0]], [[1.0, 1.0]]), net([[0.0], [-1.0]], [[1.0, 1.0]])
    p = Problem(o, floats([1.0], [-1.0]), floats([1.0], [1.0]), A, B)
    # Patterns: active on sample 0 (code 0, 1), on sample 1 (code 2, 3); odd codes are negative.
    wrong, other = 1, 3
    claim = BarrierLowerBound(
        name="frozen", around="A", output_layer="frozen", level=0.99, gap=0.0, patterns=ints([1, 0], [0, 1]), interiors=floats([1.0], [-1.0]),
        redundant=np.zeros((0, 2), dtype=np.int64), supports=np.zeros((0, 0), dtype=np.int64), cells=ints([wrong, 0], [other, 0]), inside=0,
        outside=ints(wrong, 2), faces=ints([0, wrong], [0, other]), facets=ints(0, 0), nu=floats([-2.0, -2.0], [-2.0, -2.0]),
        multipliers=floats([-1.0, 0.0, 1.0, 0.0], [-1.0, 0.0, 0.0, 1.0]), basis=np.zeros((2, 0), dtype=np.int64),
    )  # fmt: skip
    return Case(p, [replace(claim, **change)])


# --- empty supports ------------------------------------------------------------------------------------------------------


def redundant_with_empty_support() -> Case:
    """X = 1, 2, y = 1, 10, A = relu(9x - 8), B = relu(20x - 30): the facet of sample 0 is said to be redundant with a support of nothing."""
    p = Problem(
        SQUARED,
        floats([1.0], [2.0]),
        floats([1.0], [10.0]),
        net([[9.0]], [[1.0]], biases=[[-8.0], None]),
        net([[20.0]], [[1.0]], biases=[[-30.0], None]),
    )
    claim = BarrierLowerBound(
        name="empty", around="A", output_layer="trained", level=50.0, gap=0.0, patterns=ints([1, 1], [0, 1]), interiors=floats([9.0, -8.0], [20.0, -30.0]),
        redundant=ints([0, 0], [0, 1]), supports=ints([-1], [-1]), cells=ints([0]), inside=0, outside=ints(2), faces=ints([-1]), facets=ints(-1),
        nu=floats([-2.0, -20.0]), multipliers=floats([0.0, 0.0]), basis=np.zeros((1, 0), dtype=np.int64),
    )  # fmt: skip
    return Case(p, [claim])


# --- which path ----------------------------------------------------------------------------------------------------------


def line_to_a_rescaling() -> Problem:
    """B is A with its first neuron scaled by 2^10 and its second by 2^-10: the same function, and F is far above 0 half-way on the line."""
    A = net([[1.0], [1.0]], [[2.0**10, -(2.0**10) + 1.0]])
    c = np.array([2.0**10, 2.0**-10])
    B = Parameters((A.weights[0] * c[:, None], A.weights[1] / c), (None, None))
    return Problem(SQUARED, floats([1.0]), floats([1.0]), A, B)


def curve(p: Problem, factors: Any) -> Move:
    return Move("rescale", everything(p.B), factors=np.array(factors, dtype=np.float64))


def decaying(form: str = "literal") -> tuple[Problem, tuple[Move, ...]]:
    """Weight decay: an idle neuron's row goes to 2^10 and back; F as it is passes 2^19 kappa, its balanced form never moves."""
    A = net([[1.0], [0.0]], [[1.0, 0.0]])
    p = Problem(Objective("squared", None, 0.125, "weight_decay", False), floats([1.0]), floats([1.0]), A, A)
    away = Move("idle", (Write(1, "weight", 0, np.array([1]), floats([2.0**10])),))
    back = Move("idle", (Write(1, "weight", 0, np.array([1]), floats([0.0])),))
    return p, (away, back)


def decay_claim(form: str, sup: float) -> Case:
    p, moves = decaying()
    return Case(p, [PathUpperBound("path", moves, sup, sup, sup, form=form)])


def to_a_permuted_copy(order: list[int], said: Any) -> Case:
    p = random_problem(31, "squared", "path")
    end = replace(p, B=permuted(p.B, (np.array(order),)))
    claim = path_claim(end, "path", chord(end, 6))
    return Case(p, [*endpoints(p), replace(claim, permutation=said)])


def to_a_copy_without_a_neuron() -> Case:
    """One neuron of B twice and another not at all: no longer B's function."""
    p, order = random_problem(31, "squared", "path"), (np.array([2, 0, 3, 3]),)
    moves = chord(replace(p, B=permuted(p.B, order)), 6)
    return Case(p, [loose_path(p, moves, HUGE, HUGE, HUGE, permutation=order)])


def keeping_the_head(kept: bool, **change: Any) -> Case:
    """Only rows move; or the head moves along."""
    p = random_problem(32, "logistic", "path")
    B = Parameters((p.B.weights[0], p.A.weights[1] if kept else p.B.weights[1]), (p.B.biases[0], p.A.biases[1]))
    p = replace(p, B=B)
    writes = tuple(w for w in everything(p.B) if not kept or w.layer == 1)
    moves = named(p.A, (Move("?", writes, np.arange(1, 6) / 6),))
    return Case(p, [replace(path_claim(p, "path", moves), output_layer="frozen", **change)])


def keeping_what_is_below(word: str, *layers: int, permutation: Any = None) -> Case:
    """Two hidden layers; B differs from A in these layers (from 1), and the path is the straight segment."""
    A = net([[1.0], [-1.0]], [[1.0, 0.5], [0.5, 1.0]], [[1.0, -1.0]])
    B = replace(A, weights=tuple(2.0 * W if l in layers else W for l, W in enumerate(A.weights, start=1)))
    p = Problem(SQUARED, floats([1.0], [-1.0]), floats([1.0], [0.0]), A, B)
    moves = named(A, (Move("?", tuple(Write(l, "weight", 0, None, B.weights[l - 1]) for l in layers)),))
    return Case(p, [replace(path_claim(p, "path", moves), output_layer=word, permutation=permutation)])


def keeping_a_head_of_two(permutation: Any = None, **move: Any) -> Case:
    """B is A with its first row four times as long, or with its neurons swapped, their heads with them."""
    A = net([[1.0, 0.0], [0.0, 1.0]], [[1.0, 2.0]])
    B = permuted(A, permutation) if permutation else replace(A, weights=(floats([4.0, 0.0], [0.0, 1.0]), A.weights[1]))
    p = Problem(SQUARED, floats([1.0, 0.0], [0.0, 1.0]), floats([1.0], [1.0]), A, B)
    moves = () if permutation else (Move("chord", (Write(1, "weight", 0, None, B.weights[0]),), **move),)
    claim = PathUpperBound("path", moves, HUGE, HUGE, HUGE, output_layer="frozen", permutation=permutation)
    return Case(p, [replace(claim, moves=tuple(replace(m, kind="rescale") for m in moves)) if move else claim])


def rank_of_two_outputs() -> Case:
    """One row and one input: the Jacobian of two outputs has rank 1 of 2."""
    A = net([[1.0]], [[1.0], [2.0]])
    p = Problem(SQUARED, floats([1.0]), floats([0.0, 0.0]), A, A)
    return Case(p, [JacobianRank("rank", True, ints([1]), floats(0.0), np.zeros(0, dtype=np.int64))])


def a_face_more(repeated: bool, **change: Any) -> Case:
    """A barrier with one more face, of worthless dual: a way out that is none, or a face that is there already."""
    case = barrier()
    claim = case.claims[0]
    face, facet = (claim.faces[1], claim.facets[1]) if repeated else (ints(1), ints(0)[0])
    more = {
        "faces": face,
        "facets": facet,
        "nu": floats(0.0, 0.0),
        "multipliers": floats(0.0, 0.0),
        "basis": np.zeros(0, dtype=np.int64),
    }
    rows = {name: np.concatenate([getattr(claim, name), np.asarray(row)[None]]) for name, row in more.items()}
    return Case(case.problem, [replace(claim, **rows, **change)])


def said(kind: str, **fields: Any) -> Case:
    """A straight line through changes of all layers, called something else."""
    p = random_problem(33, "squared", "none")
    return Case(p, [loose_path(p, (Move(kind, everything(p.B), **fields),), HUGE, HUGE, HUGE)])


def rescaled(factors: Any, **change: Any) -> Case:
    p = random_problem(34, "squared", "path")
    c = np.array([2.0, 0.5, 4.0, 1.0])
    p = replace(p, B=Parameters((p.A.weights[0] * c[:, None], p.A.weights[1] / c), (p.A.biases[0] * c, p.A.biases[1])))
    p = replace(p, **change) if change else p
    return Case(p, [loose_path(p, (curve(p, factors),), HUGE, HUGE, HUGE)])


# --- weights of samples --------------------------------------------------------------------------------------------------


def weighted(p: Problem) -> Problem:
    return replace(p, weights=np.array([0.0, 0.25, 3.0, 1.0, 1.0, 0.5]))


def weighted_endpoint(**change: Any) -> Case:
    """Losses 0, 1, 4 with weights 1, 0, 1/2: F = 4/3, the plain mean 5/3."""
    A = net([[1.0]], [[1.0]])
    p = Problem(SQUARED, floats([1.0], [1.0], [2.0]), floats([1.0], [0.0], [0.0]), A, A, 0.0, floats(1.0, 0.0, 0.5))
    return Case(p, [replace(EndpointValue("A", 1.3125, 1.34375), **change)])


def weighted_head(scale: float = 1.0) -> Case:
    """Room for |sum_j w_j nu_j z_j| <= kappa r sum_j w_j: weights of 4 pull four times as hard."""
    v = net([[1.0]], [[0.5]])
    p = Problem(
        Objective("squared", None, 0.5, "l1", False),
        floats([1.0], [1.0]),
        floats([1.0], [1.0]),
        v,
        v,
        0.0,
        floats(4.0, 1.0),
    )
    nu = floats([-0.5], [-0.5]) * scale
    return Case(p, [HeadOptimum("h", v.weights[0], None, floats([0.5]), None, nu, None, 0.0, 0.53125)])


# --- regions -------------------------------------------------------------------------------------------------------------


def region_with_bias(**change: Any) -> Case:
    """f = relu(x) + 1 fits y = 2 at x = 1 exactly; without its output bias the region would have to reach 2."""
    case = region(1.0)
    v = net([[1.0]], [[1.0]], biases=[None, [1.0]])
    p = replace(case.problem, A=v, B=v, targets=floats([2.0]))
    return Case(p, [replace(case.claims[0], **{"bias": 1.0, **change})])


def region_with_an_input_zero(verdict: str, **change: Any) -> Case:
    v = net([[1.0]], [[1.0]])
    p = Problem(SQUARED, floats([1.0], [0.0]), floats([1.0], [0.0]), v, v)
    claim = region(1.0).claims[0]
    more = {
        "pattern": ints([1, 0]),
        "nu": floats(0.0, 0.0),
        "multipliers": floats([0.0, 0.0]),
        "verdict": verdict,
        **change,
    }
    return Case(p, [replace(claim, **more)])


# --- completeness --------------------------------------------------------------------------------------------------------


def zero_loss_that_cancels() -> Case:
    """f = u - u = 0 exactly, u a product of three numbers that take 159 bits together."""
    u = 1.0 + 2.0**-52
    v = net([[u], [u]], [[u, -u]])
    return Case(Problem(SQUARED, floats([u]), floats([0.0]), v, v), [EndpointValue("A", 0.0, 2.0**-80)])


def head_on_a_silent_row() -> Case:
    """A row that is active nowhere has a constraint of exactly 0, also without a penalty."""
    v = net([[1.0], [-1.0]], [[0.5, 0.0]])
    p = Problem(SQUARED, floats([1.0], [1.0]), floats([1.0], [-1.0]), v, v)
    nu = floats([-1.0], [1.0])
    return Case(p, [HeadOptimum("h", v.weights[0], None, floats([0.0, 0.0]), None, nu, None, 0.734375, 1.015625)])


def head_that_cancels_exactly() -> Case:
    """sum_j nu_j z_j = 0 without any z_j or nu_j being 0, with norms that are whole numbers."""
    v = net([[3.0], [4.0]], [[0.0, 0.0]])
    p = Problem(
        Objective("squared", None, 0.25, "path", False), floats([1.0], [1.0], [1.0]), floats([1.0], [1.0], [1.0]), v, v
    )
    nu = floats([-0.25], [-0.25], [-0.25])
    return Case(p, [HeadOptimum("h", v.weights[0], None, floats([0.0, 0.0]), None, nu, None, 0.21875, 1.015625)])


CORRECT: dict[str, Callable[[], Case]] = {
    "frozen-path-that-keeps-the-output-layer": lambda: keeping_the_head(True),
    "deep-path-that-keeps-the-layer-below": lambda: keeping_what_is_below("trained above frozen layers", 2, 3),
    "deep-path-that-keeps-all-but-one-layer": lambda: keeping_what_is_below("frozen above frozen layers", 2),
    "deep-path-that-keeps-the-output-layer": lambda: keeping_what_is_below("frozen", 1, 2),
    "frozen-chord-of-one-row": lambda: keeping_a_head_of_two(),
    "barrier-with-a-face-that-is-no-way-out": lambda: a_face_more(False),
    "barrier-with-a-face-twice-the-worse-last": lambda: a_face_more(True),
    "rescaling-said-to-be-one": lambda: along_the_curve([2.0**10, 2.0**-10], 2.0**-60),
    "line-to-a-rescaling-as-a-line": lambda: full(line_to_a_rescaling(), chord(line_to_a_rescaling(), 32)),
    "rescaling-under-the-path-penalty": lambda: rescaled([2.0, 0.5, 4.0, 1.0]),
    "weight-decay-as-it-is-on-idle-moves": lambda: decay_claim("literal", 2.0**17),
    "weight-decay-balanced-on-idle-moves": lambda: decay_claim("balanced", 0.25),
    "weight-decay-as-it-is-on-a-chord": lambda: literal(chord),
    "weight-decay-as-it-is-on-halves": lambda: literal(halves),
    "path-to-a-permuted-copy-of-B": lambda: to_a_permuted_copy([2, 0, 3, 1], (np.array([2, 0, 3, 1]),)),
    "weighted-endpoint": weighted_endpoint,
    "weighted-chord": lambda: full(weighted(random_problem(35, "logistic", "path")), chord(random_problem(35, "logistic", "path"), 8)),
    "weighted-halves": lambda: full(weighted(random_problem(36, "huber", "l1")), halves(random_problem(36, "huber", "l1"))),
    "weighted-head": weighted_head,
    "region-of-a-network-with-its-bias": region_with_bias,
    "region-of-a-pattern-with-a-bias-of-its-own": lambda: region_with_bias(of="pattern", bias=1.0),
    "region-with-an-input-0": lambda: region_with_an_input_zero("zero"),
    "zero-loss-that-cancels": zero_loss_that_cancels,
    "head-on-a-silent-row-for-all-heads": head_on_a_silent_row,
    "head-with-a-constraint-met-with-equality": head_that_cancels_exactly,
    "region-interval-with-an-exact-upper-end": lambda: region(-1.0, verdict="interval", lower=0.0, upper=1.0),
}  # fmt: skip


def along_the_curve(factors: list[float], bound: float) -> Case:
    p = line_to_a_rescaling()
    return Case(p, [PathUpperBound("path", (curve(p, factors),), bound, bound, bound)])


def first_moves(kind: int) -> Case:
    """A chord (0), or half of the neurons at a time (1)."""
    p = random_problem(3, "squared", "path")
    return full(p, halves(p) if kind else chord(p, 4))


def head_beyond_its_limit() -> Case:
    p = random_problem(11, "squared", "path", biases=(True, False), kappa=2.0)
    claim = head_claim(p, np.full((1, 4), 0.25), None, np.zeros((6, 1)), 0.25)
    return Case(p, [replace(claim, head=np.full((1, 4), 0.5), upper=HUGE)])


def literal(make: Callable[..., tuple[Move, ...]]) -> Case:
    p = random_problem(34, "squared", "weight_decay")
    moves = make(p, 6) if make is chord else make(p)
    return Case(p, [*endpoints(p), path_claim(p, "path", moves, form="literal")])


def literal_at_its_balanced_bound(make: Callable[..., tuple[Move, ...]]) -> Case:
    p = random_problem(34, "squared", "weight_decay")
    moves = make(p, 6) if make is chord else make(p)
    return Case(p, [replace(path_claim(p, "path", moves, form="balanced"), form="literal")])


def biased_rescaling() -> Case:
    case = rescaled([2.0, 0.5, 4.0, 1.0])
    B = case.problem.B
    p = replace(case.problem, B=Parameters(B.weights, (B.biases[0], B.biases[1] + 1.0)))
    return Case(p, [loose_path(p, (curve(p, [2.0, 0.5, 4.0, 1.0]),), HUGE, HUGE, HUGE)])


def gap_without_a_level() -> Case:
    case = full(random_problem(1, "logistic", "none"), chord(random_problem(1, "logistic", "none"), 4))
    return Case(case.problem, [*case.claims[:-1], replace(case.claims[-1], level=None, gap_over_level=0.0)])


def with_weights(weights: Any) -> Case:
    return Case(replace(random_problem(3, "squared", "none"), weights=weights), [EndpointValue("A", 0.0, HUGE)])


def weighted_barrier() -> Case:

    case = barrier(gap=0.0)
    return Case(replace(case.problem, weights=floats(1.0, 0.0)), case.claims)


ORDER = np.array([2, 0, 3, 1])
REJECTED: dict[str, Callable[[], Case]] = {
    "frozen-zero-row-with-a-code-of-the-other-sign": lambda: frozen_zero_row(),
    "frozen-zero-row-with-a-code-of-the-other-sign-path-penalty": lambda: frozen_zero_row("path"),
    "frozen-path-that-moves-the-output-layer": lambda: keeping_the_head(False),
    "deep-path-that-moves-the-layer-below": lambda: keeping_what_is_below("trained above frozen layers", 1, 2),
    "deep-path-that-moves-the-layer-below-alone": lambda: keeping_what_is_below("trained above frozen layers", 1),
    "deep-path-frozen-that-moves-the-layer-below": lambda: keeping_what_is_below("frozen above frozen layers", 1, 2),
    "deep-path-frozen-above-that-moves-the-output-layer": lambda: keeping_what_is_below("frozen above frozen layers", 2, 3),
    "deep-path-above-frozen-layers-to-a-permuted-copy": lambda: keeping_what_is_below("trained above frozen layers", 2, permutation=(np.arange(2),) * 2),
    "shallow-path-above-frozen-layers": lambda: replace_last(keeping_the_head(True), output_layer="frozen above frozen layers"),
    "frozen-path-of-unknown-kind": lambda: replace_last(keeping_the_head(True), output_layer="thawed"),
    "frozen-path-with-a-rescaling": lambda: keeping_a_head_of_two(factors=floats(4.0, 1.0)),
    "frozen-path-to-a-permuted-copy": lambda: keeping_a_head_of_two((np.array([1, 0]),)),
    "rank-of-two-outputs": rank_of_two_outputs,
    "barrier-with-a-face-more-at-a-higher-level": lambda: a_face_more(False, level=1.5),
    "redundant-facet-with-an-empty-support": redundant_with_empty_support,
    "line-to-a-rescaling-bounded-as-a-curve": lambda: Case(line_to_a_rescaling(), [PathUpperBound("path", chord(line_to_a_rescaling(), 64), 1.0, 1.0, 1.0)]),
    "rescaling-by-other-factors": lambda: along_the_curve([1.0, 1.0], 1.0),
    "rescaling-by-a-negative-factor": lambda: rescaled([2.0, -0.5, 4.0, 1.0]),
    "rescaling-by-a-factor-0": lambda: rescaled([2.0, 0.0, 4.0, 1.0]),
    "rescaling-by-a-factor-beyond-range": lambda: rescaled([2.0, 0.5, 2.0**501, 1.0]),
    "rescaling-by-too-few-factors": lambda: rescaled([2.0]),
    "rescaling-by-whole-numbers": lambda: replace_move(rescaled([2.0, 0.5, 4.0, 1.0]), factors=np.array([2, 1, 4, 1])),
    "rescaling-without-factors": lambda: said("rescale"),
    "rescaling-that-moves-the-output-bias": biased_rescaling,
    "chord-said-to-be-idle": lambda: said("idle"),
    "chord-said-to-be-a-head-move": lambda: said("head"),
    "chord-said-to-be-a-transfer": lambda: said("transfer", transfer=ints([0, 1]), transfer_layer=1),
    "transfer-without-pairs": lambda: said("transfer"),
    "chord-with-factors": lambda: said("chord", factors=np.ones(4)),
    "chord-with-pairs": lambda: said("chord", transfer=ints([0, 1]), transfer_layer=1),
    "move-of-unknown-kind": lambda: said("layer"),
    "head-move-with-breakpoints": lambda: replace_move(first_moves(1), breakpoints=np.array([0.5])),
    "weight-decay-as-it-is-at-its-balanced-bound": lambda: decay_claim("literal", 0.25),
    "weight-decay-chord-at-its-balanced-bound": lambda: literal_at_its_balanced_bound(chord),
    "weight-decay-halves-at-their-balanced-bound": lambda: literal_at_its_balanced_bound(halves),
    "balanced-form-of-another-penalty": lambda: replace_last(first_moves(0), form="balanced"),
    "form-that-is-none": lambda: replace_last(literal(chord), form="normal"),
    "permutation-that-is-not-said": lambda: to_a_permuted_copy([2, 0, 3, 1], None),
    "permutation-of-another-order": lambda: to_a_permuted_copy([2, 0, 3, 1], (np.argsort(ORDER),)),
    "permutation-that-forgets-a-neuron": to_a_copy_without_a_neuron,
    "permutation-of-too-many-layers": lambda: to_a_permuted_copy([2, 0, 3, 1], (ORDER, np.array([0]))),
    "permutation-of-no-layer": lambda: to_a_permuted_copy([2, 0, 3, 1], ()),
    "gap-over-a-level-that-is-none": gap_without_a_level,
    "weights-below-0": lambda: with_weights(np.array([1.0, 1.0, 1.0, 1.0, 1.0, -1.0])),
    "weights-all-0": lambda: with_weights(np.zeros(6)),
    "weights-of-too-few-samples": lambda: with_weights(np.ones(5)),
    "weights-as-whole-numbers": lambda: with_weights(np.ones(6, dtype=np.int64)),
    "weighted-endpoint-as-a-plain-mean": lambda: weighted_endpoint(lower=1.65, upper=1.7),
    "weighted-head-whose-dual-forgets-the-weights": lambda: weighted_head(1.5),
    "weighted-barrier": weighted_barrier,
    "head-beyond-its-limit": head_beyond_its_limit,
    "head-interval-turned-round": lambda: replace_last(head_on_a_silent_row(), lower=1.0, upper=0.75),
    "region-of-A-without-its-bias": lambda: region_with_bias(bias=0.0, point=floats([2.0])),
    "region-of-A-with-another-head": lambda: region_with_bias(head=floats(2.0), point=floats([0.5])),
    "region-of-A-that-lies-elsewhere": lambda: region_with_bias(pattern=ints([0]), point=floats([-1.0]), verdict="interval", upper=1.0),
    "region-of-nobody": lambda: region_with_bias(of="C"),
    "region-zero-inside-where-an-input-is-0": lambda: region_with_an_input_zero("zero_inside"),
    "region-zero-that-is-not": lambda: region_with_an_input_zero("zero", point=floats([0.5])),
}  # fmt: skip


def replace_last(case: Case, **fields: Any) -> Case:
    return Case(case.problem, [*case.claims[:-1], replace(case.claims[-1], **fields)])


def replace_move(case: Case, **fields: Any) -> Case:
    """The last claim's first move with other fields."""
    claim = case.claims[-1]
    return replace_last(case, moves=(replace(claim.moves[0], **fields), *claim.moves[1:]))

"""Attacks on the mathematics: well-formed certificates whose claim is false or not established. Each function is one file."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np

from verifier.kernel import EndpointValue, HeadOptimum, Move, Objective, Parameters, Problem, Write

from . import (
    attacks,
    channels,
    cone_barrier,
    every_width,
    kept_layers,
    landscape,
    region_optimum,
    sign_count,
    subnetwork_head,
    violations,
    violations_papers,
    whole_landscape,
)
from .correct import deep_problem, exact_squares, head_with_free_bias, head_with_limit, head_without_limit
from .small import Case, chord, everything, full, halves, loose_path, net, path_claim, random_problem

ATTACKS: dict[str, Callable[[], Case]] = {}
HUGE = 2.0**40


def attack(make: Callable[[], Case]) -> Callable[[], Case]:
    ATTACKS[make.__name__.removeprefix("_").replace("_", "-")] = make
    return make


def claimed(case: Case, **change: object) -> Case:
    """The last claim with other fields."""
    return Case(case.problem, [*case.claims[:-1], replace(case.claims[-1], **change)])


def loose(p: Problem, moves: tuple[Move, ...]) -> Case:
    """A path claim so loose that only the path itself can be wrong."""
    return Case(p, [loose_path(p, moves, HUGE, HUGE, HUGE)])


def squares(A: Parameters, B: Parameters, loss: str = "squared", **o: object) -> Problem:
    """One sample x = 1, target 0."""
    objective = Objective(loss, None, float(o.get("kappa", 0.0)), str(o.get("penalty", "none")), False)
    return Problem(objective, np.ones((1, A.weights[0].shape[1])), np.zeros((1, 1)), A, B)


# --- claimed numbers -----------------------------------------------------------------------------------------------------


@attack
def gap_one_ulp_too_low() -> Case:
    return claimed(exact_squares(), gap=math.nextafter(3.0, 0.0))


@attack
def gap_zero_over_a_high_vertex() -> Case:
    return claimed(exact_squares(), gap=0.0)


@attack
def gap_negative() -> Case:
    return claimed(exact_squares(), gap=-3.0)


@attack
def gap_negative_by_the_smallest_float() -> Case:
    p = random_problem(2, "cross_entropy", "weight_decay", widths=(2, 4, 3))
    return claimed(full(p, halves(p)), gap=-5e-324)


@attack
def sup_one_ulp_too_low() -> Case:
    return claimed(exact_squares(), sup=math.nextafter(4.0, 0.0))


@attack
def sup_below_an_endpoint() -> Case:
    p = random_problem(2, "cross_entropy", "weight_decay", widths=(2, 4, 3))
    case = full(p, halves(p))
    return claimed(case, sup=case.claims[0].lower)


@attack
def gap_over_lower_is_the_gap_over_E() -> Case:
    case = exact_squares()
    return claimed(case, gap_over_lower=case.claims[-1].gap)


@attack
def level_gap_too_low() -> Case:
    return claimed(exact_squares(), level=1.0, gap_over_level=math.nextafter(3.0, 0.0))


@attack
def level_without_its_gap() -> Case:
    return claimed(exact_squares(), level=1.0, gap_over_level=None)


@attack
def endpoint_lower_one_ulp_too_high() -> Case:
    return Case(exact_squares().problem, [EndpointValue("A", math.nextafter(1.0, 2.0), 2.0)])


@attack
def endpoint_upper_one_ulp_too_low() -> Case:
    return Case(exact_squares().problem, [EndpointValue("B", 0.0, math.nextafter(0.25, 0.0))])


@attack
def endpoint_interval_turned_round() -> Case:
    return Case(exact_squares().problem, [EndpointValue("A", 2.0, 0.5)])


@attack
def endpoint_of_a_third_network() -> Case:
    return Case(exact_squares().problem, [EndpointValue("C", 0.0, HUGE)])


@attack
def endpoint_weight_decay_in_balanced_form() -> Case:
    """At an endpoint weight decay is literal: 1/2 (1 + 16), not |w| |theta| = 4."""
    A = net([[1.0]], [[4.0]])
    return Case(squares(A, A, penalty="weight_decay", kappa=1.0), [EndpointValue("A", 20.0, 20.0)])


@attack
def huge_times_denormal_off_by_ulps() -> Case:
    """Weights below 2^-1000 on data above 2^900: a radius computed from the weights alone underflows."""
    rng = np.random.default_rng(0)
    W = rng.integers(2**38, 2**42, size=(1, 30)) * 2.0**-1074
    A = Parameters((W, np.array([[1.0]])), (None, None))
    X = rng.random((1, 30)) * 2.0**1000
    o = Objective("absolute", None, 0.0, "none", False)
    p = Problem(o, X, np.zeros((1, 1)), A, A)
    value = float(sum(Fraction(a) * Fraction(b) for a, b in zip(X[0].tolist(), W[0].tolist())))
    return Case(p, [EndpointValue("A", math.nextafter(value, 1.0), math.nextafter(math.nextafter(value, 1.0), 1.0))])


# --- chords --------------------------------------------------------------------------------------------------------------


def hat(width: float, height: float = 1.0, at: float = 0.3) -> Problem:
    """Three moving rows make f(s) a hat of this width at s = `at`, and 0 elsewhere; f = 0 at both ends."""
    M = 2.0**30
    scale = height / (M * width)
    A = net([[-M * (at + k * width)] for k in range(3)], [[scale, -2 * scale, scale]])
    B = net([[M * (1.0 - at - k * width)] for k in range(3)], [[scale, -2 * scale, scale]])
    return squares(A, B)


@attack
def spike_between_breakpoints() -> Case:
    p = hat(2.0**-30)
    return Case(p, [loose_path(p, chord(p, 16), 0.5, 0.5, 0.5)])


@attack
def spike_without_breakpoints() -> Case:
    p = hat(2.0**-20)
    return Case(p, [loose_path(p, chord(p, 1), 0.5, 0.5, 0.5)])


@attack
def spike_bracketed_and_claimed_below_its_top() -> Case:
    p = hat(2.0**-20)
    cuts = np.array([0.3, 0.3 + 2.0**-20, 0.3 + 2.0**-19])
    return Case(p, [loose_path(p, (Move("chord", everything(p.B), cuts),), 0.96875, 1.0, 1.0)])


@attack
def product_peak_between_zero_ends() -> Case:
    """f = (4s)(1 - s): 0 at both ends, 1 in the middle, and no kink."""
    p = squares(net([[0.0]], [[1.0]]), net([[4.0]], [[0.0]]))
    return Case(p, [loose_path(p, chord(p, 1), 0.96875, 0.96875, 0.96875)])


@attack
def penalty_peak_on_a_chord() -> Case:
    """Row norm 1 -> 3, head 5 -> 1: the path penalty is 5, 6, 3 on the way."""
    A, B = net([[1.0]], [[5.0]]), net([[3.0]], [[1.0]])
    p = squares(A, B, penalty="path", kappa=1.0)
    return Case(replace(p, X=np.zeros((1, 1))), [loose_path(p, chord(p, 1), 5.9375, 0.9375, 3.0)])


@attack
def sampled_maximum_of_a_chord() -> Case:
    """The largest value at the breakpoints, claimed for the whole chord."""
    p = random_problem(1, "logistic", "none")
    tight = path_claim(p, "path", chord(p, 64))
    return Case(p, [loose_path(p, chord(p, 8), tight.sup - 2.0**-12, tight.gap, tight.gap_over_lower)])


@attack
def nan_by_overflow_in_the_forward_pass() -> Case:
    A = net([[2.0**1000, 2.0**1000]], [[1.0]])
    p = replace(squares(A, A), X=np.array([[2.0**1000, -(2.0**1000)]]))
    return Case(p, [EndpointValue("A", 1.0, 1.7e308)])


# --- breakpoints ---------------------------------------------------------------------------------------------------------


def cut_at(*cuts: float) -> Case:
    p = random_problem(1, "logistic", "none")
    return loose(p, (Move("chord", everything(p.B), np.array(cuts)),))


for name, cuts in {
    "breakpoints-not-increasing": (0.5, 0.25), "breakpoint-twice": (0.5, 0.5), "breakpoint-zero": (0.0, 0.5),
    "breakpoint-one": (0.5, 1.0), "breakpoint-negative": (-0.5, 0.5), "breakpoint-beyond-one": (0.5, 1.5),
}.items():  # fmt: skip
    ATTACKS[name] = lambda cuts=cuts: cut_at(*cuts)


@attack
def breakpoints_in_a_matrix() -> Case:
    p = random_problem(1, "logistic", "none")
    return loose(p, (Move("chord", everything(p.B), np.array([[0.25], [0.5]])),))


@attack
def breakpoints_as_integers() -> Case:
    p = random_problem(1, "logistic", "none")
    return loose(p, (Move("chord", everything(p.B), np.array([0])),))


# --- where a path goes ---------------------------------------------------------------------------------------------------


@attack
def path_misses_B_by_one_ulp() -> Case:
    p = random_problem(3, "squared", "path")
    B = Parameters((p.B.weights[0], np.nextafter(p.B.weights[1], 9.0)), p.B.biases)
    return loose(p, chord(replace(p, B=B), 4))


@attack
def path_misses_a_bias_of_B() -> Case:
    p = random_problem(3, "squared", "path")
    return loose(p, (Move("chord", everything(p.B)[:3]),))


@attack
def path_that_never_leaves_A() -> Case:
    return loose(random_problem(3, "squared", "path"), ())


@attack
def path_ends_in_a_permuted_copy_of_B() -> Case:
    p = random_problem(3, "squared", "path")
    (W, theta), (b, c) = p.B.weights, p.B.biases
    return loose(p, chord(replace(p, B=Parameters((W[::-1].copy(), theta[:, ::-1].copy()), (b[::-1].copy(), c))), 4))


# --- moves that look constant --------------------------------------------------------------------------------------------


@attack
def idle_neuron_alive_at_end() -> Case:
    """The row of a silent neuron moves while its outgoing weight wakes up: f peaks in between."""
    p = squares(net([[8.0]], [[0.0]]), net([[0.0]], [[1.0]]))
    return Case(p, [loose_path(p, chord(p, 1), 1.0, 0.0, 1.0)])


@attack
def idle_neuron_alive_at_start() -> Case:
    p = squares(net([[0.0]], [[1.0]]), net([[8.0]], [[0.0]]))
    return Case(p, [loose_path(p, chord(p, 1), 1.0, 0.0, 1.0)])


def turning_neuron(slope: float = 0.0) -> Problem:
    """Two samples at 1 and -1 see one neuron turn through a second layer: mean |f - 1| is 1/2 at both ends and 1 half-way, with ReLU."""
    A, B = (net([[w]], [[1.0]], [[1.0]]) for w in (1.0, -1.0))
    o = Objective("absolute", None, 0.0, "none", False)
    return Problem(o, np.array([[1.0], [-1.0]]), np.ones((2, 1)), A, B, slope)


@attack
def layer_move_without_its_peak() -> Case:
    p = turning_neuron()
    return Case(p, [loose_path(p, chord(p, 1), 0.5, 0.0, 0.0)])


@attack
def cut_layer_move_without_its_peak() -> Case:
    p = turning_neuron()
    return Case(p, [loose_path(p, chord(p, 4), 0.9375, 0.4375, 0.4375)])


@attack
def deep_straight_line_without_its_peak() -> Case:
    """All layers change; f = w v t with w 1 -> 4 and t 4 -> 1: the product rises to 25 between ends of 16."""
    A, B = (net([[w]], [[v]], [[t]]) for w, v, t in ((1.0, 4.0, 4.0), (4.0, 4.0, 1.0)))
    p = Problem(Objective("absolute", None, 0.0, "none", False), np.ones((1, 1)), np.zeros((1, 1)), A, B)
    return Case(p, [loose_path(p, chord(p, 1), 16.0, 0.0, 0.0)])


@attack
def deep_idle_row_of_a_live_neuron() -> Case:
    """A row goes away and comes back, as if nobody heard it."""
    p = turning_neuron()
    p = replace(p, B=p.A)
    there = Move("idle", (Write(1, "weight", 0, np.array([0]), np.array([[-1.0]])),))
    back = Move("idle", (Write(1, "weight", 0, np.array([0]), np.array([[1.0]])),))
    return Case(p, [loose_path(p, (there, back), 0.5, 0.0, 0.0)])


@attack
def leaky_relu_taken_for_relu() -> Case:
    """|f - 1| at A is (0 + 1)/2 with ReLU and (0 + 1 + slope)/2 with Leaky ReLU."""
    p = turning_neuron(0.5)
    return Case(p, [EndpointValue("A", 0.5, 0.5)])


@attack
def leaky_relu_in_a_barrier() -> Case:
    case = landscape.CORRECT["barrier-between-two-cells"]()
    return Case(replace(case.problem, negative_slope=0.5), case.claims)


def spoiled_transfer(change: Callable[[Parameters, Move], tuple[Parameters, Move]]) -> Case:
    """Start at the vertex before the first transfer, spoil one thing, end where the transfer ends, and claim that F is constant."""
    p, moves = deep_problem("squared")
    W1, W2, W3 = (w.copy() for w in p.A.weights)
    b1 = p.A.biases[0].copy()
    W1[0], b1[0] = 0.25, 4.0  # heard on every sample
    W1[2], b1[2] = W1[0], b1[0]
    A, move = change(Parameters((W1, W2, W3), (b1, *p.A.biases[1:])), moves[1])
    B = Parameters((A.weights[0], move.writes[0].value, W3), A.biases)
    return Case(replace(p, A=A, B=B), [loose_path(p, (move,), HUGE, 0.0, 0.0)])


@attack
def transfer_with_different_bias() -> Case:
    def change(v: Parameters, m: Move) -> tuple[Parameters, Move]:
        v.biases[0][2] += 2.0**-40
        return v, m

    return spoiled_transfer(change)


@attack
def transfer_with_different_row() -> Case:
    def change(v: Parameters, m: Move) -> tuple[Parameters, Move]:
        v.weights[0][2, 1] += 2.0**-40
        return v, m

    return spoiled_transfer(change)


@attack
def transfer_to_a_speaking_neuron() -> Case:
    def change(v: Parameters, m: Move) -> tuple[Parameters, Move]:
        v.weights[1][0, 2] = 1.0
        return v, m

    return spoiled_transfer(change)


@attack
def transfer_that_keeps_a_rest() -> Case:
    def change(v: Parameters, m: Move) -> tuple[Parameters, Move]:
        value = m.writes[0].value.copy()
        value[0, 2] *= 1.0 + 2.0**-40
        return v, replace(m, writes=(Write(2, "weight", 0, None, value),))

    return spoiled_transfer(change)


for name, pairs, layer in (
    ("transfer-with-a-negative-index", [[0, -1]], 1), ("transfer-outside-the-layer", [[0, 3]], 1), ("transfer-of-the-output-layer", [[0, 2]], 3),
    ("transfer-of-the-input-layer", [[0, 2]], 0), ("transfer-with-overlapping-pairs", [[0, 2], [2, 1]], 1), ("transfer-to-itself", [[0, 0]], 1),
    ("transfer-the-wrong-way", [[2, 0]], 1), ("transfer-without-a-layer", [[0, 2]], None), ("transfer-of-triples", [[0, 2, 1]], 1),
):  # fmt: skip
    ATTACKS[name] = lambda pairs=pairs, layer=layer: spoiled_transfer(
        lambda v, m: (v, replace(m, transfer=np.array(pairs), transfer_layer=layer))
    )


# --- writes --------------------------------------------------------------------------------------------------------------


def written(*writes: Write) -> Case:
    """Strange writes first, then all of B: a kernel that skips or misreads them would accept."""
    p = random_problem(3, "squared", "path", biases=(True, False))
    return loose(p, (Move("chord", writes), *chord(p, 1)))


ROW, COLUMN = np.ones((1, 2)), np.ones((4, 1))
for name, write in {
    "write-index-negative": Write(1, "weight", 0, np.array([-1]), ROW),
    "write-index-outside": Write(1, "weight", 0, np.array([4]), ROW),
    "write-index-repeated": Write(1, "weight", 0, np.array([1, 1]), np.ones((2, 2))),
    "write-index-as-floats": Write(1, "weight", 0, np.array([1.0]), ROW),
    "write-index-empty": Write(1, "weight", 0, np.zeros(0, np.int64), np.zeros((0, 2))),
    "write-layer-zero": Write(0, "weight", 0, None, np.ones((4, 2))),
    "write-layer-three": Write(3, "weight", 0, None, np.ones((1, 4))),
    "write-layer-negative": Write(-1, "weight", 0, None, np.ones((1, 4))),
    "write-axis-two": Write(1, "weight", 2, np.array([0]), ROW),
    "write-axis-negative": Write(1, "weight", -1, np.array([0]), COLUMN),
    "write-axis-one-of-a-bias": Write(1, "bias", 1, np.array([0]), np.ones(1)),
    "write-broadcast-row": Write(1, "weight", 0, None, ROW),
    "write-scalar-into-a-column": Write(1, "weight", 1, np.array([0]), np.ones((1, 1))),
    "write-bias-that-is-not-there": Write(2, "bias", 0, None, np.ones(1)),
    "write-to-an-unknown-part": Write(1, "slope", 0, None, np.ones((4, 2))),
    "write-integers": Write(1, "weight", 0, None, np.ones((4, 2), dtype=np.int64)),
}.items():
    ATTACKS[name] = lambda write=write: written(write)


# --- head programs -------------------------------------------------------------------------------------------------------


def with_dual(case: Case, change: Callable[[np.ndarray], None], **fields: object) -> Case:
    nu = case.claims[-1].dual.copy()
    change(nu)
    return claimed(case, dual=nu, **fields)


def put(row: int, values: object) -> Callable[[np.ndarray], None]:
    def change(nu: np.ndarray) -> None:
        nu[row] = values

    return change


DUALS: dict[str, Callable[[], Case]] = {
    "dual-outside-simplex": lambda: with_dual(head_with_limit(), put(0, [-2.0, 1.0, 1.0]), lower=0.0),
    "dual-row-sum-not-zero": lambda: with_dual(head_with_limit(), put(0, [2.0**-60, 0.0, 0.0]), lower=0.0),
    "dual-sum-not-zero-free-bias": lambda: with_dual(head_with_free_bias(), put(5, -1.0 - 2.0**-50), lower=0.0),
    "dual-logistic-beyond-one": lambda: with_dual(head_with_limit("logistic", "none"), lambda nu: nu.__imul__(8.0 + 2.0**-40), lower=0.0),
    "dual-logistic-wrong-sign": lambda: with_dual(head_with_limit("logistic", "none"), lambda nu: nu.__imul__(-1.0), lower=0.0),
    "dual-hinge-beyond-one": lambda: with_dual(head_with_limit("hinge", "path"), lambda nu: nu.__imul__(16.0), lower=0.0),
    "dual-absolute-beyond-one": lambda: with_dual(head_without_limit("absolute", "l1"), put(0, 1.0 + 2.0**-52), lower=0.0),
    "dual-huber-beyond-delta": lambda: with_dual(head_without_limit("huber", "path"), put(0, 0.5 + 2.0**-40), lower=0.0),
    "dual-violates-a-row-for-all-heads": lambda: with_dual(head_without_limit(), lambda nu: nu.__imul__(64.0), lower=0.0),
    "dual-of-zeros-with-a-positive-lower-end": lambda: with_dual(head_without_limit(), lambda nu: nu.fill(0.0)),
    "dual-too-short": lambda: claimed(head_without_limit(), dual=head_without_limit().claims[-1].dual[:5]),
    "head-lower-end-above-its-upper-end": lambda: claimed(head_without_limit(), lower=HUGE),
    "head-upper-end-below-its-value": lambda: claimed(head_without_limit(), upper=head_without_limit().claims[-1].lower),
    "head-limit-dropped": lambda: claimed(head_with_limit(), head_limit=None),
    "head-limit-widened": lambda: claimed(head_with_limit(), head_limit=64.0),
    "head-limit-negative": lambda: claimed(head_with_limit(), head_limit=-1.0),
    "head-rows-of-another-width": lambda: claimed(head_without_limit(), rows=np.ones((4, 3)), lower=0.0),
    "head-without-rows": lambda: claimed(head_without_limit(), rows=np.zeros((0, 2)), row_bias=np.zeros(0), head=np.zeros((1, 0)), lower=HUGE),
    "head-bias-missing": lambda: claimed(head_with_free_bias(), head_bias=None, lower=0.0),
    "head-row-bias-missing": lambda: claimed(head_without_limit(), row_bias=None, lower=0.0),
    "head-bias-nobody-has": lambda: claimed(head_without_limit(), head_bias=np.zeros(1), lower=0.0),
}  # fmt: skip
ATTACKS.update(DUALS)


@attack
def head_group_violation_charged_without_sqrt_K() -> Case:
    """Weight decay, K = 2: both entries at the limit reach |h|_2 = H sqrt(2)."""
    v = net([[1.0]], [[0.0], [0.0]])
    o = Objective("squared", None, 2.0**-20, "weight_decay", False)
    p = Problem(o, np.ones((1, 1)), np.full((1, 2), 10.0), v, v)
    nu = np.full((1, 2), -18.0)
    return Case(p, [HeadOptimum("h", v.weights[0], None, np.ones((2, 1)), None, nu, 1.0, 170.0, 200.0)])


@attack
def head_of_a_deep_network() -> Case:
    p, _ = deep_problem()
    z = np.zeros((3, 2))
    return Case(p, [HeadOptimum("h", z, z[:, 0], np.zeros((1, 3)), np.zeros(1), np.zeros((6, 1)), None, 0.0, HUGE)])


# --- problems that are none ----------------------------------------------------------------------------------------------


def about(p: Problem) -> Case:
    return Case(p, [EndpointValue("A", 0.0, HUGE)])


def with_objective(loss: str = "squared", penalty: str = "path", **change: object) -> Case:
    p = random_problem(3, loss, penalty)
    return about(replace(p, objective=replace(p.objective, **change)))


def labelled(label: int) -> Case:
    p = random_problem(2, "cross_entropy", "weight_decay", widths=(2, 4, 3))
    return about(replace(p, targets=np.where(np.arange(6) == 0, label, p.targets)))


def with_targets(loss: str, targets: np.ndarray) -> Case:
    return about(replace(random_problem(3, loss, "none"), targets=targets))


def crossed(a: dict, b: dict) -> Case:
    p, q = random_problem(3, "squared", "none", **a), random_problem(3, "squared", "none", **b)
    return about(replace(p, B=q.B))


ATTACKS.update({
    "problem-of-an-unknown-loss": lambda: with_objective(loss="exponential"),
    "problem-of-an-unknown-penalty": lambda: with_objective(penalty="l0"),
    "problem-with-a-penalty-and-no-kappa": lambda: with_objective(kappa=0.0),
    "problem-with-kappa-and-no-penalty": lambda: with_objective(penalty="none", kappa=0.125),
    "problem-with-negative-kappa": lambda: with_objective(kappa=-0.125),
    "problem-with-delta-for-another-loss": lambda: with_objective(delta=0.5),
    "problem-of-huber-without-delta": lambda: with_objective("huber", delta=None),
    "problem-of-huber-with-negative-delta": lambda: with_objective("huber", delta=-0.5),
    "problem-of-weight-decay-on-the-output-bias": lambda: with_objective("squared", "weight_decay", penalise_output_bias=True),
    "problem-with-a-label-outside": lambda: labelled(3),
    "problem-with-a-negative-label": lambda: labelled(-1),
    "problem-with-labels-for-squares": lambda: with_targets("squared", np.zeros((6, 1), dtype=np.int64)),
    "problem-with-zero-one-targets-for-signs": lambda: with_targets("logistic", np.array([[0.0], [1.0], [1.0], [0.0], [1.0], [0.0]])),
    "problem-with-targets-in-a-row": lambda: with_targets("squared", np.zeros((1, 6))),
    "problem-with-two-widths": lambda: crossed({}, {"widths": (2, 5, 1)}),
    "problem-with-a-bias-in-one-network": lambda: crossed({}, {"biases": (True, False)}),
    "problem-whose-layers-do-not-chain": lambda: about(squares(net([[1.0]], [[1.0, 1.0]]), net([[1.0]], [[1.0, 1.0]]))),
    "problem-whose-data-do-not-fit": lambda: about(replace(random_problem(3, "squared", "none"), X=np.zeros((6, 3)))),
    "problem-without-samples": lambda: about(replace(random_problem(3, "squared", "none"), X=np.zeros((0, 2)), targets=np.zeros((0, 1)))),
    "problem-of-one-layer": lambda: about(replace(random_problem(3, "squared", "none"), A=net([[1.0, 1.0]]), B=net([[1.0, 1.0]]))),
    "problem-of-weight-decay-with-depth": lambda: about(deep_problem("squared", "weight_decay")[0]),
})  # fmt: skip

ATTACKS.update(attacks.REJECTED)
ATTACKS.update(channels.REJECTED)
ATTACKS.update(landscape.REJECTED)
ATTACKS.update(kept_layers.REJECTED)
ATTACKS.update(whole_landscape.REJECTED)
ATTACKS.update(sign_count.REJECTED)
ATTACKS.update(cone_barrier.REJECTED)
ATTACKS.update(region_optimum.REJECTED)
ATTACKS.update(subnetwork_head.REJECTED)
ATTACKS.update(every_width.REJECTED)
ATTACKS.update(violations.REJECTED)
ATTACKS.update(violations_papers.REJECTED)

"""Paths whose loss has a peak far narrower than any sampling grid, or none at the ends of any segment: never certified below it."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, ctx

from tests.corpus.correct import deep_problem
from tests.corpus.small import chord, everything, named, net
from verifier.kernel import Move, Objective, Parameters, PathUpperBound, Problem, check
from verifier.kernel.fast.paths import bound_path

from . import oracle

LOSSES = ("logistic", "cross_entropy", "squared", "huber", "hinge", "absolute")
SLOPE = 2.0**34


def spiky(loss, centres, width, penalty="none", slope=SLOPE):
    """One sample per centre: its prediction is 0 except within `width` of s = centre, where it is a hat of height 4 on the bad side.

    Sample j is the j-th unit vector, so that column j of the rows moves its own three kinks.
    """
    N, K = len(centres), {"cross_entropy": 2}.get(loss, 1)
    kinks = np.array([[c + k * width for c in centres] for k in range(3)])
    theta = np.zeros((K, 3))
    theta[0] = np.array([1.0, -2.0, 1.0]) * (-4.0 / (slope * width))
    A = Parameters((-slope * kinks, theta), (None, None))
    B = Parameters((slope * (1.0 - kinks), theta), (None, None))
    o = Objective(loss, 0.5 if loss == "huber" else None, 0.0 if penalty == "none" else 2.0**-80, penalty, False)
    y = (
        np.zeros(N, dtype=np.int64)
        if loss == "cross_entropy"
        else np.ones((N, 1))
        if loss in ("logistic", "hinge")
        else np.zeros((N, 1))
    )
    return Problem(o, np.eye(N), y, A, B)


def top(p):
    """Largest exact F at the exact times of all kinks, as a ball."""
    values = []
    for i, j in np.ndindex(p.A.weights[0].shape):
        u, v = Fraction(p.A.weights[0][i, j]), Fraction(p.B.weights[0][i, j])
        if u != v and 0 <= u / (u - v) <= 1:
            values.append(oracle.exact_F(p, oracle._between(p.A, p.B, u / (u - v)), literal=False))
    return max(values, key=lambda b: float(b))


def claim(moves, bound, form="literal"):
    return PathUpperBound("path", moves, bound, bound, bound, form=form)


def own(p, moves, form="literal"):
    """The claim of the kernel's own bound; the gaps have room, since F at the ends is enclosed and not known."""
    found = bound_path(p, moves, form)
    sup = max(found.interior, found.A.upper, found.B.upper)
    return PathUpperBound("path", moves, sup, 2 * sup, 2 * sup, form=form)


def accepted(p, c):
    """Whether any evaluation accepts."""
    return any(check(p, c, evaluation=e).accepted for e in ("fast", "reference"))


def cuts(rng, centres, width):
    """Breakpoints of many sorts: none, even, random, around the spikes, next to them."""
    near = np.sort(
        np.concatenate([[c + k * width * f for k in (-3, -1, 0, 1, 2, 3)] for c in centres for f in (1.0, 0.99)])
    )
    beside = np.sort(np.concatenate([[c - 2 * width, c + 4 * width] for c in centres]))
    return [None, np.arange(1, 64) / 64, np.sort(rng.random(20)), np.unique(near), np.unique(beside)]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("width", [2.0**-10, 2.0**-30])
@pytest.mark.parametrize("centres", [(0.3,), (0.25, 0.7), (0.1, 0.1 + 2.0**-18, 0.9)])
def test_no_breakpoints_certify_below_a_spike(loss, width, centres):
    """Claims below the true peak are rejected whatever the breakpoints; the kernel's own bound is at or above it and is accepted."""
    p = spiky(loss, centres, width)
    with ctx.workprec(400):
        peak = top(p)
    rng = np.random.default_rng(0)
    for times in cuts(rng, centres, width):
        moves = (Move("chord", everything(p.B), times),)
        found = bound_path(p, moves).interior
        with ctx.workprec(400):
            assert arb(found) >= peak, "the kernel's bound is below the peak"
        assert not accepted(p, claim(moves, float(peak) * (1.0 - 1e-12)))
        for e in ("fast", "reference"):
            assert check(p, own(p, moves), evaluation=e).accepted


@pytest.mark.parametrize("loss", LOSSES)
def test_breakpoints_at_the_kinks_make_the_bound_sharp(loss):
    """With cuts at the three kinks of a wide hat the bound is the peak itself: the rejections above are not mere looseness."""
    p = spiky(loss, (0.25,), 2.0**-6, slope=2.0**8)
    moves = (Move("chord", everything(p.B), np.array([0.25, 0.25 + 2.0**-6, 0.25 + 2.0**-5])),)
    with ctx.workprec(400):
        assert bound_path(p, moves).interior <= float(top(p)) * (1 + 1e-9)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("penalty", ["l1", "path", "weight_decay"])
def test_spikes_under_a_penalty(loss, penalty):
    """The same with a penalty beside the loss."""
    p = spiky(loss, (0.4,), 2.0**-16, penalty)
    with ctx.workprec(400):
        peak = top(p)
    for times in cuts(np.random.default_rng(1), (0.4,), 2.0**-16):
        moves = (Move("chord", everything(p.B), times),)
        for form in ("literal", "balanced") if penalty == "weight_decay" else ("literal",):
            assert not accepted(p, claim(moves, float(peak) * (1.0 - 1e-9), form))
            assert accepted(p, own(p, moves, form))


def one(A, B, loss="squared"):
    """One sample x = 1, target 0 (or +1)."""
    target = np.ones((1, 1)) if loss in ("logistic", "hinge") else np.zeros((1, 1))
    return Problem(Objective(loss, None, 0.0, "none", False), np.ones((1, 1)), target, A, B)


@pytest.mark.parametrize("loss", ["logistic", "squared", "hinge", "absolute"])
@pytest.mark.parametrize("size", [4.0, 2.0**20, 2.0**40])
def test_product_peaks_without_a_kink(loss, size):
    """f = -size s (1 - s) is 0 at both ends and has no kink; its peak at 1/2 is never undercut."""
    p = one(net([[0.0]], [[-1.0]]), net([[size]], [[0.0]]), loss)
    with ctx.workprec(400):
        peak = oracle.exact_F(p, oracle._between(p.A, p.B, Fraction(1, 2)), literal=False)
    for pieces in (1, 3, 7, 16):
        moves = chord(p, pieces)
        assert not accepted(p, claim(moves, float(peak) * (1.0 - 1e-12)))
        assert accepted(p, own(p, moves))


@pytest.mark.parametrize("size", [8.0, 2.0**30])
def test_idle_look_alikes(size):
    """A row moves while its head is 0 at one end only: F peaks inside, and a claim of the ends' maximum is rejected."""
    for A, B in ((net([[size]], [[0.0]]), net([[0.0]], [[1.0]])), (net([[0.0]], [[1.0]]), net([[size]], [[0.0]]))):
        p = one(A, B)
        for pieces in (1, 2, 33):
            assert not accepted(p, claim(chord(p, pieces), size * size / 16 * (1 - 1e-12)))


def test_head_look_alikes():
    """The whole last layer changes and one live row by an ulp: no head move, and the bound covers both."""
    A, B = net([[1.0]], [[3.0]]), net([[np.nextafter(1.0, 2.0)]], [[-3.0]])
    p = one(A, B)
    found = bound_path(p, chord(p, 1))
    assert [m.kind for m in chord(p, 1)] == ["chord"]
    head = replace(chord(p, 1)[0], kind="head", breakpoints=None)
    assert not accepted(p, claim((head,), 1e9)), "a chord is taken for a head move because it says so"
    assert found.interior > 9.0
    B = net([[0.0], [0.0]], [[3.0, 0.0]])
    A = net([[2.0**30], [-(2.0**30)]], [[0.0, 3.0]])
    p = one(A, B)
    assert not accepted(p, claim(chord(p, 1), 1.0))


def test_transfer_look_alikes():
    """Rows equal at the start and not at the end, or handed over twice: rejected as a transfer, bounded as what it is."""
    hint = np.array([[0, 1]])
    A, B = net([[1.0], [1.0]], [[4.0, 0.0]]), net([[1.0], [2.0]], [[0.0, 4.0]])
    p = one(A, B)
    assert not accepted(p, claim((Move("transfer", everything(B), None, hint, 1),), 1e9))
    [move] = named(p.A, (Move("?", everything(B), None, hint, 1),))
    assert move.kind == "chord"
    assert not accepted(p, claim((move,), 16.0))
    twice = one(net([[1.0], [1.0]], [[4.0, 0.0]]), net([[1.0], [1.0]], [[4.0, 4.0]]))
    assert not accepted(twice, claim((Move("transfer", everything(twice.B), None, hint, 1),), 1e9))
    [move] = named(twice.A, (Move("?", everything(twice.B), None, hint, 1),))
    assert move.kind == "head"
    assert not accepted(twice, claim((move,), 63.0))
    deep, moves = deep_problem("squared")
    rows = deep.A.weights[0].copy()
    rows[2] = rows[0] + np.array([2.0**-50, 0.0])
    spoiled = replace(deep, A=Parameters((rows, *deep.A.weights[1:]), deep.A.biases))
    assert not accepted(spoiled, claim(moves[1:], 2.0**60))


def test_a_spike_in_the_middle_of_many_quiet_moves():
    """Nine head moves that change almost nothing and one chord with a spike: the spike decides."""
    p = spiky("squared", (0.5,), 2.0**-20)
    quiet = tuple(
        Move("?", (everything(net(p.A.weights[0], p.A.weights[1] * (1.0 + k * 2.0**-50)))[1],)) for k in range(4)
    )
    back = tuple(
        Move("?", (everything(net(p.B.weights[0], p.B.weights[1] * (1.0 + k * 2.0**-50)))[1],)) for k in (3, 2, 1, 0)
    )
    moves = named(p.A, (*quiet, Move("chord", everything(p.B), None), *back))
    assert not accepted(p, claim(moves, 15.9))
    assert accepted(p, own(p, moves))

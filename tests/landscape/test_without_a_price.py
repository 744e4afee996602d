"""Different sign counts where size has no price and two neurons stay: opposite ones may grow along a common direction, where every dual is exactly 0."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import cvxpy as cp
import numpy as np
import pytest

import verifier
from tests.landscape.moons import width_three
from tests.landscape.test_sign_count import both_ends
from verifier.elaboration import kernel_problem
from verifier.kernel import check
from verifier.landscape.coarse.least import least_of_parts, least_passed
from verifier.landscape.coarse.parts import Parts
from verifier.landscape.sign_count.fan import Fan
from verifier.landscape.sign_count.narrow import Narrow, narrow, positives_passed, with_signs
from verifier.landscape.sign_count.relaxation import Relaxation, Solved
from verifier.landscape.sign_count.repair import holding
from verifier.landscape.sign_count.roomy import roomy
from verifier.landscape.sign_count.search import descended, least_narrow
from verifier.networks.network import Network
from verifier.objective import Risk, make_objective
from verifier.pipeline.constructions.sign_count import BY_NAME
from verifier.pipeline.sign_count import narrow_claim


def problem(seed, loss="squared", signs=(1, -1), output_bias=True, d=1):
    """(A, B, risk, narrow problem) with these signs of the two neurons that stay; A and B are any networks around it."""
    rng = np.random.default_rng(seed)
    N, m = int(rng.integers(8, 13)), len(signs) + 1
    X, y = rng.normal(size=(N, d)), rng.normal(size=(N, 1))
    y = np.sign(y) if loss == "logistic" else y
    p = list(signs).count(1)
    heads = np.array([[1.0] * (p + 1) + [-1.0] * (m - 1 - p)]), np.array([[1.0] * p + [-1.0] * (m - p)])
    c = np.zeros(1) if output_bias else None
    A, B = (Network((rng.normal(size=(m, d)), theta), (rng.normal(size=m), c)) for theta in heads)
    risk = Risk(make_objective(loss, delta=0.3 if loss == "huber" else None), X, y)
    assert positives_passed(A, B) == [p]
    return A, B, risk, narrow(A, risk, p)


def test_a_barrier_at_width_three(tmp_path):
    """Moons, N = 40: a lower end by few programs, both evaluations; and a path by --method all that lies above it."""
    A, B, X, y = width_three()
    risk = Risk(make_objective("squared"), X, y)
    E = max(risk.value(A), risk.value(B))
    found = least_of_parts(narrow(A, risk, 1), most_programs=500, seconds=60)
    assert found.lower > E
    claim, kernel = narrow_claim(kernel_problem(A, B, risk), found), kernel_problem(A, B, risk)
    assert claim.level == pytest.approx(found.lower, rel=1e-9)
    for evaluation in ("fast", "reference"):
        assert check(kernel, claim, evaluation=evaluation).accepted
        # The level is what the duals prove, and no more.
        assert not check(kernel, replace(claim, level=claim.level * (1 + 1e-6)), evaluation=evaluation).accepted


@pytest.mark.slow
def test_a_barrier_at_width_three_as_far_as_it_goes(tmp_path, monkeypatch):
    """The search ends where its parts are too narrow, not by a clock: on a slow machine 120 seconds prove less."""
    monkeypatch.setattr("verifier.pipeline.constructions.sign_count.BY_NAME", (*BY_NAME[:2], 1e9))
    A, B, X, y = width_three()
    out = tmp_path / "x.safetensors"
    result = verifier.certify(A, B, (X, y[:, 0]), loss="squared", method="sign-count,homotopy", out=out)
    (low,), high, _ = both_ends(out)
    assert low.gap > 0.048
    assert low.gap <= min(p.gap for p in high) < 0.07
    assert result.gap == min(p.gap for p in high)


@pytest.mark.parametrize(
    ("seed", "loss", "signs"),
    [(0, "squared", (1, -1)), *(
        pytest.param(seed, loss, signs, marks=pytest.mark.slow)
        for seed in range(1, 6) for loss in ("squared", "huber", "logistic") for signs in ((1, -1), (1, 1))
    )],
)  # fmt: skip
def test_two_searches_and_samples_agree(seed, loss, signs):
    """Brackets of two searches overlap, the kernel accepts both, and no network that descent finds, however large, lies below them."""
    A, B, risk, s = problem(seed, loss, signs, output_bias=bool(seed % 3))
    found = [
        least_of_parts(s, most_programs=200, seconds=30),
        least_narrow(s, most_programs=100, seconds=30),
    ]
    kernel = kernel_problem(A, B, risk)
    for one in found:
        claim = narrow_claim(kernel, one)
        assert claim.level == pytest.approx(max(one.lower, 0.0), rel=1e-8, abs=1e-12)
        assert all(check(kernel, claim, evaluation=e).accepted for e in ("fast", "reference"))
    assert seed != 0 or all(one.lower > 0.0 for one in found)
    upper = min(one.upper for one in found)
    rng = np.random.default_rng(seed)
    for size in (1.0, 1.0, 30.0, 1e3):
        u = rng.normal(size=(2, 2))
        u[1] = u[0] * rng.choice([1.0, 0.999]) if size > 1.0 else u[1]
        upper = min(upper, descended(s, size * u, float(rng.normal()) * s.output_bias)[2])
    assert max(one.lower for one in found) <= upper * (1 + 1e-9) + 1e-12


def parts(s: Narrow, rng, depth):
    """A random part of the fan."""
    fan = Fan(s.inputs, s.directions, len(s.signs))
    part = fan.roots[int(rng.integers(len(fan.roots)))]
    for _ in range(depth):
        part = fan.cut(part, int(rng.integers(len(s.signs))))[int(rng.integers(2))]
    return fan, part.cones


def most_room(s: Narrow, fan, cones, near, share):
    """For every ray the most room a dual can have there whose bound is at least this share of the best, over |nu| at most near's; by CVXPY."""
    N, y = s.N, s.targets[:, 0]
    size = np.abs(near).max()
    p, q = cp.Variable(N, nonneg=True), cp.Variable(N, nonneg=True)
    kept = [cp.Variable(N, nonneg=True) for _ in cones]
    room, conditions = [], [kept[i] <= (p if s.signs[i] > 0 else q) for i in range(len(cones))]
    for i, mine in enumerate(cones):
        for g in mine:
            d = fan.dots[g] / max(1e-300, np.sqrt((fan.dots[g] ** 2).mean()))
            room.append(d @ kept[i] - np.maximum(d, 0.0) @ (q if s.signs[i] > 0 else p))
    conditions += [r >= 0 for r in room] + ([cp.sum(p - q) == 0] if s.free_bias else [])
    bound = -(cp.sum_squares(p - q) / 4 + (p - q) @ y) / N
    rough = {"solver": cp.CLARABEL, "tol_gap_abs": 1e-7, "tol_gap_rel": 1e-7, "tol_feas": 1e-7}
    best = cp.Problem(cp.Maximize(bound), conditions).solve(**rough)
    conditions += [bound >= share * best, p + q <= 2 * size]
    capped = [cp.minimum(r, 1e-2 * N * size) for r in room]
    return best, np.array([cp.Problem(cp.Maximize(r), conditions).solve(**rough) / (N * size) for r in capped])


def test_rays_without_room_have_none():
    """Independently by CVXPY on random parts: rays that are said to have no room have none in any dual of nine tenths the bound, others have some; the bound is
    nearly the best one, and a dual near it holds exactly."""
    rng, some, held = np.random.default_rng(0), 0, 0
    for seed in range(12):
        _, _, _, s = problem(seed, signs=(1, -1) if seed % 3 else (1, 1), d=2)
        fan, cones = parts(s, rng, int(rng.integers(2, 9)))
        solved = Relaxation.of(s, fan).solve(cones)
        assert solved is not None
        found = roomy(s, fan, cones, solved.nu)
        if found is None:
            assert s.dual_value(solved.nu) <= 1e-6
            continue
        best, most = most_room(s, fan, cones, solved.nu, 0.9)
        if best < 1e-4:
            continue
        assert s.dual_value(found.nu) == pytest.approx(best, rel=1e-2)
        assert (most[found.none] < 1e-5).all()
        assert (most[~found.none] > 1e-4).all()
        some += int(found.none.any())
        dual = holding(s, fan, cones, solved)
        held += dual is not None and dual.bound >= 0.99 * best
    assert some >= 3
    assert held >= 6


@pytest.mark.parametrize("power", [-40, 12])
def test_units_do_not_matter(power):
    """Data and targets times powers of two: a lower end in the new unit."""
    A, _, risk, s = problem(0)
    scale = 2.0**power
    X, y = risk.X / scale, risk.targets * scale
    (W, theta), (b, c) = A.weights, A.biases
    scaled = Network((W * scale, theta), (b, c))
    before = least_passed(s, most_programs=200, seconds=60)
    after = least_passed(narrow(scaled, Risk(risk.objective, X, y), 1), most_programs=200, seconds=60)
    assert after.lower == pytest.approx(before.lower * scale**2, rel=1e-6)


def test_no_search_where_nothing_can_be_proved():
    """Few samples with equal targets: F passes 0."""
    A, _, risk, _ = problem(4)
    for X, y in ((risk.X[:3], np.ones((3, 1))), (risk.X[:4], np.zeros((4, 1)))):
        s = narrow(A, Risk(risk.objective, X, y), 1)
        found = least_passed(s, most_programs=300, seconds=10)
        assert found.lower == 0.0
        assert found.upper <= 1e-12


def test_what_float64_does_not_tell_is_no_upper_end():
    """All samples active, neurons and output bias cancel at any size: F of the network found is that of its rationals."""
    _, _, _, s = problem(5, "logistic", (1, 1))
    found = least_of_parts(s, most_programs=200, seconds=30)
    exact = [
        sum(max(Fraction(0), sum(Fraction(a) * Fraction(b) for a, b in zip(x, row))) for row in found.u.tolist())
        + Fraction(found.c)
        for x in s.inputs.tolist()
    ]
    value = s.objective.loss.values(np.array([[float(f)] for f in exact]), s.targets).mean()
    assert found.upper == pytest.approx(value, rel=1e-9)
    u, c = np.array([[0.0, 2.0**40], [0.3, 0.7]]), -(2.0**40)
    assert not s.sound(u, c)
    assert s.sound(u * 2.0**-30, c * 2.0**-30)


def test_a_dual_whose_sum_cannot_be_0_is_none():
    """Hinge loss, a free output bias, neurons that are dead on a cone: entries at the ends of their domain have no room, and nothing is said to hold."""
    X, y = np.array([[-1.0], [0.5], [1.0]]), np.array([[1.0], [1.0], [-1.0]])
    nets = [
        Network((np.ones((2, 1)), np.array([heads])), (np.zeros(2), np.zeros(1))) for heads in ((1.0, 1.0), (1.0, -1.0))
    ]
    s = narrow(nets[0], Risk(make_objective("hinge"), X, y), 1)
    fan = Fan(s.inputs, s.directions, 1)
    part = next(p for p in fan.roots if all(fan.dots[g].min() < 0.0 for g in p.cones[0]))
    while any(fan.dots[g].max() > 0.0 for g in part.cones[0]):
        part = min(fan.cut(part, 0), key=lambda p: sum(fan.dots[g].sum() for g in p.cones[0]))
    for nu in ([-1.0, 0.0, 0.0], [-1.0, -1.0, 1.0], [0.0, -0.5, 0.5], [-1.0, 0.0, 1.0]):
        found = Solved(np.zeros((1, 2)), 0.0, np.array(nu), np.zeros((1, 3)), np.zeros((1, 2)), np.zeros(1))
        dual = holding(s, fan, part.cones, found)
        assert dual is None or math.fsum(dual.nu) == 0.0
        assert dual is not None or sum(nu) != 0.0


def test_rays_that_had_their_room_by_slopes_that_are_rounded():
    """Moons, 60 samples as they come: on one part of 400 a ray beside two without room has some by a slope of .9999, which their equations round to 1."""
    from sklearn.datasets import make_moons

    X, y = make_moons(60, noise=0.15, random_state=3)
    A = Network((np.ones((3, 2)), np.ones((1, 3))), (np.ones(3), np.zeros(1)))
    parts = Parts(with_signs(A, Risk(make_objective("squared"), X, y.astype(float)[:, None]), (-1, -1)), 0.0)
    assert parts.reach(0.0425, lambda: False)
    parts.prove_all(0.0425, lambda: False)
    assert min(dual.bound for dual in parts.duals()) >= 0.0425
    assert all(leaf.deeper == 0 for _, _, leaf in parts.queue), "no part is cut for want of a dual"

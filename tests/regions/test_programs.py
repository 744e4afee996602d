"""Region programs: direct routes against CVXPY, optimality conditions, verdicts and claims through the kernel."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from tests.regions.instances import kernel_problem, random_program
from verifier.errors import UsageError
from verifier.kernel.check import check
from verifier.regions.arrangement import make_arrangement
from verifier.regions.decide import decide
from verifier.regions.patterns import pattern_of
from verifier.regions.polar import facets_and_rays
from verifier.regions.program import make_program
from verifier.regions.rank import region_rank
from verifier.regions.rays import rays
from verifier.regions.region_claims import jacobian_rank_claim, region_minimum_claim
from verifier.regions.solve import solve


@pytest.mark.parametrize("seed", range(8))
def test_direct_routes_agree_with_cvxpy(seed):
    rng = np.random.default_rng(seed)
    for _ in range(8):
        _, _, program = random_program(rng, largest_N=20, largest_m=20)
        reference = solve(program, "cvxpy").value
        scale = max(1.0, float(np.mean(program.targets**2)))
        for route in ("quadratic", "rays") if program.n <= 3 else ("quadratic",):
            assert abs(solve(program, route).value - reference) <= 1e-7 * scale


@pytest.mark.parametrize("seed", range(4))
def test_minimisers_meet_the_optimality_conditions(seed):
    """In the closed region; nu points into the dual cone of every ray; complementary, so that the dual value is the loss."""
    rng = np.random.default_rng(50 + seed)
    for _ in range(10):
        _, _, program = random_program(rng, largest_d=2)
        found = solve(program)
        W = program.expand(found.u)
        slack = (2 * program.pattern - 1) * (W @ program.arrangement.inputs.T)
        assert slack[:, program.arrangement.class_of >= 0].min(initial=0.0) > -1e-9
        y = program.targets
        assert np.mean(-(found.nu**2) / 4 - found.nu * y) == pytest.approx(found.value, abs=1e-9)
        for g, generators in enumerate(program.rays):
            q = found.nu @ program.matrix[:, g * program.n : (g + 1) * program.n]
            assert (generators @ q).min() > -1e-8


@pytest.mark.parametrize("n", [2, 3])
def test_fast_facets_and_rays_are_the_exact_ones(n):
    rng = np.random.default_rng(n)
    for _ in range(30):
        arrangement = make_arrangement(rng.standard_normal((9, n - 1)), True)
        W = rng.standard_normal((1, n))
        pattern, _ = pattern_of(W, arrangement)
        _, found = facets_and_rays(arrangement, arrangement.signs(pattern), W)[0]
        exact = rays(arrangement, pattern[0])
        exact /= np.linalg.norm(exact, axis=1, keepdims=True)
        assert len(found) == len(exact)
        assert np.abs(found[:, None] - exact[None]).max(axis=2).min(axis=1).max() < 1e-12


def by_hand(targets, pattern, head, X):
    program = make_program(make_arrangement(np.array(X), False), np.array(head), np.array(pattern), np.array(targets))
    found = decide(program)
    verdict = check(kernel_problem(np.array(X), np.array(targets), False), region_minimum_claim(found, "hand"))
    assert verdict.accepted, verdict.sentence
    return found


def test_the_three_verdicts_by_hand():
    assert by_hand([2.0], [[1]], [1.0], [[1.0]]).verdict == "zero_inside"
    boundary = by_hand([0.0], [[1]], [1.0], [[1.0]])
    assert boundary.verdict == "zero_on_boundary"
    assert boundary.sentence == "zero loss on the boundary of the region and nowhere inside"
    none = by_hand([-1.0], [[1]], [1.0], [[1.0]])
    assert none.verdict == "positive"
    assert none.lower <= 1.0 <= none.upper
    assert none.upper - none.lower < 1e-9
    silent = by_hand([3.0, 1.0], [[0, 0]], [1.0], [[1.0], [2.0]])
    assert silent.verdict == "positive"
    assert silent.lower == pytest.approx(5.0)
    assert by_hand([0.0], [[0]], [1.0], [[1.0]]).verdict == "zero_inside"


def counted(rng, trials, **sizes):
    counts = Counter()
    for _ in range(trials):
        X, bias, program = random_program(rng, **sizes)
        found = decide(program)
        verdict = check(kernel_problem(X, program.targets, bias), region_minimum_claim(found, "random"))
        assert verdict.accepted, verdict.sentence
        assert found.lower <= found.upper
        counts[found.verdict] += 1
    return counts


def test_verdicts_on_random_regions_pass_the_kernel():
    counts = counted(np.random.default_rng(3), 120)
    assert counts["undecided"] == 0
    assert min(counts[v] for v in ("zero_inside", "zero_on_boundary", "positive")) > 0


@pytest.mark.slow
def test_verdicts_on_1000_random_regions_pass_the_kernel():
    counts = counted(np.random.default_rng(11), 1000)
    assert counts.total() == 1000
    assert counts["undecided"] == 0


def test_the_reference_evaluation_agrees():
    rng = np.random.default_rng(5)
    for _ in range(12):
        X, bias, program = random_program(rng, largest_N=6, largest_m=5)
        claim = region_minimum_claim(decide(program), "random")
        verdict = check(kernel_problem(X, program.targets, bias), claim, evaluation="reference")
        assert verdict.accepted, verdict.sentence


def test_rank_claims_pass_the_kernel():
    rng = np.random.default_rng(6)
    full = 0
    for _ in range(60):
        X, bias, program = random_program(rng)
        found = region_rank(program.arrangement, program.pattern)
        claim = jacobian_rank_claim(program.arrangement, program.pattern, found, "random")
        verdict = check(kernel_problem(X, program.targets, bias), claim)
        assert verdict.accepted, verdict.sentence
        full += claim.full
    assert 10 < full < 50


def test_repeated_neurons_do_not_change_the_minimum():
    rng = np.random.default_rng(8)
    arrangement = make_arrangement(rng.standard_normal((7, 2)), True)
    W, y = rng.standard_normal((3, 3)), rng.standard_normal(7)
    pattern, _ = pattern_of(W, arrangement)
    once = make_program(arrangement, np.array([1.0, -2.0, 3.0]), pattern, y, W)
    twice = make_program(arrangement, np.array([1.0, -2.0, 3.0, 5.0]), pattern[[0, 1, 2, 0]], y, W[[0, 1, 2, 0]])
    assert len(twice.groups) == len(once.groups)
    assert solve(twice).value == pytest.approx(solve(once).value, abs=1e-12)


def test_callers_mistakes_say_what_is_wrong():
    arrangement = make_arrangement(np.ones((1, 3)), True)
    with pytest.raises(UsageError, match="heads that are not 0"):
        make_program(arrangement, np.zeros(1), np.ones((1, 1)), np.ones(1))
    with pytest.raises(UsageError, match="targets"):
        make_program(arrangement, np.ones(1), np.ones((1, 1)), np.ones(2))
    program = make_program(arrangement, np.ones(1), np.ones((1, 1)), np.ones(1))
    with pytest.raises(UsageError, match="use quadratic"):
        solve(program, "rays")
    with pytest.raises(UsageError, match="unknown"):
        solve(program, "simplex")
    parallel = make_arrangement(np.array([[1.0], [2.0]]), False)
    with pytest.raises(UsageError, match="the region is empty"):
        make_program(parallel, np.ones(1), np.array([[1, 0]]), np.ones(2))

"""`barrier_lower_bound`: component checks, both evaluations, seeded bugs."""

from dataclasses import replace

import numpy as np
import pytest

from verifier.kernel import check

from .barrier_components import BARRIER_CHECKS, CASES
from .barriers import frozen_instance, instance
from .components import run_check
from .loader import kernel
from .seeded import unnoticed


@pytest.mark.parametrize("component", BARRIER_CHECKS, ids=lambda c: c.__name__.removeprefix("check_"))
@pytest.mark.parametrize("seed", range(2))
def test_component(component, seed):
    """The property in the check's docstring."""
    run_check(component, kernel(), seed)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_two_evaluations_agree(case):
    """Reference accepts what fast accepts, finds the same level, and refuses what lies above it."""
    problem, claim, level, _ = instance(**case)
    fast, reference = check(problem, claim), check(problem, claim, evaluation="reference")
    assert fast.accepted
    assert reference.accepted, reference.sentence
    assert fast.computed["level"] == pytest.approx(reference.computed["level"], rel=1e-12)
    assert not check(problem, replace(claim, level=level * (1 + 1e-9)), evaluation="reference").accepted
    assert not check(problem, replace(claim, gap=claim.gap + 1e-9 * level), evaluation="reference").accepted


@pytest.mark.parametrize("case", CASES, ids=str)
def test_fast_accepts_then_reference_accepts(case):
    """On changed claims too."""
    problem, claim, level, _ = instance(**case)
    rng = np.random.default_rng(0)
    accepted = 0
    for _ in range(40):
        changed = replace(claim, level=float(level * rng.uniform(0, 1)), gap=0.0)
        nu = claim.nu.copy()
        k = int(rng.integers(len(nu)))
        nu[k] *= 1 + 10.0 ** rng.uniform(-12, -1) * rng.choice([-1, 1])
        changed = replace(changed, nu=nu)
        if check(problem, changed).accepted:
            accepted += 1
            assert check(problem, changed, evaluation="reference").accepted
    assert accepted > 0


@pytest.mark.parametrize("seed", [5, 30, 36, 39])
def test_two_evaluations_agree_on_frozen_output_layers(seed):
    problem, claim, level = frozen_instance(seed)
    assert check(problem, claim).accepted
    verdict = check(problem, claim, evaluation="reference")
    assert verdict.accepted, verdict.sentence
    for change in ({"level": level * (1 + 1e-6), "gap": 0.0}, {"output_layer": "trained"}):
        assert not check(problem, replace(claim, **change), evaluation="reference").accepted


def test_penalties_that_rescaling_changes_are_refused():
    """Under l1 a row can be scaled until its head costs nothing: cells say nothing about F."""
    problem, claim, _, _ = instance(**CASES[4])
    problem = replace(problem, objective=replace(problem.objective, penalty="l1"))
    for evaluation in ("fast", "reference"):
        verdict = check(problem, claim, evaluation=evaluation)
        assert not verdict.accepted
        assert "rescaling a row changes it" in verdict.sentence


BUGS = [
    ("cones", "dot(u, x) * (2 * a - 1) >= 0", "True"),
    ("cones", "dot(u, x) * (2 * bit - 1) > 0", "True"),
    ("cones", "require(len(np.unique(patterns, axis=0)) == len(patterns)", "require(True"),
    ("cones", "first[k] != j for k in chosen", "True for k in chosen"),
    ("cones", "require(is_combination(facing[-1], facing[:-1])", "require(True"),
    ("cones", "(t < 0.0) != bool(code % 2):", "False:"),
    ("cones", "still = t == 0.0 or not any(row)", "still = abs(t) <= 1.0"),
    ("cones", "            if signs:\n", "            if False:\n"),
    ("cones", "across[cones.classes[j]] ^= 1", "pass"),
    ("cones", "-1 if q is None else", "-2 if q is None else"),
    ("rational", "return all(reduced[k, s] >= 0 for k in range(s))", "return True"),
    ("rational", "if rank != s or any(reduced[k, k] != 1 for k in range(s)):", "if rank > s:"),
    ("rational", "rank == s and all(reduced[k, k] == 1 for k in range(s)),", "rank >= s,"),
    ("rational", "b = b - row[k] * v", "b = b + row[k] * v"),
    ("rational", "total += arb(v * v / 4 + v * target)", "total += arb(v * v / 4)"),
    ("barrier", 'require(not bool((claim.cells == outside).all(axis=1).any())', 'require(True'),
    ("barrier", "leaves[known] = ~np.isin(both[len(cells) :], both[: len(cells)])", "leaves[known] = False"),
    ("barrier", "leaves = there == -1", "leaves = there == -3"),
    ("barrier", "for i in range(m):\n        codes, others", "for i in range(m - 1):\n        codes, others"),
    ("barrier", "moving = np.where(j == -1, -1, codes)", "moving = codes"),
    ("barrier", "require(not bool(missing.any())", "require(not bool(missing.all())"),
    ("barrier", "require(claim.level <= level,", "require(claim.level <= 2 * level,"),
    ("barrier", "gap = max(0.0, down(claim.level - E))", "gap = level"),
    ("barrier", "gap = max(0.0, down(claim.level - E))", "gap = max(0.0, down(level - E))"),
    ("barrier", "require(inside_cell,", "require(True,"),
    ("barrier", "replace(claim, **rows), cones.patterns).min()", "replace(claim, **rows), cones.patterns).max()"),
    ("barrier", "require(bool(((claim.multipliers >= 0.0) | free).all())", "require(True"),
    ("barrier", "free[crossing, claim.facets[crossing]] = True", "free[crossing] = True"),
    ("barrier", "sign = np.where(codes % 2 == 0, 1.0, -1.0)", "sign = np.where(codes % 2 == 0, 1.0, 1.0)"),
    ("barrier", "over = np.where(size <= down(o.kappa * N), 0.0,", "over = np.where(size <= 2 * o.kappa * N, 0.0,"),
    ("barrier", "np.where(codes >= 0, over, 0.0)", "np.where(codes >= 0, 0.0, over)"),
    ("barrier", "cost = up(up(up(extra / N) * claim.level) / o.kappa)", "cost = up(up(extra / N) * claim.level)"),
    ("barrier", 'require(s == 0.0, "a dual does not sum', 'require(True, "a dual does not sum'),
    ("barrier", "push = multiply(push, exact(np.full_like(push.mid, N)))", "pass"),
    ("barrier", 'free_bias = self.problem.A.biases[1] is not None and claim.output_layer == "trained"', "free_bias = False"),
    ("barrier", "if not (k == 0 and j == facet):", "if k > 0:"),
    ("barrier", "row[N + k * N + j] = (1 - 2 * a[j]) * N * X[j][e]", "row[N + k * N + j] = N * X[j][e]"),
    ("barrier", "return down(D + term -", "return down(D - term -"),
    ("barrier", "below += arb(sum(solved[:N], ZERO)", "below -= arb(sum(solved[:N], ZERO)"),
    ("statements_barrier", "np.array_equal(problem.A.weights[1], problem.B.weights[1]),", "True,"),
    ("barrier", "row[j] = s * X[j][e]", "row[j] = X[j][e]"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("module", "old", "new"), BUGS, ids=[f"{i:02d}-{b[0]}" for i, b in enumerate(BUGS)])
def test_seeded_bug_is_killed(module, old, new):
    """A kernel with this bug fails a component check."""
    assert not unnoticed(module, old, new, BARRIER_CHECKS, 3), f"{module}: {old!r} -> {new!r} goes unnoticed"

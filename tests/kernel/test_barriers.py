"""`barrier_lower_bound`: component checks, both evaluations, seeded bugs."""

from dataclasses import replace

import numpy as np
import pytest

from verifier.kernel import check

from .barrier_components import BARRIER_CHECKS, CASES
from .barriers import KEPT, frozen_instance, instance, kept_instance
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


@pytest.mark.parametrize("case", KEPT, ids=str)
def test_two_evaluations_agree_on_kept_layers(case):
    """The same level to rounding, nothing above it, and what fast accepts of changed duals reference accepts too."""
    problem, claim, level, _ = kept_instance(**case)
    fast, reference = check(problem, claim), check(problem, claim, evaluation="reference")
    assert fast.accepted
    assert reference.accepted, reference.sentence
    assert fast.computed["level"] == pytest.approx(reference.computed["level"], rel=1e-12)
    assert "keeps" in fast.sentence
    assert ("the hidden layers below the last one" in fast.sentence) == ("below" in case)
    assert ("the output layer" in fast.sentence) == claim.frozen
    for change in ({"level": level * (1 + 1e-6), "gap": 0.0}, {"gap": claim.gap * (1 + 1e-6)}):
        assert not check(problem, replace(claim, **change), evaluation="reference").accepted
    rng = np.random.default_rng(0)
    for _ in range(10):
        changed = replace(claim, level=float(level * rng.uniform(0, 1)), gap=0.0)
        nu = claim.nu.copy()
        nu[int(rng.integers(len(nu)))] *= 1 - 2.0 ** -float(rng.integers(1, 40))
        if problem.objective.loss == "cross_entropy":
            nu = np.round(nu * 2.0**45) / 2.0**45
        changed = replace(changed, nu=nu)
        if check(problem, changed).accepted:
            assert check(problem, changed, evaluation="reference").accepted


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
    ("barrier", "np.array([[1.0], [-1.0]]) if len(V) == 1", "np.array([[1.0], [1.0]]) if len(V) == 1"),
    ("barrier", "room = np.where(one, down(o.kappa * N),", "room = np.where(one, 2 * o.kappa * N,"),
    ("barrier", "np.where((codes >= 0) & ~silent & (size > room), over, 0.0)", "np.where((codes >= 0) & ~silent & (size > room), 0.0, over)"),
    ("barrier", "cost = up(up(up(extra / N) * claim.level) / o.kappa)", "cost = up(up(extra / N) * claim.level)"),
    ("barrier", 'require(s == 0.0, "a dual does not sum', 'require(True, "a dual does not sum'),
    ("barrier", "push = multiply(push, exact(np.full_like(push.mid, N)))", "pass"),
    ("barrier", "self.free_bias = c is not None and not claim.frozen", "self.free_bias = False"),
    ("barrier", "if not (k == 0 and j == facet):", "if k > 0:"),
    ("barrier", "row[L + k * N + j] = (1 - 2 * a[j]) * N * X[j][e]", "row[L + k * N + j] = N * X[j][e]"),
    ("barrier", "D = down(D + term -", "D = down(D - term -"),
    ("barrier", "below += arb(sum(solved[k:L:K], ZERO)", "below -= arb(sum(solved[k:L:K], ZERO)"),
    ("statements_barrier", "require(np.array_equal(A.weights[-1], B.weights[-1])", "require(True"),
    ("barrier", "[v * X[j][e] for v in pulls[j]]", "[X[j][e] for v in pulls[j]]"),
    ("statements_barrier", 'require(frozen or K == 1, "with several', 'require(True, "with several'),
    ("statements_kept", "require(np.array_equal(W, V) and same_biases(a, b),", "require(np.array_equal(W, V),"),
    ("statements_kept", "require(np.array_equal(W, V) and same_biases(a, b),", "require(same_biases(a, b),"),
    ("statements_kept", "keeps_below(output_layer) == (len(A.weights) > 2),", "True,"),
    ("statements_kept", "return a is None or b is None or np.array_equal(a, b)", "return True"),
    ("statements_barrier", 'require(K == 1 or bool((codes % kinds == np.arange(m)).all())', 'require(True'),
    ("statements_barrier", 'allowed = ("none", "path", "weight_decay") if K == 1 else ("none", "path")', 'allowed = ("none", "path", "weight_decay", "l1")'),
    ("last_inputs", "max(z + c, ZERO)", "z + c"),
    ("last_inputs", "max(z + c, ZERO)", "max(z, ZERO)"),
    ("last_inputs", "zip(A.weights[:-2], A.biases[:-2])", "zip(A.weights[:0], A.biases[:0])"),
    ("cones", "return all(cones.contains(code, integer_row(row)) for code, row in", "return any(True for code, row in"),
    ("cones", "-1 if q is None else kinds * q + kind", "-1 if q is None else kinds * q"),
    ("barrier", "np.abs(V.T).tolist()", "(2.0 * np.abs(V.T)).tolist()"),
    ("barrier", "total = add(total, multiply(exact(nu[:, :, k]), exact(entry)))", "total = multiply(exact(nu[:, :, k]), exact(entry))"),
    ("barrier", "term = s * entry / N", "term = 2.0 * s * entry / N"),
    ("barrier", "for k, c in enumerate(self.bias):", "for k, c in enumerate(self.bias[:0]):"),
    ("barrier", "pulls = [[v - head[label] for v in head] for label in self.labels] or [head] * N", "pulls = [head] * N"),
    ("barrier", "solved[j * K + label] -= sum(solved[j * K : (j + 1) * K], ZERO)", "pass"),
    ("barrier", "self.constant = fraction(problem.objective.kappa)", "self.constant = 2 * fraction(problem.objective.kappa)"),
    ("rational", "p = [v + (k == label) for k, v in enumerate(row)]", "p = [abs(v) for k, v in enumerate(row)]"),
    ("rational", "require(all(v >= 0 for v in p) and sum(p, ZERO) == 1,", "require(True,"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("module", "old", "new"), BUGS, ids=[f"{i:02d}-{b[0]}" for i, b in enumerate(BUGS)])
def test_seeded_bug_is_killed(module, old, new):
    """A kernel with this bug fails a component check."""
    assert not unnoticed(module, old, new, BARRIER_CHECKS, 3), f"{module}: {old!r} -> {new!r} goes unnoticed"

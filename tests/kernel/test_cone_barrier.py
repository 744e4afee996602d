"""`cone_barrier`: component checks of both evaluations, seeded bugs, invariances, and what the statement refuses."""

from dataclasses import replace

import numpy as np
import pytest

from verifier.kernel import Parameters, check

from .components import run_check
from .cone_barriers import CASES, instance
from .cone_components import CONE_CHECKS
from .loader import kernel
from .seeded import unnoticed

BOTH = ("fast", "reference")


@pytest.mark.parametrize("component", CONE_CHECKS, ids=lambda c: c.__name__.removeprefix("check_"))
def test_component(component):
    """The property in the check's docstring."""
    run_check(component, kernel(), 0)


def _both(problem, claim):
    verdicts = [check(problem, claim, evaluation=e) for e in BOTH]
    assert all(v.accepted for v in verdicts), [v.sentence for v in verdicts]
    return True


@pytest.mark.parametrize("case", CASES, ids=str)
def test_invariances(case):
    """Neurons and samples in another order, heads and rows of other sizes, and targets in units of another power of two, prove the same."""
    problem, claim, *_ = instance(**case)
    rng = np.random.default_rng(0)
    N, m, n = len(problem.X), len(claim.signs), len(claim.directions)
    loose = replace(claim, level=claim.level * (1 - 1e-12), gap=0.0)
    order = rng.permutation(N)
    shuffled = replace(
        loose, nu=np.ascontiguousarray(claim.nu[:, order]),
        slopes=np.ascontiguousarray(claim.slopes.reshape(-1, m, N)[:, :, order].reshape(len(claim.nu), -1)),
    )  # fmt: skip
    assert _both(replace(problem, X=problem.X[order].copy(), targets=problem.targets[order].copy()), shuffled)
    sized = []
    for p in (problem.A, problem.B):
        size = 2.0 ** rng.integers(-4, 5, size=m)
        bias = None if p.biases[-2] is None else p.biases[-2] * size
        weights = (*p.weights[:-2], p.weights[-2] * size[:, None], p.weights[-1] / size)
        sized.append(Parameters(weights, (*p.biases[:-2], bias, p.biases[-1])))
    if problem.objective.penalty != "weight_decay":
        assert _both(replace(problem, A=sized[0], B=sized[1]), loose)
    if problem.objective.loss == "squared":
        o = replace(problem.objective, kappa=4 * problem.objective.kappa)
        larger = [
            Parameters(
                (*p.weights[:-1], 4 * p.weights[-1]),
                (*p.biases[:-1], None if p.biases[-1] is None else 4 * p.biases[-1]),
            )
            for p in (problem.A, problem.B)
        ]
        if problem.objective.penalty != "weight_decay":
            scaled = replace(
                claim, nu=4 * claim.nu, pulls=4 * claim.pulls, level=16 * claim.level * (1 - 1e-12), gap=0.0
            )
            assert _both(replace(problem, objective=o, targets=4 * problem.targets, A=larger[0], B=larger[1]), scaled)
    assert n * m <= 16


def test_what_the_theorem_does_not_cover_is_refused():
    problem, claim, *_ = instance(**CASES[0])
    o, A, B = problem.objective, problem.A, problem.B

    def rejected(problem, claim, words=""):
        for evaluation in BOTH:
            verdict = check(problem, claim, evaluation=evaluation)
            assert not verdict.accepted
            assert words in verdict.why
        return True

    assert rejected(replace(problem, objective=replace(o, penalty="l1")), claim, "rescaling a row changes it")
    assert rejected(replace(problem, negative_slope=0.5), claim, "Leaky ReLU")
    assert rejected(replace(problem, weights=np.ones(len(problem.X))), claim, "without sample weights")
    two = [Parameters((p.weights[0], np.vstack([p.weights[1]] * 2)), (p.biases[0], None)) for p in (A, B)]
    assert rejected(replace(problem, A=two[0], B=two[1], targets=np.hstack([problem.targets] * 2)), claim, "one output")
    assert rejected(replace(problem, objective=replace(o, penalty="none", kappa=0.0)), claim)
    for slope in (np.nextafter(1.0, 2.0), -5e-324, np.nan, np.inf):
        changed = claim.slopes.copy()
        changed[0, 0] = slope
        assert rejected(problem, replace(claim, slopes=changed), "slope")
    assert rejected(problem, replace(claim, start=True))
    assert rejected(problem, replace(claim, faces=claim.faces.astype(np.int32)))


BUGS = [
    ("statements_cone_barrier", "require(bool(claim.inside[claim.start] == 1)", "require(True"),
    ("statements_cone_barrier", "require(claim.goal == -1 or bool(claim.inside[claim.goal] == 0)", "require(True"),
    ("statements_sign_count", "require(bool(((slopes >= 0.0) & (slopes <= 1.0)).all())", "require(True"),
    ("cone_barrier", "require(not _differs(here, claim.signs)", "require(True"),
    ("cone_barrier", "require(_holds(cones, codes[claim.start], claim.directions, here)", "require(True"),
    ("cone_barrier", "require(_holds(cones, codes[claim.goal], claim.directions, there)", "require(True"),
    ("cone_barrier", "require(_differs(there, claim.signs)", "require(True"),
    ("cone_barrier", "needed[i].update(mine)", "needed[i] = set(mine)"),
    ("cone_barrier", "level = max(0.0, min(bounds))", "level = max(0.0, max(bounds))"),
    ("cone_barrier", "require(claim.level <= level,", "require(claim.level <= 2 * level,"),
    ("cone_barrier", "gap = max(0.0, down(claim.level - E))", "gap = level"),
    ("cone_barrier", "for i in range(m):\n            yield p, -1 - i", "for i in range(m - 1):\n            yield p, -1 - i"),
    ("cone_barrier", "(each == FACET).sum(axis=0) == 1", "(each == FACET).sum(axis=0) == 2"),
    ("statements_cone_barrier", "(claim.of_less < duals)).all()), ", "(claim.of_less < duals)).any()), "),
    ("cone_barrier", "if q < 0 and signs[-1 - q] in less:", "if q < 0 and less:"),
    ("cone_barrier", "if q < 0 and signs[-1 - q] in less:", "if signs[-1 - q] in less:"),
    ("cone_barrier", "i = signs.index(sign)", "i = 0"),
    ("cone_barrier", "yield next(numbers), (*part[:i], (), *part[i:])", "next(numbers)"),
    ("cone_barrier", "(*part[:i], (), *part[i:])", "(*part, ())"),
    ("cone_duals", "n = fan.n\n    edges", "n = len(fan.rays) // 2\n    edges"),
    ("cone_duals", "if head != 0.0 and any(row)]", "]"),
    ("cone_duals", "if head != 0.0 and any(row)]", "if any(row)]"),
    ("cone_contacts", "coordinates.append([(x + y) / 2", "coordinates.append([(x + 2 * y) / 3"),
    ("cone_contacts", "kind[a, ~apart] = OVERLAP", "kind[a, ~apart] = APART"),
    ("cone_contacts", "zero: Array = T[:, k] == 0", "zero: Array = T[:, k] != 0"),
    ("cone_contacts", "np.all((t[:, rest] <= 0)", "np.all((t[:, rest] >= 0)"),
    ("cone_contacts", "np.all(s[:, :, rest] <= 0, axis=2) & on", "np.all(s[:, :, rest] >= 0, axis=2) & on"),
    ("cone_contacts", "return tuple(mine if lies_in else other)", "return tuple(other if lies_in else mine)"),
    ("cone_contacts", "for normal in self.normals[cone])", "for normal in self.normals[cone][1:])"),
    ("reference_cone_barrier", "all(s in (0, t) for s, t in zip(neuron_signs(first), signs)), ", "True, "),
    ("reference_cone_barrier", "require(_within(space, cells[claim.start], first)", "require(True"),
    ("reference_cone_barrier", "require(_within(space, cells[claim.goal], second)", "require(True"),
    ("reference_cone_barrier", "require(any(s == -t for s, t", "require(any(s != t for s, t"),
    ("reference_cone_barrier", "mine.update(rays)", "mine.update(rays[:1])"),
    ("reference_cone_barrier", "if q < 0 and signs[-1 - q] in at_once:", "if q < 0 and at_once:"),
    ("reference_cone_barrier", "gone = signs.index(sign)", "gone = 0"),
    ("reference_cone_barrier", "[k if k < gone else k + 1].update(rays)", "[k].update(rays)"),
    ("reference_cone_barrier", "            read += 1\n", "            read += 2\n"),
    ("reference_cone_barrier", "require_at_most(arb(claim.level), bound,", "require_at_most(arb(claim.level), 2 * bound,"),
    ("reference_cone_barrier", "require_at_most(E + arb(claim.gap), arb(claim.level)", "require_at_most(arb(claim.gap), arb(claim.level)"),
    ("reference_cone_barrier", "if sum(shared.n - c[0] for c in common) == 1:", "if sum(shared.n - c[0] for c in common) == 2:"),
    ("reference_cone_barrier", "< shared.n - 1:", "< shared.n:"),
    ("reference_cone_barrier", "kept = [ray for ray, h in zip(rays, heights) if h >= 0]", "kept = [ray for ray, h in zip(rays, heights) if h > 0]"),
    ("reference_cone_barrier", "x * d + y * h for x, y in", "x * h + y * d for x, y in"),
    ("reference_cone_barrier", "if any(determinant([*rays[:k], row, *rays[k + 1 :]]) * volume < 0", "if any(determinant([*rays[:k], row, *rays[k + 1 :]]) < 0"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("module", "old", "new"), BUGS, ids=[f"{i:02d}-{b[0]}" for i, b in enumerate(BUGS)])
def test_seeded_bug_is_killed(module, old, new):
    """A kernel with this bug fails a component check, or takes an attack of the corpus for true."""
    from .attack_components import ATTACK_CHECKS

    assert not unnoticed(module, old, new, [*CONE_CHECKS, *ATTACK_CHECKS], 1), (
        f"{module}: {old!r} -> {new!r} goes unnoticed"
    )

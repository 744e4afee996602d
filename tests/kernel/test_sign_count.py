"""`sign_count_barrier`: component checks of both evaluations, seeded bugs, invariances, and what the statement refuses."""

from dataclasses import replace

import numpy as np
import pytest

from verifier.kernel import Parameters, check

from .components import run_check
from .loader import kernel
from .seeded import unnoticed
from .sign_count_components import SIGN_COUNT_CHECKS, reordered
from .sign_counts import CASES, instance

BOTH = ("fast", "reference")


@pytest.mark.parametrize("component", SIGN_COUNT_CHECKS, ids=lambda c: c.__name__.removeprefix("check_"))
@pytest.mark.parametrize("seed", range(2))
def test_component(component, seed):
    """The property in the check's docstring."""
    run_check(component, kernel(), seed)


def rejected(problem, claim, words=""):
    for evaluation in BOTH:
        verdict = check(problem, claim, evaluation=evaluation)
        assert not verdict.accepted
        assert words in verdict.why
    return True


@pytest.mark.parametrize("case", CASES, ids=str)
def test_invariances(case):
    """Neurons and samples in another order, and inputs, targets, delta and kappa in units of another power of two, prove the same."""
    problem, claim, *_ = instance(**case)
    rng = np.random.default_rng(0)
    A, B = (reordered(p, rng.permutation(len(p.weights[-2]))) for p in (problem.A, problem.B))
    assert _both(replace(problem, A=A, B=B), claim)
    N = len(problem.X)
    order, k = rng.permutation(N), claim.slopes.shape[1] // N
    slopes = (
        np.ascontiguousarray(claim.slopes.reshape(-1, k, N)[:, :, order].reshape(claim.slopes.shape))
        if k
        else claim.slopes
    )
    shuffled = replace(
        claim, nu=np.ascontiguousarray(claim.nu[:, order]), slopes=slopes, gap=0.0, level=claim.level * (1 - 1e-12)
    )
    assert _both(replace(problem, X=problem.X[order].copy(), targets=problem.targets[order].copy()), shuffled)
    # Duals of the wrong samples prove nothing, or less.
    if claim.nu.std() > 0 and case.get("m") != 1:
        for evaluation in BOTH:
            wrong = replace(claim, nu=np.ascontiguousarray(np.roll(claim.nu, 1, axis=1)))
            assert not check(problem, wrong, evaluation=evaluation).accepted
    if problem.objective.loss in ("squared", "absolute", "huber") and problem.A.biases[0] is None:
        # x -> 8 x, rows -> rows / 8: the same F without penalty.
        smaller = [Parameters((p.weights[0] / 8, *p.weights[1:]), p.biases) for p in (problem.A, problem.B)]
        assert _both(replace(problem, X=8 * problem.X, A=smaller[0], B=smaller[1]), claim)
    if len(problem.A.weights) > 2:
        # Features times 2^17, the rows that read them times 2^-17: the same functions, directions in other units.
        below = [
            replace(
                p,
                weights=(*p.weights[:-3], np.ldexp(p.weights[-3], 17), np.ldexp(p.weights[-2], -17), p.weights[-1]),
                biases=(*p.biases[:-3], np.ldexp(p.biases[-3], 17), *p.biases[-2:]),
            )
            for p in (problem.A, problem.B)
        ]
        directions = claim.directions.copy()
        directions[:, : problem.A.weights[-2].shape[1]] = np.ldexp(directions[:, : problem.A.weights[-2].shape[1]], -17)
        assert _both(replace(problem, A=below[0], B=below[1]), replace(claim, directions=directions))
    if problem.objective.loss == "squared":
        # y -> 4 y, heads -> 4 heads, kappa -> 4 kappa: F -> 16 F.
        o = replace(problem.objective, kappa=4 * problem.objective.kappa)
        larger = [
            Parameters(
                (*p.weights[:-1], 4 * p.weights[-1]),
                (*p.biases[:-1], None if p.biases[-1] is None else 4 * p.biases[-1]),
            )
            for p in (problem.A, problem.B)
        ]
        scaled = replace(claim, nu=4 * claim.nu, pulls=4 * claim.pulls, level=16 * claim.level * (1 - 1e-12), gap=0.0)
        assert _both(replace(problem, objective=o, targets=4 * problem.targets, A=larger[0], B=larger[1]), scaled)


def _both(problem, claim):
    verdicts = [check(problem, claim, evaluation=e) for e in BOTH]
    assert all(v.accepted for v in verdicts), [v.sentence for v in verdicts]
    return True


def test_what_the_theorem_does_not_cover_is_refused():
    problem, claim, *_ = instance(**CASES[3])
    o, A, B = problem.objective, problem.A, problem.B
    assert rejected(replace(problem, objective=replace(o, penalty="l1")), claim, "rescaling a row changes it")
    assert rejected(replace(problem, negative_slope=0.5), claim, "Leaky ReLU")
    assert rejected(replace(problem, weights=np.ones(len(problem.X))), claim, "without sample weights")
    two = [Parameters((p.weights[0], np.vstack([p.weights[1]] * 2)), p.biases) for p in (A, B)]
    assert rejected(replace(problem, A=two[0], B=two[1], targets=np.hstack([problem.targets] * 2)), claim, "one output")
    deep = [Parameters((p.weights[0], np.eye(2), p.weights[1]), (p.biases[0], None, p.biases[1])) for p in (A, B)]
    none = replace(o, penalty="none", kappa=0.0)
    assert rejected(replace(problem, objective=none, A=deep[0], B=deep[1]), claim, "one hidden layer")
    assert rejected(replace(problem, objective=none), claim)
    for slopes in (np.nextafter(1.0, 2.0), -5e-324, np.nan, np.inf):
        changed = claim.slopes.copy()
        changed[0, 0] = slopes
        assert rejected(problem, replace(claim, slopes=changed), "slope")
    assert rejected(problem, replace(claim, positive=True))
    assert rejected(problem, replace(claim, nu=claim.nu.astype(np.float32)))


BUGS = [
    ("statements_sign_count", "require(bool(((slopes >= 0.0) & (slopes <= 1.0)).all())", "require(True"),
    ("statements_kept", 'output_layer in ("trained", kept_word("trained", "frozen"))', "True"),
    ("statements_kept", "keeps_below(output_layer) == (len(A.weights) > 2)", "True"),
    ("statements_kept", "require(np.array_equal(W, V) and same_biases(a, b)", "require(same_biases(a, b)"),
    ("statements_kept", "require(np.array_equal(W, V) and same_biases(a, b)", "require(np.array_equal(W, V)"),
    ("last_inputs", "max(z + c, ZERO)", "z + c"),
    ("last_inputs", "zip(A.weights[:-2], A.biases[:-2])", "zip(A.weights[:0], A.biases[:0])"),
    ("last_inputs", "np.zeros_like(mid) if same else", "np.zeros_like(mid) if True else"),
    ("reference_last_inputs", "dot(list(map(Fraction, w)), h) + Fraction(c)", "dot(list(map(Fraction, w)), h)"),
    ("reference_last_inputs", "out.append(h if p.biases[-2] is None else [*h, Fraction(1)])", "out.append([*h, Fraction(1)])"),
    ("sign_count", "a[0] > positive and b[1] > m - 1 - positive", "a[0] > positive or b[1] > m - 1 - positive"),
    ("sign_count", "(b[0] > positive and a[1] > m - 1 - positive)", "(b[0] > positive and a[1] >= m - 1 - positive)"),
    ("cone_duals", "if head != 0.0 and any(row)]", "if head != 0.0]"),
    ("sign_count", "sum(head > 0.0 for", "sum(head != 0.0 for"),
    ("sign_count", "sum(head < 0.0 for", "sum(head != 0.0 for"),
    ("sign_count", "require(many_of_both,", "require(True,"),
    ("sign_count", "level = max(0.0, min(", "level = max(0.0, max("),
    ("sign_count", "require(claim.level <= level,", "require(claim.level <= 2 * level,"),
    ("sign_count", "gap = max(0.0, down(claim.level - E))", "gap = level"),
    ("sign_count", "gap = max(0.0, down(claim.level - E))", "gap = max(0.0, down(level - E))"),
    ("cone_duals", "require(fmpq_mat(n, n, [v for ray in rays[:n] for v in ray]).rank() == n", "require(True"),
    ("cone_duals", "(x + y) / 2 for x, y in", "(x + 2 * y) / 3 for x, y in"),
    ("cone_duals", "exact(np.full_like(whole.mid, 0.5))", "exact(np.full_like(whole.mid, 0.25))"),
    ("cone_duals", "require(not waiting,", "require(True,"),
    ("cone_duals", "mid if slot == end else ray for slot", "mid if slot == a else ray for slot"),
    ("cone_duals", "signed = nu if sign > 0 else -nu", "signed = nu"),
    ("cone_duals", "require(bool(sum((v * v for v in w), ZERO) <= limit * limit)", "require(bool(sum((v * v for v in w), ZERO) <= limit)"),
    ("cone_duals", "push = N * sum((a * b", "push = sum((a * b"),
    ("cone_duals", "require(bool(weight >= push)", "require(True"),
    ("cone_duals", "if not q >= up(", "if q >= up("),
    ("cone_duals", "if o.penalise_output_bias:", "if o.kappa > 0.0:"),
    ("cone_duals", "require(bool(abs(whole) <= N * fraction(o.kappa))", "require(bool(whole <= N * fraction(o.kappa))"),
    ("cone_duals", "require(math.fsum(nu.tolist()) == 0.0", "require(abs(math.fsum(nu.tolist())) <= 1e-3"),
    ("cone_duals", "rising = multiply(exact(np.maximum(signed, 0.0)[:, None]), exact(slopes[:, None]))", "rising = exact(np.maximum(signed, 0.0)[:, None])"),
    ("cone_duals", "matmul(D, rising)", "matmul(relu(D, 0.0), rising)"),
    ("cone_duals", "matmul(relu(D, 0.0), falling)", "matmul(D, falling)"),
    ("cone_duals", "total += fraction(v) * fraction(slope) * d", "total += fraction(v) * d"),
    ("cone_duals", "elif v < 0.0 and d > 0:", "elif v < 0.0 and d < 0:"),
    ("reference_sign_count", "x.count(1) >= p + 1 and y.count(-1) >= stay + 1 - p", "x.count(1) >= p and y.count(-1) >= stay + 1 - p"),
    ("reference_cone_duals", "silent = head == 0.0 or all(v == 0 for v in row)", "silent = head == 0.0"),
    ("reference_last_inputs", "[Fraction(v) for v in [*row, *shift]]", "[Fraction(v) for v in row]"),
    ("reference_sign_count", "require(any(crosses),", "require(True,"),
    ("reference_sign_count", 'require_at_most(arb(claim.level), bound,', 'require_at_most(arb(claim.level), 2 * bound,'),
    ("reference_sign_count", "require_at_most(E + arb(claim.gap), arb(claim.level)", "require_at_most(arb(claim.gap), arb(claim.level)"),
    ("reference_cone_duals", "for orthant in range(1 << (n * neurons)):", "for orthant in range(1 << (n * neurons - 1)):"),
    ("reference_cone_duals", "half[i][drop] = between", "half[i][b] = between"),
    ("reference_cone_duals", "require(determinant(self.directions) != 0", "require(True"),
    ("reference_sign_count", "kept = [1 if i < p else -1 for i in range(stay)]", "kept = [1] * stay"),
    ("reference_cone_duals", "require(sum(v * v for v in w) <= Fraction(o.kappa) ** 2", "require(sum(v * v for v in w) <= Fraction(o.kappa)"),
    ("reference_cone_duals", "total += sign * v * slope * d", "total += (sign * v * d) << slopes.e"),
    ("reference_cone_duals", "pushed = N * sum(", "pushed = sum("),
    ("reference_cone_duals", "require(Fraction(total) >= pushed * 2**scale", "require(True"),
    ("reference_cone_duals", "price = Fraction(o.kappa) if o.penalise_output_bias else Fraction(0)", "price = Fraction(o.kappa)"),
    ("reference_cone_duals", "require(abs(total_dual) <= N * price", "require(total_dual <= N * price"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("module", "old", "new"), BUGS, ids=[f"{i:02d}-{b[0]}" for i, b in enumerate(BUGS)])
def test_seeded_bug_is_killed(module, old, new):
    """A kernel with this bug fails a component check."""
    assert not unnoticed(module, old, new, SIGN_COUNT_CHECKS, 3), f"{module}: {old!r} -> {new!r} goes unnoticed"

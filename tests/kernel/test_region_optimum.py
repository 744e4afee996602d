"""`region_optimum`: component checks, both evaluations, seeded bugs."""

from dataclasses import replace

import pytest

from verifier.kernel import check

from .components import run_check
from .loader import kernel
from .oracle import falsehood
from .region_optimum_components import REFERENCE_CHECKS, REGION_OPTIMUM_CHECKS, claims
from .seeded import unnoticed


@pytest.mark.parametrize(
    "component", REGION_OPTIMUM_CHECKS + REFERENCE_CHECKS, ids=lambda c: c.__name__.removeprefix("check_")
)
@pytest.mark.parametrize("seed", range(2))
def test_component(component, seed):
    """The property in the check's docstring."""
    run_check(component, kernel(), seed)


def test_two_evaluations_agree():
    """Reference accepts what fast accepts, refuses what lies beyond, and the oracle finds nothing against what is accepted."""
    for problem, claim in claims():
        width = claim.upper - claim.lower
        beyond = replace(claim, lower=claim.upper + width, upper=claim.upper + 2 * width)
        beneath = replace(claim, lower=0.0, upper=max(0.0, claim.lower - width))
        for evaluation in ("fast", "reference"):
            verdict = check(problem, claim, evaluation=evaluation)
            assert verdict.accepted, verdict.sentence
            assert not check(problem, beyond, evaluation=evaluation).accepted
            assert not check(problem, beneath, evaluation=evaluation).accepted
        assert falsehood(problem, claim) is None


def test_the_oracle_has_teeth():
    """Intervals a little above or below the minimum are called false."""
    for problem, claim in claims():
        high = replace(claim, lower=1.01 * claim.upper + 1e-6, upper=2 * claim.upper + 1e-5)
        assert falsehood(problem, high) is not None
        assert falsehood(problem, replace(claim, lower=0.0, upper=0.99 * claim.lower)) is not None


@pytest.mark.parametrize("k", [-300, -40, 40, 300])
def test_powers_of_two_change_nothing(k):
    """Inputs times 2^k and rows divided by it without a penalty on rows; rows divided by 2^k and heads times it under the path penalty: the same claim."""
    for problem, claim in claims():
        penalty, by = problem.objective.penalty, 2.0**k
        if claim.of != "A" or problem.A.biases[0] is not None or penalty not in ("none", "path"):
            continue
        W, theta = problem.A.weights
        if penalty == "none":
            A, X = replace(problem.A, weights=(W / by, theta)), problem.X * by
            scaled = replace(claim, point=claim.point / by, row_limits=claim.row_limits / by)
        else:
            A, X = replace(problem.A, weights=(W / by, theta * by)), problem.X
            scaled = replace(claim, point=claim.point / by, multipliers=claim.multipliers * by)
        for evaluation in ("fast", "reference"):
            verdict = check(replace(problem, A=A, B=A, X=X), scaled, evaluation=evaluation)
            assert verdict.accepted, verdict.sentence
            wrong = replace(scaled, lower=1.01 * claim.upper, upper=2 * claim.upper)
            assert not check(replace(problem, A=A, B=A, X=X), wrong, evaluation=evaluation).accepted


BUGS = [
    # signs and region
    ("region_optimum", "np.where(u.mid > u.rad, 1,", "np.where(u.mid > 0.0, 1,"),
    ("region_optimum", "np.where(u.mid < -u.rad, -1, 0)", "np.where(u.mid < 0.0, -1, 0)"),
    ("region_optimum", "found[i, j] = (s > 0) - (s < 0)", "found[i, j] = 0"),
    ("region_optimum", "require(bool((s[active[:, 0], active[:, 1]] == 0).all()),", "require(True,"),
    ("region_optimum", "    a[active[:, 0], active[:, 1]] = True\n", "    pass\n"),
    ("region_optimum", "a = s > 0", "a = s >= 0"),
    ("region_optimum", "require(bool(inside.all()),", "require(True,"),
    ("region_optimum", "np.where(a, 1, -1) * signs(claim.point, X) >= 0", "signs(claim.point, X) >= -1"),
    ("region_optimum", 'require(short, "a row', 'require(True, "a row'),
    ("region_optimum", "np.flatnonzero(~(size <= claim.row_limits))", "np.flatnonzero(~(size <= 2 * claim.row_limits))"),
    ("region_optimum", "row_norms(exact(claim.point))", "row_norms(exact(0.5 * claim.point))"),
    ("region_optimum", "c = p.biases[1] if claim.point_bias is None else claim.point_bias", "c = p.biases[1]"),
    # residuals
    ("region_optimum", "Ball(nu.mid * a, nu.rad * a)", "nu"),
    ("region_optimum", "mu[i, j] = np.where(a[i, j], claim.multipliers, -claim.multipliers)", "mu[i, j] = claim.multipliers"),
    ("region_optimum", "push = multiply(push,", "push = multiply(Ball(0.5 * push.mid, push.rad),"),
    ("region_optimum", "matmul(exact(p.weights[1].T), transpose", "matmul(exact(np.abs(p.weights[1].T)), transpose"),
    ("region_optimum", "magnitude(row_norms(subtract(pull, push)))", "magnitude(row_norms(subtract(pull, push))) / 2"),
    # costs
    ("region_optimum", "down(o.kappa * low) / INFLATE / INFLATE", "down(2 * o.kappa * low)"),
    ("region_optimum", "return up(up(up(worst / low) * level) / o.kappa) if worst > 0.0 else 0.0", "return 0.0"),
    ("region_optimum", "np.where(heads > 0.0, heads, 1.0)).max()", "np.where(heads > 0.0, heads, 1.0)).min()"),
    ("region_optimum", "/ down(2.0 * o.kappa))", "/ down(4.0 * o.kappa))"),
    ("region_optimum", "(size * claim.row_limits * INFLATE + TINY)", "(size * claim.row_limits * 0.5)"),
    ("region_optimum", "room = down(o.kappa * low) if o.penalise_output_bias else 0.0", "room = down(o.kappa * low)"),
    ("region_optimum", "    if not any(over):\n", "    if True:\n"),
    ("region_optimum", "require(claim.bias_limit is not None,", "require(True,"),
    ("region_optimum", "return up(up(sum_upper(over) / low) * claim.bias_limit)", "return 0.0"),
    ("region_optimum", "return up(up(up(max(over) / low) * level) / o.kappa)", "return 0.0"),
    # what is kept
    ("region_optimum", "terms.append(down(term / (high if term >= 0.0 else low)))", "pass"),
    ("region_optimum", "sum_lower(np.abs(head).ravel().tolist())", "2 * float(np.abs(head).sum())"),
    ("region_optimum", "o.kappa * weight_decay(", "2 * o.kappa * weight_decay("),
    ("region_optimum", "o.kappa * max(0.0, sum_lower(np.abs(c).tolist()))", "2 * o.kappa * float(np.abs(c).sum())"),
    # ends
    ("region_optimum", "down(down(dual + kept_share(problem, claim, p)) - cost)", "dual + kept_share(problem, claim, p)"),
    ("region_optimum", "require(claim.lower <= dual,", "require(not (claim.lower > 2 * dual),"),
    ("region_optimum", "require(primal <= claim.upper,", "require(True,"),
    # statement
    ("statements_region_optimum", 'require(bool((claim.multipliers >= 0.0).all()), "a multiplier is negative")', "pass"),
    ("statements_region_optimum", 'require(len(np.unique(pairs, axis=0)) == len(pairs), f"{name} names a pair twice")', "pass"),
    ("statements_region_optimum", 'require(bool(np.abs(claim.point_bias).max() <= claim.bias_limit),', "require(True,"),
    ("statements_region_optimum", '(claim.row_limits is not None) == (o.penalty in ("none", "l1"))', "True"),
    ("statements_region_optimum", 'require(free and not o.penalise_output_bias,', "require(True,"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("module", "old", "new"), BUGS, ids=[f"{i:02d}-{b[0]}" for i, b in enumerate(BUGS)])
def test_seeded_bug_is_killed(module, old, new):
    """A kernel with this bug fails a component check."""
    assert not unnoticed(module, old, new, REGION_OPTIMUM_CHECKS, 2), f"{module}: {old!r} -> {new!r} goes unnoticed"


REFERENCE_BUGS = [
    ("if not any(w) or not any(x):\n        return 0", "if True:\n        return 0"),
    ('require(sides[i][j] == 0, "an active pair is not on the boundary")', "pass"),
    ("sides[i][j] = 2", "sides[i][j] = 0"),
    ("require(all(s * t >= 0 for", "require(all(s * t >= -1 for"),
    ("arb(limit) ** 2", "arb(2 * limit) ** 2"),
    ("over = over.max(norm(r) / l1_norm(head) - kappa)", "over = over.max(norm(r) / l1_norm(head) - 2 * kappa)"),
    ("ZERO) / (2 * kappa)", "ZERO) / (4 * kappa)"),
    ("below -= norm(r) * arb(float(claim.row_limits[i]))", "pass"),
    ("below += sum((rational(s * Fraction(v))", "below -= sum((rational(s * Fraction(v))"),
    ("over = over.max(rational(abs(s) - Fraction(o.kappa)))", "pass"),
    ("below -= arb(claim.bias_limit) * rational(sum(map(abs, sums), Fraction(0)))", "pass"),
    ("require(not any(sums),", "require(True,"),
    ("return below - positive(over) * least / kappa if not over.is_zero() else below", "return below"),
    ("line[j] = line[j] if s > 0 else ZERO", "pass"),
    ("pulls[i][j] -= arb(mu) * sides[i][j]", "pulls[i][j] -= arb(mu)"),
    ("nu = [[s / whole * Fraction(v)", "nu = [[Fraction(v) / (2 * len(X))"),
    ('require_at_most(above, arb(claim.upper), "the upper end is not certain")', "pass"),
    ('require_at_most(arb(claim.lower), below, "the lower end is not certain")', "pass"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("old", "new"), REFERENCE_BUGS, ids=[f"{i:02d}" for i in range(len(REFERENCE_BUGS))])
def test_seeded_bug_of_the_reference_is_killed(old, new):
    """A reference evaluation with this bug fails the same checks."""
    assert not unnoticed("reference_region_optimum", old, new, REFERENCE_CHECKS, 2), (
        f"{old!r} -> {new!r} goes unnoticed"
    )

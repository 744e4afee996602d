"""`every_width_lower_bound`: component checks, both evaluations, networks of many widths against the bound, seeded bugs."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize

from verifier.kernel import Parameters, check
from verifier.kernel.fast.forward import objective_at

from .components import run_check
from .every_width_components import EVERY_WIDTH_CHECKS, REFERENCE_CHECKS, SETTINGS, by_reference, claims, instance
from .loader import kernel
from .oracle import falsehood
from .seeded import unnoticed

NAMES = {"ids": lambda c: c.__name__.removeprefix("check_")}


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("component", EVERY_WIDTH_CHECKS, **NAMES)
def test_component(component, seed):
    """The property in the check's docstring."""
    run_check(component, kernel(), seed)


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("component", REFERENCE_CHECKS, **NAMES)
def test_component_of_the_reference(component, seed):
    """The same for the second evaluation."""
    run_check(component, by_reference(kernel()), seed)


def test_two_evaluations_agree_and_the_oracle_finds_nothing():
    for problem, claim, known in claims():
        for evaluation in ("fast", "reference"):
            assert check(problem, claim, evaluation=evaluation).accepted
        assert falsehood(problem, claim) is None
        assert falsehood(problem, replace(claim, lower=1.3 * known + 1e-9)) is not None


@pytest.mark.parametrize(
    "index", [i if i % 2 else pytest.param(i, marks=pytest.mark.slow) for i in range(len(SETTINGS))]
)
def test_no_network_of_any_width_lies_below(index):
    """Trained from random starts, widths 1 to 12, smooth steps by L-BFGS; the kernel's own enclosure judges the end."""
    problem, claim, _ = instance(index)
    if problem.objective.loss not in ("squared", "logistic"):
        return
    rng = np.random.default_rng(index)
    d, K, (b, c) = problem.X.shape[1], len(problem.A.weights[1]), problem.A.biases
    for m in (1, 3, 12):
        sizes = [m * d, K * m, m if b is not None else 0, K if c is not None else 0]

        def network(x, m=m, sizes=sizes):
            W, theta, first, last = np.split(x, np.cumsum(sizes)[:-1])
            return Parameters(
                (W.reshape(m, d), theta.reshape(K, m)), (None if b is None else first, None if c is None else last)
            )

        value = lambda x: objective_at(problem, network(x)).upper
        x = minimize(value, rng.normal(size=sum(sizes)), method="L-BFGS-B", options={"maxiter": 60}).x
        assert value(x) >= claim.lower


@pytest.mark.parametrize("k", [-200, -30, 30, 200])
def test_powers_of_two_change_nothing(k):
    """Inputs times 2^k and kappa too, without a bias in the first layer: the same bound by the same dual."""
    for problem, claim, known in claims():
        if problem.A.biases[0] is not None or claim.factor is not None:
            continue
        o = replace(problem.objective, kappa=problem.objective.kappa * 2.0**k)
        scaled = replace(problem, X=problem.X * 2.0**k, objective=o)
        for evaluation in ("fast", "reference"):
            assert check(scaled, claim, evaluation=evaluation).accepted
            assert not check(scaled, replace(claim, lower=1.01 * known), evaluation=evaluation).accepted
            assert not check(replace(problem, X=problem.X * 2.0), claim, evaluation=evaluation).accepted


def test_order_of_samples_means_nothing():
    for problem, claim, _ in claims():
        order = np.random.default_rng(0).permutation(len(problem.X))
        weights = None if problem.weights is None else problem.weights[order]
        shuffled = replace(problem, X=problem.X[order], targets=problem.targets[order], weights=weights)
        arrays = {n: getattr(claim, n) for n in ("raised", "lowered", "curved")}
        moved = replace(
            claim,
            nu=claim.nu[order],
            **{n: None if a is None else np.ascontiguousarray(a[:, order]) for n, a in arrays.items()},
        )
        assert check(shuffled, replace(moved, lower=claim.lower * (1 - 1e-9))).accepted
        assert not check(shuffled, replace(claim, lower=claim.lower)).accepted


BUGS = [
    ("(lower(Z) >= 0.0).all(axis=1)", "(lower(Z) >= 0.0).any(axis=1)"),
    ("(upper(Z) <= 0.0).all(axis=1)", "(upper(Z) <= 0.0).any(axis=1)"),
    ("bent = (mixed & positive)[left][:, None, :]", "bent = (mixed & ~positive)[left][:, None, :]"),
    ("top = upper(Ball(", "top = 0.995 * upper(Ball("),
    ("(top <= reach).all(axis=1)", "(top <= reach).any(axis=1)"),
    ("done[np.flatnonzero(left)[found]] = True", "done[np.flatnonzero(left)] = True"),
    ("cones = cones[~np.concatenate(done)]", "cones = cones[~np.concatenate(done)][:1]"),
    ("itertools.product((1.0, -1.0), repeat=n)", "itertools.product((1.0,), repeat=n)"),
    ("halves.append(half)", "halves.append(halves[0] if side else half)"),
    ("p = Ball(sign * pull.mid", "p = Ball(pull.mid"),
    ("room = down(room / up(math.sqrt(K)))", "pass"),
    ("np.where(flat, 1.0, finite(4.0 * curve))", "np.where(flat, 1.0, finite(8.0 * curve))"),
    ("if bool((flat & (size > 0.0)).any()):\n        return False", "pass"),
    ("corner = down(down(room - tau) - sum_upper(q.tolist()))", "corner = down(room - tau)"),
    ("corner = down(down(room - tau) - sum_upper(q.tolist()))", "corner = down(room - sum_upper(q.tolist()))"),
    ("side = subtract(exact(fall), half)", "side = exact(fall)"),
    ("for more in (fall, claim.raised[row]):", "for more in (claim.raised[row],):"),
    ("block = subtract(exact(tau * np.eye(n)), square)", "block = exact(tau * np.eye(n))"),
    ("M[0, 1:] = M[1:, 0] = b.mid[0] / 2.0", "M[0, 1:] = M[1:, 0] = b.mid[0] / 4.0"),
    ("return all(d >= sum_upper(line)", "return any(d >= sum_upper(line)"),
    ('require(all(s <= most for s in bias_sums(problem, claim.nu)), "the dual pulls at the output bias")', "pass"),
    ("require(claim.lower <= dual, f", "require(True, f"),
    ("losses.conjugate_mean_upper(o, claim.nu, problem.targets, problem.weights)", "losses.conjugate_mean_upper(o, claim.nu, problem.targets)"),
    ("room = down(o.kappa * low)", "room = down(2 * o.kappa * low)"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), BUGS, ids=[f"{i:02d}" for i in range(len(BUGS))])
def test_seeded_bug_is_killed(old, new):
    """A kernel with this bug fails a component check."""
    assert not unnoticed("every_width", old, new, EVERY_WIDTH_CHECKS, 2), f"{old!r} -> {new!r} goes unnoticed"


REFERENCE_BUGS = [
    ("if min(z) >= 0:", "if max(z) >= 0:"),
    ("            elif max(z) > 0:", "            elif sum(z) > 0:"),
    ("if self.p[j] > 0 < z)", "if z > 0)"),
    ("falling = [t for t, j in enumerate(mixed) if self.p[j] < 0]", "falling = list(range(len(mixed)))"),
    ("return all(top <= SHARES", "return any(top <= SHARES"),
    ("itertools.product((1, -1), repeat=n)", "itertools.product((1,), repeat=n)"),
    ("for k in (a, b):\n            half", "for k in (a, a):\n            half"),
    ("        room *= share", "        pass"),
    ("corner -= e * e / (4 * arb(c))", "corner -= e * e / (8 * arb(c))"),
    ("corner, side = room - tau, []", "corner, side = room, []"),
    ("side.append(arb(down) - e / 2)", "side.append(arb(down))"),
    ("e = rational(pull + Fraction(up) + Fraction(down))", "e = rational(pull + Fraction(up))"),
    ("require_at_most(off, line[i],", "require_at_most(-off, line[i],"),
    ("for side, sign in enumerate((1, -1)):", "for side, sign in enumerate((1, 1)):"),
    ('require(all(abs(sum(c, Fraction(0))) <= most for c in columns), "the dual pulls at the output bias")', "pass"),
    ('require_at_most(arb(claim.lower), below, "the lower bound is not certain")', "pass"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("old", "new"), REFERENCE_BUGS, ids=[f"{i:02d}" for i in range(len(REFERENCE_BUGS))])
def test_seeded_bug_of_the_reference_is_killed(old, new):
    """A reference evaluation with this bug fails the same checks."""
    checks = [lambda K, rng, c=c: c(by_reference(K), rng) for c in REFERENCE_CHECKS]
    assert not unnoticed("reference_every_width", old, new, checks, 2), f"{old!r} -> {new!r} goes unnoticed"

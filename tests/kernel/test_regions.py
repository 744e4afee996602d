"""`region_minimum` and `jacobian_rank`: component checks, both evaluations, seeded bugs."""

from dataclasses import replace

import pytest

from verifier.kernel import check

from .components import run_check
from .loader import kernel
from .oracle import falsehood
from .region_components import REGION_CHECKS, claims
from .seeded import unnoticed


@pytest.mark.parametrize("component", REGION_CHECKS, ids=lambda c: c.__name__.removeprefix("check_"))
@pytest.mark.parametrize("seed", range(3))
def test_component(component, seed):
    """The property in the check's docstring."""
    run_check(component, kernel(), seed)


def test_two_evaluations_agree():
    """Reference accepts what fast accepts, and refuses what lies beyond."""
    for problem, claim, rank, value in claims():
        for c in (claim, rank):
            assert check(problem, c).accepted
            verdict = check(problem, c, evaluation="reference")
            assert verdict.accepted, verdict.sentence
        assert not check(problem, replace(rank, full=not rank.full), evaluation="reference").accepted
        if claim.verdict == "positive":
            above = replace(claim, lower=value * (1 + 1e-6), upper=10.0 + value)
            assert not check(problem, above, evaluation="reference").accepted
        else:
            other = "zero_inside" if claim.verdict == "zero_on_boundary" else "zero_on_boundary"
            assert not check(problem, replace(claim, verdict=other), evaluation="reference").accepted


@pytest.mark.parametrize("scale", [1.0, 2.0**-1060, 2.0**900])
def test_the_oracle_believes_no_solver_on_data_of_any_size(scale):
    """True claims are not called false on inputs of 1e-319 or 1e271, where the solver's float64 fails; an interval above the minimum is."""
    for problem, claim, _, value in claims():
        if claim.verdict == "positive" and value > 1e-3:
            problem = replace(problem, X=problem.X * scale)
            if scale >= 1:  # denormals lose bits and have another minimum
                assert falsehood(problem, replace(claim, lower=0.99 * value, upper=1.01 * value)) is None
            assert falsehood(problem, replace(claim, lower=1.5 * value + 1, upper=1e9)) is not None
        elif claim.verdict == "zero_inside":
            scaled = replace(problem, X=problem.X * scale)
            assert check(scaled, claim).accepted <= (falsehood(scaled, claim) is None)


BUGS = [
    ("regions", "inside = u >= 0 if self.a[i][j] else u <= 0", "inside = True"),
    ("regions", "inside = inside and u != 0", "pass"),
    ("regions", "right = list(self.y)", "right = [ZERO] * self.N"),
    ("regions", "(f - self.y[j]) ** 2", "(f - self.y[j]) ** 2 / 2"),
    ("regions", "for i in range(self.m) if self.a[i][j]), ZERO)", "for i in range(self.m)), ZERO)"),
    ("regions", "row[j] = self.head[i] * self.X[j][e]", "row[j] = self.X[j][e]"),
    ("regions", "(1 - 2 * self.a[i][j]) * self.X[j][e]", "-self.X[j][e]"),
    ("regions", "equations.append([*self.y, *([ZERO] * (m * N))])", "pass"),
    ("regions", "require(all(bool(v >= 0) for v in solved[N:])", "require(True"),
    ("regions", "require(used,", "require(True,"),
    ("regions", "v * v / 4 + v * t", "v * v / 8 + v * t"),
    ("regions", "bool(fraction(claim.lower) <= lower),", "True,"),
    ("regions", "bool(upper <= fraction(claim.upper)),", "True,"),
    ("regions", "rows[j][e] % PRIME if a[i][j] else 0", "rows[j][e] % PRIME"),
    ("regions", "require(rank == N,", "require(rank <= N,"),
    ("regions", "fractions[j][e] if a[i][j] else ZERO", "ZERO"),
    ("regions", "require(any(v != 0 for v in null)", "require(True"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("module", "old", "new"), BUGS, ids=[f"{i:02d}-{b[0]}" for i, b in enumerate(BUGS)])
def test_seeded_bug_is_killed(module, old, new):
    """A kernel with this bug fails a component check."""
    assert not unnoticed(module, old, new, REGION_CHECKS, 3), f"{module}: {old!r} -> {new!r} goes unnoticed"

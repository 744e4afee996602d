"""Component checks of `region_minimum` and `jacobian_rank`: true claims hold, no changed one is accepted once it is false."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from verifier.kernel.statements import augmented_inputs

from .barrier_components import of_kernel
from .components import Kernel


@cache
def claims():
    """[(problem, region claim, rank claim, least float minimum)] of small random regions, each verdict several times."""
    from tests.regions.instances import kernel_problem, random_program
    from verifier.regions.decide import decide
    from verifier.regions.rank import region_rank
    from verifier.regions.region_claims import jacobian_rank_claim, region_minimum_claim

    rng, out, seen = np.random.default_rng(5), [], {}
    while len(out) < 16:
        X, bias, program = random_program(rng, largest_d=2, largest_N=6, largest_m=4)
        found = decide(program)
        if seen.get(found.verdict, 0) >= 6:
            continue
        seen[found.verdict] = seen.get(found.verdict, 0) + 1
        rank = jacobian_rank_claim(
            program.arrangement, program.pattern, region_rank(program.arrangement, program.pattern), "r"
        )
        out.append((kernel_problem(X, program.targets, bias), region_minimum_claim(found, "m"), rank, found.residual))
    assert len(seen) == 3
    return out


def mine(K: Kernel):
    for problem, claim, rank, value in claims():
        o = of_kernel(K, problem.objective, K.statements.Objective)
        A = of_kernel(K, problem.A, K.statements.Parameters)
        own = K.statements.Problem(o, problem.X, problem.targets, A, A)
        yield (
            own,
            of_kernel(K, claim, K.statements.RegionMinimum),
            of_kernel(K, rank, K.statements.JacobianRank),
            value,
        )


def accepted(K: Kernel, problem, claim) -> bool:
    return K.check.check(problem, claim).accepted


def check_region_verdicts(K: Kernel, rng: np.random.Generator) -> None:
    """True claims are accepted; a verdict is never accepted in another's place, nor an interval that misses the minimum."""
    for problem, claim, _, value in mine(K):
        assert accepted(K, problem, claim)
        empty = np.zeros(0, dtype=np.int64)
        none = {"point_basis": empty, "tight": np.zeros((0, 2), dtype=np.int64)}
        for verdict in ("zero_inside", "zero_on_boundary"):
            if claim.verdict != verdict:
                assert not accepted(K, problem, replace(claim, verdict=verdict, lower=0.0, upper=0.0))
                assert not accepted(K, problem, replace(claim, verdict=verdict, lower=0.0, upper=0.0, **none))
        if claim.verdict == "zero_on_boundary":
            silent = replace(claim, nu=0 * claim.nu, multipliers=0 * claim.multipliers, dual_basis=empty)
            assert not accepted(K, problem, silent)
        if claim.verdict == "positive":
            assert not accepted(K, problem, replace(claim, lower=value * (1 + 1e-6), upper=10.0 + value))
            assert not accepted(K, problem, replace(claim, lower=0.0, upper=value * (1 - 1e-6), verdict="interval"))
            far = replace(
                claim,
                point=claim.point - 10 * np.abs(claim.point).max(initial=1.0) * rng.normal(size=claim.point.shape),
            )
            if accepted(K, problem, replace(far, verdict="interval", upper=1e9)):
                assert accepted(K, problem, claim)
                assert K.regions.check_region(problem, replace(far, verdict="interval", upper=1e9))[
                    "upper"
                ] >= value * (1 - 1e-9)


def check_region_duals(K: Kernel, rng: np.random.Generator) -> None:
    """However a dual is changed, no lower end above the minimum is accepted; nor a zero loss kept out of a region that has one."""
    for problem, claim, _, value in mine(K):
        if claim.verdict == "zero_inside":
            # Any dual at all: the minimum is 0, and it is taken inside.
            (m, N), n = claim.pattern.shape, claim.point.shape[1]
            for _ in range(6):
                nu, mu = rng.normal(size=N), np.abs(rng.normal(size=(m, N))) * (rng.random((m, N)) < 0.5)
                basis = rng.permutation(N + m * N)[: int(rng.integers(0, m * n + 2))]
                changed = replace(claim, nu=nu, multipliers=mu, dual_basis=basis)
                for verdict in ("positive", "interval"):
                    more = {"point_basis": basis[:0], "tight": claim.tight[:0], "upper": 1e9}
                    assert not accepted(
                        K, problem, replace(changed, verdict=verdict, lower=1e-9, point=0 * claim.point, **more)
                    )
                assert not accepted(K, problem, replace(changed, verdict="zero_on_boundary"))
            continue
        for _ in range(12):
            size = 10.0 ** rng.uniform(-8, 0)
            nu = claim.nu * rng.choice([1.0, 1 + size, 1 - size]) + (rng.random() < 0.5) * size * rng.normal(
                size=claim.nu.shape
            )
            mu = claim.multipliers * rng.choice([0.0, 1.0, 1.0 + size], size=claim.multipliers.shape)
            if rng.random() < 0.4:
                mu = mu - (rng.random(mu.shape) < 0.2) * size
            basis = (
                claim.dual_basis
                if rng.random() < 0.7
                else rng.permutation(claim.nu.size + mu.size)[: len(claim.dual_basis)]
            )
            changed = replace(
                claim,
                nu=nu,
                multipliers=mu,
                dual_basis=basis,
                verdict="interval",
                lower=0.0,
                upper=1e9,
                point=0 * claim.point,
            )
            changed = replace(changed, point_basis=basis[:0], tight=claim.tight[:0])
            try:
                found = K.regions.check_region(problem, changed)
            except K.statements.Rejected:
                continue
            assert found["lower"] <= max(value, 0.0) * (1 + 1e-9) + 1e-12, "a dual proves more than the minimum"


def check_region_values(K: Kernel, rng: np.random.Generator) -> None:
    """The upper end against plain numpy; the minimum is below what any point of the region gives."""
    for problem, claim, _, _ in mine(K):
        X = augmented_inputs(problem)
        W = rng.normal(size=claim.point.shape)
        a = (W @ X.T > 0).astype(np.int64)
        live = X.any(axis=1)
        here = replace(claim, pattern=a * live, point=W, verdict="interval", lower=0.0, upper=1e9, nu=0 * claim.nu)
        none = {"dual_basis": claim.dual_basis[:0], "point_basis": claim.dual_basis[:0], "tight": claim.tight[:0]}
        here = replace(here, multipliers=0 * claim.multipliers, **none)
        found = K.regions.check_region(problem, here)
        f = claim.head @ np.maximum(W @ X.T, 0.0)
        true = np.mean((f - problem.targets[:, 0]) ** 2)
        slack = 1e-10 * np.mean(f**2 + problem.targets[:, 0] ** 2) + 1e-300
        assert true - slack <= found["upper"] <= true + slack
        assert not accepted(K, problem, replace(here, upper=max(0.0, true - 2 * slack))) or true < 1e-200
        assert not accepted(K, problem, replace(here, pattern=1 - here.pattern)) or not live.any()


def check_ranks(K: Kernel, rng: np.random.Generator) -> None:
    """The settled rank is accepted and its contrary never, with any null vector."""
    for problem, _, claim, _ in mine(K):
        assert accepted(K, problem, claim)
        N = len(problem.X)
        if claim.full:
            for _ in range(4):
                basis = rng.permutation(N)[: int(rng.integers(0, N))]
                assert not accepted(K, problem, replace(claim, full=False, null=rng.normal(size=N), null_basis=basis))
                assert not accepted(K, problem, replace(claim, full=False, null=np.zeros(N), null_basis=basis))
        else:
            assert not accepted(
                K, problem, replace(claim, full=True, null=np.zeros(N), null_basis=claim.null_basis[:0])
            )


REGION_CHECKS = [check_region_verdicts, check_region_duals, check_region_values, check_ranks]

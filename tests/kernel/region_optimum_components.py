"""Component checks of `region_optimum`: true claims hold, and however point, dual and pattern are changed, nothing false is accepted."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from fractions import Fraction as Q
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
from flint import ctx

from verifier.kernel.statements import augmented_inputs, augmented_rows, region_network
from verifier.objective import Risk

from .components import Kernel, scales


@dataclass(frozen=True)
class Setting:
    """What one small region program is about; waypoint: of a network that is neither A nor B."""

    loss: str
    penalty: str
    K: int = 1
    biases: tuple[bool, bool] = (True, True)
    weighted: bool = False
    penalise: bool = False
    free: bool = True
    waypoint: bool = False


SETTINGS = (
    Setting("logistic", "path"),
    Setting("logistic", "none", biases=(False, True)),
    Setting("logistic", "l1", penalise=True),
    Setting("cross_entropy", "path", K=3, waypoint=True),
    Setting("cross_entropy", "none", K=3, weighted=True),
    Setting("cross_entropy", "weight_decay", K=3, biases=(True, False), free=False),
    Setting("squared", "path", penalise=True),
    Setting("squared", "none", biases=(True, False), free=False),
    Setting("squared", "weight_decay", K=2),
    Setting("squared", "path", K=2, biases=(False, True), free=False, penalise=True),
    Setting("huber", "path", weighted=True, waypoint=True),
    Setting("huber", "l1", K=2, free=False, penalise=True),
    Setting("hinge", "path"),
    Setting("hinge", "none", weighted=True, free=False),
    Setting("absolute", "weight_decay", K=2, weighted=True, biases=(False, False), free=False),
    Setting("absolute", "path", penalise=True),
)


def targets_of(rng: np.random.Generator, loss: str, N: int, K: int) -> np.ndarray:
    if loss == "cross_entropy":
        return rng.integers(0, K, size=N)
    return rng.choice([-1.0, 1.0], size=(N, 1)) if loss in ("logistic", "hinge") else 2 * rng.normal(size=(N, K))


def instance(s: Setting, seed: int, N: int = 12, d: int = 2, m: int = 4):
    """(problem, program, claim) of a random network: neuron 0 has a head of 0 or a row of 0 now and then, and so may sample 0."""
    from verifier.elaboration.claims import kernel_problem
    from verifier.elaboration.regions import region_claim
    from verifier.networks.network import Network
    from verifier.objective import make_objective
    from verifier.programs.region import solve_region

    rng = np.random.default_rng([seed, SETTINGS.index(s)])
    X, W, theta = rng.normal(size=(N, d)), rng.normal(size=(m, d)), rng.normal(size=(s.K, m))
    kind = int(rng.integers(5))
    b = rng.normal(size=m) if s.biases[0] else None
    if kind == 0:
        theta[:, 0] = 0.0
    if kind == 1:
        W[0] = 0.0
        b = None if b is None else np.concatenate([[0.0], b[1:]])
    if kind == 2:
        X[0] = 0.0
    network = Network((W, theta), (b, rng.normal(size=s.K) if s.biases[1] else None))
    other = Network((W + rng.normal(size=W.shape), theta), network.biases)
    kappa = 0.0 if s.penalty == "none" else 0.03
    o = make_objective(s.loss, kappa=kappa, penalty=s.penalty, penalise_output_bias=s.penalise)
    o = o.weighted(rng.random(N) + 0.1 if s.weighted else None)
    y = targets_of(rng, s.loss, N, s.K)
    problem = kernel_problem(other if s.waypoint else network, other, Risk(o, X, y))
    program = solve_region(network, Risk(o, X, y), free_bias=s.free, solver="CLARABEL", row_limit=1.5)
    return problem, program, region_claim(problem, program, "r", of="stored" if s.waypoint else "A")


@cache
def claims(seeds: int = 2) -> list[tuple[Any, Any]]:
    """[(problem, true claim)] of all settings."""
    return [instance(s, seed)[::2] for s in SETTINGS for seed in range(seeds)]


def of_kernel(K: Kernel, value: Any, kind: Any) -> Any:
    return kind(**{f.name: getattr(value, f.name) for f in fields(value)})


def mine(K: Kernel):
    """The same problems and claims in the namespace K."""
    for problem, claim in claims():
        A, B = (of_kernel(K, p, K.statements.Parameters) for p in (problem.A, problem.B))
        own = replace(of_kernel(K, problem, K.statements.Problem), A=A, B=B)
        own = replace(own, objective=of_kernel(K, problem.objective, K.statements.Objective))
        yield own, of_kernel(K, claim, K.statements.RegionOptimum)


def by_reference(K: Kernel) -> Kernel:
    """The namespace in which the reference evaluation is the one that is asked."""
    return SimpleNamespace(**{**vars(K), "region_optimum": K.reference_region_optimum, "evaluation": "reference"})


def accepted(K: Kernel, problem: Any, claim: Any) -> bool:
    return K.check.check(problem, claim, evaluation=getattr(K, "evaluation", "fast")).accepted


def found(K: Kernel, problem: Any, claim: Any) -> dict[str, float] | None:
    """What the evaluation finds, whatever interval is claimed; None where it rejects."""
    claim = replace(claim, lower=0.0, upper=1e300)
    try:
        K.statements.validate_region_optimum(problem, claim)
        with np.errstate(over="raise", invalid="raise", divide="raise", under="ignore"), ctx.workprec(128):
            return K.region_optimum.check_region_optimum(problem, claim)
    except (K.statements.Rejected, FloatingPointError):
        return None


def check_intervals(K: Kernel, rng: np.random.Generator) -> None:
    """True claims are accepted; none that misses the minimum by more than the claim's own width."""
    for problem, claim in mine(K):
        assert accepted(K, problem, claim)
        width = claim.upper - claim.lower
        assert width <= 1e-5 * claim.upper, "the instances are meant to be sharp"
        assert not accepted(K, problem, replace(claim, lower=claim.upper + width, upper=claim.upper + 2 * width))
        assert not accepted(K, problem, replace(claim, lower=0.0, upper=max(0.0, claim.lower - width)))
        assert not accepted(K, problem, replace(claim, lower=float("nan")))
        assert not accepted(K, problem, replace(claim, upper=float("nan")))


def check_duals(K: Kernel, rng: np.random.Generator) -> None:
    """However a dual is changed, it proves no more than the minimum."""
    for problem, claim in mine(K):
        assert found(K, problem, claim) is not None
        N, m = len(problem.X), len(claim.point)
        for _ in range(14):
            size = 10.0 ** rng.uniform(-6, 0.5)
            nu = claim.nu * float(rng.choice([1.0, 1.0, 0.0, 1 - min(size, 1.0), 1 + size, -1.0]))
            if rng.random() < 0.3:
                nu = nu + size * rng.normal(size=nu.shape) * np.abs(nu)
            if rng.random() < 0.3 and claim.output_bias == "free":
                nu = nu * (1 - 0.5 * (rng.random(nu.shape[0]) < 0.5))[:, None]
            mu = claim.multipliers * rng.choice([0.0, 1.0, 1.0, 1.0 + size], size=len(claim.multipliers))
            tight = claim.tight
            if rng.random() < 0.4:
                count = int(rng.integers(0, N))
                flat = rng.permutation(m * N)[:count]
                tight, mu = np.column_stack([flat // N, flat % N]), np.abs(rng.normal(size=count)) * size / N
            changed = found(K, problem, replace(claim, nu=nu, tight=tight, multipliers=mu))
            assert changed is None or changed["lower"] <= claim.upper, "a dual proves more than the minimum"
        if problem.objective.loss == "squared":
            for factor in (1.5, 3.0, 10.0):
                moved = found(K, problem, replace(claim, nu=factor * claim.nu, multipliers=factor * claim.multipliers))
                assert moved is None or moved["lower"] <= claim.upper


def check_multipliers(K: Kernel, rng: np.random.Generator) -> None:
    """Negative multipliers, pairs named twice and pairs that are not there are refused."""
    for problem, claim in mine(K):
        if len(claim.tight) == 0:
            continue
        negative = claim.multipliers.copy()
        negative[0] = -1e-300
        assert not accepted(K, problem, replace(claim, lower=0.0, multipliers=negative))
        twice = replace(
            claim,
            lower=0.0,
            tight=np.vstack([claim.tight, claim.tight[:1]]),
            multipliers=np.append(claim.multipliers, 0.0),
        )
        assert not accepted(K, problem, twice)
        for pair in ((-1, 0), (len(claim.point), 0), (0, len(problem.X)), (0, -1)):
            outside = claim.tight.copy()
            outside[0] = pair
            assert not accepted(K, problem, replace(claim, lower=0.0, tight=outside))


def _fractions(rows: np.ndarray, X: np.ndarray) -> list[list[int]]:
    """Signs of all products, in fractions."""
    R, D = ([[Q(float(v)) for v in row] for row in M] for M in (rows, X))
    dots = [[sum(a * b for a, b in zip(r, x)) for x in D] for r in R]
    return [[(v > 0) - (v < 0) for v in line] for line in dots]


def check_signs(K: Kernel, rng: np.random.Generator) -> None:
    """Exact signs of products of wild numbers, of exact cancellations, and of ones that cancel but for an ulp."""
    for n in (1, 2, 5):
        rows, X = scales(rng, (6, n)), scales(rng, (7, n))
        assert K.region_optimum.signs(rows, X).tolist() == _fractions(rows, X)
    for _ in range(40):
        x = rng.normal(size=3)
        w = np.array([x[1], -x[0], 0.0]) * 2.0 ** int(rng.integers(-3, 4))
        near = w.copy()
        near[0] = np.nextafter(near[0], rng.choice([-np.inf, np.inf]))
        rows, X = np.array([w, near, -near, 0 * w]), np.array([x, -x, 0 * x])
        assert K.region_optimum.signs(rows, X).tolist() == _fractions(rows, X)


def check_members(K: Kernel, rng: np.random.Generator) -> None:
    """Points of the region have the F that numpy finds; points outside it, or beyond a limit, are refused."""
    for problem, claim in mine(K):
        p, X = region_network(problem, claim), augmented_inputs(problem)
        own = augmented_rows(p.weights[0], p.biases[0])
        side = np.where(own @ X.T > 0, 1.0, -1.0)
        for _ in range(4):
            scale = rng.random(len(own)) * (1.0 if claim.row_limits is not None else 2.0)
            point = own * scale[:, None]
            c = None if claim.point_bias is None else rng.normal(size=claim.point_bias.shape)
            here = found(K, problem, replace(claim, point=point, point_bias=c))
            assert here is not None, "a member is refused"
            true = value(problem, p, point, p.biases[1] if c is None else c)
            assert true * (1 - 1e-9) <= here["upper"] <= true * (1 + 1e-9)
            assert here["lower"] <= true * (1 + 1e-9)
            i = int(rng.integers(len(own)))
            outside = point.copy()
            outside[i] = rng.normal(size=outside.shape[1])
            if (side[i] * (outside[i] @ X.T) < -1e-9).any():
                assert found(K, problem, replace(claim, point=outside, point_bias=c)) is None
            if claim.row_limits is not None and own[i].any():
                longer = point.copy()
                longer[i] = own[i] * 1.5 * (1 + 1e-9)
                assert found(K, problem, replace(claim, point=longer, point_bias=c)) is None
        if claim.bias_limit is not None:
            over = np.full_like(claim.point_bias, -np.nextafter(claim.bias_limit, np.inf))
            assert found(K, problem, replace(claim, point_bias=over)) is None


def value(problem: Any, p: Any, rows: np.ndarray, c: np.ndarray | None) -> float:
    """F in plain numpy, from its definition."""
    o, theta, X = problem.objective, p.weights[1], augmented_inputs(problem)
    f = np.maximum(rows @ X.T, 0.0).T @ theta.T + (0.0 if c is None else c)
    y = problem.targets
    if o.loss == "cross_entropy":
        each = np.log(np.exp(f).sum(axis=1)) - f[np.arange(len(y)), y]
    elif o.loss == "logistic":
        each = np.log1p(np.exp(-y * f))[:, 0]
    elif o.loss == "hinge":
        each = np.maximum(0.0, 1.0 - y * f)[:, 0]
    else:
        r = np.abs(f - y)
        h = {"squared": r * r, "absolute": r}
        h["huber"] = np.where(r <= 1.0, r * r / 2, r - 0.5)
        each = h[o.loss].sum(axis=1)
    P = {
        "none": 0.0,
        "l1": np.abs(theta).sum(),
        "path": np.linalg.norm(rows, axis=1) @ np.abs(theta).sum(axis=0),
        "weight_decay": ((rows**2).sum() + (theta**2).sum()) / 2,
    }[o.penalty]
    if o.penalise_output_bias and c is not None:
        P = P + np.abs(c).sum()
    return float(np.average(each, weights=problem.weights) + o.kappa * P)


def check_ties(K: Kernel, rng: np.random.Generator) -> None:
    """A pair is on the boundary or it is not: only exact ties may be counted as active, and they make another region."""
    S = K.statements
    o = S.Objective("squared", None, 0.0, "none", False)
    X, y = np.array([[1.0, 1.0], [1.0, -1.0]]), np.array([[1.0], [1.0]])
    A = S.Parameters((np.array([[1.0, 1.0]]), np.array([[1.0]])), (None, None))
    problem = S.Problem(o, X, y, A, A)
    pairs = np.zeros((0, 2), dtype=np.int64)
    # Without the second sample f is 0 there: the least loss is 1/2. With it (1, 0) fits both.
    off = S.RegionOptimum(
        "off", "A", None, None, None, None, pairs, "kept", np.array([2.0]), None, np.array([[0.5, 0.5]]), None,
        np.array([[0.0], [-2.0]]), pairs, np.zeros(0), 0.5, 0.5000001,
    )  # fmt: skip
    on = replace(off, active=np.array([[0, 1]]), point=np.array([[1.0, 0.0]]), nu=0 * off.nu, lower=0.0, upper=1e-9)
    assert accepted(K, problem, replace(off, lower=0.4999999))
    assert accepted(K, problem, on)
    assert not accepted(K, problem, replace(on, active=pairs))
    assert not accepted(K, problem, replace(off, active=on.active, lower=0.4999999))
    assert not accepted(K, problem, replace(on, active=np.array([[0, 0]])))
    near = replace(A, weights=(np.array([[1.0, np.nextafter(1.0, 2.0)]]), A.weights[1]))
    assert not accepted(K, replace(problem, A=near, B=near), on)
    longer = replace(on, row_limits=np.array([np.nextafter(1.0, 0.0)]))
    assert not accepted(K, problem, longer)


def check_other_networks(K: Kernel, rng: np.random.Generator) -> None:
    """A claim about A is none about B or a stored network, and every part of a stored network is where it belongs."""
    for problem, claim in mine(K):
        if claim.of == "A":
            assert not accepted(K, problem, replace(claim, of="pattern"))
            assert not accepted(K, problem, replace(claim, of="stored"))
            assert not accepted(K, problem, replace(claim, rows=problem.A.weights[0]))
            other = found(K, problem, replace(claim, of="B"))
            assert other is None or claim.of != "B"
        else:
            for name in ("rows", "row_bias", "head", "head_bias"):
                assert not accepted(K, problem, replace(claim, **{name: None}))
            assert not accepted(K, problem, replace(claim, of="A"))


def check_modes(K: Kernel, rng: np.random.Generator) -> None:
    """Limits exactly where the penalty leaves rows free, a bias limit only for a free bias without a price, and sums of 0 without one."""
    for problem, claim in mine(K):
        o = problem.objective
        limits = np.full(len(claim.point), 1e3)
        swapped = limits if claim.row_limits is None else None
        assert not accepted(K, problem, replace(claim, row_limits=swapped))
        free = claim.output_bias == "free"
        assert not accepted(K, problem, replace(claim, output_bias="kept" if free else "free"))
        if not free or o.penalise_output_bias:
            assert not accepted(K, problem, replace(claim, bias_limit=1e3))
        if free and not o.penalise_output_bias and o.loss == "squared":
            tilted = replace(claim, nu=claim.nu + 2.0**-40)
            assert not accepted(K, problem, replace(tilted, lower=0.0)), "a free bias is pulled at"
            limited = found(K, problem, replace(tilted, bias_limit=1e3))
            assert limited is not None
            assert limited["lower"] <= claim.upper


def check_biases(K: Kernel, rng: np.random.Generator) -> None:
    """Without a head F is `mean (c - y)^2` and what the output bias is charged: duals that pull at it prove nothing they should not."""
    S = K.statements
    pairs, y = np.zeros((0, 2), dtype=np.int64), np.array([[1.0], [1.0], [-0.5]])
    net = S.Parameters((np.ones((1, 1)), np.zeros((1, 1))), (None, np.zeros(1)))
    for penalty, penalise, limit in (
        ("path", True, None),
        ("l1", True, None),
        ("none", False, 4.0),
        ("path", False, 4.0),
    ):
        kappa = 0.0 if penalty == "none" else 0.25
        o = S.Objective("squared", None, kappa, penalty, penalise)
        problem = S.Problem(o, np.ones((3, 1)), y, net, net)
        c = 0.5 - 0.5 * (kappa if penalise else 0.0)
        least = float(np.mean((c - y) ** 2) + (kappa * abs(c) if penalise else 0.0))
        for factor in (0.5, 1.0, 1.5):
            for shift in (0.0, -0.1, 0.1, -0.5, 0.5, 1.0):
                claim = S.RegionOptimum(
                    "c", "A", None, None, None, None, pairs, "free", np.ones(1) if penalty in ("none", "l1") else None, limit,
                    np.zeros((1, 1)), np.array([c]), factor * 2 * (c - y) + shift, pairs, np.zeros(0), 0.0, 1e300,
                )  # fmt: skip
                here = found(K, problem, claim)
                assert here is not None
                assert here["lower"] <= least * (1 + 1e-12) <= here["upper"] * (1 + 2e-12)
                if (factor, shift) == (1.0, 0.0):
                    assert here["lower"] >= least * (1 - 1e-9)


REGION_OPTIMUM_CHECKS = [
    check_intervals, check_duals, check_multipliers, check_signs, check_members, check_ties, check_other_networks, check_modes, check_biases,
]  # fmt: skip


def check_by_reference(K: Kernel, rng: np.random.Generator) -> None:
    """The same of the reference evaluation, and its own exact signs."""
    for check in (check_intervals, check_duals, check_members, check_ties, check_modes, check_biases):
        check(by_reference(K), rng)
    # A sum of huge terms that cancel, and a small one that no ball of 64 bits sees.
    big, ones = np.array([[2.0**300, 1.0, -(2.0**300)], [2.0**300, 0.0, -(2.0**300)]]), np.ones((1, 3))
    with ctx.workprec(64):
        assert K.reference_region_optimum._signs(big.tolist(), ones.tolist()) == [[1], [0]]
    for _ in range(20):
        wild, data = scales(rng, (4, 3)), scales(rng, (5, 3))
        with ctx.workprec(64):
            assert K.reference_region_optimum._signs(wild.tolist(), data.tolist()) == _fractions(wild, data)


REFERENCE_CHECKS = [check_by_reference]

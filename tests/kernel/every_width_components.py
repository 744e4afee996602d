"""Component checks of `every_width_lower_bound`: true claims hold, and no pull beyond its price is ever called bounded."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from fractions import Fraction as Q
from functools import cache, partial
from types import SimpleNamespace
from typing import Any

import numpy as np
from flint import arb, ctx

from verifier.objective import Risk

from .components import Kernel, scales


@dataclass(frozen=True)
class Setting:
    """What one small problem is about; d inputs, so that cones (d small) or matrices are needed."""

    loss: str
    penalty: str = "path"
    K: int = 1
    d: int = 2
    biases: tuple[bool, bool] = (True, True)
    weighted: bool = False
    penalise: bool = False


SETTINGS = (
    Setting("squared"),
    Setting("squared", d=1, biases=(False, False)),
    Setting("squared", "weight_decay", K=2, biases=(False, True)),
    Setting("squared", K=2, d=5),
    Setting("logistic", d=2, biases=(False, True)),
    Setting("logistic", "weight_decay", d=6, weighted=True, biases=(True, False)),
    Setting("logistic", penalise=True, weighted=True),
    Setting("cross_entropy", K=3, d=1),
    Setting("cross_entropy", "weight_decay", K=3, d=4, biases=(True, False)),
    Setting("huber", d=1, weighted=True, penalise=True),
    Setting("hinge", d=2, biases=(False, False)),
    Setting("hinge", d=5, biases=(False, True)),
    Setting("absolute", "weight_decay", d=1),
    Setting("absolute", K=2, d=3, biases=(True, True), penalise=True),
)


def _targets(rng: np.random.Generator, loss: str, N: int, K: int) -> np.ndarray:
    if loss == "cross_entropy":
        return rng.integers(0, K, size=N)
    return rng.choice([-1.0, 1.0], size=(N, 1)) if loss in ("logistic", "hinge") else rng.normal(size=(N, K))


@cache
def instance(index: int) -> tuple[Any, Any, Any]:
    """(problem, claim, least F of the networks that are known)."""
    from verifier.elaboration.claims import kernel_problem
    from verifier.elaboration.every_width import every_width_claim
    from verifier.networks.network import Network
    from verifier.objective import make_objective
    from verifier.programs.every_width import solve_every_width

    s = SETTINGS[index]
    rng = np.random.default_rng(index)
    N, m = 14, 4
    X = rng.normal(size=(N, s.d))
    X[0] = 0.0
    y = _targets(rng, s.loss, N, s.K)

    def network() -> Network:
        b = rng.normal(size=m) if s.biases[0] else None
        return Network(
            (rng.normal(size=(m, s.d)), rng.normal(size=(s.K, m))), (b, rng.normal(size=s.K) if s.biases[1] else None)
        )

    A, B = network(), network()
    weights = rng.uniform(0.2, 3.0, size=N) if s.weighted else None
    o = make_objective(
        s.loss, delta=0.7 if s.loss == "huber" else None, kappa=0.05, penalty=s.penalty, penalise_output_bias=s.penalise
    )
    o = o.weighted(weights)
    program = solve_every_width([A, B], Risk(o, X, y), seconds=5.0)
    problem = kernel_problem(A, B, Risk(o, X, y))
    known = min(program.primal, *(o.value(n, X, y) for n in (A, B)))
    return problem, every_width_claim(problem, program), known


def claims() -> list[tuple[Any, Any, Any]]:
    return [instance(k) for k in range(len(SETTINGS))]


def _own(K: Kernel, problem: Any, claim: Any) -> tuple[Any, Any]:
    copy = lambda value, kind: kind(**{f.name: getattr(value, f.name) for f in fields(value)})
    A, B = (copy(p, K.statements.Parameters) for p in (problem.A, problem.B))
    own = replace(
        copy(problem, K.statements.Problem), A=A, B=B, objective=copy(problem.objective, K.statements.Objective)
    )
    return own, copy(claim, K.statements.EveryWidthLowerBound)


def by_reference(K: Kernel) -> Kernel:
    """The namespace in which the reference evaluation is the one that is asked."""
    return SimpleNamespace(**{**vars(K), "evaluation": "reference"})


def evaluation_of(K: Kernel) -> str:
    return getattr(K, "evaluation", "fast")


def check_claims(K: Kernel, rng: np.random.Generator) -> None:
    """True claims are accepted; none above what a network has, or above the dual's own value."""
    for problem, claim, known in claims():
        own, mine = _own(K, problem, claim)
        judge = partial(K.check.check, own, evaluation=evaluation_of(K))
        verdict = judge(mine)
        assert verdict.accepted, verdict.sentence
        assert claim.lower <= known
        assert not judge(replace(mine, lower=max(1.001 * known, claim.lower * (1 + 1e-6) + 1e-12))).accepted
        # Stretched or moved duals prove something else or nothing.
        assert not judge(replace(mine, nu=mine.nu * 1.25, lower=0.0)).accepted
        if (
            problem.A.biases[1] is not None
            and not problem.objective.penalise_output_bias
            and problem.objective.loss != "cross_entropy"
        ):
            moved = 0.5 * mine.nu  # with room under the price, so that the sums alone are wrong
            moved[1] *= 0.75
            assert not judge(replace(mine, nu=moved, lower=0.0)).accepted


def _steepest(X: np.ndarray, p: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The direction of the largest h(w) / |w| that a dense search finds; exact arithmetic judges it afterwards."""
    n = X.shape[1]
    w = np.concatenate([rng.normal(size=(20000, n)), X, -X, np.eye(n), -np.eye(n)])
    w = w[np.linalg.norm(w, axis=1) > 0]
    best = w[int(np.argmax(_ratio(X, p, w)))]
    best = best / np.linalg.norm(best)
    # Maxima lie on kinks too, where gradients do not lead: smaller and smaller random steps.
    for width in 0.1 * 0.5 ** np.arange(24):
        near = np.concatenate([best[None], best + width * rng.normal(size=(400, n))])
        best = near[int(np.argmax(_ratio(X, p, near)))]
        best = best / np.linalg.norm(best)
    return best


def _ratio(X: np.ndarray, p: np.ndarray, w: np.ndarray) -> np.ndarray:
    return np.maximum(w @ X.T, 0.0) @ p / np.linalg.norm(w, axis=1)


def _exceeds(X: np.ndarray, p: np.ndarray, w: np.ndarray, room: float) -> bool:
    """Whether h(w) > room |w|, in fractions."""
    row = [Q(float(v)) for v in w]
    h = sum((Q(float(q)) * max(Q(0), sum(Q(float(a)) * b for a, b in zip(x, row))) for x, q in zip(X, p)), Q(0))
    return h > 0 and h * h > Q(room) ** 2 * sum(v * v for v in row)


def _bounded(K: Kernel, X: np.ndarray, p: np.ndarray, room: float) -> bool:
    if evaluation_of(K) == "fast":
        with np.errstate(over="raise", invalid="raise", divide="raise", under="ignore"):
            return bool(K.every_width.bounded_on_cones(X, K.balls.exact(p[:, None]), p > 0.0, room))
    R = K.reference_every_width
    rows, scale = R._integers([[Q(float(v)) for v in x] for x in X])
    (q,), factor = R._integers([[Q(float(v)) for v in p]])
    return bool(R._Side(rows, list(q), Q(room) * scale * factor).holds())


def check_cones(K: Kernel, rng: np.random.Generator) -> None:
    """Bounded at a price a little above the largest pull; never at one that some direction exceeds. Degenerate samples and scales among them."""
    for trial in range(24):
        n, N = int(rng.integers(1, 4)), int(rng.integers(1, 9))
        X, p = rng.normal(size=(N, n)), rng.normal(size=N)
        if trial % 4 == 1:
            X, p = rng.integers(-2, 3, size=(N, n)).astype(float), rng.integers(-2, 3, size=N).astype(float)
        if trial % 4 == 2:
            X, p = X * 2.0 ** int(rng.integers(-60, 60)), p * 2.0 ** int(rng.integers(-60, 60))
        if trial % 4 == 3 and N > 1:
            X[-1], p[-1] = X[0], -p[0]
        w = _steepest(X, p, rng)
        top = float(max(_ratio(X, p, w[None])[0], 0.0))
        size = float(np.abs(p) @ np.linalg.norm(X, axis=1))
        if size == 0.0:
            continue
        for room in (top * (1 - 1e-9), top * (1 - 1e-3), top * 0.5, size * 1e-9):
            assert not (_bounded(K, X, p, room) and _exceeds(X, p, w, room)), (trial, room)
        assert _bounded(K, X, p, top * 1.003 + 3e-3 * size), "bounded, and not seen to be"


def check_wide_scales(K: Kernel, rng: np.random.Generator) -> None:
    """Numbers of wildly different size: whatever is called bounded is."""
    for _ in range(6):
        n, N = int(rng.integers(1, 3)), int(rng.integers(1, 5))
        X, p = scales(rng, (N, n)), scales(rng, (N,))
        with np.errstate(all="ignore"):
            w = _steepest(X, p, rng)
            top = float(_ratio(X, p, w[None])[0])
        for room in (top * 0.999, top * 0.5, 1e-300):
            if np.isfinite(room) and room > 0.0 and _exceeds(X, p, w, room):
                try:
                    assert not _bounded(K, X, p, room)
                except (K.statements.Rejected, FloatingPointError, OverflowError):
                    continue


def _sides(rng: np.random.Generator, X: np.ndarray, p: np.ndarray) -> tuple[Any, float]:
    """(arrays of a claim's one row, the price that they need)."""
    from verifier.programs.every_width.matrix import _factor, _side

    lowered = np.abs(rng.normal(size=len(p))) * (rng.random(len(p)) < 0.5)
    e = p + lowered + np.where(p < 0, np.abs(rng.normal(size=len(p))), 0.0)
    side = _side(X, p, lowered, e, np.abs(e) * rng.uniform(0.3, 3.0, size=len(p)) + 1e-3)
    price = side.need * (1 + 1e-7)
    one = SimpleNamespace(
        raised=side.raised[None], lowered=side.lowered[None], curved=side.curved[None], ball=np.array([side.tau]), factor=_factor(X, side, price)
    )  # fmt: skip
    return one, price


def _matrix(K: Kernel, X: np.ndarray, p: np.ndarray, one: Any, room: float) -> bool:
    try:
        if evaluation_of(K) == "fast":
            with np.errstate(over="raise", invalid="raise", divide="raise", under="ignore"):
                return bool(K.every_width.bounded_by_matrix(X, K.balls.exact(p[:, None]), one, 0, room))
        with ctx.workprec(128):
            K.reference_every_width._matrix_holds(X.tolist(), [Q(float(v)) for v in p], one, 0, arb(room))
        return True
    except (K.statements.Rejected, FloatingPointError):
        return False


def check_matrices(K: Kernel, rng: np.random.Generator) -> None:
    """Bounded at the price that the arrays were made for; whatever the arrays, never at one that some direction exceeds."""
    for trial in range(30):
        n, N = int(rng.integers(1, 6)), int(rng.integers(1, 9))
        X, p = rng.normal(size=(N, n)), rng.normal(size=N)
        one, price = _sides(rng, X, p)
        assert _matrix(K, X, p, one, price)
        w = _steepest(X, p, rng)
        top = float(_ratio(X, p, w[None])[0])
        assert not _matrix(K, X, p, one, price * 0.999)
        for name in ("raised", "lowered", "curved", "ball", "factor"):
            for factor in (0.0, 0.5, 0.9, 1.1, 2.0, 2.0**-40):
                changed = SimpleNamespace(**{**vars(one), name: getattr(one, name) * factor})
                for room in (top * (1 - 1e-9), top / 2, price):
                    if room > 0 and _exceeds(X, p, w, room):
                        assert not _matrix(K, X, p, changed, room), (trial, name, factor)
        # Another pull with the same arrays: bounded only where it is.
        for other in (2.0 * p, p + np.abs(rng.normal(size=N)), np.abs(p)):
            w = _steepest(X, other, rng)
            if _exceeds(X, other, w, price):
                assert not _matrix(K, X, other, one, price)


def check_bisection(K: Kernel, rng: np.random.Generator) -> None:
    """Halves cover the cone: a combination of its generators is one of either half's, exactly; midpoints lose nothing."""
    for n in (2, 3, 4):
        g = np.array([np.diag(rng.choice([-1.0, 1.0], size=n))])
        for _ in range(12):
            halves = K.every_width.bisected(g)
            assert len(halves) == 2 * len(g)
            for k, parent in enumerate(g):
                for half in (halves[k], halves[k + len(g)]):
                    moved = np.flatnonzero((half != parent).any(axis=1))
                    assert len(moved) == 1, "one generator moves"
                    others = [i for i in range(n) if i != moved[0]]
                    assert any((2 * half[moved[0]] == parent[moved[0]] + parent[i]).all() for i in others)
                a, b = (np.flatnonzero((h != parent).any(axis=1))[0] for h in (halves[k], halves[k + len(g)]))
                assert a != b
                assert (halves[k][a] == halves[k + len(g)][b]).all()
            g = halves[rng.integers(len(halves))][None]


EVERY_WIDTH_CHECKS = [check_claims, check_cones, check_wide_scales, check_matrices, check_bisection]
REFERENCE_CHECKS = [check_claims, check_cones, check_wide_scales, check_matrices]

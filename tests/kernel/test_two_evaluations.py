"""What the fast evaluation accepts, the reference accepts: on hundreds of random problems, also at the very border of a claim."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from tests.corpus.correct import deep_problem, one_layer_at_a_time
from tests.corpus.small import chord, halves, named, random_problem, random_targets, walk
from verifier.elaboration import elaborate_path, endpoint_claims, head_claim
from verifier.elaboration.claims import above
from verifier.kernel import EndpointValue, Objective, Parameters, PathUpperBound, Problem, check
from verifier.kernel.fast.forward import objective_at
from verifier.kernel.fast.heads import check_head
from verifier.kernel.fast.paths import bound_path, excess
from verifier.kernel.statements import FORMS, Rejected
from verifier.networks.network import Network
from verifier.objective import make_objective
from verifier.paths.curves.line import line
from verifier.programs import repair_dual

LOSSES = ("logistic", "cross_entropy", "squared", "huber", "hinge", "absolute")
PENALTIES = ("none", "l1", "path", "weight_decay")
CASES = [(loss, penalty) for loss in LOSSES for penalty in PENALTIES]
cases = pytest.mark.parametrize(("loss", "penalty"), CASES)


def problem(seed, loss, penalty):
    """Random real parameters of random size, bias and scale; not dyadic, so that every sum rounds."""
    rng = np.random.default_rng([seed, LOSSES.index(loss), PENALTIES.index(penalty)])
    K = {"logistic": 1, "hinge": 1}.get(
        loss, int(rng.integers(2, 4)) if loss == "cross_entropy" else int(rng.integers(1, 4))
    )
    N, d, m = (int(rng.integers(1, n)) for n in (9, 4, 6))
    biases = [bool(rng.integers(2)), bool(rng.integers(2))]
    scale = 10.0 ** rng.uniform(-2, 1)

    def random(*shape):
        x = rng.normal(size=shape) * scale
        x[rng.random(shape) < 0.15] = 0.0
        return x

    def one():
        return Parameters(
            (random(m, d), random(K, m)), tuple(random(n) if has else None for n, has in zip((m, K), biases))
        )

    penalise = bool(penalty in ("l1", "path") and rng.integers(2))
    o = Objective(
        loss,
        0.3 if loss == "huber" else None,
        0.0 if penalty == "none" else float(rng.uniform(1e-4, 1)),
        penalty,
        penalise,
    )
    return Problem(o, rng.normal(size=(N, d)), random_targets(rng, loss, N, K), one(), one())


def renamed(p, moves):
    """Moves whose kinds are judged anew; those that cannot be walked keep theirs."""
    try:
        return named(p.A, tuple(replace(m, kind="?") for m in moves))
    except Rejected:
        return moves


def agree(p, claim, must=False):
    """Fast accepts => reference accepts. `must`: fast accepts."""
    fast = check(p, claim)
    assert fast.accepted or not must, fast.sentence
    if fast.accepted:
        reference = check(p, claim, evaluation="reference")
        assert reference.accepted, reference.sentence
    return fast.accepted


@cases
def test_elaborated_lines_and_endpoints(loss, penalty):
    """Claims of elaboration, margins and all, pass both."""
    for seed in range(6):
        p = problem(seed, loss, penalty)
        A, B = (Network(v.weights, v.biases) for v in (p.A, p.B))
        for claim in endpoint_claims(p):
            agree(p, claim, must=True)
        level = float(np.random.default_rng(seed).uniform(0, 3))
        agree(p, elaborate_path(p, line(A, B), level=level, most_pieces=12).claim, must=True)


@cases
def test_borderline_paths(loss, penalty):
    """Exactly what the fast evaluation found passes both; one ulp less in any field is rejected by it, and never saved by a difference."""
    for seed in range(4):
        p = problem(seed + 50, loss, penalty)
        paths = (chord(p, 1), chord(p, 3), halves(p) if len(p.A.weights[0]) > 1 else chord(p, 2))
        for moves, form in itertools.product(paths, FORMS if penalty == "weight_decay" else ("literal",)):
            found = bound_path(p, moves, form)
            E, least = max(found.A.lower, found.B.lower), min(found.A.lower, found.B.lower)
            sup = max(found.A.upper, found.B.upper, found.interior)
            exact = PathUpperBound(
                "p", moves, sup, excess(found.interior, E), excess(sup, least), 0.25, excess(sup, 0.25), form
            )
            assert agree(p, exact, must=True)
            for name in ("sup", "gap", "gap_over_lower", "gap_over_level"):
                less = replace(exact, **{name: float(np.nextafter(getattr(exact, name), -np.inf))})
                assert not agree(p, less)


@cases
def test_borderline_endpoints(loss, penalty):
    """The enclosure itself passes both; an ulp inside it is rejected."""
    for seed in range(8):
        p = problem(seed + 100, loss, penalty)
        for name, v in (("A", p.A), ("B", p.B)):
            F = objective_at(p, v)
            assert agree(p, EndpointValue(name, F.lower, F.upper), must=True)
            assert not agree(p, EndpointValue(name, float(np.nextafter(F.lower, np.inf)), F.upper))
            assert not agree(p, EndpointValue(name, F.lower, float(np.nextafter(F.upper, -np.inf))))


@cases
def test_head_programs(loss, penalty):
    """Claims from repaired random duals pass both, also at exactly what was found; tighter ones are rejected."""
    useful = 0
    for seed in range(4):
        p = problem(seed + 150, loss, penalty)
        rng = np.random.default_rng(seed)
        rows, row_bias = p.A.weights[0], p.A.biases[0]
        o = p.objective
        words = {
            "delta": o.delta,
            "kappa": o.kappa,
            "penalty": o.penalty,
            "penalise_output_bias": o.penalise_output_bias,
        }
        objective = make_objective(loss, **words)
        Z = np.maximum(p.X @ rows.T + (0.0 if row_bias is None else row_bias), 0.0)
        full = rows if row_bias is None else np.column_stack([rows, row_bias])
        K, bias = p.A.weights[1].shape[0], p.A.biases[1] is not None
        nu = repair_dual(rng.normal(size=(len(p.X), K)), Z, p.targets, objective, objective.prices_of_rows(full), bias)
        claim = head_claim(p, "h", rows, row_bias, p.A.weights[1] * 0.1, p.A.biases[1], nu)
        agree(p, claim, must=True)
        found = check_head(p, claim)
        assert agree(p, replace(claim, lower=found["lower"], upper=found["upper"]), must=True)
        assert not agree(p, replace(claim, lower=float(np.nextafter(found["lower"], np.inf))))
        assert not agree(p, replace(claim, upper=float(np.nextafter(found["upper"], -np.inf))))
        agree(p, replace(claim, head_limit=None))
        useful += found["lower"] > 0
    assert useful or penalty in ("none", "path"), "every dual was worth nothing"


@pytest.mark.parametrize("loss", LOSSES[:1] + LOSSES[2:])
@pytest.mark.parametrize("penalty", ["none", "l1"])
def test_deep_paths(loss, penalty):
    """Head, idle and transfer moves of two hidden layers, forwards and with scaled parameters."""
    p, moves = deep_problem(loss, penalty)
    found = bound_path(p, moves)
    assert {m.kind for m in moves} == {"idle", "transfer", "head"}
    sup = max(found.A.upper, found.B.upper, found.interior)
    least = min(found.A.lower, found.B.lower)
    gap = excess(found.interior, max(found.A.lower, found.B.lower))
    assert agree(p, PathUpperBound("p", moves, sup, gap, excess(sup, least)), must=True)
    assert agree(p, PathUpperBound("p", moves, above(sup), above(gap), above(excess(sup, least))), must=True)
    for k in range(len(moves)):
        shorter = renamed(p, (*moves[:k], *moves[k + 1 :]))
        agree(p, PathUpperBound("p", shorter, 1e9, 1e9, 1e9))
        try:
            q = replace(p, B=walk(p.A, shorter))
        except Rejected:
            continue
        agree(q, PathUpperBound("p", shorter, 1e9, 1e9, 1e9))


@pytest.mark.parametrize("slope", [0.0, 0.01])
@pytest.mark.parametrize("loss", LOSSES)
def test_deep_segments(loss, slope):
    """Straight lines and one layer after the other in two and three hidden layers: what one evaluation finds, the other accepts."""
    kinds = set()
    for seed, widths in enumerate([(2, 3, 3), (2, 4, 3, 3), (3, 3, 2, 3)]):
        K = 3 if loss == "cross_entropy" else 1
        biases = tuple(seed != 1 or l % 2 == 0 for l in range(len(widths)))
        p = random_problem(seed, loss, "l1" if seed == 2 else "none", widths=(*widths, K), biases=biases, slope=slope)
        for moves in (chord(p, 1), chord(p, 5), one_layer_at_a_time(p, 1), one_layer_at_a_time(p, 3)):
            found = bound_path(p, moves)
            kinds |= {m.kind for m in moves}
            sup = max(found.A.upper, found.B.upper, found.interior)
            gap = excess(found.interior, max(found.A.lower, found.B.lower))
            over = excess(sup, min(found.A.lower, found.B.lower))
            assert agree(p, PathUpperBound("p", moves, above(sup), above(gap), above(over)), must=True)
            low = float(np.nextafter(max(found.A.lower, found.B.lower), 0.0))
            assert not agree(p, PathUpperBound("p", moves, low, above(gap), above(over)))
    assert kinds == {"chord", "head"}


def test_extreme_scales():
    """Denormal, huge and cancelling numbers: whatever the fast evaluation accepts at the border, the reference accepts."""
    rng, accepted = np.random.default_rng(0), 0
    for _ in range(120):
        exponents = rng.integers(-1074, 1000, size=4) if rng.random() < 0.5 else rng.integers(-120, 120, size=4)

        def random(*shape, at=exponents):
            with np.errstate(over="ignore", under="ignore"):
                return np.nan_to_num(np.ldexp(rng.normal(size=shape), int(at[int(rng.integers(4))])))

        o = Objective(
            str(rng.choice(["absolute", "squared", "logistic", "hinge"])),
            None,
            float(abs(random(1)[0])) or 1.0,
            "path",
            False,
        )
        y = random(3, 1) if o.loss in ("absolute", "squared") else np.array([[1.0], [-1.0], [1.0]])
        A, B = (Parameters((random(2, 2), random(1, 2)), (random(2), random(1))) for _ in range(2))
        p = Problem(o, random(3, 2), y, A, B)
        try:
            with np.errstate(all="ignore"):
                F, found = objective_at(p, A), bound_path(p, chord(p, 2))
        except (Rejected, OverflowError):
            continue
        accepted += agree(p, EndpointValue("A", F.lower, F.upper))
        accepted += agree(
            p, PathUpperBound("p", chord(p, 2), max(found.A.upper, found.B.upper, found.interior), 1e308, 1e308)
        )
    assert accepted > 60


def test_idle_head_mixtures():
    """A head move that rewrites silent rows along with it is one head move to both."""
    for seed in range(20):
        p = problem(seed + 300, "squared", "path")
        theta, W = p.A.weights[1].copy(), p.A.weights[0].copy()
        theta[:, 0] = 0.0
        W[0] = 7.0
        A = Parameters((p.A.weights[0], theta), p.A.biases)
        B = Parameters((W, theta * 0.5), p.A.biases)
        q = replace(p, A=A, B=B)
        moves = chord(q, 1)
        found = bound_path(q, moves)
        assert [m.kind for m in moves] == (["head"] if theta.any() else ["idle"])
        sup = max(found.A.upper, found.B.upper)
        assert agree(q, PathUpperBound("p", moves, sup, 0.0, excess(sup, min(found.A.lower, found.B.lower))), must=True)

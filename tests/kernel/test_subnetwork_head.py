"""`subnetwork_head_optimum`: component checks, both evaluations, an oracle, its like for one hidden layer, scaling and permutations, seeded bugs."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from tests.corpus import subnetwork_head as corpus
from verifier.elaboration import head_claim, kernel_problem, subnetwork_head_claim
from verifier.kernel import check
from verifier.networks.network import Network
from verifier.objective import Risk, make_objective
from verifier.paths.towers.programs import head_program
from verifier.programs import solve_head

from .components import run_check
from .loader import kernel
from .oracle import falsehood
from .seeded import unnoticed
from .subnetwork_components import SUBNETWORK_CHECKS

OBJECTIVES = [
    ("squared", "l1"), ("squared", "none"), ("logistic", "l1"), ("cross_entropy", "l1"), ("cross_entropy", "none"), ("huber", "l1"), ("hinge", "l1"),
    ("absolute", "l1"),
]  # fmt: skip


def risk_of(loss, penalty, rng, N=30, weights=None):
    K = {"cross_entropy": 3, "squared": 2}.get(loss, 1)
    X = rng.normal(size=(N, 2))
    y = rng.integers(0, K, size=N) if loss == "cross_entropy" else rng.normal(size=(N, K))
    y = np.where(y > 0, 1.0, -1.0) if loss in ("logistic", "hinge") else y
    o = make_objective(
        loss, delta=0.5 if loss == "huber" else None, kappa=0.05 if penalty == "l1" else 0.0, penalty=penalty
    )
    return Risk(o.weighted(weights), X, y), K


def network_of(rng, widths, bias=True, slope=0.0):
    pairs = list(pairwise(widths))
    return Network(
        tuple(rng.normal(size=(q, r)) / np.sqrt(r) for r, q in pairs),
        tuple(rng.normal(size=q) * 0.3 if bias else None for _, q in pairs),
        slope,
    )


def posed(seed, loss, penalty, *, bias=True, slope=0.0, weighted=False):
    """(problem, claim) as a run makes them, of a trained-looking network's own last hidden layer."""
    rng = np.random.default_rng(seed)
    weights = rng.uniform(0.5, 2.0, size=30) if weighted else None
    risk, K = risk_of(loss, penalty, rng, weights=weights)
    A, B = (network_of(rng, (2, 6, 5, 4, K), bias, slope) for _ in range(2))
    p = head_program("h", A, risk)
    problem = kernel_problem(A, B, risk)
    return problem, subnetwork_head_claim(problem, "h", p.layers, p.head, p.head_bias, p.dual)


@pytest.mark.parametrize("component", SUBNETWORK_CHECKS, ids=lambda c: c.__name__.removeprefix("check_"))
@pytest.mark.parametrize("seed", range(3))
def test_component(component, seed):
    """The property in the check's docstring."""
    run_check(component, kernel(), seed)


@pytest.mark.parametrize(("loss", "penalty"), OBJECTIVES)
@pytest.mark.parametrize(("bias", "slope", "weighted"), [(True, 0.0, False), (False, 0.25, False), (True, 0.0, True)])
def test_what_a_run_claims_is_tight_and_true(loss, penalty, bias, slope, weighted):
    problem, claim = posed(1, loss, penalty, bias=bias, slope=slope, weighted=weighted)
    # With weights and a free output bias no dual on a grid sums to 0; a bound for heads up to a limit is what is left.
    assert claim.upper - claim.lower <= 1e-6 * claim.upper + 1e-9
    assert (claim.head_limit is None) == (penalty == "l1" and not (weighted and bias))
    width = max(claim.upper - claim.lower, 1e-9)
    beyond = replace(claim, lower=claim.upper + width, upper=claim.upper + 2 * width)
    beneath = replace(claim, lower=0.0, upper=max(0.0, claim.lower - width))
    for evaluation in ("fast", "reference"):
        verdict = check(problem, claim, evaluation=evaluation)
        assert verdict.accepted, verdict.sentence
        assert not check(problem, beyond, evaluation=evaluation).accepted
        assert not check(problem, beneath, evaluation=evaluation).accepted
    assert falsehood(problem, claim) is None
    assert falsehood(problem, beneath) is not None
    assert falsehood(problem, replace(beyond, lower=1.05 * claim.upper, upper=2.0 * claim.upper)) is not None


@pytest.mark.parametrize(("loss", "penalty"), OBJECTIVES)
def test_a_first_layer_that_changes_nothing(loss, penalty):
    """Inputs as (x)+ and (-x)+ below rows (w, -w) are one hidden layer with rows w: the same interval as `head_optimum` of that network."""
    rng = np.random.default_rng(3)
    risk, K = risk_of(loss, penalty, rng)
    W, b = rng.normal(size=(5, 2)), rng.normal(size=5)
    shallow = Network((W, rng.normal(size=(K, 5))), (b, rng.normal(size=K)))
    eye = np.eye(2)
    deep = Network((np.vstack([eye, -eye]), np.hstack([W, -W]), shallow.theta), (np.zeros(4), b, shallow.c))
    Z, o = shallow.features(risk.X), risk.objective
    one = solve_head(Z, risk.targets, o, np.ones(5) * (o.kappa > 0), bias=True, name="one", outputs=K)
    two = head_program("two", deep, risk)
    problems = [kernel_problem(n, n, risk) for n in (shallow, deep)]
    first = head_claim(problems[0], "one", W, b, one.head, one.head_bias, one.dual)
    second = subnetwork_head_claim(problems[1], "two", two.layers, one.head, one.head_bias, one.dual)
    assert first.head_limit == second.head_limit
    assert first.lower == pytest.approx(second.lower, rel=1e-10, abs=1e-13)
    assert first.upper == pytest.approx(second.upper, rel=1e-10, abs=1e-13)


@pytest.mark.parametrize("k", [-40, -3, 7, 60])
def test_scales_and_orders_of_neurons_change_nothing(k):
    """A layer times 2^k and the next divided by it; neurons of a layer in another order with the columns above them."""
    problem, claim = posed(2, "logistic", "l1")
    s = claim.widths.tolist()
    v = claim.subnetwork(problem)
    W, b = [w.copy() for w in v.weights], [x.copy() for x in v.biases]
    order = np.random.default_rng(0).permutation(s[0])
    W[0], b[0], W[1] = W[0][order] * 2.0**k, b[0][order] * 2.0**k, W[1][:, order] / 2.0**k
    flat = np.concatenate([a.ravel() for layer in zip(W[:-1], b[:-1]) for a in layer])
    scaled = replace(claim, parameters=flat)
    for evaluation in ("fast", "reference"):
        verdict = check(problem, scaled, evaluation=evaluation)
        assert verdict.accepted, verdict.sentence
        wrong = replace(scaled, lower=1.01 * claim.upper, upper=2 * claim.upper)
        assert not check(problem, wrong, evaluation=evaluation).accepted


def _mutants(a):
    """Of one array."""
    yield from (
        a[:0],
        a[:-1],
        np.concatenate([a, a]),
        np.zeros_like(a),
        -np.ones_like(a),
        np.roll(a, 1, axis=0),
        a[::-1].copy(),
    )
    if a.dtype == np.float64:
        yield from (a * np.nan, a * 2.0, -a, a.astype(np.float32), a.T.copy(), a[None], np.full_like(a, 1e308))


@pytest.mark.parametrize(("loss", "penalty"), OBJECTIVES)
def test_mutants_of_every_array_are_refused_or_true(loss, penalty):
    """Both evaluations agree, and nothing that an independent search refutes is accepted."""
    problem, claim = posed(4, loss, penalty)
    refused = 0
    for field in ("widths", "parameters", "head", "head_bias", "dual"):
        for changed in _mutants(getattr(claim, field)):
            if changed.shape == getattr(claim, field).shape and np.array_equal(changed, getattr(claim, field)):
                continue
            mutant = replace(claim, **{field: changed})
            verdicts = [check(problem, mutant, evaluation=e).accepted for e in ("fast", "reference")]
            refused += not any(verdicts)
            if any(verdicts):
                assert falsehood(problem, mutant) is None, field
    assert refused >= 40


def test_the_sentence_says_what_the_heads_are():
    problem, claim = posed(1, "squared", "l1")
    text = check(problem, claim).sentence
    assert text.startswith('VERIFIED program "h": ')
    assert "<= min F over all heads and output biases on a stored sub-network of hidden widths 6-5-4 <=" in text
    limited = check(*posed(1, "squared", "none")).statement
    assert "<= min F over heads and output biases with entries at most " in limited


@pytest.mark.parametrize("name", corpus.REJECTED)
def test_attacks_by_hand(name):
    case = corpus.REJECTED[name]()
    for evaluation in ("fast", "reference"):
        assert not check(case.problem, case.claims[-1], evaluation=evaluation).accepted


FEATURES = "Z = relu(hidden(p, problem.X, problem.negative_slope), problem.negative_slope)"
COLUMNS = "Z = activation(preactivations(below, p.weights[-2], p.biases[-2]), slope)"
ENDS = "exact(np.ones(1)), objective_at(problem, p).upper)"
BUGS = [
    ("heads", ENDS, "exact(2 * np.ones(1)), objective_at(problem, p).upper)"),
    ("heads", ENDS, "exact(np.ones(1)), objective_at(problem, p).lower)"),
    ("heads", ENDS, "exact(np.ones(1)), objective_at(problem, problem.A).upper)"),
    ("heads", FEATURES, "Z = relu(hidden(p, problem.X, problem.negative_slope), 0.0)"),
    ("heads", FEATURES, "Z = relu(hidden(problem.A, problem.X, problem.negative_slope), problem.negative_slope)"),
    ("reference_heads", "claim, Z, [ONE] * Z.ncols(), primal)", "claim, Z, [ONE + ONE] * Z.ncols(), primal)"),
    ("reference_heads", COLUMNS, "Z = activation(preactivations(below, p.weights[-2], p.biases[-2]), 0.0)"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("module", "old", "new"), BUGS, ids=[f"{i:02d}-{b[0]}" for i, b in enumerate(BUGS)])
def test_seeded_bug_is_killed(module, old, new):
    """A kernel with this bug fails a component check."""
    assert not unnoticed(module, old, new, SUBNETWORK_CHECKS, 4), f"{module}: {old!r} -> {new!r} goes unnoticed"

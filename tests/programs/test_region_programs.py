"""Region programs: both routes against each other and against members drawn at random, their certified intervals, and what is refused."""

import itertools

import numpy as np
import pytest

from verifier.data import load_data
from verifier.elaboration.claims import kernel_problem
from verifier.elaboration.regions import region_claim
from verifier.errors import UsageError
from verifier.kernel import check
from verifier.networks.network import Network
from verifier.objective import Risk, make_objective
from verifier.programs.region import region_cost, solve_region
from verifier.programs.region.size import CVXPY, INTERIOR_POINT
from verifier.training import train_network

LOSSES = ("logistic", "cross_entropy", "squared", "huber", "hinge", "absolute")
PENALTIES = ("none", "l1", "path", "weight_decay")


def instance(rng, loss, penalty, *, N=18, d=2, m=5, K=None, weighted=False, penalise=False, biases=(True, True)):
    """(network, objective, X, targets), random."""
    K = K or (3 if loss == "cross_entropy" else 1)
    X = rng.normal(size=(N, d))
    b = [rng.normal(size=k) if has else None for k, has in zip((m, K), biases)]
    network = Network((rng.normal(size=(m, d)), rng.normal(size=(K, m))), tuple(b))
    o = make_objective(
        loss,
        kappa=0.0 if penalty == "none" else 0.02,
        penalty=penalty,
        penalise_output_bias=penalise and penalty != "none",
    )
    if loss == "cross_entropy":
        y = rng.integers(0, K, size=N)
    else:
        y = rng.choice([-1.0, 1.0], size=(N, 1)) if loss in ("logistic", "hinge") else rng.normal(size=(N, K))
    return network, o.weighted(rng.random(N) + 0.1 if weighted else None), X, y


def certified(network, objective, X, y, program, name="r"):
    """The claim, accepted by both evaluations."""
    problem = kernel_problem(network, network, Risk(objective, X, y))
    claim = region_claim(problem, program, name, of="A")
    for evaluation in ("fast", "reference"):
        verdict = check(problem, claim, evaluation=evaluation)
        assert verdict.accepted, verdict.sentence
    return claim


def width(claim):
    return (claim.upper - claim.lower) / claim.upper


@pytest.mark.parametrize(("loss", "penalty"), list(itertools.product(LOSSES, PENALTIES)))
@pytest.mark.parametrize("seed", range(2))
def test_every_loss_and_penalty(loss, penalty, seed):
    """Certified within 1e-6 by CVXPY and by the interior point, whose intervals meet; no member drawn at random lies below."""
    rng = np.random.default_rng([seed, LOSSES.index(loss), PENALTIES.index(penalty)])
    K = 2 if seed and loss in ("squared", "huber", "absolute") else None
    penalise = seed == 1 and penalty in ("l1", "path")
    network, o, X, y = instance(rng, loss, penalty, K=K, weighted=seed == 1, penalise=penalise)
    free = bool(rng.random() < 0.7)
    claims = []
    for solver in ("CLARABEL", INTERIOR_POINT):
        program = solve_region(network, Risk(o, X, y), solver=solver, free_bias=free)
        claims.append(certified(network, o, X, y, program))
        assert width(claims[-1]) <= 1e-6, (solver, program.status)
        assert program.primal == pytest.approx(o.value(program.best, X, y), rel=1e-9)
        assert program.dual <= program.primal <= program.F * (1 + 1e-12)
    assert max(c.lower for c in claims) <= min(c.upper for c in claims)
    own = np.column_stack([network.W, network.b])
    for _ in range(20):
        rows = own * rng.random(len(own))[:, None]
        c = network.c + rng.normal(size=network.c.shape) * 0.1 if free else network.c
        if penalty == "weight_decay" or free or penalty == "path":
            assert o.value(Network((rows[:, :-1], network.theta), (rows[:, -1], c)), X, y) >= claims[0].lower


@pytest.mark.parametrize("biases", [(True, False), (False, True), (False, False)])
@pytest.mark.parametrize("loss", ["logistic", "squared", "cross_entropy"])
def test_networks_without_biases(loss, biases):
    network, o, X, y = instance(np.random.default_rng(3), loss, "path", biases=biases)
    for solver in ("CLARABEL", INTERIOR_POINT):
        assert width(certified(network, o, X, y, solve_region(network, Risk(o, X, y), solver=solver))) <= 1e-6


@pytest.mark.parametrize(
    ("loss", "penalty", "exponent"),
    [
        *((loss, "none", k) for loss in ("squared", "logistic") for k in (-40, -15, 15, 40)),
        *(
            (loss, penalty, k)
            for loss, penalty in (("squared", "path"), ("huber", "weight_decay"))
            for k in (-15, -6, 6)
        ),
    ],
)
def test_data_of_another_size(loss, penalty, exponent):
    """Inputs times a power of two and rows divided by it are the same functions; without a penalty the interval is the same too.

    A penalty on rows so short that it is 1e-10 of the loss's pull is beyond float64 duals, and not tried.
    """
    network, o, X, y = instance(np.random.default_rng(5), loss, penalty, biases=(False, True))
    first = certified(network, o, X, y, solve_region(network, Risk(o, X, y), solver=INTERIOR_POINT))
    scaled = Network((np.ldexp(network.W, -exponent), network.theta), network.biases)
    far = np.ldexp(X, exponent)
    second = certified(scaled, o, far, y, solve_region(scaled, Risk(o, far, y), solver=INTERIOR_POINT))
    assert width(second) <= 1e-6
    if penalty == "none":
        assert second.lower == pytest.approx(first.lower, rel=1e-6)


@pytest.mark.parametrize("exponent", [-30, 30])
def test_targets_of_another_size(exponent):
    """Squared loss without a penalty: targets and heads times 2^k multiply F by 4^k."""
    network, o, X, y = instance(np.random.default_rng(6), "squared", "none")
    first = certified(network, o, X, y, solve_region(network, Risk(o, X, y), solver=INTERIOR_POINT))
    scale = 2.0**exponent
    scaled = Network((network.W, network.theta * scale), (network.b, network.c * scale))
    second = certified(scaled, o, X, y * scale, solve_region(scaled, Risk(o, X, y * scale), solver=INTERIOR_POINT))
    assert width(second) <= 1e-6
    assert second.lower == pytest.approx(first.lower * scale**2, rel=1e-6)


@pytest.mark.parametrize("what", ["no head", "one head 0", "a row 0", "all dead", "an input 0", "one sample"])
@pytest.mark.parametrize(
    ("loss", "penalty"), [("logistic", "path"), ("squared", "none"), ("hinge", "weight_decay"), ("cross_entropy", "l1")]
)
def test_degenerate_networks(what, loss, penalty):
    """Neurons without a head or a sample, rows and inputs of 0, one sample: certified all the same."""
    network, o, X, y = instance(np.random.default_rng(7), loss, penalty, biases=(False, True))
    W, theta = network.W.copy(), network.theta.copy()
    if what == "no head":
        theta[:] = 0.0
    elif what == "one head 0":
        theta[:, 0] = 0.0
    elif what == "a row 0":
        W[0] = 0.0
    elif what == "all dead":
        X = np.abs(X)
        W = -np.abs(W)
    elif what == "an input 0":
        X = X.copy()
        X[0] = 0.0
    else:
        X, y = X[:1], y[:1]
    network = Network((W, theta), network.biases)
    claim = certified(network, o, X, y, solve_region(network, Risk(o, X, y)))
    assert claim.upper - claim.lower <= 1e-6 * max(claim.upper, 1e-3)


def test_a_tie_has_two_regions():
    """A row that is 0 at a sample: active it fits both samples, inactive it does not."""
    X, y = np.array([[1.0, 1.0], [1.0, -1.0]]), np.ones((2, 1))
    network, o = Network((np.array([[1.0, 1.0]]), np.ones((1, 1))), (None, None)), make_objective("squared")
    off = solve_region(network, Risk(o, X, y), row_limit=2.0)
    on = solve_region(network, Risk(o, X, y), row_limit=2.0, active=np.array([[0, 1]]))
    assert off.dual == pytest.approx(0.5, rel=1e-6)
    assert on.primal <= 1e-6
    certified(network, o, X, y, off)
    certified(network, o, X, y, on)
    with pytest.raises(UsageError, match="counted as active has a pre-activation that is not 0"):
        solve_region(network, Risk(o, X, y), active=np.array([[0, 0]]))


def test_longer_rows_do_not_raise_the_minimum():
    """Row limits nest, and a limit of 0 leaves the output bias alone."""
    network, o, X, y = instance(np.random.default_rng(8), "logistic", "none")
    values = [solve_region(network, Risk(o, X, y), row_limit=limit) for limit in (0.0, 0.5, 1.0, 2.0)]
    claims = [certified(network, o, X, y, p) for p in values]
    assert all(b.lower <= a.upper for a, b in itertools.pairwise(claims))
    assert claims[-1].upper < claims[0].lower


@pytest.mark.parametrize(
    ("loss", "penalty", "K"), [("hinge", "path", 1), ("absolute", "path", 1), ("absolute", "none", 3)]
)
def test_losses_with_kinks_at_a_size_where_both_routes_go(loss, penalty, K):
    """40 neurons, 150 samples, weights among them: the two routes' certified intervals are narrow and meet."""
    network, o, X, y = instance(np.random.default_rng(11), loss, penalty, N=150, d=3, m=40, K=K, weighted=K == 1)
    claims = [
        certified(network, o, X, y, solve_region(network, Risk(o, X, y), solver=s))
        for s in ("CLARABEL", INTERIOR_POINT)
    ]
    assert max(width(c) for c in claims) <= 1e-5
    assert max(c.lower for c in claims) <= min(c.upper for c in claims)


def test_a_loss_that_is_zero_ends_at_once():
    """F = 0 at the network: nothing is lower, whatever the multipliers are."""
    network, o, X, _ = instance(np.random.default_rng(12), "hinge", "none")
    f = network.predict(X)
    size = 2.0 / np.abs(f).min()
    network = network.replace(-1, size * network.theta, size * network.c)
    program = solve_region(network, Risk(o, X, np.sign(f)), solver=INTERIOR_POINT)
    assert program.primal == program.dual == 0.0
    assert program.iterations == 1


def test_what_is_refused():
    network, o, X, y = instance(np.random.default_rng(9), "hinge", "path")
    with pytest.raises(UsageError, match="row_limit must be a number >= 0, got nan"):
        solve_region(network, Risk(o, X, y), row_limit=float("nan"))
    leaky = Network(network.weights, network.biases, 0.1)
    with pytest.raises(UsageError, match="one hidden layer of ReLU"):
        solve_region(leaky, Risk(o, X, y))
    deep = Network((network.W, np.eye(5), network.theta), (network.b, None, network.c))
    with pytest.raises(UsageError, match="got 2 hidden layers"):
        region_cost(deep, Risk(o, X, y))


def test_sizes_are_counted():
    """5 rows of 3 numbers and an output bias, 18 samples; a second-order cone per row, two exponential ones per sample."""
    network, o, X, y = instance(np.random.default_rng(10), "logistic", "path")
    size = region_cost(network, Risk(o, X, y))
    assert (size.variables, size.constraints, size.second_order, size.exponential) == (16, 90, 5, 36)
    assert size.route == CVXPY
    assert 0.0 < size.seconds < 1.0
    hinge = region_cost(network, Risk(make_objective("hinge", kappa=0.02), X, y))
    assert (hinge.exponential, hinge.route) == (0, CVXPY)
    assert (
        region_cost(network, Risk(make_objective("logistic", kappa=0.02, penalty="weight_decay"), X, y)).second_order
        == 0
    )


@pytest.mark.parametrize(
    ("data", "width_", "loss", "penalty"),
    [("paper-moons", 8, "squared", "path"), ("paper-breast-cancer", 6, "logistic", "path")],
)
def test_trained_networks_on_real_data(data, width_, loss, penalty):
    """The best of a trained network's region lies below it, both routes agree, and the estimate is not far off."""
    d = load_data(data)
    trained = train_network(d, width_, loss, seed=0, epochs=60, kappa=1e-3, penalty=penalty)
    network, o = trained.network, trained.objective
    y = o.loss.encode(d)
    claims = []
    for solver in ("CLARABEL", INTERIOR_POINT):
        program = solve_region(network, Risk(o, d.X, y), solver=solver)
        claims.append(certified(network, o, d.X, y, program))
        assert width(claims[-1]) <= 1e-6
        assert program.drop > 0
        assert program.tight_constraints > 0
    assert max(c.lower for c in claims) <= min(c.upper for c in claims)
    auto = solve_region(network, Risk(o, d.X, y))
    assert auto.seconds < 10 * auto.size.seconds + 1.0

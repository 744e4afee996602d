"""Barriers between different sign counts: the search against cells and paths, the star path, and both ends certified where people train."""

from __future__ import annotations

import re

import numpy as np
import pytest

import verifier
from tests.kernel.sign_counts import network, trained_network
from tests.landscape.moons import moons_pair
from verifier.certificate import read_certificate
from verifier.data.dataset import Dataset
from verifier.elaboration import kernel_problem
from verifier.errors import UsageError, VerifierError
from verifier.kernel import PathUpperBound, check
from verifier.kernel.statements import BarrierLowerBound, SignCountBarrier
from verifier.landscape.coarse.least import least_passed
from verifier.landscape.gap import exact_gap
from verifier.landscape.sign_count.narrow import narrow, positives_passed, require_covered, sign_counts
from verifier.landscape.sign_count.search import least_narrow
from verifier.networks.network import Network
from verifier.objective import Risk, make_objective
from verifier.pipeline.constructions.registry import CONSTRUCTIONS
from verifier.pipeline.sign_count import narrow_claim

# Gap over E, measured by a branch and bound in C++ that shares no code with this one.
KNOWN = {40: 0.00738910, 100: 0.00432314, 200: 0.00412820, 400: 0.00806038, 800: 0.00983770}


def both_ends(path):
    """(lower, upper) gaps of a certificate, every claim accepted by both evaluations."""
    c = read_certificate(path)
    for evaluation in ("fast", "reference"):
        assert all(check(c.problem, claim, evaluation=evaluation).accepted for claim in c.claims)
    lower = [x for x in c.claims if isinstance(x, (SignCountBarrier, BarrierLowerBound))]
    upper = [x for x in c.claims if isinstance(x, PathUpperBound)]
    return lower, upper, c


@pytest.mark.parametrize("N", [40, 100, *(pytest.param(n, marks=pytest.mark.slow) for n in (200, 400, 800))])
def test_both_ends_meet_where_people_train(N, tmp_path):
    """The two best of eight trained networks; what sampling calls a barrier is one, to eight digits."""
    A, B, X, y = moons_pair(N)
    result = verifier.certify(A, B, (X, y[:, 0]), loss="squared", method="sign-count", out=tmp_path / "x.safetensors")
    (low,), (high,), _ = both_ends(tmp_path / "x.safetensors")
    assert low.gap <= high.gap <= low.gap + 1e-6
    assert low.gap == pytest.approx(KNOWN[N], abs=6e-9)
    assert f"CERTIFIED {low.gap:.4g}"[:14] in result.sentence
    assert "<= gap <=" in result.sentence


def random_pair(seed):
    """(A, B, objective, X, y) of random sizes, losses and penalties; neurons may be 0 or dead, signs stand anywhere."""
    rng = np.random.default_rng(seed)
    N, d, m = int(rng.integers(3, 8)), int(rng.integers(1, 3)), int(rng.choice([1, 2, 2, 2, 3]))
    d = 1 if m == 3 else d
    loss = str(rng.choice(["squared", "squared", "logistic", "huber", "absolute", "hinge"]))
    penalty = str(rng.choice(["none", "path", "weight_decay"]))
    if loss == "logistic" and penalty == "none":
        penalty = "path"  # else the infimum may lie at infinity, and takes thousands of programs
    kappa = 0.0 if penalty == "none" else float(rng.choice([0.01, 0.1]))
    hidden, output = bool(rng.integers(4)), bool(rng.integers(2))
    objective = make_objective(
        loss, delta=0.3 if loss == "huber" else None, kappa=kappa, penalty=None if penalty == "none" else penalty,
        penalise_output_bias=penalty == "path" and output and bool(rng.integers(2)),
    )  # fmt: skip
    X, y = rng.uniform(-1, 1, size=(N, d)), rng.normal(size=(N, 1))
    y = np.sign(y) if loss in ("logistic", "hinge") else y
    inputs = np.column_stack([X, np.ones(N)]) if hidden else X
    nets, few = [], int(rng.integers(m))
    for positive in (few, int(rng.integers(few + 1, m + 1))):
        signs = rng.permutation([1] * positive + [-1] * (m - positive))
        u, c = rng.normal(size=(m, d + hidden)), float(rng.normal())
        if rng.random() < 0.8:
            u, c = trained_network(rng, objective, inputs, y, signs, output)
        if rng.random() < 0.1:
            u[int(rng.integers(m))] = 0.0
        net = network(u, c, signs, rng, hidden, output)
        if rng.random() < 0.1:
            theta = net.theta.copy()
            theta[0, int(rng.integers(m))] = 0.0
            net = net.replace(-1, theta, net.c)
        nets.append(net)
    return *nets, objective, X, y


def run_random(seeds, tmp_path):
    """(pairs that sign counts tell apart, pairs among them where cells know the gap): no lower end above an upper one."""
    told, compared = 0, 0
    for seed in seeds:
        A, B, objective, X, y = random_pair(seed)
        if not positives_passed(A, B):
            continue
        o, out = objective, tmp_path / f"{seed}.safetensors"
        signed = o.loss.name in ("logistic", "hinge")
        data = Dataset(
            X, (y[:, 0] > 0).astype(int) if signed else y[:, 0], "tiny", "binary" if signed else "regression"
        )
        verifier.certify(
            A, B, data, loss=o.loss.name, delta=o.delta, kappa=o.kappa, penalty=o.penalty, penalise_output_bias=o.penalise_output_bias,
            method="sign-count,line,halves,theorem41", out=out,
        )  # fmt: skip
        lower, upper, c = both_ends(out)
        assert {p.path for p in upper} >= {"sign-count", "line"}
        least = min(p.sup for p in upper)
        assert all(b.level <= least for b in lower)
        # What the kernel certifies of every number of positive neurons, also where it lies below E.
        claims = []
        for p in positives_passed(A, B):
            found = least_passed(narrow(A, Risk(objective, X, y), p), most_programs=300, seconds=10)
            claims.append(narrow_claim(c.problem, found))
            assert all(check(c.problem, claims[-1], evaluation=e).accepted for e in ("fast", "reference"))
            assert claims[-1].level <= min(least, found.upper)
        told += 1
        try:
            exact = exact_gap(A, B, Risk(objective, X, y), most_cells=3000)
        except UsageError:
            continue
        assert all(claim.level <= exact.upper * (1 + 1e-6) + 1e-9 for claim in claims)
        compared += 1
    return told, compared


def test_no_lower_end_lies_above_an_upper_one(tmp_path):
    """On 12 random pairs of every loss and penalty, degenerate ones among them."""
    told, compared = run_random(range(12), tmp_path)
    assert told >= 8
    assert compared >= 3


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_no_lower_end_of_many_lies_above_an_upper_one(tmp_path):
    """On more than 200 that sign counts tell apart."""
    told, compared = run_random(range(100, 400), tmp_path)
    assert told >= 200
    assert compared >= 100


@pytest.mark.parametrize("seed", range(6))
def test_cells_give_the_same_gap(seed):
    """Ten samples, two neurons, local minima of different sign counts: the bottleneck over all cells is the least F of one neuron, or lies above it."""
    rng = np.random.default_rng(seed)
    X, y = np.sort(rng.uniform(-1, 1, size=(10, 1)), axis=0), rng.normal(size=(10, 1))
    objective = make_objective("squared")
    A, B = (_best(rng, X, y, objective, signs) for signs in ((1, 1), (1, -1)))
    (p,) = positives_passed(A, B)
    found = least_narrow(narrow(A, Risk(objective, X, y), p), most_programs=2000, seconds=60)
    assert found.closed
    exact = exact_gap(A, B, Risk(objective, X, y))
    E = max(objective.value(n, X, y) for n in (A, B))
    assert max(E, found.lower) <= exact.upper * (1 + 1e-7)
    if exact.lower <= max(E, found.upper) * (1 + 1e-6):
        assert max(E, found.upper) == pytest.approx(exact.upper, rel=1e-6)


def _best(rng, X, y, objective, signs):
    u, c = trained_network(rng, objective, np.column_stack([X, np.ones(len(X))]), y, signs, True)
    return network(u, c, signs, rng, True, True)


def test_the_search_can_be_stopped_at_any_time():
    """The bracket tightens with the budget, and its lower end is certified whatever it is."""
    A, B, X, y = moons_pair(40)
    objective = make_objective("squared")
    (p,) = positives_passed(A, B)
    s, last = narrow(A, Risk(objective, X, y), p), (0.0, np.inf)
    for programs in (8, 20, 40, 1000):
        found = least_narrow(s, most_programs=programs, seconds=60)
        assert last[0] <= found.lower <= found.upper <= last[1] * (1 + 1e-12)
        assert len(found.duals) == int((found.tree == -1).sum())
        claim = narrow_claim(kernel_problem(A, B, Risk(objective, X, y)), found)
        assert claim.level == pytest.approx(found.lower, rel=1e-9)
        last = found.lower, found.upper
    assert found.closed


@pytest.mark.parametrize("scale", [2.0**-30, 2.0**20])
def test_units_do_not_matter(scale):
    """Inputs in units of another power of two: the same tree, programs and digits."""
    A, B, X, y = moons_pair(40)
    objective = make_objective("squared")
    (p,) = positives_passed(A, B)
    one = least_narrow(narrow(A, Risk(objective, X, y), p), most_programs=2000, seconds=60)
    other = least_narrow(narrow(A, Risk(objective, X * scale, y), p), most_programs=2000, seconds=60)
    assert other.tree.tolist() == one.tree.tolist()
    assert other.lower == pytest.approx(one.lower, rel=1e-10)
    larger = least_narrow(narrow(A, Risk(objective, X, y * 2.0**12), p), most_programs=2000, seconds=60)
    assert larger.lower == pytest.approx(one.lower * 2.0**24, rel=1e-7)


def test_sign_counts_of_degenerate_neurons():
    """Heads and rows of 0 count for neither sign; dead neurons count."""
    W, b = np.array([[1.0], [1.0], [0.0], [0.0]]), np.array([0.0, 0.0, 0.0, -1.0])
    A = Network((W, np.array([[1.0, -0.0, 1.0, 1.0]])), (b, None))
    assert sign_counts(A) == (2, 0)
    B = Network((W, np.array([[-1.0, -1.0, 1.0, -1.0]])), (b, None))
    assert sign_counts(B) == (0, 3)
    assert positives_passed(A, B) == [1]
    assert positives_passed(A, A) == positives_passed(B, B) == []


def test_what_is_refused():
    A, B, X, y = moons_pair(40)
    objective = make_objective("squared")
    with pytest.raises(UsageError, match="rescaling a row changes it"):
        require_covered(A, B, make_objective("squared", kappa=0.1, penalty="l1"), y)
    with pytest.raises(UsageError, match="one output"):
        require_covered(A, B, objective, np.hstack([y, y]))
    with pytest.raises(
        UsageError, match=r"linearly dependent: column 1 of the features, from 0, is a combination .* leave it out"
    ):
        narrow(A, Risk(objective, np.column_stack([X[:, 0], 2 * X[:, 0]]), y), 0)


@pytest.mark.parametrize("bias", [True, False])
def test_columns_to_leave_out_are_named_and_leaving_them_out_is_enough(bias):
    rng = np.random.default_rng(0)
    a, b, objective = rng.normal(size=20), rng.normal(size=20), make_objective("squared", kappa=0.1, penalty="path")
    X = np.column_stack([np.full(20, 3.0), a, 2 * a - 1, b, a + b, 0 * a])
    expected = [0, 2, 4, 5] if bias else [2, 4, 5]
    y = rng.normal(size=(20, 1))

    def network(d):
        return Network((np.ones((2, d)), np.array([[1.0, -1.0]])), (np.ones(2) if bias else None, None))

    with pytest.raises(UsageError) as refused:
        narrow(network(6), Risk(objective, X, y), 0)
    (named,) = re.findall(r"columns ([0-9, ]+) of the features", str(refused.value))
    out = [int(k) for k in named.split(", ")]
    assert out == expected
    narrow(network(6 - len(out)), Risk(objective, np.delete(X, out, axis=1), y), 0)


def test_one_count_is_no_barrier(tmp_path):
    """By name it is said; of all methods it is skipped."""
    A, _, X, y = moons_pair(40)
    turned = Network((A.W[::-1], A.theta[:, ::-1]), (A.b[::-1], A.c))
    with pytest.raises(VerifierError, match="such pairs are not told apart"):
        verifier.certify(A, turned, (X, y[:, 0]), loss="squared", method="sign-count", out=tmp_path / "x.safetensors")
    assert CONSTRUCTIONS["sign-count"].of_all


def test_all_and_exact_use_sign_counts(tmp_path):
    """A run without --method proves the barrier where no gap of 0 is found; the exact method does, where its cells would be too many. The report says so."""
    A, B, X, y = moons_pair(40)
    everything = verifier.certify(
        A, B, (X, y[:, 0]), loss="squared", estimate_seconds=0.1, out=tmp_path / "all.safetensors"
    )
    exact = verifier.certify(A, B, (X, y[:, 0]), loss="squared", method="exact", out=tmp_path / "exact.safetensors")
    for result in (everything, exact):
        assert "CERTIFIED 0.007389" in result.sentence
        assert all(v.accepted for v in result.check(reference=True))
    page = everything.report(tmp_path / "all.html").read_text()
    assert "barrier sign-count" in page
    assert "every path passes a network with one neuron at 0 and 1 other neuron, 1 positive" in page
    assert "at least 0.00738910" in page


def test_wide_networks_are_refused_with_a_number(tmp_path):
    """Hundreds of neurons: the number of orthants is no float."""
    rng = np.random.default_rng(0)
    A = Network((rng.normal(size=(400, 3)), np.ones((1, 400))), (None, None))
    B, data = (
        A.replace(-1, -A.theta, None),
        Dataset(rng.normal(size=(20, 3)), rng.normal(size=20), "wide", "regression"),
    )
    for objective in ({"kappa": 0.1, "penalty": "path"}, {}):
        with pytest.raises(VerifierError, match=r"2\^1197 orthants to start from, more than 2\^12"):
            verifier.certify(
                A, B, data, loss="squared", method="sign-count", out=tmp_path / "x.safetensors", **objective
            )

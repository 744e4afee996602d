"""Duals that vanish exactly on rays common to neurons of opposite signs (docs/mathematics.md, section 14)."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.landscape.moons import in_slots, moons_minima
from verifier.elaboration import kernel_problem
from verifier.kernel import check
from verifier.kernel.fast.cone_duals import Fan as KernelFan
from verifier.kernel.fast.cone_duals import dual_bound
from verifier.kernel.statements import Rejected
from verifier.landscape.coarse.pair import pair_barrier
from verifier.landscape.coarse.relaxed import relaxed_minimum
from verifier.landscape.sign_count import repair
from verifier.landscape.sign_count.cancelling import FAR, cancelling, vanishing
from verifier.landscape.sign_count.fan import Fan, Part
from verifier.landscape.sign_count.narrow import narrow, neuron_signs, with_signs
from verifier.landscape.sign_count.search import least_narrow
from verifier.networks.network import Network
from verifier.objective import Risk, make_objective
from verifier.pipeline.cone_barrier import cone_barrier

FREE = np.full(60, np.inf)


def whole(rng: np.random.Generator, digits: int) -> list[int]:
    """Products of a ray with 60 samples: about half of them 0, as relu leaves them."""
    return [int(v) if keep else 0 for v, keep in zip(rng.integers(1, 2**digits, 60), rng.random(60) < 0.6)]


def weights(equations: list[list[int]], nu: np.ndarray) -> list[Fraction]:
    return [sum((a * Fraction(v) for a, v in zip(row, nu.tolist())), Fraction(0)) for row in equations]


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    rays=st.integers(1, 4),
    digits=st.sampled_from([3, 24, 60]),
    power=st.integers(-40, 40),
)
def test_entries_hardly_move_and_every_weight_is_exactly_zero(seed: int, rays: int, digits: int, power: int) -> None:
    rng = np.random.default_rng(seed)
    equations = [[1] * 60, *(whole(rng, digits) for _ in range(rays))]
    equations.append([3 * a - b for a, b in zip(equations[0], equations[1])])  # follows from others
    A = np.array(equations[:-1], dtype=np.float64)
    nu = rng.standard_normal(60)
    scaled = A / np.linalg.norm(A, axis=1, keepdims=True)
    for _ in range(3):
        nu -= scaled.T @ np.linalg.solve(scaled @ scaled.T, scaled @ nu)
    assert any(weights(equations, nu))  # rounded entries do not do
    found = vanishing(np.ldexp(nu, power), -FREE, FREE, equations)
    assert found is not None
    assert not any(weights(equations, found))
    assert np.abs(np.ldexp(found, -power) - nu).max() <= FAR * np.abs(nu).max()
    assert (np.sign(found) == np.sign(nu)).all()


def test_none_where_the_weights_are_far_from_zero() -> None:
    rng = np.random.default_rng(0)
    assert vanishing(np.abs(rng.standard_normal(60)), -FREE, FREE, [[1] * 60]) is None


def test_none_where_every_entry_lies_at_an_end_of_its_domain() -> None:
    ends = np.full(3, 0.3)
    assert vanishing(np.array([0.3, -0.3, 0.3]), -ends, ends, [[1, 2, 3]]) is None


# Losses with bounded or flat derivatives, few samples, heads of both signs: what programs solve is degenerate there.
@pytest.mark.parametrize(
    ("loss", "X", "y", "A", "B"),
    [
        (
            {"loss": "huber", "delta": 0.25}, [-0.125, -0.25, -0.75, -1, -0.375], [-1, 0, -0.5, -0.25, 0.25],
            ([0.6875, 0.5625], [1.5625, -1.0625], [0.5625, 0.6875], [-0.125]), ([0.3125, -2], [1.6875, -0.25], [-0.3125, -0.75], [-0.0625]),
        ),
        (
            {"loss": "logistic"}, [-0.5, 0.125, -0.875, -0.875, 0.5, -0.625, -0.625], [-1, 1, -1, 1, 1, 1, -1],
            ([0.5, -3.375], [2.9375, -0.3125], [0.75, 1.75], None), ([9.75, -0.9375], [4.375, -0.1875], [4.125, -18.5625], None),
        ),
    ],
)  # fmt: skip
def test_searches_of_degenerate_pairs_end(loss, X, y, A, B) -> None:
    def network(W, theta, b, c) -> Network:
        return Network((np.array([W]).T, np.array([theta])), (np.array(b), None if c is None else np.array(c)))

    a, z = network(*A), network(*B)
    risk = Risk(make_objective(**loss), np.array(X, dtype=float)[:, None], np.array(y, dtype=float)[:, None])
    problem = kernel_problem(a, z, risk)
    pair = pair_barrier(a, z, risk, most_programs=3000, seconds=30.0)
    claim, _ = cone_barrier(problem, pair, lambda text: None)
    assert claim is None or check(problem, claim).accepted
    assert pair.search.lower <= min(pair.search.upper, pair.search.turned)


def test_entries_at_the_ends_of_their_domain_stay() -> None:
    rng = np.random.default_rng(1)
    nu = np.append(rng.uniform(0.2, 0.8, 30), -rng.uniform(0.2, 0.8, 30))
    nu[0], nu[30] = 1.0, -1.0
    nu[31:] *= -(nu[:30].sum() + nu[30]) / nu[31:].sum()
    found = vanishing(nu, np.full(60, -1.0), np.full(60, 1.0), [[1] * 60])
    assert found is not None
    assert sum(map(Fraction, found.tolist())) == 0
    assert found[0] == 1.0
    assert found[30] == -1.0


def moons_with(N: int):
    A, B, X, y = moons_minima(N, (3, 0))
    risk = Risk(make_objective("squared"), X, y)
    return kernel_problem(A, in_slots(A, B), risk), with_signs(A, risk, tuple(neuron_signs(A)), "cones")


def test_whole_products_are_the_kernels_up_to_a_factor() -> None:
    problem, s = moons_with(40)
    fan, theirs = Fan(s.inputs, s.directions, 2), KernelFan(problem, s.directions)
    for a, b in ((0, 1), (1, 5), (2, 6), (6, 7)):
        g = fan.middle(a, b)
        assert theirs.middle(a, b) == g
        mine = cancelling(fan).whole(g)
        exact = [Fraction(int(v.p), int(v.q)) for v in theirs.exact_dots(g)]
        factor = next(Fraction(m) / e for m, e in zip(mine, exact) if e)
        assert factor > 0
        assert mine == [factor * e for e in exact]


# Cones of the two neurons: the same; with a common edge; one within the other.
@pytest.mark.parametrize("which", ["same", "edge", "within"])
def test_the_kernel_accepts_duals_of_neurons_that_cancel_and_refuses_the_rounded_ones(
    which: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem, s = moons_with(40)
    assert sorted(s.signs) == [-1, 1]
    fan = Fan(s.inputs, s.directions, 2)
    part = Part(((0, 4, 2), (0, 4, 2)))
    for k in range(8):
        part = fan.cut(part, k % 2)[0]
    if which == "edge":
        part = fan.cut(fan.cut(part, 0)[0], 1)[1]
    elif which == "within":
        part = fan.cut(part, 1)[0]
    cones, theirs = part.cones, KernelFan(problem, s.directions)
    for pair in fan.middles:
        theirs.middle(*pair)
    found = relaxed_minimum(s, fan, cones, np.inf)
    where = cancelling(fan).rays(cones, s.signs)
    assert where

    def proved() -> float:
        dual = repair.holding(s, fan, cones, found.solved)
        if dual is None:
            raise Rejected("none")
        return dual_bound(problem, theirs, cones, s.signs, dual.nu, dual.slopes.ravel(), dual.pulls.ravel())

    assert proved() >= found.value * (1.0 - 1e-6) > 0.0
    monkeypatch.setattr(repair, "vanishing", lambda nu, low, high, equations, far: nu)
    with pytest.raises(Rejected):
        proved()


def test_signs_in_other_slots_are_a_barrier_as_high_as_the_best_networks_with_a_neuron_less() -> None:
    """B's neurons have A's signs in the other order, so that some neuron has to pass 0: level by another search, over one neuron at a time."""
    A, B, X, y = moons_minima(40, (3, 0))
    assert neuron_signs(A) == neuron_signs(B)[::-1]
    risk = Risk(make_objective("squared"), X, y)
    problem = kernel_problem(A, B, risk)
    pair = pair_barrier(A, B, risk, most_programs=200, seconds=60.0)
    assert pair.search.lower < pair.upper < np.inf
    claim, _ = cone_barrier(problem, pair, lambda text: None)
    assert claim is not None
    assert claim.goal == -1
    assert claim.inside.all()
    assert (claim.faces[:, 1] < 0).all()
    least = min(least_narrow(narrow(A, risk, p), most_programs=10**4, seconds=60.0).upper for p in (0, 1))
    E = max(risk.value(A), risk.value(B))
    assert least * (1.0 + 1e-9) >= claim.level >= least - 0.011 * (least - E)
    for evaluation in ("fast", "reference"):
        assert check(problem, claim, evaluation=evaluation).accepted
    # The same parts say nothing of a network that has A's signs.
    for evaluation in ("fast", "reference"):
        assert not check(kernel_problem(A, in_slots(A, B), risk), claim, evaluation=evaluation).accepted


@pytest.mark.slow
def test_a_pair_that_is_trained_without_a_penalty_closes_where_another_program_closes_it() -> None:
    """Ends that a search in C++ with other code for everything found: [.0013174, .0013294]."""
    A, B, X, y = moons_minima(40, (3, 0))
    B = in_slots(A, B)
    risk = Risk(make_objective("squared"), X, y)
    problem = kernel_problem(A, B, risk)
    pair = pair_barrier(A, B, risk, most_programs=10**6, seconds=600.0)
    claim, _ = cone_barrier(problem, pair, lambda text: None)
    assert claim is not None
    assert pair.search.closed
    E = max(risk.value(A), risk.value(B))
    top = min(pair.search.upper, pair.search.turned) - E
    assert 0.0013294 >= claim.gap >= 0.99 * top * (1.0 - 1e-3)
    assert top >= 0.0013174
    for evaluation in ("fast", "reference"):
        assert check(problem, claim, evaluation=evaluation).accepted

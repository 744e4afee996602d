"""Barriers over coarse cells: the search against exact cells and against its own paths, what it finds in other units, and what it says it does not cover."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import verifier
from tests.kernel.cone_barriers import exact_pass, minima
from tests.kernel.sign_counts import network
from tests.landscape.moons import moons_minima, moons_pair
from verifier.elaboration import elaborate_path, kernel_problem
from verifier.errors import UsageError
from verifier.kernel import check
from verifier.landscape.coarse import relaxed
from verifier.landscape.coarse.newton import least_of_model, loss_curvature, loss_gradient, loss_values
from verifier.landscape.coarse.pair import pair_barrier
from verifier.landscape.coarse.partition import Partition
from verifier.landscape.coarse.polish import polished
from verifier.landscape.coarse.relaxed import relaxed_minimum, scaled, terms
from verifier.landscape.coarse.search import Ended
from verifier.landscape.coarse.segments import heights, highest, highest_of
from verifier.landscape.coarse.touching import Touching
from verifier.landscape.setting import products
from verifier.landscape.sign_count.fan import Fan
from verifier.landscape.sign_count.narrow import with_signs
from verifier.landscape.sign_count.repair import holding
from verifier.networks.network import Network
from verifier.numbers import show_down
from verifier.objective import Risk, make_objective
from verifier.options.certify import CertifyOptions
from verifier.options.objective import ObjectiveOptions
from verifier.pipeline.cone_barrier import cone_barrier
from verifier.pipeline.constructions.cones import BY_NAME, OF_ALL
from verifier.pipeline.constructions.proposal import Request, propose
from verifier.pipeline.constructions.registry import CONSTRUCTIONS
from verifier.pipeline.endpoints import read_setting


def pair_of(seed, *, N=6, d=1, signs=(1, 1), loss="squared", kappa=0.02, scale=1.0):
    """(A, B, objective, X, y): the two lowest minima found of these signs; None where there is only one."""
    rng = np.random.default_rng(seed)
    X, y = rng.uniform(-1, 1, size=(N, d)), rng.normal(size=(N, 1))
    y = np.sign(y) if loss == "logistic" else y
    objective = make_objective(loss, kappa=kappa, penalty="path" if kappa else None)
    found = minima(rng, objective, np.column_stack([X, np.ones(N)]), y, signs, True)
    if len(found) < 2:
        return None
    A, B = (network(u, c, list(signs), np.random.default_rng(seed), True, True) for u, c, _ in found[1::-1])
    return A, B, objective, X * scale, y


def reversed_slots(net):
    """The same function, its neurons in the opposite order."""
    return Network((net.W[::-1], net.theta[:, ::-1]), (net.b[::-1], net.c))


def ordered(seed, other_slots=False, **options):
    """Whether the pair has a barrier; asserts that its certified level lies below the certified path of the search and the exact cells' pass."""
    pair = pair_of(seed, **options)
    if pair is None:
        return False
    A, B, objective, X, y = pair
    B = reversed_slots(B) if other_slots else B
    found = pair_barrier(A, B, Risk(objective, X, y), most_programs=600, seconds=1e9)
    problem = kernel_problem(A, B, Risk(objective, X, y))
    claim, _ = cone_barrier(problem, found, lambda text: None)
    assert found.search.lower <= found.search.upper * (1 + 1e-9)
    if claim is None:
        return False
    path = found.path("cones")
    assert claim.level <= elaborate_path(problem, path).claim.sup
    for evaluation in ("fast", "reference"):
        assert check(problem, claim, evaluation=evaluation).accepted
    lower, upper = exact_pass(A, B, problem)
    E = max(objective.value(p, X, y) for p in (A, B))
    assert claim.level <= upper * (1 + 1e-9)
    # Closed to one per cent of the gap, or to what a neuron at 0 allows.
    assert claim.level - E >= 0.97 * (min(lower, found.search.turned) - E) - 1e-9 or not found.search.closed
    return True


def test_levels_lie_between_the_ends_and_the_exact_pass():
    """Random small problems, equal and opposite signs, with and without penalty."""
    met = [ordered(seed, N=5) for seed in range(6)]
    met += [ordered(seed, N=5, signs=(1, -1)) for seed in range(6, 10)]
    met += [ordered(seed, N=5, kappa=0.0) for seed in range(10, 13)]
    assert sum(met) >= 3


def test_signs_in_other_slots_have_a_path_through_a_network_with_a_neuron_less():
    """Both legs, and which slots neurons go on in: the path's top and the barrier close to one per cent of the gap."""
    closed = 0
    # Of the last one the other network has the higher way to a neuron at 0.
    for kappa, seed in ((0.0, 1), (0.0, 23), (0.02, 6)):
        options = {"N": 6 if kappa == 0.0 else 5, "signs": (1, -1), "kappa": kappa}
        assert ordered(seed, other_slots=True, **options)
        A, B, objective, X, y = pair_of(seed, **options)
        B = reversed_slots(B)
        for a, b in ((A, B), (B, A)):
            found = pair_barrier(a, b, Risk(objective, X, y), most_programs=4000, seconds=1e9)
            assert len(found.legs) >= 2
            problem, path = kernel_problem(a, b, Risk(objective, X, y)), found.path("cones")
            assert check(problem, elaborate_path(problem, path).claim).accepted
            E = max(objective.value(p, X, y) for p in (a, b))
            assert all(Risk(objective, X, y).path_value(move.to) <= found.upper * (1 + 1e-9) for move in path.moves)
            closed += found.upper - E <= 1.02 * (found.search.lower - E)
    assert closed == 6


def test_a_search_that_ends_at_once_proposes_a_path_lower_than_the_straight_one():
    lower = 0
    for seed in (1, 4, 16, 21, 23):
        A, B, objective, X, y = pair_of(seed, N=6, signs=(1, -1), kappa=0.0)
        risk = Risk(objective, X, y)
        found = pair_barrier(A, B, risk, most_programs=1, seconds=1e9)
        ends = [(products(net), float(net.c[0])) for net in (A, B)]
        straight = highest_of(with_signs(A, risk, (1, -1)), ends)
        assert found.upper <= straight * (1 + 1e-9)
        lower += found.upper < 0.99 * straight
        problem = kernel_problem(A, B, risk)
        assert check(problem, elaborate_path(problem, found.path("cones")).claim).accepted
    assert lower >= 3


def test_heads_of_both_signs_need_no_penalty():
    """Neurons may cancel however large they are there: duals vanish exactly where their cones overlap, or prove nothing."""
    met = [ordered(seed, N=6, signs=(1, -1), kappa=0.0) for seed in (1, 4, 16, 21, 23)]
    assert sum(met) >= 4


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_trained_networks_of_both_signs_without_a_penalty():
    """40 samples, two of the minima that L-BFGS finds: far more samples than exact cells reach."""
    A, B, X, y = moons_minima(40, (3, 0))
    objective = make_objective("squared")
    found = pair_barrier(A, B, Risk(objective, X, y), most_programs=24_000, seconds=1e9)
    problem = kernel_problem(A, B, Risk(objective, X, y))
    claim, _ = cone_barrier(problem, found, lambda text: None)
    assert claim is not None
    assert claim.gap > 5e-4
    assert claim.level <= min(found.search.upper, found.search.turned)
    for evaluation in ("fast", "reference"):
        assert check(problem, claim, evaluation=evaluation).accepted


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("block", range(4))
def test_levels_of_many_problems(block):
    """200 random problems in all; those with one minimum only count as they are."""
    rng = np.random.default_rng(block)
    met = 0
    for seed in range(1000 * (block + 1), 1000 * (block + 1) + 50):
        signs = [(1, 1), (1, -1), (-1, -1), (1,)][int(rng.integers(4))]
        kappa = 0.0 if rng.random() < 0.3 else float(rng.choice([0.02, 0.05]))
        loss = "squared" if kappa == 0.0 else str(rng.choice(["squared", "logistic"]))
        met += ordered(seed, N=int(rng.integers(4, 6)), signs=signs, kappa=kappa, loss=loss)
    assert met >= 3  # the others have no barrier, one minimum only, or none that this budget proves


def test_inputs_in_other_units_give_the_same_level():
    """x -> 16 x, rows -> rows / 16 where no penalty sees them: the partition is that of standard coordinates."""
    A, B, objective, X, y = pair_of(19, kappa=0.0)
    other = [Network((p.W / 16, p.theta), (p.b, p.c)) for p in (A, B)]
    one = pair_barrier(A, B, Risk(objective, X, y), most_programs=1500, seconds=1e9)
    two = pair_barrier(*other, Risk(objective, 16 * X, y), most_programs=1500, seconds=1e9)
    assert one.search.lower == pytest.approx(two.search.lower, rel=1e-9)
    assert one.search.parts == two.search.parts


def test_signs_in_other_places(tmp_path):
    """Networks with equal counts whose signs stand elsewhere: every path passes a neuron at 0, which the path that is proposed does on two legs."""
    A, B, objective, X, y = pair_of(2, signs=(1, -1), kappa=0.01)
    turned = reversed_slots(B)
    found = pair_barrier(A, turned, Risk(objective, X, y), most_programs=1500, seconds=1e9)
    problem = kernel_problem(A, turned, Risk(objective, X, y))
    claim, record = cone_barrier(problem, found, lambda text: None)
    assert claim is not None
    assert claim.goal == -1
    assert record["closed"]
    assert claim.level <= exact_pass(A, turned, problem)[1] * (1 + 1e-9)
    # As a user sees it: both ends, in words and as numbers.
    out = tmp_path / "c.safetensors"
    result = verifier.certify(
        A, turned, (X, y[:, 0]), loss="squared", kappa=0.01, penalty="path", method="cones", out=out
    )
    assert result.outcome.value == "CERTIFIED"
    assert result.lower_gap == claim.gap > 0.0
    assert result.gap == pytest.approx(found.upper - result.E, rel=1e-9)
    assert result.gap <= 1.02 * claim.gap
    assert result.sentence.startswith(f"CERTIFIED {show_down(claim.gap, 9)} <= gap <= ")


def test_an_interrupted_search_keeps_what_is_proved():
    """Ctrl-C after the first proof: the claim of that proof stands."""
    A, B, objective, X, y = pair_of(1)
    proved = []

    def say(text):
        if "a level of" in text and proved:
            raise KeyboardInterrupt
        proved.append(text)

    found = pair_barrier(A, B, Risk(objective, X, y), most_programs=1500, seconds=1e9, say=say, often=0.0)
    assert not found.search.closed
    claim, _ = cone_barrier(kernel_problem(A, B, Risk(objective, X, y)), found, lambda text: None)
    assert (claim is None) == (found.search.proof is None)


@pytest.mark.parametrize("other_slots", [False, True])
def test_an_interrupted_path_loses_no_proof(other_slots, monkeypatch):
    """Ctrl-C while a path is lowered after the search: no path then, or the straight one, and the proof stands."""
    A, B, objective, X, y = pair_of(6, N=5, signs=(1, -1), kappa=0.02)
    B = reversed_slots(B) if other_slots else B

    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("verifier.landscape.coarse.pair.lowered", interrupted)
    said, risk = [], Risk(objective, X, y)
    programs = 4000 if other_slots else 20
    found = pair_barrier(A, B, risk, most_programs=programs, seconds=1e9, say=said.append)
    assert "interrupted" in said[-1]
    assert found.search.proof is not None
    assert bool(found.legs) != other_slots
    claim, _ = cone_barrier(kernel_problem(A, B, risk), found, lambda text: None)
    assert claim is not None
    assert check(kernel_problem(A, B, risk), claim).accepted


def test_ends_stand_in_order_where_weight_decay_is_not_balanced():
    """E is F as it is, levels of ways are of balanced networks and may lie below."""
    apart = 0
    for seed in range(1, 7):
        if (pair := pair_of(seed)) is None:
            continue
        A, B, _, X, y = pair
        A = Network((4.0 * A.W, 0.25 * A.theta), (4.0 * A.b, A.c))
        risk = Risk(make_objective("squared", kappa=0.02, penalty="weight_decay"), X, y)
        found = pair_barrier(A, B, risk, most_programs=40, seconds=1e9)
        E = max(risk.value(A), risk.value(B))
        assert E <= found.search.lower <= min(found.search.turned, found.search.upper, found.upper) * (1 + 1e-9)
        apart += highest_of(found.search.narrow, [(products(A), float(A.c[0]))]) < 0.99 * E
    assert apart > 0


def test_a_relaxed_program_lies_below_f_and_its_dual_near_it():
    """On random parts of a partition: the relaxed minimum is no larger than F anywhere on the part, and its dual proves about as much."""
    rng = np.random.default_rng(0)
    for loss in ("squared", "huber", "logistic"):
        X, y = rng.normal(size=(30, 2)), rng.choice([-1.0, 1.0], size=(30, 1))
        objective = make_objective(loss, delta=0.5 if loss == "huber" else None, kappa=0.01, penalty="path")
        A = Network((np.ones((2, 2)), np.array([[1.0, -1.0]])), (np.ones(2), np.zeros(1)))
        s = with_signs(A, Risk(objective, X, y), (1, -1))
        fan = Fan(s.inputs, s.directions, 2)
        parts = list(fan.roots)
        for _ in range(40):
            part = parts.pop(int(rng.integers(len(parts))))
            parts += fan.cut(part, int(rng.integers(2)))
        proved = 0
        for part in (parts[int(k)] for k in rng.integers(len(parts), size=12)):
            found = relaxed_minimum(s, fan, part.cones, np.inf)
            dual = holding(s, fan, part.cones, found.solved)
            for _ in range(20):
                u = np.array(
                    [np.exp(rng.normal(size=3)) @ np.array([fan.rays[r] for r in rays]) for rays in part.cones]
                )
                _, _, value = scaled(s, u, 0.0)
                assert value >= found.value * (1 - 1e-6)
            if dual is not None:
                assert dual.bound <= found.value * (1 + 1e-9)
                proved += dual.bound >= found.value * (1 - 1e-6)
        assert proved >= 9


def test_parts_that_touch_are_known_after_every_cut():
    """The neighbours kept up to date are those of all pairs looked at afresh."""
    rng = np.random.default_rng(1)
    inputs = rng.normal(size=(5, 3))
    partition = Partition(Fan(inputs, np.eye(3), 1))
    for _ in range(12):
        parts = list(partition.near)
        partition.cut(parts[int(rng.integers(len(parts)))], 0)
    parts = list(partition.near)
    fresh = Touching(partition.fan)
    for k, p in enumerate(parts):
        for q in parts[:k]:
            assert (fresh.parts(p.cones, q.cones) is not None) == (q in partition.near[p]) == (p in partition.near[q])


def test_what_is_not_covered_is_said():
    """Each with the reason, and what to do."""
    A, B, _, X, y = pair_of(1)
    rows = (X, y[:, 0])
    with pytest.raises(UsageError, match="cones: expected one of the losses squared, huber, logistic, got absolute"):
        verifier.certify(A, B, rows, loss="absolute", kappa=0.02, penalty="path", method="cones")
    with pytest.raises(UsageError, match="cones: the penalty must be one of none, path, weight_decay, got l1"):
        verifier.certify(A, B, rows, loss="squared", kappa=0.02, penalty="l1", method="cones")
    wide = [Network((np.ones((6, 1)), np.ones((1, 6))), (np.arange(6.0), np.zeros(1))) for _ in range(2)]
    with pytest.raises(UsageError, match="cones: the neurons have 12 coordinates"):
        verifier.certify(*wide, rows, loss="squared", method="cones")
    empty = Network((0.0 * A.W, A.theta), (0.0 * A.b, A.c))
    with pytest.raises(UsageError, match="A and B have a neuron that is 0 each"):
        verifier.certify(
            empty,
            empty.replace(-1, -A.theta, A.c),
            rows,
            loss="squared",
            kappa=0.02,
            penalty="path",
            method="cones",
        )


@pytest.mark.slow
def test_all_and_exact_use_coarse_cells(tmp_path, monkeypatch):
    """40 samples have too many cells: a run without --method proves the barrier over coarse ones, and the exact method takes them and says so."""
    # Programs end both searches, not a clock: on a slow machine 15 seconds prove less.
    for room, name, budget in (("cones", "OF_ALL", OF_ALL), ("exact", "BY_NAME", BY_NAME)):
        monkeypatch.setattr(f"verifier.pipeline.constructions.{room}.{name}", replace(budget, seconds=1e9))
    _, _, X, y = moons_pair(40)
    objective = make_objective("squared", kappa=0.01, penalty="path")
    rng = np.random.default_rng(0)
    found = minima(rng, objective, np.column_stack([X, np.ones(40)]), y, (1, 1), True, count=20)
    B, A = (network(u, c, [1, 1], rng, True, True) for u, c, _ in found[:2])
    said = []
    options = {"loss": "squared", "kappa": 0.01, "penalty": "path"}
    exact = verifier.certify(
        A, B, (X, y[:, 0]), method="exact", out=tmp_path / "e.safetensors", say=said.append, **options
    )
    assert "CERTIFIED 0.00102" in exact.sentence
    assert all(v.accepted for v in exact.check(reference=True))
    assert any(
        "9.7e6 activation cells, too many to look at one by one; coarse ones were searched instead" in t for t in said
    )
    everything = verifier.certify(
        A, B, (X, y[:, 0]), estimate_seconds=0.1, out=tmp_path / "a.safetensors", say=said.append, **options
    )
    assert everything.lower_gap == pytest.approx(exact.lower_gap, rel=0.02)
    assert "barrier cones" in everything.report(tmp_path / "all.html").read_text()


def test_a_search_that_proves_nothing_says_why():
    """A budget of one program: the sentence and the record name the budget, not just an absence."""
    A, B, objective, X, y = pair_of(1)
    found = pair_barrier(A, B, Risk(objective, X, y), most_programs=1, seconds=1e9)
    assert found.search.ended is Ended.BUDGET
    said = []
    claim, record = cone_barrier(kernel_problem(A, B, Risk(objective, X, y)), found, said.append)
    assert claim is None
    assert record["ended"] == "budget"
    assert "no barrier over E was found; its budget ended with 1 part below the level tried last" in said[0]


def test_method_all_runs_cones_where_they_may_say_something():
    """Not beside a barrier, not where exact cells are few, not for more coordinates than it takes; otherwise it is a search like that by name."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 2)), rng.normal(size=30)
    asked = ObjectiveOptions(loss="squared", kappa=0.02, penalty="path")
    of_all = Request(CertifyOptions(), of_all=True)

    def skipped(m, rows, request):
        A, B = (
            Network((rng.normal(size=(m, 2)), np.ones((1, m))), (rng.normal(size=m), np.zeros(1))) for _ in range(2)
        )
        setting = read_setting(A, B, (X[:rows], y[:rows]), asked, CertifyOptions())
        return propose(CONSTRUCTIONS["cones"], setting, request).skipped

    assert "a barrier over E is certified already" in skipped(2, 30, replace(of_all, barrier=True))
    assert "exact cells cover so small a problem" in skipped(2, 5, of_all)
    assert "2^9 orthants to start from, more than 2^6; --method cones tries up to 2^9" in skipped(3, 30, of_all)
    assert "at most 9" in skipped(4, 30, of_all)


def test_formulae_of_the_programs_are_those_of_the_losses():
    """Values, gradients and curvatures beside `verifier.objective`, and F on a segment beside `Narrow.value`."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(30, 2))
    for loss, delta in (("squared", None), ("huber", 0.7), ("logistic", None)):
        y = rng.choice([-1.0, 1.0], size=(30, 1)) if loss == "logistic" else rng.normal(size=(30, 1))
        objective = make_objective(loss, delta=delta, kappa=0.03, penalty="path", penalise_output_bias=True)
        A = Network((np.ones((2, 2)), np.array([[1.0, -1.0]])), (np.ones(2), np.zeros(1)))
        s = with_signs(A, Risk(objective, X, y), (1, -1))
        f = 3.0 * rng.normal(size=30)
        t = terms(s)
        assert loss_values(t, f) == pytest.approx(objective.loss.values(f[:, None], y), rel=1e-12)
        nu = loss_gradient(t, f)
        assert nu == pytest.approx(objective.loss.gradient(f[:, None], y)[:, 0], rel=1e-12, abs=1e-300)
        if loss != "huber":
            assert loss_curvature(t, f, nu) == pytest.approx(objective.loss.hessian(f[:, None], y)[:, 0], rel=1e-12)
        a, b = ((rng.normal(size=(2, 3)), float(rng.normal())) for _ in range(2))
        times = rng.uniform(size=70)
        straight = [s.value((1 - v) * a[0] + v * b[0], (1 - v) * a[1] + v * b[1]) for v in times]
        assert heights(s, a, b, times) == pytest.approx(straight, rel=1e-12)
        assert highest(s, a, b, times) == pytest.approx(max(straight), rel=1e-12)


def test_a_step_of_the_model_meets_its_conditions():
    """v >= 0, a slope of 0 where v moves, none below 0 where it is held: the KKT conditions, on random models."""
    rng = np.random.default_rng(4)
    for _ in range(200):
        n = int(rng.integers(1, 8))
        R = rng.normal(size=(n, n + 1))
        H, g, z = R @ R.T, rng.normal(size=n), rng.uniform(size=n) * (rng.random(n) < 0.6)
        bounded = rng.random(n) < 0.8
        v = least_of_model(H, g, z, bounded)
        slope = H @ (v - z) + g
        scale = np.abs(H @ z - g).max()
        assert (v[bounded] >= 0.0).all()
        assert np.abs(slope[(v > 0.0) | ~bounded]).max(initial=0.0) <= 1e-6 * scale
        assert slope.min() >= -1e-6 * scale


def test_a_polished_path_has_its_ends_and_a_lower_top():
    """On paths bent at random: the ends stay, and the height said is the largest of F on the path, no larger than before."""
    rng = np.random.default_rng(5)
    A, B, objective, X, y = pair_of(1)
    s = with_signs(A, Risk(objective, X, y), (1, 1))
    lower = 0
    for _ in range(6):
        bends = [(0.5 * rng.normal(size=(2, 2)), float(rng.normal())) for _ in range(3)]
        points = [(products(A), float(A.c[0])), *bends, (products(B), float(B.c[0]))]
        after, top = polished(s, points)
        assert after[0] is points[0]
        assert after[-1] is points[-1]
        sampled = max(heights(s, p, q, np.linspace(0.0, 1.0, 200)).max() for p, q in pairwise(after))
        assert sampled <= top * (1 + 1e-12)
        assert top <= highest_of(s, points)
        lower += top < 0.99 * highest_of(s, points)
    assert lower >= 3


def test_compiled_programs_give_what_the_plain_ones_give():
    """With numba, on parts of a partition: the compiled functions and those they were compiled from."""
    pytest.importorskip("numba")
    rng = np.random.default_rng(6)
    X, y = rng.normal(size=(30, 2)), rng.normal(size=(30, 1))
    objective = make_objective("squared", kappa=0.01, penalty="path")
    A = Network((np.ones((2, 2)), np.array([[1.0, -1.0]])), (np.ones(2), np.zeros(1)))
    s = with_signs(A, Risk(objective, X, y), (1, -1))
    fan = Fan(s.inputs, s.directions, 2)
    plain = getattr(relaxed._solve, "py_func")  # noqa: B009
    for part in fan.roots[:20]:
        found = relaxed_minimum(s, fan, part.cones, np.inf)
        dots = np.array([fan.dots[g] for cone in part.cones for g in cone])
        rays = np.array([fan.rays[g] for cone in part.cones for g in cone])
        value = plain(terms(s), s.sign_column, dots, rays, np.array([0, 3, 6]), s.inputs, np.inf)[0]
        assert value == pytest.approx(found.value, rel=1e-9)


def test_the_other_end_is_taken_where_a_neuron_of_the_higher_one_is_zero():
    """B with a neuron at 0 lies in no sign pattern, whatever its F: the search goes around A, and what it proves lies below the exact pass."""
    A, B, objective, X, y = pair_of(1)
    for k in range(2):
        rows, shifts = B.W.copy(), B.b.copy()
        rows[k], shifts[k] = 0.0, 0.0
        dead = Network((rows, B.theta), (shifts, B.c))
        found = pair_barrier(A, dead, Risk(objective, X, y), most_programs=600, seconds=1e9)
        assert objective.value(dead, X, y) > objective.value(A, X, y)
        assert found.around == "A"
        said = []
        claim, _ = cone_barrier(kernel_problem(A, dead, Risk(objective, X, y)), found, said.append)
        if claim is not None:
            assert claim.level <= exact_pass(A, dead, kernel_problem(A, dead, Risk(objective, X, y)))[1] * (1 + 1e-9)
        else:
            assert "no barrier over E was found; " in said[0]

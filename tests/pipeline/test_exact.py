"""`certify --method exact`: both ends of the gap certified, in one file, by both evaluations of the kernel."""

import numpy as np
import pytest

import verifier
from tests.kernel.barriers import frozen_instance
from tests.landscape.instances import OBJECTIVES, random_pair, random_setting
from verifier.certificate import read_certificate
from verifier.data.dataset import Dataset
from verifier.elaboration import elaborate_path, kernel_problem
from verifier.errors import UsageError, VerifierError
from verifier.kernel import EndpointValue, PathUpperBound, check
from verifier.kernel.statements import BarrierLowerBound
from verifier.landscape.faces import FaceValues
from verifier.landscape.gap import exact_gap
from verifier.landscape.minima import leading_pairs, minimum_network
from verifier.landscape.tree import merge_tree
from verifier.networks.network import Network, one_hidden_layer
from verifier.objective import Risk, make_objective
from verifier.outcomes import CertifiedBound
from verifier.pipeline.consistent import BoundsContradict, require_consistent
from verifier.pipeline.exact import barrier_of
from verifier.report.page import render


def certified(pair, out, method):
    setting, A, B = pair
    o = setting.objective
    data = Dataset(setting.X, setting.targets[:, 0], "tiny", "regression")
    return verifier.certify(
        A, B, data, loss=o.loss.name, kappa=o.kappa, penalty=o.penalty, penalise_output_bias=o.penalise_output_bias,
        method=method, out=out,
    )  # fmt: skip


@pytest.mark.parametrize("seed", [43, 48, 145])
def test_both_ends_are_certified(seed, tmp_path):
    result = certified(random_pair(seed), tmp_path / "x.safetensors", "exact,halves,theorem2")
    assert all(v.accepted for v in result.check() + result.check(reference=True))
    low, high = (float(x) for x in result.sentence.split("(")[0].removeprefix("CERTIFIED").split("<= gap <="))
    assert 0 < low <= high
    assert high - low <= 1e-6 * result.E
    assert all(b.gap >= low for b in result.bounds)


def test_all_methods_end_with_the_exact_gap_where_the_problem_is_tiny(tmp_path):
    """Both ends without being asked for; three hundred samples are not."""
    setting, A, B = random_pair(43)
    result = certified((setting, A, B), tmp_path / "x.safetensors", "all")
    assert "<= gap <=" in result.sentence
    nets = [Network((np.array([[w], [-1.0]]), np.array([[1.0, w]])), (np.array([0.1, 0.2]), None)) for w in (1.0, 2.0)]
    X = np.linspace(-1, 1, 300)[:, None]
    large = Dataset(X, np.sin(7 * X[:, 0]), "large", "regression")
    out = tmp_path / "y.safetensors"
    verifier.certify(*nets, large, loss="squared", method="all", out=out, exhaustive=True)
    assert any(text.startswith("exact: needs a tiny problem here") for text in read_certificate(out).record["skipped"])


def test_a_gap_of_zero_has_no_barrier(tmp_path):
    result = certified(random_pair(26), tmp_path / "x.safetensors", "exact")
    assert result.sentence.startswith("CERTIFIED gap <= ")
    assert result.gap <= 1e-9


def test_an_upper_bound_below_a_barrier_is_never_ignored():
    claim = object.__new__(BarrierLowerBound)
    object.__setattr__(claim, "level", 0.5)
    require_consistent([claim], [CertifiedBound("x", 0.5, 0.1, 0.1, None, 0.0)])
    with pytest.raises(BoundsContradict, match="defect of verifier"):
        require_consistent([claim], [CertifiedBound("x", np.nextafter(0.5, 0), 0.1, 0.1, None, 0.0)])


# objective, d, hidden bias, N, m
KINDS = [
    (OBJECTIVES[0], 2, True, 5, 1), (OBJECTIVES[0], 3, True, 5, 1), (OBJECTIVES[1], 2, False, 5, 2), (OBJECTIVES[2], 2, True, 5, 1),
    (OBJECTIVES[3], 1, True, 5, 2), (OBJECTIVES[7], 1, True, 5, 1), (("huber", 0.0, 0.5, True, False), 1, True, 5, 1),
    (("logistic", 0.0, None, False, False), 1, True, 6, 1), (("logistic", 0.0, None, True, False), 1, True, 6, 1), (OBJECTIVES[4], 1, True, 5, 1),
    (OBJECTIVES[6], 2, False, 4, 1),
]  # fmt: skip


@pytest.mark.parametrize(("which", "d", "hidden_bias", "N", "m"), KINDS)
def test_the_kernel_accepts_barriers_of_every_kind(which, d, hidden_bias, N, m):
    """Leading pairs of whole landscapes: the certified interval is a point to 1e-6, and it is the tree's gap."""
    found = 0
    for seed in range(3):
        setting = random_setting(np.random.default_rng(seed), N, m, *which, d=d, hidden_bias=hidden_bias)
        values, tree = FaceValues(setting), merge_tree(setting)
        for pair in leading_pairs(tree, 1):
            A, B = (minimum_network(values, tree.cells[k]) for k in (pair.younger, pair.older))
            gap = exact_gap(A, B, setting.risk)
            problem = kernel_problem(A, B, setting.risk)
            claim, path = barrier_of(problem, gap), elaborate_path(problem, gap.path).claim
            assert check(problem, claim).accepted
            assert claim.level <= path.sup <= claim.level * (1 + 1e-6) + 1e-12
            assert claim.level == pytest.approx(pair.level, rel=1e-6)
            found += 1
    assert found or which[0] == "logistic"


def test_the_kernel_accepts_barriers_of_frozen_output_layers():
    found = 0
    for seed in (k for k in range(400) if k % 2 == 0):
        setting, A, B = random_pair(seed, which=OBJECTIVES[0], most_N=4)
        B = one_hidden_layer(B.W, A.theta, B.b, A.c)
        if A.same_parameters(B):
            continue
        gap = exact_gap(A, B, setting.risk, output_layer="frozen")
        problem = kernel_problem(A, B, setting.risk)
        claim = barrier_of(problem, gap)
        if claim is not None:
            assert claim.output_layer == "frozen"
            assert check(problem, claim).accepted
            assert claim.level == pytest.approx(gap.lower, rel=1e-6)
            found += 1
    assert found


@pytest.mark.parametrize(
    ("loss", "kappa", "delta"), [("squared", 0.03, None), ("logistic", 0.01, None), ("huber", 0.02, 0.7)]
)
def test_the_kernel_accepts_barriers_under_weight_decay(loss, kappa, delta):
    """At balanced minima the pass under weight decay is the tree's, which was built with the path penalty."""
    decay = make_objective(loss, kappa=kappa, penalty="weight_decay", delta=delta)
    for seed in (2, 3, 4):
        setting = random_setting(np.random.default_rng(seed), 5, 1 + seed % 2, loss, kappa, delta, True, False)
        values, tree = FaceValues(setting), merge_tree(setting)
        for pair in leading_pairs(tree, 1):
            A, B = (minimum_network(values, tree.cells[k]) for k in (pair.younger, pair.older))
            gap = exact_gap(A, B, Risk(decay, setting.X, setting.targets))
            problem = kernel_problem(A, B, Risk(decay, setting.X, setting.targets))
            claim = barrier_of(problem, gap)
            assert check(problem, claim).accepted
            assert claim.level == pytest.approx(pair.level, rel=1e-8)
            assert elaborate_path(problem, gap.path).claim.sup == pytest.approx(pair.level, rel=1e-8)


@pytest.mark.parametrize("seed", [5, 39])
def test_a_frozen_output_layer(seed, tmp_path):
    """Path and barrier keep theta and c; other constructions would not, and are refused."""
    problem, _, level = frozen_instance(seed)
    A, B = (Network(p.weights, p.biases) for p in (problem.A, problem.B))
    data = Dataset(problem.X, problem.targets[:, 0], "tiny", "regression")
    o = problem.objective
    words = {"loss": o.loss, "kappa": o.kappa, "penalty": o.penalty if o.kappa else None, "output_layer": "frozen"}
    result = verifier.certify(A, B, data, method="exact", out=tmp_path / "x.safetensors", **words)
    assert "with the output layer frozen" in result.sentence
    assert all(v.accepted for v in result.check() + result.check(reference=True))
    c = read_certificate(tmp_path / "x.safetensors")
    barrier = next(x for x in c.claims if isinstance(x, BarrierLowerBound))
    assert barrier.output_layer == "frozen"
    assert barrier.level == pytest.approx(level, rel=1e-6)
    assert not any(w.layer == 2 for x in c.claims if isinstance(x, PathUpperBound) for m in x.moves for w in m.writes)
    between = 0.5 * (max(x.lower for x in c.claims if isinstance(x, EndpointValue)) + barrier.level)
    refuted = verifier.certify(A, B, data, method="exact", out=tmp_path / "z.safetensors", level=between, **words)
    assert refuted.sentence.startswith("REFUTED no path with this output layer stays")
    with pytest.raises(UsageError, match="frozen with method exact alone"):
        verifier.certify(A, B, data, method="exact,line", out=tmp_path / "y.safetensors", **words)


def test_a_level_below_the_barrier_is_refuted(tmp_path):
    """Not only because an endpoint lies above it; the report says the same."""
    setting, A, B = random_pair(43)
    o = setting.objective
    data = Dataset(setting.X, setting.targets[:, 0], "tiny", "regression")
    words = {
        "loss": o.loss.name,
        "kappa": o.kappa,
        "penalty": o.penalty,
        "penalise_output_bias": o.penalise_output_bias,
    }
    first = certified((setting, A, B), tmp_path / "x.safetensors", "exact")
    low = next(x for x in read_certificate(tmp_path / "x.safetensors").claims if isinstance(x, BarrierLowerBound))
    level = 0.5 * (low.level + first.E)
    result = verifier.certify(A, B, data, method="exact", level=level, out=tmp_path / "y.safetensors", **words)
    assert result.outcome.exit_code == 5
    assert result.sentence.startswith(f"REFUTED no path stays at or below level {level!r}: every such path reaches ")
    page = render(read_certificate(tmp_path / "y.safetensors"))
    assert "No path from A to B stays at or below the level" in page
    assert "contradicts itself" not in page


def test_the_same_network_twice_is_no_error_of_all_methods(tmp_path):
    """Its gap is 0 and needs no search, also where the exact one is named; that the two are one is said."""
    setting, A, _ = random_pair(43)
    result = certified((setting, A, A), tmp_path / "x.safetensors", "all")
    assert result.gap == 0.0
    o, data = setting.objective, Dataset(setting.X, setting.targets[:, 0], "tiny", "regression")
    words = {"kappa": o.kappa, "penalty": o.penalty, "penalise_output_bias": o.penalise_output_bias}
    out = tmp_path / "y.safetensors"
    assert verifier.certify(A, A, data, loss=o.loss.name, method="all", exhaustive=True, out=out, **words).gap == 0.0
    found = certified((setting, A, A), tmp_path / "z.safetensors", "exact")
    assert found.gap == 0.0
    assert all(v.accepted for reference in (False, True) for v in found.check(reference=reference))


def test_a_lower_bound_that_is_not_accepted_costs_no_path_its_bound(tmp_path, monkeypatch):
    """It becomes a reason in the record, of all methods and by name: the path's own bound is proved either way."""

    def refuse(*args, **words):
        raise VerifierError("refused for the test")

    monkeypatch.setattr("verifier.pipeline.exact.barrier_claim", refuse)
    pair = random_pair(43)
    for method in ("all", "exact"):
        out = tmp_path / f"{method}.safetensors"
        result = certified(pair, out, method)
        assert result.bounds
        assert "<= gap <=" not in result.sentence
        assert "exact: no lower bound: refused for the test" in read_certificate(out).record["skipped"]


def test_sign_counts_are_tried_before_many_cells(tmp_path, monkeypatch):
    """Where they differ they settle in seconds what cells take minutes for; where they do not, cells are looked at, and the user hears how far."""
    from verifier.pipeline.constructions import exact as room

    monkeypatch.setattr(room, "FEW", 0)
    monkeypatch.setattr(room, "OFTEN", 0.0)
    heard = []
    setting, A, B = random_pair(43)
    o, data = setting.objective, Dataset(setting.X, setting.targets[:, 0], "tiny", "regression")
    words = {
        "loss": o.loss.name,
        "kappa": o.kappa,
        "penalty": o.penalty,
        "penalise_output_bias": o.penalise_output_bias,
    }
    verifier.certify(A, B, data, method="exact", out=tmp_path / "x.safetensors", say=heard.append, **words)
    settled = any("settle the gap instead" in text for text in heard)
    assert settled != any("few enough to look at them one by one" in text for text in heard)
    assert settled or any(text.startswith("exact: pass in [") for text in heard)

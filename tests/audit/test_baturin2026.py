"""Baturin 2026: with a few trials every claim comes out as listed, and searches find violations without the list."""

from pathlib import Path

import numpy as np
import pytest

from verifier.audit.baturin2026 import STATEMENTS
from verifier.audit.claim import Word
from verifier.audit.trials import audit
from verifier.certificate import read_certificate
from verifier.kernel import EndpointValue, HeadOptimum, check
from verifier.kernel.statements import BarrierLowerBound, EveryWidthLowerBound, PathUpperBound

FOLDER = Path(__file__).resolve().parents[2] / "certificates" / "audit"
BY_NAME = {s.identifier: s for s in STATEMENTS}
# The theorem itself trains reference networks and certifies paths: seconds per instance.
COUNTS = {"t2.path": 2, "t2.main": 4, "t2.main.logistic": 4}


def test_every_row_of_the_list_is_there():
    assert set(BY_NAME) == {
        "lemma1.grad", "lemma1.zero", "lemma1.norm", "t2.jensen", "t2.identity", "t2.norm", "t2.segment", "t2.C", "t2.main", "t2.main.logistic",
        "s3.compact",
        "t2.path", "t2.angle", "t2.global", "t3.cover", "t3.removal", "t3.total", "t3.e", "t3.rate", "exp.mse", "exp.min", "exp.pperm", "exp.pairs",
    }  # fmt: skip


@pytest.mark.parametrize("name", BY_NAME)
def test_few_trials_give_the_listed_word(name):
    statement = BY_NAME[name]
    found = audit(statement, count=COUNTS.get(name, 6), seconds=10.0)
    assert found.as_expected
    if statement.untestable is None:
        assert found.trials > 0
    if found.repaired is not None:
        assert found.repaired.word == Word.HOLDS
        assert found.repaired.trials > 0


@pytest.mark.parametrize("name", [s.identifier for s in STATEMENTS if s.known])
def test_every_listed_counterexample_violates_by_itself(name):
    statement = BY_NAME[name]
    for instance in statement.known:
        assert statement.evaluate(instance).violated, instance.label


@pytest.mark.parametrize(
    "name", ["lemma1.grad", "lemma1.zero", "lemma1.norm", "t2.norm", "t2.identity", "t2.main", "t3.e"]
)
def test_the_search_alone_finds_a_violation(name):
    statement = BY_NAME[name]
    found = statement.search(np.random.default_rng(4), 60.0)
    assert found is not None
    assert statement.evaluate(found).violated


def test_a_repair_is_tried_on_what_broke_the_claim():
    from verifier.audit.baturin2026 import STATEMENTS

    broken = [s for s in STATEMENTS if s.repaired is not None and s.known]
    assert len(broken) >= 7
    assert all(set(map(id, s.known)) <= set(map(id, s.repaired.known)) for s in broken)


@pytest.mark.parametrize("name", ["t2.main", "t2.main.second"])
def test_theorem_2_is_refuted_by_its_certificates_own_numbers(name):
    """Endpoints, one neuron and a barrier, all confirmed by both evaluations; the promise is computed from them here, with numpy's spectral norm."""
    c = read_certificate(FOLDER / f"{name}.safetensors")
    for claim in c.claims:
        for evaluation in ("fast", "reference"):
            assert check(c.problem, claim, evaluation=evaluation).accepted
    o, X = c.problem.objective, np.column_stack([c.problem.X, np.ones(len(c.problem.X))])
    assert (o.loss, o.delta, o.penalty) == ("huber", 1.0, "path")
    assert c.problem.A.weights[0].shape == c.problem.B.weights[0].shape == (2, 1)
    root = np.sqrt(np.linalg.norm(X.T @ X / len(X), 2))
    one = next(x for x in c.claims if isinstance(x, HeadOptimum))
    assert one.rows.shape == (1, 1), "e1 has one neuron"
    terms = max(one.upper, *(x.upper for x in c.claims if isinstance(x, EndpointValue)))
    barrier = next(x for x in c.claims if isinstance(x, BarrierLowerBound))
    assert barrier.output_layer == "trained"
    assert barrier.level > terms + root / o.kappa * np.pi
    assert "promises a path at or below" in c.record["counterexample"]["words"]
    size = np.abs(c.problem.targets)
    at_zero = np.mean(np.where(size <= 1, size**2 / 2, size - 0.5))
    assert barrier.level < terms + root * at_zero / (2 * o.kappa) * np.pi, (
        "the repaired constant promises no more than there is"
    )


def test_theorem_3_is_refuted_by_a_bound_for_every_width():
    """eps(m) is at least the claimed number for every m, so that it is no O(m^-zeta)."""
    c = read_certificate(FOLDER / "t3.rate.safetensors")
    (bound,) = [x for x in c.claims if isinstance(x, EveryWidthLowerBound)]
    assert all(check(c.problem, bound, evaluation=e).accepted for e in ("fast", "reference"))
    # One logistic sample x = 1, kappa = 0.1: min over t of log(1 + e^-t) + 0.1 t, at t = log 9.
    assert bound.lower == pytest.approx(np.log(10 / 9) + 0.1 * np.log(9), rel=1e-3)
    assert bound.lower <= np.log(10 / 9) + 0.1 * np.log(9)


def test_a_local_minimum_of_connected_sublevel_sets_is_not_global():
    c = read_certificate(FOLDER / "t2.global.safetensors")
    assert all(check(c.problem, x, evaluation=e).accepted for x in c.claims for e in ("fast", "reference"))
    A, B = (next(x for x in c.claims if isinstance(x, EndpointValue) and x.network == n) for n in "AB")
    assert A.lower > B.upper + 0.3
    # A's neurons are strictly negative at the only sample, and its heads are 0: near A the outputs are 0 and the penalty is no less.
    assert c.problem.X.shape == (1, 1)
    assert (c.problem.A.weights[0] @ c.problem.X[0] < 0).all()
    assert not c.problem.A.weights[1].any()
    (path,) = [x for x in c.claims if isinstance(x, PathUpperBound)]
    assert path.gap == 0.0, "and yet a path leads down from it without rising"

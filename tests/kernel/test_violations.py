"""`claim_violation`: the margins found are the true ones, from below; changed numbers never make a false claim true; seeded bugs."""

from dataclasses import replace
from fractions import Fraction as Q

import numpy as np
import pytest

from tests.corpus.violations import CORRECT
from verifier.kernel import check

from .barrier_components import of_kernel
from .landscape_oracle import true_margin
from .loader import FILES, kernel, mutant


def changed(rng, problem, claim):
    """Networks, data, dual and time moved at random."""
    move = lambda a: (
        None
        if a is None
        else a * (1 + (rng.random(a.shape) < 0.5) * rng.normal(size=a.shape) * 10.0 ** rng.uniform(-4, 0))
    )
    time = float(np.clip(claim.time + rng.choice([0.0, -0.25, -0.3]), 0, 1))
    if claim.statement == "t2.C" and rng.random() < 0.6:
        return problem, replace(claim, time=time)  # heads that move are not best ones
    A, B = (type(p)(tuple(map(move, p.weights)), tuple(map(move, p.biases))) for p in (problem.A, problem.B))
    if claim.statement != "t3.e":
        problem = replace(problem, X=move(problem.X))
    dual = claim.dual * rng.choice([1.0, 0.5, 1.5, -1.0]) if rng.random() < 0.5 else claim.dual
    return replace(problem, A=A, B=B), replace(claim, dual=dual, time=time)


@pytest.mark.parametrize("name", CORRECT)
def test_margins_are_true_and_nearly_sharp(name):
    case = CORRECT[name]()
    problem, claim = case.problem, case.claims[0]
    true = true_margin(problem, claim)
    for evaluation in ("fast", "reference"):
        found = check(problem, claim, evaluation=evaluation)
        assert found.accepted, found.sentence
        assert found.computed["margin"] <= true * (1 + 1e-9)
        assert not check(problem, replace(claim, margin=1.02 * true), evaluation=evaluation).accepted


@pytest.mark.parametrize("size", [1e150, 1e300])
def test_rows_whose_squares_overflow(size):
    """Row (1, size) against (1/2, 7/8) on the input (1, 0): the angle is atan(4/7), and 12.5 - 2 atan(4/7) the margin."""
    case = CORRECT["violation-of-theorem-2-C"]()
    A = replace(case.problem.A, weights=(np.array([[1.0, size]]), case.problem.A.weights[1]))
    problem, claim = replace(case.problem, A=A), case.claims[0]
    true = 12.5 - 2 * np.arctan(4 / 7)
    assert float(true_margin(problem, claim)) == pytest.approx(true, rel=1e-14)
    for evaluation in ("fast", "reference"):
        found = check(problem, claim, evaluation=evaluation).computed["margin"]
        assert true * (1 - 1e-10) <= found <= true


@pytest.mark.parametrize("name", CORRECT)
def test_no_changed_claim_is_accepted_and_false(name):
    case, rng = CORRECT[name](), np.random.default_rng(0)
    accepted = 0
    for _ in range(60):
        problem, claim = changed(rng, case.problem, case.claims[0])
        true = true_margin(problem, claim)
        claim = replace(claim, margin=float(max(1e-6, true * rng.choice([0.5, 0.9, 1.0 + 1e-6, 1.1]))))
        if check(problem, claim).accepted:
            accepted += 1
            assert claim.margin <= true * (1 + 1e-7) + 1e-12
            assert check(problem, claim, evaluation="reference").accepted
    assert accepted > 5


BUGS = [
    ('"huber" and o.delta is not None else 1.0', '"huber" and o.delta is not None else 0.5'),
    ("if claim.statement in (\"lemma1.zero\", \"lemma1.norm\", \"t2.C\"):", "if False:"),
    ("require(0.0 < claim.margin < float(\"inf\"),", "require(True,"),
    ("require(claim.margin <= found,", "require(True,"),
    ("(arb_lower(-t / (1 + (arb(t) * a).exp())), arb_upper(-t / (1 + (arb(t) * b).exp())))", "(-t, -t)"),
    ("return down(down(float(smallest) / N) - lipschitz(problem.objective))", "return float(smallest) / N"),
    ("require(problem.objective.kappa >= lipschitz(problem.objective),", "require(True,"),
    ("over = 0.0 if room >= G else up(up(float(G) - room) / N)", "over = 0.0"),
    ("D = -losses.conjugate_mean_upper(o, claim.dual[:, None], problem.targets)", "D = 1e9"),
    ("min(frobenius, rows) / N", "min(frobenius, rows) / N / N"),
    ("relu(u, 0.0), relu(v, 0.0), relu(between(u, v, t), 0.0), kept", "relu(u, 0.0), relu(v, 0.0), relu(u, 0.0), kept"),
    ("path = loss_at(problem, matmul(m.moved, transpose(m.both)))", "path = loss_at(problem, matmul(m.moved, transpose(m.gained)))"),
    ("add(matmul(m.Z, transpose(m.kept)), matmul(m.W, transpose(m.gained))))\n    return down(path", "matmul(m.Z, transpose(m.kept)))\n    return down(path"),
    ("lipschitz(problem.objective) * _spread(_inputs(problem)) * size", "0.5 * size"),
    ("require(gain / N == primal / N + kappa * sum(map(abs, head)),", "require(True,"),
    ("require(all(abs(s) <= kappa * N for s in pulls),", "require(True,"),
    ("[0] - arb_upper(allowed))", "[0])"),
    ("_middle(problem, claim.time))[0] -", "_middle(problem, claim.time))[1] -"),
    ("math.fsum(claim.dual[groups == g].tolist()) == 0.0", "True"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("old", "new"), BUGS, ids=range(len(BUGS)))
def test_seeded_bug_is_killed(old, new):
    """A kernel with this bug accepts a wrong certificate of the corpus, refuses a right one, or gets a changed one wrong."""
    from tests.corpus.violations import REJECTED

    module = next(m for m in ("validation", "violations") if old in FILES[m].read_text())
    K = mutant(module, old, new)

    def verdict(case):
        p = case.problem
        o, A, B = (
            of_kernel(K, p.objective, K.statements.Objective),
            *(of_kernel(K, n, K.statements.Parameters) for n in (p.A, p.B)),
        )
        return K.check.check(
            K.statements.Problem(o, p.X, p.targets, A, B), of_kernel(K, case.claims[0], K.statement.ClaimViolation)
        ).accepted

    assert any(verdict(make()) for make in REJECTED.values()) or not all(verdict(make()) for make in CORRECT.values())


def test_the_kernel_itself_tells_them_apart():
    K = kernel()
    assert K.validation.lipschitz(K.statements.Objective("huber", 0.5, 0.0, "none", False)) == 0.5
    assert Q(K.validation.lipschitz(K.statements.Objective("logistic", None, 0.0, "none", False))) == 1

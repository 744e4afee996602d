"""Head programs in the checker with a proof: beside the kernel's own bounds, for all losses and penalties."""

import os
from dataclasses import replace

import numpy as np
import pytest

from tests.corpus.small import random_problem
from verifier import proved
from verifier.certificate import read_certificate
from verifier.certificate.file import Certificate
from verifier.elaboration import head_claim
from verifier.kernel import HeadOptimum, Objective, Parameters, Problem
from verifier.kernel.fast.heads import check_head
from verifier.objective import make_objective
from verifier.programs import repair_dual
from verifier.proved import ProvedOutcome, check_proved

from .test_proofs import CORPUS, ROOT

pytestmark = pytest.mark.skipif(
    not os.access(proved.BUILT, os.X_OK) and "CI" not in os.environ,
    reason="the checker with a proof is not built: run `make proofs` (needs Coq)",
)
LOSSES = ("logistic", "cross_entropy", "squared", "huber", "hinge", "absolute")
PENALTIES = ("none", "l1", "path", "weight_decay")


def outcomes(p: Problem, claims: list[HeadOptimum]) -> list[ProvedOutcome]:
    c = read_certificate(CORPUS / "correct" / "weighted-head.safetensors")
    return [v.outcome for v in check_proved(replace(c, problem=p, claims=tuple(claims)))]


def program(seed: int, loss: str, penalty: str) -> tuple[Problem, HeadOptimum]:
    """A random problem, every third one with sample weights, and a dual that a repair of random numbers gives: for all heads where it can."""
    rng = np.random.default_rng([seed, LOSSES.index(loss), PENALTIES.index(penalty)])
    K = 1 if loss in ("logistic", "hinge") else int(rng.integers(2, 4))
    p = random_problem(
        seed, loss, penalty, widths=(2, 4, K), penalise=bool(seed % 2) and penalty in ("l1", "path"), slope=seed % 2 / 8
    )
    if seed % 3 == 2:
        p = replace(p, weights=rng.integers(0, 9, size=len(p.X)) / 8.0 + 0.125)
    W, b = p.A.weights[0], p.A.biases[0]
    assert b is not None
    u = p.X @ W.T + b
    o = p.objective
    words = {"penalise_output_bias": o.penalise_output_bias, "delta": o.delta, "kappa": o.kappa, "penalty": o.penalty}
    objective = make_objective(o.loss, **words)
    prices = objective.prices_of_rows(np.column_stack([W, b]))
    nu = repair_dual(
        rng.normal(size=(len(p.X), K)), np.maximum(u, p.negative_slope * u), p.targets, objective, prices, True
    )
    return p, head_claim(p, "h", W, b, p.A.weights[1] / 8, p.A.biases[1], nu)


def largest_entry(x: HeadOptimum) -> float:
    assert x.head_bias is not None
    return float(max(np.abs(x.head).max(), np.abs(x.head_bias).max()))


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("loss", LOSSES)
def test_what_the_kernel_finds_is_proved_and_not_a_millionth_more(loss, penalty):
    """Also for heads within a limit; an interval that is wider still is proved, one that is tighter by 1e-6 at either end is refused."""
    useful = 0
    for seed in range(9):
        p, claim = program(seed, loss, penalty)
        limit = 2.0 * largest_entry(claim)
        for x in (claim, replace(claim, head_limit=limit, lower=0.0)):
            found = check_head(p, x)
            here = replace(x, lower=found["lower"], upper=found["upper"])
            true = [here, replace(here, lower=found["lower"] / 2, upper=2 * found["upper"])]
            step = 1e-6 * (1 + found["upper"])
            tighter = [replace(here, lower=found["lower"] + step), replace(here, upper=found["upper"] - step)]
            tighter = [t for t in tighter if t.lower <= t.upper]
            assert outcomes(p, true) == [ProvedOutcome.PROVED] * 2
            if found["lower"] > 0:
                assert outcomes(p, tighter) == [ProvedOutcome.REFUSED] * len(tighter)
                useful += 1
    assert useful or penalty == "none"


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("loss", LOSSES)
def test_duals_that_are_none_are_refused(loss, penalty):
    """Outside the domain, for a lower end of 0 too; with a violated constraint and no limit; a head beyond the limit; other shapes."""
    p, claim = program(0, loss, penalty)
    claim = replace(claim, lower=0.0, upper=1e12, head_limit=None)
    most = largest_entry(claim)
    bad = [replace(claim, head_limit=most / 2), replace(claim, dual=claim.dual[1:]), replace(claim, head_bias=None)]
    far = claim.dual.copy()
    far[0] += 2.0
    bad.append(replace(claim, dual=far))
    if loss not in ("squared", "huber"):
        bad.append(replace(claim, dual=far, head_limit=2 * most))
    assert outcomes(p, bad) == [ProvedOutcome.REFUSED] * len(bad)


def test_a_constraint_met_with_equality_is_decided_exactly():
    """Features (1, 1), price kappa sqrt 2 under weight decay with two outputs: the dual (1, -1)/4 meets it with equality, and one bit more does not."""
    v = Parameters((np.array([[1.0, 1.0]]), np.array([[0.0], [0.0]])), (None, None))
    o = Objective("squared", None, 0.25, "weight_decay", False)
    p = Problem(o, np.array([[0.5, 0.5]]), np.array([[1.0, -1.0]]), v, v)
    x = HeadOptimum("h", v.weights[0], None, v.weights[1], None, np.array([[-0.25, 0.25]]), None, 0.0, 2.0)
    over = replace(x, dual=np.array([[-0.25, np.nextafter(0.25, 1.0)]]))
    # 2 - 2 (1/4)^2 / 4 ... : -(nu^2/4 + nu y) summed over both outputs is 1/2 - 1/32.
    assert outcomes(p, [replace(x, lower=0.46875), over, replace(x, lower=float(np.nextafter(0.46875, 1.0)))]) == [
        ProvedOutcome.PROVED,
        ProvedOutcome.REFUSED,
        ProvedOutcome.REFUSED,
    ]


def test_a_head_without_output_bias_is_one():
    """That the stored output bias is absent is part of the claim: with zeros written for it, and said to be free, the same dual is refused."""
    c = read_certificate(CORPUS / "correct" / "head-for-all-heads.safetensors")
    (claim,) = (x for x in c.claims if isinstance(x, HeadOptimum))
    assert claim.head_bias is None
    free = replace(claim, head_bias=np.zeros(len(claim.head)))

    def with_bias(v: Parameters) -> Parameters:
        return replace(v, biases=(v.biases[0], np.zeros(len(claim.head))))

    p = replace(c.problem, A=with_bias(c.problem.A), B=with_bias(c.problem.B))
    assert outcomes(c.problem, [claim]) == [ProvedOutcome.PROVED]
    assert outcomes(p, [free]) == [ProvedOutcome.REFUSED]


def test_the_gallery_has_its_head_programs_proved():
    c = read_certificate(ROOT / "certificates" / "landscape-width-3-1.safetensors")
    heads = tuple(x for x in c.claims if isinstance(x, HeadOptimum))
    proved_: Certificate = replace(c, claims=heads)
    assert len(heads) >= 5
    assert {v.outcome for v in check_proved(proved_)} == {ProvedOutcome.PROVED}
    worse = replace(c, claims=tuple(replace(x, lower=x.upper * 1.01, upper=x.upper * 2) for x in heads))
    assert {v.outcome for v in check_proved(worse)} == {ProvedOutcome.REFUSED}

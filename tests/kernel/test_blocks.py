"""Samples in blocks, worked on here or elsewhere: the same numbers wherever that is, and the same verdicts however large blocks are."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from verifier.certificate import read_certificate
from verifier.kernel import EndpointValue, PathUpperBound, check
from verifier.kernel.fast import blocks as fast
from verifier.kernel.mapping import Guarded, each_block, in_turn, mapped
from verifier.kernel.reference import blocks as reference
from verifier.kernel.statements import Objective, Parameters, Problem

FOLDER = Path(__file__).parents[1] / "corpus"
SHARED = (EndpointValue, PathUpperBound)


def travelled(function, blocks):
    """As another machine would have them: function, blocks and results go through pickle, and the last block is done first."""
    function = pickle.loads(pickle.dumps(function))
    found = [pickle.loads(pickle.dumps(function(pickle.loads(pickle.dumps(b))))) for b in reversed(blocks)]
    return found[::-1]


def in_blocks(monkeypatch, samples):
    """Blocks of so many samples, in both evaluations."""
    monkeypatch.setattr(fast, "SAMPLES", samples)
    monkeypatch.setattr(reference, "samples_in_blocks", cut(samples))


def cut(samples):
    whole = reference.samples_in_blocks

    def parts(problem):
        most = max(
            r.positions * max(W.shape)
            for r, W in zip(reference.readers_of(problem.geometry, len(problem.A.weights)), problem.A.weights)
        )
        before, reference.BALLS = reference.BALLS, samples * most
        try:
            return whole(problem)
        finally:
            reference.BALLS = before

    return parts


def files(kind):
    paths = sorted((FOLDER / kind).glob("*.safetensors"))
    return [p for p in paths if any(isinstance(c, SHARED) for c in read_certificate(p).claims)]


@pytest.mark.parametrize("samples", [1, 2, 3])
def test_where_blocks_are_worked_on_changes_no_bit(monkeypatch, samples):
    """Every correct file: verdict and numbers of both evaluations, in this process and elsewhere; about what one block gives."""
    compared = 0
    for path in files("correct")[:: 1 if samples == 2 else 5]:
        c = read_certificate(path)
        for claim in c.claims:
            if not isinstance(claim, SHARED):
                continue
            for evaluation in ("fast", "reference"):
                one = check(c.problem, claim, evaluation=evaluation)
                assert one.accepted
                with monkeypatch.context() as m:
                    in_blocks(m, samples)
                    here = check(c.problem, claim, evaluation=evaluation)
                    with mapped(travelled):
                        there = check(c.problem, claim, evaluation=evaluation)
                assert (here.accepted, here.computed) == (there.accepted, there.computed), path.name
                for name in here.computed:
                    assert here.computed[name] == pytest.approx(one.computed[name], rel=1e-9, abs=1e-12), path.name
                compared += len(c.problem.X) > samples
    assert compared >= 20


@pytest.mark.parametrize("samples", [1, 2])
def test_wrong_certificates_are_rejected_in_blocks_too(monkeypatch, samples):
    in_blocks(monkeypatch, samples)
    for path in files("rejected")[samples - 1 :: 4]:
        c = read_certificate(path)
        with mapped(travelled):
            for evaluation in ("fast", "reference"):
                assert not all(check(c.problem, x, evaluation=evaluation).accepted for x in c.claims), path.name


def test_what_a_block_raises_rejects_and_a_block_too_few_does(monkeypatch):
    c = read_certificate(FOLDER / "correct" / "deep-straight-line.safetensors")
    claim = next(x for x in c.claims if isinstance(x, PathUpperBound))
    in_blocks(monkeypatch, 1)

    def fails(function, blocks):
        raise ArithmeticError("a worker's overflow")

    for each, why in ((fails, "a worker's overflow"), (lambda f, b: in_turn(f, b)[:-1], "blocks were lost")):
        for evaluation in ("fast", "reference"):
            with mapped(each):
                verdict = check(c.problem, claim, evaluation=evaluation)
            assert not verdict.accepted
            assert why in verdict.why
    assert check(c.problem, claim).accepted  # the place is given back


def test_elsewhere_is_the_arithmetic_of_check():
    """Overflow raises as it does in `check`, Arb has the caller's bits, and a mode of the processor that is not IEEE's is refused."""
    from flint import arb, ctx

    with pytest.raises(FloatingPointError):
        Guarded(lambda x: x * x, 53)(np.array([1e300]))
    before = ctx.prec
    assert Guarded(lambda x: (x / 3).rel_accuracy_bits(), 200)(arb(1)) > 190
    assert ctx.prec == before
    with pytest.raises(Exception, match="lowered below 53 bits"):
        Guarded(lambda x: x, 20)(None)


def test_a_single_block_stays_here():
    def refuses(function, blocks):
        raise AssertionError

    with mapped(refuses):
        assert each_block(len, ["ab"]) == [2]


@pytest.mark.parametrize("samples", [fast.SAMPLES, fast.SAMPLES + 1, 2 * fast.SAMPLES + 1])
@pytest.mark.parametrize("evaluation", ["fast", "reference"])
def test_a_loss_of_zero_is_zero_in_any_number_of_blocks(samples, evaluation):
    """Networks that fit every sample, as separable hinge losses do: F >= 0 is a true claim however many blocks its mean is put together from."""
    X = np.linspace(-1.0, 1.0, samples)[:, None]
    net = Parameters((np.array([[1.0], [-1.0]]), np.array([[1.0, 1.0]])), (None, None))
    problem = Problem(Objective("squared", None, 0.0, "none", False), X, np.abs(X), net, net)
    verdict = check(problem, EndpointValue("A", 0.0, 1e-12), evaluation=evaluation)
    assert verdict.accepted, verdict.sentence

"""The corpus of certificates: correct ones verify, wrong ones are rejected, files that are no certificates are refused as such."""

from pathlib import Path

import numpy as np
import pytest

from tests.corpus import make
from verifier.certificate import read_certificate
from verifier.cli.main import main
from verifier.errors import CertificateFormatError
from verifier.kernel import check
from verifier.kernel.statements.problem import LOSSES
from verifier.kernel.table import RULES

from .oracle import falsehood

FOLDER = Path(__file__).parents[1] / "corpus"
BOTH = ("fast", "reference")


def found(kind):
    paths = sorted((FOLDER / kind).glob("*.safetensors"))
    return pytest.mark.parametrize("path", paths, ids=[p.stem for p in paths])


@found("correct")
def test_a_correct_certificate_verifies(path):
    """Both evaluations accept every claim, the command says so, and the oracle finds no counterexample."""
    c = read_certificate(path)
    for claim in c.claims:
        for evaluation in BOTH:
            verdict = check(c.problem, claim, evaluation=evaluation)
            assert verdict.accepted, verdict.sentence
        assert falsehood(c.problem, claim) is None
    assert main(["check", "--reference", str(path)]) == 0


@found("rejected")
def test_a_wrong_certificate_is_rejected(path):
    """It can be read, each evaluation rejects one of its claims, and the command ends with 5."""
    c = read_certificate(path)
    for evaluation in BOTH:
        assert not all(check(c.problem, claim, evaluation=evaluation).accepted for claim in c.claims), evaluation
    assert main(["check", str(path)]) == 5


@found("malformed")
def test_a_malformed_file_is_refused(path, capsys):
    """The reader raises its own error, whose text names the file, and the command ends with 4."""
    with pytest.raises(CertificateFormatError):
        read_certificate(path)
    assert main(["check", str(path)]) == 4
    assert path.name in capsys.readouterr().err


def test_the_corpus_is_large_enough():
    """At least 30 bad files and 6 correct ones, and correct ones of every loss and penalty."""
    count = {kind: len(list((FOLDER / kind).glob("*.safetensors"))) for kind in ("correct", "rejected", "malformed")}
    assert count["correct"] >= 6
    assert count["rejected"] >= 30
    assert count["malformed"] >= 30
    objectives = [read_certificate(p).problem.objective for p in (FOLDER / "correct").glob("*")]
    assert {o.loss for o in objectives} == {"logistic", "hinge", "cross_entropy", "squared", "absolute", "huber"}
    assert {o.penalty for o in objectives} == {"none", "l1", "path", "weight_decay"}


def test_every_kind_of_claim_is_tried_on_channels():
    """Kinds that are defined for convolutional networks have correct and rejected files about them, of every loss; each of the others a rejected one."""
    kinds, losses, weighted = {"correct": set(), "rejected": set()}, set(), 0
    for kind, seen in kinds.items():
        for path in (FOLDER / kind).glob("channels-*"):
            c = read_certificate(path)
            assert c.problem.geometry is not None
            seen |= {type(claim) for claim in c.claims}
            if kind == "correct":
                losses.add(c.problem.objective.loss)
                weighted += c.problem.weights is not None
    assert kinds["correct"] == {kind for kind, rule in RULES.items() if rule.channels}
    assert kinds["rejected"] == set(RULES)
    assert losses == set(LOSSES)
    assert weighted == 1


def test_the_oracle_has_teeth():
    """It finds most rejected files certainly false or meaningless: the others are only not established."""
    verdicts = []
    for path in sorted((FOLDER / "rejected").glob("*")):
        c = read_certificate(path)
        verdicts.append(any(falsehood(c.problem, claim) for claim in c.claims))
    assert np.mean(verdicts) > 0.55


def test_the_corpus_is_what_its_script_makes():
    """`python -m tests.corpus.make` reproduces every committed file, bit for bit, and no file is left over."""
    made = dict(make.files())
    assert set(made) == {str(p.relative_to(FOLDER)) for p in FOLDER.glob("*/*.safetensors")}
    different = [name for name, blob in made.items() if (FOLDER / name).read_bytes() != blob]
    assert not different, "run python -m tests.corpus.make and look at the difference"

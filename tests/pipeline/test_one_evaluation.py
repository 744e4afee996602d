"""A claim is evaluated once when it is made and once more as it is read back from the file; nobody, the report included, does so again."""

import dataclasses
import os
import re
import shutil

import numpy as np
import pytest

import verifier
from verifier.certificate import read_certificate
from verifier.certificate.file import read_document
from verifier.elaboration import claims as elaboration
from verifier.errors import CertificateFormatError, UsageError, VerifierError
from verifier.kernel import check
from verifier.kernel.fast import paths
from verifier.kernel.statements import PathUpperBound
from verifier.pipeline import write

from .conftest import tiny_data, tiny_network


@pytest.fixture
def counted(monkeypatch):
    """How often paths were walked, when made and when checked, and how often a claim was checked."""
    found = {"made": 0, "checked": 0, "claims": 0}
    bound_path = paths.bound_path

    def counting(key):
        def count(problem, moves, form="literal", permutation=None, finer=None):
            found[key] += finer is None
            return bound_path(problem, moves, form, permutation, finer)

        return count

    def checking(problem, claim, **keywords):
        found["claims"] += 1
        return check(problem, claim, **keywords)

    monkeypatch.setattr(elaboration, "bound_path", counting("made"))
    monkeypatch.setattr(paths, "bound_path", counting("checked"))
    for module in (
        "verifier.pipeline.write",
        "verifier.report.recheck",
        "verifier.pipeline.kept",
        "verifier.pipeline.result",
    ):
        monkeypatch.setattr(f"{module}.check", checking)
    return found


@pytest.mark.parametrize("method", ["exchange,line", "exchange,line,dss"])
def test_every_claim_once_when_made_and_once_from_the_file(counted, method):
    """With an estimate the certificate is written twice, and what is in both is checked once."""
    result = verifier.certify(
        tiny_network(1), tiny_network(2), tiny_data(3), loss="logistic", method=method, out="c.safetensors"
    )
    result.report("r.html")
    claims = read_certificate(result.certificate).claims
    walked = sum(isinstance(c, PathUpperBound) for c in claims)
    assert walked >= 2
    assert counted == {"made": walked, "checked": walked, "claims": len(claims)}


def test_the_verdicts_are_those_of_the_file(tmp_path):
    """What a result carries is what `check` finds for the file, claim by claim, along paths too."""
    result = verifier.certify(
        tiny_network(1),
        tiny_network(2),
        tiny_data(3),
        loss="logistic",
        kappa=0.01,
        penalty="path",
        out=tmp_path / "c.safetensors",
    )
    assert result.cpu_check > 0.0
    assert result.verdicts == result.check()
    moves = [len(c.moves) for c in read_certificate(result.certificate).claims if isinstance(c, PathUpperBound)]
    assert [len(v.along.uppers) for v in result.verdicts if v.along is not None] == moves


def test_a_claim_that_the_file_does_not_hold_is_never_written(tmp_path, monkeypatch):
    """Not even under the name of an earlier certificate: the check comes before the name."""
    A, B, data, out = tiny_network(1), tiny_network(2), tiny_data(3), tmp_path / "c.safetensors"
    verifier.certify(A, B, data, loss="logistic", method="line", out=out)
    before = out.read_bytes()
    made = write.make_document

    def lower(problem, claims, **keywords):
        claims = [dataclasses.replace(c, sup=c.sup * 0.5) if isinstance(c, PathUpperBound) else c for c in claims]
        return made(problem, claims, **keywords)

    monkeypatch.setattr(write, "make_document", lower)
    with pytest.raises(VerifierError, match=r"the kernel rejects what was just produced.*defect of verifier"):
        verifier.certify(A, B, data, loss="logistic", method="exchange", out=out)
    assert out.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [out.name]


def test_a_certificate_about_something_else_is_never_written(tmp_path, monkeypatch):
    A, B, data, out = tiny_network(1), tiny_network(2), tiny_data(3), tmp_path / "c.safetensors"
    made = write.make_document

    def other(problem, claims, **keywords):
        X = problem.X + np.eye(*problem.X.shape) * 1e-9
        return made(dataclasses.replace(problem, X=X), claims, **keywords)

    monkeypatch.setattr(write, "make_document", other)
    with pytest.raises(VerifierError, match="about another problem than this run"):
        verifier.certify(A, B, data, loss="logistic", method="exchange", out=out)
    assert list(tmp_path.iterdir()) == []


def test_data_too_large_to_embed_come_with_their_certificate_or_not_at_all(tmp_path, monkeypatch):
    monkeypatch.setattr("verifier.certificate.document.EMBED_LIMIT", 0)
    A, B, data, out = tiny_network(1), tiny_network(2), tiny_data(3), tmp_path / "c.safetensors"
    monkeypatch.setattr(write, "same_problem", lambda p, q: False)
    with pytest.raises(VerifierError):
        verifier.certify(A, B, data, loss="logistic", method="exchange", out=out)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    monkeypatch.setattr("verifier.certificate.document.EMBED_LIMIT", 0)
    result = verifier.certify(A, B, data, loss="logistic", method="exchange,dss", out=out)
    assert {p.suffix for p in tmp_path.iterdir()} >= {".safetensors", ".data"}
    assert all(v.accepted for v in result.check())


def test_data_that_another_certificate_needs_are_not_replaced(tmp_path, monkeypatch):
    """The data file beside a certificate has its stem alone: another certificate may have been renamed, or spelt otherwise."""
    monkeypatch.setattr("verifier.certificate.document.EMBED_LIMIT", 0)
    A, B, out = tiny_network(1), tiny_network(2), tmp_path / "c.safetensors"
    words = {"loss": "logistic", "method": "line"}
    first = verifier.certify(A, B, tiny_data(3), out=out, **words)
    again = verifier.certify(A, B, tiny_data(4), out=out, **words)  # replaces both
    assert all(v.accepted for v in again.check())
    assert first.digest != again.digest
    out.rename(tmp_path / "paper.safetensors")
    before = (tmp_path / "c.data").read_bytes()
    with pytest.raises(UsageError, match=r"c.data beside it holds the data of another certificate"):
        verifier.certify(A, B, tiny_data(5), out=out, **words)
    with pytest.raises(UsageError, match=r"holds the data of another certificate"):
        verifier.certify(A, B, tiny_data(5), out=tmp_path / "c.Safetensors", **words)
    assert (tmp_path / "c.data").read_bytes() == before
    assert not out.exists()
    # Nor where what stands under that name is no certificate: it says nothing of whose the data are.
    out.write_bytes(before)
    with pytest.raises(UsageError, match=r"c.safetensors"):
        verifier.certify(A, B, tiny_data(5), out=out, **words)
    out.unlink()
    same = verifier.certify(A, B, tiny_data(4), out=out, **words)  # the same data serve both
    assert all(v.accepted for v in same.check())


def test_an_orphaned_data_file_says_whose_it_is_and_the_advice_works(tmp_path, monkeypatch):
    monkeypatch.setattr("verifier.certificate.document.EMBED_LIMIT", 0)
    A, B, out = tiny_network(1), tiny_network(2), tmp_path / "c.safetensors"
    words = {"loss": "logistic", "method": "line", "out": out}
    verifier.certify(A, B, tiny_data(3), **words)
    paper, data = tmp_path / "paper.safetensors", tmp_path / "c.data"
    out.rename(paper)
    with pytest.raises(UsageError) as refused:
        verifier.certify(A, B, tiny_data(4), **words)
    # Literally.
    (old, new) = re.search(
        r"which was renamed without them\. Rename (\S+) to (\S+), where", str(refused.value)
    ).groups()
    assert (old, new) == (str(data), str(tmp_path / "paper.data"))
    os.rename(old, new)
    verifier.certify(A, B, tiny_data(4), **words)
    for file in (paper, out):
        assert verifier.check_file(file).accepted
    # Renamed with a copy of its data: nothing is lost by moving what is left over.
    out.rename(tmp_path / "other.safetensors")
    shutil.copy(data, tmp_path / "other.data")
    with pytest.raises(
        UsageError,
        match=r"other.safetensors, which was renamed and finds data as .*other.data now. Move .*c.data elsewhere",
    ):
        verifier.certify(A, B, tiny_data(5), **words)
    # Moved out of the folder: nobody here is about them.
    (tmp_path / "other.safetensors").unlink()
    with pytest.raises(
        UsageError, match=r"no certificate in this folder is about them \(SHA-256 [0-9a-f]{16}\.\.\.\).* delete them if"
    ):
        verifier.certify(A, B, tiny_data(5), **words)
    data.unlink()
    assert verifier.certify(A, B, tiny_data(5), **words).certificate == out


def test_whose_data_they_are_is_read_from_the_header_alone(tmp_path, monkeypatch):
    """An old certificate may have gigabytes of arrays: none of them is read to find out."""
    monkeypatch.setattr("verifier.certificate.document.EMBED_LIMIT", 0)
    A, B, out = tiny_network(1), tiny_network(2), tmp_path / "c.safetensors"
    verifier.certify(A, B, tiny_data(3), loss="logistic", method="line", out=out)
    whole = out.read_bytes()
    end = 8 + int.from_bytes(whole[:8], "little")
    document = read_document(out)
    out.write_bytes(whole[:end])
    assert read_document(out) == document
    for part in (
        b"",
        whole[:7],
        whole[:8],
        whole[: end - 1],
        (2**40).to_bytes(8, "little") + whole[8:],
        whole[:8] + b"[" + whole[9:end],
    ):
        out.write_bytes(part)
        with pytest.raises(CertificateFormatError):
            read_document(out)
    with pytest.raises(CertificateFormatError, match="cannot be read"):
        read_document(tmp_path / "none.safetensors")


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_the_same_run_again_finds_its_own_data(tmp_path, monkeypatch, task):
    """Labels are integers, which a data file holds before the numbers: what is compared is the data, in one order."""
    monkeypatch.setattr("verifier.certificate.document.EMBED_LIMIT", 0)
    loss = {"binary": "logistic", "multiclass": "cross_entropy", "regression": "squared"}[task]
    A, B = (tiny_network(k, (2, 6, 3 if task == "multiclass" else 1)) for k in range(2))
    for name in ("c", "renamed"):
        result = verifier.certify(A, B, tiny_data(3, task), loss=loss, method="line", out=tmp_path / "c.safetensors")
        assert all(v.accepted for v in result.check())
        result.certificate.rename(tmp_path / f"{name}.safetensors")
    again = verifier.certify(A, B, tiny_data(3, task), loss=loss, method="line", out=tmp_path / "c.safetensors")
    assert all(v.accepted for v in again.check())

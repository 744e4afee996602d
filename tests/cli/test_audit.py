"""`verifier audit`: one verdict line, exit codes, findings that are kept, certificates that `check` accepts."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.audit import example
from tests.audit.conftest import toy  # noqa: F401
from tests.cli.conftest import verifier
from verifier.audit.claim import Word
from verifier.cli.main import main

QUICK = ["audit", "baturin2026", "--claim", "lemma1.grad", "--claim", "t3.e", "--trials", "5"]


def test_findings_pages_and_one_verdict_line(capsys):
    assert main(QUICK) == 0
    said = capsys.readouterr()
    assert said.out == "AUDITED baturin2026: 0 hold, 2 fail; 2 as listed\n"
    assert (
        "baturin2026 lemma1.grad: fails (6 trials; worst: known, one sample with z = 10, slack -0.8); repaired, it held"
        in said.err
    )
    assert "(stored)" not in said.err
    folder = Path("audits") / "baturin2026"
    assert json.loads((folder / "t3.e.json").read_text())["word"] == "fails"
    assert "one input with both labels" in (folder / "report.html").read_text()
    assert "baturin2026/report.html" in Path("audits/index.html").read_text()

    assert main(QUICK) == 0
    assert capsys.readouterr().err.count("(stored)") == 2
    assert main([*QUICK, "--again"]) == 0
    assert "(stored)" not in capsys.readouterr().err
    assert main([*QUICK, "--seed", "1"]) == 0
    assert "(stored)" not in capsys.readouterr().err


def test_json_for_machines(capsys):
    assert main([*QUICK, "--json", "--no-report", "--out", "elsewhere"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["exit_code"] == 0
    assert [f["identifier"] for f in found["findings"]] == ["lemma1.grad", "t3.e"]
    assert found["findings"][0]["worst"]["values"]["Z"] == [[10.0]]
    assert "slacks" not in found["findings"][0]
    assert found["reports"] == []
    assert not list(Path("elsewhere").rglob("*.html"))


def test_without_the_list_the_search_finds_it(capsys):
    assert main([*QUICK, "--no-known", "--no-report"]) == 0
    said = capsys.readouterr()
    assert said.out == "AUDITED baturin2026: 0 hold, 2 fail; 2 as listed\n"
    assert said.err.count("found by search") == 2
    assert "known" not in said.err


def test_certificates_are_written_and_checked(capsys):
    assert main([*QUICK, "--certificates", "--certificates-out", "proofs", "--no-report"]) == 0
    said = capsys.readouterr()
    assert 'certificate of t3.e: proofs/t3.e.safetensors; VERIFIED counterexample "t3.e"' in said.err
    files = sorted(map(str, Path("proofs").iterdir()))
    assert files == ["proofs/lemma1.grad.safetensors", "proofs/t3.e.safetensors"]
    assert main(["check", "--reference", *files]) == 0


def test_a_verdict_against_the_list_is_refuted(toy, monkeypatch, capsys):  # noqa: F811
    monkeypatch.setattr(example, "STATEMENTS", [replace(example.CLAIM, expected=Word.HOLDS)])
    assert main(["audit", "toy", "--trials", "5"]) == 5
    assert capsys.readouterr().out == (
        "REFUTED toy: 0 hold, 1 fail; 0 as listed; not as listed: norms fails (listed: holds)\n"
    )


def test_a_repair_that_fails_is_refuted(toy, monkeypatch, capsys):  # noqa: F811
    wrong = replace(example.REPAIRED, evaluate=example.broken)
    monkeypatch.setattr(example, "STATEMENTS", [replace(example.CLAIM, repaired=wrong)])
    assert main(["audit", "toy", "--trials", "5", "--no-report"]) == 5
    assert "not as listed: norms.repaired fails (listed: holds)" in capsys.readouterr().out


def test_a_claim_that_cannot_be_tested_says_why(toy, capsys):  # noqa: F811
    assert main(["audit", "toy", "--claim", "norms.large", "--no-report"]) == 0
    said = capsys.readouterr()
    assert said.out == "AUDITED toy: 0 hold, 0 fail, 1 untestable; 1 as listed\n"
    assert "toy norms.large: not testable here: a limit" in said.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["gauss1801"], "unknown paper 'gauss1801': expected one of baturin2026"),
        (["baturin2026", "--claim", "lemma9"], "no statement starts so; there are lemma1.grad"),
        (["--trials", "0"], "--trials 0: expected at least 1"),
        (["--jobs", "0"], "--jobs 0: expected at least 1"),
        (["--seed", "-1"], "--seed -1: expected at least 0"),
        (["--seconds", "0"], "--seconds 0: expected a positive number"),
        (["--seconds", "nan"], "expected a positive number"),
    ],
)
def test_mistakes_end_with_exit_code_2(words, message, capsys):
    assert main(["audit", *words]) == 2
    assert message in capsys.readouterr().err


def test_the_papers_of_the_help_are_those_of_the_registry():
    from verifier.audit.papers import PAPERS
    from verifier.cli import audit

    assert tuple(PAPERS) == audit.PAPERS


def test_help_starts_fast():
    start = time.perf_counter()
    assert "--no-known" in verifier("audit", "--help").stdout
    assert time.perf_counter() - start < 5.0

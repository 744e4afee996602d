"""Findings on disk: exact, strict JSON, kept while nothing they depend on has changed."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from verifier.audit import store
from verifier.audit.records import LARGEST, decode_number, encode
from verifier.audit.store import Settings, finding_file, kept_record, run_all, stored_records
from verifier.audit.summary import line, summarise
from verifier.campaign.runner import runner
from verifier.networks.network import one_hidden_layer

FEW = Settings(trials=4, seconds=20.0)


def run(toy, folder, settings=FEW, **options):
    told = []
    records = run_all(toy, settings, folder, tell=lambda r, kept: told.append((r["identifier"], kept)), **options)
    return records, told


def test_findings_are_written_kept_and_run_again_on_request(toy, tmp_path):
    first, told = run(toy, tmp_path)
    assert told == [("norms", False), ("norms.large", False)]
    assert [r["word"] for r in first] == ["fails", "undecided"]
    stored = json.loads(finding_file(tmp_path, "toy", "norms").read_text("utf-8"))
    assert {k: v for k, v in stored.items() if k not in ("code", "seal")} == first[0]
    second, told = run(toy, tmp_path)
    assert told == [("norms", True), ("norms.large", True)]
    assert second == first
    assert run(toy, tmp_path, again=True)[1] == [("norms", False), ("norms.large", False)]


@pytest.mark.parametrize("change", [{"trials": 5}, {"seed": 1}, {"seconds": 21.0}])
def test_other_settings_run_again(toy, tmp_path, change):
    run(toy, tmp_path)
    assert kept_record(tmp_path, toy[0], FEW) is not None
    assert kept_record(tmp_path, toy[0], replace(FEW, **change)) is None


def test_other_code_runs_again(toy, tmp_path, monkeypatch):
    run(toy, tmp_path)
    monkeypatch.setattr("verifier.stored.code_version", lambda: "repaired")
    assert stored_records(tmp_path, toy) == []
    assert run(toy, tmp_path)[1] == [("norms", False), ("norms.large", False)]


def test_a_search_without_the_list_lies_beside_the_finding_with_it(toy, tmp_path):
    run(toy, tmp_path)
    (record, _), told = run(toy, tmp_path, replace(FEW, known=False))
    assert told[0] == ("norms", False)
    assert (record["word"], record["by_search"], record["worst"]["origin"]) == ("fails", True, "search")
    assert stored_records(tmp_path, toy)[0]["by_search"] is None
    assert stored_records(tmp_path, toy, known=False)[0]["by_search"] is True


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": "verifier-audit", "version": 99}'])
def test_a_damaged_file_counts_as_absent(toy, tmp_path, text):
    run(toy, tmp_path)
    finding_file(tmp_path, "toy", "norms").write_text(text)
    assert kept_record(tmp_path, toy[0], FEW) is None
    assert [r["identifier"] for r in stored_records(tmp_path, toy)] == ["norms.large"]


def test_edited_findings_are_not_believed(toy, tmp_path):
    first, _ = run(toy, tmp_path)
    file = finding_file(tmp_path, "toy", "norms")
    value = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps({**value, "word": "holds", "as_expected": True, "slacks": [1.0]}))
    assert [r["identifier"] for r in stored_records(tmp_path, toy)] == ["norms.large"]
    again, told = run(toy, tmp_path)
    assert told == [("norms.large", True), ("norms", False)]
    assert (again[0]["word"], again[0]["slacks"]) == (first[0]["word"], first[0]["slacks"])


def test_an_exception_ends_one_statement_and_not_the_others(toy, tmp_path, monkeypatch):
    def explode(instance):
        raise ZeroDivisionError("by hand")

    statements = [replace(toy[0], identifier="bad", evaluate=explode), *toy]
    monkeypatch.setattr(store, "find_statement", lambda paper, name: {s.identifier: s for s in statements}[name])
    records, _ = run(statements, tmp_path)
    assert "ZeroDivisionError: by hand" in line(records[0])
    assert not finding_file(tmp_path, "toy", "bad").exists()
    summary = summarise(records)
    assert summary.exit_code == 1
    assert summary.sentence == "INCOMPLETE toy: 0 hold, 1 fail, 1 untestable; 2 as listed; ended with an exception: bad"


def test_processes_find_the_same(tmp_path):
    """Workers import the paper by name."""
    from verifier.audit.papers import select

    statements = select(["baturin2026"], ["t2.angle", "t2.jensen", "lemma1.grad"]).statements
    one = run_all(statements, FEW, tmp_path / "1")
    with runner(2) as workers:
        two = run_all(statements, FEW, tmp_path / "2", workers=workers)
    for a, b in zip(one, two, strict=True):
        assert (a["identifier"], a["slacks"], a["key"]) == (b["identifier"], b["slacks"], b["key"])


def test_encoding_keeps_floats_exactly_and_names_large_arrays():
    values = np.array([0.1, 1 / 3, -0.0, math.inf, -math.inf, math.nan, 5e-324])
    back = [decode_number(x) for x in json.loads(json.dumps(encode(values), allow_nan=False))]
    assert np.array_equal(np.array(back), values, equal_nan=True)
    assert encode(np.zeros((LARGEST, 2)))["shape"] == [LARGEST, 2]
    network = encode({"A": one_hidden_layer(np.eye(2), np.ones((1, 2)))})
    assert network["A"]["type"] == "Network"
    assert network["A"]["weights"] == [[[1.0, 0.0], [0.0, 1.0]], [[1.0, 1.0]]]
    assert [decode_number(x) for x in (True, "1", None, [1])] == [None] * 4

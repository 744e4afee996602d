"""Records between runs: the code's version and a seal."""

import json
import shutil
import subprocess
import sys

import pytest

from verifier import stored
from verifier.stored import PACKAGE, code_version, read_sealed, sealed, sources_sha256, unsealed, write_sealed

RECORD = {"counts": {"full": 3, "deficient": 1}, "value": 0.1, "text": "naïve", "rows": [[1, None, True]]}


def test_a_record_comes_back_as_it_was_written(tmp_path):
    write_sealed(tmp_path / "r.json", RECORD)
    assert read_sealed(tmp_path / "r.json") == RECORD
    assert unsealed(sealed(RECORD)) == RECORD


def number(r):
    r["counts"]["full"] = 4


def added(r):
    r["new"] = 1


def gone(r):
    del r["value"]


def no_seal(r):
    del r["seal"]


def older(r):
    r["code"] = "0" * 64


def not_a_number(r):
    r["value"] = float("nan")


@pytest.mark.parametrize("edit", [number, added, gone, no_seal, older, not_a_number])
def test_an_edited_record_is_none(tmp_path, edit):
    write_sealed(tmp_path / "r.json", RECORD)
    value = json.loads((tmp_path / "r.json").read_text())
    edit(value)
    (tmp_path / "r.json").write_text(json.dumps(value))
    assert read_sealed(tmp_path / "r.json") is None


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"3", b"[" * 100_000, b"\xff"])
def test_what_is_no_record_is_none(tmp_path, data):
    (tmp_path / "r.json").write_bytes(data)
    assert read_sealed(tmp_path / "r.json") is None
    assert read_sealed(tmp_path / "absent.json") is None


def test_a_record_of_other_code_is_none(monkeypatch):
    record = sealed({"a": 1})
    monkeypatch.setattr(stored, "code_version", lambda: "repaired")
    assert unsealed(record) is None


def test_every_module_but_the_pages_is_in_the_version(tmp_path):
    """Any module's text or name, at any depth; the pages' modules alone change nothing."""
    shutil.copytree(PACKAGE, tmp_path / "p", ignore=shutil.ignore_patterns("__pycache__"))
    seen = [sources_sha256(tmp_path / "p")]
    assert seen == [code_version()]
    for name in ("numbers.py", "kernel/fast/paths.py", "audit/karhadkar2023/ranks.py", "regions/new_module.py"):
        with open(tmp_path / "p" / name, "a") as handle:
            handle.write("# repaired\n")
        seen.append(sources_sha256(tmp_path / "p"))
    (tmp_path / "p" / "numbers.py").rename(tmp_path / "p" / "digits.py")
    seen.append(sources_sha256(tmp_path / "p"))
    assert len(set(seen)) == len(seen)
    (tmp_path / "p" / "report" / "page.py").write_text("# another look\n")
    assert sources_sha256(tmp_path / "p") == seen[-1]


def test_the_version_is_the_same_in_every_process():
    command = [sys.executable, "-c", "from verifier.stored import code_version; print(code_version())"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == code_version()

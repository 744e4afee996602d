"""Findings on disk: one JSON file per statement, written whole, kept as long as nothing that it depends on has changed."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from verifier.audit.claim import Statement
from verifier.audit.papers import find_statement
from verifier.audit.records import FORMAT, VERSION, finding_record
from verifier.audit.trials import audit
from verifier.campaign.records import keep, kept
from verifier.campaign.runner import HERE, Runner
from verifier.files import claim_folder
from verifier.pipeline.provenance import provenance
from verifier.stored import read_sealed


@dataclass(frozen=True)
class Settings:
    """How statements are tried. trials: None for each statement's own number. seconds: CPU of the search. known: whether listed counterexamples are tried."""

    trials: int | None = None
    seed: int = 0
    seconds: float = 120.0
    known: bool = True


def key(statement: Statement, settings: Settings) -> dict[str, Any]:
    """Everything that a finding depends on besides the code, whose version every stored record has: identifier, settings."""
    return {"identifier": statement.identifier, **asdict(settings)}


def finding_file(folder: Path, paper: str, identifier: str, *, known: bool = True) -> Path:
    """Searches without the list lie beside the other findings, so that the page can say what the search alone finds."""
    return folder / paper / f"{identifier}{'' if known else '.no-known'}.json"


def kept_record(folder: Path, statement: Statement, settings: Settings) -> dict[str, Any] | None:
    """The stored record, or None when there is none, it is damaged or edited, or it was made under other settings or by other code."""
    file = finding_file(folder, statement.paper, statement.identifier, known=settings.known)
    return _known(kept(file, key(statement, settings)))


def _known(record: dict[str, Any] | None) -> dict[str, Any] | None:
    known = record is not None and record.get("format") == FORMAT and record.get("version") == VERSION
    return record if known else None


def stored_records(folder: Path, statements: Sequence[Statement], *, known: bool = True) -> list[dict[str, Any]]:
    """Records of the statements that are there, by this code under whatever settings, in the statements' order."""
    found = (_known(read_sealed(finding_file(folder, s.paper, s.identifier, known=known))) for s in statements)
    return [r for r in found if r is not None]


def work(name: tuple[str, str], *, settings: Settings, folder: str) -> dict[str, Any]:
    """Audit one statement and write its record; an exception becomes {"paper", "identifier", "failed": traceback}, and nothing is written.

    name: (paper, identifier) instead of the statement itself, whose functions do not travel between processes.
    """
    paper, identifier = name

    statement = find_statement(paper, identifier)
    try:
        finding = audit(
            statement, count=settings.trials, seed=settings.seed, use_known=settings.known, seconds=settings.seconds
        )
    except Exception:
        return _failed(name, traceback.format_exc())
    record = {
        **finding_record(finding),
        "provenance": provenance({"command": "audit", "paper": paper, "claim": identifier, **asdict(settings)}),
    }
    return keep(finding_file(Path(folder), paper, identifier, known=settings.known), key(statement, settings), record)


def run_all(
    statements: Sequence[Statement],
    settings: Settings,
    folder: Path,
    *,
    workers: Runner = HERE,
    again: bool = False,
    tell: Callable[[dict[str, Any], bool], None] = lambda record, kept: None,
) -> list[dict[str, Any]]:
    """Records of all statements, in order. tell(record, kept) is called as each is known. Stopping at any time loses at most the statements in work.

    again: run those too whose finding is stored.
    """
    claim_folder(folder, pages=("index.html",))
    records: dict[tuple[str, str], dict[str, Any]] = {}
    missing = []
    for s in statements:
        record = None if again else kept_record(folder, s, settings)
        if record is None:
            missing.append(s)
        else:
            records[s.paper, s.identifier] = record
            tell(record, True)
    names = [(s.paper, s.identifier) for s in missing]
    do = partial(work, settings=settings, folder=str(folder.absolute()))
    lost = lambda name, error: _failed(name, str(error))
    for _, record in workers.run(do, names, lost, what="claims", done=len(records)):
        records[record["paper"], record["identifier"]] = record
        tell(record, False)
    return [records[s.paper, s.identifier] for s in statements]


def _failed(name: tuple[str, str], why: str) -> dict[str, Any]:
    return {"paper": name[0], "identifier": name[1], "failed": why}

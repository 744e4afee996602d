"""Findings on disk: one JSON file per statement, written whole, kept as long as nothing that it depends on has changed."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from verifier.audit.claim import Statement
from verifier.audit.papers import find_statement
from verifier.audit.records import FORMAT, VERSION, finding_record
from verifier.files import claim_folder
from verifier.stored import read_sealed, write_sealed


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
    record = _read(finding_file(folder, statement.paper, statement.identifier, known=settings.known))
    return record if record is not None and record.get("key") == key(statement, settings) else None


def _read(file: Path) -> dict[str, Any] | None:
    record = read_sealed(file)
    known = record is not None and record.get("format") == FORMAT and record.get("version") == VERSION
    return record if known else None


def stored_records(folder: Path, statements: Sequence[Statement], *, known: bool = True) -> list[dict[str, Any]]:
    """Records of the statements that are there, by this code under whatever settings, in the statements' order."""
    found = (_read(finding_file(folder, s.paper, s.identifier, known=known)) for s in statements)
    return [r for r in found if r is not None]


def work(paper: str, identifier: str, settings: Settings, folder: str) -> dict[str, Any]:
    """Audit one statement and write its record; an exception becomes {"paper", "identifier", "failed": traceback}, and nothing is written.

    Names instead of the statement itself, whose functions do not travel between processes.
    """
    from verifier.audit.run import audit
    from verifier.pipeline.provenance import provenance

    statement = find_statement(paper, identifier)
    try:
        finding = audit(
            statement, count=settings.trials, seed=settings.seed, use_known=settings.known, seconds=settings.seconds
        )
    except Exception:
        return {"paper": paper, "identifier": identifier, "failed": traceback.format_exc()}
    record = {
        **finding_record(finding),
        "key": key(statement, settings),
        "provenance": provenance({"command": "audit", "paper": paper, "claim": identifier, **asdict(settings)}),
    }
    write_sealed(finding_file(Path(folder), paper, identifier, known=settings.known), record)
    return record


def run_all(
    statements: Sequence[Statement],
    settings: Settings,
    folder: Path,
    *,
    jobs: int = 1,
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
    for record in _computed(missing, settings, folder, jobs):
        records[record["paper"], record["identifier"]] = record
        tell(record, False)
    return [records[s.paper, s.identifier] for s in statements]


def _computed(statements: Sequence[Statement], settings: Settings, folder: Path, jobs: int) -> Iterator[dict[str, Any]]:
    if jobs == 1 or len(statements) < 2:
        for s in statements:
            yield work(s.paper, s.identifier, settings, str(folder))
    else:
        from joblib import Parallel, delayed

        yield from Parallel(n_jobs=jobs, return_as="generator_unordered")(
            delayed(work)(s.paper, s.identifier, settings, str(folder)) for s in statements
        )

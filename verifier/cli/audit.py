"""`verifier audit`: claims of the papers tried on trained, random, listed and searched instances."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from verifier.cli.options import add_worker_arguments, require_workers, workers
from verifier.cli.options import say as _say
from verifier.errors import UsageError
from verifier.outcomes import Finding

PAPERS = ("baturin2026", "nguyen2021", "nguyen2019", "karhadkar2023")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("papers", nargs="*", metavar="PAPER", help=f"some of {', '.join(PAPERS)} (default: all)")
    parser.add_argument(
        "--claim", action="append", default=[], metavar="PREFIX", help="only claims whose name starts so; may be repeated"
    )  # fmt: skip
    parser.add_argument(
        "--trials", type=int, metavar="N", help="trials of each claim (default: the claim's own number)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of instances and search (default: 0)")
    parser.add_argument("--seconds", type=float, default=120.0, metavar="S", help="CPU of each search (default: 120)")
    parser.add_argument(
        "--no-known", action="store_true", help="leave listed counterexamples out: the search has to find one itself"
    )
    parser.add_argument("--again", action="store_true", help="try claims again whose finding is stored")
    parser.add_argument(
        "--certificates",
        action="store_true",
        help="write the counterexamples of claims that fail, where the kernel can check them",
    )
    parser.add_argument("--certificates-out", metavar="DIR", help="where to (default: certificates/audit)")
    parser.add_argument(
        "--out", default="audits", metavar="DIR", help="folder of findings (default: audits); run again to resume"
    )
    add_worker_arguments(parser)
    parser.add_argument("--no-report", action="store_true", help="write no HTML pages")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout instead of the verdict line")


def run(args: argparse.Namespace) -> int:
    require_workers(args)
    for name, value, least in (("--trials", args.trials, 1), ("--seed", args.seed, 0)):
        if value is not None and value < least:
            raise UsageError(f"{name} {value}: expected at least {least}")
    if not 0.0 < args.seconds < float("inf"):
        raise UsageError(f"--seconds {args.seconds:g}: expected a positive number")

    if args.certificates_out is not None and not args.certificates:
        raise UsageError(
            f"--certificates-out {args.certificates_out}: needs --certificates, or nothing is written there"
        )
    certificates_out = Path(args.certificates_out or "certificates/audit")

    from verifier.audit.papers import select
    from verifier.audit.store import Settings, run_all
    from verifier.audit.summary import line, summarise
    from verifier.files import Kind, require_place

    selection = select(args.papers, args.claim)
    for why in selection.left_out:
        _say(why)
    settings = Settings(args.trials, args.seed, args.seconds, not args.no_known)
    out = Path(args.out)
    if args.certificates:
        for s in selection.statements:
            require_place(
                certificates_out / f"{s.identifier}.safetensors",
                Kind.CERTIFICATE,
                option="--certificates-out",
            )
    tell = lambda record, kept: _say(line(record) + (" (stored)" if kept else ""))
    with workers(args) as run:
        records = run_all(selection.statements, settings, out, workers=run, again=args.again, tell=tell)
    summary = summarise(records)
    code, written = summary.exit_code, {}
    if args.certificates:
        failing = {(r["paper"], r["identifier"]) for r in records if r.get("word") == "fails"}
        chosen = [s for s in selection.statements if (s.paper, s.identifier) in failing]
        written = _certificates(chosen, args, certificates_out)
        code = code or int(None in written.values())
    pages = [] if args.no_report else _pages(out, selection.papers)
    if args.json:
        print(json.dumps(_as_json(summary, code, records, written, pages), allow_nan=False))
    else:
        print(summary.sentence)
    return code


def _certificates(statements: list[Any], args: argparse.Namespace, folder: Path) -> dict[str, str | None]:
    from verifier.audit.certificates import write_counterexamples

    rows = write_counterexamples(statements, folder, seed=args.seed, seconds=args.seconds)
    files: dict[str, str | None] = {}
    for s, place, sentence in rows:
        _say(f"certificate of {s.identifier}: {place if place is not None else 'none'}; {sentence}")
        if place is None:
            files.setdefault(s.identifier, None)  # where another network's is refused, the statement's own one stands
        else:
            files[place.stem] = str(place)
    return files


def _pages(out: Path, papers: list[str]) -> list[Path]:
    """One page per paper of this run, from everything stored about it; and an index of all papers with findings."""
    from verifier.audit.papers import PAPERS, statements_of
    from verifier.audit.store import stored_records
    from verifier.pages.audit import write_audit_index, write_audit_report

    pages, listed = [], {}
    for paper, title in PAPERS.items():
        try:
            statements = statements_of(paper)
        except UsageError:
            continue
        records, searched = (stored_records(out, statements, known=known) for known in (True, False))
        if not (records or searched):
            continue
        listed[paper] = (title, records, searched)
        if paper in papers:
            pages.append(write_audit_report(paper, title, records, searched, out / paper / "report.html"))
    pages.append(write_audit_index(listed, out / "index.html"))
    for page in pages:
        _say(f"report {page}")
    return pages


def _as_json(
    found: Finding, code: int, records: list[dict[str, Any]], written: dict[str, str | None], pages: list[Path]
) -> dict[str, Any]:
    left_out = ("slacks", "provenance", "key", "format", "version")
    brief = [{k: v for k, v in r.items() if k not in left_out} for r in records]
    for r in brief:
        if r.get("repaired"):
            r["repaired"] = {k: v for k, v in r["repaired"].items() if k not in left_out}
    return {
        "outcome": found.outcome.value, "sentence": found.sentence,
        "exit_code": code, "findings": brief, "certificates": written, "reports": [str(p) for p in pages],
    }  # fmt: skip

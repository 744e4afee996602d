"""`verifier sweep sweep.toml`: many pairs, resumed where they were left, with statistics and one report."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

from verifier.cli.options import add_worker_arguments, require_workers, say
from verifier.errors import UsageError
from verifier.pipeline.constructions.registry import chosen, names_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("file", nargs="?", metavar="SWEEP.toml", help="what to train and certify (docs/sweep.md)")
    source.add_argument("--preset", choices=("paper",), help="a sweep that comes with verifier")
    parser.add_argument("--print", action="store_true", help="print the preset's TOML and run nothing")
    parser.add_argument("--out", metavar="DIR", help="folder of results (default: sweeps/<name>); run again to resume")
    parser.add_argument("--methods", metavar="M,M", help="instead of each experiment's methods, e.g. exchange,dss")
    parser.add_argument("--polish", action="store_true", help="train both networks of each pair on before certifying")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N pairs of each width")
    add_worker_arguments(parser)
    parser.add_argument("--no-report", action="store_true", help="write the tables only")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout instead of the verdict line")


def run(args: argparse.Namespace) -> int:
    from verifier.sweep.spec import preset_text, read_preset, read_sweep_file

    if args.print:
        if args.preset is None:
            raise UsageError("--print prints a preset; name one with --preset")
        ignored = [
            name
            for name in ("out", "methods", "polish", "limit", "no_report", "json", "scheduler")
            if getattr(args, name)
        ]
        if ignored:
            raise UsageError(
                f"--print runs nothing, so --{ignored[0].replace('_', '-')} would change nothing; leave it out"
            )
        print(preset_text(args.preset), end="")
        return 0
    require_workers(args)
    if args.limit is not None and args.limit < 1:
        raise UsageError(f"--limit {args.limit}: expected at least 1")
    experiments = read_preset(args.preset) if args.preset else read_sweep_file(args.file)
    if args.methods is not None:
        constructions = chosen(args.methods)
        if any(c.needs_file for c in constructions):
            raise UsageError("--methods: 'string' certifies one file of one pair; use `verifier certify` for it")
        method = ",".join(names_of(constructions))
        experiments = tuple(replace(e, options=replace(e.options, method=method)) for e in experiments)
    if args.polish:
        experiments = tuple(replace(e, options=replace(e.options, polish=True)) for e in experiments)
    out = Path(args.out) if args.out else Path("sweeps") / (args.preset or Path(args.file).stem)

    from verifier.sweep.run import run_sweep

    result = run_sweep(
        experiments,
        out,
        jobs=args.jobs,
        scheduler=args.scheduler,
        limit=args.limit,
        progress=sys.stderr.isatty(),
        say=say,
    )
    for row in result.rows:
        if row["status"] not in ("certified", "inconclusive"):
            seeds = f"{row['seed_a']}, {row['seed_b']}"
            say(f"{row['experiment']}, width {row['width']}, seeds {seeds}: {row['status']}: {row['reason']}")
    for group in result.summary.groups:
        say(_line(group))
    report = None
    if not args.no_report:
        from verifier.pages.sweep import write_sweep_report

        report = write_sweep_report(result.rows, result.summary, result.folder / "report.html", name=out.name)
        say(f"report {report}")
    if args.json:
        print(json.dumps(as_json(result, report), allow_nan=False))
    else:
        print(result.sentence)
    return result.exit_code


def _line(group) -> str:  # type: ignore[no-untyped-def]
    from verifier.numbers import plural, show_down, show_up

    text = f"{group.experiment}, width {group.width}: {plural(group.pairs, 'pair')}"
    if group.certified is not None:
        c = group.certified
        text += f"; certified gap: mean <= {show_up(c.mean)}, max <= {show_up(c.maximum)}, 0 on {100 * c.zero:.4g} %"
    if group.barriers is not None:
        b = group.barriers
        text += (
            f"; from below: mean >= {show_down(b.mean)}, max >= {show_down(b.maximum)}, above 0 on {b.pairs} of {b.of}"
        )
    if group.sampled is not None:
        s = group.sampled
        text += f"; DSS gap: mean {s.mean:.3g}, max {s.maximum:.3g}, hit rate {s.hit_rate:.3g} (sampled)"
    cpu = group.cpu
    return text + f"; CPU s: certify {cpu['certify']:.1f}, check {cpu['check']:.1f}, DSS {cpu['dss']:.1f}"


def as_json(result, report: Path | None) -> dict:  # type: ignore[no-untyped-def]
    """The result for machines."""
    return {
        "outcome": result.finding.outcome.value, "sentence": result.sentence, "exit_code": result.exit_code, "folder": str(result.folder),
        "pairs": len(result.rows), "counts": result.counts, "tables": [str(t) for t in result.tables],
        "report": None if report is None else str(report), "wall_seconds": result.wall_seconds, "summary": result.summary.as_json(),
    }  # fmt: skip

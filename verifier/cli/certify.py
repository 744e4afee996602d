"""`verifier certify --pair a.pt b.pt`, and `--all` for three or more checkpoints (`verifier.cli.certify_all`)."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from verifier.cli.options import (
    add_certify_arguments,
    add_data_arguments,
    add_objective_arguments,
    add_reading_arguments,
    add_weight_arguments,
    add_worker_arguments,
    certify_options,
    read_options,
    require_no_ignored,
    require_report,
    require_workers,
    say,
)
from verifier.options.objective import ObjectiveOptions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    networks = parser.add_mutually_exclusive_group(required=True)
    networks.add_argument(
        "--pair",
        nargs=2,
        metavar=("A", "B"),
        help="checkpoints of any name, as torch.save or safetensors wrote them, or folders of a download; FILE#K: the K-th network of a curve's",
    )
    networks.add_argument(
        "--all",
        nargs="+",
        metavar="FILE",
        help="three or more checkpoints: all pairs, and what their bounds prove together",
    )
    add_data_arguments(parser)
    add_objective_arguments(parser)
    add_weight_arguments(parser)
    add_reading_arguments(parser)
    add_certify_arguments(parser)
    add_worker_arguments(parser, "where pairs, or the blocks of samples of one pair, are worked on")
    parser.add_argument(
        "--out",
        metavar="FILE",
        help="certificate file (default: certificates/<pair>-<hash>.safetensors); with --all a folder, in which "
        "what is there already is checked and kept (default: certificates/all-<hash>)",
    )
    parser.add_argument(
        "--report",
        metavar="FILE",
        help="report file (default: reports/<certificate name>.html; with --all report.html in the folder)",
    )
    parser.add_argument("--no-report", action="store_true", help="write the certificate only")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout instead of the verdict line")


def run(args: argparse.Namespace) -> int:
    if args.all is not None:
        from verifier.cli import certify_all

        return certify_all.run(args)
    from verifier.paths.curves.strings import string_file
    from verifier.pipeline.certify import certify

    a, b = args.pair
    require_workers(args)
    require_no_ignored(args, "all")
    require_report(args, inputs=(a, b, args.data, string_file(args.string), args.out))
    objective, options = read_options(args, ObjectiveOptions), certify_options(args)
    where = {"jobs": args.jobs, "scheduler": args.scheduler}
    result = certify(a, b, args.data, objective=objective, options=options, out=args.out, say=say, **where)
    report = None
    if not args.no_report:
        report = result.report(args.report)
        say(f"report {report}")
    if args.json:
        print(json.dumps(as_json(result, report), allow_nan=False))
    else:
        print(result.sentence)
    return result.outcome.exit_code


def as_json(result, report: Path | None) -> dict:  # type: ignore[no-untyped-def]
    """The result for machines; certified numbers as float.hex() too, so that nothing is lost in printing."""
    return {
        "outcome": result.outcome.value,
        "sentence": result.sentence,
        "E": result.E,
        "lower_endpoint": result.lower_endpoint,
        "gap": result.gap,
        "gap_hex": None if result.gap is None else result.gap.hex(),
        "lower_gap": result.lower_gap,
        "lower_gap_hex": None if result.lower_gap is None else result.lower_gap.hex(),
        "gap_up_to_permutation": result.gap_up_to_permutation,
        "refused": dict(result.refused),
        "weighted": result.weighted,
        "polished": result.polished,
        "padded_from": {name: list(widths) for name, widths in result.padded_from.items()},
        "architecture": result.architecture.as_json(),
        "bounds": [
            {"method": b.method, "kind": "certified", "sup": b.sup, "sup_hex": b.sup.hex(), "gap": b.gap, "gap_hex": b.gap.hex(),
             "gap_over_lower": b.gap_over_lower, "gap_over_level": b.gap_over_level, "along": b.along, "up_to_permutation": b.up_to_permutation,
             "cpu_seconds": b.cpu_seconds}
            for b in result.bounds
        ],
        "estimates": [
            {"method": e.method, "kind": "sampled", "maximum": e.maximum, "gap": e.gap, "points": e.points, "cpu_seconds": e.cpu_seconds,
             "note": e.note, "hit": e.hit, "stopped": e.stopped}
            for e in result.estimates
        ],
        "certificate": str(result.certificate),
        "report": None if report is None else str(report),
    }  # fmt: skip

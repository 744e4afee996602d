"""`verifier certify --pair a.pt b.pt`, and `--all` for three or more checkpoints (`verifier.cli.certify_all`)."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from verifier.cli.options import (
    add_data_arguments,
    add_objective_arguments,
    add_reading_arguments,
    add_weight_arguments,
    certify_options,
    require_no_ignored,
    require_report,
)


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
    parser.add_argument(
        "--level",
        type=float,
        help="ask whether a path stays at or below this value of F; with --all, whether the networks there are joined",
    )
    parser.add_argument(
        "--method",
        help="all (constructions until the gap is 0, then DSS), or some of "
        "exchange,line,halves,theorem41,dropout,descent,homotopy,theorem2,theorem32,theorem51,theorem61,polychain,bezier,neb,dss, "
        "rebasin (the line to B with its neurons matched to A's, up to permutation), "
        "and for tiny problems exact, which proves a lower bound too (default: all; with --all: exchange)",
    )
    parser.add_argument("--exhaustive", action="store_true", help="with --method all: run every construction")
    parser.add_argument(
        "--string",
        metavar="FILE",
        help="certify this .npz polyline (W1, b1, W2, b2 stacked over its vertices), or bezier:FILE or polychain:FILE, a checkpoint of a trained curve",
    )
    parser.add_argument("--polish", action="store_true", help="first train both endpoints on towards stationarity")
    parser.add_argument(
        "--pad",
        action="store_true",
        help="where hidden widths differ, add dead neurons to the narrower layers: the same function, exactly",
    )
    add_reading_arguments(parser)
    parser.add_argument(
        "--negative-slope",
        type=float,
        metavar="A",
        help="the networks' activation is Leaky ReLU max(z, A z), as PyTorch names it (default: as recorded, else ReLU)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of DSS and of Theorem 2's reference network (default: 0)")
    parser.add_argument("--dss-preset", choices=("paper", "freeman-bruna"), help="of DSS (default: paper)")
    parser.add_argument(
        "--tight",
        type=float,
        default=1e-4,
        help="cut chords until certified and sampled maximum agree to this factor (default: 1e-4)",
    )
    parser.add_argument("--device", help="torch device of DSS (default: cpu)")
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
    from verifier.paths.strings import string_file
    from verifier.pipeline import certify

    say = lambda text: print(text, file=sys.stderr, flush=True)
    a, b = args.pair
    require_no_ignored(args, "all")
    require_report(args, inputs=(a, b, args.data, string_file(args.string), args.out))
    result = certify(
        a,
        b,
        args.data,
        method="all" if args.method is None else args.method,
        string=args.string,
        **certify_options(args, say),
    )
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
        "gap_up_to_permutation": result.gap_up_to_permutation,
        "weighted": result.weighted,
        "polished": result.polished,
        "padded_from": {name: list(widths) for name, widths in result.padded_from.items()},
        "bounds": [
            {"method": b.method, "kind": "certified", "sup": b.sup, "sup_hex": b.sup.hex(), "gap": b.gap, "gap_hex": b.gap.hex(),
             "gap_over_lower": b.gap_over_lower, "gap_over_level": b.gap_over_level, "along": b.along, "up_to_permutation": b.up_to_permutation,
             "cpu_seconds": b.cpu_seconds}
            for b in result.bounds
        ],
        "estimates": [
            {"method": e.method, "kind": "sampled", "maximum": e.maximum, "gap": e.gap, "points": e.points, "cpu_seconds": e.cpu_seconds, "note": e.note}
            for e in result.estimates
        ],
        "certificate": str(result.certificate),
        "report": None if report is None else str(report),
    }  # fmt: skip

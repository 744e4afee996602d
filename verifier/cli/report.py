"""`verifier report FILES`: HTML reports from certificates alone."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="CERTIFICATE")
    parser.add_argument(
        "--out", metavar="FILE", help="report file, with one certificate (default: reports/<certificate name>.html)"
    )


def run(args: argparse.Namespace) -> int:
    from verifier.cli.options import require_file
    from verifier.errors import UsageError
    from verifier.files import Kind, require_place
    from verifier.report import write_report

    if args.out and len(args.files) > 1:
        raise UsageError(f"--out names one report, but {len(args.files)} certificates were given; leave it out")
    if args.out:
        require_place(args.out, Kind.PAGE, inputs=args.files)
    for file in args.files:
        require_file(Path(file))
        print(write_report(file, args.out))
    return 0

"""`verifier certify --all a.pt b.pt c.pt ...`: all pairs of three or more checkpoints."""

from __future__ import annotations

import argparse
import json
import sys

from verifier.cli.options import certify_options, require_no_ignored, require_report


def run(args: argparse.Namespace) -> int:
    from verifier.errors import UsageError
    from verifier.many.result import as_json
    from verifier.many.run import certify_all

    if args.string is not None:
        raise UsageError("--string is one path between two networks; use it with --pair")
    require_no_ignored(args, "exchange")
    require_report(args, inputs=(*args.all, args.data))
    say = lambda text: print(text, file=sys.stderr, flush=True)
    result = certify_all(
        args.all, args.data, method="exchange" if args.method is None else args.method, **certify_options(args, say)
    )
    report = None
    if not args.no_report:
        report = result.report(args.report)
        say(f"report {report}")
    if args.json:
        print(json.dumps({**as_json(result), "report": None if report is None else str(report)}, allow_nan=False))
    else:
        print(result.sentence)
    return result.exit_code

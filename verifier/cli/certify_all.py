"""`verifier certify --all a.pt b.pt c.pt ...`: all pairs of three or more checkpoints."""

from __future__ import annotations

import argparse
import json

from verifier.cli.options import certify_options, read_options, require_no_ignored, require_report, require_workers, say
from verifier.errors import UsageError
from verifier.options.objective import ObjectiveOptions


def run(args: argparse.Namespace) -> int:
    from verifier.many.certify_all import certify_all
    from verifier.many.result import as_json
    from verifier.pages.many import write_many_report

    if args.string is not None:
        raise UsageError("--string is one path between two networks; use it with --pair")
    require_workers(args)
    require_no_ignored(args, "exchange")
    require_report(args, inputs=(*args.all, args.data))
    options = certify_options(args, method="exchange" if args.method is None else args.method)
    objective = read_options(args, ObjectiveOptions)
    result = certify_all(
        args.all,
        args.data,
        objective=objective,
        options=options,
        out=args.out,
        jobs=args.jobs,
        scheduler=args.scheduler,
        say=say,
    )
    report = None
    if not args.no_report:
        report = write_many_report(result, args.report)
        say(f"report {report}")
    if args.json:
        print(json.dumps({**as_json(result), "report": None if report is None else str(report)}, allow_nan=False))
    else:
        print(result.sentence)
    return result.exit_code

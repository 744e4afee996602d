"""`verifier certify --all a.pt b.pt c.pt ...`: all pairs of three or more checkpoints."""

from __future__ import annotations

import argparse
import json
import sys

from verifier.cli.options import data_options


def run(args: argparse.Namespace) -> int:
    from verifier.errors import UsageError
    from verifier.many.result import as_json
    from verifier.many.run import certify_all

    if args.string is not None:
        raise UsageError("--string is one path between two networks; use it with --pair")
    say = lambda text: print(text, file=sys.stderr, flush=True)
    result = certify_all(
        args.all,
        args.data,
        data_options=data_options(args),
        loss=args.loss,
        delta=args.delta,
        kappa=args.kappa,
        penalty=args.penalty,
        penalise_output_bias=args.penalise_output_bias,
        level=args.level,
        method=args.method or "exchange",
        layout=args.layout,
        out=args.out,
        seed=args.seed,
        dss_preset=args.dss_preset,
        device=args.device,
        tight=args.tight,
        polish=args.polish,
        exhaustive=args.exhaustive,
        progress=sys.stderr.isatty(),
        say=say,
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

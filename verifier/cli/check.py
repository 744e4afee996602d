"""`verifier check FILES`: the kernel alone. Imports neither torch nor cvxpy, scipy or scikit-learn."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="CERTIFICATE")
    parser.add_argument(
        "--reference",
        action="store_true",
        help="check with the second evaluation too: Arb balls and exact rationals, slower",
    )
    parser.add_argument(
        "--data",
        metavar="FILE",
        help="X and targets of a certificate that does not embed them (default: the .data file beside it)",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object per certificate on stdout")


def run(args: argparse.Namespace) -> int:
    from verifier.outcomes import worst_exit_code

    return worst_exit_code([_check_file(Path(f), args) for f in args.files])


def _check_file(path: Path, args: argparse.Namespace) -> int:
    from verifier.certificate.file import data_file, read_certificate
    from verifier.cli.options import require_file
    from verifier.errors import CertificateFormatError, UsageError
    from verifier.kernel import check

    require_file(path)
    start = time.process_time()
    data = Path(args.data) if args.data else data_file(path)
    try:
        certificate = read_certificate(path, data=data)
    except CertificateFormatError as error:
        print(f"verifier check: {error}", file=sys.stderr)
        print(
            json.dumps({"file": str(path), "verdict": "MALFORMED", "why": str(error)})
            if args.json
            else f"MALFORMED {path}"
        )
        return error.exit_code
    if args.data and certificate.document["data"]["embedded"]:
        raise UsageError(
            f"--data {args.data}: {path} embeds its data, which are the ones checked; leave the option out"
        )
    evaluations = ("fast", "reference") if args.reference else ("fast",)
    rows = [(e, check(certificate.problem, c, evaluation=e)) for e in evaluations for c in certificate.claims]
    for evaluation, verdict in rows:
        print(f"{evaluation}: {verdict.sentence}", file=sys.stderr)
    accepted = all(v.accepted for _, v in rows)
    word, spent = "VERIFIED" if accepted else "REJECTED", time.process_time() - start
    if args.json:
        claims = [
            {"evaluation": e, "accepted": v.accepted, "sentence": v.sentence, "computed": v.computed} for e, v in rows
        ]
        print(
            json.dumps(
                {
                    "file": str(path),
                    "verdict": word,
                    "sha256": certificate.digest,
                    "cpu_seconds": spent,
                    "claims": claims,
                }
            )
        )
    else:
        print(
            f"{word} {path} ({len(certificate.claims)} claims, {' and '.join(evaluations)} evaluation, {spent:.2f} CPU s)"
        )
    return 0 if accepted else 5

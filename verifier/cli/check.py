"""`verifier check FILES`: the kernel alone. Imports neither torch nor cvxpy, scipy or scikit-learn, but for reading the networks of --networks."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from verifier.cli.options import add_reading_arguments, add_worker_arguments, reading, require_file, require_workers
from verifier.errors import CertificateFormatError, DataFileError, UsageError, said_by
from verifier.numbers import plural

if TYPE_CHECKING:
    from verifier.checking import CheckedFile


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="CERTIFICATE")
    parser.add_argument(
        "--reference",
        action="store_true",
        help="check with the second evaluation too: Arb balls and exact rationals, slower",
    )
    parser.add_argument(
        "--proved",
        action="store_true",
        help="ask the checker with a machine-checked proof too, which `make proofs` builds (docs/proofs.md): "
        "endpoint values, paths, heads, barriers and regions; a file with claims that it does not cover is INCONCLUSIVE",
    )
    parser.add_argument(
        "--data",
        metavar="FILE",
        help="the .data file written beside a certificate that does not embed its data (default: the one beside it); "
        "compared with the data of one that does",
    )
    parser.add_argument(
        "--networks",
        nargs=2,
        metavar=("A", "B"),
        help="two checkpoints that the certificate must be about, bit for bit, in either order; "
        "narrower ones count where it holds them with dead neurons added (--pad)",
    )
    add_reading_arguments(parser)
    add_worker_arguments(parser, "where blocks of samples are checked")
    parser.add_argument("--json", action="store_true", help="one JSON object per certificate on stdout")


def run(args: argparse.Namespace) -> int:
    from verifier.outcomes import worst_exit_code

    require_workers(args)
    return worst_exit_code([_check_file(Path(f), args) for f in args.files])


def _check_file(path: Path, args: argparse.Namespace) -> int:
    from verifier.checking import check_file
    from verifier.outcomes import Outcome

    require_file(path)
    proved: list[dict[str, str]] = []
    try:
        if args.proved:
            proved = _proved(path, args.data)
        found = check_file(
            path, args.data, args.networks, reading=reading(args), reference=args.reference, jobs=args.jobs, scheduler=args.scheduler
        )  # fmt: skip
    except DataFileError as error:
        # A file that is named by mistake says nothing against the certificate.
        raise UsageError(f"--data: {error}") from error
    except CertificateFormatError as error:
        print(f"verifier {said_by('check', error)}", file=sys.stderr)
        print(
            json.dumps({"file": str(path), "verdict": error.word, "why": str(error)})
            if args.json
            else f"{error.word} {path}"
        )
        return error.exit_code
    for line in _claimed(found, proved):
        print(line, file=sys.stderr)
    outcomes = [row["outcome"] for row in proved]
    word, code = "VERIFIED", 0
    if not found.accepted or "REFUSED" in outcomes:
        word, code = "REJECTED", Outcome.REJECTED.exit_code
    elif "NOT COVERED" in outcomes:
        word, code = "INCONCLUSIVE", Outcome.INCONCLUSIVE.exit_code
    evaluations = tuple(dict.fromkeys(e for e, _, _ in found.verdicts))
    if args.json:
        claims = [
            {"evaluation": e, "accepted": v.accepted, "sentence": v.sentence, "computed": v.computed}
            for e, _, v in found.verdicts
        ]
        print(
            json.dumps(
                {
                    "file": str(path), "verdict": word, "about": found.about,
                    "architecture": found.architecture.as_json(), "sha256": found.digest, "hashes": found.hashes,
                    "networks": [{"same": c.same, "sentence": c.sentence} for c in found.comparisons],
                    "cpu_seconds": found.cpu_seconds, "claims": claims, **({"proved": proved} if args.proved else {}),
                }
            )
        )  # fmt: skip
    else:
        count, compared = len(found.verdicts) // len(evaluations), ", networks compared" if found.comparisons else ""
        if args.proved:
            counts = ", ".join(f"{outcomes.count(o)} {o.lower()}" for o in dict.fromkeys(outcomes))
            compared += f", by the checker with a proof {counts}"
        print(
            f"{word} {path} ({plural(count, 'claim')}, {' and '.join(evaluations)} evaluation{compared}, {found.cpu_seconds:.2f} CPU s)"
        )
    return code


def _claimed(found: CheckedFile, proved: list[dict[str, str]]) -> Iterator[str]:
    yield found.about
    yield "SHA-256: " + ", ".join(f"{k} {v[:16]}..." for k, v in found.hashes.items())
    for evaluation, _, verdict in found.verdicts:
        yield f"{evaluation}: {verdict.sentence}"
    for comparison in found.comparisons:
        yield comparison.sentence
    for row in proved:
        yield f"proved: {row['outcome']}: {row['sentence']}{row['why']}"


def _proved(path: Path, data: str | None) -> list[dict[str, str]]:
    """The word of the checker with a proof on each claim, before the kernel's: where it is not built, nothing is checked."""
    from verifier.certificate.file import read_certificate
    from verifier.proved import check_proved

    certificate = read_certificate(path, data=None if data is None else Path(data))
    return [
        {
            "outcome": v.outcome.value,
            "sentence": v.claim.sentence(certificate.problem),
            "why": f" ({v.why})" if v.why else "",
        }
        for v in check_proved(certificate)
    ]

"""What a run has found, checked by the kernel, to one certificate and the files beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from verifier.certificate import make_document, write_certificate, write_data
from verifier.errors import VerifierError
from verifier.kernel import check
from verifier.kernel.statements import Barrier, EndpointValue
from verifier.paths.curves.strings import save_string
from verifier.pipeline.consistent import require_consistent
from verifier.pipeline.record import plane_record
from verifier.pipeline.result import CertifyResult
from verifier.pipeline.setting import Setting
from verifier.pipeline.verdict_line import verdict
from verifier.pipeline.work import Work

Say = Callable[[str], None]


def write(s: Setting, work: Work, target: Path, level: float | None, say: Say) -> CertifyResult:
    """Judge, check every claim, and write; a run may do so more than once, and each time leaves a whole certificate.

    Raises VerifierError when the kernel rejects a claim of this run or two claims contradict each other: defects, never ignored.
    """
    # Paths between A and B themselves first: only they bound its gap.
    work.bounds.sort(key=lambda b: (b.up_to_permutation, b.gap, b.sup))
    require_consistent(work.claims, work.bounds)
    ends = [c for c in work.claims if isinstance(c, EndpointValue)]
    best = work.bounds[0].method if work.bounds else None
    if best is not None and best != work.pictured:
        # A picture costs what hundreds of evaluations cost: once per best path, however often a run writes.
        work.record["plane"], work.pictured = plane_record(s, work.waypoints, best, work.forms), best
    outcome, sentence = verdict(
        work, ends, level, weighted=s.problem.weights is not None, architecture=s.A.network.described
    )
    work.record["verdict"] = {"outcome": outcome.value, "sentence": sentence, "best": best}
    _require_accepted(s, work)
    digest = _files(s, work, target, say)
    return CertifyResult(
        outcome=outcome, sentence=sentence, E=max(c.upper for c in ends), lower_endpoint=min(c.upper for c in ends), bounds=tuple(work.bounds),
        estimates=tuple(work.estimates), certificate=target, padded_from=s.padded_from, weighted=s.problem.weights is not None, polished=s.polished,
        digest=digest, architecture=s.A.network.described, lower_gap=max((c.gap for c in work.claims if isinstance(c, Barrier)), default=None),
    )  # fmt: skip


def _require_accepted(s: Setting, work: Work) -> None:
    for claim in work.claims:
        if any(claim is known for known in work.accepted):
            continue
        checked = check(s.problem, claim)
        if not checked.accepted:
            raise VerifierError(
                f"the kernel rejects what was just produced: {checked.sentence}; this is a defect of verifier, please report it"
            )
        work.accepted.append(claim)


def _files(s: Setting, work: Work, target: Path, say: Say) -> str:
    """Returns the certificate's SHA-256."""
    document, arrays = make_document(
        s.problem, work.claims, data_name=s.data.name, labels=work.labels, record=work.record
    )
    if not document["data"]["embedded"] and not work.written:
        write_data(target.with_suffix(".data"), s.problem)
        say(f"data set written beside the certificate: {target.with_suffix('.data')}")
    for name, string in work.strings.items():
        save_string(string, target.with_suffix(f".{name}.npz"))
    if target.exists() and not work.written:
        say(f"{target}: replaces the certificate that an earlier run wrote there; another name with --out keeps both")
    digest = write_certificate(target, document, arrays)
    say(f"certificate {target} (SHA-256 {digest[:16]}...)" + ("" if not work.written else ", with the estimates"))
    work.written = True
    return digest

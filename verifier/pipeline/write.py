"""What a run has found, checked by the kernel, to one certificate and the files beside it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from verifier.certificate import make_document, write_certificate, write_data
from verifier.certificate.file import Certificate, read_certificate
from verifier.errors import VerifierError
from verifier.files import Kind, atomic_path, kind_of
from verifier.kernel import check
from verifier.kernel.statements import Barrier, EndpointValue, Verdict
from verifier.paths.curves.strings import save_string
from verifier.pipeline.consistent import require_consistent
from verifier.pipeline.kept import same_claim, same_problem
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
    outcome, sentence = verdict(
        work, ends, level, weighted=s.problem.weights is not None, architecture=s.A.network.described
    )
    work.record["verdict"] = {"outcome": outcome.value, "sentence": sentence, "best": best}
    digest, verdicts = _files(s, work, target, say)
    return CertifyResult(
        outcome=outcome, sentence=sentence, E=max(c.upper for c in ends), lower_endpoint=min(c.upper for c in ends), bounds=tuple(work.bounds),
        estimates=tuple(work.estimates), certificate=target, padded_from=s.padded_from, weighted=s.problem.weights is not None, polished=s.polished,
        digest=digest, verdicts=verdicts, cpu_check=work.cpu_check,
        architecture=s.A.network.described, lower_gap=max((c.gap for c in work.claims if isinstance(c, Barrier)), default=None),
    )  # fmt: skip


def _files(s: Setting, work: Work, target: Path, say: Say) -> tuple[str, tuple[Verdict, ...]]:
    """Write under temporary names, read that back, have the kernel check every claim of it, and only then rename: no name ever leads to what the kernel
    has not accepted. Returns the certificate's SHA-256 and the verdicts."""
    document, arrays = make_document(
        s.problem, work.claims, data_name=s.data.name, labels=work.labels, record=work.record
    )
    beside = None if document["data"]["embedded"] else target.with_suffix(".data")
    if target.exists() and not work.written:
        if kind_of(target) is Kind.CERTIFICATE:
            say(
                f"{target}: replaces the certificate that an earlier run wrote there; another name with --out keeps both"
            )
        else:
            say(f"{target}: what lies there is no certificate, and is kept beside it under a name ending in .replaced")
    with ExitStack() as renamed:
        # Left in reverse order: the data come to their place before the certificate that needs them.
        file, data = renamed.enter_context(atomic_path(target)), beside
        if beside is not None and not work.written:
            data = renamed.enter_context(atomic_path(beside))
            write_data(data, s.problem)
        digest, start = write_certificate(file, document, arrays), time.process_time()
        verdicts = _accepted(read_certificate(file, data=data, mapped=True), s, work)
        work.cpu_check += time.process_time() - start
    if beside is not None and not work.written:
        say(f"data set written beside the certificate: {beside}")
    for name, string in work.strings.items():
        save_string(string, target.with_suffix(f".{name}.npz"))
    say(f"certificate {target} (SHA-256 {digest[:16]}...)" + ("" if not work.written else ", with the estimates"))
    work.written = True
    return digest, verdicts


def _accepted(c: Certificate, s: Setting, work: Work) -> tuple[Verdict, ...]:
    """The kernel's verdicts on the claims as the file has them; those that it gave in this run on the same claim of the same problem are not asked for again.

    Raises VerifierError where one is a rejection, or the file is about something else than this run.
    """
    defect = "this is a defect of verifier, please report it"
    if not same_problem(c.problem, s.problem):
        raise VerifierError(f"the certificate is about another problem than this run; {defect}")
    out = []
    for claim in c.claims:
        known = next((verdict for before, verdict in work.accepted if same_claim(before, claim)), None)
        verdict = check(c.problem, claim) if known is None else known
        if not verdict.accepted:
            raise VerifierError(f"the kernel rejects what was just produced: {verdict.sentence}; {defect}")
        if known is None:
            work.accepted.append((claim, verdict))
        out.append(verdict)
    return tuple(out)

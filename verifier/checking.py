"""Is what a certificate file says true, and is it about my networks and my data? The kernel decides; the file's record plays no part."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from verifier.campaign.blocks import blocks_on
from verifier.campaign.runner import runner
from verifier.certificate.file import Certificate, read_certificate
from verifier.errors import AnotherSlopeError, UsageError
from verifier.kernel import Claim, Parameters, Problem, Verdict, check
from verifier.kernel.statements import same_parameters
from verifier.networks.architecture import Architecture, architecture_of
from verifier.networks.network import Network
from verifier.networks.padding import fits_into, padded, padding_words
from verifier.numbers import plural
from verifier.options.declare import accepts, require_none_left
from verifier.options.reading import Reading, taken_reading

EVALUATIONS = ("fast", "reference")


@dataclass(frozen=True)
class Comparison:
    """Whether a network of the certificate is the one the caller has. `sentence` says it."""

    same: bool
    sentence: str


@dataclass(frozen=True, repr=False)
class CheckedFile:
    """The kernel's word on a certificate file.

    verdicts: (evaluation, claim, verdict), per evaluation in the order of the file. comparisons: with the caller's networks, when there are some.
    digest: SHA-256 of the file. hashes: of the data set and of both networks, from the arrays that were checked.
    """

    file: Path
    verdicts: tuple[tuple[str, Claim, Verdict], ...]
    comparisons: tuple[Comparison, ...]
    problem: Problem
    digest: str
    hashes: dict[str, str]
    cpu_seconds: float

    def __repr__(self) -> str:
        """As `verifier check` prints it: what F is, and the kernel's word on each claim."""
        words = [f"{evaluation}: {verdict.sentence}" for evaluation, _, verdict in self.verdicts]
        return "\n".join([str(self.file), self.about, *words, *(c.sentence for c in self.comparisons)])

    @property
    def accepted(self) -> bool:
        """Every claim is established by every evaluation that was asked for, and the networks are the caller's."""
        return (
            len(self.verdicts) > 0
            and all(v.accepted for _, _, v in self.verdicts)
            and all(c.same for c in self.comparisons)
        )

    @property
    def architecture(self) -> Architecture:
        """Of both networks."""
        return architecture_of(self.problem.X.shape[1], self.problem.A.weights, self.problem.geometry)

    @property
    def about(self) -> str:
        """The problem in one line: what F is, on what."""
        p, o = self.problem, self.problem.objective
        N = len(p.X)
        mean = "mean" if p.weights is None else "weighted mean"
        delta = "" if o.delta is None else f" (delta {o.delta!r})"
        penalty = "no penalty" if o.penalty == "none" else f"{o.kappa!r} times the {o.penalty} penalty"
        if o.penalise_output_bias:
            penalty += ", output bias penalised"
        slope = "ReLU" if p.negative_slope == 0.0 else f"Leaky ReLU of slope {p.negative_slope!r}"
        return f"F = {mean} {o.loss} loss{delta} over {plural(N, 'sample')}, {penalty}; networks {self.architecture}, {slope}"


@accepts(Reading)
def check_file(
    path: str | os.PathLike[str],
    data: str | os.PathLike[str] | None = None,
    networks: Sequence[Any] | None = None,
    *,
    reading: Reading | None = None,
    reference: bool = False,
    jobs: int = 1,
    scheduler: str | None = None,
    **keywords: Any,
) -> CheckedFile:
    """Check every claim of a certificate file with the kernel's fast evaluation, and with the reference evaluation too when asked.

    data: the data file written beside a certificate that does not embed its data (default: the `.data` file beside it); compared when it does.
    networks: (a, b), checkpoints or anything `certify` takes, which the certificate's A and B must equal, number by number, in either order;
        read as `reading` and keywords say, e.g. `model` for convolutional checkpoints; a narrower one counts when the certificate's is it with
        dead neurons added, as `certify --pad` does, and the comparison says so.
    jobs: processes on this machine that blocks of samples are shared out to; scheduler: address of a dask scheduler instead. The numbers found are the same,
        and memory does not grow with the number of samples, as data that are not embedded stay in their file (docs/many.md).

    Raises CertificateFormatError for a file that is no certificate or embeds other data, CheckpointError for networks that cannot be read,
    UsageError for other than two networks. A claim that does not hold, or other networks, are no error: see `accepted`.
    """
    start = time.process_time()
    reading = taken_reading(keywords, reading)
    own = ("data", "networks", "reading", "reference", "jobs", "scheduler")
    require_none_left("check_file", keywords, Reading, own=own)
    certificate = read_certificate(Path(path), data=None if data is None else Path(data), mapped=True)
    comparisons = () if networks is None else _compared(certificate.problem, networks, reading)
    with runner(jobs, scheduler) as run, blocks_on(run):
        rows = tuple(
            (evaluation, claim, check(certificate.problem, claim, evaluation=evaluation))
            for evaluation in EVALUATIONS[: 1 + reference]
            for claim in certificate.claims
        )
    return CheckedFile(
        Path(path),
        rows,
        comparisons,
        certificate.problem,
        certificate.digest,
        _hashes(certificate),
        time.process_time() - start,
    )


def _hashes(c: Certificate) -> dict[str, str]:
    """As the strict reader has compared them with the arrays."""
    networks = c.document["networks"]
    return {"data": c.document["data"]["sha256"], "A": networks["A"]["sha256"], "B": networks["B"]["sha256"]}


def _compared(problem: Problem, networks: Sequence[Any], reading: Reading) -> tuple[Comparison, ...]:
    # Reading networks takes scipy and perhaps torch; a check without them must not.
    from verifier.pipeline.endpoints import read_endpoint
    from verifier.pipeline.record import without_words

    if isinstance(networks, (str, bytes)) or len(networks) != 2:
        raise UsageError("check_file: networks must be the two networks (a, b) that the certificate is to be about")
    if problem.geometry is not None:
        reading = replace(reading, data_shape=problem.geometry.shape)
    names = [str(n) if isinstance(n, (str, os.PathLike)) else f"network {k + 1}" for k, n in enumerate(networks)]
    try:
        ends = [
            read_endpoint(n, k, reading, negative_slope=problem.negative_slope)
            for n, k in zip(networks, "AB", strict=True)
        ]
    except AnotherSlopeError as error:
        return (Comparison(False, f"the certificate is about networks of another slope: {error}"),)
    given = [e.network for e in ends]
    names = [f"{n} {w}" if (w := without_words(e.source)) else n for n, e in zip(names, ends)]
    same = [[_equal(problem, p, n) for n in given] for p in (problem.A, problem.B)]
    if not (same[0][0] and same[1][1]) and same[0][1] and same[1][0]:
        given, names, same = given[::-1], names[::-1], [row[::-1] for row in same]
    return tuple(
        Comparison(same[k][k], _sentence(letter, problem, given[k], names[k], same[k][k]))
        for k, letter in enumerate("AB")
    )


def _widths(problem: Problem) -> tuple[int, ...]:
    return (problem.X.shape[1], *(len(W) for W in problem.A.weights))


def _sentence(letter: str, problem: Problem, network: Network, name: str, same: bool) -> str:
    if not same:
        return f"{letter} of the certificate is another network than {name}"
    widths = _widths(problem)
    padding = "" if network.widths == widths else f", {padding_words(network.widths, widths)}"
    return f"{letter} of the certificate is {name}{padding}"


def _equal(problem: Problem, p: Parameters, network: Network) -> bool:
    """Every parameter the same real number, after dead neurons were added where the certificate's network is wider (docs/padding.md)."""
    if network.geometry != problem.geometry or not fits_into(network, _widths(problem)):
        return False
    n = padded(network, _widths(problem))
    return same_parameters(p, Parameters(n.weights, n.biases))

"""What `certify` returns: bounds, estimates, and the certificate they rest on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from verifier.certificate.file import read_certificate
from verifier.errors import VerifierError
from verifier.kernel import check
from verifier.kernel.statements import Verdict
from verifier.networks.architecture import Architecture
from verifier.numbers import show_up
from verifier.outcomes import CertifiedBound, Outcome, SampledEstimate

if TYPE_CHECKING:
    from verifier.certificate.file import Certificate


@dataclass(frozen=True)
class CertifyResult:
    """Outcome of a certification.

    sentence: the one verdict line. E, lower_endpoint: max and min of F(A), F(B), float64 display values of certified enclosures.
    bounds: one per certified path, least gap first, those up to permutation last. estimates: sampled figures, never bounds. certificate: the file.
    architecture: of both networks, as it is named.
    padded_from: of networks that were given dead neurons, their widths (n_0..n_L) before, by "A" and "B". weighted: F is the mean weighted by sample weights.
    polished: A and B are networks that were trained on, not those that were loaded. digest: SHA-256 of the file as it was written.
    verdicts: the kernel's, on every claim in the order of the file, as read back from it before it got its name. cpu_check: CPU seconds of
        that reading and checking, of all that the run wrote.
    refused: of constructions that were named and do not apply, why; others were asked for besides.
    lower_gap: the largest certified lower bound on the gap over E, of every path (with frozen layers: that keeps them); None without one.
    """

    outcome: Outcome
    sentence: str
    E: float
    lower_endpoint: float
    bounds: tuple[CertifiedBound, ...]
    estimates: tuple[SampledEstimate, ...]
    certificate: Path
    architecture: Architecture
    padded_from: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    weighted: bool = False
    polished: bool = False
    digest: str = ""
    lower_gap: float | None = None
    refused: Mapping[str, str] = field(default_factory=dict)
    verdicts: tuple[Verdict, ...] = field(default=(), repr=False)
    cpu_check: float = 0.0

    @property
    def gap(self) -> float | None:
        """The least certified bound on the energy gap over E; None when no path between A and B was certified."""
        return min((b.gap for b in self.bounds if not b.up_to_permutation), default=None)

    @property
    def gap_up_to_permutation(self) -> float | None:
        """The least over paths to B with its hidden neurons permuted, the same function (`--method rebasin`). It bounds no gap between A and B themselves."""
        return min((b.gap for b in self.bounds if b.up_to_permutation), default=None)

    def check(self, *, reference: bool = False) -> tuple[Verdict, ...]:
        """Read the certificate back from its file and check every claim with the kernel; one verdict per claim."""
        c = self._certificate()
        return tuple(check(c.problem, claim, evaluation="reference" if reference else "fast") for claim in c.claims)

    def report(self, path: str | Path | None = None) -> Path:
        """Write the HTML report made from the certificate file and the kernel's verdicts on it alone; default: reports/<certificate name>.html beside
        certificates/."""
        from verifier.report.page import write_page

        return write_page(self.certificate, path, self._certificate(), self.verdicts or None)

    def _certificate(self) -> Certificate:
        """The file as this run wrote it. Raises VerifierError when another run has replaced it since."""
        c = read_certificate(self.certificate)
        if self.digest and c.digest != self.digest:
            raise VerifierError(
                f"{self.certificate}: is no longer the certificate of this result, something has replaced it since; give each run its own out="
            )
        return c

    def __str__(self) -> str:
        return self.sentence

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(b.method)}</td><td>{b.kind}</td><td>{show_up(b.sup, 6)}</td><td>{show_up(b.gap, 3)}</td></tr>"
            for b in self.bounds
        ) + "".join(
            f"<tr><td>{escape(e.method)}</td><td>sampled</td><td>{e.maximum:.6g}</td><td>{e.gap:.3g}</td></tr>"
            for e in self.estimates
        )
        head = "<tr><th>path</th><th>kind</th><th>max F</th><th>gap over E</th></tr>"
        return f"<p><strong>{escape(self.sentence)}</strong></p><table>{head}{rows}</table>"

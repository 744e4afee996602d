"""Certificates that are there already: whose they are and what they say comes from their arrays and re-checked claims, never from their records."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from verifier.certificate.file import Certificate, data_file, read_certificate
from verifier.errors import CertificateFormatError
from verifier.kernel import Claim, check
from verifier.kernel.statements import (
    Barrier,
    EndpointValue,
    PathUpperBound,
    Problem,
)
from verifier.numbers import show_down, show_up
from verifier.outcomes import BINDING, FROZEN, PATHS, Outcome
from verifier.pipeline.verdict_line import BALANCED, WEIGHTED


def _form(path: PathUpperBound) -> str:
    return f"; {BALANCED}" if path.form == "balanced" else ""


class NotThis(Exception):
    """The file does not certify this problem; its text says why."""


@dataclass(frozen=True, eq=False)
class Kept:
    """A certificate of the problem that was asked about, every claim accepted by the kernel in this process. paths: between A and B themselves, the
    least gap first; those to a permuted copy of B are left out, as they bound no gap of this pair."""

    certificate: Certificate
    A: EndpointValue
    B: EndpointValue
    paths: tuple[PathUpperBound, ...]
    barriers: tuple[Barrier, ...]

    @property
    def E(self) -> float:
        return max(self.A.upper, self.B.upper)

    def answer(self, level: float | None) -> tuple[Outcome, str]:
        """The outcome that the claims give, with its sentence. With a level, the question is whether a path stays at or below it."""
        barrier = self._barrier("trained")
        beside = f"E = {self.E:.4g}"
        if self.certificate.problem.weights is not None:
            beside += f"; {WEIGHTED}"
        if level is None:
            if not self.paths:
                also = "" if barrier is None else f"; certified: gap >= {show_down(barrier.gap)} over E for every path"
                return Outcome.INCONCLUSIVE, f"INCONCLUSIVE no path was certified{also} ({beside})"
            beside += _form(self.paths[0])
            layers = self.paths[0].output_layer
            barrier = self._barrier(*BINDING[layers])
            beside = f"{FROZEN[layers]}; {beside}" if layers in FROZEN else beside
            low = "" if barrier is None else f"{show_down(barrier.gap, 9)} <= "
            return Outcome.CERTIFIED, f"CERTIFIED {low}gap <= {show_up(self.paths[0].gap, 9 if low else 4)} ({beside})"
        if max(self.A.lower, self.B.lower) > level:
            return (
                Outcome.REFUTED,
                f"REFUTED no path stays at or below level {level!r}: an endpoint lies above it ({beside})",
            )
        # A claim about this level holds where its rounded maximum may not.
        under = [p for p in self.paths if p.sup <= level or (p.level == level and p.gap_over_level == 0.0)]
        if under:
            path = PATHS[under[0].output_layer]
            return (
                Outcome.CERTIFIED,
                f"CERTIFIED a {path} stays at or below level {level!r} ({beside}{_form(under[0])})",
            )
        for layer, path in PATHS.items():
            barrier = self._barrier(layer)
            if barrier is not None and barrier.level > level:
                why = f"every such path reaches {barrier.level!r}"
                return Outcome.REFUTED, f"REFUTED no {path} stays at or below level {level!r}: {why} ({beside})"
        lowest = min(self.paths, key=lambda p: p.sup, default=None)
        if lowest is None:
            found = "no path was certified"
        else:
            found, beside = (
                f"the best path is certified to stay at or below {show_up(lowest.sup)}",
                beside + _form(lowest),
            )
        return Outcome.INCONCLUSIVE, f"INCONCLUSIVE level {level!r}: {found} ({beside})"

    def _barrier(self, *output_layers: str) -> Barrier | None:
        """The highest about paths of one of these kinds."""
        found = (c for c in self.barriers if c.output_layer in output_layers)
        return max(found, key=lambda c: c.level, default=None)


def read_kept(file: Path, problem: Problem, checked: str | None = None) -> Kept:
    """Read a pair's certificate and check every claim with the kernel's fast evaluation.

    checked: SHA-256 of a file whose claims this process has checked as they were read from it; when this is still the one, they are not checked again.

    Raises NotThis when there is no certificate, it is damaged, about other networks, data or another objective, or a claim is rejected.
    """
    try:
        c = read_certificate(file, data=data_file(file))
    except CertificateFormatError as error:
        raise NotThis(str(error)) from None
    if not same_problem(c.problem, problem):
        raise NotThis(f"{file}: is about other networks, data, another activation or objective")
    for claim in () if c.digest == checked else c.claims:
        verdict = check(c.problem, claim)
        if not verdict.accepted:
            raise NotThis(f"{file}: {verdict.sentence}")
    ends = {e.network: e for e in c.claims if isinstance(e, EndpointValue)}
    if set(ends) != {"A", "B"}:
        raise NotThis(f"{file}: does not claim the values of both networks")
    paths = [p for p in c.claims if isinstance(p, PathUpperBound) and p.permutation is None]
    barriers = tuple(b for b in c.claims if isinstance(b, Barrier))
    return Kept(c, ends["A"], ends["B"], tuple(sorted(paths, key=lambda p: (p.gap, p.sup))), barriers)


def same_problem(p: Problem, q: Problem) -> bool:
    """Whether data, objective, activation and both networks are the same, every number compared."""
    return _same(p, q)


def same_claim(a: Claim, b: Claim) -> bool:
    """Whether two claims are of one kind and equal in every field, number by number."""
    return _same(a, b)


def _same(p: Any, q: Any) -> bool:
    """Field by field, whatever fields there are: one that was added later is compared too."""
    if type(p) is not type(q):
        return False
    if isinstance(p, np.ndarray):
        return p.dtype.kind == q.dtype.kind and np.array_equal(p, q)
    if isinstance(p, tuple):
        return len(p) == len(q) and all(_same(a, b) for a, b in zip(p, q, strict=True))
    if is_dataclass(p):
        return all(_same(getattr(p, f.name), getattr(q, f.name)) for f in fields(p))
    return bool(p == q)

"""Straight lines and the user's own polyline."""

from __future__ import annotations

import time

from verifier.errors import UsageError
from verifier.outcomes import SampledEstimate
from verifier.paths.curves.line import line as straight
from verifier.paths.curves.line import matched_line_estimate
from verifier.paths.curves.rebasin import rebasin as matched
from verifier.paths.curves.strings import load_string
from verifier.pipeline.constructions.proposal import Proposal, Request
from verifier.pipeline.setting import Setting

POINTS = 201


def line(s: Setting, r: Request) -> Proposal:
    """The straight line, certified; and the line after weight matching, as an estimate of another pair."""
    A, B = s.A.network, s.B.network
    if not A.shallow:
        return Proposal([straight(A, B)])
    start = time.process_time()
    found = matched_line_estimate(*s.pair, points=POINTS)
    estimate = SampledEstimate(
        construction="line", method="line after matching", maximum=found.maximum, gap=max(0.0, found.maximum - s.E), points=POINTS,
        cpu_seconds=time.process_time() - start, note="B's neurons permuted by weight matching: the line to a copy of B, not to B", matched=True,
    )  # fmt: skip
    return Proposal([straight(A, B)], estimates=[estimate])


def rebasin(s: Setting, r: Request) -> Proposal:
    """The straight line to B with its neurons matched to A's (weight matching, any depth): a path up to permutation."""
    return Proposal([matched(s.A.network, s.B.network)])


def string(s: Setting, r: Request) -> Proposal:
    """The user's own polyline of vertices (`--string`), certified."""
    if r.options.string is None:
        raise UsageError("--method string needs the polyline: name its .npz file with --string")
    path = load_string(str(r.options.string), s.A.network, s.B.network)
    return Proposal([path], remarks=tuple(str(note) for note in path.notes.values()))

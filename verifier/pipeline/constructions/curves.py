"""Estimates: strings and curves that are trained, sampled, and kept; certified as the polylines they are where that is asked for."""

from __future__ import annotations

from collections.abc import Callable

from verifier.outcomes import SampledEstimate
from verifier.paths.curves import trained
from verifier.paths.curves.dss import dss as dynamic_string_sampling
from verifier.pipeline.constructions.proposal import Proposal, Request
from verifier.pipeline.setting import Setting


def dss(s: Setting, r: Request) -> Proposal:
    """Dynamic String Sampling (Freeman, Bruna 2017, Algorithm 1): a sampled estimate; its string is kept."""
    o = r.options
    found = dynamic_string_sampling(
        *s.pair, preset=o.dss_preset, seed=o.seed, device=o.device, progress=o.progress, seconds=r.seconds
    )
    if found.stopped:
        note = f"stopped after {r.seconds:.3g} CPU s with segments above the level left; no evidence of a barrier"
    elif found.hit:
        note = "hit: the search gave up at its depth; no evidence of a barrier"
    else:
        note = "every segment met the level"
    estimate = SampledEstimate(
        construction="dss", method=f"DSS ({o.dss_preset})", maximum=found.maximum, gap=max(0.0, found.maximum - s.E), points=found.points,
        cpu_seconds=found.cpu_seconds, note=note, hit=found.hit, least_exceedance=found.least_exceedance,
        stopped=found.stopped, settings=found.settings, string=found.path, maxima=found.maxima,
    )  # fmt: skip
    return Proposal(r.certifiable(found.path), estimates=[estimate])


def _curve(name: str, function: str) -> Callable[[Setting, Request], Proposal]:
    def build(s: Setting, r: Request) -> Proposal:
        c = getattr(trained, function)(*s.pair, seed=r.options.seed)
        estimate = SampledEstimate(
            construction=name, method=c.path.method, maximum=c.maximum, gap=max(0.0, c.maximum - s.E), points=c.points, cpu_seconds=c.cpu_seconds,
            settings=c.settings, string=c.path,
        )  # fmt: skip
        return Proposal(r.certifiable(c.path), estimates=[estimate])

    return build


polychain, bezier, neb = _curve("polychain", "polychain"), _curve("bezier", "bezier"), _curve("neb", "elastic_band")

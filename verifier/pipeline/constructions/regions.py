"""The rows program of A, of B and of every waypoint of Theorem 2's path on its own activation region (docs/mathematics.md, section 11)."""

from __future__ import annotations

from verifier.errors import UsageError
from verifier.paths.regions.descent import region_descent_then_exchange
from verifier.pipeline.constructions.proposal import LeftOut, PosedRegion, Proposal, Request
from verifier.pipeline.setting import Setting
from verifier.programs.region.solve import region_cost, solve_region

# CPU seconds by the estimate: of one program, and of all together, that a run poses which was not asked for more.
ONE, TOGETHER = 10.0, 30.0


def regions(s: Setting, r: Request) -> Proposal:
    """Programs whose estimated cost is above ONE, or that would bring the sum above TOGETHER, are named with it; --exhaustive solves them all."""
    # Asked for by name, and in an exhaustive run, everything is solved.
    unlimited = r.options.exhaustive or not r.of_all
    networks = {"A": s.A.network, "B": s.B.network, **r.waypoints}
    posed, left_out, refused, spent = [], [], [], 0.0
    for title, network in networks.items():
        try:
            size = region_cost(network, s.risk)
            if not unlimited and (size.seconds > ONE or spent + size.seconds > TOGETHER):
                left_out.append(LeftOut(title, size))
                continue
            spent += size.seconds
            posed.append(PosedRegion(title, solve_region(network, s.risk)))
        except UsageError as error:
            refused.append(f"regions: {title}: {error}")
    return Proposal(regions=posed, left_out=left_out, skipped="; ".join(dict.fromkeys(refused)) or None)


def region_descent(s: Setting, r: Request) -> Proposal:
    """Descend by convex programs, region by region, then exchange (docs/mathematics.md, section 11)."""
    return Proposal([region_descent_then_exchange(*s.pair, target=r.target(s))])

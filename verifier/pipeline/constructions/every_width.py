"""How low F can be with any number of neurons (docs/mathematics.md, section 13): beside every path, how far A and B are from the best of any width."""

from __future__ import annotations

from verifier.errors import UsageError
from verifier.pipeline.constructions.proposal import Proposal, Request
from verifier.pipeline.setting import Setting
from verifier.programs.every_width.solve import every_width_cost, require_priced, solve_every_width

# CPU seconds and relative gap of the search in a run that asked for no more, and of one that did.
OF_ALL, BY_NAME = (5.0, 1e-3), (30.0, 1e-4)
# Programs estimated above ONE are left to an exhaustive run, and above EXHAUSTIVE to one that names them: with ten outputs they take an hour and gigabytes.
ONE, EXHAUSTIVE = 10.0, 60.0


def every_width(s: Setting, r: Request) -> Proposal:
    """One dual, by column generation or a semidefinite program."""
    asked = r.options.exhaustive or not r.of_all
    try:
        require_priced(s.A.network, s.objective)
    except UsageError as error:
        if not r.of_all:
            raise
        # Without a price on neurons there is nothing to say, and a run that did not ask need not hear it.
        return Proposal(skipped=str(error) if asked else None)
    cost = every_width_cost(s.A.network, s.data.X)
    if r.of_all and cost > (EXHAUSTIVE if r.options.exhaustive else ONE):
        solves = "--method every-width or --exhaustive" if cost <= EXHAUSTIVE else "--method every-width"
        return Proposal(skipped=f"every-width: about {cost:.0f} CPU s, left to {solves}")
    if cost > ONE:
        r.say(f"every-width: a semidefinite program of about {cost:.0f} CPU s")
    seconds, tolerance = BY_NAME if asked else OF_ALL
    networks = [s.A.network, s.B.network]
    return Proposal(every_width=solve_every_width(networks, s.risk, seconds=seconds, tolerance=tolerance))

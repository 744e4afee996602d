"""Proposition X and what comes before it: descents, a neuron that fades (docs/constructions.md, section 1)."""

from __future__ import annotations

from collections.abc import Callable

from verifier.paths.exchange.deep import deep_exchange
from verifier.paths.exchange.descent import descend_then_exchange
from verifier.paths.exchange.homotopy import homotopy_exchange
from verifier.paths.exchange.proposition_x import exchange as proposition_x
from verifier.paths.path import Path
from verifier.pipeline.constructions.proposal import Proposal, Request
from verifier.pipeline.constructions.tops import top_of
from verifier.pipeline.setting import Setting


def exchange(s: Setting, r: Request) -> Proposal:
    """Proposition X; with more hidden layers exchange in depth (docs/deep.md), or Proposition X above those that are kept."""
    if not s.A.network.shallow and r.options.hidden_layers == "trained":
        return Proposal([deep_exchange(*s.pair, target=r.target(s), seed=r.options.seed)])
    return _of_top(s, r, "exchange", proposition_x)


def descent(s: Setting, r: Request) -> Proposal:
    """Descend, then exchange."""
    return _of_top(s, r, "descent", descend_then_exchange)


def homotopy(s: Setting, r: Request) -> Proposal:
    """One neuron of either side fades while the others adapt, then exchange."""
    return _of_top(s, r, "homotopy", homotopy_exchange)


def _of_top(s: Setting, r: Request, method: str, make: Callable[..., Path]) -> Proposal:
    """make(A, B, risk, target=): a path of networks of one hidden layer."""
    top = top_of(s, r.options, method, exact=False)
    return Proposal([top.in_full(make(top.A, top.B, top.risk, target=r.target(s)))])

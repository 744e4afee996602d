"""Proposition X and what comes before it: descents, a neuron that fades (docs/constructions.md, section 1)."""

from __future__ import annotations

from verifier.paths.exchange.deep import deep_exchange
from verifier.paths.exchange.descent import descend_then_exchange
from verifier.paths.exchange.homotopy import homotopy_exchange
from verifier.paths.exchange.proposition_x import exchange as proposition_x
from verifier.pipeline.constructions.proposal import Proposal, Request
from verifier.pipeline.setting import Setting


def exchange(s: Setting, r: Request) -> Proposal:
    """Proposition X; with more hidden layers exchange in depth (docs/deep.md)."""
    if not s.A.network.shallow:
        return Proposal([deep_exchange(*s.pair, target=r.target(s), seed=r.options.seed)])
    return Proposal([proposition_x(*s.pair, target=r.target(s))])


def descent(s: Setting, r: Request) -> Proposal:
    """Descend, then exchange."""
    return Proposal([descend_then_exchange(*s.pair, target=r.target(s))])


def homotopy(s: Setting, r: Request) -> Proposal:
    """One neuron of either side fades while the others adapt, then exchange."""
    return Proposal([homotopy_exchange(*s.pair, target=r.target(s))])

"""Theorems of Nguyen 2019 about wide first layers; their hypotheses are checked and said."""

from __future__ import annotations

from verifier.paths.nguyen2019 import theorem32 as t32
from verifier.paths.nguyen2019 import theorem51 as t51
from verifier.paths.nguyen2019 import theorem61 as t61
from verifier.pipeline.constructions.proposal import Proposal, Request
from verifier.pipeline.setting import Setting


def theorem32(s: Setting, r: Request) -> Proposal:
    return Proposal([t32.theorem32(*s.pair)])


def theorem51(s: Setting, r: Request) -> Proposal:
    return Proposal([t51.theorem51(*s.pair)])


def theorem61(s: Setting, r: Request) -> Proposal:
    return Proposal([t61.theorem61(*s.pair)])

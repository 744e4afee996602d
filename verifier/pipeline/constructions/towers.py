"""Theorem 4.1 of Nguyen, Bréchet, Mondelli 2021, and dropout stability: half of the neurons carry the path (docs/deep.md)."""

from __future__ import annotations

from verifier.paths.towers.dropout_stability import dropout_path
from verifier.paths.towers.halves import halves_with_programs
from verifier.paths.towers.theorem41 import theorem41 as sub_networks
from verifier.pipeline.constructions.proposal import Proposal, Request
from verifier.pipeline.setting import Setting
from verifier.theory import nguyen2021_bounds
from verifier.theory.halves import halves_bound


def halves(s: Setting, r: Request) -> Proposal:
    """Theorem 4.1 of Nguyen, Bréchet, Mondelli 2021 for one hidden layer; of all methods it stands for `theorem41` in deeper networks."""
    if not s.A.network.shallow:
        if r.of_all:
            return theorem41(s, r)
        return Proposal(skipped="halves: defined for one hidden layer; theorem41 is the same theorem for any depth")
    path, programs = halves_with_programs(*s.pair)
    return Proposal([path], dict(programs), apriori=[halves_bound(*s.pair, path)])


def theorem41(s: Setting, r: Request) -> Proposal:
    """Theorem 4.1 for any depth, with trained sub-networks."""
    path = sub_networks(*s.pair, target=r.target(s), seed=r.options.seed)
    if s.A.network.geometry is not None:
        return Proposal([path])  # the corollaries speak of fully connected networks
    return Proposal([path], apriori=nguyen2021_bounds(*s.pair, path))


def dropout(s: Setting, r: Request) -> Proposal:
    """The path of Kuditipudi et al. 2019: half of the neurons of the upper layers, one scale for the head."""
    return Proposal([dropout_path(*s.pair, seed=r.options.seed)])

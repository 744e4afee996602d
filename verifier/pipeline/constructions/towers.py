"""Theorem 4.1 of Nguyen, Bréchet, Mondelli 2021, and dropout stability: half of the neurons carry the path (docs/deep.md)."""

from __future__ import annotations

from verifier.paths.path import Path
from verifier.paths.towers.dropout_stability import dropout_path
from verifier.paths.towers.halves import halves_with_programs
from verifier.paths.towers.programs import head_program, named_networks, program_size
from verifier.paths.towers.theorem41 import theorem41 as sub_networks
from verifier.pipeline.constructions.proposal import Proposal, Request
from verifier.pipeline.constructions.theorem2 import PER_ENTRY, SLOWEST
from verifier.pipeline.setting import Setting
from verifier.programs import ProgramResult
from verifier.theory import nguyen2021_bounds
from verifier.theory.halves import halves_bound

# CPU seconds, by the estimates, of the path that a run poses when nobody asked for it; of one of its programs; and of all.
LONGEST_POSED, ONE, TOGETHER = 30.0, 10.0, 30.0
# Per sample, neuron of a layer and layer, one thread: training and solving sub-networks of both sides (docs/stability.md, Measured).
PER_NEURON = 3e-6


def halves(s: Setting, r: Request) -> Proposal:
    """Theorem 4.1 of Nguyen, Bréchet, Mondelli 2021 for one hidden layer; of all methods it stands for `theorem41` in deeper networks, whose programs
    are posed in every run."""
    if not s.A.network.shallow:
        if r.of_all:
            return theorem41(s, r)
        return Proposal(skipped="halves: defined for one hidden layer; theorem41 is the same theorem for any depth")
    path, programs = halves_with_programs(*s.pair)
    return Proposal([path], dict(programs), apriori=[halves_bound(*s.pair, path)])


def theorem41(s: Setting, r: Request) -> Proposal:
    """Theorem 4.1 for any depth, with trained sub-networks, and the programs of their heads."""
    convolutional = s.A.network.geometry is not None
    if r.posed_only and (convolutional or (seconds := _path_seconds(s)) > LONGEST_POSED):
        left = "not needed, the gap over E is 0 already" if convolutional else f"about {seconds:.0f} CPU s"
        return Proposal(skipped=f"theorem41: {left}, left to --exhaustive or --method theorem41")
    path = sub_networks(*s.pair, target=r.target(s), seed=r.options.seed)
    if convolutional or s.A.network.shallow:
        return Proposal([path])  # the corollaries speak of fully connected networks, and so do programs
    programs, left_out = _programs(path, s, r)
    return Proposal([path], programs, apriori=nguyen2021_bounds(*s.pair, path), remarks=left_out)


def _path_seconds(s: Setting) -> float:
    network = s.A.network
    return PER_NEURON * s.data.samples * max(network.widths[1:-1]) * (network.depth - 1)


def _programs(path: Path, s: Setting, r: Request) -> tuple[dict[str, ProgramResult], tuple[str, ...]]:
    """Solved programs by name, and what is said of those that are left to --exhaustive."""
    solved: dict[str, ProgramResult] = {}
    left, spent = [], 0.0
    for name, network in named_networks(path).items():
        seconds = PER_ENTRY.get(s.objective.loss.name, SLOWEST) * program_size(network, s.data.samples)
        if r.of_all and not r.options.exhaustive and (seconds > ONE or spent + seconds > TOGETHER):
            left.append(f"{name}: about {seconds:.0f} CPU s, left to --exhaustive or --method theorem41")
            continue
        spent += seconds
        solved[name] = head_program(name, network, s.risk)
    return solved, tuple(left)


def dropout(s: Setting, r: Request) -> Proposal:
    """The path of Kuditipudi et al. 2019: half of the neurons of the upper layers, one scale for the head."""
    return Proposal([dropout_path(*s.pair, seed=r.options.seed)])

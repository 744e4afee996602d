"""What goes into a construction besides the pair, and what comes out of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from verifier.landscape.kept_layers import Kept, refusal, why_not_above
from verifier.options.certify import CertifyOptions
from verifier.outcomes import SampledEstimate
from verifier.paths.path import Path
from verifier.pipeline.constructions.registry import Construction
from verifier.pipeline.setting import Setting
from verifier.programs.result import ProgramResult

if TYPE_CHECKING:
    from verifier.kernel import Claim
    from verifier.kernel.statements import Problem
    from verifier.networks.network import Network
    from verifier.objective.objective import Objective
    from verifier.programs.every_width.result import EveryWidthProgram
    from verifier.programs.region.result import RegionProgram
    from verifier.programs.region.size import RegionSize
    from verifier.theory.bounds import AprioriBound


@dataclass(frozen=True)
class Request:
    """options: the user's. of_all: run because of --method all and not by name: leave out what takes long on all but tiny problems.

    proved: a gap of 0 over E is certified already. barrier: so is a lower bound above E. seconds: CPU that an estimate may take.
    waypoints: of Theorem 2's path, by what they are. say: tells the user what takes long before it is begun.
    """

    options: CertifyOptions
    of_all: bool = False
    proved: bool = False
    barrier: bool = False
    seconds: float = float("inf")
    waypoints: Mapping[str, Network] = field(default_factory=dict)
    say: Callable[[str], None] = lambda text: None

    @property
    def posed_only(self) -> bool:
        """The verdict is decided, and programs are posed because every run poses them: once, not over a grid."""
        return self.of_all and self.proved and not self.options.exhaustive

    def target(self, s: Setting) -> float | None:
        """What a search aims at: E (None), or the level where it is lower."""
        level = self.options.level
        return level if level is not None and level < s.E else None

    def certifiable(self, string: Path) -> list[Path]:
        """The string of an estimate: a path like any other, so that the chord lemma bounds what was only sampled. That takes longer than to find it: of
        method all it is done only with --exhaustive or while no gap of 0 is proved, and not in depth, where chords take minutes."""
        return [] if self.of_all and (self.posed_only or not string.start.shallow) else [string]


@dataclass(frozen=True)
class PosedRegion:
    """The solved rows program of a network: "A", "B", or what the waypoint is."""

    title: str
    program: RegionProgram


@dataclass(frozen=True)
class LeftOut:
    """A program that was not solved, with its size and about what it would cost."""

    title: str
    size: RegionSize


@dataclass(frozen=True)
class BarrierProposal:
    """A search for a lower bound on the gap, ended. key: of what the run's record keeps of it. made(problem, say): the claim, None where none lies above
    E, and that record; it raises VerifierError where the kernel does not accept it. why_none: what the record says beside, where there is no claim.
    """

    key: str
    made: Callable[[Problem, Callable[[str], None]], tuple[Claim | None, dict[str, Any]]]
    why_none: str | None = None


@dataclass
class Proposal:
    """What one construction gives. Nothing in it is certified.

    paths: to be elaborated and bounded by the kernel. programs: solved head programs by name, as moves refer to them. estimates: sampled figures.
    remarks: what the user should hear. apriori: values of `verifier.theory`. grid: Theorem 2's table over (l, alpha). barrier: a search from below.
    waypoints: of Theorem 2's path.
    regions, left_out: programs on activation regions. every_width: the dual behind a bound for networks of any width.
    skipped: why nothing was proposed.
    """

    paths: list[Path] = field(default_factory=list)
    programs: dict[str, ProgramResult] = field(default_factory=dict)
    estimates: list[SampledEstimate] = field(default_factory=list)
    apriori: list[AprioriBound] = field(default_factory=list)
    grid: Sequence[Mapping[str, float]] | None = None
    barrier: BarrierProposal | None = None
    waypoints: Mapping[str, Network] = field(default_factory=dict)
    regions: Sequence[PosedRegion] = ()
    left_out: Sequence[LeftOut] = ()
    every_width: EveryWidthProgram | None = None
    remarks: tuple[str, ...] = ()
    skipped: str | None = None
    cpu_seconds: float = 0.0

    @property
    def empty(self) -> bool:
        """Nothing was found, whatever is said about why."""
        found = (self.paths, self.programs, self.estimates, self.apriori, self.regions, self.left_out)
        return not any(found) and self.barrier is None and self.every_width is None


def why_undefined(
    c: Construction, network: Network, o: CertifyOptions, pair: tuple[Network, Network, Objective] | None = None
) -> str | None:
    """Why a construction says nothing of networks of this architecture; None where it is defined. pair: A, B and the objective, for what covers them."""
    if o.hidden_layers == "frozen" and pair is not None and c.above_shared != "cells":
        why = why_not_above(*pair[:2], o.hidden_layers)
        return None if why is None else f"{c.name}: {why}"
    if not c.shallow:
        return None
    if network.geometry is not None:
        return f"{c.name}: defined for one fully connected hidden layer, these networks are convolutional"
    if network.depth != 2 and pair is not None and c.above_shared == "cells":
        why = refusal(*pair, Kept(o.output_layer, o.hidden_layers))
        return None if why is None else f"{c.name}: {why}"
    if network.depth != 2:
        shared = "; of deep networks for paths that keep all hidden layers below the last one, which both must share (hidden_layers=frozen)"
        return f"{c.name}: defined for one hidden layer, these networks have {network.depth - 1}" + shared * bool(
            c.above_shared
        )
    if network.negative_slope:
        return f"{c.name}: defined for ReLU, these networks are Leaky ReLU"
    return None


def loaded(c: Construction) -> Callable[[Setting, Request], Proposal]:
    """The construction's function; its module, with all that it works with, is imported now."""
    module, name = c.function.split(":")
    function: Callable[[Setting, Request], Proposal] = getattr(
        import_module(f"verifier.pipeline.constructions.{module}"), name
    )
    return function


def propose(c: Construction, s: Setting, r: Request) -> Proposal:
    """Run a construction where it is defined."""
    if (why := why_undefined(c, s.A.network, r.options, (s.A.network, s.B.network, s.objective))) is not None:
        return Proposal(skipped=why)
    start = time.process_time()
    proposal = loaded(c)(s, r)
    proposal.cpu_seconds = time.process_time() - start
    return proposal

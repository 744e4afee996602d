"""Settings of Dynamic String Sampling, as searches that were published had them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from verifier.errors import UsageError
from verifier.networks.network import Network
from verifier.objective.objective import Objective


@dataclass(frozen=True)
class Preset:
    """Settings of one published search (docs/constructions.md, section 3).

    depth: levels of recursion, or rounds when breadth_first. grid: points per segment, ends included. bead_at_argmax: start a bead
    at the grid's argmax, else at t = 1/2. train_to, accept: beads are trained until F < train_to * level, segments pass at
    max F <= accept * level. first_bead: insert one bead at t = 1/2 before looking. published_code: to the letter of
    the code behind Baturin 2026's tables (one hidden layer; `dss_runner.PublishedRunner`).
    """

    depth: int = 8
    grid: int = 200
    bead_at_argmax: bool = True
    train_to: float = 1.0
    accept: float = 1.0
    first_bead: bool = False
    breadth_first: bool = False
    lr: float = 0.01
    epochs: int = 150
    plateau_factor: float = 0.9
    published_code: bool = False


PRESETS = {
    "plain": Preset(),
    "paper": Preset(published_code=True),
    "freeman-bruna": Preset(
        depth=10, grid=100, bead_at_argmax=False, train_to=0.95, accept=1.1, first_bead=True, breadth_first=True
    ),
}


def require_fits(settings: Preset, A: Network, objective: Objective) -> None:
    """Raise UsageError when a search with these settings is not defined for such networks and samples."""
    if settings.published_code and not A.shallow:
        raise UsageError(f"DSS preset 'paper' is for one hidden layer, these networks have {A.depth - 1}; use plain")
    if settings.published_code and objective.weights is not None:
        raise UsageError("DSS preset 'paper' is for samples that weigh the same; use plain")


def custom(preset: str, **changes: Any) -> Preset:
    """A preset with some settings changed, e.g. `custom("paper", depth=2)`."""
    return replace(PRESETS[preset], **changes)

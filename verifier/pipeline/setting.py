"""What a certification is about, once it is read: two networks, a data set, an objective."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from verifier.data.dataset import Dataset
from verifier.elaboration import kernel_problem
from verifier.kernel.statements import Problem
from verifier.networks.network import Network
from verifier.objective import Objective, Risk

Array = np.ndarray


@dataclass(frozen=True)
class Endpoint:
    """A network and where it came from. settings: what `verifier train` stored, {} for foreign networks.

    padded_from: the widths (n_0..n_L) of the network that was loaded, where dead neurons were added to it; else None.
    polished: it was then trained on, so that it is another function than the network that was loaded.
    """

    network: Network
    source: dict[str, Any]
    settings: dict[str, Any]
    padded_from: tuple[int, ...] | None = None
    polished: bool = False


@dataclass(frozen=True)
class Setting:
    """Everything a certification is about. targets: as the loss encodes them."""

    A: Endpoint
    B: Endpoint
    data: Dataset
    objective: Objective
    targets: Array

    @property
    def risk(self) -> Risk:
        """F: the objective on the data."""
        return Risk(self.objective, self.data.X, self.targets)

    @property
    def pair(self) -> tuple[Network, Network, Risk]:
        """What every construction starts from: A, B and their risk."""
        return self.A.network, self.B.network, self.risk

    @cached_property
    def E(self) -> float:
        """max(F(A), F(B)) in float64."""
        return max(self.risk.value(e.network) for e in (self.A, self.B))

    @cached_property
    def problem(self) -> Problem:
        """The kernel's problem."""
        return kernel_problem(*self.pair)

    @property
    def padded_from(self) -> dict[str, tuple[int, ...]]:
        """The widths before padding, by "A" and "B", of those networks that were padded."""
        return {n: e.padded_from for n, e in (("A", self.A), ("B", self.B)) if e.padded_from is not None}

    @property
    def polished(self) -> bool:
        return self.A.polished or self.B.polished

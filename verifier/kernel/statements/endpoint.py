"""Claims about F at an endpoint."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EndpointValue:
    """`lower <= F(network) <= upper`, network is "A" or "B"."""

    network: str
    lower: float
    upper: float

"""What a construction asks of its two endpoints; all else they bring themselves."""

from __future__ import annotations

from verifier.errors import UsageError
from verifier.networks.network import Network


def require_same_architecture(method: str, A: Network, B: Network) -> None:
    """Raise UsageError unless a path can join A and B and there is a hidden layer."""
    if A.depth < 2:
        raise UsageError(f"{method}: needs at least one hidden layer, and these networks have none")
    if A.architecture != B.architecture:
        raise UsageError(f"{method}: networks of different architecture, {A.architecture} and {B.architecture}")


def require_one_hidden_layer(method: str, A: Network, B: Network) -> None:
    """Raise UsageError unless A and B are one-hidden-layer networks of the same architecture."""
    if A.depth != 2 or B.depth != 2:
        raise UsageError(f"{method}: needs one hidden layer, but the networks have {A.depth - 1} and {B.depth - 1}")
    require_same_architecture(method, A, B)

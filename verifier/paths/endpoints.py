"""What a construction asks of its two endpoints; all else they bring themselves."""

from __future__ import annotations

import numpy as np

from verifier.errors import UsageError
from verifier.networks.network import Network
from verifier.objective import Risk

Array = np.ndarray
# The kernel must find each waypoint's upper enclosure at or below E's lower one: shares of E that one hidden layer, and several, leave for that.
SHALLOW_ROOM, DEEP_ROOM = 1e-11, 1e-6


def default_target(A: Network, B: Network, risk: Risk) -> float:
    """What interior values of a path should stay at or below: E = max(F(A), F(B)) less room for the kernel's rounding."""
    E = max(risk.value(n) for n in (A, B))
    return E - (SHALLOW_ROOM if A.shallow else DEEP_ROOM) * max(abs(E), 1e-3)


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
    if not A.shallow:
        raise UsageError(f"{method}: needs a fully connected hidden layer, and these networks are convolutional")

"""Networks that a campaign trains itself: kept where the file is there and says of itself that it is this network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from verifier.errors import CheckpointError
from verifier.networks.checkpoint import load_checkpoint


def own_checkpoint(file: Path, *, data: dict[str, Any], seed: int, hidden: Sequence[int]) -> bool:
    """Whether a checkpoint can be read and says that it was trained on this data set from this seed, with the hash of the network that it holds."""
    try:
        c = load_checkpoint(file)
    except CheckpointError:
        return False
    m, network = c.metadata, c.network
    said = (m.get("data"), m.get("seed"), m.get("network_sha256"))
    return said == (data, seed, network.sha256()) and tuple(network.widths[1:-1]) == tuple(hidden)

"""Checkpoints of curves as Garipov et al. 2018 train them: every parameter once per bend, `fc1.weight_0`, `fc1.weight_1`, `fc1.weight_2`."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import numpy as np

from verifier.errors import CheckpointError
from verifier.networks.network import Network
from verifier.networks.tensors import StoredTensor
from verifier.numbers import plural

# What their curve's own coefficients are called: a Bezier curve has both, a polygonal chain the range alone.
_COEFFICIENT = re.compile(r"(?:.*\.)?coeff_layer\.(?P<what>binom|range)")
_BEND = re.compile(r"(?P<name>(?:.*\.)?(?:weight|bias))_(?P<bend>[0-9]{1,6})")


def count_bends(tensors: Mapping[str, StoredTensor]) -> int:
    """Number of networks that lie on the curve; 0 for what is no curve: names alike but of different shapes are layers."""
    bends: dict[str, dict[int, tuple[int, ...]]] = {}
    for key, tensor in tensors.items():
        if _COEFFICIENT.fullmatch(key):
            continue
        match = _BEND.fullmatch(key)
        if match is None:
            return 0
        bends.setdefault(match["name"], {})[int(match["bend"])] = tensor.shape
    counts = {len(shapes) for shapes in bends.values()}
    if len(bends) < 2 or len(counts) > 1 or counts == {1}:
        return 0
    n = counts.pop()
    return n if all(set(shapes) == set(range(n)) and len(set(shapes.values())) == 1 for shapes in bends.values()) else 0


def curve_kind(tensors: Mapping[str, StoredTensor]) -> str | None:
    """bezier or polychain, where the file says it; else None."""
    found = {match["what"] for key in tensors if (match := _COEFFICIENT.fullmatch(key))}
    return "bezier" if "binom" in found else "polychain" if found else None


def bend(tensors: Mapping[str, StoredTensor], k: int) -> dict[str, StoredTensor]:
    """The k-th network's tensors under their plain names."""
    return {key.removesuffix(f"_{k}"): tensor for key, tensor in tensors.items() if key.endswith(f"_{k}")}


def require_one_network(bends: int, k: int | None, who: str) -> None:
    """Raise CheckpointError unless the name says which network on the curve is meant."""
    if bends and k is None:
        raise CheckpointError(
            f"{who}: holds a curve through {plural(bends, 'network')} (weight_0 to weight_{bends - 1}), not one network. Its ends are named {who}#0 and "
            f"{who}#{bends - 1}; certify it with --pair '{who}#0' '{who}#{bends - 1}' --string bezier:{who}, or polychain:{who}"
        )
    if k is not None and not k < bends:
        raise CheckpointError(
            f"{who}#{k}: "
            + (f"the curve has the networks 0 to {bends - 1}" if bends else "the file holds no curve; leave #K out")
        )


def bezier_points(control: list[Network], pieces: int) -> list[Network]:
    """`pieces` + 1 networks on the Bezier curve of the control networks, float64; its ends are the first and the last of them, exactly."""
    n = len(control) - 1
    points = []
    for j in range(1, pieces):
        t = j / pieces
        shares = [math.comb(n, k) * t**k * (1 - t) ** (n - k) for k in range(n + 1)]
        mix = lambda arrays, shares=shares: np.sum([s * a for s, a in zip(shares, arrays)], axis=0)
        weights = tuple(mix(layer) for layer in zip(*(c.weights for c in control)))
        biases = tuple(None if layer[0] is None else mix(layer) for layer in zip(*(c.biases for c in control)))
        points.append(control[0].with_parameters(weights, biases))
    return [control[0], *points, control[-1]]

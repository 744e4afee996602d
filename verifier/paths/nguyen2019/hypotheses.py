"""What the theorems ask of networks, data and objective; each refusal is a UsageError."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from verifier.errors import UsageError
from verifier.networks.network import Network
from verifier.objective import Objective

Array = np.ndarray


def setting(theorem: str, objective: Objective, X: Array, *networks: Network) -> None:
    """Section 2's setting: one architecture, biases in every layer, a hidden layer, no penalty."""
    first = networks[0]
    if first.geometry is not None:
        raise UsageError(f"{theorem}: defined for fully connected networks, and these are convolutional")
    for other in networks[1:]:
        if other.architecture != first.architecture:
            raise UsageError(
                f"{theorem}: expected two networks of one architecture, got widths {first.widths} with slope {first.negative_slope} "
                f"and {other.widths} with slope {other.negative_slope}; choose two networks of one shape"
            )
    missing = [l for l, b in enumerate(first.biases, start=1) if b is None]
    if missing:
        raise UsageError(
            f"{theorem}: expected a bias in every layer, but layers {missing} have none; give them zero biases"
        )
    if first.depth < 2:
        raise UsageError(f"{theorem}: expected at least one hidden layer, got depth 1; use `line`")
    if objective.kappa > 0:
        raise UsageError(
            f"{theorem}: expected an objective without penalty, got kappa = {objective.kappa}; set kappa to 0"
        )
    if X.ndim != 2 or X.shape[1] != first.widths[0]:
        raise UsageError(f"{theorem}: expected X of shape (N, {first.widths[0]}), got {X.shape}")


def assumption21(theorem: str, network: Network) -> None:
    """sigma strictly monotonic and onto: Leaky ReLU, not ReLU."""
    if network.negative_slope <= 0.0:
        raise UsageError(
            f"{theorem}: Assumption 2.1 needs a strictly monotonic sigma with sigma(R) = R, got ReLU (slope 0); "
            "use Leaky ReLU, or theorem61 with wide layers"
        )


def decreasing(theorem: str, network: Network, first: int) -> None:
    """n_first > ... > n_L."""
    widths = network.widths[first:]
    if any(a <= b for a, b in pairwise(widths)):
        raise UsageError(
            f"{theorem}: expected widths that decrease from layer {first} on, got {widths}; use another architecture"
        )


def distinct(theorem: str, F: Array, layer: int) -> None:
    """Assumption 2.4, for the outputs of `layer` (0: the data)."""
    if len(np.unique(F, axis=0)) < len(F):
        what = "the data hold" if layer == 0 else f"the outputs of layer {layer} hold"
        raise UsageError(f"{theorem}: expected distinct samples, but {what} equal rows; remove duplicates")


def width(theorem: str, network: Network, layer: int, least: int) -> None:
    if network.widths[layer] < least:
        raise UsageError(
            f"{theorem}: expected at least {least} neurons in layer {layer}, got {network.widths[layer]}; "
            "use fewer samples or a wider layer"
        )

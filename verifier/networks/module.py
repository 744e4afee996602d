"""`torch.nn.Module` to `Network`, with the module itself as witness."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from verifier.errors import CheckpointError
from verifier.networks.checkpoint import network_from_state_dict
from verifier.networks.network import Network

_PLAIN = (
    "Linear",
    "NonDynamicallyQuantizableLinear",
    "ReLU",
    "LeakyReLU",
    "Identity",
    "Dropout",
    "Flatten",
    "Sequential",
    "ModuleList",
    "ModuleDict",
    "ParameterList",
)
_WITNESS_SAMPLES = 64


def network_from_module(module: Any, layout: str | Sequence[str] | None = None) -> Network:
    """Network of a fully connected ReLU or Leaky ReLU module (`eval` mode: dropout is the identity).

    The layers come from `state_dict()`; torch's own submodules must be Linear, ReLU, LeakyReLU of one slope, Identity, Dropout, Flatten or containers; and the
    result is compared with the module's own outputs, in double precision, on random inputs, so that an activation or a skip connection inside `forward` is
    not missed.

    Raises CheckpointError naming the submodule, the layout problem, or the difference of outputs.
    """
    while type(module).__name__ in ("DataParallel", "DistributedDataParallel", "OptimizedModule"):
        module = getattr(module, "_orig_mod", None) or module.module
    who = type(module).__name__
    for name, part in module.named_modules():
        kind = type(part)
        if kind.__module__.startswith("torch.nn") and kind.__name__ not in _PLAIN:
            raise CheckpointError(
                f"{who}: its part {name or '(top)'} is {kind.__name__}; only Linear layers with ReLU or LeakyReLU between them are supported, "
                "because every certificate is about that function"
            )
    network, _ = network_from_state_dict(module.state_dict(), layout, who)
    network = replace(network, negative_slope=_slope(module, who))
    _witness(module, network, who)
    return network


def _slope(module: Any, who: str) -> float:
    """The negative slope that all its activations share; 0 for ReLU."""
    slopes = {
        0.0 if type(part).__name__ == "ReLU" else float(part.negative_slope)
        for part in module.modules()
        if type(part).__module__.startswith("torch.nn") and type(part).__name__ in ("ReLU", "LeakyReLU")
    }
    if len(slopes) > 1 or not all(0.0 <= s < 1.0 for s in slopes):
        raise CheckpointError(
            f"{who}: its activations have the negative slopes {sorted(slopes)}; one slope in [0, 1) is supported"
        )
    return slopes.pop() if slopes else 0.0


def _witness(module: Any, network: Network, who: str) -> None:
    """Raise CheckpointError when module and network differ on random inputs of sizes 0.1 to 100."""
    import torch

    rng = np.random.default_rng(0)
    X = rng.standard_normal((_WITNESS_SAMPLES, network.widths[0])) * np.logspace(-1, 2, _WITNESS_SAMPLES)[:, None]
    try:
        with torch.no_grad():
            outputs = copy.deepcopy(module).cpu().double().eval()(torch.from_numpy(X)).numpy()
    except Exception as error:  # forward is the user's code
        raise CheckpointError(
            f"{who}: calling it on an array of shape {X.shape} failed ({type(error).__name__}: {error}); "
            f"expected a module from (samples, {network.widths[0]}) to outputs"
        ) from error
    expected = network.predict(X)
    if outputs.shape == (len(X),) and expected.shape[1] == 1:
        outputs = outputs[:, None]
    if outputs.shape != expected.shape:
        raise CheckpointError(
            f"{who}: returns outputs of shape {outputs.shape}; its parameters as a ReLU network give {expected.shape}"
        )
    difference = float(np.abs(outputs - expected).max())
    if not difference <= 1e-8 * (1.0 + float(np.abs(expected).max())):
        raise CheckpointError(
            f"{who}: its outputs differ by up to {difference:.3g} from those of its parameters as a ReLU network with linear last layer, "
            "so forward() does something else (another activation, a skip connection, another order, a softmax at the end); "
            "only plain ReLU and Leaky ReLU networks are supported; for a Leaky ReLU called inside forward(), give its state dict and negative_slope"
        )

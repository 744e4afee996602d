"""`torch.nn.Module` to `Network`, with the module itself as witness."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from verifier.errors import CheckpointError, UsageError
from verifier.networks.checkpoint import network_from_state_dict
from verifier.networks.network import Network
from verifier.options.reading import Reading

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
# What to do about parts that are refused. A last step may belong to the loss: which one takes the outputs before it, and how to hand over the rest.
_ADVICE = {
    name: f". If that is its last step, it belongs to the loss: hand over module.state_dict() instead of the module, with {loss}"
    for name, loss in {
        "LogSoftmax": "loss='cross_entropy' (the same as NLLLoss after LogSoftmax)", "Softmax": "loss='cross_entropy' (minus the log of the probability)",
        "Sigmoid": "loss='logistic' (the same as BCELoss after Sigmoid)", "LogSigmoid": "loss='logistic'",
    }.items()
} | {
    "BatchNorm1d": ". Fold it into the Linear layer before it: module.eval(), then torch.nn.utils.fusion.fuse_linear_bn_eval(linear, bn) in that layer's "
    "place and torch.nn.Identity() in its own",
    "LayerNorm": ". It divides by each sample's own spread, so that no ReLU network is the same function: only one trained without it can be certified",
    "PReLU": ". With one slope in [0, 1) for all layers, hand over an equal network of LeakyReLU(slope)",
}  # fmt: skip


def network_from_module(
    module: Any, layout: str | Sequence[str] | Reading | None = None, negative_slope: float | None = None
) -> Network:
    """Network of a fully connected ReLU or Leaky ReLU module (`eval` mode: dropout is the identity).

    The layers come from `state_dict()`; torch's own submodules must be Linear, ReLU, LeakyReLU of one slope, Identity, Dropout, Flatten or containers; and the
    result is compared with the module's own outputs, in double precision, on random inputs, so that an activation or a skip connection inside `forward` is
    not missed. Parametrised weights (weight_norm and the like) are taken at their value; a layer that goes by two names is one or two layers as the module's
    outputs say. negative_slope: of a Leaky ReLU that is called inside `forward`.

    Raises CheckpointError naming the submodule, the layout problem, or the difference of outputs.
    """
    import torch.nn.utils.parametrize as parametrize

    while type(module).__name__ in ("DataParallel", "DistributedDataParallel", "OptimizedModule"):
        module = getattr(module, "_orig_mod", None) or module.module
    who = type(module).__name__
    for name, part in module.named_modules():
        kind = parametrize.type_before_parametrizations(part)
        computed = "parametrizations" in name.split(".")  # of a weight, which is taken at its value
        if kind.__module__.startswith("torch.nn") and kind.__name__ not in _PLAIN and not computed:
            raise CheckpointError(
                f"{who}: its part {name or '(top)'} is {kind.__name__}; only Linear layers with ReLU or LeakyReLU between them are supported, "
                f"because every certificate is about that function{_advice(kind.__name__, module)}"
            )
    slope = _slope(module, who, negative_slope)
    problems = []
    for state in _states(module):
        try:
            network = replace(network_from_state_dict(state, layout, who)[0], negative_slope=slope)
            _witness(module, network, who)
        except CheckpointError as error:
            problems.append(error)
        else:
            return network
    raise problems[0]


def _advice(part: str, module: Any) -> str:
    """What to do about a refused part. A state dict holds no activation, so a slope goes beside it."""
    advice = _ADVICE.get(part, "")
    slopes = {float(m.negative_slope) for m in module.modules() if type(m).__name__ == "LeakyReLU"}
    if "state_dict()" in advice and slopes:
        advice += f", and negative_slope={slopes.pop()!r}"
    return advice


def _states(module: Any) -> list[dict[str, Any]]:
    """Its state dict with parametrised weights at their value; and, where parameters go by several names, the one with a single name for each."""
    import torch.nn.utils.parametrize as parametrize

    state = dict(module.state_dict())
    if parametrize.is_parametrized(module) or any(map(parametrize.is_parametrized, module.modules())):
        # In double precision, as the witness computes them. On a copy, but never removed from it: copies share their class with the original.
        for name, part in copy.deepcopy(module).double().eval().named_modules():
            for weight in part.parametrizations if parametrize.is_parametrized(part) else ():
                prefix = f"{name}." if name else ""
                state = {k: v for k, v in state.items() if not k.startswith(f"{prefix}parametrizations.{weight}.")}
                state[f"{prefix}{weight}"] = getattr(part, weight).detach()
        return [state]
    once = {name for name, _ in (*module.named_parameters(), *module.named_buffers())}
    single = {key: value for key, value in state.items() if key in once}
    return [state] if len(single) in (0, len(state)) else [state, single]


def _slope(module: Any, who: str, given: float | None) -> float:
    """The negative slope that all its activations share; where it has none as parts, the given one, else 0 for ReLU."""
    slopes = {
        0.0 if type(part).__name__ == "ReLU" else float(part.negative_slope)
        for part in module.modules()
        if type(part).__module__.startswith("torch.nn") and type(part).__name__ in ("ReLU", "LeakyReLU")
    }
    if len(slopes) > 1 or not all(0.0 <= s < 1.0 for s in slopes):
        raise CheckpointError(
            f"{who}: its activations have the negative slopes {sorted(slopes)}; one slope in [0, 1) is supported"
        )
    if given is not None and slopes and slopes != {given}:
        raise UsageError(
            f"{who}: its activations have negative slope {slopes.pop():g}, and {given:g} is given; leave the option out"
        )
    return slopes.pop() if slopes else given or 0.0


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
            f"so forward() does something else{_last_step(outputs, expected, module)}; "
            "only plain ReLU and Leaky ReLU networks are supported; for a Leaky ReLU called inside forward(), give negative_slope"
        )


def _last_step(outputs: np.ndarray, expected: np.ndarray, module: Any) -> str:
    """What forward() ends with, where that is plain from the numbers, and what to do about it."""
    with np.errstate(over="ignore"):
        top = expected - expected.max(axis=1, keepdims=True)
        log_softmax = top - np.log(np.exp(top).sum(axis=1, keepdims=True))
        for name, candidate in (
            ("LogSoftmax", log_softmax), ("Softmax", np.exp(log_softmax)), ("Sigmoid", 1.0 / (1.0 + np.exp(-expected))),
        ):  # fmt: skip
            same = float(np.abs(candidate - outputs).max()) <= 1e-8 * (1.0 + float(np.abs(candidate).max()))
            if same and (candidate.shape[1] > 1) == (name != "Sigmoid"):  # logistic loss is for one output
                return f": it ends with {name}{_advice(name, module)}"
    return " (another activation, a skip connection, another order, a softmax at the end)"

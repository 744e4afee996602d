"""`torch.nn.Module` to `Network`, with the module itself as witness."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from verifier.errors import CheckpointError, UsageError
from verifier.networks.chain import image_shape, layers_of
from verifier.networks.foreign_layers import FOLD_LINEAR, OF_THE_LOSS
from verifier.networks.model_factory import Witness
from verifier.networks.network import Network
from verifier.networks.state_dict import network_of
from verifier.networks.traced import has_maps, steps_of
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
# How much farther out outputs are compared a second time: data may be of any size, and a clamp shows only there.
FAR = 1e4
_WITNESS_SAMPLES, _WITNESS_IMAGES = 64, 8
# What to do about parts that are refused. A last step may belong to the loss: which one takes the outputs before it, and how to hand over the rest.
_ADVICE = {
    name: f". If that is its last step, it belongs to the loss: hand over module.state_dict() instead of the module, with {loss}"
    for name, loss in OF_THE_LOSS.items()
} | {
    "BatchNorm1d": f". {FOLD_LINEAR[0].upper()}{FOLD_LINEAR[1:]}",
    "LayerNorm": ". It divides by each sample's own spread, so that no ReLU network is the same function: only one trained without it can be certified",
    "PReLU": ". With one slope in [0, 1) for all layers, hand over an equal network of LeakyReLU(slope)",
}  # fmt: skip


def network_from_module(module: Any, reading: Reading | None = None, negative_slope: float | None = None) -> Network:
    """Network of a fully connected ReLU or Leaky ReLU module (`eval` mode: dropout is the identity).

    The layers come from `state_dict()`; torch's own submodules must be Linear, ReLU, LeakyReLU of one slope, Identity, Dropout, Flatten or containers; and the
    result is compared with the module's own outputs, in double precision, on random inputs, so that an activation or a skip connection inside `forward` is
    not missed. Parametrised weights (weight_norm and the like) are taken at their value; a layer that goes by two names is one or two layers as the module's
    outputs say. negative_slope: of a Leaky ReLU that is called inside `forward`.

    With convolutions or poolings the layers are those of its traced forward (`verifier.networks.traced`, `chain`); the outputs are compared likewise. A
    sample's shape is `input_shape` of a `Reading`, what a forward reshapes flat rows to, the module's attribute `input_shape`, or what the data say.

    Raises CheckpointError naming the submodule, the step, the layout problem, or the difference of outputs.
    """
    return witnessed(module, reading, negative_slope)[0]


def witnessed(
    module: Any, reading: Reading | None = None, negative_slope: float | None = None
) -> tuple[Network, Witness]:
    """`network_from_module`, with what the comparison found."""
    import torch.nn.utils.parametrize as parametrize

    while type(module).__name__ in ("DataParallel", "DistributedDataParallel", "OptimizedModule"):
        module = getattr(module, "_orig_mod", None) or module.module
    who = type(module).__name__
    if has_maps(module):
        return _of_channels(module, reading or Reading(), negative_slope, who)
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
            network = replace(network_of(state, reading or Reading(), who), negative_slope=slope)
            return network, _witness(module, network, who)
        except CheckpointError as error:
            problems.append(error)
    raise problems[0]


def _of_channels(module: Any, reading: Reading, negative_slope: float | None, who: str) -> tuple[Network, Witness]:
    if reading.layout is not None:
        raise UsageError(
            f"{who}: a layout says the order of layers, and the module's forward does so too; leave one out"
        )
    try:
        module = copy.deepcopy(module).cpu().double().eval()
    except Exception as error:  # modules of the user's, and layers that were never called
        raise CheckpointError(
            f"{who}: cannot be copied to double precision ({type(error).__name__}: {error}); "
            "call it once, make weights plain that a hook computes (torch.nn.utils.remove_weight_norm), or hand over a plain copy"
        ) from error
    said = getattr(module, "input_shape", None)
    otherwise = reading.data_shape if said is None else said
    found = layers_of(
        steps_of(module, who), reading.image_shape, None if otherwise is None else image_shape(otherwise, who), who
    )
    if negative_slope is not None and found.slope != negative_slope:
        raise UsageError(
            f"{who}: its activations have negative slope {found.slope:g}, and {negative_slope:g} is given; leave the option out"
        )
    rows = [(_array(p.weight, who), None if p.bias is None else _array(p.bias, who)) for p in found.parts]
    try:
        weights, biases = tuple(W.reshape(len(W), -1) for W, _ in rows), tuple(b for _, b in rows)
        network = Network(weights, biases, found.slope, found.geometry)
    except ValueError as error:
        raise CheckpointError(f"{who}: {error}") from None
    shape, data = found.geometry.shape, reading.data_shape
    if found.images and data is not None and tuple(data) != shape and math.prod(data) == math.prod(shape):
        raise CheckpointError(
            f"{who}: takes samples of shape {_by(shape)}, as it is said by the input shape that is given or its own, and the data are of shape {_by(data)}; "
            "the same numbers would be another image. Say the shape of the data, or leave the option out"
        )
    return network, _witness(module, network, who, shape if found.images else None)


def _by(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))


def _array(tensor: Any, who: str) -> np.ndarray:
    """In row-major order, whatever the memory format."""
    array: np.ndarray = tensor.detach().numpy().copy()
    if array.dtype != np.float64 or not np.isfinite(array).all():
        what = "NaN or infinity; the training diverged" if array.dtype == np.float64 else f"{array.dtype} parameters"
        raise CheckpointError(f"{who}: holds {what}")
    return array


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


def _witness(module: Any, network: Network, who: str, image: tuple[int, ...] | None = None) -> Witness:
    """Compare module and network on random inputs of sizes 0.1 to 100, and FAR times that. image: the shape in which the module takes a sample; None: as a row.

    Raises CheckpointError when they differ.
    """
    import torch

    rng = np.random.default_rng(0)
    samples = _WITNESS_SAMPLES if network.geometry is None else _WITNESS_IMAGES
    X = rng.standard_normal((samples, network.widths[0])) * np.logspace(-1, 2, samples)[:, None]
    given = X if image is None else X.reshape(samples, *image)
    try:
        with torch.no_grad():
            copied = copy.deepcopy(module).cpu().double().eval()
            outputs, far = (copied(torch.from_numpy(scale * given)).numpy() for scale in (1.0, FAR))
    except Exception as error:  # forward is the user's code
        raise CheckpointError(
            f"{who}: calling it on an array of shape {given.shape} failed ({type(error).__name__}: {error}); "
            f"expected a module from (samples, {', '.join(map(str, given.shape[1:]))}) to outputs"
        ) from error
    expected = network.predict(X)
    if outputs.shape == (len(X),) and expected.shape[1] == 1:
        outputs, far = outputs[:, None], far[:, None]
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
    # What is cut off, replaced or added far out or in little, which the largest outputs above would hide.
    for found, meant, size in ((outputs, expected, 1.0), (far, network.predict(FAR * X), FAR)):
        rows = np.abs(found - meant).max(axis=1) / (1.0 + np.abs(meant).max(axis=1))
        if not rows.max() <= 1e-8:
            raise CheckpointError(
                f"{who}: its outputs differ by {rows.max():.3g}, relative to 1 + the largest of a sample, from those of its parameters as a ReLU network "
                f"on inputs of sizes {0.1 * size:g} to {100 * size:g}, so forward() does something else; only plain ReLU and Leaky ReLU networks are supported"
            )
    return Witness(samples, difference / (1.0 + float(np.abs(expected).max())))


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

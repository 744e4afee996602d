"""The steps of a torch module's `forward`, in order: what torch.fx records of it, with the arguments of functions and modules under one name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from verifier.errors import CheckpointError

# Layers that only networks of channels have: a module with one of them is read from its traced forward.
PARTS = (
    "Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", "LazyConv2d", "MaxPool1d", "MaxPool2d", "MaxPool3d", "AvgPool1d",
    "AvgPool2d", "AvgPool3d", "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveMaxPool2d", "BatchNorm2d",
)  # fmt: skip
# Functions and methods: the module that does the same, and their arguments behind the data, in torch's order.
_POOL = ("kernel_size", "stride", "padding")
FUNCTIONS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "relu": ("ReLU", ("inplace",)), "relu_": ("ReLU", ()), "leaky_relu": ("LeakyReLU", ("negative_slope", "inplace")),
    "leaky_relu_": ("LeakyReLU", ("negative_slope",)), "dropout": ("dropout", ("p", "training")), "dropout2d": ("dropout", ("p", "training")),
    "alpha_dropout": ("dropout", ("p", "training")), "max_pool2d": ("MaxPool2d", (*_POOL, "dilation", "ceil_mode", "return_indices")),
    "avg_pool2d": ("AvgPool2d", (*_POOL, "ceil_mode", "count_include_pad", "divisor_override")),
    "adaptive_avg_pool2d": ("AdaptiveAvgPool2d", ("output_size",)), "flatten": ("Flatten", ("start_dim", "end_dim")), "contiguous": ("Identity", ()),
    "mean": ("mean", ("dim", "keepdim")), "unflatten": ("Unflatten", ("dim", "unflattened_size")),
}  # fmt: skip
_NO_CHAIN = (
    "which is no chain of layers: residual connections, concatenations and other branches are not supported (docs/inputs.md), because the certified paths "
    "exchange the neurons of one layer at a time"
)


@dataclass(frozen=True, eq=False)
class Step:
    """kind: what torch's module for it is called; `view`, `mean`, `dropout` of functions alone. words: for messages. part: the module, where there is one."""

    kind: str
    words: str
    part: Any
    arguments: Mapping[str, Any]

    def get(self, name: str, default: Any = None) -> Any:
        """An attribute of the module, or an argument of the function."""
        return self.arguments.get(name, default) if self.part is None else getattr(self.part, name, default)


def has_maps(module: Any) -> bool:
    """Whether some part of it is a layer of channels."""
    import torch.nn.utils.parametrize as parametrize

    return any(parametrize.type_before_parametrizations(part).__name__ in PARTS for part in module.modules())


def steps_of(module: Any, who: str) -> list[Step]:
    """What a module in evaluation mode does with its samples, one step after the other.

    Raises CheckpointError, naming the step, for a forward that cannot be traced (one that depends on values) and for one that is no chain.
    """
    import torch

    try:
        graph = torch.fx.symbolic_trace(module).graph
    except Exception as error:  # forward is the user's code
        raise CheckpointError(
            f"{who}: torch.fx cannot trace its forward ({type(error).__name__}: {error}), so that the order of its layers is not certain; expected a chain "
            "of layers whose forward depends neither on values nor on loops over shapes: torch.flatten(x, 1) in place of a computed number of features, "
            "for instance"
        ) from error
    graph.eliminate_dead_code()
    steps: list[Step] = []
    at = None
    for node in graph.nodes:
        if node.op == "placeholder":
            if at is not None:
                raise CheckpointError(f"{who}: its forward takes several inputs; expected one, the samples")
            at = node
        elif node.op == "output":
            if node.args[0] is not at:
                raise CheckpointError(f"{who}: its forward returns something else than its last layer's outputs")
        elif not _about_size(node):
            step = _step(node, module)
            inputs = [n for n in node.all_input_nodes if not _about_size(n)]
            if inputs != [at]:
                raise CheckpointError(
                    f"{who}: {step.words} reads {' and '.join(map(str, inputs)) or 'parameters'}, {_NO_CHAIN}"
                )
            steps.append(step)
            at = node
    return steps


def _about_size(node: Any) -> bool:
    """x.size(0), x.shape, x.shape[0]: numbers, and no step of the data."""
    name = getattr(node.target, "__name__", node.target)
    if name == "getitem":
        return hasattr(node.args[0], "target") and _about_size(node.args[0])
    return name in ("size", "dim") or (name == "getattr" and node.args[1:] == ("shape",))


def _step(node: Any, module: Any) -> Step:
    import torch.nn.utils.parametrize as parametrize

    if node.op == "call_module":
        part = module.get_submodule(node.target)
        kind = parametrize.type_before_parametrizations(part).__name__
        return Step(kind, f"its {node.target} ({kind})", part, {})
    name = getattr(node.target, "__name__", str(node.target))
    if node.op == "get_attr":
        return Step(name, f"its {name}", None, {})
    words = f"its step {node.name} ({name})"
    if name in ("view", "reshape"):
        shape = node.kwargs.get("shape", node.kwargs.get("size", node.args[1:]))
        shape = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
        return Step("view", words, None, {"shape": tuple(shape)})
    kind, names = FUNCTIONS.get(name, (name, ()))
    if kind == "Unflatten" and "sizes" in node.kwargs:
        return Step(kind, words, None, {"dim": node.args[1], "unflattened_size": node.kwargs["sizes"]})
    return Step(kind, words, None, {**dict(zip(names, node.args[1:])), **node.kwargs})

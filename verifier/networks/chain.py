"""From the steps of a forward to a chain of layers and their geometry (docs/certificate-v2.md, Channels)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from verifier.errors import CheckpointError
from verifier.kernel.statements import Geometry, Pooling, Reading, Window
from verifier.kernel.statements.geometry import output_size, pooled_size
from verifier.networks.foreign_layers import FOLD_CONVOLUTION, FOLD_LINEAR, OF_THE_LOSS
from verifier.networks.traced import Step
from verifier.numbers import plural

Shape = tuple[int, int, int]
_IDENTITIES = (
    "Identity", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout",
)  # fmt: skip
_BRANCHES = ("add", "iadd", "add_", "sub", "mul", "cat", "concat", "stack", "matmul")
_SUM = "combines parts of the network; residual connections, sums and concatenations are not supported (docs/inputs.md)"
_OF_THE_LOSS = {
    name: f"belongs to the loss where it is the last step: leave it out of the module, and certify with {loss}"
    for module, loss in OF_THE_LOSS.items()
    for name in (module, module.lower(), "log_softmax" if module == "LogSoftmax" else module)
}
_WHY_NOT = {
    "BatchNorm2d": f"is batch normalisation; {FOLD_CONVOLUTION}",
    "BatchNorm1d": f"is batch normalisation; {FOLD_LINEAR}",
    **dict.fromkeys(_BRANCHES, _SUM),
    **_OF_THE_LOSS,
}
_SUPPORTED = (
    "is not supported; a network may have Conv2d (groups=1, zeros around the maps), MaxPool2d, AvgPool2d, AdaptiveAvgPool2d, Flatten, Linear, ReLU or "
    "LeakyReLU of one slope, and dropout (docs/inputs.md)"
)
_SAY_SHAPE = (
    "reads images whose shape a module does not say: give it with --input-shape 1,8,8 (channels, height, width; in Python "
    "input_shape='1,8,8'), hand data over as (samples, channels, height, width), or let the module have an attribute "
    "input_shape = (1, 8, 8)"
)


@dataclass(frozen=True, eq=False)
class Layers:
    """parts: the torch modules with parameters, in order. images: whether the module takes images (N, C, H, W), or flat rows. slope: of the activation."""

    parts: tuple[Any, ...]
    geometry: Geometry
    slope: float
    images: bool


def layers_of(steps: Sequence[Step], given: Shape | None, otherwise: Shape | None, who: str) -> Layers:
    """The layers that these steps make up: convolutions, poolings, dense layers, with ReLU or Leaky ReLU of one slope between them.

    given: (channels, height, width) of a sample, as the user says. otherwise: as the module or the data say; a forward that reshapes flat rows to images
    first knows better. Raises CheckpointError, naming the step, for everything that is no such chain.
    """
    chain = _Chain(who, given, otherwise)
    for step in steps:
        chain.take(step)
    return chain.finished()


def image_shape(value: Any, who: str) -> Shape:
    """Raises CheckpointError."""
    found = tuple(value) if isinstance(value, (tuple, list)) else ()
    if len(found) != 3 or not all(isinstance(v, int) and v >= 1 for v in found):
        raise CheckpointError(
            f"{who}: expected an input shape of channels, height and width such as 1,8,8, got {value!r}"
        )
    return found[0], found[1], found[2]


@dataclass
class _Chain:
    """The layers so far. size: of the maps now. pending: poolings since the last layer with parameters. linear: no activation since then."""

    who: str
    given: Shape | None
    otherwise: Shape | None
    shape: Shape | None = None
    channels: int = 0
    size: tuple[int, ...] = ()
    flat: bool = False
    images: bool = True
    linear: bool = False
    mean_before_activation: str | None = None
    pending: list[Pooling] = field(default_factory=list)
    parts: list[Any] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    slopes: set[float] = field(default_factory=set)

    def fail(self, step: Step, why: str) -> CheckpointError:
        return CheckpointError(f"{self.who}: {step.words} {why}")

    def take(self, step: Step) -> None:
        if step.kind in _IDENTITIES:
            return
        if step.kind == "dropout":
            if step.get("training", True) and step.get("p", 0.5):
                raise self.fail(step, "drops neurons in evaluation too: give it training=self.training")
            return
        taker: Callable[[Step], None] | None = {
            "Conv2d": self._convolution, "Linear": self._dense, "ReLU": self._activation, "LeakyReLU": self._activation, "MaxPool2d": self._pooling,
            "AvgPool2d": self._pooling, "AdaptiveAvgPool2d": self._adaptive, "Flatten": self._flatten, "view": self._view, "mean": self._mean,
            "Unflatten": self._unflatten,
        }.get(step.kind)  # fmt: skip
        if taker is None:
            raise self.fail(step, _WHY_NOT.get(step.kind, _SUPPORTED))
        if not self.size and not (step.kind == "Unflatten" or (step.kind == "view" and len(step.get("shape")) == 4)):
            self._begin(step, self.given or self.otherwise)
        taker(step)

    def _begin(self, step: Step, shape: Shape | None) -> None:
        """A sample's shape is needed from the first real step on."""
        if shape is None:
            raise self.fail(step, _SAY_SHAPE)
        self.shape = shape
        self.channels, *size = shape
        self.size = tuple(size)

    # Layers with parameters, and the activation.

    def _layer(self, step: Step, window: Window) -> None:
        part = step.part
        if part is None:
            raise self.fail(step, "is called as a function with weights of its own; expected a torch.nn module")
        if self.linear:
            raise self.fail(step, "follows another layer with parameters without an activation between them")
        if any(part is p or part.weight is p.weight for p in self.parts):
            raise self.fail(step, "has the weights of an earlier layer; layers that share weights are not supported")
        if "weight" not in part._parameters and not hasattr(part, "parametrizations"):
            raise self.fail(
                step, "has a weight that a hook computes; make it plain with torch.nn.utils.remove_weight_norm(layer)"
            )
        self.parts.append(part)
        self.readings.append(Reading(tuple(self.pending), window))
        self.pending, self.linear, self.mean_before_activation = [], True, None

    def _convolution(self, step: Step) -> None:
        c = step.part
        if c.groups != 1:
            raise self.fail(
                step, f"has groups={c.groups}; with the zeros between groups filled in it would be another architecture"
            )
        if c.padding_mode != "zeros":
            raise self.fail(step, f"has padding_mode={c.padding_mode!r}; only zeros around the maps are supported")
        if self.flat or c.in_channels != self.channels:
            met = "flattened maps" if self.flat else f"{self.channels} channels"
            raise self.fail(step, f"takes {c.in_channels} channels and meets {met}{self._right()}")
        padding = (0, 0) if c.padding == "valid" else c.padding
        if padding == "same":
            reach = [d * (k - 1) for d, k in zip(c.dilation, c.kernel_size)]
            if any(r % 2 for r in reach):
                raise self.fail(step, "pads one side more than the other (padding='same' with an even kernel)")
            padding = tuple(r // 2 for r in reach)
        window = Window(tuple(c.kernel_size), tuple(c.stride), tuple(padding), tuple(c.dilation))
        self._layer(step, window)
        self.size = self._sized(step, window)
        self.channels = c.out_channels

    def _dense(self, step: Step) -> None:
        if not self.flat:
            raise self.fail(step, "reads maps that are not flattened; flatten them first (torch.nn.Flatten())")
        inputs, takes = self.channels * math.prod(self.size), step.part.in_features
        if takes != inputs:
            maps = " x ".join(map(str, (self.channels, *self.size)))
            raise self.fail(step, f"takes {plural(takes, 'input')} and meets maps of {maps} = {inputs}{self._right()}")
        self._layer(step, Window((self.size[0], self.size[1]), (1, 1), (0, 0), (1, 1)))
        self.channels, self.size = step.part.out_features, (1, 1)

    def _right(self) -> str:
        return "" if self.shape is None else f"; is the input shape {','.join(map(str, self.shape))} right?"

    def _activation(self, step: Step) -> None:
        slope = 0.0 if step.kind == "ReLU" else float(step.get("negative_slope", 0.01))
        if not self.parts:
            raise self.fail(step, "is applied to the samples themselves; prepare the data so instead")
        if not self.linear and slope:
            raise self.fail(step, "is applied twice in a row")
        if self.mean_before_activation:
            raise self.fail(
                step, f"comes behind an average pooling ({self.mean_before_activation}) of numbers before their activation; "
                "only the other order is supported",
            )  # fmt: skip
        self.slopes.add(slope)
        # A maximum before an increasing activation is the maximum behind it.
        self.linear = False

    # Poolings.

    def _pooling(self, step: Step) -> None:
        maximum = step.kind == "MaxPool2d"
        kernel = _pair(step.get("kernel_size"))
        stride = _pair(step.get("stride") or kernel)
        padding = _pair(step.get("padding", 0))
        dilation = _pair(step.get("dilation", 1)) if maximum else (1, 1)
        window = Window(kernel, stride, padding, dilation)
        if maximum and step.get("return_indices", False):
            raise self.fail(step, "returns indices beside the maxima")
        if not maximum and padding != (0, 0) and not step.get("count_include_pad", True):
            raise self.fail(step, "leaves padding out of its means (count_include_pad=False), which is not supported")
        if not maximum and step.get("divisor_override") is not None:
            raise self.fail(step, "has a divisor of its own, which is not supported")
        size = self._sized(step, window)
        ahead = zip(self.size, padding, dilation, kernel, stride)
        rest = [(n + 2 * p - d * (k - 1) - 1) % s for n, p, d, k, s in ahead]
        if step.get("ceil_mode", False) and any(rest):
            raise self.fail(step, "has windows that reach beyond the map (ceil_mode=True), which is not supported")
        self._pooled(step, Pooling("max" if maximum else "average", window), size)

    def _adaptive(self, step: Step) -> None:
        size = step.get("output_size")
        wanted = (size, size) if isinstance(size, int) or size is None else tuple(size)
        found = tuple(n if w is None else w for n, w in zip(self.size, wanted))
        pooling = Pooling("adaptive_average", None, found)
        if found != self.size or self.flat:  # else the mean of each position alone
            self._pooled(step, pooling, pooled_size(self.size, pooling))

    def _mean(self, step: Step) -> None:
        axes = step.get("dim")
        if not isinstance(axes, (tuple, list)) or sorted(a % 4 for a in axes) != [2, 3]:
            raise self.fail(step, "is no mean over the positions of maps, dim=(2, 3)")
        self._pooled(step, Pooling("adaptive_average", None, (1, 1)), (1, 1))
        self.flat = not step.get("keepdim", False)

    def _pooled(self, step: Step, pooling: Pooling, size: tuple[int, ...]) -> None:
        if self.flat:
            raise self.fail(step, "pools flattened maps")
        if self.linear and pooling.kind != "max":
            self.mean_before_activation = step.words
        self.pending.append(pooling)
        self.size = size

    def _sized(self, step: Step, window: Window) -> tuple[int, ...]:
        size = tuple(output_size(n, window, axis) for axis, n in enumerate(self.size))
        if min(size) < 1:
            high, wide = self.size
            raise self.fail(step, f"has a window larger than the padded map of {high} x {wide}{self._right()}")
        return size

    # Shapes.

    def _flatten(self, step: Step) -> None:
        start, end = step.get("start_dim", 0), step.get("end_dim", -1)
        behind = start == 1 and end in (-1, 1) if self.flat else start in (1, -3) and end in (-1, 3)
        if not behind:
            raise self.fail(step, f"flattens from axis {start} to {end}; expected all behind the samples (start_dim=1)")
        self.flat = True

    def _view(self, step: Step) -> None:
        shape = step.get("shape")
        if len(shape) == 2 and self.size and shape[1] in (-1, self.channels * math.prod(self.size)):
            self.flat = True
        elif len(shape) == 4 and not self.size and all(isinstance(v, int) for v in shape[1:]):
            self._images(step, shape[1:])
        else:
            raise self.fail(
                step, f"reshapes to {shape}; expected (samples, -1) behind the convolutions, or (samples, channels, height, width) of flat rows first"
            )  # fmt: skip

    def _unflatten(self, step: Step) -> None:
        if self.size or step.get("dim") not in (1, -1):
            raise self.fail(
                step, "must come first and make images of flat rows: Unflatten(1, (channels, height, width))"
            )
        self._images(step, step.get("unflattened_size"))

    def _images(self, step: Step, shape: Sequence[int]) -> None:
        found = image_shape(tuple(shape), f"{self.who}: {step.words}")
        if self.given is not None and self.given != found:
            raise self.fail(
                step, f"makes images of {found}, and the input shape is given as {self.given}; leave it out"
            )
        self.images = False
        self._begin(step, found)

    def finished(self) -> Layers:
        if self.shape is None or len(self.parts) < 2:
            raise CheckpointError(
                f"{self.who}: has {plural(len(self.parts), 'layer')} with parameters; expected at least two, since a network without hidden layer is linear"
            )
        if not self.linear or self.pending:
            raise CheckpointError(
                f"{self.who}: ends with an activation or a pooling; expected a layer with parameters last, whose outputs are the network's"
            )
        if self.size != (1, 1) or not self.flat:
            shape = " x ".join(map(str, (self.channels, *self.size)))
            raise CheckpointError(f"{self.who}: gives maps of {shape} per sample; expected one vector of outputs")
        if len(self.slopes) > 1 or not all(0.0 <= s < 1.0 for s in self.slopes):
            raise CheckpointError(
                f"{self.who}: its activations have the negative slopes {sorted(self.slopes)}; one slope in [0, 1) is supported"
            )
        geometry = Geometry(self.shape, tuple(self.readings))
        return Layers(tuple(self.parts), geometry, next(iter(self.slopes), 0.0), self.images)


def _pair(value: Any) -> tuple[int, int]:
    """One number for both axes, or one for each."""
    values = (value, value) if isinstance(value, int) else tuple(value)
    return (values[0], values[0]) if len(values) == 1 else (values[0], values[1])

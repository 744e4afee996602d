"""Which networks the experiments are run on: checkpoints of the user's, or a preset's, trained here.

The presets' networks and protocol are N21's (section 6), with Fashion-MNIST in place of MNIST; CIFAR-10 has to be named. What a laptop does in minutes is
`--data digits --protocol default` with fewer and smaller networks (docs/stability.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from verifier.campaign.folder import network_file
from verifier.campaign.records import digest
from verifier.errors import UsageError
from verifier.options.certify import CertifyOptions
from verifier.options.objective import ObjectiveOptions
from verifier.options.reading import Reading
from verifier.stored import code_version
from verifier.training.vgg import vgg11_widths

SERIES = ("a", "search", "b", "forgotten")
METHODS = "theorem41,dropout"


@dataclass(frozen=True)
class Preset:
    """A figure. widths: hidden widths of each architecture. seeds: networks of each. epochs, lr: of the protocol `sgd`; `epochs_adam`, `lr_adam` of others.

    data, test: usual data set and the samples to test on; None: CIFAR-10, which the user has to name. scale: of them. vgg: the networks are VGG-11, whose
    widths are those of a factor. measured: experiments (A) and (B) are run. certified: disjoint pairs are.
    """

    title: str
    widths: tuple[tuple[int, ...], ...]
    seeds: tuple[int, ...]
    data: str | None = "fashion-mnist"
    test: str | None = "fashion-mnist-test"
    scale: str = "symmetric"
    epochs: int = 40
    lr: float = 0.05
    epochs_adam: int = 150
    lr_adam: float = 0.001
    vgg: bool = False
    measured: bool = True
    certified: bool = False


FIGURE4 = (10, 20, 30, 40, 60, 80, 100, 150, 200, 300, 500, 1000, 2000)
PRESETS = {
    "figure3a": Preset("loss per layer", ((245,) * 10,), tuple(range(10))),
    "figure3b": Preset("loss per layer", ((500,) * 5,), tuple(range(10)), None, None, "whiten"),
    "figure3c": Preset("loss per layer", (vgg11_widths(1.0),), tuple(range(5)), None, None, "whiten", vgg=True),
    "figure3d": Preset(
        "loss along the two paths of a pair", ((500,) * 5,), (0, 1), None, None, "whiten", measured=False, certified=True
    ),
    "figure4": Preset(
        "largest loss over the layers against width", tuple((m, m) for m in FIGURE4), (0, 1, 2), epochs_adam=500, lr_adam=0.003
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """What is spent per network. draws_a, draws_b: T_A and T_B. steps: of L-BFGS per sub-network. forgotten: also with the first biases of a layer.

    exhaustive: draws go on below the network's own loss. seed: of the draws; networks differ in theirs, as it is mixed with their parameters.
    ratio: share of a layer's neurons that (B) removes and (A) gives to sub-networks (Figures 7, 8); a half is the papers'.
    """

    draws_a: int = 20
    draws_b: int = 200
    steps: int = 200
    seed: int = 0
    exhaustive: bool = False
    forgotten: bool = False
    ratio: float = 0.5

    @property
    def series(self) -> tuple[str, ...]:
        return SERIES if self.forgotten else SERIES[:-1]

    def of(self, series: str) -> dict[str, Any]:
        """What one series depends on."""
        if series in ("b", "forgotten"):
            return {"draws": self.draws_b, "seed": self.seed, "ratio": self.ratio}
        spent = {"steps": self.steps, "exhaustive": self.exhaustive, "seed": self.seed, "ratio": self.ratio}
        return spent if series == "search" else {"draws": self.draws_a, **spent}

    def check(self) -> None:
        """Raise UsageError for what cannot be run."""
        for name in ("draws_a", "draws_b"):
            if getattr(self, name) < 1:
                raise UsageError(f"stability: --{name.replace('_', '-')} {getattr(self, name)}: expected at least 1")
        if self.steps < 0 or self.seed < 0:
            raise UsageError(f"stability: --steps {self.steps} --draw-seed {self.seed}: neither can be negative")
        if not 0.0 < self.ratio < 1.0:
            raise UsageError(f"stability: --dropout {self.ratio}: expected a share between 0 and 1")


@dataclass(frozen=True)
class Training:
    """A network of a preset. data: as `data_record` gives it. options: keywords of `train_network` besides seed and widths.
    shape: of an image; the network is VGG-11 of these widths then, and dense without."""

    widths: tuple[int, ...]
    seed: int
    data: dict[str, Any]
    options: dict[str, Any]
    shape: tuple[int, int, int] | None = None

    @property
    def key(self) -> str:
        data = {k: v for k, v in self.data.items() if k != "source_sha256"}
        tools = {"code": code_version(), "torch": version("torch")}
        return digest({**asdict(self), "data": data, "kind": "stability network", "tools": tools})


@dataclass(frozen=True)
class Member:
    """One network. file: its checkpoint, which `training`, where there is one, makes when it is missing."""

    name: str
    file: str
    training: Training | None = None


@dataclass(frozen=True)
class Source:
    """Data and objective for the user's checkpoints, None or {} for what they recorded; reading as in `load_checkpoint`.

    test: samples to test on, as `load_data` names them; None: those that a split of the data left out, where there was one.
    """

    data: str | None = None
    data_options: dict[str, Any] = field(default_factory=dict)
    objective: ObjectiveOptions = field(default_factory=ObjectiveOptions)
    reading: Reading | None = None
    test: str | None = None

    def options(self, seed: int) -> CertifyOptions:
        """Of the certification of a pair."""
        return CertifyOptions(method=METHODS, seed=seed, reading=self.reading, data_options=self.data_options)


def trained_members(
    architectures: Sequence[tuple[int, ...]], seeds: Sequence[int], data: dict[str, Any], options: dict[str, Any], folder: Path,
    shape: tuple[int, int, int] | None = None,
) -> list[Member]:  # fmt: skip
    """A preset's networks, whose checkpoints lie in `folder`/networks under their keys."""
    out = []
    for widths in architectures:
        for seed in seeds:
            t = Training(tuple(widths), seed, data, options, shape)
            out.append(Member(f"{width_words(widths)}, seed {seed}", str(network_file(folder, t.key)), t))
    return out


def named_members(files: Sequence[str]) -> list[Member]:
    """The user's checkpoints under their file names. Raises UsageError when one is named twice."""
    if len({str(Path(f).absolute()) for f in files}) < len(files):
        raise UsageError("stability: a checkpoint is named twice in --networks; the intervals need different networks")
    stems = [Path(f).name for f in files]
    return [Member(stem if stems.count(stem) == 1 else str(f), str(f)) for stem, f in zip(stems, files)]


def width_words(hidden: Sequence[int]) -> str:
    """`245 x 5` for equal widths, `200-100` for others."""
    if len(hidden) > 1 and len(set(hidden)) == 1:
        return f"{hidden[0]} x {len(hidden)}"
    return "-".join(map(str, hidden))

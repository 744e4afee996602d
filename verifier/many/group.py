"""From what the user names to networks of one architecture, one data set and one objective."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from verifier.data.dataset import Dataset
from verifier.data.weights import Weighting, weighed
from verifier.elaboration import kernel_problem
from verifier.errors import UsageError
from verifier.kernel.statements import Problem
from verifier.networks.network import Network
from verifier.networks.padding import common_widths, only_widths_differ, padding_words
from verifier.objective import Risk
from verifier.objective.objective import Objective
from verifier.options.certify import CertifyOptions
from verifier.options.objective import ObjectiveOptions
from verifier.pipeline.endpoints import (
    PAD_HINT,
    encoded,
    padded_endpoint,
    polished_endpoint,
    read_data,
    read_endpoint,
    read_objective,
    with_shape_of,
)
from verifier.pipeline.setting import Endpoint


@dataclass(frozen=True, eq=False)
class Member:
    """One network of the group. F, loss, penalty, accuracy: float64, for display."""

    name: str
    endpoint: Endpoint
    F: float
    loss: float
    penalty: float
    accuracy: float | None

    @property
    def network(self) -> Network:
        return self.endpoint.network


@dataclass(frozen=True, eq=False)
class Group:
    """Everything that the pairs of a group share."""

    members: tuple[Member, ...]
    data: Dataset
    objective: Objective
    targets: np.ndarray

    def problem(self, a: int, b: int) -> Problem:
        """The kernel's problem of the pair."""
        A, B = self.members[a].network, self.members[b].network
        return kernel_problem(A, B, Risk(self.objective, self.data.X, self.targets))


class _Agreed(dict[str, Any]):
    """Settings that all checkpoints recorded; asking for one on which they differ says which files differ."""

    def __init__(self, recorded: Mapping[str, Mapping[str, Any]]) -> None:
        self.recorded = recorded

    def get(self, key: str, default: Any = None) -> Any:
        known = {name: s[key] for name, s in self.recorded.items() if s.get(key) is not None}
        first = next(iter(known.values()), default)
        other = next((name for name, v in known.items() if v != first), None)
        if other is not None:
            name = next(iter(known))
            raise UsageError(
                f"the checkpoints were trained with different settings: {key} is {first!r} for {name} and {known[other]!r} for {other}; "
                f"choose one with --{key.replace('_', '-')}"
            )
        return first


def read_group(
    networks: Sequence[Any] | Mapping[str, Any],
    data: Any,
    objective: ObjectiveOptions,
    options: CertifyOptions,
    say: Callable[[str], None],
) -> Group:
    """Read and check everything; raises VerifierError before any long computation starts."""
    o = options
    named = _named(networks)
    if len(named) < 3:
        raise UsageError(f"--all: {len(named)} given, expected 3 or more checkpoints; for two use --pair A B")
    reading = with_shape_of(data, o.reading)
    ends = {name: read_endpoint(source, name, reading, o.negative_slope) for name, source in named.items()}
    first = next(iter(ends))
    if o.pad:
        widths = common_widths({name: e.network for name, e in ends.items()})
        narrow = {name: e for name, e in ends.items() if e.network.widths != widths}
        for name, e in narrow.items():
            # Pairs are certified from what is padded here, as their own widest may be narrower.
            ends[name] = padded_endpoint(e, widths)
            say(f"{name}: {padding_words(e.network.widths, widths)}")
        if not narrow:
            say("pad: all networks have the same widths, so there was nothing to add")
    for name, e in ends.items():
        if e.network.architecture != ends[first].network.architecture:
            hint = PAD_HINT if only_widths_differ(e.network, ends[first].network) else ""
            raise UsageError(
                f"{first} and {name} differ in architecture: widths {ends[first].network.widths} and {e.network.widths}, biases per layer "
                f"{ends[first].network.architecture[1]} and {e.network.architecture[1]}; paths join networks of one architecture{hint}"
            )
    together = Endpoint(ends[first].network, {}, _Agreed({name: e.settings for name, e in ends.items()}))
    asked = read_objective(together, together, objective)
    read = read_data(data, together, together, o.data_options or {}, asked.loss.name)
    dataset = weighed(read, asked.loss.name, Weighting(o.weights, o.class_weight, o.pos_weight))
    asked = asked.weighted(dataset.weights)
    targets = encoded(asked, dataset, together.network)
    if o.polish:
        for name in named:
            ends[name] = polished_endpoint(name, ends[name], Risk(asked, dataset.X, targets), say)
    members = []
    for name, e in ends.items():
        n = e.network
        loss, price = asked.loss_value(n, dataset.X, targets), asked.penalty_value(n)
        F, accuracy = asked.value(n, dataset.X, targets), asked.accuracy(n, dataset)
        members.append(Member(name, e, F, loss, price, accuracy))
    return Group(tuple(members), dataset, asked, targets)


def _named(networks: Sequence[Any] | Mapping[str, Any]) -> dict[str, Any]:
    """Names for display: keys, the shortest ends of the paths that tell them apart, or 1, 2, ...

    Raises UsageError when one file is named twice.
    """
    if isinstance(networks, Mapping):
        named = {str(k): v for k, v in networks.items()}
        if len(named) < len(networks):
            raise UsageError(f"networks: some of the names {', '.join(map(repr, networks))} read alike; name each once")
        return named
    paths = {k: Path(x) for k, x in enumerate(networks) if isinstance(x, (str, os.PathLike))}
    resolved: dict[Path, int] = {}
    for k, path in paths.items():
        other = resolved.setdefault(path.resolve(), k)
        if other != k:
            raise UsageError(f"--all: {path} is named twice; name each checkpoint once")
    depth = 1
    names = {k: p.stem for k, p in paths.items()}
    while len(set(names.values())) < len(names) and depth <= max(len(p.resolve().parts) for p in paths.values()):
        depth += 1
        names = {k: "/".join((*p.resolve().parts[-depth:-1], p.stem)) for k, p in paths.items()}
    if len(set(names.values())) < len(names):  # a.pt and a.safetensors in one folder
        names = {k: p.name for k, p in paths.items()}
    if len(set(names.values())) < len(names):
        names = {k: str(p) for k, p in paths.items()}
    taken = set(names.values())
    others = (str(k) for k in range(1, len(networks) + len(taken) + 1) if str(k) not in taken)
    return {names[k] if k in names else next(others): x for k, x in enumerate(networks)}

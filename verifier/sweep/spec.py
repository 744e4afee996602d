"""A sweep file: what to train, which pairs to certify, and how. Unknown keys and wrong types are errors that say what is allowed."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from verifier.errors import MalformedInputError, UsageError
from verifier.numbers import plural
from verifier.options.certify import CertifyOptions
from verifier.options.data import DataOptions
from verifier.options.declare import options_of
from verifier.options.objective import ObjectiveOptions
from verifier.options.training import PROTOCOLS, TrainingOptions
from verifier.pipeline.constructions.registry import chosen, names_of, require_used


def _sweepable(cls: type, *, all_of_it: bool = False) -> dict[str, type]:
    """Keys of a sweep file that a class of options declares, with their types."""
    return {o.name: o.kind for o in options_of(cls) if o.kind is not None and (o.sweep or all_of_it)}


DATA_OPTIONS, TRAINING, CERTIFY = (_sweepable(cls) for cls in (DataOptions, TrainingOptions, CertifyOptions))
OBJECTIVE = _sweepable(ObjectiveOptions, all_of_it=True)
REQUIRED = ("data", "loss", "widths", "seeds")
OPTIONAL = ("name", *DATA_OPTIONS, "delta", "protocol", "training", "objective", "pairs", "methods", *CERTIFY)
PAPER_PAIRS = 200
PRESETS = ("paper",)
# Networks of a width that the paper's pairs were drawn from.
PAPER_POOL = 1000


@dataclass(frozen=True)
class Pairs:
    """How the networks of one width are paired. count, seed: of random pairs.

    kind: "disjoint" pairs the first with the second network, the third with the fourth, and so on, so that pairs are independent;
    "random" draws distinct pairs, which share networks; "paper" the pairs of Baturin 2026 (the first `count` of 200), of 1,000 networks per width,
    which share networks too.
    """

    kind: str = "disjoint"
    count: int | None = None
    seed: int = 0


@dataclass(frozen=True)
class Experiment:
    """One [[experiment]] block. data_options: only what was given, under the names of `load_data`."""

    name: str
    data: str
    loss: str
    widths: tuple[int, ...]
    seeds: tuple[int, ...]
    data_options: dict[str, Any] = field(default_factory=dict)
    training: TrainingOptions = field(default_factory=TrainingOptions)
    objective: ObjectiveOptions = field(default_factory=ObjectiveOptions)
    pairs: Pairs = Pairs()
    options: CertifyOptions = field(default_factory=lambda: CertifyOptions(method="exchange"))

    @property
    def methods(self) -> tuple[str, ...]:
        return tuple(self.options.method.split(","))


class SweepFileError(MalformedInputError):
    """A sweep file that cannot be read, or is no TOML."""


def read_sweep_file(path: str | os.PathLike[str]) -> tuple[Experiment, ...]:
    """The experiments of a sweep file; relative data files are taken from the file's own folder.

    Raises SweepFileError for what is no TOML file, UsageError for keys or values that are not allowed.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SweepFileError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    return parse_sweep(text, str(path), Path(path).absolute().parent)


def read_preset(name: str) -> tuple[Experiment, ...]:
    """A sweep that comes with verifier. Raises UsageError for an unknown name."""
    return parse_sweep(preset_text(name), f"preset {name}", Path.cwd())


def preset_text(name: str) -> str:
    """The TOML text behind `read_preset`."""
    if name not in PRESETS:
        raise UsageError(f"preset {name!r} is unknown; choose one of {', '.join(PRESETS)}")
    return (files("verifier.sweep") / f"{name}.toml").read_text("utf-8")


def parse_sweep(text: str, who: str, folder: Path) -> tuple[Experiment, ...]:
    """The experiments in TOML text. who: names the source in errors. folder: where relative data files lie."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SweepFileError(f"{who}: is not TOML: {error}") from error
    _known(document, ("experiment",), f"{who}: at the top")
    blocks = document.get("experiment")
    if not isinstance(blocks, list) or not blocks or not all(isinstance(b, dict) for b in blocks):
        raise UsageError(f"{who}: expected one or more [[experiment]] blocks, got {_got(blocks)}")
    found = tuple(_experiment(b, f"{who}: experiment {k}", folder) for k, b in enumerate(blocks, start=1))
    twice = {e.name for e in found if sum(o.name == e.name for o in found) > 1}
    if twice:
        raise UsageError(f"{who}: two experiments are called {sorted(twice)[0]!r}; give each its own name = ...")
    return found


def _experiment(b: dict[str, Any], who: str, folder: Path) -> Experiment:
    _known(b, (*REQUIRED, *OPTIONAL), who)
    missing = [key for key in REQUIRED if key not in b]
    if missing:
        raise UsageError(f"{who}: {missing[0]} is missing; every experiment needs {', '.join(REQUIRED)}")
    data = _value(b, "data", str, who)
    if (folder / data).is_file():
        data = str(folder / data)
    methods = _list(b, "methods", str, who) if "methods" in b else ["exchange"]
    for name in ("all", "string"):
        if name in methods:
            raise UsageError(f"{who}: methods lists constructions that need no file, by name; leave {name!r} out")
    if len(set(methods)) < len(methods):
        raise UsageError(f"{who}: methods names {max(methods, key=methods.count)!r} twice")
    try:
        names = names_of(chosen(",".join(methods)))
    except UsageError as error:
        raise UsageError(
            f"{who}: {str(error).replace('--method', 'methods').replace('all, or some of ', '')}"
        ) from None
    widths = _list(b, "widths", int, who)
    if min(widths) < 1 or len(set(widths)) < len(widths):
        raise UsageError(f"{who}: widths must be different integers of at least 1, got {widths}")
    training = {**_section(b, "training", TRAINING, who), "protocol": _one_of(b, "protocol", PROTOCOLS, "default", who)}
    asked = {k: _value(b, k, kind, who) for k, kind in CERTIFY.items() if k in b}
    try:
        options = CertifyOptions(**asked, method=",".join(names))
        require_used(options, chosen(options.method))
    except UsageError as error:
        raise UsageError(f"{who}: {error}") from None
    return Experiment(
        name=_value(b, "name", str, who) or b["data"],
        data=data,
        loss=_value(b, "loss", str, who),
        widths=tuple(widths),
        seeds=_seeds(b["seeds"], who),
        data_options={k: _value(b, k, kind, who) for k, kind in DATA_OPTIONS.items() if k in b},
        training=TrainingOptions(**training, delta=_value(b, "delta", float, who)),
        objective=ObjectiveOptions(**_section(b, "objective", OBJECTIVE, who)),
        pairs=_pairs(b.get("pairs", "disjoint"), who),
        options=options,
    )


def _seeds(value: Any, who: str) -> tuple[int, ...]:
    """A count, a range such as "0:40", or a list."""
    if isinstance(value, str):
        first, colon, last = value.partition(":")
        if not (colon and first.isascii() and first.isdigit() and last.isascii() and last.isdigit()):
            raise UsageError(f'{who}: seeds {value!r}: expected a range such as "0:40"')
        value = list(range(int(first), min(int(last), int(first) + 100_001)))
    elif isinstance(value, int) and not isinstance(value, bool):
        value = list(range(min(value, 100_001)))
    if not isinstance(value, list) or not all(type(v) is int and v >= 0 for v in value):
        raise UsageError(
            f'{who}: seeds must be a count, a range such as "0:40", or a list of integers, got {_got(value)}'
        )
    if len(value) < 2 or len(set(value)) < len(value) or len(value) > 100_000:
        raise UsageError(f"{who}: seeds must name 2 to 100000 different networks, got {len(value)}")
    return tuple(value)


def _pairs(value: Any, who: str) -> Pairs:
    if value == "disjoint":
        return Pairs()
    if value == "paper":
        return Pairs("paper", PAPER_PAIRS)
    if isinstance(value, dict) and "paper" in value:
        _known(value, ("paper",), f"{who}: pairs")
        count = _value(value, "paper", int, f"{who}: pairs")
        if count is not None and 1 <= count <= PAPER_PAIRS:
            return Pairs("paper", count)
        raise UsageError(
            f"{who}: pairs: paper must be how many of the paper's {plural(PAPER_PAIRS, 'pair')}, from the first, got {_got(value)}"
        )
    if isinstance(value, dict):
        _known(value, ("random", "seed"), f"{who}: pairs")
        count, seed = _value(value, "random", int, f"{who}: pairs"), _value(value, "seed", int, f"{who}: pairs")
        if count is not None and count >= 1 and (seed is None or seed >= 0):
            return Pairs("random", count, seed or 0)
    raise UsageError(
        f'{who}: pairs must be "disjoint", "paper", {{paper = n}} or {{random = n, seed = s}}, got {_got(value)}'
    )


def _section(b: Mapping[str, Any], key: str, kinds: Mapping[str, type], who: str) -> dict[str, Any]:
    section = b.get(key, {})
    if not isinstance(section, dict):
        raise UsageError(f"{who}: {key} must be a table with keys {', '.join(kinds)}, got {_got(section)}")
    _known(section, tuple(kinds), f"{who}: {key}")
    return {k: _value(section, k, kind, f"{who}: {key}") for k, kind in kinds.items() if k in section}


def _known(table: Mapping[str, Any], allowed: tuple[str, ...], who: str) -> None:
    for key in table:
        if key not in allowed:
            raise UsageError(f"{who}: unknown key {key!r}; allowed: {', '.join(allowed)}")


def _value(table: Mapping[str, Any], key: str, kind: type, who: str) -> Any:
    """The value under key, None when absent. Integers pass where floats are wanted; booleans are no numbers."""
    value = table.get(key)
    if value is None or type(value) is kind:
        return value
    if kind is float and type(value) is int:
        return float(value)
    raise UsageError(f"{who}: {key} must be {_WORDS[kind]}, got {_got(value)}")


_WORDS = {str: "text", int: "an integer", float: "a number", bool: "true or false"}


def _list(table: Mapping[str, Any], key: str, kind: type, who: str) -> list[Any]:
    value = table[key]
    if not isinstance(value, list) or not value or not all(type(v) is kind for v in value):
        raise UsageError(f"{who}: {key} must be a list of {'integers' if kind is int else 'names'}, got {_got(value)}")
    return value


def _one_of(table: Mapping[str, Any], key: str, allowed: tuple[str, ...], default: str, who: str) -> str:
    value = table.get(key, default)
    if value not in allowed:
        raise UsageError(f"{who}: {key} must be one of {', '.join(allowed)}, got {_got(value)}")
    return value


def _got(value: Any) -> str:
    return "nothing" if value is None else repr(value)

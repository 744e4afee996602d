"""The state dict inside whatever a checkpoint holds beside it: epochs, optimisers, configurations, scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from verifier.errors import CheckpointError
from verifier.networks.pt_file import from_torch, is_tensor
from verifier.networks.tensors import StoredTensor, from_numpy
from verifier.options.reading import Reading

WRAPPERS = ("state_dict", "model_state_dict", "model")
_DEEPEST = 8


class Inside(NamedTuple):
    """Which dicts were opened for the tensors, and which entries, by the whole way to them, were left out because the user said so."""

    opened: tuple[str, ...]
    left_out: tuple[str, ...]

    def __str__(self) -> str:
        words = [f"; inside {'.'.join(self.opened)}"] if self.opened else []
        return "".join([*words, f"; without {', '.join(self.left_out)}, left out as asked"] if self.left_out else words)


def state_dict_inside(content: Any, reading: Reading, who: str) -> tuple[dict[str, StoredTensor], Inside]:
    """Tensors by name, and the dicts that were opened for them: those of `reading.key`, else the usual ones, else the only one.

    Raises CheckpointError when there is none, or when which one is meant is not certain.
    """
    opened: list[str] = []
    if reading.key is not None:
        content, opened = _named(content, reading.key, who), [reading.key]
    seen: list[str] = []
    left_out: list[str] = []
    while True:
        _require_mapping(content, who)
        # Entries may be called by their own names, or by the whole way to them.
        ways = ("", ".".join([*opened, ""])) if opened else ("",)
        seen += [way + name for way in ways for name in _names(content)]
        kept = {k: v for k, v in content.items() if not any(_ignored(way + k, v, reading) for way in ways)}
        left_out += [ways[-1] + k for k in content if k not in kept]
        content = kept
        inside = _wrapper(content, reading, who)
        if inside is None:
            break
        opened.append(inside)
        content = content[inside]
        if len(opened) > _DEEPEST:
            raise CheckpointError(f"{who}: state dicts nested more than {_DEEPEST} deep")
    unused = [p for p in reading.ignored if not any(Reading(ignore=(p,)).ignores(key) for key in seen)]
    if unused:
        raise CheckpointError(
            f"{who}: --ignore {unused[0]}: nothing is called so; the keys are {', '.join(list(content)[:12])}"
        )
    tensors = _tensors(content)
    # A pickled object among the tensors may be a parameter that was not recognised.
    others = [key for key, value in content.items() if key not in tensors and (opened or not _harmless(value))]
    if others and tensors:
        what = f"inside {opened[-1]!r}" if opened else "beside the tensors"
        raise CheckpointError(
            f"{who}: {', '.join(others[:8])} {what} are not tensors; save the parameters alone with model.state_dict(), "
            f"or leave out what is no part of the network: --ignore {','.join(others[:8])}"
        )
    if not tensors:
        raise CheckpointError(
            f"{who}: no tensors at the top, but {_found(content)}; expected a state dict, bare or in a dict that --key names"
        )
    return tensors, Inside(tuple(opened), tuple(left_out))


def _names(content: Mapping[str, Any]) -> list[str]:
    """The keys, and those of dicts under them, dotted."""
    below = [f"{key}.{name}" for key, value in content.items() if isinstance(value, Mapping) for name in value]
    return [*content, *below]


def _ignored(key: str, value: Any, reading: Reading) -> bool:
    """Whether an entry is no part of the network: by its own name, or as a dict all of whose entries are, as `ema.*` says of what `ema` holds."""
    inside = list(value) if isinstance(value, Mapping) else []
    return reading.ignores(key) or (bool(inside) and all(reading.ignores(f"{key}.{name}") for name in inside))


def _wrapper(content: Mapping[str, Any], reading: Reading, who: str) -> str | None:
    """The key of the dict to open next; None when the tensors are here."""
    inside = [key for key in WRAPPERS if _holds_network(content.get(key))]
    beside = [key for key, t in _tensors(content).items() if t.floating and t.shape]
    if len(inside) > 1:
        raise CheckpointError(
            f"{who}: both {' and '.join(map(repr, inside))} hold a state dict, and which one is meant is ambiguous; say --key {inside[0]}, for instance"
        )
    if not inside and not any(len(_tensors(content)[key].shape) == 2 for key in beside):
        inside = _only_holding(content, who)
    if inside and beside:
        # Counters, scalar losses and random states may lie beside a wrapper; parameters or input statistics would change the network.
        raise CheckpointError(
            f"{who}: tensors {', '.join(beside)} lie beside the state dict {inside[0]!r}, and what is the network is ambiguous; "
            f"say --key {inside[0]} if they are no part of it, or save its state dict alone"
        )
    return inside[0] if inside else None


def _only_holding(content: Mapping[str, Any], who: str) -> list[str]:
    """The key of the only dict that holds matrices; [] when there is none. An optimiser's moments are no network."""
    holding = [key for key, value in content.items() if not key.startswith("optim") and _holds_network(value)]
    if len(holding) > 1:
        raise CheckpointError(
            f"{who}: {', '.join(map(repr, holding[:8]))} each hold tensors, and which one is the network is ambiguous; say --key {holding[0]}, for instance"
        )
    return holding


def _require_mapping(content: Any, who: str) -> None:
    if not isinstance(content, Mapping):
        pickled = _object(content)
        if pickled is not None:
            raise CheckpointError(
                f"{who}: holds a pickled Python object ({pickled}), such as a whole model; only tensors are read, because unpickling would run code from "
                "the file. Load it where it was made and save the parameters alone with torch.save(model.state_dict(), path)"
            )
        raise CheckpointError(
            f"{who}: expected a dict of tensors, got {type(content).__name__}; save the parameters with torch.save(model.state_dict(), path)"
        )
    strange = [key for key in content if not isinstance(key, str)]
    if strange:
        raise CheckpointError(f"{who}: expected names as keys of a state dict, got {strange[0]!r}")


def _object(value: Any) -> str | None:
    """Name of the class of an object that was not unpickled."""
    return getattr(type(value), "pickled_class", None)


def _harmless(value: Any) -> bool:
    """Whether a value beside the tensors of a bare state dict is certainly no parameter."""
    pickled = _object(value)
    return pickled is None or pickled.endswith(("multiarray.scalar", "argparse.Namespace"))


def _holds_network(value: Any, depth: int = 0) -> bool:
    """Whether a dict holds matrices under names, perhaps inside further dicts."""
    if not isinstance(value, Mapping) or depth > _DEEPEST or not all(isinstance(key, str) for key in value):
        return False
    return any(len(t.shape) > 1 for t in _tensors(value).values()) or any(
        _holds_network(v, depth + 1) for v in value.values()
    )


def _named(content: Any, key: str, who: str) -> Any:
    """What lies at the dotted key; or, where that is no dict, the entries whose names begin with it."""
    at, rest = content, key
    while True:
        _require_mapping(at, who)
        if rest in at:
            return at[rest]
        below = {name.removeprefix(f"{rest}."): value for name, value in at.items() if name.startswith(f"{rest}.")}
        if below:
            return below
        first = next((name for name in at if rest.startswith(f"{name}.") and isinstance(at[name], Mapping)), None)
        if first is None:
            raise CheckpointError(
                f"{who}: --key {key}: there is no {rest!r}; the keys are {', '.join(list(at)[:12]) or '(none)'}"
            )
        at, rest = at[first], rest.removeprefix(f"{first}.")


def _found(content: Mapping[str, Any]) -> str:
    objects = [f"{key} ({_object(value)})" for key, value in content.items() if _object(value) is not None]
    if objects:
        return f"pickled Python objects, which are not unpickled: {', '.join(objects[:8])}. Save model.state_dict() instead"
    nested = [key for key, value in content.items() if isinstance(value, Mapping)]
    return f"dicts {', '.join(nested)}" if nested else f"keys {', '.join(list(content)[:8]) or '(none)'}"


def _tensors(content: Mapping[str, Any]) -> dict[str, StoredTensor]:
    return {key: tensor for key, value in content.items() if (tensor := _as_tensor(value)) is not None}


def _as_tensor(value: Any) -> StoredTensor | None:
    if isinstance(value, StoredTensor):
        return value
    if isinstance(value, np.ndarray):
        return from_numpy(value)
    if type(value).__module__.partition(".")[0] == "torch" or hasattr(value, "__torch_function__"):
        return from_torch(value) if is_tensor(value) else None
    return None

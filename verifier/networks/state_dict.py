"""A network from tensors by name, where no module says which of them makes which layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from verifier.errors import CheckpointError
from verifier.networks.curve_file import count_bends, require_one_network
from verifier.networks.layout import Layout, find_layout
from verifier.networks.network import Network
from verifier.networks.tensors import StoredTensor, build_network
from verifier.networks.unwrap import state_dict_inside
from verifier.options.reading import Reading


def common_prefix(keys: Sequence[str]) -> str:
    """The longest run of dotted components, such as `module._orig_mod.`, that all keys begin with; a key keeps its last component."""
    if len(keys) < 2:
        return ""
    prefix = ""
    for parts in zip(*(key.split(".")[:-1] for key in keys)):
        if len(set(parts)) > 1:
            break
        prefix += f"{parts[0]}."
    return prefix


def by_names(
    tensors: Mapping[str, StoredTensor], prefix: str, reading: Reading, who: str
) -> tuple[Network, str, dict[str, str]]:
    """(network, layout in words, dtypes by key): layers by shapes and names, or by `reading.layout`. prefix: of all keys, see `common_prefix`.

    Raises CheckpointError when tensors do not make a chain of layers.
    """
    layout = reading.layout
    short = {key.removeprefix(prefix): key for key in tensors}
    if layout is not None:  # may name keys in full or without the prefix
        items = layout.split(",") if isinstance(layout, str) else layout
        layout = ["+".join(part.strip().removeprefix(prefix) for part in item.split("+")) for item in items]
    found = find_layout({key: tensors[full].shape for key, full in short.items()}, layout, who)
    network = build_network({key: tensors[full] for key, full in short.items()}, found, who)
    dtypes = {
        short[key]: tensors[short[key]].dtype for key in (*found.weights, *(b for b in found.biases if b is not None))
    }
    return network, found.description + (f"; prefix {prefix}" if prefix else ""), dtypes


def own_layout(tensors: Mapping[str, StoredTensor], who: str) -> Layout:
    """As `save_checkpoint` names matrices whose shapes do not chain."""
    depth = sum(key.endswith(".weight") for key in tensors)
    weights = tuple(f"{2 * l}.weight" for l in range(depth))
    biases = tuple(key if (key := f"{2 * l}.bias") in tensors else None for l in range(depth))
    if depth < 1 or {*weights, *biases} - {None} != set(tensors):
        raise CheckpointError(
            f"{who}: records a geometry, and its tensors are not those of a network saved with one: {', '.join(list(tensors)[:4])}"
        )
    return Layout(weights, biases, "ordered by number, with the recorded geometry")


def network_of(mapping: Mapping[str, object], reading: Reading, who: str) -> Network:
    """From a state dict of one network. Raises CheckpointError as `load_checkpoint` does."""
    tensors, _ = state_dict_inside(mapping, reading, who)
    require_one_network(count_bends(tensors), None, who)
    return by_names(tensors, common_prefix(list(tensors)), reading, who)[0]

"""Checkpoint files and state dicts to `Network`, and back to files."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from verifier.errors import CheckpointError, UsageError
from verifier.files import atomic_write_bytes
from verifier.networks.layout import find_layout
from verifier.networks.network import Network
from verifier.networks.tensors import StoredTensor, build_network, from_numpy

SUFFIXES = (".pt", ".pth", ".safetensors")
WRAPPERS = ("state_dict", "model_state_dict", "model")
METADATA_KEY = "verifier"
MAX_FILE_BYTES = 8 * 2**30  # room for 2^28 double parameters and an optimiser's two moments


@dataclass(frozen=True)
class Checkpoint:
    """A network as read from a file, with what a certificate records about where it came from.

    network: exact float64 parameters.
    path: the file as it was named.
    file_sha256: hash of the very bytes the parameters were read from.
    metadata: what `verifier train` stored (data, loss, kappa, ...); {} for other files.
    layout: which keys became which layers and what decided, for people.
    source_dtypes: stored dtype of each key used, e.g. {"0.weight": "float32"}.
    """

    network: Network
    path: str
    file_sha256: str
    metadata: dict[str, Any] = field(default_factory=dict)
    layout: str = ""
    source_dtypes: dict[str, str] = field(default_factory=dict)


def load_checkpoint(path: str | os.PathLike[str], *, layout: str | Sequence[str] | None = None) -> Checkpoint:
    """Read a `.pt`/`.pth` (weights only) or `.safetensors` file.

    layout: weight keys in order, as a list or comma-separated, each `weight` or `weight+bias`; needed only where names and shapes leave the order open.

    Only files of `verifier train` store the activation; others are taken as ReLU networks with a linear last layer.
    Compare the loss that commands print with the one you trained to.

    Raises CheckpointError (exit 4), saying what was found and what to do, for everything that is not certainly one fully connected network.
    """
    who = str(path)
    data = _read(Path(path), who)
    metadata: dict[str, Any] = {}
    if who.lower().endswith(".safetensors"):
        from verifier.networks.safetensors_file import read_safetensors

        tensors, stored = read_safetensors(data, who)
        how = ""
    else:
        from verifier.networks.pt_file import read_pt

        content = read_pt(data, who)
        tensors, how = _unwrap(content, who)
        stored = content.get("metadata", {}) if isinstance(content, Mapping) else {}
    if isinstance(stored, Mapping) and METADATA_KEY in stored:
        metadata = _parse_metadata(stored[METADATA_KEY], who)
    network, description, dtypes = _network(tensors, layout, who, how)
    slope = metadata.get("negative_slope", 0.0)
    if type(slope) not in (int, float) or not 0.0 <= slope < 1.0:
        raise CheckpointError(f"{who}: records negative_slope {slope!r}; expected a number in [0, 1)")
    network = replace(network, negative_slope=float(slope))
    expected = metadata.get("network_sha256", network.sha256())
    if expected != network.sha256():  # safetensors files have no checksum of their own
        raise CheckpointError(
            f"{who}: its parameters are not those it was saved with: SHA-256 {network.sha256()[:16]}..., recorded {str(expected)[:16]}...; "
            "the file was damaged or changed. Copy it again or train it anew"
        )
    return Checkpoint(network, who, hashlib.sha256(data).hexdigest(), metadata, description, dtypes)


def network_from_state_dict(
    mapping: Mapping[str, Any], layout: str | Sequence[str] | None = None, who: str = "state dict"
) -> tuple[Network, str]:
    """Network and layout description from a dict of numpy arrays or torch tensors, bare or wrapped (`state_dict`, `model_state_dict`, `model`).

    Raises CheckpointError as `load_checkpoint` does; `who` names the source in its text.
    """
    tensors, how = _unwrap(mapping, who)
    network, description, _ = _network(tensors, layout, who, how)
    return network, description


def _read(path: Path, who: str) -> bytes:
    if path.suffix.lower() not in SUFFIXES:
        raise CheckpointError(
            f"{who}: expected a checkpoint named {', '.join(SUFFIXES)}, got {path.suffix or 'no suffix'!r}; rename it if it is one"
        )
    try:
        if path.is_dir():
            raise CheckpointError(f"{who}: is a folder; give the checkpoint file in it")
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise CheckpointError(
                f"{who}: has {size} bytes; at most {MAX_FILE_BYTES} are read. Save the state dict without the optimiser"
            )
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise CheckpointError(f"{who}: no such file") from error
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{who}: cannot be read ({error})") from error
    if not data:
        raise CheckpointError(f"{who}: is empty; copy or save it again")
    if data.startswith(b"version https://git-lfs"):
        raise CheckpointError(f"{who}: is a Git LFS pointer, not the checkpoint itself; fetch it with `git lfs pull`")
    head = data[:512]
    if all(32 <= byte < 127 or byte in b"\t\r\n" for byte in head):
        raise CheckpointError(f"{who}: is a text file beginning {head[:40].decode('ascii')!r}, not a checkpoint")
    is_zip = data.startswith(b"PK\x03\x04")
    is_safetensors = len(data) > 9 and data[8:9] == b"{" and data[5:8] == b"\0\0\0"
    if path.suffix.lower() == ".safetensors" and is_zip:
        raise CheckpointError(
            f"{who}: is named .safetensors but is a zip archive, as torch.save writes; rename it to .pt"
        )
    if path.suffix.lower() != ".safetensors" and is_safetensors:
        raise CheckpointError(f"{who}: is named {path.suffix} but is a safetensors file; rename it to .safetensors")
    return data


def _as_tensor(value: Any) -> StoredTensor | None:
    if isinstance(value, np.ndarray):
        return from_numpy(value)
    if type(value).__module__.partition(".")[0] == "torch" or hasattr(value, "__torch_function__"):
        from verifier.networks.pt_file import from_torch, is_tensor

        return from_torch(value) if is_tensor(value) else None
    return None


def _unwrap(content: Any, who: str) -> tuple[dict[str, StoredTensor], str]:
    """The state dict inside `content`, through any nesting of wrappers, and a phrase naming the wrappers."""
    opened: list[str] = []
    while True:
        if not isinstance(content, Mapping):
            raise CheckpointError(
                f"{who}: expected a dict of tensors, got {type(content).__name__}; save the parameters with torch.save(model.state_dict(), path)"
            )
        strange = [key for key in content if not isinstance(key, str)]
        if strange:
            raise CheckpointError(f"{who}: expected names as keys of a state dict, got {strange[0]!r}")
        tensors = {key: tensor for key, value in content.items() if (tensor := _as_tensor(value)) is not None}
        inside = [key for key in WRAPPERS if isinstance(content.get(key), Mapping)]
        if len(inside) > 1:
            raise CheckpointError(
                f"{who}: both {' and '.join(map(repr, inside))} hold a state dict, and which one is meant is ambiguous; save one of them alone"
            )
        if not inside:
            break
        # Counters, scalar losses and random states may lie beside a wrapper; parameters or input statistics would change the network.
        beside = [key for key, tensor in tensors.items() if tensor.floating and tensor.shape]
        if beside:
            raise CheckpointError(
                f"{who}: tensors {', '.join(beside)} lie beside the state dict {inside[0]!r}, and what is the network is ambiguous; save its state dict alone"
            )
        opened.append(inside[0])
        content = content[inside[0]]
        if len(opened) > 8:
            raise CheckpointError(f"{who}: state dicts nested more than 8 deep")
    others = [key for key in content if key not in tensors]
    if opened and others:
        raise CheckpointError(
            f"{who}: {', '.join(others[:8])} inside {opened[-1]!r} are not tensors; save the parameters alone with model.state_dict()"
        )
    if not tensors:
        nested = [key for key, value in content.items() if isinstance(value, Mapping)]
        found = f"dicts {', '.join(nested)}" if nested else f"keys {', '.join(list(content)[:8]) or '(none)'}"
        raise CheckpointError(
            f"{who}: no tensors at the top, but {found}; expected a state dict, bare or under one of {', '.join(WRAPPERS)}"
        )
    return tensors, f"; inside {'.'.join(opened)}" if opened else ""


def _strip_prefix(keys: Sequence[str]) -> str:
    """The longest run of dotted components, such as `module._orig_mod.`, that all keys begin with; a key keeps its last component."""
    if len(keys) < 2:
        return ""
    prefix = ""
    for parts in zip(*(key.split(".")[:-1] for key in keys)):
        if len(set(parts)) > 1:
            break
        prefix += f"{parts[0]}."
    return prefix


def _network(
    tensors: Mapping[str, StoredTensor], layout: str | Sequence[str] | None, who: str, how: str
) -> tuple[Network, str, dict[str, str]]:
    prefix = _strip_prefix(list(tensors))
    short = {key.removeprefix(prefix): key for key in tensors}
    if layout is not None:  # may name keys in full or without the prefix
        items = layout.split(",") if isinstance(layout, str) else layout
        layout = ["+".join(part.strip().removeprefix(prefix) for part in item.split("+")) for item in items]
    found = find_layout({key: tensors[full].shape for key, full in short.items()}, layout, who)
    network = build_network({key: tensors[full] for key, full in short.items()}, found, who)
    dtypes = {
        short[key]: tensors[short[key]].dtype for key in (*found.weights, *(b for b in found.biases if b is not None))
    }
    return network, found.description + (f"; prefix {prefix}" if prefix else "") + how, dtypes


def _parse_metadata(text: Any, who: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise CheckpointError(
            f"{who}: its metadata {METADATA_KEY!r} is not JSON ({error}); train or save it again"
        ) from error
    if not isinstance(value, dict):
        raise CheckpointError(f"{who}: its metadata {METADATA_KEY!r} must be a JSON object, got {type(value).__name__}")
    return value


def _state_dict(network: Network) -> dict[str, np.ndarray]:
    """Arrays under Sequential's names `0.weight, 0.bias, 2.weight, ...`; float32 when every parameter is one, else float64."""
    named = {}
    for l, (W, b) in enumerate(zip(network.weights, network.biases)):
        named[f"{2 * l}.weight"] = W
        if b is not None:
            named[f"{2 * l}.bias"] = b
    with np.errstate(over="ignore"):
        single = {key: array.astype(np.float32) for key, array in named.items()}
    exact = all(np.array_equal(single[key].astype(np.float64), array) for key, array in named.items())
    return single if exact else named


def save_checkpoint(path: str | os.PathLike[str], network: Network, metadata: Mapping[str, Any] | None = None) -> None:
    """Write a network under Sequential's names, exactly, and atomically, as `.safetensors` or `.pt`/`.pth` by the suffix.

    metadata: JSON-able settings, stored as one JSON object under `verifier`; NaN and infinity are not JSON and raise ValueError.
    A `.pt` file is a dict {"state_dict": ..., "metadata": ...} that `torch.load(weights_only=True)` reads.

    Raises UsageError for another suffix or a place that cannot be written.
    """
    text = {METADATA_KEY: json.dumps(dict(metadata or {}), sort_keys=True, allow_nan=False)}
    arrays = _state_dict(network)
    suffix = Path(path).suffix.lower()
    if suffix == ".safetensors":
        import safetensors.numpy

        atomic_write_bytes(
            path, safetensors.numpy.save({k: np.ascontiguousarray(v) for k, v in arrays.items()}, metadata=text)
        )
    elif suffix in SUFFIXES:
        import torch

        buffer = io.BytesIO()
        torch.save({"state_dict": {k: torch.tensor(v) for k, v in arrays.items()}, "metadata": text}, buffer)
        atomic_write_bytes(path, buffer.getvalue())
    else:
        raise UsageError(f"{path}: expected a name ending in {', '.join(SUFFIXES)}, got {suffix or 'no suffix'!r}")

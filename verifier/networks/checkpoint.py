"""Checkpoint files and state dicts to `Network`, and back to files."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

from verifier.certificate.geometry import geometry_entry, parse_geometry
from verifier.errors import CertificateFormatError, CheckpointError, UsageError
from verifier.files import atomic_write_bytes
from verifier.kernel.statements import Geometry
from verifier.networks.curve_file import bend, count_bends, curve_kind, require_one_network
from verifier.networks.file_content import bend_of, find_file, is_safetensors, read_bytes
from verifier.networks.model_factory import ModelFactory, built, loaded
from verifier.networks.module import witnessed
from verifier.networks.network import Network
from verifier.networks.pt_file import read_pt
from verifier.networks.safetensors_file import read_safetensors
from verifier.networks.state_dict import by_names, common_prefix, own_layout
from verifier.networks.tensors import StoredTensor, build_network
from verifier.networks.unwrap import Inside, state_dict_inside
from verifier.options.declare import accepts, require_none_left
from verifier.options.reading import Reading, taken_reading

SUFFIXES = (".pt", ".pth", ".safetensors")
METADATA_KEY = "verifier"


@dataclass(frozen=True)
class Checkpoint:
    """A network as read from a file, with what a certificate records about where it came from.

    network: exact float64 parameters.
    path: the file as it was named.
    file_sha256: hash of the very bytes the parameters were read from.
    metadata: what `verifier train` stored (data, loss, kappa, ...); {} for other files.
    layout: which keys became which layers and what decided, for people.
    source_dtypes: stored dtype of each key used, e.g. {"0.weight": "float32"}.
    model: the factory that built the module it was loaded into, with its file, and how it was compared with torch; None: it was read without one.
    left_out: entries of the file that are no part of the network because `ignore` said so.
    """

    network: Network
    path: str
    file_sha256: str
    metadata: dict[str, Any] = field(default_factory=dict)
    layout: str = ""
    source_dtypes: dict[str, str] = field(default_factory=dict)
    model: ModelFactory | None = None
    left_out: tuple[str, ...] = ()


@accepts(Reading)
def load_checkpoint(path: str | os.PathLike[str], reading: Reading | None = None, **keywords: Any) -> Checkpoint:
    """Read what torch.save wrote (weights only) or a safetensors file, whatever it is called; of a folder, the one such file in it.

    FILE#K is the K-th network of a curve's checkpoint (`verifier.networks.curve_file`). reading: a value in place of keywords, or besides; needed only
    where names and shapes leave something open. With a `model` the module that it builds says layers, geometry and activation.

    Only files of `verifier train` store the activation; others are taken as ReLU networks with a linear last layer.
    Compare the loss that commands print with the one you trained to.

    Raises CheckpointError (exit 4), saying what was found and what to do, for everything that is not certainly one fully connected network.
    """
    who = str(path)
    reading = taken_reading(keywords, reading)
    require_none_left("load_checkpoint", keywords, Reading, own=("reading",))
    file, k = bend_of(who)
    data, tensors, inside, stored = _open(file, reading)
    metadata: dict[str, Any] = {}
    if isinstance(stored, Mapping) and METADATA_KEY in stored:
        metadata = _parse_metadata(stored[METADATA_KEY], who)
    geometry = _geometry(metadata, who)
    network, description, dtypes, model = _network(tensors, reading, file, str(inside), k, geometry)
    slope = metadata.get("negative_slope", 0.0)
    if type(slope) not in (int, float) or not 0.0 <= slope < 1.0:
        raise CheckpointError(f"{who}: records negative_slope {slope!r}; expected a number in [0, 1)")
    if model is None:
        network = replace(network, negative_slope=float(slope))
    expected = metadata.get("network_sha256", network.sha256())
    if expected != network.sha256():  # safetensors files have no checksum of their own
        raise CheckpointError(
            f"{who}: its parameters are not those it was saved with: SHA-256 {network.sha256()[:16]}..., recorded {str(expected)[:16]}...; "
            "the file was damaged or changed. Copy it again or train it anew"
        )
    digest = hashlib.sha256(data).hexdigest()
    return Checkpoint(network, who, digest, metadata, description, dtypes, model, inside.left_out)


def load_curve(path: str | os.PathLike[str], reading: Reading | None = None) -> tuple[list[Network], str | None]:
    """All networks of a curve's checkpoint, in order, and whether it says bezier or polychain. Raises CheckpointError when it holds no curve."""
    who, reading = str(path), reading or Reading()
    _, tensors, inside, _ = _open(who, reading)
    bends = count_bends(tensors)
    if not bends:
        raise CheckpointError(
            f"{who}: holds no curve; expected every parameter once per bend, as in fc1.weight_0, fc1.weight_1, fc1.weight_2"
        )
    return [_network(tensors, reading, who, str(inside), k)[0] for k in range(bends)], curve_kind(tensors)


def _open(path: str, reading: Reading) -> tuple[bytes, dict[str, StoredTensor], Inside, Any]:
    """(bytes, tensors by name, where they lay, the file's metadata)."""
    file = find_file(Path(path), path)
    data = read_bytes(file, path)
    if file.suffix.lower() == ".onnx" and not data.startswith(b"PK"):
        raise CheckpointError(
            f"{path}: is an ONNX graph; such graphs, which the package onnx reads, are not read here. Save the state dict of the torch module that it was "
            "exported from, and name the function that builds it with --model MODULE:FACTORY"
        )
    if is_safetensors(data, file):
        stored_tensors, metadata = read_safetensors(data, path)
        return data, *state_dict_inside(stored_tensors, reading, path), metadata
    content = read_pt(data, path)
    stored = content.get("metadata", {}) if isinstance(content, Mapping) else {}
    return data, *state_dict_inside(content, reading, path), stored


def network_from_state_dict(
    mapping: Mapping[str, Any], reading: Reading | None = None, who: str = "state dict"
) -> tuple[Network, str]:
    """Network and layout description from a dict of numpy arrays or torch tensors, bare or inside other dicts.

    Raises CheckpointError as `load_checkpoint` does; `who` names the source in its text.
    """
    return read_state_dict(mapping, reading or Reading(), who)[:2]


def read_state_dict(
    mapping: Mapping[str, Any], reading: Reading, who: str
) -> tuple[Network, str, ModelFactory | None, tuple[str, ...]]:
    """`network_from_state_dict`, with the model where one is named, and the entries that were left out as asked."""
    tensors, inside = state_dict_inside(mapping, reading, who)
    network, description, _, model = _network(tensors, reading, who, str(inside))
    return network, description, model, inside.left_out


def _network(
    tensors: Mapping[str, StoredTensor],
    reading: Reading,
    who: str,
    how: str,
    k: int | None = None,
    geometry: Geometry | None = None,
) -> tuple[Network, str, dict[str, str], ModelFactory | None]:
    """(network, layout, dtypes, and the model where one is named). geometry: that the file says itself."""
    bends = count_bends(tensors)
    require_one_network(bends, k, who)
    if k is not None:
        tensors, how = bend(tensors, k), f"{how}; network {k} of {bends} on a curve"
    prefix = common_prefix(list(tensors))
    if reading.model is not None:
        network, model = _of_a_model(tensors, reading, prefix, who)
        kinds = {key: tensor.dtype for key, tensor in tensors.items() if tensor.floating}
        return network, f"the module that {model.name} builds{how}", kinds, model
    if geometry is not None:
        own = own_layout(tensors, who)
        dtypes = {key: tensor.dtype for key, tensor in tensors.items()}
        return build_network(tensors, own, who, geometry), own.description + how, dtypes, None
    network, description, dtypes = by_names(tensors, prefix, reading, who)
    return network, description + how, dtypes, None


def _of_a_model(
    tensors: Mapping[str, StoredTensor], reading: Reading, prefix: str, who: str
) -> tuple[Network, ModelFactory]:
    """With layers, geometry and activation from the user's torch module."""
    module, name, file = built(reading.model)
    # Names of the file are not those of the module's layers.
    of_module = replace(reading, key=None, ignore=(), model=None)
    network, witness = witnessed(loaded(module, tensors, prefix, who), of_module)
    return network, ModelFactory(name, file, witness)


def _geometry(metadata: Mapping[str, Any], who: str) -> Geometry | None:
    """Of a convolutional network that was saved here; None in other files."""
    if "geometry" not in metadata:
        return None
    try:
        return parse_geometry(metadata["geometry"])
    except CertificateFormatError as error:
        raise CheckpointError(f"{who}: {error}; train or save it again") from error


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

    Weights of convolutional networks are matrices as in certificates, under the same names, and the geometry is in the metadata.

    Raises UsageError for another suffix or a place that cannot be written.
    """
    settings = dict(metadata or {})
    if network.geometry is not None:
        settings["geometry"] = geometry_entry(network.geometry)
    text = {METADATA_KEY: json.dumps(settings, sort_keys=True, allow_nan=False)}
    arrays = _state_dict(network)
    suffix = Path(path).suffix.lower()
    if suffix == ".safetensors":
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

"""From what the user names to two networks, a data set and an objective; anything missing or contradictory is said clearly."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from verifier.data.arrays import dataset_from
from verifier.data.dataset import Dataset
from verifier.data.load import load_data, load_recorded
from verifier.data.shape import sample_shape
from verifier.data.targets import fitted
from verifier.data.weights import Weighting, weighed
from verifier.errors import AnotherSlopeError, UsageError
from verifier.networks.checkpoint import load_checkpoint, read_state_dict
from verifier.networks.model_factory import ModelFactory
from verifier.networks.module import witnessed
from verifier.networks.network import Network
from verifier.networks.padding import common_widths, only_widths_differ, padded, padding_words
from verifier.networks.sklearn_mlp import is_mlp, network_from_mlp
from verifier.numbers import plural
from verifier.objective import Risk
from verifier.objective.objective import Objective, make_objective
from verifier.options.certify import CertifyOptions
from verifier.options.objective import ObjectiveOptions
from verifier.options.reading import Reading
from verifier.pipeline.setting import Endpoint, Setting

Array = np.ndarray


def read_endpoint(
    source: Any, name: str, reading: Reading | None = None, negative_slope: float | None = None
) -> Endpoint:
    """A path to a checkpoint, a `Network`, an `Endpoint` that was read before, a torch module, a fitted MLP of scikit-learn, or a state dict.

    negative_slope: of its Leaky ReLU, 0 for ReLU; None: as the source says. Files of other programs and state dicts say nothing: ReLU.

    Raises CheckpointError for what cannot be read as one fully connected network, UsageError for a slope outside [0, 1) or another than the source's.
    """
    if negative_slope is not None and not 0.0 <= negative_slope < 1.0:
        raise UsageError(f"negative_slope must lie in [0, 1), got {negative_slope}")
    e = _read(source, name, reading, negative_slope)
    if negative_slope is None:
        return e
    says = (
        isinstance(source, (Network, Endpoint))
        or hasattr(source, "state_dict")
        or bool(e.settings)
        or e.source.get("from") == "scikit-learn"
        or "model" in e.source
    )
    known = e.network.negative_slope if says else None
    if known is not None and known != negative_slope:
        raise AnotherSlopeError(
            f"network {name}: was made with negative slope {known:g}, and {negative_slope:g} is given; leave the option out"
        )
    return replace(e, network=replace(e.network, negative_slope=negative_slope))


def padded_endpoint(e: Endpoint, widths: tuple[int, ...]) -> Endpoint:
    """The endpoint with its network padded to these widths; what that changed is recorded with its source."""
    if e.network.widths == widths:
        return e
    about = {"padded": padding_words(e.network.widths, widths), "SHA-256 before padding": e.network.sha256()}
    return replace(e, network=padded(e.network, widths), source={**e.source, **about}, padded_from=e.network.widths)


def _read(source: Any, name: str, reading: Reading | None, negative_slope: float | None) -> Endpoint:
    if isinstance(source, Endpoint):
        return source
    if isinstance(source, Network):
        return Endpoint(source, {"from": "network"}, {})
    if isinstance(source, (str, os.PathLike)):
        c = load_checkpoint(source, reading)
        where = {
            "file": os.path.basename(c.path),
            "file_sha256": c.file_sha256,
            "layout": c.layout,
            "dtypes": sorted(set(c.source_dtypes.values())),
        }
        return Endpoint(c.network, where | _from_model(c.model) | _without(c.left_out), c.metadata)
    if isinstance(source, Mapping):
        network, how, model, left_out = read_state_dict(source, reading or Reading(), f"network {name}")
        about = {"from": "state dict", "layout": how}
        return Endpoint(network, about | _from_model(model) | _without(left_out), {})
    if hasattr(source, "state_dict"):
        network, witness = witnessed(source, reading, negative_slope)
        return Endpoint(network, {"from": type(source).__name__, "witness": str(witness)}, {})
    if is_mlp(source):
        return Endpoint(network_from_mlp(source), {"from": "scikit-learn", "class": type(source).__name__}, {})
    raise UsageError(
        f"network {name}: expected a checkpoint path, a torch module, a fitted MLP of scikit-learn, a state dict or a Network, got {type(source).__name__}"
    )


def _from_model(model: ModelFactory | None) -> dict[str, Any]:
    """What the record says of a factory that was called; {} without one."""
    if model is None:
        return {}
    return {"model": model.name, "model_file": model.file, "witness": str(model.witness)}


def _without(left_out: tuple[str, ...]) -> dict[str, Any]:
    """What the record says of entries that are no part of the network because the user said so; {} without any."""
    return {"left_out": list(left_out)} if left_out else {}


def _agreed(key: str, given: Any, A: Endpoint, B: Endpoint, option: str) -> Any:
    """The option when given; else what both checkpoints recorded."""
    if given is not None:
        return given
    a, b = A.settings.get(key), B.settings.get(key)
    if a is not None and b is not None and a != b:
        raise UsageError(
            f"the checkpoints were trained with different settings: {key} is {a!r} for A and {b!r} for B; choose one with {option}"
        )
    return a if a is not None else b


def read_data(data: Any, A: Endpoint, B: Endpoint, options: Mapping[str, Any], loss: str) -> Dataset:
    """A `Dataset`, a pair (X, y) and the like (`verifier.data.arrays`), the word after --data, or None for the data set the checkpoints recorded.

    Loss and the networks' outputs decide what its targets mean. Raises UsageError or DataError where they do not fit, over all samples.
    """
    inputs, outputs = A.network.widths[0], A.network.widths[-1]
    dataset = fitted(_found_data(data, A, B, options, loss, outputs), loss, outputs)
    if dataset.dimension != inputs:
        raise UsageError(
            f"data {dataset.name} has {plural(dataset.dimension, 'feature')}, the networks take {plural(inputs, 'input')}; "
            f"choose the data set and preparation the networks were trained on{_columns(dataset, inputs)}"
        )
    return dataset


def _columns(dataset: Dataset, inputs: int) -> str:
    """Of a table: the features, and where there are too many how to leave one out."""
    tables = [step[kind] for step in dataset.recipe.get("steps", ()) for kind in ("csv", "parquet") if kind in step]
    if not tables:
        return ""
    names = tables[0]["features"]
    drop = "; --drop COLUMN leaves a column out that is no feature" if dataset.dimension > inputs else ""
    return f"; the features are {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}{drop}"


def _found_data(data: Any, A: Endpoint, B: Endpoint, options: Mapping[str, Any], loss: str, outputs: int) -> Dataset:
    if isinstance(data, (str, os.PathLike)):
        return load_data(os.fspath(data), **options, loss=loss, outputs=outputs)
    if data is not None:
        task = options.get("task")
        if set(options) - {"task"} or (task is not None and isinstance(data, Dataset)):
            raise UsageError(
                f"data_options {', '.join(options)}: belong to data that are named, not to data in memory; prepare them yourself"
            )
        return data if isinstance(data, Dataset) else dataset_from(data, loss=loss, outputs=outputs, task=task)
    record = _agreed("data", None, A, B, "--data")
    if record is None:
        raise UsageError(
            "no data set: the checkpoints do not record one (only files written by `verifier train` do); "
            "name it with --data, e.g. --data breast_cancer, --data mine.npz or --data mine.csv --target label"
        )
    if options:
        raise UsageError(f"{', '.join('--' + k.replace('_', '-') for k in options)}: these options need --data")
    return load_recorded(record)


def read_objective(A: Endpoint, B: Endpoint, given: ObjectiveOptions) -> Objective:
    """The objective that is asked for. Each option that is None is as the checkpoints recorded it, whatever the others are; penalty "none" and
    kappa 0 mean each other, and another penalty does not inherit that the output bias is penalised.

    Raises UsageError when no loss is known. Without a recorded or given kappa the objective is the loss alone.
    """
    loss = _agreed("loss", given.loss, A, B, "--loss")
    if loss is None:
        raise UsageError(
            "no loss: the checkpoints do not record one; name it with --loss "
            "(logistic, cross_entropy, squared, huber, hinge or absolute)"
        )
    delta = given.delta
    if delta is None and loss == "huber":
        delta = _agreed("delta", None, A, B, "--delta")
    kappa, penalty, bias = given.kappa, given.penalty, given.penalise_output_bias
    if penalty == "none" and kappa is None:
        kappa = 0.0
    if penalty is None and kappa != 0:
        recorded = _agreed("penalty", None, A, B, "--penalty")
        penalty = None if recorded == "none" else recorded
        if bias is None:
            bias = _agreed("penalise_output_bias", None, A, B, "--penalise-output-bias")
    kappa = _agreed("kappa", kappa, A, B, "--kappa")
    if given.kappa is None and penalty != "none" and not kappa:
        kappa = None  # recorded as 0 or not at all: no weight for a penalty that is asked for now
    return make_objective(loss, delta=delta, kappa=kappa, penalty=penalty, penalise_output_bias=bool(bias))


def with_shape_of(data: Any, reading: Reading | None) -> Reading:
    """`reading`, with the shape of an image that the data say; convolutional modules may need it."""
    shape = sample_shape(data)
    reading = reading or Reading()
    return reading if shape is None else replace(reading, data_shape=shape)


def _is_stored(source: Any) -> bool:
    """A file or a state dict, which does not say what computes with it."""
    return isinstance(source, (str, os.PathLike, Mapping))


def read_setting(a: Any, b: Any, data: Any, objective: ObjectiveOptions, options: CertifyOptions) -> Setting:
    """Read and check everything; raises VerifierError before any long computation starts."""
    o = options
    if o.reading is not None and o.reading.model is not None and not any(_is_stored(x) for x in (a, b)):
        raise UsageError("model: builds the module of a checkpoint, and A and B are no checkpoints; leave it out")
    reading = with_shape_of(data, o.reading)
    A, B = (read_endpoint(source, name, reading, o.negative_slope) for source, name in ((a, "A"), (b, "B")))
    if o.pad:
        widths = common_widths({"A": A.network, "B": B.network})
        A, B = padded_endpoint(A, widths), padded_endpoint(B, widths)
    if A.network.architecture != B.network.architecture:
        hint = PAD_HINT if only_widths_differ(A.network, B.network) else ""
        raise UsageError(
            f"A and B differ in architecture: widths {A.network.widths} and {B.network.widths}, biases per layer "
            f"{A.network.architecture[1]} and {B.network.architecture[1]}, slopes {A.network.negative_slope:g} and {B.network.negative_slope:g}; "
            f"a path joins networks of one architecture{hint}"
        )
    asked = read_objective(A, B, objective)
    read = read_data(data, A, B, o.data_options or {}, asked.loss.name)
    dataset = weighed(read, asked.loss.name, Weighting(o.weights, o.class_weight, o.pos_weight))
    asked = asked.weighted(dataset.weights)
    return Setting(A, B, dataset, asked, encoded(asked, dataset, A.network))


PAD_HINT = "; --pad (pad=True) adds dead neurons to the narrower layers, which changes no function"


def encoded(objective: Objective, dataset: Dataset, network: Network) -> Array:
    """The loss's targets, once all of them fit the network's outputs. Raises UsageError."""
    targets = objective.loss.encode(dataset)
    objective.loss.check(np.broadcast_to(0.0, (dataset.samples, network.widths[-1])), targets)
    return targets


def polished_endpoint(name: str, e: Endpoint, risk: Risk, say: Callable[[str], None]) -> Endpoint:
    """The network trained on towards stationarity; what that changed is recorded with its source."""
    from verifier.paths.polish import polish

    p = polish(e.network, risk)
    say(f"{name} polished: F {p.before:.6g} -> {p.after:.6g}, gradient norm {p.gradient:.2g} after {p.rounds} rounds")
    note = {"polished from": e.network.sha256(), "F before": p.before, "F after": p.after, "gradient norm": p.gradient}
    return replace(e, network=p.network, source={**e.source, **note}, polished=True)


def polished(s: Setting, say: Callable[[str], None]) -> Setting:
    """The setting with both networks polished."""
    A, B = (polished_endpoint(n, e, s.risk, say) for n, e in (("A", s.A), ("B", s.B)))
    return Setting(A, B, s.data, s.objective, s.targets)

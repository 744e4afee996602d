"""`load_data`: from the word after `--data` to a prepared, recorded data set."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from verifier.data.bundled import BUNDLED, PRESETS, load_bundled
from verifier.data.cifar import KINDS, load_cifar
from verifier.data.dataset import TASKS, Dataset
from verifier.data.idx_files import FASHION, FASHION_FOLDER, FOLDERS, load_idx
from verifier.data.npz_file import load_npz, load_weights
from verifier.data.openml import load_openml
from verifier.data.prepare import Preparation, held_out, prepare
from verifier.data.scaling import SCALES, Scaling
from verifier.data.shape import sample_shape
from verifier.data.source import Source
from verifier.data.table import load_csv, load_parquet
from verifier.data.targets import Question
from verifier.errors import DataError, UsageError

SPLIT_SEED = 42


def load_data(  # noqa: PLR0913 (the keywords of a public door)
    spec: str,
    *,
    target: str | None = None,
    task: str | None = None,
    standardize: bool | None = None,
    train_split: float | None = None,
    drop: str | None = None,
    header: bool | None = None,
    sample_weight: str | None = None,
    scale: str | None = None,
    loss: str | None = None,
    outputs: int | None = None,
) -> Dataset:
    """Load and prepare a data set.

    spec: one of
        moons, moons:n=200,noise=0.1,seed=3, breast_cancer, digits, digits-unit, iris, wine, diabetes: raw, as scikit-learn gives them;
        paper-moons, paper-breast-cancer: as in the paper's experiments, 800 and 455 standardised training points;
        FILE.npz (arrays X, y), FILE.csv or FILE.parquet (`target` names a column), openml:ID;
        idx:FOLDER or mnist:FOLDER (training part), idx-test:FOLDER or mnist-test:FOLDER: files of MNIST's format, pixels / 255;
        fashion-mnist, fashion-mnist-test: as Debian's package dataset-fashion-mnist installs them;
        cifar10:FOLDER, cifar10-test:FOLDER, cifar100:FOLDER, cifar100-test:FOLDER: the binary or the python version, pixels / 255.
    target: target column of tables and OpenML sets, several separated by commas; None for the only column named target, y or label.
    drop: columns of a table to leave out, separated by commas. header: whether the first line of a .csv file names the columns (without a header
        they are called 0, 1, ...); None refuses a first line that looks like a sample.
    task: binary, multiclass or regression; None infers it (text, booleans and integers of at most 30 values are classes, floats are regression).
    standardize: subtract each feature's mean and divide by its standard deviation, both of the rows used; None is no, except in presets.
    scale: symmetric maps the least and the largest number of the rows used to -1 and 1; channels subtracts each channel's mean and divides by its standard
        deviation (images); whiten makes the features uncorrelated with variance 1 (ZCA); None is no. All of the rows used.
    train_split: share of rows to keep, drawn with seed 42, stratified by class; None keeps all.
    sample_weight: weights of the samples in the mean: a column of a table, an array of an .npz file, or FILE.npy, one number >= 0 per sample of the
        source, before any split.
    loss, outputs: of the networks, where they are known: they decide the task and which label is which output (`verifier.data.targets`).

    The recipe of the result lists every step, and `data_record` of it is enough for `load_recorded` to make it again.

    Raises UsageError for options that are unknown or contradict the spec, DataError for data that cannot be read as asked.
    """
    if task is not None and task not in TASKS:
        raise UsageError(f"task {task!r} is unknown; choose one of {', '.join(TASKS)}")
    if train_split is not None and not 0 < train_split < 1:
        raise UsageError(f"train_split must lie strictly between 0 and 1, got {train_split}")
    if scale is not None and scale not in SCALES:
        raise UsageError(f"scale {scale!r} is unknown; choose one of {', '.join(SCALES)}")
    if scale is not None and standardize:
        raise UsageError(f"--scale {scale} and --standardize are two preparations of the same numbers; leave one out")
    options = {
        "target": target, "task": task, "standardize": standardize, "train_split": train_split,
        "drop": drop, "header": header, "sample_weight": _as_file(sample_weight), "scale": scale, "loss": loss, "outputs": outputs,
    }  # fmt: skip
    kind, spec, source = _open(spec, target, drop, header, sample_weight)
    wanted = _wanted(kind, spec, options)
    if kind in PRESETS and (standardize is not None or train_split is not None or scale is not None):
        raise UsageError(
            f"data {kind} fixes its own split and standardisation; leave these options out, or use {PRESETS[kind][0]}"
        )
    if task is not None and kind in (*BUNDLED, *PRESETS) and task != source.task:
        raise UsageError(f"data {kind} is a {source.task} task; leave --task out")
    X, targets, weights, steps = prepare(source, wanted, Question(task, loss, outputs), f"data {spec}")
    recipe = {
        "spec": spec,
        "options": {key: value for key, value in options.items() if value is not None},
        "steps": [*source.steps, *steps],
    }
    name = (
        spec
        if kind in (*BUNDLED, *PRESETS, *FASHION, "openml")
        else Path(spec.partition(":")[2] if kind in (*FOLDERS, *KINDS) else spec).name
    )
    return Dataset(X, targets.y, name, targets.task, recipe, source.sha256, targets.labels, weights)


def _wanted(kind: str, spec: str, options: Mapping[str, Any]) -> Preparation:
    if kind in PRESETS:
        return Preparation(**PRESETS[kind][1], seed=SPLIT_SEED)
    scale = options.get("scale")
    scaling = None if scale is None else Scaling(scale, sample_shape(spec))
    return Preparation(bool(options.get("standardize")), options.get("train_split"), SPLIT_SEED, scale=scaling)


def load_test(dataset: Dataset, spec: str | None = None) -> Dataset:
    """Samples to test on for a data set of `load_data`, prepared by what its own rows decided: those that its split left out, or all of another source.

    spec: as for `load_data`; None: what the split left out. Raises UsageError for a data set made in memory, DataError where nothing was left out or the
    other source has other features or classes.
    """
    record = data_record(dataset)
    o = record["options"]
    reading = (o.get("target"), o.get("drop"), o.get("header"), None)
    kind, own, source = _open(record["spec"], *reading)
    other = None if spec is None else _open(spec, *reading)[2]
    X, targets = held_out(
        source, _wanted(kind, own, o), Question(o.get("task"), o.get("loss"), o.get("outputs")), f"data {own}", other
    )
    name = f"{dataset.name}, left out" if spec is None else spec
    return Dataset(X, targets.y, name, targets.task, {"test of": record["sha256"]}, None, targets.labels)


_FILES = (".npz", ".csv", ".parquet")


def _as_file(sample_weight: str | None) -> str | None:
    """An .npy file with its absolute path, for the recipe; other words as they are."""
    if sample_weight is None or not sample_weight.endswith(".npy"):
        return sample_weight
    return os.path.abspath(os.path.expanduser(sample_weight))


def _open(
    spec: str, target: str | None, drop: str | None, header: bool | None, sample_weight: str | None
) -> tuple[str, str, Source]:
    """(kind, spec with an absolute path, raw data)."""
    file = _as_file(sample_weight)
    if file is None or not file.endswith(".npy"):
        return _open_source(spec, target, drop, header, sample_weight)
    kind, spec, source = _open_source(spec, target, drop, header, None)
    source.weights = load_weights(Path(file), len(source.X))
    source.steps.append({"sample_weight": file})
    return kind, spec, source


def _open_source(
    spec: str, target: str | None, drop: str | None, header: bool | None, sample_weight: str | None
) -> tuple[str, str, Source]:
    """sample_weight: a column or an array of the source itself."""
    kind, colon, rest = spec.partition(":")
    kind = kind.replace("_", "-") if kind.replace("_", "-") in PRESETS else kind
    suffix = Path(spec).suffix.lower()
    if drop is not None and suffix not in (".csv", ".parquet"):
        raise UsageError(f"--drop {drop} belongs to tables (.csv, .parquet), not to data {spec}; leave it out")
    if header is not None and suffix != ".csv":
        raise UsageError(f"--header and --no-header belong to .csv files, not to data {spec}; leave them out")
    if sample_weight is not None and suffix not in _FILES:
        raise UsageError(
            f"sample_weight {sample_weight!r}: names a column or an array of a file, and data {spec} is none; give the weights as FILE.npy"
        )
    if kind in FOLDERS and colon:
        _no_target(target, kind)
        folder = Path(os.path.abspath(os.path.expanduser(rest)))
        return kind, f"{kind}:{folder}", load_idx(folder, FOLDERS[kind])
    if kind in FASHION and not colon:
        _no_target(target, kind)
        if not FASHION_FOLDER.is_dir():
            raise DataError(
                f"data {kind}: {FASHION_FOLDER} is not there; install Debian's package (apt-get install dataset-fashion-mnist), "
                "or name a folder with the same four files: idx:FOLDER, idx-test:FOLDER"
            )
        return kind, kind, load_idx(FASHION_FOLDER, FASHION[kind])
    if kind in KINDS and colon:
        _no_target(target, kind)
        folder = Path(os.path.abspath(os.path.expanduser(rest)))
        return kind, f"{kind}:{folder}", load_cifar(folder, kind)
    if kind == "openml" and colon:
        return kind, spec, load_openml(rest, target)
    if suffix in _FILES:
        path = Path(os.path.abspath(os.path.expanduser(spec)))
        if suffix == ".npz":
            _no_target(target, ".npz files (their target is the array y)")
            return suffix, str(path), load_npz(path, sample_weight)
        return (
            suffix,
            str(path),
            load_csv(path, target, drop, header, sample_weight)
            if suffix == ".csv"
            else load_parquet(path, target, drop, sample_weight),
        )
    if kind in BUNDLED or (kind in PRESETS and not colon):
        _no_target(target, f"data {kind}")
        return (
            kind,
            f"{kind}{colon}{rest}",
            load_bundled(PRESETS[kind][0] if kind in PRESETS else kind, _options(spec, rest) if colon else {}),
        )
    raise UsageError(
        f"data {spec!r} is unknown; expected one of {', '.join((*BUNDLED, *PRESETS))}, a file {', '.join(_FILES)}, "
        "openml:ID, idx:FOLDER, cifar10:FOLDER, or fashion-mnist"
    )


def _no_target(target: str | None, what: str) -> None:
    if target is not None:
        raise UsageError(f"--target {target} belongs to tables and OpenML sets, not to {what}; leave it out")


def _options(spec: str, text: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for item in text.split(","):
        key, equals, value = item.partition("=")
        if not equals or key.strip() in options:
            raise UsageError(
                f"data {spec!r}: expected options as key=value, each once, as in moons:n=200,noise=0.1,seed=3; got {item!r}"
            )
        options[key.strip()] = value.strip()
    return options


def data_record(dataset: Dataset) -> dict[str, Any]:
    """JSON-able {"spec", "options", "sha256", "source_sha256"} that `load_recorded` turns back into the same data set.

    Raises UsageError for a data set that did not come from `load_data`.
    """
    if "spec" not in dataset.recipe:
        raise UsageError(
            f"data {dataset.name}: was made in memory, so there is no recipe to record; save it as .npz and load that"
        )
    return {
        "spec": dataset.recipe["spec"],
        "options": dict(dataset.recipe["options"]),
        "sha256": dataset.sha256(),
        "source_sha256": dataset.source_sha256,
    }


def load_recorded(record: Mapping[str, Any]) -> Dataset:
    """The data set that `data_record` described, verified by its hash.

    Raises DataError when the record is malformed, the source is gone, or the numbers are no longer the same.
    """
    try:
        spec, options, expected = str(record["spec"]), dict(record["options"]), str(record["sha256"])
        dataset = load_data(spec, **options)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"data record {dict(record)!r}: is malformed ({error}); give the data set with --data"
        ) from error
    found = dataset.sha256()
    if found != expected:
        raise DataError(
            f"data {spec}: is no longer the data set that was recorded: SHA-256 of X and y is {found[:16]}..., recorded {expected[:16]}...; "
            "restore it, or give the data set with --data"
        )
    return dataset

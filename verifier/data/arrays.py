"""Data in memory, as users of numpy, pandas, scipy and torch have them, to the same `Source` that files become."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from verifier.data.dataset import Dataset
from verifier.data.prepare import Preparation, prepare
from verifier.data.shape import sample_shape
from verifier.data.source import Source, check_size, exact_float64
from verifier.data.targets import Question
from verifier.errors import UsageError
from verifier.numbers import plural

_EXPECTED = "expected a Dataset, a pair (X, y), a torch Dataset or DataLoader, or the word after --data"


def dataset_from(data: Any, *, loss: str | None = None, outputs: int | None = None, task: str | None = None) -> Dataset:
    """Data set from a pair (X, y), a torch Dataset or a DataLoader (all samples of its data set, once each).

    X: numbers or booleans, array, nested lists, DataFrame, scipy sparse matrix or tensor, flattened per sample. y: numbers, booleans or text, one label or
    several numbers per sample: array, list, Series, DataFrame or tensor. loss, outputs, task: see `verifier.data.targets`.

    Raises UsageError for what cannot be read as that, DataError for NaN or infinity and for targets that do not fit.
    """
    X, y, origin = _pair(data)
    features, targets = _matrix(X, "X"), _array(y, "y")
    if targets.ndim == 0 or targets.ndim > 2 or len(targets) != len(features):
        raise UsageError(
            f"data: X has {plural(len(features), 'sample')}, y has shape {targets.shape}; expected one target, or one row of targets, per sample"
        )
    if targets.dtype.kind in "fiu":
        targets = exact_float64(targets, "data: y") if targets.dtype.kind == "f" or targets.ndim == 2 else targets
    shape = sample_shape(data)
    flattened = [] if shape is None else [{"flatten": list(shape)}]
    source = Source(features, targets, [{"from": origin}, *flattened])
    features, found, _, steps = prepare(source, Preparation(), Question(task, loss, outputs), "data")
    recipe = {
        "from": "arrays in memory",
        "options": {} if task is None else {"task": task},
        "steps": [*source.steps, *steps],
    }
    return Dataset(features, found.y, "arrays", found.task, recipe, labels=found.labels)


def _is_torch(value: Any) -> bool:
    return any(kind.__module__.partition(".")[0] == "torch" for kind in type(value).__mro__)


def _pair(data: Any) -> tuple[Any, Any, str]:
    """(X, y, where they come from)."""
    if isinstance(data, (tuple, list)) and len(data) == 2:
        return data[0], data[1], f"{type(data[0]).__name__} and {type(data[1]).__name__}"
    if _is_torch(data) and hasattr(data, "dataset") and hasattr(data, "sampler"):
        _require_every_sample_once(data)
        return (*_pair(data.dataset)[:2], f"DataLoader over {type(data.dataset).__name__}")
    if hasattr(data, "tensors") and _is_torch(data):
        if len(data.tensors) != 2:
            raise UsageError(f"data: a TensorDataset of {len(data.tensors)} tensors; expected two, X and y")
        return (*data.tensors, "TensorDataset")
    if not isinstance(data, Mapping) and hasattr(data, "__getitem__") and hasattr(data, "__len__") and _is_torch(data):
        return (*_items(data), type(data).__name__)
    raise UsageError(f"data: got {_what(data)}; {_EXPECTED}")


def _require_every_sample_once(loader: Any) -> None:
    """F is the mean over all samples of the loader's data set: refuse a loader that means others."""
    sampler, batches = loader.sampler, loader.batch_sampler
    why = None
    if not hasattr(loader.dataset, "__len__"):
        raise UsageError(
            "data: a DataLoader over an iterable data set, of which nobody knows the end; collect its samples and hand over (X, y)"
        )
    if type(sampler).__name__ not in ("SequentialSampler", "RandomSampler") or type(batches).__name__ not in (
        "BatchSampler",
        "NoneType",
    ):
        why = f"with {type(sampler).__name__} and {type(batches).__name__}"
    elif getattr(sampler, "replacement", False) or len(sampler) != len(loader.dataset):
        why = f"that draws {plural(len(sampler), 'sample')} of {len(loader.dataset)}{', with replacement' if getattr(sampler, 'replacement', False) else ''},"
    elif getattr(batches, "drop_last", False):
        why = "with drop_last"
    if why is not None:
        raise UsageError(
            f"data: a DataLoader {why} does not visit every sample once, "
            "and F is the mean over all of them; hand over the data set you mean, such as loader.dataset"
        )


def _what(data: Any) -> str:
    if isinstance(data, (tuple, list)):
        return f"a {type(data).__name__} of {len(data)} objects"
    return f"a {type(data).__name__}"


def _items(data: Any) -> tuple[np.ndarray, np.ndarray]:
    """Samples of a map-style torch Dataset, read twice: random augmentation would make F another number each time."""
    rows = []
    for _ in range(2):
        try:
            items = [data[k] for k in range(len(data))]
            rows.append((np.stack([_array(i[0], "X") for i in items]), np.stack([_array(i[1], "y") for i in items])))
        except UsageError:
            raise
        except Exception as error:  # the data set is the user's code
            raise UsageError(
                f"data: the items of {type(data).__name__} are not pairs (x, y) of one shape ({type(error).__name__}: {error})"
            ) from error
    if not all(np.array_equal(a, b) for a, b in zip(*rows)):
        raise UsageError(
            f"data: {type(data).__name__} gives other numbers when read twice (random augmentation?); F needs fixed samples, so hand over (X, y)"
        )
    return rows[0]


def _matrix(value: Any, name: str) -> np.ndarray:
    if hasattr(value, "tocoo") and hasattr(value, "toarray"):  # scipy sparse
        check_size(int(np.prod(value.shape)), f"data: {name}")
        value = value.toarray()
    array = _array(value, name)
    if array.ndim < 2 or 0 in array.shape:
        single = f"; of one feature per sample hand over {name}.reshape(-1, 1)" if array.ndim == 1 else ""
        raise UsageError(
            f"data: {name} has shape {array.shape}; expected (samples, features), neither of them 0{single}"
        )
    if array.dtype.kind not in "fiub":
        raise UsageError(f"data: {name} holds {array.dtype}; expected numbers, so encode text and dates first")
    check_size(array.size, f"data: {name}")
    return exact_float64(array.reshape(len(array), -1), f"data: {name}")


def _array(value: Any, name: str) -> np.ndarray:
    """A numpy array of numbers, booleans or text, from whatever holds one."""
    if np.ma.isMaskedArray(value) and np.ma.getmaskarray(value).any():
        raise UsageError(f"data: {name} has masked values; fill them, or leave their samples out")
    if hasattr(value, "detach") and _is_torch(value):
        value = value.detach().cpu()
        value = (value.double() if value.dtype.is_floating_point else value).numpy()
    if hasattr(value, "dtypes") and hasattr(value, "columns"):  # a DataFrame: one dtype, column by column
        columns = {c: _array(value[c], f"{name}, column {c!r}") for c in value.columns}
        text = [c for c, column in columns.items() if column.dtype.kind == "U"]
        if text and (name == "X" or len(columns) > 1):
            raise UsageError(f"data: {name}, column {text[0]!r} is text; encode it as numbers, or leave it out")
        return np.column_stack(list(columns.values())) if columns else np.empty((len(value), 0))
    try:
        # Of lists, numpy would turn a number beside text into text.
        array = np.array(value, dtype=object) if isinstance(value, (list, tuple)) else np.asarray(value)
        if array.dtype.kind == "O":  # text alone, or numbers alone, become that
            found = {type(x).__name__ for x in array.ravel().tolist() if not isinstance(x, (list, tuple))}
            if found & {"str", "NoneType"} and len(found) > 1:
                raise ValueError(f"it mixes {', '.join(sorted(found))}")
            array = np.array(array.tolist())
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"data: {name} cannot be read as an array ({error}); expected numbers, booleans or text"
        ) from error
    if array.dtype.kind not in "fiubU":
        raise UsageError(
            f"data: {name} holds {array.dtype} ({type(value).__name__}); expected numbers, booleans or text, without missing values"
        )
    return array

"""From raw numbers to task, labels, split and scale; each step recorded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from verifier.data.source import Source
from verifier.errors import DataError

# Integers with more distinct values than this are taken as regression targets unless task says otherwise.
MAX_CLASSES = 30
_INTEGER = re.compile(r"[+-]?[0-9]{1,16}")


@dataclass(frozen=True)
class Preparation:
    """standardize: per feature, with the kept rows' mean and standard deviation. train_split: share of rows kept, or None for all.

    stratify: keep the shares of the classes in a split; None for "when there are classes".
    """

    standardize: bool = False
    train_split: float | None = None
    seed: int = 42
    stratify: bool | None = None


def prepare(
    source: Source, wanted: Preparation, task: str | None, who: str
) -> tuple[np.ndarray, np.ndarray, str, list[dict[str, Any]]]:
    """(X, y, task, steps) after labelling, splitting and standardising, in this order.

    Raises DataError when the targets do not fit the task, a split is impossible, or a value is NaN or infinite.
    """
    if not np.isfinite(source.X).all():
        row, column = np.argwhere(~np.isfinite(source.X))[0]
        raise DataError(
            f"{who}: X holds NaN or infinity, first in row {row + 1}, column {column + 1}; clean or impute it first"
        )
    if source.y.dtype.kind == "f" and not np.isfinite(source.y).all():
        raise DataError(
            f"{who}: y holds NaN or infinity, first in row {int(np.argwhere(~np.isfinite(source.y))[0][0]) + 1}; clean it first"
        )
    y, found, steps = _targets(source.y, task or source.task, source.numbered, who)
    X = source.X
    if wanted.train_split is not None:
        X, y = _split(X, y, wanted, found, who)
        stratified = _stratified(wanted, found)
        steps.append(
            {
                "train_split": {
                    "train_size": wanted.train_split,
                    "random_state": wanted.seed,
                    "stratify": stratified,
                    "rows": len(X),
                }
            }
        )
    if wanted.standardize:
        from sklearn.preprocessing import StandardScaler

        X = StandardScaler().fit_transform(X)
        steps.append({"standardize": "StandardScaler fitted on these rows"})
    return X, y, found, steps


def _stratified(wanted: Preparation, task: str) -> bool:
    return task != "regression" if wanted.stratify is None else wanted.stratify


def _split(X: np.ndarray, y: np.ndarray, wanted: Preparation, task: str, who: str) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.model_selection import train_test_split

    try:
        test_size = round(1 - float(wanted.train_split or 0), 12)
        X, _, y, _ = train_test_split(
            X, y, test_size=test_size, random_state=wanted.seed, stratify=y if _stratified(wanted, task) else None
        )
    except ValueError as error:
        raise DataError(f"{who}: cannot keep a share of {wanted.train_split} of {len(X)} rows: {error}") from error
    return X, y


def _targets(y: np.ndarray, task: str | None, numbered: bool, who: str) -> tuple[np.ndarray, str, list[dict[str, Any]]]:
    """Targets as `Dataset` wants them, the task, and the step that says how labels became integers."""
    if task == "regression" or (task is None and _is_regression(y)):
        if y.dtype.kind == "U":
            raise DataError(f"{who}: the target is text, such as {str(y[0])!r}; expected numbers for a regression task")
        return y.astype(np.float64), "regression", [{"task": "regression"}]
    if y.ndim != 1:
        raise DataError(
            f"{who}: y has shape {y.shape}; a classification task needs one label per sample, so give class numbers instead of one-hot rows"
        )
    if y.dtype.kind == "f":
        if not np.array_equal(y, np.round(y)) or np.abs(y).max() > 2**53:
            raise DataError(
                f"{who}: the target holds fractions, such as {float(y[y != np.round(y)][0])!r}; expected class labels for a {task} task"
            )
        y = y.astype(np.int64)
    if y.dtype.kind == "U" and all(_INTEGER.fullmatch(label) for label in np.unique(y)):
        y = y.astype(np.int64)  # so that "10" comes after "9"
    labels = np.unique(y)
    if len(labels) < 2:
        shown = ", ".join(repr(label) for label in labels.tolist()) or "none"
        raise DataError(
            f"{who}: the targets are all the same ({shown}); expected at least two classes, or --task regression"
        )
    if task == "binary" and len(labels) != 2:
        raise DataError(f"{who}: the target has {len(labels)} distinct labels; a binary task needs two")
    names = _class_names(labels, task == "binary", numbered, who)
    y = y.astype(np.int64) if names is None else np.searchsorted(labels, y).astype(np.int64)
    classes = int(labels[-1]) + 1 if names is None else len(names)
    found = task or ("binary" if classes == 2 else "multiclass")
    step: dict[str, Any] = {"task": found, "classes": classes}
    if names is not None:
        step["labels"] = names
    return y, found, [step]


def _class_names(labels: np.ndarray, binary: bool, numbered: bool, who: str) -> list[Any] | None:
    """Labels in the order of their class numbers, or None where labels are class numbers already.

    A class number says which output of a network a sample belongs to, so integers are renumbered only where their meaning is plain: -1/1, 1..K,
    or two labels of a task called binary. Class numbers from 0 stay even when a class between has no sample.
    """
    if labels.dtype.kind == "U":
        return [str(label) for label in labels]
    values = [int(label) for label in labels]
    if numbered or values == list(range(len(values))):
        return None
    if binary or values == [-1, 1] or values == list(range(1, len(values) + 1)):
        return values
    if values[0] == 0 and values[-1] < max(2 * len(values), MAX_CLASSES):
        return None
    shown = ", ".join(map(str, values[:8])) + (", ..." if len(values) > 8 else "")
    raise DataError(
        f"{who}: the labels {shown} are neither 0..K-1 nor 1..K nor -1/1, so which class is which output is not certain; renumber them"
        + (", or say --task binary" if len(values) == 2 else ", or say --task regression")
    )


def _is_regression(y: np.ndarray) -> bool:
    if y.ndim == 2 or y.dtype.kind == "f":
        return True
    return y.dtype.kind in "iu" and len(np.unique(y)) > MAX_CLASSES

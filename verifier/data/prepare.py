"""From raw numbers to task, labels, split and scale; each step recorded."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any

import numpy as np

from verifier.data.scaling import Map, Scaling, fitted_scaling, standardising
from verifier.data.source import Source
from verifier.data.targets import Question, Targets, read_targets
from verifier.errors import DataError
from verifier.numbers import plural


@dataclass(frozen=True)
class Preparation:
    """standardize: per feature, with the kept rows' mean and standard deviation. train_split: share of rows kept, or None for all.

    scale: another preparation of the numbers, of the kept rows. stratify: keep the shares of the classes in a split; None for "when there are classes".
    split: name of a stored one in splits.json, which spares the import of what would find the same.
    """

    standardize: bool = False
    train_split: float | None = None
    seed: int = 42
    stratify: bool | None = None
    scale: Scaling | None = None
    split: str | None = None


def prepare(
    source: Source, wanted: Preparation, question: Question, who: str
) -> tuple[np.ndarray, Targets, np.ndarray | None, list[dict[str, Any]]]:
    """(X, targets, sample weights or None, steps) after labelling, splitting and standardising or scaling, in this order.

    Raises DataError when the targets do not fit the task, a split is impossible, or a value is NaN or infinite.
    """
    targets = _targets(source, question, who)
    X, y, weights, steps = source.X, targets.y, source.weights, [targets.step]
    if wanted.train_split is not None:
        kept, _ = _split(X, y, wanted, targets.task, who)
        X, y, weights = X[kept], y[kept], None if weights is None else weights[kept]
        stratified = _stratified(wanted, targets.task)
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
    for apply, step in _maps(X, wanted, who):
        X = apply(X)
        steps.append(step)
    return X, replace(targets, y=y), weights, steps


def held_out(
    source: Source, wanted: Preparation, question: Question, who: str, other: Source | None
) -> tuple[np.ndarray, Targets]:
    """(X, targets) of what `prepare` leaves out, or of another source, prepared by what the kept rows decide.

    Raises DataError where nothing is left out, or the other source has other classes or features.
    """
    targets = _targets(source, question, who)
    X = source.X
    if wanted.train_split is not None:
        kept, left = _split(X, targets.y, wanted, targets.task, who)
        X = source.X[kept]
    if other is None:
        if wanted.train_split is None:
            raise DataError(f"{who}: all samples are kept, so none are left to test on; name others, or a train_split")
        found, rows = replace(targets, y=targets.y[left]), source.X[left]
    else:
        found, rows = _targets(other, question, f"{who}, test data"), other.X
        if rows.shape[1] != X.shape[1] or found.labels != targets.labels or found.task != targets.task:
            raise DataError(
                f"{who}: the test data have other features or classes ({rows.shape[1]} and {plural(X.shape[1], 'feature')})"
            )
    for apply, _ in _maps(X, wanted, who):
        rows = apply(rows)
    return rows, found


def _targets(source: Source, question: Question, who: str) -> Targets:
    if not np.isfinite(source.X).all():
        row, column = np.argwhere(~np.isfinite(source.X))[0]
        raise DataError(
            f"{who}: X holds NaN or infinity, first in row {row + 1}, column {column + 1}; clean or impute it first"
        )
    if source.y.dtype.kind == "f" and not np.isfinite(source.y).all():
        raise DataError(
            f"{who}: y holds NaN or infinity, first in row {int(np.argwhere(~np.isfinite(source.y))[0][0]) + 1}; clean it first"
        )
    question = replace(question, task=question.task or source.task, numbered=source.numbered)
    return read_targets(source.y, question, who)


def _maps(X: np.ndarray, wanted: Preparation, who: str) -> Iterator[tuple[Map, dict[str, Any]]]:
    """What these rows decide and what is recorded of it, one after the other."""
    if wanted.standardize:
        standardise = standardising(X)
        yield standardise, {"standardize": "StandardScaler fitted on these rows"}
        X = standardise(X)
    if wanted.scale is not None:
        yield fitted_scaling(X, wanted.scale, who)


def _stratified(wanted: Preparation, task: str) -> bool:
    return task != "regression" if wanted.stratify is None else wanted.stratify


def _split(X: np.ndarray, y: np.ndarray, wanted: Preparation, task: str, who: str) -> tuple[np.ndarray, np.ndarray]:
    """The samples to keep and the others, by index, in scikit-learn's order."""
    test_size = round(1 - float(wanted.train_split or 0), 12)
    if wanted.split is not None:
        stored = json.loads(files("verifier.data").joinpath("splits.json").read_text())[wanted.split]
        return np.array(stored["kept"]), np.array(stored["left"])
    if not _stratified(wanted, task) and 0 < (count := math.ceil(test_size * len(X))) < len(X):
        order = np.random.RandomState(wanted.seed).permutation(len(X))
        return order[count:], order[:count]
    from sklearn.model_selection import train_test_split

    try:
        kept, left = train_test_split(
            np.arange(len(X)),
            test_size=test_size,
            random_state=wanted.seed,
            stratify=y if _stratified(wanted, task) else None,
        )
    except ValueError as error:
        raise DataError(
            f"{who}: cannot keep a share of {wanted.train_split} of {plural(len(X), 'row')}: {error}"
        ) from error
    return kept, left

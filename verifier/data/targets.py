"""Targets: what the task is and which class is which output, decided once for files and arrays, over all samples.

A class number says which output of a network a sample belongs to, so a label's meaning depends on how many outputs there are: 1, 2, 3 are the
last three of four outputs (numbered from 0) but all of three outputs (numbered from 1). An explicit loss decides the task: the squared, Huber and
absolute losses of one output compare with the numbers as they stand, logistic and hinge need two labels, cross-entropy needs class labels.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from verifier.data.dataset import Dataset
from verifier.errors import DataError, UsageError
from verifier.numbers import plural

# Integers with more distinct values than this are taken as regression targets unless task or loss says otherwise.
MAX_CLASSES = 30
SIGNED, LABELLED, NUMERIC = ("logistic", "hinge"), ("cross_entropy",), ("squared", "huber", "absolute")
_INTEGER = re.compile(r"[+-]?[0-9]{1,16}")


@dataclass(frozen=True)
class Question:
    """What is known of the network and the loss when targets are read; None: not known yet, as in training.

    task: as the user or the source says. numbered: the format itself numbers the classes from 0, whichever occur.
    """

    task: str | None = None
    loss: str | None = None
    outputs: int | None = None
    numbered: bool = False

    @property
    def kind(self) -> str | None:
        return None if self.loss is None else self.loss.replace("-", "_")

    @property
    def one_output(self) -> bool:
        return self.outputs == 1 or (self.outputs is None and self.kind in SIGNED)


@dataclass(frozen=True, eq=False)
class Targets:
    """y as `Dataset` wants it. labels: of each class, as they were given; None for regression."""

    y: np.ndarray
    task: str
    labels: tuple[Any, ...] | None
    renamed: bool = False

    @property
    def step(self) -> dict[str, Any]:
        """For the recipe."""
        if self.labels is None:
            return {"task": self.task}
        return {"task": self.task, "classes": len(self.labels)} | (
            {"labels": list(self.labels)} if self.renamed else {}
        )


def read_targets(y: np.ndarray, q: Question, who: str, known: np.ndarray | None = None) -> Targets:
    """Targets and their meaning. y: (N,) or (N, K); numbers, booleans or text. known: all labels of the source, where y is a part of it.

    Raises DataError when they cannot be what task and loss ask for, UsageError when they do not fit the number of outputs.
    """
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.dtype.kind == "b":
        y = y.astype(np.int64)
    everything = y if known is None else known
    task = q.task or _task(everything, q)
    if task == "regression":
        return _numbers(y, q, who)
    y = _one_label_each(y, task, who)
    labels = np.unique(y if known is None else _one_label_each(known, task, who))
    if task == "binary" and q.one_output:
        names = _two_names(labels, who)
    elif q.outputs is not None and q.outputs > 1:
        names = _names_of_outputs(y, labels, q.outputs, who)
    else:
        names = _names(labels, task == "binary", q, who)
    found = task if task == "binary" and q.outputs in (None, 1) else "multiclass"
    if q.task is None and q.outputs is None and len(names) == 2:
        found = "binary"
    codes = {label: k for k, label in enumerate(names)}
    numbers = np.array([codes[label] for label in labels.tolist()], dtype=np.int64)
    renamed = list(names) != list(range(len(names)))
    return Targets(numbers[np.searchsorted(labels, y)], found, tuple(names), renamed)


def _task(y: np.ndarray, q: Question) -> str:
    """The task that loss and outputs decide, or that the targets look like."""
    if q.kind in SIGNED:
        return "binary"
    if q.kind in LABELLED:
        return "multiclass"
    if y.ndim == 2:
        return "regression"
    if y.dtype.kind == "U":
        return "binary" if q.outputs == 1 else "multiclass"
    values = np.unique(y)
    if q.kind in NUMERIC and q.outputs == 1:
        # 0/1 targets are the same numbers either way, and as classes they have an accuracy.
        return "binary" if set(values.tolist()) <= {0, 1} else "regression"
    if q.kind in NUMERIC and values.tolist() == [-1, 1] and (q.outputs or 1) == 1:
        return "regression"  # trained on -1 and 1, not on 0 and 1
    if q.kind in NUMERIC and q.outputs is not None:
        return "multiclass" if np.array_equal(values, np.round(values)) else "regression"
    return "regression" if y.dtype.kind == "f" or len(values) > MAX_CLASSES else "multiclass"


def _numbers(y: np.ndarray, q: Question, who: str) -> Targets:
    if y.dtype.kind == "U":
        raise DataError(
            f"{who}: the target is text, such as {str(y.flat[0])!r}; expected numbers for a regression task"
        )
    columns = 1 if y.ndim == 1 else y.shape[1]
    if q.outputs is not None and columns != q.outputs:
        raise UsageError(
            f"{who}: has {plural(columns, 'target')} per sample, the networks have {plural(q.outputs, 'output')}; "
            "name as many target columns as outputs (--target a,b for two)"
        )
    return Targets(y.astype(np.float64), "regression", None)


def _one_label_each(y: np.ndarray, task: str, who: str) -> np.ndarray:
    """Integers or text, shape (N,); rows with a single 1 become their class."""
    if y.ndim == 2:
        if not (np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all()):
            raise DataError(
                f"{who}: y has shape {y.shape}; a classification task needs one label per sample, so give class numbers or one-hot rows"
            )
        return y.argmax(axis=1).astype(np.int64)
    if y.dtype.kind == "f":
        fractions = y[y != np.round(y)]
        if len(fractions) or np.abs(y).max() > 2**53:
            odd = fractions[0] if len(fractions) else y[np.abs(y).argmax()]
            raise DataError(
                f"{who}: the target holds fractions, such as {float(odd)!r}; expected class labels for a {task} task"
            )
    elif y.dtype.kind == "U" and not all(_INTEGER.fullmatch(label) for label in np.unique(y)):
        return y
    return y.astype(np.int64)  # text too, so that "10" comes after "9"


def _show(labels: Sequence[Any]) -> str:
    return ", ".join(map(repr, labels[:8])) + (", ..." if len(labels) > 8 else "")


def _two_names(labels: np.ndarray, who: str) -> list[Any]:
    """The labels that stand for 0 and 1. One alone is enough where its meaning is plain."""
    values = labels.tolist()
    for pair in ([0, 1], [-1, 1]):
        if set(values) <= set(pair):
            return pair
    if len(values) != 2:
        raise DataError(
            f"{who}: the target has {plural(len(values), 'distinct label')} ({_show(values)}); a binary task needs two"
            + ("; use --loss cross_entropy and networks with an output for each class" if len(values) > 2 else "")
        )
    return values


def _names_of_outputs(y: np.ndarray, labels: np.ndarray, K: int, who: str) -> list[Any]:
    """Which label each of K outputs stands for."""
    values = labels.tolist()
    if labels.dtype.kind == "U":
        if len(values) != K:
            raise UsageError(
                f"{who}: has {plural(len(values), 'text label')} ({_show(values)}), the networks have {plural(K, 'output')}, "
                f"so which output stands for which label is not certain; number the labels 0..{K - 1}"
            )
        return values
    if values[0] >= 0 and values[-1] < K:
        return list(range(K))
    if values[0] >= 1 and values[-1] == K:
        return list(range(1, K + 1))
    if K == 2 and set(values) <= {-1, 1}:
        return [-1, 1]
    beyond = int(labels[(labels < 0) | (labels >= K)][0])
    place = (
        f"first in sample {int(np.argmax(y == beyond)) + 1}" if (y == beyond).any() else "in a sample that is not used"
    )
    raise UsageError(
        f"{who}: the label {beyond} ({place}) has no output: the labels are {_show(values)}, the networks have {K} "
        f"outputs, which stand for 0..{K - 1} or 1..{K}; choose the networks trained on these labels, or renumber them"
    )


def _names(labels: np.ndarray, binary: bool, q: Question, who: str) -> list[Any]:
    """As long as the number of outputs is not known: integers are renumbered only where their meaning is plain (-1/1, 1..K, two labels of a binary task)."""
    values = labels.tolist()
    if len(values) < 2:
        raise DataError(
            f"{who}: the targets are all the same ({_show(values) or 'none'}); expected at least two classes, or --task regression"
        )
    if binary and len(values) != 2:
        raise DataError(f"{who}: the target has {plural(len(values), 'distinct label')}; a binary task needs two")
    if labels.dtype.kind == "U":
        return values
    if q.numbered or values == list(range(len(values))):
        return list(range(values[-1] + 1))
    if binary or values == [-1, 1] or values == list(range(1, len(values) + 1)):
        return values
    if values[0] == 0 and values[-1] < max(2 * len(values), MAX_CLASSES):
        return list(range(values[-1] + 1))  # class numbers, of which one has no sample
    raise DataError(
        f"{who}: the labels {', '.join(map(str, values[:8])) + (', ...' if len(values) > 8 else '')} are neither 0..K-1 nor 1..K nor -1/1, so which class "
        "is which output is not certain; renumber them"
        + (", or say --task binary" if len(values) == 2 else ", or say --task regression")
    )


def fitted(dataset: Dataset, loss: str, outputs: int) -> Dataset:
    """The data set as networks with so many outputs see it: its labels, as the source gave them, read again, and what each one means in the recipe.

    Data sets that were prepared without knowing the networks (`load_data`, recorded ones, a caller's own `Dataset`) come here too, so that none keeps a
    numbering that another number of outputs would not have. Raises UsageError or DataError when they do not fit.
    """
    if loss in SIGNED and outputs > 1:
        raise UsageError(f"{loss} loss is for networks with one output, these have {outputs}; use --loss cross_entropy")
    given = _as_given(dataset, loss, outputs)
    if given is not None:
        question = Question(dataset.recipe.get("options", {}).get("task"), loss, outputs)
        known = None if dataset.labels is None else np.array(dataset.labels)
        found = read_targets(given, question, f"data {dataset.name}", known)
        dataset = replace(dataset, y=found.y, task=found.task, labels=found.labels)
    elif dataset.task != "regression" and outputs > 1:
        if int(dataset.y.max()) >= outputs:
            raise UsageError(
                f"data {dataset.name}: its class numbers go up to {int(dataset.y.max())} (first in sample {int(dataset.y.argmax()) + 1}), the networks have "
                f"{outputs} outputs, which stand for 0..{outputs - 1}; choose the networks trained on these classes, or renumber them"
            )
        dataset = replace(dataset, task="multiclass", labels=tuple(range(outputs)))
    scale = scale_words(loss, outputs)
    words = {"targets": target_words(dataset)} | ({} if scale is None else {"scale": scale})
    return replace(dataset, recipe={**dataset.recipe, **words})


def _as_given(dataset: Dataset, loss: str, outputs: int) -> np.ndarray | None:
    """The labels of the source, where the data set knows them; None where its numbers stand, which are class numbers or a regression's targets."""
    if dataset.labels is not None:
        return np.array(dataset.labels)[dataset.y]
    whole = dataset.task == "regression" and bool(np.array_equal(dataset.y, np.round(dataset.y)))
    asked = dataset.recipe.get("options", {}).get("task") == "regression"
    # Floats that an earlier reader, who did not know the loss, took for numbers.
    return (
        dataset.y
        if whole and not asked and (loss in (*SIGNED, *LABELLED) or (outputs > 1 and dataset.y.ndim == 1))
        else None
    )


def said(dataset: Dataset) -> list[str]:
    """What a user should hear before a figure is believed: labels and classes, the loss's scale, and what of the source was left out."""
    left = [step["left_out"] for step in dataset.recipe.get("steps", ()) if "left_out" in step]
    words = [
        target_words(dataset),
        *(dataset.recipe[key] for key in ("scale", "sample weights") if key in dataset.recipe),
    ]
    if _unscaled_pixels(dataset.X):
        words.append(
            "features: whole numbers from 0 to 255, as they are; where the networks were trained on scaled ones, scale these alike (docs/inputs.md)"
        )
    return words + [
        f"left out of {dataset.name}: {what if isinstance(what, str) else ', '.join(what)}" for what in left
    ]


def _unscaled_pixels(X: np.ndarray) -> bool:
    """Whether features look like images of bytes that nobody scaled."""
    if X.shape[1] < 64 or not 100.0 < X.max() <= 255.0 or X.min() < 0.0:
        return False
    # The first fraction ends it; some rows at a time, as a rounded copy of all would take as much memory as the data.
    return all(bool((np.floor(rows) == rows).all()) for rows in np.array_split(X, 1 + len(X) // 1000))


def target_words(dataset: Dataset) -> str:
    """Label, class and number of samples, in one line."""
    if dataset.task == "regression":
        shape = "" if dataset.y.ndim == 1 or dataset.y.shape[1] == 1 else f", {dataset.y.shape[1]} per sample"
        return f"targets: numbers from {float(dataset.y.min()):g} to {float(dataset.y.max()):g}{shape}"
    counts = np.bincount(dataset.y, minlength=dataset.classes or 0).tolist()
    names = dataset.labels or range(len(counts))
    rows = [f"{name!r} -> class {k} ({plural(n, 'sample')})" for k, (name, n) in enumerate(zip(names, counts))]
    more = f" and {plural(len(rows) - 12, 'more class', 'more classes')}" if len(rows) > 12 else ""
    return f"labels: {', '.join(rows[:12])}{more}"


def scale_words(loss: str, outputs: int) -> str | None:
    """What a user of torch must know to compare the loss with his own; None where the two agree."""
    if loss not in NUMERIC or outputs < 2:
        return None
    return f"{loss} loss: a sum over the {outputs} outputs of a sample, averaged over samples; torch's mean, over outputs too, is this loss / {outputs}"

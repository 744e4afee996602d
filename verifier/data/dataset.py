"""The data type every room shares."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from verifier.errors import DataError
from verifier.numbers import plural

TASKS = ("binary", "multiclass", "regression")


@dataclass(frozen=True, eq=False)
class Dataset:
    """A finite data set; every objective is an exact mean over it, weighted where its samples have weights.

    X: inputs, float64, shape (N, d).
    y: targets as the data set gives them: "binary" int64 in {0, 1} shape (N,), "multiclass" int64 in {0..K-1}
        shape (N,), "regression" float64 shape (N,) or (N, K). Losses turn these into their own target encoding.
    name: what the user asked for, e.g. "paper-moons" or "iris.csv".
    recipe: every preparation step in order, JSON-able, so that a reader of a certificate can redo it.
    source_sha256: hash of the source file, where there is one.
    labels: what each class is called in the source, one per class, so that classes without a sample count too; None: by their numbers.
    weights: (N,) float64, at least 0 and not all 0, of the samples in that mean, of which only ratios matter; None: all are equal.
    """

    X: np.ndarray
    y: np.ndarray
    name: str
    task: str
    recipe: dict[str, Any] = field(default_factory=dict)
    source_sha256: str | None = None
    labels: tuple[Any, ...] | None = None
    weights: np.ndarray | None = None

    def __post_init__(self) -> None:
        with np.errstate(invalid="ignore"):  # widening a signalling NaN would warn; it is refused below
            X = np.ascontiguousarray(self.X, dtype=np.float64)
            given = np.asarray(self.y)
            y = np.ascontiguousarray(given, dtype=np.float64 if self.task == "regression" else np.int64)
        if self.task not in TASKS:
            raise DataError(f"data {self.name}: task must be one of {', '.join(TASKS)}, got {self.task!r}")
        if X.ndim != 2 or 0 in X.shape:
            raise DataError(f"data {self.name}: X must be a non-empty (samples, features) matrix, got shape {X.shape}")
        if y.shape[0] != X.shape[0] or y.ndim > 2:
            raise DataError(
                f"data {self.name}: X has {plural(X.shape[0], 'sample')}, y has shape {y.shape}; one target per sample is needed"
            )
        if not np.isfinite(X).all() or not np.isfinite(y).all():
            raise DataError(f"data {self.name}: NaN or infinity among the values; clean or impute them first")
        if self.task != "regression":
            most = 2 if self.task == "binary" else len(self.labels) if self.labels else y.max(initial=0) + 1
            if y.ndim != 1 or not np.array_equal(y, given) or y.min(initial=0) < 0 or y.max(initial=0) >= most:
                raise DataError(
                    f"data {self.name}: a {self.task} task has class numbers {'0 and 1' if self.task == 'binary' else f'0..{most - 1}'} of shape (N,) in y, "
                    f"got {', '.join(map(str, np.unique(given)[:8]))} of shape {given.shape}; hand (X, y) over instead, whose labels are numbered here"
                )
        if self.weights is not None:
            w = np.array(self.weights, dtype=np.float64)
            if w.shape != (len(X),) or not (np.isfinite(w).all() and (w >= 0).all() and w.any()):
                raise DataError(
                    f"data {self.name}: sample weights must be {len(X)} finite numbers, at least 0 and not all 0, got an array of shape {w.shape}"
                )
            w.flags.writeable = False
            object.__setattr__(self, "weights", w)
        X.flags.writeable = y.flags.writeable = False
        object.__setattr__(self, "X", X)
        object.__setattr__(self, "y", y)

    @property
    def samples(self) -> int:
        return len(self.X)

    @property
    def dimension(self) -> int:
        return int(self.X.shape[1])

    @property
    def classes(self) -> int | None:
        """Number of classes: of the labels, else largest number + 1; None for regression."""
        if self.task == "regression":
            return None
        return len(self.labels) if self.labels else int(self.y.max()) + 1

    def sha256(self) -> str:
        """Hash of X, y and, where there are some, weights: the line `name shape` and the little-endian bytes of each."""
        digest = hashlib.sha256()
        arrays = [("X", self.X, "<f8"), ("y", self.y, "<f8" if self.task == "regression" else "<i8")]
        arrays += [] if self.weights is None else [("weights", self.weights, "<f8")]
        for name, array, kind in arrays:
            digest.update(f"{name} {'x'.join(map(str, array.shape))}\n".encode())
            digest.update(array.astype(kind).tobytes())
        return digest.hexdigest()

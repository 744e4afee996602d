"""Preparations of images, all of the rows used: to [-1, 1], per channel, or whitened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from verifier.errors import DataError
from verifier.numbers import plural
from verifier.options.data import SCALES

# Of the largest eigenvalue, what is added to each before its root is divided by: directions without variance stay small.
RIDGE = 1e-5
# A covariance of more features than this is not decomposed.
MOST_FEATURES = 4096


@dataclass(frozen=True)
class Scaling:
    """kind: one of `SCALES`. shape: (channels, height, width) of a row, where it is known."""

    kind: str
    shape: tuple[int, int, int] | None = None


Map = Callable[[np.ndarray], np.ndarray]


def scaled(X: np.ndarray, wanted: Scaling, who: str) -> tuple[np.ndarray, dict[str, Any]]:
    """The scaled rows and the step for the recipe. Raises DataError where it is not defined: constant numbers, rows that are no images."""
    apply, step = fitted_scaling(X, wanted, who)
    return apply(X), step


def standardising(X: np.ndarray) -> Map:
    """Subtract the mean and divide by the standard deviation of each feature of these rows (N, d), as scikit-learn's StandardScaler does, to the bit: variances
    in two passes with the correction of Chan, Golub, LeVeque 1983, and features constant up to rounding are not divided."""
    N, eps = len(X), np.finfo(np.float64).eps
    mean = X.sum(axis=0) / N
    from_mean = X - mean
    variance = ((from_mean**2).sum(axis=0) - from_mean.sum(axis=0) ** 2 / N) / N
    constant = variance <= N * eps * variance + (N * mean * eps) ** 2
    spread = np.where(constant, 1.0, np.sqrt(variance))
    return lambda rows: (rows - mean) / spread


def fitted_scaling(X: np.ndarray, wanted: Scaling, who: str) -> tuple[Map, dict[str, Any]]:
    """The map that these rows decide, for these and for other rows, and the step for the recipe. Raises DataError as `scaled`."""
    if wanted.kind == SCALES[0]:
        low, high = float(X.min()), float(X.max())
        if low == high:
            raise DataError(f"{who}: all numbers are {low:g}; scaling to [-1, 1] needs two")
        step = {"scale": {"kind": wanted.kind, "low": low, "high": high}}
        return lambda rows: 2.0 * (rows - low) / (high - low) - 1.0, step
    if wanted.kind == SCALES[1]:
        return _per_channel(X, wanted, who)
    return _whitening(X, who), {"scale": {"kind": wanted.kind, "ridge": RIDGE}}


def _per_channel(X: np.ndarray, wanted: Scaling, who: str) -> tuple[Map, dict[str, Any]]:
    if wanted.shape is None:
        raise DataError(
            f"{who}: does not say that its rows are images; --scale channels needs (channels, height, width)"
        )
    channels = wanted.shape[0]
    maps = X.reshape(len(X), channels, -1)
    mean, spread = maps.mean(axis=(0, 2)), maps.std(axis=(0, 2))
    if not (spread > 0.0).all():
        raise DataError(
            f"{who}: channel {int(np.argmin(spread)) + 1} is constant; --scale channels cannot divide by its spread"
        )
    step = {"scale": {"kind": wanted.kind, "mean": mean.tolist(), "standard_deviation": spread.tolist()}}

    def apply(rows: np.ndarray) -> np.ndarray:
        return ((rows.reshape(len(rows), channels, -1) - mean[:, None]) / spread[:, None]).reshape(rows.shape)

    return apply, step


def _whitening(X: np.ndarray, who: str) -> Map:
    """ZCA: (x - mean) V (L + ridge)^(-1/2) V^T with the covariance V L V^T; of all such maps the one that stays closest to the samples."""
    if X.shape[1] > MOST_FEATURES:
        raise DataError(
            f"{who}: has {plural(X.shape[1], 'feature')}; --scale whiten decomposes a covariance of at most {MOST_FEATURES}"
        )
    mean = X.mean(axis=0)
    centred = X - mean
    values, vectors = np.linalg.eigh(centred.T @ centred / len(X))
    if not values[-1] > 0.0:
        raise DataError(f"{who}: all samples are equal; there is nothing to whiten")
    roots = np.sqrt(np.maximum(values, 0.0) + RIDGE * values[-1])
    return lambda rows: ((rows - mean) @ vectors / roots) @ vectors.T

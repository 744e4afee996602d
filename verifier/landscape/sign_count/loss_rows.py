"""Mean losses as rows of a cone program, over the program's own variables and a few more, for Clarabel: `s = b - A x` in a product of cones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csc_matrix, hstack, vstack

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Predictions:
    """f = F x, F (N, core) sparse; targets y (N,). closed (N,): samples that only the first `few` variables reach. delta, weight: of Huber's loss."""

    F: Any
    y: Array
    closed: Array
    few: int
    delta: float
    weight: float


@dataclass(frozen=True, eq=False)
class LossRows:
    """rows: (cones, A, b). quadratic, linear: prices of the variables that are added behind the program's own, (extra,)."""

    rows: list[tuple[list[Any], Any, Array]]
    quadratic: Array
    linear: Array


def _squared(p: Predictions) -> LossRows:
    """Residuals as variables. Samples that few variables reach have the residuals of a triangular factor."""
    import clarabel

    N, core = p.F.shape
    thin = p.F[p.closed][:, : p.few].toarray()
    R: Array = np.asarray(np.linalg.qr(np.column_stack([thin, p.y[p.closed]]), mode="r"))
    Z = vstack([wider(csc_matrix(R[:, :-1]), core), p.F[~p.closed]], format="csc")
    target = np.concatenate([R[:, -1], p.y[~p.closed]])
    A = hstack([Z, -_eye(len(target))], format="csc")
    return LossRows(
        [([clarabel.ZeroConeT(len(target))], A, target)], np.full(len(target), 2.0 / N), np.zeros(len(target))
    )


def _piecewise(p: Predictions, sides: list[tuple[Any, Array]]) -> LossRows:
    """The larger of affine functions, one variable each: A f <= v + b for all sides. nu is read off the multipliers, side by side."""
    import clarabel

    N = len(p.y)
    rows = [([clarabel.NonnegativeConeT(N)], hstack([A, -_eye(N)], format="csc"), b) for A, b in sides]
    return LossRows(rows, np.zeros(N), np.full(N, 1.0 / N))


def _absolute(p: Predictions) -> LossRows:
    return _piecewise(p, [(p.F, p.y), (-p.F, -p.y)])


def _hinge(p: Predictions) -> LossRows:
    return _piecewise(p, [(_scaled(p.F, -p.y), -np.ones(len(p.y))), (csc_matrix(p.F.shape), np.zeros(len(p.y)))])


def _huber(p: Predictions) -> LossRows:
    """huber(r) = min_q q^2 / 2 + delta |r - q|."""
    import clarabel

    N, one = len(p.y), _eye(len(p.y))
    rows = [
        ([clarabel.NonnegativeConeT(N)], hstack([s * p.F, -s * one, -one], format="csc"), s * p.y) for s in (1.0, -1.0)
    ]
    none, price = np.zeros(N), np.full(N, p.weight / N)
    return LossRows(rows, np.concatenate([price, none]), np.concatenate([none, price * p.delta]))


def _logistic(p: Predictions) -> LossRows:
    """log(1 + exp(z)) <= t exactly when exp(-t) + exp(z - t) <= 1, z = -y f; variables t, a, b."""
    import clarabel

    N, core = p.F.shape
    one, none, zeros = _eye(N), csc_matrix((N, N)), csc_matrix((N, core))
    empty = csc_matrix((N, core + 3 * N))
    # Rows of all samples by kind, then put in order sample by sample: s in the exponential cone, exp(s_0 / s_1) s_1 <= s_2.
    kinds = [
        (hstack([zeros, one, none, none]), 0.0), (empty, 1.0), (hstack([zeros, none, -one, none]), 0.0),
        (hstack([-_scaled(p.F, -p.y), one, none, none]), 0.0), (empty, 1.0), (hstack([zeros, none, none, -one]), 0.0),
    ]  # fmt: skip
    order = (np.arange(6)[None, :] * N + np.arange(N)[:, None]).ravel()
    A = vstack([k for k, _ in kinds], format="csr")[order].tocsc()
    b = np.concatenate([np.full(N, v) for _, v in kinds])[order]
    sums = hstack([zeros, none, one, one], format="csc")
    rows = [([clarabel.ExponentialConeT()] * (2 * N), A, b), ([clarabel.NonnegativeConeT(N)], sums, np.ones(N))]
    return LossRows(rows, np.zeros(3 * N), np.concatenate([np.full(N, 1.0 / N), np.zeros(2 * N)]))


LOSSES: dict[str, Callable[[Predictions], LossRows]] = {
    "squared": _squared,
    "absolute": _absolute,
    "hinge": _hinge,
    "huber": _huber,
    "logistic": _logistic,
}


def _eye(size: int) -> Any:
    return csc_matrix((np.ones(size), (np.arange(size), np.arange(size))), shape=(size, size))


def _scaled(F: Any, rows: Array) -> Any:
    return csc_matrix(F.multiply(rows[:, None]))


def wider(A: Any, width: int) -> Any:
    """The same rows with more variables, which they do not see."""
    A = A.tocsc()
    A.resize(A.shape[0], width)
    return A

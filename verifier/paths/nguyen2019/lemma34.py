"""Lemma 3.4: W_q is given full rank while Z_q stays: features of dependent rows go to zero, then these rows are free."""

from __future__ import annotations

import numpy as np

from verifier.matrices import independent_columns
from verifier.paths.nguyen2019.lemma33 import Curves

Array = np.ndarray


def free_rows(curves: Curves, q: int) -> Array:
    """The curve A(lambda) = [F(:, I) + lambda F(:, I^c) E, (1 - lambda) F(:, I^c)] for layer q, p < q <= L; returns I^c.

    W_q(I^c, :) = E W_q(I, :). Afterwards the columns I^c of F_{q-1} are zero on every sample. Since n_{q-1} > n_q, I^c is not empty.
    """
    W = curves.line.weight(q)
    rows = independent_columns(W.T)
    rest = np.setdiff1d(np.arange(len(W)), rows)
    E = np.linalg.lstsq(W[rows].T, W[rest].T, rcond=None)[0].T if len(rows) else np.zeros((len(rest), 0))
    F = curves.features(q - 1)
    goal = np.zeros_like(F)
    goal[:, rows] = F[:, rows] + F[:, rest] @ E
    curves.move_features(q - 1, goal, f"Lemma 3.4: features of layer {q - 1} without which layer {q} does")
    curves.refresh()
    return rest


def write_rows(curves: Curves, q: int, rows: Array, values: Array, label: str) -> None:
    """Rows of W_q whose features are zero go to `values` (len(rows), n_q): Z_q stays."""
    W = curves.line.weight(q)
    W[rows] = values
    curves.line.change(q, label, W)
    curves.refresh()

"""Lemma 4.3: a straight segment W(lambda) with F W(lambda) = F W, at whose end the rows of the dependent columns of F are zero."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def supported_on(F: Array, W: Array, columns: Array) -> Array:
    """c(1) of the lemma: the W' (n, p) with F W' = F W and zero rows outside `columns`, which span F's column space.

    The paper's E solves F(:, I^c) = F(:, I) E; rows already in I keep their share, so the coefficients stay moderate even where
    F(:, I) is ill-conditioned.
    """
    out = np.zeros_like(W)
    rest = np.setdiff1d(np.arange(F.shape[1]), columns)
    out[columns] = W[columns]
    if len(columns) and len(rest):
        E = np.linalg.lstsq(F[:, columns], F[:, rest], rcond=1e-14)[0]
        out[columns] += E @ W[rest]
    return out

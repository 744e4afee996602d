"""Lemma 5.2: with n_l >= N neurons, F_l is driven to rank N while F_l W_{l+1} stays."""

from __future__ import annotations

import numpy as np

from verifier.matrices import independent_columns
from verifier.paths.nguyen2019.lemma43 import supported_on
from verifier.paths.nguyen2019.lemma44 import best_candidates
from verifier.paths.nguyen2019.polyline import Polyline

Array = np.ndarray


def free_neurons(line: Polyline, l: int, keep: Array) -> Array:
    """Lemma 4.3 for (F_l, W_{l+1}, keep): afterwards the neurons outside `keep` have zero outgoing weights; they are returned."""
    line.change(
        l + 1,
        f"Lemma 4.3: layer {l + 1} reads {len(keep)} neurons of layer {l}",
        supported_on(line.features(l), line.weight(l + 1), keep),
    )
    return np.setdiff1d(np.arange(line.network.widths[l]), keep)


def write_neurons(line: Polyline, l: int, at: Array, W: Array, b: Array, label: str) -> None:
    """Idle: neurons `at` of layer l, which nothing reads, get the rows W (n_{l-1}, len(at)), b (len(at),)."""
    weight, bias = line.weight(l), line.bias(l)
    weight[:, at], bias[at] = W, b
    line.change(l, label, weight, bias)


def to_full_rank(line: Polyline, l: int, N: int, rounds: int = 6, enough: float = 100.0) -> float:
    """Drives F_l to rank N; returns the condition number of F_l, (N, n_l).

    Beyond the lemma: neurons that are free once rank N is reached are rewritten too, a few rounds long, as long as F_l's condition
    number stays above `enough`.
    """
    rng = np.random.default_rng(l)
    for _ in range(rounds):
        F = line.features(l)
        keep = independent_columns(F, most=N)
        condition = float(np.linalg.cond(F)) if len(keep) == N else np.inf
        if condition <= enough or len(keep) == F.shape[1]:
            break
        free = free_neurons(line, l, keep)
        W, b = best_candidates(line.features(l - 1), line.slope, min(len(free), N), F[:, keep[: N - 1]], rng)
        write_neurons(line, l, free[: W.shape[1]], W, b, f"Lemma 5.2: free neurons of layer {l} raise the rank")
    return float(np.linalg.cond(line.features(l)))

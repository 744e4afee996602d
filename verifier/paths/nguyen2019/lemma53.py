"""Lemma 5.3: with n_l >= 2N neurons, layer l is driven to given neurons while F_l W_{l+1} stays."""

from __future__ import annotations

import numpy as np

from verifier.matrices import independent_columns
from verifier.paths.nguyen2019.lemma52 import free_neurons, write_neurons
from verifier.paths.nguyen2019.polyline import Polyline

Array = np.ndarray


def to_neurons(line: Polyline, l: int, W: Array, b: Array) -> None:
    """Layer l becomes: neurons 0..N-1 the given W (n_{l-1}, N), b (N,) of rank N, all others zero; layer l + 1 reads the first N only.

    The paper first makes F_l's rank N on both sides (Lemma 5.2). That is not needed: rank(F_l) <= N leaves n_l - N >= N neurons free,
    where the goal's N independent neurons are written at once.
    """
    N, n = len(line.X), line.network.widths[l]
    keep = independent_columns(line.features(l), most=N)
    free = free_neurons(line, l, keep)
    # Goal neuron j sits at position j where that is free (the paper's J and K), else at another free position.
    position = np.full(N, -1)
    inside = free[free < N]
    position[inside] = inside
    position[position < 0] = free[free >= N][: N - len(inside)]
    write_neurons(line, l, position, W, b, f"Lemma 5.3: goal neurons into free positions of layer {l}")
    read(line, l, position)
    late = np.setdiff1d(np.arange(N), inside)
    if len(late):
        write_neurons(line, l, late, W[:, late], b[late], f"Lemma 5.3: the remaining goal neurons of layer {l}")
        read(line, l, np.arange(N))
    rest = np.arange(N, n)
    zero = np.zeros((W.shape[0], len(rest)))
    write_neurons(line, l, rest, zero, np.zeros(len(rest)), f"Lemma 5.3: all other neurons of layer {l} to zero")


def read(line: Polyline, l: int, columns: Array) -> None:
    """Layer l + 1 goes to the weights on the N independent `columns` of F_l that leave F_l W_{l+1} as it is."""
    F, W = line.features(l), line.weight(l + 1)
    out = np.zeros_like(W)
    out[columns] = np.linalg.solve(F[:, columns], F @ W)
    line.change(l + 1, f"Lemma 4.3: layer {l + 1} reads the goal neurons of layer {l}", out)

"""A proposed path as the kernel's moves: each stores only what it changes."""

from __future__ import annotations

import numpy as np

from verifier.kernel.statements import Move, Parameters, Write
from verifier.networks.network import Network
from verifier.paths.path import Path

Array = np.ndarray


def parameters(network: Network) -> Parameters:
    return Parameters(network.weights, network.biases)


def _write(layer: int, part: str, old: Array, new: Array) -> Write | None:
    """The smallest of: changed rows, changed columns, the whole array; None when nothing changed."""
    if old is new:
        return None
    differs = old != new
    if not differs.any():
        return None
    choices = []
    for axis in range(old.ndim):
        index = np.flatnonzero(differs.any(axis=tuple(a for a in range(old.ndim) if a != axis))).astype(np.int64)
        choices.append((index.size * (old.size // old.shape[axis]) + index.size, axis, index))
    cost, axis, index = min(choices, key=lambda c: c[0])
    if cost >= old.size:
        return Write(layer, part, 0, None, new)
    return Write(layer, part, axis, index, np.ascontiguousarray(np.take(new, index, axis=axis)))


def move_between(v: Network, w: Network) -> tuple[Write, ...]:
    writes = []
    for l, (a, b, p, q) in enumerate(zip(v.weights, w.weights, v.biases, w.biases), start=1):
        writes.append(_write(l, "weight", a, b))
        if p is not None and q is not None:
            writes.append(_write(l, "bias", p, q))
    return tuple(w for w in writes if w is not None)


def kernel_moves(path: Path) -> tuple[tuple[Move, ...], tuple[str, ...]]:
    """(moves, labels); moves that change nothing are left out."""
    moves, labels, v = [], [], path.start
    for m in path.moves:
        writes = move_between(v, m.to)
        v = m.to
        if writes:
            moves.append(Move(writes, m.breakpoints, m.transfer, m.transfer_layer))
            labels.append(m.label)
    return tuple(moves), tuple(labels)

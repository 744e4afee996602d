"""A proposed path as the kernel's moves: each stores only what it changes."""

from __future__ import annotations

import numpy as np

from verifier.kernel.fast.moves import is_transfer, straight_kind
from verifier.kernel.statements import Move, Parameters, Write
from verifier.networks.network import Network
from verifier.paths.path import Move as PathMove
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
    """(moves, labels); moves that change nothing are left out. A segment is called the most that its numbers allow, and stays a segment; only
    what the construction says is a rescaling becomes one."""
    moves, labels, v = [], [], path.start
    for m in path.moves:
        writes = move_between(v, m.to)
        if writes:
            moves.append(_named(parameters(v), parameters(m.to), writes, m))
            labels.append(m.label)
        v = m.to
    return tuple(moves), tuple(labels)


def _named(v: Parameters, w: Parameters, writes: tuple[Write, ...], m: PathMove) -> Move:
    if m.factors is not None:
        return Move("rescale", writes, factors=m.factors)
    transfer = Move("transfer", writes, None, m.transfer, m.transfer_layer)
    if m.transfer is not None and is_transfer(v, w, transfer):
        return transfer
    kind = straight_kind(v, w)
    return Move(kind, writes, m.breakpoints if kind == "chord" else None)

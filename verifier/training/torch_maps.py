"""Layers of channels as torch computes them: poolings, then one convolution, of which a layer on flattened maps is a case."""

from __future__ import annotations

import torch
from torch import Tensor

from verifier.kernel.statements import Pooling, Reading
from verifier.kernel.statements.geometry import output_size, pooled_size


def layer(h: Tensor, W: Tensor, b: Tensor | None, reading: Reading) -> Tensor:
    """W applied to every patch that the layer reads, plus b: maps (N, n, height', width') from maps h (N, s, height, width); W is (n, s r), b (n,)."""
    if h.shape[1] == 0:
        return _without_channels(h, W, b, reading)
    for pooling in reading.poolings:
        h = _pooled(h, pooling)
    w = reading.window
    if w.kernel == tuple(h.shape[2:]) and w.padding == (0, 0):
        return torch.nn.functional.linear(h.flatten(1), W, b)[:, :, None, None]
    kernel = W.reshape(W.shape[0], h.shape[1], *w.kernel)
    return torch.nn.functional.conv2d(h, kernel, b, w.stride, w.padding, w.dilation)


def _pooled(h: Tensor, p: Pooling) -> Tensor:
    w = p.window
    if w is None:
        height, width = p.size or (1, 1)
        return torch.nn.functional.adaptive_avg_pool2d(h, (height, width))
    if p.kind == "max":
        return torch.nn.functional.max_pool2d(h, w.kernel, w.stride, w.padding, w.dilation)
    return torch.nn.functional.avg_pool2d(h, w.kernel, w.stride, w.padding)


def _without_channels(h: Tensor, W: Tensor, b: Tensor | None, reading: Reading) -> Tensor:
    """Nothing is read: the bias at every position."""
    size: tuple[int, ...] = tuple(h.shape[2:])
    for pooling in reading.poolings:
        size = pooled_size(size, pooling)
    size = tuple(output_size(n, reading.window, axis) for axis, n in enumerate(size))
    zero = h.new_zeros((h.shape[0], W.shape[0], *size))
    return zero if b is None else zero + b[:, None, None]

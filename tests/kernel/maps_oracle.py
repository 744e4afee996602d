"""What networks of channels compute, from the words of docs/certificate-v2.md alone: loop by loop in any kind of numbers, and with torch's own layers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def _axis(size: int, w: Any, axis: int) -> list[list[int]]:
    """Positions of each window along an axis, beyond the map too."""
    k, s, p, d = w.kernel[axis], w.stride[axis], w.padding[axis], w.dilation[axis]
    windows, start = [], -p
    while start + d * (k - 1) <= size - 1 + p:
        windows.append([start + d * j for j in range(k)])
        start += s
    return windows


def _pooled(maps: list, pooling: Any, zero: Any, largest: Any) -> list:
    H, W = len(maps[0]), len(maps[0][0])
    if pooling.window is None:
        h, w = pooling.size
        ranges = [[range(i * n // m, math.ceil((i + 1) * n / m)) for i in range(m)] for n, m in ((H, h), (W, w))]
        return [
            [[sum((m[i][j] for i in I for j in J), zero) / (len(I) * len(J)) for J in ranges[1]] for I in ranges[0]]
            for m in maps
        ]
    rows, columns = _axis(H, pooling.window, 0), _axis(W, pooling.window, 1)
    out = []
    for m in maps:
        inside = lambda I, J, m=m: [m[i][j] for i in I for j in J if 0 <= i < H and 0 <= j < W]
        if pooling.kind == "max":
            out.append([[largest(inside(I, J)) for J in columns] for I in rows])
        else:
            out.append([[sum(inside(I, J), zero) / math.prod(pooling.window.kernel) for J in columns] for I in rows])
    return out


def outputs(x: list, weights: list, biases: list, geometry: Any, activation: Any, zero: Any, largest: Any) -> list:
    """f of one sample x, a list of numbers; weights as nested lists."""
    C, H, W = geometry.shape
    maps = [[[x[(c * H + i) * W + j] for j in range(W)] for i in range(H)] for c in range(C)]
    for l, (M, b, reading) in enumerate(zip(weights, biases, geometry.readings, strict=True)):
        for pooling in reading.poolings:
            maps = _pooled(maps, pooling, zero, largest)
        H, W = len(maps[0]), len(maps[0][0])
        rows, columns = _axis(H, reading.window, 0), _axis(W, reading.window, 1)
        at = lambda m, i, j, H=H, W=W: m[i][j] if 0 <= i < H and 0 <= j < W else zero
        patches = [[[at(m, i, j) for m in maps for i in I for j in J] for J in columns] for I in rows]
        value = lambda k, patch, M=M, b=b: (
            sum((w * v for w, v in zip(M[k], patch, strict=True)), zero) + (zero if b is None else b[k])
        )
        maps = [[[value(k, patch) for patch in line] for line in patches] for k in range(len(M))]
        if l < len(weights) - 1:
            maps = [[[activation(v) for v in line] for line in m] for m in maps]
    return [m[0][0] for m in maps]


def torch_outputs(X: np.ndarray, p: Any, geometry: Any, slope: float) -> np.ndarray:
    """f (N, K) in float64 by torch.nn.functional."""
    import torch
    import torch.nn.functional as T

    h = torch.tensor(X).reshape(len(X), *geometry.shape)
    for l, (W, b, reading) in enumerate(zip(p.weights, p.biases, geometry.readings, strict=True), start=1):
        for pooling in reading.poolings:
            w = pooling.window
            if pooling.kind == "adaptive_average":
                h = T.adaptive_avg_pool2d(h, pooling.size)
            elif pooling.kind == "max":
                h = T.max_pool2d(h, w.kernel, w.stride, w.padding, w.dilation)
            else:
                h = T.avg_pool2d(h, w.kernel, w.stride, w.padding)
        w = reading.window
        kernel = torch.tensor(W).reshape(len(W), -1, *w.kernel)
        h = T.conv2d(h, kernel, None if b is None else torch.tensor(b), w.stride, w.padding, w.dilation)
        h = T.leaky_relu(h, slope) if l < len(p.weights) else h
    return h.flatten(1).numpy()


def fits(geometry: Any) -> bool:
    """Whether every map has between 1 and 2^16 positions and the last one has one; counted before any is made."""
    size = list(geometry.shape[1:])
    for reading in geometry.readings:
        for w in (*(p.window or p.size for p in reading.poolings), reading.window):
            if w is None:
                return False
            if isinstance(w, tuple):
                size = list(w)
            else:
                if min(*w.kernel, *w.stride, *w.dilation) < 1 or min(w.padding) < 0:
                    return False
                reach = [d * (k - 1) for d, k in zip(w.dilation, w.kernel)]
                size = [(n + 2 * p - r - 1) // s + 1 for n, p, r, s in zip(size, w.padding, reach, w.stride)]
            if min(size) < 1 or math.prod(size) > 2**16 or max(size) > 2**16:
                return False
    return size == [1, 1]

"""Lower the top of a path by the string method: its points slide down across the path's direction and are spread out again (Ren & Vanden-Eijnden 2007)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verifier.landscape.coarse.relaxed import LOSSES
from verifier.landscape.coarse.segments import Point, highest, highest_of
from verifier.landscape.sign_count.narrow import Narrow

Array = np.ndarray
# Points of the string, steps of its points, and steps after which it is measured. It holds what lies higher than this share between ends and top.
POINTS, STEPS, MEASURE, HIGH = 48, 240, 12, 0.3
# Points of the whole path at which F is looked at to find its top.
LOOKS = 384
# Strings that start from the one before, while each takes off this share of what is left between ends and top.
ROUNDS, GAIN = 8, 0.02


@dataclass(frozen=True, eq=False)
class _Space:
    """Rows z: the coordinates of all neurons in the search's directions, and the output bias. inputs (N, n) in these coordinates."""

    s: Narrow
    inputs: Array

    @staticmethod
    def of(s: Narrow) -> _Space:
        return _Space(s, s.inputs @ s.directions.T)

    def rows(self, points: list[Point]) -> Array:
        back = np.linalg.inv(self.s.directions)
        return np.array([np.append(u @ back, c) for u, c in points])

    def point(self, z: Array) -> Point:
        return z[:-1].reshape(len(self.s.signs), -1) @ self.s.directions, float(z[-1])

    def slope(self, z: Array) -> tuple[Array, Array]:
        """F (K,) and its gradient (K, m n + 1) at rows z."""
        s, K, N = self.s, len(z), self.s.N
        u = z[:, :-1].reshape(K, len(s.signs), -1)
        pre = u @ self.inputs.T
        f = s.sign_column @ np.maximum(pre, 0.0) + z[:, -1:]
        targets = np.tile(s.targets, (K, 1))
        loss = s.objective.loss
        value = loss.values(f.reshape(-1, 1), targets).reshape(K, N).mean(axis=1)
        nu = loss.gradient(f.reshape(-1, 1), targets).reshape(K, N) / N
        g = ((nu[:, None, :] * (pre > 0.0)) @ self.inputs) * s.sign_column[:, None]
        if s.objective.kappa > 0.0:
            true = u @ s.directions
            size = np.linalg.norm(true, axis=2)
            value = value + s.objective.kappa * size.sum(axis=1) + s.bias_price * np.abs(z[:, -1])
            g += s.objective.kappa * (true / np.maximum(size, 1e-300)[:, :, None]) @ s.directions.T
        g_bias = nu.sum(axis=1) + s.bias_price * np.sign(z[:, -1]) if s.output_bias else np.zeros(K)
        return value, np.column_stack([g.reshape(K, -1), g_bias])

    def step(self) -> float:
        """One over a bound of F's curvature between kinks."""
        widest = float(np.linalg.eigvalsh(self.inputs.T @ self.inputs / self.s.N)[-1]) * len(self.s.signs) + 1.0
        return 1.0 / ({"squared": 2.0, "logistic": 0.25}.get(self.s.objective.loss.name, 1.0) * widest)


def polished(s: Narrow, points: list[Point]) -> tuple[list[Point], float]:
    """(points of a path with the same ends, the largest F on it), not above that of the path given, without points that nothing needs."""
    space, best, top = _Space.of(s), points, highest_of(s, points)
    rows = space.rows(points)
    along = _along(rows)
    times = np.linspace(0.0, along[-1], LOOKS + 1)
    F = space.slope(_between(rows, along, times))[0]
    peak, ends = int(np.argmax(F)), max(float(F[0]), float(F[-1]))
    if F[peak] <= ends * (1.0 + 1e-12):
        return _fewer(s, points, top), top
    low = np.flatnonzero(ends + HIGH * (F[peak] - ends) >= F)
    a, b = times[low[low < peak].max()], times[low[low > peak].min()]
    first, last = [points[k] for k in np.flatnonzero(along < a)], [points[k] for k in np.flatnonzero(along > b)]
    before, string, step = np.inf, _between(rows, along, np.linspace(a, b, POINTS + 1)), space.step()
    outer = max(highest_of(s, [*first, space.point(string[0])]), highest_of(s, [space.point(string[-1]), *last]))
    for k in range(STEPS):
        _, g = space.slope(string[1:-1])
        tangent = string[2:] - string[:-2]
        g -= ((g * tangent).sum(axis=1) / np.maximum((tangent * tangent).sum(axis=1), 1e-300))[:, None] * tangent
        string[1:-1] -= step * g
        along = _along(string)
        string[1:-1] = _between(string, along, np.linspace(0.0, along[-1], POINTS + 1))[1:-1]
        if k % MEASURE == MEASURE - 1:
            middle = [space.point(z) for z in string]
            height = max(outer, highest_of(s, middle))
            if height < top:
                best, top = [*first, *middle, *last], height
            if height >= before:
                step *= 0.7
            before = height
    return _fewer(s, best, top), top


def lowered(s: Narrow, points: list[Point]) -> tuple[list[Point], float]:
    """As `polished`, again and again: from straight segments, which are far from the lowest path. Points as they are for losses that programs do not cover."""
    if s.objective.loss.name not in LOSSES:
        return points, np.inf
    ends = max(highest(s, p, p, np.zeros(1)) for p in (points[0], points[-1]))
    points, top = polished(s, points)
    for _ in range(ROUNDS - 1):
        before = top
        points, top = polished(s, points)
        if before - top <= GAIN * (before - ends):
            break
    return points, top


def _along(rows: Array) -> Array:
    """Lengths of the path up to each of its points, each a little longer than the one before."""
    return np.append(0.0, np.cumsum(np.linalg.norm(np.diff(rows, axis=0), axis=1) + 1e-12))


def _between(rows: Array, along: Array, times: Array) -> Array:
    return np.column_stack([np.interp(times, along, column) for column in rows.T])


def _fewer(s: Narrow, points: list[Point], top: float) -> list[Point]:
    """Without points that can go while the path stays below its top: halves of what may go are tried first."""
    kept, k = [points[0]], 0
    while k < len(points) - 1:
        reach = len(points) - 1 - k
        while reach > 1 and highest_of(s, [points[k], points[k + reach]]) > top:
            reach = (reach + 1) // 2
        k += reach
        kept.append(points[k])
    return kept

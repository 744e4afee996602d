"""The least relaxed F on a face of cones: a convex program in a few variables, by Newton steps that keep the signs of the variables.

On the cone of rays g_k a neuron is u = sum_k lambda_k g_k, lambda >= 0, and `a u . xt_j <= relu(u . xt_j) <= sum_k lambda_k relu(g_k . xt_j)` for every
slope a in [0, 1]: f lies between two functions linear in lambda, and the loss is that of the point between them nearest to its least (section 12).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from verifier.landscape.sign_count.fan import Fan
from verifier.landscape.sign_count.narrow import Narrow
from verifier.landscape.sign_count.relaxation import Solved

Array = np.ndarray
LOSSES = ("squared", "huber", "logistic")
# Newton steps of one program, halvings of one step, and how often slopes are moved.
STEPS, HALVINGS, SLOPES = 60, 30, 10
# |u| is rounded off below this share of the size of data and targets, so that it has a gradient at 0, at most 1 long.
ROUND = 1e-9


@dataclass(frozen=True, eq=False)
class Relaxed:
    """value: the least that was met, above the relaxed minimum by little. solved: where, with approximate duals."""

    value: float
    solved: Solved


def relaxed_minimum(s: Narrow, fan: Fan, face: Sequence[Sequence[int]], cut: float) -> Relaxed:
    """The relaxed minimum of F where neuron i is a combination of the rays face[i], none: 0. Slopes are improved until the value exceeds `cut`."""
    return _Program(s, fan, face).solve(cut)


class _Program:
    """Variables: lambda of all rays, in units in which their products with the inputs have size 1, and the output bias."""

    def __init__(self, s: Narrow, fan: Fan, face: Sequence[Sequence[int]]) -> None:
        self.s, k, N = s, len(face), s.N
        self.neuron = np.array([i for i, rays in enumerate(face) for _ in rays], dtype=int)
        rays = [g for mine in face for g in mine]
        D = np.array([fan.dots[g] for g in rays]).reshape(len(rays), N)
        unit = np.sqrt((D * D).mean(axis=1)) if len(rays) else np.ones(0)
        unit = np.where(unit > 0.0, unit, 1.0)[:, None]
        self.D = D / unit
        self.G = np.array([fan.rays[g] for g in rays]).reshape(len(rays), s.inputs.shape[1]) / unit
        self.signs = np.array([s.signs[i] for i in self.neuron], dtype=np.float64)[:, None]
        self.over = np.maximum(self.D, 0.0)
        self.mine = [np.flatnonzero(self.neuron == i) for i in range(k)]
        self.slopes, self.open = np.zeros((k, N)), np.zeros((k, N), dtype=bool)
        for i, own in enumerate(self.mine):
            if len(own):
                d = self.D[own]
                top, low = d.max(axis=0), d.min(axis=0)
                self.open[i] = (top > 0.0) & (low < 0.0)
                self.slopes[i] = np.where(self.open[i], d.sum(axis=0) > 0.0, top > 0.0)
        y = s.targets[:, 0]
        self.best_f = y * np.inf if s.objective.loss.name == "logistic" else y
        self.y = s.targets
        self.size = max(1e-300, float(np.abs(y).max()))
        self.round = ROUND * self.size
        self.variables = len(rays) + int(s.output_bias)
        self.rows()

    def rows(self) -> None:
        """Coefficients of the lower and the upper function, (variables, N)."""
        lean = self.slopes[self.neuron] * self.D
        low = np.where(self.signs > 0.0, lean, -self.over)
        high = np.where(self.signs > 0.0, self.over, -lean)
        one = np.ones((int(self.s.output_bias), self.s.N))
        self.low, self.high = np.vstack([low, one]), np.vstack([high, one])

    def at(self, z: Array) -> tuple[float, Array, Array]:
        """(F, f, nu)."""
        loss = self.s.objective.loss
        f = np.minimum(np.maximum(self.best_f, z @ self.low), z @ self.high)[:, None]
        value = float(loss.values(f, self.y).mean())
        if self.s.objective.kappa > 0.0:
            for own in self.mine:
                u = z[own] @ self.G[own]
                value += self.s.objective.kappa * float(np.sqrt(u @ u + self.round**2))
            if self.s.output_bias and self.s.bias_price:
                value += self.s.bias_price * float(np.sqrt(z[-1] ** 2 + self.round**2))
        return value, f[:, 0], loss.gradient(f, self.y)[:, 0]

    def slope(self, z: Array, f: Array, nu: Array) -> tuple[Array, Array]:
        """Gradient and Hessian."""
        s, N = self.s, self.s.N
        rows = np.where(nu > 0.0, self.low, self.high)
        bend = np.where(nu != 0.0, self.curvature(f, nu), 0.0)
        g = rows @ nu / N
        H = (rows * bend) @ rows.T / N
        if s.objective.kappa > 0.0:
            for own in self.mine:
                G = self.G[own]
                u = z[own] @ G
                rho = float(np.sqrt(u @ u + self.round**2))
                g[own] += s.objective.kappa * (G @ u) / rho
                H[np.ix_(own, own)] += s.objective.kappa * (G @ G.T / rho - np.outer(G @ u, G @ u) / rho**3)
            if s.output_bias and s.bias_price:
                rho = float(np.sqrt(z[-1] ** 2 + self.round**2))
                g[-1] += s.bias_price * z[-1] / rho
                H[-1, -1] += s.bias_price * self.round**2 / rho**3
        return g, H

    def curvature(self, f: Array, nu: Array) -> Array:
        """Of the loss; of Huber's that of the parabola above it which touches it there, since its tails have none."""
        if self.s.objective.loss.name == "huber":
            return np.minimum(1.0, np.abs(nu) / np.maximum(np.abs(f - self.y[:, 0]), 1e-300))
        out: Array = self.s.objective.loss.hessian(f[:, None], self.y)[:, 0]
        return out

    def descend(self, z: Array) -> tuple[float, Array]:
        """Newton steps over the variables that are positive or want to be; lambda stays at least 0."""
        bounded = np.arange(self.variables) < len(self.neuron)
        value, f, nu = self.at(z)
        for _ in range(STEPS):
            g, H = self.slope(z, f, nu)
            free = ~bounded | (z > 0.0) | (g < 0.0)
            if not free.any() or np.abs(g[free]).max() <= 1e-12 * max(value, 1e-12):
                break
            step = least_of_model(H, g, z, bounded) - z
            t, moved = 1.0, False
            for _ in range(HALVINGS):
                to = z + t * step
                to[bounded] = np.maximum(to[bounded], 0.0)
                after, f_after, nu_after = self.at(to)
                if after < value:
                    moved = True
                    break
                t *= 0.5
            if not moved:
                break
            gained = value - after
            z, value, f, nu = to, after, f_after, nu_after
            if gained <= 1e-13 * value:
                break
        return value, z

    def solve(self, cut: float) -> Relaxed:
        z = np.zeros(self.variables)
        z[: len(self.neuron)] = 1e-3 * self.size
        if self.s.output_bias:
            z[-1] = 0.0 if self.s.objective.loss.name == "logistic" else float(self.y.mean())
        reach = np.ones(self.slopes.shape)
        way = np.zeros(self.slopes.shape, dtype=np.int8)
        best: tuple[float, Array, Array] | None = None
        last = -np.inf
        for turn in range(SLOPES):
            value, z = self.descend(z)
            if best is None or value > best[0]:
                best = (value, z.copy(), self.slopes.copy())
            if value >= cut or not self.open.any() or (turn > 2 and value < last + 1e-6 * abs(last)):
                break
            last = best[0]
            changed = False
            for i, own in enumerate(self.mine):
                pre = z[own] @ self.D[own] if len(own) else np.zeros(self.s.N)
                tiny = 1e-12 * self.size
                to = np.where(pre > tiny, 1, np.where(pre < -tiny, -1, 0)) * self.open[i]
                to = np.where((to > 0) & (self.slopes[i] >= 1.0) | (to < 0) & (self.slopes[i] <= 0.0), 0, to)
                reach[i] = np.where((way[i] != 0) & (to != 0) & (way[i] != to), 0.5 * reach[i], reach[i])
                way[i] = np.where(to != 0, to, way[i])
                moved = np.clip(self.slopes[i] + to * reach[i], 0.0, 1.0)
                changed |= bool((moved != self.slopes[i]).any())
                self.slopes[i] = moved
            if not changed:
                break
            self.rows()
        assert best is not None
        value, z, self.slopes = best
        self.rows()
        return Relaxed(value, self.solved(z))

    def solved(self, z: Array) -> Solved:
        s, k = self.s, len(self.mine)
        _, _, nu = self.at(z)
        u, pulls, loose = np.zeros((k, s.inputs.shape[1])), np.zeros((k, s.inputs.shape[1])), np.zeros(k)
        for i, own in enumerate(self.mine):
            if not len(own):
                continue
            u[i] = z[own] @ self.G[own]
            if s.objective.kappa > 0.0:
                pulls[i] = -s.objective.kappa * u[i] / np.sqrt(u[i] @ u[i] + self.round**2)
            signed, pre = s.signs[i] * nu, z[own] @ self.D[own]
            over, truth = z[own] @ self.over[own], np.maximum(pre, 0.0)
            under = truth - self.slopes[i] * pre
            gap = np.where(signed < 0.0, -signed * (over - truth), signed * (under + 0.05 * (over - truth)))
            # A minimiser on rays alone shows no looseness where the cone has some.
            wide = np.minimum(self.over[own].max(axis=0), np.maximum(-self.D[own], 0.0).max(axis=0))
            loose[i] = float((gap + 0.02 * np.abs(nu) * wide * z[own].max()) @ self.open[i])
        return Solved(u, float(z[-1]) if s.output_bias else 0.0, nu, self.slopes, pulls, loose)


def least_of_model(H: Array, g: Array, z: Array, bounded: Array) -> Array:
    """The v that minimises `g . (v - z) + (v - z) H (v - z) / 2` with v >= 0 where bounded, from v = z, which is feasible: an active-set method."""
    largest = float(H.diagonal().max())
    H = H + (1e-12 * largest if largest > 0.0 else 1.0) * np.eye(len(g))
    right, v = H @ z - g, z.copy()
    moving = ~bounded | (z > 0.0)
    for _ in range(8 * len(g)):
        at = np.flatnonzero(moving)
        if len(at):
            fixed = np.flatnonzero(~moving)
            to = np.linalg.solve(H[np.ix_(at, at)], right[at] - H[np.ix_(at, fixed)] @ v[fixed])
            low = bounded[at] & (to < 0.0)
            if low.any():
                ratios = np.where(low, v[at] / np.where(low, v[at] - to, 1.0), np.inf)
                k = int(np.argmin(ratios))
                v[at] += ratios[k] * (to - v[at])
                v[at[k]] = 0.0
                moving[at[k]] = False
                continue
            v[at] = to
        falling = np.where(moving, 0.0, H @ v - right)
        k = int(np.argmin(falling))
        if falling[k] >= -1e-13 * float(np.abs(right).max(initial=0.0)):
            break
        moving[k] = True
    return v

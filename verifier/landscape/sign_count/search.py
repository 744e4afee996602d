"""The least F of the networks that a path between different sign counts passes: branch and bound over products of cones, a bracket at any time."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from verifier.landscape.sign_count.fan import Fan, Part
from verifier.landscape.sign_count.narrow import Narrow
from verifier.landscape.sign_count.relaxation import Relaxation
from verifier.landscape.sign_count.repair import Dual, holding, nothing

Array = np.ndarray

# The search is done when its ends are this close, over the upper one.
CLOSE = 1e-8


@dataclass(frozen=True, eq=False)
class NarrowMinimum:
    """lower <= least F <= upper, in float64. u (k, n), c: a network with F = upper. tree, duals: of the parts in their order, as in the kernel's
    SignCountBarrier. programs: solved. seconds: CPU."""

    narrow: Narrow
    lower: float
    upper: float
    u: Array
    c: float
    tree: Array
    duals: tuple[Dual, ...]
    programs: int
    seconds: float

    @property
    def closed(self) -> bool:
        """Whether both ends are the same number, about."""
        return self.upper - self.lower <= 2.0 * CLOSE * self.upper


def least_narrow(
    s: Narrow,
    *,
    most_programs: int,
    seconds: float,
    floor: float = 0.0,
    progress: Callable[[float, float, int], None] | None = None,
) -> NarrowMinimum:
    """Cut the part with the lowest bound in two until the ends meet, or the lower one cannot exceed `floor`, or the budget is spent.

    floor: levels at or below it are of no use to the caller. seconds: of CPU. progress(lower, upper, programs).
    """
    search = _Search(s)
    start = time.process_time()
    for root in search.fan.roots:
        search.visit(root, nothing(s))
    while search.queue:
        lower = search.queue[0][0]
        if progress is not None:
            progress(lower, search.upper, search.programs)
        if lower >= search.upper * (1.0 - CLOSE) or search.upper <= floor:
            break
        if search.programs >= most_programs or time.process_time() - start > seconds:
            break
        if not search.cut_lowest():
            break
    duals = {id(part): dual for _, _, part, dual, _ in search.queue}
    return NarrowMinimum(
        s, search.queue[0][0], search.upper, search.u, search.c, search.fan.tree(),
        tuple(duals[id(part)] for part in search.fan.leaves()), search.programs, time.process_time() - start,
    )  # fmt: skip


class _Search:
    """queue: all parts that are whole, the lowest bound first, with their duals and the neuron to cut next."""

    def __init__(self, s: Narrow) -> None:
        self.s = s
        self.fan = Fan.of(s)
        self.relaxation = Relaxation.of(s, self.fan)
        self.queue: list[tuple[float, int, Part, Dual, int]] = []
        self.programs = 0
        self.u, self.c = np.zeros((len(s.signs), s.inputs.shape[1])), float(np.median(s.targets)) * s.output_bias
        self.upper = s.value(self.u, self.c)
        self.try_point(self.u, self.c)

    def visit(self, part: Part, inherited: Dual) -> None:
        """Bound F on the part; what holds on a part holds on its halves."""
        self.programs += 1
        found, dual, neuron = self.relaxation.solve(part.cones), inherited, 0
        if found is not None:
            better = holding(self.s, self.fan, part.cones, found)
            if better is not None and better.bound > dual.bound:
                dual = better
            self.try_point(found.u, found.c)
        if part.cones:
            # The neuron whose bounds of relu cost most; where none costs anything, the widest cone.
            cost = np.zeros(len(part.cones)) if found is None else found.looseness
            widths = [self.fan.width(part, i) for i in range(len(part.cones))]
            neuron = min(
                range(len(part.cones)), key=lambda i: (-round(float(cost[i] / max(cost.sum(), 1e-300)), 1), widths[i])
            )
        heapq.heappush(self.queue, (dual.bound, self.programs, part, dual, neuron))

    def cut_lowest(self) -> bool:
        """False where the lowest part cannot be cut."""
        _, _, part, dual, neuron = self.queue[0]
        halves = self.fan.cut(part, neuron) if part.cones else ()
        if not halves:
            return False
        heapq.heappop(self.queue)
        for half in halves:
            self.visit(half, dual)
        return True

    def try_point(self, u: Array, c: float) -> None:
        """A network that may be the lowest so far, improved by descent where it is."""
        if not np.isfinite(u).all() or self.s.value(u, c) > 2.0 * self.upper:
            return
        u, c, value = (
            descended(self.s, u, c)
            if self.s.value(u, c) < self.upper or self.programs <= len(self.fan.roots)
            else (u, c, self.s.value(u, c))
        )
        if value < self.upper and self.s.sound(u, c):
            self.upper, self.u, self.c = value, u, c


def descended(s: Narrow, u: Array, c: float) -> tuple[Array, float, float]:
    """(u, c, F) after L-BFGS from there, or the start where that is lower. It moves in coordinates of the directions, in which data have size 1."""
    k, n = u.shape
    y, loss, kappa, G = s.targets, s.objective.loss, s.objective.kappa, s.directions
    inputs = s.inputs @ G.T

    def F(z: Array) -> tuple[float, Array]:
        v, b = z[: k * n].reshape(k, n), float(z[k * n]) if s.output_bias else 0.0
        pre, rows = inputs @ v.T, v @ G
        f = np.maximum(pre, 0.0) @ s.sign_column + b
        slope = loss.gradient(f[:, None], y)[:, 0] / s.N
        norms = np.linalg.norm(rows, axis=1)
        down = ((pre > 0.0) * slope[:, None] * s.sign_column).T @ inputs
        down += kappa * (rows / np.where(norms > 0.0, norms, 1.0)[:, None]) @ G.T
        value = float(loss.values(f[:, None], y).mean()) + kappa * float(norms.sum()) + s.bias_price * abs(b)
        tail = [slope.sum() + s.bias_price * np.sign(b)] if s.output_bias else []
        return value, np.concatenate([down.ravel(), tail])

    start = np.linalg.solve(G.T, u.T).T
    z = np.concatenate([start.ravel(), [c] if s.output_bias else []])
    if not len(z):
        return u, c, s.value(u, c)
    found = minimize(F, z, jac=True, method="L-BFGS-B", options={"maxiter": 200, "ftol": 1e-15, "gtol": 1e-11})
    v, b = found.x[: k * n].reshape(k, n) @ G, float(found.x[k * n]) if s.output_bias else 0.0
    value, before = s.value(v, b), s.value(u, c)
    return (v, b, value) if value < before else (u, c, before)

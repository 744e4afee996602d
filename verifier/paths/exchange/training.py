"""Rows of an exchange in depth trained for all the heads that use them: stages and waypoints at once.

A stage's rows were trained for the stage; in a passage only heads adapt, and in narrow networks no head on some old and some new rows is good. Here
the top rows of all sub-networks and all heads are one optimisation that lowers a smooth maximum of F over stages and waypoints. Rows that are A's or B's stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from verifier.networks.above import Above, affine, dense_above, leaky_relu
from verifier.numbers import plural
from verifier.objective import Objective, Risk
from verifier.paths.towers import subnetworks
from verifier.paths.towers.moves import Tower, mixed
from verifier.paths.towers.subnetwork_training import torch_value

Array = np.ndarray
# The smooth maximum is a norm of this order.
ORDER = 6


@dataclass(frozen=True, eq=False)
class Stage:
    """A tower the path rests at while its top rows come and go; value F; name for notes. own: the top rows are an endpoint's.

    layer, endpoint: which layer of "A" or "B" is thinned; None where it holds neurons of both.
    """

    tower: Tower
    value: float
    name: str
    own: bool = False
    layer: int | None = None
    endpoint: str | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Waypoint(Stage):
    """Rows `old` of the stage before and `new` of the stage after, under one head."""

    old: Array
    new: Array


@dataclass(frozen=True, eq=False)
class Passage:
    """Waypoints between two stages, and how many rows changed over at a time."""

    waypoints: list[Waypoint]
    block: int


def largest(stages: Sequence[Stage], passages: Sequence[Passage]) -> float:
    """The bottleneck: largest F of a stage or waypoint."""
    return max(s.value for s in [*stages, *(w for p in passages for w in p.waypoints)])


def provable(stages: Sequence[Stage], passages: Sequence[Passage], above: Above, X: Array) -> float:
    """The bottleneck with what the kernel's enclosures will add to it, roughly; X (N, n_0), above: all layers."""
    towers = [s.tower for s in [*stages, *(w for p in passages for w in p.waypoints)]]
    inputs = above.maps.rows(X)
    extra = (subnetworks.rounding(inputs, t.rows, t.head, t.head_bias, above) for t in towers)
    return largest(stages, passages) + max(extra)


def trained_together(
    stages: Sequence[Stage],
    passages: Sequence[Passage],
    risk: Risk,
    above: Above,
    *,
    stop_at: float,
    steps: int,
) -> tuple[list[Stage], list[Passage]]:
    """The same chain with other top rows and heads, at most `steps` L-BFGS steps; heads are solved once more at the end. May be worse: compare.

    passages[k] leads from stages[k] to stages[k + 1]. above: all layers, the last hidden one dense.
    """
    import torch

    slope, head_alone = above.slope, dense_above(above.slope, 1)
    lower = [above.through(above.maps.rows(risk.X), s.tower.rows[:-1], read=True) for s in stages]
    L = [torch.tensor(h, dtype=torch.float64) for h in lower]
    y = torch.tensor(risk.targets, dtype=torch.int64 if risk.targets.dtype.kind == "i" else torch.float64)

    def make(a: Array | None, moving: bool) -> Any:
        if a is None:
            return None
        return torch.tensor(np.ascontiguousarray(a), dtype=torch.float64, requires_grad=moving)

    rows = [(make(s.tower.weights[-1], not s.own), make(s.tower.biases[-1], not s.own)) for s in stages]
    points: list[tuple[Stage, int, int | None]] = [(s, k, None) for k, s in enumerate(stages)]
    points += [(w, k, k + 1) for k, p in enumerate(passages) for w in p.waypoints]
    heads = [(make(s.tower.head, True), make(s.tower.head_bias, True)) for s, _, _ in points]
    moving = [t for pair in (*rows, *heads) for t in pair if t is not None and t.requires_grad]
    scale = largest(stages, passages)

    def values() -> Any:
        F = [_features(torch, h, W, b, slope) for h, (W, b) in zip(L, rows)]
        out = []
        for (s, k, j), (h, c) in zip(points, heads):
            Z = F[k] if j is None or not isinstance(s, Waypoint) else torch.cat([F[k][:, s.old], F[j][:, s.new]], dim=1)
            out.append(torch_value(risk.objective, [h], [c], Z, y, head_alone))
        return torch.stack(out)

    optimiser = torch.optim.LBFGS(moving, max_iter=10, history_size=20, line_search_fn="strong_wolfe")

    def closure() -> Any:
        optimiser.zero_grad()
        total = torch.linalg.vector_norm(values() / scale, ord=ORDER)
        total.backward()
        return total

    best = np.inf
    kept: list[Any] = []
    for _ in range(max(1, steps // 10)):
        optimiser.step(closure)
        with torch.no_grad():
            now = float(values().max())
        if not np.isfinite(now):
            break
        if now < best:
            kept = [t.detach().clone() for t in moving]
            stalled, best = now > 0.999 * best, now
        else:
            stalled = True
        if best <= stop_at or stalled:
            break
    with torch.no_grad():
        for t, value in zip(moving, kept):
            t.copy_(value)
    return _rebuilt(stages, passages, rows, heads, lower, risk.objective, risk.targets, slope, stop_at)


def _features(torch: Any, h: Any, W: Any, b: Any, slope: float) -> Any:
    z = torch.nn.functional.linear(h, W, b)
    return torch.nn.functional.leaky_relu(z, slope) if slope else torch.relu(z)


def _rebuilt(
    stages: Sequence[Stage],
    passages: Sequence[Passage],
    rows: Sequence[tuple[Any, Any]],
    heads: Sequence[tuple[Any, Any]],
    lower: Sequence[Array],
    objective: Objective,
    targets: Array,
    slope: float,
    stop_at: float,
) -> tuple[list[Stage], list[Passage]]:
    """Towers with the trained rows, and their heads solved from the trained ones."""

    def array(t: Any) -> Array | None:
        return None if t is None else t.detach().numpy().copy()

    found = iter([(array(h), array(c)) for h, c in heads])

    def solved(Z: Array) -> tuple[Array, Array | None, float]:
        head, c = next(found)
        assert head is not None  # heads always have weights
        return subnetworks.solve_head(Z, targets, objective, (head, c), stop_at=stop_at)

    features, out = [], []
    for s, h, (W, b) in zip(stages, lower, rows):
        top = array(W)
        assert top is not None  # rows always have weights
        # A's and B's rows keep their very arrays.
        W_top, b_top = (s.tower.weights[-1], s.tower.biases[-1]) if s.own else (top, array(b))
        features.append(leaky_relu(affine(h, W_top, b_top), slope))
        head, c, value = solved(features[-1])
        label = f"{s.name}, F = {value:.6g}"
        tower = replace(
            s.tower, weights=(*s.tower.weights[:-1], W_top), biases=(*s.tower.biases[:-1], b_top), head=head,
            head_bias=c, label=label,
        )  # fmt: skip
        out.append(replace(s, tower=tower, value=value))
    again = []
    for k, p in enumerate(passages):
        waypoints = []
        for w in p.waypoints:
            head, c, value = solved(np.hstack([features[k][:, w.old], features[k + 1][:, w.new]]))
            label = f"exchange: head on {plural(len(w.old), 'row')} and {len(w.new)} new ones, F = {value:.6g}"
            tower = mixed(out[k].tower, w.old, out[k + 1].tower, w.new).with_head(head, c)
            waypoints.append(replace(w, tower=replace(tower, label=label), value=value))
        again.append(Passage(waypoints, p.block))
    return out, again

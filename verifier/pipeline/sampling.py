"""Float64 values of F along a path: what the report draws, and the sampled maximum that a certified one must not undercut."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from verifier.kernel.mapping import each_block
from verifier.networks.network import Network, linear_combination
from verifier.objective import Risk
from verifier.paths.path import Path

Array = np.ndarray
# Samples of a block.
BLOCK = 5000


@dataclass(frozen=True)
class Samples:
    """position: in moves (k + t for time t of move k). F: values on the path that is bounded, so with weight decay in the path's form. Both (points,)."""

    position: Array
    F: Array

    @property
    def maximum(self) -> float:
        return float(self.F.max())


def sample_segment(v: Network, w: Network, times: Array, risk: Risk, form: str) -> Array:
    """F, with weight decay in its `form`, at the float64 points (1-t) v + t w, shape (len(times),). Where only the head moves, predictions are
    mixed instead."""
    penalty = risk.objective.penalty_in(form)
    hidden_moves = any(a is not b and not np.array_equal(a, b) for a, b in zip(v.weights[:-1], w.weights[:-1])) or any(
        a is not b and a is not None and b is not None and not np.array_equal(a, b)
        for a, b in zip(v.biases[:-1], w.biases[:-1])
    )
    if hidden_moves:
        return np.array([risk.value_in(form, linear_combination(v, w, float(t))) for t in times])
    Z = v.top_features(risk.X)
    out = []
    for t in times:
        point = linear_combination(v, w, float(t))
        f = Z @ point.theta.T if point.c is None else Z @ point.theta.T + point.c
        out.append(risk.objective.loss_of(f, risk.targets) + penalty(point))
    return np.array(out)


def sample_path(path: Path, kinds: tuple[str, ...], form: str, risk: Risk, *, budget: int = 600) -> Samples:
    """Sample every move: the ends of rescale moves, a grid on head moves and chords; about `budget` points in all. On idle and transfer moves F is
    constant by the kernel's exact reading of the numbers, so its value is carried on; the head move behind them is sampled from its own features again.
    Samples come in blocks, which are worked on where the kernel's are.

    kinds: of the claim's moves, in order. form: of the claim; weight decay as it is changes on idle moves too, so that these are sampled then.
    """
    N, weights = len(risk.X), risk.objective.weights
    blocks = [np.arange(k, min(k + BLOCK, N)) for k in range(0, N, BLOCK)]
    tasks = [risk] if len(blocks) == 1 else [risk.at(b) for b in blocks if weights is None or weights[b].any()]
    found = each_block(partial(_sampled, path=path, kinds=kinds, form=form, budget=budget), tasks)
    if len(found) == 1:
        return found[0]
    shares = [len(t.X) if t.objective.weights is None else float(t.objective.weights.sum()) for t in tasks]
    return Samples(found[0].position, np.average([s.F for s in found], axis=0, weights=shares))


def _sampled(risk: Risk, path: Path, kinds: tuple[str, ...], form: str, budget: int) -> Samples:
    vertices = list(path.vertices())
    weight = {"idle": 0, "transfer": 0, "rescale": 0, "head": 1, "chord": 8}
    still = () if risk.objective.penalty == "weight_decay" and form == "literal" else ("idle", "transfer")
    load = max(1, sum(weight[k] for k in kinds))
    positions, values = [0.0], [risk.value_in(form, vertices[0])]
    for k, kind in enumerate(kinds):
        if kind in still:
            values.append(values[-1])
            positions.append(k + 1.0)
            continue
        n = 1 if weight[kind] == 0 else int(np.clip(budget * weight[kind] // load, 3, 201))
        times = np.arange(1, n + 1) / n
        values.extend(sample_segment(vertices[k], vertices[k + 1], times, risk, form))
        positions.extend(k + times)
    return Samples(np.array(positions), np.array(values))


def activation_changes(path: Path, X: Array) -> list[float]:
    """Per vertex, the share of (sample, last-hidden neuron) pairs that are active at it and not at A, or the reverse; of the first 2,000 samples."""
    X = X[:2000]
    at = path.start
    start = at.features(X) > 0
    out, now = [], start.copy()
    for v in path.vertices():
        if at.shallow and at.geometry is None:
            # Most moves change a few rows, or none.
            changed = np.flatnonzero(_rows_differ(at, v))
            if changed.size:
                b = 0.0 if v.b is None else v.b[changed]
                now[:, changed] = X @ v.W[changed].T + b > 0
        elif any(a is not b for a, b in zip((*v.weights[:-1], *v.biases[:-1]), (*at.weights[:-1], *at.biases[:-1]))):
            now = v.features(X) > 0
        out.append(float(np.mean(now != start)))
        at = v
    return out


def _rows_differ(v: Network, w: Network) -> Array:
    """(m,) booleans, of one hidden layer."""
    differ: Array = np.zeros(len(v.W), dtype=bool)
    if v.W is not w.W:
        differ |= (v.W != w.W).any(axis=1)
    if v.b is not None and w.b is not None and v.b is not w.b:
        differ |= v.b != w.b
    return differ

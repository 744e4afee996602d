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


def plane(
    A: Network,
    B: Network,
    C: Network,
    risk: Risk,
    form: str,
    *,
    size: int | None = None,
) -> dict[str, object]:
    """F on the plane through A, B and a waypoint C: coordinates (x, y) with A at (0, 0), B at (1, 0) in units of |B - A|.

    Returns lists for JSON: x, y (about `size` each), F (len(y), len(x)) with rows over y, and the positions of A, B and C. A, B and C lie on the grid,
    and the line through A and B is one of its rows. Sampled values of float64 points.
    """
    if size is None:
        # About 10^10 multiplications at most: a picture must not cost more than the proof.
        work = len(risk.X) * sum(W.size for W in A.weights)
        size = int(np.clip(np.sqrt(1e10 / work), 7, 21))
    a, b, c = (flat(n) for n in (A, B, C))
    u = b - a
    length = float(np.linalg.norm(u)) or 1.0
    along = float((c - a) @ u) / length**2
    v = c - a - along * u
    height = float(np.linalg.norm(v)) / length
    x = _with(np.linspace(min(0.0, along) - 0.2, max(1.0, along) + 0.2, size), 0.0, 1.0, along)
    y = _with(np.linspace(-0.3 * (height or 1.0), 1.3 * (height or 1.0), size), 0.0, height)

    def at(s: float, t: float) -> Network:
        point = a + s * u + (t / height * v if height else 0.0)
        return unflatten(A, point)

    F = [[risk.value_in(form, at(float(s), float(t))) for s in x] for t in y]
    return {"x": x.tolist(), "y": y.tolist(), "F": F, "A": [0.0, 0.0], "B": [1.0, 0.0], "C": [along, height]}


def _with(grid: Array, *points: float) -> Array:
    """The grid with the points that lie nearest to these moved onto them, each at most once."""
    grid, taken = grid.copy(), set[int]()
    for p in points:
        k = int(np.argmin(np.abs(grid - p)))
        if k in taken:
            grid = np.insert(grid, k + int(p > grid[k]), p) if p != grid[k] else grid
        else:
            grid[k] = p
            taken.add(k)
    return np.unique(grid)


def flat(network: Network) -> Array:
    """All parameters as one vector, in `Network.arrays` order."""
    return np.concatenate([a.ravel() for _, a in network.arrays()])


def unflatten(like: Network, vector: Array) -> Network:
    """Network of `like`'s architecture with parameters in `Network.arrays` order."""
    weights: list[Array] = []
    biases: list[Array | None] = []
    k = 0
    for W, b in zip(like.weights, like.biases):
        weights.append(vector[k : k + W.size].reshape(W.shape))
        k += W.size
        if b is not None:
            biases.append(vector[k : k + b.size])
            k += b.size
        else:
            biases.append(None)
    return like.with_parameters(weights, biases)


def activation_changes(path: Path, X: Array) -> list[float]:
    """Per vertex, the share of (sample, last-hidden neuron) pairs that are active at it and not at A, or the reverse; of the first 2,000 samples."""
    X = X[:2000]
    start = path.start.features(X) > 0
    out, previous, share = [], None, 0.0
    for v in path.vertices():
        if (
            previous is None
            or any(a is not b for a, b in zip(v.weights[:-1], previous.weights[:-1]))
            or v.biases[0] is not previous.biases[0]
        ):
            share = float(np.mean((v.features(X) > 0) != start))
        out.append(share)
        previous = v
    return out

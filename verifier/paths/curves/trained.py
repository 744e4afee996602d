"""Curves other tools train: Bezier and polychain (Garipov et al. 2018) and a nudged elastic band (after Draxler et al. 2018).

Each is an estimate by sampling; read as a polyline it becomes a path that the chord lemma bounds.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from verifier.networks.network import Network
from verifier.objective import Risk
from verifier.paths.curves.strings import polyline
from verifier.paths.curves.torch_objective import TorchObjective
from verifier.paths.path import Path

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Curve:
    """path: the polyline. maximum: largest sampled F on it, over `points` evaluations."""

    path: Path
    maximum: float
    points: int
    cpu_seconds: float
    settings: dict[str, Any]


class _Flat(TorchObjective):
    """F of flat parameter vectors in `Network.arrays` order, batched over the first axis."""

    def __init__(self, like: Network, risk: Risk, seed: int) -> None:
        super().__init__(risk, like=like)
        self.shapes = [(W.shape, b is not None) for W, b in zip(like.weights, like.biases)]
        self.generator = self.torch.Generator().manual_seed(seed)

    def flatten(self, network: Network) -> Any:
        return self.torch.tensor(np.concatenate([a.ravel() for _, a in network.arrays()]))

    def split(self, vector: Any) -> tuple[list[Any], list[Any]]:
        weights: list[Any] = []
        biases: list[Any] = []
        k = 0
        for (n, columns), has_bias in self.shapes:
            weights.append(vector[k : k + n * columns].reshape(n, columns))
            k += n * columns
            biases.append(vector[k : k + n] if has_bias else None)
            k += n if has_bias else 0
        return weights, biases

    def values(self, vectors: Any) -> Any:
        """F at each row of `vectors`, differentiable."""
        return self.torch.func.vmap(lambda v: self.value(*self.split(v)))(vectors)

    def to_network(self, vector: Any) -> Network:
        return self.network(*self.split(vector))


def bezier(
    A: Network, B: Network, risk: Risk, *, seed: int = 0, steps: int = 300,
    lr: float = 0.01, batch: int = 8, pieces: int = 32,
) -> Curve:  # fmt: skip
    """Quadratic Bezier curve `(1-t)^2 A + 2 t (1-t) C + t^2 B`, C trained on the mean of F at `batch` uniform t per Adam step.

    Returned as a polyline of `pieces` segments: the path that is sampled and certified is that polyline.
    """
    flat = _Flat(A, risk, seed)
    a, b = flat.flatten(A), flat.flatten(B)

    def at(C: Any, t: Any) -> Any:
        return (1 - t) ** 2 * a + 2 * t * (1 - t) * C + t**2 * b

    settings = {"steps": steps, "lr": lr, "batch": batch, "pieces": pieces, "seed": seed}
    return _trained("bezier", flat, A, B, at, np.arange(1, pieces) / pieces, settings)


def polychain(
    A: Network, B: Network, risk: Risk, *, seed: int = 0, steps: int = 300,
    lr: float = 0.01, batch: int = 8,
) -> Curve:  # fmt: skip
    """Two segments A - C - B, C trained as for `bezier`."""
    flat = _Flat(A, risk, seed)
    a, b = flat.flatten(A), flat.flatten(B)

    def at(C: Any, t: Any) -> Any:
        return flat.torch.where(t <= 0.5, a + 2 * t * (C - a), C + (2 * t - 1) * (b - C))

    settings = {"steps": steps, "lr": lr, "batch": batch, "seed": seed}
    return _trained("polychain", flat, A, B, at, np.array([0.5]), settings)


def _trained(name: str, flat: _Flat, A: Network, B: Network, at: Any, stops: Array, settings: dict[str, Any]) -> Curve:
    torch, start = flat.torch, time.process_time()
    C = (0.5 * (flat.flatten(A) + flat.flatten(B))).requires_grad_(True)
    optimiser = torch.optim.Adam([C], lr=settings["lr"])
    for _ in range(settings["steps"]):
        optimiser.zero_grad()
        t = torch.rand((settings["batch"], 1), generator=flat.generator, dtype=torch.float64)
        flat.values(at(C, t)).mean().backward()
        optimiser.step()
    with torch.no_grad():
        vertices = [flat.to_network(at(C, torch.tensor([float(t)], dtype=torch.float64))) for t in stops]
    return _measured(name, flat, A, vertices, B, settings, start)


def _measured(
    name: str, flat: _Flat, A: Network, vertices: list[Network], B: Network, settings: dict[str, Any], start: float
) -> Curve:
    path = polyline(name, A, vertices, B)
    stops = list(path.vertices())
    per = max(2, 201 // max(1, len(stops) - 1))
    values = [flat.segment_values(v, w, per).max() for v, w in pairwise(stops)] or [flat.segment_values(A, B, 2).max()]
    return Curve(path, float(max(values)), per * len(values), time.process_time() - start, settings)


def elastic_band(
    A: Network, B: Network, risk: Risk, *, seed: int = 0, rounds: int = 4,
    steps: int = 100, lr: float = 0.01, most: int = 24,
) -> Curve:  # fmt: skip
    """A nudged elastic band in the manner of AutoNEB: pivots follow the part of -grad F across the band and are spread evenly along it;
    after each round a pivot is inserted in the segments whose sampled F exceeds their ends, up to `most` pivots.
    """
    flat = _Flat(A, risk, seed)
    torch, start = flat.torch, time.process_time()
    a, b = flat.flatten(A), flat.flatten(B)
    pivots = torch.stack([a + t * (b - a) for t in (0.25, 0.5, 0.75)])
    for _ in range(rounds):
        pivots = _relax(flat, a, b, pivots, steps, lr)
        pivots = _insert(flat, a, b, pivots, most)
    vertices = [flat.to_network(p) for p in pivots]
    settings = {"rounds": rounds, "steps": steps, "lr": lr, "most": most, "seed": seed}
    return _measured("neb", flat, A, vertices, B, settings, start)


def _relax(flat: _Flat, a: Any, b: Any, pivots: Any, steps: int, lr: float) -> Any:
    """Adam on the gradient across the band; even spacing along it after every step."""
    torch = flat.torch
    pivots = pivots.clone().requires_grad_(True)
    optimiser = torch.optim.Adam([pivots], lr=lr)
    for _ in range(steps):
        optimiser.zero_grad()
        flat.values(pivots).sum().backward()
        with torch.no_grad():
            chain = torch.cat([a[None], pivots, b[None]])
            tangent = chain[2:] - chain[:-2]
            tangent = tangent / tangent.norm(dim=1, keepdim=True).clamp_min(1e-30)
            pivots.grad -= (pivots.grad * tangent).sum(dim=1, keepdim=True) * tangent
        optimiser.step()
        with torch.no_grad():
            pivots.copy_(_evenly(torch, torch.cat([a[None], pivots, b[None]]))[1:-1])
    return pivots.detach()


def _evenly(torch: Any, chain: Any) -> Any:
    """The same number of points at equal arc length along the polyline."""
    lengths = (chain[1:] - chain[:-1]).norm(dim=1)
    arc = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
    wanted = torch.linspace(0.0, float(arc[-1]), len(chain), dtype=arc.dtype)
    k = torch.searchsorted(arc, wanted).clamp(1, len(chain) - 1)
    share = (wanted - arc[k - 1]) / (arc[k] - arc[k - 1]).clamp_min(1e-30)
    return chain[k - 1] + share[:, None] * (chain[k] - chain[k - 1])


def _insert(flat: _Flat, a: Any, b: Any, pivots: Any, most: int) -> Any:
    """A new pivot at the middle of each segment whose sampled F exceeds both ends."""
    torch = flat.torch
    chain, out = torch.cat([a[None], pivots, b[None]]), []
    grid = torch.linspace(0.0, 1.0, 9, dtype=torch.float64)[:, None]
    with torch.no_grad():
        for k in range(len(chain) - 1):
            values = flat.values(chain[k] + grid * (chain[k + 1] - chain[k]))
            if k:
                out.append(chain[k])
            if (
                float(values.max()) > max(float(values[0]), float(values[-1])) * (1 + 1e-9)
                and len(pivots) + len(out) - k < most
            ):
                out.append(0.5 * (chain[k] + chain[k + 1]))
    return torch.stack(out)

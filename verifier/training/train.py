"""Training of fully connected ReLU networks on a whole data set at once; repeatable by its seed.

torch is imported inside `train_network`, so that importing this module costs nothing.
"""

from __future__ import annotations

import math
import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from verifier.data.dataset import Dataset
from verifier.data.weights import require_unweighted
from verifier.distribution import tool_version
from verifier.errors import UsageError, VerifierError
from verifier.networks.network import Network
from verifier.objective.objective import Objective
from verifier.options.declare import accepts, require_none_left, taken
from verifier.options.training import TrainingOptions
from verifier.training.protocols import Plan, plan

Progress = Callable[[int, float], None]


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """network: exact copy of the float32 parameters. history: objective before each step, then at the end, float32 estimates, length epochs + 1.

    settings: everything needed to train it again, JSON-able. objective: what was minimised.
    """

    network: Network
    history: tuple[float, ...]
    settings: dict[str, Any]
    objective: Objective = field(repr=False)


@accepts(TrainingOptions)
def train_network(
    dataset: Dataset,
    width: int | Sequence[int],
    loss: str,
    *,
    seed: int,
    options: TrainingOptions | None = None,
    progress: Progress | None = None,
    **keywords: Any,
) -> TrainedNetwork:
    """Train `Linear-ReLU-...-Linear` (or with Leaky ReLU) with PyTorch's default initialisation, drawn with seed 1000 + sum of widths + seed.

    width: m, or the hidden widths of a deeper network. loss: logistic, cross_entropy, squared, huber (with delta), hinge, absolute.
    options: a value in place of keywords. progress: called with (steps done, objective) after each step. One thread; the caller's random state and
    thread count are left as they were.

    Raises UsageError for options that are unknown, out of range, or contradict data or protocol, VerifierError when training diverges.
    """
    left = dict(keywords)
    o = taken(TrainingOptions, left, options)
    require_none_left("train_network", left, TrainingOptions)
    p = plan(width, loss, seed, o)
    require_unweighted(dataset, "training")
    targets = p.objective.loss.encode(dataset)
    sizes = (dataset.dimension, *p.widths, p.objective.loss.outputs(targets))
    p.objective.penalty_form.check(_shape_only(sizes, o.bias))

    import torch

    with _one_thread(torch), torch.random.fork_rng(devices=[]):
        torch.manual_seed(p.torch_seed)
        layers = [torch.nn.Linear(a, b, bias=o.bias) for a, b in pairwise(sizes)]
        place = require_device(torch, o.device)
        for layer in layers:
            layer.to(place)
        history = _descend(p, layers, dataset.X, targets, place, progress)
        arrays = _arrays(layers, p.seed)
    network = Network(*arrays, o.negative_slope)
    versions = {
        "verifier": tool_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
    settings = {**p.settings, "optimiser": "Adam, full batch, float32", "device": str(place), "versions": versions}
    return TrainedNetwork(network, tuple(history), settings, p.objective)


def _descend(
    p: Plan, layers: list[Any], X: np.ndarray, targets: np.ndarray, place: Any, progress: Progress | None
) -> list[float]:
    """Full-batch Adam; the objective before each step and at the end."""
    import torch

    from verifier.training import torch_losses

    weights, biases = [layer.weight for layer in layers], [layer.bias for layer in layers]
    inputs = torch.tensor(X, dtype=torch.float32, device=place)
    y = torch.tensor(targets, dtype=torch.int64 if targets.dtype.kind == "i" else torch.float32, device=place)
    optimiser = torch.optim.Adam([q for layer in layers for q in layer.parameters()], lr=p.protocol.lr)

    schedule = None
    if p.protocol.plateau is not None:
        schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, factor=p.protocol.plateau)

    def value() -> Any:
        return torch_losses.objective_value(p.objective, weights, biases, inputs, y, above=p.options.negative_slope)

    history = []
    for step in range(p.protocol.epochs):
        optimiser.zero_grad()
        F = value()
        history.append(float(F.detach()))
        if not math.isfinite(history[-1]):
            raise VerifierError(
                f"training seed {p.seed}: the objective became {history[-1]} after {step} steps; lower --lr or scale the data"
            )
        F.backward()
        optimiser.step()
        if p.protocol.unit_rows:
            torch_losses.to_unit_rows(weights, biases)
        if schedule is not None:
            schedule.step(history[-1])
        if progress is not None:
            progress(step + 1, history[-1])
    with torch.no_grad():
        history.append(float(value()))
    return history


def _arrays(layers: list[Any], seed: int) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray | None, ...]]:
    """Exact copies of weights and biases. Raises VerifierError when one of them is no finite number."""
    weights = tuple(layer.weight.detach().cpu().numpy().astype(np.float64) for layer in layers)
    biases = tuple(
        None if layer.bias is None else layer.bias.detach().cpu().numpy().astype(np.float64) for layer in layers
    )
    if not all(a is None or np.isfinite(a).all() for a in (*weights, *biases)):
        raise VerifierError(f"training seed {seed}: parameters became NaN or infinite; lower --lr or scale the data")
    return weights, biases


def _shape_only(sizes: Sequence[int], bias: bool) -> Network:
    """A zero network of these layer sizes, for checks that look at shapes."""
    return Network(
        tuple(np.zeros((b, a)) for a, b in pairwise(sizes)),
        tuple(np.zeros(b) if bias else None for b in sizes[1:]),
    )


def require_device(torch: Any, name: str) -> Any:
    """torch's device of this name, once a tensor has been put there. Raises UsageError."""
    try:
        place = torch.device(name)
        torch.zeros(1, device=place)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(f"device {name!r} is not available here ({str(error).splitlines()[0]}); use cpu") from error
    return place


@contextmanager
def _one_thread(torch: Any) -> Iterator[None]:
    """One torch thread: sums in a fixed order, and no contention between processes."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)

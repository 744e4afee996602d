"""Training of ReLU networks on a whole data set at once or in batches; repeatable by its seed.

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
from verifier.training.protocols import MOMENTUM, Plan, plan

Progress = Callable[[int, float], None]


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """network: exact copy of the float32 parameters. history: objective before each step, then at the end, float32 estimates, length epochs + 1; with
    batches the mean over those of each pass, then at the end.

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

    from verifier.training.torch_losses import objective_value, to_unit_rows

    with isolated(p.torch_seed):
        layers = [torch.nn.Linear(a, b, bias=o.bias) for a, b in pairwise(sizes)]
        place = require_device(torch, o.device)
        for layer in layers:
            if p.protocol.batch is not None:
                he_initial(torch, layer)
            layer.to(place)
        weights, biases = [layer.weight for layer in layers], [layer.bias for layer in layers]

        def value(X: Any, y: Any) -> Any:
            return objective_value(p.objective, weights, biases, X, y, above=o.negative_slope)

        def after_step() -> None:
            if p.protocol.unit_rows:
                to_unit_rows(weights, biases)

        parameters = [q for layer in layers for q in layer.parameters()]
        history = descended(p, parameters, value, after_step, (dataset.X, targets), place, progress)
        arrays = _arrays(layers, p.seed)
    return recorded(p, Network(*arrays, o.negative_slope), history, place)


def recorded(p: Plan, network: Network, history: Sequence[float], place: Any, **more: Any) -> TrainedNetwork:
    """With everything needed to train it again; more: of the settings."""
    import torch

    versions = {
        "verifier": tool_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
    settings = {**p.settings, "optimiser": p.protocol.words, "device": str(place), "versions": versions, **more}
    return TrainedNetwork(network, tuple(history), settings, p.objective)


def he_initial(torch: Any, layer: Any) -> None:
    """He et al. 2015: normal weights of variance 2 / fan-in, biases 0. PyTorch's own third of it leaves a deep network nothing of its inputs."""
    torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    if layer.bias is not None:
        torch.nn.init.zeros_(layer.bias)


def descended(
    p: Plan,
    parameters: list[Any],
    value: Callable[[Any, Any], Any],
    after_step: Callable[[], None],
    data: tuple[np.ndarray, np.ndarray],
    place: Any,
    progress: Progress | None,
) -> list[float]:
    """The plan's protocol on parameters of `value(inputs, targets)`, the objective on samples. data: inputs (N, ...) and the loss's targets.

    Returns the history, see `TrainedNetwork`. Raises VerifierError when the objective is no finite number any more.
    """
    import torch

    X, targets = data
    inputs: Any = torch.tensor(X, dtype=torch.float32, device=place)
    y: Any = torch.tensor(targets, dtype=torch.int64 if targets.dtype.kind == "i" else torch.float32, device=place)
    q, N = p.protocol, len(X)
    schedule: Any = None
    optimiser: Any
    if q.batch is None:
        optimiser = torch.optim.Adam(parameters, lr=q.lr)
        if q.plateau is not None:
            schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, factor=q.plateau)
    else:
        optimiser = torch.optim.SGD(parameters, lr=q.lr, momentum=MOMENTUM, nesterov=True)
        steps = max(1, q.epochs * -(-N // q.batch))
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, q.lr, total_steps=steps, cycle_momentum=False)

    def step(X: Any, y: Any, done: int) -> float:
        optimiser.zero_grad()
        F = value(X, y)
        found = float(F.detach())
        if not math.isfinite(found):
            raise VerifierError(
                f"training seed {p.seed}: the objective became {found} after {done} {'steps' if q.batch is None else 'passes'}; lower --lr or scale the data"
            )
        F.backward()
        optimiser.step()
        after_step()
        if schedule is not None and q.batch is None:
            schedule.step(found)
        elif schedule is not None:
            schedule.step()
        return found

    history = []
    for done in range(q.epochs):
        if q.batch is None:
            history.append(step(inputs, y, done))
        else:
            order: Any = torch.randperm(N)
            parts = order.split(q.batch)
            history.append(math.fsum(len(k) * step(inputs[k], y[k], done) for k in parts) / N)
        if progress is not None:
            progress(done + 1, history[-1])
    with torch.no_grad():
        size = N if q.batch is None else 1000
        pieces = zip(inputs.split(size), y.split(size))
        history.append(math.fsum(len(a) * float(value(a, b)) for a, b in pieces) / N)
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
def isolated(seed: int) -> Iterator[None]:
    """Random numbers from a seed, and one torch thread: sums in a fixed order, and no contention between processes. Both are given back as they were."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(before)

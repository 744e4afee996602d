"""Training of fully connected ReLU networks on a whole data set at once; repeatable by its seed.

torch is imported inside `train_network`, so that importing this module costs nothing.
"""

from __future__ import annotations

import math
import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from verifier.data.dataset import Dataset
from verifier.data.weights import require_unweighted
from verifier.distribution import tool_version
from verifier.errors import UsageError, VerifierError
from verifier.networks.network import Network
from verifier.objective.objective import Objective, make_objective


@dataclass(frozen=True)
class Protocol:
    """epochs: full-batch Adam steps. unit_rows: rows of W_1 (without the bias) are scaled to unit norm after each step."""

    epochs: int
    lr: float
    kappa: float
    penalty: str | None
    penalise_output_bias: bool
    unit_rows: bool


PROTOCOLS = {
    # docs/constructions.md, section 3
    "paper": Protocol(epochs=150, lr=0.01, kappa=0.001, penalty="l1", penalise_output_bias=True, unit_rows=True),
    "default": Protocol(epochs=500, lr=0.01, kappa=0.0, penalty=None, penalise_output_bias=False, unit_rows=False),
}


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """network: exact copy of the float32 parameters. history: objective before each step, then at the end, float32 estimates, length epochs + 1.

    settings: everything needed to train it again, JSON-able. objective: what was minimised.
    """

    network: Network
    history: tuple[float, ...]
    settings: dict[str, Any]
    objective: Objective = field(repr=False)


def train_network(
    dataset: Dataset,
    width: int | Sequence[int],
    loss: str,
    *,
    seed: int,
    protocol: str = "default",
    epochs: int | None = None,
    lr: float | None = None,
    kappa: float | None = None,
    penalty: str | None = None,
    penalise_output_bias: bool | None = None,
    delta: float | None = None,
    bias: bool = True,
    negative_slope: float = 0.0,
    device: str = "cpu",
    progress: Callable[[int, float], None] | None = None,
) -> TrainedNetwork:
    """Train `Linear-ReLU-...-Linear` (or with Leaky ReLU) with PyTorch's default initialisation, drawn with seed 1000 + sum of widths + seed.

    width: m, or the hidden widths of a deeper network. loss: logistic, cross_entropy, squared, huber (with delta), hinge, absolute.
    protocol: "paper" (150 Adam steps at 0.01, kappa = 0.001 times l1 of the last layer's weights and bias, rows of the first
    layer on the unit sphere after each step) or "default" (500 Adam steps at 0.01, no penalty); None elsewhere
    takes the protocol's value. A kappa > 0 without penalty means path.
    negative_slope: of Leaky ReLU between the layers; 0 for ReLU.
    progress: called with (steps done, objective) after each step. One thread; the caller's random state and thread count are left as they were.

    Raises UsageError for options that are unknown, out of range, or contradict data or protocol, VerifierError when training diverges.
    """
    widths = (width,) if isinstance(width, int) else tuple(width)
    plan, objective = _plan(protocol, widths, loss, epochs, lr, kappa, penalty, penalise_output_bias, delta)
    if not 0 <= seed < 2**31:
        raise UsageError(f"seed must lie in 0..{2**31 - 1}, got {seed}")
    if not 0.0 <= negative_slope < 1.0:
        raise UsageError(f"negative_slope must lie in [0, 1), got {negative_slope}")
    if negative_slope and protocol == "paper":
        raise UsageError("protocol paper trains ReLU networks; use protocol default with a negative slope")
    require_unweighted(dataset, "training")
    targets = objective.loss.encode(dataset)
    sizes = (dataset.dimension, *widths, objective.loss.outputs(targets))
    objective.penalty_form.check(_shape_only(sizes, bias))

    import torch

    from verifier.training import torch_losses

    with _one_thread(torch), torch.random.fork_rng(devices=[]):
        torch.manual_seed(1000 + sum(widths) + seed)
        layers = [torch.nn.Linear(a, b, bias=bias) for a, b in pairwise(sizes)]
        place = require_device(torch, device)
        for layer in layers:
            layer.to(place)
        weights = [layer.weight for layer in layers]
        biases = [layer.bias for layer in layers]
        X = torch.tensor(dataset.X, dtype=torch.float32, device=place)
        y = torch.tensor(targets, dtype=torch.int64 if targets.dtype.kind == "i" else torch.float32, device=place)
        optimiser = torch.optim.Adam([p for layer in layers for p in layer.parameters()], lr=plan.lr)

        def value() -> Any:
            total = torch_losses.mean_loss(
                loss.replace("-", "_"), torch_losses.forward(weights, biases, X, negative_slope), y, delta
            )
            if objective.kappa > 0:
                total = total + objective.kappa * torch_losses.penalty(
                    objective.penalty, weights, biases, objective.penalise_output_bias
                )
            return total

        history = []
        for step in range(plan.epochs):
            optimiser.zero_grad()
            F = value()
            history.append(float(F.detach()))
            if not math.isfinite(history[-1]):
                raise VerifierError(
                    f"training seed {seed}: the objective became {history[-1]} after {step} steps; lower --lr or scale the data"
                )
            F.backward()
            optimiser.step()
            if plan.unit_rows:
                with torch.no_grad():
                    norms = torch.linalg.vector_norm(weights[0], dim=1, keepdim=True)
                    weights[0].div_(torch.where(norms > 0, norms, torch.ones_like(norms)))
            if progress is not None:
                progress(step + 1, history[-1])
        with torch.no_grad():
            history.append(float(value()))
        arrays = [None if p is None else p.detach().cpu().numpy().astype(np.float64) for p in (*weights, *biases)]
    if not all(a is None or np.isfinite(a).all() for a in arrays):
        raise VerifierError(f"training seed {seed}: parameters became NaN or infinite; lower --lr or scale the data")
    network = Network(
        tuple(a for a in arrays[: len(layers)] if a is not None), tuple(arrays[len(layers) :]), negative_slope
    )
    settings = {
        **_settings(protocol, widths, plan, objective, seed, bias, negative_slope),
        "optimiser": "Adam, full batch, float32",
        "device": str(place),
        "versions": {
            "verifier": tool_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    }
    return TrainedNetwork(network, tuple(history), settings, objective)


def settings_before(
    protocol: str, widths: Sequence[int], loss: str, *, seed: int, bias: bool, negative_slope: float, epochs: int | None, lr: float | None,
    kappa: float | None, penalty: str | None, penalise_output_bias: bool | None, delta: float | None,
) -> dict[str, Any]:  # fmt: skip
    """What `train_network` will record of a run, as far as it is known before: everything that decides the result but data, device and versions."""
    plan, objective = _plan(protocol, widths, loss, epochs, lr, kappa, penalty, penalise_output_bias, delta)
    return _settings(protocol, widths, plan, objective, seed, bias, negative_slope)


def _settings(
    protocol: str, widths: Sequence[int], plan: Protocol, objective: Objective, seed: int, bias: bool, negative_slope: float
) -> dict[str, Any]:  # fmt: skip
    return {
        "protocol": protocol, "widths": list(widths), "bias": bias, **({"negative_slope": negative_slope} if negative_slope else {}),
        "seed": seed, "torch_seed": 1000 + sum(widths) + seed, "loss": objective.loss.name, "delta": getattr(objective.loss, "delta", None),
        **asdict(plan), "kappa": objective.kappa, "penalty": objective.penalty, "penalise_output_bias": objective.penalise_output_bias,
    }  # fmt: skip


def _plan(
    protocol: str,
    widths: Sequence[int],
    loss: str,
    epochs: int | None,
    lr: float | None,
    kappa: float | None,
    penalty: str | None,
    penalise_output_bias: bool | None,
    delta: float | None,
) -> tuple[Protocol, Objective]:
    """The protocol with the caller's values put in, and its objective. Raises UsageError for what does not fit."""
    if protocol not in PROTOCOLS:
        raise UsageError(f"protocol {protocol!r} is unknown; choose one of {', '.join(PROTOCOLS)}")
    base = PROTOCOLS[protocol]
    if not widths or any(isinstance(m, bool) or m != int(m) or m < 1 for m in widths):
        raise UsageError(f"hidden widths must be integers of at least 1, got {list(widths)}")
    if protocol == "paper" and len(widths) != 1:
        raise UsageError(f"protocol paper is for one hidden layer, got widths {list(widths)}; use protocol default")
    if penalty not in (None, "none") and kappa is None and base.kappa == 0:
        raise UsageError(f"penalty {penalty} needs its weight: give --kappa K as well")
    weight = base.kappa if kappa is None else kappa
    if penalty == "none" and kappa is None:
        weight = 0.0
    kind = base.penalty if penalty is None else penalty
    if weight == 0:  # nothing to penalise with
        kind, with_bias = "none", False
    elif penalise_output_bias is None:
        with_bias = base.penalise_output_bias and (kind or "path").replace("-", "_") in ("l1", "path")
    else:
        with_bias = penalise_output_bias
    if weight == 0 and penalise_output_bias:
        raise UsageError(
            "the output bias can be penalised only with a penalty: give --kappa K and --penalty l1 or path"
        )
    objective = make_objective(loss, delta=delta, kappa=weight, penalty=kind, penalise_output_bias=with_bias)
    plan = Protocol(
        epochs=base.epochs if epochs is None else epochs,
        lr=base.lr if lr is None else lr,
        kappa=objective.kappa,
        penalty=objective.penalty,
        penalise_output_bias=objective.penalise_output_bias,
        unit_rows=base.unit_rows,
    )
    if plan.epochs < 0:
        raise UsageError(f"epochs must be 0 or more, got {plan.epochs}")
    if not (math.isfinite(plan.lr) and plan.lr > 0):
        raise UsageError(f"the learning rate must be a positive number, got {plan.lr}")
    return plan, objective


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

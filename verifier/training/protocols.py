"""What is trained, decided before torch is needed: the protocol with the caller's values put in, its objective, and what a checkpoint records of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from verifier.errors import UsageError
from verifier.objective.objective import Objective, make_objective
from verifier.options.training import TrainingOptions


@dataclass(frozen=True)
class Protocol:
    """epochs: full-batch Adam steps at lr, or, with a batch, passes of SGD with Nesterov's momentum over the samples, a permutation each, whose step size
    rises to lr and falls to 0 (one cycle); layers then begin with the variances of He et al. 2015 and biases 0. unit_rows: after each step rows of W_1
    (without the bias) are scaled to unit norm, their biases likewise and the neurons' outgoing weights the other way, so that the function stays. plateau:
    factor by which the step size falls where the objective has not fallen for ten steps, or None."""

    epochs: int
    lr: float
    kappa: float
    penalty: str | None
    penalise_output_bias: bool
    unit_rows: bool
    plateau: float | None = None
    batch: int | None = None

    @property
    def words(self) -> str:
        return (
            "Adam, full batch, float32"
            if self.batch is None
            else f"SGD, batches of {self.batch}, momentum {MOMENTUM}, one cycle, float32"
        )


# Of SGD. Plain SGD, of which Nguyen et al. 2021 speak, needs several times as many passes at depth 11.
MOMENTUM = 0.9
PROTOCOLS = {
    # The networks of Baturin 2026, section 5, number for number: docs/constructions.md, section 3.
    "paper": Protocol(
        epochs=150,
        lr=0.01,
        kappa=0.001,
        penalty="l1",
        penalise_output_bias=True,
        unit_rows=True,
        plateau=0.9,
    ),
    # Batches and loss of Nguyen, Bréchet, Mondelli 2021, section 6; they state neither initialisation nor step sizes.
    "sgd": Protocol(
        epochs=40,
        lr=0.05,
        kappa=0.0,
        penalty=None,
        penalise_output_bias=False,
        unit_rows=False,
        batch=100,
    ),
    "default": Protocol(epochs=500, lr=0.01, kappa=0.0, penalty=None, penalise_output_bias=False, unit_rows=False),
}


@dataclass(frozen=True)
class Plan:
    """One training: hidden widths, seed, what is minimised and how."""

    widths: tuple[int, ...]
    seed: int
    objective: Objective
    protocol: Protocol
    options: TrainingOptions

    @property
    def torch_seed(self) -> int:
        return 1000 + sum(self.widths) + self.seed

    @property
    def settings(self) -> dict[str, Any]:
        """Everything that decides the result but data, device and versions; JSON-able."""
        o, objective = self.options, self.objective
        slope = {"negative_slope": o.negative_slope} if o.negative_slope else {}
        return {
            "protocol": o.protocol, "widths": list(self.widths), "bias": o.bias, **slope, "seed": self.seed, "torch_seed": self.torch_seed,
            **{k: v for k, v in asdict(self.protocol).items() if k not in ("plateau", "batch") or v},
            **asdict(objective.options),
        }  # fmt: skip


def plan(width: int | Sequence[int], loss: str, seed: int, o: TrainingOptions) -> Plan:
    """The protocol with the caller's values put in. width: m, or hidden widths. Raises UsageError for what does not fit together."""
    widths = (width,) if isinstance(width, int) else tuple(width)
    if o.protocol not in PROTOCOLS:
        raise UsageError(f"protocol {o.protocol!r} is unknown; choose one of {', '.join(PROTOCOLS)}")
    if not widths or any(isinstance(m, bool) or m != int(m) or m < 1 for m in widths):
        raise UsageError(f"hidden widths must be integers of at least 1, got {list(widths)}")
    base = PROTOCOLS[o.protocol]
    if base.unit_rows and len(widths) != 1:
        raise UsageError(
            f"protocol {o.protocol} is for one hidden layer, got widths {list(widths)}; use protocol default"
        )
    if o.batch is not None and (base.batch is None or o.batch < 1):
        raise UsageError(f"batch {o.batch}: expected at least 1 sample, with protocol sgd; {o.protocol} was asked for")
    objective = _objective(loss, base, o)
    protocol = Protocol(
        epochs=base.epochs if o.epochs is None else o.epochs,
        lr=base.lr if o.lr is None else o.lr,
        kappa=objective.kappa,
        penalty=objective.penalty,
        penalise_output_bias=objective.penalise_output_bias,
        unit_rows=base.unit_rows,
        plateau=base.plateau,
        batch=base.batch if o.batch is None else o.batch,
    )
    if protocol.epochs < 0:
        raise UsageError(f"epochs must be 0 or more, got {protocol.epochs}")
    if not (math.isfinite(protocol.lr) and protocol.lr > 0):
        raise UsageError(f"the learning rate must be a positive number, got {protocol.lr}")
    if not 0 <= seed < 2**31:
        raise UsageError(f"seed must lie in 0..{2**31 - 1}, got {seed}")
    if not 0.0 <= o.negative_slope < 1.0:
        raise UsageError(f"negative_slope must lie in [0, 1), got {o.negative_slope}")
    if o.negative_slope and base.unit_rows:
        raise UsageError(f"protocol {o.protocol} trains ReLU networks; use protocol default with a negative slope")
    return Plan(widths, seed, objective, protocol, o)


def _objective(loss: str, base: Protocol, o: TrainingOptions) -> Objective:
    """The protocol's penalty where the caller names none."""
    if o.penalty not in (None, "none") and o.kappa is None and base.kappa == 0:
        raise UsageError(f"penalty {o.penalty} needs its weight: give --kappa K as well")
    weight = base.kappa if o.kappa is None else o.kappa
    if o.penalty == "none" and o.kappa is None:
        weight = 0.0
    kind = base.penalty if o.penalty is None else o.penalty
    if weight == 0:  # nothing to penalise with
        if o.penalise_output_bias:
            raise UsageError(
                "the output bias can be penalised only with a penalty: give --kappa K and --penalty l1 or path"
            )
        kind, with_bias = "none", False
    elif o.penalise_output_bias is None:
        with_bias = base.penalise_output_bias and (kind or "path").replace("-", "_") in ("l1", "path")
    else:
        with_bias = o.penalise_output_bias
    return make_objective(loss, delta=o.delta, kappa=weight, penalty=kind, penalise_output_bias=with_bias)

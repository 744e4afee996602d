"""How `train_network` trains."""

from __future__ import annotations

from dataclasses import dataclass

from verifier.options.declare import hinted, option
from verifier.options.objective import PENALTIES

PROTOCOLS = ("paper", "sgd", "default")


@hinted
@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """None of an option: the protocol's value (`verifier.training.protocols`)."""

    protocol: str = option(
        "default",
        help="paper: as the networks of Baturin 2026 were trained (150 Adam steps at 0.01 falling on plateaus, 0.001 l1 of the last layer, rows "
        "of the first brought to length 1 after each step, the function kept); "
        "sgd: minibatches of 100 as in Nguyen et al. 2021, weights as He et al. 2015 draw them; "
        "default: 500 steps, no penalty",
        choices=PROTOCOLS,
    )
    epochs: int | None = option(
        help="full-batch Adam steps, or passes over the data with batches", metavar="N", sweep=True
    )
    lr: float | None = option(help="step size (default: 0.01; of protocol sgd the largest, 0.05)", sweep=True)
    batch: int | None = option(help="samples per step of protocol sgd (default: 100)", metavar="N", sweep=True)
    delta: float | None = option(help="Huber's delta (default: 1)")
    kappa: float | None = option(help="weight of the penalty", metavar="K", sweep=True)
    penalty: str | None = option(help="default: path when kappa > 0", choices=PENALTIES, sweep=True)
    penalise_output_bias: bool | None = option(help="add the output bias to the penalty (l1, path)", sweep=True)
    bias: bool = option(True, help="layers with biases", sweep=True)
    negative_slope: float = option(0.0, help="Leaky ReLU max(z, A z) between the layers; 0 is ReLU", metavar="A")
    device: str = option("cpu", help="torch device")

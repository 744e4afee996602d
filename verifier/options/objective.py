"""The objective as it is asked for."""

from __future__ import annotations

from dataclasses import dataclass

from verifier.options.declare import hinted, option, require_kinds

LOSSES = ("logistic", "cross_entropy", "squared", "huber", "hinge", "absolute")
PENALTIES = ("none", "l1", "path", "weight_decay")


@hinted
@dataclass(frozen=True, kw_only=True)
class ObjectiveOptions:
    """F = mean loss + kappa P (docs/certificate-v2.md, Problem). None of an option: as the checkpoints recorded it."""

    loss: str | None = option(help="loss of one sample", choices=LOSSES)
    delta: float | None = option(help="Huber's delta")
    kappa: float | None = option(help="weight of the penalty, at least 0", metavar="K")
    penalty: str | None = option(help="penalty P; with kappa > 0 and none named: path", choices=PENALTIES)
    penalise_output_bias: bool | None = option(help="whether l1 and path include the output bias")

    def __post_init__(self) -> None:
        require_kinds(self)

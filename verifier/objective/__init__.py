"""Losses, penalties and the objective they make."""

from verifier.objective.loss import Loss
from verifier.objective.losses import LOSSES, make_loss
from verifier.objective.objective import Objective, make_objective
from verifier.objective.penalties import PENALTIES, Penalty, augmented_rows, make_penalty, row_norms
from verifier.objective.risk import Risk, risk_of
from verifier.objective.weighted import SampleWeighted

__all__ = [
    "LOSSES",
    "PENALTIES",
    "Loss",
    "Objective",
    "Penalty",
    "Risk",
    "SampleWeighted",
    "augmented_rows",
    "make_loss",
    "make_objective",
    "make_penalty",
    "risk_of",
    "row_norms",
]

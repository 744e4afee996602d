"""A-priori bounds as values: float estimates of formulae, with the hypotheses they rest on."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from verifier.matrices import augmented_inputs
from verifier.networks.network import Network
from verifier.objective import Objective, augmented_rows

Array = np.ndarray


@dataclass(frozen=True)
class Hypothesis:
    """One hypothesis of a theorem, judged on the given networks and data; met is None where it cannot be judged."""

    statement: str
    met: bool | None
    detail: str


@dataclass(frozen=True)
class AprioriBound:
    """A formula's value in float64: an estimate of what the theorem promises, never a checked number.

    name: which bound. source: paper and theorem. value: None where the formula has none (kappa = 0, no Lipschitz constant).
    hypotheses: what the theorem assumes. note: what a reader should know. excess: the value is measured from a level, and is none of F itself.
    """

    name: str
    source: str
    value: float | None
    hypotheses: tuple[Hypothesis, ...]
    note: str = ""
    excess: bool = False

    @property
    def applies(self) -> bool | None:
        """True when every hypothesis is met, False when one is violated, None when one is undecided."""
        if any(h.met is False for h in self.hypotheses):
            return False
        return None if any(h.met is None for h in self.hypotheses) else True

    def as_record(self) -> dict[str, object]:
        """Plain values for records and reports."""
        return {
            **dataclasses.asdict(self),
            "hypotheses": [dataclasses.asdict(h) for h in self.hypotheses],
            "applies": self.applies,
        }


class HasNotes(Protocol):
    """A built path, or a grid of them: its notes carry the values found on the way."""

    @property
    def notes(self) -> dict[str, object]: ...


def number(notes: dict[str, object], key: str) -> float:
    """A number among the notes. Raises TypeError when it is none."""
    value = notes[key]
    if not isinstance(value, int | float | np.floating):
        raise TypeError(f"notes of a path: {key} must be a number, got {value!r}")
    return float(value)


def second_moment_norm(X: Array, has_bias: bool) -> float:
    """Spectral norm |Sigma| of E[xt xt^T], xt = (x, 1) when first-layer biases are inputs' weights too."""
    inputs = augmented_inputs(X, has_bias)
    return float(np.linalg.norm(inputs, 2) ** 2 / len(X))


def convex_loss(objective: Objective) -> Hypothesis:
    """Every loss of the catalogue is convex in the predictions."""
    return Hypothesis("the loss is convex in the predictions", True, objective.loss.name)


def lipschitz_loss(objective: Objective, K: int) -> Hypothesis:
    """Squared loss violates it."""
    L = objective.loss.lipschitz(K)
    detail = f"{objective.loss.name} loss has no global Lipschitz constant" if L is None else f"L = {L:.6g}"
    return Hypothesis("the loss is Lipschitz in the predictions", L is not None, detail)


def positive_kappa(objective: Objective) -> Hypothesis:
    return Hypothesis("kappa > 0", objective.kappa > 0, f"kappa = {objective.kappa:g}")


def l1_penalty(objective: Objective, networks: tuple[Network, ...]) -> Hypothesis:
    """The papers' objective is l1 of the second layer; the path penalty equals it on unit rows."""
    statement = "the penalty is kappa |theta|_1"
    if objective.penalise_output_bias:
        return Hypothesis(statement, False, "the output bias is penalised as well")
    if objective.penalty == "l1":
        return Hypothesis(statement, True, "l1")
    if objective.penalty == "path":
        unit = _rows_unit(networks)
        return Hypothesis(statement, unit, "path penalty, equal to l1 on unit rows" if unit else "path penalty")
    return Hypothesis(statement, False, f"penalty is {objective.penalty}")


def unit_rows(networks: tuple[Network, ...]) -> Hypothesis:
    """Rows wt = (w, b) on the unit sphere, to 1e-6."""
    norms = np.concatenate([np.linalg.norm(augmented_rows(n), axis=1) for n in networks])
    detail = f"|wt| between {norms.min():.6g} and {norms.max():.6g}"
    return Hypothesis("first-layer rows are unit vectors", _rows_unit(networks), detail)


def no_output_bias(networks: tuple[Network, ...]) -> Hypothesis:
    """T2's model is theta^T Z(Wx)."""
    absent = all(n.c is None for n in networks)
    return Hypothesis(
        "no output bias",
        absent,
        "none" if absent else "free output bias: the formula is read with it as part of the head",
    )


def _rows_unit(networks: tuple[Network, ...]) -> bool:
    return all(bool(np.all(np.abs(np.linalg.norm(augmented_rows(n), axis=1) - 1) <= 1e-6)) for n in networks)


def lipschitz_constant(objective: Objective, K: int) -> float:
    """L, or nan."""
    L = objective.loss.lipschitz(K)
    return math.nan if L is None else L


def finite_or_none(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None

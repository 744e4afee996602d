"""T2's a-priori value (Baturin 2026, Theorem 2; docs/constructions.md, section 1), with the paper's constant and with repaired ones."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from verifier.networks.network import Network
from verifier.objective import Objective, Risk
from verifier.theory.bounds import (
    AprioriBound,
    HasNotes,
    Hypothesis,
    convex_loss,
    finite_or_none,
    l1_penalty,
    lipschitz_constant,
    lipschitz_loss,
    no_output_bias,
    number,
    positive_kappa,
    second_moment_norm,
    unit_rows,
)

Array = np.ndarray
SOURCE = "Baturin 2026, Theorem 2"


@dataclass(frozen=True)
class Theorem2Terms:
    """The terms of eps(l, alpha): e(l), delta_A(m, 0), delta_A(m-l, alpha), and B's, all upper values as found.

    head_mass: max(|beta|_1, |gamma|_1) over both sides, each coefficient weighted by its row's length (1 on unit rows).
    """

    l: int
    alpha: float
    e_l: float
    full_A: float
    sparse_A: float
    sparse_B: float
    full_B: float
    head_mass: float

    @property
    def largest(self) -> float:
        """max(e(l), deltas)."""
        return max(self.e_l, self.full_A, self.sparse_A, self.sparse_B, self.full_B)


def theorem2_bounds(A: Network, B: Network, risk: Risk, best: HasNotes) -> list[AprioriBound]:
    """`bounds_from_terms` with the terms of a path (or grid) built by `verifier.paths.theorem2`."""
    return bounds_from_terms(terms_from_notes(best.notes), A, B, risk)


def bounds_from_terms(terms: Theorem2Terms, A: Network, B: Network, risk: Risk) -> list[AprioriBound]:
    """`max(terms) + C alpha` with C = L^2 sqrt|Sigma| / kappa (paper), C' = L sqrt|Sigma| max(|beta|_1, |gamma|_1) and
    C'' = L sqrt|Sigma| E loss(y, 0) / (2 kappa), which bounds half of C' before anything is known of the heads.

    The level T2 promises is the larger of E and this value. |Sigma| is the spectral norm of E[xt xt^T].
    """
    K = A.theta.shape[0]
    L, root = lipschitz_constant(risk.objective, K), math.sqrt(second_moment_norm(risk.X, A.b is not None))
    networks = (A, B)
    model = (
        convex_loss(risk.objective),
        lipschitz_loss(risk.objective, K),
        unit_rows(networks),
        no_output_bias(networks),
    )
    if terms.alpha == 0:
        paper = repaired = before = terms.largest
    else:
        at_zero = risk.objective.loss_of(np.zeros((len(risk.X), K)), risk.targets)
        over = 1 / risk.objective.kappa if risk.objective.kappa > 0 else math.inf
        paper = terms.largest + L * L * root * over * terms.alpha
        repaired = terms.largest + L * root * terms.head_mass * terms.alpha
        before = terms.largest + L * root * at_zero * over / 2 * terms.alpha
    lemma = Hypothesis(
        "Lemma 1: every best head has |theta|_1 <= L / kappa",
        None if risk.objective.kappa == 0 or math.isnan(L) else bool(terms.head_mass <= L / risk.objective.kappa),
        f"largest head mass {terms.head_mass:.6g}"
        + ("" if risk.objective.kappa == 0 or math.isnan(L) else f", L / kappa = {L / risk.objective.kappa:.6g}"),
    )
    at = f"l = {terms.l}, alpha = {terms.alpha:g}"
    return [
        AprioriBound(
            f"theorem 2, paper's C, {at}",
            SOURCE,
            finite_or_none(paper),
            (*model, positive_kappa(risk.objective), l1_penalty(risk.objective, networks), lemma),
            f"{_printed(terms, risk.objective)}; the proof bounds |theta|_1 by L / kappa through |Z| <= 1, which data need not satisfy",
        ),
        AprioriBound(
            f"theorem 2, repaired C', {at}",
            SOURCE + ", constant from the actual heads",
            finite_or_none(repaired),
            model[:2],
            "the chord's own argument gives half of C': t(1-t)(|beta| + |gamma|) <= max / 2",
        ),
        AprioriBound(
            f"theorem 2, repaired C'', {at}",
            SOURCE + ", constant from E loss(y, 0)",
            finite_or_none(before),
            (*model, positive_kappa(risk.objective), l1_penalty(risk.objective, networks)),
            "what holds in place of the printed constant (docs/audit.md, t2.main): |theta|_1 <= E loss(y, 0) / kappa for every best head",
        ),
    ]


def _printed(terms: Theorem2Terms, objective: Objective) -> str:
    """What the audit finds of the statement with the paper's constant."""
    if terms.alpha == 0:
        return "at alpha = 0 its constant does not enter"
    if objective.loss.name == "logistic":
        return "as printed it holds for the logistic loss, where E loss(y, 0) = log 2 (docs/audit.md, t2.main.logistic)"
    return "REFUTED as printed (docs/audit.md, t2.main; certificates/audit/t2.main.safetensors)"


def terms_from_notes(notes: dict[str, object]) -> Theorem2Terms:
    """Terms from the notes of a path built by `verifier.paths.theorem2`."""

    masses = [number(notes, f"{head}_{letter}") for head in ("beta", "gamma") for letter in "AB"]
    return Theorem2Terms(
        l=int(number(notes, "l")),
        alpha=number(notes, "alpha"),
        e_l=number(notes, "e_l"),
        full_A=number(notes, "full_A"),
        sparse_A=number(notes, "sparse_A"),
        sparse_B=number(notes, "sparse_B"),
        full_B=number(notes, "full_B"),
        head_mass=max(masses),
    )

"""Statements of papers that a certificate refutes: the typed claim and what each name means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verifier.kernel.statements.problem import Problem
from verifier.kernel.statements.refusal import quoted

PAPERS = {
    "baturin2026": "Baturin 2026",
    "nguyen2021": "Nguyen, Brechet, Mondelli 2021",
    "karhadkar2023": "Karhadkar, Murray, Tseran, Montufar 2023",
}
STATEMENTS = (
    "lemma1.grad",
    "lemma1.zero",
    "lemma1.norm",
    "t2.norm",
    "t2.identity",
    "t2.segment",
    "t2.C",
    "t3.e",
    "baturin2026.exp.mse",
    "nguyen2021.cor44.head",
    "nguyen2021.cor44.one-output",
    "nguyen2021.cor43.A2",
    "karhadkar2023.t5",
    "karhadkar2023.cor8",
    "karhadkar2023.prop7",
    "karhadkar2023.lemma15",
    "karhadkar2023.prop13.cone",
    "karhadkar2023.prop13.affine",
)

_COUNTS = ("n", "d0", "d1", "eps", "C")
# Statements with a constant of the claim's own, which is part of what is refuted: the entries of `dual`.
_CONSTANTS = {"baturin2026.exp.mse": ("L",), "karhadkar2023.t5": _COUNTS, "karhadkar2023.cor8": _COUNTS}


@dataclass(frozen=True)
class ClaimViolation:
    """A statement of a paper fails on this certificate's data and networks, by at least `margin` > 0. One output unless said otherwise, no output bias.

    Baturin 2026, one hidden layer; with L the Lipschitz constant of the loss, kappa and the l1 penalty of the objective, Z the features on A's rows:
      "lemma1.grad"  some |(d/d theta_i) E loss| at A is at least L + margin (the proof: at most L)
      "lemma1.zero"  kappa >= L, and F(A) + margin <= F at theta = 0 (the lemma: theta* = 0)
      "lemma1.norm"  F(A) + margin <= F(theta) whenever |theta|_1 <= L / kappa (the lemma: a minimiser is there); proved by `dual`
      "t2.norm"      E |X|_2 >= sqrt |Sigma_X|_2 + margin (the proof of Theorem 2: equal)
      "t2.identity"  with beta, W from A and gamma, W~ from B, at time t the two sides of the proof's third equality,
                     E |eta_2 Z(eta_1) - (1-t) beta Z(W) - t gamma Z(W~)| and E |eta_2 (Z(eta_1) - Z(W))|, differ by at least margin
      "t2.segment"   with eta_1, eta_2 between the networks at time t and alpha the largest angle of their rows,
                     |E loss(eta_2 Z(eta_1)) - E loss((1-t) beta Z(W) + t gamma Z(W~))| >= L alpha sqrt |Sigma_X| |eta_2|_1 + margin
                     (the proof: at most L alpha sqrt |Sigma_X| |eta_2|_1)
      "t2.C"         beta and gamma are best heads on their rows, proved by `dual` (2N,), first A's; the same difference, with its sign, is at least
                     L^2 alpha sqrt |Sigma_X| / kappa + margin (the proof: at most C alpha)
      "t3.e"         every function of x has E loss >= margin (the proof of Theorem 3: e(v_m) -> 0); proved by `dual`, which sums to 0 over
                     samples with equal inputs
      "baturin2026.exp.mse"  squared loss: |loss(f) - loss(g)| >= L |f - g| + margin at one sample, f and g predicted by A and B, dual (1,) = L > 0
                     (section 5 trains with MSE; the theorems assume an L-Lipschitz loss)

    Nguyen, Brechet, Mondelli 2021, no penalty; the inner networks' subsets are the first neurons of A's layers:
      "nguyen2021.cor44.head"  cross-entropy, K outputs, hidden layers of 2K neurons or more; Z (N, m) the features of the last hidden layer's neurons
                     but the last K. dual = K hyperplanes (a, b) of m + 1 numbers, then nu (N, K). Each class has samples and lies strictly on its
                     side of its hyperplane, others on the other one, and yet every head without bias has E loss(U^T z) >= margin
                     (Corollary 4.4 and the remark after it, l = L - 1: separable features have Q_l = 0); proved by nu, Z^T nu = 0
      "nguyen2021.cor44.one-output"  logistic loss, one hidden layer of two neurons or more, dual = (a, b), a hyperplane with the classes of the
                     inputs strictly on its sides; and yet E loss >= margin for every network u relu(w . x + b') of one neuron
                     (the same with l = 0, n_L = 1 and all neurons but one kept)
      "nguyen2021.cor43.A2"  distinct inputs, two hidden layers or more; n <= 12 neurons in the last but one. For each half, d = ceil(n / 2) of them,
                     some hyperplane z_k = 0 holds at least d + margin different feature vectors ((A2) asks for a half with at most d on any)

    Karhadkar, Murray, Tseran, Montufar 2023, squared loss without a penalty, one hidden layer, no head 0:
      "karhadkar2023.t5"  dual = (n, d0, d1, eps, C), n <= d0 and d1 >= max(n / d0, C log(n / (eps d0))): at least a share eps + margin of the 2^(n d1)
                     patterns, and more than ceil(eps 2^(n d1)) of them, have a sample without an active neuron, so a critical point of positive
                     loss for every y > 0 and head > 0 on independent inputs (Theorem 5: a share of at most eps has bad ones). The file's data and
                     networks play no part.
      "karhadkar2023.cor8"  the same of Corollary 8, where all these regions are not empty
      "karhadkar2023.prop7"  no biases. Some input is 0, so A's region, 1 where w_i . x_j > 0, is empty; and for each i the sum of the inputs with a 1
                     is a vertex of the zonotope: w_i is larger there than at any other sum of a subset by at least margin
                     (Proposition 7: not empty if and only if these are vertices)
      "karhadkar2023.lemma15"  inputs increase, d = 1. A's neurons 2k and 2k + 1 are the proof's key neurons of sample k with a head < 0 and > 0, residuals
                     z = targets; at least margin of their pre-activations are not strictly on their side (the proof: (w, b) lies in the region)
      "karhadkar2023.prop13.cone"  inputs increase, d = 1, one neuron. All vertices of the polyline are 0, and relu(w x + b) >= margin somewhere
                     (first item: it is a multiple of a point of the polyline)
      "karhadkar2023.prop13.affine"  inputs increase, d = 1, two neurons. A's outputs f, of largest magnitude at least margin, are no multiple of an affine
                     combination of two points of the polyline (third item: they are)
    dual (N,) float64 unless said otherwise, zeros where it is not needed. time: t, 0 where it is not needed.
    """

    name: str
    statement: str
    dual: np.ndarray
    time: float
    margin: float

    def sentence(self, problem: Problem) -> str:
        paper, _, statement = self.statement.partition(".")
        if paper not in PAPERS:
            paper, statement = "baturin2026", self.statement
        names = _CONSTANTS.get(self.statement, ())
        of = ", ".join(f"{n} = {v!r}" for n, v in zip(names, self.dual.tolist()))
        at = f" with {of}" if of else ""
        return f"counterexample {quoted(self.name)}: statement {statement} of {PAPERS[paper]}{at} fails by at least {self.margin!r}"

"""Claims about activation regions and about every path between two networks, as plain values (theory.md sections 6 and 7).

One hidden layer, one output. Throughout n = d + 1 when the hidden layer has biases (xt_j = (x_j, 1)), otherwise n = d (xt_j = x_j), and
a pattern a in {0,1}^N stands for the closed cone C(a) = {u in R^n : (2 a_j - 1) u . xt_j >= 0 for all j}.

With kappa = 0 a dual has to satisfy equations exactly, which floats cannot. Such arrays come with a `basis`: the named entries
are solved for in rationals, all others are taken as they are stored, and everything is then checked on the exact result.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class BarrierLowerBound:
    """Every continuous path of parameters from A to B has `max F >= level`, hence `gap(A, B) >= gap`.

    around: the network, "A" or "B", that the cells hold; the other one lies outside. A path has no direction.
    output_layer "trained": paths move everything; "frozen": theta and the output bias stay as they are in A, and B must have the same.

    patterns (p, N) int64: 0/1 rows, pairwise different, 0 at samples with xt_j = 0. interiors (p, n) float64: a point strictly inside each cone.
    A neuron code is 2 * pattern + (0 for sign +, 1 for sign -).
    redundant (r, 2) int64: (pattern, sample): this sample's hyperplane carries no facet of this cone; the sample is the first of its class
        of parallel xt. supports (r, s) int64, filled up with -1: samples of other classes, whose xt are linearly independent and whose
        non-negative combination (2 a_k - 1) xt_k is (2 a_j - 1) xt_j.
    cells (q, m) int64: codes of the m neurons, in the networks' order. inside: index of a cell that contains the one network. outside (m,) int64: codes of
        a cell that contains the other and is not in `cells`.
    faces (f, m) int64: the faces through which `cells` can be left, as codes, the other neurons' sorted behind the one that moves, or behind
        -1 where that neuron is absent because u_i = 0. facets (f,) int64: the sample whose hyperplane the moving neuron crosses, or -1.
    nu (f, N) float64, multipliers (f, m N) float64: dual of each face, theory.md section 6: non-negative multipliers, except of free sign at
        the moving neuron's own facet sample; entry k N + j belongs to faces[:, k] and sample j.
    basis (f, b) int64, filled up with -1, b = 0 with kappa > 0: j for nu_j, N + k N + j for multipliers[k N + j].
    """

    name: str
    around: str
    output_layer: str
    level: float
    gap: float
    patterns: np.ndarray
    interiors: np.ndarray
    redundant: np.ndarray
    supports: np.ndarray
    cells: np.ndarray
    inside: int
    outside: np.ndarray
    faces: np.ndarray
    facets: np.ndarray
    nu: np.ndarray
    multipliers: np.ndarray
    basis: np.ndarray


@dataclass(frozen=True)
class RegionMinimum:
    """`lower <= min of the loss over the closed activation region <= upper`, the head frozen and without output bias (K23, section E.2).

    Squared loss with kappa = 0: the loss is the mean over samples of (f_j - y_j)^2, f_j = sum_i head_i a_ij w_i . xt_j.
    verdict "interval": no more than that. "positive": and lower > 0. "zero_inside": the loss is exactly 0 at a point of the open region.
    "zero_on_boundary": it is exactly 0 in the closed region and nowhere in the open one.

    head (m,) float64, entries not 0. pattern (m, N) int64, 0/1. point (m, n) float64: the rows of a point of the closed region.
    point_basis (k,) int64, entries i n + k' of `point` that are solved for in rationals, empty for verdicts "interval" and "positive"; the
        equations are f_j = y_j for all j, and w_i . xt_j = 0 for the pairs (i, j) in tight (t, 2) int64.
    nu (N,), multipliers (m, N) >= 0: head_i sum_j nu_j a_ij xt_j = sum_j multipliers_ij (2 a_ij - 1) xt_j for every neuron, after
        dual_basis (entries j, or N + i N + j) is solved for. The loss is then at least mean_j(-nu_j^2/4 - nu_j y_j) (nu as in head duals: N times
        the gradient). Verdict "zero_on_boundary" needs moreover sum_j nu_j y_j = 0, which is one more equation, and a multiplier that is not 0 at
        a sample with xt_j not 0; lower is 0 then. Verdict "zero_inside" needs no dual: empty dual_basis, zeros.
    """

    name: str
    verdict: str
    head: np.ndarray
    pattern: np.ndarray
    point: np.ndarray
    point_basis: np.ndarray
    tight: np.ndarray
    nu: np.ndarray
    multipliers: np.ndarray
    dual_basis: np.ndarray
    lower: float
    upper: float


@dataclass(frozen=True)
class JacobianRank:
    """The Jacobian of W -> v^T relu(W X) on a region, columns (v * a_j) kron xt_j, has full column rank N (full True) or not (full False).

    The rank does not depend on v with entries that are not 0 (K23, Lemma 4), so v = 1 here. pattern (m, N) int64, 0/1.
    null (N,) float64 and null_basis (k,) int64: for full False a vector with sum_j null_j a_ij xt_j = 0 for all i after the basis is solved for,
    and not 0; zeros and empty for full True, which is decided modulo a prime.
    """

    name: str
    full: bool
    pattern: np.ndarray
    null: np.ndarray
    null_basis: np.ndarray


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

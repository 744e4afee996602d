"""Corollary 4.3 of Nguyen, Bréchet, Mondelli 2021: memorisation by the last two hidden layers, its conditions judged on two networks.

Layer 0 is the inputs and `I_0 = [n_0]`. `xi_{L-1}` is a head on I_{L-1} (A1-b), `xi_{L-2}` memorises features in generic position (A2), every lower
`xi_l` brings distinct features through one neuron per layer to the last two hidden layers (A3, A1). With L = 3 no layer is left to (A3), the
inputs themselves have to be distinct. With L = 2 layer L - 2 is the inputs: |I_0| = ceil(n_0 / 2) needs n_0 = 1, where (A1) is 0 >= N, so the
hypotheses are never met.
"""

from __future__ import annotations

from math import ceil

import numpy as np

from verifier.networks.network import Network
from verifier.objective import Objective, Risk
from verifier.paths.towers.neuron_choice import importance, kept_by_elimination, most_important
from verifier.paths.towers.subnetworks import solve_head
from verifier.theory.bounds import AprioriBound, Hypothesis, convex_loss
from verifier.theory.features import Decision, Features, features, layers
from verifier.theory.generic_position import distinct, generic_position

Array = np.ndarray
SOURCE = "Nguyen, Brechet, Mondelli 2021, Corollary 4.3"


def free_neurons_needed(n: int, outputs: int, N: int) -> int | None:
    """The least n_{L-1} - |I_{L-1}| with 4 floor(n / 8) floor(. / (4 n_L)) >= N, n = n_{L-2}; None when n < 8."""
    blocks = 4 * (n // 8)
    return 4 * outputs * ceil(N / blocks) if blocks else None


def corollary43(A: Network, B: Network, risk: Risk, *, draws: int = 3, seed: int = 0) -> AprioriBound:
    """The level max(F(A), F(B)) + eps of (10), its paper's second epsilon being any positive number, with all hypotheses judged.

    eps: the largest excess of a head program on the features I_{L-1} over its endpoint's F (A1-b), an upper bound from the
    best of importance and elimination. draws: choices of I_{L-2} tried per endpoint.
    """
    widths, N, L = A.widths, len(risk.X), A.depth
    E = max(risk.value(n) for n in (A, B))
    last, need = widths[-2], free_neurons_needed(widths[-3] if L > 1 else 0, widths[-1], N)
    cardinalities = _a1(widths, need, N)
    kept = last - need if cardinalities.met and need is not None else ceil(last / 2)
    eps = [_excess(n, risk, kept) for n in (A, B)]
    rows = [convex_loss(risk.objective), no_penalty(risk.objective), _relu(A)]
    rows.append(Hypothesis("distinct inputs", *_pair(distinct(features(A, risk.X, 0)))))
    rows.append(cardinalities)
    rows.append(
        Hypothesis(
            "(A1-b) a head on I_{L-1} within eps of the endpoint", True, f"|I| = {kept} of {last}; eps = {eps[0]:.3g} for A, {eps[1]:.3g} for B"
        )
    )  # fmt: skip
    for letter, network in zip("AB", (A, B)):
        for f in layers(network, risk.X):
            if f.layer == L - 2:
                found = _a2(network, f, draws, seed)
                rows.append(Hypothesis(f"(A2) half of layer L - 2 of {letter} in generic position", *_pair(found)))
                break
            if f.layer > 0:
                found = _a3(network, f)
                rows.append(Hypothesis(f"(A3) layer {f.layer} of {letter}: distinct without one neuron", *_pair(found)))
    return AprioriBound("corollary 4.3", SOURCE, E + max(eps), tuple(rows), _note(L))


def no_penalty(objective: Objective) -> Hypothesis:
    """The corollaries' loss is the mean loss alone: their sub-networks have heads of any size."""
    return Hypothesis("no penalty", objective.kappa == 0, "none" if objective.kappa == 0 else objective.penalty)


def _pair(d: Decision) -> tuple[bool | None, str]:
    return d.met, d.text


def _relu(network: Network) -> Hypothesis:
    slope = network.negative_slope
    return Hypothesis("ReLU", slope == 0, "ReLU" if slope == 0 else f"Leaky ReLU, slope {slope:g}")


def _note(L: int) -> str:
    text = "targets in [-1, 1] are not needed, a scaled last layer memorises any"
    if L == 2:
        return "cannot apply with one hidden layer: (A2) reads half of the inputs and (A1) is 0 >= N; " + text
    return text


def _a1(widths: tuple[int, ...], need: int | None, N: int) -> Hypothesis:
    statement = "(A1) 4 floor(n_{L-2}/8) floor((n_{L-1} - |I_{L-1}|)/(4 n_L)) >= N with |I_{L-1}| >= n_{L-1}/2"
    if need is None:
        return Hypothesis(statement, False, f"n_(L-2) = {widths[-3]} < 8: the left side is 0")
    most = widths[-2] // 2
    product = 4 * (widths[-3] // 8) * (most // (4 * widths[-1]))
    detail = f"at |I| = {widths[-2] - most}: {product} against N = {N}; {need} free neurons needed of {widths[-2]}"
    return Hypothesis(statement, need <= most, detail)


def _excess(network: Network, risk: Risk, kept: int) -> float:
    """How far the best head on `kept` neurons of the last hidden layer stays above the endpoint's F; at least 0."""
    F, Z = risk.value(network), network.features(risk.X)
    layer, least = network.depth - 1, np.inf
    for how in range(2):
        if how == 0:
            chosen = most_important(network, Z, layer, kept)
        elif len(risk.X) * Z.shape[1] * network.widths[-1] > 4e6:
            break
        else:
            chosen = kept_by_elimination(network, Z, risk.targets, risk.objective, kept)
        # The kept neurons' own coefficients are the start.
        prices = risk.objective.row_prices(network)[chosen]
        _, _, value = solve_head(
            Z[:, chosen], risk.targets, risk.objective, (network.theta[:, chosen], network.c), prices=prices, stop_at=F
        )
        least = min(least, value)
        if least <= F:
            break
    return max(0.0, least - F)


def _a2(network: Network, f: Features, draws: int, seed: int) -> Decision:
    """Some ceil(n/2) features of layer L - 2 in generic position, or a proof that no such set exists, or neither."""
    if network.depth == 2:
        n = network.widths[0]
        if n > 1:
            return Decision(False, f"layer 0 is the inputs: I_0 = [n_0] has {n} elements, not {ceil(n / 2)}")
        return generic_position(f)
    layer = f.layer
    N, n = f.shape
    d = ceil(n / 2)
    silent = f.zeros.sum(axis=0)
    if d < N and (silent > d).sum() > n - d:
        return Decision(
            False, f"exact: {(silent > d).sum()} of {n} neurons are silent on more than d = {d} samples, so every set of d has one"
        )  # fmt: skip
    whole = distinct(f)
    if d < N and whole.met is False:
        return Decision(False, f"{whole.text} in all of layer {layer}")
    order = np.lexsort((-importance(network, f.values, layer), silent))
    rng = np.random.default_rng([seed, layer])
    found = _first_true(f, order, d, draws, rng)
    return found if found.met is not False else Decision(None, f"not decided: {draws} sets of {d} of {n} tried; the last refuted, {found.text}")  # fmt: skip


def _first_true(f: Features, order: Array, d: int, draws: int, rng: np.random.Generator) -> Decision:
    """Generic position of the first d neurons in order, then of random sets; the only set there is when d is the width."""
    n = f.shape[1]
    undecided: Decision | None = None
    for k in range(draws):
        found = generic_position(f.columns(np.sort(order[:d] if k == 0 else rng.choice(n, d, replace=False))))
        if found.met:
            return found
        if found.met is None:
            undecided = undecided or found
        elif d == n:
            return Decision(None, found.text) if undecided else found
    return undecided or found


def _a3(network: Network, f: Features) -> Decision:
    """Features of a layer that are distinct with one neuron left out, for some neuron."""
    whole = distinct(f)
    N, n = f.shape
    if whole.met is False:
        return Decision(False, f"{whole.text} even with all neurons")
    if n == 1:
        return Decision(N == 1, "no neuron is left")
    refuted = 0
    order = np.argsort(importance(network, f.values, f.layer), kind="stable")
    for k, out in enumerate(order.tolist()):
        found = distinct(f.columns(np.delete(np.arange(n), out)))
        if found.met:
            return Decision(True, f"without neuron {out}: {found.text}")
        refuted += found.met is False
        if k >= 50:
            break
    return Decision(False if refuted == n else None, f"{refuted} of {n} choices of the neuron left out refuted")

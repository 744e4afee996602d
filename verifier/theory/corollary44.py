"""Corollary 4.4 of Nguyen, Bréchet, Mondelli 2021: linearly separable feature subsets, judged with certificates.

Subsets I_l with n_l / 2 <= |I_l| <= n_l - n_L. A set of features that separates still does so with more features, so |I_l| = n_l - n_L is all that
needs trying, and a Farkas vector for the whole layer refutes every subset.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from math import comb

import numpy as np

from verifier.networks.network import Network
from verifier.objective import Objective, Risk
from verifier.paths.towers.neuron_choice import importance
from verifier.theory import separability
from verifier.theory.bounds import AprioriBound, Hypothesis
from verifier.theory.corollary43 import no_penalty
from verifier.theory.features import Decision, Features, features, layers
from verifier.theory.separability import LONGEST_FARKAS, separate, signs_of

Array = np.ndarray
SOURCE = "Nguyen, Brechet, Mondelli 2021, Corollary 4.4"
# Losses whose infimum over scaled separating outputs is 0: the paper's cross-entropy, and by its remark these.
LOSSES = ("cross_entropy", "logistic", "hinge")
# Subsets that are all tried.
ALL_SUBSETS = 30
# B's share of the first hidden layer, as tried.
SHARES = (0.5, 0.4, 0.6, 0.3, 0.7)


def corollary44(A: Network, B: Network, risk: Risk, *, draws: int = 5, seed: int = 0) -> list[AprioriBound]:
    """The level max(F(A), F(B)) of (11), its epsilon being any positive number, as written and repaired.

    draws: subsets tried per layer and endpoint, the most important neurons first. Repaired, in the last hidden layer
    hyperplanes go through the origin unless there is an output bias; one output without an output bias needs two free neurons per layer, not n_L; and
    layer 0 is only needed where the sets of layer 1 of A and of B do not fit side by side (docs/deep.md, Theorem 4.1, remark 1).
    """
    E = max(risk.value(n) for n in (A, B))
    common = [_loss(risk.objective), no_penalty(risk.objective)]
    if risk.objective.loss.name not in LOSSES:
        return [
            AprioriBound(
                "corollary 4.4",
                SOURCE,
                E,
                tuple(common),
                "features not examined: the loss is not one of classification",
            )
        ]
    search = _Search(signs_of(risk.targets, A.widths[-1]), draws, seed)
    outputs, bias = A.widths[-1], A.c is not None
    free = 2 if outputs == 1 and not bias else outputs
    top = A.depth - 1
    written = [*common, _widths(A, outputs), Hypothesis("sigma strictly monotonic on an interval", True, "on [0, 1]")]
    repaired = [*common, _widths(A, free)]
    data = search.layer(features(A, risk.X, 0), A.widths[0], True)
    written.append(Hypothesis("layer 0: separable data", data.met, data.text))
    narrow = min(A.widths[1:-1], default=0)
    for letter, n in zip("AB", (A, B)):
        if narrow < 2 * outputs:
            break
        for f in layers(n, risk.X):
            if (l := f.layer) == 0:
                continue
            found = search.layer(f, n.widths[l] - outputs, True)
            written.append(Hypothesis(f"layer {l} of {letter}: separable features", found.met, found.text))
            affine = bias or l < top
            if not affine or free != outputs:
                found = search.layer(f, n.widths[l] - free, affine)
            words = "separable features" if affine else "features separable through the origin"
            repaired.append(Hypothesis(f"layer {l} of {letter}: {words}", found.met, found.text))
    repaired.append(_joined(search, A, B, risk.X, data, bias))
    return [
        AprioriBound("corollary 4.4", SOURCE, E, tuple(written), _note(bias, outputs)),
        AprioriBound("corollary 4.4, repaired", SOURCE + ", repaired here (docs/audit.md)", E, tuple(repaired), "as a limit: any level above it"),
    ]  # fmt: skip


def _note(bias: bool, outputs: int) -> str:
    text = "as a limit: any level above it"
    if bias:
        return text
    text += "; without an output bias its proof fails for hyperplanes off the origin in the last hidden layer"
    return text + (" and for one output behind one ReLU neuron" if outputs == 1 else "")


def _loss(objective: Objective) -> Hypothesis:
    statement = "a loss with infimum 0 on separable outputs"
    return Hypothesis(statement, objective.loss.name in LOSSES, objective.loss.name)


def _widths(network: Network, free: int) -> Hypothesis:
    narrow = min(network.widths[1:-1], default=0)
    return Hypothesis(f"hidden widths n_l >= {2 * free}", narrow >= 2 * free, f"narrowest {narrow}")


def _joined(search: _Search, A: Network, B: Network, X: Array, data: Decision, bias: bool) -> Hypothesis:
    """Room for a separable set of layer 1 of A beside one of B, in halves or in uneven shares, or separable data."""
    statement = "separable data, or separable sets of layer 1 of both that fit side by side"
    if data.met:
        return Hypothesis(statement, True, "data: " + data.text)
    n, affine = A.widths[1], bias or A.depth > 2
    tried = 0
    first = [features(network, X, 1) for network in (A, B)]
    for share in SHARES:
        of_A = n - int(share * n)
        if not 1 <= of_A < n:
            continue
        found = [search.layer(first[0], of_A, affine), search.layer(first[1], n - of_A, affine)]
        if all(h.met for h in found):
            return Hypothesis(
                statement, True, f"sets of {of_A} neurons of A and {n - of_A} of B; not the data: {data.text}"
            )
        tried += 1
        if not any(h.met for h in found):
            break
    text = f"data: {data.text}; no separable sets found for shares {', '.join(f'{s:g}' for s in SHARES[:tried])} of B"
    # Every split leaves both at most n - 1 neurons.
    refuted = n < 2 or (tried > 0 and any(search.layer(f, n - 1, affine).met is False for f in first))
    return Hypothesis(statement, False if refuted and data.met is False else None, text)


class _Search:
    """Subsets of a layer that separate."""

    def __init__(self, sides: Array, draws: int, seed: int) -> None:
        self.sides, self.draws, self.seed = sides, draws, seed

    def layer(self, f: Features, size: int, affine: bool) -> Decision:
        """Whether `size` neurons of a layer separate: a subset with hyperplanes, a Farkas vector for all subsets, or undecided.

        Of large layers one subset is tried, and all neurons only where a Farkas vector could refute them.
        """
        N, n = f.shape
        if size < 1 or size > n:
            return Decision(False, f"no set of {size} of {n} neurons")
        large = N * n * len(self.sides) > separability.LARGEST
        if size == n:
            only = separate(f, self.sides, affine=affine)
            return Decision(only.separable, only.text)
        total, tried, refuted, last = comb(n, size), 0, 0, ""
        for kept in self._subsets(f, size):
            if large and tried == 1:
                break
            found = separate(f.columns(kept), self.sides, affine=affine)
            tried, refuted, last = tried + 1, refuted + (found.separable is False), found.text
            if found.separable:
                return Decision(True, f"{size} of {n} neurons: {found.text}")
            if tried == 1 and not (large and n + 2 > LONGEST_FARKAS):
                all_of = separate(f, self.sides, affine=affine)
                if all_of.separable is False:
                    return Decision(False, f"not even all {n} neurons: {all_of.text}")
        if refuted == total:
            return Decision(False, f"all {total} sets of {size} of {n} neurons refuted by Farkas vectors")
        return Decision(
            None, f"not decided: {tried} of {_large(total)} sets of {size} neurons tried, {refuted} refuted; {last}"
        )

    def _subsets(self, f: Features, size: int) -> Iterator[Array]:
        n = f.shape[1]
        weight = importance(f.network, f.values, f.layer)
        first = np.sort(np.argsort(-weight, kind="stable")[:size])
        yield first
        if comb(n, size) <= ALL_SUBSETS:
            yield from (np.array(s) for s in combinations(range(n), size) if list(s) != first.tolist())
            return
        rng = np.random.default_rng([self.seed, f.layer])
        for _ in range(self.draws - 1):
            yield np.sort(rng.choice(n, size, replace=False))


def _large(n: int) -> str:
    return str(n) if n < 10**7 else f"10^{len(str(n)) - 1}"

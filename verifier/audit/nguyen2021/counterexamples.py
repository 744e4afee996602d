"""Corollaries 4.3 and 4.4: violating instances as the kernel's claims. Features become inputs of a first layer that repeats them."""

from __future__ import annotations

import numpy as np
from flint import fmpz_mat

from verifier.audit.claim import Instance
from verifier.audit.counterexamples import parameters, problem_of, violated
from verifier.audit.nguyen2021.separable import cross_entropy_head, separator
from verifier.audit.nguyen2021.trained_deep import trained_network
from verifier.kernel import Problem
from verifier.kernel.papers.statement import ClaimViolation

PAPER = "nguyen2021"
Array = np.ndarray
Counterexample = tuple[Problem, ClaimViolation]


def balanced_dual(Z: Array, nu: Array) -> Array:
    """A dual near nu (N, K) with Z^T nu and row sums exactly 0, where Z has few digits: whole combinations of an integer basis, scaled by 2^-24.

    The result is only nearly the best; with entries beyond 53 bits it is not exact and the kernel rejects it.
    """
    bits = max((v.as_integer_ratio()[1].bit_length() for v in Z.ravel().tolist()), default=1) - 1
    whole = fmpz_mat([[int(v * 2.0**bits) for v in column] for column in Z.T.tolist()])
    kernel, rank = whole.nullspace()
    basis = np.array([[int(v) for v in row] for row in kernel.tolist()], dtype=np.float64)[:, :rank]
    basis /= np.maximum(np.gcd.reduce(basis.astype(np.int64), axis=0), 1)
    parts = np.linalg.lstsq(basis, nu, rcond=None)[0] * (1.0 - 2.0**-12)
    parts = np.round(parts[:, :-1] * 2.0**24) / 2.0**24
    out = basis @ parts
    return np.column_stack([out, -out.sum(axis=1)])


def head(instance: Instance) -> Counterexample:
    Z, labels, K = (instance.values[k] for k in ("Z", "labels", "classes"))
    kept = max(Z.shape[1], K)
    features = np.hstack([Z, np.zeros((len(Z), kept - Z.shape[1]))])
    A = parameters([np.eye(kept + K, kept), np.zeros((K, kept + K))], [None, None])
    found = separator(features, labels, K, True)
    planes = np.zeros((K, kept + 1)) if found is None else np.vstack([found[0], found[1]]).T
    logits = Z @ cross_entropy_head(Z, labels, K)
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    nu = balanced_dual(Z, p / p.sum(axis=1, keepdims=True) - np.eye(K)[labels])
    return violated(PAPER, "cor44.head", problem_of("cross_entropy", features, labels, A), np.append(planes, nu))


def one_output(instance: Instance) -> Counterexample:
    Z, labels = instance.values["Z"], instance.values["labels"]
    found = separator(Z, labels, 2, True)
    plane = np.zeros(Z.shape[1] + 1) if found is None else np.append(found[0][:, 1], found[1][1])
    A = parameters([np.ones((2, Z.shape[1])), np.ones((1, 2))], [np.zeros(2), None])
    return violated(PAPER, "cor44.one-output", problem_of("logistic", Z, 2.0 * labels[:, None] - 1.0, A), plane)


def generic(instance: Instance) -> Counterexample:
    """The whole layer's features; a layer of one neuron and the output stand above it. A trained network stays as it is, but for its output bias."""
    v, layer = instance.values, instance.values["layer"]
    if "weights" in v:
        A = parameters(v["weights"], [*v["biases"][:-1], None])
        return violated(PAPER, "cor43.A2", problem_of("logistic", v["X"], v["y"], A))
    n = layer.shape[1]
    A = parameters([np.eye(n), np.ones((1, n)), np.ones((1, 1))], [None, np.zeros(1), None])
    return violated(PAPER, "cor43.A2", problem_of("logistic", layer, np.ones((len(layer), 1)), A))


def trained_layers() -> dict[str, Instance]:
    """Two hidden layers of 12 neurons, trained on 200 different samples; the layer is the first one, L - 2."""
    out = {}
    for data, label in (("paper-breast-cancer", "Breast Cancer"), ("moons", "Moons")):
        network, X, y = trained_network(data, (12, 12), 0)
        values = {
            "layer": network.features(X, 1),
            "X": X,
            "y": y,
            "weights": list(network.weights),
            "biases": list(network.biases),
        }
        out[data.removeprefix("paper-")] = Instance("trained", f"{label}, hidden widths (12, 12), first layer", values)
    return out

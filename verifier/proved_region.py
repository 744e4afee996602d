"""The best rows of a region for the checker with a proof: the claim's own numbers in the order of its text, nothing computed.

What is a list of pairs in the file stays one (the ties), or becomes one multiplier per neuron and sample, 0 for those that are not stored.
"""

from __future__ import annotations

import numpy as np

from verifier.kernel import Problem
from verifier.kernel.statements import RegionOptimum, region_network
from verifier.proved_text import Tokens, flag, layer, layers, matrix, vector


def region_tokens(problem: Problem, claim: RegionOptimum) -> Tokens:
    """The claim, whose types and shapes were checked, in the text of docs/proofs.md."""
    p = region_network(problem, claim)
    hidden, d = p.biases[0] is not None, problem.X.shape[1]
    head_bias = np.zeros(len(p.weights[1])) if p.biases[1] is None else p.biases[1]
    multipliers = np.zeros((len(p.weights[0]), len(problem.X)))
    multipliers[claim.tight[:, 0], claim.tight[:, 1]] = claim.multipliers
    yield from ("region", claim.of)
    if claim.of == "stored":
        yield from layers(p.weights, p.biases)
    yield from (str(len(claim.active)), *(str(k) for k in claim.active.ravel().tolist()))
    yield from (flag(hidden), flag(claim.output_bias == "free"), flag(claim.row_limits is not None))
    if claim.row_limits is not None:
        yield from vector(claim.row_limits)
    yield flag(claim.bias_limit is not None)
    if claim.bias_limit is not None:
        yield claim.bias_limit
    yield from layer(claim.point[:, :d], claim.point[:, d] if hidden else None)
    yield from vector(head_bias if claim.point_bias is None else claim.point_bias)
    yield from matrix(claim.nu)
    yield from matrix(multipliers)
    yield from (claim.lower, claim.upper)

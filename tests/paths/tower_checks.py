"""Deep networks and towers for tests, and what every path made of them has to satisfy."""

from itertools import pairwise

import numpy as np

from tests.paths.path_checks import bitwise_equal, random_targets, sampled_maximum
from verifier.elaboration.claims import elaborate_path, kernel_problem
from verifier.kernel.check import check
from verifier.networks.network import Network
from verifier.objective import Risk, make_objective
from verifier.paths.towers.moves import Tower


def deep_network(rng, widths, *, bias=True, slope=0.0, sparsity=0.0):
    """Random network of sizes widths = (n_0, ..., n_L); sparsity: share of weights that are exactly 0."""
    weights = [rng.normal(size=(n, m)) / np.sqrt(m) for m, n in pairwise(widths)]
    weights = [W * (rng.random(W.shape) >= sparsity) for W in weights]
    return Network(tuple(weights), tuple(rng.normal(size=n) if bias else None for n in widths[1:]), slope)


def random_tower(rng, n0, sizes, K, bias):
    weights, below = [], n0
    for s in sizes:
        weights.append(rng.normal(size=(s, below)))
        below = s
    biases = tuple(rng.normal(size=s) if bias else None for s in sizes)
    return Tower(tuple(weights), biases, rng.normal(size=(K, below)), rng.normal(size=K) if bias else None)


def problem(rng, n0, loss="squared", K=2, N=12):
    return make_objective(loss), rng.normal(size=(N, n0)), random_targets(loss, rng, N, K)


def check_path(path, A, B, objective, X, targets, values, *, reference=False):
    """Exact ends, kinds head, idle and transfer only, sup F = the largest of `values` and the ends, samples below it, the kernel accepts."""
    assert path.start is A
    assert bitwise_equal(path.end, B)
    exact = kernel_problem(A, B, Risk(objective, X, targets))
    found = elaborate_path(exact, path)
    assert set(found.kinds) <= {"head", "idle", "transfer"}
    top = max(*values, *(objective.value(n, X, targets) for n in (A, B)))
    assert np.isclose(found.claim.sup, top, rtol=1e-6, atol=1e-9)
    assert sampled_maximum(path, objective, X, targets, 5) <= found.claim.sup
    assert check(exact, found.claim).accepted
    if reference:
        assert check(exact, found.claim, evaluation="reference").accepted
    return found

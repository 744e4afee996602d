"""Small pairs with their barriers over coarse cells, and what is true of them by other means than the search's."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.optimize import minimize

from verifier.elaboration import kernel_problem
from verifier.landscape.coarse.pair import pair_barrier
from verifier.landscape.gap import exact_gap
from verifier.landscape.sign_count.narrow import Narrow
from verifier.landscape.sign_count.search import descended
from verifier.objective import Risk, make_objective
from verifier.pipeline.cone_barrier import cone_barrier

from .sign_counts import features, layers_below, network, on, top_of


def minima(rng, objective, inputs, y, signs, output_bias, count=12):
    """Networks of these signs where descent ends, no neuron of them 0, the lowest first: [(u (m, n), c, F)]."""
    n = inputs.shape[1]
    whole, out = Narrow(objective, inputs, y, tuple(signs), output_bias, np.eye(n)), []
    for _ in range(count):
        u, c, F = descended(whole, rng.normal(size=(len(signs), n)), 0.0)
        if np.linalg.norm(u, axis=1).min() > 1e-3 and all(abs(F - other[2]) > 1e-4 for other in out):
            out.append((u, c, F))
    return sorted(out, key=lambda found: found[2])


@cache
def instance(
    seed, *, N=6, d=1, m=2, below=(), loss="squared", kappa=0.02, penalty="path", bias=True, output_bias=True, price=False, signs=None, flipped=False,
    programs=1500
):  # fmt: skip
    """(problem, claim, search, A, B): A and B are the two lowest minima found, of one sign pattern; flipped: B's neurons in another order."""
    rng = np.random.default_rng(seed)
    X, y = rng.uniform(-1, 1, size=(N, d)), rng.normal(size=(N, 1))
    if loss == "logistic":
        y = np.sign(y)
    objective = make_objective(
        loss, delta=0.3 if loss == "huber" else None, kappa=kappa, penalty=penalty if kappa else None, penalise_output_bias=price
    )  # fmt: skip
    layers = layers_below(rng, X, below)
    h = features(X, layers)
    inputs = np.column_stack([h, np.ones(N)]) if bias else h
    signs = list(signs or [1] * m)
    found = minima(rng, objective, inputs, y, signs, output_bias)
    first = found[1] if len(found) > 1 else (found[0][0][::-1].copy(), *found[0][1:])
    A = on(layers, network(*first[:2], signs, rng, bias, output_bias))
    order = slice(None, None, -1 if flipped else 1)
    B = on(layers, network(found[0][0][order], found[0][1], signs[order], rng, bias, output_bias))
    top, other, risk, exact = top_of(A, B, Risk(objective, X, y))
    pair = pair_barrier(top, other, risk, most_programs=programs, seconds=1e9, exact=exact)
    problem = kernel_problem(A, B, Risk(objective, X, y))
    claim, _ = cone_barrier(problem, pair, lambda text: None)
    assert claim is not None, "the case has no barrier"
    return problem, claim, pair.search, A, B


# With and without penalty, output bias, hidden bias; one and two neurons; equal and opposite signs, in the same slots and in others; around A and B; passes
# at a neuron that is 0 and others; ways to 0 barred one by one, those of one sign at once, and of both; above one and two shared layers.
CASES = (
    {"seed": 1},
    {"seed": 9, "output_bias": False},
    {"seed": 1, "loss": "logistic", "kappa": 0.01},
    {"seed": 31, "penalty": "weight_decay"},
    {"seed": 2, "signs": (1, -1), "kappa": 0.01},
    {"seed": 6, "price": True},
    {"seed": 7, "m": 1},
    {"seed": 2, "m": 1, "d": 2, "N": 7},
    {"seed": 0, "d": 2, "bias": False},
    {"seed": 19, "kappa": 0.0},
    {"seed": 1, "signs": (1, -1), "kappa": 0.01, "flipped": True},
    {"seed": 8, "signs": (1, -1), "kappa": 0.0, "flipped": True},
    {"seed": 18, "below": (1,), "signs": (1, -1), "kappa": 0.0, "output_bias": False, "N": 8},
    {"seed": 2, "below": (2,), "m": 1, "kappa": 0.0, "N": 8},
    {"seed": 3, "below": (2, 2), "m": 1, "kappa": 0.0, "N": 8},
)


def exact_pass(A, B, problem):
    """(lower, upper) of the least level of a path, by the search over all cells, which knows no cones."""
    o = problem.objective
    penalty = None if o.penalty == "none" else o.penalty
    objective = make_objective(
        o.loss, delta=o.delta, kappa=o.kappa, penalty=penalty, penalise_output_bias=o.penalise_output_bias
    )
    found = exact_gap(
        A, B, Risk(objective, problem.X, problem.targets), hidden_layers="frozen" if A.depth > 2 else "trained"
    )
    return found.lower, found.upper


def lowest_on(s, rays, rng):
    """An upper bound, mostly a tight one, of the least F where neuron i is a combination of rays[i] (r, n): descent from several points."""
    sizes = [len(r) for r in rays]
    ends = np.cumsum([0, *sizes])
    n = s.inputs.shape[1]

    def F(z):
        u = np.array([z[a:b] @ r.reshape(-1, n) for a, b, r in zip(ends, ends[1:], rays)]).reshape(len(rays), n)
        return s.value(u, float(z[-1]) if s.output_bias else 0.0)

    best = np.inf
    for _ in range(3):
        z = np.concatenate([np.exp(rng.normal(size=ends[-1])), rng.normal(size=1)])
        found = minimize(F, z, method="L-BFGS-B", bounds=[(0.0, None)] * int(ends[-1]) + [(None, None)])
        best = min(best, float(found.fun))
    return best

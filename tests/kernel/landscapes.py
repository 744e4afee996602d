"""Whole landscapes and their claims, with the merge tree that float64 programs give: instances for tests of the kernel."""

from __future__ import annotations

from functools import cache

import numpy as np

from verifier.elaboration import kernel_problem
from verifier.elaboration.landscapes import landscape_claim
from verifier.landscape.faces import FaceValues
from verifier.landscape.minima import minimum_network
from verifier.landscape.setting import make_setting
from verifier.landscape.tree import merge_tree
from verifier.landscape.whole import whole_faces
from verifier.objective import Risk, make_objective

# Without and with a penalty, an output bias, two neurons, two inputs, no biases; parallel inputs, an input twice, an input of 0, inputs on one line,
# a price of the output bias.
CASES = (
    {"seed": 0},
    {"seed": 0, "m": 2},
    {"seed": 2, "N": 4, "m": 2, "output_bias": True},
    {"seed": 0, "N": 4, "m": 2, "kappa": 0.05, "penalty": "path"},
    {"seed": 0, "loss": "logistic", "kappa": 0.02, "penalty": "path"},
    {"seed": 3, "N": 4, "m": 2, "loss": "logistic"},
    {"seed": 0, "loss": "huber", "kappa": 0.02, "penalty": "weight_decay", "output_bias": True},
    {"seed": 1, "N": 4, "d": 2},
    {"seed": 0, "m": 2, "bias": False},
    {"seed": 4, "m": 2, "X": ((-1.0,), (-0.5,), (0.0,), (0.5,), (1.0,)), "bias": False},
    {"seed": 5, "X": ((-0.5,), (-0.5,), (0.25,), (0.25,), (1.0,))},
    {
        "seed": 9,
        "X": ((0.0, -0.5), (0.0, 0.5)),
        "kappa": 0.15,
        "penalty": "path",
        "bias": False,
        "output_bias": True,
        "price": True,
    },
    {"seed": 6, "X": ((-1.0, -1.0), (-0.5, -0.5), (0.25, 0.25), (1.0, 1.0))},
)


@cache
def instance(
    seed, *, N=5, d=1, m=1, loss="squared", kappa=0.0, penalty=None, bias=True, output_bias=False, X=None, price=False
):
    """(problem, claim, tree, setting)."""
    rng = np.random.default_rng(seed)
    X = np.sort(rng.uniform(-1, 1, size=(N, d)), axis=0) if X is None else np.array(X)
    y = rng.normal(size=(len(X), 1))
    if loss == "logistic":
        y = np.sign(y)
    delta = 0.3 if loss == "huber" else None
    objective = make_objective(loss, delta=delta, kappa=kappa, penalty=penalty, penalise_output_bias=price)
    risk = Risk(objective, X, y)
    setting = make_setting(risk, m, hidden_bias=bias, output_bias=output_bias)
    tree, values = merge_tree(setting), FaceValues(setting)
    A = minimum_network(values, tree.cells[0])
    problem = kernel_problem(A, A, risk)
    cones = setting.neurons.cones
    claim = landscape_claim(problem, cones.patterns, cones.interiors, whole_faces(values), name="all")
    return problem, claim, tree, setting

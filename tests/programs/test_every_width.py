"""Column generation starts somewhere, whatever the networks are."""

import numpy as np
import pytest

from verifier.elaboration import kernel_problem
from verifier.elaboration.every_width import every_width_claim
from verifier.kernel import check
from verifier.networks.network import Network
from verifier.objective import Risk, make_objective
from verifier.programs.every_width.solve import solve_every_width


@pytest.mark.parametrize("scale", [1.0, 0.0])
@pytest.mark.parametrize("loss", ["logistic", "absolute"])
def test_networks_whose_heads_are_all_zero(loss, scale):
    """Also where every input is 0 and nothing but the output bias is left to move."""
    rng = np.random.default_rng(0)
    X = scale * rng.normal(size=(6, 2))
    y = np.array([1.0, 1.0, 1.0, -1.0, -1.0, 1.0])[:, None]
    A = Network((rng.normal(size=(3, 2)), np.zeros((1, 3))), (None, np.zeros(1)))
    o = make_objective(loss, kappa=0.01, penalty="path")
    problem = kernel_problem(A, A, Risk(o, X, y))
    claim = every_width_claim(problem, solve_every_width([A], Risk(o, X, y), seconds=5.0))
    for evaluation in ("fast", "reference"):
        assert check(problem, claim, evaluation=evaluation).accepted
    assert 0.0 < claim.lower <= o.value(A, X, y)

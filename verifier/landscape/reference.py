"""The programs of cells and faces in CVXPY, one neuron after the other: no rays, no merging of neurons, no cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from verifier.landscape.face import Face, FacePoint
from verifier.landscape.setting import LandscapeSetting

Array = np.ndarray


def reference_minimum(
    setting: LandscapeSetting, codes: Sequence[int], moving: tuple[int, int] | None = None
) -> tuple[float, Array]:
    """min F over neurons in the closed cones of `codes`, and one more of code moving[0] on the hyperplane of sample moving[1].

    Returns the value and the predictions (N K,). Constraints are those of every sample, not of facets alone.
    """
    import cvxpy as cp

    neurons, N, K = setting.neurons, setting.N, setting.outputs
    X = neurons.inputs
    total: Any = np.tile(np.ravel(setting.offset), N)[:, None]
    constraints: list[Any] = []
    penalty: Any = 0.0
    for code, facet in [*((c, -1) for c in codes), *([moving] if moving else [])]:
        u = cp.Variable((X.shape[1], 1))
        signs = 2.0 * neurons.pattern(code) - 1.0
        constraints.append((signs[:, None] * X) @ u >= 0)
        if facet >= 0:
            constraints.append(X[facet] @ u == 0)
        total = total + neurons.features(code) @ u
        penalty = penalty + neurons.price(code) * cp.norm(u, 2)
    if setting.output_bias:
        c = cp.Variable((1, 1))
        total = total + np.ones((N, 1)) @ c
        if setting.bias_price > 0:
            constraints.append(cp.abs(c) <= (w := cp.Variable((1, 1))))
            penalty = penalty + setting.objective.bias_price * cp.sum(w)
    f = cp.Variable((N, K))
    constraints.append(cp.reshape(f, (N * K, 1), order="C") == total)
    loss = setting.objective.loss.cvxpy(np.eye(N), f, None, setting.targets) / N
    problem = cp.Problem(cp.Minimize(loss + setting.kappa * penalty), constraints)
    problem.solve(solver=cp.CLARABEL)
    assert f.value is not None
    return float(problem.value) + setting.constant, np.asarray(f.value).reshape(-1)


class ReferenceProgram:
    """`reference_minimum`, which solves the given problem itself, behind the interface of face programs; it has no points."""

    accuracy = 1e-7

    def __init__(self, setting: LandscapeSetting) -> None:
        self.setting = setting

    def value(self, face: Face) -> float:
        codes, facet = face
        n = self.setting.neurons
        moving = (int(n.facet_codes[facet, 0]), int(n.facet_samples[facet])) if facet >= 0 else None
        least = reference_minimum(self.setting, codes, moving)[0] - self.setting.constant
        return float(np.ldexp(least, -self.setting.normal.value))

    def solve(self, face: Face) -> FacePoint:
        raise NotImplementedError("the CVXPY reference gives values only; use method rays or conic for points")

"""Claims about every network of any width at once. One hidden layer, a penalty on whole neurons (docs/mathematics.md, section 13)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verifier.kernel.statements.problem import Problem, augmented_inputs, require_relu
from verifier.kernel.statements.refusal import quoted, require, require_array, require_name, require_number

# Cones are bisected by the kernel itself; above this dimension (of inputs, with the 1 of a bias) there are too many, and matrices are needed.
MOST_DIMENSIONS = 3


@dataclass(frozen=True)
class EveryWidthLowerBound:
    """`F >= lower` for every network of one hidden layer and any width that has A's inputs, outputs and biases.

    nu (N, K): the dual. raised, lowered, curved (2 K, N), all >= 0, ball (2 K,), and factor (2 K (n + 1), n + 1), n + 1 rows each: for output k and the
    side + (row 2 k) or - (row 2 k + 1) the matrix that bounds the pull of nu on one neuron; all None where the kernel bisects cones instead.
    """

    name: str
    lower: float
    nu: np.ndarray
    raised: np.ndarray | None
    lowered: np.ndarray | None
    curved: np.ndarray | None
    ball: np.ndarray | None
    factor: np.ndarray | None

    def sentence(self, problem: Problem) -> str:
        d, K = problem.X.shape[1], len(problem.A.weights[1])
        first, last = ("with" if b is not None else "without" for b in problem.A.biases)
        form = "with biases" if first == last == "with" else f"{first} hidden and {last} output biases"
        form = "without biases" if first == last == "without" else form
        return (
            f"every width {quoted(self.name)}: F >= {self.lower!r} for every ReLU network of one hidden layer of any width, "
            f"{d} inputs and {K} outputs, {form}"
        )


def validate_every_width(problem: Problem, claim: EveryWidthLowerBound) -> None:
    """Reject claims outside the theorem, and arrays that do not fit."""
    require_relu(problem)
    require_name(claim.name)
    o, N = problem.objective, len(problem.X)
    require(len(problem.A.weights) == 2, "every_width_lower_bound is defined for one hidden layer")
    require(
        o.penalty in ("path", "weight_decay") and o.kappa > 0.0,
        f"no bound for every width under penalty {o.penalty} with kappa {o.kappa!r}: neurons cost nothing there",
    )
    K, n = len(problem.A.weights[1]), augmented_inputs(problem).shape[1]
    require_array(claim.nu, "nu", np.float64, (N, K))
    require_number(claim.lower, "lower")
    shapes = {
        "raised": (2 * K, N), "lowered": (2 * K, N), "curved": (2 * K, N), "ball": (2 * K,), "factor": (2 * K * (n + 1), n + 1),
    }  # fmt: skip
    given = [name for name in shapes if getattr(claim, name) is not None]
    require(len(given) in (0, len(shapes)), "the arrays of the matrices are all there or none")
    require(bool(given) or n <= MOST_DIMENSIONS, f"cones of dimension {n} are too many; matrices are needed")
    for name in given:
        require_array(getattr(claim, name), name, np.float64, shapes[name])
    for name in ("raised", "lowered", "curved", "ball"):
        array = getattr(claim, name)
        require(array is None or bool((array >= 0.0).all()), f"{name} has a negative entry")

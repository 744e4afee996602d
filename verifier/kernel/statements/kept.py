"""Which layers a claim's paths keep as they are in A and B: the words of `output_layer` (docs/mathematics.md, section 8)."""

from __future__ import annotations

import numpy as np

from verifier.kernel.statements.problem import Problem, require_relu, require_unweighted
from verifier.kernel.statements.refusal import require

# Multiplications of all samples' numbers in the layers below the last hidden one, which are done without rounding.
MOST_PRODUCTS = 2**22
# What paths may move besides the rows of the last hidden layer: all other parameters ("trained"), those but the output layer, or, with several hidden
# layers, the output layer alone, or nothing.
ABOVE = " above frozen layers"
OUTPUT_LAYERS = ("trained", "frozen", "trained" + ABOVE, "frozen" + ABOVE)


def kept_word(output_layer: str, hidden_layers: str) -> str:
    """The word for an output layer, and hidden layers below the last one, that are "trained" or "frozen"."""
    return output_layer + (ABOVE if hidden_layers == "frozen" else "")


def trained_word(problem: Problem) -> str:
    """For the paths on which heads move: of deep networks those that keep all hidden layers but the last."""
    return kept_word("trained", "frozen" if len(problem.A.weights) > 2 else "trained")


def keeps_output(output_layer: str) -> bool:
    return output_layer.startswith("frozen")


def keeps_below(output_layer: str) -> bool:
    """Whether all hidden layers below the last one are kept."""
    return output_layer.endswith(ABOVE)


def kept_layers(output_layer: str) -> str:
    """In words; nothing where all layers move."""
    kept = ["the hidden layers below the last one"] * keeps_below(output_layer) + ["the output layer"] * keeps_output(
        output_layer
    )
    return " and ".join(kept)


def of_paths(output_layer: str) -> str:
    """What a sentence says behind "every path"."""
    kept = kept_layers(output_layer)
    return f"that keeps {kept} of A and B" if kept else "of all parameters"


def require_shared_below(problem: Problem, output_layer: str) -> None:
    """Reject unless A and B share the hidden layers that the word says are kept, and these can be computed exactly."""
    A, B = problem.A, problem.B
    require(
        keeps_below(output_layer) == (len(A.weights) > 2),
        "with several hidden layers, and with no fewer, a barrier is about paths that keep all of these but the last",
    )
    for W, V, a, b in zip(A.weights[:-2], B.weights[:-2], A.biases[:-2], B.biases[:-2], strict=True):
        require(np.array_equal(W, V) and same_biases(a, b), "A and B differ in a hidden layer below the last one")
    products = len(problem.X) * sum(W.size for W in A.weights[:-2])
    require(products <= MOST_PRODUCTS, "too many numbers below the last hidden layer to be computed exactly")


def same_biases(a: np.ndarray | None, b: np.ndarray | None) -> bool:
    return a is None or b is None or np.array_equal(a, b)


def require_barrier_scope(problem: Problem, kind: str, output_layer: str = "trained") -> int:
    """Reject problems outside the theorems about every path (docs/mathematics.md, sections 8, 12 and 14) on which heads move; the width of the last hidden
    layer otherwise."""
    require_relu(problem)
    require_unweighted(problem)
    require(
        output_layer in ("trained", kept_word("trained", "frozen")),
        f"{kind} is about paths on which the output layer is trained",
    )
    require(keeps_below(output_layer) or len(problem.A.weights) == 2, f"{kind} is defined for one hidden layer")
    require_shared_below(problem, output_layer)
    require(problem.A.weights[-1].shape[0] == 1, f"{kind} is defined for one output")
    penalty = problem.objective.penalty
    require(
        penalty in ("none", "path", "weight_decay"),
        f"no lower bound under penalty {penalty}: rescaling a row changes it",
    )
    return int(problem.A.weights[-2].shape[0])

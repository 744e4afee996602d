"""The networks that a path between different sign counts passes: one neuron is 0, the others have known signs (docs/mathematics.md, section 12)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from verifier.errors import UsageError
from verifier.matrices import augmented_inputs
from verifier.networks.network import Network
from verifier.objective import Objective, Risk
from verifier.objective.penalties import augmented_rows
from verifier.regions.arrangement import exponents

Array = np.ndarray

# Of float64, and the share of f by which it may be off where F counts.
ROUNDING, SOUND = 2.0**-52, 1e-9
PENALTIES = ("none", "path", "weight_decay")


@dataclass(frozen=True, eq=False)
class Narrow:
    """`F(u, c) = (1/N) sum_j loss_j(sum_i s_i relu(u_i . xt_j) + c) + kappa sum_i |u_i| + kappa p |c|` over u_i in R^n for the neurons that stay.

    inputs (N, n): xt. targets (N, 1). signs (k,): s. output_bias: c varies; p is 1 where it has a price. directions (n, n): rows whose orthants
    the search starts from, standard coordinates of the data. exact (N, n) object: a common positive multiple of xt in whole numbers, where inputs are
    rounded; None where they are xt.
    """

    objective: Objective
    inputs: Array
    targets: Array
    signs: tuple[int, ...]
    output_bias: bool
    directions: Array
    exact: Array | None = None

    @property
    def N(self) -> int:
        return len(self.inputs)

    @property
    def free_bias(self) -> bool:
        """The output bias varies and costs nothing."""
        return self.output_bias and self.bias_price == 0.0

    @property
    def bias_price(self) -> float:
        return self.objective.kappa * self.objective.bias_price

    @cached_property
    def sign_column(self) -> Array:
        return np.array(self.signs, dtype=np.float64)

    def predictions(self, u: Array, c: float) -> Array:
        """f (N,) for u (k, n)."""
        out: Array = np.maximum(self.inputs @ u.T, 0.0) @ self.sign_column + c
        return out

    def value(self, u: Array, c: float) -> float:
        """F, in float64."""
        loss = float(self.objective.loss.values(self.predictions(u, c)[:, None], self.targets).mean())
        size = float(np.linalg.norm(u, axis=1).sum())
        return loss + self.objective.kappa * size + self.bias_price * abs(c)

    def sound(self, u: Array, c: float) -> bool:
        """Whether float64 tells F: neurons that cancel one another, or the output bias, at 1e10 leave nothing of f but rounding."""
        sizes = np.maximum(self.inputs @ u.T, 0.0).sum(axis=1) + abs(c)
        most = max(float(np.abs(self.predictions(u, c)).max()), float(np.abs(self.targets).max()))
        return bool(np.isfinite(sizes).all() and sizes.max() * ROUNDING <= SOUND * most)

    def dual_value(self, nu: Array) -> float:
        """What nu (N,) proves of F where it meets its conditions."""
        return -float(self.objective.loss.conjugate(nu[:, None], self.targets).mean())


def neuron_signs(network: Network) -> list[int]:
    """Per neuron 1 or -1 as its head, 0 where the head or the whole row is 0."""
    live: Array = np.any(augmented_rows(network) != 0.0, axis=1)
    return [int(np.sign(head)) if alive else 0 for head, alive in zip(network.theta[0], live, strict=True)]


def sign_counts(network: Network) -> tuple[int, int]:
    """(positive, negative): neurons with a head of this sign and a row that is not 0. Others count for neither."""
    signs = neuron_signs(network)
    return signs.count(1), signs.count(-1)


def positives_passed(A: Network, B: Network) -> list[int]:
    """All numbers p such that every path from A to B passes a network of p positive and m - 1 - p negative neurons and one that is 0."""
    m = A.theta.shape[1]
    (a, x), (b, y) = sign_counts(A), sign_counts(B)
    return [p for p in range(m) if (a > p and y > m - 1 - p) or (b > p and x > m - 1 - p)]


def require_covered(A: Network, B: Network, objective: Objective, targets: Array, method: str = "sign-count") -> None:
    """Raise UsageError, in the name of the method, for pairs and objectives that the theorems of cones do not cover."""
    if A.architecture != B.architecture or not A.shallow:
        raise UsageError(
            f"{method}: expected two networks of one hidden layer and the same shape, got widths {A.widths} and {B.widths}; between the layers of deeper "
            "networks F is convex on no cone of rows, but on paths that keep all hidden layers below the last one, which both must share (hidden_layers=frozen)"
        )
    if (outputs := len(A.theta)) != 1:
        raise UsageError(
            f"{method}: expected one output, got {outputs}: of several outputs a head is a vector and has no sign to count"
        )
    if A.negative_slope:
        raise UsageError(f"{method}: expected ReLU, got Leaky ReLU; barriers are known for ReLU alone")
    if objective.penalty not in PENALTIES:
        raise UsageError(
            f"{method}: the penalty must be one of {', '.join(PENALTIES)}, got {objective.penalty}: rescaling a row changes it"
        )
    if objective.weights is not None:
        raise UsageError(f"{method}: covers the plain mean over samples, not sample weights; leave the weights out")
    if targets.ndim != 2 or targets.shape[1] != 1:
        raise UsageError(f"{method}: expected one output, got targets of shape {targets.shape}")


def dependent_columns(inputs: Array, d: int, tol: float) -> list[int]:
    """Which of the first d columns, from the left, are combinations of those before and of the constant, the column behind them where there is one: without
    them the rank is the number of columns. A singular value up to tol counts as 0."""
    kept = list(range(d, inputs.shape[1]))
    if np.linalg.matrix_rank(inputs, tol=tol) == inputs.shape[1]:
        return []
    out = []
    for k in range(d):
        if np.linalg.matrix_rank(inputs[:, [*kept, k]], tol=tol) > len(kept):
            kept.append(k)
        else:
            out.append(k)
    return out


def narrow(A: Network, risk: Risk, positive: int, exact: tuple[Array, int] | None = None) -> Narrow:
    """The networks of A's shape without one neuron, `positive` of the others positive. exact: as in `with_signs`.

    Raises UsageError where the inputs lie in a hyperplane: then some rows change nothing, and no cone of them is bounded from below.
    """
    stay = A.theta.shape[1] - 1
    return with_signs(A, risk, (1,) * positive + (-1,) * (stay - positive), exact=exact)


def with_signs(
    A: Network,
    risk: Risk,
    signs: tuple[int, ...],
    method: str = "sign-count",
    exact: tuple[Array, int] | None = None,
) -> Narrow:
    """The networks of A's inputs, biases and output with neurons of these signs. Raises UsageError as `narrow` does.

    exact: (whole (N, d) object, exponent) where the risk's inputs are features that were rounded, as in `above.Above`.
    """
    hidden_bias = A.b is not None
    inputs = augmented_inputs(np.ascontiguousarray(risk.X, dtype=np.float64), hidden_bias)
    d = risk.X.shape[1]
    directions = _directions(np.asarray(risk.X, dtype=np.float64), hidden_bias, exact is not None)
    if left_out := dependent_columns(inputs @ directions.T, d, 1e-9 * len(risk.X) ** 0.5):
        raise UsageError(f"{method}: {_dependent(left_out, hidden_bias, exact is not None)}")
    y = np.asarray(risk.targets, dtype=np.float64)
    whole = None if exact is None else _whole(*exact, hidden_bias)
    return Narrow(risk.objective, inputs, y, signs, A.c is not None, directions, whole)


def _dependent(left_out: list[int], hidden_bias: bool, features: bool) -> str:
    """Which inputs, or features of the layers below, say nothing that the others do not say."""
    constant = (" with the constant", " and the constant") if hidden_bias else ("", "")
    what, one, those = (
        (
            "outputs of the layer below the last hidden one",
            "neuron",
            f"of that layer, from 0, {{}} of the neurons before{constant[1]}",
        )
        if features
        else ("inputs", "column", f"of the features, from 0, {{}} of the columns before{constant[1]}")
    )
    named = f"{one} {left_out[0]}" if len(left_out) == 1 else f"{one}s {', '.join(map(str, left_out))}"
    each, them = ("is a combination", "it") if len(left_out) == 1 else ("are combinations", "them")
    out_of = "both networks" if features else "the data and the networks"
    return f"the {what}{constant[0]} are linearly dependent: {named} {those.format(each)}; leave {them} out of {out_of}"


def _whole(features: Array, exponent: int, hidden_bias: bool) -> Array:
    """xt as whole numbers over 2^exponent."""
    if not hidden_bias:
        return features
    return np.column_stack([features, np.full(len(features), 1 << exponent, dtype=object)])


def _directions(X: Array, hidden_bias: bool, rounded: bool) -> Array:
    """(n, n): one row per input, in units of the data, where there are biases with the value that it is compared with; and the bias."""
    if not hidden_bias:
        return np.diag(_powers(X))
    d = X.shape[1]
    ends = np.array([min(column.min(), column.max(), key=lambda v: -(column == v).sum()) for column in X.T])
    # Along a hyperplane that holds many samples, with all others on one side, a neuron of any size is heard at these alone. No cone across it, however
    # narrow, tells F there: it has to be a first cut. Outputs of a layer below, at 0, are such a case.
    # Of numbers that were rounded 0 alone is what it seems: at others no product with a sample is exactly 0.
    often = ((ends == X).sum(axis=0) > d + 1) & ((ends == 0.0) | (not rounded))
    centre = np.where(often, ends, X.mean(axis=0))
    powers = _powers(X - centre)
    directions = np.diag(np.append(powers, 1.0))
    # Otherwise centred, so that the first cuts lie among the samples; to few digits: products of rays with samples are short whole numbers then.
    directions[:d, d] = -np.where(often, centre * powers, np.round(centre * powers * 256.0) / 256.0) + 0.0
    return directions


def _powers(rows: Array) -> Array:
    """Per column the power of two that is nearest to one over the root of its mean square. Half-way between two rays the hyperplane lies one such size
    from the middle: where it was the largest entry's, nearly all samples, the first cuts told nothing, and a search needed five times the parts."""
    largest = np.ldexp(1.0, exponents(rows).astype(np.int64))
    size = np.sqrt(((rows / largest) ** 2).mean(axis=0)) * largest
    out: Array = np.ldexp(1.0, -np.round(np.log2(np.where(size > 0.0, size, 1.0))).astype(np.int64))
    return out

"""Two deep networks that share all hidden layers but the last: what lies above these is one hidden layer on their features (docs/mathematics.md, section 8).

Features are computed without rounding, since cells are told apart by exact signs; F of points and duals is float64 as everywhere in this room.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from verifier.errors import UsageError
from verifier.kernel.statements.kept import MOST_PRODUCTS
from verifier.landscape.kept_layers import Kept, why_not_these_hidden_layers
from verifier.networks.network import Network
from verifier.objective import Risk
from verifier.paths.path import Move, Path

Array = np.ndarray
# Straight moves for each doubling of a neuron's row: on each of them what it adds to f is at most a two-thousandth off.
PER_DOUBLING = 16


@dataclass(frozen=True, eq=False)
class Above:
    """A, B: last hidden layer and output layer. risk: F of these on the features, rounded; l1 and no penalty only.

    exact: (whole (N, n_0) object, exponent): the features times 2^exponent, as Python integers, without rounding; None where nobody asked for them.
    """

    A: Network
    B: Network
    risk: Risk
    exact: tuple[Array, int] | None


def above_shared(A: Network, B: Network, risk: Risk, *, exact: bool = True) -> Above:
    """Of two dense ReLU networks of one shape. exact: compute the features without rounding, not in float64.

    Raises UsageError where they differ below the last hidden layer, or there is none below it, or exact features would take too long.
    """
    if (why := why_not_these_hidden_layers(A, B, Kept(hidden_layers="frozen"))) is not None:
        raise UsageError(f"landscape: {why}")
    top, other = (Network(n.weights[-2:], n.biases[-2:]) for n in (A, B))
    if not exact:
        return Above(top, other, replace(risk, X=A.features(risk.X, A.depth - 2)), None)
    products = len(risk.X) * sum(W.size for W in A.weights[:-2])
    if products > MOST_PRODUCTS:
        raise UsageError(
            f"landscape: features below the last hidden layer are computed without rounding, which takes {products:,} multiplications here, more than "
            f"{MOST_PRODUCTS:,}; use fewer samples or narrower layers"
        )
    whole, exponent = exact_features(A, risk.X)
    try:
        features = np.array([[v / (1 << exponent) for v in row] for row in whole.tolist()]).reshape(whole.shape)
    except OverflowError:
        raise UsageError(
            "landscape: features below the last hidden layer are beyond float64; scale inputs or weights"
        ) from None
    return Above(top, other, replace(risk, X=features), (whole, exponent))


def exact_features(network: Network, X: Array) -> tuple[Array, int]:
    """(whole (N, n) object, exponent): what the last hidden layer reads on X (N, n_0), times 2^exponent, as integers."""
    h, e = _dyadic(X)
    for W, b in zip(network.weights[:-2], network.biases[:-2]):
        w, f = _dyadic(W)
        h, e = h @ w.T, e + f
        if b is not None:
            c, g = _dyadic(b[None, :])
            h, c, e = h * 2 ** max(0, g - e), c * 2 ** max(0, e - g), max(e, g)
            h = h + c
        h = np.maximum(h, 0)
    return h, e


def _dyadic(M: Array) -> tuple[Array, int]:
    """(whole object, e) with `M = whole / 2^e`."""
    ratios = [[v.as_integer_ratio() for v in row] for row in M.tolist()]
    common = math.lcm(1, *(q for row in ratios for _, q in row))
    whole = np.empty(M.shape, dtype=object)
    for i, row in enumerate(ratios):
        for j, (p, q) in enumerate(row):
            whole[i, j] = p * (common // q)
    return whole, common.bit_length() - 1


def on_top(A: Network, path: Path) -> Path:
    """The path of tops as one of deep networks. Curves of scalings become straight moves: in deep networks the kernel knows no curves."""
    moves: list[Move] = []
    at = path.start
    for move in path.moves:
        if move.factors is not None:
            doublings = float(np.abs(np.log2(move.factors)).max(initial=0.0))
            steps = max(1, math.ceil(PER_DOUBLING * doublings))
            for k in range(1, steps):
                c = move.factors ** (k / steps)
                b = None if at.b is None else at.b * c
                moves.append(Move(_deep(A, Network((at.W * c[:, None], at.theta / c), (b, at.c))), move.label))
        moves.append(Move(_deep(A, move.to), move.label))
        at = move.to
    return Path(path.method, A, tuple(moves), path.notes)


def _deep(A: Network, top: Network) -> Network:
    return Network((*A.weights[:-2], *top.weights), (*A.biases[:-2], *top.biases))

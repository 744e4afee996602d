"""Whether a move is what it says, for the second evaluation; rescalings in exact rationals (docs/mathematics.md, sections 2 and 7)."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from flint import arb, arb_mat

from verifier.kernel.reference.forward import activation, affine_map, alive_neurons, changed_neurons
from verifier.kernel.reference.numbers import ball_list, rational
from verifier.kernel.reference.objective import interior_penalty, mean_loss
from verifier.kernel.statements import Move, Parameters, Problem, columns_per_neuron, require


def require_kind(v: Parameters, w: Parameters, move: Move) -> None:
    """Reject unless the move is what it says; a chord may be any segment, and a rescaling keeps the output bias."""
    changed = [changed_neurons(v, w, l) for l in range(len(v.weights))]
    felt = {l for l, (c, a) in enumerate(zip(changed, alive_neurons(v, w), strict=True)) if c & a}
    if move.kind == "transfer":
        require(_handed_over(v, w, move, changed), "no transfer: its pairs do not explain the change")
    if move.kind == "idle":
        require(not felt, "not idle: a neuron that is heard changes")
    if move.kind == "head":
        require(felt <= {len(v.weights) - 1}, "no head move: a hidden neuron that is heard changes")
    if move.kind == "rescale":
        c, d = v.biases[1], w.biases[1]
        require(c is None or d is None or c.tolist() == d.tolist(), "no rescaling: the output bias changes")


def rescale_bound(problem: Problem, v: Parameters, w: Parameters, move: Move, form: str) -> arb:
    """Ball whose upper end bounds F from the exact end of the rescaling by the move's factors to the stored one."""
    require(move.factors is not None, "a rescaling has no factors")
    assert move.factors is not None
    factors = [Fraction(c) for c in move.factors.tolist()]
    rows_exact = [
        [c * Fraction(x) for x in row] for c, row in zip(factors, _rows_plain(v.weights[0], v.biases[0]), strict=True)
    ]
    heads_exact = [[Fraction(x) / c for c, x in zip(factors, row, strict=True)] for row in v.weights[1].tolist()]
    between = lambda exact, stored: [
        [rational(x).union(arb(y)) for x, y in zip(a, b, strict=True)] for a, b in zip(exact, stored, strict=True)
    ]
    rows = between(rows_exact, _rows_plain(w.weights[0], w.biases[0]))
    theta, c = between(heads_exact, w.weights[1].tolist()), ball_list(w.biases[1])
    X = [row + ([] if w.biases[0] is None else [1.0]) for row in problem.X.tolist()]
    S = activation(arb_mat(X) * arb_mat(rows).transpose(), problem.negative_slope)
    f = affine_map(S, arb_mat(theta).transpose(), c)
    penalty = interior_penalty(problem.objective, rows, theta, c, form)
    return mean_loss(problem, f) + arb(problem.objective.kappa) * penalty


def _handed_over(v: Parameters, w: Parameters, move: Move, changed: list[set[int]]) -> bool:
    l, pairs = move.transfer_layer, move.transfer
    if l is None or pairs is None:
        return False
    neurons = [int(i) for i in pairs.ravel()]
    if any(c for k, c in enumerate(changed) if k != l):
        return False
    b, c = v.biases[l], w.biases[l]
    if b is not None and c is not None and b.tolist() != c.tolist():
        return False
    incoming = _rows_plain(v.weights[l - 1], v.biases[l - 1])
    before, after = _outgoing(v, l), _outgoing(w, l)
    for i, j in pairs.tolist():
        silent = [[0.0] * len(column) for column in before[i]]
        if incoming[i] != incoming[j] or before[j] != silent or after[i] != silent or after[j] != before[i]:
            return False
    return all(before[k] == after[k] for k in range(len(before)) if k not in set(neurons))


def _outgoing(p: Parameters, l: int) -> list[list[list[float]]]:
    """Per neuron of the layer that layer l (0-based) reads, the columns that read it."""
    columns, r = p.weights[l].T.tolist(), columns_per_neuron(p, l + 1)
    return [columns[k : k + r] for k in range(0, len(columns), r)]


def _rows_plain(W: np.ndarray, b: np.ndarray | None) -> list[list[float]]:
    return (W if b is None else np.column_stack([W, b])).tolist()

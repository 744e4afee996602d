"""What a move is, decided from stored numbers, for the second evaluation; rescalings in exact rationals (theory.md section 2)."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from flint import arb, arb_mat

from verifier.kernel.reference.forward import alive_neurons, changed_neurons, predictions, relu_columns
from verifier.kernel.reference.numbers import ball_columns, ball_list, mean, rational
from verifier.kernel.reference.objective import interior_penalty, sample_loss, sample_targets
from verifier.kernel.statements import Move, Parameters, Problem, require


def move_kind(v: Parameters, w: Parameters, move: Move) -> str:
    """constant, head, rescale or chord (theory.md section 2); `layer` moves are chords here."""
    changed = [changed_neurons(v, w, l) for l in range(len(v.weights))]
    if move.transfer is not None and _handed_over(v, w, move, changed):
        return "constant"
    L = len(v.weights)
    felt = [l for l, (c, a) in enumerate(zip(changed, alive_neurons(v, w))) if c & a]
    if all(l == L - 1 for l in felt):
        return "head" if felt else "constant"
    if L == 2 and _scaled(v, w) is not None:
        return "rescale"
    return "chord"


def _scaled(v: Parameters, w: Parameters) -> tuple[list[list[Fraction]], list[list[Fraction]]] | None:
    """Rows and heads (K lists of m) at the exact end of the rescaling of v that leads about to w; None when the segment is none."""
    c, d = v.biases[1], w.biases[1]
    if c is not None and d is not None and c.tolist() != d.tolist():
        return None
    rows, heads = [], []
    before, after = _rows_plain(v.weights[0], v.biases[0]), _rows_plain(w.weights[0], w.biases[0])
    for p, q, g, h in zip(before, after, v.weights[1].T.tolist(), w.weights[1].T.tolist()):
        exact_p, exact_q, exact_g, exact_h = (list(map(Fraction, x)) for x in (p, q, g, h))
        k = max(range(len(p)), key=lambda e: abs(exact_p[e]))
        factor = Fraction(1)
        if p != q or g != h:
            if exact_p[k] == 0 or exact_q[k] / exact_p[k] <= 0:
                return None
            factor = Fraction(float(exact_q[k] / exact_p[k])) or Fraction(1)
        row, head = [factor * x for x in exact_p], [x / factor for x in exact_g]
        near = Fraction(1, 2**39)
        if max(abs(x - y) for x, y in zip(row, exact_q)) > near * max(map(abs, exact_q)):
            return None
        if max(abs(x - y) for x, y in zip(head, exact_h)) > near * max(map(abs, exact_h)):
            return None
        rows.append(row)
        heads.append(head)
    return rows, [list(x) for x in zip(*heads)]


def rescale_bound(problem: Problem, v: Parameters, w: Parameters) -> arb:
    """Ball whose upper end bounds F from the exact end of the rescaling to the stored one."""
    found = _scaled(v, w)
    require(found is not None, "a rescaling has no factors")
    assert found is not None  # for the type checker; `require` above decides
    between = lambda exact, stored: [[rational(x).union(arb(y)) for x, y in zip(a, b)] for a, b in zip(exact, stored)]
    rows = between(found[0], _rows_plain(w.weights[0], w.biases[0]))
    theta, c = between(found[1], w.weights[1].tolist()), ball_list(w.biases[1])
    one = [[arb(1)]] * problem.X.shape[0]
    X = [[arb(x) for x in row] for row in problem.X.tolist()]
    inputs = X if w.biases[0] is None else [row + extra for row, extra in zip(X, one)]
    S = relu_columns(ball_columns(arb_mat(inputs) * arb_mat(rows).transpose()), problem.negative_slope)
    f = predictions(S, theta, c, problem.X.shape[0])
    loss = mean([sample_loss(problem.objective, row, y) for row, y in zip(f, sample_targets(problem))])
    return loss + arb(problem.objective.kappa) * interior_penalty(problem.objective, rows, theta, c)


def _handed_over(v: Parameters, w: Parameters, move: Move, changed: list[set[int]]) -> bool:
    l, pairs = move.transfer_layer, move.transfer
    require(
        type(l) is int and 1 <= l < len(v.weights) and pairs is not None, "a transfer names a layer that is not hidden"
    )
    assert l is not None
    assert pairs is not None
    require(pairs.ndim == 2 and pairs.shape[1] == 2 and pairs.size > 0, "transfer pairs must be (p, 2)")
    neurons = [int(i) for i in pairs.ravel()]
    require(
        len(set(neurons)) == len(neurons) and all(0 <= i < v.weights[l - 1].shape[0] for i in neurons),
        "transfer pairs overlap or leave the layer",
    )
    if any(c for k, c in enumerate(changed) if k != l):
        return False
    b, c = v.biases[l], w.biases[l]
    if b is not None and c is not None and b.tolist() != c.tolist():
        return False
    incoming = _rows_plain(v.weights[l - 1], v.biases[l - 1])
    before, after = v.weights[l].T.tolist(), w.weights[l].T.tolist()
    for i, j in pairs.tolist():
        silent = [0.0] * len(before[i])
        if incoming[i] != incoming[j] or before[j] != silent or after[i] != silent or after[j] != before[i]:
            return False
    return all(before[k] == after[k] for k in range(len(before)) if k not in set(neurons))


def _rows_plain(W: np.ndarray, b: np.ndarray | None) -> list[list[float]]:
    return (W if b is None else np.column_stack([W, b])).tolist()

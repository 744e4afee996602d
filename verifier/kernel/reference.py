"""The second evaluation: the same claims in Arb balls of 128 bits and exact rationals, written from theory.md and numerics.md.

Shares no arithmetic with the fast evaluation: stored floats become exact balls, every comparison is between balls and holds
only when certain. Slow and plain on purpose.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from flint import arb, arb_mat, ctx, fmpq

from verifier.kernel.claims import (
    Claim,
    EndpointValue,
    HeadOptimum,
    Move,
    Objective,
    Parameters,
    PathUpperBound,
    Problem,
    apply_writes,
    breakpoints_of,
    require,
    same_parameters,
    validate,
    validate_head,
)
from verifier.kernel.landscape_claims import BarrierLowerBound, ClaimViolation, JacobianRank, RegionMinimum

Column = list[arb]
ZERO, ONE = arb(0), arb(1)


def check(problem: Problem, claim: Claim) -> dict[str, float]:
    """Numbers found (rounded for display only); rejects unless the claim is certain."""
    validate(problem)
    with ctx.workprec(128):
        if isinstance(claim, EndpointValue):
            return _check_endpoint(problem, claim)
        if isinstance(claim, HeadOptimum):
            return _check_head(problem, claim)
        if isinstance(claim, (BarrierLowerBound, RegionMinimum, JacobianRank)):
            from verifier.kernel.reference_landscape import check_landscape  # it builds on this module

            return check_landscape(problem, claim)
        if isinstance(claim, ClaimViolation):
            from verifier.kernel.reference_violations import check_violations  # so does it

            return check_violations(problem, claim)
        require(isinstance(claim, PathUpperBound), "unknown claim")
        return _check_path(problem, claim)


def _certain(condition: object, why: str) -> None:
    """Ball comparisons are True only when they hold for every point of both balls."""
    require(condition is True, why)


def _largest(values: list[arb]) -> arb:
    """A ball containing the maximum."""
    top = values[0]
    for v in values[1:]:
        top = top.max(v)
    return top


# --- network -------------------------------------------------------------------------------------------------------


def _matrix(array: np.ndarray) -> arb_mat:
    return arb_mat(array.tolist())


def _columns(M: arb_mat) -> list[Column]:
    return [list(column) for column in zip(*M.tolist())]


def _preactivations(H: arb_mat, W: np.ndarray, b: np.ndarray | None) -> list[Column]:
    """Columns of H W^T + b, one per neuron."""
    columns = _columns(H * _matrix(W).transpose())
    if b is None:
        return columns
    return [[u + shift for u in column] for column, shift in zip(columns, map(arb, b.tolist()))]


def _relu(columns: list[Column]) -> list[Column]:
    return [[u.max(ZERO) for u in column] for column in columns]


def _hidden(X: arb_mat, p: Parameters) -> list[Column]:
    """Pre-activations of the last hidden layer."""
    H = X
    for W, b in zip(p.weights[:-2], p.biases[:-2]):
        H = arb_mat(_relu(_preactivations(H, W, b))).transpose()
    return _preactivations(H, p.weights[-2], p.biases[-2])


def _predictions(S: list[Column], theta: list[list[arb]], c: list[arb] | None, N: int) -> list[list[arb]]:
    """f_j, one list of K per sample; theta is K lists of m."""
    used = [i for i in range(len(S)) if any(not row[i].is_zero() for row in theta)]
    if used:
        F = arb_mat([S[i] for i in used]).transpose() * arb_mat([[row[i] for row in theta] for i in used])
        out = F.tolist()
    else:
        out = [[ZERO] * len(theta) for _ in range(N)]
    return out if c is None else [[f + s for f, s in zip(row, c)] for row in out]


# --- objective -----------------------------------------------------------------------------------------------------


def _loss(o: Objective, f: list[arb], y: object) -> arb:
    """Ball containing the loss at one sample; y is a label, or a list of K floats."""
    if o.loss == "cross_entropy":
        assert isinstance(y, int)  # guaranteed by `validate`; only for the type checker
        return _softmax_loss([f[k] - f[y] for k in range(len(f)) if k != y])
    assert isinstance(y, list)  # guaranteed by `validate`; only for the type checker
    if o.loss == "logistic":
        return _softmax_loss([-arb(y[0]) * f[0]])
    if o.loss == "hinge":
        return (ONE - arb(y[0]) * f[0]).max(ZERO)
    residuals = [a - arb(t) for a, t in zip(f, y)]
    if o.loss == "squared":
        return sum((r * r for r in residuals), ZERO)
    if o.loss == "absolute":
        return sum((abs(r) for r in residuals), ZERO)
    require(o.loss == "huber" and o.delta is not None, f"no reference for loss {o.loss!r}")
    return sum((_huber(abs(r), arb(o.delta)) for r in residuals), ZERO)


def _softmax_loss(gaps: list[arb]) -> arb:
    """log(1 + sum exp(gap))."""
    k = max(range(len(gaps)), key=lambda i: float(gaps[i].mid()))  # any choice is valid; the largest avoids overflow
    top = gaps[k]
    if not bool(top > 0):
        return sum((g.exp() for g in gaps), ZERO).log1p()
    # The whole ball is the shift: a rounded one would leave differences far too wide for exp at 1e40 and beyond.
    return top + sum(((g - top).exp() for i, g in enumerate(gaps) if i != k), (-top).exp()).log1p()


def _huber(r: arb, delta: arb) -> arb:
    """r >= 0. Both branches where the ball straddles delta."""
    inner, outer = r * r / 2, delta * (r - delta / 2)
    if bool(r <= delta):
        return inner
    return outer if bool(r >= delta) else inner.union(outer)


def _mean(values: list[arb]) -> arb:
    return sum(values, ZERO) / len(values)


def _targets(problem: Problem) -> list:
    return problem.targets.tolist()


def _norm(vector: list[arb]) -> arb:
    s = sum((v * v for v in vector), ZERO)
    # A sum of squares of wide balls may reach below 0, where a root is NaN; the number itself does not.
    return s.sqrt() if bool(s >= 0) else ZERO.union(s.abs_upper().sqrt())


def _l1(vector: list[arb]) -> arb:
    return sum((abs(v) for v in vector), ZERO)


def _price(o: Objective, row: list[arb]) -> arb:
    return ONE if o.penalty == "l1" else _norm(row)


def _head_size(o: Objective, column: list[arb]) -> arb:
    return _norm(column) if o.penalty == "weight_decay" else _l1(column)


def _interior_penalty(o: Objective, rows: list[list[arb]], theta: list[list[arb]], c: list[arb] | None) -> arb:
    """P on a path: weight decay in its balanced form (docs/mathematics.md)."""
    if o.penalty == "none":
        return ZERO
    total = ZERO
    for i, column in enumerate(zip(*theta)):
        if any(not v.is_zero() for v in column):
            total += _price(o, rows[i]) * _head_size(o, list(column))
    return total + _l1(c) if o.penalise_output_bias and c is not None else total


def _weight_decay(p: Parameters) -> arb:
    arrays = [p.weights[0], p.weights[1], *([] if p.biases[0] is None else [p.biases[0]])]
    squares = sum((Fraction(v) ** 2 for a in arrays for v in a.ravel().tolist()), Fraction(0))
    return arb(fmpq(squares.numerator, squares.denominator)) / 2


def _balls(array: np.ndarray | None) -> list[arb] | None:
    return None if array is None else [arb(v) for v in array.tolist()]


def _rows(W: np.ndarray, b: np.ndarray | None) -> list[list[arb]]:
    return [[arb(v) for v in row] for row in (W if b is None else np.column_stack([W, b])).tolist()]


def _value(problem: Problem, p: Parameters, S: list[Column]) -> arb:
    """F at a vertex of a path, from the features of its last hidden layer."""
    o = problem.objective
    theta, c = _rows(p.weights[-1], None), _balls(p.biases[-1])
    f = _predictions(S, theta, c, problem.X.shape[0])
    loss = _mean([_loss(o, row, y) for row, y in zip(f, _targets(problem))])
    return loss + arb(o.kappa) * _interior_penalty(o, _rows(p.weights[-2], p.biases[-2]), theta, c)


def _endpoint(problem: Problem, p: Parameters) -> arb:
    """F at A or B, with weight decay taken literally."""
    S = _relu(_hidden(_matrix(problem.X), p))
    o = problem.objective
    if o.penalty != "weight_decay":
        return _value(problem, p, S)
    f = _predictions(S, _rows(p.weights[-1], None), _balls(p.biases[-1]), problem.X.shape[0])
    return _mean([_loss(o, row, y) for row, y in zip(f, _targets(problem))]) + arb(o.kappa) * _weight_decay(p)


def _check_endpoint(problem: Problem, claim: EndpointValue) -> dict[str, float]:
    require(claim.network in ("A", "B"), "an endpoint is A or B")
    # Every loss and penalty is at least 0, which the ball around a loss of exactly 0 does not know.
    F = _endpoint(problem, problem.A if claim.network == "A" else problem.B).max(ZERO)
    _certain(arb(claim.lower) <= F, "the lower end is not certain")
    _certain(arb(claim.upper) >= F, "the upper end is not certain")
    return {"lower": float(F.lower()), "upper": float(F.upper())}


# --- moves ---------------------------------------------------------------------------------------------------------


def _fed(v: Parameters, w: Parameters, l: int) -> set[int]:
    """Neurons of layer l (0-based) with a changed incoming entry."""
    out = {i for i, (p, q) in enumerate(zip(v.weights[l], w.weights[l])) if p.tolist() != q.tolist()}
    b, c = v.biases[l], w.biases[l]
    if b is not None and c is not None:
        out |= {i for i, (p, q) in enumerate(zip(b.tolist(), c.tolist())) if p != q}
    return out


def _alive(v: Parameters, w: Parameters) -> list[set[int]]:
    """Per layer, the neurons from which an output is reached over entries that are non-zero at v or at w."""
    L = len(v.weights)
    alive: list[set[int]] = [set() for _ in range(L)]
    alive[L - 1] = set(range(v.weights[L - 1].shape[0]))
    for l in range(L - 1, 0, -1):
        for k in alive[l]:
            alive[l - 1] |= {
                i
                for i, (p, q) in enumerate(zip(v.weights[l][k].tolist(), w.weights[l][k].tolist()))
                if p != 0.0 or q != 0.0
            }
    return alive


def _kind(v: Parameters, w: Parameters, move: Move) -> str:
    """constant, head, rescale or chord (theory.md section 2)."""
    changed = [_fed(v, w, l) for l in range(len(v.weights))]
    if move.transfer is not None and _handed_over(v, w, move, changed):
        return "constant"
    alive = _alive(v, w)
    if not any(c & a for c, a in zip(changed[:-1], alive[:-1])):
        return "head" if changed[-1] else "constant"
    require(len(v.weights) == 2, "not a head, idle or transfer move, and chords are checked with one hidden layer only")
    return "chord" if _scaled(v, w) is None else "rescale"


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


def _rescale(problem: Problem, v: Parameters, w: Parameters) -> arb:
    """Ball whose upper end bounds F from the exact end of the rescaling to the stored one."""
    found = _scaled(v, w)
    require(found is not None, "a rescaling has no factors")
    assert found is not None  # for the type checker; `require` above decides
    between = lambda exact, stored: [[_rational(x).union(arb(y)) for x, y in zip(a, b)] for a, b in zip(exact, stored)]
    rows = between(found[0], _rows_plain(w.weights[0], w.biases[0]))
    theta, c = between(found[1], w.weights[1].tolist()), _balls(w.biases[1])
    one = [[arb(1)]] * problem.X.shape[0]
    X = [[arb(x) for x in row] for row in problem.X.tolist()]
    inputs = X if w.biases[0] is None else [row + extra for row, extra in zip(X, one)]
    S = _relu(_columns(arb_mat(inputs) * arb_mat(rows).transpose()))
    f = _predictions(S, theta, c, problem.X.shape[0])
    loss = _mean([_loss(problem.objective, row, y) for row, y in zip(f, _targets(problem))])
    return loss + arb(problem.objective.kappa) * _interior_penalty(problem.objective, rows, theta, c)


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


# --- paths ---------------------------------------------------------------------------------------------------------


def _mix(x: arb, y: arb, t: arb) -> arb:
    return x if t.is_zero() else y if t == 1 else x + t * (y - x)


def _mix_lists(x: list[arb], y: list[arb], t: arb) -> list[arb]:
    return [_mix(a, b, t) for a, b in zip(x, y)]


def _positive(x: arb) -> arb:
    return x.max(ZERO)


def _kink(u: arb, v: arb) -> arb:
    """Ball whose upper end bounds the largest distance of relu from its chord between pre-activations u and v."""
    if (bool(u >= 0) and bool(v >= 0)) or (bool(u <= 0) and bool(v <= 0)):
        return ZERO
    a, b = abs(u), abs(v)
    s = a + b
    # |u||v| / (|u| + |v|) <= min(|u|, |v|); the latter where the sum may vanish
    return a * b / s if bool(s > 0) else a.max(b)


def _chord(problem: Problem, v: Parameters, w: Parameters, U: list[Column], V: list[Column], times: list[float]) -> arb:
    """Ball whose upper end bounds F on the segment, by the chord lemma on every piece."""
    o, N = problem.objective, problem.X.shape[0]
    rows, rows_end = _rows(v.weights[0], v.biases[0]), _rows(w.weights[0], w.biases[0])
    theta, theta_end = _rows(v.weights[1], None), _rows(w.weights[1], None)
    c, c_end = _balls(v.biases[1]), _balls(w.biases[1])
    moving = sorted(_fed(v, w, 0) & _alive(v, w)[0])
    points = []
    for time in times:
        t = arb(time)
        u = [_mix_lists(a, b, t) if a is not b else a for a, b in zip(U, V)]
        th = [_mix_lists(a, b, t) for a, b in zip(theta, theta_end)]
        ct = None if c is None or c_end is None else _mix_lists(c, c_end, t)
        S = _relu(u)
        wt = [_mix_lists(a, b, t) for a, b in zip(rows, rows_end)]
        points.append((u, S, th, _predictions(S, th, ct, N), _interior_penalty(o, wt, th, ct), wt))
    bounds = [_piece(problem, p, q, moving) for p, q in itertools.pairwise(points)]
    return _largest(bounds)


def _piece(problem: Problem, p: tuple, q: tuple, moving: list[int]) -> arb:
    o, N, K = problem.objective, problem.X.shape[0], len(p[2])
    low, high = [[ZERO] * K for _ in range(N)], [[ZERO] * K for _ in range(N)]
    for i in moving:
        for k in range(K):
            a, b = p[2][k][i], q[2][k][i]
            D, plus, minus = b - a, _positive(a.max(b)), _positive((-a).max(-b))
            for j in range(N):
                product, kink = D * (q[1][i][j] - p[1][i][j]) / 4, _kink(p[0][i][j], q[0][i][j])
                low[j][k] += _positive(product) + plus * kink
                high[j][k] += _positive(-product) + minus * kink
    excess = ZERO
    if o.penalty not in ("none", "l1"):
        for i in range(len(p[5])):
            Da = _price(o, q[5][i]) - _price(o, p[5][i])
            Db = _head_size(o, [row[i] for row in q[2]]) - _head_size(o, [row[i] for row in p[2]])
            excess += _positive(-Da * Db) / 4
    ends = []
    for e in (p, q):
        corner = [_worst(o, e[3][j], low[j], high[j], y) for j, y in enumerate(_targets(problem))]
        ends.append(_mean(corner) + arb(o.kappa) * (e[4] + excess))
    return _largest(ends)


def _worst(o: Objective, f: list[arb], low: list[arb], high: list[arb], y: object) -> arb:
    """Largest loss over the box [f - low, f + high]: at a corner, by convexity."""
    if o.loss == "cross_entropy":
        return _loss(o, [a - d if k == y else a + h for k, (a, d, h) in enumerate(zip(f, low, high))], y)
    assert isinstance(y, list)  # guaranteed by `validate`; only for the type checker
    total = ZERO
    for a, d, h, t in zip(f, low, high, y):
        total += _loss(o, [a - d], [t]).max(_loss(o, [a + h], [t]))
    return total


def _check_path(problem: Problem, claim: PathUpperBound) -> dict[str, float]:
    X = _matrix(problem.X)
    corners = [problem.A]
    kinds = []
    for move in claim.moves:
        corners.append(apply_writes(corners[-1], move))
        kinds.append(_kind(corners[-2], corners[-1], move))
    require(same_parameters(corners[-1], problem.B), "the path does not end in B")
    active = [k for k, kind in enumerate(kinds) if kind != "constant"]
    FA, FB = _endpoint(problem, problem.A), _endpoint(problem, problem.B)
    bounds = []
    U = _hidden(X, problem.A)
    for k, (move, kind) in enumerate(zip(claim.moves, kinds)):
        v, w = corners[k], corners[k + 1]
        V = _update(X, v, w, U)
        if kind == "chord":
            bounds.append(_chord(problem, v, w, U, V, breakpoints_of(move)))
        if kind == "rescale":
            bounds.append(_rescale(problem, v, w))
        if kind != "constant" and k != active[-1]:
            bounds.append(_value(problem, w, _relu(V)))
        U = V
    top = _largest([FA, FB, *bounds])
    E, least = FA.max(FB), FA.min(FB)
    _certain(top <= arb(claim.sup), "sup F on the path is not certainly below the claim")
    gap = ZERO if not bounds else _largest(bounds) - E
    _certain(_positive(gap) <= arb(claim.gap) or (gap <= 0 and arb(claim.gap) >= 0), "the gap over E is not certain")
    over = top - least
    _certain(over <= arb(claim.gap_over_lower), "the gap over the lower endpoint is not certain")
    computed = {"sup": float(top.upper()), "gap": max(0.0, float(gap.upper())), "gap_over_lower": float(over.upper())}
    if claim.level is not None:
        require(claim.gap_over_level is not None and claim.gap_over_level >= 0.0, "a level needs a claimed gap over it")
        _certain(top - arb(claim.level) <= arb(claim.gap_over_level), "the gap over the level is not certain")
    return computed


def _update(X: arb_mat, v: Parameters, w: Parameters, U: list[Column]) -> list[Column]:
    """Pre-activations at w; columns of unchanged neurons are shared with v's."""
    if len(v.weights) > 2:
        return _hidden(X, w) if any(_fed(v, w, l) for l in range(len(v.weights) - 1)) else U
    index = sorted(_fed(v, w, 0))
    if not index:
        return U
    b = w.biases[0]
    fresh = _preactivations(X, w.weights[0][index], None if b is None else b[index])
    V = list(U)
    for i, column in zip(index, fresh):
        V[i] = column
    return V


# --- head programs -------------------------------------------------------------------------------------------------


def _conjugate(o: Objective, nu: Sequence[float | Fraction], y: object) -> arb:
    """loss_j^*(nu_j); the domain is checked in exact rationals."""
    if o.loss == "cross_entropy":
        p = [Fraction(v) + (k == y) for k, v in enumerate(nu)]
        require(sum(p) == 1 and all(q >= 0 for q in p), "a dual row of cross-entropy leaves the simplex")
        return sum((_plogp(q) for q in p), ZERO)
    assert isinstance(y, list)  # guaranteed by `validate`; only for the type checker
    total = ZERO
    for v, t in zip(nu, y):
        q, target = Fraction(v), Fraction(t)
        if o.loss in ("logistic", "hinge"):
            a = -q * target
            require(0 <= a <= 1, f"a dual of {o.loss} leaves [0, 1]")
            total += -_rational(a) if o.loss == "hinge" else _plogp(a) + _plogp(1 - a)
        elif o.loss == "squared":
            total += _rational(q * q / 4 + q * target)
        elif o.loss == "huber":
            require(o.delta is not None and abs(q) <= Fraction(o.delta), "a dual of Huber's loss exceeds delta")
            total += _rational(q * q / 2 + q * target)
        else:
            require(o.loss == "absolute" and abs(q) <= 1, "a dual of the absolute loss exceeds 1")
            total += _rational(q * target)
    return total


def _rational(q: Fraction) -> arb:
    return arb(fmpq(q.numerator, q.denominator))


def _plogp(q: Fraction) -> arb:
    return ZERO if q == 0 else _rational(q) * _rational(q).log()


def _check_head(problem: Problem, claim: HeadOptimum) -> dict[str, float]:
    validate_head(claim, problem)
    o, (N, _) = problem.objective, problem.X.shape
    Z = _relu(_preactivations(_matrix(problem.X), claim.rows, claim.row_bias))
    rows, theta, c = _rows(claim.rows, claim.row_bias), _rows(claim.head, None), _balls(claim.head_bias)
    f = _predictions(Z, theta, c, N)
    primal = _mean([_loss(o, row, y) for row, y in zip(f, _targets(problem))]) + arb(o.kappa) * _interior_penalty(
        o, rows, theta, c
    )
    G = arb_mat(Z) * _matrix(claim.dual)
    violation = ZERO
    kappa = arb(o.kappa)
    certain = True
    for i, row in enumerate(G.tolist()):
        sizes = [_norm(row)] if o.penalty == "weight_decay" else [abs(g) for g in row]
        room = kappa * _price(o, rows[i]) if o.penalty != "none" else ZERO
        for size in sizes:
            over = size / N - room
            if not bool(over <= 0):
                # Entries at most H leave |h_i|_2 at most H sqrt(K).
                cost = arb(len(row)).sqrt() if o.penalty == "weight_decay" else ONE
                certain, violation = False, violation + cost * _positive(over)
    if c is not None:
        for column in claim.dual.T.tolist():
            s = abs(sum(map(Fraction, column), Fraction(0))) / N - (Fraction(o.kappa) if o.penalise_output_bias else 0)
            if s > 0:
                certain, violation = False, violation + _rational(s)
    below = -_mean([_conjugate(o, row, y) for row, y in zip(claim.dual.tolist(), _targets(problem))])
    if claim.head_limit is None:
        require(certain, "the dual does not certainly meet its constraints and no head_limit is claimed")
    else:
        below -= arb(claim.head_limit) * violation
    below = below.max(ZERO)
    _certain(arb(claim.lower) <= below, "the lower end is not certain")
    _certain(primal <= arb(claim.upper), "the upper end is not certain")
    return {"lower": float(below.lower()), "upper": float(primal.upper())}

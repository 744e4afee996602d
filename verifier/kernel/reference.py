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
    require_relu,
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
        if isinstance(claim, PathUpperBound):
            return _check_path(problem, claim)
        require_relu(problem)
        if isinstance(claim, (BarrierLowerBound, RegionMinimum, JacobianRank)):
            from verifier.kernel.reference_landscape import check_landscape  # it builds on this module

            return check_landscape(problem, claim)
        require(isinstance(claim, ClaimViolation), "unknown claim")
        from verifier.kernel.reference_violations import check_violations  # so does it

        return check_violations(problem, claim)


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


def _relu(columns: list[Column], slope: float) -> list[Column]:
    """max(u, slope u) entrywise."""
    if slope == 0.0:
        return [[u.max(ZERO) for u in column] for column in columns]
    a = arb(slope)
    return [[u.max(a * u) for u in column] for column in columns]


def _fed_to(X: arb_mat, p: Parameters, l: int, slope: float) -> arb_mat:
    """What layer l (0-based) reads."""
    H = X
    for W, b in zip(p.weights[:l], p.biases[:l]):
        H = arb_mat(_relu(_preactivations(H, W, b), slope)).transpose()
    return H


def _hidden(X: arb_mat, p: Parameters, slope: float) -> list[Column]:
    """Pre-activations of the last hidden layer."""
    return _preactivations(_fed_to(X, p, len(p.weights) - 2, slope), p.weights[-2], p.biases[-2])


def _without_dead(v: Parameters, w: Parameters) -> tuple[Parameters, Parameters]:
    """Both without the hidden neurons from which neither reaches an output, but for one in a layer where there would be none."""
    keep = [sorted(s) or [0] for s in _alive(v, w)]
    parts = []
    for p in (v, w):
        weights, biases = [], []
        for l, (W, b) in enumerate(zip(p.weights, p.biases)):
            rows = W[keep[l]]
            weights.append(rows if l == 0 else rows[:, keep[l - 1]])
            biases.append(None if b is None else b[keep[l]])
        parts.append(Parameters(tuple(weights), tuple(biases)))
    return parts[0], parts[1]


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
    p = _without_dead(p, p)[0] if len(p.weights) > 2 else p
    S = _relu(_hidden(_matrix(problem.X), p, problem.negative_slope), problem.negative_slope)
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
    """constant, head, rescale or chord (theory.md section 2); `layer` moves are chords here."""
    changed = [_fed(v, w, l) for l in range(len(v.weights))]
    if move.transfer is not None and _handed_over(v, w, move, changed):
        return "constant"
    L = len(v.weights)
    felt = [l for l, (c, a) in enumerate(zip(changed, _alive(v, w))) if c & a]
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
    S = _relu(_columns(arb_mat(inputs) * arb_mat(rows).transpose()), problem.negative_slope)
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


def _kink(u: arb, v: arb, slope: float) -> arb:
    """Ball whose upper end bounds the largest distance of the activation from its chord between pre-activations u and v."""
    if (bool(u >= 0) and bool(v >= 0)) or (bool(u <= 0) and bool(v <= 0)):
        return ZERO
    a, b = abs(u), abs(v)
    s = a + b
    # |u||v| / (|u| + |v|) <= min(|u|, |v|); the latter where the sum may vanish
    return (ONE - arb(slope)) * (a * b / s if bool(s > 0) else a.max(b))


def _chord(
    problem: Problem, v: Parameters, w: Parameters, first: int, U: list[Column], V: list[Column], times: list[float]
) -> arb:
    """Ball whose upper end bounds F on the segment, by the chord lemma on every piece.

    U and V: pre-activations at v and w of layer `first` (0-based), the first that changes.
    """
    o, N, slope = problem.objective, problem.X.shape[0], problem.negative_slope
    ends = [[_rows(W, None) for W in p.weights] for p in (v, w)]
    shifts = [[_balls(b) for b in p.biases] for p in (v, w)]
    rows, rows_end = _rows(v.weights[-2], v.biases[-2]), _rows(w.weights[-2], w.biases[-2])
    points = []
    for time in times:
        t = arb(time)
        Ws = [[_mix_lists(a, b, t) for a, b in zip(*pair)] for pair in zip(*ends)]
        bs = [None if a is None or b is None else _mix_lists(a, b, t) for a, b in zip(*shifts)]
        us = [[_mix_lists(a, b, t) if a is not b else a for a, b in zip(U, V)]]
        for l in range(first + 1, len(Ws) - 1):
            shift = bs[l]
            columns = _columns(arb_mat(_relu(us[-1], slope)).transpose() * arb_mat(Ws[l]).transpose())
            us.append(columns if shift is None else [[u + s for u in c] for c, s in zip(columns, shift)])
        f = _predictions(_relu(us[-1], slope), Ws[-1], bs[-1], N)
        wt = [_mix_lists(a, b, t) for a, b in zip(rows, rows_end)]
        points.append((us, Ws[first + 1 :], f, _interior_penalty(o, wt, Ws[-1], bs[-1]), wt))
    moving = sorted(_fed(v, w, first) & _alive(v, w)[first])
    return _largest([_piece(problem, p, q, moving) for p, q in itertools.pairwise(points)])


Block = list[list[arb]]


def _piece(problem: Problem, p: tuple, q: tuple, moving: list[int]) -> arb:
    """The lemma between two points. Deviations are kept neuron by neuron: [low, high] bounds with low <= 0 <= high as magnitudes."""
    o, N, slope = problem.objective, problem.X.shape[0], problem.negative_slope
    low: Block = [[ZERO] * N for _ in moving]
    high: Block = [[ZERO] * N for _ in moving]
    for k, (u, v, W, Z) in enumerate(zip(p[0], q[0], p[1], q[1])):
        if k == 0:
            u, v = [u[i] for i in moving], [v[i] for i in moving]
            W, Z = [[row[i] for i in moving] for row in W], [[row[i] for i in moving] for row in Z]
        low, high = _after_activation(low, high, u, v, slope)
        low, high = _after_layer(low, high, _relu(u, slope), _relu(v, slope), W, Z, N)
    excess = ZERO
    if o.penalty not in ("none", "l1"):
        theta, theta_end = p[1][-1], q[1][-1]
        for i in range(len(p[4])):
            Da = _price(o, q[4][i]) - _price(o, p[4][i])
            Db = _head_size(o, [row[i] for row in theta_end]) - _head_size(o, [row[i] for row in theta])
            excess += _positive(-Da * Db) / 4
    below, above = zip(*low), zip(*high)
    bounds = list(zip(below, above))
    ends = []
    for e in (p, q):
        corner = [_worst(o, e[2][j], *bounds[j], y) for j, y in enumerate(_targets(problem))]
        ends.append(_mean(corner) + arb(o.kappa) * (e[3] + excess))
    return _largest(ends)


def _after_activation(low: Block, high: Block, u: Block, v: Block, slope: float) -> tuple[Block, Block]:
    """Deviations of sigma(u(s)) from those of u(s), one column per neuron."""
    a = arb(slope)
    new_low, new_high = [], []
    for m, M, x, y in zip(low, high, u, v):
        factors = [a if bool(e + d <= 0) and bool(g + d <= 0) else ONE for d, e, g in zip(M, x, y)]
        new_low.append([c * d + _kink(e, g, slope) for c, d, e, g in zip(factors, m, x, y)])
        new_high.append([c * d for c, d in zip(factors, M)])
    return new_low, new_high


def _after_layer(low: Block, high: Block, h: Block, g: Block, W: Block, Z: Block, samples: int) -> tuple[Block, Block]:
    """Deviations of W(s) h(s) from those of h(s), whose ends are h and g; W and Z are the ends of the weights."""
    if not h:
        return [[ZERO] * samples for _ in W], [[ZERO] * samples for _ in W]
    plus = arb_mat([[_positive(a.max(b)) for a, b in zip(x, y)] for x, y in zip(W, Z)])
    minus = arb_mat([[_positive((-a).max(-b)) for a, b in zip(x, y)] for x, y in zip(W, Z)])
    change = arb_mat([[b - a for a, b in zip(x, y)] for x, y in zip(W, Z)])
    moved = arb_mat([[b - a for a, b in zip(x, y)] for x, y in zip(h, g)])
    m, M, both = arb_mat(low), arb_mat(high), (change * moved).tolist()
    below, above = (plus * m + minus * M).tolist(), (plus * M + minus * m).tolist()
    return (
        [[x + _positive(y) / 4 for x, y in zip(r, s)] for r, s in zip(below, both)],
        [[x + _positive(-y) / 4 for x, y in zip(r, s)] for r, s in zip(above, both)],
    )


def _worst(o: Objective, f: list[arb], low: Sequence[arb], high: Sequence[arb], y: object) -> arb:
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
    slope, shallow = problem.negative_slope, len(problem.A.weights) == 2
    U = _hidden(X, problem.A, slope) if shallow else []
    for k, (move, kind) in enumerate(zip(claim.moves, kinds)):
        v, w = corners[k], corners[k + 1]
        if shallow:
            V = _update(X, v, w, U)
            if kind == "chord":
                bounds.append(_chord(problem, v, w, 0, U, V, breakpoints_of(move)))
            if kind == "rescale":
                bounds.append(_rescale(problem, v, w))
            if kind != "constant" and k != active[-1]:
                bounds.append(_value(problem, w, _relu(V, slope)))
            U = V
            continue
        if kind == "chord":
            p, q = _without_dead(v, w)
            first = next(l for l in range(len(p.weights) - 1) if _fed(p, q, l))
            H = _fed_to(X, p, first, slope)
            start, end = (_preactivations(H, n.weights[first], n.biases[first]) for n in (p, q))
            bounds.append(_chord(problem, p, q, first, start, end, breakpoints_of(move)))
        if kind != "constant" and k != active[-1]:
            p = _without_dead(w, w)[0]
            bounds.append(_value(problem, p, _relu(_hidden(X, p, slope), slope)))
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
    """Pre-activations of a network with one hidden layer at w; columns of unchanged neurons are shared with v's."""
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
    Z = _relu(_preactivations(_matrix(problem.X), claim.rows, claim.row_bias), problem.negative_slope)
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

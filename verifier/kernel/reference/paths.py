"""The second evaluation of `path_upper_bound`: the chord lemma piece by piece in Arb balls (docs/mathematics.md, section 2)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import partial

from flint import arb, arb_mat

from verifier.kernel.reference.blocks import means
from verifier.kernel.reference.forward import (
    alive_neurons,
    changed_neurons,
    last_hidden,
    layer_input,
    preactivations,
    predictions,
    relu_columns,
    without_dead,
)
from verifier.kernel.reference.maps import Reader, readers_of
from verifier.kernel.reference.moves import require_kind, rescale_bound
from verifier.kernel.reference.numbers import (
    ONE,
    ZERO,
    Column,
    ball_columns,
    ball_list,
    ball_rows,
    largest,
    positive,
    require_at_most,
    rounded_up,
)
from verifier.kernel.reference.objective import (
    endpoint_value,
    head_size,
    inputs,
    interior_penalty,
    network_value,
    row_price,
    sample_loss,
    sample_targets,
    vertex_value,
    weighted_mean,
)
from verifier.kernel.statements import (
    Move,
    Objective,
    Parameters,
    PathUpperBound,
    Problem,
    apply_writes,
    breakpoints_of,
    permuted,
    require,
    same_parameters,
)

Block = list[list[arb]]


def check_path(problem: Problem, claim: PathUpperBound) -> dict[str, float]:
    o, corner = problem.objective, problem.A
    for move in claim.moves:
        before, corner = corner, apply_writes(corner, move)
        require_kind(before, corner, move)
    require(same_parameters(corner, permuted(problem.B, claim.permutation)), "the path does not end in B")
    # Along idle and transfer moves the outputs are constant, and so is every penalty but weight decay as it is, which is convex.
    literal_decay = o.penalty == "weight_decay" and claim.form == "literal"
    constant = [move.kind in ("idle", "transfer") and not literal_decay for move in claim.moves]
    FA, FB = endpoint_value(problem, problem.A), endpoint_value(problem, problem.B)
    bounds = [largest(group) for group in means(problem, partial(_walk, claim=claim, constant=constant))]
    top = largest([FA, FB, *bounds])
    E, least = FA.max(FB), FA.min(FB)
    require_at_most(top, arb(claim.sup), "sup F on the path is not certainly below the claim")
    over = [b - E for b in bounds]
    for b in bounds:
        # E + gap may be inexact where E is not: the difference decides, and equality of exact numbers with it.
        require_at_most(b - E, arb(claim.gap), "the gap over E is not certain")
    require_at_most(top - least, arb(claim.gap_over_lower), "the gap over the lower endpoint is not certain")
    if claim.level is not None and claim.gap_over_level is not None:
        require_at_most(top - arb(claim.level), arb(claim.gap_over_level), "the gap over the level is not certain")
    gap = max([0.0, *(rounded_up(x) for x in over)])
    return {"sup": rounded_up(top), "gap": gap, "gap_over_lower": rounded_up(top - least)}


def _walk(problem: Problem, claim: PathUpperBound, constant: list[bool]) -> list[list[arb]]:
    """On one block: per chord, rescaling and inner vertex the numbers of which F is at most the largest, each convex or affine in the losses."""
    X, w = inputs(problem), problem.A
    active = [k for k, still in enumerate(constant) if not still]
    bounds: list[list[arb]] = []
    slope, shallow = problem.negative_slope, problem.shallow
    readers = readers_of(problem.geometry, len(problem.A.weights))
    U = last_hidden(X, problem.A, slope) if shallow else []
    for k, move in enumerate(claim.moves):
        v, w = w, apply_writes(w, move)
        inner = not constant[k] and k != active[-1]
        if shallow:
            V = _update(X, v, w, U)
            if move.kind == "chord":
                bounds.append(_chord(problem, v, w, 0, U, V, move, claim.form))
            if move.kind == "rescale":
                bounds.append([rescale_bound(problem, v, w, move, claim.form)])
            if inner:
                theta, c = ball_rows(w.weights[-1], None), ball_list(w.biases[-1])
                f = predictions(relu_columns(V, slope), theta, c, problem.X.shape[0])
                bounds.append([vertex_value(problem, w, f, claim.form)])
            U = V
            continue
        if move.kind == "chord":
            p, q = without_dead(v, w)
            first = next((l for l in range(len(p.weights) - 1) if changed_neurons(p, q, l)), len(p.weights) - 2)
            H = layer_input(X, p, first, slope, readers)
            start, end = (preactivations(H, n.weights[first], n.biases[first]) for n in (p, q))
            bounds.append(_chord(problem, p, q, first, start, end, move, claim.form))
        if inner:
            bounds.append([network_value(problem, X, w, claim.form)])
    return bounds


def _update(X: arb_mat, v: Parameters, w: Parameters, U: list[Column]) -> list[Column]:
    """Pre-activations of a network with one hidden layer at w; columns of unchanged neurons are shared with v's."""
    index = sorted(changed_neurons(v, w, 0))
    if not index:
        return U
    b = w.biases[0]
    fresh = preactivations(X, w.weights[0][index], None if b is None else b[index])
    V = list(U)
    for i, column in zip(index, fresh):
        V[i] = column
    return V


def _mix(x: arb, y: arb, t: arb) -> arb:
    return x if t.is_zero() else y if t == 1 else x + t * (y - x)


def _mix_lists(x: list[arb], y: list[arb], t: arb) -> list[arb]:
    return [_mix(a, b, t) for a, b in zip(x, y)]


def _between(U: Block, V: Block, t: arb) -> Block:
    """U + t (V - U) column by column; columns that are one and the same object stay."""
    if t.is_zero() or t == 1:
        return U if t.is_zero() else V
    changed = [i for i, (a, b) in enumerate(zip(U, V)) if a is not b]
    mixed = list(U)
    if changed:
        start, end = (arb_mat([columns[i] for i in changed]) for columns in (U, V))
        for i, column in zip(changed, (start + (end - start) * t).tolist()):
            mixed[i] = column
    return mixed


def _kink(u: arb, v: arb, slope: float) -> arb:
    """Ball whose upper end bounds the largest distance of the activation from its chord between pre-activations u and v."""
    if (bool(u >= 0) and bool(v >= 0)) or (bool(u <= 0) and bool(v <= 0)):
        return ZERO
    a, b = abs(u), abs(v)
    s = a + b
    # |u||v| / (|u| + |v|) <= min(|u|, |v|); the latter where the sum may vanish
    return (ONE - arb(slope)) * (a * b / s if bool(s > 0) else a.max(b))


def _chord(
    problem: Problem, v: Parameters, w: Parameters, first: int, U: list[Column], V: list[Column], move: Move, form: str
) -> list[arb]:
    """Balls of which the largest upper end bounds F on the segment, by the chord lemma: the ends of every piece.

    U and V: pre-activations at v and w of layer `first` (0-based), the first that changes.
    """
    o, N, slope = problem.objective, problem.X.shape[0], problem.negative_slope
    readers = readers_of(problem.geometry, len(v.weights))
    ends = [[ball_rows(W, None) for W in p.weights] for p in (v, w)]
    shifts = [[ball_list(b) for b in p.biases] for p in (v, w)]
    rows, rows_end = ball_rows(v.weights[-2], v.biases[-2]), ball_rows(w.weights[-2], w.biases[-2])
    points = []
    for time in breakpoints_of(move):
        t = arb(time)
        Ws = [[_mix_lists(a, b, t) for a, b in zip(*pair)] for pair in zip(*ends)]
        bs = [None if a is None or b is None else _mix_lists(a, b, t) for a, b in zip(*shifts)]
        us = [_between(U, V, t)]
        hs = [relu_columns(us[0], slope)]
        for l in range(first + 1, len(Ws) - 1):
            shift = bs[l]
            columns = ball_columns(arb_mat(readers[l].columns(hs[-1])).transpose() * arb_mat(Ws[l]).transpose())
            us.append(columns if shift is None else [[u + s for u in c] for c, s in zip(columns, shift)])
            hs.append(relu_columns(us[-1], slope))
        f = predictions(readers[-1].columns(hs[-1]), Ws[-1], bs[-1], N)
        wt = [_mix_lists(a, b, t) for a, b in zip(rows, rows_end)]
        points.append((us, Ws[first + 1 :], f, interior_penalty(o, wt, Ws[-1], bs[-1], form), wt, hs))
    moving = sorted(changed_neurons(v, w, first) & alive_neurons(v, w)[first])
    above = readers[first + 1 :]
    return [end for p, q in itertools.pairwise(points) for end in _piece(problem, above, p, q, moving, form)]


def _piece(
    problem: Problem, readers: tuple[Reader, ...], p: tuple, q: tuple, moving: list[int], form: str
) -> list[arb]:
    """The lemma between two points. Deviations are kept neuron by neuron: [low, high] bounds with low <= 0 <= high as magnitudes; None for 0."""
    o, N, slope = problem.objective, problem.X.shape[0], problem.negative_slope
    deviation: tuple[Block, Block] | None = None
    for k, (u, v, W, Z, h, g) in enumerate(zip(p[0], q[0], p[1], q[1], p[5], q[5])):
        if k == 0:
            u, v, h, g = ([column[i] for i in moving] for column in (u, v, h, g))
            r = readers[0].r
            W, Z = ([[row[i * r + c] for i in moving for c in range(r)] for row in M] for M in (W, Z))
        low, high = _after_activation(deviation, u, v, slope)
        low, high, h, g = readers[k].along(low, high, h, g)
        deviation = _after_layer(low, high, h, g, W, Z, N * readers[k].positions)
    assert deviation is not None  # there is an output layer; only for the type checker
    excess = ZERO
    if o.penalty == "path" or (o.penalty == "weight_decay" and form == "balanced"):
        # A product of two norms may rise above its chord; the other penalties are convex.
        theta, theta_end = p[1][-1], q[1][-1]
        for i in range(len(p[4])):
            Da = row_price(o, q[4][i]) - row_price(o, p[4][i])
            Db = head_size(o, [row[i] for row in theta_end]) - head_size(o, [row[i] for row in theta])
            excess += positive(-Da * Db) / 4
    below, above = (zip(*side) for side in deviation)
    bounds = list(zip(below, above))
    ends = []
    for e in (p, q):
        corner = [_worst(o, e[2][j], *bounds[j], y) for j, y in enumerate(sample_targets(problem))]
        ends.append(weighted_mean(problem, corner) + arb(o.kappa) * (e[3] + excess))
    return ends


def _after_activation(
    deviation: tuple[Block, Block] | None, u: Block, v: Block, slope: float
) -> tuple[Block, Block | None]:
    """Deviations of sigma(u(s)) from those of u(s), one column per neuron."""
    if deviation is None:
        return [[_kink(e, g, slope) for e, g in zip(x, y)] for x, y in zip(u, v)], None
    a = arb(slope)
    new_low, new_high = [], []
    for m, M, x, y in zip(*deviation, u, v):
        factors = [a if bool(e + d <= 0) and bool(g + d <= 0) else ONE for d, e, g in zip(M, x, y)]
        new_low.append([c * d + _kink(e, g, slope) for c, d, e, g in zip(factors, m, x, y)])
        new_high.append([c * d for c, d in zip(factors, M)])
    return new_low, new_high


def _after_layer(
    low: Block, high: Block | None, h: Block, g: Block, W: Block, Z: Block, samples: int
) -> tuple[Block, Block]:
    """Deviations of W(s) h(s) from those of h(s), whose ends are h and g; W and Z are the ends of the weights."""
    if not h:
        return [[ZERO] * samples for _ in W], [[ZERO] * samples for _ in W]
    plus = arb_mat([[positive(a.max(b)) for a, b in zip(x, y)] for x, y in zip(W, Z)])
    minus = arb_mat([[positive((-a).max(-b)) for a, b in zip(x, y)] for x, y in zip(W, Z)])
    change = arb_mat([[b - a for a, b in zip(x, y)] for x, y in zip(W, Z)])
    moved = arb_mat([[b - a for a, b in zip(x, y)] for x, y in zip(h, g)])
    m, both = arb_mat(low), (change * moved).tolist()
    below, above = plus * m, minus * m
    if high is not None:
        M = arb_mat(high)
        below, above = below + minus * M, above + plus * M
    return (
        [[x + positive(y) / 4 for x, y in zip(r, s)] for r, s in zip(below.tolist(), both)],
        [[x + positive(-y) / 4 for x, y in zip(r, s)] for r, s in zip(above.tolist(), both)],
    )


def _worst(o: Objective, f: list[arb], low: Sequence[arb], high: Sequence[arb], y: object) -> arb:
    """Largest loss over the box [f - low, f + high]: at a corner, by convexity."""
    if o.loss == "cross_entropy":
        return sample_loss(o, [a - d if k == y else a + h for k, (a, d, h) in enumerate(zip(f, low, high))], y)
    assert isinstance(y, list)  # guaranteed by `validate`; only for the type checker
    total = ZERO
    for a, d, h, t in zip(f, low, high, y):
        total += sample_loss(o, [a - d], [t]).max(sample_loss(o, [a + h], [t]))
    return total

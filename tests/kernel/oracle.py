"""Is a claim false? An oracle that shares no evaluation with `verifier.kernel`: float64 looks for a counterexample, Arb at 400 bits proves it.

`falsehood(problem, claim)` returns a sentence only when the claim is certainly false (or says nothing meaningful), else None.
Paths are searched densely: a grid of each segment, every kink of every pre-activation, both sides of it, and a refinement around
the largest values. Head programs are searched for a better head by minimising over the heads. None means "no counterexample found".
"""

from __future__ import annotations

import functools
import itertools
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
from flint import arb, ctx, fmpq
from scipy.optimize import minimize

from verifier.kernel.papers.statement import ClaimViolation
from verifier.kernel.statements import (
    BarrierLowerBound,
    ConeBarrier,
    EveryWidthLowerBound,
    JacobianRank,
    Landscape,
    RegionMinimum,
    RegionOptimum,
    SignCountBarrier,
)

from . import maps_oracle
from .landscape_oracle import (
    false_barrier,
    false_landscape,
    false_rank,
    false_region,
    false_region_optimum,
    false_violation,
)

BITS = 400
GRID = np.linspace(0.0, 1.0, 65)
ONE_HIDDEN = ("path", "weight_decay")


class Meaningless(Exception):
    """The problem or claim is not well formed, so that accepting it is wrong whatever it says."""


def _need(condition: Any, why: str) -> None:
    if not condition:
        raise Meaningless(why)


def _ball(q: Fraction | float) -> arb:
    q = Fraction(q)
    return arb(fmpq(q.numerator, q.denominator))


# --- well-formedness, written from docs/certificate-v2.md ----------------------------------------------------------------


def _well_formed(p: Any) -> None:
    o, y = p.objective, p.targets
    _need(o.loss in ("logistic", "hinge", "cross_entropy", "squared", "absolute", "huber"), "loss")
    _need(o.penalty in ("none", "l1", "path", "weight_decay"), "penalty")
    _need((o.kappa > 0) if o.penalty != "none" else (o.kappa == 0), "kappa")
    _need((o.delta is None) if o.loss != "huber" else (o.delta is not None and o.delta > 0), "delta")
    _need(not o.penalise_output_bias or o.penalty in ("l1", "path"), "penalise_output_bias")
    N, width = p.X.shape
    if p.geometry is not None:
        _need(min(p.geometry.shape) > 0 and maps_oracle.fits(p.geometry), "no geometry")
        _need(len(p.geometry.readings) == len(p.A.weights), "a reading too few or too many")
    for net in (p.A, p.B):
        inner = width
        for l, (W, b) in enumerate(zip(net.weights, net.biases)):
            if p.geometry is not None:
                inner = (inner if l else p.geometry.shape[0]) * int(np.prod(p.geometry.readings[l].window.kernel))
            _need(W.shape[1] == inner and W.shape[0] > 0, "shapes do not chain")
            inner = W.shape[0]
            _need(b is None or b.shape == (inner,), "bias shape")
        _need(len(net.weights) == len(net.biases) >= 2, "depth")
        _need(o.penalty not in ONE_HIDDEN or len(net.weights) == 2, "penalty of a deep network")
        _need(all(np.isfinite(a).all() for a in (*net.weights, *net.biases) if a is not None), "not finite")
    shapes = [[W.shape for W in n.weights] + [b is None for b in n.biases] for n in (p.A, p.B)]
    _need(shapes[0] == shapes[1], "architectures differ")
    _need(0.0 <= p.negative_slope < 1.0, "slope")
    w = p.weights
    _need(w is None or (w.shape == (N,) and np.isfinite(w).all() and (w >= 0).all() and (w > 0).any()), "weights")
    _need(N > 0 and np.isfinite(p.X).all() and np.isfinite(y).all(), "data")
    if o.loss == "cross_entropy":
        _need(y.dtype.kind == "i" and y.shape == (N,) and ((y >= 0) & (y < inner)).all() and inner > 1, "labels")
    else:
        _need(y.dtype.kind == "f" and y.shape == (N, inner), "targets")
        _need(o.loss not in ("logistic", "hinge") or (inner == 1 and set(y.ravel()) <= {-1.0, 1.0}), "signs")


# --- exact evaluation ----------------------------------------------------------------------------------------------------

Net = tuple[list[list[list[arb]]], list[list[arb] | None]]


def _net(weights: Any, biases: Any) -> Net:
    return (
        [[[arb(v) for v in row] for row in W.tolist()] for W in weights],
        [None if b is None else [arb(v) for v in b.tolist()] for b in biases],
    )


def _between(v: Any, w: Any, t: Fraction) -> Net:
    """The network at time t, from exact products."""
    s, u = _ball(1 - t), _ball(t)
    (V, a), (W, b) = _net(v.weights, v.biases), _net(w.weights, w.biases)
    weights = [[[s * x + u * y for x, y in zip(p, q)] for p, q in zip(P, R)] for P, R in zip(V, W)]
    return weights, [None if p is None or q is None else [s * x + u * y for x, y in zip(p, q)] for p, q in zip(a, b)]


def _dot(x: list[arb], y: list[arb]) -> arb:
    return sum((p * q for p, q in zip(x, y)), arb(0))


def _one_loss(o: Any, f: list[arb], y: Any) -> arb:
    if o.loss == "cross_entropy":
        top = arb(max(float(v.mid()) for v in f))
        return top + sum(((v - top).exp() for v in f), arb(0)).log() - f[int(y)]
    if o.loss == "logistic":
        z = arb(-float(y[0])) * f[0]
        return z + (1 + (-z).exp()).log() if float(z.mid()) > 0 else (1 + z.exp()).log()
    if o.loss == "hinge":
        return (1 - arb(float(y[0])) * f[0]).max(arb(0))
    out = arb(0)
    for v, t in zip(f, y.tolist()):
        r = abs(v - arb(t))
        if o.loss == "squared":
            out += r * r
        elif o.loss == "absolute":
            out += r
        else:
            d = arb(o.delta)
            out += (r * r - (r - d).max(arb(0)) ** 2) / 2  # the same function as the two branches
    return out


def _leaky(slope: float) -> Any:
    return lambda v: v.max(arb(slope) * v)


def _top(values: list[arb]) -> arb:
    return functools.reduce(lambda a, b: a.max(b), values)


def exact_F(p: Any, net: Net, *, literal: bool) -> arb:
    """F in Arb; `literal` takes weight decay as it is, otherwise it is read in balanced form."""
    o, (weights, biases) = p.objective, net
    total, shares = arb(0), [1.0] * len(p.X) if p.weights is None else p.weights.tolist()
    for share, x, y in zip(shares, p.X.tolist(), p.targets):
        h = [arb(v) for v in x]
        if p.geometry is not None:
            try:
                f = maps_oracle.outputs(h, weights, biases, p.geometry, _leaky(p.negative_slope), arb(0), _top)
            except (IndexError, TypeError, ValueError) as error:
                raise Meaningless("no geometry of this network") from error
            total += arb(share) * _one_loss(o, f, y)
            continue
        for l, (W, b) in enumerate(zip(weights, biases)):
            h = [_dot(row, h) if b is None else _dot(row, h) + b[i] for i, row in enumerate(W)]
            h = h if l == len(weights) - 1 else [v.max(arb(p.negative_slope) * v) for v in h]
        total += arb(share) * _one_loss(o, h, y)
    value, P = total / sum(map(arb, shares), arb(0)), arb(0)
    rows, head = weights[-2], list(zip(*weights[-1]))
    if biases[-2] is not None:
        rows = [[*row, b] for row, b in zip(rows, biases[-2])]
    if o.penalty == "l1":
        P += sum((abs(v) for column in head for v in column), arb(0))
    for row, column in zip(rows, head) if o.penalty != "l1" else ():
        squares = [_dot(row, row), _dot(list(column), list(column))]
        if o.penalty == "weight_decay":
            P += (squares[0] + squares[1]) / 2 if literal else (squares[0] * squares[1]).sqrt()
        elif o.penalty != "none":
            P += sum((abs(v) for v in column), arb(0)) * squares[0].sqrt()
    if o.penalise_output_bias and biases[-1] is not None:
        P += sum((abs(v) for v in biases[-1]), arb(0))
    return value + arb(o.kappa) * P


# --- float64 search ------------------------------------------------------------------------------------------------------


def _float_loss(o: Any, f: np.ndarray, y: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Mean loss; f (T, N, K)."""
    if o.loss == "cross_entropy":
        top = f.max(axis=2)
        each = top + np.log(np.exp(f - top[:, :, None]).sum(axis=2)) - f[:, np.arange(len(y)), y]
    elif o.loss == "logistic":
        each = np.logaddexp(0.0, -y[:, 0] * f[:, :, 0])
    elif o.loss == "hinge":
        each = np.maximum(0.0, 1.0 - y[:, 0] * f[:, :, 0])
    else:
        r = np.abs(f - y)
        d = o.delta if o.loss == "huber" else None
        r = r * r if o.loss == "squared" else r if d is None else (r * r - np.maximum(r - d, 0) ** 2) / 2
        each = r.sum(axis=2)
    return np.average(each, axis=1, weights=weights)


def _float_F(p: Any, v: Any, w: Any, times: np.ndarray, literal: bool) -> tuple[np.ndarray, list[np.ndarray]]:
    """(F at the times (T,), pre-activations per hidden layer)."""
    o, t = p.objective, times[:, None, None]
    if p.geometry is not None:
        return _float_F_of_maps(p, v, w, times), []
    h, pre = np.broadcast_to(p.X, (len(times), *p.X.shape)), []
    for l, (V, W, b, c) in enumerate(zip(v.weights, w.weights, v.biases, w.biases)):
        M = (1 - t) * V + t * W
        h = h @ M.transpose(0, 2, 1)
        bias = None if b is None or c is None else (1 - t[:, 0]) * b + t[:, 0] * c
        h = h if bias is None else h + bias[:, None, :]
        if l < len(v.weights) - 1:
            pre.append(h)
            h, rows, row_bias = np.maximum(h, p.negative_slope * h), M, bias
    F = _float_loss(o, h, p.targets, p.weights)
    if o.penalty != "none":
        full = rows if row_bias is None else np.concatenate([rows, row_bias[:, :, None]], axis=2)
        price = 1.0 if o.penalty == "l1" else np.linalg.norm(full, axis=2)
        P = (price * np.linalg.norm(M, ord=2 if o.penalty == "weight_decay" else 1, axis=1)).sum(axis=1)
        if o.penalty == "weight_decay" and literal:
            P = 0.5 * ((full**2).sum(axis=(1, 2)) + (M**2).sum(axis=(1, 2)))
        F = F + o.kappa * (P + (np.abs(bias).sum(axis=1) if o.penalise_output_bias and bias is not None else 0.0))
    return F, pre


def _float_F_of_maps(p: Any, v: Any, w: Any, times: np.ndarray) -> np.ndarray:
    o, out = p.objective, []
    for t in times:
        mix = lambda a, b, t=t: None if a is None else (1 - t) * a + t * b
        net = type(v)(tuple(map(mix, v.weights, w.weights)), tuple(map(mix, v.biases, w.biases)))
        F = _float_loss(
            o, maps_oracle.torch_outputs(p.X, net, p.geometry, p.negative_slope)[None], p.targets, p.weights
        )
        P = np.abs(net.weights[-1]).sum() if o.penalty == "l1" else 0.0
        P += np.abs(net.biases[-1]).sum() if o.penalise_output_bias and net.biases[-1] is not None else 0.0
        out.append(F[0] + o.kappa * P)
    return np.array(out)


def _times(p: Any, v: Any, w: Any, most: int, literal: bool) -> list[float]:
    """The most promising times of one segment."""
    _, pre = _float_F(p, v, w, GRID, literal)
    kinks = []
    for u in (
        pre
    ):  # a grid cell with a change of sign holds a kink; exact for the first layer, whose pre-activations are affine
        a, b = u[:-1], u[1:]
        cell, *_ = np.nonzero((a > 0) != (b > 0))
        x, y = a[(a > 0) != (b > 0)], b[(a > 0) != (b > 0)]
        kinks.append(GRID[cell] + np.clip(x / (x - y), 0, 1) / (len(GRID) - 1))
    kink = np.unique(np.concatenate(kinks)) if kinks else np.zeros(0)
    middle = np.unique(np.concatenate([[0.0], kink, [1.0]]))
    times = np.unique(np.clip(np.concatenate([GRID, kink, (middle[1:] + middle[:-1]) / 2]), 0, 1))
    for _ in range(3):
        F = np.nan_to_num(_float_F(p, v, w, times, literal)[0], nan=-np.inf)
        top = int(np.argmax(F))
        low, high = times[max(top - 1, 0)], times[min(top + 1, len(times) - 1)]
        times = np.unique(np.concatenate([times, np.linspace(low, high, 9)]))
    F = np.nan_to_num(_float_F(p, v, w, times, literal)[0], nan=-np.inf)
    return [float(x) for x in times[np.argsort(-F, kind="stable")[:most]]]


# --- claims --------------------------------------------------------------------------------------------------------------


def _vertices(p: Any, moves: Any) -> list[Any]:
    """The polyline's corners, with writes applied entry by entry."""
    corners = [p.A]
    for move in moves:
        weights, biases = (
            [w.copy() for w in corners[-1].weights],
            [b if b is None else b.copy() for b in corners[-1].biases],
        )
        for w in move.writes:
            _need(1 <= w.layer <= len(weights) and w.part in ("weight", "bias"), "a write without a place")
            array = (weights if w.part == "weight" else biases)[w.layer - 1]
            _need(array is not None and np.isfinite(w.value).all() and w.value.ndim == array.ndim, "a write of nothing")
            _need(w.axis == 0 or (w.axis == 1 and array.ndim == 2), "axis")
            index = list(range(array.shape[w.axis])) if w.index is None else w.index.tolist()
            _need(w.index is None or w.index.dtype.kind == "i", "indices are not integers")
            _need(len(set(index)) == len(index) and all(0 <= i < array.shape[w.axis] for i in index), "index")
            expected = [len(index) if a == w.axis else n for a, n in enumerate(array.shape)]
            _need(list(w.value.shape) == expected, "written shape")
            for k, i in enumerate(index):
                if w.axis == 0:
                    array[i] = w.value[k]
                else:
                    array[:, i] = w.value[:, k]
        corners.append(type(p.A)(tuple(weights), tuple(biases)))
    return corners


def _permuted(v: Any, permutation: Any) -> Any:
    """v with its hidden neurons in another order, by permutation matrices."""
    if permutation is None:
        return v
    _need(len(permutation) == len(v.weights) - 1, "permutation")
    weights, biases, before = [], [], np.eye(v.weights[0].shape[1])
    for l, (W, b) in enumerate(zip(v.weights, v.biases)):
        here = np.eye(len(W))
        if l < len(permutation):
            _need(sorted(permutation[l].tolist()) == list(range(len(W))), "permutation")
            here = here[permutation[l]]
        if l:
            before = np.kron(before, np.eye(W.shape[1] // len(before)))  # a channel's columns stay together
        weights.append(here @ W @ before.T)
        biases.append(None if b is None else here @ b)
        before = here
    return type(v)(tuple(weights), tuple(biases))


def _on_the_curve(p: Any, v: Any, w: Any, factors: Any, literal: bool) -> list[arb]:
    """F at the end of the curve of scalings and at the middle of the straight part behind it, exactly; along the curve the loss is constant and every
    penalty is convex, so that these and the vertices are all that matters."""
    _need(len(v.weights) == 2 and factors is not None and (factors > 0).all(), "factors")
    c = [Fraction(float(f)) for f in factors]
    rows, head = ([[Fraction(x) for x in row] for row in a.tolist()] for a in v.weights)
    bias = None if v.biases[0] is None else [Fraction(x) for x in v.biases[0].tolist()]
    true = [
        [[f * x for x in row] for f, row in zip(c, rows)],
        None if bias is None else [f * x for f, x in zip(c, bias)],
        [[x / f for f, x in zip(c, row)] for row in head],
    ]
    out = []
    for t in (Fraction(0), Fraction(1, 2)):
        mix = lambda a, b, t=t: (1 - t) * a + t * Fraction(float(b))
        W = [[_ball(mix(a, b)) for a, b in zip(r, s)] for r, s in zip(true[0], w.weights[0])]
        b = None if true[1] is None else [_ball(mix(a, z)) for a, z in zip(true[1], w.biases[0])]
        theta = [[_ball(mix(a, z)) for a, z in zip(r, s)] for r, s in zip(true[2], w.weights[1])]
        last = None if w.biases[1] is None else [arb(float(x)) for x in w.biases[1]]
        out.append(exact_F(p, ([W, theta], [b, last]), literal=literal))
    return out


def _false_path(p: Any, claim: Any, most: int) -> str | None:
    literal = claim.form == "literal"
    _need(claim.form in ("literal", "balanced") and (literal or p.objective.penalty == "weight_decay"), "form")
    _need(all(m.kind in ("idle", "transfer", "head", "chord", "rescale") for m in claim.moves), "kind")
    _need((claim.level is None) == (claim.gap_over_level is None), "level")
    corners = _vertices(p, claim.moves)
    end = _permuted(p.B, claim.permutation)
    for x, y in zip((*corners[-1].weights, *corners[-1].biases), (*end.weights, *end.biases)):
        if x is not None and not (x == y).all():
            return "the path does not end in B"
    if claim.output_layer.endswith(" above frozen layers"):
        _need(len(p.A.weights) > 2, "no hidden layer below the last one")
        for v in corners:
            for k in range(len(p.A.weights) - 2):
                same = np.array_equal(v.weights[k], p.A.weights[k])
                if not (same and (v.biases[k] is None or np.array_equal(v.biases[k], p.A.biases[k]))):
                    return "the path moves a layer below the last hidden one"
    if claim.output_layer.startswith("frozen"):
        _need(literal, "the balanced image moves the output layer")
        for v in corners:
            kept = [
                np.array_equal(v.weights[-1], p.A.weights[-1]),
                v.biases[-1] is None or np.array_equal(v.biases[-1], p.A.biases[-1]),
            ]
            if not all(kept):
                return "the path moves the output layer"
    FA, FB = (exact_F(p, _net(v.weights, v.biases), literal=True) for v in (p.A, p.B))
    values = [FA, FB]
    found: list[tuple[float, int, float]] = []
    for k, (v, w) in enumerate(itertools.pairwise(corners)):
        if claim.moves[k].kind == "rescale":
            values += _on_the_curve(p, v, w, claim.moves[k].factors, literal)
            continue
        found += [
            (float(_float_F(p, v, w, np.array([t]), literal)[0][0]), k, t) for t in _times(p, v, w, most, literal)
        ]
    for _, k, t in sorted(found, key=lambda f: -f[0] if f[0] == f[0] else 0.0)[:most]:
        values.append(exact_F(p, _between(corners[k], corners[k + 1], Fraction(t)), literal=literal))
    E, least = FA.max(FB), FA.min(FB)
    for F in values:
        if arb(claim.sup) < F:
            return f"F reaches {F.str(20)} on the path, above sup"
        if arb(claim.gap) < F - E or arb(claim.gap) < 0:
            return f"F - E reaches {(F - E).str(20)}, above gap"
        if F - least > arb(claim.gap_over_lower):
            return "above gap_over_lower"
        if claim.level is not None and F - arb(claim.level) > arb(claim.gap_over_level):
            return "above gap_over_level"
    return None


def _false_head(p: Any, c: Any) -> str | None:
    _need(len(p.A.weights) == 2, "head_optimum of a deep network")
    K, r = p.B.weights[1].shape[0], c.rows.shape[0]
    biases = [p.A.biases[0] is not None, p.A.biases[1] is not None]
    _need([c.row_bias is not None, c.head_bias is not None] == biases and c.rows.shape == (r, p.X.shape[1]), "rows")
    _need(c.head.shape == (K, r) and (not biases[0] or c.row_bias.shape == (r,)), "head")
    _need(not biases[1] or c.head_bias.shape == (K,), "head bias")
    _need(all(np.isfinite(a).all() for a in (c.rows, c.row_bias, c.head, c.head_bias) if a is not None), "not finite")
    _need(c.head_limit is None or c.head_limit >= 0, "head_limit")
    entries = np.concatenate([c.head.ravel(), c.head_bias if c.head_bias is not None else []])
    _need(c.head_limit is None or np.abs(entries).max() <= c.head_limit, "the head leaves its limit")
    _need(c.lower <= c.upper, "interval")

    def F(head: np.ndarray, bias: np.ndarray | None) -> arb:
        return exact_F(p, _net((c.rows, head), (c.row_bias, bias)), literal=False)

    if F(c.head, c.head_bias) > arb(c.upper):
        return "the stored head lies above upper"
    if c.lower <= 0:
        return None
    with np.errstate(all="ignore"):
        Z = np.maximum(p.X @ c.rows.T + (0 if c.row_bias is None else c.row_bias), 0.0)
        full = c.rows if c.row_bias is None else np.column_stack([c.rows, c.row_bias])
        price = np.ones(r) if p.objective.penalty == "l1" else np.linalg.norm(full, axis=1)
    for head, bias in _good_heads(p, c, Z, price):
        if F(head, bias) < arb(c.lower):
            return "a head lies below lower"
    return None


def _false_subnetwork_head(p: Any, c: Any) -> str | None:
    K, hidden = p.B.weights[-1].shape[0], p.A.biases[:-1]
    _need(p.geometry is None and len(hidden) > 1 and p.objective.penalty in ("none", "l1"), "a deep dense network")
    _need(c.widths.shape == (len(hidden),) and (c.widths > 0).all() and c.parameters.ndim == 1, "widths")
    _need(np.isfinite(c.parameters).all() and c.lower <= c.upper, "parameters or interval")
    weights, biases, rest, below = [], [], c.parameters, p.X.shape[1]
    for s, b in zip(c.widths.tolist(), hidden):
        W, rest = rest[: s * below], rest[s * below :]
        _need(len(W) == s * below, "too few parameters")
        weights.append(W.reshape(s, below))
        biases.append(None)
        if b is not None:
            biases[-1], rest = rest[:s], rest[s:]
            _need(len(biases[-1]) == s, "too few parameters")
        below = s
    _need(len(rest) == 0 and c.head.shape == (K, below), "parameters left over, or a head of another width")
    _need((c.head_bias is None) == (p.A.biases[-1] is None), "head bias")
    _need(c.head_bias is None or c.head_bias.shape == (K,), "head bias")
    entries = np.concatenate([c.head.ravel(), c.head_bias if c.head_bias is not None else []])
    _need(np.isfinite(entries).all() and (c.head_limit is None or np.abs(entries).max() <= c.head_limit), "head")
    _need(c.head_limit is None or c.head_limit >= 0, "head_limit")

    def F(head: np.ndarray, bias: np.ndarray | None) -> arb:
        return exact_F(p, _net((*weights, head), (*biases, bias)), literal=True)

    if F(c.head, c.head_bias) > arb(c.upper):
        return "the stored head lies above upper"
    if c.lower <= 0:
        return None
    with np.errstate(all="ignore"):
        Z = p.X
        for W, b in zip(weights, biases):
            u = Z @ W.T + (0 if b is None else b)
            Z = np.maximum(u, p.negative_slope * u)
    for head, bias in _good_heads(p, c, Z, np.ones(below)):
        if F(head, bias) < arb(c.lower):
            return "a head lies below lower"
    return None


def _good_heads(p: Any, c: Any, Z: np.ndarray, price: np.ndarray) -> list[tuple[np.ndarray, np.ndarray | None]]:
    """Heads within head_limit whose F is small: the stored one clipped, zero, and minima of L-BFGS-B over smoothed objectives. Z: what they read, (N, r)."""
    o, H = p.objective, np.inf if c.head_limit is None else c.head_limit
    K, r = c.head.shape
    free = c.head_bias is not None

    def split(x: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        return x[: K * r].reshape(K, r), x[K * r :] if free else None

    def value(x: np.ndarray, eps: float) -> float:
        head, bias = split(x)
        with np.errstate(all="ignore"):
            f = Z @ head.T + (0 if bias is None else bias)
            F = _float_loss(o, f[None], p.targets, p.weights)[0]
            if o.penalty != "none":
                size = (
                    np.sqrt((head**2).sum(axis=0) + eps)
                    if o.penalty == "weight_decay"
                    else np.sqrt(head**2 + eps).sum(axis=0)
                )
                F += o.kappa * (
                    price @ size + (np.abs(bias).sum() if o.penalise_output_bias and bias is not None else 0.0)
                )
        return float(F) if np.isfinite(F) else 1e300

    start = np.clip(np.concatenate([c.head.ravel(), c.head_bias if free else []]), -H, H)
    best = [start, np.zeros_like(start)]
    if len(start):
        box = [(-H, H)] * len(start)
        x = minimize(value, start, args=(1e-6,), method="L-BFGS-B", bounds=box, options={"maxiter": 40}).x
        best.append(np.clip(x, -H, H))
    best.sort(key=lambda x: value(x, 0.0))
    return [split(x) for x in best[:2]]


def _false_region_optimum(p: Any, claim: Any) -> str | None:
    _need(p.negative_slope == 0.0 and len(p.A.weights) == 2, "no ReLU, or deep")
    d, biased = p.X.shape[1], p.A.biases[0] is not None
    _need((claim.multipliers >= 0).all() and claim.lower <= claim.upper, "multipliers or interval")

    def F(theta: np.ndarray, rows: np.ndarray, c: np.ndarray | None) -> arb:
        return exact_F(p, _net((rows[:, :d], theta), (rows[:, d] if biased else None, c)), literal=True)

    return false_region_optimum(p, claim, F)


def _false_every_width(p: Any, claim: Any) -> str | None:
    """A, B, and the best heads on many rows, random ones and those along the inputs: a network of some width that lies below the bound."""
    _need(
        p.negative_slope == 0.0 and len(p.A.weights) == 2 and p.objective.penalty in ("path", "weight_decay"),
        "no price",
    )
    _need(p.objective.kappa > 0, "no price")
    if claim.lower <= 0:
        return None
    if any(
        exact_F(p, n, literal=True) < arb(claim.lower)
        for n in (_net(p.A.weights, p.A.biases), _net(p.B.weights, p.B.biases))
    ):
        return "A or B lies below lower"
    (_, d), K, biased = p.X.shape, len(p.A.weights[1]), p.A.biases[0] is not None
    rng = np.random.default_rng(0)
    full = np.column_stack([p.X, np.ones(len(p.X))]) if biased else p.X
    rows = np.concatenate([full[:12], -full[:12], rng.normal(size=(24, full.shape[1]))])
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-300)
    r = len(rows)
    start = SimpleNamespace(
        rows=np.ascontiguousarray(rows[:, :d]), row_bias=rows[:, d] if biased else None, head=np.zeros((K, r)), head_limit=None,
        head_bias=None if p.A.biases[1] is None else np.zeros(K),
    )  # fmt: skip
    with np.errstate(all="ignore"):
        Z = np.maximum(p.X @ start.rows.T + (0 if start.row_bias is None else start.row_bias), 0.0)
        lengths = np.linalg.norm(rows, axis=1) if biased else np.linalg.norm(start.rows, axis=1)
    price = np.ones(r) if p.objective.penalty == "l1" else lengths
    for head, bias in _good_heads(p, start, Z, price):
        if exact_F(p, _net((start.rows, head), (start.row_bias, bias)), literal=False) < arb(claim.lower):
            return "a wide network lies below lower"
    return None


LANDSCAPE = {
    EveryWidthLowerBound: _false_every_width,
    RegionOptimum: _false_region_optimum,
    BarrierLowerBound: false_barrier,
    SignCountBarrier: false_barrier,
    ConeBarrier: false_barrier,
    Landscape: false_landscape,
    RegionMinimum: false_region,
    JacobianRank: false_rank,
    ClaimViolation: false_violation,
}


def _in_floats(false: Any, problem: Any, claim: Any) -> str | None:
    """These oracles solve and sample in float64: numbers beyond its range, or that solvers refuse, give no counterexample."""
    try:
        return false(problem, claim)
    except (ValueError, OverflowError, FloatingPointError, np.linalg.LinAlgError):
        return None


def falsehood(problem: Any, claim: Any, most: int = 6) -> str | None:
    """Why the claim is certainly false or meaningless; None when no counterexample was found. `most`: exact evaluations of a path."""
    with ctx.workprec(BITS), np.errstate(all="ignore"):
        try:
            _well_formed(problem)
            if hasattr(claim, "network"):
                _need(claim.network in ("A", "B"), "network")
                v = problem.A if claim.network == "A" else problem.B
                F = exact_F(problem, _net(v.weights, v.biases), literal=True)
                return f"F = {F.str(20)}" if arb(claim.lower) > F or arb(claim.upper) < F else None
            for kind, false in LANDSCAPE.items():
                if isinstance(claim, kind):
                    _need(problem.geometry is None, "said of dense networks alone")
                    return _in_floats(false, problem, claim)
            if hasattr(claim, "moves"):
                return _false_path(problem, claim, most)
            false = _false_subnetwork_head if hasattr(claim, "widths") else _false_head
            return false(problem, claim)
        except Meaningless as reason:
            return f"meaningless: {reason}"

"""Small exact problems and certificates in memory. All numbers are dyadic with few bits, so that no BLAS changes a claim."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from verifier.certificate.document import make_document
from verifier.kernel import (
    Claim,
    EndpointValue,
    HeadOptimum,
    Move,
    Objective,
    Parameters,
    PathUpperBound,
    Problem,
    Write,
)
from verifier.kernel.fast.forward import objective_at
from verifier.kernel.fast.heads import check_head
from verifier.kernel.fast.moves import is_transfer, straight_kind
from verifier.kernel.fast.paths import bound_path
from verifier.kernel.statements import apply_writes

Array = np.ndarray


@dataclass
class Case:
    """A certificate before it is written."""

    problem: Problem
    claims: list[Claim]
    record: dict[str, Any] = field(default_factory=dict)

    def packed(self, embed: bool = True) -> tuple[dict[str, Any], dict[str, Array]]:
        """(document, arrays) as the certificate writer takes them."""
        labels = {
            c.path: [f"move {k}" for k in range(len(c.moves))] for c in self.claims if isinstance(c, PathUpperBound)
        }
        return make_document(
            self.problem, self.claims, data_name="corpus", labels=labels, record=self.record, embed=embed
        )


def net(*weights: Any, biases: Any = None) -> Parameters:
    """Parameters from nested lists; biases: one list or None per layer, default all None."""
    arrays = tuple(np.array(w, dtype=np.float64) for w in weights)
    given = (None,) * len(arrays) if biases is None else biases
    return Parameters(arrays, tuple(None if b is None else np.array(b, dtype=np.float64) for b in given))


def dyadic(rng: np.random.Generator, *shape: int) -> Array:
    """Multiples of 1/8 in [-2, 2]."""
    return rng.integers(-16, 17, size=shape) / 8.0


def random_net(rng: np.random.Generator, widths: tuple[int, ...], biases: tuple[bool, ...]) -> Parameters:
    weights = tuple(dyadic(rng, q, p) for p, q in itertools.pairwise(widths))
    return Parameters(weights, tuple(dyadic(rng, q) if has else None for q, has in zip(widths[1:], biases)))


def random_targets(rng: np.random.Generator, loss: str, N: int, K: int) -> Array:
    if loss == "cross_entropy":
        return rng.integers(0, K, size=N)
    return rng.choice([-1.0, 1.0], size=(N, 1)) if loss in ("logistic", "hinge") else dyadic(rng, N, K)


def random_problem(
    seed: int, loss: str, penalty: str, *, widths: tuple[int, ...] = (2, 4, 1), biases: tuple[bool, ...] = (True, True),
    N: int = 6, penalise: bool = False, kappa: float = 0.125, slope: float = 0.0,
) -> Problem:  # fmt: skip
    rng = np.random.default_rng(seed)
    o = Objective(loss, 0.5 if loss == "huber" else None, 0.0 if penalty == "none" else kappa, penalty, penalise)
    X = dyadic(rng, N, widths[0])
    y = random_targets(rng, loss, N, widths[-1])
    return Problem(o, X, y, random_net(rng, widths, biases), random_net(rng, widths, biases), slope)


def everything(v: Parameters) -> tuple[Write, ...]:
    """Writes that set every array."""
    writes = [Write(l, "weight", 0, None, w) for l, w in enumerate(v.weights, 1)]
    return (*writes, *(Write(l, "bias", 0, None, b) for l, b in enumerate(v.biases, 1) if b is not None))


def rows_of(v: Parameters, index: list[int]) -> tuple[Write, ...]:
    """Writes that set rows of the first layer."""
    i = np.array(index, dtype=np.int64)
    first = Write(1, "weight", 0, i, v.weights[0][i])
    return (first,) if v.biases[0] is None else (first, Write(1, "bias", 0, i, v.biases[0][i]))


def head_of(theta: Array, c: Array | None) -> tuple[Write, ...]:
    """Writes that set the last of two layers."""
    write = Write(2, "weight", 0, None, theta)
    return (write,) if c is None else (write, Write(2, "bias", 0, None, c))


def named(A: Parameters, moves: tuple[Move, ...]) -> tuple[Move, ...]:
    """The moves from A with "?" replaced by the most that can be said of each segment; what does not belong to that kind is dropped."""
    out, v = [], A
    for move in moves:
        w = apply_writes(v, move)
        if move.kind == "?":
            transfer = move.transfer is not None and is_transfer(v, w, move)
            kind = "transfer" if transfer else straight_kind(v, w)
            move = replace(
                move,
                kind=kind,
                breakpoints=move.breakpoints if kind == "chord" else None,
                transfer=move.transfer if transfer else None,
                transfer_layer=move.transfer_layer if transfer else None,
            )
        out.append(move)
        v = w
    return tuple(out)


def halves(p: Problem) -> tuple[Move, ...]:
    """head, idle, head, idle, head: half of the neurons is silenced, rewritten with B's rows, and handed the network."""
    A, B = p.A, p.B
    m = A.weights[0].shape[0]
    first, second = list(range(m // 2)), list(range(m // 2, m))
    left, right = A.weights[1].copy(), B.weights[1].copy()
    left[:, second], right[:, first] = 0.0, 0.0
    moves = (
        Move("?", head_of(left, A.biases[1])),
        Move("?", rows_of(B, second)),
        Move("?", head_of(right, B.biases[1])),
        Move("?", rows_of(B, first)),
        Move("?", head_of(B.weights[1], B.biases[1])),
    )
    return named(A, moves)


def chord(p: Problem, pieces: int) -> tuple[Move, ...]:
    cuts = np.arange(1, pieces) / pieces
    return named(p.A, (Move("?", everything(p.B), cuts if pieces > 1 else None),))


def coarse(x: float, direction: int) -> float:
    """x moved outwards to 20 significant bits: the same on every machine."""
    if x == 0.0 or not math.isfinite(x):
        return x
    mantissa, exponent = math.frexp(x)
    step = math.ceil if direction > 0 else math.floor
    return math.ldexp(step(mantissa * 2.0**20 + direction * 2.0**-8), exponent - 20)


def form_of(p: Problem) -> str:
    """Balanced where there is such a form."""
    return "balanced" if p.objective.penalty == "weight_decay" else "literal"


def loose_path(
    p: Problem, moves: tuple[Move, ...], sup: float, gap: float, over: float, **fields: Any
) -> PathUpperBound:
    """A claim of these numbers, in balanced form under weight decay."""
    return PathUpperBound("path", moves, sup, gap, over, **{"form": form_of(p), **fields})


def path_claim(
    p: Problem, name: str, moves: tuple[Move, ...], level: float | None = None, form: str | None = None
) -> PathUpperBound:
    """What the kernel finds, moved outwards."""
    form = form or form_of(p)
    found = bound_path(p, moves, form)
    E, least = max(found.A.lower, found.B.lower), min(found.A.lower, found.B.lower)
    sup = coarse(max(found.A.upper, found.B.upper, found.interior), 1)
    over = None if level is None else max(0.0, coarse(sup - level, 1))
    gap = coarse(max(0.0, found.interior - E), 1)
    return PathUpperBound(name, moves, sup, gap, coarse(sup - least, 1), level, over, form)


def endpoints(p: Problem) -> list[Claim]:
    found = {n: objective_at(p, v) for n, v in (("A", p.A), ("B", p.B))}
    return [EndpointValue(n, coarse(max(0.0, F.lower), -1), coarse(F.upper, 1)) for n, F in found.items()]


def head_claim(p: Problem, head: Array, c: Array | None, dual: Array, limit: float | None) -> HeadOptimum:
    free = HeadOptimum("best head", p.A.weights[0], p.A.biases[0], head, c, dual, limit, 0.0, math.inf)
    found = check_head(p, free)
    lower = max(0.0, coarse(found["lower"], -1))
    return HeadOptimum(free.name, free.rows, free.row_bias, head, c, dual, limit, lower, coarse(found["upper"], 1))


def full(p: Problem, moves: tuple[Move, ...], level: float | None = None) -> Case:
    """Endpoint claims and one path."""
    return Case(p, [*endpoints(p), path_claim(p, "path", moves, level)])


def walk(A: Parameters, moves: tuple[Move, ...]) -> Parameters:
    for move in moves:
        A = apply_writes(A, move)
    return A

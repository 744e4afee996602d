"""Certificates about convolutional networks: what must verify, what must be rejected, and geometries that are none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from verifier.kernel import EndpointValue, HeadOptimum, Move, Objective, Parameters, PathUpperBound, Problem, Write
from verifier.kernel.statements import Geometry, Pooling, Reading, Window

from .small import Case, chord, dyadic, full, loose_path, named, path_claim, random_targets

HUGE = 2.0**40


def window(kernel: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1) -> Window:
    """One number for both axes, or a pair."""
    pair = lambda v: v if isinstance(v, tuple) else (v, v)
    return Window(pair(kernel), pair(stride), pair(padding), pair(dilation))


def reading(kernel: Any, *poolings: Pooling, **more: Any) -> Reading:
    return Reading(poolings, window(kernel, **more))


def pool(kind: str, kernel: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1) -> Pooling:
    return Pooling(kind, window(kernel, stride, padding, dilation))


def adaptive(height: int, width: int) -> Pooling:
    return Pooling("adaptive_average", None, (height, width))


# Two convolutions, a maximum between them, and a dense layer on flattened maps before the output layer.
PLAIN = Geometry(
    (1, 4, 4),
    (
        reading(3, padding=1),
        reading((2, 3), pool("max", 2, 1), stride=2, padding=(0, 1)),
        reading((1, 2)),
        reading(1),
    ),
)
# Output weights read maps; means, overlapping maxima with padding, dilation.
POOLED = Geometry(
    (2, 3, 5),
    (
        reading((1, 2), dilation=(1, 2)),
        reading((1, 2), pool("max", (3, 2), (2, 1), 1), pool("average", 2)),
        reading(2, adaptive(2, 2)),
    ),
)
CHANNELS = {PLAIN: (3, 3, 2), POOLED: (2, 3)}


def problem(
    seed: int,
    geometry: Geometry = PLAIN,
    loss: str = "cross_entropy",
    penalty: str = "none",
    K: int = 2,
    N: int = 3,
    **more: Any,
) -> Problem:
    rng = np.random.default_rng(seed)
    o = Objective(loss, None, 0.0 if penalty == "none" else 0.125, penalty, bool(more.get("penalise", False)))

    def network() -> Parameters:
        weights, below = [], geometry.shape[0]
        for n, r in zip((*CHANNELS[geometry], K), geometry.readings, strict=True):
            weights.append(dyadic(rng, n, below * int(np.prod(r.window.kernel))) / 2)
            below = n
        biases = [dyadic(rng, len(W)) / 2 if more.get("bias", True) else None for W in weights]
        return Parameters(tuple(weights), tuple(biases))

    X = dyadic(rng, N, int(np.prod(geometry.shape)))
    return Problem(
        o, X, random_targets(rng, loss, N, K), network(), network(), float(more.get("slope", 0.0)), None, geometry
    )


def exchanged(p: Problem) -> tuple[Problem, tuple[Move, ...]]:
    """Channel 2 of layer 1 is silenced (a head move to nothing heard would do too), rewritten as a copy of channel 0, and handed its columns; the same for
    layer 2, whose channels are read at two places of the dense layer; then the output layer moves."""
    (W1, W2, W3, W4), (b1, b2, b3, b4) = p.A.weights, p.A.biases
    W2, W3 = W2.copy(), W3.copy()
    W2[:, 12:18], W3[:, 4:6] = 0.0, 0.0
    A = Parameters((W1, W2, W3, W4), (b1, b2, b3, b4))
    taken2, taken3 = W2.copy(), W3.copy()
    taken2[:, 12:18], taken2[:, 0:6] = W2[:, 0:6], 0.0
    taken3[:, 4:6], taken3[:, 2:4] = W3[:, 2:4], 0.0
    two = np.array([2])
    moves = (
        Move("?", (Write(1, "weight", 0, two, W1[[0]]), Write(1, "bias", 0, two, b1[[0]]))),
        Move("?", (Write(2, "weight", 0, None, taken2),), None, np.array([[0, 2]]), 1),
        Move("?", (Write(2, "weight", 0, two, taken2[[1]]), Write(2, "bias", 0, two, b2[[1]]))),
        Move("?", (Write(3, "weight", 0, None, taken3),), None, np.array([[1, 2]]), 2),
        Move("?", (Write(4, "weight", 0, None, W4 * 0.5), Write(4, "bias", 0, None, b4 + 0.25))),
    )
    end1, end2, c1, c2 = W1.copy(), taken2.copy(), b1.copy(), b2.copy()
    end1[2], end2[2], c1[2], c2[2] = W1[0], taken2[1], b1[0], b2[1]
    B = Parameters((end1, end2, taken3, W4 * 0.5), (c1, c2, b3, b4 + 0.25))
    return replace(p, A=A, B=B), named(A, moves)


def exchange_case() -> Case:
    return full(*exchanged(problem(31)))


def up_to_permutation() -> Case:
    """The straight line to B with its channels in another order."""
    p = problem(32)
    permutation = (np.array([2, 0, 1]), np.array([1, 2, 0]), np.array([1, 0]))
    (W1, W2, W3, W4), (b1, b2, b3, b4) = p.B.weights, p.B.biases
    W2 = W2.reshape(3, 3, 6)[:, permutation[0]].reshape(3, 18)[permutation[1]]
    W3 = W3.reshape(2, 3, 2)[:, permutation[1]].reshape(2, 6)[permutation[2]]
    end = Parameters(
        (W1[permutation[0]], W2, W3, W4[:, permutation[2]]),
        (b1[permutation[0]], b2[permutation[1]], b3[permutation[2]], b4),
    )
    q = replace(p, B=end)
    return Case(p, [replace(path_claim(q, "path", chord(q, 4)), permutation=permutation)])


def line(p: Problem, pieces: int = 4) -> Case:
    return full(p, chord(p, pieces))


def of_loss(loss: str) -> Callable[[], Case]:
    """Through maxima and means, with the l1 penalty; K = 1 where the loss is of signed margins."""

    def make() -> Case:
        p = problem(36, POOLED, loss, "l1", K=1 if loss == "hinge" else 2)
        return line(replace(p, objective=replace(p.objective, delta=0.5 if loss == "huber" else None)))

    return make


def weighted() -> Case:
    """A sample without weight, and two of different weights."""
    return line(replace(problem(37), weights=np.array([0.0, 0.5, 3.0])))


CORRECT: dict[str, Callable[[], Case]] = {
    "channels-head-idle-transfer": exchange_case,
    "channels-straight-line-through-maxima": lambda: line(problem(33)),
    "channels-straight-line-through-means-leaky": lambda: line(
        problem(34, POOLED, "squared", "l1", slope=0.25, penalise=True)
    ),
    "channels-without-biases": lambda: line(problem(35, POOLED, "logistic", K=1, bias=False), 2),
    "channels-up-to-permutation": up_to_permutation,
    **{f"channels-{loss}": of_loss(loss) for loss in ("hinge", "absolute", "huber")},
    "channels-weighted": weighted,
}


def with_geometry(case: Case, **change: Any) -> Case:
    """The same claims about another geometry; the certificate's hashes are those of that geometry."""
    assert case.problem.geometry is not None
    return Case(replace(case.problem, geometry=replace(case.problem.geometry, **change)), case.claims)


def with_reading(case: Case, l: int, new: Reading) -> Case:
    assert case.problem.geometry is not None
    readings = list(case.problem.geometry.readings)
    readings[l] = new
    return with_geometry(case, readings=tuple(readings))


def loose(case: Case) -> Case:
    """Claims so loose that only the problem itself can be wrong."""
    return Case(case.problem, [EndpointValue("A", 0.0, HUGE)])


def none(l: int, new: Reading) -> Callable[[], Case]:
    """PLAIN with another reading of layer l, which no claim can be about."""
    return lambda: loose(with_reading(exchange_case(), l, new))


def changed(
    l: int, new: Reading, base: Callable[[], Case] = CORRECT["channels-straight-line-through-maxima"]
) -> Callable[[], Case]:
    """Tight values under another reading that fits the arrays just as well."""
    return lambda: Case((other := with_reading(base(), l, new)).problem, other.claims[:1])


def move_of(change: Callable[[Parameters], tuple[Write, ...]], kind: str, **fields: Any) -> Callable[[], Case]:
    """One move from A, of that kind or not, to where it leads."""

    def make() -> Case:
        p, _ = exchanged(problem(31))
        writes = change(p.A)
        at = {(w.layer, w.part): w.value for w in writes}
        weights = tuple(at.get((l, "weight"), W) for l, W in enumerate(p.A.weights, 1))
        biases = tuple(at.get((l, "bias"), b) for l, b in enumerate(p.A.biases, 1))
        q = replace(p, B=Parameters(weights, biases))
        return Case(q, [loose_path(q, (Move(kind, writes, **fields),), HUGE, HUGE, HUGE)])

    return make


def heard_at_one_place(A: Parameters) -> tuple[Write, ...]:
    """Channel 0 of layer 2 is read at the second of its two places, and moves."""
    return (Write(2, "weight", 0, None, np.where(np.arange(3)[:, None] == 0, A.weights[1] + 1.0, A.weights[1])),)


def one_column_of_two(A: Parameters) -> tuple[Write, ...]:
    """A transfer that hands over one place of a channel and forgets the other."""
    W = A.weights[2].copy()
    W[:, 4], W[:, 2] = W[:, 2], 0.0
    return (Write(3, "weight", 0, None, W),)


def permuted_within_a_channel() -> Case:
    case = up_to_permutation()
    claim = case.claims[0]
    assert isinstance(claim, PathUpperBound)
    return Case(case.problem, [replace(claim, permutation=(np.arange(3), np.array([0, 2, 1]), np.arange(2)))])


def dense() -> Case:
    """A plain dense network that pretends to have a geometry."""
    p = problem(31)
    W = (np.ones((2, 16)), np.ones((2, 2)))
    net = Parameters(W, (None, None))
    return loose(Case(replace(p, A=net, B=net, geometry=Geometry((16, 1, 1), (reading(1), reading(1)))), []))


def head_of_channels() -> Case:
    p, z = problem(34, POOLED, "squared"), np.zeros((3, 30))
    return Case(p, [HeadOptimum("h", z, z[:, 0], np.zeros((2, 3)), np.zeros(2), np.zeros((3, 2)), None, 0.0, HUGE)])


# Of each kind of claim that is about one hidden layer, or about a paper's networks, a correct certificate of a dense network.
DENSE_ONLY = {
    "barrier": "barrier-between-two-cells", "sign-count": "sign-count-of-two-neurons", "cone-barrier": "cone-barrier-in-the-plane",
    "region": "region-with-zero-loss-inside", "region-optimum": "region-optimum-inside", "every-width": "every-width-of-one-input", "rank": "rank-full",
    "violation": "violation-of-nguyen2021-4-4-head", "subnetwork-head": "subnetwork-head-by-hand",
    "landscape": "whole-landscape-of-one-neuron",
}  # fmt: skip


@cache
def dense_cases() -> dict[str, Case]:
    from .correct import all_correct

    return all_correct()


def claim_of_dense_networks(name: str) -> Callable[[], Case]:
    """What is true of a dense network said of one of channels: with one output, means of maps and maxima on the way."""
    return lambda: Case(problem(34, POOLED, "squared", K=1), [dense_cases()[name].claims[-1]])


def emptied(layer: int) -> Callable[[], Case]:
    def make() -> Case:
        p = problem(31)
        weights = tuple(W[:0] if l == layer else W for l, W in enumerate(p.A.weights))
        net = Parameters(weights, tuple(b[: len(W)] for W, b in zip(weights, p.A.biases)))
        return loose(Case(replace(p, A=net, B=net), []))

    return make


def truncated() -> Case:
    p = problem(31)
    net = Parameters((*p.A.weights[:1], p.A.weights[1][:, :-1], *p.A.weights[2:]), p.A.biases)
    return loose(Case(replace(p, A=net, B=net), []))


MAX = pool("max", 2, 1)
REJECTED: dict[str, Callable[[], Case]] = {
    # Another geometry under the same arrays is another network, whose values are others.
    "channels-with-means-for-maxima": changed(1, reading((2, 3), pool("average", 2, 1), stride=2, padding=(0, 1))),
    "channels-with-padding-on-both-axes": changed(1, reading((2, 3), MAX, stride=(4, 2), padding=1)),
    "channels-without-the-pooling": changed(1, reading((2, 3), stride=(3, 1))),
    "channels-with-another-dilation": changed(1, reading((2, 3), MAX, stride=(1, 2), padding=(0, 2), dilation=(2, 2))),
    "channels-with-a-turned-sample": lambda: Case(
        (c := with_geometry(line(problem(34, POOLED, "squared")), shape=(2, 5, 3))).problem, c.claims[:1]
    ),
    # No geometries.
    "channels-of-too-many": lambda: loose(with_geometry(exchange_case(), shape=(2, 4, 4))),
    "channels-of-an-empty-sample": lambda: loose(with_geometry(exchange_case(), shape=(1, 0, 4))),
    "channels-of-no-channel": lambda: loose(with_geometry(exchange_case(), shape=(0, 4, 4))),
    "channels-with-a-reading-too-few": lambda: loose(with_geometry(exchange_case(), readings=PLAIN.readings[:-1])),
    "channels-with-a-reading-too-many": lambda: loose(
        with_geometry(exchange_case(), readings=(*PLAIN.readings, reading(1)))
    ),
    "channels-of-a-dense-network": dense,
    "channels-with-several-outputs-positions": none(2, reading((1, 1))),
    "channels-with-a-kernel-of-another-size": none(0, reading((3, 2), padding=1)),
    "channels-with-a-window-beyond-the-map": none(0, reading(3, dilation=2)),
    "channels-with-stride-zero": none(0, reading(3, stride=0, padding=1)),
    "channels-with-dilation-zero": none(0, reading(3, padding=1, dilation=0)),
    "channels-with-kernel-zero": none(0, reading(0)),
    "channels-with-huge-padding": none(0, reading(3, stride=2**16, padding=2**16, dilation=2**16)),
    "channels-with-padding-beyond-the-window": none(0, reading(3, padding=3)),
    "channels-with-huge-dilation": none(0, reading(3, padding=2**13, dilation=2**12)),
    "channels-with-huge-stride": none(0, reading(3, stride=2**20, padding=1)),
    "channels-pooled-in-the-padding": none(1, reading((2, 3), pool("max", 2, 1, 1, 5), padding=(0, 1))),
    "channels-pooled-to-a-huge-map": none(1, reading((2, 3), adaptive(2**16, 2**16))),
    "channels-pooled-to-nothing": none(1, reading((2, 3), adaptive(0, 4))),
    "channels-pooled-without-a-window": none(1, reading((2, 3), Pooling("max"))),
    "channels-pooled-with-a-size-too-many": none(1, reading((2, 3), Pooling("max", window(2), (3, 3)))),
    "channels-pooled-in-an-unknown-way": none(1, reading((2, 3), pool("median", 2))),
    "channels-pooled-a-hundred-times": none(1, reading((2, 3), *[pool("max", 1)] * 100, stride=2, padding=(0, 1))),
    "channels-with-an-empty-layer": emptied(1),
    "channels-with-a-truncated-layer": truncated,
    # Moves that are none, and claims and penalties that are not defined here.
    "channels-idle-but-heard-at-one-place": move_of(heard_at_one_place, "idle"),
    "channels-head-but-a-hidden-channel-moves": move_of(heard_at_one_place, "head"),
    "channels-handed-over-at-one-place-of-two": move_of(
        one_column_of_two, "transfer", transfer=np.array([[1, 2]]), transfer_layer=2
    ),
    "channels-rescaled": move_of(
        lambda A: (Write(1, "weight", 0, None, 2.0 * A.weights[0]),), "rescale", factors=np.full(3, 2.0)
    ),
    "channels-permuted-otherwise": permuted_within_a_channel,
    "channels-with-a-head-claim": head_of_channels,
    **{f"channels-with-a-claim-of-{kind}": claim_of_dense_networks(name) for kind, name in DENSE_ONLY.items()},
    "channels-with-the-path-penalty": lambda: loose(Case(problem(34, POOLED, "squared", "path"), [])),
}

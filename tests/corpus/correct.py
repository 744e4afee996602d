"""The certificates that must verify: every loss, every penalty, every kind of move and claim."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from verifier.kernel import Move, Objective, Problem, Write

from . import (
    attacks,
    channels,
    cone_barrier,
    every_width,
    kept_layers,
    landscape,
    region_optimum,
    sign_count,
    subnetwork_head,
    violations,
    violations_papers,
    whole_landscape,
)
from .small import Case, chord, full, halves, head_claim, named, net, random_problem


def deep_problem(loss: str = "hinge", penalty: str = "none") -> tuple[Problem, tuple[Move, ...]]:
    """Two hidden layers; rewrite a silent neuron, hand a neuron's outgoing weights to its copy (both layers), change the head."""
    p = random_problem(5, loss, penalty, widths=(2, 3, 3, 1), biases=(True, True, True))
    W1, W2, W3 = (w.copy() for w in p.A.weights)
    W2[:, 2], W3[:, 2] = 0.0, 0.0
    b1, b2, b3 = p.A.biases
    index = np.array([2])
    taken2, taken3 = W2.copy(), W3.copy()
    taken2[:, 2], taken2[:, 0] = W2[:, 0], 0.0
    taken3[:, 2], taken3[:, 1] = W3[:, 1], 0.0
    moves = (
        Move("?", (Write(1, "weight", 0, index, W1[[0]]), Write(1, "bias", 0, index, b1[[0]]))),
        Move("?", (Write(2, "weight", 0, None, taken2),), None, np.array([[0, 2]]), 1),
        Move("?", (Write(1, "weight", 0, np.array([0]), np.array([[3.0, -2.0]])),)),
        Move("?", (Write(2, "weight", 0, index, taken2[[1]]), Write(2, "bias", 0, index, b2[[1]]))),
        Move("?", (Write(3, "weight", 1, np.array([1, 2]), taken3[:, [1, 2]]),), None, np.array([[1, 2]]), 2),
        Move("?", (Write(3, "weight", 0, None, taken3 * 0.5), Write(3, "bias", 0, None, b3 + 0.25))),
    )
    A = type(p.A)((W1, W2, W3), p.A.biases)
    end1 = W1.copy()
    end1[2], end1[0] = W1[0], [3.0, -2.0]
    end2 = taken2.copy()
    end2[2] = taken2[1]
    end_bias = (np.array([b1[0], b1[1], b1[0]]), np.array([b2[0], b2[1], b2[1]]), b3 + 0.25)
    return replace(p, A=A, B=type(p.A)((end1, end2, taken3 * 0.5), end_bias)), named(A, moves)


def head_without_limit(loss: str = "squared", penalty: str = "path") -> Case:
    """A dual whose constraints certainly hold: no output bias, and a penalty that leaves room."""
    p = random_problem(11, loss, penalty, biases=(True, False), kappa=2.0)
    theta = p.A.weights[1] / 8
    nu = np.zeros((6, 1)) if loss == "squared" else np.full((6, 1), 0.0)
    nu[:, 0] = np.sign(p.targets[:, 0]) * -0.5 if loss != "cross_entropy" else 0.0
    return Case(p, [head_claim(p, theta, None, nu, None)])


def head_with_free_bias() -> Case:
    """Squared loss with a free output bias: the dual's column sums to exactly 0."""
    p = random_problem(12, "squared", "l1", kappa=4.0)
    nu = np.array([[0.5], [-0.5], [0.25], [-0.25], [1.0], [-1.0]])
    return Case(p, [head_claim(p, p.A.weights[1] / 16, p.A.biases[1] / 4, nu, None)])


def head_with_limit(loss: str = "cross_entropy", penalty: str = "weight_decay") -> Case:
    K = 3 if loss == "cross_entropy" else 1
    p = random_problem(13, loss, penalty, widths=(2, 3, K), kappa=0.5)
    nu = np.zeros((6, K))
    if loss == "cross_entropy":
        nu += 0.25
        nu[np.arange(6), p.targets] = -0.5
        nu /= 4
    else:
        nu = -p.targets / 8
    return Case(p, [head_claim(p, p.A.weights[1] / 32, p.A.biases[1] / 32, nu, 0.125)])


def exact_squares() -> Case:
    """f = theta relu(w): F is 1 at A, 4 at the middle vertex, 1/4 at B, all exactly; sup 4, gap 3."""
    o = Objective("squared", None, 0.0, "none", False)
    A, B = net([[1.0], [2.0]], [[1.0, 0.0]]), net([[1.0], [2.0]], [[0.0, 0.25]])
    p = Problem(o, np.array([[1.0]]), np.array([[0.0]]), A, B)
    high = net([[1.0], [2.0]], [[0.0, 1.0]])
    moves = tuple(Move("head", (Write(2, "weight", 0, None, n.weights[1]),)) for n in (high, B))
    return full(p, moves)


def one_layer_at_a_time(p: Problem, pieces: int) -> tuple[Move, ...]:
    """From A to B by moves that change one layer each, from the first to the last."""
    cuts = np.arange(1, pieces) / pieces
    moves = []
    for l, (W, b) in enumerate(zip(p.B.weights, p.B.biases), start=1):
        writes = [Write(l, "weight", 0, None, W)]
        writes += [] if b is None else [Write(l, "bias", 0, None, b)]
        moves.append(Move("?", tuple(writes), cuts))
    return named(p.A, tuple(moves))


def all_correct() -> dict[str, Case]:
    deep, moves = deep_problem()
    deep_l1, moves_l1 = deep_problem("logistic", "l1")
    logistic = random_problem(1, "logistic", "none")
    entropy = random_problem(2, "cross_entropy", "weight_decay", widths=(2, 4, 3))
    path = random_problem(3, "squared", "path", biases=(False, False))
    huber = random_problem(4, "huber", "l1", widths=(2, 4, 2), penalise=True)
    absolute = random_problem(6, "absolute", "path", widths=(3, 4, 2), penalise=True)
    hinge = random_problem(7, "hinge", "weight_decay", biases=(True, False))
    still = random_problem(8, "logistic", "path")
    leaky = random_problem(21, "logistic", "path", slope=0.25)
    three, four = (True,) * 3, (True, False, True, False)
    deep_leaky = random_problem(22, "cross_entropy", "none", widths=(2, 4, 3, 3), biases=three, slope=0.125)
    deeper = random_problem(23, "squared", "l1", widths=(2, 3, 3, 2, 1), biases=four, N=4)
    cases = {
        "leaky-relu-chord": full(leaky, chord(leaky, 8)),
        "leaky-relu-halves": full(leaky, halves(leaky)),
        "leaky-relu-deep-layer-moves": full(deep_leaky, one_layer_at_a_time(deep_leaky, 8)),
        "deep-straight-line": full(deeper, chord(deeper, 16)),
        "deep-layer-moves": full(deeper, one_layer_at_a_time(deeper, 4)),
        "exact-squares": exact_squares(),
        "logistic-chord-with-breakpoints-and-level": full(logistic, chord(logistic, 8), 1.0),
        "cross-entropy-weight-decay-halves": full(entropy, halves(entropy)),
        "cross-entropy-weight-decay-chord": full(entropy, chord(entropy, 8)),
        "squared-path-penalty-chord-without-biases": full(path, chord(path, 6)),
        "huber-l1-penalised-bias-halves": full(huber, halves(huber)),
        "absolute-path-penalty-halves": full(absolute, halves(absolute)),
        "absolute-path-penalty-chord-uncut": full(absolute, chord(absolute, 1)),
        "hinge-weight-decay-chord": full(hinge, chord(hinge, 5)),
        "hinge-deep-head-idle-transfer": full(deep, moves),
        "logistic-l1-deep-head-idle-transfer": full(deep_l1, moves_l1),
        "path-without-moves": full(replace(still, B=still.A), ()),
        "head-for-all-heads": head_without_limit(),
        "head-for-all-heads-absolute-l1": head_without_limit("absolute", "l1"),
        "head-for-all-heads-free-bias": head_with_free_bias(),
        "head-for-bounded-heads": head_with_limit(),
        "head-for-bounded-heads-logistic": head_with_limit("logistic", "none"),
        "head-for-bounded-heads-hinge-path": head_with_limit("hinge", "path"),
    }
    everything = full(huber, halves(huber), 0.5)
    extra = full(huber, chord(huber, 4)).claims[-1]
    cases["two-paths-and-a-record"] = Case(
        huber,
        [*everything.claims, replace(extra, path="line")],
        {"note": "anything", "nested": [1, 2.5, None, {"a": True}]},
    )
    return cases | {
        name: make()
        for name, make in {
            **channels.CORRECT,
            **landscape.CORRECT,
            **kept_layers.CORRECT,
            **whole_landscape.CORRECT,
            **sign_count.CORRECT,
            **cone_barrier.CORRECT,
            **region_optimum.CORRECT,
            **subnetwork_head.CORRECT,
            **every_width.CORRECT,
            **attacks.CORRECT,
            **violations.CORRECT,
            **violations_papers.CORRECT,
        }.items()
    }

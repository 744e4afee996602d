"""Corollaries 4.3 and 4.4 with their paths built as the proofs do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from verifier.audit.claim import Instance, Rng, Statement, Trial, Word
from verifier.audit.nguyen2021.deep import (
    against,
    certified,
    networks_of,
    random_network,
    stored,
    trained_network,
    with_best_head,
)
from verifier.audit.nguyen2021.paths import PAPER
from verifier.networks.network import Network
from verifier.objective import Objective, Risk, make_objective
from verifier.paths.path import Path
from verifier.paths.towers.moves import Tower, live_slots, stacked
from verifier.paths.towers.neuron_choice import most_important
from verifier.paths.towers.subnetworks import solve_head
from verifier.paths.towers.tower_path import moves_through_towers
from verifier.theory import corollary43, corollary44
from verifier.theory.features import features
from verifier.theory.separability import separate, signs_of

Array = np.ndarray
Rows = list[tuple[Array, Array | None]]
# xi_l as (rows above layer l, head, output bias), from the network, l, the kept neurons and the free widths above.
Builder = Callable[[Network, int, Array, Sequence[int]], tuple[Rows, Array, Array | None] | None]


def chain_path(A: Network, B: Network, sets: Sequence[Sequence[Array]], build: Builder) -> Path | None:
    """The chain of Theorem 4.1 for given sets I_l of A and of B, with xi_0 between; None where the builder has no sub-network."""
    towers: list[list[Tower]] = []
    for n, chosen in zip((A, B), sets):
        live = live_slots(n)
        free = [w - len(c) for w, c in zip(n.widths[1:-1], chosen)]
        own = []
        for l in range(n.depth - 1, -1, -1):
            kept = chosen[l - 1] if l else np.arange(n.widths[0])
            xi = build(n, l, kept, free[l:])
            if xi is None:
                return None
            weights, biases = stacked(n, [*live[: l - 1], kept] if l else [], xi[0])
            own.append(Tower(weights, biases, xi[1], xi[2], f"T_{l}"))
        towers.append(own)
    down, up = towers[0], towers[1][:-1][::-1]
    return Path("chain", A, moves_through_towers(A, B, [*down, *up]))


def memorising(objective: Objective, X: Array, y: Array, seed: int) -> Builder:
    """Random rows of the free widths, single neurons active on all samples, and the best head: the best of 20 draws."""

    def build(n: Network, l: int, kept: Array, free: Sequence[int]) -> tuple[Rows, Array, Array | None]:
        rng = np.random.default_rng([seed, l])
        best: tuple[float, Rows, Array, Array | None] | None = None
        for _ in range(20 if free else 1):
            h, rows = n.features(X, l)[:, kept], []
            for width in free:
                W = rng.normal(size=(width, h.shape[1]))
                z = h @ W.T
                b = 1.0 - z.min(axis=0) if width == 1 else -np.quantile(z, rng.uniform(size=width), axis=0).diagonal()
                rows.append((W, b))
                h = np.maximum(z + b, 0.0)
            start = np.zeros((n.widths[-1], h.shape[1])), None if n.c is None else np.zeros(n.widths[-1])
            head, c, value = solve_head(h, y, objective, start)
            if best is None or value < best[0]:
                best = value, rows, head, c
            if value < 1e-12:
                break
        assert best is not None  # at least one draw
        return best[1:]

    return build


def _corollary43(instance: Instance) -> Trial:
    """Sets as the corollary asks; epsilon = 1e-6 of the targets' size for the sub-networks' least squares."""
    v = instance.values
    A, B = networks_of(instance, "A", "B")
    X, y, o = v["X"], v["y"], make_objective("squared")
    bound = corollary43(A, B, Risk(o, X, y))
    widths = A.widths
    need = 4 * widths[-1] * -(-len(X) // (4 * (widths[-3] // 8))) if widths[-3] >= 8 else 0
    sizes = [*(n - 1 for n in widths[1:-3]), (widths[-3] + 1) // 2, widths[-2] - need]
    if not bound.applies or bound.value is None:
        return Trial(0.0, 0.0, 1.0, False)
    sets = [[most_important(n, n.features(X, l), l, K) for l, K in enumerate(sizes, start=1)] for n in (A, B)]
    path = chain_path(A, B, sets, memorising(o, X, y, 0))
    assert path is not None  # `memorising` always builds
    sup, kinds = certified(path, A, B, o, X, y)
    scale = float(np.mean((y**2).sum(axis=1))) + bound.value
    # A small multiple of the targets' size is the corollary's epsilon.
    return against(sup, bound.value + 1e-4 * scale, kinds, scale, f"certified {sup:.6g}, bound {bound.value:.6g}")


def _memorisable(rng: Rng, count: int) -> Iterator[Instance]:
    """Depth 3 and 4, n_{L-2} = 8 to 11, n_{L-1} = 2 N n_L or more up to roundings; every third with more samples than features and no silent neuron."""
    for k in range(count):
        outputs, N = int(rng.integers(1, 3)), int(rng.integers(2, 5))
        n = int(rng.integers(8, 12))
        if k % 3 == 2:
            N = (n + 1) // 2 + int(rng.integers(1, 3))
        need = 4 * outputs * -(-N // 4)
        widths = (int(rng.integers(6, 8)), *((8,) if k % 2 else ()), n, 2 * need + int(rng.integers(0, 3)), outputs)
        A, B = (random_network(rng, widths) for _ in range(2))
        if k % 3 == 2:
            # Layers up to L - 2 active on all samples.
            A, B = (n_.replace(l, bias=np.full(w, 30.0)) for n_ in (A, B) for l, w in [(1, widths[1])])
            if k % 2:
                A, B = (n_.replace(2, bias=np.full(n, 300.0)) for n_ in (A, B))
        v = {"X": rng.normal(size=(N, widths[0])), "y": rng.uniform(-1, 1, size=(N, outputs))}
        if k % 4 < 3:
            A, B = (with_best_head(n_, make_objective("squared"), v["X"], v["y"]) for n_ in (A, B))
        yield Instance("random", f"widths {widths}, N = {N}", v | stored("A", A) | stored("B", B))


def separating(X: Array, sides: Array, scale: float) -> Builder:
    """The proof of Corollary 4.4: a ReLU neuron per class behind its hyperplane, handed on upwards, and a scaled head."""

    def build(n: Network, l: int, kept: Array, free: Sequence[int]) -> tuple[Rows, Array, Array | None] | None:
        f = features(n, X, l).columns(kept)
        found = separate(f, sides)
        if found.w is None or found.b is None:
            return None
        # No sample on one side: any hyperplane will do, and its margin is infinite.
        s = scale / min(found.margin, 1.0)
        one, c = len(sides) == 1, None if n.c is None else np.zeros(n.widths[-1])
        if not free:
            return [], s * found.w, s * found.b
        w, b = s * found.w, s * found.b
        rows: Rows = [(w, b)]
        rows += [(np.eye(len(w)), np.zeros(len(w)))] * (len(free) - 1)
        # With one output a bias makes the negative side negative.
        return (rows, 2.0 * np.eye(1), np.array([-scale])) if one else (rows, np.eye(len(w)), c)

    return build


def _corollary44(instance: Instance) -> Trial:
    v = instance.values
    A, B = networks_of(instance, "A", "B")
    X, y, o = v["X"], v["y"], make_objective(v["loss"])
    sides = signs_of(y, A.widths[-1])
    if not corollary44(A, B, Risk(o, X, y), draws=3)[0].applies:
        return Trial(0.0, 0.0, 1.0, False)
    outputs = A.widths[-1]
    sets = [[most_important(n, n.features(X, l), l, n.widths[l] - outputs) for l in range(1, n.depth)] for n in (A, B)]
    path = chain_path(A, B, sets, separating(X, sides, 40.0))
    if path is None:
        return Trial(0.0, 0.0, 1.0, False)
    sup, kinds = certified(path, A, B, o, X, y)
    E = max(o.value(n, X, y) for n in (A, B))
    interior = max(o.value(m.to, X, y) for m in path.moves[1:-1])
    text = f"certified {sup:.6g}, E = {E:.6g}; away from the ends F is at most {interior:.2g}"
    return against(sup, E + 1e-9, kinds, max(E, 1e-3), text)


def _separable(rng: Rng, count: int) -> Iterator[Instance]:
    """Clusters with a class each, depth 2 to 5, an output bias; from 20 on also networks trained on clusters."""
    for k in range(count):
        depth, one = 2 + k % 4, k % 3 == 0
        K = 2 if one else int(rng.integers(2, 4))
        d, N = int(rng.integers(2, 5)), int(rng.integers(2, 16))
        labels = rng.integers(0, K, N)
        X = 3.0 * rng.normal(size=(K, d))[labels] + 0.3 * rng.normal(size=(N, d))
        outputs = 1 if one else K
        widths = (d, *(int(n) for n in rng.integers(4 * outputs, 16, size=depth - 1)), outputs)
        A, B = (random_network(rng, widths) for _ in range(2))
        y = np.where(labels > 0, 1.0, -1.0)[:, None] if one else labels
        loss = "logistic" if one else "cross_entropy"
        if k % 4 < 3:
            A, B = (with_best_head(n, make_objective(loss), X, y) for n in (A, B))
        v = {"X": X, "y": y, "loss": loss, **stored("A", A), **stored("B", B)}
        yield Instance("random", f"widths {widths}, N = {N}", v)
    if count >= 50:
        for widths in ((12, 12), (24, 24)):
            (A, X, y), (B, _, _) = (trained_network("paper-breast-cancer", widths, seed) for seed in (0, 1))
            v = {"X": X[:60], "y": y[:60], "loss": "logistic", **stored("A", A), **stored("B", B)}
            yield Instance("trained", f"60 samples of Breast Cancer, hidden widths {widths}", v)


STATEMENTS = [
    Statement(
        "cor43", PAPER, "Corollary 4.3", "max Phi(theta(t)) <= max(Phi(theta_0), Phi(theta_1)) + eps + varepsilon",
        "Depth 3 and 4, (A1) to (A3) decided exactly: the path with the corollary's sets, sub-networks of the free widths with random rows and the best "
        "head, xi_0 included; the kernel's bound against (10) at the (A1-b) found and an epsilon of 1e-4 of the targets' size.",
        Word.HOLDS, _memorisable, _corollary43, hypotheses=("(A1)", "(A1-b)", "(A2)", "(A3)", "ReLU"), count=100,
    ),
    Statement(
        "cor44", PAPER, "Corollary 4.4", "max Phi(theta(t)) <= max(Phi(theta_0), Phi(theta_1)) + eps",
        "Depth 2 to 5, an output bias, separability with certificates: the path through one ReLU neuron per class and layer; the kernel's bound against "
        "(11) with an epsilon of 1e-9.",
        Word.HOLDS, _separable, _corollary44, hypotheses=("separable feature subsets", "output bias", "n_l >= 2 n_L"), count=100,
    ),
]  # fmt: skip

"""Theorem 4.1 of Nguyen, Bréchet, Mondelli 2021 for any depth, as a chain of towers (docs/deep.md).

For each endpoint and l = L-1, ..., 1 the sparse point T_l keeps all neurons below layer l, K_l neurons of layer l, and above them
a sub-network xi_l trained on their features, of widths `n_p - K_p` unless `width_search` finds better ones.
`sup F <= max(F(A), F(B), Q_l of A, Q_l of B)`, and Q_0 only where `K_1` of A and of B together exceed n_1.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from verifier.errors import UsageError
from verifier.networks.network import Network
from verifier.numbers import plural
from verifier.objective import Risk
from verifier.paths.endpoints import default_target, require_same_architecture
from verifier.paths.path import Move, Path
from verifier.paths.towers import subnetworks
from verifier.paths.towers.moves import Tower, stacked
from verifier.paths.towers.neuron_choice import most_important
from verifier.paths.towers.sparse_points import Search, Side
from verifier.paths.towers.subnetworks import Subnetwork
from verifier.paths.towers.tower_path import moves_through_towers
from verifier.paths.towers.width_search import WidthSearch

Array = np.ndarray
# Name of the program on the sub-network that both sides share.
COMMON = "Theorem 4.1, best head on the common sub-network"


def theorem41(
    A: Network,
    B: Network,
    risk: Risk,
    *,
    target: float | None = None,
    sizes: Sequence[int] | None = None,
    draws: int = 3,
    steps: int = 200,
    rounds: int = 2,
    seed: int = 0,
) -> Path:
    """Path from A to B of head, idle and transfer moves whose certified maximum is the largest of F(A), F(B) and the Q_l.

    target: stop as soon as Q_l is at or below it; E less 1e-6 relative by default. sizes: (K_1, ..., K_{L-1}), at least
    n_l / 2 each, by default ceil(n_l / 2), and floor(n_1 / 2) on B's side, so that Q_0 is not needed; with sizes that do not fit, the path
    passes xi_0. draws: choices of neurons tried per layer. steps: of training per sub-network. rounds: further effort on the
    point that holds the bound: three times the steps first, then, without given sizes, more neurons for it and fewer for its neighbours.

    Notes: per endpoint Q (Q_1, ..., Q_{L-1}), K, widths (of T_l in the layers l, ..., L-1), draws, how, seconds; Q_0 or None; held_by, max_value,
    target, seconds (per endpoint those before further effort).
    Raises UsageError for different architectures and sizes below one half.
    """
    require_same_architecture("theorem41", A, B)
    start = time.perf_counter()
    same = all(np.array_equal(a, b) for (n, a), (_, b) in zip(A.arrays(), B.arrays()) if int(n[1:]) < A.depth)
    if same:
        return Path("theorem41", A, (Move(B, "head move: the hidden layers agree"),), {"held_by": None})
    target = default_target(A, B, risk) if target is None else target
    both = [_sizes(A, sizes), _sizes(B, sizes)]
    if sizes is None:
        both[1][0] = A.widths[1] // 2
    search = Search(risk, target, draws, steps)
    sides = [Side(letter, n, K, seed + i) for i, (letter, n, K) in enumerate(zip("AB", (A, B), both))]
    for side in sides:
        began = time.perf_counter()
        for layer in range(A.depth - 1, 0, -1):
            side.points[layer] = search.point(side, layer, draws)
        side.seconds = time.perf_counter() - began
    further = WidthSearch(search, sides, draws)
    for _ in range(rounds):
        if not further.improved(widen=sizes is None):
            break
    middle, Q0 = _middle(search, sides)
    down = [_posed(sides[0], l) for l in range(A.depth - 1, 0, -1)]
    up = [_posed(sides[1], l) for l in range(1, A.depth)]
    moves = moves_through_towers(A, B, [*down, *middle, *up])
    return Path("theorem41", A, _numbered(moves), _notes(sides, Q0, target, time.perf_counter() - start))


def _posed(side: Side, layer: int) -> Tower:
    return replace(side.tower(layer), program=f"Theorem 4.1, best head at layer {layer} of {side.letter}")


def _numbered(moves: Sequence[Move]) -> tuple[Move, ...]:
    """Segment k ends with the k-th program's head, the last one with B."""
    out, segment = [], 1
    for move in moves:
        out.append(replace(move, segment=segment))
        segment += move.program is not None
    return tuple(out)


def _sizes(network: Network, sizes: Sequence[int] | None) -> list[int]:
    widths = network.widths[1:-1]
    if sizes is None:
        return [-(-n // 2) for n in widths]
    if len(sizes) != len(widths):
        raise UsageError(f"theorem41: {len(sizes)} sizes K_l for {plural(len(widths), 'hidden layer')}")
    for l, (K, n) in enumerate(zip(sizes, widths), start=1):
        if not n / 2 <= K <= n:
            raise UsageError(
                f"theorem41: K_{l} = {K}, but Theorem 4.1 needs at least half of layer {l}, ceil({n}/2) = {-(-n // 2)}, and at most {n}"
            )
    return list(sizes)


def _middle(search: Search, sides: Sequence[Side]) -> tuple[list[Tower], float | None]:
    """[] when K_1 of A and of B fit side by side, else [T_0] with xi_0 fed by the inputs, and Q_0."""
    A, B = (side.network for side in sides)
    if sides[0].sizes[0] + sides[1].sizes[0] <= A.widths[1]:
        return [], None
    widths = [n - max(sides[0].sizes[p], sides[1].sizes[p]) for p, n in enumerate(A.widths[1:-1])]
    found: list[Subnetwork] = []
    for side, network in zip(sides, (A, B)):
        kept = [
            most_important(network, network.features(search.risk.X, p), p, t) for p, t in enumerate(widths, start=1)
        ]
        inputs, above = network.rows(search.risk.X), network.above(0)
        teachers, outputs = subnetworks.teachers_of(network, inputs, 0, kept)
        has_bias = [b is not None for b in network.biases]
        start = subnetworks.imitating(teachers, outputs, inputs, has_bias, above)
        if network.shallow and search.risk.objective.kappa > 0:
            # Trained rows would have moving prices: the endpoint's own rows with their best head.
            rows = stacked(network, kept, [])
            Z = network.features(search.risk.X)[:, kept[0]]
            own = Subnetwork((), network.theta[:, kept[0]], network.c)
            own = search.solved(Z, own, network, kept[0], 0, side.seed, above.next)
            found.append(Subnetwork(((rows[0][0], rows[1][0]),), own.head, own.head_bias, own.value))
        else:
            found.append(search.solved(inputs, start, network, None, search.steps, side.seed, above))
        if found[-1].value <= search.target:
            break
    xi = min(found, key=lambda s: s.value)
    weights, biases = tuple(W for W, _ in xi.rows), tuple(b for _, b in xi.rows)
    label = f"T_0: common sub-network, F = {xi.value:.6g}"
    return [Tower(weights, biases, xi.head, xi.head_bias, label, COMMON)], xi.value


def _notes(sides: Sequence[Side], Q0: float | None, target: float, seconds: float) -> dict[str, Any]:
    notes: dict[str, Any] = {"target": target, "Q_0": Q0}
    top, held = -np.inf, ""
    for side in sides:
        points = [side.points[l] for l in sorted(side.points)]
        notes[side.letter] = {
            "Q": [p.value for p in points], "K": [len(p.kept) for p in points], "widths": [side.widths(p.layer) for p in points],
            "draws": [p.draws for p in points], "how": [p.how for p in points], "seconds": side.seconds,
        }  # fmt: skip
        for p in points:
            if p.value > top:
                top, held = p.value, p.described(side.network, side.letter)
    if Q0 is not None and top < Q0:
        top, held = Q0, "the common sub-network xi_0 on the inputs"
    notes |= {"max_value": top, "held_by": held if top > target else None, "seconds": seconds}
    return notes

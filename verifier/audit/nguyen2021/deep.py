"""Claim 5.1, Theorem 4.1, equation (6) and Corollary 4.2 in depth: certified values of built paths against the paper's bounds."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import combinations, pairwise, product

import numpy as np

from verifier.audit.claim import Instance, Rng, Statement, Trial, Word
from verifier.audit.nguyen2021.paths import PAPER, least_squares_head, mean_square
from verifier.audit.nguyen2021.trained_deep import TRAINED, trained_network
from verifier.elaboration.claims import elaborate_path, kernel_problem
from verifier.networks.network import Network
from verifier.objective import Objective, Risk, make_objective
from verifier.paths.path import Path
from verifier.paths.towers.dropout_stability import dropout_path
from verifier.paths.towers.subnetworks import solve_head
from verifier.paths.towers.theorem41 import theorem41
from verifier.paths.towers.tower_path import moves_through_towers

Array = np.ndarray
LOSSES = ("squared", "logistic", "cross_entropy")
# What the kernel's enclosures may add to a float64 value, relative.
ROUNDING = 1e-6
KINDS = {"head", "idle", "transfer"}


def networks_of(instance: Instance, *names: str) -> list[Network]:
    """Networks stored as W{name}, b{name} lists."""
    v = instance.values
    return [Network(tuple(v[f"W{k}"]), tuple(v[f"b{k}"])) for k in names]


def stored(name: str, network: Network) -> dict[str, list]:
    """A network as an instance stores it."""
    return {f"W{name}": list(network.weights), f"b{name}": list(network.biases)}


def random_network(rng: Rng, widths: tuple[int, ...], bias: bool = True) -> Network:
    """Widths (n_0, ..., n_L); with bias=False none at all."""
    weights = tuple(rng.normal(size=(n, m)) * np.sqrt(2.0 / m) for m, n in pairwise(widths))
    return Network(weights, tuple(rng.normal(size=n) if bias else None for n in widths[1:]))


def random_targets(rng: Rng, loss: str, N: int, outputs: int) -> Array:
    if loss == "cross_entropy":
        return rng.integers(0, outputs, N)
    return rng.choice([-1.0, 1.0], (N, 1)) if loss == "logistic" else rng.normal(size=(N, outputs))


def with_best_head(network: Network, o: Objective, X: Array, y: Array) -> Network:
    """The network with the head program's solution, stopped at 1e-4: an endpoint that is good, so that a bound has to come from the path."""
    warm = np.zeros_like(network.theta), None if network.c is None else np.zeros_like(network.c)
    head, c, _ = solve_head(network.features(X), y, o, warm, stop_at=1e-4)
    return network.replace(-1, head, c)


def trained_pairs() -> Iterator[Instance]:
    for data, widths in TRAINED:
        (A, X, y), (B, _, _) = (trained_network(data, widths, seed) for seed in (0, 1))
        v = {"X": X, "y": y, "loss": "logistic", "sizes": None, **stored("A", A), **stored("B", B)}
        yield Instance("trained", f"{data}, hidden widths {widths}", v)


def certified(path: Path, A: Network, B: Network, o: Objective, X: Array, y: Array) -> tuple[float, set[str]]:
    """The kernel's bound of F along the path, and the kinds of its moves."""
    found = elaborate_path(kernel_problem(A, B, Risk(o, X, y)), path)
    return found.claim.sup, set(found.kinds)


def against(sup: float, bound: float, kinds: set[str], scale: float, text: str, met: bool = True) -> Trial:
    """sup <= bound to the enclosures' rounding; moves of another kind count as a violation."""
    return Trial(sup + (np.inf if kinds - KINDS else 0.0), bound, max(scale, abs(bound), 1e-12), met, ROUNDING, text)


def _pairs(bias: bool | None, sizes: bool):  # type: ignore[no-untyped-def]
    """Depth 2 to 6 in turn, three losses; bias None: every other pair without any bias. sizes: also random K_l, so that xi_0 may be needed."""

    def make(rng: Rng, count: int) -> Iterator[Instance]:
        if count >= 50:
            yield from trained_pairs()
        for k in range(count):
            depth, loss = 2 + k % 5, LOSSES[k % 3]
            outputs = 1 if loss == "logistic" else int(rng.integers(2, 4))
            hidden = tuple(int(n) for n in rng.integers(1 + (depth > 3), 7, size=depth - 1))
            widths = (int(rng.integers(1, 4)), *hidden, outputs)
            N = int(rng.integers(1, 12))
            A, B = (random_network(rng, widths, bool(k % 2) if bias is None else bias) for _ in range(2))
            K = [int(rng.integers((n + 1) // 2, n + 1)) for n in hidden] if sizes and k % 4 == 1 else None
            X, y = rng.normal(size=(N, widths[0])), random_targets(rng, loss, N, outputs)
            if k % 4 < 3:
                A, B = (with_best_head(n, make_objective(loss), X, y) for n in (A, B))
            v = {"X": X, "y": y, "loss": loss, "sizes": K, **stored("A", A), **stored("B", B)}
            yield Instance("random", f"L = {depth}, widths {widths}, {loss}" + ", best heads" * (k % 4 < 3), v)

    return make


def _problem(instance: Instance) -> tuple[Network, Network, Objective, Array, Array, list[float]]:
    v = instance.values
    A, B = networks_of(instance, "A", "B")
    o = make_objective(v["loss"])
    return A, B, o, v["X"], v["y"], [o.value(n, v["X"], v["y"]) for n in (A, B)]


def _theorem41(instance: Instance) -> Trial:
    """The right side of (4) at the sets and sub-networks found."""
    A, B, o, X, y, F = _problem(instance)
    path = theorem41(A, B, Risk(o, X, y), sizes=instance.values["sizes"], draws=1, steps=30, rounds=0)
    sup, kinds = certified(path, A, B, o, X, y)
    Q = [q for letter in "AB" for q in path.notes[letter]["Q"]]  # type: ignore[index]
    Q0 = path.notes["Q_0"]
    if isinstance(Q0, float):
        Q.append(Q0)
    bound = max(*F, *Q)
    return against(sup, bound, kinds, max(F), f"certified {sup:.6g}, bound {bound:.6g}, {len(path.moves)} moves")


def _dropout(instance: Instance) -> Trial:
    """epsilon: the larger of the endpoints' losses from the best dropout found, over l."""
    A, B, o, X, y, F = _problem(instance)
    path = dropout_path(A, B, Risk(o, X, y), draws=10)
    sup, kinds = certified(path, A, B, o, X, y)
    eps = max(max(path.notes[letter]["D"]) - f for letter, f in zip("AB", F))  # type: ignore[index]
    eps = max(eps, 0.0)
    return against(sup, max(F) + eps, kinds, max(F) + eps, f"certified {sup:.6g}, epsilon {eps:.3g}")


def _swap(instance: Instance) -> Trial:
    """Kernel's bound along the swaps of two neurons, one of them pure zero, against F before."""
    A, B, o, X, y, F = _problem(instance)
    sup, kinds = certified(Path("swap", A, moves_through_towers(A, B, [])), A, B, o, X, y)
    if F[0] != 0 and "transfer" not in kinds:
        kinds = {"no transfer"}
    return against(sup, min(F), kinds, max(F), f"certified {sup:.6g}, F = {F[0]:.6g}")


def _silenced(A: Network, layer: int, p: int, q: int) -> tuple[Network, Network]:
    """A with neuron p of the layer pure zero, and the same with p and q swapped."""
    own, above, bias = A.weights[layer - 1].copy(), A.weights[layer].copy(), np.array(A.biases[layer - 1])
    own[p], above[:, p], bias[p] = 0.0, 0.0, 0.0
    # A neuron above that reads nothing is no reason for q to be live.
    A = A.replace(layer, own, bias).replace(layer + 1, above)
    order = np.arange(A.widths[layer])
    order[[p, q]] = q, p
    return A, A.replace(layer, own[order], bias[order]).replace(layer + 1, above[:, order])


def _swaps(rng: Rng, count: int) -> Iterator[Instance]:
    if count >= 100:
        for data, hidden in TRAINED:
            network, X, y = trained_network(data, hidden, 0)
            for layer in range(1, len(hidden) + 1):
                p, q = (int(i) for i in rng.choice(hidden[layer - 1], 2, replace=False))
                A, B = _silenced(network, layer, p, q)
                v = {"X": X, "y": y, "loss": "logistic", **stored("A", A), **stored("B", B)}
                yield Instance("trained", f"{data}, hidden widths {hidden}, layer {layer}, neurons {p} and {q}", v)
    for k in range(count):
        depth, loss = 3 + k % 4, LOSSES[k % 3]
        outputs = 1 if loss == "logistic" else 2
        widths = (int(rng.integers(1, 4)), *(int(n) for n in rng.integers(2, 6, size=depth - 1)), outputs)
        A = random_network(rng, widths)
        layer = int(rng.integers(1, depth))
        p, q = (int(i) for i in rng.choice(widths[layer], 2, replace=False))
        A, B = _silenced(A, layer, p, q)
        N = int(rng.integers(1, 10))
        v = {"X": rng.normal(size=(N, widths[0])), "y": random_targets(rng, loss, N, outputs), "loss": loss, **stored("A", A), **stored("B", B)}  # fmt: skip
        yield Instance("random", f"L = {depth}, widths {widths}, layer {layer}, neurons {p} and {q}", v)


def _both_sides(instance: Instance) -> Trial:
    """Equation (6) for two hidden ReLU layers, every Q_l a minimum over a fixed family of sub-networks with least squares heads."""
    v = instance.values
    (A,) = networks_of(instance, "A")
    X, y = v["X"], v["y"][:, 0]
    widths = A.widths[1:-1]
    choices = [[s for k in range((n + 1) // 2, n + 1) for s in combinations(range(n), k)] for n in widths]
    features = [X, A.features(X, 1), A.features(X, 2)]

    @cache
    def Q(l: int, chosen: tuple[int, ...], above: tuple[int, ...]) -> float:
        Z = features[l][:, chosen] if l else X
        values = []
        for member in range(3):
            rng, h = np.random.default_rng([v["seed"], l, member]), Z
            for K, n in zip(above, widths[l:]):
                h = np.maximum(h @ rng.normal(size=(h.shape[1], n - K)) + rng.normal(size=n - K), 0.0)
            values.append(mean_square(h @ least_squares_head(h, y), y) if h.shape[1] else float(np.mean(y**2)))
        return min(values)

    depth = len(widths)
    left = min(
        max(Q(l, sets[l - 1] if l else (), tuple(len(s) for s in sets[l:])) for l in range(depth + 1))
        for sets in product(*choices)
    )
    sizes = [range((n + 1) // 2, (n + 1) // 2 + 1 if v.get("least sizes") else n + 1) for n in widths]
    right = min(
        max(min(Q(l, s, K[l:]) for s in choices[l - 1] if len(s) == K[l - 1]) if l else Q(0, (), K) for l in range(depth + 1))
        for K in product(*sizes)
    )  # fmt: skip
    return Trial(abs(left - right), 0.0, float(np.mean(y**2)) or 1.0, text=f"{left:.6g} and {right:.6g}")


def _tiny(rng: Rng, count: int) -> Iterator[Instance]:
    if count >= 100:
        for data in ("moons", "paper-breast-cancer"):
            network, X, y = trained_network(data, (4, 4), 0)
            v = {"X": X[:40], "y": y[:40], "seed": int(rng.integers(2**31)), **stored("A", network)}
            yield Instance("trained", f"{data}, hidden widths (4, 4), 40 samples", v)
    for _ in range(count):
        widths = (int(rng.integers(1, 3)), *(int(n) for n in rng.integers(1, 5, size=2)), 1)
        N = int(rng.integers(2, 8))
        v = {"X": rng.normal(size=(N, widths[0])), "y": rng.normal(size=(N, 1)), "seed": int(rng.integers(2**31))}
        yield Instance("random", f"widths {widths}, N = {N}", v | stored("A", random_network(rng, widths)))


STATEMENTS = [
    Statement(
        "claim51.deep", PAPER, "Claim 5.1", "one can swap p and q by a continuous PWL path along which the network output is invariant",
        "Depth 3 to 6, squared, logistic and cross-entropy loss: idle and transfer moves, the kernel's bound of F along them against F.",
        Word.HOLDS, _swaps, _swap, hypotheses=("p is pure zero",), count=300,
    ),
    Statement(
        "t41.deep", PAPER, "Theorem 4.1", "max Phi(theta(t)) <= max over the ends of max(Phi, min max inf E Psi(h_L(xi_l, f_l)) + eps)",
        "Depth 2 to 6, any K_l >= n_l / 2, random and trained networks: the kernel's bound along the built path against the "
        "right side of (4) at the sets and sub-networks found.",
        Word.HOLDS, _pairs(None, True), _theorem41, hypotheses=("convex loss",), count=100,
    ),
    Statement(
        "eq6.deep", PAPER, "Equation (6)", "min over sets of max_l Q_l = min over cardinalities of max_l min over sets of that size of Q_l",
        "Both sides by enumeration for two hidden ReLU layers, Q_l the least squares value over a fixed family of sub-networks per l and widths.",
        Word.HOLDS, _tiny, _both_sides, hypotheses=("Q_l depends on I_l and the sizes of later sets only",), count=200,
    ),
    Statement(
        "cor42.deep", PAPER, "Corollary 4.2", "Assume that theta_0 and theta_1 are eps-dropout stable. Then ... max Phi <= max(Phi(theta_0), "
        "Phi(theta_1)) + eps",
        "Depth 2 to 6: the kernel's bound along the path through the best dropouts found, without biases as the paper states it and with consistent ones.",
        Word.HOLDS, _pairs(None, False), _dropout, hypotheses=("eps-dropout stable with the eps found",), count=200,
    ),
]  # fmt: skip

"""Claim 5.1 in any depth, Theorem 4.1 with one hidden layer, equation (6), Corollary 4.2 with one hidden layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations, pairwise, product

import numpy as np

from verifier.audit.claim import Instance, Rng, Statement, Trial, Word
from verifier.audit.nguyen2021.trained_deep import TRAINED, trained_network
from verifier.audit.trained import trained

PAPER = "nguyen2021"
Array = np.ndarray
TIMES = np.linspace(0.0, 1.0, 7)
ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "relu": lambda z: np.maximum(z, 0.0),
    # A neuron without incoming weights is not silent here: only its outgoing ones make it pure zero.
    "sigmoid": lambda z: 0.5 * (1.0 + np.tanh(0.5 * z)),
    "leaky": lambda z: np.where(z > 0, z, 0.1 * z),
}


def outputs(X: Array, weights: list[Array], biases: list[Array], name: str) -> Array:
    """f_L (N, n_L): hidden layers with biases, a last layer without (equation 1). weights[l] is (n_{l-1}, n_l)."""
    F = X
    for W, b in zip(weights, biases):
        F = ACTIVATIONS[name](F @ W + b)
    return np.asarray(F @ weights[-1])


def _swap(instance: Instance) -> Trial:
    v = instance.values
    X, name, layer, p, q = v["X"], v["activation"], v["layer"], v["p"], v["q"]
    W, b = [w.copy() for w in v["weights"]], [c.copy() for c in v["biases"]]
    if not v.get("p is live"):
        W[layer][:, p], b[layer][p], W[layer + 1][p] = 0.0, 0.0, 0.0
    start = outputs(X, W, b, name)
    q_in, q_bias, q_out = W[layer][:, q].copy(), float(b[layer][q]), W[layer + 1][q].copy()
    far = 0.0
    for step in range(3):
        for t in TIMES:
            if step == 0:
                W[layer][:, p], b[layer][p] = t * q_in, t * q_bias
            elif step == 1:
                W[layer + 1][p], W[layer + 1][q] = t * q_out, (1 - t) * q_out
            else:
                W[layer][:, q], b[layer][q] = (1 - t) * q_in, (1 - t) * q_bias
            far = max(far, float(np.abs(outputs(X, W, b, name) - start).max()))
    # At the end p is the old q and q is pure zero.
    wrong = max(np.abs(W[layer][:, p] - q_in).max(), np.abs(W[layer + 1][p] - q_out).max(), np.abs(W[layer][:, q]).max(), np.abs(W[layer +
    1][q]).max())  # fmt: skip
    F = X
    sizes = 1.0
    for w, c in zip(v["weights"], v["biases"]):
        sizes *= float(np.abs(w).sum(axis=0).max())
        F = ACTIVATIONS[name](F @ w + c)
    return Trial(
        far + float(wrong), 0.0, sizes * float(np.abs(X).max()) + 1.0, p != q, 1e-12, f"output moves by {far:.3g}"
    )


def _deep(rng: Rng, count: int) -> Iterator[Instance]:
    for k in range(count):
        depth = int(rng.integers(2, 7))
        widths = [int(w) for w in rng.integers(2, 6, size=depth - 1)]
        sizes = [int(rng.integers(1, 4)), *widths, int(rng.integers(1, 3))]
        weights = [rng.normal(size=s) * 10.0 ** rng.uniform(-1, 1) for s in pairwise(sizes)]
        layer = int(rng.integers(depth - 1))
        p, q = (int(i) for i in rng.choice(widths[layer], 2, replace=False))
        values = {
            "X": rng.normal(size=(5, sizes[0])), "weights": weights, "biases": [rng.normal(size=w) for w in widths],
            "activation": tuple(ACTIVATIONS)[k % 3], "layer": layer, "p": p, "q": q,
        }  # fmt: skip
        yield Instance("random", f"L = {depth}, widths {widths}, {values['activation']}", values)
    if count >= 100:
        for data, hidden in TRAINED:
            network, X, _ = trained_network(data, hidden, 0)
            layer = int(rng.integers(len(hidden)))
            values = {
                "X": X[:20], "weights": [W.T.copy() for W in network.weights], "biases": [b.copy() for b in network.biases[:-1] if b is not None],
                "activation": "relu", "layer": layer, "p": 1, "q": 4,
            }  # fmt: skip
            yield Instance("trained", f"{data}, hidden widths {hidden}, layer {layer + 1}", values)


def _both_sides(instance: Instance) -> Trial:
    """Equation (6) for a table Q_l(I_l, K_{l+1}, ..., K_{L-1}), which is all that Q_l may depend on."""
    widths, seed = instance.values["widths"], instance.values["seed"]
    choices = [[s for k in range((n + 1) // 2, n + 1) for s in combinations(range(n), k)] for n in widths]
    sizes = [range((n + 1) // 2, (n + 1) // 2 + 1 if instance.values.get("least sizes") else n + 1) for n in widths]

    def Q(l: int, chosen: tuple[int, ...], above: tuple[int, ...]) -> float:
        # Few different values: ties are the rule.
        return float(np.random.default_rng([seed, l, *chosen, 99, *above]).integers(8))

    left = min(
        max(Q(l, sets[l - 1] if l else (), tuple(len(s) for s in sets[l:])) for l in range(len(widths) + 1))
        for sets in product(*choices)
    )
    right = min(
        max(
            min(Q(l, s, K[l:]) for s in choices[l - 1] if len(s) == K[l - 1]) if l else Q(0, (), K)
            for l in range(len(widths) + 1)
        )
        for K in product(*sizes)
    )
    return Trial(abs(left - right), 0.0, 1.0, text=f"{left} and {right}, widths {widths}")


def _tables(rng: Rng, count: int) -> Iterator[Instance]:
    for _ in range(count):
        depth = int(rng.integers(1, 3))
        widths = tuple(int(n) for n in rng.integers(1, 5 if depth == 1 else 4, size=depth))
        yield Instance("random", f"widths {widths}", {"widths": widths, "seed": int(rng.integers(2**31))})


def least_squares_head(F: Array, y: Array) -> Array:
    """Least squares head (k,) on features F (N, k)."""
    return np.asarray(np.linalg.lstsq(F, y, rcond=None)[0])


def mean_square(f: Array, y: Array) -> float:
    return float(np.mean((f - y) ** 2))


def _features(v: dict, which: str) -> Array:
    return np.asarray(ACTIVATIONS["relu"](v["X"] @ v[f"W{which}"] + v[f"b{which}"]))


def sparsified(v: dict, which: str, F: Array, xi: tuple[Array, Array, Array]) -> tuple[list[Array], float]:
    """(outputs along the proof's path from one end to the net xi on the neurons outside I, Q_1) for squared loss, L = 2.

    I is the better of the first and last ceil(m/2) neurons; xi = (W, b, head) has at most m - |I| neurons.
    """
    y, theta = v["y"], v[f"theta{which}"]
    m = len(theta)
    half = (m + 1) // 2
    options = [list(range(half)), list(range(m - half, m))]
    heads = [least_squares_head(F[:, I], y) for I in options]
    best = int(np.argmin([mean_square(F[:, I] @ h, y) for I, h in zip(options, heads)]))
    sparse = np.zeros(m)
    sparse[options[best]] = heads[best]
    path = [F @ ((1 - t) * theta + t * sparse) for t in TIMES]
    # The neurons outside I take xi's incoming weights at no cost, then the head goes over.
    others = [i for i in range(m) if i not in options[best]][: len(xi[2])]
    start, goal = v[f"W{which}"].copy(), v[f"W{which}"].copy()
    sb, gb = v[f"b{which}"].copy(), v[f"b{which}"].copy()
    goal[:, others], gb[others] = xi[0][:, : len(others)], xi[1][: len(others)]
    for t in TIMES:
        path.append(ACTIVATIONS["relu"](v["X"] @ ((1 - t) * start + t * goal) + (1 - t) * sb + t * gb) @ sparse)
    head = np.zeros(m)
    head[others] = xi[2][: len(others)]
    G = ACTIVATIONS["relu"](v["X"] @ goal + gb)
    path += [G @ ((1 - t) * sparse + t * head) for t in TIMES]
    return path, mean_square(F @ sparse, y)


def _theorem41(instance: Instance) -> Trial:
    """Both ends go to the same net xi_0 on half of the neurons; permutations by Claim 5.1 join the two copies and cost nothing."""
    v = instance.values
    y, m = v["y"], len(v["thetaA"])
    Wx, bx = v["Wx"][:, : m // 2], v["bx"][: m // 2]
    xi = (Wx, bx, least_squares_head(ACTIVATIONS["relu"](v["X"] @ Wx + bx), y))
    top, bound = 0.0, 0.0
    for which in "AB":
        F = _features(v, which)
        path, Q1 = sparsified(v, which, F, xi)
        top = max(top, max(mean_square(f, y) for f in path))
        Q0 = mean_square(ACTIVATIONS["relu"](v["X"] @ xi[0] + xi[1]) @ xi[2], y)
        bound = max(bound, mean_square(F @ v[f"theta{which}"], y), Q1, Q0)
    return Trial(top, bound, float(np.mean(y**2)) or 1.0, m >= 2, 1e-9, text=f"m = {m}, bound {bound:.3g}")


def _dropout(instance: Instance) -> Trial:
    """The best rescaled half of the neurons loses as much as epsilon; Q_1 and Q_0 are to be at most that. One end of the pair."""
    v = instance.values
    y, F, theta = v["y"], _features(v, "A"), v["thetaA"]
    m = len(theta)
    stable = np.inf
    chosen: tuple[int, ...] = ()
    for subset in combinations(range(m), m // 2):
        f = F[:, subset] @ theta[list(subset)]
        size = float(f @ f)
        r = float(f @ y) / size if size else 0.0
        if mean_square(r * f, y) < stable:
            stable, chosen = mean_square(r * f, y), subset
    rest = [i for i in range(m) if i not in chosen]
    kept = [*chosen, *rest[: (m + 1) // 2 - len(chosen)]]
    Q1 = mean_square(F[:, kept] @ least_squares_head(F[:, kept], y), y)
    # Q_0's net may copy the dropped-out one, whose m // 2 neurons fit beside ceil(m/2).
    Q0 = mean_square(F[:, chosen] @ least_squares_head(F[:, chosen], y), y)
    return Trial(
        max(Q1, Q0), stable, float(np.mean(y**2)) or 1.0, m >= 2, 1e-9, f"m = {m}, loss after dropout {stable:.3g}"
    )


def _pairs(rng: Rng, count: int) -> Iterator[Instance]:
    if count >= 100:
        yield _trained()
    for _ in range(count):
        N, d, m = int(rng.integers(1, 12)), int(rng.integers(1, 4)), int(rng.integers(2, 9))
        v = {"X": rng.normal(size=(N, d)), "y": rng.normal(size=N) * 10.0 ** rng.uniform(-2, 2)}
        for which in "ABx":
            v |= {f"W{which}": rng.normal(size=(d, m)), f"b{which}": rng.normal(size=m), f"theta{which}": rng.normal(size=m)}  # fmt: skip
        if rng.random() < 0.5:
            # Ends that are good: the best head.
            v["thetaA"] = least_squares_head(_features(v, "A"), v["y"])
        yield Instance("random", f"N = {N}, d = {d}, m = {m}", v)


def _trained() -> Instance:
    v: dict = {}
    for which, seed in (("A", 0), ("B", 1), ("x", 1)):
        network, data = trained("paper-breast-cancer", "logistic", 10, seed)
        b = np.zeros(len(network.W)) if network.b is None else network.b
        v |= {f"W{which}": network.W.T.copy(), f"b{which}": b.copy(), f"theta{which}": network.theta[0].copy()}
        v |= {"X": data.X, "y": np.where(data.y > 0, 1.0, -1.0).ravel()}
    return Instance("trained", "Breast Cancer, width 10, squared loss", v)


STATEMENTS = [
    Statement(
        "claim51.swap", PAPER, "Claim 5.1", "one can swap p and q by a continuous PWL path along which the network output is invariant",
        "Output at sampled points of the three steps, depth 2 to 6, ReLU, Leaky ReLU and a sigmoid; the end has p and q swapped.",
        Word.HOLDS, _deep, _swap, hypotheses=("p is pure zero",),
    ),
    Statement(
        "t41.path", PAPER, "Theorem 4.1, L = 2", "max Phi(theta(t)) <= max over the ends of max(Phi, min max inf E Psi(h_L(xi_l, f_l)) + eps)",
        "Squared loss along both ends' paths to a common net xi_0 of half the width, any xi_0: at most the larger of Phi, Q_1 on a half, and xi_0's "
        "loss. Depth 3 to 6: t41.deep.",
        Word.HOLDS, _pairs, _theorem41, hypotheses=("one hidden layer", "|I_1| >= n_1/2"),
    ),
    Statement(
        "eq6.minmax", PAPER, "Equation (6)", "min over sets of max_l Q_l = min over cardinalities of max_l min over sets of that size of Q_l",
        "Both sides by enumeration for tables Q_l(I_l, K_{l+1}, ...) with many ties; up to two hidden layers.",
        Word.HOLDS, _tables, _both_sides, hypotheses=("Q_l depends on I_l and the sizes of later sets only",), count=300,
    ),
    Statement(
        "cor42", PAPER, "Corollary 4.2, L = 2", "Assume that theta_0 and theta_1 are eps-dropout stable. Then ... max Phi <= max(Phi(theta_0), "
        "Phi(theta_1)) + eps",
        "Squared loss: Q_1 and Q_0 of Theorem 4.1 are at most the loss after the best dropout of half the neurons with rescaling. Deeper networks: "
        "cor42.deep.",
        Word.HOLDS, _pairs, _dropout, hypotheses=("one hidden layer",),
    ),
]  # fmt: skip

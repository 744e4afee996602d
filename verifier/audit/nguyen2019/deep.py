"""Lemma 3.4 and Theorems 3.2 to 6.1 in depth: the loss along the built polylines, bounded between vertices by the deep chord lemma."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np

from verifier.audit.claim import Instance, Rng, Statement, Trial, Word
from verifier.elaboration import path_upper_bound
from verifier.errors import UsageError
from verifier.matrices import independent_columns
from verifier.networks.network import Network
from verifier.objective import Risk, make_objective
from verifier.paths.nguyen2019.lemma33 import Curves, map_h
from verifier.paths.nguyen2019.lemma52 import free_neurons, to_full_rank, write_neurons
from verifier.paths.nguyen2019.polyline import Polyline
from verifier.paths.nguyen2019.proposition35 import align_all
from verifier.paths.nguyen2019.theorem32 import theorem32
from verifier.paths.nguyen2019.theorem42 import theorem42
from verifier.paths.nguyen2019.theorem51 import theorem51
from verifier.paths.nguyen2019.theorem61 import theorem61, theorem61_descent
from verifier.paths.path import Path

PAPER = "nguyen2019"
Array = np.ndarray
Widths = Callable[[Rng, int], tuple[int, ...]]
LOSSES = ("squared", "absolute", "logistic", "cross_entropy")
# Parameters beyond this size leave float64 too few digits for an identity.
LARGEST = 1e5


def _network(rng: Rng, widths: tuple[int, ...], slope: float, kind: int) -> Network:
    """Gaussian; for kind 1 with twin neurons, for kind 2 with weights of rank one above the first layer."""
    weights, biases = [], []
    for l, (a, b) in enumerate(pairwise(widths)):
        W = rng.normal(size=(b, a)) * np.sqrt(2.0 / a)
        c = rng.normal(size=b) * 0.5
        if kind == 1 and l + 2 < len(widths):
            W[b // 2 :], c[b // 2 :] = W[0], c[0]
        if kind == 2 and l:
            W = np.outer(W[:, 0], W[0])
        weights.append(W)
        biases.append(c)
    return Network(tuple(weights), tuple(biases), slope)


def fitted(network: Network, X: Array, Y: Array, steps: int = 300) -> Network:
    """Adam on the squared loss."""
    import torch

    parts = [torch.tensor(a.copy(), requires_grad=True) for _, a in network.arrays()]
    optimiser, x, y = torch.optim.Adam(parts, lr=0.01), torch.tensor(X), torch.tensor(Y)
    for _ in range(steps):
        h = x
        for k in range(network.depth):
            h = h @ parts[2 * k].T + parts[2 * k + 1]
            if k + 1 < network.depth:
                h = torch.maximum(h, network.negative_slope * h)
        optimiser.zero_grad()
        ((h - y) ** 2).sum(1).mean().backward()
        optimiser.step()
    arrays = [p.detach().numpy() for p in parts]
    return Network(tuple(arrays[::2]), tuple(arrays[1::2]), network.negative_slope)


def _data(rng: Rng, N: int, d: int, real: bool) -> Array:
    if not real:
        return rng.normal(size=(N, d))
    from sklearn.datasets import load_wine

    table = load_wine().data
    table = (table - table.mean(axis=0)) / table.std(axis=0)
    rows, columns = (rng.choice(n, k, replace=False) for n, k in zip(table.shape, (N, d)))
    return np.ascontiguousarray(table[np.ix_(rows, columns)])


def _pairs(widths: Widths, slopes: tuple[float, ...], networks: int = 2):  # type: ignore[no-untyped-def]
    """Random networks, every third with twins and every third of low rank; with 100 trials or more also trained ones on rows of the wine data."""

    def make(rng: Rng, count: int) -> Iterator[Instance]:
        trained = 5 if count >= 100 else 0
        for k in range(count + trained):
            N = int(rng.integers(1, 6))
            real = k >= count
            shape = widths(rng, N)
            if shape[0] > 13:
                real = False
            X = _data(rng, N, shape[0], real)
            Y = rng.normal(size=(N, shape[-1]))
            slope = float(rng.choice(slopes))
            nets = [_network(rng, shape, slope, 0 if real else (k + j) % 3) for j in range(networks)]
            if real:
                nets = [fitted(n, X, Y) for n in nets]
            values = {"X": X, "Y": Y, "slope": slope, "weights": [n.weights for n in nets], "biases": [n.biases for n in nets]}  # fmt: skip
            yield Instance("trained" if real else "random", f"N = {N}, widths {shape}, slope {slope}", values)

    return make


def _decreasing(rng: Rng, most: int, count: int) -> tuple[int, ...]:
    return tuple(sorted((int(w) for w in rng.choice(range(1, most + 1), count, replace=False)), reverse=True))


def _narrow(rng: Rng, N: int) -> tuple[int, ...]:
    """rank(X) = N, n_1 > ... > n_L."""
    return (N + int(rng.integers(0, 3)), *_decreasing(rng, 8, int(rng.integers(2, 5))))


def _wide_inside(rng: Rng, N: int) -> tuple[int, ...]:
    """n_k >= N for some k < L, decreasing above; any width below."""
    below = tuple(int(w) for w in rng.integers(2, 6, size=int(rng.integers(1, 3))))
    return (*below, N + int(rng.integers(0, 3)), *_decreasing(rng, 6, int(rng.integers(1, 4))))


def _wide_below_two(rng: Rng, N: int) -> tuple[int, ...]:
    """n_k >= N for some k <= L - 2, decreasing above."""
    below = tuple(int(w) for w in rng.integers(2, 6, size=int(rng.integers(1, 3))))
    return (*below, N + int(rng.integers(0, 3)), *_decreasing(rng, 6, int(rng.integers(2, 4))))


def _wide_first(rng: Rng, N: int) -> tuple[int, ...]:
    """n_1 >= 2N, decreasing above."""
    return (int(rng.integers(1, 5)), 2 * N + int(rng.integers(0, 3)), *_decreasing(rng, 7, int(rng.integers(2, 5))))


def _all_wide(factor: int) -> Widths:
    def make(rng: Rng, N: int) -> tuple[int, ...]:
        hidden = (factor * N + int(e) for e in rng.integers(0, 3, size=int(rng.integers(2, 4))))
        return (int(rng.integers(1, 5)), *hidden, int(rng.integers(1, 4)))

    return make


def _networks(instance: Instance) -> list[Network]:
    v = instance.values
    return [Network(tuple(W), tuple(b), v["slope"]) for W, b in zip(v["weights"], v["biases"])]


def _moderate(path: Path) -> bool:
    return all(np.abs(a).max() < LARGEST for v in path.vertices() for _, a in v.arrays())


def _connected(theorem: Callable[..., Path]):  # type: ignore[no-untyped-def]
    """The bound along the path between two networks, for the convex loss with the largest excess, against the larger end."""

    def evaluate(instance: Instance) -> Trial:
        A, B = _networks(instance)
        X, Y = instance.values["X"], instance.values["Y"]
        worst: Trial | None = None
        try:
            # Between its ends the path does not depend on the loss.
            path = theorem(A, B, Risk(make_objective("squared"), X, Y))
        except UsageError:
            return Trial(0.0, 0.0, 1.0, False)
        for loss in LOSSES:
            # The logistic loss reads one output, cross-entropy several.
            if (loss == "logistic" and Y.shape[1] > 1) or (loss == "cross_entropy" and Y.shape[1] == 1):
                continue
            o, y = make_objective(loss), Y
            if loss == "logistic":
                y = np.where(Y > 0, 1.0, -1.0)
            elif loss == "cross_entropy":
                y = np.argmax(Y, axis=1)
            E = max(o.loss_value(n, X, y) for n in (A, B))
            size = E + o.loss_of(np.zeros_like(Y), y)
            trial = Trial(
                path_upper_bound(path, Risk(o, X, y)),
                E,
                size,
                _moderate(path),
                1e-6,
                f"{loss} loss, {len(path.moves)} moves",
            )
            worst = trial if worst is None or trial.slack < worst.slack else worst
        assert worst is not None  # LOSSES holds losses for any number of outputs
        return worst

    return evaluate


def _descends(theorem: Callable[..., Path]):  # type: ignore[no-untyped-def]
    """Squared loss: the largest rise of the bound of a move over the least value before it, plus the final value."""

    def evaluate(instance: Instance) -> Trial:
        (A,) = _networks(instance)
        X, Y, o = instance.values["X"], instance.values["Y"], make_objective("squared")
        try:
            path = theorem(A, Risk(o, X, Y))
        except UsageError:
            return Trial(0.0, 0.0, 1.0, False)
        if instance.values.get("stopped"):
            path = Path("stopped", path.start, path.moves[:-1])
        rise, least = 0.0, o.value(A, X, Y)
        for v, move in zip(path.vertices(), path.moves):
            rise = max(rise, path_upper_bound(Path("move", v, (move,)), Risk(o, X, Y)) - least)
            least = min(least, o.value(move.to, X, Y))
        end = o.value(path.end, X, Y)
        scale = o.value(A, X, Y) + float(np.mean((Y**2).sum(axis=1)))
        return Trial(rise + end, 0.0, scale, _moderate(path), 1e-6, f"{len(path.moves)} moves, end {end:.3g}")

    return evaluate


def _lemma34(instance: Instance) -> Trial:
    """The output stays along the curve and all W_l, l >= 2, have full rank at its end."""
    (A,) = _networks(instance)
    X = instance.values["X"]
    if np.linalg.matrix_rank(X) < len(X) or np.linalg.cond(X) > 1e3:
        return Trial(0.0, 0.0, 1.0, False)
    line = Polyline(A, X)
    if not instance.values.get("as it is"):
        align_all(Curves(line, 1, X, np.linalg.pinv(X)))
    path, f = line.path("lemma34"), A.predict(X)
    o = make_objective("squared")
    far = path_upper_bound(path, Risk(o, X, f))
    size = float(np.mean((f**2).sum(axis=1))) or 1.0
    missing = sum(min(W.shape) - int(np.linalg.matrix_rank(W)) for W in path.end.weights[1:])
    return Trial(
        missing + far / size, 0.0, 1.0, _moderate(path), 1e-10, f"{len(path.moves)} moves, ranks miss {missing}"
    )


def _unbounded32(instance: Instance) -> Trial:
    (A,) = _networks(instance)
    return _grown(A, instance.values["X"], bool(instance.values.get("first layer stays")))


def _unbounded42(instance: Instance) -> Trial:
    """Layer k of at least N neurons is driven to rank N by Lemma 5.2's moves, on which the output stays; above it as for Theorem 3.2, with F_k for inputs."""
    (A,) = _networks(instance)
    X = instance.values["X"]
    k = next((l for l in range(1, A.depth - 1) if A.widths[l] >= len(X)), 0)
    if not k or any(a <= b for a, b in pairwise(A.widths[k + 1 :])):
        return Trial(0.0, 0.0, 1.0, False)
    line = Polyline(A, X)
    if to_full_rank(line, k, len(X)) > 1e3 or not _moderate(line.path("to full rank")):
        return Trial(0.0, 0.0, 1.0, False)
    B = line.network
    above = Network(B.weights[k:], B.biases[k:], B.negative_slope)
    moved = float(np.abs(B.predict(X) - A.predict(X)).max())
    trial = _grown(above, line.features(k), bool(instance.values.get("first layer stays")))
    return replace(trial, left=trial.left + moved, text=f"k = {k}: {trial.text}")


def _grown(A: Network, X: Array, stays: bool) -> Trial:
    """W_2 grows by factors up to 10^4 while (W_1, b_1) = h((factor W_2, b_2), F_2): the output stays. stays: layer 1 does not follow."""
    if np.linalg.matrix_rank(X) < len(X) or np.linalg.cond(X) > 1e3 or np.linalg.cond(A.weights[1]) > 1e3:
        return Trial(0.0, 0.0, 1.0, False)
    R, F = np.linalg.pinv(X), A.features(X, 2) if A.depth > 2 else A.predict(X)
    far, f = 0.0, A.predict(X)
    for factor in 10.0 ** np.arange(5.0):
        grown = Polyline(A.replace(2, A.weights[1] * factor), X)
        W, b = map_h(grown, 1, 2, F, R)
        if not stays:
            grown.change(1, "follows h", W, b)
        far = max(far, float(np.abs(grown.network.predict(X) - f).max()))
    size = float(np.abs(f).max() + max(np.abs(b).max() for b in A.biases if b is not None))
    # h recovers F_2 from features 10^4 times smaller.
    return Trial(far, 0.0, size, True, 1e-7, f"output moves by {far:.3g} up to the factor 10^4")


def _unbounded51(instance: Instance) -> Trial:
    """Lemma 4.3, then the first layer's neurons that nothing reads grow by 10^6: the bound of the squared distance to the first output stays 0."""
    A = _networks(instance)[0]
    X, o = instance.values["X"], make_objective("squared")
    if A.widths[1] <= len(X):
        return Trial(0.0, 0.0, 1.0, False)
    line = Polyline(A, X)
    free = free_neurons(line, 1, independent_columns(line.features(1), most=len(X)))
    if instance.values.get("all neurons"):
        free = np.arange(A.widths[1])
    W, b = line.weight(1), line.bias(1)
    write_neurons(line, 1, free, np.where(W[:, free] == 0.0, 1.0, W[:, free]) * 1e6, b[free], "grow")
    f = A.predict(X)
    far = path_upper_bound(line.path("unbounded"), Risk(o, X, f))
    length = float(np.linalg.norm(line.network.weights[0] - A.weights[0]))
    size = float(np.mean((f**2).sum(axis=1))) or 1.0
    return Trial(far / size + (length < 1e5), 0.0, 1.0, True, 1e-10, f"{len(free)} free neurons, length {length:.3g}")


STATEMENTS = [
    Statement(
        "lemma34", PAPER, "Lemma 3.4", "a continuous curve which starts from theta and ends at some theta' so that theta' satisfies Property 3.1 and "
        "the loss is constant",
        "Depth 2 to 4, weights of rank one and twins included: along the built polyline the squared distance to the first output stays 0, between "
        "vertices too (deep chord lemma), and all W_l, l >= 2, have full rank at its end.",
        Word.HOLDS, _pairs(_narrow, (0.05, 0.3, 0.9), 1), _lemma34, count=200,
        hypotheses=("rank X = N", "n_1 > ... > n_L", "Leaky ReLU"),
    ),
    Statement(
        "t32.path", PAPER, "Theorem 3.2, item 1", "Every sublevel set of Phi is connected",
        "A polyline of moves of one layer each, from any network, low rank and twins included, to any other: the deep chord bound along it, for "
        "squared, absolute, logistic and cross-entropy loss, against the larger end.",
        Word.HOLDS, _pairs(_narrow, (0.05, 0.3, 0.9)), _connected(theorem32), count=200,
        hypotheses=("rank X = N", "n_1 > ... > n_L", "Leaky ReLU"),
    ),
    Statement(
        "t32.unbounded", PAPER, "Theorem 3.2, item 2", "Every non-empty connected component of every level set of Phi is unbounded",
        "W_2 grows to 10^4 times itself, layer 1 follows h: the output stays (relative 1e-7).",
        Word.HOLDS, _pairs(_narrow, (0.05, 0.3, 0.9), 1), _unbounded32, count=300,
        hypotheses=("rank X = N", "n_1 > ... > n_L", "Leaky ReLU", "W_2 of full rank (Lemma 3.4 provides it)"),
    ),
    Statement(
        "t42.path", PAPER, "Theorem 4.2, item 1", "there is a continuous path from any point ... on which the loss is non-increasing and gets arbitrarily "
        "close to p*",
        "Layers below the wide one of any width, up to three above it: rise of the deep chord bound of any move over the least value so far, plus the "
        "final squared loss.",
        Word.HOLDS, _pairs(_wide_inside, (0.05, 0.3, 0.9), 1), _descends(theorem42), count=200,
        hypotheses=("n_k >= N", "n_{k+1} > ... > n_L", "Leaky ReLU", "distinct outputs of layer k - 1 (else the paper perturbs, which may raise the loss)"),
    ),
    Statement(
        "t42.unbounded", PAPER, "Theorem 4.2, item 2", "If k <= L - 2 then every local valley of Phi is unbounded",
        "Layer k goes to rank N at constant output, then W_{k+2} grows to 10^4 times itself while layer k + 1 follows h: the output stays (relative 1e-7).",
        Word.HOLDS, _pairs(_wide_below_two, (0.05, 0.3, 0.9), 1), _unbounded42, count=300,
        hypotheses=("n_k >= N, k <= L - 2", "n_{k+1} > ... > n_L", "Leaky ReLU", "W_{k+2} of full rank"),
    ),
    Statement(
        "t51.path", PAPER, "Theorem 5.1", "Suppose that n_1 >= 2N and n_2 > ... > n_L. Then every sublevel set of Phi is connected",
        "Depth 3 to 5: as t32.path.", Word.HOLDS, _pairs(_wide_first, (0.05, 0.3, 0.9)), _connected(theorem51), count=200,
        hypotheses=("n_1 >= 2N", "n_2 > ... > n_L", "distinct inputs", "Leaky ReLU"),
    ),
    Statement(
        "t51.unbounded.path", PAPER, "Theorem 5.1, second sentence", "every connected component of every level set of Phi is unbounded",
        "Depth 3 to 5: after Lemma 4.3 first-layer neurons that nothing reads grow by 10^6 at constant output.",
        Word.HOLDS, _pairs(_wide_first, (0.05, 0.3, 0.9), 1), _unbounded51, count=300,
        hypotheses=("n_1 >= 2N", "n_2 > ... > n_L", "Leaky ReLU"),
    ),
    Statement(
        "t61.valleys.path", PAPER, "Theorem 6.1, item 1", "If K >= N then the loss Phi has no bad local valleys",
        "Two or three hidden layers, ReLU and Leaky ReLU: as t42.path.", Word.HOLDS, _pairs(_all_wide(1), (0.0, 0.1), 1),
        _descends(theorem61_descent), count=200, hypotheses=("n_l >= N for all l < L", "distinct inputs"),
    ),
    Statement(
        "t61.path", PAPER, "Theorem 6.1, item 2", "If K >= 2N then every sublevel set of Phi is connected",
        "Two or three hidden layers, ReLU and Leaky ReLU: as t32.path.", Word.HOLDS, _pairs(_all_wide(2), (0.0, 0.1)), _connected(theorem61),
        count=200, hypotheses=("n_l >= 2N for all l < L", "distinct inputs"),
    ),
]  # fmt: skip

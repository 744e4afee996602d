"""Lemma 3.3, Proposition 3.5, Lemmas 4.3, 5.2, 5.3: invariance along the proofs' curves, and what holds at their ends."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.linalg import schur

from verifier.audit.claim import Instance, Rng, Statement, Trial, Word
from verifier.audit.nguyen2019 import trained
from verifier.audit.nguyen2019.curves import (
    TIMES,
    exchanged,
    forward,
    free,
    leaky,
    leaky_inverse,
    map_h,
    to_full_rank,
    to_h,
)
from verifier.audit.trained import small_networks, small_pairs
from verifier.matrices import independent_columns
from verifier.regions.exact import exact_rank, integer_rows

PAPER = "nguyen2019"
Array = np.ndarray
# Beyond this condition number float64 says nothing about an identity.
WORST = 1e5


def condition(M: Array) -> float:
    """Ratio of the extreme singular values of rank many; 1 for zero matrices."""
    s = np.linalg.svd(M, compute_uv=False)
    s = s[s > 1e-10 * max(float(s.max(initial=0.0)), 1e-300)]
    return float(s[0] / s[-1]) if len(s) else 1.0


def _layers(instance: Instance) -> tuple[Array, list[tuple[Array, Array]], float]:
    v = instance.values
    return v["X"], list(zip(v["weights"], v["biases"])), v["slope"]


def _proper(X: Array, layers: list[tuple[Array, Array]], slope: float) -> bool:
    rank = np.linalg.matrix_rank
    well = max([condition(X), *(condition(W) for W, _ in layers[1:])]) * (1 / slope) ** len(layers)
    return bool(rank(X) == len(X) and all(rank(W) == W.shape[1] for W, _ in layers[1:]) and well < WORST)


def _lemma33(instance: Instance) -> Trial:
    X, layers, slope = _layers(instance)
    A = instance.values["A"]
    W, b = map_h(X, layers[1:], A, leaky_inverse(slope))
    got = forward(X, [(W, b), *layers[1:]], leaky(slope))[-1]
    left = float(np.abs(got - A).max())
    size = float(np.abs(A).max() + max(np.abs(b).max() for _, b in layers[1:]))
    return Trial(left, 0.0, size or 1.0, _proper(X, layers, slope), 1e-7, f"largest deviation {left:.3g}")


def _lemma33_curve(instance: Instance) -> Trial:
    X, layers, slope = _layers(instance)
    goal = forward(X, layers, leaky(slope))[-1]
    curve = to_h(X, layers, leaky(slope), leaky_inverse(slope))
    W, b = map_h(X, layers[1:], goal, leaky_inverse(slope))
    start = np.vstack([layers[0][0], layers[0][1]])
    far = max(np.abs(forward(X, [(U[:-1], U[-1]), *layers[1:]], leaky(slope))[-1] - goal).max() for U in curve)
    size = float(np.abs(goal).max() + np.abs(start).max() + max(np.abs(b).max() for _, b in layers))
    ends = max(np.abs(curve[0] - start).max(), np.abs(curve[-1] - np.vstack([W, b])).max())
    return Trial(
        float(max(far, ends)), 0.0, size, _proper(X, layers, slope), 1e-6, f"output {far:.3g}, ends {ends:.3g}"
    )


def _middle(instance: Instance) -> Trial:
    """Layers up to k < L only: F_k = sigma(Z_k), so that h for A is the map of k layers, the last one linear, for sigma^-1(A); and the curve keeps Z_k."""
    X, layers, slope = _layers(instance)
    if len(layers) < 3:
        return Trial(0.0, 0.0, 1.0, False)
    sigma, inverse = leaky(slope), leaky_inverse(slope)
    k = 2 + int(instance.values.get("k", 0)) % (len(layers) - 2)
    below = layers[:k]
    A = np.random.default_rng(k).normal(size=(len(X), below[-1][0].shape[1]))
    made = sigma(forward(X, [map_h(X, below[1:], inverse(A), inverse), *below[1:]], sigma)[-1])
    before = sigma(forward(X, below, sigma)[-1])
    curve = [[(U[:-1], U[-1]), *below[1:]] for U in to_h(X, below, sigma, inverse)]
    far = max(float(np.abs(sigma(forward(X, at, sigma)[-1]) - before).max()) for at in curve)
    start = np.vstack(layers[0])
    end = np.vstack(map_h(X, below[1:], inverse(before), inverse))
    ends = max(float(np.abs(np.vstack(at[0]) - goal).max()) for at, goal in ((curve[0], start), (curve[-1], end)))
    left = max(float(np.abs(made - A).max()), far, ends)
    size = float(np.abs(A).max() + np.abs(before).max() + np.abs(start).max() + max(np.abs(b).max() for _, b in layers))
    return Trial(left, 0.0, size, _proper(X, layers, slope), 1e-6, f"k = {k} of {len(layers)}: {left:.3g}")


def _narrowing(rng: Rng, count: int) -> Iterator[Instance]:
    for _ in range(count):
        depth = int(rng.integers(2, 5))
        N = int(rng.integers(1, 5))
        d = N + int(rng.integers(0, 3))
        widths = sorted((int(w) for w in rng.choice(range(1, 8), depth, replace=False)), reverse=True)
        scale = 10.0 ** rng.uniform(-2, 2)
        weights, before = [], d
        for w in widths:
            weights.append(rng.normal(size=(before, w)))
            before = w
        values = {
            "X": rng.normal(size=(N, d)) * scale, "weights": weights, "biases": [rng.normal(size=w) * scale for w in widths],
            "slope": float(rng.choice((0.1, 0.5, 0.9))), "k": int(rng.integers(4)), "A": rng.normal(size=(N, widths[-1])) * scale,
        }  # fmt: skip
        yield Instance("random", f"L = {depth}, N = {N}, widths {widths}", values)
    yield from trained.narrowing(rng, count)


def rotation_path(Q: Array) -> list[Array]:
    """Rotations from the identity to Q, orthogonal with determinant 1, by the angles of its real Schur form."""
    T, Z = schur(Q, output="real")
    blocks, singles, k = [], [], 0
    while k < len(T):
        if k + 1 < len(T) and abs(T[k + 1, k]) > 1e-12:
            blocks.append((k, k + 1, float(np.arctan2(T[k + 1, k], T[k, k]))))
            k += 2
        else:
            if T[k, k] < 0:
                singles.append(k)
            k += 1
    # Determinant 1: eigenvalues -1 come in pairs, each a half turn.
    blocks += [(p, q, np.pi) for p, q in zip(singles[::2], singles[1::2])]
    out = []
    for t in TIMES:
        R = np.eye(len(T))
        for p, q, angle in blocks:
            c, s = np.cos(t * angle), np.sin(t * angle)
            R[np.ix_((p, q), (p, q))] = [[c, -s], [s, c]]
        out.append(Z @ R @ Z.T)
    return out


def full_rank_path(A: Array, B: Array) -> list[Array]:
    """Matrices from A to B, both (m, n) of rank n < m: a rotation of A's polar factor, then a segment of positive definite factors."""
    parts = []
    for M in (A, B):
        U, s, Vt = np.linalg.svd(M)
        n = len(s)
        parts.append((U[:, :n] @ Vt, Vt.T @ np.diag(s) @ Vt, U[:, n:]))
    (UA, PA, NA), (UB, PB, NB) = parts
    if np.linalg.det(np.hstack([UB, NB])) * np.linalg.det(np.hstack([UA, NA])) < 0:
        # m > n leaves a column of the complement whose sign is free.
        NB = np.hstack([-NB[:, :1], NB[:, 1:]])
    Q = np.hstack([UB, NB]) @ np.hstack([UA, NA]).T
    return [R @ UA @ PA for R in rotation_path(Q)] + [UB @ ((1 - t) * PA + t * PB) for t in TIMES]


def _prop35(instance: Instance) -> Trial:
    A, B = instance.values["A"], instance.values["B"]
    least = lambda M: float(np.linalg.svd(M, compute_uv=False)[-1])
    size = float(max(np.linalg.norm(A, 2), np.linalg.norm(B, 2)))
    if min(least(A), least(B)) <= 1e-6 * size:
        return Trial(0.0, 0.0, 1.0, False)
    path = full_rank_path(A, B)
    gaps = max(float(np.linalg.norm(path[0] - A)), float(np.linalg.norm(path[-1] - B)), float(np.linalg.norm(path[len(TIMES) - 1] -
    path[len(TIMES)])))  # fmt: skip
    # The ends and the joint have to fit; what does not is taken off the right side.
    met, right = A.shape[0] > A.shape[1], min(least(M) for M in path) - gaps
    return Trial(min(least(A), least(B)), right, size, met, text=f"ends and joint to {gaps:.2g}")


def _rectangles(rng: Rng, count: int) -> Iterator[Instance]:
    for k in range(count):
        n = int(rng.integers(1, 5))
        m = n + int(rng.integers(1, 4))
        A = rng.normal(size=(m, n))
        B = rng.normal(size=(m, n)) if k % 3 else -A
        if k % 3 == 1:
            B = A.copy()
            B[:, 0] *= -1
        yield Instance("random", f"{m} x {n}", {"A": A, "B": B * 10.0 ** rng.uniform(-2, 2)})
    for one, other in small_pairs(count):
        A, B = (net.W if net.W.shape[0] > net.W.shape[1] else net.W.T for net in (one, other))
        yield Instance("trained", f"first layers, {one.label} and another", {"A": A, "B": B})


def _lemma43(instance: Instance) -> Trial:
    F, W = instance.values["F"], instance.values["W"]
    chosen = independent_columns(F)[int(bool(instance.values.get("one too few"))) :]
    curve = free(F, W, chosen)
    others = np.setdiff1d(np.arange(F.shape[1]), chosen)
    far = max(float(np.abs(F @ c - F @ W).max()) for c in curve)
    left = max(far, float(np.abs(curve[0] - W).max()), float(np.abs(curve[-1][others]).max(initial=0.0)))
    met = len(chosen) < F.shape[1] and condition(F) < WORST
    return Trial(
        left, 0.0, float(np.abs(F).max() * np.abs(W).max() * F.shape[1]) or 1.0, met, 1e-9, f"rank {len(chosen)}"
    )


def _low_rank(rng: Rng, count: int) -> Iterator[Instance]:
    for k in range(count):
        N, n, p = int(rng.integers(1, 7)), int(rng.integers(1, 8)), int(rng.integers(1, 4))
        r = int(rng.integers(0, n))
        F = rng.normal(size=(N, r)) @ rng.normal(size=(r, n))
        if k % 2:
            F = np.maximum(np.round(rng.normal(size=(N, n))), 0.0)
        values = {"F": F * 10.0 ** rng.uniform(-4, 4), "W": rng.normal(size=(n, p)) * 10.0 ** rng.uniform(-4, 4)}
        yield Instance("random", f"N = {N}, n = {n}", values)
    for net in small_networks(count):
        yield Instance("trained", f"{net.label}, 8 samples", {"F": net.features[:8], "W": net.theta[:, None]})


def exact_rank_of(F: Array) -> int:
    """Rank of a float matrix, exactly."""

    return exact_rank(integer_rows(F))


def _lemma52(instance: Instance) -> Trial:
    X, W, b, V, slope = (instance.values[k] for k in ("X", "W", "b", "V", "slope"))
    sigma = leaky(slope)
    curve = to_full_rank(X, W, b, V, sigma, np.random.default_rng(0))
    Z = sigma(X @ W + b) @ V
    far = max(float(np.abs(sigma(X @ w + c) @ v - Z).max()) for w, c, v in curve)
    end = sigma(X @ curve[-1][0] + curve[-1][1])
    missing = len(X) - exact_rank_of(end)
    size = float(np.abs(Z).max() + max(np.abs(v).max() for _, _, v in curve) * np.abs(sigma(X @ W + b)).max())
    met = W.shape[1] >= len(X) and len(np.unique(X, axis=0)) == len(X) and condition(sigma(X @ W + b)) < WORST
    return Trial(
        missing + far / (size or 1.0), 0.0, 1.0, met, 1e-8, f"rank misses {missing}, output moves by {far:.3g}"
    )


def _wide(twice: bool):  # type: ignore[no-untyped-def]
    def make(rng: Rng, count: int) -> Iterator[Instance]:
        for k in range(count):
            N, d, p = int(rng.integers(1, 6)), int(rng.integers(1, 4)), int(rng.integers(1, 3))
            n = (2 if twice else 1) * N + int(rng.integers(0, 3))
            X = rng.normal(size=(N, d)) if k % 2 else rng.integers(-3, 4, size=(N, d)).astype(np.float64)
            W, W2 = (rng.normal(size=(d, n)) * 10.0 ** rng.uniform(-1, 1) for _ in range(2))
            b, b2 = rng.normal(size=(2, n))
            if k % 3 == 0:
                # Twins and dead neurons: few independent features.
                W[:, n // 2 :], b[n // 2 :] = W[:, :1], b[0]
                b[0] = -10 * float(np.abs(X @ W).max())
            values = {"X": X, "W": W, "b": b, "V": rng.normal(size=(n, p)), "W2": W2, "b2": b2, "V2": rng.normal(size=(n, p)), "slope":
            float(rng.choice((0.0, 0.1)))}  # fmt: skip
            yield Instance("random", f"N = {N}, n = {n}, d = {d}", values)
        for one, other in small_pairs(count):
            for N in (4, 10):
                values = {
                    "X": one.X[:N], "W": one.W.T, "b": one.b, "V": one.theta[:, None], "W2": other.W.T, "b2": other.b, "V2": other.theta[:, None],
                }  # fmt: skip
                for slope in (0.0, 0.1):
                    yield Instance("trained", f"{one.label} and another, {N} samples", {**values, "slope": slope})

    return make


def _lemma53(instance: Instance) -> Trial:
    """The lemma's X has a column of ones for the biases, as it is used in Theorem 5.1."""
    v, sigma = instance.values, leaky(instance.values["slope"])
    X = np.hstack([v["X"], np.ones((len(v["X"]), 1))])
    # Lemma 5.2 first: it supplies the ranks that this lemma asks for.
    rng = np.random.default_rng(0)
    W, b, V = to_full_rank(v["X"], v["W"], v["b"], v["V"], sigma, rng)[-1]
    W2, b2, _ = to_full_rank(v["X"], v["W2"], v["b2"], v["V2"], sigma, rng)[-1]
    U, goal = np.vstack([W, b]), np.vstack([W2, b2])
    F, G = sigma(X @ U), sigma(X @ goal)
    met = U.shape[1] >= 2 * len(X) and exact_rank_of(F) == exact_rank_of(G) == len(X)
    met = met and max(condition(M[:, independent_columns(M)]) for M in (F, G)) < 1e3
    if not met:
        return Trial(0.0, 0.0, 1.0, False)
    curve = exchanged(X, U, V, goal, sigma)
    if v.get("straight"):
        curve = [((1 - t) * U + t * goal, V) for t in TIMES]
    far = max(float(np.abs(sigma(X @ u) @ w - F @ V).max()) for u, w in curve)
    end = float(np.abs(curve[-1][0] - goal).max())
    size = max(float(np.abs(sigma(X @ u)).max() * np.abs(w).max()) for u, w in curve)
    return Trial(far + end, 0.0, size or 1.0, True, 1e-7, f"output moves by {far:.3g}, end off by {end:.3g}")


STATEMENTS = [
    Statement(
        "lemma33", PAPER, "Lemma 3.3, item 1", "F_k(h((W_l, b_l)_{l=2}^k, A), (W_l, b_l)_{l=2}^k) = A",
        "The output with the first layer from h is A, relative 1e-7, depth 2 to 4, k = L.", Word.HOLDS, _narrowing, _lemma33,
        hypotheses=("rank X = N", "n_1 > ... > n_L", "W_2, ..., W_L of full rank", "Leaky ReLU"),
    ),
    Statement(
        "lemma33.curve", PAPER, "Lemma 3.3, item 2", "there is a continuous curve from theta to (h(...), ...) on which the loss is constant",
        "Along the curve built layer by layer from the kernels the output stays, its ends fit, relative 1e-6.", Word.HOLDS, _narrowing, _lemma33_curve,
        hypotheses=("as Lemma 3.3",),
    ),
    Statement(
        "lemma33.middle", PAPER, "Lemma 3.3, k < L", "Given some k in [2, L]. Then there is a continuous map h ... F_k(h((W_l, b_l)_{l=2}^k, A), "
        "(W_l, b_l)_{l=2}^k) = A",
        "Depth 3 and 4, k from 2 to L - 1: the features of layer k are A, and along the curve to h they stay, its ends fit, relative 1e-6.",
        Word.HOLDS, _narrowing, _middle, hypotheses=("as Lemma 3.3", "k < L"),
    ),
    Statement(
        "prop35", PAPER, "Proposition 3.5", "The set of full rank matrices A in R^(m x n) is connected for m != n",
        "Along a rotation of the polar factor and a segment of positive definite ones the smallest singular value stays at least that of the ends.",
        Word.HOLDS, _rectangles, _prop35, hypotheses=("m > n (m < n by transposing)", "full rank"),
    ),
    Statement(
        "lemma43", PAPER, "Lemma 4.3", "c(0) = W and F c(lambda) = F W; the product F c(1) is independent of F(:, Ibar)",
        "F c(lambda) stays, and the rows of c(1) outside I are 0.", Word.HOLDS, _low_rank, _lemma43, hypotheses=("rank F < n",),
    ),
    Statement(
        "lemma52", PAPER, "Lemma 5.2", "sigma(X W + 1 b^T) V = Z on the curve; rank(sigma(X W(1) + 1 b(1)^T)) = N",
        "The output stays and the end's features have rank N, settled in integers; ReLU and Leaky ReLU, with twins and dead neurons.",
        Word.HOLDS, _wide(False), _lemma52, hypotheses=("n >= N", "distinct rows of X"),
    ),
    Statement(
        "lemma53", PAPER, "Lemma 5.3", "sigma(X W(lambda)) V(lambda) = sigma(X W) V; W(1) = W'",
        "The three copy steps keep the output and end at W'.", Word.HOLDS, _wide(True), _lemma53,
        hypotheses=("n >= 2N", "both feature matrices of rank N"),
    ),
]  # fmt: skip

"""Lemma 2, Theorem 3, Lemma 4: what the rank of the Jacobian is good for, and how often a 0/1 matrix is singular."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from flint import fmpz_mat

from verifier.audit.claim import Instance, Rng, Statement, Trial, Word, compared
from verifier.audit.karhadkar2023.shares import bounds, singular
from verifier.audit.search import ascend
from verifier.audit.trained import small_networks, trained
from verifier.matrices import augmented_inputs

PAPER = "karhadkar2023"
Array = np.ndarray


def output(W: Array, v: Array, X: Array) -> Array:
    """F(W, X) (n,) of W (d1, d0), v (d1,), X (n, d0)."""
    return np.asarray(np.maximum(X @ W.T, 0.0) @ v)


def jacobian(W: Array, v: Array, X: Array) -> Array:
    """(n, d1 d0): derivative of F(W, X) by W where no pre-activation is 0."""
    active = (X @ W.T > 0) * v
    return np.asarray((active[:, :, None] * X[:, None, :]).reshape(len(X), -1))


def loss(W: Array, v: Array, X: Array, y: Array) -> float:
    """(1/2n) |F(W, X) - y|^2, equation (1)."""
    return float(np.sum((output(W, v, X) - y) ** 2) / (2 * len(y)))


def differenced_gradient(W: Array, v: Array, X: Array, y: Array) -> Array | None:
    """Gradient of the loss by central differences, exact up to rounding inside a region where it is quadratic; None too near to its boundary."""
    sizes = np.linalg.norm(X, axis=1)
    margin = float(np.min(np.abs(X @ W.T) / sizes[:, None])) if sizes.all() else 0.0
    step = min(0.25 * margin, 0.1 * float(np.abs(W).max()))
    if step <= 1e-4 * float(np.abs(W).max()):
        return None
    out = np.zeros_like(W)
    for i, k in np.ndindex(*W.shape):
        up, down = W.copy(), W.copy()
        up[i, k] += step
        down[i, k] -= step
        out[i, k] = (loss(up, v, X, y) - loss(down, v, X, y)) / (up[i, k] - down[i, k])
    return out


def _lemma2(instance: Instance) -> Trial:
    """At a differentiable point n |grad L| >= sigma_n(J) |F - y|: no critical point without zero loss where J has rank n."""
    W, v, X, y = (instance.values[k] for k in ("W", "v", "X", "y"))
    gradient = differenced_gradient(W, v, X, y)
    if gradient is None or len(y) > W.size:
        return Trial(0.0, 0.0, 1.0, False)
    least = float(np.linalg.svd(jacobian(W, v, X), compute_uv=False)[-1])
    residual = float(np.linalg.norm(output(W, v, X) - y))
    left, right = least * residual, len(y) * float(np.linalg.norm(gradient))
    scale = float(np.linalg.norm(jacobian(W, v, X), 2) * (residual + np.linalg.norm(y)))
    return Trial(left, right, scale or 1.0, least > 0, 1e-7, f"sigma_n = {least:.3g}, residual {residual:.3g}")


def _networks(rng: Rng, count: int) -> Iterator[Instance]:
    if count >= 100:
        yield from _trained()
    for k in range(count):
        n, d0, d1 = int(rng.integers(1, 6)), int(rng.integers(1, 4)), int(rng.integers(1, 7))
        scale = 10.0 ** rng.uniform(-3, 3)
        W, v, X = rng.normal(size=(d1, d0)) * scale, rng.choice((-1.0, 1.0), d1), rng.normal(size=(n, d0))
        y = output(W, v, X) + scale * 10.0 ** rng.uniform(-4, 1) * rng.normal(size=n)
        if k % 3 == 0:
            # The minimiser over the whole linear piece, where it lies in the region: a true critical point.
            J = jacobian(W, v, X)
            new = W + (np.linalg.pinv(J) @ (y - output(W, v, X))).reshape(W.shape)
            if ((X @ new.T > 0) == (X @ W.T > 0)).all():
                W = new
        yield Instance("random", f"n = {n}, d0 = {d0}, d1 = {d1}", {"W": W, "v": v, "X": X, "y": y})


def _trained() -> Iterator[Instance]:
    for seed in range(2):
        network, data = trained("paper-breast-cancer", "logistic", 20, seed)
        X = augmented_inputs(data.X)[:25]
        W = np.hstack([network.W, np.zeros((len(network.W), 1)) if network.b is None else network.b[:, None]])
        values = {"W": W, "v": network.theta[0].copy(), "X": X, "y": np.where(data.y[:25] > 0, 1.0, -1.0).ravel()}
        yield Instance("trained", f"Breast Cancer, 25 samples, width 20, seed {seed}", values)


def _search_lemma2(rng: Rng, seconds: float) -> Instance | None:
    return ascend(_networks(rng, 60), _lemma2, ("W", "X", "y"), rng, min(seconds, 5.0), rounds=40)


def _theorem3(instance: Instance) -> Trial:
    d, samples = instance.values["d"], instance.values["samples"]
    matrices = np.random.default_rng(instance.values["seed"]).integers(0, 2, size=(samples, d, d))
    hits = int(singular(matrices).sum())
    # A row of zeros is enough, and too rare for any sample to show: its share is known exactly.
    lower = max(bounds(hits, samples)[0], float(-np.expm1(d * np.log1p(-(2.0**-d)))))
    base = instance.values.get("base", 2.0**-0.5)
    return compared(
        lower,
        base**d,
        met=d >= 26,
        text=f"{hits} of {samples} singular, d = {d}; at least {lower:.3g} by rows of zeros",
    )


def _sizes(rng: Rng, count: int) -> Iterator[Instance]:
    for _ in range(count):
        d = int(rng.integers(26, 31))
        yield Instance("random", f"d = {d}", {"d": d, "samples": 10_000, "seed": int(rng.integers(2**31))})


def integer_rank(rows: list[list[int]]) -> int:
    """Exact rank of an integer matrix."""
    return int(fmpz_mat(rows).rank())


def _lemma4(instance: Instance) -> Trial:
    """Entries are integers (scaled dyadic numbers), so both ranks are exact."""
    a, x, v = (instance.values[k] for k in ("a", "x", "v"))
    plain = [[int(p) * int(q) for p in s for q in t] for s, t in zip(a, x)]
    weighted = [[int(c) * int(p) * int(q) for c, p in zip(v, s) for q in t] for s, t in zip(a, x)]
    left = abs(integer_rank(plain) - integer_rank(weighted))
    return Trial(left, 0.0, 1.0, all(int(c) for c in v), text=f"rank {integer_rank(plain)} of {len(a)}")


def _vectors(rng: Rng, count: int) -> Iterator[Instance]:
    for k in range(count):
        n, d0, d1 = int(rng.integers(1, 7)), int(rng.integers(1, 4)), int(rng.integers(1, 5))
        binary = k % 2 == 0
        a = rng.integers(0, 2, size=(n, d1)) if binary else rng.integers(-2, 3, size=(n, d1))
        x = rng.integers(-2, 3, size=(n, d0))
        # Powers of two up to 2^300 apart: a rank in floats would be lost.
        v = [int(s) * 2 ** int(e) * int(o) for s, e, o in zip(rng.choice((-1, 1), d1), rng.integers(0, 300, d1), rng.integers(1, 9, d1))]  # fmt: skip
        yield Instance("random", f"n = {n}, d0 = {d0}, d1 = {d1}", {"a": a, "x": x, "v": v})
    for net in small_networks(count):
        n = 30
        # Rounded to multiples of 2^-60, as integers.
        whole = lambda values: [int(v * 2**60) for v in map(Fraction, values.tolist())]
        values = {
            "a": (net.features[:n] > 0).astype(np.int64),
            "x": [whole(x) for x in net.X[:n]],
            "v": whole(net.theta),
        }
        yield Instance("trained", f"{net.label}, {n} samples", values)


STATEMENTS = [
    Statement(
        "lemma2", PAPER, "Lemma 2", "If rank(grad F(theta, X)) = n, then theta is a global minimizer",
        "n |grad L| is at least the n-th singular value of the Jacobian times |F - y|, so a critical point with full rank has zero loss; the gradient "
        "by differences.",
        Word.HOLDS, _networks, _lemma2, search=_search_lemma2,
        hypotheses=("the point is differentiable", "the Jacobian has rank n"),
    ),
    Statement(
        "t3.bourgain", PAPER, "Theorem 3", "A is singular with probability at most (1/sqrt(2) + o(1))^d",
        "The share of 0/1 matrices with a row of zeros, 1 - (1 - 2^-d)^d, and the lower Clopper-Pearson end of the share of singular ones among "
        "sampled matrices are at most 2^(-d/2) for 26 <= d <= 30. The o(1) is not quantified, and "
        "without it small d exceed the bound: 10 of 16 for d = 2, about 1.6 % against 0.28 % for d = 17.",
        Word.HOLDS, _sizes, _theorem3, count=30, hypotheses=("d >= 26, where o(1) is left out",),
    ),
    Statement(
        "lemma4", PAPER, "Lemma 4", "rank({(v * a^(j)) kron x^(j)}) = rank({a^(j) kron x^(j)})",
        "Both ranks, in integers, are the same, with entries of v up to 2^300 apart.",
        Word.HOLDS, _vectors, _lemma4, hypotheses=("no entry of v is 0",),
    ),
]  # fmt: skip

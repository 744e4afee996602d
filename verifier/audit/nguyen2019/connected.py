"""Theorems 3.2 to 6.1: paths built by the proofs; with one hidden layer here, deeper ones in `deep`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from verifier.audit.claim import Instance, Statement, Trial, Word
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
from verifier.audit.nguyen2019.lemmas import (
    PAPER,
    _layers,
    _narrowing,
    _proper,
    _wide,
    condition,
    exact_rank_of,
    full_rank_path,
)
from verifier.matrices import independent_columns

Array = np.ndarray
LOSSES = ("squared", "absolute", "logistic")
MULTICLASS = ("cross-entropy", "multiclass hinge")


def losses(name: str, F: Array, Y: Array) -> float:
    """A convex loss of outputs F and targets Y of one shape; a sample's class is where its targets are largest."""
    if name in MULTICLASS:
        own = F[np.arange(len(F)), np.argmax(Y, axis=1)]
        if name == "cross-entropy":
            return float(np.mean(np.logaddexp.reduce(F, axis=1) - own))
        # Crammer and Singer: the largest margin violation.
        others = np.where(np.eye(F.shape[1], dtype=bool)[np.argmax(Y, axis=1)], -np.inf, F)
        return float(np.mean(np.maximum(0.0, 1.0 + others.max(axis=1) - own)))
    if name == "squared":
        return float(np.mean((F - Y) ** 2))
    if name == "absolute":
        return float(np.mean(np.abs(F - Y)))
    return float(np.mean(np.logaddexp(0.0, -F * np.where(Y > 0, 1.0, -1.0))))


def _targets(shape: tuple[int, ...], scale: float) -> Array:
    return np.random.default_rng(shape[0]).normal(size=shape) * scale


def _connected(slope: float, names: tuple[str, ...] = LOSSES):  # type: ignore[no-untyped-def]
    """L = 2, n_1 >= 2N: max of the loss along Lemma 5.2 on both sides, Lemma 5.3 and a head segment, against the larger end."""

    def evaluate(instance: Instance) -> Trial:
        v, sigma = instance.values, leaky(slope)
        X = np.hstack([v["X"], np.ones((len(v["X"]), 1))])
        rng = np.random.default_rng(0)
        first = to_full_rank(v["X"], v["W"], v["b"], v["V"], sigma, rng)
        second = to_full_rank(v["X"], v["W2"], v["b2"], v["V2"], sigma, rng)
        if (
            len(np.unique(v["X"], axis=0)) < len(X)
            or v["W"].shape[1] < 2 * len(X)
            or (names == MULTICLASS and v["V"].shape[1] < 2)
        ):
            return Trial(0.0, 0.0, 1.0, False)
        U, goal = (np.vstack(side[-1][:2]) for side in (first, second))
        F, G = sigma(X @ U), sigma(X @ goal)
        starts = [sigma(v["X"] @ v["W"] + v["b"]), sigma(v["X"] @ v["W2"] + v["b2"])]
        if max(condition(M[:, independent_columns(M)]) for M in (F, G, *starts)) > 1e3:
            return Trial(0.0, 0.0, 1.0, False)
        middle = exchanged(X, U, first[-1][2], goal, sigma)
        outputs = [sigma(v["X"] @ w + b) @ h for w, b, h in [*first, *second]] + [sigma(X @ u) @ h for u, h in middle]
        start, end = middle[-1][1], second[-1][2]
        outputs += [G @ ((1 - t) * start + t * end) for t in TIMES]
        ends = [starts[0] @ v["V"], starts[1] @ v["V2"]]
        Y = _targets(ends[0].shape, float(np.abs(ends[0]).max()) or 1.0)
        worst, name = min(
            ((max(losses(n, o, Y) for o in ends) - max(losses(n, o, Y) for o in outputs), n) for n in names),
        )
        level = max(losses(name, o, Y) for o in ends)
        return Trial(level - worst, level, level or 1.0, True, 1e-6, f"{name} loss, level {level:.3g}")

    return evaluate


def _no_valley(slope: float):  # type: ignore[no-untyped-def]
    """L = 2, n_1 >= N: Lemma 5.2, then a head segment to zero squared loss; the loss never rises above its value at lower times."""

    def evaluate(instance: Instance) -> Trial:
        v, sigma = instance.values, leaky(slope)
        curve = to_full_rank(v["X"], v["W"], v["b"], v["V"], sigma, np.random.default_rng(0))
        F0 = sigma(v["X"] @ v["W"] + v["b"])
        W, b, V = curve[-1]
        F = sigma(v["X"] @ W + b)
        met = len(np.unique(v["X"], axis=0)) == len(F) and W.shape[1] >= len(F)
        met = met and exact_rank_of(F) == len(F) and max(condition(F), condition(F0)) < 1e4
        if not met:
            return Trial(0.0, 0.0, 1.0, False)
        outputs = [sigma(v["X"] @ w + c) @ h for w, c, h in curve]
        Y = _targets(outputs[0].shape, float(np.abs(outputs[0]).max()) or 1.0)
        goal = V + v.get("share of the way", 1.0) * (np.linalg.pinv(F) @ (Y - F @ V))
        outputs += [F @ ((1 - t) * V + t * goal) for t in TIMES]
        values = [losses("squared", o, Y) for o in outputs]
        rise = max(0.0, float(np.max(np.diff(values))))
        return Trial(
            rise + values[-1], 0.0, values[0] or 1.0, True, 1e-7, f"loss from {values[0]:.3g} to {values[-1]:.3g}"
        )

    return evaluate


def _unbounded(instance: Instance) -> Trial:
    """Lemma 4.3, then the rows of the neurons without influence grow by 10^6: output and loss stay."""
    v, sigma = instance.values, leaky(0.1)
    F = sigma(v["X"] @ v["W"] + v["b"])
    chosen = independent_columns(F)
    others = np.setdiff1d(np.arange(F.shape[1]), chosen)
    curve = free(F, v["V"], chosen)
    W, b = v["W"].copy(), v["b"].copy()
    W[:, others] *= 1e6
    b[others] *= 1e6
    far = max(float(np.abs(F @ c - F @ v["V"]).max()) for c in curve)
    far = max(far, float(np.abs(sigma(v["X"] @ W + b) @ curve[-1] - F @ v["V"]).max()))
    size = float(np.abs(F).max() * max(np.abs(c).max() for c in curve))
    return Trial(
        far + (0.0 if len(others) else 1.0), 0.0, size or 1.0, condition(F) < 1e5, 1e-8, f"{len(others)} free neurons"
    )


def _theorem32(instance: Instance) -> Trial:
    """Both ends have full-rank weights: Lemma 3.3's curve, the weights along Proposition 3.5 under h, then outputs along two segments."""
    X, layers, slope = _layers(instance)
    other = replace(instance, values={**instance.values, "weights": instance.values["weights2"], "biases": instance.values["biases2"]})  # fmt: skip
    layers2 = _layers(other)[1]
    if not (_proper(X, layers, slope) and _proper(X, layers2, slope)):
        return Trial(0.0, 0.0, 1.0, False)
    sigma, inverse = leaky(slope), leaky_inverse(slope)
    ends = [forward(X, side, sigma)[-1] for side in (layers, layers2)]
    Y = _targets(ends[0].shape, float(np.abs(ends[0]).max()) or 1.0)
    outputs = []
    for side in (layers, layers2):
        outputs += [forward(X, [(U[:-1], U[-1]), *side[1:]], sigma)[-1] for U in to_h(X, side, sigma, inverse)]
    turns = [full_rank_path(p[0], q[0]) for p, q in zip(layers[1:], layers2[1:])]
    steps = 2 * len(TIMES)
    for k in range(steps):
        t = k / (steps - 1)
        upper = [(turn[k], (1 - t) * p[1] + t * q[1]) for turn, p, q in zip(turns, layers[1:], layers2[1:])]
        if max(condition(W) for W, _ in upper) > 1e3:
            return Trial(0.0, 0.0, 1.0, False)
        outputs.append(forward(X, [map_h(X, upper, ends[0], inverse), *upper], sigma)[-1])
    for F in ends:
        for t in TIMES:
            A = (1 - t) * F + t * Y
            outputs.append(forward(X, [map_h(X, layers2[1:], A, inverse), *layers2[1:]], sigma)[-1])
    level = max(losses("squared", F, Y) for F in ends)
    top = max(losses("squared", F, Y) for F in outputs)
    scale = level + float(np.mean(Y**2))
    return Trial(top, level, scale, True, 1e-6, f"squared loss, level {level:.3g}")


def _two_narrowing(rng: np.random.Generator, count: int):  # type: ignore[no-untyped-def]
    for instance in _narrowing(rng, count):
        weights2 = [rng.normal(size=W.shape) for W in instance.values["weights"]]
        biases2 = [b[rng.permutation(len(b))] for b in instance.values["biases"]]
        yield replace(instance, values={**instance.values, "weights2": weights2, "biases2": biases2})


def _classes(rng: np.random.Generator, count: int):  # type: ignore[no-untyped-def]
    """Random and trained pairs of `_wide`; a head v of one output becomes v, -v of two classes."""
    for instance in _wide(True)(rng, count):
        v = instance.values
        if v["V"].shape[1] == 1:
            v = {**v, **{k: np.hstack([v[k], -v[k]]) for k in ("V", "V2")}}
        yield replace(instance, values=v)


STATEMENTS = [
    Statement(
        "t32", PAPER, "Theorem 3.2", "Every sublevel set of Phi is connected. Moreover, Phi can attain any value arbitrarily close to p*",
        "Squared loss at sampled points of the proof's path between two networks with full-rank weights, depth 2 to 4, against the larger end.",
        Word.HOLDS, _two_narrowing, _theorem32, count=500,
        hypotheses=("rank X = N", "n_1 > ... > n_L", "Leaky ReLU", "Property 3.1 at both ends (without it: t32.path)"),
    ),
    Statement(
        "t42", PAPER, "Theorem 4.2, item 1, L = 2", "The loss Phi has no bad local valleys",
        "One hidden layer with n_1 >= N, Leaky ReLU: the loss never rises along Lemma 5.2's curve and a head segment to zero loss. Deeper "
        "networks: t42.path.",
        Word.HOLDS, _wide(False), _no_valley(0.1), hypotheses=("L = 2", "n_1 >= N", "distinct inputs", "Leaky ReLU"),
    ),
    Statement(
        "t51", PAPER, "Theorem 5.1, L = 2", "Suppose that n_1 >= 2N and n_2 > ... > n_L. Then every sublevel set of Phi is connected",
        "One hidden layer, Leaky ReLU: three convex losses along the proof's path, sampled, against the larger end. Deeper networks: t51.path.",
        Word.HOLDS, _wide(True), _connected(0.1), hypotheses=("L = 2", "n_1 >= 2N", "distinct inputs", "Leaky ReLU"),
    ),
    Statement(
        "t51.multiclass", PAPER, "Section 8, conclusion", "Our results hold for ... general convex losses, e.g. square loss, cross-entropy loss and "
        "multiclass Hinge-loss",
        "Cross-entropy and the multiclass hinge loss on two classes, one hidden layer, Leaky ReLU, the path of t51: sampled, against the larger end. "
        "With depth: t32.path and t51.path, cross-entropy.",
        Word.HOLDS, _classes, _connected(0.1, MULTICLASS), hypotheses=("L = 2", "n_1 >= 2N", "two outputs or more", "distinct inputs", "Leaky ReLU"),
    ),
    Statement(
        "t51.unbounded", PAPER, "Theorem 5.1, second sentence, L = 2", "every connected component of every level set of Phi is unbounded",
        "After Lemma 4.3 the rows of neurons without influence grow by a factor 10^6 and the output stays.",
        Word.HOLDS, _wide(True), _unbounded, hypotheses=("L = 2", "n_1 >= 2N"),
    ),
    Statement(
        "t61.valleys", PAPER, "Theorem 6.1, item 1, one hidden layer", "If K >= N then the loss Phi has no bad local valleys",
        "ReLU, n_1 >= N: as t42.", Word.HOLDS, _wide(False), _no_valley(0.0), hypotheses=("one hidden layer", "n_1 >= N", "distinct inputs"),
    ),
    Statement(
        "t61", PAPER, "Theorem 6.1, item 2, one hidden layer", "If K >= 2N then every sublevel set of Phi is connected",
        "ReLU, n_1 >= 2N: as t51.", Word.HOLDS, _wide(True), _connected(0.0), hypotheses=("one hidden layer", "n_1 >= 2N", "distinct inputs"),
    ),
]  # fmt: skip

"""Corollaries 4.3 and 4.4: their conditions, and the loss that separable features allow."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from math import ceil

import numpy as np

from verifier.audit.claim import About, Instance, Rng, Statement, Trial, Word, compared
from verifier.audit.nguyen2021 import counterexamples
from verifier.audit.nguyen2021.paths import PAPER
from verifier.audit.nguyen2021.separable import best_cross_entropy, cross_entropy, separator
from verifier.audit.trained import small_networks, trained

Array = np.ndarray


def a1(n: int, m: int, kept: int, outputs: int, N: int) -> bool:
    """(A1) for widths n = n_{L-2}, m = n_{L-1} and |I_{L-1}| = kept."""
    return kept >= m / 2 and 4 * (n // 8) * ((m - kept) // (4 * outputs)) >= N


def _widths(instance: Instance) -> Trial:
    """(A1) implies n_{L-2} (n_{L-1} - |I|) >= 8 N n_L, and enough neurons for one hidden layer on points in generic position."""
    n, m, kept, outputs, N = (instance.values[k] for k in ("n", "m", "kept", "outputs", "N"))
    need = max(8 * N * outputs / n, 4 * outputs * ceil(N / ceil(n / 2)))
    return Trial(need, float(m - kept), float(m), a1(n, m, kept, outputs, N), text=f"{instance.values}")


def _sizes(rng: Rng, count: int) -> Iterator[Instance]:
    for _ in range(count):
        outputs = int(rng.integers(1, 4))
        n, m = int(rng.integers(8, 80)), int(rng.integers(8, 400))
        kept = int(rng.integers(ceil(m / 2), m + 1)) if rng.random() < 0.3 else ceil(m / 2)
        most = 4 * (n // 8) * ((m - kept) // (4 * outputs))
        values = {"n": n, "m": m, "kept": kept, "outputs": outputs, "N": max(1, most - int(rng.integers(0, 3)))}
        yield Instance("random", f"n = {n}, m = {m}", values)


def _generic(instance: Instance) -> Trial:
    """Points on the fullest hyperplane {z_k = 0} against d, the number of features: at most d may lie on one hyperplane. Equal ones count once.

    Z: the features of half of a layer; or layer: those of a whole one, for the half of it that is best.
    """
    v = instance.values
    if "layer" in v:
        n = v["layer"].shape[1]
        halves = [v["layer"][:, half] for half in combinations(range(n), ceil(n / 2))]
    else:
        halves = [v["Z"]]
    fullest, (N, d) = min(fullest_face(Z) for Z in halves), halves[0].shape
    return Trial(float(fullest), float(d), float(N), text=f"{fullest} of {N} samples on one hyperplane, d = {d}")


def fullest_face(Z: Array) -> int:
    """The largest number of different rows of Z (N, d) with a 0 in the same place."""
    return max(len(np.unique(Z[Z[:, k] == 0], axis=0)) for k in range(Z.shape[1]))


def _four_sides() -> Instance:
    """x+, x-, y+, y- at points of three quadrants: each two of the four neurons have one that is 0 at three or more different points."""
    X = np.array([[-3, 1], [-2, 2], [-1, 3], [1, -3], [2, -2], [3, -1], [-1, -1], [-2, -2], [-3, -3]], dtype=np.float64)
    layer = np.maximum(np.column_stack([X[:, 0], -X[:, 0], X[:, 1], -X[:, 1]]), 0.0)
    return Instance("known", "positive and negative parts of nine points in the plane", {"layer": layer})


def _relu_features(rng: Rng, count: int) -> Iterator[Instance]:
    """Half of the neurons of trained and of random layers."""
    if count >= 100:
        for seed in range(2):
            network, data = trained("paper-breast-cancer", "logistic", 20, seed)
            yield Instance("trained", f"Breast Cancer, width 20, seed {seed}", {"Z": network.features(data.X)[:, :10]})
        yield from counterexamples.trained_layers().values()
    for _ in range(count):
        N, d = int(rng.integers(2, 60)), int(rng.integers(1, 20))
        X = rng.normal(size=(N, 5))
        Z = np.maximum(X @ rng.normal(size=(5, d)) + rng.normal(size=d), 0.0)
        yield Instance("random", f"N = {N}, d = {d}", {"Z": Z})


def _head(instance: Instance) -> Trial:
    """Q_{L-1}: the last layer has no bias in equation (1). Separable features are to make it 0; 1e-2 is far above what the scaling leaves."""
    Z, labels, classes = (instance.values[k] for k in ("Z", "labels", "classes"))
    if separator(Z, labels, classes, True) is None:
        return Trial(0.0, 0.0, 1.0, False)
    through = separator(Z, labels, classes, False)
    if through is not None:
        # Hyperplanes through the origin: scaling them is enough.
        left = cross_entropy(Z @ through[0] * (40.0 / through[2]), labels)
    else:
        left = best_cross_entropy(Z, labels, classes)
    return Trial(left, 1e-2, 1.0, True, text=f"least loss {left:.3g}, N = {len(Z)}, K = {classes}")


def _head_through_zero(instance: Instance) -> Trial:
    Z, labels, classes = (instance.values[k] for k in ("Z", "labels", "classes"))
    found = separator(Z, labels, classes, False)
    if found is None:
        return Trial(0.0, 0.0, 1.0, False)
    W, _, margin = found
    scale = instance.values.get("scale", 40.0) / margin
    # On its own class a logit is at least 40, on the others at most -40.
    return compared(cross_entropy(Z @ W * scale, labels), np.log1p((classes - 1) * np.exp(-80.0)) + 1e-15, text=f"margin {margin:.3g}")  # fmt: skip


def _hidden(instance: Instance) -> Trial:
    """Q_l, l < L - 1: one neuron per class with a bias, then a scaled diagonal; ReLU."""
    Z, labels, classes = (instance.values[k] for k in ("Z", "labels", "classes"))
    found = separator(Z, labels, classes, True)
    if found is None:
        return Trial(0.0, 0.0, 1.0, False)
    W, b, margin = found
    F = np.maximum(Z @ W + b, 0.0) * (instance.values.get("scale", 40.0) / margin)
    return compared(cross_entropy(F, labels), np.log1p((classes - 1) * np.exp(-40.0)) + 1e-15, text=f"margin {margin:.3g}")  # fmt: skip


def _one_neuron(instance: Instance) -> Trial:
    """n_L = 1, |I_l| = n_l - 1: one free ReLU neuron, an output of one sign; samples of the other sign lose log 2 or more each."""
    Z, labels = instance.values["Z"], instance.values["labels"]
    if instance.values["classes"] != 2 or separator(Z, labels, 2, True) is None:
        return Trial(0.0, 0.0, 1.0, False)
    share = float(np.mean(labels))
    left = min(share, 1.0 - share) * float(np.log(2))
    return Trial(left, 1e-2, 1.0, True, text=f"loss at least {left:.3g}, N = {len(Z)}")


def _two_neurons(instance: Instance) -> Trial:
    """A second free neuron: the logit relu(w z + b) - relu(-w z - b), scaled, is the hyperplane's value."""
    Z, labels = instance.values["Z"], instance.values["labels"]
    found = separator(Z, labels, 2, True) if instance.values["classes"] == 2 else None
    if found is None:
        return Trial(0.0, 0.0, 1.0, False)
    z = (Z @ found[0][:, 1] + found[1][1]) * (instance.values.get("scale", 40.0) / found[2])
    f = np.maximum(z, 0.0) - np.maximum(-z, 0.0)
    left = float(np.mean(np.logaddexp(0.0, -np.where(labels == 1, f, -f))))
    return compared(left, np.log1p(np.exp(-40.0)) + 1e-15, text=f"margin {found[2]:.3g}")


def _separable(rng: Rng, count: int) -> Iterator[Instance]:
    """ReLU-like features (not negative), labels cut by parallel or by general hyperplanes; of trained networks the samples they get right."""
    for net in small_networks(count):
        # Without the output bias the predictions' signs may be other ones: these are what hyperplanes through 0 separate.
        signs = np.sign(net.features @ net.theta)
        right = np.flatnonzero(signs == net.y)[:80]
        values = {"Z": net.features[right], "labels": (net.y[right] > 0).astype(np.int64), "classes": 2}
        yield Instance("trained", f"{net.label}, {len(right)} samples", values)
    for k in range(count):
        N, d = int(rng.integers(2, 9)), int(rng.integers(1, 4))
        Z = np.abs(np.round(rng.normal(size=(N, d)), 1)) + 0.1
        normal = np.ones(d) if k % 2 else rng.normal(size=d)
        cut = float(np.median(Z @ normal)) if k % 3 else 0.0
        labels = (Z @ normal > cut).astype(np.int64)
        classes = 2
        if k % 4 == 3 and d > 1:
            # Three classes around a centre.
            labels, classes = np.argmax(Z @ rng.normal(size=(d, 3)), axis=1), 3
        yield Instance("random", f"N = {N}, d = {d}, K = {classes}", {"Z": Z, "labels": labels, "classes": classes})


def _one_ray() -> Instance:
    values = {"Z": np.array([[1.0, 1.0], [2.0, 2.0]]), "labels": np.array([0, 1]), "classes": 2}
    return Instance("known", "features (1, 1) and (2, 2), one sample of each class", values)


def _two_numbers() -> Instance:
    values = {"Z": np.array([[0.0], [1.0]]), "labels": np.array([0, 1]), "classes": 2}
    return Instance("known", "the inputs 0 and 1, one sample of each class", values)


_SEPARATED = "there exist n_L hyperplanes, each separating the samples of one class from the other classes perfectly"

STATEMENTS = [
    Statement(
        "cor43.A1", PAPER, "Corollary 4.3, (A1)", "it requires that n_{L-2} (n_{L-1} - |I_{L-1}|) is at least roughly 8 N n_L",
        "(A1) implies that, and at least 4 n_L ceil(N/d) free neurons in layer L-1, d = ceil(n_{L-2}/2), which memorise points in generic position.",
        Word.HOLDS, _sizes, _widths, hypotheses=("(A1)",),
    ),
    Statement(
        "cor43.A2", PAPER, "Corollary 4.3, (A2)", "need to be in generic position, which is rather standard in the literature",
        "A condition, measured: half of a ReLU layer's features, trained or random, in generic position. Fails: all samples where one neuron is "
        "silent lie on one hyperplane, more than d of them.",
        Word.FAILS, _relu_features, _generic, (_four_sides(),), counterexample=counterexamples.generic,
        trained_counterexamples=counterexamples.trained_layers, hypotheses=("ReLU",), about=About.ASSUMPTION,
    ),
    Statement(
        "cor44.head", PAPER, "Corollary 4.4 and the remark after it, l = L - 1", _SEPARATED,
        "Separable features make inf Q_{L-1} zero. Fails: the last layer has no bias, so hyperplanes off the origin are of no use to it; features (1, "
        "1) and (2, 2) leave 0.64. "
        "This breaks the step from (4) to (11), not by itself the corollary.",
        Word.FAILS, _separable, _head, (_one_ray(),), counterexample=counterexamples.head,
        repaired=Statement(
            "cor44.head.repaired", PAPER, "Corollary 4.4, l = L - 1", "", "Hyperplanes through the origin (or a bias in the last layer): scaled "
            "logits give at most log(1 + (K-1) e^-80).",
            Word.HOLDS, _separable, _head_through_zero, hypotheses=("separable by hyperplanes through 0",),
        ),
        hypotheses=("features linearly separable", "cross-entropy", "one label per sample"),
    ),
    Statement(
        "cor44.one-output", PAPER, "Corollary 4.4, l < L - 1, n_L = 1", "subsets ... such that n_l / 2 <= |I_l| <= n_l - n_L",
        "Binary labels with one output and the logistic loss: separable features make inf Q_l zero with |I_l| = n_l - 1. Fails: without an output bias one "
        "free ReLU neuron gives outputs of one sign. With n_L >= 2 outputs or an output bias n_L free neurons are enough (cor44.hidden).",
        Word.FAILS, _separable, _one_neuron, (_two_numbers(),), counterexample=counterexamples.one_output,
        repaired=Statement(
            "cor44.one-output.repaired", PAPER, "Corollary 4.4, l < L - 1, n_L = 1", "", "|I_l| <= n_l - 2: two neurons of opposite signs.",
            Word.HOLDS, _separable, _two_neurons, hypotheses=("features linearly separable",),
        ),
        hypotheses=("features linearly separable", "logistic loss", "one output, no output bias", "ReLU"), about=About.REMARK,
    ),
    Statement(
        "cor44.hidden", PAPER, "Corollary 4.4, l < L - 1", "there exists subsets ... such that the set of features is linearly separable, for all l",
        "One ReLU neuron per class with a bias and a scaled diagonal head: the loss is at most log(1 + (K-1) e^-40), so Q_l = 0.",
        Word.HOLDS, _separable, _hidden, hypotheses=("features linearly separable", "n_L free neurons", "ReLU"),
    ),
]  # fmt: skip

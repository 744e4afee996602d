"""Section 4: N + 1 neurons in one hidden layer are enough for connected sublevel sets, and N are not; on landscapes known whole."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np

from verifier.audit.claim import Instance, Rng, Statement, Trial, Word
from verifier.audit.nguyen2021.paths import PAPER
from verifier.landscape.setting import make_setting
from verifier.landscape.tree import merge_tree
from verifier.objective import Risk, make_objective


@cache
def _largest_gap(seed: int, N: int, width: int) -> tuple[float, float]:
    """(largest gap between two local minima, its level) for N random samples on a line, squared loss, hidden biases."""
    rng = np.random.default_rng(seed)
    X, y = np.sort(rng.uniform(-1, 1, (N, 1)), axis=0), rng.normal(size=(N, 1))
    return merge_tree(make_setting(Risk(make_objective("squared"), X, y), width)).largest_gap


def _connected(instance: Instance) -> Trial:
    v = instance.values
    gap, level = _largest_gap(v["seed"], v["N"], v["N"] + v.get("more", 1))
    return Trial(gap, 0.0, max(level, 1.0), tolerance=1e-7, text=f"largest gap {gap:.6g} at level {level:.6g}")


def _samples(rng: Rng, count: int) -> Iterator[Instance]:
    for k in range(count):
        # Four samples and five neurons take a million cells.
        N, seed = 1 + k % 3, int(rng.integers(2**31))
        yield Instance("random", f"N = {N}, seed {seed}", {"N": N, "seed": seed})


STATEMENTS = [
    Statement(
        "width", PAPER, "Section 4, after Corollary 4.3",
        "if the first hidden layer has N + 1 neurons then one gets connected sublevel sets. This bound is tight as a 2-layer network of width N can "
        "have disconnected sublevel sets",
        "One hidden layer of N + 1 neurons on N samples on a line: the exact landscape's largest gap between local minima is 0; N = 1, 2, 3, squared loss.",
        Word.HOLDS, _samples, _connected, hypotheses=("distinct inputs",), count=60,
    ),
]  # fmt: skip

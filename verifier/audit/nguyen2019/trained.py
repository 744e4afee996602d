"""Trained networks for lemmas that random matrices are tried on otherwise."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from verifier.audit.claim import Instance, Rng
from verifier.audit.nguyen2019.deep import _data, _network, fitted


def narrowing(rng: Rng, count: int) -> Iterator[Instance]:
    """Leaky ReLU towers fitted to random targets on N rows of the wine data, rank X = N; with 100 trials or more."""

    for slope in (0.1, 0.5, 0.9) if count >= 100 else ():
        N, widths = 4, (6, 5, 3, 2)
        X = _data(rng, N, widths[0], True)
        network = fitted(_network(rng, widths, slope, 0), X, rng.normal(size=(N, widths[-1])))
        values = {
            "X": X, "weights": [W.T.copy() for W in network.weights], "biases": [np.array(b) for b in network.biases], "slope": slope,
            "A": rng.normal(size=(N, widths[-1])),
        }  # fmt: skip
        yield Instance("trained", f"wine, N = {N}, widths {widths}, slope {slope}", values)

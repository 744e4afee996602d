"""Words of the text that the checker with a proof reads (docs/proofs.md, "The text that is read"): a float stands for its integer, once s is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

Tokens = Iterator[str | float]


def flag(value: bool) -> str:
    return "1" if value else "0"


def counts(values: np.ndarray) -> Tokens:
    """A list of numbers that are no floats: neurons, samples."""
    yield from (str(len(values)), *(str(i) for i in values.tolist()))


def vector(values: np.ndarray) -> Tokens:
    yield str(len(values))
    yield from values.tolist()


def matrix(rows: np.ndarray) -> Tokens:
    yield str(len(rows))
    for row in rows:
        yield from vector(row)


def layer(W: np.ndarray, b: np.ndarray | None) -> Tokens:
    """A bias that is absent as zeros."""
    yield from matrix(W)
    yield from vector(np.zeros(len(W)) if b is None else b)


def layers(weights: Sequence[np.ndarray], biases: Sequence[np.ndarray | None]) -> Tokens:
    yield str(len(weights))
    for W, b in zip(weights, biases, strict=True):
        yield from layer(W, b)

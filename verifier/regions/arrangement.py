"""The hyperplanes {u : u . xt_j = 0} of a data set, grouped exactly into classes of parallel inputs (docs/mathematics.md, section 8)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import comb

import numpy as np

from verifier.errors import DataError
from verifier.matrices import augmented_inputs
from verifier.regions.exact import direction, exact_rank, integer_rows

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Arrangement:
    """inputs (N, n) float64: xt_j = (x_j, 1) with bias, x_j without.

    classes: samples whose xt_j are not 0 and exactly parallel (multiples of either sign), sorted, the first one representing the class;
    classes come in the order of their representatives. zero: samples with xt_j = 0.
    orientation (N,) int64: 1 or -1 relative to the class's representative, 0 for zero samples.
    whole (N, n) object: positive multiples of the inputs as integers where `inputs` are roundings of them, else None.
    """

    inputs: Array
    classes: tuple[Array, ...]
    zero: Array
    orientation: Array
    whole: Array | None = None

    @property
    def n(self) -> int:
        """Dimension of a neuron."""
        return self.inputs.shape[1]

    @cached_property
    def representatives(self) -> Array:
        """(C,) int64: the first sample of each class."""
        return np.array([c[0] for c in self.classes], dtype=np.int64)

    @cached_property
    def class_of(self) -> Array:
        """(N,) int64: each sample's class, -1 for zero samples."""
        out = np.full(len(self.inputs), -1, dtype=np.int64)
        for c, samples in enumerate(self.classes):
            out[samples] = c
        return out

    @cached_property
    def integers(self) -> Array:
        """(N, n) object: each xt_j as coprime integers, scaled by a positive number."""
        return integer_rows(self.inputs) if self.whole is None else self.whole

    @cached_property
    def rank(self) -> int:
        """Dimension of the span of the inputs, exact."""
        return exact_rank(self.integers[self.representatives])

    def patterns(self, signs: Array) -> Array:
        """Signs (p, C) of the representatives to patterns (p, N) int64, 0 at zero samples."""
        out = np.zeros((len(signs), len(self.inputs)), dtype=np.int64)
        known = self.class_of >= 0
        out[:, known] = signs[:, self.class_of[known]] * self.orientation[known] > 0
        return out

    def signs(self, patterns: Array) -> Array:
        """The representatives' signs (p, C) int8 of patterns (p, N)."""
        return np.where(np.asarray(patterns)[:, self.representatives] > 0, 1, -1).astype(np.int8)


def exponents(rows: Array) -> Array:
    """Per column e (n,) int64 with its largest |entry| in (2^(e-1), 2^e]; 0 where dividing by 2^e would not be exact.

    Linear and conic programs see columns divided by these, since solvers stop at absolute tolerances; powers of two change no digit.
    """
    mantissa, e = np.frexp(np.abs(rows).max(axis=0, initial=0.0))
    e = np.where(mantissa > 0.0, e - (mantissa == 0.5), 0).astype(np.int64)
    with np.errstate(under="ignore"):
        exact = (np.ldexp(np.ldexp(rows, -e), e) == rows).all(axis=0)
    return np.where(exact, e, 0)


def make_arrangement(X: Array, bias: bool, whole: Array | None = None) -> Arrangement:
    """The arrangement of inputs X (N, d). whole: see Arrangement. Raises DataError when X is no matrix of finite numbers."""
    X = np.asarray(X, dtype=np.float64)
    if X.ndim != 2 or not np.isfinite(X).all():
        raise DataError(
            f"activation regions: expected inputs as a matrix (N, d) of finite numbers, got shape {X.shape}; clean the data"
        )
    inputs = augmented_inputs(np.ascontiguousarray(X), bias)
    if inputs.shape[1] == 0:
        raise DataError(
            "activation regions: expected at least one input coordinate, got none and no bias; use bias=True"
        )
    groups: dict[tuple[int, ...], list[tuple[int, int]]] = {}
    zero = []
    integers = integer_rows(inputs) if whole is None else whole
    for j, row in enumerate(integers.tolist()):
        if any(row):
            key, sign = direction(row)
            groups.setdefault(key, []).append((j, sign))
        else:
            zero.append(j)
    orientation = np.zeros(len(X), dtype=np.int64)
    for members in groups.values():
        for j, sign in members:
            orientation[j] = sign * members[0][1]
    classes = tuple(np.array([j for j, _ in members], dtype=np.int64) for members in groups.values())
    return Arrangement(inputs, classes, np.array(zero, dtype=np.int64), orientation, whole)


def generic_count(hyperplanes: int, dimension: int) -> int:
    """Full-dimensional cones of hyperplanes in general position through 0: 2 sum_{k < dimension} C(hyperplanes - 1, k); K23, Proposition 6.

    The largest number for any data. With m neurons it is raised to the m-th power. No hyperplane: 1.
    """
    return 1 if hyperplanes == 0 else 2 * sum(comb(hyperplanes - 1, k) for k in range(dimension))

"""Neurons in other slots: where one of them is 0 the others may change places without a change of F (docs/constructions.md)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations

import numpy as np

Array = np.ndarray


def in_slots(u: Array, own: Sequence[int], signs: Sequence[int]) -> Iterator[Array]:
    """u (m, n), whose rows that are not 0 have the signs `own`, in every order in which these stand in slots of the signs `signs`; none where there is no
    such order."""
    live: Array = np.any(u != 0.0, axis=1)
    for order in permutations(range(len(u))):
        if all(own[k] == sign or not live[k] for k, sign in zip(order, signs, strict=True)):
            yield u[list(order)]


def handed_over(at: Array, to: Array) -> Iterator[tuple[int, int]]:
    """Pairs (from, to) of slots that bring the rows of `at` into the order of `to`, each into a slot that holds 0 by then."""
    at = at.copy()
    while not np.array_equal(at, to):
        wrong = [i for i in range(len(at)) if not np.array_equal(at[i], to[i])]
        free = next(i for i in range(len(at)) if not at[i].any())
        if free in wrong:
            source = next(i for i in wrong if np.array_equal(at[i], to[free]))
        else:
            # A cycle among the others: one of them steps aside.
            source = wrong[0]
        yield source, free
        at[free], at[source] = at[source].copy(), 0.0

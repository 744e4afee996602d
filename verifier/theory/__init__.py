"""A-priori bounds of the papers, evaluated in floating point on given networks, with their hypotheses judged."""

from verifier.theory.bounds import AprioriBound, Hypothesis, second_moment_norm
from verifier.theory.dimension_free import connected_sublevel_sets, pruning_cost, sparsification_barrier
from verifier.theory.halves import halves_bound
from verifier.theory.theorem2 import Theorem2Terms, terms_from_notes, theorem2_bounds

__all__ = [
    "AprioriBound",
    "Hypothesis",
    "Theorem2Terms",
    "connected_sublevel_sets",
    "halves_bound",
    "pruning_cost",
    "second_moment_norm",
    "sparsification_barrier",
    "terms_from_notes",
    "theorem2_bounds",
]

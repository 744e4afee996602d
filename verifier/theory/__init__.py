"""A-priori bounds of the papers, evaluated in floating point on given networks, with their hypotheses judged."""

from verifier.theory.bounds import AprioriBound, Hypothesis, second_moment_norm
from verifier.theory.corollary43 import corollary43
from verifier.theory.corollary44 import corollary44
from verifier.theory.dimension_free import (
    connected_sublevel_sets,
    dimension_free_bounds,
    pruning_cost,
    sparsification_barrier,
)
from verifier.theory.halves import halves_bound
from verifier.theory.nguyen2021 import nguyen2021_bounds
from verifier.theory.theorem2 import Theorem2Terms, bounds_from_terms, terms_from_notes, theorem2_bounds

__all__ = [
    "AprioriBound",
    "Hypothesis",
    "Theorem2Terms",
    "bounds_from_terms",
    "connected_sublevel_sets",
    "corollary43",
    "corollary44",
    "dimension_free_bounds",
    "halves_bound",
    "nguyen2021_bounds",
    "pruning_cost",
    "second_moment_norm",
    "sparsification_barrier",
    "terms_from_notes",
    "theorem2_bounds",
]

"""Activation regions of one hidden layer: cones and patterns, Jacobian ranks, region programs (theory.md section 7, K23)."""

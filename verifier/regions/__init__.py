"""Activation regions of one hidden layer: cones and patterns, Jacobian ranks, region programs (docs/mathematics.md, section 9, K23)."""

"""Counterexamples to statements of papers: what is specific to a paper, in both evaluations."""

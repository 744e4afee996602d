"""Numerical audit of the papers' claims: each is evaluated on real networks, random instances and adversarial search; verdicts come out of evaluations."""

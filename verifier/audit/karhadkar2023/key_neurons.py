"""Lemma 15: the key neurons behind Theorem 12, in exact fractions."""

from __future__ import annotations

from fractions import Fraction


def key_neurons(x: list[Fraction], z: list[Fraction], repaired: bool) -> list[tuple[int, int, Fraction, Fraction]]:
    """(k, sign of the head, w, b) of Lemma 15's key neurons for heads 1 and -1, k = 0..n-1: pattern xi^(k+1,1), sum of outputs z.

    repaired: both neurons of a pair get 1 beside the part that is needed, times (x - a point between x_k and x_{k+1}), so that a residual 0 leaves
    no neuron silent. As in the paper: |residual| is the factor.
    """
    out = []
    reached = [Fraction(0)] * len(x)
    for k in range(len(x)):
        rest = z[k] - reached[k]
        if repaired or k:
            middle = (x[k - 1] + x[k]) / 2 if k else x[0] - 1
            w = Fraction(1) / (x[k] - middle)
            b = -middle * w
            one = (w, b)
            size = abs(rest)
            parts = {1: 1 + max(rest, Fraction(0)), -1: 1 + max(-rest, Fraction(0))}
            if not repaired:
                parts = {s: size * (2 if (s > 0) == (rest > 0) else 1) for s in (1, -1)}
            chosen = {s: (parts[s] * one[0], parts[s] * one[1]) for s in (1, -1)}
        else:
            # The paper's first pair: slope 1, value |z_1| at x_1.
            chosen = {s: ((2 if (s > 0) == (rest > 0) else 1) * Fraction(1), (2 if (s > 0) == (rest > 0) else 1) * (abs(rest) - x[0])) for s in (1,
            -1)}  # fmt: skip
        for s, (w, b) in chosen.items():
            out.append((k, s, w, b))
            for j in range(len(x)):
                reached[j] += s * max(w * x[j] + b, Fraction(0))
    return out

"""Random regions with four kinds of targets, and the kernel's problem around them."""

from __future__ import annotations

import numpy as np

from verifier.kernel.statements import Objective, Parameters, Problem
from verifier.regions.arrangement import make_arrangement
from verifier.regions.patterns import pattern_of
from verifier.regions.program import make_program


def random_program(rng, largest_d=5, largest_N=13, largest_m=12):
    """(X, bias, program): normal, teacher, uniform or small integer targets; the last kind with degenerate inputs."""
    d, N, m = (int(rng.integers(1, top + 1)) for top in (largest_d, largest_N, largest_m))
    bias, kind = bool(rng.integers(4)), int(rng.integers(4))
    # Inputs and teachers on a grid of 2^-16, so that a teacher's outputs are exact and zero loss means zero.
    X = np.round(rng.uniform(-1, 1, (N, d)) * 2**16) / 2**16
    if kind == 3:
        X = rng.integers(-2, 3, (N, d)).astype(float)
    arrangement = make_arrangement(X, bias)
    W = rng.standard_normal((m, arrangement.n))
    pattern, _ = pattern_of(W, arrangement)
    signs = np.where(np.arange(m) % 2, -1.0, 1.0)
    head = signs if kind < 2 else rng.standard_normal(m)
    teacher = np.round(rng.standard_normal((m, arrangement.n)) * 2**16) / 2**16
    y = (
        rng.standard_normal(N),
        np.maximum(arrangement.inputs @ teacher.T, 0) @ signs,
        rng.uniform(-1, 1, N),
        rng.integers(-1, 2, N).astype(float),
    )[kind]
    return X, bias, make_program(arrangement, head, pattern, y, W)


def kernel_problem(X, y, bias) -> Problem:
    """Region claims use the data and whether there are hidden biases; the networks may be anything."""
    net = Parameters((np.ones((1, X.shape[1])), np.ones((1, 1))), (np.ones(1) if bias else None, None))
    return Problem(Objective("squared", None, 0.0, "none", False), np.ascontiguousarray(X), y[:, None].copy(), net, net)

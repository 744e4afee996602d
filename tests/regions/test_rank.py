"""Ranks: the verdict against exact rational rank, null vectors that vanish exactly."""

from __future__ import annotations

import numpy as np
import pytest

from verifier.errors import UsageError
from verifier.regions.arrangement import make_arrangement
from verifier.regions.exact import exact_rank
from verifier.regions.patterns import pattern_of
from verifier.regions.rank import is_full, jacobian, region_rank


def random_region(rng):
    N, d, m = (int(v) for v in (rng.integers(1, 9), rng.integers(1, 4), rng.integers(1, 7)))
    kind = int(rng.integers(3))
    X = rng.integers(-2, 3, size=(N, d)).astype(float) if kind == 0 else rng.standard_normal((N, d))
    if kind == 2 and N > 1:
        X[-1] = X[0] * 3
    arrangement = make_arrangement(X, bool(rng.integers(2)))
    return arrangement, pattern_of(rng.standard_normal((m, arrangement.n)), arrangement)[0]


def test_500_verdicts_equal_the_exact_rational_rank():
    rng = np.random.default_rng(0)
    seen = []
    for _ in range(500):
        arrangement, pattern = random_region(rng)
        J = jacobian(arrangement, pattern)
        result = region_rank(arrangement, pattern)
        full = exact_rank(J) == J.shape[1]
        assert result.full is full
        assert result.rank == exact_rank(J)
        assert is_full(arrangement, pattern) is full
        if not full:
            null = np.zeros(J.shape[1], dtype=object)
            null[result.samples] = result.null
            assert any(result.null)
            assert not (J @ null).any()
        seen.append(full)
    assert 100 < sum(seen) < 400


def test_head_signs_do_not_matter_for_the_rank():
    """Lemma 4."""
    rng = np.random.default_rng(1)
    for _ in range(20):
        arrangement, pattern = random_region(rng)
        J = jacobian(arrangement, pattern)
        v = np.repeat(rng.choice([-3, -1, 2, 5], len(pattern)), arrangement.n).astype(object)
        assert exact_rank(J) == exact_rank(v[:, None] * J)


def test_a_narrow_layer_is_never_full():
    arrangement = make_arrangement(np.random.default_rng(0).standard_normal((9, 1)), True)
    assert region_rank(arrangement, np.ones((4, 9))).full is False


def test_wrong_shape_is_refused():
    with pytest.raises(UsageError, match="expected a pattern"):
        region_rank(make_arrangement(np.ones((2, 1)), True), np.ones((1, 3)))

"""How many activation regions a path crosses."""

from itertools import pairwise

import numpy as np
import pytest

from verifier.errors import UsageError
from verifier.networks.network import Network, linear_combination, one_hidden_layer
from verifier.paths.path import Move, Path
from verifier.paths.regions.crossed import regions_crossed


def line(*rows, X=None):
    nets = [one_hidden_layer(np.array(r, dtype=float), np.ones(len(r))) for r in rows]
    return Path("line", nets[0], tuple(Move(n, "m") for n in nets[1:]))


def test_by_hand():
    """One input x = 1: a row from 1 to -1 crosses one boundary, and back another one; a path that stays crosses none."""
    X = np.array([[1.0]])
    assert regions_crossed(line([[1.0]], [[-1.0]]), X) == 2
    assert regions_crossed(line([[1.0]], [[-1.0]], [[2.0]]), X) == 3
    assert regions_crossed(line([[1.0]], [[2.0]]), X) == 1
    assert regions_crossed(Path("none", line([[1.0]]).start, ()), X) == 1


def test_simultaneous_changes_count_once():
    """Two equal samples, two equal neurons; and a change at a vertex that ends one segment and begins the next."""
    X = np.array([[1.0], [1.0]])
    assert regions_crossed(line([[1.0], [1.0]], [[-1.0], [-1.0]]), X) == 2
    assert regions_crossed(line([[1.0]], [[0.0]], [[-1.0]]), X) == 2


def test_against_dense_sampling():
    """On random polylines the count is that of a fine grid's different consecutive patterns."""
    rng = np.random.default_rng(0)
    for _ in range(10):
        X, nets = (
            rng.normal(size=(6, 2)),
            [Network((rng.normal(size=(3, 2)), np.ones((1, 3))), (rng.normal(size=3), None)) for _ in range(4)],
        )
        path = Path("line", nets[0], tuple(Move(n, "m") for n in nets[1:]))
        patterns = [
            (linear_combination(v, w, t).features(X) > 0).tobytes()
            for v, w in pairwise(nets)
            for t in np.linspace(0, 1, 4001)
        ]
        seen = 1 + sum(a != b for a, b in pairwise(patterns))
        assert seen <= regions_crossed(path, X) <= seen + 1  # two changes may fall into one step of the grid


def test_deep_paths_are_refused():
    deep = Network((np.ones((2, 1)), np.ones((2, 2)), np.ones((1, 2))), (None, None, None))
    with pytest.raises(UsageError, match="one hidden layer, got 2"):
        regions_crossed(Path("none", deep, ()), np.ones((1, 1)))

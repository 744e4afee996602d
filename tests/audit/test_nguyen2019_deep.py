"""Nguyen 2019 in depth: controls that the evaluations can fail, and that trained networks are among the instances."""

import numpy as np
import pytest

from verifier.audit.nguyen2019 import STATEMENTS, deep
from verifier.audit.nguyen2019.figure5 import figure_gradient, figure_value
from verifier.paths.nguyen2019.theorem61 import theorem61
from verifier.paths.path import Move, Path

BY_NAME = {s.identifier: s for s in STATEMENTS}


def instances(name, count, seed=0):
    return list(BY_NAME[name].instances(np.random.default_rng(seed), count))


def test_nothing_of_the_paper_is_left_out():
    assert not [s.identifier for s in STATEMENTS if s.untestable is not None]


def test_a_straight_line_of_the_head_to_a_worse_one_is_seen():
    """The control: a path that visits a network with a far larger loss is not below the larger end."""

    def detour(A, B, risk):
        path = theorem61(A, B, risk)
        away = A.replace(A.depth, bias=A.biases[-1] + 100.0)
        return Path("detour", A, (Move(away, "away"), Move(A, "back"), *path.moves))

    found = [deep._connected(detour)(i) for i in instances("t61.path", 5)]
    assert all(t.violated for t in found if t.met)
    assert any(t.met for t in found)


def test_networks_of_too_small_width_do_not_meet_the_hypotheses():
    narrow = [i for i in instances("t32.path", 12) if min(W.shape[0] for W in i.values["weights"][0][:-1]) < 2 * len(i.values["X"])]  # fmt: skip
    assert len(narrow) > 3
    assert not any(deep._connected(theorem61)(i).met for i in narrow)


@pytest.mark.slow
def test_full_audits_have_trained_networks():
    assert [i.origin for i in instances("t51.path", 100)].count("trained") == 5


def test_the_gradient_of_the_figure_is_its_gradient():
    rng = np.random.default_rng(0)
    for x, y in rng.normal(size=(20, 2)):
        step = 1e-6
        numeric = [
            (figure_value(x + step, y) - figure_value(x - step, y)) / (2 * step),
            (figure_value(x, y + step) - figure_value(x, y - step)) / (2 * step),
        ]
        assert np.allclose(numeric, figure_gradient(x, y), atol=1e-8)

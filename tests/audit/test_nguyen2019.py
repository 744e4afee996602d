"""Nguyen 2019: every claim gets its word; the curves agree with independent evaluations, and controls fail."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from verifier.audit.claim import Instance
from verifier.audit.nguyen2019 import STATEMENTS
from verifier.audit.nguyen2019.activations import combined_kinks
from verifier.audit.nguyen2019.connected import losses
from verifier.audit.nguyen2019.curves import exchanged, free, leaky, to_full_rank
from verifier.audit.nguyen2019.figures import island, tails, valley
from verifier.audit.nguyen2019.lemmas import exact_rank_of, full_rank_path, rotation_path
from verifier.audit.trials import audit
from verifier.matrices import independent_columns

BY_NAME = {s.identifier: s for s in STATEMENTS}


# Of their twenty trials, which take half a minute and more, the fast suite makes a few.
COSTLY = {"t51.path": 2, "t32.path": 2, "t61.path": 6}


@pytest.mark.parametrize("name", list(BY_NAME))
def test_every_claim_gets_its_word(name):
    assert audit(BY_NAME[name], count=COSTLY.get(name, 20)).as_expected


@pytest.mark.slow
@pytest.mark.parametrize("name", COSTLY)
def test_paths_of_all_trials(name):
    assert audit(BY_NAME[name], count=20).as_expected


def test_the_identity_breaks_assumption_22():
    # sigma(x) = 2 sigma(x - 1) - sigma(x - 2) for the identity, which has no kinks; the evaluation does not call that met.
    values = {"kinks": [], "shifts": [Fraction(1), Fraction(2)], "factors": [Fraction(2), Fraction(-1)]}
    trial = BY_NAME["assumption22"].evaluate(Instance("random", "identity", values))
    assert not trial.met
    assert trial.slack < 0


def test_kinks_agree_with_second_differences():
    kinks = [(Fraction(0), Fraction(1)), (Fraction(2), Fraction(-3))]
    shifts, factors = [Fraction(2), Fraction(-1)], [Fraction(1, 2), Fraction(4)]
    sigma = lambda x: sum(float(j) * max(x - float(p), 0.0) for p, j in kinks)
    g = lambda x: sigma(x) - sum(float(c) * sigma(x - float(a)) for a, c in zip(shifts, factors))
    jumps = {p: (g(p + 0.25) - 2 * g(p) + g(p - 0.25)) / 0.25 for p in range(-3, 7)}
    found = {int(p): float(j) for p, j in combined_kinks(kinks, shifts, factors)}
    assert {p: j for p, j in jumps.items() if abs(j) > 1e-9} == pytest.approx(found)


def test_rotations_end_at_their_goal_also_for_half_turns():
    for Q in (-np.eye(4), np.diag([-1.0, 1.0, -1.0])):
        path = rotation_path(Q)
        assert np.allclose(path[0], np.eye(len(Q)))
        assert np.allclose(path[-1], Q)
        assert all(np.allclose(R @ R.T, np.eye(len(Q))) for R in path)


def test_full_rank_paths_have_small_steps():
    rng = np.random.default_rng(0)
    A, B = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    path = full_rank_path(A, B)
    assert np.allclose(path[0], A)
    assert np.allclose(path[-1], B)
    assert max(np.linalg.norm(p - q) for p, q in pairwise(path)) < np.linalg.norm(A - B)


def test_square_matrices_of_other_orientation_have_no_such_path():
    A, B = np.eye(2), np.diag([1.0, -1.0])
    trial = BY_NAME["prop35"].evaluate(Instance("random", "square", {"A": A, "B": B}))
    assert not trial.met


def test_lemma_43_frees_the_other_columns():
    F = np.array([[1.0, 2.0, 0.0], [2.0, 4.0, 1.0]])
    W = np.arange(6.0).reshape(3, 2)
    chosen = independent_columns(F)
    end = free(F, W, chosen)[-1]
    other = np.setdiff1d(range(3), chosen)
    changed = F.copy()
    changed[:, other] += 100.0
    assert np.allclose(changed @ end, F @ W)


def test_curves_of_lemmas_52_and_53_are_continuous_and_wide_enough():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(3, 2))
    W, b, V = rng.normal(size=(2, 7)), rng.normal(size=7), rng.normal(size=(7, 1))
    W[:, 1:], b[1:] = W[:, :1], b[0]
    sigma = leaky(0.0)
    curve = to_full_rank(X, W, b, V, sigma, rng)
    assert exact_rank_of(sigma(X @ curve[-1][0] + curve[-1][1])) == 3
    steps = [
        np.abs(np.vstack([p[0], p[1], p[2].T]) - np.vstack([q[0], q[1], q[2].T])).max() for p, q in pairwise(curve)
    ]
    assert max(steps) < 2.0
    whole = np.hstack([X, np.ones((3, 1))])
    goal = rng.normal(size=(3, 7))
    if exact_rank_of(sigma(whole @ goal)) == 3:
        U = np.vstack(curve[-1][:2])
        path = exchanged(whole, U, curve[-1][2], goal, sigma)
        assert np.allclose(path[-1][0], goal)
        middle = [((p[0] + q[0]) / 2, (p[1] + q[1]) / 2) for p, q in pairwise(path)]
        start = sigma(whole @ U) @ curve[-1][2]
        assert all(np.allclose(sigma(whole @ u) @ v, start, atol=1e-8) for u, v in middle)


def test_one_neuron_too_few_is_no_trial():
    instance = next(iter(BY_NAME["t61"].instances(np.random.default_rng(0), 1)))
    N = len(instance.values["X"])
    narrow = {k: v[..., : 2 * N - 1] if k in ("W", "W2", "b", "b2") else v for k, v in instance.values.items()}
    narrow |= {k: instance.values[k][: 2 * N - 1] for k in ("V", "V2")}
    if 2 * N - 1 >= N:
        assert not BY_NAME["t61"].evaluate(replace(instance, values=narrow)).met


def test_multiclass_losses_agree_with_torch():
    import torch

    rng = np.random.default_rng(4)
    F, Y = rng.normal(size=(7, 4)) * 3, rng.normal(size=(7, 4))
    labels = torch.tensor(np.argmax(Y, axis=1))
    assert losses("cross-entropy", F, Y) == pytest.approx(
        float(torch.nn.functional.cross_entropy(torch.tensor(F), labels))
    )
    worst = [max(max(0.0, 1 + F[i, k] - F[i, c]) for k in range(4) if k != c) for i, c in enumerate(labels.tolist())]
    assert losses("multiclass hinge", F, Y) == pytest.approx(np.mean(worst))


def test_softplus_has_the_residue_of_its_shifts_too():
    """A shift of 0 takes away what it is given: 1 - 0.25; and the sum over shifts at other places changes nothing."""
    values = {"alpha": Fraction(1), "shifts": [Fraction(0), Fraction(2)], "factors": [Fraction(1, 4), Fraction(7)]}
    trial = BY_NAME["lemma23.softplus"].evaluate(Instance("random", "a shift of 0", values))
    assert not trial.met
    assert trial.right == pytest.approx(0.75)


def test_functions_of_figure_3_have_the_critical_points_that_are_said():
    x = np.linspace(-12.0, 12.0, 24001)
    for c in (0.0, 0.4, 1.0):
        values = np.array([tails(v, c) for v in x])
        turns = np.flatnonzero(np.diff(np.sign(np.diff(values))))
        assert len(turns) == 1
        assert x[turns[0] + 1] == pytest.approx(-np.arcsinh(c / 2), abs=2e-3)
        assert values[0] == pytest.approx(c, abs=1e-4)
    values = np.array([island(v) for v in x])
    assert x[np.flatnonzero(np.diff(np.sign(np.diff(values)))) + 1] == pytest.approx(
        [-np.sqrt(2), 0.0, np.sqrt(2)], abs=2e-3
    )
    assert values.max() == pytest.approx(2.0, abs=1e-6)
    assert 1.0 < values[0] < 1.05


def test_valleys_are_components():
    assert valley([3.0, 1.0, 1.5, 0.5, 4.0, 0.0, 5.0], 3, 2.0) == [1, 2, 3]
    assert valley([3.0, 1.0, 1.5, 0.5, 4.0, 0.0, 5.0], 3, 1.2) == [3]

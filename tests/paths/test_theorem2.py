"""T2's six segments: kinds, ends, angles, sizes, and the values named in the theorem."""

import itertools

import numpy as np
import pytest

from tests.paths.path_checks import bitwise_equal, kind, random_network, random_targets, sampled_maximum
from verifier.errors import UsageError
from verifier.objective import Risk, augmented_rows, make_objective
from verifier.paths.curves.line import line, matched_line_estimate
from verifier.paths.theorem2 import grid, theorem2, theorem2_grid
from verifier.paths.theorem2.clusters import merge_rows
from verifier.paths.theorem2.sides import make_side, sparse_sides
from verifier.theory import dimension_free_bounds, theorem2_bounds


def setting(loss="logistic", m=8, K=1, kappa=0.01, penalty="path", close=False, seed=0):
    rng = np.random.default_rng(seed)
    nets = []
    for _ in range(2):
        net = random_network(rng, m, K=K)
        if close:
            # Pairs of nearly parallel rows, so that clusters exist.
            W, b = net.W.copy(), net.b.copy()
            W[1::2], b[1::2] = W[::2] * 1.3, b[::2] * 1.3
            W += 0.02 * rng.normal(size=W.shape)
            net = net.replace(1, W, b)
        nets.append(net)
    X = rng.normal(size=(40, 2))
    return (*nets, make_objective(loss, kappa=kappa, penalty=penalty), X, random_targets(loss, rng, 40, K))


def segment_of(move):
    return int(move.label.split("segment ")[1][0])


@pytest.mark.parametrize(
    ("loss", "K", "kappa", "penalty"),
    [
        ("logistic", 1, 0.01, "path"),
        ("squared", 2, 0.0, None),
        ("cross_entropy", 3, 0.01, "l1"),
        ("huber", 1, 0.01, "weight_decay"),
    ],
)
@pytest.mark.parametrize("l", [1, 3, 7])
def test_alpha_zero_uses_head_and_idle_moves_only(loss, K, kappa, penalty, l):
    A, B, objective, X, y = setting(loss, K=K, kappa=kappa, penalty=penalty)
    path, programs = theorem2(A, B, Risk(objective, X, y), l=l, alpha=0.0)
    assert path.start is A
    assert bitwise_equal(path.end, B)
    vertices = list(path.vertices())
    for v, w in itertools.pairwise(vertices):
        assert kind(v, w) in ("head", "idle")
    segments = [segment_of(move) for move in path.moves]
    assert segments == sorted(segments)
    assert set(segments) == {1, 2, 3, 4, 5, 6}
    inner = max(objective.path_value(v, X, y) for v in vertices[1:-1])
    values = [r.primal_value for r in programs.values()]
    assert inner == pytest.approx(max(values), rel=1e-9)
    E = max(objective.value(v, X, y) for v in (A, B))
    assert sampled_maximum(path, objective, X, y, 9, path_form=True) <= max(inner, E) + 1e-9


@pytest.mark.parametrize(("penalty", "kappa"), [(None, 0.0), ("path", 0.01), ("l1", 0.01)])
def test_rows_turn_only_in_segments_two_and_five(penalty, kappa):
    A, B, objective, X, y = setting("squared", kappa=kappa, penalty=penalty, close=True)
    alpha, risk = 0.3, Risk(objective, X, y)
    sides = make_side("A", A, risk), make_side("B", B, risk)
    merged = [sparse_sides(side, risk, [2], alpha)[2] for side in sides]
    path, programs = theorem2(A, B, risk, l=2, alpha=alpha, sparse=merged)
    assert bitwise_equal(path.end, B)
    vertices = list(path.vertices())
    found = {}
    for move, v, w in zip(path.moves, vertices, vertices[1:]):
        found.setdefault(segment_of(move), set()).add("rescale" if move.factors is not None else kind(v, w))
    assert "chord" in found[2] | found[5]
    assert found[2] | found[5] <= {"chord", "head", "idle", "rescale"}
    assert all(found[s] <= {"head", "idle"} for s in (1, 3, 4, 6))
    # The end of segment 2: at most m - l atoms, each within alpha of the row it left, of the same length.
    sparse = [move.to for move in path.moves if segment_of(move) == 2][-1]
    active = np.flatnonzero(sparse.theta.any(axis=0))
    assert len(active) <= 6
    new, old = augmented_rows(sparse)[active], augmented_rows(A)[active]
    np.testing.assert_allclose(np.linalg.norm(new, axis=1), np.linalg.norm(old, axis=1), rtol=1e-12)
    cosines = (new * old).sum(axis=1) / np.linalg.norm(new, axis=1) / np.linalg.norm(old, axis=1)
    assert (np.arccos(np.clip(cosines, -1, 1)) <= alpha + 1e-7).all()
    assert len(programs) == 5
    assert programs["theta*"].r == 2


def test_sampled_path_stays_below_the_repaired_bound():
    A, B, objective, X, y = setting(close=True)
    path, _ = theorem2(A, B, Risk(objective, X, y), l=4, alpha=0.3)
    _, repaired, _ = theorem2_bounds(A, B, Risk(objective, X, y), path)
    E = max(objective.value(v, X, y) for v in (A, B))
    assert sampled_maximum(path, objective, X, y, 33) <= max(E, repaired.value) + 1e-9


def test_program_heads_are_the_vertices_heads():
    A, B, objective, X, y = setting()
    path, programs = theorem2(A, B, Risk(objective, X, y), l=3, alpha=0.0)
    for move in path.moves:
        if move.program is not None and move.program != "theta*" and segment_of(move) in (1, 2):
            program = programs[move.program]
            slots = np.arange(8) if program.support is None else program.support
            np.testing.assert_array_equal(move.to.theta[:, slots], program.head)
            np.testing.assert_array_equal(move.to.W[slots], program.rows)
            np.testing.assert_array_equal(move.to.b[slots], program.row_bias)
    assert all(r.gap <= 1e-6 for r in programs.values())


@pytest.mark.parametrize(("l", "alpha"), [(0, 0.0), (8, 0.0), (2, -0.1), (2, float("nan")), (2, 2.0)])
def test_refusals(l, alpha):
    A, B, objective, X, y = setting()
    with pytest.raises(UsageError, match="theorem2"):
        theorem2(A, B, Risk(objective, X, y), l=l, alpha=alpha)


def test_grid_returns_the_least_estimate():
    A, B, objective, X, y = setting(close=True)
    found = theorem2_grid(A, B, Risk(objective, X, y))
    path, rows = found.path, found.rows
    assert {(row.l, row.alpha) for row in rows} == set(grid(8))
    best = min(row.estimate for row in rows)
    inner = max(objective.value(v, X, y) for v in list(path.vertices())[1:-1])
    assert inner <= best + 1e-6
    names = [bound.name for bound in dimension_free_bounds(A, B, Risk(objective, X, y), found)]
    assert len(names) == len(set(names)) == 4
    with pytest.raises(UsageError, match="m = 1"):
        theorem2_grid(*[random_network(np.random.default_rng(s), 1) for s in (0, 1)], Risk(objective, X, y))


def test_merged_rows_cover_every_row():
    A, _, _, _, _ = setting(close=True)
    merged = merge_rows(A, A.theta, 0.3)
    assert len(merged.slots) < 8
    assert set(merged.labels) == set(range(len(merged.slots)))
    alone = merge_rows(A, A.theta, 0.0)
    np.testing.assert_array_equal(alone.rows, augmented_rows(A)[alone.slots])
    assert alone.largest_angle == 0.0


def test_lines():
    """Matching undoes a permutation exactly: the line is constant."""
    A, B, objective, X, y = setting()
    assert line(A, B).end is B
    p = np.random.default_rng(0).permutation(8)
    from verifier.networks.network import Network

    shuffled = Network((A.W[p], A.theta[:, p]), (A.b[p], A.c))
    estimate = matched_line_estimate(A, shuffled, Risk(objective, X, y))
    assert estimate.network.same_parameters(A)
    assert estimate.excess == pytest.approx(0.0, abs=1e-12)
    assert "sampled" in estimate.note

"""delta(k, alpha) with rows free within the angle: against brute force over one row's direction, and along the paths that use it."""

import numpy as np
import pytest

from tests.paths.path_checks import bitwise_equal, sampled_maximum
from tests.paths.test_theorem2 import segment_of, setting
from verifier.elaboration.claims import path_upper_bound
from verifier.errors import UsageError
from verifier.networks.network import one_hidden_layer
from verifier.objective import Risk, augmented_rows, make_objective
from verifier.paths.theorem2 import theorem2, theorem2_grid
from verifier.paths.theorem2.sides import SparseSide, make_side, sparse_sides
from verifier.paths.theorem2.thinning import top
from verifier.paths.theorem2.turned import largest_angle, turned
from verifier.programs import fast_head

ANGLE = 0.4


def one_row(seed, loss="squared", penalty="path"):
    """A network of one neuron whose row lies in the plane, and its sparse side."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(12, 2))
    y = rng.normal(size=(12, 1)) if loss != "logistic" else np.sign(rng.normal(size=(12, 1)))
    net = one_hidden_layer(rng.normal(size=(1, 2)), np.ones(1), None, np.zeros(1))
    risk = Risk(make_objective(loss, kappa=0.01, penalty=penalty), X, y)
    side = make_side("A", net, risk)
    rows = augmented_rows(net)
    return side, SparseSide(np.arange(1), rows, side.full[0], side.full[1], side.full_value, 0.0), risk


def value_at(row, risk):
    Z = np.maximum(risk.X @ row[:, None], 0.0)
    prices = risk.objective.prices_of_rows(row[None])
    head, _, value = fast_head(Z, risk.targets, risk.objective, prices, True, warm=(np.zeros((1, 1)), np.zeros(1)))
    return np.sign(head[0, 0]), value


@pytest.mark.parametrize("penalty", ["path", "l1", "weight_decay"])
@pytest.mark.parametrize("loss", ["squared", "logistic", "absolute"])
def test_one_row_against_all_its_directions(loss, penalty):
    """Never below the least over all directions, and with the head's sign kept at most the least within the row's own region."""
    met = 0
    for seed in range(3):
        side, given, risk = one_row(seed, loss, penalty)
        if not given.head.any():
            continue
        met += 1
        found = turned(side, given, risk, ANGLE, 20.0)
        row = given.rows[0]
        angle, length = np.arctan2(row[1], row[0]), np.linalg.norm(row)
        rows = [length * np.array([np.cos(angle + t), np.sin(angle + t)]) for t in np.linspace(-ANGLE, ANGLE, 81)]
        values = [value_at(r, risk) for r in rows]
        pattern = risk.X @ row > 0
        own = [
            v
            for r, (s, v) in zip(rows, values)
            if s == np.sign(given.head[0, 0]) and np.array_equal(risk.X @ r > 0, pattern)
        ]
        least = min(v for _, v in values)
        assert least * (1 - 1e-3) <= found.value <= min(own) * (1 + 1e-6)
        assert found.value == pytest.approx(value_at(found.rows[0], risk)[1], rel=1e-8)
        assert found.largest_angle <= ANGLE
        assert np.linalg.norm(found.rows[0]) == pytest.approx(length, rel=1e-12)
    assert met >= 2


@pytest.mark.parametrize(
    ("loss", "K", "penalty"), [("squared", 1, "path"), ("logistic", 1, "l1"), ("cross_entropy", 3, "path"), ("squared", 1, None), ("hinge", 1, "weight_decay")]
)  # fmt: skip
def test_rows_turn_within_the_angle_and_f_falls(loss, K, penalty):
    A, _, objective, X, y = setting(loss, K=K, kappa=0.0 if penalty is None else 0.01, penalty=penalty)
    risk = Risk(objective, X, y)
    side = make_side("A", A, risk)
    given = sparse_sides(side, risk, [5], 0.0)[5]
    values = [given.value]
    for alpha in (0.01, 0.1):
        found = turned(side, given, risk, alpha, 20.0)
        own = augmented_rows(A)[found.slots]
        assert largest_angle(found.rows, own) == found.largest_angle <= alpha
        np.testing.assert_allclose(np.linalg.norm(found.rows, axis=1), np.linalg.norm(own, axis=1), rtol=1e-12)
        values.append(found.value)
        network = A.replace(1, *_written(A, found)).replace(-1, _head(A, found), found.bias)
        assert objective.path_value(network, X, y) == pytest.approx(found.value, rel=1e-8)
    assert values[1] < values[0]
    assert values[2] < values[1]


def _written(A, found):
    rows = augmented_rows(A).copy()
    rows[found.slots] = found.rows
    return rows[:, :-1], rows[:, -1]


def _head(A, found):
    theta = np.zeros_like(A.theta)
    theta[:, found.slots] = found.head
    return theta


@pytest.mark.parametrize("penalty", ["path", "weight_decay", None])
def test_within_a_region_nothing_rises(penalty):
    """A small angle crosses no facet: the certified maximum of the way there is that of its ends."""
    A, _, objective, X, y = setting("squared", kappa=0.0 if penalty is None else 0.01, penalty=penalty)
    risk = Risk(objective, X, y)
    side = make_side("A", A, risk)
    given = sparse_sides(side, risk, [5], 0.0)[5]
    margins = np.abs(np.column_stack([X, np.ones(len(X))]) @ augmented_rows(A).T)
    alpha = 0.5 * float(
        (margins / np.linalg.norm(augmented_rows(A), axis=1)).min()
        / np.linalg.norm(np.column_stack([X, np.ones(len(X))]), axis=1).max()
    )
    found = turned(side, given, risk, alpha, 20.0)
    assert 0.0 < found.largest_angle <= alpha
    assert top(side, found, risk) <= max(side.full_value, found.value) * (1 + 1e-9)


def test_the_path_passes_lower_and_is_certified():
    """Where the sparse head on the rows as they are is the theorem's level, free rows lower the path's certified maximum."""
    A, B, objective, X, y = setting("squared", kappa=0.01)
    risk = Risk(objective, X, y)
    fixed, _ = theorem2(A, B, risk, l=5, alpha=0.0)
    free, programs = theorem2(A, B, risk, l=5, alpha=0.2)
    assert bitwise_equal(free.end, B)
    segments = [segment_of(move) for move in free.moves]
    assert segments == sorted(segments)
    inner = [max(objective.path_value(v, X, y) for v in list(path.vertices())[1:-1]) for path in (fixed, free)]
    certified = [path_upper_bound(path, risk) for path in (fixed, free)]
    assert inner[1] < inner[0]
    assert sampled_maximum(free, objective, X, y, 33, path_form=True) <= certified[1]
    assert all(np.isfinite(p.primal_value) for p in programs.values())


def test_the_grid_says_where_rows_were_free():
    A, B, objective, X, y = setting("squared", kappa=0.01)
    found = theorem2_grid(A, B, Risk(objective, X, y), [(l, alpha) for l in (3, 5) for alpha in (0.0, 0.1)])
    rows = {(row.l, row.alpha): row for row in found.rows}
    for l in (3, 5):
        assert (rows[l, 0.0].free_A, rows[l, 0.1].free_A, rows[l, 0.1].free_B) == (False, True, True)
        assert rows[l, 0.1].sparse_A <= rows[l, 0.0].sparse_A
        assert rows[l, 0.1].sparse_B <= rows[l, 0.0].sparse_B
        # The fixed rows are a candidate for the path as well.
        assert rows[l, 0.1].estimate <= rows[l, 0.0].estimate
    inner = max(objective.path_value(v, X, y) for v in list(found.path.vertices())[1:-1])
    assert inner <= min(row.estimate for row in found.rows) * (1 + 1e-6)


def test_refusals_and_rows_that_cannot_turn():
    A, _, objective, X, y = setting("squared")
    risk = Risk(objective, X, y)
    side = make_side("A", A, risk)
    given = sparse_sides(side, risk, [5], 0.0)[5]
    with pytest.raises(UsageError, match="alpha"):
        turned(side, given, risk, 2.0, 1.0)
    assert turned(side, given, risk, 0.1, 0.0) is None

"""Whole landscapes and gaps keep every count and every digit when the problem is scaled by powers of two."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.landscape.instances import documented, documented_data
from verifier.elaboration import elaborate_path, kernel_problem
from verifier.errors import UsageError
from verifier.landscape.faces import FaceValues, make_program
from verifier.landscape.gap import exact_gap
from verifier.landscape.kept_layers import LOSSES, PENALTIES
from verifier.landscape.minima import distinct, leading_pairs, minimum_network
from verifier.landscape.setting import make_setting
from verifier.landscape.tree import merge_tree
from verifier.objective import Risk, make_objective
from verifier.pipeline.exact import barrier_of

DELTA, KAPPA = 0.625, 0.03125
powers = st.integers(-60, 60)


@st.composite
def scaled_problems(draw):
    """(width, given, scaled, exponent of F, of f, of u): arguments of make_setting of a problem and of the same one in other units."""
    loss, penalty = draw(st.sampled_from(LOSSES)), draw(st.sampled_from(PENALTIES))
    hidden_bias, output_bias, price = (draw(st.booleans()) for _ in range(3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    d = draw(st.integers(1, 2)) if hidden_bias else 2
    X, y = rng.uniform(-1, 1, (4, d)), rng.normal(size=(4, 1)) + draw(st.sampled_from((0.0, 8.0)))
    delta = DELTA * draw(st.sampled_from((1.0, 2.0**-13))) if loss == "huber" else None
    kappa = 0.0 if penalty == "none" else KAPPA
    output = 0
    if loss == "logistic":
        y = np.where(y > np.median(y), 1.0, -1.0)
    else:
        output = draw(powers)
    price = price and penalty == "path" and output_bias
    # With a penalty on |(w, b)| one factor for all coordinates is a change of units, and with a bias the only one is 1.
    if kappa == 0.0:
        columns = np.array([draw(powers) for _ in range(d)])
    else:
        columns = np.full(d, 0 if hidden_bias or price else draw(powers))
    common = 0 if kappa == 0.0 else int(columns[0])
    words = {"hidden_bias": hidden_bias, "output_bias": output_bias}

    def problem(X, y, delta, kappa):
        objective = make_objective(loss, delta=delta, kappa=kappa, penalty=penalty, penalise_output_bias=price)
        return {"risk": Risk(objective, X, y), "width": 1 if d == 2 else 2, **words}

    scaled = problem(
        np.ldexp(X, columns), np.ldexp(y, output), None if delta is None else float(np.ldexp(delta, output)), float(np.ldexp(kappa, output + common))
    )  # fmt: skip
    u = output - np.append(columns, [0] if hidden_bias else []).astype(int)
    return problem(X, y, delta, kappa), scaled, 2 * output, output, u


@given(scaled_problems())
@settings(deadline=None, max_examples=25)
def test_a_tree_is_the_same_in_all_units(both):
    require_same_tree(both)


@pytest.mark.slow
@given(scaled_problems())
@settings(deadline=None, max_examples=60)
def test_trees_of_more_problems_are_the_same(both):
    require_same_tree(both)


def require_same_tree(both):
    given, scaled, value, output, u = both
    a, b = merge_tree(make_setting(**given)), merge_tree(make_setting(**scaled))
    np.testing.assert_array_equal(a.cells, b.cells)
    for name in ("younger", "older"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    for name in ("values", "passes", "resolution"):
        np.testing.assert_array_equal(np.ldexp(getattr(a, name), value), getattr(b, name))
    assert distinct(a) == distinct(b)
    assert [c for _, c in a.steps] == [c for _, c in b.steps]
    assert b.largest_gap == tuple(np.ldexp(a.largest_gap, value))
    points = (FaceValues(t.setting).point(FaceValues(t.setting).face(t.cells[0].tolist())) for t in (a, b))
    p, q = points
    assert q.value == np.ldexp(p.value, value)
    for code in p.u:
        np.testing.assert_array_equal(np.ldexp(p.u[code], u), q.u[code])
    np.testing.assert_array_equal(np.ldexp(p.nu, output), q.nu)


@given(scaled_problems())
@settings(deadline=None, max_examples=25)
def test_a_gap_is_the_same_in_all_units(both):
    """The search's bracket and what the kernel certifies, up to the rounding of the networks' own parameters, which are square roots of what scales."""
    given, scaled, value, _, _ = both
    found = []
    for words in (given, scaled):
        setting = make_setting(**words)
        tree, values = merge_tree(setting), FaceValues(setting)
        found.append([])
        for pair in leading_pairs(tree, 1):
            A, B = (minimum_network(values, tree.cells[k]) for k in (pair.younger, pair.older))
            gap = exact_gap(A, B, setting.risk, most_cells=2000)
            problem = kernel_problem(A, B, setting.risk)
            claim = barrier_of(problem, gap)
            found[-1] += [
                gap.E,
                gap.lower,
                gap.upper,
                0.0 if claim is None else claim.level,
                elaborate_path(problem, gap.path).claim.sup,
            ]
    np.testing.assert_allclose(np.ldexp(found[0], value), found[1], rtol=1e-9, atol=1e-14 * values.scale)


@pytest.mark.parametrize("power", [-300, -40, -15, 15, 40])
@pytest.mark.parametrize(("m", "count"), [(1, 2), (2, 4), (3, 18)])
def test_the_documented_landscape_for_targets_of_any_size(m, count, power):
    """2, 4 and 18 minima: below targets of 2^-15 all barriers of width 3 were once taken for rounding."""
    X, y = documented_data(0, 5)
    if abs(power) > 150:
        with pytest.raises(UsageError, match="no room for differences"):
            make_setting(Risk(make_objective("squared"), X, np.ldexp(y, power)), m)
        return
    plain = merge_tree(documented(0, 5, m))
    tree = merge_tree(make_setting(Risk(make_objective("squared"), X, np.ldexp(y, power)), m))
    assert len(tree.values) == count
    assert tree.largest_gap == tuple(np.ldexp(plain.largest_gap, 2 * power))


def test_targets_far_beyond_hubers_delta():
    """Targets of 1e4 with delta 1: programs that Clarabel had given up on once made a barrier of 280 where there is none."""
    X, y = documented_data(60, 5)
    huber = make_objective("huber", delta=1.0, kappa=0.2)
    tree = merge_tree(make_setting(Risk(huber, X, 1e4 * y), 2))
    # The same in units in which Huber's loss is the absolute one, nearly: both agree with CVXPY on the given numbers.
    assert tree.largest_gap[0] <= tree.resolution * 100
    values, reference = FaceValues(tree.setting), make_program(tree.setting, "reference")
    for codes in tree.cells[:3].tolist():
        assert reference.value(values.face(codes)) == pytest.approx(values.value(values.face(codes)), rel=1e-6)


@pytest.mark.parametrize(("name", "value"), [("TOLERANCES", (0.0,)), ("WORST", 1e-30)])
def test_a_solver_that_gives_up_is_an_error(monkeypatch, name, value):
    """Not an impassable face: that would be a barrier, and a count. Its own word that it is done does not help it past its residuals."""
    from verifier.errors import VerifierError
    from verifier.landscape import conic_program

    monkeypatch.setattr(conic_program, name, value)
    X, y = documented_data(0, 5)
    setting = make_setting(Risk(make_objective("huber", delta=0.7, kappa=0.03), X, y), 1)
    with pytest.raises(VerifierError, match="Clarabel finds no minimum over the face"):
        merge_tree(setting)


def test_near_rays_stay_two():
    """Inputs that differ by 2^-40 have cones whose rays do too, and each is its own column."""
    X = np.array([[0.5], [0.5 + 2.0**-40], [-0.25]])
    setting = make_setting(Risk(make_objective("squared"), X, np.array([[1.0], [-1.0], [0.5]])), 1)
    program = make_program(setting, "rays").program
    assert len(program.rays) == 2 * len(X)
    assert replace(setting, width=2).cells == setting.cells**2

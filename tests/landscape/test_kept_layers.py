"""Exact gaps on paths that keep layers: against all cells with CVXPY on every face; features of shared layers, exact; scalings."""

import itertools
from fractions import Fraction

import networkx as nx
import numpy as np
import pytest

from verifier.errors import DataError, UsageError
from verifier.landscape.above import MOST_PRODUCTS, above_shared, exact_features
from verifier.landscape.faces import FaceValues
from verifier.landscape.gap import exact_gap
from verifier.landscape.locate import cell_of
from verifier.landscape.reference import reference_minimum
from verifier.landscape.setting import pair_setting
from verifier.networks.network import Network
from verifier.objective import Risk, make_objective

OBJECTIVES = [
    ("squared", 0.0, None, None), ("squared", 0.05, "path", None), ("huber", 0.02, "path", 0.3), ("cross_entropy", 0.02, "path", None),
    ("squared", 0.1, "l1", None), ("huber", 0.0, None, 0.3),
]  # fmt: skip


def pair(seed, loss, kappa, penalty, delta, *, K=2, m=2, N=4, scale=1.0):
    rng = np.random.default_rng(seed)
    X, V = rng.normal(size=(N, 1)), rng.normal(size=(K, m))
    y = rng.integers(0, K, N) if loss == "cross_entropy" else rng.normal(size=(N, K))
    A, B = (Network((scale * rng.normal(size=(m, 1)), V), (scale * rng.normal(size=m), None)) for _ in range(2))
    return A, B, Risk(make_objective(loss, delta=delta, kappa=kappa, penalty=penalty), X, y)


@pytest.mark.parametrize("which", OBJECTIVES, ids=str)
@pytest.mark.parametrize("seed", [0, *(pytest.param(s, marks=pytest.mark.slow) for s in range(1, 6))])
def test_search_and_all_cells_agree(which, seed):
    """Two neurons and four samples: every cell, every face by CVXPY on the constraints of all samples; the bottleneck of the whole graph."""
    A, B, risk = pair(seed, *which)
    found = exact_gap(A, B, risk, output_layer="frozen")
    setting = pair_setting(A, B, risk, output_layer="frozen")
    n, graph = setting.neurons, nx.Graph()
    own = [range(i, n.count, n.kinds) for i in range(2)]
    for cell in itertools.product(*own):
        for i, code in enumerate(cell):
            for facet, to in n.crossings[code]:
                if to > code:
                    other = (*cell[:i], to, *cell[i + 1 :])
                    level = reference_minimum(setting, [cell[1 - i]], (code, int(n.facet_samples[facet])))[0]
                    graph.add_edge(cell, other, weight=level)
    tree = nx.minimum_spanning_tree(graph)
    way = nx.shortest_path(tree, cell_of(setting, A), cell_of(setting, B))
    level = max((tree.edges[e]["weight"] for e in itertools.pairwise(way)), default=-np.inf)
    assert found.closed
    assert found.upper == pytest.approx(max(found.E, level), rel=1e-6)
    assert len(graph) == len(n.cones.patterns) ** 2 == setting.cells


@pytest.mark.parametrize("which", OBJECTIVES, ids=str)
def test_programs_agree(which):
    """Clarabel's cone programs, cross-entropy's among them, against CVXPY; the point has the value it claims."""
    A, B, risk = pair(7, *which, K=3, N=5)
    setting = pair_setting(A, B, risk, output_layer="frozen")
    values, n, rng = FaceValues(setting), setting.neurons, np.random.default_rng(0)
    for _ in range(4):
        facet = int(rng.integers(len(n.facet_codes)))
        code = int(n.facet_codes[facet, 0])
        other = n.kinds * int(rng.integers(len(n.cones.patterns))) + (1 - code % n.kinds)
        point = values.point(values.face([other], facet))
        assert point.value == pytest.approx(
            reference_minimum(setting, [other], (code, int(n.facet_samples[facet])))[0], abs=2e-7
        )
        at = np.zeros((2, 2))
        at[code % 2], at[other % 2] = point.facet_u, point.u[other]
        assert risk.path_value(Network((at[:, :1], A.theta), (at[:, 1], None))) == pytest.approx(point.value, abs=1e-6)


@pytest.mark.parametrize("s", [-120, 60])
def test_sizes_do_not_matter(s):
    """Inputs, heads and targets in other units, by powers of two: the same bracket, scaled."""
    A, B, risk = pair(3, "squared", 0.0, None, None, N=6, scale=2.0)
    found = exact_gap(A, B, risk, output_layer="frozen")
    move = lambda net: Network((net.W, np.ldexp(net.theta, s)), (net.b, None))
    other = exact_gap(move(A), move(B), Risk(risk.objective, risk.X, np.ldexp(risk.targets, s)), output_layer="frozen")
    assert np.ldexp(other.lower, -2 * s) == pytest.approx(found.lower, rel=1e-9)
    assert np.ldexp(other.upper, -2 * s) == pytest.approx(found.upper, rel=1e-9)


def test_features_are_exact():
    """Against fractions, with numbers of very different sizes."""
    rng = np.random.default_rng(0)
    for k in range(20):
        widths = [2, 3, 2, 2, 1]
        W = [rng.normal(size=(b, a)) * 2.0 ** rng.integers(-60, 60) for a, b in itertools.pairwise(widths)]
        b = [rng.normal(size=v) * 2.0 ** rng.integers(-60, 60) if (k + v) % 3 else None for v in widths[1:]]
        net, X = Network(tuple(W), tuple(b)), rng.normal(size=(4, 2))
        whole, exponent = exact_features(net, X)
        for j, x in enumerate(X.tolist()):
            h = list(map(Fraction, x))
            for V, c in list(zip(W, b))[:-2]:
                z = [
                    sum((Fraction(v) * u for v, u in zip(row, h)), Fraction(0 if c is None else float(c[i])))
                    for i, row in enumerate(V.tolist())
                ]
                h = [max(v, Fraction(0)) for v in z]
            assert [Fraction(v, 2**exponent) for v in whole[j].tolist()] == h


def test_samples_on_one_line_of_features_stay_on_it():
    """Inputs of one dimension: samples within one linear piece have features on a line, which their roundings leave. Cells are those of the line."""
    rng = np.random.default_rng(1)
    below, shift = rng.normal(size=(3, 1)), np.full(3, 9.0)  # all three active on all samples
    nets = [
        Network((below, rng.normal(size=(1, 3)), rng.normal(size=(1, 1))), (shift, rng.normal(size=1), None))
        for _ in range(2)
    ]
    X = rng.uniform(-1, 1, size=(6, 1))
    risk = Risk(make_objective("squared"), X, rng.normal(size=(6, 1)))
    top = above_shared(*nets, risk)
    setting = pair_setting(top.A, top.B, top.risk, exact=top.exact)
    assert setting.neurons.cones.arrangement.rank == 2
    assert len(setting.neurons.cones.patterns) == 2 * len(X)
    with pytest.raises(DataError, match="too thin"):
        pair_setting(top.A, top.B, top.risk)  # the premise: roundings lie on no line, and have cones of their own


def test_more_than_can_be_computed_exactly_is_refused():
    rng = np.random.default_rng(0)
    wide = rng.normal(size=(300, 300))
    A, B = (Network((wide, wide, rng.normal(size=(1, 300)), rng.normal(size=(1, 1))), (None,) * 4) for _ in range(2))
    risk = Risk(make_objective("squared"), rng.normal(size=(40, 300)), rng.normal(size=(40, 1)))
    assert MOST_PRODUCTS < 40 * 2 * 300 * 300
    with pytest.raises(UsageError, match="without rounding, which takes 7,200,000 multiplications"):
        exact_gap(A, B, risk, hidden_layers="frozen")

"""Whole landscapes: the documented values, and what must hold of every merge tree."""

import numpy as np
import pytest

from tests.landscape.instances import DOCUMENTED, OBJECTIVES, documented, random_setting
from verifier.errors import UsageError
from verifier.landscape.faces import FaceValues
from verifier.landscape.tree import cell_graph, merge_tree


@pytest.mark.parametrize(("seed", "N", "m", "loss", "kappa", "cells", "gap", "level"), DOCUMENTED)
def test_documented_values(seed, N, m, loss, kappa, cells, gap, level):
    """docs/landscape.md, to the five digits given there."""
    tree = merge_tree(documented(seed, N, m, loss, kappa))
    assert tree.cell_count == cells
    assert tree.largest_gap == pytest.approx((gap, level), abs=5.1e-6)


def brute_force_components(graph, level):
    import networkx as nx

    g = nx.Graph()
    g.add_nodes_from(np.flatnonzero(graph.values <= level).tolist())
    g.add_edges_from((a, b) for a, b, w in zip(graph.a.tolist(), graph.b.tolist(), graph.weight.tolist()) if w <= level)
    return nx.number_connected_components(g)


@pytest.mark.parametrize("which", OBJECTIVES)
def test_components_of_sublevel_sets(which):
    """The tree's counts against connected components of the cell graph, at levels between all its steps."""
    setting = random_setting(np.random.default_rng(5), 4, 2, *which)
    tree, graph = merge_tree(setting), cell_graph(setting, FaceValues(setting))
    levels = [level for level, _ in tree.steps]
    for a, b in zip(levels, [*levels[1:], 2 * levels[-1] + 1]):
        if b - a > 1e-6:
            assert tree.components((a + b) / 2) == brute_force_components(graph, (a + b) / 2)
    assert tree.components(levels[0] - 1e-6) == 0
    assert tree.connected[-1][1] == np.inf
    assert tree.steps[-1][1] == 1


def test_every_join_is_of_a_higher_minimum():
    tree = merge_tree(documented(0, 5, 3))
    assert (tree.values[tree.older] <= tree.values[tree.younger]).all()
    assert (tree.persistence > 0).all()
    assert sorted(tree.younger.tolist()) == list(range(1, len(tree.values)))


def test_too_many_cells_are_refused_with_advice():
    with pytest.raises(UsageError, match=r"make 8,000 cells, more than the 100 .*--pair"):
        merge_tree(documented(0, 5, 3), most_cells=100)


@pytest.mark.parametrize(
    ("loss", "penalty", "words"), [("hinge", None, "must be one of squared"), ("squared", "l1", "is not a function of")]
)
def test_what_cells_do_not_cover_is_refused(loss, penalty, words):
    from verifier.landscape.setting import make_setting
    from verifier.objective import Risk, make_objective

    with pytest.raises(UsageError, match=words):
        make_setting(
            Risk(make_objective(loss, kappa=0.1 if penalty else 0, penalty=penalty), np.zeros((3, 1)), np.ones((3, 1))),
            1,
        )


@pytest.mark.parametrize(("N", "m", "cells", "seconds"), [(8, 3, 32768, 10.0), (20, 2, 6400, 3.0)])
def test_speed(N, m, cells, seconds):
    """The whole merge tree within the CPU seconds that were asked for; a tenth of them is usual."""
    tree = merge_tree(documented(0, N, m))
    assert tree.cell_count == cells
    assert tree.cpu_seconds < seconds

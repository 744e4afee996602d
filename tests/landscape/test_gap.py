"""Exact gaps of pairs: against the whole landscape, against CVXPY, with their duals and their certified paths."""

import itertools

import networkx as nx
import numpy as np
import pytest

from tests.landscape.instances import OBJECTIVES, documented, network_at, random_pair, random_setting
from verifier.elaboration import elaborate_path, kernel_problem
from verifier.errors import MalformedInputError, UsageError
from verifier.landscape.duals import slope
from verifier.landscape.faces import FaceValues
from verifier.landscape.gap import exact_gap
from verifier.landscape.locate import cell_of
from verifier.landscape.minima import leading_pairs, minimum_network
from verifier.landscape.reference import reference_minimum
from verifier.landscape.setting import pair_setting
from verifier.landscape.tree import cell_graph, merge_tree
from verifier.networks.network import one_hidden_layer
from verifier.objective import Risk, make_objective


def number(setting, cell):
    out = 0
    for code in cell:
        out = out * setting.neurons.count + code
    return out


def brute_force(setting, A, B, weights, a, b):
    """Lowest level at which the cells of A and B are joined, over all cells."""
    g = nx.Graph()
    g.add_weighted_edges_from(zip(a.tolist(), b.tolist(), weights.tolist()))
    tree = nx.minimum_spanning_tree(g)
    ends = [number(setting, cell_of(setting, n)) for n in (A, B)]
    way = nx.shortest_path(tree, *ends)
    return max((tree.edges[e]["weight"] for e in itertools.pairwise(way)), default=-np.inf)


def found_of(pair):
    setting, A, B = pair
    return exact_gap(A, B, setting.risk)


@pytest.mark.parametrize("block", [0, *(pytest.param(k, marks=pytest.mark.slow) for k in range(1, 5))])
def test_search_and_all_cells_agree(block):
    """200 random pairs: the lazy search's bracket is a point and the value over all cells; its duals prove it."""
    for seed in range(40 * block, 40 * block + 40):
        setting, A, B = pair = random_pair(seed, most_N=4)
        found = found_of(pair)
        graph = cell_graph(setting, FaceValues(setting))
        level = max(found.E, brute_force(setting, A, B, graph.weight, graph.a, graph.b))
        assert found.closed
        assert found.upper == pytest.approx(found.lower, rel=1e-6)
        assert found.upper == pytest.approx(level, rel=1e-6, abs=1e-9)
        barrier = found.barrier()
        assert (barrier is None) == (found.gap[1] <= 1e-8)
        if barrier is not None:
            assert barrier.level == pytest.approx(found.lower, rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(5))
def test_cvxpy_on_every_face_agrees(block):
    """50 random pairs: no rays, no merging of neurons, no cache."""
    for seed in range(1000 + 10 * block, 1010 + 10 * block):
        rng = np.random.default_rng(seed)
        m = 1 + (seed % 5 == 0)
        setting = random_setting(rng, 3 if m == 2 else 4, m, *OBJECTIVES[seed % len(OBJECTIVES)])
        values = FaceValues(setting)
        cells = [tuple(rng.integers(0, setting.neurons.count, m).tolist()) for _ in range(2)]
        A, B = (network_at(setting, c, rng, values) for c in cells)
        if A.same_parameters(B):
            continue
        n, edges, known = setting.neurons, [], {}
        others = [()] if m == 1 else [(c,) for c in range(n.count)]
        for rest in others:
            for code in range(n.count):
                for f, to in n.crossings[code]:
                    if to > code:
                        known[rest, f] = reference_minimum(setting, rest, (code, int(n.facet_samples[f])))[0]
            known[rest, -1] = reference_minimum(setting, rest)[0]
            for code in range(n.count):
                for f, to in [*n.crossings[code], (-1, code ^ 1)]:
                    if to > code:
                        for i in range(m):
                            ends = [number(setting, (*rest[:i], c, *rest[i:])) for c in (code, to)]
                            edges.append((*ends, known[rest, f]))
        a, b, w = (np.array(x) for x in zip(*edges))
        found = found_of((setting, A, B))
        assert found.upper == pytest.approx(max(found.E, brute_force(setting, A, B, w, a, b)), rel=1e-6, abs=1e-7)


def barriers(count, **options):
    """The first so many random pairs with a gap."""
    seed, out = 0, []
    while len(out) < count:
        pair = random_pair(seed, **options)
        found = found_of(pair)
        if found.barrier() is not None:
            out.append((pair, found, found.barrier()))
        seed += 1
    return out


def test_a_barrier_lists_every_face_that_leaves_its_cells():
    for (setting, A, B), _found, barrier in barriers(4):
        inside = {tuple(c) for c in barrier.cells.tolist()}
        assert len(inside) == len(barrier.cells)
        assert tuple(barrier.outside) not in inside
        ends = [cell_of(setting, n, prefer=tuple(barrier.outside)) for n in ((B, A) if barrier.swapped else (A, B))]
        assert tuple(barrier.cells[barrier.inside]) == ends[0]
        assert tuple(barrier.outside) == ends[1]
        listed = {(*f, j) for f, j in zip(barrier.faces.tolist(), barrier.facets.tolist())}
        needed = set()
        for cell in inside:
            for i, code in enumerate(cell):
                rest = (*cell[:i], *cell[i + 1 :])
                if (*cell[:i], code ^ 1, *cell[i + 1 :]) not in inside:
                    needed.add((-1, *sorted(rest), -1))
                for f, to in setting.neurons.crossings[code]:
                    if (*cell[:i], to, *cell[i + 1 :]) not in inside:
                        needed.add((code, *sorted(rest), int(setting.neurons.facet_samples[f])))
        assert listed == needed


def test_duals_of_a_barrier_meet_their_conditions():
    for (setting, _A, _B), found, b in barriers(4):
        n = setting.neurons
        assert b.level == b.bounds.min()
        assert b.level >= found.lower * (1 - 1e-6)
        for codes, facet, nu, mu in zip(b.faces, b.facets, b.nu, b.multipliers):
            for k, code in enumerate(codes.tolist()):
                if code >= 0:
                    left = slope(setting, code, nu) - ((2 * n.pattern(code) - 1) * mu[k]) @ n.inputs
                    assert np.linalg.norm(left) <= (setting.kappa if setting.kappa else 1e-7)
                    assert (np.delete(mu[k], facet) if k == 0 and facet >= 0 else mu[k]).min() >= 0


@pytest.mark.parametrize("block", [0, *(pytest.param(k, marks=pytest.mark.slow) for k in range(1, 10))])
def test_paths_are_certified_at_the_upper_value(block):
    for seed in range(20 * block, 20 * block + 20):
        setting, A, B = random_pair(seed)
        found = found_of((setting, A, B))
        path = found.path
        assert path.start.same_parameters(A)
        assert path.end.same_parameters(B)
        claim = elaborate_path(kernel_problem(A, B, setting.risk), path).claim
        assert claim.sup <= found.upper * (1 + 1e-6)
        barrier = found.barrier()
        assert barrier is None or barrier.level <= claim.sup


def test_dead_neurons_are_woken_and_put_to_sleep():
    setting, A, B = random_pair(43)
    assert A.theta.shape[1] == 2
    A = one_hidden_layer(A.W, A.theta * [1, 0], A.b, A.c)
    B = one_hidden_layer(B.W, B.theta * [0, 1], B.b, B.c)
    found = found_of((setting, A, B))
    assert found.closed
    problem = kernel_problem(A, B, setting.risk)
    assert elaborate_path(problem, found.path, most_pieces=4096).claim.sup < np.inf
    assert found.path.end.same_parameters(B)


def test_a_search_can_be_stopped_saved_and_taken_up(tmp_path):
    setting = documented(0, 5, 2)
    values, tree = FaceValues(setting), merge_tree(setting)
    pair = leading_pairs(tree, 1)[0]
    A, B = (minimum_network(values, tree.cells[k]) for k in (pair.younger, pair.older))
    whole = found_of((setting, A, B))
    assert whole.gap[1] == pytest.approx(pair.gap, rel=1e-9)
    args = (A, B, setting.risk)
    state, brackets = tmp_path / "state.npz", []
    for most in range(6, 400, 6):
        found = exact_gap(*args, most_cells=most, state=state)
        brackets.append((found.lower, found.upper))
        assert found.lower <= whole.lower * (1 + 1e-9)
        assert found.upper >= whole.upper * (1 - 1e-9)
        assert found.path.end.same_parameters(B)
        if found.closed:
            break
    assert len(brackets) > 3
    assert found.lower == pytest.approx(whole.lower, rel=1e-9)
    assert all(a[0] <= b[0] and a[1] >= b[1] for a, b in itertools.pairwise(brackets))
    other = random_pair(58)
    with pytest.raises(MalformedInputError, match="remove it to start anew"):
        exact_gap(other[1], other[2], Risk(other[0].objective, other[0].X, other[0].targets), state=state)


@pytest.mark.parametrize("edit", ["bracket", "A.weights", "seal", "half", "other data", "other code"])
def test_a_state_of_another_search_or_an_edited_one_is_refused(tmp_path, monkeypatch, edit):
    """Its bracket is shown, and nothing could check it."""
    setting = documented(0, 5, 2)
    values, tree = FaceValues(setting), merge_tree(setting)
    pair = leading_pairs(tree, 1)[0]
    A, B = (minimum_network(values, tree.cells[k]) for k in (pair.younger, pair.older))
    state, y = tmp_path / "state.npz", setting.targets
    exact_gap(A, B, Risk(setting.objective, setting.X, y), most_cells=6, state=state)
    if edit == "half":
        state.write_bytes(state.read_bytes()[:200])
    elif edit == "other data":
        y = y + 1e-9
    elif edit == "other code":
        monkeypatch.setattr("verifier.landscape.sealed.code_version", lambda: "repaired")
    else:
        with np.load(state) as f:
            arrays = dict(f)
        arrays[edit] = np.array("x") if edit == "seal" else 0.5 * arrays[edit]
        np.savez(state, **arrays)
    with pytest.raises(MalformedInputError, match="remove it to start anew"):
        exact_gap(A, B, Risk(setting.objective, setting.X, y), most_cells=6, state=state)


def test_a_stopped_search_still_has_a_lower_bound():
    """The faces that leave what was explored prove the lower end of the bracket."""
    (setting, A, B), whole, _ = barriers(1, most_N=5, which=OBJECTIVES[2])[0]
    found = exact_gap(A, B, setting.risk, most_cells=4)
    barrier = found.barrier()
    if barrier is not None:
        assert barrier.level == pytest.approx(found.lower, rel=1e-6)
        assert barrier.level <= whole.upper


def test_frozen_output_layer():
    """Paths of the hidden layer only: the pass is at least the trained one's, the output layer never moves, no edge changes a sign."""
    for seed in range(20):
        setting, A, B = random_pair(seed)
        B = one_hidden_layer(B.W, A.theta, B.b, A.c)
        if A.same_parameters(B) or setting.objective.penalise_output_bias:
            continue
        args = (A, B, setting.risk)
        found, trained = exact_gap(*args, output_layer="frozen"), exact_gap(*args)
        assert found.closed
        assert found.upper >= trained.lower * (1 - 1e-6)
        assert all(np.array_equal(v.theta, A.theta) for v in found.path.vertices())
        problem = kernel_problem(A, B, setting.risk)
        assert elaborate_path(problem, found.path).claim.sup <= found.upper * (1 + 1e-6)
        barrier = found.barrier()
        if barrier is not None:
            assert (barrier.faces[:, 0] >= 0).all()
            assert barrier.level == pytest.approx(found.lower, rel=1e-6)


def test_frozen_landscape_against_all_cells():
    rng = np.random.default_rng(0)
    for seed in range(6):
        _, A, B = random_pair(seed + 3, which=OBJECTIVES[0], most_N=4)
        X, y = rng.uniform(-1, 1, (4, 1)), rng.normal(size=(4, 1))
        o = make_objective("squared")
        B = one_hidden_layer(B.W, A.theta, B.b)
        if A.same_parameters(B):
            continue
        found = exact_gap(A, B, Risk(o, X, y), output_layer="frozen")
        frozen = pair_setting(A, B, Risk(o, X, y), output_layer="frozen")
        graph = cell_graph(frozen, FaceValues(frozen))
        p = frozen.neurons.count // 2
        ends = []
        for net in (A, B):
            k = 0
            for code in cell_of(frozen, net):
                k = k * p + code // 2
            ends.append(k)
        g = nx.Graph()
        g.add_weighted_edges_from(zip(graph.a.tolist(), graph.b.tolist(), graph.weight.tolist()))
        way = nx.shortest_path(tree := nx.minimum_spanning_tree(g), *ends)
        level = max((tree.edges[e]["weight"] for e in itertools.pairwise(way)), default=0.0)
        assert found.upper == pytest.approx(max(found.E, level), rel=1e-9)


def test_more_inputs_and_no_bias():
    for seed, (d, bias) in enumerate([(2, False), (2, True), (3, True), (1, False)]):
        rng = np.random.default_rng(seed)
        setting = random_setting(rng, 5, 2, *OBJECTIVES[2 * (seed % 2)], d=d, hidden_bias=bias)
        values = FaceValues(setting)
        A, B = (
            network_at(setting, tuple(rng.integers(0, setting.neurons.count, 2).tolist()), rng, values)
            for _ in range(2)
        )
        found = found_of((setting, A, B))
        assert found.closed
        claim = elaborate_path(kernel_problem(A, B, setting.risk), found.path).claim
        assert claim.sup <= found.upper * (1 + 1e-6)


def test_weight_decay_has_the_path_penaltys_pass():
    """F under weight decay is at least F under path, and balancing reaches it."""
    for (setting, A, B), found, _ in barriers(2, which=(*OBJECTIVES[2][:3], True, False)):
        decay = make_objective("squared", kappa=setting.kappa, penalty="weight_decay")
        other = exact_gap(A, B, Risk(decay, setting.X, setting.targets))
        assert other.upper == pytest.approx(max(other.E, found.upper), rel=1e-6)


def test_ties_are_decided_exactly():
    """A row that vanishes exactly on a sample lies in two cones: any of them will do, and nothing is out of reach."""
    setting = random_setting(np.random.default_rng(1), 4, 1)
    x = float(setting.X[0, 0])
    A = one_hidden_layer(np.array([[1.0]]), np.array([0.3]), np.array([-x]))
    cell = cell_of(setting, A)
    pattern = setting.neurons.pattern(cell[0])
    others = np.arange(4) != 0
    np.testing.assert_array_equal(pattern[others], (setting.X[others, 0] > x).astype(int))


def test_the_same_network_twice_is_refused():
    setting, A, _ = random_pair(0)
    with pytest.raises(UsageError, match="the same network"):
        exact_gap(A, A, setting.risk)

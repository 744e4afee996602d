"""Barriers on paths that keep layers: what reorderings and powers of two leave as it is, passes found by brute force, degenerate networks, contradictions."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import minimum_spanning_tree, shortest_path

from tests.corpus.kept_layers import deep, outputs, solved_classes
from verifier.elaboration import elaborate_path
from verifier.errors import UsageError
from verifier.kernel import Parameters, check
from verifier.kernel.statements.kept import keeps_below
from verifier.landscape.gap import exact_gap
from verifier.networks.network import Network
from verifier.objective.risk import risk_of
from verifier.pipeline.exact import barrier_of
from verifier.proved import ProvedOutcome, _before

from .barriers import KEPT, kept_instance
from .contradictions import contradiction

SEVERAL = [case for case in KEPT if case.get("K", 1) > 1 and "below" not in case]
DEEP = [case for case in KEPT if "below" in case]


def levels(problem, claim):
    found = [check(problem, claim, evaluation=e) for e in ("fast", "reference")]
    assert all(v.accepted for v in found), [v.sentence for v in found]
    return [v.computed["level"] for v in found]


def both(problem, change):
    return replace(problem, A=change(problem.A), B=change(problem.B))


def entries(claim, N, K, m):
    """Of every entry that a basis may name, where it stands: ("nu", j, k) or ("mu", place in the face, j)."""
    return [("nu", j, k) for j in range(N) for k in range(K)] + [("mu", i, j) for i in range(m) for j in range(N)]


def moved_basis(basis, old, new):
    """old, new: the lists of `entries` before and after, new[i] being where old[i] went."""
    place = {e: k for k, e in enumerate(old)}
    return np.array(
        [[-1 if v == -1 else place[new[v]] for v in row] for row in basis.tolist()], dtype=np.int64
    ).reshape(basis.shape)


@pytest.mark.parametrize("case", SEVERAL, ids=str)
def test_outputs_in_another_order(case):
    problem, claim, *_ = kept_instance(**case)
    K, m = problem.A.weights[1].shape
    N, f = len(problem.X), len(claim.faces)
    order = np.roll(np.arange(K), 1)
    back = np.argsort(order)
    turned = both(
        problem,
        lambda p: Parameters(
            (p.weights[0], p.weights[1][order]), (p.biases[0], None if p.biases[1] is None else p.biases[1][order])
        ),
    )
    labels = problem.objective.loss == "cross_entropy"
    turned = replace(turned, targets=back[problem.targets] if labels else problem.targets[:, order].copy())
    old = entries(claim, N, K, m)
    new = [(kind, a, int(back[b]) if kind == "nu" else b) for kind, a, b in old]
    nu = claim.nu.reshape(f, N, K)[:, :, order].reshape(f, N * K)
    assert levels(turned, replace(claim, nu=nu, basis=moved_basis(claim.basis, old, new))) == pytest.approx(
        levels(problem, claim), rel=1e-12
    )


@pytest.mark.parametrize("case", [c for c in KEPT if c.get("m", 2) == 2], ids=str)
def test_neurons_in_another_order(case):
    """With several outputs a code names its neuron; in a face neurons stand in the order of their codes."""
    problem, claim, *_ = kept_instance(**case)
    K, m = problem.A.weights[-1].shape
    N, f = len(problem.X), len(claim.faces)
    swap = lambda p: Parameters(
        (*p.weights[:-2], p.weights[-2][::-1].copy(), p.weights[-1][:, ::-1].copy()),
        (*p.biases[:-2], None if p.biases[-2] is None else p.biases[-2][::-1].copy(), p.biases[-1]),
    )
    renamed = (lambda c: c) if K == 1 else (lambda c: m * (c // m) + (m - 1 - c % m))
    changed = replace(
        claim,
        cells=renamed(claim.cells[:, ::-1]).copy(),
        outside=renamed(claim.outside[::-1]).copy(),
        faces=renamed(claim.faces),
    )
    assert (claim.faces[:, 1:].shape[1]) == 1, "one neuron beside the moving one: nothing to sort"
    assert levels(both(problem, swap), changed) == pytest.approx(levels(problem, claim), rel=1e-12)
    if K > 1:
        assert not check(both(problem, swap), claim).accepted
    assert f == len(claim.nu)
    assert claim.nu.shape[1] == N * K


@pytest.mark.parametrize("case", KEPT, ids=str)
def test_samples_in_another_order(case):
    problem, claim, *_ = kept_instance(**case)
    K, m = problem.A.weights[-1].shape
    N, f = len(problem.X), len(claim.faces)
    order = np.roll(np.arange(N), 2)
    to = np.argsort(order)
    turned = replace(problem, X=problem.X[order].copy(), targets=problem.targets[order].copy())
    new = lambda j: np.where(j >= 0, to[j], -1)
    redundant = claim.redundant.copy()
    redundant[:, 1] = new(redundant[:, 1])
    old = entries(claim, N, K, m)
    there = [(kind, int(to[a]), b) if kind == "nu" else (kind, a, int(to[b])) for kind, a, b in old]
    changed = replace(
        claim, patterns=claim.patterns[:, order].copy(), redundant=redundant, supports=new(claim.supports), facets=new(claim.facets),
        nu=claim.nu.reshape(f, N, K)[:, order].reshape(f, -1), multipliers=claim.multipliers.reshape(f, m, N)[:, :, order].reshape(f, -1),
        basis=moved_basis(claim.basis, old, there),
    )  # fmt: skip
    assert levels(turned, changed) == pytest.approx(levels(problem, claim), rel=1e-12)


@pytest.mark.parametrize("case", SEVERAL, ids=str)
@pytest.mark.parametrize("s", [-30, 17])
def test_heads_and_rows_scale_against_each_other(case, s):
    problem, claim, *_ = kept_instance(**case)
    if problem.objective.penalty == "l1":
        return  # its price is of the head
    scaled = both(
        problem,
        lambda p: Parameters(
            (np.ldexp(p.weights[0], -s), np.ldexp(p.weights[1], s)), (np.ldexp(p.biases[0], -s), p.biases[1])
        ),
    )
    assert levels(scaled, replace(claim, multipliers=np.ldexp(claim.multipliers, s))) == pytest.approx(
        levels(problem, claim), rel=1e-12
    )


@pytest.mark.parametrize("s", [-40, 9])
def test_targets_and_heads_scale_together(s):
    problem, claim, *_ = kept_instance(**KEPT[0])
    scaled = both(problem, lambda p: Parameters((p.weights[0], np.ldexp(p.weights[1], s)), p.biases))
    scaled = replace(scaled, targets=np.ldexp(problem.targets, s))
    changed = replace(
        claim, level=float(np.ldexp(claim.level, 2 * s)), gap=float(np.ldexp(claim.gap, 2 * s)), nu=np.ldexp(claim.nu, s),
        multipliers=np.ldexp(claim.multipliers, 2 * s),
    )  # fmt: skip
    assert np.ldexp(levels(scaled, changed), -2 * s) == pytest.approx(levels(problem, claim), rel=1e-12)


@pytest.mark.parametrize("case", DEEP, ids=str)
@pytest.mark.parametrize("s", [-60, 11, 60])
def test_layers_below_scale_against_the_last(case, s):
    """Features times 2^s, the rows that read them times 2^-s: the same functions, cells and duals."""
    problem, claim, *_ = kept_instance(**case)
    k = len(problem.A.weights) - 3

    def change(p):
        W, b = list(p.weights), list(p.biases)
        W[k], b[k], W[k + 1] = np.ldexp(W[k], s), np.ldexp(b[k], s), np.ldexp(W[k + 1], -s)
        return Parameters(tuple(W), tuple(b))

    width = problem.A.weights[k].shape[0]
    interiors, multipliers = claim.interiors.copy(), claim.multipliers
    interiors[:, :width] = np.ldexp(interiors[:, :width], -s)
    assert levels(both(problem, change), replace(claim, interiors=interiors, multipliers=multipliers)) == pytest.approx(
        levels(problem, claim), rel=1e-12
    )


# --- by brute force ------------------------------------------------------------------------------------------------------


def grid_pass(problem, reach, points=161):
    """The least over walks on a grid of rows of the largest F: one neuron of two numbers, everything else kept."""
    l = len(problem.A.weights) - 2
    rows = [
        np.concatenate([p.weights[l][0], [] if p.biases[l] is None else p.biases[l]]) for p in (problem.A, problem.B)
    ]
    axis = [np.linspace(-reach, reach, points)] * 2
    U = np.stack(np.meshgrid(*axis, indexing="ij"), axis=-1).reshape(-1, 2)
    U = np.vstack([U, rows])
    h = problem.X
    for W, b in list(zip(problem.A.weights, problem.A.biases))[:l]:
        h = np.maximum(h @ W.T + b, 0.0)
    inputs = h if problem.A.biases[l] is None else np.column_stack([h, np.ones(len(h))])
    V, c = problem.A.weights[-1][:, 0], problem.A.biases[-1]
    loss, N, kappa = risk_of(problem).objective.loss, len(inputs), problem.objective.kappa

    def F(U):
        f = np.maximum(U @ inputs.T, 0.0)[:, :, None] * V + (0.0 if c is None else c)
        if not len(U):
            return np.zeros(0)
        targets = np.tile(problem.targets, (len(U), *[1] * (problem.targets.ndim - 1)))
        values = loss.values(f.reshape(len(U) * N, -1), targets).reshape(len(U), N).mean(axis=1)
        return values + (
            kappa * np.abs(V).sum() * np.linalg.norm(U, axis=1) if problem.objective.penalty == "path" else 0.0
        )

    n = points * points
    index = np.arange(n).reshape(points, points)
    pairs = [
        (index[1:], index[:-1]),
        (index[:, 1:], index[:, :-1]),
        (index[1:, 1:], index[:-1, :-1]),
        (index[1:, :-1], index[:-1, 1:]),
    ]
    a, b = (np.concatenate([p[k].ravel() for p in pairs]) for k in (0, 1))
    step = 2 * reach / (points - 1)
    for k, row in enumerate(rows):
        i, j = np.floor((row + reach) / step).astype(int)
        near = index[max(i, 0) : i + 2, max(j, 0) : j + 2].ravel()
        a, b = np.append(a, near), np.append(b, np.full(len(near), n + k))
    # On a straight edge F is convex between the points at which a sample's pre-activation is 0.
    weight = np.maximum(F(U)[a], F(U)[b])
    for x in inputs:
        u, v = U[a] @ x, U[b] @ x
        turns = np.flatnonzero(u * v < 0)
        t = (u[turns] / (u[turns] - v[turns]))[:, None]
        weight[turns] = np.maximum(weight[turns], F((1 - t) * U[a[turns]] + t * U[b[turns]]))
    tree = minimum_spanning_tree(coo_array((weight, (a, b)), shape=(n + 2, n + 2)).tocsr()).tocsr()
    tree = tree + tree.T
    _, before = shortest_path(tree, unweighted=True, indices=n, return_predecessors=True)
    at, top = n + 1, 0.0
    while at != n:
        top, at = max(top, tree[at, before[at]]), before[at]
    return top


@pytest.mark.parametrize(
    "case",
    [KEPT[1], KEPT[3], {"seed": 3, "K": 3, "m": 1, "N": 5, "output_bias": True}, {"seed": 2, "below": (1,), "K": 2, "m": 1, "d": 2},
     {"seed": 10, "below": (1,), "K": 2, "m": 1, "d": 2, "loss": "cross_entropy"}, {"seed": 22, "below": (2,), "K": 2, "m": 1, "hidden_bias": False},
     {"seed": 11, "below": (2,), "m": 1, "hidden_bias": False, "d": 2}],
    ids=str,
)  # fmt: skip
def test_a_grid_of_all_rows_finds_the_same_pass(case):
    """Two numbers: a grid over all rows, joined to its neighbours, needs no cells and no duals. Its pass is above the true one, and near it."""
    problem, claim, *_ = kept_instance(**case)
    l = len(problem.A.weights) - 2
    size = max(
        np.abs(np.concatenate([p.weights[l].ravel(), [0.0] if p.biases[l] is None else p.biases[l]])).max()
        for p in (problem.A, problem.B)
    )
    best = grid_pass(problem, 1.5 * size)
    assert best >= claim.level * (1 - 1e-9)
    assert best <= claim.level * 1.05


def places(problem, p, q):
    """Of the segment from p to q: its ends, a grid, and where a pre-activation of the last hidden layer is 0, the layers below being the same."""
    l, h = len(p.weights) - 2, problem.X
    for W, b in list(zip(p.weights, p.biases))[:l]:
        h = np.maximum(h @ W.T + b, 0.0)
    u, v = (h @ n.weights[l].T + (0.0 if n.biases[l] is None else n.biases[l]) for n in (p, q))
    return [*np.linspace(0, 1, 25), *(u / (u - v))[u * v < 0].tolist()]


@pytest.mark.parametrize("case", KEPT, ids=str)
def test_sampled_paths_pass_the_level(case):
    """Polylines through random networks near both ends, near 0 and in between that keep what is to be kept. With the head frozen F is convex between the
    points at which a pre-activation is 0, so that nothing is missed."""
    problem, claim, *_ = kept_instance(**case)
    rng, risk = np.random.default_rng(0), risk_of(problem)
    l = len(problem.A.weights) - 2
    moved = [
        (kind, k)
        for k in ((l,) if claim.frozen else (l, l + 1))
        for kind in ("weights", "biases")
        if getattr(problem.A, kind)[k] is not None
    ]
    lowest = np.inf
    for _ in range(60):
        stops = [problem.A]
        for _ in range(int(rng.integers(0, 4))):
            t, noise = rng.uniform(-0.2, 1.2), 10.0 ** rng.uniform(-2, 0.5)
            parts = {"weights": list(problem.A.weights), "biases": list(problem.A.biases)}
            for kind, k in moved:
                a, b = getattr(problem.A, kind)[k], getattr(problem.B, kind)[k]
                parts[kind][k] = ((1 - t) * a + t * b) * rng.choice([0.0, 1.0, 0.3]) + noise * rng.normal(size=a.shape)
            stops.append(Parameters(tuple(parts["weights"]), tuple(parts["biases"])))
        stops.append(problem.B)
        top = -np.inf
        for p, q in itertools.pairwise(stops):
            for t in places(problem, p, q):
                mix = lambda a, b, t=t: None if a is None else (1 - t) * a + t * b
                at = Network(tuple(map(mix, p.weights, q.weights)), tuple(map(mix, p.biases, q.biases)))
                top = max(top, risk.path_value(at))
        lowest = min(lowest, top)
    assert lowest >= claim.level * (1 - (1e-9 if claim.frozen else 1e-3))


@pytest.mark.parametrize("case", KEPT, ids=str)
def test_the_path_that_is_found_reaches_the_level_and_no_more(case):
    problem, claim, _, _ = kept_instance(**case)
    A, B = (Network(p.weights, p.biases) for p in (problem.A, problem.B))
    words = claim.output_layer.split(" above")[0]
    found = exact_gap(
        A,
        B,
        risk_of(problem),
        output_layer=words,
        hidden_layers="frozen" if keeps_below(claim.output_layer) else "trained",
    )
    path = elaborate_path(problem, found.path, output_layer=words).claim
    assert check(problem, path).accepted
    assert claim.level <= path.sup <= claim.level * (1 + 2e-4)
    last = len(A.weights)
    assert all(
        w.layer >= last - (1 if keeps_below(claim.output_layer) else last) for move in path.moves for w in move.writes
    )


# --- degenerate networks -------------------------------------------------------------------------------------------------


def test_one_network_twice_has_no_barrier():
    for make in (outputs, solved_classes, deep):
        case = make(gap=0.0)
        for end in (case.problem.A, case.problem.B):
            same = replace(case.problem, A=end, B=end)
            for evaluation in ("fast", "reference"):
                assert not check(same, case.claims[0], evaluation=evaluation).accepted


def test_a_permuted_copy_is_another_network_under_a_frozen_head():
    """Its neurons have each other's heads: with several outputs that is another function, and the search finds what lies between."""
    problem, *_ = kept_instance(**KEPT[0])
    A = Network(problem.A.weights, problem.A.biases)
    copy = Network((A.W[::-1].copy(), A.theta), (A.b[::-1].copy(), A.c))
    risk = risk_of(problem)
    found = exact_gap(A, copy, risk, output_layer="frozen")
    pair = replace(problem, B=Parameters(copy.weights, copy.biases))
    claim = barrier_of(pair, found)
    assert max(risk.value(A), risk.value(copy)) - 1e-12 <= found.E
    if claim is not None:
        assert all(check(pair, claim, evaluation=e).accepted for e in ("fast", "reference"))
        assert claim.level <= found.upper * (1 + 1e-9)


@pytest.mark.parametrize("case", [KEPT[0], KEPT[2], DEEP[0]], ids=str)
def test_samples_that_stand_twice(case):
    """One class of parallel inputs: they flip together, and F counts both."""
    problem, *_ = kept_instance(**case)
    again = [*range(len(problem.X)), 0, 0]
    twice = replace(problem, X=problem.X[again], targets=problem.targets[again])
    A, B = (Network(p.weights, p.biases) for p in (problem.A, problem.B))
    words = case.get("output_layer", "frozen")
    found = exact_gap(
        A, B, risk_of(twice), output_layer=words, hidden_layers="frozen" if "below" in case else "trained"
    )
    claim = barrier_of(twice, found)
    if claim is not None:
        assert all(check(twice, claim, evaluation=e).accepted for e in ("fast", "reference"))


def test_neurons_with_one_head_and_one_row():
    """Equal columns of the head, equal rows in A: two neurons in one cell each, and the claim is none of one neuron."""
    problem, *_ = kept_instance(**KEPT[1])
    W, b, V, c = problem.A.weights[0], problem.A.biases[0], problem.A.weights[1] / 2, problem.A.biases[1]
    double = lambda p: Network(
        (np.vstack([p.weights[0]] * 2), np.hstack([V, V])), (np.concatenate([p.biases[0]] * 2), c)
    )
    A, B = double(problem.A), double(problem.B)
    assert W.shape[0] == len(b) == 1
    found = exact_gap(A, B, risk_of(problem), output_layer="frozen")
    pair = replace(problem, A=Parameters(A.weights, A.biases), B=Parameters(B.weights, B.biases))
    claim = barrier_of(pair, found)
    # Each neuron may cross alone, and the other one help: the pass is no higher than that of one neuron.
    one = kept_instance(**KEPT[1])[1]
    assert found.upper <= one.level * (1 + 1e-6)
    assert claim is None or all(check(pair, claim, evaluation=e).accepted for e in ("fast", "reference"))


def test_a_neuron_without_a_head_is_refused_by_the_search_with_the_reason():
    problem, *_ = kept_instance(**KEPT[0])
    V = problem.A.weights[1].copy()
    V[:, 1] = 0.0
    A, B = (Network((p.weights[0], V), p.biases) for p in (problem.A, problem.B))
    with pytest.raises(UsageError, match="no neuron's theta may be 0"):
        exact_gap(A, B, risk_of(problem), output_layer="frozen")


# --- beside other claims -------------------------------------------------------------------------------------------------


def test_contradictions_know_which_paths_are_meant():
    problem, claim, _, _ = kept_instance(**KEPT[0])
    A, B = (Network(p.weights, p.biases) for p in (problem.A, problem.B))
    path = elaborate_path(
        problem, exact_gap(A, B, risk_of(problem), output_layer="frozen").path, output_layer="frozen"
    ).claim
    assert contradiction([claim, path]) is None
    low = replace(path, sup=claim.level / 2)
    assert contradiction([claim, low]) is not None
    assert contradiction([claim, replace(low, output_layer="trained")]) is None


def test_the_checker_with_a_proof_does_not_cover_them():
    """It would read a second output's duals as another sample's, and features as inputs: it is not asked."""
    for case in KEPT:
        problem, claim, *_ = kept_instance(**case)
        found = _before(problem, claim)
        assert found is not None
        assert found.outcome is ProvedOutcome.NOT_COVERED
        assert "not covered" in found.why

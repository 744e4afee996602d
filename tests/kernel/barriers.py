"""Tiny pairs with barriers, and their lower-bound claims, found by plain search over all cells: instances for tests of the kernel."""

from __future__ import annotations

import heapq
import itertools
from functools import cache

import numpy as np
from scipy.optimize import minimize

from verifier.elaboration import kernel_problem
from verifier.elaboration.barriers import LeavingFaces, Region, barrier_claim
from verifier.landscape.duals import face_dual
from verifier.landscape.faces import FaceValues
from verifier.landscape.gap import exact_gap
from verifier.landscape.setting import make_setting
from verifier.networks.network import Network
from verifier.objective import Risk, make_objective
from verifier.pipeline.exact import barrier_of


def _network(setting, cell, point):
    """A network a little inside the cell, near its minimum."""
    rows, heads, used = [], [], set()
    for code in cell:
        u = (
            1e-2
            * setting.neurons.cones.interiors[code // 2]
            / np.linalg.norm(setting.neurons.cones.interiors[code // 2])
        )
        if code in point.u and code not in used:
            u = u + point.u[code]
            used.add(code)
        size = np.linalg.norm(u) ** 0.5
        rows.append(u / size)
        heads.append(setting.neurons.sign(code) * size)
    W = np.array(rows)
    theta = np.array([heads])
    c = np.array([point.bias]) if setting.output_bias else None
    if setting.hidden_bias:
        return Network((W[:, :-1], theta), (W[:, -1], c))
    return Network((W, theta), (None, c))


@cache
def instance(seed, *, N=5, d=1, m=1, loss="squared", kappa=0.0, penalty=None, bias=True, output_bias=False):
    """The lowest minimum B and the minimum A with the highest pass to it: (problem, claim, pass level, weight of each face of the claim).

    None when the pass is less than 1e-3 over A.
    """
    rng = np.random.default_rng(seed)
    X = np.sort(rng.uniform(-1, 1, size=(N, d)), axis=0)
    y = rng.normal(size=(N, 1))
    if loss == "logistic":
        y = np.sign(y)
    objective = make_objective(loss, delta=0.3 if loss == "huber" else None, kappa=kappa, penalty=penalty)
    setting = make_setting(Risk(objective, X, y), m, hidden_bias=bias, output_bias=output_bias)
    values, neurons = FaceValues(setting), setting.neurons
    cells = [tuple(c) for c in np.ndindex(*[neurons.count] * m)]
    weight = {c: values.value(values.face(c)) for c in cells}

    def edges(cell):
        for i, code in enumerate(cell):
            others = tuple(sorted(cell[:i] + cell[i + 1 :]))
            yield (*cell[:i], code ^ 1, *cell[i + 1 :]), (-1, *others), -1, values.value(values.face(others))
            for facet, across in neurons.crossings[code]:
                j = int(neurons.facet_samples[facet])
                yield (*cell[:i], across, *cell[i + 1 :]), (code, *others), j, values.value(values.face(others, facet))

    starts = sorted(cells, key=weight.__getitem__)
    start = starts[0]
    # Prim's search from the lowest cell: the level at which each cell is reached.
    reached, queue = {}, [(weight[start], start)]
    while queue:
        level, cell = heapq.heappop(queue)
        if cell in reached:
            continue
        reached[cell] = level
        for other, _, _, w in edges(cell):
            if other not in reached:
                heapq.heappush(queue, (max(level, w), other))
    goal = max(starts, key=lambda c: reached[c] - weight[c])
    if reached[goal] - weight[goal] < 1e-3:
        return None
    level = reached[goal]
    # The goal's own side is the smaller one: A lies there.
    inside, stack = {goal}, [goal]
    leaving = {}
    while stack:
        for other, _, _, w in edges(stack.pop()):
            if w < level * (1 - 1e-9) and other not in inside:
                inside.add(other)
                stack.append(other)
    for cell in inside:
        for other, codes, j, w in edges(cell):
            if other not in inside:
                leaving[codes, j] = w
    A, B = (_network(setting, c, values.point(values.face(c))) for c in (goal, start))
    problem = kernel_problem(A, B, Risk(objective, X, y))
    found = []
    for codes, j in leaving:
        codes_of = [*codes[1:]]
        facet = -1
        if j >= 0:
            facet = next(f for f, _ in neurons.crossings[codes[0]] if neurons.facet_samples[f] == j)
        point = values.point(values.face(codes_of, facet))
        found.append(face_dual(setting, codes, j, point))
    faces = LeavingFaces(
        np.array([c for c, _ in leaving]), np.array([j for _, j in leaving]),
        np.array([d.nu for d in found]), np.array([d.multipliers for d in found]),
    )  # fmt: skip
    cones = neurons.cones
    ordered = sorted(inside)
    region = Region(
        cones.patterns, cones.interiors, cones.redundant, cones.supports, np.array(ordered), ordered.index(goal), start
    )
    claim = barrier_claim(problem, region, faces, name="tiny", output_layer="trained", level=level)
    return problem, claim, level, np.array(list(leaving.values()))


@cache
def frozen_instance(seed):
    """(problem, claim, pass level) with the output layer (1, -1) frozen: two networks trained by Nelder and Mead on few samples."""
    rng, m = np.random.default_rng(seed), 2
    X, y = np.sort(rng.uniform(-1, 1, (6, 1)), axis=0), rng.normal(size=(6, 1))
    theta, c = np.array([[1.0, -1.0]]), np.array([0.125]) if seed % 2 else None
    starts = []
    for _ in range(2):
        w = rng.normal(size=(m, 1))
        starts.append(np.concatenate([w.ravel(), rng.normal(size=m)]))
    objective = make_objective("squared", kappa=0.0 if seed % 3 else 0.02, penalty=None if seed % 3 else "path")
    at = lambda z: Network((z[:m].reshape(m, 1), theta), (z[m:], c))
    value = lambda z: objective.value(at(z), X, y)
    A, B = (at(minimize(value, z, method="Nelder-Mead", options={"maxiter": 1500}).x) for z in starts)
    found = exact_gap(A, B, Risk(objective, X, y), output_layer="frozen")
    problem = kernel_problem(A, B, Risk(objective, X, y))
    claim = barrier_of(problem, found)
    assert claim is not None, "this seed has no barrier"
    return problem, claim, found.upper


# Several outputs under a head that stays, and networks above layers that they share: the seed is one with a barrier.
KEPT = (
    {"seed": 2, "K": 2},
    {"seed": 1, "K": 3, "m": 1, "N": 5, "output_bias": True},
    {"seed": 2, "K": 2, "loss": "cross_entropy"},
    {"seed": 0, "K": 3, "m": 1, "N": 6, "loss": "cross_entropy", "kappa": 0.02, "penalty": "path", "output_bias": True},
    {"seed": 3, "K": 2, "kappa": 0.02, "penalty": "path"},
    {"seed": 2, "K": 2, "loss": "huber", "kappa": 0.02, "penalty": "l1"},
    {"seed": 2, "below": (2, 2), "m": 1, "N": 6, "output_layer": "trained"},
    {"seed": 4, "below": (2, 2), "m": 1, "N": 6, "output_layer": "trained"},
    {"seed": 0, "below": (2,), "hidden_bias": False},
    {"seed": 2, "below": (2, 2), "m": 1, "K": 2, "loss": "cross_entropy", "d": 2},
)


@cache
def kept_instance(
    seed, *, K=1, m=2, N=8, d=1, below=(), loss="squared", kappa=0.0, penalty=None, output_layer="frozen", hidden_bias=True, output_bias=False
):  # fmt: skip
    """(problem, claim, pass level, setting): the pair with the highest barrier of five networks trained by Nelder and Mead above layers, and perhaps under
    a head, that they share. None where there is no barrier of 1e-3."""
    rng = np.random.default_rng(seed)
    X, y = np.sort(rng.uniform(-1, 1, (N, d)), axis=0), rng.normal(size=(N, K))
    if loss == "cross_entropy":
        y = np.arange(N) % K
    widths = (d, *below)
    shared = [(rng.normal(size=(b, a)), rng.normal(size=b)) for a, b in itertools.pairwise(widths)]
    n, frozen = widths[-1], output_layer == "frozen"
    V, c = rng.normal(size=(K, m)), rng.normal(size=K) / 4 if output_bias else None
    objective = make_objective(loss, delta=0.3 if loss == "huber" else None, kappa=kappa, penalty=penalty)
    cuts = np.cumsum([m * n, m * hidden_bias, 0 if frozen else m, 0 if frozen or not output_bias else 1])

    def at(z):
        W, b, t, u = np.split(z, cuts)[:4]
        head, bias = (V, c) if frozen else (t[None], u if output_bias else None)
        below_and_own = [*shared, (W.reshape(m, n), b if hidden_bias else None), (head, bias)]
        return Network(*zip(*below_and_own))

    value = lambda z: objective.value(at(z), X, y)
    options = {"maxiter": 2000, "xatol": 1e-7}
    starts = [rng.normal(size=cuts[-1]) for _ in range(5)]
    nets = [at(minimize(value, z, method="Nelder-Mead", options=options).x) for z in starts]
    risk, hidden = Risk(objective, X, y), "frozen" if below else "trained"
    found = [
        exact_gap(A, B, risk, output_layer=output_layer, hidden_layers=hidden)
        for A, B in itertools.combinations(nets, 2)
    ]
    pairs = list(itertools.combinations(nets, 2))
    k = max(range(len(found)), key=lambda k: found[k].gap[0])
    if found[k].gap[0] < 1e-3:
        return None
    problem = kernel_problem(*pairs[k], risk)
    claim = barrier_of(problem, found[k])
    assert claim is not None
    return problem, claim, found[k].upper, found[k].setting

"""`landscape`: component checks, both evaluations, components counted on grids, exact barriers of the same problems, seeded bugs."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from verifier.elaboration import kernel_problem
from verifier.kernel import check
from verifier.landscape.faces import FaceValues
from verifier.landscape.gap import exact_gap
from verifier.landscape.minima import leading_pairs, minimum_network
from verifier.pipeline.exact import barrier_of

from .components import run_check
from .contradictions import contradiction
from .landscapes import CASES, instance
from .loader import kernel
from .oracle import falsehood
from .seeded import unnoticed
from .whole_components import WHOLE_CHECKS


@pytest.mark.parametrize("component", WHOLE_CHECKS, ids=lambda c: c.__name__.removeprefix("check_"))
@pytest.mark.parametrize("seed", range(2))
def test_component(component, seed):
    """The property in the check's docstring."""
    run_check(component, kernel(), seed)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_two_evaluations_agree(case):
    """Both accept, find brackets as narrow, and the oracle finds no fault; the tree of float64 programs has the same minima and gap."""
    problem, claim, tree, _ = instance(**case)
    fast, reference = check(problem, claim), check(problem, claim, evaluation="reference")
    assert fast.accepted, fast.sentence
    assert reference.accepted, reference.sentence
    assert falsehood(problem, claim) is None
    assert reference.computed["widest"] <= fast.computed["widest"] <= 1e-6 * max(1.0, tree.largest_gap[1])
    assert fast.computed["minima"] == reference.computed["minima"] == len(tree.values)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_fast_accepts_then_reference_accepts(case):
    """On claims whose duals, points and intervals are a little changed."""
    problem, claim, _, _ = instance(**case)
    rng, seen = np.random.default_rng(0), set()
    for _ in range(12):
        change = {}
        for name in ("nu", "points", "intervals"):
            array = getattr(claim, name).copy()
            k = int(rng.integers(len(array)))
            array[k] *= 1 + 10.0 ** rng.uniform(-17, -9) * rng.choice([-1, 0, 1])
            change[name] = array
        changed = replace(claim, **change, gap_lower=0.0, gap_upper=2 * claim.gap_upper)
        verdicts = [check(problem, changed, evaluation=e).accepted for e in ("fast", "reference")]
        assert verdicts[1] or not verdicts[0]
        seen.add(verdicts[0])
        if any(verdicts):
            assert falsehood(problem, changed) is None
    assert True in seen


# --- components counted otherwise --------------------------------------------------------------------------------------


def star(setting, reach, steps):
    """Points of one neuron's space, two copies of R^n glued at 0, as (k, n), signs (k,), and neighbours (e, 2): a grid with diagonals in each copy."""
    n = setting.neurons.inputs.shape[1]
    axis = np.linspace(-reach, reach, 2 * steps + 1)
    grid = np.stack(np.meshgrid(*[axis] * n, indexing="ij"), axis=-1).reshape(-1, n)
    number = np.arange(len(grid)).reshape([len(axis)] * n)
    pairs = []
    for move in itertools.product((-1, 0, 1), repeat=n):
        if move > (0,) * n:
            here = tuple(slice(max(0, -m), len(axis) - max(0, m)) for m in move)
            there = tuple(slice(max(0, m), len(axis) - max(0, -m)) for m in move)
            pairs.append(np.stack([number[here].ravel(), number[there].ravel()], axis=1))
    one = np.concatenate(pairs)
    other = one + len(grid)
    zero = int(number[(steps,) * n])
    other[other == zero + len(grid)] = zero  # (0, +) and (0, -) are one point
    signs = np.repeat([1.0, -1.0], len(grid))
    return np.vstack([grid, grid]), signs, np.concatenate([one, other])


def components_on_a_grid(problem, setting, level, reach, steps):
    """Components of {F <= level} among the points of a grid of u-space; F by its formula, no cells."""
    u, signs, pairs = star(setting, reach, steps)
    features = signs[:, None] * np.maximum(u @ setting.neurons.inputs.T, 0.0)
    prices = setting.kappa * np.linalg.norm(u, axis=1)
    loss, y, k = setting.objective.loss, setting.targets[:, 0], len(u)
    if setting.width == 1:
        F = np.array([loss.values(f[:, None], setting.targets).mean() for f in features]) + prices
        edges = pairs
    else:
        assert setting.objective.loss.name == "squared"
        a = features @ features.T * 2
        square = ((features - y) ** 2).mean(axis=1)
        F = square[:, None] + (features**2).mean(axis=1)[None, :] - 2 * (features @ y)[None, :] / len(y) + a / len(y)
        F = (F + prices[:, None] + prices[None, :]).ravel()
        i = np.arange(k)
        edges = np.concatenate(
            [
                (pairs[:, None, :] * k + i[None, :, None]).reshape(-1, 2),
                (i[:, None, None] * k + pairs[None]).reshape(-1, 2),
            ]
        )
    inside = level >= F
    # The second copy's own zero is no point of its own.
    ghost = k // 2 + k // 4
    lost = np.zeros(k, dtype=bool)
    lost[ghost] = True
    inside &= ~(lost if setting.width == 1 else (lost[:, None] | lost[None, :]).ravel())
    kept = edges[inside[edges].all(axis=1)]
    graph = coo_array((np.ones(len(kept)), (kept[:, 0], kept[:, 1])), shape=(len(F), len(F)))
    labels = connected_components(graph, directed=False)[1]
    return len(np.unique(labels[inside]))


GRIDS = [
    pytest.param(
        {"seed": s, "N": 4, "kappa": kappa, "penalty": penalty, "X": ((-1.0,), (-0.25,), (0.5,), (1.0,))}, 6.0, 240,
        marks=[pytest.mark.slow] if s or penalty else [],
    )
    for s in range(3)
    for kappa, penalty in ((0.0, None), (0.05, "path"))
] + [
    ({"seed": s, "m": 2, "bias": False, "kappa": kappa, "penalty": penalty, "X": ((-1.0,), (-0.5,), (0.75,), (1.0,))}, 4.0, 160)
    for s in range(3)
    for kappa, penalty in ((0.0, None), (0.1, "path"))
]  # fmt: skip


@pytest.mark.parametrize(("case", "reach", "steps"), GRIDS, ids=lambda x: str(x) if isinstance(x, dict) else "")
def test_components_are_those_of_a_grid(case, reach, steps):
    """In the middle of wide gaps between intervals the claim counts what a grid of the neurons' space counts."""
    problem, claim, _, setting = instance(**case)
    ends = np.append(claim.intervals[:, 0][1:], claim.intervals[-1, 1] * 1.2)
    gaps = ends - claim.intervals[:, 1]
    wide = np.argsort(-gaps)[:3]
    tried = 0
    for i in wide.tolist():
        if gaps[i] > 0.02 * claim.intervals[-1, 1]:
            level = float(claim.intervals[i, 1] + 0.6 * gaps[i])
            assert components_on_a_grid(problem, setting, level, reach, steps) == claim.counts[i]
            tried += 1
    assert tried >= 2
    assert components_on_a_grid(problem, setting, claim.intervals[0, 0] * 0.999, reach, steps) == 0


# --- against other claims ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", [CASES[0], CASES[1], CASES[3], CASES[4], CASES[7]], ids=str)
def test_exact_barriers_of_pairs_agree(case):
    """The leading pair's `barrier_lower_bound` is no larger than the largest gap, and as large to rounding; a larger one would contradict it."""
    problem, claim, tree, setting = instance(**case)
    values = FaceValues(setting)
    pair = leading_pairs(tree, 1)[0]
    A, B = (minimum_network(values, tree.cells[i]) for i in (pair.younger, pair.older))
    own = kernel_problem(A, B, setting.risk)
    barrier = barrier_of(own, exact_gap(A, B, setting.risk))
    assert barrier is not None
    assert check(own, barrier).accepted
    assert barrier.gap <= claim.gap_upper
    assert barrier.gap >= claim.gap_lower * (1 - 1e-6)
    assert check(replace(problem, A=own.A, B=own.B), claim).accepted
    assert contradiction([barrier, claim]) is None
    assert contradiction([replace(barrier, gap=claim.gap_upper * 1.01), claim]) is not None


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    N=st.integers(1, 5),
    d=st.integers(1, 2),
    m=st.integers(1, 2),
    bias=st.booleans(),
    output_bias=st.booleans(),
    kind=st.sampled_from(["squared", "path", "logistic"]),
)
def test_random_landscapes(seed, N, d, m, bias, output_bias, kind):
    """Made, accepted by both evaluations, and with the minima of the tree where brackets tell them apart."""
    if N * d * m > 8:
        m = 1
    extra = (
        {"loss": "logistic", "kappa": 0.03, "penalty": "path"}
        if kind == "logistic"
        else {"kappa": 0.05, "penalty": "path"}
    )
    problem, claim, tree, _ = instance(
        seed, N=N, d=d, m=m, bias=bias, output_bias=output_bias, **(extra if kind != "squared" else {})
    )
    for evaluation in ("fast", "reference"):
        verdict = check(problem, claim, evaluation=evaluation)
        assert verdict.accepted, verdict.sentence
    longest = float((claim.intervals[:, 1] - claim.intervals[:, 0]).max())
    deep = tree.persistence > 2 * longest + 1e-7
    assert deep.sum() <= len(claim.joins)
    assert claim.gap_lower <= tree.largest_gap[0] + 1e-6
    assert tree.largest_gap[0] <= claim.gap_upper + 1e-6


BUGS = [
    ("cones", "total += count_cones(sorted(within), most - total)", "total += len(within)"),
    ("cones", "within.add(line_of(tuple(v // shared for v in row)))", "within.add(tuple(v // shared for v in row))"),
    ("cones", "[a * h[e] - b * g[e] for a, b in zip(g, h)]", "[a * h[e] + b * g[e] for a, b in zip(g, h)]"),
    ("cones", "if total > most:", "if total >= most:"),
    ("cones", "for g in normals[:k]:", "for g in normals[: k - 1]:"),
    ("landscape", 'require(bool((below <= above).all()), "a dual lies', 'require(bool((below >= above).all()), "a dual lies'),
    ("landscape", "when.setdefault(face, step)", "when[face] = 0"),
    ("landscape", "require(found.counts == claim.counts.tolist()", "require(len(found.counts) == len(claim.counts)"),
    ("landscape", "require(found.minima(across, claim.faces.shape[1]) == claim.minima.tolist()", "require(True"),
    ("landscape", "require(found.joins == claim.joins.tolist()", "require(True"),
    ("landscape", "require(bool(fraction(claim.gap_lower) <= max(low, ZERO))", "require(bool(fraction(claim.gap_lower) <= high)"),
    ("landscape", "require(bool(fraction(claim.gap_upper) >= high)", "require(bool(fraction(claim.gap_upper) >= low)"),
    ("landscape", "require(count_cones(heads, len(cones.patterns)) == len(cones.patterns)", "require(True"),
    ("landscape", "other[members] ^= 1", "other[members[:1]] ^= 1"),
    ("landscape", "across[2 * p + sign][j] = 2 * q + sign", "across[2 * p + sign][j] = 2 * q"),
    ("landscape", "for sign in (0, 1):", "for sign in (0,):"),
    ("landscape", 'side="right") - 1', 'side="right")'),
    ("landscape", "(above <= ends[steps]).all()", "(below <= ends[steps]).all()"),
    ("landscape", "(steps >= 0).all()", "(steps >= -1).all()"),
    ("landscape", 'require(found is not None, "a cell', 'found = 0 if found is None else found\n        require(True, "a cell'),
    ("landscape", "known[key] = [(step(others, NONE), c, c + 1) for c in range(0, size, 2)]", "known[key] = []"),
    ("landscape", "for d in across[c].values() if c < d]", "for d in across[c].values() if c > d + size]"),
    ("landscape", "for i in range(m):\n            stride", "for i in range(m - 1):\n            stride"),
    ("landscape", "(k if k < i else k + 1)", "k"),
    ("landscape", "parent[max(x, y)] = min(x, y)", "parent[min(x, y)] = max(x, y)"),
    ("landscape", "for birth, r in sorted(before):", "for birth, r in sorted(before, reverse=True):"),
    ("landscape", "if root(cell) not in heirs:", "if True:"),
    ("landscape", "joins.append([t, birth, eldest])", "joins.append([t, eldest, birth])"),
    ("landscape", "low = max((ends[t][0] - ends[found.births[y][0]][1]", "low = max((ends[t][1] - ends[found.births[y][0]][1]"),
    ("landscape", "low = max((ends[t][0] - ends[found.births[y][0]][1]", "low = max((ends[t][0] - ends[found.births[y][0]][0]"),
    ("landscape", "high = max((ends[t][1] - ends[found.births[y][0]][0]", "high = max((ends[t][0] - ends[found.births[y][0]][0]"),
    ("landscape", "high = max((ends[t][1] - ends[found.births[y][0]][0]", "high = max((ends[t][1] - ends[found.births[y][0]][1]"),
    ("landscape", "return low, max([high, *(b - a for a, b in ends)])", "return low, high"),
    ("brackets", "facet = self.sides[0] < 0 or self.sides == larger.sides", "facet = self.sides[0] < 0 or larger.sides[0] >= 0"),
    ("brackets", "or not held.isdisjoint(self.sides)", "or True"),
    ("brackets", "return facet and held.issuperset(self.codes)", "return facet"),
    ("brackets", "(-1, -1) if sides[0] in found or sides[1] in found else sides", "sides"),
    ("brackets", "min(first, other), max(first, other)", "first, first"),
    ("brackets", 'require(face.within(faces[own[claim.dual[k]]]), "a dual', 'require(True, "a dual'),
    ("brackets", 'require(faces[claim.of_point[claim.point[k]]].within(face), "a point', 'require(True, "a point'),
    ("brackets", "level = arb_upper(top / N)", "level = 0.0"),
    ("brackets", "return below[claim.dual], above[claim.point]", "return below[claim.dual], below[claim.dual]"),
    ("brackets", "require(bool(z >= 0) if active else bool(z <= 0)", "require(True if active else bool(z <= 0)"),
    ("brackets", "require(bool(z >= 0) if active else bool(z <= 0)", "require(bool(z >= 0) if active else True"),
    ("brackets", "u = [a - share * b for a, b in zip(u, x)]", "pass"),
    ("brackets", "f[j] += -z if code % 2 else z", "f[j] += z"),
    ("brackets", "f, penalty = [fraction(bias)] * len(X), arb(0)", "f, penalty = [ZERO] * len(X), arb(0)"),
    ("brackets", "+ arb(o.kappa) * penalty)", ")"),
    ("brackets", "return arb_upper(_loss_sum(self.problem, f) / len(X)", "return arb_upper(_loss_sum(self.problem, f) / (len(X) + 1)"),
    ("brackets", "penalty += abs(arb(bias))", "pass"),
    ("brackets", "z = arb(-y * f)", "z = arb(y * f)"),
    ("brackets", "return arb(r * r / 2) if bool(r <= delta)", "return arb(r * r) if bool(r <= delta)"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("module", "old", "new"), BUGS, ids=[f"{i:02d}-{b[0]}" for i, b in enumerate(BUGS)])
def test_seeded_bug_is_killed(module, old, new):
    """A kernel with this bug fails a component check."""
    assert not unnoticed(module, old, new, WHOLE_CHECKS, 2), f"{module}: {old!r} -> {new!r} goes unnoticed"

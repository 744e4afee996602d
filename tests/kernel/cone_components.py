"""Component checks of `cone_barrier`: levels against exact cells, duals against descent on their faces, and ways out against points that are drawn."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction as Q
from functools import cache

import numpy as np

from .barrier_components import of_kernel
from .components import Kernel
from .cone_barriers import CASES, exact_pass, instance, lowest_on
from .sign_count_components import accepted


def case(K: Kernel, k: int):
    problem, claim, search, _, _ = instance(**CASES[k])
    A, B = (of_kernel(K, p, K.statements.Parameters) for p in (problem.A, problem.B))
    o = of_kernel(K, problem.objective, K.statements.Objective)
    mine = K.statements.Problem(o, problem.X, problem.targets, A, B)
    return mine, of_kernel(K, claim, K.statements.ConeBarrier), search


@cache
def _exact(k: int) -> tuple[float, float]:
    problem, _, _, A, B = instance(**CASES[k])
    return exact_pass(A, B, problem)


def check_cone_level(K: Kernel, rng: np.random.Generator) -> None:
    """The claim is accepted and no higher one; its level is that of the search, and no path of the exact cells' graph stays below it."""
    for k, options in enumerate(CASES):
        problem, claim, search = case(K, k)
        assert accepted(K, problem, claim)
        assert search.lower * (1 - 1e-9) <= claim.level <= min(search.upper, search.turned) * (1 + 1e-9)
        assert not accepted(K, problem, replace(claim, level=claim.level * (1 + 1e-9) + 1e-300, gap=0.0))
        E = max(K.forward.objective_at(problem, p).lower for p in (problem.A, problem.B))
        assert not accepted(K, problem, replace(claim, gap=max(0.0, claim.level - E) + 1e-9))
        assert not accepted(K, problem, replace(claim, level=0.0, gap=1e-9))
        for module in (K.cone_barrier, K.reference_cone_barrier):
            level = module.check_cone_barrier(problem, claim)["level"]
            assert claim.level <= level <= claim.level * (1 + 1e-9) + 1e-300
        if not options.get("price") and options.get("d", 1) == 1:
            assert claim.level <= _exact(k)[1] * (1 + 1e-9)


def _changed(claim, rng):
    """One array of the claim led astray."""
    name = str(
        rng.choice(
            [
                "faces",
                "inside",
                "nu",
                "slopes",
                "pulls",
                "signs",
                "start",
                "goal",
                "tree",
                "less_positive",
                "less_negative",
                "of_less",
            ]
        )
    )
    if name in ("start", "goal"):
        return replace(claim, **{name: int(rng.integers(-1, len(claim.inside)))})
    if getattr(claim, name) is None or (name.startswith("less") and rng.random() < 0.2):
        # The other sign's tree, or none.
        other = {"less_positive": "less_negative", "less_negative": "less_positive"}[name]
        return replace(claim, **{name: getattr(claim, other) if getattr(claim, name) is None else None})
    array = getattr(claim, name).copy()
    if array.size == 0:
        return claim
    kind = int(rng.integers(5))
    if kind == 0 and len(array) > 1:
        gone = int(rng.integers(len(array)))
        array = np.delete(array, gone, axis=0)
    elif kind == 1:
        array = np.full_like(array, rng.choice([-1, 0, 1]))
    elif kind == 2:
        a, b = rng.integers(len(array), size=2)
        array[[a, b]] = array[[b, a]]
    elif array.dtype == np.int64:
        place = tuple(int(rng.integers(s)) for s in array.shape)
        array[place] = {"inside": 1 - array[place], "signs": -array[place]}.get(
            name, array[place] + rng.choice([-1, 1])
        )
    else:
        row = int(rng.integers(len(array)))
        array[row] *= 1.0 + rng.choice([-1.0, 1.0]) * 10.0 ** rng.uniform(-9, 0)
    return replace(claim, **{name: np.ascontiguousarray(array)})


def check_cone_mutants(K: Kernel, rng: np.random.Generator) -> None:
    """Whatever is changed, what is accepted at this level is true: no more is claimed than the exact cells' pass, by both evaluations or by none."""
    for k, options in enumerate(CASES):
        if options.get("price") or options.get("d", 1) > 1:
            continue
        problem, claim, _ = case(K, k)
        high = _exact(k)[1]
        for _ in range(25):
            changed = replace(_changed(claim, rng), gap=0.0)
            accepted(K, problem, changed)
            assert not accepted(K, problem, replace(changed, level=high * (1 + 1e-6)))


def check_cone_exchanged(K: Kernel, rng: np.random.Generator) -> None:
    """A way out may name any dual that holds on all rays of its face and proves the level, and no other; so may a part of the networks without a neuron: both
    evaluations, way by way, against the conditions of single rays."""
    for k in range(len(CASES)):
        problem, claim, _ = case(K, k)
        fan = K.cone_duals.Fan(problem, claim.directions)
        parts = K.cone_duals.read_tree(fan, claim.tree.tolist(), len(claim.signs))
        cones = K.cone_contacts.Cones(fan)
        codes = np.array([[cones.add(rays) for rays in part] for part in parts])
        ways = {(p, q): face for p, q, face in K.cone_barrier.ways_out(cones, codes, claim.inside)}
        less = [face for _, face in K.cone_barrier.barred(claim, fan, iter(()))]
        for _ in range(30):
            way, d = int(rng.integers(len(claim.faces) + len(less))), int(rng.integers(len(claim.nu)))
            at_once = way >= len(claim.faces)
            face = less[way - len(claim.faces)] if at_once else ways[tuple(claim.faces[way, :2].tolist())]
            dual = claim.nu[d], claim.slopes[d], claim.pulls[d]
            single = [(i, r) for i, mine in enumerate(face) for r in mine]
            holds = all(
                _bars(K, problem, fan, [[r] if j == i else [] for j in range(len(face))], claim, dual)
                for i, r in single
            ) and _bars(K, problem, fan, [[] for _ in face], claim, dual)
            faces, of_less = claim.faces.copy(), claim.of_less.copy()
            if at_once:
                of_less[way - len(faces)] = d
            else:
                faces[way, 2] = d
            assert accepted(K, problem, replace(claim, faces=faces, of_less=of_less, gap=0.0)) == holds


def _bars(K: Kernel, problem, fan, rays, claim, dual) -> bool:
    """Whether the dual holds on these rays and proves the claim's level there."""
    try:
        return K.cone_duals.dual_bound(problem, fan, rays, claim.signs.tolist(), *dual) >= claim.level
    except K.statements.Rejected:
        return False


def check_cone_duals(K: Kernel, rng: np.random.Generator) -> None:
    """A dual, also a changed one, proves of its faces no more than is true there."""
    for k in range(len(CASES)):
        problem, claim, search = case(K, k)
        s, m = search.narrow, len(claim.signs)
        fan = K.cone_duals.Fan(problem, claim.directions)
        parts = K.cone_duals.read_tree(fan, claim.tree.tolist(), m)
        cones = K.cone_contacts.Cones(fan)
        codes = np.array([[cones.add(rays) for rays in part] for part in parts])
        barred = list(K.cone_barrier.barred(claim, fan, K.cone_barrier.ways_out(cones, codes, claim.inside)))
        rays = [np.array([float(Q(int(v.p), int(v.q))) for v in ray]) for ray in fan.rays]
        for at in rng.choice(len(barred), min(len(barred), 6), replace=False):
            named, face = barred[int(at)]
            lowest = lowest_on(s, [np.array([rays[r] for r in mine]) for mine in face], rng)
            for trial in range(6):
                d = named if trial < 4 else int(rng.integers(len(claim.nu)))
                nu, slopes, pulls = claim.nu[d].copy(), claim.slopes[d].copy(), claim.pulls[d].copy()
                if trial in (1, 2):
                    nu *= 1.0 + 10.0 ** rng.uniform(-6, -1)
                if trial in (2, 3):
                    slopes = rng.choice([0.0, 1.0], size=len(slopes))
                try:
                    found = K.cone_duals.dual_bound(problem, fan, face, claim.signs.tolist(), nu, slopes, pulls)
                except K.statements.Rejected:
                    assert trial > 0, "the claim's own dual is refused"
                    continue
                assert found <= lowest * (1 + 1e-9) + 1e-12, "a dual proves more than is true"


def _tree(rng, n, m, cuts):
    """A random tree of about this many cuts, no part more than 6 deep: cones much thinner than the steps below would blur."""
    edges, out = n * (n - 1) // 2, []
    for _ in range(2 ** (n * m)):
        waiting = [0]
        while waiting:
            depth = waiting.pop()
            if edges and depth < 6 and rng.random() < cuts / (cuts + 2 ** (n * m)):
                out.append(int(rng.integers(m * edges)))
                waiting += [depth + 1, depth + 1]
            else:
                out.append(-1)
    return np.array(out, dtype=np.int64)


def check_cone_ways(K: Kernel, rng: np.random.Generator) -> None:
    """Both evaluations find the same ways out, and all that a drawn point of a facet shows; a face holds the points of both its parts."""
    for n, m in ((1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (3, 2), (4, 1)):
        X = rng.normal(size=(3, n))
        o = K.statements.Objective("squared", None, 0.0, "none", False)
        net = K.statements.Parameters((rng.normal(size=(m, n)), np.ones((1, m))), (None, None))
        problem = K.statements.Problem(o, X, np.zeros((3, 1)), net, net)
        directions = rng.normal(size=(n, n))
        tree = _tree(rng, n, m, 12)
        fan = K.cone_duals.Fan(problem, directions)
        parts = K.cone_duals.read_tree(fan, tree.tolist(), m)
        inside = (rng.random(len(parts)) < 0.5).astype(np.int64)
        cones = K.cone_contacts.Cones(fan)
        codes = np.array([[cones.add(rays) for rays in part] for part in parts])
        faces = {(p, q): face for p, q, face in K.cone_barrier.ways_out(cones, codes, inside)}
        others = list(K.reference_cone_duals.parts(tree.tolist(), n, m))
        second = {(p, q) for p, q, _ in K.reference_cone_barrier._exits(others, inside.tolist())}
        assert set(faces) == second
        inverse = [
            [np.linalg.inv(np.array([cones.coordinates[r] for r in rays], dtype=float)) for rays in part]
            for part in parts
        ]
        unit = [np.array(row, dtype=float) for row in cones.coordinates]
        for _ in range(150):
            p, i = int(rng.integers(len(parts))), int(rng.integers(m))
            weights = rng.uniform(0.1, 1.0, size=(m, n))
            out = int(rng.integers(n))
            weights[i, out] = 0.0
            at = np.array(
                [w @ np.array([unit[r] / np.abs(unit[r]).max() for r in rays]) for w, rays in zip(weights, parts[p])]
            )
            step = rng.normal(size=n) * 1e-7
            sides = set()
            for sign in (-1.0, 1.0):
                moved = at.copy()
                moved[i] += sign * step
                sides |= {q for q in range(len(parts)) if all((u @ M >= 0).all() for u, M in zip(moved, inverse[q]))}
            for a in sides:
                for b in sides:
                    if inside[a] == 1 and inside[b] == 0:
                        assert (a, b) in faces, "a way out is missed"
                        for u, rays in zip(at, faces[a, b]):
                            R = np.array([unit[r] for r in rays]).reshape(-1, n)
                            lam = np.linalg.lstsq(R.T, u, rcond=None)[0] if len(R) else np.zeros(0)
                            assert (lam >= -1e-6).all()
                            assert np.abs(R.T @ lam - u).max() <= 1e-5


def check_cone_networks(K: Kernel, rng: np.random.Generator) -> None:
    """Pairs that need not leave the parts inside are refused, whichever neurons are 0."""
    P = K.statements.Parameters
    for k in range(len(CASES)):
        problem, claim, _ = case(K, k)
        claim = replace(claim, gap=0.0)
        A, B = problem.A, problem.B
        other = "B" if claim.around == "A" else "A"
        assert accepted(K, replace(problem, A=B, B=A), replace(claim, around=other))
        assert not accepted(K, replace(problem, A=B, B=A), claim)
        inner = A if claim.around == "A" else B
        assert not accepted(K, replace(problem, A=inner, B=inner), claim)
        flipped = P((*inner.weights[:-1], -inner.weights[-1]), inner.biases)
        ends = {"A": flipped, "B": B} if claim.around == "A" else {"A": A, "B": flipped}
        assert not accepted(K, replace(problem, **ends), claim)
        # A network with a head of 0, or a row of 0, beside the one inside: of no other sign, and in every part.
        outer = B if claim.around == "A" else A
        for zero in (0.0, -0.0):
            silent = P((*outer.weights[:-1], np.full_like(outer.weights[-1], zero)), outer.biases)
            ends = {"A": A, "B": silent} if claim.around == "A" else {"A": silent, "B": B}
            assert not accepted(K, replace(problem, **ends), replace(claim, goal=-1))


CONE_CHECKS = [
    check_cone_level,
    check_cone_mutants,
    check_cone_exchanged,
    check_cone_duals,
    check_cone_ways,
    check_cone_networks,
]

"""Component checks of `sign_count_barrier`: levels against exact cells, duals against descent in their cones, and what proves nothing."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction as Q
from functools import cache

import numpy as np

from .barrier_components import of_kernel
from .components import Kernel, contains, exact
from .sign_counts import CASES, exact_least, instance, lowest_in

BOTH = ("fast", "reference")


def case(K: Kernel, k: int):
    problem, claim, found, _, _ = instance(**CASES[k % len(CASES)])
    A, B = (of_kernel(K, p, K.statements.Parameters) for p in (problem.A, problem.B))
    o = of_kernel(K, problem.objective, K.statements.Objective)
    mine = K.statements.Problem(o, problem.X, problem.targets, A, B)
    return mine, of_kernel(K, claim, K.statements.SignCountBarrier), found


def accepted(K: Kernel, problem, claim) -> bool:
    """By both evaluations; refuses a difference."""
    fast, reference = (K.check.check(problem, claim, evaluation=e) for e in BOTH)
    assert fast.accepted == reference.accepted, f"{fast.sentence} / {reference.sentence}"
    return fast.accepted


def check_sign_count_level(K: Kernel, rng: np.random.Generator) -> None:
    """The claim is accepted and no higher one, and its level is that of the search, which does not exceed the least F of the cells."""
    for k in range(len(CASES)):
        problem, claim, found = case(K, k)
        assert accepted(K, problem, claim)
        assert claim.level <= found.upper * (1 + 1e-12)
        assert claim.level >= found.lower * (1 - 1e-9)
        for module in (K.sign_count, K.reference_sign_count):
            level = module.check_sign_count(problem, claim)["level"]
            assert claim.level <= level <= claim.level * (1 + 1e-9) + 1e-300
        assert not accepted(K, problem, replace(claim, level=claim.level * (1 + 1e-9) + 1e-300, gap=0.0))
        ends = [K.forward.objective_at(problem, p) for p in (problem.A, problem.B)]
        E = max(e.lower for e in ends)
        assert not accepted(K, problem, replace(claim, gap=max(0.0, claim.level - E) + 1e-9))
        assert not accepted(K, problem, replace(claim, level=0.0, gap=1e-9))


@cache
def _lowest(k: int) -> tuple[float, ...]:
    """Per part of the partition a value of F that is reached in it."""
    from verifier.landscape.sign_count.fan import Fan

    _, claim, found, _, _ = instance(**CASES[k])
    s, rng = found.narrow, np.random.default_rng(0)
    fan = Fan(s.inputs, s.directions, len(s.signs))
    waiting, out = fan.roots[::-1], []
    for code in claim.tree.tolist():
        part = waiting.pop()
        if code == -1:
            out.append(lowest_in(s, [np.array([fan.rays[r] for r in rays]) for rays in part.cones], rng))
            continue
        i, (a, b) = code // len(fan.edges), fan.edges[code % len(fan.edges)]
        rays = part.cones[i]
        mid = fan.middle(rays[a], rays[b])
        halves = [tuple(mid if slot == end else r for slot, r in enumerate(rays)) for end in (a, b)]
        waiting += [type(part)((*part.cones[:i], half, *part.cones[i + 1 :])) for half in halves]
    assert not waiting
    return tuple(out)


def _tempting(problem, rng) -> np.ndarray:
    """The dual that would prove the most if it met its conditions: it is the one of the constant prediction 0, or of a number near."""
    y, o = problem.targets[:, 0], problem.objective
    if o.loss == "squared":
        return -2.0 * y
    if o.loss in ("logistic", "hinge"):
        return -y * (0.5 if o.loss == "logistic" else 1.0)
    return -np.clip(y, -(o.delta or 1.0), o.delta or 1.0) if o.loss == "huber" else -np.sign(y)


def _changed_dual(problem, claim, one: int, rng):
    """Dual `one` led astray: longer, towards the tempting one, with another sum, other slopes or pulls."""
    o, k = problem.objective, len(problem.A.weights[-2]) - 1
    nu, slopes, pulls = claim.nu[one].copy(), claim.slopes[one].copy(), claim.pulls[one].copy()
    size = 10.0 ** rng.uniform(-6, 0.5)
    kind = int(rng.integers(6))
    if kind == 0:
        nu, pulls = nu * (1.0 + size), pulls * (1.0 + size)
    elif kind == 1:
        nu = nu + rng.choice([-1.0, 1.0]) * size * max(np.abs(nu).max(), 1e-2)
    elif kind == 2:
        nu = nu + size * max(np.abs(nu).max(), 1e-2) * rng.normal(size=len(nu))
    if kind >= 3 or rng.random() < 0.5:
        nu = nu + min(1.0, size) * (_tempting(problem, rng) - nu)
    if rng.random() < 0.5:
        slopes = (
            rng.choice([0.0, 1.0, 0.5], size=len(slopes))
            if rng.random() < 0.5
            else np.full(len(slopes), rng.choice([0.0, 1.0]))
        )
    if rng.random() < 0.4 and k:
        direction = rng.normal(size=(k, len(pulls) // k))
        pulls = (
            o.kappa * direction / np.linalg.norm(direction, axis=1, keepdims=True) * rng.choice([0.5, 0.99])
        ).ravel()
    if rng.random() < 0.3:
        pulls = pulls * rng.choice([0.0, -1.0, 1.0 + size, (1.0 + o.kappa) / max(o.kappa, 0.01) ** 0.5])
    y = problem.targets[:, 0]
    if o.loss in ("logistic", "hinge"):
        nu = -y * np.clip(-y * nu, 0.0, 1.0)
    elif o.loss != "squared":
        nu = np.clip(nu, -(o.delta or 1.0), o.delta or 1.0)
    if problem.A.biases[-1] is not None and rng.random() < 0.5:
        nu = np.round(nu * 2.0**40) / 2.0**40
        nu[int(rng.integers(len(nu)))] -= nu.sum()
    return nu, slopes, pulls


def _bound(K: Kernel, prove, *arguments) -> float | None:
    """What a dual proves; None where it is refused."""
    try:
        return prove(*arguments)
    except K.statements.Rejected:
        return None


def check_sign_count_duals(K: Kernel, rng: np.random.Generator) -> None:
    """However a dual is changed, it proves of its part no more than is true there."""
    for k in range(len(CASES)):
        problem, claim, _ = case(K, k)
        lowest, neurons = _lowest(k), len(problem.A.weights[-2]) - 1
        fan = K.cone_duals.Fan(problem, claim.directions)
        cones = K.cone_duals.read_tree(fan, claim.tree.tolist(), neurons)
        parts = list(K.reference_cone_duals.parts(claim.tree.tolist(), len(claim.directions), neurons))
        for trial in range(60):
            one = int(rng.integers(len(lowest)))
            dual = (claim.nu[one], claim.slopes[one], claim.pulls[one])
            nu, slopes, pulls = dual if trial == 0 else _changed_dual(problem, claim, one, rng)
            if trial % 7 == 6:
                # The dual of another part.
                other = int(rng.integers(len(lowest)))
                nu, slopes, pulls = claim.nu[other], claim.slopes[other], claim.pulls[other]
            repeated = {
                name: array[None].repeat(len(lowest), 0)
                for name, array in (("nu", nu), ("slopes", slopes), ("pulls", pulls))
            }
            changed = replace(claim, **repeated)
            space = K.reference_cone_duals.Space(problem, changed.directions.tolist())
            dual = K.reference_cone_duals.Dual(nu.tolist(), slopes.tolist(), pulls.tolist())
            kept = [1 if i < claim.positive else -1 for i in range(neurons)]
            found = [
                _bound(K, K.sign_count._leaf_bound, problem, changed, fan, cones[one], one),
                _bound(K, lambda *a, space=space: float(space.bound(*a).lower()), parts[one], kept, dual),
            ]
            assert (found[0] is None) == (found[1] is None), "the evaluations differ"
            if found[0] is not None:
                assert max(found) <= lowest[one] * (1 + 1e-9) + 1e-12, "a dual proves more than is true"


def check_fan(K: Kernel, rng: np.random.Generator) -> None:
    """Rays are exact, and their products with the inputs are enclosed, in both evaluations."""
    for k in range(len(CASES)):
        problem, claim, _ = case(K, k)
        fan, n = K.cone_duals.Fan(problem, claim.directions), len(claim.directions)
        space = K.reference_cone_duals.Space(problem, claim.directions.tolist())
        X, G = np.array(exact_features(problem)), exact(claim.directions)
        contains(K.last_inputs.enclosed(K.last_inputs.last_inputs(problem)), X)
        rays = {e: (list(G[e]) if e < n else [-v for v in G[e - n]]) for e in range(2 * n)}
        other = {e: (tuple((1 if e < n else -1) * (i == e % n) for i in range(n)), 0) for e in range(2 * n)}
        for _ in range(6):
            a, b = rng.choice(len(fan.rays), 2, replace=False).tolist()
            m = fan.middle(a, b)
            rays[m] = [(x + y) / 2 for x, y in zip(rays[a], rays[b])]
            other[m] = K.reference_cone_duals.between(other[a], other[b])
        for r, ray in rays.items():
            assert [Q(int(v.p), int(v.q)) for v in fan.rays[r]] == ray
            dots = [sum((g * v for g, v in zip(ray, x)), Q(0)) for x in X]
            assert [Q(int(v.p), int(v.q)) for v in fan.exact_dots(r)] == dots
            for d, mid, rad in zip(dots, exact(fan.dots[r].mid), exact(fan.dots[r].rad)):
                assert abs(d - mid) <= rad
            assert [Q(v, 2 ** (space.e + other[r][1])) for v in space.dots(other[r])] == dots


def exact_features(problem) -> list[list[Q]]:
    """What the last hidden layer reads, in fractions."""
    rows = [[Q(v) for v in x] for x in problem.X.tolist()]
    for W, b in list(zip(problem.A.weights, problem.A.biases))[:-2]:
        rows = [
            [max(sum((Q(w) * h for w, h in zip(line, x)), Q(c)), Q(0)) for line, c in zip(W.tolist(), b.tolist())]
            for x in rows
        ]
    return rows if problem.A.biases[-2] is None else [[*x, Q(1)] for x in rows]


def reordered(p, order):
    """The same function, the neurons of the last hidden layer in another order."""
    b = p.biases[-2]
    return type(p)(
        (*p.weights[:-2], p.weights[-2][order], p.weights[-1][:, order]),
        (*p.biases[:-2], None if b is None else b[order], p.biases[-1]),
    )


def check_sign_counts(K: Kernel, rng: np.random.Generator) -> None:
    """Pairs that no path has to take through the claim's networks are refused, whichever neurons are 0."""
    Parameters = K.statements.Parameters
    for k in range(len(CASES)):
        problem, claim, _ = case(K, k)
        claim = replace(claim, gap=0.0)
        A, B = problem.A, problem.B
        m = len(A.weights[-2])
        assert accepted(K, replace(problem, A=B, B=A), claim)
        for p in (A, B):
            assert not accepted(K, replace(problem, A=p, B=p), claim)
            order = rng.permutation(m)
            copy = reordered(p, order)
            assert not accepted(K, replace(problem, A=p, B=copy), claim)
        for positive in range(m):
            other = replace(claim, positive=positive, level=0.0)
            signs = [np.sign(p.weights[-1][0]) for p in (A, B)]
            forced = any((x > 0).sum() > positive and (y < 0).sum() > m - 1 - positive for x, y in (signs, signs[::-1]))
            zeros = {n: np.zeros_like(getattr(claim, n)) for n in ("nu", "pulls")}
            assert accepted(K, problem, replace(other, **zeros)) == forced
        assert not accepted(K, problem, replace(claim, positive=-1))
        assert not accepted(K, problem, replace(claim, positive=m))
        # One neuron of the network with more positive ones becomes 0, by its head, by its row, or dead on all samples, which is no 0.
        many = A if (A.weights[-1] > 0).sum() > (B.weights[-1] > 0).sum() else B
        few = B if many is A else A
        extra = int((many.weights[-1] > 0).sum()) - claim.positive
        which = np.flatnonzero(many.weights[-1][0] > 0)[:extra]
        for kind in ("head", "row", "dead"):
            W, theta, b = many.weights[-2].copy(), many.weights[-1].copy(), many.biases[-2]
            b = None if b is None else b.copy()
            if kind == "head":
                theta[0, which] = rng.choice([0.0, -0.0])
            elif kind == "row":
                W[which] = 0.0
                if b is not None:
                    b[which] = 0.0
            else:
                W[which] = 0.0
                if b is None:
                    continue
                b[which] = -1.0
            changed = Parameters((*many.weights[:-2], W, theta), (*many.biases[:-2], b, many.biases[-1]))
            zeros = {n: np.zeros_like(getattr(claim, n)) for n in ("nu", "pulls")}
            loose = replace(claim, level=0.0, **zeros)
            assert accepted(K, replace(problem, A=changed, B=few), loose) == (kind == "dead")


def check_partition(K: Kernel, rng: np.random.Generator) -> None:
    """A partition that leaves something out is refused: a part without its dual, a cut that is not there, directions in a hyperplane."""
    for k in range(len(CASES)):
        problem, claim, _ = case(K, k)
        claim = replace(claim, gap=0.0, level=0.0)
        arrays = ("nu", "slopes", "pulls")
        L = len(claim.nu)
        assert accepted(K, problem, claim)
        less = {n: np.ascontiguousarray(getattr(claim, n)[:-1]) for n in arrays}
        more = {n: np.vstack([getattr(claim, n), getattr(claim, n)[-1:]]) for n in arrays}
        end = np.array([-1])
        for tree, duals in (
            (claim.tree[:-1], {}), (claim.tree[:-1], less), (claim.tree, less), (claim.tree, more), (np.append(claim.tree, end), {}),
            (np.append(claim.tree, end), more), (claim.tree[:0], {}), (np.full(L, -1), {}) if (claim.tree >= 0).any() else (end[:0], {}),
            (np.full_like(claim.tree, -1), {}) if (claim.tree >= 0).any() else (end[:0], {}),
        ):  # fmt: skip
            assert not accepted(K, problem, replace(claim, tree=tree, **duals))
        n = len(claim.directions)
        neurons = len(problem.A.weights[-2]) - 1
        edges = n * (n - 1) // 2
        cut = claim.tree.copy()
        for code in (-2, neurons * edges, 2**40):
            cut[0] = code
            assert not accepted(K, problem, replace(claim, tree=cut))
        # Every part cut once more, in any way, is a partition still, and what holds on a part holds on its halves.
        if edges and neurons:
            halves, twice = [], []
            leaf = -1
            for code in claim.tree.tolist():
                if code != -1:
                    halves.append(code)
                    continue
                leaf += 1
                halves += [int(rng.integers(neurons * edges)), -1, -1]
                twice += [leaf, leaf]
            finer = {name: getattr(claim, name)[twice] for name in arrays}
            assert accepted(K, problem, replace(claim, tree=np.array(halves), **finer))
        for slope in (1.5, -0.5):
            outside = claim.slopes.copy()
            outside[:] = slope
            assert not accepted(K, problem, replace(claim, slopes=outside)) or not outside.size
        flat = claim.directions.copy()
        flat[-1] = flat[0] if n > 1 else 0.0
        zeros = {name: np.zeros_like(getattr(claim, name)) for name in ("nu", "pulls")}
        assert not accepted(K, problem, replace(claim, directions=flat, **zeros))
        assert accepted(K, problem, replace(claim, **zeros))


def check_exact_least(K: Kernel, rng: np.random.Generator) -> None:
    """Where cells cover the problem and one neuron stays, the level is the least F over all its cells."""
    for k, options in enumerate(CASES):
        problem, claim, _ = case(K, k)
        if (
            len(problem.A.weights[-2]) == 2
            and problem.objective.loss in ("squared", "huber", "logistic")
            and not options.get("price")
        ):
            assert abs(claim.level - exact_least(problem, claim.positive)) <= 1e-6 * claim.level + 1e-9


def check_layers_below(K: Kernel, rng: np.random.Generator) -> None:
    """Claims about paths that keep layers below the last one are about networks that share them, and other claims about no such networks."""
    for k, options in enumerate(CASES):
        problem, claim, _ = case(K, k)
        zeros = {n: np.zeros_like(getattr(claim, n)) for n in ("nu", "pulls")}
        loose = replace(claim, level=0.0, gap=0.0, **zeros)
        for word in ("trained", "frozen", "trained above frozen layers", "frozen above frozen layers"):
            meant = word == ("trained above frozen layers" if "below" in options else "trained")
            assert accepted(K, problem, replace(loose, output_layer=word)) == meant
        for l in range(len(problem.A.weights) - 2):
            for kind in ("weights", "biases"):
                for name in ("A", "B"):
                    p = getattr(problem, name)
                    arrays = [None if a is None else a.copy() for a in getattr(p, kind)]
                    flat = arrays[l].reshape(-1)
                    flat[int(rng.integers(len(flat)))] += rng.choice([1.0, 1e-9])
                    assert not accepted(K, replace(problem, **{name: replace(p, **{kind: tuple(arrays)})}), loose)


SIGN_COUNT_CHECKS = [
    check_fan,
    check_layers_below,
    check_sign_count_level,
    check_sign_count_duals,
    check_sign_counts,
    check_partition,
    check_exact_least,
]

"""Component checks of `landscape`: brackets against solved faces, components against plain search, cones against an enumeration, and attacks that must fail."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from verifier.landscape.faces import FaceValues
from verifier.regions.arrangement import make_arrangement
from verifier.regions.cones import enumerate_cones

from .attack_components import of_kernel
from .components import Kernel
from .landscapes import CASES, instance

QUICK = (0, 1, 2, 4, 6, 7, 8, 9, 10, 11, 12)


def case(K: Kernel, k: int):
    problem, claim, tree, setting = instance(**CASES[k])
    return of_kernel(K, problem), of_kernel(K, claim), tree, setting


def accepted(K: Kernel, problem, claim) -> bool:
    return K.check.check(problem, claim).accepted


def check_true_landscapes(K: Kernel, rng: np.random.Generator) -> None:
    """Accepted, with the minima, the passes and the largest gap of the tree."""
    for k in QUICK:
        problem, claim, tree, _ = case(K, k)
        assert accepted(K, problem, claim)
        assert len(claim.minima) == len(tree.values)
        gap = tree.largest_gap[0]
        assert claim.gap_lower <= gap * (1 + 1e-7) + 1e-9
        assert gap <= claim.gap_upper + 1e-9


def check_false_figures(K: Kernel, rng: np.random.Generator) -> None:
    """Other counts, minima, passes, intervals and gaps are refused."""
    for k in QUICK:
        problem, claim, _, _ = case(K, k)
        q, faces = len(claim.intervals), K.brackets.read_faces(claim, K.landscape.read_neurons(problem, claim))
        below, above = K.brackets.brackets(problem, claim, faces)
        steps = np.array(K.landscape.steps_of(claim.intervals, below, above))
        for i in rng.integers(q, size=4).tolist():
            counts = claim.counts.copy()
            counts[i] += 1 if counts[i] == 1 else rng.choice([-1, 1])
            assert not accepted(K, problem, replace(claim, counts=counts))
            # An interval that begins just above the least of its brackets, or ends just below one.
            a, b = claim.intervals[i]
            least, most = below[steps == i].min(), above[steps == i].max()
            for new in ([np.nextafter(least, np.inf), b], [a, np.nextafter(most, -np.inf)]):
                intervals = claim.intervals.copy()
                intervals[i] = new
                assert not accepted(K, problem, replace(claim, intervals=intervals))
        for gone in range(len(claim.minima)):
            assert not accepted(K, problem, replace(claim, minima=np.delete(claim.minima, gone, axis=0)))
        for name in ("minima", "joins"):
            rows = getattr(claim, name)
            if len(rows):
                other = rows.copy()
                other[int(rng.integers(len(rows))), 0] += 1
                assert not accepted(K, problem, replace(claim, **{name: other}))
                assert not accepted(K, problem, replace(claim, **{name: np.vstack([rows, rows[-1:]])}))
        if len(claim.joins):
            assert not accepted(K, problem, replace(claim, joins=claim.joins[:-1]))
            assert not accepted(K, problem, replace(claim, joins=claim.joins[:, [0, 2, 1]]))
        width = max(claim.gap_upper - claim.gap_lower, 1e-9)
        assert not accepted(K, problem, replace(claim, gap_lower=claim.gap_upper, gap_upper=2 * claim.gap_upper + 1.0))
        assert not accepted(K, problem, replace(claim, gap_lower=0.0, gap_upper=max(0.0, claim.gap_upper - width)))


def check_wide_intervals(K: Kernel, rng: np.random.Generator) -> None:
    """One interval over all is true with one component; a gap below its length is not."""
    for k in (0, 1, 4):
        problem, claim, _, _ = case(K, k)
        top = float(np.ceil(claim.intervals[-1, 1]))
        one = replace(
            claim, intervals=np.array([[0.0, top]]), counts=np.array([1]), minima=0 * claim.minima[:1],
            joins=np.zeros((0, 3), dtype=np.int64),
            gap_lower=0.0, gap_upper=top,
        )  # fmt: skip
        assert accepted(K, problem, one)
        # Below the only interval lies none, and a row is needed in it as in others.
        assert not accepted(K, problem, replace(one, intervals=np.array([[claim.intervals[0, 1], top]])))
        for gone in _spare(claim)[:5].tolist():
            assert not accepted(K, problem, _without(one, gone))
        assert not accepted(K, problem, replace(one, gap_upper=0.5 * top))
        assert not accepted(K, problem, replace(one, gap_lower=claim.gap_lower / 2))


def check_faces_are_needed(K: Kernel, rng: np.random.Generator) -> None:
    """Without the row of any one face the claim is refused; without rows that are another's again it is not."""
    for k in QUICK:
        problem, claim, _, _ = case(K, k)
        f, spare = len(claim.faces), _spare(claim)
        for gone in rng.choice(spare, size=min(4, len(spare)), replace=False).tolist():
            assert not accepted(K, problem, _without(claim, gone))
        again = rng.integers(f, size=3)
        more = {
            n: np.concatenate([getattr(claim, n), getattr(claim, n)[again]])
            for n in ("faces", "facets", "dual", "point")
        }
        assert accepted(K, problem, replace(claim, **more))


def _spare(claim) -> np.ndarray:
    """Rows of faces that no dual and no point is about."""
    return np.setdiff1d(np.arange(len(claim.faces)), np.concatenate([claim.of_dual, claim.of_point]))


def _without(claim, gone: int):
    """The claim without a spare row."""
    f = len(claim.faces)
    place = np.arange(f) - (np.arange(f) > gone)
    rows = {n: np.delete(getattr(claim, n), gone, axis=0) for n in ("faces", "facets", "dual", "point")}
    return replace(claim, **rows, of_dual=place[claim.of_dual], of_point=place[claim.of_point])


def check_patterns_are_all(K: Kernel, rng: np.random.Generator) -> None:
    """Without the faces of one pattern, and without it, the claim is refused, whatever is left."""
    for k in (0, 7, 10):
        problem, claim, _, setting = case(K, k)
        p = len(claim.patterns)
        for gone in range(p):
            known = np.array([c for c in range(2 * p) if c // 2 != gone])
            place = np.full(2 * p, -1)
            place[known] = np.arange(len(known))
            touches = (claim.faces // 2 == gone).any(axis=1)
            for i in np.flatnonzero(claim.facets >= 0).tolist():
                a = claim.patterns[claim.faces[i, 0] // 2].copy()
                a[setting.neurons.cones.arrangement.classes[_class(setting, int(claim.facets[i]))]] ^= 1
                touches[i] |= (claim.patterns[gone] == a).all()
            keep = np.flatnonzero(~touches)
            row = np.full(len(claim.faces), -1)
            row[keep] = np.arange(len(keep))
            if (row[claim.of_dual] < 0).any() or (row[claim.of_point] < 0).any():
                own = replace(claim, **_own_bounds(claim, keep, row))
            else:
                own = replace(
                    claim,
                    dual=claim.dual[keep],
                    point=claim.point[keep],
                    of_dual=row[claim.of_dual],
                    of_point=row[claim.of_point],
                )
            faces = np.where(claim.faces[keep] < 0, -1, place[claim.faces[keep]])
            fewer = replace(own, patterns=np.delete(claim.patterns, gone, axis=0), interiors=np.delete(claim.interiors, gone, axis=0), faces=faces,
                            facets=claim.facets[keep])  # fmt: skip
            try:
                K.landscape.read_neurons(problem, fewer)
            except K.statements.Rejected:
                assert not accepted(K, problem, fewer)
                continue
            raise AssertionError("a pattern is missing")


def _class(setting, sample: int) -> int:
    return next(i for i, c in enumerate(setting.neurons.cones.arrangement.classes) if sample in c)


def _own_bounds(claim, keep, row) -> dict[str, np.ndarray]:
    """dual, point and their rows for the faces that are left; what was about a face that is gone is about the first one."""
    return {
        "dual": claim.dual[keep], "point": claim.point[keep], "of_dual": np.maximum(row[claim.of_dual], 0),
        "of_point": np.maximum(row[claim.of_point], 0),
    }  # fmt: skip


def check_cones_are_counted(K: Kernel, rng: np.random.Generator) -> None:
    """As many as an enumeration finds, in general position and not, up to dimension 4; by both evaluations."""
    for _ in range(12):
        n, count = int(rng.integers(1, 5)), int(rng.integers(1, 7))
        X = rng.integers(-2, 3, size=(count, n)).astype(float)
        X = X[X.any(axis=1)]
        if not len(X):
            continue
        cones = enumerate_cones(make_arrangement(X, False))
        rows = [tuple(int(v) for v in X[c[0]]) for c in cones.arrangement.classes]
        lines, p = [K.rational.line_of(r) for r in rows], len(cones.patterns)
        assert K.cones.count_cones(lines, p) == K.cones.count_cones(lines, 10**6) == p
        assert K.cones.count_cones(lines, p - 1) > p - 1
        fractions = [[K.reference_landscape.Fraction(v) for v in r] for r in rows]
        assert K.reference_landscape._chambers(fractions, p) == p


def check_brackets(K: Kernel, rng: np.random.Generator) -> None:
    """They hold the minimum that programs find, are narrow, and move out when duals and points get worse."""
    for k in QUICK:
        problem, claim, _, setting = case(K, k)
        across = K.landscape.read_neurons(problem, claim)
        faces = K.brackets.read_faces(claim, across)
        below, above = K.brackets.brackets(problem, claim, faces)
        values, sides = FaceValues(setting), setting.neurons.facet_codes.tolist()
        for i in rng.choice(len(faces), size=min(40, len(faces)), replace=False).tolist():
            facet = -1 if faces[i].sides[0] < 0 else next(f for f, s in enumerate(sides) if tuple(s) == faces[i].sides)
            true, room = values.value(values.face(faces[i].codes, facet)), 10 * values.resolution + 1e-9
            assert true - room <= below[i] <= above[i] <= true + room
        if problem.objective.kappa > 0.0:
            # Duals that break their constraints pay for it.
            higher = (
                K.brackets.brackets(problem, replace(claim, nu=claim.nu * (1 + 2.0**-6)), faces)[0]
                if claim.nu.sum(axis=1).any()
                else below
            )
            assert (higher <= above + 1e-9).all()
        worse = claim.points * (1 + 2.0 ** -rng.integers(5, 20))
        try:
            _, higher = K.brackets.brackets(problem, replace(claim, points=worse), faces)
        except K.statements.Rejected:
            continue
        assert (higher >= above - 1e-12).all()
        w = int(rng.integers(len(claim.points)))
        turned = claim.points.copy()
        turned[w] = -turned[w]
        if turned[w].any() and claim.facets[claim.of_point[w]] < 0:
            assert _refused(K, problem, replace(claim, points=turned), faces)


def _refused(K: Kernel, problem, claim, faces) -> bool:
    try:
        K.brackets.brackets(problem, claim, faces)
    except K.statements.Rejected:
        return True
    return False


def check_values_at_points(K: Kernel, rng: np.random.Generator) -> None:
    """Upper ends are F of the network that the point stands for, summed here in floats; on a facet of its projection."""
    for k in QUICK:
        problem, claim, _, setting = case(K, k)
        found = K.brackets._Points(problem, claim).values()
        X, n = setting.neurons.inputs, setting.neurons.inputs.shape[1]
        for w, row in enumerate(claim.of_point.tolist()):
            u = claim.points[w].reshape(-1, n).copy()
            if claim.facets[row] >= 0:
                x = X[claim.facets[row]]
                u[0] -= (u[0] @ x) / (x @ x) * x
            codes = claim.faces[row]
            u[codes < 0] = 0.0
            f = (np.where(codes % 2 == 0, 1.0, -1.0)[:, None] * np.maximum(u @ X.T, 0.0)).sum(axis=0) + claim.biases[w]
            o = setting.objective
            true = o.loss.values(f[:, None], setting.targets).mean() + o.kappa * np.linalg.norm(u, axis=1).sum()
            true += o.kappa * o.bias_price * abs(claim.biases[w])
            assert abs(found[w] - true) <= 1e-9 * (1 + true)


def _lies(K: Kernel, problem, claim, code: int, facet: int, u: np.ndarray) -> bool:
    """Whether a neuron at u is taken for one in the code's cone, or once it is projected on its facet; other neurons are not there."""
    m, n = claim.faces.shape[1], claim.interiors.shape[1]
    rows = [u.tolist(), *[[0.0] * n] * (m - 1)]
    try:
        K.brackets._Points(problem, claim)._value([code, *[-1] * (m - 1)], facet, rows, 0.0)
    except K.statements.Rejected:
        return False
    return True


def check_points_lie_in_cones(K: Kernel, rng: np.random.Generator) -> None:
    """A point within one cone lies in no other; 0 lies in all; on a facet a point is projected first."""
    for k in (0, 1, 7, 10):
        problem, claim, _, setting = case(K, k)
        for a, b in itertools.product(range(len(claim.patterns)), repeat=2):
            code = 2 * a + int(rng.integers(2))
            assert _lies(K, problem, claim, code, -1, claim.interiors[b]) == (a == b)
            assert _lies(K, problem, claim, code, -1, 0.0 * claim.interiors[b])
        for f, (a, b) in enumerate(setting.neurons.facet_codes.tolist()):
            sample, inner = int(setting.neurons.facet_samples[f]), [claim.interiors[c // 2] for c in (a, b)]
            x = setting.neurons.inputs[sample]
            on = inner[0] + (inner[1] - inner[0]) * (inner[0] @ x) / (inner[0] @ x - inner[1] @ x)
            assert _lies(K, problem, claim, a, sample, on)
            assert _lies(K, problem, claim, a, sample, on + x)
            assert not _lies(K, problem, claim, a, -1, on + x) or not _lies(K, problem, claim, a, -1, on - x)


def check_shared_bounds(K: Kernel, rng: np.random.Generator) -> None:
    """`within` is containment: a dual or a point is used for another face exactly when sets of codes and facets allow it."""
    B = K.brackets
    for _ in range(200):
        pick = lambda: tuple(rng.integers(0, 6, size=int(rng.integers(0, 4))).tolist())
        sides = lambda: [(-1, -1), (0, 2), (2, 4), (1, 3)][int(rng.integers(4))]
        small, large = B.face_of(pick(), sides()), B.face_of(pick(), sides())
        facet = small.sides == (-1, -1) or small.sides == large.sides or any(c in large.codes for c in small.sides)
        assert small.within(large) == (facet and all(c in large.codes for c in small.codes))
        assert small.sides[0] not in small.codes or small.sides == (-1, -1)
        assert small.sides[1] not in small.codes or small.sides == (-1, -1)
    for k in (1, 2, 9):
        problem, claim, _, _ = case(K, k)
        faces = B.read_faces(claim, K.landscape.read_neurons(problem, claim))
        for name, of in (("dual", claim.of_dual), ("point", claim.of_point)):
            for _ in range(10):
                i, d = int(rng.integers(len(faces))), int(rng.integers(len(of)))
                other = getattr(claim, name).copy()
                other[i] = d
                allowed = faces[i].within(faces[of[d]]) if name == "dual" else faces[of[d]].within(faces[i])
                assert _refused(K, problem, replace(claim, **{name: other}), faces) != allowed


def check_merging(K: Kernel, rng: np.random.Generator) -> None:
    """Components, births and joins of random filtered graphs, each step against connected components found anew."""
    for _ in range(25):
        n, q = int(rng.integers(1, 12)), int(rng.integers(1, 6))
        cells = rng.integers(q, size=n).tolist()
        edges = []
        for x, y in itertools.combinations(range(n), 2):
            if rng.random() < 0.25:
                edges.append((int(rng.integers(max(cells[x], cells[y]), q)), x, y))
        found = K.landscape.merge(cells, edges, q)
        birth = {}
        joins, births = [], []
        for t in range(q):
            there = [c for c in range(n) if cells[c] <= t]
            kept = [(x, y) for s, x, y in edges if s <= t]
            graph = coo_array((np.ones(len(kept)), ([x for x, _ in kept], [y for _, y in kept])), shape=(n, n))
            label = connected_components(graph, directed=False)[1]
            groups = {}
            for c in there:
                groups.setdefault(int(label[c]), []).append(c)
            assert found.counts[t] == len(groups)
            now, ended = {}, []
            for members in sorted(groups.values()):
                old = sorted({birth[c] for c in members if c in birth})
                if old:
                    ended += [[t, b, old[0]] for b in old[1:]]
                else:
                    births.append((t, members[0]))
                    old = [len(births) - 1]
                now |= dict.fromkeys(members, old[0])
            birth = now
            joins += sorted(ended)
        assert found.births == births
        assert found.joins == joins
        ends = np.cumsum(rng.integers(1, 5, size=2 * q)).reshape(q, 2) / 8.0
        low, high = K.landscape.gap_bounds(ends, found)
        gaps = [(ends[t, 0] - ends[births[y][0], 1], ends[t, 1] - ends[births[y][0], 0]) for t, y, _ in joins]
        assert float(low) == max((g[0] for g in gaps), default=0.0)
        assert float(high) == max([g[1] for g in gaps] + (ends[:, 1] - ends[:, 0]).tolist())


WHOLE_CHECKS = [
    check_true_landscapes,
    check_false_figures,
    check_wide_intervals,
    check_faces_are_needed,
    check_patterns_are_all,
    check_cones_are_counted,
    check_brackets,
    check_values_at_points,
    check_points_lie_in_cones,
    check_shared_bounds,
    check_merging,
]

"""One neuron's cones: which patterns have full-dimensional cones, which samples carry facets, and what lies across each facet; exact."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from verifier.kernel.fast.last_inputs import last_inputs, whole_row
from verifier.kernel.fast.rational import Row, dot, integer_row, integer_rows, is_combination, line_of
from verifier.kernel.statements import (
    BarrierLowerBound,
    ConeTable,
    Parameters,
    Problem,
    kinds_of,
    last_rows,
    require,
)

Array = np.ndarray


@dataclass(frozen=True)
class Cones:
    """rows: the inputs xt as integer rows. classes: samples with parallel xt, by their first sample. patterns: (p, N) as given.
    facets: per pattern, the first samples of the classes that may carry a facet: a superset of those that do. A code is kinds * pattern + kind."""

    rows: list[Row]
    classes: dict[int, list[int]]
    patterns: Array
    facets: list[list[int]]
    kinds: int

    def contains(self, code: int, u: Row) -> bool:
        """Whether the closed cone of the code's pattern contains u."""
        bits = self.patterns[code // self.kinds].tolist()
        return all(dot(u, x) * (2 * a - 1) >= 0 for a, x in zip(bits, self.rows))


def read_cones(problem: Problem, claim: BarrierLowerBound | ConeTable) -> Cones:
    """Reject unless every pattern's cone is full-dimensional, no two are the same, and every sample said to carry no facet carries none."""
    rows = [whole_row(row) for row in last_inputs(problem)]
    by_line: dict[Row, list[int]] = {}
    for j, row in enumerate(rows):
        if any(row):
            by_line.setdefault(line_of(row), []).append(j)
    classes = {members[0]: members for members in by_line.values()}
    patterns = claim.patterns
    require(bool(((patterns == 0) | (patterns == 1)).all()), "a pattern has an entry that is neither 0 nor 1")
    require(len(np.unique(patterns, axis=0)) == len(patterns), "two patterns are the same")
    for a, u in zip(patterns.tolist(), integer_rows(claim.interiors)):
        for bit, x in zip(a, rows):
            if any(x):
                require(dot(u, x) * (2 * bit - 1) > 0, "an interior point is not inside its cone")
            else:
                require(bit == 0, "a pattern is not 0 at a sample whose input is 0")
    facets = [set(classes) for _ in patterns]
    first = {j: head for head, members in classes.items() for j in members}
    for (p, j), support in zip(claim.redundant.tolist(), claim.supports.tolist()):
        require(
            0 <= p < len(patterns) and j in classes, "a redundant facet names no pattern or no first sample of a class"
        )
        chosen = [k for k in support if k != -1]
        require(
            all(k in first and first[k] != j for k in chosen),
            "a support names a sample that is not there, or of the class itself",
        )
        a = patterns[p].tolist()
        facing = [tuple((2 * a[k] - 1) * v for v in rows[k]) for k in [*chosen, j]]
        require(is_combination(facing[-1], facing[:-1]), "a support does not make its facet redundant")
        facets[p].discard(j)
    return Cones(rows, classes, patterns, [sorted(f) for f in facets], kinds_of(problem))


def holds_network(cones: Cones, codes: list[int], p: Parameters, frozen: bool) -> bool:
    """Whether the closed cell `codes` contains the network: u_i = |theta_i| wt_i in its cone, with its sign; with several outputs wt_i in its cone.

    u_i = 0 lies in all cones. With a trained output layer it lies in cells of both signs, for there the sign may change. With a frozen one
    the sign is that of theta_i whatever the row is; a neuron with theta_i = 0 is never heard, and any sign will do.
    """
    rows, theta = last_rows(p).tolist(), p.weights[-1][0].tolist()
    if len(p.weights[-1]) > 1:
        return all(cones.contains(code, integer_row(row)) for code, row in zip(codes, rows, strict=True))
    for code, row, t in zip(codes, rows, theta, strict=True):
        still = t == 0.0 or not any(row)
        if t != 0.0 and (frozen or not still) and (t < 0.0) != bool(code % 2):
            return False
        if not still and not cones.contains(code, integer_row(row)):
            return False
    return True


def neighbour_tables(cones: Cones, signs: bool) -> tuple[Array, Array]:
    """(neighbour, facet), both (kinds p, T): what lies across each way out of a code, and the sample crossed (-1: the sign changes).

    neighbour is -1 where it is no pattern of the table, and -2 where there is no such way out.
    """
    index = {row.tobytes(): k for k, row in enumerate(cones.patterns)}
    ways = max((len(f) for f in cones.facets), default=0) + 1
    kinds = cones.kinds
    neighbour = np.full((kinds * len(cones.patterns), ways), -2, dtype=np.int64)
    facet = np.full_like(neighbour, -1)
    for p, samples in enumerate(cones.facets):
        for kind in range(kinds):
            code = kinds * p + kind
            if signs:
                neighbour[code, 0] = code ^ 1
            for k, j in enumerate(samples, start=1):
                across = cones.patterns[p].copy()
                across[cones.classes[j]] ^= 1
                q = index.get(across.tobytes())
                neighbour[code, k] = -1 if q is None else kinds * q + kind
                facet[code, k] = j
    return neighbour, facet


def count_cones(normals: list[Row], most: int) -> int:
    """In how many cones the hyperplanes of these normals, none 0 and no two parallel, cut space: each cuts as many of those before it in two as these
    cut the hyperplane itself in. Some number above `most` where they are more."""
    total = 1
    for k, h in enumerate(normals):
        if total > most:
            break
        e = next(i for i, v in enumerate(h) if v)
        within = set()
        for g in normals[:k]:
            row = [a * h[e] - b * g[e] for a, b in zip(g, h)]
            del row[e]
            shared = math.gcd(*row)
            within.add(line_of(tuple(v // shared for v in row)))
        total += count_cones(sorted(within), most - total)
    return total

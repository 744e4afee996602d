"""Lower bound of the barrier between A and B over coarse cells: fast evaluation of `cone_barrier` (docs/mathematics.md, section 14).

A path from a network inside leaves through a point at which a neuron is 0, or through a facet that a part inside shares with one outside. The
facets are found here from the tree; on each of these a dual shows F >= level.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from flint import fmpq_mat

from verifier.kernel.fast.balls import down
from verifier.kernel.fast.cone_contacts import FACET, Cones, Rays, common_rays, contacts
from verifier.kernel.fast.cone_duals import Fan, dual_bound, live_neurons, read_tree
from verifier.kernel.fast.forward import objective_at
from verifier.kernel.fast.rational import ZERO, fraction
from verifier.kernel.statements import ConeBarrier, Parameters, Problem, require
from verifier.kernel.statements.cone_barrier import MOST_CONES

Array = np.ndarray
# Parts inside that are held against all outside at a time.
BLOCK = 64


def check_cone_barrier(problem: Problem, claim: ConeBarrier) -> dict[str, float]:
    """Numbers found for the claim; rejects unless no path can leave the parts inside below the level."""
    m = len(problem.A.weights[-2])
    fan = Fan(problem, claim.directions)
    parts = read_tree(fan, claim.tree.tolist(), m)
    require(len(parts) == len(claim.inside), "the partition has another number of parts than are inside or not")
    cones = Cones(fan)
    codes = np.array([[cones.add(rays) for rays in part] for part in parts], dtype=np.int64)
    here, there = (problem.A, problem.B) if claim.around == "A" else (problem.B, problem.A)
    require(not _differs(here, claim.signs), "the network inside has a neuron of another sign")
    require(_holds(cones, codes[claim.start], claim.directions, here), "the network inside is not in its part")
    if claim.goal == -1:
        require(_differs(there, claim.signs), "the other network differs in no sign, and no part is said to hold it")
    else:
        require(_holds(cones, codes[claim.goal], claim.directions, there), "the other network is not in its part")
    signs = claim.signs.tolist()
    # Conditions are asked ray by ray: all rays of all faces that one dual has to bar.
    rays: dict[int, list[set[int]]] = {}
    for dual, face in barred(claim, fan, ways_out(cones, codes, claim.inside)):
        needed = rays.setdefault(dual, [set() for _ in range(m)])
        for i, mine in enumerate(face):
            needed[i].update(mine)
    bounds = [
        dual_bound(problem, fan, [sorted(r) for r in needed], signs, claim.nu[d], claim.slopes[d], claim.pulls[d])
        for d, needed in rays.items()
    ]
    require(len(bounds) > 0 and all(math.isfinite(b) for b in bounds), "no way out is barred")
    # Losses and penalties are at least 0.
    level = max(0.0, min(bounds))
    require(claim.level <= level, f"level: found at least {level!r}, claimed {claim.level!r}")
    E = max(objective_at(problem, p).upper for p in (problem.A, problem.B))
    gap = max(0.0, down(claim.level - E))
    require(claim.gap <= gap, f"gap over E: found at least {gap!r}, claimed {claim.gap!r}")
    return {"level": level, "E_upper": E, "gap": gap}


def barred(
    claim: ConeBarrier, fan: Fan, ways: Iterator[tuple[int, int, tuple[Rays, ...]]]
) -> Iterator[tuple[int, tuple[Rays, ...]]]:
    """(dual, face) for all ways out, and for all networks without a neuron of a sign whose ways to 0 are barred at once; rejects a way that has no dual."""
    signs, less = claim.signs.tolist(), dict(claim.less)
    stored = {(p, q): d for p, q, d in claim.faces.tolist()}
    for p, q, face in ways:
        if q < 0 and signs[-1 - q] in less:
            continue
        dual = stored.get((p, q))
        require(dual is not None, f"the way out of part {p} to {'part' if q >= 0 else 'neuron at 0'} {q} has no dual")
        assert dual is not None  # for the type checker
        yield dual, face
    numbers = iter(claim.of_less.tolist())
    for sign, tree in claim.less:
        # Which of the neurons of a sign is 0 is a matter of their order, and F knows none.
        i = signs.index(sign)
        for part in read_tree(fan, tree.tolist(), len(signs) - 1):
            yield next(numbers), (*part[:i], (), *part[i:])


def ways_out(cones: Cones, codes: Array, inside: Array) -> Iterator[tuple[int, int, tuple[Rays, ...]]]:
    """(part, -1 - i, face) for neuron i at 0, and (part, part outside, face) for all that share a facet; face: rays per neuron, none for one that is 0.

    codes (parts, m): the cone of each neuron. A face holds all points common to both parts.
    """
    m = codes.shape[1]
    within, without = np.flatnonzero(inside == 1), np.flatnonzero(inside == 0)
    for p in within.tolist():
        for i in range(m):
            yield p, -1 - i, tuple(() if k == i else cones.rays[codes[p, k]] for k in range(m))
    some, others = (np.unique(codes[part], return_inverse=True) for part in (within, without))
    require(len(some[0]) * len(others[0]) <= MOST_CONES, "too many pairs of cones")
    at, of = some[1].reshape(-1, m), others[1].reshape(-1, m)
    kind, facet = contacts(cones, some[0].tolist(), others[0].tolist())
    common: dict[tuple[int, int], Rays] = {}
    for first in range(0, len(within), BLOCK):
        block = at[first : first + BLOCK]
        each = np.stack([kind[np.ix_(block[:, k], of[:, k])] for k in range(m)])
        # A facet for one neuron, common inner points for all others.
        meets = (each > 0).all(axis=0) & ((each == FACET).sum(axis=0) == 1)
        for a, b in np.argwhere(meets).tolist():
            face = []
            for x, y in zip(block[a].tolist(), of[b].tolist()):
                if (x, y) not in common:
                    common[x, y] = common_rays(cones, int(some[0][x]), int(others[0][y]), int(facet[x, y]))
                face.append(common[x, y])
            yield int(within[first + a]), int(without[b]), tuple(face)


def _differs(p: Parameters, signs: Array) -> bool:
    """Whether a neuron that is not 0 has another sign."""
    return any((head > 0.0) != bool(signs[i] == 1) for i, head, _ in live_neurons(p))


def _holds(cones: Cones, part: Array, directions: Array, p: Parameters) -> bool:
    """Whether the part holds u_i = |theta_i| wt_i for every neuron; 0 lies in all cones."""
    n = len(directions)
    back = fmpq_mat(n, n, [fraction(v) for row in directions.tolist() for v in row]).inv()
    for i, _, row in live_neurons(p):
        u = [sum((fraction(v) * back[e, k] for e, v in enumerate(row)), ZERO) for k in range(n)]
        if not cones.contains(int(part[i]), u):
            return False
    return True

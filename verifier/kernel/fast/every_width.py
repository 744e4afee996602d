"""Lower bound of F over all widths: fast evaluation of `every_width_lower_bound` (docs/mathematics.md, section 13).

With shares q_j, nu in the conjugates' domain, and h_k(w) = sum_j q_j nu_jk relu(w . xt_j): where `|h_k(w)| <= room |w|_2` for all rows w and outputs k,

    F >= -sum_j q_j loss_j^*(nu_j) + sum_k (c_k sum_j q_j nu_jk + kappa_c |c_k|)

whatever the width is. The code's pulls are these times the sum of the weights.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from verifier.kernel.fast import losses
from verifier.kernel.fast.balls import (
    INFLATE,
    TINY,
    Ball,
    down,
    exact,
    finite,
    lower,
    magnitude,
    matmul,
    multiply,
    relu,
    row_norms,
    subtract,
    sum_upper,
    transpose,
    up,
    upper,
)
from verifier.kernel.fast.heads import bias_sums, pulls, sum_of_weights
from verifier.kernel.statements import EveryWidthLowerBound, Problem, augmented_inputs, require

Array = np.ndarray
# Cones that one side of one output may need, entries of one block of them, and bisections: midpoints stay exact in float64.
MOST_CONES = 2**15
BLOCK = 2**20
DEEPEST = 45


def _dots(a: Array, b: Array) -> Ball:
    """Sums over the last axis of a * b, for exact arrays of one shape (c, n); (c,)."""
    products = multiply(exact(a), exact(b))
    sums = matmul(products, exact(np.ones((a.shape[1], 1))))
    return Ball(sums.mid[:, 0], sums.rad[:, 0])


def _covered(g: Array, X: Array, p: Ball, positive: Array, room: float) -> Array:
    """Which cones (c, n, n), rows their generators, certainly have h(w) <= room |w|: some v, |v| <= room, has v . g_k >= what bounds h at every g_k.

    On a cone a sample with one sign is linear. Of the others, those that push up are bounded by their values at the generators (relu is convex), those that
    push down by a share in [0, 1] of w . x (relu is at least that); so h is below a function that is linear there, known at the generators.
    """
    c, n, _ = g.shape
    flat = matmul(exact(g.reshape(c * n, n)), exact(X.T))
    Z = Ball(flat.mid.reshape(c, n, -1), flat.rad.reshape(c, n, -1))
    over = np.asarray((lower(Z) >= 0.0).all(axis=1))
    under = np.asarray((upper(Z) <= 0.0).all(axis=1))
    mixed = ~(over | under)
    convex = relu(Z, 0.0)
    linear = over[:, None, :] | (mixed & ~positive)[:, None, :]
    centre = g.sum(axis=1)
    share = np.maximum(flat.mid, 0.0).reshape(c, n, -1).sum(axis=1)
    share /= np.maximum(np.abs(Z.mid).sum(axis=1), 1e-300)
    done = np.zeros(c, dtype=bool)
    for guess in ((centre @ X.T > 0.0).astype(float), np.clip(share, 0.0, 1.0)):
        left = ~done
        if not left.any():
            break
        part = np.where(over, 1.0, np.where(mixed & ~positive, guess, 0.0))[left][:, None, :]
        straight = multiply(Ball(Z.mid[left], Z.rad[left]), exact(np.broadcast_to(part, Z.mid[left].shape)))
        bent = (mixed & positive)[left][:, None, :]
        values = Ball(np.where(bent, convex.mid[left], straight.mid), np.where(bent, convex.rad[left], straight.rad))
        keep = (linear[left] | bent) & np.ones_like(values.mid, dtype=bool)
        values = Ball(np.where(keep, values.mid, 0.0), np.where(keep, values.rad, 0.0))
        k = int(left.sum())
        sums = matmul(Ball(values.mid.reshape(k * n, -1), values.rad.reshape(k * n, -1)), p)
        top = upper(Ball(sums.mid[:, 0], sums.rad[:, 0])).reshape(k, n)
        found = np.zeros(k, dtype=bool)
        for v in _directions(g[left], top, centre[left], room):
            short = magnitude(row_norms(exact(v))) <= room
            reach = lower(_dots(np.repeat(v, n, axis=0), g[left].reshape(k * n, n))).reshape(k, n)
            found |= short & (top <= reach).all(axis=1)
        done[np.flatnonzero(left)[found]] = True
    return done


def _directions(g: Array, top: Array, centre: Array, room: float) -> list[Array]:
    """Candidates for v, (c, n) each: where the linear function's gradient points, no longer than `room`, and the middle of the cone."""
    with np.errstate(all="ignore"):
        try:
            v = np.linalg.solve(g, top[:, :, None])[:, :, 0]
        except np.linalg.LinAlgError:
            v = np.zeros_like(centre)
        longest = room * (1.0 - 2.0**-36)
        sizes = np.linalg.norm(v, axis=1)[:, None]
        middle = centre / np.linalg.norm(centre, axis=1)[:, None]
        # A little towards the middle, which every generator has a positive product with, covers the rounding of the solution.
        candidates = [
            v * np.minimum(1.0, longest / np.maximum(sizes, 1e-300)) + middle * (room * 2.0**-38),
            middle * longest,
        ]
    return [np.where(np.isfinite(a).all(axis=1)[:, None], a, 0.0) for a in candidates]


def bisected(g: Array) -> Array:
    """Both halves of every cone (c, n, n), cut at the exact midpoint of a longest edge; generators stay on the faces of the cross-polytope."""
    n, i = g.shape[1], np.arange(len(g))
    edges = list(itertools.combinations(range(n), 2))
    lengths = np.stack([np.abs(g[:, a] - g[:, b]).max(axis=1) for a, b in edges], axis=1)
    ends = np.array(edges)[lengths.argmax(axis=1)]
    middle = (g[i, ends[:, 0]] + g[i, ends[:, 1]]) / 2.0
    halves = []
    for side in (0, 1):
        half = g.copy()
        half[i, ends[:, side]] = middle
        halves.append(half)
    return np.concatenate(halves)


def bounded_on_cones(X: Array, p: Ball, positive: Array, room: float) -> bool:
    """Whether sum_j p_j relu(w . X_j) <= room |w|_2 for all w was certainly shown. p (N, 1), positive (N,): whether p_j > 0."""
    n = X.shape[1]
    cones = np.array([np.diag(s) for s in itertools.product((1.0, -1.0), repeat=n)])
    seen = 0
    for _ in range(DEEPEST):
        seen += len(cones)
        if seen > MOST_CONES:
            return False
        size = max(1, BLOCK // (n * len(X)))
        done = [_covered(cones[k : k + size], X, p, positive, room) for k in range(0, len(cones), size)]
        cones = cones[~np.concatenate(done)]
        if not len(cones):
            return True
        middle = cones.sum(axis=1)
        pulled = np.maximum(middle @ X.T, 0.0) @ p.mid[:, 0]
        if n == 1 or bool((pulled > room * (1.0 + 2.0**-30) * np.linalg.norm(middle, axis=1)).any()):
            return False  # a ray is as small as it gets; and to refuse, an estimate is enough
        cones = bisected(cones)
    return False


def bounded_by_matrix(X: Array, p: Ball, claim: EveryWidthLowerBound, row: int, room: float) -> bool:
    """The same by a matrix that is certainly positive semidefinite.

    With e = p + lowered + raised: p relu(z) <= e relu(z) - lowered z <= e z / 2 - lowered z + q + curved z^2 / 4, q = e^2 / (4 curved).
    """
    assert claim.raised is not None
    assert claim.lowered is not None
    assert claim.curved is not None
    assert claim.ball is not None
    assert claim.factor is not None
    fall, curve, tau = claim.lowered[row], claim.curved[row], float(claim.ball[row])
    e = Ball(p.mid[:, 0], p.rad[:, 0])
    for more in (fall, claim.raised[row]):
        e = subtract(e, exact(-more))
    size = magnitude(e)
    flat = curve == 0.0
    if bool((flat & (size > 0.0)).any()):
        return False
    # An overflowing denominator would make q nothing: `finite` rejects it.
    q = np.where(
        flat, 0.0, finite((size * size * INFLATE + TINY) / np.where(flat, 1.0, finite(4.0 * curve)) * INFLATE + TINY)
    )
    corner = down(down(room - tau) - sum_upper(q.tolist()))
    half = multiply(e, exact(np.full_like(curve, 0.5)))
    side = subtract(exact(fall), half)
    b = matmul(Ball(side.mid[None, :], side.rad[None, :]), exact(X))
    scaled = multiply(exact(X), exact(np.broadcast_to(curve[:, None] / 4.0, X.shape)))
    if bool((curve / 4.0 * 4.0 != curve).any()):
        return False
    square = matmul(transpose(scaled), exact(X))
    n = X.shape[1]
    M, rad = np.zeros((n + 1, n + 1)), np.zeros((n + 1, n + 1))
    M[0, 0] = corner  # a number at or below the entry: less on the diagonal is no easier
    M[0, 1:] = M[1:, 0] = b.mid[0] / 2.0
    rad[0, 1:] = rad[1:, 0] = b.rad[0]
    block = subtract(exact(tau * np.eye(n)), square)
    M[1:, 1:], rad[1:, 1:] = block.mid, block.rad
    L = claim.factor[row * (n + 1) : (row + 1) * (n + 1)]
    left = subtract(Ball(M, rad), matmul(exact(L), exact(L.T)))
    diagonal = lower(Ball(np.diag(left.mid), np.diag(left.rad)))
    off = magnitude(left)
    np.fill_diagonal(off, 0.0)
    return all(d >= sum_upper(line) for d, line in zip(diagonal.tolist(), off.tolist(), strict=True))


def check_every_width(problem: Problem, claim: EveryWidthLowerBound) -> dict[str, float]:
    """Numbers found for the claim; rejects unless they confirm it."""
    o, X, K = problem.objective, augmented_inputs(problem), claim.nu.shape[1]
    low = sum_of_weights(problem)[0]
    room = down(o.kappa * low)
    if o.penalty == "weight_decay" and K > 1:
        # |h|_2 <= kappa follows from each of K entries being at most kappa / sqrt(K).
        room = down(room / up(math.sqrt(K)))
    pull = pulls(problem, claim.nu)
    if problem.A.biases[1] is not None:
        most = down(o.kappa * low) if o.penalise_output_bias else 0.0
        require(all(s <= most for s in bias_sums(problem, claim.nu)), "the dual pulls at the output bias")
    for k in range(K):
        for side, sign in enumerate((1.0, -1.0)):
            p = Ball(sign * pull.mid[:, k : k + 1], pull.rad[:, k : k + 1])
            if claim.factor is None:
                held = bounded_on_cones(X, p, sign * claim.nu[:, k] > 0.0, room)
            else:
                held = bounded_by_matrix(X, p, claim, 2 * k + side, room)
            require(
                held,
                f"output {k + 1}, side {'+-'[side]}: the dual's pull on one neuron was not shown to be below its price",
            )
    dual = max(0.0, -losses.conjugate_mean_upper(o, claim.nu, problem.targets, problem.weights))
    require(claim.lower <= dual, f"found at least {dual!r}, claimed {claim.lower!r}")
    return {"lower": dual}

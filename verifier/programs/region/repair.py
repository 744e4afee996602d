"""From a solver's proposal to a point of the region and to multipliers that prove a bound (docs/mathematics.md, section 11).

Given nu, the best multipliers of neuron i are the projection of `p_i = (1/N) sum_j (TH_i . nu_j) a_ij xt_j` on the cone of `sides_ij xt_j`, which is one
non-negative least squares problem per neuron: so a solver's nu is all that a bound needs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verifier.programs.cone_fit import cone_fit
from verifier.programs.dual import on_grid
from verifier.programs.region.interior_point import Proposal
from verifier.programs.region.rows_program import RowsProgram

Array = np.ndarray

# Rows shorter than this share of the longest count as collapsed; margins below this share of |u_i| |xt_j| count as tight.
COLLAPSED, TIGHT = 1e-5, 1e-7
# Multipliers below this share of a neuron's largest hint are not looked at, unless the fit without them is no projection.
VISIBLE = 1e-6
# Slope along a unit input, over |p_i|, at which a fit to some samples is none to all.
SLOPE = 1e-10


@dataclass(frozen=True, eq=False)
class Dual:
    """nu (N, K) of the plain losses, on a grid; multipliers (t,) of the pairs `tight` (t, 2) of (neuron of the program, sample); value: what they prove."""

    nu: Array
    tight: Array
    multipliers: Array
    value: float


def lengths(P: RowsProgram) -> Array:
    """|xt_j|, (N,)."""
    return np.linalg.norm(P.inputs, axis=1)


def without_collapsed(P: RowsProgram, u: Array, c: Array) -> Array:
    """u with its collapsed rows exactly 0, where that does not raise F."""
    norms = np.linalg.norm(u, axis=1)
    zeroed = np.where((norms > COLLAPSED * norms.max(initial=0.0))[:, None], u, 0.0)
    return zeroed if P.value(zeroed, c) <= P.value(u, c) else u


def into_region(P: RowsProgram, u: Array) -> Array:
    """u moved towards the network's own rows until every sign is certain in the kernel's arithmetic, and within its limits.

    A sample on a boundary of the network itself may stay uncertain; the kernel decides it exactly.
    """
    norms, own = np.linalg.norm(u, axis=1), np.linalg.norm(P.start, axis=1)
    inside = P.start * (norms / np.where(own > 0.0, own, 1.0))[:, None]
    s, z = P.margins(u), P.margins(inside)
    need = 16 * (u.shape[1] + 4) * 2.0**-53 * norms[:, None] * lengths(P)
    wanting = (s < need) & (z > need)
    share = np.where(wanting, (need - s) / np.where(wanting, z - s, 1.0), 0.0).max(axis=1, initial=0.0)
    out = u + np.minimum(share, 1.0)[:, None] * (inside - u)
    if P.limits is not None:
        size = np.linalg.norm(out, axis=1)
        out *= np.minimum(1.0, P.limits * (1.0 - 2.0**-38) / np.where(size > 0.0, size, 1.0))[:, None]
    return np.asarray(out)


def tight_pairs(P: RowsProgram, u: Array) -> Array:
    """Booleans (r, N): the pairs whose sign constraint is active at u, collapsed neurons apart."""
    norms = np.linalg.norm(u, axis=1)[:, None]
    return (
        (P.margins(u) <= TIGHT * norms * lengths(P)) & (norms > COLLAPSED * norms.max(initial=0.0)) & (lengths(P) > 0)
    )


def _fit(P: RowsProgram, i: int, p: Array, samples: Array) -> tuple[Array, Array, Array]:
    """(samples, multipliers, residual) of neuron i's projection on the cone of these samples; nothing where no method succeeds."""
    cone = (P.sides[i, samples, None] * P.inputs[samples]).T
    found = cone_fit(cone, p) if samples.size else None
    if found is None:
        return samples[:0], np.zeros(0), p
    used = found.coefficients > 0.0
    return samples[used], found.coefficients[used], p - cone[:, used] @ found.coefficients[used]


def project(P: RowsProgram, nu: Array, hints: Array, close: Array) -> tuple[list[tuple[Array, Array]], Array]:
    """Per neuron (samples, multipliers), and the residuals' norms (r,), for nu in the domain; hints (r, N) multipliers, close (r, N) likely pairs."""
    pulls, size = P.pull(nu), lengths(P)
    everyone, out, left = np.flatnonzero(size > 0.0), [], np.zeros(len(pulls))
    for i, p in enumerate(pulls):
        scale = float(np.linalg.norm(p))
        if P.kappa and scale <= P.kappa:
            out.append((everyone[:0], np.zeros(0)))
            left[i] = scale
            continue
        likely = everyone[(close[i] | (hints[i] > VISIBLE * hints[i].max(initial=0.0)))[everyone]]
        samples, mu, residual = _fit(P, i, p, likely)
        enters = (P.sides[i] * (P.inputs @ residual))[everyone] > SLOPE * scale * size[everyone]
        if enters.any() and not (P.kappa and np.linalg.norm(residual) <= P.kappa):
            wider = _fit(P, i, p, everyone)
            if np.linalg.norm(wider[2]) < np.linalg.norm(residual):
                samples, mu, residual = wider
        out.append((samples, mu))
        left[i] = float(np.linalg.norm(residual))
    return out, left


def repaired_dual(P: RowsProgram, proposal: Proposal, u: Array) -> Dual:
    """The best bound among the proposal's candidates, each with multipliers of its own, scaled to meet its constraints and put on a grid."""
    close, best = tight_pairs(P, u), None
    for nu in proposal.duals:
        fits, left = project(P, nu, proposal.multipliers, close)
        shrink = P.shrinking(nu, left)
        moved = on_grid(shrink * nu, P.targets, P.objective, P.zero_sums and P.objective.weights is None)
        value = P.lower(moved, shrink * left)
        if best is None or value > best.value:
            pairs = [(i, j) for i, (samples, _) in enumerate(fits) for j in samples.tolist()]
            mu = shrink * np.concatenate([m for _, m in fits]) if fits else np.zeros(0)
            best = Dual(moved, np.array(pairs, dtype=np.int64).reshape(-1, 2), mu, value)
    if best is None:
        raise ValueError("a proposal has at least one dual")
    return best

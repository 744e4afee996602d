"""Dual vectors of faces: what proves that F is at least a number on a face (theory.md section 6).

For nu (N,) and multipliers mu_i (N,), non-negative except at the moving neuron's own facet, with
`| (1/N) s_i sum_j nu_j a_ij xt_j - sum_j mu_ij (2 a_ij - 1) xt_j |_2 <= kappa` for every neuron that is present, and `|sum_j nu_j| / N` at most the price
of a variable output bias, F is at least `-(1/N) sum_j loss_j^*(nu_j) + (1/N) c sum_j nu_j` with c the fixed output bias.

Nothing here is trusted: the kernel repairs rounding exactly and computes the value itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from verifier.landscape.faces import FacePoint
from verifier.landscape.setting import LandscapeSetting

Array = np.ndarray

# Room under kappa that scaling leaves for the kernel's own rounding.
ROOM = 2.0**-44
INWARD, ROUNDING = 1e-7, 1e-12
# Slopes that should be 0 are this large, relative to their terms.
RAY_NOISE, CONIC_NOISE = 1e-11, 1e-8
# Dual vectors that have to sum to exactly 0 are multiples of this part of their largest entry's power of two.
GRID = 2.0**-48


@dataclass(frozen=True, eq=False)
class FaceDual:
    """nu (N,); multipliers (len(codes), N), row k for the face's k-th neuron, 0 for an absent one; bound: the value they prove, in float64.

    residual: largest excess of a left side over kappa; with kappa = 0 the norm that should be 0.
    """

    nu: Array
    multipliers: Array
    bound: float
    residual: float


def dual_bound(setting: LandscapeSetting, nu: Array) -> float:
    """The value that a feasible nu proves."""
    conjugates = setting.objective.loss.conjugate(nu[:, None], setting.targets)
    return float(-np.mean(conjugates) + setting.offset * np.mean(nu))


def slope(setting: LandscapeSetting, code: int, nu: Array) -> Array:
    """(1/N) s sum_j nu_j a_j xt_j, shape (n,)."""
    return setting.neurons.features(code).T @ nu / setting.N


def multipliers_of(
    setting: LandscapeSetting, code: int, nu: Array, facet: int = -1, noise: float = 0.0
) -> tuple[Array, float]:
    """The multipliers (N,) that bring the slope nearest to 0, and that distance. facet: sample whose multiplier has free sign, or -1.
    noise: with kappa = 0, multipliers this small (relative to the slope's terms) are taken for 0.

    They sit on the cone's facets only, at most n of them, on linearly independent inputs: non-negative least squares ends in a basic solution.
    """
    neurons = setting.neurons
    walls, normals = neurons.walls[code // 2], neurons.normals(code)
    columns = np.vstack([normals, -normals[walls == facet]]).T
    target = slope(setting, code, nu)
    out = np.zeros(setting.N)
    if columns.shape[1] == 0:
        return out, float(np.linalg.norm(target))
    norms = np.linalg.norm(columns, axis=0)
    weights, distance = nnls(columns / norms, target)
    if setting.kappa == 0:
        # A neuron inside its cone has slope 0: what is left of it is rounding, and no multiplier should carry that.
        size = np.abs(nu) @ np.linalg.norm(neurons.inputs, axis=1) / setting.N
        weights[weights <= noise * size] = 0.0
    weights = weights / norms
    out[walls] = weights[: len(walls)]
    if facet >= 0:
        out[facet] -= weights[len(walls) :].sum()
    return out, float(distance)


def face_dual(setting: LandscapeSetting, codes: Sequence[int], facet: int, point: FacePoint) -> FaceDual:
    """The dual of a face from its minimiser.

    codes: as a row of BarrierLowerBound.faces, the moving neuron first (-1: absent), then the others; facet: the sample the moving neuron
    crosses, or -1. Copies of a code get equal multipliers.
    """
    loss, y = setting.objective.loss, setting.targets
    nu = loss.gradient(point.predictions[:, None], y)[:, 0] if point.nu is None else point.nu
    if setting.output_bias:
        nu = _balanced(setting, nu)
    if dual_bound(setting, nu) < dual_bound(setting, np.zeros(setting.N)):
        # Labels of one class and a free output bias: the infimum is 0, at infinity, and nu = 0 proves it.
        nu = np.zeros(setting.N)
    noise = RAY_NOISE if point.exact else CONIC_NOISE
    present = {(code, facet if k == 0 else -1) for k, code in enumerate(codes) if code >= 0}
    found = {key: multipliers_of(setting, key[0], nu, key[1], noise) for key in present}
    largest = max((distance for _, distance in found.values()), default=0.0)
    scale = 1.0
    if setting.kappa > 0 and largest > setting.kappa * (1.0 - ROOM):
        scale = setting.kappa * (1.0 - ROOM) / largest
    if loss.name != "squared":
        # The kernel moves some entries, which must not leave the conjugate's domain. Without penalty it solves for them, and the dual
        # value is stationary under scaling, so that room costs its square only; with penalty a rounding's room is enough.
        scale *= 1.0 - (INWARD if setting.kappa == 0 else ROUNDING)
    nu = scale * nu
    if setting.output_bias and setting.bias_price == 0:
        nu = _summing_to_zero(setting, nu)
    rows = np.zeros((len(codes), setting.N))
    for k, code in enumerate(codes):
        if code >= 0:
            rows[k] = scale * found[code, facet if k == 0 else -1][0]
    return FaceDual(nu, rows, dual_bound(setting, nu), max(0.0, scale * largest - setting.kappa))


def _balanced(setting: LandscapeSetting, nu: Array) -> Array:
    """nu with |sum nu| / N at most the output bias's price, moved where the conjugate's domain leaves room."""
    price = setting.bias_price * (1.0 - ROOM)
    excess = nu.sum() - np.clip(nu.sum(), -price * setting.N, price * setting.N)
    if excess == 0.0:
        return nu
    room = _room(setting, nu)
    return nu - excess * room / room.sum() if room.sum() > 0 else nu


def _room(setting: LandscapeSetting, nu: Array) -> Array:
    """How far each entry is from the end of the conjugate's domain; 1 where there is none."""
    loss = setting.objective.loss
    room = np.ones(setting.N)
    if loss.name == "huber":
        room = loss.delta - np.abs(nu)  # type: ignore[attr-defined]
    elif loss.name == "logistic":
        room = np.minimum(np.abs(nu), 1.0 - np.abs(nu))
    return np.maximum(room, 0.0)


def _summing_to_zero(setting: LandscapeSetting, nu: Array) -> Array:
    """nu on a dyadic grid, where sums are exact, with its sum taken off the entry that has most room."""
    unit = GRID * 2.0 ** np.ceil(np.log2(max(float(np.abs(nu).max()), 1e-300)))
    steps = np.rint(nu / unit).astype(np.int64)
    steps[int(np.argmax(_room(setting, nu)))] -= steps.sum()
    return steps * unit

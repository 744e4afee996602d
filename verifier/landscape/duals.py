"""Dual vectors of faces: what proves that F is at least a number on a face (docs/mathematics.md, section 8).

For nu (N,), or (N K,) with K outputs, and multipliers mu_i (N,), non-negative except at the moving neuron's own facet, with
`| (1/N) s_i sum_j nu_j a_ij xt_j - sum_j mu_ij (2 a_ij - 1) xt_j |_2 <= kappa` for every neuron that is present, and `|sum_j nu_j| / N` at most the price
of a variable output bias, F is at least `-(1/N) sum_j loss_j^*(nu_j) + (1/N) c sum_j nu_j` with c the fixed output bias.

Nothing here is trusted: the kernel repairs rounding exactly and computes the value itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from verifier.errors import VerifierError
from verifier.landscape.face import FacePoint
from verifier.landscape.normal import NormalForm
from verifier.landscape.setting import LandscapeSetting
from verifier.objective.losses import Huber
from verifier.programs.cone_fit import cone_fit
from verifier.programs.zero_sum import on_simplex

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
    """nu (N K,); multipliers (len(codes), N), row k for the face's k-th neuron, 0 for an absent one; bound: the value they prove, in float64.

    residual: with kappa > 0 the largest excess of a left side over kappa, relative to kappa; with kappa = 0 the norm that should be 0, in the units
    of the normal form.
    """

    nu: Array
    multipliers: Array
    bound: float
    residual: float


def dual_bound(setting: LandscapeSetting, nu: Array) -> float:
    """The value that a feasible nu (N K,) proves."""
    form = setting.normal
    return form.given_value(form.dual_value(np.ldexp(nu, -form.output)))


def slope(setting: LandscapeSetting, code: int, nu: Array) -> Array:
    """(1/N) sum_j (head . nu_j) a_j xt_j, shape (n,)."""
    return setting.neurons.features(code).T @ nu / setting.N


def _multipliers_of(form: NormalForm, code: int, nu: Array, facet: int, noise: float) -> tuple[Array, float]:
    """The multipliers (N,) that bring the slope nearest to 0, and that distance, with kappa > 0 over kappa. facet: sample whose multiplier has free
    sign, or -1. noise: with kappa = 0, multipliers this small (relative to the slope's terms) are taken for 0.

    They sit on the cone's facets only, at most n of them, on linearly independent inputs: non-negative least squares ends in a basic solution.
    """
    neurons = form.neurons
    # The condition is one on given inputs, |.|_2 <= kappa, which is this metric on scaled ones.
    metric = form.weight / (form.prices * neurons.price(code)) if form.penalised else np.ones(neurons.inputs.shape[1])
    walls, normals = neurons.walls[code // neurons.kinds], neurons.normals(code) * metric
    columns = np.vstack([normals, -normals[walls == facet]]).T
    target = metric * (neurons.features(code).T @ nu) / form.N
    out = np.zeros(form.N)
    if columns.shape[1] == 0:
        return out, float(np.linalg.norm(target))
    fit = cone_fit(columns, target)
    if fit is None:
        raise VerifierError(
            "landscape: no method finds the multipliers of a face's dual to its optimality conditions; use fewer samples"
        )
    weights = fit.coefficients
    if not form.penalised:
        # A neuron inside its cone has slope 0: what is left of it is rounding, and no multiplier should carry that.
        pulls = np.abs(form.by_output(nu)) @ np.abs(neurons.heads[code % neurons.kinds])
        size = pulls @ np.linalg.norm(neurons.inputs, axis=1) / form.N
        weights = np.where(weights * np.linalg.norm(columns, axis=0) <= noise * size, 0.0, weights)
    out[walls] = weights[: len(walls)]
    if facet >= 0:
        out[facet] -= weights[len(walls) :].sum()
    return out, float(np.sqrt(fit.square))


def face_dual(setting: LandscapeSetting, codes: Sequence[int], facet: int, point: FacePoint) -> FaceDual:
    """The dual of a face from its minimiser.

    codes: as a row of BarrierLowerBound.faces, the moving neuron first (-1: absent), then the others; facet: the sample the moving neuron
    crosses, or -1. Copies of a code get equal multipliers.
    """
    form = setting.normal
    nu = np.ldexp(point.nu, -form.output)
    if form.output_bias:
        nu = _balanced(form, nu)
    if form.dual_value(nu) < form.dual_value(np.zeros(len(nu))):
        # Labels of one class and a free output bias: the infimum is 0, at infinity, and nu = 0 proves it.
        nu = np.zeros(len(nu))
    noise = RAY_NOISE if point.exact else CONIC_NOISE
    present = {(code, facet if k == 0 else -1) for k, code in enumerate(codes) if code >= 0}
    found = {key: _multipliers_of(form, key[0], nu, key[1], noise) for key in present}
    largest = max((distance for _, distance in found.values()), default=0.0)
    scale = 1.0
    if form.penalised and largest > 1.0 - ROOM:
        scale = (1.0 - ROOM) / largest
    if form.loss.name != "squared":
        # The kernel moves some entries, which must not leave the conjugate's domain. Without penalty it solves for them, and the dual
        # value is stationary under scaling, so that room costs its square only; with penalty a rounding's room is enough.
        scale *= 1.0 - (ROUNDING if form.penalised else INWARD)
    nu = scale * nu
    if form.output_bias and form.bias_price == 0:
        nu = _summing_to_zero(form, nu)
    if form.loss.name == "cross_entropy":
        nu = on_simplex(form.by_output(nu), form.targets).reshape(-1)
    rows = np.zeros((len(codes), form.N))
    for k, code in enumerate(codes):
        if code >= 0:
            rows[k] = scale * found[code, facet if k == 0 else -1][0]
    excess = max(0.0, scale * largest - (1.0 if form.penalised else 0.0))
    sizes = np.array([form.head_exponent(code) if code >= 0 else 0 for code in codes], dtype=np.int64)
    nu, rows = np.ldexp(nu, form.output), np.ldexp(rows, form.output + sizes[:, None])
    return FaceDual(nu, rows, dual_bound(setting, nu), excess)


def _balanced(form: NormalForm, nu: Array) -> Array:
    """nu with |sum nu| / N at most the output bias's price, moved where the conjugate's domain leaves room."""
    price = form.bias_price / form.weight * (1.0 - ROOM)
    excess = nu.sum() - np.clip(nu.sum(), -price * form.N, price * form.N)
    if excess == 0.0:
        return nu
    room = _room(form, nu)
    return nu - excess * room / room.sum() if room.sum() > 0 else nu


def _room(form: NormalForm, nu: Array) -> Array:
    """How far each entry is from the end of the conjugate's domain; 1 where there is none."""
    loss = form.loss
    room = np.ones(form.N)
    if isinstance(loss, Huber):
        room = loss.delta - np.abs(nu)
    elif loss.name == "logistic":
        room = np.minimum(np.abs(nu), 1.0 - np.abs(nu))
    return np.maximum(room, 0.0)


def _summing_to_zero(form: NormalForm, nu: Array) -> Array:
    """nu on a dyadic grid, where sums are exact, with its sum taken off the entry that has most room."""
    unit = GRID * 2.0 ** np.ceil(np.log2(max(float(np.abs(nu).max()), 1e-300)))
    steps = np.rint(nu / unit).astype(np.int64)
    steps[int(np.argmax(_room(form, nu)))] -= steps.sum()
    return steps * unit

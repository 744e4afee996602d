"""A primal-dual interior point for rows programs, which knows their structure (docs/mathematics.md, section 11).

The signs of pre-activations have explicit slacks s with multipliers mu; norms are eliminated by their barrier (`|u|` becomes
`b + sqrt(b^2 + |u|^2)` in the gradient's denominator, b = tau / price); row limits, the two parts of a penalised output bias (which changes
its sign, where eliminated norms oscillate), and losses with kinks (`losses.py`) have slacks and multipliers of their own. The Newton matrix is block
diagonal plus the loss's `M^T D M` (`newton.py`). Bounds are not read off it: its iterates only propose predictions, whose gradient is repaired.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verifier.programs.region.losses import KinkedLoss, Slacks, SmoothLoss, loss_of_program
from verifier.programs.region.newton import NewtonSystem
from verifier.programs.region.rows_program import RowsProgram

Array = np.ndarray
Loss = SmoothLoss | KinkedLoss

# Share of the way to the boundary that a step takes, and the least slack at the start in units of the mean one.
ALMOST, LEAST = 0.995, 1e-3
# How often a step is halved, and by what share of the complementarity the merit may rise.
MOST_HALVINGS, SLACK = 12, 0.1


@dataclass(frozen=True, eq=False)
class Proposal:
    """What a solver found. u (r, n), c (K,): its point. duals: candidates nu (N, K) of the plain losses, the likeliest first.
    multipliers: (r, N) hints, zero where a solver had none. status: the solver's word. iterations: of the interior point, or rounds of constraints."""

    u: Array
    c: Array
    duals: list[Array]
    multipliers: Array
    status: str
    iterations: int


@dataclass
class _State:
    """u, c: the point. s, mu: slacks and multipliers of the signs. q, lam: those of the row limits. parts, z: c's positive and negative part, (2, K),
    with their multipliers, where it has a price. kinks: of the loss. Also a step in all of these."""

    u: Array
    c: Array
    s: Array
    mu: Array
    q: Array
    lam: Array
    parts: Array
    z: Array
    kinks: Slacks


def _of_good_size(P: RowsProgram) -> Array:
    """The network's own rows, which are members at any size, times the power of two nearest to 1 at which F is at most twice what it is at the best one."""
    powers = sorted(range(-60, 1 if P.limits is not None else 61), key=abs)
    values = np.array([P.value(np.ldexp(P.start, k), P.bias) for k in powers])
    return np.ldexp(P.start, powers[int(np.argmax(values <= 2.0 * values.min()))])


def _start(P: RowsProgram, loss: Loss, u: Array, c: Array) -> tuple[_State, float]:
    (N, _, r, _), u = P.shape, u.copy()
    if P.limits is not None:
        norms = np.linalg.norm(u, axis=1)
        u *= np.minimum(1.0, 0.9 * P.limits / np.where(norms > 0.0, norms, 1.0))[:, None]
    s = P.margins(u)
    typical = max(float(np.abs(s).mean()), 1e-300)
    s = np.maximum(s, LEAST * typical)
    tau = max(P.value(u, c), 1e-300) / (r * N)
    mu = np.minimum(tau / s, tau / LEAST / typical)
    q = np.zeros(r) if P.limits is None else np.maximum(P.limits**2 - (u * u).sum(axis=1), LEAST * P.limits**2 + 1e-300)
    lam = tau * N / q if P.limits is not None else q
    plus = np.maximum(c, 0.0) + 0.1 * max(1.0, float(np.abs(c).max()))
    parts, z = np.array([plus, plus - c]), np.full((2, len(c)), P.bias_price)
    return _State(u, c.copy(), s, mu, q, lam, parts, z, loss.start(P.predictions(u, c), tau)), tau


def _norm_barrier(x: Array, price: float, b: float) -> tuple[Array, Array, Array]:
    """(gradient (r, n), alpha (r,), beta (r,)) of the eliminated `price |x_i|`: its Hessian is `alpha I + beta x x^T`."""
    root = np.sqrt(b * b + (x * x).sum(axis=1))
    t = b + root
    return price * x / t[:, None], price / t, -price / (t * t * root)


def _within_limits(P: RowsProgram, u: Array) -> Array:
    """u with rows cut to their limits, which changes no sign."""
    if P.limits is None:
        return u
    norms = np.linalg.norm(u, axis=1)
    return np.asarray(u * np.minimum(1.0, P.limits / np.where(norms > 0.0, norms, 1.0))[:, None])


def _furthest(x: Array, dx: Array) -> float:
    """Largest step that keeps x > 0, but for a little."""
    return min(1.0, ALMOST / max(float((-dx / x).max(initial=0.0)), 1e-300))


def interior_point(P: RowsProgram, *, tolerance: float = 1e-9, most: int | None = None) -> Proposal:
    """A point with a relative gap near the tolerance, from the network's own rows; or what was reached when the gap no longer falls.

    most: iterations, by default 80, and 150 for losses with kinks.
    """
    most = most or (80 if P.objective.loss.smooth else 150)
    newton, loss = NewtonSystem(P), loss_of_program(P)
    x, tau = _start(P, loss, _of_good_size(P), P.bias)
    tau_norm = tau * len(P.inputs)
    best = (_within_limits(P, P.start), P.bias)
    best_value = P.value(*best)
    bounds: list[tuple[float, Array, Array]] = []
    last, since, gap, k = np.inf, 0, np.inf, 0
    for k in range(most):
        f = P.predictions(x.u, x.c)
        u = _within_limits(P, x.u)
        value = P.value(u, x.c)
        if value < best_value and float(P.margins(u).min()) >= 0.0:
            best_value, best = value, (u, x.c)
        nu = loss.dual(f, x.kinks)
        bounds.append((_bound(P, nu, x.mu), nu, x.mu))
        # Two fronts: bounds from early iterates may be the better ones, and the last predictions are the most accurate.
        bounds = sorted(bounds[:-1], key=lambda found: -found[0])[:2] + bounds[-1:]
        # F is never below 0.
        gap = (best_value - max(0.0, *(b for b, _, _ in bounds))) / max(abs(best_value), 1e-300)
        complementarity = float((x.s * x.mu).sum()) + loss.products(x.kinks)[0]
        if gap < tolerance or (k > 5 and complementarity < 1e-2 * tolerance * abs(best_value) < np.inf):
            break
        last, since = (gap, 0) if gap < 0.7 * last else (last, since + (gap < 3e-5))
        if since >= 4:
            break
        step = _direction(P, loss, newton, x, f, tau, tau_norm)
        if step is None:
            break
        tau = _move(P, loss, x, step, tau)
        tau_norm = tau
    bounds.sort(key=lambda found: -found[0])
    status = "optimal" if gap <= tolerance else "no further progress"
    return Proposal(*best, [nu for _, nu, _ in bounds], bounds[0][2], status, k + 1)


def _bound(P: RowsProgram, nu: Array, mu: Array) -> float:
    r = np.linalg.norm(P.pull(nu) - (mu * P.sides) @ P.inputs, axis=1)
    shrink = P.shrinking(nu, r)
    value = P.lower(shrink * nu, shrink * r)
    return value if np.isfinite(value) else -np.inf


def _direction(
    P: RowsProgram, loss: Loss, newton: NewtonSystem, x: _State, f: Array, tau: float, tau_norm: float
) -> _State | None:
    """The Newton step towards complementarity tau; None where no factorisation succeeds."""
    (N, _, r, K), X, at = P.shape, P.inputs, loss.linearised(f, x.kinks, tau)
    gradient = np.zeros_like(x.u)
    alpha, beta, dq_rest = np.zeros(r), np.zeros(r), np.zeros(r)
    if P.kappa:
        gradient, alpha, beta = _norm_barrier(x.u, P.kappa, tau_norm / P.kappa)
    elif P.decay is not None:
        gradient, alpha = P.decay[:, None] * x.u, P.decay
    elif P.limits is not None:
        dq_rest = (P.limits**2 - (x.u * x.u).sum(axis=1)) - x.q
        ahead = (tau - x.lam * x.q - x.lam * dq_rest) / x.q
        gradient, alpha, beta = 2 * (x.lam + ahead)[:, None] * x.u, 2 * x.lam, 4 * x.lam / x.q
    residual = P.margins(x.u) - x.s
    weights = x.mu / x.s
    slope = at.gradient
    pulled = ((P.heads.T @ slope.T) * P.active) @ X / N
    right = -(pulled + gradient - (x.mu * P.sides) @ X) + ((tau / x.s - x.mu - weights * residual) * P.sides) @ X
    right_bias, curve, aim = -slope.mean(axis=0), np.zeros(K), tau * N
    sign, priced = np.array([[1.0], [-1.0]]), bool(P.free and P.bias_price)
    if priced:
        curve = 1.0 / (x.parts / x.z).sum(axis=0)
        ahead_bias = curve * (sign * (aim - P.bias_price * x.parts) / x.z).sum(axis=0)
        right_bias = right_bias + ahead_bias
    found = newton.solve(at.curvature, weights, alpha, beta, x.u, right, right_bias, curve)
    if found is None:
        return None
    du, dc = found
    ds = P.margins(du) + residual
    dmu = (tau - x.s * x.mu - x.mu * ds) / x.s
    dq = dq_rest - 2 * (x.u * du).sum(axis=1)
    dlam = (tau - x.q * x.lam - x.lam * dq) / x.q if P.limits is not None else dq
    dparts, dz = np.zeros_like(x.parts), np.zeros_like(x.z)
    if priced:
        dparts = (aim / x.parts - P.bias_price - sign * (ahead_bias - curve * dc)) * x.parts / x.z
        dz = (aim - x.parts * x.z - x.z * dparts) / x.parts
    return _State(du, dc, ds, dmu, dq, dlam, dparts, dz, loss.step(x.kinks, at, P.predictions(du, dc), tau))


def _merit(P: RowsProgram, loss: Loss, x: _State, d: _State, step: float, tau: float) -> float:
    """F with the barriers of slacks, limits and norms after a step; inf where it overflows."""
    u, c = x.u + step * d.u, x.c + step * d.c
    value = P.charge(u, c) + loss.merit(P.predictions(u, c), x.kinks, d.kinks, step, tau)
    value -= tau * float(np.log(x.s + step * d.s).sum())
    if P.limits is not None:
        value -= tau * float(np.log(x.q + step * d.q).sum())
    if P.kappa:
        b = tau / P.kappa
        t = b + np.sqrt(b * b + (u * u).sum(axis=1))
        value += float((P.kappa * (t - np.linalg.norm(u, axis=1)) - tau * np.log(t)).sum())
    if P.free and P.bias_price:
        parts = x.parts + step * d.parts
        value += P.bias_price * float(parts.sum() - np.abs(c).sum()) - tau * len(P.inputs) * float(np.log(parts).sum())
    return value if np.isfinite(value) else np.inf


def _move(P: RowsProgram, loss: Loss, x: _State, d: _State, tau: float) -> float:
    """Take the step as far as slacks and multipliers stay positive; returns the next tau."""
    primal, dual = _furthest(x.s, d.s), _furthest(x.mu, d.mu)
    if P.limits is not None:
        primal, dual = min(primal, _furthest(x.q, d.q)), min(dual, _furthest(x.lam, d.lam))
    priced = bool(P.free and P.bias_price)
    if priced:
        primal, dual = min(primal, _furthest(x.parts, d.parts)), min(dual, _furthest(x.z, d.z))
    k, dk = x.kinks, d.kinks
    primal = min(primal, _furthest(k.t, dk.t), _furthest(k.t - k.z, dk.t - dk.z))
    dual = min(dual, _furthest(k.lam, dk.lam), _furthest(1.0 - k.lam, -dk.lam))
    before = _merit(P, loss, x, d, 0.0, tau)
    for _ in range(MOST_HALVINGS):
        # A little more than now is accepted: whole steps are what converges in the end.
        after = _merit(P, loss, x, d, primal, tau)
        if after <= before + SLACK * tau * x.s.size:
            break
        primal *= 0.5
    x.u, x.c, x.s, x.mu = x.u + primal * d.u, x.c + primal * d.c, x.s + primal * d.s, x.mu + dual * d.mu
    x.kinks = Slacks(k.t + primal * dk.t, k.lam + dual * dk.lam, k.z + primal * dk.z)
    products, count = loss.products(x.kinks)
    products, count = products + float((x.s * x.mu).sum()), count + x.s.size
    if P.limits is not None:
        x.q, x.lam = x.q + primal * d.q, x.lam + dual * d.lam
        products, count = products + float((x.q * x.lam).sum()), count + len(x.q)
    if priced:
        x.parts, x.z = x.parts + primal * d.parts, x.z + dual * d.z
    shortest = min(primal, dual)
    return (0.1 if shortest > 0.9 else 0.25 if shortest > 0.5 else 0.6) * products / count

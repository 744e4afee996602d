"""Approximate duals of a product of cones, a little moved so that they hold on every ray (docs/mathematics.md, section 12)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from verifier.landscape.sign_count.cancelling import FAR, cancelling, vanishing
from verifier.landscape.sign_count.fan import Cones, Fan
from verifier.landscape.sign_count.narrow import Narrow
from verifier.landscape.sign_count.relaxation import Solved
from verifier.landscape.sign_count.roomy import roomy
from verifier.programs.zero_sum import domain, with_zero_sum

Array = np.ndarray

# Room, over the sum of magnitudes, by which conditions hold afterwards; float64 sums of up to 2^20 terms err by less, and so do the kernel's balls.
ROOM = 2.0**-38
ROUNDS = 8
# The share of the room within which weights lie that have to vanish, before steps make them.
EVEN = 0.5
# Entries keep this share of the domain's length from its outer ends, so that they can be moved. Entries below these shares of the largest, and slopes
# as near to 0 or 1, are tried there.
FROM_ENDS = 2.0**-32
SMALL = (0.0, 1e-10, 1e-8, 1e-6, 1e-4)
# Weights below this share of their terms are 0 once slopes are rounded.
ROUNDED = 1e-5
# Not more is tried when this share of what the solver's dual promises is lost, or less.
LOST = 1e-8
# How far steps that make weights vanish may lead, short ones first; conditions are looked at again afterwards.
STEPS = (FAR, 2.0**-14)
# Slopes as near as this to 0 or 1 are meant to be.
NEARLY = 1e-3


@dataclass(frozen=True, eq=False)
class Dual:
    """nu (N,), slopes (k, N), pulls (k, n) that prove F >= bound on a product of cones and on all that lies in it."""

    bound: float
    nu: Array
    slopes: Array
    pulls: Array


def nothing(s: Narrow) -> Dual:
    """nu = 0 holds everywhere and proves F >= 0, or what the loss is at least."""
    k, n = len(s.signs), s.inputs.shape[1]
    return Dual(max(0.0, s.dual_value(np.zeros(s.N))), np.zeros(s.N), np.zeros((k, s.N)), np.zeros((k, n)))


def holding(s: Narrow, fan: Fan, cones: Cones, found: Solved) -> Dual | None:
    """The dual near `found` that meets every condition with room to spare, or exactly, and proves most; None where there is none near."""
    size, best = np.abs(found.nu), None
    low, high = domain(s.targets[:, 0], s.objective.loss.name, s.objective.loss.delta)
    hoped = s.dual_value(np.clip(found.nu, low, high))
    for small in SMALL:
        tiny = (size > 0.0) & (size <= small * size.max(initial=0.0))
        flat, steep = found.slopes <= small, found.slopes >= 1.0 - small
        if small > 0.0 and not (tiny.any() or flat.any() or steep.any()):
            continue
        slopes = np.where(flat, 0.0, np.where(steep, 1.0, found.slopes))
        dual = _moved(s, fan, cones, replace(found, nu=np.where(tiny, 0.0, found.nu), slopes=slopes))
        best = dual if best is None or (dual is not None and dual.bound > best.bound) else best
        if best is not None and best.bound >= hoped - LOST * abs(hoped):
            return best
    if s.objective.kappa == 0.0:
        dual = _with_room(s, fan, cones, found)
        best = dual if best is None or (dual is not None and dual.bound > best.bound) else best
    return best


def _with_room(s: Narrow, fan: Fan, cones: Cones, found: Solved) -> Dual | None:
    """By the program that tells which rays have no room at all (`roomy`): what is near `found` need not show it."""
    low, high = domain(s.targets[:, 0], s.objective.loss.name, s.objective.loss.delta)
    dual = roomy(s, fan, cones, np.clip(found.nu, low, high))
    if dual is None:
        return None
    rays = [(i, g) for i, mine in enumerate(cones) for g in mine]
    without = dual.none
    for _ in range(2):
        nu, slopes = dual.nu.copy(), dual.slopes.copy()
        equations = _evened(s, fan, [ray for ray, none in zip(rays, without, strict=True) if none], nu, slopes)
        if equations is None:
            return None
        moved = _moved(s, fan, cones, replace(found, nu=nu, slopes=slopes), (without, equations))
        if moved is not None:
            return moved
        # Others had their room by slopes that are rounded now.
        terms = np.array([_terms(s, fan, i, g, nu, slopes) for i, g in rays])
        more = without | (np.abs(terms.sum(axis=1)) <= ROUNDED * np.abs(terms).sum(axis=1))
        if (more == without).all():
            return None
        without = more
    return None


def _terms(s: Narrow, fan: Fan, i: int, g: int, nu: Array, slopes: Array) -> Array:
    """What adds up to the ray's weight (N,)."""
    signed, D = s.signs[i] * nu, fan.dots[g]
    out: Array = signed * np.where(signed > 0.0, slopes[i] * D, np.maximum(D, 0.0))
    return out


def _moved(
    s: Narrow, fan: Fan, cones: Cones, found: Solved, vanishing_weights: tuple[Array, list[list[int]]] | None = None
) -> Dual | None:
    y, loss = s.targets[:, 0], s.objective.loss
    low, high = domain(y, loss.name, loss.delta)
    inner = 1.0 - FROM_ENDS
    nu, slopes, pulls = (
        np.clip(found.nu, inner * low, inner * high),
        np.clip(found.slopes, 0.0, 1.0),
        found.pulls.copy(),
    )
    k, n, kappa = len(cones), s.inputs.shape[1], s.objective.kappa
    # A little shorter than they may be, so that they can be moved as well.
    longest = kappa * (1.0 - FROM_ENDS)
    for i, size in enumerate(np.linalg.norm(pulls, axis=1)):
        if size > longest:
            pulls[i] *= longest / size
    rays = [(i, g) for i, rays in enumerate(cones) for g in rays]
    D = np.array([fan.dots[g] for _, g in rays]).reshape(len(rays), s.N)
    over = np.maximum(D, 0.0)
    # N g . w as a row over all entries of all pulls.
    along = np.zeros((len(rays), k * n))
    for row, (i, g) in zip(along, rays):
        row[i * n : (i + 1) * n] = s.N * fan.rays[g]
    signs = np.array([s.signs[i] for i, _ in rays], dtype=np.float64)[:, None]
    scale = np.abs(nu).max(initial=0.0)
    if scale == 0.0:
        return None
    active, exact = np.zeros(len(rays), dtype=bool), False
    cancel, equations = vanishing_weights or _vanishing_weights(s, fan, cones, nu, slopes)
    lean = np.array([slopes[i] for i, _ in rays]).reshape(D.shape)
    for _ in range(ROUNDS):
        if s.free_bias and not exact:
            nu = with_zero_sum(nu, y, loss.name, loss.delta)
        rows = signs * np.where(signs * nu > 0.0, lean * D, over)
        terms = rows * nu
        push = along @ pulls.ravel()
        # A ray along which f is a constant, or 0, has a weight of exactly 0 by the dual's other conditions; only a pull can move against it.
        by_nature = ~rows.any(axis=1) | (s.free_bias & (rows == rows[:, :1]).all(axis=1))
        rows[by_nature], terms[by_nature] = 0.0, 0.0
        room = ROOM * (np.abs(terms).sum(axis=1) + np.abs(along) @ np.abs(pulls.ravel()))
        weights = terms.sum(axis=1) - push
        fails = np.where(
            cancel, (not exact) & (np.abs(weights) > EVEN * room), (weights < room) & ~(by_nature & (push == 0.0))
        )
        total, most = float(nu.sum()), s.N * s.bias_price * (1.0 - ROOM)
        heavy = s.output_bias and not s.free_bias and abs(total) > most
        if not fails.any() and not heavy:
            if equations and not exact:
                every = [[1] * s.N, *equations] if s.free_bias else equations
                moved = next((v for far in STEPS if (v := vanishing(nu, low, high, every, far)) is not None), None)
                if moved is None:
                    return None
                nu, exact = moved, True
                continue
            if (np.linalg.norm(pulls, axis=1) > kappa * (1.0 - 2.0**-48)).any():
                return None
            # Entries at the ends of their domain may leave no room for the sum.
            if s.free_bias and math.fsum(nu) != 0.0:
                return None
            return Dual(s.dual_value(nu), nu, slopes, pulls)
        active |= fails & ~cancel
        exact = False
        # Entries move within their domain and keep their sign; the further they are from both ends, the more.
        free = np.minimum(np.abs(nu), np.minimum(high - nu, nu - low))
        free = np.append(np.minimum(free, scale) ** 2, np.full(k * n, (kappa * FROM_ENDS) ** 2))
        wanted = np.where(weights < 2.0 * room, 2.0 * room - weights, 0.0)[active]
        A = np.hstack([rows, -along])[active]
        if cancel.any():
            A = np.vstack([A, np.hstack([rows, -along])[cancel]])
            wanted = np.append(wanted, -weights[cancel])
        if s.free_bias or heavy:
            rest = 0.0 if s.free_bias else np.sign(total) * most * (1.0 - ROOM) - total
            A, wanted = np.vstack([A, np.append(np.ones(s.N), np.zeros(k * n))]), np.append(wanted, rest)
        units = np.sqrt((A * A) @ free)
        units = np.where(units > 0.0, units, 1.0)
        A = A / units[:, None]
        step = free * (A.T @ np.linalg.lstsq((A * free) @ A.T, wanted / units, rcond=1e-13)[0])
        pulls = pulls + step[s.N :].reshape(k, n)
        nu = np.clip(
            nu + step[: s.N],
            np.maximum(low, np.where(nu > 0, 0.0, -np.inf)),
            np.minimum(high, np.where(nu < 0, 0.0, np.inf)),
        )
    return None


def _vanishing_weights(s: Narrow, fan: Fan, cones: Cones, nu: Array, slopes: Array) -> tuple[Array, list[list[int]]]:
    """(which rays' weights have to vanish, their equations); no ray where that does not help."""
    rays = [(i, g) for i, mine in enumerate(cones) for g in mine]
    none = np.zeros(len(rays), dtype=np.bool_), list[list[int]]()
    if s.objective.kappa > 0.0:
        # Size has a price: neurons that cancel pay for it.
        return none
    where = cancelling(fan).rays(cones, s.signs)
    equations = _evened(s, fan, where, nu, slopes)
    if equations is None:
        return none
    return np.array([ray in where for ray in rays], dtype=np.bool_), equations


def _evened(s: Narrow, fan: Fan, where: list[tuple[int, int]], nu: Array, slopes: Array) -> list[list[int]] | None:
    """Equations of the rays whose weights have to vanish. Slopes there become 0 and 1, where they nearly are; entries of nu that are nearly 0 become 0 where
    they are not. None where that does not help."""
    at = cancelling(fan)
    rising = [sign * nu > 0.0 for sign in s.signs]
    top = np.abs(nu).max(initial=0.0)
    for i, g in where:
        met = rising[i] & at.met(g)
        off = met & (np.abs(slopes[i] - np.round(slopes[i])) > NEARLY)
        if (np.abs(nu[off]) > NEARLY * top).any():
            return None
        nu[off] = 0.0
        slopes[i] = np.where(met, np.round(slopes[i]), slopes[i])
    return [at.equation(g, (rising[i] & (nu != 0.0)).tolist(), slopes[i].tolist()) for i, g in where]

"""What the interior point asks of a loss: slope and curvature at its iterate, and how a step moves the slacks of losses with kinks.

A smooth loss has both at its predictions. One with kinks is `base f + max(0, z)`, z affine in f: the maximum becomes a slack t with `t >= 0, t >= z` and
multipliers `1 - lam` and `lam` of the plain loss, so that `base + slope lam` is the dual nu, which subgradients at the predictions are not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verifier.programs.region.rows_program import RowsProgram

Array = np.ndarray

# Where slacks start, in units of the mean size of z; multipliers start this far from 0 and 1.
START, INSIDE = 0.1, 0.05


@dataclass
class Slacks:
    """t, lam (N, K): slack and multiplier of `t >= z`; empty (0, K) where the loss is smooth. Also a step in both, then with dz, the step of z."""

    t: Array
    lam: Array
    z: Array


@dataclass(frozen=True, eq=False)
class Linearised:
    """Of the loss q_j loss_j at an iterate: gradient (N, K), curvature (N, K) or (N, K, K); rate, ahead (N, K): a step dz moves lam by `rate dz + ahead`."""

    gradient: Array
    curvature: Array
    rate: Array
    ahead: Array


class SmoothLoss:
    """A loss whose slope and curvature are those at the predictions."""

    def __init__(self, program: RowsProgram) -> None:
        self.P = program
        self.none = np.zeros((0, len(program.heads)))

    def start(self, f: Array, tau: float) -> Slacks:
        return Slacks(self.none, self.none, self.none)

    def dual(self, f: Array, x: Slacks) -> Array:
        """nu (N, K) of the plain losses, in the conjugates' domain."""
        return self.P.plain_dual(f)

    def linearised(self, f: Array, x: Slacks, tau: float) -> Linearised:
        loss, y = self.P.objective.loss, self.P.targets
        H = np.asarray(loss.hessian(f, y))
        if loss.name == "huber":
            # A little of the majorising curvature, without which a step has no size where all residuals are in the linear part.
            delta = loss.delta or 1.0
            H = np.maximum(H, loss.scaled(0.02 * np.minimum(1.0, delta / np.maximum(np.abs(f - y), 1e-300))))
        return Linearised(np.asarray(loss.gradient(f, y)), H, self.none, self.none)

    def step(self, x: Slacks, at: Linearised, df: Array, tau: float) -> Slacks:
        """The Newton step of the slacks when the predictions move by df."""
        return x

    def merit(self, f: Array, x: Slacks, d: Slacks, step: float, tau: float) -> float:
        """The mean loss at predictions f, with the slacks' barrier after a step."""
        return self.P.objective.loss_of(f, self.P.targets)

    def products(self, x: Slacks) -> tuple[float, int]:
        """Sum and number of the complementarity products."""
        return 0.0, 0


class KinkedLoss:
    """A loss with kinks, by slacks."""

    def __init__(self, program: RowsProgram) -> None:
        self.P = program
        self.kinks = program.objective.loss.kinks(program.targets)
        self.shares = program.objective.loss.scaled(np.ones_like(self.kinks.base))
        # There are r signs to one kink: with a barrier r times as high the kinks' part of the gap falls as theirs does.
        self.height = float(max(1, program.shape[2]))

    def start(self, f: Array, tau: float) -> Slacks:
        z = self._z(f)
        t = np.maximum(z, 0.0) + START * max(float(np.abs(z).mean()), 1e-300)
        return Slacks(t, np.clip(self._aim(tau) / (t - z), INSIDE, 1.0 - INSIDE), z)

    def dual(self, f: Array, x: Slacks) -> Array:
        return self.P.into_domain(self.kinks.base + self.kinks.slope * x.lam)

    def linearised(self, f: Array, x: Slacks, tau: float) -> Linearised:
        aim, room, rest = self._aim(tau), x.t - x.z, 1.0 - x.lam
        rate = x.lam * rest / (room * rest + x.lam * x.t)
        ahead = (rest * (aim - x.lam * room) - x.lam * (aim - rest * x.t)) / (room * rest + x.lam * x.t)
        slope = self.kinks.base + self.kinks.slope * (x.lam + ahead)
        return Linearised(self.shares * slope, self.shares * self.kinks.slope**2 * rate, rate, ahead)

    def step(self, x: Slacks, at: Linearised, df: Array, tau: float) -> Slacks:
        dz, rest = self.kinks.slope * df, 1.0 - x.lam
        dlam = at.rate * dz + at.ahead
        return Slacks((self._aim(tau) - rest * x.t + x.t * dlam) / rest, dlam, dz)

    def merit(self, f: Array, x: Slacks, d: Slacks, step: float, tau: float) -> float:
        t, z = x.t + step * d.t, x.z + step * d.z
        barrier = self.height * tau * float((np.log(t) + np.log(t - z)).sum())
        return float((self.shares * (self.kinks.base * f + t)).sum()) / len(f) - barrier

    def products(self, x: Slacks) -> tuple[float, int]:
        both = x.lam * (x.t - x.z) + (1.0 - x.lam) * x.t
        return float((self.shares * both).sum()) / len(both), int(2 * both.size * self.height)

    def _z(self, f: Array) -> Array:
        return np.asarray(self.kinks.offset + self.kinks.slope * f)

    def _aim(self, tau: float) -> Array:
        """The products of plain losses at which those of the mean are tau."""
        return np.asarray(self.height * tau * len(self.shares) / self.shares)


def loss_of_program(P: RowsProgram) -> SmoothLoss | KinkedLoss:
    return SmoothLoss(P) if P.objective.loss.smooth else KinkedLoss(P)

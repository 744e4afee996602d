"""A polyline in u-space as moves of networks: rows move while heads stay, signs change while a row is exactly 0, sizes of heads once, by a rescaling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verifier.networks.network import Network, one_hidden_layer
from verifier.objective.penalties import augmented_rows
from verifier.paths.path import Move

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Stop:
    """A point of the path in u-space. value: F there. signs (m,): of the segment that follows. handed: pairs (from, to) of slots; here each neuron in
    turn moves to a slot that holds 0, so that the path goes on from the same network with its neurons in other slots."""

    u: Array
    c: float
    value: float
    signs: Array
    label: str
    handed: tuple[tuple[int, int], ...] = ()

    def moved(self) -> Array:
        """u (m, n) once all neurons are handed over."""
        u = self.u.copy()
        for i, z in self.handed:
            u[z], u[i] = u[i].copy(), 0.0
        return u


class Moves:
    """The path so far, in parameters."""

    def __init__(self, start: Network) -> None:
        self.at = start
        self.moves: list[Move] = []

    def go(self, to: Network, label: str, factors: Array | None = None) -> None:
        self.moves.append(Move(to, label, factors=factors))
        self.at = to

    def _changed(self, rows: Array | None = None, theta: Array | None = None, c: float | None = None) -> Network:
        at = self.at
        wt = augmented_rows(at) if rows is None else rows
        W, b = (wt, None) if at.b is None else (wt[:, :-1], wt[:, -1])
        return one_hidden_layer(
            W, at.theta if theta is None else theta, b, at.c if c is None or at.c is None else np.array([c])
        )

    def follow(self, stops: list[Stop], B: Network) -> None:
        """From the first stop, where the path is, to the last one, B."""
        goal, m = np.abs(B.theta[0]), B.theta.shape[1]
        self._wake(stops[0].signs, np.where(goal > 0, goal, 1.0))
        inner = range(1, len(stops) - 1)
        lowest = min(inner, key=lambda k: stops[k].value, default=0)
        for k, stop in enumerate(stops):
            if k > 0:
                last = k == len(stops) - 1
                rows = stop.u / np.abs(self.at.theta[0])[:, None]
                if last:
                    # B's own rows where |theta_i| is B's already: no rounding.
                    same = (np.abs(self.at.theta[0]) == goal)[:, None]
                    rows = np.where(same, augmented_rows(B), rows)
                self.go(self._changed(rows=rows, c=stop.c), stop.label)
            for i, z in stop.handed:
                self._hand_over(i, z)
            # Once where F is lowest, and again where heads were handed over since: with other sizes than B's the last step would be no idle one.
            if k == lowest or (k > lowest and stop.handed):
                for i in range(m):
                    if goal[i] > 0 and abs(self.at.theta[0, i]) not in (0.0, goal[i]):
                        self._rescale(i, goal[i], stop)
            if k < len(stops) - 1:
                self._turn(stop.signs, np.where(goal > 0, goal, np.abs(self.at.theta[0])))
        self._sleep(B)

    def _wake(self, signs: Array, sizes: Array) -> None:
        """Neurons with theta_i = 0: their rows go to 0 (idle), then theta_i to its sign."""
        dead = self.at.theta[0] == 0
        if dead.any():
            self.go(
                self._changed(rows=np.where(dead[:, None], 0.0, augmented_rows(self.at))),
                "idle: dead neurons' rows to 0",
            )
            self.go(
                self._changed(theta=np.where(dead, signs * sizes, self.at.theta[0])[None]),
                "head move on rows that are 0",
            )

    def _turn(self, signs: Array, sizes: Array) -> None:
        """Neurons whose row is 0 take the sign of the next segment, and B's size of theta."""
        theta = self.at.theta[0]
        wrong = np.sign(theta) != signs
        if wrong.any():
            self.go(
                self._changed(theta=np.where(wrong, signs * sizes, theta)[None]),
                "head move on a row that is 0: change of sign",
            )

    def _hand_over(self, i: int, z: int) -> None:
        """Slot z, whose row is 0, takes over neuron i, whose slot then holds 0. F is constant."""
        theta, rows = self.at.theta[0].copy(), augmented_rows(self.at).copy()
        theta[z] = 0.0
        self.go(self._changed(theta=theta[None]), f"head move on a row that is 0, to free slot {z}")
        rows[z] = rows[i]
        self.go(self._changed(rows=rows), f"idle: neuron {i}'s row to slot {z}")
        theta[z], theta[i] = theta[i], 0.0
        self.go(self._changed(theta=theta[None]), f"transfer of neuron {i} to slot {z}")
        rows[i] = 0.0
        self.go(self._changed(rows=rows), f"idle: slot {i}'s row to 0")

    def _rescale(self, i: int, size: float, stop: Stop) -> None:
        """Neuron i keeps u_i while |theta_i| becomes `size`."""
        theta, rows = self.at.theta[0].copy(), augmented_rows(self.at).copy()
        factors = np.ones(len(theta))
        factors[i] = abs(theta[i]) / size
        theta[i] = np.copysign(size, theta[i])
        rows[i] = stop.moved()[i] / size
        to = self._changed(rows=rows, theta=theta[None])
        if rows[i].any():
            self.go(to, f"rescale neuron {i}", factors)
        else:
            self.go(to, "head move on a row that is 0")

    def _sleep(self, B: Network) -> None:
        """Neurons of B with theta_i = 0 have row 0 here: theta_i to 0, then the row to B's (idle)."""
        dead = B.theta[0] == 0
        if dead.any():
            self.go(self._changed(theta=np.where(dead, 0.0, self.at.theta[0])[None]), "head move on rows that are 0")
        self.go(B, "idle: dead neurons' rows to B's")

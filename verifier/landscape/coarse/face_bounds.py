"""What is known of F on faces: proved lower bounds, and networks near the least F."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verifier.landscape.coarse.relaxed import least_of_model, relaxed_minimum
from verifier.landscape.sign_count.fan import Cones, Fan
from verifier.landscape.sign_count.narrow import Narrow
from verifier.landscape.sign_count.repair import Dual, holding, nothing

Array = np.ndarray
# A program may stop once its value exceeds the level by this share.
BEYOND = 1e-7


@dataclass(frozen=True, eq=False)
class FaceBound:
    """dual: proves F >= dual.bound on the face. value: of the relaxed program. u (m, n), c: a network on it, or on the larger face. loose (m,): what the
    bounds of relu cost there, per neuron. tried: the level for which it was solved; 0 where the dual is a larger face's."""

    dual: Dual
    value: float
    u: Array
    c: float
    loose: Array
    tried: float


@dataclass(eq=False)
class FaceBounds:
    """All faces looked at so far."""

    s: Narrow
    fan: Fan
    came: dict[Cones, Cones]
    known: dict[Cones, FaceBound]
    programs: int = 0

    def bars(self, face: Cones, level: float) -> FaceBound:
        """The best known for the face: with a dual of at least `level`, or after its program was solved for that level."""
        found = self.known.get(face)
        if found is not None and (found.dual.bound >= level or found.tried >= level):
            return found
        inherited = nothing(self.s) if found is None else found.dual
        larger, at = self.came.get(face), None
        while larger is not None:
            at = self.known.get(larger)
            if at is not None and at.dual.bound > inherited.bound:
                inherited = at.dual
            if inherited.bound >= level:
                assert at is not None or found is not None
                known = at if at is not None else found
                assert known is not None
                self.known[face] = FaceBound(inherited, known.value, known.u, known.c, known.loose, 0.0)
                return self.known[face]
            larger = self.came.get(larger)
        self.programs += 1
        relaxed = relaxed_minimum(self.s, self.fan, face, level * (1.0 + BEYOND))
        dual = holding(self.s, self.fan, face, relaxed.solved)
        if dual is None or dual.bound < inherited.bound:
            dual = inherited
        u, c, _ = scaled(self.s, relaxed.solved.u, relaxed.solved.c)
        self.known[face] = FaceBound(dual, relaxed.value, u, c, relaxed.solved.looseness, level)
        return self.known[face]


def scaled(s: Narrow, u: Array, c: float) -> tuple[Array, float, float]:
    """(u, c, F): every neuron times a number >= 0, and the output bias, where F is least: a convex problem in a few variables."""
    k = len(u)
    norms = np.linalg.norm(u, axis=1)
    rows = np.vstack([s.sign_column[:, None] * np.maximum(u @ s.inputs.T, 0.0), np.ones((int(s.output_bias), s.N))])
    z = np.append(np.ones(k), [c] * int(s.output_bias))
    bounded = np.arange(len(z)) < k
    price = np.append(s.objective.kappa * norms, [0.0] * int(s.output_bias))

    def at(z: Array) -> tuple[float, Array]:
        f = (z @ rows)[:, None]
        value = float(s.objective.loss.values(f, s.targets).mean()) + float(price @ z)
        return value + (s.bias_price * abs(z[-1]) if s.output_bias else 0.0), f

    value, f = at(z)
    for _ in range(8):
        g = rows @ s.objective.loss.gradient(f, s.targets)[:, 0] / s.N + price
        if s.output_bias:
            g[-1] += s.bias_price * np.sign(z[-1])
        H = (rows * s.objective.loss.hessian(f, s.targets)[:, 0]) @ rows.T / s.N
        step = least_of_model(H, g, z, bounded) - z
        for t in (1.0, 0.5, 0.25, 0.0625):
            after, f_after = at(z + t * step)
            if after < value:
                break
        else:
            break
        gained = value - after
        z, value, f = z + t * step, after, f_after
        if gained <= 1e-10 * value:
            break
    return u * z[:k, None], float(z[-1]) if s.output_bias else 0.0, value

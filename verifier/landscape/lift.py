"""A walk over cells as a path of networks: rows move with the output layer fixed, signs change while a row is exactly 0.

Inside a closed cell F is convex in u, and with theta fixed u moves on a line when the rows do; so F stays at or below the larger end of
each segment. Neurons whose |theta_i| differs at the two ends are rescaled once, where F is lowest.
"""

from __future__ import annotations

import numpy as np

from verifier.landscape.face import FacePoint
from verifier.landscape.moves import Moves, Stop
from verifier.landscape.search import GapSearch, Step
from verifier.landscape.setting import LandscapeSetting, products
from verifier.networks.network import Network, one_hidden_layer
from verifier.paths.path import Move, Path

Array = np.ndarray


def lift(setting: LandscapeSetting, A: Network, B: Network, search: GapSearch) -> Path:
    """The best known walk as a path from A to B; notes hold its vertices in u-space: stops (k, m, n), level."""
    steps = search.walk()
    a, b = _opened(setting, A), _opened(setting, B)
    stops = _through_zero(setting, a, b, search) if steps is None else _stops(setting, a, b, steps, search)
    if setting.outputs > 1:
        return _rows_moved(A, B, stops, search)
    moves = Moves(A)
    if a is not A:
        moves.go(a, "head move: lower F by scaling neurons")
    moves.follow(stops, b)
    if b is not B:
        moves.go(B, "head move: B's output layer")
    notes = {"level": search.upper, "stops": np.array([s.u for s in stops])}
    return Path("exact", A, tuple(moves.moves), notes).without_still_moves()


def _rows_moved(A: Network, B: Network, stops: list[Stop], search: GapSearch) -> Path:
    """With several outputs, which are frozen, the variables are the rows themselves."""
    moves = []
    for stop in stops[1:-1]:
        W, b = (stop.u, None) if A.b is None else (stop.u[:, :-1], stop.u[:, -1])
        moves.append(Move(one_hidden_layer(W, A.theta, b, A.c), stop.label))
    moves.append(Move(B, stops[-1].label))
    notes = {"level": search.upper, "stops": np.array([s.u for s in stops])}
    return Path("exact", A, tuple(moves), notes).without_still_moves()


def _end(setting: LandscapeSetting, network: Network, signs: Array, label: str) -> Stop:
    c = 0.0 if network.c is None or setting.outputs > 1 else float(network.c[0])
    return Stop(products(network), c, setting.value(network), signs, label)


def _signs(setting: LandscapeSetting, cell: tuple[int, ...]) -> Array:
    return np.array([setting.neurons.sign(code) for code in cell])


def _through_zero(setting: LandscapeSetting, A: Network, B: Network, search: GapSearch) -> list[Stop]:
    """A, u = 0, B."""
    start, goal = (_signs(setting, s.cells[0]) for s in search.sides)
    zero = search.values.point(search.values.face(()))
    u = np.zeros_like(products(A))
    return [
        _end(setting, A, start, ""),
        Stop(u, _bias(setting, A, zero), zero.value, goal, "all neurons shrink to 0"),
        _end(setting, B, goal, "to B"),
    ]


def _bias(setting: LandscapeSetting, A: Network, point: FacePoint) -> float:
    if setting.outputs > 1:
        return 0.0
    return point.bias if setting.output_bias else 0.0 if A.c is None else float(A.c[0])


def _stops(setting: LandscapeSetting, A: Network, B: Network, steps: list[Step], search: GapSearch) -> list[Stop]:
    """A, a minimiser of each face that is passed, B."""
    first, last = (s.cells[0] for s in search.sides)
    out = [_end(setting, A, _signs(setting, first), "")]
    samples = setting.neurons.facet_samples
    for step in steps:
        others = step.cell[: step.neuron] + step.cell[step.neuron + 1 :]
        face = search.values.face(others, step.facet)
        point = search.values.point(face)
        after = (*step.cell[: step.neuron], step.to, *step.cell[step.neuron + 1 :])
        what = f"sample {samples[step.facet]}'s facet" if step.facet >= 0 else "0, to change its sign"
        out.append(
            Stop(
                _placed(setting, step, point, face[1]),
                _bias(setting, A, point),
                point.value,
                _signs(setting, after),
                f"neuron {step.neuron} reaches {what}",
            )
        )
    out.append(_end(setting, B, _signs(setting, last), "to B"))
    return out


def _placed(setting: LandscapeSetting, step: Step, point: FacePoint, facet: int) -> Array:
    """u (m, n): each code's point goes to the first neuron that has it, 0 to the others."""
    u = np.zeros((len(step.cell), setting.neurons.inputs.shape[1]))
    left = dict(point.u)
    for k, code in enumerate(step.cell):
        if k != step.neuron and code in left:
            u[k] = left.pop(code)
    if facet >= 0 and point.facet_u is not None:
        u[step.neuron] = point.facet_u
    return u


def _opened(setting: LandscapeSetting, network: Network) -> Network:
    """The network with its neurons scaled by factors in [1/2, 2] and its bias moved so that F is lower: a head move, F being convex along it.

    The slack it makes is what a proof of gap 0 needs (docs/mathematics.md). The network itself when nothing is gained.
    """
    if setting.frozen:
        return network
    from scipy.optimize import minimize

    m, value = network.theta.shape[1], setting.value(network)
    features = network.features(setting.X) * network.theta[0]
    norms: Array = setting.kappa * np.linalg.norm(products(network), axis=1)
    loss, y, form = setting.objective.loss, setting.targets, setting.normal
    # L-BFGS stops at absolute tolerances: F and c are handed to it in the units of the normal form.
    c0 = 0.0 if network.c is None else float(np.ldexp(network.c[0], -form.output))

    def F(z: Array) -> tuple[float, Array]:
        c = np.ldexp(z[m], form.output) if network.c is not None else 0.0
        f = (features @ z[:m] + c)[:, None]
        slope = loss.gradient(f, y)[:, 0] / setting.N
        pull = 0.0 if network.c is None else np.ldexp(slope.sum() + setting.bias_price * np.sign(c), form.output)
        down = np.append(features.T @ slope + norms, pull)
        value = loss.values(f, y).mean() + norms @ z[:m] + setting.bias_price * np.abs(c)
        return float(np.ldexp(value, -form.value)), np.ldexp(down, -form.value)

    found = minimize(
        F, np.append(np.ones(m), c0), jac=True, method="L-BFGS-B", bounds=[(0.5, 2.0)] * m + [(None, None)]
    )
    opened = one_hidden_layer(
        network.W,
        network.theta * found.x[:m],
        network.b,
        None if network.c is None else np.ldexp(found.x[m:], form.output),
    )
    return opened if setting.value(opened) < value else network

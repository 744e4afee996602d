"""A closed cell that contains a network, by exact signs."""

from __future__ import annotations

import numpy as np

from verifier.landscape.setting import LandscapeSetting
from verifier.networks.network import Network
from verifier.objective.penalties import augmented_rows
from verifier.regions.exact import exact_signs

Cell = tuple[int, ...]


def cell_of(setting: LandscapeSetting, network: Network, prefer: Cell | None = None) -> Cell:
    """Codes (m,) of a closed cell that contains the network.

    Samples on a neuron's hyperplane may count as active or not: the first pattern that fits is taken. A neuron with u_i = 0 lies in all cones:
    it gets the code that `prefer` has there, or 0; with a frozen output layer its sign is that of theta. With several outputs its kind is its place.
    """
    neurons, theta, several = setting.neurons, network.theta[0], len(network.theta) > 1
    rows = augmented_rows(network)
    signs = exact_signs(rows, neurons.inputs, neurons.cones.arrangement.integers)
    patterns = neurons.cones.patterns
    out = []
    for i, (row, t, sign) in enumerate(zip(rows, theta.tolist(), signs)):
        if several and not row.any():
            out.append(i if prefer is None else prefer[i])
            continue
        if not several and (t == 0.0 or not row.any()):
            code = 0 if prefer is None else prefer[i]
            out.append(code if t == 0.0 and not setting.frozen else 2 * (code // 2) + int(t < 0))
            continue
        fits = np.where(sign > 0, patterns == 1, True) & np.where(sign < 0, patterns == 0, True)
        out.append(neurons.kinds * int(np.flatnonzero(fits.all(axis=1))[0]) + (i if several else int(t < 0)))
    return tuple(out)

"""The rows program of an activation region as numbers: best rows (and output bias) with the head kept (docs/mathematics.md, section 11).

With `t_i = |theta_i|_1`, `TH_i = theta_i / t_i` and `u_i = t_i wt_i` the outputs `f_j = sum_i TH_i a_ij u_i . xt_j + c` are linear, and the path penalty is
`kappa sum_i |u_i|_2`. Neurons without a head, or that no sample activates, leave the program.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from verifier.errors import UsageError
from verifier.kernel.fast.region_optimum import signs
from verifier.matrices import augmented_inputs
from verifier.networks.network import Network
from verifier.objective import Objective, Risk
from verifier.programs.dual import into_domain

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class AngleCones:
    """`axes_i . u_i >= cosine |u_i|`: axes (r, n) of length 1, cosine > 0 of the largest angle."""

    axes: Array
    cosine: float


@dataclass(frozen=True, eq=False)
class RowsProgram:
    """`min over u (r, n), c (K,): mean loss(f) + price(u) + bias_price |c|_1 + constant` over `sides_ij u_i . xt_j >= 0`.

    network: whose region it is. inputs: xt (N, n). pattern: a (m, N) of all neurons, booleans. heard: (r,) the neurons of the program.
    heads: TH (K, r). sizes: t (r,). start, bias: the network's own u and c (zeros where it has none). free: whether c varies.
    kappa: price of |u_i| under the path penalty, else 0. decay: (r,) prices of |u_i|^2 / 2 under weight decay, else None.
    limits: (r,) most |u_i| where neither is there, else None. constant: what the kept head, and a kept bias, are charged.
    """

    network: Network
    objective: Objective
    inputs: Array
    targets: Array
    pattern: Array
    heard: Array
    heads: Array
    sizes: Array
    start: Array
    bias: Array
    free: bool
    kappa: float
    decay: Array | None
    limits: Array | None
    bias_price: float
    constant: float
    cones: AngleCones | None = None

    @cached_property
    def active(self) -> Array:
        """a (r, N) as floats."""
        return self.pattern[self.heard].astype(np.float64)

    @cached_property
    def sides(self) -> Array:
        """2 a - 1, (r, N)."""
        return 2.0 * self.active - 1.0

    @cached_property
    def zero_sums(self) -> bool:
        """Whether a dual's weighted column sums have to be 0."""
        return self.free and self.bias_price == 0.0

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, n, r, K)."""
        return (*self.inputs.shape, len(self.heard), len(self.heads))

    def margins(self, u: Array) -> Array:
        """sides_ij u_i . xt_j, (r, N): at least 0 in the region."""
        return self.sides * (u @ self.inputs.T)

    def predictions(self, u: Array, c: Array) -> Array:
        """f (N, K) by the pattern, which is the network's output at u where u lies in the region."""
        return (self.active * (u @ self.inputs.T)).T @ self.heads.T + c

    def charge(self, u: Array, c: Array) -> float:
        """What does not come from the loss."""
        value = self.constant + (self.bias_price * float(np.abs(c).sum()) if self.free else 0.0)
        if self.kappa:
            value += self.kappa * float(np.linalg.norm(u, axis=1).sum())
        if self.decay is not None:
            value += 0.5 * float(self.decay @ (u * u).sum(axis=1))
        return value

    def value(self, u: Array, c: Array) -> float:
        """F on the region, a float64 estimate."""
        return self.objective.loss_of(self.predictions(u, c), self.targets) + self.charge(u, c)

    def pull(self, nu: Array) -> Array:
        """p_i = (1/N) sum_j q_j (TH_i . nu_j) a_ij xt_j, (r, n), for nu (N, K) of the plain losses."""
        weighted = self.objective.loss.scaled(nu)
        return np.asarray(((self.heads.T @ weighted.T) * self.active) @ self.inputs) / len(self.inputs)

    def plain_dual(self, predictions: Array) -> Array:
        """The plain losses' subgradient at the predictions, in the conjugates' domain, column sums 0 where that is asked."""
        loss = self.objective.loss
        return self.into_domain(loss.unscaled(loss.gradient(predictions, self.targets)))

    def into_domain(self, nu: Array) -> Array:
        """nu (N, K) of the plain losses moved into the conjugates' domain, column sums 0 where that is asked."""
        return into_domain(nu, self.targets, self.objective, self.zero_sums)

    def shrinking(self, nu: Array, r: Array) -> float:
        """Largest factor <= 1 by which nu and its multipliers can be scaled to meet the constraints of residuals with norms r (r,)."""
        worst = float(r.max(initial=0.0)) / self.kappa if self.kappa else 0.0
        if self.free and self.bias_price:
            worst = max(worst, float(np.abs(self.column_means(nu)).max()) / self.bias_price)
        return 1.0 if worst <= 1.0 else 1.0 / worst

    def column_means(self, nu: Array) -> Array:
        return np.asarray(self.objective.loss.scaled(nu).mean(axis=0))

    def lower(self, nu: Array, r: Array) -> float:
        """Float64 estimate of the bound that nu and residuals with norms r (r,) prove, without violations' cost: they must be met, see `shrinking`."""
        value = self.constant - float(np.mean(self.objective.loss.scaled(self._conjugate(nu))))
        if self.decay is not None:
            value -= 0.5 * float((r * r / self.decay).sum())
        elif self.limits is not None:
            value -= float(self.limits @ r)
        return value if self.free else value + float(self.column_means(nu) @ self.bias)

    def _conjugate(self, nu: Array) -> Array:
        return self.objective.loss.plain.conjugate(nu, self.targets)

    def rows_of(self, u: Array) -> Array:
        """Rows (m, n) of the whole network: u_i / t_i, and 0 for neurons that are not in the program."""
        rows = np.zeros((len(self.pattern), self.inputs.shape[1]))
        rows[self.heard] = u / self.sizes[:, None]
        return rows


def require_fitting(network: Network) -> None:
    """Raise UsageError for networks that region programs are not defined for."""
    if not network.shallow or network.negative_slope:
        raise UsageError(
            f"region program: defined for one hidden layer of ReLU, got {network.depth - 1} hidden layers and negative slope {network.negative_slope!r}"
        )


def make_rows_program(
    network: Network,
    risk: Risk,
    *,
    active: Array | None = None,
    free_bias: bool = True,
    row_limit: float = 1.0,
) -> RowsProgram:
    """The program of the region that holds the network.

    active: pairs (neuron, sample), (b, 2), with a pre-activation of exactly 0 that count as active; the others count as inactive.
    free_bias: whether an output bias varies with the rows. row_limit: most length of a row in units of its own, where no penalty holds rows.

    Raises UsageError for networks with more than one hidden layer or another activation, for a negative row_limit, and for active pairs that are no ties.
    """
    require_fitting(network)
    if not (np.isfinite(row_limit) and row_limit >= 0.0):
        raise UsageError(f"region program: row_limit must be a number >= 0, got {row_limit!r}")
    inputs = augmented_inputs(risk.X, network.b is not None)
    rows = network.W if network.b is None else np.column_stack([network.W, network.b])
    s = signs(rows, inputs)
    pattern = s > 0
    if active is not None and len(active):
        if not (s[active[:, 0], active[:, 1]] == 0).all():
            raise UsageError("region program: a pair counted as active has a pre-activation that is not 0")
        pattern[active[:, 0], active[:, 1]] = True
    totals = np.abs(network.theta).sum(axis=0)
    heard = np.flatnonzero((totals > 0.0) & pattern.any(axis=1))
    t, K = totals[heard], len(network.theta)
    kappa, penalty, free = risk.objective.kappa, risk.objective.penalty, network.c is not None and free_bias
    bias = np.zeros(K) if network.c is None else np.array(network.c)
    bias_price = kappa * risk.objective.bias_price
    constant = {"l1": kappa * float(totals.sum()), "weight_decay": 0.5 * kappa * float((network.theta**2).sum())}
    return RowsProgram(
        network, risk.objective, inputs, risk.targets, pattern, heard, network.theta[:, heard] / t, t, rows[heard] * t[:, None], bias, free,
        kappa=kappa if penalty == "path" else 0.0,
        decay=kappa / t**2 if penalty == "weight_decay" else None,
        limits=row_limit * np.linalg.norm(rows[heard], axis=1) * t if penalty in ("none", "l1") else None,
        bias_price=bias_price,
        constant=constant.get(penalty, 0.0) + (0.0 if free else bias_price * float(np.abs(bias).sum())),
    )  # fmt: skip

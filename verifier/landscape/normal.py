"""The one door through which numbers of any size reach the solvers: the same landscape in units of size 1, reached by powers of two.

Solvers stop at absolute tolerances, and what they return is as good as those are small beside the problem. So programs only ever see the normal form,
and their answers come back through it. Powers of two are exact: scaling inputs, targets, delta and kappa together changes no digit of any answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from verifier.errors import UsageError
from verifier.landscape.neuron_cells import SIGNS, NeuronCells
from verifier.objective.loss import Loss
from verifier.objective.losses import Huber
from verifier.regions.arrangement import exponents, make_arrangement
from verifier.regions.cones import Cones, enumerate_cones
from verifier.regions.exact import reduced

if TYPE_CHECKING:
    from verifier.landscape.face import FacePoint
    from verifier.landscape.setting import LandscapeSetting

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class NormalForm:
    """`F' = weight mean_j loss'(y'_j, f'_j + margin) + sum_i |prices * u'_i| + bias_price |c'|` with `f'_j = sum_i s_i relu(u'_i . xt'_j) + c'`.

    The given problem is its image under `xt_jk = 2^columns_k xt'_jk`, `f = shift + 2^output f'`, `F = 2^value F'`; hence
    `u_ik = 2^(output - columns_k - e) u'_ik` and, for dual vectors of the mean loss, `nu = 2^output nu'`, `mu = 2^(output + e) mu'` for multipliers; e is
    the neuron's entry of head_exponents (kinds,), by which frozen heads of several outputs are scaled to size 1, and 0 with one output.
    neurons: of xt'. targets (N, K): y', or labels (N,). shift: the fixed output bias, or a place amid the targets where a free one costs nothing. margin:
    the fixed output bias of losses that know no shift of targets; both of them (K,) with several outputs, whose rows have prices |theta_i|_1 times these.
    prices (n,), 0 without penalty. constant: kappa |theta|_1 under l1, to be added to F.
    """

    neurons: NeuronCells
    loss: Loss
    targets: Array
    weight: float
    margin: float | Array
    prices: Array
    bias_price: float
    output_bias: bool
    columns: Array
    output: int
    value: int
    shift: float | Array
    head_exponents: tuple[int, ...]
    outputs: int = 1
    constant: float = 0.0

    @property
    def penalised(self) -> bool:
        return bool(self.prices.any())

    @property
    def N(self) -> int:
        return len(self.targets)

    def value_at(self, predictions: Array, u: Array, bias: float) -> float:
        """F' for f' (N K,) and u' (k, n), these times their own prices."""
        loss = float(self.loss.values(self.by_output(predictions) + self.margin, self.targets).mean())
        return self.weight * loss + float(np.linalg.norm(u * self.prices, axis=1).sum()) + self.bias_price * abs(bias)

    def dual_value(self, nu: Array) -> float:
        """What a feasible nu' (N K,) proves of F'."""
        dual = self.by_output(nu)
        fixed = np.sum(self.margin * dual.mean(axis=0))
        return self.weight * float(fixed - np.mean(self.loss.conjugate(dual, self.targets)))

    def by_output(self, flat: Array) -> Array:
        """(N, K) of (N K,)."""
        return flat.reshape(self.N, self.outputs)

    def given_value(self, value: float) -> float:
        """F for F'."""
        return float(np.ldexp(value, self.value)) + self.constant

    def head_exponent(self, code: int) -> int:
        return self.head_exponents[code % self.neurons.kinds]

    def given_u(self, u: Array, code: int) -> Array:
        """u (..., n) for u' of a neuron of this code. Raises UsageError where it is beyond float64."""
        with np.errstate(over="ignore"):
            return within_float64(np.ldexp(u, self.output - self.columns - self.head_exponent(code)))

    def given(self, point: FacePoint, facet: int) -> FacePoint:
        """The point, of a face with this facet, in the given problem's numbers."""
        return replace(
            point,
            value=self.given_value(point.value),
            predictions=(self.shift + np.ldexp(self.by_output(point.predictions), self.output)).reshape(-1),
            u={code: self.given_u(u, code) for code, u in point.u.items()},
            facet_u=None
            if point.facet_u is None
            else self.given_u(point.facet_u, int(self.neurons.facet_codes[facet, 0])),
            bias=float(self.shift) + float(np.ldexp(point.bias, self.output)) if self.output_bias else 0.0,
            nu=np.ldexp(point.nu, self.output),
        )


def within_float64(x: Array) -> Array:
    """The weights themselves. Raises UsageError where they are beyond float64."""
    if not np.isfinite(x).all():
        raise UsageError(
            "landscape: expected inputs and targets whose networks have weights in float64, got sizes at which these are beyond it; scale the inputs"
        )
    return x


def scaled_cells(
    X: Array, hidden_bias: bool, heads: Array = SIGNS, exact: tuple[Array, int] | None = None
) -> tuple[NeuronCells, NeuronCells, Array]:
    """(cells of xt, cells of xt', columns): enumerated once, on the scaled inputs; patterns, facets and neighbours are the same for both.

    exact: (whole (N, d), exponent) when X are roundings of `whole / 2^exponent`, which are then the inputs that are meant.
    """
    columns = np.append(exponents(X), [0] if hidden_bias else []).astype(np.int64)
    whole = [None, None] if exact is None else [_augmented(*exact, hidden_bias, e) for e in (0 * columns, columns)]
    scaled = enumerate_cones(make_arrangement(np.ldexp(X, -columns[: X.shape[1]]), hidden_bias, whole[1]))
    given = Cones(
        make_arrangement(X, hidden_bias, whole[0]), scaled.patterns, scaled.signs, np.ldexp(scaled.interiors, -columns), scaled.facets, scaled.neighbours
    )  # fmt: skip
    if not np.array_equal(np.ldexp(given.interiors, columns), scaled.interiors):
        raise UsageError("landscape: the inputs' columns differ too much in size for float64; scale them")
    return NeuronCells(given, heads), NeuronCells(scaled, np.ldexp(heads, -_sizes(heads)[:, None])), columns


def _sizes(heads: Array) -> Array:
    """(kinds,) e with the largest |entry| of each head in [2^(e-1), 2^e); of heads 1 and -1, which stand for any size, 0."""
    return np.frexp(np.abs(heads).max(axis=1))[1] if heads.shape[1] > 1 else np.zeros(len(heads), dtype=np.int64)


def _augmented(whole: Array, exponent: int, hidden_bias: bool, columns: Array) -> Array:
    """xt, its columns divided by 2^columns, as coprime integers per row."""
    rows = np.column_stack([whole, np.full(len(whole), 1 << exponent, dtype=object)]) if hidden_bias else whole
    up = [1 << int(e) for e in columns.max(initial=0) - columns]
    out = np.empty(rows.shape, dtype=object)
    for j, row in enumerate(rows.tolist()):
        out[j] = reduced([v * u for v, u in zip(row, up)])
    return out


def normal_form(s: LandscapeSetting) -> NormalForm:
    """The setting in units of size 1. Raises UsageError where its values of F are no normal float64 numbers."""
    loss, y, kappa = s.objective.loss, s.targets, s.kappa
    free = s.output_bias and s.bias_price == 0.0
    output, weight = 0, 0
    shift: float | Array = s.offset
    margin: float | Array = 0.0
    if loss.name in ("logistic", "cross_entropy"):
        margin = s.offset
    else:
        # Midway between targets, where differences of floats of about one size are exact; not their mean, which rounds.
        shift = s.offset if not free else float(y.min() + 0.5 * (y.max() - y.min()))
        output = int(exponents((y - shift).reshape(-1, 1))[0])
        y = np.ldexp(y - shift, -output)
    if isinstance(loss, Huber):
        loss = Huber(float(np.ldexp(loss.delta, -output)))
        # Far from its targets Huber's loss is of size delta |y|.
        weight = -min(0, int(np.frexp(loss.delta)[1]))
    value = 2 * output - weight
    zero = s.objective.loss.value_at_zero(s.targets, s.outputs)
    with np.errstate(over="ignore", under="ignore"):
        prices = np.ldexp(kappa, output - s.columns - value)
    # Errors of F and squares of duals need room below the values themselves.
    if not (np.isfinite(zero) and -400 < value < 400 and np.isfinite(prices).all()):
        raise UsageError(
            f"landscape: the loss of the zero function is {zero:.3g} and kappa is {kappa:.3g}, sizes at which float64 has no room for differences; "
            "scale targets and kappa"
        )
    return NormalForm(
        s.scaled_neurons, loss, y, 2.0**weight, margin, prices,
        float(np.ldexp(s.bias_price, output - value)), s.output_bias, s.columns, output, value, shift,
        tuple(_sizes(s.neurons.heads).tolist()), s.outputs, s.constant,
    )  # fmt: skip

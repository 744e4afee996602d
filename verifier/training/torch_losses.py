"""Losses and penalties as torch expressions, for training and for string methods; the same formulae as `verifier.objective` (docs/certificate-v2.md, Problem).

Import this module only where torch is needed: it imports torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from verifier.errors import UsageError
from verifier.networks.above import Above
from verifier.objective.objective import Objective
from verifier.training import torch_maps


def _logistic(f: Tensor, y: Tensor, delta: float) -> Tensor:
    return torch.nn.functional.softplus(-y * f).sum(dim=1)


def _cross_entropy(f: Tensor, y: Tensor, delta: float) -> Tensor:
    return torch.nn.functional.cross_entropy(f, y, reduction="none")


def _squared(f: Tensor, y: Tensor, delta: float) -> Tensor:
    return ((f - y) ** 2).sum(dim=1)


def _huber(f: Tensor, y: Tensor, delta: float) -> Tensor:
    return torch.nn.functional.huber_loss(f, y, reduction="none", delta=delta).sum(dim=1)


def _hinge(f: Tensor, y: Tensor, delta: float) -> Tensor:
    return torch.relu(1 - y * f).sum(dim=1)


def _absolute(f: Tensor, y: Tensor, delta: float) -> Tensor:
    return (f - y).abs().sum(dim=1)


LOSSES: dict[str, Callable[[Tensor, Tensor, float], Tensor]] = {
    "logistic": _logistic,
    "cross_entropy": _cross_entropy,
    "squared": _squared,
    "huber": _huber,
    "hinge": _hinge,
    "absolute": _absolute,
}
PENALTIES = ("none", "l1", "path", "weight_decay")


def mean_loss(
    name: str, predictions: Tensor, targets: Tensor, delta: float | None = None, shares: Tensor | None = None
) -> Tensor:
    """(1/N) sum_j q_j loss(y_j, f_j), a differentiable scalar; shares: q (N,) of samples with weights (`verifier.objective.weighted`), ones when None.

    predictions: (N, K). targets: what `verifier.objective`'s `Loss.encode` returns: signs ±1 (N, 1) for logistic and hinge, int64 labels (N,) for
    cross_entropy, floats (N, K) for squared, huber and absolute. delta: huber's, 1.0 when None.

    Raises UsageError for an unknown loss, ValueError when shapes do not belong together (torch would broadcast them silently).
    """
    if name not in LOSSES:
        raise UsageError(f"loss {name!r} is unknown; choose one of {', '.join(LOSSES)}")
    expected = predictions.shape[:1] if name == "cross_entropy" else predictions.shape
    if targets.shape != expected:
        raise ValueError(
            f"{name} loss: predictions have shape {tuple(predictions.shape)}, so targets need {tuple(expected)}, got {tuple(targets.shape)}"
        )
    values = LOSSES[name](predictions, targets, 1.0 if delta is None else delta)
    if shares is not None and shares.shape != values.shape:
        raise ValueError(f"{name} loss: {len(values)} samples and shares of shape {tuple(shares.shape)}")
    return (values if shares is None else shares * values).mean()


def penalty(
    name: str, weights: Sequence[Tensor], biases: Sequence[Tensor | None], penalise_output_bias: bool = False
) -> Tensor:
    """P, without kappa, a differentiable scalar.

    weights: W_l (n_l, n_{l-1}); biases: b_l (n_l,) or None, l = 1..L. path and weight_decay need L = 2; l1 is of the last layer's weights.
    penalise_output_bias adds |c|_1 (l1 and path).

    Raises UsageError for an unknown penalty or one without meaning for this depth.
    """
    if name not in PENALTIES:
        raise UsageError(f"penalty {name!r} is unknown; choose one of {', '.join(PENALTIES)}")
    if name in ("path", "weight_decay") and len(weights) != 2:
        raise UsageError(
            f"penalty {name} is defined for one hidden layer, but this network has {len(weights) - 1}; use l1 or none"
        )
    theta, b, c = weights[-1], biases[0], biases[-1]
    value = theta.new_zeros(())
    rows = weights[0] if b is None else torch.cat([weights[0], b[:, None]], dim=1)
    if name == "l1":
        value = theta.abs().sum()
    elif name == "path":
        value = (torch.linalg.vector_norm(rows, dim=1) * theta.abs().sum(dim=0)).sum()
    elif name == "weight_decay":
        value = 0.5 * ((rows**2).sum() + (theta**2).sum())
    if penalise_output_bias and c is not None and name in ("l1", "path"):
        value = value + c.abs().sum()
    return value


def forward(
    weights: Sequence[Tensor], biases: Sequence[Tensor | None], X: Tensor, above: Above | float = 0.0
) -> Tensor:
    """f(X) of a ReLU or Leaky ReLU network with linear last layer, shape (N, K); X is (N, n_0).

    above: the layers that these are (`Network.above`), or of dense ones the negative slope alone.
    """
    slope, readings = (above, None) if isinstance(above, float) else (above.slope, above.readings)
    h = X if isinstance(above, float) or readings is None else X.reshape(len(X), -1, *above.size)
    for l, (W, b) in enumerate(zip(weights, biases), start=1):
        h = torch.nn.functional.linear(h, W, b) if readings is None else torch_maps.layer(h, W, b, readings[l - 1])
        if l < len(weights):
            h = torch.nn.functional.leaky_relu(h, slope) if slope else torch.relu(h)
    return h if readings is None else h.flatten(1)


def objective_value(
    o: Objective,
    weights: Sequence[Tensor],
    biases: Sequence[Tensor | None],
    X: Tensor,
    y: Tensor,
    *,
    above: Above | float = 0.0,
    shares: Tensor | None = None,
    priced: str | None = None,
) -> Tensor:
    """F as a differentiable scalar; X (N, n_0), y as the loss encodes targets.

    above: see `forward`. shares: see `mean_loss`. priced: penalty in place of the objective's own.
    """
    return objective_of(o, forward(weights, biases, X, above), weights, biases, y, shares=shares, priced=priced)


def objective_of(
    o: Objective,
    predictions: Tensor,
    weights: Sequence[Tensor],
    biases: Sequence[Tensor | None],
    y: Tensor,
    *,
    shares: Tensor | None = None,
    priced: str | None = None,
) -> Tensor:
    """The same from what the network predicts, (N, K)."""
    F = mean_loss(o.loss.name, predictions, y, o.delta, shares)
    if o.kappa > 0:
        F = F + o.kappa * penalty(priced or o.penalty, weights, biases, o.penalise_output_bias)
    return F


def to_unit_rows(weights: Sequence[Tensor], biases: Sequence[Tensor | None]) -> None:
    """Divide the rows of W_1 by their lengths and their biases too, and multiply the outgoing weights, in place: the function stays. Rows of length 0 stay."""
    with torch.no_grad():
        norms = torch.linalg.vector_norm(weights[0], dim=1)
        norms = torch.where(norms > 0, norms, torch.ones_like(norms))
        weights[0].div_(norms[:, None])
        if biases[0] is not None:
            biases[0].div_(norms)
        weights[1].mul_(norms)

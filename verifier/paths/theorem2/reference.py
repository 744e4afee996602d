"""T2's reference network theta*: a good network of l neurons, so an upper value of e(l) (docs/constructions.md, section 1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from verifier.matrices import augmented_inputs
from verifier.networks.network import Network
from verifier.objective import Risk, augmented_rows
from verifier.paths.smoothed import smoothed_objective
from verifier.programs import fast_head

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Reference:
    """rows (l, d) or (l, d+1) with the bias last; head (K, l), bias (K,) or None; value F, an upper value of e(l)."""

    rows: Array
    head: Array
    bias: Array | None
    value: float
    origin: str


def row_features(rows: Array, X: Array, has_bias: bool) -> Array:
    """relu of augmented rows on X, shape (N, l)."""
    return np.maximum(X @ rows[:, :-1].T + rows[:, -1] if has_bias else X @ rows.T, 0.0)


def reference_network(
    l: int,
    A: Network,
    B: Network,
    risk: Risk,
    *,
    seed: int = 0,
    candidates: Sequence[tuple[str, Array]] = (),
    restarts: int = 2,
    iterations: int = 150,
) -> Reference:
    """Best of the candidates, of training from them, and of `restarts` random starts, each with its head refitted.

    candidates: (origin, augmented rows (l, .)), e.g. the best l rows of A. Under the l1 penalty rows are kept inside the
    ball that holds A's and B's rows, since longer rows would make the penalty void.
    """
    has_bias = A.b is not None
    K = A.theta.shape[0]
    radius = _radius(A, B) if risk.objective.penalty == "l1" else None
    rng = np.random.default_rng(seed)
    d = augmented_rows(A).shape[1]
    pool = np.vstack([augmented_rows(A), augmented_rows(B)])
    scale = float(np.median(np.linalg.norm(pool, axis=1))) or 1.0
    starts = list(candidates)
    for k in range(restarts):
        rows = rng.normal(size=(l, d)) / np.sqrt(d)
        starts.append((f"training from random start {k}", scale * rows))
    best: Reference | None = None
    for origin, rows in starts:
        given = (origin, rows) if origin.startswith("training") else (f"training from {origin}", rows)
        trials = [] if origin.startswith("training") else [(origin, rows)]
        trials.append((given[0], _train(rows, risk, has_bias, A.c is not None, K, radius, iterations)))
        for name, trial in trials:
            reference = _refit(trial, risk, has_bias, A.c is not None, K, name)
            if best is None or reference.value < best.value:
                best = reference
    if best is None:
        raise ValueError("reference_network: neither candidates nor restarts")
    return best


def _radius(A: Network, B: Network) -> float:
    return float(max(np.linalg.norm(A.W, axis=1).max(), np.linalg.norm(B.W, axis=1).max()))


def _refit(rows: Array, risk: Risk, has_bias: bool, free: bool, K: int, origin: str) -> Reference:
    Z, prices = row_features(rows, risk.X, has_bias), risk.objective.prices_of_rows(rows)
    warm = np.zeros((K, len(rows))), (np.zeros(K) if free else None)
    h, c, value = fast_head(Z, risk.targets, risk.objective, prices, free, warm=warm)
    return Reference(rows, h, c, value, origin)


def _train(
    rows: Array,
    risk: Risk,
    has_bias: bool,
    free: bool,
    K: int,
    radius: float | None,
    iterations: int,
) -> Array:
    """Rows after L-BFGS on rows and head together, starting from the refitted head.

    The penalty is taken as price |row| |theta|, which rescaling leaves alone; under l1 the rows are afterwards brought to
    the ball's radius.
    """
    start = _refit(rows, risk, has_bias, free, K, "start")
    l, d = rows.shape
    inputs = augmented_inputs(risk.X, has_bias)
    used = d - 1 if radius is not None and has_bias else d
    kappa = risk.objective.kappa / (radius or 1.0)

    def unpack(x: Array) -> tuple[Array, Array, Array]:
        return x[: l * d].reshape(l, d), x[l * d : l * d + K * l].reshape(K, l), x[l * d + K * l :]

    def value_and_gradient(x: Array) -> tuple[float, Array]:
        V, T, c = unpack(x)
        value, gV, gT, gc = smoothed_objective(
            V, T, c, risk.objective, inputs, risk.targets, kappa=kappa, lengths=np.ones(l), used=used
        )
        return value, np.concatenate([gV.ravel(), gT.ravel(), gc if free else 0.0 * gc])

    x0 = np.concatenate([rows.ravel(), start.head.ravel(), np.zeros(K) if start.bias is None else start.bias])
    x = minimize(value_and_gradient, x0, jac=True, method="L-BFGS-B", options={"maxiter": iterations}).x
    V = unpack(x)[0]
    if not np.isfinite(V).all():
        return rows
    if radius is not None:
        norms = np.linalg.norm(V[:, :used], axis=1)
        # A row that is all bias has no direction to scale by.
        V = V * np.where(norms > 1e-9 * radius, radius / np.maximum(norms, 1e-300), 1.0)[:, None]
    return V


def rows_as_candidates(pairs: Iterable[tuple[str, Network, Array]], l: int) -> list[tuple[str, Array]]:
    """(origin, rows) from networks and supports, filled up with zero rows to exactly l."""
    out = []
    for origin, network, support in pairs:
        rows = augmented_rows(network)[np.asarray(support, dtype=np.int64)[:l]]
        out.append((origin, np.vstack([rows, np.zeros((l - len(rows), rows.shape[1]))])))
    return out

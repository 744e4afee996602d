"""Fitted `MLPClassifier` and `MLPRegressor` of scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np

from verifier.errors import CheckpointError
from verifier.networks.network import Network


def is_mlp(source: Any) -> bool:
    return any(
        kind.__module__.startswith("sklearn.neural_network") and kind.__name__ == "BaseMultilayerPerceptron"
        for kind in type(source).__mro__
    )


def network_from_mlp(source: Any) -> Network:
    """Its network before the last activation: what logistic (sigmoid) and cross_entropy (softmax) loss take.

    Raises CheckpointError for one that is not fitted or has another activation than relu.
    """
    who = type(source).__name__
    if source.activation != "relu":
        raise CheckpointError(
            f"{who}: has the activation {source.activation!r}; only ReLU networks are supported, so fit it with activation='relu'"
        )
    if not hasattr(source, "coefs_"):
        raise CheckpointError(f"{who}: is not fitted; call its fit(X, y) first")
    if len(source.coefs_) < 2:
        raise CheckpointError(
            f"{who}: has no hidden layer, so it is linear; fit it with hidden_layer_sizes=(10,), for instance"
        )
    if source.out_activation_ == "logistic" and source.n_outputs_ > 1:
        raise CheckpointError(
            f"{who}: decides {source.n_outputs_} labels at once, each by its own sigmoid; no loss here is a sum of those"
        )
    try:
        weights = tuple(np.asarray(W, dtype=np.float64).T for W in source.coefs_)
        return Network(weights, tuple(np.asarray(b, dtype=np.float64) for b in source.intercepts_))
    except ValueError as error:
        raise CheckpointError(f"{who}: {error}") from error

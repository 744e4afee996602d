"""Data sets that need no file: scikit-learn's bundled ones, and the presets of the papers' experiments."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from verifier.data.shipped import load_shipped, make_moons
from verifier.data.source import Source
from verifier.errors import UsageError

# Raw numbers, no preparation.
BUNDLED = {
    "moons": "make_moons(1000, noise=0.2, random_state=42); moons:n=200,noise=0.1,seed=3 for others",
    "breast_cancer": "Wisconsin Breast Cancer, 569 x 30, binary",
    "digits": "8x8 digits, 1797 x 64 in 0..16, 10 classes",
    "digits-unit": "digits divided by 16, an exact operation",
    "iris": "150 x 4, 3 classes",
    "wine": "178 x 13, 3 classes",
    "diabetes": "442 x 10, regression",
}
# docs/constructions.md, section 3: 80/20 split with random_state 42, StandardScaler fitted on the training part, training part used.
PRESETS: dict[str, tuple[str, dict[str, Any]]] = {
    "paper-moons": ("moons", {"train_split": 0.8, "stratify": False, "standardize": True}),
    "paper-breast-cancer": (
        "breast_cancer",
        {"train_split": 0.8, "stratify": True, "standardize": True, "split": "paper-breast-cancer"},
    ),
}
_MOONS: dict[str, type] = {"n": int, "noise": float, "seed": int}


def load_bundled(name: str, options: Mapping[str, str]) -> Source:
    """Raw bundled set `name`; options are those written after the colon (moons only). Raises UsageError for a wrong option."""
    if name == "moons":
        values = _moons_options(options)
        X, y = make_moons(values["n"], values["noise"], values["seed"])
        return Source(X, y, [{"make_moons": values}], "binary")
    if options:
        raise UsageError(
            f"data {name} takes no options after a colon, got {', '.join(options)}; only moons does (n, noise, seed)"
        )
    loader = name.removesuffix("-unit")
    X, y = load_shipped(loader)
    steps: list[dict[str, Any]] = [{"sklearn": f"load_{loader}"}]
    if name == "digits-unit":
        X = X / 16.0
        steps.append({"divide_by": 16})
    task = "regression" if name == "diabetes" else "binary" if name == "breast_cancer" else "multiclass"
    return Source(X, y, steps, task)


def _moons_options(options: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {"n": 1000, "noise": 0.2, "seed": 42}
    for key, text in options.items():
        if key not in _MOONS:
            raise UsageError(
                f"data moons: unknown option {key!r}; expected n, noise or seed, as in moons:n=200,noise=0.1,seed=3"
            )
        try:
            values[key] = _MOONS[key](text)
        except ValueError as error:
            raise UsageError(
                f"data moons: {key}={text!r} is not {'an integer' if _MOONS[key] is int else 'a number'}"
            ) from error
    if not 2 <= values["n"] <= 10**7:
        raise UsageError(f"data moons: n must lie between 2 and 10000000, got {values['n']}")
    if not (math.isfinite(values["noise"]) and values["noise"] >= 0):
        raise UsageError(f"data moons: noise must be a finite number >= 0, got {values['noise']}")
    if not 0 <= values["seed"] < 2**32:
        raise UsageError(f"data moons: seed must lie in 0..4294967295, got {values['seed']}")
    return values

"""Data sets of openml.org by number, through scikit-learn's loader and its cache."""

from __future__ import annotations

import warnings

import numpy as np

from verifier.data.source import Source, check_size, exact_float64
from verifier.errors import DataError, UsageError


def load_openml(identifier: str, target: str | None) -> Source:
    """Data set number `identifier`; `target` overrides its default target. scikit-learn checks the file's MD5 against openml.org's.

    Raises UsageError when `identifier` is not a number, DataError when the set cannot be fetched or is not made of numbers.
    """
    if not (identifier.isascii() and identifier.isdigit()):
        raise UsageError(
            f"data openml:{identifier}: expected a number, as in openml:1464; see the data set's address on openml.org"
        )
    from sklearn.datasets import fetch_openml

    who = f"data openml:{identifier}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks on the set's own status, such as inactive
            bunch = fetch_openml(
                data_id=int(identifier),
                target_column=target or "default-target",
                as_frame=False,
                parser="liac-arff",
                n_retries=1,
            )
    except Exception as error:  # network, cache and parser each raise their own kinds
        raise DataError(
            f"{who}: cannot be fetched ({type(error).__name__}: {error}); check the network and the number, "
            "or put the file into scikit-learn's cache (SCIKIT_LEARN_DATA)"
        ) from error
    X, y = bunch.data, bunch.target
    if hasattr(X, "toarray"):
        check_size(int(np.prod(X.shape)), who)
        X = X.toarray()
    if y is None:
        raise DataError(
            f"{who}: has no default target; choose one with --target COLUMN among {', '.join(bunch.feature_names)}"
        )
    coded = sorted(set(bunch.categories or {}) & set(bunch.feature_names))
    if coded:
        raise DataError(
            f"{who}: the features {', '.join(coded[:8])} are categories, not numbers; encode them and give the result as .npz"
        )
    X = exact_float64(np.asarray(X), f"{who}: X")
    if X.ndim == 2 and not np.isfinite(X).all():
        column = int(np.argmin(np.isfinite(X).all(axis=0)))
        raise DataError(
            f"{who}: feature {bunch.feature_names[column]!r} has missing values; impute them and give the result as .npz"
        )
    y = np.asarray(y)
    if y.dtype.kind == "O":
        y = y.astype(str)
    elif y.dtype.kind != "U":
        y = exact_float64(y, f"{who}: y")
    version = str((bunch.get("details") or {}).get("version", ""))
    names = bunch.target_names
    step = {"openml": int(identifier), "version": version, "features": list(bunch.feature_names), "target": list(names)}
    return Source(X, y, [step])

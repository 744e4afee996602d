"""Data sets that come with scikit-learn, to the bit as it gives them, without importing it: that takes longer than most proofs."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np

Array = np.ndarray
# Files of its folder datasets/data, and lines before the numbers; the last column is the class.
FILES = {
    "breast_cancer": ("breast_cancer.csv", 1),
    "digits": ("digits.csv.gz", 0),
    "iris": ("iris.csv", 1),
    "wine": ("wine_data.csv", 1),
}


def load_shipped(name: str) -> tuple[Array, Array]:
    """X (N, d) and y (N,) of `load_<name>`, from the file if it is where releases so far have it, else by the loader itself."""
    file = _file(name)
    if file is None:
        from sklearn import datasets

        X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        return np.asarray(X, dtype=np.float64), y
    table = np.loadtxt(file, delimiter=",", skiprows=FILES[name][1], ndmin=2)
    return np.ascontiguousarray(table[:, :-1]), table[:, -1].astype(np.int64)


def _file(name: str) -> Path | None:
    package = find_spec("sklearn")
    if name not in FILES or package is None or package.origin is None:
        return None
    file = Path(package.origin).parent / "datasets" / "data" / FILES[name][0]
    return file if file.is_file() else None


def make_moons(n: int, noise: float, seed: int) -> tuple[Array, Array]:
    """Two half circles of n // 2 and n - n // 2 points, shuffled, with normal noise of this standard deviation: scikit-learn's `make_moons`, to the bit."""
    outer, inner = np.linspace(0, np.pi, n // 2), np.linspace(0, np.pi, n - n // 2)
    upper = np.column_stack([np.cos(outer), np.sin(outer)])
    lower = np.column_stack([1 - np.cos(inner), 1 - np.sin(inner) - 0.5])
    X, y = np.vstack([upper, lower]), np.repeat([0, 1], [len(outer), len(inner)])
    random = np.random.RandomState(seed)
    order = np.arange(n)
    random.shuffle(order)
    return X[order] + random.normal(scale=noise, size=X.shape), y[order]

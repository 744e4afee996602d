"""Small pairs that certify in well under a second."""

import itertools

import numpy as np
import pytest

from verifier.data.dataset import Dataset
from verifier.networks.network import Network


def tiny_network(seed: int, widths: tuple[int, ...] = (2, 6, 1), bias: bool = True) -> Network:
    rng = np.random.default_rng(seed)
    weights = tuple(rng.normal(size=(q, p)) / np.sqrt(p) for p, q in itertools.pairwise(widths))
    return Network(weights, tuple(rng.normal(size=q) * 0.3 if bias else None for q in widths[1:]))


def tiny_data(seed: int, task: str = "binary", d: int = 2, N: int = 40) -> Dataset:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N, d))
    y = rng.normal(size=N) if task == "regression" else rng.integers(0, 2 if task == "binary" else 3, size=N)
    return Dataset(X, y, f"tiny-{task}", task, {})


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    """Certificates and reports land in the test's own folder."""
    monkeypatch.chdir(tmp_path)

"""What is read or computed without scikit-learn is what it gives, to the bit: data hashes in checkpoints and certificates depend on it."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import datasets
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from verifier.data import load_data
from verifier.data.bundled import BUNDLED, PRESETS
from verifier.data.prepare import Preparation, _split
from verifier.data.scaling import standardising
from verifier.data.shipped import FILES, load_shipped, make_moons
from verifier.errors import DataError


def same(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


@pytest.mark.parametrize("name", [*FILES, "diabetes"])
def test_files(name, monkeypatch):
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    found = load_shipped(name)
    assert same(found[0], np.ascontiguousarray(X, dtype=np.float64))
    assert same(found[1], y)
    monkeypatch.setitem(FILES, name, ("gone.csv", 0))
    again = load_shipped(name)
    assert same(again[0], found[0])
    assert same(again[1], found[1])


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 60), st.floats(0.0, 3.0), st.integers(0, 2**32 - 1))
def test_moons(n, noise, seed):
    X, y = datasets.make_moons(n, noise=noise, random_state=seed)
    found = make_moons(n, noise, seed)
    assert same(found[0], np.ascontiguousarray(X))
    assert np.array_equal(found[1], y)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 5), st.integers(0, 2**31), st.integers(-300, 300), st.booleans())
def test_standardising(N, d, seed, exponent, constant):
    rng = np.random.default_rng(seed)
    X = (rng.normal(size=(N, d)) + rng.normal(size=d) * 3) * 2.0 ** (exponent // 4)
    if constant:
        X[:, 0] = rng.normal()
    scaler = StandardScaler().fit(X)
    rows = rng.normal(size=(7, d))
    apply = standardising(X)
    assert same(apply(X), scaler.transform(X))
    assert same(apply(rows), scaler.transform(rows))


@pytest.mark.parametrize("name", [*BUNDLED, *PRESETS])
def test_standardised_data(name):
    X = load_data(name).X
    assert same(standardising(X)(X), StandardScaler().fit_transform(X))


@settings(max_examples=30, deadline=None)
@given(st.integers(3, 200), st.floats(0.05, 0.95), st.integers(0, 2**32 - 1), st.booleans())
def test_splits(n, share, seed, regression):
    X, y = np.zeros((n, 1)), np.arange(n) % 2
    wanted = Preparation(train_split=share, seed=seed, stratify=False if not regression else None)
    task = "regression" if regression else "binary"
    if not 0 < np.ceil(round(1 - share, 12) * n) < n:
        with pytest.raises(DataError, match="cannot keep a share of"):
            _split(X, y, wanted, task, "test")
        return
    kept, left = _split(X, y, wanted, task, "test")
    expected = train_test_split(np.arange(n), test_size=round(1 - share, 12), random_state=seed)
    assert np.array_equal(kept, expected[0])
    assert np.array_equal(left, expected[1])


def test_the_stored_split():
    X, y = datasets.load_breast_cancer(return_X_y=True)
    expected = train_test_split(np.arange(len(X)), test_size=0.2, random_state=42, stratify=y)
    kept, left = _split(X, y, Preparation(**PRESETS["paper-breast-cancer"][1]), "binary", "test")
    assert np.array_equal(kept, expected[0])
    assert np.array_equal(left, expected[1])


def test_bundled_data_come_without_the_library():
    """Its import alone takes longer than most proofs."""
    names = [n for n in (*BUNDLED, *PRESETS) if n != "diabetes"]
    code = f"import sys; from verifier.data import load_data; [load_data(n) for n in {names}]; print('sklearn' in sys.modules, 'pandas' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False"]

"""Numbers at which float64 has no room are answered with a sentence, never with an exception of Python's own."""

import numpy as np
import pytest

from verifier.cli.main import main
from verifier.elaboration import endpoint_claims, kernel_problem
from verifier.errors import UsageError
from verifier.networks.network import Network
from verifier.objective import Risk, make_objective
from verifier.regions.exact import exact_signs, integer_rows


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_rows_that_are_not_finite(value):
    """Products of weights and inputs of about 1e100 each overflow: "cannot convert NaN to integer ratio" was all that was said."""
    with pytest.raises(UsageError, match=r"expected rows of finite numbers, got \[1.0, .*scale the inputs"):
        integer_rows(np.array([[1.0, 2.0], [1.0, value]]))
    rows = np.array([[1e100, 1.0]])
    with pytest.raises(UsageError, match="expected rows of finite numbers"):
        exact_signs(np.array([[1.0, value]]), rows, integer_rows(rows))


@pytest.mark.parametrize("power", [-300, -100, 0, 100, 150])
def test_finite_rows_of_any_size_have_signs(power):
    rows = np.random.default_rng(0).normal(size=(4, 2)) * 10.0**power
    points = np.random.default_rng(1).normal(size=(3, 2)) * 1e150
    expected = np.sign(
        np.array(
            [[sum(int(a) * int(b) for a, b in zip(p, r)) for r in integer_rows(rows)] for p in integer_rows(points)]
        ).astype(float)
    )
    assert (exact_signs(points, rows, integer_rows(rows)) == expected).all()


def test_values_beyond_float64():
    network = Network((np.array([[1e150]]), np.array([[1e100]])), (None, None))
    risk = Risk(make_objective("squared"), np.array([[1e150]]), np.array([[0.0]]))
    with pytest.raises(UsageError, match=r"values of A and B: expected .* scale the data"):
        endpoint_claims(kernel_problem(network, network, risk))


def test_a_landscape_of_networks_beyond_float64(tmp_path, capsys):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "d.npz", X=rng.normal(size=(5, 2)) * 1e-300, y=rng.normal(size=5))
    asked = [
        "landscape",
        "--data",
        str(tmp_path / "d.npz"),
        "--loss",
        "squared",
        "--width",
        "1",
        "--out",
        str(tmp_path / "o"),
        "--no-report",
    ]
    assert main(asked) == 2
    assert "got sizes at which these are beyond it; scale the inputs" in capsys.readouterr().err

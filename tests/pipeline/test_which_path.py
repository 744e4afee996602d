"""Which path a bound is about, and which networks: said by every sentence, and true of the path that is meant."""

import json
from dataclasses import replace

import numpy as np
import pytest

import verifier
from verifier.certificate import read_certificate
from verifier.cli.main import main
from verifier.data.dataset import Dataset
from verifier.kernel import PathUpperBound, check
from verifier.networks.network import linear_combination, one_hidden_layer
from verifier.objective import make_objective
from verifier.paths.curves.strings import polyline, save_string
from verifier.report.page import render

from .conftest import tiny_data, tiny_network


def fit(N=3):
    return Dataset(np.linspace(0.5, 2.0, N)[:, None], np.ones(N), "fit", "regression", {})


def rescaled_pair():
    """A fits nothing in particular; B is A with one neuron scaled by 2^12 and the other by 2^-12, the same function."""
    A = one_hidden_layer(np.array([[1.0], [1.0]]), np.array([3.0, -2.0]), np.array([0.0, 0.0]), np.array([0.0]))
    c = np.array([2.0**12, 2.0**-12])
    return A, one_hidden_layer(A.W * c[:, None], A.theta[0] / c, A.b * c, A.c)


def paths(result):
    return {c.path: c for c in read_certificate(result.certificate).claims if isinstance(c, PathUpperBound)}


@pytest.mark.parametrize("as_string", [False, True])
def test_a_line_whose_end_is_a_rescaling_is_a_line(as_string, tmp_path):
    """F between two ends of equal F is as large as it is: the straight segment is bounded, by any method and for every power of two."""
    A, B = rescaled_pair()
    data, o = fit(), make_objective("squared")
    half = o.value(linear_combination(A, B, 0.5), data.X, data.y[:, None])
    assert half > 1e6
    words = {"method": "line"}
    if as_string:
        save_string(polyline("string", A, [], B), tmp_path / "s.npz")
        words = {"method": "string", "string": tmp_path / "s.npz"}
    result = verifier.certify(A, B, data, loss="squared", **words)
    [claim] = paths(result).values()
    assert claim.sup >= half
    assert [m.kind for m in claim.moves] == ["chord"]
    assert "straight segments" in check(read_certificate(result.certificate).problem, claim).statement


def decaying():
    """An idle neuron whose row is long half-way: weight decay as it is, and its balanced form, are far apart."""
    A = one_hidden_layer(np.array([[1.0], [0.0]]), np.array([0.5, 0.0]), np.zeros(2), np.zeros(1))
    far = A.replace(1, np.array([[1.0], [1e5]]))
    return A, far, A.replace(-1, A.theta, np.array([0.1]))


def test_weight_decay_on_a_users_string_is_taken_as_it_is(tmp_path):
    """The bound is at or above F at every stored vertex, with weight decay as it is; constructions say that theirs is about the balanced image."""
    A, far, B = decaying()
    o = make_objective("squared", kappa=0.01, penalty="weight_decay")
    data = fit()
    save_string(polyline("string", A, [far], B), tmp_path / "s.npz")
    words = {"loss": "squared", "kappa": 0.01, "penalty": "weight_decay"}
    string = verifier.certify(A, B, data, **words, method="string", string=tmp_path / "s.npz")
    claim = paths(string)["string"]
    at_far = o.value(far, data.X, data.y[:, None])
    assert at_far > 1e7
    assert claim.sup >= at_far
    assert claim.form == "literal"
    assert "balanc" not in string.sentence
    record = read_certificate(string.certificate).record["paths"]["string"]
    assert max(record["sampled"]["F"]) == pytest.approx(at_far)
    exchange = verifier.certify(A, B, data, **words, method="exchange")
    claim = paths(exchange)["exchange"]
    assert claim.form == "balanced"
    assert "balanced image" in exchange.sentence
    assert "under the balancing map" in exchange.bounds[0].along
    page = render(read_certificate(exchange.certificate))
    assert "the image of straight segments under the balancing map" in page
    literal = replace(claim, form="literal")
    c = read_certificate(exchange.certificate)
    assert "weight decay as it is" in literal.sentence(c.problem)


def test_weight_decay_on_the_line_is_at_or_above_every_sample():
    A, B = tiny_network(1), tiny_network(2)
    data, o = tiny_data(3, "regression"), make_objective("squared", kappa=0.3, penalty="weight_decay")
    result = verifier.certify(A, B, data, loss="squared", kappa=0.3, penalty="weight_decay", method="line")
    top = max(o.value(linear_combination(A, B, t), data.X, data.y[:, None]) for t in np.linspace(0, 1, 201))
    assert top <= paths(result)["line"].sup <= 1.01 * top


def test_json_says_which_path(tmp_path, capsys):
    A, _, B = decaying()
    for name, net in (("a", A), ("b", B)):
        np.savez(tmp_path / "d.npz", X=fit().X, y=fit().y)
        from safetensors.numpy import save_file

        save_file(
            {"0.weight": net.W, "0.bias": net.b, "2.weight": net.theta, "2.bias": net.c},
            tmp_path / f"{name}.safetensors",
        )
    words = [
        "certify",
        "--pair",
        "a.safetensors",
        "b.safetensors",
        "--data",
        "d.npz",
        "--loss",
        "squared",
        "--kappa",
        "0.1",
    ]
    assert main([*words, "--penalty", "weight_decay", "--method", "exchange", "--json", "--no-report"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert "under the balancing map" in found["bounds"][0]["along"]


def test_polished_networks_are_not_the_ones_that_were_loaded():
    """The verdict line and the page say so; check_file says that the certificate is about others."""
    A, B = tiny_network(1), tiny_network(2)
    words = {"loss": "logistic", "kappa": 0.01, "method": "line"}
    polished = verifier.certify(A, B, tiny_data(3), **words, polish=True)
    assert "between the polished copies of A and B, not the networks that were loaded" in polished.sentence
    assert "polished copies of the networks that were loaded" in render(read_certificate(polished.certificate))
    found = verifier.check_file(polished.certificate, networks=(A, B))
    assert not found.accepted
    assert all(v.accepted for _, _, v in found.verdicts)
    plain = verifier.certify(A, B, tiny_data(3), **words)
    assert "polished" not in plain.sentence
    assert verifier.check_file(plain.certificate, networks=(A, B)).accepted

"""Nguyen, Bréchet, Mondelli 2021: every claim gets its word; counterexamples hold by independent computation."""

import numpy as np
import pytest

from verifier.audit.nguyen2021 import STATEMENTS
from verifier.audit.nguyen2021.corollaries import a1, best_cross_entropy, cross_entropy, separator
from verifier.audit.nguyen2021.paths import outputs
from verifier.audit.run import audit

BY_NAME = {s.identifier: s for s in STATEMENTS}


@pytest.mark.parametrize("name", list(BY_NAME))
def test_every_claim_gets_its_word(name):
    finding = audit(BY_NAME[name], count=20)
    assert finding.as_expected, finding.worst
    assert finding.repaired is None or finding.repaired.as_expected


def test_features_on_one_ray_are_separable_but_not_without_a_bias():
    """By hand: logits differ by delta and 2 delta, so the loss is (softplus(-delta) + softplus(2 delta)) / 2, about 0.64."""
    Z, labels = np.array([[1.0, 1.0], [2.0, 2.0]]), np.array([0, 1])
    assert separator(Z, labels, 2, True) is not None
    assert separator(Z, labels, 2, False) is None
    delta = np.linspace(-40, 40, 800001)
    by_grid = float(np.min(np.logaddexp(0, -delta) + np.logaddexp(0, 2 * delta)) / 2)
    assert by_grid == pytest.approx(0.642, abs=1e-3)
    assert best_cross_entropy(Z, labels, 2) == pytest.approx(by_grid, abs=1e-6)


def test_a_bias_in_the_last_layer_would_do():
    Z, labels = np.array([[1.0, 1.0], [2.0, 2.0]]), np.array([0, 1])
    W, b, margin = separator(Z, labels, 2, True)
    assert cross_entropy((Z @ W + b) * 40 / margin, labels) < 1e-30


def test_outputs_agree_with_the_networks_of_the_project():
    from verifier.networks.network import Network

    rng = np.random.default_rng(0)
    W, b = [rng.normal(size=s) for s in ((2, 4), (4, 3), (3, 1))], [rng.normal(size=4), rng.normal(size=3)]
    network = Network(tuple(w.T for w in W), (*b, None))
    X = rng.normal(size=(6, 2))
    assert np.allclose(outputs(X, W, b, "relu"), network.predict(X).reshape(6, 1))


def test_condition_a1_counts_as_written():
    assert a1(16, 32, 16, 1, 4 * 2 * 4)
    assert not a1(16, 32, 16, 1, 4 * 2 * 4 + 1)
    assert not a1(16, 32, 15, 1, 1)

"""Leaky ReLU from training to the checked certificate: the slope is never lost and never guessed."""

import numpy as np
import pytest

from verifier import Dataset
from verifier.certificate import read_certificate
from verifier.errors import CheckpointError, UsageError
from verifier.kernel import check
from verifier.networks.checkpoint import load_checkpoint, save_checkpoint
from verifier.pipeline.certify import certify
from verifier.training.train import train_network


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    return Dataset(X, np.sin(X[:, :1]), "sine", "regression", {})


@pytest.fixture(scope="module")
def pair(data):
    return [train_network(data, (8, 6), "squared", seed=i, epochs=30, negative_slope=0.1) for i in range(2)]


def test_training_uses_the_slope(pair, data):
    for t in pair:
        assert t.network.negative_slope == 0.1
        assert t.settings["negative_slope"] == 0.1
        assert np.mean((t.network.predict(data.X) - data.y) ** 2) == pytest.approx(t.history[-1], rel=1e-4)


def test_certificates_of_leaky_networks(pair, data, tmp_path):
    """Both evaluations accept; the file says the slope; with another slope the claims are rejected."""
    for method in ("theorem41", "exchange", "line"):
        r = certify(
            pair[0].network,
            pair[1].network,
            data,
            loss="squared",
            method=method,
            out=tmp_path / f"{method}.safetensors",
        )
        c = read_certificate(r.certificate)
        assert c.problem.negative_slope == 0.1
        for claim in c.claims:
            for evaluation in ("fast", "reference"):
                assert check(c.problem, claim, evaluation=evaluation).accepted
        as_relu = type(c.problem)(*(getattr(c.problem, f) for f in ("objective", "X", "targets", "A", "B")))
        assert not all(check(as_relu, claim).accepted for claim in c.claims)


def test_methods_for_relu_say_so(tmp_path, data):
    A, B = (train_network(data, 5, "squared", seed=i, epochs=5, negative_slope=0.1).network for i in range(2))
    said = []
    certify(
        A, B, data, loss="squared", method="exchange,theorem2,descent", out=tmp_path / "c.safetensors", say=said.append
    )
    text = "\n".join(said)
    assert "theorem2: defined for ReLU" in text
    assert "descent: defined for ReLU" in text
    assert "5-1, Leaky ReLU (negative slope 0.1); loss" in text


def test_another_slope_is_another_file(tmp_path, data, monkeypatch):
    """The same parameters with another activation are another pair, whose certificate must not replace the first one's."""
    monkeypatch.chdir(tmp_path)
    A, B = (train_network(data, 5, "squared", seed=i, epochs=5).network for i in range(2))
    for name, n in (("a.pt", A), ("b.pt", B)):
        save_checkpoint(tmp_path / name, n)
    files = [
        certify("a.pt", "b.pt", data, loss="squared", method="line", negative_slope=s).certificate
        for s in (None, 0.1, 0.2)
    ]
    assert len(set(files)) == 3
    assert [read_certificate(f).problem.negative_slope for f in files] == [0.0, 0.1, 0.2]


def test_checkpoints_keep_the_slope(pair, data, tmp_path):
    for suffix in ("pt", "safetensors"):
        file, bare = tmp_path / f"a.{suffix}", tmp_path / f"bare.{suffix}"
        t = pair[0]
        save_checkpoint(file, t.network, {**t.settings, "network_sha256": t.network.sha256()})
        assert load_checkpoint(file).network.same_parameters(t.network)
        save_checkpoint(bare, t.network)
        assert load_checkpoint(bare).network.negative_slope == 0.0
        with pytest.raises(UsageError, match="slope"):
            certify(
                file, file, data, loss="squared", method="exchange", negative_slope=0.2, out=tmp_path / "c.safetensors"
            )
        r = certify(
            bare, bare, data, loss="squared", method="exchange", negative_slope=0.1, out=tmp_path / "c.safetensors"
        )
        assert pytest.approx(float(np.mean((t.network.predict(data.X) - data.y) ** 2))) == r.E
    save_checkpoint(tmp_path / "bad.pt", pair[0].network, {"negative_slope": "steep"})
    with pytest.raises(CheckpointError, match="negative_slope"):
        load_checkpoint(tmp_path / "bad.pt")
    with pytest.raises(UsageError, match=r"slopes 0\.1 and 0"):
        certify(pair[0].network, tmp_path / "bare.pt", data, loss="squared", method="exchange")


def test_theorem_51_from_certify(tmp_path):
    """Nguyen 2019, Theorem 5.1 by name: the certified gap is rounding."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(6, 2))
    data = Dataset(X, rng.normal(size=(6, 1)), "six", "regression", {})
    A, B = (train_network(data, (12, 4), "squared", seed=i, epochs=20, negative_slope=0.2).network for i in range(2))
    r = certify(A, B, data, loss="squared", method="theorem51", out=tmp_path / "c.safetensors")
    assert r.gap is not None
    assert r.gap <= 1e-8
    with pytest.raises(UsageError, match="theorem61"):
        certify(A, B, data, loss="squared", method="theorem61", out=tmp_path / "c.safetensors")

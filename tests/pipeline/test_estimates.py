"""Proofs do not wait for estimates: the certificate is there before DSS begins, DSS has its time, and stopping it loses nothing."""

from pathlib import Path

import numpy as np
import pytest

import verifier
from verifier.certificate import read_certificate
from verifier.objective import Risk, make_objective
from verifier.paths.curves.dss import dss
from verifier.pipeline import certify as certify_module

from .conftest import tiny_data, tiny_network

OPTIONS = {"loss": "logistic", "kappa": 0.01}


def test_the_certificate_is_there_before_the_estimate_begins(monkeypatch):
    seen = []
    real = certify_module.propose

    def watching(c, s, r):
        seen.append((c.name, Path("c.safetensors").exists(), r.seconds))
        return real(c, s, r)

    monkeypatch.setattr(certify_module, "propose", watching)
    result = verifier.certify(tiny_network(1), tiny_network(2), tiny_data(3), out="c.safetensors", **OPTIONS)
    names = [name for name, _, _ in seen]
    assert names[-1] == "dss"
    assert [there for name, there, _ in seen] == [name == "dss" for name in names]
    assert seen[-1][2] >= certify_module.ESTIMATE_LEAST
    record = read_certificate(result.certificate).record
    assert [e["construction"] for e in record["estimates"]][-1] == "dss"


def test_stopped_during_the_estimate_the_proof_is_kept(monkeypatch):
    real = certify_module.propose

    def stopped(c, s, r):
        if c.name == "dss":
            raise KeyboardInterrupt
        return real(c, s, r)

    monkeypatch.setattr(certify_module, "propose", stopped)
    heard = []
    with pytest.raises(KeyboardInterrupt):
        verifier.certify(
            tiny_network(1), tiny_network(2), tiny_data(3), out="c.safetensors", say=heard.append, **OPTIONS
        )
    assert heard[-1].startswith("interrupted; what is proved so far is in c.safetensors: CERTIFIED gap <= 0")
    found = verifier.check_file("c.safetensors")
    assert found.accepted


def test_stopped_between_constructions_what_is_proved_is_kept(monkeypatch):
    real = certify_module.propose

    def stopped(c, s, r):
        if c.name == "halves":
            raise KeyboardInterrupt
        return real(c, s, r)

    monkeypatch.setattr(certify_module, "propose", stopped)
    with pytest.raises(KeyboardInterrupt):
        verifier.certify(
            tiny_network(1), tiny_network(2), tiny_data(3), out="c.safetensors", method="line,halves", **OPTIONS
        )
    certificate = read_certificate(Path("c.safetensors"))
    assert "interrupted: what was not begun is missing here" in certificate.record["skipped"]
    assert verifier.check_file("c.safetensors").accepted


def test_an_estimate_whose_time_is_over_says_so():
    """Its maximum is over the whole string that it had, unfinished segments too."""
    A, B, data = tiny_network(11), tiny_network(12), tiny_data(3)
    result = verifier.certify(A, B, data, method="exchange,dss", estimate_seconds=1e-9, **OPTIONS)
    (e,) = [e for e in result.estimates if e.construction == "dss"]
    assert e.stopped
    assert not e.hit
    assert "stopped after" in e.note
    objective = make_objective("logistic", kappa=0.01)
    targets = objective.loss.encode(data)
    whole = dss(A, B, Risk(objective, data.X, targets))
    assert not whole.stopped
    first = dss(A, B, Risk(objective, data.X, targets), seconds=0.0)
    assert len(first.path.moves) == 1
    line = [
        objective.value(verifier.networks.network.linear_combination(A, B, t), data.X, targets)
        for t in np.linspace(0, 1, 200)
    ]
    assert first.maximum == pytest.approx(max(line), rel=1e-12)


def test_an_estimate_of_nothing_is_no_option(capsys):
    from verifier.cli.main import main

    words = ["certify", "--pair", "a.pt", "b.pt", "--method", "exchange", "--estimate-seconds", "3"]
    assert main(words) == 2
    assert (
        "--estimate-seconds 3 is for estimates, and would change nothing with method exchange"
        in capsys.readouterr().err
    )


def test_what_an_estimate_certified_is_kept_when_the_next_is_stopped(monkeypatch):
    """The file was written before the first estimate; what was certified since is in it too."""
    real = certify_module.propose

    def stopped(c, s, r):
        if c.name == "bezier":
            raise KeyboardInterrupt
        return real(c, s, r)

    monkeypatch.setattr(certify_module, "propose", stopped)
    heard: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        verifier.certify(
            tiny_network(11),
            tiny_network(12),
            tiny_data(3),
            method="line,dss,bezier",
            out="c.safetensors",
            say=heard.append,
            **OPTIONS,
        )
    c = read_certificate(Path("c.safetensors"))
    assert set(c.record["paths"]) == {"line", "dss"}
    assert c.record["verdict"]["sentence"] in heard[-1]
    assert verifier.check_file("c.safetensors").accepted

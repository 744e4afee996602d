"""`certify --pad`: networks of different widths, and who says that one was padded."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch

import verifier
from verifier.certificate.file import read_certificate
from verifier.cli.main import main

DATA = "moons:n=40,noise=0.2,seed=1"


def saved(path, widths, seed):
    torch.manual_seed(seed)
    layers = []
    for a, b in itertools.pairwise(widths):
        layers += [torch.nn.Linear(a, b), torch.nn.ReLU()]
    torch.save(torch.nn.Sequential(*layers[:-1]).state_dict(), path)
    return str(path)


@pytest.fixture
def pair(tmp_path):
    return saved(tmp_path / "small.pt", (2, 3, 1), 0), saved(tmp_path / "large.pt", (2, 5, 1), 1)


def certify(pair, *words):
    return main(["certify", "--pair", *pair, "--data", DATA, "--loss", "logistic", "--out", "c.safetensors", *words])


def test_without_the_option_the_refusal_names_it(pair, capsys):
    assert certify(pair) == 2
    assert (
        "; --pad (pad=True) adds dead neurons to the narrower layers, which changes no function"
        in capsys.readouterr().err
    )


def test_where_more_than_widths_differ_it_is_not_named(tmp_path, pair, capsys):
    deep = saved(tmp_path / "deep.pt", (2, 3, 3, 1), 2)
    assert certify((pair[0], deep)) == 2
    assert "--pad" not in capsys.readouterr().err
    assert certify((pair[0], deep), "--pad") == 2
    assert "A and B differ in their number of layers, 2 and 3" in capsys.readouterr().err


@pytest.mark.parametrize("turned", [False, True])
def test_verdict_report_and_check_say_which_network_is_padded(pair, capsys, turned):
    files, name = (pair[::-1], "B") if turned else (pair, "A")
    assert certify(files, "--pad", "--method", "exchange,line") == 0
    out, err = capsys.readouterr()
    words = "padded from 2-3-1 to 2-5-1 with 2 dead neurons (zero weights in and out), the same function"
    assert f"; {name} padded with dead neurons to 2-5-1, the same function" in out
    assert f"{name}: {words}" in err
    page = Path(next(line.split()[1] for line in err.splitlines() if line.startswith("report "))).read_text(
        encoding="utf-8"
    )
    assert (
        f"By the record, {name} is the loaded network of widths 2-3-1 with dead neurons added, the same function."
        in page
    )
    assert main(["check", "c.safetensors", "--reference", "--networks", *pair]) == 0
    said = capsys.readouterr()
    assert f"{name} of the certificate is {pair[0]}, {words}" in said.err
    assert "networks compared" in said.out


def test_F_is_that_of_the_network_that_was_loaded(pair):
    from verifier.networks.checkpoint import load_checkpoint

    assert certify(pair, "--pad", "--method", "line", "--no-report") == 0
    certificate = read_certificate(Path("c.safetensors"))
    small, p = load_checkpoint(pair[0]).network, certificate.problem
    F = float(np.mean(np.logaddexp(0.0, -p.targets * small.predict(p.X))))
    claim = next(c for c in certificate.claims if getattr(c, "network", None) == "A")
    assert claim.lower <= F <= claim.upper
    assert certificate.record["endpoints"]["A"]["padded_from"] == [2, 3, 1]
    assert certificate.record["endpoints"]["A"]["source"]["SHA-256 before padding"] == small.sha256()


def test_check_refuses_another_narrow_network(tmp_path, pair, capsys):
    assert certify(pair, "--pad", "--method", "line", "--no-report") == 0
    other = saved(tmp_path / "other.pt", (2, 3, 1), 7)
    assert main(["check", "c.safetensors", "--networks", other, pair[1]]) == 5
    assert "A of the certificate is another network than" in capsys.readouterr().err
    wider = saved(tmp_path / "wider.pt", (2, 6, 1), 7)
    assert main(["check", "c.safetensors", "--networks", wider, pair[1]]) == 5


def test_deep_networks_each_narrower_in_another_layer(tmp_path, capsys):
    files = saved(tmp_path / "a.pt", (2, 3, 6, 1), 3), saved(tmp_path / "b.pt", (2, 5, 4, 1), 4)
    assert certify(files, "--pad", "--method", "exchange,line,rebasin", "--json", "--no-report") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["padded_from"] == {"A": [2, 3, 6, 1], "B": [2, 5, 4, 1]}
    assert "; A and B padded with dead neurons to 2-5-6-1, the same functions" in found["sentence"]
    assert main(["check", "c.safetensors", "--networks", *files]) == 0


def test_where_nothing_is_to_be_added_it_is_said(tmp_path, pair, capsys):
    other = saved(tmp_path / "other.pt", (2, 3, 1), 7)
    assert certify((pair[0], other), "--pad", "--method", "line", "--json") == 0
    out, err = capsys.readouterr()
    assert "pad: A and B have the same widths, so there was nothing to add" in err
    assert json.loads(out)["padded_from"] == {}
    assert "padded" not in json.loads(out)["sentence"]


def test_polish_keeps_what_was_padded(pair, capsys):
    assert certify(pair, "--pad", "--polish", "--method", "exchange", "--no-report") == 0
    out = capsys.readouterr().out
    assert "padded with dead neurons" in out
    assert "between the polished copies" in out
    endpoint = read_certificate(Path("c.safetensors")).record["endpoints"]["A"]
    assert endpoint["padded_from"] == [2, 3, 1]
    assert "polished from" in endpoint["source"]


def test_modules_in_python():
    a, b = (torch.nn.Sequential(torch.nn.Linear(2, m), torch.nn.ReLU(), torch.nn.Linear(m, 1)) for m in (3, 4))
    X = np.random.default_rng(0).normal(size=(20, 2))
    y = (X[:, 0] > 0).astype(int)
    with pytest.raises(verifier.UsageError, match="pad=True"):
        verifier.certify(a, b, (X, y), loss="logistic", method="line")
    found = verifier.certify(a, b, (X, y), loss="logistic", method="line", pad=True, out="c.safetensors")
    assert found.padded_from == {"A": (2, 3, 1)}
    assert verifier.check_file("c.safetensors", networks=(a, b)).accepted


def test_all_pads_to_the_widest(tmp_path, pair, capsys):
    third = saved(tmp_path / "third.pt", (2, 4, 1), 5)
    words = ["certify", "--all", *pair, third, "--data", DATA, "--loss", "logistic", "--out", "all"]
    assert main(words) == 2
    assert "--pad (pad=True) adds dead neurons" in capsys.readouterr().err
    assert main([*words, "--pad"]) == 0
    out, err = capsys.readouterr()
    assert "small: padded from 2-3-1 to 2-5-1 with 2 dead neurons" in err
    assert "small, third padded with dead neurons to 2-5-1, the same function" in out
    assert "3 certificates made" in err
    assert main([*words, "--pad"]) == 0
    assert "3 kept after a check" in capsys.readouterr().err

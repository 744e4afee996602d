"""`verifier certify` from outside: streams, exit codes, foreign checkpoints."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from verifier.cli.main import main

from .conftest import DATA


def test_one_verdict_line_on_stdout_and_endpoints_first_on_stderr(trained, capsys):
    assert main(["certify", "--pair", *map(str, trained), "--method", "exchange"]) == 0
    out, err = capsys.readouterr()
    assert out.count("\n") == 1
    assert out.startswith("CERTIFIED gap <= ")
    assert "(E = " in out
    first = err.splitlines()
    assert first[0].startswith("A: F = ")
    assert "accuracy" in first[0]
    assert first[0].endswith("0.pt")
    assert first[1].startswith("B: F = ")
    assert any(line.startswith("certificate certificates/") for line in first)
    assert any(line.startswith("report reports/") for line in first)


def test_json_carries_exact_numbers(trained, capsys, tmp_path):
    assert main(["certify", "--pair", *map(str, trained), "--method", "line", "--json", "--report", "r.html"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["outcome"] == "CERTIFIED"
    assert found["bounds"][0]["kind"] == "certified"
    assert float.fromhex(found["bounds"][0]["gap_hex"]) == found["bounds"][0]["gap"]
    assert found["estimates"][0]["kind"] == "sampled"
    assert (tmp_path / found["report"]).exists()
    assert (tmp_path / found["certificate"]).exists()


def test_exit_codes(trained, capsys, tmp_path):
    pair = [*map(str, trained)]
    assert main(["certify", "--pair", *pair, "--method", "line", "--no-report", "--level", "9"]) == 0
    assert main(["certify", "--pair", *pair, "--method", "line", "--no-report", "--level", "1e-9"]) == 5
    E = 0.0
    main(["certify", "--pair", *pair, "--method", "line", "--no-report", "--json"])
    E = json.loads(capsys.readouterr().out.splitlines()[-1])["E"]
    assert main(["certify", "--pair", *pair, "--method", "line", "--no-report", "--level", repr(E * (1 + 1e-9))]) == 3
    assert main(["certify", "--pair", pair[0], str(tmp_path / "none.pt")]) == 4
    assert "none.pt" in capsys.readouterr().err
    assert main(["certify", "--pair", *pair, "--loss", "squared", "--kappa", "-1"]) == 2
    assert "kappa must be a finite number >= 0, got -1.0" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stop:
        main(["certify", "--pair", pair[0]])
    assert stop.value.code == 2


def test_an_internal_error_exits_1_and_asks_for_a_report(trained, capsys, monkeypatch):
    monkeypatch.setattr("verifier.pipeline.certify.chosen", lambda *_: 1 / 0)
    assert main(["certify", "--pair", *map(str, trained)]) == 1
    assert "a defect of verifier; please report" in capsys.readouterr().err


class Classifier(torch.nn.Module):
    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = torch.nn.Linear(2, 5), torch.nn.Linear(5, outputs)

    def forward(self, x):
        return self.fc2(torch.relu(self.fc1(x)))


def sequential(outputs: int = 1, bias: bool = True) -> torch.nn.Module:
    return torch.nn.Sequential(
        torch.nn.Linear(2, 5, bias=bias), torch.nn.ReLU(), torch.nn.Linear(5, outputs, bias=bias)
    )


FOREIGN = {
    "sequential": lambda: sequential().state_dict(),
    "without-biases": lambda: sequential(bias=False).state_dict(),
    "fc1-fc2": lambda: Classifier(1).state_dict(),
    "data-parallel": lambda: {
        "state_dict": {f"module.{k}": v for k, v in Classifier(1).state_dict().items()},
        "epoch": 3,
    },
    "compiled": lambda: {f"_orig_mod.module.{k}": v for k, v in sequential().state_dict().items()},
    "half": lambda: {k: v.half() for k, v in sequential().state_dict().items()},
    "safetensors": lambda: sequential().state_dict(),
    "ten-outputs": lambda: sequential(10).state_dict(),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_foreign_checkpoints_certify_unchanged(kind, tmp_path, capsys):
    """Files nobody prepared for verifier, with data and loss named by options."""
    names = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        content = FOREIGN[kind]()
        names.append(str(tmp_path / (f"{seed}.safetensors" if kind == "safetensors" else f"{seed}.pt")))
        (save_file if kind == "safetensors" else torch.save)(content, names[-1])
    data, loss = (DATA, "logistic")
    if kind == "ten-outputs":
        rng = np.random.default_rng(0)
        np.savez(tmp_path / "ten.npz", X=rng.normal(size=(40, 2)), y=np.arange(40) % 10)
        data, loss = str(tmp_path / "ten.npz"), "cross_entropy"
    out = str(tmp_path / "c.safetensors")
    assert (
        main(
            [
                "certify",
                "--pair",
                *names,
                "--data",
                data,
                "--loss",
                loss,
                "--method",
                "exchange,line",
                "--out",
                out,
                "--no-report",
            ]
        )
        == 0
    )
    assert capsys.readouterr().out.startswith("CERTIFIED gap <= ")
    assert main(["check", out, "--reference"]) == 0


def test_a_table_with_a_target_column(tmp_path, capsys):
    rng = np.random.default_rng(0)
    rows = ["a,b,price"] + [f"{a:.3f},{b:.3f},{a - b:.3f}" for a, b in rng.normal(size=(30, 2))]
    (tmp_path / "t.csv").write_text("\n".join(rows))
    for seed in (1, 2):
        torch.manual_seed(seed)
        torch.save(sequential().state_dict(), tmp_path / f"{seed}.pt")
    words = [
        "certify",
        "--pair",
        "1.pt",
        "2.pt",
        "--data",
        "t.csv",
        "--loss",
        "squared",
        "--method",
        "line",
        "--no-report",
    ]
    assert main([*words, "--target", "price", "--standardize"]) == 0
    assert main(words) == 4
    assert "say so with --target COLUMN" in capsys.readouterr().err

"""No option is taken and then ignored."""

from dataclasses import replace

import pytest
import torch

from verifier.certificate import read_certificate, write_data
from verifier.cli.main import main
from verifier.errors import UsageError
from verifier.objective import make_objective

from .conftest import DATA

PLAIN = ["--data", DATA, "--loss", "squared"]
WORDS = {
    "penalty without its weight": (["certify", "--pair", "A", "B", *PLAIN, "--penalty", "path"], "penalty path needs the penalty's weight"),
    "output bias without weight": (["certify", "--pair", "A", "B", *PLAIN, "--penalise-output-bias"], "needs the penalty's weight"),
    "penalty of all pairs": (["certify", "--all", "A", "B", "C", *PLAIN, "--penalty", "l1"], "penalty l1 needs"),
    "penalty of a landscape": (["landscape", *PLAIN, "--width", "1", "--penalty", "path"], "penalty path needs"),
    "penalty in stability": (["stability", "--preset", "figure3a", "--penalty", "l1"], "penalty l1 needs"),
    "penalty in training": (["train", *PLAIN, "--width", "3", "--penalty", "path", "--out", "c.pt"], "penalty path needs"),
    "negative tight": (["certify", "--pair", "A", "B", "--tight", "-1"], "tight must be a positive number such as 1e-4, got -1"),
    "tight nan": (["certify", "--all", "A", "B", "C", "--tight", "nan"], "tight must be a positive number"),
    "empty method": (["certify", "--pair", "A", "B", "--method", ""], "'' is unknown; expected all, or some of"),
    "empty method of all": (["certify", "--all", "A", "B", "C", "--method", ""], "'' is unknown"),
    "exhaustive with a name": (["certify", "--pair", "A", "B", "--method", "line", "--exhaustive"], "would change nothing with method line"),
    "exhaustive with a string": (["certify", "--pair", "A", "B", "--string", "s.npz", "--exhaustive"], "would change nothing with --string s.npz"),
    "regions, out while counting": (["regions", "--data", DATA, "--out", "c.safetensors"], "counting regions writes no file"),
    "regions, trials while counting": (["regions", "--data", DATA, "--trials", "3"], "--trials belongs to --preset"),
    "regions, target with a preset": (["regions", "--preset", "figure2", "--target", "y"], "--target does not belong to --preset"),
    "landscape, compare with a pair": (["landscape", "--pair", "A", "B", "--compare", "5"], "--compare: belongs to --width"),
    "DSS's preset without DSS": (["certify", "--pair", "A", "B", "--method", "line", "--dss-preset", "paper"], "would change nothing with method line"),
    "DSS's device of all pairs": (["certify", "--all", "A", "B", "C", "--device", "cpu"], "would change nothing with method exchange"),
    "audit's folder without certificates": (["audit", "--certificates-out", "x"], "needs --certificates"),
    "sweep, printing into a folder": (["sweep", "--preset", "paper", "--print", "--out", "x"], "--out would change nothing"),
    "header of no table": (["certify", "--pair", "A", "B", *PLAIN, "--no-header"], "--no-header belong to .csv files"),
}  # fmt: skip


@pytest.mark.parametrize("what", WORDS)
def test_refused_with_a_sentence(what, capsys):
    """With networks of another program, which record no weight."""
    words, text = WORDS[what]
    for seed, name in enumerate("ABC"):
        torch.manual_seed(seed)
        torch.save(
            torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1)).state_dict(),
            f"{name}.pt",
        )
    assert main([f"{w}.pt" if w in ("A", "B", "C") else w for w in words]) == 2
    assert text in capsys.readouterr().err


def test_data_of_a_certificate_that_embeds_them_are_compared(certificate, tmp_path, capsys):
    """The option is not passed over: the same data pass, other data and no data are refused."""
    problem, same, other = read_certificate(certificate).problem, tmp_path / "same.data", tmp_path / "other.data"
    write_data(same, problem)
    write_data(other, replace(problem, X=2.0 * problem.X))
    assert main(["check", str(certificate), "--data", str(same)]) == 0
    assert main(["check", str(certificate), "--data", str(other)]) == 4
    assert "embeds other data" in capsys.readouterr().err
    (tmp_path / "x.npz").write_bytes(b"PK")
    for wrong in ("nothing.data", "x.npz"):
        capsys.readouterr()
        assert main(["check", str(certificate), "--data", str(tmp_path / wrong)]) == 2
        said = capsys.readouterr()
        assert said.out == "", "the certificate is not judged by a file that was named by mistake"
        assert f"--data: {tmp_path / wrong}" in said.err


def test_a_weight_of_zero_is_said_and_the_objective_is_the_loss():
    assert make_objective("squared", kappa=0.0, penalty="path").penalty == "none"
    with pytest.raises(UsageError, match="give --kappa K as well"):
        make_objective("squared", penalty="path")

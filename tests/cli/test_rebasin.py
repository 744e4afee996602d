"""`certify --method rebasin`: a certified line to a permuted copy of B, which is never taken for a path between A and B."""

import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from verifier.certificate.file import read_certificate
from verifier.cli.main import main
from verifier.kernel import check
from verifier.kernel.statements import PathUpperBound
from verifier.outcomes import CertifiedBound
from verifier.pipeline.consistent import BoundsContradict, require_consistent

DATA = "moons:n=60,noise=0.2,seed=1"


def saved(path, widths, seed, order=None):
    """A Sequential's state dict; with `order` the neurons of its first hidden layer in that order."""
    torch.manual_seed(seed)
    layers = []
    for a, b in itertools.pairwise(widths):
        layers += [torch.nn.Linear(a, b), torch.nn.ReLU()]
    state = torch.nn.Sequential(*layers[:-1]).state_dict()
    if order is not None:
        state["0.weight"], state["0.bias"] = state["0.weight"][order], state["0.bias"][order]
        state["2.weight"] = state["2.weight"][:, order]
    torch.save(state, path)
    return str(path)


@pytest.fixture(params=[(2, 5, 1), (2, 5, 4, 1)], ids=["one hidden layer", "two hidden layers"])
def copies(request, tmp_path):
    """B is A with its first layer's neurons in another order."""
    a = saved(tmp_path / "a.pt", request.param, 0)
    return a, saved(tmp_path / "b.pt", request.param, 0, order=[3, 1, 4, 0, 2])


def certify(pair, *words):
    return main(
        ["certify", "--pair", *pair, "--data", DATA, "--loss", "logistic", "--out", "c.safetensors", *words]
    )  # fmt: skip


def test_a_shuffled_copy_has_gap_0_up_to_permutation_and_the_verdict_says_so(copies, capsys):
    assert certify(copies, "--method", "rebasin") == 0
    out, err = capsys.readouterr()
    assert out.startswith("CERTIFIED gap <= 0 up to permutation (")
    assert "from A to B with its hidden neurons permuted, the same function" in out
    assert "rebasin: certified gap <= 0 over E up to permutation" in err
    page = next(line.split()[1] for line in err.splitlines() if line.startswith("report "))
    text = Path(page).read_text(encoding="utf-8")
    assert "Up to permutation there is no barrier" in text
    assert "rebasin, up to permutation" in text
    assert "No path between A and B themselves is certified here" in text
    assert main(["check", "c.safetensors", "--reference", "--networks", *copies]) == 0
    assert "to B with its hidden neurons permuted" in capsys.readouterr().err


def test_json_keeps_the_two_gaps_apart(copies, capsys):
    assert certify(copies, "--method", "rebasin", "--json", "--no-report") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["gap"] is None
    assert found["gap_hex"] is None
    assert found["gap_up_to_permutation"] == 0.0
    assert [b["up_to_permutation"] for b in found["bounds"]] == [True]


def test_beside_another_path_the_headline_is_the_gap_between_A_and_B(copies, capsys):
    assert certify(copies, "--method", "rebasin,line", "--json", "--no-report") == 0
    found = json.loads(capsys.readouterr().out)
    line = next(b for b in found["bounds"] if b["method"] == "line")
    assert line["gap"] > 0.0
    assert found["gap"] == line["gap"]
    assert found["bounds"][0]["method"] == "line"
    assert "up to permutation" not in found["sentence"]
    certificate = read_certificate(Path("c.safetensors"))
    assert certificate.record["verdict"]["best"] == "line"


def test_a_level_is_answered_by_paths_to_B_where_there_are_some(copies, capsys):
    certify(copies, "--method", "rebasin", "--json", "--no-report")
    level = json.loads(capsys.readouterr().out)["bounds"][0]["sup"]
    assert certify(copies, "--method", "rebasin", "--level", repr(level), "--no-report") == 0
    assert f"stays at or below level {level!r} up to permutation" in capsys.readouterr().out
    assert certify(copies, "--method", "rebasin,line", "--level", repr(level)) == 3
    assert capsys.readouterr().out.startswith("INCONCLUSIVE level")


def test_samples_are_taken_on_the_path_and_a_dropped_permutation_is_rejected(tmp_path, capsys):
    pair = saved(tmp_path / "a.pt", (2, 6, 6, 1), 1), saved(tmp_path / "b.pt", (2, 6, 6, 1), 2)
    assert certify(pair, "--method", "rebasin") == 0
    certificate = read_certificate(tmp_path / "c.safetensors")
    claim = next(c for c in certificate.claims if isinstance(c, PathUpperBound))
    sampled = certificate.record["paths"]["rebasin"]["sampled"]
    assert sampled["maximum"] <= claim.sup
    ends = {c.network: c for c in certificate.claims if hasattr(c, "network")}
    # Its last sample is F at the permuted copy, so F(B).
    assert ends["B"].lower <= sampled["F"][-1] <= ends["B"].upper
    assert check(certificate.problem, claim).accepted
    lied = check(certificate.problem, replace(claim, permutation=None))
    assert not lied.accepted
    assert "does not end in B" in lied.sentence


def test_where_the_matching_moves_nothing_it_is_a_path_to_B_itself(tmp_path, capsys):
    a = saved(tmp_path / "a.pt", (2, 5, 1), 0)
    state = torch.load(a, weights_only=True)
    state["2.bias"] += 0.5
    torch.save(state, tmp_path / "b.pt")
    assert certify((a, str(tmp_path / "b.pt")), "--method", "rebasin", "--json", "--no-report") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["gap"] is not None
    assert found["gap_up_to_permutation"] is None


def test_with_weight_decay_the_stored_line_is_bounded(tmp_path, capsys):
    pair = saved(tmp_path / "a.pt", (2, 5, 1), 3), saved(tmp_path / "b.pt", (2, 5, 1), 4)
    options = ("--kappa", "0.01", "--penalty", "weight_decay", "--no-report")
    assert certify(pair, "--method", "rebasin", *options) == 0
    claims = read_certificate(tmp_path / "c.safetensors").claims
    assert next(c for c in claims if isinstance(c, PathUpperBound)).form == "literal"


def test_a_path_up_to_permutation_says_nothing_against_a_barrier():
    from verifier.kernel.statements import BarrierLowerBound

    empty = np.zeros(0)
    names = [f for f in BarrierLowerBound.__dataclass_fields__ if f != "level"]
    barrier = BarrierLowerBound(**dict.fromkeys(names, empty), level=2.0)
    below = CertifiedBound("rebasin", 1.0, 0.0, 0.0, None, 0.0, up_to_permutation=True)
    require_consistent([barrier], [below])
    with pytest.raises(BoundsContradict):
        require_consistent([barrier], [replace(below, up_to_permutation=False)])


def test_all_refuses_it_as_it_joins_no_pair(tmp_path, capsys):
    files = [saved(tmp_path / f"{k}.pt", (2, 4, 1), k) for k in range(3)]
    words = ["certify", "--all", *files, "--data", DATA, "--loss", "logistic", "--method", "rebasin"]
    assert main(words) == 2
    assert "permuted neurons, which bounds no gap between the networks themselves" in capsys.readouterr().err

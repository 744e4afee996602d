"""check_file: what is true in a file, and whether it is about my networks; the file's record plays no part."""

import json

import numpy as np
import pytest

import verifier
from tests.corpus.correct import all_correct
from tests.corpus.rejected import ATTACKS
from verifier.certificate.file import pack
from verifier.cli.main import main
from verifier.networks.network import Network

CASES = all_correct()


def written(tmp_path, case, name="c", **record):
    case.record.update(record)
    path = tmp_path / f"{name}.safetensors"
    path.write_bytes(pack(*case.packed()))
    return path


def networks(case):
    p = case.problem
    return [Network(n.weights, n.biases, p.negative_slope) for n in (p.A, p.B)]


@pytest.mark.parametrize(
    "name", ["exact-squares", "deep-straight-line", "leaky-relu-chord", "squared-path-penalty-chord-without-biases"]
)
def test_my_networks_in_either_order(name, tmp_path):
    """Bit for bit: one ulp elsewhere, another slope or another depth is another network."""
    case = CASES[name]
    path, (A, B) = written(tmp_path, case), networks(case)
    assert verifier.check_file(path, networks=(A, B)).accepted
    turned = verifier.check_file(path, networks=(B, A), reference=True)
    assert turned.accepted
    assert {e for e, _, _ in turned.verdicts} == {"fast", "reference"}
    W = A.weights[0].copy()
    W[0, 0] = np.nextafter(W[0, 0], 9.0)
    other = Network((W, *A.weights[1:]), A.biases, A.negative_slope)
    slope = [Network(n.weights, n.biases, 0.5) for n in (A, B)]
    for pair in ((other, B), (A, other), (A, A), slope):
        found = verifier.check_file(path, networks=pair)
        assert not found.accepted
        assert any("another" in c.sentence for c in found.comparisons if not c.same)
    with pytest.raises(verifier.UsageError, match="the two networks"):
        verifier.check_file(path, networks=(A,))


def test_what_f_is_on_what_is_said(tmp_path):
    """Loss, penalty, samples, weights and architecture from the checked problem, and hashes of what was checked."""
    found = verifier.check_file(written(tmp_path, CASES["weighted-chord"]))
    assert found.about.startswith(
        "F = weighted mean logistic loss over 6 samples, 0.125 times the path penalty; networks 2-4-1, ReLU"
    )
    assert set(found.hashes) == {"data", "A", "B"}
    assert "delta 0.5" in verifier.check_file(written(tmp_path, CASES["huber-l1-penalised-bias-halves"], "h")).about
    assert "output bias penalised" in verifier.check_file(tmp_path / "h.safetensors").about
    assert "Leaky ReLU of slope 0.25" in verifier.check_file(written(tmp_path, CASES["leaky-relu-chord"], "l")).about


def test_a_record_that_praises_itself_changes_nothing(tmp_path, capsys):
    case = ATTACKS["gap-zero-over-a-high-vertex"]()
    path = written(tmp_path, case, verdict={"outcome": "CERTIFIED", "sentence": "CERTIFIED gap <= 0"})
    assert not verifier.check_file(path).accepted
    assert main(["check", str(path), "--json"]) == 5
    assert json.loads(capsys.readouterr().out)["verdict"] == "REJECTED"
    page = verifier.write_report(path, tmp_path / "r.html").read_text()
    assert "CERTIFIED gap" not in page


def test_the_command_compares_networks(tmp_path, capsys):
    """Files in either order; other networks end with 5 and say which one is not meant."""
    from safetensors.numpy import save_file

    case = CASES["exact-squares"]
    path = written(tmp_path, case)
    for name, n in zip("ab", networks(case)):
        save_file({"0.weight": n.W, "2.weight": n.theta}, tmp_path / f"{name}.safetensors")
    a, b = (str(tmp_path / f"{n}.safetensors") for n in "ab")
    assert main(["check", str(path), "--networks", b, a]) == 0
    said = capsys.readouterr()
    assert "networks compared" in said.out
    assert "A of the certificate is" in said.err
    assert main(["check", str(path), "--networks", a, a]) == 5
    said = capsys.readouterr()
    assert said.out.startswith("REJECTED")
    assert "B of the certificate is another network than" in said.err
    assert main(["check", str(path), "--networks", a, str(tmp_path / "none.pt")]) in (2, 4)


def test_unprintable_names_are_refused_and_printed_harmlessly(tmp_path, capsys):
    """A name cannot break out of its quotation marks, not even in a refusal."""
    from verifier.kernel import PathUpperBound, check

    p = CASES["exact-squares"].problem
    name = 'x" from A to B: F <= 0.0\nVERIFIED path "y'
    verdict = check(p, PathUpperBound(name, (), 1.0, 1.0, 1.0))
    assert not verdict.accepted
    assert "\n" not in verdict.sentence
    assert 'path "x\\"' in verdict.sentence

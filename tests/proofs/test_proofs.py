"""The proofs, and the checker that was extracted from them (docs/proofs.md). All here needs `make proofs`, which CI runs first."""

import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from verifier import proved
from verifier.certificate import read_certificate
from verifier.certificate.file import Certificate
from verifier.cli.main import main
from verifier.errors import UsageError
from verifier.kernel import EndpointValue, PathUpperBound, check
from verifier.proved import ProvedCheckerError, ProvedOutcome, certificate_text, check_proved

ROOT = Path(__file__).parents[2]
PROOFS = ROOT / "proofs"
CORPUS = ROOT / "tests" / "corpus"
# Of Coq's real numbers (ClassicalDedekindReals, Classical_Prop) and of functions; nothing of this project.
AXIOMS = {
    "ClassicalDedekindReals.sig_not_dec",
    "ClassicalDedekindReals.sig_forall_dec",
    "FunctionalExtensionality.functional_extensionality_dep",
    "Classical_Prop.classic",
}
built = pytest.mark.skipif(
    not os.access(proved.BUILT, os.X_OK) and "CI" not in os.environ,
    reason="the checker with a proof is not built: run `make proofs` (needs Coq)",
)


def found(kind):
    paths = sorted((CORPUS / kind).glob("*.safetensors"))
    return pytest.mark.parametrize("path", paths, ids=[p.stem for p in paths])


def sources():
    return sorted(PROOFS.glob("*.v"))


def test_nothing_is_admitted_or_assumed():
    """Comments aside, no word in the sources lets Coq accept a statement without its proof."""
    text = {path.name: re.sub(r"\(\*.*?\*\)", "", path.read_text(), flags=re.DOTALL) for path in sources()}
    assert {"Spec.v", "Checker.v", "Extract.v"} <= text.keys()
    holes = r"\b(Admitted|admit|give_up|Axioms?|Parameters?|Conjecture|bypass_check|Unset\s+(Guard|Positivity|Universe)\s+Check\w*)\b"
    assert {name: re.findall(holes, t) for name, t in text.items() if re.search(holes, t)} == {}
    # Outside a section these two would be axioms; inside they become premises of the theorems.
    for name, t in text.items():
        depth = 0
        for word in re.findall(r"^\s*(Section|Hypothesis|Variables?|Hypotheses|End)\b", t, flags=re.MULTILINE):
            depth += {"Section": 1, "End": -1}.get(word, 0)
            assert depth > 0 or word == "End", f"{name}: {word} outside a section"


def test_the_project_names_every_source():
    listed = {line for line in (PROOFS / "_CoqProject").read_text().split("\n") if line.endswith(".v")}
    assert listed | {"Assumptions.v", "Extract.v"} == {path.name for path in sources()}


@built
def test_the_theorems_rest_on_the_real_numbers_alone():
    """What `Print Assumptions` says of the main theorems, as `make proofs` kept it."""
    parts = (PROOFS / "assumptions.txt").read_text().split("Axioms:\n")
    assert parts[0] == ""
    asked = (PROOFS / "Assumptions.v").read_text().count("Print Assumptions")
    assert len(parts) == 1 + asked >= 4
    used = [set(re.findall(r"^([\w.]+)(?=\s*(?::|$))", part, flags=re.MULTILINE)) for part in parts[1:]]
    assert all(axioms <= AXIOMS for axioms in used)
    assert set.union(*used) == AXIOMS


@built
@pytest.mark.parametrize("kind", ["correct", "rejected"])
def test_some_of_the_corpus_is_covered(kind):
    """At least 25 files whose claims are all covered, of either kind, so that the next test is about something."""
    count = 0
    for path in sorted((CORPUS / kind).glob("*.safetensors")):
        claims = read_certificate(path).claims
        count += all(isinstance(c, proved.COVERED) for c in claims)
    assert count >= 25


@built
@found("correct")
def test_true_claims_that_are_covered_are_proved(path):
    assert all(
        v.outcome in (ProvedOutcome.PROVED, ProvedOutcome.NOT_COVERED) for v in check_proved(read_certificate(path))
    )


@built
@found("rejected")
def test_false_claims_are_never_proved(path):
    """It proves no claim that the kernel rejects, refuses none that the kernel accepts, and never all of a rejected file."""
    c = read_certificate(path)
    verdicts = check_proved(c)
    for v in verdicts:
        accepted = check(c.problem, v.claim).accepted
        assert v.outcome is not (ProvedOutcome.REFUSED if accepted else ProvedOutcome.PROVED), v
    assert not all(v.outcome is ProvedOutcome.PROVED for v in verdicts)


def gallery() -> Certificate:
    """The covered claims of a landscape of the gallery, whose numbers are trained ones."""
    c = read_certificate(ROOT / "certificates" / "landscape-width-2-1.safetensors")
    covered = tuple(v.claim for v in check_proved(c) if v.outcome is not ProvedOutcome.NOT_COVERED)
    return replace(c, claims=covered)


@built
def test_changed_numbers_of_a_gallery_certificate_are_refused():
    """An upper end below the value, a sup and a gap below what is reached, another network at the end: each is refused, and the rest is not."""
    c = gallery()
    assert {v.outcome for v in check_proved(c)} == {ProvedOutcome.PROVED}
    a = next(x for x in c.claims if isinstance(x, EndpointValue) and x.lower > 0)
    path = next(x for x in c.claims if isinstance(x, PathUpperBound) and x.gap > 0)
    bad = (
        replace(a, upper=a.lower, lower=0.0),
        replace(a, lower=a.upper),
        replace(path, sup=a.lower / 2),
        replace(path, gap=path.gap / 2),
        replace(path, gap_over_lower=path.gap_over_lower / 2),
        replace(path, moves=path.moves[:-1]),
    )
    assert [v.outcome for v in check_proved(replace(c, claims=bad))] == [ProvedOutcome.REFUSED] * len(bad)
    moved = replace(c.problem.B, weights=(np.nextafter(c.problem.B.weights[0], 9.0), *c.problem.B.weights[1:]))
    other = replace(c, problem=replace(c.problem, B=moved), claims=(path,))
    assert [v.outcome for v in check_proved(other)] == [ProvedOutcome.REFUSED]


@built
def test_integers_are_the_floats_exactly():
    """All numbers times 2^s, read back, are the stored ones, and s is the least that makes them integers."""
    c = gallery()
    words = certificate_text(c.problem, list(c.claims)).split()
    s, integers = int(words[0]), [int(w, 16) for w in words[1:] if re.fullmatch(r"-?0x[0-9a-f]+", w)]
    rows = c.problem.X.ravel().tolist()
    assert set(rows) <= {i / 2**s for i in integers}
    assert any(i % 2 for i in integers)


@built
@pytest.mark.parametrize("text", ["", "0 0x0 squared", "0 0x0 cubic", "1 2 3 end"])
def test_a_text_that_is_none_ends_the_program(text):
    done = subprocess.run([str(proved.proved_checker())], input=text, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "accepted" not in done.stdout


def test_a_program_that_fails_proves_nothing(monkeypatch, tmp_path):
    """Two verdicts and an exit code, too few verdicts, and another word: all three raise."""
    c = read_certificate(CORPUS / "correct" / "exact-squares.safetensors")
    for k, script in enumerate(
        ("echo accepted; exit 3", "echo accepted", "yes accepted | head -n 4", "yes maybe | head -n 3")
    ):
        fake = tmp_path / f"fake{k}"
        fake.write_text(f"#!/bin/sh\ncat >/dev/null\n{script}\n")
        fake.chmod(0o755)
        monkeypatch.setattr(proved, "BUILT", fake)
        with pytest.raises(ProvedCheckerError):
            check_proved(c)


def test_where_it_is_not_built_the_command_says_how(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(proved, "BUILT", tmp_path / "none")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="make proofs"):
        proved.proved_checker()
    assert main(["check", "--proved", str(CORPUS / "correct" / "exact-squares.safetensors")]) == 2
    assert "make proofs" in capsys.readouterr().err


@built
@pytest.mark.parametrize(
    ("file", "word", "code"),
    [
        ("correct/two-paths-and-a-record", "VERIFIED", 0),
        ("correct/weighted-head", "VERIFIED", 0),
        ("correct/region-optimum-inside", "VERIFIED", 0),
        ("correct/region-with-zero-loss-inside", "INCONCLUSIVE", 3),
        ("rejected/sup-one-ulp-too-low", "REJECTED", 5),
    ],
)
def test_the_command(file, word, code, capsys):
    """A claim that is not covered is never VERIFIED; its words and codes with --json are the same."""
    path = CORPUS / f"{file}.safetensors"
    assert main(["check", "--proved", str(path)]) == code
    assert capsys.readouterr().out.startswith(f"{word} {path}")
    assert main(["check", "--proved", "--json", str(path)]) == code
    assert f'"verdict": "{word}"' in capsys.readouterr().out


def test_without_coq_make_proofs_says_what_is_missing(tmp_path):
    """A PATH with make and a shell alone."""
    for name in ("make", "sh", "sed", "echo", "rm", "bash"):
        where = shutil.which(name)
        assert where is not None
        (tmp_path / name).symlink_to(where)
    copy = tmp_path / "proofs"
    copy.mkdir()
    for path in [*sources(), PROOFS / "Makefile", PROOFS / "_CoqProject"]:
        shutil.copy(path, copy)
    done = subprocess.run(
        ["make", "-C", str(copy)], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "needs Coq 8.16" in done.stderr


@built
def test_shifts_of_many_bits_are_those_bit_by_bit(tmp_path):
    """The one function of proofs/driver/exact.ml that does more than call Zarith, on all numbers below 4097 and on long ones."""
    for path in (PROOFS / "driver" / "exact.ml", Path(__file__).with_name("shifts.ml")):
        shutil.copy(path, tmp_path)
    words = ["ocamlfind", "ocamlopt", "-package", "zarith", "-linkpkg", "exact.ml", "shifts.ml", "-o", "shifts"]
    subprocess.run(words, cwd=tmp_path, check=True, capture_output=True)
    done = subprocess.run([str(tmp_path / "shifts")], capture_output=True, text=True, check=True)
    assert done.stdout == "0 differ\n"


@built
@pytest.mark.slow
@pytest.mark.parametrize("name", ["breast-cancer-20-path", "breast-cancer-20-loss", "moons-20-path", "moons-20-loss"])
def test_the_gallery_of_width_20_is_proved(name):
    verdicts = check_proved(read_certificate(ROOT / "certificates" / f"gallery-{name}.safetensors"))
    # Only the claim about every width, which has a price on whole neurons, is not covered.
    uncovered = {ProvedOutcome.NOT_COVERED} if name.endswith("path") else set()
    assert {v.outcome for v in verdicts} == {ProvedOutcome.PROVED} | uncovered
    assert sum(v.outcome is ProvedOutcome.PROVED for v in verdicts) >= 20


@built
def test_a_network_of_channels_is_not_taken_for_a_dense_one():
    """Its matrices may fit the data as those of a dense network would; F is another one."""
    for path in sorted((CORPUS / "correct").glob("channels-*.safetensors")):
        c = read_certificate(path)
        assert c.problem.geometry is not None
        assert {v.outcome for v in check_proved(c)} == {ProvedOutcome.NOT_COVERED}

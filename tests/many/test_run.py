"""`certify_all` and `certify --all`: certificates per pair, resuming, failures as rows, streams and exit codes."""

import csv
import json
import math
from dataclasses import replace
from itertools import combinations

import pytest

import verifier
from tests.landscape.moons import moons_pair
from tests.pipeline.conftest import tiny_data, tiny_network
from verifier.certificate import read_certificate
from verifier.cli.main import main
from verifier.errors import UsageError
from verifier.kernel import check
from verifier.many import certify_all
from verifier.many import pairs as pairs_module
from verifier.many.result import level_words
from verifier.many.together import Components
from verifier.networks.network import Network
from verifier.numbers import show_down
from verifier.outcomes import Outcome
from verifier.pages.many import write_many_report
from verifier.pipeline.constructions.proposal import Proposal
from verifier.pipeline.kept import NotThis

from .conftest import small, times, train


def test_three_checkpoints_end_to_end(trained, capsys, tmp_path):
    assert main(["certify", "--all", *trained, "--out", "c"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("CERTIFIED 3 of 3 pairs of 3 networks bounded; ")
    assert out.count("\n") == 1
    lines = err.splitlines()
    assert [line.split(":")[0] for line in lines[:3]] == ["0", "1", "2"]
    assert all("F = " in line and "accuracy" in line for line in lines[:3])
    assert lines[3].startswith("data moons")
    assert "c: 3 certificates made, 0 kept after a check, 0 failed" in lines
    assert "%|" not in err, "no bar where there is no terminal"
    files = sorted((tmp_path / "c").glob("*.safetensors"))
    assert len(files) == 3
    for file in files:
        c = read_certificate(file)
        assert all(check(c.problem, claim).accepted for claim in c.claims)
        assert c.record["endpoints"]["A"]["source"]["file"].endswith(".pt")
    assert (tmp_path / "c" / "report.html").exists()
    assert not [p for p in (tmp_path / "c").glob(".*") if p.name != ".verifier"]


def test_csv_and_json_read_back_exactly(tmp_path):
    r = small(tmp_path / "c")
    stored = json.loads((tmp_path / "c" / "results.json").read_text())
    with open(tmp_path / "c" / "results.csv", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert [(row["a"], row["b"]) for row in rows] == list(combinations(r.names, 2))
    for row, found in zip(rows, stored["pairs"], strict=True):
        link = r.landscape.links[r.names.index(row["a"]), r.names.index(row["b"])]
        assert float(row["gap"]) == found["gap"] == link.gap
        assert float(row["sup"]) == found["sup"] == link.sup
        assert float(row["best_gap"]) == r.gaps[row["a"], row["b"]] == found["best_gap"]
        c = read_certificate(tmp_path / "c" / row["certificate"])
        assert c.digest == row["certificate_sha256"] == found["certificate_sha256"]
    assert r.landscape.improvements, "these lines have a lower pass through others"
    assert r.tables == (tmp_path / "c" / "results.csv", tmp_path / "c" / "results.json")


def test_values_and_links_are_the_claims(tmp_path):
    """The landscape holds numbers of accepted claims and no others."""
    r = small(tmp_path / "c", count=3)
    for row in r.rows:
        ends, path = {}, None
        for claim in read_certificate(row.file).claims:
            if hasattr(claim, "network"):
                ends[claim.network] = claim
            else:
                path = claim
        assert (path.sup, path.gap) == (r.landscape.links[row.a, row.b].sup, r.landscape.links[row.a, row.b].gap)
        for k, name in ((row.a, "A"), (row.b, "B")):
            assert ends[name].lower <= r.landscape.values[k].lower <= r.landscape.values[k].upper <= ends[name].upper
            assert r.landscape.values[k].lower <= r.group.members[k].F <= r.landscape.values[k].upper


def test_a_second_run_certifies_nothing(trained, monkeypatch):
    first = certify_all(trained, out="c")
    before = times(first.folder)
    monkeypatch.setattr("verifier.many.pairs.certify", lambda *a, **k: pytest.fail("certified again"))
    said = []
    again = certify_all(trained, out="c", say=said.append)
    assert times(first.folder) == before
    assert not any(r.made for r in again.rows)
    assert again.landscape == first.landscape
    assert "c: 0 certificates made, 3 kept after a check, 0 failed" in said
    assert again.sentence == first.sentence


def test_a_new_network_costs_only_its_own_pairs(tmp_path):
    small(tmp_path / "c", count=3)
    before = times(tmp_path / "c")
    r = small(tmp_path / "c", count=4)
    assert [row.made for row in r.rows] == [row.b == 3 for row in r.rows]
    assert before.items() <= times(tmp_path / "c").items()


def edited(file, change):
    import copy

    from verifier.certificate.file import pack

    c = read_certificate(file)
    document = copy.deepcopy(c.document)
    change(document)
    file.write_bytes(pack(document, c.arrays))


def halve_sup(document):
    path = next(c for c in document["claims"] if c["kind"] == "path_upper_bound")
    path["sup"] = (float.fromhex(path["sup"]) / 2).hex()


def borrowed(file, other):
    """Another pair's certificate, with the record of this one: names, hashes and figures are this pair's."""
    from verifier.certificate.file import pack

    mine, foreign = read_certificate(file), read_certificate(other)
    file.write_bytes(pack({**foreign.document, "record": mine.record}, foreign.arrays))


DAMAGE = {
    "cut short": lambda f, other: f.write_bytes(f.read_bytes()[:-9]),
    "a bit flipped": lambda f, other: f.write_bytes(f.read_bytes()[:-9] + b"\xff" + f.read_bytes()[-8:]),
    "empty": lambda f, other: f.write_bytes(b""),
    "another pair's": lambda f, other: f.write_bytes(other.read_bytes()),
    "another pair's with this one's record": borrowed,
    "a claim too low": lambda f, other: edited(f, halve_sup),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_certificate_is_made_again(damage, tmp_path):
    first = small(tmp_path / "c", count=3)
    broken = first.rows[1].file
    DAMAGE[damage](broken, first.rows[0].file)
    r = small(tmp_path / "c", count=3)
    assert [row.made for row in r.rows] == [False, True, False]
    assert r.landscape == first.landscape
    assert read_certificate(broken).claims


def test_what_a_record_says_changes_nothing(tmp_path):
    """Outcome, bounds and methods are those of the claims."""
    first = small(tmp_path / "c", count=3)

    def rewrite(document):
        verdict = {"outcome": "REFUTED", "sentence": "REFUTED by hand", "best": "exchange"}
        document["record"] = {"verdict": verdict, "paths": {}, "endpoints": {}, "estimates": []}

    edited(first.rows[1].file, rewrite)
    again = small(tmp_path / "c", count=3)
    assert not any(row.made for row in again.rows)
    assert (again.landscape, again.sentence, again.exit_code) == (first.landscape, first.sentence, first.exit_code)
    assert again.rows[1].facts.method == first.rows[1].facts.method


def test_other_code_keeps_nothing(tmp_path, monkeypatch):
    small(tmp_path / "c", count=3)
    monkeypatch.setattr(pairs_module, "code_version", lambda: "repaired")
    assert all(row.made for row in small(tmp_path / "c", count=3).rows)


@pytest.mark.parametrize("change", [{"loss": "hinge"}, {"kappa": 0.02}, {"method": "exchange"}, {"penalty": "l1"}])
def test_other_questions_have_other_files(change, tmp_path):
    options = {"loss": "logistic", "kappa": 0.01, "penalty": "path", "method": "line", "out": tmp_path / "c"}
    networks = [tiny_network(k) for k in range(3)]
    certify_all(networks, tiny_data(3), **options)
    r = certify_all(networks, tiny_data(3), **{**options, **change})
    assert all(row.made for row in r.rows)
    assert len(times(tmp_path / "c")) == 6
    assert all(row.made for row in certify_all(networks, tiny_data(4), **options).rows)


def test_a_certificate_under_the_right_name_about_another_objective_is_not_believed(tmp_path):
    first = small(tmp_path / "c", count=3)
    r = certify_all(
        {f"net {k}": tiny_network(k) for k in range(3)}, tiny_data(3), loss="logistic", kappa=0.03, penalty="path",
        method="line", out=tmp_path / "d",
    )  # fmt: skip
    for mine, foreign in zip(r.rows, first.rows, strict=True):
        mine.file.write_bytes(foreign.file.read_bytes())
        with pytest.raises(NotThis, match="other networks, data, another activation or objective"):
            pairs_module.read_pair(mine.file, r.group.problem(mine.a, mine.b))
    own = first.rows[0]
    leaky = replace(first.group.problem(own.a, own.b), negative_slope=0.1)
    with pytest.raises(NotThis, match="another activation"):
        pairs_module.read_pair(own.file, leaky)


def test_a_pair_that_fails_is_a_row_and_the_worst_code_wins(tmp_path, monkeypatch):
    real = pairs_module.certify

    def fails_once(a, b, *rest, **options):
        if a.network.same_parameters(tiny_network(0)) and b.network.same_parameters(tiny_network(2)):
            raise RuntimeError("the solver went away")
        return real(a, b, *rest, **options)

    monkeypatch.setattr("verifier.many.pairs.certify", fails_once)
    r = small(tmp_path / "c", count=3)
    assert [row.status for row in r.rows] == ["certified", "failed", "certified"]
    assert r.rows[1].reason == "RuntimeError: the solver went away"
    assert r.exit_code == 1
    assert r.outcome is None
    assert r.sentence.startswith("FAILED 3 of 3 pairs of 3 networks bounded")
    assert r.landscape.improvements[0, 2].nodes == (0, 1, 2), "bounded all the same, through net 1"
    monkeypatch.setattr("verifier.many.pairs.certify", real)
    assert [row.made for row in small(tmp_path / "c", count=3).rows] == [False, True, False]


def test_deep_networks_are_joined_in_depth(tmp_path):
    networks = [tiny_network(k, (2, 4, 4, 1)) for k in range(3)]
    r = certify_all(networks, tiny_data(3), loss="logistic", out=tmp_path / "c")
    assert len(r.gaps) == 3
    assert all(math.isfinite(v.upper) for v in r.landscape.values)
    assert not any(row.made for row in certify_all(networks, tiny_data(3), loss="logistic", out=tmp_path / "c").rows)


def test_methods_that_say_nothing_of_these_networks_are_refused_at_once(tmp_path):
    networks = [tiny_network(k, (2, 4, 4, 1)) for k in range(3)]
    with pytest.raises(UsageError, match="descent: defined for one hidden layer, these networks have 2"):
        certify_all(networks, tiny_data(3), loss="logistic", method="descent", out=tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_networks_without_a_path_are_inconclusive(tmp_path, monkeypatch):
    """Whatever a construction finds nothing for, the values of the networks are certified."""
    monkeypatch.setattr("verifier.pipeline.certify.propose", lambda *_: Proposal(remarks=("nothing found",)))
    networks = [tiny_network(k, (2, 4, 4, 1)) for k in range(3)]
    r = certify_all(networks, tiny_data(3), loss="logistic", out=tmp_path / "c")
    assert r.exit_code == 3
    assert r.outcome is Outcome.INCONCLUSIVE
    assert r.gaps == {}
    assert len(r.components.groups) == 3


def test_levels_and_exit_codes(tmp_path):
    r = small(tmp_path / "c", count=3)
    top = max(r.landscape.heights.values())
    assert small(tmp_path / "c", count=3, level=top).exit_code == 0
    between = small(tmp_path / "c", count=3, level=r.landscape.top)
    assert between.exit_code == 3
    assert "at most" in between.sentence
    below = small(tmp_path / "c", count=3, level=0.01)
    assert below.exit_code == 5
    assert below.outcome is Outcome.REFUTED
    assert below.sentence.startswith(
        "REFUTED no network is certified at F <= 0.01; 3 of 3 pairs of 3 networks bounded"
    ), "the word is about the level"
    assert below.components.above == (0, 1, 2)
    assert r.exit_code == 0, "without --level the pairs decide"


def test_json_on_stdout(trained, capsys):
    assert main(["certify", "--all", *trained, "--json", "--no-report"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["outcome"] == "CERTIFIED"
    assert found["folder"].startswith("certificates/all-")
    assert found["report"] is None
    assert [n["name"] for n in found["networks"]] == ["0", "1", "2"]
    assert len(found["pairs"]) == 3
    assert len(found["tree"]) == len(found["merges"]) == 2
    assert found["components"]["groups"]


def test_usage_errors(trained, capsys, tmp_path):
    def refused(*words, code=2):
        assert main(["certify", *words]) == code
        return capsys.readouterr().err

    assert "2 given, expected 3 or more checkpoints; for two use --pair A B" in refused("--all", *trained[:2])
    assert "named twice; name each checkpoint once" in refused("--all", *trained, f"{trained[0]}")
    assert "with --pair" in refused("--all", *trained, "--string", "x.npz")
    assert "'nonsense' is unknown" in refused("--all", *trained, "--method", "nonsense")
    assert "level must be a finite number" in refused("--all", *trained, "--level", "nan")
    (tmp_path / "file").write_text("x")
    assert "is a file; expected a folder of results" in refused("--all", *trained, "--out", "file")
    assert "none.pt" in refused("--all", *trained, "none.pt", code=4)
    for words in (["--all", *trained, "--pair", *trained[:2]], []):
        with pytest.raises(SystemExit) as stop:
            main(["certify", *words])
        assert stop.value.code == 2
    assert not (tmp_path / "certificates").exists(), "refused before anything is computed"


def test_networks_that_do_not_belong_together(trained, capsys, tmp_path):
    (wide,) = train(tmp_path, "7:8", width="5")
    assert main(["certify", "--all", *trained, wide]) == 2
    assert "0 and 7 differ in architecture: widths (2, 6, 1) and (2, 5, 1)" in capsys.readouterr().err
    (other,) = train(tmp_path, "8:9", kappa="0.02")
    assert main(["certify", "--all", *trained, other]) == 2
    err = capsys.readouterr().err
    assert "kappa is 0.01 for 0 and 0.02 for 8; choose one with --kappa" in err
    assert main(["certify", "--all", *trained, other, "--loss", "logistic", "--kappa", "0.01", "--no-report"]) == 0
    (elsewhere,) = train(tmp_path, "9:10", data="moons:n=40,noise=0.2,seed=1")
    assert main(["certify", "--all", *trained, elsewhere]) == 2
    assert "choose one with --data" in capsys.readouterr().err


def test_names_tell_files_apart(trained, tmp_path):
    import shutil

    from verifier.many.group import _named

    places = []
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        for name in ("a.pt", "b.pt"):
            places.append(shutil.copy(trained[0], tmp_path / folder / name))
    assert list(_named(places)) == ["x/a", "x/b", "y/a", "y/b"]
    assert list(_named([tmp_path / "a.pt", tmp_path / "a.safetensors"])) == ["a.pt", "a.safetensors"]
    assert list(_named([tiny_network(0), tmp_path / "1.pt", tiny_network(1)])) == ["2", "1", "3"]


def test_data_too_large_to_embed_are_stored_once(tmp_path, monkeypatch):
    monkeypatch.setattr("verifier.certificate.document.EMBED_LIMIT", 0)
    r = small(tmp_path / "c", count=3)
    data = [row.file.with_suffix(".data") for row in r.rows]
    assert len({f.stat().st_ino for f in data}) == 1
    assert not any(row.made for row in small(tmp_path / "c", count=3).rows)
    data[0].unlink()
    assert [row.made for row in small(tmp_path / "c", count=3).rows] == [True, False, False]
    assert main(["check", *(str(row.file) for row in r.rows)]) == 0


def test_polished_endpoints(trained):
    r = certify_all(trained, polish=True, out="c")
    plain = certify_all(trained, out="c")
    assert all(p.F <= q.F for p, q in zip(r.group.members, plain.group.members))
    assert r.group.members[0].endpoint.source["polished from"] == plain.group.members[0].network.sha256()
    assert len(times(r.folder)) == 6


def test_torch_modules_and_arrays_from_python(tmp_path):
    """As docs/many.md shows it."""
    import numpy as np
    import torch

    models = {}
    for k, name in enumerate(("small lr", "large lr", "no decay")):
        torch.manual_seed(k)
        models[name] = torch.nn.Sequential(torch.nn.Linear(2, 6), torch.nn.ReLU(), torch.nn.Linear(6, 1))
    data = tiny_data(3)
    r = certify_all(models, (data.X, np.asarray(data.y)), loss="logistic")
    assert set(r.gaps) == set(combinations(models, 2))
    assert r.folder.parent.name == "certificates"
    assert sorted(k for g in r.landscape.components(1e3).groups for k in g) == [0, 1, 2]
    assert write_many_report(r).exists()


def test_proven_barriers_between_groups(tmp_path):
    """Networks of different sign counts on Moons: the certificates' barriers are in the sentence, the tables, the page and the answer about a level."""
    A, B, X, y = moons_pair(40)
    turned, said = Network((A.W[::-1].copy(), A.theta[:, ::-1].copy()), (A.b[::-1].copy(), A.c)), []
    result = verifier.certify_all(
        {"a": A, "b": B, "a turned": turned},
        (X, y[:, 0]),
        loss="squared",
        method="exchange,sign-count",
        out=tmp_path,
        say=said.append,
    )
    level = result.landscape.barriers[0, 1]
    lines = [t for t in said if t.startswith("a - b: certified gap <= ")]
    assert [t.rsplit("; ", 1)[1] for t in lines] == [f"every path reaches F >= {show_down(level, 8)}"]
    assert not any("every path" in t for t in said if t.startswith("a - a turned"))
    assert level == pytest.approx(max(m.F for m in result.group.members) + 0.0073891, abs=1e-6)
    assert result.landscape.apart[0, 1].level == level
    assert "gap > 0 on" in result.sentence
    assert "largest >= 0.007389" in result.sentence
    found = json.loads((tmp_path / "results.json").read_text())
    assert found["pairs"][0]["apart_below"] == level
    page = verifier.write_many_report(result, tmp_path / "r.html").read_text()
    assert "Proven barriers" in page
    assert "not joined below" in page
    asked = verifier.certify_all(
        {"a": A, "b": B, "a turned": turned}, (X, y[:, 0]), loss="squared", method="exchange,sign-count", out=tmp_path,
        level=level - 1e-3,
    )  # fmt: skip
    assert asked.outcome.value == "REFUTED"
    assert "at least 2 and at most" in asked.sentence or "exactly" in asked.sentence


def test_levels_are_said_with_all_their_digits():
    """Rounded up, "no network is certified at F <= level" and a count of components would be about another set."""
    level = 0.5646339108
    for groups, separated in (((), ()), (((0,), (1,)), (0, 1))):
        c = Components(level, groups, above=(), undecided=(), separated=separated)
        assert f"F <= {level!r}" in level_words(c, 2)


def test_names_that_read_alike_are_refused():
    with pytest.raises(UsageError, match="read alike"):
        certify_all({1: tiny_network(1), "1": tiny_network(2), 2: tiny_network(3)}, tiny_data(3), loss="logistic")

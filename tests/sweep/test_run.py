"""Runs, resumes, and what happens to damaged files and failing tasks."""

import csv
import json
import math
import shutil
import subprocess
import sys

import pytest

import verifier
import verifier.pipeline.write  # before a test puts something else in the place of what it imports
from tests.sweep.conftest import assert_all_whole, events, small, times
from verifier.campaign import folder as store
from verifier.certificate.file import pack, read_certificate
from verifier.errors import UsageError
from verifier.files import file_sha256
from verifier.kernel.statements import Verdict
from verifier.sweep import tasks
from verifier.sweep.run import run_sweep
from verifier.sweep.spec import parse_sweep, read_sweep_file


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    experiments = parse_sweep(small(), "small", folder)
    return experiments, folder / "out", run_sweep(experiments, folder / "out")


@pytest.fixture
def done(finished, tmp_path):
    """(experiments, a folder of its own, result) of a finished sweep of two pairs."""
    experiments, folder, result = finished
    shutil.copytree(folder, tmp_path / "out")
    return experiments, tmp_path / "out", result


def test_rows(done):
    _, folder, result = done
    assert result.exit_code == 0
    assert len(result.rows) == 2
    assert result.sentence.startswith("CERTIFIED 2 pairs: 2 certified (gap 0 on ")
    assert [(r["seed_a"], r["seed_b"]) for r in result.rows] == [(0, 1), (2, 3)]
    for row in result.rows:
        claims = read_certificate(folder / row["certificate"]).claims
        assert row["E"] == max(c.upper for c in claims[:2]) == max(row["F_A"], row["F_B"])
        assert (row["gap"], row["sup"]) == (claims[2].gap, claims[2].sup) == (row["certified_gap_exchange"], row["sup"])
        assert row["best"] == "exchange"
        assert row["cpu_certify"] >= row["cpu_exchange"] > 0
        assert row["cpu_check"] > 0
        assert row["sampled_gap_dss"] is None
        assert row["dss_hit"] is None
    assert result.counts == {
        "trained": 4, "networks_kept": 0, "networks_failed": 0, "made": 2, "kept": 0, "certified": 2,
    }  # fmt: skip
    assert_all_whole(folder)


def test_tables_hold_the_same_numbers(done):
    pandas = pytest.importorskip("pandas")
    _, folder, result = done
    table = pandas.read_parquet(folder / "results.parquet")
    with open(folder / "results.csv", newline="") as handle:
        lines = list(csv.DictReader(handle))
    assert list(table.columns) == list(lines[0])
    for row, line, (_, stored) in zip(result.rows, lines, table.iterrows(), strict=True):
        for name in ("E", "F_A", "F_B", "gap", "sup", "cpu_certify"):
            assert float(line[name]) == row[name] == stored[name]
        assert int(line["width"]) == row["width"] == stored["width"]
        assert line["sampled_gap_dss"] == ""
        assert math.isnan(stored["sampled_gap_dss"])
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["groups"][0]["statuses"] == {"certified": 2}


def test_a_second_run_trains_and_certifies_nothing(done):
    experiments, folder, first = done
    before = times(folder, "networks") | times(folder, "certificates"), events(folder)
    again = run_sweep(experiments, folder)
    assert (again.counts["trained"], again.counts["made"]) == (0, 0)
    assert (again.counts["networks_kept"], again.counts["kept"]) == (4, 2)
    assert (times(folder, "networks") | times(folder, "certificates"), events(folder)) == before
    assert again.rows == first.rows


def claimed(row):
    """The figures that claims hold, and the row's answer."""
    return {k: v for k, v in row.items() if not k.startswith(("cpu_", "sampled_", "dss_"))}


def test_records_are_not_needed(done):
    """Certified figures and outcomes come from the certificates' claims; sampled ones and times are lost with the records, not believed."""
    experiments, folder, first = done
    for file in (folder / "records").iterdir():
        file.unlink()
    again = run_sweep(experiments, folder)
    assert (again.counts["trained"], again.counts["made"]) == (0, 0)
    for new, old in zip(again.rows, first.rows, strict=True):
        assert claimed(new) == claimed(old)
        assert new.get("cpu_exchange") is None
        assert new["cpu_certify"] is None


def flip(path):
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(bytes(data))


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def lie(path):
    """A well-formed certificate whose path claim is too small."""
    c = read_certificate(path)
    claim = next(x for x in c.document["claims"] if x["kind"] == "path_upper_bound")
    claim["sup"] = (float.fromhex(claim["sup"]) / 2).hex()
    path.write_bytes(pack(c.document, c.arrays))


def other(path):
    """A correct certificate of another pair."""
    path.write_bytes(next(f for f in path.parent.iterdir() if f != path).read_bytes())


def other_with_an_edited_record(path):
    """A correct certificate of another pair, whose record names this one's checkpoints."""
    mine = read_certificate(path)
    foreign = read_certificate(next(f for f in path.parent.iterdir() if f != path))
    path.write_bytes(pack({**foreign.document, "record": mine.record}, foreign.arrays))


def other_problem(**change):
    """A correct certificate of these two networks with another objective or data set, and this one's record."""

    def damage(path):
        networks = path.parent.parent / "networks"
        mine = read_certificate(path)
        names = [mine.record["endpoints"][n]["source"]["file"] for n in "AB"]
        foreign = path.parent / "foreign.safetensors"
        verifier.certify(*(networks / name for name in names), method="line", out=foreign, **change)
        c = read_certificate(foreign)
        foreign.unlink()
        path.write_bytes(pack({**c.document, "record": mine.record}, c.arrays))

    return damage


other_objective = other_problem(loss="logistic", kappa=0.5, penalty="path")
other_data = other_problem(data="moons:n=20,noise=0.2,seed=5")


@pytest.mark.parametrize("damage", [flip, cut, lie, other, other_with_an_edited_record, other_objective, other_data])
def test_a_damaged_certificate_is_made_again(done, damage):
    experiments, folder, first = done
    target = folder / first.rows[0]["certificate"]
    damage(target)
    again = run_sweep(experiments, folder)
    assert (again.counts["trained"], again.counts["made"], again.counts["kept"]) == (0, 1, 1)
    assert [r["gap"] for r in again.rows] == [r["gap"] for r in first.rows]
    assert_all_whole(folder)


def outcome(certificate, record):
    """The certificate's own record says that it refutes, and how low samples lay."""
    c = read_certificate(certificate)
    verdict = {"outcome": "REFUTED", "sentence": "REFUTED by hand", "best": None}
    estimate = {"method": "DSS (paper)", "maximum": 0.0, "gap": 0.0, "cpu_seconds": 0.0, "note": "hit"}
    changed = {**c.record, "verdict": verdict, "estimates": [estimate]}
    certificate.write_bytes(pack({**c.document, "record": changed}, c.arrays))


def figures(certificate, record):
    """The sweep's record has lower figures and another status."""
    value = json.loads(record.read_text())
    value["row"] |= {"gap": 0.0, "E": 0.0, "sampled_gap_dss": 0.0, "dss_hit": True, "cpu_exchange": 1e9}
    record.write_text(json.dumps({**value, "status": "refuted", "exit_code": 5, "reason": "by hand"}))


@pytest.mark.parametrize("edit", [outcome, figures])
def test_what_records_say_is_not_believed(done, edit):
    experiments, folder, first = done
    certificate = folder / first.rows[0]["certificate"]
    edit(certificate, folder / "records" / f"{certificate.stem}.json")
    again = run_sweep(experiments, folder)
    assert again.counts["kept"] == 2
    for new, old in zip(again.rows, first.rows, strict=True):
        assert {**claimed(new), "certificate_sha256": 0} == {**claimed(old), "certificate_sha256": 0}
    assert again.rows[0]["sampled_gap_dss"] is None
    assert again.rows[0]["dss_hit"] is None
    assert again.rows[0].get("cpu_exchange") is None


def test_a_network_of_another_seed_under_the_right_name_is_trained_again(done):
    experiments, folder, first = done
    mine, foreign = sorted((folder / "networks").iterdir())[:2]
    mine.write_bytes(foreign.read_bytes())
    record = folder / "records" / f"{mine.stem}.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "file_sha256": file_sha256(mine)}))
    again = run_sweep(experiments, folder)
    assert (again.counts["trained"], again.counts["made"], again.counts["kept"]) == (1, 0, 2)
    assert list(map(claimed, again.rows)) == list(map(claimed, first.rows))


def test_other_code_keeps_nothing(done, monkeypatch):
    """Keys hold the version of the code: what repaired code would do otherwise is done again."""
    experiments, folder, _ = done
    for module in ("verifier.stored", "verifier.sweep.plan"):
        monkeypatch.setattr(f"{module}.code_version", lambda: "repaired")
    again = run_sweep(experiments, folder)
    assert (again.counts["trained"], again.counts["made"], again.counts["kept"]) == (4, 2, 0)


@pytest.mark.parametrize("damage", [flip, cut])
def test_a_damaged_network_is_trained_again(done, damage):
    """Training is repeatable to the byte, so the certificates of the network are kept."""
    experiments, folder, _ = done
    damage(next((folder / "networks").iterdir()))
    again = run_sweep(experiments, folder)
    assert (again.counts["trained"], again.counts["made"], again.counts["kept"]) == (1, 0, 2)
    assert_all_whole(folder)


def test_a_failed_network_is_a_row_with_its_reason(sweep_file, tmp_path):
    path = sweep_file()
    path.write_text(path.read_text() + "lr = 1e30\n")
    result = run_sweep(read_sweep_file(path), tmp_path / "out")
    assert result.exit_code == 1
    assert result.counts["failed"] == 2
    assert result.counts["networks_failed"] == 4
    row = result.rows[0]
    assert row["status"] == "failed"
    assert row["certificate"] is None
    assert row["gap"] is None
    assert row["reason"].startswith("network of width 4, seed 0: training seed 0: the objective became ")
    assert result.sentence.startswith("FAILED 2 pairs: 0 certified (gap 0 on 0), 2 failed")
    assert result.tables[0].exists()


def test_a_failed_pair_is_a_row_and_is_tried_again(sweep_file, tmp_path, monkeypatch):
    import verifier.pipeline.certify

    experiments, real, calls = read_sweep_file(sweep_file()), verifier.pipeline.certify.certify, []

    def sometimes(*args, **options):
        calls.append(args)
        if len(calls) == 1:
            raise ZeroDivisionError("planted")
        return real(*args, **options)

    monkeypatch.setattr(verifier.pipeline.certify, "certify", sometimes)
    result = run_sweep(experiments, tmp_path / "out")
    assert result.exit_code == 1
    assert [(r["status"], r["reason"]) for r in result.rows] == [
        ("failed", "ZeroDivisionError: planted"),
        ("certified", None),
    ]
    records = [json.loads(f.read_text()) for f in (tmp_path / "out" / "records").iterdir()]
    assert sum('raise ZeroDivisionError("planted")' in r.get("traceback", "") for r in records) == 1
    again = run_sweep(experiments, tmp_path / "out")
    assert again.exit_code == 0
    assert (again.counts["made"], again.counts["kept"]) == (1, 1)


def test_a_certificate_that_is_about_something_else_never_gets_its_place(sweep_file, tmp_path, monkeypatch):
    monkeypatch.setattr("verifier.pipeline.kept.same_problem", lambda p, q: False)
    result = run_sweep(read_sweep_file(sweep_file()), tmp_path / "out")
    assert result.exit_code == 5
    assert {r["status"] for r in result.rows} == {"rejected"}
    assert result.rows[0]["reason"].endswith("is about other networks, data, another activation or objective")
    assert not list((tmp_path / "out").rglob("*.safetensors"))


def test_a_certificate_that_the_kernel_rejects_never_gets_its_place(sweep_file, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "verifier.pipeline.write.check", lambda problem, claim: Verdict(False, "the claim", "planted", {})
    )
    result = run_sweep(read_sweep_file(sweep_file()), tmp_path / "out")
    assert result.exit_code == 1
    assert {r["status"] for r in result.rows} == {"failed"}
    assert "the kernel rejects what was just produced: REJECTED the claim -- planted" in result.rows[0]["reason"]
    assert not list((tmp_path / "out").rglob("*.safetensors"))


def test_a_network_without_a_partner_is_said(sweep_file, tmp_path):
    heard = []
    text = sweep_file().read_text()
    seeds = next(line for line in text.splitlines() if line.startswith("seeds"))
    (tmp_path / "odd.toml").write_text(text.replace(seeds, "seeds = [0, 1, 2]"))
    run_sweep(read_sweep_file(tmp_path / "odd.toml"), tmp_path / "odd", say=heard.append)
    assert any(line.endswith("disjoint pairs of 3 networks leave out the last one, seed 2") for line in heard)


def test_levels(sweep_file, tmp_path):
    """A level below an endpoint is refuted, one above everything is certified."""
    result = run_sweep(read_sweep_file(sweep_file(more="level = 1e-6")), tmp_path / "out")
    assert {r["status"] for r in result.rows} == {"refuted"}
    assert result.exit_code == 5
    assert result.rows[0]["reason"].startswith("REFUTED no path stays at or below level 1e-06")
    assert result.rows[0]["gap_over_level"] > 0
    result = run_sweep(read_sweep_file(sweep_file(more="level = 100.0")), tmp_path / "high")
    assert result.exit_code == 0
    assert result.rows[0]["gap_over_level"] == 0


def test_objective_overrides_and_sampled_columns(sweep_file, tmp_path):
    more = 'objective = {loss = "logistic", kappa = 0.0, penalty = "none"}'
    text = sweep_file(more=more).read_text().replace('["exchange"]', '["exchange", "dss"]')
    sweep_file().write_text(text)
    result = run_sweep(read_sweep_file(tmp_path / "sweep.toml"), tmp_path / "out", limit=1)
    (row,) = result.rows
    document = read_certificate(tmp_path / "out" / row["certificate"]).document
    assert document["objective"]["penalty"] == "none"
    assert float.fromhex(document["objective"]["kappa"]) == 0.0
    assert row["sampled_gap_dss"] >= 0
    assert row["dss_hit"] in (True, False)
    assert row["cpu_dss"] > 0
    assert row["sampled_max_dss"] > 0
    assert result.summary.groups[0].sampled.pairs == 1
    assert result.summary.groups[0].cpu["dss"] > 0


def test_data_too_large_to_embed_lie_beside_each_certificate(sweep_file, tmp_path, monkeypatch):
    monkeypatch.setattr("verifier.certificate.document.EMBED_LIMIT", 0)
    experiments = read_sweep_file(sweep_file())
    assert run_sweep(experiments, tmp_path / "out").exit_code == 0
    assert {f.suffix for f in (tmp_path / "out" / "certificates").iterdir()} == {".safetensors", ".data"}
    next((tmp_path / "out" / "certificates").glob("*.data")).write_bytes(b"half")
    again = run_sweep(experiments, tmp_path / "out")
    assert (again.exit_code, again.counts["made"], again.counts["kept"]) == (0, 1, 1)


def test_shared_networks_are_trained_once(sweep_file, tmp_path):
    experiments = read_sweep_file(sweep_file(3, "pairs = {random = 3}"))
    result = run_sweep(experiments, tmp_path / "out")
    assert (result.counts["trained"], result.counts["made"]) == (3, 3)
    assert not result.summary.groups[0].independent


def test_polished_networks_lie_lower_and_are_polished_once(sweep_file, tmp_path, monkeypatch):
    """Three pairs among three networks: three polishes, under the objective the pairs are certified for."""
    from verifier.paths import polish as module

    calls = []
    real = module.polish
    monkeypatch.setattr(module, "polish", lambda *a, **k: calls.append(a[1]) or real(*a, **k))
    pairs = "pairs = { random = 3, seed = 0 }\n"
    plain = run_sweep(read_sweep_file(sweep_file(3, pairs)), tmp_path / "plain")
    assert not calls
    polished = run_sweep(read_sweep_file(sweep_file(3, pairs + "polish = true\n")), tmp_path / "polished")
    assert len(calls) == 3
    assert all(risk.objective.kappa == 0.01 for risk in calls)
    for a, b in zip(plain.rows, polished.rows):
        assert (a["seed_a"], a["seed_b"]) == (b["seed_a"], b["seed_b"])
        assert b["F_A"] < a["F_A"]
        assert b["F_B"] < a["F_B"]


@pytest.mark.slow
def test_two_processes(sweep_file, tmp_path):
    one = run_sweep(read_sweep_file(sweep_file()), tmp_path / "one")
    two = run_sweep(read_sweep_file(sweep_file()), tmp_path / "two", jobs=2)
    times_aside = lambda r: {k: v for k, v in r.items() if not k.startswith("cpu") and k != "certificate_sha256"}
    assert list(map(times_aside, one.rows)) == list(map(times_aside, two.rows))


def test_one_sweep_at_a_time_and_only_in_its_own_folder(sweep_file, tmp_path):
    experiments = read_sweep_file(sweep_file())
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("x")
    with pytest.raises(UsageError, match=r"is not empty and no folder of results .* choose an empty or new folder"):
        run_sweep(experiments, tmp_path / "full")
    with (
        store.opened(tmp_path / "busy", {}),
        pytest.raises(UsageError, match=r"another run is at work in .*busy; wait for it"),
    ):
        run_sweep(experiments, tmp_path / "busy")


def test_leftovers_of_dead_processes_are_cleared(tmp_path):
    import socket

    with store.opened(tmp_path / "out", {}) as folder:
        dead = folder / "scratch" / f"{socket.gethostname()}-4194305-abc"
        elsewhere = folder / "scratch" / "another-host-7-abc"
        for place in (dead, elsewhere):
            place.mkdir(parents=True)
            (place / "half.safetensors").write_bytes(b"half")
        unfinished = folder / ".summary.0123456789abcdef.json"
        unfinished.write_bytes(b"")
        (folder / ".hidden.json").write_bytes(b"mine")
        with store.scratch(folder) as mine:
            store._clear_scratch(folder)
            assert mine.exists()
            assert not unfinished.exists()
            assert (folder / ".hidden.json").exists()
            assert elsewhere.exists()
            assert not dead.exists()


def test_a_worker_without_the_folder_says_so(tmp_path):
    from tests.sweep.test_spec import block, parse
    from verifier.sweep.plan import plan

    task = plan(parse(block()))[0].a
    result = tasks.train(task, str(tmp_path / "nowhere"))
    assert result["status"] == "failed"
    assert "all workers need the folder on a shared disk" in result["reason"]
    assert not (tmp_path / "nowhere").exists()


def test_rows_of_weighted_means_say_so(sweep_file, tmp_path):
    from dataclasses import replace

    from verifier.pages.sweep import write_sweep_report

    (e,) = read_sweep_file(sweep_file())
    plain = run_sweep((e,), tmp_path / "plain", limit=1)
    weighted = replace(e, options=replace(e.options, class_weight="0=3"))
    found = run_sweep((weighted,), tmp_path / "weighted", limit=1)
    assert [r["weighted"] for r in plain.rows] == [False]
    assert [r["weighted"] for r in found.rows] == [True]
    assert "weighted mean" in found.sentence
    assert "weighted mean" not in plain.sentence
    page = write_sweep_report(found.rows, found.summary, tmp_path / "report.html", name="w").read_text("utf-8")
    assert "weighted mean" in page
    for bad in ({"class_weight": "7=3"}, {"class_weight": "0=3", "pos_weight": 2.0}):
        with pytest.raises(UsageError):
            run_sweep((replace(e, options=replace(e.options, **bad)),), tmp_path / "bad", limit=1)


def test_what_pairs_are_certified_with_is_loaded_before_the_clock_runs():
    """The first pair of every process would pay for imports otherwise."""
    code = (
        "import sys\n"
        "from verifier.options.certify import CertifyOptions\n"
        "from verifier.sweep.tasks import _warm\n"
        "wanted = 'verifier.paths.exchange.proposition_x', 'verifier.kernel.fast.paths'\n"
        "before = wanted[0] in sys.modules\n"
        "with _warm(CertifyOptions(method='exchange')):\n"
        "    print(before, all(name in sys.modules for name in wanted))\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["False", "True"]

"""`verifier stability`: presets and the user's checkpoints; one verdict line, exit codes, results kept and resumed."""

import gzip
import json
import struct

import numpy as np
import pytest

from verifier.certificate.file import pack, read_certificate
from verifier.cli.main import main
from verifier.networks.checkpoint import load_checkpoint, save_checkpoint
from verifier.pipeline.kept import same_problem

SMALL = ["--data", "moons:n=40,noise=0.2,seed=1", "--loss", "logistic", "--epochs", "30", "--draws-a", "2", "--draws-b", "3", "--steps", "20"]  # fmt: skip
FIGURE4 = ["stability", "--preset", "figure4", "--widths", "4,6", "--seeds", "0:2", *SMALL]


def test_figure4_page_and_resuming(tmp_path, capsys):
    assert main(FIGURE4) == 0
    said = capsys.readouterr()
    assert said.out.count("\n") == 1
    assert said.out.startswith("EVALUATED figure4: 4 networks of 2 architectures; within 10 % and 1e-3")
    assert "6 x 2, seed 1: F = " in said.err
    assert "(stored)" not in said.err
    folder = tmp_path / "stability" / "figure4"
    assert "Against width" in (folder / "report.html").read_text()
    assert (folder / "figures.csv").read_text().startswith("widths,series,layer,networks,mean")
    before = {f: f.stat().st_mtime_ns for kind in ("networks", "records") for f in (folder / kind).iterdir()}
    assert len(before) == 4 + 4 * 3
    assert main(FIGURE4) == 0
    again = capsys.readouterr()
    assert again.out == said.out
    assert again.err.count("(stored)") == 4 * 3
    assert before == {f: f.stat().st_mtime_ns for kind in ("networks", "records") for f in (folder / kind).iterdir()}


def test_test_data_and_another_ratio(tmp_path, capsys):
    """Test loss and error of every point and along the paths of a pair; the figures are about the ratio that was asked for."""
    words = [
        "stability",
        "--preset",
        "figure3a",
        "--widths",
        "6,6",
        "--seeds",
        "0:2",
        "--certify",
        *SMALL,
        "--train-split",
        "0.7",
        "--dropout",
        "0.3",
    ]
    assert main([*words, "--json"]) == 0
    said = capsys.readouterr()
    assert "test data moons:n=40,noise=0.2,seed=1, left out: loss" in said.err
    found = json.loads(said.out)
    points = [p for r in found["networks"] for s in r["series"].values() for p in s["points"]]
    assert len(points) == 2 * (3 + 3 + 2)
    assert all(0 <= p["test_error"] <= 1 and p["test_loss"] >= 0 and 0 <= p["error"] <= 1 for p in points)
    assert {r["test"]["samples"] for r in found["networks"]} == {12}
    page = (tmp_path / "stability" / "figure3a" / "report.html").read_text()
    assert "Test error per layer" in page
    assert "Test loss along paths between two networks." in page
    assert "random share of 0.7 of the neurons" in page
    table = (tmp_path / "stability" / "figure3a" / "figures.csv").read_text()
    assert "trained test_error" in table
    assert main([*words, "--dropout", "0.4", "--no-report"]) == 0
    assert "(stored)" not in capsys.readouterr().err


def test_figure3c_is_vgg11_and_its_checkpoints_are_the_users_own(tmp_path, capsys):
    """Trained at 1/32 of its width on digits; the same files under --networks give the same losses, their shape from the data or themselves."""
    words = [
        "stability", "--preset", "figure3c", "--width-factor", "0.03125", "--data", "digits-unit", "--train-split", "0.1", "--seeds", "0:1", "--epochs", "1",
        "--draws-a", "1", "--draws-b", "2", "--steps", "3", "--no-report",
    ]  # fmt: skip
    assert main(words) == 0
    said = capsys.readouterr()
    assert "figure3c: 1 network of widths 2-4-8-8-16-16-16-16-16" in said.out
    (file,) = (tmp_path / "stability" / "figure3c" / "networks").iterdir()
    assert main(["stability", "--networks", str(file), *words[-7:]]) == 0
    assert capsys.readouterr().out.split(";")[1:] == said.out.split(";")[1:]


def test_one_more_series_keeps_the_others_and_damage_is_repaired(tmp_path, capsys):
    words = [*FIGURE4, "--no-report", "--out", "here"]
    assert main(words) == 0
    first = capsys.readouterr().out
    next((tmp_path / "here" / "records").iterdir()).write_text("{")
    next((tmp_path / "here" / "networks").iterdir()).write_bytes(b"damaged")
    assert main([*words, "--forgotten-biases", "--json"]) == 0
    said = capsys.readouterr()
    assert said.err.count("(stored)") == 4 * 3 - 1
    found = json.loads(said.out)
    assert found["outcome"] == "EVALUATED"
    assert found["exit_code"] == 0
    assert set(found["architectures"][0]["largest"]) == {"a", "search", "b", "forgotten"}
    assert found["architectures"][0]["largest"]["b"]["count"] == 2
    assert main([*words]) == 0
    assert capsys.readouterr().out == first


def test_processes_give_the_same_figures(capsys):
    assert main([*FIGURE4, "--no-report", "--out", "one"]) == 0
    one = capsys.readouterr().out
    assert main([*FIGURE4, "--no-report", "--out", "two", "--jobs", "2"]) == 0
    assert capsys.readouterr().out == one


def test_figure3d_is_certified_and_the_certificate_kept(tmp_path, capsys):
    words = ["stability", "--preset", "figure3d", "--widths", "6", "--depth", "4", *SMALL[:6]]
    assert main(words) == 0
    said = capsys.readouterr()
    assert said.out.startswith("EVALUATED figure3d: 2 networks; certified maxima along the paths: (A) ")
    assert "(A) Theorem 4.1's path: certified F <= " in said.err
    (place,) = (tmp_path / "stability" / "figure3d" / "certificates").glob("*.safetensors")
    assert main(["check", str(place)]) == 0
    before = place.stat().st_mtime_ns
    capsys.readouterr()
    assert main(words) == 0
    assert capsys.readouterr().out == said.out
    assert place.stat().st_mtime_ns == before
    place.write_bytes(b"damaged")
    assert main(words) == 0
    assert "made again" in capsys.readouterr().err
    assert main(["check", str(place)]) == 0


def test_a_certificate_of_other_networks_under_the_right_name_is_not_kept(tmp_path, capsys):
    """Whatever its record says: the first pair's certificate with the second pair's record, then a record that says REFUTED."""
    words = ["stability", "--preset", "figure3d", "--widths", "6", "--depth", "4", *SMALL[:6], "--no-report", "--seeds"]
    assert main([*words, "0:2"]) == 0
    (first,) = (tmp_path / "stability" / "figure3d" / "certificates").glob("*.safetensors")
    foreign = read_certificate(first)
    assert main([*words, "2:4"]) == 0
    second = next(f for f in first.parent.glob("*.safetensors") if f != first)
    mine, said = read_certificate(second), capsys.readouterr().out.splitlines()[-1]
    second.write_bytes(pack({**foreign.document, "record": mine.record}, foreign.arrays))
    assert main([*words, "2:4"]) == 0
    out, err = capsys.readouterr()
    assert "is about other networks, data, another activation or objective; made again" in err
    assert out.splitlines()[-1] == said
    assert same_problem(read_certificate(second).problem, mine.problem)

    verdict = {"outcome": "REFUTED", "sentence": "REFUTED by hand", "best": None}
    second.write_bytes(pack({**mine.document, "record": {**mine.record, "verdict": verdict}}, mine.arrays))
    assert main([*words, "2:4"]) == 0
    assert "made again" not in capsys.readouterr().err


@pytest.mark.parametrize("edit", [lambda r: r["points"][0].update(value=0.0), lambda r: r.update(code="other code")])
def test_an_edited_series_is_measured_again(tmp_path, capsys, edit):
    words = [*FIGURE4, "--no-report", "--out", "here"]
    assert main(words) == 0
    first = capsys.readouterr().out
    file = next((tmp_path / "here" / "records").iterdir())
    record = json.loads(file.read_text())
    edit(record)
    file.write_text(json.dumps(record))
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert (out, err.count("(stored)")) == (first, 4 * 3 - 1)


def test_another_network_under_a_members_name_is_trained_again(tmp_path, capsys):
    words = [*FIGURE4, "--no-report", "--out", "here"]
    assert main(words) == 0
    first = capsys.readouterr().out
    files = sorted((tmp_path / "here" / "networks").iterdir())
    files[0].write_bytes(files[1].read_bytes())
    assert main(words) == 0
    assert capsys.readouterr().out == first
    assert load_checkpoint(files[0]).network.sha256() != load_checkpoint(files[1]).network.sha256()


def test_the_users_checkpoints(trained, tmp_path, capsys):
    """Data, loss and penalty are those that `verifier train` recorded."""
    words = ["stability", "--networks", *map(str, trained), *SMALL[6:], "--certify", "--report", "page.html"]
    assert main(words) == 0
    said = capsys.readouterr()
    assert said.out.startswith("EVALUATED networks: 2 networks of widths 6; largest loss over layers, mean: (A) ")
    assert "0.pt to 1.pt: CERTIFIED" in said.err
    page = (tmp_path / "page.html").read_text()
    assert "logistic + 0.01 path" in page
    assert "0.pt and 1.pt" in page


def test_foreign_checkpoints_need_data_and_loss(trained, tmp_path, capsys):
    network = load_checkpoint(trained[0]).network
    save_checkpoint("foreign.pt", network)
    words = ["stability", "--networks", "foreign.pt", "--draws-a", "1", "--draws-b", "1", "--no-report"]
    assert main(words) == 2
    assert "name it with --loss" in capsys.readouterr().err
    assert main([*words, "--loss", "logistic"]) == 2
    assert "name it with --data" in capsys.readouterr().err
    assert main([*words, *SMALL[:4]]) == 0
    assert "EVALUATED networks: 1 network of widths 6" in capsys.readouterr().out
    assert main([*words, "--loss", "logistic", "--data", "iris"]) in (2, 4)


def test_idx_files_of_mnists_format(tmp_path, capsys):
    rng = np.random.default_rng(0)
    arrays = {"images-idx3": rng.integers(0, 256, (40, 4, 4), dtype=np.uint8), "labels-idx1": rng.integers(0, 3, 40, dtype=np.uint8)}  # fmt: skip
    for kind, a in arrays.items():
        content = struct.pack(">HBB", 0, 8, a.ndim) + struct.pack(f">{a.ndim}I", *a.shape) + a.tobytes()
        (tmp_path / f"train-{kind}-ubyte.gz").write_bytes(gzip.compress(content))
    words = ["stability", "--preset", "figure3a", "--widths", "6,6", "--seeds", "0:2", "--epochs", "20", *SMALL[6:]]
    assert main([*words, "--data", f"mnist:{tmp_path}", "--no-report"]) == 0
    assert "EVALUATED figure3a: 2 networks of widths 6 x 2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--preset", "figure4", "--draws-a", "0"], "--draws-a 0: expected at least 1"),
        (["--preset", "figure4", "--draws-b", "0"], "--draws-b 0: expected at least 1"),
        (["--preset", "figure4", "--steps", "-1"], "neither can be negative"),
        (["--preset", "figure4", "--jobs", "0"], "--jobs 0: expected at least 1"),
        (["--preset", "figure4", "--widths", "10,x"], "expected positive integers"),
        (["--preset", "figure4", "--widths", "10,10"], "named twice"),
        (["--preset", "figure3a", "--widths", "10,20", "--depth", "4"], "--depth goes with one width"),
        (["--preset", "figure3a", "--depth", "1"], "--depth 1: expected 2"),
        (["--preset", "figure3a", "--layout", "a,b"], "--layout, --key and --ignore belong to --networks"),
        (["--preset", "figure3a", "--seeds", "3:1"], "at least one seed"),
        (["--preset", "figure3d", "--seeds", "3"], "needs a pair"),
        (["--preset", "figure4", "--seeds", "3", "--certify"], "needs a pair"),
        (["--preset", "figure3a", "--data", "diabetes"], "cross_entropy"),
        (["--preset", "figure3a", "--data", "nothing"], "is unknown"),
        (["--preset", "figure3b"], "figure3b is about CIFAR-10; name its folder"),
        (["--preset", "figure3c", "--data", "moons", "--loss", "logistic"], "do not say that their samples are some"),
        (["--preset", "figure3c", "--data", "digits", "--depth", "3"], "decided by --width-factor"),
        (["--preset", "figure3a", "--width-factor", "0.5"], "expected a number in (0, 4], and figure3c"),
        (["--preset", "figure4", "--dropout", "1"], "--dropout 1.0: expected a share between 0 and 1"),
        (["--networks", "A", "--protocol", "sgd"], "--protocol belongs to --preset"),
        (["--networks", "A", "--widths", "5"], "--widths belongs to --preset"),
        (["--networks", "A", "A"], "named twice"),
        (
            ["--networks", "A", "--certify", "--draws-b", "1", "--draws-a", "1"],
            "needs two networks of one architecture",
        ),
    ],
)
def test_mistakes_end_with_exit_code_2(words, message, trained, capsys):
    words = [str(trained[0]) if w == "A" else w for w in words]
    assert main(["stability", *words]) == 2
    assert message in capsys.readouterr().err


def test_different_losses_and_data_are_refused(trained, capsys):
    for k, (more, message) in enumerate(
        (
            (["--data", SMALL[1], "--loss", "logistic"], "were trained on different data"),
            (["--data", "moons:n=60,noise=0.2,seed=1", "--loss", "squared"], "different settings: loss"),
        )
    ):
        assert main(["train", *more, "--width", "6", "--kappa", "0.01", "--epochs", "5", "--out", f"{k}.pt"]) == 0
        assert main(["stability", "--networks", str(trained[0]), f"{k}.pt"]) == 2
        assert message in capsys.readouterr().err


def test_unreadable_checkpoints_end_with_exit_code_4(tmp_path, capsys):
    (tmp_path / "a.pt").write_bytes(b"nothing")
    assert main(["stability", "--networks", "a.pt"]) == 4
    assert "a.pt" in capsys.readouterr().err

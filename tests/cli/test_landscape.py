"""`verifier landscape`: what it prints, writes, keeps and refuses."""

import csv
import json

import pytest

from tests.landscape.instances import documented_data, random_pair
from verifier.cli.landscape import parse_widths
from verifier.cli.main import main
from verifier.errors import UsageError
from verifier.networks.checkpoint import save_checkpoint


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The data of the documented instance seed 0, N = 5."""
    X, y = documented_data(0, 5)
    file = tmp_path_factory.mktemp("data") / "tiny.csv"
    file.write_text("x,y\n" + "".join(f"{a!r},{b!r}\n" for a, b in zip(X[:, 0].tolist(), y[:, 0].tolist())))
    return file


def words(tiny, out, *more):
    return ["landscape", "--data", str(tiny), "--loss", "squared", "--methods", "line,halves", "--out", str(out), *more]


def test_widths_with_certified_gaps(tiny, tmp_path, capsys):
    assert main(words(tiny, tmp_path / "a", "--widths", "1:3", "--compare", "1")) == 0
    out, err = capsys.readouterr()
    assert out.count("\n") == 1
    assert out.startswith(
        "CERTIFIED width 1: 2 minima in 20 cells, 0.4161342 <= largest gap <= 0.4161343; width 2: 4 minima in 400 cells, 0.5425"
    )
    assert err.splitlines()[0].startswith("data ")
    assert "10 activation patterns of one neuron" in err.splitlines()[0]
    folder = tmp_path / "a"
    assert {"report.html", "landscape.json", "width-2-tree.csv", "width-2-minima.csv", "width-2-components.csv"} <= {
        f.name for f in folder.iterdir()
    }
    with open(folder / "width-2-tree.csv") as handle:
        rows = list(csv.DictReader(handle))
    assert float(rows[1]["gap"]) == pytest.approx(0.54251, abs=5e-6) or float(rows[0]["gap"]) > 0
    assert max(float(r["gap"]) for r in rows) == pytest.approx(0.54251, abs=5e-6)
    assert main(["check", *map(str, sorted((folder / "pairs").glob("*.safetensors"))), "--reference"]) == 0
    capsys.readouterr()

    made = {f: f.stat().st_mtime_ns for f in folder.rglob("width-*") if f.is_file()}
    assert main(words(tiny, folder, "--widths", "1:3", "--compare", "1", "--json")) == 0
    found = json.loads(capsys.readouterr().out)
    assert {f: f.stat().st_mtime_ns for f in folder.rglob("width-*") if f.is_file()} == made, "what is there is kept"
    assert [w["cells"] for w in found["widths"]] == [20, 400]
    assert found["widths"][1]["largest_gap"] == pytest.approx(0.54251, abs=5e-6)


def test_nothing_certified_says_so(tiny, tmp_path, capsys):
    assert main(words(tiny, tmp_path, "--width", "1", "--compare", "0", "--no-report")) == 0
    assert capsys.readouterr().out == (
        "COMPUTED width 1: 2 minima in 20 cells, largest gap 0.416134 at level 0.964933 (float64 programs, nothing certified)\n"
    )
    assert not (tmp_path / "report.html").exists()


def test_a_penalised_landscape(tiny, tmp_path, capsys):
    assert main(words(tiny, tmp_path, "--width", "2", "--kappa", "0.05", "--compare", "1")) == 0
    assert "0.3738" in capsys.readouterr().out


def test_a_pair(tmp_path, capsys):
    setting, A, B = random_pair(43)
    rows = "".join(f"{x!r},{y!r}\n" for x, y in zip(setting.X[:, 0].tolist(), setting.targets[:, 0].tolist()))
    (tmp_path / "d.csv").write_text("x,y\n" + rows)
    for name, n in (("a", A), ("b", B)):
        save_checkpoint(tmp_path / f"{name}.safetensors", n, {})
    o = setting.objective
    command = [
        "landscape", "--data", str(tmp_path / "d.csv"), "--pair", str(tmp_path / "a.safetensors"), str(tmp_path / "b.safetensors"), "--loss", o.loss.name,
        "--kappa", str(o.kappa), "--out", str(tmp_path / "p"), "--methods", "halves",
    ]  # fmt: skip
    more = ["--penalise-output-bias"] if o.penalise_output_bias else []
    assert main(command + more) == 0
    out, err = capsys.readouterr()
    assert out.startswith("CERTIFIED 0.03247")
    assert "<= gap <= 0.03247" in out
    assert "no path leaves 6 cells below" in err
    assert (tmp_path / "p" / "pair.safetensors").exists()
    assert (tmp_path / "p" / "report.html").exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ([], "name one of --width M, --widths A:B and --pair A B"),
        (["--width", "2", "--widths", "1:3"], "name one of --width M"),
        (["--width", "0"], "the width must be at least 1"),
        (["--width", "2", "--most-cells", "100"], "make 400 cells, more than the 100"),
        (["--width", "2", "--jobs", "0"], "--jobs 0: expected at least 1"),
        (["--width", "2", "--methods", "exact"], "--methods: name constructions"),
        (["--width", "2", "--penalty", "l1", "--kappa", "0.1"], "the penalty must be one of none, path, weight_decay, got l1"),
        (["--width", "2", "--loss", "absolute"], "the loss must be one of squared, logistic, huber, got absolute"),
    ],
)  # fmt: skip
def test_misuse(tiny, tmp_path, capsys, more, message):
    assert main([*words(tiny, tmp_path), *more]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert message in err


def test_missing_data_and_loss(tiny, capsys):
    assert main(["landscape", "--width", "1"]) == 2
    assert "--data is missing" in capsys.readouterr().err
    assert main(["landscape", "--width", "1", "--data", str(tiny)]) == 2
    assert "--loss is missing" in capsys.readouterr().err


def test_a_width_that_is_too_large_among_others_is_a_row(tiny, tmp_path, capsys):
    assert main(words(tiny, tmp_path, "--widths", "1:3", "--compare", "0", "--most-cells", "100")) == 0
    out, err = capsys.readouterr()
    assert "width 2" not in out
    assert "make 400 cells, more than the 100" in err
    assert "make 400 cells, more than the 100" in (tmp_path / "report.html").read_text("utf-8")


def test_parse_widths():
    assert parse_widths("1:4") == [1, 2, 3]
    assert parse_widths("1,3") == [1, 3]
    for text in ("x", "3:1", "0:2", "1,1", "1:2:3"):
        with pytest.raises(UsageError, match="--widths"):
            parse_widths(text)

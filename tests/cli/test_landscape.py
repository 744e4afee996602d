"""`verifier landscape`: what it prints, writes, keeps and refuses."""

import csv
import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest

from tests.landscape.instances import documented_data, random_pair
from tests.report.conftest import Outline
from verifier.certificate.file import pack, read_certificate
from verifier.cli.landscape import parse_widths
from verifier.cli.main import main
from verifier.errors import UsageError, VerifierError
from verifier.files import file_sha256
from verifier.kernel import check
from verifier.kernel.statements import BarrierLowerBound, EveryWidthLowerBound, PathUpperBound
from verifier.landscape.minima import MinimaPair
from verifier.networks.checkpoint import save_checkpoint
from verifier.numbers import show_up
from verifier.pipeline.landscape_pairs import _require_agreement
from verifier.pipeline.landscape_records import LeadingPair
from verifier.stored import read_sealed, write_sealed


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
    assert plain(out) == (
        "CERTIFIED by the kernel: width 1: 2 minima, 1 pass, 0.4161342 <= largest gap <= 0.4161343; "
        "width 2: 4 minima, 3 passes, 0.5425068 <= largest gap <= 0.5425069; "
        "width 1, minima 1 and 0: 0.4161342 <= gap <= 0.4161343; width 2, minima 1 and 0: 0.5425068 <= gap <= 0.5425069\n"
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
    whole = sorted(folder.glob("*.safetensors"))
    assert [f.name for f in whole] == ["width-1-landscape.safetensors", "width-2-landscape.safetensors"]
    assert main(["check", *map(str, whole), "--reference"]) == 0
    capsys.readouterr()

    made = {f: f.stat().st_mtime_ns for f in (folder / "pairs").iterdir()}
    assert main(words(tiny, folder, "--widths", "1:3", "--compare", "1", "--json")) == 0
    found = json.loads(capsys.readouterr().out)
    assert {f: f.stat().st_mtime_ns for f in (folder / "pairs").iterdir()} == made, (
        "certificates that are there are kept"
    )
    assert [w["cells"] for w in found["widths"]] == [20, 400]
    assert found["widths"][1]["largest_gap"] == pytest.approx(0.54251, abs=5e-6)


def test_nothing_certified_says_so(tiny, tmp_path, capsys):
    asked = words(tiny, tmp_path, "--width", "1", "--compare", "0", "--no-report", "--certify-faces", "40")
    assert main(asked) == 0
    out, err = capsys.readouterr()
    assert out == (
        "COMPUTED in float64: width 1: 2 minima in 20 cells, largest gap 0.416134 at level 0.964933; nothing certified\n"
    )
    assert "width 1: the landscape is not certified: 41 distinct cells and faces" in err
    assert not [*tmp_path.glob("*.safetensors"), *tmp_path.glob("*certified*")]
    assert not (tmp_path / "report.html").exists()


def plain(text):
    """Without what every sentence about certified landscapes says of their resolution, which must be far below their gaps here."""
    found = re.findall(r" \(landscapes but for differences of at most (\S+)\)", text)
    assert len(found) <= 1
    assert all(float(x) < 1e-10 for x in found)
    return re.sub(r" \(landscapes but for differences of at most \S+\)", "", text)


def certified_part(text):
    """What stands under the word CERTIFIED in a verdict line."""
    computed, _, certified = plain(text).partition("CERTIFIED by the kernel: ")
    assert "CERTIFIED" not in computed
    return certified


def test_certified_stands_over_kernel_checked_bounds_alone(tiny, tmp_path, capsys):
    """In the line, the JSON and the page: where landscapes are not certified, counts and largest gaps are COMPUTED."""
    assert main(words(tiny, tmp_path, "--widths", "1:3", "--compare", "1", "--json", "--certify-faces", "0")) == 0
    found = json.loads(capsys.readouterr().out)
    bounds = certified_part(found["sentence"]).strip().split("; ")
    assert [re.sub("[0-9.]+ <=|<= [0-9.]+", "#", b) for b in bounds] == [
        f"width {m}, minima 1 and 0: # gap #" for m in (1, 2)
    ]
    for w in found["widths"]:
        assert w["status"] == "COMPUTED"
        for p in w["pairs"]:
            assert p["status"] == "CERTIFIED"
            claims = read_certificate(tmp_path / "pairs" / p["certificate"]).claims
            (barrier,) = (c for c in claims if isinstance(c, BarrierLowerBound))
            paths = [c for c in claims if isinstance(c, PathUpperBound)]
            assert p["certified_gap"] == barrier.gap
            assert p["upper_gap"] == min(c.gap for c in paths)
    page = Outline((tmp_path / "report.html").read_text("utf-8")).text
    head, _, rest = page.partition("CERTIFIED")
    assert "COMPUTED" in head
    assert "largest gap" in head
    assert "largest gap" not in rest.partition("The kernel checked both ends")[0]


def test_whole_landscapes_are_certified(tiny, tmp_path, capsys):
    """Line, JSON and page say what the certificates' claims say, each of which the kernel accepts by both evaluations."""
    assert main(words(tiny, tmp_path, "--widths", "1:4", "--compare", "0", "--json")) == 0
    found = json.loads(capsys.readouterr().out)
    assert plain(found["sentence"]).startswith(
        "CERTIFIED by the kernel: width 1: 2 minima, 1 pass, 0.4161342 <= largest gap"
    )
    assert "COMPUTED" not in found["sentence"]
    page = Outline((tmp_path / "report.html").read_text("utf-8")).text
    for w, minima in zip(found["widths"], (2, 4, 18), strict=True):
        whole = w["whole"]
        c = read_certificate(tmp_path / whole["certificate"])
        (claim,) = c.claims
        for evaluation in ("fast", "reference"):
            assert check(c.problem, claim, evaluation=evaluation).accepted
        assert whole["status"] == "CERTIFIED"
        assert whole["minima"] == len(claim.minima) == w["minima_count"] == minima
        assert whole["passes"] == len(claim.joins) == minima - 1
        assert (whole["gap_lower"], whole["gap_upper"]) == (claim.gap_lower, claim.gap_upper)
        assert claim.gap_lower <= w["largest_gap"] * (1 + 1e-9)
        assert w["largest_gap"] * (1 - 1e-9) <= claim.gap_upper
        assert whole["connected_from"] == pytest.approx(w["connected_from"], rel=1e-9)
        assert whole["sha256"] == c.digest
        assert c.digest[:16] in page
        with open(tmp_path / f"width-{w['width']}-certified-tree.csv") as handle:
            certified = list(csv.DictReader(handle))
        with open(tmp_path / f"width-{w['width']}-tree.csv") as handle:
            computed = sorted(float(r["gap"]) for r in csv.DictReader(handle))
        assert len(certified) == minima
        for row, gap in zip(sorted(certified[1:], key=lambda r: float(r["gap_from"])), computed, strict=True):
            assert float(row["gap_from"]) - 1e-12 <= gap <= float(row["gap_to"]) + 1e-12
            assert float(row["gap_to"]) - float(row["gap_from"]) < 1e-12
        with open(tmp_path / f"width-{w['width']}-certified-components.csv") as handle:
            counts = [int(r["components"]) for r in csv.DictReader(handle)]
        assert counts == [0, *claim.counts.tolist()]
        assert f"width {w['width']}: {minima} minima, {minima - 1} pass" in page
    assert page.index("CERTIFIED") < page.index("4 minima, 3 passes")
    assert "COMPUTED" not in page


def test_a_tree_that_contradicts_the_certificate_of_its_landscape_is_an_error(tiny, tmp_path, capsys, monkeypatch):
    from verifier.pipeline import landscape_run

    real = landscape_run.merge_tree

    def wrong(*args, **options):
        tree = real(*args, **options)
        return replace(tree, passes=tree.passes * 2)

    monkeypatch.setattr(landscape_run, "merge_tree", wrong)
    assert main(words(tiny, tmp_path, "--width", "1", "--compare", "0")) == 1
    assert "which the kernel certifies: the tree of width 1 is wrong" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("seed", "N", "width", "gap"), [(0, 4, 3, "0.2705434"), (1, 3, 3, "0.3396398"), (0, 2, 1, None)]
)
def test_critical_width(seed, N, width, gap, tmp_path, capsys):
    """The least width without a gap, with certificates of it and of the widths below, which have one."""
    X, y = documented_data(seed, N)
    np.savez(tmp_path / "d.npz", X=X, y=y[:, 0])
    assert main(words(tmp_path / "d.npz", tmp_path / "o", "--critical-width", "--compare", "0", "--json")) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["critical"]["width"] == width
    assert found["critical"]["resolution"] < 1e-12
    page = Outline((tmp_path / "o" / "report.html").read_text("utf-8")).text
    sentence = f"critical width {width}, gaps up to {show_up(found['critical']['resolution'], 2)} aside: no two networks of width {width} have a larger one"
    assert f"CERTIFIED by the kernel: {sentence}" in plain(found["sentence"])
    assert sentence in page
    for w in found["widths"]:
        (claim,) = read_certificate(tmp_path / "o" / w["whole"]["certificate"]).claims
        assert (len(claim.minima) == 1) == (w["width"] == width)
        assert (claim.gap_lower > 0.0) == (w["width"] < width)
    assert [w["width"] for w in found["widths"]] == list(range(1, width + 1))
    assert gap is None or f"two of width {width - 1} have one of at least {gap}" in found["sentence"]


def test_critical_width_that_is_not_decided(tiny, tmp_path, capsys):
    asked = words(tiny, tmp_path, "--critical-width", "--compare", "0", "--most-cells", "100")
    assert main(asked) == 3
    out = capsys.readouterr().out
    assert out.startswith(
        "INCONCLUSIVE: critical width not determined: width 2 is not decided: 2 x 10 one-neuron cells"
    )
    assert plain(out).endswith(
        "CERTIFIED by the kernel: width 1: 2 minima, 1 pass, 0.4161342 <= largest gap <= 0.4161343\n"
    )
    assert "ritical width not determined" in (tmp_path / "report.html").read_text("utf-8")


@pytest.mark.parametrize("power", [-15, pytest.param(20, marks=pytest.mark.slow)])
def test_scaled_targets_have_the_same_landscape(power, tmp_path, capsys):
    """2, 4 and 18 minima, and gaps times 2^(2 power): targets of 2^-15 once had one minimum and "no barrier" at width 3."""
    X, y = documented_data(0, 5)
    found = []
    for k in (0, power):
        np.savez(tmp_path / "d.npz", X=X, y=np.ldexp(y[:, 0], k))
        assert (
            main(
                words(
                    tmp_path / "d.npz", tmp_path / str(k), "--widths", "1:4", "--compare", "1", "--no-report", "--json"
                )
            )
            == 0
        )
        found.append(json.loads(capsys.readouterr().out)["widths"])
    assert [w["minima_count"] for w in found[1]] == [2, 4, 18]
    for a, b in zip(*found, strict=True):
        for name in ("largest_gap", "level", "lowest", "connected_from", "resolution", "zero_network"):
            assert b[name] == math.ldexp(a[name], 2 * power)
        for p, q in zip(a["pairs"], b["pairs"], strict=True):
            assert (p["younger"], p["older"]) == (q["younger"], q["older"])
            assert q["certified_gap"] == pytest.approx(math.ldexp(p["certified_gap"], 2 * power), rel=1e-9)
            assert q["upper_gap"] == pytest.approx(math.ldexp(p["upper_gap"], 2 * power), rel=1e-9)


def test_hubers_loss_far_from_its_delta(tmp_path, capsys):
    """Targets of 1e4: the tree once had a gap of 280.6 beside a certified gap of at most 3.3e-07."""
    X, y = documented_data(60, 5)
    rows = "".join(f"{a!r},{1e4 * b!r}\n" for a, b in zip(X[:, 0].tolist(), y[:, 0].tolist()))
    (tmp_path / "d.csv").write_text("x,y\n" + rows)
    command = [
        "landscape", "--data", str(tmp_path / "d.csv"), "--loss", "huber", "--delta", "1", "--kappa", "0.2", "--penalty", "path", "--width", "2",
        "--methods", "line", "--out", str(tmp_path / "p"), "--json", "--no-report",
    ]  # fmt: skip
    assert main(command) == 0
    (w,) = json.loads(capsys.readouterr().out)["widths"]
    for p in w["pairs"]:
        assert p["tree_gap"] <= p["upper_gap"] + 1e-6 * p["tree_level"]


def test_a_tree_that_contradicts_its_certificate_is_an_error(tiny, tmp_path, capsys, monkeypatch):
    from verifier.pipeline import landscape_records

    real = landscape_records.leading_pairs
    monkeypatch.setattr(
        landscape_records, "leading_pairs", lambda tree, most: [replace(p, gap=280.6) for p in real(tree, most)]
    )
    assert main(words(tiny, tmp_path, "--width", "1", "--compare", "1")) == 1
    out, err = capsys.readouterr()
    assert (
        plain(out)
        == "FAILED 1 of 1 pair; CERTIFIED by the kernel: width 1: 2 minima, 1 pass, 0.4161342 <= largest gap <= 0.4161343\n"
    )
    assert "the tree's gap 280.6 (float64) contradicts 0.4161 <= gap <= 0.4162, which the kernel certifies" in err
    assert "ERROR" in Outline((tmp_path / "report.html").read_text("utf-8")).text


def edit_json(folder, change):
    """Every number in every record of the folder that the change knows."""
    for file in folder.rglob("*.json"):
        value = json.loads(file.read_text())
        change(value)
        file.write_text(json.dumps(value))


def lower(value):
    for w in value.get("widths", []):
        w.update(minima_count=1, largest_gap=0.0, lowest=0.0)
        for p in w["pairs"]:
            p.update(certified_gap=0.0, upper_gap=0.0, rows=[])
    value.update(upper_gap=0.0, certified_gap=0.0)


def test_edited_records_are_not_believed(tiny, tmp_path, capsys):
    command = words(tiny, tmp_path, "--widths", "1:3", "--compare", "1", "--no-report")
    assert main(command) == 0
    first = capsys.readouterr().out
    edit_json(tmp_path, lower)
    assert main(command) == 0
    assert capsys.readouterr().out == first


def test_a_certificate_of_another_pair_under_the_right_name_is_made_again(tiny, tmp_path, capsys):
    """With the record beside it edited, or sealed again for it: it is about other networks, whatever records say."""
    command = words(tiny, tmp_path, "--width", "2", "--compare", "2", "--no-report")
    assert main(command) == 0
    first = capsys.readouterr().out
    one, two = (tmp_path / "pairs" / f"width-2-{k}.safetensors" for k in (1, 2))
    record = read_sealed(one.with_suffix(".json"))
    one.write_bytes(two.read_bytes())
    write_sealed(one.with_suffix(".json"), {**record, "sha256": file_sha256(one)})
    assert main(command) == 0
    assert capsys.readouterr().out == first
    assert file_sha256(one) != file_sha256(two)


def test_a_certificate_whose_record_was_edited_is_made_again(tiny, tmp_path, capsys):
    """Its sampled figures stand in that record, and nothing else vouches for them."""
    command = [
        *words(tiny, tmp_path, "--width", "1", "--compare", "1", "--no-report", "--json"),
        "--methods",
        "line,dss",
    ]
    assert main(command) == 0
    first = json.loads(capsys.readouterr().out)["widths"][0]["pairs"][0]
    file = tmp_path / "pairs" / first["certificate"]
    c = read_certificate(file)
    estimates = [{**e, "maximum": 0.0, "gap": 0.0} for e in c.record["estimates"]]
    assert estimates
    file.write_bytes(pack({**c.document, "record": {**c.record, "estimates": estimates}}, c.arrays))
    assert main(command) == 0
    again = json.loads(capsys.readouterr().out)["widths"][0]["pairs"][0]
    assert [(r["method"], r["maximum"]) for r in again["rows"]] == [(r["method"], r["maximum"]) for r in first["rows"]]


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
    k = command.index("--out")
    assert main(command[:k] + command[k + 2 :] + more) == 0
    assert (tmp_path / "landscapes" / "d-a-b" / "report.html").exists(), (
        "beside the landscape of the data, not in its place"
    )


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ([], "name one of --width M, --widths A:B, --critical-width and --pair A B"),
        (["--width", "2", "--critical-width"], "name one of --width M"),
        (["--width", "2", "--certify-faces", "-1"], "--certify-faces -1: expected at least 0"),
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


def test_where_neurons_cost_something_the_least_f_of_every_width_is_certified(tiny, tmp_path, capsys):
    asked = words(tiny, tmp_path, "--widths", "1:3", "--compare", "1", "--kappa", "0.01", "--penalty", "path")
    assert main(asked) == 0
    out = capsys.readouterr().out
    least = float(re.search(r"; F >= (\S+) for one hidden layer of any width$", out.strip()).group(1))
    record = json.loads((tmp_path / "landscape.json").read_text())
    lowest = [w["lowest"] for w in record["widths"]]
    assert lowest == sorted(lowest, reverse=True)
    # No width is below it, and five samples need few neurons to come near.
    assert least <= lowest[-1] * (1 + 1e-9)
    assert least >= 0.5 * lowest[-1]
    files = sorted((tmp_path / "pairs").glob("*.safetensors"))
    claims = [c for f in files for c in read_certificate(f).claims if isinstance(c, EveryWidthLowerBound)]
    assert len(claims) == len(files) >= 1
    assert max(c.lower for c in claims) >= least
    page = (tmp_path / "report.html").read_text()
    assert "no network of this kind, whatever its width, has F below" in page
    assert main(["check", *map(str, files), "--reference"]) == 0


def test_a_tree_that_falls_below_every_width_is_a_defect():
    _, network, _ = random_pair(0)
    minima = MinimaPair(younger=1, older=0, level=1.0, gap=0.5)
    pair = LeadingPair(2, 1, minima, network, network, lowest=0.2, resolution=1e-9)
    figures = {"certified_gap": 0.5, "upper_gap": 0.5, "every_width": 0.19}
    _require_agreement(pair, figures)
    with pytest.raises(VerifierError, match=r"the tree's least F 0\.2 "):
        _require_agreement(pair, {**figures, "every_width": 0.21})

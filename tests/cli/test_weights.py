"""`certify` with sample weights: the weighted mean everywhere, and nothing that silently takes the plain one."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import verifier
from verifier.certificate.file import read_certificate
from verifier.cli.main import main
from verifier.kernel.statements import HeadOptimum

RNG = np.random.default_rng(0)
N = 24
X = RNG.normal(size=(N, 2))
Y = np.where(X[:, 0] + 0.5 * RNG.normal(size=N) > 0.4, 1, 0)
W = RNG.integers(1, 4, N)


def networks(outputs: int = 1, seed: int = 0):
    out = []
    for k in range(2):
        torch.manual_seed(10 * seed + k)
        out.append(torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.ReLU(), torch.nn.Linear(4, outputs)))
    return out


@pytest.fixture
def pair(tmp_path):
    files = []
    for k, n in enumerate(networks()):
        torch.save(n.state_dict(), tmp_path / f"{k}.pt")
        files.append(str(tmp_path / f"{k}.pt"))
    return files


@pytest.fixture
def table(tmp_path):
    rows = ["a,b,label,w"] + [f"{x!r},{z!r},{y},{w}" for (x, z), y, w in zip(X.tolist(), Y.tolist(), W.tolist())]
    (tmp_path / "data.csv").write_text("\n".join(rows) + "\n")
    return str(tmp_path / "data.csv")


def certify(pair, *words, method="exchange,line"):
    return main(
        ["certify", "--pair", *pair, "--loss", "logistic", "--kappa", "0.01", "--penalty", "l1", "--method", method,
         "--out", "c.safetensors", "--json", "--no-report", *words]
    )  # fmt: skip


def bounds(found):
    return {b["method"]: (b["sup"], b["gap"]) for b in found["bounds"]}


def test_integer_weights_of_a_column_are_repeated_samples(pair, table, tmp_path, capsys):
    assert certify(pair, "--data", table, "--target", "label", "--sample-weight", "w") == 0
    out, err = capsys.readouterr()
    weighted = json.loads(out)
    assert "sample weights: one weight per sample; F is the weighted mean, the weights divided by their sum" in err
    assert main(["check", "c.safetensors", "--reference"]) == 0
    assert "F = weighted mean logistic loss" in capsys.readouterr().err
    np.savez(tmp_path / "repeated.npz", X=np.repeat(X, W, axis=0), y=np.repeat(Y, W))
    assert certify(pair, "--data", str(tmp_path / "repeated.npz")) == 0
    repeated = json.loads(capsys.readouterr().out)
    assert weighted["E"] == pytest.approx(repeated["E"], rel=1e-9)
    # One line, one problem: its bounds agree. Exchange may stop at another head as soon as it is under the target.
    assert bounds(weighted)["line"] == pytest.approx(bounds(repeated)["line"], rel=1e-9, abs=1e-12)
    assert bounds(weighted)["exchange"][1] == pytest.approx(bounds(repeated)["exchange"][1], abs=1e-3)


def test_column_array_and_file_say_the_same(pair, table, tmp_path, capsys):
    np.save(tmp_path / "w.npy", W)
    np.savez(tmp_path / "data.npz", X=X, y=Y, importance=W)
    supplied = [
        ("--data", table, "--target", "label", "--sample-weight", "w"),
        ("--data", table, "--target", "label", "--drop", "w", "--sample-weight", str(tmp_path / "w.npy")),
        ("--data", str(tmp_path / "data.npz"), "--sample-weight", "importance"),
    ]
    found = []
    for words in supplied:
        assert certify(pair, *words, method="line") == 0
        found.append(bounds(json.loads(capsys.readouterr().out)))
        assert np.array_equal(read_certificate(Path("c.safetensors")).problem.weights, W)
    assert found[0] == found[1] == found[2]


def test_a_sample_of_weight_0_is_left_out(pair, tmp_path, capsys):
    w = W.astype(float)
    w[::3] = 0.0
    np.save(tmp_path / "w.npy", w)
    np.savez(tmp_path / "all.npz", X=X, y=Y)
    np.savez(tmp_path / "some.npz", X=X[w > 0], y=Y[w > 0], w=w[w > 0])
    assert certify(pair, "--data", str(tmp_path / "all.npz"), "--sample-weight", str(tmp_path / "w.npy")) == 0
    out, err = capsys.readouterr()
    assert "8 of 24 samples have weight 0 and are left out" in err
    left_out = read_certificate(Path("c.safetensors")).problem
    assert len(left_out.X) == 16
    assert certify(pair, "--data", str(tmp_path / "some.npz"), "--sample-weight", "w") == 0
    assert bounds(json.loads(out)) == bounds(json.loads(capsys.readouterr().out))


def test_a_power_of_two_times_all_weights_changes_nothing():
    a, b = networks()
    found = [
        verifier.certify(
            a, b, (X, Y), loss="logistic", weights=W * scale, method="exchange,line", out=f"{k}.safetensors"
        )
        for k, scale in enumerate([1.0, 2.0**-7])
    ]
    assert [(x.sup, x.gap) for x in found[0].bounds] == [(x.sup, x.gap) for x in found[1].bounds]


def test_equal_weights_are_the_plain_mean(pair, table, capsys):
    np.save("ones.npy", np.full(N, 0.7))
    words = ("--data", table, "--target", "label", "--drop", "w")
    assert certify(pair, *words, "--sample-weight", "ones.npy", method="line") == 0
    out, err = capsys.readouterr()
    assert "all are equal, so this is the plain mean" in err
    assert read_certificate(Path("c.safetensors")).problem.weights is None
    assert certify(pair, *words, method="line") == 0
    assert bounds(json.loads(out)) == bounds(json.loads(capsys.readouterr().out))


def test_balanced_classes_are_scikit_learns(pair, table, capsys):
    from sklearn.utils.class_weight import compute_sample_weight

    words = ("--data", table, "--target", "label", "--drop", "w", "--class-weight")
    assert certify(pair, *words, "balanced", method="line") == 0
    assert "balanced classes" in capsys.readouterr().err
    problem = read_certificate(Path("c.safetensors")).problem
    assert problem.weights == pytest.approx(compute_sample_weight("balanced", Y), rel=1e-12)
    assert certify(pair, *words, "1=3", method="line") == 0
    assert "classes weighted 0: 1, 1: 3" in capsys.readouterr().err
    assert np.array_equal(read_certificate(Path("c.safetensors")).problem.weights, np.where(Y == 1, 3.0, 1.0))


def test_class_and_sample_weights_multiply(pair, table):
    words = ("--data", table, "--target", "label", "--sample-weight", "w", "--class-weight", "0=0.5")
    assert certify(pair, *words, method="line") == 0
    assert np.array_equal(read_certificate(Path("c.safetensors")).problem.weights, W * np.where(Y == 0, 0.5, 1.0))


def test_pos_weight_is_torchs_up_to_the_factor_that_is_said(pair, table, capsys):
    words = ("--data", table, "--target", "label", "--drop", "w", "--pos-weight", "2.5", "--kappa", "0")
    assert main(["certify", "--pair", *pair, "--loss", "logistic", *words, "--method", "line", "--out", "c.safetensors",
                 "--no-report"]) == 0  # fmt: skip
    err = capsys.readouterr().err
    said = next(line for line in err.splitlines() if "BCEWithLogitsLoss(pos_weight=2.5) is this loss times" in line)
    factor = float(said.split("is this loss times ")[1].split(";")[0])
    F = read_certificate(Path("c.safetensors")).record["endpoints"]["A"]["F"]
    torchs = torch.nn.BCEWithLogitsLoss(pos_weight=torch.tensor(2.5, dtype=torch.float64))
    with torch.no_grad():
        f = networks()[0].double()(torch.tensor(X))[:, 0]
    assert factor * F == pytest.approx(float(torchs(f, torch.tensor(Y, dtype=torch.float64))), rel=1e-5)


@pytest.mark.parametrize("loss", ["logistic", "hinge", "squared"])
def test_every_construction_is_certified_with_weights_or_says_why_not(loss, capsys):
    a, b = networks()
    heard: list[str] = []
    found = verifier.certify(
        a, b, (X, Y), loss=loss, kappa=0.01, penalty="path", weights=W, exhaustive=True, out="c.safetensors",
        say=heard.append,
    )  # fmt: skip
    assert {b.method for b in found.bounds} >= {"exchange", "line", "halves", "descent", "homotopy", "theorem2", "dss"}
    assert all(v.accepted for v in found.check(reference=True))
    assert "exact: covers the plain mean over samples, not sample weights: skipped" in heard
    certificate = read_certificate(found.certificate)
    assert any("a-priori values are about the plain mean" in s for s in certificate.record["skipped"])
    assert certificate.record["apriori"] == []
    heads = [c for c in certificate.claims if isinstance(c, HeadOptimum)]
    assert heads
    # Head programs are of the weighted mean: the kernel's interval around each is narrow.
    assert all(c.upper - c.lower < 1e-4 * max(1.0, c.upper) for c in heads)


def test_deep_networks_and_several_outputs(capsys):
    pair = []
    for k in range(2):
        torch.manual_seed(k)
        layers = [torch.nn.Linear(2, 6), torch.nn.ReLU(), torch.nn.Linear(6, 6), torch.nn.ReLU(), torch.nn.Linear(6, 3)]
        pair.append(torch.nn.Sequential(*layers))
    y = np.digitize(X[:, 0], [-0.4, 0.5])
    found = verifier.certify(
        *pair, (X, y), loss="cross_entropy", class_weight="balanced", method="theorem41,exchange,dropout,line,rebasin,bezier",
        out="c.safetensors",
    )  # fmt: skip
    assert len(found.bounds) == 6
    assert all(v.accepted for v in found.check())
    assert "weighted mean" in found.report("r.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--sample-weight", "v"), "has no column 'v' of sample weights; the columns are a, b, label, w"),
        (("--sample-weight", "a"), "expected finite numbers >= 0"),
        (("--class-weight", "2=1"), "'2' is none of the labels 0, 1"),
        (("--class-weight", "heavy"), "expected balanced, or each label once with its weight"),
        (("--class-weight", "0=-1"), "expected a finite number >= 0"),
        (("--pos-weight", "2", "--class-weight", "balanced"), "both weigh the classes"),
        (("--pos-weight", "nan"), "pos_weight: expected a finite number >= 0"),
        (("--class-weight", "0=0,1=0"), "all are 0"),
    ],
)
def test_what_does_not_fit_is_refused(pair, table, capsys, words, message):
    assert certify(pair, "--data", table, "--target", "label", *words, *(() if "a" in words else ("--drop", "w"))) in (
        2,
        4,
    )
    assert message in capsys.readouterr().err


def test_pos_weight_needs_the_logistic_loss(pair, table, capsys):
    words = ("--data", table, "--target", "label", "--drop", "w", "--pos-weight", "2")
    assert main(["certify", "--pair", *pair, "--loss", "squared", *words]) == 2
    assert "pos_weight belongs to the logistic loss" in capsys.readouterr().err


def test_weights_for_moons_come_from_a_file(pair, capsys):
    assert certify(pair, "--data", "moons:n=24,noise=0.2,seed=1", "--sample-weight", "w") == 2
    assert "names a column or an array of a file" in capsys.readouterr().err


def test_class_weights_in_the_order_of_the_outputs_are_one_per_class():
    a, b = networks(3)
    y = np.digitize(X[:, 0], [-0.4, 0.5])
    options = {"loss": "cross_entropy", "method": "line", "out": "c.safetensors"}
    verifier.certify(a, b, (X, y), class_weight=torch.tensor([1.0, 2.0, 4.0]), **options)
    assert np.array_equal(read_certificate(Path("c.safetensors")).problem.weights, 2.0**y)
    with pytest.raises(verifier.UsageError, match="class_weight: 2 numbers for 3 classes"):
        verifier.certify(a, b, (X, y), class_weight=[1.0, 2.0], **options)


def test_exact_by_name_is_refused(capsys):
    a, b = networks()
    with pytest.raises(verifier.UsageError, match="cells cover the plain mean over samples, not sample weights"):
        verifier.certify(a, b, (X, Y), loss="squared", weights=W, method="exact", out="c.safetensors")


def test_other_commands_refuse_a_weighted_data_set():
    from verifier.data.dataset import Dataset
    from verifier.training import train_network

    data = Dataset(X, Y, "mine", "binary", weights=W)
    with pytest.raises(verifier.UsageError, match="training: takes the plain mean over samples"):
        train_network(data, 3, "logistic", seed=0)


def test_all_pairs_share_the_weights_and_keep_only_certificates_of_them(tmp_path):
    from verifier.many import certify_all

    members = {"a": networks()[0], "b": networks()[1], "c": networks(seed=1)[0]}
    heard: list[str] = []
    for k, weights in enumerate((W, W, W[::-1])):
        heard.clear()
        result = certify_all(members, (X, Y), loss="logistic", weights=weights, out=tmp_path / "all", say=heard.append)
        made = next(line for line in heard if "certificates made" in line)
        assert ("3 certificates made" in made) == (k != 1)
    files = list((tmp_path / "all").glob("*.safetensors"))
    assert len(files) == 6
    assert all(read_certificate(f).problem.weights is not None for f in files)
    assert result.outcome is not None

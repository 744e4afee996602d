"""From the user's own objects and files to F: the two doors agree with each other and with numpy."""

import numpy as np
import pytest
import torch

from verifier import certify
from verifier.certificate import read_certificate
from verifier.cli.main import main
from verifier.errors import UsageError
from verifier.networks import save_checkpoint

from .conftest import tiny_network

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 2))
LABELS = RNG.integers(1, 4, size=30)  # 1, 2, 3


def cross_entropy(network, classes):
    f = network.predict(X)
    return float(np.mean(np.log(np.exp(f).sum(axis=1)) - f[np.arange(30), classes]))


def both_doors(tmp_path, nets, y, loss):
    """F(A) by the API from arrays, and by the command line from files."""
    api = certify(*nets, (X, y), loss=loss, method="line", out="api.safetensors")
    for name, network in zip("ab", nets):
        save_checkpoint(tmp_path / f"{name}.pt", network)
    rows = ["x0,x1,label", *(f"{a!r},{b!r},{label}" for (a, b), label in zip(X.tolist(), np.asarray(y).tolist()))]
    (tmp_path / "t.csv").write_text("\n".join(rows))
    words = [
        "certify",
        "--pair",
        "a.pt",
        "b.pt",
        "--data",
        "t.csv",
        "--loss",
        loss,
        "--method",
        "line",
        "--out",
        "cli.safetensors",
        "--no-report",
    ]
    assert main(words) == 0
    found = [read_certificate(tmp_path / name).record for name in ("api.safetensors", "cli.safetensors")]
    assert found[0]["endpoints"]["A"]["F"] == found[1]["endpoints"]["A"]["F"]
    assert found[0]["endpoints"]["A"]["accuracy"] == found[1]["endpoints"]["A"]["accuracy"]
    assert found[0]["data"]["recipe"]["targets"] == found[1]["data"]["recipe"]["targets"]
    return api, found[1]


def test_labels_from_1_on_one_output_more_than_labels(tmp_path, capsys):
    """They are the outputs 1, 2, 3 of four; renumbered they would be another objective."""
    nets = [tiny_network(s, (2, 6, 4)) for s in (0, 1)]
    _, record = both_doors(tmp_path, nets, LABELS, "cross_entropy")
    assert record["endpoints"]["A"]["F"] == pytest.approx(cross_entropy(nets[0], LABELS), rel=1e-12)
    assert record["endpoints"]["A"]["accuracy"] == np.mean(nets[0].predict(X).argmax(axis=1) == LABELS)
    counts = [int(np.sum(k == LABELS)) for k in range(4)]
    said = ", ".join(f"{k} -> class {k} ({n} samples)" for k, n in enumerate(counts))
    assert f"labels: {said}" in capsys.readouterr().err


def test_labels_from_1_on_as_many_outputs(tmp_path):
    nets = [tiny_network(s, (2, 6, 3)) for s in (0, 1)]
    _, record = both_doors(tmp_path, nets, LABELS, "cross_entropy")
    assert record["endpoints"]["A"]["F"] == pytest.approx(cross_entropy(nets[0], LABELS - 1), rel=1e-12)


def test_labels_beyond_the_outputs_are_one_sentence(tmp_path, capsys):
    nets = [tiny_network(s, (2, 6, 3)) for s in (0, 1)]
    y = np.where(np.arange(30) == 17, 4, LABELS - 1)
    with pytest.raises(UsageError, match=r"the label 4 \(first in sample 18\) has no output"):
        certify(*nets, (X, y), loss="cross_entropy", method="line")


@pytest.mark.parametrize("outputs", [2, 3])
def test_one_hot_squared_loss_says_how_it_is_scaled(tmp_path, capsys, outputs):
    nets = [tiny_network(s, (2, 6, outputs)) for s in (0, 1)]
    y = LABELS % outputs
    api, record = both_doors(tmp_path, nets, y, "squared")
    errors = (nets[0].predict(X) - np.eye(outputs)[y]) ** 2
    assert record["endpoints"]["A"]["F"] == pytest.approx(errors.sum(axis=1).mean(), rel=1e-12)
    scale = f"torch's mean, over outputs too, is this loss / {outputs}"
    assert scale in capsys.readouterr().err
    page = api.report("r.html").read_text()
    assert f"is this loss / {outputs}" in page
    assert "class 0" in page


def test_signs_are_labels_of_the_logistic_loss_and_numbers_of_the_squared_one(tmp_path):
    nets = [tiny_network(s) for s in (0, 1)]
    y = np.where(LABELS > 1, 1, -1)
    f = nets[0].predict(X)[:, 0]
    _, record = both_doors(tmp_path, nets, y, "logistic")
    assert record["endpoints"]["A"]["F"] == pytest.approx(np.mean(np.log1p(np.exp(-y * f))), rel=1e-12)
    assert record["endpoints"]["A"]["accuracy"] == np.mean(np.sign(f) == y)
    (tmp_path / "api.safetensors").unlink()
    _, record = both_doors(tmp_path, nets, y, "squared")
    assert record["endpoints"]["A"]["F"] == pytest.approx(np.mean((f - y) ** 2), rel=1e-12)


def test_a_column_too_many_is_named_with_the_way_out(tmp_path, capsys):
    for s in (0, 1):
        save_checkpoint(tmp_path / f"{s}.pt", tiny_network(s))
    (tmp_path / "t.csv").write_text(
        "flag,x1,x2,label\n" + "".join(f"{a > 0},{a!r},{b!r},{a > b}\n" for a, b in X.tolist())
    )
    words = [
        "certify",
        "--pair",
        "0.pt",
        "1.pt",
        "--data",
        "t.csv",
        "--loss",
        "logistic",
        "--method",
        "line",
        "--no-report",
    ]
    assert main(words) == 2
    err = capsys.readouterr().err
    assert "has 3 features, the networks take 2 inputs" in err
    assert "the features are flag, x1, x2; --drop COLUMN leaves a column out that is no feature" in err
    assert main([*words, "--drop", "flag"]) in (0, 3)


def test_a_task_that_is_named_stands_above_what_the_loss_would_decide(tmp_path):
    """2 and 4 are numbers for the squared loss, and 0 and 1 when the task is said to be binary; by both doors."""
    nets = [tiny_network(s) for s in (0, 1)]
    y = np.where(LABELS > 1, 4, 2)
    np.savez(tmp_path / "t.npz", X=X, y=y)
    f = nets[0].predict(X)[:, 0]
    for task, targets in ((None, y), ("binary", (y - 2) / 2), ("regression", y)):
        options = {} if task is None else {"task": task}
        for data in ((X, y), str(tmp_path / "t.npz")):
            result = certify(*nets, data, loss="squared", method="line", out="a.safetensors", data_options=options)
            F = read_certificate(result.certificate).record["endpoints"]["A"]["F"]
            assert pytest.approx(np.mean((f - targets) ** 2), rel=1e-12) == F


def test_objects_of_torch_and_scikit_learn(tmp_path):
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier
    from torch.utils.data import DataLoader, TensorDataset

    y = np.array(["high" if a > 0 else "low" for a in X[:, 0]])
    with pytest.warns(ConvergenceWarning):
        mlps = [MLPClassifier((6,), max_iter=5, random_state=s).fit(X, y) for s in (0, 1)]
    fitted = certify(*mlps, (X, y), loss="logistic", method="line", out="a.safetensors")
    accuracy = read_certificate(fitted.certificate).record["endpoints"]["A"]["accuracy"]
    assert accuracy == mlps[0].score(X, y)
    torch.manual_seed(0)
    modules = [torch.nn.Sequential(torch.nn.Linear(2, 6), torch.nn.ReLU(), torch.nn.Linear(6, 1)) for _ in range(2)]
    tensors = TensorDataset(torch.tensor(X), torch.tensor(y == "high").float()[:, None])
    values = {
        certify(*modules, data, loss="logistic", method="line", out="b.safetensors").E
        for data in (tensors, DataLoader(tensors, shuffle=True, batch_size=7), (X, y == "high"))
    }
    assert len(values) == 1
    with pytest.raises(UsageError, match="data in memory; prepare them yourself"):
        certify(*modules, (X, y), loss="logistic", data_options={"standardize": True})


def test_the_same_parameters_in_another_geometry_have_another_default_name():
    """Else a run on one would replace the certificate of the other."""
    from dataclasses import replace

    from tests.corpus.channels import exchange_case
    from verifier.pipeline.places import default_name

    one = exchange_case().problem
    reading = one.geometry.readings[0]
    other = replace(
        one.geometry,
        readings=(replace(reading, window=replace(reading.window, stride=(7, 7))), *one.geometry.readings[1:]),
    )
    assert default_name("a.pt", "b.pt", one) != default_name("a.pt", "b.pt", replace(one, geometry=other))

"""Convolutional networks through every door: modules and data in memory, `--model` on the command line, state dicts, what the output says of them."""

import json
import re
import sys

import numpy as np
import pytest
import torch

import verifier
from tests.networks.modules import small
from verifier.cli.main import main
from verifier.data.load import load_data

DATA = load_data("digits-unit")
X, y = DATA.X[:60], DATA.y[:60]
WORDS = "3 convolutions + 2 dense layers, 1x8x8 -> 10"


def module(seed):
    torch.manual_seed(seed)
    return small()


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Two checkpoints, the second with a wrapper's names, a data file, and a module beside them that makes their network."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "my_nets", raising=False)
    torch.save(module(0).state_dict(), "a.pt")
    state = {f"module.{key}": value for key, value in module(1).state_dict().items()}
    torch.save({"model_state_dict": state, "epoch": 3}, "b.pt")
    (tmp_path / "my_nets.py").write_text(
        "from tests.networks.modules import LeNet5, ending, refusing, small\nnumber = 3\n"
    )
    np.savez("digits.npz", X=X.reshape(-1, 1, 8, 8), y=y)
    np.savez("flat.npz", X=X, y=y)
    return tmp_path


def certified(capsys, *more, data="digits.npz", pair=("a.pt", "b.pt")):
    code = main(
        ["certify", "--pair", *pair, "--data", data, "--loss", "cross_entropy", "--method", "theorem41", "--out", "c.safetensors", "--no-report", *more]
    )  # fmt: skip
    return code, *capsys.readouterr()


@pytest.mark.parametrize("form", ["images", "matrices", "rows", "tensors", "TensorDataset"])
def test_modules_and_data_in_memory(tmp_path, form):
    """Images say the shape of a sample; flat rows do not, and then it is asked for."""
    images = X.reshape(-1, 1, 8, 8)
    tensors = torch.tensor(images), torch.tensor(y)
    data = {
        "images": (images, y), "matrices": (X.reshape(-1, 8, 8), y), "rows": (X, y), "tensors": tensors,
        "TensorDataset": torch.utils.data.TensorDataset(*tensors),
    }[form]  # fmt: skip
    ask = {"loss": "cross_entropy", "method": "theorem41", "out": tmp_path / "c.safetensors"}
    if form == "rows":
        with pytest.raises(verifier.CheckpointError, match="input_shape='1,8,8'"):
            verifier.certify(module(0), module(1), data, **ask)
        ask["input_shape"] = "1,8,8"
    lines = []
    result = verifier.certify(module(0), module(1), data, say=lines.append, **ask)
    assert result.gap == 0.0
    assert WORDS in result.sentence
    assert re.search(r"A: F = .*  agrees with torch on 8 random samples to [0-9.e-]+$", lines[0])
    assert result.architecture.as_json() == {
        "widths": [64, 4, 6, 6, 12, 10], "shape": [1, 8, 8], "convolutions": 3, "dense_layers": 2, "poolings": 2,
    }  # fmt: skip
    assert verifier.check_file(result.certificate, networks=(module(0), module(1))).accepted
    page = result.report(tmp_path / "r.html").read_text()
    assert "3 convolutions + 2 dense layers, 1x8x8 -&gt; 10, widths 4–6–6–12" in page


def test_the_loss_is_that_of_torch(tmp_path):
    A, B = module(0), module(1)
    data = torch.tensor(X.reshape(-1, 1, 8, 8)), torch.tensor(y)
    result = verifier.certify(A, B, data, loss="cross_entropy", method="theorem41", out=tmp_path / "c.safetensors")
    with torch.no_grad():
        losses = [torch.nn.functional.cross_entropy(m.double()(data[0]), data[1]).item() for m in (A, B)]
    assert [result.lower_endpoint, result.E] == pytest.approx(sorted(losses), rel=1e-9)


def test_model_on_the_command_line(files, capsys):
    code, out, err = certified(capsys, "--model", "my_nets:small", "--json")
    assert code == 0
    assert WORDS in json.loads(out)["sentence"]
    assert json.loads(out)["architecture"]["convolutions"] == 3
    assert f"model my_nets:small: imported from {files / 'my_nets.py'} and called" in err
    assert err.count("agrees with torch on 8 random samples to") == 2
    # Flat rows say no shape, and the same certificate comes of it where it is given.
    code, out, err = certified(capsys, "--model", "my_nets:small", data="flat.npz")
    assert code == 4
    assert "--input-shape 1,8,8" in err
    code, out, err = certified(capsys, "--model", "my_nets:small", "--input-shape", "1,8,8", data="flat.npz")
    assert code == 0
    assert main(["check", "c.safetensors", "--networks", "b.pt", "a.pt", "--model", "my_nets:small"]) == 0
    assert f"networks {WORDS}, widths 4-6-6-12, ReLU" in capsys.readouterr().err
    assert main(["check", "c.safetensors", "--networks", "b.pt", "b.pt", "--model", "my_nets:small", "--json"]) == 5
    found = json.loads(capsys.readouterr().out)
    assert found["architecture"]["shape"] == [1, 8, 8]
    assert [c["same"] for c in found["networks"]] == [False, True]


@pytest.mark.parametrize(
    ("model", "code", "sentence"),
    [
        ("my_nets", 2, "expected MODULE:FACTORY"),
        ("no_such_nets:small", 2, "Python finds no module no_such_nets, looked for in"),
        ("my_nets.py:small", 2, "leave the .py out"),
        ("my_nets:tiny", 2, "was found, and failed .AttributeError"),
        ("my_nets:ending", 2, "ended the program .SystemExit: 0"),
        ("my_nets:refusing", 2, "RuntimeError: no GPU here"),
        ("my_nets:number", 2, "gave int; expected a torch.nn.Module"),
        ("my_nets:LeNet5", 4, r"the model lacks 0.bias, 0.weight, .* and 4 more; the file lacks conv1.bias"),
        (None, 4, "has 4 dimensions .* --model MODULE:FACTORY .it is imported and called"),
    ],
)
def test_models_that_do_not_fit(files, capsys, model, code, sentence):
    given = () if model is None else ("--model", model)
    found, _, err = certified(capsys, *given)
    assert found == code
    assert re.search(sentence, err), err
    assert not (files / "c.safetensors").exists()


@pytest.mark.parametrize(
    "how",
    [
        {"model": "tests.networks.modules:small"},
        {"model": small},
        {"model": lambda: small()},
        {"reading": verifier.Reading(model=small)},
    ],
    ids=["name", "function", "lambda", "reading"],
)
def test_state_dicts_with_a_model(files, tmp_path, how):
    """In Python, the same: and every number of the file counts."""
    ask = {"loss": "cross_entropy", "method": "line", "out": tmp_path / "c.safetensors", **how}
    data = X.reshape(-1, 1, 8, 8), y
    result = verifier.certify(module(0).state_dict(), "b.pt", data, **ask)
    assert verifier.check_file(result.certificate, networks=(module(0), module(1))).accepted
    with pytest.raises(verifier.UsageError, match="leave the option out"):
        verifier.certify(module(0).state_dict(), "b.pt", data, negative_slope=0.1, **ask)
    state = module(0).state_dict()
    for change, sentence in (
        ({"0.weight": torch.zeros(4, 1, 5, 5)}, r"0.weight has shape \(4, 1, 5, 5\), in the model \(4, 1, 3, 3\)"),
        ({"0.bias": torch.full((4,), float("inf"))}, "0.bias holds NaN or infinity"),
        ({"0.bias": torch.zeros(4, dtype=torch.complex64)}, "complex64"),
        ({"0.bias": torch.zeros(4, dtype=torch.int64)}, "int64"),
        ({"extra": torch.zeros(4)}, "the model lacks extra"),
    ):
        with pytest.raises(verifier.CheckpointError, match=sentence):
            verifier.certify({**state, **change}, "b.pt", data, **ask)


def test_a_model_for_no_checkpoint_is_refused():
    with pytest.raises(verifier.UsageError, match="A and B are no checkpoints; leave it out"):
        verifier.certify(module(0), module(1), (X.reshape(-1, 1, 8, 8), y), loss="cross_entropy", model=small)


def test_a_batch_normalisation_beside_convolutions_says_how_to_fold_it(files, capsys):
    torch.save({**module(0).state_dict(), "1.running_mean": torch.zeros(4), "1.running_var": torch.ones(4)}, "n.pt")
    code, _, err = certified(capsys, pair=("n.pt", "b.pt"))
    assert code == 4
    assert "torch.nn.utils.fusion.fuse_conv_bn_eval(conv, bn)" in err


def test_an_onnx_graph_is_named_as_such(files, capsys):
    (files / "a.onnx").write_bytes(b"\x08\x07\x12\x07pytorch")
    code, _, err = certified(capsys, pair=("a.onnx", "b.pt"))
    assert code == 4
    assert "a.onnx: is an ONNX graph" in err


def test_another_shape_of_the_data_is_said(files, capsys):
    np.savez("wide.npz", X=X.reshape(-1, 4, 4, 4), y=y)
    code, _, err = certified(capsys, "--model", "my_nets:small", data="wide.npz")
    assert code == 4
    assert "takes 1 channels and meets 4 channels; is the input shape 4,4,4 right?" in err
    code, _, err = certified(capsys, "--model", "my_nets:small", "--input-shape", "8,8", data="digits.npz")
    assert code == 2
    assert "expected channels, height and width" in err

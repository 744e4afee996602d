"""Checkpoints as other programs write them: read by content, or refused with advice that is followed here and works."""

import argparse
import collections
import re
import warnings

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from verifier.errors import CheckpointError, UsageError
from verifier.networks import Network, load_checkpoint, network_from_module, network_from_state_dict
from verifier.networks.checkpoint import load_curve
from verifier.options.reading import Reading
from verifier.paths.curves.strings import load_string
from verifier.pipeline.endpoints import read_endpoint


def mlp(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 1))


GOOD = mlp().state_dict()
NETWORK, _ = network_from_state_dict(GOOD)


def saved(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(content, path)
    return path


@pytest.mark.parametrize("name", ["a.pt", "a.ckpt", "a.pth.tar", "a.bin", "a", "a.model", "a#1.pt", "a.pt#1"])
def test_the_name_does_not_matter(tmp_path, name):
    assert load_checkpoint(saved(tmp_path / name, GOOD)).network.same_parameters(NETWORK)
    save_file(GOOD, tmp_path / "b")
    assert load_checkpoint(tmp_path / "b").network.same_parameters(NETWORK)


class Config:
    def __init__(self):
        self.lr = 0.1


BESIDE = {
    "numpy scalar": {"state_dict": GOOD, "best": np.float64(0.9)},
    "numpy scalars beside bare weights": {**GOOD, "best": np.float32(0.9), "args": argparse.Namespace(lr=0.1)},
    "numpy arrays as weights": {"weights": {k: v.numpy() for k, v in GOOD.items()}, "more": np.arange(3), "objects": np.array([None, "x"], dtype=object)},
    "Namespace": {"state_dict": GOOD, "args": argparse.Namespace(lr=0.1)},
    "object of the user's own class": {"model": GOOD, "config": Config(), "more": collections.defaultdict(list)},
    "net": {"net": GOOD, "acc": 97.0, "epoch": 3},
    "params": {"params": GOOD},
    "lightning": {"epoch": 3, "state_dict": {f"model.{k}": v for k, v in GOOD.items()}, "loops": {}, "callbacks": {"x": {"best": torch.tensor(1.0)}},
                  "optimizer_states": [{"state": {0: {"exp_avg": torch.ones(4, 2)}}}], "hyper_parameters": {"lr": 0.02}},
    "configuration under the usual name": {"model": {"width": 4}, "net": GOOD},
    "a model's configuration beside it": {"model": {"width": 4}, "state_dict": GOOD},
    "nested": {"checkpoint": {"weights": GOOD, "step": 3}},
    "optimiser by name": {"net": GOOD, "optimizer": {"exp_avg": {"0.weight": torch.ones(4, 2)}}},
}  # fmt: skip


@pytest.mark.parametrize("what", BESIDE)
def test_what_lies_beside_the_weights_is_passed_over(tmp_path, what):
    assert load_checkpoint(saved(tmp_path / "a.pt", BESIDE[what])).network.same_parameters(NETWORK)


class Evil:
    def __reduce__(self):
        return exec, ("open('ran', 'w').close()",)


class Worse:
    def __reduce__(self):
        import os

        return os.system, ("touch ran",)


def test_nothing_of_the_file_is_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_checkpoint(saved(tmp_path / "a.pt", {"net": GOOD, "x": Evil()})).network.same_parameters(NETWORK)
    with pytest.raises(CheckpointError, match="torch cannot read it"):
        load_checkpoint(saved(tmp_path / "b.pt", {"net": GOOD, "x": Worse()}))
    assert not (tmp_path / "ran").exists()
    for content, text in (
        (mlp(), r"holds a pickled Python object \(torch.nn.modules.container.Sequential\), such as a whole model"),
        (
            {"model": mlp()},
            r"pickled Python objects, which are not unpickled: model \(torch.nn.*Save model.state_dict\(\) instead",
        ),
        ({**GOOD, "4.weight": Config()}, r"4.weight beside the tensors are not tensors; .* --ignore 4.weight"),
    ):
        with pytest.raises(CheckpointError, match=text):
            load_checkpoint(saved(tmp_path / "c.pt", content))


def test_folders_of_a_download(tmp_path):
    hub = tmp_path / "hub"
    saved(hub / "pytorch_model.bin", GOOD)
    (hub / "config.json").write_text("{}")
    assert load_checkpoint(hub).network.same_parameters(NETWORK)
    save_file(mlp(1).state_dict(), hub / "model.safetensors")  # hubs keep both, and mean this one
    assert not load_checkpoint(hub).network.same_parameters(NETWORK)
    many = tmp_path / "many"
    for name in ("a.pt", "b.pt"):
        saved(many / name, GOOD)
    with pytest.raises(
        CheckpointError, match=r"several checkpoints, a.pt, b.pt; give one of them, such as (\S+)"
    ) as caught:
        load_checkpoint(many)
    load_checkpoint(str(caught.value).split("such as ")[1])
    (hub / "model.safetensors.index.json").write_text("{}")
    with pytest.raises(CheckpointError, match="in several parts"):
        load_checkpoint(hub)


def test_statistics_beside_the_only_dict_are_ambiguous_until_it_is_named(tmp_path):
    path = saved(tmp_path / "a.pt", {"net": GOOD, "mean": torch.ones(3)})
    with pytest.raises(CheckpointError, match=r"tensors mean lie beside the state dict 'net', .* say --key net if"):
        load_checkpoint(path)
    assert load_checkpoint(path, reading=Reading(key="net")).network.same_parameters(NETWORK)
    assert load_checkpoint(path, reading=Reading(ignore="mean")).network.same_parameters(NETWORK)


def test_key_and_ignore(tmp_path):
    other = mlp(1).state_dict()
    path = saved(
        tmp_path / "a.pt", {"netG": GOOD, "netD": other, "deep": {"netE": other}, "flat.0.weight": torch.ones(3, 2)}
    )
    for key, expected in (("netG", GOOD), ("netD", other), ("deep.netE", other)):
        assert load_checkpoint(path, reading=Reading(key=key)).network.same_parameters(
            network_from_state_dict(expected)[0]
        )
    with pytest.raises(CheckpointError, match="--key netX: there is no 'netX'; the keys are netG, netD, deep"):
        load_checkpoint(path, reading=Reading(key="netX"))
    prefixed = {**{f"model.{k}": v for k, v in GOOD.items()}, **{f"ema.{k}": v for k, v in other.items()}}
    both = saved(tmp_path / "b.pt", {"state_dict": prefixed})
    assert load_checkpoint(both, reading=Reading(key="state_dict.model")).network.same_parameters(NETWORK)
    assert load_checkpoint(both, reading=Reading(ignore="ema")).network.same_parameters(NETWORK)
    loss = saved(
        tmp_path / "c.pt", {**{f"model.{k}": v for k, v in GOOD.items()}, "criterion.pos_weight": torch.ones(1)}
    )
    with pytest.raises(CheckpointError, match=r"leave it out: --ignore (\S+)$") as caught:
        load_checkpoint(loss)
    for ignore in (str(caught.value).split("--ignore ")[1], "criterion.*", ["criterion"]):
        assert load_checkpoint(loss, reading=Reading(ignore=ignore)).network.same_parameters(NETWORK)
    with pytest.raises(CheckpointError, match="--ignore critic: nothing is called so; the keys are"):
        load_checkpoint(loss, reading=Reading(ignore="critic"))
    extra = saved(tmp_path / "d.pt", {**GOOD, "scale": torch.ones(3, 7)})
    with pytest.raises(CheckpointError, match="Leave out what is no layer with --ignore NAME"):
        load_checkpoint(extra)
    assert load_checkpoint(extra, reading=Reading(ignore="scale")).network.same_parameters(NETWORK)


@pytest.mark.parametrize("ignore", ["ema", "ema.*", "em*", ["ema.*"]])
def test_what_is_ignored_does_not_make_a_file_ambiguous(tmp_path, ignore):
    """Two dicts of tensors side by side: naming the entries of one, or it, leaves the other."""
    path = saved(tmp_path / "a.pt", {"net": GOOD, "ema": mlp(1).state_dict(), "epoch": 3})
    with pytest.raises(CheckpointError, match="which one is the network is ambiguous"):
        load_checkpoint(path)
    assert load_checkpoint(path, ignore=ignore).network.same_parameters(NETWORK)
    with pytest.raises(CheckpointError, match="--ignore teacher: nothing is called so; the keys are"):
        load_checkpoint(path, ignore=["ema.*", "teacher"])


@pytest.mark.parametrize("ignore", ["scale", "state_dict.scale", "state_dict.sc*"])
def test_entries_may_be_ignored_by_the_whole_way_to_them(tmp_path, ignore):
    path = saved(tmp_path / "a.pt", {"state_dict": {**GOOD, "scale": torch.ones(3, 7)}})
    assert load_checkpoint(path, ignore=ignore).network.same_parameters(NETWORK)


OTHERS = {
    "HDF5": b"\x89HDF\r\n\x1a\n",
    "pickled Python object .pickle": b"\x80\x04\x95joblib",
    "compressed with gzip": b"\x1f\x8b\x08",
}


@pytest.mark.parametrize(("text", "data"), OTHERS.items())
def test_other_formats_are_named(tmp_path, text, data):
    (tmp_path / "a.pt").write_bytes(data + b"\x00" * 20)
    with pytest.raises(CheckpointError, match=text):
        load_checkpoint(tmp_path / "a.pt")


def curve(tmp_path, bends=3, bias=True):
    """As Garipov et al. store it: every parameter once per bend."""
    nets = [mlp(seed).state_dict() for seed in range(bends)]
    names = {"0": "net.fc1", "2": "net.fc2"}
    state = {
        f"{names[key[0]]}.{key[2:]}_{k}": value
        for k, net in enumerate(nets)
        for key, value in net.items()
        if bias or "bias" not in key
    }
    return saved(tmp_path / "curve.pt", {"epoch": 5, "state_dict": state, "optimizer_state": {}}), [
        network_from_state_dict({k: v for k, v in n.items() if bias or "bias" not in k})[0] for n in nets
    ]


@pytest.mark.parametrize("bias", [True, False])
def test_curves_are_read_as_strings_and_their_ends_as_networks(tmp_path, bias):
    path, nets = curve(tmp_path, bias=bias)
    with pytest.raises(
        CheckpointError,
        match=r"holds a curve through 3 networks .*--pair '(\S+)' '(\S+)' --string (bezier:\S+), or (polychain:\S+)",
    ) as caught:
        load_checkpoint(path)
    a, b, bezier, polychain = re.search(r"--pair '(\S+)' '(\S+)' --string (\S+), or (\S+)$", str(caught.value)).groups()
    A, B = load_checkpoint(a).network, load_checkpoint(b).network
    assert A.same_parameters(nets[0])
    assert B.same_parameters(nets[2])
    assert all(n.same_parameters(m) for n, m in zip(load_curve(path)[0], nets, strict=True))
    chain = load_string(polychain, A, B)
    assert [v.sha256() for v in chain.vertices()] == [n.sha256() for n in nets]
    assert chain.notes == {}
    smooth = list(load_string(bezier, A, B).vertices())
    assert len(smooth) == 33
    np.testing.assert_allclose(smooth[8].W, 0.5625 * nets[0].W + 0.375 * nets[1].W + 0.0625 * nets[2].W, rtol=1e-12)
    with pytest.raises(CheckpointError, match="the curve has the networks 0 to 2"):
        load_checkpoint(f"{path}#3")
    with pytest.raises(CheckpointError, match=r"does not say which one it is; name it bezier:.* or polychain:"):
        load_string(path, A, B)
    plain = saved(tmp_path / "plain.pt", GOOD)
    for read, text in (
        (lambda: load_checkpoint(f"{plain}#0"), "holds no curve; leave #K out"),
        (lambda: load_string(f"bezier:{plain}", A, B), "holds no curve"),
    ):
        with pytest.raises(CheckpointError, match=text):
            read()


def test_a_curve_that_says_which_one_it_is(tmp_path):
    """As the code of Garipov et al. stores it: the coefficients of a Bezier curve are buffers."""
    path, nets = curve(tmp_path)
    state = torch.load(path)["state_dict"]
    ends = (nets[0], nets[2])
    for kind, buffers, moves in (("bezier", ("binom", "range"), 32), ("polychain", ("range",), 2)):
        place = saved(
            tmp_path / f"{kind}.pt",
            {"state_dict": {**state, **{f"coeff_layer.{b}": torch.arange(3.0) for b in buffers}}},
        )
        assert load_checkpoint(f"{place}#1").network.same_parameters(nets[1])
        for string in (place, f"{kind}:{place}"):
            assert len(load_string(string, *ends).moves) == moves
        other = "polychain" if kind == "bezier" else "bezier"
        with pytest.raises(CheckpointError, match=f"the file says that its curve is {kind}"):
            load_string(f"{other}:{place}", *ends)


def test_layers_that_are_numbered_like_bends_are_layers():
    network, _ = network_from_state_dict(
        {"weight_0": np.ones((4, 2)), "bias_0": np.ones(4), "weight_1": np.ones((4, 4)), "weight_2": np.ones((1, 4))}
    )
    assert network.widths == (2, 4, 4, 1)


def advice(state):
    with pytest.raises(CheckpointError) as caught:
        network_from_state_dict(state)
    return str(caught.value)


def outputs_agree(network, module):
    X = np.random.default_rng(0).normal(size=(9, 2))
    np.testing.assert_allclose(network.predict(X), module.eval().double()(torch.tensor(X)).detach().numpy(), atol=1e-9)


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_advice_on_reparametrised_layers_works():
    from torch.nn.utils import (
        parametrizations,
        parametrize,
        prune,
        remove_spectral_norm,
        remove_weight_norm,
        spectral_norm,
        weight_norm,
    )

    module = mlp()
    parametrizations.weight_norm(module[0])
    parametrizations.spectral_norm(module[2])
    assert "torch.nn.utils.parametrize.remove_parametrizations(layer, 'weight')" in advice(module.state_dict())
    outputs_agree(network_from_module(module), module)  # the module itself needs nothing
    assert parametrize.is_parametrized(module[0]), "the caller's module stays as it was"
    for layer in (module[0], module[2]):
        parametrize.remove_parametrizations(layer, "weight")
    outputs_agree(network_from_state_dict(module.state_dict())[0], module)
    for apply, name, remove in (
        (lambda m: weight_norm(m[0]), "torch.nn.utils.remove_weight_norm(layer)", remove_weight_norm),
        (lambda m: prune.l1_unstructured(m[0], "weight", 2), "torch.nn.utils.prune.remove(layer, 'weight')", lambda layer: prune.remove(layer, "weight")),
        (lambda m: spectral_norm(m[0]), "torch.nn.utils.remove_spectral_norm(layer)", remove_spectral_norm),
    ):  # fmt: skip
        module = mlp()
        apply(module)
        assert name in advice(module.state_dict())
        remove(module[0])
        outputs_agree(network_from_state_dict(module.state_dict())[0], module)


def test_advice_on_normalisation():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 1))
    module(torch.randn(20, 2))
    module.eval()
    X = torch.tensor(np.random.default_rng(0).normal(size=(9, 2)), dtype=torch.float32)
    before = module(X)
    assert "torch.nn.utils.fusion.fuse_linear_bn_eval(linear, bn)" in advice(module.state_dict())
    module[0], module[1] = torch.nn.utils.fusion.fuse_linear_bn_eval(module[0], module[1]), nn.Identity()
    torch.testing.assert_close(module(X), before)
    outputs_agree(network_from_state_dict(module.state_dict())[0], module)
    assert "as in a LayerNorm: " in advice(
        nn.Sequential(nn.Linear(2, 4), nn.LayerNorm(4), nn.ReLU(), nn.Linear(4, 1)).state_dict()
    )
    assert "as in a PReLU" in advice(nn.Sequential(nn.Linear(2, 4), nn.PReLU(), nn.Linear(4, 1)).state_dict())


class Ending(nn.Module):
    def __init__(self, last, outputs=3):
        super().__init__()
        self.fc1, self.fc2, self.last = nn.Linear(2, 4), nn.Linear(4, outputs), last

    def forward(self, x):
        return self.last(self.fc2(torch.relu(self.fc1(x))))


class Calls:
    """A function that is no submodule."""

    def __init__(self, function):
        self.function = function

    def __call__(self, x):
        return self.function(x)


@pytest.mark.parametrize(
    ("last", "outputs", "loss"),
    [
        (Calls(lambda x: torch.log_softmax(x, 1)), 3, "cross_entropy"), (Calls(lambda x: torch.softmax(x, 1)), 3, "cross_entropy"),
        (Calls(torch.sigmoid), 1, "logistic"), (nn.LogSoftmax(1), 3, "cross_entropy"), (nn.Softmax(1), 3, "cross_entropy"), (nn.Sigmoid(), 1, "logistic"),
    ],
)  # fmt: skip
def test_a_last_step_that_belongs_to_the_loss(last, outputs, loss):
    module = Ending(last, outputs)
    with pytest.raises(
        CheckpointError,
        match=rf"it belongs to the loss: hand over module.state_dict\(\) instead of the module, with loss='{loss}'",
    ):
        network_from_module(module)
    network, _ = network_from_state_dict(module.state_dict())
    assert network.widths == (2, 4, outputs)


class Leaky(Ending):
    def forward(self, x):
        return self.fc2(nn.functional.leaky_relu(self.fc1(x), 0.1))


def test_advice_to_hand_over_the_state_dict_keeps_the_slope():
    plain = nn.Sequential(nn.Linear(2, 4), nn.LeakyReLU(0.2), nn.Linear(4, 3), nn.LogSoftmax(1))
    with pytest.raises(CheckpointError, match=r", and negative_slope=0.2$"):
        network_from_module(plain)
    network = read_endpoint(plain.state_dict(), "A", negative_slope=0.2).network
    x = torch.randn(5, 2, dtype=torch.float64)
    np.testing.assert_allclose(
        torch.log_softmax(torch.tensor(network.predict(x.numpy())), 1), plain.double()(x).detach(), atol=1e-9
    )


def test_a_leaky_relu_inside_forward_needs_its_slope():
    module = Leaky(nn.Identity())
    with pytest.raises(CheckpointError, match=r"for a Leaky ReLU called inside forward\(\), give negative_slope"):
        read_endpoint(module, "A")
    assert read_endpoint(module, "A", negative_slope=0.1).network.negative_slope == 0.1
    with pytest.raises(CheckpointError, match="outputs differ"):
        read_endpoint(module, "A", negative_slope=0.2)
    declared = nn.Sequential(nn.Linear(2, 4), nn.LeakyReLU(0.2), nn.Linear(4, 1))
    with pytest.raises(UsageError, match=r"negative slope 0.2, and 0.1 is given; leave the option out"):
        read_endpoint(declared, "A", negative_slope=0.1)


def test_tied_weights_are_decided_by_the_module():
    layer = nn.Linear(3, 3)
    twice = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), layer, nn.ReLU(), layer)
    assert network_from_module(twice).widths == (2, 3, 3, 3)
    alias = Ending(nn.Identity(), 4)
    alias.head = alias.fc2  # another name of the same layer, which would chain as a third one
    assert network_from_module(alias).widths == (2, 4, 4)


def test_fitted_mlps_of_scikit_learn():
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # stopped early
        two = MLPClassifier((5, 4), max_iter=20, random_state=0).fit(X, np.where(X[:, 0] > 0, "yes", "no"))
        three = MLPClassifier((5,), max_iter=20, random_state=0).fit(X, np.arange(60) % 3)
        numbers = MLPRegressor(hidden_layer_sizes=(5,), max_iter=20, random_state=0).fit(X, X)
        tanh = MLPRegressor(hidden_layer_sizes=(5,), max_iter=20, activation="tanh").fit(X, X)
        labels = MLPClassifier((5,), max_iter=20).fit(X, (X > 0).astype(int))
    margin = read_endpoint(two, "A").network.predict(X)[:, 0]
    np.testing.assert_allclose(1 / (1 + np.exp(-margin)), two.predict_proba(X)[:, 1], rtol=1e-9)
    assert read_endpoint(three, "A").network.predict(X).argmax(axis=1).tolist() == three.predict(X).tolist()
    np.testing.assert_allclose(read_endpoint(numbers, "A").network.predict(X), numbers.predict(X), rtol=1e-9)
    for bad, text in (
        (tanh, "activation 'tanh'; only ReLU"),
        (MLPRegressor(), "is not fitted; call its fit"),
        (labels, "decides 2 labels at once"),
    ):
        with pytest.raises(CheckpointError, match=text):
            read_endpoint(bad, "A")


def test_a_network_stays_what_it_is():
    assert read_endpoint(Network((np.ones((2, 2)), np.ones((1, 2))), (None, None)), "A").source == {"from": "network"}

"""Checkpoints of other people's making are read exactly or refused with a sentence that helps."""

import io
import struct
import zipfile
from collections import OrderedDict
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from verifier.errors import CheckpointError, UsageError
from verifier.files import file_sha256
from verifier.networks import Network, load_checkpoint, network_from_state_dict, save_checkpoint
from verifier.options.reading import Reading

DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
quick = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


def mlp(*widths, bias=True, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layers = []
        for a, b in pairwise(widths):
            layers += [torch.nn.Linear(a, b, bias=bias), torch.nn.ReLU()]
        return torch.nn.Sequential(*layers[:-1])


def write(path, content):
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    return path


def same(network, module):
    """Every parameter is the module's, exactly."""
    mine = [a for _, a in network.arrays()]
    theirs = [p.detach().double().numpy() for p in module.parameters()]
    return len(mine) == len(theirs) and all(np.array_equal(a, b) for a, b in zip(mine, theirs))


class FcNet(torch.nn.Module):
    def __init__(self, outputs=10):
        super().__init__()
        self.fc1 = torch.nn.Linear(6, 8)
        self.fc2 = torch.nn.Linear(8, outputs)

    def forward(self, x):
        return self.fc2(torch.relu(self.fc1(x)))


@pytest.mark.parametrize("bias", [True, False])
def test_sequential(tmp_path, bias):
    module = mlp(3, 5, 2, bias=bias)
    path = write(tmp_path / "a.pt", module.state_dict())
    checkpoint = load_checkpoint(path)
    assert same(checkpoint.network, module)
    assert checkpoint.network.architecture[1] == (bias, bias)
    assert checkpoint.file_sha256 == file_sha256(path)
    assert checkpoint.metadata == {}
    assert "ordered by number" in checkpoint.layout
    X = np.random.default_rng(0).standard_normal((7, 3))
    np.testing.assert_allclose(checkpoint.network.predict(X), module.double()(torch.tensor(X)).detach(), atol=1e-12)


def test_ten_outputs_data_parallel_and_compiled(tmp_path):
    module = FcNet()
    wrapped = torch.nn.DataParallel(module)
    assert same(load_checkpoint(write(tmp_path / "a.pth", wrapped.state_dict())).network, module)
    compiled = {f"_orig_mod.module.{k}": v for k, v in module.state_dict().items()}
    checkpoint = load_checkpoint(
        write(tmp_path / "b.pt", {"model_state_dict": compiled, "epoch": 3, "loss": torch.tensor(0.5)})
    )
    assert same(checkpoint.network, module)
    assert checkpoint.layout.endswith("prefix _orig_mod.module.; inside model_state_dict")
    assert checkpoint.network.widths == (6, 8, 10)


def test_training_checkpoint_with_optimiser(tmp_path):
    module = mlp(3, 4, 1)
    optimiser = torch.optim.Adam(module.parameters())
    module(torch.ones(2, 3)).sum().backward()
    optimiser.step()
    content = {
        "model": module.state_dict(),
        "optimizer": optimiser.state_dict(),
        "rng": torch.get_rng_state(),
        "args": {"lr": 0.1},
    }
    assert same(load_checkpoint(write(tmp_path / "a.pt", content)).network, module)


def test_layout_names_keys_in_full_or_short(tmp_path):
    state = {"net.a.weight": torch.ones(2, 2), "net.b.weight": torch.eye(2)}
    path = write(tmp_path / "a.pt", state)
    for layout in ("net.b.weight,net.a.weight", ["b.weight", "a.weight"]):
        assert np.array_equal(load_checkpoint(path, layout=layout).network.W, np.eye(2))


@quick
@given(
    widths=st.lists(st.integers(1, 6), min_size=3, max_size=5),
    bias=st.booleans(),
    prefixes=st.lists(st.sampled_from(["module", "_orig_mod", "model", "net"]), max_size=3),
    wrappers=st.lists(st.sampled_from(["state_dict", "model_state_dict", "model"]), max_size=2),
    names=st.sampled_from(["{i}.{p}", "fc{i}.{p}", "layers.{i}.linear.{p}", "{p}{i}"]),
    dtype=st.sampled_from(DTYPES),
    numpy=st.booleans(),
    backwards=st.booleans(),
)
def test_any_layout_round_trips(widths, bias, prefixes, wrappers, names, dtype, numpy, backwards):
    """Depth, prefix, wrapper, naming, dtype, order in the file: the parameters come back as the same real numbers."""
    module = mlp(*widths, bias=bias).to(dtype)
    state = {}
    for i, layer in enumerate(part for part in module if isinstance(part, torch.nn.Linear)):
        for p, value in layer.named_parameters():
            key = ".".join([*prefixes, names.format(i=2 * i, p=p)])
            as_numpy = numpy and dtype != torch.bfloat16
            state[key] = value.detach().numpy() if as_numpy else value.detach()
    if backwards:
        state = dict(reversed(state.items()))
    content = state
    for wrapper in wrappers:
        content = {wrapper: content, "epoch": 1}
    network, layout = network_from_state_dict(content)
    assert same(network, module)
    assert all(f"{w}" in layout for w in wrappers)


@quick
@given(
    widths=st.lists(st.integers(1, 5), min_size=3, max_size=4),
    bias=st.lists(st.booleans(), min_size=3, max_size=3),
    single=st.booleans(),
    suffix=st.sampled_from([".pt", ".pth", ".safetensors"]),
    seed=st.integers(0, 99),
)
def test_save_then_load_is_exact(tmp_path, widths, bias, single, suffix, seed):
    rng = np.random.default_rng(seed)
    kind = np.float32 if single else np.float64
    shapes = list(zip(widths[1:], widths))
    network = Network(
        tuple(rng.standard_normal(s).astype(kind) for s in shapes),
        tuple(rng.standard_normal(s[0]).astype(kind) if b else None for s, b in zip(shapes, bias)),
    )
    save_checkpoint(tmp_path / f"a{suffix}", network, {"seed": seed, "kappa": 0.1, "data": {"spec": "iris"}})
    checkpoint = load_checkpoint(tmp_path / f"a{suffix}")
    assert checkpoint.network.same_parameters(network)
    assert checkpoint.network.sha256() == network.sha256()
    assert checkpoint.metadata == {"seed": seed, "kappa": 0.1, "data": {"spec": "iris"}}
    assert set(checkpoint.source_dtypes.values()) == {"float32" if single else "float64"}


def test_saved_pt_is_an_ordinary_checkpoint(tmp_path):
    """Others can load what `train` writes without this package."""
    module = mlp(3, 4, 2)
    network, _ = network_from_state_dict(module.state_dict())
    save_checkpoint(tmp_path / "a.pt", network, {"loss": "squared"})
    content = torch.load(tmp_path / "a.pt", weights_only=True)
    fresh = mlp(3, 4, 2, seed=1)
    fresh.load_state_dict(content["state_dict"])
    assert same(network, fresh)


def test_save_refuses_other_suffixes_and_huge_values_stay_double(tmp_path):
    network = Network((np.full((2, 2), 1e300), np.ones((1, 2))), (None, None))
    with pytest.raises(UsageError, match=r"expected a name ending in .pt, .pth, .safetensors, got '.bin'"):
        save_checkpoint(tmp_path / "a.bin", network)
    save_checkpoint(tmp_path / "new" / "a.safetensors", network)
    assert load_checkpoint(tmp_path / "new" / "a.safetensors").network.same_parameters(network)


W1, W2 = torch.ones(5, 3), torch.ones(2, 5)
GOOD = {"0.weight": W1, "2.weight": W2}
NAN = W1.clone()
NAN[0, 0] = float("nan")
NAN[1, 1] = float("inf")


def quantised():
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch deprecates making them; files with them exist
        return torch.quantize_per_tensor(W1, 0.1, 0, torch.qint8)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (
            lambda: {"0.weight": torch.zeros(1).expand(1000, 1_000_000), "2.weight": torch.zeros(2, 1000)},
            "0.weight is expanded: shape .1000, 1000000. needs 4000000000 bytes",
        ),
        (lambda: {"0.weight": W1.to("meta"), "2.weight": W2}, "0.weight is a meta tensor"),
        (lambda: {"0.weight": W1.to_sparse(), "2.weight": W2}, "0.weight is sparse"),
        (lambda: {"0.weight": quantised(), "2.weight": W2}, "0.weight is quantised"),
        (lambda: {"0.weight": W1 + 0j, "2.weight": W2}, "0.weight has dtype complex64; expected one of float16"),
        (lambda: {"0.weight": W1.long(), "2.weight": W2}, "0.weight has dtype int64"),
        (lambda: {"0.weight": W1.to(torch.float8_e5m2), "2.weight": W2}, "0.weight has dtype float8_e5m2"),
        (lambda: {"0.weight": NAN, "2.weight": W2}, "0.weight holds NaN or infinity in 2 of 15 entries"),
        (lambda: torch.nn.Linear(2, 2), r"pickled Python object \(torch.nn.modules.linear.Linear\).*model.state_dict"),
        (lambda: [W1, W2], "expected a dict of tensors, got list"),
        (lambda: {0: W1, 2: W2}, "expected names as keys of a state dict, got 0"),
        (lambda: {"epoch": 3}, "no tensors at the top, but keys epoch"),
        (lambda: {"net_a": GOOD, "net_b": GOOD}, "'net_a', 'net_b' each hold tensors, .* say --key net_a"),
        (lambda: {"state_dict": GOOD, "model": GOOD}, "both 'state_dict' and 'model' hold a state dict"),
        (lambda: {"state_dict": GOOD, "mean": torch.ones(3)}, "tensors mean lie beside the state dict 'state_dict'"),
        (lambda: {"state_dict": {**GOOD, "extra": "x"}}, "extra inside 'state_dict' are not tensors"),
        (lambda: {**GOOD, "metadata": {"verifier": "{"}}, "metadata 'verifier' is not JSON"),
        (lambda: {**GOOD, "metadata": {"verifier": "[1]"}}, "metadata 'verifier' must be a JSON object, got list"),
        (lambda: b"", "is empty"),
        (lambda: b"hello\n", "is a text file beginning 'hello"),
        (lambda: b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer.*git lfs pull"),
        (lambda: b"\x00\x01\x02" * 50, "not a torch.save file"),
    ],
)
def test_refused(tmp_path, content, text):
    path = write(tmp_path / "a.pt", content())
    with pytest.raises(CheckpointError, match=text) as caught:
        load_checkpoint(path)
    assert caught.value.exit_code == 4
    assert str(caught.value).startswith(str(path))


def test_deep_wrappers_are_refused():
    content = GOOD
    for _ in range(9):
        content = {"model": content}
    with pytest.raises(CheckpointError, match="nested more than 8 deep"):
        network_from_state_dict(content)


def test_too_many_parameters(monkeypatch):
    monkeypatch.setattr("verifier.networks.tensors.MAX_PARAMETERS", 20)
    with pytest.raises(CheckpointError, match="holds 25 parameters; at most 20"):
        network_from_state_dict(GOOD)


def test_expanded_numpy_array_is_refused():
    with pytest.raises(CheckpointError, match=r"state dict: 0.weight is expanded \(stride 0\)"):
        network_from_state_dict(
            {"0.weight": np.broadcast_to(np.float32(1), (10**5, 10**5)), "2.weight": np.ones((1, 10**5))}
        )


def test_a_file_that_is_not_there_or_not_a_checkpoint(tmp_path):
    for name, text in (("no.pt", "no such file"),):
        with pytest.raises(CheckpointError, match=text):
            load_checkpoint(tmp_path / name)
    (tmp_path / "folder.pt").mkdir()
    with pytest.raises(CheckpointError, match="is a folder without a checkpoint"):
        load_checkpoint(tmp_path / "folder.pt")


def test_swapped_suffixes(tmp_path):
    network, _ = network_from_state_dict(GOOD)
    save_checkpoint(tmp_path / "a.pt", network)
    save_checkpoint(tmp_path / "a.safetensors", network)
    (tmp_path / "b.safetensors").write_bytes((tmp_path / "a.pt").read_bytes())
    (tmp_path / "b.pt").write_bytes((tmp_path / "a.safetensors").read_bytes())
    for name in ("b.safetensors", "b.pt"):  # the content decides
        assert load_checkpoint(tmp_path / name).network.same_parameters(network)


def test_legacy_format_and_foreign_archives(tmp_path):
    torch.save(GOOD, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(CheckpointError, match=r"from before version 1.6"):
        load_checkpoint(tmp_path / "old.pt")
    np.savez(tmp_path / "a.npz", a=np.ones(3))
    (tmp_path / "a.pt").write_bytes((tmp_path / "a.npz").read_bytes())
    with pytest.raises(CheckpointError, match=r"zip archive, but not one that torch.save wrote"):
        load_checkpoint(tmp_path / "a.pt")
    with zipfile.ZipFile(tmp_path / "script.pt", "w") as archive:
        archive.writestr("m/constants.pkl", b"x")
    with pytest.raises(CheckpointError, match="TorchScript archive"):
        load_checkpoint(tmp_path / "script.pt")
    with zipfile.ZipFile(tmp_path / "bomb.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("m/data.pkl", b"\0" * 10**6)
    with pytest.raises(CheckpointError, match="compressed zip archive"):
        load_checkpoint(tmp_path / "bomb.pt")


def test_flipped_bit_in_a_weight_is_refused(tmp_path):
    """torch itself would read another number in silence."""
    path = write(tmp_path / "a.pt", {"0.weight": torch.full((5, 3), 0.7), "2.weight": W2})
    data = bytearray(path.read_bytes())
    data[data.index(struct.pack("<f", 0.7)) + 1] ^= 4
    path.write_bytes(data)
    assert torch.load(path, weights_only=True)["0.weight"][0, 0] != 0.7
    with pytest.raises(CheckpointError, match="checksum of its entry a/data/0 is wrong"):
        load_checkpoint(path)


def test_parameters_must_be_those_that_were_saved(tmp_path):
    """safetensors has no checksums, so files of `train` carry the network's hash."""
    network, _ = network_from_state_dict(GOOD)
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, network, {"network_sha256": network.sha256()})
    assert load_checkpoint(path).network.same_parameters(network)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match="its parameters are not those it was saved with"):
        load_checkpoint(path)


def safetensors_bytes(header, body):
    return struct.pack("<Q", len(header)) + header + body


ONE = b'"0.weight":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]}'
TWO = b'"2.weight":{"dtype":"F32","shape":[1,1],"data_offsets":[4,8]}'


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "is empty"),
        (b"\x01\x00", "not a safetensors file"),
        (struct.pack("<Q", 10**12) + b"{}", "its header should have 1000000000000 bytes"),
        (safetensors_bytes(b"{" + ONE + b"}", b"\0" * 3), "not a safetensors file, or truncated or damaged"),
        (
            safetensors_bytes(b"{" + ONE + b"," + TWO + b"}", b"\0" * 9),
            "not a safetensors file, or truncated or damaged",
        ),
        (safetensors_bytes(b"{" + ONE + b"," + ONE + b"}", b"\0" * 4), "a key occurs twice"),
        (safetensors_bytes(b"[1]", b""), "header is not an object|truncated or damaged"),
        (
            safetensors_bytes(b"{" + ONE.replace(b"[1,1]", b"[9999999999,9999999999]") + b"}", b"\0" * 4),
            "truncated or damaged",
        ),
        (
            safetensors_bytes(b"{" + ONE.replace(b"F32", b"I32") + b"," + TWO + b"}", b"\0" * 8),
            "0.weight has dtype I32; expected one of float16",
        ),
        (safetensors_bytes(b"{}", b""), "no tensors at the top"),
        (
            safetensors_bytes(b'{"__metadata__":{"verifier":"nope"},' + ONE + b"," + TWO + b"}", b"\0" * 8),
            "is not JSON",
        ),
    ],
)
def test_safetensors_refused(tmp_path, data, text):
    (tmp_path / "a.safetensors").write_bytes(data)
    with pytest.raises(CheckpointError, match=text):
        load_checkpoint(tmp_path / "a.safetensors")


@pytest.mark.parametrize("dtype", DTYPES)
def test_safetensors_of_torch_users(tmp_path, dtype):
    from safetensors.torch import save_file

    module = FcNet(1).to(dtype)
    save_file(dict(module.state_dict()), tmp_path / "a.safetensors", metadata={"format": "pt"})
    checkpoint = load_checkpoint(tmp_path / "a.safetensors")
    assert same(checkpoint.network, module)
    assert checkpoint.metadata == {}
    assert set(checkpoint.source_dtypes.values()) == {str(dtype).removeprefix("torch.")}


def _valid(suffix):
    network, _ = network_from_state_dict(mlp(2, 3, 1).state_dict())
    if suffix == ".pt":
        buffer = io.BytesIO()
        torch.save(OrderedDict(mlp(2, 3, 1).state_dict()), buffer)
        return network, buffer.getvalue()
    import safetensors.torch

    return network, safetensors.torch.save(dict(mlp(2, 3, 1).state_dict()), metadata={"verifier": '{"seed": 1}'})


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_damage_is_noticed_or_harmless(tmp_path, suffix):
    """Any mutation or truncation: a CheckpointError, or finite parameters. For .pt, checksums make them the same parameters."""
    network, good = _valid(suffix)
    path = tmp_path / f"a{suffix}"

    @settings(max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        changes=st.lists(st.tuples(st.integers(0, len(good) - 1), st.integers(0, 255)), max_size=4),
        length=st.one_of(st.just(len(good)), st.integers(0, len(good))),
        tail=st.binary(max_size=3),
    )
    def damage(changes, length, tail):
        data = bytearray(good)
        for place, value in changes:
            data[place] = value
        path.write_bytes(bytes(data[:length]) + tail)
        try:
            found = load_checkpoint(path).network
        except CheckpointError:
            return
        assert all(np.isfinite(a).all() for _, a in found.arrays())
        if suffix == ".pt":
            assert found.same_parameters(network)

    damage()


def test_mutated_pickle_with_valid_checksums(tmp_path):
    """The unpickler may stumble over anything; the user sees a CheckpointError."""
    _, good = _valid(".pt")
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    pickle_name = next(name for name in entries if name.endswith("data.pkl"))
    size = len(entries[pickle_name])
    path = tmp_path / "a.pt"

    @settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(changes=st.lists(st.tuples(st.integers(0, size - 1), st.integers(0, 255)), min_size=1, max_size=3))
    def mutate(changes):
        data = bytearray(entries[pickle_name])
        for place, value in changes:
            data[place] = value
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in entries.items():
                archive.writestr(name, bytes(data) if name == pickle_name else content)
        try:
            network = load_checkpoint(path).network
        except CheckpointError:
            return
        assert all(np.isfinite(a).all() for _, a in network.arrays())

    mutate()


@pytest.mark.parametrize(
    ("bits", "word", "kind"), [(0x7F800001, np.uint32, np.float32), (0x7C01, np.uint16, np.float16)]
)
def test_signalling_nan_is_refused_without_a_warning(tmp_path, bits, word, kind):
    """Widening one raises the invalid flag; users get the sentence and nothing else."""
    from safetensors.numpy import save_file

    W = np.full((3, 2), bits, dtype=word).view(kind)
    save_file({"0.weight": W, "2.weight": np.zeros((1, 3), dtype=kind)}, tmp_path / "a.safetensors")
    with pytest.raises(CheckpointError, match=r"0\.weight holds NaN or infinity in 6 of 6 entries"):
        load_checkpoint(tmp_path / "a.safetensors")


def test_a_network_is_shown_by_its_architecture(tmp_path):
    """A notebook that shows a checkpoint shows no thousand numbers."""
    file = tmp_path / "a.pt"
    torch.save(mlp(4, 30, 1).state_dict(), file)
    shown = repr(load_checkpoint(file))
    assert "network=Network(" in shown
    assert "ReLU)" in shown
    assert "array" not in shown
    assert len(shown) < 600


def test_a_module_in_the_place_of_what_builds_it():
    with pytest.raises(
        UsageError, match=r"model: expected the function that builds the torch module, got a Linear itself"
    ):
        Reading(model=torch.nn.Linear(2, 2))
    assert Reading(model=torch.nn.Linear).model is torch.nn.Linear

"""Data sets of images: CIFAR in both of its versions, Debian's Fashion-MNIST, scalings, and what each says of a sample's shape."""

import collections
import gzip
import os
import pickle
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import verifier
from verifier.data.cifar import KINDS
from verifier.data.idx_files import FASHION_FOLDER
from verifier.data.load import data_record, load_data, load_recorded, load_test
from verifier.data.shape import sample_shape
from verifier.errors import DataError, UsageError

RNG = np.random.default_rng(0)
# Images per file.
N = 3


def batches(kind):
    """Files of a kind, each with its pixels and labels."""
    names, _, _, classes = KINDS[kind]
    return {
        name: (RNG.integers(0, 256, (N, 3072), dtype=np.uint8), RNG.integers(0, classes, N).tolist()) for name in names
    }


def write_binary(folder, kind, made):
    for name, (pixels, labels) in made.items():
        coarse = [b"\x07"] * N if kind.startswith("cifar100") else [b""] * N
        records = [c + bytes([label]) + row.tobytes() for c, label, row in zip(coarse, labels, pixels)]
        (folder / f"{name}.bin").write_bytes(b"".join(records))


def write_python(folder, kind, made, protocol=2):
    """As Python 2 wrote them: byte strings as keys, and much beside."""
    key = KINDS[kind][2].encode()
    for name, (pixels, labels) in made.items():
        content = {b"batch_label": b"training batch", key: labels, b"data": pixels, b"filenames": [b"a.png"] * N}
        (folder / name).write_bytes(pickle.dumps(content, protocol=protocol))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", ["binary", "python"])
def test_cifar_is_read_as_it_was_written(tmp_path, kind, version):
    made = batches(kind)
    {"binary": write_binary, "python": write_python}[version](tmp_path, kind, made)
    data = load_data(f"{kind}:{tmp_path}")
    assert np.array_equal(data.X, np.concatenate([p for p, _ in made.values()]) / 255.0)
    assert data.y.tolist() == [label for _, labels in made.values() for label in labels]
    assert sample_shape(f"{kind}:{tmp_path}") == sample_shape(data) == (3, 32, 32)
    assert np.array_equal(load_recorded(data_record(data)).X, data.X)


def test_both_versions_are_the_same_data_and_archives_unpack_to_a_folder(tmp_path):
    made = batches("cifar10")
    inside, other = tmp_path / "cifar-10-batches-bin", tmp_path / "python" / "cifar-10-batches-py"
    inside.mkdir()
    other.mkdir(parents=True)
    write_binary(inside, "cifar10", made)
    write_python(other, "cifar10", made)
    a, b = load_data(f"cifar10:{tmp_path}"), load_data(f"cifar10:{tmp_path / 'python'}")
    assert a.sha256() == b.sha256()
    assert a.source_sha256 != b.source_sha256


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4])
def test_every_protocol_that_numpy_has_written_arrays_in(tmp_path, protocol):
    made = batches("cifar10-test")
    write_python(tmp_path, "cifar10-test", made, protocol)
    assert load_data(f"cifar10-test:{tmp_path}").samples == N


class Runs:
    """What a pickle can do to whoever trusts it."""

    def __init__(self, call, *arguments):
        self.what = call, arguments

    def __reduce__(self):
        return self.what


def reconstruct(shape, code, raw):
    """An array's own words, with another shape than its bytes."""
    import numpy._core.multiarray as multiarray

    class Array:
        def __reduce__(self):
            return multiarray._reconstruct, (np.ndarray, (0,), b"b"), (1, shape, np.dtype(code), False, raw)

    return Array()


def long_memo():
    """An index into the memo that would make a table of 2^31 entries."""
    return pickle.PROTO + b"\x02" + pickle.EMPTY_DICT + pickle.LONG_BINPUT + struct.pack("<I", 2**31 - 1) + pickle.STOP


GOOD = np.zeros((N, 3072), np.uint8)
MALICIOUS = {
    "a command": (lambda: {b"data": Runs(os.system, "touch harmed"), b"labels": [0] * N}, r"asks for (posix|nt)\.system"),
    "eval": (lambda: {b"data": Runs(eval, "1"), b"labels": [0] * N}, "eval"),
    "another class": (lambda: collections.OrderedDict({b"data": GOOD}), r"collections\.OrderedDict"),
    "a large array": (lambda: {b"data": Runs(np.ndarray, (2**40,)), b"labels": [0] * N}, "str|callable"),
    "bytes that are too few": (lambda: {b"data": reconstruct((2**40, 3072), "u1", b"ab"), b"labels": [0] * N}, "cannot reshape|ValueError"),
    "objects": (lambda: {b"data": np.array([[None] * 3072] * N), b"labels": [0] * N}, "only numbers are read|asks for"),
    "other numbers": (lambda: {b"data": GOOD.astype(float), b"labels": [0] * N}, "expected an array 'data' of bytes"),
    "fewer labels": (lambda: {b"data": GOOD, b"labels": [0]}, "one label per image"),
    "labels of text": (lambda: {b"data": GOOD, b"labels": ["0"] * N}, "one label per image"),
    "labels that are large": (lambda: {b"data": GOOD, b"labels": [9, 10, 0]}, "holds label 10"),
    "many bytes": (lambda: {b"data": Runs(bytes, 2**40), b"labels": [0] * N}, "TypeError"),
    "a list": (lambda: [GOOD], "expected an array 'data'"),
    "no images": (lambda: {b"data": GOOD[:0], b"labels": []}, "holds no images"),
}  # fmt: skip


@pytest.mark.parametrize("kind", MALICIOUS)
def test_pickles_that_hold_anything_else_are_refused_and_nothing_runs(tmp_path, monkeypatch, kind):
    make, sentence = MALICIOUS[kind]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "test_batch").write_bytes(pickle.dumps(make(), protocol=2))
    with pytest.raises(DataError, match=sentence):
        load_data(f"cifar10-test:{tmp_path}")
    assert not (tmp_path / "harmed").exists()


def test_a_memo_costs_what_is_in_it(tmp_path):
    (tmp_path / "test_batch").write_bytes(long_memo())
    with pytest.raises(DataError, match="expected an array 'data'"):
        load_data(f"cifar10-test:{tmp_path}")


@settings(deadline=None, max_examples=150)
@given(cut=st.integers(0, 2000), at=st.integers(0, 400), byte=st.integers(0, 255))
def test_damaged_pickles_are_refused_or_hold_bytes(tmp_path_factory, cut, at, byte):
    """Whatever happens to the file: the same kind of data, or one kind of error."""
    folder = tmp_path_factory.mktemp("cifar")
    content = bytearray(pickle.dumps({b"labels": [1, 2, 3], b"data": GOOD, b"filenames": [b"a"] * N}, protocol=2))
    content[at] = byte
    (folder / "test_batch").write_bytes(bytes(content[: len(content) - cut]))
    try:
        data = load_data(f"cifar10-test:{folder}")
    except DataError:
        return
    assert data.X.shape == (N, 3072)


def test_binary_files_that_are_damaged(tmp_path):
    made = batches("cifar10-test")
    with pytest.raises(DataError, match=r"holds neither test_batch\.bin nor test_batch; unpack"):
        load_data(f"cifar10-test:{tmp_path}")
    with pytest.raises(DataError, match="no such folder"):
        load_data(f"cifar10-test:{tmp_path / 'nowhere'}")
    write_binary(tmp_path, "cifar10-test", made)
    file = tmp_path / "test_batch.bin"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(DataError, match="no multiple of 3073 per image; truncated or damaged"):
        load_data(f"cifar10-test:{tmp_path}")
    file.write_bytes(b"\xff" + bytes(3072))
    with pytest.raises(DataError, match="holds label 255; cifar10-test has labels 0 to 9"):
        load_data(f"cifar10-test:{tmp_path}")
    with pytest.raises(UsageError, match="--target label belongs to tables"):
        load_data(f"cifar10-test:{tmp_path}", target="label")


# Scalings.


def test_symmetric_scaling(tmp_path):
    pixels = RNG.integers(0, 256, (5, 1, 4, 4), dtype=np.uint8)
    pixels[0, 0, 0, :2] = 0, 255
    np.savez(tmp_path / "a.npz", X=pixels, y=np.arange(5) % 2)
    data = load_data(str(tmp_path / "a.npz"), scale="symmetric")
    np.testing.assert_allclose(data.X, pixels.reshape(5, -1) / 127.5 - 1.0, atol=1e-15)
    assert data.recipe["steps"][-1] == {"scale": {"kind": "symmetric", "low": 0.0, "high": 255.0}}
    assert sample_shape(str(tmp_path / "a.npz")) == (1, 4, 4)
    assert np.array_equal(load_recorded(data_record(data)).X, data.X)


def test_channels_and_whitening(tmp_path):
    X = RNG.normal(size=(400, 3, 2, 2)) * np.array([1.0, 2.0, 3.0])[:, None, None] + 1.0
    np.savez(tmp_path / "a.npz", X=X, y=np.arange(400) % 2)
    maps = load_data(str(tmp_path / "a.npz"), scale="channels").X.reshape(400, 3, 4)
    np.testing.assert_allclose(maps.mean(axis=(0, 2)), 0.0, atol=1e-13)
    np.testing.assert_allclose(maps.std(axis=(0, 2)), 1.0, rtol=1e-13)
    white = load_data(str(tmp_path / "a.npz"), scale="whiten").X
    np.testing.assert_allclose(
        np.cov(white.T, bias=True), np.eye(12), atol=2e-4
    )  # the ridge is 1e-5 of the largest of 9
    # Of all maps that whiten, the symmetric one: it takes the centred samples no further than needed.
    centred = X.reshape(400, -1) - X.reshape(400, -1).mean(axis=0)
    M = np.linalg.lstsq(centred, white, rcond=None)[0]
    np.testing.assert_allclose(M, M.T, atol=1e-12)
    assert np.linalg.eigvalsh(M).min() > 0.0


def test_a_split_is_scaled_by_its_own_rows(tmp_path):
    X = np.arange(40.0)[:, None] * np.ones(3)
    np.savez(tmp_path / "a.npz", X=X, y=np.arange(40) % 2)
    data = load_data(str(tmp_path / "a.npz"), scale="symmetric", train_split=0.5)
    assert (data.X.min(), data.X.max(), data.samples) == (-1.0, 1.0, 20)


def test_scalings_that_are_not_defined(tmp_path):
    np.savez(tmp_path / "flat.npz", X=np.ones((4, 6)), y=[0, 1, 0, 1])
    np.savez(tmp_path / "one.npz", X=np.ones((4, 1, 2, 3)), y=[0, 1, 0, 1])
    np.savez(tmp_path / "wide.npz", X=np.zeros((2, 5000)), y=[0, 1])
    for file, scale, sentence in (
        ("flat", "symmetric", "all numbers are 1"), ("flat", "channels", "does not say that its rows are images"), ("flat", "whiten", "all samples are equal"),
        ("one", "channels", "channel 1 is constant"), ("wide", "whiten", "at most 4096"),
    ):  # fmt: skip
        with pytest.raises(DataError, match=sentence):
            load_data(str(tmp_path / f"{file}.npz"), scale=scale)
    with pytest.raises(UsageError, match="leave one out"):
        load_data("iris", scale="symmetric", standardize=True)
    with pytest.raises(UsageError, match="choose one of symmetric, channels, whiten"):
        load_data("iris", scale="whitening")
    with pytest.raises(UsageError, match="fixes its own split"):
        load_data("paper-moons", scale="symmetric")


# Shapes.


def write_idx(folder, pixels, labels, part="train", suffix=".gz"):
    for name, array, n in ((f"{part}-images-idx3-ubyte", pixels, 3), (f"{part}-labels-idx1-ubyte", labels, 1)):
        data = struct.pack(f">{n + 1}I", 0x0800 + n, *array.shape) + array.astype(np.uint8).tobytes()
        (folder / f"{name}{suffix}").write_bytes(gzip.compress(data) if suffix else data)


def test_what_data_say_of_a_samples_shape(tmp_path):
    write_idx(tmp_path, RNG.integers(0, 256, (4, 5, 6)), np.arange(4))
    assert sample_shape(f"idx:{tmp_path}") == (1, 5, 6)
    assert sample_shape("digits") == sample_shape("digits-unit") == (1, 8, 8)
    np.savez(tmp_path / "colour.npz", X=np.zeros((2, 3, 4, 5)), y=[0, 1])
    np.savez(tmp_path / "rows.npz", X=np.zeros((2, 60)), y=[0, 1])
    assert sample_shape(str(tmp_path / "colour.npz")) == (3, 4, 5)
    for nothing in (
        str(tmp_path / "rows.npz"), str(tmp_path / "none.npz"), f"idx:{tmp_path / 'none'}", "moons:n=20", "iris", "a.csv", None, 3, "openml:61",
        (np.zeros((4, 60)), np.zeros(4)), ([[1.0, 2.0]], [0]), verifier.load_data("iris"),
    ):  # fmt: skip
        assert sample_shape(nothing) is None, nothing
    assert sample_shape((np.zeros((4, 3, 5, 6)), np.zeros(4))) == (3, 5, 6)
    assert sample_shape((np.zeros((4, 5, 6)), np.zeros(4))) == (1, 5, 6)


def test_debians_fashion_mnist(tmp_path, monkeypatch):
    """A small folder in its place: the name, the shape, and the sentence where the package is not installed."""
    made = RNG.integers(0, 256, (6, 28, 28)), np.arange(6)
    write_idx(tmp_path, *made)
    for module in ("load", "shape"):
        monkeypatch.setattr(f"verifier.data.{module}.FASHION_FOLDER", tmp_path)
    data = load_data("fashion-mnist")
    assert (data.name, data.samples, sample_shape("fashion-mnist"), sample_shape(data)) == (
        "fashion-mnist",
        6,
        (1, 28, 28),
        (1, 28, 28),
    )
    assert np.array_equal(data.X, made[0].reshape(6, -1) / 255.0)
    with pytest.raises(DataError, match="t10k-images"):
        load_data("fashion-mnist-test")
    monkeypatch.setattr("verifier.data.load.FASHION_FOLDER", tmp_path / "none")
    with pytest.raises(DataError, match="apt-get install dataset-fashion-mnist"):
        load_data("fashion-mnist")


@pytest.mark.skipif(
    not FASHION_FOLDER.is_dir() and "CI" not in os.environ,
    reason="Debian's package dataset-fashion-mnist is not installed; .ci/run installs it",
)
def test_the_installed_fashion_mnist_is_whole():
    for name, samples in (("fashion-mnist", 60_000), ("fashion-mnist-test", 10_000)):
        data = load_data(name)
        assert data.X.shape == (samples, 784)
        assert np.bincount(data.y).tolist() == [samples // 10] * 10
    assert (data.X.min(), data.X.max()) == (0.0, 1.0)


def idx_folder(folder, part, pixels, labels):
    for name, a in ((f"{part}-images-idx3-ubyte", pixels), (f"{part}-labels-idx1-ubyte", labels)):
        head = struct.pack(">HBB", 0, 8, a.ndim) + struct.pack(f">{a.ndim}I", *a.shape)
        (folder / name).write_bytes(head + a.astype(np.uint8).tobytes())


@pytest.mark.parametrize("scale", ["symmetric", "channels", "whiten"])
def test_test_data_are_prepared_by_what_the_training_data_decided(tmp_path, scale):
    """The numbers of the map come from the training rows alone: the test part of the same images is the training part, row by row."""
    pixels, labels = RNG.integers(0, 200, (30, 4, 4)), np.arange(30) % 3
    idx_folder(tmp_path, "train", pixels, labels)
    idx_folder(tmp_path, "t10k", np.concatenate([pixels[:5], RNG.integers(0, 256, (4, 4, 4))]), labels[:9])
    data = load_data(f"idx:{tmp_path}", scale=scale)
    test = load_test(data, f"idx-test:{tmp_path}")
    assert np.array_equal(test.y, labels[:9])
    assert np.allclose(test.X[:5], data.X[:5], rtol=0, atol=1e-12)
    alone = load_data(f"idx-test:{tmp_path}", scale=scale)
    assert not np.allclose(test.X, alone.X, atol=1e-3)


@pytest.mark.parametrize("standardize", [False, True])
def test_what_a_split_leaves_out_is_the_rest(standardize):
    whole, data = load_data("iris"), load_data("iris", train_split=0.6, standardize=standardize)
    test = load_test(data)
    assert (data.samples, test.samples) == (90, 60)
    kept = load_data("iris", train_split=0.6)
    mean, spread = (kept.X.mean(axis=0), kept.X.std(axis=0)) if standardize else (0.0, 1.0)
    both = np.concatenate([data.X, test.X]) * spread + mean
    assert np.allclose(sorted(both.tolist()), sorted(whole.X.tolist()), rtol=0, atol=1e-12)
    with pytest.raises(DataError, match="none are left to test on"):
        load_test(whole)
    with pytest.raises(DataError, match="other features or classes"):
        load_test(data, "wine")


def test_test_data_have_the_classes_of_the_training_data(tmp_path):
    for name, labels in (("a", "xyxy"), ("b", "xzxz"), ("c", "yyxx")):
        rows = "\n".join(f"{k},{k * k},{label}" for k, label in enumerate(labels))
        (tmp_path / f"{name}.csv").write_text(f"p,q,label\n{rows}\n")
    data = load_data(str(tmp_path / "a.csv"))
    with pytest.raises(DataError, match="other features or classes"):
        load_test(data, str(tmp_path / "b.csv"))
    assert load_test(data, str(tmp_path / "c.csv")).y.tolist() == [1, 1, 0, 0]

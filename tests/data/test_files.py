"""Files of numbers: read exactly, or refused naming the place that is wrong."""

import gzip
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from verifier.data import data_record, load_data, load_recorded
from verifier.errors import DataError, UsageError
from verifier.files import file_sha256

X, y = np.array([[1.5, 2.0], [3.0, -4.25], [0.1, 1e-30]]), np.array([0, 1, 1])


def npz(path, **arrays):
    np.savez(path, **arrays)
    return str(path)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f4", "i4", "u1", "i8", "?"])
def test_npz_is_exact(tmp_path, save, dtype):
    array = np.asfortranarray(np.arange(6).reshape(3, 2).astype(dtype))
    save(tmp_path / "a.npz", X=array, y=y)
    dataset = load_data(str(tmp_path / "a.npz"))
    assert np.array_equal(dataset.X, array.astype(float))
    assert dataset.source_sha256 == file_sha256(tmp_path / "a.npz")


def test_npz_images_are_flattened_and_left_out_arrays_recorded(tmp_path):
    images = np.arange(24.0).reshape(2, 3, 4)
    dataset = load_data(npz(tmp_path / "a.npz", X=images, y=[0, 1], ids=[7, 8]))
    assert np.array_equal(dataset.X, images.reshape(2, 12))
    assert {"flatten": [3, 4]} in dataset.recipe["steps"]
    assert {"left_out": ["ids"]} in dataset.recipe["steps"]


@pytest.mark.parametrize(
    ("arrays", "text"),
    [
        ({"X": X}, "has no array y; expected X and y, found X"),
        ({"x": X, "z": y}, "has no array X and y; expected X and y, found x, z"),
        ({"X": np.array([[None]]), "y": y}, "X holds Python objects, which are not unpickled"),
        ({"X": X + 0j, "y": y}, "X has dtype complex128; expected real numbers"),
        ({"X": X.astype("U4"), "y": y}, "a.npz: X has dtype <U4"),
        ({"X": np.array([[2**60 + 1]] * 3), "y": y}, "integers beyond 2.53"),
        ({"X": X[:2], "y": y}, r"got \(2, 2\) and \(3,\)"),
        ({"X": X[:, 0], "y": y}, r"expected X of shape \(samples, features\)"),
        ({"X": np.where(X > 2, np.nan, X), "y": y}, "X holds NaN or infinity, first in row 2, column 1"),
        ({"X": X, "y": np.array([["a"]] * 2 + [["b"]])[:, [0, 0]]}, "or a vector of text labels"),
        ({"X": np.empty((0, 2)), "y": np.empty(0, int)}, "a.npz"),
    ],
)
def test_npz_refused(tmp_path, arrays, text):
    with pytest.raises(DataError, match=text):
        load_data(npz(tmp_path / "a.npz", **arrays))


def test_npz_declaring_more_than_it_holds(tmp_path):
    """Refused from the header, before memory is asked for."""
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (100000000000, 2), }"
    for shape, text in (
        (header, "declares 200000000000 numbers; at most"),
        (header.replace(b"100000000000", b"5"), "80 bytes, but the archive holds 8"),
    ):
        body = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(shape) + 1) + shape + b"\n" + b"\0" * 8
        with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
            archive.writestr("X.npy", body)
            archive.writestr("y.npy", body)
        with pytest.raises(DataError, match=text):
            load_data(str(tmp_path / "a.npz"))


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"", "is empty"), (b"PK not", "not an .npz file"), (b"version https://git-lfs x", "Git LFS pointer")],
)
def test_files_that_are_not_npz(tmp_path, data, text):
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(DataError, match=text):
        load_data(str(tmp_path / "a.npz"))


def test_missing_files_and_folders(tmp_path):
    (tmp_path / "d.csv").mkdir()
    for spec, text in (("no.npz", "no such file"), ("no.csv", "no such file"), ("d.csv", "is a folder")):
        with pytest.raises(DataError, match=text):
            load_data(str(tmp_path / spec))


def test_damaged_npz_is_noticed_or_harmless(tmp_path):
    np.savez_compressed(tmp_path / "good.npz", X=X, y=y)
    good = (tmp_path / "good.npz").read_bytes()
    path = tmp_path / "a.npz"

    @settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        changes=st.lists(st.tuples(st.integers(0, len(good) - 1), st.integers(0, 255)), max_size=3),
        length=st.integers(0, len(good)),
    )
    def damage(changes, length):
        data = bytearray(good)
        for place, value in changes:
            data[place] = value
        path.write_bytes(bytes(data[: length if len(changes) == 0 else len(good)]))
        try:
            dataset = load_data(str(path))
        except DataError:
            return
        assert np.array_equal(dataset.X, X)
        assert np.array_equal(dataset.y, y)

    damage()


def csv(tmp_path, text):
    (tmp_path / "a.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(tmp_path / "a.csv")


def test_csv(tmp_path):
    path = csv(tmp_path, '\ufeffa, b ,"kind, of"\r\n1,-2.5e3,x\r\n\r\n.5,+3,y\r\n')
    dataset = load_data(path, target="kind, of")
    assert dataset.X.tolist() == [[1.0, -2500.0], [0.5, 3.0]]
    assert dataset.y.tolist() == [0, 1]
    assert dataset.recipe["steps"] == [
        {"csv": {"features": ["a", "b"], "target": "kind, of"}},
        {"task": "binary", "classes": 2, "labels": ["x", "y"]},
    ]
    assert dataset.source_sha256 == file_sha256(path)
    assert load_recorded(data_record(dataset)).sha256() == dataset.sha256()


@pytest.mark.parametrize("name", ["target", "y", "Label"])
def test_csv_default_target(tmp_path, name):
    dataset = load_data(csv(tmp_path, f"{name},a\n1.5,2\n2.5,3\n"))
    assert dataset.task == "regression"
    assert dataset.y.tolist() == [1.5, 2.5]


@given(values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=5))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_csv_numbers_are_exact(tmp_path, values):
    path = csv(tmp_path, "a,y\n" + "".join(f"{v!r},{v!r}\n" for v in values))
    dataset = load_data(path, task="regression")
    assert dataset.X[:, 0].tolist() == values
    assert dataset.y.tolist() == values


@pytest.mark.parametrize(
    ("text", "target", "expected"),
    [
        (
            "a,b\n1,2\n",
            None,
            "which column is the target. none is named target, y or label; say so with --target COLUMN. The columns are a, b",
        ),
        ("y,label,b\n1,2,3\n", None, r"several could be it \(y, label\)"),
        ("a,b\n1,2\n", "c", "no column 'c'; the columns are a, b"),
        ("a,y\n1,2\nx,3\n", None, "column 'a', line 3: is 'x', not a number"),
        ("a,y\n1,2\n,3\n", None, "column 'a', line 3: is empty, not a number"),
        ("a,y\n1_000,2\n1,3\n", None, "line 2: is '1_000', not a number"),
        ("a,y\nnan,2\n1,3\n", None, "line 2: is 'nan', not a number"),
        ("a,y\n1e999,2\n1,3\n", None, "column 'a', line 2: too large for a float64"),
        ("a,y\n1,2\n1,\n", None, "target 'y', line 3: is empty"),
        ("a,y\n1,2\n1,2.5\n1,?\n", None, r"column 'y', line 4: is '\?', not a number"),
        ("a,y\n1,2,3\n", None, "line 2 has 3 values, the first line has 2 columns"),
        (
            "1,2\n3,4\n",
            None,
            "the first line, 1, 2, looks like a sample, .* say --no-header .* --target 1.*, --header if",
        ),
        ("a;y\n1;2\n", None, "seems to be separated by semicolons; expected commas"),
        ("a\ty\n1\t2\n", None, "separated by tabs"),
        ("a,a,y\n1,2,3\n", None, "the header names a more than once"),
        ("a,,y\n1,2,3\n", None, "column 2 has no name"),
        ("a,y\n", None, "has a header line but no rows"),
        ("\n\n", None, "holds no rows"),
        ("y\n1\n", None, "y is the only column"),
        (b"a,y\n\xff,1\n", None, "is not UTF-8 text"),
        (b"a,y\n1,\x00\n", None, "holds NUL characters"),
        ('a,y\n"1,2\n', None, "line 3|line 2"),
    ],
)
def test_csv_refused(tmp_path, text, target, expected):
    with pytest.raises(DataError, match=expected):
        load_data(csv(tmp_path, text), target=target)


def parquet(tmp_path, **columns):
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    return str(tmp_path / "a.parquet")


def test_parquet(tmp_path):
    pa = pytest.importorskip("pyarrow")
    path = parquet(
        tmp_path,
        a=[1.5, 2.5],
        b=pa.array([True, False]),
        c=pa.array([1, 2], pa.uint8()),
        kind=pa.array(["u", "v"]).dictionary_encode(),
    )
    dataset = load_data(path, target="kind")
    assert dataset.X.tolist() == [[1.5, 1, 1], [2.5, 0, 2]]
    assert dataset.recipe["steps"][1]["labels"] == ["u", "v"]
    assert load_recorded(data_record(dataset)).sha256() == dataset.sha256()


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        ({"a": [1.0, None], "y": [0, 1]}, "column 'a', row 2: is null"),
        ({"a": ["u", "v"], "y": [0, 1]}, "column 'a' is text; encode it as numbers"),
        ({"a": [b"u", b"v"], "y": [0, 1]}, "column 'a' has type binary; expected numbers"),
        ({"a": [1, 2], "b": [0, 1]}, "which column is the target"),
        ({"y": [1, 2]}, "y is the only column"),
        ({"a": [2**60 + 1, 1], "y": [0, 1]}, "column 'a' holds integers beyond"),
    ],
)
def test_parquet_refused(tmp_path, columns, text):
    with pytest.raises(DataError, match=text):
        load_data(parquet(tmp_path, **columns))


def test_parquet_damaged_or_without_pyarrow(tmp_path, monkeypatch):
    pytest.importorskip("pyarrow")
    (tmp_path / "a.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match="not a Parquet file, or truncated or damaged"):
        load_data(str(tmp_path / "a.parquet"))
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(UsageError, match=r"needs pyarrow; pip install pyarrow"):
        load_data(str(tmp_path / "a.parquet"))


def idx(array):
    return struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4) * 10
LABELS = np.array([3, 9], dtype=np.uint8)


def idx_folder(folder, images=None, labels=None, stem="train", gz=False, separator="-"):
    for kind, n, data in (
        ("images", 3, idx(IMAGES) if images is None else images),
        ("labels", 1, idx(LABELS) if labels is None else labels),
    ):
        name = f"{stem}-{kind}{separator}idx{n}-ubyte" + (".gz" if gz else "")
        (folder / name).write_bytes(gzip.compress(data) if gz else data)
    return folder


@pytest.mark.parametrize(("gz", "separator"), [(False, "-"), (True, "-"), (False, "."), (True, ".")])
def test_idx(tmp_path, gz, separator):
    idx_folder(tmp_path, gz=gz, separator=separator)
    dataset = load_data(f"mnist:{tmp_path}")
    assert np.array_equal(dataset.X, IMAGES.reshape(2, 12) / 255)
    assert dataset.y.tolist() == [3, 9]
    assert dataset.classes == 10
    assert {"divide_by": 255} in dataset.recipe["steps"]
    record = data_record(dataset)
    assert record["spec"] == f"mnist:{tmp_path}"
    assert load_recorded(record).sha256() == dataset.sha256()


def test_idx_test_part(tmp_path):
    idx_folder(tmp_path, stem="t10k")
    assert load_data(f"idx-test:{tmp_path}").samples == 2
    with pytest.raises(DataError, match=r"no file train-images-idx3-ubyte \(or"):
        load_data(f"idx:{tmp_path}")
    with pytest.raises(DataError, match="no such folder"):
        load_data(f"idx:{tmp_path / 'no'}")


@pytest.mark.parametrize("gz", [False, True])
@pytest.mark.parametrize(
    ("images", "labels", "text"),
    [
        (idx(LABELS), None, "begins with 00000801; expected the magic number 00000803"),
        (None, idx(IMAGES), "begins with 00000803; expected the magic number 00000801"),
        (b"\0", None, "begins with 00; expected the magic number"),
        (idx(IMAGES)[:-1], None, r"declares shape \(2, 3, 4\), 24 bytes, but 23 follow"),
        (idx(IMAGES) + b"x", None, "more than 24 follow"),
        (idx(IMAGES[:1]), None, "holds 1 images, .* 2 labels; they do not belong together"),
        (struct.pack(">HBB3I", 0, 8, 3, 2**31, 2**20, 2**20), None, "declares .* numbers; at most"),
        (idx(IMAGES[:0]), idx(LABELS[:0]), "0 bytes, but 0 follow"),
    ],
)
def test_idx_refused(tmp_path, images, labels, text, gz):
    with pytest.raises(DataError, match=text):
        load_data(f"idx:{idx_folder(tmp_path, images, labels, gz=gz)}")


def test_idx_damaged_gzip(tmp_path):
    idx_folder(tmp_path, gz=True)
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(DataError, match="truncated or damaged"):
        load_data(f"idx:{tmp_path}")


class Bunch(dict):
    __getattr__ = dict.__getitem__


def openml(monkeypatch, **changes):
    values = {
        "data": np.array([[1.0, 2.0], [3.0, 4.0]]),
        "target": np.array(["no", "yes"], dtype=object),
        "categories": {"class": ["no", "yes"]},
        "feature_names": ["a", "b"],
        "target_names": ["class"],
        "details": {"version": "1"},
    } | changes
    calls = []

    def fetch(**options):
        calls.append(options)
        if isinstance(values["data"], Exception):
            raise values["data"]
        return Bunch(values)

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch)
    return calls


def test_openml(monkeypatch):
    calls = openml(monkeypatch)
    dataset = load_data("openml:1464", target="class")
    assert calls[0]["data_id"] == 1464
    assert calls[0]["target_column"] == "class"
    assert (dataset.X.tolist(), dataset.y.tolist(), dataset.task) == ([[1.0, 2.0], [3.0, 4.0]], [0, 1], "binary")
    assert dataset.recipe["steps"][0]["openml"] == 1464
    assert load_recorded(data_record(dataset)).sha256() == dataset.sha256()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"data": OSError("no route")}, r"data openml:5: cannot be fetched \(OSError: no route\); check the network"),
        ({"target": None}, "has no default target; choose one with --target COLUMN among a, b"),
        ({"categories": {"b": ["u", "v"]}}, "the features b are categories, not numbers"),
        ({"data": np.array([[1.0, np.nan], [3.0, 4.0]])}, "feature 'b' has missing values"),
    ],
)
def test_openml_refused(monkeypatch, changes, text):
    openml(monkeypatch, **changes)
    with pytest.raises(DataError, match=text):
        load_data("openml:5")

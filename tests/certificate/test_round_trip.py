"""What is written is what is read: arrays bit for bit, claims, records, separate data, and nothing half-written."""

import os
from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest

from tests.corpus.correct import all_correct
from verifier.certificate import read_certificate, write_certificate, write_data
from verifier.certificate.file import data_file
from verifier.certificate.hashing import arrays_sha256
from verifier.errors import CertificateFormatError, UsageError

CASES = all_correct()


def same(x, y):
    """Equality of nested values, arrays compared bit for bit."""
    if is_dataclass(x):
        return type(x) is type(y) and all(same(getattr(x, f.name), getattr(y, f.name)) for f in fields(x))
    if isinstance(x, tuple | list):
        return len(x) == len(y) and all(map(same, x, y))
    if isinstance(x, np.ndarray):
        return x.shape == y.shape and x.dtype == y.dtype and x.tobytes() == y.tobytes()
    return type(x) is type(y) and x == y


@pytest.mark.parametrize("name", CASES)
def test_round_trip(name, tmp_path):
    """Problem, claims and record survive; the digest is the file's; arrays cannot be changed afterwards."""
    case, path = CASES[name], tmp_path / "c.safetensors"
    digest = write_certificate(path, *case.packed())
    read = read_certificate(path)
    assert same(read.problem, case.problem)
    assert same(read.claims, tuple(case.claims))
    assert read.record == case.record
    assert read.digest == digest
    with pytest.raises(ValueError, match="read-only"):
        read.problem.X[0, 0] = 1.0


def test_numbers_keep_every_bit(tmp_path):
    """Denormals, huge and full-precision numbers, and float32 numbers stored as such, come back exactly."""
    document, arrays = CASES["huber-l1-penalised-bias-halves"].packed()
    special = np.array(
        [5e-324, -1.7976931348623157e308, 1 / 3, 0.1, 2.0**-149, 2.0**-1074 * 3, -0.0, float(np.float32(0.1))]
    )
    arrays = {k: v.copy() for k, v in arrays.items()}
    arrays["A/W1"].ravel()[:8] = special
    document["networks"]["A"]["sha256"] = arrays_sha256({k: arrays[f"A/{k}"] for k in ("W1", "b1", "W2", "b2")})
    write_certificate(tmp_path / "c.safetensors", document, arrays)
    read = read_certificate(tmp_path / "c.safetensors").problem.A.weights[0]
    assert read.tobytes() == arrays["A/W1"].tobytes()


def test_data_beside_the_certificate(tmp_path):
    """Without embedded data the file needs exactly the data whose hash it names, and refuses data it also holds itself."""
    case = CASES["logistic-chord-with-breakpoints-and-level"]
    path, beside = tmp_path / "c.safetensors", tmp_path / "c.data"
    document, arrays = case.packed(embed=False)
    assert not any(k.startswith("data/") for k in arrays)
    write_certificate(path, document, arrays)
    with pytest.raises(CertificateFormatError, match="--data"):
        read_certificate(path)
    write_data(beside, case.problem)
    assert data_file(path) == beside
    assert same(read_certificate(path, data=beside).problem, case.problem)
    assert same(read_certificate(path).problem, case.problem), "the file beside it is found"
    other = case.problem.X.copy()
    other[0, 0] += 1.0
    write_data(beside, replace(case.problem, X=other))
    with pytest.raises(CertificateFormatError, match="SHA-256"):
        read_certificate(path, data=beside)
    write_data(beside, case.problem)
    both = {**arrays, "data/X": other, "data/targets": case.problem.targets}
    write_certificate(path, document, both)
    with pytest.raises(CertificateFormatError, match="holds data"):
        read_certificate(path, data=beside)


def test_data_that_are_embedded_are_compared(tmp_path):
    """A data file beside a certificate that embeds its data plays no part, unless it is handed over: then it must hold the same data."""
    case = CASES["logistic-chord-with-breakpoints-and-level"]
    path, mine, other = tmp_path / "c.safetensors", tmp_path / "mine.data", tmp_path / "c.data"
    write_certificate(path, *case.packed())
    write_data(mine, case.problem)
    write_data(other, replace(case.problem, targets=-case.problem.targets))
    assert same(read_certificate(path).problem, case.problem)
    assert same(read_certificate(path, data=mine).problem, case.problem)
    with pytest.raises(CertificateFormatError, match="embeds other data than"):
        read_certificate(path, data=other)


def test_weights_lie_beside_their_samples(tmp_path):
    """Sample weights are part of the data, embedded or not, and of their hash."""
    case = CASES["weighted-chord"]
    for embed in (True, False):
        path = tmp_path / f"{embed}.safetensors"
        write_certificate(path, *case.packed(embed=embed))
        if not embed:
            write_data(path.with_suffix(".data"), case.problem)
        assert np.array_equal(read_certificate(path).problem.weights, case.problem.weights)
    write_data(path.with_suffix(".data"), replace(case.problem, weights=np.ones(6)))
    with pytest.raises(CertificateFormatError, match="SHA-256"):
        read_certificate(path)


@pytest.mark.parametrize("damage", [b"", b"\x00" * 7, b"garbage " * 9, b"\xff" * 40])
def test_damaged_data_files_are_malformed_not_crashes(tmp_path, damage):
    """A damaged, foreign or non-finite data file ends in a CertificateFormatError."""
    case = CASES["logistic-chord-with-breakpoints-and-level"]
    path, beside = tmp_path / "c.safetensors", tmp_path / "c.data"
    write_certificate(path, *case.packed(embed=False))
    beside.write_bytes(damage)
    for data in (beside, tmp_path, tmp_path / "absent", path):
        with pytest.raises(CertificateFormatError):
            read_certificate(path, data=data)
    beside.unlink()
    write_data(beside, replace(case.problem, X=np.full_like(case.problem.X, np.nan)))
    with pytest.raises(CertificateFormatError, match="NaN"):
        read_certificate(path, data=beside)


def test_hashes_see_names_shapes_order_and_every_bit():
    """Different arrays, names, shapes or orders have different hashes; float32 storage does not matter."""
    a, b = np.arange(6.0).reshape(2, 3), np.zeros(2)
    hashes = [
        arrays_sha256(x)
        for x in (
            {"W1": a, "b1": b}, {"b1": b, "W1": a}, {"W1": a.reshape(3, 2), "b1": b}, {"W1": a.T.copy(), "b1": b}, {"W1": a, "b1": -b}, {"W1": a},
            {"W2": a, "b1": b}, {"W1": np.nextafter(a, 9), "b1": b},
        )
    ]  # fmt: skip
    assert len(set(hashes)) == len(hashes)
    assert arrays_sha256({"W1": a.astype(np.float32)}) == arrays_sha256({"W1": a})
    assert arrays_sha256({"W1": np.asfortranarray(a)}) == arrays_sha256({"W1": a})


@pytest.mark.parametrize("stage", ["fsync", "replace"])
def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch, stage):
    """When the disk fails, the old file stays whole and no temporary file is left."""
    path = tmp_path / "c.safetensors"
    write_certificate(path, *CASES["exact-squares"].packed())
    before = path.read_bytes()

    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, stage, fail)
    with pytest.raises(UsageError, match="No space"):
        write_certificate(path, *CASES["head-for-all-heads"].packed())
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_nothing_unreadable_is_written(tmp_path):
    """The writer refuses what the reader would refuse, and writes no file."""
    document, arrays = CASES["exact-squares"].packed()
    wrong = {**document, "version": 1}
    with pytest.raises(CertificateFormatError):
        write_certificate(tmp_path / "c.safetensors", wrong, arrays)
    with pytest.raises(CertificateFormatError):
        write_certificate(tmp_path / "c.safetensors", document, {**arrays, "extra": np.zeros(2)})
    with pytest.raises(CertificateFormatError):
        write_certificate(tmp_path / "c.safetensors", document, {**arrays, "A/W1": np.full((2, 1), np.nan)})
    assert list(tmp_path.iterdir()) == []

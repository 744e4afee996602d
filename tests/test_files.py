"""Files appear whole or not at all."""

import hashlib

import pytest

from verifier.errors import UsageError
from verifier.files import atomic_path, atomic_write_bytes, file_sha256


def test_write_makes_folders_and_replaces(tmp_path):
    path = tmp_path / "new" / "a.bin"
    for data in (b"one", b"two"):
        atomic_write_bytes(path, data)
        assert path.read_bytes() == data
        assert file_sha256(path) == hashlib.sha256(data).hexdigest()
    assert [p.name for p in path.parent.iterdir()] == ["a.bin"]


def test_failure_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write_half():
        with atomic_path(path) as temporary:
            assert (temporary.parent, temporary.suffix) == (path.parent, ".txt")
            temporary.write_text("ne")
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_unwritable_places(tmp_path):
    (tmp_path / "file").write_text("")
    for place in (tmp_path, tmp_path / "file" / "a"):
        with pytest.raises(UsageError, match=r"cannot write .*; choose another place") as caught:
            atomic_write_bytes(place, b"x")
        assert caught.value.exit_code == 2

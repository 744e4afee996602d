"""Files appear whole or not at all, and nothing is replaced that verifier did not write."""

import ast
import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

import verifier
from verifier.errors import UsageError
from verifier.files import (
    GENERATOR,
    Kind,
    atomic_path,
    atomic_write_bytes,
    claim_folder,
    file_sha256,
    is_temporary,
    kind_of,
    require_place,
    write_arrays,
)
from verifier.networks import Network, save_checkpoint

PAGE = b"<!DOCTYPE html>" + GENERATOR


def network() -> Network:
    return Network((np.ones((3, 2)), np.ones((1, 3))), (np.ones(3), None))


def written(folder, kind):
    """A file of each kind, as verifier or as somebody else writes it."""
    place = folder / {
        "page": "a.html", "foreign page": "b.html", "checkpoint": "a.pt", "checkpoint.safetensors": "a.safetensors", "foreign.pt": "b.pt",
        "foreign.safetensors": "b.safetensors", "arrays": "a.npz", "foreign.npz": "b.npz", "text": "b.txt",
    }[kind]  # fmt: skip
    if kind == "page":
        atomic_write_bytes(place, PAGE)
    elif kind in ("checkpoint", "checkpoint.safetensors"):
        save_checkpoint(place, network(), {"seed": 0})
    elif kind == "arrays":
        write_arrays(place, {"W1": np.ones(2)})
    elif kind == "foreign.pt":
        torch.save({"metadata": {"author": "me"}, "state_dict": {"0.weight": torch.ones(3, 2)}}, place)
    elif kind == "foreign.safetensors":
        save_file({"0.weight": np.ones((3, 2))}, place)
    elif kind == "foreign.npz":
        np.savez(place, X=np.ones(2))
    else:
        place.write_bytes(b"<html>mine</html>")
    return place


KINDS = {
    "page": Kind.PAGE, "checkpoint": Kind.CHECKPOINT, "checkpoint.safetensors": Kind.CHECKPOINT, "arrays": Kind.ARRAYS, "foreign page": Kind.FOREIGN,
    "foreign.pt": Kind.FOREIGN, "foreign.safetensors": Kind.FOREIGN, "foreign.npz": Kind.FOREIGN, "text": Kind.FOREIGN,
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_known_by_its_content_and_replaced_by_its_own_kind_alone(tmp_path, kind):
    place = written(tmp_path, kind)
    assert kind_of(place) is KINDS[kind]
    before = place.read_bytes()
    for other in Kind:
        if other is Kind.FOREIGN or (other is KINDS[kind]):
            continue
        with pytest.raises(UsageError) as caught:
            require_place(place, other)
        assert caught.value.exit_code == 2
    if KINDS[kind] is Kind.FOREIGN:  # the write itself refuses too
        with pytest.raises(UsageError, match="exists and"):
            atomic_write_bytes(place, {".html": PAGE}.get(place.suffix, _new_content(tmp_path, place.suffix)))
        assert place.read_bytes() == before
    else:
        assert require_place(place, KINDS[kind]) == place


def _new_content(folder, suffix):
    new = folder / "new"
    new.mkdir()
    if suffix == ".npz":
        write_arrays(new / "n.npz", {"W1": np.ones(2)})
        return (new / "n.npz").read_bytes()
    if suffix in (".pt", ".safetensors"):
        save_checkpoint(new / f"n{suffix}", network())
        return (new / f"n{suffix}").read_bytes()
    return b"text"


def test_inputs_are_no_outputs_under_any_spelling(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    place = written(tmp_path, "checkpoint")
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.pt").symlink_to(place)
    os.link(place, tmp_path / "hard.pt")
    (tmp_path / "later.pt").symlink_to(tmp_path / "not-yet.pt")
    for spelling in (place, "a.pt", "./a.pt", "sub/../a.pt", "link.pt", "hard.pt"):
        with pytest.raises(UsageError, match=r"is the input .*, which would be lost; choose another name"):
            require_place(spelling, Kind.CHECKPOINT, inputs=[None, "moons", np.ones(2), str(place)])
    with pytest.raises(UsageError, match="is the input"):
        require_place("later.pt", Kind.CHECKPOINT, inputs=["not-yet.pt"])
    assert require_place("c.pt", Kind.CHECKPOINT, inputs=[place]).name == "c.pt"


@pytest.mark.parametrize(("name", "kind"), [("c", Kind.CERTIFICATE), ("c.pt", Kind.CERTIFICATE), ("c.safetensors", Kind.PAGE)])  # fmt: skip
def test_suffixes_are_required_and_the_advice_is_one_that_works(tmp_path, name, kind):
    with pytest.raises(UsageError, match=r"expected a name ending in .* say (\S+), for instance") as caught:
        require_place(tmp_path / name, kind)
    require_place(str(caught.value).split("; say ")[1].split(",")[0], kind)


def test_write_makes_folders_and_replaces(tmp_path):
    path = tmp_path / "new" / "a.html"
    for data in (PAGE + b"one", PAGE + b"two"):
        atomic_write_bytes(path, data)
        assert path.read_bytes() == data
        assert file_sha256(path) == hashlib.sha256(data).hexdigest()
    assert [p.name for p in path.parent.iterdir()] == ["a.html"]


def test_a_header_whose_length_reads_like_an_archive_is_no_archive(tmp_path):
    """A safetensors file begins with its header's length, and 19,280 reads PK."""
    path = tmp_path / "c.safetensors"
    for pad in range(8):
        save_file({"x": np.zeros(1)}, path, {"verifier": "1", "note": "." * (19_280 - 200 + 8 * pad)})
        length = int.from_bytes(path.read_bytes()[:8], "little")
        save_file({"x": np.zeros(1)}, path, {"verifier": "1", "note": "." * (19_280 - 200 + 8 * pad + 19_280 - length)})
        if path.read_bytes().startswith(b"PK"):
            break
    assert path.read_bytes().startswith(b"PK")
    assert kind_of(path) is Kind.CHECKPOINT


def test_what_is_not_finished_is_known_by_its_name(tmp_path):
    with atomic_path(tmp_path / "a.b.html") as temporary:
        assert is_temporary(temporary)
        temporary.write_bytes(PAGE)
    names = ["a.b.html", ".a.html", ".verifier", ".a.0123456789abcdeg.json", "a.0123456789abcdef.json"]
    assert not any(is_temporary(tmp_path / name) for name in names)


def test_what_carries_no_mark_is_replaced_in_a_claimed_folder_alone(tmp_path):
    table = tmp_path / "results.csv"
    atomic_write_bytes(table, b"a,b\n")
    with pytest.raises(UsageError, match="lies in no folder of verifier's results"):
        atomic_write_bytes(table, b"c,d\n")
    with pytest.raises(UsageError, match="is not empty and no folder of results"):
        claim_folder(tmp_path)
    for _ in range(2):
        folder = claim_folder(tmp_path / "mine", pages=["report.html"])
        atomic_write_bytes(folder / "results.csv", b"c,d\n")
        atomic_write_bytes(folder / "cells" / "1.json", b"{}")
    (folder / "a.npz").write_bytes(b"damaged")
    write_arrays(folder / "a.npz", {"W1": np.ones(2)})
    (folder / "report.html").write_text("the user's own")
    with pytest.raises(UsageError, match=r"report.html: exists and is a file that verifier did not write"):
        claim_folder(folder, pages=["report.html"])
    with pytest.raises(UsageError, match="is a file; expected a folder"):
        claim_folder(table)


def test_folders_of_earlier_versions_are_known_by_content(tmp_path):
    known = {"sweep.json": ("experiments", "pairs")}
    (tmp_path / "sweep.json").write_text('{"mine": 1}')
    with pytest.raises(UsageError, match="is not empty and no folder of results"):
        claim_folder(tmp_path, known=known)
    (tmp_path / "sweep.json").write_text('{"experiments": [], "pairs": 1}')
    assert claim_folder(tmp_path, known=known) == tmp_path
    assert claim_folder(tmp_path) == tmp_path


# Inside a folder of results, of files that were written through atomic_path under another name there; the lock and the log hold no results.
INSIDE_RESULTS = {
    "campaign/folder.py": {"os.replace", "open"},
    "many/pairs.py": {"os.link", "os.replace"},
    "stability/pairs.py": {"shutil.move"},
}
# Into memory, or to a temporary path that atomic_path gave.
INTO_MEMORY = {"networks/checkpoint.py", "report/svg.py", "certificate/file.py", "sweep/rows.py"}
WRITERS = {
    "torch.save",
    "np.save",
    "os.replace",
    "os.rename",
    "os.link",
    "shutil.move",
    "shutil.copy",
    "shutil.copyfile",
}
METHODS = {"write_text", "write_bytes", "savez", "savez_compressed", "savefig", "to_csv", "to_parquet", "dump"}


def written_by(call: ast.Call) -> str | None:
    """The name of a call that writes a file, else None."""
    name = ast.unparse(call.func)
    if name == "open":
        modes = [a.value for a in (*call.args[1:2], *(k.value for k in call.keywords)) if isinstance(a, ast.Constant)]
        return "open" if any(isinstance(m, str) and m[:1] in ("w", "a", "x") for m in modes) else None
    return name if name in WRITERS or (name.rpartition(".")[2] in METHODS and "." in name) else None


def test_no_other_module_writes_files():
    root = Path(verifier.__file__).parent
    for file in sorted(root.rglob("*.py")):
        name = file.relative_to(root).as_posix()
        calls = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
        found = {w for call in calls if (w := written_by(call)) is not None}
        if name != "files.py" and name not in INTO_MEMORY:
            assert found <= INSIDE_RESULTS.get(name, set()), f"{name}: {found}; write through verifier.files"


def test_a_file_without_its_mark_is_a_defect_that_shows_at_once(tmp_path):
    with pytest.raises(ValueError, match="without the mark"):
        atomic_write_bytes(tmp_path / "a.html", b"<html>")
    assert not list(tmp_path.iterdir())


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
    with pytest.raises(UsageError, match=r"is a folder; choose another place"):
        atomic_write_bytes(tmp_path, b"x")
    with pytest.raises(UsageError, match=r"cannot write .*; choose another place") as caught:
        atomic_write_bytes(tmp_path / "file" / "a", b"x")
    assert caught.value.exit_code == 2
    with pytest.raises(UsageError, match=r"is not a folder that can be written to"):
        require_place(tmp_path / "file" / "a.html", Kind.PAGE)


@pytest.mark.parametrize("name", ["mine.safetensors", "mine.npz"])
def test_what_verifier_did_not_write_is_put_aside_in_a_folder_of_results(tmp_path, name):
    """There a damaged result is made again, and content cannot tell it from somebody's own file: it keeps its bytes under another name."""
    folder = claim_folder(tmp_path / "results")
    place = folder / name
    for k, own in enumerate((b"1,2,3 my precious rows\n", b"version https://git-lfs.github.com/spec/v1\n"), start=1):
        place.write_bytes(own)
        if name.endswith(".npz"):
            write_arrays(place, {"x": [1.0]})
        else:
            save_checkpoint(place, network())
        assert (folder / f"{name}.replaced-{k}").read_bytes() == own
        assert place.read_bytes() != own
    if name.endswith(".npz"):
        write_arrays(place, {"x": [2.0]})
    assert len(list(folder.glob("*.replaced-*"))) == 2, "a result of verifier's own is replaced as before"

"""From the name of a checkpoint to its bytes. What a file is, is read from its content: suffixes say what a program called it (.pt, .ckpt, .bin, .pth.tar)."""

from __future__ import annotations

import re
from pathlib import Path

from verifier.errors import CheckpointError

MAX_FILE_BYTES = 8 * 2**30  # room for 2^28 double parameters and an optimiser's two moments
# In a folder, e.g. a download from a hub: names that hold weights, the first that is there alone counts.
_IN_FOLDERS = (
    "model.safetensors",
    "*.safetensors",
    "pytorch_model.bin",
    "*.bin",
    "*.pt",
    "*.pth",
    "*.ckpt",
    "*.pth.tar",
)
_PICKLE = (
    "a pickled Python object (pickle, joblib); unpickling would run code from the file, so load it where it was made and hand "
    "the object to verifier.certify"
)
_OTHERS = {
    b"\x89HDF": "an HDF5 file, as Keras writes them; export the weights to a state dict of `<layer>.weight` (outputs, inputs) and `<layer>.bias`",
    b"\x93NUMPY": "a single numpy array; expected the weights and biases of a network, by name",
    b"\x80\x04": _PICKLE, b"\x80\x05": _PICKLE,
    b"\x1f\x8b": "compressed with gzip; unpack it first",
}  # fmt: skip


def bend_of(path: str) -> tuple[str, int | None]:
    """(file, K) for the name FILE#K, the K-th network on a curve; (path, None) for any other, and for a file that is really called so."""
    match = re.fullmatch(r"(.+)#([0-9]{1,6})", path)
    return (match[1], int(match[2])) if match and not Path(path).exists() else (path, None)


def find_file(path: Path, who: str) -> Path:
    """The file itself, or the one file of weights in a folder. Raises CheckpointError."""
    if not path.is_dir():
        return path
    if list(path.glob("*.index.json")):
        raise CheckpointError(
            f"{who}: holds a checkpoint in several parts (an index.json); join them into one file of at most {MAX_FILE_BYTES} bytes"
        )
    for pattern in _IN_FOLDERS:
        found = sorted(path.glob(pattern))
        if len(found) == 1:
            return found[0]
        if found:
            raise CheckpointError(
                f"{who}: is a folder of several checkpoints, {', '.join(f.name for f in found[:8])}; give one of them, such as {found[0]}"
            )
    raise CheckpointError(
        f"{who}: is a folder without a checkpoint (looked for {', '.join(_IN_FOLDERS)}); give the checkpoint file"
    )


def read_bytes(path: Path, who: str) -> bytes:
    """The whole file. Raises CheckpointError when it is missing, empty, too large, or plainly something else."""
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise CheckpointError(
                f"{who}: has {size} bytes; at most {MAX_FILE_BYTES} are read. Save the state dict without the optimiser"
            )
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise CheckpointError(f"{who}: no such file") from error
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{who}: cannot be read ({error})") from error
    if not data:
        raise CheckpointError(f"{who}: is empty; copy or save it again")
    if data.startswith(b"version https://git-lfs"):
        raise CheckpointError(f"{who}: is a Git LFS pointer, not the checkpoint itself; fetch it with `git lfs pull`")
    head = data[:512]
    if all(32 <= byte < 127 or byte in b"\t\r\n" for byte in head):
        raise CheckpointError(f"{who}: is a text file beginning {head[:40].decode('ascii')!r}, not a checkpoint")
    for magic, what in () if is_safetensors(data, path) else _OTHERS.items():
        if data.startswith(magic):
            raise CheckpointError(f"{who}: is {what}")
    return data


def is_safetensors(data: bytes, path: Path) -> bool:
    """By content; damaged beginnings by their suffix, so that the message is about the format that was meant."""
    if data.startswith(b"PK\x03\x04"):
        return False
    return (len(data) > 9 and data[8:9] == b"{" and data[5:8] == b"\0\0\0") or path.suffix.lower() == ".safetensors"

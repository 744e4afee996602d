"""Reading `torch.save` files with `weights_only=True`, and torch tensors; the only place of this room that imports torch.

There is no fallback to full unpickling: that would run whatever code the file holds. torch checks no checksums on reading, so the
archive's are checked here first: a flipped bit in a weight is refused instead of read as another number.
"""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from typing import Any

import numpy as np

from verifier.errors import CheckpointError
from verifier.networks.tensors import StoredTensor, dtype_problem

_LEGACY_MAGIC = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."  # how torch < 1.6 began its files
_SAVE_ADVICE = "save the parameters alone with torch.save(model.state_dict(), path)"


def read_pt(data: bytes, who: str) -> Any:
    """The object that `torch.save` wrote: tensors (torch's), plain containers and values; any other object becomes an inert placeholder.

    Raises CheckpointError for TorchScript, files of torch before 1.6, damaged or foreign archives.
    """
    _check_archive(data, who)
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's remarks on old storage classes concern the file's writer
            names = torch.serialization.get_unsafe_globals_in_checkpoint(io.BytesIO(data))
            dtypes = [getattr(np.dtypes, name) for name in np.dtypes.__all__]
            with torch.serialization.safe_globals([*dtypes, *((_stand_in(name), name) for name in names)]):
                return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except (Exception, MemoryError) as error:  # the unpickler raises whatever the file's instructions run into
        raise CheckpointError(f"{who}: {_reason(error)}") from error


class _Placeholder:
    """Stands for an object that the file names (a configuration, a numpy scalar, a whole model): takes whatever it is built from, and keeps nothing."""

    pickled_class = "object"

    def __new__(cls, *args: Any, **kwargs: Any) -> _Placeholder:
        return super().__new__(cls)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass

    def __setitem__(self, key: Any, value: Any) -> None:
        pass


def _stand_in(name: str) -> Any:
    """For a name in the file: numpy's own array and dtype, which build values and run nothing; else a placeholder of its own, so that errors can say what
    lies there. None of the file's code is imported or run.
    """
    if name in ("numpy._core.multiarray._reconstruct", "numpy.core.multiarray._reconstruct"):
        return np.zeros(0).__reduce__()[0]
    if name in ("numpy.ndarray", "numpy.dtype"):
        return getattr(np, name.removeprefix("numpy."))
    return type("Placeholder", (_Placeholder,), {"pickled_class": name})


def _reason(error: BaseException) -> str:
    text = str(error)
    name = re.search(r"(?:GLOBAL|global:?|class|type) ([\w.]+\.[\w.]+)", text)
    if "Unsupported" in text and name:
        return (
            f"holds a pickled Python object ({name[1]}), such as a whole model; only tensors are read, because unpickling would run code from the file. "
            f"Load it where it was made and {_SAVE_ADVICE}"
        )
    return f"torch cannot read it ({type(error).__name__}: {text.splitlines()[0][:200] if text else 'no reason given'}); {_SAVE_ADVICE}"


def _check_archive(data: bytes, who: str) -> None:
    """Refuse everything that is not an intact, uncompressed archive as `torch.save` has written since version 1.6."""
    if data.startswith(_LEGACY_MAGIC):
        raise CheckpointError(
            f"{who}: is in torch's format from before version 1.6, which has no checksums; load it in torch and {_SAVE_ADVICE}"
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            names = [entry.filename for entry in entries]
            if len(set(names)) != len(names):
                raise CheckpointError(f"{who}: the archive names an entry twice")
            if any(name.endswith("/constants.pkl") for name in names):
                raise CheckpointError(f"{who}: is a TorchScript archive (torch.jit.save); {_SAVE_ADVICE}")
            if not any(name.endswith("/data.pkl") for name in names):
                raise CheckpointError(
                    f"{who}: is a zip archive, but not one that torch.save wrote; expected an entry data.pkl"
                )
            if any(entry.compress_type != zipfile.ZIP_STORED or entry.file_size > len(data) for entry in entries):
                raise CheckpointError(
                    f"{who}: is a compressed zip archive, which torch.save does not write; {_SAVE_ADVICE}"
                )
            damaged = archive.testzip()
    except CheckpointError:
        raise
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        OSError,
        EOFError,
        ValueError,
        NotImplementedError,
        RuntimeError,
        OverflowError,
    ) as error:
        raise CheckpointError(
            f"{who}: not a torch.save file, or truncated or damaged ({error}); copy it again or {_SAVE_ADVICE}"
        ) from error
    if damaged is not None:
        raise CheckpointError(
            f"{who}: the checksum of its entry {damaged} is wrong, so the file is damaged (or was saved with torch.serialization.set_crc32_options(False)); "
            "copy it again or save it anew"
        )


def is_tensor(value: Any) -> bool:
    """True for torch tensors and parameters."""
    import torch

    return isinstance(value, torch.Tensor)


def from_torch(tensor: Any) -> StoredTensor:
    """Describe a torch tensor without copying it; what cannot be read exactly gets a `problem`."""
    import torch

    dtype = str(tensor.dtype).removeprefix("torch.")
    shape = tuple(int(n) for n in tensor.shape)
    if type(tensor) not in (torch.Tensor, torch.nn.Parameter):
        problem: str | None = f"is a {type(tensor).__name__}, not a plain tensor"
    elif tensor.is_meta:
        problem = "is a meta tensor: the file holds its shape but no values"
    elif tensor.layout != torch.strided:
        problem = f"is sparse ({tensor.layout}); save tensor.to_dense()"
    elif tensor.is_quantized:
        problem = "is quantised; save tensor.dequantize()"
    else:
        problem = dtype_problem(dtype)
        if problem is None and tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
            problem = (
                f"is expanded: shape {shape} needs {tensor.numel() * tensor.element_size()} bytes, its storage has {tensor.untyped_storage().nbytes()}; "
                "save tensor.contiguous()"
            )

    def read() -> np.ndarray:
        return tensor.detach().to("cpu", torch.float64).contiguous().numpy().copy()

    return StoredTensor(shape, dtype, read, problem)

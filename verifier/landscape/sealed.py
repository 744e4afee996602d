"""Files from which a search goes on: arrays under a seal of what is searched and by which code, as the brackets in them are ones that nothing checks."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile

import numpy as np

from verifier.certificate.hashing import arrays_sha256
from verifier.errors import MalformedInputError, VerifierError
from verifier.files import write_arrays
from verifier.stored import code_version

if TYPE_CHECKING:
    from collections.abc import Iterator

Array = np.ndarray


def write_state(path: str | Path, arrays: Mapping[str, Array], question: str) -> None:
    """One .npz file, whole or not at all. question: what the search is about. Raises UsageError when the place cannot be written."""
    write_arrays(path, {**arrays, "seal": np.array(_seal(arrays, question))})


class UnreadableState(VerifierError):
    """Arrays under a right seal that are no state of the search."""


@contextmanager
def readable() -> Iterator[None]:
    """Where a state is made sense of."""
    try:
        yield
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise UnreadableState(f"no search of these networks is kept in it ({type(error).__name__}: {error})") from error


@contextmanager
def read_state(path: str | Path, question: str) -> Iterator[dict[str, Array]]:
    """The arrays that this code wrote for the same question. Raises MalformedInputError for any other file, for one that was edited, and where the caller
    cannot make anything of them (KeyError, ValueError, TypeError)."""
    try:
        # Opened here: numpy forgets to close what turns out to be no archive.
        with open(path, "rb") as handle, np.load(handle, allow_pickle=False) as stored:
            arrays = dict(stored)
        if str(arrays.pop("seal")) != _seal(arrays, question):
            raise ValueError("it is of another search, of other code, or was changed since")
        yield arrays
    except (OSError, KeyError, ValueError, TypeError, EOFError, BadZipFile) as error:
        raise MalformedInputError(
            f"search state {path}: expected a file that this search saved for the same pair and data, but {error}; choose another name, "
            "or remove it to start anew"
        ) from error


def _seal(arrays: Mapping[str, Array], question: str) -> str:
    return f"{question} {code_version()} {arrays_sha256(arrays)}"

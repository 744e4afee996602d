"""Write the corpus: `python -m tests.corpus.make` from the repository root. Deterministic; a test compares it with the committed files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from verifier.certificate.file import pack

from . import malformed, rejected
from .correct import all_correct

FOLDER = Path(__file__).parent


def files() -> Iterator[tuple[str, bytes]]:
    """(name under this folder, bytes) of the whole corpus."""
    for name, case in all_correct().items():
        yield f"correct/{name}.safetensors", pack(*case.packed())
    for name, make in rejected.ATTACKS.items():
        yield f"rejected/{name}.safetensors", pack(*make().packed())
    for name, write in malformed.ATTACKS.items():
        yield f"malformed/{name}.safetensors", write()


def main() -> None:
    made = dict(files())
    for old in FOLDER.glob("*/*.safetensors"):
        if str(old.relative_to(FOLDER)) not in made:
            old.unlink()
    for name, blob in made.items():
        (FOLDER / name).parent.mkdir(exist_ok=True)
        (FOLDER / name).write_bytes(blob)
    print(f"{len(made)} files, {sum(map(len, made.values())) / 2**10:.0f} KiB, in {FOLDER}")


if __name__ == "__main__":
    main()

"""Today's kernel modules as one namespace, or a copy of them with one line changed."""

from __future__ import annotations

import sys
from importlib import import_module, invalidate_caches
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace

import verifier.kernel

FOLDER = Path(verifier.kernel.__file__).parent
MUTANT = "mutant_kernel"


def short(path: Path) -> str:
    """The name a module has in the namespace: fast/chord.py is `chord`, reference/paths.py is `reference_paths`, reference/check.py `reference`."""
    wing, name = path.relative_to(FOLDER).parts[:-1], path.stem
    if name == "__init__":
        return wing[0] if wing else "kernel"
    if wing == ("reference",):
        return "reference" if name == "check" else f"reference_{name}"
    return f"statements_{name}" if wing == ("statements",) else name


# By short name; the wings' own doors are left out, but for `statements`.
FILES = {
    short(path): path
    for path in sorted(FOLDER.rglob("*.py"))
    if path.name != "__init__.py" or path.parent.name == "statements"
}


def _dotted(path: Path, package: str) -> str:
    parts = path.relative_to(FOLDER).with_suffix("").parts
    return ".".join([package, *(parts[:-1] if parts[-1] == "__init__" else parts)])


def kernel() -> SimpleNamespace:
    return SimpleNamespace(**{name: import_module(_dotted(path, "verifier.kernel")) for name, path in FILES.items()})


class _Finder(MetaPathFinder, Loader):
    """Imports the package MUTANT from texts."""

    def __init__(self, sources: dict[str, tuple[str, bool]]) -> None:
        self.sources = sources

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        return ModuleSpec(name, self, is_package=self.sources[name][1]) if name in self.sources else None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.sources[module.__name__][0], module.__name__, "exec"), module.__dict__)


def mutant(module: str, old: str, new: str) -> SimpleNamespace:
    """The kernel with one occurrence of `old` in the module of that short name replaced; raises ValueError unless it occurs exactly once."""
    sources = {}
    for path in FOLDER.rglob("*.py"):
        text = path.read_text()
        if path == FILES[module]:
            if text.count(old) != 1:
                raise ValueError(
                    f"{path.name} holds {old!r} {text.count(old)} times; a seeded bug needs exactly one place"
                )
            text = text.replace(old, new)
        text = text.replace("from verifier.kernel", f"from {MUTANT}")
        sources[_dotted(path, MUTANT)] = (text, path.name == "__init__.py")
    for name in [n for n in sys.modules if n == MUTANT or n.startswith(MUTANT + ".")]:
        del sys.modules[name]
    finder = _Finder(sources)
    sys.meta_path.insert(0, finder)
    try:
        invalidate_caches()
        return SimpleNamespace(**{name: import_module(_dotted(path, MUTANT)) for name, path in FILES.items()})
    finally:
        sys.meta_path.remove(finder)

"""Today's kernel modules as one namespace, or a copy of them with one line changed."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace

import verifier.kernel

FOLDER = Path(verifier.kernel.__file__).parent
MODULES = (
    "landscape_claims",
    "claims",
    "environment",
    "liveness",
    "balls",
    "blocks",
    "losses",
    "forward",
    "rescale",
    "moves",
    "chord",
    "paths",
    "heads",
    "rational",
    "cones",
    "barrier",
    "regions",
    "violations_nguyen2021",
    "violations_karhadkar2023",
    "violations",
    "reference_numbers",
    "reference_forward",
    "reference_objective",
    "reference_moves",
    "reference_paths",
    "reference_heads",
    "reference_landscape",
    "reference_violations_nguyen2021",
    "reference_violations_karhadkar2023",
    "reference_violations",
    "reference",
    "check",
)


def kernel() -> SimpleNamespace:
    return SimpleNamespace(**{name: import_module(f"verifier.kernel.{name}") for name in MODULES})


def mutant(module: str, old: str, new: str) -> SimpleNamespace:
    """The kernel with one occurrence of `old` in `module`.py replaced; raises ValueError unless it occurs exactly once."""
    package = "mutant_kernel"
    for name in [n for n in sys.modules if n == package or n.startswith(package + ".")]:
        del sys.modules[name]
    root = ModuleType(package)
    root.__path__ = []
    root.__spec__ = ModuleSpec(package, None, is_package=True)
    sys.modules[package] = root
    loaded = {}
    for name in MODULES:
        source = (FOLDER / f"{name}.py").read_text()
        if name == module:
            if source.count(old) != 1:
                raise ValueError(
                    f"{module}.py holds {old!r} {source.count(old)} times; a seeded bug needs exactly one place"
                )
            source = source.replace(old, new)
        source = source.replace("from verifier.kernel.", f"from {package}.").replace(
            "from verifier.kernel import", f"from {package} import"
        )
        made = ModuleType(f"{package}.{name}")
        sys.modules[made.__name__] = made
        exec(compile(source, f"{package}/{name}.py", "exec"), made.__dict__)
        setattr(root, name, made)
        loaded[name] = made
    return SimpleNamespace(**loaded)

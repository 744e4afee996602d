"""Whether a seeded bug is noticed."""

from __future__ import annotations

from .components import run_check
from .loader import mutant


def unnoticed(module: str, old: str, new: str, checks, seeds: int = 3) -> bool:
    """Whether the kernel with `old` replaced by `new` in `module` passes every component check over some seeds."""
    broken = mutant(module, old, new)
    for seed in range(seeds):
        for component in checks:
            try:
                run_check(component, broken, seed)
            except Exception:
                return False
    return True

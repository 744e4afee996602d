"""Where a certificate came from: enough to run it again. None of it is evidence."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from verifier.distribution import tool_version

LIBRARIES = ("numpy", "scipy", "cvxpy", "clarabel", "python-flint", "safetensors", "torch", "scikit-learn")


@cache
def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


@cache
def _commit() -> str | None:
    """Commit of the checkout this package runs from, with `+changes` when files differ; None for an installed package. As it was when first asked, near
    to when its code was read: campaigns ask for every pair."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    try:
        head = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10, check=True
        ).stdout.strip()
        dirty = subprocess.run(
            ["git", "-C", str(root), "status", "--porcelain", "-uno"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return head + ("+changes" if dirty.strip() else "")


def provenance(options: dict[str, Any]) -> dict[str, Any]:
    return {
        "tool": "verifier", "version": tool_version(), "commit": _commit(), "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "options": options, "python": sys.version.split()[0], "platform": platform.platform(), "machine": platform.machine(),
        "libraries": {name: _version(name) for name in LIBRARIES},
        "solver": {"name": "Clarabel through CVXPY, 1e-11 for losses with kinks; direct Newton where a program says so", "version": _version("clarabel")},
        "blas_threads": os.environ.get("OPENBLAS_NUM_THREADS", os.environ.get("OMP_NUM_THREADS", "limited by threadpoolctl to 1")),
    }  # fmt: skip

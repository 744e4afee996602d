"""The name under which the package is installed: `verifier` itself is another project's on the package index."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

NAME = "loss-barrier"


def tool_version() -> str | None:
    """Version of the installed package; None in a checkout that is not installed."""
    try:
        return version(NAME)
    except PackageNotFoundError:
        return None

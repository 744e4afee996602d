"""Blocks of samples of one check, worked on where tasks of a campaign are: other processes, or the workers of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from verifier.campaign.runner import Runner
from verifier.errors import VerifierError
from verifier.kernel.mapping import mapped


@dataclass(frozen=True)
class _Found:
    """Of one block: what the function gives, or what it raises."""

    value: Any = None
    error: Exception | None = None


def _worked(block: Any, function: Callable[[Any], Any]) -> _Found:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        try:
            return _Found(function(block))
        except Exception as error:
            return _Found(error=error)


@contextmanager
def blocks_on(run: Runner) -> Iterator[None]:
    """Within, the kernel's blocks, and others that are shared out as they are, are worked on by `run`; one after another where it is this process.

    The numbers do not depend on it. Raises VerifierError at the end where a worker was lost: what was found about its blocks is no verdict.
    """
    if not run.remote:
        yield
        return
    lost: list[VerifierError] = []

    def gone(block: Any, error: VerifierError) -> _Found:
        lost.append(error)
        return _Found(error=error)

    def each(function: Callable[[Any], Any], blocks: Sequence[Any]) -> list[Any]:
        found = run.in_order(partial(_worked, function=function), blocks, gone, what="blocks")
        for f in found:
            if f.error is not None:
                raise f.error
        return [f.value for f in found]

    try:
        with mapped(each):
            yield
    finally:
        if lost:
            raise lost[0]

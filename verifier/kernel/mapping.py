"""Where blocks of samples are worked on: one after another here, unless a caller maps over them elsewhere (docs/many.md, One pair on many machines).

The kernel trusts whoever maps over its blocks as it trusts the machine that it runs on. Blocks, and the order in which their results are put together, do
not depend on it, and so neither do the numbers found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from flint import ctx

from verifier.kernel.environment import probe
from verifier.kernel.statements import require

B = TypeVar("B")
R = TypeVar("R")
# function, blocks -> the function of each, in their order; an exception of the function is raised as it is
Each = Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]


def in_turn(function: Callable[[B], R], blocks: Sequence[B]) -> list[R]:
    return [function(block) for block in blocks]


_EACH: ContextVar[Each] = ContextVar("each", default=in_turn)


@contextmanager
def mapped(each: Each) -> Iterator[None]:
    """Within, blocks are worked on by `each`."""
    token = _EACH.set(each)
    try:
        yield
    finally:
        _EACH.reset(token)


def each_block(function: Callable[[B], R], blocks: Sequence[B]) -> list[R]:
    """The function of each block, in their order, wherever the caller has them worked on; a single block here. Both must travel by pickle."""
    return in_turn(function, blocks) if len(blocks) == 1 else list(_EACH.get()(function, blocks))


@dataclass(frozen=True)
class Guarded:
    """A function of the kernel as it may run in another process: in the arithmetic that `check` works in. bits: of Arb."""

    function: Callable[[Any], Any]
    bits: int

    def __call__(self, block: Any) -> Any:
        with np.errstate(over="raise", invalid="raise", divide="raise", under="ignore"), ctx.workprec(self.bits):
            probe()
            return self.function(block)


def over_blocks(function: Callable[[B], R], blocks: Sequence[B]) -> list[R]:
    """`each_block` for functions of the kernel."""
    if len(blocks) == 1 or _EACH.get() is in_turn:
        return in_turn(function, blocks)
    found = each_block(Guarded(function, ctx.prec), blocks)
    require(len(found) == len(blocks), "blocks were lost on the way")
    return found

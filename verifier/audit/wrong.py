"""Wrong neighbours of statements that hold, one table per paper: what a statement's own trials have to refute, or they could not have failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from verifier.audit.claim import Instance, Statement, Word, Wrong

Values = dict[str, Any]


def given(**values: Any) -> Callable[[Instance], Instance]:
    """The instance with these values besides: switches of an evaluation that the statement itself never sets."""
    return lambda i: replace(i, values={**i.values, **values})


def changing(change: Callable[[Values], Values]) -> Callable[[Instance], Instance]:
    """The instance with the values that `change` returns in place of its own."""
    return lambda i: replace(i, values={**i.values, **change(i.values)})


def with_wrong(statements: Sequence[Statement], table: Mapping[str, Wrong]) -> list[Statement]:
    """Statements that hold, and repairs, with their wrong neighbours by identifier. Raises KeyError for one that has none, and for an entry of none."""
    left = dict(table)

    def one(s: Statement) -> Statement:
        repaired = None if s.repaired is None else one(s.repaired)
        if s.expected is not Word.HOLDS:
            return replace(s, repaired=repaired)
        return replace(s, repaired=repaired, wrong=left.pop(s.identifier))

    out = [one(s) for s in statements]
    if left:
        raise KeyError(f"wrong neighbours of no statement that holds: {', '.join(left)}")
    return out

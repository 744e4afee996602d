"""On which pages of a paper its sentences stand: one table per paper, by identifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from verifier.audit.claim import About, Statement

# Papers that were read as texts without page numbers: their statements name section, result and sentence, and no page.
UNPAGED = ("baturin2026", "nguyen2021", "nguyen2019")


def with_pages(statements: Sequence[Statement], table: Mapping[str, int]) -> list[Statement]:
    """Statements, and their repairs, with the page of the sentence they quote. Raises KeyError for a claim that has none, and for an entry of no statement."""
    left = dict(table)

    def one(s: Statement) -> Statement:
        if s.about is About.REMARK:
            return s
        page = left.pop(s.identifier)
        return replace(s, page=page, repaired=None if s.repaired is None else replace(s.repaired, page=page))

    out = [one(s) for s in statements]
    if left:
        raise KeyError(f"pages of no statement: {', '.join(left)}")
    return out

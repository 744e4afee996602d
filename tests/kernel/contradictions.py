"""Pairs of claims about one problem that cannot both be true, found from their own words and from nothing the kernel computes."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import numpy as np

from verifier.kernel import EndpointValue, HeadOptimum, PathUpperBound
from verifier.kernel.papers.statement import ClaimViolation
from verifier.kernel.statements import (
    BarrierLowerBound,
    ConeBarrier,
    EveryWidthLowerBound,
    JacobianRank,
    Landscape,
    RegionMinimum,
    RegionOptimum,
    SignCountBarrier,
    SubnetworkHeadOptimum,
)
from verifier.outcomes import BINDING


def contradiction(claims: Iterable[Any]) -> str | None:
    """The first pair of contradictory claims, in words; None when there is none."""
    for a, b in itertools.combinations(list(claims), 2):
        for x, y in ((a, b), (b, a)):
            why = _against(x, y)
            if why is not None:
                return f"{why}: {x!r} and {y!r}"
    return None


def _against(x: Any, y: Any) -> str | None:
    pair = (type(x), type(y))
    if pair == (EndpointValue, EndpointValue):
        return "an endpoint has two values" if x.network == y.network and x.lower > y.upper else None
    if pair == (EndpointValue, PathUpperBound):
        return "an endpoint lies above a path through it" if x.lower > y.sup else None
    if pair[0] in (BarrierLowerBound, SignCountBarrier, ConeBarrier) and pair[1] is PathUpperBound:
        # A barrier for a frozen output layer is one for the paths that keep it; B's permuted copies are the ends of other paths.
        about = x.output_layer in BINDING[y.output_layer]
        return "a path stays below a barrier" if about and y.permutation is None and y.sup < x.level else None
    if pair[0] in (BarrierLowerBound, SignCountBarrier, ConeBarrier) and pair[1] is Landscape:
        # A path that keeps the output layer may have to rise where others do not.
        return "a gap is larger than the largest one" if x.output_layer == "trained" and x.gap > y.gap_upper else None
    if pair == (Landscape, Landscape):
        return "there are two largest gaps" if x.gap_lower > y.gap_upper else _counted_twice(x, y)
    if pair == (EndpointValue, Landscape):
        return "a network lies below the least F" if x.upper < y.intervals[0, 0] else None
    if pair == (EveryWidthLowerBound, Landscape):
        return "the least F lies below that of any width" if y.intervals[y.minima[0, 0], 1] < x.lower else None
    if pair == (HeadOptimum, HeadOptimum):
        same = all(_equal(getattr(x, n), getattr(y, n)) for n in ("rows", "row_bias"))
        entries = [np.abs(a).max() for a in (y.head, y.head_bias) if a is not None]
        within = x.head_limit is None or max(entries) <= x.head_limit
        return "a head lies below the least one" if same and within and x.lower > y.upper else None
    if pair == (SubnetworkHeadOptimum, SubnetworkHeadOptimum):
        same = all(_equal(getattr(x, n), getattr(y, n)) for n in ("widths", "parameters"))
        entries = [np.abs(a).max() for a in (y.head, y.head_bias) if a is not None]
        within = x.head_limit is None or max(entries) <= x.head_limit
        return "a head lies below the least one" if same and within and x.lower > y.upper else None
    if pair == (RegionMinimum, RegionMinimum):
        same = _equal(x.pattern, y.pattern) and _equal(x.head, y.head) and x.bias == y.bias
        if same and (x.lower > y.upper or {x.verdict, y.verdict} == {"zero_inside", "zero_on_boundary"}):
            return "a region has two minima"
        return None
    if pair == (RegionOptimum, RegionOptimum):
        names = ("of", "rows", "row_bias", "head", "head_bias", "active", "output_bias", "row_limits", "bias_limit")
        same = all(_equal(getattr(x, n), getattr(y, n)) for n in names)
        return "a region has two optima" if same and x.lower > y.upper else None
    if pair == (RegionOptimum, EndpointValue):
        # A network is a member of its own region, and within no limits where there are none.
        member = x.of == y.network and x.row_limits is None and x.bias_limit is None
        return "a network lies below the best of its region" if member and x.lower > y.upper else None
    if type(x) is EveryWidthLowerBound and isinstance(y, (EndpointValue, HeadOptimum, RegionOptimum)):
        return "something lies below the least F of any width" if y.upper < x.lower else None
    if pair == (EveryWidthLowerBound, PathUpperBound):
        return "a path lies below the least F of any width" if y.sup < x.lower else None
    if pair == (RegionMinimum, ClaimViolation):
        empty = y.statement == "karhadkar2023.prop7"  # an input is 0: no open region has a point
        return "an empty region has a point" if empty and x.verdict == "zero_inside" else None
    if pair == (JacobianRank, JacobianRank):
        return "a rank is full and is not" if _equal(x.pattern, y.pattern) and x.full and not y.full else None
    return None


def _counted_twice(x: Landscape, y: Landscape) -> str | None:
    """At levels outside the intervals of both."""
    ends = np.unique(np.concatenate([x.intervals.ravel(), y.intervals.ravel()]))
    for level in ((ends[1:] + ends[:-1]) / 2).tolist():
        if not any(((c.intervals[:, 0] <= level) & (level <= c.intervals[:, 1])).any() for c in (x, y)):
            counts = [
                c.counts[int((c.intervals[:, 1] < level).sum()) - 1] if level > c.intervals[0, 1] else 0 for c in (x, y)
            ]
            if counts[0] != counts[1]:
                return f"{counts[0]} components at {level}, and {counts[1]}"
    return None


def _equal(a: Any, b: Any) -> bool:
    return (a is None and b is None) or (a is not None and b is not None and np.array_equal(a, b))

"""What the summary counts, and that certified and sampled figures stay apart."""

import pytest

from tests.report.test_sweep import make_rows
from verifier.sweep.summary import summarise


def rows_of(gaps, sampled, width=4, shared=False):
    rows = make_rows(pairs=1)[:1] * len(gaps)
    return [
        {**row, "experiment": "e", "width": width, "seed_a": 0 if shared else 2 * k, "seed_b": 2 * k + 1, "gap": g, "sampled_gap_dss": s,
         "E": 0.5, "dss_hit": None if s is None else s > 0.1,
         "dss_least_exceedance": None if s is None else s / 4, "author_gap": None, "author_hit": None}
        for k, (row, g, s) in enumerate(zip(rows, gaps, sampled, strict=True))
    ]  # fmt: skip


def test_figures():
    (group,) = summarise(rows_of([0.0, 0.25, None, 0.5], [None, 0.125, 1e-14, 0.25])).groups
    c, s = group.certified, group.sampled
    assert (c.kind, c.pairs, c.median, c.maximum, c.zero, c.hit_rate) == ("certified", 3, 0.25, 0.5, 1 / 3, None)
    assert 0.25 <= c.mean <= 0.25 * (1 + 1e-15)
    assert (s.kind, s.pairs, s.mean, s.median, s.maximum, s.zero) == ("sampled", 3, 0.125, 0.125, 0.25, 1 / 3)
    assert s.hit_rate == pytest.approx(2 / 3)
    assert group.independent
    assert not group.certified.mean_interval.networks
    assert (group.pairs, group.networks, group.statuses) == (4, 8, {"certified": 4})
    assert group.cpu == {"certify": 2.0, "check": 1.0, "dss": 6.0}


def test_wide_is_compared_with_narrow_by_kind():
    rows = rows_of([1.0, 2.0, 3.0], [None] * 3, width=4) + rows_of([0.0, 0.1, 0.2], [None] * 3, width=8, shared=True)
    (comparison,) = summarise(rows).comparisons
    assert (comparison.kind, comparison.narrow, comparison.wide) == ("certified", 4, 8)
    assert (comparison.result.U, comparison.result.cliffs_delta) == (0.0, -1.0)
    assert not comparison.result.independent  # the wide pairs share a network


def test_one_width_has_nothing_to_compare():
    assert summarise(rows_of([1.0, 2.0], [0.5, 0.5])).comparisons == ()


def test_no_figures_at_all():
    (group,) = summarise(rows_of([None, None], [None, None])).groups
    assert group.certified is None
    assert group.sampled is None


def test_brackets_of_the_mean_gap():
    """Lower bounds count as 0 where none is proved, pairs without an upper bound are left out, and the mean is rounded down."""
    rows = rows_of([0.5, 0.25, None, 0.0], [None] * 4)
    for row, lower in zip(rows, [0.375, None, 0.125, None], strict=True):
        row["lower_gap"] = lower
    (group,) = summarise(rows).groups
    b = group.barriers
    assert (b.pairs, b.of, b.maximum) == (1, 3, 0.375)
    assert 0.125 * (1 - 1e-15) <= b.mean <= 0.125 <= group.certified.mean
    (other,) = summarise(rows_of([0.5, 0.25], [None] * 2)).groups
    assert other.barriers is None

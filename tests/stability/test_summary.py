"""Means, Student's t intervals, largest values over the layers, and the sentences made of them."""

import csv
import io

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from tests.stability.records import made_up
from verifier.stability.summary import close, largest, mean, smallest_close, summarise, table_csv


def test_interval_is_student_t():
    """The interval holds exactly the means that a two-sided t-test at 5 % does not reject."""
    x = np.array([0.3, 0.5, 0.1, 0.4])
    m = mean(x)
    assert m.value == pytest.approx(x.mean())
    low, high = m.interval
    assert [ttest_1samp(x, v).pvalue for v in (low, high)] == pytest.approx([0.05, 0.05])
    assert (m.smallest, m.largest, m.count) == (0.1, 0.5, 4)


def test_a_single_network_has_no_interval():
    assert mean([0.2]).interval is None


def test_largest_is_taken_per_network_before_the_mean():
    """The mean of maxima, not the maximum of means."""
    records = made_up((60, 60), 2)
    records[0]["series"]["b"]["points"] = [{"layer": l, "value": v, "draws": 1} for l, v in ((1, 1.0), (2, 0.0))]
    records[1]["series"]["b"]["points"] = [{"layer": l, "value": v, "draws": 1} for l, v in ((1, 0.0), (2, 1.0))]
    group = summarise(records, "t").groups[0]
    assert group.maxima["b"].value == 1.0
    assert group.layers["b"][1].value == 0.5
    assert largest(records[0], "b") == 1.0


def test_groups_are_sorted_and_widths_compared():
    records = [*made_up((60, 60), 3), *made_up((20, 20), 3, b=0.5), *made_up((100, 100), 3, b=2e-4)]
    summary = summarise(records, "figure4")
    assert [g.name for g in summary.groups] == ["20 x 2", "60 x 2", "100 x 2"]
    assert smallest_close(summary.groups, "a").name == "20 x 2"
    assert smallest_close(summary.groups, "b").name == "100 x 2"
    assert not close(summary.groups[0].maxima["b"], summary.groups[0].reference)
    assert "(B) is within 10 % and 1e-3 of the trained loss: from 100 x 2 on" in summary.lines
    assert summary.finding.sentence.startswith("EVALUATED figure4: 9 networks of 3 architectures; within 10 %")


def test_csv_holds_every_mean():
    records = made_up((60, 40), 3)
    rows = list(csv.DictReader(io.StringIO(table_csv(summarise(records, "t").groups))))
    assert {r["widths"] for r in rows} == {"60-40"}
    assert [(r["series"], r["layer"]) for r in rows] == [
        ("trained", ""), ("a", "0"), ("a", "1"), ("a", "2"), ("a", "max"), ("b", "1"), ("b", "2"), ("b", "max"),
    ]  # fmt: skip
    assert float(rows[0]["mean"]) == pytest.approx(np.mean([r["F"] for r in records]))


def test_networks_that_were_only_trained():
    summary = summarise([{**r, "series": {}} for r in made_up((60, 60), 2)], "figure3d")
    assert summary.finding.sentence == "EVALUATED figure3d: 2 networks"
    assert summary.lines == ()

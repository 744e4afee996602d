"""Experiments: exact intervals, reproducible and resumable cells, exact targets, theorems held against uniform regions."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from tests.regions.instances import kernel_problem
from verifier.errors import UsageError
from verifier.kernel.check import check
from verifier.regions import experiment
from verifier.regions.arrangement import make_arrangement
from verifier.regions.decide import decide
from verifier.regions.experiment import CellResult, clopper_pearson, read_result, result_file, run_cell, run_preset
from verifier.regions.patterns import pattern_of, step_patterns
from verifier.regions.presets import FIGURES, LABELS, Cell, make_preset, theorem_width
from verifier.regions.program import make_program
from verifier.regions.region_claims import region_minimum_claim
from verifier.regions.summary import half_widths, summarise


@pytest.mark.parametrize(("hits", "trials"), [(0, 10), (10, 10), (3, 10), (70, 140)])
def test_clopper_pearson_tails_hold_exactly_the_error(hits, trials):
    lower, upper = clopper_pearson(hits, trials, 0.95)
    assert lower <= hits / trials <= upper
    if hits:
        assert binom.sf(hits - 1, trials, lower) == pytest.approx(0.025)
    if hits < trials:
        assert binom.cdf(hits, trials, upper) == pytest.approx(0.025)


@pytest.mark.parametrize("name", FIGURES)
def test_every_small_preset_runs_and_resumes(name, tmp_path, monkeypatch):
    preset = make_preset(name, "small", trials=3)
    results = list(run_preset(preset, tmp_path))
    assert {r.cell for r in results} == set(preset.cells)
    assert all(sum(r.counts.values()) == 3 and r.undecided == 0 for r in results)
    assert summarise(preset, results).finding.exit_code == 0

    # One lost cell is made again with the same numbers, the others are read.
    lost = preset.cells[-1]
    result_file(tmp_path, lost).unlink()
    made = []
    monkeypatch.setattr(experiment, "run_cell", lambda cell: made.append(cell) or run_cell(cell))
    said = []
    again = list(run_preset(preset, tmp_path, say=said.append))
    assert made == [lost]
    assert said == [f"resuming: {len(preset.cells) - 1} of {len(preset.cells)} cells are there"]
    assert {(r.cell, r.hits) for r in again} == {(r.cell, r.hits) for r in results}


def test_stored_results_of_other_settings_or_broken_files_do_not_count(tmp_path):
    cell = make_preset("figure2", "small", trials=2).cells[0]
    assert read_result(tmp_path, cell) is None
    experiment.write_result(tmp_path, run_cell(cell))
    assert read_result(tmp_path, cell) is not None
    assert read_result(tmp_path, replace(cell, seed=1)) is None
    place = result_file(tmp_path, cell)
    value = json.loads(place.read_text())
    edits = (
        {"counts": {"full": 1}},
        {"key": "other"},
        {"hits": value["hits"] + 1},
        {"code": "other"},
        {"seconds": 0.0},
    )
    for broken in ("[]", "{", *(json.dumps(value | edit) for edit in edits)):
        place.write_text(broken)
        assert read_result(tmp_path, cell) is None


@pytest.mark.parametrize("labels", ["polynomial", "teacher"])
@pytest.mark.parametrize("d0", [1, 5])
def test_targets_are_computed_without_rounding(labels, d0):
    """The same sums in another order give the same float: nothing was rounded."""
    cell = Cell("minima", labels, d0, 20, 30, labels, 1, 0)
    rng, other = np.random.default_rng(0), np.random.default_rng(0)
    X, y = experiment._data(cell, rng)
    assert np.array_equal(X * 2**16, np.round(X * 2**16))
    if labels == "teacher":
        other.uniform(-1, 1, (20, d0))
        W = experiment._on_grid(experiment._weights(cell, other))[::-1]
        again = np.maximum(X[:, ::-1] @ W[:, :-1][:, ::-1].T + W[:, -1], 0) @ experiment._alternating(30)[::-1]
        assert np.array_equal(again, y)
    assert np.array_equal(y * 2.0**44, np.round(y * 2.0**44))


def test_uniform_regions_hit_every_step_vector_alike():
    cell = Cell("rank", "d0 = 1", 1, 4, 4000, "", 1, 0, measure="regions")
    X = np.random.default_rng(1).standard_normal((4, 1))
    patterns, W = experiment._uniform_patterns(cell, make_arrangement(X, True), np.random.default_rng(2))
    found, counts = np.unique(patterns, axis=0, return_counts=True)
    assert np.array_equal(found, step_patterns(X[:, 0]))
    assert abs(counts - 500).max() < 100
    assert W.shape == (4000, 2)


def test_theorem_12_holds_on_uniform_regions_and_a_contradiction_is_refuted():
    n, d1 = 3, 60
    assert theorem_width("12", n) < d1
    cells = tuple(Cell("minima", labels, 1, n, d1, labels, 40, 0, measure="regions") for labels in LABELS)
    preset = replace(make_preset("theorem12", "small"), cells=cells)
    results = [run_cell(c) for c in cells]
    summary = summarise(preset, results)
    assert summary.finding.exit_code == 0
    assert "3 cells from the width of Theorem 12 on, smallest share 1 against its 0.9" in summary.finding.sentence
    bad = [CellResult(cells[0], 10, {"zero_inside": 10, "positive": 30}, 0, 0.0), *results[1:]]
    assert summarise(preset, bad).finding.sentence.startswith("REFUTED theorem12: n = 3, d1 = 60 has 10 of 40")
    # Undecided trials may all be hits.
    open_ = [CellResult(cells[0], 10, {"zero_inside": 10, "undecided": 30}, 0, 0.0), *results[1:]]
    assert summarise(preset, open_).finding.exit_code == 0


def test_half_widths_need_all_larger_widths():
    cells = [Cell("rank", "p", 1, 5, d1, "", 10, 0) for d1 in (10, 20, 30)]
    results = [CellResult(c, hits, {}, 0, 0.0) for c, hits in zip(cells, (9, 4, 6))]
    assert half_widths(results) == {5: 30}


@pytest.mark.parametrize(("n", "d1", "trial"), [(14, 100, 79), (18, 100, 21), (18, 120, 6)])
def test_minima_far_below_the_solvers_accuracy_are_settled(n, d1, trial):
    """A parabola nearly fits: the minimum is 1e-10 of the targets' mean square, and solvers' duals are mostly rounding there."""
    cell = Cell("minima", "polynomial", 1, n, d1, "polynomial", 140, 0)
    rng = np.random.default_rng([0, 1, 1, n, d1, 1])
    for _ in range(trial):
        experiment._data(cell, rng)
        experiment._weights(cell, rng)
    X, y = experiment._data(cell, rng)
    arrangement = make_arrangement(X, True)
    W = experiment._weights(cell, rng)
    found = decide(make_program(arrangement, experiment._alternating(d1), pattern_of(W, arrangement)[0], y, W))
    assert found.verdict == "positive"
    assert 0 < found.lower <= found.upper < 1e-8
    verdict = check(kernel_problem(X, y, True), region_minimum_claim(found, "parabola"))
    assert verdict.accepted, verdict.sentence


def test_callers_mistakes():
    with pytest.raises(UsageError, match="preset 'figure9'"):
        make_preset("figure9")
    with pytest.raises(UsageError, match="at least one trial"):
        make_preset("figure2", trials=0)
    with pytest.raises(UsageError, match="Figures 6 to 8 only"):
        make_preset("figure2", same_data=True)

"""Searches of `cones` that are stopped, saved and taken up: the bracket only narrows, the end is that of one search, and the kernel takes what is proved."""

import itertools

import numpy as np
import pytest

import verifier
from tests.kernel.cone_barriers import CASES, instance
from verifier.cli.main import main
from verifier.errors import MalformedInputError, UsageError
from verifier.kernel import check
from verifier.landscape.above import above_shared
from verifier.landscape.coarse import flood
from verifier.landscape.coarse.pair import pair_barrier
from verifier.landscape.coarse.search import Ended
from verifier.landscape.sealed import write_state
from verifier.networks.checkpoint import save_checkpoint
from verifier.objective.risk import risk_of
from verifier.pipeline.cone_barrier import cone_barrier


def search(A, B, risk, most, state, said=None):
    return pair_barrier(
        A,
        B,
        risk,
        most_programs=most,
        seconds=1e9,
        state=state,
        say=(lambda text: None) if said is None else said.append,
    )


# One and two neurons, with a price and without, equal signs and others, passes at a neuron that is 0 and others.
STOPPED = [{"seed": 2, "signs": (1, -1), "kappa": 0.01}, {"seed": 0, "d": 2, "bias": False}, {"seed": 19, "kappa": 0.0},
           {"seed": 1, "signs": (1, -1), "kappa": 0.01, "flipped": True}, {"seed": 8, "signs": (1, -1), "kappa": 0.0, "flipped": True}]  # fmt: skip


@pytest.mark.parametrize(
    "case", [pytest.param(c, marks=pytest.mark.slow) if c.get("d") == 2 else c for c in STOPPED], ids=str
)
def test_a_search_can_be_stopped_saved_and_taken_up(case, tmp_path):
    assert case in CASES
    problem, _, _, A, B = instance(**case)
    risk, state = risk_of(problem), tmp_path / "search.npz"
    whole = search(A, B, risk, 10**5, None)
    found, said = [], []
    while len(found) < 60:
        found.append(search(A, B, risk, max(20, whole.programs // 5), state, said))
        claim, _ = cone_barrier(problem, found[-1], lambda text: None)
        if claim is not None:
            assert all(check(problem, claim, evaluation=e).accepted for e in ("fast", "reference"))
            assert claim.level <= whole.upper * (1 + 1e-9)
        if found[-1].search.closed or found[-1].search.ended is Ended.NARROWEST:
            break
    assert 2 <= len(found) < 60, "it was stopped, and ended"
    assert found[-1].search.ended is whole.search.ended
    steps = [(a, b) for a, b in itertools.pairwise(found) if a.around == b.around]
    assert all(a.search.lower <= b.search.lower and b.upper <= a.upper * (1 + 1e-6) for a, b in steps)
    close = 0.011 * (whole.upper - whole.E) + 1e-9
    assert found[-1].search.lower == pytest.approx(whole.search.lower, abs=close)
    assert found[-1].upper == pytest.approx(whole.upper, abs=close)
    # What was solved once is not solved again, but for duals and what a stop cut short.
    assert sum(f.programs for f in found) <= 3 * whole.programs + 500
    assert sum("goes on from" in line for line in said) == len(found) - 1
    assert sum("from which the next run with the same --state goes on" in line for line in said) == len(found) - 1


def test_a_search_that_was_over_is_over_at_once(tmp_path):
    """Its file is kept where it was there, and none is made where the search is not stopped."""
    problem, _, _, A, B = instance(**STOPPED[0])
    risk, state = risk_of(problem), tmp_path / "search.npz"
    assert search(A, B, risk, 1500, state).search.closed
    assert not state.exists()
    while not (found := search(A, B, risk, 100, state)).search.closed:
        pass
    again = search(A, B, risk, 100, state)
    assert again.search.closed
    assert again.programs < 50
    assert (again.search.lower, again.upper) == (found.search.lower, found.upper)


def test_states_of_something_else_are_refused_and_left_as_they_are(tmp_path):
    problem, _, _, A, B = instance(**STOPPED[0])
    risk, state = risk_of(problem), tmp_path / "search.npz"
    search(A, B, risk, 40, state)
    saved = state.read_bytes()
    other, _, _, C, D = instance(**STOPPED[2])
    with pytest.raises(MalformedInputError, match="remove it to start anew"):
        search(C, D, risk_of(other), 40, state)
    with np.load(state) as f:
        arrays = dict(f)
    name = next(k for k in arrays if k.endswith(".levels"))
    np.savez(tmp_path / "edited.npz", **{**arrays, name: 0.5 * arrays[name]})
    with pytest.raises(MalformedInputError, match="remove it to start anew"):
        search(A, B, risk, 40, tmp_path / "edited.npz")
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(MalformedInputError, match="remove it to start anew"):
        search(A, B, risk, 40, tmp_path / "mine.txt")
    assert state.read_bytes() == saved
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_an_interrupted_run_on_the_command_line_goes_on(tmp_path, monkeypatch, capsys):
    problem, _, _, A, B = instance(**STOPPED[0])
    for name, n in (("a", A), ("b", B)):
        save_checkpoint(tmp_path / f"{name}.safetensors", n, {})
    np.savez(tmp_path / "d.npz", X=problem.X, y=problem.targets[:, 0])
    argv = ["certify", "--pair", str(tmp_path / "a.safetensors"), str(tmp_path / "b.safetensors"), "--data", str(tmp_path / "d.npz"), "--loss", "squared",
            "--kappa", "0.01", "--penalty", "path", "--method", "cones", "--no-report", "--out", str(tmp_path / "c.safetensors")]  # fmt: skip
    state, announced = (["--state", str(tmp_path / name)] for name in ("search.npz", "search-cones.npz"))
    real, calls = flood.Flood.flood, []

    def interrupted(self, stop):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(self, stop)

    monkeypatch.setattr(flood.Flood, "flood", interrupted)
    code, err = main([*argv, *state]), capsys.readouterr().err
    assert f"is kept in {tmp_path / 'search-cones.npz'}, from which the next run with the same --state goes on" in err
    assert code == 0
    assert main([*argv, *announced]) == 0
    heard = capsys.readouterr()
    assert "goes on from" in heard.err
    assert heard.out.startswith("CERTIFIED 0.")
    assert main(["check", str(tmp_path / "c.safetensors"), "--reference"]) == 0


def test_a_place_that_cannot_be_written_is_said_before_the_search(tmp_path):
    problem, _, _, A, B = instance(**STOPPED[0])
    data = (problem.X, problem.targets[:, 0])
    words = {"loss": "squared", "method": "cones", "out": tmp_path / "c.safetensors"}
    (tmp_path / "none").write_text("a file")
    with pytest.raises(UsageError, match="is not a folder that can be written to"):
        verifier.certify(A, B, data, state=tmp_path / "none" / "search.npz", **words)
    with pytest.raises(UsageError, match="would change nothing"):
        verifier.certify(A, B, data, state=tmp_path / "search.npz", **{**words, "method": "line"})


@pytest.mark.parametrize("edit", ["levels", "tree", "known.u", "leg0.u", "less1.values"])
@pytest.mark.parametrize("how", ["drop", "empty", "nan", "other"])
def test_a_state_that_is_none_under_a_right_seal(edit, how, tmp_path):
    """Whoever forges one is told so, and keeps the file; what it says is no evidence: whatever is claimed after it the kernel has checked."""
    problem, _, _, A, B = instance(**STOPPED[0])
    risk, state = risk_of(problem), tmp_path / "search.npz"
    search(A, B, risk, 40, state)
    with np.load(state) as f:
        arrays = dict(f)
    question = str(arrays.pop("seal")).rsplit(" ", 2)[0]
    name = next(k for k in arrays if k.endswith(f".{edit}"))
    old = arrays[name]
    if how == "drop":
        del arrays[name]
    elif how == "nan" and old.dtype.kind != "f":
        return
    else:
        arrays[name] = old[:0] if how == "empty" else np.full_like(old, np.nan) if how == "nan" else old + 7
    write_state(state, arrays, question)
    forged = state.read_bytes()
    # Without its tree the file holds no state of this search; numbers that are not missing are taken as they are.
    if (how, edit) != ("drop", "tree") and (how != "other" or edit == "tree"):
        with pytest.raises(MalformedInputError, match="choose another name, or remove it to start anew"):
            search(A, B, risk, 40, state)
        assert state.read_bytes() == forged
        return
    claim, _ = cone_barrier(problem, search(A, B, risk, 40, state), lambda text: None)
    assert claim is None or all(check(problem, claim, evaluation=e).accepted for e in ("fast", "reference"))


def test_pairs_whose_features_are_rounded_alike_have_states_of_their_own(tmp_path):
    problem, _, _, A, B = instance(**CASES[-2])
    assert A.depth > 2
    top = above_shared(A, B, risk_of(problem))
    state = tmp_path / "search.npz"
    whole, e = top.exact
    words = {"most_programs": 20, "seconds": 1e9, "state": state}
    pair_barrier(top.A, top.B, top.risk, exact=(whole, e), **words)
    assert state.exists()
    with pytest.raises(MalformedInputError, match="remove it to start anew"):
        pair_barrier(top.A, top.B, top.risk, exact=(2 * whole + 1, e + 1), **words)


def test_a_search_that_ends_early_is_no_better_than_one_that_is_closed():
    """Where a neuron that fades decides the level, the path to the other network is lowered too."""
    for case, exact in ((STOPPED[0], 0.30778729), (STOPPED[2], 0.29983467)):
        problem, _, _, A, B = instance(**case)
        found = search(A, B, risk_of(problem), 10**5, None)
        assert found.search.closed
        assert exact * (1 - 1e-6) <= found.upper <= exact * 1.02

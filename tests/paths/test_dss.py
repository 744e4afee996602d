"""DSS: exact settings, maximum aggregation, determinism, and what a hit means."""

import itertools
from dataclasses import asdict

import numpy as np
import pytest

from verifier.errors import UsageError
from verifier.networks.network import Network, linear_combination
from verifier.objective import Risk, make_objective
from verifier.paths.curves.dss import PRESETS, custom, dss


def pair(seed: int, widths: tuple[int, ...] = (2, 5, 1)) -> tuple[Network, Network]:
    rng = np.random.default_rng(seed)

    def one() -> Network:
        shapes = list(zip(widths[1:], widths[:-1], strict=True))
        return Network(tuple(rng.normal(size=s) for s in shapes), tuple(rng.normal(size=s[0]) for s in shapes))

    return one(), one()


def data(seed: int, outputs: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(30, 2)), rng.normal(size=(30, outputs))


def test_presets_are_those_of_the_papers():
    """docs/constructions.md, section 3, number by number."""
    paper = asdict(PRESETS["paper"])
    assert (paper["depth"], paper["grid"], paper["lr"], paper["epochs"], paper["plateau_factor"]) == (
        8,
        200,
        0.01,
        150,
        0.9,
    )
    assert paper["bead_at_argmax"]
    assert (paper["accept"], paper["train_to"]) == (1.0, 1.0)
    other = asdict(PRESETS["freeman-bruna"])
    assert (other["depth"], other["grid"], other["train_to"], other["accept"]) == (10, 100, 0.95, 1.1)
    assert other["first_bead"]
    assert other["breadth_first"]
    assert not other["bead_at_argmax"]


@pytest.mark.parametrize("preset", [custom("plain", depth=3, epochs=20), custom("freeman-bruna", depth=3, epochs=20)])
@pytest.mark.parametrize(
    ("loss", "penalty", "widths"),
    [("squared", None, (2, 5, 1)), ("huber", "path", (2, 5, 2)), ("absolute", "l1", (2, 4, 3, 1))],
)
def test_the_figure_is_the_maximum_over_the_returned_string(preset, loss, penalty, widths):
    """Evaluated again in numpy, independently of the batched torch evaluation, on the same grid of every segment."""
    A, B = pair(1, widths)
    X, y = data(2, widths[-1])
    o = make_objective(loss, delta=0.5 if loss == "huber" else None, kappa=0.01 if penalty else 0.0, penalty=penalty)
    r = dss(A, B, Risk(o, X, y), preset=preset)
    assert r.path.start is A
    assert r.path.end.same_parameters(B)
    vertices = list(r.path.vertices())
    again = max(
        o.value(linear_combination(v, w, t), X, y)
        for v, w in itertools.pairwise(vertices)
        for t in np.linspace(0, 1, preset.grid)
    )
    assert r.maximum == pytest.approx(again, rel=1e-12)
    assert r.level == pytest.approx(max(o.value(A, X, y), o.value(B, X, y)))
    assert r.maximum >= r.level * (1 - 1e-12)
    assert r.hit == (r.maximum > preset.accept * r.level)


def test_same_seed_same_string():
    A, B = pair(3)
    X, y = data(4)
    o = make_objective("squared")
    first, second = (dss(A, B, Risk(o, X, y), preset=custom("plain", depth=3), seed=7) for _ in range(2))
    assert first.maximum == second.maximum
    assert all(v.same_parameters(w) for v, w in zip(first.path.vertices(), second.path.vertices(), strict=True))


def test_a_pair_on_one_head_segment_needs_no_bead():
    """F is convex between heads on the same rows, so the first look settles it."""
    A, _ = pair(5)
    B = A.replace(-1, A.theta * 0.9)
    X, y = data(6)
    r = dss(A, B, Risk(make_objective("squared"), X, y))
    assert len(r.path.moves) == 1
    assert not r.hit
    assert r.points == 200


def test_an_unreachable_level_is_a_hit_at_the_given_depth():
    """Depth d leaves at most 2^d segments, all of them looked at."""
    A, B = pair(8)
    X, y = data(9)
    r = dss(A, B, Risk(make_objective("squared"), X, y), preset=custom("plain", depth=2, epochs=2), level=1e-12)
    assert r.hit
    assert len(r.path.moves) == 4


def test_a_bead_that_reaches_its_goal_stops_training():
    X, y = data(11)
    o = make_objective("squared")
    strings = (dss(*pair(seed), Risk(o, X, y), preset=custom("plain", depth=4)) for seed in range(10, 40))
    r = next(s for s in strings if len(s.path.moves) > 1)
    beads = [m.to for m in r.path.moves[:-1]]
    assert min(o.value(b, X, y) for b in beads) < r.level


def test_unknown_preset_says_which_exist():
    A, B = pair(0)
    X, y = data(0)
    with pytest.raises(UsageError, match=r"'papper' is unknown; expected one of plain, paper, freeman-bruna"):
        dss(A, B, Risk(make_objective("squared"), X, y), preset="papper")

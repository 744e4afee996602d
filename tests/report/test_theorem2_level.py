"""Theorem 2's level from both sides: read from accepted claims and their arrays alone."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

import verifier
from tests.report.test_region_programs import instance
from verifier.elaboration.claims import endpoint_claims, head_claim, kernel_problem
from verifier.elaboration.every_width import every_width_claim
from verifier.kernel import check
from verifier.objective import Risk, augmented_rows
from verifier.programs import fast_head, solve_head
from verifier.programs.every_width.solve import solve_every_width
from verifier.report.recheck import Recheck
from verifier.report.theorem2_level import FULL_A, FULL_B, SPARSE_A, SPARSE_B, STAR, AtZero, at_zero, theorem2_level


class World:
    """Two networks of width m, and the five programs of the theorem at l = 2 and alpha = 0."""

    def __init__(self, loss="squared", penalty="path", seed=3):
        rng = np.random.default_rng(seed)
        (self.A, self.o, self.X, self.y), (self.B, *_) = (instance(rng, loss, penalty) for _ in range(2))
        self.problem = kernel_problem(self.A, self.B, Risk(self.o, self.X, self.y))
        self.m, self.l = len(self.A.W), 2
        a, b = augmented_rows(self.A), augmented_rows(self.B)
        k = self.m - self.l
        self.solved = {
            s: self.claim(f"segment {s}", rows)
            for s, rows in (
                (FULL_A, a),
                (SPARSE_A, a[:k]),
                (STAR, rng.normal(size=(self.l, a.shape[1]))),
                (SPARSE_B, b[-k:]),
                (FULL_B, b),
            )
        }

    def parts(self, rows):
        d = self.X.shape[1]
        return np.ascontiguousarray(rows[:, :d]), (np.ascontiguousarray(rows[:, d]) if self.A.b is not None else None)

    def features(self, rows):
        W, b = self.parts(rows)
        return np.maximum(self.X @ W.T + (0.0 if b is None else b), 0.0)

    def claim(self, name, rows):
        Z, prices = self.features(rows), self.o.prices_of_rows(rows)
        p = solve_head(Z, self.y, self.o, prices, bias=self.A.c is not None, name=name, outputs=len(self.A.theta))
        return head_claim(self.problem, name, *self.parts(rows), p.head, p.head_bias, p.dual)

    def level(self, solved=None, more=()):
        solved = self.solved if solved is None else solved
        heads = tuple((c, check(self.problem, c)) for c in solved.values())
        ends = {c.network: (c, check(self.problem, c)) for c in endpoint_claims(self.problem)}
        others = tuple((c, check(self.problem, c)) for c in more)
        return theorem2_level(solved, Recheck((*ends.values(), *heads, *others), ends, (), heads), self.problem)


@pytest.fixture(scope="module", params=["squared", "logistic", "absolute"])
def world(request):
    return World(request.param)


def test_the_interval_holds_the_level_that_another_solver_finds(world):
    found = world.level()
    value = {}
    for s, c in world.solved.items():
        rows = c.rows if c.row_bias is None else np.hstack([c.rows, c.row_bias[:, None]])
        Z, prices = world.features(rows), world.o.prices_of_rows(rows)
        value[s] = fast_head(Z, world.y, world.o, prices, world.A.c is not None)[2]
    assert float(found.lower) <= max(value[FULL_A], value[FULL_B]) * (1 + 1e-6)
    assert max(value.values()) <= float(found.upper) * (1 + 1e-6)
    assert Decimal(found.lower) <= Decimal(found.upper)
    assert found.name == f"ε({world.l}, 0)"
    assert len(found.terms) == 5
    for t in found.terms:
        assert Decimal(t.lower) <= Decimal(t.upper)
    assert f"lies between {found.lower} and {found.upper}" in found.every


def test_the_bound_for_every_width_bounds_e_from_below(world):
    program = solve_every_width([world.A, world.B], Risk(world.o, world.X, world.y), seconds=5.0)
    claim = every_width_claim(world.problem, program)
    assert claim.lower > 0.0
    plain, found = world.level(), world.level(more=[claim])
    assert plain.terms[0].lower == "0"
    assert not plain.of_every_width
    assert 0.0 < float(found.terms[0].lower) <= claim.lower
    assert found.of_every_width
    assert Decimal(found.lower) >= Decimal(plain.lower)
    assert found.upper == plain.upper
    # A rejected claim bounds nothing.
    assert world.level(more=[replace(claim, lower=10 * claim.lower + 1e3)]).terms[0].lower == "0"


def test_rows_at_an_angle_are_measured_and_lose_the_head_programs_lower_end(world):
    a, k = augmented_rows(world.A), world.m - world.l
    rows = a[:k].copy()
    # One row turned by 0.1 radians in the plane of itself and a right angle to it.
    u = rows[0] / np.linalg.norm(rows[0])
    v = np.eye(len(u))[0] - u[0] * u
    rows[0] = np.linalg.norm(rows[0]) * (np.cos(0.1) * u + np.sin(0.1) * v / np.linalg.norm(v))
    found = world.level({**world.solved, SPARSE_A: world.claim("turned", rows)})
    assert found.name in (f"ε({world.l}, 0.1)", f"ε({world.l}, 0.101)")  # rounded up
    assert found.terms[2].lower == "0"
    assert found.terms[1].lower != "0"
    assert found.every.endswith("do not depend on them.")


@pytest.mark.parametrize("segment", [FULL_A, SPARSE_A, STAR, SPARSE_B, FULL_B])
def test_programs_on_other_rows_bound_no_level(world, segment):
    away = -augmented_rows(world.A)[: len(world.solved[segment].rows)]
    other = world.claim("other", away)
    found = world.level({**world.solved, segment: other})
    if segment == STAR:  # theta* may have any rows, but no more of them than the others leave
        assert found is not None
        assert found.name == f"ε({world.l}, 0)"
        assert world.level({**world.solved, STAR: world.solved[FULL_A]}) is None
    elif segment in (SPARSE_A, SPARSE_B):  # near other rows at some angle, or near none
        assert found is None or (found.name != f"ε({world.l}, 0)" and found.terms[0].lower == "0")
    else:
        assert found is None
    assert world.level({s: c for s, c in world.solved.items() if s != segment}) is None
    rejected = replace(world.solved[segment], lower=world.solved[segment].upper, upper=2 * world.solved[segment].upper)
    assert not check(world.problem, rejected).accepted
    assert world.level({**world.solved, segment: rejected}) is None


def test_under_l1_an_angle_says_too_little():
    w = World("squared", "l1")
    assert w.level() is not None
    longer = 1.5 * augmented_rows(w.A)[: w.m - w.l]
    assert w.level({**w.solved, SPARSE_A: w.claim("longer", longer)}) is None


def test_the_page_prints_the_interval(plain):
    from verifier.certificate.file import read_certificate
    from verifier.report.page import render
    from verifier.report.recheck import recheck
    from verifier.report.segments import segments

    certificate = read_certificate(plain)
    level = segments(recheck(certificate), certificate.problem, certificate.record).level
    page = render(certificate)
    assert level is not None
    assert 'id="theorem2-level"' in page
    assert f"lies between {level.lower} and {level.upper}: certified" in page


def test_a_level_at_the_angle_0_says_why_where_others_were_tried():
    level = World().level()
    assert level.alpha == 0.0
    assert at_zero(level, [0.0, 0.0], 0.0) == at_zero(level, [], None) == ""
    assert at_zero(replace(level, alpha=0.1), [0.0, 0.2], 0.2) == ""
    lowest, still = at_zero(level, [0.0, 0.2, 0.05, 0.2], 0.0), at_zero(level, [0.0, 0.2], 0.2)
    assert "though 0.05, 0.2 were tried too" in lowest
    assert AtZero.LOWEST.value in lowest
    assert "though 0.2 was tried too" in still
    assert AtZero.NOT_TURNED.value in still


def test_the_values_before_say_why_alpha_is_0(tmp_path):
    """Angles that are asked for and lose are named, with the reason."""
    world = World()
    result = verifier.certify(
        world.A, world.B, (world.X, world.y[:, 0]), loss="squared", kappa=world.o.kappa, penalty="path",
        method="theorem2", l=2, alpha=[0.0, 1e-9], out=tmp_path / "c.safetensors",
    )  # fmt: skip
    record = verifier.read_certificate(result.certificate).record
    assert record["paths"]["theorem2"]["notes"]["alpha"] == 0.0
    notes = [b["note"] for b in record["apriori"] if b["name"].startswith("theorem 2, ")]
    assert len(notes) == 3
    assert all("alpha = 1e-09 tried too, and the path at alpha = 0 has the lowest estimate" in n for n in notes)


def test_the_page_says_why_alpha_is_0(plain, monkeypatch):
    """The fixture's level with the angle 0 in the place of its own: its grid has others."""
    from verifier.certificate.file import read_certificate
    from verifier.report.page import render

    certificate = read_certificate(plain)
    assert "The angle is 0 here" not in render(certificate)
    monkeypatch.setattr("verifier.report.segments.theorem2_level", lambda *a: replace(theorem2_level(*a), alpha=0.0))
    assert "The angle is 0 here, though 0.05, 0.2 were tried too" in render(certificate)

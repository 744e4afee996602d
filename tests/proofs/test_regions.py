"""The best rows of regions in the checker with a proof: beside the kernel's own bounds, for all losses and penalties, and whatever is changed."""

import os
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from tests.corpus.region_optimum import by_hand
from tests.kernel.region_optimum_components import SETTINGS, claims, instance
from verifier import proved
from verifier.certificate import read_certificate
from verifier.kernel import Problem, check
from verifier.kernel.fast.region_optimum import check_region_optimum
from verifier.kernel.statements import RegionOptimum, Rejected, validate_region_optimum
from verifier.proved import ProvedOutcome, check_proved

from .test_proofs import CORPUS, ROOT

pytestmark = pytest.mark.skipif(
    not os.access(proved.BUILT, os.X_OK) and "CI" not in os.environ,
    reason="the checker with a proof is not built: run `make proofs` (needs Coq)",
)
PROVED, REFUSED = ProvedOutcome.PROVED, ProvedOutcome.REFUSED


def outcomes(p: Problem, *asked: RegionOptimum) -> list[ProvedOutcome]:
    c = read_certificate(CORPUS / "correct" / "exact-squares.safetensors")
    return [v.outcome for v in check_proved(replace(c, problem=p, claims=asked))]


def whatever(p: Problem, x: RegionOptimum) -> dict[str, float] | None:
    """What the fast evaluation finds, whatever interval is claimed; None where it rejects."""
    x = replace(x, lower=0.0, upper=1e300)
    try:
        validate_region_optimum(p, x)
        return check_region_optimum(p, x)
    except Rejected:
        return None


def test_the_settings_are_all_losses_and_penalties_in_both_ways():
    """With and without each bias, sample weights, prices of the output bias, kept and free ones, of A and of a stored network, several outputs."""
    assert len({s.loss for s in SETTINGS}) == 6
    assert {s.penalty for s in SETTINGS} == {"none", "l1", "path", "weight_decay"}
    for field in ("weighted", "penalise", "free", "waypoint"):
        assert {getattr(s, field) for s in SETTINGS} == {False, True}
    assert {s.biases for s in SETTINGS} == {(a, b) for a in (False, True) for b in (False, True)}


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: f"{s.loss}-{s.penalty}-{s.K}")
def test_what_the_kernel_finds_is_proved_and_not_a_millionth_more(setting):
    """A wider interval is proved too; one that misses by more than a millionth is refused, and so is one that lies beside the truth."""
    for seed in range(3):
        p, _, claim = instance(setting, seed)
        found = whatever(p, claim)
        assert found is not None
        here = replace(claim, lower=found["lower"], upper=found["upper"])
        assert outcomes(p, claim, here, replace(here, lower=here.lower / 2, upper=2 * here.upper)) == [PROVED] * 3
        step = 1e-6 * (1 + here.upper)
        false = [
            replace(here, lower=here.upper + step, upper=here.upper + 2 * step),
            replace(here, lower=here.lower + step, upper=here.upper + 2 * step),
            replace(here, lower=0.0, upper=here.upper - step),
        ]
        assert outcomes(p, *false) == [REFUSED] * 3


def test_to_the_last_digit():
    """The case by hand is 15/64 exactly, and proved as such; the next number at either end is refused."""
    (claim,) = (case := by_hand(lower=15 / 64, upper=15 / 64)).claims
    above, below = (float(np.nextafter(15 / 64, end)) for end in (1.0, 0.0))
    false = replace(claim, lower=above, upper=above), replace(claim, lower=below, upper=below)
    assert outcomes(case.problem, claim, *false) == [PROVED, REFUSED, REFUSED]


def changed(rng: np.random.Generator, x: RegionOptimum) -> RegionOptimum:
    """The claim with one of its parts changed by numbers, small or large."""
    size = 10.0 ** float(rng.integers(-12, 1))
    field = str(
        rng.choice(["point", "point_bias", "nu", "multipliers", "row_limits", "bias_limit", "head", "rows", "tight"])
    )
    value = getattr(x, field)
    if value is None or field == "tight":
        drop = rng.random(len(x.tight)) < 0.8
        return replace(x, tight=x.tight[drop], multipliers=x.multipliers[drop])
    if field == "bias_limit":
        return replace(x, bias_limit=value * float(rng.choice([0.5, 1 - size, 1 + size, 2.0])))
    noise = rng.normal(size=value.shape) * (rng.random(value.shape) < 0.5)
    moved = value * (1 + size * noise) if rng.random() < 0.5 else value + size * noise
    return replace(x, **{field: np.abs(moved) if field in ("multipliers", "row_limits") else moved})


@pytest.mark.parametrize("seed", [0, *(pytest.param(k, marks=pytest.mark.slow) for k in (1, 2))])
def test_whatever_is_changed_it_proves_what_the_kernel_finds_and_nothing_more(seed):
    """Points, duals, multipliers, limits, heads, rows. At the fast evaluation's own numbers: proved. Beyond them: only where the reference accepts."""
    rng, tally = np.random.default_rng(seed), Counter()
    for problem, claim in claims() * 6:
        x = changed(rng, claim)
        found = whatever(problem, x)
        if found is None:
            found = {"lower": claim.lower, "upper": claim.upper}
        else:
            x = replace(x, lower=found["lower"], upper=found["upper"])
        gap = 10.0 ** float(rng.integers(-17, -5)) * (1 + found["upper"])
        asked = [
            x,
            replace(x, lower=x.lower + gap, upper=x.upper + 2 * gap),
            replace(x, lower=min(x.lower, x.upper - gap) if x.upper > gap else 0.0, upper=max(x.upper - gap, 0.0)),
        ]
        for y, outcome in zip(asked, outcomes(problem, *asked), strict=True):
            fast, reference = (check(problem, y, evaluation=e).accepted for e in ("fast", "reference"))
            assert reference or outcome is not PROVED, y
            assert outcome is PROVED or not fast, y
            tally[outcome] += 1
    assert min(tally[PROVED], tally[REFUSED]) > 100, tally


@pytest.mark.parametrize("name", ["moons-20-path", "moons-20-loss"])
def test_regions_of_the_gallery_are_proved(name):
    """800 samples, 20 neurons: intervals that are a few billionths wide; a millionth beside them is refused."""
    c = read_certificate(ROOT / "certificates" / f"gallery-{name}.safetensors")
    regions = [x for x in c.claims if isinstance(x, RegionOptimum)][:4]
    false = [replace(x, lower=x.upper * (1 + 1e-6), upper=2 * x.upper) for x in regions[:2]]
    false += [replace(x, lower=0.0, upper=x.lower * (1 - 1e-6)) for x in regions[:2]]
    assert len(regions) == 4
    assert outcomes(c.problem, *regions, *false) == [PROVED] * 4 + [REFUSED] * 4

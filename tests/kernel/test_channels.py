"""Networks of channels in the kernel: random geometries in both evaluations, seeded bugs, and what is refused."""

import math
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.corpus import channels
from verifier.kernel import Parameters, Problem, check
from verifier.kernel.fast.forward import objective_at
from verifier.kernel.reference.objective import endpoint_value
from verifier.kernel.statements import Geometry, Pooling, Reading, Rejected, Window
from verifier.kernel.statements.geometry import require_entries, require_geometry
from verifier.kernel.statements.problem import validate

from .components import run_check
from .loader import kernel
from .maps_components import MAPS_CHECKS
from .seeded import unnoticed

BUGS = [
    ("maps", "at = s * np.arange(count)[:, None] - p + d * np.arange(k)", "at = s * np.arange(count)[:, None] + d * np.arange(k)"),
    ("maps", "at = s * np.arange(count)[:, None] - p + d * np.arange(k)", "at = s * np.arange(count)[:, None] - p + np.arange(k)"),
    ("maps", "return np.where((at >= 0) & (at < size), at, -1)", "return np.clip(at, 0, size - 1)"),
    ("maps", "low, high = i * size // count, -(-(i + 1) * size // count)", "low, high = i * size // count, (i + 1) * size // count + 1"),
    ("maps", "return np.where(at < high[:, None], at, -1)", "return np.minimum(at, size - 1)"),
    ("maps", "(row >= 0) & (column >= 0), row * size[1] + column", "(row >= 0) & (column >= 0), row * size[0] + column"),
    ("maps", "(table >= 0).sum(axis=1) if divisors is None else divisors", "(table >= 0).sum(axis=1)"),
    ("maps", "part[:, place < 0] = missing", "pass"),
    ("maps", "maps = X.reshape(len(X), channels, self.positions).transpose(0, 2, 1)", "maps = X.reshape(len(X), channels, self.positions)"),
    ("maps", "out = np.stack(list(self.parts(x, 0.0)), axis=3)", "out = np.stack(list(self.parts(x, 0.0)), axis=2)"),
    ("maps", 'poolings.append(("max" if pooling.kind == "max" else "mean", windows))', 'poolings.append(("mean", windows))'),
    ("maps", "better = (part > top) | ((part == top) & (below > rest))", "better = part > np.inf"),
    ("maps", "high, error = two_sum(high, part)", "high, error = high + part, 0.0 * part"),
    ("maps", "low = (((high * scale - product) - error) / scale + rest) / by", "low = rest / by"),
    ("maps", "below, above = w.largest(d.below, 0.0), w.largest(d.above, 0.0)", "below, above = 0.0 * w.largest(d.below, 0.0), w.largest(d.above, 0.0)"),
    ("maps", "below, above = w.largest(d.below, 0.0), w.largest(d.above, 0.0)", "below, above = w.largest(d.below, 0.0), 0.0 * w.largest(d.above, 0.0)"),
    ("maps", "finite((below + _max_kink(w, x, y)) * INFLATE + TINY)", "finite(below * INFLATE + TINY)"),
    ("maps", "small / (1.0 + small / large)", "0.25 * small / (1.0 + small / large)"),
    ("maps", "w.summed(side) / by * _growth(w) + w.terms * TINY", "0.0 * w.summed(side)"),
    ("maps", "return Deviation(w.patches(d.below), w.patches(d.above)), x, y", "return Deviation(w.patches(d.above), w.patches(d.below)), x, y"),
    ("liveness", ".reshape(-1, columns_per_neuron(v, l)).any(axis=1))", ".reshape(-1, columns_per_neuron(v, l)).all(axis=1))"),
    ("liveness", "columns_of(kept[l - 1], columns_per_neuron(p, l + 1))", "columns_of(kept[l - 1], 1)"),
    ("chord", "b.columns(moving), columns_of(moving, r)", "b.columns(moving), columns_of(moving, r)[::-1]"),
    ("reference_maps", "start = -padding", "start = 0"),
    ("reference_maps", "p * width + q for p in row for q in column", "q * width + p for p in row for q in column"),
    ("reference_maps", "return x + w + (y * z / (y + z) if bool(y + z > 0) else z)", "return ZERO"),
    ("reference_maps", "lows.append(_largest([low[i] for i in inside]) + kink)", "lows.append(kink)"),
    ("reference_maps", "highs.append(_largest([high[i] for i in inside]))", "highs.append(ZERO)"),
    ("reference_maps", "return [[x[c * positions + p] for c in range(channels)] for x in X for p in range(positions)]",
     "return [[x[p * channels + c] for c in range(channels)] for x in X for p in range(positions)]"),
]  # fmt: skip


@pytest.mark.parametrize("component", MAPS_CHECKS, ids=lambda c: c.__name__)
@pytest.mark.parametrize("seed", range(12))
def test_component(component, seed):
    run_check(component, kernel(), seed)


@pytest.mark.parametrize("bug", BUGS, ids=lambda b: f"{b[0]}:{b[2][:50]}")
def test_a_seeded_bug_is_noticed(bug):
    assert not unnoticed(*bug, MAPS_CHECKS, seeds=12)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**31))
def test_both_evaluations_on_any_geometry(seed):
    K, rng = kernel(), np.random.default_rng(seed)
    for component in MAPS_CHECKS:
        component(K, rng)


def test_one_position_is_a_dense_network():
    """A geometry of one position with padded windows of 3 x 3 reads the middle column alone: F is that of the dense network of these columns."""
    rng = np.random.default_rng(0)
    one = channels.reading(3, padding=1)
    g = Geometry((4, 1, 1), (one, one, one))
    W = [rng.normal(size=(b, a * 9)) for a, b in ((4, 5), (5, 3), (3, 2))]
    b = [rng.normal(size=len(w)) for w in W]
    p = Parameters(tuple(W), tuple(b))
    middle = Parameters(tuple(np.ascontiguousarray(w[:, 4::9]) for w in W), tuple(b))
    base = channels.problem(1)
    X = rng.normal(size=(3, 4))
    maps, dense = replace(base, X=X, A=p, B=p, geometry=g), replace(base, X=X, A=middle, B=middle, geometry=None)
    validate(maps)
    for finer in (False, True):
        F, G = objective_at(maps, p, finer=finer), objective_at(dense, middle, finer=finer)
        assert F.lower <= G.upper
        assert G.lower <= F.upper
        assert F.upper - F.lower < 1e-12
    assert endpoint_value(maps, p).overlaps(endpoint_value(dense, middle))


def test_many_samples_in_blocks(monkeypatch):
    """The same enclosure, up to what blocks add, however many samples go through together."""
    from verifier.kernel.fast import blocks, normwise

    p = channels.problem(5, channels.POOLED, N=9)
    whole = objective_at(p, p.A)
    monkeypatch.setattr(blocks, "ENTRIES", 60)
    monkeypatch.setattr(normwise, "PATCHES", 1)
    parts = objective_at(p, p.A)
    assert parts.lower <= whole.upper
    assert whole.lower <= parts.upper
    assert parts.upper - parts.lower < 1e-11


def large(shape: tuple[int, int, int], *readings) -> Problem:
    """A problem of tiny arrays but for what its geometry asks for."""
    weights, below = [], shape[0]
    for r in readings:
        weights.append(np.ones((1, below * math.prod(r.window.kernel))))
        below = 1
    p = Parameters(tuple(weights), (None,) * len(weights))
    y = np.zeros((1, 1))
    base = channels.problem(1, loss="squared")
    return replace(base, X=np.ones((1, math.prod(shape))), targets=y, A=p, B=p, geometry=Geometry(shape, readings))


@pytest.mark.parametrize(
    "problem",
    [
        lambda: large((1, 2, 2), channels.reading(2, channels.adaptive(2**8, 2**9)), channels.reading((2**8 - 1, 2**9 - 1))),
        lambda: large((1, 1, 1), *[channels.reading(2, padding=500, dilation=500)] * 2, channels.reading(1)),
        lambda: large((1, 1, 1), channels.reading(1, channels.adaptive(1, 2**17)), channels.reading((1, 2**17))),
        lambda: large((1, 1, 1), channels.reading(1, *[channels.adaptive(2**8, 2**8)] * 9), channels.reading(2**8)),
        lambda: large((1, 2**8, 2**8), channels.reading(40, padding=39), channels.reading(1)),
    ],
)  # fmt: skip
def test_a_small_file_asks_for_no_large_arrays(problem):
    """Refused by the statement alone, in no time."""
    p, start = problem(), time.process_time()
    with pytest.raises(Rejected, match=r"positions|entries|too many"):
        validate(p)
    assert time.process_time() - start < 1.0


def test_claims_of_one_hidden_layer_are_refused_alike():
    case = channels.head_of_channels()
    for evaluation in ("fast", "reference"):
        verdict = check(case.problem, case.claims[0], evaluation=evaluation)
        assert not verdict.accepted
        assert "not defined for convolutional networks" in verdict.why


def test_a_small_file_asks_for_little():
    """Poolings that enlarge maps, and many large windows on small ones: refused before anything is made of them (an attacker's files)."""
    wide = Pooling("adaptive_average", size=(256, 256))
    far = Window((1, 1), (256, 256), (0, 0), (1, 1))
    one = Window((1, 1), (1, 1), (0, 0), (1, 1))
    enlarged = Geometry((1, 1, 1), (Reading((), one), Reading((wide,), far)))
    require_geometry(enlarged, 2)
    with pytest.raises(Rejected, match="a pooling before layer 2 gives too many numbers"):
        require_entries(enlarged, (np.ones((1000, 1)), np.ones((1, 1000))))
    padded = Pooling("max", Window((2895, 2895), (1, 1), (1447, 1447), (1, 1)))
    with pytest.raises(Rejected, match="windows with too many positions together"):
        require_geometry(Geometry((1, 1, 1), (Reading((padded, padded), one), Reading((), one))), 2)

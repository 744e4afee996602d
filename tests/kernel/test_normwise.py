"""Enclosures that survive depth: component checks, seeded bugs, any network against exact rationals, and how wide they may be."""

from itertools import pairwise

import numpy as np
import pytest
from flint import ctx
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier.kernel.fast.forward import objective_at
from verifier.kernel.fast.normwise import exact_layers, last_image
from verifier.kernel.reference.objective import endpoint_value
from verifier.kernel.statements import Objective, Parameters, Problem, Rejected

from .components import contains, run_check
from .deep_problems import plain, random_problem, trained_digits
from .loader import kernel
from .normwise_components import NORMWISE_CHECKS, forward
from .seeded import unnoticed

BUGS = [
    ("normwise", "spectral_norm_above(finite(M @ M.T), squarings - 1) + gamma * size * size", "spectral_norm_above(finite(M @ M.T), squarings - 1)"),
    ("normwise", "size = float(np.sqrt(square * INFLATE)) * INFLATE + NORM_TINY", "size = square"),
    ("normwise", "np.ldexp(size + NORM_TINY, exponent)", "np.ldexp(size + NORM_TINY, 0)"),
    ("normwise", "    size = norm_above(M)\n", "    size = float(np.abs(M).max())\n"),
    ("normwise", "self.local = (gamma * self.sizes + self.radii) * INFLATE", "self.local = (gamma * self.sizes) * INFLATE"),
    ("normwise", "self.local = (gamma * self.sizes + self.radii) * INFLATE", "self.local = self.radii * INFLATE"),
    ("normwise", "        gamma = (rows.mid.shape[1] + 2) * U * INFLATE\n", "        gamma = 2 * U\n"),
    ("normwise", "self.sizes = norms_above(rows.mid)", "self.sizes = norms_above(W.mid)"),
    ("normwise", "not self.W.rad.any()", "True"),
    ("normwise", "reach = norms_above(np.column_stack([reach, np.ones_like(reach)]))  # the bias reads a 1", "pass"),
    ("normwise", "            mid += layer.b.mid\n", "            pass\n"),
    ("normwise", 'require(bool(reach.max() * layer.size <= LARGEST), "overflow in the fast evaluation")', "pass"),
    ("normwise", "far += layer.stretch * h.rad", "far += 0.5 * layer.stretch * h.rad"),
    ("normwise", "terms.append((h.rad, (layer.sizes + layer.radii) * INFLATE))", "pass"),
    ("normwise", "far = sum((per_sample * norm_above(per_neuron)", "far = sum((per_sample * float(per_neuron.max())"),
    ("normwise", "low[mid <= 0.0] = 0.0", "pass"),
    ("normwise", "np.maximum(mid, slope * mid, out=mid)", "np.maximum(mid, 0.0, out=mid)"),
    ("normwise", "rounding = U * norms_above(mid)", "rounding = 0.0 * norms_above(mid)"),
    ("normwise", "np.where(negative, rest + slope * low, low)", "np.where(negative, slope * low, low)"),
    ("normwise", "np.where(negative, rest + slope * low, low)", "np.where(negative, rest, low)"),
    ("normwise", "            r = r + np.abs(self.low)\n", "            pass\n"),
    ("normwise", "for k in range(0, len(X), together)", "for k in range(0, len(X) - together, together)"),
    ("normwise", "h = relu(affine(reader.cloud(h), layer), slope)", "h = relu(affine(reader.cloud(h), layer), 0.0)"),
    ("normwise", "found, e, both = [u], norms_above(u.rad), True", "found, e, both = [u], 0.0 * norms_above(u.rad), True"),
    ("normwise", "Image(u.mid.copy(), None, e, []), slope)", "Image(u.mid.copy(), None, e, []), 0.0)"),
    ("normwise", "Image(u.mid.copy(), None, e, []), slope)", "Image(u.mid, None, e, []), slope)"),
    ("normwise", "entrywise_radii(reader.ball(relu_ball(u, slope)), layer, z.mid)", "entrywise_radii(exact(relu_ball(u, slope).mid), layer, z.mid)"),
    ("normwise", "gamma * size + h.rad + TINY", "h.rad + TINY"),
    ("normwise", "gamma * size + h.rad + TINY", "gamma * size + h.rad"),
    ("normwise", "(np.abs(layer.W.mid) + layer.W.rad) * INFLATE", "np.abs(layer.W.mid)"),
    ("normwise", "r = r + upper_product(size, layer.W.rad.T)", "pass"),
    ("normwise", "r = r + (U * np.abs(mid) + layer.b.rad)", "r = r + layer.b.rad"),
    ("normwise", "r = r + (U * np.abs(mid) + layer.b.rad)", "r = r + U * np.abs(mid)"),
    ("normwise", "e = np.minimum(e, norms_above(x.rad))", "e = 0.5 * np.minimum(e, norms_above(x.rad))"),
    ("splitting", "return s, (a - (s - t)) + (b - t)", "return s, b - t"),
    ("splitting", "    c = x * (2.0**27 + 1.0)\n", "    c = x * (2.0**20 + 1.0)\n"),
    ("splitting", "((a1 * x1 - p) + a1 * x2 + a2 * x1) + a2 * x2", "(a1 * x1 - p) + a1 * x2 + a2 * x1"),
    ("splitting", "require(bool((np.abs(x) <= 2.0**990).all()),", "require(True,"),
    ("splitting", "room = 53 - (n - 1).bit_length()", "room = 53"),
    ("splitting", "self.bits, self.W = room - room // 3, W", "self.bits, self.W = room, W"),
    ("splitting", "self.third = W - self.first - self.second", "self.third = 0.0 * W"),
    ("splitting", "gamma * norms_above(self.third), gamma * norms_above(W)", "gamma * norms_above(self.third), 0.0 * norms_above(W)"),
    ("splitting", "rest = (high - lead) + low", "rest = high - lead"),
    ("splitting", "rest @ B.W.T) + (e + f))", "rest @ B.W.T) + e)"),
    ("splitting", "rest @ B.W.T) + (e + f))", "rest @ B.W.T) + f)"),
    ("splitting", "np.broadcast_to(B.b, s.shape)", "np.broadcast_to(0.0 * B.b, s.shape)"),
    ("balls", "return np.sqrt(squares) * (1.0 + (n + 4) * U) * INFLATE + NORM_TINY", "return np.sqrt(squares) * (1.0 - (n + 4) * U)"),
    ("balls", "np.ldexp(norms_above(np.ldexp(x, -e)), e)", "norms_above(np.ldexp(x, -e))"),
    ("forward", "p = live_part(p, p)[0]", "p = live_part(p, Parameters(tuple(0.0 * W for W in p.weights), p.biases))[1]"),
    ("forward", "F.upper - F.lower > TOO_WIDE * F.upper", "False"),
    ("forward", "return objective_at(problem, p, form=form, finer=True)\n    return F", "return Interval(F.upper, F.upper)\n    return F"),
    ("forward", "if not problem.shallow and not (", "if False and not ("),
    ("paths", "if not problem.shallow and not all(", "if False and not all("),
    ("paths", "0.0 < over <= 8.0 * widths", "False"),
    ("paths", "(objective_at(problem, p, finer=finer) for p in", "(objective_at(problem, p) for p in"),
    ("paths", "u=self.u, form=self.form, finer=self.finer)", "u=self.u, form=self.form)"),
    ("chord", "return [max(spectral_norm_above(V), spectral_norm_above(W)) for V, W in ends]", "return [0.5 * spectral_norm_above(V) for V, W in ends]"),
    ("chord", "rows = np.vstack([v.weights[first - 1], w.weights[first - 1]])", "rows = np.vstack([v.weights[first - 1], v.weights[first - 1]])"),
    ("chord", "np.concatenate([b, c])", "np.concatenate([b, b])"),
]  # fmt: skip


@pytest.mark.parametrize("check", NORMWISE_CHECKS, ids=lambda c: c.__name__.removeprefix("check_"))
@pytest.mark.parametrize("seed", range(3))
def test_component(check, seed):
    """The enclosed quantity contains its exact value."""
    run_check(check, kernel(), seed)


@pytest.mark.slow
@pytest.mark.parametrize("check", NORMWISE_CHECKS, ids=lambda c: c.__name__.removeprefix("check_"))
def test_component_many_seeds(check):
    """The same over fifty seeds."""
    K = kernel()
    for seed in range(100, 150):
        run_check(check, K, seed)


@pytest.mark.slow
@pytest.mark.parametrize(("module", "old", "new"), BUGS, ids=[f"{i:02d}-{b[0]}" for i, b in enumerate(BUGS)])
def test_seeded_bug_is_killed(module, old, new):
    """A kernel with this bug fails a component check."""
    assert not unnoticed(module, old, new, NORMWISE_CHECKS), f"{module}: {old!r} -> {new!r} goes unnoticed"


def test_the_copy_itself_survives():
    assert unnoticed("balls", "U = 2.0**-53", "U = 2.0**-53", NORMWISE_CHECKS, seeds=1)


NUMBERS = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.1, 5e-324, -(2.0**-1022), 2.0**-600, 2.0**60, 1.0 + 2.0**-52, 1e-300]),
    st.floats(-4.0, 4.0),
    st.floats(-1e30, 1e30),
)


@st.composite
def networks(draw):
    """(inputs, network, slope): any depth from 2 to 4 hidden layers, biases or none."""
    widths = draw(st.lists(st.integers(1, 4), min_size=4, max_size=6))
    array = lambda *shape: np.array(draw(st.lists(NUMBERS, min_size=int(np.prod(shape)), max_size=int(np.prod(shape))))).reshape(shape)  # fmt: skip
    weights = tuple(array(b, a) for a, b in pairwise(widths))
    biases = tuple(array(b) if draw(st.booleans()) else None for b in widths[1:])
    return array(2, widths[0]), Parameters(weights, biases), draw(st.sampled_from([0.0, 0.01, 0.75]))


@settings(max_examples=150, deadline=None)
@given(networks())
def test_any_network(case):
    """Predictions of any network, both ways, contain the exact ones or are refused."""
    X, v, slope = case
    p = Problem(Objective("squared", None, 0.0, "none", False), X, np.zeros((2, 1)), v, v, slope)
    true = forward(p, v)[-1]
    with np.errstate(over="raise", invalid="raise", divide="raise", under="ignore"):
        for finer in (False, True):
            try:
                found = last_image(X, exact_layers(v), slope, finer)
            except (Rejected, FloatingPointError):
                continue
            contains(found, true)


def inside_reference(p: Problem, F) -> None:
    """The reference evaluation's ball lies in the interval."""
    with ctx.workprec(256):
        ball = endpoint_value(p, p.A)
        assert (ball >= F.lower) is True
        assert (ball <= F.upper) is True


def test_a_random_network_of_ten_layers():
    """784-245x10-10: at most 2.5e-6 wide without a split product, 1.5e-2 with entrywise radii; 1e-12 with."""
    p = random_problem(60, [784, *[245] * 10, 10])
    rough, fine = objective_at(p, p.A), objective_at(p, p.A, finer=True)
    assert 1e-9 < rough.upper - rough.lower <= 2.5e-6
    assert fine.upper - fine.lower <= 1e-12
    assert rough.lower <= fine.lower <= plain(p, p.A) + 1e-9
    inside_reference(
        random_problem(2, [784, *[245] * 10, 10]),
        objective_at(*(lambda q: (q, q.A))(random_problem(2, [784, *[245] * 10, 10]))),
    )


@pytest.mark.slow
@pytest.mark.parametrize(("depth", "most"), [(10, 2e-7), (15, 1e-9), (20, 1e-9)])
def test_trained_networks(depth, most):
    """Digits, width 128: relative widths, of which entrywise radii left 7e-5, 0.5 and nothing."""
    p = trained_digits(depth)
    F = objective_at(p, p.A)
    assert F.upper - F.lower <= most * F.lower
    assert abs(plain(p, p.A) - F.lower) <= 1e-6 * F.lower

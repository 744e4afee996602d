"""log(1 + sum exp) in + - * / alone: every value against Arb at 300 bits, over all exponents, at ties of the reduction and at the ends of the range."""

import math

import numpy as np
import pytest
from flint import arb, ctx
from hypothesis import given, settings
from hypothesis import strategies as st

from .components import run_check
from .loader import kernel
from .seeded import unnoticed

U = 2.0**-53


def exactly(row: list[float]) -> arb:
    """log(1 + sum exp) of a row; without cancellation where it is small."""
    top = max(0.0, *row)
    if top == 0.0:
        return sum((arb(e).exp() for e in row), arb(0)).log1p()
    return arb(top) + (sum(((arb(e) - arb(top)).exp() for e in row), arb(0)) + (-arb(top)).exp()).log()


def edges() -> np.ndarray:
    """Numbers at or below 0 where exp is reduced, rounds to a denormal number, or is cut off."""
    ties = [(k + 0.5) * math.log(2.0) for k in (0, 1, 2, 3, 10, 100, 511, 1021, 1022, 1023, 1073, 1074)]
    ends = [
        5e-324,
        2.0**-1022,
        1e-300,
        2.0**-53,
        2.0**-27,
        1e-3,
        0.5,
        708.3,
        708.4,
        744.4,
        745.1,
        745.2,
        746.0,
        747.0,
        1e4,
        1e300,
    ]
    around = [w for v in [*ties, *ends] for w in (np.nextafter(v, 0.0), v, np.nextafter(v, np.inf))]
    return -np.array([0.0, *around])


def check_exp(K, rng):
    """Five units, or a denormal number."""
    for x in (
        edges(),
        -(2.0 ** rng.uniform(-60, 10, size=400)),
        -rng.uniform(0, 750, size=400),
        -rng.uniform(0, 0.4, size=300),
    ):
        for v, e in zip(K.exponentials.exp(x).tolist(), x.tolist(), strict=True):
            true = arb(e).exp()
            assert abs(arb(v) - true) <= true * (5 * U) + arb(2.0**-1074)
    assert K.exponentials.exp(np.zeros(3)).tolist() == [1.0] * 3


def check_log1p(K, rng):
    """Fourteen units, at the joints of the binary exponents too."""
    joints = [2.0**k * f - 1.0 for k in range(12) for f in (1.0, math.sqrt(0.5), math.sqrt(2.0))]
    joints = [w for v in joints if v > 0 for w in (np.nextafter(v, 0.0), v, np.nextafter(v, 9e9))]
    for s in (
        np.array([0.0, 5e-324, 3 * 5e-324, 2.0**-1022, 1e-300, *joints]),
        2.0 ** rng.uniform(-80, 20, size=600),
        rng.uniform(0.3, 0.5, size=200),
    ):
        for v, e in zip(K.exponentials.log1p(s).tolist(), s.tolist(), strict=True):
            true = arb(e).log1p()
            assert abs(arb(v) - true) <= true * (14 * U) + arb(2.0**-1073)


def check_sums(K, rng):
    """Rows of every size and sign; the ball holds the number and is narrow."""
    rows = [np.array([[x]]) for x in [*edges().tolist(), *(-edges()).tolist()]]
    for n in (1, 2, 9, 99):
        for size in (1e-3, 1.0, 30.0, 800.0, 1e5):
            rows += [rng.normal(size=(4, n)) * size + shift * size for shift in (-1.0, 0.0, 1.0)]
    rows += [
        np.array([[0.0, 0.0]]),
        np.array([[-0.0, -800.0]]),
        np.array([[1e308, -1e308]]),
        np.array([[-1e308, -1e308]]),
    ]
    rows += [np.full((1, 999), v) for v in (-40.0, -1e-9, 0.0, 1e-9, 40.0)]
    for E in rows:
        found = K.exponentials.log1p_sum_exp(E)
        for row, mid, rad in zip(E.tolist(), found.mid.tolist(), found.rad.tolist(), strict=True):
            true = exactly(row)
            assert abs(arb(mid) - true) <= arb(rad)
            assert rad <= (40 + 3 * len(row)) * U * mid + 3 * len(row) * 2.0**-1073
        one = K.exponentials.log1p_sum_exp(np.repeat(E[:1], 3, axis=0))
        assert len(set(one.mid.tolist())) == 1


def check_losses_far_out(K, rng):
    """Bounds of the loss at margins of any size, on both sides of Arb's value; lower ends at least 0."""
    o = K.statements.Objective("logistic", None, 0.0, "none", False)
    margins = np.concatenate([edges(), -edges(), rng.normal(size=50) * 30.0])[:, None]
    margins = margins[np.abs(margins[:, 0]) < 1e300]
    for y in (1.0, -1.0):
        t = np.full((len(margins), 1), y)
        high, low = K.losses.upper(o, y * margins, y * margins, t), K.losses.lower(o, y * margins, y * margins, t)
        for m, a, b in zip(margins[:, 0].tolist(), low.tolist(), high.tolist(), strict=True):
            true = exactly([-m])
            assert a == 0.0 or arb(a) <= true
            assert true <= arb(b)
            assert a >= 0.0


EXPONENTIAL_CHECKS = [check_exp, check_log1p, check_sums, check_losses_far_out]
BUGS = [
    ("exponentials", "(x - k * LN2_HIGH) - k * LN2_LOW", "x - k * LN2"),
    ("exponentials", "(x - k * LN2_HIGH) - k * LN2_LOW", "(x - k * LN2_HIGH) + k * LN2_LOW"),
    ("exponentials", "for k in range(14)]", "for k in range(12)]"),
    ("exponentials", "for k in range(11)]", "for k in range(8)]"),
    ("exponentials", "LEAST = -746.0", "LEAST = -700.0"),
    ("exponentials", "    x = np.maximum(x, LEAST)\n", "    x = np.minimum(x, LEAST)\n"),
    ("exponentials", "for c in coefficients[-2::-1]:", "for c in coefficients[-2:0:-1]:"),
    ("exponentials", "np.where(small, 2.0 * m, m), e - small", "np.where(small, 2.0 * m, m), e"),
    ("exponentials", "f = np.where(e == 0, s, m - 1.0)", "f = m - 1.0"),
    ("exponentials", "+ e * LN2", "+ e * LN2_HIGH"),
    ("exponentials", "np.where(top > 0.0, top + log1p(", "np.where(top > 0.0, log1p("),
    ("exponentials", "s + exp(-top) - 1.0", "s - 1.0"),
    ("exponentials", "+ 2.0 * (n + 1) * DENORMAL", "+ 0.0"),
    ("exponentials", "(32 + 2.2 * n) * U * value * INFLATE", "0.0 * value"),
    ("exponentials", "top = np.maximum(exponents.max(axis=1), 0.0)", "top = exponents.max(axis=1)"),
    ("losses", "ball_upper(log1p_sum_exp(-_margins(a, b, y)[0]", "ball_lower(log1p_sum_exp(-_margins(a, b, y)[0]"),
    ("losses", "ball_lower(log1p_sum_exp(-_margins(a, b, y)[1]", "ball_upper(log1p_sum_exp(-_margins(a, b, y)[1]"),
]  # fmt: skip


@pytest.mark.parametrize("check", EXPONENTIAL_CHECKS, ids=lambda c: c.__name__.removeprefix("check_"))
@pytest.mark.parametrize("seed", range(2))
def test_component(check, seed):
    """The enclosed number lies where it is said to."""
    run_check(check, kernel(), seed)


@pytest.mark.slow
@pytest.mark.parametrize(("module", "old", "new"), BUGS, ids=[f"{i:02d}-{b[0]}" for i, b in enumerate(BUGS)])
def test_seeded_bug_is_killed(module, old, new):
    """A kernel with this bug fails a check."""
    assert not unnoticed(module, old, new, EXPONENTIAL_CHECKS), f"{module}: {old!r} -> {new!r} goes unnoticed"


@settings(max_examples=300, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6, allow_nan=False), min_size=1, max_size=6))
def test_any_exponents(row):
    K = kernel()
    found = K.exponentials.log1p_sum_exp(np.array([row]))
    with ctx.workprec(300):
        true = exactly(row)
        assert abs(arb(float(found.mid[0])) - true) <= arb(float(found.rad[0]))

"""The reference evaluation's whole matrices: component checks and seeded bugs."""

import pytest

from .chord_components import CHORD_CHECKS
from .components import run_check
from .loader import kernel
from .seeded import unnoticed


@pytest.mark.parametrize("component", CHORD_CHECKS, ids=lambda c: c.__name__.removeprefix("check_"))
@pytest.mark.parametrize("seed", range(4))
def test_component(component, seed):
    """The property in the check's docstring."""
    run_check(component, kernel(), seed)


BUGS = [
    ("reference_numbers", "whole & -whole", "whole"),
    ("reference_numbers", "self.exponent + other.exponent", "self.exponent"),
    ("reference_numbers", "small = self.bits <= WORD", "small = self.bits <= WORD + 6"),
    ("reference_numbers", "max(self.bits, other.bits) > MOST_BITS", "False"),
    ("reference_numbers", "-1 if v <= ZERO else 0 for v in values", "-1 for v in values"),
    ("reference_forward", "ZERO if s else u.max(ZERO)", "ZERO"),
    ("reference_forward", "if slope or not u <= ZERO else ZERO", "if slope else ZERO"),
    ("reference_forward", "a * u if s else u.max(a * u)", "a * u"),
    ("reference_objective", "own = [low[j, k] for j, k in enumerate(y)]", "own = [high[j, k] for j, k in enumerate(y)]"),
    ("reference_objective", "_softmax_loss(row[:k] + row[k + 1 :])", "_softmax_loss(row[:k])"),
    ("reference_objective", "each = list(map(arb.max, each, losses(high)))", "pass"),
    ("reference_objective", "loss(-a if t < 0.0 else a)", "loss(a)"),
    ("reference_objective", "sum(each[k : k + K], ZERO)", "each[k]"),
    ("reference_chord", "s if s == r else 0", "s"),
    ("reference_chord", "moving = [a * (v - u) if k < 0 else d", "moving = [d"),
    ("reference_chord", "v - u if k == 1 else ZERO", "ZERO"),
    ("reference_chord", "if s * r != 1:\n                M[", "if s * r == 0:\n                M["),
    ("reference_chord", "            if x is not ZERO:", "            if False:"),
    ("reference_chord", "self.moving += first.fixed * W.change", "pass"),
    ("reference_chord", "self.moving + self.square * t", "self.moving"),
    ("reference_chord", "self.square * (span * span) + jumps", "jumps"),
    ("reference_chord", "self.square * (span * span) + jumps * (self.W.change * span)", "self.square * (span * span)"),
    ("reference_chord", "self.end if t == 1 else", "self.start if t == 1 else"),
    ("reference_chord", "return self.end if t == 1 else self.start + self.change * t", "return self.start"),
    ("reference_chord", "self.above.both(q.t - p.t, q.crossed - p.crossed)", "None"),
    ("reference_chord", "None if W is Z else moved * (Z - W), W, Z)", "None, W, Z)"),
    ("reference_chord", "e.outputs - low, e.outputs + high", "e.outputs, e.outputs + high"),
    ("reference_chord", "e.outputs - low, e.outputs + high", "e.outputs - low, e.outputs"),
    ("reference_chord", "kappa * (e.penalty + excess)", "kappa * e.penalty"),
    ("reference_chord", "excess += positive(-Da * Db) / 4", "excess += positive(Da * Db) / 4"),
    ("reference_chord", "(ONE - arb(slope)) * (a * b / s", "(ONE - arb(slope)) * (a * b / (s + s)"),
    ("reference_chord", "s < 0 and r < 0 and e + D <= ZERO and g + D <= ZERO", "s < 0 and r < 0"),
    ("reference_chord", "d = d + _kink(e, g, slope)", "d = _kink(e, g, slope)"),
    ("reference_chord", "(a * d, a * D) if slope else (ZERO, ZERO)", "(ZERO, ZERO)"),
    ("reference_chord", "below + high * minus, above + high * plus", "below, above + high * plus"),
    ("reference_chord", "below + high * minus, above + high * plus", "below + high * minus, above"),
    ("reference_chord", "positive(a.max(b)) for a, b in pairs", "positive(a) for a, b in pairs"),
    ("reference_chord", "positive((-a).max(-b)) for a, b in pairs", "positive(-b) for a, b in pairs"),
    ("reference_chord", "both = both * arb(0.25)", "both = both * arb(0.125)"),
    ("reference_chord", "rise = [y if s > 0 else ZERO if s else", "rise = [ZERO if s > 0 else y if s else"),
    ("reference_chord", "fall = [ZERO if s > 0 else y if s else", "fall = [ZERO if s else"),
    ("reference_chord", "self.biases = [_shift(a, b)", "self.biases = [_shift(a, a)"),
    ("reference_paths", "X, v, w, claim.form).ends(move))", "X, v, w, claim.form).ends(move)[:1])"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("module", "old", "new"), BUGS, ids=[f"{i:02d}-{b[0]}" for i, b in enumerate(BUGS)])
def test_seeded_bug_is_killed(module, old, new):
    """A kernel with this bug fails a component check."""
    assert not unnoticed(module, old, new, CHORD_CHECKS, 4), f"{module}: {old!r} -> {new!r} goes unnoticed"

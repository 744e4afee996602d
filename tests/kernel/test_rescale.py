"""Rescale moves: component checks, both evaluations, seeded bugs."""

from dataclasses import replace

import numpy as np
import pytest

from verifier.kernel import check
from verifier.kernel.fast.paths import check_path
from verifier.kernel.statements import FORMS

from .components import problem, run_check, segments
from .loader import kernel
from .rescale_components import RESCALE_CHECKS, _rescaled, rescaling
from .seeded import unnoticed


@pytest.mark.parametrize("component", RESCALE_CHECKS, ids=lambda c: c.__name__.removeprefix("check_"))
@pytest.mark.parametrize("seed", range(4))
def test_component(component, seed):
    """The property in the check's docstring."""
    run_check(component, kernel(), seed)


@pytest.mark.parametrize(
    ("penalty", "form"),
    [("none", "literal"), ("l1", "literal"), ("path", "literal"), *(("weight_decay", f) for f in FORMS)],
)
@pytest.mark.parametrize("loss", ["squared", "logistic", "cross_entropy"])
def test_two_evaluations_agree(loss, penalty, form):
    """Reference accepts what fast found, and refuses a little less."""
    K, rng = kernel(), np.random.default_rng(0)
    p = problem(K, rng, loss, penalty, (2, 4, 3 if loss == "cross_entropy" else 1))
    low = K.statements.Parameters((p.A.weights[0], p.A.weights[1] * 0.5), p.A.biases)
    end, factors = _rescaled(K, rng, low)
    p = replace(p, B=end)
    moves = (*segments(K, p.A, low), rescaling(K, end, factors))
    claim = K.statements.PathUpperBound("p", moves, 1e30, 1e30, 1e30, form=form)
    found, _ = check_path(p, claim)
    margin = 1 + 1e-12
    exact = replace(
        claim, sup=found["sup"] * margin, gap=found["gap"] * margin, gap_over_lower=found["gap_over_lower"] * margin
    )
    assert check(p, exact).accepted
    verdict = check(p, exact, evaluation="reference")
    assert verdict.accepted, verdict.sentence
    for evaluation in ("fast", "reference"):
        assert not check(p, replace(exact, sup=found["sup"] * (1 - 1e-6)), evaluation=evaluation).accepted


BUGS = [
    ("rescale", "np.abs(end - computed) + U * np.abs(computed)", "U * np.abs(computed)"),
    ("rescale", "np.abs(end - computed) + U * np.abs(computed)", "np.abs(end - computed)"),
    ("moves", "require(a is None or b is None or np.array_equal(a, b), \"a rescaling changes", "require(True, \"a rescaling changes"),
    ("rescale", "around(w.weights[1], v.weights[1] / c)", "exact(v.weights[1])"),
    ("paths", "reach, interior = max(start, near), max(interior, near)", "reach = max(start, near)"),
    ("paths", "reach, interior = max(start, near), max(interior, near)", "reach, interior = near, near"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("module", "old", "new"), BUGS, ids=[f"{i:02d}-{b[0]}" for i, b in enumerate(BUGS)])
def test_seeded_bug_is_killed(module, old, new):
    """A kernel with this bug fails a component check."""
    assert not unnoticed(module, old, new, RESCALE_CHECKS, 4), f"{module}: {old!r} -> {new!r} goes unnoticed"

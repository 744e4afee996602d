"""The kernel refuses to judge in a floating-point mode that is not IEEE double; Arb's own precision is set by the kernel."""

import subprocess
import sys

import flint
import numpy as np
import pytest

from tests.corpus.correct import exact_squares
from verifier.kernel import check, environment
from verifier.kernel.statements import Rejected

FLUSHED = """
import torch
from tests.corpus.correct import exact_squares
from verifier.kernel import check
c = exact_squares()
if not torch.set_flush_denormal(True):
    print("unsupported")
for flush in (True, False):
    torch.set_flush_denormal(flush)
    print(*{check(c.problem, x, evaluation=e).accepted for x in c.claims for e in ("fast", "reference")})
"""


def test_flush_to_zero_is_refused():
    """Under torch.set_flush_denormal(True) every correct claim is rejected by both evaluations; after switching it off, none is."""
    out = subprocess.run(
        [sys.executable, "-c", FLUSHED], capture_output=True, text=True, check=True, timeout=300
    ).stdout.split()
    if "unsupported" in out:
        pytest.skip("this processor cannot flush denormals")
    assert out == ["False", "True"]


@pytest.mark.parametrize("precision", [2, 20, 52, 1000])
def test_a_caller_s_precision_of_arb_changes_nothing(precision):
    """The kernel sets its own precision: verdicts and numbers stay, and the caller's precision is restored."""
    c = exact_squares()
    normal = [check(c.problem, x, evaluation=e) for x in c.claims for e in ("fast", "reference")]
    with flint.ctx.workprec(precision):
        assert [check(c.problem, x, evaluation=e) for x in c.claims for e in ("fast", "reference")] == normal
        assert flint.ctx.prec == precision


def test_the_probe_itself_refuses_a_lowered_precision():
    """Called directly under 52 bits it rejects."""
    environment.probe()
    with flint.ctx.workprec(52), pytest.raises(Rejected, match="Arb"):
        environment.probe()


def test_numpy_error_state_of_the_caller_does_not_matter():
    """A caller who silences or raises on floating-point errors gets the same verdicts."""
    c = exact_squares()
    for mode in ("ignore", "raise", "warn"):
        with np.errstate(all=mode):
            assert all(check(c.problem, x).accepted for x in c.claims)

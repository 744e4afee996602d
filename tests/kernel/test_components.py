"""Every component check on today's kernel, over several seeds."""

import pytest

from .components import CHECKS, run_check
from .loader import kernel


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.__name__.removeprefix("check_"))
@pytest.mark.parametrize("seed", range(4))
def test_component(check, seed):
    """The enclosed quantity contains its exact value."""
    run_check(check, kernel(), seed)


@pytest.mark.slow
@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.__name__.removeprefix("check_"))
def test_component_many_seeds(check):
    """The same over a hundred seeds."""
    K = kernel()
    for seed in range(100, 200):
        run_check(check, K, seed)

"""Component checks from the corpus of attacks, claim by claim and evaluation by evaluation."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

import numpy as np
from flint import ctx

from tests.corpus import attacks, cone_barrier, every_width, landscape, region_optimum, sign_count, whole_landscape
from verifier.kernel.papers.statement import ClaimViolation

from .components import Kernel

EVALUATIONS = ("fast", "reference")


def of_kernel(K: Kernel, value: Any) -> Any:
    """The same dataclass, and all inside it, in the namespace K."""
    if isinstance(value, tuple):
        return tuple(of_kernel(K, v) for v in value)
    if not is_dataclass(value):
        return value
    home = K.statement if isinstance(value, ClaimViolation) else K.statements
    kind = getattr(home, type(value).__name__)
    return kind(**{f.name: of_kernel(K, getattr(value, f.name)) for f in fields(value)})


@cache
def cases() -> dict[str, tuple[Any, bool]]:
    """(case, whether it is correct) by name."""
    rooms = (attacks, landscape, region_optimum, sign_count, cone_barrier, every_width, whole_landscape)
    good = {name: make for room in rooms for name, make in room.CORRECT.items()}
    bad = {name: make for room in rooms for name, make in room.REJECTED.items()}
    with ctx.workprec(53):  # as everywhere else, and not as the components' exact side
        return {f"+{n}": (f(), True) for n, f in good.items()} | {f"-{n}": (f(), False) for n, f in bad.items()}


def _judge(K: Kernel, evaluation: str) -> None:
    for name, (case, correct) in cases().items():
        problem = of_kernel(K, case.problem)
        verdicts = [K.check.check(problem, of_kernel(K, c), evaluation=evaluation) for c in case.claims]
        assert all(v.accepted for v in verdicts) == correct, (name, [v.sentence for v in verdicts])


def check_attacks_on_the_fast_evaluation(K: Kernel, rng: np.random.Generator) -> None:
    """Every attack is rejected, and the true statement beside it accepted."""
    _judge(K, "fast")


def check_attacks_on_the_reference_evaluation(K: Kernel, rng: np.random.Generator) -> None:
    """The same by the reference evaluation alone."""
    _judge(K, "reference")


ATTACK_CHECKS = [check_attacks_on_the_fast_evaluation, check_attacks_on_the_reference_evaluation]

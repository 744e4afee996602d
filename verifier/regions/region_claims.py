"""Kernel claims of what was decided about a region: RegionMinimum and JacobianRank."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from verifier.errors import VerifierError
from verifier.kernel import check
from verifier.kernel.statements import JacobianRank, Problem, RegionMinimum
from verifier.regions.arrangement import Arrangement
from verifier.regions.decide import SENTENCES, RegionVerdict
from verifier.regions.rank import RankResult

Array = np.ndarray


def region_minimum_claim(found: RegionVerdict, name: str, *, of: str = "pattern", bias: float = 0.0) -> RegionMinimum:
    """The claim of a verdict; what is undecided becomes an interval.

    of: "A" or "B" when head and pattern are that network's, and the program's targets were y less its output bias, which is `bias`.
    """
    return RegionMinimum(
        name=name,
        of=of,
        bias=bias,
        verdict="interval" if found.verdict == "undecided" else found.verdict,
        head=np.array(found.program.head, dtype=np.float64),
        pattern=np.array(found.program.pattern, dtype=np.int64),
        point=np.array(found.point, dtype=np.float64),
        point_basis=found.point_basis,
        tight=found.tight,
        nu=found.nu,
        multipliers=found.multipliers,
        dual_basis=found.dual_basis,
        lower=found.lower,
        upper=found.upper,
    )


def network_minimum_claim(problem: Problem, found: RegionVerdict, name: str, *, of: str, bias: float) -> RegionMinimum:
    """The claim of a network's own region. Its targets y - bias may have been rounded in float64; what the kernel does not confirm for the exact
    ones becomes an interval a little wider. Raises VerifierError when the kernel rejects that too."""
    claim = region_minimum_claim(found, name, of=of, bias=bias)
    if check(problem, claim).accepted:
        return claim
    slack, none = 2.0**-40 * float(np.mean(found.program.targets**2)), np.zeros(0, dtype=np.int64)
    claim = replace(
        claim, verdict="interval", lower=max(0.0, claim.lower - slack), upper=claim.upper + slack,
        point_basis=none, tight=none.reshape(0, 2),
    )  # fmt: skip
    checked = check(problem, claim)
    if not checked.accepted:
        raise VerifierError(
            f"{checked.sentence}; this is a defect of verifier, please report it with the network and the data"
        )
    return claim


def verdict_words(claim: RegionMinimum) -> str:
    """What a claim says of zero loss."""
    said = "undecided" if claim.verdict == "interval" else claim.verdict
    return SENTENCES[said].format(lower=claim.lower, upper=claim.upper)


def jacobian_rank_claim(arrangement: Arrangement, pattern: Array, found: RankResult, name: str) -> JacobianRank | None:
    """The claim of a settled rank; None when `found.full` is None.

    The null vector takes 1 at the dependent sample and hints at the independent ones, which are its basis.
    """
    if found.full is None:
        return None
    null = np.zeros(len(arrangement.inputs))
    basis = np.zeros(0, dtype=np.int64)
    if not found.full:
        # The result's coefficients belong to inputs scaled to integers; xt_j = scale_j times that integer vector.
        scales = [_scale(arrangement, int(j)) for j in found.samples]
        values = np.array([float(c) / s for c, s in zip(_relative(found.null), scales)])
        null[found.samples] = values / values[-1]
        basis = np.sort(found.samples[:-1]).astype(np.int64)
    return JacobianRank(name, bool(found.full), np.array(pattern, dtype=np.int64), null, basis)


def _relative(null: tuple[int, ...]) -> list[float]:
    """Integers that may exceed floats, over the last one."""
    return [v / null[-1] for v in null]


def _scale(arrangement: Arrangement, j: int) -> float:
    k = int(np.flatnonzero(arrangement.inputs[j])[0]) if arrangement.inputs[j].any() else 0
    whole = int(arrangement.integers[j, k])
    return float(arrangement.inputs[j, k]) / whole if whole else 1.0

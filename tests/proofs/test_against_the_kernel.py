"""The checker with a proof beside the kernel's evaluations, on true claims with one array changed."""

import os
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from tests.kernel.field_mutants import mutants, places
from tests.kernel.test_attacks import bases
from verifier import proved
from verifier.certificate import read_certificate
from verifier.kernel import check
from verifier.kernel.statements import BarrierLowerBound
from verifier.proved import COVERED, ProvedOutcome, check_proved
from verifier.proved_barrier import why_not_covered

from .test_proofs import CORPUS

pytestmark = pytest.mark.skipif(
    not os.access(proved.BUILT, os.X_OK) and "CI" not in os.environ,
    reason="the checker with a proof is not built: run `make proofs` (needs Coq)",
)
MUTANTS = 600


def kind_of(claim):
    return claim.output_layer if isinstance(claim, BarrierLowerBound) else type(claim).__name__


@pytest.mark.parametrize("seed", range(2))
def test_no_mutant_is_proved_that_the_kernel_rejects(seed):
    """Half of them are of barriers. The reference evaluation alone may accept what needs more than float64; what both accept is proved."""
    rng, tally = np.random.default_rng(seed), Counter()
    any_file = read_certificate(CORPUS / "correct" / "exact-squares.safetensors")
    sources = [(p, x) for p, claims in bases() for x in claims if isinstance(x, COVERED)]
    # Barriers of several outputs, and above shared layers, are not covered.
    sources = [(p, x) for p, x in sources if not isinstance(x, BarrierLowerBound) or why_not_covered(p) is None]
    barriers = [source for source in sources if isinstance(source[1], BarrierLowerBound)]
    arrays = [array for _, claim in sources for _, array in places(claim)]
    while sum(tally.values()) < MUTANTS:
        pool = barriers if rng.random() < 0.5 else sources
        problem, claim = pool[int(rng.integers(len(pool)))]
        found = list(mutants(claim, rng, [arrays[int(k)] for k in rng.integers(len(arrays), size=40)]))
        chosen = [found[int(k)] for k in rng.permutation(len(found))[:20]]
        verdicts = check_proved(replace(any_file, problem=problem, claims=tuple(mutant for _, mutant in chosen)))
        for (name, mutant), v in zip(chosen, verdicts, strict=True):
            fast, reference = (check(problem, mutant, evaluation=e) for e in ("fast", "reference"))
            if v.outcome is ProvedOutcome.PROVED:
                assert reference.accepted, f"proved, and rejected: {name}: {reference.sentence}"
            elif v.outcome is ProvedOutcome.REFUSED:
                assert not fast.accepted, f"refused, and accepted: {name}: {fast.sentence}"
            tally[kind_of(claim), v.outcome] += 1
    for kind in ("trained", "frozen", "RegionOptimum"):
        assert tally[kind, ProvedOutcome.PROVED] > 10, tally
        assert tally[kind, ProvedOutcome.REFUSED] > 50, tally

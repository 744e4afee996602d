"""Baturin 2026: for every statement that holds, a false one that the same trials must refute."""

from __future__ import annotations

import numpy as np

from verifier.audit.baturin2026.theorem2_main import sides
from verifier.audit.baturin2026.theorem2_trials import identity_trial
from verifier.audit.claim import Instance, Trial, Wrong
from verifier.audit.wrong import changing, given

HALF = "half of the right side is enough"


def _without_reference(i: Instance) -> Trial:
    """Every certified barrier over both ends refutes it."""
    s = sides(i.values)
    promise = max(c.upper for c in s.claims[:2])
    level = s.upper if s.barrier is None else s.barrier
    return Trial(level, promise, promise, met=s.barrier is not None or s.upper <= promise)


def _sharing(v: dict) -> dict:
    pairs = np.array(v["pairs"])
    pairs[1] = pairs[0]
    return {"pairs": pairs}


WRONG = {
    "lemma1.grad.repaired": Wrong(HALF, share=0.5),
    "lemma1.zero.repaired": Wrong("a quarter of that kappa is enough", changing(lambda v: {"kappa": v["kappa"] / 4})),
    "lemma1.norm.repaired": Wrong("a quarter of the right side is enough", share=0.25),
    "t2.jensen": Wrong(HALF, share=0.5),
    "t2.identity.repaired": Wrong("both terms against Z(W^A), as printed", evaluate=identity_trial),
    "t2.norm.repaired": Wrong(HALF, share=0.5),
    "t2.segment.repaired": Wrong("a fiftieth of the right side is enough", share=0.02),
    "t2.C.repaired": Wrong("a fiftieth of the right side is enough", share=0.02),
    "t2.main.repaired": Wrong("no path exceeds the larger end: eps is not needed", evaluate=_without_reference),
    "t2.main.logistic": Wrong("no path exceeds the larger end: eps is not needed", evaluate=_without_reference),
    "t2.path": Wrong("a path stays a percent below the larger end", share=0.99),
    "t2.angle": Wrong("their distance is at most nine tenths of the angle", share=0.9),
    "t3.cover": Wrong("twenty times as many rows are that close", share=0.05),
    "t3.removal": Wrong("a twentieth of the right side is enough", share=0.05),
    "t3.total": Wrong("a twentieth of the right side is enough", share=0.05),
    "t3.total.tighter": Wrong("a tenth of the right side is enough", share=0.1),
    "t3.e.repaired": Wrong(HALF, share=0.5),
    "t3.rate.repaired": Wrong(
        "half of e(l) - lambda is enough, whatever L and kappa", given(**{"second term alone": True}), share=0.5
    ),
    "exp.pairs.disjoint": Wrong("pairs of which two are the same share none", changing(_sharing)),
}

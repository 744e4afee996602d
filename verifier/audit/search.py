"""Hill climbing on a violation: perturb the numbers of an instance, keep what lowers the slack."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from verifier.audit.claim import Instance, Rng, Trial


def ascend(
    starts: Iterable[Instance],
    evaluate: Callable[[Instance], Trial],
    fields: Sequence[str],
    rng: Rng,
    seconds: float,
    rounds: int = 200,
) -> Instance | None:
    """A violating instance, or None when time is up.

    starts: instances to climb from, one after the other. fields: names of arrays and numbers in `values` that may move. Steps multiply by a factor around 1 or
    by a power of 2, or add noise of the entries' size; a step is kept when the slack falls and the hypotheses still hold.
    """
    end = time.process_time() + seconds
    for start in starts:
        best, trial = start, evaluate(start)
        for _ in range(rounds):
            if trial.violated:
                return replace(best, origin="search", label=f"search from {start.label}")
            if time.process_time() > end:
                return None
            new = moved(best, fields, rng)
            after = evaluate(new)
            if after.met and (not trial.met or after.slack < trial.slack):
                best, trial = new, after
    return None


def moved(instance: Instance, fields: Sequence[str], rng: Rng) -> Instance:
    """One random step in one of the fields."""
    name = fields[int(rng.integers(len(fields)))]
    value = instance.values[name]
    array = np.asarray(value, dtype=np.float64)
    kind = int(rng.integers(3))
    if kind == 0:
        new = array * 2.0 ** float(rng.normal())
    elif kind == 1:
        size = float(np.abs(array).mean()) or 1.0
        new = array + size * 10.0 ** float(rng.uniform(-3, 0)) * rng.normal(size=array.shape)
    else:
        new = array * (1.0 + (rng.random(array.shape) < 0.3) * rng.normal(size=array.shape))
    return replace(instance, values={**instance.values, name: new if isinstance(value, np.ndarray) else float(new)})

"""A paper of two claims for the tests; `docs/audit.md` shows the first."""

# docs: begin
import numpy as np

from verifier.audit.claim import Instance, Rng, Statement, Trial, Word, compared
from verifier.audit.search import ascend


def broken(instance: Instance) -> Trial:
    """|x|_1 <= 1.4 |x|_2: forgets the dimension."""
    x = instance.values["x"]
    return compared(float(np.abs(x).sum()), 1.4 * float(np.linalg.norm(x)))


def sound(instance: Instance) -> Trial:
    x = instance.values["x"]
    return compared(float(np.abs(x).sum()), float(np.sqrt(len(x)) * np.linalg.norm(x)), met=len(x) > 0)


def spikes(rng: Rng, count: int):
    """One large entry, where the claim is true."""
    for _ in range(count):
        yield Instance("random", "a spike", {"x": np.array([1.0, *(1e-3 * rng.normal(size=3))])})


def search(rng: Rng, seconds: float) -> Instance | None:
    return ascend(spikes(rng, 20), broken, ("x",), rng, seconds)


ONES = Instance("known", "four ones", {"x": np.ones(4)})
REPAIRED = Statement(
    "norms.repaired", "toy", "page 1", "", "|x|_1 <= sqrt(n) |x|_2.", Word.HOLDS, spikes, sound, (ONES,)
)
CLAIM = Statement(
    "norms", "toy", "page 1", "all norms are alike", "|x|_1 <= 1.4 |x|_2.",
    Word.FAILS, spikes, broken, (ONES,), search, repaired=REPAIRED,
)  # fmt: skip
STATEMENTS = [CLAIM]
# docs: end

STATEMENTS = [
    *STATEMENTS,
    Statement("norms.large", "toy", "page 2", "as n grows <&>", "A limit.", Word.UNDECIDED, untestable="a limit"),
]

"""From experiments to tasks: plain values that travel to any process. A task's key is the hash of what decides its result."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from math import comb
from typing import Any

import numpy as np

from verifier.campaign.records import digest
from verifier.data.load import data_record, load_data
from verifier.data.weights import Weighting, weighed
from verifier.errors import UsageError, VerifierError
from verifier.numbers import plural
from verifier.objective.objective import made, make_objective
from verifier.options.certify import CertifyOptions
from verifier.options.objective import ObjectiveOptions
from verifier.options.training import TrainingOptions
from verifier.pipeline.constructions.registry import chosen
from verifier.stored import code_version
from verifier.sweep.author_records import LOSSES, AuthorRecord, author_records
from verifier.sweep.spec import PAPER_POOL, Experiment, Pairs


@dataclass(frozen=True)
class TrainTask:
    """One network. data: as `data_record` gives it, with the hash of the numbers.

    polish: None, or the options of the objective under which the network is then trained on towards stationarity: once
    per network, however many pairs it is in.
    """

    width: int
    seed: int
    data: dict[str, Any]
    loss: str
    training: TrainingOptions
    polish: ObjectiveOptions | None = None

    @property
    def key(self) -> str:
        data = {k: v for k, v in self.data.items() if k != "source_sha256"}
        tools = {"code": code_version(), "torch": version("torch")}
        return digest({**asdict(self), "data": data, "kind": "train", "tools": tools})

    @property
    def title(self) -> str:
        return f"network of width {self.width}, seed {self.seed}"


@dataclass(frozen=True)
class CertifyTask:
    """One pair. a, b: keys of the trained networks, whose files lie in the sweep's folder, and a_sha256, b_sha256: hashes of those files."""

    a: str
    b: str
    a_sha256: str
    b_sha256: str
    objective: ObjectiveOptions
    options: CertifyOptions

    @property
    def key(self) -> str:
        spec = {k: v for k, v in asdict(self).items() if k not in ("a", "b")}
        spec["options"] = {k: v for k, v in spec["options"].items() if v is not None and v != math.inf}
        if all(c.name != "dss" for c in chosen(self.options.method)):
            del spec["options"]["dss_preset"]
        return digest({**spec, "kind": "certify", "tools": {"code": code_version()}})


@dataclass(frozen=True)
class PlannedPair:
    """A row of the results before anything ran. record: what the paper's author recorded of this pair, where it is one of the paper's."""

    experiment: Experiment
    width: int
    a: TrainTask
    b: TrainTask
    data_name: str = field(default="")
    record: AuthorRecord | None = None

    def task(self, a_sha256: str, b_sha256: str) -> CertifyTask:
        e = self.experiment
        # Networks are polished before, once each; a sampled figure of a table must not depend on how fast the machine was.
        options = replace(e.options, polish=False, estimate_seconds=math.inf)
        return CertifyTask(self.a.key, self.b.key, a_sha256, b_sha256, e.objective, options)


def paper_pairs(width: int, count: int) -> list[tuple[int, int]]:
    """The pairs of Baturin 2026, section 5, as its code draws them for a width; they may repeat, and share networks."""
    rng = np.random.default_rng(2000 + width + 7777)
    drawn = [rng.choice(PAPER_POOL, size=2, replace=False) for _ in range(count)]
    return [(int(i), int(j)) for i, j in drawn]


def choose_pairs(n: int, pairs: Pairs) -> list[tuple[int, int]]:
    """Pairs (i, j), i < j, of n networks. Random pairs are distinct, and the first k of them do not depend on how many are drawn.

    Raises UsageError when there are not as many.
    """
    if pairs.kind == "disjoint":
        return [(k, k + 1) for k in range(0, n - 1, 2)]
    assert pairs.count is not None
    if pairs.count > comb(n, 2):
        raise UsageError(
            f"{plural(pairs.count, 'random pair')} of {plural(n, 'network')}: there are only {comb(n, 2)}; train more networks"
        )
    rng = np.random.default_rng(pairs.seed)
    found: dict[tuple[int, int], None] = {}
    while len(found) < pairs.count:
        i, j = sorted(int(v) for v in rng.integers(n, size=2))
        if i != j:
            found.setdefault((i, j))
    return list(found)


def plan(experiments: tuple[Experiment, ...], limit: int | None = None) -> list[PlannedPair]:
    """Every pair of every experiment and width, in order; at most `limit` of each width.

    Loads each data set once to learn its hash. Raises UsageError or DataError for what no task could do.
    """
    out: list[PlannedPair] = []
    for e in experiments:
        try:
            out += _plan_one(e, limit)
        except VerifierError as error:
            raise type(error)(f"experiment {e.name}: {error}") from error
    return out


def _records(e: Experiment, data: str, width: int, count: int) -> Sequence[AuthorRecord | None]:
    """The author's records of an experiment's pairs, None where they are of other networks or measured by another objective."""
    theirs = (
        e.pairs.kind == "paper"
        and LOSSES.get(data) == e.loss
        and (e.training, e.objective) == (TrainingOptions(protocol="paper"), ObjectiveOptions())
        and (e.options.polish, e.options.class_weight, e.options.pos_weight) == (False, None, None)
        and not e.data_options
    )
    found = author_records().get((data, width), ()) if theirs else ()
    return found[:count] if len(found) >= count else [None] * count


def _plan_one(e: Experiment, limit: int | None) -> list[PlannedPair]:
    dataset = load_data(e.data, **e.data_options, loss=e.loss)
    record = data_record(dataset)
    # What tasks would stumble over one by one is said once.
    trained_with = make_objective(e.loss, delta=e.training.delta)
    trained_with.loss.encode(dataset)
    o = e.objective
    loss = o.loss or e.loss
    delta = o.delta if o.delta is not None or loss != e.loss else e.training.delta
    made(replace(o, loss=loss, delta=delta, kappa=o.kappa or 0.0, penalty=o.penalty if o.kappa else None)).loss.encode(
        dataset
    )
    weighed(dataset, loss, Weighting(None, e.options.class_weight, e.options.pos_weight))
    out = []
    for width in e.widths:
        if e.pairs.kind == "paper":
            if len(e.seeds) != PAPER_POOL:
                raise UsageError(
                    f'pairs "paper" are drawn from seeds = "0:{PAPER_POOL}", got {len(e.seeds)} seeds; pairs = "disjoint" takes any'
                )
            pairs = paper_pairs(width, e.pairs.count or 0)[:limit]
        else:
            pairs = choose_pairs(len(e.seeds), e.pairs)[:limit]
        polish = e.objective if e.options.polish else None
        nets = {s: TrainTask(width, s, record, e.loss, e.training, polish) for s in e.seeds}
        out += [
            PlannedPair(e, width, nets[e.seeds[i]], nets[e.seeds[j]], dataset.name, record)
            for (i, j), record in zip(pairs, _records(e, dataset.name, width, len(pairs)), strict=True)
        ]
    return out

"""Figure 3(d): the two paths between a pair, certified by `verifier.certify`; the certificate is kept and checked when asked for again."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verifier.campaign import folder as store
from verifier.campaign.records import digest
from verifier.pipeline.certify import certify
from verifier.pipeline.endpoints import read_setting
from verifier.pipeline.kept import NotThis, read_kept
from verifier.stability.plan import METHODS, Source
from verifier.stored import code_version

if TYPE_CHECKING:
    from verifier.kernel.statements import Problem

Record = dict[str, Any]


def disjoint_pairs(records: Sequence[Record]) -> list[tuple[Record, Record]]:
    """First with second, third with fourth, ... of each architecture, in the given order: no network is in two pairs."""
    groups: dict[str, list[Record]] = {}
    for r in records:
        groups.setdefault(r["architecture"], []).append(r)
    return [(g[k], g[k + 1]) for g in groups.values() for k in range(0, len(g) - 1, 2)]


def certified_pair(
    a: Record, b: Record, source: Source, seed: int, folder: Path, say: Callable[[str], None]
) -> tuple[Path, int]:
    """(certificate of Theorem 4.1's path and of dropout's, its outcome's exit code).

    a, b: records of `experiment.measured`. A certificate that is there is kept when it is about these networks, this data set and this objective, read
    again, and the kernel accepts every claim; else it is made again. Raises what `verifier.certify` raises.
    """
    about = {k: [r[k] for r in (a, b)] for k in ("sha256", "data_sha256", "objective")}
    key = digest({"kind": "stability pair", "code": code_version(), "methods": METHODS, "seed": seed, **about})
    target = store.certificate_file(folder, key)
    problem = _problem(a, b, source)
    if target.exists():
        try:
            return target, read_kept(target, problem).answer(None)[0].exit_code
        except NotThis as why:
            say(f"{why}; made again")

    with store.scratch(folder) as place:
        result = certify(
            a["file"],
            b["file"],
            source.data,
            objective=source.objective,
            options=source.options(seed),
            out=place / target.name,
        )
        beside = (place / target.name).with_suffix(".data")
        if beside.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(beside, target.with_suffix(".data"))
        store.publish(place / target.name, target)
    say(f"{a['name']} to {b['name']}: {result.sentence}; certificate {target}")
    return target, read_kept(target, problem, result.digest).answer(None)[0].exit_code


def _problem(a: Record, b: Record, source: Source) -> Problem:
    """What the pair's certificate has to be about, read from the checkpoints and the data set themselves."""
    return read_setting(a["file"], b["file"], source.data, source.objective, source.options(0)).problem

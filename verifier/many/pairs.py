"""One pair of a group: its certificate's name, reading it back, and making it when it is not there."""

from __future__ import annotations

import filecmp
import hashlib
import json
import os
import pickle
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from verifier.campaign.failure import failure
from verifier.certificate.hashing import arrays_sha256
from verifier.files import atomic_write_bytes
from verifier.kernel.fast.forward import Interval
from verifier.kernel.statements import Problem
from verifier.many.group import Group
from verifier.many.together import Link
from verifier.options.certify import CertifyOptions
from verifier.pipeline.certify import certify
from verifier.pipeline.kept import NotThis, read_kept
from verifier.stored import code_version


@dataclass(frozen=True)
class Facts:
    """What a certificate that was read back and checked says of its pair. link: of its best path, None when it holds none. barrier: the highest level
    that every path reaches, None when it proves none.

    method: that path's name. digest: SHA-256 of the file. cpu_seconds: as its record says, for display.
    """

    A: Interval
    B: Interval
    link: Link | None
    method: str | None
    digest: str
    cpu_seconds: float | None
    barrier: float | None = None


@dataclass(frozen=True)
class PairRow:
    """One pair (a, b) of the group. status: certified, inconclusive or failed. made: by this run, rather than kept from an earlier one."""

    a: int
    b: int
    file: Path
    facts: Facts | None
    status: str
    made: bool
    reason: str | None
    exit_code: int


# Of the options, those that decide what is proposed about networks and data that are read already; the others are in the hashes of these.
_PROPOSED = ("method", "seed", "dss_preset", "tight", "exhaustive", "estimate_seconds", "l", "alpha")


def pair_file(folder: Path, group: Group, a: int, b: int, options: CertifyOptions) -> Path:
    """The place of the pair's certificate: names for people, then a hash of networks, data, objective, options and this code."""
    about = {
        **group_content(group, (a, b)),
        "options": {name: getattr(options, name) for name in _PROPOSED},
        "code": code_version(),
    }
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
    words = (re.sub(r"[^A-Za-z0-9_.]+", "_", group.members[k].name).strip("._")[-40:] or "x" for k in (a, b))
    return folder / f"{'-'.join(words)}-{digest[:12]}.safetensors"


def group_content(group: Group, which: tuple[int, ...]) -> dict[str, Any]:
    """Hashes and words that determine what is proved about these members."""
    o = group.objective
    weights = {} if o.weights is None else {"weights": o.weights}
    return {
        "networks": [group.members[k].network.sha256() for k in which],
        "data": arrays_sha256({"X": group.data.X, "targets": group.targets, **weights}),
        "objective": [o.loss.name, o.delta, o.kappa, o.penalty, o.penalise_output_bias],
    }


def read_pair(file: Path, problem: Problem, checked: str | None = None) -> Facts:
    """What the checked claims of a pair's certificate say; checked and NotThis: as of `read_kept`."""
    found = read_kept(file, problem, checked)
    best = found.paths[0] if found.paths else None
    link = None if best is None else Link(best.sup, best.gap)
    A, B = (Interval(e.lower, e.upper) for e in (found.A, found.B))
    c = found.certificate
    barrier = max((b.level for b in found.barriers if b.output_layer == "trained" and b.gap > 0.0), default=None)
    return Facts(A, B, link, None if best is None else best.path, c.digest, _seconds(c.record), barrier)


def _seconds(record: Mapping[str, Any]) -> float | None:
    paths = record.get("paths")
    spent = [p.get("cpu_seconds") for p in paths.values() if isinstance(p, dict)] if isinstance(paths, dict) else []
    return sum(s for s in spent if isinstance(s, (int, float))) if spent else None


@dataclass(frozen=True, eq=False)
class PairTask:
    """Pair (a, b) of a group; file: of its certificate."""

    a: int
    b: int
    file: Path


def do_pair(task: PairTask, *, group: Group | Path, options: CertifyOptions) -> PairRow:
    """Keep the pair's certificate, or make it; whatever goes wrong becomes a row with its reason.

    group: itself, or the file that `shared` put it into for other processes.
    """
    if isinstance(group, Path):
        group = _read_shared(group)
    a, b, file = task.a, task.b, task.file
    problem = group.problem(a, b)
    if file.exists():
        try:
            return _row(a, b, file, read_pair(file, problem), made=False)
        except NotThis:
            pass  # made again, in one piece
    A, B = (group.members[k].endpoint for k in (a, b))
    try:
        result = certify(A, B, group.data, objective=group.objective.options, options=_of_pair(options), out=file)
        _share_data(file)
        return _row(a, b, file, read_pair(file, problem, result.digest), made=True)
    except NotThis as error:
        return PairRow(a, b, file, None, "rejected", True, str(error), 5)
    except Exception as error:
        return lost_pair(task, error)


def lost_pair(task: PairTask, error: BaseException) -> PairRow:
    """The row of a pair that failed."""
    why = failure(error)
    return PairRow(task.a, task.b, task.file, None, "failed", True, why.reason, why.exit_code)


@contextmanager
def shared(group: Group, folder: Path) -> Iterator[Path]:
    """A file from which other processes, here or on a cluster with a shared disk, read the group once each."""
    place = folder.absolute() / f".group-{secrets.token_hex(8)}.pkl"
    folder.mkdir(parents=True, exist_ok=True)
    atomic_write_bytes(place, pickle.dumps(group))
    try:
        yield place
    finally:
        place.unlink(missing_ok=True)


@lru_cache(maxsize=1)
def _read_shared(place: Path) -> Group:
    group: Group = pickle.loads(place.read_bytes())
    return group


def _of_pair(o: CertifyOptions) -> CertifyOptions:
    """What is left to ask of one pair: its networks and data are read, polished, padded and weighed already."""
    names = (*_PROPOSED, "device")
    return CertifyOptions(**{name: getattr(o, name) for name in names})


def _share_data(file: Path) -> None:
    """One copy on the disk of a data set too large to embed: hard links, where the disk has them."""
    mine = file.with_suffix(".data")
    if not mine.exists():
        return
    for other in file.parent.glob("*.data"):
        if other != mine and filecmp.cmp(other, mine, shallow=False):
            temporary = mine.with_name(f".{mine.stem}.{secrets.token_hex(8)}.data")
            with suppress(OSError):
                os.link(other, temporary)
                os.replace(temporary, mine)
                return


def _row(a: int, b: int, file: Path, facts: Facts, *, made: bool) -> PairRow:
    if facts.link is None:
        why = "no path was certified by these methods"
        return PairRow(a, b, file, facts, "inconclusive", made, why, 3)
    return PairRow(a, b, file, facts, "certified", made, None, 0)

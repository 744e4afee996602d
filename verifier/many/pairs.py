"""One pair of a group: its certificate's name, reading it back, and making it when it is not there."""

from __future__ import annotations

import filecmp
import hashlib
import json
import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verifier.certificate.hashing import arrays_sha256
from verifier.errors import VerifierError
from verifier.kernel.fast.forward import Interval
from verifier.kernel.statements import Problem
from verifier.many.group import Group
from verifier.many.landscape import Link
from verifier.pipeline.kept import NotThis, read_kept
from verifier.stored import code_version


@dataclass(frozen=True)
class Facts:
    """What a certificate that was read back and checked says of its pair. link: of its best path, None when it holds none.

    method: that path's name. digest: SHA-256 of the file. cpu_seconds: as its record says, for display.
    """

    A: Interval
    B: Interval
    link: Link | None
    method: str | None
    digest: str
    cpu_seconds: float | None


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


def pair_file(folder: Path, group: Group, a: int, b: int, options: Mapping[str, Any]) -> Path:
    """The place of the pair's certificate: names for people, then a hash of networks, data, objective, options and this code."""
    about = {**group_content(group, (a, b)), "options": dict(options), "code": code_version()}
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
        "objective": [o.loss.name, getattr(o.loss, "delta", None), o.kappa, o.penalty, o.penalise_output_bias],
    }


def read_pair(file: Path, problem: Problem) -> Facts:
    """What the re-checked claims of a pair's certificate say. Raises NotThis as `read_kept` does."""
    found = read_kept(file, problem)
    best = found.paths[0] if found.paths else None
    link = None if best is None else Link(best.sup, best.gap)
    A, B = (Interval(e.lower, e.upper) for e in (found.A, found.B))
    c = found.certificate
    return Facts(A, B, link, None if best is None else best.path, c.digest, _seconds(c.record))


def _seconds(record: Mapping[str, Any]) -> float | None:
    paths = record.get("paths")
    spent = [p.get("cpu_seconds") for p in paths.values() if isinstance(p, dict)] if isinstance(paths, dict) else []
    return sum(s for s in spent if isinstance(s, (int, float))) if spent else None


def do_pair(group: Group, a: int, b: int, file: Path, options: Mapping[str, Any]) -> PairRow:
    """Keep the pair's certificate, or make it; whatever goes wrong becomes a row with its reason."""
    problem = group.problem(a, b)
    if file.exists():
        try:
            return _row(a, b, file, read_pair(file, problem), made=False)
        except NotThis:
            pass  # made again, in one piece
    from verifier.pipeline import certify

    o = group.objective
    try:
        certify(
            group.members[a].source,
            group.members[b].source,
            group.data,
            loss=o.loss.name,
            delta=getattr(o.loss, "delta", None),
            kappa=o.kappa,
            penalty=o.penalty,
            penalise_output_bias=o.penalise_output_bias,
            out=file,
            **options,
        )
        _share_data(file)
        return _row(a, b, file, read_pair(file, problem), made=True)
    except NotThis as error:
        return PairRow(a, b, file, None, "rejected", True, str(error), 5)
    except Exception as error:
        known = isinstance(error, VerifierError)
        code = error.exit_code if isinstance(error, VerifierError) and error.exit_code in (4, 5) else 1
        reason = str(error) if known else f"{type(error).__name__}: {error}"
        return PairRow(a, b, file, None, "failed", True, reason, code)


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

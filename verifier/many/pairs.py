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

import numpy as np

from verifier.certificate.file import data_file, read_certificate
from verifier.certificate.hashing import arrays_sha256
from verifier.errors import CertificateFormatError, VerifierError
from verifier.kernel import check
from verifier.kernel.fast.forward import Interval
from verifier.kernel.statements import EndpointValue, PathUpperBound, Problem, same_parameters
from verifier.many.group import Group
from verifier.many.landscape import Link


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


class NotThis(Exception):
    """The file does not certify this pair; its text says why."""


def pair_file(folder: Path, group: Group, a: int, b: int, options: Mapping[str, Any]) -> Path:
    """The place of the pair's certificate: names for people, then a hash of networks, data, objective and options."""
    about = {**group_content(group, (a, b)), "options": dict(options)}
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
    words = (re.sub(r"[^A-Za-z0-9_.]+", "_", group.members[k].name).strip("._")[-40:] or "x" for k in (a, b))
    return folder / f"{'-'.join(words)}-{digest[:12]}.safetensors"


def group_content(group: Group, which: tuple[int, ...]) -> dict[str, Any]:
    """Hashes and words that determine what is proved about these members."""
    o = group.objective
    return {
        "networks": [group.members[k].network.sha256() for k in which],
        "data": arrays_sha256({"X": group.data.X, "targets": group.targets}),
        "objective": [o.loss.name, getattr(o.loss, "delta", None), o.kappa, o.penalty, o.penalise_output_bias],
    }


def read_pair(file: Path, problem: Problem) -> Facts:
    """Read a pair's certificate and check every claim with the kernel's fast evaluation.

    Raises NotThis when there is no certificate, it is damaged, about other networks, data or another objective, or a claim is rejected.
    """
    try:
        c = read_certificate(file, data=data_file(file))
    except CertificateFormatError as error:
        raise NotThis(str(error)) from None
    if not _same(c.problem, problem):
        raise NotThis(f"{file}: is about other networks, data, another activation or objective")
    for claim in c.claims:
        verdict = check(c.problem, claim)
        if not verdict.accepted:
            raise NotThis(f"{file}: {verdict.sentence}")
    ends = {e.network: Interval(e.lower, e.upper) for e in c.claims if isinstance(e, EndpointValue)}
    if set(ends) != {"A", "B"}:
        raise NotThis(f"{file}: does not claim the values of both networks")
    paths = sorted((p for p in c.claims if isinstance(p, PathUpperBound)), key=lambda p: (p.gap, p.sup))
    link = Link(paths[0].sup, paths[0].gap) if paths else None
    return Facts(ends["A"], ends["B"], link, paths[0].path if paths else None, c.digest, _seconds(c.record))


def _same(p: Problem, q: Problem) -> bool:
    return (
        p.objective == q.objective
        and p.negative_slope == q.negative_slope
        and np.array_equal(p.X, q.X)
        and p.targets.dtype.kind == q.targets.dtype.kind
        and np.array_equal(p.targets, q.targets)
        and _same_network(p, q, "A")
        and _same_network(p, q, "B")
    )


def _same_network(p: Problem, q: Problem, name: str) -> bool:
    v, w = getattr(p, name), getattr(q, name)
    alike = len(v.weights) == len(w.weights) and [b is None for b in v.biases] == [b is None for b in w.biases]
    return alike and same_parameters(v, w)


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

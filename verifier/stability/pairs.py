"""Figure 3(d): the two paths between a pair, certified by `verifier.certify`; the certificate is kept and checked when asked for again."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from verifier.errors import CertificateFormatError
from verifier.stability.plan import METHODS, VERSION, Source
from verifier.sweep import store
from verifier.sweep.plan import digest

Record = dict[str, Any]


def disjoint_pairs(records: Sequence[Record]) -> list[tuple[Record, Record]]:
    """First with second, third with fourth, ... of each architecture, in the given order: no network is in two pairs."""
    groups: dict[str, list[Record]] = {}
    for r in records:
        groups.setdefault(repr(r["architecture"]), []).append(r)
    return [(g[k], g[k + 1]) for g in groups.values() for k in range(0, len(g) - 1, 2)]


def certified_pair(
    a: Record, b: Record, source: Source, seed: int, folder: Path, say: Callable[[str], None]
) -> tuple[Path, int]:
    """(certificate of Theorem 4.1's path and of dropout's, its outcome's exit code): 5 when the kernel rejects what is stored.

    a, b: records of `experiment.measured`. Raises what `verifier.certify` raises.
    """
    from verifier.pipeline import certify

    about = {k: [r[k] for r in (a, b)] for k in ("sha256", "data_sha256", "objective")}
    key = digest({"kind": "stability pair", "version": VERSION, "methods": METHODS, "seed": seed, **about})
    target = store.certificate_file(folder, key)
    if target.exists():
        try:
            return target, _kept(target)
        except CertificateFormatError as error:
            say(f"{error}; made again")

    def tell(text: str) -> None:
        # The file is named once it lies where it stays.
        if not text.startswith("certificate "):
            say(text)

    with store.scratch(folder) as place:
        result = certify(
            a["file"], b["file"], source.data, method=METHODS, layout=source.layout, data_options=source.data_options,
            out=place / target.name, seed=seed, say=tell, **source.objective,
        )  # fmt: skip
        beside = (place / target.name).with_suffix(".data")
        if beside.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(beside, target.with_suffix(".data"))
        store.publish(place / target.name, target)
    say(f"{a['name']} to {b['name']}: {result.sentence}; certificate {target}")
    return target, result.outcome.exit_code


def _kept(target: Path) -> int:
    """The exit code of a stored certificate, every claim checked again. Raises CertificateFormatError."""
    from verifier.certificate.file import data_file, read_certificate
    from verifier.sweep.rows import accepted

    c = read_certificate(target, data=data_file(target))
    if not accepted(c)[0]:
        return 5
    return {"CERTIFIED": 0, "REFUTED": 5}.get(str(c.record.get("verdict", {}).get("outcome")), 3)

"""`certify_all`: one certificate per pair, kept where it is there already, and what they prove together."""

from __future__ import annotations

import hashlib
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from verifier.data.targets import said
from verifier.data.weights import Weighting
from verifier.errors import UsageError
from verifier.files import claim_folder
from verifier.many.group import Group, read_group
from verifier.many.pairs import PairRow, do_pair, group_content, pair_file
from verifier.many.result import ManyResult, gather, write_tables
from verifier.networks.network import activation_words
from verifier.networks.reading import Reading
from verifier.numbers import show_up
from verifier.pipeline.methods import chosen, require_options
from verifier.pipeline.run import TIGHT


def certify_all(
    networks: Sequence[Any] | Mapping[str, Any],
    data: Any = None,
    *,
    loss: str | None = None,
    delta: float | None = None,
    kappa: float | None = None,
    penalty: str | None = None,
    penalise_output_bias: bool | None = None,
    level: float | None = None,
    method: str = "exchange",
    layout: str | Reading | None = None,
    negative_slope: float | None = None,
    data_options: dict[str, Any] | None = None,
    out: str | Path | None = None,
    seed: int = 0,
    dss_preset: str = "paper",
    device: str = "cpu",
    tight: float = TIGHT,
    polish: bool = False,
    exhaustive: bool = False,
    weights: Any = None,
    class_weight: Any = None,
    pos_weight: float | None = None,
    pad: bool = False,
    progress: bool = False,
    say: Callable[[str], None] | None = None,
) -> ManyResult:
    """Certified bounds for all pairs of three or more networks, and for passes from one to another through others.

    networks: as `verifier.certify` takes them, in a sequence, or in a mapping from names. out: folder of the certificates, default
    certificates/all-<hash>. level: of the connected components; default the largest F. progress: a bar on stderr. Everything else is `certify`'s.

    A certificate that is in the folder already, for exactly these networks, data and objective, and that the kernel accepts, is kept. A pair that
    fails becomes a row with its reason.

    Raises UsageError, CheckpointError or DataError for callers' mistakes, before any pair is begun.
    """
    from threadpoolctl import threadpool_limits

    say = say or (lambda text: None)
    chosen(method)
    require_options(tight, device)
    if "string" in method.split(","):
        raise UsageError("--string is one path between two networks; use it with --pair")
    if level is not None and not math.isfinite(level):
        raise UsageError(f"level must be a finite number, got {level}")
    objective_options = {
        "loss": loss, "delta": delta, "kappa": kappa, "penalty": penalty, "penalise_output_bias": penalise_output_bias,
    }  # fmt: skip
    with threadpool_limits(limits=1):
        group = read_group(
            networks,
            data,
            layout=layout,
            negative_slope=negative_slope,
            data_options=data_options or {},
            objective_options=objective_options,
            polish=polish,
            say=say,
            weighting=Weighting(weights, class_weight, pos_weight),
            pad=pad,
        )
        folder = Path(out) if out is not None else _default_folder(group)
        claim_folder(folder, known={"results.json": ("outcome", "networks", "components")}, pages=("report.html",))
        _introduce(group, say)
        options = {"method": method, "seed": seed, "dss_preset": dss_preset, "tight": tight, "exhaustive": exhaustive}
        rows = _pairs(
            group,
            folder,
            options,
            {"layout": layout, "negative_slope": negative_slope, "device": device},
            progress,
            say,
        )
        found = gather(len(group.members), rows)
        result = ManyResult(group, tuple(rows), found, found.top if level is None else level, level is not None, folder)
        tables = write_tables(result)
    say(f"tables {', '.join(map(str, tables))}")
    return ManyResult(group, result.rows, found, result.level, result.asked, folder, tables)


def _default_folder(group: Group) -> Path:
    content = json.dumps(group_content(group, tuple(range(len(group.members)))), sort_keys=True)
    return Path("certificates") / f"all-{hashlib.sha256(content.encode()).hexdigest()[:8]}"


def _introduce(group: Group, say: Callable[[str], None]) -> None:
    """The networks first, so that a wrong data set is seen at once."""
    for m in group.members:
        accuracy = "" if m.accuracy is None else f", accuracy {m.accuracy:.4f}"
        file = m.endpoint.source.get("file", "")
        say(f"{m.name}: F = {m.F:.6g} (loss {m.loss:.6g}, kappa P {m.penalty:.6g}){accuracy}  {file}".rstrip())
    widths, o = group.members[0].network.widths, group.objective
    say(
        f"data {group.data.name}: {group.data.samples} samples, {group.data.dimension} features; network {'-'.join(map(str, widths))}, "
        f"{activation_words(group.members[0].network.negative_slope)}; "
        f"loss {o.loss.name}, kappa {o.kappa:g}, penalty {o.penalty}"
    )
    for words in said(group.data):
        say(words)


def _pairs(
    group: Group,
    folder: Path,
    options: dict[str, Any],
    unproved: dict[str, Any],
    progress: bool,
    say: Callable[[str], None],
) -> list[PairRow]:
    """One row per pair. options: decide what is proposed, and so belong to the file's name; unproved ones do not."""
    from tqdm import tqdm

    pairs = list(combinations(range(len(group.members)), 2))
    rows = []
    with tqdm(total=len(pairs), desc="pairs", file=sys.stderr, disable=not progress) as bar:
        for a, b in pairs:
            row = do_pair(group, a, b, pair_file(folder, group, a, b, options), {**options, **unproved})
            rows.append(row)
            with tqdm.external_write_mode(file=sys.stderr):
                say(_line(group, row))
            bar.update()
    made = sum(r.made and r.facts is not None for r in rows)
    say(
        f"{folder}: {made} certificates made, {sum(not r.made for r in rows)} kept after a check, {sum(r.facts is None for r in rows)} failed"
    )
    return rows


def _line(group: Group, row: PairRow) -> str:
    who = f"{group.members[row.a].name} - {group.members[row.b].name}"
    if row.facts is None or row.facts.link is None:
        return f"{who}: {row.status}: {row.reason}"
    l, kept = row.facts.link, "" if row.made else " (kept)"
    return f"{who}: certified gap <= {show_up(l.gap)} over E, max F <= {show_up(l.sup, 8)} by {row.facts.method}{kept}"

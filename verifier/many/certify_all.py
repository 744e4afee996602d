"""`certify_all`: one certificate per pair, kept where it is there already, and what they prove together."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

from tqdm import tqdm

from verifier.campaign.runner import Runner, runner
from verifier.data.targets import said
from verifier.errors import UsageError
from verifier.files import claim_folder
from verifier.many.group import Group, read_group
from verifier.many.pairs import PairRow, PairTask, do_pair, group_content, lost_pair, pair_file, shared
from verifier.many.result import ManyResult, gather, write_tables
from verifier.networks.network import activation_words
from verifier.numbers import plural, show_down, show_up
from verifier.objective.objective import Objective
from verifier.options.certify import CertifyOptions
from verifier.options.declare import accepts
from verifier.options.objective import ObjectiveOptions
from verifier.options.reading import Reading
from verifier.pipeline.certify import asked_for, require_defined, require_possible
from verifier.pipeline.constructions.registry import chosen

Say = Callable[[str], None]


@accepts(ObjectiveOptions, CertifyOptions, Reading)
def certify_all(
    networks: Sequence[Any] | Mapping[str, Any],
    data: Any = None,
    *,
    objective: ObjectiveOptions | Objective | None = None,
    options: CertifyOptions | None = None,
    out: str | Path | None = None,
    jobs: int = 1,
    scheduler: str | None = None,
    say: Say | None = None,
    **keywords: Any,
) -> ManyResult:
    """Certified bounds for all pairs of three or more networks, and for passes from one to another through others.

    networks: as `verifier.certify` takes them, in a sequence, or in a mapping from names. out: folder of the certificates, default
    certificates/all-<hash>. Everything else is `certify`'s, with method "exchange" where none is named; level: of the connected components, by default
    the largest F. jobs: processes on this machine. scheduler: address of a dask scheduler instead; the folder must be on a shared disk then.

    A certificate that is in the folder already, for exactly these networks, data and objective, and that the kernel accepts, is kept. A pair that
    fails becomes a row with its reason.

    Raises UsageError, CheckpointError or DataError for callers' mistakes, before any pair is begun.
    """
    from threadpoolctl import threadpool_limits

    say = say or (lambda text: None)
    asked, options = asked_for("certify_all", objective, options, keywords, method="exchange")
    _require_pairwise(options)
    workers = runner(jobs, scheduler, progress=options.progress, say=say)
    with threadpool_limits(limits=1), workers as run:
        group = read_group(networks, data, asked, options, say)
        require_defined(group.members[0].network, group.objective, options, chosen(options.method))
        folder = Path(out) if out is not None else _default_folder(group)
        claim_folder(folder, known={"results.json": ("outcome", "networks", "components")}, pages=("report.html",))
        _introduce(group, say)
        rows = _pairs(group, folder, options, run, say)
        found, level = gather(len(group.members), rows), options.level
        result = ManyResult(group, tuple(rows), found, found.top if level is None else level, level is not None, folder)
        tables = write_tables(result)
    say(f"tables {', '.join(map(str, tables))}")
    return replace(result, tables=tables)


def _require_pairwise(o: CertifyOptions) -> None:
    """Raise UsageError for what is about one pair alone, and for what no pair could do."""
    found = chosen(o.method)
    require_possible(o, found)
    if any(c.needs_file for c in found) or o.string is not None:
        raise UsageError("--string is one path between two networks; use it with --pair")
    for name in ("state", "output_layer", "hidden_layers", "most_cells"):
        if getattr(o, name) != getattr(CertifyOptions(), name):
            raise UsageError(f"{name}: is about one pair; certify that pair alone")


def _default_folder(group: Group) -> Path:
    content = json.dumps(group_content(group, tuple(range(len(group.members)))), sort_keys=True)
    return Path("certificates") / f"all-{hashlib.sha256(content.encode()).hexdigest()[:8]}"


def _introduce(group: Group, say: Say) -> None:
    """The networks first, so that a wrong data set is seen at once."""
    for m in group.members:
        accuracy = "" if m.accuracy is None else f", accuracy {m.accuracy:.4f}"
        file = m.endpoint.source.get("file", "")
        say(f"{m.name}: F = {m.F:.6g} (loss {m.loss:.6g}, kappa P {m.penalty:.6g}){accuracy}  {file}".rstrip())
    network, o = group.members[0].network, group.objective
    say(
        f"data {group.data.name}: {plural(group.data.samples, 'sample')}, {plural(group.data.dimension, 'feature')}; network {network.described}, "
        f"{activation_words(network.negative_slope)}; "
        f"loss {o.loss.name}, kappa {o.kappa:g}, penalty {o.penalty}"
    )
    for words in said(group.data):
        say(words)


def _pairs(group: Group, folder: Path, options: CertifyOptions, run: Runner, say: Say) -> list[PairRow]:
    """One row per pair, in the order of the networks."""
    pairs = combinations(range(len(group.members)), 2)
    tasks = [PairTask(a, b, pair_file(folder, group, a, b, options).absolute()) for a, b in pairs]
    rows = {}
    with shared(group, folder) if run.remote else nullcontext(group) as what:
        work = partial(do_pair, group=what, options=replace(options, progress=False))
        for k, row in run.run(work, tasks, lost_pair, what="pairs"):
            rows[k] = replace(row, file=folder / row.file.name)
            with tqdm.external_write_mode(file=sys.stderr):
                say(_line(group, row))
    return _counted([rows[k] for k in range(len(tasks))], folder, say)


def _counted(rows: list[PairRow], folder: Path, say: Say) -> list[PairRow]:
    made = sum(r.made and r.facts is not None for r in rows)
    say(
        f"{folder}: {made} certificates made, {sum(not r.made for r in rows)} kept after a check, {sum(r.facts is None for r in rows)} failed"
    )
    return rows


def _line(group: Group, row: PairRow) -> str:
    who = f"{group.members[row.a].name} - {group.members[row.b].name}"
    if row.facts is None:
        return f"{who}: {row.status}: {row.reason}"
    l, kept, barrier = row.facts.link, "" if row.made else " (kept)", row.facts.barrier
    least = "" if barrier is None else f"every path reaches F >= {show_down(barrier, 8)}"
    if l is None:
        return f"{who}: {row.status}: {row.reason}{least and f'; certified: {least}'}"
    most = f"certified gap <= {show_up(l.gap)} over E, max F <= {show_up(l.sup, 8)} by {row.facts.method}"
    return f"{who}: {most}{least and f'; {least}'}{kept}"

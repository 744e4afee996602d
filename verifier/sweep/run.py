"""Train what is missing, certify what is missing, gather one row per pair, and write tables that a report can be made from."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from verifier.campaign import folder as store
from verifier.campaign.runner import Runner, runner
from verifier.errors import VerifierError
from verifier.files import atomic_write_bytes
from verifier.numbers import plural
from verifier.outcomes import Finding, Outcome, worst_exit_code
from verifier.pipeline.verdict_line import WEIGHTED
from verifier.sweep import tasks
from verifier.sweep.plan import PlannedPair, plan
from verifier.sweep.rows import full_row, write_tables
from verifier.sweep.spec import Experiment
from verifier.sweep.summary import Summary, summarise


@dataclass(frozen=True)
class SweepResult:
    """rows: one per pair, in the order of the plan. counts: of tasks by what happened. tables: the files written. summary: statistics.

    counts has always trained, networks_kept, networks_failed, made (certificates), kept (there and checked again), and the rows' statuses.
    """

    folder: Path
    rows: tuple[dict[str, Any], ...]
    counts: dict[str, int]
    tables: tuple[Path, ...]
    summary: Summary
    wall_seconds: float

    @property
    def exit_code(self) -> int:
        return worst_exit_code([row["exit_code"] for row in self.rows])

    @property
    def finding(self) -> Finding:
        """The one verdict line."""
        n, c = len(self.rows), self.counts
        zero = sum(row["gap"] == 0.0 for row in self.rows)
        parts = [f"{c.get('certified', 0)} certified (gap 0 on {zero})"]
        parts += [f"{c[s]} {s}" for s in ("inconclusive", "refuted", "rejected", "failed") if c.get(s)]
        weighted = sum(row["weighted"] is True for row in self.rows)
        parts += [f"{WEIGHTED} in {weighted}"] if weighted else []
        worst = Outcome.REFUTED if c.get("refuted") else Outcome.FAILED
        outcome = {0: Outcome.CERTIFIED, 3: Outcome.INCONCLUSIVE}.get(self.exit_code, worst)
        return Finding(outcome, f"{plural(n, 'pair')}: {', '.join(parts)}; {self.tables[0]}", self.exit_code)

    @property
    def sentence(self) -> str:
        return self.finding.sentence


def run_sweep(
    experiments: Sequence[Experiment],
    out: str | Path,
    *,
    jobs: int = 1,
    scheduler: str | None = None,
    limit: int | None = None,
    progress: bool = False,
    say: Callable[[str], None] | None = None,
) -> SweepResult:
    """Run or resume a sweep in the folder `out`.

    jobs: processes on this machine. scheduler: address of a dask scheduler instead; `out` must be a shared disk then. limit: only the
    first so many pairs of each width. progress: bars with time left on stderr. say: receives progress sentences.

    What is there already is checked again by the kernel and kept. A task that fails becomes a row with its reason.

    Raises UsageError or DataError, before any task runs, for experiments that could not run.
    """
    say = say or (lambda text: None)
    start = time.monotonic()
    pairs = plan(tuple(experiments), limit)
    for e in experiments:
        if e.pairs.kind == "disjoint" and len(e.seeds) % 2:
            say(
                f"{e.name}: disjoint pairs of {plural(len(e.seeds), 'network')} leave out the last one, seed {e.seeds[-1]}"
            )
    about = {"experiments": [e.name for e in experiments], "pairs": len(pairs)}
    workers = runner(jobs, scheduler, progress=progress, say=say)
    with workers as run, store.opened(Path(out), about) as folder:
        counts: Counter[str] = Counter(
            dict.fromkeys(("trained", "networks_kept", "networks_failed", "made", "kept"), 0)
        )
        networks = _networks(pairs, run, folder, counts, say)
        rows = _pairs(pairs, networks, run, folder, counts, say)
        counts.update(row["status"] for row in rows)
        written = write_tables(rows, folder)
        summary = summarise(rows)
        atomic_write_bytes(folder / "summary.json", json.dumps(summary.as_json(), indent=1, allow_nan=False).encode())
    return SweepResult(folder, tuple(rows), dict(counts), tuple(written), summary, time.monotonic() - start)


def _networks(
    pairs: list[PlannedPair],
    run: Runner,
    folder: Path,
    counts: Counter[str],
    say: Callable[[str], None],
) -> dict[str, dict[str, Any]]:
    """Result per network key; networks that several pairs or experiments share are trained once."""
    wanted = {t.key: t for p in pairs for t in (p.a, p.b)}
    say(f"{plural(len(wanted), 'network')}, {plural(len(pairs), 'pair')} in {folder}")
    done = _run("networks", run, tasks.train, wanted, folder)
    for key, result in done.items():
        failed = result["status"] == "failed"
        counts["networks_failed" if failed else "trained" if result["made"] else "networks_kept"] += 1
        if failed:
            say(f"{wanted[key].title}: failed: {result['reason']}")
    say(f"networks: {counts['trained']} trained, {counts['networks_kept']} kept, {counts['networks_failed']} failed")
    return done


def _pairs(
    pairs: list[PlannedPair],
    networks: dict[str, dict[str, Any]],
    run: Runner,
    folder: Path,
    counts: Counter[str],
    say: Callable[[str], None],
) -> list[dict[str, Any]]:
    wanted, keys, hopeless = {}, [], {}
    for k, p in enumerate(pairs):
        failed = next((t for t in (p.a, p.b) if networks[t.key]["status"] == "failed"), None)
        if failed is not None:
            why = networks[failed.key]
            hopeless[k] = {**why, "row": {}, "reason": f"{failed.title}: {why['reason']}"}
            keys.append("")
            continue
        task = p.task(networks[p.a.key]["file_sha256"], networks[p.b.key]["file_sha256"])
        wanted[task.key] = task
        keys.append(task.key)
    done = _run("pairs", run, tasks.certify, wanted, folder)
    rows = []
    for k, p in enumerate(pairs):
        result = hopeless.get(k) or done[keys[k]]
        place = store.certificate_file(folder, keys[k]) if result["status"] not in ("failed", "rejected") else None
        if place is not None and not place.exists():
            lost = f"{place} is not there although a worker wrote it: workers need the sweep's folder on a shared disk"
            result, place = tasks.failed(VerifierError(lost)), None
        rows.append(full_row(p, result, None if place is None else place.relative_to(folder)))
    for result in done.values():
        if result["status"] not in ("failed", "rejected"):
            counts["made" if result["made"] else "kept"] += 1
    say(f"certificates: {counts['made']} made, {counts['kept']} kept after a check")
    return rows


def _run(
    what: str, run: Runner, function: Callable[..., dict[str, Any]], wanted: dict[str, Any], folder: Path
) -> dict[str, dict[str, Any]]:
    keys, work = list(wanted), partial(function, folder=str(folder))
    lost = lambda task, error: tasks.failed(error)
    return {keys[k]: result for k, result in run.run(work, list(wanted.values()), lost, what=what)}

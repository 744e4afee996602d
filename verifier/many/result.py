"""What `certify_all` returns, and the tables it writes beside the certificates."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from verifier.files import atomic_write_bytes
from verifier.kernel.fast.forward import Interval
from verifier.many.group import Group
from verifier.many.pairs import PairRow, read_pair
from verifier.many.together import Components, Landscape, landscape
from verifier.numbers import plural, show_down, show_up
from verifier.outcomes import Outcome, worst_exit_code
from verifier.pipeline.kept import NotThis
from verifier.pipeline.verdict_line import WEIGHTED

COLUMNS = (
    "a", "b", "file_a", "file_b", "status", "F_a", "F_b", "F_a_lower", "F_a_upper", "F_b_lower", "F_b_upper", "sup", "gap", "method",
    "best_gap", "best_sup", "through", "pass_sup", "pass_through", "apart_below", "cpu_seconds", "certificate", "certificate_sha256", "reason", "exit_code",
    "polished", "weighted",
)  # fmt: skip


@dataclass(frozen=True)
class ManyResult:
    """rows: one per pair, in the order of the networks. landscape: what their certificates prove together. level: of `components`.

    asked: whether the level was given, and so decides the verdict. folder: where the certificates are. tables: results.csv and results.json there.
    """

    group: Group
    rows: tuple[PairRow, ...]
    landscape: Landscape
    level: float
    asked: bool
    folder: Path
    tables: tuple[Path, ...] = ()

    @property
    def components(self) -> Components:
        return self.landscape.components(self.level)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(m.name for m in self.group.members)

    @property
    def gaps(self) -> dict[tuple[str, str], float]:
        """The least certified bound on the gap of each pair that has one, directly or through other networks."""
        return {(self.names[a], self.names[b]): c.gap for (a, b), c in self.landscape.chains.items()}

    @property
    def exit_code(self) -> int:
        """The worst of the pairs and, where a level was asked for, of the answer about it."""
        codes = [r.exit_code for r in self.rows]
        return worst_exit_code([*codes, self._level_outcome.exit_code] if self.asked else codes)

    @property
    def outcome(self) -> Outcome | None:
        """None when a pair failed; its row says why."""
        return {0: Outcome.CERTIFIED, 3: Outcome.INCONCLUSIVE}.get(
            self.exit_code, Outcome.REFUTED if self.refuted else None
        )

    @property
    def refuted(self) -> bool:
        return self.asked and self._level_outcome is Outcome.REFUTED and all(r.exit_code != 5 for r in self.rows)

    @property
    def _level_outcome(self) -> Outcome:
        c = self.components
        if len(c.above) == len(self.names) or len(c.separated) > 1:
            return Outcome.REFUTED
        return Outcome.CERTIFIED if len(c.groups) == 1 and not c.undecided else Outcome.INCONCLUSIVE

    @property
    def sentence(self) -> str:
        """The one verdict line."""
        word = self.outcome.value if self.outcome else "FAILED"
        return f"{word} {self.finding}"

    @property
    def finding(self) -> str:
        """What was found, without the word."""
        pairs, gaps = len(self.rows), self.landscape.chains
        parts = [f"{len(gaps)} of {plural(pairs, 'pair')} of {plural(len(self.names), 'network')} bounded"]
        if gaps:
            (a, b), worst = max(gaps.items(), key=lambda item: item[1].gap)
            zero = sum(c.gap == 0.0 for c in gaps.values())
            if zero:
                parts.append(f"gap <= 0 on {'all' if zero == len(gaps) else zero}")
            if worst.gap > 0.0:
                parts.append(f"largest gap <= {show_up(worst.gap)} ({self.names[a]} - {self.names[b]})")
        failed = sum(r.status in ("failed", "rejected") for r in self.rows)
        parts += [f"{failed} failed"] if failed else []
        proved = {p: excess_down(a.level, self._E(p)) for p, a in self.landscape.apart.items()}
        if proved and max(proved.values()) > 0.0:
            (a, b), most = max(proved.items(), key=lambda item: item[1])
            parts.append(
                f"gap > 0 on {sum(v > 0.0 for v in proved.values())}, largest >= {show_down(most)} ({self.names[a]} - {self.names[b]})"
            )
        better = len(self.landscape.improvements)
        parts += [f"{better} lower through others"] if better else []
        narrow = [m.name for m in self.group.members if m.endpoint.padded_from is not None]
        widths = "-".join(map(str, self.group.members[0].network.widths))
        polished = any(m.endpoint.polished for m in self.group.members)
        less = [m.name for m in self.group.members if m.endpoint.source.get("left_out")]
        same = "" if polished else ", the same function"
        parts += [f"{', '.join(narrow)} padded with dead neurons to {widths}{same}"] if narrow else []
        parts += [f"{', '.join(less)} without entries that were left out as asked"] if less else []
        parts += ["of the polished copies, not of the networks that were loaded"] if polished else []
        parts += [WEIGHTED] if self.group.data.weights is not None else []
        level = level_words(self.components, len(self.names))
        # Where a level was asked about, the word before the sentence is about it.
        return "; ".join([level, *parts] if self.asked else [*parts, level])

    def _E(self, pair: tuple[int, int]) -> float:
        return max(self.landscape.values[k].upper for k in pair)

    def rechecked(self) -> ManyResult:
        """The same from the files as they are now: a certificate that does not read back or that the kernel rejects counts no more."""
        rows = []
        for r in self.rows:
            if r.facts is not None:
                try:
                    r = replace(r, facts=read_pair(r.file, self.group.problem(r.a, r.b)))
                except NotThis as error:
                    r = replace(r, facts=None, status="rejected", reason=str(error), exit_code=5)
            rows.append(r)
        together = gather(len(self.names), rows)
        return replace(self, rows=tuple(rows), landscape=together, level=self.level if self.asked else together.top)

    def __str__(self) -> str:
        return self.sentence


def level_words(c: Components, n: int) -> str:
    """The finding about the level; absence of a connection is not a finding."""
    k, inside = len(c.groups), sum(map(len, c.groups))
    if math.isinf(c.level):
        return "no network has a certified value"
    where = f"F <= {level_text(c.level)}"
    if not inside:
        return f"no network is certified at {where}"
    who = f"all {n}" if inside == n else f"{inside}"
    least = len(c.separated)
    if k == 1:
        count = "one component"
    elif least == k:
        count = f"exactly {k} components that hold them"
    else:
        count = f"at least {least} and at most {k} components" if least > 1 else f"at most {k} components"
    return f"{who} networks at {where} in {count}"


def level_text(level: float) -> str:
    """The level itself, all its digits: rounded either way, a sentence that counts components at it or says that none is there may be about another set."""
    return repr(level)


def gather(n: int, rows: Sequence[PairRow]) -> Landscape:
    """The landscape of what the rows' certificates say; every certificate of a network encloses the same F, so its intervals are intersected."""
    values = [Interval(-math.inf, math.inf)] * n
    links, barriers = {}, {}
    for r in rows:
        if r.facts is None:
            continue
        for k, found in ((r.a, r.facts.A), (r.b, r.facts.B)):
            values[k] = Interval(max(values[k].lower, found.lower), min(values[k].upper, found.upper))
        if r.facts.link is not None:
            links[r.a, r.b] = r.facts.link
        if r.facts.barrier is not None:
            barriers[r.a, r.b] = r.facts.barrier
    return landscape(values, links, barriers)


def excess_down(level: float, E: float) -> float:
    """level - E, rounded down."""
    return math.nextafter(level - E, -math.inf)


def finite(x: float | None) -> float | None:
    """None for what JSON and a table have no number for."""
    return x if x is not None and math.isfinite(x) else None


def table_rows(result: ManyResult) -> list[dict[str, Any]]:
    """One plain object per pair."""
    found, names, out = result.landscape, result.names, []
    for r in result.rows:
        A, B = result.group.members[r.a], result.group.members[r.b]
        link, facts = found.links.get((r.a, r.b)), r.facts
        chain, on_tree = found.chains.get((r.a, r.b)), found.passes.get((r.a, r.b))
        va, vb = found.values[r.a], found.values[r.b]
        out.append(
            {
                "a": A.name, "b": B.name, "file_a": A.endpoint.source.get("file"), "file_b": B.endpoint.source.get("file"), "status": r.status,
                "F_a": A.F, "F_b": B.F, "F_a_lower": finite(va.lower), "F_a_upper": finite(va.upper),
                "F_b_lower": finite(vb.lower), "F_b_upper": finite(vb.upper),
                "sup": link.sup if link else None, "gap": link.gap if link else None, "method": facts.method if facts else None,
                "best_gap": chain.gap if chain else None, "best_sup": chain.sup if chain else None,
                "through": [names[k] for k in chain.nodes[1:-1]] if chain else [],
                "pass_sup": on_tree[0] if on_tree else None, "pass_through": [names[k] for k in on_tree[1][1:-1]] if on_tree else [],
                "apart_below": apart.level if (apart := found.apart.get((r.a, r.b))) else None,
                "cpu_seconds": facts.cpu_seconds if facts else None, "certificate": r.file.name if facts else None,
                "certificate_sha256": facts.digest if facts else None, "reason": r.reason, "exit_code": r.exit_code,
                "polished": A.endpoint.polished or B.endpoint.polished, "weighted": result.group.data.weights is not None,
            }
        )  # fmt: skip
    return out


def as_json(result: ManyResult) -> dict[str, Any]:
    """The result for machines. Numbers are float64 and read back exactly."""
    found, names, c = result.landscape, result.names, result.components
    return {
        "outcome": result.outcome.value if result.outcome else "FAILED", "sentence": result.sentence, "exit_code": result.exit_code,
        "folder": str(result.folder), "weighted": result.group.data.weights is not None,
        "networks": [
            {"name": m.name, "file": m.endpoint.source.get("file"), "sha256": m.network.sha256(), "F": m.F, "loss": m.loss, "penalty": m.penalty,
             "accuracy": m.accuracy, "padded_from": m.endpoint.padded_from, "polished": m.endpoint.polished, "lower": finite(v.lower), "upper": finite(v.upper)}
            for m, v in zip(result.group.members, found.values)
        ],
        "pairs": table_rows(result),
        "tree": [{"a": names[e.a], "b": names[e.b], "height": e.height} for e in found.tree],
        "merges": [
            {"height": m.height, "apart_below": m.apart, "left": [names[k] for k in sorted(m.left)], "right": [names[k] for k in sorted(m.right)]}
            for m in found.merges
        ],
        "components": {
            "level": finite(c.level), "groups": [[names[k] for k in g] for g in c.groups], "above": [names[k] for k in c.above],
            "undecided": [names[k] for k in c.undecided], "separated": [names[k] for k in c.separated],
        },
    }  # fmt: skip


def write_tables(result: ManyResult) -> tuple[Path, ...]:
    """results.csv (one row per pair; empty: no figure; networks of a chain joined by " > ") and results.json, each whole or not at all."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in table_rows(result):
        writer.writerow({k: " > ".join(v) if isinstance(v, list) else v for k, v in row.items()})
    places = (result.folder / "results.csv", result.folder / "results.json")
    texts = (buffer.getvalue(), json.dumps(as_json(result), indent=1, allow_nan=False))
    for place, text in zip(places, texts):
        atomic_write_bytes(place, text.encode("utf-8"))
    return places

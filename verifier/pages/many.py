"""One self-contained page about three or more networks; every pair's certificate is read and checked again while it is written."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from verifier.files import atomic_write_bytes
from verifier.kernel.fast.forward import Interval
from verifier.many.pairs import PairRow
from verifier.many.result import ManyResult, finite, level_text, level_words
from verifier.many.together import Pair
from verifier.networks.network import activation_words
from verifier.numbers import plural, show_down, show_up
from verifier.pages.many_plot import merge_plot
from verifier.report.endpoints import objective_words
from verifier.report.fields import estimate
from verifier.report.html import render_page

TONES = {"certified": "ok", "inconclusive": "warn", "rejected": "bad", "failed": "bad"}


@dataclass(frozen=True)
class Cell:
    """A cell of the matrix of gaps. through: the bound goes through other networks."""

    text: str
    through: bool


def write_many_report(result: ManyResult, out: str | Path | None = None) -> Path:
    """Write the page, whole or not at all, each certificate checked again for it; returns where, by default report.html beside the certificates.

    Raises UsageError when the place cannot be written.
    """
    target = result.folder / "report.html" if out is None else Path(out)
    atomic_write_bytes(target, render_many(result, target).encode("utf-8"))
    return target


def render_many(result: ManyResult, target: Path) -> str:
    """The page as text, from what the certificates say today. target: where it will be, for its links."""
    return render_page("many.html.jinja", _context(result.rechecked(), target))


def _context(r: ManyResult, target: Path) -> dict[str, Any]:
    found, names, group = r.landscape, r.names, r.group
    drawable = all(finite(v.upper) is not None for v in found.values)
    outcome = r.outcome
    o, network = group.objective, group.members[0].network
    kind = f"{activation_words(network.negative_slope)} networks {network.described.words('–')}"
    return {
        "word": outcome.value if outcome else "REJECTED" if any(p.status == "rejected" for p in r.rows) else "FAILED",
        "tone": {"CERTIFIED": "ok", "INCONCLUSIVE": "warn"}.get(outcome.value if outcome else "", "bad"),
        "finding": f"{r.finding}.",
        "rejected": [{"pair": _pair(r, p), "reason": p.reason} for p in r.rows if p.status == "rejected"],
        "count": len(names),
        "folder": r.folder.name or str(r.folder),
        "objective": objective_words(group.problem(0, 1).objective, weighted=group.objective.weights is not None),
        "size": f"{plural(group.data.samples, 'sample')}, {plural(group.data.dimension, 'feature')}; {kind}",
        "data": group.data.name,
        "balanced": o.penalty == "weight_decay",
        "networks": [_network(r, k, target) for k in range(len(names))],
        "names": names,
        "matrix": [[_cell(r, a, b) for b in range(len(names))] for a in range(len(names))],
        "any_through": bool(found.improvements),
        "tree": [
            {
                "a": names[e.a],
                "b": names[e.b],
                "height": show_up(e.height, 7),
                "gap": show_up(found.links[e.a, e.b].gap),
            }
            for e in found.tree
        ],
        "improvements": [_improvement(r, p) for p in found.improvements],
        "components": _components(r),
        "merges": [
            {
                "height": show_up(m.height, 7),
                "apart": "–" if m.apart is None else show_down(m.apart, 7),
                "left": _list(names, m.left),
                "right": _list(names, m.right),
            }
            for m in found.merges
        ],
        "picture": merge_plot(names, [m.F for m in group.members], found.merges, r.level) if drawable else None,
        "barriers": [_barrier(r, pair) for pair in sorted(found.apart)],
        "pairs": [_pair_row(r, p, target) for p in r.rows],
        "command": f"python -m verifier check {shlex.quote(str(r.folder))}/*.safetensors --reference",
    }


def _list(names: tuple[str, ...], which: Any) -> str:
    return ", ".join(names[k] for k in sorted(which))


def _pair(r: ManyResult, p: PairRow) -> str:
    return f"{r.names[p.a]} – {r.names[p.b]}"


def _interval(v: Interval) -> str:
    if finite(v.lower) is None or finite(v.upper) is None:
        return "none"
    return f"[{show_down(v.lower, 9)}, {show_up(v.upper, 9)}]"


def _network(r: ManyResult, k: int, target: Path) -> dict[str, str]:
    m = r.group.members[k]
    return {
        "name": m.name, "F": estimate(m.F, 8), "interval": _interval(r.landscape.values[k]), "loss": estimate(m.loss, 6),
        "penalty": estimate(m.penalty, 6), "accuracy": "–" if m.accuracy is None else f"{100 * m.accuracy:.2f} %",
        "file": str(m.endpoint.source.get("file", m.endpoint.source.get("from", "–"))), "sha256": m.network.sha256(),
    }  # fmt: skip


def _cell(r: ManyResult, a: int, b: int) -> Cell:
    if a == b:
        return Cell("", False)
    pair = (min(a, b), max(a, b))
    chain = r.landscape.chains.get(pair)
    return Cell("none", False) if chain is None else Cell(show_up(chain.gap, 3), pair in r.landscape.improvements)


def _improvement(r: ManyResult, pair: Pair) -> dict[str, str]:
    chain, own = r.landscape.chains[pair], r.landscape.links.get(pair)
    E = max(r.landscape.values[k].lower for k in pair)
    return {
        "pair": f"{r.names[pair[0]]} – {r.names[pair[1]]}",
        "own": "none" if own is None else show_up(own.gap),
        "gap": show_up(chain.gap),
        "through": ", ".join(r.names[k] for k in chain.nodes[1:-1]),
        "sup": show_up(chain.sup, 7),
        "own_sup": "none" if own is None else show_up(r.landscape.heights[pair], 7),
        "E": "–" if finite(E) is None else show_down(E, 7),
    }


def _barrier(r: ManyResult, pair: Pair) -> dict[str, str]:
    apart, joined = r.landscape.apart[pair], r.landscape.passes.get(pair)
    return {
        "pair": f"{r.names[pair[0]]} – {r.names[pair[1]]}",
        "level": show_down(apart.level, 7),
        "joined": "–" if joined is None else show_up(joined[0], 7),
        "by": "its own certificate" if apart.by == pair else f"that of {r.names[apart.by[0]]} – {r.names[apart.by[1]]}",
    }


def _components(r: ManyResult) -> dict[str, Any]:
    c = r.components
    return {
        "level": "none" if finite(c.level) is None else level_text(c.level),
        "words": level_words(c, len(r.names)),
        "groups": [{"size": len(g), "names": _list(r.names, g)} for g in c.groups],
        "separated": _list(r.names, c.separated) if len(c.separated) > 1 else "",
        "above": _list(r.names, c.above),
        "undecided": _list(r.names, c.undecided),
        "asked": r.asked,
    }


def _pair_row(r: ManyResult, p: PairRow, target: Path) -> dict[str, Any]:
    link, f = r.landscape.links.get((p.a, p.b)), p.facts
    return {
        "pair": _pair(r, p),
        "status": p.status.upper() if p.status == "rejected" else p.status,
        "tone": TONES[p.status],
        "gap": "none" if link is None else show_up(link.gap),
        "sup": "none" if link is None else show_up(link.sup, 7),
        "method": (f.method if f else None) or "–",
        "seconds": "–" if f is None or f.cpu_seconds is None else f"{f.cpu_seconds:.2f}",
        "file": p.file.name if p.file.exists() else "",
        "href": quote(Path(os.path.relpath(p.file, target.parent)).as_posix()),
        "sha256": f.digest if f else "",
        "reason": p.reason or "",
    }

"""Pages about an audit, from its stored records alone: one per paper, and an index."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from verifier.audit.records import contradictions, decode_number, is_claim
from verifier.audit.summary import counts
from verifier.files import atomic_write_bytes
from verifier.numbers import plural
from verifier.pages.audit_plot import Slacks, slack_plot
from verifier.report.fields import estimate
from verifier.report.html import render_page

Record = dict[str, Any]
ROWS = 16  # statements per picture
SPELLED = 24  # entries of an array that the page prints
TONES = {"holds": "ok", "fails": "bad", "does not hold": "warn", "undecided": "warn", "not testable": "note"}


def write_audit_report(
    paper: str, title: str, records: Sequence[Record], searched: Sequence[Record], out: str | Path
) -> Path:
    """Write one paper's page, whole or not at all; returns where. Raises UsageError when the place cannot be written.

    records: findings with the listed counterexamples. searched: findings without them; a statement that has only such a finding shows that one.
    """
    target = Path(out)
    page = render_page("audit.html.jinja", context(paper, title, records, searched))
    atomic_write_bytes(target, page.encode("utf-8"))
    return target


def write_audit_index(papers: Mapping[str, tuple[str, Sequence[Record], Sequence[Record]]], out: str | Path) -> Path:
    """Write the index of papers: name -> (title, records, searched). Its links are to <name>/report.html beside it."""
    rows = []
    for name, (title, records, searched) in papers.items():
        shown = _shown(records, searched)
        rows.append(
            {
                "name": name, "title": title, **{k.replace(" ", "_"): v for k, v in counts(shown).items()}, "claims": len(shown),
                "against": [c for r in shown for c in contradictions(r)], "trials": f"{sum(_trials(r) for r in shown):,}",
                "cpu": f"{sum(r['cpu_seconds'] for r in shown):.0f}",
            }
        )  # fmt: skip
    against = any(r["against"] for r in rows)
    words = {"word": "REFUTED" if against else "AUDITED", "tone": "bad" if against else "note", "rows": rows}
    target = Path(out)
    atomic_write_bytes(target, render_page("audit_index.html.jinja", words).encode("utf-8"))
    return target


def context(paper: str, title: str, records: Sequence[Record], searched: Sequence[Record]) -> dict[str, Any]:
    """What the template of one paper shows."""
    shown = _shown(records, searched)
    alone = {r["identifier"]: r for r in searched}
    against = [c for r in shown for c in contradictions(r)]
    n = counts(shown)
    tried = [x for r in shown for x in ((r, r["repaired"]) if r["repaired"] else (r,)) if x["slacks"]]
    slacks = [_slacks(r) for r in tried]
    made = sorted({f"verifier {r['provenance']['version']}, commit {r['provenance']['commit']}" for r in shown})
    return {
        "paper": paper, "title": title, "word": "REFUTED" if against else "AUDITED", "tone": "bad" if against else "note",
        "finding": _finding(n, sum(_trials(r) for r in shown)), "against": against,
        "rows": [_row(r, alone.get(r["identifier"])) for r in shown],
        "pictures": [p for k in range(0, len(slacks), ROWS) if (p := slack_plot(slacks[k : k + ROWS])) is not None],
        "quantiles": [_quantiles(s) for s in slacks],
        "counterexamples": [_counterexample(r) for r in shown if r["word"] == "fails"],
        "repairs": [_repair(r) for r in shown if r["repaired"]],
        "untestable": [{"name": r["identifier"], "why": r["untestable"]} for r in shown if r["untestable"] is not None],
        "cpu": f"{sum(r['cpu_seconds'] for r in shown):.0f}", "provenance": "; ".join(made),
        "settings": sorted({_settings(r["key"]) for r in shown}),
    }  # fmt: skip


def _shown(records: Sequence[Record], searched: Sequence[Record]) -> list[Record]:
    known = {r["identifier"] for r in records}
    return [*records, *(r for r in searched if r["identifier"] not in known)]


def _trials(r: Record) -> int:
    return int(r["trials"]) + (int(r["repaired"]["trials"]) if r["repaired"] else 0)


def _finding(n: Mapping[str, int], trials: int) -> str:
    parts = [f"{n['fail']} fail", f"{n['hold']} held in every trial"]
    parts += [f"{n['beside']} beside the paper’s claims do not hold"] if n["beside"] else []
    parts += [
        f"{n[k]} {words}" for k, words in (("untestable", "cannot be tested here"), ("undecided", "undecided")) if n[k]
    ]
    return f"Of {plural(sum(n.values()) - n['as listed'], 'claim')}, {', '.join(parts)}; {plural(trials, 'trial', form=',')}."


def _settings(key: Mapping[str, Any]) -> str:
    trials = "each claim's own number of trials" if key["trials"] is None else plural(key["trials"], "trial")
    listed = "with" if key["known"] else "without"
    return f"{trials}, {listed} listed counterexamples, seed {key['seed']}, at most {key['seconds']:g} s of search"


def _word(r: Record) -> str:
    if r["untestable"] is not None:
        return "not testable"
    return str(r["word"]) if is_claim(r) or r["word"] != "fails" else "does not hold"


def _number(value: Any, digits: int = 4) -> str:
    x = decode_number(value)
    return "–" if x is None else estimate(x, digits)


def _row(r: Record, alone: Record | None) -> dict[str, Any]:
    worst = r["worst"] or {}
    word = _word(r)
    return {
        "name": r["identifier"], "place": r["place"] if r.get("page") is None else f"{r['place']}, p. {r['page']}",
        "quote": r["quote"] or "–", "words": r["words"], "word": word, "tone": TONES[word],
        "expected": "–" if r["untestable"] is not None else r["expected"], "error": bool(contradictions({**r, "repaired": None})),
        "about": "" if is_claim(r) else r["about"], "refuted": _refuted(r),
        "hypotheses": "; ".join(r["hypotheses"]), "trials": f"{r['trials']:,}" if worst or r["skipped"] else "–", "skipped": r["skipped"],
        "slack": _number(worst.get("slack"), 3), "origin": worst.get("origin", "–"), "alone": without_list(r, alone),
        "cpu": f"{r['cpu_seconds']:.1f}",
    }  # fmt: skip


def _refuted(r: Record) -> str:
    """What a wrong neighbour says, and how it fared."""
    wrong = r["wrong"]
    if wrong is None or r["word"] != "holds":
        return "–"
    return f"{wrong['words']}: {'refuted' if wrong['label'] else 'NOT refuted'}"


def without_list(r: Record, alone: Record | None) -> str:
    """What finds a violation when no listed counterexample is given: the search alone, or trials that were not listed."""
    if r["untestable"] is not None:
        return "–"
    searched = (alone or r)["by_search"]
    origins = {k: v for k, v in (alone or r)["notes"].get("origins", {}).items() if k not in ("known", "search")}
    trials = sum(v["trials"] for v in origins.values())
    broken = sum(v["violations"] for v in origins.values())
    parts = []
    if searched is not None:
        parts.append("search: yes" if searched else "search: no")
    elif not r["has_search"]:
        parts.append("no search")
    else:
        parts.append("search not run")
    if trials:
        parts.append(f"other trials: {broken:,} of {trials:,}")
    return "; ".join(parts)


def _slacks(r: Record) -> Slacks:
    values = [decode_number(s) for s in r["slacks"]]
    tolerance = decode_number(r["worst"]["tolerance"]) if r["worst"] else None
    return Slacks(r["identifier"], tuple(v for v in values if v is not None), tolerance or 0.0)


def _quantiles(s: Slacks) -> dict[str, str]:
    ordered = sorted(s.values)
    at = lambda q: _capped(ordered[min(len(ordered) - 1, math.floor(q * len(ordered)))])
    broken = sum(v < -s.tolerance for v in ordered)
    return {
        "name": s.name, "least": at(0.0), "percent": at(0.01), "median": at(0.5), "most": at(1.0), "trials": f"{len(ordered):,}", "broken": f"{broken:,}",
    }  # fmt: skip


def _capped(slack: float) -> str:
    """Slacks over numbers that are all but 0 have no meaningful size."""
    return "over 1e6" if slack > 1e6 else estimate(slack, 3)


def _counterexample(r: Record) -> dict[str, Any]:
    w = r["worst"]
    certificate = f"certificates/audit/{r['identifier']}.safetensors" if r["kernel_claim"] else None
    return {
        "name": r["identifier"], "id": r["identifier"].replace(".", "-"), "words": r["words"], "quote": r["quote"], "label": w["label"],
        "origin": {"known": "listed", "search": "found by search"}.get(w["origin"], w["origin"]), "left": _number(w["left"], 7),
        "right": _number(w["right"], 7), "slack": _number(w["slack"]), "text": w["text"], "certificate": certificate,
        "no_certificate": r.get("no_certificate"),
        "values": [(k, spelled(v)) for k, v in w["values"].items()], "file": f"{r['identifier']}{'' if r['key']['known'] else '.no-known'}.json",
    }  # fmt: skip


def spelled(value: Any) -> str:
    """An encoded value in a table cell: small arrays in full, larger ones by their shape."""
    if isinstance(value, dict) and "sha256" in value:
        return f"array of {' × '.join(map(str, value['shape']))}, SHA-256 {value['sha256'][:16]}…"
    if isinstance(value, dict):
        inner = (f"{k}: {spelled(v)}" for k, v in value.items() if k != "type")
        return f"{value.get('type', '')} ({'; '.join(inner)})".strip()
    if isinstance(value, list):
        shape: list[int] = []
        inside: Any = value
        while isinstance(inside, list):
            shape.append(len(inside))
            inside = inside[0] if inside else None
        if math.prod(shape) > SPELLED:
            return f"array of {' × '.join(map(str, shape))}"
        return f"[{', '.join(spelled(v) for v in value)}]"
    if isinstance(value, float):
        return f"{value:.7g}"
    return "–" if value is None else str(value)


def _repair(r: Record) -> dict[str, Any]:
    fixed = r["repaired"]
    why = r["worst"]
    reason = (
        f"{r['word']}: {why['label']}, {_number(why['left'])} against {_number(why['right'])}"
        if why is not None and r["word"] == "fails"
        else f"{_word(r)}, and a sharper statement holds as well" if fixed["word"] == "holds" else _word(r)
    )  # fmt: skip
    return {
        "name": r["identifier"], "words": r["words"], "why": reason, "repaired": fixed["words"], "word": fixed["word"], "tone": TONES[fixed["word"]],
        "refuted": _refuted(fixed), "trials": f"{fixed['trials']:,}", "slack": _number((fixed["worst"] or {}).get("slack"), 3),
        "error": bool(contradictions(fixed)),
    }  # fmt: skip

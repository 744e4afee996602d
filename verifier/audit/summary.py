"""From records to one sentence and one exit code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from verifier.audit.records import all_as_expected, contradictions, is_claim
from verifier.numbers import plural
from verifier.outcomes import Finding, Outcome


def summarise(records: Sequence[dict[str, Any]]) -> Finding:
    """Of records as `store.run_all` returns them, of one or more papers: REFUTED (5) when a verdict contradicts what is listed, INCOMPLETE (1) when an
    exception ended a statement, INCONCLUSIVE (3) when the hypotheses of one were met in no trial, else AUDITED (0)."""
    papers = dict.fromkeys(r["paper"] for r in records)
    parts = [f"{p}: {counts_in_words([r for r in records if r['paper'] == p])}" for p in papers]
    against = [c for r in records if "failed" not in r for c in contradictions(r)]
    broken = [r["identifier"] for r in records if "failed" in r]
    open_ones = [
        r["identifier"] for r in records if "failed" not in r and r["untestable"] is None and r["word"] == "undecided"
    ]
    outcome = (
        Outcome.REFUTED
        if against
        else Outcome.INCOMPLETE
        if broken
        else Outcome.INCONCLUSIVE
        if open_ones
        else Outcome.AUDITED
    )
    if against:
        parts.append("not as listed: " + ", ".join(against))
    if broken:
        parts.append("ended with an exception: " + ", ".join(broken))
    if open_ones:
        parts.append("hypotheses never met: " + ", ".join(open_ones))
    return Finding.of(outcome, "; ".join(parts))


def counts(records: Sequence[dict[str, Any]]) -> dict[str, int]:
    """How many hold, fail, are untestable or undecided; how many came out as listed. beside: assumptions, controls and remarks that do not hold."""
    done = [r for r in records if "failed" not in r]
    testable = [r for r in done if r["untestable"] is None]
    return {
        "hold": sum(r["word"] == "holds" for r in testable),
        "fail": sum(r["word"] == "fails" and is_claim(r) for r in testable),
        "beside": sum(r["word"] == "fails" and not is_claim(r) for r in testable),
        "untestable": len(done) - len(testable),
        "undecided": sum(r["word"] == "undecided" for r in testable),
        "as listed": sum(all_as_expected(r) for r in done),
    }


def counts_in_words(records: Sequence[dict[str, Any]]) -> str:
    """E.g. "9 hold, 10 fail, 1 untestable; 20 as listed"; zeros of the rarer kinds are left out."""
    n = counts(records)
    rare = [f"{n['beside']} beside the paper's claims do not hold"] if n["beside"] else []
    rare += [f"{n[k]} {k}" for k in ("untestable", "undecided") if n[k]]
    return ", ".join([f"{n['hold']} hold", f"{n['fail']} fail", *rare]) + f"; {n['as listed']} as listed"


def line(record: dict[str, Any]) -> str:
    """One statement as progress."""
    name = f"{record['paper']} {record['identifier']}"
    if "failed" in record:
        return f"{name}: not tried, an exception ended it\n{record['failed'].rstrip()}"
    if record["untestable"] is not None:
        return f"{name}: not testable here: {record['untestable']}"
    text = f"{name}: {_verdict(record)}"
    if record["repaired"] is not None:
        text += f"; repaired, it {_verdict(record['repaired'])}"
    return f"{text}; {record['cpu_seconds']:.1f} CPU s" + ("" if all_as_expected(record) else "  << not as listed")


def _verdict(record: dict[str, Any]) -> str:
    worst = record["worst"]
    if worst is None:
        return f"undecided: the hypotheses failed in all {record['skipped']} trials"
    trials = plural(record["trials"], "trial")
    slack = worst["slack"] if isinstance(worst["slack"], str) else f"{worst['slack']:.3g}"
    searched = {None: "", True: ", found by search", False: ", search found nothing"}[record["by_search"]]
    if record["word"] == "fails":
        word = "fails" if is_claim(record) else f"does not hold, {record['about']}"
        return f"{word} ({trials}{searched}; worst: {worst['origin']}, {worst['label']}, slack {slack})"
    wrong = record["wrong"]
    refuted = (
        ""
        if wrong is None
        else f"; they refute that {wrong['words']}"
        if wrong["label"]
        else f"; THEY DO NOT REFUTE that {wrong['words']}"
    )
    return f"held in {trials}{searched} (least slack {slack}, {worst['origin']}{refuted})"

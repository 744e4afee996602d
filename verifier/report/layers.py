"""Losses per layer behind a deep path, as in Figure 3 of Nguyen, Bréchet, Mondelli 2021: what its notes say, for a chart, a table and sentences.

Notes are free-form and untrusted: a path whose notes do not hold a finite number per layer is left out. Their numbers were evaluated in
float64 at vertices of the path; certified maxima come from accepted claims alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from verifier.numbers import show_up
from verifier.report.fields import estimate, number, numbers, rows, table, text
from verifier.report.recheck import CheckedPath, Recheck

# What notes call the values of layers 1, ..., L-1, and what these are.
THEOREM41, DROPOUT, EXCHANGE = "theorem41", "dropout", "exchange"
MEANING = {
    THEOREM41: "Theorem 4.1, Q_l: all neurons below layer l, K_l of its neurons, and above them a trained sub-network whose head is a convex program",
    DROPOUT: "Dropout, D_l: half of the neurons of each of the layers l to L-1, weights and biases kept, the head scaled by the best factor",
    EXCHANGE: "Exchange, stages: half of layer l under a trained sub-network; of the last hidden layer all but the block that changes over; "
    "between stages, heads on rows of both",
}


@dataclass(frozen=True)
class Series:
    """Values of one path. kind: THEOREM41, DROPOUT or EXCHANGE. values: F by (layer, "A" or "B"); layer 0 is common to both.

    between: the largest F of heads between its stages (EXCHANGE). kept: neurons kept of each layer, as text by (layer, endpoint).
    sup: the certified maximum, None when rejected. holds: a sentence.
    """

    name: str
    kind: str
    values: dict[tuple[int, str], float]
    between: float | None
    kept: dict[tuple[int, str], str]
    sup: float | None
    holds: str


@dataclass(frozen=True)
class LayerTable:
    """Rows of text under `columns`; the first cell of a row is its head."""

    columns: list[str]
    rows: list[list[str]]


def layer_series(found: Recheck, record: dict[str, Any], hidden: list[int]) -> list[Series]:
    """One per path whose notes carry losses per layer. hidden: widths of the hidden layers; [] for fewer than two of them."""
    if len(hidden) < 2:
        return []
    paths = table(record.get("paths"))
    read = [_series(p, table(table(paths.get(p.claim.path)).get("notes")), hidden, found.E) for p in found.paths]
    return [s for s in read if s is not None]


def _series(
    path: CheckedPath, notes: dict[str, Any], hidden: list[int], E: tuple[float, float] | None
) -> Series | None:
    kind, values, kept, between = THEOREM41, _per_endpoint(notes, "Q", len(hidden)), {}, None
    if values:
        common = number(notes.get("Q_0"))
        values |= {} if common is None else {(0, "A"): common, (0, "B"): common}
        kept = _kept(notes, hidden)
    elif values := _per_endpoint(notes, "D", len(hidden)):
        kind = DROPOUT
    else:
        kind, values, between = EXCHANGE, _stages(notes, len(hidden)), _between(notes)
    if not values:
        return None
    sup = path.claim.sup if path.accepted else None
    return Series(path.claim.path, kind, values, between, kept, sup, _holds(path, notes, values, between, E))


def _per_endpoint(notes: dict[str, Any], key: str, layers: int) -> dict[tuple[int, str], float]:
    """{} unless both endpoints have a number for each layer."""
    found = {e: numbers(table(notes.get(e)).get(key), layers) for e in "AB"}
    if any(v is None for v in found.values()):
        return {}
    return {(l, e): v for e, values in found.items() for l, v in enumerate(values or [], start=1)}


def _kept(notes: dict[str, Any], hidden: list[int]) -> dict[tuple[int, str], str]:
    sizes = {e: numbers(table(notes.get(e)).get("K"), len(hidden)) for e in "AB"}
    return {
        (l, e): f"{K:.0f} of {n}"
        for e, found in sizes.items()
        for l, (K, n) in enumerate(zip(found or [], hidden), start=1)
    }


def _stages(notes: dict[str, Any], layers: int) -> dict[tuple[int, str], float]:
    """Stages of exchange in depth that belong to a layer of an endpoint; portions of layer 1 belong to both and are in the table of notes alone."""
    out: dict[tuple[int, str], float] = {}
    for stage in rows(notes.get("stages")):
        layer, end, value = stage.get("layer"), text(stage.get("endpoint")), number(stage.get("value"))
        if type(layer) is int and 1 <= layer <= layers and end in ("A", "B") and value is not None:
            out[layer, end] = max(value, out.get((layer, end), value))
    return out


def _triples(value: Any) -> list[list[Any]]:
    """The lists of three of a list."""
    return [v for v in value if isinstance(v, list) and len(v) == 3] if isinstance(value, list) else []


def _between(notes: dict[str, Any]) -> float | None:
    """The largest value of a head program between stages."""
    found = [number(p[2]) for p in _triples(notes.get("passages"))]
    return max((v for v in found if v is not None), default=None)


def _holds(
    path: CheckedPath,
    notes: dict[str, Any],
    values: dict[tuple[int, str], float],
    between: float | None,
    E: tuple[float, float] | None,
) -> str:
    """Which layer and which program holds the path's bound up."""
    claim = path.claim
    certified = f"certified maximum {show_up(claim.sup, 6)}" if path.accepted else "its claim is rejected"
    (layer, end), top = max(values.items(), key=lambda item: item[1])
    where = "the sub-network on the inputs" if layer == 0 else f"layer {layer} of {end}"
    if between is not None and between > top:
        where, top = "a head between two stages", between
    stated, held = number(notes.get("max_value")), text(notes.get("held_by"))
    if stated is not None and stated >= top:
        where, top = held or where, stated
    largest = f"{estimate(top, 6)}, evaluated"
    if path.accepted and claim.gap == 0.0:
        return f"{claim.path}: the endpoints hold the bound up, no layer does; the largest of these losses is {largest} ({where}); {certified}."
    if E is not None and top <= E[1]:
        return f"{claim.path}: none of these losses exceeds E; the largest is {largest} ({where}); {certified}."
    return f"{claim.path}: held up by {where}, {largest}; {certified}."


def layer_table(series: list[Series], hidden: list[int], E: tuple[float, float] | None) -> LayerTable:
    """Values per layer, from the inputs up; under them the largest values and the certified maxima."""
    ends = [(s, e) for s in series for e in "AB"]
    columns = ["layer l"]
    for s, e in ends:
        columns += [f"{s.name}, {e}", *(["kept"] if s.kept else [])]
    body = []
    for l in sorted({l for s in series for l, _ in s.values}):
        row = ["0 (inputs)" if l == 0 else str(l)]
        for s, e in ends:
            row += [estimate(s.values.get((l, e)), 6), *([s.kept.get((l, e), "–")] if s.kept else [])]
        body.append(row)
    if any(s.between is not None for s in series):
        body.append(["heads between stages", *_spread(ends, lambda s, e: estimate(s.between, 6) if e == "A" else "–")])
    body.append(["largest", *_spread(ends, lambda s, e: estimate(_largest(s, e), 6))])
    body.append(
        ["certified maximum", *_spread(ends, lambda s, _: "REJECTED" if s.sup is None else f"≤ {show_up(s.sup, 6)}")]
    )
    if E is not None:
        body.append(["E", *_spread(ends, lambda *_: f"≤ {show_up(E[1], 6)}")])
    return LayerTable(columns, body)


def _largest(s: Series, e: str) -> float | None:
    return max((v for (_, end), v in s.values.items() if end == e), default=None)


def _spread(ends: list[tuple[Series, str]], cell: Any) -> list[str]:
    """One cell per series and endpoint, and a dash under `kept`."""
    return [x for s, e in ends for x in ([cell(s, e), "–"] if s.kept else [cell(s, e)])]

"""Mutation operators on certificates in memory: each changes a document and its arrays, and hashes are made right again afterwards."""

from __future__ import annotations

import copy
import json
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

from verifier.certificate.file import _open, pack
from verifier.certificate.hashing import arrays_sha256
from verifier.certificate.parse import parse_document
from verifier.certificate.strict import parse_json
from verifier.errors import CertificateFormatError

Document = dict[str, Any]
Arrays = dict[str, np.ndarray]
Rng = np.random.Generator

LOSSES = ("logistic", "hinge", "cross_entropy", "squared", "absolute", "huber", "exponential")
PENALTIES = ("none", "l1", "path", "weight_decay")
NUMBERS = (
    "lower",
    "upper",
    "sup",
    "gap",
    "gap_over_lower",
    "level",
    "gap_over_level",
    "head_limit",
    "gap_lower",
    "gap_upper",
    "bias_limit",
    "margin",
    "time",
)


class NotApplicable(Exception):
    """The operator finds nothing to change here."""


def pick(rng: Rng, items: Any) -> Any:
    items = list(items)
    if not items:
        raise NotApplicable
    return items[int(rng.integers(len(items)))]


def nudged(rng: Rng, x: float) -> float:
    """Another float: an ulp away, a bit flipped, scaled, negated, or something special."""
    kind = int(rng.integers(8))
    with np.errstate(all="ignore"):
        if kind == 0:
            return float(np.nextafter(x, pick(rng, (-np.inf, np.inf))))
        if kind == 1:
            (bits,) = struct.unpack("<Q", struct.pack("<d", x))
            return struct.unpack("<d", struct.pack("<Q", bits ^ (1 << int(rng.integers(64)))))[0]
        if kind in (2, 3):
            return float(x * (1.0 + pick(rng, (-1, 1)) * 2.0 ** -float(rng.integers(0, 52))))
        if kind == 4:
            return -x
        if kind == 5:
            return float(pick(rng, (0.0, -0.0, 1.0, -1.0, 5e-324, 1e-300, 1e300, 2.0**-30)))
        return float(x + rng.normal() * 10.0 ** float(rng.integers(-9, 2)))


# --- operators -----------------------------------------------------------------------------------------------------------


def claim_number(rng: Rng, d: Document, a: Arrays) -> None:
    claim = pick(rng, d["claims"])
    name = pick(rng, (k for k in NUMBERS if claim.get(k) is not None))
    claim[name] = nudged(rng, float.fromhex(claim[name])).hex()


def claim_number_shrunk(rng: Rng, d: Document, a: Arrays) -> None:
    """A tighter claim by a random factor: the mutation a cheat would make."""
    claim = pick(rng, d["claims"])
    name = pick(rng, (k for k in NUMBERS if claim.get(k) is not None))
    factor = 1.0 - 2.0 ** -float(rng.integers(1, 53))
    x = float.fromhex(claim[name])
    below = name in ("lower", "gap_lower") or claim["kind"] in (
        "barrier_lower_bound",
        "sign_count_barrier",
        "cone_barrier",
    )
    claim[name] = (x / factor if below else x * factor).hex()


def claim_fields_swapped(rng: Rng, d: Document, a: Arrays) -> None:
    one, two = pick(rng, d["claims"]), pick(rng, d["claims"])
    p, q = (pick(rng, (k for k in NUMBERS if k in c)) for c in (one, two))
    one[p], two[q] = two[q], one[p]


def claim_field_null(rng: Rng, d: Document, a: Arrays) -> None:
    claim = pick(rng, d["claims"])
    claim[pick(rng, (k for k in claim if k != "kind"))] = None


def claim_network(rng: Rng, d: Document, a: Arrays) -> None:
    claim = pick(rng, (c for c in d["claims"] if "network" in c))
    claim["network"] = pick(rng, ("A", "B", "C"))


def claim_level(rng: Rng, d: Document, a: Arrays) -> None:
    claim = pick(rng, (c for c in d["claims"] if "sup" in c))
    claim["level"], claim["gap_over_level"] = (
        claim[pick(rng, ("sup", "gap_over_lower"))],
        pick(rng, ("0x0.0p+0", claim["gap"])),
    )


def array_entry(rng: Rng, d: Document, a: Arrays) -> None:
    array = a[pick(rng, (k for k in a if a[k].size))]
    at = tuple(int(rng.integers(n)) for n in array.shape)
    array[at] = nudged(rng, float(array[at])) if array.dtype.kind == "f" else int(array[at]) + int(rng.integers(-2, 3))


def path_entry(rng: Rng, d: Document, a: Arrays) -> None:
    """An entry that no hash protects: written values, indices, breakpoints, transfers, heads and duals."""
    array_entry(rng, d, {k: v for k, v in a.items() if k.startswith(("paths/", "claims/"))} or a)


def value_everywhere(rng: Rng, d: Document, a: Arrays) -> None:
    """One number replaced wherever it stands, so that a path still ends in B."""
    array = a[pick(rng, (k for k in a if a[k].size and a[k].dtype.kind == "f"))]
    old = float(pick(rng, array.ravel().tolist()))
    new = nudged(rng, old)
    for other in a.values():
        if other.dtype.kind == "f":
            other[other == old] = new


def entry_copied(rng: Rng, d: Document, a: Arrays) -> None:
    name = pick(rng, (k for k in a if a[k].size > 1))
    flat = a[name].reshape(-1)
    flat[int(rng.integers(flat.size))] = flat[int(rng.integers(flat.size))]


def array_reshaped(rng: Rng, d: Document, a: Arrays) -> None:
    name = pick(rng, a)
    a[name] = pick(rng, (a[name].T.copy(), a[name][:-1], a[name][::-1].copy(), a[name].reshape(-1), a[name][None]))


def array_scaled(rng: Rng, d: Document, a: Arrays) -> None:
    name = pick(rng, (k for k in a if a[k].dtype.kind == "f"))
    with np.errstate(all="ignore"):
        a[name] = a[name] * float(pick(rng, (0.0, -1.0, 0.5, 2.0, 1.0 + 2.0**-52, 1e150, 1e-150, 2.0**-1060)))


def arrays_exchanged(rng: Rng, d: Document, a: Arrays) -> None:
    p, q = pick(rng, a), pick(rng, a)
    a[p], a[q] = a[q], a[p]


def rows_permuted(rng: Rng, d: Document, a: Arrays) -> None:
    """Samples, or neurons of one network, in another order."""
    if rng.random() < 0.5:
        order = rng.permutation(len(a["data/X"]))
        a["data/X"], a["data/targets"] = a["data/X"][order], a["data/targets"][order]
        return
    n = pick(rng, ("A", "B"))
    order = rng.permutation(len(a[f"{n}/W1"]))
    a[f"{n}/W1"], a[f"{n}/W2"] = a[f"{n}/W1"][order], a[f"{n}/W2"][:, order]
    if f"{n}/b1" in a:
        a[f"{n}/b1"] = a[f"{n}/b1"][order]


def neuron_rescaled(rng: Rng, d: Document, a: Arrays) -> None:
    """(w, theta) -> (2 w, theta / 2) in A or B: f stays, penalties may not."""
    n = pick(rng, ("A", "B"))
    i = int(rng.integers(len(a[f"{n}/W1"])))
    a[f"{n}/W1"][i] *= 2.0
    a[f"{n}/W2"][:, i] *= 0.5
    if f"{n}/b1" in a:
        a[f"{n}/b1"][i] *= 2.0


def networks_exchanged(rng: Rng, d: Document, a: Arrays) -> None:
    for name in [k for k in a if k.startswith("A/")]:
        a[name], a["B" + name[1:]] = a["B" + name[1:]], a[name]
    if rng.random() < 0.5:
        for claim in d["claims"]:
            if "network" in claim:
                claim["network"] = "B" if claim["network"] == "A" else "A"


def objective_field(rng: Rng, d: Document, a: Arrays) -> None:
    o = d["objective"]
    name = pick(rng, o)
    if name == "loss":
        o["loss"] = pick(rng, LOSSES)
        o["delta"] = (0.5).hex() if o["loss"] == "huber" else None
    elif name == "penalty":
        o["penalty"] = pick(rng, PENALTIES)
        if o["penalty"] == "none":
            o["kappa"] = (0.0).hex()
        elif o["kappa"] == (0.0).hex():
            o["kappa"] = (2.0**-3).hex()
    elif name == "penalise_output_bias":
        o[name] = not o[name]
    else:
        o[name] = nudged(rng, float.fromhex(o[name] or "0x0.0p+0")).hex()


def _moves(rng: Rng, d: Document) -> list[dict[str, Any]]:
    return pick(rng, (p for p in d["paths"] if p["moves"]))["moves"]


def _forget(value: Any, a: Arrays) -> None:
    """Remove the arrays that a dropped part of the document names."""
    for v in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _forget(v, a)
        if isinstance(v, str):
            a.pop(v, None)


def _renamed(value: Any, a: Arrays, rng: Rng) -> Any:
    """A copy of a part of the document that names copies of its arrays."""
    if isinstance(value, dict):
        return {k: _renamed(v, a, rng) for k, v in value.items()}
    if isinstance(value, list):
        return [_renamed(v, a, rng) for v in value]
    if isinstance(value, str) and value in a:
        name = f"{value}/copy{int(rng.integers(2**31))}"
        a[name] = a[value].copy()
        return name
    return value


def part_dropped(rng: Rng, d: Document, a: Arrays) -> None:
    parts = _moves(rng, d)
    if rng.random() < 0.5:
        parts = pick(rng, parts)["writes"]
    _forget([parts.pop(int(rng.integers(len(parts))))] if parts else pick(rng, ()), a)


def part_repeated(rng: Rng, d: Document, a: Arrays) -> None:
    parts = _moves(rng, d)
    if rng.random() < 0.3:
        parts = pick(rng, parts)["writes"]
    parts.insert(int(rng.integers(len(parts) + 1)), _renamed(pick(rng, parts), a, rng))


def parts_reordered(rng: Rng, d: Document, a: Arrays) -> None:
    parts = _moves(rng, d)
    if rng.random() < 0.3:
        parts = pick(rng, parts)["writes"]
    i, j = int(rng.integers(len(parts) or 1)), int(rng.integers(len(parts) or 1))
    if parts:
        parts[i], parts[j] = parts[j], parts[i]


def moves_merged(rng: Rng, d: Document, a: Arrays) -> None:
    """Two moves in one: the straight segment that skips a vertex."""
    moves = _moves(rng, d)
    if len(moves) < 2:
        raise NotApplicable
    i = int(rng.integers(len(moves) - 1))
    second = moves.pop(i + 1)
    moves[i]["writes"] += second.pop("writes")
    _forget(second, a)


def write_field(rng: Rng, d: Document, a: Arrays) -> None:
    write = pick(rng, pick(rng, _moves(rng, d))["writes"])
    name = pick(rng, ("layer", "part", "axis", "index"))
    if name == "index":
        a.pop(write["index"] or "", None)
        write["index"] = None
    elif name == "part":
        write["part"] = "bias" if write["part"] == "weight" else "weight"
    else:
        write[name] += pick(rng, (-1, 1))


def breakpoints(rng: Rng, d: Document, a: Arrays) -> None:
    move = pick(rng, _moves(rng, d))
    a.pop(move["breakpoints"] or "", None)
    if rng.random() < 0.3:
        move["breakpoints"] = None
        return
    move["breakpoints"] = "paths/new-breakpoints"
    times = rng.random(int(rng.integers(1, 6)))
    a["paths/new-breakpoints"] = times if rng.random() < 0.1 else np.sort(times)


def transfer(rng: Rng, d: Document, a: Arrays) -> None:
    move = pick(rng, _moves(rng, d))
    a.pop(move["transfer"] or "", None)
    move["kind"] = pick(rng, (move["kind"], "transfer"))
    move["transfer"], move["transfer_layer"] = "paths/new-transfer", int(rng.integers(0, 4))
    a["paths/new-transfer"] = rng.integers(-1, 4, size=(int(rng.integers(1, 3)), 2))


def move_kind(rng: Rng, d: Document, a: Arrays) -> None:
    """Another kind, with the fields that belong to it."""
    move = pick(rng, _moves(rng, d))
    move["kind"] = pick(rng, ("idle", "transfer", "head", "chord", "rescale", "layer"))
    for name in ("breakpoints", "transfer", "factors"):
        if rng.random() < 0.8:
            a.pop(move[name] or "", None)
            move[name] = None
    move["transfer_layer"] = None
    if move["kind"] == "rescale":
        m = len(a["A/W1"])
        move["factors"] = "paths/new-factors"
        a["paths/new-factors"] = np.where(rng.random(m) < 0.5, 1.0, 2.0 ** rng.integers(-3, 4, size=m))


def factors(rng: Rng, d: Document, a: Arrays) -> None:
    name = pick(rng, (m["factors"] for m in _moves(rng, d) if m["factors"]))
    a[name] = a[name] * pick(rng, (2.0, 0.5, -1.0, 0.0, 1.0 + 2.0**-30))


def path_form(rng: Rng, d: Document, a: Arrays) -> None:
    path = pick(rng, d["paths"])
    path["form"] = "balanced" if path["form"] == "literal" else "literal"


def permutation(rng: Rng, d: Document, a: Arrays) -> None:
    """B's neurons in another order, and perhaps the path's word for it."""
    path, m = pick(rng, d["paths"]), len(a["B/W1"])
    order = rng.permutation(m)
    if rng.random() < 0.7:
        a["B/W1"], a["B/W2"] = a["B/W1"][order], a["B/W2"][:, order]
        if "B/b1" in a:
            a["B/b1"] = a["B/b1"][order]
    if path["permutation"] is None and len(d["networks"]["A"]["biases"]) == 2:
        path["permutation"] = ["paths/new-permutation"]
        a["paths/new-permutation"] = pick(rng, (np.argsort(order), order, np.arange(m), np.zeros(m, dtype=np.int64)))


def output_layer(rng: Rng, d: Document, a: Arrays) -> None:
    claim = pick(rng, (c for c in d["claims"] if "output_layer" in c))
    words = ("trained", "frozen", "trained above frozen layers", "frozen above frozen layers")
    claim["output_layer"] = pick(rng, (w for w in words if w != claim["output_layer"]))


def region_owner(rng: Rng, d: Document, a: Arrays) -> None:
    claim = pick(rng, (c for c in d["claims"] if "of" in c))
    claim["of"] = pick(rng, ("A", "B", "pattern" if "bias" in claim else "stored"))
    if "bias" in claim and rng.random() < 0.5:
        claim["bias"] = pick(rng, ((0.0).hex(), (0.5).hex(), (-1.0).hex()))


def output_bias_mode(rng: Rng, d: Document, a: Arrays) -> None:
    """A free output bias kept, or a kept one free, with a point for it or without."""
    claim = pick(rng, (c for c in d["claims"] if "output_bias" in c))
    claim["output_bias"] = "kept" if claim["output_bias"] == "free" else "free"
    if claim["point_bias"] is not None and rng.random() < 0.8:
        a.pop(claim["point_bias"])
        claim["point_bias"] = None
    elif claim["point_bias"] is None and "A/b2" in a:
        claim["point_bias"] = "claims/new-point-bias"
        a["claims/new-point-bias"] = a["A/b2"].copy()
    if rng.random() < 0.3:
        claim["bias_limit"] = pick(rng, (None, (0.0).hex(), (2.0).hex(), (1e3).hex()))


def neuron_degenerate(rng: Rng, d: Document, a: Arrays) -> None:
    """A row of 0, a head of 0, or a head of the other sign, in one network or in both."""
    nets, i = pick(rng, (("A",), ("B",), ("A", "B"))), int(rng.integers(len(a["A/W1"])))
    kind = int(rng.integers(3))
    for n in nets:
        if kind == 0:
            a[f"{n}/W1"][i] = 0.0
            if f"{n}/b1" in a:
                a[f"{n}/b1"][i] = 0.0
        else:
            a[f"{n}/W2"][:, i] *= 0.0 if kind == 1 else -1.0


def positive_neurons(rng: Rng, d: Document, a: Arrays) -> None:
    """Another number of neurons that count as positive."""
    claim = pick(rng, (c for c in d["claims"] if "positive" in c))
    claim["positive"] += pick(rng, (-1, 1))


def sample_weights(rng: Rng, d: Document, a: Arrays) -> None:
    """Weights that change the mean, or all 1, or one sample's alone."""
    d["data"]["weighted"], N = True, len(a["data/X"])
    a["data/weights"] = pick(
        rng, (np.ones(N), rng.integers(0, 4, size=N) / 2.0, np.eye(N)[0], -np.ones(N), np.zeros(N))
    )


OPERATORS: list[Callable[[Rng, Document, Arrays], None]] = [
    claim_number, claim_number, claim_number_shrunk, claim_number_shrunk, claim_fields_swapped, claim_field_null, claim_network, claim_level, array_entry,
    array_entry, path_entry, path_entry, path_entry, value_everywhere, value_everywhere, entry_copied, array_reshaped, array_scaled, arrays_exchanged,
    rows_permuted, neuron_rescaled, networks_exchanged, objective_field, part_dropped, part_repeated, parts_reordered, moves_merged, write_field,
    breakpoints, transfer, move_kind, move_kind, factors, path_form, permutation, output_layer, region_owner,
    output_bias_mode, neuron_degenerate, neuron_degenerate,
    sample_weights, positive_neurons,
]  # fmt: skip


def rehash(d: Document, a: Arrays) -> None:
    """Make the hashes right, so that the mutant is judged by what it claims."""
    names = ["X", "targets", *(["weights"] if d["data"]["weighted"] else [])]
    d["data"]["sha256"] = arrays_sha256({n: a[f"data/{n}"] for n in names})
    for n in ("A", "B"):
        names = [
            f"{p}{l}" for l, has in enumerate(d["networks"][n]["biases"], 1) for p in (("W", "b") if has else ("W",))
        ]
        d["networks"][n]["sha256"] = arrays_sha256({k: a[f"{n}/{k}"] for k in names})


def mutant(rng: Rng, document: Document, arrays: Arrays) -> tuple[str, Any, Any]:
    """(operators, problem, claims); raises CertificateFormatError when the reader refuses the mutant."""
    d, a = copy.deepcopy(document), {k: v.copy() for k, v in arrays.items()}
    done: list[str] = []
    if rng.random() < 0.05:
        blob = bytearray(pack(d, a))
        for _ in range(int(rng.integers(1, 4))):
            blob[int(rng.integers(len(blob)))] ^= 1 << int(rng.integers(8))
        header, read = _open(bytes(blob), "mutant")
        return ("bytes", *parse_document(parse_json(header["__metadata__"]["certificate"]), read))
    wanted = 1 + int(rng.random() < 0.3) + int(rng.random() < 0.1)
    while len(done) < wanted:
        operator = pick(rng, OPERATORS)
        try:
            operator(rng, d, a)
        except (NotApplicable, KeyError, IndexError, ValueError, TypeError):
            continue  # an earlier operator may have emptied or misshaped what this one needs
        done.append(operator.__name__)
    a = {k: np.nan_to_num(v) for k, v in a.items() if v.ndim <= 2}
    try:
        rehash(d, a)
    except KeyError as name:
        raise CertificateFormatError(f"array {name} is missing") from None
    return (" + ".join(done), *parse_document(parse_json(json.dumps(d)), a))

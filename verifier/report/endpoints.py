"""The two networks and the objective, as the certificate holds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from verifier.certificate.file import Certificate
from verifier.kernel.statements import Objective
from verifier.networks.architecture import architecture_of
from verifier.networks.network import activation_words
from verifier.numbers import plural, show_down, show_up
from verifier.report.fields import estimate, flatten, number, table, words
from verifier.report.recheck import Recheck


@dataclass(frozen=True)
class Property:
    """One row of the endpoints table. code: hashes and file names."""

    name: str
    A: str
    B: str
    code: bool = False


def endpoint_rows(certificate: Certificate, found: Recheck) -> list[Property]:
    """Certified interval first, then float64 figures and origin from the record."""
    record = table(certificate.record.get("endpoints"))
    A, B = table(record.get("A")), table(record.get("B"))
    networks = certificate.document["networks"]
    out = [
        Property("F, certified interval", _interval(found, "A"), _interval(found, "B")),
        *(
            Property(name, estimate(number(A.get(key)), 8), estimate(number(B.get(key)), 8))
            for name, key in (("F, float64", "F"), ("mean loss, float64", "loss"), ("kappa P, float64", "penalty"))
        ),
        Property("accuracy", _percent(number(A.get("accuracy"))), _percent(number(B.get("accuracy")))),
        Property("SHA-256 of the network", networks["A"]["sha256"], networks["B"]["sha256"], True),
    ]
    sources = [dict(flatten(table(e.get("source")))) for e in (A, B)]
    for key in dict.fromkeys([*sources[0], *sources[1]]):
        name = key.replace("_", " ").replace("sha256", "SHA-256")
        out.append(Property(name, sources[0].get(key, "–"), sources[1].get(key, "–"), True))
    return out


def _interval(found: Recheck, name: str) -> str:
    if name not in found.endpoints:
        return "not claimed"
    claim, verdict = found.endpoints[name]
    shown = f"[{show_down(claim.lower, 9)}, {show_up(claim.upper, 9)}]"
    return shown if verdict.accepted else f"{shown} REJECTED"


def _percent(x: float | None) -> str:
    return "–" if x is None else f"{100 * x:.2f} %"


def training(certificate: Certificate) -> list[Property]:
    """What `verifier train` stored with each network; [] for foreign ones."""
    record = table(certificate.record.get("endpoints"))
    stored = [dict(flatten(table(table(record.get(n)).get("settings")))) for n in "AB"]
    return [Property(k, stored[0].get(k, "–"), stored[1].get(k, "–")) for k in dict.fromkeys([*stored[0], *stored[1]])]


def objective_words(o: Objective, *, weighted: bool = False) -> str:
    """The objective in one line. weighted: its samples have weights."""
    mean = "weighted mean" if weighted else "mean"
    loss = o.loss.replace("_", "-") + (f" (delta = {o.delta:g})" if o.delta is not None else "")
    if o.penalty == "none":
        return f"F = {mean} {loss} loss, no penalty"
    bias = ", output bias penalised" if o.penalise_output_bias else ""
    return f"F = {mean} {loss} loss + {o.kappa:g} × {o.penalty.replace('_', ' ')} penalty{bias}"


def size_words(certificate: Certificate) -> str:
    """Samples, features and architecture, activation included, from what the kernel reads."""
    p = certificate.problem
    architecture = architecture_of(p.X.shape[1], p.A.weights, p.geometry).words("–")
    biases = ", ".join("with bias" if b is not None else "without bias" for b in p.A.biases)
    return f"{plural(len(p.X), 'sample')}, {plural(p.X.shape[1], 'feature')}; {activation_words(p.negative_slope)} networks {architecture} (layers {biases})"


def recipe(value: Any) -> list[tuple[str, str]]:
    """Recipe of the data set, or of any other nested object, as key and text."""
    return flatten(value) if isinstance(value, dict) else [] if value is None else [("value", words(value))]

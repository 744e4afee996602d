"""Every construction by name, in the order in which `--method all` runs those that it runs. A new one is added here and nowhere else.

Light on purpose: the command line reads names and sentences from here, and nothing of the constructions is imported before one runs.
"""

from __future__ import annotations

from dataclasses import dataclass

from verifier.errors import UsageError
from verifier.options.certify import SEARCHES, CertifyOptions


@dataclass(frozen=True)
class Construction:
    """name: as `--method` takes it. function: "module:function" in this package, called with a Setting and a Request; gives a Proposal.

    of_all: run by --method all. estimates: it finds sampled figures, and a proof does not wait for it. shallow: defined for one hidden layer of ReLU.
    up_to_permutation: its paths may end in a permuted copy of B, so that they join no pair. keeps_string: its polyline is kept beside the certificate.
    posed: its convex programs are posed in every run of method all, whatever is proved already; posed_in_depth: the same of several hidden layers.
    needs_file: certifies what a file holds. bounds_below: proves lower bounds too. above_shared: what it looks at of deep networks, "cells", "cones" or
    "paths", on the paths that keep all hidden layers below the last one, where these are asked for (hidden_layers=frozen).
    """

    name: str
    function: str
    title: str
    of_all: bool = False
    estimates: bool = False
    shallow: bool = False
    up_to_permutation: bool = False
    keeps_string: bool = False
    needs_file: bool = False
    bounds_below: bool = False
    posed: bool = False
    posed_in_depth: bool = False
    above_shared: str = ""


_ALL = (
    Construction("exchange", "exchange:exchange", "neurons of A are exchanged for those of B, head by head", of_all=True, above_shared="paths"),
    Construction("line", "lines:line", "the straight line", of_all=True, above_shared="paths"),
    Construction("halves", "towers:halves", "Theorem 4.1 of N21 for one hidden layer", of_all=True, posed_in_depth=True),
    Construction("theorem41", "towers:theorem41", "Theorem 4.1 of N21 for any depth"),
    Construction("dropout", "towers:dropout", "half of the neurons kept (Kuditipudi et al. 2019)"),
    Construction("descent", "exchange:descent", "descend, then exchange", of_all=True, shallow=True, above_shared="paths"),
    Construction("homotopy", "exchange:homotopy", "fade one neuron, then exchange", of_all=True, shallow=True, above_shared="paths"),
    Construction("theorem2", "theorem2:theorem2", "Theorem 2 of Baturin 2026", of_all=True, shallow=True, posed=True),
    Construction("regions", "regions:regions", "the best rows in the activation regions of A, B and waypoints", of_all=True, shallow=True, posed=True),
    Construction("every-width", "every_width:every_width", "how low F can be with any number of neurons", of_all=True, shallow=True, posed=True),
    Construction("region-descent", "regions:region_descent", "descend by convex programs, then exchange", shallow=True),
    Construction("sign-count", "sign_count:sign_count", "where A and B differ in sign counts: a lower bound too",
        of_all=True, shallow=True, bounds_below=True, above_shared="cones"),
    Construction("cones", "cones:cones", "coarse cells, few neurons and inputs: a lower bound too",
        of_all=True, shallow=True, bounds_below=True, above_shared="cones"),
    Construction("exact", "exact:exact", "for tiny problems: a lower bound too",
        of_all=True, shallow=True, bounds_below=True, above_shared="cells"),
    Construction("theorem32", "nguyen2019:theorem32", "Theorem 3.2 of N19"),
    Construction("theorem51", "nguyen2019:theorem51", "Theorem 5.1 of N19"),
    Construction("theorem61", "nguyen2019:theorem61", "Theorem 6.1 of N19"),
    Construction("rebasin", "lines:rebasin", "the line to B with its neurons matched to A's", up_to_permutation=True),
    Construction("string", "lines:string", "the polyline of --string", needs_file=True),
    Construction("polychain", "curves:polychain", "a trained polychain", estimates=True, keeps_string=True),
    Construction("bezier", "curves:bezier", "a trained Bezier curve", estimates=True, keeps_string=True),
    Construction("neb", "curves:neb", "a nudged elastic band", estimates=True, keeps_string=True),
    Construction("dss", "curves:dss", "Dynamic String Sampling", of_all=True, estimates=True, keeps_string=True),
)  # fmt: skip
CONSTRUCTIONS = {c.name: c for c in _ALL}


def chosen(method: str, *, up_to_permutation: bool = False) -> tuple[Construction, ...]:
    """Those behind --method: all, or a comma-separated list, as it is ordered there.

    up_to_permutation: whether constructions that end in a permuted copy of B are welcome. Commands about gaps between the networks themselves
    refuse them with UsageError, as they do unknown names.
    """
    if method == "all":
        return tuple(c for c in _ALL if c.of_all)
    names = tuple(dict.fromkeys(n.strip() for n in method.split(",")))
    if "all" in names:
        raise UsageError(f"--method {method!r}: all stands alone; --exhaustive runs every construction of it")
    unknown = [n for n in names if n not in CONSTRUCTIONS]
    if unknown:
        raise UsageError(f"--method: {unknown[0]!r} is unknown; expected all, or some of {', '.join(CONSTRUCTIONS)}")
    found = tuple(CONSTRUCTIONS[n] for n in names)
    copies = [c for c in found if c.up_to_permutation]
    if copies and not up_to_permutation:
        raise UsageError(
            f"--method: {copies[0].name} leads to a copy of B with permuted neurons, which bounds no gap between the networks themselves; "
            "run it on one pair, with `verifier certify --pair`"
        )
    return found


def require_used(o: CertifyOptions, found: tuple[Construction, ...]) -> None:
    """Raise UsageError for an option that would change nothing with these constructions."""
    names = names_of(found)
    limit = None if o.estimate_seconds == float("inf") else o.estimate_seconds
    for flag, value, of, what in (
        ("--l", o.l, ("theorem2",), "an option of Theorem 2"),
        ("--alpha", o.alpha, ("theorem2",), "an option of Theorem 2"),
        ("--estimate-seconds", limit, ("dss",), "for estimates"),
        ("--state", None if o.state is None else str(o.state), SEARCHES, f"for {' and '.join(SEARCHES)}"),
    ):
        if value is not None and not set(of) & set(names):
            each = value if isinstance(value, tuple) else (value,)
            shown = ",".join(v if isinstance(v, str) else f"{v:g}" for v in each)
            raise UsageError(
                f"{flag} {shown} is {what}, and would change nothing with method {','.join(names)}; leave it out"
            )


def names_of(found: tuple[Construction, ...]) -> tuple[str, ...]:
    return tuple(c.name for c in found)


def method_help() -> str:
    """For the command line: every name, and what is said about those that need a word."""
    plain = ",".join(c.name for c in _ALL if not (c.up_to_permutation or c.needs_file or c.bounds_below))
    return (
        f"all (constructions until the gap over E is 0, then DSS), or some of {plain}, "
        "rebasin (the line to B with its neurons matched to A's, up to permutation), "
        "sign-count (different numbers of positive neurons), cones (two or three neurons) and for tiny problems exact, which prove a lower bound too"
    )

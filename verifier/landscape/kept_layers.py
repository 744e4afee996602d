"""Which pairs exact cells cover, on the paths that keep which layers: the one place that decides it, and that says what does where something does not
(docs/landscape.md, the table)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from verifier.errors import UsageError
from verifier.networks.network import Network
from verifier.numbers import plural
from verifier.objective import Objective

LOSSES = ("squared", "logistic", "huber")
PENALTIES = ("none", "path", "weight_decay")
# With a frozen output layer: of any number of outputs. l1 is then a constant.
FROZEN_LOSSES, FROZEN_PENALTIES = (*LOSSES, "cross_entropy"), ("none", "path", "l1")
WORDS = ("trained", "frozen")


@dataclass(frozen=True)
class Kept:
    """output_layer, hidden_layers (those below the last one): "trained" or "frozen" along the paths."""

    output_layer: str = "trained"
    hidden_layers: str = "trained"

    @property
    def flags(self) -> str:
        """As `landscape --pair` spells it."""
        named = (("output-layer", self.output_layer), ("hidden-layers", self.hidden_layers))
        return "".join(f" --frozen-{name}" for name, word in named if word == "frozen")


def losses_of(kept: Kept) -> tuple[str, ...]:
    return FROZEN_LOSSES if kept.output_layer == "frozen" else LOSSES


def penalties_of(kept: Kept, deep: bool) -> tuple[str, ...]:
    """Path penalty and weight decay are defined for one hidden layer."""
    allowed = FROZEN_PENALTIES if kept.output_layer == "frozen" else PENALTIES
    return tuple(p for p in allowed if not deep or p in ("none", "l1"))


def require_covered_pair(A: Network, B: Network, objective: Objective, kept: Kept) -> None:
    """Raise UsageError, with the reason and with what covers this pair, where cells do not cover it on these paths."""
    if (why := refusal(A, B, objective, kept)) is not None:
        raise UsageError(f"landscape: {why}")


def refusal(A: Network, B: Network, objective: Objective, kept: Kept) -> str | None:
    """The reason, and what covers this pair; None where cells cover it on these paths, as far as its sizes allow."""
    why = why_not(A, B, objective, kept)
    return None if why is None else f"{why}; {advice(A, B, objective, kept)}"


def why_not(A: Network, B: Network, objective: Objective, kept: Kept) -> str | None:
    """The reason alone."""
    for name in ("output_layer", "hidden_layers"):
        if getattr(kept, name) not in WORDS:
            return f"{name} must be {' or '.join(WORDS)}, got {getattr(kept, name)!r}"
    frozen, penalties = kept.output_layer == "frozen", penalties_of(kept, A.depth > 2)
    reasons = (
        _why_not_these_networks(A, B),
        why_not_these_hidden_layers(A, B, kept),
        None if objective.loss.name in losses_of(kept) else _one_of("loss", losses_of(kept), objective.loss.name, ""),
        "cells cover the plain mean over samples, not sample weights" if objective.weights is not None else None,
        None
        if objective.penalty in penalties
        else _one_of("penalty", penalties, objective.penalty, _about(objective.penalty, A.depth > 2)),
        _why_not_this_output_layer(A, B, objective) if frozen else _why_not_trained(A),
    )
    return next((why for why in reasons if why is not None), None)


def why_not_above(A: Network, B: Network, hidden_layers: str) -> str | None:
    """Why no search over cones of rows covers deep networks on these paths, whatever the loss; None where one may."""
    kept = Kept(hidden_layers=hidden_layers)
    return _why_not_these_networks(A, B) or why_not_these_hidden_layers(A, B, kept)


def _one_of(what: str, allowed: tuple[str, ...], got: str, why: str) -> str:
    one = f"one of {', '.join(allowed)}" if len(allowed) > 1 else allowed[0]
    return f"the {what} must be {one} on these paths, got {got}{why}"


def _about(penalty: str, deep: bool) -> str:
    if deep and penalty in ("path", "weight_decay"):
        return ", which is defined for one hidden layer"
    return (
        ", which is not a function of |theta_i| wt_i"
        if penalty == "l1"
        else ", which is no path penalty where the output layer is kept"
    )


def _why_not_these_networks(A: Network, B: Network) -> str | None:
    if A.architecture != B.architecture or A.geometry is not None:
        return f"expected two dense networks of one shape, got {A!r} and {B!r}"
    if A.negative_slope:
        return "expected ReLU, got Leaky ReLU"
    return None if A.depth > 1 else "expected at least one hidden layer, got none"


def why_not_these_hidden_layers(A: Network, B: Network, kept: Kept) -> str | None:
    if A.depth == 2:
        only = "expected at least two hidden layers for paths that keep those below the last one, got one"
        return only if kept.hidden_layers == "frozen" else None
    if kept.hidden_layers == "trained":
        return (
            f"expected one hidden layer, these networks have {A.depth - 1}: where layers below move too, outputs are products of weights, and F is not "
            "convex on any cell"
        )
    l = _differ_below(A, B)
    if l is None:
        return None
    V, W = A.weights[l - 1], B.weights[l - 1]
    return (
        f"paths that keep the hidden layers below the last one join networks that share these, and A and B differ in layer {l}: {int((V != W).sum())} of "
        f"{plural(V.size, 'weight')}, by up to {float(np.abs(V - W).max()):.3g}, or biases; where one backbone is meant, give both networks its layers"
    )


def _differ_below(A: Network, B: Network) -> int | None:
    """The first hidden layer but the last in which they differ, from 1; None where they share all of these."""
    return next((l + 1 for l in range(A.depth - 2) if not _same_layer(A, B, l)), None)


def _same_layer(A: Network, B: Network, l: int) -> bool:
    b, c = A.biases[l], B.biases[l]
    return np.array_equal(A.weights[l], B.weights[l]) and (b is None or c is None or np.array_equal(b, c))


def _why_not_trained(A: Network) -> str | None:
    outputs = A.widths[-1]
    return (
        None
        if outputs == 1
        else f"expected one output, got {outputs}: while several outputs are trained a head is a vector that may turn without passing 0, not one of two "
        "signs, and no finite number of cells is known on which F is convex"
    )


def _why_not_this_output_layer(A: Network, B: Network, objective: Objective) -> str | None:
    V, W = A.weights[-1], B.weights[-1]
    if not _same_layer(A, B, A.depth - 1):
        return (
            f"with a frozen output layer both networks need the same output layer, and {int((V != W).sum())} of {plural(V.size, 'weight')} differ, or the "
            "output bias does"
        )
    if objective.penalise_output_bias:
        return "a frozen output bias is not penalised"
    if (silent := np.flatnonzero(~V.any(axis=0))).size:
        return (
            f"with a frozen output layer no neuron's theta may be 0, as that of neurons {silent.tolist()} (from 0) of both networks is, which are not heard: "
            "leave them out of both"
        )
    return None


def ways(A: Network, B: Network, objective: Objective) -> Iterator[tuple[Kept, Objective]]:
    """Every choice of kept layers and of a penalty with which cells cover the pair under the objective's loss."""
    kappa, plain = objective.kappa or 1.0, objective.weighted(None).loss
    for output in WORDS:
        for hidden in WORDS:
            kept = Kept(output, hidden)
            for penalty in penalties_of(kept, A.depth > 2):
                for bias in sorted({False, objective.penalise_output_bias}, reverse=True):
                    asked = Objective(
                        plain, 0.0 if penalty == "none" else kappa, penalty, bias and penalty in ("l1", "path")
                    )
                    if why_not(A, B, asked, kept) is None:
                        yield kept, asked


def advice(A: Network, B: Network, objective: Objective, kept: Kept) -> str:
    """The whole of what has to be asked for instead, with as little changed as can be: a flag at a time would send its reader from one refusal to the next."""

    def change(way: tuple[Kept, Objective]) -> tuple[int, ...]:
        to, o = way
        layers = (to.output_layer != kept.output_layer) + (to.hidden_layers != kept.hidden_layers)
        return o.penalty != objective.penalty, o.penalise_output_bias != objective.penalise_output_bias, layers

    # A price that nobody asked for is not proposed.
    found = [w for w in ways(A, B, objective) if objective.kappa > 0 or w[1].penalty == "none"]
    if not found:
        if A.depth > 2 and _differ_below(A, B) is not None:
            return (
                "no exact barrier is known between deep networks that do not share all hidden layers below the last one"
            )
        counts = objective.loss.name in ("hinge", "absolute") and A.widths[-1] == 1
        more = "; where sign counts differ `verifier certify --method sign-count` covers it" if counts else ""
        return f"no exact barrier is known for this pair under this loss, whatever layers paths keep{more}"
    to, o = min(found, key=change)
    flags, python = to.flags, [f'{name}="{getattr(to, name)}"' for name in ("output_layer", "hidden_layers")]
    if o.penalty == "none" and objective.kappa > 0:
        flags, python = f"{flags} --kappa 0", [*python, "kappa=0"]
    elif o.penalty != objective.penalty:
        flags, python = f"{flags} --penalty {o.penalty}", [*python, f'penalty="{o.penalty}"']
    if o.kappa > 0 and o.penalise_output_bias != objective.penalise_output_bias:
        flags, python = f"{flags} --no-penalise-output-bias", [*python, "penalise_output_bias=False"]
    extra = [f for f in kept.flags.split() if f not in to.flags.split()]
    without = f" without {' and '.join(extra)}" if extra else ""
    weights = ", without sample weights" if objective.weights is not None else ""
    return f"what covers this pair: `verifier landscape --pair A B{flags}`{without}{weights}, in Python {', '.join(python)}"

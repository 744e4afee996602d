"""Which pairs have exact barriers, on which paths: one table, from which every refusal says what works instead (docs/mathematics.md, section 8)."""

from __future__ import annotations

from verifier.errors import UsageError
from verifier.networks.network import Network
from verifier.objective import Objective

# Penalties by (deep, output layer frozen). Below the last hidden layer a penalty of rows is none of |theta_i| wt_i; a frozen output layer makes l1 a constant.
KEPT_PENALTIES: dict[tuple[bool, bool], tuple[str, ...]] = {
    (False, False): ("none", "path", "weight_decay"),
    (False, True): ("none", "path", "l1"),
    (True, False): ("none",),
    (True, True): ("none", "l1"),
}


def what_works(network: Network) -> str:
    """A sentence: flags and penalties together under which pairs of such networks are covered."""
    deep, several = network.depth > 2, network.theta.shape[0] > 1
    below = ["--frozen-hidden-layers"] if deep else []
    ways = [
        (frozen, [*below, *(["--frozen-output-layer"] if frozen else [])])
        for frozen in (False, True)
        if frozen or not several
    ]
    each = [
        f"{' '.join(flags) or 'neither flag'} with --penalty {_or(KEPT_PENALTIES[deep, frozen])}"
        for frozen, flags in ways
    ]
    return (
        f"For dense ReLU networks of {'several outputs' if several else 'one output'} and {network.depth - 1} hidden layer{'s' if deep else ''} exact "
        f"barriers are known by `verifier landscape --pair A B` with {'; or '.join(each)} (in Python hidden_layers and output_layer, trained or frozen); "
        "layers that paths keep have to be the same in A and B"
    )


def require_exact_barriers(network: Network, objective: Objective, output_layer: str, hidden_layers: str) -> None:
    """Raise UsageError where flags, penalty and this architecture are not covered together; the message says which are."""
    for name, value in (("hidden_layers", hidden_layers), ("output_layer", output_layer)):
        if value not in ("trained", "frozen"):
            raise UsageError(f"landscape: {name} must be trained or frozen, got {value!r}")
    deep, outputs, frozen = network.depth > 2, network.theta.shape[0], output_layer == "frozen"
    if deep and hidden_layers == "trained":
        raise UsageError(
            f"landscape: expected one hidden layer, these networks have {network.depth - 1}: where layers below move too, outputs are products of weights, "
            f"and F is not convex on any cell; it is on paths that keep the layers below the last one, where A and B share these. {what_works(network)}"
        )
    if not deep and hidden_layers == "frozen":
        raise UsageError(
            f"landscape: hidden_layers=frozen keeps the hidden layers below the last one, and these networks have one. {what_works(network)}"
        )
    if outputs > 1 and not frozen:
        raise UsageError(
            f"landscape: expected one output, got {outputs}: while several outputs are trained a head is a vector that may turn without passing 0, not one "
            f"of two signs, and no finite number of cells is known on which F is convex. {what_works(network)}"
        )
    if objective.penalty not in KEPT_PENALTIES[deep, frozen]:
        raise UsageError(
            f"landscape: with these layers kept the penalty must be one of {', '.join(KEPT_PENALTIES[deep, frozen])}, got {objective.penalty}. "
            f"{what_works(network)}"
        )


def _or(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"

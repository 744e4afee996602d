"""Networks of different hidden widths as networks of one architecture: the narrower layers get dead neurons.

A dead neuron has zero weights and bias and zero outgoing weights. Its feature is sigma(0) = 0 and nobody hears it, so function, every penalty and F are
the same, exactly (docs/padding.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from verifier.errors import UsageError
from verifier.networks.network import Network
from verifier.numbers import plural


def fits_into(network: Network, widths: Sequence[int]) -> bool:
    """Whether dead neurons make it a network of these widths (n_0..n_L): as deep, with the same inputs and outputs, nowhere wider."""
    n = network.widths
    return (
        len(n) == len(widths)
        and (n[0], n[-1]) == (widths[0], widths[-1])
        and all(a <= b for a, b in zip(n, widths, strict=True))
    )


def padded(network: Network, widths: Sequence[int]) -> Network:
    """The network with dead neurons behind its own in each hidden layer, of widths (n_0..n_L); itself where there is nothing to add.

    Raises ValueError for widths that it does not fit into.
    """
    if not fits_into(network, widths):
        raise ValueError(f"padded: a network of widths {network.widths} does not fit into {tuple(widths)}")
    if network.widths == tuple(widths):
        return network
    weights, biases = [], []
    for l, (W, b) in enumerate(zip(network.weights, network.biases), start=1):
        r = W.shape[1] // network.widths[l - 1] if l > 1 else 1
        wide = np.zeros((widths[l], widths[l - 1] * r if l > 1 else W.shape[1]))
        wide[: W.shape[0], : W.shape[1]] = W
        weights.append(wide)
        biases.append(None if b is None else np.concatenate([b, np.zeros(widths[l] - len(b))]))
    return network.with_parameters(weights, biases)


def common_widths(networks: Mapping[str, Network]) -> tuple[int, ...]:
    """The least widths that all of them fit into; networks by the names that messages use.

    Raises UsageError where more than hidden widths differ, as dead neurons change nothing else.
    """
    (first, a), *others = networks.items()
    for name, b in others:
        for what, x, y in (
            ("number of layers", a.depth, b.depth),
            ("number of inputs", a.widths[0], b.widths[0]),
            ("number of outputs", a.widths[-1], b.widths[-1]),
            ("biases per layer", a.architecture[1], b.architecture[1]),
            ("negative slope", a.negative_slope, b.negative_slope),
            ("convolutional geometry", a.geometry, b.geometry),
        ):
            if x != y:
                raise UsageError(
                    f"{first} and {name} differ in their {what}, {x} and {y}; --pad adds dead neurons to hidden layers, and nothing else"
                )
    return tuple(max(n) for n in zip(*(network.widths for network in networks.values()), strict=True))


def only_widths_differ(a: Network, b: Network) -> bool:
    """Whether dead neurons would make them networks of one architecture, and they are not."""
    return (
        a.widths != b.widths
        and (a.depth, a.widths[0], a.widths[-1]) == (b.depth, b.widths[0], b.widths[-1])
        and a.architecture[1:] == b.architecture[1:]
    )


def padding_words(narrow: Sequence[int], wide: Sequence[int]) -> str:
    """What padding did, in words. narrow, wide: widths (n_0..n_L) before and after."""
    dead = sum(wide) - sum(narrow)
    neurons = plural(dead, "dead neuron")
    return (
        f"padded from {_dashed(narrow)} to {_dashed(wide)} with {neurons} (zero weights in and out), the same function"
    )


def _dashed(widths: Sequence[int]) -> str:
    return "-".join(map(str, widths))

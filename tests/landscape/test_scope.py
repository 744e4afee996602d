"""What exact barriers cover: a refusal names, all at once, flags and penalty that work."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

from verifier.errors import UsageError
from verifier.landscape.gap import exact_gap
from verifier.networks.network import Network
from verifier.objective import Risk, make_objective

PENALTIES = ("none", "path", "l1", "weight_decay")


def pair(outputs: int, deep: bool) -> tuple[Network, Network]:
    """Networks that share all but the last hidden layer."""
    rng = np.random.default_rng(0)
    sizes = [2, 2, 2, outputs] if deep else [2, 2, outputs]
    weights = [rng.standard_normal((b, a)) for a, b in itertools.pairwise(sizes)]
    biases = tuple(rng.standard_normal(v) for v in sizes[1:])
    moved = [*weights[:-2], rng.standard_normal(weights[-2].shape), weights[-1]]
    return Network(tuple(weights), biases), Network(tuple(moved), biases)


def search(outputs: int, deep: bool, penalty: str, output_layer: str, hidden_layers: str) -> None:
    A, B = pair(outputs, deep)
    rng = np.random.default_rng(1)
    objective = (
        make_objective("squared") if penalty == "none" else make_objective("squared", kappa=0.01, penalty=penalty)
    )
    risk = Risk(objective, rng.standard_normal((5, 2)), rng.standard_normal((5, outputs)))
    exact_gap(A, B, risk, output_layer=output_layer, hidden_layers=hidden_layers, most_cells=50)


def refusal(outputs: int, deep: bool, penalty: str, output_layer: str, hidden_layers: str) -> str | None:
    try:
        search(outputs, deep, penalty, output_layer, hidden_layers)
    except UsageError as error:
        return str(error)
    return None


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("deep", [False, True])
def test_advice_that_is_taken_to_the_letter_works(outputs: int, deep: bool) -> None:
    layers, refused = ("trained", "frozen"), 0
    for penalty, output_layer, hidden_layers in itertools.product(PENALTIES, layers, layers):
        said = refusal(outputs, deep, penalty, output_layer, hidden_layers)
        if said is None:
            continue
        refused += 1
        # Each way: flags, then the penalties that go with them.
        ways = re.findall(r"((?:--frozen-[a-z-]+ )+|neither flag )with --penalty ([a-z_0-9, ]+?)(?=;| \()", said)
        assert ways, said
        for flags, names in ways:
            for name in re.split(r", | or ", names):
                frozen = [
                    "frozen" if flag in flags else "trained"
                    for flag in ("--frozen-output-layer", "--frozen-hidden-layers")
                ]
                assert refusal(outputs, deep, name, *frozen) is None, said
    assert refused >= 8

"""Dead neurons: another architecture, the same function and the same F, exactly."""

from fractions import Fraction

import numpy as np
import pytest

from verifier.errors import UsageError
from verifier.networks.network import Network
from verifier.networks.padding import common_widths, fits_into, only_widths_differ, padded, padding_words
from verifier.objective import make_objective


def network(widths, seed=0, biases=True, slope=0.0):
    rng = np.random.default_rng(seed)
    layers = list(zip(widths[1:], widths[:-1]))
    return Network(
        tuple(rng.normal(size=s) for s in layers),
        tuple(rng.normal(size=s[0]) if biases else None for s in layers),
        slope,
    )


def exactly(n: Network, x) -> list[Fraction]:
    """f(x) in rationals."""
    h = [Fraction(float(v)) for v in x]
    for l, (W, b) in enumerate(zip(n.weights, n.biases), start=1):
        h = [
            sum((Fraction(w) * v for w, v in zip(row, h)), Fraction(0) if b is None else Fraction(float(b[i])))
            for i, row in enumerate(W.tolist())
        ]
        if l < n.depth:
            h = [max(v, Fraction(n.negative_slope) * v) for v in h]
    return h


@pytest.mark.parametrize("slope", [0.0, 0.25])
@pytest.mark.parametrize("biases", [True, False])
@pytest.mark.parametrize(
    ("narrow", "wide"), [((2, 3, 1), (2, 5, 1)), ((2, 3, 4, 2), (2, 6, 4, 2)), ((2, 3, 3, 2), (2, 4, 5, 2))]
)
def test_the_function_is_the_same_exactly(narrow, wide, biases, slope):
    small = network(narrow, 1, biases, slope)
    large = padded(small, wide)
    assert large.widths == wide
    for x in np.random.default_rng(2).normal(size=(5, 2)):
        assert exactly(large, x) == exactly(small, x)


@pytest.mark.parametrize("penalty", ["none", "l1", "path", "weight_decay"])
def test_every_penalty_is_the_same(penalty):
    small = network((2, 3, 2), 3)
    o = make_objective("squared", kappa=0.1 if penalty != "none" else 0.0, penalty=penalty)
    large = padded(small, (2, 7, 2))
    assert o.penalty_value(large) == pytest.approx(o.penalty_value(small), rel=1e-15)
    assert o.path_value(large, np.ones((1, 2)), np.ones((1, 2))) == pytest.approx(
        o.path_value(small, np.ones((1, 2)), np.ones((1, 2))), rel=1e-14
    )


def test_own_neurons_keep_their_places_and_numbers():
    small = network((2, 3, 4, 2), 4)
    large = padded(small, (2, 5, 6, 2))
    assert np.array_equal(large.weights[1][:4, :3], small.weights[1])
    assert not large.weights[1][4:].any()
    assert not large.weights[1][:, 3:].any()
    assert padded(small, small.widths) is small


def test_widths_in_common_are_the_larger_ones_layer_by_layer():
    assert common_widths({"A": network((2, 3, 6, 1)), "B": network((2, 5, 4, 1))}) == (2, 5, 6, 1)
    with pytest.raises(ValueError, match="does not fit into"):
        padded(network((2, 3, 1)), (2, 2, 1))


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (network((2, 3, 3, 1)), "number of layers"),
        (network((3, 3, 1)), "number of inputs"),
        (network((2, 3, 2)), "number of outputs"),
        (network((2, 4, 1), biases=False), "biases per layer"),
        (network((2, 4, 1), slope=0.1), "negative slope"),
    ],
)
def test_what_dead_neurons_cannot_mend_is_refused(other, what):
    small = network((2, 3, 1))
    with pytest.raises(UsageError, match=f"A and B differ in their {what}"):
        common_widths({"A": small, "B": other})
    assert not only_widths_differ(small, other)


def test_words():
    assert padding_words((2, 3, 1), (2, 4, 1)) == (
        "padded from 2-3-1 to 2-4-1 with 1 dead neuron (zero weights in and out), the same function"
    )
    assert fits_into(network((2, 3, 1)), (2, 4, 1))
    assert not fits_into(network((2, 3, 1)), (2, 4, 4, 1))

"""Weight matching, and the line to the permuted copy of B that it finds."""

import itertools

import numpy as np
import pytest

from verifier.errors import UsageError
from verifier.networks.network import Network
from verifier.paths.curves.rebasin import permuted_network, rebasin, weight_matching


def network(seed: int, widths: tuple[int, ...], biases: bool = True) -> Network:
    rng = np.random.default_rng(seed)
    shapes = list(zip(widths[1:], widths))
    return Network(
        tuple(rng.normal(size=s) for s in shapes), tuple(rng.normal(size=s[0]) if biases else None for s in shapes)
    )


def similarity(A: Network, B: Network) -> float:
    """<A, B> over all parameters but the output bias, which no permutation moves."""
    return sum(float((a * b).sum()) for (_, a), (_, b) in zip(A.arrays(), B.arrays()))


@pytest.mark.parametrize("biases", [True, False])
def test_with_one_hidden_layer_no_permutation_is_more_similar(biases):
    A, B = network(0, (3, 5, 2), biases), network(1, (3, 5, 2), biases)
    best = max(
        similarity(A, permuted_network(B, (np.array(p),))) for p in itertools.permutations(range(5))
    )  # all 120 of them
    assert similarity(A, permuted_network(B, weight_matching(A, B))) == pytest.approx(best, rel=1e-12)


@pytest.mark.parametrize("widths", [(3, 6, 2), (3, 6, 5, 2), (4, 6, 7, 5, 3)])
def test_a_shuffled_copy_is_matched_back_and_the_function_is_the_same(widths):
    A = network(2, widths)
    rng = np.random.default_rng(3)
    shuffled = permuted_network(A, tuple(rng.permutation(n) for n in widths[1:-1]))
    X = rng.normal(size=(7, widths[0]))
    assert np.allclose(shuffled.predict(X), A.predict(X), rtol=1e-12, atol=1e-12)
    path = rebasin(A, shuffled)
    assert path.end.same_parameters(A)
    assert path.permutation is not None


def test_coordinate_descent_never_ends_less_similar_than_it_began():
    for seed in range(5):
        A, B = network(seed, (3, 6, 6, 2)), network(seed + 100, (3, 6, 6, 2))
        assert similarity(A, permuted_network(B, weight_matching(A, B))) >= similarity(A, B)


def test_where_nothing_moves_the_path_ends_in_B_itself_and_says_so():
    A = network(4, (3, 5, 2))
    near = Network(tuple(W + 1e-6 for W in A.weights), A.biases)
    path = rebasin(A, near)
    assert path.permutation is None
    assert path.end is near


def test_a_path_up_to_permutation_is_not_joined_to_others():
    A, B = network(5, (3, 5, 2)), network(6, (3, 5, 2))
    path = rebasin(A, B)
    assert path.permutation is not None
    with pytest.raises(ValueError, match="permuted copy"):
        path.reversed()
    with pytest.raises(ValueError, match="permuted copy"):
        path.then(path)


def test_networks_of_other_architectures_are_refused():
    with pytest.raises(UsageError, match="rebasin: networks of different architecture"):
        rebasin(network(0, (3, 5, 2)), network(0, (3, 6, 2)))

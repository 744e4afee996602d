"""Paths in u as moves of networks: their certified maximum is that of the points they go through, whatever the heads are and wherever neurons are handed to."""

import itertools

import numpy as np
import pytest

import verifier
from verifier.certificate import read_certificate
from verifier.landscape.moves import Moves, Stop
from verifier.networks.network import Network
from verifier.objective import Risk, make_objective


def network(rng, signs, sizes):
    m = len(signs)
    return Network((rng.normal(size=(m, 2)), (signs * sizes)[None]), (rng.normal(size=m), rng.normal(size=1)))


def products(n):
    return np.abs(n.theta[0])[:, None] * np.column_stack([n.W, n.b])


@pytest.mark.parametrize("seed", range(12))
def test_neurons_handed_to_slots_of_other_heads(seed):
    """A (+, -), a network of one neuron, B with signs in other slots, heads from 1e-4 to 1e4: no move but those in u changes F."""
    rng = np.random.default_rng(seed)
    signs = (np.array([1, -1]), np.array([-1, 1]) if seed % 3 else np.array([1, 1]))
    sizes = 10.0 ** rng.uniform(-4, 4, size=(2, 2))
    A, B = (network(rng, s, z) for s, z in zip(signs, sizes))
    X, y = rng.normal(size=(20, 2)), rng.normal(size=(20, 1))
    risk = Risk(make_objective("squared"), X, y)
    u, c = products(A), float(A.c[0])
    one = np.vstack([0.5 * u[0], np.zeros(3)])  # the negative neuron at 0
    low = Network((one[:, :2], np.array([[1.0, -1.0]])), (one[:, 2], np.array([c])))
    handed = ((0, 1),) if seed % 3 else ()
    stops = [
        Stop(u, c, risk.value(A), signs[0], "start"),
        Stop(one, c, risk.value(low), signs[1], "to one neuron", handed),
        Stop(products(B), float(B.c[0]), risk.value(B), signs[1], "to B"),
    ]
    if seed % 2:
        # A lower stop before: heads are B's from there on, until one is handed over.
        stops.insert(1, Stop(0.9 * u, c, min(s.value for s in stops) - 1.0, signs[0], "somewhere lower"))
    moves = Moves(A)
    moves.follow(stops, B)
    assert moves.at.same_parameters(B)
    vertices = [A, *(move.to for move in moves.moves)]
    for p, q, move in zip(vertices, vertices[1:], moves.moves, strict=False):
        if move.label.startswith(("idle", "head", "transfer", "rescale")):
            for t in (0.25, 0.5, 0.75) if move.factors is None else ():
                at = Network(
                    *(
                        [(1 - t) * v + t * w for v, w in zip(a, b)]
                        for a, b in ((p.weights, q.weights), (p.biases, q.biases))
                    )
                )
                assert risk.value(at) == pytest.approx(risk.value(p), rel=1e-8)
            assert risk.value(q) == pytest.approx(risk.value(p), rel=1e-8)


@pytest.mark.parametrize("method", ["sign-count", "cones"])
def test_paths_of_searches_are_certified_at_what_they_promise(method, tmp_path):
    """Whatever the pair: the certified maximum of a path is its float64 one, but for rounding and its curves."""
    met = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        orders = list(itertools.permutations([1, -1]))
        signs = (np.array(orders[seed % 2]), np.array([1, 1] if method == "sign-count" else orders[(seed // 2) % 2]))
        A, B = (network(rng, s, 10.0 ** rng.uniform(-2, 2, size=2)) for s in signs)
        X, y = rng.normal(size=(8, 2)), rng.normal(size=8)
        out = tmp_path / f"{seed}.safetensors"
        verifier.certify(A, B, (X, y), loss="squared", kappa=0.05, penalty="path", method=method, out=out)
        c = read_certificate(out)
        for claim in (x for x in c.claims if hasattr(x, "moves")):
            highest = c.record["paths"][claim.path]["notes"].get("highest")
            if highest is not None:
                met += 1
                assert claim.sup <= highest * (1 + 1e-4) + 1e-9, (seed, claim.path)
    assert met >= 5

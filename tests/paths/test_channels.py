"""Constructions on convolutional networks: towers of channels, whose paths both evaluations certify, and a run from networks to a report."""

import json
import math

import numpy as np
import pytest
import safetensors.numpy

import verifier
from tests.corpus import channels
from tests.kernel.maps_oracle import torch_outputs
from verifier.certificate.geometry import geometry_entry
from verifier.elaboration import elaborate_path, kernel_problem
from verifier.errors import CheckpointError, UsageError
from verifier.kernel import check
from verifier.kernel.statements import Geometry
from verifier.networks.checkpoint import load_checkpoint, save_checkpoint
from verifier.networks.network import Network
from verifier.objective import Risk, make_objective
from verifier.paths.curves.line import line
from verifier.paths.curves.rebasin import permuted_network, weight_matching
from verifier.paths.exchange.deep import deep_exchange
from verifier.paths.towers.dropout_stability import dropout_path
from verifier.paths.towers.moves import tower_of
from verifier.paths.towers.theorem41 import theorem41

reading, pool = channels.reading, channels.pool
# Two convolutions and two dense layers; and an output layer that reads maps.
DENSE_TOP = Geometry((1, 6, 6), (reading(3, padding=1), reading(3, pool("max", 2, 2)), reading(1), reading(1)))
MAPS_TOP = Geometry(
    (1, 6, 6), (reading(3, stride=2, padding=1), reading(2, pool("max", 2, 1)), reading(1, pool("average", 1)))
)


def pair(geometry, widths, seed=0, slope=0.0, N=25):
    """(A, B, X, labels): random networks on random images."""
    rng = np.random.default_rng(seed)

    def network():
        weights, below = [], geometry.shape[0]
        for n, r in zip(widths, geometry.readings, strict=True):
            fan = below * math.prod(r.window.kernel)
            weights.append(rng.normal(size=(n, fan)) * np.sqrt(2 / fan))
            below = n
        return Network(tuple(weights), tuple(0.1 * rng.normal(size=n) for n in widths), slope, geometry)

    return network(), network(), rng.normal(size=(N, math.prod(geometry.shape))), rng.integers(0, widths[-1], N)


CASES = [(DENSE_TOP, (6, 5, 6, 3)), (MAPS_TOP, (6, 4, 3))]
OBJECTIVES = [make_objective("cross_entropy"), make_objective("cross_entropy", kappa=0.01, penalty="l1")]


@pytest.mark.parametrize("objective", OBJECTIVES, ids=["none", "l1"])
@pytest.mark.parametrize("slope", [0.0, 0.1])
@pytest.mark.parametrize(("geometry", "widths"), CASES, ids=["dense-top", "maps-top"])
@pytest.mark.parametrize("build", [theorem41, deep_exchange, dropout_path, line])
def test_a_path_is_certified_at_what_its_construction_found(build, geometry, widths, slope, objective):
    """Both evaluations accept; towers need no more than head, idle and transfer moves, whose maximum is the largest value that the notes tell."""
    A, B, X, y = pair(geometry, widths, slope=slope)
    if build is deep_exchange and geometry is MAPS_TOP:
        with pytest.raises(UsageError, match="the output layer reads maps"):
            build(A, B, Risk(objective, X, y))
        return
    path = build(A, B) if build is line else build(A, B, Risk(objective, X, y))
    problem = kernel_problem(A, B, Risk(objective, X, y))
    found = elaborate_path(problem, path, most_pieces=8)
    for evaluation in ("fast", "reference"):
        verdict = check(problem, found.claim, evaluation=evaluation)
        assert verdict.accepted, verdict.sentence
    if build is not line:
        assert set(found.kinds) <= {"head", "idle", "transfer"}
        E = max(objective.value(n, X, y) for n in (A, B))
        assert found.claim.sup == pytest.approx(max(E, path.notes["max_value"]), rel=1e-6)


@pytest.mark.parametrize(("geometry", "widths"), CASES, ids=["dense-top", "maps-top"])
def test_the_networks_are_those_of_torch(geometry, widths):
    """Predictions, those of the tower of all live channels, and of a permuted copy."""
    A, B, X, _ = pair(geometry, widths, slope=0.1)
    f = torch_outputs(X, A, geometry, 0.1)
    assert np.allclose(A.predict(X), f, atol=1e-12)
    tower = tower_of(A)
    assert np.allclose(tower.features(X, A.above(0)) @ tower.head.T + tower.head_bias, f, atol=1e-12)
    copy = permuted_network(A, weight_matching(B, A))
    assert np.allclose(copy.predict(X), f, atol=1e-12)
    assert not copy.same_parameters(A)


def test_another_geometry_is_another_network():
    A, _, X, y = pair(*CASES[0])
    first = reading(3, stride=1, padding=1, dilation=1)
    other = Geometry((1, 6, 6), (first, reading(3, pool("average", 2, 2)), *DENSE_TOP.readings[2:]))
    B = Network(A.weights, A.biases, 0.0, other)
    assert A.architecture != B.architecture
    assert A.sha256() != B.sha256()
    assert not A.same_parameters(B)
    with pytest.raises(UsageError, match="different architecture"):
        theorem41(A, B, Risk(OBJECTIVES[0], X, y))


def test_from_networks_to_a_checked_file_and_a_report(tmp_path):
    """`certify` runs on networks in memory, its file is accepted by both evaluations, and says that it is about convolutional networks."""
    A, B, X, y = pair(*CASES[0])
    result = verifier.certify(A, B, (X, y), loss="cross_entropy", method="theorem41", out=tmp_path / "c.safetensors")
    found = verifier.check_file(result.certificate, networks=(A, B), reference=True)
    assert found.accepted
    assert "networks 1 convolution + 3 dense layers, 1x6x6 -> 3, widths 6-5-6, ReLU" in found.about
    assert result.report(tmp_path / "c.html").read_text().count("theorem41") > 0
    assert not verifier.check_file(result.certificate, networks=(A, replaced(B))).accepted


def replaced(network):
    """The same arrays under means in place of maxima."""
    first, _, *rest = network.geometry.readings
    return Network(
        network.weights, network.biases, 0.0,
        Geometry(network.geometry.shape, (first, reading(3, pool("average", 2, 2)), *rest)),
    )  # fmt: skip


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("case", CASES)
def test_a_checkpoint_does_not_lose_a_geometry(tmp_path, suffix, case):
    network = pair(*case)[0]
    save_checkpoint(tmp_path / f"a{suffix}", network, {"loss": "cross_entropy"})
    loaded = load_checkpoint(tmp_path / f"a{suffix}")
    assert loaded.network.same_parameters(network)
    assert loaded.metadata["loss"] == "cross_entropy"


def test_a_geometry_that_does_not_fit_its_arrays_is_refused(tmp_path):
    network = pair(*CASES[0])[0]
    entry = geometry_entry(network.geometry)
    dense = Network(network.weights[-2:], network.biases[-2:])
    entries = [
        (network, {"geometry": {**entry, "shape": [2, 6, 6]}}, "geometry"),
        (network, {"geometry": {**entry, "readings": entry["readings"][1:]}}, "geometry"),
        (network, {"geometry": {**entry, "shape": [1, 6]}}, "expected 3 integers"),
        (network, {"geometry": "conv"}, "networks.geometry: expected an object"),
        (dense, {"geometry": entry}, "geometry"),
    ]
    for n, metadata, message in entries:
        named = {}
        for l, (W, b) in enumerate(zip(n.weights, n.biases)):
            named |= {f"{2 * l}.weight": W} | ({} if b is None else {f"{2 * l}.bias": b})
        blob = safetensors.numpy.save(named, metadata={"verifier": json.dumps(metadata)})
        (tmp_path / "a.safetensors").write_bytes(blob)
        with pytest.raises(CheckpointError, match=message):
            load_checkpoint(tmp_path / "a.safetensors")
    blob = safetensors.numpy.save(
        {"fc.weight": np.ones((2, 3))}, metadata={"verifier": json.dumps({"geometry": entry})}
    )
    (tmp_path / "a.safetensors").write_bytes(blob)
    with pytest.raises(CheckpointError, match=r"records a geometry, and its tensors are not those.*fc\.weight"):
        load_checkpoint(tmp_path / "a.safetensors")

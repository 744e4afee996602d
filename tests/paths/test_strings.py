"""Strings in files: what goes in comes out, and what is no string of this pair is refused."""

import numpy as np
import pytest

from verifier.errors import CheckpointError
from verifier.networks.network import Network
from verifier.paths.curves.strings import load_string, polyline, save_string


def network(seed: int, bias: bool = True) -> Network:
    rng = np.random.default_rng(seed)
    return Network(
        (rng.normal(size=(4, 2)), rng.normal(size=(1, 4))),
        (rng.normal(size=4), rng.normal(size=1)) if bias else (None, None),
    )


@pytest.mark.parametrize("bias", [True, False])
def test_a_saved_string_is_read_back_bit_for_bit(tmp_path, bias):
    A, C, B = (network(s, bias) for s in range(3))
    path = polyline("dss", A, [C], B)
    save_string(path, tmp_path / "s.npz")
    again = load_string(tmp_path / "s.npz", A, B)
    assert len(again.moves) == 2
    assert all(v.sha256() == w.sha256() for v, w in zip(path.vertices(), again.vertices(), strict=True))


def test_a_string_between_other_networks_is_joined_to_the_pair(tmp_path):
    A, C, B, D = (network(s) for s in range(4))
    save_string(polyline("x", C, [], D), tmp_path / "s.npz")
    again = load_string(tmp_path / "s.npz", A, B)
    assert [v.sha256() for v in again.vertices()] == [n.sha256() for n in (A, C, D, B)]


def test_a_string_that_runs_from_B_to_A_is_walked_backwards(tmp_path):
    A, C, B, D = (network(s) for s in range(4))
    save_string(polyline("x", B, [C], A), tmp_path / "s.npz")
    again = load_string(tmp_path / "s.npz", A, B)
    assert [v.sha256() for v in again.vertices()] == [n.sha256() for n in (A, C, B)]
    assert "runs from B to A" in str(again.notes["direction"])
    assert "added" not in again.notes
    half = load_string(tmp_path / "s.npz", D, B)
    assert [v.sha256() for v in half.vertices()] == [n.sha256() for n in (D, A, C, B)]
    assert "straight segments are added from A to its last vertex, and the bound" in str(half.notes["added"])


def test_a_string_that_joins_the_pair_says_nothing_and_one_that_does_not_says_so(tmp_path):
    A, C, B, D = (network(s) for s in range(4))
    save_string(polyline("x", A, [C], B), tmp_path / "s.npz")
    assert load_string(tmp_path / "s.npz", A, B).notes == {}
    notes = load_string(tmp_path / "s.npz", D, C).notes
    assert "added from A to its first vertex and from its last vertex to B" in str(notes["added"])


@pytest.mark.parametrize(
    ("arrays", "text"),
    [
        ({"W1": np.zeros((2, 4, 2))}, "expected the arrays W1, b1, W2, b2"),
        (
            {"W1": np.zeros((2, 4, 3)), "b1": np.zeros((2, 4)), "W2": np.zeros((2, 1, 4)), "b2": np.zeros((2, 1))},
            "expected shapes",
        ),
        (
            {"W1": np.zeros((3, 4, 2)), "b1": np.zeros((2, 4)), "W2": np.zeros((2, 1, 4)), "b2": np.zeros((2, 1))},
            "expected shapes",
        ),
        (
            {
                "W1": np.full((2, 4, 2), np.nan),
                "b1": np.zeros((2, 4)),
                "W2": np.zeros((2, 1, 4)),
                "b2": np.zeros((2, 1)),
            },
            "NaN or infinity",
        ),
        ({"W1": np.array([None], dtype=object)}, "could not read it"),
    ],
)
def test_what_is_no_string_of_this_pair_is_refused(tmp_path, arrays, text):
    np.savez(tmp_path / "s.npz", **arrays)
    with pytest.raises(CheckpointError, match=text):
        load_string(tmp_path / "s.npz", network(0), network(1))


def test_missing_and_broken_files_are_refused(tmp_path):
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 not a zip")
    for name in ("none.npz", "broken.npz"):
        with pytest.raises(CheckpointError, match="could not read it"):
            load_string(tmp_path / name, network(0), network(1))

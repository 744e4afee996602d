"""Strings: polylines of networks, from any source, kept in `.npz` files and turned into paths.

A file holds the vertices stacked along the first axis, one array per parameter: `W1` (V, m, d), `b1` (V, m), `W2` (V, K, m), `b2` (V, K), and so on;
biases are left out where the networks have none.
"""

from __future__ import annotations

import os
import zipfile
from dataclasses import replace

import numpy as np

from verifier.errors import CheckpointError
from verifier.files import write_arrays
from verifier.networks.checkpoint import load_curve
from verifier.networks.curve_file import bezier_points
from verifier.networks.network import Network
from verifier.paths.path import Move, Path

MOST_BYTES = 4 * 2**30
# Segments of the polyline that stands for a Bezier curve, as in `verifier.paths.curves.trained`.
PIECES = 32


def save_string(path: Path, file: str | os.PathLike[str]) -> None:
    """Write the vertices of a path, start included, atomically."""
    vertices = [dict(v.arrays()) for v in path.vertices()]
    write_arrays(file, {name: np.stack([v[name] for v in vertices]) for name in vertices[0]})


def string_file(string: str | os.PathLike[str] | None) -> str | None:
    """The file that a string names, without the word before it that says what curve it is."""
    return None if string is None else _curve_kind(os.fspath(string))[1]


def _curve_kind(string: str) -> tuple[str | None, str]:
    kind, colon, rest = string.partition(":")
    return (kind, rest) if colon and kind in ("bezier", "polychain") else (None, string)


def _trained_curve(kind: str | None, file: str, A: Network, B: Network) -> Path:
    """A checkpoint of a curve: its control networks as vertices, or its Bezier curve as the polyline through PIECES + 1 of its points."""
    networks, stored = load_curve(file)
    if kind is not None and stored not in (None, kind):
        raise CheckpointError(
            f"string {kind}:{file}: the file says that its curve is {stored}; name it {stored}:{file}"
        )
    kind = kind or stored
    if kind is None:
        raise CheckpointError(
            f"string {file}: is a trained curve that does not say which one it is; name it bezier:{file} or polychain:{file}"
        )
    control = [replace(network, negative_slope=A.negative_slope) for network in networks]
    if control[0].architecture != A.architecture:
        raise CheckpointError(
            f"string {file}: its networks have widths {control[0].widths} and biases {control[0].architecture[1]}, A has {A.widths} and {A.architecture[1]}"
        )
    path = joined(bezier_points(control, PIECES) if kind == "bezier" else control, A, B, f"string {file}")
    if kind == "polychain":
        return path
    words = f"string {file}: Bezier curve of {len(control)} networks; certified is the polyline through {PIECES + 1} of its points"
    return replace(path, notes={"curve": words, **path.notes})


def load_string(string: str | os.PathLike[str], A: Network, B: Network) -> Path:
    """The polyline of an .npz file, or of `bezier:FILE` or `polychain:FILE`, a trained curve's checkpoint; joined to A and B (`joined`).

    Raises CheckpointError when the file cannot be read, holds other arrays than A's parameters, or NaN.
    """
    kind, file = _curve_kind(os.fspath(string))
    if kind is not None:
        return _trained_curve(kind, file, A, B)
    expected = dict(A.arrays())
    try:
        with zipfile.ZipFile(file) as archive:
            if any(entry.filename.endswith("/data.pkl") for entry in archive.infolist()):
                return _trained_curve(None, file, A, B)
            if sum(entry.file_size for entry in archive.infolist()) > MOST_BYTES:
                raise CheckpointError(f"string {file}: its arrays expand to more than {MOST_BYTES} bytes; split it")
        with np.load(file, allow_pickle=False) as content:
            arrays = {name: np.asarray(content[name], dtype=np.float64) for name in content.files}
    except (OSError, ValueError, zipfile.BadZipFile, KeyError, EOFError) as error:
        raise CheckpointError(
            f"string {file}: expected an .npz file of stacked parameters, could not read it: {error}"
        ) from None
    if arrays.keys() != expected.keys():
        raise CheckpointError(
            f"string {file}: expected the arrays {', '.join(expected)} (vertices stacked along the first axis), got {', '.join(arrays) or 'none'}"
        )
    lengths = {len(a) if a.ndim else 0 for a in arrays.values()}
    wrong = [n for n, a in arrays.items() if a.shape[1:] != expected[n].shape]
    if wrong or len(lengths) != 1 or 0 in lengths:
        shapes = {n: a.shape for n, a in arrays.items()}
        raise CheckpointError(
            f"string {file}: expected shapes (V, ...) over {[v.shape for v in expected.values()]}, got {shapes}"
        )
    L = A.depth
    try:
        vertices = [
            A.with_parameters(
                [arrays[f"W{l}"][k] for l in range(1, L + 1)],
                [arrays[f"b{l}"][k] if f"b{l}" in arrays else None for l in range(1, L + 1)],
            )
            for k in range(lengths.pop())
        ]
    except ValueError as error:
        raise CheckpointError(f"string {file}: {error}") from None
    return joined(vertices, A, B, f"string {file}")


def joined(vertices: list[Network], A: Network, B: Network, who: str) -> Path:
    """The polyline from A to B, walked backwards where it runs from B to A; segments that it lacks are added, and its notes say so."""
    notes: dict[str, object] = {}
    if not (vertices[0].same_parameters(A) and vertices[-1].same_parameters(B)) and (
        vertices[0].same_parameters(B) or vertices[-1].same_parameters(A)
    ):
        vertices = vertices[::-1]
        notes["direction"] = f"{who}: runs from B to A; it is walked backwards, the same points in the other order"
    missing = [
        f"from A to its {'last' if notes else 'first'} vertex" if not vertices[0].same_parameters(A) else "",
        f"from its {'first' if notes else 'last'} vertex to B" if not vertices[-1].same_parameters(B) else "",
    ]
    if any(missing):
        added = " and ".join(m for m in missing if m)
        notes["added"] = (
            f"{who}: does not join A and B; straight segments are added {added}, and the bound covers them too"
        )
    path = polyline("string", A, vertices, B)
    return replace(path, notes=notes)


def polyline(method: str, A: Network, vertices: list[Network], B: Network) -> Path:
    """A -> vertices -> B as chords, without empty segments."""
    stops = [*vertices, B]
    moves = tuple(Move(v, f"{method} segment {k + 1} of {len(stops)}") for k, v in enumerate(stops))
    return Path(method, A, moves, literal=True).without_still_moves()

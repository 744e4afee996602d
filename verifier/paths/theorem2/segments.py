"""T2's path in six segments (Baturin 2026, Theorem 2; docs/constructions.md, section 1).

(1) A -> best head on A's rows; (2) -> best head of at most m - l atoms, each within angle alpha of a row of A; (3) -> the
common l-neuron network theta*; (4), (5), (6) the same for B, backwards. Segments 1 and 6 are head moves; 2 and 5 are head moves
where no row turns, else see `thinning`; 3 and 4 lead through the tower theta* (docs/deep.md).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from verifier.errors import UsageError
from verifier.networks.network import Network
from verifier.objective import Risk, augmented_rows
from verifier.paths.endpoints import require_one_hidden_layer
from verifier.paths.path import Move, Path
from verifier.paths.theorem2.near import nearest
from verifier.paths.theorem2.reference import Reference, row_features
from verifier.paths.theorem2.sides import Side, SparseSide, best_reference, make_side
from verifier.paths.theorem2.thinning import thinning
from verifier.paths.towers.moves import Tower
from verifier.paths.towers.tower_path import moves_through_towers
from verifier.programs import ProgramResult, solve_head

Array = np.ndarray
Programs = dict[str, ProgramResult]


def theorem2(
    A: Network,
    B: Network,
    risk: Risk,
    *,
    l: int,
    alpha: float,
    seed: int = 0,
    reference: Reference | None = None,
    sparse: Sequence[SparseSide] | None = None,
    solver: str = "auto",
) -> tuple[Path, Programs]:
    """The six segments for one (l, alpha), 1 <= l < m, alpha >= 0 radians, and their head programs by name. solver: of the programs, as of `solve_head`.
    sparse: A's and B's sparse sides, by default `nearest`'s; reference: theta*, by default `best_reference`'s.

    Notes: l, alpha, and the programs' values e_l, full_A, sparse_A, sparse_B, full_B (T2's e and delta terms as found), the
    l1 norms of the heads on each side weighted by row lengths, and theta*'s origin. Raises UsageError for other l or alpha.
    """
    require_one_hidden_layer("theorem2", A, B)
    m = A.W.shape[0]
    if not 1 <= l < m:
        raise UsageError(f"theorem2: l must be between 1 and m - 1 = {m - 1}, got {l}")
    if not (np.isfinite(alpha) and 0 <= alpha < np.pi / 2):
        raise UsageError(f"theorem2: alpha must be an angle in [0, pi/2), got {alpha}")
    sides = make_side("A", A, risk), make_side("B", B, risk)
    if reference is None:
        reference = best_reference(sides, l, risk, seed)
    if sparse is None:
        sparse = [nearest(side, risk, l, alpha).way for side in sides]
    theta_star, theta_program = _solve_reference(reference, risk, A, solver)
    programs: Programs = {"theta*": theta_program}
    ends, notes = [], {"l": l, "alpha": alpha, "e_l": theta_star.value, "theta_star": theta_star.origin}
    for side, found, numbers in zip(sides, sparse, ((1, 2), (6, 5))):
        moves, results = _half(side, found, m - l, risk, numbers, solver)
        ends.append(moves)
        programs.update(results)
        letter = side.letter
        full, thin = list(results.values())
        notes[f"full_{letter}"], notes[f"sparse_{letter}"] = full.primal_value, thin.primal_value
        norms = np.linalg.norm(augmented_rows(side.network), axis=1)
        notes[f"beta_{letter}"] = float(norms @ np.abs(full.head).sum(axis=0))
        notes[f"gamma_{letter}"] = float(np.linalg.norm(found.rows, axis=1) @ np.abs(thin.head).sum(axis=0))
        notes[f"largest_angle_{letter}"] = found.largest_angle
    middle = _through(ends[0][-1].to, theta_star, ends[1][-1].to)
    path = Path("theorem2", A, (*ends[0], *middle), notes)
    return path.then(Path("theorem2", B, ends[1]).reversed()), programs


def _solve_reference(reference: Reference, risk: Risk, A: Network, solver: str) -> tuple[Reference, ProgramResult]:
    rows = reference.rows
    Z, prices = row_features(rows, risk.X, A.b is not None), risk.objective.prices_of_rows(rows)
    K = A.theta.shape[0]
    asked = {"bias": A.c is not None, "outputs": K, "solver": solver}
    result = solve_head(Z, risk.targets, risk.objective, prices, name="theta*", **asked)
    if result.primal_value <= reference.value:
        reference = Reference(rows, result.head, result.head_bias, result.primal_value, reference.origin)
    return reference, _with_rows(result, rows, A)


def _with_rows(result: ProgramResult, rows: Array, network: Network) -> ProgramResult:
    """Attach augmented rows (r, d+1), or (r, d) without first-layer biases."""
    d = network.W.shape[1]
    return result.of_rows(rows[:, :d].copy(), rows[:, d].copy() if network.b is not None else None)


def _through(sparse_A: Network, reference: Reference, sparse_B: Network) -> list[Move]:
    """Segments 3 and 4: from at most m - l atoms to theta*'s l and on to at most m - l of B's, so free slots are never short."""
    d = sparse_A.W.shape[1]
    bias = None if sparse_A.b is None else reference.rows[:, d]
    tower = Tower((reference.rows[:, :d],), (bias,), reference.head, reference.bias, "head move to theta*", "theta*")
    moves = moves_through_towers(sparse_A, sparse_B, [tower])
    last = next(k for k, move in enumerate(moves) if move.program == "theta*")
    out = []
    for k, m in enumerate(moves):
        number = 3 if k <= last else 4
        out.append(dataclasses.replace(m, label=f"segment {number}: {m.label}", segment=number))
    return out


def _half(
    side: Side,
    sparse: SparseSide,
    atoms: int,
    risk: Risk,
    numbers: tuple[int, int],
    solver: str,
) -> tuple[tuple[Move, ...], Programs]:
    """The two moves from an endpoint to its sparse network of at most `atoms` atoms, and their head programs."""
    network, letter = side.network, side.letter
    first, second = numbers
    K = network.theta.shape[0]
    name = f"segment {first}, best head on {letter}'s rows"
    asked = {"bias": side.free, "outputs": K, "solver": solver}
    full = solve_head(side.Z, risk.targets, risk.objective, side.prices, name=name, **asked)
    best = network.replace(-1, full.head, full.head_bias if side.free else None)
    name_sparse = f"segment {second}, best head of at most {atoms} atoms near {letter}'s rows"
    features = row_features(sparse.rows, risk.X, network.b is not None)
    prices = risk.objective.prices_of_rows(sparse.rows)
    thin = solve_head(features, risk.targets, risk.objective, prices, name=name_sparse, **asked)
    steps = thinning(best, sparse, thin.head, thin.head_bias if side.free else None, risk)
    *before, last = [dataclasses.replace(step, label=name_sparse + step.label, segment=second) for step in steps]
    moves = (
        Move(best, name, program=name, segment=first), *before, dataclasses.replace(last, program=name_sparse)
    )  # fmt: skip
    return moves, {
        name: full.of_rows(network.W, network.b),
        name_sparse: _with_rows(dataclasses.replace(thin, support=sparse.slots), sparse.rows, network),
    }

"""Segments in straight lines of u, cut where the network has kinks, so that their bound is as tight as a target asks."""

from __future__ import annotations

from dataclasses import replace

from verifier.elaboration.breakpoints import cut_chord, kinks
from verifier.elaboration.claims import path_form
from verifier.elaboration.moves import kernel_moves, parameters
from verifier.kernel.fast.chord import chord_between
from verifier.paths.path import Move, Path
from verifier.pipeline.setting import Setting

# The path's bound may lie this much over the target, relatively; pieces that a segment may be cut into.
TIGHT, MOST_PIECES = 1e-10, 4096


def cut_at_kinks(path: Path, s: Setting, target: float) -> Path:
    """Breakpoints at kinks of the network, as many as the bound needs."""
    form = path_form(s.problem, path)
    out: list[Move] = []
    at = path.start
    for move in path.moves:
        kind = kernel_moves(Path(path.method, at, (move,)))[0]
        if kind and kind[0].kind == "chord":
            chord = chord_between(s.problem, parameters(at), parameters(move.to), form)
            cuts = cut_chord(chord, target=target * (1.0 + TIGHT), relative=TIGHT, most=MOST_PIECES, times=kinks(chord))
            move = replace(move, breakpoints=cuts)
        out.append(move)
        at = move.to
    return replace(path, moves=tuple(out))

"""Theorem 4.1's widths where halves miss the target: what holds the bound up takes neurons from its neighbours in the chain.

In layer p the towers T_p, ..., T_1 of A, T_1, ..., T_p of B hold sets of sizes of their own, and consecutive ones have to fit side by
side: `s_k + s_(k+1) <= n_p`, all that Proposition T asks (docs/deep.md). Halves everywhere are one solution, 6 and 4 of 10 by turns another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from verifier.paths.towers.sparse_points import Search, Side, SparsePoint

# (0 for A or 1 for B, l): a sparse point of the chain.
At = tuple[int, int]


class WidthSearch:
    """Improves the points of both sides, in place. draws: choices of neurons per trial."""

    def __init__(self, search: Search, sides: Sequence[Side], draws: int) -> None:
        self.search, self.sides, self.draws = search, sides, draws
        self.network = sides[0].network
        layers = range(1, self.network.depth)
        self.chain: list[At] = [*((0, l) for l in reversed(layers)), *((1, l) for l in layers)]
        # A search is repeatable, so widths that did not help once need no second try.
        self.found: dict[tuple[int, ...], SparsePoint] = {}

    def improved(self, widen: bool = True) -> bool:
        """More effort on the point that holds the bound up: more training, then wider layers; False when the target is met or nothing helped."""
        at = self._worst()
        side, before = self.sides[at[0]], self._point(at)
        if before.value <= self.search.target:
            return False
        better = self.search.go_on(side, at[1])
        trained = better.value < before.value
        if trained:
            side.points[at[1]] = better
        if better.value < 0.9 * before.value or not widen:
            return trained
        return self._widened(at) or trained

    def _widened(self, at: At) -> bool:
        """n_p / 8 more neurons in all layers of the point, or in one of them; kept when the bound falls."""
        before = self._point(at).value
        for trial in self._trials(at):
            # The point itself comes first, so that most failures cost one search.
            if all(self._tried(k, widths).value < before for k, widths in trial.items()):
                for k, widths in trial.items():
                    side, layer = self.sides[k[0]], k[1]
                    side.points[layer], side.given[layer] = self._tried(k, widths), widths
                return True
        return False

    def _point(self, at: At) -> SparsePoint:
        return self.sides[at[0]].points[at[1]]

    def _worst(self) -> At:
        return max(self.chain, key=lambda at: self._point(at).value)

    def _tried(self, at: At, widths: list[int]) -> SparsePoint:
        key = (*at, *widths)
        if key not in self.found:
            side = self.sides[at[0]]
            moved = replace(side, given={**side.given, at[1]: widths})
            self.found[key] = self.search.point(moved, at[1], self.draws)
        return self.found[key]

    def _trials(self, at: At) -> Iterator[dict[At, list[int]]]:
        """New widths of the point and of the neighbours it takes from."""
        n, (which, layer), here = self.network.widths, at, self.chain.index(at)
        now = self.sides[which].widths(layer)
        layers = range(layer, self.network.depth)
        for grown in [list(layers), *([p] for p in layers if len(layers) > 1)]:
            wanted = list(now)
            for p in grown:
                wanted[p - layer] = max(now[p - layer], min(n[p] - 1, now[p - layer] + max(1, n[p] // 8)))
            if wanted == now:
                continue
            trial = {at: wanted}
            for k, l in self.chain[max(0, here - 1) : here + 2]:
                old = self.sides[k].widths(l)
                # Where the neighbour holds a whole layer, this point's set is a part of it.
                new = [min(s, n[p] - wanted[p - layer]) if p >= layer else s for p, s in enumerate(old, start=l)]
                if (k, l) != at and new != old:
                    trial[k, l] = new
            yield trial

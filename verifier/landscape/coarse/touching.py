"""What two cones of one fan have in common, by whole numbers: nothing that counts, a facet, or inner points (docs/mathematics.md, section 14)."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

from verifier.landscape.sign_count.fan import Cones, Fan
from verifier.regions.exact import integer_rows

Rays = tuple[int, ...]
Row = tuple[int, ...]


class Touching:
    """Pairs of cones of a fan, each pair looked at once. Rays are rows of whole numbers in coordinates of the fan's directions."""

    def __init__(self, fan: Fan) -> None:
        self.fan = fan
        self.rows: dict[int, Row] = {}
        self.inward: dict[Rays, list[Row]] = {}
        self.seen: dict[tuple[Rays, Rays], tuple[int, Rays]] = {}

    def row(self, ray: int) -> Row:
        """Coordinates are multiples of powers of two: float64 holds them exactly."""
        if ray not in self.rows:
            self.rows[ray] = tuple(integer_rows(self.fan.coordinates[ray][None])[0].tolist())
        return self.rows[ray]

    def normals(self, rays: Rays) -> list[Row]:
        """Normal k is 0 on all rays but the k-th, where it is positive."""
        if rays not in self.inward:
            self.inward[rays] = _normals([self.row(r) for r in rays])
        return self.inward[rays]

    def cones(self, a: Rays, b: Rays) -> tuple[int, Rays]:
        """(codimension of what is common: 0, 1 or 2 for 2 and more, rays of a cone that holds it)."""
        if (a, b) not in self.seen:
            self.seen[a, b] = (0, a) if a == b else self._look(a, b)
        return self.seen[a, b]

    def _look(self, a: Rays, b: Rays) -> tuple[int, Rays]:
        n = len(a)
        N, M = self.normals(a), self.normals(b)
        T = [[_dot(normal, self.row(r)) for r in b] for normal in N]
        S = [[_dot(normal, self.row(r)) for r in a] for normal in M]
        for k in range(n):
            if all(t <= 0 for t in T[k]):
                on, rest = [e for e in range(n) if T[k][e] == 0], [e for e in range(n) if e != k]
                if len(on) < n - 1 or any(all(T[q][e] <= 0 for e in on) for q in rest):
                    return 2, ()
                if n > 1 and any(all(S[e][q] <= 0 for q in rest) for e in on):
                    return 2, ()
                mine = tuple(a[q] for q in rest)
                return 1, mine if all(S[e][q] >= 0 for e, q in product(range(n), rest)) else tuple(b[e] for e in on)
        if any(all(s <= 0 for s in line) for line in S):
            return 2, ()
        return 0, a if all(s >= 0 for line in S for s in line) else b

    def parts(self, p: Cones, q: Cones) -> Cones | None:
        """The face when two parts share a facet, which one neuron crosses; None when they do not."""
        face, crossings = [], 0
        for a, b in zip(p, q):
            less, rays = self.cones(a, b)
            crossings += less
            if crossings > 1:
                return None
            face.append(rays)
        return tuple(face) if crossings == 1 else None


def _dot(u: Row, v: Row) -> int:
    return sum(x * y for x, y in zip(u, v))


def _normals(rows: list[Row]) -> list[Row]:
    n = len(rows)
    if n == 3:  # most problems
        p, q, r = rows
        out = [_cross(q, r), _cross(r, p), _cross(p, q)]
    else:
        out = [_cofactors(rows, k) for k in range(n)]
    return [normal if _dot(normal, row) > 0 else tuple(-v for v in normal) for normal, row in zip(out, rows)]


def _cross(u: Row, v: Row) -> Row:
    return (u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0])


def _cofactors(rows: list[Row], k: int) -> Row:
    others = [row for j, row in enumerate(rows) if j != k]
    return tuple((-1) ** e * _determinant([row[:e] + row[e + 1 :] for row in others]) for e in range(len(rows)))


def _determinant(rows: list[Row]) -> int:
    """By elimination without fractions left over: minors are whole."""
    if not rows:
        return 1
    table, out = [[Fraction(v) for v in row] for row in rows], Fraction(1)
    while table:
        lead = next((j for j, row in enumerate(table) if row[0]), None)
        if lead is None:
            return 0
        top = table.pop(lead)
        out *= (-1) ** lead * top[0]
        table = [[v - row[0] / top[0] * t for v, t in zip(row[1:], top[1:])] for row in table]
    return int(out)

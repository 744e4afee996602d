"""What a search of coarse cells knows when it stops, as arrays, so that another run goes on from there.

Cuts, values of programs, duals of the proof and the lowest path are kept; multipliers of programs are solved for again where duals are made of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from verifier.landscape.coarse.face_bounds import KnownFaces
from verifier.landscape.coarse.flood import Proof
from verifier.landscape.coarse.legs import Leg
from verifier.landscape.coarse.less import LessState
from verifier.landscape.coarse.segments import Point
from verifier.landscape.sign_count.narrow import Narrow
from verifier.landscape.sign_count.repair import Dual

Array = np.ndarray
SIGNS = (1, -1)


@dataclass(frozen=True, eq=False)
class SearchState:
    """lower, upper, turned, proof, legs: as in `CoarseBarrier`. tree: of all cuts, those too that the proof does not need. known: of its faces. less: of the
    networks without a neuron of each sign."""

    lower: float
    upper: float
    turned: float
    tree: Array
    known: KnownFaces
    less: Mapping[int, LessState]
    proof: Proof | None
    legs: tuple[Leg, ...]

    def arrays(self, name: str) -> dict[str, Array]:
        """Under names that begin with this one."""
        out = {f"{name}.levels": np.array([self.lower, self.upper, self.turned]), f"{name}.tree": self.tree}
        out |= {f"{name}.known.{f.name}": getattr(self.known, f.name) for f in fields(KnownFaces)}
        for k, leg in enumerate(self.legs):
            out[f"{name}.leg{k}.signs"] = np.array(leg.s.signs)
            out |= _points(f"{name}.leg{k}", leg.points)
        for sign, less in self.less.items():
            at = f"{name}.less{sign}"
            out |= {
                f"{at}.tree": less.tree,
                f"{at}.values": less.values,
                f"{at}.barred": np.array([less.barred, less.vain]),
            }
            out |= _points(f"{at}.met", less.met)
            out[f"{at}.parts"] = np.array(list(less.duals), dtype=np.int64)
            out |= _duals(at, list(less.duals.values()))
        if (p := self.proof) is not None:
            at = f"{name}.proof"
            out |= {
                f"{at}.places": np.array([p.start, p.goal]),
                f"{at}.level": np.array([p.level]),
                f"{at}.tree": p.tree,
            }
            out |= {f"{at}.inside": p.inside, f"{at}.faces": p.faces}
            for sign, (tree, numbers) in p.less.items():
                out |= {f"{at}.less{sign}.tree": tree, f"{at}.less{sign}.duals": np.array(numbers, dtype=np.int64)}
            out |= _duals(at, p.duals)
        return out


def state_of(arrays: Mapping[str, Array], name: str, s: Narrow) -> SearchState:
    """The state of a search over networks of s. Raises KeyError, ValueError, TypeError and IndexError for arrays that are none."""
    if any(np.isnan(v).any() for key, v in arrays.items() if key.startswith(name) and v.dtype.kind == "f"):
        raise ValueError("it has a number that is none")
    lower, upper, turned = arrays[f"{name}.levels"].tolist()
    legs: list[Leg] = []
    while f"{name}.leg{len(legs)}.signs" in arrays:
        at = f"{name}.leg{len(legs)}"
        legs.append(Leg(replace(s, signs=tuple(arrays[f"{at}.signs"].tolist())), _points_of(arrays, at)))
    less = {}
    for sign in SIGNS:
        at = f"{name}.less{sign}"
        if f"{at}.tree" in arrays:
            barred, vain = arrays[f"{at}.barred"].tolist()
            duals = dict(zip(arrays[f"{at}.parts"].tolist(), _duals_of(arrays, at), strict=True))
            less[sign] = LessState(
                arrays[f"{at}.tree"], arrays[f"{at}.values"], barred, vain, _points_of(arrays, f"{at}.met"), duals
            )
    known = KnownFaces(*(arrays[f"{name}.known.{f.name}"] for f in fields(KnownFaces)))
    return SearchState(
        lower, upper, turned, arrays[f"{name}.tree"], known, less, _proof(arrays, f"{name}.proof"), tuple(legs)
    )


def _proof(arrays: Mapping[str, Array], at: str) -> Proof | None:
    if f"{at}.level" not in arrays:
        return None
    start, goal = arrays[f"{at}.places"].tolist()
    less = {
        sign: (arrays[f"{at}.less{sign}.tree"], arrays[f"{at}.less{sign}.duals"].tolist())
        for sign in SIGNS
        if f"{at}.less{sign}.tree" in arrays
    }
    return Proof(
        float(arrays[f"{at}.level"][0]), start, goal, arrays[f"{at}.tree"], arrays[f"{at}.inside"], arrays[f"{at}.faces"], less,
        tuple(_duals_of(arrays, at)),
    )  # fmt: skip


def _points(at: str, points: Sequence[Point]) -> dict[str, Array]:
    return {f"{at}.u": np.array([u for u, _ in points]), f"{at}.c": np.array([float(c) for _, c in points])}


def _points_of(arrays: Mapping[str, Array], at: str) -> tuple[Point, ...]:
    return tuple(zip(arrays[f"{at}.u"], arrays[f"{at}.c"].tolist(), strict=True))


def _duals(at: str, duals: Sequence[Dual]) -> dict[str, Array]:
    return {f"{at}.{part}": np.array([getattr(d, part) for d in duals]) for part in ("bound", "nu", "slopes", "pulls")}


def _duals_of(arrays: Mapping[str, Array], at: str) -> list[Dual]:
    each = (arrays[f"{at}.{part}"] for part in ("nu", "slopes", "pulls"))
    return [Dual(bound, *rest) for bound, *rest in zip(arrays[f"{at}.bound"].tolist(), *each, strict=True)]

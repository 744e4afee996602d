"""Figures 1 to 4: functions that do what the figures show; the paper gives none of theirs (Figure 5 is in `figure5`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import asinh, cosh, sqrt, tanh

import numpy as np

from verifier.audit.claim import Instance, Rng, Statement, Trial, Word

PAPER = "nguyen2019"


def bent(x: float, y: float) -> float:
    """(y - x^2)^2 + x^2 / 10: a convex function of (x, y - x^2), so that its sublevel sets are connected, and not convex."""
    return (y - x * x) ** 2 + x * x / 10.0


def _figure1(instance: Instance) -> Trial:
    """Along the preimage of the segment in (x, y - x^2); the straight segment between the first two points rises above both."""
    (x, y), (u, v) = instance.values["p"], instance.values["q"]
    level = max(bent(x, y), bent(u, v))
    top = 0.0
    for t in np.linspace(0.0, 1.0, 101):
        a = (1 - t) * x + t * u
        top = max(top, bent(a, (1 - t) * (y - x * x) + t * (v - u * u) + a * a))
    convex = bent(0.0, u * u) <= bent(u, u * u)
    return Trial(
        top + (level if convex else 0.0), level, level, abs(u) > 0.5, 1e-9, f"level {level:.3g}, top {top:.3g}"
    )


def _points(rng: Rng, count: int) -> Iterator[Instance]:
    for _ in range(count):
        p, q = (tuple(float(c) for c in rng.normal(size=2) * 10.0 ** rng.uniform(-1, 1)) for _ in range(2))
        yield Instance("random", f"from {p} to {q}", {"p": p, "q": q})


def valley(heights: list[float], start: int, level: float) -> list[int]:
    """Nodes of the connected component of {f < level} around node `start`, f linear between nodes of these heights."""
    out = [start]
    for step in (-1, 1):
        k = start + step
        while 0 <= k < len(heights) and heights[k] < level:
            out.append(k)
            k += step
    return sorted(out)


def _figure2(instance: Instance) -> Trial:
    """Node 3 lies in a valley with two local minima, whose infimum is above that of f; with tail, f(y) + e^-x has no local minimum at all."""
    heights, level, tail = (instance.values[k] for k in ("heights", "level", "tail"))
    inside = valley(heights, 3, level)
    low = [k for k in inside if 0 < k < len(heights) - 1 and heights[k] < min(heights[k - 1], heights[k + 1])]
    margin = min(heights[k] for k in inside) - min(heights)
    # e^-x falls everywhere, so that no point is a local minimum, and the infima stay: the valley has to contain two minima of f without it.
    x = float(instance.values["x"])
    falls = np.exp(-(x + 1.0)) < np.exp(-x) if tail else len(low) >= 2
    least = float(instance.values["gap"])
    return Trial(
        least, margin if falls else 0.0, 1.0, level > heights[2], 1e-12, f"infimum {margin:.3g} above that of f"
    )


def _valleys(rng: Rng, count: int) -> Iterator[Instance]:
    for k in range(count):
        gap = float(rng.uniform(0.5, 2))
        # Ends, a pair of minima at or above gap with a low ridge between them, a high ridge, the global minimum 0.
        ridge, high = gap + float(rng.uniform(1.0, 1.4)), gap + float(rng.uniform(2, 4))
        heights = [
            high + 1,
            gap + float(rng.uniform(0, 0.9)),
            ridge,
            gap + float(rng.uniform(0, 0.9)),
            high,
            0.0,
            high + 1,
        ]
        values = {
            "heights": heights,
            "level": float(rng.uniform(ridge, high)),
            "gap": gap,
            "tail": bool(k % 2),
            "x": float(rng.normal()),
        }
        yield Instance("random", f"ridges {ridge:.3g} and {high:.3g}", values)


def tails(x: float, c: float) -> float:
    """sech(x) + c (1 - tanh x) / 2: tends to c on the left and to 0 on the right, one critical point, a maximum at -asinh(c / 2)."""
    return 1.0 / cosh(x) + c * (1.0 - tanh(x)) / 2.0


def island(x: float) -> float:
    """t (4 + t) / (2 + t^2), t = x^2: 0 at 0, rises to 2 at |x| = sqrt 2, then falls to 1."""
    t = x * x
    return t * (4.0 + t) / (2.0 + t * t)


def _falling(f: Callable[[float], float], x: float, to: float, floor: float, met: bool) -> Trial:
    """f falls from x to `to`, and stays above floor."""
    right = min(f(x) - f(to), f(to) - floor)
    return Trial(0.0, right, 1.0, met, 1e-12, f"{f(x):.6g} at {x:.3g}, {f(to):.6g} at {to:.3g}, floor {floor:.3g}")


def _figure3_left(instance: Instance) -> Trial:
    x, c, step = (float(instance.values[k]) for k in ("x", "c", "step"))
    top = -asinh(c / 2.0)
    out = 1.0 if x > top else -1.0
    # The left valley's infimum is c, the right one's 0.
    floor = 0.0 if x > top else c
    return _falling(lambda z: tails(z, c), x, x + out * step, floor, abs(x - top) > 1e-3)


def _figure3_right(instance: Instance) -> Trial:
    """Outside, the valleys' infimum is 1 (or what the instance says); inside one comes to the only local minimum, which is global."""
    x, step = (float(instance.values[k]) for k in ("x", "step"))
    outside = abs(x) > sqrt(2.0)
    to = x + (step if x > 0 else -step) if outside else x * max(0.0, 1.0 - step)
    floor = float(instance.values.get("floor", 1.0)) if outside else 0.0
    return _falling(island, x, to, floor, x != 0.0 and abs(abs(x) - sqrt(2.0)) > 1e-3)


def _steps(rng: Rng, count: int) -> Iterator[Instance]:
    for _ in range(count):
        x, c, step = float(rng.normal() * 3), float(rng.uniform(0, 1)), float(rng.uniform(0.05, 2))
        yield Instance("random", f"x = {x:.3g}, c = {c:.3g}", {"x": x, "c": c, "step": step})


def _figure4(instance: Instance) -> Trial:
    """(x^2 - 1)^2 + tilt x: descent from any point but 0 ends at the infimum, in whichever valley it starts; at 0 the two are apart."""
    x, tilt = float(instance.values["x"]), float(instance.values.get("tilt", 0.0))
    f = lambda z: (z * z - 1.0) ** 2 + tilt * z
    least = min(f(z) for z in np.linspace(-2.0, 2.0, 4001))
    start = x
    for _ in range(4000):
        x -= 0.02 * (4.0 * x * (x * x - 1.0) + tilt)
    return Trial(f(x) - least, 0.0, 1.0, 0.05 < abs(start) < 2.0, 1e-9, f"from {start:.3g} to {x:.6g}")


STATEMENTS = [
    Statement(
        "figure1", PAPER, "Figure 1", "A non-convex function with connected sublevel sets",
        "(y - x^2)^2 + x^2/10: two points are joined inside their sublevel set; a straight segment rises above its ends.",
        Word.HOLDS, _points, _figure1, count=300, hypotheses=("the function is ours",),
    ),
    Statement(
        "figure2", PAPER, "Figure 2 and section 4", "in the left example, the corresponding bad local valley contains multiple local minima, and in the "
        "right example, the bad valley does not even contain any local minimum",
        "Functions linear between random heights: a component of a strict sublevel set holds two minima, and its infimum is above that of f; e^-x added in "
        "a second variable leaves no local minimum.",
        Word.HOLDS, _valleys, _figure2, count=300, hypotheses=("the functions are ours", "a level between the two ridges"),
    ),
    Statement(
        "figure3.left", PAPER, "Figure 3, left", "an example function with exponential tails where local minima do NOT exist but local/global valleys "
        "still exist",
        "sech x + c (1 - tanh x)/2: from every point outwards it falls, to c on the left and to 0 on the right.",
        Word.HOLDS, _steps, _figure3_left, count=300, hypotheses=("the function is ours",),
    ),
    Statement(
        "figure3.right", PAPER, "Figure 3, right", "a different function which satisfies every local minimum is a global minimum, but bad local valleys "
        "still exist at both infinities",
        "t (4 + t)/(2 + t^2), t = x^2: falls towards 0 inside |x| < sqrt 2, and outwards to 1 > 0 beyond.",
        Word.HOLDS, _steps, _figure3_right, count=300, hypotheses=("the function is ours",),
    ),
    Statement(
        "figure4", PAPER, "Figure 4", "A function which has no bad local valleys. Multiple valleys are caused due to the disconnectedness of sublevel sets",
        "(x^2 - 1)^2: descent from either side of 0 ends at the infimum.",
        Word.HOLDS, _steps, _figure4, count=300, hypotheses=("the function is ours",),
    ),
]  # fmt: skip

"""Section 7, Figure 5: connected sublevel sets do not keep gradient flow from getting stuck at infinity."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from verifier.audit.claim import Instance, Rng, Statement, Trial, Word

PAPER = "nguyen2019"


def figure_value(x: float, y: float) -> float:
    """g(x, y) = exp(-x) + 1 / (1 + max(y, 0)^2), continuously differentiable, inf g = 0.

    {g <= alpha} is the set above a continuous function of y over the interval of all y with 1 / (1 + max(y, 0)^2) < alpha: connected.
    """
    return float(np.exp(-x) + 1.0 / (1.0 + max(y, 0.0) ** 2))


def figure_gradient(x: float, y: float) -> tuple[float, float]:
    p = max(y, 0.0)
    return -float(np.exp(-x)), -2.0 * p / (1.0 + p * p) ** 2


def flow(x: float, y: float, steps: int = 4000) -> tuple[float, float]:
    """Gradient descent with step 0.5 exp(x), bounded by 0.5: along y <= 0 every step takes x on and y nowhere."""
    for _ in range(steps):
        a, b = figure_gradient(x, y)
        x, y = x - 0.5 * a * np.exp(min(x, 30.0)), y - 0.5 * b
    return float(x), float(y)


def _figure5(instance: Instance) -> Trial:
    """Between two points of a sublevel set: right, across, left stays at or below the larger value; and the flow from y <= 0 ends above 0.9."""
    (x, y), (u, v), start = (instance.values[k] for k in ("p", "q", "start"))
    level = max(figure_value(x, y), figure_value(u, v))
    ends = max(x, u)
    # Across at the abscissa of the point that lies farther right, which may be too far left for the other ordinates: go on until it is not.
    far = ends
    heights = np.linspace(min(y, v), max(y, v), 101)
    worst = max(1.0 / (1.0 + max(float(h), 0.0) ** 2) for h in heights)
    if level > worst:
        far = max(ends, -float(np.log(level - worst)) + 1e-6)
    rows = [(a, b) for a, b in zip(np.linspace(x, far, 101), np.full(101, y))]
    rows += [(far, float(h)) for h in heights]
    rows += [(a, b) for a, b in zip(np.linspace(far, u, 101), np.full(101, v))]
    top = max(figure_value(a, b) for a, b in rows)
    last = figure_value(*flow(*start))
    # The flow misses the infimum 0 by 1: what it comes nearer than 0.9 is added to the left side.
    return Trial(
        top + max(0.0, 0.9 - last), level, level, level > worst, 1e-9, f"level {level:.3g}, flow ends at {last:.6g}"
    )


def _points(rng: Rng, count: int) -> Iterator[Instance]:
    for _ in range(count):
        p, q = (tuple(float(c) for c in rng.normal(size=2) * 10.0 ** rng.uniform(-1, 1)) for _ in range(2))
        start = (float(rng.normal()), -float(abs(rng.normal())))
        yield Instance("random", f"from {p} to {q}", {"p": p, "q": q, "start": start})


STATEMENTS = [
    Statement(
        "section7.fig5", PAPER, "Section 7, Figure 5", "gradient flow gets stuck infinitely as the function continues to decrease along that direction",
        "The figure's function is not given; exp(-x) + 1 / (1 + max(y, 0)^2) does what it shows: two points of a sublevel set are joined inside it, "
        "and descent from y <= 0 ends at 1 although the infimum is 0.",
        Word.HOLDS, _points, _figure5, count=100,
    ),
]  # fmt: skip

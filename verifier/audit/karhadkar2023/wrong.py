"""Karhadkar, Murray, Tseran, Montúfar 2023: for every statement that holds, a false one that the same trials must refute."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from verifier.audit.claim import Wrong
from verifier.audit.wrong import changing, given

Values = dict[str, Any]
HALF, TENTH = "half of that share", "a tenth of that share"


def _twice(v: Values) -> Values:
    """The first two samples are one point."""
    x = v["x"] if isinstance(v["x"], list) else np.array(v["x"])
    if len(x) > 1:
        x[1] = x[0]
    return {"x": x}


def _backwards(v: Values) -> Values:
    return {"x": v["x"][::-1]}


def _width(d1: int):  # type: ignore[no-untyped-def]
    return changing(lambda v: {"cell": replace(v["cell"], d1=d1)})


def _zigzag(v: Values) -> Values:
    """A function that no ReLU represents."""
    return {"p": np.where(np.arange(len(v["x"])) % 2, 1.0, -1.0)}


def _coincident(v: Values) -> Values:
    """The second sample is the first again."""
    x = np.array(v["x"])
    x[1] = x[0]
    return {"x": x}


def _third(v: Values) -> Values:
    """Targets of three samples, the middle one too high for a convex function."""
    x, y = v["x"], v["y"]
    return {"x": np.array([x[0], (x[0] + x[1]) / 2, x[1]]), "y": np.array([y[0], y[0] + y[1] + 1.0, y[1]])}


WRONG = {
    "lemma2": Wrong("nine tenths of that", share=0.9),
    "t3.bourgain": Wrong("at most 2^-d", given(base=0.5)),
    "lemma4": Wrong("an entry of v may be 0", changing(lambda v: {"v": [0, *list(v["v"])[1:]]})),
    "t5.repaired": Wrong(TENTH, share=0.1),
    "cor8.repaired": Wrong("a fiftieth of that share", share=0.02),
    "prop6": Wrong("two inputs may be the same", changing(lambda v: {"X": np.vstack([v["X"], v["X"][-1:]])})),
    "prop6.most": Wrong("a tenth fewer", share=0.9),
    "prop7.repaired": Wrong(
        "an input may be 0",
        changing(lambda v: {"X": np.vstack([v["X"], 0 * v["X"][:1]]), "pattern": np.append(v["pattern"], 0)}),
    ),
    "lemma9": Wrong("two inputs may be the same", changing(_twice)),
    "t10": Wrong(TENTH, share=0.1),
    "lemma11": Wrong(HALF, share=0.5),
    "t12": Wrong(TENTH, share=0.1),
    "lemma15.repaired": Wrong("inputs may stand in the wrong order", changing(_backwards)),
    "prop13.cone.repaired": Wrong("n = 1 too", changing(lambda v: {"x": v["x"][:1], "w": 0.0, "b": 1.0})),
    "prop13.onto": Wrong("inputs may stand in the wrong order", changing(_backwards)),
    "prop13.affine.repaired": Wrong("p may be any function", changing(_zigzag)),
    "prop13.sums": Wrong("one point of the polyline is enough for the sum of two", given(points=1)),
    "prop13.table": Wrong("two inputs may be the same", changing(_coincident)),
    "example14": Wrong("two inputs may be the same", changing(_coincident)),
    "figure1": Wrong("sums of two lie on the polyline too", given(of=2)),
    "figure4": Wrong("a sample may be 0", changing(lambda v: {"X": np.vstack([v["X"], 0 * v["X"][:1]])})),
    "figure5": Wrong("n = 3 too", changing(_third)),
    "figures.t10": Wrong("two neurons are enough", _width(2)),
    "figures.t12": Wrong("two neurons are enough", _width(2)),
    "figure2": Wrong("two hundred neurons have too few parameters as well", _width(200)),
    "figure3.parameters": Wrong("two hundred neurons have too few parameters as well", _width(200)),
    "figure7": Wrong("one neuron is enough", _width(1)),
    "figure8": Wrong("one neuron is enough", _width(1)),
}

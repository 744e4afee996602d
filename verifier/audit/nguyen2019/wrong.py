"""Nguyen 2019: for every statement that holds, a false one that the same trials must refute."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from verifier.audit.claim import Wrong
from verifier.audit.wrong import changing, given

Values = dict[str, Any]
TENTH = Wrong("a path stays a tenth below the larger end", share=0.9)
STOPPED = Wrong("the path without its last move ends there already", given(stopped=True))
HALFWAY = Wrong("half of the way is enough", given(**{"share of the way": 0.5}))
NO_SHIFT = Wrong("a shift may be 0", changing(lambda v: {"shifts": [Fraction(0)], "factors": [Fraction(1)]}))


def _not_of_full_rank(v: Values) -> Values:
    weights = [W.copy() for W in v["weights"]]
    weights[1][:, 0] = 0.0
    return {"weights": weights}


def _square(v: Values) -> Values:
    """Determinants of opposite signs."""
    A = v["A"][: v["A"].shape[1]]
    B = A.copy()
    B[:, 0] *= -1
    return {"A": A, "B": B}


def _few_neurons(v: Values) -> Values:
    """One neuron fewer than samples."""
    n = len(v["X"]) - 1
    return {} if n < 1 else {"W": v["W"][:, :n], "b": v["b"][:n], "V": v["V"][:n]}


def _no_free_neuron(v: Values) -> Values:
    n = len(v["X"])
    return {"W": v["W"][:, :n], "b": v["b"][:n], "V": v["V"][:n]}


WRONG = {
    "assumption21.leaky": Wrong("ReLU too", given(slope=Fraction(0))),
    "assumption22": NO_SHIFT,
    "lemma23": NO_SHIFT,
    "lemma23.elu": NO_SHIFT,
    "lemma23.softplus": NO_SHIFT,
    "lemma33.middle": Wrong("W_2 may have a column of zeros", changing(_not_of_full_rank)),
    "t51.multiclass": TENTH,
    "t42.unbounded": Wrong("layer k + 1 need not follow", given(**{"first layer stays": True})),
    "lemma44": Wrong("entries of v may be equal", changing(lambda v: {"v": [*v["v"], v["v"][0]]})),
    "lemma33": Wrong("W_2 may have a column of zeros", changing(_not_of_full_rank)),
    "lemma33.curve": Wrong("W_2 may have a column of zeros", changing(_not_of_full_rank)),
    "prop35": Wrong("m = n too", changing(_square)),
    "lemma43": Wrong("a set I that spans less is enough", given(**{"one too few": True})),
    "lemma52": Wrong("n >= N - 1 is enough", changing(_few_neurons)),
    "lemma53": Wrong("the straight segment of weights keeps the output", given(straight=True)),
    "t32": TENTH,
    "t42": HALFWAY,
    "t51": TENTH,
    "t51.unbounded": Wrong("n_1 = N is enough", changing(_no_free_neuron)),
    "t61.valleys": HALFWAY,
    "t61": TENTH,
    "lemma34": Wrong("theta itself has Property 3.1", given(**{"as it is": True})),
    "t32.path": TENTH,
    "t32.unbounded": Wrong("the first layer need not follow", given(**{"first layer stays": True})),
    "t42.path": STOPPED,
    "t51.path": TENTH,
    "t51.unbounded.path": Wrong("neurons that are read grow too", given(**{"all neurons": True})),
    "t61.valleys.path": STOPPED,
    "t61.path": TENTH,
    "figure1": TENTH,
    "figure2": Wrong("a level above the high ridge", changing(lambda v: {"level": max(v["heights"])})),
    "figure3.left": Wrong("it falls inwards", changing(lambda v: {"step": -v["step"]})),
    "figure3.right": Wrong("the infimum of the valleys at infinity is 3/2", given(floor=1.5)),
    "figure4": Wrong("with a slope added too", given(tilt=0.3)),
    "section7.fig5": TENTH,
}

"""Claims that hold are tried on trained networks too, wherever a trained network makes sense."""

import inspect

import numpy as np
import pytest

from verifier.audit.claim import Word
from verifier.audit.papers import PAPERS, statements_of

# Statements with trained instances of their own, each a fraction of a second here. Others train for minutes and have tests of their own.
QUICK = {
    "baturin2026": ("t3.removal", "t3.total", "t3.total.tighter"),
    "nguyen2021": (
        "claim51.swap", "claim51.deep", "eq6.deep", "cor44.head.repaired", "cor44.one-output.repaired", "cor44.hidden", "expA.order",
    ),
    "nguyen2019": (
        "lemma33", "lemma33.curve", "lemma33.middle", "prop35", "lemma43", "lemma52", "lemma53", "t32", "t42", "t51", "t51.multiclass", "t51.unbounded",
        "t61.valleys", "t61", "lemma44",
    ),
    "karhadkar2023": ("lemma4",),
}  # fmt: skip
WITHOUT = {
    "a count of patterns, of subsets or of widths": (
        "t3.bourgain", "t5.repaired", "cor8.repaired", "prop6", "prop6.most", "prop7.repaired", "lemma9", "t10", "lemma11", "eq6.minmax", "cor43.A1",
        "exp.pairs.disjoint", "example14",
    ),
    "inputs on a line, or numbers and an activation": (
        "t12", "lemma15.repaired", "prop13.cone.repaired", "prop13.onto", "prop13.affine.repaired", "assumption21.leaky", "assumption22", "lemma23",
        "lemma23.elu", "lemma23.softplus", "prop13.sums", "prop13.table", "figure5",
    ),
    "data and labels, no network": ("t3.e.repaired",),
    "regions of random networks are what it is about": ("figures.t10", "figures.t12", "figure2", "figure3.parameters", "figure7", "figure8"),
    "functions of one or two numbers": ("figure1", "figure2", "figure3.left", "figure3.right", "figure4", "section7.fig5"),
    "its networks are minima of landscapes known whole": ("width", "t2.main.repaired", "t2.main.logistic", "t3.rate.repaired"),
    "trained ReLU layers are not in generic position (cor43.A2), which it asks for": ("cor43",),
}  # fmt: skip
EVERY = {
    (paper, s.identifier): s
    for paper in PAPERS
    for whole in statements_of(paper)
    for s in (whole, whole.repaired)
    if s is not None and s.instances is not None
}


def source(s):
    """Of the generator, and of what it closes over."""
    inside = [c.cell_contents for c in s.instances.__closure__ or ()]
    return "".join(inspect.getsource(f) for f in (s.instances, *inside) if inspect.isfunction(f))


@pytest.mark.parametrize(("paper", "name"), [(p, n) for p, names in QUICK.items() for n in names])
def test_trained_instances_meet_the_hypotheses_and_hold(paper, name):
    s = EVERY[paper, name]
    found = [i for i in s.instances(np.random.default_rng(0), 100) if i.origin == "trained"]
    assert found
    trials = [s.evaluate(i) for i in found]
    assert any(t.met for t in trials), "at least one says something"
    assert not any(t.violated for t in trials)


def test_every_other_claim_that_holds_has_trained_instances_or_a_reason():
    quick = {(p, n) for p, names in QUICK.items() for n in names}
    without = {n for names in WITHOUT.values() for n in names}
    for (paper, name), s in EVERY.items():
        if s.expected is Word.HOLDS and (paper, name) not in quick:
            assert (name in without) != ("trained" in source(s)), f"{paper} {name}"

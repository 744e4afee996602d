"""Section 5: what the experiments' figures presuppose."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from verifier.audit.claim import About, Instance, Rng, Statement, Trial, Word, compared
from verifier.audit.counterexamples import parameters, problem_of, violated
from verifier.audit.trained import trained
from verifier.kernel import Problem
from verifier.kernel.papers.statement import ClaimViolation
from verifier.networks.network import Network
from verifier.objective import Risk, make_objective
from verifier.paths.curves.dss import dss
from verifier.pipeline.sampling import sample_segment

PAPER = "baturin2026"


def _mse(i: Instance) -> Trial:
    """Slope of the squared loss between two predictions against a constant L."""
    f, g, L = (float(i.values[k]) for k in ("f", "g", "L"))
    return compared(abs(f * f - g * g) / abs(f - g), L)


def _mse_claim(i: Instance) -> tuple[Problem, ClaimViolation]:
    """One neuron relu(x) at x = 1, heads f and g, target 0."""
    A, B = (parameters([np.ones((1, 1)), np.full((1, 1), i.values[k])], [None, None]) for k in ("f", "g"))
    problem = problem_of("squared", np.ones((1, 1)), np.zeros((1, 1)), A, B)
    return violated(PAPER, "exp.mse", problem, np.array([i.values["L"]]))


def _predictions(rng: Rng, count: int) -> Iterator[Instance]:
    """L from 1 to 1e6, predictions of that size: whatever L is, larger predictions exceed it."""
    for _ in range(count):
        L = 10.0 ** rng.uniform(0, 6)
        f = L * rng.uniform(0.1, 2.0)
        yield Instance("random", f"L = {L:.3g}", {"f": f, "g": f * rng.uniform(0.5, 0.99), "L": L})


def _minimum(i: Instance) -> Trial:
    """The published formula, the least exceedance over segments, against the largest: the energy gap of the string."""
    over = np.maximum(i.values["maxima"] - i.values["E"], 0.0)
    return compared(
        float(over.max()),
        float(over.min()),
        text=f"largest {over.max():.3g}, least {over.min():.3g} of {len(over)} segments",
    )


def _strings(rng: Rng, count: int) -> Iterator[Instance]:
    """Segment maxima of lines between random networks through random beads; for many, also of a DSS string on Moons."""

    o = make_objective("squared")
    for _ in range(count):
        X, y = rng.normal(size=(8, 2)), rng.normal(size=(8, 1))
        nets = [Network((rng.normal(size=(3, 2)), rng.normal(size=(1, 3))), (None, None)) for _ in range(4)]
        times = np.linspace(0, 1, 21)
        maxima = [
            float(sample_segment(a, b, times, Risk(o, X, y), "literal").max()) for a, b in itertools.pairwise(nets)
        ]
        E = max(o.value(n, X, y) for n in (nets[0], nets[-1]))
        yield Instance("random", "three segments", {"maxima": np.array(maxima), "E": E})
    if count >= 100:
        (A, data), (B, _) = trained("paper-moons", "squared", 20, 0), trained("paper-moons", "squared", 20, 1)
        targets = o.loss.encode(data)
        found = dss(A, B, Risk(o, data.X, targets))
        vertices = list(found.path.vertices())
        maxima = [
            float(sample_segment(a, b, np.linspace(0, 1, 200), Risk(o, data.X, targets), "literal").max())
            for a, b in itertools.pairwise(vertices)
        ]
        E = max(o.value(n, data.X, targets) for n in (A, B))
        yield Instance("trained", "Moons, width 20, a DSS string", {"maxima": np.array(maxima), "E": E})


def _p_value(i: Instance) -> Trial:
    """A permutation test counts the observed statistic among its n + 1 values: p is at least 1 / (n + 1)."""
    a, b, n = i.values["a"], i.values["b"], int(i.values["n"])
    rng = np.random.default_rng(0)
    both, observed = np.concatenate([a, b]), a.max() - b.max()
    exceeded = 0
    for _ in range(n):
        mixed = rng.permutation(both)
        exceeded += bool(mixed[: len(a)].max() - mixed[len(a) :].max() >= observed)
    return compared(
        (exceeded + 1) / (n + 1), 0.0, text=f"p = {(exceeded + 1) / (n + 1):.3g}, counted {exceeded} of {n}"
    )


def _samples(rng: Rng, count: int) -> Iterator[Instance]:
    for _ in range(count):
        n, times = int(rng.integers(50, 300)), float(rng.uniform(1.0, 6.0))
        values = {"a": times * rng.exponential(size=20), "b": rng.exponential(size=20), "n": n}
        yield Instance("random", f"two samples of 20, {n} permutations", values)


def _shared(i: Instance) -> Trial:
    """Share of pairs of pairs that have a network in common; 0 if all 200 were independent."""
    pairs = i.values["pairs"]
    sets = [set(p) for p in pairs.tolist()]
    shared = sum(bool(sets[a] & sets[b]) for a in range(len(sets)) for b in range(a))
    return compared(
        shared / (len(sets) * (len(sets) - 1) / 2),
        0.0,
        text=f"{shared} of {len(sets) * (len(sets) - 1) // 2} pairs of pairs share a network",
    )


def _random_pairs(rng: Rng, count: int) -> Iterator[Instance]:
    for _ in range(count):
        n = int(rng.integers(10, 399))
        pairs = np.array([rng.choice(n, size=2, replace=False) for _ in range(200)])
        yield Instance("random", f"200 pairs of {n} networks", {"pairs": pairs})


def _disjoint(rng: Rng, count: int) -> Iterator[Instance]:
    for _ in range(count):
        order = rng.permutation(400)
        yield Instance("random", "200 disjoint pairs of 400 networks", {"pairs": order.reshape(200, 2)})


def _slope_of_probability(i: Instance) -> Trial:
    """Slope of -log p between two probabilities against a constant L."""
    p, q, L = (float(i.values[k]) for k in ("p", "q", "L"))
    return compared(abs(np.log(p / q)) / abs(p - q), L)


def _probabilities(rng: Rng, count: int) -> Iterator[Instance]:
    """L from 1 to 1e6; whatever it is, smaller probabilities exceed it."""
    for _ in range(count):
        L = 10.0 ** rng.uniform(0, 6)
        p = float(rng.uniform(0.1, 0.9) / L)
        yield Instance("random", f"L = {L:.3g}", {"p": p, "q": p * rng.uniform(0.1, 0.9), "L": L})


STATEMENTS = [
    Statement(
        "s3.compact",
        PAPER,
        "section 3, first paragraph",
        "the logistic loss and binary cross-entropy are convex in Y-hat and Lipschitz on any compact domain (in classification tasks Y-hat often lies in "
        "[0, 1] after a sigmoid)",
        "-log p of a probability p in [0, 1] is L-Lipschitz for the given L. In the logit, as the networks here are trained, it is with L = 1.",
        Word.FAILS,
        _probabilities,
        _slope_of_probability,
        (Instance("known", "L = 10, probabilities 0.01 and 0.001", {"p": 0.01, "q": 0.001, "L": 10.0}),),
        no_certificate="it is about the logarithm near 0 and no network: [0, 1] is compact, and -log p has no largest slope on it",
    ),
    Statement(
        "exp.mse",
        PAPER,
        "section 5.1",
        "train one-hidden-layer ReLU networks with MSE",
        "The squared loss is L-Lipschitz in the prediction, as Theorem 2 assumes, for the given L.",
        Word.FAILS,
        _predictions,
        _mse,
        (Instance("known", "L = 10, predictions 8 and 4 of the target 0", {"f": 8.0, "g": 4.0, "L": 10.0}),),
        counterexample=_mse_claim,
        about=About.REMARK,
    ),
    Statement(
        "exp.min",
        PAPER,
        "section 5",
        "The energy gap is defined as max_t L(gamma(t)) - E",
        "The largest exceedance over a string's segments is at most the published formula's least one: the code behind the tables, "
        "github.com/Safreliy/energy-gap-estimate at f342c70, prints the latter. Its author withdrew the tables in August 2026.",
        Word.FAILS,
        _strings,
        _minimum,
        count=200,
        no_certificate="a definition against a published formula: the largest of some numbers is not their least",
    ),
    Statement(
        "exp.pperm",
        PAPER,
        "section 5, summary",
        "The max-gap permutation test yields p_perm = 0 in both tasks",
        "A permutation test's p is 0.",
        Word.FAILS,
        _samples,
        _p_value,
        count=100,
        no_certificate="it is about permutation tests and no network: p is at least 1 / (n + 1) whatever the data",
    ),
    Statement(
        "exp.pairs",
        PAPER,
        "section 5",
        "sampling 200 random pairs of independently trained solutions",
        "No two of 200 random pairs share a network.",
        Word.FAILS,
        _random_pairs,
        _shared,
        count=50,
        no_certificate="it is about random draws of pairs, not about any network's numbers",
        about=About.REMARK,
        repaired=Statement(
            "exp.pairs.disjoint",
            PAPER,
            "section 5",
            "",
            "Disjoint pairs share none.",
            Word.HOLDS,
            _disjoint,
            _shared,
            count=20,
        ),
    ),
]

"""What section 2 and Theorem 3 say about sublevel sets: whether connected ones leave no bad local minimum, and whether eps tends to 0 with the width."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache

import numpy as np

from verifier.audit.claim import Counterexample, Instance, Rng, Statement, Trial, Word
from verifier.elaboration import elaborate_path, endpoint_claims, kernel_problem
from verifier.elaboration.every_width import every_width_claim
from verifier.landscape.setting import make_setting
from verifier.landscape.tree import merge_tree
from verifier.networks.network import Network, one_hidden_layer
from verifier.objective import Objective, Risk, make_objective
from verifier.paths.exchange.proposition_x import exchange
from verifier.programs.every_width.solve import solve_every_width
from verifier.theory.bounds import lipschitz_constant, second_moment_norm

PAPER = "baturin2026"
Array = np.ndarray


def _objective(v: dict) -> Objective:
    """The l1 penalty on unit rows as the path penalty, which no length of a row changes."""
    return make_objective(v["loss"], delta=1.0 if v["loss"] == "huber" else None, kappa=v["kappa"], penalty="path")


def _silent_and_best(v: dict) -> tuple[Network, Network]:
    """Width 2, one sample x > 0 with label 1, logistic loss: rows that are negative there with heads 0, and the best network."""
    x, kappa = float(v["x"]), float(v["kappa"])
    slope = min(kappa / x, 0.5)
    head = math.log((1.0 - slope) / slope) / x
    silent = one_hidden_layer(np.full((2, 1), -1.0), np.zeros((1, 2)), None, None)
    return silent, one_hidden_layer(np.ones((2, 1)), np.array([[head, 0.0]]), None, None)


def _one_sample(v: dict) -> tuple[Array, Array]:
    return np.array([[float(v["x"])]]), np.array([[1.0]])


def _local(i: Instance) -> Trial:
    """F of the silent network, around which F is nowhere lower, against the least F of all."""
    o, (X, y) = _objective(i.values), _one_sample(i.values)
    silent, best = (o.value(n, X, y) for n in _silent_and_best(i.values))
    return Trial(silent, best, silent, text=f"a local minimum at {silent:.6g}, the global one at {best:.6g}")


def _samples(rng: Rng, count: int) -> Iterator[Instance]:
    for _ in range(count):
        x = float(10.0 ** rng.uniform(-1, 2))
        kappa = float(x * rng.uniform(0.01, 0.45))
        yield Instance("random", f"x = {x:.3g}, kappa = {kappa:.3g}", {"loss": "logistic", "x": x, "kappa": kappa})


def _local_claims(i: Instance) -> Counterexample:
    """Both values, and a path from the silent network to the best one along which F stays at or below the former."""
    o, (X, y) = _objective(i.values), _one_sample(i.values)
    A, B = _silent_and_best(i.values)
    problem = kernel_problem(A, B, Risk(o, X, y))
    ends = endpoint_claims(problem)
    path = elaborate_path(problem, exchange(A, B, Risk(o, X, y))).claim
    argument = (
        "all neurons of A are negative at the only sample and its heads are 0, so that F is at least F(A) near A: a local minimum. "
        "Every network can go to the best head on its rows, for which one neuron is enough with one sample, take another network's neuron in its second "
        "slot, and go over by a head move, on which F is convex: all sublevel sets of width 2 are connected. Yet F(B) lies below F(A)"
    )
    return Counterexample(problem, (*ends, path), ends[0].lower - ends[1].upper, argument)


def _floor(i: Instance) -> Trial:
    """A bound of F for every width is one of e(l) and of every delta, so of eps(m) for every m; O(m^-zeta) tends to 0."""
    v = i.values
    program = solve_every_width([_start(v)], Risk(_objective(v), v["X"], v["y"]), seconds=3.0, tolerance=1e-3)
    return Trial(program.dual, 0.0, 1.0, text=f"eps(m) >= {program.dual:.6g} for every m, kappa = {v['kappa']:.3g}")


def _start(v: dict) -> Network:
    """Something for column generation to begin with."""
    d = v["X"].shape[1]
    return one_hidden_layer(np.vstack([np.eye(d), -np.eye(d)]), np.zeros((1, 2 * d)), None, None)


def _labelled(rng: Rng, count: int) -> Iterator[Instance]:
    for _ in range(count):
        N, d = int(rng.integers(1, 7)), int(rng.integers(1, 3))
        kappa = float(np.exp(rng.uniform(-5, -1)))
        v = {
            "X": rng.normal(size=(N, d)),
            "y": rng.choice([-1.0, 1.0], size=(N, 1)),
            "loss": "logistic",
            "kappa": kappa,
        }
        yield Instance("random", f"N = {N}, d = {d}", v)


def _floor_claims(i: Instance) -> Counterexample:
    v = i.values
    A, o = _start(v), _objective(v)
    problem = kernel_problem(A, A, Risk(o, v["X"], v["y"]))
    claim = every_width_claim(problem, solve_every_width([A], Risk(o, v["X"], v["y"]), seconds=3.0))
    argument = (
        f"eps(m) is the largest of e(l) and of the deltas, each of which is F of a network: eps(m) >= {claim.lower:.6g} for every m and l. "
        "O(m^-zeta) with zeta > 0 tends to 0"
    )
    return Counterexample(problem, (*endpoint_claims(problem), claim), claim.lower, argument)


@cache
def _landscape(seed: int, m: int) -> tuple[tuple[float, ...], tuple[float, ...], float, Objective]:
    """(levels, gaps over them of all minima of width m, least F of m - 1 neurons, objective) of four random samples on a line, hidden biases on."""
    rng = np.random.default_rng(seed)
    X, y = np.sort(rng.uniform(-1, 1, (4, 1)), axis=0), rng.normal(size=(4, 1))
    v = {"loss": "huber", "kappa": float(np.exp(rng.uniform(-6, -3)))}
    o = _objective(v)
    risk = Risk(o, X, y)
    tree, fewer = merge_tree(make_setting(risk, m)), merge_tree(make_setting(risk, m - 1))
    levels = tuple(float(tree.values[k]) for k in tree.younger)
    return levels, tuple(map(float, tree.persistence)), float(fewer.values[0]), o


def _excess(i: Instance) -> Trial:
    """Every gap over the level of the younger of two minima against max{L D (level) / (kappa sqrt(m - l)), (e(l) - level)_+}, l = m - 1; or, where the
    instance says so, against its second term alone."""
    if "seed" not in i.values:  # of the statement as printed, which is about no landscape
        return Trial(0.0, 0.0, 1.0, False)
    seed, m = i.values["seed"], i.values["m"]
    levels, gaps, e, o = _landscape(seed, m)
    X = np.sort(np.random.default_rng(seed).uniform(-1, 1, (4, 1)), axis=0)
    root = math.sqrt(second_moment_norm(X, True))
    worst: Trial | None = None
    for level, gap in zip(levels, gaps):
        first = lipschitz_constant(o, 1) * root * level / o.kappa
        right = max(0.0 if i.values.get("second term alone") else first, e - level, 0.0)
        t = Trial(
            gap,
            right,
            max(level, gap, 1e-12),
            tolerance=1e-6,
            text=f"gap {gap:.6g} over {level:.6g}, e({m - 1}) = {e:.6g}",
        )
        worst = t if worst is None or t.slack < worst.slack else worst
    return Trial(0.0, 0.0, 1.0, False) if worst is None else worst


def _seeds(rng: Rng, count: int) -> Iterator[Instance]:
    for _ in range(count):
        seed = int(rng.integers(2**31))
        yield Instance("random", f"four samples, width 2, seed {seed}", {"seed": seed, "m": 2})


STATEMENTS = [
    Statement(
        "t2.global",
        PAPER,
        "Section 2, loss sublevel sets",
        "If a sublevel set is connected for every lambda, then clearly every local minimum of F_o must also be a global minimum",
        "One sample, width 2, where all sublevel sets are connected: the value of a local minimum is at most the least F.",
        Word.FAILS,
        _samples,
        _local,
        (Instance("known", "x = 1, kappa = 0.1", {"loss": "logistic", "x": 1.0, "kappa": 0.1}),),
        counterexample=_local_claims,
        hypotheses=("all sublevel sets are connected",),
    ),
    Statement(
        "t3.rate",
        PAPER,
        "Theorem 3",
        "the energy gap epsilon satisfies epsilon = O(m^-zeta) for some 0 < zeta < 1",
        "A lower bound of F for every width, which bounds e(l) and so the level eps(m) of Theorem 2 for every m, is 0 or less.",
        Word.FAILS,
        _labelled,
        _floor,
        (
            Instance(
                "known",
                "one sample x = 1, kappa = 0.1",
                {"X": np.ones((1, 1)), "y": np.ones((1, 1)), "loss": "logistic", "kappa": 0.1},
            ),
        ),
        counterexample=_floor_claims,
        hypotheses=("convex Lipschitz loss", "kappa > 0", "l1 penalty on unit rows, which is the path penalty"),
        count=20,
        repaired=Statement(
            "t3.rate.repaired",
            PAPER,
            "Theorem 3; version of August 2026",
            "",
            "The excess over a level lambda: every gap between local minima of an exact landscape is at most the larger of "
            "L sqrt|Sigma| lambda / (kappa sqrt(m - l)) and e(l) - lambda, l = m - 1. Whether it tends to 0 is for all m, and not tried.",
            Word.HOLDS,
            _seeds,
            _excess,
            hypotheses=("convex Lipschitz loss", "kappa > 0"),
            count=40,
        ),
    ),
]

"""Theorem 2 itself: tiny problems on which the pass between two networks is known from both sides, against the level that the theorem promises.

The theorem speaks of the l1 penalty and rows on the unit sphere; on these it is the path penalty, which no rescaling of a row changes. A bias is one more
input coordinate. For l = 1 and alpha = pi every angle is allowed, so that e(1), delta_W(m - 1, alpha) and F itself bound all terms of eps from above by
max(F(A), F(B), F(e1)), e1 any network of one neuron: the promise is at most that plus C pi.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from verifier.audit.claim import Counterexample, Instance, Rng, Trial
from verifier.elaboration import elaborate_path, endpoint_claims, kernel_problem
from verifier.elaboration.claims import head_claim
from verifier.kernel.statements import BarrierLowerBound, HeadOptimum, Problem
from verifier.landscape.faces import FaceValues
from verifier.landscape.gap import exact_gap
from verifier.landscape.minima import minimum_network
from verifier.landscape.setting import make_setting
from verifier.landscape.tree import merge_tree
from verifier.matrices import augmented_inputs
from verifier.networks.network import Network, one_hidden_layer
from verifier.objective import Objective, Risk, make_objective
from verifier.pipeline.exact import barrier_of
from verifier.pipeline.landscape_records import pairs_of

Array = np.ndarray
DELTA = 1.0  # Huber's: L = 1
# The name of each claim in the certificate of a counterexample.
ONE_NEURON = "one neuron"


@dataclass(frozen=True)
class Sides:
    """What is certified about an instance: the terms of eps from above, and the pass from below (None: no barrier over E) and from above."""

    problem: Problem
    claims: tuple[Any, ...]
    terms: float
    barrier: float | None
    upper: float


def second_moment_root(X: Array) -> float:
    """An upper bound of sqrt|Sigma_X|_2, inputs with a 1 behind them: the Frobenius norm bounds the spectral one; rounded outwards."""
    xt = augmented_inputs(X)
    return math.sqrt(float(np.linalg.norm(xt.T @ xt / len(X)))) * (1 + 1e-12)


def printed_constant(v: dict[str, Any]) -> float:
    """C = L^2 sqrt|Sigma| / kappa, L = 1, from above."""
    return second_moment_root(v["X"]) / v["kappa"]


def repaired_constant(v: dict[str, Any]) -> float:
    """C = L sqrt|Sigma| E loss(y, 0) / (2 kappa): the segment's own bound, and |theta|_1 <= E loss(y, 0) / kappa for every best head."""
    zero = make(v).loss.values(np.zeros((len(v["X"]), 1)), v["y"][:, None])
    return second_moment_root(v["X"]) * float(np.mean(zero)) / (2 * v["kappa"])


def make(v: dict[str, Any]) -> Objective:
    return make_objective(v["loss"], delta=DELTA if v["loss"] == "huber" else None, kappa=v["kappa"], penalty="path")


def network(flat: Array) -> Network:
    """Rows (w, b, theta) of an (m, 3) array: one input, hidden biases, no output bias."""
    return one_hidden_layer(flat[:, :1].copy(), flat[:, 2].copy(), flat[:, 1].copy(), None)


def sides(v: dict[str, Any]) -> Sides:
    """Run the exact search, and let the kernel bound both sides of what it found."""
    A, B, e1 = (network(v[n]) for n in ("A", "B", "e1"))
    o, X, y = make(v), v["X"], v["y"][:, None]
    problem = kernel_problem(A, B, Risk(o, X, y))
    found = exact_gap(A, B, Risk(o, X, y))
    barrier = barrier_of(problem, found, name="no path below")
    # The dual 0 is feasible and worth 0: only the upper end is wanted.
    one = head_claim(problem, ONE_NEURON, e1.W, e1.b, e1.theta, None, np.zeros((len(X), 1)))
    ends = endpoint_claims(problem)
    upper = elaborate_path(problem, found.path).claim.sup
    claims = (*ends, one, *([] if barrier is None else [barrier]))
    terms = max(*(e.upper for e in ends), one.upper)
    return Sides(problem, claims, terms, None if barrier is None else barrier.level, upper)


def _trial(i: Instance, constant: float) -> Trial:
    """Violated where a certified barrier lies above the promise; no trial where the promise lies between the two sides of the pass."""
    s = sides(i.values)
    promise = math.nextafter(s.terms + constant * math.pi, math.inf)
    if s.barrier is not None and s.barrier > promise:
        return Trial(s.barrier, promise, promise, text=f"every path reaches {s.barrier:.8g}, C = {constant:.6g}")
    return Trial(s.upper, promise, promise, met=s.upper <= promise, text=f"a path stays below {s.upper:.8g}")


def printed_trial(i: Instance) -> Trial:
    return _trial(i, printed_constant(i.values))


def repaired_trial(i: Instance) -> Trial:
    return _trial(i, repaired_constant(i.values))


def counterexample(i: Instance) -> Counterexample:
    """Four claims of the kernel; the promise follows from their numbers and from C, which is arithmetic on data and kappa."""
    s = sides(i.values)
    C = printed_constant(i.values)
    promise = math.nextafter(s.terms + C * math.pi, math.inf)
    margin = (0.0 if s.barrier is None else s.barrier) - promise
    argument = (
        f"with l = 1 and alpha = pi all terms of eps are at most max(F(A), F(B), F(e1)) <= {s.terms:.8g}, e1 the network of claim {ONE_NEURON!r}; "
        f"C = L^2 sqrt|Sigma| / kappa <= {C:.8g}, so that Theorem 2 promises a path at or below {promise:.8g}"
    )
    return Counterexample(s.problem, s.claims, margin, argument)


def promised_from(claims: tuple[Any, ...], X: Array, kappa: float) -> tuple[float, float]:
    """(promise, barrier) from a certificate's own claims and data: what a reader of the file computes."""
    terms = max(c.upper for c in claims if not isinstance(c, BarrierLowerBound))
    barrier = next(c.level for c in claims if isinstance(c, BarrierLowerBound))
    assert any(isinstance(c, HeadOptimum) and len(c.rows) == 1 for c in claims)
    return terms + printed_constant({"X": X, "kappa": kappa}) * math.pi, barrier


KNOWN = Instance(
    "known",
    "five samples on a line, Huber loss with targets of some thousands, kappa = 1/20, width 2",
    {
        "X": np.array([[-0.89213859523668715], [-0.4283972398237168], [0.030651122084283999], [0.61000584749076037], [0.61588157947298749]]),
        "y": np.array([219.41279864361638, -1105.2946410724649, -1569.5607106885568, 1497.4915414691823, 3269.5660859171549]),
        "loss": "huber",
        "kappa": 0.05,
        "A": np.array([[-48.07783866541738, 29.327762728006043, -56.316926739374935], [-74.30388619673096, -9.027734217194507, 74.85030052733956]]),
        "B": np.array([[83.61195189865923, -2.5628001233306157, 83.65121902743469], [35.619672952654184, 31.77768498682792, -47.734498681520826]]),
        "e1": np.array([[50.83839320655853, -1.558253804361038, 50.86226871408178]]),
    },
)  # fmt: skip


# Found by `search`.
SECOND = Instance(
    "search",
    "five samples on a line, Huber loss with targets of about 100,000",
    {
        "X": np.array([[-0.3852841605419288], [-0.2099789794797302], [0.6140958722700762], [0.8063911767014762], [0.9119578600374525]]),
        "y": np.array([105773.41518564957, 17295.291791906733, -1958.5620455168128, 31603.10444716241, -99430.74670195203]),
        "loss": "huber",
        "kappa": 0.02143865454930825,
        "A": np.array([[-245.4507487488042, 223.84073957399607, 332.1908288234071], [156.54290631695815, 60.313502249734555, -167.7599477580649]]),
        "B": np.array([[42.76488995166266, 16.476634725153012, -45.829197073960785], [-703.7224191198304, -123.07568254057422, 714.4038541362263]]),
        "e1": np.array([[-705.0437888993247, -123.88280250491498, 715.844740863539]]),
    },
)  # fmt: skip


def tiny(rng: Rng, loss: str, scale: float) -> Instance | None:
    """The pair of the largest gap among all minima of width 2 on five random samples, and the best network of one neuron; None without a barrier."""

    X = np.sort(rng.uniform(-1, 1, (5, 1)), axis=0)
    y = scale * rng.normal(size=5)
    v: dict[str, Any] = {
        "X": X,
        "y": np.sign(y) if loss == "logistic" else y,
        "loss": loss,
        "kappa": float(np.exp(rng.uniform(-4, -2))),
    }
    o = make(v)
    risk = Risk(o, X, v["y"][:, None])
    pairs = pairs_of(merge_tree(make_setting(risk, 2)), 1)
    if not pairs:
        return None
    one = make_setting(risk, 1)
    tree = merge_tree(one)
    best = minimum_network(FaceValues(one), tree.cells[int(np.argmin(tree.values))])
    flat = lambda n: np.column_stack([n.W, n.b, n.theta[0]])
    return Instance(
        "random",
        f"five samples, {loss} loss, targets of size {scale:g}",
        {**v, "A": flat(pairs[0].A), "B": flat(pairs[0].B), "e1": flat(best)},
    )


def instances(rng: Rng, count: int) -> Iterator[Instance]:
    """Huber's loss with targets from 1 to 10,000, and the logistic loss."""
    made = 0
    while made < count:
        loss = "logistic" if made % 3 == 2 else "huber"
        found = tiny(rng, loss, 1.0 if loss == "logistic" else float(10.0 ** rng.uniform(0, 4)))
        if found is not None:
            made += 1
            yield found


def logistic_instances(rng: Rng, count: int) -> Iterator[Instance]:
    """The logistic loss alone, for which E loss(y, 0) = log 2 < 1: the printed constant is at least the repaired one."""
    made = 0
    while made < count:
        found = tiny(rng, "logistic", 1.0)
        if found is not None:
            made += 1
            yield found


def search(rng: Rng, seconds: float) -> Instance | None:
    """Targets of ten thousand and more against a constant that does not know them."""
    stop = time.process_time() + seconds
    while time.process_time() < stop:
        found = tiny(rng, "huber", float(10.0 ** rng.uniform(4, 6)))
        if found is not None and printed_trial(found).violated:
            return Instance("search", found.label, found.values)
    return None

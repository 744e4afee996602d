"""Theorem 3: covering, merging of close rows, and the error e(l) of small networks."""

from __future__ import annotations

from collections.abc import Iterator

import networkx as nx
import numpy as np

from verifier.audit.baturin2026.segments import root_second_moment
from verifier.audit.claim import Instance, Rng, Statement, Trial, Word, compared
from verifier.audit.search import ascend
from verifier.audit.trained import small_networks, trained
from verifier.kernel.papers.statement import ClaimViolation
from verifier.kernel.statements import Objective, Parameters, Problem
from verifier.matrices import augmented_inputs
from verifier.objective import augmented_rows

PAPER = "baturin2026"
Array = np.ndarray


def _unit(rows: Array) -> Array:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def largest_clique(rows: Array, angle: float) -> int:
    """Size of the largest set of unit rows within pairwise angle `angle`, exact."""
    near = np.clip(rows @ rows.T, -1, 1) >= np.cos(min(angle, np.pi))
    graph = nx.from_numpy_array(np.triu(near, 1))
    return max(len(c) for c in nx.find_cliques(graph))


def _cover(i: Instance) -> Trial:
    """Pigeonhole: some set within pairwise angle 2 eps has at least m / (1 + 2 / eps)^n rows (a chord of eps subtends at most 2 asin(eps / 2))."""
    rows, eta = i.values["rows"], float(i.values["eta"])
    m, n = rows.shape
    eps = m ** ((eta - 1) / n)
    found = largest_clique(rows, 2 * 2 * np.arcsin(min(1.0, eps / 2)))
    return compared(
        np.ceil(m / (1 + 2 / eps) ** n),
        found,
        text=f"m = {m}, n = {n}, eps = {eps:.3g}: {found} rows; m^eta = {m**eta:.3g}",
    )


def _rows(rng: Rng, count: int) -> Iterator[Instance]:
    # Rows spread evenly over the circle are the hardest, and 700 or more are needed before the left side is more than one row.
    for m in (800, 2000):
        angles = 2 * np.pi * (np.arange(m) + rng.uniform()) / m
        yield Instance(
            "random", f"m = {m} on the circle", {"rows": np.column_stack([np.cos(angles), np.sin(angles)]), "eta": 0.33}
        )
    for k in range(count):
        n = int(rng.integers(2, 6))
        m = int(rng.integers(2, 40))
        rows = rng.normal(size=(m, n)) + (k % 3 == 0) * 3 * rng.normal(size=n)
        yield Instance(
            "random", f"m = {m}, n = {n}", {"rows": _unit(rows), "eta": float(rng.uniform(0.01, 1 / (n + 1)))}
        )
    if count >= 100:
        for width in (20, 200):
            network, _ = trained("paper-moons", "squared", width, 0)
            rows = _unit(augmented_rows(network).astype(np.float64))
            yield Instance("trained", f"Moons, width {width}", {"rows": rows, "eta": 0.24})


def _loss(v: dict, f: Array) -> Array:
    return np.logaddexp(0.0, -v["y"] * f)


def _predictions(v: dict, rows: Array, beta: Array) -> Array:
    return np.maximum(v["X"] @ rows.T, 0.0) @ beta


def _removal(i: Instance) -> Trial:
    """Row 0 is merged into row 1: |Delta| <= L |beta_0| C_1 with C_1 = |w_0 - w_1| sqrt|Sigma|."""
    v = i.values
    merged = v["beta"][1:].copy()
    merged[0] += v["beta"][0]
    before, after = _predictions(v, v["rows"], v["beta"]), _predictions(v, v["rows"][1:], merged)
    left = abs(float(_loss(v, after).mean() - _loss(v, before).mean()))
    right = abs(v["beta"][0]) * float(np.linalg.norm(v["rows"][0] - v["rows"][1])) * root_second_moment(v["X"])
    return Trial(left, right, float(np.abs(before).mean()) + 1e-300)


def _merge_all(v: dict) -> float:
    """|change of the loss| when every row is merged into the first."""
    before = _predictions(v, v["rows"], v["beta"])
    after = _predictions(v, v["rows"][:1], np.array([v["beta"].sum()]))
    return abs(float(_loss(v, after).mean() - _loss(v, before).mean()))


def _total(i: Instance) -> Trial:
    """v_m max|beta_k| times the cluster's diameter."""
    v = i.values
    spread = float(np.linalg.norm(v["rows"] - v["rows"][0], axis=1).max()) * root_second_moment(v["X"])
    return Trial(
        _merge_all(v),
        len(v["beta"]) * float(np.abs(v["beta"]).max()) * spread,
        float(np.abs(_predictions(v, v["rows"], v["beta"])).mean()) + 1e-300,
    )


def _total_tighter(i: Instance) -> Trial:
    v = i.values
    spread = float(np.linalg.norm(v["rows"] - v["rows"][0], axis=1).max()) * root_second_moment(v["X"])
    return Trial(
        _merge_all(v),
        float(np.abs(v["beta"]).sum()) * spread,
        float(np.abs(_predictions(v, v["rows"], v["beta"])).mean()) + 1e-300,
    )


def _clusters(rng: Rng, count: int) -> Iterator[Instance]:
    for _ in range(count):
        N, n, m = int(rng.integers(1, 15)), int(rng.integers(2, 6)), int(rng.integers(2, 9))
        rows = _unit(rng.normal(size=n) + 10.0 ** rng.uniform(-3, 0) * rng.normal(size=(m, n)))
        X = rng.normal(size=(N, n)) * 10.0 ** rng.uniform(-1, 1)
        yield Instance(
            "random",
            f"N = {N}, {m} rows",
            {"rows": rows, "beta": rng.normal(size=m), "X": X, "y": rng.choice([-1.0, 1.0], size=N)},
        )
    for net in small_networks(count):
        rows = np.column_stack([net.W, net.b])
        sizes = np.linalg.norm(rows, axis=1)
        near = np.argsort(-(_unit(rows) @ rows[0]))[:5]
        values = {"rows": _unit(rows)[near], "beta": (net.theta * sizes)[near], "y": net.y}
        values["X"] = augmented_inputs(net.X)
        yield Instance("trained", f"{net.label}, the five rows nearest to the first", values)


def _noise_dual(v: dict) -> Array:
    """nu = -a y with a the share of the other label among samples of one input: the slope of the loss at the best constant."""
    nu = np.zeros(len(v["y"]))
    for row in np.unique(v["X"], axis=0):
        here = (v["X"] == row).all(axis=1)
        share = float((v["y"][here] > 0).mean())
        nu[here] = np.where(v["y"][here] > 0, -(1 - share), share)
    return nu


def _floor(v: dict) -> float:
    """Least loss of any function of the input: entropy of the labels given the input."""
    a = np.clip(-_noise_dual(v) * v["y"], 0, 1)
    with np.errstate(all="ignore"):
        return float(-np.mean(np.where(a > 0, a * np.log(a), 0.0) + np.where(a < 1, (1 - a) * np.log(1 - a), 0.0)))


def _e(i: Instance) -> Trial:
    """e(l) -> 0: its limit, the floor over all functions, is 0."""
    return Trial(_floor(i.values), 0.0, 1.0, text="least loss of any function of the input")


def _e_repaired(i: Instance) -> Trial:
    """With distinct inputs m = N neurons fit any labels: the loss of s times such a network is log(1 + e^-s), which tends to 0 as s grows."""
    v = i.values
    s = float(v.get("multiple", 40.0))
    z = v["X"] @ np.array([1.0, np.pi, np.e, 0.7][: v["X"].shape[1]])
    order = np.argsort(z)
    z = z[order]
    if not np.diff(z).min(initial=1.0) > 1e-6:
        return Trial(0.0, 0.0, 1.0, met=False)
    steps = np.concatenate([[z[0] - 1.0], 0.5 * (z[1:] + z[:-1])])
    Z = np.maximum(z[:, None] - steps[None, :], 0.0)
    theta = np.linalg.solve(Z, v["y"][order])
    found = float(np.logaddexp(0.0, -s * v["y"][order] * (Z @ theta)).mean())
    return Trial(found, float(np.logaddexp(0.0, -s)), float(np.logaddexp(0.0, -s)), tolerance=1e-6, text=f"s = {s:.3g}")


def _labels(rng: Rng, count: int) -> Iterator[Instance]:
    for _ in range(count):
        N = int(rng.integers(2, 10))
        values = {
            "X": rng.normal(size=(N, 2)),
            "y": rng.choice([-1.0, 1.0], size=N),
            "multiple": rng.uniform(1.0, 30.0),
        }
        yield Instance("random", f"{N} different inputs", values)


def _noise_search(rng: Rng, seconds: float) -> Instance | None:
    """Data with repeated inputs, as rounding or duplicates make them, are where the statement can fail."""

    def starts() -> Iterator[Instance]:
        for _ in range(50):
            N = int(rng.integers(2, 10))
            yield Instance(
                "search",
                f"{N} inputs on a grid",
                {"X": rng.integers(-1, 2, size=(N, 1)).astype(float), "y": rng.choice([-1.0, 1.0], size=N)},
            )

    return ascend(starts(), _e, ("y",), rng, seconds, rounds=1)


def _noise_claim(i: Instance) -> tuple[Problem, ClaimViolation]:
    v = i.values
    one = Parameters((np.ones((1, v["X"].shape[1])), np.ones((1, 1))), (None, None))
    problem = Problem(
        Objective("logistic", None, 0.0, "none", False), np.ascontiguousarray(v["X"]), v["y"][:, None].copy(), one, one
    )
    # Shares of few samples are rounded: one entry of each group makes the sum exact.
    nu = np.round(_noise_dual(v) * 2.0**40) / 2.0**40
    for row in np.unique(v["X"], axis=0):
        here = np.flatnonzero((v["X"] == row).all(axis=1))
        nu[here[0]] -= nu[here].sum()
    return problem, ClaimViolation("t3.e", "t3.e", nu, 0.0, 0.99 * _floor(v))


NOISY = Instance("known", "one input with both labels", {"X": np.array([[1.0], [1.0]]), "y": np.array([1.0, -1.0])})

STATEMENTS = [
    Statement(
        "t3.cover",
        PAPER,
        "Theorem 3, step 1",
        "there exists a subset Q_m of size v_m ... pairwise close",
        "Some set of at least m / (1 + 2/eps)^n rows lies within pairwise angle 2 eps (angles of chords eps).",
        Word.HOLDS,
        _rows,
        _cover,
    ),
    Statement(
        "t3.removal",
        PAPER,
        "Theorem 3, step 2",
        "|Delta_k| <= L |beta'_k| E|n_k| <= L |beta'_k| C_1 eps_m",
        "Merging one row into a close one changes the loss by at most L |beta_k| |w_k - w_j| sqrt|Sigma|.",
        Word.HOLDS,
        _clusters,
        _removal,
        (),
        lambda rng, s: ascend(_clusters(rng, 40), _removal, ("X", "rows", "beta"), rng, min(s, 5.0)),
    ),
    Statement(
        "t3.total",
        PAPER,
        "Theorem 3, step 3",
        "|sum Delta_k| <= v_m C_3 L kappa^-1 eps_m",
        "Merging a cluster costs at most v_m max|beta_k| times its diameter.",
        Word.HOLDS,
        _clusters,
        _total,
        repaired=Statement(
            "t3.total.tighter",
            PAPER,
            "Theorem 3, step 3",
            "",
            "At most |beta|_1 times the diameter: no factor v_m.",
            Word.HOLDS,
            _clusters,
            _total_tighter,
        ),
    ),
    Statement(
        "t3.e",
        PAPER,
        "Theorem 3, last step",
        "e(v_m) -> 0 as m -> infinity",
        "The least loss of any function of the input is 0.",
        Word.FAILS,
        _labels,
        _e,
        (NOISY,),
        _noise_search,
        _noise_claim,
        Statement(
            "t3.e.repaired",
            PAPER,
            "Theorem 3, last step",
            "",
            "It is 0 when no two samples have the same input.",
            Word.HOLDS,
            _labels,
            _e_repaired,
        ),
    ),
]

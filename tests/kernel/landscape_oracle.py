"""Whether a claim about barriers, regions or ranks is false, by other means than the kernel's: searches over paths, solvers, sampling."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from verifier.errors import VerifierError
from verifier.landscape.gap import exact_gap
from verifier.landscape.setting import make_setting
from verifier.landscape.tree import merge_tree
from verifier.networks.network import Network
from verifier.objective import Risk, make_objective
from verifier.regions.arrangement import make_arrangement
from verifier.regions.program import make_program
from verifier.regions.rank import region_rank
from verifier.regions.solve import solve

from .violation_oracle import paper_margin

Array = np.ndarray
SLACK = 1e-7


def false_barrier(problem: Any, claim: Any) -> str | None:
    """A path that stays below the level: the straight line, the way through 0, or the best one the exact search finds."""
    o = problem.objective
    try:
        objective = make_objective(
            o.loss,
            delta=o.delta,
            kappa=o.kappa,
            penalty=None if o.penalty == "none" else o.penalty,
            penalise_output_bias=o.penalise_output_bias,
        )
    except VerifierError as error:
        return f"no objective: {error}"
    A, B = (Network(p.weights, p.biases) for p in (problem.A, problem.B))
    E = max(objective.value(n, problem.X, problem.targets) for n in (A, B))
    # Every path reaches E, so that a gap of 0 is true whatever the level.
    if claim.gap > max(0.0, claim.level - E) + SLACK * abs(E) + 1e-12:
        return f"gap {claim.gap} with level {claim.level} and E = {E}"
    if claim.level <= E:
        return None
    if problem.weights is not None:
        return "weights"
    # Of deep networks a claim is about the paths that keep all hidden layers below the last, and says so.
    words, deep = claim.output_layer.split(" above frozen layers")[0], A.depth > 2
    if words not in ("trained", "frozen") or deep != claim.output_layer.endswith(" above frozen layers"):
        return "about other paths than there are"
    if words == "trained" and len(A.theta) > 1:
        return "of several outputs that are trained nothing is known"
    best = _through_zero(A, B, objective, problem, words == "frozen")
    if best < claim.level * (1 - SLACK):
        return f"a path through 0 stays below {best}"
    best = _row_by_row(A, B, objective, problem) if words == "frozen" else np.inf
    if best < claim.level * (1 - SLACK):
        return f"a path of one row after the other stays below {best}"
    risk = Risk(objective, problem.X, problem.targets)
    try:
        found = exact_gap(A, B, risk, output_layer=words, hidden_layers="frozen" if deep else "trained")
    except VerifierError:
        return None
    return f"a path stays below {found.upper}" if found.upper < claim.level * (1 - SLACK) else None


def _through_zero(A: Network, B: Network, objective: Any, problem: Any, frozen: bool) -> float:
    """Largest of sampled F along A, A without its head, B without its head, B; with a frozen head along A, rows 0, B."""
    worst = -np.inf
    if frozen:
        for net in (A, B):
            for t in np.linspace(0, 1, 60):
                l = net.depth - 1
                W, b = net.weights[l - 1], net.biases[l - 1]
                faded = net.replace(l, W * t, None if b is None else b * t)
                worst = max(worst, objective.path_value(faded, problem.X, problem.targets))
        return worst
    for net in (A, B):
        for t in np.linspace(0, 1, 60):
            faded = net.replace(-1, net.theta * t, net.c)
            worst = max(worst, objective.path_value(faded, problem.X, problem.targets))
    if A.c is not None and B.c is not None:
        for t in np.linspace(0, 1, 60):
            faded = A.replace(-1, 0 * A.theta, A.c + t * (B.c - A.c))
            worst = max(worst, objective.path_value(faded, problem.X, problem.targets))
    return worst


def _row_by_row(A: Network, B: Network, objective: Any, problem: Any) -> float:
    """The least, over two orders of the neurons, of the largest F while one row of the last hidden layer after the other goes to B's: F is convex between
    the points at which the moving row changes its sign on a sample."""
    l, best = A.depth - 1, np.inf
    h = problem.X
    for W, b in list(zip(A.weights, A.biases))[: l - 1]:
        h = np.maximum(h @ W.T + (0.0 if b is None else b), 0.0)
    rows = [
        n.weights[l - 1] if n.biases[l - 1] is None else np.column_stack([n.weights[l - 1], n.biases[l - 1]])
        for n in (A, B)
    ]
    inputs = h if A.biases[l - 1] is None else np.column_stack([h, np.ones(len(h))])
    for order in (range(len(rows[0])), range(len(rows[0]) - 1, -1, -1)):
        at, worst = rows[0].copy(), -np.inf
        for i in order:
            u, v = inputs @ rows[0][i], inputs @ rows[1][i]
            turns = np.flatnonzero(u * v < 0)
            # Both shares of a turn by themselves: beside a row of 1e300 one less the other is 0, and the turn is missed.
            shares = [(-q / (p - q), p / (p - q)) for p, q in zip(u[turns], v[turns])]
            for s, t in [(1.0, 0.0), *shares, (0.0, 1.0)]:
                at[i] = s * rows[0][i] + t * rows[1][i]
                W, b = (at, None) if A.biases[l - 1] is None else (at[:, :-1], at[:, -1])
                worst = max(worst, objective.path_value(A.replace(l, W, b), problem.X, problem.targets))
        best = min(best, worst)
    return best


def false_region(problem: Any, claim: Any) -> str | None:
    """Inputs and targets are scaled by powers of two to a size where a solver in float64 can be believed; rows scale against inputs, losses with targets."""
    down_to_one = lambda a: np.ldexp(a, -np.frexp(np.abs(a).max(axis=0))[1])
    if problem.weights is not None:
        return "weights"
    why = _not_of_the_network(problem, claim)
    if why is not None:
        return why
    y = problem.targets[:, 0] - claim.bias
    s = int(np.frexp(np.abs(y).max())[1])
    heard = claim.head != 0  # a neuron with head 0 adds nothing; the program wants heads that are not 0
    if not heard.any():
        value = float(np.mean(np.ldexp(y, -s) ** 2))
    else:
        arrangement = make_arrangement(down_to_one(problem.X), problem.A.biases[0] is not None)
        try:
            program = make_program(arrangement, claim.head[heard], claim.pattern[heard], np.ldexp(y, -s))
            value = solve(program, "cvxpy").value
        except VerifierError as error:
            return f"no region: {error}" if claim.verdict == "zero_inside" else None
    size, low, high = 1e-6, np.ldexp(claim.lower, -2 * s), np.ldexp(claim.upper, -2 * s)
    if low > value + size:
        return f"the minimum is about {value} 2^{2 * s}, below the lower end"
    if high < value - size:
        return f"the minimum is about {value} 2^{2 * s}, above the upper end"
    return None


def _not_of_the_network(problem: Any, claim: Any) -> str | None:
    """Why a region that is said to be A's or B's is not, in fractions."""
    if claim.of == "pattern":
        return None
    if claim.of not in ("A", "B"):
        return "of nobody"
    net = problem.A if claim.of == "A" else problem.B
    c = 0.0 if net.biases[1] is None else float(net.biases[1][0])
    if claim.head.tolist() != net.weights[1][0].tolist() or claim.bias != c:
        return "another output layer"
    for i, row in enumerate(net.weights[0].tolist()):
        shift = Fraction(0) if net.biases[0] is None else Fraction(float(net.biases[0][i]))
        for j, x in enumerate(problem.X.tolist()):
            u = sum((Fraction(a) * Fraction(b) for a, b in zip(row, x)), shift)
            if (u < 0) if claim.pattern[i, j] else (u > 0):
                return "the network lies elsewhere"
    return None


def false_region_optimum(problem: Any, claim: Any, exact_F: Any) -> str | None:
    """A member below the lower end, or a point that is none or lies above the upper end; signs in fractions, members from a plain conic program.

    exact_F: of rows (m, n) and an output bias, in balls.
    """
    stored = claim.of == "stored"
    net = {"A": problem.A, "B": problem.B}.get(claim.of)
    if net is None and not stored:
        return "of nobody"
    if (claim.rows is None or claim.head is None) if stored else claim.rows is not None or claim.head is not None:
        return "a network of somebody else"
    W, b, theta, c = (
        (claim.rows, claim.row_bias, claim.head, claim.head_bias)
        if net is None
        else (net.weights[0], net.biases[0], net.weights[1], net.biases[1])
    )
    own = W if b is None else np.column_stack([W, b])
    X = problem.X if b is None else np.column_stack([problem.X, np.ones(len(problem.X))])
    if W.shape[1] != problem.X.shape[1] or claim.point.shape != own.shape:
        return "shapes"
    sign = lambda rows: np.array([[_sign(r, x) for x in X.tolist()] for r in rows.tolist()])
    at_home = sign(own)
    on = {tuple(pair) for pair in claim.active.tolist()}
    if any(at_home[pair] != 0 for pair in on):
        return "a pair is no tie"
    side = np.where(at_home > 0, 1, -1)
    for pair in on:
        side[pair] = 1
    if (side * sign(claim.point) < 0).any():
        return "the point lies elsewhere"
    limits, free = claim.row_limits, claim.output_bias == "free"
    if limits is not None:
        squares = [sum(Fraction(v) ** 2 for v in row) for row in claim.point.tolist()]
        if any(q > Fraction(float(R)) ** 2 for q, R in zip(squares, limits, strict=True)):
            return "a row is too long"
    if claim.bias_limit is not None and (not free or np.abs(claim.point_bias).max() > claim.bias_limit):
        return "the bias is too large"
    kept = claim.point_bias if free else c
    if exact_F(theta, claim.point, kept) > claim.upper:
        return "the point lies above the upper end"
    if claim.lower <= 0.0:
        return None
    for rows, bias in [(claim.point, kept), *_members(problem, own, theta, c, X, side, claim)]:
        if exact_F(theta, rows, bias) < claim.lower:
            return "a member lies below the lower end"
    return None


def _sign(row: list[float], x: list[float]) -> int:
    s = sum((Fraction(a) * Fraction(b) for a, b in zip(row, x, strict=True)), Fraction(0))
    return (s > 0) - (s < 0)


def _members(
    problem: Any, own: Array, theta: Array, c: Array | None, X: Array, side: Array, claim: Any
) -> list[tuple[Array, Array | None]]:
    """Rows and biases of the region with a small F: from CVXPY in the network's own rows, pulled towards these until they are inside."""
    import cvxpy as cp

    o, (m, n), K, y = problem.objective, own.shape, len(theta), problem.targets
    w = np.ones(len(X)) if problem.weights is None else problem.weights
    U, free = cp.Variable((m, n)), claim.output_bias == "free"
    shift = cp.Variable(K) if free else c
    u = U @ X.T
    f = [sum(theta[k, i] * cp.multiply(side[i] > 0, u[i]) for i in range(m)) for k in range(K)]
    f = [v if shift is None else v + shift[k] for k, v in enumerate(f)]
    if o.loss == "cross_entropy":
        all_f = cp.vstack(f)
        each = cp.log_sum_exp(all_f, axis=0) - sum(cp.multiply(y == k, f[k]) for k in range(K))
    elif o.loss == "logistic":
        each = cp.logistic(cp.multiply(-y[:, 0], f[0]))
    elif o.loss == "hinge":
        each = cp.maximum(0, 1 - cp.multiply(y[:, 0], f[0]))
    else:
        atom = {"squared": cp.square, "absolute": cp.abs, "huber": lambda r: 0.5 * cp.huber(r, o.delta)}[o.loss]
        each = sum(atom(f[k] - y[:, k]) for k in range(K))
    F = (w / w.sum()) @ each
    if o.penalty == "path":
        F = F + o.kappa * (np.abs(theta).sum(axis=0) @ cp.norm(U, 2, axis=1))
    if o.penalty == "weight_decay":
        F = F + 0.5 * o.kappa * cp.sum_squares(U)
    if o.penalise_output_bias and free:
        F = F + o.kappa * cp.norm1(shift)
    conditions = [cp.multiply(side, u) >= 0]
    if claim.row_limits is not None:
        conditions.append(cp.norm(U, 2, axis=1) <= claim.row_limits)
    if claim.bias_limit is not None:
        conditions.append(cp.abs(shift) <= claim.bias_limit)
    try:
        cp.Problem(cp.Minimize(F), conditions).solve(solver=cp.CLARABEL)
    except (cp.error.SolverError, cp.error.DCPError):
        return []
    if U.value is None:
        return []
    out, bias = [], np.asarray(shift.value) if free else c
    if claim.bias_limit is not None:
        bias = np.clip(bias, -claim.bias_limit, claim.bias_limit)
    for share in (1e-9, 1e-7, 1e-5):
        rows = (1 - share) * U.value + share * own
        bad = (side * np.array([[_sign(r, x) for x in X.tolist()] for r in rows.tolist()]) < 0).any(axis=1)
        rows[bad] = 0.0  # a member of every region
        if claim.row_limits is not None:
            norms = np.linalg.norm(rows, axis=1)
            rows = rows * np.minimum(1.0, claim.row_limits * (1 - 1e-12) / np.where(norms > 0, norms, 1.0))[:, None]
        out.append((rows, bias))
    return out


def false_rank(problem: Any, claim: Any) -> str | None:
    found = region_rank(make_arrangement(problem.X, problem.A.biases[0] is not None), claim.pattern)
    return f"full is {found.full}" if found.full is not None and found.full != claim.full else None


def exact_identity(problem: Any, claim: Any) -> Fraction:
    """The two sides of t2.identity in fractions: heads of 1e150 cancel to 1, which no float sees."""
    t, q = Fraction(float(claim.time)), lambda a: [[Fraction(float(x)) for x in row] for row in a]
    rows, heads, X = [], [], q(problem.X)
    for p in (problem.A, problem.B):
        rows.append(q(p.weights[0] if p.biases[0] is None else np.column_stack([p.weights[0], p.biases[0]])))
        heads.append(q(p.weights[1])[0])
    if problem.A.biases[0] is not None:
        X = [[*x, Fraction(1)] for x in X]
    between = [[(1 - t) * a + t * b for a, b in zip(v, w)] for v, w in zip(*rows)]
    both = [(1 - t) * a + t * b for a, b in zip(*heads)]
    out = lambda W, head, x: sum(h * max(Fraction(0), sum(a * b for a, b in zip(w, x))) for w, h in zip(W, head))
    sides = [
        abs(out(between, both, x) - (1 - t) * out(rows[0], heads[0], x) - t * out(rows[1], heads[1], x))
        - abs(out(between, both, x) - out(rows[0], both, x))
        for x in X
    ]
    return abs(sum(sides, Fraction(0))) / len(X)


def true_margin(problem: Any, claim: Any) -> float:
    """The statement's two sides in plain numpy; for proofs by duals the best of a fine search.

    In long doubles: an entry of 1e300 has no square in float64, and an oracle that overflows calls true claims false."""
    if claim.statement == "t2.identity":
        return float(exact_identity(problem, claim))
    X, y = problem.X.astype(np.longdouble), problem.targets[:, 0].astype(np.longdouble)
    kappa, t = np.longdouble(problem.objective.kappa), np.longdouble(claim.time)
    (W, b, theta), (V, c, g) = (_long(p) for p in (problem.A, problem.B))
    Z, U = np.maximum(X @ W.T + b, 0), np.maximum(X @ V.T + c, 0)
    M = np.maximum(X @ ((1 - t) * W + t * V).T + (1 - t) * b + t * c, 0)
    both, zero = (1 - t) * theta + t * g, np.longdouble(0)
    of = lambda f: y.reshape(-1, *[1] * (f.ndim - 1))  # one column of predictions for each head
    loss = {"logistic": lambda f: np.logaddexp(zero, -of(f) * f), "absolute": lambda f: np.abs(f - of(f))}[
        problem.objective.loss
    ]
    F = lambda h, features=Z: loss(features @ h).mean() + kappa * np.abs(h).sum()
    if claim.statement == "lemma1.grad":
        d = -y / (1 + np.exp(y * (Z @ theta))) if problem.objective.loss == "logistic" else np.sign(Z @ theta - y)
        return np.abs(Z.T @ d / len(y)).max() - 1
    if claim.statement == "lemma1.zero":
        return F(0 * theta) - F(theta) if kappa >= 1 else -np.inf
    if claim.statement == "lemma1.norm":
        assert Z.shape[1] == 1
        return min(F(np.array([h])) for h in np.linspace(-1 / kappa, 1 / kappa, 2001)) - F(theta)
    if claim.statement == "t2.norm":
        return np.sqrt((X**2).sum(axis=1)).mean() - spread(X)
    if claim.statement in ("t2.segment", "t2.C"):
        off = loss(M @ both).mean() - loss((1 - t) * Z @ theta + t * U @ g).mean()
        biased = problem.A.biases[0] is not None
        rows = [np.column_stack([R, shift]) if biased else R for R, shift in ((W, b), (V, c))]
        size = angles(*rows).max() * spread(np.column_stack([X, np.ones(len(X))]) if biased else X)
        if claim.statement == "t2.segment":
            return abs(off) - size * np.abs(both).sum()
        for features, head in ((Z, theta), (U, g)):
            assert features.shape[1] == 1
            here = F(head, features)
            heads = np.linspace(-400, 400, 80001)
            there = (loss(features @ heads[None]).mean(axis=0) + kappa * np.abs(heads)).min()
            if here > there + 1e-9 * max(1, here):
                return -np.inf  # not a best head
        return off - size / kappa
    groups: dict = {}
    for k, row in enumerate(X.tolist()):
        groups.setdefault(tuple(row), []).append(k)
    values = np.linspace(-30, 30, 6001)[:, None]
    with np.errstate(all="ignore"):
        each = np.logaddexp(0.0, -y * values) if problem.objective.loss == "logistic" else np.abs(values - y)
    return sum(each[:, g].sum(axis=1).min() for g in groups.values()) / len(y)


def _long(p: Any) -> tuple[Array, Any, Array]:
    """(rows, biases or 0, head) in long doubles."""
    W, head = (w.astype(np.longdouble) for w in p.weights)
    return W, np.longdouble(0) if p.biases[0] is None else p.biases[0].astype(np.longdouble), head[0]


def spread(inputs: Array) -> Any:
    """sqrt |Sigma|_2 of (N, d) inputs."""
    scale = np.abs(inputs).max()
    return scale * np.linalg.norm((inputs / scale).astype(float), 2) / np.sqrt(np.longdouble(len(inputs)))


def angles(W: Array, V: Array) -> Array:
    """Of each row of W with the row of V in its place, (m,): accurate where they are nearly parallel, as no arccos is."""
    w, v = (r / np.sqrt((r**2).sum(axis=1, keepdims=True)) for r in (W, V))
    return 2 * np.arctan2(np.sqrt(((w - v) ** 2).sum(axis=1)), np.sqrt(((w + v) ** 2).sum(axis=1)))


def _cancels(problem: Any) -> bool:
    """Whether numbers differ so much in size that long doubles may lose all of a difference: then they refute nothing."""
    entries = np.concatenate(
        [a.ravel() for p in (problem.A, problem.B) for a in p.weights] + [problem.X.ravel(), problem.targets.ravel()]
    )
    sizes = np.abs(entries[entries != 0.0])
    return sizes.size > 0 and float(sizes.max()) / 2.0**40 > float(sizes.min())


def false_violation(problem: Any, claim: Any) -> str | None:
    of_paper = paper_margin(problem, claim)
    if of_paper is not None:
        return None if claim.margin <= of_paper * (1 + SLACK) + 1e-12 else f"the margin is about {of_paper}"
    if problem.objective.loss not in ("logistic", "absolute"):
        return None
    if claim.statement != "t2.identity" and _cancels(problem):
        return None
    true = true_margin(problem, claim)
    return None if claim.margin <= true * (1 + SLACK) + 1e-12 else f"the margin is about {true}"


def false_landscape(problem: Any, claim: Any) -> str | None:
    """Other numbers of components, minima, passes or another largest gap than the merge tree of float64 programs has, beyond their rounding."""
    try:
        tree = _tree(problem, claim.patterns.shape[1])
    except VerifierError as error:
        return f"no landscape: {error}"
    if tree is None:
        return "weights"
    # Beside F of the network that is 0: what can be fitted exactly is 0 to solvers up to some share of that.
    zero = tree.setting.objective.loss.value_at_zero(tree.setting.targets)
    room = SLACK * max(float(tree.passes.max(initial=0.0)), float(tree.values[-1]), zero) + 10 * tree.resolution
    starts, ends = claim.intervals.T
    inside = lambda v: ((starts - room <= v) & (v <= ends + room)).any()
    for k, (a, b) in enumerate(zip(ends.tolist(), [*starts[1:].tolist(), 2.0 * float(ends[-1]) + 1.0])):
        if b - a > 2 * room and tree.components((a + b) / 2) != claim.counts[k]:
            return f"{tree.components((a + b) / 2)} components at {(a + b) / 2}, not {claim.counts[k]}"
    if tree.values[0] < starts[0] - room:
        return "a network lies below the first interval"
    longest = float((ends - starts).max())
    deep = tree.persistence > longest + 2 * room
    if not all(inside(v) for v in (*tree.values[tree.younger[deep]], *tree.passes[deep])):
        return "a minimum or a pass lies in no interval"
    if not deep.sum() <= len(claim.joins) == len(claim.minima) - 1:
        return "minima and passes are too few, or not as many"
    if (claim.joins[:, 0] <= claim.minima[claim.joins[:, 1], 0]).any():
        return "a minimum ends before it is born"
    gap = tree.largest_gap[0]
    return None if claim.gap_lower - room <= gap <= claim.gap_upper + room else f"the largest gap is about {gap}"


def _tree(problem: Any, samples: int) -> Any:
    """The merge tree, remembered; None with sample weights."""
    if problem.weights is not None or len(problem.X) != samples:
        return None
    o = problem.objective
    objective = make_objective(
        o.loss, delta=o.delta, kappa=o.kappa, penalty=None if o.penalty == "none" else o.penalty, penalise_output_bias=o.penalise_output_bias
    )  # fmt: skip
    shape = (len(problem.A.weights[0]), problem.A.biases[0] is not None, problem.A.biases[1] is not None)
    key = (repr(objective), problem.X.tobytes(), problem.X.shape, problem.targets.tobytes(), *shape)
    if key not in _TREES:
        setting = make_setting(
            Risk(objective, problem.X, problem.targets), shape[0], hidden_bias=shape[1], output_bias=shape[2]
        )
        _TREES[key] = merge_tree(setting, most_cells=2**18)
    return _TREES[key]


_TREES: dict[Any, Any] = {}

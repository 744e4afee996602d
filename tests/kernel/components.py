"""Component checks of the kernel: each enclosed quantity contains the exact value, on random and adversarial inputs.

Every check takes `K`, a namespace of kernel modules, so that the same code runs on today's kernel (`test_components.py`) and on
copies with a seeded bug (`test_seeded_bugs.py`). The exact values come from Fractions and from Arb at 300 bits, computed here.
"""

from __future__ import annotations

import dataclasses
import itertools
from fractions import Fraction as Q
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
from flint import arb, ctx, fmpq

from verifier.kernel.fast.moves import straight_kind

Kernel = SimpleNamespace


def scales(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Entries of wildly different size, with exact zeros, ties, denormals and cancelling partners."""
    x = rng.normal(size=shape) * 10.0 ** rng.integers(-12, 13, size=shape)
    pick = rng.random(shape)
    x[pick < 0.15] = 0.0
    x[(pick >= 0.15) & (pick < 0.2)] = 5e-324
    x[(pick >= 0.2) & (pick < 0.25)] = 1.0
    x[(pick >= 0.25) & (pick < 0.3)] = -1.0
    return x


def ball(K: Kernel, rng: np.random.Generator, shape: tuple[int, ...]):
    """A ball and an exact member of it, as Fractions."""
    mid = scales(rng, shape)
    rad = np.abs(scales(rng, shape)) * rng.choice([0.0, 1e-16, 1e-3, 1.0])
    share = rng.choice([-1.0, -0.5, 0.0, 0.75, 1.0], size=shape)
    member = exact(mid) + exact(rad) * exact(share)
    return K.balls.Ball(mid, rad), member


def exact(x: np.ndarray) -> np.ndarray:
    return np.array([Q(float(v)) for v in np.ravel(x)], dtype=object).reshape(np.shape(x))


SLOPES = (0.0, 0.01, 0.7)
SHORT_SLOPES = (0.0, 2.0**-7, 0.75)  # for exact values of whole networks: Fractions stay short


def sigma(x: np.ndarray, slope: float) -> np.ndarray:
    """max(x, slope x) of Fractions."""
    return np.maximum(x, Q(slope) * x)


def contains(b, value: np.ndarray) -> None:
    mid, rad = exact(b.mid), exact(b.rad)
    assert (abs(value - mid) <= rad).all(), "a ball does not contain its value"


def root(q: Q) -> arb:
    return arb(fmpq(q.numerator, q.denominator)).sqrt()


def as_arb(q: Q) -> arb:
    return arb(fmpq(q.numerator, q.denominator))


def within(low: float, value: arb, high: float) -> None:
    assert arb(low) <= value, "a lower end is not certainly below"
    assert arb(high) >= value, "an upper end is not certainly above"


# --- balls -------------------------------------------------------------------------------------------------------------


def check_elementwise(K: Kernel, rng: np.random.Generator) -> None:
    for _ in range(30):
        (x, ex), (y, ey) = ball(K, rng, (3, 4)), ball(K, rng, (3, 4))
        contains(K.balls.add(x, y), ex + ey)
        contains(K.balls.subtract(x, y), ex - ey)
        contains(K.balls.multiply(x, y), ex * ey)
        for slope in SLOPES:
            contains(K.balls.relu(x, slope), sigma(ex, slope))
        t = float(rng.choice([0.0, 0.25, 0.5, 0.123456789, 1.0]))
        contains(K.balls.between(x, y, t), ex + Q(t) * (ey - ex))
        assert (exact(K.balls.upper(x)) >= ex).all()
        assert (exact(K.balls.lower(x)) <= ex).all()
        assert (exact(K.balls.magnitude(x)) >= abs(ex)).all()


def check_tight_addition(K: Kernel, rng: np.random.Generator) -> None:
    """Rounding errors of exact summands: the radius must cover half an ulp."""
    for _ in range(200):
        x, y = rng.normal(size=(1, 4)), rng.normal(size=(1, 4)) * 2.0 ** -rng.integers(0, 60)
        contains(K.balls.add(K.balls.exact(x), K.balls.exact(y)), exact(x) + exact(y))
        contains(K.balls.multiply(K.balls.exact(x), K.balls.exact(y)), exact(x) * exact(y))


def check_matmul(K: Kernel, rng: np.random.Generator) -> None:
    for n in (1, 2, 7, 40):
        for _ in range(6):
            (x, ex), (y, ey) = ball(K, rng, (3, n)), ball(K, rng, (n, 2))
            contains(K.balls.matmul(x, y), ex.dot(ey))
        a, b = rng.normal(size=(4, n)), rng.normal(size=(n, 3))
        b[-1] -= b.sum(axis=0)  # cancellation
        contains(K.balls.matmul(K.balls.exact(a), K.balls.exact(b)), exact(a).dot(exact(b)))
        p, q = np.abs(a), np.abs(b)
        assert (exact(K.balls.upper_product(p, q)) >= exact(p).dot(exact(q))).all()


def check_matmul_covers_any_order(K: Kernel, rng: np.random.Generator) -> None:
    """The radius must cover gamma_n |a| |b|, whatever the BLAS did on this machine: Higham's bound itself is checked."""
    for n in (3, 50, 500):
        a, b = rng.normal(size=(2, n)), rng.normal(size=(n, 2))
        bound = n * Q(2) ** -53 * abs(exact(a)).dot(abs(exact(b)))
        assert (exact(K.balls.matmul(K.balls.exact(a), K.balls.exact(b)).rad) >= bound).all()


def check_matmul_of_opposite_extremes(K: Kernel, rng: np.random.Generator) -> None:
    """Huge times denormal is an ordinary number with ordinary rounding errors: gamma times the denormal factor alone would be 0."""
    for n in (2, 30):
        for _ in range(20):
            a, b = rng.random((2, n)) * 2.0**1000, rng.integers(2**38, 2**42, size=(n, 2)) * 2.0**-1074
            for p, q in ((a, b), (b.T.copy(), a.T.copy())):
                found, value = K.balls.matmul(K.balls.exact(p), K.balls.exact(q)), exact(p).dot(exact(q))
                contains(found, value)
                assert (exact(found.rad) <= abs(value) * Q(2) ** -40).all(), "the radius is loose"


def check_norms(K: Kernel, rng: np.random.Generator) -> None:
    for _ in range(30):
        x, ex = ball(K, rng, (4, 3))
        two, one = K.balls.row_norms(x), K.balls.row_sums_of_magnitudes(x)
        contains(one, abs(ex).sum(axis=1))
        for i in range(4):
            value = root(sum((v * v for v in ex[i]), Q(0)))
            low, high = exact(two.mid)[i] - exact(two.rad)[i], exact(two.mid)[i] + exact(two.rad)[i]
            assert as_arb(low) <= value <= as_arb(high)
    ints = K.balls.row_norms(K.balls.exact(rng.normal(size=(200, 5))))
    assert (ints.rad > 0).all(), "a rounded norm claims to be exact"


def check_scalars(K: Kernel, rng: np.random.Generator) -> None:
    for _ in range(50):
        values = scales(rng, (9,)).tolist()
        total = sum(map(Q, values), Q(0))
        assert Q(K.balls.sum_lower(values)) <= total <= Q(K.balls.sum_upper(values))
        x = values[0]
        assert K.balls.down(x) < x < K.balls.up(x)
    v = rng.random(7)
    mean = sum(map(Q, v.tolist()), Q(0)) / 7
    assert Q(K.losses.mean_lower(v)) <= mean <= Q(K.losses.mean_upper(v))


def check_overflow_rejects(K: Kernel, rng: np.random.Generator) -> None:
    big = np.full((2, 2), 1e308)
    for operation in (K.balls.add, K.balls.multiply, K.balls.matmul):
        try:
            with np.errstate(all="ignore"):
                operation(K.balls.exact(big), K.balls.exact(big))
        except (K.statements.Rejected, FloatingPointError):
            continue
        raise AssertionError(f"{operation.__name__} overflowed without rejecting")


# --- losses ------------------------------------------------------------------------------------------------------------


def objective(K: Kernel, loss: str, penalty: str = "none", kappa: float = 0.0, bias: bool = False):
    return K.statements.Objective(loss, 0.3 if loss == "huber" else None, kappa, penalty, bias)


def targets(rng: np.random.Generator, loss: str, N: int, Kout: int) -> np.ndarray:
    if loss == "cross_entropy":
        return rng.integers(0, Kout, size=N)
    if loss in ("logistic", "hinge"):
        return rng.choice([-1.0, 1.0], size=(N, 1))
    return rng.normal(size=(N, Kout))


def outputs(loss: str) -> int:
    return {"cross_entropy": 4, "logistic": 1, "hinge": 1}.get(loss, 2)


def exact_loss(loss: str, f: list, y) -> arb:
    """Loss of exact predictions (Fractions or Arb balls) at 300 bits."""
    g = [as_arb(v) if isinstance(v, Q) else v for v in f]
    if loss == "cross_entropy":
        return sum(((v - g[int(y)]).exp() for v in g), arb(0)).log()
    t = [arb(float(v)) for v in np.ravel(y)]
    if loss == "logistic":
        return (arb(1) + (-t[0] * g[0]).exp()).log()
    if loss == "hinge":
        return (1 - t[0] * g[0]).max(arb(0))
    r = [abs(a - b) for a, b in zip(g, t)]
    if loss == "squared":
        return sum((v * v for v in r), arb(0))
    if loss == "absolute":
        return sum(r, arb(0))
    delta = arb(0.3)
    return sum((v * v / 2 if v <= delta else delta * (v - delta / 2) for v in r), arb(0))


LOSSES = ("logistic", "cross_entropy", "squared", "huber", "hinge", "absolute")


def check_losses(K: Kernel, rng: np.random.Generator) -> None:
    for loss in LOSSES:
        o, Kout, N = objective(K, loss), outputs(loss), 40
        y = targets(rng, loss, N, Kout)
        a = rng.normal(size=(N, Kout)) * 10.0 ** rng.integers(-3, 2, size=(N, 1))
        width = np.abs(rng.normal(size=(N, Kout))) * rng.choice([0.0, 1e-9, 0.5], size=(N, 1))
        b = a + width
        if loss in ("squared", "huber", "absolute"):
            a[:3], b[:3] = y[:3], y[:3]  # residual exactly zero
        high, low = K.losses.upper(o, a, b, y), K.losses.lower(o, a, b, y)
        for j in range(N):
            ends = [
                [Q(float(a[j, k])), Q(float(b[j, k])), (Q(float(a[j, k])) + Q(float(b[j, k]))) / 2] for k in range(Kout)
            ]
            for pick in range(3**Kout) if Kout <= 2 else range(0, 81, 5):
                f = [ends[k][(pick // 3**k) % 3] for k in range(Kout)]
                within(float(low[j]), exact_loss(loss, f, y[j]), float(high[j]))


def check_loss_tightness(K: Kernel, rng: np.random.Generator) -> None:
    """A bound that is only right because it is loose would hide bugs elsewhere."""
    for loss in LOSSES:
        o, Kout = objective(K, loss), outputs(loss)
        y = targets(rng, loss, 20, Kout)
        f = rng.normal(size=(20, Kout))
        assert np.allclose(K.losses.upper(o, f, f, y), K.losses.lower(o, f, f, y), rtol=1e-9, atol=1e-12)


def dual(rng: np.random.Generator, loss: str, y: np.ndarray, Kout: int) -> np.ndarray:
    """Duals in the conjugate's domain, on a dyadic grid so that simplex rows sum to 0 exactly; some at the domain's ends."""
    N = len(y)
    if loss == "cross_entropy":
        cuts = np.sort(rng.integers(0, 2**20 + 1, size=(N, Kout - 1)), axis=1)
        p = np.diff(np.column_stack([np.zeros(N), cuts, np.full(N, 2**20)]), axis=1) / 2**20
        p[0] = np.eye(Kout)[int(y[0])]
        p[np.arange(N), y] -= 1.0
        return p
    a = rng.random((N, Kout))
    a[0], a[1] = 0.0, 1.0
    if loss in ("logistic", "hinge"):
        return -a * y
    return {"squared": 6.0, "huber": 0.3, "absolute": 1.0}[loss] * (2 * a - 1)


def check_conjugates(K: Kernel, rng: np.random.Generator) -> None:
    """Fenchel-Young with the kernel's conjugate: nu.f - loss(f) <= conjugate for every f, and nearly equal at the best f."""
    for loss in LOSSES:
        o, Kout, N = objective(K, loss), outputs(loss), 12
        y = targets(rng, loss, N, Kout)
        nu = dual(rng, loss, y, Kout)
        for j in range(N):
            value = K.losses.conjugate_mean_upper(o, nu[j : j + 1], y[j : j + 1])
            best = None
            for f in candidates(rng, loss, nu[j], y[j], Kout):
                gain = sum((as_arb(Q(float(n)) * Q(float(v))) for n, v in zip(nu[j], f)), arb(0)) - exact_loss(
                    loss, [Q(float(v)) for v in f], y[j]
                )
                assert arb(value) >= gain, f"{loss}: the conjugate is below nu f - loss(f)"
                best = float(gain) if best is None else max(best, float(gain))
            assert value <= best + 1e-4, f"{loss}: the conjugate is loose"
        mean = K.losses.conjugate_mean_upper(o, nu, y)
        each = [K.losses.conjugate_mean_upper(o, nu[j : j + 1], y[j : j + 1]) for j in range(N)]
        assert abs(mean - np.mean(each)) < 1e-9


def candidates(rng: np.random.Generator, loss: str, nu: np.ndarray, y, Kout: int) -> list[np.ndarray]:
    random = [rng.normal(size=Kout) * 3 for _ in range(6)]
    with np.errstate(divide="ignore"):
        if loss == "cross_entropy":
            p = nu.copy()
            p[int(y)] += 1.0
            return [*random, np.maximum(np.log(np.maximum(p, 0)), -40.0)]
        if loss == "logistic":
            a = float(-nu[0] * y[0])
            return [
                *random,
                np.clip(
                    np.array([y[0] * -np.log(a / (1 - a)) if 0 < a < 1 else y[0] * (60.0 if a == 0 else -60.0)]),
                    -60,
                    60,
                ),
            ]
    if loss == "hinge":
        return [*random, np.array([y[0]])]
    return [*random, y + nu / 2 if loss == "squared" else y + nu if loss == "huber" else np.array(y)]


def check_conjugate_domain(K: Kernel, rng: np.random.Generator) -> None:
    for loss in LOSSES:
        if loss == "squared":
            continue
        o, Kout = objective(K, loss), outputs(loss)
        y = targets(rng, loss, 5, Kout)
        outside = []
        good = dual(rng, loss, y, Kout)
        for step in (2.0, -2.0, 1e-9):
            bad = good.copy()
            if loss == "cross_entropy":
                bad[2, 0] += step
            elif abs(step) > 1:
                bad[2] = step * (1.0 if loss in ("absolute", "huber") else y[2])
            else:
                bad[2] = (1 + step) * (-y[2] if loss in ("logistic", "hinge") else 0.3 if loss == "huber" else 1.0)
            outside.append(bad)
        if loss == "cross_entropy":
            bad = good.copy()
            other = (int(y[2]) + 1) % Kout
            bad[2, other], bad[2, y[2]] = -0.5, bad[2, y[2]] + bad[2, other] + 0.5
            outside.append(bad)
        for bad in outside:
            try:
                K.losses.conjugate_mean_upper(o, bad, y)
            except K.statements.Rejected:
                continue
            raise AssertionError(f"{loss}: a dual outside the domain was accepted")


# --- vertices ----------------------------------------------------------------------------------------------------------


def network(K: Kernel, rng: np.random.Generator, widths: tuple[int, ...], bias: bool = True, scale: float = 1.0):
    weights = tuple(rng.normal(size=(q, p)) * scale for p, q in pairwise(widths))
    return K.statements.Parameters(weights, tuple(rng.normal(size=q) * scale if bias else None for q in widths[1:]))


def problem(
    K: Kernel,
    rng: np.random.Generator,
    loss: str,
    penalty: str,
    widths: tuple[int, ...],
    bias: bool = True,
    penalise: bool = False,
    slope: float = 0.0,
):
    Kout, N = widths[-1], 7
    X = rng.normal(size=(N, widths[0]))
    X[0] = 0.0
    o = objective(K, loss, penalty, 0.0 if penalty == "none" else 0.37, penalise)
    y = targets(rng, loss, N, Kout)
    return K.statements.Problem(o, X, y, network(K, rng, widths, bias), network(K, rng, widths, bias), slope)


def exact_value(p, v, *, form: str = "literal", W=None, b=None, theta=None, c=None) -> arb:
    """F at exact parameters; one-hidden-layer parameters may be given as Fractions instead of v's."""
    weights = [exact(w) for w in v.weights] if W is None else [W, theta]
    biases = [None if s is None else exact(s) for s in v.biases] if W is None else [b, c]
    h = exact(p.X)
    for l, (w, s) in enumerate(zip(weights, biases)):
        h = h.dot(w.T) if s is None else h.dot(w.T) + s
        if l < len(weights) - 1:
            h = sigma(h, p.negative_slope)
    o = p.objective
    shares = [Q(1)] * len(h) if p.weights is None else exact(p.weights).tolist()
    loss = sum((as_arb(s) * exact_loss(o.loss, list(f), y) for s, f, y in zip(shares, h, p.targets)), arb(0)) / as_arb(
        sum(shares)
    )
    if o.penalty == "none":
        return loss
    rows = weights[-2] if biases[-2] is None else np.column_stack([weights[-2], biases[-2]])
    head, P = weights[-1], arb(0)
    if o.penalty == "weight_decay" and form == "literal":
        P = as_arb((rows**2).sum() + (head**2).sum()) / 2
    else:
        for i in range(len(rows)):
            price = arb(1) if o.penalty == "l1" else root((rows[i] ** 2).sum())
            size = root((head[:, i] ** 2).sum()) if o.penalty == "weight_decay" else as_arb(abs(head[:, i]).sum())
            P += price * size
        if o.penalise_output_bias and biases[-1] is not None:
            P += as_arb(abs(biases[-1]).sum())
    return loss + arb(o.kappa) * P


CASES = [
    (l, p, b)
    for l in LOSSES
    for p, b in (("none", False), ("l1", True), ("path", False), ("path", True), ("weight_decay", False))
]


def check_outputs_of_many_samples(K: Kernel, rng: np.random.Generator) -> None:
    """More samples than are taken together, each in its place; also of enclosed pre-activations, for every point that they enclose."""
    N, slope = K.forward.ENTRIES // 3 + 9, float(rng.choice(SHORT_SLOPES))
    v, X = network(K, rng, (2, 3, 2)), rng.normal(size=(N, 2))
    ends = [0, 1, N - 10, N - 9, N - 1]
    some = lambda ball: K.balls.Ball(ball.mid[ends], ball.rad[ends])
    theta, c = exact(v.weights[1]).T, exact(v.biases[1])
    u = exact(X[ends]).dot(exact(v.weights[0]).T) + exact(v.biases[0])
    contains(some(K.forward.outputs(v, X, slope)), sigma(u, slope).dot(theta) + c)
    near = K.balls.Ball(rng.normal(size=(N, 3)), rng.random((N, 3)))
    found = some(K.forward.outputs(v, X, slope, near))
    for side in (-1, 0, 1):
        contains(found, sigma(exact(near.mid[ends]) + side * exact(near.rad[ends]), slope).dot(theta) + c)


def check_vertices(K: Kernel, rng: np.random.Generator) -> None:
    for loss, penalty, penalise in CASES:
        bias, slope = penalise or rng.random() < 0.7, float(rng.choice(SHORT_SLOPES))
        p = problem(K, rng, loss, penalty, (3, 5, outputs(loss)), bias=bias, penalise=penalise, slope=slope)
        for form in ("literal", "balanced"):
            F = K.forward.objective_at(p, p.A, form=form)
            within(F.lower, exact_value(p, p.A, form=form), F.upper)
            assert F.upper - F.lower <= 1e-9 * (1 + abs(F.upper)), "an enclosure of F is loose"
    for loss, slope in itertools.product(("squared", "cross_entropy"), SHORT_SLOPES):
        p = problem(K, rng, loss, "l1", (3, 4, 5, 4, outputs(loss)), slope=slope)
        p.A.weights[2][:, 1] = 0.0  # a dead neuron, and one that only a dead neuron hears
        p.A.weights[3][:, 2] = 0.0
        p.A.weights[2][[0, 1, 3], 4] = 0.0
        F = K.forward.objective_at(p, p.A)
        within(F.lower, exact_value(p, p.A), F.upper)


def check_weight_decay_rounding(K: Kernel, rng: np.random.Generator) -> None:
    for _ in range(40):
        v = network(K, rng, (6, 9, 2), scale=10.0 ** rng.integers(-3, 4))
        P = K.forward.weight_decay(v)
        entries = np.concatenate([v.weights[0].ravel(), v.biases[0], v.weights[1].ravel()])
        assert Q(P.lower) <= sum((Q(float(e)) ** 2 for e in entries), Q(0)) / 2 <= Q(P.upper)


# --- chords ------------------------------------------------------------------------------------------------------------


def check_kinks(K: Kernel, rng: np.random.Generator) -> None:
    u, v = rng.normal(size=(30, 4)), rng.normal(size=(30, 4)) * 10.0 ** rng.integers(-3, 4, size=(30, 4))
    u[:3], v[2:5] = 0.0, 0.0
    eu, ev = exact(u), exact(v)
    for slope in SLOPES:
        k = exact(K.chord.kink_bound(K.balls.exact(u), K.balls.exact(v), slope))
        for i in range(30):
            for j in range(4):
                p, q = eu[i, j], ev[i, j]
                worst = (1 - Q(slope)) * abs(p) * abs(q) / (abs(p) + abs(q)) if p * q < 0 else Q(0)
                assert k[i, j] >= worst
                assert k[i, j] <= worst * 2 + Q(1, 10**9)


def check_kinks_of_balls(K: Kernel, rng: np.random.Generator) -> None:
    """A sign change that only some members of a ball make must be covered."""
    for _ in range(40):
        (u, eu), (v, ev) = ball(K, rng, (2, 3)), ball(K, rng, (2, 3))
        k = exact(K.chord.kink_bound(u, v, 0.0))
        for p, q, bound in zip(eu.ravel(), ev.ravel(), k.ravel()):
            assert bound >= (abs(p) * abs(q) / (abs(p) + abs(q)) if p * q < 0 else 0)


def check_deviation(K: Kernel, rng: np.random.Generator) -> None:
    """lo <= f(s) - chord(s) <= hi at many exact s."""
    for _ in range(12):
        N, n, Kout = 3, 4, 2
        u, v = rng.normal(size=(N, n)), rng.normal(size=(N, n))
        theta, phi = rng.normal(size=(Kout, n)), rng.normal(size=(Kout, n))
        theta[:, 0] = 0.0
        slope = float(rng.choice(SHORT_SLOPES))
        d = one_layer(K, slope, u, v, theta, phi)
        eu, ev, et, ep = map(exact, (u, v, theta, phi))
        start, end = sigma(eu, slope).dot(et.T), sigma(ev, slope).dot(ep.T)
        for s in [Q(i, 24) for i in range(25)]:
            f = sigma((1 - s) * eu + s * ev, slope).dot(((1 - s) * et + s * ep).T)
            off = f - ((1 - s) * start + s * end)
            assert (off >= -exact(d.below)).all(), "deviation below"
            assert (off <= exact(d.above)).all(), "deviation above"


def one_layer(K: Kernel, slope: float, u, v, theta, phi):
    """The deviation of one hidden layer's outputs, whose pre-activations move from u to v and heads from theta to phi."""
    b, none = K.balls.exact, np.zeros(np.shape(u))
    h = K.chord.through_activation(K.chord.Deviation(none, none), b(u), b(v), slope)
    return K.chord.through_layer(h, K.balls.relu(b(u), slope), K.balls.relu(b(v), slope), b(theta), b(phi))


def check_deviation_of_a_layer(K: Kernel, rng: np.random.Generator) -> None:
    """Inputs that deviate within their bounds: outputs of the activation and of the next layer stay within theirs."""
    for _ in range(12):
        N, n, p, slope = 3, 4, 2, float(rng.choice(SHORT_SLOPES))
        u, v = rng.normal(size=(N, n)), rng.normal(size=(N, n))
        u[:, 0], v[:, 0] = -np.abs(u[:, 0]) - 1.0, -np.abs(v[:, 0]) - 1.0  # dead whatever it deviates by
        below, above = np.abs(rng.normal(size=(2, N, n))) * 0.4
        W, Z = rng.normal(size=(p, n)), rng.normal(size=(p, n))
        b = K.balls.exact
        hidden = K.chord.through_activation(K.chord.Deviation(below, above), b(u), b(v), slope)
        out = K.chord.through_layer(hidden, K.balls.relu(b(u), slope), K.balls.relu(b(v), slope), b(W), b(Z))
        eu, ev, eW, eZ = map(exact, (u, v, W, Z))
        h, g = sigma(eu, slope), sigma(ev, slope)
        for s in [Q(i, 8) for i in range(9)]:
            for share in (exact(rng.uniform(size=(N, n))), exact(rng.integers(0, 2, size=(N, n)).astype(float))):
                moved = (1 - s) * eu + s * ev + share * exact(above) - (1 - share) * exact(below)
                off = sigma(moved, slope) - ((1 - s) * h + s * g)
                assert (off >= -exact(hidden.below)).all(), "an activation deviates below its bound"
                assert (off <= exact(hidden.above)).all(), "an activation deviates above its bound"
                value = sigma(moved, slope).dot(((1 - s) * eW + s * eZ).T)
                far = value - ((1 - s) * h.dot(eW.T) + s * g.dot(eZ.T))
                assert (far >= -exact(out.below)).all(), "a layer deviates below its bound"
                assert (far <= exact(out.above)).all(), "a layer deviates above its bound"


def check_deviation_is_attained(K: Kernel, rng: np.random.Generator) -> None:
    """One neuron, one kink or one product: the bound is the truth, so a dropped term shows."""
    one = np.array([[1.0]])
    for sign, slope in itertools.product((1.0, -1.0), SLOPES):
        d = one_layer(K, slope, one, -one, sign * one, sign * one)
        kink = 0.5 * (1.0 - slope)
        expected = (kink, 0.0) if sign > 0 else (0.0, kink)
        assert np.allclose([d.below[0, 0], d.above[0, 0]], expected, rtol=1e-6, atol=1e-9), "kink term"
        d = one_layer(K, slope, one, 3 * one, sign * one, 2 * sign * one)
        expected = (0.5, 0.0) if sign > 0 else (0.0, 0.5)
        assert np.allclose([d.below[0, 0], d.above[0, 0]], expected, rtol=1e-6, atol=1e-9), "product term"
        # Two neurons whose products cancel: the sum over neurons is taken before the positive part.
        pair = np.array([[1.0, 1.0]])
        d = one_layer(K, slope, pair, 3 * pair, pair, np.array([[2.0, 0.0]]))
        assert d.below[0, 0] <= 1e-9
        assert d.above[0, 0] <= 1e-9
    dead = K.chord.through_activation(
        K.chord.Deviation(one, one), K.balls.exact(-3 * one), K.balls.exact(-2 * one), 0.0
    )
    assert not dead.below.any()
    assert not dead.above.any()


def check_chord(K: Kernel, rng: np.random.Generator) -> None:
    """The bound of a chord is at or above the exact F at many exact points between the ends, for each loss and penalty."""
    for loss, penalty, penalise in CASES:
        slope = float(rng.choice(SHORT_SLOPES))
        p = problem(K, rng, loss, penalty, (2, 4, outputs(loss)), penalise=penalise, slope=slope)
        A, B = p.A, p.B
        times = [0.0, 0.3, 0.5, 1.0] if rng.random() < 0.5 else [0.0, 1.0]
        bound = arb(K.chord.chord_between(p, A, B).upper(times))
        for s in [Q(i, 16) for i in range(17)]:
            mix = [(1 - s) * exact(a) + s * exact(b) for a, b in zip((*A.weights, *A.biases), (*B.weights, *B.biases))]
            assert bound >= exact_value(p, A, form="balanced", W=mix[0], theta=mix[1], b=mix[2], c=mix[3])


def between(K: Kernel, v, w, s: Q):
    """The exact network at time s, as an object with Fractions."""
    mix = lambda a, b: None if a is None else (1 - s) * exact(a) + s * exact(b)
    return tuple(map(mix, v.weights, w.weights)), tuple(map(mix, v.biases, w.biases))


def exact_deep_value(p, weights, biases) -> arb:
    """Mean loss and l1 penalty of exact parameters of any depth."""
    # Arb at 300 bits: the denominators of products over four layers would grow out of hand.
    balls = np.vectorize(as_arb, otypes=[object])
    leaky = np.vectorize(lambda u: u.max(arb(p.negative_slope) * u), otypes=[object])
    h = balls(exact(p.X))
    for l, (W, b) in enumerate(zip(weights, biases)):
        h = h.dot(balls(W).T) if b is None else h.dot(balls(W).T) + balls(b)
        h = h if l == len(weights) - 1 else leaky(h)
    loss = sum((exact_loss(p.objective.loss, list(f), y) for f, y in zip(h, p.targets)), arb(0)) / len(h)
    return loss + arb(p.objective.kappa) * as_arb(abs(weights[-1]).sum())


def check_deep_segments(K: Kernel, rng: np.random.Generator) -> None:
    """Segments on which one, two or all layers change, with a dead neuron, at many exact points between the ends."""
    for loss, which in itertools.product(
        rng.choice(LOSSES, size=2, replace=False).tolist(), ((1,), (2,), (3,), (4, 3), (1, 2, 3, 4))
    ):
        slope = float(rng.choice(SHORT_SLOPES))
        p = problem(K, rng, loss, "l1" if rng.random() < 0.5 else "none", (2, 3, 4, 3, outputs(loss)), slope=slope)
        A = p.A
        A.weights[2][:, 1] = 0.0
        if 4 in which:
            A.weights[3][:, 2] = 0.0  # comes alive on the way
        B = K.statements.Parameters(tuple(w.copy() for w in A.weights), tuple(b.copy() for b in A.biases))
        for l in which:
            B.weights[l - 1][:] += rng.normal(size=A.weights[l - 1].shape)
            B.biases[l - 1][:] += rng.normal(size=A.biases[l - 1].shape)
        B.weights[2][:, 1] = 0.0
        assert K.moves.straight_kind(A, B) == "chord"
        times = [0.0, 0.3, 0.5, 1.0] if rng.random() < 0.5 else [0.0, 1.0]
        found = K.chord.chord_between(p, A, B)
        bound, top = arb(found.upper(times)), 0.0
        for s in [Q(i, 8) for i in range(9)]:
            value = exact_deep_value(p, *between(K, A, B, s))
            assert bound >= value, f"a chord of layers {which} is bounded too low"
            assert arb(found.value(found.at(float(s)))) >= value
            top = max(top, float(value))
        fine = found.upper([i / 64 for i in range(65)])
        assert fine <= 1.5 * top + 0.1, "the bound of short pieces is far above the values"


def check_deviation_of_a_network(K: Kernel, rng: np.random.Generator) -> None:
    """One neuron whose row and head both move: the deviation of the whole chord covers the product and the kink, and hardly more."""
    X, none = np.array([[1.0]]), (None, None)
    for w, w_end, t, t_end, slope in (
        (1.0, 3.0, 1.0, 2.0, 0.0), (-1.0, -3.0, 1.0, 2.0, 0.5), (1.0, -1.0, 0.0, 1.0, 0.0), (1.0, -1.0, 1.0, 0.0, 0.5), (1.0, 3.0, 0.0, -1.0, 0.0),
    ):  # fmt: skip
        A, B = (K.statements.Parameters((np.array([[a]]), np.array([[h]])), none) for a, h in ((w, t), (w_end, t_end)))
        p = K.statements.Problem(objective(K, "absolute"), X, np.zeros((1, 1)), A, B, slope)
        chord = K.chord.chord_between(p, A, B)
        d = chord.deviation(chord.at(0.0), chord.at(1.0))
        s = np.linspace(0.0, 1.0, 1001)
        u = w + s * (w_end - w)
        f = np.maximum(u, slope * u) * (t + s * (t_end - t))
        off = f - (f[0] + s * (f[-1] - f[0]))
        assert d.below[0, 0] >= -off.min() - 1e-12
        assert d.above[0, 0] >= off.max() - 1e-12
        assert max(d.below[0, 0], d.above[0, 0]) <= 4.0 * np.abs(off).max() + 1e-9, "the deviation is loose"


def check_peak_of_a_layer_move(K: Kernel, rng: np.random.Generator) -> None:
    """The peak between the ends of check_peak_between_ends, seen through one more layer."""
    X, none = np.array([[1.0], [-1.0]]), (None, None, None)
    one = np.array([[1.0]])
    A, B = (K.statements.Parameters((np.array([[w]]), one, one), none) for w in (1.0, -1.0))
    p = K.statements.Problem(objective(K, "absolute"), X, np.full((2, 1), 1.0), A, B)
    move = K.statements.Move("chord", (K.statements.Write(1, "weight", 0, None, B.weights[0]),))
    found = K.paths.bound_path(p, (move,))
    assert found.interior >= 1.0, "the peak of a layer move is missed"
    cut = K.statements.Move("chord", move.writes, np.array([0.25, 0.5, 0.75]))
    assert 1.0 <= K.paths.bound_path(p, (cut,)).interior <= 1.0 + 1e-9


def check_layer_of_constant_products(K: Kernel, rng: np.random.Generator) -> None:
    """A layer move in the null space of its input: F is constant, and the bound is F up to rounding (Nguyen 2019, Lemma 4.3)."""
    p = problem(K, rng, "squared", "none", (2, 9, 4, 3, 1), slope=0.1)
    h = np.array(sigma(exact(p.X).dot(exact(p.A.weights[0]).T) + exact(p.A.biases[0]), 0.1), dtype=float)
    null = np.linalg.svd(h)[2][len(p.X) :]
    W = p.A.weights[1] + rng.normal(size=(4, len(null))) @ null
    B = K.statements.Parameters((p.A.weights[0], W, *p.A.weights[2:]), p.A.biases)
    bound = K.chord.chord_between(p, p.A, B).upper([0.0, 1.0])
    F = K.forward.objective_at(p, p.A)
    assert F.lower <= bound <= F.upper + 1e-9 * (1 + abs(F.upper))


def check_live_parts(K: Kernel, rng: np.random.Generator) -> None:
    """Leaving out what is dead at both ends keeps the outputs; what is live at one end stays."""
    v, w = network(K, rng, (2, 4, 5, 1)), network(K, rng, (2, 4, 5, 1))
    v.weights[2][:, 0], w.weights[2][:, [0, 3]] = 0.0, 0.0
    v.weights[1][:, 2], w.weights[1][1:, 2] = 0.0, 0.0  # at w heard by neuron 0 alone, which is dead
    p, q = K.liveness.live_part(v, w)
    assert [x.shape for x in p.weights] == [(3, 2), (4, 3), (1, 4)]
    x = rng.normal(size=(6, 2))
    problem_of = lambda n: K.statements.Problem(objective(K, "squared"), x, np.zeros((6, 1)), n, n)
    for whole, part in ((v, p), (w, q)):
        a = exact_deep_value(problem_of(whole), *between(K, whole, whole, Q(0)))
        assert a.overlaps(exact_deep_value(problem_of(part), *between(K, part, part, Q(0))))
    silent = K.statements.Parameters((*v.weights[:2], np.zeros((1, 5))), v.biases)
    assert [x.shape for x in K.liveness.live_part(silent, silent)[0].weights] == [(1, 2), (1, 1), (1, 1)]


def check_penalty_excess(K: Kernel, rng: np.random.Generator) -> None:
    """Prices fall while heads rise: the product exceeds its chord by exactly a quarter of the product of the changes."""
    b = K.balls.exact
    value = K.chord.penalty_excess(
        b(np.array([1.0, 1.0])), b(np.array([3.0, 2.0])), b(np.array([5.0, 1.0])), b(np.array([1.0, 2.0]))
    )
    assert 2.0 <= value <= 2.0 + 1e-9
    value = K.chord.penalty_excess(b(np.array([3.0])), b(np.array([1.0])), b(np.array([1.0])), b(np.array([5.0])))
    assert 2.0 <= value <= 2.0 + 1e-9


def check_peak_between_ends(K: Kernel, rng: np.random.Generator) -> None:
    """Two samples see one neuron turn: F is 1 half-way and 1/2 at both ends. Both signs, so that lo and hi each matter."""
    X, none = np.array([[1.0], [-1.0]]), (None, None)
    for sign in (1.0, -1.0):
        A, B = (K.statements.Parameters((np.array([[w]]), np.array([[sign]])), none) for w in (1.0, -1.0))
        p = K.statements.Problem(objective(K, "absolute"), X, np.full((2, 1), sign), A, B)
        move = K.statements.Move("chord", (K.statements.Write(1, "weight", 0, None, B.weights[0]),))
        found = K.paths.bound_path(p, (move,))
        assert found.interior >= 1.0, "the peak of a chord is missed"
        cut = K.statements.Move("chord", move.writes, np.array([0.25, 0.5, 0.75]))
        assert 1.0 <= K.paths.bound_path(p, (cut,)).interior <= 1.0 + 1e-9


def check_penalty_peak_on_a_chord(K: Kernel, rng: np.random.Generator) -> None:
    """Row norm 1 -> 3 while the head goes 5 -> 1: the path penalty is 5, 6, 3 on the way, and nothing else changes."""
    X, y, none = np.zeros((1, 1)), np.zeros((1, 1)), (None, None)
    for penalty in ("path", "weight_decay"):
        A, B = (K.statements.Parameters((np.array([[w]]), np.array([[h]])), none) for w, h in ((1.0, 5.0), (3.0, 1.0)))
        p = K.statements.Problem(objective(K, "squared", penalty, 1.0), X, y, A, B)
        found = K.paths.bound_path(p, segments(K, A, B), form_of(p))
        assert found.interior >= 6.0, "the penalty's peak on a chord is missed"


def check_points(K: Kernel, rng: np.random.Generator) -> None:
    """The point at time t is the exact interpolation, not a rounded network."""
    p = problem(K, rng, "squared", "path", (2, 4, 2))
    A, B = p.A, p.B
    chord = K.chord.chord_between(p, A, B)
    for t in (0.1, 1 / 3, 0.9999):
        s, e = Q(t), chord.at(t)
        W, theta, b, c = (
            (1 - s) * exact(x) + s * exact(y) for x, y in zip((*A.weights, *A.biases), (*B.weights, *B.biases))
        )
        pre = exact(p.X).dot(W.T) + b
        contains(e.u[0], pre)
        contains(e.weights[-1], theta)
        contains(e.predictions, np.maximum(pre, Q(0)).dot(theta.T) + c)


# --- moves -------------------------------------------------------------------------------------------------------------


def change(K: Kernel, v, layer: int, part: str, index: tuple, value: float):
    weights, biases = [w.copy() for w in v.weights], [None if b is None else b.copy() for b in v.biases]
    (weights if part == "weight" else biases)[layer - 1][index] = value
    return K.statements.Parameters(tuple(weights), tuple(biases))


def check_kinds(K: Kernel, rng: np.random.Generator) -> None:
    """The most that can be said of a segment is said; what is said and not so is rejected; to say less is allowed."""
    v = network(K, rng, (2, 3, 2))
    v.weights[1][:, 1] = 0.0

    def kind(a, b):
        """straight_kind, once `require_kind` agrees on every kind of segment that may be said of it."""
        found = K.moves.straight_kind(a, b)
        for said in ("idle", "head", "chord"):
            allowed = found in {"idle": ("idle",), "head": ("idle", "head"), "chord": ("idle", "head", "chord")}[said]
            try:
                K.moves.require_kind(a, b, K.statements.Move(said, ()))
            except K.statements.Rejected:
                assert not allowed, f"an {found} move may not be called {said}"
                continue
            assert allowed, f"a {found} move passes for {said}"
        return found

    assert kind(v, v) == "idle"
    assert kind(v, change(K, v, 1, "weight", (1, 0), 9.0)) == "idle"
    assert kind(v, change(K, v, 1, "bias", (1,), 9.0)) == "idle"
    assert kind(v, change(K, v, 1, "weight", (0, 0), 9.0)) == "chord"
    assert kind(v, change(K, v, 1, "bias", (0,), 9.0)) == "chord"
    assert kind(v, change(K, v, 2, "weight", (0, 0), 9.0)) == "head"
    assert kind(v, change(K, v, 2, "bias", (0,), 9.0)) == "head"
    woken = change(K, change(K, v, 1, "weight", (1, 0), 9.0), 2, "weight", (1, 1), 1.0)
    assert kind(v, woken) == "chord", "a neuron that comes alive at the end is not dead"
    assert kind(woken, v) == "chord", "a neuron that was alive at the start is not dead"
    deep = network(K, rng, (2, 3, 3, 1))
    deep.weights[1][:, 2] = 0.0
    deep.weights[2][0, 0] = 0.0
    assert kind(deep, change(K, deep, 1, "weight", (2, 0), 9.0)) == "idle"
    assert kind(deep, change(K, deep, 2, "weight", (0, 1), 9.0)) == "idle"
    assert kind(deep, change(K, deep, 2, "bias", (0,), 9.0)) == "idle"
    assert kind(deep, change(K, deep, 3, "weight", (0, 1), 9.0)) == "head"
    first = change(K, deep, 1, "weight", (0, 0), 9.0)
    assert kind(deep, first) == "chord"
    assert kind(deep, change(K, deep, 2, "weight", (1, 0), 9.0)) == "chord"
    # What changes before dead neurons does not count.
    assert kind(deep, change(K, change(K, deep, 1, "weight", (2, 0), 9.0), 2, "weight", (0, 0), 9.0)) == "idle"
    assert kind(deep, change(K, first, 3, "bias", (0,), 9.0)) == "chord"


def check_transfers(K: Kernel, rng: np.random.Generator) -> None:
    v = network(K, rng, (2, 4, 3, 1))
    v.weights[0][3], v.biases[0][3] = v.weights[0][1], v.biases[0][1]
    v.weights[1][:, 3] = 0.0
    w = network(K, rng, (2, 4, 3, 1))
    w = K.statements.Parameters(tuple(x.copy() for x in v.weights), v.biases)
    w.weights[1][:, 3], w.weights[1][:, 1] = v.weights[1][:, 1], 0.0
    hint = K.statements.Move("transfer", (), None, np.array([[1, 3]]), 1)
    K.moves.require_kind(v, w, hint)
    other_row = change(K, v, 1, "weight", (3, 0), 7.0)
    other_end = change(K, w, 1, "weight", (3, 0), 7.0)
    spoiled = [
        (other_row, other_end, hint),  # rows differ
        (v, change(K, w, 2, "weight", (0, 3), 7.0), hint),  # not what was handed over
        (change(K, v, 2, "weight", (0, 3), 7.0), w, hint),  # the receiver was not silent
        (v, change(K, w, 2, "weight", (0, 0), 7.0), hint),  # another column changes along
        (change(K, v, 1, "bias", (3,), 7.0), change(K, w, 1, "bias", (3,), 7.0), hint),  # biases differ
        (v, change(K, w, 2, "bias", (0,), 7.0), hint),  # a bias changes along
        (v, w, K.statements.Move("transfer", (), None, np.array([[3, 1]]), 1)),  # direction
    ]
    for a, b, move in spoiled:
        try:
            K.moves.require_kind(a, b, move)
        except K.statements.Rejected:
            continue
        raise AssertionError("a spoiled transfer was accepted")


# --- paths -------------------------------------------------------------------------------------------------------------


def all_of(K: Kernel, v) -> tuple:
    writes = [K.statements.Write(l, "weight", 0, None, w) for l, w in enumerate(v.weights, start=1)]
    return tuple(
        writes + [K.statements.Write(l, "bias", 0, None, b) for l, b in enumerate(v.biases, start=1) if b is not None]
    )


def form_of(p) -> str:
    return "balanced" if p.objective.penalty == "weight_decay" else "literal"


def segments(K: Kernel, A, *vertices, cuts=None) -> tuple:
    """Straight moves from A through the vertices, each called the most that can be said of it; cuts: breakpoints of chords."""
    out = []
    for v, w in pairwise((A, *vertices)):
        kind = straight_kind(v, w)
        out.append(K.statements.Move(kind, all_of(K, w), cuts if kind == "chord" else None))
    return tuple(out)


def check_paths(K: Kernel, rng: np.random.Generator) -> None:
    """interior bounds every interior vertex; E and the gaps come from the right ends; a path must end in B."""
    p = problem(K, rng, "squared", "path", (2, 4, 1))
    A, B = p.A, p.B
    middle = K.statements.Parameters((A.weights[0], A.weights[1] * 3), A.biases)
    moves = segments(K, A, middle, B, cuts=np.array([0.25, 0.5]))
    found = K.paths.bound_path(p, moves)
    assert [m.kind for m in moves] == ["head", "chord"]
    assert arb(found.interior) >= exact_value(p, middle, form="balanced")
    FA, FB = (exact_value(p, v) for v in (A, B))
    within(found.A.lower, FA, found.A.upper)
    within(found.B.lower, FB, found.B.upper)

    def claim(sup, gap, low, ms=moves):
        return K.statements.PathUpperBound("p", ms, sup, gap, low)

    sup = max(found.A.upper, found.B.upper, found.interior)
    good, along = K.paths.check_path(p, claim(sup, 1e9, 1e9))
    assert good["sup"] <= sup
    assert (along.interior, along.uppers) == (found.interior, found.uppers)
    assert arb(good["gap"]) >= arb(found.interior) - FA.max(FB)
    assert arb(good["gap_over_lower"]) >= arb(sup) - FA.min(FB)
    tighter = [
        claim(np.nextafter(sup, 0), 1e9, 1e9),
        claim(sup, good["gap"] * 0.999, 1e9),
        claim(sup, 1e9, good["gap_over_lower"] * 0.999),
    ]
    tighter += [claim(sup, float("nan"), 1e9), claim(float("nan"), 1e9, 1e9), claim(sup, 1e9, 1e9, moves[:1])]
    if good["gap"] == 0.0:
        tighter.pop(1)
    for bad in tighter:
        try:
            K.paths.check_path(p, bad)
        except K.statements.Rejected:
            continue
        raise AssertionError("a claim below what was found, or a path that misses B, was accepted")


def check_high_vertex_counts(K: Kernel, rng: np.random.Generator) -> None:
    """A -> high -> B by head moves only: the middle vertex, far above both ends, must be in the gap, wherever it stands."""
    p = problem(K, rng, "squared", "none", (2, 4, 1))
    B = K.statements.Parameters((p.A.weights[0], p.A.weights[1] * 0.9), p.A.biases)
    p = K.statements.Problem(p.objective, p.X, p.targets, p.A, B)
    high = K.statements.Parameters((p.A.weights[0], p.A.weights[1] * 50), p.A.biases)
    low = K.statements.Parameters((p.A.weights[0], p.A.weights[1] * 0.8), p.A.biases)
    for vertices in ([high, B], [p.A, high, B], [high, high, B], [high, B, B], [high, low, B], [low, high, B]):
        found = K.paths.bound_path(p, segments(K, p.A, *vertices))
        assert arb(found.interior) >= exact_value(p, high, form="balanced"), "a high vertex is not counted"


def check_features_are_refreshed(K: Kernel, rng: np.random.Generator) -> None:
    """After an idle write the new row's features are used: A -> (write dead row) -> (head that uses it) -> B."""
    p = problem(K, rng, "squared", "none", (2, 4, 1))
    p.A.weights[1][:, 2] = 0.0
    row = K.statements.Parameters((p.A.weights[0].copy(), p.A.weights[1]), (p.A.biases[0].copy(), p.A.biases[1]))
    row.weights[0][2] = [3.0, -4.0]
    row.biases[0][2] = 2.0
    used = K.statements.Parameters((row.weights[0], row.weights[1].copy()), row.biases)
    used.weights[1][0, 2] = 10.0
    far = K.statements.Parameters((row.weights[0], row.weights[1] * 0.5), row.biases)
    q = K.statements.Problem(p.objective, p.X, p.targets, p.A, far)
    moves = segments(K, q.A, row, used, far)
    found = K.paths.bound_path(q, moves)
    assert [m.kind for m in moves] == ["idle", "head", "head"]
    assert arb(found.interior) >= exact_value(q, used, form="balanced")
    assert found.interior <= float(exact_value(q, used, form="balanced")) * (1 + 1e-9)


def check_blocks(K: Kernel, rng: np.random.Generator) -> None:
    """In blocks of unequal size every bound still encloses, and is the one of all samples at once but for rounding."""
    for loss, penalty, penalise in CASES[:: max(1, len(CASES) // 6)]:
        p = problem(K, rng, loss, penalty, (2, 4, outputs(loss)), penalise=penalise)
        middle = K.statements.Parameters((p.A.weights[0], p.A.weights[1] * 3), p.A.biases)
        scaled = K.statements.Parameters(
            (middle.weights[0] * 2, middle.weights[1] / 2), (middle.biases[0] * 2, middle.biases[1])
        )
        twice = K.statements.Move("rescale", all_of(K, scaled), factors=np.full(4, 2.0))
        moves = (*segments(K, p.A, middle), twice, *segments(K, scaled, p.B, cuts=np.array([0.25, 0.5])))
        whole = K.paths.bound_path(p, moves, form_of(p))
        K.blocks.ENTRIES = 5 * 4
        try:
            parts = K.paths.bound_path(p, moves, form_of(p))
        finally:
            K.blocks.ENTRIES = 2**24
        assert [m.kind for m in moves] == ["head", "rescale", "chord"]
        for end, v in ((parts.A, p.A), (parts.B, p.B)):
            within(end.lower, exact_value(p, v), end.upper)
        for v in (middle, scaled):
            assert arb(parts.interior) >= exact_value(p, v, form="balanced")
        assert arb(parts.uppers[1]) >= exact_value(p, scaled, form="balanced")
        for a, b in zip(parts.uppers, whole.uppers):
            assert abs(a - b) <= 1e-11 * abs(b), "blocks change a bound"


def check_reference_blocks(K: Kernel, rng: np.random.Generator) -> None:
    """In blocks of any size, weighted or not, the reference's numbers are those of all samples at once, and its balls hold the exact value."""
    for loss, penalty, penalise in CASES[:: max(1, len(CASES) // 4)]:
        p = problem(K, rng, loss, penalty, (2, 4, outputs(loss)), penalise=penalise)
        N = len(p.X)
        for weights in (None, np.concatenate([[0.0, 0.0, 0.0], rng.integers(1, 9, N - 3) / 4.0])):
            q = dataclasses.replace(p, weights=weights)
            claim = K.statements.PathUpperBound(
                "line", segments(K, q.A, q.B, cuts=np.array([0.25, 0.5])), 2.0**40, 2.0**40, 2.0**40, form=form_of(q)
            )
            whole = K.reference_paths.check_path(q, claim)
            for size in (1, 2, 3):
                K.reference_blocks.BALLS = 4 * size
                try:
                    parts, F = K.reference_paths.check_path(q, claim), K.reference_objective.endpoint_value(q, q.A)
                finally:
                    K.reference_blocks.BALLS = 2**20
                for name in whole:
                    assert abs(parts[name] - whole[name]) <= 1e-15 * abs(whole[name]) + 1e-60, "blocks change a bound"
                if weights is None:
                    assert F.overlaps(exact_value(q, q.A))
    third = arb(1, 1e-3) / 3
    back = K.reference_blocks._ball(K.reference_blocks._parts(third))
    assert back.contains(third)
    assert not K.reference_blocks._ball(K.reference_blocks._parts(arb("nan"))).is_finite()


# --- heads -------------------------------------------------------------------------------------------------------------


def check_head_violations(K: Kernel, rng: np.random.Generator) -> None:
    """violation bounds the exact sum of all dual constraint violations from above."""
    for loss, penalty, penalise in CASES:
        p = problem(K, rng, loss, penalty, (3, 4, outputs(loss)), penalise=penalise)
        Kout, N = outputs(loss), len(p.X)
        nu = dual(rng, loss, p.targets, Kout)
        W, b = p.A.weights[0], p.A.biases[0]
        claim = K.statements.HeadOptimum("h", W, b, p.A.weights[1], p.A.biases[1], nu, None, 0.0, 1e9)
        rows = K.balls.exact(np.column_stack([W, b]))
        Z = K.balls.relu(K.forward.affine(K.balls.exact(p.X), K.balls.exact(W), K.balls.exact(b)), 0.0)
        found = K.heads.violation(p, claim, Z, K.forward.head_prices(rows, penalty))
        S = np.maximum(exact(p.X).dot(exact(W).T) + exact(b), Q(0))
        G, total = S.T.dot(exact(nu)), arb(0)
        for i in range(len(W)):
            price = (
                arb(0)
                if penalty == "none"
                else arb(1)
                if penalty == "l1"
                else root((exact(np.append(W[i], b[i])) ** 2).sum())
            )
            sizes = [root((G[i] ** 2).sum())] if penalty == "weight_decay" else [as_arb(abs(g)) for g in G[i]]
            for size in sizes:
                over = (size / N - arb(p.objective.kappa) * price) * (
                    arb(Kout).sqrt() if penalty == "weight_decay" else 1
                )
                total += over if over > 0 else 0
        for column in exact(nu).T:
            over = abs(column.sum()) / N - (Q(p.objective.kappa) if penalise else 0)
            total += as_arb(over) if over > 0 else 0
        assert arb(found) >= total, "dual constraint violations are undercounted"
        assert arb(found) <= total * (1 + arb(1e-9)) + arb(1e-10), "dual constraint violations are overcounted"


def check_head_intervals(K: Kernel, rng: np.random.Generator) -> None:
    """An accepted interval contains the value of every head at its lower end and of the stored head at its upper end."""
    for loss, penalty, penalise in CASES:
        p = problem(K, rng, loss, penalty, (3, 4, outputs(loss)), penalise=penalise)
        Kout = outputs(loss)
        nu = dual(rng, loss, p.targets, Kout) * 2.0**-4
        limit = 0.5
        theta = rng.uniform(-limit, limit, size=p.A.weights[1].shape)
        c = rng.uniform(-limit, limit, size=Kout)
        make = lambda low, high: K.statements.HeadOptimum(
            "h", p.A.weights[0], p.A.biases[0], theta, c, nu, limit, low, high
        )
        found = K.heads.check_head(p, make(0.0, 1e9))
        here = K.statements.Parameters((p.A.weights[0], theta), (p.A.biases[0], c))
        value = exact_value(p, here, form="balanced")
        assert arb(found["lower"]) <= value <= arb(found["upper"])
        conjugate = K.losses.conjugate_mean_upper(p.objective, nu, p.targets)
        assert arb(found["lower"]) <= (arb(-conjugate) - arb(limit) * arb(found["violation"])).max(arb(0)) + arb(
            1e-13
        ), "the violation is not charged"
        for bad in (
            make(np.nextafter(found["lower"], 1e9), 1e9),
            make(0.0, np.nextafter(found["upper"], 0.0)),
            make(float("nan"), 1e9),
        ):
            try:
                K.heads.check_head(p, bad)
            except K.statements.Rejected:
                continue
            raise AssertionError("an interval tighter than what was found was accepted")


def check_group_violations_cost_sqrt_k(K: Kernel, rng: np.random.Generator) -> None:
    """Weight decay, two outputs: both entries at the limit make |h_i|_2 = H sqrt(2); a charge of H v would be too little."""
    X, y = np.array([[1.0]]), np.array([[10.0, 10.0]])
    v = K.statements.Parameters((np.array([[1.0]]), np.zeros((2, 1))), (None, None))
    p = K.statements.Problem(objective(K, "squared", "weight_decay", 1e-6), X, y, v, v)
    limit, nu = 1.0, np.array([[-18.0, -18.0]])  # the gradient of the loss at f = (1, 1)
    here = K.statements.Parameters((v.weights[0], np.full((2, 1), limit)), v.biases)
    best = exact_value(p, here, form="balanced")
    found = K.heads.check_head(
        p, K.statements.HeadOptimum("h", v.weights[0], None, here.weights[1], None, nu, limit, 0.0, 1e9)
    )
    assert arb(found["lower"]) <= best, "the lower end lies above a head within the limit"


def check_unlimited_heads_need_exact_duals(K: Kernel, rng: np.random.Generator) -> None:
    """head_limit None is refused when any constraint is violated, however little."""
    p = problem(K, rng, "squared", "path", (3, 4, 1))
    W, b, N = p.A.weights[0], p.A.biases[0], len(p.X)
    p.X[1] = 1000.0 * W[0]  # neuron 0 sees samples 0 and 1 very differently, so their opposite duals cannot cancel
    zero = np.zeros((N, 1))
    make = lambda nu: K.statements.HeadOptimum(
        "h", p.A.weights[0], p.A.biases[0], p.A.weights[1], p.A.biases[1], nu, None, 0.0, 1e9
    )
    K.heads.check_head(p, make(zero))
    slightly = zero.copy()
    slightly[0, 0] = 2.0**-60  # sum over samples is not 0, and the bias is free
    strongly = zero.copy()
    strongly[:2, 0] = 100.0, -100.0  # sums to 0, but its product with neuron 0 exceeds the price
    column = np.maximum(exact(p.X).dot(exact(W[0])) + Q(float(b[0])), Q(0))
    price = arb(p.objective.kappa) * root((exact(np.append(W[0], b[0])) ** 2).sum())
    assert as_arb(abs(sum(column * exact(strongly)[:, 0], Q(0))) / N) > price, (
        "the premise: this dual violates its constraint"
    )
    for bad in (slightly, strongly):
        try:
            K.heads.check_head(p, make(bad))
        except K.statements.Rejected:
            continue
        raise AssertionError("a dual that violates a constraint was accepted for all heads")


CHECKS = [value for name, value in sorted(globals().items()) if name.startswith("check_")]


def run_check(check, K: Kernel, seed: int) -> None:
    """One check under the kernel's own floating-point guard, with 300 bits for the exact side."""
    with ctx.workprec(300), np.errstate(over="raise", invalid="raise", divide="raise", under="ignore"):
        check(K, np.random.default_rng(seed))

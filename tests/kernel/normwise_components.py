"""Component checks of norm-wise radii and split products: what they enclose, against exact rationals, on random and adversarial numbers."""

from __future__ import annotations

import itertools
import math
from contextlib import contextmanager
from fractions import Fraction as Q

import numpy as np

from .components import SLOPES, Kernel, between, contains, exact, network, objective, problem, scales, sigma


def square(x: np.ndarray) -> Q:
    return sum((v * v for v in np.ravel(x)), Q(0))


def hadamard(n: int) -> np.ndarray:
    H = np.ones((1, 1))
    while len(H) < n:
        H = np.block([[H, H], [H, -H]])
    return H


def check_spectral_norms(K: Kernel, rng: np.random.Generator) -> None:
    """Above |M x| / |x| for the singular vectors of M, exactly; above the norms of matrices for which these are known; and not far above."""
    above = K.normwise.spectral_norm_above
    for shape in ((1, 1), (1, 7), (7, 1), (4, 9), (9, 4), (12, 12)):
        for M in (rng.normal(size=shape), scales(rng, shape), rng.normal(size=shape) * 2.0 ** rng.integers(-40, 41)):
            found = Q(above(M))
            for x in np.linalg.svd(M)[2]:
                if x.any():
                    assert square(exact(M).dot(exact(x))) <= found**2 * square(exact(x)), "a spectral norm is too small"
        M = rng.normal(size=shape)
        assert above(M) <= 1.03 * np.linalg.norm(M, 2), "a spectral norm is loose"
    for scale in (1.0, 2.0**-300, 2.0**300):
        H = hadamard(8) * scale
        assert 8 * Q(scale) ** 2 <= Q(above(H)) ** 2 <= 8 * Q(scale) ** 2 * Q(1.04) ** 2
        one = rng.normal(size=(5, 1)) * scale
        assert square(exact(one)) <= Q(above(one)) ** 2 <= square(exact(one)) * Q(1 + 1e-9)
        assert Q(above(np.diag([3.0, -1.0, 0.0]) * scale)) >= 3 * Q(scale)
    for M in (np.zeros((3, 2)), np.full((2, 3), 5e-324), np.full((3, 3), 2.0**-1022)):
        assert Q(above(M)) ** 2 >= square(exact(M[0])) * len(M), "a spectral norm of denormal numbers is too small"
        assert above(M) <= 2.0**-480
    wide = rng.integers(-(2**20), 2**20, size=(1, 2**18)).astype(float)
    whole = sum(int(v) ** 2 for v in wide[0])
    assert Q(above(wide, 1)) ** 2 >= whole * (1 + 2**18 * Q(2) ** -53), (
        "the rounding errors of a square are not covered"
    )
    tall = np.repeat([[1.0]], 2**17, axis=0)
    assert Q(K.balls.norm_above(tall)) ** 2 >= 2**17


def check_norms_above(K: Kernel, rng: np.random.Generator) -> None:
    for x in (
        scales(rng, (6, 5)),
        rng.normal(size=(6, 5)),
        np.full((2, 3), 5e-324),
        rng.normal(size=(2, 3)) * 2.0**1000,
    ):
        found = K.balls.norms_above(x)
        assert all(square(exact(row)) <= Q(float(v)) ** 2 for row, v in zip(x, found))
        assert square(exact(x)) <= Q(K.balls.norm_above(x)) ** 2
        assert square(exact(x[0])) <= Q(K.balls.norm_above(x[0])) ** 2


def check_error_free_transformations(K: Kernel, rng: np.random.Generator) -> None:
    S = K.splitting
    for _ in range(20):
        a, b = scales(rng, (3, 4)), scales(rng, (3, 4))
        s, e = S.two_sum(a, b)
        assert (exact(s) + exact(e) == exact(a) + exact(b)).all()
        assert (s == a + b).all()
        factor, x = float(rng.random()), rng.normal(size=(3, 4)) * 2.0 ** rng.integers(-300, 300, size=(3, 4))
        p, e = S.two_product(factor, x)
        assert (exact(p) + exact(e) == Q(factor) * exact(x)).all()
        bits = int(rng.integers(8, 36))
        for x in (rng.normal(size=(3, 5)) * 2.0 ** rng.integers(-30, 30, size=(3, 1)), scales(rng, (3, 5))):
            lead = S.leading(x, bits)
            assert (exact(x - lead) == exact(x) - exact(lead)).all()
            for row, part in zip(exact(x), exact(lead)):
                unit = max(Q(2) ** (math.frexp(float(max(abs(row))))[1] - bits), Q(2) ** -1074)
                assert all((v / unit).denominator == 1 and abs(v / unit) <= 2**bits for v in part)
                assert all(abs(v - w) <= unit / 2 for v, w in zip(row, part))
    try:
        S.two_product(0.5, np.full((1, 1), 2.0**1000))
    except K.statements.Rejected:
        return
    raise AssertionError("a product whose parts overflow was not refused")


def check_leading_products_are_exact(K: Kernel, rng: np.random.Generator) -> None:
    """At the widest that the parts may be: all entries as large as their powers of two let them."""
    for n in (1, 2, 63, 64, 65, 300):
        A, B = rng.uniform(0.9, 1.0, size=(2, n)), rng.uniform(0.9, 1.0, size=(2, n))
        split = K.splitting.Split(B, None)
        lead = K.splitting.leading(A, split.bits)
        for part in (split.first, split.second):
            assert (exact(lead @ part.T) == exact(lead).dot(exact(part).T)).all()
        assert (exact(split.first) + exact(split.second) + exact(split.third) == exact(B)).all()
        assert (np.abs(split.third) <= 2.0 ** -(2 * ((53 - (n - 1).bit_length()) // 3))).all()


def check_split_products(K: Kernel, rng: np.random.Generator) -> None:
    """mid + low is off by at most the terms, which are far below what float64 alone could promise."""
    for n in (1, 3, 70):
        A, W, b = rng.normal(size=(3, n)), rng.normal(size=(2, n)), rng.normal(size=2)
        if rng.random() < 0.5:
            W[0] = W[0] * 2.0 ** rng.integers(-60, 60, size=n)
        b[0] = -(A[0] @ W[0])  # cancels
        low = A * rng.uniform(-1, 1, size=A.shape) * 2.0**-54
        mid, rest, terms = K.splitting.split_affine(A, low, K.splitting.Split(W, b))
        true = (exact(A) + exact(low)).dot(exact(W).T) + exact(b)
        error = sum(np.outer(exact(p), exact(q)) for p, q in terms)
        assert (abs(exact(mid) + exact(rest) - true) <= error).all()
        size = np.sqrt((A * A).sum(axis=1))[:, None] * np.sqrt((W * W).sum(axis=1)) + np.abs(b)
        assert (error <= exact(size * 2.0**-70)).all(), "a split product is loose"
        assert (np.abs(rest) <= 2.0**-53 * np.abs(mid)).all(), "low is not below the last bit of mid"
        lead = K.splitting.leading(A, K.splitting.Split(W, b).bits)
        least = n * Q(2) ** -53 * abs(exact(A) - exact(lead) + exact(low)).dot(abs(exact(W)).T)
        assert (error >= least).all(), "the radius relies on the order of summation"


def cloud_with_member(K: Kernel, rng: np.random.Generator, N: int, n: int, direction: np.ndarray | None = None):
    """A cloud and an exact member of it, on its surface or nearly so."""
    mid, rad = rng.normal(size=(N, n)), np.abs(rng.normal(size=N)) * rng.choice([1e-12, 1e-3, 2.0])
    way = rng.normal(size=(N, n)) if direction is None else np.repeat(direction[None, :], N, axis=0)
    way = way / np.linalg.norm(way, axis=1, keepdims=True) * (1 - 1e-12)
    return mid, rad, exact(mid) + exact(rad)[:, None] * exact(way)


def near(mid, low, rad, value: np.ndarray) -> None:
    """Every sample of `value` within its radius of mid + low."""
    centre = exact(mid) + (0 if low is None else exact(low))
    for row, r in zip(value - centre, rad):
        assert square(row) <= Q(float(r)) ** 2, "a cloud does not contain its value"


def check_clouds_through_a_layer(K: Kernel, rng: np.random.Generator) -> None:
    """Members as far out as they may be, in the direction that the layer stretches most; exact and inexact weights."""
    N, n, p = 4, 6, 5
    for bias in (False, True):
        W, b = rng.normal(size=(p, n)), rng.normal(size=p) if bias else None
        exact_layer = K.normwise.Layer(K.balls.exact(W), None if b is None else K.balls.exact(b))
        for direction in (np.linalg.svd(W)[2][0], W[1], None):
            mid, rad, member = cloud_with_member(K, rng, N, n, direction)
            true = member.dot(exact(W).T) + (0 if b is None else exact(b))
            for low in (None, np.zeros((N, n))):
                z = K.normwise.affine(K.normwise.Cloud(mid, rad, low), exact_layer)
                near(z.mid, z.low, z.rad, true)
                contains(z.ball, true)
        loose = np.abs(rng.normal(size=(p, n + 1))) * 1e-3
        far = loose * rng.choice([-1.0, 1.0], size=loose.shape)
        true_W, true_b = exact(W) + exact(far[:, :n]), 0 if b is None else exact(b) + exact(far[:, n])
        stretch = float(np.linalg.norm(W + far[:, :n], 2)) * (1 + 1e-12)
        inexact = K.normwise.Layer(
            K.balls.Ball(W, loose[:, :n]), None if b is None else K.balls.Ball(b, loose[:, n]), stretch
        )
        top = np.linalg.svd(W + far[:, :n])[2][0]
        mid, rad, member = cloud_with_member(K, rng, N, n, top)
        z, true = K.normwise.affine(K.normwise.Cloud(mid, rad), inexact), member.dot(true_W.T) + true_b
        near(z.mid, None, z.rad, true)
        contains(z.ball, true)
        along = np.sign(far[:, :n]).sum(axis=0) + 0.5  # inputs that the radii of the weights pull one way
        for mid in (along[None, :], -along[None, :]):
            z, true = K.normwise.affine(K.normwise.Cloud(mid, np.zeros(1)), inexact), exact(mid).dot(true_W.T) + true_b
            near(z.mid, None, z.rad, true)
            contains(z.ball, true)
        try:
            _ = K.normwise.Layer(K.balls.Ball(W, loose[:, :n]), None).stretch
        except K.statements.Rejected:
            continue
        raise AssertionError("a spectral norm of inexact weights was computed from their midpoints")


def check_rounding_of_a_layer_in_any_order(K: Kernel, rng: np.random.Generator) -> None:
    """The radius covers gamma_n |W|.|h| + u |b|, whatever the BLAS did on this machine."""
    for n in (3, 50, 500):
        W = rng.normal(size=(3, n))
        for h, bias in itertools.product(
            (rng.normal(size=(2, n)), rng.normal(size=(2, n)) * 1e-9),
            (None, rng.normal(size=3), rng.normal(size=3) * 1e6),
        ):
            layer = K.normwise.Layer(K.balls.exact(W), None if bias is None else K.balls.exact(bias))
            z = K.normwise.affine(K.normwise.Cloud(h, np.zeros(2)), layer)
            least = n * Q(2) ** -53 * abs(exact(h)).dot(abs(exact(W)).T)
            least = least if bias is None else least + Q(2) ** -53 * abs(exact(bias))
            assert (exact(z.ball.rad) >= least).all()
            for row, r in zip(least, z.rad):
                assert square(row) <= Q(float(r)) ** 2


def check_activation_of_clouds(K: Kernel, rng: np.random.Generator) -> None:
    for slope in SLOPES:
        for split in (False, True):
            mid, rad, member = cloud_with_member(K, rng, 5, 6)
            if rng.random() < 0.5:
                rad, member = np.zeros(5), exact(mid)
            mid[0, 0], low = 0.0, None
            if split:
                low = mid * rng.uniform(-1, 1, size=mid.shape) * 2.0**-54
                member = member + exact(low)
            member[0, 0] = Q(0)
            z = K.normwise.Image(mid.copy(), None if low is None else low.copy(), rad, [])
            h = K.normwise.relu(z, slope)
            near(h.mid, h.low, h.rad, sigma(member, slope))
            assert (h.rad <= rad * (1 + 1e-9) + (1e-30 if split else 1e-14)).all(), "an activation is loose"


def forward(p, v) -> list[np.ndarray]:
    """Exact pre-activations of every layer and the outputs."""
    h, found = exact(p.X), []
    for W, b in zip(v.weights, v.biases):
        found.append(h.dot(exact(W).T) + (0 if b is None else exact(b)))
        h = sigma(found[-1], p.negative_slope)
    return found


def check_deep_predictions(K: Kernel, rng: np.random.Generator) -> None:
    """Outputs of deep networks, ordinary and with entries of wildly different size, zero rows, ties, denormals and rescaled neurons."""
    for kind in ("ordinary", "scales", "powers", "denormal", "cancelling"):
        slope, bias = float(rng.choice([0.0, 2.0**-7, 0.75])), rng.random() < 0.7
        p = problem(K, rng, "squared", "none", (3, 4, 5, 4, 2), bias=bias, slope=slope)
        v = p.A
        if kind == "scales":
            v = K.statements.Parameters(tuple(scales(rng, W.shape) for W in v.weights), v.biases)
            v.weights[1][0] = 0.0
        if kind == "powers":
            c = [2.0 ** rng.integers(-60, 61, size=(len(W), 1)) for W in v.weights[:-1]]
            weights = [W.copy() for W in v.weights]
            for l, factor in enumerate(c):
                weights[l], weights[l + 1] = weights[l] * factor, weights[l + 1] / factor.T
            v = K.statements.Parameters(
                tuple(weights),
                tuple(None if b is None else b * f[:, 0] for b, f in zip(v.biases, [*c, np.ones((2, 1))])),
            )
        if kind == "denormal":
            v.weights[1][:] *= 2.0**-1060
            v.weights[2][:] *= 2.0**900
        if kind == "cancelling":
            v.weights[2][:, 1], v.weights[1][1] = -v.weights[2][:, 0], v.weights[1][0]
            if bias:
                v.biases[1][1] = v.biases[1][0]
        true = forward(p, v)
        for finer in (False, True):
            layers = K.normwise.exact_layers(v)
            contains(K.normwise.last_image(p.X, layers, slope, finer), true[-1])
            contains(K.normwise.last_image(p.X, layers[:2], slope, finer), true[1])
        if kind == "ordinary":
            wide, fine = (K.normwise.last_image(p.X, layers, slope, finer).rad for finer in (False, True))
            assert (fine <= np.abs(exact_floats(true[-1])) * 2.0**-52 + wide * 1e-6 + 1e-100).all(), (
                "split products are loose"
            )


def exact_floats(x: np.ndarray) -> np.ndarray:
    return np.array([[float(v) for v in row] for row in x])


def check_samples_taken_together(K: Kernel, rng: np.random.Generator) -> None:
    """More samples than go through the layers at once: every one is there, in its place."""
    v, X = network(K, rng, (2, 3, 3, 1)), rng.normal(size=(2 * K.normwise.TOGETHER + 3, 2))
    layers = K.normwise.exact_layers(v)
    found = K.normwise.last_image(X, layers, 0.0)
    assert found.mid.shape == (len(X), 1)
    for j in (0, K.normwise.TOGETHER - 1, K.normwise.TOGETHER, len(X) - 1):
        one = K.normwise.last_image(X[j : j + 1], layers, 0.0)
        assert abs(one.mid[0, 0] - found.mid[j, 0]) <= one.rad[0, 0] + found.rad[j, 0]


def check_deep_overflow_rejects(K: Kernel, rng: np.random.Generator) -> None:
    """A partial sum beyond the largest float would turn into a dead neuron: -inf, and 0 behind the activation."""
    X, none = np.array([[1.0, 1.0, 1.0]]), (None, None, None)
    W = np.array([[-1.7e308, -1.7e308, 1.7e308]])
    for weights in ((W, np.ones((1, 1)), np.ones((1, 1))), (np.eye(3) * 1e150, W * 1e-150, np.ones((1, 1)))):
        v = K.statements.Parameters(weights, none)
        for finer in (False, True):
            try:
                with np.errstate(all="ignore"):
                    K.normwise.last_image(X, K.normwise.exact_layers(v), 0.0, finer)
            except (K.statements.Rejected, FloatingPointError):
                continue
            raise AssertionError("a deep network overflowed without rejecting")


def check_points_of_deep_chords(K: Kernel, rng: np.random.Generator) -> None:
    """Every pre-activation and output at a time between two networks, also where the first layers do not change."""
    for which in ((1, 2, 3, 4), (2, 3), (3,), (4, 1)):
        slope = float(rng.choice([0.0, 2.0**-7]))
        p = problem(K, rng, "squared", "none", (2, 4, 3, 4, 2), slope=slope)
        weights = tuple(b if l in which else a for l, (a, b) in enumerate(zip(p.A.weights, p.B.weights), 1))
        biases = tuple(b if l in which else a for l, (a, b) in enumerate(zip(p.A.biases, p.B.biases), 1))
        B = K.statements.Parameters(weights, biases)
        chord = K.chord.chord_between(p, p.A, B)
        assert chord.first == min(which)
        for l, stretch in enumerate(chord.stretches, chord.first):
            for M in (p.A.weights[l], B.weights[l]):
                x = exact(np.linalg.svd(M)[2][0])
                assert square(exact(M).dot(x)) <= Q(stretch) ** 2 * square(x), "an end is stretched more"
        for t in (0.0, 0.1, 1 / 3, 1.0):
            point = chord.at(t)
            mixed = K.statements.Parameters(*between(K, p.A, B, Q(t)))
            true = forward_of_fractions(p, mixed)
            for u, value in zip((*point.u, point.predictions), true[chord.first - 1 :], strict=True):
                contains(u, value)
                assert (u.rad <= 1e-10).all(), "a point of a deep chord is loose"


def forward_of_fractions(p, v) -> list[np.ndarray]:
    h, found = exact(p.X), []
    for W, b in zip(v.weights, v.biases):
        found.append(h.dot(W.T) + b)
        h = sigma(found[-1], p.negative_slope)
    return found


@contextmanager
def not_at_once(K: Kernel):
    """Small networks as if they were large."""
    usual, K.forward.SPLIT_AT_ONCE = K.forward.SPLIT_AT_ONCE, -1
    try:
        yield
    finally:
        K.forward.SPLIT_AT_ONCE = usual


def check_small_networks_are_split_at_once(K: Kernel, rng: np.random.Generator) -> None:
    v = network(K, rng, (3, 12, 12, 12, 1))
    p = K.statements.Problem(objective(K, "absolute"), rng.normal(size=(5, 3)), np.zeros((5, 1)), v, v)
    at_once, finer = K.forward.objective_at(p, v), K.forward.objective_at(p, v, finer=True)
    assert at_once == finer
    with not_at_once(K):
        rough = K.forward.objective_at(p, v)
    assert rough.upper - rough.lower > finer.upper - finer.lower


def check_values_of_deep_networks(K: Kernel, rng: np.random.Generator) -> None:
    """Residuals a millionth of the outputs: F is enclosed too widely, and again with split products, by the kernel itself."""
    for _ in range(9):  # until the premise holds: norm-wise radii are too wide
        v, X = network(K, rng, (3, *[12] * 5, 2)), rng.normal(size=(4, 3))
        p = K.statements.Problem(objective(K, "squared"), X, np.zeros((4, 2)), v, v)
        f = forward(p, v)[-1]
        p.targets[:] = exact_floats(f) * (1 + 1e-7)
        radius = K.normwise.last_image(X, K.normwise.exact_layers(v), 0.0).rad
        if (radius > 1e-5 * np.abs(exact_floats(f) - p.targets)).any():
            break
    else:
        raise AssertionError("no network is enclosed too widely")
    true = square(f - exact(p.targets)) / 4
    with not_at_once(K):
        for F in (K.forward.objective_at(p, v), K.forward.objective_at(p, v, finer=True)):
            assert Q(F.lower) <= true <= Q(F.upper)
            assert F.upper - F.lower <= 1e-7 * F.upper


def check_entrywise_radii(K: Kernel, rng: np.random.Generator) -> None:
    """Of a layer's floats: members at the corners of their balls, rounding in any order, and factors that underflow against huge ones."""
    for n in (3, 60):
        h, W, b = rng.normal(size=(2, n)), rng.normal(size=(3, n)), rng.normal(size=3) * 1e6
        loose, radii = (
            np.abs(rng.normal(size=(3, n + 1))) * 1e-3,
            np.abs(rng.normal(size=(2, n))) * rng.choice([0.0, 1e-3]),
        )
        layer = K.normwise.Layer(K.balls.Ball(W, loose[:, :n]), K.balls.Ball(b, loose[:, n]), 1e9)
        found = exact(K.normwise.entrywise_radii(K.balls.Ball(h, radii), layer, h @ W.T + b))
        corner = abs(exact(W)) + exact(loose[:, :n])
        true = (abs(exact(h)) + exact(radii)).dot(corner.T) - abs(exact(h)).dot(abs(exact(W)).T) + exact(loose[:, n])
        assert (found >= true).all()
        least = n * Q(2) ** -53 * abs(exact(h)).dot(abs(exact(W)).T) + Q(2) ** -53 * abs(exact(h @ W.T + b))
        sharp = K.normwise.Layer(K.balls.exact(W), K.balls.exact(b))
        found = exact(K.normwise.entrywise_radii(K.balls.exact(h), sharp, h @ W.T + b))
        assert (found >= least).all()
        assert (found <= 3 * least).all(), "entrywise radii are loose"
    h, W = rng.uniform(2.0**-1030, 2.0**-1029, size=(2, 30)), rng.random((3, 30)) * 2.0**900
    found = exact(K.normwise.entrywise_radii(K.balls.exact(h), K.normwise.Layer(K.balls.exact(W), None), h @ W.T))
    assert (found >= 30 * Q(2) ** -53 * exact(h).dot(exact(W).T)).all()
    h, W = rng.uniform(2.0**-1069, 2.0**-1068, size=(2, 30)), rng.random((3, 30)) * 2.0**1000
    found = exact(K.normwise.entrywise_radii(K.balls.exact(h), K.normwise.Layer(K.balls.exact(W), None), h @ W.T))
    assert (found >= 30 * Q(2) ** -53 * exact(h).dot(exact(W).T)).all()


def check_images_above(K: Kernel, rng: np.random.Generator) -> None:
    """Pre-activations anywhere in wide balls, in the direction that the layer above stretches most, and weights on the edge of theirs."""
    n, slope = 4, float(rng.choice([0.0, 2.0**-7]))
    mid = np.abs(rng.normal(size=(3, n))) + 5.0
    for rad in (np.full((3, n), 0.5), np.zeros((3, n))):
        W = [np.abs(rng.normal(size=s)) + 1.0 for s in ((n, n), (2, n))]
        loose = [np.full(w.shape, float(rng.choice([0.0, 0.125]))) for w in W]
        true_W, b = [exact(w + r) for w, r in zip(W, loose)], rng.normal(size=n)
        stretch = [float(np.linalg.norm(w + r, 2)) * (1 + 1e-12) for w, r in zip(W, loose)]
        layers = [K.normwise.Layer(K.balls.Ball(w, r), None, s) for w, r, s in zip(W, loose, stretch)]
        layers[0] = K.normwise.Layer(K.balls.Ball(W[0], loose[0]), K.balls.exact(b), stretch[0])
        if rng.random() < 0.5:  # norm-wise radii alone, and alone what is entrywise
            layers = [K.normwise.Layer(x.W, x.b, s * 1e3) for x, s in zip(layers, stretch)]
        for side in (1, -1):
            first = sigma(exact(mid) + side * exact(rad), slope).dot(true_W[0].T) + exact(b)
            second = sigma(first, slope).dot(true_W[1].T)
            found = K.normwise.images_above(K.balls.Ball(mid, rad), layers, slope)
            contains(found[0], first)
            contains(found[1], second)


def check_deep_claims_between_both_widths(K: Kernel, rng: np.random.Generator) -> None:
    with not_at_once(K):
        claims_between_both_widths(K, rng)


def check_gaps_within_the_width_of_enclosures(K: Kernel, rng: np.random.Generator) -> None:
    with not_at_once(K):
        gaps_within_the_width_of_enclosures(K, rng)


def claims_between_both_widths(K: Kernel, rng: np.random.Generator) -> None:
    """A claim narrower than norm-wise radii allow is decided with split products; one below the value is rejected."""
    v = network(K, rng, (3, *[12] * 5, 1))
    w = K.statements.Parameters((*v.weights[:-1], v.weights[-1] * 1.5), v.biases)
    y = np.array([[float(x)] for x in rng.normal(size=5)])
    p = K.statements.Problem(objective(K, "squared"), rng.normal(size=(5, 3)), y, v, w)
    rough, F = K.forward.objective_at(p, v), K.forward.objective_at(p, v, finer=True)
    assert rough.lower < F.lower <= F.upper < rough.upper
    claim = lambda low, high: K.statements.EndpointValue("A", low, high)
    K.forward.check_endpoint(p, claim(F.lower, F.upper))
    move = K.statements.Move("head", (K.statements.Write(len(v.weights), "weight", 0, None, w.weights[-1]),))
    ends = [K.forward.objective_at(p, x, finer=True) for x in (v, w)]
    sup, least = max(e.upper for e in ends), min(e.lower for e in ends)
    over = lambda s: K.statements.PathUpperBound("p", (move,), s, 0.0, K.paths.excess(s, least))
    K.paths.check_path(p, over(sup))
    below = max(e.lower for e in ends)
    for check, bad in (
        (K.forward.check_endpoint, claim(np.nextafter(F.upper, np.inf), np.inf)),
        (K.forward.check_endpoint, claim(0.0, np.nextafter(F.lower, 0.0))),
        (K.forward.check_endpoint, claim(float("nan"), float("nan"))),
        (K.paths.check_path, over(np.nextafter(below, 0.0))),
    ):
        try:
            check(p, bad)
        except K.statements.Rejected:
            continue
        raise AssertionError("a false claim about a deep network was accepted")


def gaps_within_the_width_of_enclosures(K: Kernel, rng: np.random.Generator) -> None:
    """A waypoint below E by less than norm-wise radii tell: the gap is 0, found by the kernel itself; one above E by as little has a gap."""
    v = network(K, rng, (3, *[12] * 9, 1))
    with_head = lambda s: K.statements.Parameters(
        (*v.weights[:-1], v.weights[-1] * s), (*v.biases[:-1], v.biases[-1] * s)
    )
    p = K.statements.Problem(objective(K, "squared"), rng.normal(size=(5, 3)), np.zeros((5, 1)), v, with_head(0.5))
    rough, L = K.forward.objective_at(p, v), len(v.weights)
    half = (rough.upper - rough.lower) / rough.lower / 8.0  # F is the square of the head's scale

    def move(to):
        writes = [
            K.statements.Write(L, part, 0, None, x[-1]) for part, x in (("weight", to.weights), ("bias", to.biases))
        ]
        return K.statements.Move("head", tuple(writes))

    for scale, gap in ((1.0 - half, False), (1.0 + half, True)):
        middle = with_head(scale)
        found = K.paths.bound_path(p, (move(middle), move(p.B)))
        true, E = square(forward(p, middle)[-1]) / 5, square(forward(p, v)[-1]) / 5
        assert (true > E) == gap, "the premise"
        assert (found.interior > found.A.lower) == gap
        assert Q(found.A.lower) <= E
        assert Q(found.interior) >= true


NORMWISE_CHECKS = [value for name, value in sorted(globals().items()) if name.startswith("check_")]

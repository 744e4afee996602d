"""Seeded bugs: one-line changes that make the kernel unsound, each of which a component check must kill."""

import pytest

from .components import CHECKS
from .seeded import unnoticed

# (module, the line's text, the bug)
BUGS = [
    # arithmetic
    ("balls", "x.rad + y.rad + U * np.abs(m)", "x.rad + y.rad"),
    ("balls", "x.rad + y.rad + U * np.abs(m)", "x.rad + U * np.abs(m)"),
    ("balls", "np.abs(x.mid) * y.rad + x.rad * (np.abs(y.mid) + y.rad) + U * np.abs(m)", "np.abs(x.mid) * y.rad + U * np.abs(m)"),
    ("balls", "np.abs(x.mid) * y.rad + x.rad * (np.abs(y.mid) + y.rad) + U * np.abs(m)", "np.abs(x.mid) * y.rad + x.rad * (np.abs(y.mid) + y.rad)"),
    ("balls", "x.rad * (np.abs(y.mid) + y.rad) + U", "x.rad * np.abs(y.mid) + U"),
    ("balls", "gamma = (n + 2) * U * INFLATE", "gamma = 2 * U"),
    ("balls", "r = r + upper_product(size, y.rad)", "pass"),
    ("balls", "r = gamma * upper_product(size, absolute)", "r = upper_product(size, gamma * absolute)"),
    ("balls", "upper_product(x.rad, (absolute + y.rad) * INFLATE)", "upper_product(x.rad, y.rad * INFLATE)"),
    ("balls", "if x.rad.any():", "if False:"),
    ("balls", "dead = x.mid <= -x.rad", "dead = x.mid <= x.rad"),
    ("balls", "return np.nextafter(finite(x.mid + x.rad), np.inf)", "return finite(x.mid - x.rad)"),
    ("balls", "return np.nextafter(finite(x.mid - x.rad), -np.inf)", "return finite(x.mid)"),
    ("balls", "return finite((np.abs(x.mid) + x.rad) * INFLATE)", "return finite(np.abs(x.mid))"),
    ("balls", "((n + 4) * U * m + spread)", "(spread)"),
    ("balls", "((n + 4) * U * m + spread)", "((n + 4) * U * m)"),
    ("balls", "if t == 1.0:\n        return y", "if t == 1.0:\n        return x"),
    ("balls", "return math.nextafter(math.fsum(values), math.inf)", "return sum(values)"),
    ("balls", "    if not np.isfinite(x).all():", "    if False:"),
    # losses
    ("losses", "return up(float(x.upper()))", "return float(x.mid())"),
    ("losses", "_softplus(-m)) for m in _margins(a, b, y)[0]", "_softplus(-m)) for m in _margins(a, b, y)[1]"),
    ("losses", "_exponents(b, a, y, np.inf)", "_exponents(a, b, y, np.inf)"),
    ("losses", "_exponents(a, b, y, -np.inf)", "_exponents(b, a, y, -np.inf)"),
    ("losses", "np.maximum(np.abs(a - y), np.abs(b - y))", "np.abs(b - y)"),
    ("losses", "np.maximum(np.maximum(a - y, y - b), 0.0) / INFLATE", "np.abs(a - y)"),
    ("losses", "np.where(r <= delta, 0.5 * r * r", "np.where(r <= delta, 0.49 * r * r"),
    ("losses", "np.where(positive, a[:, 0], -b[:, 0])", "np.where(positive, a[:, 0], -a[:, 0])"),
    ("losses", "_negative_entropy(arb(a)) + _negative_entropy(1 - arb(a))", "_negative_entropy(arb(a))"),
    ("losses", "arb(v) * arb(v) / 4 + arb(v) * arb(t)", "arb(v) * arb(v) / 4 - arb(v) * arb(t)"),
    ("losses", "arb(v) * arb(v) / 2 + arb(v) * arb(t)", "arb(v) * arb(v) / 4 + arb(v) * arb(t)"),
    ("losses", "require(0.0 <= a <= 1.0,", "require(True,"),
    ("losses", "require(abs(v) <= o.delta,", "require(True,"),
    ("losses", "require(math.fsum(row) == 0.0,", "require(True,"),
    ("losses", "require(bool(p >= 0),", "require(True,"),
    ("losses", "p = arb(v) + 1 if k == label else arb(v)", "p = arb(v) + 1 if k == label else abs(arb(v))"),
    ("losses", "return up(up(math.fsum(values.tolist())) / values.size)", "return up(math.fsum(values.tolist())) / (values.size + 1)"),
    # vertices
    ("forward", "return W if b is None else np.column_stack([W, b])", "return W"),
    ("forward", "above += magnitude(c).tolist()", "pass"),
    ("forward", "total = sum(0.5 * float(", "total = sum(0.25 * float("),
    ("forward", "slack = (size + 8) * 2.0**-52", "slack = 0.0"),
    ("forward", 'row_norms(columns) if penalty == "weight_decay"', 'row_sums_of_magnitudes(columns) if penalty == "weight_decay"'),
    ("forward", 'elif o.penalty == "weight_decay" and endpoint:', 'elif o.penalty == "weight_decay":'),
    ("forward", "above = up(largest + up(o.kappa * penalty.upper))", "above = up(largest)"),
    ("forward", "h = affine(h if l == 0 else relu(h)", "h = affine(h"),
    # moves
    ("moves", "linked = (V != 0.0) | (W != 0.0)", "linked = V != 0.0"),
    ("moves", "linked = (V != 0.0) | (W != 0.0)", "linked = W != 0.0"),
    ("moves", "linked[live[0]].any(axis=0)", "linked.all(axis=0)"),
    ("moves", "changed = changed | (b != c)", "pass"),
    ("moves", "if not np.array_equal(rows[i], rows[j]) or (", "if ("),
    ("moves", "(bias is not None and not np.array_equal(bias[i], bias[j]))", "False"),
    ("moves", "return bool((out[:, j] == 0.0).all()) and np.array_equal(new, expected)", "return np.array_equal(new, expected)"),
    ("moves", "return bool((out[:, j] == 0.0).all()) and np.array_equal(new, expected)", "return bool((out[:, j] == 0.0).all())"),
    ("moves", "    if L == 2:\n", "    if True:\n"),
    # chords
    ("chord", "return np.where(positive | negative, 0.0, k)", "return np.where(positive | negative, 0.0, 0.25 * k)"),
    ("chord", "positive = (u.mid >= u.rad) & (v.mid >= v.rad)", "positive = (u.mid >= 0) & (v.mid >= 0)"),
    ("chord", "negative = (u.mid <= -u.rad) & (v.mid <= -v.rad)", "negative = (u.mid <= -u.rad) | (v.mid <= -v.rad)"),
    ("chord", "upper_product(S_minus, D_minus)) + upper_product(k, plus)", "upper_product(S_minus, D_minus))"),
    ("chord", "upper_product(S_minus, D_plus)) + upper_product(k, minus)", "upper_product(S_minus, D_plus)) + upper_product(k, plus)"),
    ("chord", "low = 0.25 * (upper_product(S_plus, D_plus) + ", "low = 0.25 * ("),
    ("chord", "high = 0.25 * (upper_product(S_plus, D_minus)", "high = 0.125 * (upper_product(S_plus, D_minus)"),
    ("chord", "plus = np.maximum(positive_part(theta), positive_part(phi)).T", "plus = positive_part(theta).T"),
    ("chord", "sum_upper((0.25 * opposite * INFLATE + TINY).tolist())", "sum_upper((0.125 * opposite).tolist())"),
    ("chord", "+ positive_part(negative(Da)) * positive_part(Db)", ""),
    ("chord", 'excess = 0.0 if o.penalty in ("none", "l1")', 'excess = 0.0 if o.penalty in ("none", "l1", "path")'),
    ("chord", "np.nextafter(upper(e.predictions) + high, np.inf)", "upper(e.predictions)"),
    ("chord", "np.nextafter(lower(e.predictions) - low, -np.inf)", "lower(e.predictions)"),
    ("chord", "bounds += self.piece_ends(p, q)", "bounds = self.piece_ends(p, q)"),
    ("chord", "return [self.end_upper(e, low, high, excess) for e in (p, q)]", "return [self.end_upper(q, low, high, excess)] * 2"),
    # blocks of samples
    ("blocks", "for k in range(0, N, size)", "for k in range(0, N - size, size)"),
    ("blocks", "up(sum_upper(up(n * v) for n, v in zip(sizes, values)) / sum(sizes))", "sum(values) / len(values)"),
    ("blocks", "down(sum_lower(down(n * v) for n, v in zip(sizes, values)) / sum(sizes))", "max(values)"),
    ("paths", "value = mean_above(sizes, [s.value for s in steps])", "value = steps[0].value"),
    ("paths", "max(mean_above(sizes, ends) for ends in zip(*(s.over for s in steps), strict=True))", "mean_above(sizes, [s.over[0] for s in steps])"),
    # paths
    ("paths", 'require(same_parameters(corners[-1], problem.B), "the path does not end in B")', "pass"),
    ("paths", "        if k >= last:\n", "        if k >= last - 1:\n"),
    ("paths", "            interior = max(interior, value)\n", "            interior = value\n"),
    ("paths", "            interior = max(interior, reach)\n", "            pass\n"),
    ("paths", "E = max(found.A.lower, found.B.lower)", "E = max(found.A.upper, found.B.upper) * 2"),
    ("paths", "least = min(found.A.lower, found.B.lower)", "least = max(found.A.lower, found.B.lower)"),
    ("paths", "mid[:, index], rad[:, index] = part.mid, part.rad", "pass"),
    ("paths", 'computed["gap"] <= claim.gap,', 'not (computed["gap"] > claim.gap),'),
    ("paths", 'computed["sup"] <= claim.sup,', 'not (computed["sup"] > claim.sup),'),
    # heads
    ("heads", "over = np.where(size <= allowed, 0.0,", "over = np.where(size <= 2 * allowed, 0.0,"),
    ("heads", "reach = row_norms(G) if", "reach = row_norms(Ball(G.mid * 0.5, G.rad)) if"),
    ("heads", "0.0 if s == 0.0 or up(s) <= room else up(up(s) - room)", "0.0"),
    ("heads", "over = over * up(math.sqrt(problem.A.weights[1].shape[0])) * INFLATE", "pass"),
    ("heads", "dual = down(dual - up(claim.head_limit * v))", "pass"),
    ("heads", 'require(v == 0.0, f"', 'require(v < 1.0, f"'),
    ("heads", "require(claim.lower <= dual,", "require(not (claim.lower > dual),"),
    ("heads", "require(primal <= claim.upper,", "require(True,"),
    ("heads", "free = o.kappa if o.penalise_output_bias else 0.0", "free = o.kappa"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("module", "old", "new"), BUGS, ids=[f"{i:02d}-{b[0]}" for i, b in enumerate(BUGS)])
def test_seeded_bug_is_killed(module, old, new):
    """A kernel with this bug fails a component check."""
    assert not unnoticed(module, old, new, CHECKS), f"{module}: {old!r} -> {new!r} goes unnoticed"


def test_the_copy_itself_survives():
    """Without a bug the loaded copy passes: kills are due to the bugs and not to the loading."""
    assert unnoticed("balls", "U = 2.0**-53", "U = 2.0**-53", CHECKS)

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
    ("losses", "log1p_sum_exp(-_margins(a, b, y)[0]", "log1p_sum_exp(-_margins(a, b, y)[1]"),
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
    ("statements_problem", "return W if b is None else np.column_stack([W, b])", "return W"),
    ("forward", "above += magnitude(c).tolist()", "pass"),
    ("forward", "total = sum(0.5 * float(", "total = sum(0.25 * float("),
    ("forward", "slack = (size + 8) * 2.0**-52", "slack = 0.0"),
    ("forward", 'row_norms(columns) if penalty == "weight_decay"', 'row_sums_of_magnitudes(columns) if penalty == "weight_decay"'),
    ("forward", 'elif o.penalty == "weight_decay" and form == "literal":', 'elif o.penalty == "weight_decay":'),
    ("forward", "above = up(largest + up(o.kappa * penalty.upper))", "above = up(largest)"),
    ("forward", "p = live_part(p, p)[0]", "p = live_part(p, Parameters(tuple(0.0 * W for W in p.weights), p.biases))[1]"),
    ("forward", "S = relu(hidden(p, problem.X, slope), slope) if", "S = relu(hidden(p, problem.X, slope), 0.0) if"),
    ("balls", "r = np.where(dead, slope * x.rad, x.rad) + U * np.abs(left)", "r = slope * x.rad + U * np.abs(left)"),
    ("balls", "r = np.where(dead, slope * x.rad, x.rad) + U * np.abs(left)", "r = np.where(dead, slope * x.rad, x.rad)"),
    # moves
    ("liveness", "linked = (V != 0.0) | (W != 0.0)", "linked = V != 0.0"),
    ("liveness", "linked = (V != 0.0) | (W != 0.0)", "linked = W != 0.0"),
    ("liveness", "linked[live[0]].any(axis=0)", "linked.all(axis=0)"),
    ("liveness", "linked[live[0]].any(axis=0)", "linked.any(axis=0) & False"),
    ("liveness", "changed = changed | (b != c)", "pass"),
    ("liveness", "index if index.size else np.zeros(1, dtype=np.int64)", "index[1:] if index.size > 1 else np.zeros(1, dtype=np.int64)"),
    ("moves", "if not np.array_equal(rows[i], rows[j]) or (", "if ("),
    ("moves", "(bias is not None and not np.array_equal(bias[i], bias[j]))", "False"),
    ("moves", "return bool((out[:, j] == 0.0).all()) and np.array_equal(new, expected)", "return np.array_equal(new, expected)"),
    ("moves", "return bool((out[:, j] == 0.0).all()) and np.array_equal(new, expected)", "return bool((out[:, j] == 0.0).all())"),
    ("paths", 'if move.kind == "chord":\n            over', 'if False:\n            over'),
    ("moves", 'return "chord"', 'return "idle"'),
    ("moves", 'return "head" if changed_rows(v, w, L).any() else "idle"', 'return "idle"'),
    ("moves", "live[l - 1]).any() for l in range(1, L)):", "live[l - 1]).any() for l in range(1, 2)):"),
    # chords
    ("chord", "along(d, relu(a, slope), relu(b, slope))", "along(d, relu(a, 0.0), relu(b, 0.0))"),
    ("chord", "d = through_layer(d, a, b, V, W)", "d = through_layer(d, a, b, V, V)"),
    ("chord", "ball(relu(u, slope)), weights[-1], biases[-1])", "ball(relu(u, 0.0)), weights[-1], biases[-1])"),
    ("chord", "biases, self.stretches)), slope, readers)", "biases, self.stretches)), 0.0, readers)"),
    ("chord", "biases.append(self._at(\"bias\", l, t))", "biases.append(self._at(\"bias\", l, 0.0))"),
    ("chord", "moving = np.flatnonzero(changed_rows(v, w, self.first) & heard)", "moving = np.flatnonzero(changed_rows(v, w, self.first) & heard)[1:]"),
    ("chord", "(v.weights[self.first] != 0.0) | (w.weights[self.first] != 0.0)", "v.weights[self.first] != 0.0"),
    ("chord", "if np.array_equal(v.weights[self.first + k], w.weights[self.first + k]):", "if True:"),
    ("chord", "dead = np.maximum(upper(u), upper(v)) + d.above * INFLATE <= -TINY", "dead = np.maximum(upper(u), upper(v)) <= -TINY"),
    ("chord", "dead = np.maximum(upper(u), upper(v)) + d.above * INFLATE <= -TINY", "dead = np.minimum(upper(u), upper(v)) + d.above * INFLATE <= -TINY"),
    ("chord", "below = (d.below * factor + least + kink_bound(u, v, slope)) * INFLATE", "below = (kink_bound(u, v, slope)) * INFLATE"),
    ("chord", "below = (d.below * factor + least + kink_bound(u, v, slope)) * INFLATE", "below = (d.below * factor) * INFLATE"),
    ("chord", "finite((d.above * factor + least) * INFLATE)", "finite((0.0 * d.above * factor + least) * INFLATE)"),
    ("chord", "below = upper_product(d.below, plus) + upper_product(d.above, minus)", "below = upper_product(d.below, plus)"),
    ("chord", "below = upper_product(d.below, plus) + upper_product(d.above, minus)", "below = upper_product(d.above, minus)"),
    ("chord", "above = upper_product(d.above, plus) + upper_product(d.below, minus)", "above = upper_product(d.above, plus)"),
    ("chord", "above = upper_product(d.above, plus) + upper_product(d.below, minus)", "above = upper_product(d.below, minus)"),
    ("chord", "below + 0.25 * positive_part(both), above +", "below + 0.125 * positive_part(both), above +"),
    ("chord", "above + 0.25 * positive_part(negative(both))", "above + 0.125 * positive_part(negative(both))"),
    ("chord", "plus = np.maximum(positive_part(W), positive_part(W_end)).T", "plus = positive_part(W).T"),
    ("chord", "minus = np.maximum(positive_part(negative(W)), positive_part(negative(W_end))).T", "minus = positive_part(negative(W_end)).T"),
    ("chord", "np.nextafter(upper(e.predictions) + d.above, np.inf)", "upper(e.predictions)"),
    ("chord", "np.nextafter(lower(e.predictions) - d.below, -np.inf)", "lower(e.predictions)"),
    ("chord", "bounds += self.piece_ends(p, q)", "bounds = self.piece_ends(p, q)"),
    ("chord", "return [self._end_upper(e, d, excess) for e in (p, q)]", "return [self._end_upper(q, d, excess)] * 2"),
    ("chord", "    v, w = live_part(v, w)\n", "    v, w = live_part(v, v)[0], live_part(w, w)[0]\n"),
    ("chord", "u = pre_activations(twins, problem.X, first, slope, maps_of", "u = pre_activations(twins, problem.X, first, 0.0, maps_of"),
    ("chord", "u.columns(slice(n, 2 * n)), form)", "u.columns(slice(0, n)), form)"),
    ("chord", "first = next((l for l in range(1, last) if changed_rows(v, w, l).any()), last)", "first = last"),
    ("chord", "* (1.0 - slope) * INFLATE", "* (1.0 - slope) * (1.0 - slope)"),
    ("chord", "return np.where(positive | negative, 0.0, k)", "return np.where(positive | negative, 0.0, 0.25 * k)"),
    ("chord", "positive = (u.mid >= u.rad) & (v.mid >= v.rad)", "positive = (u.mid >= 0) & (v.mid >= 0)"),
    ("chord", "negative = (u.mid <= -u.rad) & (v.mid <= -v.rad)", "negative = (u.mid <= -u.rad) | (v.mid <= -v.rad)"),
    ("chord", "sum_upper((0.25 * opposite * INFLATE + TINY).tolist())", "sum_upper((0.125 * opposite).tolist())"),
    ("chord", "+ positive_part(negative(Da)) * positive_part(Db)", ""),
    ("chord", 'convex = o.penalty in ("none", "l1")', 'convex = o.penalty in ("none", "l1", "path")'),
    ("chord", '(o.penalty == "weight_decay" and self.form == "literal")', '(o.penalty == "weight_decay")'),
    # blocks of samples
    ("blocks", "for k in range(0, N, size)", "for k in range(0, N - size, size)"),
    ("blocks", "up(b.high * v) for b, v in zip(parts, values, strict=True)", "v for b, v in zip(parts, values, strict=True)"),
    ("blocks", "down(b.low * v) for b, v in zip(parts, values, strict=True)", "b.low * max(values) for b, v in zip(parts, values, strict=True)"),
    ("paths", "value = mean_above(parts, [s.value for s in steps])", "value = steps[0].value"),
    ("paths", "max(mean_above(parts, ends) for ends in zip(*(s.over for s in steps), strict=True))", "mean_above(parts, [s.over[0] for s in steps])"),
    # paths
    ("paths", 'require(same_parameters(corners[-1], permuted(problem.B, permutation)), "the path does not end in B")', "pass"),
    ("paths", "        if k >= last:\n", "        if k >= last - 1:\n"),
    ("paths", "            interior = max(interior, value)\n", "            interior = value\n"),
    ("paths", "            interior = max(interior, reach)\n", "            pass\n"),
    ("paths", "E = max(found.A.lower, found.B.lower)", "E = max(found.A.upper, found.B.upper) * 2"),
    ("paths", "least = min(found.A.lower, found.B.lower)", "least = max(found.A.lower, found.B.lower)"),
    ("paths", "mid[:, index], rad[:, index] = part.mid, part.rad", "pass"),
    ("paths", 'require(computed[name] <= number,', 'require(not (computed[name] > number),'),
    ("paths", 'require(computed[name] <= number,', 'require(name != "sup" or computed[name] <= number,'),
    ("paths", 'require(computed[name] <= number,', 'require(name != "gap" or computed[name] <= number,'),
    # heads
    ("heads", "over = np.where(size <= allowed, 0.0,", "over = np.where(size <= 2 * allowed, 0.0,"),
    ("heads", "reach = row_norms(G) if", "reach = row_norms(Ball(G.mid * 0.5, G.rad)) if"),
    ("heads", "terms.append(0.0 if s <= room else up(s - room))", "terms.append(0.0)"),
    ("heads", "over = over * up(math.sqrt(problem.A.weights[1].shape[0])) * INFLATE", "pass"),
    ("heads", "dual = down(dual - up(claim.head_limit * v))", "pass"),
    ("heads", 'require(v == 0.0, f"', 'require(v < 1.0, f"'),
    ("heads", "require(claim.lower <= dual,", "require(not (claim.lower > dual),"),
    ("heads", "require(primal <= claim.upper,", "require(True,"),
    ("heads", "room = down(o.kappa * low) if o.penalise_output_bias else 0.0", "room = down(o.kappa * low)"),
    ("heads", "return all(s <= room for s in sizes) and len(sizes) > 0", "return True"),
    ("heads", "return [0.0 if s == 0.0 else up(s) for s in sums]", "return [0.0 for s in sums]"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("module", "old", "new"), BUGS, ids=[f"{i:02d}-{b[0]}" for i, b in enumerate(BUGS)])
def test_seeded_bug_is_killed(module, old, new):
    """A kernel with this bug fails a component check."""
    assert not unnoticed(module, old, new, CHECKS), f"{module}: {old!r} -> {new!r} goes unnoticed"


def test_the_copy_itself_survives():
    """Without a bug the loaded copy passes: kills are due to the bugs and not to the loading."""
    assert unnoticed("balls", "U = 2.0**-53", "U = 2.0**-53", CHECKS)

"""Component checks of `barrier_lower_bound`: topology against plain search, dual bounds against exact face minima, and attacks that must fail."""

from __future__ import annotations

from dataclasses import fields, replace
from fractions import Fraction as Q

import numpy as np

from verifier.landscape.reference import reference_minimum

from .barriers import KEPT, frozen_instance, instance, kept_instance
from .components import Kernel, exact

# Cases without and with a penalty, an output bias, two inputs, and two neurons.
CASES = (
    {"seed": 0},
    {"seed": 2, "output_bias": True},
    {"seed": 0, "m": 2},
    {"seed": 1, "d": 2},
    {"seed": 0, "m": 2, "kappa": 0.05, "penalty": "path"},
    {"seed": 0, "loss": "logistic", "kappa": 0.02, "penalty": "path"},
    {"seed": 0, "loss": "huber", "kappa": 0.02, "penalty": "path", "output_bias": True},
)


def of_kernel(K: Kernel, value, kind):
    """The same dataclass in the namespace K."""
    return kind(**{f.name: getattr(value, f.name) for f in fields(value)})


def case(K: Kernel, k: int):
    problem, claim, level, weights = instance(**CASES[k % len(CASES)])
    A, B = (of_kernel(K, p, K.statements.Parameters) for p in (problem.A, problem.B))
    o = of_kernel(K, problem.objective, K.statements.Objective)
    mine = K.statements.Problem(o, problem.X, problem.targets, A, B)
    return mine, of_kernel(K, claim, K.statements.BarrierLowerBound), level, weights


def accepted(K: Kernel, problem, claim) -> bool:
    return K.check.check(problem, claim).accepted


def renamed(claim, order: np.ndarray):
    """The claim with its patterns in another order (old index of each new pattern); a pattern that stands twice is meant where it stands last."""
    new = {int(old): k for k, old in enumerate(order)}
    code = lambda c: np.where(c < 0, c, 2 * np.vectorize(lambda p: new.get(p, -1))(c // 2) + c % 2)
    known = np.isin(claim.redundant[:, 0], order)
    redundant = claim.redundant[known].copy()
    redundant[:, 0] = [new[p] for p in redundant[:, 0].tolist()]
    faces = code(claim.faces)
    faces[:, 1:] = np.sort(faces[:, 1:], axis=1)
    return replace(
        claim, patterns=claim.patterns[order], interiors=claim.interiors[order], redundant=redundant, supports=claim.supports[known],
        cells=code(claim.cells), outside=code(claim.outside), faces=faces,
    )  # fmt: skip


def check_barrier_level(K: Kernel, rng: np.random.Generator) -> None:
    """The true claim is accepted, the level found is the pass level from below, and nothing above it is accepted."""
    for k in range(len(CASES)):
        problem, claim, level, _ = case(K, k)
        assert accepted(K, problem, claim)
        found = K.barrier.check_barrier(problem, claim)
        assert level * (1 - 1e-9) <= found["level"] <= level * (1 + 1e-12)
        assert not accepted(K, problem, replace(claim, level=level * (1 + 1e-9)))
        assert not accepted(K, problem, replace(claim, gap=claim.gap + 1e-6))
        # A gap beyond the claimed level: with kappa > 0 the bounds speak of points below that level alone.
        for lower in (0.0, 0.9 * claim.level):
            assert not accepted(K, problem, replace(claim, level=lower))
        ends = [K.forward.objective_at(problem, p).lower for p in (problem.A, problem.B)]
        assert claim.gap <= level - max(ends)


def check_leaving_faces(K: Kernel, rng: np.random.Generator) -> None:
    """Exactly the faces that plain search over neighbours finds; a claim that lacks one is refused."""
    for k in range(len(CASES)):
        problem, claim, _, weights = case(K, k)
        cones = K.cones.read_cones(problem, claim)
        found = K.barrier.leaving_faces(claim.cells, *K.cones.neighbour_tables(cones, signs=True))
        stored = np.column_stack([claim.faces, claim.facets])
        assert {tuple(r) for r in found.tolist()} == {tuple(r) for r in stored.tolist()}
        assert len(found) == len(weights)
        # A pattern that the table leaves out lies outside the cells all the same.
        used = np.unique(np.concatenate([claim.cells.ravel(), claim.outside, claim.faces[claim.faces >= 0]]) // 2)
        few = renamed(claim, used)
        small = K.barrier.leaving_faces(
            few.cells, *K.cones.neighbour_tables(K.cones.read_cones(problem, few), signs=True)
        )
        assert len(small) == len(found)
        for gone in {0, int(rng.integers(len(stored)))}:
            keep = np.arange(len(stored)) != gone
            less = {n: getattr(claim, n)[keep] for n in ("faces", "facets", "nu", "multipliers", "basis")}
            assert len(weights) == 1 or not accepted(K, problem, replace(claim, **less))
        if len(claim.cells) > 1:
            gone = int(rng.choice([i for i in range(len(claim.cells)) if i != claim.inside]))
            cells = np.delete(claim.cells, gone, axis=0)
            assert not accepted(K, problem, replace(claim, cells=cells, inside=claim.inside - (gone < claim.inside)))


def check_face_bounds(K: Kernel, rng: np.random.Generator) -> None:
    """However a dual is changed, no bound exceeds the face's minimum."""
    for k in range(len(CASES)):
        problem, claim, _, weights = case(K, k)
        f, N = claim.nu.shape
        m = claim.cells.shape[1]
        true = K.barrier.face_bounds(problem, claim, claim.patterns)
        assert (true <= weights * (1 + 1e-9)).all()
        roomy = replace(claim, level=float(4 * weights.max()))
        for _ in range(12):
            size = 10.0 ** rng.uniform(-6, 0)
            factor = rng.choice([1.0, 1.0 + size, 1.0 - size])
            nu = claim.nu * factor
            if rng.random() < 0.5:
                nu = nu + size * np.abs(nu).max() * rng.normal(size=nu.shape)
            if problem.objective.loss == "logistic":
                y = problem.targets[:, 0]
                nu = -y * np.clip(-y * nu, 0.0, 1.0)
            elif problem.objective.loss == "huber":
                nu = np.clip(nu, -problem.objective.delta, problem.objective.delta)
            if problem.A.biases[1] is not None and rng.random() < 0.7:
                nu = np.round(nu * 2.0**40) / 2.0**40
                nu[:, 0] -= nu.sum(axis=1)
            mu = claim.multipliers
            if rng.random() < 0.5:
                mu = mu * rng.choice([0.0, 1.0, 1.0 + size], size=mu.shape) + (rng.random(mu.shape) < 0.1) * size
            elif rng.random() < 0.3:
                mu = np.roll(mu.reshape(f, m, N), 1, axis=1).reshape(f, -1)
            elif rng.random() < 0.5:
                mu = mu - (rng.random(mu.shape) < 0.2) * size
            basis = claim.basis if rng.random() < 0.7 else claim.basis[:, :0]
            other = rng.random() < 0.4 and problem.objective.kappa == 0.0
            for one in range(f):
                if other:
                    # Any basis may be stored. The moving neuron's own multipliers, solved for, are the easiest to get wrong.
                    size_of = int((claim.basis[one] >= 0).sum())
                    entries = np.concatenate([rng.permutation(N), N + rng.permutation(N)[:2]])
                    basis = np.full((f, size_of), -1)
                    basis[one] = entries[len(entries) - size_of :]
                part = {"faces": claim.faces, "facets": claim.facets, "nu": nu, "multipliers": mu, "basis": basis}
                changed = replace(roomy, **{n: a[one : one + 1] for n, a in part.items()})
                try:
                    bound = K.barrier.face_bounds(problem, changed, claim.patterns)[0]
                except K.statements.Rejected:
                    continue
                assert bound <= weights[one] * (1 + 1e-9), "a dual bound lies above the face's minimum"


def check_cells_and_networks(K: Kernel, rng: np.random.Generator) -> None:
    """A and B must lie in their cells, B's cell outside; no pattern may stand twice or have an empty cone."""
    for k in range(len(CASES)):
        problem, claim, _, _ = case(K, k)
        inside = claim.cells[claim.inside]
        A, B = problem.A, problem.B
        for a, b in ((B, B), (A, A)):
            assert not accepted(K, replace(problem, A=a, B=b), replace(claim, gap=0.0))
        assert not accepted(K, replace(problem, B=A), replace(claim, gap=0.0, outside=inside.copy()))
        flipped = K.statements.Parameters((A.weights[0], -A.weights[1]), A.biases)
        assert not accepted(K, replace(problem, A=flipped), replace(claim, gap=0.0))
        # One pattern under two names would make A's own cell an outside one, whichever name comes first.
        p = len(claim.patterns)
        code = int(inside[0])
        last = renamed(claim, np.r_[0:p, code // 2])
        first = renamed(claim, np.r_[code // 2, 0:p])
        for twice, name in ((last, 2 * p), (first, 0)):
            copy = twice.cells[claim.inside].copy()
            copy[0] = name + code % 2
            assert not accepted(K, replace(problem, B=A), replace(twice, gap=0.0, outside=copy))
        copy = inside.copy()
        copy[0] = 2 * p + code % 2
        # So would a pattern whose cone is not full-dimensional: it holds u = 0, and a network with a dead neuron.
        empty = claim.patterns[code // 2].copy()
        while {tuple(empty.tolist())} & {tuple(r) for r in claim.patterns.tolist()}:
            empty = rng.integers(0, 2, size=len(empty))
        theta = A.weights[1].copy()
        theta[0, 0] = 0.0
        dead = K.statements.Parameters((A.weights[0], theta), A.biases)
        fake = {
            "patterns": np.vstack([claim.patterns, empty]),
            "interiors": np.vstack([claim.interiors, claim.interiors[0]]),
        }
        assert not accepted(K, replace(problem, A=dead, B=dead), replace(claim, gap=0.0, outside=copy, **fake))
        cones = K.cones.read_cones(problem, claim)
        for _ in range(20):
            code, row = int(rng.integers(2 * p)), rng.normal(size=claim.interiors.shape[1])
            if rng.random() < 0.3:
                row = claim.interiors[code // 2]
            if rng.random() < 0.3:
                row = 0.0 * row
            theta, frozen = float(rng.choice([1.0, -1.0, 0.0])), bool(rng.integers(2))
            W, b = (row[None, :-1], row[-1:]) if A.biases[0] is not None else (row[None, :], None)
            facing = exact(K.statements.augmented_inputs(problem)) @ exact(row) * (2 * claim.patterns[code // 2] - 1)
            # A frozen theta keeps its sign while its row passes 0; a trained one may change it there.
            either = theta == 0.0 or (not frozen and not row.any())
            true = (either or (theta < 0) == (code % 2 == 1)) and (theta == 0.0 or all(v >= 0 for v in facing))
            here = K.statements.Parameters((W, np.array([[theta]])), (b, None))
            assert K.cones.holds_network(cones, [code], here, frozen) == true


def check_hidden_facets(K: Kernel, rng: np.random.Generator) -> None:
    """No support hides a hyperplane that carries a facet."""
    for k in range(len(CASES)):
        problem, claim, _, _ = case(K, k)
        N, n = len(problem.X), claim.interiors.shape[1]
        known = {tuple(r) for r in claim.redundant.tolist()}
        real = [(p, j) for p in range(len(claim.patterns)) for j in range(N) if (p, j) not in known]
        for p, j in [real[i] for i in rng.permutation(len(real))[:4]]:
            for _ in range(4):
                support = rng.permutation(N)[: int(rng.integers(0, n + 1))]
                if rng.random() < 0.2:
                    support = np.array([j])
                row = np.full((1, max(claim.supports.shape[1], n)), -1)
                row[0, : len(support)] = support
                wide = np.full((len(claim.supports), row.shape[1]), -1)
                wide[:, : claim.supports.shape[1]] = claim.supports
                hidden = replace(
                    claim, redundant=np.vstack([claim.redundant, [[p, j]]]), supports=np.vstack([wide, row])
                )
                assert not accepted(K, problem, hidden)


def check_exact_solving(K: Kernel, rng: np.random.Generator) -> None:
    """Solved bases satisfy every equation exactly; inconsistent and undetermined ones are refused."""
    R = K.rational
    for _ in range(20):
        rows, size = int(rng.integers(1, 4)), 6
        M = rng.integers(-3, 4, size=(rows, size))
        right, values = rng.integers(-3, 4, size=rows), rng.integers(-3, 4, size=size) / 4
        basis = rng.permutation(size)[: int(rng.integers(0, rows + 1))].tolist()
        try:
            out = R.solve_basis(
                [[R.fmpq(int(v)) for v in row] for row in M],
                [R.fmpq(int(v)) for v in right],
                [R.fraction(float(v)) for v in values],
                basis,
            )
        except K.statements.Rejected:
            continue
        solved = [Q(int(v.p), int(v.q)) for v in out]
        assert all(sum(int(a) * v for a, v in zip(row, solved)) == int(b) for row, b in zip(M, right))
        assert all(solved[i] == Q(float(values[i])) for i in range(size) if i not in basis)
    for _ in range(30):
        n = int(rng.integers(1, 4))
        rows = [tuple(int(v) for v in rng.integers(-2, 3, size=n)) for _ in range(int(rng.integers(0, n + 1)))]
        target = tuple(int(v) for v in rng.integers(-2, 3, size=n))
        if R.is_combination(target, rows):
            from scipy.optimize import nnls

            distance = (
                nnls(np.array(rows, dtype=float).reshape(-1, n).T, np.array(target, dtype=float))[1]
                if rows
                else np.linalg.norm(target)
            )
            assert distance < 1e-9


def check_frozen_output_layer(K: Kernel, rng: np.random.Generator) -> None:
    """Without sign changes; the output bias is a constant that counts. Nothing above the pass is accepted, and signs may not differ."""
    for seed in (5, 30, 36, 39):
        problem, claim, level = frozen_instance(seed)
        A, B = (of_kernel(K, p, K.statements.Parameters) for p in (problem.A, problem.B))
        o = of_kernel(K, problem.objective, K.statements.Objective)
        mine = K.statements.Problem(o, problem.X, problem.targets, A, B)
        own = of_kernel(K, claim, K.statements.BarrierLowerBound)
        assert accepted(K, mine, own)
        assert level * (1 - 1e-7) <= own.level <= level * (1 + 1e-9)
        assert not accepted(K, mine, replace(own, level=level * (1 + 1e-7)))
        bounds = K.barrier.face_bounds(mine, own, own.patterns)
        roomy = replace(own, level=2 * own.level)
        for _ in range(5):
            nu = own.nu * (1 + 10.0 ** rng.uniform(-6, -1) * rng.choice([-1, 1]))
            try:
                changed = K.barrier.face_bounds(mine, replace(roomy, nu=nu), own.patterns)
            except K.statements.Rejected:
                continue
            # Duals that are not optimal prove less than those that nearly are.
            assert (changed <= bounds * (1 + 1e-6) + 1e-9).all()
        assert not accepted(K, mine, replace(own, output_layer="trained"))
        far = own.outside.copy()
        far[0] ^= 1
        dead = K.statements.Parameters((B.weights[0] * 0, B.weights[1]), (B.biases[0] * 0, B.biases[1]))
        assert not accepted(K, replace(mine, A=dead, B=dead), replace(own, outside=far, gap=0.0))
        other = K.statements.Parameters((B.weights[0], B.weights[1] * 2), B.biases)
        assert not accepted(K, replace(mine, B=other), replace(own, gap=0.0))


def kept_case(K: Kernel, k: int):
    problem, claim, level, setting = kept_instance(**KEPT[k])
    A, B = (of_kernel(K, p, K.statements.Parameters) for p in (problem.A, problem.B))
    o = of_kernel(K, problem.objective, K.statements.Objective)
    mine = K.statements.Problem(o, problem.X, problem.targets, A, B)
    return mine, of_kernel(K, claim, K.statements.BarrierLowerBound), level, setting


def reference_faces(problem, claim, setting) -> np.ndarray:
    """The least F on each face of the claim, by CVXPY on the constraints of every sample, over the patterns of the claim itself."""
    kinds, cones = setting.neurons.kinds, setting.neurons.cones
    place = [int(np.flatnonzero((cones.patterns == a).all(axis=1))[0]) for a in claim.patterns]
    code = lambda c: kinds * place[c // kinds] + c % kinds
    out = []
    for codes, facet in zip(claim.faces.tolist(), claim.facets.tolist()):
        moving = None if codes[0] == -1 else (code(codes[0]), facet)
        out.append(reference_minimum(setting, [code(c) for c in codes[1:]], moving)[0])
    return np.array(out)


def check_kept_layers(K: Kernel, rng: np.random.Generator) -> None:
    """Several outputs, deep networks: the claims hold, no dual proves more than its face's least F, and no face, cell or layer may be another."""
    for k in range(len(KEPT)):
        problem, claim, level, setting = kept_case(K, k)
        assert accepted(K, problem, claim), KEPT[k]
        assert not accepted(K, problem, replace(claim, level=level * (1 + 1e-6)))
        assert not accepted(K, problem, replace(claim, gap=claim.gap * (1 + 1e-6)))
        weights = reference_faces(problem, claim, setting)
        true = K.barrier.face_bounds(problem, claim, claim.patterns)
        assert (true <= weights + 1e-6).all()
        assert (true >= level * (1 - 1e-6)).all()
        roomy = replace(claim, level=float(4 * weights.max()))
        f, size = claim.nu.shape
        for _ in range(6):
            amount = 10.0 ** rng.uniform(-4, 0)
            nu = claim.nu + amount * rng.normal(size=claim.nu.shape) * (rng.random() < 0.5)
            mu = claim.multipliers * rng.choice([0.0, 1.0, 1.0 + amount], size=claim.multipliers.shape)
            mu = mu + (rng.random(mu.shape) < 0.1) * amount * rng.choice([0.0, 1.0, -1.0], size=mu.shape)
            if problem.objective.loss == "cross_entropy":
                nu = in_simplex(nu.reshape(f, len(problem.X), -1), problem.targets).reshape(f, size)
            elif problem.objective.loss == "huber":
                nu = np.clip(nu, -problem.objective.delta, problem.objective.delta)
            basis = claim.basis if rng.random() < 0.8 else claim.basis[:, :0]
            for one in range(f):
                part = {"faces": claim.faces, "facets": claim.facets, "nu": nu, "multipliers": mu, "basis": basis}
                changed = replace(roomy, **{n: a[one : one + 1] for n, a in part.items()})
                try:
                    bound = K.barrier.face_bounds(problem, changed, claim.patterns)[0]
                except K.statements.Rejected:
                    continue
                assert bound <= weights[one] + 1e-6, "a dual bound lies above the face's minimum"
        attack_kept(K, problem, claim, rng)


def in_simplex(nu: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Rows p - e_label on a dyadic grid."""
    rows = np.arange(len(labels))
    out = np.clip(np.round(nu * 2.0**40) / 2.0**40, 0.0, 1.0 / nu.shape[2])
    out[:, rows, labels] = 0.0
    out[:, rows, labels] = -out.sum(axis=2)
    return out


def valid(K: Kernel, problem, claim) -> bool:
    """Whether the claim is within the theorem at all, whatever its duals prove."""
    try:
        K.statements.validate_barrier(problem, claim)
    except K.statements.Rejected:
        return False
    return True


def attack_kept(K: Kernel, problem, claim, rng: np.random.Generator) -> None:
    A, B, f = problem.A, problem.B, len(claim.faces)
    rows = ("faces", "facets", "nu", "multipliers", "basis")
    for gone in range(f):
        assert not accepted(K, problem, replace(claim, **{n: np.delete(getattr(claim, n), gone, axis=0) for n in rows}))
    for a, b in ((B, B), (A, A)):
        assert not accepted(K, replace(problem, A=a, B=b), replace(claim, gap=0.0))
    for word in ("trained", "frozen", "trained above frozen layers", "frozen above frozen layers", "thawed"):
        if word != claim.output_layer and not (
            claim.output_layer.startswith("trained") and word == claim.output_layer.replace("trained", "frozen")
        ):
            assert not accepted(K, problem, replace(claim, output_layer=word, gap=0.0)), word
    for l in range(len(A.weights)):
        if l == len(A.weights) - 2 or (l == len(A.weights) - 1 and claim.output_layer.startswith("trained")):
            continue
        for kind in ("weights", "biases"):
            parts = list(getattr(B, kind))
            if parts[l] is not None:
                parts[l] = parts[l] * (1 + 2.0**-40)
                assert not accepted(
                    K, replace(problem, B=replace(B, **{kind: tuple(parts)})), replace(claim, gap=0.0)
                ), (l, kind)
    if B.weights[-1].shape[0] > 1 and B.weights[-1].shape[1] > 1:
        # Under a head of several outputs neurons are no copies of one another.
        for name in ("cells", "outside"):
            swapped = replace(claim, **{name: getattr(claim, name)[..., ::-1].copy()})
            assert not valid(K, problem, swapped)
            assert not accepted(K, problem, swapped)
        inner = claim.faces.copy()
        inner[:, 1:] = inner[:, 1:] - inner[:, 1:] % 2 + inner[:, :1] % 2
        assert not accepted(K, problem, replace(claim, faces=inner))
    several = B.weights[-1].shape[0] > 1
    assert not several or not valid(
        K, problem, replace(claim, output_layer=claim.output_layer.replace("frozen", "trained"))
    )
    if several or claim.output_layer.startswith("trained"):
        o = replace(problem.objective, penalty="weight_decay" if several else "l1", kappa=0.02)
        assert not accepted(K, replace(problem, objective=o), replace(claim, gap=0.0))


BARRIER_CHECKS = [
    check_barrier_level,
    check_leaving_faces,
    check_face_bounds,
    check_cells_and_networks,
    check_hidden_facets,
    check_exact_solving,
    check_frozen_output_layer,
    check_kept_layers,
]

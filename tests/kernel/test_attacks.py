"""The attack suite: generic mutants of every array field judged by both evaluations and the oracle, contradictory pairs, and seeded bugs."""

import json
import pickle
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from tests.corpus import attacks, landscape
from tests.corpus.correct import all_correct
from verifier.kernel import check

from .attack_components import ATTACK_CHECKS
from .barrier_components import CASES
from .barriers import frozen_instance, instance
from .components import run_check
from .cone_barriers import CASES as CONE_CASES
from .cone_barriers import instance as cone_instance
from .contradictions import contradiction
from .field_mutants import mutants, places
from .landscapes import CASES as WHOLE_CASES
from .landscapes import instance as whole_instance
from .loader import kernel
from .oracle import falsehood
from .region_components import claims as region_claims
from .region_optimum_components import claims as optimum_claims
from .seeded import unnoticed
from .sign_counts import CASES as SIGN_CASES
from .sign_counts import instance as sign_instance


@pytest.mark.parametrize("component", ATTACK_CHECKS, ids=lambda c: c.__name__.removeprefix("check_"))
def test_component(component):
    """The property in the check's docstring."""
    run_check(component, kernel(), 0)


# Seeds whose pair has a barrier.
FROZEN = (5, 30, 36, 39)


def bases():
    """(problem, claims) of true certificates: the corpus, exact barriers, frozen ones, regions, their optima and ranks."""
    out = [(case.problem, list(case.claims)) for case in all_correct().values()]
    for case in CASES:
        problem, claim, _, _ = instance(**case)
        out.append((problem, [claim]))
    for case in SIGN_CASES:
        problem, claim, *_ = sign_instance(**case)
        out.append((problem, [claim]))
    for case in CONE_CASES:
        problem, claim, *_ = cone_instance(**case)
        out.append((problem, [claim]))
    for case in WHOLE_CASES:
        problem, claim, *_ = whole_instance(**case)
        out.append((problem, [claim]))
    for seed in FROZEN:
        problem, claim, _ = frozen_instance(seed)
        out.append((problem, [claim]))
    out += [(problem, [claim, rank]) for problem, claim, rank, _ in region_claims()]
    out += [(problem, [claim]) for problem, claim in optimum_claims()]
    return out


def judged(count, seed):
    """Judge about `count` mutants; asserts that neither evaluation alone accepts a false one, and that no two accepted claims contradict."""
    rng, tally, sources = np.random.default_rng(seed), Counter(), bases()
    arrays = [a for _, claims in sources for c in claims for _, a in places(c)]
    while tally["mutants"] < count:
        problem, claims = sources[int(rng.integers(len(sources)))]
        believed = list(claims)
        others = [arrays[int(k)] for k in rng.integers(len(arrays), size=40)]
        for claim in claims:
            for name, mutant in mutants(claim, rng, others):
                tally["mutants"] += 1
                fast, reference = (check(problem, mutant, evaluation=e) for e in ("fast", "reference"))
                if fast.accepted or reference.accepted:
                    who = (
                        f"{type(claim).__name__} {name}, seed {seed}: {(fast if fast.accepted else reference).sentence}"
                    )
                    reason = falsehood(problem, mutant)
                    assert reason is None, f"ACCEPTED AND FALSE: {who}: {reason}"
                    assert reference.accepted or not fast.accepted, (
                        f"fast accepts, reference does not: {who}: {reference.sentence}"
                    )
                    believed.append(mutant)
                    tally["accepted"] += 1
                    tally["by the reference alone"] += not fast.accepted
        why = contradiction(believed)
        assert why is None, f"CONTRADICTION, seed {seed}: {why}"
    print(json.dumps(dict(tally)))
    return tally


def test_no_field_mutant_is_accepted_and_false():
    """About 500 mutants; some remain true, most do not."""
    tally = judged(500, 0)
    assert 0.02 * tally["mutants"] < tally["accepted"] < 0.6 * tally["mutants"]


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("count", "seed"), [(1500, 0), (4000, 1), (4000, 2), (4000, 3)])
def test_no_field_mutant_of_many_is_accepted_and_false(count, seed):
    """The seed of the fast suite, further on, and 4,000 for each of three others."""
    judged(count, seed)


def degenerate_problems(rng):
    """A true barrier's problem with rows, heads and samples made degenerate: zero rows, zero heads, turned heads, samples twice or 0."""
    kind = dict(CASES[int(rng.integers(len(CASES)))])
    problem, claim, *_ = (
        frozen_instance(FROZEN[int(rng.integers(len(FROZEN)))]) if rng.random() < 0.4 else instance(**kind)
    )
    A, B = (pickle.loads(pickle.dumps(p)) for p in (problem.A, problem.B))
    nets = [(A,), (B,), (A, B)][int(rng.integers(3))]
    i = int(rng.integers(len(A.weights[0])))
    what = int(rng.integers(4))
    for p in nets:
        if what == 0:
            p.weights[0][i] = 0.0
            if p.biases[0] is not None:
                p.biases[0][i] = 0.0
        elif what == 1:
            p.weights[1][:, i] = 0.0
        elif what == 2:
            p.weights[1][:, i] *= -1.0
        else:
            p.weights[0][i] *= -1.0
    return replace(problem, A=A, B=B), claim


@pytest.mark.parametrize("seed", range(2))
def test_degenerate_networks_and_other_modes(seed):
    """Codes of either sign for degenerate neurons, frozen and free: what is accepted is true, also by the reference alone."""
    rng, accepted = np.random.default_rng(seed), 0
    for _ in range(120):
        problem, claim = degenerate_problems(rng)
        for output_layer in ("trained", "frozen"):
            flips = rng.random(claim.cells.shape[1]) < 0.4
            turned = replace(
                claim, output_layer=output_layer, gap=0.0, cells=claim.cells ^ flips.astype(np.int64),
                outside=claim.outside ^ flips.astype(np.int64),
            )  # fmt: skip
            for mutant in (replace(claim, output_layer=output_layer, gap=0.0), turned):
                verdicts = [check(problem, mutant, evaluation=e).accepted for e in ("fast", "reference")]
                assert verdicts[1] or not verdicts[0]
                if any(verdicts):
                    accepted += 1
                    assert falsehood(problem, mutant) is None
    assert accepted > 5


def test_contradictions_are_noticed():
    """The judge itself: the two claims of each pair cannot both be true."""
    case = attacks.frozen_zero_row()
    path = replace(attacks.keeping_the_head(True).claims[0], sup=0.5)
    assert contradiction([case.claims[0], path]) is not None
    assert contradiction([case.claims[0], replace(path, output_layer="trained")]) is None
    region = landscape.region(2.0).claims[0]
    assert contradiction([region, replace(region, lower=1.0, upper=2.0, verdict="positive")]) is not None
    head = attacks.head_on_a_silent_row().claims[0]
    assert contradiction([head, replace(head, lower=2.0, upper=3.0)]) is not None
    assert contradiction([head, head, region, path]) is None


BUGS = [
    # what the first format let through, put back
    ("cones", "if t != 0.0 and (frozen or not still) and (t < 0.0)", "if t != 0.0 and not still and (t < 0.0)"),
    ("reference_barrier", "either_sign = theta == 0.0 if frozen else at_zero", "either_sign = at_zero"),
    (
        "reference_barrier",
        "_eliminate([[v[e] for v in facing] for e in range(len(target))], target, len(chosen))",
        "_eliminate([], [], 0) if not chosen else _eliminate([[v[e] for v in facing] for e in range(len(target))], target, len(chosen))",
    ),
    ("rational", "        return not any(target)\n", "        return True\n"),
    ("regions", "inside = inside and u != 0", "inside = inside and (u != 0 or not any(self.X[j]))"),
    ("statements_path", '(claim.level is None) == (claim.gap_over_level is None), "a level', 'True, "a level'),
    ("statements_head", "require(max(entries) <= claim.head_limit,", "require(True,"),
    ("statements_region", "require(np.array_equal(claim.head, network.weights[1][0])", "require(True"),
    ("statements_region", "require(claim.bias == (0.0 if c is None else float(c[0]))", "require(True"),
    ("regions", 'require(region.holds(problem.A if claim.of == "A" else problem.B)', "require(True"),
    ("reference_barrier", 'require(u >= 0 if bit else u <= 0, "the network is not', 'require(True, "the network is not'),
    ("regions", "self.y = [fraction(v) - bias for v", "self.y = [fraction(v) for v"),
    ("reference_barrier", "Fraction(t) - Fraction(claim.bias) for t", "Fraction(t) for t"),
    # which path
    ("moves", 'if move.kind == "transfer":', 'if move.kind == "hand-over":'),
    ("moves", 'require(straight_kind(v, w) == "idle"', "require(True"),
    ("moves", 'require(straight_kind(v, w) != "chord"', "require(True"),
    ("moves", 'require(a is None or b is None or np.array_equal(a, b), "a rescaling', 'require(True, "a rescaling'),
    ("reference_moves", 'require(not felt, "not idle', 'require(True, "not idle'),
    ("reference_moves", "require(felt <= {len(v.weights) - 1}", "require(True"),
    ("reference_moves", "require(_handed_over(v, w, move, changed)", "require(True"),
    ("reference_moves", "c.tolist() == d.tolist(), \"no rescaling", "True, \"no rescaling"),
    ("statements_path", 'require(claim.form == "literal" or o.penalty == "weight_decay"', "require(True"),
    ("statements_path", "require(claim.form in FORMS", "require(True"),
    ("statements_path", "require(move.kind in KINDS", "require(True"),
    ("statements_path", "require(bool((np.sort(p) == np.arange(n)).all())", "require(True"),
    ("statements_path", "require(len(claim.permutation) == len(hidden)", "require(True"),
    ("statements_path", 'inside = (move.factors > 1.0 / LARGEST_FACTOR)', "inside = (move.factors > -LARGEST_FACTOR)"),
    ("statements_path", "not keeps_output(claim.output_layer) or len(hidden) + 1 not in written", "True"),
    ("statements_path", '| ({1, len(hidden) + 1} if move.kind == "rescale" else set())', ""),
    ("statements_path", 'free or claim.permutation is None, "B with', 'True, "B with'),
    ("statements_path", "not below or min(written, default=len(hidden)) >= len(hidden)", "True"),
    ("statements_path", "min(written, default=len(hidden)) >= len(hidden)", "max(written, default=len(hidden)) >= len(hidden)"),
    ("statements_path", 'require(not below or len(hidden) > 1, "with one', 'require(True, "with one'),
    ("statements_region", 'len(problem.A.weights) == 2 and problem.A.weights[1].shape[0] == 1,\n        "jacobian', 'True,\n        "jacobian'),
    ("barrier", "needed = first[np.isin(both[first], both[len(stored) :])]", "needed = first"),
    ("paths", 'if problem.objective.penalty == "weight_decay" and form == "literal" else', "if False else"),
    ("reference_paths", 'literal_decay = o.penalty == "weight_decay" and claim.form == "literal"', "literal_decay = False"),
    ("forward", 'if o.penalty == "weight_decay" and form == "literal":\n        half', "if False:\n        half"),
    ("reference_objective", 'if o.penalty == "weight_decay" and form == "literal":', "if False:"),
    ("paths", "permuted(problem.B, permutation)", "corners[-1]"),
    ("reference_paths", "permuted(problem.B, claim.permutation)", "corners[-1]"),
    # weights
    ("losses", "np.nextafter(values * weights, np.inf)", "values"),
    ("forward", "w = problem.weights\n", "w = None\n"),
    ("heads", "if problem.weights is None:\n        return exact(nu)", "if True:\n        return exact(nu)"),
    ("reference_objective", "if problem.weights is None:\n        return mean(values)", "if True:\n        return mean(values)"),
    ("statements_problem", "(problem.weights >= 0.0).all() and (problem.weights > 0.0).any()", "True"),
    ("statements_problem", 'require(problem.weights is None, "this kind', 'require(True, "this kind'),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("module", "old", "new"), BUGS, ids=[f"{i:02d}-{b[0]}" for i, b in enumerate(BUGS)])
def test_seeded_bug_is_killed(module, old, new):
    """A kernel with this bug fails a component check."""
    assert not unnoticed(module, old, new, ATTACK_CHECKS, 1), f"{module}: {old!r} -> {new!r} goes unnoticed"

"""Certificates changed in every field by many operators: none may be accepted and false."""

import json
import pickle
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.corpus.small import chord, endpoints, form_of, full, halves, random_problem
from verifier.certificate import read_certificate
from verifier.certificate.document import make_document
from verifier.elaboration.claims import above, below
from verifier.errors import CertificateFormatError
from verifier.kernel import PathUpperBound, check
from verifier.kernel.fast.paths import bound_path, excess

from .barrier_components import CASES
from .barriers import KEPT, instance, kept_instance
from .cone_barriers import CASES as CONE_CASES
from .cone_barriers import instance as cone_instance
from .landscapes import CASES as WHOLE_CASES
from .landscapes import instance as whole_instance
from .mutations import mutant
from .oracle import falsehood
from .region_components import claims as region_claims
from .region_optimum_components import claims as optimum_claims
from .sign_counts import CASES as SIGN_CASES
from .sign_counts import instance as sign_instance

CORPUS = sorted((Path(__file__).parents[1] / "corpus" / "correct").glob("*.safetensors"))


def tight(seed, loss, penalty, K=1, make=chord, biases=(True, True)):
    """A fresh certificate whose numbers are the kernel's own with the margin of elaboration: little room for a false claim."""
    p = random_problem(seed, loss, penalty, widths=(2, 4, K), biases=biases)
    moves = make(p, 4) if make is chord else make(p)
    found = bound_path(p, moves, form_of(p))
    E, least = max(found.A.lower, found.B.lower), min(found.A.lower, found.B.lower)
    sup = above(max(found.A.upper, found.B.upper, found.interior))
    gap = 0.0 if found.interior <= E else above(excess(found.interior, below(E)))
    claims = [
        *endpoints(p),
        PathUpperBound(
            "path", moves, sup, gap, above(excess(sup, below(least))), 1.0, above(max(0.0, sup - 1.0)), form_of(p)
        ),
    ]
    return make_document(p, claims, data_name="fresh", labels={"path": ["move"] * len(moves)}, record={}, embed=True)


def bases():
    """(document, arrays) of valid certificates."""
    for path in CORPUS:
        c = read_certificate(path)
        yield c.document, c.arrays
    yield tight(21, "logistic", "path")
    yield tight(22, "squared", "weight_decay", 2)
    yield tight(23, "hinge", "l1", make=halves)
    yield tight(24, "cross_entropy", "none", 3)
    yield tight(25, "absolute", "weight_decay", 2, halves)
    yield tight(26, "huber", "path", 1, halves, (False, True))
    yield tight(27, "squared", "none", 1, halves, (True, False))
    case = full(random_problem(28, "logistic", "weight_decay"), halves(random_problem(28, "logistic", "weight_decay")))
    yield case.packed()


def landscape_bases():
    """The same about barriers, regions and ranks, with and without a penalty."""
    for case in (CASES[0], CASES[1], CASES[2], CASES[3], CASES[4], CASES[5], CASES[6]):
        problem, claim, _, _ = instance(**case)
        yield make_document(problem, [claim], data_name="barrier", labels={}, record={}, embed=True)
    for case in KEPT:
        problem, claim, *_ = kept_instance(**case)
        yield make_document(problem, [claim], data_name="kept layers", labels={}, record={}, embed=True)
    for case in (*SIGN_CASES[:4], *SIGN_CASES[7:10]):
        problem, claim, *_ = sign_instance(**case)
        yield make_document(problem, [claim], data_name="sign counts", labels={}, record={}, embed=True)
    for case in (*CONE_CASES[:3], CONE_CASES[4], CONE_CASES[9]):
        problem, claim, *_ = cone_instance(**case)
        yield make_document(problem, [claim], data_name="cones", labels={}, record={}, embed=True)
    for case in WHOLE_CASES:
        problem, claim, *_ = whole_instance(**case)
        yield make_document(problem, [claim], data_name="whole", labels={}, record={}, embed=True)
    for problem, claim, rank, _ in region_claims()[:9]:
        yield make_document(problem, [claim, rank], data_name="region", labels={}, record={}, embed=True)
    for problem, claim in optimum_claims():
        yield make_document(problem, [claim], data_name="region", labels={}, record={}, embed=True)


def judge(count, seed, originals_of=bases):
    """Verdicts of `count` mutants; asserts that none of them is accepted and false, or accepted by the fast evaluation alone."""
    # safetensors reads arrays in another order in each process: sorted, so that a seed names the same mutants everywhere
    originals = [(json.loads(json.dumps(d)), dict(sorted(a.items()))) for d, a in originals_of()]
    rng, seen, tally = np.random.default_rng(seed), {}, Counter()
    for k in range(count):
        document, arrays = originals[k % len(originals)]
        state = rng.bit_generator.state
        try:
            name, problem, claims = mutant(rng, document, arrays)
        except CertificateFormatError:
            tally["malformed"] += 1
            continue
        accepted = []
        for claim in claims:
            key = pickle.dumps((problem, claim))
            if key not in seen:
                seen[key] = verdict(problem, claim, f"mutant {k} of seed {seed} ({name}; {state['state']})")
            accepted.append(seen[key])
        tally["accepted and true" if all(accepted) else "rejected"] += 1
        tally["claims accepted"] += sum(accepted)
        tally["claims rejected"] += len(accepted) - sum(accepted)
    print(dict(tally), len(seen), "different claims")
    return tally


def verdict(problem, claim, who):
    """Whether the fast evaluation accepts; both are judged, each alone."""
    fast, reference = (check(problem, claim, evaluation=e) for e in ("fast", "reference"))
    if fast.accepted or reference.accepted:
        reason = falsehood(problem, claim)
        words = fast.sentence if fast.accepted else f"reference alone: {reference.sentence}"
        assert reason is None, f"ACCEPTED AND FALSE: {who}: {words}: {reason}"
    assert reference.accepted or not fast.accepted, f"fast accepts, reference does not: {who}: {reference.sentence}"
    return fast.accepted


def healthy(tally, count):
    """Shares that show the mutants still bite: enough are read, enough are rejected, and enough remain true."""
    assert tally["rejected"] > 0.3 * count
    assert tally["malformed"] < 0.4 * count
    assert tally["accepted and true"] > 0.1 * count


def test_no_mutant_is_accepted_and_false():
    """300 mutants."""
    healthy(judge(300, 1), 300)


def test_no_mutant_about_landscapes_is_accepted_and_false():
    """Two of each barrier, region and rank."""
    healthy(judge(100, 2, landscape_bases), 100)


@pytest.mark.slow
def test_no_mutant_of_some_about_landscapes_is_accepted_and_false():
    """300: the seed of the fast suite, further on."""
    healthy(judge(300, 2, landscape_bases), 300)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(20, 22))
def test_no_mutant_of_many_about_landscapes_is_accepted_and_false(seed):
    """2,000 for each of two seeds."""
    healthy(judge(2000, seed, landscape_bases), 2000)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(10, 15))
def test_no_mutant_of_many_is_accepted_and_false(seed):
    """2,000 mutants for each of five seeds: 10,000 in all."""
    healthy(judge(2000, seed), 2000)

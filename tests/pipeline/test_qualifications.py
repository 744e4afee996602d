"""Who reads claims keeps their qualifications: a certificate is kept, answered and shown as what it is about, and as nothing more.

Every certificate here is true, and one of its claims would be false if a word of it were forgotten.
"""

import html
import re
from dataclasses import fields, replace

import numpy as np
import pytest

from tests.corpus import attacks
from tests.corpus.attacks import SQUARED
from tests.corpus.landscape import floats, ints
from tests.corpus.small import net
from verifier.certificate.document import make_document
from verifier.certificate.file import read_certificate, write_certificate
from verifier.kernel import EndpointValue, HeadOptimum, Move, Objective, PathUpperBound, Problem, Write, check
from verifier.kernel.statements import BarrierLowerBound, Geometry
from verifier.outcomes import Outcome
from verifier.pipeline.kept import NotThis, read_kept, same_problem
from verifier.report.page import render

TINY = 1e-20


def kept(problem, claims, tmp_path):
    """(what is kept, the page's text without tags): both evaluations accept every claim."""
    for claim in claims:
        for evaluation in ("fast", "reference"):
            assert check(problem, claim, evaluation=evaluation).accepted
    labels = {c.path: ["by hand"] * len(c.moves) for c in claims if isinstance(c, PathUpperBound)}
    document, arrays = make_document(problem, claims, data_name="by hand", labels=labels, record={})
    file = tmp_path / "c.safetensors"
    write_certificate(file, document, arrays)
    page = html.unescape(re.sub(r"<[^>]*>", " ", render(read_certificate(file))))
    return read_kept(file, problem), " ".join(page.split())


def ends(upper):
    return [EndpointValue(n, 0.0, upper) for n in "AB"]


def swapped(output_layer="trained", third=False):
    """(problem, barrier): one input of either sign, A = (1, -1), B = (-1, 1); every path passes a point where one input has no neuron. With a third neuron of
    head -1 that is silent at both ends only the paths that keep the output layer do."""
    rows, heads = ([[0.0]], [-1.0]) if third else ([], [])
    A, B = net([[1.0], [-1.0], *rows], [[1.0, 1.0, *heads]]), net([[-1.0], [1.0], *rows], [[1.0, 1.0, *heads]])
    problem = Problem(SQUARED, floats([1.0], [-1.0]), floats([1.0], [1.0]), A, B)
    mu = np.zeros((4, 4 + 2 * third))
    common = {"around": "A", "level": 0.499, "gap": 0.49, "patterns": ints([1, 0], [0, 1]), "interiors": floats([1.0], [-1.0]), "inside": 0,
              "redundant": np.zeros((0, 2), dtype=np.int64), "supports": np.zeros((0, 0), dtype=np.int64), "basis": np.zeros((4, 0), dtype=np.int64),
              "nu": floats([-2.0, 0.0], [-2.0, 0.0], [0.0, -2.0], [0.0, -2.0])}  # fmt: skip
    if third:
        mu[:, 0] = -1.0
        mu[0, 2] = mu[3, 5] = 1.0
        barrier = BarrierLowerBound(
            name="frozen", output_layer="frozen", outside=ints(2, 0, 1), cells=ints([0, 2, 1], [0, 2, 3]),
            faces=ints([0, 1, 2], [0, 2, 3], [2, 0, 1], [2, 0, 3]),
            facets=ints(0, 0, 0, 0), multipliers=mu, **common,
        )  # fmt: skip
    else:
        mu[0, 0] = mu[2, 0] = -1.0
        barrier = BarrierLowerBound(
            name="all", output_layer=output_layer, cells=ints([0, 2]), outside=ints(2, 0), faces=ints([0, 2], [-1, 2], [2, 0], [-1, 0]),
            facets=ints(0, -1, 0, -1), multipliers=mu, **common,
        )  # fmt: skip
    return problem, barrier


def test_another_problem_is_another_in_every_field():
    """Whatever field of a problem differs, its certificate is not kept: also a field that is added later."""
    problem = replace(attacks.weighted_endpoint().problem, negative_slope=0.0)
    assert same_problem(problem, replace(problem))
    others = {
        "objective": replace(problem.objective, loss="absolute"), "X": problem.X + 1.0, "targets": problem.targets + 1.0, "negative_slope": 0.5,
        "A": replace(problem.A, weights=tuple(2.0 * W for W in problem.A.weights)), "B": replace(problem.B, weights=problem.B.weights[:1]),
        "weights": None, "geometry": Geometry((1, 1, 2), ()),
    }  # fmt: skip
    assert set(others) == {f.name for f in fields(Problem)}
    for name, other in others.items():
        assert not same_problem(problem, replace(problem, **{name: other})), name
        assert not same_problem(replace(problem, **{name: other}), problem), name


def test_weights_make_another_problem(tmp_path):
    """Only the sample at 0 counts, so that F = 0 everywhere; the plain mean is 1/3 at both ends and 2/3 on every path."""
    A, B = net([[1.0]], [[1.0]]), net([[-1.0]], [[1.0]])
    plain = Problem(SQUARED, floats([1.0], [-1.0], [0.0]), floats([1.0], [1.0], [0.0]), A, B)
    problem = replace(plain, weights=floats(0.0, 0.0, 1.0))
    line = Move("chord", (Write(1, "weight", 0, None, B.weights[0]),))
    _, page = kept(problem, [*ends(TINY), PathUpperBound("p", (line,), TINY, TINY, TINY)], tmp_path)
    assert "F = weighted mean squared loss" in page
    assert "F = mean" not in page
    with pytest.raises(NotThis):
        read_kept(tmp_path / "c.safetensors", plain)


def test_a_path_to_a_permuted_copy_joins_no_pair(tmp_path):
    problem, barrier = swapped()
    path = PathUpperBound("p", (), TINY, 0.0, TINY, permutation=(np.array([1, 0]),))
    found, page = kept(problem, [*ends(TINY), path, barrier], tmp_path)
    assert found.paths == ()
    assert found.answer(None)[0] is Outcome.INCONCLUSIVE
    assert found.answer(0.1)[0] is Outcome.REFUTED
    assert "contradicts" not in page
    assert "There is no barrier" not in page
    assert "up to permutation" in page


def test_a_barrier_for_frozen_output_layers_says_nothing_of_other_paths(tmp_path):
    problem, barrier = swapped(third=True)
    head = lambda t: Move("head", (Write(2, "weight", 1, ints(2), floats([t])),))
    rows = lambda *v: Move("chord", (Write(1, "weight", 0, None, floats(*([x] for x in v))),))
    moves = (head(1.0), rows(0.0, -1.0, 1.0), rows(-1.0, 0.0, 1.0), rows(-1.0, 1.0, 0.0), head(-1.0))
    path = PathUpperBound("p", moves, TINY, TINY, TINY)
    found, page = kept(problem, [*ends(TINY), path, barrier], tmp_path)
    assert found.answer(None) == (Outcome.CERTIFIED, "CERTIFIED gap <= 1e-20 (E = 1e-20)")
    assert found.answer(0.1)[0] is Outcome.CERTIFIED
    assert "contradicts" not in page
    alone, _ = kept(problem, [*ends(TINY), barrier], tmp_path)
    assert alone.answer(0.1)[0] is Outcome.REFUTED
    assert "no path with this output layer" in alone.answer(0.1)[1]


def decaying():
    """(4h - 1)^2 + (16 + h^2)/2 is least at h = 8/33: with weight decay as it is, no head is better."""
    h = 8 / 33
    A = net([[4.0]], [[h]])
    problem = Problem(Objective("squared", None, 1.0, "weight_decay", False), np.ones((1, 1)), np.ones((1, 1)), A, A)
    value = (4 * h - 1) ** 2 + 0.5 * (16 + h * h)
    assert all((4 * t - 1) ** 2 + 0.5 * (16 + t * t) > value for t in (h - 0.01, h + 0.01, -1.0, 1.0))
    head = HeadOptimum("h", A.weights[0], None, A.weights[1], None, np.zeros((1, 1)), None, 0.0, 1.1)
    return problem, [EndpointValue(n, value - 1e-6, value + 1e-6) for n in "AB"], head


def test_a_balanced_program_is_not_about_the_head_alone(tmp_path):
    problem, values, head = decaying()
    _, page = kept(problem, [*values, head], tmp_path)
    assert "Network A is not a minimum: changing its head and rescaling its neurons lowers F by" in page
    assert "its head alone" not in page


def test_an_inconclusive_level_says_along_what_its_path_runs(tmp_path):
    """The bound is that of the balanced image, and says nothing of the line as it is."""
    A, B = net([[4.0]], [[0.25]]), net([[2.0]], [[0.5]])
    problem = Problem(Objective("squared", None, 1.0, "weight_decay", False), np.ones((1, 1)), np.ones((1, 1)), A, B)
    writes = (Write(1, "weight", 0, None, B.weights[0]), Write(2, "weight", 0, None, B.weights[1]))
    path = PathUpperBound("p", (Move("chord", writes),), 10.0, 10.0, 10.0, form="balanced")
    found, _ = kept(problem, [EndpointValue("A", 8.0, 8.1), EndpointValue("B", 2.1, 2.2), path], tmp_path)
    outcome, sentence = found.answer(9.0)
    assert outcome is Outcome.INCONCLUSIVE
    assert "weight decay along the balanced image of the stored path" in sentence


def test_idle_moves_change_weight_decay(tmp_path):
    A, B = net([[1.0], [0.0]], [[1.0, 0.0]]), net([[1.0], [3.0]], [[1.0, 0.0]])
    problem = Problem(Objective("squared", None, 1.0, "weight_decay", False), np.ones((1, 1)), np.ones((1, 1)), A, B)
    path = PathUpperBound("p", (Move("idle", (Write(1, "weight", 0, None, B.weights[0]),)),), 5.6, 1e-6, 5.0)
    _, page = kept(problem, [EndpointValue("A", 0.9, 1.1), EndpointValue("B", 5.4, 5.6), path], tmp_path)
    assert "idle moves change neurons that reach no output: the outputs are constant" in page
    assert "F is constant" not in page


def test_how_far_below_E_a_path_runs_is_said_of_its_middle(tmp_path):
    """It starts and ends with moves on which F = E: only between the two head moves is it as low as is said."""
    A = net([[1.0], [0.0]], [[0.0, 0.0]])
    problem = Problem(SQUARED, np.ones((1, 1)), np.ones((1, 1)), A, A)
    idle = lambda v: Move("idle", (Write(1, "weight", 0, None, floats([1.0], [v])),))
    head = lambda t: Move("head", (Write(2, "weight", 0, None, floats([t, 0.0])),))
    path = PathUpperBound("p", (idle(7.0), head(1.0), head(0.0), idle(0.0)), 1.1, 0.0, 1e-6)
    _, page = kept(problem, [*[EndpointValue(n, 0.99, 1.01) for n in "AB"], path], tmp_path)
    assert (
        "Between the end of its first move that changes F and the start of its last one this path stays at or below"
        in page
    )
    assert "between its first and its last move that change F" in page
    assert not re.search(r"away from (its two|the) ends", page, re.IGNORECASE)


@pytest.mark.parametrize("title", ["least F over all networks (certified)"])
def test_what_the_record_says_is_said_to_be_the_record_s(title, tmp_path):
    problem, values, head = decaying()
    record = {"provenance": {"options": {"polish": True}}, "programs": [{"name": "h", "title": title}]}
    document, arrays = make_document(problem, [*values, head], data_name="MNIST, CERTIFIED", labels={}, record=record)
    write_certificate(tmp_path / "c.safetensors", document, arrays)
    page = html.unescape(re.sub(r"<[^>]*>", " ", render(read_certificate(tmp_path / "c.safetensors"))))
    assert f"recorded title: {title}" in page
    assert "named “MNIST, CERTIFIED”" in page
    assert "By the record, A and B are polished copies" in page

"""Certificates that are kept: whose they are is read from their arrays, what they say from re-checked claims."""

from dataclasses import replace

import numpy as np
import pytest

import verifier
from tests.landscape.instances import documented
from verifier.certificate.file import pack, read_certificate
from verifier.data.dataset import Dataset
from verifier.elaboration import kernel_problem
from verifier.kernel.statements import Parameters
from verifier.landscape.faces import FaceValues
from verifier.landscape.minima import leading_pairs, minimum_network
from verifier.landscape.tree import merge_tree
from verifier.outcomes import Outcome
from verifier.pipeline.kept import NotThis, read_kept, same_problem


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(certificate, problem): a pair with a barrier, gap 0.5425 at level 0.5456."""
    setting = documented(0, 5, 2)
    values, tree = FaceValues(setting), merge_tree(setting)
    (pair,) = leading_pairs(tree, 1)
    A, B = (minimum_network(values, tree.cells[k]) for k in (pair.younger, pair.older))
    file = tmp_path_factory.mktemp("kept") / "c.safetensors"
    data = Dataset(setting.X, setting.targets[:, 0], "tiny", "regression")
    verifier.certify(A, B, data, loss="squared", method="exact,line", out=file)
    return file, kernel_problem(A, B, setting.risk)


@pytest.mark.parametrize(
    ("level", "outcome", "words"),
    [
        (None, Outcome.CERTIFIED, "CERTIFIED 0.54250683"),
        (1e-4, Outcome.REFUTED, "an endpoint lies above it"),
        (0.5, Outcome.REFUTED, "no path stays at or below level 0.5: every such path reaches 0.54562589"),
        (0.6, Outcome.CERTIFIED, "CERTIFIED a path stays at or below level 0.6"),
        (0.54562589043, Outcome.INCONCLUSIVE, "the best path is certified to stay at or below 0.5457"),
    ],
)
def test_answers_are_the_claims(made, level, outcome, words):
    found, sentence = read_kept(*made).answer(level)
    assert found is outcome
    assert words in sentence
    assert sentence.startswith(outcome.value)


def test_a_record_changes_nothing(made, tmp_path):
    file, problem = made
    c = read_certificate(file)
    other = tmp_path / "c.safetensors"
    other.write_bytes(
        pack({**c.document, "record": {"verdict": {"outcome": "REFUTED", "sentence": "by hand"}}}, c.arrays)
    )
    assert read_kept(other, problem).answer(None) == read_kept(file, problem).answer(None)


def nudged(a):
    b = a.copy()
    b.flat[-1] = np.nextafter(b.flat[-1], np.inf)
    return b


CHANGES = {
    "an input": lambda p: replace(p, X=nudged(p.X)),
    "a sample more": lambda p: replace(p, X=np.vstack([p.X, p.X[:1]]), targets=np.vstack([p.targets, p.targets[:1]])),
    "a target": lambda p: replace(p, targets=nudged(p.targets)),
    "kappa": lambda p: replace(p, objective=replace(p.objective, kappa=1e-300, penalty="path")),
    "the loss": lambda p: replace(p, objective=replace(p.objective, loss="absolute")),
    "the activation": lambda p: replace(p, negative_slope=0.01),
    "a weight of A": lambda p: replace(p, A=Parameters((nudged(p.A.weights[0]), p.A.weights[1]), p.A.biases)),
    "a bias of B": lambda p: replace(p, B=Parameters(p.B.weights, (nudged(p.B.biases[0]), p.B.biases[1]))),
    "no bias": lambda p: replace(p, A=Parameters(p.A.weights, (None, None)), B=Parameters(p.B.weights, (None, None))),
    "the pair's order": lambda p: replace(p, A=p.B, B=p.A),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_certificate_of_another_problem_is_not_this(made, change):
    file, problem = made
    other = CHANGES[change](problem)
    assert not same_problem(problem, other)
    with pytest.raises(NotThis, match="is about other networks, data, another activation or objective"):
        read_kept(file, other)


def test_claims_are_checked_again(made, tmp_path):
    file, problem = made
    c = read_certificate(file)
    claims = [dict(x) for x in c.document["claims"]]
    path = next(x for x in claims if x["kind"] == "path_upper_bound")
    path["gap"] = (0.0).hex()
    other = tmp_path / "c.safetensors"
    other.write_bytes(pack({**c.document, "claims": claims}, c.arrays))
    with pytest.raises(NotThis, match="REJECTED"):
        read_kept(other, problem)


def test_without_its_endpoints_values_it_is_not_this(made, tmp_path):
    file, problem = made
    c = read_certificate(file)
    claims = [x for x in c.document["claims"] if x["kind"] != "endpoint_value"]
    other = tmp_path / "c.safetensors"
    other.write_bytes(pack({**c.document, "claims": claims}, c.arrays))
    with pytest.raises(NotThis, match="does not claim the values of both networks"):
        read_kept(other, problem)

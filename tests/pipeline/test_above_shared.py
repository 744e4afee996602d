"""`sign-count`, `cones` and `exact` between deep networks, on paths that keep the hidden layers below the last one."""

from functools import cache

import numpy as np
import pytest

import verifier
from tests.landscape.moons import moons_above
from verifier.certificate import read_certificate
from verifier.cli.main import main
from verifier.errors import UsageError
from verifier.kernel.statements import BarrierLowerBound, ConeBarrier, PathUpperBound, SignCountBarrier
from verifier.landscape.gap import exact_gap
from verifier.networks.checkpoint import save_checkpoint
from verifier.networks.network import Network
from verifier.objective import Risk, make_objective
from verifier.report.page import render

WORD = "trained above frozen layers"
SAID = "with the layers below the last hidden one frozen"


@cache
def pair(first, a, b):
    A, B, X, y = moons_above(40, first, (a, b))
    return A, B, (X, y)


def certified(A, B, data, method, out, **words):
    found = verifier.certify(A, B, data, **{"loss": "squared", **words}, method=method, hidden_layers="frozen", out=out)
    assert all(v.accepted for v in found.check() + found.check(reference=True))
    assert SAID in found.sentence
    return found, read_certificate(out).claims


def test_sign_counts_close_a_barrier_of_trained_networks(tmp_path):
    """Two features of 40 Moons, two neurons above: both ends within 1e-6 of each other; the page and the line say which paths are meant."""
    A, B, data = pair(0, 0, 2)
    found, claims = certified(A, B, data, "sign-count", tmp_path / "s.safetensors")
    (barrier,) = [c for c in claims if isinstance(c, SignCountBarrier)]
    assert 0.005 < barrier.gap <= found.gap <= barrier.gap * (1 + 1e-6)
    assert {c.output_layer for c in claims if isinstance(c, (SignCountBarrier, PathUpperBound))} == {WORD}
    assert not any(w.layer == 1 for c in claims if isinstance(c, PathUpperBound) for m in c.moves for w in m.writes)
    page = render(read_certificate(tmp_path / "s.safetensors"))
    assert "very path from A to B with these layers below the last hidden one reaches" in page
    assert "contradicts itself" not in page
    assert "1 other neuron," in page


@pytest.mark.parametrize(("first", "a", "b", "kind"), [(0, 0, 2, ConeBarrier), (0, 1, 2, ConeBarrier)])
def test_cones_find_the_same_barrier(first, a, b, kind, tmp_path):
    A, B, data = pair(first, a, b)
    high, _ = certified(A, B, data, "sign-count", tmp_path / "s.safetensors")
    found, claims = certified(A, B, data, "cones", tmp_path / "c.safetensors")
    (barrier,) = [c for c in claims if isinstance(c, kind)]
    assert barrier.output_layer == WORD
    assert 0.98 * high.gap <= barrier.gap <= high.gap
    assert found.gap >= high.lower_gap


def test_exact_chooses_sign_counts_where_cells_are_too_many(tmp_path):
    A, B, data = pair(0, 0, 2)
    said = []
    found, claims = certified(A, B, data, "exact", tmp_path / "e.safetensors", say=said.append)
    assert any("the sign counts of A and B differ and settle the gap instead" in line for line in said)
    assert any(isinstance(c, SignCountBarrier) for c in claims)
    assert found.lower_gap == pytest.approx(found.gap, rel=1e-6)


def test_a_run_without_method_gives_a_bracket_by_the_lowest_of_all_paths(tmp_path):
    A, B, data = pair(0, 0, 2)
    found, claims = certified(A, B, data, "all", tmp_path / "a.safetensors")
    assert {b.method for b in found.bounds} == {"exchange", "line", "descent", "homotopy", "sign-count"}
    assert 0.0075 < found.lower_gap <= found.gap < 0.0076 < max(b.gap for b in found.bounds)
    paths = [c for c in claims if isinstance(c, PathUpperBound)]
    assert {c.output_layer for c in paths} == {WORD}
    assert not any(w.layer == 1 for c in paths for m in c.moves for w in m.writes)


def test_neurons_handed_to_other_slots_meet_the_lower_end(tmp_path):
    """200 Moons, signs in other slots: the star path once ended at ten times the gap, on a last step between heads of other sizes."""
    A, B, X, y = moons_above(200, 0, (0, 2))
    found = verifier.certify(
        A, B, (X, y), loss="squared", method="sign-count", hidden_layers="frozen", out=tmp_path / "a.safetensors"
    )
    assert 0.0112 < found.lower_gap <= found.gap <= found.lower_gap * (1 + 1e-4)


def test_paths_above_a_backbone_that_is_too_large_for_exact_features(tmp_path):
    """Three classes, a layer of 300 below: no bound from below is known, and paths need no exact features."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 20)), np.arange(60) % 3
    layers = [(rng.normal(size=(n, k)) / k**0.5, rng.normal(size=n)) for k, n in ((20, 300), (300, 300))]
    A, B = (
        Network(
            (*(W for W, _ in layers), rng.normal(size=(8, 300)) / 17, rng.normal(size=(3, 8))),
            (*(b for _, b in layers), rng.normal(size=8), rng.normal(size=3)),
        )
        for _ in range(2)
    )
    methods = ["exchange", "line", "descent", "homotopy"]
    found, claims = certified(A, B, (X, y), ",".join(methods), tmp_path / "a.safetensors", loss="cross_entropy")
    assert sorted(b.method for b in found.bounds) == sorted(methods)
    assert found.gap == 0.0 < max(b.gap for b in found.bounds)
    assert not any(w.layer < 3 for c in claims if isinstance(c, PathUpperBound) for m in c.moves for w in m.writes)
    A, B = (n.replace(4, weight=n.weights[-1][:1], bias=n.biases[-1][:1]) for n in (A, B))
    with pytest.raises(UsageError, match="without rounding, which takes"):
        certified(A, B, (X, y - 1.0), "sign-count", tmp_path / "b.safetensors")


def tiny(loss, N=6):
    """Two networks of one neuron above a layer of two, of different signs; every kink lies among the samples."""
    rng = np.random.default_rng(4)
    X = np.sort(rng.uniform(-1, 1, (N, 1)), axis=0)
    y = np.where(np.arange(N) % 3 == 0, -1.0, 1.0) if loss in ("hinge", "logistic") else rng.normal(size=N)
    below = (np.array([[1.5], [-1.0]]), np.array([0.3, 0.4]))
    rows = ([[1.0, -0.5]], [[-0.75, 1.0]])
    A, B = (
        Network((below[0], np.array(row), np.array([[head]])), (below[1], np.array([0.1]), None))
        for row, head in zip(rows, (1.0, -1.0))
    )
    return A, B, (X, y)


@pytest.mark.parametrize("loss", ["squared", "huber", "logistic"])
def test_sign_counts_are_exact_cells(loss, tmp_path):
    A, B, data = tiny(loss)
    words = {"loss": loss, "delta": 0.5} if loss == "huber" else {"loss": loss}
    _, claims = certified(A, B, data, "sign-count", tmp_path / "s.safetensors", **words)
    objective = make_objective(loss, delta=words.get("delta"))
    cells = exact_gap(A, B, Risk(objective, data[0], data[1][:, None]), hidden_layers="frozen")
    level = max((c.level for c in claims if isinstance(c, SignCountBarrier)), default=cells.E)
    assert level == pytest.approx(cells.lower, rel=1e-6)


@pytest.mark.parametrize("loss", ["hinge", "absolute"])
def test_losses_that_cells_do_not_cover(loss, tmp_path):
    A, B, data = tiny(loss)
    found, claims = certified(A, B, data, "sign-count", tmp_path / "s.safetensors", loss=loss)
    assert found.gap is not None
    with pytest.raises(UsageError, match="the loss must be one of"):
        certified(A, B, data, "exact", tmp_path / "e.safetensors", loss=loss)
    assert not any(isinstance(c, BarrierLowerBound) for c in claims)


def test_what_is_not_covered_is_refused_with_the_reason(tmp_path):
    A, B, data = tiny("squared")
    out = tmp_path / "x.safetensors"

    def refused(a, b, words, **options):
        with pytest.raises(UsageError, match=words):
            verifier.certify(
                a,
                b,
                data,
                **{"loss": "squared", "method": "sign-count", "hidden_layers": "frozen", "out": out, **options},
            )

    other = B.replace(1, bias=B.biases[0] + 1.0)
    refused(A, other, "A and B differ in layer 1")
    leaky = [Network(n.weights, n.biases, negative_slope=0.1) for n in (A, B)]
    refused(*leaky, "expected ReLU, got Leaky ReLU")
    dead = [n.replace(1, bias=np.array([-9.0, 0.4])) for n in (A, B)]
    refused(*dead, "neuron 0 of that layer, from 0, .* leave it out of both networks")
    refused(A, B, "path is defined for one hidden layer", kappa=0.1, penalty="path")
    refused(A, B, "the penalty must be one of none", kappa=0.1, penalty="l1")
    two = [Network((*n.weights[:-1], np.vstack([n.weights[-1]] * 2)), n.biases) for n in (A, B)]
    with pytest.raises(UsageError, match="has no sign to count"):
        verifier.certify(
            *two,
            (data[0], np.column_stack([data[1]] * 2)),
            loss="squared",
            method="cones",
            hidden_layers="frozen",
            out=out,
        )


def test_on_the_command_line(tmp_path, capsys):
    A, B, (X, y) = pair(0, 0, 2)
    for name, n in (("a", A), ("b", B)):
        save_checkpoint(tmp_path / f"{name}.safetensors", n, {})
    np.savez(tmp_path / "d.npz", X=X, y=y)
    argv = ["landscape", "--data", str(tmp_path / "d.npz"), "--loss", "squared", "--frozen-hidden-layers", "--pair"]
    argv += [str(tmp_path / f"{name}.safetensors") for name in "ab"]
    assert main([*argv, "--out", str(tmp_path / "p"), "--no-report"]) == 0
    heard = capsys.readouterr()
    assert heard.out.startswith("CERTIFIED 0.0075")
    assert SAID in heard.out
    assert "homotopy: certified gap" in heard.err
    assert main(["check", str(tmp_path / "p" / "pair.safetensors"), "--reference"]) == 0
    assert "every path that keeps the hidden layers below the last one of A and B" in capsys.readouterr().err
    words = ["certify", *argv[1:3], "--loss", "squared", "--hidden-layers", "frozen", "--pair", *argv[-2:]]
    assert main([*words, "--out", str(tmp_path / "c.safetensors"), "--no-report"]) == 0
    assert SAID in capsys.readouterr().out

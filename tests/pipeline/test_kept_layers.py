"""`certify --method exact` and `landscape --pair` on paths that keep layers: several outputs, deep networks with shared hidden layers."""

import json

import numpy as np
import pytest

import verifier
from tests.kernel.barriers import KEPT, kept_instance
from verifier.certificate import read_certificate
from verifier.cli.main import main
from verifier.data.dataset import Dataset
from verifier.errors import UsageError
from verifier.kernel.statements import BarrierLowerBound, EndpointValue, PathUpperBound, Rejected
from verifier.kernel.statements.kept import OUTPUT_LAYERS, keeps_below
from verifier.networks.checkpoint import save_checkpoint
from verifier.networks.network import Network
from verifier.outcomes import BINDING, FROZEN, PATHS
from verifier.pipeline.kept import read_kept
from verifier.report.page import render


def asked(case):
    """(A, B, data, objective's words, layers' words, pass level)"""
    problem, claim, level, _ = kept_instance(**case)
    A, B = (Network(p.weights, p.biases) for p in (problem.A, problem.B))
    o, y = problem.objective, problem.targets
    kind = "multiclass" if y.max() > 1 else "binary"
    data = (
        Dataset(problem.X, y, "tiny", kind)
        if o.loss == "cross_entropy"
        else Dataset(problem.X, y if y.shape[1] > 1 else y[:, 0], "tiny", "regression")
    )
    words = {"loss": o.loss, "kappa": o.kappa, "penalty": o.penalty if o.kappa else None} | (
        {"delta": o.delta} if o.delta else {}
    )
    layers = {
        "output_layer": "frozen" if claim.frozen else "trained",
        "hidden_layers": "frozen" if keeps_below(claim.output_layer) else "trained",
    }
    return A, B, data, words, layers, level


WORDS = {
    ("frozen", "trained"): ("with the output layer frozen", "path with this output layer"),
    ("trained", "frozen"): (
        "with the layers below the last hidden one frozen",
        "path with these layers below the last hidden one",
    ),
    ("frozen", "frozen"): (
        "with all layers but the last hidden one frozen",
        "path with these layers but the last hidden one",
    ),
}


@pytest.mark.parametrize(
    "case",
    [c if k in (0, 2, 5, 7, 8) else pytest.param(c, marks=pytest.mark.slow) for k, c in enumerate(KEPT)],
    ids=str,
)
def test_both_ends_are_certified_and_say_which_paths_are_meant(case, tmp_path):
    A, B, data, words, layers, level = asked(case)
    out = tmp_path / "x.safetensors"
    result = verifier.certify(A, B, data, method="exact", out=out, **words, **layers)
    assert all(v.accepted for v in result.check() + result.check(reference=True))
    frozen, path = WORDS[layers["output_layer"], layers["hidden_layers"]]
    assert frozen in result.sentence
    low, high = (float(x) for x in result.sentence.split("(")[0].removeprefix("CERTIFIED").split("<= gap <="))
    assert 0 < low <= high <= low + 2e-4 * result.E
    c = read_certificate(out)
    barrier = next(x for x in c.claims if isinstance(x, BarrierLowerBound))
    assert barrier.level == pytest.approx(level, rel=1e-6)
    kept = range(1, A.depth - 1) if "below" in case else ()
    paths = [x for x in c.claims if isinstance(x, PathUpperBound)]
    assert {x.output_layer for x in paths} == {barrier.output_layer}
    assert not any(w.layer in kept for x in paths for m in x.moves for w in m.writes)
    page = render(c)
    assert f"very {path.replace('path', 'path from A to B', 1)} reaches" in page
    assert "contradicts itself" not in page
    between = 0.5 * (max(x.lower for x in c.claims if isinstance(x, EndpointValue)) + barrier.level)
    refuted = verifier.certify(
        A, B, data, method="exact", out=tmp_path / "y.safetensors", level=between, **words, **layers
    )
    assert refuted.sentence.startswith(f"REFUTED no {path} stays at or below")
    assert refuted.outcome.exit_code == 5
    # What other commands read from the file is no statement about all paths.
    again = read_kept(out, c.problem)
    said = again.answer(None)[1]
    assert said.count("<=") == 2
    assert frozen in said
    assert f"no {path} stays" in again.answer(between)[1]


def test_a_pair_on_the_command_line(tmp_path, capsys):
    A, B, data, _, _, level = asked(KEPT[0])
    for name, n in (("a", A), ("b", B)):
        save_checkpoint(tmp_path / f"{name}.safetensors", n, {})
    np.savez(tmp_path / "d.npz", X=data.X, y=data.y)
    argv = [
        "landscape",
        "--data",
        str(tmp_path / "d.npz"),
        "--pair",
        str(tmp_path / "a.safetensors"),
        str(tmp_path / "b.safetensors"),
        "--loss",
        "squared",
    ]
    assert main([*argv, "--frozen-output-layer", "--json", "--out", str(tmp_path / "p")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert "with the output layer frozen" in found["sentence"]
    c = read_certificate(tmp_path / "p" / "pair.safetensors")
    assert next(x for x in c.claims if isinstance(x, BarrierLowerBound)).level == pytest.approx(level, rel=1e-6)
    assert main(["check", str(tmp_path / "p" / "pair.safetensors"), "--reference"]) == 0
    assert "every path that keeps the output layer of A and B" in capsys.readouterr().err
    # Several outputs that are trained, and layers below that are none: with the reason, and the documented exit code.
    assert main([*argv, "--methods", "line", "--out", str(tmp_path / "q")]) == 2
    assert "may turn without passing 0" in capsys.readouterr().err
    assert main([*argv, "--frozen-hidden-layers", "--out", str(tmp_path / "r")]) == 2
    said = capsys.readouterr().err
    assert "expected at least two hidden layers for paths that keep those below the last one, got one" in said
    assert "landscape: landscape:" not in said
    assert main(["landscape", "--data", str(tmp_path / "d.npz"), "--width", "2", "--frozen-hidden-layers"]) == 2
    assert "only with --pair" in capsys.readouterr().err


def test_a_deep_pair_on_the_command_line(tmp_path, capsys):
    A, B, data, *_ = asked(KEPT[7])
    for name, n in (("a", A), ("b", B)):
        save_checkpoint(tmp_path / f"{name}.safetensors", n, {})
    np.savez(tmp_path / "d.npz", X=data.X, y=data.y)
    argv = [
        "landscape",
        "--data",
        str(tmp_path / "d.npz"),
        "--pair",
        str(tmp_path / "a.safetensors"),
        str(tmp_path / "b.safetensors"),
        "--loss",
        "squared",
    ]
    assert main([*argv, "--frozen-hidden-layers", "--out", str(tmp_path / "p"), "--no-report"]) == 0
    assert "with the layers below the last hidden one frozen" in capsys.readouterr().out
    assert main(["check", str(tmp_path / "p" / "pair.safetensors"), "--reference"]) == 0
    assert "every path that keeps the hidden layers below the last one of A and B" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("which", "words", "message"),
    [
        (0, {}, "no finite number of cells is known"),
        (6, {}, "F is not convex on any cell"),
        (6, {"output_layer": "frozen"}, "F is not convex on any cell"),
        (
            0,
            {"hidden_layers": "frozen"},
            "expected at least two hidden layers for paths that keep those below the last one, got one",
        ),
        (
            6,
            {"hidden_layers": "frozen", "method": "exact,halves"},
            "frozen with all, or some of exchange, line, descent, homotopy, sign-count, cones, exact",
        ),
        (6, {"output_layer": "frozen", "hidden_layers": "frozen", "method": "all"}, "frozen with method exact alone"),
        (6, {"output_layer": "frozen", "method": "sign-count"}, "frozen with method exact alone"),
        (6, {"method": "cones"}, "which both must share .hidden_layers=frozen."),
        (0, {"hidden_layers": "frozen", "method": "cones"}, "expected at least two hidden layers"),
        (6, {"hidden_layers": "cold"}, "hidden_layers must be one of trained, frozen"),
        (0, {"method": "sign-count"}, "has no sign to count"),
        (0, {"method": "cones"}, "has no sign to count"),
    ],
)
def test_what_does_not_carry_over_is_said_with_the_reason(which, words, message, tmp_path):
    A, B, data, *_ = asked(KEPT[which])
    with pytest.raises(UsageError, match=message):
        verifier.certify(A, B, data, loss="squared", out=tmp_path / "x.safetensors", **{"method": "exact", **words})


def test_layers_that_differ_are_named(tmp_path):
    A, B, data, words, layers, _ = asked(KEPT[6])
    other = B.replace(2, bias=B.biases[1] + 1.0)
    with pytest.raises(UsageError, match="differ in layer 2"):
        verifier.certify(A, other, data, method="exact", out=tmp_path / "x.safetensors", **words, **layers)


def _found_by_an_attack():
    """Three outputs, cross-entropy: entries that the kernel solves for leave the simplex when those within 1e-9 of its edge may move."""
    V, c = np.array([[-1.25, 1.25, -2.5], [-1.5, -0.5, -1.0], [1.0, 0.75, 0.25]]), np.array([1.5, 1.25, 1.25])
    rows = (
        [[-0.33203125, 1.263671875], [1.3212890625, 2.2060546875], [-0.005859375, 0.0517578125]],
        [[-0.7197265625, 1.451171875], [-6.7666015625, -0.419921875], [0.0107421875, -0.1103515625]],
    )
    A, B = (Network((np.array(W), V), (None, c)) for W in rows)
    return A, B, (np.array([[1.5, 0.75], [2, -1.25], [0.25, 0.5], [-0.75, 0]]), np.array([0, 1, 2, 0]))


def test_duals_near_the_edge_of_the_simplex(tmp_path):
    A, B, data = _found_by_an_attack()
    found = verifier.certify(
        A, B, data, loss="cross_entropy", method="exact", output_layer="frozen", out=tmp_path / "c.safetensors"
    )
    assert found.lower_gap == pytest.approx(found.gap, rel=1e-6)
    assert found.gap > 0.07


def test_a_path_stays_where_the_kernel_refuses_its_lower_bound(tmp_path, monkeypatch):
    """By name as well: what is certified is written, and the run says what is missing."""
    A, B, data = _found_by_an_attack()

    def refuse(*_):
        raise Rejected("a dual that is none")

    monkeypatch.setattr("verifier.elaboration.barriers.check_barrier", refuse)
    said, out = [], tmp_path / "c.safetensors"
    found = verifier.certify(
        A, B, data, loss="cross_entropy", method="exact", output_layer="frozen", out=out, say=said.append
    )
    assert any("no lower bound" in line and line.endswith("left out") for line in said)
    assert found.gap > 0.07
    assert found.lower_gap is None
    assert out.exists()


def test_every_word_of_kept_layers_has_its_phrases():
    assert set(PATHS) == set(BINDING) == set(OUTPUT_LAYERS) == {*FROZEN, "trained"}
    assert all({"trained", word} <= set(BINDING[word]) for word in OUTPUT_LAYERS)

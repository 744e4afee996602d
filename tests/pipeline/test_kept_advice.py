"""Refusals of exact gaps name the whole of what covers the pair: whoever follows one literally arrives, in one step."""

import re

import numpy as np
import pytest

import verifier
from verifier.cli.main import main
from verifier.errors import UsageError
from verifier.landscape.kept_layers import FROZEN_LOSSES, Kept, advice, ways, why_not
from verifier.networks.checkpoint import save_checkpoint
from verifier.networks.network import Network
from verifier.objective import make_objective

FLAGS = ("--frozen-output-layer", "--frozen-hidden-layers")
ASKED = [(), FLAGS[:1], FLAGS[1:], FLAGS]
PENALTIES = ("none", "l1", "path", "weight_decay")


def pair_of(K, deep, *, shared_below=True, shared_output=True, output_bias=False, seed=3):
    rng = np.random.default_rng(seed)

    def below():
        return rng.normal(size=(3, 1)), rng.normal(size=3)

    def output():
        return rng.normal(size=(K, 2)), rng.normal(size=K) if output_bias else None

    first, last, nets = below(), output(), []
    for _ in range(2):
        row = rng.normal(size=(2, 3 if deep else 1)), rng.normal(size=2)
        low = [first if shared_below else below()] if deep else []
        layers = [*low, row, last if shared_output else output()]
        nets.append(Network(tuple(W for W, _ in layers), tuple(b for _, b in layers)))
    X = rng.normal(size=(4, 1))
    return *nets, X, rng.normal(size=(4, K)) if K > 1 else rng.normal(size=4)


def followed(flags, text):
    """The options in the place of `flags`, as the sentence says."""
    (said,) = re.findall(r"`verifier landscape --pair A B([^`]*)`", text)
    return said.split()


@pytest.mark.parametrize("shared", [True, False], ids=["output layer shared", "output layers differ"])
@pytest.mark.parametrize("deep", [False, True], ids=["shallow", "deep"])
@pytest.mark.parametrize("K", [1, 2])
def test_every_advice_is_followed_in_one_step(K, deep, shared, tmp_path, capsys):
    A, B, X, y = pair_of(K, deep, shared_output=shared)
    for name, n in (("a", A), ("b", B)):
        save_checkpoint(tmp_path / f"{name}.safetensors", n, {})
    np.savez(tmp_path / "d.npz", X=X, y=y)
    place = [str(tmp_path / n) for n in ("a.safetensors", "b.safetensors", "d.npz", "out")]
    start = [
        "landscape",
        "--pair",
        *place[:2],
        "--data",
        place[2],
        "--out",
        place[3],
        "--loss",
        "squared",
        "--no-report",
        "--methods",
        "line",
    ]
    refusals = 0
    for penalty in PENALTIES:
        price = [] if penalty == "none" else ["--kappa", "0.01", "--penalty", penalty]
        for flags in ASKED:
            code, err = main([*start, *price, *flags]), capsys.readouterr().err
            if code == 0:
                assert "skipped" not in err
                continue
            assert code == 2
            refusals += 1
            if K == 2 and not shared:
                assert "use l1 or none" in err or "no exact barrier is known for this pair under this loss" in err
                continue
            # The last of equal options counts, so that those of the sentence replace the others.
            assert main([*start, *price, *followed(flags, err.splitlines()[-1])]) == 0, err
            capsys.readouterr()
    assert refusals >= 8


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("loss", [*FROZEN_LOSSES, "hinge"])
def test_the_rule_says_what_the_search_does(loss, penalty, tmp_path):
    """In Python, with every sharing of layers: covered by the rule, and only then, is found by `certify`."""
    K = 2 if loss == "cross_entropy" else 1
    met = set()
    for deep in (False, True):
        for below, output in ((True, True), (True, False), (False, True)):
            A, B, X, y = pair_of(K, deep, shared_below=below, shared_output=output)
            y = y if loss in ("squared", "huber") else np.array([0, 1, 1, 0])
            words = {"loss": loss, "delta": 0.5 if loss == "huber" else None} | (
                {} if penalty == "none" else {"kappa": 0.01, "penalty": penalty}
            )
            objective = make_objective(**words)
            for kept in (Kept(o, h) for o in ("trained", "frozen") for h in ("trained", "frozen")):
                covered = why_not(A, B, objective, kept) is None
                met.add(covered)
                layers = {"output_layer": kept.output_layer, "hidden_layers": kept.hidden_layers}
                asked = dict(
                    data=(X, y), method="exact", out=tmp_path / "c.safetensors", most_cells=20, **words, **layers
                )
                if covered:
                    assert not verifier.certify(A, B, **asked).refused
                elif kept != Kept():  # then other searches stand in where cells do not apply
                    with pytest.raises(UsageError):
                        verifier.certify(A, B, **asked)
    assert False in met
    assert (True in met) == (loss != "hinge" and not (loss == "cross_entropy" and penalty == "weight_decay"))


def test_an_advice_changes_no_more_than_it_must():
    A, B, *_ = pair_of(2, True)
    squared = make_objective("squared")
    text = advice(A, B, squared, Kept())
    assert "`verifier landscape --pair A B --frozen-output-layer --frozen-hidden-layers`" in text
    assert text.endswith('in Python output_layer="frozen", hidden_layers="frozen"')
    l1 = make_objective("squared", kappa=0.1, penalty="l1", penalise_output_bias=True)
    assert "--no-penalise-output-bias`" in advice(A, B, l1, Kept("frozen", "frozen"))
    assert "--penalty" not in advice(A, B, l1, Kept("frozen", "frozen"))
    assert all(why_not(A, B, o, kept) is None for kept, o in ways(A, B, l1))
    weighted = squared.weighted(np.array([1.0, 2.0, 1.0, 1.0]))
    assert ", without sample weights, " in advice(A, B, weighted, Kept("frozen", "frozen"))


def test_what_else_is_certified_answers_no_question_about_the_exact_gap(tmp_path):
    """docs/landscape.md: exit code 2; other constructions' bounds are written, and the result says what was refused."""
    A, B, X, y = pair_of(2, False)
    result = verifier.certify(A, B, (X, y), loss="squared", method="exact,line", out=tmp_path / "c.safetensors")
    assert set(result.refused) == {"exact"}
    assert "what covers this pair" in result.refused["exact"]
    assert [b.method for b in result.bounds] == ["line"]

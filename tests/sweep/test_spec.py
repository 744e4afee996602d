"""A sweep file is read strictly: an error says where, what came, and what is allowed."""

from pathlib import Path

import pytest

from tests.sweep.conftest import small
from verifier.errors import UsageError
from verifier.sweep.spec import Pairs, SweepFileError, parse_sweep, read_preset, read_sweep_file

BASE = 'data = "moons:n=60"\nloss = "logistic"\nwidths = [4]\nseeds = 4\n'


def parse(text):
    return parse_sweep(text, "s.toml", Path("/nowhere"))


def block(more="", base=BASE):
    return f"[[experiment]]\n{base}{more}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "s.toml: expected one or more [[experiment]] blocks, got nothing"),
        ("experiment = 3", "s.toml: expected one or more [[experiment]] blocks, got 3"),
        ("widths = [4]", "s.toml: at the top: unknown key 'widths'; allowed: experiment"),
        (block("width = 4"), "s.toml: experiment 1: unknown key 'width'; allowed: data, loss, widths, seeds, name, target"),
        (block(base='data = "moons"\nloss = "logistic"\nwidths = [4]'), "experiment 1: seeds is missing; every experiment needs data, loss, widths, seeds"),
        (block("[experiment.training]\nepoch = 3"), "experiment 1: training: unknown key 'epoch'; allowed: epochs, lr, batch, kappa, penalty"),
        (block("[experiment.training]\nepochs = 3.5"), "experiment 1: training: epochs must be an integer, got 3.5"),
        (block("[experiment.training]\nkappa = true"), "experiment 1: training: kappa must be a number, got True"),
        (block("training = 3"), "experiment 1: training must be a table with keys epochs"),
        (block("[experiment.objective]\nlr = 1.0"), "experiment 1: objective: unknown key 'lr'; allowed: loss, delta, kappa"),
        (block('pairs = "all"'), "experiment 1: pairs must be \"disjoint\", \"paper\", {paper = n} or {random = n, seed = s}, got 'all'"),
        (block("pairs = {random = 2, sed = 1}"), "experiment 1: pairs: unknown key 'sed'; allowed: random, seed"),
        (block("pairs = {seed = 1}"), "experiment 1: pairs must be"),
        (block('methods = ["swap"]'), "experiment 1: methods: 'swap' is unknown; expected "),
        (block('methods = ["all"]'), "experiment 1: methods lists constructions that need no file, by name; leave 'all' out"),
        (block("polish = 1"), "experiment 1: polish must be true or false, got 1"),
        (block('methods = ["string"]'), "leave 'string' out"),
        (block('methods = ["dss", "dss"]'), "experiment 1: methods names 'dss' twice"),
        (block("methods = []"), "experiment 1: methods must be a list of names, got []"),
        (block("level = nan"), "experiment 1: level must be a finite number, got nan"),
        (block("level = 'x'"), "experiment 1: level must be a number, got 'x'"),
        (block('protocol = "fast"'), "experiment 1: protocol must be one of paper, sgd, default, got 'fast'"),
        (block(base=BASE.replace("[4]", "[4, 4]")), "experiment 1: widths must be different integers of at least 1, got [4, 4]"),
        (block(base=BASE.replace("[4]", "4")), "experiment 1: widths must be a list of integers, got 4"),
        (block(base=BASE.replace("seeds = 4", 'seeds = "4"')), "experiment 1: seeds '4': expected a range such as \"0:40\""),
        (block(base=BASE.replace("seeds = 4", "seeds = [1, 1]")), "seeds must name 2 to 100000 different networks, got 2"),
        (block(base=BASE.replace("seeds = 4", "seeds = 1")), "seeds must name 2 to 100000 different networks, got 1"),
        (block(base=BASE.replace("seeds = 4", "seeds = 999999999")), "seeds must name 2 to 100000"),
        (block() + block(), "two experiments are called 'moons:n=60'; give each its own name"),
    ],
)  # fmt: skip
def test_what_is_not_allowed_is_said(text, message):
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert message in str(caught.value)


def test_no_toml_is_a_malformed_file(tmp_path):
    with pytest.raises(SweepFileError, match="is not TOML") as caught:
        parse("[[experiment")
    assert caught.value.exit_code == 4
    with pytest.raises(SweepFileError, match="cannot be read"):
        read_sweep_file(tmp_path / "none.toml")


def test_everything_that_is_allowed():
    (e,) = parse(
        """
        [[experiment]]
        name = "x"
        data = "mine.csv"
        target = "label"
        task = "regression"
        standardize = true
        train_split = 0.5
        loss = "huber"
        delta = 2
        widths = [4, 8]
        seeds = [0, 5, 7]
        protocol = "paper"
        pairs = {random = 2, seed = 3}
        methods = ["exchange", "dss"]
        level = 1
        polish = true
        seed = 4
        dss_preset = "freeman-bruna"
        training = {epochs = 3, lr = 0.1, kappa = 1, penalty = "path", penalise_output_bias = true, bias = false}
        objective = {loss = "squared", kappa = 0, penalty = "none"}
        """
    )
    assert e.data_options == {"target": "label", "task": "regression", "standardize": True, "train_split": 0.5}
    assert (e.training.delta, e.options.level, e.options.seed, e.pairs) == (2.0, 1.0, 4, Pairs("random", 2, 3))
    assert (e.training.protocol, e.training.kappa, e.training.bias) == ("paper", 1.0, False)
    assert (e.objective.loss, e.objective.kappa) == ("squared", 0.0)
    assert (e.options.polish, e.options.dss_preset) == (True, "freeman-bruna")
    assert e.methods == ("exchange", "dss")
    assert e.seeds == (0, 5, 7)


def test_defaults():
    (e,) = parse(block())
    assert (e.name, e.training.protocol, e.pairs, e.methods, e.seeds) == (
        "moons:n=60", "default", Pairs(), ("exchange",), (0, 1, 2, 3),
    )  # fmt: skip


def test_data_beside_the_file_are_found_from_anywhere(tmp_path):
    (tmp_path / "mine.csv").write_text("a,label\n1,0\n2,1\n")
    path = tmp_path / "s.toml"
    path.write_text(block(base=BASE.replace("moons:n=60", "mine.csv")))
    (e,) = read_sweep_file(path)
    assert e.data == str(tmp_path / "mine.csv")
    assert e.name == "mine.csv"


def test_the_paper_preset():
    """Moons and Breast Cancer, widths 20 and 200, 200 pairs each of the paper's own (docs/constructions.md, section 3)."""
    moons, cancer = read_preset("paper")
    assert (moons.data, moons.loss) == ("paper-moons", "squared")
    assert (cancer.data, cancer.loss) == ("paper-breast-cancer", "logistic")
    for e in (moons, cancer):
        assert (e.widths, e.training.protocol, e.pairs) == ((20, 200), "paper", Pairs("paper", 200))
    with pytest.raises(UsageError, match="preset 'x' is unknown; choose one of paper"):
        read_preset("x")


def test_the_small_sweep_of_these_tests_is_allowed():
    assert parse(small())[0].name == "small"

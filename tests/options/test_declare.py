"""An option is declared once; Python, the command line and sweep files say the same about it."""

import argparse
import ast
import inspect
from dataclasses import dataclass, fields
from pathlib import Path

import pytest

import verifier
from verifier.cli.main import COMMANDS, make_parser
from verifier.cli.options import add_options, read_options
from verifier.options.certify import CertifyOptions
from verifier.options.data import DataOptions
from verifier.options.declare import option, options_of
from verifier.options.objective import ObjectiveOptions
from verifier.options.reading import Reading
from verifier.options.training import TrainingOptions
from verifier.sweep import spec

CLASSES = (ObjectiveOptions, CertifyOptions, DataOptions, TrainingOptions, Reading)


@dataclass(frozen=True)
class Toy:
    count: int = option(3, help="how many", metavar="N")
    share: float | None = option(help="100 % at most")
    loud: bool = option(False, help="say it")
    kind: str = option("a", help="which", choices=("a", "b"))
    quiet: bool | None = option(help="or not")
    thing: object = option(help="anything", python_only=True)


def test_flags_have_the_types_and_defaults_of_the_declaration(capsys):
    parser = argparse.ArgumentParser()
    add_options(parser, Toy)
    assert read_options(parser.parse_args([]), Toy) == Toy()
    words = ["--count", "5", "--share", "0.5", "--loud", "--kind", "b", "--no-quiet"]
    assert read_options(parser.parse_args(words), Toy) == Toy(5, 0.5, True, "b", False)
    for bad in (["--count", "x"], ["--kind", "c"], ["--thing", "x"]):
        with pytest.raises(SystemExit):
            parser.parse_args(bad)
    text = parser.format_help()
    assert "how many (default: 3)" in text
    assert "100 % at most" in text


@pytest.mark.parametrize("cls", CLASSES)
def test_every_option_has_a_sentence(cls):
    for o in options_of(cls):
        assert len(o.help) > 4, o.name


def test_the_command_line_offers_every_option_of_a_certification():
    parser = make_parser()
    command = next(a for a in parser._actions if a.dest == "command").choices["certify"]
    flags = {flag for action in command._actions for flag in action.option_strings}
    for cls in (ObjectiveOptions, DataOptions, Reading, CertifyOptions):
        assert {o.flag for o in options_of(cls) if not o.python_only} <= flags
    assert "certify" in COMMANDS


def test_python_shows_every_option_of_a_certification():
    parameters = inspect.signature(verifier.certify).parameters
    for cls in (ObjectiveOptions, CertifyOptions):
        for o in options_of(cls):
            assert parameters[o.name].default == o.default
            assert f"{o.name}: {o.help}" in verifier.certify.__doc__


def test_a_misspelt_keyword_is_answered_with_the_right_one():
    with pytest.raises(TypeError, match=r"certify\(\) got an unexpected keyword argument 'kapa'; did you mean 'kappa'"):
        verifier.certify("a.pt", "b.pt", kapa=0.1)
    with pytest.raises(TypeError, match=r"train_network\(\) got an unexpected keyword argument 'epoch'"):
        verifier.train_network(None, 3, "logistic", seed=0, epoch=3)


@pytest.mark.parametrize("cls", [CertifyOptions, DataOptions, ObjectiveOptions, Reading, TrainingOptions])
def test_classes_of_options_answer_a_misspelt_keyword_too(cls):
    name = options_of(cls)[0].name
    wrong = name[:-1] + 2 * name[-1]
    with pytest.raises(
        TypeError, match=rf"{cls.__name__}\(\) got an unexpected keyword argument '{wrong}'; did you mean '{name}'\?"
    ):
        cls(**{wrong: None})
    assert list(inspect.signature(cls).parameters) == [f.name for f in fields(cls)]
    assert cls() == cls()


def test_a_reading_answers_a_misspelt_keyword():
    with pytest.raises(TypeError, match=r"Reading\(\) got an unexpected keyword argument 'keey'; did you mean 'key'\?"):
        Reading(keey="net")
    assert Reading("a,b", key="net").layout == "a,b"


def test_every_class_of_options_answers_so():
    """A new one has the decorator as well."""
    for file in (Path(verifier.__file__).parent / "options").glob("*.py"):
        text = file.read_text("utf-8")
        if "= option(" in text:
            assert text.count("@hinted\n@dataclass(") == text.count("\n@dataclass("), file


def test_sweep_files_take_their_keys_from_the_declarations():
    assert set(spec.CERTIFY) == {o.name for o in options_of(CertifyOptions) if o.sweep}
    assert {"level", "polish", "seed", "dss_preset", "tight"} <= set(spec.CERTIFY)
    assert set(spec.OBJECTIVE) == {o.name for o in options_of(ObjectiveOptions)}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"level": float("nan")}, "level must be a finite number"),
        ({"tight": 0.0}, "tight must be a positive number"),
        ({"tight": float("nan")}, "tight must be a positive number"),
        ({"estimate_seconds": 0.0}, "estimate_seconds must be a positive number of CPU seconds"),
        ({"estimate_seconds": float("nan")}, "estimate_seconds must be a positive number of CPU seconds"),
        ({"dss_preset": "mine"}, "dss_preset must be one of plain, paper, freeman-bruna"),
        ({"l": "0"}, "l: expected integers of at least 1"),
        ({"l": "2.5"}, "l: expected integers of at least 1"),
        ({"l": [2.5]}, "l: expected integers of at least 1"),
        ({"l": "3,3"}, "each once"),
        ({"l": ()}, "l: expected integers of at least 1"),
        ({"alpha": "-0.1"}, "alpha: expected angles in"),
        ({"alpha": "nan"}, "alpha: expected angles in"),
        ({"alpha": "2"}, "alpha: expected angles in"),
        ({"polish": "no"}, "polish: expected True or False, got 'no'"),
        ({"seed": "x"}, "seed: expected an integer"),
        ({"seed": True}, "seed: expected an integer"),
        ({"estimate_seconds": True}, "estimate_seconds: expected a number"),
        ({"pos_weight": float("nan")}, "pos_weight: expected a finite number"),
        ({"output_layer": "cold"}, "output_layer must be one of trained, frozen"),
    ],
)
def test_values_out_of_range_are_refused(options, message):
    with pytest.raises(verifier.UsageError, match=message):
        CertifyOptions(**options)


def test_no_function_of_certifys_chain_takes_more_than_ten_parameters():
    root = Path(verifier.__file__).parent
    long = []
    for room in ("pipeline", "many", "sweep", "cli", "options", "elaboration", "kernel", "report"):
        for file in (root / room).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.FunctionDef):
                    a = node.args
                    count = len([*a.posonlyargs, *a.args, *a.kwonlyargs])
                    if count > 10:
                        long.append(f"{file.relative_to(root)}:{node.name} takes {count}")
    assert long == []


def test_lists_are_read_from_text_and_from_python():
    assert CertifyOptions(l="2,5", alpha="0,0.1") == CertifyOptions(l=[2, 5], alpha=(0.0, 0.1))
    assert CertifyOptions(l=3).l == (3,)


def test_the_two_values_are_what_their_names_say():
    for options in (
        {"objective": "logistic"},
        {"objective": {"loss": "logistic"}},
        {"options": {"seed": 1}},
        {"options": ObjectiveOptions()},
    ):
        with pytest.raises(verifier.UsageError, match=r"(objective|options): expected"):
            verifier.certify("a.pt", "b.pt", **options)


def test_none_is_no_choice():
    """A keyword that is None leaves what the objective's value says."""
    from verifier.objective import make_objective
    from verifier.pipeline.certify import asked_for

    asked, _ = asked_for("certify", make_objective("squared", kappa=0.1), None, {"loss": None, "kappa": 0.2})
    assert (asked.loss, asked.kappa, asked.penalty) == ("squared", 0.2, "path")


@pytest.mark.parametrize(
    ("options", "words"),
    [({"l": 3}, "--l 3"), ({"alpha": [0, 0.1]}, "--alpha 0,0.1"), ({"estimate_seconds": 2.0}, "--estimate-seconds 2")],
)
def test_an_option_that_would_change_nothing_is_refused_at_every_door(options, words):
    message = f"{words} is .*, and would change nothing with method exchange"
    with pytest.raises(verifier.UsageError, match=message):
        verifier.certify("a.pt", "b.pt", method="exchange", **options)
    with pytest.raises(verifier.UsageError, match=message):
        verifier.certify_all(["a.pt", "b.pt", "c.pt"], **options)
    if "estimate_seconds" not in options:
        block = 'data = "moons"\nloss = "logistic"\nwidths = [4]\nseeds = 2\n' + "".join(
            f"{k} = {','.join(map(str, v)) if isinstance(v, list) else v!s}\n".replace("= ", '= "', 1).rstrip() + '"\n'
            for k, v in options.items()
        )
        with pytest.raises(verifier.UsageError, match=message):
            spec.parse_sweep(f"[[experiment]]\n{block}", "s.toml", Path.cwd())


def test_a_device_that_is_not_here_stops_all_pairs_before_any_is_begun():
    with pytest.raises(verifier.UsageError, match="device 'nowhere' is not available here"):
        verifier.certify_all(["a.pt", "b.pt", "c.pt"], method="dss", device="nowhere")

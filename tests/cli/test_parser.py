"""Mistakes on the command line: one line, exit code 2, and what was probably meant."""

import pytest

from verifier.cli.main import main
from verifier.cli.parser import ELSEWHERE, LOSSES
from verifier.objective import make_objective


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["certify", "--pari", "a.pt", "b.pt"], "--pari: did you mean --pair?"),
        (["certify", "--pair", "a.pt", "b.pt", "--repotr", "x.html"], "--repotr: did you mean --report"),
        (
            ["certify", "--pair", "a.pt", "b.pt", "--weight-decay", "1e-3"],
            "--weight-decay: here --penalty weight_decay --kappa",
        ),
        (["certify", "--pair", "a.pt", "b.pt", "--loss", "mse"], "mse: here --loss squared"),
        (["certify", "--pair", "a.pt", "b.pt", "--loss=BCE"], "BCE: here --loss logistic"),
        (["certfy", "--pair", "a.pt", "b.pt"], "certfy: did you mean certify?"),
        (["check", "x", "--refernce"], "--refernce: did you mean --reference?"),
        (["certify", "--pair", "a.pt", "b.pt", "--loss=sqared"], "choose from 'logistic'"),
        ([], "required: COMMAND"),
    ],
)
def test_a_mistake_is_answered_with_what_was_meant(words, expected, capsys):
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert expected in said
    assert len(said.splitlines()) == 1
    assert "--help says more" in said


def test_abbreviations_of_options_are_no_mistake(capsys):
    """argparse takes an option's beginning where it is the beginning of one only; then nothing is suggested for it."""
    with pytest.raises(SystemExit):
        main(["certify", "--pai", "a.pt", "b.pt", "--nosuchthing"])
    assert "--pai:" not in capsys.readouterr().err


def test_names_from_elsewhere_lead_to_names_from_here(capsys):
    """What is said instead are losses, and options, that the command takes."""
    for option, said in ELSEWHERE.items():
        number = ["0.1"] if said.endswith("kappa") else []
        with pytest.raises(SystemExit):
            main(["certify", "--pair", "a.pt", "b.pt", option, *said.split(), *number])
        assert f"unrecognized arguments: {option} (" in capsys.readouterr().err, "and not what is said instead"
    for name in set(LOSSES.values()):
        make_objective(name, delta=0.5 if name == "huber" else None)

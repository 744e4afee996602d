"""Mistakes on the command line: one line, exit code 2, and what was probably meant."""

import pytest

from verifier.cli.main import main


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["certify", "--pari", "a.pt", "b.pt"], "--pari: did you mean --pair?"),
        (["certify", "--pair", "a.pt", "b.pt", "--repotr", "x.html"], "--repotr: did you mean --report"),
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

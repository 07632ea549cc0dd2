"""Command lines are parsed strictly, and mistakes are UserErrors of one line."""

from __future__ import annotations

import argparse

import pytest

from townlet.console.parsing import Parser, positive
from townlet.errors import UserError


def parser() -> Parser:
    made = Parser("townlet count", "Counts.", "examples:\n  townlet count --ticks 3")
    made.add_argument("--ticks", type=positive, default=1)
    return made


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--tick", "3"],
            r"unrecognized arguments: --tick 3 \(see townlet count --help\)",
        ),  # no abbreviations
        (["--ticks"], r"--ticks: expected one argument \(see townlet count --help\)"),
        (["--ticks", "0"], "argument --ticks: expected a number of 1 or more, got '0'"),
        (["--ticks", "many"], "expected a number of 1 or more, got 'many'"),
        (["more"], "unrecognized arguments: more"),
    ],
)
def test_mistakes_are_one_line(words: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message) as raised:
        parser().parse_args(words)
    assert "\n" not in str(raised.value)


def test_what_is_right_is_parsed() -> None:
    assert parser().parse_args(["--ticks", "12"]).ticks == 12


def test_help_keeps_the_lines_of_its_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(["--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.endswith("examples:\n  townlet count --ticks 3\n")


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "", " 3", "١٢x"])
def test_positive_takes_whole_numbers_from_one(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="expected a number of 1 or more"):
        positive(text)

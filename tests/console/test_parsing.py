"""Command lines are parsed strictly, and mistakes are UserErrors of one line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import pytest

from townlet.console.parsing import (
    Parser,
    is_number_in_other_digits,
    nearest_option,
    parser_of,
    positive,
    share,
    span,
    whole,
)
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
            r"unrecognized arguments: --tick 3; did you mean --ticks\? \(see townlet count --help\)",
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


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "", " 3", "١٢x", "١٢", "１２", "1२", "²", "9" * 41])
def test_positive_takes_whole_numbers_from_one(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="expected a number of 1 or more"):
        positive(text)


@pytest.mark.parametrize(
    "text", ["1.5", "", " 3", "١٢", "１２", "0x1", "1__0", "_1", "1e3", "true", "²", "9" * 41]
)
def test_whole_numbers_are_written_in_digits(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="expected a whole number"):
        whole(text)
    assert [whole(text) for text in ("0", "-7", "+7", "1_000")] == [0, -7, 7, 1000]


@pytest.mark.parametrize(
    "text", ["", "-1", "nan", "inf", "1e999", "٠.٥", "０.５", "2%", "0x1", "1_0", ".", "true"]
)
def test_shares_are_decimal_numbers(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="expected a share of 0 or more"):
        share(text)
    assert [share(text) for text in ("0", ".5", "0.02", "2.", "1e-3")] == [0.0, 0.5, 0.02, 2.0, 0.001]


def test_numbers_in_other_digits() -> None:
    found = [is_number_in_other_digits(text) for text in ("１２", "٠.٥", "12", "é", "²", "")]
    assert found == [True, True, False, False, False, False]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("--force", "--overwrite"),
        ("--replace", "--overwrite"),
        ("-j", "--workers"),
        ("--num_workers", "--workers"),
        ("--out", "--output"),
        ("--steps", "--ticks"),
        ("--tick", "--ticks"),
        ("--dryrun", "--dry-run"),
        ("--DRY_RUN", "--dry-run"),
        ("--overwrit", "--overwrite"),
        ("--sede", "--seed"),
        ("--for", None),
        ("--verbose", None),
        ("--wake", None),
        ("-z", None),
    ],
)
def test_an_option_that_is_none(typed: str, expected: str | None) -> None:
    """What others call it, or what is spelled nearly so; a poor guess is worse than none."""
    known = ["--overwrite", "--workers", "--output", "--ticks", "--dry-run", "--seed", "--seeds", "-h"]
    assert nearest_option(typed, known) == (f"; did you mean {expected}?" if expected else "")


def test_a_hint_names_only_options_of_the_command() -> None:
    with pytest.raises(UserError, match=r"unrecognized arguments: --steps 3; did you mean --ticks\? \(see"):
        parser().parse_args(["--steps", "3"])
    with pytest.raises(UserError, match=r"unrecognized arguments: --force \(see"):
        parser().parse_args(["--force"])


def outputs() -> Parser:
    made = Parser("townlet write", "Writes.")
    group = made.add_argument_group("what")
    group.add_argument("--output", metavar="DIR")
    group.add_argument("--dry-run", action="store_true")
    made.add_argument("--quiet", action="store_true", help="not this")
    made.add_argument("names", nargs="*")
    return made


@pytest.mark.parametrize(
    "words",
    ["--output out --dry-run --quiet", "-o out -n -q", "-oout -nq", "-nqo out", "-nqoout", "-o=out -qn",
     "-q --output=out -n"],
)  # fmt: skip
def test_short_options_are_the_long_ones(words: str) -> None:
    found = outputs().parse_args(words.split())
    assert (found.output, found.dry_run, found.quiet) == ("out", True, True)
    long = outputs().in_long_form(words.split())
    assert all(word.startswith("--") or word == "out" for word in long)
    assert vars(outputs().parse_args(long)) == vars(found)


@pytest.mark.parametrize(
    ("words", "long"),
    [
        (["-o", "-n"], ["--output", "-n"]),  # a value that looks like an option stays one
        (["--", "-n"], ["--", "-n"]),
        (["-x", "--flink_master=a", "-"], ["-x", "--flink_master=a", "-"]),
        (["a", "-nx"], ["a", "--dry-run", "-x"]),
    ],
)
def test_what_is_no_short_option_stays_as_it_is(words: list[str], long: list[str]) -> None:
    assert outputs().in_long_form(words) == long


def test_quiet_means_one_thing_and_messages_name_long_options() -> None:
    said = outputs().format_help()
    assert "-q, --quiet           print nothing but errors and what was asked for\n" in said
    assert "  -o DIR, --output DIR\n" in said and "not this" not in said
    with pytest.raises(UserError, match=r"^argument --output: expected one argument \(see"):
        outputs().parse_args(["-o"])


def test_the_parser_of_a_command_is_found_without_running_it() -> None:
    done: list[str] = []

    def command(argv: Sequence[str], prog: str) -> int:
        made = Parser(prog, "Does.")
        made.parse_args(argv)
        done.append(prog)
        return 0

    assert parser_of(command, "townlet do").prog == "townlet do" and not done
    with pytest.raises(TypeError, match="townlet not: makes no parser"):
        parser_of(lambda argv, prog: 0, "townlet not")
    assert command([], "townlet do") == 0 and done == ["townlet do"]


def test_a_span_of_ticks() -> None:
    assert [span(text) for text in ("60..80", "7", "0..0")] == [(60, 80), (7, 7), (0, 0)]
    for text in ("", "a..b", "1..", "..2", "1...3", "-1..2", "1..2..3", "\u0663..9", "9" * 19):
        with pytest.raises(
            argparse.ArgumentTypeError, match=r"expected a first and a last tick, such as 60\.\.80"
        ):
            span(text)
    with pytest.raises(argparse.ArgumentTypeError, match="expected the first tick before the last"):
        span("5..3")

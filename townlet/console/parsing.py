"""Command lines, parsed strictly."""

from __future__ import annotations

import argparse
import difflib
import math
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

from townlet.console.colour import is_coloured
from townlet.console.help_text import Formatter, coloured_formatter
from townlet.errors import UserError

# Short names, which mean the same in every command that has the option.
SHORT = {"--output": "-o", "--quiet": "-q", "--dry-run": "-n", "--workers": "-j"}
QUIET = "print nothing but errors and what was asked for"


class _Group(argparse._ArgumentGroup):
    """A group of options; see `_as_everywhere`."""

    def add_argument(self, *names: Any, **facts: Any) -> argparse.Action:
        return super().add_argument(*_as_everywhere(names, facts), **facts)


class Parser(argparse.ArgumentParser):
    """argparse, whose errors are ours: one line, raised as a UserError. No flag may be shortened.

    What options have in common is said here: their short names, and what `--quiet` means.
    """

    def __init__(self, prog: str, description: str, examples: str = "", usage: str | None = None) -> None:
        super().__init__(
            prog=prog,
            usage=usage,
            description=description,
            epilog=examples,
            formatter_class=Formatter,
            allow_abbrev=False,
        )

    def add_argument(self, *names: Any, **facts: Any) -> argparse.Action:
        return super().add_argument(*_as_everywhere(names, facts), **facts)

    def add_argument_group(self, *names: Any, **facts: Any) -> argparse._ArgumentGroup:
        group = _Group(self, *names, **facts)
        self._action_groups.append(group)
        return group

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        if _wanted:
            raise _Found(self)
        return super().parse_known_args(args, namespace)

    def print_help(self, file: Any = None) -> None:
        stream = sys.stdout if file is None else file
        if is_coloured(stream):
            self.formatter_class = coloured_formatter(stream)
        super().print_help(stream)

    def in_long_form(self, argv: Sequence[str]) -> list[str]:
        """A command line with the long names of all options: `-o DIR`, `-oDIR` and `-qn` are written out."""
        known, found, words = self._option_string_actions, [], list(argv)
        while words:
            word = words.pop(0)
            if word == "--":
                return [*found, word, *words]
            name, equals, value = word.partition("=")
            option = known.get(name)
            short = None if option or word.startswith("--") else known.get(word[:2])
            if short is not None:  # several in one word, or one with its value
                if short.nargs == 0:
                    words.insert(0, f"-{word[2:]}")
                    found.append(_long(short))
                else:
                    found.append(f"{_long(short)}={word[2:]}")
                continue
            found.append(word if option is None else f"{_long(option)}{equals}{value}")
            if option is not None and option.nargs is None and not equals and words:
                found.append(words.pop(0))
        return found

    def error(self, message: str) -> NoReturn:
        message = _BOTH_NAMES.sub("", message)
        unknown = _UNKNOWN.match(message)
        hint = nearest_option(unknown[1], self._option_string_actions) if unknown else ""
        raise UserError(f"{message}{hint} (see {self.prog} --help)")


def _as_everywhere(names: tuple[Any, ...], facts: dict[str, Any]) -> tuple[Any, ...]:
    """The names of an option, with a short one where it has any; `facts` get what `--quiet` means."""
    if "--quiet" in names:
        facts["help"] = QUIET
    return (*(SHORT[name] for name in names if name in SHORT and SHORT[name] not in names), *names)


def _long(option: argparse.Action) -> str:
    return next((name for name in option.option_strings if name.startswith("--")), option.option_strings[0])


class _Found(BaseException):
    """A command has made its parser, which is all that was wanted of it."""

    def __init__(self, parser: Parser) -> None:
        super().__init__()
        self.parser = parser


_wanted: list[bool] = []  # whether somebody asks for a parser instead of an action


def parser_of(command: Callable[[Sequence[str], str], int], prog: str) -> Parser:
    """The parser of a command, which is begun and does nothing else."""
    _wanted.append(True)
    try:
        command(["--help"], prog)
    except _Found as found:
        return found.parser
    finally:
        _wanted.pop()
    raise TypeError(f"{prog}: makes no parser before it does anything else")


_BOTH_NAMES = re.compile(
    r"(?<!\S)-\w/(?=--)"
)  # a message names an option as it is in the help of all commands
_UNKNOWN = re.compile(r"unrecognized arguments: (--?[\w-]+)")
SAME_MEANING = (
    ("--overwrite", "--force", "--replace", "--clobber", "-f", "-y", "--yes"),
    ("--output", "--out", "--output-dir", "--outdir", "--dest", "--directory", "-o", "-d"),
    (
        "--workers",
        "--jobs",
        "--threads",
        "--processes",
        "--parallel",
        "--num-workers",
        "--n-jobs",
        "-j",
        "-n",
    ),
    ("--ticks", "--steps", "--timesteps", "--length", "--horizon", "-t"),
    ("--seeds", "--num-seeds", "--seed-range"),
    ("--seed", "--random-seed", "--rng-seed", "-s"),
    ("--dry-run", "--dryrun", "--simulate", "--what-if", "--noop"),
    ("--quiet", "--silent", "-q"),
    ("--keep", "--retain", "--keep-last"),
    ("--agent", "--agent-id"),
    ("--compression", "--compress"),
)  # an option of ours, and what others call it


def nearest_option(typed: str, known: Iterable[str]) -> str:
    """The end of a message about an option that is none: `; did you mean --overwrite?`, or nothing.

    An option of the same meaning, else one that is spelled nearly so. A poor guess is worse than none.
    """
    names = list(known)
    word = typed.replace("_", "-").lower()
    found = [ours for ours, *theirs in SAME_MEANING if ours in names and word in (ours, *theirs)]
    found += difflib.get_close_matches(
        word, [name for name in names if name.startswith("--")], 1, cutoff=0.75
    )
    return f"; did you mean {found[0]}?" if found else ""


# Python's int and float take the digits of every script; here a number is what people type as one.
WHOLE = re.compile(r"[-+]?[0-9]{1,40}(?:_[0-9]{1,40}){0,10}", re.ASCII)
DECIMAL = re.compile(
    r"[-+]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][-+]?[0-9]{1,4})?", re.ASCII
)


def whole(text: str) -> int:
    """An option's value: a whole number, in the digits 0 to 9."""
    if not WHOLE.fullmatch(text):
        raise _not("a whole number", text)
    return int(text)


def positive(text: str) -> int:
    """An option's value: a whole number of 1 or more."""
    if not WHOLE.fullmatch(text) or int(text) < 1:
        raise _not("a number of 1 or more", text)
    return int(text)


def span(text: str) -> tuple[int, int]:
    """An option's value: a first and a last tick, both included, as in 60..80; or one tick."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise _not("a first and a last tick, such as 60..80", text)
    first = int(found[1])
    last = int(found[2]) if found[2] is not None else first
    if last < first:
        raise argparse.ArgumentTypeError(f"expected the first tick before the last, got {text!r}")
    return first, last


_SPAN = re.compile(r"([0-9]{1,18})(?:\.\.([0-9]{1,18}))?", re.ASCII)


def share(text: str) -> float:
    """An option's value: a share of 0 or more, as a decimal number."""
    if not DECIMAL.fullmatch(text) or not 0 <= float(text) < math.inf:
        raise _not("a share of 0 or more, such as 0.02", text)
    return float(text)


def _not(what: str, text: str) -> argparse.ArgumentTypeError:
    hint = "; write it in digits 0 to 9" if is_number_in_other_digits(text) else ""
    return argparse.ArgumentTypeError(f"expected {what}, got {text!r}{hint}")


def is_number_in_other_digits(text: str) -> bool:
    """Whether Python, and so Beam, would read a number here that is written in other digits than 0 to 9."""
    if text.isascii():
        return False
    try:
        float(text)
    except ValueError:
        return False
    return True

"""Command lines, parsed strictly."""

from __future__ import annotations

import argparse
import difflib
import math
import re
from collections.abc import Iterable
from typing import NoReturn

from townlet.errors import UserError


class Parser(argparse.ArgumentParser):
    """argparse, whose errors are ours: one line, raised as a UserError. No flag may be shortened."""

    def __init__(self, prog: str, description: str, examples: str = "", usage: str | None = None) -> None:
        super().__init__(
            prog=prog,
            usage=usage,
            description=description,
            epilog=examples,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    def error(self, message: str) -> NoReturn:
        unknown = _UNKNOWN.match(message)
        hint = nearest_option(unknown[1], self._option_string_actions) if unknown else ""
        raise UserError(f"{message}{hint} (see {self.prog} --help)")


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

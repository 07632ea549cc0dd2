"""Command lines, parsed strictly."""

from __future__ import annotations

import argparse
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
        raise UserError(f"{message} (see {self.prog} --help)")


def positive(text: str) -> int:
    """An option's value: a number of 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number of 1 or more, got {text!r}")
    return int(text)

"""What the kinds of training have in common on a command line."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from townlet.config.source.open_file import read_bytes
from townlet.console.parsing import DECIMAL, WHOLE
from townlet.errors import ConfigError, UserError
from townlet.escaping import shown

MOST_MODEL_BYTES = 1 << 30


def add_network(group: Any) -> None:
    """The options for the network that is made."""
    group.add_argument(
        "--hidden", metavar="128,128", help="sizes of the hidden layers of actor and critic; default: 128,128"
    )
    group.add_argument("--activation", choices=("tanh", "relu"), help="between layers; default: tanh")


def decimal(text: str) -> float:
    """An option's value: a number of 0 or more."""
    if not DECIMAL.fullmatch(text) or not 0 <= float(text) < float("inf"):
        raise argparse.ArgumentTypeError(
            f"expected a number of 0 or more, such as 0.003 or 3e-4, got {text!r}"
        )
    return float(text)


def hidden(text: str) -> tuple[int, ...]:
    """Sizes of layers. Raises UserError."""
    parts = text.split(",")
    if not all(WHOLE.fullmatch(part) for part in parts):
        raise UserError(f"--hidden: expected sizes such as 128,128, got {shown(repr(text))}")
    return tuple(int(part) for part in parts)


def read_model_file(path: str, what: str) -> bytes:
    """The content of a model file. Raises UserError for what is no file, or too large."""
    try:
        return read_bytes(Path(path), f"{what}: {path}", MOST_MODEL_BYTES)
    except ConfigError as error:
        raise UserError(str(error)) from None

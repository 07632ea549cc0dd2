"""Arguments that a user's program passes, checked where they come in: a wrong one is a UserError that says which.

`what` names the argument as the message does: `windows: length`. A number of NumPy's is as good as Python's; True is no
number, and 1 is no switch.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

import numpy as np

from townlet.errors import WrongArgument
from townlet.escaping import shown

LONGEST = 80  # characters of a value that a message quotes


def whole(what: str, value: Any, least: int | None = None, most: int | None = None) -> int:
    """A whole number, within bounds."""
    is_whole = isinstance(value, Integral) and not isinstance(value, bool | np.bool_)
    if not is_whole or (least is not None and int(value) < least) or (most is not None and int(value) > most):
        raise _wrong(what, f"a whole number{_bounds(least, most)}", value)
    return int(value)


def number(what: str, value: Any, least: float = -math.inf) -> float:
    """A finite number of at least `least`."""
    if not _is_finite(value) or value < least:
        raise _wrong(what, f"a number{_bounds(least if least > -math.inf else None, None)}", value)
    return float(value)


def text(what: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong(what, "a text", value)
    return value


def switch(what: str, value: Any) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise _wrong(what, "True or False", value)
    return bool(value)


def texts(what: str, value: Any) -> tuple[str, ...]:
    """One text, or several."""
    if isinstance(value, str):
        return (value,)
    found = tuple(value) if isinstance(value, Iterable) and not isinstance(value, bytes) else None
    if found is None or not all(isinstance(one, str) for one in found):
        raise _wrong(what, "a text, or several", value)
    return found


def path(what: str, value: Any) -> str:
    """A path: a text, or a `pathlib.Path`."""
    try:
        found = os.fspath(value)
    except TypeError:
        found = None
    if not isinstance(found, str) or "\0" in found:
        raise _wrong(what, "a path (a text, or a pathlib.Path)", value)
    return found


def _is_finite(value: Any) -> bool:
    if not isinstance(value, Real) or isinstance(value, bool | np.bool_):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond what a float holds
        return False


def _wrong(what: str, expected: str, value: Any) -> WrongArgument:
    try:
        found = shown(repr(value))
    except (
        Exception
    ):  # an object of the caller's that cannot be shown, or a whole number of thousands of digits
        found = type(value).__name__
    if len(found) > LONGEST:
        found = f"{found[:LONGEST]}..."
    return WrongArgument(f"{what}: expected {expected}, got {found}")


def _bounds(least: float | None, most: float | None) -> str:
    if least is None and most is None:
        return ""
    return f" of {least} or more" if most is None else f" of {least} to {most}"

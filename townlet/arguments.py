"""Arguments that a user's program passes, checked where they come in: a wrong one is a UserError that says which.

`what` names the argument as the message does: `windows: length`. A number of NumPy's is as good as Python's; True is no
number, and 1 is no switch.
"""

from __future__ import annotations

import difflib
import math
import os
from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from townlet.errors import NoSuchName, WrongArgument
from townlet.escaping import shown

MOST_NAMES = 10  # that a message lists
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


def no_such(what: str, name: Any, known: Iterable[str]) -> NoSuchName:
    """The error for a name that is none, with the nearest one, else with what there is; `what`: `window: array`."""
    names = list(known)
    near = difflib.get_close_matches(str(name), names, 1)
    if near:
        hint = f"did you mean {near[0]}?"
    elif names:
        more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
        hint = f"there {'is' if len(names) == 1 else 'are'} {', '.join(names[:MOST_NAMES])}{more}"
    else:
        hint = "there are none"
    return NoSuchName(f"no {what} {_found(name)}; {hint}")


def place_of(what: str, name: Any, names: Sequence[str]) -> int:
    """Where a name stands. Raises NoSuchName, with the nearest one."""
    if name not in names:
        raise no_such(what, name, names)
    return names.index(name)


class Named(dict[str, Any]):
    """A dict that says of a name it does not have which one is nearest. `what`: what the names are of."""

    def __init__(self, what: str, items: Any) -> None:
        super().__init__(items)
        self._what = what

    def __missing__(self, name: Any) -> Any:
        raise no_such(self._what, name, self)

    def __reduce__(self) -> Any:
        return Named, (self._what, dict(self))


def _is_finite(value: Any) -> bool:
    if not isinstance(value, Real) or isinstance(value, bool | np.bool_):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond what a float holds
        return False


def _wrong(what: str, expected: str, value: Any) -> WrongArgument:
    return WrongArgument(f"{what}: expected {expected}, got {_found(value)}")


def _found(value: Any) -> str:
    """What a caller passed, as a message quotes it."""
    try:
        found = shown(repr(value))
    except (
        Exception
    ):  # an object of the caller's that cannot be shown, or a whole number of thousands of digits
        found = type(value).__name__
    return found if len(found) <= LONGEST else f"{found[:LONGEST]}..."


def _bounds(least: float | None, most: float | None) -> str:
    if least is None and most is None:
        return ""
    return f" of {least} or more" if most is None else f" of {least} to {most}"

r"""Halves of characters in YAML: JSON writes an emoji as two escapes (`\ud83c\udfe0`), which YAML's parsers refuse.

The parser gets a text of the same length in which another escape stands for each of them, one that occurs nowhere
else; so all places stay true. In the scalars that come out, what was there is put back: as text where a backslash
means nothing (plain, single-quoted, blocks), as characters between double quotes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

HALF = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD][89a-fA-F][0-9a-fA-F]{2})")
HALF_CHARACTER = re.compile("[\ud800-\udfff]")
PRIVATE = range(0xE000, 0xF900)  # no character has these numbers
PRIVATE_ESCAPES = re.compile(r"\\(?:u|U0000)([eEfF][0-9a-fA-F]{3})")


class HalfCharacterError(ValueError):
    """Half of a character without its other half; the message says which."""


@dataclass(frozen=True)
class Disguise:
    """A text as a parser can read it, and the text as it is."""

    text: str
    original: str
    mark: str = ""  # the character that stands for halves; "" = there are none

    def undo(self, value: str, start: int, end: int, *, quoted: bool) -> str:
        """The value of the scalar that stands from `start` to `end`. Raises HalfCharacterError.

        `quoted`: between double quotes.
        """
        if not self.mark:
            return value
        halves = [found[2] for found in HALF.finditer(self.original[start:end])]
        escape = self.mark if quoted else _escape(self.mark)
        parts = value.split(escape)
        if len(parts) == 1:
            return value
        put_back = [chr(int(half, 16)) if quoted else f"\\u{half}" for half in halves[1 - len(parts) :]]
        text = parts[0] + "".join(half + part for half, part in zip(put_back, parts[1:], strict=True))
        return joined(text) if quoted else text


def disguised(text: str) -> Disguise:
    """A text without escapes of halves. Raises HalfCharacterError where no character is left to stand for them."""
    if not HALF.search(text):
        return Disguise(text, text)
    taken = {ord(letter) for letter in set(text)} | {int(code, 16) for code in PRIVATE_ESCAPES.findall(text)}
    free = next((number for number in PRIVATE if number not in taken), None)
    if free is None:
        raise HalfCharacterError("write characters themselves, not as two escapes")
    mark = chr(free)
    escape = _escape(mark).replace("\\", "\\\\")
    return Disguise(HALF.sub(rf"\g<1>{escape}", text), text, mark)


def _escape(mark: str) -> str:
    return f"\\u{ord(mark):04x}"


def joined(text: str) -> str:
    """The text with the halves of characters put together. Raises HalfCharacterError for one without its other half."""
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    lone = HALF_CHARACTER.search(whole)
    if lone is not None:
        raise HalfCharacterError(f"\\u{ord(lone[0]):04x} is half of a character, without its other half")
    return whole

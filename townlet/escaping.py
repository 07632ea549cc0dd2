"""Text of data, as it may be shown: names, descriptions and messages come from files that anybody may have written.

One function for each kind of place. A terminal obeys control characters (colours, a moved cursor, a forged line), some
invisible characters turn the order of text around or hide in a name, a lone surrogate cannot be printed at all, and a
page of Markdown has links, images and HTML.
"""

from __future__ import annotations

import re
import shlex

# Control characters (C0, DEL, C1), line and paragraph separators, surrogates, and what is invisible: marks that change
# the order of text, spaces without width, tags. The two joiners (U+200C and U+200D) stay: scripts and emoji need them.
_INVISIBLE = (
    "\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164"
    "\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_UNSAFE = re.compile(f"[\x00-\x1f{_INVISIBLE}]")
_UNSAFE_BUT_LINES = re.compile(f"[\x00-\x09\x0b-\x1f{_INVISIBLE}]")
# What begins or ends something in Markdown. A `_` inside a word does not; nor does `&`, but before the name or number
# of a character.
_MARKUP = re.compile(
    r"[\\`*\[\]<|~]|(?<!\w)_|_(?!\w)|&(?=[#\w])|(?<=\w):(?=//)|(?<=www)\.|(?<=\w)@(?=\w)", re.IGNORECASE
)


def shown(text: object) -> str:
    r"""A name or value inside a line: everything that would end the line or change how it looks is escaped (`\x1b`)."""
    return _UNSAFE.sub(_escaped, str(text))


def shown_lines(text: object) -> str:
    """The same for a text of our own that has lines: they stay."""
    return _UNSAFE_BUT_LINES.sub(_escaped, str(text))


def shown_json(document: str) -> str:
    r"""A JSON document, with the same characters escaped as JSON does it (`\u001b`): it means what it meant."""
    return _UNSAFE_BUT_LINES.sub(_escaped_in_json, document)


def markdown(text: object) -> str:
    """A name or a text inside a line or a cell of a page of Markdown: nothing in it is a link, an image or HTML."""
    return _MARKUP.sub(_escaped_in_markdown, shown(" ".join(str(text).split())))


def typed(*words: str) -> str:
    r"""Words of a command line, ready to be pasted into a shell; what cannot be typed is written as `$'\x1b'`."""
    return " ".join(map(_typed, words))


def typed_path(path: str) -> str:
    """A path as a word of its own. One that begins with a dash would be taken for an option."""
    return _typed(f"./{path}" if path.startswith("-") else path)


def _typed(word: str) -> str:
    if not _UNSAFE.search(word):
        return shlex.quote(word)
    quoted = re.sub(r"[\\']", r"\\\g<0>", word)
    return f"$'{_UNSAFE.sub(_escaped_in_shell, quoted)}'"


def _escaped(found: re.Match[str]) -> str:
    number = ord(found.group())
    if 0xDC80 <= number <= 0xDCFF:  # a byte of a file's name that is no text in this locale
        number -= 0xDC00
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _escaped_in_shell(found: re.Match[str]) -> str:
    """Its bytes: a name of a file may have some that are no text."""
    try:
        octets = found.group().encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a character, which no name of a file has
        octets = found.group().encode("utf-8", "surrogatepass")
    return "".join(f"\\x{byte:02x}" for byte in octets)


def _escaped_in_json(found: re.Match[str]) -> str:
    units = found.group().encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def _escaped_in_markdown(found: re.Match[str]) -> str:
    """With a backslash; where that would not help, as a character that looks the same and is none of an address."""
    return "\uff20" if found.group() == "@" else f"\\{found.group()}"

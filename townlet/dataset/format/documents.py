"""Documents: JSON files of an output, each with one typed model that is checked once, when the file is read.

A digest says that a file is what somebody wrote, not that Townlet wrote it. So a document becomes a plain value of a
model here, at the door, and what does not fit is one CorruptSampleError that names file, key, expected and found.
Behind the door nothing is taken apart by hand.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, TypeVar

import msgspec

from townlet.errors import CorruptSampleError
from townlet.escaping import shown
from townlet.run import MOST_SEED


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all models. Unknown keys are allowed: a later version may add some."""


Model = TypeVar("Model")

MOST_BYTES = 1 << 28  # of a document: the manifest of half a million samples
MOST_INDEX_BYTES = 1 << 31  # of a data set's index: in its old form, of a few million runs
MOST_DEPTH = 64  # of lists and objects in one another

# Values that models are made of.
_SHA256 = r"^[0-9a-f]{64}\Z"
Sha256 = Annotated[str, msgspec.Meta(pattern=_SHA256)]
Seed = Annotated[int, msgspec.Meta(ge=0, le=MOST_SEED)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Tick = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
# A digest that is only compared: no path comes of it.
Digest = Annotated[str, msgspec.Meta(min_length=64, max_length=64)]
_SAFE = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}\Z"
SafeName = Annotated[str, msgspec.Meta(pattern=_SAFE)]  # becomes part of a path
_FILE = r"^(?!\.{1,2}\Z)[^/\x00]{1,255}\Z"
FileName = Annotated[str, msgspec.Meta(pattern=_FILE)]  # in one folder: no path
_FOLDERS = r"^(?:(?!\.{1,2}(?:/|\Z))[^/\x00]+(?:/(?!\Z)|\Z))*\Z"
FolderName = Annotated[str, msgspec.Meta(pattern=_FOLDERS)]  # below a store's root, "" = the root


def parse_document(model: type[Model], data: bytes, place: str, what: str) -> Model:
    """The value of a model that a file holds. `what`: "the index of a data set", for the message.

    Raises CorruptSampleError for anything else: bytes that are no JSON or no UTF-8, another shape, a number out of
    bounds, a name that is a path.
    """
    try:
        return msgspec.json.decode(data, type=model)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise CorruptSampleError(f"{shown(place)}: not {what}{reason(error, data)}") from error


def parse_object(data: bytes, place: str, what: str) -> dict[str, Any]:
    """A JSON object as it stands in a file, for what is handed on as it is. Raises CorruptSampleError.

    It holds no NaN, no infinity, no text that is not UTF-8, and nothing deeper than `MOST_DEPTH`: whatever is done
    with it later, another JSON encoder included, can be done.
    """
    value = decode_object(data, place, what)
    if data.count(b"{") + data.count(b"[") > MOST_DEPTH:
        check_depth(value, place, what)
    return value


def decode_object(data: bytes, place: str, what: str) -> dict[str, Any]:
    """The same, of any depth: for who bounds it otherwise."""
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise CorruptSampleError(f"{shown(place)}: not {what}{reason(error, data)}") from error
    if not isinstance(value, dict):
        raise CorruptSampleError(f"{shown(place)}: not {what}: expected a JSON object")
    return value


def check_depth(value: Any, place: str, what: str) -> None:
    """Raise CorruptSampleError for a value that is nested more deeply than any of ours is."""
    level = [value]
    for _ in range(MOST_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) is dict or type(inner) is list
        ]
        if not level:
            return
    raise CorruptSampleError(f"{shown(place)}: not {what} (nested too deeply)")


def convert_document(model: type[Model], value: Any, place: str, what: str) -> Model:
    """The same for a document that has been decoded already. Raises CorruptSampleError."""
    try:
        return msgspec.convert(value, model)
    except msgspec.ValidationError as error:
        raise CorruptSampleError(f"{shown(place)}: not {what}{_misfit(error, value)}") from error


def reason(error: Exception, data: bytes) -> str:
    """What a decoder says of a file: ` (not JSON: ...)`, or `: runs[3].seed: expected int, got str`."""
    if isinstance(error, msgspec.ValidationError):
        try:
            return _misfit(error, msgspec.json.decode(data))
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            return _misfit(error, None)
    if isinstance(error, RecursionError):
        return " (nested too deeply)"
    return f" (not JSON: {_lowered(shown(error)).removeprefix('jSON is malformed: ')})"


def _misfit(error: msgspec.ValidationError, document: Any) -> str:
    """`: runs[3].seed: expected int >= 0, found -1`: key, expected, found."""
    message, _, path = str(error).partition(" - at `")
    path = path.rstrip("`")
    found = _at(document, path)
    text = _lowered(message.replace("`", "")).replace("object missing required field", "lacks")
    for pattern, words in _WORDS.items():
        text = text.replace(f"str matching regex {pattern!r}", words)
    if not isinstance(found, dict | list | None) and ", got " not in text:
        text += f", found {_cut(found)}"
    key = path.removeprefix("$").removeprefix(".")
    return f": {shown(key)}: {shown(text)}" if key else f": {shown(text)}"


def _at(document: Any, path: str) -> Any:
    """What stands at a path (`$.runs[3].seed`) of a document; None where the path does not say exactly where."""
    for name, index in re.findall(r"\.([^.\[]+)|\[([^\]]*)\]", path):
        if name and isinstance(document, dict):
            document = document.get(name)
        elif index.isdecimal() and isinstance(document, list) and int(index) < len(document):
            document = document[int(index)]
        else:
            return None
    return document


def _cut(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]


_LONGEST = 60  # characters of a value in a message

# What the patterns of names and digests ask for, in words.
_WORDS = {
    _SAFE: "1 to 64 of A-Z a-z 0-9 _ . -, not starting with a dot or a dash",
    _FILE: "the name of a file in this folder",
    _FOLDERS: "a folder below this one",
    _SHA256: "64 hexadecimal digits",
}

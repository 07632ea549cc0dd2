"""JSON files, so that equal facts are equal bytes: sorted keys, shortest floats, a final newline."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, BinaryIO

# The text of `townlet.run.canonical_json`, with the encoder made once.
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False).encode


def line_bytes(value: Any) -> bytes:
    """A file of one line. Raises ValueError for NaN and infinity, TypeError for what JSON does not know."""
    return (_encode(value) + "\n").encode()


def document_bytes(document: Mapping[str, Any]) -> bytes:
    """A file for people too: each entry of the document, its lists and mappings on a line of its own."""
    lines = [f"{_encode(key)}:{_entry(value)}" for key, value in sorted(document.items())]
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def misshapen(error: Exception) -> str:
    """What is wrong with a JSON file, in words, of which `error` was raised when it was taken apart."""
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON from line {error.lineno}, column {error.colno} on"
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8 text from byte {error.start} on"
    if isinstance(error, KeyError):
        return f"the key {error} is missing"
    return "JSON of another shape"


def sha256_hex(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def file_sha256(file: BinaryIO) -> str:
    """Of what an open file holds from here on, read a piece at a time."""
    digest = hashlib.sha256()
    while piece := file.read(1 << 20):
        digest.update(piece)
    return digest.hexdigest()


def _entry(value: Any) -> str:
    if isinstance(value, Mapping) and value:
        inner = [f"{_encode(key)}:{_encode(item)}" for key, item in sorted(value.items())]
        return "{\n" + ",\n".join(inner) + "\n}"
    if isinstance(value, (list, tuple)) and value:
        return "[\n" + ",\n".join(map(_encode, value)) + "\n]"
    return _encode(value)

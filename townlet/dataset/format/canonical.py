"""JSON files, so that equal facts are equal bytes: sorted keys, shortest floats, a final newline."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, BinaryIO

# The text of `townlet.run.canonical_json`. What `json` makes anew for each call is made once: documents are written by
# the thousand, and are small.
_encoder = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
_make_in_c: Any = getattr(json.encoder, "c_make_encoder", None)  # None where Python was built without it
_escape = json.encoder.encode_basestring
_encode_in_c = _make_in_c and _make_in_c(None, _encoder.default, _escape, None, ":", ",", True, False, False)


def _encode(value: Any) -> str:
    """As `_encoder.encode`. Raises ValueError for NaN and infinity, TypeError for what JSON does not know."""
    if type(value) is str:
        return _escape(value)
    return "".join(_encode_in_c(value, 0)) if _encode_in_c else _encoder.encode(value)


def line_bytes(value: Any) -> bytes:
    """A file of one line. Raises ValueError for NaN and infinity, TypeError for what JSON does not know."""
    return (_encode(value) + "\n").encode()


def document_bytes(document: Mapping[str, Any]) -> bytes:
    """A file for people too: each entry of the document, its lists and mappings on a line of its own."""
    lines = [f"{_encode(key)}:{_entry(value)}" for key, value in sorted(document.items())]
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


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

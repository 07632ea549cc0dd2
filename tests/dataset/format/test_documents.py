"""One door for JSON files: a value of the model, or one error that says file, key, expected and found."""

from __future__ import annotations

from typing import Any

import pytest

from townlet.dataset.format.documents import (
    Document,
    FileName,
    FolderName,
    Seed,
    Sha256,
    convert_document,
    parse_document,
    parse_object,
)
from townlet.errors import CorruptSampleError


class Pet(Document, frozen=True):
    name: FileName
    folder: FolderName = ""
    seed: Seed = 0
    sha256: Sha256 = "0" * 64


LONG = b"a" * 10_000

REFUSED = {
    b"[]": "x.json: not a pet: expected object, got array",
    b"{}": "x.json: not a pet: lacks name",
    b'{"name":"../x"}': "x.json: not a pet: name: expected the name of a file in this folder, found '../x'",
    b'{"name":".."}': "x.json: not a pet: name: expected the name of a file in this folder, found '..'",
    b'{"name":"a","folder":"/etc"}': "x.json: not a pet: folder: expected a folder below this one, found '/etc'",
    b'{"name":"a","folder":"a/../b"}': "x.json: not a pet: folder: expected a folder below this one, found 'a/../b'",
    b'{"name":"a","folder":"'
    + LONG
    + b'/"}': "x.json: not a pet: folder: expected a folder below this one, found 'aa",
    b'{"name":"a","folder":".."}': "x.json: not a pet: folder: expected a folder below this one, found '..'",
    b'{"name":"a","sha256":"A"}': "x.json: not a pet: sha256: expected 64 hexadecimal digits, found 'A'",
    b'{"name":"a","seed":-1}': "x.json: not a pet: seed: expected int >= 0, found -1",
    b'{"name":"a","seed":"1"}': "x.json: not a pet: seed: expected int, got str",
    b'{"name":"a","seed":1e999}': "x.json: not a pet: seed: number out of range",
    b'{"name":"a","seed":NaN}': "x.json: not a pet (not JSON: invalid character",
    b'{"name":"\\ud800"}': "x.json: not a pet (not JSON: ",
    b'{"name":"\xff"}': "x.json: not a pet (not JSON: invalid UTF-8",
    b'{"name":"a","other":' + b"[" * 10**6: "x.json: not a pet (n",
    b'{"name":"\x1b[31m/"}': "x.json: not a pet (not JSON: invalid character",
    b'{"name":"\\u001b[1m/"}': r"x.json: not a pet: name: expected the name of a file in this folder, found '\x1b[1m/",
}


@pytest.mark.parametrize("data", REFUSED, ids=range(len(REFUSED)))
def test_what_is_refused(data: bytes) -> None:
    with pytest.raises(CorruptSampleError) as caught:
        parse_document(Pet, data, "x.json", "a pet")
    assert str(caught.value).startswith(REFUSED[data])
    assert len(str(caught.value)) < 200
    try:
        document = parse_object(data, "x.json", "a pet")
    except CorruptSampleError:
        return
    with pytest.raises(CorruptSampleError, match=r"^x\.json: not a pet: "):
        convert_document(Pet, document, "x.json", "a pet")


@pytest.mark.parametrize(
    "data",
    [b"[" * 200 + b"]" * 200, b'{"a":' * 70 + b"1" + b"}" * 70, b"[]", b"1", b"null", b"", b'{"a":1e999}'],
)
def test_what_is_handed_on_as_it_stands_is_an_object_and_not_deep(data: bytes) -> None:
    with pytest.raises(CorruptSampleError, match=r"^x\.json: not a pet"):
        parse_object(data, "x.json", "a pet")
    assert parse_object(b'{"a":' * 60 + b"1" + b"}" * 60, "x.json", "a pet")


@pytest.mark.parametrize("folder", ["", "runs", "runs/a b/seed-1", "runs/..a/..."])
def test_what_fits(folder: str) -> None:
    data: dict[str, Any] = {"name": "..x", "folder": folder, "seed": 2**63 - 1, "later": [1]}
    assert convert_document(Pet, data, "x.json", "a pet").folder == folder

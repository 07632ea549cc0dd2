"""The folder of a card: replaced where it is ours, and left alone where people have changed it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from townlet.dataset.format.canonical import sha256_hex
from townlet.errors import OutputError
from townlet.report.card.card import LISTED
from townlet.report.card.output import check_folder, write_folder


def files(text: bytes = b"one") -> dict[str, bytes]:
    listed = {"README.md": sha256_hex(text)}
    return {"README.md": text, LISTED: json.dumps({"townlet": "card", "files": listed}).encode()}


def test_it_is_written_and_replaced(tmp_path: Path) -> None:
    target = check_folder(str(tmp_path / "new" / "card"))
    write_folder(target, files())
    write_folder(check_folder(str(target)), files(b"two"))
    assert (target / "README.md").read_bytes() == b"two"
    assert os.listdir(target.parent) == ["card"], "nothing else is left there"


@pytest.mark.parametrize(
    ("name", "text"),
    [("README.md", "mine"), ("notes.txt", "mine"), (LISTED, "[]"), (LISTED, '{"files": {}}')],
)
def test_what_people_have_changed_stays(tmp_path: Path, name: str, text: str) -> None:
    target = tmp_path / "card"
    write_folder(target, files())
    (target / name).write_text(text)
    with pytest.raises(OutputError, match=r"which is not as `townlet card` has written it: it stays"):
        check_folder(str(target))
    assert (target / name).read_text() == text


def test_other_places(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="is no folder"):
        check_folder(str(tmp_path / "file"))
    with pytest.raises(OutputError, match="expected a folder of this machine"):
        check_folder("s3://bucket/card")
    (tmp_path / "rollout_sample_manifest.json").write_text('{"content_digest": "", "fingerprint": ""}')
    with pytest.raises(OutputError, match="where only data belong"):
        check_folder(str(tmp_path / "card"))


def test_nothing_is_half_written(tmp_path: Path) -> None:
    target = tmp_path / "card"
    write_folder(target, files())
    with pytest.raises(TypeError):
        write_folder(target, {"README.md": b"two", "x.png": None})  # type: ignore[dict-item]
    assert (target / "README.md").read_bytes() == b"one" and os.listdir(tmp_path) == ["card"]


def test_what_was_written_meanwhile_stays(tmp_path: Path) -> None:
    target = check_folder(str(tmp_path / "card"))
    write_folder(target, files())
    (target / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"holds notes.txt"):
        write_folder(target, files(b"two"))
    assert sorted(os.listdir(target)) == ["README.md", LISTED, "notes.txt"]
    assert os.listdir(tmp_path) == ["card"]

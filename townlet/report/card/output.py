"""The folder of an illustrated card: written as a whole, over one of ours that nobody has changed and nothing else."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from townlet.dataset.format.canonical import sha256_hex
from townlet.dataset.status.nested import output_above
from townlet.dataset.store.os_errors import translate_os_error
from townlet.errors import OutputError
from townlet.escaping import shown
from townlet.report.card.card import LISTED
from townlet.report.output import clear_away


def check_folder(output: str) -> Path:
    """Where a card is to be written. Raises OutputError where it cannot be, before any work is done."""
    name = shown(output)
    if "://" in output:
        raise OutputError(f"{name}: expected a folder of this machine to write the card to")
    target = Path(os.path.abspath(output))
    if above := output_above(target):
        raise OutputError(
            f"{name}: lies inside {above}, where only data belong: choose --output outside of it"
        )
    with translate_os_error("read", output):
        if not os.path.lexists(target):
            return target
        if target.is_symlink() or not target.is_dir():
            raise OutputError(f"{name}: is no folder; choose another --output")
        names = sorted(entry.name for entry in target.iterdir())
        listed = _listed(target) if LISTED in names else {}
        for found in names:
            if found == LISTED and listed:
                continue
            if not (target / found).is_file() or listed.get(found) != sha256_hex(
                (target / found).read_bytes()
            ):
                raise OutputError(
                    f"{name}: holds {shown(found)}, which is not as `townlet card` has written it: it stays; choose "
                    "another --output"
                )
    return target


def _listed(folder: Path) -> dict[str, str]:
    """Which files a card's list says are ours; none where the list is no such list."""
    try:
        document = json.loads((folder / LISTED).read_text(encoding="utf-8"))
    except ValueError:
        return {}
    if not isinstance(document, dict) or document.get("townlet") != "card":
        return {}
    files = document.get("files")
    return files if isinstance(files, dict) else {}


def write_folder(target: Path, files: Mapping[str, bytes]) -> None:
    """Replace a folder with these files: all of them, or none. Raises OutputError."""
    token = secrets.token_hex(4)
    new, old = (target.with_name(f".{target.name}.{token}.{ending}") for ending in ("part", "old"))
    try:
        with translate_os_error("write", str(target)):
            new.mkdir(parents=True)
            for name, data in files.items():
                (new / name).write_bytes(data)
            check_folder(str(target))  # somebody may have written into it meanwhile
            if target.is_dir():
                os.rename(target, old)
            os.rename(new, target)
    finally:
        clear_away(target, new, old)

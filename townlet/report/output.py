"""Where a report or a picture is written: whole or not at all, over one of ours and nothing else."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from townlet.dataset.status.nested import output_above
from townlet.dataset.store.beside import beside
from townlet.dataset.store.local import LocalStore
from townlet.dataset.store.os_errors import translate_os_error
from townlet.errors import OutputError
from townlet.escaping import shown
from townlet.report.bundle import is_report

BEGINNING = 4096  # bytes, by which a file is known


class Kind(NamedTuple):
    """What is written."""

    what: str
    example: str  # of a file's name
    is_ours: Callable[[bytes], bool]  # whether a file that begins like this is one of ours


REPORT = Kind("report", "report.html", is_report)


def check_output(output: str, *, overwrite: bool = False, kind: Kind = REPORT) -> Path:
    """Where a report is to be written. Raises OutputError where it cannot be, before any work is done."""
    if "://" in output:
        raise OutputError(f"{shown(output)}: expected a file of this machine to write the {kind.what} to")
    target = Path(os.path.abspath(output))
    above = output_above(target)
    if above is not None:
        raise OutputError(
            f"{shown(output)}: lies inside {above}, where only data belong: choose --output outside of it"
        )
    with translate_os_error("write", str(output)):
        if target.is_dir():
            raise OutputError(
                f"{shown(output)}: is a folder; expected the name of a file, {kind.example} for example"
            )
        if not os.path.lexists(target):
            return target
        if not target.is_file():
            raise OutputError(f"{shown(output)}: is no file; choose another --output")
        if overwrite:
            return target
        with target.open("rb") as file:
            if kind.is_ours(file.read(BEGINNING)):
                return target
    raise OutputError(
        f"{shown(output)}: already exists, and is no {kind.what} of Townlet's: choose another --output, or replace it "
        "with --overwrite"
    )


def write_report(target: Path, data: bytes) -> None:
    """Write a file in one step: who reads meanwhile finds the old file or the new one. Raises OutputError."""
    LocalStore(target.parent).write_whole(target.name, [data])


def folder_beside(target: Path) -> Path:
    """Where the pages lie that a report refers to: `report_files` beside `report.html`."""
    return target.with_name(f"{target.stem}_files")


def check_folder(folder: Path) -> None:
    """Raise OutputError where the folder of pages holds anything but pages of ours: it is to be replaced."""
    with translate_os_error("read", str(folder)):
        if not os.path.lexists(folder):
            return
        if folder.is_symlink() or not folder.is_dir():
            raise OutputError(
                f"{shown(folder)}: is no folder; pages are to be written there: choose another --output"
            )
        for entry in sorted(folder.iterdir()):
            if entry.is_file() and not entry.is_symlink():
                with entry.open("rb") as file:
                    if is_report(file.read(BEGINNING)):
                        continue
            raise OutputError(
                f"{shown(folder)}: holds {shown(entry.name)}, which is no report; pages are to be written there: "
                "choose another --output"
            )


@contextlib.contextmanager
def pages_in(folder: Path) -> Iterator[Callable[[str, bytes], None]]:
    """Gives a function that writes pages by name; they replace the folder when all are written, or not at all."""
    new, old = (beside(folder, f".{secrets.token_hex(4)}.{ending}") for ending in ("part", "old"))

    def write(name: str, page: bytes) -> None:
        with translate_os_error("write", str(folder)):
            new.mkdir(parents=True, exist_ok=True)
            (new / name).write_bytes(page)

    try:
        yield write
        check_folder(folder)
        with translate_os_error("write", str(folder)):
            if folder.is_dir():
                os.rename(folder, old)
            if new.is_dir():
                os.rename(new, folder)
    finally:
        clear_away(folder, new, old)


def clear_away(folder: Path, new: Path, old: Path) -> None:
    """Remove what was to replace a folder, and what it has replaced; where it could not, that is put back."""
    if old.is_dir() and not os.path.lexists(folder):
        os.rename(old, folder)
    shutil.rmtree(new, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)

"""A folder that an export makes: there whole, under its name, or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from townlet import arguments
from townlet.dataset.reading.data_set import DataSet
from townlet.dataset.status.nested import output_above
from townlet.dataset.store.beside import beside
from townlet.dataset.store.os_errors import translate_os_error
from townlet.errors import OutputError, UserError


def checked_target(caller: str, data_set: DataSet, output: str | os.PathLike[str]) -> Path:
    """The absolute path of a folder that may be exported into. `caller` is how messages name the function.

    Raises OutputError where something of this name is there already, or where only data sets belong; UserError where
    there is nothing to export.
    """
    output = arguments.path(f"{caller}: output", output)
    if not isinstance(data_set, DataSet):
        raise UserError(f"{caller}: expected a data set, as open gives it, got {type(data_set).__name__}")
    target = Path(os.path.abspath(output))
    if "://" in os.fspath(output):
        raise OutputError(f"{output}: expected a folder of this machine to export into")
    if not len(data_set):
        raise UserError(f"{data_set.place}: no sample fits, so there is nothing to export")
    if os.path.lexists(target):
        raise OutputError(f"{target}: already exists; choose a new folder")
    above = output_above(target)
    if above is not None:
        raise OutputError(
            f"{target}: lies inside {above}, where only data belong: choose a folder outside of it"
        )
    return target


@contextlib.contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """A folder beside `target` to write into, which takes its name at the end.

    Whatever is raised inside, nothing is left behind. Raises OutputError where it cannot be written, or where
    something of this name has come into being meanwhile.
    """
    temporary = beside(target, f".{secrets.token_hex(4)}.part")
    try:
        with translate_os_error("write", str(target)):
            temporary.mkdir(parents=True)
            yield temporary
            if os.path.lexists(target):
                raise OutputError(
                    f"{target}: came into being meanwhile; export into a folder that is not there"
                )
            os.rename(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)

"""`--overwrite`: the new output is built beside the old one, and the two are exchanged in one step."""

from __future__ import annotations

import ctypes
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from townlet.dataset.capture.preflight import check_output
from townlet.dataset.status.contents import unexpected_files
from townlet.dataset.store.contract import Store
from townlet.dataset.store.local import LocalStore, translate_os_error
from townlet.dataset.store.open_store import is_remote, open_store
from townlet.dataset.versions.next_version import drop_others
from townlet.dataset.versions.versions import refuse_versioned
from townlet.errors import OutputError
from townlet.run import RunRef

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def begin_overwrite(output: str | os.PathLike[str], runs: Sequence[RunRef]) -> str | Path:
    """The folder to build the new output in: `.<output name>.new` beside it, or itself where it is empty.

    A build that was interrupted is gone on with where it is of the same runs, the rest is removed. Raises OutputError,
    before any work is done, where the old output holds files that Townlet did not write, or where the file
    system cannot exchange two folders, as no object store can.
    """
    if is_remote(output):
        return _refuse_remote(os.fspath(output), runs)
    folder = Path(os.path.realpath(output))
    refuse_versioned(LocalStore(folder))
    build = folder.parent / f".{folder.name}.new"
    if build.is_dir() and runs[0].folder:
        drop_others(LocalStore(build), runs)  # a data set welcomes any run, but these replace what is there
    if build.is_dir() and not _can_go_on(LocalStore(build), runs):
        with translate_os_error("remove", str(build)):
            shutil.rmtree(build)
    if not folder.is_dir() or not any(folder.iterdir()):
        return folder
    _refuse_unexpected(folder)
    _check_exchange(folder.parent)
    return build


def finish_overwrite(output: str | os.PathLike[str], build: str | os.PathLike[str]) -> None:
    """Put the finished build in the output's place and remove the old output."""
    folder = Path(os.path.realpath(output))
    if folder == Path(build):
        return
    _refuse_unexpected(folder)
    with translate_os_error("write", str(folder)):
        _exchange(str(build), str(folder))
    LocalStore(folder.parent).make_durable([""])
    with translate_os_error("remove", str(build)):
        shutil.rmtree(build)


def _refuse_remote(output: str, runs: Sequence[RunRef]) -> str:
    """The output itself, where there is nothing to overwrite."""
    if not _can_go_on(open_store(output), runs):
        raise OutputError(
            f"{output}: --overwrite exchanges two folders in one step, which an object store cannot; capture "
            "into another prefix, or use townlet regenerate, which puts a new version beside the old one"
        )
    return output


def _can_go_on(store: Store, runs: Sequence[RunRef]) -> bool:
    try:
        check_output(store, runs)
    except OutputError:
        return False
    return True


def _refuse_unexpected(folder: Path) -> None:
    unexpected = unexpected_files(LocalStore(folder))
    if unexpected:
        more = f" and {len(unexpected) - 3} more" if len(unexpected) > 3 else ""
        some = ", ".join(unexpected[:3]) + more
        raise OutputError(
            f"{folder}: --overwrite would remove files that Townlet did not write ({some}); "
            "move them away, or choose another output folder"
        )


def _trial_folder(parent: Path) -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix=".townlet-", dir=parent)


def _check_exchange(parent: Path) -> None:
    with (
        translate_os_error("write", str(parent)),
        tempfile.TemporaryDirectory(prefix=".townlet-", dir=parent) as trial,
    ):
        first, second = Path(trial, "a"), Path(trial, "b")
        first.mkdir()
        second.mkdir()
        try:
            _exchange(str(first), str(second))
        except OSError as error:
            raise OutputError(
                f"{parent}: this file system cannot exchange two folders in one step ({error.strerror}); "
                "capture into a new folder and remove the old one"
            ) from error


def _exchange(first: str, second: str) -> None:
    """Let two folders change places, so that at no time either name is missing (Linux: renameat2)."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        raise OSError(0, "the system has no renameat2")
    if renameat2(_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _RENAME_EXCHANGE) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), first)

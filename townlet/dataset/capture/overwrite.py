"""`--overwrite`: the new output is built beside the old one, and the two are exchanged in one step."""

from __future__ import annotations

import ctypes
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from townlet.dataset.capture.preflight import check_output
from townlet.dataset.format.canonical import line_bytes
from townlet.dataset.format.paths import BUILD
from townlet.dataset.status.contents import unexpected_files
from townlet.dataset.store.beside import build_of, is_build_of, name_in_mark
from townlet.dataset.store.contract import Store
from townlet.dataset.store.entries import is_litter
from townlet.dataset.store.local import LocalStore
from townlet.dataset.store.open_store import is_remote, open_store
from townlet.dataset.store.os_errors import translate_os_error
from townlet.dataset.versions.next_version import drop_others
from townlet.dataset.versions.versions import refuse_versioned
from townlet.errors import OutputError
from townlet.escaping import shown
from townlet.run import RunRef

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def begin_overwrite(output: str | os.PathLike[str], runs: Sequence[RunRef]) -> str | Path:
    """The folder to build the new output in: `.<output name>.new` beside it, or itself where it is empty.

    A build that was interrupted is gone on with where it is of the same runs, the rest is removed. Raises OutputError,
    before any work is done, where the old output, or what lies in the build's place, holds files that Townlet did not
    write, or where the file system cannot exchange two folders, as no object store can.
    """
    if is_remote(output):
        return _refuse_remote(os.fspath(output), runs)
    folder = Path(os.path.realpath(output))
    refuse_versioned(LocalStore(folder))
    build = build_of(folder)
    _clear_build(build, folder, runs)
    if not os.path.isdir(folder) or next(LocalStore(folder).list(), None) is None:
        return folder
    _refuse_unexpected(folder)
    _check_exchange(folder.parent)
    _sign(build, folder)
    return build


def finish_overwrite(output: str | os.PathLike[str], build: str | os.PathLike[str]) -> None:
    """Put the finished build in the output's place and remove the old output.

    Both bear the mark of a build while they change places, so that whichever is left beside the output is known.
    """
    folder = Path(os.path.realpath(output))
    if folder == Path(build):
        return
    _refuse_unexpected(folder)
    _sign(folder, folder)
    with translate_os_error("write", str(folder)):
        _exchange(str(build), str(folder))
    LocalStore(folder).delete(BUILD)
    LocalStore(folder.parent).make_durable([""])
    _keep_litter(Path(build), folder)
    with translate_os_error("remove", str(build)):
        shutil.rmtree(build)


def _clear_build(build: Path, folder: Path, runs: Sequence[RunRef]) -> None:
    """Remove what an earlier build cannot be gone on from. Raises OutputError where it is somebody else's."""
    if not os.path.lexists(build):
        return
    store = LocalStore(build)
    if build.is_symlink() or not build.is_dir():
        raise OutputError(
            f"{build}: --overwrite builds there, and something else is in the way; move it away"
        )
    with translate_os_error("read", str(build)):
        empty = not any(build.iterdir())
    strange = [] if empty else unexpected_files(store)
    if not empty and (strange or not is_build_of(build, folder)):
        found = f" (it holds {shown(strange[0])})" if strange else ""
        raise OutputError(
            f"{build}: --overwrite builds there, and what is there is not known to be its own{found}; move it away"
        )
    if runs[0].folder:
        drop_others(store, runs)  # a data set welcomes any run, but these replace what is there
    if not _can_go_on(store, runs):
        with translate_os_error("remove", str(build)):
            shutil.rmtree(build)


def _sign(build: Path, folder: Path) -> None:
    LocalStore(build).write_whole(
        BUILD, [line_bytes({"townlet": "overwrite", "output": name_in_mark(folder)})]
    )


def _keep_litter(old: Path, new: Path) -> None:
    """Take along what other programs keep in the output (.git, .gitattributes), which is not ours to remove."""
    for entry in sorted(os.scandir(old), key=lambda entry: entry.name):
        is_folder = entry.is_dir(follow_symlinks=False)
        if is_litter(entry.name, is_folder=is_folder) and not os.path.lexists(new / entry.name):
            with translate_os_error("write", str(new / entry.name)):
                os.rename(entry.path, new / entry.name)


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
        some = ", ".join(map(shown, unexpected[:3])) + more
        raise OutputError(
            f"{folder}: --overwrite would remove files that Townlet did not write ({some}); "
            "move them away, or choose another output folder"
        )


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

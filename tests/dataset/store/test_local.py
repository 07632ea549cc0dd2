"""The local store keeps the contract, stays in its folder, and says what is wrong with a disk."""

from __future__ import annotations

import errno
import io
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.dataset.store.store_contract import StoreContract
from townlet.dataset.store import local as store_module
from townlet.dataset.store.local import LocalStore, _sync_file_system
from townlet.errors import OutputError


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "out")


class TestLocalStore(StoreContract):
    pass


def files_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


def test_it_is_picklable(store: LocalStore) -> None:
    store.write_new("a", [b"1"])
    assert pickle.loads(pickle.dumps(store)).read("a") == b"1"
    assert str(store) == str(store.root)


def test_nothing_is_made_before_the_first_write(store: LocalStore) -> None:
    assert list(store.list()) == []
    assert not store.root.exists()


def test_no_temporary_stays_behind(store: LocalStore) -> None:
    store.write_whole("a", [b"1"])
    store.create_if_absent("a", [b"2"])
    store.create_if_absent("b", [b"2"])
    store.compare_and_swap("a", None, [b"3"])
    assert sorted(path.name for path in store.root.iterdir()) == ["a", "b"]


def test_large_writes_go_through(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, real = os.urandom(3 << 20), os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data[:100_000]))  # a short write is no error
    store.write_new("a", [whole[:5], memoryview(whole)[5:]])
    assert store.read("a") == whole


def test_write_new_never_replaces(store: LocalStore) -> None:
    store.write_new("a", [b"mine"])
    with pytest.raises(OutputError):
        store.write_new("a", [b"other"])
    assert store.read("a") == b"mine"


@pytest.mark.parametrize("link", ["runs", ".staging", "runs/x"])
def test_no_link_is_followed_out(store: LocalStore, tmp_path: Path, link: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("mine")
    place = store.root / link
    place.parent.mkdir(parents=True)
    place.symlink_to(outside)
    for write in (store.write_new, store.write_whole, store.create_if_absent):
        with pytest.raises(OutputError, match=r"is a symbolic link to .*outside; links inside an"):
            write(f"{link}/deep/a", [b"1"])
    store_with_file = LocalStore(store.root)
    with pytest.raises(OutputError, match="is a symbolic link"):
        store_with_file.delete(f"{link}/precious")
    assert files_below(outside) == ["precious"]


def test_the_output_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "samples").symlink_to(tmp_path / "disk")
    LocalStore(tmp_path / "samples").write_new("a/b", [b"1"])
    assert files_below(tmp_path / "disk") == ["a/b"]


@pytest.mark.parametrize("number", [errno.EXDEV, errno.EPERM, errno.EMLINK])
@pytest.mark.parametrize("name", ["old", "new"])
def test_a_file_that_cannot_be_linked_is_copied(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch, number: int, name: str
) -> None:
    def fail(*arguments: object, **_: object) -> None:
        raise OSError(number, os.strerror(number))

    store.write_new("a", [b"1"])
    store.write_new("old", [b"2"])
    monkeypatch.setattr(os, "link", fail)
    store.link_from(store, "a", name)
    assert store.read(name) == b"1"
    assert sorted(files_below(store.root)) == sorted({"a", "old", name})


def test_a_linked_file_takes_no_room(store: LocalStore) -> None:
    store.write_new("a", [b"1"])
    store.link_from(store, "a", "b")
    assert os.path.samefile(store.root / "a", store.root / "b")


def test_below_a_link_that_leads_out(store: LocalStore, tmp_path: Path) -> None:
    store.root.mkdir()
    (tmp_path / "outside").mkdir()
    (store.root / "a").symlink_to(tmp_path / "outside")
    with pytest.raises(OutputError, match="is a symbolic link"):
        store.below("a")


ERRORS = [
    (errno.ENOSPC, "the disk is full; free some space and run the same command again"),
    (errno.EDQUOT, "the disk quota is used up"),
    (errno.EROFS, "the file system is read-only; choose another output folder"),
    (errno.EACCES, "permission denied; choose a folder that you may write"),
    (errno.ELOOP, "its symbolic links lead in a circle"),
    (errno.ESTALE, "the server has another folder there now"),
    (errno.ENAMETOOLONG, "the name is too long for this file system; choose a shorter one"),
    (errno.EMFILE, "too many open files; raise the limit"),
    (errno.EIO, "the disk answers with an error \\(Input/output error\\)"),
]


@pytest.mark.parametrize(("number", "message"), ERRORS)
@pytest.mark.parametrize("call", ["open", "write"])
def test_errors_of_the_disk_are_explained(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch, call: str, number: int, message: str
) -> None:
    def fail(*arguments: object, **_: object) -> int:
        raise OSError(number, os.strerror(number))

    store.write_whole("old", [b"1"])
    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        for write in (store.write_new, store.write_whole, store.create_if_absent):
            with pytest.raises(OutputError, match=message) as caught:
                write("new", [b"2"])
            assert str(store.root) in str(caught.value)
            assert caught.value.exit_code == 2
    assert files_below(store.root) == ["old"]


def test_a_disk_that_fills_in_the_middle_leaves_no_part(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, real = [], os.write

    def fill_up(descriptor: int, data: memoryview) -> int:
        if written:
            raise OSError(errno.ENOSPC, "full")
        written.append(1)
        return real(descriptor, bytes(data[:10]))

    monkeypatch.setattr(os, "write", fill_up)
    with pytest.raises(OutputError, match="the disk is full"):
        store.write_new("new", [b"0123456789" * 100])
    assert files_below(store.root) == []


def test_a_file_where_a_folder_is_needed(store: LocalStore) -> None:
    store.write_new("a", [b"1"])
    with pytest.raises(OutputError, match="something else of this name is there"):
        store.write_new("a/b", [b""])
    with pytest.raises(OutputError, match="a file stands where a folder is needed"):
        list(store.list("a"))
    assert store.size("a/b") is None


def test_the_file_system_is_synced(tmp_path: Path) -> None:
    assert _sync_file_system(str(tmp_path)) == hasattr(store_module.ctypes.CDLL(None), "syncfs")


def test_a_commit_point_is_durable_before_it_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a power cut may leave a name with nothing in it, and the old content is gone too."""
    seen: list[tuple[bytes, bool]] = []

    def note(path: str) -> None:
        content = b"" if os.path.isdir(path) else Path(path).read_bytes()
        seen.append((content, (tmp_path / "dataset.json").exists()))

    monkeypatch.setattr(store_module, "_sync_one", note)
    assert LocalStore(tmp_path).compare_and_swap("dataset.json", None, [b"new"])
    assert seen == [(b"new", False), (b"", True)]


def test_a_folder_is_removed_though_somebody_writes_into_it(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write_new("s/a", [b"1"])
    remove_folder, late = os.rmdir, [store.root / "s" / "late"]

    def rmdir(path: str, **more: Any) -> None:
        if late:
            late.pop().write_bytes(b"2")
        remove_folder(path, **more)

    monkeypatch.setattr(os, "rmdir", rmdir)
    store.delete("s")
    assert not late and not (store.root / "s").exists()


def test_a_file_is_written_though_somebody_removes_its_folder(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace, left = os.replace, [1]

    def beaten(source: str, target: str) -> None:
        if left:
            left.pop()
            (store.root / "s").rmdir()
        replace(source, target)

    monkeypatch.setattr(os, "replace", beaten)
    store.write_whole("s/a", [b"1"])
    assert store.read("s/a") == b"1"
    assert [file.name for file in store.list()] == ["s/a"]


def test_files_are_synced_one_by_one_where_there_is_no_syncfs(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    monkeypatch.setattr(store_module, "_sync_file_system", lambda path: False)

    def note(path: str) -> None:
        synced.append(os.path.relpath(path, store.root))

    monkeypatch.setattr(store_module, "_sync_one", note)
    for name in ("runs/a/2", "runs/a/1", "runs/b/3"):
        store.write_new(name, [b""])
    store.make_durable(["runs/a", "runs/a", "runs/gone"])
    assert synced == ["runs/a/1", "runs/a/2", "runs/a", "runs", "."]


def test_removing_and_making_folders_at_once(tmp_path: Path) -> None:
    """Two processes whose folders come and go below one parent do not disturb each other."""
    work = (
        "import sys; from townlet.dataset.store.local import LocalStore\n"
        "for i in range(300):\n"
        "    store = LocalStore(sys.argv[1])\n"
        "    store.write_new(f'.staging/{sys.argv[2]}/{i}', [b'1'])\n"
        "    store.delete(f'.staging/{sys.argv[2]}')\n"
    )
    command = [sys.executable, "-c", work, str(tmp_path / "out")]
    workers = [subprocess.Popen([*command, name], stderr=subprocess.PIPE) for name in ("a", "b")]
    assert [(worker.communicate()[1].decode(), worker.returncode) for worker in workers] == [("", 0)] * 2
    assert list((tmp_path / "out").iterdir()) == []


def test_a_file_that_goes_while_its_folder_is_listed(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    for name in ("a", "b", "c"):
        store.write_new(f"folder/{name}", [b"x"])
    listed = store.list()
    assert next(listed).name == "folder/a"
    store.delete("folder/b")
    assert [file.name for file in listed] == ["folder/c"]


def test_threads_that_write_one_after_the_other(store: LocalStore) -> None:
    """Each removes the staging folder that it leaves empty, in which the next is about to write."""
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: store.write_whole(f"f/{number}", [b"1"]), range(1000)))
    assert len(list(store.list())) == 1000
    assert files_below(store.root / "f") == sorted(map(str, range(1000)))


def test_a_system_that_gives_a_part_at_once(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux does so for 2 GiB and more."""

    class Halting(io.FileIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(size if size is None or size < 0 else min(size, 7))

    data = bytes(range(100))
    store.write_new("a", [data])
    monkeypatch.setattr(os, "fdopen", lambda descriptor, *_, **__: Halting(descriptor, "rb"))
    assert [store.read("a"), store.read("a", 100), store.read("a", 1000)] == [data] * 3

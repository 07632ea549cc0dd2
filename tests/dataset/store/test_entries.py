"""What is no plain file in a local store: links, pipes, litter, and what the system answers to who looks there."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from townlet.dataset.store.local import LocalStore
from townlet.errors import CorruptSampleError, OutputError


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "samples")


@pytest.mark.parametrize("target", ["outside", "samples/b", "nowhere", "a"])
def test_a_link_in_a_file_s_place_is_neither_followed_nor_replaced(
    store: LocalStore, tmp_path: Path, target: str
) -> None:
    """Wherever it leads: out, to a file of the same store, to nothing, or to itself."""
    (tmp_path / "outside").write_text("mine")
    store.write_new("b", [b"2"])
    (store.root / "a").symlink_to(store.root / "a" if target == "a" else tmp_path / target)
    for use in (
        lambda: store.write_new("a", [b"1"]),
        lambda: store.write_whole("a", [b"1"]),
        lambda: store.create_if_absent("a", [b"1"]),
        lambda: store.compare_and_swap("a", None, [b"1"]),
        lambda: store.move("b", "a"),
        lambda: store.link_from(store, "b", "a"),
        lambda: store.link_from(store, "a", "c"),
        lambda: store.read("a"),
        lambda: store.open_read("a"),
        lambda: store.size("a"),
        lambda: store.delete("a"),
    ):
        with pytest.raises(
            OutputError, match=r"/a: is a symbolic link to .*; links inside an output are neither"
        ):
            use()
    assert (tmp_path / "outside").read_text() == "mine"
    assert [(file.name, file.kind) for file in store.list()] == [("a", "link"), ("b", "file")]
    assert store.kind("a") == "link"


def test_links_inside_are_refused_as_those_that_lead_out(store: LocalStore) -> None:
    (store.root / "real").mkdir(parents=True)
    (store.root / "runs").symlink_to(store.root / "real")
    for use in (
        lambda: store.write_new("runs/a", [b"1"]),
        lambda: store.read("runs/a"),
        lambda: store.size("runs/deep/a"),
        lambda: list(store.list("runs")),
        lambda: store.below("runs"),
    ):
        with pytest.raises(OutputError, match="/runs: is a symbolic link"):
            use()
    assert store.kind("runs/a") == "link"


def bind(path: Path) -> None:
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind(os.path.relpath(path))


SPECIAL: dict[str, Callable[[Path], None]] = {
    "a named pipe": os.mkfifo,
    "a socket": bind,
    "a folder": os.mkdir,
}


@pytest.mark.parametrize("what", SPECIAL)
def test_what_is_no_file_is_said_and_not_waited_for(
    store: LocalStore, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.root.mkdir()
    monkeypatch.chdir(store.root)
    SPECIAL[what](store.root / "a")
    for use in (store.read, store.open_read, store.size):
        with pytest.raises(OutputError, match=f"/a: is {what}; expected a file"):
            use("a")


def test_a_device_is_not_read() -> None:
    with pytest.raises(OutputError, match=r"^/dev/zero: is a device; expected a file"):
        LocalStore("/dev").read("zero")


def test_a_file_has_a_limit(store: LocalStore) -> None:
    store.write_new("a", [b"12345"])
    assert store.read("a", 5) == b"12345"
    with pytest.raises(CorruptSampleError, match="/a: expected at most 4 bytes, found 5"):
        store.read("a", 4)


LITTER = (
    ".DS_Store",
    "Thumbs.db",
    "._a",
    ".nfs00000012",
    ".gitattributes",
    ".Trash-1000/x",
    "lost+found/y",
    ".git/z",
)


def test_litter_is_not_listed(store: LocalStore) -> None:
    for name in ("a", "b/c", *LITTER, *(f"b/{name}" for name in LITTER)):
        store.write_new(name, [b"1"])
    assert [file.name for file in store.list()] == ["a", "b/c"]
    assert [file.name for file in store.list("b", deep=False)] == ["b/c"]
    for name in LITTER:
        assert store.read(name) == b"1"
    store.delete("b/c")
    assert sorted(os.listdir(store.root / "b")) == sorted({name.split("/")[0] for name in LITTER})


@pytest.mark.parametrize(
    "name", ["thumbs.txt", ".nfs", ".staging/x", "x.DS_Store", "lost+found", "DS_Store", ".Trash-x/a"]
)
def test_what_is_no_litter(store: LocalStore, name: str) -> None:
    store.write_new(name, [b"1"])
    assert [file.name for file in store.list()] == [name]


READ_ERRORS = [
    (errno.EACCES, "permission denied; have its owner let you read it"),
    (errno.EPERM, "not permitted; have its owner let you read it"),
    (errno.EIO, "the disk answers with an error"),
    (errno.ESTALE, "the server has another file there now; open it again"),
    (errno.ENAMETOOLONG, "the name is too long for this file system"),
    (errno.ELOOP, "its symbolic links lead in a circle"),
    (errno.EMFILE, "too many open files; raise the limit"),
    (errno.ENOMEM, "Cannot allocate memory"),
]


@pytest.mark.parametrize(("number", "message"), READ_ERRORS)
def test_who_reads_is_told_what_to_do_to_read(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch, number: int, message: str
) -> None:
    def fail(*arguments: object, **_: object) -> int:
        raise OSError(number, os.strerror(number))

    store.write_whole("old", [b"1"])
    for call, uses in {
        "open": (store.read, store.open_read),
        "lstat": (store.size,),
        "scandir": (lambda name: list(store.list()),),
    }.items():
        for use in uses:
            with monkeypatch.context() as patch:
                patch.setattr(os, call, fail)
                with pytest.raises(OutputError, match=f"cannot read: {message}") as caught:
                    use("old")
            assert "may write" not in str(caught.value)
            assert caught.value.exit_code == 2
    assert store.size("old/er") is None

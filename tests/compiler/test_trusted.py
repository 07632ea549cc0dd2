"""Which folders machine code may be loaded from: those that nobody but us and root can put anything into."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

import pytest

from townlet.compiler import trusted
from townlet.compiler.trusted import Untrusted, open_trusted

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
MALLORY = 54_321  # a user's number


def opened(path: Path, **options: bool) -> Path:
    found, descriptor = open_trusted(str(path), **options)
    try:
        assert os.path.samestat(os.fstat(descriptor), os.stat(found))
    finally:
        os.close(descriptor)
    return Path(found)


def test_a_folder_of_ours(tmp_path: Path) -> None:
    assert opened(tmp_path) == tmp_path
    assert opened(tmp_path / "one" / "two", create=True) == tmp_path / "one" / "two"
    assert stat.S_IMODE((tmp_path / "one").stat().st_mode) == 0o700
    with pytest.raises(FileNotFoundError):
        opened(tmp_path / "three")
    with pytest.raises(NotADirectoryError):
        (tmp_path / "file").touch()
        opened(tmp_path / "file" / "below", create=True)


@pytest.mark.parametrize("mode", [0o775, 0o777, 0o770, 0o722])
@pytest.mark.parametrize("where", ["", "below", "below/further"])
def test_one_that_others_can_write_to_wherever_it_stands(tmp_path: Path, mode: int, where: str) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(
        Untrusted, match=rf"^{folder} can be written to by others \(mode {mode:o}; chmod go-w"
    ):
        opened(folder / where, create=True)
    assert not list(folder.iterdir())


def test_in_a_sticky_folder_only_what_is_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in /tmp: others can make names there, and cannot exchange ours."""
    folder = tmp_path / "sticky"
    folder.mkdir()
    folder.chmod(0o1777)
    assert opened(folder, shared=True) == folder
    with pytest.raises(Untrusted, match="sticky can be written to by others"):
        opened(folder)
    assert opened(folder / "mine" / "below", create=True) == folder / "mine" / "below"
    (folder / "link").symlink_to(tmp_path)
    with pytest.raises(Untrusted, match="link is a link in a folder that others can write to"):
        opened(folder / "link" / "below", create=True)
    (folder / "wide").mkdir()
    (folder / "wide").chmod(0o777)
    with pytest.raises(Untrusted, match="wide can be written to by others"):
        opened(folder / "wide")


def test_links_that_only_we_could_have_made_are_followed(tmp_path: Path) -> None:
    (tmp_path / "data" / "deep").mkdir(parents=True)
    (tmp_path / "home").symlink_to("data/deep")
    (tmp_path / "data" / "deep" / "up").symlink_to("..")
    (tmp_path / "absolute").symlink_to(tmp_path / "home")
    assert opened(tmp_path / "absolute" / "cache", create=True) == tmp_path / "data" / "deep" / "cache"
    assert opened(tmp_path / "home" / "up" / "x", create=True) == tmp_path / "data" / "x"
    (tmp_path / "round").symlink_to("round")
    with pytest.raises(Untrusted, match="more than 40 links"):
        opened(tmp_path / "round")
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    (tmp_path / "leads away").symlink_to(shared)
    with pytest.raises(Untrusted, match="shared can be written to by others"):
        opened(tmp_path / "leads away" / "x")


def test_folders_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").mkdir()
    monkeypatch.setattr(trusted.os, "geteuid", lambda: MALLORY)
    with pytest.raises(Untrusted, match=r"belongs to the user"):
        opened(tmp_path / "cache")


@ROOT_ONLY
@pytest.mark.parametrize("theirs", ["home", "home/.cache", "home/.cache/townlet"])
def test_root_uses_nothing_in_the_home_of_another_user(tmp_path: Path, theirs: str) -> None:
    """As with `sudo`, which may keep HOME."""
    path = tmp_path / "home" / ".cache" / "townlet"
    path.mkdir(parents=True)
    os.chown(tmp_path / theirs, MALLORY, MALLORY)
    with pytest.raises(Untrusted, match=rf"^{tmp_path / theirs} belongs to the user number {MALLORY}$"):
        opened(path / "kernels", create=True)
    assert not list(path.iterdir())


@ROOT_ONLY
def test_a_folder_that_another_user_has_made_first(tmp_path: Path) -> None:
    sticky = tmp_path / "tmp"
    (sticky / "townlet-0").mkdir(parents=True)
    sticky.chmod(0o1777)
    os.chown(sticky / "townlet-0", MALLORY, MALLORY)
    with pytest.raises(Untrusted, match="townlet-0 belongs to the user number"):
        opened(sticky / "townlet-0" / "kernels", create=True)


def test_a_folder_that_is_exchanged_for_a_link_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    link = trusted._link

    def exchange(here: int, name: str) -> str | None:
        found = link(here, name)
        if name == "mine":
            os.rename(tmp_path / "mine", tmp_path / "old")
            os.symlink(elsewhere, tmp_path / "mine")
        return found

    monkeypatch.setattr(trusted, "_link", exchange)
    with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
        opened(tmp_path / "mine" / "cache", create=True)
    assert not list(elsewhere.iterdir())


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "real").mkdir()
    (tmp_path / "wide").mkdir()
    (tmp_path / "wide").chmod(0o777)
    for path in (tmp_path / "link" / "x", tmp_path / "wide" / "x", tmp_path / "missing"):
        for create in (False, True):
            with contextlib.suppress(OSError, Untrusted):
                opened(path, create=create)
    assert len(os.listdir("/proc/self/fd")) == before

"""What stands where a file should: one clear error each, at once."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from townlet.config import load_config
from townlet.config.source.open_file import MOST_BYTES, folders_of, is_folder, is_there, read_text
from townlet.config.suite import load_suite
from townlet.errors import ConfigError

ORDINARY = "expected an ordinary file, got"


def pipe(path: Path) -> None:
    os.mkfifo(path)


def local_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path.name)  # relative: such names are short


THINGS: dict[str, tuple[Callable[[Path], object], str]] = {
    "pipe": (pipe, f"{ORDINARY} a pipe"),
    "socket": (local_socket, f"{ORDINARY} a socket"),
    "device": (lambda path: path.symlink_to("/dev/zero"), f"{ORDINARY} a device"),
    "terminal": (lambda path: path.symlink_to("/dev/tty"), f"{ORDINARY} a device"),
    "loop": (lambda path: path.symlink_to(path.name), "cannot be read: links that lead to each other, without end"),
    "nowhere": (lambda path: path.symlink_to("gone"), "expected a file, found nothing under this name"),
    "below a file": (lambda path: path.symlink_to("town.yaml/x"), "expected a file, found nothing under this name"),
    "large": (lambda path: path.write_bytes(b"#" * (MOST_BYTES + 1)), "expected at most 8,000,000 bytes, got more"),
    "sparse": (lambda path: os.truncate(os.open(path, os.O_CREAT | os.O_RDWR), 2**40), "expected at most 8,000,000"),
}  # fmt: skip


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("town.yaml").write_text("config_id: t\n")
    return tmp_path


@pytest.mark.parametrize("thing", THINGS)
def test_in_place_of_a_config_an_affordance_file_and_a_suite(thing: str, here: Path) -> None:
    make, message = THINGS[thing]
    make(Path("it.yaml"))
    Path("names_it.yaml").write_text("config_id: t\naffordances: {affordances_file: it.yaml}\n")
    for load, name in ((load_config, "it.yaml"), (load_config, "names_it.yaml"), (load_suite, "it.yaml")):
        if thing == "below a file" and name == "names_it.yaml":
            continue  # no file is there: it is looked for elsewhere
        with pytest.raises(ConfigError) as found:
            load(name)
        assert str(found.value).startswith(f"it.yaml: {message}"), str(found.value)


def test_the_config_of_a_suite(here: Path) -> None:
    os.mkfifo("it.yaml")
    os.mkdir("folder")
    Path("suite.yaml").write_text(
        "name: s\nruns: [{config: it.yaml}, {config: folder}, {config: gone.yaml}]\n"
    )
    with pytest.raises(ConfigError) as found:
        load_suite("suite.yaml")
    assert str(found.value).splitlines() == [
        "suite.yaml:2:36: runs[1].config: expected a config file, or the folder of a capture, got another folder",
        "suite.yaml:2:54: runs[2].config: expected a config file, found none at 'gone.yaml'",
    ]


def test_what_is_there(here: Path) -> None:
    os.mkdir("folder")
    Path("loop").symlink_to("loop")
    assert [is_there(Path(name)) for name in ("town.yaml", "loop", "folder", "gone", "a\0b")] == [
        True, True, False, False, False,
    ]  # fmt: skip
    assert [is_folder(Path(name)) for name in ("folder", "town.yaml", "loop", "a\0b")] == [
        True,
        False,
        False,
        False,
    ]


def test_a_file_that_is_exchanged_for_a_pipe_while_it_is_opened(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo("pipe")
    status = os.stat("town.yaml")
    monkeypatch.setattr(os, "stat", lambda path: status)
    with pytest.raises(ConfigError, match="expected an ordinary file, got a pipe"):
        read_text(Path("pipe"), "town.yaml")


def test_the_folders_of_a_link(here: Path) -> None:
    for folder in ("a", "b", "c"):
        os.mkdir(folder)
    Path("a/real.yaml").write_text("config_id: t\n")
    Path("b/link.yaml").symlink_to("../a/real.yaml")
    Path("c/link.yaml").symlink_to(here / "b" / "link.yaml")
    assert folders_of(Path("c/link.yaml")) == [here / "c", here / "b", here / "a"]
    assert folders_of(Path("a/real.yaml")) == [here / "a"]
    Path("linked").symlink_to("a")
    assert folders_of(Path("linked/real.yaml")) == [here / "linked", here / "a"]

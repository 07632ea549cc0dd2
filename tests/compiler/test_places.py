"""Where machine code is kept: the first place that can be trusted and has room, else one for this process alone."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from townlet.compiler import places
from townlet.compiler.places import CACHE_VARIABLE, Place, find, find_with_room

ROOT = Path(__file__).resolve().parents[2]
NAME = "kernels-0123"


class Around:
    """The places of a test, none of them there yet."""

    def __init__(self, folder: Path) -> None:
        self.chosen, self.home, self.temporary = folder / "chosen", folder / "home", folder / "tmp"
        self.own = self.temporary / f"townlet-{os.geteuid()}"
        self.temporary.mkdir()
        self.temporary.chmod(0o1777)


@pytest.fixture
def around(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    made = Around(tmp_path)
    monkeypatch.setenv(CACHE_VARIABLE, str(made.chosen))
    monkeypatch.setenv("XDG_CACHE_HOME", str(made.home))
    monkeypatch.setattr(tempfile, "tempdir", str(made.temporary))
    monkeypatch.setattr(places, "_private", None)
    monkeypatch.setattr(places, "_current", None)
    yield made
    if places._private is not None:
        places._remove(places._private.folder, os.getpid())


def shared(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)


def parent_of(found: places.Found) -> Path:
    assert found.place is not None
    return found.place.path.parent


def test_the_order(around: Around, monkeypatch: pytest.MonkeyPatch) -> None:
    assert parent_of(find(NAME)) == around.chosen
    assert find(NAME).notice == ""
    monkeypatch.setenv(CACHE_VARIABLE, "")
    assert parent_of(find(NAME)) == around.home / "townlet"
    around.home.joinpath("townlet", NAME).rmdir()
    around.home.joinpath("townlet").rmdir()
    around.home.joinpath("townlet").touch()
    assert parent_of(find("kernels-4567")) == around.own
    assert find("kernels-4567").notice == "", "nobody asked for another place"


def test_a_shared_folder_is_passed_over_with_a_line(around: Around) -> None:
    shared(around.chosen)
    found = find(NAME)
    assert parent_of(found) == around.home / "townlet"
    assert found.notice == (
        f"compiled code is kept in {around.home / 'townlet'}: {CACHE_VARIABLE}: {around.chosen} can be written to by "
        "others (mode 777; chmod go-w makes it yours alone)"
    )
    assert not list(around.chosen.iterdir())


@pytest.mark.parametrize("home", ["relative", "", "."])
def test_without_a_home(around: Around, monkeypatch: pytest.MonkeyPatch, home: str, tmp_path: Path) -> None:
    """No folder `~` or `.cache` appears in the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(CACHE_VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/cache")
    monkeypatch.setenv("HOME", home)
    monkeypatch.setattr(places, "_home", lambda: "")
    assert parent_of(find(NAME)) == around.own
    monkeypatch.delenv("HOME")
    assert parent_of(find("kernels-4567")) == around.own
    assert [path.name for path in tmp_path.iterdir()] == ["tmp"]


def test_where_all_are_somebody_elses_one_for_this_process_alone(around: Around) -> None:
    for folder in (around.chosen, around.home, around.own):
        shared(folder)
    assert find(NAME).place is None, "as long as nothing is to be kept, nothing is made"
    assert [path.name for path in around.temporary.iterdir()] == [around.own.name]
    found = find_with_room(NAME, private=True)
    assert found.place is not None and parent_of(found).parent == around.temporary
    assert stat.S_IMODE(parent_of(found).stat().st_mode) == 0o700
    assert found.notice.startswith(
        "compiled code is kept in a new folder, until this command ends: TOWNLET_CACHE_DIR: "
    )
    assert str(around.home) in found.notice and str(around.own) in found.notice
    found.place.write("name", b"content")
    assert find(NAME).place is find_with_room(NAME, private=True).place is found.place
    lasting = find_with_room(NAME, private=False)
    assert lasting.place is None and lasting.notice.startswith("compiled code is kept nowhere: ")


def test_where_the_temporary_folder_is_somebody_elses_too(
    around: Around, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TMPDIR may lead anywhere: then the system's own are asked."""
    for folder in (around.chosen, around.home, around.own):
        shared(folder)
    around.temporary.chmod(0o777)
    found = find_with_room(NAME, private=True)
    assert found.place is None or parent_of(found).parent in map(Path, ("/tmp", "/var/tmp", "/dev/shm"))
    assert [path.name for path in around.temporary.iterdir()] == [around.own.name]


def test_what_is_complete_is_used_though_it_cannot_be_written_to(
    around: Around, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An image, say."""

    def read_only(self: Place) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Place, "check_writable", read_only)
    found = find(NAME)
    assert found.place is None
    assert f"{around.chosen}: Read-only file system (the disk at /" in found.notice
    (around.home / "townlet" / NAME / places.COMPLETE).touch(0o600)
    found = find("other") and find(NAME)
    assert parent_of(found) == around.home / "townlet"


def test_a_full_disk_is_passed_over(around: Around, monkeypatch: pytest.MonkeyPatch) -> None:
    reserve = Place.reserve

    def full(self: Place, size: int) -> None:
        if self.path.is_relative_to(around.chosen):
            raise OSError(errno.ENOSPC, "No space left on device")
        reserve(self, size)

    monkeypatch.setattr(Place, "reserve", full)
    found = find_with_room(NAME, private=True)
    assert parent_of(found) == around.home / "townlet"
    assert f"{CACHE_VARIABLE}: {around.chosen}: No space left on device (the disk at /" in found.notice
    assert find(NAME).place is found.place, "what comes next finds the same place"
    assert sorted(path.name for path in around.home.rglob("*")) == [NAME, "townlet"], (
        "nothing is left of the trial"
    )


def test_a_descriptor_that_somebody_closed_is_not_used(around: Around, tmp_path: Path) -> None:
    """As daemons do; the number may mean another folder by now."""
    path, descriptor = str(tmp_path), os.open(tmp_path, os.O_RDONLY)
    place = Place(path, descriptor)
    place.write("name", b"content")
    other = os.open(around.temporary, os.O_RDONLY)
    os.dup2(other, descriptor)
    os.close(other)
    with pytest.raises(OSError, match="closed"):
        place.read("name")


PRIVATE = f"""
import os, sys, time
from townlet.compiler import places
found = places.find_with_room({NAME!r}, private=True)
child = os.fork()
if not child:
    sys.exit(0)
os.waitpid(child, 0)
assert found.place.path.exists(), "a fork removed it at its end"
print(found.place.path.parent, flush=True)
if len(sys.argv) > 1:
    time.sleep(60)
"""


def private_process(around: Around, *arguments: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(around.temporary)}
    return subprocess.Popen(
        [sys.executable, "-P", "-c", PRIVATE, *arguments], stdout=subprocess.PIPE, text=True, env=environment
    )


def test_it_goes_with_its_process_or_is_found_by_the_next(around: Around) -> None:
    for folder in (around.chosen, around.home, around.own):
        shared(folder)
    stays = private_process(around, "stay")
    assert stays.stdout is not None
    first = Path(stays.stdout.readline().strip())
    assert first.parent == around.temporary and first.is_dir()
    second = Path(private_process(around).communicate()[0].strip())
    assert first.is_dir(), "its process lives"
    assert second.parent == around.temporary and not second.exists()
    stays.send_signal(signal.SIGKILL)
    stays.communicate()
    assert first.is_dir()
    private_process(around).communicate()
    assert not first.exists()

"""Where machine code is kept: by content, so that two checkouts share it and an edit anywhere is seen."""

from __future__ import annotations

import os
import pickle
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from townlet.compiler import store
from townlet.compiler.places import LARGEST

ROOT = Path(__file__).resolve().parents[2]
DRAW = "from townlet.world.rng import draw; print(draw(1, 2, 3, 4, 5))"


def checkout(folder: Path) -> Path:
    """A copy of the package."""
    shutil.copytree(ROOT / "townlet", folder / "townlet", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def run(folder: Path, code: str, cache: Path) -> str:
    environment = {**os.environ, store.CACHE_VARIABLE: str(cache), "PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def kept(cache: Path) -> dict[str, int]:
    """Machine code, and when it was written."""
    files = (path for path in cache.rglob("*") if path.suffix in (".entry", ".unit"))
    return {str(path.relative_to(cache)): path.stat().st_mtime_ns for path in files}


@pytest.mark.campaign
@pytest.mark.skipif(store.is_switched_off(), reason="nothing is compiled")
def test_two_checkouts_share_it_and_an_edit_of_a_called_kernel_is_seen(tmp_path: Path) -> None:
    """`draw` calls `philox`, which stands in the same file here and in another elsewhere: the hash is of all."""
    cache = tmp_path / "cache"
    one, other = checkout(tmp_path / "one"), checkout(tmp_path / "other")
    number = run(one, DRAW, cache)
    before = kept(cache)
    assert len(before) == 1
    assert run(other, DRAW, cache) == number
    assert kept(cache) == before, "the second checkout compiled again"
    edited = other / "townlet" / "world" / "rng.py"
    edited.write_text(edited.read_text(encoding="utf-8").replace("range(10)", "range(9)"), encoding="utf-8")
    assert run(other, DRAW, cache) != number
    assert len(kept(cache)) == 2
    assert run(one, DRAW, cache) == number
    damaged_file = next(path for path in cache.rglob("*.entry") if f"{path.relative_to(cache)}" in before)
    whole = damaged_file.read_bytes()
    damaged_file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert run(one, DRAW, cache) == number
    assert damaged_file.read_bytes() == whole, "what is damaged is compiled anew, and replaced"


def test_every_file_that_a_kernel_takes_from_decides(tmp_path: Path) -> None:
    """An edit in a rule, an observation, a policy, the rollout, a vocabulary or the compiler makes another folder."""
    folder, found = checkout(tmp_path / "copy"), set()
    code = "from townlet.compiler.store import source_hash; print(source_hash())"
    files = (
        "world/rules/needs.py", "observation/mask.py", "policy/needs.py", "rollout/kernels.py", "vocabulary.py",
        "compiler/groups.py",
    )  # fmt: skip
    found.add(run(folder, code, tmp_path))
    for name in files:
        with (folder / "townlet" / name).open("a", encoding="utf-8") as file:
            file.write("\n# edited\n")
        found.add(run(folder, code, tmp_path))
    assert len(found) == 1 + len(files)
    with (folder / "townlet" / "cli.py").open("a", encoding="utf-8") as file:
        file.write("\n# edited\n")
    assert run(folder, code, tmp_path) in found, "a file without kernels makes everybody compile again"


def test_checked_indices_are_other_code(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NUMBA_BOUNDSCHECK", raising=False)
    plain = where()
    monkeypatch.setenv("NUMBA_BOUNDSCHECK", "1")
    assert where() != plain


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv(store.CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def where() -> Path:
    place = store.place()
    assert place is not None
    return place.path


def damaged() -> Iterator[tuple[str, bytes]]:
    """Every way in which a file can be wrong: each bit flipped, each length, and other content."""
    whole = store._encoded("name", CODE)
    for index, byte in enumerate(whole):
        for bit in range(8):
            yield f"bit {bit} of byte {index}", whole[:index] + bytes([byte ^ 1 << bit]) + whole[index + 1 :]
    for length in range(len(whole)):
        yield f"{length} bytes of it", whole[:length]
    yield "with more at its end", whole + b"\0"
    yield "of another format", whole.replace(b"kernel 1", b"kernel 2")
    yield "of another kernel", store._encoded("other", CODE)
    yield "a pickle", pickle.dumps(Loaded())
    yield "garbage", bytes(range(256)) * 40
    for content in (b"[]", b"{}", b"nothing", b"\xff", b"[1, 2, 3]", b"[" * 100_000):
        yield f"content {content[:9]!r}", store.MAGIC + store._digest("name", content) + content


class Loaded:
    def __reduce__(self) -> tuple:
        return pytest.fail, ("a pickle was loaded",)


CODE = store.Code(b"\x7fELF" + bytes(range(64)) + b"\n{}", "symbol", ("one.unit", "two.unit"), "environment")


def test_what_is_kept_is_read(cache: Path) -> None:
    store.write("name", CODE)
    assert store.read("name") == CODE
    assert store.read("never written") is None
    assert (where() / "name").stat().st_mode & 0o777 == 0o600


def test_what_is_damaged_is_not_there_and_is_replaced(cache: Path) -> None:
    for what, content in damaged():
        assert store._decoded("name", content) is None, what
    for content in (b"", b"garbage", store._encoded("name", CODE)[:-1]):
        (where() / "name").write_bytes(content)
        assert store.read("name") is None
        store.write("name", CODE)
        assert store.read("name") == CODE


def test_only_plain_files_of_ours_are_read(cache: Path, tmp_path: Path) -> None:
    """And nothing is waited for, as a FIFO would have it."""
    whole = store._encoded("name", CODE)
    path = where() / "name"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(whole)
    for make in (
        lambda: path.symlink_to(elsewhere),
        lambda: os.mkfifo(path),
        path.mkdir,
        lambda: (path.write_bytes(whole), path.chmod(0o666)),
        lambda: (path.touch(0o600), os.truncate(path, LARGEST + 1)),
    ):
        make()
        assert store.read("name") is None
        path.rmdir() if path.is_dir() else path.unlink()
    assert elsewhere.read_bytes() == whole


@pytest.mark.parametrize("umask", [0o777, 0o077, 0o022, 0o002, 0o000])
def test_an_odd_umask_changes_nothing(cache: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        store.write("name", CODE)
        store.mark_complete()
        assert store.read("name") == CODE and store.is_complete()
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in (where(), where().parent)} == {0o700}


def test_a_disk_without_room_is_said_with_its_name(
    cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A limit on the size of files stands for it: the system answers alike. A mark needs no room."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    place = store.place()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        store.mark("played")
        assert store.is_marked("played")
        with pytest.raises(OSError, match="too large"):
            store.write("name", CODE._replace(object_file=bytes(20_000)))
        assert store.read("name") is None
        found = store.place_to_fill(private=True)
        store.write("name", CODE)
        assert store.read("name") is None, "nothing is kept, and nothing fails"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert found.place is None and place is not None
    begin = f"compiled code is kept nowhere: {store.CACHE_VARIABLE}: {cache}: File too large (the disk at /"
    assert found.notice.startswith(begin)
    assert [path.name for path in place.path.iterdir()] == ["played"], "nothing is left of the trial"
    assert not list(tmp_path.glob("townlet-kernels-*"))


def test_one_at_a_time(cache: Path) -> None:
    at_work, most = 0, 0

    def work() -> None:
        nonlocal at_work, most
        place = store.place()
        assert place is not None
        for _ in range(20):
            with store.compiling_alone(place):
                at_work += 1
                most = max(most, at_work)
                at_work -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1

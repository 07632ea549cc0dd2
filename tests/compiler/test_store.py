"""Where machine code is kept: by content, so that two checkouts share it and an edit anywhere is seen."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from townlet.compiler import store

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


def test_checked_indices_are_other_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(store.CACHE_VARIABLE, str(tmp_path))
    monkeypatch.delenv("NUMBA_BOUNDSCHECK", raising=False)
    plain = store.cache_folder()
    monkeypatch.setenv("NUMBA_BOUNDSCHECK", "1")
    assert store.cache_folder() != plain


@pytest.mark.parametrize("content", [b"", b"\x80", b"garbage", b"cno_such_module\nname\n."])
def test_what_cannot_be_read_is_not_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes
) -> None:
    monkeypatch.setenv(store.CACHE_VARIABLE, str(tmp_path))
    store.write("name", ("some", 1))
    assert store.read("name") == ("some", 1)
    (store.cache_folder() / "name").write_bytes(content)
    assert store.read("name") is None
    assert store.read("never written") is None


def test_a_folder_that_cannot_be_written_to_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "a file").touch()
    monkeypatch.setenv(store.CACHE_VARIABLE, str(tmp_path / "a file"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    assert store.cache_folder().parent == tmp_path / "home" / "townlet"


def test_a_folder_of_somebody_elses_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What stands there was perhaps put there to be run by us."""
    monkeypatch.setenv(store.CACHE_VARIABLE, str(tmp_path / "chosen"))
    monkeypatch.setattr(store.os, "getuid", lambda: 4242)
    monkeypatch.setattr(store.tempfile, "gettempdir", lambda: str(tmp_path / "temporary"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    store._usable.cache_clear()
    found = store.cache_folder()
    store._usable.cache_clear()
    assert found.parent == tmp_path / "temporary"
    assert "kernels" not in found.name, "a new folder, of this process alone"


def test_one_at_a_time(tmp_path: Path) -> None:
    at_work, most = 0, 0

    def work() -> None:
        nonlocal at_work, most
        for _ in range(20):
            with store.compiling_alone(tmp_path):
                at_work += 1
                most = max(most, at_work)
                at_work -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1

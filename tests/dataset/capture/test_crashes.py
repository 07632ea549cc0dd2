"""Whatever fails, wherever the process dies: nothing torn under a final name, and a re-run ends the same."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.dataset.captures import capture, content, folders
from tests.samples import make_run
from tests.sampling import first
from townlet.dataset.checking.verify import verify
from townlet.dataset.format.paths import run_folder
from townlet.dataset.reading.capture import load_capture
from townlet.dataset.store.local import LocalStore
from townlet.errors import OutputError, TownletError
from townlet.run import Run

SINGLE = [make_run(ticks=3)]
DATA_SET = [make_run(seed=seed, ticks=3, folder=run_folder("scene", seed)) for seed in (1, 2)]

STORE_CALLS = (
    "write_new",
    "write_whole",
    "compare_and_swap",
    "move",
    "delete",
    "make_durable",
    "read",
    "list",
)
SYSTEM_CALLS = ("open", "write", "replace", "unlink", "rmdir", "makedirs", "close")


class Broken(Exception):
    pass


class BreakingStore(LocalStore):
    """Fails at its k-th call: before doing what it was asked for, or after."""

    def __init__(self, root: Path, k: int, late: bool) -> None:
        super().__init__(root)
        self.left, self.late = k, late

    def __getattribute__(self, name: str) -> Any:
        attribute = super().__getattribute__(name)
        if name not in STORE_CALLS:
            return attribute

        def call(*arguments: Any, **options: Any) -> Any:
            self.left -= 1
            if self.left == 0 and not self.late:
                raise Broken
            last = self.left == 0
            answer = attribute(*arguments, **options)
            if last:
                raise Broken
            return answer

        return call


@pytest.fixture(params=[SINGLE, DATA_SET], ids=["capture", "data set"])
def runs(request: pytest.FixtureRequest) -> list[Run]:
    return request.param


@pytest.fixture
def undisturbed(tmp_path: Path, runs: list[Run]) -> dict[str, bytes]:
    capture(LocalStore(tmp_path / "undisturbed"), *runs)
    return content(tmp_path / "undisturbed")


def assert_nothing_torn(output: Path, undisturbed: dict[str, bytes]) -> None:
    """Every file under a final name is whole, and every capture that can be opened can be read."""
    for name, data in content(output).items():
        if not name.startswith(".staging/") and name not in ("metrics.json", "failures.json"):
            assert data == undisturbed[name], name
    for manifest in output.rglob("*_manifest.json"):
        if ".staging" not in manifest.parts:
            assert len(list(load_capture(manifest.parent))) == 2


def assert_finished(output: Path, undisturbed: dict[str, bytes], runs: list[Run]) -> None:
    capture(LocalStore(output), *runs)
    assert content(output) == undisturbed
    assert ".staging" not in folders(output)
    assert verify(output).ok


SOME_OR_ALL = pytest.mark.parametrize("every", [41, pytest.param(1, marks=pytest.mark.campaign)])


@SOME_OR_ALL
@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
def test_a_store_call_fails(
    tmp_path: Path, runs: list[Run], undisturbed: dict[str, bytes], late: bool, every: int
) -> None:
    broken = 0
    for k in range(1 + late, 1000, 3 if runs is SINGLE and every > 1 else every):
        output = tmp_path / f"out{k}"
        store = BreakingStore(output, k, late)
        try:
            capture(store, *runs)
        except Broken:
            broken += 1
            assert_nothing_torn(output, undisturbed)
            assert_finished(output, undisturbed, runs)
        if store.left > 0:
            break
    assert broken > (20 if every == 1 else 2)


def failing_calls(patch: pytest.MonkeyPatch, act: Callable[[], None]) -> Callable[[int], None]:
    """Arms the system calls that stores use: the k-th one from now on acts up."""
    left = [0]

    def arm(k: int) -> None:
        left[0] = k

    def wrap(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                act()
            return real(*arguments, **options)

        return call

    for name in SYSTEM_CALLS:
        patch.setattr(os, name, wrap(getattr(os, name)))
    return arm


@SOME_OR_ALL
@pytest.mark.parametrize("number", first(2, [errno.ENOSPC, errno.EACCES, errno.EIO, errno.EMFILE]))
def test_a_system_call_fails(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    undisturbed: dict[str, bytes],
    runs: list[Run],
    number: int,
    every: int,
) -> None:
    def fail() -> None:
        raise OSError(number, os.strerror(number))

    failed = 0
    for k in steps(runs, every, offset=number):
        output = tmp_path / f"out{k}"
        with monkeypatch.context() as patch:
            arm = failing_calls(patch, fail)
            arm(k)
            try:
                capture(LocalStore(output), *runs)
            except OutputError as error:
                assert str(output) in str(error)
                failed += 1
            except TownletError:
                failed += 1  # what was staged cannot be found: said so, and nothing torn
            else:
                if k > 500:
                    break
                continue  # the call was a courtesy: removing what is empty
        if output.exists():
            assert_nothing_torn(output, undisturbed)
        assert_finished(output, undisturbed, runs)
    assert failed > (12 if every == 1 else 5)


def steps(runs: list[Run], every: int, offset: int = 0) -> Iterator[int]:
    """Which calls act up: all of the first ones and some of the others; or of all of them a sample."""
    if every == 1:
        yield from range(1, 12)
        yield from range(12, 2000, 3 if runs is SINGLE else 17)
    else:
        yield from range(1 + offset % 5, 2000, 7 if runs is SINGLE else 13)


def die_at(k: int, output: Path, runs: list[Run]) -> None:
    """In a process of its own: SIGKILL instead of the k-th system call."""
    with pytest.MonkeyPatch.context() as patch:
        arm = failing_calls(patch, lambda: os.kill(os.getpid(), signal.SIGKILL))
        arm(k)
        capture(LocalStore(output), *runs)


@SOME_OR_ALL
def test_the_process_is_killed(
    tmp_path: Path, undisturbed: dict[str, bytes], runs: list[Run], every: int
) -> None:
    fork = multiprocessing.get_context("fork")
    killed = 0
    for k in steps(runs, every):
        output = tmp_path / f"out{k}"
        process = fork.Process(target=die_at, args=(k, output, runs))
        process.start()
        process.join(timeout=60)
        if process.is_alive():
            process.kill()
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
        killed += 1
        if output.exists():
            assert_nothing_torn(output, undisturbed)
        assert_finished(output, undisturbed, runs)
    assert killed > (15 if every == 1 else 2)

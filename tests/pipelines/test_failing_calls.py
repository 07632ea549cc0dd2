"""The k-th call to the file system fails: a short message, the old data set whole, and the rest by the same command.

Counted are the calls on the output's files, by whoever makes them; a call may be one that nobody misses.
"""

from __future__ import annotations

import errno
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Chosen
from tests.dataset.captures import content, folders
from tests.pipelines import fakes
from townlet.commands.capture.run_capture import RunnerOptions, capture
from townlet.commands.capture.run_regenerate import RegenerateOptions, regenerate
from townlet.dataset.checking.gc import gc
from townlet.dataset.checking.verify import verify
from townlet.dataset.index.read_index import read_index
from townlet.dataset.store import local as store_module
from townlet.dataset.store.local import LocalStore
from townlet.dataset.versions.versions import resolve
from townlet.errors import TownletError, UserError
from townlet.pipelines import launch
from townlet.planning.plan import Plan
from townlet.run import Run

ERRORS = (errno.ENOSPC, errno.EIO, errno.EMFILE, errno.EACCES)
CALLS = ("open", "replace", "link", "unlink", "rmdir", "mkdir", "scandir", "symlink", "listdir", "rename")
QUIET = RunnerOptions(quiet=True, workers=1)


def planned(*runs: Run) -> Plan:
    return fakes.plan_of(*runs, suites=("tiny",))


def fake(name: str, seed: int, ticks: int = 4) -> Run:
    return fakes.in_data_set(fakes.run(name, seed=seed, ticks=ticks))


FIRST = planned(fake("a", 0), fake("b", 0))
MORE = planned(fake("a", 0), fake("b", 0), fake("b", 1))
EDITED = planned(fake("a", 0), fake("b", 0, ticks=5), fake("b", 1, ticks=5))


def captured(plan: Plan) -> Callable[[Path], bool]:
    return lambda output: not capture(plan, str(output), QUIET).failures


def regenerated(plan: Plan) -> Callable[[Path], bool]:
    return lambda output: regenerate(plan, str(output), QUIET, RegenerateOptions()).exit_code == 0


# What is there before, and the command that is disturbed.
SCENES: dict[str, tuple[Callable[[Path], bool] | None, Callable[[Path], bool]]] = {
    "first": (None, captured(FIRST)),
    "more": (captured(FIRST), captured(MORE)),
    "regenerate": (regenerated(FIRST), regenerated(EDITED)),
}


class Fault:
    """Counts the calls that touch a folder, or the lock beside it, and lets the k-th one fail."""

    def __init__(self, patch: pytest.MonkeyPatch, root: Path, k: int, number: int) -> None:
        self.calls = 0
        self.fired = ""
        self._places = (str(root) + "/", f"{root.parent}/.{root.name}.")
        self._root, self._k, self._number = str(root), k, number
        self._files: set[int] = set()
        for name in CALLS:
            patch.setattr(os, name, self._wrap(name, getattr(os, name)))
        patch.setattr(os, "write", self._wrap_write(os.write))
        patch.setattr(store_module, "open", self._wrap("read", open), raising=False)

    def _wrap(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            # A link's first name is what it says; where it lies is the second.
            place = arguments[1] if name == "symlink" else arguments[0] if arguments else "."
            ours = self._is_ours(place)
            if ours:
                self._count(name, str(place))
            answer = real(*arguments, **options)
            if name == "open" and ours:
                self._files.add(answer)
            elif name == "open":
                self._files.discard(answer)  # numbers are used again
            return answer

        return call

    def _wrap_write(self, real: Callable[..., int]) -> Callable[..., int]:
        def write(descriptor: int, data: Any) -> int:
            if descriptor in self._files:
                self._count("write", str(descriptor))
            return real(descriptor, data)

        return write

    def _is_ours(self, place: Any) -> bool:
        if not isinstance(place, (str, os.PathLike)):
            return False
        path = os.fspath(place)
        return isinstance(path, str) and (path == self._root or path.startswith(self._places))

    def _count(self, name: str, place: str) -> None:
        self.calls += 1
        if self.calls == self._k:
            self.fired = f"{name} {place}"
            raise OSError(self._number, os.strerror(self._number), place)


@pytest.fixture(autouse=True)
def no_warming(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "warm_if_possible", lambda *, quiet: None)


class Stage:
    """A scene that is played again and again, each time disturbed at another call."""

    def __init__(self, folder: Path, scene: str) -> None:
        self.folder = folder
        before, self.act = SCENES[scene]
        self.before = folder / "before"
        self.is_first = before is None
        if before is not None:
            assert before(self.before)
        output = self.fresh("undisturbed")
        with pytest.MonkeyPatch.context() as patch:
            fault = Fault(patch, output, 0, 0)
            assert self.act(output)
        self.calls = fault.calls
        self.after = content(output)
        self.digests = {self._digest(place) for place in (output, *([] if self.is_first else [self.before]))}

    def fresh(self, name: str) -> Path:
        """What there is before, in a folder of its own, whose name is the output's."""
        output = self.folder / name / "out"
        output.parent.mkdir()
        if not self.is_first:
            shutil.copytree(self.before, output, symlinks=True)
        return output

    def disturb(self, k: int, number: int) -> bool:
        """Let the k-th call fail; hold what is promised. Returns whether the command failed."""
        output = self.fresh(f"k{k}")
        with pytest.MonkeyPatch.context() as patch:
            fault = Fault(patch, output, k, number)
            try:
                done = self.act(output)
            except TownletError as error:
                done = False
                assert str(error) and "Traceback" not in str(error), fault.fired
                assert error.exit_code in (1, 2), fault.fired
        try:
            self._hold(output)
            if not done:
                assert self.act(output), fault.fired
            assert content(output) == self.after, fault.fired
            gc(output)
            report = verify(output, workers=1)
            assert (report.problems, report.notes) == ([], []), fault.fired
            assert not [name for name in folders(output) if name.startswith(".staging")], fault.fired
            assert [path.name for path in output.parent.iterdir()] == ["out"], fault.fired
        except BaseException as error:
            error.add_note(f"call {k} of {self.calls}, {errno.errorcode[number]}: {fault.fired}")
            raise
        shutil.rmtree(output.parent)
        return not done

    def _hold(self, output: Path) -> None:
        """Old or new, and whole."""
        try:
            report = verify(output, workers=1)
        except UserError:
            assert self.is_first
            return
        assert report.problems == []
        if self.is_first and not (output / "dataset.json").exists():
            return
        assert self._digest(output) in self.digests

    @staticmethod
    def _digest(output: Path) -> str:
        return read_index(resolve(LocalStore(output))).facts.content_sha256


@pytest.mark.campaign
@pytest.mark.parametrize("scene", SCENES)
def test_some_calls_fail(tmp_path: Path, scene: str, fake_play: list[str]) -> None:
    stage = Stage(tmp_path, scene)
    draw = random.Random(scene)
    failed = [stage.disturb(draw.randrange(1, stage.calls + 1), number) for number in ERRORS]
    assert any(failed)


@pytest.mark.campaign
@pytest.mark.parametrize("scene", SCENES)
def test_every_call_fails(tmp_path: Path, scene: str, fake_play: list[str], chosen: Chosen) -> None:
    stage = Stage(tmp_path, scene)
    draw = random.Random(scene)
    calls = [*range(1, stage.calls + 1)]
    draw.shuffle(calls)
    failed = [stage.disturb(calls[at], draw.choice(ERRORS)) for at in chosen(range(stage.calls), few=40)]
    assert sum(failed) > len(failed) // 4

"""Regenerating, cut anywhere: the old version or the new one is there, whole, and the same command finishes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.dataset.captures import content
from tests.pipelines.regenerate.plans import by_hand, make, planned
from tests.samples import make_run
from townlet.commands.capture import next_version
from townlet.dataset.format.paths import run_folder
from townlet.dataset.index.index_file import read_index
from townlet.dataset.store.local import LocalStore
from townlet.dataset.versions.versions import current_version, resolve


class Killed(BaseException):
    pass


CHANGES = ("write_new", "write_whole", "create_if_absent", "compare_and_swap", "move", "link_from", "delete")


class Dying:
    """Let this many changes to a local store pass, and none after that."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = 10**9
        for name in CHANGES:
            self._patch(monkeypatch, name, getattr(LocalStore, name))

    def _patch(self, monkeypatch: pytest.MonkeyPatch, name: str, whole: Callable[..., Any]) -> None:
        def change(store: LocalStore, *given: Any) -> Any:
            if self.left == 0:
                raise Killed
            self.left -= 1
            return whole(store, *given)

        monkeypatch.setattr(LocalStore, name, change)


def test_cut_anywhere_it_ends_as_undisturbed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: Path
) -> None:
    """At any moment a reader finds the old version or the new one, whole; the same command again finishes."""
    monkeypatch.setattr(next_version, "capture_into", by_hand)
    first = planned(*(make_run(name, seed=1, folder=run_folder(name, 1)) for name in ("a", "b")))
    edited = planned(
        make_run("a", seed=1, folder=run_folder("a", 1)),
        make_run("c", seed=1, folder=run_folder("c", 1)),
    )
    make(first, out)
    start = tmp_path / "start"
    shutil.copytree(out, start, symlinks=True)
    make(edited, out)
    undisturbed = content(out)
    old, new = (read_index(LocalStore(out / "versions" / version)) for version in ("1", "2"))

    dying = Dying(monkeypatch)
    steps, seen = 0, set()
    while True:
        place = tmp_path / f"{steps}"
        shutil.copytree(start, place, symlinks=True)
        dying.left = steps
        try:
            make(edited, place)
            break
        except Killed:
            pass
        finally:
            dying.left = 10**9
        found = read_index(resolve(LocalStore(place)))
        assert found in (old, new)
        seen.add(found == new)
        make(edited, place)
        assert content(place) == undisturbed, f"killed before change {steps}"
        assert os.readlink(place / "current") == "versions/2"
        shutil.rmtree(place)
        steps += 1
    assert steps > 30
    assert seen == {False, True}


def test_an_edit_in_the_middle_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: Path) -> None:
    """Killed at any step of one edit, the next edit ends as if there had been no other."""
    monkeypatch.setattr(next_version, "capture_into", by_hand)
    runs = {name: make_run(name, seed=1, folder=run_folder(name, 1)) for name in "abcd"}
    runs["B"] = make_run("b", seed=1, folder=run_folder("b", 1), ticks=9)
    first, edited, again = (planned(*map(runs.__getitem__, names)) for names in ("ab", "aBc", "bd"))
    make(first, out)
    start = tmp_path / "start"
    shutil.copytree(out, start, symlinks=True)
    make(again, out)
    undisturbed = content(out)
    dying = Dying(monkeypatch)
    for steps in range(0, 60, 7):
        place = tmp_path / f"{steps}"
        shutil.copytree(start, place, symlinks=True)
        dying.left = steps
        with pytest.raises(Killed):
            make(edited, place)
        dying.left = 10**9
        if current_version(LocalStore(place)) == 1:
            make(again, place)
            assert content(place) == undisturbed, f"killed before change {steps}"

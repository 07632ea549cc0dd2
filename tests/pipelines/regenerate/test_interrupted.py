"""Regenerating, cut anywhere: the old version or the new one is there, whole, and the same command finishes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.dataset.captures import content
from tests.pipelines.regenerate.dying import Dying
from tests.pipelines.regenerate.plans import make, planned, run
from townlet.dataset.index.read_index import read_index
from townlet.dataset.store.local import LocalStore
from townlet.dataset.versions.versions import current_version, resolve


class Cuts:
    """An edit that is killed before its n-th change, and made again."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        whole = folder / "whole"
        make(FIRST, whole)
        self._start = folder / "start"
        shutil.copytree(whole, self._start, symlinks=True)
        self._dying = Dying(monkeypatch)
        self.changes = self._dying.count(lambda: make(EDITED, whole))
        self._undisturbed = content(whole)
        self._indexes = [read_index(LocalStore(whole / "versions" / version)).root for version in ("1", "2")]
        self.seen: set[int] = set()  # versions that were current after a kill

    def cut(self, steps: int) -> None:
        place = self._folder / f"{steps}"
        shutil.copytree(self._start, place, symlinks=True)
        self._dying.cut(lambda: make(EDITED, place), steps)
        self.seen.add(1 + self._indexes.index(read_index(resolve(LocalStore(place))).root))
        make(EDITED, place)
        assert content(place) == self._undisturbed, f"killed before change {steps}"
        assert os.readlink(place / "current") == "versions/2"
        shutil.rmtree(place)


FIRST = planned(run("a", 1), run("a", 2), run("b", 1))
EDITED = planned(run("a", 1), run("a", 3), run("c", 1))  # the shard of a is carried over, and replaced


@pytest.mark.campaign
def test_cut_here_and_there_it_ends_as_undisturbed(
    without_beam: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At any moment a reader finds the old version or the new one, whole; the same command again finishes."""
    cuts = Cuts(tmp_path, monkeypatch)
    assert cuts.changes > 50
    for steps in [*range(0, cuts.changes, 17), cuts.changes - 2, cuts.changes - 1]:
        cuts.cut(steps)
    assert cuts.seen == {1, 2}


@pytest.mark.campaign
def test_cut_anywhere_it_ends_as_undisturbed(
    without_beam: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cuts = Cuts(tmp_path, monkeypatch)
    for steps in range(cuts.changes):
        cuts.cut(steps)
    assert cuts.seen == {1, 2}


@pytest.mark.campaign
def test_an_edit_in_the_middle_of_it(
    without_beam: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: Path
) -> None:
    """Killed at any step of one edit, the next edit ends as if there had been no other."""
    runs = {name: run(name, 1) for name in "abcd"}
    runs["B"] = run("b", 1, ticks=9)
    first, edited, again = (planned(*map(runs.__getitem__, names)) for names in ("ab", "aBc", "bd"))
    make(first, out)
    start = tmp_path / "start"
    shutil.copytree(out, start, symlinks=True)
    make(again, out)
    undisturbed = content(out)
    dying = Dying(monkeypatch)
    for steps in range(0, 60, 13):
        place = tmp_path / f"{steps}"
        shutil.copytree(start, place, symlinks=True)
        dying.cut(lambda place=place: make(edited, place), steps)
        if current_version(LocalStore(place)) == 1:
            make(again, place)
            assert content(place) == undisturbed, f"killed before change {steps}"

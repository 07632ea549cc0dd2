"""A writer of an index was killed after its commit: the next writer leaves no file that the index does not name.

What an index does not name any more is deleted last, when nothing else tells that the writer was not done.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.dataset.captures import content
from tests.pipelines.regenerate.plans import QUIET, make, planned, run
from townlet.commands.capture.run_capture import capture
from townlet.commands.capture.run_golden import golden
from townlet.dataset.checking.gc import gc
from townlet.dataset.checking.verify import verify, verify_store
from townlet.dataset.store.local import LocalStore
from townlet.planning.plan import Plan

KINDS = ("runs", "samples", "summaries")
FIRST = planned(run("a", 1), run("b", 1))
MORE = planned(run("a", 1), run("a", 2), run("b", 1))  # replaces the shard of a
EVEN_MORE = planned(*MORE.playable(), run("c", 1))


class Killed(BaseException):
    pass


def captured(plan: Plan, output: Path) -> None:
    assert not capture(plan, str(output), QUIET).failures


def overwritten(plan: Plan, output: Path) -> None:
    assert not capture(plan, str(output), QUIET, overwrite=True).failures


def regenerated(plan: Plan, output: Path) -> None:
    assert make(plan, output).exit_code == 0


def kill_before_deleting(monkeypatch: pytest.MonkeyPatch, kind: str, act: Callable[[], object]) -> None:
    """Run something that dies when it is about to delete a file of this kind that an index names no more."""
    whole = LocalStore.delete

    def delete(store: LocalStore, name: str) -> None:
        if name.startswith(f"index/{kind}/"):
            raise Killed
        whole(store, name)

    with monkeypatch.context() as patched:
        patched.setattr(LocalStore, "delete", delete)
        with pytest.raises(Killed):
            act()


def assert_clean(output: Path) -> None:
    report = verify(output, workers=1)
    assert (report.problems, report.notes) == ([], [])


WRITERS = {
    "regenerate": ((regenerated, MORE), (regenerated, MORE)),
    "regenerate, edited in between": ((regenerated, MORE), (regenerated, EVEN_MORE)),
    "capture": ((captured, MORE), (captured, MORE)),
    "capture of more": ((captured, MORE), (captured, EVEN_MORE)),
    "capture of what is there": ((captured, MORE), (captured, FIRST)),
    "overwrite": ((captured, MORE), (overwritten, MORE)),
}


@pytest.mark.parametrize(
    ("writers", "kind"),
    [
        pytest.param(name, kind, marks=() if kind == "runs" else pytest.mark.campaign)
        for name in WRITERS
        for kind in KINDS
    ],
)
def test_the_next_writer_deletes_it(
    without_beam: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    writers: str,
    kind: str,
) -> None:
    (begin, first_plan), (finish, second_plan) = WRITERS[writers]
    output, undisturbed = tmp_path / "out", tmp_path / "undisturbed"
    for place in (output, undisturbed):
        begin(FIRST, place)
    kill_before_deleting(monkeypatch, kind, lambda: begin(first_plan, output))
    finish(second_plan, output)
    assert_clean(output)
    if second_plan is FIRST:
        begin(first_plan, undisturbed)
    finish(second_plan, undisturbed)
    assert content(output) == content(undisturbed)


def test_a_golden_file_of_the_next_version(
    without_beam: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It builds the next version, which is published later."""
    output, file = tmp_path / "out", str(tmp_path / "golden.json")
    regenerated(FIRST, output)
    kill_before_deleting(monkeypatch, "samples", lambda: golden(MORE, file, str(output), QUIET))
    assert golden(MORE, file, str(output), QUIET).written
    regenerated(MORE, output)
    assert_clean(output)


def test_gc_deletes_it(without_beam: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = tmp_path / "out"
    regenerated(FIRST, output)
    kill_before_deleting(monkeypatch, "runs", lambda: regenerated(MORE, output))
    gc(output)
    assert verify_store(LocalStore(output / "versions/2")).notes == []
    regenerated(MORE, output)
    assert_clean(output)

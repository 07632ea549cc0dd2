"""What a regenerate replaces counts for no population: a scenario's new runs stand under its name, and the old ones are
not asked. What is carried over is of the population of the plan, however the version was left.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.dataset.captures import content
from tests.pipelines.regenerate.dying import Dying
from tests.pipelines.regenerate.plans import QUIET, counts, launch_by_hand, make, planned, run
from tests.sampling import first
from townlet.commands.capture import run_capture
from townlet.commands.capture.run_capture import RunnerOptions, capture
from townlet.dataset.index import write_index as write_index_module
from townlet.dataset.index.index_document import Failure
from townlet.dataset.index.write_index import write_index
from townlet.dataset.store.contract import Store
from townlet.dataset.store.local import LocalStore
from townlet.dataset.versions.versions import current_version
from townlet.errors import OutputError
from townlet.pipelines.progress.reports import Tally
from townlet.planning.plan import Plan
from townlet.policy_text import GivenPolicy
from townlet.run import Run


def edited(name: str, seed: int, text: str = "edited") -> Run:
    """A run of another config with the same config_id."""
    made = run(name, seed)
    return replace(
        made, config_json=made.config_json.replace('"affordances":{}', f'"affordances":{{"{text}":1}}')
    )


BEFORE = planned(run("a", 0), run("a", 1), run("b", 0), run("b", 1), run("b", 1500))
REST = (run("a", 0), run("a", 1))
AFTER = {
    "ticks": (*REST, run("b", 0, 9), run("b", 1, 9), run("b", 1500, 9)),
    "ticks and another seed": (*REST, run("b", 0, 9), run("b", 2, 9)),
    "config": (*REST, edited("b", 0), edited("b", 1), edited("b", 1500)),
    "config of all": tuple(edited(name, seed) for name, seed in (("a", 0), ("a", 1), ("b", 0), ("b", 1))),
    "policy": (*REST, run("b", 0, policy="uniform"), run("b", 1, policy="uniform")),
    "more seeds": (*REST, *(run("b", seed) for seed in (0, 1, 2, 1500, 1501))),
    "how it is stored": (*REST, run("b", 0), run("b", 1, compression="none")),
    "another case": (*REST, run("B", 0), run("B", 1)),
    "names changed round": (run("b", 0), run("b", 1), run("a", 0, 9), run("a", 1, 9)),
}


Plain = Callable[[Plan], dict[str, bytes]]


@pytest.fixture
def plain(without_beam: None, tmp_path: Path) -> Plain:
    """The content of the data set that a plain capture of a plan gives."""

    def captured(plan: Plan) -> dict[str, bytes]:
        assert not capture(plan, str(tmp_path / "plain"), QUIET).failures
        return content(tmp_path / "plain")

    return captured


# Of the way, where the command is killed: all is carried over and indexed, some runs are made, the index is next.
SHARES = [
    pytest.param(share, marks=() if share == 0.6 else pytest.mark.campaign) for share in (0.3, 0.6, 0.9)
]


@pytest.mark.parametrize("what", first(3, AFTER))
@pytest.mark.parametrize("share", SHARES)
def test_what_is_replaced_does_not_count(
    plain: Plain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, share: float
) -> None:
    """In one go, and gone on from half a version."""
    after, expected = planned(*AFTER[what]), plain(planned(*AFTER[what]))
    dying = Dying(monkeypatch)
    whole, out = tmp_path / "whole", tmp_path / "out"
    make(BEFORE, whole)
    shutil.copytree(whole, out, symlinks=True)
    changes = dying.count(lambda: make(after, whole))
    assert content(whole / "versions/2") == expected
    dying.cut(lambda: make(after, out), int(changes * share))
    assert current_version(LocalStore(out)) == 1
    assert make(after, out).published
    assert content(out / "versions/2") == expected


def test_changed_again_before_it_was_published(
    plain: Plain, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each edit finds in the next version what the edit before it has left there, whole or by half."""
    make(BEFORE, out)
    dying = Dying(monkeypatch)
    for number, what in enumerate(AFTER):
        dying.cut(lambda what=what: make(planned(*AFTER[what]), out), 40 + number)
    last = planned(*REST, run("b", 0, 30), run("b", 1, 30))
    assert counts(make(last, out)) == (2, 2, 0, 1)
    assert content(out / "versions/2") == plain(last)


def test_after_a_run_that_failed(plain: Plain, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The version that was left holds runs of the population that failed, and says so in its index."""
    make(BEFORE, out)
    after = planned(*AFTER["ticks"])
    with monkeypatch.context() as patched:
        patched.setattr(run_capture, "_launch", failing)
        outcome = make(after, out)
    assert [failure.seed for failure in outcome.failures] == [1500]
    again = planned(*AFTER["config"])
    assert make(again, out).published
    assert content(out / "versions/2") == plain(again)


def failing(plan: Plan, store: Store, work: RunnerOptions, given: GivenPolicy | None) -> Tally:
    """The last run of all fails."""
    *rest, last = plan.playable()
    launch_by_hand(planned(*rest), store, work, given)
    write_index(store, [], [Failure(last.name, last.seed, "no")], suites=plan.suites)
    return Tally()


def test_a_version_that_is_mixed(plain: Plain, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As were made before that was refused: what the plan has in common with it is carried over."""
    with monkeypatch.context() as patched:
        patched.setattr(write_index_module, "_refuse_mixed", lambda *_: None)
        make(planned(run("b", 0), run("b", 1, 9), run("b", 2)), out)
    after = planned(run("b", 0, 9), run("b", 1, 9), run("b", 2, 9))
    assert counts(make(after, out)) == (1, 2, 0, 0)
    assert content(out / "versions/2") == plain(after)


def test_a_plan_that_is_mixed_is_refused(without_beam: None, out: Path) -> None:
    """Whoever has made it."""
    make(BEFORE, out)
    mixed = planned(*REST, run("b", 0, 9), run("b", 2))
    with pytest.raises(
        OutputError, match=r"the runs of b that are asked for differ .*ticks 9; .*ticks 20\. Under"
    ):
        make(mixed, out)
    assert current_version(LocalStore(out)) == 1

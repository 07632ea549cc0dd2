"""Simulating: what a run yields, in which order, and what becomes of one that fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pipelines import fakes
from townlet.dataset.capture.commit import publish_run, stage_receipt, stage_sample
from townlet.dataset.store.local import LocalStore
from townlet.pipelines.elements import RunEnd, SampleRef
from townlet.pipelines.simulate import Simulate, by_sample
from townlet.pipelines.store_dofn import explain
from townlet.rollout import play as rollout
from townlet.run import Run, RunRef, by_reference
from townlet.samples import stack_groups


def simulate(folder: Path, *runs: Run) -> tuple[list, list, list]:
    """What each output of the transform holds: frames, failed, reused."""
    references, configs = by_reference(runs)
    found: Any = references | Simulate(configs, str(folder))
    return list(found.frames), list(found.failed), list(found.reused)


def test_frames_then_the_end(tmp_path: Path, fake_play: list[str]) -> None:
    run = fakes.run(segment_ticks=4)
    frames, failed, reused = simulate(tmp_path, run)
    keys = [key for key, _ in frames]
    assert [key.sample[2:] for key in keys if isinstance(key, SampleRef)] == [
        (1, "alice", 0),
        (2, "bob", 0),
        (1, "alice", 1),
        (2, "bob", 1),
    ]
    assert isinstance(keys[-1], RunEnd)
    assert keys[-1].samples == 4
    assert not failed
    assert not reused


def test_a_run_that_fails_says_why_and_lets_the_others_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def play(run: Run, *models: Any) -> Iterator:
        yield from fakes.play(run)
        if run.seed == 1:
            raise ZeroDivisionError("a bad day")

    monkeypatch.setattr(rollout, "play", play)
    frames, failed, _ = simulate(tmp_path, *(fakes.run(seed=seed) for seed in range(3)))
    [failure] = failed
    assert failure.run.seed == 1
    assert failure.agent == "bob"
    assert failure.reason.startswith("ZeroDivisionError: a bad day (townlet/pipelines/")
    assert sorted(key.run.seed for key, _ in frames if isinstance(key, RunEnd)) == [0, 2]


@pytest.mark.parametrize("published", [False, True])
def test_a_run_that_was_simulated_before_is_read_back(
    tmp_path: Path, fake_play: list[str], published: bool
) -> None:
    store, run = LocalStore(tmp_path), fakes.run()
    records = [stage_sample(store, run, key, stack_groups([group])) for key, group in fakes.play(run)]
    stage_receipt(store, run, 2, records)
    if published:
        publish_run(store, run, records)
    frames, failed, reused = simulate(tmp_path, run)
    assert not fake_play
    assert not frames
    assert not failed
    [(key, end)] = reused
    assert key == ("hamlet", 0)
    assert end.persisted == ("published" if published else "simulated")


def test_groups_of_a_sample_are_collected_and_copied_if_others_follow() -> None:
    run = fakes.run(ticks=6)
    buffer = fakes.group(run, 1, 0, 3, last=False)

    def frames() -> Iterator:
        key = next(fakes.play(run))[0]
        yield key, buffer
        buffer.arrays["features"][:] = -1  # used again, as a simulation may
        yield key, fakes.group(run, 1, 3, 6)

    [(_, groups)] = by_sample(frames())
    assert stack_groups(groups).content_digest() == stack_groups([fakes.group(run, 1, 0, 6)]).content_digest()


def test_frames_without_an_end_are_an_error() -> None:
    run = fakes.run()
    key = next(fakes.play(run))[0]
    with pytest.raises(ValueError, match="alice, segment 0: the frames have no end"):
        list(by_sample([(key, fakes.group(run, 1, 0, 3, last=False))]))


def test_runs_travel_without_their_config() -> None:
    runs = [fakes.run(seed=seed) for seed in range(50)] + [fakes.run("thorp")]
    references, configs = by_reference(runs)
    assert len(configs) == 2
    assert {type(ref) for ref in references} == {RunRef}
    assert [ref.with_config(configs) for ref in references] == runs
    assert [ref.fingerprint for ref in references] == [run.fingerprint for run in runs]


def test_an_exception_is_explained_in_one_line() -> None:
    try:
        list(by_sample([None]))  # type: ignore[list-item]
    except TypeError as error:
        found = explain(error)
    assert found.startswith("TypeError: ")
    assert "(townlet/pipelines/simulate.py:" in found
    assert "\n" not in found

"""The first tick at which two runs part, in words; whatever a trainer would not notice is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.rollout.digests import shipped
from tests.rollout.test_replay import captured
from townlet.dataset.reading.capture import Capture
from townlet.dataset.store import local as store
from townlet.report.comparison.differences import FirstDifference, first_difference
from townlet.run import SampleKey
from townlet.samples import ReplaySample

RUN = shipped("scenarios/kitchen_breakfast", 60, "uniform", seed=3)


@pytest.fixture(autouse=True, scope="module")
def no_syncing() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "_sync_file_system", lambda path: True)
        yield


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    return captured(RUN, tmp_path_factory.mktemp("plain"))


def changed(agent: str, array: str, t: int, folder: Path) -> Capture:
    """The same capture with one number of an agent's array changed at tick `t`."""

    def alter(key: SampleKey, sample: ReplaySample) -> ReplaySample:
        if key.agent_id != agent:
            return sample
        arrays = {name: found.copy() for name, found in sample.arrays().items()}
        arrays[array][t] = arrays[array][t] - 1 if array == "rewards" else arrays[array][t] + 1
        return ReplaySample.from_arrays(arrays, sample.metadata, deep=False)

    return captured(RUN, folder, alter)


def test_the_same_run(plain: Capture) -> None:
    assert first_difference(plain, plain) == FirstDifference(None, "no tick differs")


def test_segments_are_no_difference(plain: Capture, tmp_path: Path) -> None:
    assert first_difference(plain, captured(replace(RUN, segment_ticks=17), tmp_path)).tick is None


@pytest.mark.parametrize(
    ("array", "what"),
    [
        ("rewards", "bob gets another reward ("),
        ("features", "bob sees something else (need_hunger: "),
        ("positions", "bob stands elsewhere"),
        ("map", "bob sees another map"),
    ],
)
def test_one_number(plain: Capture, tmp_path: Path, array: str, what: str) -> None:
    found = first_difference(plain, changed("bob", array, 23, tmp_path))
    assert found.tick == 23 and found.what.startswith(what)


def test_of_segments_too(plain: Capture, tmp_path: Path) -> None:
    found = first_difference(changed("bob", "rewards", 41, tmp_path / "a"), captured(
        replace(RUN, segment_ticks=17), tmp_path / "b"
    ))  # fmt: skip
    assert found.tick == 41


def test_values_and_log_probs_are_left_out(plain: Capture, tmp_path: Path) -> None:
    assert first_difference(plain, changed("bob", "value_preds", 9, tmp_path)).tick is None


def test_the_cause_comes_before_what_comes_of_it(plain: Capture, tmp_path: Path) -> None:
    """Another seed lets `uniform` draw other actions in the very first tick."""
    found = first_difference(plain, captured(replace(RUN, seed=4), tmp_path))
    assert found.tick == 0
    assert " does something else (" in found.what and ", and " in found.what


def test_a_longer_run(plain: Capture, tmp_path: Path) -> None:
    found = first_difference(plain, captured(replace(RUN, ticks=70), tmp_path))
    assert found == FirstDifference(60, "alice is there in run B only")


def test_who_lives_in_one_run_only(plain: Capture, tmp_path: Path) -> None:
    alone = captured(replace(RUN, agent="bob"), tmp_path)
    assert first_difference(plain, alone) == FirstDifference(0, "alice lives in run A only")
    assert first_difference(alone, plain) == FirstDifference(0, "alice lives in run B only")

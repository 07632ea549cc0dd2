"""Windows of lives after which nobody knows a value: refused, or a timestep shorter."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from tests.dataset.towns import TOWN, capture_lives, town_run, whole_life
from townlet import dataset
from townlet.dataset.reading.data_set import DataSet
from townlet.dataset.store.local import LocalStore
from townlet.errors import UserError
from townlet.samples import FINAL_ARRAYS

RUN = town_run()
ALICE, BOB, NEWCOMER = (whole_life(RUN, life) for life in TOWN)  # Bob's ends with his death


@pytest.fixture(scope="module")
def steered(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    folder = tmp_path_factory.mktemp("steered")
    capture_lives(LocalStore(folder), RUN, bootstrap="unknown")
    return dataset.open(folder)


def test_the_last_window_of_such_a_life_is_refused(steered: DataSet) -> None:
    windows = steered.windows(10)
    assert len(windows) == 3 + 2 + 2
    for index in (
        0,
        1,
        3,
        4,
        5,
    ):  # in the middle of a life, over segments that say the same, and after a death
        assert windows[index]["mask"].any()
    for index, agent, last in ((2, "alice", 29), (6, "bob-2", 12)):
        with pytest.raises(
            UserError, match=rf"town seed 0 {agent}: the value .*\({last}\) is not known.*mask"
        ):
            windows[index]


def test_or_is_a_timestep_shorter(steered: DataSet) -> None:
    windows = steered.windows(10, unknown_bootstrap="mask")
    one = windows[2]
    assert one.steps == 9 and one["mask"].tolist() == [True] * 9 + [False]
    assert (
        one["value_preds"][9] == ALICE.value_preds[29]
    )  # the critic's, of what was seen before the last decision
    assert np.array_equal(one["final_features"], ALICE.features[29])
    assert one["rewards"][9] == 0 and one["value_preds"][10] == 0
    assert windows[1]["value_preds"][10] == ALICE.value_preds[20] and windows[1].steps == 10
    assert (windows[4].steps, windows[4]["value_preds"][3]) == (3, 0)  # Bob died
    again = pickle.loads(pickle.dumps(windows.shuffled(3)))
    assert sum(window.steps for window in again) == 29 + 13 + 12


def test_a_window_of_that_timestep_alone_is_empty(steered: DataSet) -> None:
    window = steered.filter(agent="bob-2").windows(4, unknown_bootstrap="mask")[3]
    assert (
        (window.start, window.steps) == (12, 0) and not window["mask"].any() and not window["rewards"].any()
    )
    assert window["value_preds"].tolist() == [NEWCOMER.value_preds[12], 0, 0, 0, 0]
    for name in FINAL_ARRAYS:
        assert np.array_equal(window[name], getattr(NEWCOMER, name.removeprefix("final_"))[12])


def test_the_segment_after_it_knows(tmp_path: Path) -> None:
    """A segment that was collected on the way has 0 at its end; the next one begins with the value."""
    store = LocalStore(tmp_path)
    capture_lives(store, RUN, bootstrap="unknown", forget_values=True)
    opened = dataset.open(tmp_path)
    assert opened.joined("town", 0, "alice").value_preds[:-1].tolist() == ALICE.value_preds[:-1].tolist()
    window = opened.windows(8)[0]
    assert window["value_preds"][8] == ALICE.value_preds[8]


def test_what_can_be_asked_for(steered: DataSet) -> None:
    with pytest.raises(UserError, match="windows: unknown_bootstrap: expected refuse or mask, got 'keep'"):
        steered.windows(4, unknown_bootstrap="keep")  # type: ignore[arg-type]

"""All agents of a run aligned by tick."""

from __future__ import annotations

import numpy as np
import pytest

from tests.dataset.towns import TOWN, capture_lives, town_run, whole_life
from townlet import dataset
from townlet.dataset.reading.data_set import DataSet
from townlet.dataset.reading.episodes import PADDING
from townlet.dataset.reading.joint import Joint
from townlet.dataset.store.local import LocalStore
from townlet.errors import UserError
from townlet.samples import FINAL_ARRAYS, GROUP_ARRAYS

RUN = town_run(seed=4)
WHOLE = [whole_life(RUN, life) for life in TOWN]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    folder = tmp_path_factory.mktemp("town")
    capture_lives(LocalStore(folder), town_run(seed=3), RUN)
    return dataset.open(folder)


def assert_columns(joint: Joint, first: int, stop: int, columns: list[int]) -> None:
    """By the definition: each agent's own arrays at its own ticks, padding everywhere else."""
    assert (joint["tick"] == np.arange(first, stop)).all()
    for column, number in enumerate(columns):
        life, whole = TOWN[number], WHOLE[number]
        begin, end = max(first, life.first), min(stop, life.first + life.steps)
        alive = np.zeros(stop - first, bool)
        alive[begin - first : end - first] = True
        assert (joint["alive"][:, column] == alive).all()
        for name in GROUP_ARRAYS:
            if name in ("tick", "value_preds"):
                continue
            mine = joint[name][:, column]
            real = getattr(whole, name)[begin - life.first : end - life.first]
            assert mine[alive].tobytes() == real.tobytes(), name
            padding = np.full_like(mine[~alive], PADDING.get(name, 0))
            if name == "action_mask":
                padding[:, 0] = True
            assert (mine[~alive] == padding).all(), name
        values = joint["value_preds"][:, column]
        real = whole.value_preds[begin - life.first : end - life.first + 1]
        assert (values[begin - first : end - first + 1] == real).all()
        assert np.count_nonzero(values) == np.count_nonzero(real)
        for name in FINAL_ARRAYS:
            at_the_end = end == life.first + life.steps
            row = end - life.first
            final = getattr(whole, name) if at_the_end else getattr(whole, name.removeprefix("final_"))[row]
            assert (joint[name][column] == final).all()


def test_all_agents(opened: DataSet) -> None:
    joint = opened.joint("town", 4)
    assert (joint.scenario, joint.seed) == ("town", 4)
    assert (joint.agents, joint.arrivals) == (("alice", "bob", "bob-2"), (1, 2, 3))
    assert joint["map"].shape == (30, 3, 4, 5, 5)
    assert joint["value_preds"].shape == (31, 3)
    assert joint["alive"].sum() == 30 + 13 + 13
    assert_columns(joint, 0, 30, [0, 1, 2])
    assert joint.nbytes == sum(array.nbytes for array in joint.arrays.values())


@pytest.mark.parametrize(
    ("ticks", "columns"),
    [
        (range(5), [0, 1]),
        (range(7, 18), [0, 1, 2]),
        (range(13, 17), [0]),
        (range(29, 40), [0, 2]),
        (range(16, 24), [0, 2]),
    ],
)
def test_some_ticks(opened: DataSet, ticks: range, columns: list[int]) -> None:
    joint = opened.joint("town", 4, ticks)
    assert joint.agents == tuple(TOWN[number].agent_id for number in columns)
    assert_columns(joint, ticks.start, ticks.stop, columns)


def test_some_ticks_read_some_segments(opened: DataSet, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = []
    fresh = DataSet._fresh
    monkeypatch.setattr(DataSet, "_fresh", lambda self, row: reads.append(row) or fresh(self, row))
    opened.joint("town", 4, range(8, 16))
    assert len(reads) == 2


def test_some_agents(opened: DataSet) -> None:
    joint = opened.filter(agent=["bob", "bob-2"]).shuffled(1).joint("town", 4)
    assert joint.agents == ("bob", "bob-2")
    assert_columns(joint, 0, 30, [1, 2])


def test_a_missing_segment(opened: DataSet) -> None:
    joint = opened.filter(lambda samples: samples["segment"] != 1, agent="alice").joint("town", 4)
    assert joint.agents == ("alice",)
    assert joint["alive"][:, 0].tolist() == [True] * 8 + [False] * 8 + [True] * 14


def test_what_cannot_be_joined(opened: DataSet) -> None:
    with pytest.raises(UserError, match="town seed 9: has no sample here"):
        opened.joint("town", 9)
    with pytest.raises(UserError, match="no scenario 'twon' in this data set; did you mean town"):
        opened.joint("twon", 4)
    with pytest.raises(UserError, match="nobody lives in ticks 100 to 199"):
        opened.joint("town", 4, range(100, 200))
    with pytest.raises(UserError, match="expected ticks without a gap, got a step of 2"):
        opened.joint("town", 4, range(0, 20, 2))

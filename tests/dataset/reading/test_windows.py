"""Windows and lives: every timestep where it belongs, whatever the segments, and values at every cut."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.commands.data.hostile import change_row
from tests.dataset.towns import TOWN, Life, capture_lives, town_run, whole_life
from tests.samples import make_group
from townlet import dataset
from townlet.dataset.reading.data_set import DataSet
from townlet.dataset.reading.episodes import PADDING
from townlet.dataset.reading.windows import Window, window_counts
from townlet.dataset.store.local import LocalStore
from townlet.errors import CorruptSampleError, UserError
from townlet.samples import ARRAYS, GROUP_ARRAYS, OPTIONAL_ARRAYS, ReplaySample

RUNS = [town_run(seed=seed) for seed in (0, 1)]
LIVES = [(run, life, whole_life(run, life)) for run in RUNS for life in TOWN]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    folder = tmp_path_factory.mktemp("town")
    capture_lives(LocalStore(folder), *RUNS)
    return dataset.open(folder)


def test_lives_are_joined(opened: DataSet) -> None:
    assert len(opened) == 2 * (4 + 2 + 2)
    lives = opened.lives()
    assert [life.content_digest() for life in lives] == [whole.content_digest() for *_, whole in LIVES]
    assert opened.joined("town", 1, "bob-2").content_digest() == LIVES[5][2].content_digest()
    shuffled = lives.shuffled(1).shard(0, 2)
    again = pickle.loads(pickle.dumps(shuffled))
    assert [a.content_digest() for a in again] == [b.content_digest() for b in shuffled]
    assert len(shuffled) == 3


def expected_window(whole: ReplaySample, start: int, length: int) -> dict[str, np.ndarray]:
    """By the definition, from a life that was never cut."""
    steps = min(length, whole.timesteps - start)
    pad = length - steps
    arrays = {}
    for name in (*GROUP_ARRAYS, *OPTIONAL_ARRAYS):
        extra = int(name == "value_preds")
        real = whole.array(name)[start : start + steps + extra]
        padding = np.full((pad, *real.shape[1:]), PADDING.get(name, 0), real.dtype)
        if name == "action_mask":
            padding[:, 0] = True
        arrays[name] = np.concatenate([real, padding])
    arrays["mask"] = np.array([True] * steps + [False] * pad)
    at_the_end = start + steps == whole.timesteps
    for name in ("map", "features", "action_mask"):
        final = getattr(whole, f"final_{name}") if at_the_end else getattr(whole, name)[start + steps]
        arrays[f"final_{name}"] = final
    return arrays


def assert_window(window: Window, whole: ReplaySample, start: int, length: int) -> None:
    expected = expected_window(whole, start, length)
    assert set(window.arrays) == set(expected) == {*ARRAYS, *OPTIONAL_ARRAYS, "mask"}
    for name, array in expected.items():
        found = window[name]
        assert (found.dtype, found.shape) == (array.dtype, array.shape), name
        assert found.tobytes() == array.tobytes(), name
    assert (window.start, window.steps) == (start, int(expected["mask"].sum()))


@pytest.mark.parametrize("drop_short", [False, True])
@pytest.mark.parametrize("stride", [None, 1, 3, 20])
@pytest.mark.parametrize("length", [1, 7, 8, 30, 50])
def test_windows(opened: DataSet, length: int, stride: int | None, drop_short: bool) -> None:
    windows = opened.windows(length, stride, drop_short=drop_short)
    expected = []
    for run, life, whole in LIVES:
        start = 0
        while start < life.steps:
            if not drop_short or start + length <= life.steps:
                expected.append((run, life, whole, start))
            if start + length >= life.steps:
                break
            start += stride or length
    assert len(windows) == len(expected)
    every = max(1, len(expected) // 40)
    for window, (run, life, whole, start) in list(zip(windows, expected, strict=True))[::every]:
        assert_window(window, whole, start, length)
        assert (window.scenario, window.seed) == (run.name, run.seed)
        assert (window.agent_id, window.arrival) == (life.agent_id, life.arrival)


def test_values_at_the_cuts(opened: DataSet) -> None:
    """In the middle of a life: the value of what comes next. At its end: the bootstrap value, 0 after death."""
    alice = opened.filter(agent="alice", seed=0).windows(13)
    whole = LIVES[0][2]
    assert [window.steps for window in alice] == [13, 13, 4]
    for window, cut in zip(alice, (13, 26, 30), strict=True):
        assert window["value_preds"][window.steps] == whole.value_preds[cut]
    assert alice[2]["value_preds"][4] == np.float32(0.25)
    (bob,) = opened.filter(agent="bob", seed=0).windows(16)
    assert bob["dones"][12] and bob["value_preds"][13] == 0
    assert bob["dones"].sum() == 1


@given(st.integers(1, 60), st.integers(1, 20), st.integers(1, 25), st.booleans())
def test_how_many(frames: int, length: int, stride: int, drop_short: bool) -> None:
    (count,) = window_counts(np.array([frames]), length, stride, drop_short).tolist()
    starts = range(0, frames, stride)
    if drop_short:
        assert count == sum(start + length <= frames for start in starts)
        return
    assert count >= 1
    last = (count - 1) * stride
    assert last < frames
    if stride <= length:
        assert last + length >= frames, "every timestep is in a window"
        assert count == 1 or last - stride + length < frames, "and no window lies within the one before it"


def test_padding_can_be_trained_on(opened: DataSet) -> None:
    """A masked softmax of it is finite, and its log-prob of the padded action is the stored 0."""
    window = opened.windows(50)[1]
    pad = ~window["mask"]
    logits = np.where(window["action_mask"], 0.0, -np.inf)
    log_probs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    taken = log_probs[np.arange(50), window["actions"]]
    assert (taken[pad] == window["old_log_probs"][pad]).all()
    assert not window["rewards"][pad].any() and (window["tick"][pad] == -1).all()


def test_a_missing_segment_is_not_joined_over(opened: DataSet) -> None:
    gap = opened.filter(lambda samples: samples["segment"] != 1, agent="alice", seed=0)
    assert [life.timesteps for life in gap.lives()] == [8, 14]
    windows = gap.windows(10)
    assert [window.steps for window in windows] == [8, 10, 4]
    assert [window["tick"][0] for window in windows] == [0, 16, 26]
    assert windows[0]["value_preds"][8] == LIVES[0][2].value_preds[8]
    with pytest.raises(ValueError, match="value_preds: two values of what was seen at tick 16"):
        gap.joined("town", 0, "alice")


def test_windows_of_a_shuffled_view(opened: DataSet) -> None:
    """They come in the order of the index until they are shuffled themselves."""
    assert [w.agent_id for w in opened.shuffled(3).windows(30)] == [w.agent_id for w in opened.windows(30)]
    windows = opened.windows(5).shuffled(9)
    again = pickle.loads(pickle.dumps(windows))
    for one, other in zip(windows[:5], again[:5], strict=True):
        assert one.start == other.start and (one["features"] == other["features"]).all()
    parts = [len(windows.shard(index, 3)) for index in range(3)]
    assert sum(parts) == len(windows) and max(parts) - min(parts) <= 1


def test_windows_in_order_read_each_sample_once(opened: DataSet, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = []
    fresh = DataSet._fresh
    monkeypatch.setattr(DataSet, "_fresh", lambda self, row: reads.append(row) or fresh(self, row))
    for _ in opened.windows(3, 1):
        pass
    assert sorted(reads) == list(range(len(opened)))


def test_windows_can_be_written_to(opened: DataSet) -> None:
    for window in opened.windows(8):
        assert all(array.flags.writeable for array in window.arrays.values())
        window["rewards"][:] = 7
    assert not (opened.windows(8)[0]["rewards"] == 7).any()


def test_wrong_windows(opened: DataSet) -> None:
    for length, stride in ((0, 1), (3, 0), (-1, None)):
        with pytest.raises(UserError, match="expected a length and a stride of at least 1"):
            opened.windows(length, stride)
    assert len(opened.filter(seed=[]).windows(3)) == len(opened.filter(seed=[]).lives()) == 0


def test_a_damaged_segment(tmp_path: Path) -> None:
    capture_lives(LocalStore(tmp_path), RUNS[0], lives=[Life("alice", 1, 0, 30)])
    windows = dataset.open(tmp_path).windows(10)
    (place,) = tmp_path.rglob("*_s0002.npz")
    place.write_bytes(place.read_bytes()[:-1])
    assert windows[0].steps == 10
    with pytest.raises(CorruptSampleError, match=r"alice_001_s0002\.npz: not the file"):
        windows[1]


def test_the_hand_made_lives_are_what_they_say() -> None:
    assert make_group(3, first=5).arrays["tick"].tolist() == [5, 6, 7]
    assert [whole.timesteps for *_, whole in LIVES[:3]] == [30, 13, 13]


def test_windows_are_counted_without_a_list_of_them(tmp_path: Path) -> None:
    """A table says how many there are, whoever wrote it: what it claims takes no memory."""
    capture_lives(LocalStore(tmp_path), town_run(segment_ticks=0))
    change_row(tmp_path, 0, frame_count=2**50)
    windows = dataset.open(tmp_path).windows(4, stride=1)
    assert len(windows) > 2**49
    assert len(windows[5:9]) == 4
    with pytest.raises(CorruptSampleError):
        windows[0]

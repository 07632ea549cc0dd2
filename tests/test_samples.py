"""Samples: what is checked, that stacking loses nothing, that the two ways to one give the same bytes."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.samples import ACTIONS, FEATURES, frames_of, make_group, make_metadata, make_sample, parts_of
from townlet.dataset.format.npz import write_npz
from townlet.errors import UserError
from townlet.frames import frames_to_replay_sample
from townlet.samples import (
    ARRAYS,
    FINAL_ARRAYS,
    GROUP_ARRAYS,
    TRAINING_ARRAYS,
    ReplaySample,
    SampleError,
    content_digest,
    stack_groups,
)


def test_the_table_is_the_design_s() -> None:
    table = {name: (spec.dtype.name, spec.axes) for name, spec in ARRAYS.items()}
    assert table == {
        "map": ("float32", ("T", "C", "H", "W")),
        "features": ("float32", ("T", "F")),
        "actions": ("int64", ("T",)),
        "old_log_probs": ("float32", ("T",)),
        "value_preds": ("float32", ("T+1",)),
        "rewards": ("float32", ("T",)),
        "dones": ("bool", ("T",)),
        "tick": ("int32", ("T",)),
        "action_args": ("float32", ("T", 3)),
        "action_mask": ("bool", ("T", "A")),
        "reward_terms": ("float32", ("T", "K")),
        "positions": ("int16", ("T", 2)),
        "final_map": ("float32", ("C", "H", "W")),
        "final_features": ("float32", ("F",)),
        "final_action_mask": ("bool", ("A",)),
    }


def test_one_group_is_taken_without_a_copy() -> None:
    group = make_group()
    sample = stack_groups([group])
    for name in GROUP_ARRAYS:
        assert np.shares_memory(getattr(sample, name), group.arrays[name]) == (name != "value_preds"), name


def test_the_bootstrap_value_comes_last() -> None:
    sample = make_sample(20)
    assert sample.value_preds.shape == (21,)
    assert sample.value_preds[-1] == np.float32(0.25)


@given(st.lists(st.integers(1, 19), unique=True), st.randoms(use_true_random=False))
def test_groups_stack_the_same_in_any_cut_and_order(cuts: list[int], random: Any) -> None:
    group = make_group(20, first=7)
    whole = stack_groups([group])
    pieces = parts_of(group, cuts)
    random.shuffle(pieces)
    stacked = stack_groups(pieces)
    assert stacked.content_digest() == whole.content_digest()
    assert stacked.metadata == whole.metadata


@given(st.integers(1, 12), st.integers(0, 2**16), st.integers(0, 1000), st.randoms(use_true_random=False))
def test_frames_and_groups_give_the_same_bytes(steps: int, seed: int, first: int, random: Any) -> None:
    group = make_group(steps, seed, first)
    frames = frames_of(group)
    random.shuffle(frames)
    by_frames, by_groups = frames_to_replay_sample(frames), stack_groups([group])
    files = [io.BytesIO(), io.BytesIO()]
    write_npz(files[0], by_frames.arrays())
    write_npz(files[1], by_groups.arrays())
    assert files[0].getvalue() == files[1].getvalue()
    assert by_frames.metadata == by_groups.metadata


def test_metadata_gains_the_facts_of_the_arrays() -> None:
    metadata = make_sample(20).metadata
    facts = {key: metadata[key] for key in ("timesteps", "frame_count", "value_pred_steps", "action_dim")}
    assert facts == {"timesteps": 20, "frame_count": 20, "value_pred_steps": 21, "action_dim": 5}
    assert metadata["map_shape"] == [4, 5, 5]
    assert metadata["training_arrays"] == list(TRAINING_ARRAYS)
    assert metadata["first_tick"] == 0
    assert metadata["format_version"] == 1


def test_label_mismatches_of_all_groups_are_added() -> None:
    first, second = parts_of(make_group(20), [8])
    second.metadata["label_mismatch_count"] = 4
    assert stack_groups([second, first]).metadata["label_mismatch_count"] == 5


def test_layout_digest_is_of_names_and_shapes_not_of_time() -> None:
    assert make_sample(3, seed=1).layout_digest == make_sample(20, seed=2).layout_digest
    assert make_sample(3, window=7).layout_digest != make_sample(3).layout_digest
    renamed = [*FEATURES[:-1], "another_name"]
    assert make_sample(3, feature_names=renamed).layout_digest != make_sample(3).layout_digest


def test_content_digest_does_not_depend_on_the_memory_layout() -> None:
    sample = make_sample(6)
    wide = np.zeros((6, 2, *sample.map.shape[1:]), np.float32)
    wide[:, 1] = sample.map
    assert replace(sample, map=wide[:, 1]).content_digest() == sample.content_digest()


@pytest.mark.parametrize("name", ARRAYS)
def test_content_digest_sees_every_array(name: str) -> None:
    sample = make_sample(4)
    arrays = {key: array.copy() for key, array in sample.arrays().items()}
    flat = arrays[name].reshape(-1).view(np.uint8)
    flat[-1] ^= 1
    digests = [
        content_digest(
            (key, array.dtype.str, array.shape, bytes(array.tobytes()).hex()) for key, array in some
        )
        for some in (sample.arrays().items(), arrays.items())
    ]
    assert digests[0] != digests[1]


def changed(name: str, change: Callable[[np.ndarray], Any]) -> dict[str, np.ndarray]:
    """The arrays of a valid sample, one of them changed in place or replaced."""
    arrays = {key: array.copy() for key, array in make_sample(6).arrays().items()}
    answer = change(arrays[name])
    arrays[name] = arrays[name] if answer is None else answer
    return arrays


def put(*where: Any, value: Any) -> Callable[[np.ndarray], None]:
    def change(array: np.ndarray) -> None:
        array[where] = value

    return change


WRONG = [
    ("map", lambda a: a.astype(np.float64), "map: expected dtype float32, found float64"),
    ("map", lambda a: a[0], r"map: expected axes \(T, C, H, W\), found shape \(4, 5, 5\)"),
    ("map", put(2, 1, 0, 3, value=np.nan), r"map: expected finite numbers, found nan at \[2, 1, 0, 3\]"),
    ("features", put(1, 2, value=np.inf), r"features: expected finite numbers, found inf at \[1, 2\]"),
    ("features", lambda a: a[:-1], r"features: expected axes \(T, F\) with T = 6, found shape \(5, 8\)"),
    ("actions", put(0, value=5), r"actions: expected ids in 0..4, found \d..5"),
    ("actions", put(0, value=-1), "actions: expected ids in 0..4, found -1"),
    ("actions", lambda a: a.astype(np.int32), "actions: expected dtype int64, found int32"),
    (
        "old_log_probs",
        put(3, value=0.5),
        r"old_log_probs: expected logs of probabilities \(<= 0\), found 0.5",
    ),
    ("value_preds", lambda a: a[:-1], r"value_preds: expected axes \(T\+1\) with T\+1 = 7"),
    ("rewards", put(0, value=-np.inf), "rewards: expected finite numbers, found -inf"),
    ("dones", put(2, value=True), "dones: expected the episode to end at the last row only, found 2"),
    ("dones", put(-1, value=True), "value_preds: expected a bootstrap value of 0 where the episode ended"),
    ("tick", put(3, value=9), "tick: expected consecutive ticks from 0 on, found 2 before 9"),
    ("tick", lambda a: a - 1, "tick: expected consecutive ticks from 0 on, found -1"),
    (
        "action_args",
        lambda a: a[:, :2],
        r"action_args: expected axes \(T, 3\) with 3 = 3, found shape \(6, 2\)",
    ),
    ("action_mask", put(slice(None), value=False), "action_mask: the action taken at row 0"),
    ("positions", lambda a: a.astype(np.uint16), "positions: expected dtype int16, found uint16"),
    ("final_map", lambda a: a[1:], r"final_map: expected axes \(C, H, W\) with C = 4"),
    ("final_features", lambda a: a.tolist(), "final_features: expected an array, found list"),
]


@pytest.mark.parametrize(("name", "change", "message"), WRONG)
def test_what_would_trip_a_trainer_is_refused(
    name: str, change: Callable[[np.ndarray], Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        ReplaySample.from_arrays(changed(name, change), make_metadata())


def test_a_sample_has_a_timestep() -> None:
    empty = {
        key: (array if key in FINAL_ARRAYS else array[:0]) for key, array in make_sample(6).arrays().items()
    }
    empty["value_preds"] = np.zeros(1, np.float32)
    with pytest.raises(ValueError, match="at least one timestep"):
        ReplaySample.from_arrays(empty, make_metadata())


def test_finite_numbers_that_overflow_a_sum_are_finite() -> None:
    arrays = changed("rewards", put(slice(None), value=3e38))
    assert ReplaySample.from_arrays(arrays, make_metadata()).rewards[0] == np.float32(3e38)


def test_only_the_shallow_check_trusts_the_map() -> None:
    group = make_group()
    group.arrays["map"][0, 0, 0, 0] = np.nan
    stack_groups([group])
    with pytest.raises(ValueError, match="map: expected finite numbers"):
        stack_groups([group], deep=True)


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"timesteps": 7}, r"metadata\['timesteps'\]: expected 6 \(of the arrays\), found 7"),
        ({"map_shape": [4, 5, 6]}, r"metadata\['map_shape'\]"),
        ({"layout_digest": "0" * 64}, r"metadata\['layout_digest'\]"),
        ({"feature_names": ["a"]}, r"metadata\['feature_names'\]: expected 8 different names, found 1"),
        (
            {"map_channels": ["a", "a", "b", "c"]},
            r"metadata\['map_channels'\]: expected 4 different names, found 3",
        ),
        ({"action_lookup": {"{}": 0}}, r"metadata\['action_lookup'\]: expected the ids 0..4, once each"),
    ],
)
def test_metadata_that_contradicts_the_arrays_is_refused(facts: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ReplaySample.from_arrays(make_sample(6).arrays(), {**make_metadata(), **facts})


def test_metadata_without_names_is_refused() -> None:
    with pytest.raises(ValueError, match="metadata lacks agent_id, feature_names"):
        ReplaySample.from_arrays(make_sample(6).arrays(), {})


def test_an_array_too_few_is_refused() -> None:
    arrays = make_sample(6).arrays()
    del arrays["tick"]
    with pytest.raises(ValueError, match="expected the arrays map, features"):
        ReplaySample.from_arrays(arrays, make_metadata())


def test_stacking_nothing() -> None:
    with pytest.raises(ValueError, match="at least one frame group"):
        stack_groups([])
    with pytest.raises(ValueError, match="at least one frame"):
        frames_to_replay_sample([])


def test_groups_that_do_not_join() -> None:
    first, second, third = parts_of(make_group(20), [5, 9])
    with pytest.raises(ValueError, match="found 4 before 9"):
        stack_groups([first, third])
    with pytest.raises(ValueError, match="tick: expected consecutive ticks"):
        stack_groups([first, second, second, third])
    with pytest.raises(ValueError, match="ends at tick 8 has no `final`: frames are missing"):
        stack_groups([second, first])


def test_frames_that_make_no_sample() -> None:
    frames = frames_of(make_group(5))
    with pytest.raises(ValueError, match="expected the frames of one agent, found those of alice, bob"):
        frames_to_replay_sample([*frames, {**frames[0], "agent_id": "bob"}])
    with pytest.raises(ValueError, match=r"the latest frame \(tick 3\) lacks final_map, final_features"):
        frames_to_replay_sample(frames[:4])
    other = (frames[1]["action_id"] + 1) % len(ACTIONS)
    frames[1]["action_id"] = other
    with pytest.raises(ValueError, match=f"tick 1: action .* found action_id {other}"):
        frames_to_replay_sample(frames)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tick": 1.0}, r"frames\[1\]: tick: expected a whole number, found 1.0"),
        ({"tick": True}, r"frames\[1\]: tick: expected a whole number, found True"),
        ({"action_id": 1.0}, "actions: expected int64, found float64"),
        ({"reward": "1"}, "rewards: expected float32, found <U"),
        ({"reward": None}, "rewards: expected float32, found object"),
        ({"done": 0}, "dones: expected bool, found int64"),
        ({"position": (1.5, 2)}, "positions: expected int16, found float64"),
        ({"position": (40_000, 2)}, "positions: expected int16, found 40000"),
        ({"position": (1, 2, 3)}, "positions: expected rows of one shape"),
        ({"map": np.zeros((1, 1))}, "map: expected rows of one shape"),
        ({"action_mask": [1, 0, 0, 0, 0]}, "action_mask: expected bool, found int64"),
        ({"log_prob": float("nan")}, r"old_log_probs: expected finite numbers, found nan at \[1\]"),
        ({"action": None}, "tick 1: action None has id None in action_lookup"),
    ],
)
def test_frames_are_not_bent_into_shape(change: dict[str, Any], message: str) -> None:
    frames = frames_of(make_group(5))
    if change.get("done") == 0:
        for frame in frames:
            frame["done"] = int(frame["done"])
    if "action_mask" in change:
        for frame in frames:
            frame["action_mask"] = frame["action_mask"].astype(int)
    frames[1].update(change)
    with pytest.raises(SampleError, match=message):
        frames_to_replay_sample(frames)


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (None, "expected a list of frames, found NoneType"),
        ("frames", "expected a list of frames, found str"),
        ({}, "expected a list of frames, found dict"),
        ([1], r"frames\[0\]: expected a mapping, found int"),
        ([{"tick": 0}], r"frames\[0\] lacks agent_id, action, map, features, action_id"),
    ],
)
def test_what_is_no_list_of_frames(frames: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        frames_to_replay_sample(frames)


def test_frames_without_their_facts() -> None:
    frames = frames_of(make_group(3))
    frames[-1]["info"] = "all of them"
    with pytest.raises(UserError, match="info: expected a mapping with `action_lookup`"):
        frames_to_replay_sample(frames)


def test_repr_says_who_and_how_long() -> None:
    assert repr(make_sample(6)) == "ReplaySample('alice', timesteps=6, map=(4, 5, 5), features=8)"


def test_action_names_are_in_the_order_of_ids() -> None:
    sample = make_sample()
    names = sample.metadata["action_names"]
    assert [sample.metadata["action_lookup"][name] for name in names] == list(range(len(ACTIONS)))

"""Layouts: mixed ones are refused where samples come together, and brought together by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.dataset.towns import Life, capture_lives, town_run
from tests.samples import ACTIONS, CHANNELS, FEATURES, TERMS, make_group, make_sample
from townlet import dataset
from townlet.dataset.reading.data_set import DataSet
from townlet.dataset.reading.layouts import Layout, LayoutError, remap
from townlet.dataset.store.local import LocalStore
from townlet.errors import UserError
from townlet.run import canonical_json
from townlet.samples import FrameGroup, ReplaySample, stack_groups

TEXTS = [canonical_json(action) for action in ACTIONS]
MORE = [canonical_json({"kind": "chat"}), *TEXTS[1:4]]


def other_sample(window: int = 5) -> ReplaySample:
    """Features the other way round and one more, a channel less, another catalogue."""
    group = make_group(12, seed=5, window=window)
    arrays = dict(group.arrays)
    arrays["features"] = np.concatenate([arrays["features"], np.ones((12, 1), np.float32)], axis=1)
    arrays["map"] = arrays["map"][:, :3]
    arrays["actions"] = np.arange(12) % 4
    arrays["action_mask"] = np.ones((12, 4), bool)
    arrays["reward_terms"] = arrays["reward_terms"][:, ::-1].copy()
    final = {
        **(group.final or {}),
        "final_features": arrays["features"][-1],
        "final_map": arrays["map"][-1],
        "final_action_mask": np.array([True, False, True, False]),
    }
    facts = {
        "feature_names": [*FEATURES[::-1], "hope"],
        "map_channels": list(CHANNELS[:3]),
        "action_lookup": {action: number for number, action in enumerate(MORE)},
        "reward_term_names": list(TERMS[::-1]),
    }
    return stack_groups([FrameGroup(arrays, final, {**group.metadata, **facts})])


def test_a_layout() -> None:
    layout = Layout.of(make_sample().metadata)
    assert layout == Layout(FEATURES, CHANNELS, TERMS, tuple(TEXTS), (5, 5))
    assert layout.action_lookup == make_sample().metadata["action_lookup"]
    assert layout.describe() == "8 features, map 4 x 5 x 5, 5 actions, 3 reward terms"


def test_by_name() -> None:
    """Every column under its name; zeros and False where there is none."""
    one, other = make_sample(), other_sample()
    to = Layout.union([Layout.of(one.metadata), Layout.of(other.metadata)])
    assert to.feature_names == (*FEATURES, "hope")
    assert to.map_channels == CHANNELS
    assert to.actions == (*TEXTS, MORE[0])
    for sample in (one, other):
        found, own = remap(sample, to), Layout.of(sample.metadata)
        assert Layout.of(found.metadata) == to
        for column, name in enumerate(to.feature_names):
            for prefix in ("", "final_"):
                mine, theirs = (getattr(s, f"{prefix}features") for s in (found, sample))
                if name in own.feature_names:
                    assert (mine[..., column] == theirs[..., own.feature_names.index(name)]).all()
                else:
                    assert not mine[..., column].any()
        for column, name in enumerate(to.map_channels):
            if name in own.map_channels:
                assert (found.map[:, column] == sample.map[:, own.map_channels.index(name)]).all()
                assert (found.final_map[column] == sample.final_map[own.map_channels.index(name)]).all()
            else:
                assert not found.map[:, column].any()
        for number, action in enumerate(to.actions):
            if action in own.actions:
                old = own.actions.index(action)
                assert (found.action_mask[:, number] == sample.action_mask[:, old]).all()
                assert found.final_action_mask[number] == sample.final_action_mask[old]
                assert ((found.actions == number) == (sample.actions == old)).all()
            else:
                assert not found.action_mask[:, number].any() and not found.final_action_mask[number]
        for column, name in enumerate(to.reward_term_names):
            old = own.reward_term_names.index(name)
            assert (found.reward_terms[:, column] == sample.reward_terms[:, old]).all()
        for name in ("old_log_probs", "value_preds", "rewards", "dones", "tick", "action_args", "positions"):
            assert (getattr(found, name) == getattr(sample, name)).all()
        assert "metrics" not in found.metadata and found.agent_id == sample.agent_id
    assert remap(one, to).layout_digest == remap(other, to).layout_digest
    assert remap(one, Layout.of(one.metadata)) is one


def test_what_the_target_lacks_is_left_out() -> None:
    one = make_sample()
    to = Layout(("wallet", "need_hunger"), ("objects",), (), tuple(TEXTS), (5, 5))
    found = remap(one, to)
    assert (found.features == one.features[:, [3, 0]]).all()
    assert (found.map[:, 0] == one.map[:, 2]).all()
    assert found.reward_terms.shape == (20, 0)
    assert (found.rewards == one.rewards).all()


def test_an_action_that_was_taken_cannot_be_left_out() -> None:
    one = make_sample()
    row = int(np.argmax(one.actions == 3))
    to = Layout(FEATURES, CHANNELS, TERMS, (*TEXTS[:3], TEXTS[4]), (5, 5))
    with pytest.raises(
        UserError, match=rf"at tick {row} the action .*eat_meal.* was taken, which the layout"
    ):
        remap(one, to)


def test_windows_of_other_sizes_keep_their_centre() -> None:
    one = make_sample()
    wide, narrow = (
        remap(one, Layout(FEATURES, CHANNELS, TERMS, tuple(TEXTS), size)) for size in ((9, 7), (3, 1))
    )
    assert (wide.map[:, :, 2:7, 1:6] == one.map).all()
    assert wide.map.sum() == one.map.sum() and wide.final_map.shape == (4, 9, 7)
    assert (narrow.map == one.map[:, :, 1:4, 2:3]).all()
    assert (narrow.final_map == one.final_map[:, 1:4, 2:3]).all()
    with pytest.raises(UserError, match="maps of 5 x 5 and 4 x 5 have no common centre"):
        remap(one, Layout(FEATURES, CHANNELS, TERMS, tuple(TEXTS), (4, 5)))
    with pytest.raises(UserError, match="no common centre"):
        Layout.union([Layout.of(one.metadata), Layout(FEATURES, CHANNELS, TERMS, tuple(TEXTS), (4, 4))])
    with pytest.raises(UserError, match="expected a layout, got none"):
        Layout.union([])


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    """Two scenarios; in one the features have other names, and the map is wider."""
    folder = tmp_path_factory.mktemp("mixed")
    store, lives = LocalStore(folder), [Life("alice", 1, 0, 9), Life("bob", 2, 0, 9)]
    capture_lives(store, town_run("near", 0), town_run("near", 1), lives=lives)
    names: list[Any] = [*FEATURES[:-1], "hope"]
    capture_lives(store, town_run("wide"), lives=lives, window=7, feature_names=names)
    return dataset.open(folder)


def test_mixed_layouts_are_refused(mixed: DataSet) -> None:
    assert [sample.features.shape[1] for sample in mixed] == [8] * 12
    for together in (
        lambda: mixed.windows(4),
        lambda: mixed.lives(),
        lambda: mixed.statistics(),
        lambda: mixed.layout,
    ):
        with pytest.raises(LayoutError) as caught:
            together()
        lines = str(caught.value).splitlines()
        assert lines[0] == "these samples have 2 different layouts and cannot be put together:"
        assert lines[1].endswith(": near: 8 samples; 8 features, map 4 x 5 x 5, 5 actions, 3 reward terms")
        assert lines[2].endswith(": wide: 4 samples; 8 features, map 4 x 7 x 7, 5 actions, 3 reward terms")
        assert lines[3].strip() == "features: without last_action_success, with hope"
        assert lines[4].startswith("choose some, as with filter(scenario=...), or bring them to one layout")
    assert len(mixed.filter(scenario="wide").windows(4)) == 6
    assert mixed.joint("wide", 0).arrays["map"].shape[-1] == 7


def test_mixed_layouts_remapped(mixed: DataSet) -> None:
    together = mixed.remapped()
    assert together.layout.window == (7, 7)
    assert together.layout.feature_names == (*FEATURES, "hope")
    assert {sample.layout_digest for sample in together} == {together[0].layout_digest}
    windows = together.windows(4)
    assert {window["map"].shape for window in windows} == {(4, 4, 7, 7)}
    assert together.statistics().features.min[-1] == 0
    assert together.joint("near", 1)["features"].shape == (9, 2, 9)
    near = mixed.remapped(mixed.filter(scenario="near").layout)
    assert near.layout == mixed.filter(scenario="near").layout
    assert {sample.map.shape[1:] for sample in near.remembering(1).shuffled(1)[:6]} == {(4, 5, 5)}


def test_an_empty_choice_has_no_layout(mixed: DataSet) -> None:
    with pytest.raises(UserError, match="no sample is left, so there is no layout"):
        mixed.filter(seed=[]).layout  # noqa: B018

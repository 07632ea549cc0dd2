"""Names and shapes: which blocks there are, in which order, and how large."""

from __future__ import annotations

import numpy as np
import pytest

from tests.observation.towns import OFFERS, Buffers, town
from townlet.observation.layout import build_observation

ONE = {"agents": [{"id": "ann", "position": [0, 0]}]}
FIRST = [
    *("need_hunger", "need_hygiene", "need_energy", "wallet", "lateness_counter", "on_shift"),
    *("attendance_ratio", "wages_withheld", "shift_pre", "shift_on_time", "shift_late", "shift_absent"),
    *("shift_post", "time_sin", "time_cos", "embedding_slot_norm", "ctx_reset_flag", "episode_progress"),
    *("rivalry_max", "rivalry_avoid_count", "last_action_id_hash", "last_action_success"),
    *("last_action_duration", "reservation_active", "in_queue", "path_hint_north", "path_hint_south"),
    *("path_hint_east", "path_hint_west"),
]
TARGETS = [f"{name}_{part}" for name in ("fridge", "stove", "bed", "shower") for part in ("dx", "dy", "dist")]
PERSONALITY = ["personality_extroversion", "personality_forgiveness", "personality_ambition"]
SLOTS = [f"social_slot{n}_d{m}" for n in range(4) for m in range(11)]
AGGREGATES = ["social_trust_mean", "social_trust_max", "social_rivalry_mean", "social_rivalry_max"]
NEARBY = ["neighbor_agent_ratio", "neighbor_object_ratio", "reserved_tile_ratio", "nearest_agent_distance"]


def test_hybrid_is_the_default() -> None:
    _, generated = town({"scenario": ONE})
    assert generated.layout.variant == "hybrid"
    assert generated.layout.map_channels == ("self", "agents", "objects", "reservations")
    assert generated.layout.map_shape == (4, 11, 11)
    assert generated.layout.feature_names == (*FIRST, *SLOTS, *AGGREGATES)


def test_blocks_follow_in_their_order() -> None:
    _, generated = town(
        {
            "features": {
                "systems": {"observations": "compact"},
                "observations": {"personality_channels": True},
            },
            "observations": {"compact": {"include_targets": True}, "extended": True},
            "scenario": ONE,
        }
    )
    names = generated.layout.feature_names
    expected = [*FIRST, *TARGETS, *PERSONALITY, *SLOTS, *AGGREGATES, *NEARBY]
    assert list(names[: len(expected)]) == expected
    assert names[len(expected)] == "doing_wash"
    assert names[-1] == "near_bed_free"


def test_full_adds_paths_and_compact_adds_floor_and_types() -> None:
    _, full = town({"features": {"systems": {"observations": "full"}}, "scenario": ONE})
    assert full.layout.map_channels[4:] == ("path_dx", "path_dy")
    assert full.layout.map_shape == (6, 11, 11)
    _, compact = town({"features": {"systems": {"observations": "compact"}}, "scenario": ONE})
    types = ("object:shower", "object:fridge", "object:stove", "object:bed")
    assert compact.layout.map_channels[4:] == ("walkable", *types)
    assert compact.layout.map_shape == (5 + 4, 7, 7)


def test_compact_shows_the_types_that_the_config_lists() -> None:
    config = {
        "features": {"systems": {"observations": "compact"}},
        "observations": {"compact": {"object_channels": ["bed", "piano"], "map_window": 3}},
        "scenario": {**ONE, "objects": [{"id": "cot", "type": "bed", "position": [1, 0]}]},
    }
    _, generated = town(config)
    assert generated.layout.map_channels[5:] == ("object:bed", "object:piano")
    seen = Buffers(generated).observe()
    assert seen.channel("object:bed") == [[0, 0, 0], [0, 0, 1], [0, 0, 0]]
    assert seen.channel("object:piano") == [[0] * 3] * 3


def test_sizes_of_the_snippet() -> None:
    snippet = {"top_friends": 1, "top_rivals": 0, "embed_dim": 2, "include_aggregates": False}
    _, generated = town({"observations": {"social_snippet": snippet}, "scenario": ONE})
    assert generated.layout.feature_names == (*FIRST, *(f"social_slot0_d{d}" for d in range(5)))


@pytest.mark.parametrize("variant", ["hybrid", "full", "compact"])
def test_no_two_columns_share_a_name(variant: str) -> None:
    """Whatever affordances and types are called."""
    kinds = ["agent", "job", "wall", "agent_step", "left", "fridge", "self"]
    offers = tuple({**OFFERS[0], "id": kind, "object_type": kind} for kind in kinds)
    features = {"systems": {"observations": variant}, "observations": {"personality_channels": True}}
    targets = {"include_targets": True}
    seen = {"extended": True, "hybrid": targets, "compact": targets}
    _, generated = town({"features": features, "observations": seen, "scenario": ONE}, offers)
    for names in (generated.layout.feature_names, generated.layout.map_channels):
        assert len(set(names)) == len(names)


def test_every_column_says_what_it_is() -> None:
    _, generated = town({"observations": {"extended": True}, "scenario": ONE})
    assert all(column.unit and column.meaning for column in generated.layout.columns)
    assert all(channel.meaning for channel in generated.layout.channels)


def test_every_observation_fits_its_layout() -> None:
    _, generated = town({"observations": {"extended": True}, "scenario": ONE})
    seen = Buffers(generated, fill=float("nan")).observe()
    assert np.isfinite(seen.features[0, 0]).all() and np.isfinite(seen.maps[0, 0]).all()


def test_a_long_day_is_seen_in_many_small_steps() -> None:
    """However many ticks it has, it costs no more memory than 65,536 steps."""
    period = 1_000_000
    _, generated = town({"observations": {"hybrid": {"time_ticks_per_day": period}}, "scenario": ONE})
    assert len(generated.observation.time) == 65_536
    generated.world.clock.tick[0] = period + period // 4
    seen = Buffers(generated).observe()
    assert seen.feature("time_sin") == 1.0
    assert abs(seen.feature("time_cos")) < 1e-6


def test_layers_need_a_margin_of_half_a_window() -> None:
    resolved, generated = town({"scenario": ONE})
    size = np.add(generated.params.town.size, [0, 0, 1, 0, 0])
    params, town_of_another_size = generated.params, generated.params.town._replace(size=size)
    with pytest.raises(ValueError, match="expected layers with a margin of 5 tiles, found 6"):
        build_observation(
            resolved,
            generated.names,
            town_of_another_size,
            params.affordances,
            params.jobs,
            generated.action_space.hashes(),
        )

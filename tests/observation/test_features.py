"""What an agent knows of itself, worked out by hand: the columns that are always there, targets, neighbours."""

from __future__ import annotations

import pytest

from tests.observation.towns import Buffers, scene
from townlet.world import state as st

COMPACT = {"systems": {"observations": "compact"}}
SHIFT = ("shift_pre", "shift_on_time", "shift_late", "shift_absent", "shift_post")


def test_needs_and_coins_are_shown_as_they_are() -> None:
    generated = scene(["a"])
    agents, work = generated.world.agents, generated.world.work
    agents.need[0], agents.wallet[0] = [0.125, 0.5, 0.75], 2.5
    work.lateness[0], work.on_site[0], work.withheld[0] = 3, True, 0.25
    seen = Buffers(generated).observe()
    assert [seen.feature(f"need_{need}") for need in ("hunger", "hygiene", "energy")] == [0.125, 0.5, 0.75]
    assert [seen.feature(name) for name in ("wallet", "lateness_counter", "on_shift", "wages_withheld")] == [
        2.5, 3, 1, 0.25,
    ]  # fmt: skip


def test_attendance_is_the_share_of_the_last_shifts_that_were_not_missed() -> None:
    generated = scene(["a"])
    work = generated.world.work
    assert Buffers(generated).observe().feature("attendance_ratio") == 1  # before the first
    work.shifts[0], work.missed[0][:2] = 2, [True, False]
    assert Buffers(generated).observe().feature("attendance_ratio") == 0.5


@pytest.mark.parametrize("state", [st.PRE_SHIFT, st.ON_TIME, st.LATE, st.ABSENT, st.POST_SHIFT])
def test_the_state_of_the_shift_is_one_of_five(state: int) -> None:
    generated = scene(["a"])
    generated.world.work.state[0] = state
    seen = Buffers(generated).observe()
    assert [seen.feature(name) for name in SHIFT] == [float(n == state) for n in range(5)]


@pytest.mark.parametrize(
    ("tick", "sine", "cosine"), [(0, 0, 1), (1, 1, 0), (2, 0, -1), (3, -1, 0), (5, 1, 0)]
)
def test_the_time_of_day_goes_round(tick: int, sine: float, cosine: float) -> None:
    generated = scene(["a"], observations={"hybrid": {"time_ticks_per_day": 4}})
    generated.world.clock.tick[0] = tick
    seen = Buffers(generated).observe()
    assert [seen.feature("time_sin"), seen.feature("time_cos")] == pytest.approx([sine, cosine], abs=1e-6)


def test_the_slot_is_a_share_of_all_slots() -> None:
    generated = scene(["a"], embedding_allocator={"max_slots": 32})
    generated.world.agents.slot[0] = 8
    assert Buffers(generated).observe().feature("embedding_slot_norm") == 0.25


def test_a_life_begins_with_a_reset_and_progresses_by_the_day() -> None:
    generated = scene(["a"])
    clock, born = generated.world.clock, generated.world.agents.born
    born[0] = 30
    for tick, reset, progress in ((30, 1, 0.0), (31, 0, 0.01), (80, 0, 0.5), (130, 0, 1.0), (999, 0, 1.0)):
        clock.tick[0] = tick
        seen = Buffers(generated).observe()
        assert seen.feature("ctx_reset_flag") == reset
        assert seen.feature("episode_progress") == pytest.approx(progress)


def test_the_last_action_is_remembered() -> None:
    generated = scene(["a"])
    agents, east = generated.world.agents, st.ACTION_MOVE + st.EAST
    agents.last_action[0], agents.last_success[0], agents.last_duration[0] = east, True, 4
    seen = Buffers(generated).observe()
    assert seen.feature("last_action_id_hash") == pytest.approx(generated.action_space.hashes()[east])
    assert [seen.feature("last_action_success"), seen.feature("last_action_duration")] == [1, 4]


def test_who_holds_a_reservation_waits_no_longer() -> None:
    generated = scene(["a.F"], objects={"F": "fridge"})
    queues = generated.world.queues
    found = []
    for waits, holds in ((st.NOTHING, st.NOTHING), (0, st.NOTHING), (0, 0)):
        queues.object[0], queues.reserved[0] = waits, holds
        seen = Buffers(generated).observe()
        found.append((seen.feature("in_queue"), seen.feature("reservation_active")))
    assert found == [(0, 0), (1, 0), (0, 1)]


def test_targets_are_the_nearest_objects_of_four_types() -> None:
    """Around the wall to the bed it is five steps; there is no shower."""
    generated = scene(
        ["a.F",
         "##.",
         "B.."],
        objects={"F": "fridge", "B": "bed"}, observations={"hybrid": {"include_targets": True}},
    )  # fmt: skip
    seen = Buffers(generated).observe()

    def target(name: str) -> list[float]:
        return [seen.feature(f"{name}_{part}") for part in ("dx", "dy", "dist")]

    assert target("fridge") == pytest.approx([2 / 3, 0, 2 / 6])
    assert target("bed") == pytest.approx([0, 2 / 3, 1])  # 2 + 2 + 2 steps, and width + height is 6
    assert target("shower") == [0, 0, 1]


def test_personality_is_shown_where_it_is_asked_for() -> None:
    generated = scene(["a"], features={"observations": {"personality_channels": True}})
    generated.world.agents.personality[0][:] = [0.5, -0.25, 0.125]
    seen = Buffers(generated).observe()
    names = ("extroversion", "forgiveness", "ambition")
    assert [seen.feature(f"personality_{name}") for name in names] == [0.5, -0.25, 0.125]
    assert "personality_ambition" not in scene(["a"]).layout.feature_names


@pytest.mark.parametrize(("normalized", "tiles", "side"), [(True, 9, 3), (False, 1, 1)])
def test_neighbours_are_counted_on_the_map(normalized: bool, tiles: int, side: int) -> None:
    generated = scene(
        ["ab..", "F..G"], agents={"a": "", "b": ""}, objects={"F": "fridge", "G": "fridge"},
        features=COMPACT, observations={"compact": {"map_window": 3, "normalize_counts": normalized}},
    )  # fmt: skip
    generated.world.grid.reserved[1 + 1, 0 + 1] = 1  # F; the layers have a margin of one tile
    seen = Buffers(generated).observe()
    names = ("neighbor_agent_ratio", "neighbor_object_ratio", "reserved_tile_ratio", "nearest_agent_distance")
    assert [seen.feature(name) for name in names] == pytest.approx(
        [1 / tiles, 1 / tiles, 1 / tiles, 1 / side]
    )


def test_with_nobody_near_the_distance_is_the_side_of_the_map() -> None:
    for normalized, expected in ((True, 1), (False, 3)):
        generated = scene(
            ["a..b"], agents={"a": "", "b": ""}, features=COMPACT,
            observations={"compact": {"map_window": 3, "normalize_counts": normalized}},
        )  # fmt: skip
        seen = Buffers(generated).observe()
        assert seen.feature("nearest_agent_distance") == expected
        assert seen.feature("neighbor_agent_ratio") == 0

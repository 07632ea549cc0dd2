"""What an observation consists of, by name: the one table that names, documents and tests it.

Every block of features below is a tuple of `Column`s in the order in which they stand in the array. The
first block is the same in every observation, so its columns are constants here; the others begin where
`Sizes.block` (layout.py) says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from townlet.vocabulary import STOCKS


class Column(NamedTuple):
    """One number of the features."""

    name: str
    unit: str
    meaning: str


class Channel(NamedTuple):
    """One layer of the map: a number a tile."""

    name: str
    meaning: str


CHANNELS = (
    Channel("self", "1 in the middle"),
    Channel("agents", "other agents on the tile"),
    Channel("objects", "1 where an object stands"),
    Channel("reservations", "1 where an object is reserved or in use"),
)
PATH_CHANNELS = (
    Channel("path_dx", "the next step of a shortest path to the place hinted at: 1 = east, -1 = west"),
    Channel("path_dy", "likewise: 1 = south, -1 = north"),
)
WALKABLE = Channel("walkable", "1 on floor")


def type_channel(object_type: str) -> Channel:
    """A channel of `compact` for one type of object."""
    return Channel(f"object:{object_type}", f"1 where a {object_type} stands")


ALWAYS = (
    Column("need_hunger", "0..1", "satisfaction: 1 = sated"),
    Column("need_hygiene", "0..1", "satisfaction: 1 = clean"),
    Column("need_energy", "0..1", "satisfaction: 1 = rested"),
    Column("wallet", "coins", "what the agent owns"),
    Column("lateness_counter", "count", "times late for a shift, in this life"),
    Column("on_shift", "0 or 1", "on site during its shift: the tick is paid"),
    Column("attendance_ratio", "0..1", "share of the last shifts that were not missed; 1 before the first"),
    Column("wages_withheld", "coins", "lateness penalties still to be taken off the wages that follow"),
    Column("shift_pre", "0 or 1", "the shift has not begun"),
    Column("shift_on_time", "0 or 1", "in the shift, not late"),
    Column("shift_late", "0 or 1", "in the shift, the grace is over and it has not arrived"),
    Column("shift_absent", "0 or 1", "in the shift, too late to count as there"),
    Column("shift_post", "0 or 1", "the shift is over"),
    Column("time_sin", "-1..1", "sine of the time of day (observations.hybrid.time_ticks_per_day)"),
    Column("time_cos", "-1..1", "cosine of the time of day"),
    Column("embedding_slot_norm", "0..1", "embedding slot / embedding_allocator.max_slots"),
    Column("ctx_reset_flag", "0 or 1", "1 on a life's first frame"),
    Column("episode_progress", "0..1", "age / world.ticks_per_day, at most 1"),
    Column("rivalry_max", "0..1", "the largest rivalry felt"),
    Column("rivalry_avoid_count", "count", "rivals above conflict.rivalry.avoid_threshold"),
    Column("last_action_id_hash", "0..1", "hash of the last action's canonical JSON, below 1"),
    Column("last_action_success", "0 or 1", "the last action did what it says"),
    Column("last_action_duration", "ticks", "what the last action takes; 0 before the first"),
    Column("reservation_active", "0 or 1", "an object is reserved for the agent"),
    Column("in_queue", "0 or 1", "waits in a queue, nothing reserved yet"),
    Column("path_hint_north", "0 or 1", "the next step of a shortest path to the place hinted at is north"),
    Column("path_hint_south", "0 or 1", "... is south"),
    Column("path_hint_east", "0 or 1", "... is east"),
    Column("path_hint_west", "0 or 1", "... is west"),
)
(
    NEED_HUNGER, NEED_HYGIENE, NEED_ENERGY, WALLET, LATENESS_COUNTER, ON_SHIFT, ATTENDANCE_RATIO,
    WAGES_WITHHELD, SHIFT_PRE, SHIFT_ON_TIME, SHIFT_LATE, SHIFT_ABSENT, SHIFT_POST, TIME_SIN, TIME_COS,
    EMBEDDING_SLOT_NORM, CTX_RESET_FLAG, EPISODE_PROGRESS, RIVALRY_MAX, RIVALRY_AVOID_COUNT,
    LAST_ACTION_ID_HASH, LAST_ACTION_SUCCESS, LAST_ACTION_DURATION, RESERVATION_ACTIVE, IN_QUEUE,
    PATH_HINT_NORTH, PATH_HINT_SOUTH, PATH_HINT_EAST, PATH_HINT_WEST,
) = range(len(ALWAYS))  # fmt: skip

TARGET_TYPES = ("fridge", "stove", "bed", "shower")

PERSONALITY = (
    Column("personality_extroversion", "-1..1", "0 unless personality is switched on"),
    Column("personality_forgiveness", "-1..1", "0 unless personality is switched on"),
    Column("personality_ambition", "-1..1", "0 unless personality is switched on"),
)

AGGREGATES = (
    Column("social_trust_mean", "-1..1", "over all ties that are not zero; 0 where there is none"),
    Column("social_trust_max", "-1..1", "the largest of them"),
    Column("social_rivalry_mean", "0..1", "over all ties that are not zero; 0 where there is none"),
    Column("social_rivalry_max", "0..1", "the largest of them"),
)

NEARBY = (
    Column("neighbor_agent_ratio", "0..1", "other agents on the map / its tiles"),
    Column("neighbor_object_ratio", "0..1", "objects on the map / its tiles"),
    Column("reserved_tile_ratio", "0..1", "tiles of the map with a reserved or used object / its tiles"),
    Column("nearest_agent_distance", "0..1", "tiles to the next agent on the map / its side; 1 = nobody"),
)
NEARBY_COUNTS = (
    Column("neighbor_agent_ratio", "count", "other agents on the map (normalize_counts is false)"),
    Column("neighbor_object_ratio", "count", "objects on the map (normalize_counts is false)"),
    Column("reserved_tile_ratio", "count", "tiles of the map with a reserved or used object (likewise)"),
    Column("nearest_agent_distance", "tiles", "to the next agent on the map; its side = nobody"),
)

STATUS = (
    Column("ticks_left", "0..1", "of the running affordance, the present tick included / its duration"),
    Column("cooldown_left", "0..1", "ticks left of the longest cooldown / queue_fairness.cooldown_ticks"),
    Column("queue_position", "0..1", "1 / place among those who wait (1 = next); 0 = does not wait"),
    Column("faint_countdown", "0..1", "ticks with a need at the bottom / the ticks after which it faints"),
    Column("rent_lacking", "0..1", "share of the rent due at the end of the day that the wallet lacks"),
    Column("rent_unpaid", "0..1", "days in a row without rent / 2, at most 1 (then an agent is evicted)"),
    Column("power_on", "0 or 1", "there is power"),
    Column("water_on", "0 or 1", "there is water"),
    Column("price_level", "factor - 1", "0 = usual prices, 1 = twice as high"),
    Column("shift_starts_in", "0..1", "ticks to the next start of the shift / ticks of a day; 1 = no shift"),
    Column("shift_ends_in", "0..1", "ticks to the next end (sooner than the start: it runs); 1 = no shift"),
    Column("job_step_x", "-1, 0, 1", "east-west part of the next step of a shortest path to the job"),
    Column("job_step_y", "-1, 0, 1", "north-south part of it, south positive"),
    Column("job_distance", "0..1", "walking distance to the job / (width + height), at most 1; 1 = no job"),
    Column("wall_north", "0 or 1", "a wall or the edge bars the way"),
    Column("wall_south", "0 or 1", "likewise"),
    Column("wall_east", "0 or 1", "likewise"),
    Column("wall_west", "0 or 1", "likewise"),
)
(
    TICKS_LEFT,
    COOLDOWN_LEFT,
    QUEUE_POSITION,
    FAINT_COUNTDOWN,
    RENT_LACKING,
    RENT_UNPAID,
    POWER_ON,
    WATER_ON,
    PRICE_LEVEL,
    SHIFT_STARTS_IN,
    SHIFT_ENDS_IN,
    JOB_STEP_X,
    JOB_STEP_Y,
    JOB_DISTANCE,
    WALL_NORTH,
    WALL_SOUTH,
    WALL_EAST,
    WALL_WEST,
) = range(len(STATUS))  # fmt: skip  (from the start of the block)


def target_columns() -> tuple[Column, ...]:
    """`fridge_dx`, `fridge_dy`, `fridge_dist`, and so on: the nearest of four types (include_targets)."""
    return tuple(
        column
        for name in TARGET_TYPES
        for column in (
            Column(f"{name}_dx", "-1..1", f"tiles east to the nearest {name} / width; 0 = none"),
            Column(f"{name}_dy", "-1..1", f"tiles south to the nearest {name} / height; 0 = none"),
            Column(f"{name}_dist", "0..1", "walking distance to it / (width + height), at most 1; 1 = none"),
        )
    )


def social_columns(friends: int, rivals: int, embed_dim: int) -> tuple[Column, ...]:
    """The slots of the social snippet: `embed_dim` numbers of identity, then trust, familiarity, rivalry."""
    columns = []
    for slot in range(friends + rivals):
        whose = f"friend {slot + 1}" if slot < friends else f"rival {slot - friends + 1}"
        for d in range(embed_dim):
            meaning = f"hashed identity of {whose}; 0 = nobody"
            columns.append(Column(f"social_slot{slot}_d{d}", "-1..1", meaning))
        for d, tie in enumerate(("trust", "familiarity", "rivalry"), start=embed_dim):
            unit = "0..1" if tie == "rivalry" else "-1..1"
            columns.append(Column(f"social_slot{slot}_d{d}", unit, f"{tie} toward {whose}; 0 = nobody"))
    return tuple(columns)


def doing_columns(affordances: Sequence[str]) -> tuple[Column, ...]:
    """One-hot of the affordance that runs (extended)."""
    return tuple(Column(f"doing_{name}", "0 or 1", f"{name} is running") for name in affordances)


def near_columns(object_type: str, stocks: Sequence[int]) -> tuple[Column, ...]:
    """The nearest object of a type by walking distance (extended); `stocks` are the kinds that it keeps."""
    near = f"near_{object_type}"
    return (
        Column(f"{near}_step_x", "-1, 0, 1", "east-west part of the next step of a shortest path to it"),
        Column(f"{near}_step_y", "-1, 0, 1", "north-south part of it, south positive"),
        Column(f"{near}_distance", "0..1", "walking distance / (width + height), at most 1; 1 = none"),
        *(Column(f"{near}_{STOCKS[s]}", "fraction", "its stock / what a day begins with") for s in stocks),
        Column(f"{near}_free", "0 or 1", "open, not in use, not reserved by another"),
    )

"""What an observation is made of: names and shapes for people, arrays of numbers for the kernels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from townlet.arrays import F32, I64, U8, U16, Bool
from townlet.names import Names
from townlet.observation import columns as table
from townlet.observation import routes
from townlet.observation.columns import Column
from townlet.world.state import NOTHING, STOCKS, Params

if TYPE_CHECKING:
    from townlet.config.load import Resolved

HYBRID, FULL, COMPACT = 0, 1, 2
VARIANTS = ("hybrid", "full", "compact")
ALL_ALIVE, LEAVERS = 0, 1  # whose slots are written

# Blocks of the features that begin where ObservationParams.column says (NOTHING = left out), in their order.
BLOCKS = ("targets", "personality", "social", "aggregates", "nearby", "doing", "status", "near")
(TARGETS, PERSONALITY, SOCIAL_SLOTS, AGGREGATES, NEARBY, DOING, STATUS, NEAR) = range(len(BLOCKS))

MAP_CHANNELS = ("self", "agents", "objects", "reservations")
PATH_CHANNELS = ("path_dx", "path_dy")


@dataclass(frozen=True)
class Layout:
    """Names and shapes of an observation; the same for every agent, seed and run of a config."""

    variant: str
    columns: tuple[Column, ...]
    map_channels: tuple[str, ...]
    window: int

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def map_shape(self) -> tuple[int, int, int]:
        """Channels, rows, columns."""
        return len(self.map_channels), self.window, self.window


class ObservationParams(NamedTuple):
    """The numbers that the observation kernels need beside `Params`. Axis letters as in world/state.py; U actions."""

    variant: I64  # [1]  HYBRID, FULL or COMPACT
    window: I64  # [1]  side of the map
    channel_type: I64  # [...]  the type that compact's object:<type> channels show; NOTHING = no such object
    column: I64  # [len(BLOCKS)]  first column of a block; NOTHING = left out
    normalize: Bool  # [1]  observations.compact.normalize_counts
    time_sin: F32  # [period]  by tick modulo period
    time_cos: F32  # [period]
    action_hash: F32  # [U]
    max_slots: I64  # [1]
    top: I64  # [2]  friends, rivals shown
    step: U8  # [P, H, W]  direction of the first step of a shortest path to the place; routes.STAY = none
    raises_first: I64  # [N + 1]  affordances that raise a need: raises[raises_first[n]:raises_first[n + 1]]
    raises: I64  # [...]
    target: F32  # [H, W, 12]  the block `targets`, by tile (no rows where it is left out)
    route: F32  # [codes, 3]  step x, step y, distance, by code (see routes.py)
    near_route: U16  # [H, W, Y]  code of the way to the nearest object of a type (no rows unless extended)
    job_route: U16  # [J, H, W]  code of the way to a job's place (no jobs unless extended)
    near_column: I64  # [Y]  first column of a type
    stock_column: I64  # [Y, 2]  NOTHING = no object of the type keeps it
    free_column: I64  # [Y]


def window_of(resolved: Resolved) -> int:
    """The side of the map that an agent sees, in tiles. The world's layers need a margin of half of it."""
    config = resolved.config
    if config.features.systems.observations == "compact":
        return config.observations.compact.map_window
    return config.observations.hybrid.local_window


def build_observation(
    resolved: Resolved, names: Names, params: Params, action_hashes: Sequence[float]
) -> tuple[Layout, ObservationParams]:
    """The layout of a config's observations, and the arrays that the kernels read.

    `action_hashes` [U] are the catalogue's, in [0, 1), by action id.
    """
    config = resolved.config
    variant = config.features.systems.observations
    kept = _stocks_of_types(params, len(names.object_types))
    blocks = _blocks(resolved, names, kept)
    columns, column = list(table.ALWAYS), np.full(len(BLOCKS), NOTHING, np.int64)
    for index, name in enumerate(BLOCKS):
        if blocks[name]:
            column[index] = len(columns)
            columns += blocks[name]
    shown = _object_channels(resolved, names)
    channels = MAP_CHANNELS + (PATH_CHANNELS if variant == "full" else ())
    if variant == "compact":
        channels += ("walkable", *(f"object:{name}" for name in shown))
    layout = Layout(variant, tuple(columns), channels, window_of(resolved))
    extended = config.observations.extended
    near_column, stock_column, free_column = _near_columns(kept, int(column[NEAR]))
    step = routes.first_steps(params.town.distance)
    time_sin, time_cos = _time_of_day(config.observations.hybrid.time_ticks_per_day)
    raises_first, raises = _raises(params.affordances.need)
    snippet = config.observations.social_snippet
    observation = ObservationParams(
        variant=np.array([VARIANTS.index(variant)], np.int64),
        window=np.array([layout.window], np.int64),
        channel_type=np.array([_index(names.object_types, name) for name in shown], np.int64),
        column=column,
        normalize=np.array([config.observations.compact.normalize_counts], np.bool_),
        time_sin=time_sin,
        time_cos=time_cos,
        action_hash=np.array(action_hashes, np.float64).astype(np.float32),
        max_slots=np.array([config.embedding_allocator.max_slots], np.int64),
        top=np.array([snippet.top_friends, snippet.top_rivals], np.int64),
        step=step,
        raises_first=raises_first,
        raises=raises,
        target=routes.targets(params.town, [_index(names.object_types, name) for name in table.TARGET_TYPES])
        if blocks["targets"]
        else np.zeros((0, 0, 3 * len(table.TARGET_TYPES)), np.float32),
        route=routes.table(params.town),
        near_route=routes.to_nearest(params.town, step) if extended else np.zeros((0, 0, 0), np.uint16),
        job_route=routes.to_places(params.town, step, params.jobs.place) if extended else np.zeros((0, 0, 0), np.uint16),
        near_column=near_column,
        stock_column=stock_column,
        free_column=free_column,
    )
    return layout, observation


def _blocks(resolved: Resolved, names: Names, kept: list[list[int]]) -> dict[str, tuple[Column, ...]]:
    """The columns of each block; none where a block is left out."""
    config = resolved.config
    seen, snippet = config.observations, config.observations.social_snippet
    compact = config.features.systems.observations == "compact"
    with_targets = (seen.compact if compact else seen.hybrid).include_targets
    nearby = table.NEARBY if seen.compact.normalize_counts else table.NEARBY_COUNTS
    near = [table.near_columns(name, kept[y]) for y, name in enumerate(names.object_types)]
    return {
        "targets": table.target_columns() if with_targets else (),
        "personality": table.PERSONALITY if config.features.observations.personality_channels else (),
        "social": table.social_columns(snippet.top_friends, snippet.top_rivals, snippet.embed_dim),
        "aggregates": table.AGGREGATES if snippet.include_aggregates else (),
        "nearby": nearby if compact else (),
        "doing": table.doing_columns(names.affordances) if seen.extended else (),
        "status": table.STATUS if seen.extended else (),
        "near": tuple(column for some in near for column in some) if seen.extended else (),
    }


def _object_channels(resolved: Resolved, names: Names) -> tuple[str, ...]:
    """The types that have a channel of their own in `compact`."""
    return tuple(resolved.config.observations.compact.object_channels) or names.object_types


def _index(names: Sequence[str], name: str) -> int:
    return names.index(name) if name in names else NOTHING


def _stocks_of_types(params: Params, types: int) -> list[list[int]]:
    """The kinds of stock that some object of each type keeps."""
    town = params.town
    return [
        [s for s in range(len(STOCKS)) if bool(town.site.kept[town.site.type == y, s].any())] for y in range(types)
    ]


def _near_columns(kept: list[list[int]], start: int) -> tuple[I64, I64, I64]:
    """Where the columns of each type stand: the first, the stocks', and whether it is free."""
    first = np.full(len(kept), NOTHING, np.int64)
    stock = np.full((len(kept), len(STOCKS)), NOTHING, np.int64)
    free = np.full(len(kept), NOTHING, np.int64)
    if start == NOTHING:
        return first, stock, free
    for y, stocks in enumerate(kept):
        first[y] = start
        for index, s in enumerate(stocks):
            stock[y, s] = start + 3 + index
        free[y] = start + 3 + len(stocks)
        start += 4 + len(stocks)
    return first, stock, free


def _time_of_day(period: int) -> tuple[F32, F32]:
    """Sine and cosine of the time of day, computed in float64 and cast once."""
    angles = [2.0 * math.pi * (tick / period) for tick in range(period)]
    sine = np.array([math.sin(angle) for angle in angles], np.float64)
    cosine = np.array([math.cos(angle) for angle in angles], np.float64)
    return sine.astype(np.float32), cosine.astype(np.float32)


def _raises(need: np.ndarray) -> tuple[I64, I64]:
    """Affordances by the need that they raise, in the file's order."""
    by_need = [np.flatnonzero(need[:, n] > 0) for n in range(need.shape[1])]
    first = np.zeros(len(by_need) + 1, np.int64)
    np.cumsum([len(some) for some in by_need], out=first[1:])
    return first, np.concatenate(by_need).astype(np.int64)

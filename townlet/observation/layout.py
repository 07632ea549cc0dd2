"""What an observation is made of: names and shapes for people, arrays of numbers for the kernels."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from townlet.arrays import F32, I64, U8, U16, Bool
from townlet.config.schema.features import Actions
from townlet.notebook import Shown
from townlet.observation import columns as table
from townlet.observation import routes
from townlet.observation.columns import Channel, Column
from townlet.vocabulary import STOCKS, Names
from townlet.world.records import columns
from townlet.world.state import NOTHING, Affordances, Jobs, Town

if TYPE_CHECKING:
    from townlet.config.load import Resolved

HYBRID, FULL, COMPACT = 0, 1, 2
VARIANTS = ("hybrid", "full", "compact")
ALL_ALIVE, LEAVERS = 0, 1  # whose slots are written

# Blocks of the features behind those that are always there, in order; they begin where Sizes.block says.
BLOCKS = ("targets", "personality", "social", "aggregates", "nearby", "doing", "status", "near")
(TARGETS, PERSONALITY, SOCIAL_SLOTS, AGGREGATES, NEARBY, DOING, STATUS, NEAR) = range(len(BLOCKS))

MOST_TIMES = 65_536  # a longer day is seen in this many steps


@dataclass(frozen=True, repr=False)
class Layout(Shown):
    """Names and shapes of an observation; the same for every agent, seed and run of a config."""

    variant: str
    columns: tuple[Column, ...]
    channels: tuple[Channel, ...]
    window: int

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @cached_property
    def map_channels(self) -> tuple[str, ...]:
        return tuple(channel.name for channel in self.channels)

    def _facts(self) -> dict[str, object]:
        shape = " x ".join(map(str, self.map_shape))
        return {"variant": self.variant, "features": len(self.columns), "map": shape}

    @property
    def map_shape(self) -> tuple[int, int, int]:
        """Channels, rows, columns."""
        return len(self.channels), self.window, self.window


@columns
class Sizes:
    """One row: numbers of the config."""

    variant: I64  # [1]  HYBRID, FULL or COMPACT
    window: I64  # [1]  side of the map
    normalize: Bool  # [1]  observations.compact.normalize_counts
    period: I64  # [1]  observations.hybrid.time_ticks_per_day
    max_slots: I64  # [1]  embedding_allocator.max_slots
    friends: I64  # [1]  shown in the social snippet
    rivals: I64  # [1]
    block: I64  # [1, len(BLOCKS)]  first column of a block; NOTHING = left out
    guided: Bool  # [1]  actions.mask is guided
    release: Bool  # [1]  actions.guided_release, and option_commit_ticks are set
    patience: I64  # [1]  actions.queue_patience


@columns
class NearColumns:
    """Where the columns of an object type stand (extended)."""

    first: I64  # [Y]
    stock: I64  # [Y, 2]  NOTHING = no object of the type keeps it
    free: I64  # [Y]


class ObservationParams(NamedTuple):
    """What the observation kernels need beside `Params`. Letters as in world/state.py; U actions."""

    sizes: Sizes
    channel_type: I64  # [...]  the type that compact's object:<type> channels show; NOTHING = no such object
    time: F32  # [min(period, MOST_TIMES), 2]  sine and cosine of the time of day
    action_hash: F32  # [U]
    step: U8  # [P, H, W]  direction of the first step of a shortest path to the place; routes.STAY = none (no rows
    # unless the map shows paths: a table as large as all distances, for a window of tiles an agent)
    raises_first: I64  # [N + 1]  affordances that raise a need: raises[raises_first[n]:raises_first[n + 1]]
    raises: I64  # [...]
    target: F32  # [H, W, 12]  the block `targets`, by tile (no rows where it is left out)
    route: F32  # [codes, 3]  step x, step y, distance, by code (see routes.py)
    near_route: U16  # [H, W, Y]  code of the way to the nearest object of a type (no rows unless extended)
    job_route: U16  # [J, H, W]  code of the way to a job's place (no rows unless extended)
    near: NearColumns  # [Y]


def window_of(resolved: Resolved) -> int:
    """The side of the map that an agent sees, in tiles. The world's layers need a margin of half of it."""
    config = resolved.config
    if config.features.systems.observations == "compact":
        return config.observations.compact.map_window
    return config.observations.hybrid.local_window


def build_observation(
    resolved: Resolved,
    names: Names,
    town: Town,
    affordances: Affordances,
    jobs: Jobs,
    action_hashes: Sequence[float],
) -> tuple[Layout, ObservationParams]:
    """The layout of a config's observations, and the arrays that the kernels read.

    `action_hashes` [U] are the action space's, in [0, 1), by action id. Raises ValueError where the world's
    layers have another margin than half a window.
    """
    seen, types = resolved.config.observations, names.object_types
    window = window_of(resolved)
    if town.size[2] != window // 2:
        raise ValueError(f"expected layers with a margin of {window // 2} tiles, found {town.size[2]}")
    kept = _stocks_of_types(town, len(types))
    all_columns, block = _columns(_blocks(resolved, names, kept))
    shown = tuple(seen.compact.object_channels) or types
    variant = resolved.config.features.systems.observations
    layout = Layout(variant, all_columns, _channels(variant, shown), window)
    no_steps = np.zeros((0, 0, 0), np.uint8)
    raises_first, raises = _raises(affordances.need)
    no_targets = np.zeros((0, 0, 3 * len(table.TARGET_TYPES)), np.float32)
    no_routes = np.zeros((0, 0, 0), np.uint16)
    target_types = [_index(types, name) for name in table.TARGET_TYPES]
    observation = ObservationParams(
        sizes=_sizes(resolved, block),
        channel_type=np.array([_index(types, name) for name in shown], np.int64),
        time=_time_of_day(_period(resolved)),
        action_hash=np.array(action_hashes, np.float64).astype(np.float32),
        step=routes.first_steps(town) if variant == "full" else no_steps,
        raises_first=raises_first,
        raises=raises,
        target=no_targets if block[TARGETS] == NOTHING else routes.targets(town, target_types),
        route=routes.table(town),
        near_route=routes.to_nearest(town) if seen.extended else no_routes,
        job_route=routes.to_places(town, jobs.place) if seen.extended else no_routes,
        near=_near_columns(kept, int(block[NEAR])),
    )
    return layout, observation


def _columns(blocks: dict[str, tuple[Column, ...]]) -> tuple[tuple[Column, ...], I64]:
    """All columns, and where each block begins; NOTHING where it is left out."""
    found, block = list(table.ALWAYS), np.full(len(BLOCKS), NOTHING, np.int64)
    for index, name in enumerate(BLOCKS):
        if blocks[name]:
            block[index] = len(found)
            found += blocks[name]
    return tuple(found), block


def _channels(variant: str, shown: Sequence[str]) -> tuple[Channel, ...]:
    """The map's channels; `shown` are the types that have one of their own in `compact`."""
    if variant == "full":
        return table.CHANNELS + table.PATH_CHANNELS
    if variant == "compact":
        return (*table.CHANNELS, table.WALKABLE, *map(table.type_channel, shown))
    return table.CHANNELS


def _sizes(resolved: Resolved, block: I64) -> Sizes:
    config = resolved.config
    snippet, actions = config.observations.social_snippet, config.actions or Actions()
    may_release = actions.guided_release and config.policy_runtime.option_commit_ticks > 0
    return Sizes(
        variant=np.array([VARIANTS.index(config.features.systems.observations)], np.int64),
        window=np.array([window_of(resolved)], np.int64),
        normalize=np.array([config.observations.compact.normalize_counts], np.bool_),
        period=np.array([_period(resolved)], np.int64),
        max_slots=np.array([config.embedding_allocator.max_slots], np.int64),
        friends=np.array([snippet.top_friends], np.int64),
        rivals=np.array([snippet.top_rivals], np.int64),
        block=block[None],
        guided=np.array([actions.mask == "guided"], np.bool_),
        release=np.array([may_release], np.bool_),
        patience=np.array([actions.queue_patience], np.int64),
    )


def _period(resolved: Resolved) -> int:
    """The period of `time_sin` and `time_cos` in ticks: the day's, unless the config says otherwise."""
    config = resolved.config
    return config.observations.hybrid.time_ticks_per_day or config.world.ticks_per_day


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


def _index(names: Sequence[str], name: str) -> int:
    return names.index(name) if name in names else NOTHING


def _stocks_of_types(town: Town, types: int) -> list[list[int]]:
    """The kinds of stock that some object of each type keeps."""
    return [
        [s for s in range(len(STOCKS)) if town.site.kept[town.site.type == y, s].any()] for y in range(types)
    ]


def _near_columns(kept: list[list[int]], start: int) -> NearColumns:
    """Where the columns of each type stand: the first, the stocks', and whether it is free."""
    first = np.full(len(kept), NOTHING, np.int64)
    stock = np.full((len(kept), len(STOCKS)), NOTHING, np.int64)
    free = np.full(len(kept), NOTHING, np.int64)
    for y, stocks in enumerate(kept if start != NOTHING else ()):
        first[y] = start
        for index, s in enumerate(stocks):
            stock[y, s] = start + 3 + index
        free[y] = start + 3 + len(stocks)
        start += 4 + len(stocks)
    return NearColumns(first=first, stock=stock, free=free)


@functools.lru_cache(maxsize=4)
def _time_of_day(period: int) -> F32:
    """[min(period, MOST_TIMES), 2]: sine and cosine of the time of day, computed in float64 and cast once."""
    steps = min(period, MOST_TIMES)
    angles = [2.0 * math.pi * (step / steps) for step in range(steps)]
    return np.array([(math.sin(angle), math.cos(angle)) for angle in angles], np.float64).astype(np.float32)


def _raises(need: np.ndarray) -> tuple[I64, I64]:
    """Affordances by the need that they raise, in the file's order."""
    by_need = [np.flatnonzero(need[:, n] > 0) for n in range(need.shape[1])]
    first = np.zeros(len(by_need) + 1, np.int64)
    np.cumsum([len(some) for some in by_need], out=first[1:])
    return first, np.concatenate(by_need).astype(np.int64)

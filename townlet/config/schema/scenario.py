"""The grid, and who and what stands on it."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AliasChoices, ConfigDict, Field, field_validator, model_validator

from townlet.config.schema.json_schema import SCHEDULE_RULES
from townlet.config.schema.social import Personality
from townlet.config.schema.starts import Starts
from townlet.config.schema.types import (
    LONGEST_DAY,
    Flag,
    GridSize,
    Identifier,
    Many,
    Number,
    Section,
    Seed,
    Text,
    Tile,
    Unused,
    Whole,
    expected,
    in_order,
    invalid,
    unused,
)
from townlet.vocabulary import NEEDS, EntryKind, Need, Stock

MOST_AGENTS = 256
MOST_OBJECTS = 1024
MOST_AFFORDANCES = 1024  # two actions each, in a mask that every frame holds
START_NEED = 0.7
START_NEEDS: dict[Any, float] = dict.fromkeys(NEEDS, START_NEED)
WALL, FLOOR = "#", ". "
Until = Literal["arrived", "granted", "finished"]

# What an entry of each kind may say beside `kind`, `blocked` and `ticks`, and how it may end.
MEANING: dict[str, tuple[set[str], set[str]]] = {
    "wait": (set(), {"granted", "finished"}),
    "move": ({"position"}, {"arrived"}),
    "request": ({"object", "affordance"}, {"granted"}),
    "start": ({"object", "affordance"}, {"finished"}),
    "release": ({"object", "affordance"}, set()),
    "chat": ({"target", "quality"}, set()),
}


# What every kind knows, that of a `wait` excepted: `blocked` is about an attempt.
EVERY_MEANING = frozenset({"blocked"}.union(*(known for known, _ in MEANING.values())))


def meaning_of(kind: str) -> frozenset[str]:
    """The keys beside `kind`, `ticks` and `until` that mean something to an entry of a kind."""
    known, _ = MEANING["request" if kind == "blocked" else kind]
    return frozenset(known | ({"blocked"} if kind != "wait" else set()))


def float32(value: float) -> float:
    """The nearest float32, as a float: what is stored is what the simulation reads."""
    return struct.unpack("<f", struct.pack("<f", value))[0]


class World(Section):
    """The grid and its clock."""

    grid_size: GridSize = Field(
        default=(48, 48), description="Width and height in tiles; with `map`: the map's size."
    )
    ticks_per_day: Whole = Field(default=1440, ge=1, le=LONGEST_DAY, description="Ticks (minutes) of a day.")
    walls: Many[Tile] = Field(
        default=(), description="Tiles that nobody can enter, in addition to those of `map`."
    )
    map: Text | None = Field(
        default=None,
        description="The grid as text, one line per row: `#` is a wall, `.` or a space is floor.",
    )
    weather_seed: Unused[Whole] = unused()

    @model_validator(mode="before")
    @classmethod
    def _size_of_map(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("map"), str) and "grid_size" not in data:
            rows = map_rows(data["map"])
            if rows and 1 <= len(rows) <= 256 and 1 <= len(rows[0]) <= 256:
                return {**data, "grid_size": (len(rows[0]), len(rows))}
        return data

    @field_validator("map", mode="after")
    @classmethod
    def _rectangle(cls, text: str | None) -> str | None:
        if text is None:
            return None
        rows = map_rows(text)
        if not rows or not rows[0]:
            raise invalid("expected at least one row of # and . (the map is empty)")
        if len(rows) > 256 or len(rows[0]) > 256:
            raise invalid(f"expected a map of at most 256 x 256 tiles, got {len(rows[0])} x {len(rows)}")
        for number, row in enumerate(rows):
            strange = set(row) - set(WALL + FLOOR)
            if strange:
                raise invalid(f"row {number + 1}: expected only # and . (or a space), got {min(strange)!r}")
            if len(row) != len(rows[0]):
                lengths = f"row 1 has {len(rows[0])} tiles, row {number + 1} has {len(row)}"
                raise invalid(f"expected rows of equal length: {lengths}")
        return "\n".join(rows).replace(" ", ".")

    @model_validator(mode="after")
    def _agrees_with_map(self) -> World:
        if self.map is not None:
            rows = self.map.split("\n")
            size = [len(rows[0]), len(rows)]
            if list(self.grid_size) != size:
                raise invalid(
                    f"expected the map's size {size} as grid_size, got {list(self.grid_size)}; leave it out"
                )
        return self

    def wall_tiles(self) -> frozenset[tuple[int, int]]:
        """All walls, of `walls` and of `map`, as (x, y)."""
        rows = self.map.split("\n") if self.map else []
        drawn = {(x, y) for y, row in enumerate(rows) for x, tile in enumerate(row) if tile == WALL}
        return frozenset(drawn | set(self.walls))


def map_rows(text: str) -> list[str]:
    """The rows of an ASCII map; empty lines above and below it (a space is floor) are not rows."""
    rows = [line.rstrip("\r") for line in text.split("\n")]
    while rows and not rows[0]:
        rows.pop(0)
    while rows and not rows[-1]:
        rows.pop()
    return rows


StockAmounts = Annotated[
    dict[Stock, Annotated[Whole, Field(ge=0, le=1_000_000)]],
    AfterValidator(in_order),
]
STOCK_RULE = "What it holds at the start. Default: 5 meals in a fridge, 3 raw ingredients in a stove."
FILLED_RULE = (
    "What each day fills it up to, where that is more than what it holds at the start. Default for raw ingredients: "
    "`economy.stove_stock_replenish`."
)


class ScenarioObject(Section):
    """A thing that agents use."""

    id: Identifier = Field(description="The object's id.")
    type: Identifier = Field(description="The object's type, which the affordances use, such as `fridge`.")
    position: Tile | None = Field(
        default=None, description="The tile where it stands. Default: a free tile, the same for equal seeds."
    )
    stock: StockAmounts | None = Field(default=None, description=STOCK_RULE)
    filled_to: StockAmounts | None = Field(default=None, description=FILLED_RULE)


class ScheduleEntry(Section):
    """What a scripted agent does, for a tick or longer."""

    model_config = ConfigDict(json_schema_extra=SCHEDULE_RULES)

    kind: EntryKind = Field(description="What to do; `blocked`: a `request` that is expected to be refused.")
    object: Identifier | None = Field(
        default=None,
        validation_alias=AliasChoices("object", "object_id"),
        description="The object of a request, start or release. Default: the nearest usable one.",
    )
    affordance: Identifier | None = Field(
        default=None,
        validation_alias=AliasChoices("affordance", "affordance_id"),
        description="What to request or start; may be left out if the object offers only one affordance.",
    )
    position: Tile | None = Field(default=None, description="The destination of a move.")
    target: Identifier | None = Field(
        default=None,
        validation_alias=AliasChoices("target", "target_agent"),
        description="The agent to chat with. Default: the nearest neighbour.",
    )
    quality: Number = Field(default=1.0, ge=0, le=1, description="Quality of a chat; rounded to float32.")
    blocked: Flag = Field(
        default=False,
        description="A label: the attempt is expected to be refused. Metrics count wrong labels.",
    )
    ticks: Whole = Field(
        default=1,
        ge=1,
        description="How many ticks the entry lasts; a move without `ticks` lasts until arrived.",
    )
    until: Until | None = Field(
        default=None,
        description="Ends the entry when the agent has arrived, is granted the object, or has finished.",
    )

    @field_validator("quality", mode="after")
    @classmethod
    def _as_stored(cls, quality: float) -> float:
        return float32(quality)

    @model_validator(mode="before")
    @classmethod
    def _in_full(cls, data: Any) -> Any:
        """`kind: blocked` is a labelled request; a move that names no end lasts until it has arrived."""
        if not isinstance(data, dict):
            raise expected("an entry {kind: ..., ...}")
        if data.get("kind") == "blocked":
            return {**data, "kind": "request", "blocked": True}
        if data.get("kind") == "move" and "ticks" not in data and data.get("until") is None:
            return {**data, "until": "arrived"}
        return data

    @model_validator(mode="after")
    def _makes_sense(self) -> ScheduleEntry:
        self._leave_out_what_means_nothing()
        _, ends = MEANING[self.kind]
        if self.kind == "move" and self.position is None:
            raise invalid("expected a `position` [x, y] for `kind: move`")
        if self.kind in ("request", "start") and self.object is None and self.affordance is None:
            raise invalid(f"expected an `affordance` or an `object` to {self.kind}")
        if self.until is not None and self.until not in ends:
            ways = " or ".join(f"`until: {end}`" for end in sorted(ends)) or "`ticks` only"
            raise invalid(f"`until: {self.until}` means nothing to `kind: {self.kind}`, which ends by {ways}")
        if self.until is not None and self.ticks != 1:
            raise invalid("expected `ticks` or `until`, got both; leave one out")
        return self

    def _leave_out_what_means_nothing(self) -> None:
        """Two schedules that differ only in keys without a meaning are one; `without_meaning` names such keys."""
        fields = type(self).model_fields
        for key in EVERY_MEANING - meaning_of(self.kind):
            object.__setattr__(self, key, fields[key].default)
            self.__pydantic_fields_set__.discard(key)


class ScenarioAgent(Section):
    """Somebody who lives in the town."""

    id: Identifier = Field(
        description="The agent's id; two ids may not differ only in case. Default: `agent_` and its place in the list."
    )
    position: Tile | None = Field(
        default=None, description="The tile where it starts. Default: a free tile, the same for equal seeds."
    )
    needs: dict[Need, Annotated[Number, Field(ge=0, le=1)]] = Field(
        default=START_NEEDS,
        description=f"Satisfaction at the start; a need that is not listed starts at {START_NEED}.",
    )
    wallet: Number = Field(default=2.0, ge=0, description="Coins at the start.")
    job: Identifier | None = Field(default=None, description="A name from `jobs`. Default: no job.")
    personality: Personality | None = Field(
        default=None,
        validation_alias=AliasChoices("personality", "personality_profile"),
        description="A profile. Default: `personalities.overrides`, else drawn from `personalities.distribution`.",
    )
    schedule: Many[ScheduleEntry] | None = Field(
        default=None,
        description="What the agent does, repeated from the start. Default: the run's policy decides.",
    )

    @field_validator("needs", mode="after")
    @classmethod
    def _every_need(cls, given: dict[str, float]) -> dict[str, float]:
        return {need: given.get(need, START_NEED) for need in NEEDS}

    @field_validator("schedule", mode="after")
    @classmethod
    def _some_entry(cls, given: tuple[ScheduleEntry, ...] | None) -> tuple[ScheduleEntry, ...] | None:
        if given == ():
            raise invalid("expected at least one entry, got none; without `schedule` the policy decides")
        return given


class Scenario(Section):
    """Who and what is there at tick zero, and how long it is played."""

    description: Text = Field(default="", description="What happens in the scenario.")
    ticks: Whole | None = Field(
        default=None, ge=1, description="Ticks to play, unless the run says how many. Default: 200."
    )
    seed: Seed | None = Field(default=None, description="Overrides the config's top-level `seed`.")
    objects: Many[ScenarioObject] = Field(
        default=(), description=f"At most {MOST_OBJECTS} together with those of the affordance file."
    )
    agents: Many[ScenarioAgent] = Field(default=(), description=f"At most {MOST_AGENTS}.")
    starts: Starts | None = Field(
        default=None,
        description="What the seed draws of the start. Default: nothing but what has no position.",
    )

    @field_validator("starts", mode="after")
    @classmethod
    def _none_where_nothing_is_drawn(cls, given: Starts | None) -> Starts | None:
        return None if given is None or given.is_empty else given

    @model_validator(mode="before")
    @classmethod
    def _name_everybody(cls, data: Any) -> Any:
        agents = data.get("agents") if isinstance(data, dict) else None
        if not isinstance(agents, list | tuple) or not nameless(agents):
            return data
        named = list(agents)
        taken = {str(agent["id"]).lower() for agent in agents if isinstance(agent, dict) and "id" in agent}
        number = 0
        for index in nameless(agents):
            # No number before the last one is free: looking on from there takes a step for each name that is taken.
            number = next(n for n in itertools.count(max(number, index) + 1) if f"agent_{n}" not in taken)
            named[index] = {**agents[index], "id": f"agent_{number}"}
        return {**data, "agents": named}


def nameless(agents: Sequence[Any]) -> list[int]:
    """The indices of the agents, as they are written, that give no id."""
    return [index for index, agent in enumerate(agents) if isinstance(agent, dict) and "id" not in agent]

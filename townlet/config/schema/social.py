"""The sections about queues, ties, personalities and what disturbs a town."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BeforeValidator, Field, field_validator

from townlet.config.schema.types import (
    ByName,
    Number,
    NumberEnds,
    NumberRange,
    Place,
    Section,
    Text,
    Unused,
    Whole,
    WholeEnds,
    WholeRange,
    in_order,
    invalid,
    unused,
)

Personality = Literal["balanced", "socialite", "industrious", "stoic"]
PERSONALITIES: dict[str, tuple[float, float, float]] = {  # extroversion, forgiveness, ambition
    "balanced": (0.0, 0.0, 0.0),
    "socialite": (0.6, 0.1, -0.1),
    "industrious": (-0.2, -0.1, 0.5),
    "stoic": (-0.3, 0.5, -0.2),
}


class QueueFairness(Section):
    """How queues are kept fair."""

    cooldown_ticks: Whole = Field(
        default=60,
        ge=0,
        le=600,
        description="Ticks after a success before the agent is granted the object again.",
    )
    ghost_step_after: Whole = Field(
        default=3,
        ge=0,
        le=100,
        description="Blocked moves in a row before a ghost step, and blocks before a rotation; 0: never.",
    )
    age_priority_weight: Number = Field(
        default=0.1, ge=0.0, le=1.0, description="Priority that each tick of waiting adds."
    )


class Rivalry(Section):
    """How rivalry changes."""

    increment_per_conflict: Number = Field(
        default=0.15, ge=0.0, le=1.0, description="Rivalry that a conflict adds."
    )
    decay_per_tick: Number = Field(
        default=0.005, ge=0.0, le=1.0, description="Rivalry that every tie loses per tick."
    )
    min_value: Number = Field(default=0.0, ge=0.0, le=1.0, description="Rivalry never falls below it.")
    max_value: Number = Field(default=1.0, ge=0.0, le=1.0, description="Rivalry never rises above it.")
    avoid_threshold: Number = Field(
        default=0.7, ge=0.0, le=1.0, description="Above it, an agent avoids objects that a rival uses."
    )
    eviction_threshold: Unused[Number] = unused("The weakest ties are dropped when `max_edges` is exceeded.")
    max_edges: Whole = Field(
        default=6,
        ge=1,
        le=32,
        description="Maximum number of rivals, and of friends, that an agent remembers.",
    )
    ghost_step_boost: Number = Field(
        default=1.5, ge=0.0, le=5.0, description="Factor on the rivalry of a conflict after a ghost step."
    )
    handover_boost: Number = Field(
        default=0.4, ge=0.0, le=5.0, description="Rivalry of a rotation, in increments per conflict."
    )
    queue_length_boost: Number = Field(
        default=0.25, ge=0.0, le=2.0, description="Added for each other agent that waits."
    )


class Conflict(Section):
    """Quarrels."""

    rivalry: Rivalry = Field(default=Rivalry(), description="How rivalry changes.")


class Personalities(Section):
    """Who has which personality."""

    distribution: dict[Personality, Annotated[Number, Field(ge=0)]] = Field(
        default={"balanced": 1.0},
        description="Weights by which agents without a profile draw one.",
    )
    overrides: ByName[Personality] = Field(default={}, description="Profile by agent id.")

    @field_validator("distribution", mode="after")
    @classmethod
    def _some_weight(cls, given: dict[str, float]) -> dict[str, float]:
        if not sum(given.values()) > 0:
            raise invalid("expected at least one weight above 0; name a profile, such as {balanced: 1}")
        return in_order(given)


class _Event(Section):
    probability_per_day: Number = Field(
        default=0.0,
        ge=0.0,
        validation_alias=AliasChoices("probability_per_day", "prob_per_day"),
        description="Probability of the event on a day; 1 or more: every day.",
    )
    cooldown_ticks: Whole = Field(
        default=0, ge=0, description="Ticks from the event's end until it may occur again."
    )
    duration: WholeRange = Field(
        default=WholeEnds(min=60, max=60),
        validation_alias=AliasChoices("duration", "duration_min"),
        description="Duration in ticks.",
    )


class PriceSpike(_Event):
    """Prices rise."""

    kind: Literal["price_spike"] = Field(default="price_spike", description="The kind of event.")
    magnitude: NumberRange = Field(default=NumberEnds(min=1.5, max=1.5), description="Factor on prices.")
    targets: tuple[Text, ...] = Field(
        default=(),
        description="Affordances or object types whose prices rise; empty: affordances that take a meal.",
    )


class Blackout(_Event):
    """The power is off."""

    kind: Literal["blackout"] = Field(description="The kind of event.")
    utility: Literal["power"] = Field(default="power", description="What is cut off.")


class Outage(_Event):
    """The water is off."""

    kind: Literal["outage"] = Field(description="The kind of event.")
    utility: Literal["water"] = Field(default="water", description="What is cut off.")


class ArrangedMeet(_Event):
    """Two top rivals are nudged to a place."""

    kind: Literal["arranged_meet"] = Field(description="The kind of event.")
    target: Literal["top_rivals"] = Field(
        default="top_rivals", description="Which agents are called to meet."
    )
    location: Place | None = Field(
        default=None, description="A tile or an object's id. Default: a random place."
    )
    max_participants: Unused[Whole] = unused("Always two agents.")


def _with_kind(data: Any) -> Any:
    """An event that does not say what it is, is a price spike."""
    return {**data, "kind": DEFAULT_EVENT} if isinstance(data, dict) and "kind" not in data else data


DEFAULT_EVENT = "price_spike"
Event = Annotated[
    PriceSpike | Blackout | Outage | ArrangedMeet, Field(discriminator="kind"), BeforeValidator(_with_kind)
]


class Perturbations(Section):
    """What disturbs a town."""

    max_concurrent_events: Whole = Field(
        default=1, ge=1, description="Maximum number of events at the same time."
    )
    global_cooldown_ticks: Whole = Field(
        default=0, ge=0, description="Minimum number of ticks between the starts of two events."
    )
    per_agent_cooldown_ticks: Whole = Field(
        default=0, ge=0, description="Ticks before an agent is called to meet again."
    )
    grace_window_ticks: Whole = Field(
        default=60, ge=0, description="No event begins in the first ticks of a run."
    )
    window_ticks: Whole = Field(default=1440, ge=1, description="The window of `max_events_per_window`.")
    max_events_per_window: Whole = Field(
        default=1, ge=0, description="Maximum number of events that begin within a window."
    )
    events: ByName[Event] = Field(
        default={}, description="Events by name; the name decides the event's random draws."
    )

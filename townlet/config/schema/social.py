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
        description="Ticks after a success for which an object is not granted again.",
    )
    ghost_step_after: Whole = Field(
        default=3,
        ge=0,
        le=100,
        description="Blocked moves in a row before a ghost step, and blocks before a rotation; 0: never.",
    )
    age_priority_weight: Number = Field(
        default=0.1, ge=0.0, le=1.0, description="Priority that a tick of waiting adds."
    )


class Rivalry(Section):
    """How rivalry moves."""

    increment_per_conflict: Number = Field(default=0.15, ge=0.0, le=1.0, description="What a conflict adds.")
    decay_per_tick: Number = Field(
        default=0.005, ge=0.0, le=1.0, description="What a tick takes off every tie."
    )
    min_value: Number = Field(default=0.0, ge=0.0, le=1.0, description="Rivalry never falls below it.")
    max_value: Number = Field(default=1.0, ge=0.0, le=1.0, description="Rivalry never rises above it.")
    avoid_threshold: Number = Field(
        default=0.7, ge=0.0, le=1.0, description="Above it, a rival's object is passed over."
    )
    eviction_threshold: Unused[Number] = unused("Weak ties go when `max_edges` is exceeded.")
    max_edges: Whole = Field(
        default=6, ge=1, le=32, description="Rivals, and as many friends, that an agent keeps."
    )
    ghost_step_boost: Number = Field(
        default=1.5, ge=0.0, le=5.0, description="Factor of a conflict on a ghost step."
    )
    handover_boost: Number = Field(
        default=0.4, ge=0.0, le=5.0, description="Increments that a rotation adds."
    )
    queue_length_boost: Number = Field(
        default=0.25, ge=0.0, le=2.0, description="What each other one waiting adds."
    )


class Conflict(Section):
    """Quarrels."""

    rivalry: Rivalry = Field(default=Rivalry(), description="How rivalry moves.")


class Personalities(Section):
    """Who has which personality."""

    distribution: dict[Personality, Annotated[Number, Field(ge=0)]] = Field(
        default={"balanced": 1.0},
        description="Weights by which those without a profile of their own draw one.",
    )
    overrides: ByName[Personality] = Field(default={}, description="A profile by agent id.")

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
        description="Chance of it on a day; 1 or more: every day.",
    )
    cooldown_ticks: Whole = Field(
        default=0, ge=0, description="Ticks from its end to when it may come again."
    )
    duration: WholeRange = Field(
        default=WholeEnds(min=60, max=60),
        validation_alias=AliasChoices("duration", "duration_min"),
        description="How long it lasts, in ticks.",
    )


class PriceSpike(_Event):
    """Prices rise."""

    kind: Literal["price_spike"] = Field(default="price_spike", description="What happens.")
    magnitude: NumberRange = Field(default=NumberEnds(min=1.5, max=1.5), description="Factor on the prices.")
    targets: tuple[Text, ...] = Field(
        default=(),
        description="Affordances or object types whose prices rise; empty: those that take a meal.",
    )


class Blackout(_Event):
    """The power is off."""

    kind: Literal["blackout"] = Field(description="What happens.")
    utility: Literal["power"] = Field(default="power", description="What is cut off.")


class Outage(_Event):
    """The water is off."""

    kind: Literal["outage"] = Field(description="What happens.")
    utility: Literal["water"] = Field(default="water", description="What is cut off.")


class ArrangedMeet(_Event):
    """Two top rivals are nudged to a place."""

    kind: Literal["arranged_meet"] = Field(description="What happens.")
    target: Literal["top_rivals"] = Field(default="top_rivals", description="Who is nudged.")
    location: Place | None = Field(
        default=None, description="A tile or an object's id; none: a place that the world chooses."
    )
    max_participants: Unused[Whole] = unused("Two agents are nudged.")


def _with_kind(data: Any) -> Any:
    """An event that does not say what it is, is a price spike."""
    return {**data, "kind": DEFAULT_EVENT} if isinstance(data, dict) and "kind" not in data else data


DEFAULT_EVENT = "price_spike"
Event = Annotated[
    PriceSpike | Blackout | Outage | ArrangedMeet, Field(discriminator="kind"), BeforeValidator(_with_kind)
]


class Perturbations(Section):
    """What disturbs a town."""

    max_concurrent_events: Whole = Field(default=1, ge=1, description="Events at a time, at most.")
    global_cooldown_ticks: Whole = Field(
        default=0, ge=0, description="Ticks from one event's start to the next one's."
    )
    per_agent_cooldown_ticks: Whole = Field(
        default=0, ge=0, description="Ticks before an agent is nudged again."
    )
    grace_window_ticks: Whole = Field(
        default=60, ge=0, description="No event begins in the first ticks of a run."
    )
    window_ticks: Whole = Field(default=1440, ge=1, description="The window of `max_events_per_window`.")
    max_events_per_window: Whole = Field(
        default=1, ge=0, description="Events that begin within a window, at most."
    )
    events: ByName[Event] = Field(default={}, description="By name; the name decides the event's draws.")

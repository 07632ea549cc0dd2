"""The sections that switch parts of the simulation on, and that say what is observed and who decides."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from townlet.config.schema.policies import PolicyText
from townlet.config.schema.types import (
    LONGEST_DAY,
    AnyMapping,
    ByName,
    Flag,
    Identifier,
    Number,
    Section,
    Text,
    Unused,
    Whole,
    unused,
)

Stage = Literal["OFF", "A", "B", "C1", "C2", "C3"]
LARGEST_WINDOW = 511  # sees a grid of 256 x 256 whole from any tile


class StageFeatures(Section):
    """How much of social life is simulated."""

    relationships: Stage = Field(
        default="OFF", description="`OFF`: only rivalry changes; any other stage: trust and familiarity too."
    )
    social_rewards: Literal["OFF", "C1", "C2", "C3"] = Field(
        default="OFF", description="`OFF`: none; `C1`: chats are rewarded; `C2`, `C3`: avoided conflicts too."
    )


class SystemFeatures(Section):
    """Whole systems, on or off."""

    lifecycle: Literal["on", "off"] = Field(
        default="on", description="`off`: nobody faints, is evicted or returns."
    )
    observations: Literal["full", "hybrid", "compact"] = Field(
        default="hybrid", description="What an agent sees."
    )


class TrainingFeatures(Section):
    """Switches of a trainer."""

    curiosity: Unused[Literal["phase_A", "off"]] = unused()


class ConsoleFeatures(Section):
    """Switches of a console."""

    mode: Unused[Literal["viewer", "admin"]] = unused()


class BehaviorFeatures(Section):
    """What personality influences."""

    personality_profiles: Flag = Field(
        default=False, description="Switches personality on, as `features.relationship_modifiers` does."
    )
    reward_multipliers: Unused[Flag] = unused("Rewards are the same for every personality.")


class ObservationFeatures(Section):
    """What personality adds to the observation."""

    personality_channels: Flag = Field(
        default=False,
        description="Adds `personality_extroversion`, `_forgiveness` and `_ambition` to the features.",
    )
    personality_ui: Unused[Flag] = unused()


class Features(Section):
    """Switches."""

    stages: StageFeatures = Field(
        default=StageFeatures(), description="How much of social life is simulated."
    )
    systems: SystemFeatures = Field(default=SystemFeatures(), description="Whole systems, on or off.")
    training: TrainingFeatures = Field(default=TrainingFeatures(), description="Switches of a trainer.")
    console: ConsoleFeatures = Field(default=ConsoleFeatures(), description="Switches of a console.")
    relationship_modifiers: Flag = Field(default=False, description="Personality influences how ties change.")
    behavior: BehaviorFeatures = Field(default=BehaviorFeatures(), description="What personality influences.")
    observations: ObservationFeatures = Field(
        default=ObservationFeatures(), description="What personality adds to the observation."
    )


class HybridObservation(Section):
    """The observations `hybrid` and `full`."""

    local_window: Whole = Field(
        default=11,
        ge=3,
        le=LARGEST_WINDOW,
        description="Side of the map in tiles; the agent stands at its middle.",
    )
    include_targets: Flag = Field(
        default=False,
        description="Adds `fridge_dx`, `fridge_dy`, `fridge_dist`, and the same for stove, bed, shower.",
    )
    time_ticks_per_day: Whole | None = Field(
        default=None,
        ge=1,
        le=LONGEST_DAY,
        description="Period of `time_sin` and `time_cos` in ticks. Default: `world.ticks_per_day`.",
    )


class CompactObservation(Section):
    """The observation `compact`."""

    map_window: Whole = Field(
        default=7,
        ge=3,
        le=LARGEST_WINDOW,
        description="Side of the map in tiles; the agent stands at its middle.",
    )
    include_targets: Flag = Field(default=False, description="The same for `compact`.")
    object_channels: tuple[Identifier, ...] = Field(
        default=(),
        description="Object types that have a map channel of their own; empty: all types, by name.",
    )
    normalize_counts: Flag = Field(
        default=True, description="Counts of agents and objects nearby are divided by the number of tiles."
    )


class SocialSnippet(Section):
    """What an agent knows of its friends and rivals."""

    top_friends: Whole = Field(default=2, ge=0, le=8, description="Slots for the strongest friends.")
    top_rivals: Whole = Field(default=2, ge=0, le=8, description="Slots for the strongest rivals.")
    embed_dim: Whole = Field(default=8, ge=1, le=32, description="Numbers of the hashed identity in a slot.")
    include_aggregates: Flag = Field(
        default=True, description="Adds the mean and greatest trust and rivalry (`social_trust_mean`, ...)."
    )


class Observations(Section):
    """What an agent sees. An older name of the section is `observations_config`."""

    extended: Flag = Field(
        default=False,
        description="Appends what an agent needs to act well: prices, queue, cooldown, objects by type, ...",
    )
    hybrid: HybridObservation = Field(
        default=HybridObservation(), description="The observations `hybrid` and `full`."
    )
    compact: CompactObservation = Field(
        default=CompactObservation(), description="The observation `compact`."
    )
    social_snippet: SocialSnippet = Field(
        default=SocialSnippet(), description="What an agent knows of its friends and rivals."
    )


class EmbeddingAllocator(Section):
    """Slots that tell agents apart (`embedding_slot_norm`)."""

    cooldown_ticks: Whole = Field(
        default=2000,
        ge=0,
        le=10_000,
        description="Ticks before the slot of a departed agent is used again.",
    )
    reuse_warning_threshold: Unused[Number] = unused()
    log_forced_reuse: Unused[Flag] = unused()
    max_slots: Whole = Field(
        default=64, ge=1, le=256, description="Number of slots; `embedding_slot_norm` is slot / max_slots."
    )


class AffordanceRuntime(Section):
    """How an installation calls its hooks. A capture's hooks are built in and load no code."""

    factory: Unused[Text] = unused()
    instrumentation: Unused[Literal["off", "timings"]] = unused()
    options: Unused[AnyMapping] = unused()
    hook_allowlist: Unused[tuple[Text, ...]] = unused("Hooks are names from a fixed list; no code is loaded.")
    allow_env_hooks: Unused[Flag] = unused("No hook is read from the environment.")


class Affordances(Section):
    """What objects offer."""

    affordances_file: Text = Field(
        default="configs/affordances/core.yaml",
        min_length=1,
        description="Looked for beside the config, in the folders above it (up to one that every user may write to), "
        "in the working folder, and among the shipped configs. A notice names a file that is neither beside it nor "
        "shipped.",
    )
    runtime: AffordanceRuntime = Field(
        default=AffordanceRuntime(), description="How an installation calls its hooks."
    )


class Behavior(Section):
    """The policy `needs`."""

    hunger_threshold: Number = Field(
        default=0.4, ge=0, le=1, description="The policy acts on hunger when it is below this."
    )
    hygiene_threshold: Number = Field(
        default=0.4, ge=0, le=1, description="The policy acts on hygiene when it is below this."
    )
    energy_threshold: Number = Field(
        default=0.4, ge=0, le=1, description="The policy acts on energy when it is below this."
    )
    job_arrival_buffer: Whole = Field(
        default=20, ge=0, description="Ticks before a shift at which an agent leaves for work."
    )


class PolicySection(Section):
    """Who decides for agents without a schedule."""

    default: PolicyText | None = Field(
        default=None,
        description="The policy, unless the run gives one; a network's PATH is relative to this file, else to the "
        "working folder. Default: `needs`.",
    )
    agents: ByName[PolicyText] = Field(
        default={}, description="Policy by agent id; overrides the run's policy."
    )


class PolicyRuntime(Section):
    """How a policy's choices are carried out."""

    option_commit_ticks: Whole = Field(
        default=15,
        ge=0,
        le=100_000,
        description="Ticks that an affordance must run before a policy may release it.",
    )


class Actions(Section):
    """What an agent is allowed to attempt. At its defaults the section is left out."""

    mask: Literal["legal", "guided"] = Field(
        default="legal",
        description="`legal`: all that can be attempted; `guided`: of that, what keeps to what was begun "
        "(docs/observations.md has the rule).",
    )
    guided_release: Flag = Field(
        default=False,
        description="With `guided`: whether an interruptible affordance may be released, once it has run for "
        "`policy_runtime.option_commit_ticks` (if those are not 0).",
    )
    queue_patience: Whole = Field(
        default=30,
        ge=0,
        le=100_000,
        description="With `guided`: ticks that an agent waits in a queue before it may leave it.",
    )


def unused_section() -> Any:
    """A whole section that other parts of an installation read."""
    return unused("Any mapping.")

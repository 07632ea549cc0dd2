"""A config as a whole: its sections, each with its default. The keys of a section are in the files beside this one."""

from __future__ import annotations

from pydantic import AliasChoices, Field, field_validator

from townlet.config.schema.economy import (
    DEFAULT_JOBS,
    Economy,
    Employment,
    JobSpec,
    Lifecycle,
    Rewards,
    Shaping,
)
from townlet.config.schema.features import (
    Actions,
    Affordances,
    Behavior,
    EmbeddingAllocator,
    Features,
    Observations,
    PolicyRuntime,
    PolicySection,
    unused_section,
)
from townlet.config.schema.scenario import Scenario, World
from townlet.config.schema.social import Conflict, Personalities, Perturbations, QueueFairness
from townlet.config.schema.types import AnyMapping, ByName, Section, Seed, Text, Unused

DEFAULT_SEED = 0
DEFAULT_TICKS = 200


class Config(Section):
    """The configuration of a town. Only `config_id` has to be there."""

    config_id: Text = Field(min_length=1, max_length=200, description="The config's name in captures.")
    seed: Seed = Field(
        default=DEFAULT_SEED,
        description="Seed of all random draws, unless the run or the scenario gives one.",
    )
    features: Features = Field(default=Features(), description="Switches.")
    world: World = Field(default=World(), description="The grid and its clock.")
    rewards: Rewards = Field(default=Rewards(), description="What an agent is rewarded for.")
    shaping: Shaping | None = Field(default=None, description="Potential-based reward shaping. Default: off.")
    economy: Economy = Field(
        default=Economy(), description="Prices in coins, for affordances that give none."
    )
    jobs: ByName[JobSpec] = Field(
        default=DEFAULT_JOBS,
        description="An agent with a job goes to work; several agents may have the same job.",
    )
    behavior: Behavior = Field(default=Behavior(), description="The policy `needs`.")
    policy: PolicySection = Field(
        default=PolicySection(), description="The policy of agents without a schedule."
    )
    policy_runtime: PolicyRuntime = Field(default=PolicyRuntime(), description="How actions are carried out.")
    actions: Actions | None = Field(
        default=None, description="What an agent is allowed to attempt. Default: all that is legal."
    )
    employment: Employment = Field(
        default=Employment(), description="What happens to agents that are late for work."
    )
    queue_fairness: QueueFairness = Field(default=QueueFairness(), description="How queues are kept fair.")
    conflict: Conflict = Field(
        default=Conflict(), description="Conflicts between agents, and the rivalry that they cause."
    )
    personalities: Personalities = Field(default=Personalities(), description="Who has which personality.")
    observations: Observations = Field(
        default=Observations(),
        validation_alias=AliasChoices("observations", "observations_config"),
        description="What an agent sees. `observations_config` is another name of the section.",
    )
    embedding_allocator: EmbeddingAllocator = Field(
        default=EmbeddingAllocator(), description="Numbered slots that identify agents in observations."
    )
    affordances: Affordances = Field(default=Affordances(), description="What objects offer.")
    perturbations: Perturbations = Field(default=Perturbations(), description="Events that disturb the town.")
    lifecycle: Lifecycle = Field(default=Lifecycle(), description="Newcomers after departures.")
    scenario: Scenario | None = Field(default=None, description="The agents and objects at tick zero.")
    runtime: Unused[AnyMapping] = unused_section()
    telemetry: Unused[AnyMapping] = unused_section()
    stability: Unused[AnyMapping] = unused_section()
    snapshot: Unused[AnyMapping] = unused_section()
    console_auth: Unused[AnyMapping] = unused_section()
    curiosity: Unused[AnyMapping] = unused_section()
    training: Unused[AnyMapping] = unused_section()
    ppo: Unused[AnyMapping] = unused_section()
    meta: Unused[AnyMapping] = unused_section()
    docs: Unused[AnyMapping] = unused_section()

    @field_validator("actions", mode="after")
    @classmethod
    def _none_where_all_is_legal(cls, given: Actions | None) -> Actions | None:
        """The other keys mean something to guided masks alone: what means the same is one config."""
        return given if given is not None and given.mask == "guided" else None

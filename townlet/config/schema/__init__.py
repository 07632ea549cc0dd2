"""The models of a config file: every section and key, with its default, its bounds and what it does."""

from townlet.config.schema.config import DEFAULT_SEED, DEFAULT_TICKS, Config
from townlet.config.schema.economy import Economy, JobSpec
from townlet.config.schema.scenario import Scenario, ScenarioAgent, ScenarioObject, ScheduleEntry, World
from townlet.config.schema.social import PERSONALITIES, ArrangedMeet, Blackout, Outage, PriceSpike
from townlet.config.schema.starts import Starts

__all__ = [
    "DEFAULT_SEED",
    "DEFAULT_TICKS",
    "PERSONALITIES",
    "ArrangedMeet",
    "Blackout",
    "Config",
    "Economy",
    "JobSpec",
    "Outage",
    "PriceSpike",
    "Scenario",
    "ScenarioAgent",
    "ScenarioObject",
    "ScheduleEntry",
    "Starts",
    "World",
]

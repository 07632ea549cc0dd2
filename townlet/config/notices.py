"""What a config may say and a capture takes otherwise than it is written: each named once, in a notice.

Configs of existing installations say more than a capture reads. What it does not need is accepted; what is taken
otherwise than a reader would expect is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from townlet.config.schema import Config, ScenarioAgent, ScheduleEntry
from townlet.config.schema.scenario import EVERY_MEANING, MEANING, meaning_of, nameless
from townlet.config.schema.types import names_of

OTHER_SPELLINGS = ("object_id", "affordance_id", "personality_profile")  # kept for existing installations
MOST_NAMED = 5


def notices_about(data: Any, config: Config) -> list[str]:
    """Of a document's plain data and the config that was made of it."""
    return [
        *_other_spellings(data),
        *_without_meaning(data),
        *_nameless(data, config),
        *_nobody_returns(data),
    ]


def some(names: list[str]) -> str:
    """A list of names, the first few of a long one."""
    rest = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def _agents(data: Any) -> list[dict[str, Any]]:
    scenario = data.get("scenario") if isinstance(data, dict) else None
    agents = scenario.get("agents") if isinstance(scenario, dict) else None
    return [agent for agent in agents if isinstance(agent, dict)] if isinstance(agents, list) else []


def _entries(data: Any) -> Iterator[dict[str, Any]]:
    for agent in _agents(data):
        schedule = agent.get("schedule")
        yield from (entry for entry in (schedule or ()) if isinstance(entry, dict))


def _other_spellings(data: Any) -> Iterator[str]:
    given = {key for mapping in (*_agents(data), *_entries(data)) for key in mapping}
    known = [
        (other, name)
        for model in (ScheduleEntry, ScenarioAgent)
        for name, field in model.model_fields.items()
        for other in names_of(name, field)
        if other in OTHER_SPELLINGS and other in given
    ]
    if known:
        yield "other spellings: " + ", ".join(f"`{other}` is read as `{name}`" for other, name in known)


def _without_meaning(data: Any) -> Iterator[str]:
    """The keys of schedule entries that mean nothing to their kind."""
    names = {
        other: name
        for name, field in ScheduleEntry.model_fields.items()
        for other in names_of(name, field)
        if name in EVERY_MEANING
    }
    found: dict[tuple[str, str], int] = {}
    for entry in _entries(data):
        kind = entry.get("kind")
        if kind != "blocked" and kind not in MEANING:
            continue
        for key, value in entry.items():
            if value is not None and names.get(key, key) in EVERY_MEANING - meaning_of(kind):
                found[kind, key] = found.get((kind, key), 0) + 1
    if found:
        listed = [
            f"`{key}` of `kind: {kind}`" + (f" ({times} times)" if times > 1 else "")
            for (kind, key), times in found.items()
        ]
        yield f"schedules: accepted, no effect: {', '.join(listed)}"


def _nameless(data: Any, config: Config) -> Iterator[str]:
    scenario = data.get("scenario") if isinstance(data, dict) else None
    agents = scenario.get("agents") if isinstance(scenario, dict) else None
    indices = nameless(agents) if isinstance(agents, list) else []
    if indices and config.scenario is not None:
        names = [config.scenario.agents[index].id for index in indices]
        yield f"scenario.agents: who has no `id` is called {some(names)}"


def _nobody_returns(data: Any) -> Iterator[str]:
    section = data.get("lifecycle") if isinstance(data, dict) else None
    if isinstance(section, dict) and section.get("respawn_delay_ticks") == 0:
        yield "lifecycle.respawn_delay_ticks: 0 means that nobody returns; 1 is the shortest delay"

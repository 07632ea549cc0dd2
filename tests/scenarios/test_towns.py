"""The example towns are places to live in, and tasks: who looks after himself lives, who does not dies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from townlet.config.load import Resolved, load_config
from townlet.config.shipped import find_shipped
from townlet.rollout.play import play
from townlet.run import Run, canonical_json

DAY = 1440
Edit = Callable[[dict[str, Any]], None]


def without_fridges(scenario: dict[str, Any]) -> None:
    scenario["objects"] = [thing for thing in scenario["objects"] if thing["type"] != "fridge"]


def everybody_waits(scenario: dict[str, Any]) -> None:
    for agent in scenario["agents"]:
        agent["schedule"] = [{"kind": "wait"}]


def nothing(scenario: dict[str, Any]) -> None:
    """The town as it is shipped."""


def town(name: str, *, days: int, edit: Edit = nothing, policy: str | None = None, seed: int = 0) -> Run:
    """A run of an example town, a segment a day, its scenario edited."""
    facts = load_config(find_shipped(f"examples/{name}.yaml")).to_json_dict()
    edit(facts["config"]["scenario"])
    text = canonical_json(Resolved.from_json_dict(facts).to_json_dict())
    return Run(name=name, seed=seed, ticks=days * DAY, config_json=text, policy=policy, segment_ticks=DAY)


def returns(run: Run) -> dict[str, float]:
    """Each life's return."""
    found: dict[str, float] = {}
    for key, group in play(run):
        found[key.agent_id] = found.get(key.agent_id, 0.0) + float(group.arrays["rewards"].sum())
    return found


def faints(run: Run) -> int:
    return sum(bool(group.arrays["dones"].any()) for _, group in play(run))


@pytest.mark.parametrize(("name", "people"), [("small_town", 3), ("town", 10)])
@pytest.mark.parametrize("seed", [0, 1])
def test_who_looks_after_himself_lives_for_ten_days(name: str, people: int, seed: int) -> None:
    played, lowest, events = 0, 1.0, set()
    for _, group in play(town(name, days=10, seed=seed)):
        names = group.metadata["feature_names"]
        features = group.arrays["features"]
        assert not group.arrays["dones"].any()
        played += len(features)
        lowest = min(lowest, float(features[:, :3].min()))
        events |= {event for event, normal in (("power_on", 1), ("water_on", 1), ("price_level", 0))
                   if (features[:, names.index(event)] != normal).any()}  # fmt: skip
    assert played == people * 10 * DAY
    assert lowest > 0.05
    assert events == ({"power_on", "water_on", "price_level"} if name == "town" else set())


def test_nobody_can_live_in_the_town_without_fridges() -> None:
    assert faints(town("town", days=2, edit=without_fridges)) == 10


def test_the_town_is_a_task() -> None:
    """Mean return of a day: `needs` far above `uniform`, and that above waiting for the end."""
    needs, uniform, idle = (
        float(np.mean(list(returns(run).values())))
        for run in (
            town("town", days=1),
            town("town", days=1, policy="uniform"),
            town("town", days=1, edit=everybody_waits),
        )
    )
    assert needs > 2 * uniform, (needs, uniform, idle)
    assert uniform > idle + 10, (needs, uniform, idle)


def test_the_town_has_all_there_is() -> None:
    """Four jobs that people hold, and an object for everything that one can do."""
    resolved = load_config(find_shipped("examples/town.yaml"))
    config, scenario = resolved.config, resolved.config.scenario
    assert scenario is not None
    assert {thing.type for thing in scenario.objects} == {
        entry.object_type for entry in resolved.affordances.affordances
    }
    assert len(config.jobs) == 4 and {agent.job for agent in scenario.agents} == set(config.jobs)
    assert {event.kind for event in config.perturbations.events.values()} == {
        "price_spike", "blackout", "outage", "arranged_meet",
    }  # fmt: skip
    assert config.world.map and len(config.world.wall_tiles()) > 300

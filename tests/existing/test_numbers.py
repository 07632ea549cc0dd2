"""Every number of a config at the ends of what is accepted: needs, wallets, ties and samples stay what they are."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from townlet.config.affordances import AffordanceFile
from townlet.config.load import Resolved
from townlet.config.schema import Config
from townlet.rollout.play import play
from townlet.run import Run, canonical_json
from townlet.samples import stack_groups

TRIED = (-1e9, -1, -0.5, -1e-9, 0, 1e-300, 0.5, 1, 2, 3.5, 20, 50, 200, 100_000, 2**31 - 1, 1e9)
SIZES = {"local_window", "map_window", "max_slots", "top_friends", "top_rivals", "embed_dim", "grid_size"}

TOWN: dict[str, Any] = {
    "config_id": "numbers",
    "features": {
        "stages": {"relationships": "C3", "social_rewards": "C3"},
        "relationship_modifiers": True,
        "observations": {"personality_channels": True},
    },
    "observations": {"extended": True, "hybrid": {"local_window": 3, "include_targets": True, "time_ticks_per_day": 9}},
    "world": {"grid_size": [6, 5], "ticks_per_day": 12},
    "shaping": {"gamma": 0.9},
    "economy": {"rent_per_day": 0.1},
    "jobs": {"cook": {"start_tick": 2, "end_tick": 7, "wage_rate": 0.1, "lateness_penalty": 0.1, "location": [5, 4]}},
    "lifecycle": {"respawn_delay_ticks": 2},
    "rewards": {"clip": {"clip_per_episode": 50}},
    "perturbations": {
        "grace_window_ticks": 0,
        "max_concurrent_events": 9,
        "max_events_per_window": 99,
        "events": {
            "spike": {"kind": "price_spike", "probability_per_day": 1, "duration": [3, 6], "magnitude": [1.5, 2.5]},
            "dark": {"kind": "blackout", "probability_per_day": 1, "duration": 2},
            "dry": {"kind": "outage", "probability_per_day": 1, "duration": 2},
            "meet": {"kind": "arranged_meet", "probability_per_day": 1, "duration": 4, "location": "fridge_1"},
        },
    },
    "scenario": {
        "objects": [
            {"id": "fridge_1", "type": "fridge", "position": [1, 1], "stock": {"meals": 3}},
            {"id": "stove_1", "type": "stove", "position": [3, 1], "stock": {"raw_ingredients": 2},
             "filled_to": {"raw_ingredients": 4}},
            {"id": "bed_1", "type": "bed", "position": [1, 3]},
            {"id": "shower_1", "type": "shower", "position": [3, 3]},
        ],
        "agents": [
            {"id": "a", "position": [0, 0], "wallet": 3, "job": "cook"},
            {"id": "b", "position": [4, 4], "needs": {"hunger": 0.35, "hygiene": 0.2, "energy": 0.3}, "job": "cook"},
            {"id": "c", "position": [2, 2], "needs": {"hunger": 0.1, "hygiene": 0.2, "energy": 0.3}, "wallet": 0},
        ],
    },
}  # fmt: skip
OFFERS: dict[str, Any] = {
    "affordances": [
        {"id": "use_shower", "object_type": "shower", "duration": 3, "interruptible": True,
         "effects": {"hygiene": 0.45, "energy": -0.03, "money": -0.2},
         "preconds": [{"fact": "wallet", "op": ">=", "value": 0.1}]},
        {"id": "eat_meal", "object_type": "fridge", "duration": 2, "effects": {"hunger": 0.4, "meals": -1}},
        {"id": "cook_meal", "object_type": "stove", "duration": 3, "effects": {"hunger": 0.1},
         "hooks": {"before": ["on_attempt_cook"], "after": ["on_finish_cook"]}},
        {"id": "rest_sleep", "object_type": "bed", "also_types": ["shower"], "duration": 4,
         "effects": {"energy": 0.8, "money": 0.1}, "interruptible": True},
    ],
}  # fmt: skip


def whole(data: dict[str, Any], model: Any) -> dict[str, Any]:
    """With every default written down."""
    return model.model_validate(data).model_dump(mode="json", exclude_none=True)


def numbers(value: Any, path: tuple = ()) -> Iterator[tuple]:
    """The paths of all numbers but those that only make a sample larger, and tiles."""
    if path and (path[-1] in SIZES or path[-1] in ("position", "location")):
        return
    if isinstance(value, dict | list):
        for key, child in value.items() if isinstance(value, dict) else enumerate(value):
            yield from numbers(child, (*path, key))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path


def with_value(data: dict[str, Any], path: tuple, value: float) -> dict[str, Any]:
    data = copy.deepcopy(data)
    inner: Any = data
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = value
    return data


def plays(config: dict[str, Any], offers: dict[str, Any], ticks: int = 26) -> bool:
    """Whether the config is accepted; then it has been played, with the invariants held on every tick."""
    try:
        resolved = Resolved(
            Config.model_validate(config), AffordanceFile.model_validate(offers), "numbers", "numbers.yaml"
        )
    except ValidationError:
        return False
    for policy in ("needs", "uniform"):
        run = Run(
            name="numbers", seed=1, ticks=ticks, config_json=canonical_json(resolved.to_json_dict()),
            config_path="numbers.yaml", policy=policy, check=True,
        )  # fmt: skip
        for _, group in play(run):
            stack_groups([group], deep=True)  # all numbers are finite
    return True


def named(part: str | tuple) -> str:
    return part if isinstance(part, str) else ".".join(map(str, part))


CASES = [("config", path) for path in numbers(whole(TOWN, Config))]
CASES += [("offers", path) for path in numbers(whole(OFFERS, AffordanceFile))]


def try_all(where: str, path: tuple, tried: tuple[float, ...]) -> int:
    config, offers = whole(TOWN, Config), whole(OFFERS, AffordanceFile)
    if where == "config":
        return sum(plays(with_value(config, path, value), offers) for value in tried)
    return sum(plays(config, with_value(offers, path, value)) for value in tried)


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("where", "path"), CASES, ids=lambda part: part if isinstance(part, str) else ".".join(map(str, part))
)
def test_a_number_at_its_ends(where: str, path: tuple) -> None:
    assert try_all(where, path, TRIED) >= 1, "no value that is tried is accepted"


@pytest.mark.parametrize(
    ("where", "path"),
    [
        ("config", ("rewards", "decay_rates", "hunger")),
        ("config", ("economy", "meal_cost")),
        ("config", ("scenario", "agents", 2, "wallet")),
        ("config", ("perturbations", "events", "spike", "magnitude", "max")),
        ("offers", ("affordances", 1, "effects", "hunger")),
    ],
    ids=named,
)
def test_some_numbers_at_their_ends(where: str, path: tuple) -> None:
    assert (where, path) in CASES
    assert try_all(where, path, (-1e9, -0.5, 0, 1e9)) >= 1


@pytest.mark.parametrize("need", ["hunger", "hygiene", "energy"])
def test_needs_never_grow_by_themselves(need: str) -> None:
    assert try_all("config", ("rewards", "decay_rates", need), (-1e-9, -0.01, -1, -1e9)) == 0


def test_all_at_once() -> None:
    """Six spikes of 10^9 on prices of 10^9, wages and wallets of 10^9."""
    config = whole(TOWN, Config)
    for n in range(6):
        spike = {**config["perturbations"]["events"]["spike"], "magnitude": {"min": 1e9, "max": 1e9}}
        config["perturbations"]["events"][f"spike_{n}"] = spike
    config["jobs"]["cook"] |= {"wage_rate": 1e9, "lateness_penalty": 1e9}
    config["economy"] |= dict.fromkeys(
        ("meal_cost", "ingredients_cost", "rent_per_day", "cook_energy_cost"), 1e9
    )
    for agent in config["scenario"]["agents"]:
        agent["wallet"] = 1e9
    assert plays(config, whole(OFFERS, AffordanceFile))

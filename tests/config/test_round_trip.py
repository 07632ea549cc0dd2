"""Any config: written as YAML, loaded, written as JSON, and read again, it is the same."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from tests.config.test_keys import KEYS, Key, ends
from townlet.config import Resolved, auto_seed, load_config
from townlet.config.schema import PERSONALITIES
from townlet.config.schema.scenario import MEANING
from townlet.vocabulary import NEEDS

KINDS = {
    "fridge": "eat_meal",
    "stove": "cook_meal",
    "bed": "rest_sleep",
    "shower": "use_shower",
    "rock": "climb",
}
ONCE = ("config_id", "affordances.affordances_file", "jobs", "perturbations.events", "economy")
TILES = some.tuples(some.integers(0, 23), some.integers(0, 23)).map(list)
NAMES = some.from_regex(r"[a-z_][a-z0-9_.-]{0,10}", fullmatch=True)


def values(key: Key) -> some.SearchStrategy[Any] | None:
    """What a key may be set to; None where the test leaves it alone."""
    low, high = ends(key)
    if key.path in ONCE or "<name>" in key.path or key.path.endswith(("_value", "object_channels")):
        return None
    if key.type.startswith("enum"):
        return some.sampled_from(ast.literal_eval(key.type.removeprefix("enum")))
    if key.type == "bool":
        return some.booleans() | some.sampled_from(["yes", "no"])
    if key.type == "int":
        most = (
            511
            if key.path.endswith(("local_window", "map_window"))
            else 10_000
            if high is None
            else int(high)
        )
        return some.integers(int(low or 0), most)
    if key.type == "float":
        return some.floats(low or 0.0, high if high is not None else 100.0)
    return None


SETTABLE = {key.path: found for key in KEYS if (found := values(key)) is not None}


@some.composite
def configs(draw: some.DrawFn) -> dict[str, Any]:
    config: dict[str, Any] = {"config_id": draw(NAMES), "seed": draw(some.integers(0, 2**63 - 1))}
    for path in draw(some.lists(some.sampled_from(sorted(SETTABLE)), unique=True, max_size=12)):
        section = config
        *parts, last = path.split(".")
        for part in parts:
            section = section.setdefault(part, {})
        section[last] = draw(SETTABLE[path])
    ticks = some.integers(0, 1440)
    names = draw(some.lists(NAMES, unique_by=str.lower, min_size=1, max_size=4))
    config["jobs"] = {name: {"start_tick": draw(ticks), "end_tick": draw(ticks)} for name in names}
    config["perturbations"] = {
        **config.get("perturbations", {}),
        "events": draw(some.dictionaries(NAMES, events())),
    }
    config["world"] = {**config.get("world", {}), "grid_size": [24, 24]}
    config["scenario"] = draw(scenarios(names))
    return config


def events() -> some.SearchStrategy[dict[str, Any]]:
    span = some.integers(0, 99) | some.tuples(some.integers(0, 9), some.integers(9, 99)).map(list)
    return some.fixed_dictionaries(
        {"kind": some.sampled_from(["blackout", "outage", "arranged_meet", "price_spike"])},
        optional={"prob_per_day": some.floats(0, 2), "duration": span, "cooldown_ticks": some.integers(0, 9)},
    )


@some.composite
def scenarios(draw: some.DrawFn, jobs: list[str]) -> dict[str, Any]:
    objects = {
        name: draw(some.sampled_from(sorted(KINDS)))
        for name in draw(some.lists(NAMES, unique_by=str.lower, max_size=5))
    }
    agents = draw(some.lists(NAMES, unique_by=str.lower, max_size=4))
    places = draw(some.lists(TILES, unique_by=tuple, min_size=len(agents), max_size=len(agents)))
    people = [
        {
            "id": name,
            "position": place,
            "needs": draw(some.dictionaries(some.sampled_from(NEEDS), some.floats(0, 1))),
            "wallet": draw(some.floats(0, 1e9)),
            "job": draw(some.sampled_from([None, *jobs])),
            "personality": draw(some.sampled_from([None, *PERSONALITIES])),
            "schedule": draw(
                some.none() | some.lists(entries(objects, agents, name), min_size=1, max_size=4)
            ),
        }
        for name, place in zip(agents, places, strict=True)
    ]
    climbed = any("climb" in str(person["schedule"]) for person in people)
    things = [
        {"id": name, "type": kind, "position": draw(some.none() | TILES), "stock": {"meals": 3}}
        for name, kind in objects.items()
        if kind != "rock" or climbed
    ]
    used = {entry.get("object") for person in people for entry in person["schedule"] or ()}
    kept = [thing for thing in things if thing["type"] != "rock" or thing["id"] in used]
    return {"description": draw(some.text("ab \n:#", max_size=9)), "objects": kept, "agents": people}


@some.composite
def entries(draw: some.DrawFn, objects: dict[str, str], agents: list[str], own: str) -> dict[str, Any]:
    kind = draw(some.sampled_from(sorted(MEANING)))
    others = [name for name in agents if name != own]
    if kind == "move":
        return {"kind": kind, "position": draw(TILES)}
    if kind == "chat":
        return {
            "kind": kind,
            "target": draw(some.sampled_from([None, *others])),
            "quality": draw(some.floats(0, 1)),
        }
    if kind in ("request", "start") and objects:
        name = draw(some.sampled_from(sorted(objects)))
        explicit = objects[name] == "rock" or draw(some.booleans())
        given = {"affordance": KINDS[objects[name]]} if explicit else {}
        return {"kind": kind, "object": name, **given, "blocked": draw(some.booleans())}
    return {"kind": "wait", "ticks": draw(some.integers(1, 2**31 - 1))}


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
@given(config=configs())
def test_round_trip(config: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> None:
    go_round(config, tmp_path_factory.getbasetemp() / "any.yaml")


@pytest.mark.campaign
@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
@given(config=configs())
def test_many_round_trips(config: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> None:
    go_round(config, tmp_path_factory.getbasetemp() / "any.yaml")


def go_round(config: dict[str, Any], path: Path) -> None:
    path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    resolved = load_config(path)
    for one in (resolved, auto_seed(resolved)):
        text = json.dumps(one.to_json_dict(), sort_keys=True, allow_nan=False)
        again = Resolved.from_json_dict(json.loads(text))
        assert again == one
        assert json.dumps(again.to_json_dict()) == json.dumps(one.to_json_dict())  # the order, too
    path.write_text(json.dumps(resolved.content()["config"]), encoding="utf-8")
    assert load_config(path).config == resolved.config  # what is written out is a config that says the same


@pytest.mark.parametrize("said", ["", "{}", "{mask: legal}", "{guided_release: true, queue_patience: 3}"])
def test_actions_are_left_out_where_all_that_is_legal_is_allowed(said: str, tmp_path: Path) -> None:
    file = tmp_path / "town.yaml"
    file.write_text("config_id: t\n" + (f"actions: {said}\n" if said else ""), encoding="utf-8")
    assert "actions" not in load_config(file).content()["config"]


def test_guided_actions_are_written_in_full(tmp_path: Path) -> None:
    file = tmp_path / "town.yaml"
    file.write_text("config_id: t\nactions: {mask: guided}\n", encoding="utf-8")
    expected = {"mask": "guided", "guided_release": False, "queue_patience": 30}
    assert load_config(file).content()["config"]["actions"] == expected

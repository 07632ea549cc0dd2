"""Every key of an existing installation is here, with its default and its bounds; the documentation."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import pytest
from pydantic import ValidationError
from pydantic_core import to_jsonable_python

from townlet.config import docs
from townlet.config.schema import PERSONALITIES, Config
from townlet.config.shipped import shipped_configs, shipped_root
from townlet.config.yaml_loader import read_document

CASES = Path(__file__).with_name("cases")
ROOT = Path(__file__).resolve().parents[2]
REFUSED = {"int": (1.5, "x", True, None, [], math.nan), "float": ("x", True, [], math.nan, math.inf, 1e300)}
REFUSED |= {"bool": (1, "maybe", [], None), "str": (1, None, [], True)}


class Key(NamedTuple):
    path: str
    type: str
    default: str
    bounds: str
    note: str


def keys() -> list[Key]:
    lines = (CASES / "keys.txt").read_text(encoding="utf-8").splitlines()
    rows = [
        [cell.strip() for cell in line.split(" ||")] for line in lines if line and not line.startswith("#")
    ]
    return [Key(*(row + [""] * (5 - len(row)))) for row in rows]


def name(key: Key) -> str:
    return key.path


KEYS = [key for key in keys() if key.type != "section"]


def config_with(path: str, value: Any) -> dict[str, Any]:
    """The data of a config in which one key has a value."""
    for part in reversed(path.replace("<name>", "x").split(".")):
        value = {part: value}
    return {"config_id": "t", **value}


def value_of(config: Config, path: str) -> Any:
    value: Any = config
    for part in path.replace("observations_config", "observations").replace("<name>", "x").split("."):
        value = value[part] if isinstance(value, dict) else getattr(value, part)
    return value


def plain(value: Any) -> Any:
    return to_jsonable_python(value)


def accepts(path: str, value: Any) -> bool:
    data = config_with(path, value)
    if ".duration." in path or ".magnitude." in path:
        data["perturbations"]["events"]["x"][path.split(".")[3]] = {"min": value, "max": value}
    try:
        Config.model_validate(data)
    except ValidationError:
        return False
    return True


def test_the_table_is_whole() -> None:
    assert len(keys()) == 134 and len(KEYS) == 104


@pytest.mark.parametrize(
    "key", [key for key in KEYS if key.note == "" and key.default != "REQUIRED"], ids=name
)
def test_default(key: Key) -> None:
    data = config_with("perturbations.events.x", {}) if "<name>" in key.path and "events" in key.path else {}
    data = config_with("jobs.x", {}) if key.path.startswith("jobs.<name>") else data
    data = {"shaping": {}} if key.path.startswith("shaping.") else data
    found = plain(value_of(Config.model_validate({"config_id": "t", **data}), key.path))
    expected = plain(ast.literal_eval(key.default))
    if key.path == "economy":
        expected["rent_per_day"] = 0.0  # ours
    assert found == expected


def test_defaults_that_differ_on_purpose() -> None:
    rewards = Config(config_id="t").rewards
    assert rewards.decay_rates == {"hunger": 0.001, "hygiene": 0.0005, "energy": 0.0008}
    assert rewards.clip.clip_per_tick == 1.0
    assert rewards.clip.clip_per_episode is None
    assert (
        Config(config_id="t").observations.hybrid.time_ticks_per_day is None
    )  # it follows world.ticks_per_day
    assert {key.path for key in KEYS if key.note == "changed"} == {
        "observations_config.hybrid.time_ticks_per_day",
        "rewards.decay_rates",
        "rewards.clip.clip_per_tick",
        "rewards.clip.clip_per_episode",
    }


def ends(key: Key) -> tuple[float | None, float | None]:
    parts = key.bounds.split()
    low = next((float(part[2:]) for part in parts if part.startswith(">=")), None)
    high = next((float(part[2:]) for part in parts if part.startswith("<=")), None)
    return low, high


@pytest.mark.parametrize("key", [key for key in KEYS if key.bounds], ids=name)
def test_bounds(key: Key) -> None:
    low, high = ends(key)
    for end, beyond in ((low, -1e-6), (high, 1e-6)):
        if end is not None:
            step = math.copysign(1, beyond) if key.type == "int" else beyond
            assert accepts(key.path, int(end) if key.type == "int" else end)
            assert accepts(key.path, end + step) == (key.note == "unused")


@pytest.mark.parametrize("key", KEYS, ids=name)
def test_types(key: Key) -> None:
    if key.type.startswith("enum"):
        choices = ast.literal_eval(key.type.removeprefix("enum"))
        assert all(accepts(key.path, choice) for choice in choices)
        assert not accepts(key.path, "neither")
    for value in REFUSED.get(key.type, ()):
        accepted = accepts(key.path, value)
        assert not accepted or (value is None and key.note in ("unused", "changed")), value
    if key.type == "bool":
        assert all(accepts(key.path, value) for value in (True, False, "yes", "no", "on", "off"))
    if key.type == "int":
        assert accepts(key.path, 5.0)  # a whole number, however written


def test_other_names() -> None:
    event = {"prob_per_day": 0.5, "duration_min": 7}
    config = Config.model_validate(config_with("perturbations.events.x", event))
    found = config.perturbations.events["x"]
    assert (found.probability_per_day, found.duration.min, found.duration.max) == (0.5, 7, 7)
    for name in ("observations", "observations_config"):
        given = Config.model_validate({"config_id": "t", name: {"hybrid": {"local_window": 5}}})
        assert given.observations.hybrid.local_window == 5


@pytest.mark.parametrize("given", [[2, 3], (2, 3), {"min": 2, "max": 3}])
def test_ranges(given: Any) -> None:
    event = {"duration": given, "magnitude": given}
    found = Config.model_validate(config_with("perturbations.events.x", event)).perturbations.events["x"]
    assert (found.duration.min, found.duration.max) == (2, 3)
    assert (found.magnitude.min, found.magnitude.max) == (2.0, 3.0)  # type: ignore[union-attr]


def test_kinds_of_event() -> None:
    kinds = {
        "a": {"kind": "blackout", "utility": "power"},
        "b": {"kind": "outage", "utility": "water"},
        "c": {"kind": "arranged_meet", "target": "top_rivals", "location": [1, 2], "max_participants": 4},
        "d": {"kind": "arranged_meet", "location": "bench_1"},
        "e": {"magnitude": 2},
    }
    events = Config.model_validate(config_with("perturbations.events", kinds)).perturbations.events
    assert [event.kind for event in events.values()] == [
        "blackout", "outage", "arranged_meet", "arranged_meet", "price_spike",
    ]  # fmt: skip
    assert (events["c"].location, events["d"].location) == ((1, 2), "bench_1")


def test_profiles() -> None:
    assert PERSONALITIES == {
        "balanced": (0, 0, 0), "socialite": (0.6, 0.1, -0.1), "industrious": (-0.2, -0.1, 0.5),
        "stoic": (-0.3, 0.5, -0.2),
    }  # fmt: skip


def test_a_part_of_a_mapping_keeps_the_other_defaults() -> None:
    config = Config.model_validate(config_with("rewards.decay_rates", {"energy": 0.5}))
    assert config.rewards.decay_rates == {"hunger": 0.001, "hygiene": 0.0005, "energy": 0.5}
    config = Config.model_validate(config_with("economy", {"meal_cost": 9}))
    assert (config.economy.meal_cost, config.economy.wage_income) == (9, 0.02)


def test_names_are_in_order() -> None:
    given = {"zoe": {}, "al": {}}
    assert list(Config.model_validate(config_with("jobs", given)).jobs) == ["al", "zoe"]


# --- the documentation -------------------------------------------------------------------------------
def test_the_reference_is_up_to_date() -> None:
    text = (ROOT / "docs" / "config.md").read_text(encoding="utf-8")
    assert text == docs.render(), "run `python -m townlet.config.docs`"


@pytest.mark.parametrize("key", KEYS, ids=name)
def test_every_key_is_in_the_reference(key: Key) -> None:
    path = key.path.replace("observations_config", "observations").removesuffix(".min").removesuffix(".max")
    lines = [line for line in docs.render().splitlines() if f"`{path}`" in line or f"`{path}.hunger`" in line]
    assert lines or path == "economy"
    assert all(("no effect on a capture" in line) == (key.note == "unused") for line in lines)


def test_every_key_says_what_it_does() -> None:
    for line in docs.render().splitlines():
        if line.startswith("| `"):
            assert not line.endswith("|  |"), line


def test_the_command_writes_the_file(tmp_path: Path) -> None:
    assert docs.main([str(tmp_path / "docs" / "config.md")]) == 0
    assert (tmp_path / "docs" / "config.md").read_text(encoding="utf-8") == docs.render()


@pytest.mark.parametrize("kind", ["config", "affordances", "suite"])
def test_json_schema(kind: str) -> None:
    schema = docs.json_schema(kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:townlet:schema:{kind}" and schema["title"].startswith("A Townlet")


def test_shipped_files_keep_to_the_json_schema() -> None:
    validator = jsonschema.Draft202012Validator(docs.json_schema())
    for name in shipped_configs():
        validator.validate(read_document(shipped_root() / name).data)
    affordances = read_document(shipped_root() / "affordances" / "core.yaml").data
    jsonschema.Draft202012Validator(docs.json_schema("affordances")).validate(affordances)


@pytest.mark.parametrize(
    "data",
    [
        {"observations_config": {"hybrid": {"local_window": 7}}},
        {"telemetry": {"anything": [1]}},
        {"perturbations": {"events": {"x": {"kind": "blackout", "prob_per_day": 1, "duration_min": [1, 2]}}}},
        {"scenario": {"agents": [{"id": "a", "schedule": [{"kind": "chat", "target_agent": "b"}]}]}},
        {"shaping": None},
    ],
)
def test_json_schema_knows_other_names(data: dict[str, Any]) -> None:
    Config.model_validate({"config_id": "t", **data})
    jsonschema.Draft202012Validator(docs.json_schema()).validate({"config_id": "t", **data})


@pytest.mark.parametrize(
    "data",
    [
        {"sead": 1},
        {"config_id": 3},
        {"rewards": {"needs_weights": {"hunger": 5}}},
        {"perturbations": {"events": {"x": {"kind": "blackout", "magnitude": 1}}}},
        {"perturbations": {"events": {"x": {"kind": "outage", "duration": [1, 2, 3]}}}},
        {"scenario": {"agents": [{"id": "../x"}]}},
        {"world": {"grid_size": [0, 5]}},
    ],
)
def test_json_schema_refuses_what_loading_refuses(data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Config.model_validate({"config_id": "t", **data})
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(docs.json_schema()).validate({"config_id": "t", **data})


def parts_of(value: Any) -> Iterator[dict[str, Any]]:
    """All schemas inside a schema."""
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts_of(item)


@pytest.mark.parametrize("kind", ["config", "affordances", "suite"])
def test_a_json_schema_explains_and_says_nothing_of_null(kind: str) -> None:
    """What is typed: a key, in an editor. What appears: what it does, its words and what each means, and no `null`."""
    schema = docs.json_schema(kind)
    described = 0
    for part in parts_of(schema):
        assert {"type": "null"} not in part.get("anyOf", ()) and part.get("default", 0) is not None
        assert not isinstance(part.get("enum"), list) or "blocked" in part["enum"], part
        for key in part.get("properties", {}).values() if "$defs" not in part.get("properties", {}) else ():
            if isinstance(key, dict) and key.keys() - {"const", "enum", "minimum", "maximum", "type"}:
                assert key.get("description"), key
                described += 1
    assert described > 10
    words = {
        word["const"]: word["description"]
        for part in parts_of(schema)
        for word in part.get("oneOf", ())
        if "const" in word
    }
    assert all(words.values())
    if kind == "config":
        assert words["guided"] == "Of that, what keeps to what was begun."
        assert schema["properties"]["world"]["description"] == "The grid and its clock."


@pytest.mark.parametrize(
    ("entry", "missing"),
    [
        ({"kind": "move"}, "position"),
        ({"kind": "request"}, "affordance"),
        ({"kind": "start", "ticks": 2}, "affordance"),
        ({"kind": "blocked"}, "affordance"),
        ({"kind": "move", "position": [1, 1]}, ""),
        ({"kind": "request", "object_id": "bed_1"}, ""),
        ({"kind": "blocked", "affordance": "rest_sleep"}, ""),
        ({"kind": "chat"}, ""),
        ({"kind": "wait", "until": "granted"}, ""),
    ],
)
def test_an_entry_asks_for_what_its_kind_needs(entry: dict[str, Any], missing: str) -> None:
    """The same in an editor and when it is loaded."""
    data = {"config_id": "t", "scenario": {"agents": [{"id": "a", "schedule": [entry]}]}}
    found = list(jsonschema.Draft202012Validator(docs.json_schema()).iter_errors(data))
    assert bool(found) == bool(missing), found
    if missing:
        with pytest.raises(ValidationError, match=missing):
            Config.model_validate(data)
    else:
        Config.model_validate(data)

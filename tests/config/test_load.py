"""Which files are read, what becomes of what they leave open, and what is told about it."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.config.conftest import Write
from townlet.config import Resolved, auto_seed, find_shipped, load_config
from townlet.config.load import safe_name
from townlet.config.shipped import shipped_configs, shipped_root
from townlet.errors import ConfigError

Load = Callable[[str], Resolved]
ONE = "- {id: only_here, object_type: box, duration: 1}\n"


def ids(resolved: Resolved) -> list[str]:
    return [entry.id for entry in resolved.affordances.affordances]


# --- the smallest config, and auto-seeding -----------------------------------------------------------
def test_the_smallest_config(load: Load) -> None:
    resolved = load("config_id: t\n")
    assert (resolved.name, resolved.config_path, resolved.notices) == ("town", "town.yaml", ())
    assert resolved.agents == () and resolved.objects == ()
    assert ids(resolved) == [
        "use_shower", "eat_meal", "cook_meal", "rest_sleep", "sit", "work_shift", "buy_groceries",
    ]  # fmt: skip


def test_core_affordances_have_the_known_numbers(load: Load) -> None:
    entries = {entry.id: entry for entry in load("config_id: t\n").affordances.affordances}
    known = {
        "use_shower": ("shower", 30, {"hygiene": 0.45, "energy": -0.03, "money": -0.2}),
        "eat_meal": ("fridge", 15, {"hunger": 0.4, "energy": 0.05, "money": -0.4, "meals": -1}),
        "cook_meal": ("stove", 40, {"hunger": 0.1, "energy": -0.05, "meals": 1, "raw_ingredients": -1}),
        "rest_sleep": ("bed", 60, {"energy": 0.8}),
    }
    for name, (kind, duration, effects) in known.items():
        entry = entries[name]
        assert (entry.object_type, entry.duration, entry.effects) == (kind, duration, effects)
    assert [name for name, entry in entries.items() if entry.interruptible] == [
        "rest_sleep",
        "sit",
        "work_shift",
    ]
    conditions = [str(condition) for condition in entries["use_shower"].preconds]
    assert conditions == ["occupied == false", "power_on == true", "water_on == true"]


def test_auto_seed(load: Load) -> None:
    seeded = auto_seed(load("config_id: t\n"))
    assert [agent.id for agent in seeded.agents] == ["alice", "bob"]
    assert [(thing.id, thing.type) for thing in seeded.objects] == [
        (f"{kind}_1", kind) for kind in ("shower", "fridge", "stove", "bed", "bench", "desk", "market")
    ]
    assert all(thing.position is None for thing in (*seeded.objects, *seeded.agents))
    assert auto_seed(seeded) is seeded


def test_auto_seed_leaves_what_is_there(load: Load) -> None:
    peopled = load("config_id: t\nscenario: {agents: [{id: zoe}]}\n")
    assert auto_seed(peopled) is peopled
    text = "config_id: t\nscenario: {ticks: 7, objects: [{id: bed_1, type: shower}, {id: x, type: stove}]}\n"
    seeded = auto_seed(load(text))
    assert seeded.config.scenario is not None and seeded.config.scenario.ticks == 7
    things = {thing.id: thing.type for thing in seeded.objects}
    assert things == {
        "bed_1": "shower", "x": "stove", "fridge_1": "fridge", "bed_2": "bed", "bench_1": "bench",
        "desk_1": "desk", "market_1": "market",
    }  # fmt: skip


# --- which affordance file ---------------------------------------------------------------------------
def test_affordances_are_looked_for_from_near_to_far(write: Write, tmp_path: Path) -> None:
    text = "config_id: t\naffordances: {affordances_file: a/own.yaml}\n"
    config = write(text, "one/two/town.yaml")
    places = {"": "working folder", "one": "above", "one/two": "beside"}
    for folder, said in places.items():
        write(
            f"- {{id: {said.split()[0]}, object_type: box, duration: 1}}\n",
            os.path.join(folder, "a/own.yaml"),
        )
        assert ids(load_config(config)) == [said.split()[0]]
    work = tmp_path / "elsewhere"
    work.mkdir()
    os.chdir(work)
    assert ids(load_config(tmp_path / config)) == ["beside"]


def test_a_file_that_is_not_beside_the_config_is_named(write: Write, tmp_path: Path) -> None:
    text = "config_id: t\naffordances: {affordances_file: a/own.yaml}\n"
    config = write(text, "one/two/town.yaml")
    notice = f"affordances are read from {os.path.join('{}', 'a', 'own.yaml')}, in {{}}"
    write(ONE, "a/own.yaml")
    above = "a folder above the config"
    assert load_config(config).notices == (notice.format(".", above).replace("./", ""),)
    os.chdir(tmp_path / "one" / "two")
    assert load_config("town.yaml").notices == (notice.format(tmp_path, above),)
    os.chdir(tmp_path)
    write(ONE, "one/two/a/own.yaml")
    assert load_config(config).notices == ()  # beside it


def test_the_working_folder_is_named_too(write: Write, tmp_path: Path) -> None:
    config = write("config_id: t\naffordances: {affordances_file: a/own.yaml}\n", "one/town.yaml")
    write(ONE, "work/a/own.yaml")
    os.chdir(tmp_path / "work")
    expected = ("affordances are read from a/own.yaml, in the working folder",)
    assert load_config(tmp_path / config).notices == expected


def test_folders_that_everybody_may_write_to_end_the_search(write: Write, tmp_path: Path) -> None:
    """As /tmp is: a file there may be anybody's."""
    config = write("config_id: t\n", "shared/mine/town.yaml")
    for folder in (".", "shared"):
        write(ONE, f"{folder}/configs/affordances/core.yaml")
    work = tmp_path / "work"
    work.mkdir()
    os.chdir(work)
    (tmp_path / "shared").chmod(0o1777)
    resolved = load_config(tmp_path / config)
    assert "eat_meal" in ids(resolved) and resolved.notices == ()  # the shipped ones
    (tmp_path / "shared").chmod(0o755)
    resolved = load_config(tmp_path / config)
    assert ids(resolved) == ["only_here"]
    assert "affordances are read from " in resolved.notices[0]


def test_shipped_affordances_under_either_name(load: Load) -> None:
    for name in ("configs/affordances/core.yaml", "affordances/core.yaml"):
        assert "eat_meal" in ids(load(f"config_id: t\naffordances: {{affordances_file: {name}}}\n"))


def test_no_absolute_path_is_kept(write: Write, tmp_path: Path) -> None:
    write(ONE, "own.yaml")
    absolute = tmp_path / "own.yaml"
    resolved = load_config(write(f"config_id: t\naffordances: {{affordances_file: {absolute}}}\n"))
    assert ids(resolved) == ["only_here"]
    assert str(tmp_path) not in json.dumps(resolved.to_json_dict())
    assert resolved.config.affordances.affordances_file == "own.yaml"


def test_config_path(write: Write, tmp_path: Path) -> None:
    write("config_id: t\n", "suite/deep/town.yaml")
    assert load_config("suite/deep/town.yaml").config_path == "town.yaml"
    assert load_config(tmp_path / "suite/deep/town.yaml").config_path == "town.yaml"
    assert load_config("suite/deep/town.yaml", root="suite").config_path == "deep/town.yaml"
    assert load_config("suite/deep/town.yaml", root="other").config_path == "town.yaml"
    assert (
        load_config(shipped_root() / "examples/town.yaml", root=shipped_root()).config_path
        == "examples/town.yaml"
    )
    assert load_config(shipped_root() / "examples/town.yaml").config_path == "examples/town.yaml"


@pytest.mark.parametrize(
    ("stem", "name"),
    [("town", "town"), ("a b", "a_b"), (".hidden", "_hidden"), ("-x", "_x"), ("é" * 99, "_" * 64)],
)
def test_names_are_safe(stem: str, name: str) -> None:
    assert safe_name(stem) == name


# --- shipped configs ---------------------------------------------------------------------------------
def test_shipped_configs_load_without_a_notice() -> None:
    assert len(shipped_configs()) >= 9
    for path in shipped_configs():
        resolved = load_config(shipped_root() / path)
        assert resolved.notices == () and resolved.config_path == path
        assert resolved.config.rewards.needs_form == "centred" and resolved.config.observations.extended


def test_find_shipped(write: Write) -> None:
    town = shipped_root() / "examples" / "town.yaml"
    for name in ("town", "town.yaml", "examples/town.yaml", "configs/examples/town.yaml"):
        assert find_shipped(name) == town
        assert load_config(name).config_path == "examples/town.yaml"
    with pytest.raises(ConfigError, match=r"^twon: no shipped config has this name; did you mean 'town'\?$"):
        find_shipped("twon")
    for name in ("zzz", "", "../pyproject.toml", "/etc/passwd", "a\0b"):
        with pytest.raises(ConfigError, match="no shipped config has this name; there are: examples/"):
            find_shipped(name)
    write("config_id: mine\n", "town")
    assert load_config("town").config.config_id == "mine"  # a file of the user's comes first


def test_shipped_configs_of_an_installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "townlet"
    shutil.copytree(shipped_root(), package / "_configs")
    monkeypatch.setattr("townlet.config.shipped.PACKAGE", package)
    monkeypatch.chdir(tmp_path)
    assert shipped_root() == package / "_configs"
    assert load_config("queue_conflict").config_path == "scenarios/queue_conflict.yaml"


# --- notices -----------------------------------------------------------------------------------------
def test_keys_without_effect_are_named_once(load: Load) -> None:
    text = """\
config_id: t
telemetry: {a: {b: [1, 2]}}
ppo:
features: {console: {mode: admin}, training: {curiosity: off}, behavior: {reward_multipliers: yes}}
world: {weather_seed: 7}
employment: {narration: {x: 1}, exit_queue_limit: 9000}
affordances: {runtime: {hook_allowlist: [townlet.hooks], factory: a.b:c}}
perturbations: {events: {meet: {kind: arranged_meet, max_participants: 4}}}
"""
    resolved = load(text)
    assert resolved.notices == (
        "accepted, no effect on a capture: telemetry, ppo, features.console.mode, "
        "features.training.curiosity, features.behavior.reward_multipliers, world.weather_seed, "
        "employment.narration, "
        "employment.exit_queue_limit, affordances.runtime.hook_allowlist, affordances.runtime.factory, "
        "perturbations.events.meet.max_participants",
    )
    bare = load("config_id: t\nperturbations: {events: {meet: {kind: arranged_meet}}}\n")
    assert resolved == bare and resolved.to_json_dict() == bare.to_json_dict()


def test_names_that_mean_nothing_here(load: Load) -> None:
    text = """\
config_id: t
personalities: {overrides: {zoe: stoic, al: stoic}}
observations: {compact: {object_channels: [fridge, tree]}}
perturbations:
  events:
    some: {targets: [eat_meal, gold]}
    none: {targets: [gold]}
scenario: {agents: [{id: al}]}
"""
    resolved = load(text)
    assert resolved.notices == (
        "personalities.overrides: no agent of the scenario is called zoe",
        "observations.compact.object_channels: nothing is of the type tree; always 0",
        "perturbations.events.none.targets: no affordance or object type is called gold; "
        "the price of meals rises",
        "perturbations.events.some.targets: no affordance or object type is called gold; left out",
    )
    events = resolved.config.perturbations.events
    assert [event.targets for event in events.values()] == [(), ("eat_meal",)]  # type: ignore[union-attr]


# --- plain occupations -------------------------------------------------------------------------------
READERS = """\
config_id: t
jobs: {librarian: {start_tick: 1400, end_tick: 100}, page: {start_tick: 10, end_tick: 10}}
scenario:
  objects: [{id: shelf, type: bookcase}, {id: other, type: bookcase}, {id: bed, type: bed}]
  agents:
    - {id: al, job: JOB, schedule: [{kind: request, object: shelf, affordance: read, until: granted}]}
    - {id: bo, schedule: [{kind: start, object: other, affordance: read}, {kind: start, affordance: read}]}
    - {id: cy, schedule: [{kind: start, object: bed}]}
"""


@pytest.mark.parametrize(("job", "ticks"), [("librarian", 140), ("page", 30), ("~", 30)])
def test_an_affordance_that_no_file_defines(job: str, ticks: int, load: Load) -> None:
    resolved = load(READERS.replace("JOB", job))
    entry = resolved.affordances.affordances[-1]
    assert (entry.id, entry.object_type, entry.duration) == ("read", "bookcase", ticks)
    assert (entry.effects, entry.preconds, entry.hooks.before) == ({}, (), ())
    assert resolved.notices == (
        f"no file defines the affordance 'read': it is a plain occupation of a bookcase, {ticks} ticks, "
        "without effects",
    )
    assert (
        resolved.agents[2].schedule is not None and resolved.agents[2].schedule[0].affordance == "rest_sleep"
    )


def test_a_likely_slip_is_pointed_out(load: Load) -> None:
    text = """\
config_id: t
scenario:
  objects: [{id: f, type: fridge}, {id: b, type: bed}]
  agents:
    - {id: al, schedule: [{kind: start, object: f, affordance: eat_meall}, {kind: start, object: f}]}
"""
    resolved = load(text)
    assert "'eat_meall' (did you mean 'eat_meal'?)" in resolved.notices[0]
    assert resolved.agents[0].schedule is not None
    assert [entry.affordance for entry in resolved.agents[0].schedule] == ["eat_meall", "eat_meal"]


# --- jobs, walls, objects of the affordance file -----------------------------------------------------
def test_default_jobs_that_do_not_fit_are_left_out(load: Load, mistakes: Callable[[str], list[str]]) -> None:
    assert list(load("config_id: t\n").config.jobs) == ["barista", "grocer"]
    assert list(load("config_id: t\nworld: {ticks_per_day: 400}\n").config.jobs) == ["grocer"]
    assert list(load("config_id: t\nworld: {walls: [[0, 0]]}\n").config.jobs) == ["barista"]
    assert list(load("config_id: t\nworld: {grid_size: [1, 9]}\n").config.jobs) == ["grocer"]
    assert list(load("config_id: t\njobs: {}\n").config.jobs) == []
    held = "config_id: t\njobs: {cook: {location: [0, 0]}}\nworld: {map: '#.'}\n"
    assert mistakes(f"{held}scenario: {{agents: [{{id: a, job: cook}}]}}\n") == [
        "town.yaml:2:25: jobs.cook.location: expected a floor tile, got [0, 0], which is a wall"
    ]


def test_a_map(load: Load) -> None:
    world = load("config_id: t\nworld:\n  map: |\n\n    # .\n    ..#\n  walls: [[1, 1]]\n").config.world
    assert world.grid_size == (3, 2)
    assert world.map == "#..\n..#"
    assert world.wall_tiles() == {(0, 0), (2, 1), (1, 1)}
    spaces = load('config_id: t\nworld: {map: "   \\n # \\n   "}\n').config.world
    assert (spaces.grid_size, spaces.map) == ((3, 3), "...\n.#.\n...")


SHARED = """\
- {type: object, id: a, object_type: bed, position: [1, 2]}
- {type: object, id: b, object_type: fridge}
"""


def test_objects_of_the_affordance_file(write: Write) -> None:
    write(SHARED + ONE, "own.yaml")
    text = "config_id: t\naffordances: {affordances_file: own.yaml}\nscenario:\n  objects:\n"
    own = "    - {id: b, type: fridge, stock: {meals: 1}}\n    - {id: c, type: bed}\n"
    resolved = load_config(write(text + own))
    assert [(thing.id, thing.position, thing.stock) for thing in resolved.objects] == [
        ("a", (1, 2), None),
        ("b", None, {"meals": 1}),
        ("c", None, None),
    ]
    with pytest.raises(ConfigError) as found:
        load_config(write(text + "    - {id: b, type: bed}\n"))
    assert str(found.value) == "own.yaml:2:22: [1].id: 'b' is a fridge here and a bed in the scenario"


def test_yaml_words(load: Load) -> None:
    """What YAML 1.1 reads as booleans, text or numbers of another base."""
    text = """\
config_id: no
features:
  systems: {lifecycle: off}
  stages: {relationships: OFF, social_rewards: OFF}
  relationship_modifiers: yes
rewards: {survival_tick: 1e-4, faint_penalty: -1e0}
queue_fairness: {cooldown_ticks: 1_00}
scenario: {agents: [{id: on}, {id: 007}, {id: 2024-01-02}]}
"""
    config = load(text).config
    assert config.config_id == "no"
    assert (config.features.systems.lifecycle, config.features.stages.relationships) == ("off", "OFF")
    assert config.features.relationship_modifiers is True
    assert (config.rewards.survival_tick, config.rewards.faint_penalty) == (0.0001, -1.0)
    assert config.queue_fairness.cooldown_ticks == 100
    assert config.scenario is not None
    assert [agent.id for agent in config.scenario.agents] == ["on", "007", "2024-01-02"]


# --- the JSON text -----------------------------------------------------------------------------------
def test_json_says_it_all(write: Write) -> None:
    for path in shipped_configs():
        resolved = auto_seed(load_config(shipped_root() / path))
        text = json.dumps(resolved.to_json_dict(), sort_keys=True, allow_nan=False)
        again = Resolved.from_json_dict(json.loads(text))
        assert again == resolved
        assert json.dumps(again.to_json_dict(), allow_nan=False) == json.dumps(resolved.to_json_dict())
        assert set(resolved.to_json_dict()) == {"affordances", "config", "config_path", "name"}


@pytest.mark.parametrize("damage", [{}, {"config": {}}, {"affordances": []}, {"config": None}])
def test_json_that_was_tampered_with(damage: dict[str, object], load: Load) -> None:
    data = load("config_id: t\n").to_json_dict() | damage if damage else {}
    with pytest.raises(ConfigError, match=r"^resolved config: not what was stored: "):
        Resolved.from_json_dict(data)


def test_two_ways_to_write_a_thing_are_one_config(load: Load) -> None:
    first = load(
        "config_id: t\n"
        "jobs: {b: {}, a: {end_tick: 10}}\n"
        "rewards: {survival_tick: 1e-3, decay_rates: {energy: -0.0}}\n"
    )
    other = load(
        "rewards: {decay_rates: {energy: 0}, survival_tick: 0.001}\n"
        "jobs: {a: {end_tick: 10.0}, b: {}}\n"
        "config_id: t\n"
    )
    assert json.dumps(first.to_json_dict()) == json.dumps(other.to_json_dict())
    assert math.copysign(1, first.config.rewards.decay_rates["energy"]) == 1

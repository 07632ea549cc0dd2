"""A capture is a config: its folder, its manifest, its resolved config; whoever has written it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.config.conftest import Write
from townlet.config import Resolved, auto_seed, load_config
from townlet.config.captured import captured_config, what_folder
from townlet.config.shipped import existing, shipped_configs, shipped_root
from townlet.config.suite import load_suite
from townlet.errors import ConfigError
from townlet.run import canonical_json

RICH = r"""
config_id: "caf\u00e9 \ud83c\udfe0"
seed: 9007199254740993
jobs: {clerk: {start_tick: 1400, end_tick: 100, location: [2, 2]}}
affordances: {affordances_file: own.yaml}
perturbations: {events: {spike: {targets: [read, gold]}, meet: {kind: arranged_meet, location: shelf}}}
personalities: {overrides: {zoe: stoic}}
scenario:
  description: "line \u2028 \x7f \uFFFE 'quoted' \"twice\" \\ {[]}: #"
  objects: [{id: shelf, type: bookcase, position: [3, 3]}, {id: bed, type: bed}]
  agents:
    - {id: al, job: clerk, wallet: 0.1, schedule: [{kind: request, object: shelf, affordance: read, until: granted}]}
    - id: bo
      needs: {hunger: 1e-5}
      schedule: [{kind: start, object: bed}, {kind: blocked, object: shelf, affordance: read}]
"""
OWN = """\
- {type: object, id: lamp, object_type: lamp, position: [1, 1], stock: {meals: 2}}
- id: nap
  object_type: bed
  duration: 7
  effects: {energy: 1.0e-07}
  preconds: [wallet >= 0.1]
  hooks: {after: on_finish_sleep}
- {id: shine, object_type: lamp, duration: 3, interruptible: true}
"""


def stored(resolved: Resolved, folder: str = "capture", prefix: str = "rollout_sample") -> Path:
    """A capture's folder, as far as a config is concerned."""
    os.makedirs(folder, exist_ok=True)
    text = canonical_json(resolved.to_json_dict())
    Path(folder, f"{prefix}_config.json").write_text(text, encoding="utf-8")
    Path(folder, f"{prefix}_manifest.json").write_text("{}")
    return Path(folder)


@pytest.mark.parametrize("name", ["rich", "seeded", *shipped_configs()])
def test_the_same_config_again(name: str, write: Write) -> None:
    write(OWN, "own.yaml")
    own = {"rich": RICH, "seeded": "config_id: t\n"}
    resolved = load_config(write(own[name])) if name in own else load_config(shipped_root() / name)
    resolved = auto_seed(resolved) if name == "seeded" else resolved
    folder = stored(resolved)
    os.remove("own.yaml")
    for place in (folder, folder / "rollout_sample_manifest.json", folder / "rollout_sample_config.json"):
        again = load_config(place)
        assert again == resolved
        assert canonical_json(again.to_json_dict()) == canonical_json(resolved.to_json_dict())


def test_notices_of_what_was_said_once_are_not_repeated(write: Write) -> None:
    write(OWN, "own.yaml")
    resolved = load_config(write(RICH))
    assert len(resolved.notices) == 3
    assert load_config(stored(resolved)).notices == (
        "personalities.overrides: no agent of the scenario is called zoe",
    )


def test_a_bare_name_means_what_is_shipped(write: Write) -> None:
    """Who captured `town` into a folder of that name can say `town` again, and `./town` for the folder."""
    stored(load_config(write("config_id: mine\n")), "town")
    assert load_config("town").config_path == "examples/town.yaml"
    for name in ("./town", "town/", os.path.abspath("town"), "town/rollout_sample_config.json"):
        assert load_config(name).config.config_id == "mine"
    assert existing("./gone") == Path("gone")


def test_folders_that_are_no_capture(write: Write) -> None:
    config = load_config(write("config_id: t\n"))
    stored(config, "several", "a")
    stored(config, "several", "b")
    write("{}", "set/dataset.json")
    write("{}", "versioned/current.json")
    os.mkdir("other")
    data_set = (
        "expected a config, got a data set; name one of its captures, a folder runs/<name>/seed-<seed> in it"
    )
    for folder, message in {
        "several": "expected the folder of one capture, got one of several; name the config of one: "
        "a_config.json, b_config.json",
        "set": data_set,
        "versioned": data_set,
        "other": "expected a config file, or the folder of a capture, got another folder",
    }.items():
        assert captured_config(Path(folder)) is None and what_folder(Path(folder)) == message
        for load in (load_config, load_suite):
            with pytest.raises(ConfigError) as found:
                load(folder)
            assert str(found.value) == f"{folder}: {message}"


def test_a_suite_names_captures(write: Write) -> None:
    capture = stored(load_config(write("config_id: t\n")), "captures/one")
    runs = "[{config: ../captures/one, seeds: 0..3}, {config: ../captures/one/rollout_sample_config.json}]"
    write(f"name: s\nruns: {runs}\n", "suites/s.yaml")
    suite = load_suite("suites/s.yaml")
    assert [(run.name, load_config(run.config).name) for run in suite.runs] == [
        ("one", "town"), ("rollout_sample_config", "town"),
    ]  # fmt: skip
    shutil.rmtree(capture)
    with pytest.raises(ConfigError, match=r"expected a config file, found none at '\.\./captures/one'"):
        load_suite("suites/s.yaml")


Damage = Callable[[dict[str, Any]], object]
DAMAGES: dict[str, tuple[Damage, str]] = {
    "an unknown key": (lambda data: data["config"].update(sead=1), "unknown key 'sead'; did you mean 'seed'?"),
    "a wrong value": (lambda data: data["config"].update(seed="x"), "seed: expected a whole number from 0"),
    "no id": (lambda data: data["config"].pop("config_id"), "the key 'config_id' is missing"),
    "no config": (lambda data: data.update(config=5), "expected a config (a mapping with the key `config_id`), got a"),
    "entries": (lambda data: data.update(affordances=5), "expected a list of entries, each of an object or an"),
    "no list": (lambda data: data["affordances"].update(objects={}), "expected a list of entries, each of an object"),
    "an entry": (lambda data: data["affordances"].update(objects=[5]), "[0]: "),
    "a duration": (lambda data: data["affordances"]["affordances"][0].update(duration=-1), "[0].duration: expected a"),
    "an object": (lambda data: data["affordances"].update(objects=[{"id": "../x", "object_type": "a"}]),
                  "[0].id: expected an id"),
    "twice": (lambda data: data["affordances"]["affordances"].append(data["affordances"]["affordances"][0]),
              "the affordance id 'use_shower' is taken on line 1; ids must differ"),
    "a wall": (
        lambda data: data["config"].update(
            world={"walls": [[1, 1]]}, scenario={"agents": [{"id": "a", "position": [1, 1]}]}
        ),
        "scenario.agents[0].position: expected a floor tile",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGES)
def test_one_that_somebody_else_wrote(name: str, write: Write) -> None:
    damage, message = DAMAGES[name]
    data = json.loads(json.dumps(load_config(write("config_id: t\n")).to_json_dict()))
    damage(data)
    with pytest.raises(ConfigError) as found:
        load_config(write(json.dumps(data), "capture_config.json"))
    assert all(line.startswith("capture_config.json:1:") for line in str(found.value).splitlines())
    assert message in str(found.value)


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../x.yaml", "a/../../x", "", 5, "a\nb", "a\x1b[31m", "C:/x", "x" * 1001]
)
def test_names_and_paths_that_are_none(path: Any, write: Write) -> None:
    data = load_config(write("config_id: t\n")).to_json_dict() | {"config_path": path, "name": path}
    again = load_config(write(json.dumps(data), "my_config.json"))
    assert (again.name, again.config_path) == ("my_config", "my_config.json")

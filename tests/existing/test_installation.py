"""Configs in the style of an existing installation load and capture as they are, wherever they lie."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from townlet import cli
from townlet.config import Resolved, load_config
from townlet.generator.generate import generate
from townlet.rollout.play import play
from townlet.run import Run, canonical_json

INSTALLATION = Path(__file__).with_name("installation")
CORE = Path("configs", "affordances", "core.yaml")
TOWNS = sorted((INSTALLATION / "configs" / "scenarios").glob("*.yaml"))
UNREAD = "accepted, no effect on a capture: features.training.curiosity, features.console.mode"

# What is said of each town, beside where its affordances are from: the whole of each notice, or how it begins.
NOTICES = {
    "checkouts": [
        UNREAD,
        "no file defines the affordance 'work_shift': it is a plain occupation of a checkout, 30 ticks, without "
        "effects",
        "the affordance 'use_shower' is for a shower; schedules use it on a bath, which offers it too",
    ],
    "kitchens": [UNREAD, "scenery: no affordance is for a pantry, so nobody can use larder"],
    "perturbed": [
        f"{UNREAD}, perturbations.events.meet_at_the_plaza.max_participants",
        "perturbations.events.meet_at_the_plaza.location: no object is called 'plaza'; the event finds no place, and "
        "never begins",
        "perturbations.events.dear_coffee.targets: no affordance or object type is called coffee_shop; the price of "
        "meals rises",
        "perturbations.events.dear_groceries.targets: no affordance or object type is called groceries; left out",
    ],
    "profiles": [
        "other spellings: `personality_profile` is read as `personality`",
        "scenario.agents: who has no `id` is called agent_3, agent_4",
        f"{UNREAD}, features.behavior.reward_multipliers, features.observations.personality_ui",
        "personalities.overrides: no agent of the scenario is called somebody_else",
    ],
    "shifts": [
        "lifecycle.respawn_delay_ticks: 0 means that nobody returns; 1 is the shortest delay",
        "jobs: nobody has the job gardener, night_guard, and they do not fit the day or the grid: left out",
        f"{UNREAD}, employment.narration",
    ],
    "spellings": [
        "other spellings: `object_id` is read as `object`, `affordance_id` is read as `affordance`",
        "schedules: accepted, no effect: `object` of `kind: wait` (2 times), `blocked` of `kind: wait` (2 times), "
        "`affordance` of `kind: wait`, `target` of `kind: wait`, `position` of `kind: wait`, `quality` of `kind: "
        "wait`, `object` of `kind: move`, `position` of `kind: request`, `target_agent` of `kind: start`, "
        "`affordance_id` of `kind: wait`, `position` of `kind: release`, `quality` of `kind: release`, "
        "`object` of `kind: chat`",
        UNREAD,
        "scenery: no affordance is for a market_stall, so nobody can use stall",
    ],
    "tellers": [
        "jobs: nobody has the job courier, and it does not fit the day or the grid: left out",
        UNREAD,
        "no file defines the affordance 'serve_customer': it is a plain occupation of a teller_window and a bank_desk, "
        "40 ticks, without effects",
        "scenery: no affordance is for a checkout, so nobody can use counter",
    ],
    "windows": [
        f"{UNREAD}, embedding_allocator.reuse_warning_threshold, embedding_allocator.log_forced_reuse, "
        "affordances.runtime.factory, affordances.runtime.instrumentation, affordances.runtime.options, "
        "affordances.runtime.hook_allowlist, affordances.runtime.allow_env_hooks, "
        "conflict.rivalry.eviction_threshold, telemetry, console_auth, snapshot, runtime, stability, curiosity, "
        "training, ppo",
        "scenery: no affordance is for a couch, so nobody can use sofa_1",
        "observations.compact.object_channels: nothing is of the type sofa; always 0",
    ],
}  # fmt: skip


def town(name: str) -> Resolved:
    return load_config(INSTALLATION / "configs" / "scenarios" / f"{name}.yaml")


@pytest.mark.parametrize("path", TOWNS, ids=lambda path: path.stem)
def test_each_loads_and_says_what_it_takes_otherwise(path: Path) -> None:
    first, *others = load_config(path).notices
    assert first.startswith("affordances are read from ") and first.endswith("in a folder above the config")
    assert others == NOTICES[path.stem]
    assert load_config(path).warnings == ()


def places(folder: Path) -> dict[str, Path]:
    """Folders for a config, by where the affordance file is that it finds."""
    found = {name: folder / name for name in ("beside", "above/a/b", "nowhere", "with spaces")}
    for place in found.values():
        place.mkdir(parents=True)
    for place in (found["beside"], folder / "above", found["with spaces"]):
        (place / CORE.parent).mkdir(parents=True)
        shutil.copy(INSTALLATION / CORE, place / CORE)
    return found


@pytest.mark.parametrize("path", TOWNS, ids=lambda path: path.stem)
def test_the_place_of_a_config_changes_nothing(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same affordances give the same run from wherever they are found; other ones never make it a mistake."""
    expected = load_config(path).content()
    for name, place in places(tmp_path).items():
        copy = Path(shutil.copy(path, place))
        monkeypatch.chdir(place)
        found = load_config(path.name), load_config(copy)
        assert [resolved.content() for resolved in found] == [found[0].content()] * 2
        assert (found[0].content() == expected) == (name != "nowhere")
    monkeypatch.chdir(INSTALLATION)
    assert load_config(tmp_path / "nowhere" / path.name).content() == expected  # the working folder has them


def run_of(resolved: Resolved, ticks: int = 60, **options) -> Run:
    text = canonical_json(resolved.to_json_dict())
    return Run(
        name=resolved.name, seed=options.pop("seed", 0), ticks=ticks, config_json=text,
        config_path=resolved.config_path, check=True, **options,
    )  # fmt: skip


def test_they_capture_and_replay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    files = [str(path) for path in TOWNS]
    assert cli.main(["capture", *files, "--ticks", "8", "--check", "--quiet", "--output", "out"]) == 0
    assert cli.main(["verify", "out", "--replay"]) == 0
    capfd.readouterr()
    stored = json.loads(Path("out/runs/kitchens/seed-0/rollout_sample_config.json").read_text())
    assert Resolved.from_json_dict(stored).content() == town("kitchens").content()
    assert cli.main(["inspect", "out/runs/spellings/seed-0"]) == 0
    said = capfd.readouterr().out
    assert "requests and starts without success" not in said


def actions_of(name: str, **options) -> dict[str, list[str]]:
    """The actions of each agent, in words of the catalogue."""
    found = {}
    for key, group in play(run_of(town(name), **options)):
        names = {number: json.loads(text) for text, number in group.metadata["action_lookup"].items()}
        found[key.agent_id] = [names[number]["kind"] for number in group.arrays["actions"].tolist()]
    return found


def test_an_occupation_of_several_types_is_done_at_each() -> None:
    resolved = town("tellers")
    entry = resolved.affordances.affordances[-1]
    assert (entry.id, entry.object_type, entry.also_types) == (
        "serve_customer",
        "teller_window",
        ("bank_desk",),
    )
    busy = {name: kinds[:3] for name, kinds in actions_of("tellers", ticks=60).items()}
    assert busy == {name: ["request", "start", "wait"] for name in ("tess", "theo")}


def test_what_is_defined_for_another_type_is_done_with_its_effects() -> None:
    needs = {}
    for key, group in play(run_of(town("checkouts"))):
        column = group.metadata["feature_names"].index("need_hygiene")
        needs[key.agent_id] = group.arrays["features"][:, column]
    assert np.all(np.diff(needs["cleo"]) < 0)  # a plain occupation has none
    assert np.diff(needs["bert"]).max() > 0.4  # a shower in a bath


def test_a_bath_needs_what_its_affordance_needs_and_a_shower_more() -> None:
    (shower,) = (one for one in town("checkouts").affordances.affordances if one.id == "use_shower")
    assert shower.types == ("shower", "bath")
    assert [str(condition) for condition in shower.preconds] == ["power_on == true", "occupied == false"]


def test_the_clock_of_a_short_day() -> None:
    """`time_sin` and `time_cos` come round with the day, and the number is stored."""
    resolved = town("shifts")
    assert resolved.config.observations.hybrid.time_ticks_per_day == 60
    assert town("windows").config.observations.hybrid.time_ticks_per_day == 1440
    ((_, group),) = play(run_of(resolved, ticks=61))
    names = group.metadata["feature_names"]
    clock = group.arrays["features"][:, [names.index("time_sin"), names.index("time_cos")]]
    assert np.array_equal(clock[0], clock[60]) and len(np.unique(clock, axis=0)) == 60


def test_a_stove_is_filled_up_to_what_a_day_brings() -> None:
    filled = {thing.id: thing.filled_to for thing in town("kitchens").objects}
    assert filled == {
        "fridge_home": None, "stove_1": {"raw_ingredients": 2}, "stove_2": {"raw_ingredients": 2}, "stove_3": None,
        "larder": {"raw_ingredients": 2}, "fridge_1": None,
    }  # fmt: skip


def test_a_meeting_at_no_place_never_begins() -> None:
    specs = generate(town("perturbed"), seed=0).params.events
    events = list(town("perturbed").config.perturbations.events)
    due = dict(zip(events, specs.probability.tolist(), strict=True))
    assert due == {**dict.fromkeys(events, 1.0), "meet_at_the_plaza": 0.0}


def test_the_capture_is_that_of_the_config_in_todays_words(tmp_path: Path) -> None:
    """Keys without a meaning, and other spellings, are no part of what a run is."""
    text = (INSTALLATION / "configs" / "scenarios" / "spellings.yaml").read_text(encoding="utf-8")
    plain = text.replace("object_id", "object").replace("affordance_id", "affordance")
    (tmp_path / CORE.parent).mkdir(parents=True)
    shutil.copy(INSTALLATION / CORE, tmp_path / CORE)
    plain = plain.replace(
        "object: nowhere, affordance: nothing, target: nobody, position: [99, 99], quality: 0.5", ""
    )
    (tmp_path / "spellings.yaml").write_text(plain, encoding="utf-8")
    assert load_config(tmp_path / "spellings.yaml").content() == town("spellings").content()

"""Minari's data sets: read back by Minari to the bit, and by d3rlpy with every transition."""
# pyright: reportMissingImports=false

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.dataset.captures import capture
from tests.dataset.export.test_exports_guide import run_examples
from tests.dataset.towns import TOWN, capture_lives, town_run
from tests.samples import CHANNELS, FEATURES, LOOKUP, TERMS, make_run
from townlet import cli, dataset
from townlet.dataset.export import minari as export
from townlet.dataset.export.minari import export_minari
from townlet.dataset.reading.data_set import DataSet
from townlet.dataset.reading.layouts import LayoutError
from townlet.dataset.store.local import LocalStore
from townlet.errors import CorruptSampleError, OutputError, UserError
from townlet.samples import ReplaySample

needs_minari = pytest.mark.torch  # installed beside it


@pytest.fixture(scope="module")
def exported(opened: DataSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exported") / "out"
    town, wide = export_minari(opened.shuffled(1), out)
    assert (town.name, town.path, town.episodes, town.steps) == ("town-v0", out / "town-v0", 6, 112)
    assert (wide.name, wide.path, wide.episodes, wide.steps) == ("wide-v0", out / "wide-v0", 1, 30)
    assert town.size == sum(path.stat().st_size for path in town.path.rglob("*") if path.is_file())
    return out


@pytest.fixture
def load(exported: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """load_dataset of Minari's, without a network."""

    def no_network(*_: Any) -> None:
        raise AssertionError("asked the network")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(exported))
    import minari

    return minari.load_dataset


def step_and_before(array: np.ndarray, before: Any = 0) -> np.ndarray:
    """An array of steps as Minari's infos have it."""
    return np.concatenate([np.full_like(array[:1], before), array])


@needs_minari
def test_every_number_comes_back(opened: DataSet, load: Any) -> None:
    lives = list(opened.filter(scenario="town").lives())
    episodes = list(load("town-v0"))
    assert [len(episode) for episode in episodes] == [life.timesteps for life in lives]
    for number, (episode, life) in enumerate(zip(episodes, lives, strict=True)):
        assert episode.id == number
        last = np.arange(life.timesteps) == life.timesteps - 1
        expected = {
            "actions": life.actions,
            "rewards": life.rewards,
            "terminations": life.dones,
            "truncations": last & ~life.dones,
        }
        for name, array in expected.items():
            found = getattr(episode, name)
            assert (found.dtype, found.tobytes()) == (array.dtype, array.tobytes()), name
        assert set(episode.observations) == {"map", "features", "action_mask"}
        for name, found in episode.observations.items():
            array = np.concatenate([getattr(life, name), getattr(life, f"final_{name}")[None]])
            np.testing.assert_array_equal(found, array, err_msg=name)
        assert episode.observations["action_mask"].dtype == np.int8
        assert_infos(episode.infos, life)


def assert_infos(infos: dict[str, np.ndarray], life: ReplaySample) -> None:
    expected = {
        "tick": np.arange(life.tick[0], life.tick[-1] + 2, dtype=np.int32),
        "value": life.value_preds,
        "position": np.concatenate([life.positions, [[-1, -1]]]).astype(np.int16),
        "log_prob": step_and_before(life.old_log_probs),
        "reward_terms": step_and_before(life.reward_terms),
        "action_args": step_and_before(life.action_args, -1),
        "blocked": step_and_before(life.array("blocked")),
        "off_mask": step_and_before(life.array("off_mask")),
    }
    assert set(infos) == set(expected)
    for name, array in expected.items():
        assert (infos[name].dtype, infos[name].shape) == (array.dtype, array.shape), name
        np.testing.assert_array_equal(infos[name], array, err_msg=name)


@needs_minari
def test_each_episode_ends_in_one_way(load: Any) -> None:
    ends = [(episode.terminations.tolist(), episode.truncations.tolist()) for episode in load("town-v0")]
    assert [(ended[-1], cut[-1]) for ended, cut in ends] == [(False, True), (True, False), (False, True)] * 2
    assert not any(any(ended[:-1]) or any(cut[:-1]) for ended, cut in ends)


@needs_minari
def test_what_minari_knows_of_them(load: Any, exported: Path) -> None:
    minari = importlib.import_module("minari")
    spaces = importlib.import_module("gymnasium").spaces
    found = minari.list_local_datasets()
    assert sorted(found) == ["town-v0", "wide-v0"]
    wide = load("wide-v0")
    assert (wide.total_episodes, wide.total_steps) == (1, 30)
    assert wide.action_space == spaces.Discrete(5)
    assert wide.observation_space["map"].shape == (4, 7, 7)
    assert wide.observation_space["action_mask"] == spaces.Box(0, 1, (5,), np.int8)
    facts = wide.storage.metadata
    assert (facts["algorithm_name"], facts["description"]) == ("needs", "made by hand")
    told = facts["townlet"]
    assert (told["scenario"], told["seeds"], told["action_lookup"]) == ("wide", [5], LOOKUP)
    assert (told["feature_names"], told["map_channels"]) == (list(FEATURES), list(CHANNELS))
    assert told["reward_term_names"] == list(TERMS)
    assert "code_permalink" not in facts and "env_spec" not in facts
    town = load("town-v0")
    who = list(town.storage.get_episode_metadata(range(6)))
    assert [(one["seed"], one["agent_id"], one["arrival"], one["first_tick"]) for one in who] == [
        (seed, *life) for seed in (0, 1) for life in (("alice", 1, 0), ("bob", 2, 0), ("bob-2", 3, 17))
    ]
    assert [one["total_steps"] for one in who] == [30, 13, 13] * 2
    assert who[0]["fingerprint"] == town_run("town", 0).fingerprint
    size = sum(path.stat().st_size for path in (exported / "town-v0").rglob("*") if path.is_file())
    assert found["town-v0"]["dataset_size"] == pytest.approx(size / 1e6, abs=0.06)


@needs_minari
def test_selections_holes_and_unknown_values(
    opened: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of alice's segments 0 to 3 without segment 1: two episodes, the first cut where nobody knows what follows."""
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "out"))
    alice = opened.filter(lambda samples: samples["segment"] != 1, scenario="town", agent="alice", seed=1)
    (written,) = export_minari(alice, tmp_path / "out")
    assert (written.episodes, written.steps) == (2, 22)
    episodes = list(importlib.import_module("minari").load_dataset("town-v0"))
    assert [episode.infos["tick"][0] for episode in episodes] == [0, 16]
    assert [bool(episode.truncations[-1]) for episode in episodes] == [True, True]

    store = LocalStore(tmp_path / "set")
    capture_lives(store, town_run(), lives=TOWN[:2], forget_values=True, bootstrap="unknown")
    export_minari(dataset.open(tmp_path / "set"), tmp_path / "unknown")
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "unknown"))
    town = importlib.import_module("minari").load_dataset("town-v0")
    assert [one.get("bootstrap") for one in town.storage.get_episode_metadata([0, 1])] == ["unknown", None]


@needs_minari
def test_several_layouts_in_one_scenario_are_refused(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "set")
    capture_lives(store, town_run("town", 0), lives=TOWN[:1])
    capture_lives(store, town_run("town", 1), lives=TOWN[:1], window=7)
    with pytest.raises(LayoutError, match="these samples have 2 different layouts"):
        export_minari(dataset.open(tmp_path / "set"), tmp_path / "out")
    assert os.listdir(tmp_path) == ["set"]


@needs_minari
def test_names_that_minari_does_not_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LocalStore(tmp_path / "set")
    longest = "x" * 64
    capture_lives(store, *[town_run(name) for name in ("a.b", "a_b", "c-v7", longest)], lives=TOWN[:1])
    written = export_minari(dataset.open(tmp_path / "set"), tmp_path / "out")
    names = [one.name for one in written]
    digest = hashlib.sha256(b"a.b").hexdigest()[:8]
    assert names == [f"a_b-{digest}-v0", "a_b-v0", "c-v7-v0", f"{longest}-v0"]
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "out"))
    for name, scenario in zip(names, ("a.b", "a_b", "c-v7", longest), strict=True):
        loaded = importlib.import_module("minari").load_dataset(name)
        assert loaded.storage.metadata["townlet"]["scenario"] == scenario and len(loaded[0]) == 30


@needs_minari
def test_the_longest_episode_that_minari_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A longer one would come back as its first part only, and without a word."""
    gymnasium = importlib.import_module("gymnasium")
    storages = importlib.import_module("minari.dataset.minari_storage").MinariStorage
    buffer = importlib.import_module("minari.data_collector").EpisodeBuffer
    space = gymnasium.spaces.Discrete(2)
    read = []
    for steps in (export.MOST_STEPS, export.MOST_STEPS + 1):
        storage = storages.new(
            tmp_path / str(steps), observation_space=space, action_space=space, data_format="arrow"
        )
        numbers, flags = np.zeros(steps, np.int64), np.zeros(steps, bool)
        one = buffer(
            observations=np.zeros(steps + 1, np.int64),  # type: ignore[arg-type]
            actions=numbers,  # type: ignore[arg-type]
            rewards=numbers,  # type: ignore[arg-type]
            terminations=flags,  # type: ignore[arg-type]
            truncations=flags,  # type: ignore[arg-type]
        )
        storage.update_episodes([one])
        read.append([len(episode["rewards"]) for episode in storage.get_episodes([0])])
    assert read[0] == [export.MOST_STEPS] and read[1] != [export.MOST_STEPS + 1]

    capture_lives(LocalStore(tmp_path / "set"), town_run(), lives=TOWN)
    monkeypatch.setattr(export, "MOST_STEPS", 29)
    opened = dataset.open(tmp_path / "set")
    with pytest.raises(
        UserError, match="town: has a life of 30 steps, and Minari reads no episode of more than 29;"
    ):
        export_minari(opened, tmp_path / "out")
    assert export_minari(opened.filter(agent="bob"), tmp_path / "out")[0].steps == 13


@needs_minari
@pytest.mark.parametrize("error", [CorruptSampleError("damaged"), KeyboardInterrupt()])
def test_all_or_nothing(opened: DataSet, tmp_path: Path, error: BaseException) -> None:
    def watched(episodes: Any) -> Iterator[Any]:
        for episode in episodes:
            if episode.scenario == "wide":
                assert len(os.listdir(tmp_path)) == 1  # the folder that is being written
                raise error
            yield episode

    with pytest.raises(type(error)):
        export_minari(opened, tmp_path / "out", watched)
    assert os.listdir(tmp_path) == []
    with pytest.raises(OutputError, match="already exists; choose a new folder"):
        export_minari(opened, tmp_path)


@needs_minari
def test_the_command(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["export", str(folder), "--to", "minari", "--output"]
    assert (
        cli.main([*arguments, str(tmp_path / "a"), "--scenario", "town", "--seed", "0", "--agent", "bob"])
        == 0
    )
    shown = capsys.readouterr()
    assert shown.out.splitlines()[1].split()[:3] == ["town-v0", "1", "13"]
    assert cli.main([*arguments, str(tmp_path / "b"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [(one["name"], one["episodes"]) for one in said["data_sets"]] == [("town-v0", 6), ("wide-v0", 1)]


@needs_minari
def test_a_config_whose_id_is_no_name(tmp_path: Path) -> None:
    capture(LocalStore(tmp_path / "in"), make_run())
    (written,) = export_minari(dataset.open(tmp_path / "in"), tmp_path / "out")
    assert (written.name, written.steps) == ("scene-v0", 40)


@needs_minari
def test_every_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With d3rlpy: every step of every life is a transition, and leads to what was seen then."""
    if importlib.util.find_spec("d3rlpy") is None:
        pytest.skip("needs d3rlpy, which is not here; `make test-train` installs and runs it")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINARI_DATASETS_PATH", "")  # which the examples set
    names = run_examples(tmp_path, with_extras=True)
    buffer, lives = names["buffer"], list(dataset.open("samples/many").lives())
    assert buffer.transition_count == sum(life.timesteps for life in lives) == 56
    for episode, life in zip(buffer.episodes, lives, strict=True):
        seen = np.concatenate([life.features, life.final_features[None]])
        for step in range(life.timesteps):
            transition = buffer.transition_picker(episode, step)
            np.testing.assert_array_equal(transition.observation, seen[step])
            assert transition.action == life.actions[step] and transition.reward == life.rewards[step]
            assert transition.terminal == life.dones[step]
            if not life.dones[step]:
                np.testing.assert_array_equal(transition.next_observation, seen[step + 1])
    learn(importlib.import_module("d3rlpy"), buffer)


def learn(d3rlpy: Any, buffer: Any) -> None:
    learner = d3rlpy.algos.DiscreteCQLConfig(batch_size=8).create(device="cpu:0")
    quiet = {"logger_adapter": d3rlpy.logging.NoopAdapterFactory(), "show_progress": False}
    learner.fit(buffer, n_steps=3, n_steps_per_epoch=3, **quiet)
    actions = learner.predict(buffer.episodes[0].observations[:4])
    assert actions.shape == (4,) and set(actions.tolist()) <= set(range(5))


def test_without_minari(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setitem(sys.modules, "minari", None)  # so that Python does not find it
    arguments = ["export", str(folder), "--to", "minari", "--output", str(tmp_path / "out")]
    assert cli.main(arguments) == 2
    said = capsys.readouterr().err
    assert "needs minari, which is not installed here: pip install 'townlet[offline-rl]'" in said
    assert os.listdir(tmp_path) == []

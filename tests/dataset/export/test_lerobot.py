"""LeRobot's layout: as it is published, every number to the bit, and statistics that NumPy finds too."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.dataset.captures import capture, content
from tests.dataset.reading.test_foreign_captures import sign
from tests.dataset.towns import TOWN, capture_lives, town_run
from tests.samples import ACTIONS, CHANNELS, FEATURES, LOOKUP, TERMS, make_metadata, make_run
from townlet import cli, dataset
from townlet.dataset.export import lerobot, lerobot_files
from townlet.dataset.export.lerobot import export_lerobot
from townlet.dataset.reading.data_set import DataSet
from townlet.dataset.reading.layouts import LayoutError
from townlet.dataset.store.local import LocalStore
from townlet.run import canonical_json
from townlet.samples import ReplaySample

# The layout v3.0, as LeRobot's documentation ("LeRobotDataset v3.0") and its reader describe it
# (lerobot 0.4.4: datasets/utils.py, datasets/lerobot_dataset.py, datasets/compute_stats.py).
INFO = {
    "codebase_version": str,
    "robot_type": str,
    "total_episodes": int,
    "total_frames": int,
    "total_tasks": int,
    "chunks_size": int,
    "data_files_size_in_mb": int,
    "video_files_size_in_mb": int,
    "fps": int,
    "splits": dict,
    "data_path": str,
    "video_path": type(None),  # without videos
    "features": dict,
}
DATA_PATH = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
EPISODES_PATH = "meta/episodes/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
DEFAULT_FEATURES = {
    "timestamp": {"dtype": "float32", "shape": [1], "names": None},
    "frame_index": {"dtype": "int64", "shape": [1], "names": None},
    "episode_index": {"dtype": "int64", "shape": [1], "names": None},
    "index": {"dtype": "int64", "shape": [1], "names": None},
    "task_index": {"dtype": "int64", "shape": [1], "names": None},
}
EPISODE = {
    "episode_index": pa.int64(),
    "tasks": pa.list_(pa.string()),
    "length": pa.int64(),
    "data/chunk_index": pa.int64(),
    "data/file_index": pa.int64(),
    "dataset_from_index": pa.int64(),
    "dataset_to_index": pa.int64(),
    "meta/episodes/chunk_index": pa.int64(),
    "meta/episodes/file_index": pa.int64(),
}
STATISTICS = ("min", "max", "mean", "std", "count", "q01", "q10", "q50", "q90", "q99")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scenarios of one layout, in segments: of the second only its first agent."""
    folder = tmp_path_factory.mktemp("set")
    store = LocalStore(folder)
    capture_lives(store, town_run("town", 0), town_run("town", 1), lives=TOWN)
    capture_lives(store, town_run("village", 5), lives=TOWN[:1])
    return folder


@pytest.fixture(scope="module")
def exported(opened: DataSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exported") / "out"
    (written,) = export_lerobot(opened.shuffled(1), out)
    assert (written.name, written.path, written.episodes, written.steps) == ("out", out, 7, 142)
    assert written.size == sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    return out


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def frames_of(out: Path) -> pa.Table:
    """All frames, as LeRobot reads them: the files in the order of their names."""
    paths = sorted((out / "data").glob("*/*.parquet"))
    return pa.concat_tables([pq.read_table(path, page_checksum_verification=True) for path in paths])


def episodes_of(out: Path) -> list[dict[str, Any]]:
    paths = sorted((out / "meta" / "episodes").glob("*/*.parquet"))
    return [row for path in paths for row in pq.read_table(path).to_pylist()]


def lives_of(opened: DataSet) -> list[ReplaySample]:
    return [life for name in opened.scenarios for life in opened.filter(scenario=name).lives()]


def expected_type(feature: dict[str, Any]) -> pa.DataType:
    kind = pa.type_for_alias(feature["dtype"])
    if feature["shape"] == [1]:
        return kind
    if len(feature["shape"]) == 1:
        return pa.list_(kind, feature["shape"][0])
    for _ in feature["shape"]:
        kind = pa.list_(kind)
    return kind


def test_the_layout_is_the_published_one(exported: Path) -> None:
    files = {str(path.relative_to(exported)) for path in exported.rglob("*") if path.is_file()}
    first = {"chunk_index": 0, "file_index": 0}
    assert files == {
        "meta/info.json",
        "meta/stats.json",
        "meta/tasks.parquet",
        "meta/townlet.json",
        EPISODES_PATH.format(**first),
        DATA_PATH.format(**first),
    }
    info = read_json(exported / "meta" / "info.json")
    assert {key: type(value) for key, value in info.items()} == INFO
    assert (info["codebase_version"], info["data_path"]) == ("v3.0", DATA_PATH)
    assert (info["total_episodes"], info["total_frames"], info["total_tasks"]) == (7, 142, 1)
    assert (info["splits"], info["fps"]) == ({"train": "0:7"}, 1)
    assert (info["chunks_size"], info["data_files_size_in_mb"]) == (1000, 100)
    features = info["features"]
    assert DEFAULT_FEATURES.items() <= features.items()
    for key, feature in features.items():
        assert set(feature) == {"dtype", "shape", "names"} and "/" not in key
        if len(feature["shape"]) == 1 and feature["names"] is not None:
            assert len(feature["names"]) == feature["shape"][0]
    schema = pq.read_schema(exported / DATA_PATH.format(**first))
    assert {field.name: field.type for field in schema} == {
        key: expected_type(feature) for key, feature in features.items()
    }
    schema = pq.read_schema(exported / EPISODES_PATH.format(**first))
    assert EPISODE.items() <= {field.name: field.type for field in schema}.items()
    told = {name for name in schema.names if name.startswith("stats/")}
    assert told == {f"stats/{key}/{name}" for key in features for name in STATISTICS}


def test_what_features_are_called(exported: Path) -> None:
    features = read_json(exported / "meta" / "info.json")["features"]
    assert features["observation.map"]["shape"] == [len(CHANNELS), 5, 5]
    assert features["observation.state"]["names"] == list(FEATURES)
    assert features["observation.action_mask"]["names"] == [canonical_json(action) for action in ACTIONS]
    assert features["info.reward_terms"]["names"] == list(TERMS)
    facts = read_json(exported / "meta" / "townlet.json")
    assert facts["action_lookup"] == LOOKUP and facts["map_channels"] == list(CHANNELS)
    assert facts["scenarios"] == ["town", "village"]


def test_every_number_comes_back(opened: DataSet, exported: Path) -> None:
    table = frames_of(exported)
    first = 0
    for number, life in enumerate(lives_of(opened)):
        steps = life.timesteps
        cut = np.arange(steps) == steps - 1
        expected = {
            "observation.map": life.map,
            "observation.state": life.features,
            "observation.action_mask": life.action_mask,
            "action": life.actions,
            "next.reward": life.rewards,
            "next.done": life.dones,
            "next.truncated": cut & ~life.dones,
            "info.log_prob": life.old_log_probs,
            "info.value": life.value_preds[:-1],
            "info.next_value": life.value_preds[1:],
            "info.reward_terms": life.reward_terms,
            "info.action_args": life.action_args,
            "info.tick": life.tick,
            "info.position": life.positions,
            "info.blocked": life.array("blocked"),
            "info.off_mask": life.array("off_mask"),
            "timestamp": np.arange(steps),
            "frame_index": np.arange(steps),
            "episode_index": np.full(steps, number),
            "index": np.arange(first, first + steps),
            "task_index": np.zeros(steps),
        }
        rows = table.slice(first, steps)
        assert list(expected) == rows.column_names
        for name, array in expected.items():
            found = np.array(rows.column(name).to_pylist())
            np.testing.assert_array_equal(found, array, err_msg=name, strict=False)
        first += steps
    assert first == table.num_rows == 142


def test_what_the_table_of_episodes_says(opened: DataSet, exported: Path) -> None:
    rows = episodes_of(exported)
    lives = lives_of(opened)
    assert [row["episode_index"] for row in rows] == list(range(7))
    assert [row["length"] for row in rows] == [30, 13, 13, 30, 13, 13, 30]
    assert [row["dataset_from_index"] for row in rows] == [0, 30, 43, 56, 86, 99, 112]
    assert [row["dataset_to_index"] for row in rows] == [30, 43, 56, 86, 99, 112, 142]
    assert [row["tasks"] for row in rows] == [["made by hand"]] * 7
    who = [(row["scenario"], row["seed"], row["agent_id"], row["arrival"], row["first_tick"]) for row in rows]
    assert who[:3] == [("town", 0, "alice", 1, 0), ("town", 0, "bob", 2, 0), ("town", 0, "bob-2", 3, 17)]
    assert who[6] == ("village", 5, "alice", 1, 0)
    assert [row["terminated"] for row in rows] == [False, True, False, False, True, False, False]
    assert all(row["bootstrap_known"] for row in rows)
    for row, life in zip(rows, lives, strict=True):
        np.testing.assert_array_equal(row["final/observation.map"], life.final_map)
        np.testing.assert_array_equal(row["final/observation.state"], life.final_features)
        np.testing.assert_array_equal(row["final/observation.action_mask"], life.final_action_mask)


def test_statistics_are_those_of_the_rows(opened: DataSet, exported: Path) -> None:
    lives = lives_of(opened)
    stats = read_json(exported / "meta" / "stats.json")
    assert set(stats) == set(read_json(exported / "meta" / "info.json")["features"])
    assert all(set(one) == set(STATISTICS) for one in stats.values())
    arrays = {
        "observation.state": np.concatenate([life.features for life in lives]),
        "next.reward": np.concatenate([life.rewards for life in lives])[:, None],
        "action": np.concatenate([life.actions for life in lives])[:, None],
        "next.done": np.concatenate([life.dones for life in lives])[:, None],
    }
    for key, array in arrays.items():
        rows = array.astype(np.float64)
        for name, expected in (
            ("min", rows.min(0)),
            ("max", rows.max(0)),
            ("mean", rows.mean(0)),
            ("std", rows.std(0)),
        ):
            np.testing.assert_allclose(stats[key][name], expected, rtol=1e-12, atol=1e-12, err_msg=key)
        assert stats[key]["count"] == [142]
        of_each = [np.quantile(rows[first:last], 0.9, axis=0) for first, last in spans(lives)]
        weighted = np.average(of_each, axis=0, weights=[life.timesteps for life in lives])
        np.testing.assert_allclose(stats[key]["q90"], weighted, rtol=1e-12)
    maps = np.concatenate([life.map for life in lives]).astype(np.float64)
    np.testing.assert_allclose(stats["observation.map"]["mean"], maps.mean((0, 2, 3)).reshape(-1, 1, 1))
    np.testing.assert_allclose(stats["observation.map"]["std"], maps.std((0, 2, 3)).reshape(-1, 1, 1))
    row = episodes_of(exported)[1]
    np.testing.assert_allclose(
        row["stats/observation.state/mean"], lives[1].features.astype(np.float64).mean(0)
    )
    assert row["stats/next.reward/count"] == [13] and row["stats/next.done/max"] == [1.0]


def spans(lives: list[ReplaySample]) -> Iterator[tuple[int, int]]:
    first = 0
    for life in lives:
        yield first, first + life.timesteps
        first += life.timesteps


@pytest.mark.page
def test_tasks_are_where_pandas_looks_for_them(tmp_path: Path) -> None:
    """LeRobot finds a task by its place in the table's index. Descriptions may say anything."""
    hostile = '</script>\u202e"; DROP TABLE\x1b[31m'
    store = LocalStore(tmp_path / "set")
    for name, description in (("a", hostile), ("b", "another"), ("c", hostile), ("d", "")):
        run = town_run(name)
        facts = {**make_metadata(run=run)["capture_metadata"], "scenario_description": description}
        capture_lives(store, run, lives=TOWN[:1], capture_metadata=facts)
    export_lerobot(dataset.open(tmp_path / "set"), tmp_path / "out")
    import pandas

    tasks = pandas.read_parquet(tmp_path / "out" / "meta" / "tasks.parquet")
    assert list(tasks.index) == [hostile, "another", "d"]
    assert tasks["task_index"].tolist() == [0, 1, 2] and list(tasks.columns) == ["task_index"]
    assert [row["tasks"][0] for row in episodes_of(tmp_path / "out")] == [hostile, "another", hostile, "d"]
    assert set(frames_of(tmp_path / "out")["task_index"].to_pylist()[30:60]) == {1}
    assert read_json(tmp_path / "out" / "meta" / "info.json")["total_tasks"] == 3


def test_large_data_sets_are_cut_into_files_and_chunks(
    opened: DataSet, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lerobot, "FILE_MB", 0)  # full at once: a file an episode
    monkeypatch.setattr(lerobot, "FILES_IN_CHUNK", 3)
    monkeypatch.setattr(lerobot_files, "ROWS_AT_ONCE", 2)
    export_lerobot(opened, tmp_path / "out")
    rows = episodes_of(tmp_path / "out")
    places = [(row["data/chunk_index"], row["data/file_index"]) for row in rows]
    assert places == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (2, 0)]
    places = [(row["meta/episodes/chunk_index"], row["meta/episodes/file_index"]) for row in rows]
    assert places == [(0, 0), (0, 0), (0, 1), (0, 1), (0, 2), (0, 2), (1, 0)]
    for row in rows:
        place = {"chunk_index": row["data/chunk_index"], "file_index": row["data/file_index"]}
        table = pq.read_table(tmp_path / "out" / DATA_PATH.format(**place))
        assert set(table["episode_index"].to_pylist()) == {row["episode_index"]}
    assert frames_of(tmp_path / "out").equals(frames_of(exported))


def test_the_same_bytes(folder: Path, exported: Path, tmp_path: Path) -> None:
    export_lerobot(dataset.open(folder).shuffled(3).remembering(1), tmp_path / "again")
    assert content(tmp_path / "again") == content(exported)


def test_a_life_with_a_hole_is_two_episodes(opened: DataSet, tmp_path: Path) -> None:
    """Of alice's segments 0 to 3 without segment 1: the first episode is cut where nobody knows what follows."""
    alice = opened.filter(
        lambda samples: (samples["segment"] != 1) & (samples["agent_id"] == "alice"), scenario="village"
    )
    export_lerobot(alice, tmp_path / "out")
    rows = episodes_of(tmp_path / "out")
    assert [(row["first_tick"], row["length"], row["terminated"]) for row in rows] == [
        (0, 8, False),
        (16, 14, False),
    ]
    assert frames_of(tmp_path / "out")["next.truncated"].to_pylist() == [False] * 7 + [True] + [
        False
    ] * 13 + [True]


def test_a_value_that_nobody_knows(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "set")
    capture_lives(store, town_run(), lives=TOWN[:2], forget_values=True, bootstrap="unknown")
    export_lerobot(dataset.open(tmp_path / "set"), tmp_path / "out")
    rows = episodes_of(tmp_path / "out")
    assert [(row["terminated"], row["bootstrap_known"]) for row in rows] == [(False, False), (True, True)]


def test_several_layouts_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = LocalStore(tmp_path / "set")
    capture_lives(store, town_run("town"), lives=TOWN[:1])
    capture_lives(store, town_run("wide"), lives=TOWN[:1], window=7)
    opened = dataset.open(tmp_path / "set")
    with pytest.raises(
        LayoutError, match=r"these samples have 2 different layouts(.|\n)*town: (.|\n)*wide: "
    ):
        export_lerobot(opened, tmp_path / "out")
    command = ["export", str(tmp_path / "set"), "--to", "lerobot", "--output", str(tmp_path / "out")]
    assert cli.main(command) == 2
    said = capsys.readouterr().err
    assert ": town: 4 samples" in said and ": wide: 4 samples" in said
    assert said.splitlines()[-1].endswith("choose samples of one layout: --scenario NAME")
    assert sorted(os.listdir(tmp_path)) == ["set"]
    (written,) = export_lerobot(opened.remapped(), tmp_path / "out")
    assert written.episodes == 2
    assert read_json(tmp_path / "out" / "meta" / "info.json")["features"]["observation.map"]["shape"] == [
        4,
        7,
        7,
    ]


def test_the_command(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "deep" / "out"
    arguments = ["export", str(folder), "--to", "lerobot", "--output", str(out)]
    assert cli.main([*arguments, "--scenario", "town", "--seed", "0..3", "--agent", "bob"]) == 0
    assert frames_of(out).num_rows == 26
    shown = capsys.readouterr()
    assert [line.split() for line in shown.out.splitlines()][1][:3] == ["out", "2", "26"]
    assert cli.main(arguments) == 2
    assert "out: already exists" in capsys.readouterr().err
    assert cli.main([*arguments[:-1], str(tmp_path / "all"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["samples"] == 20
    (one,) = said["data_sets"]
    assert (one["name"], one["path"], one["episodes"], one["steps"]) == ("all", str(tmp_path / "all"), 7, 142)


def test_a_capture_of_a_stranger(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No path is made of its scenario's name; a name that would lead elsewhere is refused when it is read."""
    capture(LocalStore(tmp_path / "in"), make_run())
    place = tmp_path / "in" / "rollout_sample_manifest.json"
    document = json.loads(place.read_bytes())
    document["metadata"]["scenario_name"] = "../../x"
    sign(place, document)
    arguments = ["export", str(tmp_path / "in"), "--to", "lerobot", "--output", str(tmp_path / "out")]
    assert cli.main(arguments) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    document["metadata"].update(scenario_name=None, config_id="../Küche")
    sign(place, document)
    assert cli.main([*arguments, "--quiet"]) == 0
    assert {row["scenario"] for row in episodes_of(tmp_path / "out")} == {"capture"}
    capsys.readouterr()

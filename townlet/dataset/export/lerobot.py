"""Data sets in LeRobot's layout v3.0: folders of Parquet files, and JSON that says what their columns are.

A frame is a timestep, an episode a life, a task what a scenario says of itself. Frames stand one after the other,
in files of some 100 MB. LeRobot has a place for what is seen before acting and for what comes of it, and none for
what is seen after an episode's last step: that stands in the table of episodes. docs/exports.md says how to read it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import townlet
from townlet.arrays import Array
from townlet.dataset.export.episodes import (
    Episode,
    Episodes,
    ExportedEpisodes,
    WatchedEpisodes,
    size_of,
)
from townlet.dataset.export.feature_statistics import AllTogether, statistics_of
from townlet.dataset.export.lerobot_files import EpisodeRows, NumberedFiles, list_column, tasks_table
from townlet.dataset.export.new_folder import checked_target, new_folder
from townlet.dataset.reading.data_set import DataSet
from townlet.dataset.reading.layouts import Layout
from townlet.run import canonical_json

if TYPE_CHECKING:
    import pyarrow as pa

VERSION = "v3.0"  # of the layout
FPS = 1  # a frame is a tick, and LeRobot wants to know how many a second: timestamps count ticks
FILES_IN_CHUNK, FILE_MB, VIDEO_MB = 1000, 100, 200  # LeRobot's own
FILE_PATTERN = "chunk-{chunk_index:03d}/file-{file_index:03d}"

MAP = "observation.map"
OBSERVATION = (MAP, "observation.state", "observation.action_mask")  # of which there is one more than steps

Feature = dict[str, Any]  # dtype, shape, names


def export_lerobot(
    data_set: DataSet,
    output: str | os.PathLike[str],
    watched: WatchedEpisodes = iter,
) -> list[ExportedEpisodes]:
    """Write one LeRobot data set of all these samples into a new folder, all at once or not at all.

    Episodes are in the order of the index; the same samples give the same bytes with the same version of pyarrow.
    They are gone through by `watched`. Memory: a life. Raises OutputError where something of this name is there
    already or cannot be written, LayoutError where the samples have several layouts.
    """
    target = checked_target("export_lerobot", data_set, output)
    layout = data_set.layout
    episodes = Episodes(data_set)
    with new_folder(target) as folder:
        writer = _Writer(folder, layout)
        try:
            for episode in watched(episodes):
                writer.add(episode)
        finally:
            writer.close()
        writer.write_meta()
        return [ExportedEpisodes(target.name, target, len(episodes), writer.frames, size_of(folder))]


def features_of(layout: Layout) -> dict[str, Feature]:
    """LeRobot's features by key, in the order of the columns. What it gives no place is below `info.`.

    A feature of shape [1] is a number a row, one of shape [n] a list of n, a map lists of lists of lists.
    """
    rows, columns = layout.window
    shape = [len(layout.map_channels), rows, columns]
    return {
        MAP: _feature("float32", shape, ["channel", "row", "column"]),
        "observation.state": _feature("float32", [len(layout.feature_names)], layout.feature_names),
        "observation.action_mask": _feature("bool", [len(layout.actions)], layout.actions),
        "action": _feature("int64", [1], ["action"]),
        "next.reward": _feature("float32", [1]),
        "next.done": _feature("bool", [1]),
        "next.truncated": _feature("bool", [1]),
        "info.log_prob": _feature("float32", [1]),
        "info.value": _feature("float32", [1]),
        "info.next_value": _feature("float32", [1]),
        "info.reward_terms": _feature("float32", [len(layout.reward_term_names)], layout.reward_term_names),
        "info.action_args": _feature("float32", [3], ["object", "target", "quality"]),
        "info.tick": _feature("int64", [1]),
        "info.position": _feature("int64", [2], ["x", "y"]),
        "info.blocked": _feature("bool", [1]),
        "info.off_mask": _feature("bool", [1]),
        "timestamp": _feature("float32", [1]),
        "frame_index": _feature("int64", [1]),
        "episode_index": _feature("int64", [1]),
        "index": _feature("int64", [1]),
        "task_index": _feature("int64", [1]),
    }


def _feature(dtype: str, shape: list[int], names: Any = None) -> Feature:
    return {"dtype": dtype, "shape": shape, "names": None if names is None else list(names)}


def columns_of(episode: Episode, number: int, index: int, task: int) -> dict[str, Array]:
    """[T, ...] The features of each frame of an episode. `index` is the first frame's in the whole data set."""
    sample = episode.sample
    steps = sample.timesteps
    truncated = np.zeros(steps, bool)
    truncated[-1] = not episode.terminated
    frames = np.arange(steps)
    return {
        MAP: sample.map,
        "observation.state": sample.features,
        "observation.action_mask": sample.action_mask,
        "action": sample.actions,
        "next.reward": sample.rewards,
        "next.done": sample.dones,
        "next.truncated": truncated,
        "info.log_prob": sample.old_log_probs,
        "info.value": sample.value_preds[:-1],
        "info.next_value": sample.value_preds[1:],
        "info.reward_terms": sample.reward_terms,
        "info.action_args": sample.action_args,
        "info.tick": sample.tick,
        "info.position": sample.positions,
        "info.blocked": sample.array("blocked"),
        "info.off_mask": sample.array("off_mask"),
        "timestamp": (frames / FPS).astype(np.float32),
        "frame_index": frames,
        "episode_index": np.full(steps, number),
        "index": index + frames,
        "task_index": np.full(steps, task),
    }


class _Writer:
    """What has been written of a data set so far."""

    def __init__(self, folder: Path, layout: Layout) -> None:
        self._folder = folder
        self._layout = layout
        self._features = features_of(layout)
        self._data = NumberedFiles(folder, f"data/{FILE_PATTERN}.parquet", FILE_MB, FILES_IN_CHUNK)
        self._rows = EpisodeRows(
            NumberedFiles(folder, f"meta/episodes/{FILE_PATTERN}.parquet", FILE_MB, FILES_IN_CHUNK)
        )
        self._all = AllTogether()
        self._tasks: dict[str, int] = {}
        self._scenarios: dict[str, None] = {}
        self._episodes = 0
        self.frames = 0

    def add(self, episode: Episode) -> None:
        task = self._tasks.setdefault(episode.task, len(self._tasks))
        self._scenarios[episode.scenario] = None
        columns = columns_of(episode, self._episodes, self.frames, task)
        statistics = {key: statistics_of(array, by_channel=key == MAP) for key, array in columns.items()}
        chunk, file = self._data.write(_table(columns, self._features))
        end = self.frames + episode.sample.timesteps
        self._rows.add(
            {
                "episode_index": self._episodes,
                "tasks": [episode.task],
                "length": episode.sample.timesteps,
                "data/chunk_index": chunk,
                "data/file_index": file,
                "dataset_from_index": self.frames,
                "dataset_to_index": end,
                **_identity(episode),
                **{f"final/{key}": _final(episode, key).tolist() for key in OBSERVATION},
            },
            statistics,
        )
        self._all.add(statistics)
        self._episodes, self.frames = self._episodes + 1, end

    def close(self) -> None:
        self._data.close()
        self._rows.close()

    def write_meta(self) -> None:
        import pyarrow.parquet as pq

        meta = self._folder / "meta"
        pq.write_table(tasks_table(list(self._tasks)), meta / "tasks.parquet", write_page_checksum=True)
        _write_json(meta / "stats.json", self._all.as_json())
        info = {
            "codebase_version": VERSION,
            "robot_type": "townlet",
            "total_episodes": self._episodes,
            "total_frames": self.frames,
            "total_tasks": len(self._tasks),
            "chunks_size": FILES_IN_CHUNK,
            "data_files_size_in_mb": FILE_MB,
            "video_files_size_in_mb": VIDEO_MB,
            "fps": FPS,
            "splits": {"train": f"0:{self._episodes}"},
            "data_path": f"data/{FILE_PATTERN}.parquet",
            "video_path": None,
            "features": self._features,
        }
        _write_json(meta / "info.json", info)
        facts = {
            "townlet_version": townlet.__version__,
            "scenarios": list(self._scenarios),
            "map_channels": self._layout.map_channels,
            "feature_names": self._layout.feature_names,
            "reward_term_names": self._layout.reward_term_names,
            "action_lookup": self._layout.action_lookup,
        }
        (meta / "townlet.json").write_text(canonical_json(facts), encoding="utf-8")


def _identity(episode: Episode) -> dict[str, Any]:
    """Columns of our own in the table of episodes, which LeRobot leaves alone."""
    facts = episode.facts
    known = facts.pop("bootstrap", None) is None
    return {**facts, "terminated": episode.terminated, "bootstrap_known": known}


def _final(episode: Episode, key: str) -> Array:
    """What is seen after the last step."""
    sample = episode.sample
    return {
        MAP: sample.final_map,
        "observation.state": sample.final_features,
        "observation.action_mask": sample.final_action_mask,
    }[key]


def _table(columns: Mapping[str, Array], features: Mapping[str, Feature]) -> pa.Table:
    import pyarrow as pa

    return pa.table(
        {
            key: list_column(array, features[key]["dtype"], features[key]["shape"])
            for key, array in columns.items()
        }
    )


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=4) + "\n", encoding="utf-8")

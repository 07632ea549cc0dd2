"""Data sets of Minari's, a scenario each: a step is a timestep, an episode a life with T + 1 observations.

Minari's own writer makes the files. An entry of `infos` comes with the observation of the same row, as Gymnasium's
`reset` and `step` return them: what is of step t stands in entry t + 1. docs/exports.md says how to read it.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
from townlet.dataset.export.new_folder import checked_target, new_folder
from townlet.dataset.format.manifest import safe_name
from townlet.dataset.reading.data_set import DataSet
from townlet.dataset.reading.layouts import Layout
from townlet.errors import UserError

INSTALL = "an export to Minari needs minari, which is not installed here: pip install 'townlet[offline-rl]'"

MOST_STEPS = 32_767  # Minari reads an episode's first batch; pyarrow makes batches of 32,768 observations
_NOT_IN_AN_ID = re.compile(r"[^-_A-Za-z0-9]")


def export_minari(
    data_set: DataSet,
    output: str | os.PathLike[str],
    watched: WatchedEpisodes = iter,
) -> list[ExportedEpisodes]:
    """Write a Minari data set for each scenario into a new folder, all at once or not at all.

    The folder is what MINARI_DATASETS_PATH names. Episodes are in the order of the index, and gone through by
    `watched`, scenario by scenario. Memory: a life. Raises UserError without minari and for a life that Minari could
    not read, OutputError where something of this name is there already or cannot be written, LayoutError where a
    scenario has two layouts.
    """
    target = checked_target("export_minari", data_set, output)
    _import("minari")
    chosen = {name: data_set.filter(scenario=name) for name in data_set.scenarios}
    ids = _dataset_ids(data_set.scenarios)
    layouts = {name: one.layout for name, one in chosen.items()}
    for name, one in chosen.items():
        _refuse_longer(Episodes(one), name)
    written = []
    with new_folder(target) as folder:
        for name, layout in layouts.items():
            episodes = Episodes(chosen[name])
            writer = _Writer(folder / ids[name] / "data", layout, name)
            for episode in watched(episodes):
                writer.add(episode)
            writer.finish(ids[name])
            size = size_of(folder / ids[name])
            written.append(ExportedEpisodes(ids[name], target / ids[name], len(episodes), writer.steps, size))
    return written


def spaces_of(layout: Layout) -> tuple[Any, Any]:
    """The observation space and the action space, as those of `townlet.env.TownParallelEnv`."""
    spaces = _import("gymnasium").spaces
    map_shape = (len(layout.map_channels), *layout.window)
    seen = {
        "map": spaces.Box(-np.inf, np.inf, map_shape, np.float32),
        "features": spaces.Box(-np.inf, np.inf, (len(layout.feature_names),), np.float32),
        "action_mask": spaces.Box(0, 1, (len(layout.actions),), np.int8),
    }
    return spaces.Dict(seen), spaces.Discrete(len(layout.actions))


def infos_of(episode: Episode) -> dict[str, Any]:
    """[T + 1, ...] Entry t came with observation t. 0 (False, -1) where there is nothing: before the first step.

    Of observation t: its tick, its value (the last is the bootstrap value), the agent's position (not known at the
    end). Of the step that led to it: log-prob, reward by term, arguments of the action, `blocked`, `off_mask`.
    Numbers are lists, since Minari cannot read one-dimensional arrays back.
    """
    sample = episode.sample
    ticks = np.append(sample.tick, sample.tick[-1] + 1)
    return {
        "tick": list(ticks),
        "value": list(sample.value_preds),
        "position": np.append(sample.positions, np.full((1, 2), -1, np.int16), axis=0),
        "log_prob": list(_of_step(sample.old_log_probs, 0)),
        "reward_terms": _of_step(sample.reward_terms, 0),
        "action_args": _of_step(sample.action_args, -1),
        "blocked": list(_of_step(sample.array("blocked"), False)),
        "off_mask": list(_of_step(sample.array("off_mask"), False)),
    }


def _of_step(array: Array, before: Any) -> Array:
    """An entry more than steps: the first comes from no step."""
    return np.append(np.full_like(array[:1], before), array, axis=0)


class _Writer:
    """One data set of Minari's, as far as it is written."""

    def __init__(self, folder: Path, layout: Layout, scenario: str) -> None:
        folder.mkdir(parents=True)
        storage = importlib.import_module("minari.dataset.minari_storage").MinariStorage
        self._buffer = importlib.import_module("minari.data_collector").EpisodeBuffer
        self._space, action_space = spaces_of(layout)
        self._storage = storage.new(
            folder, observation_space=self._space, action_space=action_space, data_format="arrow"
        )
        self._folder = folder
        self._layout = layout
        self._scenario = scenario
        self._policies: set[str] = set()
        self._seeds: dict[int, None] = {}
        self._description = ""
        self._episodes = 0
        self.steps = 0

    def add(self, episode: Episode) -> None:
        sample = episode.sample
        truncations = np.zeros(sample.timesteps, bool)
        truncations[-1] = not episode.terminated
        buffer = self._buffer(
            id=self._episodes,
            seed=episode.seed,
            observations=_observations(episode, self._space),
            actions=sample.actions,
            rewards=sample.rewards,
            terminations=sample.dones,
            truncations=truncations,
            infos=infos_of(episode),
        )
        with self._without_counting():
            self._storage.update_episodes([buffer])
            self._storage.update_episode_metadata([episode.facts], [self._episodes])
        self._policies.add(episode.facts["policy"])
        self._seeds[episode.seed] = None
        self._description = self._description or episode.task
        self._episodes += 1
        self.steps += sample.timesteps

    def finish(self, dataset_id: str) -> None:
        layout = self._layout
        facts = {
            "townlet_version": townlet.__version__,
            "scenario": self._scenario,
            "seeds": list(self._seeds),
            "map_channels": layout.map_channels,
            "feature_names": layout.feature_names,
            "reward_term_names": layout.reward_term_names,
            "action_lookup": layout.action_lookup,
        }
        self._storage.update_metadata(
            {
                "dataset_id": dataset_id,
                "minari_version": _import("minari").__version__,
                "algorithm_name": ", ".join(sorted(self._policies)),
                "description": self._description,
                "dataset_size": round(size_of(self._folder) / 1e6, 1),
                "townlet": facts,
            }
        )

    @contextlib.contextmanager
    def _without_counting(self) -> Iterator[None]:
        """Minari goes through all files after each episode, to add up their sizes: time grows with the square."""
        self._storage.get_size = lambda: 0.0
        try:
            yield
        finally:
            del self._storage.get_size


def _observations(episode: Episode, space: Any) -> dict[str, Array]:
    """[T + 1, ...] In the order of the space, which Minari reads them back by."""
    sample = episode.sample
    seen = {
        "map": (sample.map, sample.final_map),
        "features": (sample.features, sample.final_features),
        "action_mask": (sample.action_mask, sample.final_action_mask),
    }
    return {
        name: np.append(array, final[None], axis=0).astype(space[name].dtype)
        for name, (array, final) in ((name, seen[name]) for name in space.spaces)
    }


def _dataset_ids(scenarios: tuple[str, ...]) -> dict[str, str]:
    """Minari's id of each scenario: its name and a version. Names that Minari does not take get another.

    Raises OutputError for a name that would lead out of the folder.
    """
    ids = {}
    for name in scenarios:
        plain = _NOT_IN_AN_ID.sub("_", safe_name(name, "scenario"))
        if plain != name:
            plain += f"-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
        ids[name] = f"{plain}-v0"
    return ids


def _refuse_longer(episodes: Episodes, scenario: str) -> None:
    if episodes.longest > MOST_STEPS:
        raise UserError(
            f"{scenario}: has a life of {episodes.longest:,} steps, and Minari reads no episode of more than "
            f"{MOST_STEPS:,}; choose other runs, or export to lerobot or parquet"
        )


def _import(name: str) -> Any:
    """minari, or gymnasium, which it needs. Raises UserError where it is not installed."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in ("minari", "gymnasium"):
            raise
        raise UserError(INSTALL) from None

"""What the index of a data set says of runs and lives: no sample is read.

A life is all samples of one arrival number in a run. A run's return is the undiscounted reward of all lives in it, by
the agents it began with, as `townlet evaluate` counts it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from townlet.arrays import F64, I64, Bool
from townlet.dataset.reading.data_set import DataSet


@dataclass(frozen=True)
class Lives:
    """A row a life, of the runs of one scenario, by run and arrival."""

    run: I64  # [L]  which of `seeds`
    born: I64  # [L]  first tick
    ticks: I64  # [L]  that it lasted
    reward: F64  # [L]  undiscounted
    ended: Bool  # [L]  whether the episode ended in it: else it was still going on after the last tick

    def survival(self) -> tuple[I64, F64]:
        """The share that is still alive after so many ticks (Kaplan and Meier): who was alive at the end of its run
        counts as long as it was seen. Ticks at which the share falls, from 0 on, and the share from there on.
        """
        ticks, share, alive = [0], [1.0], 1.0
        for at in np.unique(self.ticks[self.ended]).tolist():
            died = int(np.count_nonzero(self.ended & (self.ticks == at)))
            alive *= 1.0 - died / int(np.count_nonzero(self.ticks >= at))
            ticks.append(at)
            share.append(alive)
        if len(self.ticks):
            ticks.append(int(self.ticks.max()))
            share.append(alive)
        return np.array(ticks, np.int64), np.array(share)


@dataclass(frozen=True)
class RunRows:
    """A row a run of one scenario, by seed."""

    seeds: tuple[int, ...]
    contents: tuple[str, ...]  # [R]  equal where two runs hold the same samples
    returns: F64  # [R]  of an agent
    ticks: I64  # [R]  the last tick that is stored, plus one
    ended: I64  # [R]  lives that ended
    frames: I64  # [R]
    refused: F64  # [R]  share of actions after which the agent saw that they did not succeed; NaN = not known
    clipped: F64  # [R]  share of timesteps whose reward was clipped; NaN = not known
    lives: Lives

    @property
    def distinct(self) -> int:
        """How many contents there are."""
        return len(set(self.contents))

    def first_of_each(self) -> list[int]:
        """The first run of each content."""
        found: dict[str, int] = {}
        for run, content in enumerate(self.contents):
            found.setdefault(content, run)
        return list(found.values())

    def best_median_worst(self) -> dict[str, int]:
        """Which runs to look at: by their return, of several alike the lowest seed; of each content one counts."""
        order = sorted(self.first_of_each(), key=lambda run: (-self.returns[run], self.seeds[run]))
        middle = order[(len(order) - 1) // 2]
        chosen = {"best": order[0], "median": middle, "worst": _first_like(order, self.returns)}
        return {
            what: run for k, (what, run) in enumerate(chosen.items()) if run not in [*chosen.values()][:k]
        }


def _first_like(order: Sequence[int], returns: F64) -> int:
    """The lowest seed among the worst."""
    return next(run for run in order if returns[run] == returns[order[-1]])


def run_rows(data_set: DataSet) -> RunRows:
    """Of a data set of one scenario."""
    columns = data_set.samples
    seeds = np.asarray(columns["seed"])
    known, run = np.unique(seeds, return_inverse=True)
    count = len(known)
    first, frames = np.asarray(columns["first_tick"], np.int64), np.asarray(columns["frame_count"], np.int64)
    rewards = np.asarray(columns["reward_sum"], np.float64)
    lives = _lives(
        run,
        np.asarray(columns["arrival"], np.int64),
        first,
        frames,
        rewards,
        np.asarray(columns["done"]).astype(bool),
    )
    began = np.zeros(count, np.int64)
    np.add.at(began, lives.run[lives.born == 0], 1)
    return RunRows(
        seeds=tuple(known.tolist()),
        contents=_contents(run, count, columns["content_digest"].tolist()),
        returns=np.bincount(lives.run, lives.reward, count) / np.maximum(began, 1),
        ticks=_highest(run, first + frames, count),
        ended=np.bincount(lives.run, lives.ended, count).astype(np.int64),
        frames=np.bincount(run, frames, count).astype(np.int64),
        refused=_share(run, frames, _column(data_set, "action_blocked_ratio"), count),
        clipped=_share(run, frames, _column(data_set, "reward_clip_ratio"), count),
        lives=lives,
    )


def _lives(run: I64, arrival: I64, first: I64, frames: I64, rewards: F64, done: Bool) -> Lives:
    keys, life = np.unique(np.stack([run, arrival], axis=1), axis=0, return_inverse=True)
    life, count = life.reshape(-1), len(keys)
    born = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(born, life, first)
    ended = np.zeros(count, bool)
    np.logical_or.at(ended, life, done)
    ticks = np.bincount(life, frames, count).astype(np.int64)
    reward = np.bincount(life, rewards, count).astype(np.float64)
    return Lives(keys[:, 0], born, ticks, reward, ended)


def _contents(run: I64, count: int, digests: Sequence[str]) -> tuple[str, ...]:
    found: list[list[str]] = [[] for _ in range(count)]
    for row, digest in zip(run.tolist(), digests, strict=True):
        found[row].append(digest)
    return tuple(" ".join(each) for each in found)


def _highest(run: I64, values: I64, count: int) -> I64:
    found = np.zeros(count, np.int64)
    np.maximum.at(found, run, values)
    return found


def _column(data_set: DataSet, name: str) -> F64 | None:
    try:
        return np.asarray(data_set.samples[name], np.float64)
    except KeyError:
        return None


def _share(run: I64, frames: I64, shares: F64 | None, count: int) -> F64:
    """[runs] shares of samples, by their timesteps."""
    if shares is None:
        return np.full(count, np.nan)
    return np.bincount(run, shares * frames, count) / np.maximum(np.bincount(run, frames, count), 1)

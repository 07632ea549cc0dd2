"""Play a run: its rollout as frame groups, one an agent's life and segment, a segment at a time."""

from __future__ import annotations

import functools
import json
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from townlet.config.load import Resolved
from townlet.errors import TownletError, UserError
from townlet.generator.generate import Built, build
from townlet.policy.registry import tables
from townlet.policy.uniform import log_table
from townlet.rollout.kernels import Frames, PolicyTables, frames, play_segment, waiting_actions
from townlet.run import RULES_VERSION, Run, SampleKey
from townlet.samples import FrameGroup
from townlet.world.invariants import violations
from townlet.world.state import POLICY_NEEDS, TERMS

TIME_MAJOR = (
    "map", "features", "actions", "old_log_probs", "value_preds", "rewards", "dones", "action_args", "action_mask",
    "reward_terms", "positions",
)  # fmt: skip


class InvariantError(TownletError):
    """The simulation broke a rule of its own: a bug. `--check` finds it, with the tick at which it happened."""


def resolved_of(run: Run) -> Resolved:
    """The resolved config that a run carries."""
    return _resolved(run.config_json)


@functools.lru_cache(maxsize=4)
def _resolved(config_json: str) -> Resolved:
    """Frozen, and so shared by the runs of one config."""
    return Resolved.from_json_dict(json.loads(config_json))


def build_run(run: Run) -> Built:
    """The world of a run at tick zero."""
    return build(resolved_of(run), seed=run.seed, policy=run.policy, ignore_schedules=run.ignore_schedules)


def deciders(built: Built) -> PolicyTables:
    """The built-in policies' tables for a world."""
    return PolicyTables(tables(built), log_table(built.catalogue.dim))


def frame_bytes(built: Built) -> int:
    """Bytes of the frames that one tick of a built run takes, over all agents."""
    one = frames(1, 1, built.layout, built.catalogue.dim)
    return len(built.names.agents) * sum(array[0, 0].nbytes for array in one)


@dataclass
class AgentRegistry:
    """Who has ever lived, by arrival number: names of newcomers follow from the row that they took over."""

    rows: tuple[str, ...]  # the rows' first occupants
    names: list[str] = field(default_factory=list)  # by arrival number, less one
    born: list[int] = field(default_factory=list)
    scripted: list[bool] = field(default_factory=list)

    @classmethod
    def of(cls, built: Built) -> AgentRegistry:
        scripted = built.params.people.script_end > built.params.people.script_first
        rows = built.names.agents
        return cls(rows, list(rows), [0] * len(rows), [bool(some) for some in scripted])

    def note(self, arrival: np.ndarray, first_tick: int) -> None:
        """Name the newcomers in `arrival` [A, slots], whose slot 0 is `first_tick`, in the order of their numbers."""
        rows, slots = np.nonzero(arrival > len(self.names))
        seen: dict[int, tuple[int, int]] = {}
        for row, slot in zip(rows.tolist(), slots.tolist(), strict=True):
            number = int(arrival[row, slot])
            if number not in seen or slot < seen[number][1]:
                seen[number] = (row, slot)
        for number in sorted(seen):
            row, slot = seen[number]
            self.names.append(self._free_name(self.rows[row]))
            self.born.append(first_tick + slot)
            self.scripted.append(False)

    def _free_name(self, base: str) -> str:
        taken = {name.casefold() for name in self.names}
        number = 2
        while True:
            suffix = f"-{number}"
            name = base[: 64 - len(suffix)] + suffix
            if name.casefold() not in taken:
                return name
            number += 1


class BufferPool(threading.local):
    """Segment buffers that are used again by the thread's next run, unless somebody still holds frames in them.

    Fresh memory costs a page fault every 4 kB, more than simulating what is written there.
    """

    def __init__(self) -> None:
        self._kept: Frames | None = None

    def take(self, agents: int, ticks: int, built: Built) -> Frames:
        kept = self._kept
        if kept is not None and self._fits(kept, agents, ticks, built) and self._free(kept):
            return kept
        kept = self._kept = None  # before the next one is there
        self._kept = frames(agents, ticks, built.layout, built.catalogue.dim)
        return self._kept

    @staticmethod
    def _fits(kept: Frames, agents: int, ticks: int, built: Built) -> bool:
        return (
            kept.actions.shape == (agents, ticks)
            and kept.map.shape[2:] == tuple(built.layout.map_shape)
            and kept.features.shape[2] == len(built.layout.feature_names)
            and kept.action_mask.shape[2] == built.catalogue.dim
        )

    @staticmethod
    def _free(kept: Frames) -> bool:
        """Nobody but this pool refers to a buffer (a view of one refers to it)."""
        return all(sys.getrefcount(kept[i]) <= 2 for i in range(len(kept)))


_pool = BufferPool()


def play_segments(built: Built, run: Run) -> Iterator[tuple[int, int, Frames]]:
    """Play a run: `(segment, first tick, frames)` after each segment. The last may be shorter."""
    known, choice = deciders(built), waiting_actions(len(built.names.agents))
    length = run.segment_ticks or run.ticks
    for segment, start in enumerate(range(0, run.ticks, length)):
        ticks = min(length, run.ticks - start)
        out = _pool.take(len(built.names.agents), ticks, built)
        if not run.check:
            play_segment(built.world, built.params, built.observation, known, choice, out, 0, ticks)
        else:
            for t in range(ticks):
                play_segment(built.world, built.params, built.observation, known, choice, out, t, 1)
                broken = violations(built.world, built.params)
                if broken:
                    raise InvariantError(f"{run.label()}: after tick {start + t}: " + "; ".join(broken))
        yield segment, start, out
        del out


def play(run: Run) -> Iterator[tuple[SampleKey, FrameGroup]]:
    """Play `run` and yield each life's frames of each segment, in the order of arrival.

    The arrays of a group may be views of buffers that are used again once nobody refers to them. Raises UserError
    where the config cannot be played, or where `run.agent` matches nobody.
    """
    built = build_run(run)
    census = AgentRegistry.of(built)
    facts = static_facts(built, run)
    found = run.agent is None
    for segment, start, out in play_segments(built, run):
        census.note(out.arrival, start)
        last = start + out.actions.shape[1] == run.ticks
        for row, t0, t1 in episodes(out.arrival):
            arrival = int(out.arrival[row, t0])
            name = census.names[arrival - 1]
            if run.agent is not None and name != run.agent:
                continue
            found = True
            key = SampleKey(run.name, run.seed, arrival, name, segment)
            yield key, frame_group(built, census, facts, out, row, t0, t1, start, segment, last)
        del out  # so that a shorter last segment does not stand beside it
    if not found:
        known = ", ".join(census.names)
        raise UserError(f"agent filter {run.agent!r} matches nobody; the agents of this run are {known}")


def episodes(arrival: np.ndarray) -> list[tuple[int, int, int]]:
    """`(row, first slot, end slot)` of every life with a frame in `arrival` [A, T + 1], by arrival number."""
    found = []
    for row in range(arrival.shape[0]):
        line = arrival[row, :-1]
        edges = np.flatnonzero(np.diff(line)) + 1
        bounds = [0, *edges.tolist(), len(line)]
        found += [(int(line[a]), row, a, b) for a, b in pairwise(bounds) if line[a] > 0]
    return [(row, a, b) for _, row, a, b in sorted(found)]


def static_facts(built: Built, run: Run) -> dict[str, Any]:
    """What every sample of a run says of itself."""
    config = resolved_of(run).config
    scenario = config.scenario
    return {
        "feature_names": list(built.layout.feature_names),
        "map_channels": list(built.layout.map_channels),
        "action_lookup": dict(built.catalogue.lookup),
        "reward_term_names": list(TERMS),
        "object_names": list(built.names.objects),
        "gamma": float(built.params.rewards.gamma[0]),
        "capture_metadata": {
            "config_id": config.config_id,
            "config_path": run.config_path,
            "scenario_name": run.name,
            "scenario_description": scenario.description if scenario else "",
            "seed": run.seed,
            "ticks": run.ticks,
            "fingerprint": run.fingerprint,
            "rules_version": RULES_VERSION,
        },
    }


def policy_facts(built: Built, row: int, scripted: bool) -> dict[str, Any]:
    """The sample's `policy`: who acted, and where log-probs and values come from."""
    needs = built.params.people.policy[row] == POLICY_NEEDS
    kind = "scripted" if scripted else "needs" if needs else "uniform"
    source = "uniform over the mask" if kind == "uniform" else "deterministic"
    return {"kind": kind, "digest": None, "log_prob_source": source, "value_source": "none"}


def frame_group(
    built: Built, census: AgentRegistry, facts: dict[str, Any], out: Frames, row: int, t0: int, t1: int, start: int,
    segment: int, last: bool,
) -> FrameGroup:  # fmt: skip
    """The frames of the life on `row` from slot t0 to t1, and what was seen behind the last."""
    arrays = {name: getattr(out, name)[row, t0:t1] for name in TIME_MAJOR}
    arrays["tick"] = np.arange(start + t0, start + t1, dtype=np.int32)
    arrival = int(out.arrival[row, t0])
    done = bool(out.dones[row, t1 - 1])
    final = {
        "final_map": out.map[row, t1], "final_features": out.features[row, t1],
        "final_action_mask": out.action_mask[row, t1], "final_value": float(out.value_preds[row, t1]),
    }  # fmt: skip
    metadata = {
        **facts,
        "agent_id": census.names[arrival - 1],
        "agent_index": arrival,
        "agent_names": list(census.names),
        "policy": policy_facts(built, row, census.scripted[arrival - 1]),
        "truncated": last and not done,
        "segment": {"index": segment, "last": last or done},
        "first_tick": start + t0,
        "born_tick": census.born[arrival - 1],
        "label_mismatch_count": int(out.mismatch[row, t0:t1].sum()),
    }
    return FrameGroup(arrays, final, metadata)


__all__ = ["InvariantError", "build_run", "episodes", "frame_bytes", "play"]

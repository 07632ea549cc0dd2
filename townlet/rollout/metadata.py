"""What a sample says of itself: the one place where frames become a group with metadata."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from townlet.config.schema import Config
from townlet.generator.generate import GeneratedWorld
from townlet.policy.base import PolicyInfo
from townlet.policy.registry import STEERED, STEERED_BY_ACTIONS, mixed
from townlet.rollout.agents import AgentRegistry
from townlet.rollout.buffers import DECIDED, TIME_MAJOR, Frames
from townlet.run import RULES_VERSION, Run
from townlet.samples import BOOTSTRAP_UNKNOWN, OPTIONAL_ARRAYS, FrameGroup
from townlet.world.state import TERMS


def static_facts(generated: GeneratedWorld, config: Config, run: Run) -> dict[str, Any]:
    """What every sample of a run says of itself."""
    scenario = config.scenario
    return {
        "feature_names": list(generated.layout.feature_names),
        "map_channels": list(generated.layout.map_channels),
        "action_lookup": dict(generated.action_space.lookup),
        "reward_term_names": list(TERMS),
        "object_names": list(generated.names.objects),
        "seed": run.seed,
        "seed_text": str(run.seed),  # where readers of JSON take large numbers for floats
        "gamma": float(generated.params.rewards.gamma[0]),
        "capture_metadata": {
            "config_id": config.config_id,
            "config_path": run.config_path,
            "scenario_name": run.name,
            "scenario_description": scenario.description if scenario else "",
            "seed": run.seed,
            "seed_text": str(run.seed),
            "ticks": run.ticks,
            "fingerprint": run.fingerprint,
            "rules_version": RULES_VERSION,
            **({} if run.branch is None else {"branch": run.branch.facts()}),
        },
    }


@dataclass(frozen=True)
class Episode:
    """The frames of one life in one segment's buffers."""

    row: int
    first: int  # slot
    end: int  # slot
    segment: int = 0
    last: bool = True  # the run's last segment, or its last so far
    bootstrap_known: bool = True


def frame_group(
    out: Frames,
    start: int,
    episode: Episode,
    registry: AgentRegistry,
    facts: dict[str, Any],
    policy_of: Callable[[int, int, int, int], PolicyInfo],
) -> FrameGroup:
    """The frames of a life in `out`, whose slot 0 is tick `start`, and what was seen behind the last of them.

    `policy_of(row, arrival number, first tick, end tick)` says who acts where no caller does. The arrays are views of
    `out`.
    """
    row, t0, t1 = episode.row, episode.first, episode.end
    arrays = {name: getattr(out, name)[row, t0:t1] for name in TIME_MAJOR}
    arrays |= {name: getattr(out, name)[row, t0:t1] for name in OPTIONAL_ARRAYS}
    arrays["tick"] = np.arange(start + t0, start + t1, dtype=np.int32)
    arrival = int(out.arrival[row, t0])
    done = bool(out.dones[row, t1 - 1])
    final = {
        "final_map": out.map[row, t1], "final_features": out.features[row, t1],
        "final_action_mask": out.action_mask[row, t1], "final_value": float(out.value_preds[row, t1]),
    }  # fmt: skip
    metadata = {
        **facts,
        "agent_id": registry.names[arrival - 1],
        "agent_index": arrival,
        "agent_names": list(registry.names),
        "policy": _acted(
            out.given[row, t0:t1], lambda: policy_of(row, arrival, start + t0, start + t1)
        ).facts(),
        "truncated": episode.last and not done,
        "segment": {"index": episode.segment, "last": episode.last or done},
        "first_tick": start + t0,
        "born_tick": registry.born[arrival - 1],
        "label_mismatch_count": int(out.mismatch[row, t0:t1].sum()),
    }
    if not done and not episode.bootstrap_known:
        metadata["bootstrap"] = BOOTSTRAP_UNKNOWN
    return FrameGroup(arrays, final, metadata)


def _acted(given: np.ndarray, own: Callable[[], PolicyInfo]) -> PolicyInfo:
    """Who acted in these timesteps: a caller where `given`, else the agent's schedule or policy (`own`)."""
    times = int((given != 0).sum())
    caller = STEERED if (given == DECIDED).any() else STEERED_BY_ACTIONS
    if times == len(given):
        return caller
    return mixed({caller: times, own(): len(given) - times}) if times else own()

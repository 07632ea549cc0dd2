"""Frames as mappings, one a tick of an agent, as `PolicyRuntime` hands them over; and the sample that they make."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from townlet.samples import (
    ARRAYS,
    FINAL_ARRAYS,
    GROUP_ARRAYS,
    OPTIONAL_ARRAYS,
    FrameGroup,
    ReplaySample,
    SampleError,
    stack_groups,
)

# Frame key -> array, where the two differ.
FRAME_KEYS = {
    "actions": "action_id",
    "old_log_probs": "log_prob",
    "value_preds": "value",
    "rewards": "reward",
    "dones": "done",
    "positions": "position",
}


def frames_to_replay_sample(frames: Sequence[Mapping[str, Any]]) -> ReplaySample:
    """Stack the frames of one agent, as `PolicyRuntime.collect_trajectory(agent_id)` hands them over.

    The latest frame carries `final_map`, `final_features`, `final_action_mask`, `final_value`, and under
    `info` the facts that do not change from frame to frame (names, policy, what was captured). Gives the same
    bytes as `stack_groups` of the same frames. Raises SampleError for frames of two agents, for gaps, and for
    an action whose id is not in the action space.
    """
    ordered = _ordered(frames)
    latest = ordered[-1]
    agents = sorted({str(frame["agent_id"]) for frame in ordered})
    if len(agents) > 1:
        raise SampleError(f"expected the frames of one agent, found those of {', '.join(agents)}")
    missing = [key for key in (*FINAL_ARRAYS, "final_value", "info") if key not in latest]
    if missing:
        raise SampleError(f"the latest frame (tick {latest['tick']}) lacks {', '.join(missing)}")
    info = _checked_info(latest["info"])
    _check_frame_actions(ordered, info["action_lookup"])
    arrays = {
        name: _array_of([frame[FRAME_KEYS.get(name, name)] for frame in ordered], ARRAYS[name].dtype, name)
        for name in GROUP_ARRAYS
    }
    for name, spec in OPTIONAL_ARRAYS.items():
        if any(name in frame for frame in ordered):
            values = [frame.get(name, spec.dtype.type(0)) for frame in ordered]
            arrays[name] = _array_of(values, spec.dtype, name)
    final: dict[str, Any] = {name: _array_of(latest[name], ARRAYS[name].dtype, name) for name in FINAL_ARRAYS}
    final["final_value"] = _array_of(latest["final_value"], ARRAYS["value_preds"].dtype, "final_value")
    info.setdefault("agent_id", agents[0])
    return stack_groups([FrameGroup(arrays, final, info)], deep=True)


_EVERY_FRAME = (
    "tick",
    "agent_id",
    "action",
    *(FRAME_KEYS.get(name, name) for name in GROUP_ARRAYS if name != "tick"),
)


def _ordered(frames: Any) -> list[Mapping[str, Any]]:
    """Frames in the order of time, all of them with the keys of a frame."""
    if isinstance(frames, (str, bytes, Mapping)) or not isinstance(frames, Iterable):
        raise SampleError(f"expected a list of frames, found {type(frames).__name__}")
    found = list(frames)
    if not found:
        raise SampleError("expected at least one frame, found none")
    for index, frame in enumerate(found):
        if not isinstance(frame, Mapping):
            raise SampleError(f"frames[{index}]: expected a mapping, found {type(frame).__name__}")
        missing = [key for key in _EVERY_FRAME if key not in frame]
        if missing:
            raise SampleError(f"frames[{index}] lacks {', '.join(missing)}")
        if not isinstance(frame["tick"], numbers.Integral) or isinstance(frame["tick"], bool):
            raise SampleError(f"frames[{index}]: tick: expected a whole number, found {frame['tick']!r}")
    return sorted(found, key=lambda frame: int(frame["tick"]))


def _array_of(values: Any, dtype: np.dtype, name: str) -> np.ndarray:
    """`values` in the sample's type, where that changes no number. Raises SampleError where it would."""
    try:
        found = np.asarray(values)
    except (TypeError, ValueError):  # rows of different shapes
        raise SampleError(f"{name}: expected rows of one shape") from None
    if found.dtype.kind not in {"f": "fiu", "i": "iu", "b": "b"}[dtype.kind]:
        raise SampleError(f"{name}: expected {dtype}, found {found.dtype}")
    with np.errstate(over="ignore"):
        cast = found.astype(dtype)
    if dtype.kind == "i" and (cast != found).any():
        raise SampleError(f"{name}: expected {dtype}, found {found.max()}")
    return cast


def _checked_info(info: Any) -> dict[str, Any]:
    if not isinstance(info, Mapping) or not isinstance(info.get("action_lookup"), Mapping):
        raise SampleError("info: expected a mapping with `action_lookup`, as `collect_trajectory` gives it")
    return dict(info)


def _check_frame_actions(frames: Sequence[Mapping[str, Any]], lookup: Mapping[str, int]) -> None:
    for frame in frames:
        expected = lookup.get(frame["action"]) if isinstance(frame["action"], str) else None
        if expected is None or expected != frame["action_id"]:
            raise SampleError(
                f"tick {frame['tick']}: action {frame['action']} has id {expected} in action_lookup, "
                f"found action_id {frame['action_id']}"
            )

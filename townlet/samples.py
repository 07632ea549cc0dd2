"""Replay samples: what one agent saw, did and got, as the arrays that a trainer reads.

A *frame* is one tick of one agent, a *frame group* is consecutive frames as arrays, a *replay sample* is
a frame group plus what was seen, and valued, after its last step. Frame t holds the observation *before*
action t, the reward *for* action t, and whether the episode ended there.

Axes: T timesteps, C map channels, H x W map window, F features, A actions, K reward terms.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import InitVar, dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import xxhash

from townlet.arguments import no_such, place_of
from townlet.errors import UserError
from townlet.notebook import Shown, facts_of_sample, of, timesteps_table
from townlet.run import FORMAT_VERSION, canonical_json


class SampleError(UserError, ValueError):
    """Frames or arrays that make no sample: the message says which, what was expected and what was found."""


TRAINING_ARRAYS = ("actions", "old_log_probs", "rewards", "dones", "value_preds")


class ArraySpec(NamedTuple):
    """dtype and axes of one array; a letter is a size that all arrays of a sample agree on."""

    dtype: np.dtype
    axes: tuple[str | int, ...]


def _spec(dtype: str, *axes: str | int) -> ArraySpec:
    return ArraySpec(np.dtype(dtype), axes)


ARRAYS: Mapping[str, ArraySpec] = MappingProxyType(
    {
        "map": _spec("<f4", "T", "C", "H", "W"),  # seen before acting
        "features": _spec("<f4", "T", "F"),  # seen before acting
        "actions": _spec("<i8", "T"),  # ids of the action space
        "old_log_probs": _spec("<f4", "T"),  # natural log, of the policy that acted
        "value_preds": _spec("<f4", "T+1"),  # the last is the bootstrap value
        "rewards": _spec("<f4", "T"),  # for the action of the same row
        "dones": _spec("|b1", "T"),  # termination; a cut is metadata["truncated"]
        "tick": _spec("<i4", "T"),
        "action_args": _spec("<f4", "T", 3),  # object, target, quality; -1 = none
        "action_mask": _spec("|b1", "T", "A"),  # legal to attempt; the action taken is always set
        "reward_terms": _spec("<f4", "T", "K"),  # they sum to the reward
        "positions": _spec("<i2", "T", 2),  # x, y before acting
        "final_map": _spec("<f4", "C", "H", "W"),  # seen after the last step
        "final_features": _spec("<f4", "F"),
        "final_action_mask": _spec("|b1", "A"),
    }
)

# A sample has one of these only where it says something; without it, all of it is 0 (False). So samples of which
# nothing is to be said, and those that were written before there were any, keep their bytes and content digests.
OPTIONAL_ARRAYS: Mapping[str, ArraySpec] = MappingProxyType(
    {
        "blocked": _spec(
            "|b1", "T"
        ),  # the label of a schedule's author: this attempt is expected to be refused
        "off_mask": _spec("|b1", "T"),  # the mask that was seen did not allow the action taken
    }
)

ALL_ARRAYS: Mapping[str, ArraySpec] = MappingProxyType(
    {**ARRAYS, **OPTIONAL_ARRAYS}
)  # in the order of the file

# What metadata["bootstrap"] says where the last of `value_preds` is 0 because nobody knows it: a caller acted, and its
# critic was not asked. Where it is known, a sample does not speak of it.
BOOTSTRAP_UNKNOWN = "unknown"

GROUP_ARRAYS = tuple(name for name in ARRAYS if not name.startswith("final_"))
FINAL_ARRAYS = tuple(name for name in ARRAYS if name.startswith("final_"))


@dataclass(frozen=True, eq=False, repr=False)
class FrameGroup(Shown):
    """Consecutive frames of one agent, as time-major arrays (`GROUP_ARRAYS`, `value_preds` still (T,), and any of
    `OPTIONAL_ARRAYS`).

    The arrays may be views of buffers that the simulation uses again: stack and write a group before
    asking for the next one.
    """

    arrays: dict[str, np.ndarray]
    final: dict[str, Any] | None  # FINAL_ARRAYS and final_value; None: another group of the segment follows
    metadata: dict[str, Any]  # what does not change from frame to frame

    @property
    def timesteps(self) -> int:
        return len(self.arrays["tick"])

    def _facts(self) -> dict[str, Any]:
        return {"of": self.metadata.get("agent_id"), "with": of(self.timesteps, "timestep")}


@dataclass(frozen=True, eq=False)
class ReplaySample(Shown):
    """One agent's frames of one segment, ready for a trainer. Shapes and dtypes: `ARRAYS`, `OPTIONAL_ARRAYS`.

    Raises SampleError, naming the array, what was expected and what was found, for anything that a trainer
    would trip over: a missing or misshapen array, a wrong dtype, a gap in the ticks, an action outside the
    action space or its mask, a `done` before the end, a number that is not finite. `deep=False` leaves out the
    search of `map` for such numbers, as the capture does for maps that its own encoder has just drawn: it
    would cost a fifth of the writing.

    `metadata` gains the facts that follow from the arrays (`timesteps`, `map_shape`, `layout_digest`, ...);
    where it states them already, they must agree.
    """

    map: np.ndarray
    features: np.ndarray
    actions: np.ndarray
    old_log_probs: np.ndarray
    value_preds: np.ndarray
    rewards: np.ndarray
    dones: np.ndarray
    tick: np.ndarray
    action_args: np.ndarray
    action_mask: np.ndarray
    reward_terms: np.ndarray
    positions: np.ndarray
    final_map: np.ndarray
    final_features: np.ndarray
    final_action_mask: np.ndarray
    metadata: dict[str, Any]
    deep: InitVar[bool] = True
    blocked: np.ndarray | None = None
    off_mask: np.ndarray | None = None

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any], *, deep: bool = True
    ) -> ReplaySample:
        """Of arrays by name. Raises SampleError as the class does, also for a name too few or too many."""
        if not set(ARRAYS) <= set(arrays) <= set(ALL_ARRAYS):
            raise SampleError(f"expected the arrays {', '.join(ARRAYS)}; found {', '.join(arrays)}")
        optional = {name: arrays[name] for name in OPTIONAL_ARRAYS if name in arrays}
        return cls(*(arrays[name] for name in ARRAYS), metadata=dict(metadata), deep=deep, **optional)

    def __post_init__(self, deep: bool) -> None:
        arrays = self.arrays()
        sizes = _checked_sizes(arrays)
        _check_values(arrays, deep)
        object.__setattr__(self, "metadata", _completed_metadata(self.metadata, arrays, sizes))

    def arrays(self) -> dict[str, np.ndarray]:
        """All arrays that it has, in the order of the file."""
        own = {name: getattr(self, name) for name in ALL_ARRAYS}
        return {name: array for name, array in own.items() if name in ARRAYS or array is not None}

    def array(self, name: str) -> np.ndarray:
        """An array by name; zeros (False) for an optional one that the sample does not have. Raises NoSuchName."""
        if name not in ALL_ARRAYS:
            raise no_such("array", name, ALL_ARRAYS)
        found = getattr(self, name)
        if found is None:
            return np.zeros(self.timesteps, OPTIONAL_ARRAYS[name].dtype)
        return found

    def feature(self, name: str) -> np.ndarray:
        """[T] a feature by name. Raises NoSuchName, with the nearest one."""
        return self.features[:, place_of("feature", name, self.metadata["feature_names"])]

    def reward_term(self, name: str) -> np.ndarray:
        """[T] what one term gave of the reward. Raises NoSuchName, with the nearest one."""
        return self.reward_terms[:, place_of("reward term", name, self.metadata["reward_term_names"])]

    def to_pandas(self) -> Any:
        """A DataFrame, a row a timestep; no maps and no masks. Raises UserError without pandas."""
        return timesteps_table(self.arrays(), self.metadata, {"agent_id": self.agent_id})

    @property
    def timesteps(self) -> int:
        return len(self.tick)

    @property
    def agent_id(self) -> str:
        return self.metadata["agent_id"]

    @property
    def layout_digest(self) -> str:
        """Of all names and shapes but T: samples with equal digests can be batched."""
        return self.metadata["layout_digest"]

    def content_digest(self) -> str:
        """SHA-256 (hex) of names, dtypes, shapes and bytes: equal on every machine, however compressed."""
        return content_digest(
            (name, array.dtype.str, array.shape, array_digest(array)) for name, array in self.arrays().items()
        )

    def __repr__(self) -> str:
        return (
            f"ReplaySample({self.metadata.get('agent_id')!r}, timesteps={self.timesteps}, "
            f"map={self.map.shape[1:]}, features={self.features.shape[1]})"
        )

    def _facts(self) -> dict[str, Any]:
        return facts_of_sample(self.arrays(), self.metadata)


def array_digest(array: np.ndarray) -> str:
    """XXH3-128 (hex) of an array's bytes in C order."""
    return xxhash.xxh3_128_hexdigest(np.ascontiguousarray(array).data)


def content_digest(listing: Iterable[tuple[str, str, tuple[int, ...], str]]) -> str:
    """SHA-256 (hex) of (name, dtype, shape, `array_digest`) of arrays, in the order given."""
    lines = [f"{name} {dtype} {','.join(map(str, shape))} {array}\n" for name, dtype, shape, array in listing]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def stack_groups(groups: Sequence[FrameGroup], *, deep: bool = False) -> ReplaySample:
    """Join the groups of one agent and segment, given in any order, into one sample.

    The latest group says what follows the last step, and its metadata is the sample's (label mismatches are
    added up). One group is taken as it is: its big arrays are not copied. Raises SampleError where ticks are
    missing or doubled, or where the latest group has no `final`.
    """
    if not groups:
        raise SampleError("expected at least one frame group, found none")
    ordered = sorted(groups, key=lambda group: int(group.arrays["tick"][0]))
    latest = ordered[-1]
    if latest.final is None:
        last_tick = latest.arrays["tick"][-1]
        raise SampleError(f"the group that ends at tick {last_tick} has no `final`: frames are missing")
    if len(ordered) == 1:
        arrays = {name: latest.arrays[name] for name in GROUP_ARRAYS}
    else:
        arrays = {name: np.concatenate([group.arrays[name] for group in ordered]) for name in GROUP_ARRAYS}
    bootstrap = np.asarray([latest.final["final_value"]], dtype=arrays["value_preds"].dtype)
    arrays["value_preds"] = np.concatenate([arrays["value_preds"], bootstrap])
    metadata = dict(latest.metadata)
    metadata["first_tick"] = int(arrays["tick"][0])
    metadata["label_mismatch_count"] = sum(group.metadata.get("label_mismatch_count", 0) for group in ordered)
    arrays |= {name: latest.final[name] for name in FINAL_ARRAYS}
    arrays |= joined_optional([group.arrays for group in ordered])
    return ReplaySample.from_arrays(arrays, metadata, deep=deep)


def joined_optional(parts: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The optional arrays of consecutive parts (each with its `tick`) joined, as far as they say anything.

    A part without one of them has zeros there.
    """
    found = {}
    for name, spec in OPTIONAL_ARRAYS.items():
        if any(name in part and part[name].any() for part in parts):
            pieces = [
                part[name] if name in part else np.zeros(len(part["tick"]), spec.dtype) for part in parts
            ]
            found[name] = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
    return found


def _checked_sizes(arrays: Mapping[str, np.ndarray]) -> dict[str, int]:
    """The size of each axis letter, once every array has the dtype and the shape of the table."""
    sizes: dict[str, int] = {}
    for name, spec in ALL_ARRAYS.items():
        if name not in arrays:
            continue
        array = arrays[name]
        if not isinstance(array, np.ndarray):
            raise SampleError(f"{name}: expected an array, found {type(array).__name__}")
        if array.dtype != spec.dtype:
            raise SampleError(f"{name}: expected dtype {spec.dtype}, found {array.dtype}")
        if array.ndim != len(spec.axes):
            raise SampleError(f"{name}: expected axes {_axes_text(spec)}, found shape {array.shape}")
        for axis, found in zip(spec.axes, array.shape, strict=True):
            expected = _expected_size(axis, found, sizes)
            if found != expected:
                wanted = f"{_axes_text(spec)} with {axis} = {expected}"
                raise SampleError(f"{name}: expected axes {wanted}, found shape {array.shape}")
    if sizes["T"] < 1:
        raise SampleError("expected at least one timestep, found none")
    return sizes


def _expected_size(axis: str | int, found: int, sizes: dict[str, int]) -> int:
    """What this axis has to be; the first array that has a letter decides its size."""
    if isinstance(axis, int):
        return axis
    return sizes["T"] + 1 if axis == "T+1" else sizes.setdefault(axis, found)


def _axes_text(spec: ArraySpec) -> str:
    return f"({', '.join(map(str, spec.axes))})"


def _check_values(arrays: Mapping[str, np.ndarray], deep: bool) -> None:
    tick, actions, mask, dones = (arrays[name] for name in ("tick", "actions", "action_mask", "dones"))
    if tick[0] < 0 or (np.diff(tick) != 1).any():
        raise SampleError(f"tick: expected consecutive ticks from 0 on, found {_first_gap(tick)}")
    if actions.min() < 0 or actions.max() >= mask.shape[1]:
        found = f"{actions.min()}..{actions.max()}"
        raise SampleError(f"actions: expected ids in 0..{mask.shape[1] - 1}, found {found}")
    legal = mask[np.arange(len(actions)), actions]
    if not legal.all():
        row = int(np.argmin(legal))
        raise SampleError(f"action_mask: the action taken at row {row} (id {actions[row]}) is not set")
    if dones[:-1].any():
        raise SampleError(
            f"dones: expected the episode to end at the last row only, found {int(np.argmax(dones))}"
        )
    if dones[-1] and arrays["value_preds"][-1] != 0:
        raise SampleError("value_preds: expected a bootstrap value of 0 where the episode ended")
    for name, array in arrays.items():
        if array.dtype.kind == "f" and (deep or name != "map") and not _all_finite(array):
            where = np.argwhere(~np.isfinite(array))[0].tolist()
            raise SampleError(f"{name}: expected finite numbers, found {array[tuple(where)]} at {where}")
    if (likeliest := arrays["old_log_probs"].max()) > 1e-6:
        raise SampleError(f"old_log_probs: expected logs of probabilities (<= 0), found {likeliest}")


def _all_finite(array: np.ndarray) -> bool:
    # A sum is finite only if every term is, and costs a fifth of np.isfinite; finite terms may overflow it.
    with np.errstate(over="ignore", invalid="ignore"):
        total = array.sum()
    return bool(np.isfinite(total)) or bool(np.isfinite(array).all())


def _first_gap(tick: np.ndarray) -> str:
    gaps = np.flatnonzero(np.diff(tick) != 1)
    return f"{tick[gaps[0]]} before {tick[gaps[0] + 1]}" if len(gaps) else f"{tick[0]}"


def _completed_metadata(
    metadata: Mapping[str, Any], arrays: Mapping[str, np.ndarray], sizes: Mapping[str, int]
) -> dict[str, Any]:
    missing = [key for key in ("agent_id", *_NAME_LISTS, "action_lookup") if key not in metadata]
    if missing:
        raise SampleError(f"metadata lacks {', '.join(missing)}")
    names = [tuple(metadata[key]) for key in _NAME_LISTS]
    lookup = tuple(metadata["action_lookup"].items())
    facts = {
        "timesteps": sizes["T"],
        "frame_count": sizes["T"],
        "value_pred_steps": sizes["T"] + 1,
        "training_arrays": list(TRAINING_ARRAYS),
        "map_shape": [sizes["C"], sizes["H"], sizes["W"]],
        "action_dim": sizes["A"],
        "action_names": sorted(metadata["action_lookup"], key=metadata["action_lookup"].__getitem__),
        "first_tick": int(arrays["tick"][0]),
        "layout_digest": _layout_digest(*names, lookup, tuple((axis, sizes[axis]) for axis in "CHWFAK")),
        "format_version": FORMAT_VERSION,
    }
    for key, value in facts.items():
        stated = metadata.get(key, value)
        if (list(stated) if isinstance(stated, tuple) else stated) != value:
            raise SampleError(f"metadata[{key!r}]: expected {value!r} (of the arrays), found {stated!r}")
    return {**metadata, **facts}


_NAME_LISTS = {"feature_names": "F", "map_channels": "C", "reward_term_names": "K"}  # key -> axis


@lru_cache(maxsize=256)
def _layout_digest(
    feature_names: tuple[str, ...],
    map_channels: tuple[str, ...],
    reward_term_names: tuple[str, ...],
    action_lookup: tuple[tuple[str, int], ...],
    sizes: tuple[tuple[str, int], ...],
) -> str:
    """Checks the names against the sizes, once for each layout; raises SampleError."""
    size_of = dict(sizes)
    names = dict(zip(_NAME_LISTS, (feature_names, map_channels, reward_term_names), strict=True))
    for key, axis in _NAME_LISTS.items():
        found = len(set(names[key]))
        if len(names[key]) != size_of[axis] or found != size_of[axis]:
            raise SampleError(f"metadata[{key!r}]: expected {size_of[axis]} different names, found {found}")
    if sorted(number for _, number in action_lookup) != list(range(size_of["A"])):
        raise SampleError(f"metadata['action_lookup']: expected the ids 0..{size_of['A'] - 1}, once each")
    arrays = {
        name: [spec.dtype.str, *(size_of.get(str(axis), axis) for axis in spec.axes)]
        for name, spec in ARRAYS.items()
    }
    layout = {"arrays": arrays, "action_lookup": dict(action_lookup), **names}
    return hashlib.sha256(canonical_json(layout).encode()).hexdigest()


def bootstrap_known(sample: ReplaySample) -> bool:
    """Whether the last of a sample's `value_preds` can be bootstrapped from; after a termination it is 0 anyway."""
    return bool(sample.dones[-1]) or sample.metadata.get("bootstrap") != BOOTSTRAP_UNKNOWN

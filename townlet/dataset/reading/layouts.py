"""Layouts: which features, map channels, reward terms and actions a sample has, and bringing them together by name.

Arrays of samples whose layouts differ cannot stand in one batch: column 7 means one thing here and another
there. What puts samples together refuses that, unless they are remapped by name first.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from townlet.arrays import I64, Array
from townlet.errors import UserError
from townlet.notebook import Shown
from townlet.samples import ReplaySample

SHOWN = 4  # layouts in a message, and names in each

# What ReplaySample finds out anew, and what is true of the stored arrays only.
_OF_THE_ARRAYS = ("layout_digest", "map_shape", "action_dim", "action_names", "sha256", "metrics")


class LayoutError(UserError):
    """Samples of different layouts were to be put together."""


@dataclass(frozen=True, repr=False)
class Layout(Shown):
    """Names, in the order of the arrays' columns."""

    feature_names: tuple[str, ...]
    map_channels: tuple[str, ...]
    reward_term_names: tuple[str, ...]
    actions: tuple[str, ...]  # canonical JSON, by id
    window: tuple[int, int]  # rows and columns of the map

    @staticmethod
    def of(metadata: Mapping[str, Any]) -> Layout:
        """Of a sample's metadata."""
        lookup = metadata["action_lookup"]
        _, rows, columns = metadata["map_shape"]
        return Layout(
            tuple(metadata["feature_names"]),
            tuple(metadata["map_channels"]),
            tuple(metadata["reward_term_names"]),
            tuple(sorted(lookup, key=lookup.__getitem__)),
            (rows, columns),
        )

    @staticmethod
    def union(layouts: Iterable[Layout]) -> Layout:
        """Every name of any of them, in the order in which they first come, and the largest window.

        Action 0 of the first stays action 0. Raises UserError for windows that have no common centre.
        """
        found = list(layouts)
        if not found:
            raise UserError("expected a layout, got none")
        for layout in found:
            _check_centres(layout.window, found[0].window)
        return Layout(
            *(
                tuple(dict.fromkeys(name for layout in found for name in getattr(layout, names)))
                for names in ("feature_names", "map_channels", "reward_term_names", "actions")
            ),
            window=(max(layout.window[0] for layout in found), max(layout.window[1] for layout in found)),
        )

    @property
    def action_lookup(self) -> dict[str, int]:
        return {action: number for number, action in enumerate(self.actions)}

    def _facts(self) -> dict[str, Any]:
        rows, columns = self.window
        return {
            "features": len(self.feature_names),
            "map": f"{len(self.map_channels)} x {rows} x {columns}",
            "actions": len(self.actions),
            "reward terms": len(self.reward_term_names),
        }

    def describe(self) -> str:
        rows, columns = self.window
        return (
            f"{len(self.feature_names)} features, map {len(self.map_channels)} x {rows} x {columns}, "
            f"{len(self.actions)} actions, {len(self.reward_term_names)} reward terms"
        )


def remap(sample: ReplaySample, to: Layout) -> ReplaySample:
    """The sample with the columns of another layout, found by name.

    - Features, map channels and reward terms that the sample lacks are 0; those that `to` lacks are left out
      (so that reward terms may no longer add up to the reward, which stays).
    - A map is cut or padded with 0 on all sides alike, so that its centre stays its centre.
    - Actions get the ids of `to`; those that the sample's action space lacks are masked out (False). Masked-out
      or not, what `to` lacks cannot be said in it: raises UserError where such an action was taken.
    - Everything else (log-probs, values, rewards, ticks, positions, action_args) stays as it is; `metrics` and
      `sha256`, which tell of the stored arrays, leave the metadata.

    A sample of this layout is returned as it is.
    """
    own = Layout.of(sample.metadata)
    if own == to:
        return sample
    actions = _columns(own.actions, to.actions)
    ids = _columns(to.actions, own.actions)[sample.actions]  # [T]
    if (ids < 0).any():
        row = int(np.argmax(ids < 0))
        raise UserError(
            f"{_who(sample)}: at tick {sample.tick[row]} the action {own.actions[sample.actions[row]]} was taken, "
            "which the layout to map to does not have; take one that has all actions (remapped() makes one)"
        )
    arrays = sample.arrays()
    features = _columns(own.feature_names, to.feature_names)
    for name, picked, axis in (
        ("features", features, 1),
        ("final_features", features, 0),
        ("action_mask", actions, 1),
        ("final_action_mask", actions, 0),
        ("reward_terms", _columns(own.reward_term_names, to.reward_term_names), 1),
    ):
        arrays[name] = _taken(arrays[name], picked, axis)
    channels = _columns(own.map_channels, to.map_channels)
    for name, axis in (("map", 1), ("final_map", 0)):
        arrays[name] = _recentred(_taken(arrays[name], channels, axis), to.window)
    arrays["actions"] = ids
    metadata = {key: value for key, value in sample.metadata.items() if key not in _OF_THE_ARRAYS}
    metadata |= {
        "feature_names": list(to.feature_names),
        "map_channels": list(to.map_channels),
        "reward_term_names": list(to.reward_term_names),
        "action_lookup": to.action_lookup,
    }
    return ReplaySample.from_arrays(arrays, metadata, deep=False)


def refuse_mixed(digests: Array, scenarios: Array, layouts: Mapping[str, Layout]) -> None:
    """Raise LayoutError, saying who has which layout and how they differ, unless all samples have the same.

    `digests` and `scenarios` are columns, a row a sample; `layouts` are the layouts by digest.
    """
    kinds = list(layouts)
    if len(kinds) <= 1:
        return
    lines = [f"these samples have {len(kinds)} different layouts and cannot be put together:"]
    first = layouts[kinds[0]]
    for digest in kinds[:SHOWN]:
        of = digests == digest
        who = _listed(sorted(set(scenarios[of])))
        lines.append(f"  {digest[:12]}: {who}: {int(of.sum())} samples; {layouts[digest].describe()}")
        lines += [f"    {difference}" for difference in _differences(first, layouts[digest])]
    if len(kinds) > SHOWN:
        lines.append(f"  and {len(kinds) - SHOWN} more")
    lines.append("choose some, as with filter(scenario=...), or bring them to one layout by name: remapped()")
    raise LayoutError(*lines)


def _differences(first: Layout, other: Layout) -> list[str]:
    found = []
    for what, mine, theirs in (
        ("features", first.feature_names, other.feature_names),
        ("map channels", first.map_channels, other.map_channels),
        ("reward terms", first.reward_term_names, other.reward_term_names),
        ("actions", tuple(map(_short, first.actions)), tuple(map(_short, other.actions))),
    ):
        missing = [name for name in mine if name not in theirs]
        more = [name for name in theirs if name not in mine]
        if missing or more:
            parts = [f"without {_listed(missing)}"] * bool(missing) + [f"with {_listed(more)}"] * bool(more)
            found.append(f"{what}: {', '.join(parts)}")
        elif mine != theirs:
            found.append(f"{what}: in another order")
    return found


def _short(action: str) -> str:
    """`request eat_meal` for its canonical JSON."""
    facts = json.loads(action)
    return " ".join([facts.pop("kind"), *map(str, facts.values())]) if "kind" in facts else action


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


@lru_cache(maxsize=256)
def _columns(source: tuple[str, ...], target: tuple[str, ...]) -> I64:
    """[target] Where in `source` each name of `target` stands; -1 = nowhere."""
    index = {name: column for column, name in enumerate(source)}
    return np.array([index.get(name, -1) for name in target], np.int64)


def _taken(array: Array, picked: I64, axis: int) -> Array:
    """The picked columns along an axis; zeros (False) for -1."""
    if array.shape[axis] == 0:
        shape = (*array.shape[:axis], len(picked), *array.shape[axis + 1 :])
        return np.zeros(shape, array.dtype)
    taken = np.take(array, np.maximum(picked, 0), axis=axis)
    missing = (slice(None),) * axis + (picked < 0,)
    taken[missing] = 0
    return taken


def _recentred(array: Array, window: tuple[int, int]) -> Array:
    """The last two axes cut or padded with 0 to `window`, evenly on both sides."""
    _check_centres((array.shape[-2], array.shape[-1]), window)
    for axis, size in ((array.ndim - 2, window[0]), (array.ndim - 1, window[1])):
        more = (size - array.shape[axis]) // 2
        if more < 0:
            array = array[(slice(None),) * axis + (slice(-more, array.shape[axis] + more),)]
        elif more > 0:
            widths = [(0, 0)] * array.ndim
            widths[axis] = (more, more)
            array = np.pad(array, widths)
    return np.ascontiguousarray(array)


def _check_centres(one: tuple[int, int], other: tuple[int, int]) -> None:
    if any((a - b) % 2 for a, b in zip(one, other, strict=True)):
        raise UserError(
            f"maps of {one[0]} x {one[1]} and {other[0]} x {other[1]} have no common centre: "
            "expected both sizes odd, or both even"
        )


def _who(sample: ReplaySample) -> str:
    facts = sample.metadata.get("capture_metadata", {})
    return f"{facts.get('scenario_name')} seed {facts.get('seed')}, {sample.agent_id}"

"""Requests and starts that were refused, and why, as far as the arrays of a sample tell.

Whether an action succeeded is observed in the next frame (`last_action_success`; after the last one in
`final_features`). What an agent saw before it acted says why not: a start needs a reservation, a place beside the
object, and what the affordance asks for; a request that is not granted at once waits.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from townlet.samples import ReplaySample

KINDS = ("request", "start")
NEEDED = ("last_action_success", "reservation_active", "in_queue")  # features
LASTING = 10  # refusals in a row, up to the last tick, that hardly anybody means


@dataclass(frozen=True)
class Refused:
    """An action of one agent that was refused at least once."""

    action: dict[str, str]  # as in the action catalogue
    object: str | None  # the object that it named the first time, None where it named none
    attempts: int
    times: int  # refused
    first_tick: int
    reason: str  # of the first time
    lasting: int  # refusals in a row at the end of the sample; 0 where it ends otherwise


def refused_actions(sample: ReplaySample) -> list[Refused]:
    """Requests and starts that were refused, those first that were refused most."""
    seen = _Seen.of(sample)
    if seen is None:
        return []
    found = [
        one
        for text, number in sample.metadata["action_lookup"].items()
        if seen.kinds[number] in KINDS
        for one in _refused(sample, seen, json.loads(text), number)
    ]
    return sorted(found, key=lambda one: (-one.times, one.first_tick))


def _refused(sample: ReplaySample, seen: _Seen, action: dict[str, str], number: int) -> Iterator[Refused]:
    tried = np.flatnonzero(sample.actions == number)
    refused = tried[~seen.success[tried]]
    if not refused.size:
        return
    first, end = int(refused[0]), len(sample.actions)
    other = np.flatnonzero((sample.actions != number) | seen.success)
    lasting = end - 1 - int(other[-1]) if other.size else end
    names, index = sample.metadata.get("object_names", ()), int(sample.action_args[first, 0])
    yield Refused(
        action=action,
        object=names[index] if 0 <= index < len(names) else None,
        attempts=len(tried),
        times=len(refused),
        first_tick=int(sample.tick[first]),
        reason=seen.why(action["kind"], first, number),
        lasting=lasting,
    )


@dataclass(frozen=True)
class _Seen:
    """What the agent saw, by frame; one more frame for what it saw after the last step."""

    sample: ReplaySample
    kinds: dict[int, str]  # of actions, by id
    success: np.ndarray  # [T] bool: whether the action of the frame succeeded
    reserved: np.ndarray  # [T + 1] bool
    queued: np.ndarray  # [T + 1] bool: waits, or holds the reservation

    @classmethod
    def of(cls, sample: ReplaySample) -> _Seen | None:
        """None for a sample without the features that tell."""
        names = sample.metadata["feature_names"]
        if any(name not in names for name in NEEDED):
            return None
        columns = [names.index(name) for name in NEEDED]
        kinds = {
            number: json.loads(text)["kind"] for text, number in sample.metadata["action_lookup"].items()
        }
        told = np.concatenate([sample.features[:, columns], sample.final_features[None, columns]]) > 0
        return cls(sample, kinds, told[1:, 0], told[:, 1], told[:, 2] | told[:, 1])

    def why(self, kind: str, t: int, number: int) -> str:
        """Why the action of frame t was refused."""
        if self._busy(t, number):
            return "it was busy"
        return self._why_no_start(t) if kind == "start" else self._why_no_grant(t)

    def _busy(self, t: int, number: int) -> bool:
        """While an affordance runs, the mask allows nothing but to wait, to release, and what was done."""
        legal = np.flatnonzero(self.sample.action_mask[t]).tolist()
        return not any(action != number and self.kinds[action] not in ("wait", "release") for action in legal)

    def _why_no_start(self, t: int) -> str:
        if not self.reserved[t]:
            return self._why_no_reservation(t)
        if not self.queued[t + 1]:
            return "its reservation lapsed on this tick, or what it needs was not there and it gave up"
        if self._beside() and not self._reserved_nearby(t):
            return "it stood more than a tile away from what it had reserved"
        return "something that it needs was not there: stock, power, water or coins; or it had reserved another object"

    def _why_no_reservation(self, t: int) -> str:
        if self.queued[t]:
            return "it waited in the queue, without a reservation"
        held = np.flatnonzero(self.reserved[:t])
        if not held.size:
            return "it had no reservation: what is started is requested, and granted, before"
        last = int(held[-1])
        ways = {"start": "was used", "release": "was given back"} if self.success[last] else {}
        how = ways.get(self.kinds[int(self.sample.actions[last])], "lapsed")
        return f"it had no reservation: the last one {how} on tick {int(self.sample.tick[last])}"

    def _beside(self) -> bool:
        return "reservations" in self.sample.metadata["map_channels"]

    def _reserved_nearby(self, t: int) -> bool:
        """Whether something is reserved on the agent's tile or a next one; it stands in the middle of the map."""
        seen = self.sample.map[t, self.sample.metadata["map_channels"].index("reservations")]
        y, x = seen.shape[0] // 2, seen.shape[1] // 2
        return bool(seen[y, x - 1 : x + 2].any() or seen[y - 1 : y + 2, x].any())

    def _why_no_grant(self, t: int) -> str:
        if self.queued[t] and not self.reserved[t]:
            return "it waited already: to ask again is a block"
        if self.queued[t + 1]:
            return "the object was taken, closed or cooling down: it waits in the queue"
        return "no such object could be used: none in reach, open, in stock and not cooling down"

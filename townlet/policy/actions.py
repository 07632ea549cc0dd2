"""The action catalogue: what an agent can do, as ids that mean the same in every run over the same affordances.

    0 wait   1-4 move north, south, east, west   5 release   6 chat   7 + 2k request, 8 + 2k start affordance k

An id never depends on what happened in a run. What an action names beyond its id (an object, a target, the quality
of a chat) goes along as arguments, which are stored beside it in `action_args`.
"""

from __future__ import annotations

import difflib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from townlet.errors import UserError
from townlet.run import canonical_json
from townlet.vocabulary import DIRECTIONS

FIRST_AFFORDANCE = 7


@dataclass(frozen=True)
class Action:
    """An action as the world takes it: the id, and the arguments (None = the world chooses)."""

    id: int
    object: str | None = None
    target: str | None = None
    quality: float | None = None


class ActionSpace:
    """The actions of a config, in the order of their ids."""

    def __init__(self, affordances: Sequence[str]):
        actions: list[dict[str, str]] = [{"kind": "wait"}]
        actions += [{"kind": "move", "direction": direction} for direction in DIRECTIONS]
        actions += [{"kind": "release"}, {"kind": "chat"}]
        for name in affordances:
            actions += [{"kind": "request", "affordance": name}, {"kind": "start", "affordance": name}]
        self.actions: tuple[dict[str, str], ...] = tuple(actions)
        self.json: tuple[str, ...] = tuple(canonical_json(action) for action in actions)
        self.lookup: dict[str, int] = {text: index for index, text in enumerate(self.json)}

    @property
    def dim(self) -> int:
        """The number of actions (`action_dim`)."""
        return len(self.actions)

    def hashes(self) -> list[float]:
        """A number in [0, 1) for each id, from the CRC-32 of its canonical JSON (`last_action_id_hash`)."""
        return [zlib.crc32(text.encode()) / 2**32 for text in self.json]

    def kinds(self) -> list[str]:
        """The kind of each id."""
        return [action["kind"] for action in self.actions]

    def parse(self, action: int | str | Mapping[str, Any]) -> Action:
        """An id, a canonical JSON text or a mapping -> Choice. Raises UserError naming what is wrong."""
        if isinstance(action, str):
            try:
                action = json.loads(action)
            except json.JSONDecodeError as error:
                raise UserError(
                    f"action: expected an id or a JSON object, got {action!r} ({error.msg})"
                ) from None
        if isinstance(action, Mapping):
            extra = {
                key: action[key] for key in ("object", "target", "quality") if action.get(key) is not None
            }
            named = {key: value for key, value in action.items() if key not in extra and value is not None}
            text = canonical_json(named)
            if text not in self.lookup:
                near = difflib.get_close_matches(text, self.json, 1)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise UserError(f"action: {text} is not in the catalogue{hint}")
            return Action(self.lookup[text], extra.get("object"), extra.get("target"), extra.get("quality"))
        index = int(action)  # also NumPy integers
        if not 0 <= index < self.dim:
            raise UserError(f"action: expected an id from 0 to {self.dim - 1}, got {index}")
        return Action(index)

"""The action space: what an agent can do, as ids that mean the same in every run over the same affordances.

    0 wait   1-4 move north, south, east, west   5 release   6 chat   7 + 2k request, 8 + 2k start affordance k

An id never depends on what happened in a run. What an action names beyond its id (an object, a target, the quality
of a chat) goes along as arguments, which are stored beside it in `action_args`.
"""

from __future__ import annotations

import difflib
import json
import math
import numbers
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from townlet.errors import UserError
from townlet.notebook import Shown, listed
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


class ActionSpace(Shown):
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

    def _facts(self) -> dict[str, Any]:
        names = [" ".join(action.values()) for action in self.actions]
        return {"of": f"{self.dim} actions", "by id": listed(names, 24)}

    def hashes(self) -> list[float]:
        """A number in [0, 1) for each id, from the CRC-32 of its canonical JSON (`last_action_id_hash`)."""
        return [zlib.crc32(text.encode()) / 2**32 for text in self.json]

    def kinds(self) -> list[str]:
        """The kind of each id."""
        return [action["kind"] for action in self.actions]

    def parse(self, action: Any) -> Action:
        """An id, the JSON text of an action, a mapping, or an `Action` -> Action.

        Raises UserError naming what was expected and what was found.
        """
        if isinstance(action, Action):
            return _checked_arguments(
                self._checked_id(action.id), action.object, action.target, action.quality
            )
        if isinstance(action, str):
            action = _from_text(action)
        if not isinstance(action, Mapping):
            return Action(self._checked_id(action))
        given = {key: value for key, value in action.items() if value is not None}
        extra = {key: given.pop(key, None) for key in ("object", "target", "quality")}
        return _checked_arguments(self._id_of(given), extra["object"], extra["target"], extra["quality"])

    def _id_of(self, named: Mapping[Any, Any]) -> int:
        """The id of an action without its arguments."""
        if all(isinstance(key, str) and isinstance(value, str) for key, value in named.items()):
            text = canonical_json(dict(named))
            if text in self.lookup:
                return self.lookup[text]
        else:
            text = repr(dict(named))
        near = difflib.get_close_matches(text, self.json, 1)
        hint = f"; did you mean {near[0]}?" if near else "; `townlet actions CONFIG` lists them"
        raise UserError(f"action: {text} is not an action of this config{hint}")

    def _checked_id(self, index: Any) -> int:
        if not whole_number(index):
            raise UserError(f"action: expected an id (a whole number) or a JSON object, got {index!r}")
        if not 0 <= index < self.dim:
            raise UserError(f"action: expected an id from 0 to {self.dim - 1}, got {index}")
        return int(index)


def whole_number(value: Any) -> bool:
    """Whether a value is an integer, of Python's or NumPy's: no boolean, no float, no text."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def real_number(value: Any) -> bool:
    """Whether a value is a finite number, of Python's or NumPy's: no boolean, no text."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)


def _from_text(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        reason = getattr(error, "msg", "nested too deeply")
        raise UserError(f"action: expected an id or a JSON object, got {text!r} ({reason})") from None
    if not isinstance(found, dict):
        raise UserError(f"action: expected an id (a whole number) or a JSON object, got {text!r}")
    return found


def _checked_arguments(index: int, thing: Any, target: Any, quality: Any) -> Action:
    """What an action names beside its id. Whether an object or an agent of that name is there, its reader says."""
    for key, value in (("object", thing), ("target", target)):
        if value is not None and not isinstance(value, str):
            raise UserError(f"action.{key}: expected a name, got {value!r}")
    if quality is None:
        return Action(index, thing, target)
    if not real_number(quality) or not 0 <= quality <= 1:
        raise UserError(f"action.quality: expected a number from 0 to 1, got {quality!r}")
    return Action(index, thing, target, float(quality))

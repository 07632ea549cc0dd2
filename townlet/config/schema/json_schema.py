"""JSON Schemas as people meet them in an editor: what each word means, and nothing about `null`.

Pydantic's schema says what is accepted. Here it becomes one that explains: a key that may be left out offers its kind
alone, a section says what it is for where it is named, and a word of a list says what it means. Whatever was accepted
still is, with one exception: `null`, which stands for leaving a key out, is not offered for words and lists of kinds.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from townlet.config.schema.types import UNREAD

NEEDS = {
    "hunger": "0: starving, 1: full.",
    "hygiene": "0: filthy, 1: clean.",
    "energy": "0: exhausted, 1: rested.",
}
STOCKS = {"meals": "Meals that are ready.", "raw_ingredients": "What meals are cooked of."}
STAGES = {
    "OFF": "Only rivalry changes.",
    **dict.fromkeys(("A", "B", "C1", "C2", "C3"), "Trust and familiarity change too."),
}
# What each list of words means, the words in any order. Every list of two words or more has a row; a test holds it.
MEANINGS: tuple[Mapping[str, str], ...] = (
    NEEDS,
    STOCKS,
    STAGES,
    {**NEEDS, "money": "Coins in the wallet.", **STOCKS},
    {
        "OFF": "No social rewards.",
        "C1": "Chats are rewarded.",
        "C2": "Avoided conflicts are rewarded too.",
        "C3": "The same as C2.",
    },
    {
        "wait": "Do nothing.",
        "move": "Go a tile toward `position`, on each tick.",
        "request": "Ask for an object, or queue for it.",
        "start": "Begin an affordance at an object that is reserved.",
        "release": "End what runs, or leave the queue.",
        "chat": "Talk to `target`, who has to be near.",
        "blocked": "A `request` that is expected to be refused.",
    },
    {
        "arrived": "Of a move: it stands there, or beside it while somebody else stands there.",
        "granted": "Of a request: it holds the reservation. Of a wait: it holds one, or is in no queue.",
        "finished": "Of a start: the affordance's last tick is played. Of a wait: it is not busy.",
    },
    {
        "scripted": "The agents' schedules; who has none waits.",
        "needs": "Serves the lowest need that is below its threshold, and is at work in time.",
        "uniform": "Every legal action, equally likely.",
        "idle": "Waits, whatever is seen.",
        "needs-early": "As `needs`, with thresholds of 0.9: a strong baseline.",
    },
    {
        "balanced": "Neither more nor less of anything.",
        "socialite": "More extroversion.",
        "industrious": "More ambition, less extroversion.",
        "stoic": "More forgiveness, less extroversion and ambition.",
    },
    {
        "legal": "All that can be attempted.",
        "guided": "Of that, what keeps to what was begun.",
    },
    {
        "penalty": "Minus the sum of weighted squared deficits.",
        "centred": "Half the weighted mean of 1 - deficit squared: living earns it.",
    },
    {"on": "Agents faint, are evicted, and return.", "off": "Nobody faints, is evicted or returns."},
    {
        "hybrid": "A map of four channels around the agent, and the features.",
        "full": "As `hybrid`, with two channels more: the paths to where it might go.",
        "compact": "A map with a channel for each type of objects, and counts of what is near.",
    },
    {
        "on_attempt_eat": "Takes a meal, where the entry does not say so itself.",
        "on_attempt_cook": "Takes an ingredient, where the entry does not say so itself.",
        "on_finish_cook": "Puts a meal into the nearest fridge, and costs energy and hygiene.",
        "on_attempt_shower": "Needs power.",
        **dict.fromkeys(("on_no_power", "on_cook_fail"), "Whose start failed leaves the queue."),
        **dict.fromkeys(("on_finish_shower", "on_finish_eat", "on_attempt_sleep", "on_finish_sleep"), UNREAD),
    },
    {"off": UNREAD, "timings": UNREAD},
    {"phase_A": UNREAD, "off": UNREAD},
    {"viewer": UNREAD, "admin": UNREAD},
)
BY_WORDS = {frozenset(row): row for row in MEANINGS}

# What an entry of a schedule has to say beside its kind.
SCHEDULE_RULES: dict[str, Any] = {
    "allOf": [
        {
            "if": {"properties": {"kind": {"const": "move"}}, "required": ["kind"]},
            "then": {"required": ["position"]},
        },
        {
            "if": {"properties": {"kind": {"enum": ["request", "start", "blocked"]}}, "required": ["kind"]},
            "then": {
                "anyOf": [
                    {"required": [key]} for key in ("affordance", "affordance_id", "object", "object_id")
                ]
            },
        },
    ]
}


def explained(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema of Pydantic's, for editors."""
    return _explained(schema, schema.get("$defs", {}))


def _explained(value: Any, sections: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_explained(item, sections) for item in value]
    if not isinstance(value, dict):
        return value
    found = {key: _explained(item, sections) for key, item in _without_null(value, sections).items()}
    if "properties" in found and isinstance(found.get("type"), str | list):
        found["properties"] = {name: _key(key, sections) for name, key in found["properties"].items()}
    row = BY_WORDS.get(frozenset(found["enum"])) if _is_words(found.get("enum")) else None
    if row is not None:
        found["oneOf"] = [{"const": word, "description": row[word]} for word in found.pop("enum")]
    return found


def _is_words(words: Any) -> bool:
    return isinstance(words, list) and len(words) > 1 and all(isinstance(word, str) for word in words)


def _without_null(value: Mapping[str, Any], sections: Mapping[str, Any]) -> dict[str, Any]:
    """A kind that may be left out, as that kind."""
    found = dict(value)
    if found.get("default", 0) is None:
        del found["default"]
    kinds = found.get("anyOf")
    if not isinstance(kinds, list) or {"type": "null"} not in kinds:
        return found
    left = [kind for kind in kinds if kind != {"type": "null"}]
    if len(left) > 1:
        return {**found, "anyOf": left}
    del found["anyOf"]
    only = left[0]
    if "$ref" in only:  # as it stands there: `null` is to stay, which a reference would not let by
        only = copy.deepcopy(sections[only["$ref"].rpartition("/")[2]])
    if isinstance(only.get("type"), str) and "enum" not in only:
        only = {**only, "type": [only["type"], "null"]}
    return {**only, **found}


def _key(key: Any, sections: Mapping[str, Any]) -> Any:
    """A key says what it is for, also where that stands at its section; its name is title enough."""
    found = {name: item for name, item in key.items() if name != "title"}
    if "description" not in found and "$ref" in found:
        found["description"] = sections[found["$ref"].rpartition("/")[2]].get("description", "")
    if isinstance(found.get("default"), dict):
        found["default"] = _said(found["default"])
    return found


def _said(default: dict[str, Any]) -> dict[str, Any]:
    """Of a section's default, what is not left out."""
    said = {key: _said(item) if isinstance(item, dict) else item for key, item in default.items()}
    return {key: item for key, item in said.items() if item is not None}

"""Configs gone wrong: a number names a mutation of a text, the same one every time."""

from __future__ import annotations

import random
from typing import Any

import yaml

NASTY: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 0.5, 1e308, -1e308, 2**31, 2**63, 10**30, float("nan"), float("inf"),
    "", " ", "x", "1e-4", "on", "../../etc/passwd", "/", "-x", ".x", "a" * 65, "é", "a\nb", "alice", "fridge",
    "needs", [], {}, [[]], [{}], [1], [1, 2], [1, 2, 3], [-1, 0], [0.5, 1], ["a", "b"], [[1, 2], [1, 2]],
    {"a": 1}, {"min": 3, "max": 1}, {"kind": "wait"}, {"id": "alice"}, {"kind": "blackout"},
)  # fmt: skip
TEXTS = (
    "[", "]", "{", "}", ":", ": ", "- ", "*a", "&a ", "!!python/object ", "!!str ", "---\n", "...\n", "\t",
    "\x00", "|", ">", "'", '"', "#", "%", "@", "`", "? ", "<<: ", "\ufeff", "\u2028", "0x", "1e999", ".nan",
    "~", ",", "\r",
)  # fmt: skip


def mutated(text: str, number: int) -> str:
    """The `number`-th mutation of a YAML text: of its values, of its characters, or of its lines."""
    draw = random.Random(number)
    for _ in range(draw.choice((1, 1, 1, 2, 3, 5))):
        text = draw.choice((_value, _value, _value, _characters, _lines))(text, draw)
    return text


def _value(text: str, draw: random.Random) -> str:
    """Something in it is replaced, removed, copied elsewhere or renamed."""
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        return text
    places = list(_places(data))
    if not places:
        return text
    holder, key = draw.choice(places)
    other_holder, other_key = draw.choice(places)
    match draw.randrange(6):
        case 0 | 1:
            holder[key] = draw.choice(NASTY)
        case 2:
            del holder[key]
        case 3:
            holder[key] = other_holder[other_key] if not _holds(other_holder[other_key], holder) else None
        case 4 if isinstance(holder, dict):
            holder[str(key) + draw.choice("sx_")] = holder.pop(key)
        case 5 if isinstance(holder, list):
            holder.append(holder[key])
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=draw.random() < 0.5)


def _places(data: Any) -> Any:
    """(holder, key) of everything in it."""
    keys = list(data) if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
    for key in keys:
        yield data, key
        yield from _places(data[key])


def _holds(data: Any, wanted: Any) -> bool:
    return data is wanted or any(_holds(holder[key], wanted) for holder, key in [*_direct(data)])


def _direct(data: Any) -> Any:
    keys = list(data) if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
    return ((data, key) for key in keys)


def _characters(text: str, draw: random.Random) -> str:
    start = draw.randrange(len(text) + 1)
    end = min(len(text), start + draw.choice((0, 0, 1, 2, 20)))
    return text[:start] + draw.choice((*TEXTS, "")) + text[end:]


def _lines(text: str, draw: random.Random) -> str:
    lines = text.splitlines(keepends=True)
    if not lines:
        return text
    index = draw.randrange(len(lines))
    match draw.randrange(4):
        case 0:
            del lines[index]
        case 1:
            lines.insert(draw.randrange(len(lines) + 1), lines[index])
        case 2:
            lines[index] = " " * draw.randrange(1, 5) + lines[index]
        case 3:
            lines[index] = lines[index].lstrip(" ")
    return "".join(lines)

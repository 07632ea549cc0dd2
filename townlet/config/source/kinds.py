"""Whether a document is what it should be at all. The messages about one that is not never quote it.

Anybody may mistake a file: a password list, a key, a letter. What is wrong *in* a config is said with the words that
stand there; what is no config is only named.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection
from typing import Any

ENTRY_KEYS = {"object_type", "duration", "effects", "preconds", "hooks", "interruptible"}
MOST_ITEMS = 1_000  # of a list that are looked at
ALIKE = 0.8  # how much a mistyped key resembles the right one


def is_mapping_of(keys: Collection[str], data: Any, needed: str) -> bool:
    """Whether a mapping is meant to have these keys: it has the `needed` one, or at least half of its keys are known.

    A key that is mistyped counts. An empty mapping is one.
    """
    if not isinstance(data, dict):
        return False
    if not data or any(_resembles(key, (needed,)) for key in list(data)[:100]):
        return True
    known = sum(key in keys for key in data)
    if 2 * known < len(data) <= 100:
        known = sum(_resembles(key, keys) for key in data)
    return 2 * known >= len(data)


def is_list_of_entries(data: Any) -> bool:
    """Whether a list is meant as an affordance file: at least half of its first items are entries.

    An empty one is one.
    """
    if not isinstance(data, list):
        return False
    some = data[:MOST_ITEMS]
    return 2 * sum(_is_entry(item) for item in some) >= len(some)


def _is_entry(item: Any) -> bool:
    return isinstance(item, dict) and any(_resembles(key, ENTRY_KEYS) for key in list(item)[:20])


def _resembles(name: str, known: Collection[str]) -> bool:
    return name in known or bool(difflib.get_close_matches(name[:64].lower(), known, 1, ALIKE))


def what_it_is(data: Any) -> str:
    """A document in a few words that tell nothing of its content."""
    if data is None:
        return "nothing"
    if isinstance(data, dict):
        return "a mapping with other keys"
    if isinstance(data, list):
        return "a list"
    return "text" if isinstance(data, str) else "a single value"

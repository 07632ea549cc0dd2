"""A capture as a config: its folder, its manifest, or the resolved config in it, to be captured again otherwise.

A resolved config is JSON, `{affordances, config, config_path, name}`. It is checked as every other config is, each
mistake at its place: anybody may have written it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath, PureWindowsPath

from townlet.config.schema.types import ID_PATTERN
from townlet.config.source.open_file import is_there
from townlet.config.yaml_loader import Document, Entry, Node
from townlet.escaping import shown

MANIFEST, CONFIG = "_manifest.json", "_config.json"  # what the names of these files of a capture end with
DATA_SET = ("dataset.json", "current.json")
MOST_LISTED = 5
LONGEST_PATH = 1_000


def captured_config(place: Path) -> Path | None:
    """The resolved config of the capture whose folder or manifest this is; None where it is neither."""
    if place.name.endswith(MANIFEST):
        return place.with_name(place.name.removesuffix(MANIFEST) + CONFIG)
    prefixes = _captures_in(place)
    return place / f"{prefixes[0]}{CONFIG}" if len(prefixes) == 1 else None


def what_folder(folder: Path) -> str:
    """What to say of a folder that stands where a config should, and is not that of one capture."""
    prefixes = _captures_in(folder)
    if len(prefixes) > 1:
        listed = ", ".join(shown(f"{prefix}{CONFIG}") for prefix in prefixes[:MOST_LISTED])
        return f"expected the folder of one capture, got one of several; name the config of one: {listed}"
    if any(is_there(folder / name) for name in DATA_SET):
        return "expected a config, got a data set; name one of its captures, a folder runs/<name>/seed-<seed> in it"
    return "expected a config file, or the folder of a capture, got another folder"


def _captures_in(folder: Path) -> list[str]:
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return sorted(name.removesuffix(MANIFEST) for name in names if name.endswith(MANIFEST))


@dataclass(frozen=True)
class StoredConfig:
    """A resolved config, taken apart into what a config and an affordance file say."""

    config: Document
    affordances: Document  # a list of entries, as in a file
    name: str  # "" = none that a folder can have
    config_path: str  # "" = none that is a relative path


def stored_parts(document: Document) -> StoredConfig | None:
    """The parts of a resolved config; None for a config as people write them."""
    parts = document.root.value
    if not isinstance(parts, dict) or "config_id" in parts or not {"config", "affordances"} <= parts.keys():
        return None
    name, path = (parts[key].node.value if key in parts else None for key in ("name", "config_path"))
    return StoredConfig(
        config=replace(document, root=parts["config"].node),
        affordances=Document(document.label, _entries(parts["affordances"].node)),
        name=name if isinstance(name, str) and ID_PATTERN.fullmatch(name) else "",
        config_path=path if isinstance(path, str) and _is_relative_path(path) else "",
    )


def _entries(affordances: Node) -> Node:
    """The entries of a file that would say the same, where they stand; whatever else is there as it is."""
    groups = affordances.value
    if not isinstance(groups, dict):
        return affordances
    entries: list[Node] = []
    for group in ("objects", "affordances"):
        items = groups[group].node if group in groups else None
        if items is not None and not isinstance(items.value, list):
            return items
        for item in items.value if items is not None else ():
            entries.append(_as_object(item) if group == "objects" else item)
    return replace(affordances, value=entries)


def _as_object(item: Node) -> Node:
    if not isinstance(item.value, dict):
        return item
    kind = Entry(item.line, item.column, Node(item.line, item.column, "object"))
    return replace(item, value={**item.value, "type": kind})


def _is_relative_path(path: str) -> bool:
    if not 0 < len(path) <= LONGEST_PATH or path != shown(path):
        return False
    parts = PurePosixPath(path).parts
    absolute = PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute()
    return not absolute and ".." not in parts and bool(parts)

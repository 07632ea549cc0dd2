"""The page on what agents see, made from the table; `python -m townlet.observation.docs` writes it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from townlet.observation import columns as table
from townlet.observation import guided_mask, hints, mask
from townlet.observation.columns import Channel, Column

PAGE = Path("docs/observations.md")
INTRODUCTION = """\
# What an agent sees

<!-- Made by `make docs` from townlet/observation; a test holds it there. -->

A map, features and a mask of actions, before every action. The names are those of a sample's metadata
(`map_channels`, `feature_names`), in their order. Which blocks there are depends on the config alone, so that
all samples of a config have the same shapes.
"""
MAP = """\
## Map

`(channels, side, side)` float32; row 0 is north, column 0 west, the agent stands on row and column
`side // 2`. Outside the grid everything is 0. `hybrid` (side `observations.hybrid.local_window`) has the
first four channels, `full` adds the two of paths; `compact` (side `observations.compact.map_window`) has the
first four and those of floor and object types. `path_dx` and `path_dy` are 0 on walls, where the place counts
as reached, and everywhere while there is no hint.
"""
FEATURES = """\
## Features

float32. Numbers in *0..1* and *-1..1* are scaled; *count*, *coins* and *ticks* are plain.
"""


def render() -> str:
    """The text of docs/observations.md."""
    channels = (*table.CHANNELS, *table.PATH_CHANNELS, table.WALKABLE, table.type_channel("TYPE"))
    lines = [INTRODUCTION, MAP, *_rows(("channel", "what it shows"), channels), FEATURES]
    for heading, columns in _blocks():
        lines += [f"### {heading}\n", *_rows(("feature", "unit", "meaning"), columns)]
    lines += ["## Path hints\n", _text(hints.__doc__), "## Mask\n", _text(mask.__doc__)]
    lines += ["## Guided mask\n", _text(guided_mask.__doc__)]
    return "\n".join(lines).rstrip() + "\n"


def _blocks() -> Iterator[tuple[str, Sequence[Column]]]:
    """The blocks in their order, with when they are there."""
    compact = "`features.systems.observations: compact`"
    yield "Always", table.ALWAYS
    yield "`include_targets`", table.target_columns()
    yield "`features.observations.personality_channels`", table.PERSONALITY
    snippet = "`observations.social_snippet`: slots"
    yield f"{snippet} (here one friend and one rival, `embed_dim` 2)", table.social_columns(1, 1, 2)
    yield "`observations.social_snippet.include_aggregates`", table.AGGREGATES
    yield f"{compact}, `normalize_counts: true`", table.NEARBY
    yield f"{compact}, `normalize_counts: false`", table.NEARBY_COUNTS
    yield "`observations.extended`: for every affordance", table.doing_columns(["AFFORDANCE"])
    yield "`observations.extended`", table.STATUS
    both = table.near_columns("TYPE", range(2))
    yield "`observations.extended`: for every type of object (the stocks that it keeps)", both


def _rows(head: Sequence[str], rows: Iterable[Channel | Column]) -> Iterator[str]:
    """A table; the first cell of a row is code."""
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for name, *cells in rows:
        yield "| " + " | ".join([f"`{name}`", *cells]) + " |"
    yield ""


def _text(docstring: str | None) -> str:
    """A module's docstring as it stands."""
    return (docstring or "").strip() + "\n"


def main(arguments: list[str]) -> int:
    """Write the page to the file named, docs/observations.md where none is."""
    target = Path(arguments[0]) if arguments else PAGE
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(render(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

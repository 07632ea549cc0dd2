"""What the indices of a world mean: made by `townlet/generator/`, read wherever something is shown or stored."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Names:
    """Names by index. `agents` are the rows' first occupants; a newcomer is `<row's name>-2`, and so on."""

    agents: tuple[str, ...]  # [A]
    objects: tuple[str, ...]  # [O]
    object_types: tuple[str, ...]  # [Y]  in order of first appearance: affordances' types, then objects'
    affordances: tuple[str, ...]  # [K]  in the file's order
    jobs: tuple[str, ...]  # [J]
    events: tuple[str, ...]  # [E]

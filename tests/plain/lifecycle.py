"""Plain twins of rules/needs.py and rules/lifecycle.py, written from their docstrings: who leaves, and who comes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

STAYS, FAINTED, EVICTED = range(3)


def fall(needs: list[float], decay: list[float]) -> list[float]:
    """What is left of one living agent's needs after a tick."""
    return [max(0.0, need - lost) for need, lost in zip(needs, decay, strict=True)]


@dataclass
class Life:
    arrival: int
    need: tuple[float, ...]
    faint_ticks: int
    unpaid_days: int
    leaving: int = STAYS


def leave(lives: list[Life], threshold: float, faint_after: int, exits_left: int) -> int:
    """Mark who leaves of those who live; returns how many are evicted."""
    for life in lives:
        life.faint_ticks = life.faint_ticks + 1 if min(life.need) <= threshold else 0
        if life.faint_ticks >= faint_after:
            life.leaving = FAINTED
    owing = [life for life in lives if life.leaving == STAYS and life.unpaid_days >= 2]
    evicted = sorted(owing, key=lambda life: life.arrival)[: max(0, exits_left)]
    for life in evicted:
        life.leaving = EVICTED
    return len(evicted)


def landing(
    home: tuple[int, int], region: dict[tuple[int, int], int], taken: Collection[tuple[int, int]]
) -> tuple[int, int] | None:
    """The tile (x, y) on which a newcomer with this start tile appears; `region` of all floor tiles."""
    free = [tile for tile in region if region[tile] == region[home] and tile not in taken]
    return min(
        free,
        key=lambda tile: (abs(tile[0] - home[0]) + abs(tile[1] - home[1]), tile[1], tile[0]),
        default=None,
    )


def slot(freed: list[int], used: Collection[int], cooldown: int, tick: int, arrival: int) -> int:
    """A newcomer's embedding slot; `freed` by slot, `used` those of who lives."""
    free = [number for number in range(len(freed)) if number not in used]
    rested = [number for number in free if freed[number] + cooldown <= tick]
    if rested:
        return rested[0]
    if free:
        return min(free, key=lambda number: (freed[number], number))
    return (arrival - 1) % len(freed)

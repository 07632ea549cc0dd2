"""Schedules that cannot go on, where that can be seen without playing them: a `start` that is refused for ever.

A start needs the reservation of its object, which a request gets, and which lapses when it is not used within the
walk to the object and `SPARE_TICKS` more. A start that lasts `until: finished` is tried on every tick until it
succeeds, so that one without a reservation is tried to the end of the run. What chance and other agents may change
is left out: what is said here is so even in an empty town.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from townlet.config.affordances import AffordanceFile, effects_in_full
from townlet.config.schema import Config, ScenarioAgent, ScenarioObject, ScheduleEntry
from townlet.config.yaml_loader import Keys

SPARE_TICKS = 5  # as in world/rules/queues.py: beyond the walk, until a reservation lapses

Tile = tuple[int, int]


@dataclass(frozen=True)
class _Town:
    """What of a town matters here."""

    config: Config
    objects: dict[str, ScenarioObject]
    types: dict[str, tuple[str, ...]]  # by affordance: those that offer it
    price: dict[str, float]  # by affordance, without price spikes
    earning: bool  # whether some affordance brings coins
    walled: bool  # whether there are walls, round which a walk may be long


@dataclass
class _Claim:
    """The last request, and what has happened since it was granted, if that was at once."""

    entry: ScheduleEntry
    walk: int | None  # tiles to the object, at most; None = not known
    spent: int = 0  # ticks since, at least


@dataclass
class _Playing:
    """An agent on its way through its schedule."""

    at: Tile | None
    beside: bool = False  # whether it may stand next to `at`
    claim: _Claim | None = None
    given_up: bool = False  # by a release
    found: dict[int, str] = field(default_factory=dict)  # by entry: what is wrong with it


def stuck_entries(
    config: Config, affordances: AffordanceFile, objects: tuple[ScenarioObject, ...]
) -> Iterator[tuple[Keys, str]]:
    """The first `start` of each schedule that is refused for ever: its path, and why. Of a config without mistakes."""
    effects = {entry.id: effects_in_full(entry, config.economy) for entry in affordances.affordances}
    town = _Town(
        config=config,
        objects={thing.id: thing for thing in objects},
        types={entry.id: entry.types for entry in affordances.affordances},
        price={name: max(0.0, -some.get("money", 0.0)) for name, some in effects.items()},
        earning=any(some.get("money", 0.0) > 0 for some in effects.values()),
        walled=bool(config.world.wall_tiles()),
    )
    for a, agent in enumerate(config.scenario.agents if config.scenario else ()):
        for e, message in _first_stuck(_at_best(agent, config), town):
            yield ("scenario", "agents", a, "schedule", e), message


def _at_best(agent: ScenarioAgent, config: Config) -> ScenarioAgent:
    """An agent as `scenario.starts` may have it begin: with the most coins, and on a tile that is not known."""
    starts = config.scenario.starts if config.scenario is not None else None
    if starts is None:
        return agent
    position = agent.position if starts.positions is None else None
    wallet = agent.wallet if starts.wallet is None else starts.wallet.max
    return agent.model_copy(update={"position": position, "wallet": wallet})


def _first_stuck(agent: ScenarioAgent, town: _Town) -> Iterator[tuple[int, str]]:
    """What is refused the first time round, if it lasts until it succeeds; else what is so the second time too.

    A schedule that goes well once may be meant for one round.
    """
    playing = _Playing(agent.position)
    before: dict[int, str] = {}
    for again in (False, True):
        before, playing.found = playing.found, {}
        for e, entry in enumerate(agent.schedule or ()):
            _play(agent, entry, e, playing, town)
            if e in playing.found and (e in before if again else entry.until == "finished"):
                yield e, playing.found[e]
                return


def _play(agent: ScenarioAgent, entry: ScheduleEntry, e: int, playing: _Playing, town: _Town) -> None:
    """Go through one entry."""
    claim, ticks = playing.claim, 0 if entry.until else entry.ticks
    if entry.kind == "request":
        playing.claim = _Claim(entry, _walk_to(entry, playing, town), max(0, ticks - 1))
        playing.given_up = False
    elif entry.kind == "release":
        playing.given_up, playing.claim = claim is not None, None
    elif entry.kind == "start":
        why = None if entry.blocked else _refused(agent, entry, playing, town)
        if why is not None:
            playing.found[e] = why
        playing.claim = None
    elif claim is not None:
        claim.spent += ticks if entry.kind != "move" or ticks else _tiles(playing.at, entry.position, less=1)
    if entry.kind == "move" and entry.position is not None:
        arrives = not ticks or (playing.at is not None and _tiles(playing.at, entry.position) <= ticks)
        playing.at, playing.beside = (entry.position if arrives else None), True


def _refused(agent: ScenarioAgent, entry: ScheduleEntry, playing: _Playing, town: _Town) -> str | None:
    """Why a start is refused; None where it may succeed."""
    what, claim = _name(entry), playing.claim
    if claim is None:
        if playing.given_up:
            return _for_ever(entry, f"the `release` before it gives the reservation of {what} back")
        return _for_ever(entry, f"nothing requests {what} before it; add a `request` with `until: granted`")
    if not _same(claim.entry, entry, town):
        return _for_ever(entry, f"the request before it is for {_name(claim.entry)}, not for {what}")
    if claim.walk is not None and claim.spent + 1 > claim.walk + SPARE_TICKS:
        return _for_ever(
            entry,
            f"at least {claim.spent + 1} ticks after the request, and its reservation lapses after "
            f"{claim.walk + SPARE_TICKS}, if it is granted at once; request it again before, `until: granted`",
        )
    thing = town.objects.get(entry.object or "")
    if thing is not None and thing.position is not None and playing.at is not None:
        away = _tiles(playing.at, thing.position)
        if away > (2 if playing.beside else 1):
            return _for_ever(entry, f"it stands {away} tiles from {what}, which is used from the next tile")
    price = town.price.get(entry.affordance or "", 0.0)
    if price > agent.wallet and agent.job is None and not town.earning:
        return _for_ever(
            entry, f"it costs {price:g} coins, and '{agent.id}' has {agent.wallet:g} and earns none"
        )
    return None


def _for_ever(entry: ScheduleEntry, why: str) -> str:
    how = "is tried and refused for ever" if entry.until == "finished" else "is refused each time"
    return f"this start {how}: {why}"


def _name(entry: ScheduleEntry) -> str:
    return f"'{entry.object or entry.affordance}'"


def _same(request: ScheduleEntry, start: ScheduleEntry, town: _Town) -> bool:
    """Whether a request can get what a start needs."""
    if request.object is not None and start.object is not None:
        return request.object == start.object
    return not _types(request, town).isdisjoint(_types(start, town))


def _types(entry: ScheduleEntry, town: _Town) -> set[str]:
    if entry.object is not None:
        return {town.objects[entry.object].type}
    return set(town.types.get(entry.affordance or "", ()))


def _walk_to(entry: ScheduleEntry, playing: _Playing, town: _Town) -> int | None:
    """The tiles from where the request is made to the object, at most."""
    if town.walled:
        return None
    thing = town.objects.get(entry.object or "")
    if thing is None or thing.position is None or playing.at is None:
        return sum(town.config.world.grid_size) - 2
    return _tiles(playing.at, thing.position) + (1 if playing.beside else 0)


def _tiles(one: Tile | None, other: Tile | None, less: int = 0) -> int:
    """The distance of two tiles, `less` some where it may end beside; 0 where one is not known."""
    if one is None or other is None:
        return 0
    return max(0, abs(one[0] - other[0]) + abs(one[1] - other[1]) - less)

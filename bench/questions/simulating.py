"""(a) Simulating and observing, into a buffer that is used again and again."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from bench.measure import in_turns, median
from bench.scale import Scale
from bench.tables import Column, Goal, Row, Table, at_least
from bench.towns import runs_of, write_town
from townlet.rollout import play as rollout
from townlet.rollout.agents import AgentRegistry
from townlet.rollout.buffers import frames
from townlet.rollout.player import Player

BUFFER_BYTES = 1_250_000  # stays in a second-level cache of 2 MB
LEAST_TICKS = 8  # of a buffer; a call from Python costs what some thirty agent-steps cost
GOALS = {8: 3_000_000, 64: 2_000_000}  # agent-steps a second, by number of agents, plain observation
COLUMNS = (
    Column("steps/s (CPU)", "rate"),
    Column("steps/s (wall)", "rate"),
    Column("buffer", "bytes"),
)


class Town:
    """A town under way, and the buffer into which it is played."""

    def __init__(self, config: Path) -> None:
        run = runs_of(config, LEAST_TICKS)[0]
        self._generated = rollout.build_run(run)
        self._agents = len(self._generated.names.agents)
        self._ticks = max(LEAST_TICKS, BUFFER_BYTES // rollout.frame_bytes(self._generated))
        self._player = Player(self._generated, AgentRegistry.of(self._generated))
        self._out = frames(self._generated, self._ticks)

    @property
    def buffer_bytes(self) -> int:
        return sum(array.nbytes for array in self._out)

    def calls(self, steps: int) -> int:
        """How many buffers full are at least so many agent-steps."""
        return -(-steps // (self._agents * self._ticks))

    def steps(self, calls: int) -> int:
        return calls * self._agents * self._ticks

    def play(self, calls: int) -> None:
        """Go on for so many buffers full. Raises RuntimeError where an agent is gone: steps would not count."""
        for _ in range(calls):
            self._player.play_segment(self._out, 0, self._ticks)
        if not self._out.arrival.all():
            raise RuntimeError("somebody left the town: fewer agent-steps were played than are counted")


def answer(scale: Scale, place: Path) -> Table:
    towns = {
        (agents, extended): Town(write_town(place, agents, extended=extended))
        for extended in (False, True)
        for agents in scale.agents
    }
    calls = {key: town.calls(scale.steps) for key, town in towns.items()}
    works = {_name(*key): partial(town.play, calls[key]) for key, town in towns.items()}
    spent = in_turns(works, scale.repeats)
    rows = []
    for (agents, extended), town in towns.items():
        steps, taken = town.steps(calls[agents, extended]), median(spent[_name(agents, extended)])
        figures = (steps / taken.cpu, steps / taken.wall, town.buffer_bytes)
        named = dict(zip((column.name for column in COLUMNS), figures, strict=True))
        rows.append(Row(_name(agents, extended), named, _goals(agents, extended)))
    return Table("agent-steps a second: simulate and observe, into a reused buffer", COLUMNS, tuple(rows))


def _name(agents: int, extended: bool) -> str:
    return f"{agents} agent{'s' if agents > 1 else ''}, {'extended' if extended else 'plain'}"


def _goals(agents: int, extended: bool) -> tuple[Goal, ...]:
    if extended or agents not in GOALS:
        return ()
    return (at_least(COLUMNS[0].name, GOALS[agents]),)

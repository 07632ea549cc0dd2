"""The course of a run: who decides, and with which seed, from which tick on.

Most runs have one stretch; one that leaves another run has that one's before.
"""

from __future__ import annotations

from collections.abc import Iterator

from townlet.arrays import I64
from townlet.generator.generate import GeneratedWorld, Turn
from townlet.world import state as st

NEVER = 2**62  # ticks until a turn that does not come


class Course:
    """Makes the turns of a world, in its parameters, which are its own, and in its state."""

    def __init__(self, generated: GeneratedWorld) -> None:
        self._params = generated.params
        self._turns = generated.turns
        self._at = {turn.tick: turn for turn in generated.turns}
        first = Turn(0, int(generated.params.town.seed[0]), generated.params.people.policy.copy(), False)
        self._stretches = (first, *generated.turns)

    @property
    def codes(self) -> set[int]:
        """Those of all policies that may decide, now or later."""
        later = [code for turn in self._turns for code in turn.policy.tolist()]
        return {*self._params.people.policy.tolist(), *later}

    def until_turn(self, world: st.World) -> int:
        """Ticks to be played until the next turn."""
        if not self._turns:
            return NEVER
        now = int(world.clock.tick[0])
        return min((tick - now for tick in self._at if tick > now), default=NEVER)

    def turn(self, world: st.World) -> bool:
        """Make the turn of the tick that is about to be played, if there is one. Twice is harmless."""
        if not self._turns:
            return False
        turn = self._at.get(int(world.clock.tick[0]))
        if turn is None:
            return False
        self._params.town.seed[0] = turn.seed
        self._params.people.policy[:] = turn.policy
        if turn.drops_schedules:
            world.script.entry[:] = st.NOTHING
        return True

    def between(self, first: int, end: int) -> Iterator[tuple[I64, bool, int]]:
        """`(codes [A], schedules are dropped, ticks)` of each stretch with ticks from `first` to before `end`."""
        ends = [turn.tick for turn in self._turns]
        for turn, until in zip(self._stretches, [*ends, NEVER], strict=True):
            ticks = min(end, until) - max(first, turn.tick)
            if ticks > 0:
                yield turn.policy, turn.drops_schedules, ticks

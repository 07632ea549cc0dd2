"""A capture's run, played again tick by tick from what is stored: pictures, events and answers cannot disagree with it.

Everybody does what is stored. Of a capture of one agent alone (`--agent`) the others' actions are not, and they are
decided again by the run's policies, which gives the same. Each tick's rewards are held against the stored ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from townlet.arrays import I32
from townlet.dataset.reading.capture import Capture
from townlet.errors import CorruptSampleError, UserError
from townlet.escaping import shown
from townlet.notebook import Shown, listed
from townlet.policy_text import NO_MODELS, Models, is_given
from townlet.rollout.buffers import Frames, frames
from townlet.rollout.player import Player
from townlet.rollout.stored import NotOfARunError, StoredActions, last_tick, player_of, run_of, stored_actions
from townlet.world import state as st

QUICK_TICKS = 256  # played at once on the way to the first tick that is asked for


class Moment(NamedTuple):
    """A tick played again: what was before, and what it brought. Rows are those of the world, [A, ...]."""

    tick: int
    before: st.World  # a copy: as everybody saw it
    world: (
        st.World
    )  # the town itself, after the rules and before who leaves is removed; changes with the next tick
    seen: Frames  # slot 0: what was seen and done in this tick; changes with the next tick
    arrival: I32  # [A]  arrival numbers of who lived in this tick; 0 = nobody. A copy

    def __repr__(self) -> str:
        return f"<Moment tick {self.tick}, {int((self.arrival > 0).sum())} agents>"


class Playback(Shown):
    """A capture that can be played again. `models`: the networks that act in it, by digest.

    Raises CorruptSampleError where another version of the simulation, or another config, made the capture, and
    where what it stores cannot be played; UserError where not enough is stored.
    """

    def __init__(self, capture: Capture, models: Models = NO_MODELS) -> None:
        self.capture, self._models = capture, models
        self.run = run_of(capture)
        stated = capture.metadata["fingerprint"]
        if self.run.fingerprint != stated:
            raise CorruptSampleError(
                f"{capture.place}: cannot be played again: its stored config, or this version of the simulation, "
                "is not the one that made it: "
                f"expected fingerprint {shown(stated)[:12]}, found {self.run.fingerprint[:12]}"
            )
        if is_given(self.run.policy) and self.run.agent is not None:
            raise UserError(
                f"{capture.place}: cannot be played again: an object of a program's decided, and of one agent alone "
                "not all actions are stored"
            )
        self.ticks = last_tick(capture)  # as many as are stored
        try:
            player = player_of(self.run, models)
        except UserError as error:
            raise CorruptSampleError(f"{capture.place}: what it stores cannot be played: {error}") from error
        self.generated, self.registry = player.generated, player.registry
        self._stored: StoredActions | None = None
        if self.run.agent is None and (player.replayable or is_given(self.run.policy)):
            try:
                self._stored = stored_actions(capture, player)
            except NotOfARunError as error:
                raise CorruptSampleError(f"{capture.place}: {error}") from error

    def _facts(self) -> dict[str, Any]:
        return {"of": repr(self.capture), "ticks": self.ticks, "agents": listed(self.capture.agents)}

    def name(self, arrival: int) -> str:
        """Who an arrival number is (1, 2, ...), once a tick was played in which it lives."""
        return self.registry.names[arrival - 1]

    def moments(self, first: int = 0, last: int | None = None) -> Iterator[Moment]:
        """Play ticks `first` to `last`, both included (`last` None: to the end of what is stored).

        The ticks before are played, too, without a stop. Raises UserError where they are not ticks of the capture, and
        CorruptSampleError where what is stored is not what comes of it.
        """
        last = self.ticks - 1 if last is None else last
        if not 0 <= first <= last < self.ticks:
            got = f"{first}" if first == last else f"{first} to {last}"
            raise UserError(f"{self.capture.place}: expected ticks from 0 to {self.ticks - 1}, got {got}")
        player = player_of(self.run, self._models, self.registry)
        self._play_quickly(player, first)
        out = frames(player.generated, 1)
        for tick in range(first, last + 1):
            before = st.copy_world(player.world)
            self._look(player, out, tick)
            player.play(out, 0)
            arrival = out.arrival[:, 0].copy()
            self._settle_accounts(out, arrival, tick)
            yield Moment(tick, before, player.world, out, arrival)
            player.settle()

    def _play_quickly(self, player: Player, ticks: int) -> None:
        """Play the first ticks, of which nobody wants to know anything."""
        for start in range(0, ticks, QUICK_TICKS):
            length = min(QUICK_TICKS, ticks - start)
            out = frames(player.generated, length)
            played = self._play_many(player, out, start, length)
            player.registry.note(out.arrival, start)
            if played < length:
                raise self._unknown(start + played)

    def _play_many(self, player: Player, out: Frames, start: int, ticks: int) -> int:
        if self._stored is not None:
            return player.replay_segment(self._stored.actions, self._stored.args, out, start, ticks)
        if player.compiled:
            player.play_segment(out, 0, ticks)
            return ticks
        for t in range(ticks):
            self._look(player, out, start + t, t)
            player.play(out, t)
            player.settle()
        return ticks

    def _look(self, player: Player, out: Frames, tick: int, slot: int = 0) -> None:
        """Everybody sees the town, and decides as it did."""
        if self._stored is None:
            player.look(out, slot)
            player.registry.note(player.arrivals(), tick)
            player.decide(out, slot)
        elif not player.look_stored(self._stored.actions, self._stored.args, out, slot, tick):
            raise self._unknown(tick)

    def _settle_accounts(self, out: Frames, arrival: I32, tick: int) -> None:
        """Hold a tick's rewards against the stored ones; take over log-probs and values, which may be a program's."""
        if self._stored is None:
            return
        rows = np.flatnonzero(arrival)
        people = arrival[rows] - 1
        stored, found = self._stored.rewards[people, tick], out.rewards[rows, 0]
        if stored.tobytes() != found.tobytes():
            worst = int(np.argmax(stored != found))
            raise CorruptSampleError(
                f"{self.capture.place}: tick {tick}: what is stored is not what comes of it: the reward of "
                f"{shown(self.name(int(arrival[rows[worst]])))} is stored as {stored[worst]}, and played again is "
                f"{found[worst]}; `townlet verify --replay` says more"
            )
        out.old_log_probs[rows, 0] = self._stored.log_probs[people, tick]
        out.value_preds[rows, 0] = self._stored.values[people, tick]

    def _unknown(self, tick: int) -> CorruptSampleError:
        return CorruptSampleError(
            f"{self.capture.place}: tick {tick}: somebody lives of whom no action is stored; "
            "`townlet verify --replay` says more"
        )

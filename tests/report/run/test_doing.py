"""What an agent is busy with, of a world before and after a tick, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tests.rollout.digests import shipped
from townlet.generator.generate import generate_run
from townlet.report.run.doing import HOLDS, IDLE, QUEUES, WALKS, WORKS, doing_of
from townlet.world import state as st

ALICE, BOB, CORA = range(3)


@pytest.fixture
def worlds() -> tuple[st.World, st.World]:
    """The three of queue_conflict before their first tick, and after one in which nothing happened."""
    world = generate_run(shipped("scenarios/queue_conflict", 10, None)).world
    after = st.copy_world(world)
    after.clock.tick[0] = 1
    for name, value in (("object", st.NOTHING), ("finished", st.NOTHING), ("refusal_object", st.NOTHING)):
        getattr(after.tick, name)[:] = value
    after.tick.kind[:], after.tick.success[:] = st.WAIT, True
    for name in ("target", "chat_with", "refusal_by"):
        getattr(after.tick, name)[:] = st.NOBODY
    return world, after


def test_idle(worlds: tuple[st.World, st.World]) -> None:
    found = doing_of(*worlds, 1.0)
    assert found.code.tolist() == [IDLE] * 3
    assert (found.left.tolist(), found.queued_at.tolist()) == ([0] * 3, [-1] * 3)
    assert (found.object.tolist(), found.target.tolist()) == ([-1] * 3, [0] * 3)


def test_an_affordance_counts_the_present_tick(worlds: tuple[st.World, st.World]) -> None:
    before, after = worlds
    after.running.affordance[ALICE], after.running.object[ALICE], after.running.left[ALICE] = 2, 0, 7
    after.tick.finished[BOB] = 3
    found = doing_of(before, after, 1.0)
    assert found.code.tolist() == [2, 3, IDLE]
    assert found.left.tolist() == [8, 1, 0]


def test_walking_needs_success(worlds: tuple[st.World, st.World]) -> None:
    before, after = worlds
    after.tick.kind[:] = st.MOVE
    after.tick.success[:] = [True, False, True]
    after.work.on_site[BOB] = True
    assert doing_of(before, after, 1.0).code.tolist() == [WALKS, WORKS, WALKS]


def test_queues_and_places(worlds: tuple[st.World, st.World]) -> None:
    """Bob waits since tick -3 and Cora since tick -1; with an age weight of 0 the lower ticket is next."""
    before, after = worlds
    after.queues.object[:], after.queues.reserved[ALICE] = 0, 0
    after.queues.since[:], after.queues.ticket[:] = [-5, -3, -1], [0, 5, 2]
    found = doing_of(before, after, 0.0)
    assert found.code.tolist() == [HOLDS, QUEUES, QUEUES]
    assert found.queued_at.tolist() == [0, 0, 0]
    assert found.place.tolist() == [0, 2, 1]
    assert doing_of(before, after, 2.0).place.tolist() == [0, 1, 2], "2 x 4 - 5 is more than 2 x 2 - 2"
    after.queues.object[CORA] = 1
    assert doing_of(before, after, 0.0).place.tolist() == [0, 1, 1], "each object has a queue of its own"


def test_the_object_that_is_meant(worlds: tuple[st.World, st.World]) -> None:
    before, after = worlds
    after.tick.kind[:] = [st.REQUEST, st.START, st.RELEASE]
    after.queues.object[ALICE], after.running.object[BOB], before.running.object[CORA] = 4, 5, 6
    assert doing_of(before, after, 1.0).object.tolist() == [4, 5, 6]
    after.tick.refusal_object[BOB] = 2
    after.tick.object[ALICE] = 1
    assert doing_of(before, after, 1.0).object.tolist() == [1, 2, 6], "named, else where it was refused"
    after.tick.kind[:] = st.MOVE
    assert doing_of(before, after, 1.0).object.tolist() == [-1] * 3


def test_whom_a_chat_is_for(worlds: tuple[st.World, st.World]) -> None:
    before, after = worlds
    after.tick.kind[:] = [st.CHAT, st.CHAT, st.WAIT]
    after.agents.arrival[:] = [7, 8, 9]
    after.tick.target[ALICE], after.tick.refusal_by[BOB], after.tick.target[CORA] = CORA, ALICE, ALICE
    assert doing_of(before, after, 1.0).target.tolist() == [9, 7, 0]
    after.tick.target[ALICE] = st.GONE
    assert np.array_equal(doing_of(before, after, 1.0).target, [0, 7, 0])

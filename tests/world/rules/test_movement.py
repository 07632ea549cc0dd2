"""Movement: hand-computed."""

from __future__ import annotations

import pytest

from tests.world.play import move, tick
from tests.worlds import EAST, NORTH, SOUTH, WAIT, WEST, Action, Offer, Scene, scene
from townlet.world.rng import USE_MOVE_TIE, draw
from townlet.world.state import N_GHOST, NOBODY


def at(town: Scene) -> list[tuple[int, int]]:
    agents = town.world.agents
    return [(int(x), int(y)) for x, y in zip(agents.x, agents.y, strict=True)]


def played(town: Scene, *actions: Action) -> list[tuple[int, int]]:
    """Where everybody stands after a tick of movement in which row i does `actions[i]`."""
    tick(town, dict(enumerate(actions)), move)
    return at(town)


@pytest.mark.parametrize(
    ("action", "tile"), [(NORTH, (2, 1)), (SOUTH, (2, 3)), (EAST, (3, 2)), (WEST, (1, 2)), (WAIT, (2, 2))]
)
def test_one_tile_in_four_directions(action: Action, tile: tuple[int, int]) -> None:
    town = scene(agents=[(2, 2)])
    assert played(town, action) == [tile]
    assert town.world.grid.agents.sum() == 1
    assert town.world.grid.agents[tile[1] + 5, tile[0] + 5] == 1
    assert town.world.tick.success[0] == (action is not WAIT)


@pytest.mark.parametrize("action", [NORTH, WEST])
def test_the_edge_blocks_and_is_not_counted(action: Action) -> None:
    town = scene(agents=[(0, 0)], rules={"ghost_after": 1})
    town.world.agents.blocked_moves[0] = 2
    assert played(town, action) == [(0, 0)]
    assert town.world.agents.blocked_moves[0] == 2
    assert not town.world.tick.success[0]


def test_a_wall_blocks_and_objects_do_not() -> None:
    town = scene(agents=[(1, 1), (1, 3)], walls=[(2, 1)], objects=[("bed", 2, 3)])
    assert played(town, EAST, EAST) == [(1, 1), (2, 3)]
    assert town.world.tick.success.tolist() == [False, True]


def test_who_is_busy_does_not_move() -> None:
    town = scene(agents=[(1, 1)], objects=[("bed", 1, 1)], offers={"sleep": Offer("bed", 9)})
    town.world.running.affordance[0] = town.world.running.object[0] = 0
    assert played(town, EAST) == [(1, 1)]
    assert town.world.agents.blocked_moves[0] == 0


def test_a_chain_moves() -> None:
    town = scene(agents=[(1, 1), (2, 1), (3, 1)])
    assert played(town, EAST, EAST, EAST) == [(2, 1), (3, 1), (4, 1)]
    assert town.world.tick.success.all()


def test_a_swap_and_a_circle_do_not() -> None:
    town = scene(agents=[(1, 1), (2, 1)])
    assert played(town, EAST, WEST) == [(1, 1), (2, 1)]
    assert town.world.agents.blocked_moves.tolist() == [1, 1]
    town = scene(agents=[(1, 1), (2, 1), (2, 2), (1, 2)])
    assert played(town, EAST, SOUTH, WEST, NORTH) == [(1, 1), (2, 1), (2, 2), (1, 2)]


def test_the_longest_wait_in_a_queue_has_the_tile() -> None:
    town = scene(agents=[(1, 1), (3, 1)], objects=[("bed", 7, 7), ("bed", 0, 7)], tick=10)
    queues = town.world.queues
    queues.object[:], queues.since[:] = [0, 1], [8, 4]
    assert played(town, EAST, WEST) == [(1, 1), (2, 1)]
    assert town.world.agents.blocked_moves.tolist() == [1, 0]


def test_otherwise_the_smaller_draw_has_it() -> None:
    for now in range(12):
        town = scene(agents=[(1, 1), (3, 1)], tick=now, seed=3)
        first, second = (draw(3, now, arrival, USE_MOVE_TIE, 0) for arrival in (1, 2))
        expected = [(2, 1), (3, 1)] if first < second else [(1, 1), (2, 1)]
        assert played(town, EAST, WEST) == expected


def test_the_tile_of_who_loses_is_not_free() -> None:
    """(2, 1) goes to one of two; who stands behind the loser stays, who stands behind the winner moves up."""
    town = scene(agents=[(1, 1), (3, 1), (0, 1), (4, 1)], tick=4)
    played(town, EAST, WEST, EAST, WEST)
    won = 0 if at(town)[0] == (2, 1) else 1
    assert at(town)[2:] == ([(1, 1), (4, 1)] if won == 0 else [(0, 1), (3, 1)])


def test_a_ghost_step_after_three_blocked_moves() -> None:
    town = scene(agents=[(1, 1), (2, 1)], rules={"ghost_after": 3})
    for blocked in (1, 2, 3):
        assert played(town, EAST, WAIT) == [(1, 1), (2, 1)]
        assert town.world.agents.blocked_moves[0] == blocked
    assert played(town, EAST, WAIT) == [(2, 1), (2, 1)]
    world = town.world
    assert world.tick.ghost_through.tolist() == [1, NOBODY]
    assert world.tick.success[0]
    assert world.clock.counts[N_GHOST] == 1
    assert world.agents.blocked_moves[0] == 0
    assert world.grid.agents[1 + 5, 2 + 5] == 2
    assert played(town, EAST, WAIT) == [(3, 1), (2, 1)]
    assert world.grid.agents[1 + 5, 2 + 5] == 1


def test_ghosts_pass_through_each_other_at_once() -> None:
    town = scene(agents=[(1, 1), (2, 1)], rules={"ghost_after": 1})
    town.world.agents.blocked_moves[:] = 1
    assert played(town, EAST, WEST) == [(2, 1), (1, 1)]
    assert town.world.tick.ghost_through.tolist() == [1, 0]
    assert town.world.clock.counts[N_GHOST] == 2


def test_never_a_ghost_step_with_zero() -> None:
    town = scene(agents=[(1, 1), (2, 1)], rules={"ghost_after": 0})
    town.world.agents.blocked_moves[0] = 100
    assert played(town, EAST, WAIT) == [(1, 1), (2, 1)]
    assert town.world.agents.blocked_moves[0] == 101


def test_another_action_forgets_blocked_moves() -> None:
    town = scene(agents=[(1, 1), (2, 1)], rules={"ghost_after": 3})
    played(town, EAST, WAIT)
    played(town, WAIT, WAIT)
    assert town.world.agents.blocked_moves[0] == 0

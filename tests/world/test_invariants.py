"""The invariants notice what is broken, and hold in the shipped towns whatever anybody does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.world.play import tick
from tests.worlds import Offer, Scene, request, scene, start
from townlet.config.load import load_config
from townlet.rollout.play import build_run, play_segments
from townlet.run import Run, canonical_json
from townlet.world.invariants import violations
from townlet.world.state import COIN_RENT, N_GHOST, NOBODY, NOTHING, world_arrays

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
SHIPPED = [
    path for kind in ("examples", "scenarios", "training") for path in sorted(CONFIGS.glob(f"{kind}/*.yaml"))
]


def town() -> Scene:
    """Agent 0 uses object 0, agent 1 waits for it, agent 2 holds object 1, agent 3 is elsewhere."""
    offers = {"wash": Offer("shower", 3)}
    things = [("shower", 2, 3), ("shower", 6, 6)]
    found = scene(
        agents=[(2, 2), (1, 3), (6, 5), (0, 0)], objects=things, offers=offers, walls=[(7, 7)], size=(8, 8)
    )
    tick(found, {0: request("wash", 0), 1: request("wash", 0), 2: request("wash", 1)})
    tick(found, {0: start("wash")})
    assert violations(found.world, found.params) == []
    return found


Change = tuple[str, Any, object]  # array, index, value
DEAD: list[Change] = [("agents.alive", 3, False), ("grid.agents", (5, 5), 0)]
BREAKS: list[tuple[list[Change], str]] = [
    ([("agents.need", (0, 1), 1.5)], "agent 0: expected needs in [0, 1], found [1.0, 1.5, 1.0]"),
    ([("agents.need", (0, 1), np.nan)], "agent 0: expected needs in [0, 1], found [1.0, nan, 1.0]"),
    ([("agents.wallet", 0, -1.0)], "agent 0: expected a wallet of at least 0 coins, found -1.0"),
    (
        [("agents.wallet", 0, 9.0)],
        "expected 4.000000 coins in wallets (4.000000 - 0.000000), found 12.000000",
    ),
    ([("clock.coins", COIN_RENT, -1.0)], "expected no negative sum, found -1.0"),
    (
        [("ties.trust", (0, 1), 1.1)],
        "ties.trust of agent 0 to agent 1: expected a value in [-1.0, 1.0], found 1.1",
    ),
    ([("ties.rivalry", (0, 1), 0.2)], "ties.count of agent 0: expected at least 1, found 0"),
    (
        [("ties.rivalry", (1, 1), 0.2)],
        "ties.rivalry of agent 1: expected no tie with itself, found 0.2",
    ),
    ([("agents.x", 3, 7), ("agents.y", 3, 7)], "agent 3: expected to stand on floor, found at (7, 7)"),
    ([("agents.x", 3, 9)], "agent 3: expected to stand on floor, found at (9, 0)"),
    (
        [("agents.x", 3, 1), ("agents.y", 3, 3)],
        "expected at most one agent a tile but for 0 ghost steps, found 1",
    ),
    ([("grid.agents", (5, 5), 0)], "grid.agents: expected 1 at (0, 0), found 0.0"),
    ([("grid.reserved", (5, 5), 1)], "grid.reserved: expected 0 at (0, 0), found 1.0"),
    ([("objects.user", 1, 0)], "object 1: agent 0 uses it, but is busy with object 0"),
    ([("objects.user", 1, 0)], "object 1: expected a user or a holder, found agent 0 and agent 2"),
    ([("objects.holder", 1, 3)], "object 1: agent 3 holds it, but has reserved nothing"),
    ([("objects.holder", 1, NOBODY)], "agent 2: has reserved object 1, whose holder is nobody"),
    ([("objects.user", 0, NOBODY)], "agent 0: busy with object 0, whose user is nobody"),
    ([("running.affordance", 0, NOTHING)], "agent 0: expected to be busy at an object, found -1 at object 0"),
    ([("running.left", 0, 0)], "agent 0: expected at least a tick left at object 0, found 0"),
    ([("queues.affordance", 1, NOTHING)], "agent 1: queues for object 0 with affordance -1"),
    (
        [("queues.object", 2, 0)],
        "agent 2: expected to be in one queue, found in that of object 0 with object 1 reserved",
    ),
    ([("queues.object", 0, 0)], "agent 0: expected to be busy or in a queue, found both"),
    ([("objects.waiting", 0, 2)], "object 0: expected 1 waiting, found 2"),
    ([("objects.stock", (0, 0), -1)], "object 0: expected no negative stock, found -1"),
    (DEAD, "agent 3 is dead, but has 1.0 coins"),
    (
        [*DEAD, ("queues.object", 3, 0)],
        "agent 3 is dead, but busy with -1, queued for object 0, holding nothing",
    ),
    ([*DEAD, ("ties.trust", (0, 3), 0.1)], "agent 3 is dead, but has ties"),
    ([*DEAD, ("script.entry", 3, 0)], "agent 3 is dead, but follows a schedule"),
    ([("agents.arrival", 3, 1)], "expected different arrivals up to 4, found [1, 2, 3, 1]"),
    ([("script.entry", 3, 0)], "agent 3: expected an entry of its own schedule, found 0"),
]


@pytest.mark.parametrize(("changes", "message"), BREAKS)
def test_what_is_broken_is_noticed(changes: list[Change], message: str) -> None:
    found = town()
    for name, index, value in changes:
        world_arrays(found.world)[name][index] = value
    said = violations(found.world, found.params)
    assert any(message in sentence for sentence in said), said


def test_a_counted_ghost_step_excuses_two_on_a_tile() -> None:
    found = town()
    found.world.agents.x[3], found.world.agents.y[3] = 1, 3
    found.world.grid.agents[5, 5], found.world.grid.agents[3 + 5, 1 + 5] = 0, 2
    assert len(violations(found.world, found.params)) == 1
    found.world.clock.counts[N_GHOST] = 1
    assert violations(found.world, found.params) == []


@pytest.mark.parametrize("policy", ["needs", "uniform"])
@pytest.mark.parametrize("path", SHIPPED, ids=[f"{path.parent.name}-{path.stem}" for path in SHIPPED])
def test_they_hold_in_the_shipped_towns(path: Path, policy: str) -> None:
    resolved = load_config(path)
    run = Run(
        name=path.stem, seed=5, ticks=150, config_json=canonical_json(resolved.to_json_dict()), policy=policy,
        ignore_schedules=policy == "uniform", check=True,
    )  # fmt: skip
    assert sum(1 for _ in play_segments(build_run(run), run)) == 1

"""Playing a golden run: after some of its ticks, digests of world and frames, and numbers to be read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from townlet.config.shipped import find_shipped, shipped_configs
from townlet.generator.generate import GeneratedWorld
from townlet.planning.plan import Request, plan
from townlet.rollout.agents import AgentRegistry, episodes
from townlet.rollout.buffers import TIME_MAJOR, Frames, frames
from townlet.rollout.play import build_run
from townlet.rollout.player import Player
from townlet.run import Run
from townlet.vocabulary import NEEDS, STOCKS
from townlet.world.digest import world_digest
from townlet.world.state import COUNTS, NOBODY, NOTHING, World

TICKS = (1, 10, 50)  # after which a run is looked at, and once more after its last
SHIFTS = ("pre", "on_time", "late", "absent", "post")
PEOPLE = 3  # of whom numbers of their own are kept; the digests hold everybody
DECIMALS = 6  # of the numbers: what moves less, the digests tell

Measured = dict[int, dict[str, Any]]  # by tick: numbers by name, nested


def golden_runs(config: str) -> dict[str, Run]:
    """The golden runs of a shipped config, by policy: as it is shipped, and the examples by `uniform`."""
    policies = ("needs", "uniform") if config.startswith("examples/") else (None,)
    source = str(find_shipped(f"{config}.yaml"))
    return {
        policy or "as shipped": next(plan(Request((source,), policy=policy)).playable())
        for policy in policies
    }


def golden_configs() -> list[str]:
    """Every shipped config, as `scenarios/queue_conflict`."""
    return [path.removesuffix(".yaml") for path in shipped_configs()]


def measure(run: Run) -> Measured:
    """What is found after some ticks of a run, and after its last."""
    generated = build_run(run)
    player = Player(generated, AgentRegistry.of(generated))
    earned: dict[int, float] = {}
    found: Measured = {}
    played = 0
    for tick in sorted({tick for tick in TICKS if tick < run.ticks} | {run.ticks}):
        out = frames(generated, tick - played)
        player.play_segment(out, 0, tick - played)
        for number, reward in _rewards(out):
            earned[number] = earned.get(number, 0.0) + reward
        found[tick] = {
            "world": world_digest(generated.world),
            "frames": _frames_digest(out),
            **_town(generated, earned),
            **_seen(out),
            "people": _people(generated, earned),
        }
        played = tick
    return found


def _frames_digest(out: Frames) -> str:
    """SHA-256 (hex) over all that was recorded of each life, by arrival number."""
    digest = hashlib.sha256()
    for row, first, end in episodes(out.arrival):
        for name in TIME_MAJOR:
            array = getattr(out, name)[row, first:end]
            digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _rewards(out: Frames) -> Iterator[tuple[int, float]]:
    """The sum of each life's rewards, by arrival number."""
    for row, first, end in episodes(out.arrival):
        yield int(out.arrival[row, first]), float(out.rewards[row, first:end].astype(np.float64).sum())


def _town(generated: GeneratedWorld, earned: dict[int, float]) -> dict[str, Any]:
    """Numbers of the town as it is now."""
    world = generated.world
    agents, living = world.agents, world.agents.alive
    states = world.work.state[living & (generated.params.people.job != NOTHING) & ~world.work.dismissed]
    need = agents.need[living]
    return {
        "alive": int(living.sum()),
        **{name: _mean(need[:, n]) for n, name in enumerate(NEEDS)},
        "lowest_need": _number(need.min()) if len(need) else None,
        "wallets": _number(agents.wallet[living].sum()),
        **{name: _number(getattr(world.ties, name).sum()) for name in ("trust", "familiarity", "rivalry")},
        "shifts": {name: int((states == code).sum()) for code, name in enumerate(SHIFTS)},
        "stock": {name: int(world.objects.stock[:, s].sum()) for s, name in enumerate(STOCKS)},
        "objects": {
            "used": int((world.objects.user != NOBODY).sum()),
            "reserved": int((world.objects.holder != NOBODY).sum()),
            "waited_for": int(world.objects.waiting.sum()),
        },
        "price_level": _number(world.events.price_level[0]),
        "counts": {name: int(n) for name, n in zip(COUNTS, world.clock.counts, strict=True)},
        "reward": _number(sum(earned.values())),
    }


def _seen(out: Frames) -> dict[str, Any]:
    """Sums over what was seen since the last look."""
    totals = {"features": 0.0, "map": 0.0, "action_mask": 0.0}
    for row, first, end in episodes(out.arrival):
        for name in totals:
            totals[name] += float(getattr(out, name)[row, first:end].astype(np.float64).sum())
    return {"seen": {name: _number(total) for name, total in totals.items()}}


def _people(generated: GeneratedWorld, earned: dict[int, float]) -> dict[str, Any]:
    """The first few rows, under the names of their first occupants."""
    found: dict[str, Any] = {}
    world: World = generated.world
    for row, name in enumerate(generated.names.agents[:PEOPLE]):
        agents, number = world.agents, int(world.agents.arrival[row])
        if not agents.alive[row]:
            found[name] = {"arrival": number, "alive": False, "reward": _number(earned[number])}
            continue
        busy, queued = world.running.affordance[row], world.queues.object[row]
        found[name] = {
            "arrival": number,
            "x": int(agents.x[row]),
            "y": int(agents.y[row]),
            **{need: _number(agents.need[row, n]) for n, need in enumerate(NEEDS)},
            "wallet": _number(agents.wallet[row]),
            "busy": None if busy == NOTHING else generated.names.affordances[busy],
            "queued": None if queued == NOTHING else generated.names.objects[queued],
            "reward": _number(earned.get(number, 0.0)),
        }
    return found


def _mean(values: np.ndarray) -> float | None:
    return _number(values.mean()) if len(values) else None


def _number(value: float) -> float:
    return round(float(value), DECIMALS) + 0.0

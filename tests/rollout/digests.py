"""What runs of shipped configs contain, as digests: `python -m tests.rollout.digests TICKS CONFIG...`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import replace

from townlet.config.shipped import find_shipped
from townlet.planning.plan import Request, plan
from townlet.rollout.play import build_run, play, play_segments
from townlet.run import Run
from townlet.samples import stack_groups
from townlet.world.digest import world_digest

POLICIES = (None, "uniform")


def digests(config: str, ticks: int) -> dict[str, str]:
    """Content digests of every sample, and the world's after the last tick, by policy.

    `None` is a config as it is shipped; under `uniform` nobody follows a schedule.
    """
    found = {}
    for policy in POLICIES:
        for name, digest in of_run(shipped(config, ticks, policy)):
            found[f"{config} {policy} {name}"] = digest
    return found


def shipped(config: str, ticks: int, policy: str | None, **more: object) -> Run:
    """A run of a shipped config. Under `uniform` schedules are left aside; `more` are fields of the run."""
    source = str(find_shipped(f"{config}.yaml"))
    asked = Request((source,), ticks=ticks, policy=policy, ignore_schedules=policy == "uniform")
    return replace(next(plan(asked).playable()), **more)


def of_run(run: Run) -> Iterable[tuple[str, str]]:
    for key, group in play(run):
        yield f"{key.arrival} {key.agent_id} {key.segment}", stack_groups([group]).content_digest()
    generated = build_run(run)
    for _ in play_segments(generated, run):
        pass
    yield "world", world_digest(generated.world)


if __name__ == "__main__":
    ticks, *configs = sys.argv[1:]
    print(
        json.dumps({name: value for config in configs for name, value in digests(config, int(ticks)).items()})
    )

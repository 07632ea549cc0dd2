"""`needs` under guided masks: what it would do anyway is in the mask."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from tests.observation.towns import Buffers, scene
from townlet.config.load import Resolved, load_config
from townlet.config.schema.features import Actions
from townlet.config.shipped import shipped_configs
from townlet.generator.generate import generate_run
from townlet.policy.base import PolicyBatch
from townlet.policy.registry import entry
from townlet.rollout.play import play_segments
from townlet.rollout.player import setting_of
from townlet.run import Run, canonical_json

TICKS = 720
EXCEPTIONS: dict[str, str] = {}  # shipped configs in which a meeting calls somebody who holds a reservation


def under(resolved: Resolved, mask: str) -> Resolved:
    actions = Actions(mask="guided") if mask == "guided" else None
    return replace(resolved, config=resolved.config.model_copy(update={"actions": actions}))


def played(resolved: Resolved) -> tuple[np.ndarray, np.ndarray]:
    """[A, T] actions, -1 where nobody lived, and whether the mask did not allow them."""
    run = Run(
        name="x", seed=3, ticks=TICKS, config_json=canonical_json(resolved.to_json_dict()), config_path="x",
        policy="needs", ignore_schedules=True,
    )  # fmt: skip
    ((_, _, out),) = play_segments(generate_run(run), run)
    lived = out.arrival[:, :TICKS] > 0
    return np.where(lived, out.actions, -1), out.off_mask & lived


@cache
def shipped(name: str) -> Resolved:
    return load_config(f"configs/{name}")


@pytest.mark.parametrize("name", shipped_configs())
def test_needs_does_the_same_under_both_masks(name: str) -> None:
    (free, _), (guided, off_mask) = (played(under(shipped(name), mask)) for mask in ("legal", "guided"))
    assert not off_mask.any()
    assert (free == guided).all() == (name not in EXCEPTIONS)


def test_but_a_meeting_does_not_call_it_from_what_it_has_reserved() -> None:
    moves = {}
    for mask in ("legal", "guided"):
        generated = scene(
            ["F...a...B"], objects={"F": "fridge", "B": "bed"}, actions={"mask": mask},
        )  # fmt: skip
        world = generated.world
        world.queues.object[0] = world.queues.reserved[0] = 0
        world.events.meet_place[0] = generated.params.town.site.place[1]
        seen = Buffers(generated).observe()
        batch = PolicyBatch(
            maps=seen.maps[:, 0], features=seen.features[:, 0], masks=seen.masks[:, 0], tick=0,
            arrival=np.ones(1, np.int64), row=np.zeros(1, np.int64), seed=0,
        )  # fmt: skip
        moves[mask] = entry("needs").make(setting_of(generated)).act(batch).actions.tolist()
    assert moves == {"legal": [3], "guided": [4]}  # east to the meeting; west to the fridge

"""A day of a town as an SVG: a lane for each agent, coloured by what it does. Played anew whenever it is made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from itertools import groupby

from townlet.frames import frames_to_replay_sample
from townlet.rollout.loop import SimulationLoop
from townlet.samples import ReplaySample

DAY = 1440
WIDE, LANE, LEFT, TOP = 720, 26, 56, 12  # user units: of a day, of a lane; of the names and the room above
# What an agent does, in words, and its colour (Okabe and Ito); the first that holds is shown.
KINDS = {
    "sleep": ("doing_rest_sleep", "#0072b2"),
    "shower": ("doing_use_shower", "#56b4e9"),
    "eat": ("doing_eat_meal", "#009e73"),
    "cook": ("doing_cook_meal", "#e69f00"),
    "shop": ("doing_buy_groceries", "#d55e00"),
    "sit": ("doing_sit", "#cc79a7"),
    "work": ("on_shift", "#f0e442"),
    "walk": ("", "#b8b4aa"),
}
PAPER, INK = "#f6f4ee", "#32303a"


def picture_of_day(config: str, seed: int) -> str:
    """The first day of a run under the config's own policies."""
    loop = SimulationLoop(config, seed=seed)
    agents = loop.agents
    for _ in range(DAY):
        loop.step()
    lives = [frames_to_replay_sample(loop.policy_runtime.collect_trajectory(agent)) for agent in agents]
    height = TOP + LANE * len(lives) + 52
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDE + 20} {height}" width="{LEFT + WIDE + 20}" '
        f'height="{height}" role="img" font-family="sans-serif" font-size="12" fill="{INK}">',
        f"<title>{escape(f'A day of {config}, seed {seed}: what each agent does')}</title>",
        f'<rect width="100%" height="100%" rx="4" fill="{PAPER}"/>',
    ]
    for lane, (agent, life) in enumerate(zip(agents, lives, strict=True)):
        parts += _lane(agent, life, TOP + lane * LANE)
    parts += _hours(TOP + LANE * len(lives))
    done = {kind for life in lives for kind in what_it_does(life)}
    return (
        "\n".join([*parts, *_legend([kind for kind in KINDS if kind in done], height - 12), "</svg>"]) + "\n"
    )


def _lane(agent: str, life: ReplaySample, top: int) -> Iterator[str]:
    yield f'<text x="{LEFT - 8}" y="{top + 16}" text-anchor="end">{escape(agent)}</text>'
    yield f'<rect x="{LEFT}" y="{top + 2}" width="{WIDE}" height="{LANE - 6}" fill="#e6e2d8"/>'
    tick = 0
    for kind, same in groupby(what_it_does(life)):
        ticks = len(list(same))
        if kind:
            yield (
                f'<rect x="{LEFT + tick * WIDE / DAY:g}" y="{top + 2}" width="{ticks * WIDE / DAY:g}" '
                f'height="{LANE - 6}" fill="{KINDS[kind][1]}"/>'
            )
        tick += ticks


def what_it_does(life: ReplaySample) -> list[str]:
    """A kind for each tick of a life; "" = nothing of it."""
    names = life.metadata["feature_names"]
    moves = {
        number
        for text, number in life.metadata["action_lookup"].items()
        if json.loads(text)["kind"] == "move"
    }
    found = [""] * life.timesteps
    for kind in reversed(KINDS):
        column = KINDS[kind][0]
        holds = (
            life.features[:, names.index(column)] > 0
            if column
            else [action in moves for action in life.actions.tolist()]
        )
        found = [kind if now else before for now, before in zip(holds, found, strict=True)]
    return found


def _hours(top: int) -> Iterator[str]:
    for hour in range(0, 25, 3):
        x = LEFT + hour * WIDE / 24
        yield f'<path d="M{x:g} {TOP}V{top + 4}" stroke="{INK}" stroke-opacity=".25"/>'
        yield f'<text x="{x:g}" y="{top + 17}" text-anchor="middle" font-size="10">{hour}:00</text>'


def _legend(kinds: list[str], bottom: int) -> Iterator[str]:
    for n, kind in enumerate(kinds):
        x = LEFT + n * 84
        yield f'<rect x="{x}" y="{bottom - 10}" width="12" height="12" fill="{KINDS[kind][1]}"/>'
        yield f'<text x="{x + 17}" y="{bottom}">{kind}</text>'

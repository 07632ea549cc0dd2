"""How scenes that were worked out by hand are written down and looked at: tables with a row a tick.

A row says what is seen *before* its tick, and what is done then; the last one what is seen after the last tick. Needs
are in 128ths, so that every number can be checked in one's head and is exact in float32.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from townlet.config.load import load_config
from townlet.rollout.play import play
from townlet.run import Run, canonical_json
from townlet.samples import ReplaySample, stack_groups

AFFORDANCES = """
- id: {id}
  object_type: {type}
  duration: 2
  effects: {effects}
"""
LETTERS = "wnsewrcqb"  # of a mask: wait, north, south, east, west, release, chat, request, start (begin)


def captured(folder: Path, config: str, ticks: int, seed: int = 0, **affordance: str) -> list[ReplaySample]:
    """What each agent's sample of a run of a config holds, in the order of arrival."""
    (folder / "one.yaml").write_text(AFFORDANCES.format(**affordance))
    (folder / "scene.yaml").write_text(config)
    resolved = load_config(folder / "scene.yaml")
    run = Run(name="scene", seed=seed, ticks=ticks, config_json=canonical_json(resolved.to_json_dict()))
    return [stack_groups([group]) for _, group in play(run)]


def rows(table: str) -> list[dict[str, str]]:
    """A table as it is written: the first line names the columns."""
    head, *lines = [line.split() for line in table.strip().splitlines()]
    assert all(len(line) == len(head) for line in lines)
    assert [line[0] for line in lines] == [str(tick) for tick in range(len(lines))]
    return [dict(zip(head, line, strict=True)) for line in lines]


def number(text: str) -> float:
    """`3/4` or `0.5`."""
    above, _, below = text.partition("/")
    return float(above) / float(below or 1)


def features(sample: ReplaySample, tick: int) -> dict[str, float]:
    """What is seen before a tick, by name; after the last tick, what is seen last."""
    values = sample.features[tick] if tick < sample.timesteps else sample.final_features
    return dict(zip(sample.metadata["feature_names"], values.tolist(), strict=True))


def mask(sample: ReplaySample, tick: int) -> str:
    bits = sample.action_mask[tick] if tick < sample.timesteps else sample.final_action_mask
    return "".join(letter if bit else "." for letter, bit in zip(LETTERS, bits.tolist(), strict=True))


def action(sample: ReplaySample, tick: int) -> str:
    names = {code: name for name, code in sample.metadata["action_lookup"].items()}
    return names[int(sample.actions[tick])]


def on_map(sample: ReplaySample, tick: int, channel: str) -> dict[tuple[int, int], float]:
    """The tiles (east, south of the agent) at which a channel is not zero."""
    window = sample.map[tick] if tick < sample.timesteps else sample.final_map
    layer = window[sample.metadata["map_channels"].index(channel)]
    middle = layer.shape[0] // 2
    return {(x - middle, y - middle): float(layer[y, x]) for y, x in np.argwhere(layer).tolist()}


def from_needs(row: dict[str, str], weights: tuple[float, float, float]) -> float:
    """The `centred` form: half of the weighted mean of 1 - d^2 over the deficits d."""
    left = [1 - (1 - int(row[need]) / 128) ** 2 for need in ("hunger", "hygiene", "energy")]
    return 0.5 * sum(w * x for w, x in zip(weights, left, strict=True)) / sum(weights)


def exactly(expected: float) -> float:
    """As it is stored."""
    return float(np.float32(expected))


def as_json(short: str) -> str:
    """`move:north` -> the canonical JSON of the action."""
    kind, _, what = short.partition(":")
    named = {"direction": what} if kind == "move" else {"affordance": what} if what else {}
    return canonical_json({"kind": kind, **named})

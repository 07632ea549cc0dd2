"""The config's numbers."""

from __future__ import annotations

import numpy as np

from tests.generator.towns import TOWN
from townlet.generator.generate import generate
from townlet.generator.rules import build_rewards, meet_tile


def test_a_shift_may_last_the_day_or_run_over_midnight(load) -> None:
    jobs = "jobs: {day: {start_tick: 0, end_tick: 1440}, night: {start_tick: 1320, end_tick: 120}, none: {}}"
    text = "\n".join(
        line for line in TOWN.replace(", job: clerk", "").split("\n") if not line.startswith("jobs")
    )
    generated = generate(load(text % "" + jobs), seed=0)
    length = dict(zip(generated.names.jobs, generated.params.jobs.length.tolist(), strict=True))
    assert length == {"day": 1440, "night": 240, "none": 0}


def test_numbers_stand_where_the_rules_read_them(load) -> None:
    more = "behavior: {hunger_threshold: 0.25}\nrewards: {decay_rates: {energy: 0.5}, clip: {clip_per_tick: 0.75}}\n"
    params = generate(load(TOWN % "" + more), seed=0).params
    assert params.rules.thresholds[0].tolist() == [0.25, 0.4, 0.4]
    assert params.rules.need_decay[0].tolist() == [0.001, 0.0005, 0.5]
    assert params.rewards.clip_per_tick[0] == 0.75


def test_rewards_without_a_cap_or_shaping(load) -> None:
    rewards = build_rewards(load(TOWN % "").config)
    assert np.isinf(rewards.episode_cap[0]) and not rewards.shaping_on[0] and rewards.gamma[0] == 0.99
    shaped = build_rewards(load(TOWN % "" + "shaping: {gamma: 0.5}\n").config)
    assert shaped.shaping_on[0] and shaped.gamma[0] == 0.5


def test_where_a_meet_is() -> None:
    objects = {"bar": (3, 4)}
    assert meet_tile(None, objects, (9, 9)) == (9, 9)
    assert meet_tile("bar", objects, (9, 9)) == (3, 4)
    assert meet_tile([1, 2], objects, (9, 9)) == (1, 2)
    assert meet_tile("pub", objects, (9, 9)) is None

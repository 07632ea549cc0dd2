"""The config's numbers."""

from __future__ import annotations

from tests.generator.towns import TOWN
from townlet.generator.generate import generate


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

"""What is played in memory is what a capture writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from townlet import dataset
from townlet.commands.capture.run_capture import RunnerOptions, capture
from townlet.config.load import load_config
from townlet.errors import UserError
from townlet.planning.plan import Request, plan
from townlet.samples import ReplaySample
from townlet.train.rollouts import rollouts, runs_of

WRITTEN = ("metrics", "sha256")  # what a capture adds to a sample's metadata


def key_of(sample: ReplaySample) -> tuple[int, int, int]:
    facts = sample.metadata
    return facts["seed"], facts["segment"]["index"], facts["agent_index"]


@pytest.mark.parametrize(
    ("config", "ticks", "options"),
    [
        ("hard_winter", 400, {}),
        ("hard_winter", 400, {"segment_ticks": 150}),
        ("kitchen_breakfast", 30, {"ignore_schedules": True}),
        ("kitchen_breakfast", 30, {"ignore_schedules": False}),
    ],
)
def test_samples_are_those_of_a_capture(
    tmp_path: Path, config: str, ticks: int, options: dict[str, Any]
) -> None:
    request = Request((config,), ticks=ticks, seeds=(0, 3), policy="uniform", as_data_set=True, **options)
    capture(plan(request), str(tmp_path / "out"), RunnerOptions(quiet=True))
    captured = {key_of(sample): sample for sample in dataset.open(str(tmp_path / "out"))}
    runs = runs_of(load_config(config), (0, 3), ticks, "uniform", **options)
    played = list(rollouts(runs))
    assert [key_of(sample) for sample in played] == sorted(captured)
    if config == "hard_winter":  # some die, and newcomers take their places
        assert any(sample.metadata["born_tick"] > 0 for sample in played)
    for sample in played:
        other = captured[key_of(sample)]
        assert sample.content_digest() == other.content_digest()
        own = {name: fact for name, fact in other.metadata.items() if name not in WRITTEN}
        assert sample.metadata == own


def test_the_runs_are_those_of_a_plan() -> None:
    planned = plan(Request(("small_town",), ticks=20, seeds=(0, 1), policy="uniform", as_data_set=True))
    runs = runs_of(load_config("small_town"), range(2), 20, "uniform")
    assert [run.fingerprint for run in runs] == [run.fingerprint for run in planned.runs]
    digest = "ab" * 32
    (run,) = runs_of(load_config("small_town"), [0], 20, f"network:{digest}?mode=greedy")
    assert (run.policy, run.model_digest) == (f"network:{digest}?mode=greedy", digest)
    (run,) = runs_of(load_config("small_town"), [0], 20, segment_ticks=20)
    assert (run.policy, run.segment_ticks) == (None, 0)


def test_buffers_serve_the_next_run_once_they_are_let_go_of() -> None:
    def place(sample: ReplaySample) -> int:
        return sample.rewards.__array_interface__["data"][0]

    runs = runs_of(load_config("kitchen_breakfast"), range(3), 5)
    let_go = [place(sample) for sample in rollouts(runs)]
    held = [place(sample) for sample in list(rollouts(runs))]
    assert len(set(let_go)) < len(let_go) and len(set(held)) == len(held)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"ticks": 0}, "ticks: expected a whole number of 1 or more, got 0"),
        ({"seeds": [-1]}, "seeds: expected 0 to"),
        ({"policy": "needy"}, "policy: expected one of"),
        ({"segment_ticks": -1}, "segment_ticks: expected a whole number of 0 or more, got -1"),
    ],
)
def test_what_no_run_can_have_is_refused(wrong: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        runs_of(load_config("small_town"), **{"seeds": [0], "ticks": 5, **wrong})

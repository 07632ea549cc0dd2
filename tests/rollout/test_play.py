"""Rollouts: what is recorded belongs together, however the run is cut and whoever plays it."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.rollout.acting.networks import network_of, run_of
from townlet.config.load import Resolved, load_config
from townlet.dataset.reading.capture import join_segments
from townlet.errors import UserError
from townlet.frames import frames_to_replay_sample
from townlet.policy.base import WithoutCritic
from townlet.rollout.loop import SimulationLoop
from townlet.rollout.play import (
    InvariantError,
    build_run,
    check_given,
    frame_bytes,
    play,
    resolved_of,
    unfit_networks,
)
from townlet.run import Run
from townlet.samples import ARRAYS, OPTIONAL_ARRAYS, ReplaySample, stack_groups
from townlet.world.invariants import BY_INDEX, Called

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
SHIPPED = sorted(
    f"{kind}/{path.stem}" for kind in ("examples", "scenarios") for path in (CONFIGS / kind).glob("*.yaml")
)


def samples(run: Run) -> dict[tuple[int, int], ReplaySample]:
    """Everything a run yields, by (arrival, segment); arrays are copied, since buffers are used again."""
    found = {}
    for key, group in play(run):
        sample = stack_groups([group])
        arrays = {name: array.copy() for name, array in sample.arrays().items()}
        found[key.arrival, key.segment] = ReplaySample.from_arrays(arrays, sample.metadata)
    return found


def same(left: ReplaySample, right: ReplaySample, *, but: tuple[str, ...] = ()) -> None:
    assert list(left.arrays()) == list(right.arrays())
    for name, array in left.arrays().items():
        if name not in but:
            assert array.tobytes() == right.array(name).tobytes(), name


@pytest.mark.parametrize("name", SHIPPED)
def test_log_probs_are_those_of_the_policy_that_acted(make_run, name: str) -> None:
    for sample in samples(make_run(name, ticks=40)).values():
        assert not sample.old_log_probs.any()
    uniform = samples(make_run(name, ticks=40, policy="uniform", ignore_schedules=True))
    for sample in uniform.values():
        legal = sample.action_mask.sum(axis=1)
        expected = np.array([-math.log(n) for n in legal.tolist()], np.float64).astype(np.float32)
        assert (sample.old_log_probs == expected).all()
        assert sample.action_mask[np.arange(sample.timesteps), sample.actions].all()
        assert sample.metadata["policy"]["kind"] == "uniform"


def test_labels_are_an_array(make_run) -> None:
    """Where a schedule's author expects a refusal; of who has no such entry there is nothing to say."""
    found = samples(make_run("scenarios/queue_conflict"))
    labelled = {sample.agent_id: sample.array("blocked") for sample in found.values()}
    assert {agent: int(array.sum()) for agent, array in labelled.items()} == {"alice": 1, "bob": 2, "cora": 3}
    assert np.flatnonzero(labelled["cora"]).tolist() == [0, 1, 6]
    for sample in found.values():
        kinds = [
            sample.metadata["action_names"][action] for action in sample.actions[labelled[sample.agent_id]]
        ]
        assert all('"kind":"request"' in kind for kind in kinds)
    for sample in samples(make_run("scenarios/observation_baseline", ticks=60)).values():
        assert sample.blocked is None


@pytest.mark.parametrize("by_ticks", [False, True])
def test_idle_agents_do_nothing(make_run, by_ticks: bool) -> None:
    found = samples(
        make_run("examples/small_town", ticks=30, policy="idle", ignore_schedules=True, check=by_ticks)
    )
    for sample in found.values():
        assert not sample.actions.any() and not sample.old_log_probs.any() and sample.off_mask is None
        assert sample.metadata["policy"]["kind"] == "idle"


@pytest.mark.parametrize("policy", ["needs", "uniform", "idle", "needs-early"])
def test_policies_keep_to_their_mask(make_run, policy: str) -> None:
    for sample in samples(
        make_run("examples/small_town", ticks=200, policy=policy, ignore_schedules=True)
    ).values():
        assert sample.off_mask is None and sample.blocked is None


@pytest.mark.parametrize("policy", ["needs", "uniform"])
def test_the_first_ticks_do_not_know_how_long_the_run_is(make_run, policy: str) -> None:
    short = samples(make_run("examples/small_town", ticks=50, policy=policy))
    long = samples(make_run("examples/small_town", ticks=100, policy=policy))
    for key, sample in short.items():
        for name in (*ARRAYS, *OPTIONAL_ARRAYS):
            if not name.startswith("final_"):
                found = long[key].array(name)[: len(sample.array(name))]
                expected = sample.array(name)
                if name == "value_preds":
                    found, expected = found[:-1], expected[:-1]
                assert found.tobytes() == expected.tobytes(), name
        assert (long[key].map[50] == sample.final_map).all()
        assert (long[key].features[50] == sample.final_features).all()


@pytest.mark.parametrize("segment", [1, 7, 32, 64])
def test_segments_are_the_whole_run_cut(make_run, segment: int) -> None:
    whole = samples(make_run("scenarios/hard_winter", ticks=150))
    cut = samples(make_run("scenarios/hard_winter", ticks=150, segment_ticks=segment))
    for (arrival, _), sample in whole.items():
        parts = [part for (who, _), part in sorted(cut.items()) if who == arrival]
        for name in (*ARRAYS, *OPTIONAL_ARRAYS):
            if name.startswith("final_"):
                joined = getattr(parts[-1], name)
            elif name == "value_preds":
                joined = np.concatenate([p.value_preds[:-1] for p in parts] + [parts[-1].value_preds[-1:]])
            else:
                joined = np.concatenate([part.array(name) for part in parts])
            assert joined.tobytes() == sample.array(name).tobytes(), name
        assert list(join_segments(parts).arrays()) == list(sample.arrays())
        assert [part.metadata["segment"]["last"] for part in parts] == [False] * (len(parts) - 1) + [True]
        for left, right in pairwise(parts):
            assert (left.final_features == right.features[0]).all()
            assert left.value_preds[-1] == right.value_preds[0]


@pytest.mark.parametrize("name", ["scenarios/queue_conflict", "scenarios/hard_winter", "examples/small_town"])
@pytest.mark.parametrize("policy", [None, "uniform"])
def test_stepping_from_python_gives_the_same_samples(make_run, name: str, policy: str | None) -> None:
    run = make_run(name, ticks=45, seed=3, policy=policy)
    compiled = samples(run)
    loop = SimulationLoop(resolved_of(run), seed=3, policy=policy)
    for _ in range(45):
        loop.step()
    names = {sample.metadata["agent_id"] for sample in compiled.values()}
    for sample in compiled.values():
        frames = loop.policy_runtime.collect_trajectory(sample.metadata["agent_id"])
        again = frames_to_replay_sample(frames)
        same(sample, again)
        for fact in ("agent_index", "born_tick", "policy", "truncated", "feature_names", "action_lookup"):
            assert sample.metadata[fact] == again.metadata[fact]
    assert loop.policy_runtime.collect_trajectory() == []
    assert set(loop.agents) <= names


def test_a_newcomer_is_a_sample_of_its_own(make_run) -> None:
    run = make_run("scenarios/hard_winter", ticks=10_000)
    scenario = resolved_of(run).config.scenario
    assert scenario is not None
    ticks = scenario.ticks
    lives = samples(make_run("scenarios/hard_winter", ticks=ticks))
    departed = [sample for sample in lives.values() if sample.dones[-1]]
    newcomers = [sample for sample in lives.values() if sample.metadata["born_tick"] > 0]
    assert departed and newcomers
    for sample in departed:
        assert sample.value_preds[-1] == 0 and not sample.metadata["truncated"]
        assert sample.features[:, 0].shape == (sample.timesteps,)
    for sample in newcomers:
        assert sample.metadata["agent_id"].endswith("-2")
        assert sample.tick[0] == sample.metadata["born_tick"]
        assert sample.features[0, sample.metadata["feature_names"].index("ctx_reset_flag")] == 1


def test_reward_terms_sum_to_the_reward(make_run) -> None:
    for sample in samples(make_run("examples/town", ticks=300)).values():
        total = sample.reward_terms.astype(np.float64).sum(axis=1)
        assert np.abs(total - sample.rewards).max() < 1e-6


def test_buffers_are_used_again_only_when_nobody_holds_the_frames(make_run) -> None:
    held = [(key, group) for key, group in play(make_run("examples/small_town", ticks=20))]
    before = [group.arrays["features"].copy() for _, group in held]
    list(play(make_run("examples/small_town", ticks=20, seed=9, policy="uniform")))
    for (_, group), copy in zip(held, before, strict=True):
        assert (group.arrays["features"] == copy).all()


def test_an_agent_filter_keeps_the_arrival_number(make_run) -> None:
    (only,) = samples(make_run("examples/small_town", ticks=20, agent="bob")).items()
    everybody = samples(make_run("examples/small_town", ticks=20))
    assert only[0] == (2, 0)
    same(only[1], everybody[2, 0])
    with pytest.raises(UserError, match=r"'zoe' matches nobody; the agents of this run are alice, bob, cora"):
        samples(make_run("examples/small_town", ticks=5, agent="zoe"))


def test_who_is_nobody_is_told(make_run) -> None:
    run = make_run("examples/small_town")
    empty = resolved_of(run).to_json_dict()
    section = empty.get("config", empty)
    section["scenario"]["agents"] = []
    with pytest.raises(UserError, match="expected at least one agent, found nobody"):
        SimulationLoop(Resolved.from_json_dict(empty))
    with pytest.raises(
        UserError, match="policy: expected one of scripted, needs, uniform, idle, needs-early, got 'neeeds'"
    ):
        samples(make_run("examples/small_town", policy="neeeds"))


def test_invariants_are_held_on_every_tick(make_run, monkeypatch: pytest.MonkeyPatch) -> None:
    for policy in ("needs", "uniform"):
        samples(make_run("examples/small_town", ticks=60, policy=policy, check=True))
    monkeypatch.setattr("townlet.rollout.play.violations", lambda *_: ["alice stands on a wall"])
    with pytest.raises(InvariantError, match="small_town seed 0: after tick 0: alice stands on a wall"):
        samples(make_run("examples/small_town", ticks=5, check=True))


def test_what_is_broken_is_named(make_run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(world, params, called: Called = BY_INDEX) -> list[str]:
        world.agents.arrival[1] = 99  # a newcomer that no frame has shown yet
        return [called.agent(0), called.agent(1), called.object(0), called.who(-1), called.thing(-1)]

    monkeypatch.setattr("townlet.rollout.play.violations", broken)
    run = make_run("scenarios/queue_conflict", ticks=2, check=True)
    names = build_run(run).names
    with pytest.raises(InvariantError) as found:
        samples(run)
    newcomer = f"the newcomer in the place of {names.agents[1]}"
    said = f"{names.agents[0]}; {newcomer}; {names.objects[0]}; nobody; nothing"
    assert str(found.value) == f"{run.label()}: after tick 0: {said}"


def test_frame_bytes_are_what_the_buffers_take(make_run) -> None:
    run = make_run("examples/small_town", ticks=4)
    sample = next(iter(samples(run).values()))
    assert frame_bytes(build_run(run)) >= 3 * sum(
        getattr(sample, name)[0].nbytes for name in ("map", "features", "action_mask")
    )


SMALL = "config_id: town\nscenario:\n  agents: [{id: al, position: [1, 1]}, {id: bo, position: [2, 1]}]\n"


class Acts(WithoutCritic):
    def act(self, batch: object) -> object:
        return batch


def test_networks_that_do_not_fit(tmp_path: Path) -> None:
    place = tmp_path / "town.yaml"
    place.write_text(SMALL)
    config = load_config(place)
    name, models = network_of(config, hidden=(4,))
    run = run_of(config, 3, policy=name)
    assert list(unfit_networks(run, models)) == []
    assert list(unfit_networks(replace(run, policy="needs"), {})) == []
    bad = hashlib.sha256(b"bad").hexdigest()
    ((found, message),) = unfit_networks(replace(run, policy=f"network:{bad}"), {bad: b"bad", **models})
    assert found == f"network:{bad}" and "not an ONNX model" in message
    place.write_text(SMALL + "observations: {hybrid: {local_window: 5}}\n")
    other = run_of(load_config(place), 3, policy=name)
    ((_, message),) = unfit_networks(other, models)
    assert "made for another layout" in message
    place.write_text("config_id: town\n")
    with pytest.raises(UserError, match="found nobody"):
        list(unfit_networks(run_of(load_config(place), 3, policy=name), models))


@pytest.mark.parametrize("wrong", [None, 3, "needs", Acts, object()])
def test_objects_that_are_no_policies(wrong: object) -> None:
    check_given(Acts())
    with pytest.raises(
        UserError, match="policy: expected a policy's name, or an object with `act` and `values`"
    ):
        check_given(wrong)

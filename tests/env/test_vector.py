"""`TownVectorEnv`: to the bit what captures record, whoever acts; episodes, seeds, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.env.towns import hungry, play_in_python, recorded
from tests.rollout.acting.networks import network_of
from townlet.config.load import load_config
from townlet.env import TownVectorEnv
from townlet.errors import UserError
from townlet.rollout.buffers import Frames

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
TICKS = 90


def lived(out: Frames, t: int) -> np.ndarray:
    return out.arrival[:, t] > 0


def same_step(out: Frames, t: int, before: dict[str, Any], stepped: tuple, rows: slice) -> int:
    """Hold what a step of one town says against slot t of the recorder; returns how many left."""
    _, rewards, terminated, _, info = stepped
    here = lived(out, t)
    assert (np.where(here, out.arrival[:, t], 0) == info["lived"][rows]).all()
    for name, array in (("map", out.map), ("features", out.features)):
        assert np.array_equal(before[name][rows][here], array[here, t]), (name, t)
    mask = before["action_mask"][rows].copy()
    mask[np.arange(len(mask)), info["action"][rows]] = True  # as it is recorded
    assert np.array_equal(mask[here], out.action_mask[here, t])
    for name, array in (
        ("action", out.actions), ("off_mask", out.off_mask), ("log_prob", out.old_log_probs),
        ("value", out.value_preds[:, :-1]), ("reward_terms", out.reward_terms),
    ):  # fmt: skip
        assert np.array_equal(info[name][rows][here], array[here, t]), (name, t)
    assert np.array_equal(rewards[rows][here], out.rewards[here, t])
    assert np.array_equal(terminated[rows], here & out.dones[:, t])
    gone = np.flatnonzero(terminated)
    for row, where in zip(gone, np.searchsorted(info.get("final_rows", []), gone), strict=True):
        if rows.start <= row < rows.stop:
            for name in ("map", "features", "action_mask"):
                found = info["final_obs"][name][where]
                assert np.array_equal(found, getattr(out, name)[row - rows.start, t + 1])
    return int(terminated[rows].sum())


def follow(env: TownVectorEnv, outs: list[Frames], ticks: int, *, told: bool) -> int:
    """Step towns beside their recordings; `told`: with the actions that were recorded. Returns how many left."""
    seen, info = env.reset()
    agents, left = len(env.agent_names), 0
    for t in range(ticks):
        actions = np.concatenate([np.where(lived(out, t), out.actions[:, t], 0) for out in outs])
        args = np.concatenate([np.where(lived(out, t)[:, None], out.action_args[:, t], -1) for out in outs])
        more = {} if not told else {
            "objects": args[:, 0].astype(int), "targets": args[:, 1].astype(int), "qualities": args[:, 2],
        }  # fmt: skip
        assert (info["acts"] & (info["arrival"] == 0)).sum() == 0
        stepped = env.step(actions if told else np.zeros_like(actions), **more)
        for k, out in enumerate(outs):
            left += same_step(out, t, seen, stepped, slice(k * agents, (k + 1) * agents))
        seen, info = stepped[0], stepped[4]
    return left


@pytest.mark.parametrize(
    "name", ["examples/small_town", "scenarios/hard_winter", "scenarios/queue_conflict", "training/small"]
)
def test_equal_to_captures_with_their_actions(name: str) -> None:
    """Everybody is told what the policy `uniform` did there, schedules aside; three towns, three seeds."""
    config = load_config(CONFIGS / f"{name}.yaml")
    outs = [recorded(config, seed, TICKS, policy="uniform")[0] for seed in (7, 8, 9)]
    for out in outs:
        out.old_log_probs[:] = 0.0  # the caller's agents have none
    env = TownVectorEnv(config, 3, 7, episode_ticks=TICKS, illegal="fail")
    follow(env, outs, TICKS, told=True)


def test_equal_to_captures_while_people_come_and_go(tmp_path: Path) -> None:
    config = hungry(tmp_path)
    outs = [recorded(config, seed, TICKS, policy="uniform")[0] for seed in (0, 1)]
    for out in outs:
        out.old_log_probs[:] = 0.0
    assert follow(TownVectorEnv(config, 2, 0, episode_ticks=TICKS), outs, TICKS, told=True) >= 4


@pytest.mark.parametrize("policy", ["needs", "uniform"])
def test_built_in_policies_act_for_some(tmp_path: Path, policy: str) -> None:
    """Whom they play for, newcomers on their rows included, is not asked for."""
    config = hungry(tmp_path)
    env = TownVectorEnv(config, 2, 3, episode_ticks=TICKS, policies={"ann": policy, "bob": policy})
    outs = [recorded(config, seed, TICKS, policy=policy)[0] for seed in (3, 4)]
    assert follow(env, outs, TICKS, told=False) >= 4
    assert not env.reset()[1]["acts"].any()
    mixed = TownVectorEnv(config, 1, 3, policies={"ann": policy})
    assert mixed.reset()[1]["acts"].tolist() == [False, True]


@pytest.mark.parametrize("how", [{}, {"mode": "greedy"}])
def test_networks_act_for_some(tmp_path: Path, how: dict[str, str]) -> None:
    """By digest and by the name of a file; their values are those of captures, at the end of an episode too."""
    config = hungry(tmp_path)
    text, models = network_of(config)
    text += "".join(f"?{name}={value}" for name, value in how.items())
    outs = [recorded(config, seed, TICKS, policy=text, models=models)[0] for seed in (3, 4)]
    policies = {"ann": text, "bob": text}
    env = TownVectorEnv(config, 2, 3, episode_ticks=TICKS, policies=policies, models=models)
    assert follow(env, outs, TICKS, told=False) >= 4
    assert outs[0].value_preds[:, :TICKS].any()
    path = tmp_path / "best.onnx"
    path.write_bytes(next(iter(models.values())))
    named = {agent: text.replace(text.partition("?")[0], f"network:{path}") for agent in policies}
    again = TownVectorEnv(config, 2, 3, episode_ticks=TICKS, policies=named)
    again.reset()
    steps = [again.step(np.zeros(4, int)) for _ in range(TICKS)]
    *_, truncated, info = steps[-1]
    ends = np.concatenate([out.value_preds[:, TICKS] for out in outs])
    rows = info["final_rows"]
    assert truncated.any() and np.array_equal(info["final_value"], ends[rows] * truncated[rows])
    with pytest.raises(UserError, match="policies: ann: expected an ONNX file, found none at 'nowhere"):
        TownVectorEnv(config, policies={"ann": "network:nowhere.onnx"})


def test_a_network_that_kernels_do_not_play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked in Python, a town at a time, before the town is shown to the caller."""
    config = hungry(tmp_path)
    text, models = network_of(config)
    outs = [recorded(config, seed, TICKS, policy=text, models=models)[0] for seed in (3, 4)]
    play_in_python(monkeypatch)
    env = TownVectorEnv(config, 2, 3, episode_ticks=TICKS, policies={"ann": text, "bob": text}, models=models)
    assert follow(env, outs, TICKS, told=False) >= 4


def test_a_network_beside_the_caller(tmp_path: Path) -> None:
    config = hungry(tmp_path)
    text, models = network_of(config)
    env = TownVectorEnv(config, 2, policies={"bob": text}, models=models)
    assert env.reset()[1]["acts"].tolist() == [True, False] * 2
    info = env.step(np.zeros(4, int))[4]
    assert (
        info["value"][[0, 2]].tolist() == [0, 0]
        and info["value"][[1, 3]].all()
        and (info["log_prob"][[1, 3]] < 0).all()
    )


def test_the_caller_can_take_over_whom_the_config_gives_a_policy(tmp_path: Path) -> None:
    config = hungry(tmp_path, more="policy: {agents: {bob: needs}}")
    assert TownVectorEnv(config).reset()[1]["acts"].tolist() == [True, False]
    assert TownVectorEnv(config, policies={"bob": "outside"}).reset()[1]["acts"].tolist() == [True, True]


def test_schedules_act_and_may_do_what_the_mask_forbids(tmp_path: Path) -> None:
    """Bob chats with Ann, who stands beside him, and starts without a reservation, for ever."""
    config = hungry(tmp_path, schedule=True)
    env = TownVectorEnv(config, 1, 0)
    out, _ = recorded(config, 0, 30, policy="uniform")
    assert env.reset()[1]["acts"].tolist() == [True, False]
    off = [env.step([0, 0])[4]["off_mask"][1] for _ in range(30)]
    assert np.array_equal(off, out.off_mask[1, :30])
    assert TownVectorEnv(config, ignore_schedules=True).reset()[1]["acts"].all()


# Episodes
def test_an_episode_ends_and_the_next_begins_in_the_same_step(tmp_path: Path) -> None:
    config = hungry(tmp_path, delay=0)
    env = TownVectorEnv(config, 2, 10, episode_ticks=5)
    first, info = env.reset()
    assert (info["seed"].tolist(), info["tick"].tolist()) == ([10, 11], [0, 0])
    returns = np.zeros(4)
    for _ in range(4):
        _, rewards, terminated, truncated, info = env.step(np.zeros(4, int))
        returns += rewards
        assert not terminated.any() and not truncated.any() and "final_rows" not in info
    seen, rewards, terminated, truncated, info = env.step(np.zeros(4, int))
    assert truncated.all() and not terminated.any()
    assert (info["seed"].tolist(), info["tick"].tolist()) == ([12, 13], [0, 0])
    assert info["final_rows"].tolist() == [0, 1, 2, 3] and info["final_ticks"].tolist() == [5] * 4
    assert np.array_equal(info["final_return"], returns + rewards)
    assert np.array_equal(seen["features"], first["features"])  # in this town no seed changes the start
    assert (info["final_obs"]["features"] != seen["features"]).any()


def test_an_empty_town_begins_anew_and_one_where_somebody_is_due_does_not(tmp_path: Path) -> None:
    waits = np.zeros(2, int)

    def ends(env: TownVectorEnv) -> list[tuple[int, int]]:
        env.reset()
        return [(t, int(env.step(waits)[4]["seed"][0])) for t in range(120)]

    deserted = ends(TownVectorEnv(hungry(tmp_path, delay=0), 1, 0, episode_ticks=10_000))
    last = max(t for t, seed in deserted if seed == 0)
    assert 30 < last < 70  # both starve
    due = ends(TownVectorEnv(hungry(tmp_path, delay=9), 1, 0, episode_ticks=10_000))
    assert {seed for _, seed in due} == {0}


def test_without_autoreset_a_town_stands_still_until_it_is_reset(tmp_path: Path) -> None:
    env = TownVectorEnv(hungry(tmp_path), 2, 0, episode_ticks=2, autoreset=False)
    env.reset()
    env.step([0] * 4)
    assert env.step([0] * 4)[3].all()
    with pytest.raises(
        UserError, match=r"step: expected towns that go on, found episodes that are over: 0, 1; reset"
    ):
        env.step([0] * 4)
    _, info = env.reset(options={"reset_mask": np.array([False, True])})
    assert (info["seed"].tolist(), info["tick"].tolist()) == ([0, 3], [2, 0])
    with pytest.raises(UserError, match="over: 0; reset"):
        env.step([0] * 4)


def test_seeds(tmp_path: Path) -> None:
    env = TownVectorEnv(hungry(tmp_path), 2)
    assert env.reset()[1]["seed"].tolist() == [5, 6]  # the config's
    assert env.reset()[1]["seed"].tolist() == [7, 8]
    assert env.reset(seed=0)[1]["seed"].tolist() == [0, 1]
    assert env.reset(seed=2**63 - 1)[1]["seed"].tolist() == [2**63 - 1, 0]
    with pytest.raises(UserError, match=r"seed: expected a whole number, got 0\.5"):
        env.reset(seed=0.5)  # type: ignore[arg-type]


def test_names_follow_who_lives(tmp_path: Path) -> None:
    env = TownVectorEnv(hungry(tmp_path), 2)
    env.reset()
    assert env.names() == ["ann", "bob", "ann", "bob"]
    found = set()
    for _ in range(80):
        env.step([0] * 4)
        found |= set(env.names())
    assert {"ann-2", ""} <= found


# What is handed over
def test_what_was_handed_over_does_not_change(tmp_path: Path) -> None:
    env = TownVectorEnv(hungry(tmp_path), 2)
    seen, info = env.reset()
    kept, copies = [], []
    for _ in range(12):
        seen, rewards, _, _, info = env.step(np.zeros(4, int))
        kept.append([*seen.values(), rewards, *info.values()])
        copies.append([np.copy(array) for array in kept[-1]])
    for one, copy in zip(kept, copies, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, copy, strict=True))
    seen["action_mask"][:] = True  # what is done to it has no effect on what is allowed
    with pytest.raises(UserError, match="expected one that its mask allows"):
        env.step([5] * 4)


def test_memory_is_used_again_once_nobody_holds_it(tmp_path: Path) -> None:
    env = TownVectorEnv(hungry(tmp_path), 1)
    env.reset()
    places = set()
    for _ in range(20):
        seen = env.step([0, 0])[0]
        places.add(seen["map"].__array_interface__["data"][0])
    assert len(places) <= 3


# What is refused
@pytest.mark.parametrize(
    ("actions", "message"),
    [
        ([0, 99], r"step: actions\[1\] \(town 0, bob\): expected an id from 0 to 8, got 99"),
        ([-1, 0], r"step: actions\[0\] \(town 0, ann\): expected an id from 0 to 8, got -1"),
        (
            [5, 0],
            r"actions\[0\] \(town 0, ann\): expected one that its mask allows \(0, .*\), got 5, .*release",
        ),
        ([0], r"step: actions: expected shape \(2,\), a number for each row, got \(1,\)"),
        ([[0], [1, 2]], "step: actions: expected whole numbers, got list"),
        ([0.0, 1.0], "step: actions: expected whole numbers, got dtype float64"),
        (None, "step: actions: expected shape"),
    ],
)
def test_actions_that_cannot_be(tmp_path: Path, actions: Any, message: str) -> None:
    env = TownVectorEnv(hungry(tmp_path))
    env.reset()
    with pytest.raises(UserError, match=message):
        env.step(actions)
    *_, info = env.step([0, 0])
    assert info["tick"].tolist() == [1] and (info["action"] == 0).all()  # nothing was played


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"objects": [1, -1]}, "step: objects: expected -1 to 0, got 1"),
        ({"targets": [-2, -1]}, "step: targets: expected -1 to"),
        ({"qualities": [-1, 1.5]}, "step: qualities: expected 0 to 1, or -1 where none is named, got 1.5"),
    ],
)
def test_arguments_that_cannot_be(tmp_path: Path, more: dict[str, Any], message: str) -> None:
    env = TownVectorEnv(hungry(tmp_path))
    env.reset()
    with pytest.raises(UserError, match=message):
        env.step([0, 0], **more)


def test_what_the_mask_forbids_may_fail_in_the_world(tmp_path: Path) -> None:
    env = TownVectorEnv(hungry(tmp_path), illegal="fail")
    seen, _ = env.reset()
    assert not seen["action_mask"][0, 5]
    info = env.step([5, 0])[4]
    assert info["off_mask"].tolist() == [True, False] and info["action"].tolist() == [5, 0]
    with pytest.raises(UserError, match="expected an id from 0 to 8, got 9"):
        env.step([9, 0])


def test_what_cannot_be_made(tmp_path: Path) -> None:
    config = hungry(tmp_path)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"num_envs": 0}, "num_envs: expected a whole number of 1 to 65536, got 0"),
        ({"episode_ticks": 0}, "episode_ticks: expected a whole number of 1 to"),
        ({"illegal": "ignore"}, "illegal: expected 'refuse' or 'fail', got 'ignore'"),
        ({"policies": ["needs"]}, "policies: expected policies by agent, got list"),
        ({"policies": {"eve": "needs"}}, r"policies: expected agents of the config \(ann, bob\), got 'eve'"),
        ({"policies": {"ann": "best"}}, "policies: ann: expected one of scripted, needs, uniform"),
        ({"autoreset": 1}, "autoreset: expected True or False, got 1"),
    ]
    for given, message in wrong:
        with pytest.raises(UserError, match=message):
            TownVectorEnv(config, **given)
    with pytest.raises(UserError, match=r"step: expected reset\(\) before the first step"):
        TownVectorEnv(config).step([0, 0])
    with pytest.raises(UserError, match="reset: reset_mask: expected 1 booleans, got int64"):
        TownVectorEnv(config).reset(options={"reset_mask": np.array([1])})
    with pytest.raises(UserError, match="config: expected a file's path"):
        TownVectorEnv(3)  # type: ignore[arg-type]

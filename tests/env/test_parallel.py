"""`TownParallelEnv`: as PettingZoo wants it, on every shipped config; newcomers, masks, endings, and what it draws."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.env.towns import hungry, recorded
from townlet.config.load import load_config
from townlet.errors import UserError

pytestmark = pytest.mark.torch  # PettingZoo and Gymnasium are installed with it

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
SHIPPED = sorted(
    path.relative_to(CONFIGS).as_posix()
    for folder in ("examples", "scenarios", "training")
    for path in (CONFIGS / folder).glob("*.yaml")
)


def made(config: Any, *args: Any, **more: Any) -> Any:
    from townlet.env import TownParallelEnv

    return TownParallelEnv(config, *args, **more)


def waits(env: Any) -> dict[str, int]:
    return dict.fromkeys(env.agents, 0)


def played(env: Any, seed: int, ticks: int) -> Iterator[tuple]:
    """Steps with actions drawn from the masks, over as many episodes as it takes."""
    rng = np.random.default_rng(seed)
    seen, infos = env.reset(seed=seed)
    yield seen, infos
    for _ in range(ticks):
        if not env.agents:
            seen, infos = env.reset()
        actions = {
            agent: int(rng.choice(np.flatnonzero(infos[agent]["action_mask"]))) for agent in env.agents
        }
        step = env.step(actions)
        infos = step[4]
        yield step


def digests(env: Any, seed: int, ticks: int) -> list[str]:
    """Of everything that is handed over, a tick each."""
    return [hashlib.sha256(b"".join(parts(step))).hexdigest() for step in played(env, seed, ticks)]


def parts(value: Any) -> Iterator[bytes]:
    if isinstance(value, dict | tuple):
        for each in value.items() if isinstance(value, dict) else value:
            yield from parts(each)
    else:
        yield value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode()


@pytest.mark.parametrize("name", SHIPPED)
def test_parallel_api(name: str) -> None:
    from pettingzoo.test import parallel_api_test  # pyright: ignore[reportMissingImports]

    env = made(CONFIGS / name, max_newcomers=4, ignore_schedules=True, observe_mask=True, episode_ticks=150)
    with warnings.catch_warnings():
        # It expects all possible agents to have been there in every episode; who is spare may never come.
        warnings.filterwarnings("ignore", "No agents present but not all possible_agents")
        parallel_api_test(env, num_cycles=200)


def test_parallel_api_without_masks(tmp_path: Path) -> None:
    """Any action may be tried: what is not allowed fails in the town."""
    from pettingzoo.test import parallel_api_test  # pyright: ignore[reportMissingImports]

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "No agents present but not all possible_agents")
        parallel_api_test(made(hungry(tmp_path), max_newcomers=4), num_cycles=200)


@pytest.mark.parametrize("name", ["examples/small_town.yaml", "scenarios/hard_winter.yaml"])
def test_equal_seeds_give_equal_bytes(name: str) -> None:
    """1,500 ticks, several episodes, everything that is handed over."""
    one, two = (
        made(CONFIGS / name, max_newcomers=3, episode_ticks=400, ignore_schedules=True) for _ in range(2)
    )
    expected, found = digests(one, 7, 1500), digests(two, 7, 1500)
    assert len(expected) == 1501 and expected == found
    assert len(set(expected)) > 1000
    again = made(CONFIGS / name, max_newcomers=3, episode_ticks=400, ignore_schedules=True)
    assert digests(again, 8, 30) != expected[:31] == digests(again, 7, 30)


def test_what_agents_see_is_what_captures_record(tmp_path: Path) -> None:
    config = hungry(tmp_path)
    out, _ = recorded(config, 3, 60, policy="uniform")
    env = made(config, max_newcomers=99, episode_ticks=60, illegal="refuse")
    seen, _ = env.reset(seed=3)
    for t in range(60):
        rows = {number: row for row, number in enumerate(out.arrival[:, t].tolist()) if number}
        numbers = {agent: number for number, agent in env._named.items()}
        if not env.agents:
            break
        for agent in env.agents:
            row = rows[numbers[agent]]
            assert np.array_equal(seen[agent]["features"], out.features[row, t])
            assert np.array_equal(seen[agent]["map"], out.map[row, t])
        seen, rewards, *_ = env.step({agent: out.actions[rows[numbers[agent]], t] for agent in env.agents})
        assert all(rewards[agent] == 0 or agent in numbers for agent in rewards)


# Who is there
def test_newcomers_bear_the_spare_names_in_order(tmp_path: Path) -> None:
    env = made(hungry(tmp_path, delay=3), max_newcomers=2, episode_ticks=300)
    assert env.possible_agents == ["ann", "bob", "newcomer-1", "newcomer-2"]
    env.reset()
    came: list[str] = []
    names: dict[str, str] = {}
    while env.agents:
        before = list(env.agents)
        _, rewards, terminated, truncated, infos = env.step(waits(env))
        new = [agent for agent in env.agents if agent not in before]
        assert all(rewards[agent] == 0 and not terminated[agent] and not truncated[agent] for agent in new)
        assert set(rewards) == {*before, *new} == set(infos) == set(terminated)
        came += new
        names |= {agent: infos[agent]["name"] for agent in infos}
    assert came == ["newcomer-1", "newcomer-2"]
    assert names["ann"] == "ann" and names["newcomer-1"] == "ann-2"


def test_it_goes_on_while_somebody_is_due(tmp_path: Path) -> None:
    """Alone in the town, Ann starves; four ticks later somebody comes. The step in which she dies brings both."""
    config = hungry(tmp_path, delay=4)
    env = made(config, max_newcomers=1, episode_ticks=400, policies={"bob": "needs"})
    assert env.possible_agents == ["ann", "newcomer-1"]
    env.reset()
    while "ann" in env.agents:
        before = env._vector.ticks[0]
        seen, rewards, terminated, _, infos = env.step(waits(env))
    assert terminated == {"ann": True, "newcomer-1": False} and env.agents == ["newcomer-1"]
    assert infos["ann"]["left"] == "fainted" and rewards["newcomer-1"] == 0
    assert env._vector.ticks[0] == before + 1 + 4
    assert seen["ann"]["features"][0] < 0.04 and seen["newcomer-1"]["features"][0] == 0.5
    while env.agents:
        _, _, terminated, truncated, _ = env.step(waits(env))
    assert terminated == {"newcomer-1": True} and truncated == {"newcomer-1": False}
    assert env._vector.ticks[0] < 400  # nobody may come whom the caller plays


def test_surplus_newcomers_are_played_by_their_policy(tmp_path: Path) -> None:
    """Nobody has a spare name: once Ann and Bob are gone it is over, and newcomers beside Bob act by themselves."""
    env = made(hungry(tmp_path, delay=2), episode_ticks=400, newcomer_policy="needs")
    env.reset()
    beside = 0
    while env.agents:
        env.step(waits(env))
        beside += sum(name not in ("", "ann", "bob") for name in env._vector.names())
        assert set(env.agents) <= {"ann", "bob"}
    assert beside


def test_schedules_play_whom_they_name_until_they_die(tmp_path: Path) -> None:
    config = hungry(tmp_path, schedule=True)
    assert made(config, max_newcomers=1).possible_agents == ["ann", "newcomer-1"]
    assert made(config, ignore_schedules=True).possible_agents == ["ann", "bob"]
    with pytest.raises(
        UserError, match="expected somebody to decide for: schedules and policies play everybody"
    ):
        made(config, policies={"ann": "needs"})


def test_truncated_at_the_end_of_the_episode(tmp_path: Path) -> None:
    env = made(hungry(tmp_path), episode_ticks=3)
    env.reset(seed=1)
    for _ in range(2):
        _, _, _, truncated, infos = env.step(waits(env))
        assert not any(truncated.values()) and "left" not in infos["ann"]
    _, _, terminated, truncated, infos = env.step(waits(env))
    assert truncated == {"ann": True, "bob": True} and not any(terminated.values())
    assert env.agents == [] and infos["bob"]["left"] == ""
    with pytest.raises(UserError, match=r"found an episode that is over; call reset\(\)"):
        env.step({})


# What is given and handed over
def test_spaces_and_masks(tmp_path: Path) -> None:
    env = made(hungry(tmp_path), observe_mask=True)
    seen, infos = env.reset()
    for agent in env.agents:
        assert env.observation_space(agent).contains(seen[agent])
        assert seen[agent]["action_mask"].dtype == np.int8
        assert np.array_equal(seen[agent]["action_mask"], infos[agent]["action_mask"])
        assert env.action_space(agent).n == 9
    assert "action_mask" not in made(hungry(tmp_path)).reset()[0]["ann"]
    step = env.step(waits(env))
    assert sum(step[4]["ann"]["reward_terms"].values()) == pytest.approx(step[1]["ann"], abs=1e-6)
    assert step[4]["ann"]["off_mask"] is False


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        ({"ann": 0}, "step: expected an action for each of ann, bob, got them for ann"),
        ({"ann": 0, "bob": 0, "eve": 0}, "got them for ann, bob, eve"),
        ({"ann": 0, "bob": 9}, "step: bob: expected an id from 0 to 8, got 9"),
        ({"ann": True, "bob": 0}, "step: ann: expected an id from 0 to 8, got True"),
        ([0, 0], "step: expected actions by agent, got list"),
    ],
)
def test_actions_that_cannot_be(tmp_path: Path, actions: Any, message: str) -> None:
    env = made(hungry(tmp_path))
    env.reset()
    with pytest.raises(UserError, match=message):
        env.step(actions)
    assert env._vector.ticks[0] == 0


def test_illegal_actions(tmp_path: Path) -> None:
    env = made(hungry(tmp_path))
    env.reset()
    assert env.step({"ann": np.int64(5), "bob": np.array(0)})[4]["ann"]["off_mask"]
    strict = made(hungry(tmp_path), illegal="refuse")
    strict.reset()
    with pytest.raises(UserError, match="expected one that its mask allows"):
        strict.step({"ann": 5, "bob": 0})


def test_what_cannot_be_made(tmp_path: Path) -> None:
    config = hungry(tmp_path)
    for given, message in (
        ({"render_mode": "human"}, "render_mode: expected ansi, rgb_array or None, got 'human'"),
        ({"max_newcomers": -1}, "max_newcomers: expected a whole number of 0 to 10000, got -1"),
        ({"newcomer_policy": "best"}, "newcomer_policy: expected one of scripted, needs, uniform"),
        (
            {"newcomer_policy": "scripted"},
            "expected one of needs, uniform.*: a newcomer has no schedule",
        ),
    ):
        with pytest.raises(UserError, match=message):
            made(config, **given)


def test_it_draws(tmp_path: Path) -> None:
    config = load_config(CONFIGS / "examples/small_town.yaml")
    env = made(config, render_mode="rgb_array")
    env.reset()
    image = env.render()
    assert (
        image.dtype == np.uint8 and image.shape[2] == 3 and len(np.unique(image.reshape(-1, 3), axis=0)) > 8
    )
    text = made(hungry(tmp_path), render_mode="ansi")
    text.reset()
    assert text.render() == "tick 0\n1..\n.2.\n.p."
    text.step({"ann": 2, "bob": 0})
    assert text.render() == "tick 1\n...\n12.\n.p."
    with pytest.raises(UserError, match="render: expected a render_mode"):
        made(config).render()

"""Every shipped scenario does what its description says, in numbers."""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np
import pytest

from townlet.config.load import load_config
from townlet.config.shipped import find_shipped, shipped_configs
from townlet.rollout.play import play
from townlet.run import Run, canonical_json
from townlet.samples import FrameGroup

SCENARIOS = [name for name in shipped_configs() if name.startswith("scenarios/")]


class Story:
    """A scenario as it is shipped, played once: each life's frames by the agent's name."""

    def __init__(self, name: str):
        self.resolved = load_config(find_shipped(f"scenarios/{name}.yaml"))
        scenario = self.resolved.config.scenario
        assert scenario is not None and scenario.ticks is not None
        self.ticks = scenario.ticks
        seed = self.resolved.config.seed if scenario.seed is None else scenario.seed
        text = canonical_json(self.resolved.to_json_dict())
        run = Run(name=name, seed=seed, ticks=self.ticks, config_json=text, check=True)
        self.lives: dict[str, FrameGroup] = {}
        for key, group in play(run):
            copied = {array: value.copy() for array, value in group.arrays.items()}
            final = {array: np.array(value) for array, value in (group.final or {}).items()}
            self.lives[key.agent_id] = FrameGroup(copied, final, group.metadata)

    def seen(self, agent: str, feature: str) -> np.ndarray:
        """[T + 1]: a feature before each tick, and after the last."""
        life = self.lives[agent]
        column = life.metadata["feature_names"].index(feature)
        return np.append(life.arrays["features"][:, column], life.final["final_features"][column])

    def earned(self, agent: str, *terms: str) -> float:
        """The sum of some terms of the reward, or of all of it."""
        life = self.lives[agent]
        if not terms:
            return float(life.arrays["rewards"].sum())
        columns = [life.metadata["reward_term_names"].index(term) for term in terms]
        return float(life.arrays["reward_terms"][:, columns].sum())

    def did(self, agent: str, action: str, affordance: str | None = None) -> np.ndarray:
        """The ticks on which an agent chose an action."""
        life = self.lives[agent]
        named = {"kind": action} if affordance is None else {"affordance": affordance, "kind": action}
        return np.flatnonzero(life.arrays["actions"] == life.metadata["action_lookup"][canonical_json(named)])

    def busy(self, agent: str, affordance: str) -> np.ndarray:
        """The ticks before which an affordance was running."""
        return np.flatnonzero(self.seen(agent, f"doing_{affordance}"))


@cache
def story(name: str) -> Story:
    return Story(name)


def rises(series: np.ndarray, by: float) -> np.ndarray:
    """The ticks on which a series rises by at least `by`."""
    return np.flatnonzero(np.diff(series) >= by)


@pytest.mark.parametrize("path", SCENARIOS)
def test_every_scenario_says_what_it_is(path: str) -> None:
    resolved = load_config(find_shipped(path))
    config, scenario = resolved.config, resolved.config.scenario
    assert scenario is not None
    assert config.config_id == resolved.name
    assert scenario.description and scenario.ticks
    assert config.observations.extended and config.rewards.needs_form == "centred"
    assert not resolved.notices


@pytest.mark.parametrize("path", SCENARIOS)
def test_no_label_is_wrong_and_nothing_is_clipped(path: str) -> None:
    told = story(load_config(find_shipped(path)).name)
    for name, life in told.lives.items():
        assert life.metadata["label_mismatch_count"] == 0, name
        assert (
            np.abs(life.arrays["reward_terms"][:, life.metadata["reward_term_names"].index("clip")]).max()
            == 0
        )


def test_kitchen_breakfast() -> None:
    told = story("kitchen_breakfast")
    cooking = {name: told.busy(name, "cook_meal") for name in told.lives}
    eating = {name: told.busy(name, "eat_meal") for name in told.lives}
    assert cooking["alice"].max() < cooking["bob"].min(), "they take turns: Alice first"
    assert set(eating["alice"]) <= set(range(cooking["bob"].min(), cooking["bob"].max())), (
        "she eats while he cooks"
    )
    assert cooking["bob"].max() < eating["bob"].min()
    assert told.seen("bob", "in_queue").sum() > 30 and told.seen("alice", "in_queue").sum() == 0
    first_chat = min(told.did(name, "chat").min() for name in told.lives)
    for name in ("alice", "bob"):
        hunger, wallet = told.seen(name, "need_hunger"), told.seen(name, "wallet")
        assert len(cooking[name]) == 39 and len(eating[name]) == 14  # the tick of the start is seen before it
        assert hunger[0] == pytest.approx(0.45) and hunger.min() > 0.3
        assert hunger[-1] == pytest.approx(0.45 + 0.1 + 0.4 - 200 * 0.001, abs=1e-5)
        assert 0 < wallet[-1] <= wallet[0] - 0.4
        assert told.seen(name, "rivalry_max")[: first_chat + 1].max() == 0, "nobody quarrels over the stove"
    assert told.earned("alice", "social") > 0 and told.earned("bob", "social") > 0, "they chat, and like it"


def test_queue_conflict() -> None:
    told = story("queue_conflict")
    showers = {name: told.busy(name, "use_shower") for name in told.lives}
    assert showers["bob"].max() < showers["cora"].min() <= showers["cora"].max() < showers["alice"].min()
    reserved = told.seen("alice", "reservation_active")
    assert list(reserved[:4]) == [0, 1, 1, 0] and told.seen("alice", "in_queue")[3] == 1, "first, then last"
    for name in ("alice", "bob", "cora"):
        hygiene, rivalry = told.seen(name, "need_hygiene"), told.seen(name, "rivalry_max")
        assert len(rises(hygiene, 0.4)) == 1, "each finishes one shower"
        assert hygiene[0] == pytest.approx(0.3) and hygiene[-1] > 0.65
        assert rivalry[0] == 0 and rivalry.max() > 0.15 and rivalry[-1] > 0.05
    assert max(told.seen(name, "rivalry_max").max() for name in told.lives) > 0.5


def test_employment_punctuality() -> None:
    told = story("employment_punctuality")
    late, paid = told.seen("leo", "shift_late").sum(), told.seen("leo", "on_shift").sum()
    assert late == 20 and paid == 120 - 26  # 6 ticks of the shift are gone before it counts as late
    assert told.seen("pia", "shift_late").sum() == 0 and told.seen("pia", "on_shift").sum() == 120
    assert told.seen("pia", "lateness_counter")[-1] == 0 and told.seen("leo", "lateness_counter")[-1] == 1
    assert told.seen("leo", "wages_withheld").max() == pytest.approx(0.1)
    assert told.seen("pia", "wallet")[-1] == pytest.approx(1 + 120 * 0.02, abs=1e-5)
    assert told.seen("leo", "wallet")[-1] == pytest.approx(1 + paid * 0.02 - 0.1, abs=1e-5)
    assert told.earned("pia", "lateness") == 0
    assert told.earned("leo", "lateness") == pytest.approx(-late * 0.005, abs=1e-5)
    for term in ("wages", "punctuality"):
        assert told.earned("pia", term) > told.earned("leo", term) > 0
    assert told.earned("pia") - told.earned("leo") == pytest.approx(
        26 * (0.01 + 0.05) + late * 0.005, abs=1e-4
    )


def test_rivalry_decay() -> None:
    told = story("rivalry_decay")
    for name in ("gina", "hugo"):
        rivalry = told.seen(name, "rivalry_max")
        risen = rises(rivalry, 0.1)
        assert rivalry[0] == 0 and rivalry.max() > 0.7
        assert list(risen) == [1, 2, 3, 4, 19, 20], "four conflicts, then two"
        peace = rivalry[21:]
        falling = peace[: int(peace[0] / 0.005)]
        assert np.diff(falling) == pytest.approx(-0.005, abs=1e-6)
        assert rivalry[-1] == 0 == rivalry[200:].max()
        assert len(rises(told.seen(name, "need_hunger"), 0.3)) >= 1, "both eat"


def test_observation_baseline() -> None:
    told = story("observation_baseline")
    (life,) = told.lives.values()
    names = life.metadata["feature_names"]
    moving = {names[column] for column in np.flatnonzero(np.ptp(life.arrays["features"], axis=0))}
    assert moving == {"time_sin", "time_cos", "ctx_reset_flag", "episode_progress", "last_action_success",
                      "last_action_duration"}  # fmt: skip
    assert [told.seen("solo", f"need_{need}")[-1] for need in ("hunger", "hygiene", "energy")] == [
        0.75,
        0.5,
        0.625,
    ]
    for nothing in ("rivalry_max", "in_queue", "reservation_active", "social_rivalry_max"):
        assert told.seen("solo", nothing).max() == 0
    assert np.ptp(life.arrays["map"], axis=0).max() == 0
    assert set(life.arrays["actions"]) == {0}
    assert np.ptp(life.arrays["rewards"]) == 0


def test_market_day() -> None:
    told = story("market_day")
    people = list(told.lives)
    assert len(people) == 10
    paid = [told.seen(name, "wallet")[0] - told.seen(name, "wallet")[-1] for name in people]
    assert paid == pytest.approx([0.15] * 5 + [0.30] * 5, abs=1e-5)
    served = [told.busy(name, "buy_groceries") for name in people]
    assert all(len(ticks) == 9 for ticks in served)
    assert all(a.max() < b.min() for a, b in itertools.pairwise(served)), "one after the other"
    for name in people:
        assert len(told.did(name, "start", "buy_groceries")) == 1
        assert told.seen(name, "rivalry_max").max() == 0, "nobody pushes in"
    assert told.seen("eli", "in_queue").sum() > 50 and told.seen("june", "in_queue").sum() > 50, (
        "there was a queue"
    )
    level = told.seen("ana", "price_level")
    assert (level > 0).sum() == 120 and set(level) == {0, 1}


def test_hard_winter() -> None:
    told = story("hard_winter")
    assert list(told.lives) == ["otto", "otto-2"]
    otto, newcomer = told.lives["otto"], told.lives["otto-2"]
    assert otto.arrays["dones"][-1] and not otto.arrays["dones"][:-1].any()
    assert told.seen("otto", "need_hunger")[-1] <= 0.03
    assert 60 < len(otto.arrays["tick"]) < 120, "in the second hour"
    assert told.earned("otto", "terminal") == -1
    assert newcomer.arrays["tick"][0] == otto.arrays["tick"][-1] + 51, "fifty ticks without anybody"
    assert newcomer.arrays["tick"][-1] == told.ticks - 1 and not newcomer.arrays["dones"].any()
    assert told.seen("otto-2", "need_hunger")[0] == 0.5 and told.seen("otto-2", "need_hunger").min() > 0.2
    assert len(rises(told.seen("otto-2", "need_hunger"), 0.3)) >= 2, "eats whenever it is time to"
    assert newcomer.metadata["truncated"] and not otto.metadata["truncated"]

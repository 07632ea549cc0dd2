"""`TownParallelEnv`: a town as an environment of PettingZoo, agents by name."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from townlet import arguments
from townlet.config.load import Resolved
from townlet.drawing.town import draw, write_text
from townlet.env.vector import Arrays, TownVectorEnv
from townlet.errors import UserError
from townlet.escaping import shown
from townlet.policy.actions import whole_number
from townlet.policy.registry import checked_name
from townlet.policy_text import NO_MODELS, Models
from townlet.rollout.loop import Illegal
from townlet.vocabulary import DEFAULT_POLICY, POLICIES, SCRIPTED
from townlet.world.state import TERMS

try:
    from gymnasium import spaces  # pyright: ignore[reportMissingImports]
    from pettingzoo import ParallelEnv  # pyright: ignore[reportMissingImports]
except ImportError:
    raise UserError(
        "TownParallelEnv needs PettingZoo and Gymnasium, which are not installed: pip install 'townlet[env]'"
    ) from None

RENDER_MODES = ("ansi", "rgb_array")
LEFT = ("", "fainted", "evicted")  # by why an agent left; "" = it did not
MOST_NEWCOMERS = 10_000


class TownParallelEnv(ParallelEnv):
    """A town of a config; all agents act at once, once a tick.

    `possible_agents` are the agents of the config for whom nobody else decides, and `newcomer-1` to `newcomer-<N>`,
    with N = `max_newcomers`: who comes while there are such names bears the next of them. `newcomer_policy` plays
    whoever comes later; `policies` ({"bob": "needs"}) and schedules (unless `ignore_schedules`) play whom they name.

    Observations are dictionaries: `map` (C, W, W) and `features` (F,) float32, and with `observe_mask` also
    `action_mask` (U,) int8; infos hold `action_mask` always (int8, as Gymnasium's `Discrete.sample` takes it), the
    agent's `name` in the town, the tick's `reward_terms`, `off_mask` (the mask did not allow what it did) and, at its
    end, `left` ("fainted", "evicted", "" = truncated). An action is an id; `illegal`: what the mask forbids fails in
    the world ("fail"), since few learners know masks, or is refused ("refuse").

    An agent is terminated where it leaves the town, truncated where it lives at the end of the episode
    (`episode_ticks`, see `TownVectorEnv`). While nobody is there to act and somebody may still come, the town goes on
    by itself within `step`. `reset(seed=...)` begins again from a seed, `reset()` takes the next one. Raises UserError.
    """

    metadata = {  # noqa: RUF012  PettingZoo's own way
        "name": "townlet_v0", "render_modes": list(RENDER_MODES), "render_fps": 10, "is_parallelizable": True,
    }  # fmt: skip

    def __init__(
        self,
        config: Resolved | str | os.PathLike[str],
        seed: int | None = None,
        *,
        episode_ticks: int | None = None,
        max_newcomers: int = 0,
        newcomer_policy: str = DEFAULT_POLICY,
        policies: Mapping[str, str] | None = None,
        ignore_schedules: bool = False,
        illegal: Illegal = "fail",
        observe_mask: bool = False,
        render_mode: Literal["ansi", "rgb_array"] | None = None,
        models: Models = NO_MODELS,
    ):
        if render_mode is not None and render_mode not in RENDER_MODES:
            raise UserError(f"render_mode: expected {', '.join(RENDER_MODES)} or None, got {render_mode!r}")
        self.render_mode = render_mode
        self._observe_mask = arguments.switch("observe_mask", observe_mask)
        spare = arguments.whole("max_newcomers", max_newcomers, 0, MOST_NEWCOMERS)
        if checked_name(newcomer_policy, "newcomer_policy") == SCRIPTED:
            known = ", ".join(name for name in POLICIES if name != SCRIPTED)
            raise UserError(f"newcomer_policy: expected one of {known}: a newcomer has no schedule")
        self._newcomer_policy = newcomer_policy
        self._vector = TownVectorEnv(
            config, 1, seed, episode_ticks=episode_ticks, policies=policies, ignore_schedules=ignore_schedules,
            illegal=illegal, autoreset=False, models=models,
        )  # fmt: skip
        names = self._vector.agent_names
        mine = [name for name, acts in zip(names, self._vector.acts_at_start(), strict=True) if acts]
        self.possible_agents = mine + _newcomers(spare, names)
        if not self.possible_agents:
            raise UserError(
                "expected somebody to decide for: schedules and policies play everybody; "
                "ignore_schedules=True, or policies={NAME: 'outside'}, leaves agents to you"
            )
        self._spare = self.possible_agents[len(mine) :]
        self.agents: list[str] = []
        self._rows: dict[str, int] = {}  # of who acts now, in the order of rows
        self._spaces = self._observation_space(), spaces.Discrete(self._vector.action_space.dim)

    def _observation_space(self) -> spaces.Dict:
        layout = self._vector.layout
        seen: dict[str, spaces.Space] = {
            "map": spaces.Box(-np.inf, np.inf, layout.map_shape, np.float32),
            "features": spaces.Box(-np.inf, np.inf, (len(layout.feature_names),), np.float32),
        }
        if self._observe_mask:
            seen["action_mask"] = spaces.Box(0, 1, (self._vector.action_space.dim,), np.int8)
        return spaces.Dict(seen)

    def observation_space(self, agent: str) -> spaces.Dict:
        """The same for everybody."""
        return self._spaces[0]

    def action_space(self, agent: str) -> spaces.Discrete:
        """The same for everybody; `townlet actions CONFIG` lists the ids."""
        return self._spaces[1]

    # --- beginning ----------------------------------------------------------------------------------------------
    def reset(
        self, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Begin an episode: observations and infos of who is there. There are no `options`."""
        self._seen, self._info = self._vector.reset(seed=seed)
        self._waiting = list(self._spare)  # names that nobody has borne yet
        self._named: dict[int, str] = {}  # by arrival number
        self._over = False
        self._meet()
        self._go_on()
        return self._now(self._rows)

    def _meet(self) -> None:
        """Who is there to act: newcomers are named, or given over to their policy."""
        names, surplus = self._vector.agent_names, []
        for row in np.flatnonzero(self._info["acts"]).tolist():
            number = int(self._info["arrival"][row])
            if number not in self._named:
                if number <= len(names):
                    self._named[number] = names[row]
                elif self._waiting:
                    self._named[number] = self._waiting.pop(0)
                else:
                    surplus.append(row)
        if surplus:
            self._seen, self._info = self._vector.give_over(surplus, self._newcomer_policy)
        numbers = self._info["arrival"].tolist()
        rows = np.flatnonzero(self._info["acts"]).tolist()
        self._rows = {} if self._over else {self._named[numbers[row]]: row for row in rows}
        self.agents = [name for name in self.possible_agents if name in self._rows]

    def _go_on(self) -> None:
        """Play on while nobody is there to act and somebody may come who bears a name."""
        while not self.agents and self._waiting and not self._over:
            self._play(np.zeros(self._vector.num_rows, np.int64))
            self._meet()

    def _play(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rewards, terminated and truncated, by row."""
        self._seen, rewards, terminated, truncated, self._info = self._vector.step(actions)
        self._over = bool(self._vector.is_over.any())
        return rewards, terminated, truncated

    # --- a tick -------------------------------------------------------------------------------------------------
    def step(
        self, actions: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, float], dict[str, bool], dict[str, bool], dict[str, Any]]:
        """Play a tick: observations, rewards, terminations, truncations and infos of who lived in it, and who came.

        Raises UserError, and plays nothing, where an agent has no action, or one that there is not.
        """
        lived = self._rows
        rewards, terminated, truncated = self._play(self._ids(actions))
        seen, infos = self._after(lived, terminated)
        self._meet()
        self._go_on()
        came = {agent: row for agent, row in self._rows.items() if agent not in lived}
        new_seen, new_infos = self._now(came)
        return (
            seen | new_seen,
            {agent: float(rewards[row]) for agent, row in lived.items()} | dict.fromkeys(came, 0.0),
            {agent: bool(terminated[row]) for agent, row in lived.items()} | dict.fromkeys(came, False),
            {agent: bool(truncated[row]) for agent, row in lived.items()} | dict.fromkeys(came, False),
            infos | new_infos,
        )

    def _ids(self, actions: Any) -> np.ndarray:
        """[N] what everybody does; rows without an agent wait."""
        if not self.agents:
            raise UserError("step: expected somebody to act, found an episode that is over; call reset()")
        if not isinstance(actions, Mapping):
            raise UserError(f"step: expected actions by agent, got {type(actions).__name__}")
        if set(actions) != set(self._rows):
            found = ", ".join(map(str, actions)) or "none"
            raise UserError(
                f"step: expected an action for each of {', '.join(self.agents)}, got them for {found}"
            )
        ids = np.zeros(self._vector.num_rows, np.int64)
        for agent, action in actions.items():
            ids[self._rows[agent]] = self._id(agent, action)
        return ids

    def _id(self, agent: str, action: Any) -> int:
        if isinstance(action, np.ndarray) and action.shape == ():
            action = action[()]
        if not whole_number(action) or not 0 <= action < self._vector.action_space.dim:
            most = self._vector.action_space.dim - 1
            raise UserError(f"step: {agent}: expected an id from 0 to {most}, got {shown(repr(action))}")
        return int(action)

    # --- what is handed over ------------------------------------------------------------------------------------
    def _now(self, rows: dict[str, int]) -> tuple[dict[str, Any], dict[str, Any]]:
        """What agents see before their first tick here, and its infos."""
        names = self._vector.names()
        seen = {agent: self._one(self._seen, row) for agent, row in rows.items()}
        return seen, {
            agent: {"action_mask": self._mask(self._seen, row), "name": names[row]}
            for agent, row in rows.items()
        }

    def _after(self, lived: dict[str, int], terminated: np.ndarray) -> tuple[dict[str, Any], dict[str, Any]]:
        """What agents see after a tick, for some the last thing that they do, and its infos."""
        info, seen, infos = self._info, {}, {}
        final = {int(row): place for place, row in enumerate(info.get("final_rows", ()))}
        for agent, row in lived.items():
            source, place = (info["final_obs"], final[row]) if terminated[row] else (self._seen, row)
            seen[agent] = self._one(source, place)
            infos[agent] = {
                "action_mask": self._mask(source, place),
                "name": self._vector.name_of(row, int(info["lived"][row])),
                "reward_terms": dict(zip(TERMS, info["reward_terms"][row].tolist(), strict=True)),
                "off_mask": bool(info["off_mask"][row]),
            }
            if row in final:
                infos[agent]["left"] = LEFT[int(info["left"][row])]
        return seen, infos

    def _one(self, source: Arrays, place: int) -> dict[str, np.ndarray]:
        seen = {
            "map": source["map"][place],
            "features": source["features"][place],
        }  # the caller's alone, each step
        return seen | ({"action_mask": self._mask(source, place)} if self._observe_mask else {})

    def _mask(self, source: Arrays, place: int) -> np.ndarray:
        return source["action_mask"][place].astype(np.int8)

    def render(self) -> str | np.ndarray | None:
        """The town from above: text (`ansi`), or [H, W, 3] uint8 (`rgb_array`). Raises UserError before `reset`."""
        if self.render_mode is None:
            raise UserError(
                f"render: expected a render_mode ({', '.join(RENDER_MODES)}) when this was made, got None"
            )
        scene, types = self._vector.scene(0)
        if self.render_mode == "rgb_array":
            return draw(scene)
        return f"tick {self._vector.ticks[0]}\n{write_text(scene, types)}"

    def close(self) -> None:
        """Nothing is left open."""


def _newcomers(count: int, taken: Sequence[str]) -> list[str]:
    """`newcomer-1` and so on, but for names that an agent of the config bears."""
    names = (f"newcomer-{number}" for number in itertools.count(1))
    return list(itertools.islice((name for name in names if name not in taken), count))

"""`TownVectorEnv`: many towns at once, stepped by compiled code: arrays in, arrays out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from townlet import arguments
from townlet.arrays import F32, I64, Bool
from townlet.compiler.warmup import warm_if_possible
from townlet.config.load import Resolved
from townlet.config.schema import DEFAULT_TICKS
from townlet.drawing.town import Scene
from townlet.env.buffers import OutputPool, OutputSet, given_nothing
from townlet.env.given import Taker
from townlet.env.kernels import DESERTED, SOMEBODY_CAME, SOMEBODY_LEFT, play_tick
from townlet.env.town import Town, run_of
from townlet.errors import UserError
from townlet.notebook import Shown, listed
from townlet.observation.layout import Layout
from townlet.policy.actions import ActionSpace
from townlet.policy.network.policy import refuse_fault
from townlet.policy_text import NO_MODELS, Models
from townlet.rollout.loop import Illegal, checked_illegal
from townlet.rollout.stepper import resolved_config
from townlet.run import MOST_SEED, Run, checked_seed
from townlet.world import jit
from townlet.world import state as st

Arrays = dict[str, Any]
MOST_ENVS, MOST_TICKS = 65_536, 2**31 - 1
REASONS = ("stays", "fainted", "evicted")  # by what `info["left"]` says


class TownVectorEnv(Shown):
    """K towns of one config, stepped together in this process: each row of the arrays is an agent of a town.

    A town has as many rows as its config has agents (A): row `k * A + i` is row `i` of town `k`, on which one agent
    lives, and after its death a newcomer, or nobody. N = K * A.

    `reset` gives observations and info, `step` observations, rewards, terminated, truncated and info, as Gymnasium's
    vector environments do:

    - observations: `map` [N, C, W, W] float32, `features` [N, F] float32, `action_mask` [N, U] bool. Rows on which
      nobody lives are zeros, and may wait.
    - rewards [N] float32; terminated [N] bool: the agent left (see `info["left"]`); truncated [N] bool: it lives, and
      the town's episode is over.
    - info: `acts` [N] bool (whom `step` asks an action for), `arrival` [N] (arrival number of who lives on the row; 0 =
      nobody); of the tick that was played `lived` [N] (arrival number of who lived in it), `action`, `off_mask`,
      `log_prob`, `value`, `reward_terms` [N, R] and `left` [N] (0 stays, 1 fainted, 2 evicted); `seed` [K] and `tick`
      [K] of what is seen now. Where lives ended, also `final_rows` [n] int64 with `final_obs` (as observations, of n
      rows: what was seen last), `final_return` [n] float64 and `final_ticks` [n] (of the life, in this episode), and
      `final_value` [n] float32, what a network that acted takes for the value of `final_obs` (0 where it left).

    An episode is over after `episode_ticks`, or where nobody lives and nobody is due. The town then begins anew in the
    same step (Gymnasium's SAME_STEP): the observations are the new episode's first, `final_obs` the old one's last.
    With `autoreset=False` (Gymnasium's DISABLED) it stands still until `reset(options={"reset_mask": [K] bool})`. Town
    k plays the seeds `seed + k`, `seed + k + K`, `seed + k + 2 K`, ...; equal seeds and actions give equal bytes, and
    those of a capture of the same seed.

    The arrays that are handed over are the caller's: later steps do not change them.
    """

    def __init__(
        self,
        config: Resolved | str | os.PathLike[str],
        num_envs: int = 1,
        seed: int | None = None,
        *,
        episode_ticks: int | None = None,
        policies: Mapping[str, str] | None = None,
        ignore_schedules: bool = False,
        illegal: Illegal = "refuse",
        autoreset: bool = True,
        models: Models = NO_MODELS,
    ):
        """`seed` None is the config's; `episode_ticks` None is as many as a capture of the config has. `policies` names
        who decides for some agents, and for newcomers on their rows (`{"bob": "needs"}`; a network is named by its
        file, `network:best.onnx`, or by the digest of one in `models`); the caller decides for all others, schedules
        aside. `illegal`: an action that the mask forbids is refused, or is tried and fails. Raises
        UserError for what cannot be played.
        """
        self.config = resolved_config(config)
        self.num_envs = arguments.whole("num_envs", num_envs, 1, MOST_ENVS)
        self._seed = self.config.seed if seed is None else checked_seed(seed, "seed")
        scenario = self.config.config.scenario
        planned = (scenario and scenario.ticks) or DEFAULT_TICKS
        self.episode_ticks = arguments.whole(
            "episode_ticks", planned if episode_ticks is None else episode_ticks, 1, MOST_TICKS
        )
        self._fails = checked_illegal(illegal)
        self._autoreset = arguments.switch("autoreset", autoreset)
        ignore = arguments.switch("ignore_schedules", ignore_schedules)
        run, models = run_of(
            self.config, _named(policies), ignore_schedules=ignore, ticks=self.episode_ticks, models=models
        )
        warm_if_possible(quiet=False)
        self._begin(run, models)

    def _begin(self, run: Run, models: Models) -> None:
        towns, agents = self.num_envs, len(self.config.agents)
        self.given = given_nothing(towns * agents)
        self._towns = [Town(run, models, self.given, 0)]
        tables = self._towns[0].tables
        self._towns += [Town(run, models, self.given, k * agents, tables) for k in range(1, towns)]
        self._asks = self._towns[0].player.asks_python
        generated = self._towns[0].generated
        self._networks, self._table = generated.networks, tables.networks
        self.layout: Layout = generated.layout
        self.action_space: ActionSpace = generated.action_space
        self.agent_names: tuple[str, ...] = generated.names.agents
        self.object_names: tuple[str, ...] = generated.names.objects
        self._taker = Taker(self.given, self.action_space, len(self.object_names), fails=self._fails)
        self._pool = OutputPool(generated, towns)
        self._masks: Bool = self._pool.masks  # of what is seen now, whatever the caller does to its own
        self._last = self._pool.made()  # what the departed see
        self._acts: Bool | None = None
        self._call: Callable[..., int] | None = None
        self._episode = np.full(towns, -1, np.int64)
        self._tick, self._seeds = np.zeros(towns, np.int64), np.zeros(towns, np.int64)
        self._over = np.zeros(towns, np.bool_)
        self._returns, self._lengths = np.zeros(self.num_rows), np.zeros(self.num_rows, np.int64)

    def _facts(self) -> dict[str, Any]:
        agents = f"{len(self.agent_names)}: {listed(self.agent_names)}"
        return {
            "of": self.config.name,
            "towns": self.num_envs,
            "agents": agents,
            "episode ticks": self.episode_ticks,
        }

    @property
    def num_rows(self) -> int:
        """N."""
        return self.num_envs * len(self.agent_names)

    def names(self) -> list[str]:
        """[N] who lives on each row now; "" = nobody."""
        known = [(town.registry.names, town.player.arrivals()[:, 0].tolist()) for town in self._towns]
        return [names[number - 1] if number else "" for names, numbers in known for number in numbers]

    def _called(self, row: int) -> str:
        """How messages call who lives on a row."""
        return f"town {row // len(self.agent_names)}, {self.names()[row]}"

    def name_of(self, row: int, number: int) -> str:
        """The name of whoever has or had this arrival number in a row's town."""
        return self._town_of(row).registry.names[number - 1]

    def acts_at_start(self) -> list[bool]:
        """[A] whether the caller decides for the first agent of a town's row: the same in all towns."""
        return self._towns[0].acts()

    def give_over(self, rows: Sequence[int], policy: str) -> tuple[Arrays, Arrays]:
        """A built-in policy decides for these rows until their town begins anew; what is seen now, as of `look`."""
        for row in rows:
            self._town_of(row).give_over(row % len(self.agent_names), policy)
        return self.look()

    def scene(self, k: int) -> tuple[Scene, tuple[str, ...]]:
        """Town `k` as `townlet.drawing.town` draws it, and the names of the types of its objects."""
        return self._towns[k].scene()

    @property
    def ticks(self) -> I64:
        """[K] ticks of the present episodes that were played."""
        return self._tick.copy()

    @property
    def is_over(self) -> Bool:
        """[K] whose episode is over, and waits for `reset`: without autoreset."""
        return self._over.copy()

    def _town_of(self, row: int) -> Town:
        return self._towns[row // len(self.agent_names)]

    def close(self) -> None:
        """Nothing is left open."""

    # --- beginning ----------------------------------------------------------------------------------------------
    def reset(
        self, *, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[Arrays, Arrays]:
        """Begin new episodes: observations and info.

        With `seed` town k plays that plus k, and so on; without, the first time the seed given when this was made, and
        later the next seeds. `options={"reset_mask": [K] bool}`: of these towns only. Raises UserError.
        """
        if seed is not None:
            self._seed = checked_seed(seed, "seed")
            self._episode[:] = -1
        for k in np.flatnonzero(self._mask_of(options)).tolist():
            self._restart(k)
        return self.look()

    def look(self) -> tuple[Arrays, Arrays]:
        """What is seen now, once more: observations and info, of which what a tick brought is 0."""
        out = self._pool.take()
        for array in out.told:
            array[...] = 0
        for k in range(self.num_envs):
            self._show(out, k)
        self._acts = out.told.acts.copy()
        return self._seen(out), self._info(out)

    def _mask_of(self, options: Mapping[str, Any] | None) -> Bool:
        if not options or "reset_mask" not in options:
            return np.ones(self.num_envs, np.bool_)
        mask = np.asarray(options["reset_mask"])
        if mask.shape != (self.num_envs,) or mask.dtype != np.bool_:
            raise UserError(
                f"reset: reset_mask: expected {self.num_envs} booleans, got {mask.dtype} of shape {mask.shape}"
            )
        first = self._acts is None and not mask.all()
        if first:
            raise UserError("reset: reset_mask: expected all towns the first time")
        return mask

    def _restart(self, k: int) -> None:
        self._episode[k] += 1
        agents = len(self.agent_names)
        seed = (self._seed + k + int(self._episode[k]) * self.num_envs) % (MOST_SEED + 1)
        self._towns[k].begin(seed)
        self._tick[k], self._seeds[k] = 0, seed
        rows = slice(k * agents, (k + 1) * agents)
        self._returns[rows], self._lengths[rows], self._over[k] = 0.0, 0, False

    # --- a tick -------------------------------------------------------------------------------------------------
    def step(
        self,
        actions: Any,
        *,
        objects: Any = None,
        targets: Any = None,
        qualities: Any = None,
    ) -> tuple[Arrays, F32, Bool, Bool, Arrays]:
        """Play a tick of every town: observations, rewards, terminated, truncated and info.

        `actions` [N] are ids of the action space; of rows whose agent the caller does not decide for (see `acts`) they
        are not read. What an action names beside its id: `objects` [N] (index into `object_names`), `targets` [N]
        (arrival number, less one) and `qualities` [N], -1 where it names none. Raises UserError, and plays nothing, for
        what is no action, or is none that may be tried.
        """
        if self._acts is None:
            raise UserError("step: expected reset() before the first step")
        if self._over.any():
            over = ", ".join(map(str, np.flatnonzero(self._over)))
            raise UserError(
                f"step: expected towns that go on, found episodes that are over: {over}; reset them"
            )
        self._taker.take(
            actions, objects, targets, qualities, acts=self._acts, masks=self._masks, name_of=self._called
        )
        out = self._pool.take()
        said = self._play(out)
        told = out.told
        self._acts = told.acts.copy()
        self._returns += told.reward
        self._lengths += told.lived > 0
        terminated = told.left != st.STAYS
        truncated, over = np.zeros(self.num_rows, np.bool_), self._ended(said)
        more: Arrays = {}
        if over.any() or any(one & SOMEBODY_LEFT for one in said):
            stayed = (told.lived > 0) & ~terminated & np.repeat(over, len(self.agent_names))
            truncated = stayed
            more = self._final(out, terminated, truncated)
            self._end(out, over)
        return self._seen(out), told.reward[:], terminated, truncated, {**self._info(out), **more}

    def _play(self, out: OutputSet) -> list[int]:
        """A tick of every town; what the kernel said of each."""
        towns, told, seen, last = self._towns, out.told, out.seen, self._last.seen
        if self._call is None:
            self._call = jit.entry_point(play_tick, *towns[0].arguments(seen[0], last[0], told))
        play = self._call
        said = [play(*town.arguments(seen[k], last[k], told)) for k, town in enumerate(towns)]
        self._tick += 1
        if any(said):
            for k, town in enumerate(towns):
                if said[k] & SOMEBODY_CAME:
                    town.meet(told, int(self._tick[k]))
        if self._networks:
            self._decided(out, range(self.num_envs))
        return said

    def _show(self, out: OutputSet, k: int) -> None:
        """Town `k`, once more or for the first time."""
        self._towns[k].show(out.seen[k], out.told)
        if self._networks:
            self._decided(out, (k,))

    def _decided(self, out: OutputSet, towns: Iterable[int]) -> None:
        """Networks have seen these towns: those of Python's are asked, and what is no number is refused."""
        for k in towns if self._asks else ():
            self._towns[k].ask(out.seen[k])
        for n, name in enumerate(self._networks):
            refuse_fault(self._table, n, name)

    def _ended(self, said: list[int]) -> Bool:
        """[K] whose episode is over."""
        over = self._tick >= self.episode_ticks
        return over | np.array([bool(one & DESERTED) for one in said]) if any(said) else over

    def _final(self, out: OutputSet, terminated: Bool, truncated: Bool) -> Arrays:
        """What is said of the lives that ended."""
        rows = np.flatnonzero(terminated | truncated)
        gone = terminated[rows]
        now, last = self._seen(out), self._last
        before = {"map": last.map, "features": last.features, "action_mask": last.masks}
        seen = {name: now[name][rows] for name in now}
        for name in seen:
            seen[name][gone] = before[name][rows[gone]]
        found = {
            "final_rows": rows, "final_obs": seen, "final_return": self._returns[rows],
            "final_ticks": self._lengths[rows],
            "final_value": np.where(gone, np.float32(0), self._values()[rows]),
        }  # fmt: skip
        self._returns[rows], self._lengths[rows] = 0.0, 0
        return found

    def _values(self) -> F32:
        """[N] what networks take for the value of what is seen now; 0 on the rows of others."""
        if not self._networks:
            return np.zeros(self.num_rows, np.float32)
        return np.concatenate([town.values() for town in self._towns])

    def _end(self, out: OutputSet, over: Bool) -> None:
        """Begin the towns anew whose episode is over, or let them stand."""
        if not self._autoreset:
            self._over = over
            return
        for k in np.flatnonzero(over).tolist():
            self._restart(k)
            self._show(out, k)
        if over.any():
            self._acts = out.told.acts.copy()

    # --- what is handed over ------------------------------------------------------------------------------------
    def _seen(self, out: OutputSet) -> Arrays:
        return {"map": out.map[:], "features": out.features[:], "action_mask": out.told.mask[:]}

    def _info(self, out: OutputSet) -> Arrays:
        told = out.told
        return {
            "acts": told.acts[:], "arrival": told.arrival[:], "lived": told.lived[:], "action": told.action[:],
            "off_mask": told.off_mask[:], "log_prob": told.log_prob[:], "value": told.value[:],
            "reward_terms": told.terms[:], "left": told.left[:],
            "seed": self._seeds.copy(), "tick": self._tick.copy(),
        }  # fmt: skip


def _named(policies: Any) -> Mapping[str, str]:
    if policies is None:
        return {}
    if not isinstance(policies, Mapping):
        raise UserError(f"policies: expected policies by agent, got {type(policies).__name__}")
    return policies

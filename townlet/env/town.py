"""One town of an environment: its world, who lives in it, and who decides there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from townlet.arrays import F32
from townlet.config.load import Resolved
from townlet.drawing.scene import scene_of
from townlet.drawing.town import Scene
from townlet.env.buffers import Given, Seen, Told
from townlet.env.kernels import show
from townlet.errors import UserError
from townlet.escaping import shown
from townlet.generator.generate import GeneratedWorld, generate_run
from townlet.policy.tables import PolicyTables
from townlet.policy_text import NO_MODELS, Models, checked_policy
from townlet.rollout.agents import AgentRegistry
from townlet.rollout.player import Player
from townlet.rollout.stepper import by_digest
from townlet.run import Run, canonical_json
from townlet.vocabulary import OUTSIDE, POLICIES
from townlet.world import state as st
from townlet.world.records import plain


class Town:
    """A town under way, and the calls that step it. `first` is the first of its rows among the rows of all towns."""

    def __init__(
        self, run: Run, models: Models, given: Given, first: int, tables: PolicyTables | None = None
    ):
        """`models`: the networks' files, by digest; `tables`: another town's, of the same config."""
        self._run, self._models, self._given, self._first = run, models, given, first
        self._shared = tables
        self.begin(run.seed)

    @property
    def tables(self) -> PolicyTables:
        """What kernels know of the policies, and where networks work: for towns that are not stepped at once."""
        return self._shared or self.player.tables

    def begin(self, seed: int) -> None:
        """Start over, with a seed."""
        self.run = replace(self._run, seed=seed)
        self.generated: GeneratedWorld = generate_run(self.run)
        self.registry = AgentRegistry.of(self.generated)
        self.player = Player(self.generated, self.registry, models=self._models)
        player, generated = self.player, self.generated
        self._shared = self.tables
        self._world = (player.world, generated.params, generated.observation, self._shared, player.batch)

    def show(self, seen: Seen, told: Told) -> int:
        """Show everybody the town, and tell who is there; returns what kernels.show says."""
        return int(show(*self._world, seen, told, self._first))

    def arguments(self, seen: Seen, last: Seen, told: Told) -> tuple[Any, ...]:
        """Of the kernel that plays a tick."""
        return (*self._world, self._given, seen, last, told, self._first)

    def acts(self) -> list[bool]:
        """[A] whether the caller decides for who lives on a row."""
        asked = plain(self.generated.params.people)["policy"] == st.POLICY_OUTSIDE
        return (asked & (plain(self.player.world.script)["entry"] == st.NOTHING)).tolist()

    def give_over(self, row: int, policy: str) -> None:
        """A built-in policy decides for a row, newcomers included, until the town begins anew."""
        self.generated.params.people.policy[row] = POLICIES.index(policy)

    def scene(self) -> tuple[Scene, tuple[str, ...]]:
        """What is to be drawn, and the names of the types of objects."""
        return scene_of(self.player.world, self.generated.params), self.generated.names.object_types

    def ask(self, seen: Seen) -> None:
        """Networks that are played in Python decide on what is seen."""
        self.player.met()
        self.player.decide(seen, 0)  # type: ignore[arg-type]  # a slot of it

    def values(self) -> F32:
        """[A] the value of what is seen now, of who has a network; else 0."""
        return plain(self.player.batch)["value"]

    def meet(self, told: Told, tick: int) -> None:
        """Name who came before `tick`, as `told` says."""
        rows = slice(self._first, self._first + len(self.registry.rows))
        self.registry.note(told.arrival[rows][:, None], tick)


def run_of(
    config: Resolved, policies: Mapping[str, str], *, ignore_schedules: bool, seed: int = 0, ticks: int = 0,
    models: Models = NO_MODELS,
) -> tuple[Run, Models]:  # fmt: skip
    """The run that a town of an environment plays, in which the caller decides for whom `policies` does not name, and
    the models that act in it.

    `policies`: who decides, by an agent's name, besides what the config says under `policy.agents`; `outside` is the
    caller, and a network is named by its file, or by the digest of one in `models`. Raises UserError for an agent who
    is not in the config, and for a policy that there is not.
    """
    document = config.to_json_dict()
    own: dict[str, str] = {**config.config.policy.agents}
    known = [agent.id for agent in config.agents]
    for agent, policy in policies.items():
        if agent not in known:
            raise UserError(
                f"policies: expected agents of the config ({', '.join(known)}), got {shown(repr(agent))}"
            )
        where = f"policies: {agent}"
        if policy == OUTSIDE:
            own[agent] = OUTSIDE
        else:
            own[agent], models = by_digest(checked_policy(policy, where), models, where)
    named = {agent: policy for agent, policy in own.items() if policy != OUTSIDE}
    section = {key: value for key, value in document["config"].get("policy", {}).items() if key != "agents"}
    document["config"]["policy"] = section | ({"agents": named} if named else {})
    run = Run(
        name=config.name, seed=seed, ticks=ticks, config_json=canonical_json(document),
        config_path=config.config_path, policy=OUTSIDE, ignore_schedules=ignore_schedules,
    )  # fmt: skip
    return run, {**config.models, **models}

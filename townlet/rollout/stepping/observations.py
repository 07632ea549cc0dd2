"""What everybody sees at one moment, by name: copied once for all, and taken apart for those who are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from townlet.arguments import no_such
from townlet.arrays import F32, Bool
from townlet.notebook import Shown, listed
from townlet.policy.actions import Action
from townlet.policy.base import Observation


class Observations(Mapping[str, Observation], Shown):
    """Observations by agent, in the order given. An observation is the same object whenever it is asked for."""

    def __init__(
        self,
        agents: tuple[str, ...],
        tick: int,
        arrival: list[int],
        position: list[list[int]],
        maps: F32,
        features: F32,
        masks: Bool,
        scheduled: Callable[[int], tuple[Action | None, bool]],
    ):
        """The arrays are [n, ...], nobody else's, and in the order of `agents`. `scheduled(k)`: what the schedule of
        the k-th prescribes, and whether it expects that to be refused.
        """
        self._index = {agent: k for k, agent in enumerate(agents)}
        self._tick, self._arrival, self._position = tick, arrival, position
        self._maps, self._features, self._masks, self._scheduled = maps, features, masks, scheduled
        self._made: dict[str, Observation] = {}

    def __getitem__(self, agent: str) -> Observation:
        if agent not in self._made:
            k = self._index.get(agent, -1)
            if k < 0:
                raise no_such("agent", agent, self._index)
            action, labelled = self._scheduled(k)
            x, y = self._position[k]
            made = self._made[agent] = object.__new__(Observation)
            made.__dict__.update(  # as its `__init__` does it for a frozen class, four times as fast
                agent_id=agent, tick=self._tick, arrival=self._arrival[k], map=self._maps[k],
                features=self._features[k], action_mask=self._masks[k], position=(x, y), scheduled=action,
                labelled=labelled,
            )  # fmt: skip
        return self._made[agent]

    def __iter__(self) -> Iterator[str]:
        return iter(self._index)

    def __len__(self) -> int:
        return len(self._index)

    def __repr__(self) -> str:
        return Shown.__repr__(self)

    def _facts(self) -> dict[str, object]:
        return {"tick": self._tick, "agents": listed(self._index)}

    def _ipython_key_completions_(self) -> list[str]:
        return list(self._index)

    @property
    def maps(self) -> F32:
        """[n, C, W, W] of all agents, in their order; as the observations, the caller's."""
        return self._maps

    @property
    def features(self) -> F32:
        """[n, F]"""
        return self._features

    @property
    def masks(self) -> Bool:
        """[n, U]"""
        return self._masks


def not_scheduled(k: int) -> tuple[Action | None, bool]:
    """Nobody follows a schedule."""
    return None, False

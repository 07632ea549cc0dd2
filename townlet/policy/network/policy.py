"""Networks as policies: a run's models loaded, fitted to its config, and asked from Python."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from townlet.arrays import F32, F64, I64
from townlet.errors import UserError
from townlet.escaping import shown
from townlet.policy.base import PolicyActions, PolicyBatch, PolicyInfo, PolicySetting
from townlet.policy.network.choose import choose_rows
from townlet.policy.network.fit import FittedModel, fit_model
from townlet.policy.network.forward import ask
from townlet.policy.network.read_model import Model, load_model
from townlet.policy.network.table import ROWS, Actor, NetworkTable
from townlet.policy_text import NETWORK, Models, NetworkText, parse_network

MOST_KEPT = 8  # models, and models fitted to a config, that a process keeps for the runs that follow

_Kept = TypeVar("_Kept")


@dataclass(frozen=True, eq=False)
class Network:
    """A network of a run: how it is named, and its model fitted to the run's config."""

    choice: NetworkText
    fitted: FittedModel

    @property
    def actor(self) -> Actor:
        """What kernels know of it."""
        return Actor(self.fitted.program, self.choice.mode == "greedy", self.choice.temperature)

    @property
    def info(self) -> PolicyInfo:
        """What samples say of it."""
        choice, is_greedy = self.choice, self.choice.mode == "greedy"
        given: dict[str, Any] = {
            "mode": choice.mode,
            "temperature": choice.temperature,
            "remap": choice.remap,
        }
        usual = NetworkText(choice.model)
        return PolicyInfo(
            NETWORK,
            log_prob_source="deterministic" if is_greedy else "softmax of the logits over the mask",
            value_source="critic",
            digest=choice.model,
            options=tuple((name, value) for name, value in given.items() if value != getattr(usual, name)),
            runtime=self.fitted.runtime,
        )


class NetworkPolicy:
    """Network `n` of a table, asked from Python.

    A model that kernels do not play is run by its own runtime, always with as many rows as there are agents: what such
    a runtime computes may depend on how many rows it is given. What is drawn, and how, is the same for both.
    """

    def __init__(self, network: Network, table: NetworkTable, n: int, agents: int):
        self._network, self._table, self._n, self._agents = network, table, n, agents

    def act(self, batch: PolicyBatch) -> PolicyActions:
        return self._answered(batch, np.zeros(len(batch), np.int64), given=False)

    def judge(self, batch: PolicyBatch, actions: I64) -> PolicyActions:
        """The same for actions [B] that were chosen before: their log-probs, and the values."""
        return self._answered(batch, actions.copy(), given=True)

    def values(self, batch: PolicyBatch) -> F32:
        return self._each(batch, lambda first, count: None)

    def chances(self, batch: PolicyBatch) -> F64:
        """[B, U] the softmax of the logits over the mask, at the network's temperature; greedy ones' too."""
        found = np.zeros(batch.masks.shape, np.float64)

        def keep(first: int, count: int) -> None:
            found[first : first + count] = self._table.logits[:count]

        self._each(batch, keep)
        found = np.where(batch.masks, found / self._network.choice.temperature, -np.inf)
        found = np.exp(found - found.max(axis=1, keepdims=True))
        return found / found.sum(axis=1, keepdims=True)

    def _answered(self, batch: PolicyBatch, actions: I64, *, given: bool) -> PolicyActions:
        log_probs, masks = np.zeros(len(batch), np.float32), batch.masks[:, None]

        def choose(first: int, count: int) -> None:
            choose_rows(
                self._table, self._n, masks, count, first, batch.seed, batch.tick, batch.arrival, given, actions,
                log_probs,
            )  # fmt: skip

        return PolicyActions(actions, log_probs, self._each(batch, choose))

    def _each(self, batch: PolicyBatch, use: Callable[[int, int], None]) -> F32:
        """Compute logits and values of as many rows as the table takes, and `use` them; the values of all."""
        table, found = self._table, np.zeros(len(batch), np.float32)
        seen = (batch.maps[:, None], batch.features[:, None], batch.masks[:, None])
        computed = None
        if self._network.fitted.program is None:
            computed = self._network.fitted.run(batch.maps, batch.features, batch.masks, self._agents)
        for first in range(0, len(batch), ROWS):
            count = min(ROWS, len(batch) - first)
            if computed is None:
                table.row[:count] = np.arange(first, first + count)
                ask(table, self._n, *seen, 0, count)
            else:
                table.logits[:count] = computed[0][first : first + count]
                table.value[:count] = computed[1][first : first + count]
            found[first : first + count] = table.value[:count]
            use(first, count)
        refuse_fault(table, self._n, str(self._network.choice))
        return found


def refuse_fault(table: NetworkTable, n: int, name: str) -> None:
    """Raise UserError where network `n` has given what is no finite number, and forget it."""
    if table.fault[n]:
        table.fault[n] = False
        raise UserError(
            f"{shown(name)}: expected finite logits and values, got others: its numbers overflow on what it sees here"
        )


class _Cache:
    """What was made last, by key; several threads may ask."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Any, Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Any, make: Callable[[], _Kept]) -> _Kept:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = make()
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return made


_models, _fitted = _Cache(), _Cache()


def model_of(digest: str, models: Models, where: str) -> Model:
    """A model by its digest, read once for many runs. Raises UserError where it is not there, or no model."""
    if digest not in models:
        raise UserError(
            f"{where}: expected the content of the model {shown(digest)[:12]} in `models`, found "
            f"{', '.join(known[:12] for known in models) or 'none'}; a network is named there by its file's SHA-256"
        )
    return _models.get(digest, lambda: load_model(models[digest], where))


def networks_at(texts: Sequence[str], setting: PolicySetting, models: Models) -> list[Network]:
    """The networks of a run, in order. Raises UserError for a model that is not there, or does not fit the config."""
    return [_network(parse_network(text), setting, models) for text in texts]


def _network(choice: NetworkText, setting: PolicySetting, models: Mapping[str, bytes]) -> Network:
    where = f"network {shown(choice.model)[:12]}"
    model = model_of(choice.model, models, where)
    layout = (setting.feature_names, setting.map_channels, setting.map_shape, setting.action_space.json)
    key = (choice.model, choice.remap, layout)
    return Network(choice, _fitted.get(key, lambda: fit_model(model, setting, choice, where)))

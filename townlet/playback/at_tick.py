"""All about a tick of a run: where everybody stood, what each did and could have done, got for it, and saw."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

import numpy as np

from townlet.playback.playback import Moment, Playback
from townlet.playback.reasons import refusal_text
from townlet.policy.base import PolicyBatch
from townlet.policy.network.policy import NetworkPolicy, networks_at
from townlet.policy.network.table import network_table
from townlet.policy_text import Models
from townlet.rollout.acting.course import Course
from townlet.rollout.player import setting_of
from townlet.vocabulary import NEEDS, POLICIES, SCRIPTED
from townlet.world import state as st
from townlet.world.refusals import REASONS

LIKELIEST = 5  # actions whose probabilities are told


def at_tick(
    playback: Playback, models: Models, tick: int, agents: Collection[str] | None = None
) -> dict[str, Any]:
    """What there is to say of a tick, ready for JSON: `tick`, `day`, `tick_of_day` and `agents`, a document for each.

    `agents`: only these (None: all who lived in the tick). Needs, wallet, position, and what is seen and legal, are
    those before acting; rewards are what the tick brought. Raises as `Playback.moments`.
    """
    moment = next(playback.moments(tick, tick))  # asked for another one, the town would go on
    look = _Look(playback, models, moment)
    size = playback.generated.params.town.size
    day, time = divmod(tick + int(size[4]), int(size[3]))
    rows = sorted(np.flatnonzero(moment.arrival).tolist(), key=lambda row: int(moment.arrival[row]))
    told = [look.of(row) for row in rows if agents is None or look.name(row) in agents]
    return {"tick": tick, "day": day, "tick_of_day": time, "agents": told}


class _Look:
    """One tick, ready to be told of each row."""

    def __init__(self, playback: Playback, models: Models, moment: Moment):
        self._playback, self._models, self._moment = playback, models, moment
        self._generated = playback.generated
        self._names, self._params = playback.generated.names, playback.generated.params
        self._before, self._after, self._seen = moment.before, moment.world, moment.seen
        # A branch goes on with other policies than it began with.
        now = Course(playback.generated).between(moment.tick, moment.tick + 1)
        self._policies, self._without_schedules, _ = next(now)

    def name(self, row: int) -> str:
        return self._playback.name(int(self._moment.arrival[row]))

    def of(self, row: int) -> dict[str, Any]:
        """The document of a row's agent."""
        agents = self._before.agents
        policy = self._policy(row)
        layout, terms = self._generated.layout, self._seen.reward_terms[row, 0]
        features = self._seen.features[row, 0]
        return {
            "agent": self.name(row),
            "life": int(self._moment.arrival[row]),
            "position": [int(agents.x[row]), int(agents.y[row])],
            "doing": self._doing(row),
            "needs": {name: float(agents.need[row][n]) for n, name in enumerate(NEEDS)},
            "wallet": float(agents.wallet[row]),
            "policy": policy,
            "action": self._action(row),
            "likely": self._likely(row, policy),
            "legal": [self._action_text(id) for id in np.flatnonzero(self._legal(row)).tolist()],
            "reward": float(self._seen.rewards[row, 0]),
            "reward_terms": {name: float(terms[n]) for n, name in enumerate(st.TERMS)},
            "value": float(self._seen.value_preds[row, 0]),
            "map": {name: self._seen.map[row, 0, c].tolist() for c, name in enumerate(layout.map_channels)},
            "features": {name: float(features[f]) for f, name in enumerate(layout.feature_names)},
        }

    # --- what it does
    def _doing(self, row: int) -> dict[str, Any]:
        """What fills the row's tick: `what`, and what goes with it: affordance, object, ticks left, a place."""
        busy, began = self._before.running, self._after.tick
        if busy.affordance[row] != st.NOTHING:
            k, o, left = int(busy.affordance[row]), int(busy.object[row]), int(busy.left[row])
            return {
                "what": "uses",
                "affordance": self._names.affordances[k],
                **self._at(o),
                "ticks_left": left,
            }
        if began.kind[row] == st.START and began.success[row]:
            k = int(began.affordance[row])
            running = self._after.running
            o = int(running.object[row]) if running.affordance[row] != st.NOTHING else self._used_up(row)
            return {
                "what": "uses", "affordance": self._names.affordances[k], **self._at(o),
                "ticks_left": int(self._params.affordances.duration[k]),
            }  # fmt: skip
        queues = self._before.queues
        o = int(queues.object[row])
        if o != st.NOTHING:
            return self._queueing(row, o, int(queues.affordance[row]), bool(queues.reserved[row] == o))
        if self._before.work.on_site[row]:
            return {"what": "works", "job": self._names.jobs[int(self._params.people.job[row])]}
        moves = began.kind[row] == st.MOVE and began.success[row]
        return {"what": "walks" if moves else "idle"}

    def _used_up(self, row: int) -> int:
        """The object of what has begun and ended in this tick."""
        objects = self._after.objects
        found = np.flatnonzero((objects.last_user == row) & (objects.last_used == self._moment.tick))
        return int(found[0]) if len(found) else st.NOTHING

    def _queueing(self, row: int, o: int, k: int, holds: bool) -> dict[str, Any]:
        told = {"affordance": self._names.affordances[k], **self._at(o)}
        queues = self._before.queues
        if holds:
            return {"what": "has the reservation", **told, "until_tick": int(queues.deadline[row])}
        ahead = sum(self._rank(other) < self._rank(row) for other in self._waiters(o))
        taken = self._before.objects.user[o] != st.NOBODY or self._before.objects.holder[o] != st.NOBODY
        return {"what": "queues", **told, "ahead": ahead + int(taken)}

    def _waiters(self, o: int) -> list[int]:
        queues = self._before.queues
        return np.flatnonzero((queues.object == o) & (queues.reserved != o)).tolist()

    def _rank(self, row: int) -> tuple[bool, float, int]:
        """Waiters of an object sort by this, the first in line first (see `townlet/world/reservations.py`)."""
        queues, now = self._before.queues, self._moment.tick
        waited = float(self._params.rules.age_weight[0]) * (now - int(queues.since[row]))
        last = bool(queues.rotated[row] == now)
        return last, int(queues.ticket[row]) - waited, int(self._moment.arrival[row])

    def _at(self, o: int) -> dict[str, str]:
        return {} if o == st.NOTHING else {"object": self._names.objects[o]}

    # --- what it chose
    def _action(self, row: int) -> dict[str, Any]:
        did, o = self._after.tick, int(self._seen.action_args[row, 0, 0])
        target = int(self._seen.action_args[row, 0, 1])
        code = int(did.refusal[row])
        told: dict[str, Any] = {"id": int(self._seen.actions[row, 0])}
        told["action"] = self._action_text(told["id"])
        told |= {
            "object": None if o < 0 else self._names.objects[o],
            "target": None if target < 0 else self._playback.name(target + 1),
            "probability": math.exp(float(self._seen.old_log_probs[row, 0])),
            "success": bool(did.success[row]),
            "expected_to_fail": bool(self._seen.blocked[row, 0]),
            "reason": REASONS[code] if code else None,
            "why": refusal_text(did, row, self._params, self.name, self._names.objects) or None,
        }
        return told

    def _action_text(self, id: int) -> str:
        """`move north`, `request use_shower`, ..."""
        return " ".join(self._generated.action_space.actions[id].values())

    def _legal(self, row: int) -> np.ndarray:
        """[U] bool: what the mask allowed; the bit of the action taken is set in what is recorded."""
        mask = self._seen.action_mask[row, 0].copy()
        if self._seen.off_mask[row, 0]:
            mask[self._seen.actions[row, 0]] = False
        return mask

    def _policy(self, row: int) -> str:
        """Who decided for it: `scripted`, `needs`, ..., or a network as a config names it."""
        if self._before.script.entry[row] != st.NOTHING and not self._without_schedules:
            return SCRIPTED
        code = int(self._policies[row])
        if code >= st.POLICY_FIRST_NETWORK:
            return self._generated.networks[code - st.POLICY_FIRST_NETWORK]
        return self._playback.run.policy or "outside" if code == st.POLICY_OUTSIDE else POLICIES[code]

    def _likely(self, row: int, policy: str) -> list[dict[str, Any]]:
        """The likeliest actions, the likeliest first; [] where a policy draws nothing, or does not say."""
        if policy == "uniform":
            chances = self._legal(row) / max(1, self._legal(row).sum())
        elif policy in self._generated.networks:
            chances = self._of_network(row, policy)
        else:
            return []
        order = np.argsort(-chances, kind="stable")[:LIKELIEST]
        return [
            {"action": self._action_text(id), "id": id, "probability": float(chances[id])}
            for id in order.tolist()
            if chances[id] > 0
        ]

    def _of_network(self, row: int, policy: str) -> np.ndarray:
        (network,) = networks_at([policy], setting_of(self._generated), self._models)
        table = network_table([network.actor], self._generated.action_space.dim)
        asked = NetworkPolicy(network, table, 0, 1)
        here, none = slice(row, row + 1), np.zeros(1, np.int64)
        seen = self._seen
        batch = PolicyBatch(
            seen.map[here, 0], seen.features[here, 0], self._legal(row)[None], 0, none, none, 0
        )
        return asked.chances(batch)[0]

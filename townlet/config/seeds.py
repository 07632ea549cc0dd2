"""Whether a seed can change anything in the runs of a config: what can be known of it before any is played.

A seed decides nothing but named draws (`townlet/world/rng.py`): where things without a position stand, what
`scenario.starts` leaves open, personalities that are not named, events of a day, actions of a stochastic policy, chats,
and who moves where two want one tile. Where none of them can happen, all seeds give the same samples. Where one can, it
is known only once seeds have been played; but where needs or wallets are drawn, every seed has a start of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from townlet.config.load import Resolved
from townlet.config.schema import Config, ScenarioAgent, Starts
from townlet.policy_text import is_network, parse_network
from townlet.vocabulary import DEFAULT_POLICY, SCRIPTED

UNDRAWN_POLICIES = ("needs", "needs-early", "idle")  # that act without a draw, and never chat


def policy_of(config: Config, agent: ScenarioAgent, run_policy: str | None) -> str:
    """The policy that acts for `agent` where no schedule does: its own, else the run's, else the config's, else needs.

    `scripted` names the schedules; an agent that has none follows the default.
    """
    chosen = config.policy.agents.get(agent.id) or run_policy or config.policy.default or DEFAULT_POLICY
    return DEFAULT_POLICY if chosen == SCRIPTED else chosen


def _draws(policy: str, *, is_alone: bool) -> bool:
    """Whether a draw may be made where this policy acts. A greedy network draws none, but may chat."""
    if is_network(policy):
        return parse_network(policy).mode != "greedy" or not is_alone
    return policy not in UNDRAWN_POLICIES


def nothing_drawn(resolved: Resolved, policy: str | None = None, *, ignore_schedules: bool = False) -> bool:
    """Whether all seeds give the same samples, for certain. False: some may differ, or all, or none.

    `policy` and `ignore_schedules`: as a run has them.
    """
    return not any(_may_be_drawn(resolved, policy, ignore_schedules))


def _may_be_drawn(resolved: Resolved, policy: str | None, ignore_schedules: bool) -> Iterator[bool]:
    config, agents = resolved.config, resolved.agents
    starts = config.scenario.starts if config.scenario is not None else None
    yield starts is not None and (_ranges_are_drawn(starts) or starts.positions is not None)
    yield any(thing.position is None for thing in (*resolved.objects, *agents))
    personalities = config.features.relationship_modifiers or config.features.behavior.personality_profiles
    overrides = config.personalities.overrides
    yield personalities and any(not agent.personality and agent.id not in overrides for agent in agents)
    yield any(event.probability_per_day > 0 for event in config.perturbations.events.values())
    scripted = {agent.id for agent in agents if agent.schedule and not ignore_schedules}
    returns = config.lifecycle.respawn_delay_ticks > 0  # a newcomer has no schedule
    decides = [agent for agent in agents if agent.id not in scripted or returns]
    policies = {policy_of(config, agent, policy) for agent in decides}
    yield any(_draws(name, is_alone=len(agents) == 1) for name in policies)
    kinds = {
        agent.id: {entry.kind for entry in agent.schedule or ()} for agent in agents if agent.id in scripted
    }
    yield any("chat" in some for some in kinds.values())
    movers = {agent.id for agent in decides} | {agent for agent, some in kinds.items() if "move" in some}
    yield len(movers) > 1


def _ranges_are_drawn(starts: Starts) -> bool:
    ends = [*(starts.needs or {}).values(), starts.wallet, starts.tick_of_day]
    return any(one is not None and one.min < one.max for one in ends)


def every_seed_differs(resolved: Resolved) -> bool:
    """Whether no two seeds give the same samples: needs or wallets are drawn, of which hardly two are ever equal.

    False: it is known once seeds have been played, if `nothing_drawn` is False too.
    """
    scenario = resolved.config.scenario
    if scenario is None or scenario.starts is None or not resolved.agents:
        return False
    ends = [*(scenario.starts.needs or {}).values(), scenario.starts.wallet]
    return any(one is not None and one.min < one.max for one in ends)

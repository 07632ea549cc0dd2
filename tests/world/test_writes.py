"""A rule writes only what it declares: which arrays each may change stands in a table, here.

Every rule is called by itself, with the parts of the world that `townlet/world/step.py` gives it, in towns in which
everything happens; what differs afterwards must be in its row. The rows are held tight: what stands in one has been
seen to change.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.crowded.town import crowded
from tests.rollout.digests import shipped
from townlet.config.shipped import shipped_configs
from townlet.generator.generate import GeneratedWorld
from townlet.observation.encode import observe
from townlet.policy.tables import policy_tables
from townlet.rollout.buffers import frames
from townlet.rollout.kernels import ALIVE, decide, waiting_actions
from townlet.rollout.play import build_run, play_segments
from townlet.rollout.player import setting_of
from townlet.run import Run
from townlet.world import rules as folder
from townlet.world import step as steps
from townlet.world.digest import world_digest
from townlet.world.records import column_names
from townlet.world.rules import (
    affordances,
    economy,
    employment,
    events,
    lifecycle,
    movement,
    needs,
    queues,
    rewards,
    schedule,
    social,
)
from townlet.world.state import ACTION_CHAT, ACTION_MOVE, CHARGES, COUNTS, NOTHING

# What a block does, at whatever rule it comes up (world/reservations.py).
BLOCK = """
    tick: block_object block_by block_waiting block_rotated
    tick: refusal refusal_by refusal_object refusal_number refusal_limit
    queues: blocked reserved rotated ticket
    objects: blocks holder next_ticket waiting
    grid: reserved
    counts: blocks rotations
"""
TIES = "ties: trust familiarity rivalry count"

# By rule, in the order of a tick: `group: column column ...`. `counts` and `coins` are those of the clock.
MAY_CHANGE = {
    "schedule.direct": """
        choice: action object target quality labelled
        script: entry
    """,
    "begin": """
        tick: action kind affordance object target quality success duration finished chat_with social
        tick: block_object block_by block_waiting block_rotated ghost_through polite_to avoided
        tick: late absent taken_over_by helped_by refusal refusal_by refusal_object refusal_number refusal_limit
    """,
    "affordances.restock": """
        objects: stock
        events: stale
        counts: restocks
    """,
    "events.update": """
        events: start_at until ready_at duration magnitude recent recent_next price price_level utility
        events: meet_place met_at stale
        counts: events
    """,
    "affordances.refresh": """
        events: ready any_ready closed stale
    """,
    "movement.update": """
        agents: x y blocked_moves
        grid: agents
        tick: success ghost_through refusal refusal_by refusal_object refusal_number refusal_limit
        counts: ghost_steps
    """,
    "queues.update": f"""
        {BLOCK}
        queues: object affordance since deadline
        tick: success polite_to avoided
        counts: lapses grants avoided
    """,
    "affordances.update": f"""
        {BLOCK}
        agents: need wallet
        running: affordance object left started
        queues: object affordance cooling_until
        objects: user stock last_user last_used
        events: stale
        tick: success duration finished
        clock: cooldown
        counts: failed_starts finished
        coins: earnings prices
    """,
    "social.update": f"""
        {TIES}
        ties: chat_reward meal_shared
        tick: success chat_with social refusal refusal_by refusal_object refusal_number refusal_limit
        counts: chats good_chats shared_meals
    """,
    "employment.update": """
        agents: wallet
        work: state on_roll arrived on_site withheld lateness shifts missed absences dismissed
        tick: late absent taken_over_by helped_by
        coins: wages
    """,
    "social.work_ties": TIES,
    "economy.update": """
        agents: wallet unpaid_days
        coins: rent
    """,
    "needs.update": "agents: need",
    "lifecycle.update": """
        agents: faint_ticks leaving
        clock: exits_today
        counts: faints evictions
    """,
    "rewards.update": """
        agents: phi episode_sum
        tick: terms reward
    """,
    "schedule.advance": "script: entry ticks",
    "finish": """
        clock: tick
        agents: last_action last_success last_duration
    """,
    "lifecycle.settle": f"""
        {TIES}
        ties: identity chat_reward meal_shared
        agents: alive arrival born x y need wallet faint_ticks unpaid_days leaving return_at slot phi episode_sum
        agents: last_action last_success last_duration
        queues: object affordance since ticket rotated blocked reserved deadline cooling_until
        running: affordance object left started
        objects: user holder waiting last_user
        work: state on_roll arrived on_site withheld lateness shifts missed absences dismissed
        events: meet_place met_at
        grid: agents reserved
        script: entry ticks
        clock: arrivals cooldown slot_freed
        counts: newcomers
        coins: newcomers departed
    """,
}


def table() -> dict[str, set[str]]:
    """MAY_CHANGE by rule as `group.column` names."""
    found: dict[str, set[str]] = {}
    for rule, text in MAY_CHANGE.items():
        pairs = [line.split(":") for line in text.splitlines() if line.strip()]
        found[rule] = {f"{group.strip()}.{column}" for group, names in pairs for column in names.split()}
    return found


def tick_of(generated: GeneratedWorld, choice: Any) -> list[tuple[str, Callable[[], Any]]]:
    """The rules of a tick, in their order, with what each is given."""
    clock, agents, queue, running, objects, ties, work, now, grid, script, tick = generated.world
    town, offers, people, plan, jobs, specs, numbers, pay = generated.params
    calls: list[tuple[str, Any, tuple]] = [
        ("schedule.direct", schedule.direct, (agents, queue, running, grid, script, town, plan, people, choice)),
        ("begin", steps.begin, (agents, tick, choice)),
        ("affordances.restock", affordances.restock, (clock, objects, now, town, numbers)),
        ("events.update", events.update, (clock, agents, ties, now, town, specs, numbers)),
        ("affordances.refresh", affordances.refresh, (objects, now, town, offers)),
        ("movement.update", movement.update, (clock, agents, queue, running, grid, tick, town, numbers)),
        ("queues.update", queues.update,
         (clock, agents, queue, running, objects, ties, now, grid, tick, town, offers, numbers)),
        ("affordances.update", affordances.update,
         (clock, agents, queue, running, objects, now, grid, script, tick, town, offers, numbers)),
        ("social.update", social.update, (clock, agents, running, ties, tick, town, offers, numbers)),
        ("employment.update", employment.update, (clock, agents, work, tick, town, people, jobs, numbers)),
        ("social.work_ties", social.work_ties, (agents, ties, tick, numbers)),
        ("economy.update", economy.update, (clock, agents, town, numbers)),
        ("needs.update", needs.update, (agents, numbers)),
        ("lifecycle.update", lifecycle.update, (clock, agents, town, numbers)),
        ("rewards.update", rewards.update, (clock, agents, work, tick, town, numbers, pay)),
        ("schedule.advance", schedule.advance,
         (agents, queue, running, grid, script, tick, town, plan, people)),
        ("finish", steps.finish, (clock, agents, tick)),
        ("affordances.refresh", affordances.refresh, (objects, now, town, offers)),
        ("lifecycle.settle", lifecycle.settle,
         (clock, agents, queue, running, objects, ties, work, now, grid, script, town, people, numbers, pay)),
    ]  # fmt: skip
    return [(name, lambda call=call, given=given: call(*given)) for name, call, given in calls]


class Watch:
    """Notices which arrays of some groups change."""

    def __init__(self, groups: dict[str, Any]):
        self._arrays: list[tuple[str, str, np.ndarray]] = []
        for name, group in groups.items():
            whole = [("", group)] if isinstance(group, np.ndarray) else group._asdict().items()
            self._arrays += [(name, column, array) for column, array in whole]
        self._before = [array.tobytes() for *_, array in self._arrays]

    def changes(self) -> Iterator[str]:
        """The columns that differ from the last time that was asked, as `group.column`."""
        for index, (group, column, array) in enumerate(self._arrays):
            before, after = self._before[index], array.tobytes()
            if before == after:
                continue
            was = np.frombuffer(before, array.dtype).reshape(array.shape)
            for part in column_names(array) if not column else (column,):
                yield from _named(group, part, *((was[part], array[part]) if not column else (was, array)))
            self._before[index] = after


def _named(group: str, column: str, was: np.ndarray, now: np.ndarray) -> Iterator[str]:
    kinds = {"counts": COUNTS, "coins": CHARGES}.get(column) if group == "clock" else None
    if kinds is not None:
        yield from (f"{column}.{kinds[index]}" for index in np.flatnonzero(was != now))
    elif was.tobytes() != now.tobytes():
        yield f"{group}.{column}"


def play(run: Run, seen: dict[str, set[str]], *, restless: bool = False) -> GeneratedWorld:
    """Play a run, rule by rule; note in `seen` what each has changed.

    `restless`: at times those who are busy walk, and all chat to the first, which nobody chooses.
    """
    generated = build_run(run)
    world, params, rows = generated.world, generated.params, len(generated.names.agents)
    known, choice, out = policy_tables(setting_of(generated)), waiting_actions(rows), frames(generated, 1)
    watch = Watch({**world._asdict(), "choice": choice})
    fixed = Watch({**params._asdict(), "site": params.town.site})
    rules = tick_of(generated, choice)
    for _ in range(run.ticks):
        observe(world, params, generated.observation, out.map, out.features, out.action_mask, 0, ALIVE)
        decide(
            world.agents, world.script, params.people, params.town.seed[0], world.clock.tick[0], known,
            out.features, out.action_mask, 0, choice,
        )  # fmt: skip
        if restless and world.clock.tick[0] % 4 > 1:
            chats = world.clock.tick[0] % 4 == 3
            choice.action[chats | (world.running.affordance != NOTHING)] = (
                ACTION_CHAT if chats else ACTION_MOVE
            )
            choice.target[:] = 0
        assert {name.split(".")[0] for name in watch.changes()} <= {"choice"}, "who observes and decides"
        for name, rule in rules:
            rule()
            seen[name].update(watch.changes())
    assert not list(fixed.changes()), "what does not change has changed"
    return generated


def towns() -> Iterator[Run]:
    """The crowd, and the scenarios for their schedules."""
    yield crowded(1_200)
    yield crowded(1_200, seed=5)
    for path in shipped_configs():
        if path.startswith("scenarios/"):
            yield shipped(path.removesuffix(".yaml"), 120, None)


@pytest.fixture(scope="module")
def seen() -> dict[str, set[str]]:
    """By rule: all that it has changed, anywhere."""
    found: dict[str, set[str]] = defaultdict(set)
    for run in towns():
        play(run, found)
    play(crowded(100), found, restless=True)
    return found


@pytest.mark.parametrize("rule", MAY_CHANGE)
def test_a_rule_writes_only_what_it_declares(seen: dict[str, set[str]], rule: str) -> None:
    undeclared = seen[rule] - table()[rule]
    assert not undeclared, f"{rule} changes what its row does not name: {sorted(undeclared)}"


@pytest.mark.parametrize("rule", MAY_CHANGE)
def test_a_rule_declares_only_what_it_writes(seen: dict[str, set[str]], rule: str) -> None:
    never = table()[rule] - seen[rule]
    assert not never, f"{rule} was never seen to change {sorted(never)}"


def test_the_rules_are_called_as_a_tick_calls_them() -> None:
    """The same world comes out of it as out of the tick itself."""
    for run in (crowded(150), shipped("scenarios/hard_winter", 150, None)):
        whole = build_run(run)
        for _ in play_segments(whole, run):
            pass
        assert world_digest(play(run, defaultdict(set)).world) == world_digest(whole.world)


def test_every_rule_has_its_row() -> None:
    """Every kernel of the rules' files that a tick calls: those that are public and take no single agent."""
    found = set()
    for path in Path(folder.__path__[0]).glob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                decorators = {name.id for name in node.decorator_list if isinstance(name, ast.Name)}
                if decorators & {"rule", "kernel"}:
                    found.add(f"{path.stem}.{node.name}")
    assert found == {name for name in MAY_CHANGE if "." in name}


def test_the_table_names_what_there_is() -> None:
    world = build_run(crowded(1)).world
    there = {
        f"{group}.{column}" for group, array in world._asdict().items() for column in column_names(array)
    }
    there |= {f"choice.{column}" for column in column_names(waiting_actions(1))}
    there |= {f"counts.{name}" for name in COUNTS} | {f"coins.{name}" for name in CHARGES}
    for rule, names in table().items():
        assert names <= there, (rule, sorted(names - there))

"""The state at tick zero."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from townlet.config.schema import Config, ScenarioAgent
from townlet.generator.town import Tile
from townlet.vocabulary import NEEDS, STOCKS
from townlet.world import state as st
from townlet.world.rng import USE_IDENTITY, draw

WEEK = 7
MOST_SHIFTS = 14  # that attendance_window can look back


def identity(arrival: int, size: int) -> np.ndarray:
    """[size] float32 in [-1, 1): the hashed identity of whoever has this arrival number, the same in every run."""
    drawn = [2.0 * draw(0, 0, arrival, USE_IDENTITY, d) - 1.0 for d in range(size)]
    return np.array(drawn, np.float64).astype(np.float32)


def _full(count: int | tuple[int, ...], value: int) -> np.ndarray:
    return np.full(count, value, np.int64)


def start_world(
    config: Config, params: st.Params, agents: Sequence[ScenarioAgent], tiles: Sequence[Tile]
) -> st.World:
    """The world before its first tick: everybody at its place, nothing under way."""
    a, o, k = len(agents), len(params.town.site.x), len(params.affordances.duration)
    size = config.observations.social_snippet.embed_dim
    clock = st.Clock(
        tick=_full(1, 0), arrivals=_full(1, a), exits_today=_full(1, 0),
        counts=_full(len(st.COUNTS), 0), coins=np.zeros(len(st.CHARGES)), cooldown=_full((a, o), 0),
        slot_freed=_full(config.embedding_allocator.max_slots, st.NEVER),
    )  # fmt: skip
    clock.coins[st.COIN_START] = params.people.start_wallet.sum()
    return st.World(
        clock=clock,
        agents=_agents(config, params, agents, tiles),
        queues=st.Queues(
            object=_full(a, st.NOTHING), affordance=_full(a, st.NOTHING), since=_full(a, st.NEVER), ticket=_full(a, 0),
            rotated=_full(a, st.NEVER), blocked=np.zeros(a, np.bool_), reserved=_full(a, st.NOTHING),
            deadline=_full(a, st.NEVER), cooling_until=_full(a, 0),
        ),
        running=st.Activity(
            affordance=_full(a, st.NOTHING), object=_full(a, st.NOTHING), left=_full(a, 0), started=_full(a, st.NEVER)
        ),
        objects=st.Objects(
            user=_full(o, st.NOBODY), holder=_full(o, st.NOBODY), next_ticket=_full(o, 0), waiting=_full(o, 0),
            blocks=_full(o, 0), stock=params.town.site.start.copy().reshape(o, len(STOCKS)),
            last_user=_full(o, st.NOBODY), last_used=_full(o, st.NEVER),
        ),
        ties=st.Ties(
            trust=np.zeros((a, a)), familiarity=np.zeros((a, a)), rivalry=np.zeros((a, a)), count=_full(a, 0),
            identity=np.array([identity(row + 1, size) for row in range(a)], np.float32).reshape(a, size),
            chat_reward=_full((a, a), st.NEVER), meal_shared=_full((a, a), st.NEVER),
        ),
        work=st.Employment(
            state=_full(a, st.PRE_SHIFT), on_roll=np.zeros(a, np.bool_), arrived=np.zeros(a, np.bool_),
            on_site=np.zeros(a, np.bool_), withheld=np.zeros(a), lateness=_full(a, 0), shifts=_full(a, 0),
            window=_full(a, config.employment.attendance_window),
            missed=np.zeros((a, MOST_SHIFTS), np.bool_), absences=_full((a, WEEK), st.NEVER),
            dismissed=np.zeros(a, np.bool_),
        ),
        events=_events(config, params, a, o, k),
        grid=_grid(params, tiles),
        script=st.ScheduleCursor(entry=_first_entry(params.people), ticks=_full(a, 0)),
        tick=_tick(a),
    )  # fmt: skip


def _first_entry(people: st.People) -> np.ndarray:
    return np.where(people.script_end > people.script_first, people.script_first, st.NOTHING)


def _agents(
    config: Config, params: st.Params, agents: Sequence[ScenarioAgent], tiles: Sequence[Tile]
) -> st.Agents:
    a = len(agents)
    slots = config.embedding_allocator.max_slots
    need = np.array([[agent.needs[name] for name in NEEDS] for agent in agents], np.float64)
    weights = params.rewards.weights[0]
    phi = np.array(
        [-sum(float(w) * (1.0 - float(n)) for w, n in zip(weights, row, strict=True)) for row in need]
    )
    return st.Agents(
        alive=np.ones(a, np.bool_), arrival=np.arange(1, a + 1, dtype=np.int64), born=_full(a, 0),
        x=np.array([x for x, _ in tiles], np.uint16), y=np.array([y for _, y in tiles], np.uint16),
        need=need, wallet=params.people.start_wallet.copy(), faint_ticks=_full(a, 0), unpaid_days=_full(a, 0),
        leaving=np.zeros(a, np.uint8), return_at=_full(a, st.NEVER),
        slot=np.arange(a, dtype=np.int64) % slots,
        personality=params.people.home_personality.copy(), phi=phi, episode_sum=np.zeros(a),
        last_action=_full(a, st.ACTION_WAIT), last_success=np.zeros(a, np.bool_), last_duration=_full(a, 0),
        blocked_moves=_full(a, 0),
    )  # fmt: skip


def _events(config: Config, params: st.Params, a: int, o: int, k: int) -> st.Events:
    e = len(params.events.kind)
    limits = config.perturbations
    return st.Events(
        start_at=_full(e, st.NEVER), until=_full(e, 0), ready_at=_full(e, 0), duration=_full(e, 0),
        magnitude=np.ones(e), recent=_full(max(1, min(limits.max_events_per_window, 4096)), st.NEVER),
        recent_next=_full(1, 0),
        price=np.ones(k), price_level=np.ones(1), utility=np.ones(2, np.bool_),
        meet_place=_full(a, st.NOTHING), met_at=_full(a, st.NEVER),
        ready=np.zeros((k, o), np.bool_), any_ready=np.zeros(k, np.bool_), stale=np.ones(1, np.bool_),
        closed=np.zeros(o, np.bool_),
    )  # fmt: skip


def _grid(params: st.Params, tiles: Sequence[Tile]) -> st.Grid:
    pad = int(params.town.size[2])
    agents = np.zeros_like(params.town.layer_objects)
    for x, y in tiles:
        agents[y + pad, x + pad] += 1
    return st.Grid(agents=agents, reserved=np.zeros_like(agents))


def _tick(a: int) -> st.StepScratch:
    nobody, zeros, flags = _full(a, st.NOBODY), np.zeros(a), np.zeros(a, np.bool_)
    return st.StepScratch(
        action=_full(a, st.ACTION_WAIT), kind=_full(a, 0), affordance=nobody.copy(), object=nobody.copy(),
        target=nobody.copy(), quality=np.ones(a), success=flags.copy(), duration=_full(a, 0),
        block_object=nobody.copy(), block_by=nobody.copy(), block_waiting=_full(a, 0), block_rotated=flags.copy(),
        ghost_through=nobody.copy(), polite_to=nobody.copy(), avoided=_full(a, 0), finished=nobody.copy(),
        chat_with=nobody.copy(), social=zeros.copy(), late=flags.copy(),
        absent=flags.copy(), taken_over_by=nobody.copy(), helped_by=nobody.copy(), claim=nobody.copy(),
        refusal=_full(a, 0), refusal_by=nobody.copy(), refusal_object=nobody.copy(), refusal_number=zeros.copy(),
        refusal_limit=zeros.copy(), terms=np.zeros((a, len(st.TERMS))), reward=zeros.copy(),
    )  # fmt: skip

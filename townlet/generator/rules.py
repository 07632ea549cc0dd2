"""The config's numbers, by the rule that reads them."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from townlet.config.affordances import AffordanceEntry
from townlet.config.schema import Config
from townlet.generator.town import Places, Tile
from townlet.vocabulary import NEEDS
from townlet.world import state as st

FAINT_THRESHOLD = 0.03
FAINT_AFTER = 30  # ticks
EVENT_KINDS = {
    "price_spike": st.PRICE_SPIKE,
    "blackout": st.BLACKOUT,
    "outage": st.OUTAGE,
    "arranged_meet": st.ARRANGED_MEET,
}


def _floats(*values: float) -> np.ndarray:
    return np.array(values, np.float64)


def _ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def _flag(value: bool) -> np.ndarray:
    return np.array([value], np.bool_)


def _row(*values: float) -> np.ndarray:
    return np.array([values], np.float64)


def build_rules(config: Config) -> st.Rules:
    """Everything of the config that steps 2 to 9 of a tick read."""
    rivalry, social = config.conflict.rivalry, config.rewards.social
    stages, work, limits = config.features.stages, config.employment, config.perturbations
    return st.Rules(
        need_decay=_row(*(config.rewards.decay_rates[need] for need in NEEDS)),
        faint_threshold=_floats(FAINT_THRESHOLD),
        faint_after=_ints(FAINT_AFTER),
        lifecycle_on=_flag(config.features.systems.lifecycle == "on"),
        exit_cap=_ints(work.daily_exit_cap),
        respawn_delay=_ints(config.lifecycle.respawn_delay_ticks),
        rent=_floats(config.economy.rent_per_day),
        restock_ingredients=_ints(config.economy.stove_stock_replenish),
        cooldown=_ints(config.queue_fairness.cooldown_ticks),
        ghost_after=_ints(config.queue_fairness.ghost_step_after),
        age_weight=_floats(config.queue_fairness.age_priority_weight),
        commit_ticks=_ints(config.policy_runtime.option_commit_ticks),
        rivalry=_row(
            rivalry.increment_per_conflict, rivalry.decay_per_tick, rivalry.min_value, rivalry.max_value,
            rivalry.avoid_threshold, rivalry.ghost_step_boost, rivalry.handover_boost, rivalry.queue_length_boost,
        ),
        max_edges=_ints(rivalry.max_edges),
        ties_on=_flag(stages.relationships != "OFF"),
        chat_rewards=_flag(stages.social_rewards != "OFF"),
        avoid_rewards=_flag(stages.social_rewards in ("C2", "C3")),
        social=_row(social.C1_chat_base, social.C1_coeff_trust, social.C1_coeff_fam, social.C2_avoid_conflict),
        grace=_ints(work.grace_ticks),
        absent_cutoff=_ints(work.absent_cutoff),
        max_absent=_ints(work.max_absent_shifts),
        enforce_jobs=_flag(work.enforce_job_loop),
        arrival_buffer=_ints(config.behavior.job_arrival_buffer),
        thresholds=_row(*(getattr(config.behavior, f"{need}_threshold") for need in NEEDS)),
        slot_cooldown=_ints(config.embedding_allocator.cooldown_ticks),
        event_limits=np.array([[
            limits.max_concurrent_events, limits.global_cooldown_ticks, limits.per_agent_cooldown_ticks,
            limits.grace_window_ticks, limits.window_ticks, limits.max_events_per_window,
        ]], np.int64),
    )  # fmt: skip


def build_rewards(config: Config) -> st.RewardParams:
    """Step 10 of a tick."""
    rewards, clip, shaping = config.rewards, config.rewards.clip, config.shaping
    cap = clip.clip_per_episode
    return st.RewardParams(
        weights=_row(*(getattr(rewards.needs_weights, need) for need in NEEDS)),
        centred=_flag(rewards.needs_form == "centred"),
        survival=_floats(rewards.survival_tick),
        wage=_floats(rewards.wage_rate),
        punctuality=_floats(rewards.punctuality_bonus),
        late_tick=_floats(config.employment.late_tick_penalty),
        absence=_floats(config.employment.absence_penalty),
        faint=_floats(rewards.faint_penalty),
        eviction=_floats(rewards.eviction_penalty),
        clip_per_tick=_floats(clip.clip_per_tick),
        episode_cap=_floats(np.inf if cap is None else cap),
        death_ticks=_ints(clip.no_positive_within_death_ticks),
        shaping_on=_flag(shaping is not None and shaping.use_potential),
        gamma=_floats(shaping.gamma if shaping is not None else 0.99),
    )


def build_jobs(config: Config, places: Places) -> st.Jobs:
    """The jobs in the config's order. A shift that ends before it begins runs over midnight."""
    jobs, day = list(config.jobs.values()), config.world.ticks_per_day
    return st.Jobs(
        start=_ints(*(job.start_tick % day for job in jobs)),
        length=_ints(*(job.shift_ticks(day) for job in jobs)),
        wage=_floats(*(job.wage_rate or config.economy.wage_income for job in jobs)),
        penalty=_floats(*(job.lateness_penalty for job in jobs)),
        place=_ints(*(st.NOTHING if job.location is None else places.index(job.location) for job in jobs)),
    )


def meet_tile(location: object, tiles_of_objects: dict[str, Tile], fallback: Tile) -> Tile | None:
    """The tile of an arranged meet: a position, an object's tile, or the place nearest the middle of the town.

    None where it names an object that is not there: the event finds no place.
    """
    if location is None:
        return fallback
    if isinstance(location, str):
        return tiles_of_objects.get(location)
    x, y = location  # type: ignore[misc]
    return int(x), int(y)


def build_events(
    config: Config,
    entries: Sequence[AffordanceEntry],
    takes_meal: np.ndarray,
    meets: dict[str, Tile],
    places: Places,
) -> st.EventSpecs:
    """The perturbations in the config's order; `meets` holds the tile of each arranged meet, by the event's name.

    A meet without a tile is never due.
    """
    events = config.perturbations.events
    hits = np.zeros((len(events), len(entries)), np.bool_)
    for e, event in enumerate(events.values()):
        if event.kind == "price_spike":
            hits[e] = _hits(event.targets, entries, takes_meal)
    spans = [event.duration for event in events.values()]
    factors = [(event.magnitude.min, event.magnitude.max) if event.kind == "price_spike" else (1.0, 1.0)
               for event in events.values()]  # fmt: skip
    return st.EventSpecs(
        kind=_ints(*(EVENT_KINDS[event.kind] for event in events.values())),
        name_hash=_ints(*(zlib.crc32(name.encode()) & 0x7FFFFFFF for name in events)),
        probability=_floats(
            *(
                0.0 if event.kind == "arranged_meet" and name not in meets else event.probability_per_day
                for name, event in events.items()
            )
        ),
        cooldown=_ints(*(event.cooldown_ticks for event in events.values())),
        duration_low=_ints(*(span.min for span in spans)),
        duration_high=_ints(*(span.max for span in spans)),
        magnitude_low=_floats(*(low for low, _ in factors)),
        magnitude_high=_floats(*(high for _, high in factors)),
        hits=hits,
        place=_ints(*(places.index(meets[name]) if name in meets else st.NOTHING for name in events)),
    )


def _hits(targets: Sequence[str], entries: Sequence[AffordanceEntry], takes_meal: np.ndarray) -> np.ndarray:
    """[K]: the affordances whose price the spike raises; a target that nothing is called raises none."""
    if not targets:
        return takes_meal
    return np.array([not {entry.id, *entry.types}.isdisjoint(targets) for entry in entries], np.bool_)

"""The sections about rewards, money, work and who comes and goes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from townlet.config.schema.types import AnyMapping, Flag, Number, Section, Tile, Unused, Whole, unused
from townlet.vocabulary import NEEDS, Need

DECAY_RATES: dict[Any, float] = {"hunger": 0.001, "hygiene": 0.0005, "energy": 0.0008}


class NeedsWeights(Section):
    """How much each need counts in the reward."""

    hunger: Number = Field(default=1.0, ge=0.5, le=2.0, description="Weight of hunger.")
    hygiene: Number = Field(default=0.6, ge=0.2, le=1.0, description="Weight of hygiene.")
    energy: Number = Field(default=0.8, ge=0.4, le=1.5, description="Weight of energy.")


class SocialRewards(Section):
    """Rewards of social life (`features.stages.social_rewards`)."""

    C1_chat_base: Number = Field(
        default=0.01, ge=0.0, le=0.05, description="Reward of a good chat, for both agents."
    )
    C1_coeff_trust: Number = Field(default=0.3, ge=0.0, le=1.0, description="Added in proportion to trust.")
    C1_coeff_fam: Number = Field(
        default=0.2, ge=0.0, le=1.0, description="Added in proportion to familiarity."
    )
    C2_avoid_conflict: Number = Field(
        default=0.005, ge=0.0, le=0.02, description="Reward for avoiding an object because of a rival."
    )


class RewardClips(Section):
    """Limits of the reward."""

    clip_per_tick: Number = Field(
        default=1.0, ge=0.01, le=1.0, description="The reward of a tick is clipped to plus and minus this."
    )
    clip_per_episode: Number | None = Field(
        default=None, ge=1, le=200, description="Limit of an episode's positive rewards. Default: no limit."
    )
    no_positive_within_death_ticks: Whole = Field(
        default=10,
        ge=0,
        le=200,
        description="No positive reward in the last ticks of a faint or eviction countdown.",
    )


class Rewards(Section):
    """What an agent is rewarded for."""

    needs_form: Literal["penalty", "centred"] = Field(
        default="penalty",
        description="`penalty`: minus the sum of w d^2 over the deficits d; `centred`: half the weighted "
        "mean of 1 - d^2, which living earns and dying forfeits.",
    )
    needs_weights: NeedsWeights = Field(default=NeedsWeights(), description="How much each need counts.")
    decay_rates: dict[Need, Annotated[Number, Field(ge=0)]] = Field(
        default=dict(DECAY_RATES),
        description="What each need loses per tick; a need that is not listed keeps its default.",
    )
    punctuality_bonus: Number = Field(
        default=0.05, ge=0.0, le=0.1, description="Reward per tick on site, times the attendance ratio."
    )
    wage_rate: Number = Field(
        default=0.01, ge=0.0, le=0.05, description="Reward per tick on site (for coins see `jobs`)."
    )
    survival_tick: Number = Field(default=0.002, ge=0.0, le=0.01, description="Reward per tick alive.")
    faint_penalty: Number = Field(default=-1.0, ge=-5.0, le=0.0, description="Terminal penalty of a faint.")
    eviction_penalty: Number = Field(
        default=-2.0, ge=-5.0, le=0.0, description="Terminal penalty of an eviction."
    )
    social: SocialRewards = Field(default=SocialRewards(), description="Rewards of social life.")
    clip: RewardClips = Field(default=RewardClips(), description="Limits of the reward.")

    @field_validator("decay_rates", mode="after")
    @classmethod
    def _every_need(cls, given: dict[str, float]) -> dict[str, float]:
        return {need: given.get(need, DECAY_RATES[need]) for need in NEEDS}


class Shaping(Section):
    """Potential-based shaping, added after the clip."""

    use_potential: Flag = Field(default=True, description="Adds gamma phi(s') - phi(s), phi = -sum of w d.")
    gamma: Number = Field(
        default=0.99, gt=0.0, le=1.0, description="The trainer's discount; recorded with the samples."
    )


class Economy(Section):
    """Prices in coins, where the affordance file gives none."""

    meal_cost: Number = Field(
        default=0.4, ge=0, description="Price of a meal, for affordances that give none."
    )
    cook_energy_cost: Number = Field(default=0.05, ge=0, description="Energy that cooking costs.")
    cook_hygiene_cost: Number = Field(default=0.02, ge=0, description="Hygiene that cooking costs.")
    wage_income: Number = Field(
        default=0.02, ge=0, description="Coins per tick on site, for a job whose `wage_rate` is 0."
    )
    ingredients_cost: Number = Field(
        default=0.15, ge=0, description="Price of cooking with an ingredient, and of buying ingredients."
    )
    stove_stock_replenish: Whole = Field(
        default=2,
        ge=0,
        description="Raw ingredients that a stove gets each day, up to this number or, where that is more, to what it "
        "holds at the start (see `filled_to` of objects).",
    )
    rent_per_day: Number = Field(
        default=0.0,
        ge=0,
        description="Rent in coins, due at the end of a day; after two unpaid days an agent is evicted.",
    )


class JobSpec(Section):
    """A job; several agents may hold it."""

    start_tick: Whole = Field(
        default=0, ge=0, description="Tick of day at which the shift begins, at most `world.ticks_per_day`."
    )
    end_tick: Whole = Field(
        default=0,
        ge=0,
        description="Tick of day at which the shift ends. Before the start: on the next day; equal: no shift.",
    )
    wage_rate: Number = Field(
        default=0.0, ge=0, description="Coins per tick on site; 0: `economy.wage_income`."
    )
    lateness_penalty: Number = Field(default=0.0, ge=0, description="Coins withheld for a late arrival.")
    location: Tile | None = Field(
        default=None, description="On site means within two tiles of it. Default: on site everywhere."
    )

    def shift_ticks(self, day: int) -> int:
        """Ticks of a shift on a day of `day` ticks: 0 where it ends as it begins; one that ends earlier runs over
        midnight."""
        return 0 if self.start_tick == self.end_tick else (self.end_tick - self.start_tick) % day or day


DEFAULT_JOBS = {  # by name, as all mappings of names
    "barista": JobSpec(start_tick=400, end_tick=560, wage_rate=0.025, lateness_penalty=0.12, location=(1, 0)),
    "grocer": JobSpec(start_tick=180, end_tick=360, wage_rate=0.02, lateness_penalty=0.1, location=(0, 0)),
}


class Employment(Section):
    """What happens to those who come late."""

    grace_ticks: Whole = Field(
        default=5, ge=0, le=120, description="Ticks into the shift before an arrival is late."
    )
    absent_cutoff: Whole = Field(
        default=30, ge=0, le=600, description="Ticks into the shift after which the shift counts as missed."
    )
    absence_slack: Unused[Whole] = unused()
    late_tick_penalty: Number = Field(
        default=0.005, ge=0.0, le=1.0, description="Penalty in the reward per tick late."
    )
    absence_penalty: Number = Field(
        default=0.2, ge=0.0, le=5.0, description="Penalty in the reward per missed shift."
    )
    max_absent_shifts: Whole = Field(
        default=3,
        ge=0,
        le=20,
        description="Absences in seven days after which the job is lost (with `enforce_job_loop`).",
    )
    attendance_window: Whole = Field(
        default=3, ge=1, le=14, description="Number of last shifts in the attendance ratio."
    )
    daily_exit_cap: Whole = Field(default=2, ge=0, le=50, description="Maximum number of evictions per day.")
    exit_queue_limit: Unused[Whole] = unused()
    exit_review_window: Unused[Whole] = unused()
    enforce_job_loop: Flag = Field(
        default=False, description="Whether an agent loses its job after absences."
    )
    narration: Unused[AnyMapping] = unused("Any mapping.")


class Lifecycle(Section):
    """Who returns."""

    respawn_delay_ticks: Whole = Field(
        default=0,
        ge=0,
        le=100_000,
        description="Ticks after a departure at which a newcomer arrives; 0: never.",
    )

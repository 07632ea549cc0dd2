"""What is worth knowing before training on samples: signs that a reward teaches little, or that an agent is stuck."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from townlet.report.facts.refused import LASTING
from townlet.report.facts.sample_facts import describe

if TYPE_CHECKING:
    from townlet.dataset.format.models import Rewards

MOSTLY = 0.5  # the share of ticks from which something is the rule rather than an exception


def warnings_of(samples: Sequence[Mapping[str, Any]], rewards: Rewards | None) -> list[str]:
    """What is worth knowing before training on these samples. `rewards`: the config's section."""
    found = [text for sample in samples for text in _sample_warnings(sample, rewards)]
    return found + _penalty_advice(samples, rewards)


def _sample_warnings(sample: Mapping[str, Any], rewards: Rewards | None) -> Iterable[str]:
    who, metrics = sample["agent_id"], sample["metrics"]
    clipped = metrics.get("reward_clip_ratio", 0.0)
    if clipped >= MOSTLY:
        limit = f" (rewards.clip.clip_per_tick is {rewards.clip.clip_per_tick})" if rewards else ""
        yield f"{who}: the clip cuts {clipped:.0%} of the rewards{limit}; such a reward teaches little"
    if not sample["rewards_differ"] and sample["frame_count"] > 1:
        yield f"{who}: the reward is the same in every tick; there is nothing to learn from it"
    blocked = metrics.get("action_blocked_ratio", 0.0)
    if blocked >= MOSTLY:
        yield f"{who}: {blocked:.0%} of the actions were refused"
    for refused in sample.get("refused", ()):
        if refused["lasting"] >= LASTING:
            what = describe(refused["action"])
            yield f"{who}: `{what}` was refused on each of the last {refused['lasting']} ticks; {refused['reason']}"
    wrong = metrics.get("label_mismatch_count", 0)
    if wrong:
        yield f"{who}: {wrong} attempts that the schedule labels `blocked` succeeded"


def _penalty_advice(samples: Sequence[Mapping[str, Any]], rewards: Rewards | None) -> list[str]:
    """Where living costs, all in all, more than dying does, an early death is the best policy."""
    if rewards is None or rewards.needs_form != "penalty" or not samples or _is_default(rewards):
        return []
    gamma = samples[0]["gamma"]
    frames = sum(sample["frame_count"] for sample in samples)
    by_term = [sample["reward_by_term"] for sample in samples]
    a_tick = sum(sum(terms.values()) - terms.get("terminal", 0.0) for terms in by_term) / frames
    to_come = a_tick / max(1e-9, 1.0 - gamma) if gamma is not None else a_tick * frames / len(samples)
    if to_come >= rewards.faint_penalty:
        return []
    return [
        f"rewards.needs_form is `penalty`, and a tick of life is worth {a_tick:.3f} on average: what is "
        f"still to come ({to_come:.2f}) is worse than fainting at once "
        f"({rewards.faint_penalty:g}): an early death may be the best policy; `centred` rewards living"
    ]


def _is_default(rewards: Rewards) -> bool:
    """Whether a config says nothing of what dying costs: nobody is warned of what they did not choose."""
    from townlet.config.schema import Config

    default = Config(config_id="-").rewards
    said = (rewards.needs_form, rewards.faint_penalty, rewards.clip.clip_per_tick)
    return said == (default.needs_form, default.faint_penalty, default.clip.clip_per_tick)

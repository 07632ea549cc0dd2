"""Runs played in memory: the samples that a capture of the same runs would write, without files.

    runs = runs_of(load_config("small_town"), seeds=range(16), ticks=1440, policy="uniform")
    for sample in rollouts(runs):
        learn_from(sample)

The samples equal those of `townlet capture` with the same config, seeds, ticks and policy, arrays and metadata alike,
and come run by run, in a run by segment, in a segment by arrival. One core plays several hundred thousand agent-steps
a second.

Memory is that of what is held: the buffers of a segment serve again once nobody refers to a sample of it. Who copies
what is needed out of each sample before asking for the next plays with the memory of two segments, and is quicker than
who holds all samples and joins them, since fresh memory costs more than playing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from townlet import arguments
from townlet.config.load import Resolved
from townlet.policy_text import Models, checked_policy
from townlet.rollout.play import play
from townlet.run import Run, canonical_json, checked_seed
from townlet.samples import ReplaySample, stack_groups


def runs_of(
    resolved: Resolved,
    seeds: Iterable[int],
    ticks: int,
    policy: str | None = None,
    *,
    segment_ticks: int = 0,
    ignore_schedules: bool = False,
) -> tuple[Run, ...]:
    """A run for each seed, as `townlet capture CONFIG --seeds ... --ticks ... --policy ...` would plan it.

    `policy`: who acts for agents without a schedule; None = the config's own, else `needs`. A network is named by its
    digest. `segment_ticks`: samples are cut after so many ticks; 0 = never. Raises UserError for a seed, a number or a
    policy that no run can have.
    """
    ticks = arguments.whole("ticks", ticks, 1)
    segment_ticks = arguments.whole("segment_ticks", segment_ticks, 0)
    name = None if policy is None else checked_policy(policy)
    text = canonical_json(resolved.to_json_dict())
    return tuple(
        Run(
            name=resolved.name,
            seed=checked_seed(seed, "seeds"),
            ticks=ticks,
            config_json=text,
            config_path=resolved.config_path,
            policy=name,
            segment_ticks=segment_ticks if segment_ticks < ticks else 0,
            ignore_schedules=ignore_schedules,
        )
        for seed in seeds
    )


def rollouts(runs: Iterable[Run], models: Models | None = None) -> Iterator[ReplaySample]:
    """Play the runs; a sample for each life and segment.

    `models`: the content of the networks that the runs name, by digest. Raises UserError where a run cannot be played.
    """
    for run in runs:
        for _, group in play(run, models or {}):
            yield stack_groups([group])
            del group  # the buffers are used again only when nobody holds them

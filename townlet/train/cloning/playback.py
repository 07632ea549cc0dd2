"""A clone at play: beside its teacher, and where it comes to, with what its teacher would have done there.

Asking the teacher on states that the clone comes to is DAgger (Ross et al. 2011): it teaches the way back from what
the teacher itself never does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from townlet.dataset.format.canonical import sha256_hex
from townlet.dataset.reading.data_set import DataSet
from townlet.errors import UserError
from townlet.generator.generate import generate_run
from townlet.policy.base import Policy, PolicyBatch
from townlet.policy.network.metadata import NetworkLayout
from townlet.policy.registry import entry
from townlet.rollout.player import setting_of
from townlet.rollout.stored import run_of
from townlet.run import Run
from townlet.samples import ReplaySample
from townlet.train.cloning.bc import Clone
from townlet.train.cloning.labelled import labelled
from townlet.train.playing import InMemory
from townlet.train.score import Score, score_of
from townlet.train.towns import CHOOSING_SEED, Towns, layout_difference, layout_of_run, training_seeds
from townlet.vocabulary import POLICIES

UNTEACHABLE = ("scripted", "uniform")  # kinds that do not decide by what is seen


@dataclass(frozen=True)
class Playback:
    """The towns of a data set, to be played again, and its teacher."""

    towns: Towns
    teacher: str  # a built-in policy
    policies: dict[str, Policy]  # the teacher's, by town

    @classmethod
    def of(cls, data: DataSet, layout: NetworkLayout, ticks: int | None = None) -> Playback:
        """Raises UserError where no single built-in policy made the data, or its towns cannot be played any more."""
        runs: dict[str, Run] = {}
        for scenario in data.scenarios:
            seed = next(seed for name, seed in data.runs if name == scenario)
            run = run_of(data.capture(scenario, seed))
            runs[scenario] = replace(run, folder="", agent=None, ticks=ticks or run.ticks)
        for name, run in runs.items():
            if difference := layout_difference(layout, layout_of_run(run)):
                raise UserError(f"{name}: its samples are not those of this version any more: {difference}")
        teacher = teacher_of(data)
        towns = Towns(tuple(runs[name] for name in sorted(runs)))
        policies = {name: entry(teacher).make(setting_of(generate_run(run))) for name, run in runs.items()}
        return cls(towns, teacher, policies)

    def compare(self, model: bytes, count: int) -> dict[str, Score]:
        """Clone and teacher, with seeds that are kept for such comparisons."""
        seeds = range(CHOOSING_SEED, CHOOSING_SEED + count)
        play, found = InMemory(), {}
        for name, policy in (("clone", sha256_hex(model)), (self.teacher, self.teacher)):
            found[name] = score_of(play(self.towns.runs(seeds, policy), model, 0))
        return found

    def visit(self, clone: Clone, number: int, count: int) -> int:
        """Let the clone play `count` runs of each town, and add what it saw with the teacher's labels; the rows."""
        model = clone.model()
        seeds = training_seeds(clone.settings.seed, number, count)
        added = 0
        for sample in InMemory()(self.towns.runs(seeds, sha256_hex(model)), model, number):
            policy = self.policies[sample.metadata["capture_metadata"]["scenario_name"]]
            part = labelled(sample, teacher_labels(policy, sample))
            clone.rows.add(part)
            added += len(part)
            del sample
        return added


def teacher_of(data: DataSet) -> str:
    """The built-in policy that acted in all samples; raises UserError where there is no such one."""
    kinds = sorted(set(_kinds(data)))
    if len(kinds) != 1 or kinds[0] not in POLICIES or kinds[0] in UNTEACHABLE:
        raise UserError(
            f"{data.place}: expected data of one policy that can be asked again, such as `needs`, found "
            f"{', '.join(kinds)}; --play 0 without --dagger needs none"
        )
    return kinds[0]


def _kinds(data: DataSet) -> Sequence[str]:
    """Of a sample of each agent of each scenario's first run."""
    found = []
    for scenario in data.scenarios:
        seed = next(seed for name, seed in data.runs if name == scenario)
        capture = data.capture(scenario, seed)
        found += [str(capture[index].metadata["policy"]["kind"]) for index in range(len(capture.samples))]
    return found


def teacher_labels(policy: Policy, sample: ReplaySample) -> np.ndarray:
    """[T] what a policy does on a sample's rows. Its decisions may depend on features and mask alone."""
    count = sample.timesteps
    batch = PolicyBatch(
        maps=sample.map, features=sample.features, masks=sample.action_mask, tick=0,
        arrival=np.ones(count, np.int64), row=np.zeros(count, np.int64), seed=0,
    )  # fmt: skip
    return policy.act(batch).actions

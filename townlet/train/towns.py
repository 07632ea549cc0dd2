"""The towns of a training: which runs an iteration plays, and which seeds are whose.

A seed of a training is never one that a policy is evaluated with: training plays seeds from 10^9 on, the best model is
chosen by seeds 100,000 and following, and `townlet evaluate` plays 0 and following.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from townlet.config.load import Resolved
from townlet.errors import UserError
from townlet.generator.generate import generate_run
from townlet.planning.plan import plan
from townlet.planning.request import Request
from townlet.policy.network.metadata import NetworkLayout, layout_of
from townlet.policy_text import PREFIX, Models
from townlet.rollout.play import resolved_of
from townlet.rollout.player import setting_of
from townlet.run import Run

CHOOSING_SEED = 100_000  # the first of those that choose the best model
TRAINING_SEED = 10**9  # times the training's seed plus 1: the first of its own


@dataclass(frozen=True)
class Towns:
    """Configs to learn in, all with the same observations and actions."""

    templates: tuple[Run, ...]  # one a config; seed and policy are given later
    models: Models = field(default_factory=dict)  # of networks that configs name for single agents, by digest

    @classmethod
    def of(cls, request: Request) -> Towns:
        """Those of configs and suites; of a suite's entry, one run stands for all seeds. Raises UserError."""
        planned, found = plan(request), {}
        for run in planned.playable():
            found.setdefault(run.name, replace(run, folder=""))
        towns = cls(tuple(found[name] for name in sorted(found)), planned.models)
        towns.check()
        return towns

    def check(self) -> None:
        """Raise UserError where one network cannot act in all."""
        first, layout = self.templates[0], self.layout
        for run in self.templates[1:]:
            if difference := layout_difference(layout, layout_of_run(run)):
                raise UserError(f"one network cannot learn in {first.name} and {run.name}: {difference}")

    @cached_property
    def layout(self) -> NetworkLayout:
        return layout_of_run(self.templates[0])

    def runs(self, seeds: Iterable[int], policy: str, ticks: int | None = None) -> tuple[Run, ...]:
        """A run of each config for each seed. `policy`: a built-in one, or a network's digest."""
        text = f"{PREFIX}{policy}" if len(policy) == 64 else policy
        return tuple(
            replace(template, seed=seed, policy=text, ticks=ticks or template.ticks)
            for template in self.templates
            for seed in seeds
        )

    def resolved(self) -> dict[str, Resolved]:
        """The configs by name."""
        return {run.name: resolved_of(run) for run in self.templates}


def training_seeds(seed: int, iteration: int, runs: int) -> range:
    """The seeds of an iteration (1, 2, ...) of a training; no two iterations of it share one."""
    first = TRAINING_SEED * (seed + 1) + iteration * runs
    return range(first, first + runs)


def layout_of_run(run: Run) -> NetworkLayout:
    """The observations and actions of a run's town."""
    return layout_of(setting_of(generate_run(run)))


def layout_difference(one: NetworkLayout, other: NetworkLayout) -> str:
    """The first difference of two layouts in words; "" where there is none."""
    for what, ours, theirs in (
        ("features", one.feature_names, other.feature_names),
        ("map channels", one.map_channels, other.map_channels),
        ("map sizes", one.map_shape, other.map_shape),
        ("actions", one.action_names, other.action_names),
    ):
        if ours != theirs:
            return f"their {what} differ, {_first_difference(ours, theirs)}"
    return ""


def _first_difference(ours: Sequence[object], theirs: Sequence[object]) -> str:
    for index, (a, b) in enumerate(zip(ours, theirs, strict=False)):
        if a != b:
            return f"first at {index}: {a} and {b}"
    return f"{len(ours)} and {len(theirs)} of them"

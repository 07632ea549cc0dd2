"""Whether networks are what they should be, and fit the towns that they are to play in, before the first run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from townlet.config.load import Resolved, auto_seed
from townlet.errors import Problem
from townlet.policy_text import NO_MODELS, Models
from townlet.run import Run, canonical_json


def network_problems(run: Run, models: Models, places: Mapping[str, Problem]) -> Iterator[Problem]:
    """What is wrong with the networks that may act in a run. `models`: their contents by digest; `places`: where each
    is named. Raises UserError where the config cannot be played at all."""
    if not run.networks:
        return
    from townlet.rollout.play import unfit_networks

    for name, message in unfit_networks(run, models):
        yield replace(places[name], message=message)


def problems_of_config(
    resolved: Resolved,
    policy: str | None = None,
    models: Models = NO_MODELS,
    places: Mapping[str, Problem] = MappingProxyType({}),
) -> list[Problem]:
    """The same for a config by itself, or with a policy that a suite gives it (with its model, and its place)."""
    config = canonical_json(auto_seed(resolved).to_json_dict())
    run = Run(name=resolved.name, seed=resolved.seed, ticks=1, config_json=config, policy=policy)
    return list(network_problems(run, {**resolved.models, **models}, {**resolved.networks, **places}))

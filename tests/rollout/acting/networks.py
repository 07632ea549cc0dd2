"""Networks of random numbers for tests of rollouts, and runs in which they act."""

from __future__ import annotations

import hashlib
from typing import Any

from tests.policy.network.models import random_model
from townlet.config.load import Resolved
from townlet.generator.generate import generate
from townlet.policy_text import Models
from townlet.rollout.player import setting_of
from townlet.run import Run, canonical_json


def network_of(config: Resolved, **how: Any) -> tuple[str, Models]:
    """`network:<digest>` of a small network for the config, and its model; `how`: see `random_parts`."""
    data = random_model(setting_of(generate(config, seed=0)), **how)
    digest = hashlib.sha256(data).hexdigest()
    return f"network:{digest}", {digest: data}


def run_of(config: Resolved, ticks: int, **more: Any) -> Run:
    return Run(
        name=config.name, seed=more.pop("seed", 11), ticks=ticks,
        config_json=canonical_json(config.to_json_dict()), config_path=config.config_path, **more,
    )  # fmt: skip

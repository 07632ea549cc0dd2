"""Towns of environments' tests, and what the recorder of captures says of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from townlet.config.load import Resolved, load_config
from townlet.generator.generate import generate_run
from townlet.policy.network import policy as network_policy
from townlet.policy.network.fit import FittedModel
from townlet.policy.network.forward import forward
from townlet.policy.network.table import Actor, network_table
from townlet.policy_text import NO_MODELS, Models
from townlet.rollout.agents import AgentRegistry
from townlet.rollout.buffers import Frames
from townlet.rollout.play import play_segments
from townlet.run import Run, canonical_json
from townlet.world.state import copy_group

#   A B .    Ann starves within some ticks, again and again: newcomers are born with half of their needs, and lose a
#   . . .    twentieth a tick. Bob eats beside the pot, if somebody tells him to; whoever comes back waits two ticks.
#   . P .
HUNGRY = """
config_id: hungry
seed: 5
%s
rewards: {decay_rates: {hunger: 0.05, hygiene: 0, energy: 0}}
lifecycle: {respawn_delay_ticks: %d}
affordances: {affordances_file: one.yaml}
observations: {hybrid: {local_window: 3}}
world:
  map: |
    ...
    ...
    ...
scenario:
  ticks: 90
  objects: [{id: pot_1, type: pot, position: [1, 2]}]
  agents:
    - {id: ann, position: [0, 0], needs: {hunger: 0.2}}
    - {id: bob, position: [1, 1]%s}
"""
ONE = "- {id: eat, object_type: pot, duration: 2, effects: {hunger: 0.9}}\n"
SCHEDULE = ", schedule: [{kind: chat, target: ann}, {kind: start, object: pot_1, until: finished}]"


def hungry(folder: Path, *, delay: int = 2, schedule: bool = False, more: str = "") -> Resolved:
    """The town above; `more` are sections of its config."""
    (folder / "one.yaml").write_text(ONE)
    (folder / "hungry.yaml").write_text(HUNGRY % (more, delay, SCHEDULE if schedule else ""))
    return load_config(folder / "hungry.yaml")


def recorded(
    config: Resolved, seed: int, ticks: int, *, models: Models = NO_MODELS, **more: object
) -> tuple[Frames, AgentRegistry]:
    """What a capture's recorder holds of a run."""
    run = Run(
        name=config.name, seed=seed, ticks=ticks, config_json=canonical_json(config.to_json_dict()),
        config_path=config.config_path, **more,  # type: ignore[arg-type]
    )  # fmt: skip
    generated = generate_run(run)
    registry = AgentRegistry.of(generated)
    [(_, _, out)] = play_segments(generated, run, registry, models=models)
    return copy_group(out), registry


def play_in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have networks asked as those are that no kernel plays: with the numbers that the kernels have."""
    fit_model, programs = network_policy.fit_model, []

    def fitted(*arguments: Any) -> FittedModel:
        found = fit_model(*arguments)
        programs.append(found.program)
        return replace(found, program=None)

    def run(self: FittedModel, maps: Any, features: Any, masks: Any, rows: int) -> tuple[Any, Any]:
        table, count = network_table([Actor(programs[0])], masks.shape[1]), len(masks)
        table.row[:count] = np.arange(count)
        forward(table, 0, maps[:, None], features[:, None], masks[:, None], 0, count)
        return table.logits[:count].copy(), table.value[:count].copy()

    monkeypatch.setattr(network_policy, "fit_model", fitted)
    monkeypatch.setattr(network_policy, "_fitted", network_policy._Cache())
    monkeypatch.setattr(FittedModel, "run", run)
    monkeypatch.setattr(FittedModel, "runtime", "another runtime 1.0, here")

"""What a sample says of itself, and what is a life's in a segment's buffers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tests.rollout.scenes.towns import three
from townlet.generator.generate import generate
from townlet.policy.base import PolicyInfo
from townlet.rollout.agents import AgentRegistry
from townlet.rollout.buffers import frames
from townlet.rollout.metadata import Episode, frame_group, static_facts
from townlet.run import Run, canonical_json


def test_facts_of_a_run_and_of_a_life(tmp_path: Path) -> None:
    town = three(tmp_path)
    run = Run(
        name="three",
        seed=11,
        ticks=9,
        config_json=canonical_json(town.to_json_dict()),
        config_path="three.yaml",
    )
    generated = generate(town, seed=11)
    facts, registry = static_facts(generated, town.config, run), AgentRegistry.of(generated)
    assert facts["object_names"] == ["bench_1"] and facts["action_lookup"]['{"kind":"wait"}'] == 0
    assert facts["capture_metadata"]["fingerprint"] == run.fingerprint
    assert json.loads(json.dumps(facts)) == facts
    out = frames(generated, 4)
    for name, array in out._asdict().items():
        array[:] = (
            np.arange(array.shape[1]).reshape(1, -1, *[1] * (array.ndim - 2)) % 2 if name != "arrival" else 2
        )
    out.dones[:], out.given[:], out.mismatch[1] = False, False, [True, False, True, True]
    group = frame_group(out, 100, Episode(1, 1, 4, segment=3), registry, facts, lambda *_: PolicyInfo("mine"))
    assert group.arrays["tick"].tolist() == [101, 102, 103]
    assert np.shares_memory(group.arrays["map"], out.map) and group.timesteps == 3
    said = {key: group.metadata[key] for key in (
        "agent_id", "agent_index", "policy", "truncated", "segment", "first_tick", "born_tick", "label_mismatch_count",
    )}  # fmt: skip
    assert said == {
        "agent_id": "bob", "agent_index": 2, "policy": PolicyInfo("mine").facts(), "truncated": True,
        "segment": {"index": 3, "last": True}, "first_tick": 101, "born_tick": 0, "label_mismatch_count": 2,
    }  # fmt: skip
    out.dones[1, 3] = True
    ended = frame_group(
        out, 100, Episode(1, 1, 4, last=False), registry, facts, lambda *_: PolicyInfo("mine")
    )
    assert not ended.metadata["truncated"] and ended.metadata["segment"]["last"]

"""Networks that act in runs: mixed with schedules and other policies, the same bytes however they are played."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.rollout.acting.networks import network_of, run_of
from tests.rollout.scenes.towns import three
from townlet.config.load import Resolved
from townlet.errors import UserError
from townlet.frames import frames_to_replay_sample
from townlet.policy.network import policy as network_policy
from townlet.policy.network.fit import FittedModel
from townlet.policy.network.forward import ask as forward
from townlet.policy.network.table import Actor, network_table
from townlet.policy_text import Models
from townlet.rollout.loop import SimulationLoop
from townlet.rollout.play import play
from townlet.run import Run
from townlet.samples import ReplaySample, stack_groups


def samples(run: Run, models: Models) -> dict[tuple[str, int], ReplaySample]:
    found = {}
    for key, group in play(run, models):
        sample = stack_groups([group])
        arrays = {name: array.copy() for name, array in sample.arrays().items()}
        found[key.agent_id, key.segment] = ReplaySample.from_arrays(arrays, sample.metadata)
    return found


def bytes_of(found: dict[Any, ReplaySample]) -> dict[Any, dict[str, bytes]]:
    return {
        key: {name: array.tobytes() for name, array in sample.arrays().items()}
        for key, sample in found.items()
    }


def joined(found: dict[tuple[str, int], ReplaySample], agent: str, name: str) -> np.ndarray:
    """A value a tick, of all segments one behind the other."""
    parts = [
        sample.array(name)[: sample.timesteps] for (who, _), sample in sorted(found.items()) if who == agent
    ]
    return np.concatenate(parts)


def test_it_acts_where_no_schedule_does(tmp_path: Path) -> None:
    """Beside schedules and other policies; what samples say of each."""
    town = three(tmp_path, "policy: {agents: {bob-lee: uniform}}")
    name, models = network_of(town)
    found = samples(run_of(town, 6, policy=f"{name}?temperature=2.0", check=True), models)
    kinds = {agent: sample.metadata["policy"]["kind"] for (agent, _), sample in found.items()}
    assert kinds == {"ann": "scripted", "bob": "network", "bob-lee": "uniform"}
    bob, ann = found["bob", 0], found["ann", 0]
    assert bob.metadata["policy"] == {
        "kind": "network", "digest": next(iter(models)), "log_prob_source": "softmax of the logits over the mask",
        "value_source": "critic", "options": {"temperature": 2.0}, "runtime": "compiled",
    }  # fmt: skip
    assert (bob.old_log_probs < 0).all() and (bob.value_preds != 0).all()
    assert not ann.old_log_probs.any() and not ann.value_preds.any()


def test_several_networks_in_one_run(tmp_path: Path) -> None:
    """Each plays as it does where it is the only one: nobody meets anybody here within two ticks."""
    town = three(tmp_path)
    (first, models), (second, more) = network_of(town), network_of(town, seed=1, activation="relu")
    alone = [
        samples(run_of(town, 2, policy=name), {**models, **more}) for name in (first, f"{second}?mode=greedy")
    ]
    (tmp_path / "second.onnx").write_bytes(next(iter(more.values())))
    mixed = three(tmp_path, "policy: {agents: {bob-lee: 'network:second.onnx?mode=greedy'}}")
    found = samples(run_of(mixed, 2, policy=first), {**models, **more})
    assert found["bob", 0].old_log_probs.tobytes() == alone[0]["bob", 0].old_log_probs.tobytes()
    assert found["bob", 0].value_preds[0] == alone[0]["bob", 0].value_preds[0]
    assert found["bob-lee", 0].value_preds[0] == alone[1]["bob-lee", 0].value_preds[0]
    assert not found["bob-lee", 0].old_log_probs.any()
    assert found["bob-lee", 0].metadata["policy"]["log_prob_source"] == "deterministic"
    assert found["bob-lee", 0].metadata["policy"]["options"] == {"mode": "greedy"}


def test_segments_change_nothing(make_run) -> None:
    """Somebody dies here: the value behind a death is 0, and the last value of a segment the first of the next."""
    run = make_run("scenarios/hard_winter", ticks=130, ignore_schedules=True)
    name, models = network_of(Resolved.from_json_dict(json.loads(run.config_json)))
    run = replace(run, policy=name)
    whole, cut = samples(run, models), samples(replace(run, segment_ticks=7), models)
    assert any(agent.endswith("-2") for agent, _ in whole), "newcomers have the network of the row"
    for agent, _ in whole:
        sample = whole[agent, 0]
        for array in ("actions", "old_log_probs", "value_preds", "features"):
            assert joined(whole, agent, array).tobytes() == joined(cut, agent, array).tobytes()
        assert sample.metadata["policy"]["kind"] == "network"
        assert (sample.value_preds[-1] == 0) == bool(sample.dones[-1])
        parts = [cut[key] for key in sorted(cut) if key[0] == agent]
        for before, after in pairwise(parts):
            assert before.value_preds[-1] == after.value_preds[0] != 0


def test_it_is_the_same_tick_by_tick_and_stepped_from_python(make_run) -> None:
    run = make_run("scenarios/hard_winter", ticks=90, ignore_schedules=True)
    config = Resolved.from_json_dict(json.loads(run.config_json))
    name, models = network_of(config, hidden=(5,))
    run = replace(run, policy=name)
    expected = samples(run, models)
    assert bytes_of(samples(replace(run, check=True), models)) == bytes_of(expected)
    loop = SimulationLoop(config, 0, policy=name, ignore_schedules=True, models=models)
    for _ in range(run.ticks):
        loop.step()
    for (agent, _), sample in expected.items():
        stepped = frames_to_replay_sample(loop.policy_runtime.collect_trajectory(agent, clear=False))
        assert bytes_of({0: stepped}) == bytes_of({0: sample})
        assert stepped.metadata["policy"] == sample.metadata["policy"]


def test_compiled_or_not_it_is_this_run(make_run) -> None:
    """The digest of a run, for processes with and without a compiler, on every machine."""
    run = make_run("examples/small_town", ticks=12, ignore_schedules=True)
    name, models = network_of(Resolved.from_json_dict(json.loads(run.config_json)))
    digest = hashlib.sha256()
    for key, arrays in sorted(bytes_of(samples(replace(run, policy=name), models)).items()):
        digest.update(repr(key).encode() + b"".join(arrays[array] for array in sorted(arrays)))
    assert digest.hexdigest() == "926ac6a0a86adfec18b89380ca9e2086fddd46c5fbb03f9d1c6543c8720bc189"


def test_a_runtime_of_another_kind_plays_the_same_game(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that kernels do not play is asked a batch a tick, of as many rows as there are agents."""
    town = three(tmp_path)
    name, models = network_of(town)
    run = run_of(town, 5, policy=name, segment_ticks=3)
    expected, asked, programs = samples(run, models), [], []
    fit_model = network_policy.fit_model

    def fitted_elsewhere(*arguments: Any) -> FittedModel:
        fitted = fit_model(*arguments)
        programs.append(fitted.program)
        return replace(fitted, program=None)

    def run_elsewhere(self: FittedModel, maps, features, masks, rows: int) -> tuple[np.ndarray, np.ndarray]:
        asked.append((len(masks), rows))
        table, count = network_table([Actor(programs[0])], masks.shape[1]), len(masks)
        table.row[:count] = np.arange(count)
        forward(table, 0, maps[:, None], features[:, None], masks[:, None], 0, count)
        return table.logits[:count].copy(), table.value[:count].copy()

    monkeypatch.setattr(network_policy, "fit_model", fitted_elsewhere)
    monkeypatch.setattr(network_policy, "_fitted", network_policy._Cache())
    monkeypatch.setattr(FittedModel, "run", run_elsewhere)
    monkeypatch.setattr(FittedModel, "runtime", "another runtime 1.0, here")
    found = samples(run, models)
    assert set(asked) == {(2, 3)}
    assert bytes_of(found) == bytes_of(expected)
    assert found["bob", 0].metadata["policy"]["runtime"] == "another runtime 1.0, here"


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    town = three(tmp_path)
    name, models = network_of(town)
    digest = next(iter(models))
    with pytest.raises(
        UserError, match=rf"network {digest[:12]}: expected the content of the model .* found none"
    ):
        list(play(run_of(town, 2, policy=name)))
    with pytest.raises(UserError, match=r"policy: expected an ONNX file, found none at 'nowhere.onnx'"):
        SimulationLoop(town, policy="network:nowhere.onnx")


def test_a_file_is_named_from_python(tmp_path: Path) -> None:
    town = three(tmp_path)
    _, models = network_of(town)
    (tmp_path / "best.onnx").write_bytes(next(iter(models.values())))
    loop = SimulationLoop(town, policy=f"network:{tmp_path}/best.onnx?mode=greedy")
    loop.step()
    frame = loop.policy_runtime.collect_trajectory("bob")[0]
    assert frame["info"]["policy"]["digest"] == next(iter(models))
    decided = loop.policy_runtime.decide(loop.observations)
    loop.step()
    assert loop.policy_runtime.collect_trajectory("bob")[0]["action_id"] == decided["bob"].id

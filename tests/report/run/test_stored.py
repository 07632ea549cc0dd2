"""What is computed of stored numbers: advantages by hand, and a network's probabilities beside its log-probs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.report.run.captures import Shown
from tests.rollout.acting.networks import network_of, run_of
from tests.rollout.digests import shipped
from tests.rollout.test_replay import captured
from townlet.config.load import load_config
from townlet.dataset.reading.capture import Capture
from townlet.dataset.store import local as store
from townlet.policy_text import Models
from townlet.report.run.stored import LAMBDA

ROUNDED = 1.3e-4  # what probabilities are rounded by, at most
CONFIG = "scenarios/kitchen_breakfast.yaml"


@pytest.fixture(autouse=True, scope="module")
def no_syncing() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "_sync_file_system", lambda path: True)
        yield


def played(folder: Path, options: str = "", ticks: int = 40) -> tuple[Capture, Models]:
    config = load_config(CONFIG)
    policy, models = network_of(config, seed=4)
    run = run_of(config, ticks, policy=f"{policy}{options}", ignore_schedules=True)
    return captured(run, folder, models=models), models


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> tuple[Capture, Shown]:
    capture, models = played(tmp_path_factory.mktemp("network"))
    return capture, Shown(capture, models)


def test_advantages_and_returns_by_their_definition(network: tuple[Capture, Shown]) -> None:
    """A[t] = r[t] + gamma V[t + 1] - V[t] + gamma l A[t + 1]; l is 1 where the next tick has one legal action."""
    capture, shown = network
    for sample in capture:
        gamma, rewards, values = (
            sample.metadata["gamma"],
            sample.rewards.astype(float),
            sample.value_preds.astype(float),
        )
        forced = sample.action_mask.sum(axis=1) == 1
        assert values.any() and 0 < gamma < 1
        advantage, ahead, follows = [], 0.0, values[-1]
        for t in reversed(range(sample.timesteps)):
            weight = 1.0 if t + 1 < sample.timesteps and forced[t + 1] else LAMBDA
            ahead = rewards[t] + gamma * values[t + 1] - values[t] + gamma * weight * ahead
            follows = rewards[t] + gamma * follows
            advantage.append((ahead, follows))
        row = shown.row(sample.agent_id)
        expected = np.array(advantage[::-1])
        assert np.allclose(shown.arrays["advantage"][row], expected[:, 0], rtol=1e-5, atol=1e-6)
        assert np.allclose(shown.arrays["return_to_go"][row], expected[:, 1], rtol=1e-5, atol=1e-6)


def test_the_likeliest_actions_of_a_network(network: tuple[Capture, Shown]) -> None:
    capture, shown = network
    seen = 0
    for sample in capture:
        row = shown.row(sample.agent_id)
        prob, action = shown.arrays["prob"][row].T, shown.arrays["prob_action"][row].T
        assert (np.diff(prob, axis=1) <= 0).all() and (prob.sum(axis=1) <= 1 + ROUNDED).all()
        for t in range(sample.timesteps):
            legal = [number for number, chance in zip(action[t], prob[t], strict=True) if chance > 0]
            assert sample.action_mask[t][legal].all()
            for number, chance in zip(action[t], prob[t], strict=True):
                if number == sample.actions[t] and chance > 0:
                    assert np.isclose(np.exp(sample.old_log_probs[t]), chance, rtol=ROUNDED)
                    seen += 1
    assert seen > 20


def test_entropy_of_a_network(network: tuple[Capture, Shown]) -> None:
    """Where five actions or fewer are legal, all of the distribution is shown."""
    capture, shown = network
    seen = 0
    for sample in capture:
        row = shown.row(sample.agent_id)
        prob, entropy = shown.arrays["prob"][row].astype(float), shown.arrays["entropy"][row]
        for t in np.flatnonzero(sample.action_mask.sum(axis=1) <= 5).tolist():
            chances = prob[:, t][prob[:, t] > 0]
            assert np.isclose(entropy[t], -(chances * np.log(chances)).sum(), rtol=10 * ROUNDED, atol=ROUNDED)
            seen += 1
        assert (entropy <= np.log(sample.action_mask.sum(axis=1)) + 1e-6).all()
    assert seen > 5


def test_a_greedy_network_is_shown_by_its_softmax(tmp_path: Path) -> None:
    capture, models = played(tmp_path, "?mode=greedy", ticks=10)
    shown = Shown(capture, models)
    (notice,) = shown.run["head"]["notices"]
    assert notice.startswith("a greedy network takes the likeliest action")
    for sample in capture:
        row = shown.row(sample.agent_id)
        assert not sample.old_log_probs.any()
        assert np.array_equal(shown.arrays["prob_action"][row, 0], sample.actions)
        assert shown.arrays["entropy"][row].max() > 0
    assert shown.lives[0]["policy"].endswith(", greedy")


def test_temperature_flattens(tmp_path: Path) -> None:
    entropies = {}
    for temperature in ("0.1", "10.0"):
        capture, models = played(tmp_path / temperature, f"?temperature={temperature}", ticks=10)
        entropies[temperature] = float(Shown(capture, models).arrays["entropy"].mean())
    assert entropies["10.0"] > entropies["0.1"]


def test_uniform_and_certain_policies(tmp_path: Path) -> None:
    uniform = captured(shipped("scenarios/kitchen_breakfast", 30, "uniform"), tmp_path / "uniform")
    shown = Shown(uniform)
    for sample in uniform:
        found = shown.arrays["entropy"][shown.row(sample.agent_id)]
        assert np.allclose(found, -sample.old_log_probs, atol=1e-6), "log of the number of legal actions"
    certain = Shown(captured(shipped("scenarios/kitchen_breakfast", 30, "needs"), tmp_path / "needs"))
    assert not certain.arrays["entropy"].any()
    assert "prob" not in certain.arrays

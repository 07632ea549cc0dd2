"""PPO on a small town: what it learns from is what was played, and it learns."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch; `make test-train` installs it and runs this file")

from tests.train.one_need import TOWN  # noqa: E402
from townlet.planning.request import Request  # noqa: E402
from townlet.train.model.learning import masked_log_probs  # noqa: E402
from townlet.train.playing import InMemory  # noqa: E402
from townlet.train.ppo.experience import experience_of  # noqa: E402
from townlet.train.ppo.ppo import Ppo, describe  # noqa: E402
from townlet.train.score import score_of  # noqa: E402
from townlet.train.settings import PpoSettings  # noqa: E402
from townlet.train.towns import CHOOSING_SEED, Towns, training_seeds  # noqa: E402

pytestmark = pytest.mark.torch

QUICK = PpoSettings(runs=16, gamma=0.99, batch=256, lr=2e-3, hidden=(32, 32))


@pytest.fixture(scope="module")
def towns(tmp_path_factory: pytest.TempPathFactory) -> Towns:
    path = tmp_path_factory.mktemp("town") / "one_need.yaml"
    path.write_text(TOWN)
    return Towns.of(Request((str(path),)))


def score(towns: Towns, policy: str, model: bytes = b"") -> Any:
    runs = towns.runs(range(CHOOSING_SEED, CHOOSING_SEED + 16), policy)
    return score_of(InMemory()(runs, model, 0))


def test_it_learns(towns: Towns) -> None:
    """From what anything at all comes to, most of whom faint, to what `needs` comes to."""
    needs, uniform, idle = (score(towns, policy).mean for policy in ("needs", "uniform", "idle"))
    assert idle < 0.5 * needs and uniform < 0.8 * needs
    ppo = Ppo(towns, QUICK, InMemory(), InMemory())
    for _ in range(12):
        ppo.iterate()
    model = ppo.model()
    learned = score(towns, hashlib.sha256(model).hexdigest(), model)
    assert learned.mean > 0.95 * needs
    assert learned.ended < 0.3


def test_what_was_recorded_is_what_the_network_says(towns: Towns) -> None:
    """Log-probs and values of the compiled forward are torch's, to 1e-5."""
    ppo = Ppo(towns, QUICK, InMemory(), InMemory())
    ppo.iterate()
    model, network = ppo.model(), ppo.state.network
    digest = hashlib.sha256(model).hexdigest()
    samples = InMemory()(towns.runs(training_seeds(0, 5, 2), digest), model, 5)
    seen = experience_of(samples, digest, network.inputs, 0.99, 0.95)
    with torch.no_grad():
        inputs = torch.from_numpy(seen.inputs)
        log_probs = masked_log_probs(network.logits(inputs), torch.from_numpy(seen.masks))
        chosen = log_probs.gather(1, torch.from_numpy(seen.actions)[:, None]).squeeze(1).numpy()
        values = network.values(inputs).numpy()
    assert np.abs(chosen - seen.log_probs).max() < 1e-5
    assert np.abs(values - seen.values).max() < 1e-5 * max(1.0, float(np.abs(values).max()))


def test_the_same_again(towns: Towns) -> None:
    models, lines = [], []
    for _ in range(2):
        ppo = Ppo(towns, QUICK, InMemory(), InMemory())
        rows = [describe(ppo.iterate(evaluate=2)) for _ in range(2)]
        models.append((ppo.model(), ppo.state.models["best"]))
        lines.append([{k: v for k, v in row.items() if not k.endswith("seconds")} for row in rows])
    assert models[0] == models[1] and lines[0] == lines[1]
    assert lines[0][0]["chosen_runs"] == 2 and lines[0][1]["iteration"] == 2


def test_the_critic_is_first_alone(towns: Towns) -> None:
    ppo = Ppo(
        towns, PpoSettings(**{**QUICK.to_json_dict(), "hidden": (8,), "warmup": 1}), InMemory(), InMemory()
    )
    before = [parameter.detach().clone() for parameter in ppo.state.network.actor.parameters()]
    ppo.iterate()
    assert all(map(torch.equal, before, ppo.state.network.actor.parameters()))
    ppo.iterate()
    assert not all(map(torch.equal, before, ppo.state.network.actor.parameters()))


def test_schedules_are_not_learned_from(tmp_path: Path) -> None:
    """Where all have one there is nothing to learn, which is said."""
    from townlet.errors import UserError

    path = tmp_path / "scheduled.yaml"
    path.write_text(TOWN.replace("wallet: 500.0}", "wallet: 500.0, schedule: [{kind: wait, ticks: 500}]}"))
    towns = Towns.of(Request((str(path),), ticks=20))
    with pytest.raises(UserError, match="--ignore-schedules takes the schedules out"):
        Ppo(towns, QUICK, InMemory(), InMemory()).iterate()

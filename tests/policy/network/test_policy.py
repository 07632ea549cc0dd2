"""Networks asked from Python: batches of any size, what is said of them, models that are not there."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from tests.policy.network.models import random_model
from tests.policy.towns import batch, setting
from townlet.errors import UserError
from townlet.policy.base import PolicyBatch
from townlet.policy.network import policy as network_policy
from townlet.policy.network.policy import Network, NetworkPolicy, model_of, networks_at, refuse_fault
from townlet.policy.network.table import ROWS, network_table
from townlet.policy_text import Models

MODEL = random_model(setting(), hidden=(6,))
DIGEST = hashlib.sha256(MODEL).hexdigest()
MODELS: Models = {DIGEST: MODEL}


def policy(options: str = "") -> tuple[Network, NetworkPolicy]:
    [network] = networks_at([f"network:{DIGEST}{options}"], setting(), MODELS)
    table = network_table([network.actor], setting().action_space.dim)
    return network, NetworkPolicy(network, table, 0, agents=3)


def crowd(count: int) -> PolicyBatch:
    return batch(*({"need_hunger": row / count, "arrival": row + 5} for row in range(count)))


def part(whole: PolicyBatch, rows: list[int]) -> PolicyBatch:
    own = {name: getattr(whole, name)[rows] for name in ("maps", "features", "masks", "arrival", "row")}
    return replace(whole, **own)


def test_a_batch_of_any_size() -> None:
    """More agents than a table takes at once; each as if it were alone."""
    _, acting = policy()
    whole = crowd(2 * ROWS + 3)
    answer, values = acting.act(whole), acting.values(whole)
    assert values.tobytes() == answer.values.tobytes()
    assert len(set(answer.actions.tolist())) > 2 and (answer.log_probs < 0).all()
    for row in (0, ROWS - 1, ROWS, 2 * ROWS + 2):
        alone = acting.act(part(whole, [row]))
        assert (alone.actions[0], alone.log_probs[0], alone.values[0]) == (
            answer.actions[row], answer.log_probs[row], answer.values[row],
        )  # fmt: skip


def test_actions_that_were_chosen_before_are_judged() -> None:
    _, acting = policy("?temperature=0.5")
    whole = crowd(6)
    answer = acting.act(whole)
    judged = acting.judge(whole, answer.actions)
    assert judged.log_probs.tobytes() == answer.log_probs.tobytes()
    assert judged.values.tobytes() == answer.values.tobytes()
    waits = acting.judge(whole, np.zeros(6, np.int64))
    assert waits.actions.tolist() == [0] * 6 and (waits.log_probs[answer.actions != 0] != 0).all()


def test_what_is_said_of_it() -> None:
    plain, greedy = policy()[0].info, policy("?mode=greedy&remap=names")[0].info
    assert plain.facts() == {
        "kind": "network", "digest": DIGEST, "log_prob_source": "softmax of the logits over the mask",
        "value_source": "critic", "runtime": "compiled",
    }  # fmt: skip
    assert greedy.log_prob_source == "deterministic"
    assert greedy.facts()["options"] == {"mode": "greedy", "remap": "names"}


def test_numbers_without_end_are_an_error_once() -> None:
    network, acting = policy()
    table = network_table([network.actor], setting().action_space.dim)
    table.fault[0] = True
    with pytest.raises(UserError, match=r"network:x: expected finite logits and values, got others"):
        refuse_fault(table, 0, "network:x")
    refuse_fault(table, 0, "network:x")
    seen = crowd(2)
    seen.features[1] = np.nan
    with np.errstate(all="ignore"), pytest.raises(UserError, match="expected finite logits and values"):
        acting.act(seen)
    assert np.isfinite(acting.act(crowd(2)).values).all()


def test_a_model_that_is_not_there() -> None:
    with pytest.raises(
        UserError,
        match=rf"here: expected the content of the model {'f' * 12} in `models`, found {DIGEST[:12]};",
    ):
        model_of("f" * 64, MODELS, "here")


def test_models_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """For as many runs as there are, and no more are kept than a process can hold."""
    read = []
    load_model = network_policy.load_model
    monkeypatch.setattr(network_policy, "load_model", lambda *given: read.append(given) or load_model(*given))
    monkeypatch.setattr(network_policy, "_models", network_policy._Cache())
    monkeypatch.setattr(network_policy, "_fitted", network_policy._Cache())
    first, second = policy()[0], policy("?mode=greedy")[0]
    assert len(read) == 1 and first.fitted is second.fitted
    cache = network_policy._Cache()
    for key in range(20):
        assert cache.get(key, lambda key=key: key) == key
    assert [*cache._kept] == [*range(20 - network_policy.MOST_KEPT, 20)]
    assert cache.get(12, lambda: "not made again") == 12

"""PPO's losses by hand, gradients against finite differences, and an update that is the same again."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch; `make test-train` installs it and runs this file")

from tests.train.small_networks import small_network  # noqa: E402
from townlet.train.model.learning import entropy_of, masked_log_probs, minibatches  # noqa: E402
from townlet.train.model.networks import ActorCritic  # noqa: E402
from townlet.train.ppo.experience import Experience  # noqa: E402
from townlet.train.ppo.update import (  # noqa: E402
    Optimisers,
    explained_variance,
    normalised,
    policy_loss,
    update,
    value_loss,
)
from townlet.train.settings import PpoSettings  # noqa: E402

pytestmark = pytest.mark.torch


def test_masked_log_probs() -> None:
    logits = torch.tensor([[0.0, math.log(3.0), 50.0], [7.0, 8.0, 9.0]])
    masks = torch.tensor([[True, True, False], [False, True, False]])
    found = masked_log_probs(logits, masks)
    assert found[0, :2].tolist() == pytest.approx([math.log(0.25), math.log(0.75)])
    assert found.exp()[0, 2] == 0 and found[1, 1] == 0
    entropies = entropy_of(found)
    assert entropies.tolist() == pytest.approx(
        [-(0.25 * math.log(0.25) + 0.75 * math.log(0.75)), 0.0], abs=1e-6
    )


def test_policy_loss() -> None:
    """Ratios 2, 2, 1/2 and 1/2 with clip 1/4: gains stop at 1.25 and 0.75, losses count in full."""
    old = torch.zeros(4)
    new = torch.tensor([2.0, 2.0, 0.5, 0.5]).log()
    advantages = torch.tensor([1.0, -1.0, 1.0, -1.0])
    loss, ratio = policy_loss(new, old, advantages, 0.25)
    assert ratio.tolist() == pytest.approx([2, 2, 0.5, 0.5])
    assert loss.item() == pytest.approx(-(1.25 - 2.0 + 0.5 - 0.75) / 4)


def test_value_loss() -> None:
    assert value_loss(torch.tensor([1.0, 4.0]), torch.tensor([3.0, 1.0])).item() == (4 + 9) / 4


def test_explained_variance() -> None:
    returns = np.array([1, 2, 3, 4], np.float32)
    assert explained_variance(returns, returns) == 1
    assert explained_variance(np.zeros(4, np.float32), returns) == 0
    assert explained_variance(returns - 5, returns) == 1, "a constant error is none of variance"
    assert explained_variance(returns, np.ones(4, np.float32)) == 0


def test_advantages_are_normalised_over_the_rows_with_a_choice() -> None:
    found = normalised(np.array([1, 100, 3], np.float32), np.array([0, 2]))
    assert found[[0, 2]].tolist() == pytest.approx([-1, 1])


def test_minibatches_have_every_row_once() -> None:
    rows = np.array([3, 5, 8, 13, 21])
    batches = [batch.tolist() for batch in minibatches(rows, 2, np.random.default_rng(1))]
    assert [len(batch) for batch in batches] == [2, 2, 1]
    assert sorted(row for batch in batches for row in batch) == rows.tolist()


def experience(network: ActorCritic, rows: int = 64, seed: int = 0) -> Experience:
    """Made of random numbers; a third of the rows has one legal action."""
    rng = np.random.default_rng(seed)
    architecture = network.architecture
    masks = rng.random((rows, architecture.actions)) < 0.6
    masks[:, 0] = True
    masks[::3, 1:] = False
    actions = np.array([rng.choice(np.flatnonzero(mask)) for mask in masks])
    return Experience(
        inputs=rng.normal(size=(rows, architecture.inputs)).astype(np.float32),
        masks=masks,
        actions=actions,
        log_probs=-rng.random(rows).astype(np.float32),
        values=rng.normal(size=rows).astype(np.float32),
        advantages=rng.normal(size=rows).astype(np.float32),
        returns=rng.normal(3, 2, rows).astype(np.float32),
    )


def actor_loss(network: Any, seen: Experience) -> Any:
    """What an actor's step goes down, with an entropy bonus of 0.1."""
    log_probs = masked_log_probs(
        network.logits(torch.from_numpy(seen.inputs).double()), torch.from_numpy(seen.masks)
    )
    chosen = log_probs.gather(1, torch.from_numpy(seen.actions)[:, None]).squeeze(1)
    loss, _ = policy_loss(
        chosen, torch.from_numpy(seen.log_probs), torch.from_numpy(seen.advantages), clip=0.2
    )
    return loss - 0.1 * entropy_of(log_probs).mean()


def critic_loss(network: Any, seen: Experience) -> Any:
    values = network.scaled_values(torch.from_numpy(seen.inputs).double())
    return value_loss(values, torch.from_numpy(seen.returns))


@pytest.mark.parametrize(("part", "loss"), [("actor", actor_loss), ("critic", critic_loss)])
def test_gradients_against_finite_differences(part: str, loss: Any) -> None:
    network = small_network(hidden=(5,)).double()
    for parameter in network.parameters():  # else the last layer's zeros hide all others
        torch.nn.init.normal_(parameter, std=0.5, generator=torch.Generator().manual_seed(1))
    seen, small = experience(network, rows=12), 1e-6
    loss(network, seen).backward()
    for parameter in getattr(network, part).parameters():
        flat, gradient = parameter.data.view(-1), parameter.grad.view(-1)
        for index in range(0, len(flat), 7):
            at = flat[index].item()
            with torch.no_grad():
                flat[index] = at + small
                above = loss(network, seen).item()
                flat[index] = at - small
                below = loss(network, seen).item()
                flat[index] = at
            assert gradient[index].item() == pytest.approx((above - below) / (2 * small), abs=1e-7)


def weights(network: ActorCritic) -> bytes:
    return b"".join(parameter.detach().numpy().tobytes() for parameter in network.parameters())


def test_an_update_is_the_same_again() -> None:
    settings = PpoSettings(batch=16, epochs=3, kl_stop=0.0)
    found = []
    for order in (5, 5, 6):
        network = small_network()
        optimisers = Optimisers.of(network, settings)
        losses = update(network, optimisers, experience(network), settings, np.random.default_rng(order))
        found.append((weights(network), losses))
    assert found[0] == found[1]
    assert found[0][0] != found[2][0], "the order of rows decides"


def test_critic_alone_leaves_the_actor_as_it_is() -> None:
    network, settings = small_network(), PpoSettings(batch=16)
    before = [parameter.detach().clone() for parameter in network.actor.parameters()]
    optimisers = Optimisers.of(network, settings)
    losses = update(
        network, optimisers, experience(network), settings, np.random.default_rng(0), critic_only=True
    )
    assert all(torch.equal(a, b.detach()) for a, b in zip(before, network.actor.parameters(), strict=True))
    assert losses.actor_epochs == 0 and losses.value_loss > 0 and losses.entropy is None


def test_epochs_end_where_the_policy_has_moved_far_enough() -> None:
    network, settings = small_network(), PpoSettings(batch=16, epochs=50, lr=0.05, kl_stop=0.01)
    optimisers = Optimisers.of(network, settings)
    losses = update(network, optimisers, experience(network), settings, np.random.default_rng(0))
    assert losses.actor_epochs < 50 and losses.approx_kl is not None and losses.approx_kl > 0.01


def test_rows_without_a_choice_do_not_move_the_actor() -> None:
    network, settings = small_network(), PpoSettings(batch=16)
    seen = experience(network)
    seen.masks[:, 1:] = False
    before = [parameter.detach().clone() for parameter in network.actor.parameters()]
    update(network, Optimisers.of(network, settings), seen, settings, np.random.default_rng(0))
    assert all(torch.equal(a, b.detach()) for a, b in zip(before, network.actor.parameters(), strict=True))

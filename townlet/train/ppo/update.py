"""PPO's losses, and the epochs over one iteration's rows (Schulman et al. 2017, with the clipped ratio).

Actor and critic share nothing, so each has its own pass: the actor over the rows with a choice, the critic over all.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from townlet.train.model.learning import entropy_of, masked_log_probs, minibatches, step
from townlet.train.model.networks import ActorCritic
from townlet.train.ppo.experience import Experience
from townlet.train.settings import PpoSettings
from townlet.train.with_torch import torch

ADAM_EPSILON = 1e-5


class Losses(NamedTuple):
    """Means over an iteration; of the actor's, over its last epoch, None where it did not learn."""

    policy_loss: float | None
    value_loss: float  # in the critic's units
    entropy: float | None  # of the choices, natural units
    approx_kl: float | None  # mean of (ratio - 1) - log ratio
    clip_fraction: float | None
    explained_variance: float  # of the returns, by the values that were recorded
    actor_epochs: int


class Optimisers(NamedTuple):
    actor: Any
    critic: Any

    @classmethod
    def of(cls, network: ActorCritic, settings: PpoSettings) -> Optimisers:
        def adam(part: Any, lr: float) -> Any:
            return torch.optim.Adam(part.parameters(), lr, eps=ADAM_EPSILON)

        return cls(adam(network.actor, settings.lr), adam(network.critic, settings.value_lr))


def policy_loss(log_probs: Any, old_log_probs: Any, advantages: Any, clip: float) -> tuple[Any, Any]:
    """The clipped objective, negated, and the ratios [B]: -mean(min(r A, clamp(r, 1 - clip, 1 + clip) A))."""
    ratio = (log_probs - old_log_probs).exp()
    clipped = ratio.clamp(1.0 - clip, 1.0 + clip)
    return -torch.min(ratio * advantages, clipped * advantages).mean(), ratio


def value_loss(values: Any, returns: Any) -> Any:
    """Half of the mean squared error."""
    return 0.5 * (values - returns).square().mean()


def explained_variance(values: np.ndarray, returns: np.ndarray) -> float:
    """1 - Var(returns - values) / Var(returns); 0 where the returns do not vary."""
    variance = float(np.var(returns, dtype=np.float64))
    if variance == 0.0:
        return 0.0
    return 1.0 - float(np.var(returns - values, dtype=np.float64)) / variance


def update(
    network: ActorCritic,
    optimisers: Optimisers,
    experience: Experience,
    settings: PpoSettings,
    generator: np.random.Generator,
    *,
    critic_only: bool = False,
) -> Losses:
    """Learn from one iteration's rows. The order of rows comes from `generator`."""
    network.follow_returns(experience.returns)
    inputs = torch.from_numpy(experience.inputs)
    value = _critic_epochs(network, optimisers.critic, inputs, experience, settings, generator)
    actor = (None, None, None, None, 0)
    if not critic_only and len(experience.choices):
        actor = _actor_epochs(network, optimisers.actor, inputs, experience, settings, generator)
    policy, entropy, kl, clipped, epochs = actor
    explained = explained_variance(experience.values, experience.returns)
    return Losses(policy, value, entropy, kl, clipped, explained, epochs)


def _critic_epochs(
    network: ActorCritic, optimiser: Any, inputs: Any, experience: Experience, settings: PpoSettings,
    generator: np.random.Generator,
) -> float:  # fmt: skip
    """All rows, `value_epochs` times; returns the mean loss of the last epoch."""
    targets = torch.from_numpy((experience.returns - network.value_mean) / network.value_scale)
    losses = [0.0]
    for _ in range(settings.value_epochs):
        losses = []
        for rows in minibatches(np.arange(len(experience)), settings.batch, generator):
            loss = value_loss(network.scaled_values(inputs[rows]), targets[rows])
            step(optimiser, loss, network.critic, settings.max_grad)
            losses.append(loss.item())
    return float(np.mean(losses))


def _actor_epochs(
    network: ActorCritic, optimiser: Any, inputs: Any, experience: Experience, settings: PpoSettings,
    generator: np.random.Generator,
) -> tuple[float, float, float, float, int]:  # fmt: skip
    """The rows with a choice, `epochs` times, or until the policy has moved far enough.

    Returns the means of loss, entropy, divergence and share of clipped ratios over the last epoch, and the epochs.
    """
    choices = experience.choices
    advantages = torch.from_numpy(normalised(experience.advantages, choices))
    masks, actions = torch.from_numpy(experience.masks), torch.from_numpy(experience.actions)
    old_log_probs = torch.from_numpy(experience.log_probs)
    seen: list[tuple[float, ...]] = []
    epochs = 0
    while epochs < settings.epochs:
        epochs, seen = epochs + 1, []
        for rows in minibatches(choices, settings.batch, generator):
            log_probs = masked_log_probs(network.logits(inputs[rows]), masks[rows])
            entropy = entropy_of(log_probs).mean()
            chosen = log_probs.gather(1, actions[rows, None]).squeeze(1)
            loss, ratio = policy_loss(chosen, old_log_probs[rows], advantages[rows], settings.clip)
            step(optimiser, loss - settings.entropy * entropy, network.actor, settings.max_grad)
            with torch.no_grad():
                kl = ((ratio - 1.0) - ratio.log()).mean().item()
                clipped = ((ratio - 1.0).abs() > settings.clip).float().mean().item()
            seen.append((loss.item(), entropy.item(), kl, clipped))
        if settings.kl_stop and np.mean([kl for _, _, kl, _ in seen]) > settings.kl_stop:
            break
    loss, entropy, kl, clipped = (float(mean) for mean in np.mean(seen, axis=0))
    return loss, entropy, kl, clipped, epochs


def normalised(advantages: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Advantages less their mean over `rows`, divided by their deviation there."""
    chosen = advantages[rows].astype(np.float64)
    return ((advantages - chosen.mean()) / (chosen.std() + 1e-8)).astype(np.float32)

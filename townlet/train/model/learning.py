"""What every way of learning needs: log-probs under a mask, rows in a new order, a step down a gradient."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from townlet.train.with_torch import torch

NEVER = -1e9  # the logit of what is not legal: its probability is 0 exactly, and no gradient is NaN


def masked_log_probs(logits: Any, masks: Any) -> Any:
    """[B, U] log-probs of the legal actions; of the others, a number that makes 0."""
    return torch.log_softmax(logits.masked_fill(~masks, NEVER), dim=1)


def entropy_of(log_probs: Any) -> Any:
    """[B] entropies of masked log-probs."""
    return -(log_probs.exp() * log_probs).sum(1)


def minibatches(rows: np.ndarray, size: int, generator: np.random.Generator) -> Iterator[Any]:
    """The rows in a new order, `size` at a time; the last batch has what is left."""
    order = torch.from_numpy(rows[generator.permutation(len(rows))])
    return iter(order.split(size))


def step(optimiser: Any, loss: Any, part: Any, max_grad: float) -> None:
    """One step of gradient descent, with the gradient's norm cut."""
    optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(part.parameters(), max_grad)
    optimiser.step()

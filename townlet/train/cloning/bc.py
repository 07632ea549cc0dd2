"""Behaviour cloning: a network that does what the policy of a data set did.

The rare actions decide. A teacher such as `needs` asks for a meal on the one tick at which hunger crosses a threshold;
a clone that is right in 99.7 % of all rows and misses half of those starves. So an action that was taken n times weighs
n^-0.5, and what is reported is the recall of each action, over runs that were held out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from townlet.dataset.reading.data_set import DataSet
from townlet.errors import UserError
from townlet.policy.network.metadata import NetworkLayout
from townlet.train.cloning.labelled import Labelled, Rows, Summary, class_weights, summary_of
from townlet.train.model.export import layout_of_sample, model_of
from townlet.train.model.learning import masked_log_probs, minibatches, step
from townlet.train.model.networks import ActorCritic, Architecture, normalisation_of
from townlet.train.settings import CloneSettings
from townlet.train.with_torch import one_thread, torch

FIRST_AFFORDANCE = 7  # actions 7, 9, ... are requests (`townlet actions` lists them)
MOST_GRAD = 1.0  # norm that a gradient is cut to


class Recall(NamedTuple):
    """How well a clone does what its teacher did, over held-out rows with a choice."""

    rows: int
    accuracy: float  # of the likeliest legal action
    macro: float  # mean over the actions that the teacher took of the share that is met
    requests: float  # share of the teacher's requests that is met


class Epoch(NamedTuple):
    number: int  # from 1
    loss: float  # weighted mean negative log-likelihood
    recall: Recall | None  # None where nothing is held out


class Clone:
    """A network in training: `epoch` goes through all rows once; `rows` may be added to between epochs."""

    def __init__(self, data: DataSet, settings: CloneSettings) -> None:
        if not len(data):
            raise UserError(f"{data.place}: expected samples to learn from, found none")
        data.refuse_mixed()
        self.settings, self.number = settings, 0
        self.train, self.held_out = data.split(settings.validation) if settings.validation else (data, None)
        self.layout: NetworkLayout = layout_of_sample(data[0].metadata)
        self.rows = Rows(self.train, settings.memory_mb * 1e6)
        self.summary = self._summary()
        if not self.summary.rows:
            raise UserError(
                f"{data.place}: expected rows in which more than one action was legal, found none"
            )
        architecture = Architecture.of(self.layout, settings.hidden, settings.activation)
        normalisation = normalisation_of(self.summary.mean, self.summary.std)
        self.network = ActorCritic(architecture, normalisation, settings.seed)
        self._optimiser = torch.optim.Adam(self.network.actor.parameters(), settings.lr)

    def _summary(self) -> Summary:
        return summary_of(self.rows.epoch(self.settings.seed, 0), len(self.layout.action_names))

    def run(self, epochs: int, report: Callable[[Epoch], None] = lambda epoch: None) -> None:
        """Learn for some epochs; the learning rate falls to a tenth along them."""
        counts = self._summary().counts  # of what was added, too
        weights = torch.from_numpy(class_weights(counts, self.settings.class_power))
        with one_thread():
            for index in range(epochs):
                self.number += 1
                for group in self._optimiser.param_groups:
                    group["lr"] = self.settings.lr * (1.0 - 0.9 * index / max(epochs - 1, 1))
                loss = self._epoch(weights)
                report(Epoch(self.number, loss, self.recall()))

    def _epoch(self, weights: Any) -> float:
        seed, losses = self.settings.seed, []
        generator = np.random.default_rng([seed, self.number])
        for pool in self.rows.epoch(seed, self.number):
            inputs = torch.from_numpy(self.network.inputs(pool.maps, pool.features))
            masks, labels = torch.from_numpy(pool.masks), torch.from_numpy(pool.labels)
            for rows in minibatches(np.arange(len(pool)), self.settings.batch, generator):
                logits = self.network.logits(inputs[rows])
                loss = weighted_loss(logits, masks[rows], labels[rows], weights)
                step(self._optimiser, loss, self.network.actor, MOST_GRAD)
                losses.append(loss.item())
        return float(np.mean(losses))

    def model(self) -> bytes:
        """The clone as a model file. Its critic has learned nothing: its values are 0."""
        facts = {"by": "townlet train bc", "epochs": self.number, "rows": self.summary.rows}
        return model_of(self.network, self.layout, facts | {"settings": self.settings.to_json_dict()})

    def recall(self) -> Recall | None:
        """Over the held-out runs; None where there are none."""
        if self.held_out is None:
            return None
        actions = len(self.layout.action_names)
        taken, met = np.zeros(actions, np.int64), np.zeros(actions, np.int64)
        for pool in Rows(self.held_out, self.settings.memory_mb * 1e6).epoch(0, 0):
            labels, right = pool.labels, pool.labels == likeliest(self.network, pool)
            taken += np.bincount(labels, minlength=actions)
            met += np.bincount(labels[right], minlength=actions)
        return recall_of(taken, met)


def weighted_loss(logits: Any, masks: Any, labels: Any, weights: Any) -> Any:
    """Mean of w[a] * -log p(a) over rows, divided by the mean weight of these rows' actions a."""
    log_probs = masked_log_probs(logits, masks).gather(1, labels[:, None]).squeeze(1)
    weight = weights[labels]
    return -(weight * log_probs).sum() / weight.sum()


def likeliest(network: ActorCritic, rows: Labelled, size: int = 8192) -> np.ndarray:
    """[N] the legal action that the network finds likeliest."""
    found = []
    with torch.no_grad():
        for first in range(0, len(rows), size):
            part = slice(first, first + size)
            inputs = torch.from_numpy(network.inputs(rows.maps[part], rows.features[part]))
            logits = network.logits(inputs)
            found.append(masked_log_probs(logits, torch.from_numpy(rows.masks[part])).argmax(1).numpy())
    return np.concatenate(found)


def recall_of(taken: np.ndarray, met: np.ndarray) -> Recall:
    """From how often the teacher took each action, and how often the clone would have, too."""
    shares = met[taken > 0] / taken[taken > 0]
    requests = slice(FIRST_AFFORDANCE, None, 2)
    asked = int(taken[requests].sum())
    return Recall(
        rows=int(taken.sum()),
        accuracy=float(met.sum() / max(int(taken.sum()), 1)),
        macro=float(shares.mean()) if len(shares) else 0.0,
        requests=float(met[requests].sum() / asked) if asked else 1.0,
    )

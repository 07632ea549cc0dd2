"""What samples say that follows from nothing else: log-probs and values, and what is computed of a life's numbers.

The advantage is generalised advantage estimation as `townlet train ppo` computes it (`townlet/train/ppo/gae.py`), with
the run's gamma and a lambda of 0.95. Without a critic every value is 0, and it is a discounted sum of what follows.
Entropy is in nats: of the distribution that an action was drawn from; of a greedy network that of its softmax.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from townlet.arrays import F32, F64, Bool
from townlet.dataset.reading.capture import Capture
from townlet.policy.base import PolicyBatch
from townlet.policy.network.policy import NetworkPolicy, networks_at
from townlet.policy.network.table import network_table
from townlet.policy_text import Models, NetworkText, parse_network
from townlet.report.facts.sample_facts import facts_of
from townlet.rollout.acting.course import Course
from townlet.rollout.player import setting_of
from townlet.samples import ReplaySample
from townlet.train.ppo.gae import discounted_returns, lambda_advantages
from townlet.world import state as st

if TYPE_CHECKING:
    from townlet.playback.playback import Playback

LAMBDA = 0.95
LIKELIEST = 5  # actions of a network that a page shows
SCRIPTED = -1  # instead of a policy's code: a schedule decides
ROWS = 256  # steps that a network is asked for at once


class StoredArrays:
    """Arrays [A, T] of the ticks first, first + 1, ...; NaN where nothing is stored, or nothing is known."""

    def __init__(self, playback: Playback, models: Models, first: int, ticks: int) -> None:
        generated = playback.generated
        self._generated, self._models, self._course = generated, models, Course(generated)
        self._scripted = lambda arrival: playback.registry.scripted[arrival - 1]
        self._first, self._end = first, first + ticks
        shape = (len(generated.names.agents), ticks)
        self.computed = {name: np.full(shape, np.nan, np.float32) for name in _COMPUTED}
        self.likeliest: dict[str, np.ndarray] = {}
        self._shape = (shape[0], min(LIKELIEST, generated.action_space.dim), ticks)
        self._networks: dict[NetworkText, NetworkPolicy] = {}

    def read(
        self, capture: Capture, row_of: dict[int, int], arrays: dict[str, np.ndarray]
    ) -> list[dict[str, Any]]:
        """Read every sample once; the facts of each. `row_of`: the row of each arrival number. Writes the log-probs and
        values that are stored into `arrays`."""
        facts = []
        for arrival, segments in _lives(capture):
            parts = []
            for sample in segments:
                parts.append(_Part(sample))
                facts.append(facts_of(sample))
                self._note(sample, row_of[arrival], arrays)
            self._note_life(parts, row_of[arrival])
        return facts

    def finished(self) -> dict[str, np.ndarray]:
        """All arrays, by name; those of networks only where one acted."""
        return {**self.computed, **self.likeliest}

    def _note(self, sample: ReplaySample, row: int, arrays: dict[str, np.ndarray]) -> None:
        """What a sample says of the ticks that are shown."""
        here, there = self._overlap(int(sample.tick[0]), sample.timesteps)
        if here.start >= here.stop:
            return
        arrays["log_prob"][row, there] = sample.old_log_probs[here]
        arrays["value"][row, there] = sample.value_preds[:-1][here]
        start, masks = here.start + int(sample.tick[0]), _legal(sample)
        is_scripted = self._scripted(int(sample.metadata["agent_index"]))
        for codes, drops_schedules, ticks in self._course.between(start, start + here.stop - here.start):
            known = slice(start - int(sample.tick[0]), start - int(sample.tick[0]) + ticks)
            shown = slice(start - self._first, start - self._first + ticks)
            code = SCRIPTED if is_scripted and not drops_schedules else int(codes[row])
            self._note_choice(code, sample, known, masks[known], row, shown)
            start += ticks

    def _note_choice(
        self, code: int, sample: ReplaySample, known: slice, masks: Bool, row: int, shown: slice
    ) -> None:
        """How sure whoever decides was in some steps of a sample."""
        entropy = self.computed["entropy"][row]
        if code >= st.POLICY_FIRST_NETWORK:
            name = self._generated.networks[code - st.POLICY_FIRST_NETWORK]
            chances = self._chances(parse_network(name), sample.map[known], sample.features[known], masks)
            entropy[shown] = _entropy(chances)
            self._note_likeliest(chances, row, shown)
        elif code == st.POLICY_UNIFORM:
            entropy[shown] = np.log(masks.sum(axis=1))
        elif code != st.POLICY_OUTSIDE:
            entropy[shown] = 0.0

    def _note_life(self, parts: list[_Part], row: int) -> None:
        """What a whole life says of its ticks that are shown."""
        start, gamma = parts[0].start, parts[0].gamma
        here, there = self._overlap(start, sum(len(part.rewards) for part in parts))
        if here.start >= here.stop:
            return
        rewards = np.concatenate([part.rewards for part in parts])
        values = np.concatenate([*(part.values[:-1] for part in parts), parts[-1].values[-1:]])
        forced = np.concatenate([part.forced for part in parts])
        self.computed["advantage"][row, there] = lambda_advantages(rewards, values, forced, gamma, LAMBDA)[
            here
        ]
        self.computed["return_to_go"][row, there] = discounted_returns(rewards, float(values[-1]), gamma)[
            here
        ]

    def _overlap(self, start: int, ticks: int) -> tuple[slice, slice]:
        """The ticks from `start` on that are shown: as slices of them, and of what is shown."""
        first, end = max(start, self._first), min(start + ticks, self._end)
        return slice(first - start, end - start), slice(first - self._first, end - self._first)

    def _chances(self, choice: NetworkText, maps: F32, features: F32, masks: Bool) -> F64:
        network = self._network(choice)
        parts = []
        for at in range(0, len(masks), ROWS):
            some = slice(at, at + ROWS)
            none = np.zeros(len(masks[some]), np.int64)
            batch = PolicyBatch(maps[some], features[some], masks[some], 0, none, none, 0)
            parts.append(network.chances(batch))
        return np.concatenate(parts)

    def _network(self, choice: NetworkText) -> NetworkPolicy:
        if choice not in self._networks:
            (network,) = networks_at([str(choice)], setting_of(self._generated), self._models)
            table = network_table([network.actor], self._generated.action_space.dim)
            agents = len(self._generated.names.agents)
            self._networks[choice] = NetworkPolicy(network, table, 0, agents)
        return self._networks[choice]

    def _note_likeliest(self, chances: F64, row: int, there: slice) -> None:
        """Of each step the likeliest actions, the likeliest first; of equal ones the lowest id."""
        if not self.likeliest:
            self.likeliest["prob"] = np.zeros(self._shape, np.float32)
            self.likeliest["prob_action"] = np.zeros(self._shape, np.uint16)
        order = np.argsort(-chances, axis=1, kind="stable")[:, : self._shape[1]]
        self.likeliest["prob"][row, :, there] = _rounded(np.take_along_axis(chances, order, axis=1)).T
        self.likeliest["prob_action"][row, :, there] = order.T


_COMPUTED = ("entropy", "advantage", "return_to_go")


class _Part:
    """What a segment adds to its life: some bytes a tick, not its maps."""

    def __init__(self, sample: ReplaySample) -> None:
        self.start, self.gamma = int(sample.tick[0]), float(sample.metadata.get("gamma", 1.0))
        self.rewards, self.values = sample.rewards.copy(), sample.value_preds.copy()
        self.forced = sample.action_mask.sum(axis=1) == 1


def _lives(capture: Capture) -> Iterator[tuple[int, Iterator[ReplaySample]]]:
    """Arrival numbers, each with the samples of its segments, in order, read one at a time."""
    order = sorted(
        range(len(capture)), key=lambda at: (capture.samples[at].arrival, capture.samples[at].segment)
    )
    for arrival, found in itertools.groupby(order, key=lambda at: capture.samples[at].arrival):
        yield arrival, (capture[at] for at in found)


def _legal(sample: ReplaySample) -> np.ndarray:
    """The masks as policies saw them: the bit of an action that they did not allow is set in what is stored."""
    masks, off = sample.action_mask, np.flatnonzero(sample.array("off_mask"))
    if len(off):
        masks = masks.copy()
        masks[off, sample.actions[off]] = False
    return masks


def _entropy(chances: F64) -> F64:
    with np.errstate(divide="ignore", invalid="ignore"):
        return -np.where(chances > 0, chances * np.log(chances), 0.0).sum(axis=1)


def _rounded(chances: F64) -> F32:
    """Probabilities as float32 with 12 bits, to 1 part in 8,000, at two thirds of the space."""
    bits = chances.astype(np.float32).view(np.uint32)
    return ((bits + np.uint32(1 << 10)) & ~np.uint32((1 << 11) - 1)).view(np.float32)

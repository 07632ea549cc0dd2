"""Finds all calls from Python into compiled code, so that they can be compiled before the first of them is made.

`python -m townlet.rollout.entry_points N` compiles them, with N processes. They are found by what makes them: a town is
played in plain Python, as captures, loops, policies and replays play it, and whichever kernel Python calls is noted.
"""

from __future__ import annotations

import hashlib
import math
import sys
from itertools import pairwise

import numpy as np

from townlet.compiler.kernels import EntryPoint, noted_calls
from townlet.compiler.parallel import compile_all
from townlet.config.load import load_config
from townlet.generator.generate import generate
from townlet.policy.network.metadata import layout_of
from townlet.policy.network.write_model import Layer, write_model
from townlet.policy.registry import entry
from townlet.policy_text import PREFIX
from townlet.rollout.agents import AgentRegistry
from townlet.rollout.buffers import frames
from townlet.rollout.player import Player, setting_of
from townlet.rollout.stepper import Stepper
from townlet.vocabulary import OUTSIDE
from townlet.world import state as st

ANY = "kitchen_breakfast"  # a shipped config: all have the same types
POLICIES = ("needs", "uniform")  # that are compiled, and are called from Python where the policy is an object


def entry_points() -> list[EntryPoint]:
    """The entry points, in the order in which they were needed first."""
    with noted_calls() as noted:
        for policy in POLICIES:
            generated = generate(load_config(ANY), seed=0, policy=OUTSIDE, ignore_schedules=True)
            _play(Player(generated, AgentRegistry.of(generated), entry(policy).make(setting_of(generated))))
        _play_network()
    return noted


def _play_network() -> None:
    """A replay of a town in which a network acts, and the same network asked from Python."""
    config = load_config(ANY)
    layout = layout_of(setting_of(generate(config, seed=0)))
    inputs, outputs = math.prod(layout.map_shape) + len(layout.feature_names), len(layout.action_names)
    model = write_model(layout, actor=_zeros(inputs, 1, outputs), critic=_zeros(inputs, 1, 1))
    digest = hashlib.sha256(model).hexdigest()
    generated = generate(config, seed=0, policy=f"{PREFIX}{digest}", ignore_schedules=True)
    player, out = Player(generated, AgentRegistry.of(generated), models={digest: model}), frames(generated, 1)
    stored = np.full((2, 1), st.ACTION_WAIT, np.int64), np.full((2, 1, 3), -1.0, np.float32)
    player.replay_segment(*stored, out, 0, 1)
    player.bootstrap(out, 0)
    policy, batch = player.policy_on(0)[1], player.batch_of(out, 0, np.zeros(1, np.int64))
    policy.act(batch)
    policy.values(batch)


def _zeros(*sizes: int) -> list[Layer]:
    """Layers whose weights are 0."""
    return [Layer(np.zeros(shape, np.float32), np.zeros(shape[1], np.float32)) for shape in pairwise(sizes)]


def _play(player: Player) -> None:
    """A segment, and a tick from Python."""
    out = frames(player.generated, 1)
    player.play_segment(out, 0, 1)
    player.look(out, 0)
    player.decide(out, 0)
    player.play(out, 0)
    player.settle()
    player.end(out, 1)
    stepper = Stepper(ANY, 0, None)
    stepper.play({})


if __name__ == "__main__":
    compile_all(entry_points(), int(sys.argv[1]))

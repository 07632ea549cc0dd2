"""A course of two stretches, worked out by hand: who decides when, and with which seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from townlet.config.load import load_config
from townlet.generator.generate import generate_run
from townlet.rollout.acting.course import NEVER, Course
from townlet.rollout.agents import AgentRegistry
from townlet.rollout.buffers import frames
from townlet.rollout.player import Player
from townlet.run import Branch, Run, Stretch, canonical_json
from townlet.world import state as st

TICK = 5


@pytest.fixture
def run() -> Run:
    """Seed 1 and `needs` for five ticks, then seed 2 and `uniform`, all without schedules from then on."""
    resolved = load_config("kitchen_breakfast")
    own = Run(
        name="kitchen", seed=2, ticks=9, config_json=canonical_json(resolved.to_json_dict()), policy="uniform"
    )
    before = (Stretch(TICK, 1, "needs", False),)
    branch = Branch(content_digest="ab" * 32, scenario="kitchen", seed=1, before=before)
    return replace(own, ignore_schedules=True, branch=branch)


def test_a_plain_run_has_one_stretch(run: Run) -> None:
    generated = generate_run(replace(run, branch=None))
    course = Course(generated)
    assert course.codes == {st.POLICY_UNIFORM}
    assert course.until_turn(generated.world) == NEVER
    assert not course.turn(generated.world)
    ((codes, drops, ticks),) = course.between(3, 9)
    assert (codes.tolist(), drops, ticks) == ([st.POLICY_UNIFORM] * 2, False, 6)


def test_the_first_stretch_is_the_parents(run: Run) -> None:
    generated = generate_run(run)
    assert generated.params.town.seed[0] == 1
    assert generated.params.people.policy.tolist() == [st.POLICY_NEEDS] * 2
    assert (generated.world.script.entry != st.NOTHING).all(), "schedules hold until the turn"


def test_a_turn_is_made_at_its_tick(run: Run) -> None:
    generated = generate_run(run)
    course = Course(generated)
    assert course.codes == {st.POLICY_NEEDS, st.POLICY_UNIFORM}
    assert course.until_turn(generated.world) == TICK
    assert not course.turn(generated.world)
    generated.world.clock.tick[0] = TICK
    assert course.until_turn(generated.world) == NEVER
    for _ in range(2):
        assert course.turn(generated.world)
        assert generated.params.town.seed[0] == 2
        assert generated.params.people.policy.tolist() == [st.POLICY_UNIFORM] * 2
        assert (generated.world.script.entry == st.NOTHING).all()


def test_other_worlds_of_the_config_are_not_touched(run: Run) -> None:
    generated, other = generate_run(run), generate_run(run)
    generated.world.clock.tick[0] = TICK
    Course(generated).turn(generated.world)
    assert other.params.town.seed[0] == 1
    assert other.params.people.policy.tolist() == [st.POLICY_NEEDS] * 2


def test_the_ticks_of_each_stretch(run: Run) -> None:
    course = Course(generate_run(run))

    def ticks(first: int, end: int) -> list[tuple[int, bool, int]]:
        return [(int(codes[0]), drops, count) for codes, drops, count in course.between(first, end)]

    assert ticks(0, 9) == [(st.POLICY_NEEDS, False, 5), (st.POLICY_UNIFORM, True, 4)]
    assert ticks(2, 5) == [(st.POLICY_NEEDS, False, 3)]
    assert ticks(5, 6) == [(st.POLICY_UNIFORM, True, 1)]


def test_what_samples_say_of_who_acted(run: Run) -> None:
    generated = generate_run(run)
    player = Player(generated, AgentRegistry.of(generated))
    assert player.policy_of(0, 1, 0, 5).kind == "scripted"
    assert player.policy_of(0, 1, 5, 9).kind == "uniform"
    both = player.policy_of(0, 1, 3, 9)
    assert (both.kind, both.acted) == ("mixed", (("scripted", 2), ("uniform", 4)))


@pytest.mark.parametrize("lengths", [(9,), (5, 4), (3, 6), (1,) * 9])
def test_segments_do_not_matter(run: Run, lengths: tuple[int, ...]) -> None:
    """However the ticks are cut, the turn is made at its tick."""
    whole = generate_run(run)
    out = frames(whole, 9)
    Player(whole, AgentRegistry.of(whole)).play_segment(out, 0, 9)
    generated = generate_run(run)
    player, start = Player(generated, AgentRegistry.of(generated)), 0
    for length in lengths:
        part = frames(generated, length)
        player.play_segment(part, 0, length)
        for name in ("actions", "old_log_probs", "rewards", "features", "action_mask"):
            expected = getattr(out, name)[:, start : start + length]
            assert np.array_equal(getattr(part, name)[:, :length], expected), (name, start)
        start += length

"""Stacking: the same sample from every cut, order and grouping of its frames."""

from __future__ import annotations

import random
from itertools import pairwise

import apache_beam as beam
import pytest

from tests.pipelines import fakes
from townlet.pipelines.stack import StackFrames, StackOrExplain, Unstackable
from townlet.samples import FrameGroup, stack_groups

RUN = fakes.run(ticks=12)
KEY = ("hamlet", 0, 1, "alice", 0)


def cut(*bounds: int) -> list[FrameGroup]:
    """The frames of one agent, cut at these ticks."""
    return [fakes.group(RUN, 1, a, b, last=b == RUN.ticks) for a, b in pairwise(bounds)]


def test_lists_of_groups_are_stacked_without_a_shuffle() -> None:
    whole = stack_groups(cut(0, 12))
    [(key, sample)] = [(KEY, cut(0, 5, 9, 12))] | beam.CombineValues(StackFrames())
    assert key == KEY
    assert sample.content_digest() == whole.content_digest()
    assert sample.metadata == whole.metadata


def test_scattered_groups_are_stacked_by_key() -> None:
    groups = cut(0, 3, 4, 5, 8, 12)
    random.Random(3).shuffle(groups)
    [(_, sample)] = [(KEY, group) for group in groups] | beam.CombinePerKey(StackFrames())
    assert sample.content_digest() == stack_groups(cut(0, 12)).content_digest()


@pytest.mark.parametrize("seed", range(20))
def test_any_grouping_of_accumulators_gives_the_same(seed: int) -> None:
    draw = random.Random(seed)
    bounds = sorted({0, 12, *draw.sample(range(1, 12), draw.randrange(0, 8))})
    groups = cut(*bounds)
    draw.shuffle(groups)
    stack = StackFrames()
    parts = [stack.create_accumulator() for _ in range(draw.randrange(1, 5))]
    for group in groups:
        number = draw.randrange(len(parts))
        parts[number] = stack.add_input(parts[number], group)
    while len(parts) > 1:
        parts = [stack.merge_accumulators(parts[:2]), *parts[2:]]
    assert stack.extract_output(parts[0]).content_digest() == stack_groups(cut(0, 12)).content_digest()


def test_a_gap_is_an_error_or_is_explained() -> None:
    first, _, last = cut(0, 4, 8, 12)
    with pytest.raises(ValueError, match="consecutive ticks"):
        StackFrames().extract_output([first, last])
    found = StackOrExplain().extract_output([first, last])
    assert isinstance(found, Unstackable)
    assert "consecutive ticks" in found.reason


def test_one_group_is_not_copied() -> None:
    [group] = cut(0, 12)
    assert StackFrames().extract_output([group]).map is group.arrays["map"]

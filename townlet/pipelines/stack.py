"""Stacking: frame groups of one agent and segment become one replay sample."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import apache_beam as beam

from townlet.samples import FrameGroup, ReplaySample, stack_groups


class StackFrames(beam.CombineFn):
    """Frame groups of one sample, in any order and any partition, into its `ReplaySample`.

    Associative and commutative: groups are put into order by tick at the end. Raises ValueError where they
    do not join (a gap, a doubled tick, no last group).
    """

    def create_accumulator(self) -> list[FrameGroup]:
        return []

    def add_input(self, mutable_accumulator: list[FrameGroup], element: FrameGroup) -> list[FrameGroup]:
        mutable_accumulator.append(element)
        return mutable_accumulator

    def merge_accumulators(self, accumulators: Iterable[list[FrameGroup]]) -> list[FrameGroup]:
        return [group for groups in accumulators for group in groups]

    def extract_output(self, accumulator: list[FrameGroup]) -> ReplaySample:
        return stack_groups(accumulator)


class Stacked:
    """Type of what stacking yields, for Beam: `townlet.pipelines.coders` has its coder."""


@dataclass(frozen=True)
class Unstackable:
    """Stands for a sample whose groups do not join, so that one bad run does not stop the others."""

    reason: str


class StackOrExplain(StackFrames):
    """`StackFrames` that yields an `Unstackable` where that would raise."""

    def extract_output(self, accumulator: list[FrameGroup]) -> ReplaySample | Unstackable:  # type: ignore[override]
        try:
            return stack_groups(accumulator)
        except ValueError as error:
            return Unstackable(f"the frames make no valid sample: {error}")

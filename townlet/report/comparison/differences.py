"""Where two runs part: the first tick at which somebody sees, does or gets something else than in the other one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from townlet.dataset.reading.capture import Capture
from townlet.escaping import shown
from townlet.report.facts.sample_facts import describe
from townlet.samples import ReplaySample

# What is compared, causes before what comes of them. Log-probs and values are left out: another network gives others
# for the same course of things.
COMPARED = {
    "positions": "stands elsewhere",
    "features": "sees something else",
    "map": "sees another map",
    "action_mask": "may do something else",
    "actions": "does something else",
    "action_args": "does the same to something else",
    "rewards": "gets another reward",
    "dones": "ends in one run only",
}


class FirstDifference(NamedTuple):
    """`tick` None: there is none."""

    tick: int | None
    what: str


def first_difference(left: Capture, right: Capture) -> FirstDifference:
    """The earliest difference over all lives. Lives are the same where name and arrival number are."""
    found = [difference for each in _lives(left, right) for difference in each]
    if not found:
        return FirstDifference(None, "no tick differs")
    tick, _, what = min(found)
    return FirstDifference(tick, what)


_SIDE = ("run A", "run B")
_Found = tuple[int, int, str]  # tick, place in the order of causes, words


def _lives(left: Capture, right: Capture) -> Iterator[list[_Found]]:
    sides = [_records(side) for side in (left, right)]
    for key in sorted({*sides[0], *sides[1]}):
        mine, other = sides[0].get(key), sides[1].get(key)
        name = shown(key[1])
        if mine is not None and other is not None:
            yield list(_of_life(name, _pieces(left, mine), _pieces(right, other)))
        for side, indices, there in ((left, mine, other), (right, other, mine)):
            if indices is not None and there is None:
                first = min(side.samples[index].first_tick for index in indices)
                yield [(first, -1, f"{name} lives in {_SIDE[side is right]} only")]


def _records(capture: Capture) -> dict[tuple[int, str], list[int]]:
    """The samples of each life, by arrival number and name, in order."""
    found: dict[tuple[int, str], list[int]] = {}
    order = sorted(range(len(capture)), key=lambda at: capture.samples[at].segment)
    for index in order:
        record = capture.samples[index]
        found.setdefault((record.arrival, record.agent_id), []).append(index)
    return found


def _pieces(capture: Capture, indices: list[int]) -> Iterator[ReplaySample]:
    return (capture[index] for index in indices)


def _of_life(name: str, left: Iterator[ReplaySample], right: Iterator[ReplaySample]) -> Iterator[_Found]:
    """The first difference of each array in the first stretch that has any, else where one side goes on alone."""
    mine, other = next(left, None), next(right, None)
    assert mine is not None and other is not None  # a life has a sample
    at, begins = int(mine.tick[0]), int(other.tick[0])
    if at != begins:
        yield min(at, begins), -1, f"{name} begins its life at another tick"
        return
    while mine is not None and other is not None:
        end = min(_end(mine), _end(other))
        found = list(_in_span(name, mine, other, at, end))
        if found:
            yield from found
            return
        at, mine, other = end, _next(mine, left, end), _next(other, right, end)
    if mine is not None or other is not None:
        yield at, -1, f"{name} is there in {_SIDE[mine is None]} only"


def _next(sample: ReplaySample, rest: Iterator[ReplaySample], end: int) -> ReplaySample | None:
    return sample if _end(sample) > end else next(rest, None)


def _end(sample: ReplaySample) -> int:
    return int(sample.tick[0]) + sample.timesteps


def _in_span(name: str, left: ReplaySample, right: ReplaySample, start: int, end: int) -> Iterator[_Found]:
    """The first difference of each array in ticks that both samples have."""
    for order, (array, words) in enumerate(COMPARED.items()):
        one, two = (_rows(side.array(array), side, start, end) for side in (left, right))
        if one.shape[1:] != two.shape[1:]:
            continue  # another layout: what can be compared still is
        different = (one != two).reshape(len(one), -1).any(axis=1)
        if different.any():
            t = int(different.argmax())
            yield start + t, order, f"{name} {words}{_detail(array, left, right, start + t)}"


def _rows(array: np.ndarray, sample: ReplaySample, start: int, end: int) -> np.ndarray:
    first = int(sample.tick[0])
    return array[start - first : end - first]


def _detail(array: str, left: ReplaySample, right: ReplaySample, tick: int) -> str:
    """What of it differs, for people."""
    one, two = (_rows(side.array(array), side, tick, tick + 1)[0] for side in (left, right))
    if array == "features":
        column = int((one != two).argmax())
        name = shown(left.metadata["feature_names"][column])
        return f" ({name}: {one[column]:.6g} and {two[column]:.6g})"
    if array == "actions":
        names = [_action_name(side, int(number)) for side, number in ((left, one), (right, two))]
        return f" ({names[0]}, and {names[1]})"
    if array == "rewards":
        return f" ({one:.6g} and {two:.6g})"
    return ""


def _action_name(sample: ReplaySample, number: int) -> str:
    text = sample.metadata["action_names"][number]
    return shown(describe(json.loads(text)))

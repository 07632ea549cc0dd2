"""Schedule entries: what may be left out, and what they become."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from townlet.config.schema import ScheduleEntry
from townlet.config.schema.scenario import MEANING


def entry(**data: Any) -> ScheduleEntry:
    return ScheduleEntry.model_validate(data)


@pytest.mark.parametrize(
    ("data", "until", "ticks"),
    [
        ({"kind": "wait"}, None, 1),
        ({"kind": "wait", "ticks": 5}, None, 5),
        ({"kind": "wait", "until": "granted"}, "granted", 1),
        ({"kind": "wait", "until": "finished"}, "finished", 1),
        ({"kind": "move", "position": [1, 2]}, "arrived", 1),
        ({"kind": "move", "position": [1, 2], "until": "arrived"}, "arrived", 1),
        ({"kind": "move", "position": [1, 2], "ticks": 1}, None, 1),
        ({"kind": "move", "position": [1, 2], "ticks": 3}, None, 3),
        ({"kind": "request", "affordance": "a", "until": "granted"}, "granted", 1),
        ({"kind": "start", "object": "o", "until": "finished"}, "finished", 1),
        ({"kind": "release", "object": "o"}, None, 1),
        ({"kind": "chat"}, None, 1),
    ],
)
def test_how_an_entry_ends(data: dict[str, Any], until: str | None, ticks: int) -> None:
    found = entry(**data)
    assert (found.until, found.ticks) == (until, ticks)


def test_blocked_is_a_labelled_request() -> None:
    assert entry(kind="blocked", object="o") == entry(kind="request", object="o", blocked=True)
    assert entry(kind="blocked", affordance="a").kind == "request"


def test_target_has_two_names() -> None:
    assert entry(kind="chat", target_agent="bo").target == entry(kind="chat", target="bo").target == "bo"


@given(some.floats(0, 1))
def test_quality_is_a_float32(quality: float) -> None:
    found = entry(kind="chat", quality=quality).quality
    assert found == struct.unpack("<f", struct.pack("<f", quality))[0]
    assert entry(kind="chat", quality=found).quality == found


@given(
    kind=some.sampled_from(sorted(MEANING)),
    ends=some.sampled_from([{}, {"ticks": 1}, {"ticks": 4}, {"until": "any"}]),
    blocked=some.booleans(),
)
def test_what_is_written_out_reads_the_same(kind: str, ends: dict[str, Any], blocked: bool) -> None:
    known, ways = MEANING[kind]
    values = {"object": "o", "affordance": "a", "position": [3, 4], "target": "t", "quality": 0.25}
    data = {"kind": kind, **{key: values[key] for key in known}, **ends}
    if "until" in data:
        if not ways:
            return
        data["until"] = sorted(ways)[0]
    if kind != "wait":
        data["blocked"] = blocked
    found = entry(**data)
    assert ScheduleEntry.model_validate(found.model_dump(mode="json", exclude_none=True)) == found
    assert ScheduleEntry.model_validate(found.model_dump(mode="json")) == found

"""The words of a verdict for what a run may have."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from townlet.report.run.verdict import Count, Tally

NAMES = ["ana", "bo", "cy"]


def tally(**counted: Any) -> Tally:
    affordances = tuple(f"use_{letter}" for letter in "abcdefg")
    return Tally(cast(Any, SimpleNamespace(names=SimpleNamespace(affordances=affordances))), **counted)


def texts(counted: Tally) -> list[str]:
    return [part["text"] for part in counted.verdict(NAMES)]


def test_nothing_happened() -> None:
    assert texts(tally()) == ["3 lives", "0 deaths", "nothing finished", "0 refusals", "no reward clipped"]
    assert tally().verdict(["ana"])[0]["text"] == "1 life"


@pytest.mark.parametrize(
    ("refused", "unexpected", "text", "tick"),
    [
        (1, 0, "1 refusal, expected", 4),
        (5, 0, "5 refusals, all expected", 4),
        (5, 5, "5 refusals", 4),
        (5, 2, "5 refusals (2 not expected)", 9),
    ],
)
def test_refusals(refused: int, unexpected: int, text: str, tick: int) -> None:
    """The moment is that of the first refusal; where some were expected, that of the first one that was not."""
    counted = tally(
        refused=Count(refused, 4, 1), unexpected=Count(unexpected, 9 if refused != unexpected else 4, 2)
    )
    (part,) = [part for part in counted.verdict(NAMES) if "refusal" in part["text"]]
    assert (part["text"], part["tick"]) == (text, tick)
    assert part["agent"] == ("bo" if tick == 9 else "ana")


def test_deaths_lead_to_the_first_of_each_kind() -> None:
    counted = tally(left={3: (70, "fainted"), 1: (40, "fainted"), 2: (50, "evicted")})
    parts = {part["text"]: (part["tick"], part["agent"]) for part in counted.verdict(NAMES)}
    assert parts["2 fainted"] == (40, "ana") and parts["1 evicted"] == (50, "bo")


def test_the_most_frequent_affordances_are_named() -> None:
    counted = tally(finished={k: Count(10 - k, k, 1) for k in range(7)})
    found = [text for text in texts(counted) if "finished" in text]
    assert found == [
        *(f"use_{'abcde'[k]} finished {10 - k} times" for k in range(5)),
        "2 other affordances finished",
    ]


def test_counts_keep_their_first_moment() -> None:
    count = Count()
    for times, tick in ((0, 3), (2, 5), (1, 9)):
        count.add(times, tick, 7)
    assert (count.times, count.tick, count.arrival) == (3, 5, 7)


def test_clipped_rewards() -> None:
    assert texts(tally(clipped=Count(1, 3, 2)))[-1] == "1 reward clipped"

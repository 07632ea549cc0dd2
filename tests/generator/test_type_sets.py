"""Types of objects, and the sets of several that share an affordance."""

from __future__ import annotations

from townlet.config.affordances import AffordanceEntry
from townlet.generator.type_sets import TypeSets


def offer(name: str, *types: str) -> AffordanceEntry:
    data = {"id": name, "object_type": types[0], "also_types": types[1:] or None, "duration": 1}
    return AffordanceEntry.model_validate(data)


def test_sets_come_after_the_types() -> None:
    entries = [offer("sweep", "floor", "desk"), offer("work", "desk"), offer("wipe", "desk", "floor")]
    sets = TypeSets.of(entries, ["desk", "lamp"])
    assert sets.types == ("floor", "desk", "lamp")
    assert sets.sets == (*(frozenset([name]) for name in sets.types), frozenset({"desk", "floor"}))
    assert [sets.index(entry) for entry in entries] == [3, 1, 3]  # the order of its types says nothing
    assert sets.offers(entries) == [[0, 2], [0, 1, 2], []]
    assert sets.belongs(["lamp", "desk"]).tolist() == [
        [False] * 2,
        [False, True],
        [True, False],
        [False, True],
    ]


def test_a_type_that_no_object_has() -> None:
    sets = TypeSets.of([offer("sweep", "floor", "roof")], [])
    assert sets.types == ("floor", "roof")
    assert sets.belongs([]).shape == (3, 0)

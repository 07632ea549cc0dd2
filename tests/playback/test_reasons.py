"""Every reason why an action has no success: what the world notes of it, and its words."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.documentation.pages import follow, text_of
from tests.world.play import move, queue, refresh, tick, use
from tests.worlds import (
    EAST,
    NORTH,
    RELEASE,
    WEST,
    Action,
    Offer,
    Person,
    Scene,
    Thing,
    chat,
    request,
    scene,
    start,
)  # fmt: skip
from townlet.playback.events import KINDS
from townlet.playback.reasons import is_refusal, reason_text, refusal_text
from townlet.world import state as st
from townlet.world.refusals import REASONS, WAITING
from townlet.world.rng import USE_CHAT, draw
from townlet.world.rules import social

NAMES = ("alice", "bob", "clara", "dan")
UNLUCKY = next(t for t in range(99) if draw(7, t, 1, USE_CHAT, 0) >= 0.7)
BED = {"sleep": Offer("bed", 5)}
SHOWER = {"wash": Offer("shower", 3, water=True, power=True)}


def talk(world: st.World, params: st.Params) -> None:
    social.update(
        world.clock, world.agents, world.running, world.ties, world.tick, params.town, params.affordances,
        params.rules,
    )  # fmt: skip


def text(town: Scene, row: int = 0) -> tuple[str, str]:
    """The code and the words of a row's refusal."""
    objects = tuple(f"thing_{o}" for o in range(len(town.world.objects.user)))
    noted = town.world.tick
    words = refusal_text(noted, row, town.params, lambda row: NAMES[row], objects)
    return REASONS[noted.refusal[row]], words


def played(*ticks: dict[int, Action], town: Scene) -> tuple[str, str]:
    """What is noted of row 0 after these ticks of movement, queues, affordances and social rules."""
    for actions in ticks:
        tick(town, actions, refresh, move, queue, use, talk)
    return text(town)


def holder(offer: Offer, wallet: float = 2.0, **thing: object) -> Scene:
    """Row 0 beside an object that it has reserved for something easy; `do` is the offer."""
    town = scene(
        agents=[Person(2, 2, wallet=wallet)],
        objects=[Thing(offer.type, 2, 3, **thing)],  # type: ignore[arg-type]
        offers={"easy": Offer(offer.type), "do": offer},
    )
    tick(town, {0: request("easy")}, refresh, queue, use)
    return town


def none() -> tuple[str, str]:
    return played({0: request("sleep")}, town=scene(agents=[(2, 2)], objects=[("bed", 2, 3)], offers=BED))


def busy(action: Action) -> Callable[[], tuple[str, str]]:
    def found() -> tuple[str, str]:
        town = scene(agents=[(2, 2), (2, 1)], objects=[("bed", 2, 3)], offers=BED)
        return played({0: request("sleep")}, {0: start("sleep")}, {0: action}, town=town)

    return found


def map_edge() -> tuple[str, str]:
    return played({0: NORTH}, town=scene(agents=[(2, 0)]))


def wall() -> tuple[str, str]:
    return played({0: NORTH}, town=scene(agents=[(2, 1)], walls=[(2, 0)]))


def tile_taken(ghost_after: int) -> Callable[[], tuple[str, str]]:
    def found() -> tuple[str, str]:
        town = scene(agents=[(2, 2), (3, 2)], rules={"ghost_after": ghost_after})
        return played({0: EAST}, {0: EAST}, town=town)

    return found


def swap() -> tuple[str, str]:
    return played({0: EAST, 1: WEST}, town=scene(agents=[(2, 2), (3, 2)]))


def nothing_to_release() -> tuple[str, str]:
    return played({0: RELEASE}, town=scene(agents=[(2, 2)]))


def other_object_queued() -> tuple[str, str]:
    town = scene(agents=[(2, 2)], objects=[("bed", 2, 3), ("bed", 5, 5)], offers=BED)
    return played({0: request("sleep", 1)}, {0: Action(st.RELEASE, object=0)}, town=town)


def other_object_in_use() -> tuple[str, str]:
    town = scene(agents=[(2, 2)], objects=[("bed", 2, 3), ("bed", 5, 5)], offers=BED)
    return played({0: request("sleep", 0)}, {0: start("sleep")}, {0: Action(st.RELEASE, object=1)}, town=town)


def committed() -> tuple[str, str]:
    town = scene(agents=[(2, 2)], objects=[("bed", 2, 3)], offers=BED, rules={"commit_ticks": 3})
    return played({0: request("sleep")}, {0: start("sleep")}, {0: RELEASE}, town=town)


def not_offered(action: Action) -> Callable[[], tuple[str, str]]:
    def found() -> tuple[str, str]:
        offers = {**BED, "sit": Offer("bench")}
        return played({0: action}, town=scene(agents=[(2, 2)], objects=[("bench", 2, 3)], offers=offers))

    return found


def no_object() -> tuple[str, str]:
    return played({0: request("sleep")}, town=scene(agents=[(2, 2)], offers=BED))


def unreachable() -> tuple[str, str]:
    town = scene(
        size=(8, 3), agents=[(0, 0)], objects=[("bed", 5, 1)], offers=BED, walls=[(3, y) for y in range(3)]
    )
    return played({0: request("sleep")}, town=town)


def used_up(again: Action) -> Callable[[], tuple[str, str]]:
    """Row 0 has used the bed in tick 1, and asks again."""

    def found() -> tuple[str, str]:
        offers = {"sleep": Offer("bed", 1)}
        town = scene(agents=[(2, 2)], objects=[("bed", 2, 3)], offers=offers, rules={"cooldown": 9})
        return played({0: request("sleep")}, {0: start("sleep")}, {0: again}, town=town)

    return found


def cools_and_asks_again() -> tuple[str, str]:
    town = scene(
        agents=[(2, 2)], objects=[("bed", 2, 3)], offers={"sleep": Offer("bed", 1)}, rules={"cooldown": 9}
    )
    named = {0: request("sleep", 0)}
    return played(named, {0: start("sleep")}, named, named, town=town)


def dark(utility: int, *ticks: dict[int, Action], agents=((2, 2),)) -> Callable[[], tuple[str, str]]:
    def found() -> tuple[str, str]:
        town = scene(agents=agents, objects=[("shower", 2, 3)], offers=SHOWER)
        town.world.events.utility[utility] = False
        return played(*ticks, town=town)

    return found


def starts_in_the_dark() -> tuple[str, str]:
    town = holder(Offer("shower", pre=(("power_on", "==", 1),)))
    town.world.events.utility[0] = False
    return played({0: start("do")}, town=town)


def starts(offer: Offer, **more: object) -> Callable[[], tuple[str, str]]:
    return lambda: played({0: start("do")}, town=holder(offer, **more))  # type: ignore[arg-type]


def blocked(*ticks: dict[int, Action], ghost_after: int = 3, count: int = 3) -> Callable[[], tuple[str, str]]:
    def found() -> tuple[str, str]:
        agents = [(2, 2), (1, 3), (3, 3)][:count]
        town = scene(
            agents=agents,
            objects=[("bed", 2, 3)],
            offers=BED,
            rules={"ghost_after": ghost_after, "age_weight": 1.0},
        )
        return played(*ticks, town=town)

    return found


def behind() -> tuple[str, str]:
    """Both wait for a shower that is closed, row 1 first."""
    town = scene(agents=[(2, 2), (1, 3)], objects=[("shower", 2, 3)], offers=SHOWER)
    town.world.events.utility[1] = False
    named = request("wash", 0)
    return played({1: named}, {0: named}, {0: named}, town=town)


def passed_over() -> tuple[str, str]:
    """Row 0 lost the reservation to a block of row 1 that rotated it, and asks while row 2 comes in."""
    town = scene(
        agents=[(2, 2), (1, 3), (3, 3)], objects=[("bed", 2, 3)], offers=BED,
        rules={"ghost_after": 1, "age_weight": 1.0},
    )  # fmt: skip
    tick(town, {0: request("sleep")}, refresh, move, queue, use)
    tick(town, {1: start("sleep")}, refresh, move, queue, use)
    return played({0: request("sleep"), 2: request("sleep")}, town=town)


def rotates_and_is_granted() -> tuple[str, str]:
    """The block that takes the reservation away from row 1 brings it to row 0: that is no refusal."""
    return blocked({1: request("sleep")}, {0: request("sleep")}, {0: request("sleep")}, ghost_after=1)()


def far_from_its_own() -> tuple[str, str]:
    town = scene(agents=[(2, 1)], objects=[("bed", 2, 3)], offers=BED)
    return played({0: request("sleep")}, {0: start("sleep")}, town=town)


def chats(action: Action, *others: tuple[int, int], at: int = 0) -> Callable[[], tuple[str, str]]:
    return lambda: played({0: action}, town=scene(agents=[(2, 2), *others], tick=at))


SLEEP, WASH = request("sleep"), request("wash", 0)
CASES = [
    (none, "none", ""),
    *((busy(action), "busy", "busy at thing_0: 4 ticks left") for action in (NORTH, SLEEP, start("sleep"), chat())),
    (map_edge, "map_edge", "edge of the map"),
    (wall, "wall", "wall"),
    (tile_taken(3), "tile_taken", "tile taken by bob (blocked move 2 of 3)"),
    (tile_taken(0), "tile_taken", "tile taken by bob"),
    (swap, "tile_taken", "tile taken by bob"),
    (nothing_to_release, "nothing_to_release", "nothing to release"),
    (other_object_queued, "other_object", "it names another object than thing_1"),
    (other_object_in_use, "other_object", "it names another object than thing_0"),
    (committed, "committed", "committed until tick 4"),
    (not_offered(request("sleep", 0)), "not_offered", "thing_0 does not offer it"),
    (not_offered(start("sleep", 0)), "not_offered", "thing_0 does not offer it"),
    (no_object, "no_object", "no object offers it"),
    (unreachable, "unreachable", "no object that offers it can be reached"),
    (used_up(SLEEP), "cooling_down", "cooling down until tick 11"),
    (cools_and_asks_again, "cooling_down", "cooling down until tick 11"),
    (used_up(request("sleep", 0)), "waits_for_cooldown", "waits: cooling down until tick 11"),
    (dark(0, {0: request("wash")}), "no_power", "no power"),
    (dark(1, {0: request("wash")}), "no_water", "no water"),
    (dark(0, {0: WASH}, {0: WASH}), "no_power", "no power"),
    (dark(1, {0: WASH}, {0: WASH}), "no_water", "no water"),
    (starts_in_the_dark, "no_power", "no power"),
    (dark(0, {0: WASH}), "waits_for_power", "waits: no power"),
    (dark(1, {0: WASH}), "waits_for_water", "waits: no water"),
    (dark(1, {1: WASH}, {0: WASH}, agents=((2, 2), (1, 3))), "waits_for_water", "waits: no water, 1 ahead"),
    (starts(Offer("fridge", take=(3, 0)), meals=2), "no_meals", "no meals: takes 3, has 2"),
    (starts(Offer("fridge", take=(3, 0))), "no_meals", "no meals: takes 3, none within reach has them"),
    (starts(Offer("fridge", pre=(("meal_available", "==", 1),)), meals=0), "no_meals", "no meals: takes 1, has 0"),
    (starts(Offer("stove", take=(0, 2)), ingredients=1), "no_ingredients", "no ingredients: takes 2, has 1"),
    (starts(Offer("desk", pre=(("wallet", ">=", 2.5),))), "condition",
     "precondition does not hold: wallet >= 2.5, is 2"),
    (starts(Offer("desk", pre=(("occupied", "==", 1),))), "condition",
     "precondition does not hold: occupied == 1, is 0"),
    (starts(Offer("stove", pre=(("ingredients_available", "<", 1),)), ingredients=1), "condition",
     "precondition does not hold: ingredients_available < 1, is 1"),
    (starts(Offer("desk", money=-2.5)), "cannot_pay", "cannot pay: costs 2.50, has 2.00"),
    (starts(Offer("desk", money=-2.0001)), "cannot_pay", "cannot pay: costs 2.0001, has 2.0000"),
    (blocked({1: SLEEP}, {0: SLEEP}), "waits", "waits: 1 ahead (bob)"),
    (blocked({1: SLEEP}, {2: SLEEP}, {0: SLEEP}), "waits", "waits: 2 ahead (bob)"),
    (blocked({1: SLEEP}, {0: SLEEP}, {0: SLEEP}), "reserved", "reserved by bob (block 1 of 3)"),
    (blocked({1: SLEEP}, {0: SLEEP}, {0: SLEEP}, ghost_after=0), "reserved", "reserved by bob"),
    (blocked({1: SLEEP}, {0: start("sleep")}), "reserved", "reserved by bob (block 1 of 3)"),
    (blocked({1: SLEEP}, {1: start("sleep")}, {0: start("sleep")}), "in_use", "in use by bob"),
    (blocked({1: SLEEP}, {1: start("sleep"), 0: SLEEP}, {0: SLEEP}), "in_use", "in use by bob"),
    (behind, "behind", "behind bob in the queue"),
    (passed_over, "reserved", "reserved by clara"),
    (rotates_and_is_granted, "none", ""),
    (blocked({0: start("sleep")}), "not_reserved", "not reserved"),
    (lambda: played({0: start("sleep")}, town=scene(agents=[(2, 2)], offers=BED)), "none_in_reach",
     "none in reach"),
    (lambda: played({0: start("sleep")}, town=scene(agents=[(2, 2)], objects=[("bed", 6, 3)], offers=BED)),
     "none_in_reach", "none in reach: thing_0 is 5 tiles away"),
    (far_from_its_own, "too_far", "too far: distance 2, needs 1"),
    (chats(chat(target=1), (4, 2)), "too_far", "too far: distance 2, needs 1"),
    (chats(chat(), (4, 2)), "nobody_near", "nobody near"),
    (chats(chat(target=st.GONE), (3, 2)), "gone", "it lives no more"),
    (chats(chat(target=0), (3, 2)), "itself", "a chat with itself"),
    (chats(chat(), (3, 2), at=UNLUCKY), "declined", "chat declined by bob"),
]  # fmt: skip


@pytest.mark.parametrize(("play", "reason", "words"), CASES)
def test_what_is_noted_and_its_words(play: Callable[[], tuple[str, str]], reason: str, words: str) -> None:
    assert play() == (reason, words)


def test_every_reason_is_in_the_table_above() -> None:
    assert {reason for _, reason, _ in CASES} == set(REASONS)


def test_what_waits_is_not_refused() -> None:
    refused = {name for code, name in enumerate(REASONS) if is_refusal(code)}
    assert refused == set(REASONS) - {"none"} - set(WAITING)
    assert WAITING == ("waits", "waits_for_power", "waits_for_water", "waits_for_cooldown")


def test_names_come_as_they_are() -> None:
    name = "</script>\x1b[31m"
    assert reason_text(REASONS.index("tile_taken"), by=name) == f"tile taken by {name}"


def test_amounts_that_differ_by_little_are_told_apart() -> None:
    code = REASONS.index("cannot_pay")
    assert reason_text(code, number=0.2, limit=0.05) == "cannot pay: costs 0.20, has 0.05"
    assert reason_text(code, number=0.3, limit=0.3 - 1e-16) == f"cannot pay: costs 0.3, has {0.3 - 1e-16!r}"


def test_the_page_has_every_reason_and_every_kind() -> None:
    kinds, reasons = (
        [
            name
            for row in re.findall(r"^\| (`.*?) \|", part, re.MULTILINE)
            for name in re.findall(r"`(\w+)`", row)
        ]
        for part in text_of("events.md").split("## Reasons")
    )
    assert kinds == list(KINDS)
    assert reasons == list(REASONS[1:])


def test_what_the_page_does_and_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    follow("events.md", tmp_path)

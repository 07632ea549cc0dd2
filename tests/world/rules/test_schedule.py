"""Schedules: what is chosen tick by tick, hand-computed from the table in `rules/schedule.py`."""

from __future__ import annotations

from tests.world.play import by_schedule, chosen, direct, no_choice
from tests.worlds import Action, Entry, Offer, Person, Scene, request, scene, start
from townlet.world import state as st

OFFERS = {"wash": Offer("shower", 3), "look": Offer("shower", 1), "sleep": Offer("bed", 9)}
HERE = (2, 2)


def acted(*script: Entry, ticks: int, others: dict[int, Action] | None = None, **more) -> tuple[Scene, str]:
    """Play `ticks` ticks with agent 0 on [2, 2], and say what it did: a letter a tick.

    `.` waits, NSEW moves, r requests, s starts, l releases (lets go), c chats.
    """
    objects = more.pop("objects", [("shower", 2, 3), ("bed", 6, 6)])
    people = [Person(*HERE, script=script), *more.pop("company", ())]
    town = scene(agents=people, objects=objects, offers=OFFERS, **more)
    return town, "".join(letter(town, by_schedule(town, others)) for _ in range(ticks))


def letter(town: Scene, choice) -> str:
    action = chosen(town, choice, 0)
    return "NSEW"[action.direction] if action.kind == st.MOVE else ".Nlcrs"[action.kind]


def walk(*place: int) -> Entry:
    return Entry(st.MOVE, place=(place[0], place[1]), until=st.UNTIL_ARRIVED)


def test_an_entry_is_one_tick_or_several_and_the_list_repeats() -> None:
    _, done = acted(Entry(st.WAIT), Entry(st.CHAT, ticks=2), Entry(st.RELEASE), ticks=9)
    assert done == ".ccl.ccl."


def test_an_agent_without_a_schedule_is_left_alone() -> None:
    town = scene(agents=[(2, 2), Person(4, 4, script=(Entry(st.CHAT),))])
    choice = by_schedule(town)
    assert choice.action.tolist() == [0, 6]
    assert choice.log_prob.tolist() == [1.0, 0.0]
    assert choice.value.tolist() == [1.0, 0.0]


def test_a_move_follows_the_shortest_path_north_south_east_west() -> None:
    _, done = acted(walk(4, 0), Entry(st.WAIT, ticks=9), ticks=6)
    assert done == "NNEE.."
    _, done = acted(walk(4, 4), Entry(st.WAIT, ticks=9), ticks=5, objects=[])
    assert done == "SSEE."
    _, done = acted(walk(4, 2), Entry(st.WAIT, ticks=9), ticks=7, walls=[(3, 2), (3, 1)])
    assert done == "SEEN..."


def test_a_move_ends_beside_a_place_that_is_taken() -> None:
    town, done = acted(walk(5, 2), Entry(st.CHAT, ticks=9), ticks=4, company=[(5, 2)])
    assert done == "EEcc"
    assert (town.world.agents.x[0], town.world.agents.y[0]) == (4, 2)


def test_a_move_that_is_blocked_tries_again() -> None:
    town = scene(agents=[Person(*HERE, script=(walk(5, 2), Entry(st.WAIT, ticks=9))), (3, 2)])
    steps = [by_schedule(town) for _ in range(2)]
    assert [letter(town, choice) for choice in steps] == ["E", "E"]
    by_schedule(town, {1: Action(st.MOVE, st.SOUTH)})  # who stood in the way goes
    assert town.world.agents.x[0] == 3


def test_a_move_to_where_it_stands_takes_no_tick() -> None:
    _, done = acted(Entry(st.CHAT), walk(2, 2), Entry(st.RELEASE), ticks=4)
    assert done == "clcl"


def test_a_schedule_that_needs_no_tick_at_all_waits() -> None:
    town, done = acted(
        walk(2, 2), Entry(st.WAIT, until=st.UNTIL_FINISHED), Entry(st.WAIT, until=st.UNTIL_GRANTED), ticks=4
    )
    assert done == "...."
    assert town.world.script.entry[0] == 1


def test_a_move_for_some_ticks_waits_where_it_has_arrived() -> None:
    _, done = acted(Entry(st.MOVE, place=(3, 2), ticks=3), Entry(st.CHAT), ticks=5)
    assert done == "E..c."


def test_a_move_without_a_path_waits() -> None:
    _, done = acted(walk(0, 0), Entry(st.CHAT), ticks=3, walls=[(1, 0), (0, 1)])
    assert done == "..."


def test_request_until_granted_asks_once_and_waits() -> None:
    """Agent 1 holds the shower and starts in tick 1: it is free after tick 3, and granted in tick 4."""
    town = scene(
        agents=[
            Person(
                *HERE,
                script=(Entry(st.WAIT), Entry(st.REQUEST, "wash", 0, until=st.UNTIL_GRANTED), Entry(st.CHAT)),
            ),
            (3, 3),
        ],
        objects=[("shower", 2, 3)],
        offers=OFFERS,
    )
    done = letter(town, by_schedule(town, {1: request("wash")}))
    done += letter(town, by_schedule(town, {1: start("wash")}))
    done += "".join(letter(town, by_schedule(town)) for _ in range(4))
    assert done == ".r...c"
    assert town.world.clock.counts[st.N_BLOCK] == 0


def test_request_for_some_ticks_asks_again() -> None:
    town, done = acted(
        Entry(st.REQUEST, "wash", 0, ticks=3, labelled=True), Entry(st.WAIT, until=st.UNTIL_GRANTED), Entry(st.CHAT),
        ticks=4, company=[(3, 3)], others={1: request("wash")},
    )  # fmt: skip
    assert done == "rrrc"  # granted at once, and asked for again: it holds it
    assert town.world.clock.counts[st.N_BLOCK] == 3  # all of agent 1


def test_request_until_granted_asks_again_outside_of_the_queue() -> None:
    """While it is busy its request fails; afterwards it asks again."""
    town, done = acted(
        Entry(st.REQUEST, "look"), Entry(st.START, "wash"), Entry(st.REQUEST, "wash", 0, until=st.UNTIL_GRANTED),
        Entry(st.CHAT), ticks=6,
    )  # fmt: skip
    assert done == "rsrrrc"
    assert town.world.queues.reserved[0] == 0


def test_a_request_of_what_is_held_takes_no_tick() -> None:
    held = Entry(st.REQUEST, "wash", until=st.UNTIL_GRANTED)
    _, done = acted(Entry(st.REQUEST, "wash"), held, Entry(st.CHAT), ticks=3)
    assert done == "rcr"


def test_wait_until_granted_does_not_wait_for_nothing() -> None:
    _, done = acted(Entry(st.WAIT, until=st.UNTIL_GRANTED), Entry(st.CHAT), ticks=2)
    assert done == "cc"


def test_start_until_finished() -> None:
    town, done = acted(
        Entry(st.REQUEST, "wash"), Entry(st.START, "wash", until=st.UNTIL_FINISHED), Entry(st.CHAT), ticks=6
    )
    assert done == "rs..cr"
    assert town.world.clock.counts[st.N_FINISHED] == 1
    _, done = acted(
        Entry(st.REQUEST, "wash"), Entry(st.START, "look", until=st.UNTIL_FINISHED), Entry(st.CHAT), ticks=3
    )
    assert done == "rsc"  # it lasts one tick


def test_a_start_that_fails_is_tried_again() -> None:
    """The shower is two tiles away for the first two ticks."""
    town = scene(
        agents=[
            Person(
                *HERE,
                script=(
                    Entry(st.REQUEST, "wash"),
                    Entry(st.START, "wash", until=st.UNTIL_FINISHED),
                    Entry(st.CHAT),
                ),
            )
        ],
        objects=[("shower", 2, 4)],
        offers=OFFERS,
    )
    done = "".join(letter(town, by_schedule(town)) for _ in range(3))
    town.world.grid.agents[2 + 5, 2 + 5], town.world.grid.agents[3 + 5, 2 + 5] = 0, 1
    town.world.agents.y[0] = 3
    done += "".join(letter(town, by_schedule(town)) for _ in range(4))
    assert done == "rsss..c"


def test_wait_until_finished() -> None:
    _, done = acted(
        Entry(st.REQUEST, "wash"),
        Entry(st.START, "wash"),
        Entry(st.WAIT, until=st.UNTIL_FINISHED),
        Entry(st.CHAT),
        ticks=5,
    )
    assert done == "rs..c"


def test_a_schedule_releases_at_any_time() -> None:
    town, done = acted(
        Entry(st.REQUEST, "sleep"), walk(6, 5), Entry(st.START, "sleep"), Entry(st.RELEASE), Entry(st.WAIT, ticks=9),
        ticks=10, rules={"commit_ticks": 100},
    )  # fmt: skip
    assert done == "rSSSEEEEsl"
    assert town.world.tick.success[0]
    assert town.world.running.affordance[0] == st.NOTHING


def test_labels_and_names_go_with_attempts_only() -> None:
    town = scene(
        agents=[
            Person(*HERE, script=(Entry(st.REQUEST, "wash", 0, until=st.UNTIL_GRANTED, labelled=True),)),
            Person(3, 3, script=(Entry(st.CHAT, target=0, quality=0.25), Entry(st.WAIT))),
        ],
        objects=[("shower", 2, 3)],
        offers=OFFERS,
    )
    town.world.clock.cooldown[0, 0] = town.world.queues.cooling_until[0] = 99
    choice = by_schedule(town)
    assert choice.labelled.tolist() == [True, False]
    assert choice.object.tolist() == [0, st.NOTHING]
    assert choice.target.tolist() == [st.NOBODY, 0]
    assert choice.quality.tolist() == [-1.0, 0.25]
    choice = by_schedule(town)  # both wait
    assert choice.action.tolist() == [0, 0]
    assert choice.labelled.tolist() == [False, False]
    assert choice.object.tolist() == [st.NOTHING, st.NOTHING]
    assert choice.quality.tolist() == [-1.0, -1.0]


def test_to_look_twice_before_a_tick_changes_nothing() -> None:
    town, _ = acted(walk(2, 2), Entry(st.CHAT), walk(4, 2), ticks=1)
    first, second = no_choice(1), no_choice(1)
    direct(town.world, town.params, first)
    entry = town.world.script.entry.copy()
    direct(town.world, town.params, second)
    assert first.action.tolist() == second.action.tolist() == [st.ACTION_MOVE + st.EAST]
    assert town.world.script.entry.tolist() == entry.tolist()

"""Step 5 against its plain twin: many agents, many ticks, everything at once."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plain import social as plain
from tests.worlds import Offer, Person, Scene, chat, scene
from townlet.world.rng import USE_CHAT, draw
from townlet.world.rules import social
from townlet.world.state import NOBODY, NOTHING, RIVALRY_DECAY, RIVALRY_MAX, RIVALRY_MIN

OFFERS = {
    "eat": Offer("fridge", duration=15, shares=True),
    "work": Offer("desk", works=True),
    "sit": Offer("bench"),
}
EAT, WORK, SIT = range(3)
AGENTS = 6
OTHER = st.one_of(st.none(), st.none(), st.integers(0, AGENTS - 1))
TRAIT = st.sampled_from([-0.3, 0.0, 0.1, 0.6])

PERSON = st.builds(
    plain.Person,
    arrival=st.just(0),
    place=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    extroversion=TRAIT,
    forgiveness=TRAIT,
    ambition=TRAIT,
    alive=st.sampled_from([True, True, True, False]),
)
DOINGS = st.builds(
    plain.Doings,
    blocked_by=OTHER,
    waiting=st.integers(0, 3),
    rotated=st.booleans(),
    over_work=st.booleans(),
    through=OTHER,
    polite_to=OTHER,
    meal_since=st.one_of(st.none(), st.integers(0, 3)),
    chats=st.booleans(),
    target=OTHER,
    quality=st.sampled_from([0.0, 0.5, 1.0]),
    avoided=st.integers(0, 2),
)
NUMBERS = st.builds(
    plain.Numbers,
    step=st.just(0.15),
    decay=st.sampled_from([0.0, 0.005, 0.06]),
    floor=st.sampled_from([0.0, 0.0, 0.04]),
    ceiling=st.sampled_from([1.0, 0.6]),
    ghost=st.just(1.5),
    handover=st.just(0.4),
    queue=st.just(0.25),
    max_edges=st.integers(1, 4),
    ties_on=st.sampled_from([True, True, True, False]),
    chat_rewards=st.booleans(),
    avoid_rewards=st.booleans(),
    base=st.just(0.01),
    coeff_trust=st.just(0.3),
    coeff_familiarity=st.just(0.2),
    avoid=st.just(0.005),
)


def build(people: list[plain.Person], numbers: plain.Numbers) -> Scene:
    s = scene(
        agents=[
            Person(*person.place, personality=(person.extroversion, person.forgiveness, person.ambition))
            for person in people
        ],
        offers=OFFERS,
        rules={
            "max_edges": numbers.max_edges, "ties_on": numbers.ties_on, "chat_rewards": numbers.chat_rewards,
            "avoid_rewards": numbers.avoid_rewards,
        },
        rivalry={RIVALRY_DECAY: numbers.decay, RIVALRY_MIN: numbers.floor, RIVALRY_MAX: numbers.ceiling},
    )  # fmt: skip
    s.world.agents.alive[:] = [person.alive for person in people]
    s.world.agents.arrival[:] = [person.arrival for person in people]
    return s


def possible(i: int, did: plain.Doings, people: list[plain.Person]) -> plain.Doings:
    """Only the living do anything, and nothing happens between an agent and itself, or with the dead."""
    if not people[i].alive:
        return plain.Doings()

    def whom(j: int | None) -> int | None:
        return j if j is not None and j != i and people[j].alive else None

    busy = did.meal_since is not None
    return plain.Doings(
        whom(did.blocked_by), did.waiting, did.rotated, did.over_work, whom(did.through), whom(did.polite_to),
        did.meal_since, busy, did.chats and not busy, did.target, did.quality, did.avoided,
    )  # fmt: skip


def act(s: Scene, tick: int, doings: list[plain.Doings]) -> None:
    s.begin(
        {
            i: chat(NOBODY if did.target is None else did.target, did.quality)
            for i, did in enumerate(doings)
            if did.chats
        }
    )
    for i, did in enumerate(doings):
        noted, running = s.world.tick, s.world.running
        noted.block_by[i] = NOBODY if did.blocked_by is None else did.blocked_by
        noted.block_waiting[i], noted.block_rotated[i], noted.avoided[i] = (
            did.waiting,
            did.rotated,
            did.avoided,
        )
        noted.ghost_through[i] = NOBODY if did.through is None else did.through
        noted.polite_to[i] = NOBODY if did.polite_to is None else did.polite_to
        noted.affordance[i] = WORK if did.over_work else SIT
        running.affordance[i] = NOTHING if did.meal_since is None else EAT
        running.started[i] = did.meal_since or 0
    world, params = s.world, s.params
    world.clock.tick[0] = tick
    social.update(
        world.clock,
        world.agents,
        world.running,
        world.ties,
        world.tick,
        params.town,
        params.affordances,
        params.rules,
    )


@settings(max_examples=25, deadline=None)
@given(
    st.lists(PERSON, min_size=AGENTS, max_size=AGENTS),
    st.permutations(range(1, AGENTS + 1)),
    NUMBERS,
    st.lists(st.lists(DOINGS, min_size=AGENTS, max_size=AGENTS), min_size=1, max_size=6),
)
def test_as_the_plain_twin(people, arrivals, numbers, days):
    people = [
        plain.Person(arrival, *list(vars(person).values())[1:])
        for person, arrival in zip(people, arrivals, strict=True)
    ]
    s, society = build(people, numbers), plain.Society(people, numbers)
    for n, doings in enumerate(days):
        tick = 3 + 29 * n
        doings = [possible(i, did, people) for i, did in enumerate(doings)]
        act(s, tick, doings)
        society.play(tick, doings, lambda i, tick=tick: draw(7, tick, people[i].arrival, USE_CHAT, 0))
        ties = s.world.ties
        for i in range(AGENTS):
            for j in range(AGENTS):
                assert [ties.trust[i, j], ties.familiarity[i, j], ties.rivalry[i, j]] == society.tie(i, j)
            assert ties.count[i] == sum(any(society.tie(i, j)) for j in range(AGENTS))
            assert s.world.tick.social[i] == society.earned[i]
            assert s.world.tick.chat_with[i] == society.good.get(i, NOBODY)

"""What no seed changes."""

from __future__ import annotations

from tests.generator.towns import TOWN
from townlet.generator.blueprint import Blueprint
from townlet.generator.generate import generate
from townlet.generator.ground import Ground

MEET = "perturbations: {events: {fair: {kind: arranged_meet, probability_per_day: 1%s}}}\n"


def ground(resolved) -> Ground:
    blueprint = Blueprint(resolved)
    return blueprint.ground(list(blueprint.things))


def test_places_are_all_tiles_that_somebody_may_be_sent_to(load) -> None:
    said = ", schedule: [{kind: move, position: [2, 1], until: arrived}]"
    town = ground(load(TOWN % said + MEET % ", location: [5, 2]")).town
    places = list(zip(town.place_x.tolist(), town.place_y.tolist(), strict=True))
    assert places == [(2, 2), (1, 2), (1, 1), (5, 2), (2, 1)]  # objects, jobs, meets, schedules


def test_a_meet_without_a_place_is_in_the_middle(load) -> None:
    found = ground(load(TOWN % "" + MEET % ""))
    place = int(found.events.place[0])
    assert (int(found.town.place_x[place]), int(found.town.place_y[place])) == (2, 2)


def test_its_size_is_that_of_its_arrays(load) -> None:
    found = ground(load(TOWN % ""))
    assert found.nbytes > found.town.distance.nbytes + found.observation.time.nbytes


def test_the_seed_is_the_worlds_own(load) -> None:
    people = generate(load(TOWN % ""), seed=0).params.people
    found = ground(load(TOWN % ""))
    assert [int(found.params(seed, people, ignore_schedules=False).town.seed[0]) for seed in (5, 6)] == [5, 6]
    assert int(found.town.seed[0]) == 0

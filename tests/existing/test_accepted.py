"""What is accepted though it says more, or other words, than a capture needs; and what stays a mistake."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from townlet.config import Resolved, auto_seed, load_config
from townlet.errors import ConfigError
from townlet.generator.generate import GeneratedWorld, generate
from townlet.policy.actions import ActionSpace
from townlet.rollout.play import play
from townlet.run import Run, canonical_json
from townlet.world.rules import affordances
from townlet.world.state import INGREDIENTS, MEALS, POWER

OWN = """\
- {id: study, object_type: desk, duration: 2, effects: {energy: 0.1}}
- {id: fry, object_type: stove, also_types: [grill], duration: 2, effects: {hunger: 0.1}}
- {id: eat, object_type: fridge, duration: 1, effects: {hunger: 0.4, meals: -1, money: -0.5}}
"""
OBJECTS = (
    "[{id: d, type: desk, position: [1, 1]}, {id: s, type: stove, position: [3, 1]}, "
    "{id: t, type: till, position: [5, 1]}, {id: f, type: fridge, position: [7, 1]}]"
)


@pytest.fixture
def load(tmp_path: Path):
    """`load(schedule, ...)`: a town in which ana follows a schedule."""

    def load_town(
        *entries: str, more: str = "", objects: str = OBJECTS, own: str = OWN, who: str = ""
    ) -> Resolved:
        (tmp_path / "own.yaml").write_text(own, encoding="utf-8")
        agent = who or f"{{id: ana, position: [1, 2], schedule: [{', '.join(entries) or '{kind: wait}'}]}}"
        text = (
            "config_id: t\naffordances: {affordances_file: own.yaml}\n"
            f"world: {{grid_size: [9, 9], ticks_per_day: 6}}\n{more}\n"
            f"scenario:\n  objects: {objects}\n  agents: [{agent}]\n"
        )
        (tmp_path / "town.yaml").write_text(text, encoding="utf-8")
        return load_config(tmp_path / "town.yaml")

    return load_town


def refused(load, *entries: str, **options: str) -> str:
    with pytest.raises(ConfigError) as found:
        load(*entries, **options)
    return str(found.value)


# --- sets of types ------------------------------------------------------------------------------------
def test_an_occupation_belongs_to_every_type_that_names_it_in_any_order(load) -> None:
    uses = [f"{{kind: start, object: {name}, affordance: sweep}}" for name in "dst"]
    for order in (uses, uses[::-1], [uses[1], uses[2], uses[0]]):
        (sweep,) = (one for one in load(*order).affordances.affordances if one.id == "sweep")
        assert set(sweep.types) == {"desk", "stove", "till"}


def test_the_file_may_say_so_itself(load) -> None:
    resolved = load("{kind: request, object: t}", objects="[{id: t, type: grill}]")
    assert resolved.agents[0].schedule and resolved.agents[0].schedule[0].affordance == "fry"
    assert resolved.notices == ()
    twice = OWN.replace("[grill]", "[grill, stove]")
    assert "expected each type once in object_type and also_types, got stove, grill, stove" in refused(
        load, own=twice
    )


def test_the_catalogue_keeps_its_order(load) -> None:
    """Used on more types or not, an affordance has its place in the file; occupations come last."""

    def catalogue(*entries: str) -> tuple[str, ...]:
        return ActionSpace([one.id for one in load(*entries).affordances.affordances]).json

    assert catalogue() == catalogue("{kind: start, object: t, affordance: eat}")
    more = catalogue(
        "{kind: start, object: t, affordance: sweep}", "{kind: start, object: t, affordance: study}"
    )
    assert more[: len(catalogue())] == catalogue() and len(more) == len(catalogue()) + 2


def test_an_object_alone_means_what_schedules_use_it_for(load) -> None:
    resolved = load("{kind: request, object: t}", "{kind: start, object: t, affordance: sell}")
    assert [entry.affordance for entry in resolved.agents[0].schedule or ()] == ["sell", "sell"]
    assert "no affordance is defined for a till" in refused(load, "{kind: request, object: t}")
    two = ("{kind: start, object: t, affordance: sell}", "{kind: start, object: t, affordance: sweep}")
    assert "(one of sell, sweep)" in refused(load, "{kind: request, object: t}", *two)


def test_a_release_names_what_its_object_offers(load) -> None:
    use = "{kind: start, object: t, affordance: study}"
    assert load(use, "{kind: release, object: t, affordance: study}")
    said = refused(load, "{kind: release, object: t, affordance: study}")
    assert "'study' is for a desk, but 't' is a till" in said


def ready(generated: GeneratedWorld, name: str) -> list[bool]:
    world, params = generated.world, generated.params
    world.events.stale[0] = True
    affordances.refresh(world.objects, world.events, params.town, params.affordances)
    return world.events.ready[generated.names.affordances.index(name)].tolist()


@pytest.mark.parametrize("order", ["ds", "sd"])
def test_each_object_needs_its_own_utility(load, order: str) -> None:
    """Without power a stove cannot be used for anything; a desk can, whichever of the two is named first."""
    uses = [f"{{kind: start, object: {name}, affordance: sweep}}" for name in order]
    generated = generate(load(*uses), seed=0)
    assert ready(generated, "sweep") == [True, True, False, False]
    generated.world.events.utility[POWER] = False
    assert ready(generated, "sweep") == [True, False, False, False]
    assert ready(generated, "fry") == [False] * 4
    assert generated.world.events.closed.tolist() == [False, True, False, False]


def test_the_nearest_of_all_types_is_meant(load) -> None:
    """A request that names no object means the nearest that offers the affordance, of whichever type."""
    schedule = "{kind: request, affordance: sweep}, {kind: wait}"
    others = ", ".join(f"{{kind: start, object: {name}, affordance: sweep}}" for name in "dst")
    who = f"{{id: ana, position: [4, 2], schedule: [{schedule}]}}, {{id: bo, position: [8, 8], schedule: [{others}]}}"
    resolved = load(who=who)
    text = canonical_json(resolved.to_json_dict())
    run = Run(name="t", seed=0, ticks=2, config_json=text, config_path="t", agent="ana", check=True)
    ((_, group),) = play(run)
    column = group.metadata["feature_names"].index("reservation_active")
    assert group.arrays["features"][:, column].tolist() == [0, 1]
    reserved = group.arrays["map"][1, group.metadata["map_channels"].index("reservations")]
    assert np.argwhere(reserved).tolist() == [[5 - 1, 5 - 1]]  # the stove: a tile north-west of ana


# --- scenery ------------------------------------------------------------------------------------------
def test_what_nobody_can_use_is_scenery(load) -> None:
    lamps = "[{id: l1, type: lamp}, {id: l2, type: lamp}, {id: x, type: fridg}]"
    assert load(objects=lamps).notices == (
        "scenery: no affordance is for a lamp, so nobody can use l1, l2",
        "scenery: no affordance is for a fridg (did you mean 'fridge'?), so nobody can use x",
    )
    many = ", ".join(f"{{id: l{n}, type: lamp}}" for n in range(9))
    assert load(objects=f"[{many}]").notices[0].endswith("nobody can use l0, l1, l2, l3, l4 and 4 more")


EVENTS = "perturbations: {{events: {{e: {{probability_per_day: 1, {event}}}}}}}"


@pytest.mark.parametrize(
    ("event", "notice", "hits"),
    [
        ("targets: [till]", None, [False, False, False]),  # scenery: nothing is sold there
        ("targets: [till, eat]", None, [False, False, True]),
        ("targets: [tills]", "the price of meals rises", [False, False, True]),
        ("targets: [grill]", None, [False, True, False]),  # one of the types of `fry`
        ("targets: [x, desk]", "is called x; left out", [True, False, False]),
    ],
)
def test_targets_of_price_spikes(load, event: str, notice: str | None, hits: list[bool]) -> None:
    resolved = load(more=EVENTS.format(event=event))
    said = [one for one in resolved.notices if one.startswith("perturbations.events.e.targets")]
    assert bool(said) == bool(notice) and (notice or "") in "".join(said)
    assert generate(resolved, seed=0).params.events.hits.tolist() == [hits]


def test_meetings_at_no_place(load) -> None:
    def meet(place: str) -> str:
        return EVENTS.format(event=f"kind: arranged_meet, location: {place}")

    assert "finds no place" not in str(load(more=meet("d")).notices)
    assert "no object is called 'D' (did you mean 'd'?)" in str(load(more=meet("D")).notices)
    nowhere = load(more=meet("market_9"))
    assert "no object is called 'market_9'; the event finds no place, and never begins" in str(
        nowhere.notices
    )
    assert generate(nowhere, seed=0).params.events.probability.tolist() == [0.0]
    assert "expected a tile inside the 9x9 grid" in refused(load, more=meet("[9, 9]"))


def test_jobs_that_nobody_has(load) -> None:
    jobs = "jobs: {a: {location: [40, 1]}, b: {end_tick: 7}, c: {end_tick: 6, location: [1, 1]}}"
    resolved = load(more=jobs)
    assert list(resolved.config.jobs) == ["c"]
    assert (
        resolved.notices[0]
        == "jobs: nobody has the job a, b, and they do not fit the day or the grid: left out"
    )
    held = refused(load, more=jobs, who="{id: ana, job: b}, {id: bo, job: a}")
    assert "jobs.a.location: expected a tile inside the 9x9 grid" in held
    assert "jobs.b.end_tick: expected a tick of day from 0 to 6, got 7" in held


# --- words --------------------------------------------------------------------------------------------
def test_two_names_of_one_key_are_one_too_many(load) -> None:
    both = "{kind: start, object: d, object_id: d, affordance: study}"
    assert "object and object_id are two names of one key; keep one" in refused(load, both)
    both = "{id: ana, personality: stoic, personality_profile: stoic}"
    assert "personality and personality_profile are two names" in refused(load, who=both)


@pytest.mark.parametrize("key", ["object_ids", "afordance", "agent", "personality_profile", "wait"])
def test_unknown_keys_of_an_entry_stay_mistakes(load, key: str) -> None:
    assert f"unknown key '{key}'" in refused(load, f"{{kind: wait, {key}: d}}")


@pytest.mark.parametrize("value", ["5", "[d]", '"a b"'])
def test_values_of_keys_without_a_meaning_are_still_checked(load, value: str) -> None:
    assert "schedule[0].object: expected an id" in refused(load, f"{{kind: wait, object: {value}}}")


def test_who_has_no_id_gets_one_that_is_free(load) -> None:
    who = "{personality_profile: stoic}, {id: AGENT_2}, {id: agent_4}, {wallet: 1}, {}"
    resolved = load(who=who)
    assert [agent.id for agent in resolved.agents] == ["agent_1", "AGENT_2", "agent_4", "agent_5", "agent_6"]
    assert "scenario.agents: who has no `id` is called agent_1, agent_5, agent_6" in resolved.notices
    assert load(who="{wallet: 1}, {id: bo, schedule: [{kind: chat, target: agent_1}]}")
    assert "expected an id" in refused(load, who="{id: null}")


# --- what a day brings --------------------------------------------------------------------------------
def stocks(resolved: Resolved, days: int = 3) -> list[list[list[int]]]:
    """[day][object][meals, raw ingredients] at the start of each day, if nobody takes any."""
    generated = generate(resolved, seed=0)
    world, params = generated.world, generated.params
    found = []
    for day in range(days):
        world.clock.tick[0] = day * 6
        affordances.restock(world.clock, world.objects, world.events, params.town, params.rules)
        found.append(world.objects.stock.tolist())
    return found


STOVE = "[{{id: s, type: stove, {}}}]"


@pytest.mark.parametrize(
    ("stock", "days", "filled"),
    [
        ("stock: {raw_ingredients: 0}", [0, 2, 2], {"raw_ingredients": 2}),
        ("stock: {raw_ingredients: 1}", [1, 2, 2], {"raw_ingredients": 2}),
        ("stock: {raw_ingredients: 2}", [2, 2, 2], None),
        ("position: [1, 1]", [3, 3, 3], None),
        ("stock: {raw_ingredients: 0}, filled_to: {raw_ingredients: 3}", [0, 2, 3], {"raw_ingredients": 3}),
        ("stock: {raw_ingredients: 0}, filled_to: {raw_ingredients: 0}", [0, 0, 0], None),
        (
            "filled_to: {raw_ingredients: 3, meals: 4}",
            [3, 3, 3],
            None,
        ),  # it keeps no meals, and begins with three
    ],
)
def test_ingredients_of_a_new_day(load, stock: str, days: list[int], filled: dict | None) -> None:
    resolved = load(objects=STOVE.format(stock))
    assert [day[0][INGREDIENTS] for day in stocks(resolved)] == days
    assert resolved.objects[0].filled_to == filled


def test_more_a_day_than_at_the_start(load) -> None:
    more = "economy: {stove_stock_replenish: 5}"
    assert [day[0][INGREDIENTS] for day in stocks(load(objects="[{id: s, type: stove}]", more=more))] == [
        3,
        5,
        5,
    ]
    shelf = "- {type: object, id: shelf, object_type: shelf, stock: {raw_ingredients: 0}}\n"
    resolved = load(own=OWN + shelf)
    assert resolved.affordances.objects[0].filled_to == {"raw_ingredients": 2}
    fridge = load(objects="[{id: f, type: fridge, stock: {meals: 1}, filled_to: {meals: 4}}]")
    assert [day[0][MEALS] for day in stocks(fridge)] == [1, 4, 4]


def test_what_is_added_to_an_empty_town_is_filled_too(load, tmp_path: Path) -> None:
    text = "config_id: t\neconomy: {stove_stock_replenish: 5}\n"
    (tmp_path / "empty.yaml").write_text(text, encoding="utf-8")
    seeded = auto_seed(load_config(tmp_path / "empty.yaml"))
    filled = {thing.type: thing.filled_to for thing in seeded.objects if thing.filled_to}
    assert filled == {"stove": {"raw_ingredients": 5}}


def test_stored_configs_mean_what_they_meant(load) -> None:
    """What a capture stored before these rules is played as it was: nothing is filled in when it is read."""
    data = load(objects=STOVE.format("stock: {raw_ingredients: 0}")).to_json_dict()
    del data["config"]["scenario"]["objects"][0]["filled_to"]
    data["config"]["observations"]["hybrid"]["time_ticks_per_day"] = 1440
    stored = Resolved.from_json_dict(data)
    assert stored.to_json_dict() == data
    assert [day[0][INGREDIENTS] for day in stocks(stored)] == [0, 0, 0]
    assert int(generate(stored, seed=0).observation.sizes.period[0]) == 1440


@pytest.mark.parametrize(
    ("section", "period"),
    [
        ("", 6),
        ("observations: {hybrid: {time_ticks_per_day: 1440}}", 1440),
        ("observations_config: {compact: {map_window: 7}}", 6),
        ("observations: {hybrid: {local_window: 3}}", 6),
    ],
)
def test_the_period_of_the_clock(load, section: str, period: int) -> None:
    resolved = load(more=section)
    assert resolved.config.observations.hybrid.time_ticks_per_day == period
    assert int(generate(resolved, seed=0).observation.sizes.period[0]) == period

"""Who lives in the town, and who decides for them."""

from __future__ import annotations

import pytest

from tests.generator.towns import TOWN
from townlet.generator.generate import generate
from townlet.generator.people import networks_of, policy_of
from townlet.world import state as st
from townlet.world.state import POLICY_NEEDS, POLICY_UNIFORM


def test_who_decides(load) -> None:
    text = TOWN % ""
    assert generate(load(text), seed=0).params.people.policy.tolist() == [POLICY_NEEDS, POLICY_NEEDS]
    assert (
        generate(load(text), seed=0, policy="uniform").params.people.policy.tolist() == [POLICY_UNIFORM] * 2
    )
    own = text + "policy: {default: uniform, agents: {bob: needs}}\n"
    assert generate(load(own), seed=0).params.people.policy.tolist() == [POLICY_UNIFORM, POLICY_NEEDS]
    assert generate(load(own), seed=0, policy="needs").params.people.policy.tolist() == [POLICY_NEEDS] * 2


def test_networks_have_numbers_of_their_own(load) -> None:
    """Sorted by their texts, whoever names them; each once."""
    first, second = f"network:{'a' * 64}", f"network:{'a' * 64}?mode=greedy"
    world = generate(load(TOWN % ""), seed=0, policy=second)
    assert world.networks == (second,) and set(world.params.people.policy.tolist()) == {
        st.POLICY_FIRST_NETWORK
    }
    config = load(TOWN % "").config
    agents = load(TOWN % "").agents
    own = config.policy.model_copy(update={"agents": {agents[0].id: second, agents[1].id: first}})
    both = networks_of(config.model_copy(update={"policy": own}), agents, None)
    assert both == (first, second)


def test_what_schedules_say_as_numbers(load) -> None:
    said = ", schedule: [{kind: blocked, object: fridge}, {kind: move, position: [2, 1], until: arrived}]"
    generated = generate(load(TOWN % said), seed=0)
    schedule, people, names = generated.params.schedule, generated.params.people, generated.names
    assert schedule.kind.tolist() == [st.REQUEST, st.MOVE] and schedule.labelled.tolist() == [True, False]
    assert schedule.until.tolist() == [st.UNTIL_TICKS, st.UNTIL_ARRIVED]
    assert names.affordances[schedule.affordance[0]] == "eat_meal" and schedule.object.tolist() == [
        0,
        st.NOTHING,
    ]
    assert (people.script_first.tolist(), people.script_end.tolist()) == ([0, 2], [2, 2])
    ignored = generate(load(TOWN % said), seed=0, ignore_schedules=True)
    assert len(ignored.params.schedule) == 0 and ignored.params.people.script_end.tolist() == [0, 0]  # type: ignore[arg-type]
    assert ignored.params.town.distance is generated.params.town.distance


@pytest.mark.parametrize(
    ("own", "run", "default", "expected"),
    [
        ("uniform", "needs", "needs", "uniform"),  # its own, else the run's, else the config's, else needs
        (None, "uniform", "needs", "uniform"),
        (None, None, "uniform", "uniform"),
        (None, None, None, "needs"),
        (None, "scripted", "uniform", "needs"),  # it has no schedule: the default acts
    ],
)
def test_the_first_that_is_named_decides(load, own, run, default, expected) -> None:
    section = {"default": default, "agents": {"bob": own} if own else {}}
    lines = "".join(f"  {key}: {value}\n" for key, value in section.items() if value)
    resolved = load(TOWN % "" + (f"policy:\n{lines}" if lines else ""))
    assert policy_of(resolved.config, resolved.agents[1], run) == expected

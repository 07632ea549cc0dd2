"""Files of very many names, objects and entries: what they hold is told, or loaded, in seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from tests.config.conftest import Write
from townlet.config import Resolved, load_config
from townlet.config.suite import parse_seeds
from townlet.errors import ConfigError, UserError

MOST_SECONDS = 20  # of a processor, slow ones included; what is looked at again for each takes minutes
MAP = "world:\n  map: |\n" + ("    " + "." * 255 + "#\n") * 256
OWN = "affordances: {affordances_file: own.yaml}\n"
Load = Callable[[str], Resolved]


@pytest.fixture(autouse=True)
def in_seconds() -> Iterator[None]:
    started = time.process_time()
    yield
    assert time.process_time() - started < MOST_SECONDS


def test_seeds_of_which_the_last_is_there_already() -> None:
    with pytest.raises(UserError, match="expected every seed once, got 7 twice"):
        parse_seeds("0..400000,7")


def test_agents_without_an_id_before_those_who_have_theirs(load: Load) -> None:
    def agents(nameless: int) -> str:
        named = "".join(f"  - {{id: agent_{number}}}\n" for number in range(1, nameless + 1))
        return "config_id: t\nscenario:\n  agents:\n" + "  - {}\n" * nameless + named

    assert [agent.id for agent in load(agents(3)).agents[:3]] == ["agent_4", "agent_5", "agent_6"]
    with pytest.raises(ConfigError, match="expected at most 256 agents, got 40000"):
        load(agents(20_000))


def test_names_that_are_not_there_among_very_many(write: Write) -> None:
    objects = "".join(f"  - {{id: object_{n}, type: type_{n}}}\n" for n in range(8_000))
    schedule = ", ".join(f"{{kind: request, object: objekt_{n}, affordance: use}}" for n in range(300))
    write(
        "".join(f"- {{id: use_{n}, object_type: kind_{n}, duration: 1}}\n" for n in range(8_000)), "own.yaml"
    )
    text = (
        f"config_id: t\n{OWN}scenario:\n  objects:\n{objects}  agents: [{{id: a, schedule: [{schedule}]}}]\n"
    )
    with pytest.raises(ConfigError) as found:
        load_config(write(text))
    assert "scenario.objects: expected at most 1024 objects, got 8000" in str(found.value)
    assert "own.yaml:1:1: expected at most 1024 affordances, got 8000" in str(found.value)


def test_scenery_of_as_many_types_as_there_can_be(load: Load, write: Write) -> None:
    write(
        "".join(f"- {{id: use_{n}, object_type: type_{n}, duration: 1}}\n" for n in range(1024)), "own.yaml"
    )
    objects = "".join(f"  - {{id: object_{n}, type: typo_{n}}}\n" for n in range(1024))
    notices = load(f"config_id: t\n{OWN}scenario:\n  objects:\n{objects}").notices
    assert len(notices) == 1024
    assert notices[0] == (
        "scenery: no affordance is for a typo_0 (did you mean 'type_0'?), so nobody can use object_0"
    )


def test_the_walls_of_a_large_map_are_counted_once(load: Load, write: Write) -> None:
    things = [
        f"- {{type: object, id: o{n}, object_type: box, position: [{n % 255}, {n // 255}]}}\n"
        for n in range(1000)
    ]
    write("- {id: use, object_type: box, duration: 1}\n" + "".join(things), "own.yaml")
    schedule = ", ".join(["{kind: request, object: o1, until: granted}"] * 5000)
    resolved = load(f"config_id: t\n{OWN}{MAP}scenario: {{agents: [{{id: a, schedule: [{schedule}]}}]}}\n")
    assert len(resolved.objects) == 1000 and resolved.warnings == ()

"""Every mistake is told by file, line, column and path: what was expected, what was found, what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.config.conftest import Write
from townlet.config import load_config
from townlet.errors import ConfigError

CASES = Path(__file__).with_name("cases")
Mistakes = Callable[[str | bytes], list[str]]


def told() -> list[tuple[str, list[str]]]:
    """(what is written, what is said) of messages.txt."""
    cases: list[tuple[str, list[str]]] = []
    for line in (CASES / "messages.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("    "):
            cases[-1][1].append(line.strip())
        elif line and not line.startswith("#"):
            cases.append((line, []))
    return cases


@pytest.mark.parametrize(("line", "messages"), told(), ids=[case[0][:60] for case in told()])
def test_message(line: str, messages: list[str], mistakes: Mistakes) -> None:
    text = line if line.startswith("config_id") else "config_id: t\n" + line.replace("\\n\\n", "")
    if line.startswith("observations: {}\\n"):
        text = text.replace("\\n", "\n")
    assert mistakes(text + "\n") == [f"town.yaml:{message}" for message in messages]


@pytest.mark.parametrize("case", ["several", "once", "affordances"])
def test_all_mistakes_at_once(case: str, write: Write) -> None:
    """`several`: in the file's order; `once`: what is mistyped in one place still counts as there in others;
    `affordances`: the config's file and its affordance file together."""
    for name in (f"{case}.yaml", "bad.yaml"):
        write((CASES / name).read_text(encoding="utf-8"), name)
    with pytest.raises(ConfigError) as found:
        load_config(f"{case}.yaml")
    assert str(found.value) + "\n" == (CASES / f"{case}.txt").read_text(encoding="utf-8")


def test_affordances_of_an_object_that_offers_several(mistakes: Mistakes, write: Write) -> None:
    write("- {id: a, object_type: box, duration: 1}\n- {id: b, object_type: box, duration: 1}\n", "two.yaml")
    text = (
        "config_id: t\naffordances: {affordances_file: two.yaml}\n"
        "scenario:\n  objects: [{id: o, type: box}]\n"
        "  agents: [{id: x, schedule: [{kind: start, object: o}]}]\n"
    )
    assert mistakes(text) == [
        "town.yaml:5:31: scenario.agents[0].schedule[0]: expected an `affordance` for the object 'o' "
        "(one of a, b)"
    ]
    nothing = text.replace("type: box", "type: bed")
    assert mistakes(nothing) == [
        "town.yaml:5:31: scenario.agents[0].schedule[0]: expected an `affordance` for the object 'o' "
        "(no affordance is defined for a bed)"
    ]


def test_too_many(mistakes: Mistakes) -> None:
    agents = ", ".join(f"{{id: a{number}}}" for number in range(257))
    assert mistakes(f"config_id: t\nscenario: {{agents: [{agents}]}}\n") == [
        "town.yaml:2:20: scenario.agents: expected at most 256 agents, got 257"
    ]
    objects = ", ".join(f"{{id: o{number}, type: bed}}" for number in range(1025))
    assert mistakes(f"config_id: t\nscenario: {{objects: [{objects}]}}\n") == [
        "town.yaml:2:21: scenario.objects: expected at most 1024 objects, got 1025"
    ]
    crowd = "world: {map: '.#'}\nscenario: {agents: [{id: a}, {id: b}]}\n"
    assert mistakes(f"config_id: t\n{crowd}") == [
        "town.yaml:3:20: scenario.agents: expected at most one agent a floor tile (1), got 2"
    ]


def test_a_long_list_is_cut_and_counted(mistakes: Mistakes) -> None:
    entries = "{kind: wait, tics: 3}, " * 150
    found = mistakes(f"config_id: t\nscenario: {{agents: [{{id: a, schedule: [{entries}]}}]}}\n")
    assert len(found) == 101
    assert found[-1] == "town.yaml: and at least 50 more problems"
    entries = "1, " * 5000
    found = mistakes(f"config_id: t\nscenario: {{agents: [{{id: a, schedule: [{entries}]}}]}}\n")
    assert found[-1] == "town.yaml: and at least 200 more problems"


def test_an_affordance_file_that_cannot_be_read(write: Write) -> None:
    write("- [", "bad.yaml")
    path = write("config_id: t\nsead: 1\naffordances: {affordances_file: bad.yaml}\n")
    with pytest.raises(ConfigError) as found:
        load_config(path)
    assert str(found.value).splitlines() == [
        "town.yaml:2:1: unknown key 'sead'; did you mean 'seed'?",
        "bad.yaml:2:1: not valid YAML: did not find expected node content",
    ]
    write("id: a\n", "bad.yaml")
    with pytest.raises(ConfigError, match=r"bad\.yaml:1:1: expected a list of entries"):
        load_config(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("TOKEN=secret\nOTHER=secret\n", "text"),
        ("-----BEGIN KEY-----\nsecret\n", "text"),
        ("[secret, secret]\n", "a list"),
        ("12345678\n", "a single value"),
        ("~", "nothing"),
        ("machine: secret\nqwxyz: [secret]\n", "a mapping with other keys"),
        ('{"qwxyz": "secret"}', "a mapping with other keys"),
    ],
)
def test_a_file_that_is_no_config_is_not_quoted(write: Write, content: str, message: str) -> None:
    """Whoever may read a file shows it to whoever reads the log."""
    with pytest.raises(ConfigError) as raised:
        load_config(write(content))
    (problem,) = raised.value.problems
    assert problem.message == f"expected a config (a mapping with the key `config_id`), got {message}"
    assert "secret" not in str(raised.value) and "qwxyz" not in str(raised.value)

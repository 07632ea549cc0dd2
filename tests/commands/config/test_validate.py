"""`townlet validate`: what a capture refuses is refused here, at its line; what it warns of, what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.conftest import Townlet
from townlet.config.shipped import shipped_root


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


REFUSED = {
    "an unreachable move": (
        "config_id: t\nworld: {map: '..#..'}\nscenario:\n  agents:\n"
        "    - {id: a, position: [0, 0], schedule: [{kind: move, position: [4, 0]}]}\n",
        "town.yaml:5:67: scenario.agents[0].schedule[0].position: expected a tile that a can reach from [0, 0]",
    ),
    "no room": (
        "config_id: t\nworld: {grid_size: [1, 2]}\nscenario:\n  objects: [{id: b, type: bed}]\n"
        "  agents: [{id: a}, {id: b}]\n",
        "town.yaml:2:20: world.grid_size: expected a tile of its own for each of 3 agents and objects",
    ),
    "an affordance": (
        "config_id: t\naffordances: {affordances_file: own.yaml}\nscenario: {agents: [{id: a}]}\n",
        "own.yaml:2:39: [1].duration: expected a whole number from 1 to 100000, got 0",
    ),
    "half a character": (
        'config_id: "\\ud83c"\nscenario: {agents: [{id: a}]}\n',
        "town.yaml:1:12: expected whole characters: \\ud83c is half of a character",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_capture_refuses(name: str, here: Path, townlet: Townlet) -> None:
    text, message = REFUSED[name]
    Path("town.yaml").write_text(text)
    Path("own.yaml").write_text(
        "- {id: a, object_type: box, duration: 1}\n- {id: b, object_type: box, duration: 0}\n"
    )
    Path("suite.yaml").write_text("name: s\nruns: [{config: town.yaml}]\n")
    for command, *options in (["validate"], ["plan", "--output", "out"], ["capture", "--output", "out"]):
        for file in ("town.yaml", "suite.yaml"):
            said = townlet(command, file, *options)
            assert said.code == 2 and message in said.err.removeprefix("error: "), said.err
    assert not Path("out").exists()


def test_an_affordance_file_by_itself(here: Path, townlet: Townlet) -> None:
    said = townlet("validate", shipped_root() / "affordances" / "core.yaml")
    assert said.code == 0 and said.out == "" and said.err.endswith("core.yaml: ok\n")
    Path("own.yaml").write_text(
        "- {id: a, object_type: box, duration: 1}\n- {id: A, object_type: box, duration: x}\n"
        "- {id: a, object_type: bin, duration: 1}\n- {type: object, id: a, object_type: box}\n"
    )
    said = townlet("validate", "own.yaml")
    assert said.code == 2
    assert said.err.splitlines() == [
        "own.yaml:2:39: [1].duration: expected a whole number from 1 to 100000, got 'x'",
        "own.yaml:3:8: [2].id: the affordance id 'a' is taken on line 1; ids must differ",
        "own.yaml: not valid",
    ]


def test_the_smallest_config_is_warned_of_nothing(here: Path, townlet: Townlet) -> None:
    """Whoever says nothing has chosen nothing that could be wrong."""
    Path("town.yaml").write_text("config_id: t\n")
    said = townlet("validate", "town.yaml")
    assert (said.code, said.out) == (0, "")
    assert said.err.splitlines() == [
        "note: town.yaml: nobody lives here: capture it with --auto-seed-agents, which adds alice and bob",
        "town.yaml: ok",
        "next: townlet capture town.yaml --auto-seed-agents --output samples/town",
    ]
    assert townlet("capture", "town.yaml", "--auto-seed-agents", "--ticks", 30, "--output", "out").code == 0
    for said in (townlet("validate", "out"), townlet("inspect", "out")):
        assert said.code == 0 and "warning" not in said.out + said.err


def test_a_town_without_room_for_anybody(here: Path, townlet: Townlet) -> None:
    Path("town.yaml").write_text("config_id: t\nworld: {grid_size: [2, 2]}\n")
    said = townlet("validate", "town.yaml")
    assert (
        said.code == 2 and "town.yaml: world.grid_size: expected a tile of its own for each of 9" in said.err
    )


BUSY = """\
config_id: t
rewards: {decay_rates: {hunger: 0.008, hygiene: 0.004, energy: 0.006}}
jobs: {clerk: {start_tick: 480, end_tick: HOUR, wage_rate: 1}}
economy: {stove_stock_replenish: 100}
scenario:
  objects: [{id: f, type: fridge, stock: {meals: 90}}, {id: s, type: shower}, {id: b, type: bed}]
  agents: [{id: a, job: clerk}]
"""


def test_a_day_that_is_too_full_is_a_warning(here: Path, townlet: Townlet) -> None:
    for hour, share, warned in ((637, "107.1%", True), (530, "99.6%", False)):
        Path("town.yaml").write_text(BUSY.replace("HOUR", str(hour)))
        said = townlet("validate", "town.yaml")
        assert said.code == 0 and share in said.out, said.out
        assert ("warning: a: needs and work take 107% of the day" in said.out) == warned
        assert said.out.count("warning") == warned


def test_how_many_seeds_differ_is_said_where_it_is_known(here: Path, townlet: Townlet) -> None:
    town = "config_id: t\nscenario:\n  agents: [{id: a, position: [1, 1]}]\n  starts: %s\n"
    for starts, said in (
        ("{}", "all seeds give the same samples: nothing in this town is drawn by the seed"),
        (
            "{wallet: [1, 2]}",
            "every seed gives samples of its own: it draws the needs or wallets at the start",
        ),
        ("{tick_of_day: [0, 9]}", ""),  # two seeds may draw the same
    ):
        (here / "town.yaml").write_text(town % starts, encoding="utf-8")
        result = townlet("validate", "town.yaml")
        notes = [line for line in result.err.splitlines() if "seed" in line]
        assert notes == ([f"note: town.yaml: {said}"] if said else [])

"""`townlet new`: a config that is valid at once, and nothing that was there is replaced."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.conftest import Townlet
from townlet.config.load import load_config
from townlet.config.shipped import shipped_configs, shipped_root


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_starter_is_valid_and_plays(townlet: Townlet) -> None:
    said = townlet("new", "bakery")
    assert said.out == "bakery.yaml: written\n"
    assert said.err.splitlines() == [
        "next: edit it, and then",
        "  townlet validate bakery.yaml",
        "  townlet capture bakery.yaml --output samples/bakery",
    ]
    checked = townlet("validate", "bakery.yaml")
    assert checked.code == 0
    assert "warning" not in checked.out + checked.err
    played = townlet(
        "capture", "bakery.yaml", "--output", "samples/bakery", "--ticks", 30, "--quiet", "--json"
    )
    assert played.code == 0
    assert [one["agent_id"] for one in played.json["samples"]] == ["ann", "ben"]
    assert load_config("bakery.yaml").config.config_id == "bakery"


def test_each_section_of_the_starter_is_explained() -> None:
    from townlet.commands.config.starter import STARTER

    lines = STARTER.splitlines()
    sections = [at for at, line in enumerate(lines) if line and line[0].isalpha() and "config_id" not in line]
    assert len(sections) == 5
    unexplained = [lines[at] for at in sections if not lines[at - 1].startswith("#")]
    assert unexplained == ["scenario:"], "whose parts are explained one by one"


@pytest.mark.parametrize("source", shipped_configs())
def test_a_copy_of_a_shipped_config_is_the_same_town(townlet: Townlet, source: str) -> None:
    assert townlet("new", "mine", "--from", source, "--quiet") == (0, "", "")
    copied, shipped = load_config("mine.yaml"), load_config(shipped_root() / source)
    assert copied.config.config_id == "mine"
    assert copied.config.model_copy(update={"config_id": shipped.config.config_id}) == shipped.config
    assert copied.affordances == shipped.affordances
    text = Path("mine.yaml").read_text().splitlines()
    sections = [at for at, line in enumerate(text) if line.split(":")[0] in ("world", "scenario", "rewards")]
    assert sections
    assert all(text[at - 1].startswith("#") for at in sections)


def test_a_path_and_a_config_of_ones_own(townlet: Townlet, here: Path) -> None:
    (here / "towns").mkdir()
    assert townlet("new", "first", "--quiet").code == 0
    assert townlet("new", "towns/second.yml", "--from", "first.yaml", "--quiet").code == 0
    assert load_config("towns/second.yml").config.config_id == "second"


@pytest.mark.parametrize("name", ["there", "there.yaml", "link"])
def test_nothing_is_replaced(townlet: Townlet, here: Path, name: str) -> None:
    (here / "there.yaml").write_text("mine")
    (here / "link.yaml").symlink_to("nowhere")
    said = townlet("new", name)
    assert said.code == 2
    assert said.err.endswith(".yaml: is there already, and stays as it is; choose another name\n")
    assert (here / "there.yaml").read_text() == "mine"
    assert not (here / "nowhere").exists()


@pytest.mark.parametrize(
    "name", ["", ".", "..", "x y", "-x", ".hidden", "a/", "\x1b[31m", "ü", "x" * 65, "a\nb"]
)
def test_what_is_no_name(townlet: Townlet, here: Path, name: str) -> None:
    said = townlet("new", "--", name)
    assert said.code == 2
    assert "expected a name (1 to 64 of A-Z a-z 0-9 _ . -" in said.err
    assert "\x1b" not in said.err
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("smoke", "--from: expected a config, got the suite smoke"),
        ("kitchen_breakfst", "did you mean"),
        ("broken.yaml", "broken.yaml:"),
        ("far/beside.yaml", "what it names lies beside it; copy both by hand"),
    ],
)
def test_what_cannot_be_copied(townlet: Townlet, here: Path, source: str, message: str) -> None:
    (here / "broken.yaml").write_text("config_id: x\nwrold: {}\n")
    (here / "far").mkdir()
    (here / "far" / "own.yaml").write_text((shipped_root() / "affordances" / "core.yaml").read_text())
    (here / "far" / "beside.yaml").write_text("config_id: x\naffordances: {affordances_file: own.yaml}\n")
    (here / "towns").mkdir()
    said = townlet("new", "towns/mine", "--from", source)
    assert said.code == 2
    assert message in said.err
    assert list((here / "towns").iterdir()) == []


def test_a_capture_is_no_config_that_people_write(townlet: Townlet, kitchen: Path) -> None:
    said = townlet("new", "mine", "--from", kitchen)
    assert said.code == 2
    assert "expected a config as people write it, a .yaml file" in said.err


def test_a_folder_that_is_not_there(townlet: Townlet) -> None:
    said = townlet("new", "towns/mine")
    assert said.err == "error: towns: expected a folder to write into, found none; make it first\n"


@pytest.mark.parametrize("name", ["123", "null", "1e5", "0x10", "Yes", "_1"])
def test_a_name_that_yaml_takes_for_something_else(townlet: Townlet, name: str) -> None:
    assert townlet("new", name).code == 0
    assert load_config(f"{name}.yaml").config.config_id == name


def test_what_lies_beside_both_is_found(townlet: Townlet, here: Path) -> None:
    folder = here / "town"
    folder.mkdir()
    (folder / "offers.yaml").write_bytes((shipped_root() / "affordances" / "core.yaml").read_bytes())
    assert townlet("new", "town/one").code == 0
    with (folder / "one.yaml").open("a") as file:
        file.write("\naffordances:\n  affordances_file: offers.yaml\n")
    assert townlet("new", "town/two", "--from", "town/one.yaml").code == 0
    assert sorted(path.name for path in folder.iterdir()) == ["offers.yaml", "one.yaml", "two.yaml"]
    refused = townlet("new", "three", "--from", "town/one.yaml")
    assert refused.code == 2 and "copy both by hand" in refused.err
    assert sorted(path.name for path in here.iterdir()) == ["town"]

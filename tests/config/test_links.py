"""Configs and suites that are links, or are named otherwise: what lies beside them is found, and they are the same."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.config.conftest import Write
from townlet.config import load_config
from townlet.config.load import find_affordances
from townlet.config.suite import load_suite
from townlet.errors import ConfigError

NAMES_OWN = "config_id: t\naffordances: {affordances_file: own.yaml}\n"


def offers(path: str) -> str:
    """The affordance that a config's file offers: where it was found."""
    return load_config(path).affordances.affordances[0].id


def own(place: str) -> str:
    return f"- {{id: {place}, object_type: box, duration: 1}}\n"


def test_beside_the_link_then_beside_what_it_leads_to(write: Write) -> None:
    write(NAMES_OWN, "real/town.yaml")
    write(own("above_link"), "a/own.yaml")
    os.makedirs("a/b")
    os.makedirs("c")
    Path("c/town.yaml").symlink_to("../real/town.yaml")
    Path("a/b/town.yaml").symlink_to("../../c/town.yaml")
    assert offers("a/b/town.yaml") == "above_link"
    for place, folder in (("beside_real", "real"), ("beside_second", "c"), ("beside_first", "a/b")):
        write(own(place), f"{folder}/own.yaml")
        assert offers("a/b/town.yaml") == place
        assert load_config("a/b/town.yaml").notices == ()
    assert offers("real/town.yaml") == "beside_real"


def test_a_linked_folder(write: Write) -> None:
    write(NAMES_OWN, "real/deep/town.yaml")
    write(own("there"), "real/deep/own.yaml")
    Path("linked").symlink_to("real/deep")
    assert offers("linked/town.yaml") == "there"
    os.remove("real/deep/own.yaml")
    write(own("above_real"), "real/own.yaml")
    assert offers("linked/town.yaml") == "above_real"
    write(own("above_link"), "own.yaml")
    assert find_affordances("own.yaml", Path("linked/town.yaml"))[0] == Path.cwd() / "own.yaml"


def test_a_broken_affordance_file_beside_the_config_is_not_passed_over(write: Write) -> None:
    write(NAMES_OWN, "a/town.yaml")
    write(own("working_folder"), "own.yaml")
    Path("a/own.yaml").symlink_to("gone")
    with pytest.raises(ConfigError, match=r"a/own\.yaml: expected a file, found nothing under this name"):
        load_config("a/town.yaml")


def test_a_linked_suite(write: Write) -> None:
    write("name: s\nruns: [{config: x.yaml}, {config: ../configs/y.yaml}]\n", "shared/suites/s.yaml")
    write("config_id: theirs\n", "shared/suites/x.yaml")
    write("config_id: theirs\n", "shared/configs/y.yaml")
    write("config_id: mine\n", "mine/x.yaml")
    Path("mine/s.yaml").symlink_to("../shared/suites/s.yaml")
    suite = load_suite("mine/s.yaml")
    found = [load_config(run.config, root=run.folder) for run in suite.runs]
    assert [one.config.config_id for one in found] == ["mine", "theirs"]
    assert [one.config_path for one in found] == ["x.yaml", "y.yaml"]
    assert [load_config(run.config).config.config_id for run in load_suite("shared/suites/s.yaml").runs] == [
        "theirs", "theirs",
    ]  # fmt: skip
    os.makedirs("here")
    Path("here/suites").symlink_to("../shared/suites")
    write("config_id: beside the linked folder\n", "here/configs/y.yaml")
    ids = [load_config(run.config).config.config_id for run in load_suite("here/suites/s.yaml").runs]
    assert ids == ["theirs", "beside the linked folder"]


def test_one_config_however_it_is_named(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("config_id: t\n", "a/town.yaml")
    Path("a/other.yaml").symlink_to("town.yaml")
    Path("b").symlink_to("a")
    Path("link.yaml").symlink_to(tmp_path / "b" / "town.yaml")
    write("name: s\nruns: [{config: b/other.yaml}, {config: ./a/../a/town.yaml}]\n", "s.yaml")
    expected = load_config("a/town.yaml").to_json_dict()
    assert (expected["name"], expected["config_path"]) == ("town", "town.yaml")
    for name in ("./a/town.yaml", tmp_path / "a/town.yaml", "a//town.yaml", "a/../a/town.yaml", "b/town.yaml",
                 "a/other.yaml", "link.yaml", f"../{tmp_path.name}/a/town.yaml"):  # fmt: skip
        assert load_config(name).to_json_dict() == expected
    for run in load_suite("s.yaml").runs:
        assert load_config(run.config, root=run.folder).config_path == "a/town.yaml"
    monkeypatch.chdir("a")
    assert load_config("town.yaml").to_json_dict() == load_config("../link.yaml").to_json_dict() == expected


def test_links_in_a_circle(write: Write) -> None:
    """In a folder above the config too, where what is found is looked at once more."""
    write(NAMES_OWN, "below/town.yaml")
    Path("own.yaml").symlink_to("own.yaml")
    with pytest.raises(
        ConfigError, match=r"own\.yaml: cannot be read: links that lead to each other, without end"
    ):
        load_config("below/town.yaml")

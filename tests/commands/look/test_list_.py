"""`townlet list`: what is shipped, and what is in a place."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.commands.conftest import Townlet
from tests.dataset.captures import capture
from tests.samples import make_run
from townlet.config.load import load_config
from townlet.config.shipped import shipped_configs, shipped_file, shipped_root, shipped_suites
from townlet.dataset.format.paths import run_folder
from townlet.dataset.store.local import LocalStore
from townlet.dataset.versions.versions import finish_publishing, publish, utc_now, version_folder


def test_every_shipped_file_has_a_line(townlet: Townlet) -> None:
    said = townlet("list")
    assert said.code == 0
    assert said.err == "next: townlet capture kitchen_breakfast --output samples/kitchen\n"
    facts = townlet("list", "--json").json
    assert [one["path"] for one in facts["configs"]] == shipped_configs()
    assert [one["path"] for one in facts["suites"]] == shipped_suites()
    lines = said.out.splitlines()
    for one in (*facts["configs"], *facts["suites"], *facts["affordances"]):
        assert sum(line.split(" ")[0] == one["name"] for line in lines) == 1, one["name"]
    for one in (*facts["configs"], *facts["suites"]):
        assert shipped_file(one["name"]) == shipped_root() / one["path"], "the name is enough"
    assert "hard_winter             A hard winter: hunger grows five times as fast" in said.out


def test_what_it_says_of_shipped_files_is_true(townlet: Townlet) -> None:
    facts = townlet("list", "--json").json
    for one in facts["configs"]:
        resolved = load_config(shipped_root() / one["path"])
        assert (one["agents"], one["objects"]) == (len(resolved.agents), len(resolved.objects))
    smoke = next(one for one in facts["suites"] if one["name"] == "smoke")
    assert (smoke["runs"], len(smoke["configs"])) == (9, 7)
    shower = next(one for one in facts["affordances"] if one["name"] == "use_shower")
    assert shower == {
        "name": "use_shower", "objects": ["shower"], "ticks": 30,
        "effects": {"energy": -0.03, "hygiene": 0.45, "money": -0.2},
    }  # fmt: skip


def test_the_outputs_in_a_folder(townlet: Townlet, village: Path, kitchen: Path, tmp_path: Path) -> None:
    shutil.copytree(village, tmp_path / "village")
    shutil.copytree(kitchen, tmp_path / "kitchen")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "README.md").write_text("mine")
    facts = townlet("list", tmp_path, "--json").json
    found = {one["name"]: (one["kind"], one["runs"], one["samples"], one["note"]) for one in facts["outputs"]}
    assert found == {
        "kitchen": ("capture", 1, 2, "kitchen_breakfast, seed 0"),
        "village": ("data set", 4, 10, ""),
    }
    said = townlet("list", tmp_path)
    assert said.out.splitlines()[0] == f"{tmp_path}: 2 outputs"
    assert said.out.splitlines()[3].split()[:4] == ["kitchen", "capture", "1", "2"]
    assert said.err == f"next: townlet inspect {tmp_path}/kitchen\n"
    assert townlet("list", tmp_path / "kitchen").err == f"next: townlet inspect {tmp_path / 'kitchen'}\n"
    one = townlet("list", tmp_path / "kitchen", "--json").json["outputs"]
    assert [(entry["name"], entry["kind"]) for entry in one] == [("kitchen", "capture")]


def test_versions(townlet: Townlet, tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "data")
    for version in (1, 2, 3):
        made = [make_run(seed=seed, folder=run_folder("scene", seed)) for seed in range(version)]
        capture(store.below(version_folder(version)), *made)
        if version < 3:
            publish(store, version)
            finish_publishing(store, utc_now())
    said = townlet("list", tmp_path / "data")
    head, _, columns, *rows = said.out.splitlines()
    assert head == f"data set {tmp_path / 'data'}: 3 versions, version 2 is current"
    assert columns.split() == ["version", "state", "made", "(UTC)", "runs", "size", "what", "changed"]
    assert [row.split()[:2] for row in rows] == [["1", "published"], ["2", "current"], ["3", "not"]]
    assert rows[1].rstrip().endswith("  1 new")
    assert "refused: it drifted, or did not verify; 1 new" in rows[2]
    facts = townlet("list", tmp_path / "data", "--json").json
    assert [one["runs"] for one in facts["versions"]] == [1, 2, 3]
    (outputs,) = townlet("list", tmp_path, "--json").json["outputs"]
    assert (outputs["kind"], outputs["runs"]) == ("versions", 2)
    assert outputs["note"] == "3 versions, 2 is current"


@pytest.mark.parametrize("made", ["nothing", "an empty folder", "a file", "a folder of somebody's"])
def test_a_place_that_holds_nothing_of_ours(townlet: Townlet, tmp_path: Path, made: str) -> None:
    place = tmp_path / "other"
    if made == "a file":
        place.write_text("mine")
    elif made != "nothing":
        place.mkdir()
    if made.startswith("a folder"):
        (place / "dataset").mkdir()
        (place / "dataset" / "README.md").write_text("mine")
    said = townlet("list", place)
    assert (said.code, said.out) == (2, "")
    assert said.err.count("\n") == 1
    assert str(place) in said.err


def test_damaged_outputs_are_listed_as_such(townlet: Townlet, village: Path, tmp_path: Path) -> None:
    shutil.copytree(village, tmp_path / "village")
    (tmp_path / "village" / "dataset.json").write_text("{}")
    (one,) = townlet("list", tmp_path, "--json").json["outputs"]
    assert (one["kind"], one["runs"]) == ("data set", None)
    assert one["note"].startswith("damaged: ")


def test_hostile_names_are_shown_as_text(townlet: Townlet, kitchen: Path, tmp_path: Path) -> None:
    folder = tmp_path / "\x1b[31mred\u202e"
    shutil.copytree(kitchen, folder)
    said = townlet("list", tmp_path)
    assert "\x1b" not in said.out
    assert "\\x1b[31mred\\u202e" in said.out
    assert json.loads(townlet("list", tmp_path, "--json").out)["outputs"][0]["name"] == folder.name


def test_one_that_cannot_be_read_hides_no_other(townlet: Townlet, kitchen: Path, tmp_path: Path) -> None:
    place = tmp_path / "all"
    shutil.copytree(kitchen, place / "good")
    for name, inside in (("linked", "dataset.json"), ("cut", "current.json")):
        (place / name).mkdir()
        (place / name / inside).symlink_to("elsewhere") if name == "linked" else (
            place / name / inside
        ).write_text("{")
    said = townlet("list", place, "--json")
    assert said.code == 0
    kinds = {one["name"]: (one["kind"], one["note"][:7]) for one in said.json["outputs"]}
    assert kinds["linked"] == ("data set", "damaged") and kinds["cut"] == ("versions", "damaged")
    assert kinds["good"][0] == "capture"

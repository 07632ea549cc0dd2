"""`townlet regenerate` and `townlet golden`: what they print, what they refuse, and what to type next."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.commands.conftest import Townlet
from townlet import cli

SUITE = """\
name: village
defaults: {ticks: 12}
runs:
  - {config: one.yaml, seeds: 0..1}
  - {config: two.yaml, seeds: 0..0}
"""
CONFIG = """\
config_id: %s
world: {grid_size: [8, 8]}
rewards: {survival_tick: %s}
scenario:
  objects: [{id: bed_1, type: bed, position: [2, 2]}]
  agents: [{id: alice, position: [1, 1]}]
"""


def write_suite(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "suite.yaml").write_text(SUITE)
    for name in ("one", "two"):
        write_config(folder, name, 0.001)
    return folder / "suite.yaml"


def write_config(folder: Path, name: str, survival: float) -> None:
    (folder / f"{name}.yaml").write_text(CONFIG % (name, survival))


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a suite, its first version and its golden file; not to be changed."""
    folder = tmp_path_factory.mktemp("made")
    suite = write_suite(folder)
    words = [str(suite), "--output", str(folder / "data"), "--quiet"]
    assert cli.main(["regenerate", *words]) == 0
    assert cli.main(["golden", *words, "--golden", str(folder / "golden.json")]) == 0
    return folder


@pytest.fixture
def village(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, to be changed; commands are typed in it."""
    folder = tmp_path / "village"
    shutil.copytree(made, folder, symlinks=True)
    monkeypatch.chdir(folder)
    return folder


def columns(line: str) -> list[str]:
    return line.split(None, 4)


def test_the_first_version(townlet: Townlet, tmp_path: Path) -> None:
    suite = write_suite(tmp_path)
    out = tmp_path / "data"
    said = townlet("regenerate", suite, "--output", out, "--dry-run")
    assert said.code == 0
    assert [columns(line) for line in said.out.splitlines()[1:3]] == [
        ["one", "new", "2", "0..1", "there is no version yet"],
        ["two", "new", "1", "0", "there is no version yet"],
    ]
    assert said.out.splitlines()[-2:] == [
        "3 runs: 3 new",
        f"{out}: version 1 would be made; no version is current yet",
    ]
    assert not out.exists()
    said = townlet("regenerate", suite, "--output", out)
    assert said.code == 0
    assert said.out.splitlines()[-1] == f"{out}: version 1 is current (3 runs simulated)"
    assert "version 1 verified: " in said.err


def test_nothing_to_do(townlet: Townlet, village: Path) -> None:
    said = townlet("regenerate", "suite.yaml", "--output", "data")
    assert (said.code, said.err) == (0, "next: townlet list data\n")
    assert said.out == "data: version 1 is up to date, nothing to do (3 runs: 3 unchanged)\n"
    said = townlet("regenerate", "suite.yaml", "--output", "data", "--quiet")
    assert said == (0, "", "")


def test_one_scenarios_edit_runs_that_one(townlet: Townlet, village: Path) -> None:
    write_config(village, "two", 0.005)
    said = townlet("regenerate", "suite.yaml", "--output", "data")
    assert said.code == 0
    assert [columns(line) for line in said.out.splitlines()[1:3]] == [
        ["one", "unchanged", "2", "0..1"],
        ["two", "changed", "1", "0", "rewards.survival_tick 0.001 -> 0.005"],
    ]
    assert said.out.splitlines()[3:] == [
        "3 runs: 2 unchanged, 1 changed",
        "data: version 2 is current (1 run simulated)",
    ]
    assert os.readlink("data/current") == "versions/2"
    assert townlet("verify", "data").code == 0
    assert townlet("verify", "data/versions/1", "--replay").code == 0
    # What both versions hold is replayed once: 3 runs of the one, 1 of the other.
    replayed = townlet("verify", "data", "--all", "--replay", "--json").json["replay"]
    places = [Path(replay["capture"]).relative_to(village / "data" / "versions") for replay in replayed]
    assert sorted(map(str, places)) == [
        "1/runs/two/seed-0", "2/runs/one/seed-0", "2/runs/one/seed-1", "2/runs/two/seed-0",
    ]  # fmt: skip


def test_the_options_that_say_what_is_played(townlet: Townlet, village: Path) -> None:
    said = townlet(
        "regenerate", "suite.yaml", "--output", "data", "--dry-run", "--json", "--ticks", "9", "--seeds", "0"
    )
    assert said.code == 0
    assert said.json["counts"] == {"unchanged": 0, "changed": 2, "new": 0, "removed": 1}
    assert said.json["changes"][0] == {
        "scenario": "one",
        "state": "changed",
        "seeds": [0],
        "seed_texts": ["0"],
        "reason": "ticks 12 -> 9",
    }


def test_drift(townlet: Townlet, village: Path) -> None:
    words = ["regenerate", "suite.yaml", "--output", "data", "--golden", "golden.json"]
    write_config(village, "two", 0.005)
    said = townlet(*words)
    assert said.code == 3
    table = [line for line in said.out.splitlines() if "reward_survival_sum" in line]
    assert table[0].split() == ["two", "reward_survival_sum", "mean", "0.012", "0.06", "400", "%"]
    assert "data: version 2 is not published: its metrics drifted; version 1 stays current" in said.out
    assert said.err.splitlines()[-1] == "  townlet golden suite.yaml --output data --golden golden.json"
    assert os.readlink("data/current") == "versions/1"

    other = townlet("golden", "suite.yaml", "--output", "data", "--golden", "other.json", "--json")
    assert (other.json["written"], other.json["moved"]) == (True, None)
    said = townlet(*said.err.splitlines()[-1].split()[1:])
    assert said.code == 0
    assert "golden.json: updated: " in said.out
    assert "reward_survival_sum" in said.out
    said = townlet(*words, "--json")
    assert said.code == 0
    found = said.json
    assert (found["version"], found["current"], found["published"], found["simulated"]) == (2, 2, True, 0)
    assert found["drift"]["moved"] == []


def test_what_to_type_next_has_the_same_options(townlet: Townlet, village: Path) -> None:
    words = ["suite.yaml", "--ticks", "9", "--output", "data", "--golden=golden.json"]
    said = townlet("regenerate", *words, "--keep", "3", "--tolerance=0", "--quiet")
    assert said.code == 3
    assert said.err.splitlines()[-1] == f"  townlet golden {' '.join(words)}"


def test_within_the_tolerance(townlet: Townlet, village: Path) -> None:
    write_config(village, "two", 0.00101)
    words = ["regenerate", "suite.yaml", "--output", "data", "--golden", "golden.json"]
    said = townlet(*words, "--tolerance", "0.005")
    assert said.code == 3
    said = townlet(*words)
    assert said.code == 0
    assert "metrics changed, by at most 1 % (tolerance 2 %)" in said.out


def test_golden_without_a_folder(townlet: Townlet, village: Path) -> None:
    said = townlet("golden", "suite.yaml", "--golden", "again.json")
    assert said.code == 0
    assert said.out == "again.json: written, 3 runs of one, two\n"
    assert (village / "again.json").read_bytes() == (village / "golden.json").read_bytes()
    said = townlet("golden", "suite.yaml", "--golden", "again.json", "--json", "--quiet")
    assert said.json == {"golden": "again.json", "written": False, "moved": [], "failures": []}
    assert "no metric changed" in townlet("golden", "suite.yaml", "--golden", "again.json").out


def test_golden_of_a_plain_data_set(townlet: Townlet, village: Path) -> None:
    assert townlet("golden", "suite.yaml", "--golden", "plain.json", "--output", "plain").code == 0
    assert (village / "plain.json").read_bytes() == (village / "golden.json").read_bytes()
    assert townlet("verify", "plain").code == 0
    assert (
        townlet("capture", "kitchen_breakfast", "--seeds", "0", "--ticks", "5", "--output", "plain").code == 0
    )
    said = townlet("golden", "suite.yaml", "--golden", "plain.json", "--output", "plain")
    assert said.code == 2
    assert "holds other runs" in said.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--tolerance", "-1"], "--tolerance: expected a share of 0 or more, such as 0.02, got '-1'"),
        (["--tolerance", "nan"], "--tolerance: expected a share"),
        (["--tolerance", "2%"], "--tolerance: expected a share"),
        (["--tolerance", "0.1"], "--tolerance: compares with golden metrics; give --golden FILE as well"),
        (["--keep", "0"], "--keep: expected a number of 1 or more, got '0'"),
        (
            ["--golden", "missing.json"],
            "missing.json: no golden metrics file is there; `townlet golden` writes one",
        ),
        (["--golden", "suite.yaml"], "suite.yaml: not a golden metrics file"),
        (["--overwrite"], "unknown option --overwrite"),
        (["--toleranse", "1"], "unknown option --toleranse; did you mean --tolerance?"),
        (["--ticks", "0"], "--ticks: expected 1 to"),
    ],
)
def test_nothing_is_made_of_a_wrong_request(
    townlet: Townlet, village: Path, words: list[str], message: str
) -> None:
    said = townlet("regenerate", "suite.yaml", "--output", "new", *words)
    assert said.code == 2
    assert message in said.err
    assert not (village / "new").exists()


def test_another_suites_golden_file(townlet: Townlet, village: Path) -> None:
    (village / "suite.yaml").write_text(SUITE.replace("village", "town"))
    for command in ("regenerate", "golden"):
        said = townlet(command, "suite.yaml", "--output", "data", "--golden", "golden.json")
        assert said.code == 2
        assert (
            said.err == "error: golden.json: is the golden file of village, not of town; name another file\n"
        )


def test_captures_and_versions_keep_apart(townlet: Townlet, village: Path) -> None:
    said = townlet("capture", "suite.yaml", "--output", "data")
    assert said.code == 2
    assert "holds a versioned data set; `townlet regenerate` makes its next version" in said.err
    for place in ("data/current", "data/versions/1"):
        for more in ([], ["--overwrite"]):
            said = townlet("capture", "suite.yaml", "--output", place, *more)
            assert said.code == 2
            assert "is a version of" in said.err
    assert townlet("capture", "suite.yaml", "--output", "plain", "--quiet").code == 0
    said = townlet("regenerate", "suite.yaml", "--output", "plain")
    assert said.code == 2
    assert "holds a data set without versions; choose another output folder, or make it version 1" in said.err
    assert townlet("regenerate", "suite.yaml", "--output", "suite.yaml").code == 2


def test_a_data_set_becomes_version_one_by_moving_it(townlet: Townlet, village: Path) -> None:
    assert townlet("capture", "suite.yaml", "--output", "plain", "--quiet").code == 0
    (village / "new" / "versions").mkdir(parents=True)
    (village / "plain").rename(village / "new" / "versions" / "1")
    said = townlet("regenerate", "suite.yaml", "--output", "new")
    assert said.code == 0
    assert said.out.endswith("new: version 1 is current (0 runs simulated)\n")


def test_runs_that_fail(townlet: Townlet, village: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from townlet.rollout import play as rollout

    whole = rollout.play

    def play(run, *models):
        if run.name == "two":
            raise RuntimeError("the town has burnt down")
        yield from whole(run, *models)

    write_config(village, "two", 0.005)
    with monkeypatch.context() as patched:
        patched.setattr(rollout, "play", play)
        said = townlet("regenerate", "suite.yaml", "--output", "data")
        assert said.code == 1
        assert "failed: two seed 0: RuntimeError: the town has burnt down" in said.err
        assert said.err.splitlines()[-1] == "run the same command to try only these runs again"
        assert "data: version 2 is not published: 1 run failed; version 1 stays current" in said.out
        said = townlet("golden", "suite.yaml", "--output", "data", "--golden", "golden.json")
        assert said.code == 1
        assert "golden.json: not changed" in said.err
    assert os.readlink("data/current") == "versions/1"
    said = townlet("regenerate", "suite.yaml", "--output", "data", "--json", "--quiet")
    assert (said.json["published"], said.json["simulated"]) == (True, 1)
    failures = json.loads((village / "data" / "versions" / "2" / "failures.json").read_text())
    assert failures == {"failures": []}

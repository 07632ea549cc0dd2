"""Suites, and seeds as text."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.config.conftest import Write
from townlet.config.load import load_config
from townlet.config.shipped import existing, shipped_configs, shipped_root, shipped_suites
from townlet.config.suite import is_suite, load_suite, parse_seeds, read_suite
from townlet.errors import ConfigError, UserError

WHOLE = """\
name: nightly
defaults: {ticks: 100, policy: needs, segment_ticks: 64, ignore_schedules: yes}
runs:
  - {config: a/town.yaml}
  - {name: long, config: a/town.yaml, seeds: "0..3", ticks: 500, policy: uniform}
  - {name: some, config: b.yaml, seeds: [7, "1..2"]}
  - {name: one, config: b.yaml, seeds: 5}
"""


@pytest.fixture
def folder(write: Write) -> Write:
    write("config_id: a\n", "suites/a/town.yaml")
    write("config_id: b\n", "suites/b.yaml")
    return write


def test_suite(folder: Write, tmp_path: Path) -> None:
    suite = load_suite(folder(WHOLE, "suites/nightly.yaml"))
    assert (suite.name, suite.segment_ticks, suite.ignore_schedules) == ("nightly", 64, True)
    assert suite.folder == tmp_path / "suites"
    assert [(run.name, run.seeds, run.ticks, run.policy) for run in suite.runs] == [
        ("town", (), 100, "needs"),
        ("long", (0, 1, 2, 3), 500, "uniform"),
        ("some", (7, 1, 2), 100, "needs"),
        ("one", (5,), 100, "needs"),
    ]
    assert suite.runs[0].config == tmp_path / "suites" / "a" / "town.yaml"


def test_the_smallest_suite(folder: Write) -> None:
    suite = load_suite(folder("name: s\nruns: [{config: b.yaml}]\n", "suites/s.yaml"))
    assert (suite.segment_ticks, suite.ignore_schedules) == (None, False)
    assert (suite.runs[0].ticks, suite.runs[0].policy) == (None, None)


def test_is_suite(folder: Write) -> None:
    assert is_suite(folder(WHOLE, "suites/nightly.yaml"))
    assert not is_suite("suites/b.yaml")
    assert not is_suite("town")  # a shipped config
    assert is_suite(folder("name: s\nrun: [{config: b.yaml}]\n", "suites/typo.yaml"))
    with pytest.raises(ConfigError, match="unknown key 'run'; did you mean 'runs'"):
        load_suite("suites/typo.yaml")
    with pytest.raises(ConfigError, match="found nothing under this name"):
        is_suite("nowhere.yaml")


BAD = """\
nam: x
defaults: {ticks: 0, policy: best}
runs:
  - {config: missing.yaml}
  - {config: b.yaml, seeds: "3..1"}
  - {config: b.yaml, seeds: [1, 1]}
  - {config: b.yaml, seeds: []}
  - {config: b.yaml, seeds: 1.5}
  - {config: b.yaml, seeds: "0..9999999"}
  - {config: b.yaml, seeds: -1}
  - {config: b.yaml, seeds: x}
  - {config: b.yaml, seeds: "5..8"}
  - {config: b.yaml, seeds: [2, 7]}
  - {config: b.yaml}
  - {name: B, config: b.yaml}
  - {name: a b, config: b.yaml}
  - {config: our town.yaml}
  - {name: no_config}
"""


def test_mistakes_of_a_suite(folder: Write) -> None:
    folder("config_id: c\n", "suites/our town.yaml")
    with pytest.raises(ConfigError) as found:
        load_suite(folder(BAD, "suites/bad.yaml"))
    rule = "1 to 64 of A-Z a-z 0-9 _ . -, the first not . or -"
    apart = "tell them apart by `name`"
    span = "a seed, a span such as '0..99' (both ends included), or a list of them"
    assert [line.removeprefix("suites/bad.yaml:") for line in str(found.value).splitlines()] == [
        f"1:1: the key 'name' is missing; expected an id ({rule})",
        "1:1: unknown key 'nam'; did you mean 'name'?",
        "2:19: defaults.ticks: expected a whole number >= 1, got 0",
        "2:30: defaults.policy: expected 'scripted', 'needs', 'uniform', 'idle', 'needs-early' or network:PATH, got "
        "'best'",
        "4:14: runs[0].config: expected a config file, found none at 'missing.yaml'",
        "5:29: runs[1].seeds: expected a span that goes up, got '3..1'",
        "6:29: runs[2].seeds: expected every seed once, got 1 twice",
        f"7:29: runs[3].seeds: expected {span}, got an empty list",
        f"8:29: runs[4].seeds: expected {span}, got 1.5",
        "9:29: runs[5].seeds: expected at most 1,000,000 seeds, got more",
        "10:29: runs[6].seeds: expected seeds from 0 to 2^63 - 1, got -1",
        f"11:29: runs[7].seeds: expected {span}, got 'x'",
        f"13:14: runs[9].config: the run 'b' with seed 7 is there already, on line 12; {apart}",
        f"15:12: runs[11].name: the run 'B' without seeds is there already, on line 14; {apart}",
        f"16:12: runs[12].name: expected an id ({rule}), got 'a b'",
        f"17:14: runs[13].config: 'our town' cannot name a run; give it a `name` ({rule})",
        "18:5: runs[14]: the key 'config' is missing; expected text, not empty",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "bad.yaml:1:1: expected a suite (a mapping with the keys `name` and `runs`), got a list"),
        ("name: x\nruns: []", "bad.yaml:2:7: runs: expected at least one run, got none"),
        ("name: x\nruns: 5", "bad.yaml:2:7: runs: expected a list, each a mapping, got 5"),
        ("name: x", "bad.yaml:1:1: the key 'runs' is missing; expected a list, each a mapping"),
        ("name: x\nname: y\nruns: [", "bad.yaml:4:1: not valid YAML: did not find expected node content"),
    ],
)
def test_a_suite_that_is_none(text: str, message: str, write: Write) -> None:
    with pytest.raises(ConfigError) as found:
        load_suite(write(text + "\n", "bad.yaml"))
    assert str(found.value) == message


@pytest.mark.parametrize(
    ("given", "seeds"),
    [(7, (7,)), ("7", (7,)), ("0..3", (0, 1, 2, 3)), (" 5 .. 6 ", (5, 6)), ("0..1,8", (0, 1, 8)),
     (["1", 0], (1, 0)), (2**63 - 1, (2**63 - 1,))],
)  # fmt: skip
def test_seeds(given: Any, seeds: tuple[int, ...]) -> None:
    assert parse_seeds(given) == seeds


@pytest.mark.parametrize(
    "given", ["", "a", "1..", "..2", "1...2", "-1", "1.5", True, None, [], [None], 2**63, "9" * 30]
)
def test_no_seeds(given: Any) -> None:
    with pytest.raises(UserError, match=r"^seeds: expected "):
        parse_seeds(given)


def test_a_suite_less_its_mistakes(folder: Write, tmp_path: Path) -> None:
    """So that the configs of a suite with mistakes are looked at all the same."""
    text = """\
name: s
runs:
  - {config: b.yaml, seeds: "3..1"}
  - {config: missing.yaml}
  - {config: a/town.yaml}
  - {config: a/town.yaml}
"""
    suite, problems = read_suite(folder(text, "suites/bad.yaml"))
    assert [problem.line for problem in problems] == [3, 4, 6]
    assert [run.config.relative_to(tmp_path).as_posix() for run in suite.runs] == [
        "suites/b.yaml",
        "suites/a/town.yaml",
        "suites/a/town.yaml",
    ]


@pytest.mark.parametrize(("name", "runs"), [("smoke", 9), ("nightly", 128)])
def test_shipped_suites(name: str, runs: int) -> None:
    """From anywhere, by path or by name; every scenario is in both."""
    assert f"suites/{name}.yaml" in shipped_suites()
    for given in (name, f"suites/{name}.yaml", f"configs/suites/{name}.yaml"):
        assert is_suite(given)
        suite = load_suite(given)
    assert suite.name == name
    assert sum(len(run.seeds) for run in suite.runs) == runs
    known = {run.config.resolve().relative_to(shipped_root()).as_posix() for run in suite.runs}
    assert known >= {path for path in shipped_configs() if path.startswith("scenarios/")}


def test_names_in_messages_stay_on_their_line(folder: Write) -> None:
    text = 'name: s\nruns: [{config: "a\\nb\\e[31m.yaml"}, {config: "x\\u202e.yaml", name: x}]\n'
    folder('config_id: t\naffordances: {affordances_file: "a\\nb"}\n', "names.yaml")
    for load in (lambda: load_suite(folder(text, "bad.yaml")), lambda: load_config("names.yaml")):
        with pytest.raises(ConfigError) as found:
            load()
        for problem in found.value.problems:
            assert str(problem).isprintable(), ascii(str(problem))


def test_a_capture_in_a_folder_with_the_name_of_a_shipped_config(folder: Write) -> None:
    """What the suite names beside it is meant, also where its path is the bare name."""
    folder("{}", "town/rollout_sample_manifest.json")
    [captured, file] = load_suite(
        folder("name: s\nruns: [{config: town}, {config: suites/b.yaml}]\n", "s.yaml")
    ).runs
    assert captured.label == os.path.join(".", "town")
    assert existing(captured.label) == Path("town/rollout_sample_config.json")
    assert file.label == os.path.join("suites", "b.yaml")

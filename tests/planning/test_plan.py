"""The plan: which value wins, which runs there are, and what cannot be asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from townlet.errors import ConfigError, UserError
from townlet.planning.plan import Plan, Request, plan
from townlet.rollout import play as rollout

TOWN = """\
config_id: hamlet
seed: 11
scenario:
  {scenario}
  objects: [{{id: fridge_1, type: fridge, position: [2, 2]}}]
  agents:
    - {{id: alice, position: [1, 1]}}
    - {{id: bob, position: [3, 3]}}
"""
Write = Callable[..., str]


@pytest.fixture(autouse=True)
def nothing_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tick's frames have 1,000 bytes; the simulation is not asked."""
    monkeypatch.setattr(rollout, "frame_bytes", lambda built: 1000)
    monkeypatch.setattr(rollout, "town_bytes", lambda built: 100_000)
    monkeypatch.setattr(
        rollout, "build_run", lambda run: SimpleNamespace(notices=(f"put by seed {run.seed}",))
    )


@pytest.fixture
def town(tmp_path: Path) -> Write:
    def write(name: str = "hamlet.yaml", scenario: str = "ticks: 30") -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TOWN.format(scenario=scenario))
        return str(path)

    return write


@pytest.fixture
def suite(tmp_path: Path) -> Write:
    def write(text: str, name: str = "suite.yaml") -> str:
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write


def planned(*sources: str, **options: Any) -> Plan:
    return plan(Request(tuple(sources), **options))


def test_one_config_is_a_single_capture(town: Write) -> None:
    found = planned(town())
    [run] = found.runs
    assert (run.name, run.folder, run.seed, run.ticks) == ("hamlet", "", 11, 30)
    assert (run.policy, run.segment_ticks, run.prefix) == (None, 0, "rollout_sample")
    assert run.config_path == "hamlet.yaml"
    assert not found.is_data_set
    assert found.costs == (60,)


def test_seeds_make_a_data_set(town: Write) -> None:
    found = planned(town(), seeds=(3, 4), as_data_set=True)
    assert found.is_data_set
    assert [run.folder for run in found.runs] == ["runs/hamlet/seed-3", "runs/hamlet/seed-4"]
    assert planned(town(), seeds=(3,), as_data_set=True).is_data_set


def test_configs_make_a_data_set(town: Write) -> None:
    found = planned(town(), town("thorp.yaml", "ticks: 90"))
    assert [(run.folder, run.ticks) for run in found.runs] == [
        ("runs/thorp/seed-11", 90),  # the longest first
        ("runs/hamlet/seed-11", 30),
    ]


@pytest.mark.parametrize(
    ("scenario", "option", "seed"),
    [("ticks: 30", None, 11), ("seed: 5", None, 5), ("seed: 5", (8,), 8)],
    ids=["top level", "scenario", "command line"],
)
def test_which_seed_wins(town: Write, scenario: str, option: tuple[int, ...] | None, seed: int) -> None:
    [run] = planned(town(scenario=scenario), seeds=option).runs
    assert run.seed == seed


def test_the_default_is_seed_0_and_200_ticks(tmp_path: Path) -> None:
    path = tmp_path / "bare.yaml"
    path.write_text("config_id: bare\n")
    [run] = planned(str(path), auto_seed_agents=True).playable()
    assert (run.seed, run.ticks, run.auto_seeded) == (0, 200, True)
    assert '"alice"' in run.config_json


def test_auto_seeding_changes_nothing_where_somebody_lives(town: Write) -> None:
    assert planned(town(), auto_seed_agents=True) == planned(town())


def test_which_value_wins_in_a_suite(town: Write, suite: Write) -> None:
    town()
    text = """\
name: nightly
defaults: {ticks: 50, policy: uniform, segment_ticks: 10}
runs:
  - {config: hamlet.yaml}
  - {config: hamlet.yaml, name: long, ticks: 70, policy: needs, seeds: "0..1"}
"""
    found = planned(suite(text))
    facts = {(run.name, run.seed): (run.ticks, run.policy, run.segment_ticks) for run in found.runs}
    assert facts == {
        ("hamlet", 11): (50, "uniform", 10),
        ("long", 0): (70, "needs", 10),
        ("long", 1): (70, "needs", 10),
    }
    assert found.is_data_set
    over = planned(suite(text), ticks=5, policy="scripted", seeds=(9,), segment_ticks=2)
    assert {(run.ticks, run.policy, run.seed, run.segment_ticks) for run in over.runs} == {
        (5, "scripted", 9, 2)
    }


def test_a_suites_paths_are_its_own(town: Write, suite: Write) -> None:
    town("deep/hamlet.yaml")
    found = planned(suite("name: s\nruns: [{config: deep/hamlet.yaml}]\n"))
    assert found.runs[0].config_path == "deep/hamlet.yaml"
    assert found.runs[0].fingerprint == planned(town("deep/hamlet.yaml")).runs[0].fingerprint


def test_ignored_schedules(town: Write, suite: Write) -> None:
    town()
    text = "name: s\ndefaults: {ignore_schedules: true}\nruns: [{config: hamlet.yaml}]\n"
    assert planned(suite(text)).runs[0].ignore_schedules
    assert planned(town(), ignore_schedules=True).runs[0].ignore_schedules
    assert not planned(town()).runs[0].ignore_schedules


@pytest.mark.parametrize(
    ("tick_bytes", "ticks", "segment_ticks"),
    [
        (31_250, 10_000, 8192),
        (31_251, 10_000, 4096),
        (31_250, 8192, 0),
        (300_000_000, 5, 1),
    ],
    ids=["just fits", "just too large", "the whole run fits", "not even one tick fits"],
)
def test_segments_stay_below_256_mb(
    town: Write, monkeypatch: pytest.MonkeyPatch, tick_bytes: int, ticks: int, segment_ticks: int
) -> None:
    monkeypatch.setattr(rollout, "frame_bytes", lambda built: tick_bytes)
    assert planned(town(), ticks=ticks).runs[0].segment_ticks == segment_ticks


def test_a_segment_as_long_as_the_run_is_no_cut(town: Write) -> None:
    runs = [planned(town(), segment_ticks=ticks).runs[0] for ticks in (0, 30, 99)]
    assert len({run.fingerprint for run in runs}) == 1
    assert planned(town(), segment_ticks=29).runs[0].segment_ticks == 29


def test_an_agent_of_the_config_or_a_newcomer(town: Write) -> None:
    file = town()
    assert planned(file, agent="bob").costs == (30,)
    Path(file).write_text(Path(file).read_text() + "lifecycle: {respawn_delay_ticks: 5}\n")
    assert planned(file, agent="bob-2").runs[0].agent == "bob-2"
    with pytest.raises(UserError, match="got 'eve-2'"):
        planned(file, agent="eve-2")


@pytest.mark.parametrize("agent", ["eve", "bob-2"])
def test_an_agent_whom_nobody_knows(town: Write, agent: str) -> None:
    with pytest.raises(
        UserError, match=rf"--agent: expected an agent of .*hamlet\.yaml \(alice, bob\), got '{agent}'"
    ):
        planned(town(), agent=agent)


def test_several_seeds_are_several_folders(town: Write) -> None:
    """Also of a program that says nothing of a data set."""
    found = planned(town(), seeds=(0, 1))
    assert found.is_data_set and [run.folder for run in found.runs] == [
        "runs/hamlet/seed-0",
        "runs/hamlet/seed-1",
    ]
    assert not planned(town(), seeds=(1,)).is_data_set


def test_two_configs_of_one_name(town: Write) -> None:
    first, second = town("a/hamlet.yaml"), town("b/hamlet.yaml")
    with pytest.raises(
        UserError, match=r"two runs are called 'hamlet' and have seed 11 .*a/hamlet.*b/hamlet"
    ):
        planned(first, second)
    with pytest.raises(UserError, match="two runs are called"):
        planned(first, first)
    with pytest.raises(UserError, match="two runs are called"):
        planned(first, town("b/Hamlet.yaml"))


def test_the_mistakes_of_all_files(tmp_path: Path, suite: Write) -> None:
    for name in ("one.yaml", "two.yaml", "three.yaml"):
        (tmp_path / name).write_text("config_id: x\nrivlary: 1\n")
    several = suite("name: s\nruns: [{config: one.yaml}, {config: two.yaml}]\n")
    with pytest.raises(ConfigError) as caught:
        planned(several, str(tmp_path / "three.yaml"), str(tmp_path / "missing.yaml"))
    text = str(caught.value)
    for name in ("one.yaml", "two.yaml", "three.yaml", "missing.yaml"):
        assert name in text
    assert text.count("rivlary") == 3


def test_notices_name_their_config_where_there_are_several(town: Write) -> None:
    text = Path(town()).read_text().replace("position: [2, 2]", "stock: {}")
    one, two = Path(town("one.yaml")), Path(town("two.yaml"))
    one.write_text(text + "telemetry: {}\n")
    two.write_text(text + "telemetry: {}\n")
    assert any("telemetry" in notice for notice in planned(str(one)).notices)
    assert any(notice.startswith("one: ") for notice in planned(str(one), str(two)).notices)


def test_where_things_were_put(town: Write) -> None:
    assert planned(town()).notices == ("put by seed 11",)
    [notice] = planned(town(), seeds=(1, 2), as_data_set=True).notices
    assert notice.endswith("every seed puts them on free tiles of its own")


def test_runs_differ_by_seed_and_folder_only(town: Write) -> None:
    runs = planned(town(), seeds=(1, 2, 3), as_data_set=True).runs
    assert len({replace(run, seed=0, folder="", fingerprint="") for run in runs}) == 1
    assert len({run.fingerprint for run in runs}) == 3


def test_the_names_of_the_suites(town: Write, suite: Write) -> None:
    town()
    town("thorp.yaml")
    one = suite("name: zeta\nruns: [{config: hamlet.yaml}]\n", "one.yaml")
    two = suite("name: alpha\nruns: [{config: thorp.yaml}]\n", "two.yaml")
    assert planned(one, two).suites == ("alpha", "zeta")
    assert planned(town()).suites == ()


def test_a_limit_counts_as_the_suite_lists(town: Write, suite: Write) -> None:
    town()
    town("thorp.yaml", "ticks: 90")
    text = "name: s\nruns: [{config: hamlet.yaml, seeds: 4..6}, {config: thorp.yaml, seeds: 0..1}]\n"
    found = planned(suite(text), limit=4)
    assert [(run.name, run.seed) for run in found.runs] == [
        ("thorp", 0),  # cut as listed, played by length
        ("hamlet", 4),
        ("hamlet", 5),
        ("hamlet", 6),
    ]
    assert (found.left_out, found.whole, found.is_data_set) == (1, False, True)
    assert len(found.costs) == 4
    everything = planned(suite(text), limit=5)
    assert everything.whole and everything == planned(suite(text))
    assert planned(suite(text), limit=1).is_data_set
    for limit in (0, -1):
        with pytest.raises(UserError, match=f"--limit: expected 1 run or more, got {limit}"):
            planned(suite(text), limit=limit)


def test_a_config_is_built_once(town: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    built: list[int] = []
    real = rollout.build_run
    monkeypatch.setattr(rollout, "build_run", lambda run: built.append(run.seed) or real(run))
    hamlet = Path(town())
    suite = tmp_path / "suite.yaml"
    entries = "".join(f"  - {{name: n{n}, config: {hamlet.name}, seeds: 4..6}}\n" for n in range(5))
    suite.write_text(f"name: many\nruns:\n{entries}")
    found = planned(str(suite))
    assert (len(found.runs), len(found.configs), built) == (15, 1, [4])
    assert [run.ref() for run in found.playable()] == list(found.runs)

"""A capture captured again: the same run where nothing else is said, and otherwise what is said."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.sampling import first
from townlet import cli
from townlet.config import load_config
from townlet.dataset.reading.capture import load_capture
from townlet.dataset.store import local
from townlet.errors import ConfigError, CorruptSampleError
from townlet.planning import again
from townlet.planning.again import options_of_capture
from townlet.planning.plan import Request, plan
from townlet.planning.worlds import Worlds
from townlet.rollout.loop import SimulationLoop
from townlet.run import RunRef

TOWN = """\
config_id: t
seed: 3
scenario:
  description: "caf\\u00e9 \\ud83c\\udfe0"
  agents: [{id: al, position: [1, 1]}, {id: bo, schedule: [{kind: move, position: [4, 4]}]}]
  objects: [{id: fridge, type: fridge}]
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(local, "_sync_file_system", lambda path: True)
    monkeypatch.chdir(tmp_path)
    Path("town.yaml").write_text(TOWN)
    Path("empty.yaml").write_text("config_id: t\n")
    return tmp_path


def capture(*words: object) -> None:
    assert cli.main(["capture", *map(str, words), "--quiet"]) == 0


def only_run(*sources: str, **said: Any) -> RunRef:
    (run,) = plan(Request(tuple(sources), **said)).runs
    return run


def files(folder: str) -> dict[str, bytes]:
    """All files but the one that holds times."""
    return {
        path.name: path.read_bytes() for path in Path(folder).iterdir() if path.name != "capture_log.json"
    }


OPTIONS = {
    "few": ["town.yaml", "--ticks", 5],
    "many": ["town.yaml", "--ticks", 9, "--seed", 8, "--policy", "uniform", "--agent", "al", "--ignore-schedules",
             "--segment-ticks", 4, "--compression", "none", "--prefix", "my"],
    "auto-seeded": ["empty.yaml", "--ticks", 4, "--auto-seed-agents"],
}  # fmt: skip


@pytest.mark.parametrize("name", OPTIONS)
def test_the_same_bytes_where_nothing_else_is_said(name: str) -> None:
    capture(*OPTIONS[name], "--output", "first")
    prefix = "my" if name == "many" else "rollout_sample"
    sources = ("first", "./first", f"first/{prefix}_manifest.json")
    assert len({only_run(source) for source in sources}) == 1
    capture(sources[0], "--output", "again")
    assert files("again") == files("first")


def test_what_was_not_cut_is_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the segments are that would fit: cut, it would be another capture."""
    capture("town.yaml", "--ticks", 20, "--segment-ticks", 0, "--output", "first")
    monkeypatch.setattr(Worlds, "segment_ticks", lambda worlds, run: 8)
    assert only_run("town.yaml", ticks=20).segment_ticks == 8
    assert only_run("first").fingerprint == load_capture("first").metadata["fingerprint"]
    assert only_run("first", ticks=50).segment_ticks == 20  # as much as was held at once before


def test_what_is_said_wins() -> None:
    capture("town.yaml", "--ticks", 5, "--policy", "uniform", "--output", "first")
    first, same = only_run("town.yaml", ticks=5, policy="uniform"), only_run("first")
    assert same.fingerprint == first.fingerprint and same.name == "town"
    for said in ({"seeds": (5,)}, {"ticks": 7}, {"policy": "needs"}, {"compression": "small"}, {"prefix": "other"},
                 {"agent": "bo"}, {"segment_ticks": 2}, {"ignore_schedules": True}):  # fmt: skip
        expected = only_run("town.yaml", **{"ticks": 5, "policy": "uniform", **said})
        assert only_run("first", **said).fingerprint == expected.fingerprint != first.fingerprint
    planned = plan(Request(("first",), seeds=(0, 1, 2), as_data_set=True))
    assert [run.folder for run in planned.runs] == [f"runs/town/seed-{seed}" for seed in range(3)]


def test_its_resolved_config_is_a_config_like_others() -> None:
    capture("town.yaml", "--ticks", 5, "--seed", 9, "--output", "first")
    file = "first/rollout_sample_config.json"
    assert only_run(file, ticks=5, seeds=(9,)) == only_run("town.yaml", ticks=5, seeds=(9,))
    assert (only_run(file).seed, only_run(file).ticks) == (3, 200)
    assert options_of_capture(file) is None


def test_a_run_of_a_data_set_and_where_else_a_config_is_taken() -> None:
    capture("town.yaml", "--ticks", 4, "--seeds", "0..1", "--output", "set")
    run = "set/runs/town/seed-1"
    assert only_run(run).seed == 1
    assert cli.main(["actions", run]) == 0
    assert SimulationLoop(run).agents == ("al", "bo")
    Path("suite.yaml").write_text(f"name: s\nruns: [{{config: {run}, name: x, seeds: 0..2, ticks: 3}}]\n")
    assert [(one.name, one.ticks) for one in plan(Request(("suite.yaml",))).runs] == [("x", 3)] * 3
    with pytest.raises(
        ConfigError, match=r"^set: expected a config, got a data set; name one of its captures"
    ):
        plan(Request(("set",)))


WRONG = {
    "scenario_name": ("../../x", r"scenario_name: expected a name, got '\.\./\.\./x'"),
    "prefix": ("a/b", "prefix: expected a name, got 'a/b'"),
    "policy": (
        "best",
        "policy: expected one of scripted, needs, uniform, idle, needs-early or network:PATH, got 'best'",
    ),
    "compression": ("best", "compression: expected one of fast, none, small, got 'best'"),
    "ticks": (2**31, "ticks"),
    "seed": (True, "seed"),
    "auto_seeded": (None, "auto_seeded"),
    "agent": (5, "agent"),
}


@pytest.mark.parametrize("key", first(3, WRONG))
def test_a_manifest_that_somebody_else_wrote(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    capture("town.yaml", "--ticks", 3, "--output", "first")
    value, message = WRONG[key]
    metadata = {**load_capture("first").metadata, key: value}
    monkeypatch.setattr(
        again, "load_capture", lambda source: SimpleNamespace(metadata=metadata, config={"a": 1})
    )
    with pytest.raises(CorruptSampleError, match=f"^first: .*{message}"):
        plan(Request(("first",)))


def test_a_config_that_is_not_the_captures() -> None:
    capture("town.yaml", "--ticks", 3, "--output", "first")
    config = Path("first/rollout_sample_config.json")
    config.write_bytes(config.read_bytes().replace(b'"seed":3', b'"seed":4'))
    with pytest.raises(CorruptSampleError, match=r"rollout_sample_config\.json: not the file that"):
        plan(Request(("first",)))
    assert load_config(config).seed == 4  # by itself it may be anybody's


def test_the_same_bytes_however_a_config_is_named(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a").mkdir()
    Path("a/town.yaml").write_text(TOWN)
    Path("link.yaml").symlink_to("a/town.yaml")
    Path("b").symlink_to("a")
    names = ("a/town.yaml", "./a/town.yaml", str(here / "a/town.yaml"), "a/../link.yaml", "b/town.yaml")
    assert len({only_run(name, ticks=3) for name in names}) == 1
    capture("link.yaml", "--ticks", 3, "--output", here / "out0")
    monkeypatch.chdir("a")
    capture("./town.yaml", "--ticks", 3, "--output", here / "out1")
    monkeypatch.chdir(here)
    assert files("out1") == files("out0")
    assert not any(str(here).encode() in content for content in files("out0").values())

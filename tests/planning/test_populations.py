"""One name, one population: refused in a plan, and where a data set has the name already, before anything is played."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.dataset.captures import capture, content
from tests.samples import make_run
from townlet.dataset.format.paths import run_folder
from townlet.dataset.store.local import LocalStore
from townlet.errors import OutputError, UserError
from townlet.planning.plan import Plan, Request, plan
from townlet.planning.plan_status import plan_status
from townlet.planning.remaining import remaining_runs
from townlet.run import Run

MINIMAL = """\
config_id: {id}
scenario:
  agents: [{{id: alice, position: [1, 1]}}]
"""
SUITE = "name: s\ndefaults: {{ticks: 5}}\nruns: [{}]\n"


def config(folder: Path, name: str, config_id: str = "town") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(MINIMAL.format(id=config_id), encoding="utf-8")
    return path


def suite(folder: Path, *runs: str) -> Request:
    for name in ("a/town.yaml", "b/town.yaml", "b/Town.yaml"):
        config(folder, name)
    config(folder, "c/town.yaml", "another")
    config(folder, "\u65e5\u672c.yaml", "japan")
    config(folder, "\u4e2d\u56fd.yaml", "china")
    path = folder / "s.yaml"
    path.write_text(SUITE.format(", ".join(f"{{{run}}}" for run in runs)), encoding="utf-8")
    return Request((str(path),))


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        (["config: a/town.yaml, seeds: 0..3", "config: a/town.yaml, seeds: 4..5, ticks: 9"],
         "for 5 ticks, .*for 9 ticks"),
        (["config: a/town.yaml, seeds: 0", "config: a/town.yaml, seeds: 1, policy: uniform"],
         "for 5 ticks, policy uniform"),
        (["config: a/town.yaml, seeds: 0", "config: c/town.yaml, seeds: 1"],
         "are called town .*a/town.yaml for 5 ticks, .*c/town.yaml"),
        (["config: a/town.yaml, seeds: 0", "config: b/Town.yaml, seeds: 1"],
         "the names town .* and Town .* differ in upper and lower case only"),
        (["config: a/town.yaml, seeds: 0, name: x", "config: c/town.yaml, seeds: 1, name: X"],
         "the names x .* and X .* differ"),
    ],
)  # fmt: skip
def test_two_under_one_name(tmp_path: Path, runs: list[str], said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        plan(suite(tmp_path, *runs))
    assert "tell them apart by `name` in a suite" in str(caught.value)


def test_the_same_under_one_name(tmp_path: Path) -> None:
    """Two files of the same content, and one config in two entries: it is one population."""
    runs = plan(suite(tmp_path, "config: a/town.yaml, seeds: 0..1", "config: b/town.yaml, seeds: 2")).runs
    assert [run.seed for run in runs] == [0, 1, 2]


def test_names_that_are_made_safe(tmp_path: Path) -> None:
    """Two files whose names become `__`, from the command line: with one seed, and with the seeds of their configs."""
    suite(tmp_path, "config: a/town.yaml")
    sources = tuple(str(tmp_path / name) for name in ("\u65e5\u672c.yaml", "\u4e2d\u56fd.yaml"))
    with pytest.raises(UserError, match=r"two runs are called '__' and have seed 0 .*tell them apart"):
        plan(Request(sources))
    second = tmp_path / "\u4e2d\u56fd.yaml"
    second.write_text(second.read_text(encoding="utf-8") + "seed: 4\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"are called __ .*under one name they would mix two populations"):
        plan(Request(sources))


# --- beside a data set that is there ----------------------------------------------------------------------------


def run(seed: int, ticks: int = 20, name: str = "town", **fields: Any) -> Run:
    return make_run(name, seed, ticks, folder=run_folder(name, seed), **fields)


def planned(*runs: Run) -> Plan:
    configs = {one.config_digest: one.config_json for one in runs}
    return Plan(tuple(one.ref() for one in runs), configs, (1,) * len(runs), True, ())


@pytest.fixture
def there(tmp_path: Path) -> LocalStore:
    """Seeds 0 and 1 of `town`."""
    store = LocalStore(tmp_path / "data")
    capture(store, run(0), run(1))
    return store


@pytest.mark.parametrize(
    ("added", "said"),
    [
        (run(2, ticks=30), "ticks 20 (asked for: 30)"),
        (run(2, policy="uniform"), "policy not given (asked for: 'uniform')"),
        (run(2, agent="alice"), "agent not given (asked for: 'alice')"),
        (run(2, ignore_schedules=True), "ignore_schedules False (asked for: True)"),
        (run(2, auto_seeded=True), "auto_seeded False (asked for: True)"),
        (run(2, segment_ticks=10), "segment_ticks 0 (asked for: 10)"),
        (replace(run(2), config_json='{"affordances":{},"config":{"config_id":"else"}}', config_path="else/town.yaml"),
         "there from town.yaml (config_id town), asked for from else/town.yaml: of another version of the config"),
        (run(2, name="Town"), "holds the scenario town, and Town differs from it in upper and lower case only"),
    ],
)  # fmt: skip
def test_another_population_is_refused(there: LocalStore, added: Run, said: str) -> None:
    before = content(there.root)
    with pytest.raises(OutputError) as caught:
        remaining_runs(planned(run(0), added), there, quiet=True)
    assert said in str(caught.value), caught.value
    assert "capture into another folder, or give the runs another `name` in a suite" in str(caught.value)
    assert content(there.root) == before
    assert plan_status(planned(added), str(there.root), quiet=True).refusal == str(caught.value)


@pytest.mark.parametrize(
    "added", [run(2), run(2, compression="none"), run(2, prefix="other"), run(2, check=True), run(0, 30, "village")]
)  # fmt: skip
def test_the_same_population_is_admitted(there: LocalStore, added: Run) -> None:
    """Other seeds, another name, and other ways to store it."""
    assert [
        one.label() for one in remaining_runs(planned(run(1), added), there, quiet=True).planned.runs
    ] == [added.label()]
    assert plan_status(planned(added), str(there.root), quiet=True).refusal == ""


def test_what_is_complete_is_not_asked(there: LocalStore) -> None:
    """A plan whose runs are all there adds nothing, whatever else is in the data set."""
    capture(there, run(5, name="other"))
    assert not remaining_runs(planned(run(0), run(1)), there, quiet=True).planned.runs

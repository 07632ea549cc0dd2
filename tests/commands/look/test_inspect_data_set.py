"""`townlet inspect DATASET`: what it says is what the samples hold, and 80 columns hold it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.commands.conftest import Townlet
from tests.dataset.captures import capture
from tests.samples import make_run
from townlet import dataset
from townlet.dataset.format.paths import run_folder
from townlet.dataset.store.local import LocalStore

LONG = "a_very_long_name_of_a_scenario_that_somebody_gave_to_it_0123456"


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scenarios of three and two seeds, one with a name of 63 characters; not to be changed."""
    place = tmp_path_factory.mktemp("many") / "data"
    runs = [make_run(name="scene", seed=seed, folder=run_folder("scene", seed)) for seed in (1, 2, 9)]
    runs += [make_run(name=LONG, seed=seed, folder=run_folder(LONG, seed)) for seed in (0, 2**63 - 1)]
    capture(LocalStore(place), *runs)
    return place


def returns_of(place: Path, scenario: str) -> dict[int, float]:
    """By seed, from the rewards that are stored: nobody comes or goes in these runs."""
    found: dict[int, list[float]] = {}
    some = dataset.open(place).filter(scenario=scenario)
    for seed, sample in zip(some.samples["seed"].tolist(), some, strict=True):
        found.setdefault(seed, []).append(float(sample.rewards.astype(np.float64).sum()))
    return {seed: float(np.mean(rewards)) for seed, rewards in found.items()}


def test_the_best_and_the_worst_run(townlet: Townlet, many: Path) -> None:
    facts = townlet("inspect", many, "--json").json["scenarios"]
    for name in ("scene", LONG):
        expected, said = returns_of(many, name), facts[name]["returns"]
        values = list(expected.values())
        assert said["mean"] == pytest.approx(np.mean(values))
        assert said["std"] == pytest.approx(np.std(values))
        assert said["best"]["return"] == pytest.approx(max(values))
        assert said["worst"]["return"] == pytest.approx(min(values))
        for what in ("best", "worst"):
            one = said[what]
            assert expected[one["seed"]] == pytest.approx(one["return"])
            assert (many / one["folder"] / "rollout_sample_manifest.json").is_file()


def test_what_happened(townlet: Townlet, village: Path) -> None:
    """Counts from the metrics are those of the arrays."""
    facts = townlet("inspect", village, "--json").json["scenarios"]
    for name, known in facts.items():
        counted: dict[str, Any] = dict.fromkeys(known["events"], 0)
        for sample in dataset.open(village).filter(scenario=name):
            kinds = {number: text for text, number in sample.metadata["action_lookup"].items()}
            for action in sample.actions.tolist():
                kind = kinds[action].partition('"kind":"')[2].partition('"')[0]
                counted[kind] += 1
            seen = sample.metadata["feature_names"].index("last_action_success")
            after = [*sample.features[1:, seen].tolist(), float(sample.final_features[seen])]
            counted["refused"] += after.count(0.0)
            counted["lives"] += 1
            counted["ended"] += int(sample.dones[-1])
        assert known["events"] == counted, name


def test_80_columns_hold_it(townlet: Townlet, many: Path) -> None:
    said = townlet("inspect", many)
    head, *lines = said.out.splitlines()
    assert head == f"data set {many}"
    wide = [line for line in lines if len(line.rstrip()) > 80 and run_folder(LONG, 0)[:40] not in line]
    assert wide == []
    assert f"{LONG[:19]}..." in said.out


def test_its_tables(townlet: Townlet, many: Path) -> None:
    said = townlet("inspect", many)
    assert said.code == 0
    lines = [line.split() for line in said.out.splitlines()]
    assert ["scenario", "runs", "distinct", "frames", "size", "return", "clipped"] in lines
    assert ["scenario", "lives", "ended", "requests", "starts", "chats", "refused"] in lines
    row = next(line for line in lines if line[:1] == ["scene"])
    assert row[1] == "3"
    chosen = [line for line in lines if line[:1] in (["best"], ["worst"]) and "scene" in line[-1]]
    assert [line[0] for line in chosen] == ["best", "worst"]


def test_runs_that_are_copies(townlet: Townlet, village: Path) -> None:
    """Of runs that are all alike there is one to look at."""
    said = townlet("inspect", village)
    assert "only" in said.out and "best" not in said.out
    assert "queue_conflict: 2 seeds, 1 distinct: the others are copies" in said.err

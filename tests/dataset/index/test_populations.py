"""What an index refuses under one name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.dataset.captures import capture, content, flip, index, records_for
from tests.pipelines import fakes
from tests.samples import make_run
from townlet.dataset.capture.commit import publish_runs
from townlet.dataset.format.paths import run_folder
from townlet.dataset.index import write_index as write_index_module
from townlet.dataset.index.populations import Population, Populations
from townlet.dataset.index.read_index import read_index
from townlet.dataset.store.local import LocalStore
from townlet.errors import OutputError
from townlet.planning.remaining import remaining_runs
from townlet.run import Run


def entry(scenario: str = "town", ticks: int = 50, config_id: str = "town") -> tuple[str, Population]:
    return scenario, (config_id, ticks)


def refuse_mixed(kept: list[Any], added: list[Any]) -> None:
    populations = Populations("data")
    for scenario, told in kept:
        populations.keep(scenario, [told])
    for scenario, told in added:
        populations.add(scenario, [told])


@pytest.mark.parametrize(
    ("kept", "added", "said"),
    [
        ([entry()], [entry(ticks=80)], "config_id town, ticks 50; added: config_id town, ticks 80"),
        ([entry()], [entry(config_id="other")], "added: config_id other, ticks 50"),
        ([], [entry(), entry(ticks=80)],
         "town that are asked for differ by more than their seeds: config_id town, ticks 50; config_id town, ticks 80"),
        ([entry()], [entry("Town")], "holds the scenario town, and Town differs from it in upper and lower case"),
        ([], [entry("STRASSE"), entry("straße")], "upper and lower case only"),
    ],
)  # fmt: skip
def test_refused(kept: list[Any], added: list[Any], said: str) -> None:
    with pytest.raises(OutputError) as caught:
        refuse_mixed(kept, added)
    assert said in str(caught.value)
    assert "choose" in str(caught.value) or "another `name` in a suite" in str(caught.value)


@pytest.mark.parametrize(
    ("kept", "added"),
    [
        ([entry()], [entry(), entry("other", ticks=80)]),
        ([entry(), entry(ticks=80)], [entry(ticks=80)]),  # mixed before: it may grow
        ([], []),
    ],
)
def test_admitted(kept: list[Any], added: list[Any]) -> None:
    refuse_mixed(kept, added)


def test_an_index_is_not_written(tmp_path: Path) -> None:
    """Whoever writes one by other ways than a capture."""
    store = LocalStore(tmp_path)
    capture(store, town(0, 20))
    before = read_index(store).root
    other = town(1, 30)
    records = records_for(store, other)
    published = publish_runs(store, [(other, records)])
    with pytest.raises(
        OutputError, match=r"the runs of town that are there differ .*ticks 20; added: .*ticks 30"
    ):
        index(store, published, [records])
    assert read_index(store).root == before


def town(seed: int, ticks: int) -> Run:
    return make_run("town", seed, ticks, folder=run_folder("town", seed))


def mixed_before(store: LocalStore, monkeypatch: pytest.MonkeyPatch, *runs: Run) -> None:
    """A data set of two populations, as were made before that was refused."""
    with monkeypatch.context() as patched:
        patched.setattr(write_index_module, "_refuse_mixed", lambda *_: None)
        capture(store, *runs)


@pytest.mark.parametrize("seeds", [(0, 1), (0, 1001)])  # in one shard, and in two
def test_a_run_of_a_mixed_data_set_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seeds: tuple[int, int]
) -> None:
    """It takes the place of one of its own population, which nobody else there has to be of."""
    store = LocalStore(tmp_path)
    runs = [town(seeds[0], 20), town(seeds[1], 30)]
    mixed_before(store, monkeypatch, *runs)
    before = content(store.root)
    for run in runs:
        flip(store.root / run.folder / "rollout_sample_alice_001.npz", 50)
        rest = remaining_runs(fakes.plan_of(run), store, quiet=True)
        assert len(rest.planned.runs) == 1
        capture(store, run)
        assert content(store.root) == before


def test_a_run_that_takes_the_place_of_another_population(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it replaces does not count; what stays does."""
    store = LocalStore(tmp_path)
    capture(store, town(0, 20))
    store.delete(town(0, 20).folder)
    capture(store, town(0, 30))
    assert [run.ticks for run in read_index(store).entries()] == [30]
    capture(store, town(1, 30))
    store.delete(town(1, 30).folder)
    with pytest.raises(
        OutputError, match=r"that are there differ .*ticks 30; added: config_id town, ticks 40"
    ):
        capture(store, town(1, 40))

"""However the work is cut, in whatever order it is done, whatever is done twice: the same data set, to the byte."""

from __future__ import annotations

import random
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dataset.captures import content, folders, index, status_of
from tests.samples import make_run, make_samples
from townlet.dataset.capture.commit import (
    begin_run,
    publish_runs,
    records_of,
    stage_receipt,
    stage_sample,
)
from townlet.dataset.checking.verify import verify
from townlet.dataset.format.paths import run_folder
from townlet.dataset.format.records import RunRecord, SampleRecord
from townlet.dataset.index.index_document import Failure
from townlet.dataset.status.receipts import read_receipt
from townlet.dataset.store.local import LocalStore
from townlet.errors import TownletError
from townlet.run import Run, SampleKey
from townlet.samples import ReplaySample

# Neither the order of names nor that of seeds, as text or as numbers.
RUNS = [
    make_run(name, seed=seed, ticks=2, folder=run_folder(name, seed))
    for name in ("b", "a")
    for seed in (10, 9, 2)
]


class Tree:
    """All that a data set is on a disk, save the logs. No dataclass: Hypothesis would print all of it."""

    def __init__(self, root: Path) -> None:
        self.files = content(root)
        self.folders = folders(root)


@cache
def samples_of(run: Run) -> tuple[tuple[SampleKey, ReplaySample], ...]:
    return tuple(make_samples(run))


def capture_part(root: Path, part: list[int], draw: random.Random) -> None:
    """Capture some runs as an engine might: elements twice and in any order, attempts given up midway."""
    store = LocalStore(root)
    batch = [(RUNS[number], _records(store, RUNS[number], draw)) for number in dict.fromkeys(part)]
    draw.shuffle(batch)
    cut = draw.randint(0, len(batch))
    published: list[RunRecord] = []
    for some in (batch[:cut], batch[cut:]):
        published += publish_runs(store, some) if some else []
    if draw.random() < 0.3:
        assert publish_runs(store, batch) == [_as_found(run) for run in _in_order(published, batch)]
    order = draw.sample(range(len(published)), len(published))
    unique = {run.folder: _unique(records) for run, records in batch}
    index(
        store,
        [published[number] for number in order],
        [unique[published[number].folder] for number in order],
        failures=_failures(store, part, draw),
        suites=["suite"],
    )


def _unique(records: list[SampleRecord]) -> list[SampleRecord]:
    return list({record.key: record for record in records}.values())


def _in_order(published: list[RunRecord], batch: list[tuple[Run, list[SampleRecord]]]) -> list[RunRecord]:
    by_folder = {run.folder: run for run in published}
    return [by_folder[run.folder] for run, _ in batch]


def _as_found(run: RunRecord) -> RunRecord:
    return RunRecord(**{**vars(run), "was_there": True})


def _failures(store: LocalStore, part: list[int], draw: random.Random) -> list[Failure]:
    """Runs of other parts that have failed this time, and are to succeed later."""
    others = [run for number, run in enumerate(RUNS) if number not in part]
    failed = [run for run in others if draw.random() < 0.3 and status_of(store, run) != "published"]
    return [Failure(run.name, run.seed, "out of luck") for run in failed]


def _records(store: LocalStore, run: Run, draw: random.Random) -> list[SampleRecord]:
    if status_of(store, run) == "published":
        return records_of(store, run)
    begin_run(store, run)
    staged: list[SampleRecord] = []
    for _ in range(draw.randint(1, 3)):  # attempts
        for key, sample in draw.sample(samples_of(run), 2):
            staged.append(stage_sample(store, run, key, sample))
    draw.shuffle(staged)
    if draw.random() < 0.5:
        stage_receipt(store, run, 2, staged)
        if draw.random() < 0.5:
            return read_receipt(store, run) or []
    return staged


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    root = tmp_path_factory.mktemp("partitions") / "whole"
    capture_part(root, list(range(len(RUNS))), random.Random(0))
    assert verify(root).ok
    return Tree(root)


# Parts of the suite, each a list of runs: all runs are in some part, and some in several.
partitions = st.tuples(
    st.permutations(range(len(RUNS))),
    st.lists(st.integers(1, len(RUNS) - 1), max_size=4).map(sorted),
    st.lists(st.lists(st.integers(0, len(RUNS) - 1), min_size=1, max_size=3), max_size=2),
    st.integers(0, 2**32),
)


def assert_same_bytes(undisturbed: Tree, cut: tuple) -> None:
    order, cuts, again, seed = cut
    draw = random.Random(seed)
    ends = [*cuts, len(order)]
    parts = [list(order[first:last]) for first, last in zip([0, *cuts], ends, strict=True) if last > first]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "set"
        for part in [*parts, *again]:
            capture_part(root, [*part, part[0]], draw)
        assert content(root) == undisturbed.files
        assert folders(root) == undisturbed.folders


@settings(max_examples=10, deadline=None)
@given(cut=partitions)
def test_any_partition_in_any_order(undisturbed: Tree, cut: tuple) -> None:
    assert_same_bytes(undisturbed, cut)


@pytest.mark.campaign
@settings(max_examples=120, deadline=None)
@given(cut=partitions)
def test_many_partitions(undisturbed: Tree, cut: tuple) -> None:
    assert_same_bytes(undisturbed, cut)


def other_content(sample: ReplaySample, name: str) -> ReplaySample:
    """The same sample, save for one value of one array."""
    arrays = {key: array.copy() for key, array in sample.arrays().items()}
    arrays[name].flat[-1] += 1
    return ReplaySample.from_arrays(arrays, sample.metadata)


@pytest.mark.parametrize("name", ["rewards", "features", "map", "final_features", "positions"])
@pytest.mark.parametrize("place", ["receipt", "publishing"])
def test_two_contents_of_one_sample(tmp_path: Path, name: str, place: str) -> None:
    """An error that names both, and nothing is published."""
    store, run = LocalStore(tmp_path / "set"), RUNS[0]
    records = [stage_sample(store, run, key, sample) for key, sample in samples_of(run)]
    key, sample = samples_of(run)[1]
    conflict = stage_sample(store, run, key, other_content(sample, name))
    with pytest.raises(TownletError) as caught:
        if place == "receipt":
            stage_receipt(store, run, 2, [*records, conflict])
        else:
            publish_runs(store, [(run, [*records, conflict])])
    for part in (run.label(), records[1].npz.staged, conflict.npz.staged, conflict.content_digest[:12]):
        assert part in str(caught.value)
    assert status_of(store, run) == "staged"


def test_another_content_than_the_one_that_is_there(tmp_path: Path, undisturbed: Tree) -> None:
    """The data set stays what it was, and the other content can still be looked at."""
    root, run = tmp_path / "set", RUNS[0]
    capture_part(root, list(range(len(RUNS))), random.Random(1))
    store = LocalStore(root)
    staged = [
        stage_sample(store, run, key, other_content(sample, "rewards")) for key, sample in samples_of(run)
    ]
    with pytest.raises(
        TownletError, match=r"b seed 10: the capture that is there has other content \w+"
    ) as caught:
        publish_runs(store, [(run, staged)])
    assert caught.value.exit_code == 1
    final = {name: data for name, data in content(root).items() if not name.startswith(".staging/")}
    assert final == undisturbed.files
    assert all((root / record.npz.staged).exists() for record in staged)
    assert np.isfinite(staged[0].metrics["reward_sum"])

"""Writing: dead letters, receipts, results, publishing in batches."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from tests.pipelines import fakes
from townlet.dataset.capture.commit import stage_sample
from townlet.dataset.format.manifest import run_content_digest
from townlet.dataset.format.records import SampleRecord
from townlet.dataset.status.receipts import read_receipt
from townlet.dataset.store.local import LocalStore
from townlet.errors import OutputError
from townlet.pipelines.elements import RunEnd, RunFailed, SampleRef, run_key
from townlet.pipelines.stack import Unstackable
from townlet.pipelines.stage import WriteReceipt, WriteSample
from townlet.run import Run
from townlet.samples import ReplaySample, stack_groups


def samples(run: Run) -> list[tuple[SampleRef, ReplaySample]]:
    return [(SampleRef(run.ref(), key), stack_groups([group])) for key, group in fakes.play(run)]


def staged(store: LocalStore, run: Run) -> list[SampleRecord]:
    return [stage_sample(store, run, key, stack_groups([group])) for key, group in fakes.play(run)]


def test_samples_are_staged_and_the_end_passes(tmp_path: Path) -> None:
    run = fakes.run()
    ref = run.ref()
    found = [*samples(run), (RunEnd(ref, 2), None)] | WriteSample(str(tmp_path))
    assert [(key, type(item)) for key, item in found.staged] == [
        (("hamlet", 0), SampleRecord),
        (("hamlet", 0), SampleRecord),
        (("hamlet", 0), RunEnd),
    ]
    assert not found.failed
    assert not list(tmp_path.glob("*.npz"))


def test_a_sample_that_is_not_valid_goes_to_the_dead_letters(tmp_path: Path) -> None:
    run = fakes.run()
    ref = run.ref()
    (of, _), good = samples(run)
    found = [(of, Unstackable("a gap")), good] | WriteSample(str(tmp_path))
    assert list(found.failed) == [RunFailed(ref, "a gap", "alice")]
    assert [record.agent_id for _, record in found.staged] == ["bob"]


def test_a_full_disk_is_not_a_dead_letter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = fakes.run()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr("townlet.dataset.store.local._write_file", full)
    with pytest.raises(OutputError, match="the disk is full"):
        samples(run) | WriteSample(str(tmp_path), str(tmp_path))
    [signal] = [path for path in tmp_path.iterdir() if path.is_file()]
    assert "the disk is full" in signal.read_text()


def test_the_end_of_a_run_stages_its_receipt_and_records_stay_there(tmp_path: Path) -> None:
    store, run = LocalStore(tmp_path), fakes.run()
    ref = run.ref()
    records = staged(store, run)
    items = [(run_key(run), item) for item in (*records, RunEnd(ref, 2))]
    [(key, end)] = items | WriteReceipt(str(tmp_path))
    assert key == run_key(run)
    assert (end.run, end.samples, end.persisted) == (ref, 2, "simulated")
    assert end.content == run_content_digest(records)
    assert read_receipt(store, run) == records


@pytest.mark.parametrize(
    "order", [[0, 2, 1], [0, 2], [0, 1]], ids=["end too early", "a sample lost", "no end"]
)
def test_no_receipt_without_all_samples(tmp_path: Path, order: list[int]) -> None:
    store, run = LocalStore(tmp_path), fakes.run()
    ref = run.ref()
    items = [*staged(store, run), RunEnd(ref, 2)]
    passed = [(run_key(run), items[number]) for number in order] | WriteReceipt(str(tmp_path))
    assert [items.index(item) for _, item in passed] == sorted(order, key=[0, 2, 1].index)
    assert read_receipt(store, run) is None

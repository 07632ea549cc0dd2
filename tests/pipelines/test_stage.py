"""Writing: dead letters, receipts, verdicts, publishing in batches."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from tests.pipelines import fakes
from townlet.dataset.capture.commit import publish_run, read_receipt, stage_receipt, stage_sample, state_of
from townlet.dataset.format.manifest import run_content_digest
from townlet.dataset.format.records import SampleRecord
from townlet.dataset.store.local import LocalStore
from townlet.errors import OutputError
from townlet.pipelines import stage as sinks
from townlet.pipelines.simulate import RunEnd, RunFailed, RunKey, SampleRef, run_key, share_configs
from townlet.pipelines.stack import Unstackable
from townlet.pipelines.stage import MergeRunResults, PublishRun, RunResult, WriteReceipt, WriteSample
from townlet.run import Run
from townlet.samples import ReplaySample, stack_groups


def slots(light: Run, run: Run) -> list[tuple[SampleRef, ReplaySample]]:
    return [(SampleRef(light, key), stack_groups([group])) for key, group in fakes.play(run)]


def staged(store: LocalStore, run: Run) -> list[SampleRecord]:
    return [stage_sample(store, run, key, stack_groups([group])) for key, group in fakes.play(run)]


def test_samples_are_staged_and_the_end_passes(tmp_path: Path) -> None:
    run = fakes.run()
    [light], configs = share_configs([run])
    found = [*slots(light, run), (RunEnd(light, 2), None)] | WriteSample(configs, str(tmp_path))
    assert [(key, type(item)) for key, item in found.staged] == [
        (("hamlet", 0), SampleRecord),
        (("hamlet", 0), SampleRecord),
        (("hamlet", 0), RunEnd),
    ]
    assert not found.failed
    assert not list(tmp_path.glob("*.npz"))


def test_a_sample_that_is_not_valid_goes_to_the_dead_letters(tmp_path: Path) -> None:
    run = fakes.run()
    [light], configs = share_configs([run])
    (slot, _), good = slots(light, run)
    found = [(slot, Unstackable("a gap")), good] | WriteSample(configs, str(tmp_path))
    assert list(found.failed) == [RunFailed(light, "a gap", "alice")]
    assert [record.agent_id for _, record in found.staged] == ["bob"]


def test_a_full_disk_is_not_a_dead_letter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = fakes.run()
    [light], configs = share_configs([run])

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr("townlet.dataset.store.local._write_file", full)
    with pytest.raises(OutputError, match="the disk is full"):
        slots(light, run) | WriteSample(configs, str(tmp_path), str(tmp_path))
    [signal] = [path for path in tmp_path.iterdir() if path.is_file()]
    assert "the disk is full" in signal.read_text()


def test_the_end_of_a_run_stages_its_receipt_and_records_stay_there(tmp_path: Path) -> None:
    store, run = LocalStore(tmp_path), fakes.run()
    [light], configs = share_configs([run])
    records = staged(store, run)
    items = [(run_key(run), item) for item in (*records, RunEnd(light, 2))]
    [(key, end)] = items | WriteReceipt(configs, str(tmp_path))
    assert key == run_key(run)
    assert (end.run, end.samples, end.kept) == (light, 2, "receipt")
    assert end.content == run_content_digest(records)
    assert read_receipt(store, run) == records


@pytest.mark.parametrize(
    "order", [[0, 2, 1], [0, 2], [0, 1]], ids=["end too early", "a sample lost", "no end"]
)
def test_no_receipt_without_all_samples(tmp_path: Path, order: list[int]) -> None:
    store, run = LocalStore(tmp_path), fakes.run()
    [light], configs = share_configs([run])
    items = [*staged(store, run), RunEnd(light, 2)]
    passed = [(run_key(run), items[number]) for number in order] | WriteReceipt(configs, str(tmp_path))
    assert [items.index(item) for _, item in passed] == sorted(order, key=[0, 2, 1].index)
    assert read_receipt(store, run) is None


def judged(*items: object) -> RunResult:
    judge = MergeRunResults()
    parts = [judge.add_input(judge.create_accumulator(), item) for item in items]
    return judge.extract_output(judge.merge_accumulators(parts))


def test_a_verdict_does_not_depend_on_order_or_doubles(tmp_path: Path) -> None:
    run = fakes.run()
    items = [*staged(LocalStore(tmp_path), run), RunEnd(run, 2)]
    for order in ([0, 1, 2], [2, 1, 0], [1, 0, 2, 1, 2]):
        verdict = judged(*(items[number] for number in order))
        assert verdict.complaint() is None
        assert verdict.run == run
        assert len(verdict.records) == 2


RUN = fakes.run()
KEPT = RunEnd(RUN, 2, "receipt", "aaaa")


@pytest.mark.parametrize(
    ("items", "complaint"),
    [
        ([RunEnd(RUN, 2)], "expected 2 samples, found 0"),
        ([RunEnd(RUN, 0)], "nobody lived in it"),
        ([RunEnd(fakes.run(agent="eve"), 0)], "nobody named 'eve' lived in it"),
        ([RunFailed(RUN, "b"), RunFailed(RUN, "a"), KEPT], "a"),
        (
            [KEPT, RunEnd(fakes.run(ticks=7), 2, "receipt", "aaaa")],
            "two different runs are called hamlet seed 0",
        ),
        (
            [KEPT, RunEnd(RUN, 2, "receipt", "bbbb")],
            "two different contents (aaaa and bbbb); the same run must give the same bytes",
        ),
        ([KEPT, KEPT, RunEnd(RUN, kept="published")], None),
    ],
)
def test_what_is_not_whole_is_not_published(items: list, complaint: str | None) -> None:
    for order in (items, items[::-1]):
        found = judged(*order).complaint()
        assert (found and found.reason) == complaint


def test_where_a_runs_records_are(tmp_path: Path) -> None:
    assert judged(RunEnd(RUN, 2)).kept == ""
    assert judged(KEPT, RunEnd(RUN, kept="published")).kept == "published"


def verdicts(store: LocalStore, *runs: Run) -> list[tuple[RunKey, RunResult]]:
    light, _ = share_configs(runs)
    return [
        (run_key(run), RunResult([RunEnd(named, 2)], staged(store, run)))
        for run, named in zip(runs, light, strict=True)
    ]


@pytest.mark.parametrize(("at_once", "samples"), [(1, 256), (2, 256), (256, 1), (256, 3), (256, 256)])
def test_runs_are_published_in_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int, samples: int
) -> None:
    monkeypatch.setattr(sinks, "PUBLISH_BATCH_SIZE", at_once)
    monkeypatch.setattr(sinks, "SAMPLES_BATCH_SIZE", samples)
    store = LocalStore(tmp_path)
    runs = [fakes.in_data_set(fakes.run(seed=seed)) for seed in range(5)]
    found = verdicts(store, *runs) | PublishRun(share_configs(runs)[1], str(tmp_path))
    assert sorted(item.run.seed for item in found) == [0, 1, 2, 3, 4]
    assert {len(item.samples) for item in found} == {2}
    assert all(state_of(store, run) == "done" for run in runs)


def test_publishing_twice_is_harmless(tmp_path: Path) -> None:
    store, run = LocalStore(tmp_path), fakes.in_data_set(fakes.run())
    [light], configs = share_configs([run])
    stage_receipt(store, run, 2, staged(store, run))
    verdict = [(run_key(run), RunResult([RunEnd(light, 2, "receipt", "aaaa")]))]
    [(first, samples, _)] = verdict | PublishRun(configs, str(tmp_path))
    [(second, same, _)] = verdict | PublishRun(configs, str(tmp_path))
    assert (first.manifest, first.size) == (second.manifest, second.size)
    assert [record.key for record in samples] == [record.key for record in same]
    assert second.was_there


def test_samples_that_are_gone_are_a_failure(tmp_path: Path) -> None:
    run = fakes.in_data_set(fakes.run())
    [light], configs = share_configs([run])
    verdict = RunResult([RunEnd(light, 2, "receipt", "aaaa")])
    [failure] = [(run_key(run), verdict)] | PublishRun(configs, str(tmp_path))
    assert failure.reason.startswith("its samples are gone")


def test_a_run_that_is_refused_does_not_hold_up_the_others(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    runs = [fakes.in_data_set(fakes.run(seed=seed)) for seed in range(3)]
    known = verdicts(store, *runs)
    other = staged(store, fakes.in_data_set(fakes.run(seed=9)))
    publish_run(store, runs[1], [*known[1][1].records])
    changed = [record_of_other_content(record) for record in known[1][1].records]
    known[1] = (known[1][0], RunResult(known[1][1].ends, changed))
    found = known | PublishRun(share_configs(runs)[1], str(tmp_path))
    [failure] = [outcome for outcome in found if isinstance(outcome, RunFailed)]
    assert failure.run.seed == 1
    assert "other content" in failure.reason
    assert sorted(outcome[0].seed for outcome in found if outcome is not failure) == [0, 2]
    assert other


def record_of_other_content(record: SampleRecord) -> SampleRecord:
    return SampleRecord.from_json_dict({**record.to_json_dict(), "content_digest": "0" * 64})

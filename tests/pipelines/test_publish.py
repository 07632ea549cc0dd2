"""Publishing: what is known of a run, what keeps it from being published, and batches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.dataset.captures import status_of
from tests.pipelines import fakes
from tests.pipelines.test_stage import staged
from townlet.dataset.capture.commit import publish_run, stage_receipt
from townlet.dataset.format.records import SampleRecord
from townlet.dataset.status.status import RunStatus
from townlet.dataset.store.local import LocalStore
from townlet.pipelines import publish
from townlet.pipelines.elements import RunEnd, RunFailed, RunKey, run_key
from townlet.pipelines.publish import MergeRunResults, PublishRun, RunResult
from townlet.run import Run, by_reference


def merged(*items: object) -> RunResult:
    merge = MergeRunResults()
    parts = [merge.add_input(merge.create_accumulator(), item) for item in items]
    return merge.extract_output(merge.merge_accumulators(parts))


def test_a_result_does_not_depend_on_order_or_doubles(tmp_path: Path) -> None:
    run = fakes.run()
    items = [*staged(LocalStore(tmp_path), run), RunEnd(run, 2)]
    for order in ([0, 1, 2], [2, 1, 0], [1, 0, 2, 1, 2]):
        result = merged(*(items[number] for number in order))
        assert result.failure() is None
        assert result.run == run
        assert len(result.records) == 2


RUN = fakes.run()
PERSISTED = RunEnd(RUN, 2, RunStatus.SIMULATED, "aaaa")


@pytest.mark.parametrize(
    ("items", "reason"),
    [
        ([RunEnd(RUN, 2)], "expected 2 samples, found 0"),
        ([RunEnd(RUN, 0)], "nobody lived in it"),
        ([RunEnd(fakes.run(agent="eve"), 0)], "nobody named 'eve' lived in it"),
        ([RunFailed(RUN, "b"), RunFailed(RUN, "a"), PERSISTED], "a"),
        (
            [PERSISTED, RunEnd(fakes.run(ticks=7), 2, RunStatus.SIMULATED, "aaaa")],
            "two different runs are called hamlet seed 0",
        ),
        (
            [PERSISTED, RunEnd(RUN, 2, RunStatus.SIMULATED, "bbbb")],
            "two different contents (aaaa and bbbb); the same run must give the same bytes",
        ),
        ([PERSISTED, PERSISTED, RunEnd(RUN, persisted=RunStatus.PUBLISHED)], None),
    ],
)
def test_what_is_not_whole_is_not_published(items: list, reason: str | None) -> None:
    for order in (items, items[::-1]):
        found = merged(*order).failure()
        assert (found and found.reason) == reason


def test_where_a_runs_records_are(tmp_path: Path) -> None:
    assert merged(RunEnd(RUN, 2)).persisted is None
    assert merged(PERSISTED, RunEnd(RUN, persisted=RunStatus.PUBLISHED)).persisted is RunStatus.PUBLISHED


def results(store: LocalStore, *runs: Run) -> list[tuple[RunKey, RunResult]]:
    return [(run_key(run), RunResult([RunEnd(run.ref(), 2)], staged(store, run))) for run in runs]


@pytest.mark.parametrize(("at_once", "samples"), [(1, 256), (2, 256), (256, 1), (256, 3), (256, 256)])
def test_runs_are_published_in_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int, samples: int
) -> None:
    monkeypatch.setattr(publish, "PUBLISH_BATCH_SIZE", at_once)
    monkeypatch.setattr(publish, "SAMPLES_BATCH_SIZE", samples)
    store = LocalStore(tmp_path)
    runs = [fakes.in_data_set(fakes.run(seed=seed)) for seed in range(5)]
    found = results(store, *runs) | PublishRun(by_reference(runs)[1], str(tmp_path))
    assert sorted(item.run.seed for item in found) == [0, 1, 2, 3, 4]
    assert {len(item.samples) for item in found} == {2}
    assert all(status_of(store, run) == "published" for run in runs)


def test_publishing_twice_is_harmless(tmp_path: Path) -> None:
    store, run = LocalStore(tmp_path), fakes.in_data_set(fakes.run())
    ref = run.ref()
    stage_receipt(store, run, 2, staged(store, run))
    result = [(run_key(run), RunResult([RunEnd(ref, 2, RunStatus.SIMULATED, "aaaa")]))]
    [(first, samples, _)] = result | PublishRun(by_reference([run])[1], str(tmp_path))
    [(second, same, _)] = result | PublishRun(by_reference([run])[1], str(tmp_path))
    assert (first.manifest, first.size) == (second.manifest, second.size)
    assert [record.key for record in samples] == [record.key for record in same]
    assert second.was_there


def test_samples_that_are_gone_are_a_failure(tmp_path: Path) -> None:
    run = fakes.in_data_set(fakes.run())
    ref = run.ref()
    result = RunResult([RunEnd(ref, 2, RunStatus.SIMULATED, "aaaa")])
    [failure] = [(run_key(run), result)] | PublishRun(by_reference([run])[1], str(tmp_path))
    assert failure.reason.startswith("its samples are gone")


def test_a_run_that_is_refused_does_not_hold_up_the_others(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    runs = [fakes.in_data_set(fakes.run(seed=seed)) for seed in range(3)]
    known = results(store, *runs)
    other = staged(store, fakes.in_data_set(fakes.run(seed=9)))
    publish_run(store, runs[1], [*known[1][1].records])
    changed = [record_of_other_content(record) for record in known[1][1].records]
    known[1] = (known[1][0], RunResult(known[1][1].ends, changed))
    found = known | PublishRun(by_reference(runs)[1], str(tmp_path))
    [failure] = [outcome for outcome in found if isinstance(outcome, RunFailed)]
    assert failure.run.seed == 1
    assert "other content" in failure.reason
    assert sorted(outcome[0].seed for outcome in found if outcome is not failure) == [0, 2]
    assert other


def record_of_other_content(record: SampleRecord) -> SampleRecord:
    return replace(record, content_digest="0" * 64)

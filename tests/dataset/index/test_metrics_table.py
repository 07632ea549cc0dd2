"""The table of a shard: a row a sample, the same bytes however the rows came."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from tests.dataset.captures import capture, index, records_for
from tests.samples import make_run
from tests.sampling import first
from townlet.dataset.capture.commit import publish_run
from townlet.dataset.format.paths import run_folder
from townlet.dataset.format.records import FileRecord, RunRecord, SampleRecord
from townlet.dataset.format.sample_facts import COLUMNS
from townlet.dataset.index import metrics_table as rows
from townlet.dataset.index.metrics_summary import sums_of
from townlet.dataset.index.metrics_table import Rows, SampleRows, pack_rows, write_rows
from townlet.dataset.index.read_index import read_index
from townlet.dataset.reading.capture import load_capture
from townlet.dataset.store.local import LocalStore
from townlet.errors import CorruptSampleError

RUNS = [make_run(name, seed=seed, folder=run_folder(name, seed)) for name in ("a", "b") for seed in range(5)]
KEYS = [(run.name, run.seed) for run in RUNS]


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> dict[rows.RunKey, list[SampleRecord]]:
    store = LocalStore(tmp_path_factory.mktemp("staged"))
    return {(run.name, run.seed): records_for(store, run) for run in RUNS}


def packed(records: dict[rows.RunKey, list[SampleRecord]]) -> dict[rows.RunKey, bytes]:
    return {key: pack_rows(some) for key, some in records.items()}


def facts(file: FileRecord) -> tuple[str, str, int]:
    return file.name, file.sha256, file.size


def names_of(records: dict[rows.RunKey, list[SampleRecord]]) -> list[str]:
    return sorted({name for some in records.values() for record in some for name in record.metrics})


def test_what_a_row_says(records: dict[rows.RunKey, list[SampleRecord]]) -> None:
    data = write_rows(packed(records), None, KEYS)
    table = pq.read_table(io.BytesIO(data)).to_pylist()
    ordered = [record for key in KEYS for record in records[key]]
    assert len(table) == len(ordered) == 20
    for row, record in zip(table, ordered, strict=True):
        assert (row["scenario"], row["seed"], row["agent_id"]) == (record.run, record.seed, record.agent_id)
        assert (row["sample"], row["sha256"], row["size"]) == facts(record.npz)
        assert (row["meta"], row["meta_sha256"], row["meta_size"]) == facts(record.meta)
        figures = {name: row[name] for name in row if name not in COLUMNS}
        assert {**figures, "done": float(row["done"])} == record.metrics
    assert list(table[0]) == [*COLUMNS, *(name for name in names_of(records) if name != "done")]


@pytest.mark.parametrize("group", first(2, [1, 8192, 3, 7]))
@pytest.mark.parametrize("cut", [1, 4, 9])
def test_any_growth_gives_the_same_bytes(
    records: dict[rows.RunKey, list[SampleRecord]], group: int, cut: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "ROW_GROUP", group)
    every = packed(records)
    whole = write_rows(every, None, KEYS)
    for some in (KEYS[:cut], KEYS[cut:], KEYS[::cut]):
        first = write_rows({key: every[key] for key in some}, None, some)
        rest = {key: every[key] for key in KEYS if key not in some}
        assert write_rows(rest, Rows(SampleRows(first, "here")), KEYS) == whole


def test_a_figure_that_not_all_samples_have(records: dict[rows.RunKey, list[SampleRecord]]) -> None:
    [first, second] = [[*records[key]] for key in KEYS[:2]]
    first[0].metrics["smiles"] = 3
    try:
        old = write_rows({KEYS[1]: pack_rows(second)}, None, KEYS[1:2])
        data = write_rows({KEYS[0]: pack_rows(first)}, Rows(SampleRows(old, "here")), KEYS[:2])
        assert pq.read_table(io.BytesIO(data)).column("smiles").to_pylist() == [3.0, None, None, None]
        assert sums_of(SampleRows(data, "here"))["smiles"].count == 1
        without = write_rows({}, Rows(SampleRows(data, "here")), KEYS[1:2])
        assert without == old  # with the last sample that had it, a column goes
    finally:
        del first[0].metrics["smiles"]


def test_what_is_no_table() -> None:
    with pytest.raises(CorruptSampleError, match="here: not a table of samples"):
        Rows(SampleRows(b"PAR1 and so on", "here"))


def test_the_index_names_it_and_its_captures_agree(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    capture(store, *RUNS)
    facts = read_index(store).facts
    table = ds.dataset(tmp_path / "index" / "samples").to_table().to_pylist()
    assert len(table) == facts.sample_count
    for row in table[::3]:
        opened = load_capture(tmp_path / "runs" / row["scenario"] / f"seed-{row['seed']}")
        entry = next(entry for entry in opened.document["samples"] if entry["sample"] == row["sample"])
        assert (entry["sha256"], entry["content_digest"]) == (row["sha256"], row["content_digest"])


def published(store: LocalStore) -> tuple[list[RunRecord], list[list[SampleRecord]]]:
    every = [records_for(store, run) for run in RUNS]
    return [publish_run(store, run, some) for run, some in zip(RUNS, every, strict=True)], every


def test_the_card(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    document = index(store, *published(store), suites=["smoke"], whole=False)
    card = store.read("README.md").decode()
    assert card.startswith("# Replay data: smoke\n")
    assert "10 runs, 20 samples, 400 timesteps, " in card
    assert "**Not complete:** not all planned runs are there (smoke)." in card
    assert "townlet capture smoke.yaml --output DIR" in card
    assert "| a | 5 | 0..4 | 20 | 10 | 200 | " in card
    assert "| reward_sum | " in card
    assert document.facts.suites == ("smoke",)
    document = index(store, *published(store), suites=["nightly"])
    assert not document.facts.complete  # smoke was captured in part
    document = index(store, *published(store), suites=["smoke"])
    assert document.facts.suites == ("nightly", "smoke")
    assert document.facts.complete
    assert "Not complete" not in store.read("README.md").decode()
    log = json.loads(store.read("capture_log.json"))
    assert "finished" in log

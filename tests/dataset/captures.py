"""Capturing by hand: what the pipeline does, in one process and without Beam."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.samples import make_samples
from townlet.dataset.capture.commit import (
    begin_run,
    publish_runs,
    records_of,
    stage_receipt,
    stage_sample,
)
from townlet.dataset.capture.preflight import check_output
from townlet.dataset.format.records import RunRecord, SampleRecord
from townlet.dataset.index.build_shards import indexed
from townlet.dataset.index.read_index import DataSetIndex
from townlet.dataset.index.write_index import write_index
from townlet.dataset.status.receipts import read_receipt
from townlet.dataset.status.run_status import run_status
from townlet.dataset.store.contract import Store
from townlet.run import Run


def capture(store: Store, *runs: Run, agents: int = 2) -> list[RunRecord]:
    """Capture runs, or finish what an earlier attempt has left."""
    check_output(store, runs)
    records = [records_for(store, run, agents) for run in runs]
    published = publish_runs(store, list(zip(runs, records, strict=True)))
    if runs[0].folder:
        index(store, published, records)
    return published


def index(
    store: Store, published: Sequence[RunRecord], records: Sequence[Sequence[SampleRecord]], **more: Any
) -> DataSetIndex:
    runs = [indexed(run, some) for run, some in zip(published, records, strict=True)]
    return write_index(store, runs, **more)


def records_for(store: Store, run: Run, agents: int = 2) -> list[SampleRecord]:
    status = status_of(store, run)
    if status == "published":
        return records_of(store, run)
    receipt = read_receipt(store, run) if status == "simulated" else None
    if receipt is not None:
        return receipt
    return stage_receipt(store, run, agents, stage(store, run, agents))


def status_of(store: Store, run: Run) -> str:
    """As a worker finds it out, who knows no index."""
    return run_status(store, run).status.value


def stage(store: Store, run: Run, agents: int = 2) -> list[SampleRecord]:
    begin_run(store, run)
    return [stage_sample(store, run, key, sample) for key, sample in make_samples(run, agents)]


def content(folder: Path) -> dict[str, bytes]:
    """Every file below a folder but the logs, which tell the time."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "capture_log.json"
    }


def folders(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_dir())


def flip(path: Path, offset: int) -> None:
    """Change one bit of a byte, in place; once more, and it is as it was."""
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1 << offset % 8]))
